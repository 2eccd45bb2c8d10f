/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The country codes of ISO 3166-1 (249 as of 2024), as bits: a test costs one look-up. */
#include "profile/formats.h"

#define LETTERS 26
#define AT(c) [(c) - 'A']
#define BIT(c) (UINT32_C(1) << ((c) - 'A'))

/* First letter to the second ones. */
static const uint32_t alpha2[LETTERS] = {
    AT('A') = BIT('D') | BIT('E') | BIT('F') | BIT('G') | BIT('I') | BIT('L') | BIT('M') |
              BIT('O') | BIT('Q') | BIT('R') | BIT('S') | BIT('T') | BIT('U') | BIT('W') |
              BIT('X') | BIT('Z'),
    AT('B') = BIT('A') | BIT('B') | BIT('D') | BIT('E') | BIT('F') | BIT('G') | BIT('H') |
              BIT('I') | BIT('J') | BIT('L') | BIT('M') | BIT('N') | BIT('O') | BIT('Q') |
              BIT('R') | BIT('S') | BIT('T') | BIT('V') | BIT('W') | BIT('Y') | BIT('Z'),
    AT('C') = BIT('A') | BIT('C') | BIT('D') | BIT('F') | BIT('G') | BIT('H') | BIT('I') |
              BIT('K') | BIT('L') | BIT('M') | BIT('N') | BIT('O') | BIT('R') | BIT('U') |
              BIT('V') | BIT('W') | BIT('X') | BIT('Y') | BIT('Z'),
    AT('D') = BIT('E') | BIT('J') | BIT('K') | BIT('M') | BIT('O') | BIT('Z'),
    AT('E') = BIT('C') | BIT('E') | BIT('G') | BIT('H') | BIT('R') | BIT('S') | BIT('T'),
    AT('F') = BIT('I') | BIT('J') | BIT('K') | BIT('M') | BIT('O') | BIT('R'),
    AT('G') = BIT('A') | BIT('B') | BIT('D') | BIT('E') | BIT('F') | BIT('G') | BIT('H') |
              BIT('I') | BIT('L') | BIT('M') | BIT('N') | BIT('P') | BIT('Q') | BIT('R') |
              BIT('S') | BIT('T') | BIT('U') | BIT('W') | BIT('Y'),
    AT('H') = BIT('K') | BIT('M') | BIT('N') | BIT('R') | BIT('T') | BIT('U'),
    AT('I') = BIT('D') | BIT('E') | BIT('L') | BIT('M') | BIT('N') | BIT('O') | BIT('Q') |
              BIT('R') | BIT('S') | BIT('T'),
    AT('J') = BIT('E') | BIT('M') | BIT('O') | BIT('P'),
    AT('K') = BIT('E') | BIT('G') | BIT('H') | BIT('I') | BIT('M') | BIT('N') | BIT('P') |
              BIT('R') | BIT('W') | BIT('Y') | BIT('Z'),
    AT('L') = BIT('A') | BIT('B') | BIT('C') | BIT('I') | BIT('K') | BIT('R') | BIT('S') |
              BIT('T') | BIT('U') | BIT('V') | BIT('Y'),
    AT('M') = BIT('A') | BIT('C') | BIT('D') | BIT('E') | BIT('F') | BIT('G') | BIT('H') |
              BIT('K') | BIT('L') | BIT('M') | BIT('N') | BIT('O') | BIT('P') | BIT('Q') |
              BIT('R') | BIT('S') | BIT('T') | BIT('U') | BIT('V') | BIT('W') | BIT('X') |
              BIT('Y') | BIT('Z'),
    AT('N') = BIT('A') | BIT('C') | BIT('E') | BIT('F') | BIT('G') | BIT('I') | BIT('L') |
              BIT('O') | BIT('P') | BIT('R') | BIT('U') | BIT('Z'),
    AT('O') = BIT('M'),
    AT('P') = BIT('A') | BIT('E') | BIT('F') | BIT('G') | BIT('H') | BIT('K') | BIT('L') |
              BIT('M') | BIT('N') | BIT('R') | BIT('S') | BIT('T') | BIT('W') | BIT('Y'),
    AT('Q') = BIT('A'),
    AT('R') = BIT('E') | BIT('O') | BIT('S') | BIT('U') | BIT('W'),
    AT('S') = BIT('A') | BIT('B') | BIT('C') | BIT('D') | BIT('E') | BIT('G') | BIT('H') |
              BIT('I') | BIT('J') | BIT('K') | BIT('L') | BIT('M') | BIT('N') | BIT('O') |
              BIT('R') | BIT('S') | BIT('T') | BIT('V') | BIT('X') | BIT('Y') | BIT('Z'),
    AT('T') = BIT('C') | BIT('D') | BIT('F') | BIT('G') | BIT('H') | BIT('J') | BIT('K') |
              BIT('L') | BIT('M') | BIT('N') | BIT('O') | BIT('R') | BIT('T') | BIT('V') |
              BIT('W') | BIT('Z'),
    AT('U') = BIT('A') | BIT('G') | BIT('M') | BIT('S') | BIT('Y') | BIT('Z'),
    AT('V') = BIT('A') | BIT('C') | BIT('E') | BIT('G') | BIT('I') | BIT('N') | BIT('U'),
    AT('W') = BIT('F') | BIT('S'),
    AT('Y') = BIT('E') | BIT('T'),
    AT('Z') = BIT('A') | BIT('M') | BIT('W'),
};

