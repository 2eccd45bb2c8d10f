/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lists of values beyond memory: sorted runs on disk, merged at the end. See measure_dump.
 *
 * A value is a number whose order is that of the values (8 bytes: prefix), or a text, whose first 8
 * bytes are its prefix. A run has rows (group, values) in the order of groups, the values of a
 * group ascending over its rows. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/load.h"
#include "engine/measure_int.h"

/* Bytes of values in one row, when they are many. */
#define ROW_BYTES 4096u
/* Runs that are merged at once: one block of SPILL_BUFFER bytes each. */
#define RUNS_MAX 64u

struct value {
    uint64_t prefix;
    struct slice text; /* of texts */
};

static bool is_text(const struct measure *m)
{
    return m->spec->measure == MEASURE_DISTINCT && !type_is_number(m->type) &&
           m->type != TYPE_BOOLEAN;
}

static int value_cmp(const struct value *a, const struct value *b)
{
    if (a->prefix != b->prefix)
        return a->prefix < b->prefix ? -1 : 1;
    return slice_cmp(a->text, b->text);
}

static uint64_t text_prefix(struct slice s)
{
    return s.len >= 8 ? load_be(s.p)
                      : __builtin_bswap64(load_part((const unsigned char *)s.p, s.len));
}

/* -- writing -- */

struct writer {
    struct spill_run *run;
    bool texts;
    struct mem_account *acct;
    uint32_t group;
    struct buf bytes;
};

static bool write_row(struct writer *w, struct err *err)
{
    if (w->bytes.len == 0)
        return true;
    struct batch *b = batch_new(2, w->acct);
    b->rows = 1;
    column_alloc_rows(b, 0, TYPE_INTEGER, false, 1);
    column_alloc_rows(b, 1, TYPE_STRING, false, 1);
    b->cols[0].v.i64[0] = w->group;
    b->cols[1].text[0] = (struct text){w->bytes.p, (uint32_t)w->bytes.len, 0};
    column_set_valid(&b->cols[0], 0);
    column_set_valid(&b->cols[1], 0);
    bool ok = spill_add(w->run, b, NULL, NULL, 1, NULL, err);
    batch_unref(b);
    buf_clear(&w->bytes);
    return ok;
}

static bool write_value(struct writer *w, uint32_t group, const struct value *v, struct err *err)
{
    if ((group != w->group || w->bytes.len >= ROW_BYTES) && !write_row(w, err))
        return false;
    w->group = group;
    if (!w->texts) {
        pack_uint(&w->bytes, v->prefix, 8);
        return true;
    }
    pack_uint(&w->bytes, v->text.len, 4);
    buf_add_slice(&w->bytes, v->text);
    return true;
}

static struct writer writer_begin(struct measure *m)
{
    struct writer w = {.texts = is_text(m), .acct = m->acct, .bytes = BUF_INIT(BUF_UNBOUNDED)};
    const enum type types[2] = {TYPE_INTEGER, TYPE_STRING};
    w.run = spill_run_new(m->spill, types, 2);
    m->lists = xreallocarray(m->lists, m->nlists + 1, sizeof(struct spill_run *));
    m->lists[m->nlists++] = w.run;
    return w;
}

static bool writer_end(struct writer *w, bool ok, struct err *err)
{
    ok = ok && write_row(w, err);
    buf_release(&w->bytes);
    return ok;
}

/* -- sorting -- */

/* Ascending, by bytes from the lowest; `tmp` has room for n. */
static void sort_numbers(uint64_t *v, uint64_t *tmp, size_t n)
{
    for (unsigned shift = 0; shift < 64; shift += 8) {
        size_t at[257] = {0};
        for (size_t i = 0; i < n; i++)
            at[(v[i] >> shift & 255) + 1]++;
        if (n == 0 || at[(v[0] >> shift & 255) + 1] == n)
            continue; /* all the same here */
        for (unsigned k = 0; k < 256; k++)
            at[k + 1] += at[k];
        for (size_t i = 0; i < n; i++)
            tmp[at[v[i] >> shift & 255]++] = v[i];
        memcpy(v, tmp, n * sizeof(*v));
    }
}

static int order_values(const void *a, const void *b)
{
    return value_cmp(a, b);
}

static bool dump_numbers(struct writer *w, uint32_t group, uint64_t *v, uint64_t *tmp, size_t n,
                         struct err *err)
{
    sort_numbers(v, tmp, n);
    for (size_t i = 0; i < n; i++) {
        if (!write_value(w, group, &(struct value){.prefix = v[i]}, err))
            return false;
    }
    return true;
}

static uint64_t order_of_double(double x)
{
    return (uint64_t)order_key(x) ^ UINT64_C(1) << 63;
}

static double double_of_order(uint64_t u)
{
    int64_t k = (int64_t)(u ^ UINT64_C(1) << 63);
    k = k < 0 ? k ^ INT64_MAX : k;
    double x;
    memcpy(&x, &k, sizeof(x));
    return x;
}

