/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What measure.c and measure_state.c share. */
#ifndef FORELINE_ENGINE_MEASURE_INT_H
#define FORELINE_ENGINE_MEASURE_INT_H

#include <string.h>

#include "engine/measure.h"

static inline bool keeps_cell(enum measure_kind k)
{
    return k == MEASURE_MIN || k == MEASURE_MAX || k == MEASURE_FIRST || k == MEASURE_LAST;
}

/* What a sketch has from the heap. */
static inline size_t rough_bytes(const struct distinct *d)
{
    return d->cap * sizeof(*d->set) + (d->regs ? (size_t)1 << d->p : 0);
}

/* Adds elements of a sketch. */
void rough_add(struct measure *m, uint32_t group, const uint64_t *elements, size_t n);
/* Takes a cell of another state of the same measure. */
void cell_merge(struct measure *m, uint32_t group, const struct cell *new);
/* Values, or the entries of a set, group by group: m->start. */
void values_settle(struct measure *m, uint32_t ngroups);
void set_settle(struct measure *m, uint32_t ngroups);
/* And no longer. */
void measure_unsettle(struct measure *m);
/* Hyndman & Fan 1996, type 7: linear between the order statistics around (n - 1) q, those of ranks
 * *rank and (where next) *rank + 1; how far it is from the first. */
double quantile_ranks(uint64_t n, double q, uint64_t *rank, bool *next);
/* The order of doubles, -0 before 0: which of them is found must not depend on where they stood. */
static inline int64_t order_key(double x)
{
    int64_t k;
    memcpy(&k, &x, sizeof(k));
    return k < 0 ? k ^ INT64_MAX : k;
}
/* Room for n more values. */
void values_reserve(struct measure *m, size_t n);

#endif
