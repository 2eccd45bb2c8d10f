/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Measures. See measure.h. */
#include "engine/measure_int.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "engine/keys.h"

#define ROUGH_SEED UINT64_C(0x64697374)
/* 2^12 registers: standard error 1.04 / sqrt(4096) = 1.6 % (Flajolet et al. 2007), 4 KiB a group
 * that has more values than the exact stage keeps. */
#define ROUGH_P 12
/* Rounds of a selection: as many as halve any count, and as many again. */
#define ROUNDS_MAX 128
/* Bytes that it takes to write an entry of a set in order (dump_set, and half of it for qsort). */
#define SET_SORT 68

bool measure_is_numeric(enum measure_kind k)
{
    return k == MEASURE_SUM || k == MEASURE_MEAN || k == MEASURE_STDDEV || k == MEASURE_QUANTILE;
}

enum type measure_result_type(const struct named_expr *spec, enum type values)
{
    return keeps_cell(spec->measure) ? values : spec->type;
}

static bool sums_whole(const struct measure *m)
{
    return m->type == TYPE_INTEGER &&
           (m->spec->measure == MEASURE_SUM || m->spec->measure == MEASURE_MEAN);
}

void measure_init(struct measure *m, const struct named_expr *spec, enum type type,
                  struct mem_account *acct)
{
    *m = (struct measure){.spec = spec, .type = type, .acct = acct};
    exact_pool_init(&m->pool, acct);
    arena_init(&m->texts, acct);
    if (spec->measure == MEASURE_DISTINCT)
        groups_init(&m->set, (enum type[]){TYPE_INTEGER, type}, 2, false, acct);
}

static void rough_release(struct measure *m, struct distinct *d)
{
    mem_sub(m->acct, rough_bytes(d));
    distinct_release(d);
}

void rough_add(struct measure *m, uint32_t group, const uint64_t *elements, size_t n)
{
    struct distinct *d = &m->rough[group];
    size_t had = rough_bytes(d);
    distinct_add(d, elements, n);
    mem_add(m->acct, rough_bytes(d) - had); /* less, too: it wraps */
}

/* A vector of `cap` zeroed elements where `had` stood. */
static void *widen(struct measure *m, void *p, size_t size, uint32_t had, uint32_t cap)
{
    char *q = mem_resize(m->acct, p, had * size, cap * size);
    memset(q + had * size, 0, (cap - had) * size);
    return q;
}

static uint32_t cap_for(uint32_t had, uint32_t n)
{
    size_t cap = had;
    while (cap < n)
        cap = groups_cap_after(cap);
    return cap > UINT32_MAX ? UINT32_MAX : (uint32_t)cap;
}

