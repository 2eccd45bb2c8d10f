/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Are two tables the same? As multisets of rows, without keys: what stands in both as often is
 * equal, in whatever order. A folder of its own because shadow runs, and whoever sets two versions
 * of a pipeline side by side, ask the same question; it knows tables, but neither pipelines nor
 * records.
 *
 * What is equal
 * - Bytes that are equal are equal tables at once, when both are read in the same way.
 * - Columns are matched by name. A column that only one table has, a type that changed, and, where
 *   one of the tables is not JSON lines, another order of columns are differences, each named. A
 *   missing and an added column with equal values are told as a renamed one. Rows are compared by
 *   the columns that both have.
 * - Integers and floats compare by value and are one type. In a column that holds a float (or nan,
 *   inf, infinity in any case) in either table, or is pinned as float in one, numbers are doubles
 * and equal when |a - b| <= rtol
 * * max(|a|, |b|): relative, so 0 equals only 0. -0 is 0, NaN is NaN, an infinity is itself. Other
 *   columns of numbers are compared exactly.
 * - Booleans compare by value (CSV: True is true) where the column has nothing else. Dates,
 *   timestamps, strings and JSON compare as their text; between two tables of JSON lines "5" and 5
 *   differ. Null equals null only, so the empty string of CSV ("") is not its empty field; in JSON
 *   lines a missing key is null.
 * - Rows count as often as they stand there.
 * - With `order`: the values of these columns stand in the same sequence. Rows that are equal in
 *   them may stand in any order, and where rows differ the sequence is not looked at.
 * - A record that breaks a rule of its format (reader.h) is compared as it stands, as text. So is,
 *   in JSON lines, one with a key that first comes after INFER_RECORDS records.
 *
 * How
 *   Each table is read once for the types of its columns and once for sums: rows are divided among
 *   4,096 parts by a hash of the columns that are compared exactly, and each part has the number of
 *   its rows and two sums of 64-bit hashes of whole rows, which do not depend on their order
 *   (multiset hashing by addition: Clarke et al. 2003, section 4). Parts that agree are equal; the
 *   rows of the others are read again and compared in full, sorted by that hash, the exact columns
 *   and the floats (in runs on disk beyond `memory_bytes`). Rows with equal exact columns are then
 *   matched by their floats: they are cut where two neighbours in a column are further apart than
 *   the tolerance, column by column until nothing is cut any more, and what is left is matched in
 *   order or, where that fails, by augmenting paths (Kuhn 1955). Nothing is rounded, so no pair of
 *   equal values falls on two sides of a boundary.
 *   Runs of close values longer than what memory holds are matched piece by piece; only there could
 *   rows be told as different that a better matching had paired, and only there does the result
 *   depend on memory. Nowhere does it on hashes: examples are the first rows of each table. */
#ifndef FORELINE_COMPARE_H
#define FORELINE_COMPARE_H

#include <signal.h>

#include "base/arena.h"
#include "table/reader.h"

struct compare_side {
    const char *path;        /* a regular file: it is read several times */
    struct reader_opts opts; /* how it is to be read; raw and columns are not looked at, of
                              * the pins only those of floats, which make a column tolerant */
};
struct compare_opts {
    double rtol;              /* not negative; 0: equal values only */
    size_t memory_bytes;      /* beyond it rows go to disk; 0: COMPARE_MEMORY */
    uint32_t examples;        /* of each sort that are told; 0: COMPARE_EXAMPLES */
    const char *names[2];     /* of the tables in sentences; NULL: "the first", "the second" */
    const char *const *order; /* columns, or NULL */
    uint32_t norder;
    const volatile sig_atomic_t *stop; /* a signal that asks to end; or NULL */
};
#define COMPARE_RTOL 1e-9
#define COMPARE_MEMORY ((size_t)64 << 20)
#define COMPARE_EXAMPLES 5

enum compare_change { COMPARE_PAIR, COMPARE_ONLY_FIRST, COMPARE_ONLY_SECOND };
struct compare_example {
    enum compare_change change;
    uint64_t row[2];  /* number in its table, from 1; 0: none */
    const char *text; /* "amount 3.5 became 3.7, in id=5, …", "id=5, amount=3.5" */
};
struct compare_result {
    bool equal;
    bool same_bytes; /* nothing else was looked at */
    double rows[2];  /* NAN: not counted, as the bytes are the same */
    double only[2];  /* rows that the other has not */
    double bad[2];   /* breaches of the format's rules */
    double columns_changed;
    double spilled_bytes;
    const char *const *reasons; /* why they are not equal: sentences without a full stop */
    uint32_t nreasons;
    const struct compare_example *examples;
    uint32_t nexamples;
};
/* Compares. The result lives in `a`. A file that is no table is different from one with other
 * bytes. Errors: ERR_ENV (cannot be read, no room for scratch files), ERR_STAGE (stopped by a
 * signal). */
bool compare_tables(const struct compare_side side[2], const struct compare_opts *o,
                    struct arena *a, struct compare_result *out, struct err *err);

#endif
