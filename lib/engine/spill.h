/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows that an operator may not hold in memory: written to a scratch file and read back in the
 * order they were added, values and texts as they were.
 *
 * A spill is one unlinked file (in FORELINE_TMPDIR, else TMPDIR, else /tmp), so nothing is left of
 * it after a crash; its runs are sequences of rows that are written side by side (the partitions of
 * a hash join, the sorted runs of a sort). A run is written and read in blocks of about
 * SPILL_BUFFER bytes: while rows are added it has one buffer that grows up to that, charged to the
 * account, and a batch that is read holds one. A run costs 24 bytes for each of its blocks besides.
 *
 * Rows carry a number (`seq`) that the caller chooses: where in the input they stood, so that what
 * was split by hash can be merged back into the order of the input.
 *
 * Threads: different runs of one spill may be used (and new ones made) by different threads at
 * once, one run by one thread at a time. The account must be fit for that too. spill_free comes
 * last.
 *
 * Errors: ERR_ENV, "cannot write to the scratch file in 'DIR': No space left on device: free some,
 * or name another folder with TMPDIR". After one the run is fit for nothing but spill_drop. */
#ifndef FORELINE_ENGINE_SPILL_H
#define FORELINE_ENGINE_SPILL_H

#include "engine/record.h"
#include "engine/rows.h"

#define SPILL_BUFFER ((size_t)64 << 10)

struct spill;     /* the file */
struct spill_run; /* some rows in it */

/* Makes no file before a first block is written. Never NULL. */
struct spill *spill_new(struct mem_account *acct);
void spill_free(struct spill *s);            /* and all its runs; NULL is fine */
uint64_t spill_bytes(const struct spill *s); /* written so far */

/* A run of rows with columns of these types (of TYPE_NONE: text). Belongs to the spill. */
struct spill_run *spill_run_new(struct spill *s, const enum type *types, uint32_t ncols);
/* Appends rows list[0..n) of b (NULL: the first n), column c from b's column map[c] (NULL: c); row
 * list[i] has number seq[i] (NULL: 0). n may be above BATCH_ROWS. */
bool spill_add(struct spill_run *r, const struct batch *b, const uint32_t *map,
               const uint32_t *list, uint32_t n, const uint64_t *seq, struct err *err);
/* The same from kept rows, by their numbers in `rows`, which has the run's columns. */
bool spill_add_rows(struct spill_run *r, const struct rows *rows, const uint32_t *ids, uint32_t n,
                    const uint64_t *seq, struct err *err);
uint64_t spill_rows(const struct spill_run *r);
/* Ends writing and lets the buffer go; reading starts at the first row (again). */
bool spill_rewind(struct spill_run *r, struct err *err);
/* The next batch: at most BATCH_ROWS rows, and no more than fit SPILL_BUFFER (a longer one alone).
 * The caller unrefs; it owns its memory, charged to the account. *out NULL at the end. seq:
 * BATCH_ROWS numbers of its rows, or NULL. */
bool spill_next(struct spill_run *r, struct batch **out, uint64_t *seq, struct err *err);
/* Its place on disk may be used again; the run is gone. NULL is fine. */
void spill_drop(struct spill_run *r);

/* -- for who packs rows itself (sort) -- */
/* A run of records with this layout, which stays the caller's and must outlive the run. */
struct spill_run *spill_run_of(struct spill *s, const struct record_layout *l);
bool spill_add_record(struct spill_run *r, const char *record, struct err *err);
/* The next block of records, one behind the other (the caller unrefs), and how many; *out NULL at
 * the end. */
bool spill_next_block(struct spill_run *r, struct block **out, uint32_t *rows, struct err *err);

#endif