void measure_grow(struct measure *m, uint32_t n)
{
    if (n <= m->cap)
        return;
    uint32_t had = m->cap, cap = cap_for(had, n);
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

size_t measure_growth(const struct measure *m, uint32_t rows, uint32_t ngroups)
{
    enum measure_kind k = m->spec->measure;
    size_t bytes = 0;
    if (ngroups > m->cap) {
        size_t each = sizeof(*m->count) + (m->whole ? sizeof(*m->whole) : 0) +
                      (m->sum ? sizeof(*m->sum) : 0) + (m->square ? sizeof(*m->square) : 0) +
                      (m->cell ? sizeof(*m->cell) : 0) + (m->rough ? sizeof(*m->rough) : 0);
        bytes = (cap_for(m->cap, ngroups) - m->cap) * each;
    }
    if (k == MEASURE_QUANTILE) /* settled beside, and sorted beside that */
        bytes += (m->cap_values + rows) * (sizeof(*m->values) * 2 + sizeof(*m->of));
    if (k == MEASURE_DISTINCT)
        bytes += groups_growth(&m->set, rows) + ((size_t)m->set.n + rows) * SET_SORT;
    if (k == MEASURE_QUANTILE || k == MEASURE_DISTINCT)
        bytes += ngroups * sizeof(*m->start);
    return bytes;
}

void measure_release(struct measure *m)
{
    for (uint32_t i = 0; m->rough && i < m->cap; i++)
        rough_release(m, &m->rough[i]);
    mem_release(m->acct, m->count, m->cap * sizeof(*m->count));
    mem_release(m->acct, m->sum, m->cap * sizeof(*m->sum));
    mem_release(m->acct, m->square, m->cap * sizeof(*m->square));
    mem_release(m->acct, m->whole, m->cap * sizeof(*m->whole));
    mem_release(m->acct, m->cell, m->cap * sizeof(*m->cell));
    mem_release(m->acct, m->rough, m->cap * sizeof(*m->rough));
    mem_release(m->acct, m->values, m->cap_values * sizeof(*m->values));
    mem_release(m->acct, m->of, m->cap_values * sizeof(*m->of));
    measure_unsettle(m);
    for (uint32_t i = 0; i < m->nlists; i++)
        spill_drop(m->lists[i]);
    free(m->lists);
    mem_release(m->acct, m->dumped, m->ndumped * sizeof(*m->dumped));
    mem_release(m->acct, m->found, m->ndumped * sizeof(*m->found));
    if (m->pairs)
        batch_unref(m->pairs);
    exact_pool_release(&m->pool);
    arena_release(&m->texts);
    if (m->spec && m->spec->measure == MEASURE_DISTINCT)
        groups_release(&m->set);
    *m = (struct measure){.spec = NULL};
}

/* The rows that have a value, as the loops of sums want them: side by side. */
struct dense {
    uint32_t n;
    const uint32_t *group;
    const double *f64; /* or … */
    const int64_t *i64;
    uint32_t groups[BATCH_ROWS];
    union {
        double f64[BATCH_ROWS];
        int64_t i64[BATCH_ROWS];
    } v;
};

static bool all_valid(const struct column *c, uint32_t rows)
{
    uint64_t gaps = 0;
    for (uint32_t w = 0; w < rows / 64; w++)
        gaps |= ~c->valid[w];
    if (rows & 63)
        gaps |= ~c->valid[rows / 64] & ((UINT64_C(1) << (rows & 63)) - 1);
    return gaps == 0;
}

static void make_dense(struct dense *d, const struct column *c, const uint32_t *list, uint32_t n,
                       const uint32_t *group, bool as_double)
{
    bool whole = c->type == TYPE_INTEGER, convert = whole && as_double;
    bool all = !list && all_valid(c, n);
    d->f64 = d->v.f64;
    d->i64 = d->v.i64;
    d->group = d->groups;
    d->n = n;
    if (all) {
        d->group = group;
        if (!convert) {
            d->f64 = c->v.f64;
            d->i64 = c->v.i64;
            return;
        }
        for (uint32_t i = 0; i < n; i++)
            d->v.f64[i] = (double)c->v.i64[i];
        return;
    }
    uint32_t k = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t row = list ? list[i] : i;
        d->groups[k] = group[i];
        if (convert)
            d->v.f64[k] = (double)c->v.i64[row];
        else
            d->v.i64[k] = c->v.i64[row]; /* the bits of a double as well */
        k += column_valid(c, row);
    }
    d->n = k;
}

static void add_sums(struct measure *m, const struct column *c, const uint32_t *list, uint32_t n,
                     const uint32_t *group)
{
    struct dense d;
    make_dense(&d, c, list, n, group, !m->whole);
    for (uint32_t i = 0; i < d.n; i++)
        m->count[d.group[i]]++;
    if (m->whole) {
        for (uint32_t i = 0; i < d.n; i++)
            m->whole[d.group[i]] += d.i64[i];
        return;
    }
    for (uint32_t i = 0; i < d.n; i++)
        exact_add(&m->pool, &m->sum[d.group[i]], d.f64[i]);
    for (uint32_t i = 0; m->square && i < d.n; i++)
        exact_add_product(&m->pool, &m->square[d.group[i]], d.f64[i], d.f64[i]);
}

