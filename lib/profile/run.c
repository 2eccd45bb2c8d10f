/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A whole input: from the reader's batches to finished profiles. */
#include <math.h>

#include "base/instant.h"
#include "profile/intake.h"
#include "profile/route.h"
#include "profile/sample.h"

/* Batches under way hold blocks: smaller ones than a reader's own are let go sooner (2 MB less at
 * the peak with two threads), and are no slower. */
#define BLOCK_BYTES ((size_t)256 << 10)

/* Batches that are looked at as they come stay in the second cache, beside what is made of them,
 * with so many records (8 % of the time of a profile). Where only some records of each go into a
 * profile, larger ones are faster. */
#define BATCH_ROWS_WHOLE 512

/* Bad records may come before the schema is known. */
struct early {
    struct route *route; /* or NULL */
    struct arena mem;
    struct bad_record *items;
    size_t n;
};

static void bad_or_early(void *ctx, const struct bad_record *bad)
{
    struct early *e = ctx;
    if (e->route != NULL) {
        route_bad(e->route, bad);
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
                                                     stats->latin1_line, 1, 0});
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

struct run {
    const struct profile_input *in;
    struct route *route;
    struct intake intake;
    struct sample *sample; /* blocks are read, and not the intake; or NULL */
    struct reader_stats stats;
};

static void piece_record(struct rec_profile *out, const struct route_piece *piece, struct arena *a)
{
    char text[INSTANT_TEXT];
    out->partition = piece->partition ? arena_strdup(a, piece->partition) : NULL;
    out->first_record = piece->first > 0 ? (double)piece->first : (double)NAN;
    out->last_record = piece->first > 0 ? (double)piece->last : (double)NAN;
    if (piece->from != ROUTE_NO_TIME) {
        instant_format(text, piece->from);
        out->from = arena_strdup(a, text);
        instant_format(text, piece->to);
        out->to = arena_strdup(a, text);
        out->records_per_second =
            piece->span_s > 0 ? (out->records - 1) / piece->span_s : (double)NAN;
    }
}

/* The finished profile goes to the caller. */
static bool give(void *ctx, struct profile *p, const struct route_piece *piece, struct err *err)
{
    struct run *run = ctx;
    struct arena a = ARENA_INIT;
    struct profile_result r = {.delivered = p->delivered, .stats = run->stats};
    if (!piece->is_part)
        note_header_utf8(p, &run->stats);
    profile_finish(p, &a, piece->is_part ? piece->bytes : run->stats.bytes, &r.record);
    if (piece->is_part)
        piece_record(&r.record, piece, &a);
    r.is_part = piece->is_part;
    r.by_arrival = piece->by_arrival;
    keep_faults(&a, p, &r);
    if (run->sample != NULL)
        for (size_t i = 0; i < r.nfaults; i++) /* lines of the blocks, not of the file */
            ((struct profile_fault *)(uintptr_t)r.faults)[i].line = 0;
    bool ok = (run->sample == NULL || sample_finish(run->sample, p, &r.record, &a, err)) &&
              run->in->emit(run->in->emit_ctx, p, &a, &r, err);
    arena_release(&a);
    return ok;
}

/* A fault of the input as a whole counts as one malformed record. */
static void tell(struct run *run, const char *rule, const char *reason, uint64_t line,
                 uint64_t count, uint64_t byte)
{
    route_bad(run->route, &(struct bad_record){.line = line,
                                               .rule = rule,
                                               .reason = reason,
                                               .delivered = true,
                                               .count = count,
                                               .byte = byte});
}

/* At the end: what was wrong with the file and not with a record. */
static void tell_all(struct run *run, const struct reader *r)
{
    const struct reader_stats *s = &run->stats;
    struct buf reason = BUF_INIT(512);
    uint64_t byte, line;
    const char *defect = reader_defect(r, &byte, &line);
    if (defect != NULL)
        tell(run, "broken_compression", defect, line, 1, byte);
    if (s->crlf_lines > 0 && s->lf_lines > 0) {
        bool few_crlf = s->crlf_lines <= s->lf_lines;
        tell(run, "mixed_line_ends",
             few_crlf ? "the line ends with CRLF, most end with LF"
                      : "the line ends with LF, most end with CRLF",
             few_crlf ? s->crlf_line : s->lf_line, few_crlf ? s->crlf_lines : s->lf_lines, 0);
    }
    uint64_t changes = run->sample ? 0 : intake_changes(&run->intake, &reason, &byte);
    if (changes > 0)
        tell(run, "changed_while_read", buf_str(&reason), 0, changes, byte);
    buf_release(&reason);
}

