/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Merging runs by their numbers. See seqmerge.h. */
#include "engine/seqmerge.h"

#include <stdlib.h>

/* Blocks that a batch keeps beside those that are being read: it ends early rather. */
#define HELD_MAX 8u

struct source {
    struct spill_run *run;
    struct batch *b; /* NULL: read through */
    uint32_t row;
    uint64_t seq[BATCH_ROWS];
};
struct pick { /* one row of the batch that is made */
    const struct batch *b;
    uint32_t row;
};
struct seqmerge {
    struct source **sources; /* a heap: the one with the lowest number first */
    uint32_t n;
    const enum type *types;
    uint32_t ncols;
    struct mem_account *acct;
};

static uint64_t head(const struct source *s)
{
    return s->seq[s->row];
}

static void sift_down(struct seqmerge *m, uint32_t at)
{
    for (;;) {
        uint32_t k = at * 2 + 1;
        if (k >= m->n)
            return;
        if (k + 1 < m->n && head(m->sources[k + 1]) < head(m->sources[k]))
            k++;
        if (head(m->sources[at]) <= head(m->sources[k]))
            return;
        struct source *t = m->sources[at];
        m->sources[at] = m->sources[k];
        m->sources[k] = t;
        at = k;
    }
}

static void source_free(struct source *s)
{
    if (s->b)
        batch_unref(s->b);
    spill_drop(s->run);
    free(s);
}

void seqmerge_free(struct seqmerge *m)
{
    if (!m)
        return;
    for (uint32_t i = 0; i < m->n; i++)
        source_free(m->sources[i]);
    free(m->sources);
    free(m);
}

static struct seqmerge *begin(struct spill_run **runs, uint32_t n, const enum type *types,
                              uint32_t ncols, struct mem_account *acct, struct err *err)
{
    struct seqmerge *m = xcalloc(1, sizeof(*m));
    *m = (struct seqmerge){.types = types, .ncols = ncols, .acct = acct};
    m->sources = xcalloc(n + 1, sizeof(struct source *));
    bool ok = true;
    for (uint32_t i = 0; i < n; i++) {
        struct source *s = xcalloc(1, sizeof(*s));
        s->run = runs[i];
        runs[i] = NULL;
        ok = ok && spill_rewind(s->run, err) && spill_next(s->run, &s->b, s->seq, err);
        if (s->b)
            m->sources[m->n++] = s;
        else
            source_free(s);
    }
    if (!ok) {
        seqmerge_free(m);
        return NULL;
    }
    for (uint32_t i = m->n; i-- > 0;)
        sift_down(m, i);
    return m;
}

static struct spill_run *merge_some(struct spill *s, struct spill_run **runs, uint32_t n,
                                    const enum type *types, uint32_t ncols,
                                    struct mem_account *acct, struct err *err)
{
    struct seqmerge *m = begin(runs, n, types, ncols, acct, err);
    if (!m)
        return NULL;
    struct spill_run *r = spill_run_new(s, types, ncols);
    uint64_t seq[BATCH_ROWS];
    struct batch *b = NULL;
    bool ok;
    while ((ok = seqmerge_next(m, &b, seq, err)) && b) {
        ok = spill_add(r, b, NULL, NULL, b->rows, seq, err);
        batch_unref(b);
        if (!ok)
            break;
    }
    seqmerge_free(m);
    if (ok)
        return r;
    spill_drop(r);
    return NULL;
}

struct seqmerge *seqmerge_new(struct spill *s, struct spill_run **runs, uint32_t n,
                              const enum type *types, uint32_t ncols, struct mem_account *acct,
                              struct err *err)
{
    while (n > SEQMERGE_RUNS) {
        uint32_t kept = 0;
        for (uint32_t i = 0; i < n; i += SEQMERGE_RUNS) {
            uint32_t k = n - i < SEQMERGE_RUNS ? n - i : SEQMERGE_RUNS;
            struct spill_run *r = merge_some(s, runs + i, k, types, ncols, acct, err);
            if (!r)
                return NULL;
            runs[kept++] = r;
        }
        n = kept;
    }
    return begin(runs, n, types, ncols, acct, err);
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
    if (!spill_next(s->run, &s->b, s->seq, err))
        return false;
    if (!s->b) {
        source_free(s);
        m->sources[0] = m->sources[--m->n];
    }
    sift_down(m, 0);
    return true;
}

bool seqmerge_next(struct seqmerge *m, struct batch **out, uint64_t *seq, struct err *err)
{
    *out = NULL;
    if (m->n == 0)
        return true;
    struct pick pick[BATCH_ROWS];
    struct batch *b = batch_new(m->ncols, m->acct);
    uint32_t held = 0;
    bool ok = true;
    while (ok && m->n > 0 && b->rows < BATCH_ROWS && held < HELD_MAX) {
        struct source *s = m->sources[0];
        if (seq)
            seq[b->rows] = head(s);
        pick[b->rows++] = (struct pick){s->b, s->row};
        if (s->row + 1 == s->b->rows) { /* it goes, but what was picked of it must stay */
            batch_hold(b, s->b);
            held++;
        }
        ok = advance(m, err);
    }
    for (uint32_t i = 0; ok && i < m->n; i++)
        batch_hold(b, m->sources[i]->b);
    for (uint32_t c = 0; ok && c < m->ncols; c++)
        gather(b, c, m->types[c], pick);
    if (ok)
        *out = b;
    else
        batch_unref(b);
    return ok;
}