void values_reserve(struct measure *m, size_t n)
{
    size_t had = m->cap_values, cap = had;
    while (m->nvalues + n > cap)
        cap = groups_cap_after(cap);
    if (cap == had)
        return;
    m->values = mem_resize(m->acct, m->values, had * sizeof(*m->values), cap * sizeof(*m->values));
    m->of = mem_resize(m->acct, m->of, had * sizeof(*m->of), cap * sizeof(*m->of));
    m->cap_values = cap;
}

static void add_values(struct measure *m, const struct column *c, const uint32_t *list, uint32_t n,
                       const uint32_t *group)
{
    values_reserve(m, n);
    struct dense d;
    make_dense(&d, c, list, n, group, true);
    memcpy(m->values + m->nvalues, d.f64, d.n * sizeof(*m->values));
    memcpy(m->of + m->nvalues, d.group, d.n * sizeof(*m->of));
    m->nvalues += d.n;
    for (uint32_t i = 0; i < d.n; i++)
        m->count[d.group[i]]++;
}

static void cell_text(struct measure *m, struct cell *k, const char *p, uint32_t len)
{
    if (len > k->cap) {
        k->cap = len < 16 ? 16 : len > UINT32_MAX / 2 ? len : len * 2;
        k->text = arena_bytes(&m->texts, k->cap); /* the old one stays behind: doubling bounds it */
    }
    if (len)
        memcpy(k->text, p, len);
    k->len = len;
    k->has_text = true;
}

static void cell_set(struct measure *m, struct cell *k, const struct column *c, uint32_t row,
                     uint64_t seq)
{
    k->has = true;
    k->seq = seq;
    k->has_text = false;
    bool value = type_is_number(c->type) || c->type == TYPE_BOOLEAN;
    if (c->type == TYPE_BOOLEAN)
        k->v.b8 = c->v.b8[row];
    else if (value)
        k->v.i64 = c->v.i64[row];
    if (c->text && (!value || (c->text[row].p && value_text_matters(c->type, c, row))))
        cell_text(m, k, c->text[row].p, c->text[row].len);
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

/* Takes a cell of another state of the same measure. */
void cell_merge(struct measure *m, uint32_t group, const struct cell *new)
{
    struct cell *k = &m->cell[group];
    if (!new->has)
        return;
    bool take = !k->has;
    if (k->has) {
        uint64_t valid = 1;
        struct text text = {new->text, new->len, 0};
        struct cell copy = *new;
        struct column view = {.type = m->type, .valid = &valid, .text = &text};
        if (m->type == TYPE_BOOLEAN)
            view.v.b8 = &copy.v.b8;
        else
            view.v.i64 = &copy.v.i64;
        enum measure_kind kind = m->spec->measure;
        int order = kind == MEASURE_MIN   ? cell_order(k, &view, 0)
                    : kind == MEASURE_MAX ? -cell_order(k, &view, 0)
                                          : 0;
        take = order > 0 || (order == 0 && (new->seq < k->seq) == (kind != MEASURE_LAST));
    }
    if (!take)
        return;
    k->has = true;
    k->seq = new->seq;
    k->v = new->v;
    k->has_text = false;
    if (new->has_text)
        cell_text(m, k, new->text, new->len);
}

/* Is the value in row below the cell's (above, with sign -1)? */
static bool cell_beaten(const struct cell *k, const struct column *c, uint32_t row, int sign)
{
    if (c->type == TYPE_FLOAT)
        return sign > 0 ? c->v.f64[row] < k->v.f64 : c->v.f64[row] > k->v.f64;
    if (c->type == TYPE_INTEGER)
        return sign > 0 ? c->v.i64[row] < k->v.i64 : c->v.i64[row] > k->v.i64;
    return cell_order(k, c, row) * sign > 0;
}

/* Batches of a lane come in ascending order, so of equal values the first stays. */
static void add_cells(struct measure *m, const struct column *c, const uint32_t *list, uint32_t n,
                      const uint32_t *group, uint64_t seq)
{
    enum measure_kind kind = m->spec->measure;
    int sign = kind == MEASURE_MIN ? 1 : -1;
    bool ordered = kind == MEASURE_MIN || kind == MEASURE_MAX;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t row = list ? list[i] : i;
        if (!column_valid(c, row))
            continue;
        struct cell *k = &m->cell[group[i]];
        m->count[group[i]]++;
        if (!k->has || kind == MEASURE_LAST || (ordered && cell_beaten(k, c, row, sign)))
            cell_set(m, k, c, row, seq + row);
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
    for (uint32_t i = 0; i < n; i++) {
        uint32_t row = list ? list[i] : i;
        if (!column_valid(&b->cols[c], row))
            continue;
        column_set_valid(&pair->cols[0], row);
        pair->cols[0].v.i64[row] = group[i];
        rows[kept++] = row;
    }
    uint32_t next = m->set.n;
    bool ok = groups_find(&m->set, pair, cols, rows, kept, set, err);
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
        uint32_t row = list ? list[i] : i;
        if (!column_valid(&b->cols[c], row))
            continue;
        uint64_t h = hashes[row];
        uint64_t e = distinct_element(hash_u64(h, ROUGH_SEED), hash_u64(h, ROUGH_SEED + 1));
        rough_add(m, group[i], &e, 1);
        m->count[group[i]]++;
    }
}

