/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Expressions: jq's language over one record. A vectorisable subset is parsed and typed by us and
 * compiled into a program over columns; everything else runs in libjq 1.6, one state per thread.
 * Both give the same answer (within 2^53 either way; integers beyond compare exactly here).
 *
 * The subset: .name, ."a b", .["a b"]; numbers, strings with \( ), true, false, null; + - * / %,
 * comparison, and, or, not, //, if … elif … else … end, |, `. as $x |`; length, utf8bytelength,
 * ascii_downcase, ascii_upcase, startswith, endswith, contains, ltrimstr, rtrimstr, .[a:b],
 * split(S) with an index, test(RE), test(RE; "i"), IN(literals), tostring, tonumber, type, floor,
 * ceil, round, trunc, fabs, sqrt, cbrt, exp, exp2, log, log2, log10, sin, cos, pow, atan2, fmod,
 * isnan, isinfinite, isnormal, nan, infinite, todate, fromdate and their iso8601 names. Parts of it
 * go to libjq where a type is not known beforehand (json columns, branches of two types, a string
 * times a number).
 *
 * Where we differ from jq 1.6: numbers in text take our shortest form (1.6 writes
 * 123456789012345680 for 1.2345678901234568e+17); an expression sees its record alone (json/jq.h
 * lists what is refused); operations that can never succeed on the types of the columns are errors
 * before anything runs. As a result NaN is null and the infinities are the largest double, as jq
 * prints them.
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
/* The type of the result: integer when it is an integer column or literal passed on (also by //, if
 * and |), float for computed numbers, boolean, string, date or timestamp passed on; for libjq what
 * the program's last operation always gives (a string for gsub, …), else TYPE_JSON: only running it
 * can tell. */
enum type expr_type(const struct expr *e);
bool expr_nullable(const struct expr *e);
/* As it was given; lives as long as the expression. An expression has one thread at a time: others
 * make their own of it. */
const char *expr_source(const struct expr *e);
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
