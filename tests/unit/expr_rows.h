/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A small batch for the tests of expressions, from texts; NULL is null. */
#ifndef FORELINE_TEST_EXPR_ROWS_H
#define FORELINE_TEST_EXPR_ROWS_H

#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "table/batch.h"

static inline void rows_put(struct batch *b, uint32_t c, uint32_t row, const char *text)
{
    struct column *k = &b->cols[c];
    if (k->text)
        k->text[row] = (struct text){"", 0, 0};
    if (k->type == TYPE_INTEGER)
        k->v.i64[row] = 77;
    else if (k->type == TYPE_FLOAT)
        k->v.f64[row] = 77;
    else if (k->type == TYPE_BOOLEAN)
        k->v.b8[row] = 1;
    if (!text)
        return;
    column_set_valid(k, row);
    if (k->type == TYPE_INTEGER)
        num_parse_int(slice_str(text), &k->v.i64[row]);
    else if (k->type == TYPE_FLOAT)
        num_parse_float(slice_str(text), &k->v.f64[row]);
    else if (k->type == TYPE_BOOLEAN)
        k->v.b8[row] = strcmp(text, "true") == 0;
    if (k->text)
        k->text[row] = (struct text){text, (uint32_t)strlen(text), 0};
}

/* With `extra` further columns that are not filled. */
static inline struct batch *rows_batch(const struct schema *s, const char *const *cells,
                                       uint32_t rows, uint32_t extra)
{
    struct batch *b = batch_new(s->n + extra, NULL);
    b->rows = rows;
    for (uint32_t c = 0; c < s->n; c++) {
        column_alloc(b, c, s->fields[c].type, true);
        for (uint32_t r = 0; r < rows; r++)
            rows_put(b, c, r, cells[r * s->n + c]);
    }
    return b;
}

#endif
