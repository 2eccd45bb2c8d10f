/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Expressions: jq's language over one record. A vectorisable subset (field access, literals,
 * arithmetic, comparison, and/or/not, //, string functions, if, test, dates) is parsed and typed by
 * us and compiled into a program over columns; everything else runs in libjq, one state per thread.
 * Both give the same answer (within ±2^53; integers beyond compare exactly here).
 */
#ifndef FORELINE_EXPR_H
#define FORELINE_EXPR_H

#include "base/base.h"
#include "table/batch.h"

struct expr;
/* Parses, checks names and types against the input's schema, compiles. Errors (ERR_DATA) name the
 * place in the expression and a remedy: unknown column (nearest name suggested), comparison of a
 * column with a literal of another type, syntax. The arena keeps it. */
bool expr_new(struct arena *a, const char *source, const struct schema *in, struct expr **out,
              struct err *err);
/* Frees what is outside the arena (libjq, regular expressions). */
void expr_release(struct expr *e);
/* The type of the result: integer when it is an integer column passed on, float for computed
 * numbers, boolean, string, date or timestamp passed on; TYPE_JSON when only running it can tell.
 */
enum type expr_type(const struct expr *e);
bool expr_nullable(const struct expr *e);
/* "vector" or "libjq" */
const char *expr_engine(const struct expr *e);
/* Columns of the input that are read (indices ascending); for libjq programs that touch the whole
 * record
 * (`.`, `keys`, …) all of them. */
const uint32_t *expr_reads(const struct expr *e, uint32_t *n);
/* Warnings for --validate, e.g. a nullable column under < or <=; NULL when none. */
const char *expr_warning(const struct expr *e);

/* What one evaluation leaves behind. */
struct expr_result {
    uint64_t failed[BATCH_WORDS]; /* rows that gave an error, no value or several */
    uint32_t nfailed;
    const char **reason; /* BATCH_ROWS pointers, set for failed rows; NULL when none failed. Valid
                            until this expression is evaluated again or released */
};
/* Evaluates over all rows into column `c` of `dst` (dst->rows == in->rows; dst may be `in` when c
 * is a new column). A passed-on column shares text and values with `in` (caller holds `in` by
 * batch_hold). */
bool expr_eval(struct expr *e, struct batch *in, struct batch *dst, uint32_t c,
               struct expr_result *r, struct err *err);
/* Evaluates as a condition: bit set where the result is neither false nor null (and did not fail).
 */
bool expr_test(struct expr *e, struct batch *in, uint64_t *keep, struct expr_result *r,
               struct err *err);

#endif
