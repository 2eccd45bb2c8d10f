/* SPDX-License-Identifier: GPL-3.0-or-later */
/* --sketches: what follows a profile record. --merge: records of profiles in, forwarded, and one
 * profile of them all behind. */
#include <unistd.h>

#include "cli/chain.h"
#include "profile/pool.h"
#include "tools/etl-profile.h"

struct merging {
    struct profile_pool *pool;
    bool failed; /* said so; the rest is only forwarded */
    int *status;
};

static void fail(struct merging *m, struct err *err)
{
    m->failed = true;
    *m->status = status_worse(*m->status, cli_fail(err));
}

static bool take_record(void *ctx, struct chain *c, const struct json *v, struct slice line)
{
    struct merging *m = ctx;
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct quoted q;
    bool ok = true;
    (void)line;
    if (m->failed) {
        ok = true;
    } else if (rec_is(v, "profile")) {
        struct rec_profile r;
        ok = rec_profile_read(&a, v, &r, &err);
        if (ok)
            profile_pool_expect(m->pool, &r);
    } else if (rec_is(v, "sketch")) {
        struct rec_sketch s;
        ok = rec_sketch_read(&a, v, &s, &err) && profile_pool_add(m->pool, &s, &err);
    }
    if (!ok) {
        err_prefix(&err, "%s:%llu: ", quote_str(&q, c->name), (unsigned long long)c->line_no);
        fail(m, &err);
    }
    arena_release(&a);
    return false;
}

static void read_all(struct merging *m, char **files, size_t nfiles, bool forward)
{
    struct chain chain;
    struct err err = ERR_INIT;
    chain_init(&chain, forward);
    for (size_t i = 0; i < nfiles; i++)
        if (!chain_read(&chain, files[i], take_record, m, &err))
            fail(m, &err);
    if (chain.bad_lines > 0)
        *m->status = status_worse(*m->status, STATUS_DATA);
    chain_release(&chain);
}

static void give(struct merging *m, size_t i, const char *dataset, profile_emit_fn *emit, void *ctx)
{
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct profile_result r = {0};
    const struct profile *p = profile_pool_get(m->pool, i, &a, &r.record);
    if (dataset != NULL)
        r.record.dataset = dataset;
    r.is_part = r.record.partition != NULL;
    r.delivered = r.stats.records = profile_records(p);
    if (!emit(ctx, p, &a, &r, &err))
        *m->status = status_worse(*m->status, cli_fail(&err));
    arena_release(&a);
}

void etl_profile_merge(const struct etl_profile_opts *o, char **files, size_t nfiles, bool forward,
                       profile_emit_fn *emit, void *ctx, int *status)
{
    struct merging m = {.pool = profile_pool_new(), .status = status};
    struct err err = ERR_INIT;
    read_all(&m, files, nfiles, forward);
    if (!m.failed && !profile_pool_end(m.pool, &err))
        fail(&m, &err);
    for (size_t i = 0; !m.failed && i < profile_pool_size(m.pool); i++)
        give(&m, i, o->dataset, emit, ctx);
    profile_pool_free(m.pool);
}

struct sketching {
    void (*put)(void *ctx, const struct buf *line);
    void *ctx;
};

static bool put_sketch(void *ctx, const struct rec_sketch *s)
{
    const struct sketching *k = ctx;
    struct buf line = BUF_INIT(BUF_UNBOUNDED);
    struct quoted q;
    bool fits = rec_sketch_write(&line, s);
    if (fits)
        k->put(k->ctx, &line);
    else
        cli_warn("no sketches of '%s': one would be longer than 16 MiB",
                 quote_str(&q, s->column ? s->column : "the columns' names"));
    buf_release(&line);
    return fits;
}

void etl_profile_sketches(const struct profile *p, const struct rec_profile *r,
                          void (*put)(void *ctx, const struct buf *line), void *ctx)
{
    struct sketching k = {put, ctx};
    profile_sketches(p, r, put_sketch, &k);
}
