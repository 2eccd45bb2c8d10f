/* SPDX-License-Identifier: GPL-3.0-or-later */
/* States of measures from elsewhere: of another lane, or from bytes. See measure.h. */
#include <string.h>

#include "engine/measure_int.h"

/* Values in one part of a list. */
#define PART_VALUES 512u
#define PART_BYTES ((size_t)256 << 10)
#define CELL_TEXT 2u

/* -- merging -- */

static void merge_values(struct measure *m, const uint32_t *map, const struct measure *from)
{
    if (from->nvalues == 0)
        return;
    values_reserve(m, from->nvalues);
    memcpy(m->values + m->nvalues, from->values, from->nvalues * sizeof(*m->values));
    for (size_t i = 0; i < from->nvalues; i++)
        m->of[m->nvalues + i] = map[from->of[i]];
    m->nvalues += from->nvalues;
}

/* The rows of `pairs` (group, value) into the set; counts those that are new. */
static bool take_pairs(struct measure *m, struct batch *pairs, struct err *err)
{
    static const uint32_t cols[2] = {0, 1};
    uint32_t set[BATCH_ROWS], next = m->set.n;
    if (!groups_find(&m->set, pairs, cols, NULL, pairs->rows, set, err))
        return false;
    for (uint32_t i = 0; i < pairs->rows; i++) {
        if (set[i] != next)
            continue;
        m->count[pairs->cols[0].v.i64[i]]++;
        next++;
    }
    return true;
}

static bool merge_sets(struct measure *m, const uint32_t *map, const struct measure *from,
                       struct err *err)
{
    bool ok = true;
    for (uint32_t at = 0; ok && at < from->set.n; at += BATCH_ROWS) {
        struct batch *pairs = batch_new(2, m->acct);
        pairs->rows = from->set.n - at < BATCH_ROWS ? from->set.n - at : BATCH_ROWS;
        groups_gather(&from->set, 0, NULL, at, pairs->rows, pairs, 0);
        groups_gather(&from->set, 1, NULL, at, pairs->rows, pairs, 1);
        int64_t *of = pairs->cols[0].v.i64;
        for (uint32_t i = 0; i < pairs->rows; i++)
            of[i] = map[of[i]];
        ok = take_pairs(m, pairs, err);
        batch_unref(pairs);
    }
    return ok;
}

static void merge_rough(struct measure *m, uint32_t group, const struct distinct *from)
{
    struct distinct *d = &m->rough[group];
    size_t had = rough_bytes(d);
    distinct_merge(d, from);
    mem_add(m->acct, rough_bytes(d) - had);
}

bool measure_merge(struct measure *m, const uint32_t *map, struct measure *from, uint32_t n,
                   struct err *err)
{
    enum measure_kind kind = m->spec->measure;
    measure_take_lists(m, from);
    if (kind == MEASURE_DISTINCT) /* counts anew what is new here */
        return merge_sets(m, map, from, err);
    for (uint32_t i = 0; i < n; i++)
        m->count[map[i]] += from->count[i];
    if (kind == MEASURE_QUANTILE)
        merge_values(m, map, from);
    for (uint32_t i = 0; keeps_cell(kind) && i < n; i++)
        cell_merge(m, map[i], &from->cell[i]);
    for (uint32_t i = 0; m->rough && i < n; i++)
        merge_rough(m, map[i], &from->rough[i]);
    for (uint32_t i = 0; m->whole && i < n; i++)
        m->whole[map[i]] += from->whole[i];
    for (uint32_t i = 0; m->sum && i < n; i++)
        exact_merge(&m->pool, &m->sum[map[i]], &from->pool, &from->sum[i]);
    for (uint32_t i = 0; m->square && i < n; i++)
        exact_merge(&m->pool, &m->square[map[i]], &from->pool, &from->square[i]);
    return true;
}

/* -- as bytes -- */

/* Seven bits a byte, the lowest first; the highest bit says that there are more (LEB128). */
static void pack_var(struct buf *out, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        pack_uint(out, v | 0x80, 1);
    pack_uint(out, v, 1);
}

static uint64_t unpack_var(struct unpack *in)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint64_t byte = unpack_uint(in, 1);
        v |= (byte & 0x7f) << shift;
        if (byte < 0x80)
            break;
    }
    return v;
}

