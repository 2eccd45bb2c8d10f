/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Doubles by the thousand, and base64. */
#include "base/pack.h"

void pack_doubles(struct buf *out, const double *x, size_t n)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    buf_add(out, x, n * sizeof(*x));
#else
    for (size_t i = 0; i < n; i++)
        pack_double(out, x[i]);
#endif
}

bool unpack_doubles(struct unpack *u, double *x, size_t n)
{
    if (!unpack_holds(u, n, sizeof(*x))) {
        u->bad = true;
        return false;
    }
    for (size_t i = 0; i < n; i++)
        x[i] = unpack_double(u);
    return true;
}

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(struct buf *out, struct slice bytes)
{
    const unsigned char *p = (const unsigned char *)bytes.p;
    size_t groups = (bytes.len + 2) / 3;
    char *to = groups > 0 ? buf_room(out, groups * 4) : NULL;
    if (to == NULL)
        return;
    out->len += groups * 4;
    for (size_t left = bytes.len; left > 0; p += 3, to += 4) {
        size_t n = left < 3 ? left : 3;
        uint32_t v = (uint32_t)p[0] << 16 | (n > 1 ? (uint32_t)p[1] << 8 : 0) | (n > 2 ? p[2] : 0);
        to[0] = digits[v >> 18];
        to[1] = digits[v >> 12 & 63];
        to[2] = n > 1 ? digits[v >> 6 & 63] : '=';
        to[3] = n > 2 ? digits[v & 63] : '=';
        left -= n;
    }
    *to = '\0';
}

/* Of a digit its value and 1. */
static const unsigned char values[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
    ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
    ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64};

bool base64_decode(struct buf *out, struct slice text)
{
    if (text.len % 4 != 0)
        return false;
    if (text.len == 0)
        return true;
    size_t pad = 0, had = out->len;
    while (pad < 2 && text.p[text.len - 1 - pad] == '=')
        pad++;
    char *to = buf_room(out, text.len / 4 * 3);
    if (to == NULL)
        return false;
    uint32_t bad = 0, v = 0;
    for (size_t i = 0; i < text.len; i += 4) {
        v = 0;
        for (size_t k = 0; k < 4; k++) {
            uint32_t d = values[(unsigned char)text.p[i + k]] - 1u;
            if (i + k >= text.len - pad)
                d = 0;
            bad |= d >> 6;
            v = v << 6 | (d & 63);
        }
        *to++ = (char)(unsigned char)(v >> 16);
        *to++ = (char)(unsigned char)(v >> 8);
        *to++ = (char)(unsigned char)v;
    }
    if (bad || (v & ((1u << (8 * pad)) - 1)) != 0) {
        out->p[had] = '\0';
        return false;
    }
    out->len = had + text.len / 4 * 3 - pad;
    out->p[out->len] = '\0';
    return true;
}