bool measure_add(struct measure *m, struct batch *b, uint32_t c, const uint32_t *list, uint32_t n,
                 const uint32_t *group, uint64_t seq, struct err *err)
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
        add_cells(m, &b->cols[c], list, n, group, seq);
        return true;
    case MEASURE_DISTINCT:
        return add_distinct(m, b, c, list, n, group, err);
    case MEASURE_APPROX_DISTINCT:
        add_rough(m, b, c, list, n, group);
        return true;
    }
    BUG("unknown measure");
}

void measure_unsettle(struct measure *m)
{
    mem_release(m->acct, m->start, m->nstart * sizeof(*m->start));
    if (m->ids)
        mem_release(m->acct, m->ids, ((size_t)m->set.n + 1) * sizeof(*m->ids));
    m->start = NULL;
    m->ids = NULL;
    m->nstart = 0;
}

/* Counting sort. */
void values_settle(struct measure *m, uint32_t ngroups)
{
    measure_unsettle(m);
    m->nstart = (size_t)ngroups + 1;
    m->start = mem_alloc(m->acct, m->nstart * sizeof(*m->start));
    m->start[0] = 0;
    for (uint32_t g = 0; g < ngroups; g++)
        m->start[g + 1] = m->start[g] + m->count[g];
    if (ngroups < 2)
        return;
    double *sorted = mem_alloc(m->acct, m->cap_values * sizeof(*sorted));
    for (size_t i = 0; i < m->nvalues; i++)
        sorted[m->start[m->of[i]]++] = m->values[i];
    for (uint32_t g = ngroups; g > 0; g--)
        m->start[g] = m->start[g - 1];
    m->start[0] = 0;
    mem_release(m->acct, m->values, m->cap_values * sizeof(*m->values));
    m->values = sorted;
}

bool measure_finish(struct measure *m, uint32_t ngroups, struct err *err)
{
    if (m->nlists)
        return measure_dump(m, m->spill, ngroups, err) && measure_merge_lists(m, err);
    if (m->spec->measure == MEASURE_QUANTILE)
        values_settle(m, ngroups);
    return true;
}

static int order_doubles(const void *a, const void *b)
{
    int64_t x = order_key(*(const double *)a), y = order_key(*(const double *)b);
    return (x > y) - (x < y);
}

/* Brings the value of rank k (from 0) of v[0..n) to its place, smaller ones before it, larger ones
 * behind (Hoare 1961, "Algorithm 65: find"; pivots are medians of three). What does not get smaller
 * fast is sorted. */
