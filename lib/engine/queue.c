/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Queues. See queue.h. */
#include "engine/queue.h"

#include <stdlib.h>

/* Where a row stood in its source, as the number that a spill keeps: file above, line below. */
#define LINE_BITS 48

struct queue_item { /* a batch, or rows on disk from several */
    struct batch *b;
    size_t bytes;
    struct spill_run *run;
    uint64_t left; /* rows of it still to be given */
    bool reading, lines;
};

/* What is freed when the last of its batches goes; blocks that several share count for each. */
static size_t footprint(const struct batch *b)
{
    size_t n = b->mem.used;
    for (size_t i = 0; i < b->nblocks; i++)
        n += b->blocks[i]->cap;
    for (size_t i = 0; i < b->nheld; i++)
        n += footprint(b->held[i]);
    return n;
}

static struct queue_item *add_item(struct queue *q)
{
    if (q->head == q->len)
        q->head = q->len = 0;
    if (q->len == q->cap) {
        q->cap = q->cap ? q->cap * 2 : 16;
        q->items = xreallocarray(q->items, q->cap, sizeof(*q->items));
    }
    struct queue_item *item = &q->items[q->len++];
    *item = (struct queue_item){.b = NULL};
    return item;
}

static bool put_rows(struct queue *q, struct batch *b, struct mem_account *acct, struct err *err)
{
    struct queue_item *last = q->len > q->head ? &q->items[q->len - 1] : NULL;
    if (!q->spill)
        q->spill = spill_new(acct);
    if (!last || !last->run || last->reading || last->lines != (b->line != NULL)) {
        enum type *types = xcalloc(b->ncols + 1, sizeof(*types));
        for (uint32_t c = 0; c < b->ncols; c++)
            types[c] = b->cols[c].type;
        last = add_item(q);
        last->run = spill_run_new(q->spill, types, b->ncols);
        last->lines = b->line != NULL;
        free(types);
    }
    uint64_t places[BATCH_ROWS];
    for (uint32_t i = 0; i < b->rows; i++)
        places[i] = (uint64_t)b->source << LINE_BITS | (b->line ? b->line[i] : 0);
    last->left += b->rows;
    return spill_add(last->run, b, NULL, NULL, b->rows, places, err);
}

bool queue_put(struct queue *q, struct batch *b, size_t bound, struct mem_account *acct,
               struct err *err)
{
    size_t bytes = footprint(b);
    bool on_disk = !queue_is_empty(q) && q->items[q->len - 1].run && !q->items[q->len - 1].reading;
    if (on_disk || q->held + bytes > bound)
        return put_rows(q, b, acct, err);
    struct queue_item *item = add_item(q);
    item->b = batch_ref(b);
    item->bytes = bytes;
    q->held += bytes;
    return true;
}

/* Rows of one file at a time, as batches are. */
static void give_lines(struct batch *b, const uint64_t *places, bool lines)
{
    b->source = (uint32_t)(places[0] >> LINE_BITS);
    if (!lines)
        return;
    b->line = arena_alloc(&b->mem, b->rows * sizeof(*b->line));
    for (uint32_t i = 0; i < b->rows; i++)
        b->line[i] = places[i] & ((UINT64_C(1) << LINE_BITS) - 1);
}

bool queue_take(struct queue *q, struct batch **out, struct err *err)
{
    struct queue_item *item = &q->items[q->head];
    uint64_t places[BATCH_ROWS];
    if (item->b) {
        *out = item->b;
        q->held -= item->bytes;
        q->head++;
        return true;
    }
    if (!item->reading && !spill_rewind(item->run, err))
        return false;
    item->reading = true;
    if (!spill_next(item->run, out, places, err))
        return false;
    give_lines(*out, places, item->lines);
    item->left -= (*out)->rows;
    if (item->left == 0) {
        spill_drop(item->run);
        q->head++;
    }
    return true;
}

uint64_t queue_spilled(const struct queue *q)
{
    return q->spill ? spill_bytes(q->spill) : 0;
}

void queue_release(struct queue *q)
{
    for (size_t i = q->head; i < q->len; i++)
        batch_unref(q->items[i].b);
    spill_free(q->spill);
    free(q->items);
    *q = (struct queue){0};
}
