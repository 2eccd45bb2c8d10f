/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pieces to profiles to one for each partition. */
#include "profile/pool.h"

#include <math.h>

#include "base/instant.h"
#include "base/map.h"

/* What tells profiles apart: dataset, partition and window, as text. */
struct expected {
    char *name;              /* of the dataset, for messages */
    uint64_t records, parts; /* profile records, and profiles made of sketches */
};

/* A profile that is coming together. */
struct open {
    struct profile_kit *kit;
    uint64_t key; /* which of the expected */
};

struct group {
    char *partition, *dataset; /* NULL: none, or several */
    struct profile *p;
    int64_t from, to; /* INT64_MAX, INT64_MIN: unknown */
    double first, last;
    bool numbered; /* all parts have record numbers */
};

struct profile_pool {
    struct arena mem;
    struct map keys; /* to `expected` */
    struct expected *expected;
    struct open *open;
    size_t nopen, open_cap;
    struct group *groups;
    size_t ngroups, groups_cap;
    uint64_t nparts;
};

struct profile_pool *profile_pool_new(void)
{
    struct profile_pool *pool = xcalloc(1, sizeof(*pool));
    arena_init(&pool->mem, NULL);
    return pool;
}

void profile_pool_free(struct profile_pool *pool)
{
    if (pool == NULL)
        return;
    for (size_t i = 0; i < pool->nopen; i++)
        profile_kit_free(pool->open[i].kit);
    for (size_t i = 0; i < pool->ngroups; i++)
        profile_free(pool->groups[i].p);
    free(pool->open);
    free(pool->groups);
    map_release(&pool->keys);
    arena_release(&pool->mem);
    free(pool);
}

static void add_text(struct buf *key, const char *s)
{
    buf_addc(key, s == NULL ? '0' : '1');
    buf_adds(key, s == NULL ? "" : s);
    buf_addc(key, '\0');
}

/* The number of what is told by dataset, partition and window. */
static uint64_t key_of(struct profile_pool *pool, const char *dataset, const char *partition,
                       const char *from, const char *to, double first, double last)
{
    struct buf key = BUF_INIT(BUF_UNBOUNDED);
    bool added;
    add_text(&key, dataset);
    add_text(&key, partition);
    add_text(&key, from);
    add_text(&key, to);
    buf_addf(&key, "%.17g %.17g", first, last);
    struct map_entry *e = map_put(&pool->keys, buf_slice(&key), &added);
    buf_release(&key);
    if (added) {
        e->v.num = (int64_t)pool->keys.len - 1;
        size_t n = pool->keys.len - 1;
        struct expected *x = ARENA_PUSH(&pool->mem, pool->expected, n);
        *x = (struct expected){.name = dataset ? arena_strdup(&pool->mem, dataset) : NULL};
    }
    return (uint64_t)e->v.num;
}

void profile_pool_expect(struct profile_pool *pool, const struct rec_profile *r)
{
    uint64_t key =
        key_of(pool, r->dataset, r->partition, r->from, r->to, r->first_record, r->last_record);
    pool->expected[key].records++;
}

/* -- merging -- */

static struct group *group_of(struct profile_pool *pool, const char *partition)
{
    for (size_t i = 0; i < pool->ngroups; i++) {
        const char *have = pool->groups[i].partition;
        if (have == partition || (have && partition && strcmp(have, partition) == 0))
            return &pool->groups[i];
    }
    if (pool->ngroups == pool->groups_cap) {
        pool->groups_cap = pool->groups_cap ? 2 * pool->groups_cap : 16;
        pool->groups = xreallocarray(pool->groups, pool->groups_cap, sizeof(*pool->groups));
    }
    struct group *g = &pool->groups[pool->ngroups++];
    *g = (struct group){.partition = partition ? arena_strdup(&pool->mem, partition) : NULL,
                        .from = INT64_MAX,
                        .to = INT64_MIN,
                        .first = (double)INFINITY,
                        .last = 0,
                        .numbered = true};
    return g;
}

/* `records`: whether the part has any. */
static void widen(struct group *g, const struct rec_sketch *s, bool records)
{
    int64_t us;
    if (s->from != NULL && instant_parse(slice_str(s->from), &us))
        g->from = us < g->from ? us : g->from;
    if (s->to != NULL && instant_parse(slice_str(s->to), &us))
        g->to = us > g->to ? us : g->to;
    if (isfinite(s->first_record) && isfinite(s->last_record)) {
        g->first = s->first_record < g->first ? s->first_record : g->first;
        g->last = s->last_record > g->last ? s->last_record : g->last;
    } else if (records) {
        g->numbered = false;
    }
}

