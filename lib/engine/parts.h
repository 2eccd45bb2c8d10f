/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows spread over runs by a hash, so that what belongs together can be worked on part by part. */
#ifndef FORELINE_ENGINE_PARTS_H
#define FORELINE_ENGINE_PARTS_H

#include "engine/op.h"
#include "engine/spill.h"

#define PARTS_MAX 64u

struct parts {
    struct spill *spill;
    const enum type *types; /* of the rows' columns */
    uint32_t ncols;
    uint32_t n, level;                 /* runs, a power of two; each level has a hash of its own */
    struct spill_run *runs[PARTS_MAX]; /* NULL: no row yet */
};
/* As many as have buffers of an eighth of what the stage may hold. Lives in `a`; the runs belong to
 * the spill. */
struct parts *parts_new(struct arena *a, const struct oper *op, struct spill *spill,
                        const enum type *types, uint32_t ncols, uint32_t level);
/* Appends rows list[i] of b (NULL: i), 0 <= i < n <= BATCH_ROWS, which have number seq[i], to the
 * runs of their hashes hash[i]. */
bool parts_spread(struct parts *to, const struct batch *b, const uint32_t *list, uint32_t n,
                  const uint64_t *hash, const uint64_t *seq, struct err *err);
/* Ends writing: the buffers go. */
bool parts_end(struct parts *p, struct err *err);

#endif