static bool idle(void *ctx, struct err *err)
{
    struct run *run = ctx;
    return run->route == NULL || route_idle(run->route, instant_now(), err);
}

static bool route_all(struct run *run, struct reader *r, struct route *route, struct err *err)
{
    struct batch *b = NULL;
    bool ok;
    while ((ok = reader_next(r, &b, err)) && b != NULL) {
        reader_stats(r, &run->stats);
        if (run->in->look != NULL)
            run->in->look(run->in->look_ctx, b);
        ok = route_add(route, b, &run->stats, err);
        batch_unref(b);
        if (!ok)
            return false;
        if (run->in->tick != NULL)
            run->in->tick(run->in->tick_ctx, run->stats.read_bytes);
    }
    reader_stats(r, &run->stats);
    /* What came before a break is profiled, if there is anything. */
    uint64_t byte, line;
    if (!ok && run->stats.records > 0 && reader_defect(r, &byte, &line) != NULL) {
        err_clear(err);
        ok = true;
    }
    if (!ok)
        return false;
    tell_all(run, r);
    return route_end(route, &run->stats, err);
}

static bool run_input(struct run *run, const struct input *input, const struct reader_opts *ro,
                      const struct profile_opts *o, struct err *err)
{
    struct early early = {0};
    struct route route;
    bool ok = false;
    arena_init(&early.mem, NULL);
    struct reader *r = reader_open_input(input, run->in->path, ro, bad_or_early, &early, err);
    if (r == NULL)
        goto done;
    reader_stats(r, &run->stats);
    ok = route_init(&route, reader_schema(r), run->stats.format == FORMAT_JSONL, o, run->in->parts,
                    give, run, err);
    early.route = run->route = &route;
    if (ok && run->in->begin != NULL)
        run->in->begin(run->in->look_ctx, reader_schema(r), run->stats.format == FORMAT_JSONL);
    for (size_t i = 0; i < early.n; i++)
        route_bad(&route, &early.items[i]);
    ok = ok && route_all(run, r, &route, err);
    run->route = NULL;
    route_release(&route);
done:
    if (r != NULL)
        reader_close(r);
    arena_release(&early.mem);
    return ok;
}

/* *small: nothing was done, the file has to be read as a whole. */
static bool run_blocks(const struct profile_input *in, const struct profile_opts *o, bool *small,
                       struct err *err)
{
    struct sample sample;
    struct run run = {.in = in, .sample = &sample};
    *small = false;
    if (!sample_open(&sample, in->path, in->opts, in->block_rate, o->seed, err))
        return false;
    *small = sample.blocks.n == 0;
    bool ok = *small || run_input(&run, &sample.blocks.input, &sample.opts, o, err);
    sample_close(&sample);
    return ok;
}

bool profile_run(const struct profile_input *in, const struct profile_opts *o, struct err *err)
{
    struct reader_opts ro = *in->opts;
    struct run run = {.in = in};
    const struct input input = {intake_read, &run.intake};
    if (in->block_rate > 0 && in->block_rate < 1) {
        bool small, done = run_blocks(in, o, &small, err);
        if (!done || !small)
            return done;
    }
    ro.raw = true;
    if (ro.block_bytes == 0)
        ro.block_bytes = BLOCK_BYTES;
    ro.offsets = in->parts != NULL;
    if (in->parts == NULL && o->sample_rate >= 1)
        ro.batch_rows = BATCH_ROWS_WHOLE;
    if (!intake_open(&run.intake, in->path, in->intake, err)) {
        intake_close(&run.intake);
        return false;
    }
    run.intake.idle = idle;
    run.intake.idle_ctx = &run;
    bool ok = run_input(&run, &input, &ro, o, err);
    /* Whoever stands behind gets all bytes, whatever became of the profile. */
    struct err rest = ERR_INIT;
    if (!intake_rest(&run.intake, &rest) && ok) {
        *err = rest;
        ok = false;
    }
    intake_close(&run.intake);
    return ok;
}
