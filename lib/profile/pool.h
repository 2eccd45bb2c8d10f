/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Many profiles into one: the sketch records of a stream, put together profile by profile and
 * merged as soon as each is whole, partition by partition. Not here: reading lines (cli/chain.h).
 *
 * The sketches of one profile come one after the other, beginning with its `profile` piece, as
 * etl-profile writes them; those of several may be mixed when dataset, partition or window tell
 * them apart. Memory holds one profile for each partition, and those that are not whole yet. */
#ifndef FORELINE_PROFILE_POOL_H
#define FORELINE_PROFILE_POOL_H

#include "profile/image.h"

struct profile_pool;
struct profile_pool *profile_pool_new(void);
void profile_pool_free(struct profile_pool *pool);
/* A profile record: its sketches must come, too. */
void profile_pool_expect(struct profile_pool *pool, const struct rec_profile *r);
/* A sketch record. False when it cannot be read, fits nothing, or completes a profile whose columns
 * differ (ERR_DATA). */
bool profile_pool_add(struct profile_pool *pool, const struct rec_sketch *s, struct err *err);
/* When all records have been added: false when there is no profile, a piece is missing, or a
 * profile record came without sketches (ERR_DATA). */
bool profile_pool_end(struct profile_pool *pool, struct err *err);

/* Of each partition one profile, ordered by name (none first), whatever the order of the records.
 * Valid until the pool goes. */
size_t profile_pool_size(const struct profile_pool *pool);
/* The i-th and its record, finished, strings in `a`. The dataset is that of all parts, or NULL; the
 * window goes from the first beginning to the last end. Record numbers of parts of one dataset that
 * count on from each other are kept; else the records are numbered from 1. */
const struct profile *profile_pool_get(struct profile_pool *pool, size_t i, struct arena *a,
                                       struct rec_profile *out);

#endif