/* Counting sort. */
void set_settle(struct measure *m, uint32_t ngroups)
{
    const struct groups *g = &m->set;
    measure_unsettle(m);
    m->nstart = (size_t)ngroups + 1;
    m->start = mem_alloc(m->acct, m->nstart * sizeof(*m->start));
    m->ids = mem_alloc(m->acct, ((size_t)g->n + 1) * sizeof(*m->ids));
    m->start[0] = 0;
    for (uint32_t i = 0; i < ngroups; i++)
        m->start[i + 1] = m->start[i] + m->count[i];
    for (uint32_t i = 0; i < g->n; i++)
        m->ids[m->start[g->key[(size_t)i * g->words]]++] = i;
    for (uint32_t i = ngroups; i > 0; i--)
        m->start[i] = m->start[i - 1];
    m->start[0] = 0;
    size_t longest = group_longest(g, 1);
    m->part = longest > PART_BYTES / PART_VALUES ? (uint32_t)(PART_BYTES / longest) : PART_VALUES;
    m->part = m->part ? m->part : 1;
}

void measure_settle(struct measure *m, uint32_t ngroups)
{
    if (m->spec->measure == MEASURE_DISTINCT)
        set_settle(m, ngroups);
    else if (m->spec->measure == MEASURE_QUANTILE)
        values_settle(m, ngroups);
}

static bool save_values(const struct measure *m, uint32_t group, uint32_t part, struct buf *out)
{
    uint64_t n = m->count[group], from = (uint64_t)part * PART_VALUES;
    uint64_t k = from >= n ? 0 : n - from < PART_VALUES ? n - from : PART_VALUES;
    pack_var(out, k);
    if (k)
        pack_doubles(out, m->values + m->start[group] + from, (size_t)k);
    return from + k < n;
}

static bool save_set(const struct measure *m, uint32_t group, uint32_t part, struct buf *out)
{
    uint64_t n = m->count[group], from = (uint64_t)part * m->part;
    uint64_t k = from >= n ? 0 : n - from < m->part ? n - from : m->part;
    pack_var(out, k);
    for (uint64_t i = 0; i < k; i++)
        group_pack(&m->set, 1, m->ids[m->start[group] + from + i], out);
    return from + k < n;
}

#define ROUGH_REGS 1u
#define ROUGH_SET 2u

static bool save_rough(const struct distinct *d, uint32_t part, struct buf *out)
{
    if (d->regs) {
        pack_uint(out, part == 0 ? ROUGH_REGS : 0, 1);
        if (part == 0)
            buf_add(out, d->regs, (size_t)1 << d->p);
        return false;
    }
    uint32_t from = part * PART_VALUES, to = from + PART_VALUES;
    uint64_t some[PART_VALUES], k = 0;
    for (uint32_t i = from; i < to && i < d->cap; i++) {
        some[k] = d->set[i];
        k += d->set[i] != 0;
    }
    pack_uint(out, k ? ROUGH_SET : 0, 1);
    if (k) {
        pack_var(out, k);
        for (uint64_t i = 0; i < k; i++)
            pack_uint(out, some[i], 8);
    }
    return to < d->cap;
}

static bool load_rough(struct measure *m, uint32_t group, struct unpack *in)
{
    uint64_t kind = unpack_uint(in, 1), some[PART_VALUES];
    if (kind == ROUGH_SET) {
        uint64_t k = unpack_var(in);
        if (k > PART_VALUES)
            return false;
        for (uint64_t i = 0; i < k; i++)
            some[i] = unpack_uint(in, 8);
        rough_add(m, group, some, (size_t)k);
    } else if (kind == ROUGH_REGS) {
        struct distinct regs = {.p = m->rough[group].p};
        const unsigned char *p = unpack_bytes(in, (size_t)1 << regs.p);
        if (!p)
            return false;
        distinct_to_registers(&regs);
        memcpy(regs.regs, p, (size_t)1 << regs.p);
        merge_rough(m, group, &regs);
        distinct_release(&regs);
    }
    return true;
}

static void save_cell(const struct cell *k, struct buf *out)
{
    pack_uint(out, k->has ? k->has_text ? 1 | CELL_TEXT : 1 : 0, 1);
    if (!k->has)
        return;
    pack_uint(out, k->seq, 8);
    pack_uint(out, (uint64_t)k->v.i64, 8);
    if (!k->has_text)
        return;
    pack_uint(out, k->len, 4);
    buf_add(out, k->text, k->len);
}