/* `s`: the piece that made it whole. */
static bool take_part(struct profile_pool *pool, struct profile *p, const struct rec_sketch *s,
                      struct err *err)
{
    struct group *g = group_of(pool, s->partition);
    bool first = g->p == NULL, ok = true, records = profile_records(p) > 0;
    if (first) {
        g->p = p;
        g->dataset = s->dataset ? arena_strdup(&pool->mem, s->dataset) : NULL;
    } else {
        ok = profile_merge(g->p, p, err);
        profile_free(p);
        if (g->dataset != NULL && (s->dataset == NULL || strcmp(g->dataset, s->dataset) != 0))
            g->dataset = NULL;
    }
    widen(g, s, records);
    pool->nparts++;
    return ok;
}

/* -- coming together -- */

static bool begin(struct profile_pool *pool, const struct rec_sketch *s, uint64_t key,
                  struct err *err)
{
    struct profile_kit *kit = profile_kit_new(s->image, err);
    if (kit == NULL)
        return false;
    if (pool->nopen == pool->open_cap) {
        pool->open_cap = pool->open_cap ? 2 * pool->open_cap : 16;
        pool->open = xreallocarray(pool->open, pool->open_cap, sizeof(*pool->open));
    }
    pool->open[pool->nopen++] = (struct open){kit, key};
    pool->expected[key].parts++;
    return true;
}

static bool add_piece(struct profile_pool *pool, const struct rec_sketch *s, struct err *err)
{
    struct quoted q;
    uint64_t key =
        key_of(pool, s->dataset, s->partition, s->from, s->to, s->first_record, s->last_record);
    size_t i;
    if (s->column == NULL) {
        if (strcmp(s->kind, "profile") != 0)
            return true;
        if (!begin(pool, s, key, err))
            return false;
        i = pool->nopen - 1;
    } else {
        for (i = pool->nopen; i > 0 && pool->open[i - 1].key != key; i--)
            ;
        if (i-- == 0)
            return err_set(err, ERR_DATA,
                           "sketch '%s' comes without the sketch 'profile' before it; the lines "
                           "of etl-profile --sketches must stay in order",
                           quote_str(&q, s->kind));
        if (!profile_kit_add(pool->open[i].kit, s->column, s->kind, s->image, err))
            return false;
    }
    struct profile_kit *kit = pool->open[i].kit;
    if (!profile_kit_is_whole(kit))
        return true;
    memmove(&pool->open[i], &pool->open[i + 1], (--pool->nopen - i) * sizeof(*pool->open));
    struct profile *p = profile_kit_take(kit, err);
    return p != NULL && take_part(pool, p, s, err);
}

bool profile_pool_add(struct profile_pool *pool, const struct rec_sketch *s, struct err *err)
{
    struct quoted q;
    if (add_piece(pool, s, err))
        return true;
    return err_prefix(err, "'%s': ", quote_str(&q, s->dataset ? s->dataset : "no dataset"));
}

static int by_partition(const void *a, const void *b)
{
    const struct group *x = a, *y = b;
    if (x->partition == NULL || y->partition == NULL)
        return (x->partition != NULL) - (y->partition != NULL);
    return strcmp(x->partition, y->partition);
}

bool profile_pool_end(struct profile_pool *pool, struct err *err)
{
    struct quoted q;
    for (size_t k = 0; k < pool->keys.len; k++) {
        const struct expected *x = &pool->expected[k];
        if (x->records > x->parts)
            return err_set(err, ERR_DATA,
                           "'%s': a profile without sketches cannot be merged; make it with "
                           "etl-profile --sketches",
                           quote_str(&q, x->name ? x->name : "no dataset"));
    }
    if (pool->nopen > 0) {
        const char *name = pool->expected[pool->open[0].key].name;
        struct profile_kit *kit = pool->open[0].kit;
        memmove(pool->open, pool->open + 1, --pool->nopen * sizeof(*pool->open));
        profile_free(profile_kit_take(kit, err)); /* says what is missing */
        return err_prefix(err, "'%s': ", quote_str(&q, name ? name : "no dataset"));
    }
    if (pool->nparts == 0)
        return err_set(err, ERR_DATA,
                       "no profile to merge: give records of etl-profile --sketches");
    qsort(pool->groups, pool->ngroups, sizeof(*pool->groups), by_partition);
    return true;
}

/* -- what came out -- */

size_t profile_pool_size(const struct profile_pool *pool)
{
    return pool->ngroups;
}

const struct profile *profile_pool_get(struct profile_pool *pool, size_t i, struct arena *a,
                                       struct rec_profile *out)
{
    const struct group *g = &pool->groups[i];
    char text[INSTANT_TEXT];
    profile_finish(g->p, a, profile_bytes(g->p), out);
    out->dataset = g->dataset;
    out->partition = g->partition;
    if (g->from <= g->to) {
        instant_format(text, g->from);
        out->from = arena_strdup(a, text);
        instant_format(text, g->to);
        out->to = arena_strdup(a, text);
    }
    if (g->numbered && g->dataset != NULL && g->last - g->first + 1 >= out->records) {
        out->first_record = g->first;
        out->last_record = g->last;
    }
    return g->p;
}
