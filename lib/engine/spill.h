/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows that an operator may not hold in memory: written to a scratch file and read back in the
 * order they were added, values and texts as they were.
 *
 * A spill is one unlinked file (in FORELINE_TMPDIR, else TMPDIR, else /tmp), so nothing is left of
 * it after a crash; its runs are sequences of rows that are written side by side (the partitions of
 * a hash join, the sorted runs of a sort). A run has one buffer of SPILL_BUFFER bytes while it is
 * written or read, charged to the account; what has been read once may be given back to the disk.
 *
 * Rows carry a number (`seq`) that the caller chooses: where in the input they stood, so that what
 * was split by hash can be merged back into the order of the input.
 *
 * Errors: ERR_ENV, "cannot write to the scratch file in 'DIR': No space left on device: free some,
 * or name another folder with TMPDIR". */
#ifndef FORELINE_ENGINE_SPILL_H
#define FORELINE_ENGINE_SPILL_H

#include "engine/rows.h"

#define SPILL_BUFFER ((size_t)64 << 10)

struct spill;     /* the file */
struct spill_run; /* some rows in it */

/* Makes no file before the first row is added. Never NULL. */
struct spill *spill_new(struct mem_account *acct);
void spill_free(struct spill *s);            /* and all its runs */
uint64_t spill_bytes(const struct spill *s); /* written so far */

/* A run of rows with columns of these types (of TYPE_NONE: text). Belongs to the spill. */
struct spill_run *spill_run_new(struct spill *s, const enum type *types, uint32_t ncols);
/* Appends rows list[0..n) of b (NULL: the first n), column c from b's column map[c] (NULL: c); row
 * list[i] has number seq[i] (NULL: 0). A number keeps its text only where that says more than the
 * value (value_text_matters). */
bool spill_add(struct spill_run *r, const struct batch *b, const uint32_t *map,
               const uint32_t *list, uint32_t n, const uint64_t *seq, struct err *err);
uint64_t spill_rows(const struct spill_run *r);
/* The same from kept rows, by their numbers in `rows`. */
bool spill_add_rows(struct spill_run *r, const struct rows *rows, const uint32_t *ids, uint32_t n,
                    const uint64_t *seq, struct err *err);
/* Ends writing; reading starts at the first row (again). */
bool spill_rewind(struct spill_run *r, struct err *err);
/* The next batch, at most BATCH_ROWS rows (caller unrefs; it owns its memory); *out NULL at the
 * end. seq: BATCH_ROWS numbers of its rows, or NULL. */
bool spill_next(struct spill_run *r, struct batch **out, uint64_t *seq, struct err *err);
/* Its place on disk may be used again; the run is gone. */
void spill_drop(struct spill_run *r);

#endif
