/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The threads that gather batches into columns. A column's state depends on the order of its own
 * batches alone, so columns are the unit of work, and the bytes of a profile are the same for any
 * number of threads. The thread that reads hands over batches, takes part when it is far enough
 * ahead, and is the only one that counts references; the others touch columns and nothing else.
 */
#ifndef FORELINE_CREW_H
#define FORELINE_CREW_H

#include "table/batch.h"

struct crew;
struct profile;
/* `threads` work at once, the caller being one of them; 0: as many as this process may use
 * (affinity and cgroup quota). They start when there is something to do for them: a small input
 * has none. One crew serves any number of profiles, all of them from one thread. */
struct crew *crew_new(int threads);
/* When all profiles are settled. NULL is fine. */
void crew_free(struct crew *c);
/* Columns of `b` into those of `p`, now or later; takes the caller's reference on `b`, whose text
 * must stay as it is until then. Waits when about 3 MiB of batches are under way. */
void crew_add(struct crew *c, struct profile *p, struct batch *b);
/* Until all that was added to `p` is in it. */
void crew_settle(struct crew *c, const struct profile *p);

#endif