/* First and second letter to the third ones. */
static const uint32_t alpha3[LETTERS][LETTERS] = {
    AT('A') = {AT('B') = BIT('W'), AT('F') = BIT('G'), AT('G') = BIT('O'), AT('I') = BIT('A'),
               AT('L') = BIT('A') | BIT('B'), AT('N') = BIT('D'),
               AT('R') = BIT('E') | BIT('G') | BIT('M'), AT('S') = BIT('M'),
               AT('T') = BIT('A') | BIT('F') | BIT('G'), AT('U') = BIT('S') | BIT('T'),
               AT('Z') = BIT('E')},
    AT('B') = {AT('D') = BIT('I'), AT('E') = BIT('L') | BIT('N') | BIT('S'), AT('F') = BIT('A'),
               AT('G') = BIT('D') | BIT('R'), AT('H') = BIT('R') | BIT('S'), AT('I') = BIT('H'),
               AT('L') = BIT('M') | BIT('R') | BIT('Z'), AT('M') = BIT('U'), AT('O') = BIT('L'),
               AT('R') = BIT('A') | BIT('B') | BIT('N'), AT('T') = BIT('N'), AT('V') = BIT('T'),
               AT('W') = BIT('A')},
    AT('C') = {AT('A') = BIT('F') | BIT('N'), AT('C') = BIT('K'),
               AT('H') = BIT('E') | BIT('L') | BIT('N'), AT('I') = BIT('V'), AT('M') = BIT('R'),
               AT('O') = BIT('D') | BIT('G') | BIT('K') | BIT('L') | BIT('M'), AT('P') = BIT('V'),
               AT('R') = BIT('I'), AT('U') = BIT('B') | BIT('W'), AT('X') = BIT('R'),
               AT('Y') = BIT('M') | BIT('P'), AT('Z') = BIT('E')},
    AT('D') = {AT('E') = BIT('U'), AT('J') = BIT('I'), AT('M') = BIT('A'), AT('N') = BIT('K'),
               AT('O') = BIT('M'), AT('Z') = BIT('A')},
    AT('E') = {AT('C') = BIT('U'), AT('G') = BIT('Y'), AT('R') = BIT('I'),
               AT('S') = BIT('H') | BIT('P') | BIT('T'), AT('T') = BIT('H')},
    AT('F') = {AT('I') = BIT('N'), AT('J') = BIT('I'), AT('L') = BIT('K'),
               AT('R') = BIT('A') | BIT('O'), AT('S') = BIT('M')},
    AT('G') = {AT('A') = BIT('B'), AT('B') = BIT('R'), AT('E') = BIT('O'), AT('G') = BIT('Y'),
               AT('H') = BIT('A'), AT('I') = BIT('B') | BIT('N'), AT('L') = BIT('P'),
               AT('M') = BIT('B'), AT('N') = BIT('B') | BIT('Q'),
               AT('R') = BIT('C') | BIT('D') | BIT('L'), AT('T') = BIT('M'),
               AT('U') = BIT('F') | BIT('M') | BIT('Y')},
    AT('H') = {AT('K') = BIT('G'), AT('M') = BIT('D'), AT('N') = BIT('D'), AT('R') = BIT('V'),
               AT('T') = BIT('I'), AT('U') = BIT('N')},
    AT('I') = {AT('D') = BIT('N'), AT('M') = BIT('N'), AT('N') = BIT('D'), AT('O') = BIT('T'),
               AT('R') = BIT('L') | BIT('N') | BIT('Q'), AT('S') = BIT('L') | BIT('R'),
               AT('T') = BIT('A')},
    AT('J') = {AT('A') = BIT('M'), AT('E') = BIT('Y'), AT('O') = BIT('R'), AT('P') = BIT('N')},
    AT('K') = {AT('A') = BIT('Z'), AT('E') = BIT('N'), AT('G') = BIT('Z'), AT('H') = BIT('M'),
               AT('I') = BIT('R'), AT('N') = BIT('A'), AT('O') = BIT('R'), AT('W') = BIT('T')},
    AT('L') = {AT('A') = BIT('O'), AT('B') = BIT('N') | BIT('R') | BIT('Y'), AT('C') = BIT('A'),
               AT('I') = BIT('E'), AT('K') = BIT('A'), AT('S') = BIT('O'), AT('T') = BIT('U'),
               AT('U') = BIT('X'), AT('V') = BIT('A')},
    AT('M') = {AT('A') = BIT('C') | BIT('F') | BIT('R'), AT('C') = BIT('O'),
               AT('D') = BIT('A') | BIT('G') | BIT('V'), AT('E') = BIT('X'), AT('H') = BIT('L'),
               AT('K') = BIT('D'), AT('L') = BIT('I') | BIT('T'), AT('M') = BIT('R'),
               AT('N') = BIT('E') | BIT('G') | BIT('P'), AT('O') = BIT('Z'), AT('R') = BIT('T'),
               AT('S') = BIT('R'), AT('T') = BIT('Q'), AT('U') = BIT('S'), AT('W') = BIT('I'),
               AT('Y') = BIT('S') | BIT('T')},
    AT('N') = {AT('A') = BIT('M'), AT('C') = BIT('L'), AT('E') = BIT('R'), AT('F') = BIT('K'),
               AT('G') = BIT('A'), AT('I') = BIT('C') | BIT('U'), AT('L') = BIT('D'),
               AT('O') = BIT('R'), AT('P') = BIT('L'), AT('R') = BIT('U'), AT('Z') = BIT('L')},
    AT('O') = {AT('M') = BIT('N')},
    AT('P') = {AT('A') = BIT('K') | BIT('N'), AT('C') = BIT('N'), AT('E') = BIT('R'),
               AT('H') = BIT('L'), AT('L') = BIT('W'), AT('N') = BIT('G'), AT('O') = BIT('L'),
               AT('R') = BIT('I') | BIT('K') | BIT('T') | BIT('Y'), AT('S') = BIT('E'),
               AT('Y') = BIT('F')},
    AT('Q') = {AT('A') = BIT('T')},
    AT('R') = {AT('E') = BIT('U'), AT('O') = BIT('U'), AT('U') = BIT('S'), AT('W') = BIT('A')},
    AT('S') = {AT('A') = BIT('U'), AT('D') = BIT('N'), AT('E') = BIT('N'),
               AT('G') = BIT('P') | BIT('S'), AT('H') = BIT('N'), AT('J') = BIT('M'),
               AT('L') = BIT('B') | BIT('E') | BIT('V'), AT('M') = BIT('R'), AT('O') = BIT('M'),
               AT('P') = BIT('M'), AT('R') = BIT('B'), AT('S') = BIT('D'), AT('T') = BIT('P'),
               AT('U') = BIT('R'), AT('V') = BIT('K') | BIT('N'), AT('W') = BIT('E') | BIT('Z'),
               AT('X') = BIT('M'), AT('Y') = BIT('C') | BIT('R')},
    AT('T') = {AT('C') = BIT('A') | BIT('D'), AT('G') = BIT('O'), AT('H') = BIT('A'),
               AT('J') = BIT('K'), AT('K') = BIT('L') | BIT('M'), AT('L') = BIT('S'),
               AT('O') = BIT('N'), AT('T') = BIT('O'), AT('U') = BIT('N') | BIT('R') | BIT('V'),
               AT('W') = BIT('N'), AT('Z') = BIT('A')},
    AT('U') = {AT('G') = BIT('A'), AT('K') = BIT('R'), AT('M') = BIT('I'), AT('R') = BIT('Y'),
               AT('S') = BIT('A'), AT('Z') = BIT('B')},
    AT('V') = {AT('A') = BIT('T'), AT('C') = BIT('T'), AT('E') = BIT('N'), AT('G') = BIT('B'),
               AT('I') = BIT('R'), AT('N') = BIT('M'), AT('U') = BIT('T')},
    AT('W') = {AT('L') = BIT('F'), AT('S') = BIT('M')},
    AT('Y') = {AT('E') = BIT('M')},
    AT('Z') = {AT('A') = BIT('F'), AT('M') = BIT('B'), AT('W') = BIT('E')},
};

static inline unsigned letter(char c)
{
    return (unsigned)(unsigned char)c - 'A';
}

bool profile_is_country(struct slice s)
{
    unsigned a, b, c;
    if (s.len < 2 || s.len > 3)
        return false;
    a = letter(s.p[0]);
    b = letter(s.p[1]);
    if (a >= LETTERS || b >= LETTERS)
        return false;
    if (s.len == 2)
        return alpha2[a] >> b & 1;
    c = letter(s.p[2]);
    return c < LETTERS && (alpha3[a][b] >> c & 1);
}
