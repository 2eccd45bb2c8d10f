/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Merging runs by their numbers. See seqmerge.h. */
#include "engine/seqmerge.h"

#include <stdlib.h>

/* Blocks that a batch keeps beside those that are being read: it ends early rather. */
#define HELD_MAX 8u

struct source {
    struct spill_run *run;
    uint32_t index;  /* of the run */
    struct batch *b; /* NULL: read through */
    uint32_t row;
    uint64_t seq[BATCH_ROWS];
};
struct pick { /* one row of the batch that is made */
    const struct batch *b;
    uint32_t row;
};
struct seqmerge {
    const struct seqmerge_of *of;
    struct source **sources; /* a heap: the one with the lowest number first */
    uint32_t n;
};

static bool before(const struct source *a, const struct source *b)
{
    uint64_t x = a->seq[a->row], y = b->seq[b->row];
    return x != y ? x < y : a->index < b->index;
}

static void sift_down(struct seqmerge *m, uint32_t at)
{
    for (;;) {
        uint32_t k = at * 2 + 1;
        if (k >= m->n)
            return;
        if (k + 1 < m->n && before(m->sources[k + 1], m->sources[k]))
            k++;
        if (before(m->sources[at], m->sources[k]))
            return;
        struct source *t = m->sources[at];
        m->sources[at] = m->sources[k];
        m->sources[k] = t;
        at = k;
    }
}

static void source_free(struct seqmerge *m, struct source *s)
{
    batch_unref(s->b);
    spill_drop(s->run);
    mem_release(m->of->op->acct, s, sizeof(*s));
}

static void release(struct seqmerge *m)
{
    for (uint32_t i = 0; i < m->n; i++)
        source_free(m, m->sources[i]);
    free(m->sources);
}

static bool next_block(struct seqmerge *m, struct source *s, struct err *err)
{
    return !engine_stopped(m->of->op->e, err) && spill_next(s->run, &s->b, s->seq, err);
}

static bool begin(struct seqmerge *m, const struct seqmerge_of *of, struct spill_run **runs,
                  uint32_t n, struct err *err)
{
    *m = (struct seqmerge){.of = of, .sources = xcalloc(n + 1, sizeof(struct source *))};
    bool ok = true;
    for (uint32_t i = 0; i < n; i++) {
        struct source *s = mem_alloc(of->op->acct, sizeof(*s));
        s->run = runs[i];
        s->index = i;
        s->b = NULL;
        s->row = 0;
        runs[i] = NULL;
        ok = ok && spill_rewind(s->run, err) && next_block(m, s, err);
        if (s->b)
            m->sources[m->n++] = s;
        else
            source_free(m, s);
    }
    for (uint32_t i = m->n; ok && i-- > 0;)
        sift_down(m, i);
    return ok;
}

static void gather(struct batch *out, uint32_t c, enum type t, const struct pick *pick)
{
    bool number = type_is_number(t), value = number || t == TYPE_BOOLEAN, some = !value;
    for (uint32_t i = 0; i < out->rows && !some; i++)
        some = pick[i].b->cols[c].text != NULL;
    column_alloc_rows(out, c, t, some, out->rows);
    struct column *to = &out->cols[c];
    bool texts = !value;
    for (uint32_t i = 0; i < out->rows; i++) {
        const struct column *from = &pick[i].b->cols[c];
        uint32_t row = pick[i].row;
        if (number)
            to->v.i64[i] = from->v.i64[row]; /* the bits of a double as well */
        else if (value)
            to->v.b8[i] = from->v.b8[row];
        if (to->text)
            to->text[i] = from->text ? from->text[row] : (struct text){NULL, 0, 0};
        if (!column_valid(from, row))
            continue;
        column_set_valid(to, i);
        texts = texts || (to->text && to->text[i].p);
    }
    if (value && !texts)
        to->text = NULL;
    else if (value)
        column_fill_text(out, to, out->rows);
}

static bool advance(struct seqmerge *m, struct err *err)
{
    struct source *s = m->sources[0];
    if (++s->row < s->b->rows) {
        sift_down(m, 0);
        return true;
    }
    batch_unref(s->b);
    s->b = NULL;
    s->row = 0;
    if (!next_block(m, s, err))
        return false;
    if (!s->b) {
        source_free(m, s);
        m->sources[0] = m->sources[--m->n];
    }
    sift_down(m, 0);
    return true;
}

/* The next batch (caller unrefs), NULL at the end; seq: BATCH_ROWS numbers of its rows. */
static bool next(struct seqmerge *m, struct batch **out, uint64_t *seq, struct err *err)
{
    *out = NULL;
    if (m->n == 0)
        return true;
    struct pick pick[BATCH_ROWS];
    struct batch *b = batch_new(m->of->ncols, m->of->op->acct);
    uint32_t held = 0;
    bool ok = true;
    while (ok && m->n > 0 && b->rows < BATCH_ROWS && held < HELD_MAX) {
        struct source *s = m->sources[0];
        seq[b->rows] = s->seq[s->row];
        pick[b->rows++] = (struct pick){s->b, s->row};
        if (s->row + 1 == s->b->rows) { /* it goes, but what was picked of it must stay */
            batch_hold(b, s->b);
            held++;
        }
        ok = advance(m, err);
    }
    for (uint32_t i = 0; ok && i < m->n; i++)
        batch_hold(b, m->sources[i]->b);
    for (uint32_t c = 0; ok && c < m->of->ncols; c++)
        gather(b, c, m->of->types[c], pick);
    if (ok)
        *out = b;
    else
        batch_unref(b);
    return ok;
}

/* To a run, or, when that is NULL, to the consumers. */
static bool merge(const struct seqmerge_of *of, struct spill_run **runs, uint32_t n,
                  struct spill_run *to, struct lane *lane, struct err *err)
{
    struct seqmerge m;
    uint64_t seq[BATCH_ROWS];
    struct batch *b = NULL;
    bool ok = begin(&m, of, runs, n, err);
    while (ok) {
        ok = next(&m, &b, seq, err);
        if (!ok || !b)
            break;
        if (!to && of->make)
            b = of->make(of->ctx, b);
        ok = to ? spill_add(to, b, NULL, NULL, b->rows, seq, err) : op_emit(of->op, lane, b, err);
        batch_unref(b);
    }
    release(&m);
    return ok;
}

bool seqmerge_emit(const struct seqmerge_of *of, struct spill_run **runs, uint32_t n,
                   struct lane *lane, struct err *err)
{
    while (n > of->most) { /* neighbours into one, so that equal numbers stay in order */
        uint32_t kept = 0;
        for (uint32_t i = 0; i < n; i += of->most) {
            uint32_t k = n - i < of->most ? n - i : of->most;
            struct spill_run *to = spill_run_new(of->spill, of->types, of->ncols);
            /* Rewinding lets its buffer go. */
            if (!merge(of, runs + i, k, to, lane, err) || !spill_rewind(to, err))
                return false;
            runs[kept++] = to;
        }
        n = kept;
    }
    return merge(of, runs, n, NULL, lane, err);
}