static void select_rank(double *v, size_t n, size_t k)
{
    size_t lo = 0, hi = n;
    for (unsigned rounds = 0; hi - lo > 1; rounds++) {
        if (rounds == ROUNDS_MAX) {
            qsort(v + lo, hi - lo, sizeof(*v), order_doubles);
            return;
        }
        int64_t a = order_key(v[lo]), b = order_key(v[lo + (hi - lo) / 2]),
                c = order_key(v[hi - 1]);
        int64_t pivot = a < b ? (b < c ? b : a < c ? c : a) : (a < c ? a : b < c ? c : b);
        size_t i = lo, j = hi - 1;
        for (;;) {
            while (order_key(v[i]) < pivot)
                i++;
            while (order_key(v[j]) > pivot)
                j--;
            if (i >= j)
                break;
            double t = v[i];
            v[i++] = v[j];
            v[j--] = t;
        }
        /* v[lo..i) <= pivot, v[j+1..hi) >= pivot, and i == j only at a value equal to it. */
        size_t right = i == j ? j + 1 : i;
        if (k >= right)
            lo = right;
        else if (k <= j && i != j)
            hi = j + 1;
        else if (i == j && k < j)
            hi = j;
        else
            return;
    }
}

double quantile_ranks(uint64_t n, double q, uint64_t *rank, bool *next)
{
    double h = (double)(n - 1) * q;
    double below = floor(h);
    *rank = (uint64_t)below < n ? (uint64_t)below : n - 1;
    *next = h != below && *rank + 1 < n;
    return h - below;
}

static double quantile(double *v, uint64_t n, double q)
{
    uint64_t i;
    bool more;
    double over = quantile_ranks(n, q, &i, &more);
    select_rank(v, n, i);
    if (!more)
        return v[i];
    double next = v[i + 1];
    for (uint64_t k = i + 2; k < n; k++)
        next = order_key(v[k]) < order_key(next) ? v[k] : next;
    return v[i] + over * (next - v[i]);
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
        col->text[row] = (struct text){p, k->len, 0};
    }
}

static bool put_one(struct measure *m, uint32_t g, struct batch *dst, struct column *col,
                    uint32_t row, struct err *err)
{
    enum measure_kind kind = m->spec->measure;
    uint64_t n = m->count[g];
    if (keeps_cell(kind))
        put_cell(&m->cell[g], dst, col, row);
    else if (kind == MEASURE_COUNT || kind == MEASURE_DISTINCT)
        put_number(col, row, (double)n);
    else if (kind == MEASURE_APPROX_DISTINCT)
        put_number(col, row, floor(distinct_estimate(&m->rough[g]) + 0.5));
    else if (m->found)
        put_number(col, row, m->found[g]);
    else if (n == 0)
        put_number(col, row, NAN);
    else if (kind == MEASURE_QUANTILE)
        put_number(col, row, quantile(m->values + m->start[g], n, m->spec->q));
    else if (kind == MEASURE_STDDEV)
        put_number(col, row, exact_stddev(&m->pool, &m->sum[g], &m->square[g], n));
    else
        return put_sum(m, g, col, row, err);
    return true;
}

bool measure_result(struct measure *m, const uint32_t *ids, uint32_t from, struct batch *dst,
                    uint32_t c, struct err *err)
{
    enum measure_kind kind = m->spec->measure;
    enum type type = measure_result_type(m->spec, m->type);
    bool with_text = false;
    for (uint32_t i = 0; keeps_cell(kind) && i < dst->rows; i++)
        with_text = with_text || m->cell[ids ? ids[i] : from + i].has_text;
    column_alloc_rows(dst, c, type, with_text, dst->rows);
    struct column *col = &dst->cols[c];
    for (uint32_t i = 0; i < dst->rows; i++) {
        if (!put_one(m, ids ? ids[i] : from + i, dst, col, i, err))
            return false;
    }
    if (keeps_cell(kind) && with_text && (type_is_number(type) || type == TYPE_BOOLEAN))
        column_fill_text(dst, col, dst->rows);
    return true;
}
