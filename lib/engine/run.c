/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs that are remembered. See run.h. */
#include "engine/run.h"

#include <math.h>
#include <pthread.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/instant.h"
#include "engine/allocation.h"
#include "engine/events.h"
#include "os/os.h"

struct run {
    struct pipeline *p;
    const struct run_opts *o;
    struct arena *a;
    struct run_result *out;
    struct err *err;
    struct event_job job;
    struct datasets datasets;
    struct allotments allotments;
    char started_at[INSTANT_TEXT], ended_at[INSTANT_TEXT];
    double started_wall, started_cpu;
    struct stage_columns *columns; /* once some event asks for them */
    char (*stage_ids)[UUID_TEXT];  /* runs of the stages */
    struct journal journal;
    struct resume resume;  /* run_id NULL: it goes on with none */
    pthread_mutex_t mu;    /* of the store and the arena, while the engine runs: a log or a step may
                              come from whoever delivers */
    struct shadow *shadow; /* or NULL */
};

static void complain(struct run *r, const struct err *why)
{
    if (r->o->say)
        r->o->say(r->o->ctx, why->text);
}

static void emit(const struct run_opts *o, struct buf *line)
{
    if (o->emit && line->len)
        o->emit(o->ctx, buf_slice(line));
    buf_release(line);
}

/* Of a pipeline that got so far that its columns are known. */
static const struct stage_columns *columns_now(struct run *r)
{
    if (!r->columns && r->stage_ids)
        r->columns = columns_of(r->a, r->p);
    return r->columns;
}

static void new_run_id(char out[UUID_TEXT], int64_t now)
{
    unsigned char entropy[10] = {0};
    os_entropy(entropy, sizeof(entropy));
    uuid7_format(out, now, entropy);
}

static void write_event(struct run *r, const char *type, const char *error, struct buf *out)
{
    if (r->job.disabled)
        return;
    bool start = strcmp(type, "START") == 0;
    const struct stage_columns *columns = strcmp(type, "COMPLETE") == 0 ? columns_now(r) : NULL;
    event_write(out, type, start ? r->started_at : r->ended_at, r->out->run_id, r->p, &r->job,
                r->o->resume, &r->datasets, columns, start ? NULL : &r->out->engine, error);
}

/* A record that is an event. */
static void emit_event(const struct run_opts *o, struct buf *line)
{
    if (o->event && line->len)
        o->event(o->ctx, buf_slice(line));
    emit(o, line);
}

static void on_log(void *ctx, const char *stage, struct slice text)
{
    struct run *r = ctx;
    struct err why = ERR_INIT;
    pthread_mutex_lock(&r->mu);
    bool ok = !r->o->store || store_log_append(r->o->store, r->out->run_id, stage, text, &why);
    pthread_mutex_unlock(&r->mu);
    if (!ok)
        complain(r, &why);
    if (r->o->engine.log)
        r->o->engine.log(r->o->engine.ctx, stage, text);
}

static void on_progress(void *ctx, const struct engine_view *v)
{
    struct run *r = ctx;
    if (r->o->engine.progress)
        r->o->engine.progress(r->o->engine.ctx, v);
}

static void on_ended(void *ctx, const struct engine_view_stage *s)
{
    struct run *r = ctx;
    if (r->o->engine.ended)
        r->o->engine.ended(r->o->engine.ctx, s);
}

static void on_note(void *ctx, const char *stage, const char *text)
{
    struct run *r = ctx;
    if (r->o->engine.note)
        r->o->engine.note(r->o->engine.ctx, stage, text);
}

static void on_say(void *ctx, const char *text)
{
    struct run *r = ctx;
    if (r->o->say)
        r->o->say(r->o->ctx, text);
}

static void on_warning(void *ctx, const char *stage, const char *text)
{
    struct run *r = ctx;
    if (r->o->engine.warning)
        r->o->engine.warning(r->o->engine.ctx, stage, text);
}

static void on_retry(void *ctx, const char *stage, const struct err *why)
{
    struct run *r = ctx;
    if (r->o->engine.retrying)
        r->o->engine.retrying(r->o->engine.ctx, stage, why);
}

static void on_stage(void *ctx, uint32_t stage, const char *type, const struct engine_stage *s)
{
    struct run *r = ctx;
    struct engine_stage now;
    char at[INSTANT_TEXT];
    int64_t us = instant_now();
    if (r->job.disabled)
        return;
    instant_format(at, us);
    if (!s)
        new_run_id(r->stage_ids[stage], us);
    if (s) {
        now = *s;
        allocation_tell(&r->allotments.stages[stage], &now.allocated);
    }
    struct event_stage e = {
        .type = type,
        .at = at,
        .run_id = r->stage_ids[stage],
        .pipeline_run_id = r->out->run_id,
        .p = r->p,
        .stage = stage,
        .job = &r->job,
        .datasets = &r->datasets,
        .figures = s ? &now : NULL,
        .error = strcmp(type, "FAIL") == 0 ? r->err->text : NULL,
    };
    struct buf line = BUF_INIT(BUF_UNBOUNDED);
    pthread_mutex_lock(&r->mu);
    if (r->p->stages[stage].op == OP_WRITE && strcmp(type, "COMPLETE") == 0)
        e.columns = columns_now(r);
    pthread_mutex_unlock(&r->mu);
    event_stage_write(&line, &e);
    emit_event(r->o, &line);
}

