/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Measures. See measure.h. */
#include "engine/measure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

#define ROUGH_SEED UINT64_C(0x64697374)
/* 2^12 registers: standard error 1.04 / sqrt(4096) = 1.6 % (Flajolet et al. 2007), 4 KiB a group
 * that has more values than the exact stage keeps. */
#define ROUGH_P 12

bool measure_is_numeric(enum measure_kind k)
{
    return k == MEASURE_SUM || k == MEASURE_MEAN || k == MEASURE_STDDEV || k == MEASURE_QUANTILE;
}

static bool keeps_cell(enum measure_kind k)
{
    return k == MEASURE_MIN || k == MEASURE_MAX || k == MEASURE_FIRST || k == MEASURE_LAST;
}

static bool sums_whole(const struct measure *m)
{
    return m->type == TYPE_INTEGER &&
           (m->spec->measure == MEASURE_SUM || m->spec->measure == MEASURE_MEAN);
}

void measure_init(struct measure *m, const struct named_expr *spec, enum type type,
                  struct arena *mem, struct mem_account *acct)
{
    *m = (struct measure){.spec = spec, .type = type, .acct = acct, .mem = mem};
    exact_pool_init(&m->pool, acct);
    if (spec->measure == MEASURE_DISTINCT) {
        struct field f[2] = {{NULL, TYPE_INTEGER, false}, {NULL, type, true}};
        struct schema s = {f, 2};
        uint32_t cols[2] = {0, 1};
        groups_init(&m->set, &s, cols, 2, acct);
    }
}

/* A vector of `cap` zeroed elements where `had` stood. */
static void *widen(struct measure *m, void *p, size_t size, uint32_t had, uint32_t cap)
{
    char *q = mem_resize(m->acct, p, had * size, cap * size);
    memset(q + had * size, 0, (cap - had) * size);
    return q;
}

void measure_grow(struct measure *m, uint32_t n)
{
    if (n <= m->cap)
        return;
    uint32_t had = m->cap, cap = had ? had : 64;
    while (cap < n)
        cap = cap > UINT32_MAX / 2 ? UINT32_MAX : cap * 2;
    enum measure_kind k = m->spec->measure;
    m->count = widen(m, m->count, sizeof(*m->count), had, cap);
    if (sums_whole(m))
        m->whole = widen(m, m->whole, sizeof(*m->whole), had, cap);
    else if (k == MEASURE_SUM || k == MEASURE_MEAN || k == MEASURE_STDDEV)
        m->sum = widen(m, m->sum, sizeof(*m->sum), had, cap);
    if (k == MEASURE_STDDEV)
        m->square = widen(m, m->square, sizeof(*m->square), had, cap);
    if (keeps_cell(k))
        m->cell = widen(m, m->cell, sizeof(*m->cell), had, cap);
    if (k == MEASURE_APPROX_DISTINCT) {
        m->rough = widen(m, m->rough, sizeof(*m->rough), had, cap);
        for (uint32_t i = had; i < cap; i++)
            distinct_init(&m->rough[i], ROUGH_P);
    }
    m->cap = cap;
}

void measure_release(struct measure *m, uint32_t ngroups)
{
    (void)ngroups;
    for (uint32_t i = 0; m->rough && i < m->cap; i++)
        distinct_release(&m->rough[i]);
    mem_release(m->acct, m->count, m->cap * sizeof(*m->count));
    mem_release(m->acct, m->sum, m->cap * sizeof(*m->sum));
    mem_release(m->acct, m->square, m->cap * sizeof(*m->square));
    mem_release(m->acct, m->whole, m->cap * sizeof(*m->whole));
    mem_release(m->acct, m->cell, m->cap * sizeof(*m->cell));
    mem_release(m->acct, m->rough, m->cap * sizeof(*m->rough));
    mem_release(m->acct, m->values, m->cap_values * sizeof(*m->values));
    mem_release(m->acct, m->of, m->cap_values * sizeof(*m->of));
    exact_pool_release(&m->pool);
    if (m->spec && m->spec->measure == MEASURE_DISTINCT)
        groups_release(&m->set);
}

