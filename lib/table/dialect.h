/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which delimiter, quote and escape a text table was written with, told from its beginning.
 *
 * Each candidate splits the bytes, and the split is scored, after van den Burg, Nazábal and Sutton
 * 2019, "Wrangling messy CSV files by detecting row and type patterns": how alike the records are
 * (share of the most frequent width, that is more than one) times how well the cells look like
 * something (numbers, dates, addresses, text in quotes; then plain text; not at all: a quote on
 * one end). Blank, colon and other characters that are common in text start with less. One column
 * is what is left when no delimiter splits the lines alike, or when whole lines are numbers, times
 * or addresses. Candidates that split into the very same fields are one; the first of them in the
 * order below is taken.
 *
 * Not here: reading by the dialect (csv.c), what becomes of quotes that do not fit (mend.h). */
#ifndef FORELINE_DIALECT_H
#define FORELINE_DIALECT_H

#include "base/base.h"

struct dialect {
    int delimiter; /* -1: none, in a table of one column with commas */
    int quote;     /* -1: none */
    int escape;    /* -1: none but doubling */
    bool cr;       /* lines end at a bare CR */
};

/* So much of the input is looked at. */
#define DIALECT_BYTES ((size_t)64 << 10)
#define DIALECT_RIVALS 4
/* A rival with this share of the best score is a tie. */
#define DIALECT_TIE 0.75

struct dialect_guess {
    struct dialect best;
    uint32_t columns; /* the most frequent width; 0: there is no record */
    /* Share of the best in the sum of its score and that of the best rival: 0.5 is a tie, 1 without
     * rivals. 0: nothing was looked at. */
    double confidence;
    /* Those that split otherwise and come close, best first. */
    struct dialect ties[DIALECT_RIVALS];
    size_t nties;
    /* Every cell of the first record is of its column's type, and one at least is no text: it looks
     * like data, not like names. */
    bool first_is_data;
};

/* What the user has said: 0 is open, -1 none (of quotes). */
struct dialect_given {
    int delimiter, quote, escape;
};

/* `head` is the beginning of the input, all of it if `whole`; BLOCK_SLACK bytes behind it are
 * readable and may be anything. */
void dialect_detect(struct slice head, bool whole, const struct dialect_given *given,
                    struct dialect_guess *out);
/* "tab", "space", "';'": for messages. `to` holds 8 bytes. */
const char *dialect_char_name(int c, char to[8]);

#endif
