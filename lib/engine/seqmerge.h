/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs of spilled rows, each ascending by the rows' numbers, read as one that is: what was split by
 * hash comes back in the order of the input. */
#ifndef FORELINE_ENGINE_SEQMERGE_H
#define FORELINE_ENGINE_SEQMERGE_H

#include "engine/spill.h"

/* Runs read side by side: one block of SPILL_BUFFER bytes each. More are merged in steps. */
#define SEQMERGE_RUNS 64u

struct seqmerge;
/* Takes the runs over (drops each that is read through). They have columns of these types. `mem`
 * says what a batch is charged to. NULL: see err. */
struct seqmerge *seqmerge_new(struct spill *s, struct spill_run **runs, uint32_t n,
                              const enum type *types, uint32_t ncols, struct mem_account *acct,
                              struct err *err);
void seqmerge_free(struct seqmerge *m);
/* The next batch (caller unrefs), NULL at the end; seq: BATCH_ROWS numbers of its rows, or NULL. */
bool seqmerge_next(struct seqmerge *m, struct batch **out, uint64_t *seq, struct err *err);

#endif
