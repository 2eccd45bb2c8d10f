/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Merges what sorters have sorted, in memory and in runs on disk, by a tree of losers (Knuth vol.
 * 3, 5.4.1): a row costs as many comparisons as the tree is deep.
 *
 * Runs are read by a block each (SPILL_BUFFER). Of more runs than there is memory for, neighbours
 * are merged into one on disk first. */
#ifndef FORELINE_ENGINE_SORT_MERGE_H
#define FORELINE_ENGINE_SORT_MERGE_H

#include "engine/rowsort.h"

#define MERGE_RUNS_MIN 2u
#define MERGE_RUNS_MAX \
    512u /* at once; descriptors are no limit, but a disk may be: 32 MiB of blocks */

struct merge_input {
    const char *record;                        /* that is next; NULL at the end */
    uint64_t piece;                            /* of it */
    const struct sort_item *items, *items_end; /* in memory */
    struct spill_run *run;                     /* or on disk */
    struct block *block;
    uint32_t left; /* rows of the block behind `record` */
};
struct sort_merge {
    const struct sort_keys *keys;
    struct merge_input *inputs;
    uint32_t n;
    uint32_t *tree; /* tree[0]: the winner; tree[1 .. n): who lost there */
};
void sort_merge_init(struct sort_merge *m, const struct sort_keys *keys);
/* Equal rows come out in the order the inputs were added (without seq). The items must stay. */
void sort_merge_items(struct sort_merge *m, const struct sort_item *items, size_t n);
void sort_merge_run(struct sort_merge *m, struct spill_run *run);
bool sort_merge_start(struct sort_merge *m, struct err *err);
/* The next row; NULL at the end. A row of a run stays until the next call. */
static inline const char *sort_merge_top(const struct sort_merge *m)
{
    return m->n ? m->inputs[m->tree[0]].record : NULL;
}
bool sort_merge_next(struct sort_merge *m, struct err *err);
void sort_merge_release(struct sort_merge *m);

/* Merges runs, in their order, until at most `most` are left. At most `limit` rows of each merge
 * are kept. */
bool sort_merge_reduce(struct rowsort *s, uint32_t most, struct err *err);

#endif