static double number_at(const struct column *c, uint32_t row)
{
    return c->type == TYPE_INTEGER ? (double)c->v.i64[row] : c->v.f64[row];
}

static void add_sums(struct measure *m, const struct column *c, const uint32_t *list, uint32_t n,
                     const uint32_t *group)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t row = list[i], g = group[i];
        if (!column_valid(c, row))
            continue;
        m->count[g]++;
        if (m->whole) {
            m->whole[g] += c->v.i64[row];
            continue;
        }
        double x = number_at(c, row);
        exact_add(&m->pool, &m->sum[g], x);
        if (m->square)
            exact_add_product(&m->pool, &m->square[g], x, x);
    }
}

static void add_values(struct measure *m, const struct column *c, const uint32_t *list, uint32_t n,
                       const uint32_t *group)
{
    if (m->nvalues + n > m->cap_values) {
        size_t cap = m->cap_values ? m->cap_values * 2 : 4096;
        m->values = mem_resize(m->acct, m->values, m->cap_values * sizeof(*m->values),
                               cap * sizeof(*m->values));
        m->of = mem_resize(m->acct, m->of, m->cap_values * sizeof(*m->of), cap * sizeof(*m->of));
        m->cap_values = cap;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (!column_valid(c, list[i]))
            continue;
        m->count[group[i]]++;
        m->values[m->nvalues] = number_at(c, list[i]);
        m->of[m->nvalues++] = group[i];
    }
}

static void cell_set(struct measure *m, struct cell *k, const struct column *c, uint32_t row)
{
    k->has = true;
    k->has_text = false;
    bool value = type_is_number(c->type) || c->type == TYPE_BOOLEAN;
    if (c->type == TYPE_BOOLEAN)
        k->v.b8 = c->v.b8[row];
    else if (value)
        k->v.i64 = c->v.i64[row];
    if (!c->text || (value && (!c->text[row].p || !value_text_matters(c->type, c, row))))
        return;
    struct text t = c->text[row];
    if (t.len > k->cap) {
        k->cap = t.len < 16 ? 16 : t.len > UINT32_MAX / 2 ? t.len : t.len * 2;
        k->text = arena_bytes(m->mem, k->cap); /* the old one stays behind: doubling bounds it */
    }
    if (t.len)
        memcpy(k->text, t.p, t.len);
    k->len = t.len;
    k->flags = t.flags;
    k->has_text = true;
}

static int cell_order(const struct cell *k, const struct column *c, uint32_t row)
{
    uint64_t valid = 1;
    struct text text = {k->text, k->len, 0};
    struct cell copy = *k;
    struct column view = {.type = c->type, .valid = &valid, .text = &text};
    if (c->type == TYPE_BOOLEAN)
        view.v.b8 = &copy.v.b8;
    else
        view.v.i64 = &copy.v.i64;
    return value_order(&view, 0, c, row);
}

static void add_cells(struct measure *m, const struct column *c, const uint32_t *list, uint32_t n,
                      const uint32_t *group)
{
    enum measure_kind kind = m->spec->measure;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t row = list[i];
        if (!column_valid(c, row))
            continue;
        struct cell *k = &m->cell[group[i]];
        m->count[group[i]]++;
        bool take = !k->has || kind == MEASURE_LAST ||
                    (kind == MEASURE_MIN && cell_order(k, c, row) > 0) ||
                    (kind == MEASURE_MAX && cell_order(k, c, row) < 0);
        if (take)
            cell_set(m, k, c, row);
    }
}

