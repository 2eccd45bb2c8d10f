/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows that an operator keeps: columns in chunks of ROWS_CHUNK, text copied, numbered from 0 in the
 * order they came. Chunks never move, so what a gathered batch points at stays until rows_release.
 *
 * A number keeps the text it was read with only where formatting the value would not give it back
 * ("1.50", "-0"), so integers cost 8 bytes.
 */
#ifndef FORELINE_ENGINE_ROWS_H
#define FORELINE_ENGINE_ROWS_H

#include "table/batch.h"

#define ROWS_SHIFT 12
#define ROWS_CHUNK (1u << ROWS_SHIFT)
#define ROWS_MAX UINT32_C(0xfffffff0)
#define ROWS_NULL UINT32_MAX /* in rows_gather: a row of nulls */

struct rows_chunk {
    struct column *cols; /* vectors of `cap` rows; text of numbers NULL until one needs it */
    uint32_t cap;
};
struct rows {
    uint32_t ncols;
    enum type *types;
    bool *stored; /* a column that nobody reads is not kept: all null */
    bool *texts;  /* some value of this column of numbers needs its own text */
    struct rows_chunk *chunks;
    uint32_t nchunks;
    uint64_t n;
    struct arena mem;
};
/* Columns as in `s`. live: bit per column, NULL for all; columns without the bit are not stored. */
void rows_init(struct rows *r, const struct schema *s, const uint64_t *live,
               struct mem_account *acct);
void rows_release(struct rows *r);
/* Appends rows `list[0..n)` of `b` (NULL: the first n), column c from b's column map[c] (NULL: c).
 * false when ROWS_MAX is passed: ERR_ENV. */
bool rows_append(struct rows *r, const struct batch *b, const uint32_t *map, const uint32_t *list,
                 uint32_t n, struct err *err);
/* Column c of the row and the row's place in it. */
static inline const struct column *rows_at(const struct rows *r, uint32_t c, uint32_t row,
                                           uint32_t *at)
{
    *at = row & (ROWS_CHUNK - 1);
    return &r->chunks[row >> ROWS_SHIFT].cols[c];
}
/* Fills column `c` of `dst` (dst->rows == n) with column `from` of rows ids[0..n). */
void rows_gather(const struct rows *r, uint32_t from, const uint32_t *ids, uint32_t n,
                 struct batch *dst, uint32_t c);

/* The same from one batch: column `from` of `b` at rows list[0..n) into dst, sharing text: the
 * caller lets dst hold b. ROWS_NULL is allowed. */
void column_gather(const struct batch *b, uint32_t from, const uint32_t *list, uint32_t n,
                   struct batch *dst, uint32_t c);
/* Does a number or boolean that has text need it to be written as it was read? */
bool value_text_matters(enum type t, const struct column *src, uint32_t row);
/* Formats the values of rows of a number or boolean column whose text is still NULL. */
void column_fill_text(struct batch *b, struct column *col, uint32_t n);
/* Column c of dst becomes `src` as type `to`: numbers widen and keep their text; anything becomes
 * string; anything becomes json (text quoted). Vectors are shared where nothing changes. */
void column_convert(const struct column *src, uint32_t rows, enum type to, struct batch *dst,
                    uint32_t c);

#endif