static bool on_step(void *ctx, const struct engine_step *s)
{
    struct run *r = ctx;
    if (!r->journal.store)
        return false;
    pthread_mutex_lock(&r->mu);
    bool ok = journal_step(&r->journal, s);
    pthread_mutex_unlock(&r->mu);
    if (ok)
        return true;
    err_prefix(&r->journal.err, "a resume of this run would do some of it again: ");
    complain(r, &r->journal.err);
    return false;
}

static const char *mode_of(const struct run_opts *o)
{
    return o->plan && o->plan->mode ? o->plan->mode : "standard";
}

static bool is_shadow(const struct run_opts *o)
{
    return strcmp(mode_of(o), "shadow") == 0;
}

static struct store_run store_row(const struct run *r)
{
    return (struct store_run){
        .run_id = r->out->run_id,
        .pipeline = r->p->name,
        .status = "running",
        .code_version = r->p->code_version,
        .mode = mode_of(r->o),
        .base = r->p->base,
        .started_at = r->started_at,
        .wall_s = NAN,
        .cpu_s = NAN,
        .peak_memory_bytes = NAN,
        .rejects = NAN,
        .pid = getpid(),
        .job_namespace = r->job.ns,
        .parent_run_id = r->job.parent_run_id,
    };
}

/* A shadow run writes no dataset that others know. */
static void find_datasets(struct run *r)
{
    datasets_of(r->a, r->p, &r->datasets);
    if (!is_shadow(r->o))
        return;
    r->datasets.noutputs = 0;
    uint32_t n = 0;
    for (uint32_t i = 0; r->shadow && i < r->datasets.ninputs; i++)
        if (!shadow_is_own(r->shadow, r->datasets.inputs[i].name))
            r->datasets.inputs[n++] = r->datasets.inputs[i];
    r->datasets.ninputs = r->shadow ? n : r->datasets.ninputs;
}

static void begin(struct run *r)
{
    int64_t now = instant_now();
    new_run_id(r->out->run_id, now);
    instant_format(r->started_at, now);
    r->started_wall = clock_wall();
    r->started_cpu = clock_process();
    event_job_from_env(r->a, &r->job);
    find_datasets(r);
    if (is_shadow(r->o)) {
        const struct pipeline *other = r->o->shadow->against;
        r->job.shadow = other ? other->name : "published";
    }
    struct err why = ERR_INIT;
    struct store_run row = store_row(r);
    if (r->o->store) {
        r->out->kept = store_run_begin(r->o->store, &row, r->p->definition, &why);
        if (!r->out->kept)
            complain(r, &why);
    }
}

/* What is tried, not published, is no work to go on with. */
static bool has_journal(const struct run *r)
{
    const char *mode = mode_of(r->o);
    return r->out->kept && strcmp(mode, "sampling") != 0 && strcmp(mode, "shadow") != 0;
}

/* The pipeline is bound: decides what is kept of the run to go on with, and begins the journal. */
static bool go_on(struct run *r, struct engine_opts *e, struct err *err)
{
    const struct run_opts *o = r->o;
    struct err why = ERR_INIT;
    journal_init(&r->journal, has_journal(r) ? o->store : NULL, r->out->run_id, r->p, r->a);
    if (!o->resume) {
        if (!journal_begin(&r->journal, NULL, &why))
            complain(r, &why);
        return true;
    }
    if (!r->journal.store)
        return err_set(err, ERR_ENV, "cannot resume without the store");
    if (!resume_decide(&r->resume, &r->journal, o->resume, o->store, err))
        return false;
    if (o->resumed)
        o->resumed(o->ctx, r->p, &r->resume);
    struct engine_kept *kept = ARENA_ARRAY(r->a, struct engine_kept, r->p->nstages);
    for (uint32_t i = 0; i < r->p->nstages; i++)
        kept[i] = (struct engine_kept){.kept = r->resume.stages[i].kept,
                                       .hidden = r->resume.stages[i].hidden};
    e->kept = kept;
    resume_carry(&r->resume, &r->journal);
    return journal_begin(&r->journal, o->resume, err);
}

