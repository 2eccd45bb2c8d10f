/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Groups with their measures: what an aggregate has gathered of some rows, by one lane or of one
 * part of the keys. Tallies of parts merge into what one tally of the whole would be. */
#ifndef FORELINE_ENGINE_TALLY_H
#define FORELINE_ENGINE_TALLY_H

#include "engine/measure.h"

struct tally_spec { /* of an aggregate; shared, read only */
    uint32_t nby, nmeasures;
    enum type *by_types;            /* of the key columns */
    const struct named_expr **spec; /* of the measures … */
    enum type *value_types;         /* … and the types of their values */
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
/* Takes rows list[0..n) (NULL: the first n) of b by its key columns `by`; their values stand in the
 * columns of `vals`, one per measure. Row r has number seq + r, above all before. */
bool tally_add(struct tally *t, struct batch *b, const uint32_t *by, struct batch *vals,
               const uint32_t *list, uint32_t n, uint64_t seq, struct err *err);
/* Takes all of `from`, which is empty afterwards. */
bool tally_merge(struct tally *t, struct tally *from, struct err *err);
/* Once, after the last row. order: the groups by their first row; the caller's array of t->n, or
 * NULL when their numbers are that order. */
void tally_finish(struct tally *t);
bool tally_in_order(const struct tally *t);
void tally_order(const struct tally *t, uint32_t *order);
/* Results of groups ids[0..n) (NULL: from `from` on): keys and measures as columns of a new batch.
 * Once per group. */
struct batch *tally_result(struct tally *t, const uint32_t *ids, uint32_t from, uint32_t n,
                           struct err *err);

#endif