static bool load_cell(struct measure *m, uint32_t group, struct unpack *in)
{
    struct cell k = {.has = false};
    uint64_t flags = unpack_uint(in, 1);
    if (!flags)
        return true;
    k.has = true;
    k.seq = unpack_uint(in, 8);
    k.v.i64 = (int64_t)unpack_uint(in, 8);
    if (flags & CELL_TEXT) {
        k.has_text = true;
        k.len = (uint32_t)unpack_uint(in, 4);
        k.text = (char *)(uintptr_t)unpack_bytes(in, k.len); /* only read */
        if (!k.text && k.len)
            return false;
    }
    cell_merge(m, group, &k);
    return true;
}

static void save_sums(const struct measure *m, uint32_t group, struct buf *out)
{
    if (m->whole) {
        pack_uint(out, (uint64_t)m->whole[group], 8);
        pack_uint(out, (uint64_t)(m->whole[group] >> 64), 8);
        return;
    }
    exact_save(&m->pool, &m->sum[group], out);
    if (m->square)
        exact_save(&m->pool, &m->square[group], out);
}

static void load_sums(struct measure *m, uint32_t group, struct unpack *in)
{
    if (m->whole) {
        uint64_t low = unpack_uint(in, 8), high = unpack_uint(in, 8);
        m->whole[group] += (wide_int)((wide_uint)high << 64 | low);
        return;
    }
    exact_load(&m->pool, &m->sum[group], in);
    if (m->square)
        exact_load(&m->pool, &m->square[group], in);
}

bool measure_save(const struct measure *m, uint32_t group, uint32_t part, struct buf *out)
{
    enum measure_kind kind = m->spec->measure;
    if (kind == MEASURE_QUANTILE)
        return save_values(m, group, part, out);
    if (kind == MEASURE_DISTINCT)
        return save_set(m, group, part, out);
    uint64_t n = part ? 0 : m->count[group];
    if (kind == MEASURE_APPROX_DISTINCT)
        return save_rough(&m->rough[group], part, out);
    pack_var(out, n);
    if (n && keeps_cell(kind))
        save_cell(&m->cell[group], out);
    else if (n && kind != MEASURE_COUNT)
        save_sums(m, group, out);
    return false;
}

static bool load_values(struct measure *m, uint32_t group, struct unpack *in)
{
    uint64_t n = unpack_var(in);
    if (n > PART_VALUES)
        return false;
    values_reserve(m, (size_t)n);
    for (uint64_t i = 0; i < n; i++) {
        m->values[m->nvalues] = unpack_double(in);
        m->of[m->nvalues++] = group;
    }
    m->count[group] += n;
    return true;
}

bool measure_loaded(struct measure *m, struct err *err)
{
    if (!m->pairs)
        return true;
    bool ok = take_pairs(m, m->pairs, err);
    batch_unref(m->pairs);
    m->pairs = NULL;
    return ok;
}

static bool load_set(struct measure *m, uint32_t group, struct unpack *in, struct err *err)
{
    uint64_t n = unpack_var(in);
    for (uint64_t i = 0; i < n && !in->bad; i++) {
        if (m->pairs && m->pairs->rows == BATCH_ROWS && !measure_loaded(m, err))
            return false;
        if (!m->pairs) {
            m->pairs = batch_new(2, m->acct);
            column_alloc(m->pairs, 0, TYPE_INTEGER, false);
            column_alloc(m->pairs, 1, m->type, false);
        }
        uint32_t row = m->pairs->rows++;
        m->pairs->cols[0].v.i64[row] = group;
        column_set_valid(&m->pairs->cols[0], row);
        group_unpack(m->pairs, 1, row, in);
    }
    return true;
}

bool measure_load(struct measure *m, uint32_t group, struct unpack *in, struct err *err)
{
    enum measure_kind kind = m->spec->measure;
    bool ok = true;
    if (kind == MEASURE_QUANTILE) {
        ok = load_values(m, group, in);
    } else if (kind == MEASURE_DISTINCT) {
        if (!load_set(m, group, in, err))
            return false;
    } else if (kind == MEASURE_APPROX_DISTINCT) {
        ok = load_rough(m, group, in);
    } else {
        uint64_t n = unpack_var(in);
        m->count[group] += n;
        if (n && keeps_cell(kind))
            ok = load_cell(m, group, in);
        else if (n && kind != MEASURE_COUNT)
            load_sums(m, group, in);
    }
    if (!ok || in->bad)
        return err_set(err, ERR_ENV, "a scratch file does not read back as it was written");
    return true;
}
