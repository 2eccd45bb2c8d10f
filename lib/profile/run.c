/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A whole input: from the reader's batches to finished profiles. */
#include "profile/state.h"

/* Bad records may come before the schema is known. */
struct early {
    struct profile *p;
    struct arena mem;
    struct bad_record *items;
    size_t n;
};

static void bad_or_early(void *ctx, const struct bad_record *bad)
{
    struct early *e = ctx;
    if (e->p != NULL) {
        profile_bad(e->p, bad);
        return;
    }
    struct bad_record *b = ARENA_PUSH(&e->mem, e->items, e->n);
    *b = *bad;
    b->path = NULL;
    b->raw = SLICE_NULL;
    b->rule = arena_strdup(&e->mem, bad->rule);
    b->reason = arena_strdup(&e->mem, bad->reason);
    b->column = bad->column ? arena_strdup(&e->mem, bad->column) : NULL;
}

/* Bytes that are not UTF-8 outside of the records: in the header. */
static void note_header_utf8(struct profile *p, const struct reader_stats *stats)
{
    for (size_t i = 0; i < p->nfaults; i++)
        if (strcmp(p->faults[i].rule, "invalid_utf8") == 0)
            return;
    if (stats->latin1)
        profile_fault_add(p, &(struct profile_fault){"invalid_utf8", profile_not_utf8, NULL,
                                                     stats->latin1_line, 1});
}

static void keep_faults(struct arena *a, const struct profile *p, struct profile_result *out)
{
    struct profile_fault *f = ARENA_ARRAY(a, struct profile_fault, p->nfaults);
    out->faults = f;
    out->nfaults = p->nfaults;
    for (size_t i = 0; i < p->nfaults; i++) {
        f[i] = p->faults[i];
        f[i].rule = arena_strdup(a, f[i].rule);
        f[i].reason = arena_strdup(a, f[i].reason);
        f[i].column = f[i].column ? arena_strdup(a, f[i].column) : NULL;
    }
}

/* The finished profile goes to the caller. */
static bool give(const struct profile_input *in, struct profile *p,
                 const struct reader_stats *stats, struct err *err)
{
    struct arena a = ARENA_INIT;
    struct profile_result r = {.delivered = p->delivered, .stats = *stats};
    note_header_utf8(p, stats);
    profile_finish(p, &a, stats->bytes, &r.record);
    keep_faults(&a, p, &r);
    bool ok = in->emit(in->emit_ctx, p, &a, &r, err);
    arena_release(&a);
    return ok;
}

bool profile_run(const struct profile_input *in, const struct profile_opts *o, struct err *err)
{
    struct early early = {0};
    struct reader_opts ro = *in->opts;
    struct reader_stats stats;
    struct batch *b = NULL;
    bool ok = false;
    ro.raw = true;
    arena_init(&early.mem, NULL);
    struct reader *r = reader_open(&in->path, 1, &ro, bad_or_early, &early, err);
    if (r == NULL)
        goto done;
    reader_stats(r, &stats);
    early.p = profile_new(reader_schema(r), stats.format == FORMAT_JSONL, o);
    for (size_t i = 0; i < early.n; i++)
        profile_bad(early.p, &early.items[i]);
    while ((ok = reader_next(r, &b, err)) && b != NULL) {
        reader_stats(r, &stats);
        if (stats.latin1)
            profile_check_utf8(early.p, b);
        profile_add(early.p, b);
        batch_unref(b);
        if (in->tick != NULL)
            in->tick(in->tick_ctx, stats.read_bytes);
    }
    if (ok) {
        reader_stats(r, &stats);
        ok = give(in, early.p, &stats, err);
    }
    profile_free(early.p);
done:
    if (r != NULL)
        reader_close(r);
    arena_release(&early.mem);
    return ok;
}
