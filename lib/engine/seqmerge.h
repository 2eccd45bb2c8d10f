/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs of spilled rows, each ascending by the rows' numbers, read as one that is: what was split by
 * hash comes back in the order of the input. */
#ifndef FORELINE_ENGINE_SEQMERGE_H
#define FORELINE_ENGINE_SEQMERGE_H

#include "engine/op.h"
#include "engine/spill.h"

/* Runs read side by side, at the most: one block of SPILL_BUFFER bytes each. */
#define SEQMERGE_RUNS 64u

struct seqmerge_of {
    struct oper *op; /* what it holds is charged to it */
    struct spill *spill;
    const enum type *types; /* of the runs' columns */
    uint32_t ncols;
    uint32_t most; /* runs read side by side: 2 to SEQMERGE_RUNS; more are merged in steps */
    /* Makes of a batch, which it takes over, the one to emit. NULL: it is that. */
    struct batch *(*make)(void *ctx, struct batch *b);
    void *ctx;
};
/* Emits the rows of all runs, ascending by their numbers; those of the same number in the order of
 * the runs. Takes the runs over, and drops each when it is read through. */
bool seqmerge_emit(const struct seqmerge_of *of, struct spill_run **runs, uint32_t n,
                   struct lane *lane, struct err *err);

#endif
