/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tree of losers. See sort_merge.h. */
#include "engine/sort_merge.h"

#include <stdlib.h>
#include <string.h>

#define NOBODY UINT32_MAX /* in the tree while it is filled: loses against all */

void sort_merge_init(struct sort_merge *m, const struct sort_keys *keys)
{
    *m = (struct sort_merge){.keys = keys};
}

static struct merge_input *add_input(struct sort_merge *m)
{
    m->inputs = xreallocarray(m->inputs, m->n + 1u, sizeof(*m->inputs));
    struct merge_input *in = &m->inputs[m->n++];
    *in = (struct merge_input){.record = NULL};
    return in;
}

void sort_merge_items(struct sort_merge *m, const struct sort_item *items, size_t n)
{
    if (!n)
        return;
    struct merge_input *in = add_input(m);
    in->items = items;
    in->items_end = items + n;
}

void sort_merge_run(struct sort_merge *m, struct spill_run *run)
{
    add_input(m)->run = run;
}

void sort_merge_release(struct sort_merge *m)
{
    for (uint32_t i = 0; i < m->n; i++)
        block_unref(m->inputs[i].block);
    free(m->inputs);
    free(m->tree);
    *m = (struct sort_merge){.keys = m->keys};
}

/* Its next record; at the end none. */
static bool advance(const struct sort_merge *m, struct merge_input *in, struct err *err)
{
    if (in->left) {
        in->record += record_bytes(in->record);
        in->left--;
    } else if (in->run) {
        uint32_t rows;
        block_unref(in->block);
        in->block = NULL;
        if (!spill_next_block(in->run, &in->block, &rows, err))
            return false;
        in->record = rows ? in->block->data : NULL;
        in->left = rows ? rows - 1 : 0;
    } else {
        in->record = in->items < in->items_end ? in->items++->record : NULL;
        if (in->items_end - in->items > 2)
            __builtin_prefetch(in->items[2].record);
    }
    if (in->record)
        in->piece = sort_piece(m->keys, in->record, SORT_PLACE_FIRST);
    return true;
}

/* Does input a come before b? */
static bool before(const struct sort_merge *m, uint32_t a, uint32_t b)
{
    if (a == NOBODY || b == NOBODY)
        return b == NOBODY;
    const struct merge_input *x = &m->inputs[a], *y = &m->inputs[b];
    if (!x->record || !y->record)
        return x->record != NULL || (!y->record && a < b);
    if (x->piece != y->piece)
        return x->piece < y->piece;
    struct sort_place at = sort_next_place(m->keys, SORT_PLACE_FIRST, x->piece);
    int order = at.key < m->keys->n ? sort_compare(m->keys, x->record, y->record, at) : 0;
    if (order == 0 && m->keys->layout.seq) {
        uint64_t s = record_seq(x->record), t = record_seq(y->record);
        return s != t ? s < t : a < b;
    }
    return order < 0 || (order == 0 && a < b);
}

/* Input `who` goes up from its leaf: it stays where it loses, and who wins there goes on. */
static void replay(struct sort_merge *m, uint32_t who)
{
    for (uint32_t at = (m->n + who) / 2; at > 0; at /= 2) {
        if (before(m, m->tree[at], who)) {
            uint32_t winner = m->tree[at];
            m->tree[at] = who;
            who = winner;
        }
    }
    m->tree[0] = who;
}

bool sort_merge_start(struct sort_merge *m, struct err *err)
{
    m->tree = xcalloc(m->n ? m->n : 1, sizeof(*m->tree));
    for (uint32_t i = 0; i < m->n; i++) {
        if (!advance(m, &m->inputs[i], err))
            return false;
    }
    /* Each node of the tree is met by two: the first waits there for the second. */
    for (uint32_t i = 0; i < m->n; i++)
        m->tree[i] = NOBODY;
    for (uint32_t i = 0; i < m->n; i++) {
        uint32_t who = i;
        uint32_t at = (m->n + i) / 2;
        for (; at > 0 && m->tree[at] != NOBODY; at /= 2) {
            if (before(m, m->tree[at], who)) {
                uint32_t winner = m->tree[at];
                m->tree[at] = who;
                who = winner;
            }
        }
        m->tree[at] = who;
    }
    return true;
}

bool sort_merge_next(struct sort_merge *m, struct err *err)
{
    uint32_t who = m->tree[0];
    if (!advance(m, &m->inputs[who], err))
        return false;
    replay(m, who);
    return true;
}

/* Runs [from, from + n) of the sorter become one. */
static bool merge_some(struct rowsort *s, size_t from, uint32_t n, struct err *err)
{
    struct sort_merge m;
    sort_merge_init(&m, s->keys);
    for (uint32_t i = 0; i < n; i++)
        sort_merge_run(&m, s->runs[from + i]);
    struct spill_run *out = spill_run_of(s->spill, &s->keys->layout);
    bool ok = sort_merge_start(&m, err);
    for (uint64_t rows = 0; ok && rows < s->limit && sort_merge_top(&m); rows++)
        ok = spill_add_record(out, sort_merge_top(&m), err) && sort_merge_next(&m, err);
    sort_merge_release(&m);
    if (!ok || !spill_rewind(out, err))
        return false;
    for (uint32_t i = 0; i < n; i++)
        spill_drop(s->runs[from + i]);
    s->runs[from] = out;
    memmove(&s->runs[from + 1], &s->runs[from + n], (s->nruns - from - n) * sizeof(out));
    s->nruns -= n - 1;
    return true;
}

bool sort_merge_reduce(struct rowsort *s, uint32_t most, struct err *err)
{
    for (size_t from = 0; s->nruns > most;) {
        size_t n = s->nruns - most + 1;
        if (n > most)
            n = most;
        if (from + n > s->nruns) /* the next pass over them */
            from = 0;
        if (!merge_some(s, from++, (uint32_t)n, err))
            return false;
    }
    return true;
}