static bool add_distinct(struct measure *m, struct batch *b, uint32_t c, const uint32_t *list,
                         uint32_t n, const uint32_t *group, struct err *err)
{
    struct batch *pair = batch_new(2, m->acct);
    pair->rows = b->rows;
    column_alloc_rows(pair, 0, TYPE_INTEGER, false, b->rows);
    pair->cols[1] = b->cols[c];
    batch_hold(pair, b);
    uint32_t rows[BATCH_ROWS], set[BATCH_ROWS], cols[2] = {0, 1}, kept = 0;
    uint64_t hashes[BATCH_ROWS];
    memset(pair->cols[0].v.i64, 0, b->rows * sizeof(int64_t));
    for (uint32_t i = 0; i < n; i++) {
        uint32_t row = list[i];
        if (!column_valid(&b->cols[c], row))
            continue;
        column_set_valid(&pair->cols[0], row);
        pair->cols[0].v.i64[row] = group[i];
        rows[kept++] = row;
    }
    keys_hash(pair, cols, 2, hashes);
    uint32_t next = m->set.n;
    bool ok = groups_find(&m->set, pair, cols, hashes, rows, kept, set, err);
    for (uint32_t i = 0; ok && i < kept; i++) {
        if (set[i] != next)
            continue;
        m->count[pair->cols[0].v.i64[rows[i]]]++;
        next++;
    }
    batch_unref(pair);
    return ok;
}

static void add_rough(struct measure *m, const struct batch *b, uint32_t c, const uint32_t *list,
                      uint32_t n, const uint32_t *group)
{
    uint64_t hashes[BATCH_ROWS];
    keys_hash(b, &c, 1, hashes);
    for (uint32_t i = 0; i < n; i++) {
        if (!column_valid(&b->cols[c], list[i]))
            continue;
        uint64_t h = hashes[list[i]];
        uint64_t e = distinct_element(hash_u64(h, ROUGH_SEED), hash_u64(h, ROUGH_SEED + 1));
        distinct_add(&m->rough[group[i]], &e, 1);
        m->count[group[i]]++;
    }
}

bool measure_add(struct measure *m, struct batch *b, uint32_t c, const uint32_t *list, uint32_t n,
                 const uint32_t *group, struct err *err)
{
    switch (m->spec->measure) {
    case MEASURE_COUNT:
        for (uint32_t i = 0; i < n; i++)
            m->count[group[i]]++;
        return true;
    case MEASURE_SUM:
    case MEASURE_MEAN:
    case MEASURE_STDDEV:
        add_sums(m, &b->cols[c], list, n, group);
        return true;
    case MEASURE_QUANTILE:
        add_values(m, &b->cols[c], list, n, group);
        return true;
    case MEASURE_MIN:
    case MEASURE_MAX:
    case MEASURE_FIRST:
    case MEASURE_LAST:
        add_cells(m, &b->cols[c], list, n, group);
        return true;
    case MEASURE_DISTINCT:
        return add_distinct(m, b, c, list, n, group, err);
    case MEASURE_APPROX_DISTINCT:
        add_rough(m, b, c, list, n, group);
        return true;
    }
    BUG("unknown measure");
}