static bool dump_values(struct measure *m, struct writer *w, uint32_t ngroups, struct err *err)
{
    values_settle(m, ngroups);
    size_t n = m->nvalues ? m->nvalues : 1;
    uint64_t *keys = mem_alloc(m->acct, n * sizeof(*keys));
    uint64_t *tmp = mem_alloc(m->acct, n * sizeof(*tmp));
    bool ok = true;
    for (uint32_t g = 0; ok && g < ngroups; g++) {
        size_t k = m->start[g + 1] - m->start[g];
        for (size_t i = 0; i < k; i++)
            keys[i] = order_of_double(m->values[m->start[g] + i]);
        ok = dump_numbers(w, g, keys, tmp, k, err);
        m->dumped[g] += k;
        m->count[g] = 0;
    }
    mem_release(m->acct, keys, n * sizeof(*keys));
    mem_release(m->acct, tmp, n * sizeof(*tmp));
    mem_release(m->acct, m->values, m->cap_values * sizeof(*m->values));
    mem_release(m->acct, m->of, m->cap_values * sizeof(*m->of));
    m->values = NULL;
    m->of = NULL;
    m->nvalues = m->cap_values = 0;
    return ok;
}

static bool dump_set(struct measure *m, struct writer *w, uint32_t ngroups, struct err *err)
{
    set_settle(m, ngroups);
    size_t n = m->set.n ? m->set.n : 1;
    bool texts = is_text(m), ok = true;
    struct value *values = mem_alloc(m->acct, n * sizeof(*values));
    char *bytes = mem_alloc(m->acct, n * 16);
    for (uint32_t g = 0; ok && g < ngroups; g++) {
        size_t k = m->start[g + 1] - m->start[g];
        for (size_t i = 0; i < k; i++) {
            uint32_t id = m->ids[m->start[g] + i];
            values[i].text = slice_of(NULL, 0);
            if (texts) {
                values[i].text = group_text(&m->set, 1, id, bytes + 16 * i);
                values[i].prefix = text_prefix(values[i].text);
            } else {
                values[i].prefix = m->set.key[(size_t)id * m->set.words + 1];
            }
        }
        qsort(values, k, sizeof(*values), order_values);
        for (size_t i = 0; ok && i < k; i++)
            ok = write_value(w, g, &values[i], err);
        m->count[g] = 0;
    }
    mem_release(m->acct, values, n * sizeof(*values));
    mem_release(m->acct, bytes, n * 16);
    measure_unsettle(m);
    groups_clear(&m->set);
    return ok;
}

/* -- reading -- */

struct cursor {
    struct spill_run *run;
    struct batch *b;
    uint32_t row, group;
    struct unpack in;
    struct value v;
    bool texts;
};
struct merger {
    struct cursor *heap[RUNS_MAX + 1]; /* the lowest value first */
    uint32_t n;
};

/* The next value; false with *end when there is none. */
static bool cursor_next(struct cursor *c, bool *end, struct err *err)
{
    *end = false;
    while (c->in.left == 0) {
        if (!c->b || ++c->row == c->b->rows) {
            if (c->b)
                batch_unref(c->b);
            c->b = NULL;
            c->row = 0;
            if (!spill_next(c->run, &c->b, NULL, err))
                return false;
            if (!c->b) {
                *end = true;
                return true;
            }
        }
        c->group = (uint32_t)c->b->cols[0].v.i64[c->row];
        c->in = unpack_of(text_slice(c->b->cols[1].text[c->row]));
    }
    if (!c->texts) {
        c->v.prefix = unpack_uint(&c->in, 8);
        return true;
    }
    size_t len = (size_t)unpack_uint(&c->in, 4);
    const unsigned char *p = unpack_bytes(&c->in, len);
    c->v.text = slice_of((const char *)p, p ? len : 0);
    c->v.prefix = text_prefix(c->v.text);
    return true;
}

static int cursor_cmp(const struct cursor *a, const struct cursor *b)
{
    if (a->group != b->group)
        return a->group < b->group ? -1 : 1;
    return value_cmp(&a->v, &b->v);
}

static void sift(struct merger *g, uint32_t at)
{
    for (;;) {
        uint32_t k = at * 2 + 1;
        if (k >= g->n)
            return;
        if (k + 1 < g->n && cursor_cmp(g->heap[k + 1], g->heap[k]) < 0)
            k++;
        if (cursor_cmp(g->heap[at], g->heap[k]) <= 0)
            return;
        struct cursor *t = g->heap[at];
        g->heap[at] = g->heap[k];
        g->heap[k] = t;
        at = k;
    }
}

static void cursor_free(struct cursor *c)
{
    if (c->b)
        batch_unref(c->b);
    spill_drop(c->run);
    free(c);
}

static bool merger_begin(struct merger *g, struct spill_run **runs, uint32_t n, bool texts,
                         struct err *err)
{
    *g = (struct merger){.n = 0};
    bool ok = true;
    for (uint32_t i = 0; i < n; i++) {
        struct cursor *c = xcalloc(1, sizeof(*c));
        *c = (struct cursor){.run = runs[i], .texts = texts};
        bool end = false;
        ok = ok && spill_rewind(c->run, err) && cursor_next(c, &end, err);
        if (!ok || end)
            cursor_free(c);
        else
            g->heap[g->n++] = c;
    }
    for (uint32_t i = g->n; i-- > 0;)
        sift(g, i);
    return ok;
}

