/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sorts packed rows: in memory, in runs on disk where that does not hold them, and merges what was
 * sorted apart. Stable: rows that are equal by the keys come out in the order they were added, of
 * several sorters by the numbers of their rows (keys with `seq`).
 *
 * In memory an item of 16 bytes stands for each row: a piece of its keys and where the row is. They
 * go by the most significant differing byte into 256 buckets, and these likewise, down to few,
 * which are inserted (MSD radix sort: Knuth vol. 3, 5.2.5; McIlroy, Bostic & McIlroy 1993); items
 * that agree get the next piece.
 */
#ifndef FORELINE_ENGINE_ROWSORT_H
#define FORELINE_ENGINE_ROWSORT_H

#include "engine/sort_keys.h"
#include "engine/spill.h"

struct sort_item {
    uint64_t piece;
    const char *record;
};
struct sort_block {
    char *p;
    size_t size, used;
};
struct sort_span { /* rows that were added together */
    uint64_t seq;
    size_t rows;
};
/* The rows of one thread. Set up by rowsort_init; runs and items may be read. */
struct rowsort {
    const struct sort_keys *keys;
    struct mem_account *acct;
    struct spill *spill;
    uint64_t limit; /* only that many rows, the first in order, are wanted; UINT64_MAX: all */
    struct sort_item *items;
    size_t n, cap;
    struct sort_block *blocks;
    size_t nblocks, in_use; /* in_use: filled or being filled; the others are free */
    bool sorted;
    /* `limit` rows are there: what comes now and stands behind the last of them goes. */
    bool cut, cut_equal; /* equal: by its first piece too, as that says all */
    uint64_t cut_piece;
    struct sort_span *spans; /* of the rows in memory, while they are as added; with seq */
    size_t nspans, cap_spans;
    struct spill_run **runs; /* in the order their rows were added */
    size_t nruns;
};
/* `limit` rows must fit in memory for limit to do any good. */
void rowsort_init(struct rowsort *s, const struct sort_keys *keys, struct mem_account *acct,
                  struct spill *spill, uint64_t limit);
void rowsort_release(struct rowsort *s); /* the runs are the spill's */
/* Adds the rows of a batch; row i has number seq + i. */
bool rowsort_add(struct rowsort *s, const struct batch *b, uint64_t seq, struct err *err);
/* Bytes beyond what is held that another batch of short rows may take, and sorting it all. */
size_t rowsort_next(const struct rowsort *s);
size_t rowsort_bytes(const struct rowsort *s); /* held */
/* The first gets the rows of the others too, in the order of their numbers; the others keep them in
 * memory. None is sorted or has a limit. */
void rowsort_join(struct rowsort *parts, uint32_t n);
/* As rowsort_sort, with so many threads. Gives the CPU time of those beside the caller's. */
double rowsort_sort_with(struct rowsort *s, uint32_t threads);
/* Sorts what is in memory (again costs nothing) and drops what is behind the limit. */
void rowsort_sort(struct rowsort *s);
/* Writes what is in memory as a sorted run, keeping the memory for what comes. */
bool rowsort_spill(struct rowsort *s, struct err *err);
/* Gives back memory that holds no rows. */
void rowsort_trim(struct rowsort *s);

#endif
