/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What measure.c and measure_state.c share. */
#ifndef FORELINE_ENGINE_MEASURE_INT_H
#define FORELINE_ENGINE_MEASURE_INT_H

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
/* Room for n more values. */
void values_reserve(struct measure *m, size_t n);

#endif