static bool merger_step(struct merger *g, struct err *err)
{
    bool end, ok = cursor_next(g->heap[0], &end, err);
    if (!ok || end) {
        cursor_free(g->heap[0]);
        g->heap[0] = g->heap[--g->n];
    }
    sift(g, 0);
    return ok;
}

static void merger_end(struct merger *g)
{
    for (uint32_t i = 0; i < g->n; i++)
        cursor_free(g->heap[i]);
}

/* The last RUNS_MAX runs into one. */
static bool join_runs(struct measure *m, struct err *err)
{
    struct merger g;
    struct spill_run *runs[RUNS_MAX];
    m->nlists -= RUNS_MAX;
    memcpy(runs, m->lists + m->nlists, sizeof(runs));
    bool ok = merger_begin(&g, runs, RUNS_MAX, is_text(m), err);
    struct writer w = writer_begin(m);
    for (; ok && g.n > 0; ok = ok && merger_step(&g, err))
        ok = write_value(&w, g.heap[0]->group, &g.heap[0]->v, err);
    merger_end(&g);
    return writer_end(&w, ok, err);
}

bool measure_dump(struct measure *m, struct spill *spill, uint32_t ngroups, struct err *err)
{
    enum measure_kind kind = m->spec->measure;
    m->spill = spill;
    if (kind == MEASURE_QUANTILE && m->ndumped < ngroups) {
        m->dumped = mem_resize(m->acct, m->dumped, m->ndumped * sizeof(*m->dumped),
                               ngroups * sizeof(*m->dumped));
        memset(m->dumped + m->ndumped, 0, (ngroups - m->ndumped) * sizeof(*m->dumped));
        m->ndumped = ngroups;
    }
    bool values = kind == MEASURE_QUANTILE && m->nvalues,
         set = kind == MEASURE_DISTINCT && m->set.n;
    if (!values && !set)
        return true;
    if (m->nlists >= RUNS_MAX && !join_runs(m, err))
        return false;
    struct writer w = writer_begin(m);
    bool ok = values ? dump_values(m, &w, ngroups, err) : dump_set(m, &w, ngroups, err);
    return writer_end(&w, ok, err);
}

void measure_take_lists(struct measure *m, struct measure *from)
{
    for (uint32_t i = 0; i < from->nlists; i++) {
        m->lists = xreallocarray(m->lists, m->nlists + 1, sizeof(struct spill_run *));
        m->lists[m->nlists++] = from->lists[i];
        m->spill = from->spill;
    }
    from->nlists = 0;
    if (from->dumped && !m->dumped) {
        m->ndumped = from->ndumped;
        m->dumped = from->dumped;
        from->dumped = NULL;
    }
    for (uint32_t i = 0; from->dumped && i < from->ndumped; i++)
        m->dumped[i] += from->dumped[i];
}

/* The values of groups, in order, as the merge gives them. */
struct reading {
    bool begun;
    uint32_t group;
    uint64_t at, rank; /* of the value to come; of the quantile's first */
    bool next;
    double over;
    struct buf last; /* distinct: the value before */
    uint64_t last_prefix;
};

static void read_value(struct measure *m, struct reading *r, const struct cursor *c)
{
    bool fresh = !r->begun || c->group != r->group;
    r->begun = true;
    r->group = c->group;
    if (m->spec->measure == MEASURE_DISTINCT) {
        bool same = !fresh && c->v.prefix == r->last_prefix &&
                    (!c->texts || slice_cmp(c->v.text, buf_slice(&r->last)) == 0);
        m->count[c->group] += !same;
        if (same)
            return;
        r->last_prefix = c->v.prefix;
        buf_clear(&r->last);
        if (c->texts)
            buf_add_slice(&r->last, c->v.text);
        return;
    }
    if (fresh) {
        r->at = 0;
        r->over = quantile_ranks(m->dumped[c->group], m->spec->q, &r->rank, &r->next);
    }
    double x = double_of_order(c->v.prefix), *found = &m->found[c->group];
    if (r->at == r->rank)
        *found = x;
    else if (r->next && r->at == r->rank + 1)
        *found += r->over * (x - *found);
    r->at++;
}

bool measure_merge_lists(struct measure *m, struct err *err)
{
    struct merger g;
    while (m->nlists > RUNS_MAX) { /* of several lanes */
        if (!join_runs(m, err))
            return false;
    }
    if (m->spec->measure == MEASURE_QUANTILE) {
        m->found = mem_alloc(m->acct, m->ndumped * sizeof(*m->found));
        for (uint32_t i = 0; i < m->ndumped; i++)
            m->found[i] = (double)NAN;
    }
    struct reading r = {.last = BUF_INIT(BUF_UNBOUNDED)};
    bool ok = merger_begin(&g, m->lists, m->nlists, is_text(m), err);
    m->nlists = 0;
    for (; ok && g.n > 0; ok = merger_step(&g, err))
        read_value(m, &r, g.heap[0]);
    merger_end(&g);
    buf_release(&r.last);
    return ok;
}
