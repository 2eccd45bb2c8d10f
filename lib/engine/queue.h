/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Batches that an input may not take yet, in order: in memory up to a bound, behind that in a
 * scratch file. One source that feeds both sides of a join would else be in memory whole. */
#ifndef FORELINE_ENGINE_QUEUE_H
#define FORELINE_ENGINE_QUEUE_H

#include "engine/spill.h"

/* A queue may hold at least this much before it goes to disk; at most PIPELINE_QUEUE_BYTES. */
#define QUEUE_BYTES_LEAST ((size_t)1 << 20)

struct queue_item;
struct queue { /* all zero: empty */
    struct queue_item *items;
    size_t head, len, cap;
    size_t held; /* bytes that batches in it keep in memory */
    struct spill *spill;
};
static inline bool queue_is_empty(const struct queue *q)
{
    return q->head == q->len;
}
/* Takes a reference on `b`, or its rows to disk when more than `bound` bytes would be held. All
 * batches of a queue have the same columns. The disk's buffers are charged to `acct`. */
bool queue_put(struct queue *q, struct batch *b, size_t bound, struct mem_account *acct,
               struct err *err);
/* The next batch (caller unrefs): the queue is not empty. */
bool queue_take(struct queue *q, struct batch **out, struct err *err);
uint64_t queue_spilled(const struct queue *q);
void queue_release(struct queue *q);

#endif