static const struct rec_stage_figures *predicted_stage(const struct run_opts *o, const char *id)
{
    for (uint32_t i = 0; o->predicted && i < o->predicted->nstages; i++) {
        if (o->predicted->stages[i].id && strcmp(o->predicted->stages[i].id, id) == 0)
            return &o->predicted->stages[i];
    }
    return NULL;
}

static const struct rec_figure unknown_figure = {NAN, NAN};

static struct rec_stage_figures unknown_stage(const struct stage *s)
{
    struct rec_stage_figures f = {.id = s->id, .operation = op_name(s->op)};
    f.records_in = f.records_out = f.bytes_in = f.bytes_out = f.wall_s = f.cpu_s =
        f.peak_memory_bytes = f.read_bytes = f.write_bytes = unknown_figure;
    return f;
}

static void complete(struct run *r, bool ok, const struct err *err)
{
    struct rec_completion *c = &r->out->completion;
    const struct engine_result *e = &r->out->engine;
    struct rec_completion_stage *stages =
        ARENA_ARRAY(r->a, struct rec_completion_stage, r->p->nstages);
    for (uint32_t i = 0; i < r->p->nstages; i++) {
        struct rec_completion_stage *s = &stages[i];
        const struct rec_stage_figures *f = predicted_stage(r->o, r->p->stages[i].id);
        s->used = e->stages ? e->stages[i].used : unknown_stage(&r->p->stages[i]);
        s->status = e->stages ? e->stages[i].status : "skipped";
        s->spilled_bytes = e->stages ? e->stages[i].spilled_bytes : NAN;
        s->algorithm = e->stages ? e->stages[i].algorithm : NULL;
        s->why = r->resume.nstages ? r->resume.stages[i].why : NULL;
        if (e->stages)
            s->allocated = e->stages[i].allocated;
        s->predicted_cpu_s = f ? f->cpu_s : unknown_figure;
        s->predicted_wall_s = f ? f->wall_s : unknown_figure;
        s->predicted_peak_memory_bytes = f ? f->peak_memory_bytes : unknown_figure;
        s->predicted_records_out = f ? f->records_out : unknown_figure;
    }
    *c = (struct rec_completion){
        .pipeline = r->p->name,
        .run_id = r->out->run_id,
        .mode = mode_of(r->o),
        .status = ok             ? "completed"
                  : e->cancelled ? "cancelled"
                                 : "failed",
        .started_at = arena_strdup(r->a, r->started_at),
        .wall_s = clock_wall() - r->started_wall,
        .cpu_s = clock_process() - r->started_cpu,
        .peak_memory_bytes = (double)process_peak_bytes(),
        .rejects = (double)(e->rejects + r->resume.rejects),
        .resumed_from = r->o->resume,
        .stages = stages,
        .nstages = r->p->nstages,
        .error = ok ? NULL : arena_strdup(r->a, err->text),
    };
}

/* `last`: the event that says how it ended, with the columns' lineage; kept of runs that completed.
 */
static void keep(struct run *r, bool ok, struct slice last)
{
    const struct rec_completion *c = &r->out->completion;
    struct store_run row = store_row(r);
    row.status = c->status;
    row.ended_at = r->ended_at;
    row.wall_s = c->wall_s;
    row.cpu_s = c->cpu_s;
    row.peak_memory_bytes = c->peak_memory_bytes;
    row.rejects = c->rejects;
    row.error = c->error;
    struct store_stage *stages = ARENA_ARRAY(r->a, struct store_stage, c->nstages);
    for (uint32_t i = 0; i < c->nstages; i++) {
        char *signature = arena_bytes(r->a, SHA256_HEX);
        pipeline_signature(r->p, i, signature);
        stages[i] = (struct store_stage){
            .used = c->stages[i].used,
            .predicted_cpu_s = c->stages[i].predicted_cpu_s,
            .predicted_wall_s = c->stages[i].predicted_wall_s,
            .predicted_peak_memory_bytes = c->stages[i].predicted_peak_memory_bytes,
            .predicted_records_out = c->stages[i].predicted_records_out,
            .status = c->stages[i].status,
            .signature = signature,
            .parallelism = r->out->engine.stages ? r->out->engine.stages[i].lanes : 1,
            .algorithm = r->out->engine.stages ? r->out->engine.stages[i].algorithm : NULL,
        };
    }
    struct err why = ERR_INIT;
    struct store *s = r->o->store;
    bool added;
    if (!store_begin(s, &why)) {
        complain(r, &why);
        return;
    }
    bool kept =
        (is_shadow(r->o) ||
         event_edges(s, r->p, &r->job, &r->datasets, r->out->run_id, r->ended_at, &why)) &&
        (!ok || !last.len || store_event_add(s, last, r->out->run_id, r->ended_at, &added, &why)) &&
        store_run_end(s, &row, stages, c->nstages, &why);
    if (!kept)
        store_rollback(s);
    else
        kept = store_commit(s, &why);
    if (!kept)
        complain(r, &why);
}

