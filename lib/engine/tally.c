/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tallies. See tally.h. */
#include "engine/tally.h"

#include <stdlib.h>
#include <string.h>

void tally_grow(struct tally *t)
{
    if (t->spec->nby)
        t->n = t->groups.n;
    if (t->cap < t->n) {
        size_t cap = t->cap;
        while (cap < t->n)
            cap = groups_cap_after(cap);
        t->first =
            mem_resize(t->acct, t->first, t->cap * sizeof(*t->first), cap * sizeof(*t->first));
        t->cap = cap;
    }
    for (uint32_t i = 0; i < t->spec->nmeasures; i++)
        measure_grow(&t->measures[i], t->n);
}

void tally_init(struct tally *t, const struct tally_spec *spec, struct mem_account *acct)
{
    *t = (struct tally){.spec = spec, .acct = acct};
    groups_init(&t->groups, spec->by_types, spec->nby, true, acct);
    t->measures = mem_alloc(acct, (spec->nmeasures + 1) * sizeof(*t->measures));
    for (uint32_t i = 0; i < spec->nmeasures; i++)
        measure_init(&t->measures[i], spec->spec[i], spec->value_types[i], acct);
    if (spec->nby == 0) {
        t->n = 1;
        tally_grow(t);
        t->first[0] = 0;
    }
}

void tally_release(struct tally *t)
{
    if (!t->spec)
        return;
    for (uint32_t i = 0; i < t->spec->nmeasures; i++)
        measure_release(&t->measures[i]);
    groups_release(&t->groups);
    mem_release(t->acct, t->measures, (t->spec->nmeasures + 1) * sizeof(*t->measures));
    mem_release(t->acct, t->first, t->cap * sizeof(*t->first));
    *t = (struct tally){.spec = NULL};
}

bool tally_add(struct tally *t, struct batch *b, const uint32_t *by, struct batch *vals,
               const uint32_t *list, uint32_t n, uint64_t seq, struct err *err)
{
    uint32_t group[BATCH_ROWS];
    if (t->spec->nby == 0) {
        memset(group, 0, n * sizeof(*group));
    } else {
        uint32_t next = t->n;
        if (!groups_find(&t->groups, b, by, list, n, group, err))
            return false;
        tally_grow(t);
        for (uint32_t i = 0; next < t->n; i++) {
            if (group[i] == next)
                t->first[next++] = seq + (list ? list[i] : i);
        }
    }
    for (uint32_t i = 0; i < t->spec->nmeasures; i++) {
        if (!measure_add(&t->measures[i], vals, i, list, n, group, seq, err))
            return false;
    }
    return true;
}

/* Where groups of both have been, the one that came first says how the key is written. */
static bool merge_groups(struct tally *t, const struct tally *from, uint32_t *map, struct err *err)
{
    uint32_t had = t->n;
    if (!groups_merge(&t->groups, &from->groups, map, err))
        return false;
    tally_grow(t);
    for (uint32_t i = 0; i < from->n; i++) {
        if (map[i] >= had) {
            t->first[map[i]] = from->first[i];
        } else if (from->first[i] < t->first[map[i]]) {
            t->first[map[i]] = from->first[i];
            groups_respell_from(&t->groups, map[i], &from->groups, i);
        }
    }
    return true;
}

bool tally_merge(struct tally *t, struct tally *from, struct err *err)
{
    const struct tally_spec *spec = t->spec;
    struct mem_account *acct = from->acct;
    if (t->n == 0 && spec->nby) { /* nothing to merge with */
        tally_release(t);
        *t = *from;
        tally_init(from, spec, acct);
        return true;
    }
    uint32_t n = from->n;
    uint32_t *map = mem_alloc(acct, (n + 1) * sizeof(*map));
    map[0] = 0;
    bool ok = spec->nby == 0 || merge_groups(t, from, map, err);
    for (uint32_t i = 0; ok && i < spec->nmeasures; i++)
        ok = measure_merge(&t->measures[i], map, &from->measures[i], n, err);
    mem_release(acct, map, (n + 1) * sizeof(*map));
    tally_release(from);
    tally_init(from, spec, acct);
    return ok;
}

size_t tally_growth(const struct tally *t, uint32_t rows)
{
    uint32_t groups = t->n;
    size_t bytes = 0;
    if (t->spec->nby) {
        groups += rows;
        bytes = groups_growth(&t->groups, rows);
        if (groups > t->cap)
            bytes += (groups_cap_after(t->cap) - t->cap) * sizeof(*t->first);
    }
    for (uint32_t i = 0; i < t->spec->nmeasures; i++)
        bytes += measure_growth(&t->measures[i], rows, groups);
    return bytes;
}

bool tally_finish(struct tally *t, struct err *err)
{
    for (uint32_t i = 0; i < t->spec->nmeasures; i++) {
        if (!measure_finish(&t->measures[i], t->n, err))
            return false;
    }
    return true;
}

bool tally_in_order(const struct tally *t)
{
    for (uint32_t i = 1; i < t->n; i++) {
        if (t->first[i] < t->first[i - 1])
            return false;
    }
    return true;
}

struct place {
    uint64_t first;
    uint32_t id;
};

static int order_places(const void *a, const void *b)
{
    uint64_t x = ((const struct place *)a)->first, y = ((const struct place *)b)->first;
    return (x > y) - (x < y);
}

void tally_order(const struct tally *t, uint32_t *order)
{
    struct place *places = mem_alloc(t->acct, t->n * sizeof(*places));
    for (uint32_t i = 0; i < t->n; i++)
        places[i] = (struct place){t->first[i], i};
    qsort(places, t->n, sizeof(*places), order_places);
    for (uint32_t i = 0; i < t->n; i++)
        order[i] = places[i].id;
    mem_release(t->acct, places, t->n * sizeof(*places));
}

struct batch *tally_result(struct tally *t, const uint32_t *ids, uint32_t from, uint32_t n,
                           struct err *err)
{
    uint32_t nby = t->spec->nby;
    struct batch *out = batch_new(nby + t->spec->nmeasures, t->acct);
    out->rows = n;
    for (uint32_t k = 0; k < nby; k++)
        groups_gather(&t->groups, k, ids, from, n, out, k);
    for (uint32_t i = 0; i < t->spec->nmeasures; i++) {
        if (!measure_result(&t->measures[i], ids, from, out, nby + i, err)) {
            batch_unref(out);
            return NULL;
        }
    }
    return out;
}