static int order_double(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Values group by group (counting sort), each group sorted; `of` then holds nothing of use. */
void measure_finish(struct measure *m, uint32_t ngroups)
{
    if (m->spec->measure != MEASURE_QUANTILE || !m->nvalues)
        return;
    size_t *at = mem_alloc(m->acct, (ngroups + 1) * sizeof(*at));
    double *sorted = mem_alloc(m->acct, m->cap_values * sizeof(*sorted));
    at[0] = 0;
    for (uint32_t g = 0; g < ngroups; g++)
        at[g + 1] = at[g] + m->count[g];
    for (size_t i = 0; i < m->nvalues; i++)
        sorted[at[m->of[i]]++] = m->values[i];
    size_t from = 0;
    for (uint32_t g = 0; g < ngroups; g++) {
        if (m->count[g])
            qsort(sorted + from, m->count[g], sizeof(*sorted), order_double);
        from += m->count[g];
    }
    mem_release(m->acct, at, (ngroups + 1) * sizeof(*at));
    mem_release(m->acct, m->values, m->cap_values * sizeof(*m->values));
    m->values = sorted;
}

/* Hyndman & Fan 1996, type 7: linear between the order statistics around (n - 1) q. */
static double quantile(const double *v, uint64_t n, double q)
{
    double h = (double)(n - 1) * q;
    double below = floor(h);
    uint64_t i = (uint64_t)below;
    if (i + 1 >= n)
        return v[n - 1];
    if (h == below)
        return v[i];
    return v[i] + (h - below) * (v[i + 1] - v[i]);
}

static void put_number(struct column *col, uint32_t row, double x)
{
    if (!isfinite(x)) {
        if (col->type == TYPE_FLOAT)
            col->v.f64[row] = 0;
        return; /* unknown is null */
    }
    column_set_valid(col, row);
    if (col->type == TYPE_INTEGER)
        col->v.i64[row] = (int64_t)llround(x);
    else
        col->v.f64[row] = x;
}

static bool put_sum(struct measure *m, uint32_t g, struct column *col, uint32_t row,
                    struct err *err)
{
    bool mean = m->spec->measure == MEASURE_MEAN;
    if (!m->whole) {
        double sum = exact_round(&m->pool, &m->sum[g]);
        put_number(col, row, mean ? sum / (double)m->count[g] : sum);
        return true;
    }
    wide_int sum = m->whole[g];
    if (mean || col->type != TYPE_INTEGER) {
        put_number(col, row, mean ? (double)sum / (double)m->count[g] : (double)sum);
        return true;
    }
    if (sum > INT64_MAX || sum < INT64_MIN)
        return err_set(err, ERR_DATA,
                       "measure '%s' is beyond 64 bits: sum the column as a float, e.g. * 1.0",
                       m->spec->name);
    column_set_valid(col, row);
    col->v.i64[row] = (int64_t)sum;
    return true;
}

static void put_cell(const struct cell *k, struct batch *dst, struct column *col, uint32_t row)
{
    if (col->text)
        col->text[row] = (struct text){NULL, 0, 0};
    if (!k->has)
        return;
    column_set_valid(col, row);
    if (col->type == TYPE_BOOLEAN)
        col->v.b8[row] = k->v.b8;
    else if (type_is_number(col->type))
        col->v.i64[row] = k->v.i64;
    if (col->text && k->has_text) {
        char *p = arena_bytes(&dst->mem, k->len);
        if (k->len)
            memcpy(p, k->text, k->len);
        col->text[row] = (struct text){p, k->len, k->flags};
    }
}

bool measure_result(struct measure *m, uint32_t from, struct batch *dst, uint32_t c,
                    struct err *err)
{
    enum measure_kind kind = m->spec->measure;
    enum type type = keeps_cell(kind) ? m->type : m->spec->type;
    bool with_text = false;
    for (uint32_t i = 0; keeps_cell(kind) && i < dst->rows; i++)
        with_text = with_text || m->cell[from + i].has_text;
    column_alloc_rows(dst, c, type, with_text, dst->rows);
    struct column *col = &dst->cols[c];
    for (uint32_t i = 0; i < dst->rows; i++) {
        uint32_t g = from + i;
        uint64_t n = m->count[g];
        if (keeps_cell(kind))
            put_cell(&m->cell[g], dst, col, i);
        else if (kind == MEASURE_COUNT || kind == MEASURE_DISTINCT)
            put_number(col, i, (double)n);
        else if (kind == MEASURE_APPROX_DISTINCT)
            put_number(col, i, floor(distinct_estimate(&m->rough[g]) + 0.5));
        else if (n == 0)
            put_number(col, i, NAN);
        else if (kind == MEASURE_QUANTILE)
            put_number(col, i, quantile(m->values + m->given, n, m->spec->q));
        else if (kind == MEASURE_STDDEV)
            put_number(col, i, exact_stddev(&m->pool, &m->sum[g], &m->square[g], n));
        else if (!put_sum(m, g, col, i, err))
            return false;
        m->given += kind == MEASURE_QUANTILE ? n : 0;
    }
    if (keeps_cell(kind) && with_text && (type_is_number(type) || type == TYPE_BOOLEAN))
        column_fill_text(dst, col, dst->rows);
    return true;
}