/* The dataflow execution manager of the design: its executeDataflow. allotments_open retrieves what
 * was provisioned before and falls back to on-demand (getResourceAllocationConfirmation,
 * provisionResources); engine_run deploys the nodes and executes them within what they were given;
 * complete() is getCompletionStatus. */
static bool execute(struct run *r, struct engine_opts *e, struct err *err)
{
    struct allotment_opts given = {
        .plan = r->o->plan,
        .predicted = r->o->predicted,
        .store = r->o->store,
        .records = r->o->allocations,
        .nrecords = r->o->nallocations,
        .ctx = r,
        .say = on_say,
        .note = on_note,
    };
    allotments_open(&r->allotments, r->p, &given, r->a);
    e->plan = r->o->plan;
    e->allotments = &r->allotments;
    e->ctx = r;
    e->log = on_log;
    e->progress = r->o->engine.progress ? on_progress : NULL;
    e->ended = on_ended;
    e->note = on_note;
    e->warning = on_warning;
    e->retrying = on_retry;
    e->step = on_step;
    e->stage = on_stage;
    r->stage_ids = arena_zalloc(r->a, r->p->nstages * sizeof(*r->stage_ids));
    bool ok = engine_run(r->p, e, r->a, &r->out->engine, err);
    for (uint32_t i = 0; r->out->engine.stages && i < r->p->nstages; i++) {
        struct engine_stage *s = &r->out->engine.stages[i];
        if (!isfinite(s->used.wall_s.p50)) /* it did not run */
            continue;
        allocation_tell(&r->allotments.stages[i], &s->allocated);
        s->allocated.parallelism = s->lanes;
    }
    allotments_close(&r->allotments);
    return ok;
}

/* orchestratePipeline of the design, from its execution on: prediction and resource requirements
 * are lib/predict's and lib/plan's (tools/etl-run-job.c, plan_here; etl-predict and etl-plan in a
 * chain), queueing is tools/etl-run-wait.c, allocateEnvironment, execute and releaseEnvironment are
 * execute() above. */
bool run_pipeline(struct pipeline *p, const struct run_opts *o, struct arena *a,
                  struct run_result *out, struct err *err)
{
    *out = (struct run_result){.kept = false};
    struct run r = {.p = p, .o = o, .a = a, .out = out, .err = err};
    pthread_mutex_init(&r.mu, NULL);
    begin(&r);
    bool ok = !is_shadow(o) || (r.shadow = shadow_new(p, o->shadow, a, err));
    ok = ok && pipeline_bind(p, o->profiles, o->nprofiles, err);
    if (ok) /* globs are expanded now */
        find_datasets(&r);
    struct engine_opts e = o->engine;
    ok = ok && go_on(&r, &e, err) &&
         (!r.shadow || shadow_begin(r.shadow, o->profiles, o->nprofiles, &e, err));
    struct buf line = BUF_INIT(BUF_UNBOUNDED);
    write_event(&r, "START", NULL, &line);
    emit_event(o, &line);
    ok = ok && execute(&r, &e, err) &&
         (!r.shadow || shadow_end(r.shadow, &e, &out->engine, &out->shadow, err));
    out->engine.cancelled |= !ok && e.stop && *e.stop;
    out->differs = ok && r.shadow && !out->shadow.verdict.ok;
    instant_format(r.ended_at, instant_now());
    complete(&r, ok, err);
    const char *type = ok ? "COMPLETE" : out->engine.cancelled ? "ABORT" : "FAIL";
    write_event(&r, type, out->completion.error, &line);
    if (out->kept)
        keep(&r, ok, slice_trim(buf_slice(&line)));
    emit_event(o, &line);
    if (ok && r.shadow)
        rec_verdict_write(&line, &out->shadow.verdict);
    shadow_free(r.shadow);
    rec_completion_write(&line, &out->completion);
    emit(o, &line);
    pthread_mutex_destroy(&r.mu);
    return ok;
}

void run_not_begun(const struct rec_plan *plan, const struct run_opts *o, const char *status,
                   const char *why)
{
    char run_id[UUID_TEXT], at[INSTANT_TEXT];
    int64_t now = instant_now();
    new_run_id(run_id, now);
    instant_format(at, now);
    struct rec_completion c = {
        .pipeline = plan->pipeline,
        .run_id = run_id,
        .mode = plan->mode,
        .status = status,
        .started_at = at,
        .wall_s = 0,
        .cpu_s = NAN,
        .peak_memory_bytes = NAN,
        .rejects = 0,
        .error = why,
    };
    struct buf line = BUF_INIT(BUF_UNBOUNDED);
    rec_completion_write(&line, &c);
    emit(o, &line);
}
