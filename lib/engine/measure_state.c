/* SPDX-License-Identifier: GPL-3.0-or-later */
/* States of measures from elsewhere: of another lane. See measure.h. */
#include <string.h>

#include "engine/measure_int.h"

/* -- merging -- */

static void merge_values(struct measure *m, const uint32_t *map, const struct measure *from)
{
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
