/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Random batches of all types, for the tests of what keeps rows. */
#ifndef FORELINE_TESTS_ENGINE_ROWS_H
#define FORELINE_TESTS_ENGINE_ROWS_H

#include <string.h>

#include "base/num.h"
#include "base/rng.h"
#include "table/batch.h"
#include "tests/unit/suite.h"

#define NTYPES 8
static const enum type all_types[NTYPES] = {TYPE_NONE, TYPE_BOOLEAN,   TYPE_INTEGER, TYPE_FLOAT,
                                            TYPE_DATE, TYPE_TIMESTAMP, TYPE_STRING,  TYPE_JSON};

static inline void put_text(struct batch *b, uint32_t c, uint32_t row, const char *text, size_t len,
                            uint32_t flags)
{
    b->cols[c].text[row] = (struct text){arena_strndup(&b->mem, text, len), (uint32_t)len, flags};
    column_set_valid(&b->cols[c], row);
}

/* As a reader makes it: numbers with the text they were read with. */
static inline void fill_read(struct batch *b, uint32_t c, enum type t, struct rng *rng)
{
    static const char *const integers[] = {"0", "-0", "17", "-9223372036854775808",
                                           "9223372036854775807"};
    static const char *const floats[] = {"1.50",
                                         "-0",
                                         "0.1",
                                         "1e3",
                                         "-1.7976931348623157e308",
                                         "100000000000000000000000000000000000"};
    static const char *const values[] = {"null",  "false", "true",     "12",
                                         "-0",    "1e3",   "\"abc\"",  "\"ab\\u0063d\"",
                                         "[1,2]", "[]",    "{\"a\":1}"};
    static const char *const booleans[] = {"true", "FALSE", "True", "false"};
    column_alloc(b, c, t, true);
    memset(b->cols[c].text, 0, BATCH_ROWS * sizeof(struct text));
    for (uint32_t i = 0; i < b->rows && t != TYPE_NONE; i++) {
        uint64_t x = rng_u64(rng);
        if (x % 7 == 0) {
            if (t == TYPE_INTEGER || t == TYPE_FLOAT)
                b->cols[c].v.i64[i] = 0;
            else if (t == TYPE_BOOLEAN)
                b->cols[c].v.b8[i] = 0;
            continue;
        }
        x >>= 8;
        const char *s = t == TYPE_INTEGER   ? integers[x % ARRAY_LEN(integers)]
                        : t == TYPE_FLOAT   ? floats[x % ARRAY_LEN(floats)]
                        : t == TYPE_BOOLEAN ? booleans[x % ARRAY_LEN(booleans)]
                        : t == TYPE_JSON    ? values[x % ARRAY_LEN(values)]
                                            : NULL;
        if (t == TYPE_JSON) {
            bool nested = s[0] == '[' || s[0] == '{';
            put_text(b, c, i, s, strlen(s),
                     nested ? TEXT_NESTED | (uint32_t)(x % 1000) << TEXT_ELEMENTS_SHIFT : 0);
            continue;
        }
        if (s) {
            put_text(b, c, i, s, strlen(s), (x >> 32) & 1 ? TEXT_QUOTED : 0);
            struct slice text = slice_str(s);
            bool ok = true;
            if (t == TYPE_INTEGER)
                ok = num_parse_int(text, &b->cols[c].v.i64[i]);
            else if (t == TYPE_FLOAT)
                ok = num_parse_float(text, &b->cols[c].v.f64[i]);
            else
                b->cols[c].v.b8[i] = s[0] == 't' || s[0] == 'T';
            if (!ok)
                ck_abort_msg("'%s' is no number", s);
            continue;
        }
        char tmp[300];
        size_t len = x % 11 == 0 ? x % 300 : x % 20;
        /* Common beginnings, also long ones, and short texts that are equal. */
        for (size_t k = 0; k < len; k++)
            tmp[k] = (char)(x % 3 == 0 ? 'a' + (k + 3 > len ? rng_u64(rng) % 3 : 0) : rng_u64(rng));
        uint32_t flags = len == 0 || x % 3 == 0 ? TEXT_QUOTED : 0;
        put_text(b, c, i, tmp, len, flags);
    }
}

/* As an expression makes it: numbers without text. */
static inline void fill_computed(struct batch *b, uint32_t c, enum type t, struct rng *rng)
{
    column_alloc(b, c, t, false);
    for (uint32_t i = 0; i < b->rows; i++) {
        uint64_t x = rng_u64(rng);
        if (x % 5 == 0) {
            x = 0;
        } else {
            column_set_valid(&b->cols[c], i);
        }
        if (t == TYPE_BOOLEAN)
            b->cols[c].v.b8[i] = x & 1;
        else if (t == TYPE_FLOAT)
            b->cols[c].v.f64[i] = (double)(int64_t)x / 7;
        else
            b->cols[c].v.i64[i] = (int64_t)x;
    }
}

static inline struct batch *random_batch(const enum type *types, uint32_t ncols, uint32_t rows,
                                         struct rng *rng)
{
    struct batch *b = batch_new(ncols, NULL);
    b->rows = rows;
    for (uint32_t c = 0; c < ncols; c++) {
        bool number = type_is_number(types[c]) || types[c] == TYPE_BOOLEAN;
        if (number && rng_u64(rng) % 2)
            fill_computed(b, c, types[c], rng);
        else
            fill_read(b, c, types[c], rng);
    }
    return b;
}

#endif
