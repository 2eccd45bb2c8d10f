/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Groups with their measures: what an aggregate has gathered of some rows, by one lane or of one
 * part of the keys. Tallies of parts merge into what one tally of the whole would be. */
#ifndef FORELINE_ENGINE_TALLY_H
#define FORELINE_ENGINE_TALLY_H

#include "engine/measure.h"
#include "engine/parts.h"

struct tally_spec { /* of an aggregate; shared, read only */
    uint32_t nby, nmeasures;
    enum type *by_types;            /* of the key columns */
    const struct named_expr **spec; /* of the measures … */
    enum type *value_types;         /* … and the types of their values */
    enum type *row_types;           /* of the nby + 1 columns of spilled rows: keys, states */
};
struct tally {
    const struct tally_spec *spec;
    struct groups groups;
    struct measure *measures;
    uint32_t n; /* groups; without `by` one from the start */
    size_t cap;
    uint64_t *first; /* of each group: number of its first row */
    struct mem_account *acct;
};
void tally_init(struct tally *t, const struct tally_spec *spec, struct mem_account *acct);
void tally_release(struct tally *t);
/* Room for all that its table of groups has, new ones empty. */
void tally_grow(struct tally *t);
/* Takes rows list[0..n) (NULL: the first n) of b by its key columns `by`; their values stand in the
 * columns of `vals`, one per measure. Row r has number seq + r, above all before. */
bool tally_add(struct tally *t, struct batch *b, const uint32_t *by, struct batch *vals,
               const uint32_t *list, uint32_t n, uint64_t seq, struct err *err);
/* Takes all of `from`, which is empty afterwards. */
bool tally_merge(struct tally *t, struct tally *from, struct err *err);
/* Bytes that `rows` more rows can take, and what it takes then to finish or to spill. */
size_t tally_growth(const struct tally *t, uint32_t rows);
/* Writes all groups, as rows of their keys and of their states as bytes, with the number of the
 * group's first row; the tally is empty afterwards. */
bool tally_spill(struct tally *t, struct parts *to, struct err *err);
/* Writes only the lists of values that measures keep; the groups are to stay the same from now on
 * (tally_load with `others`). */
bool tally_dump(struct tally *t, struct spill *spill, struct err *err);
/* Takes spilled rows back, in any order; `seq` are their numbers. `others` (or NULL) gets the rows
 * of groups that the tally does not have, instead of the tally. */
bool tally_load(struct tally *t, struct batch *b, const uint64_t *seq, struct parts *others,
                struct err *err);
/* Once, after the last row. order: the groups by their first row; the caller's array of t->n, or
 * NULL when their numbers are that order. */
bool tally_finish(struct tally *t, struct err *err);
bool tally_in_order(const struct tally *t);
void tally_order(const struct tally *t, uint32_t *order);
/* Results of groups ids[0..n) (NULL: from `from` on): keys and measures as columns of a new batch.
 * Once per group. */
struct batch *tally_result(struct tally *t, const uint32_t *ids, uint32_t from, uint32_t n,
                           struct err *err);

#endif
