/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The records that etl-run reads and writes, and the verdicts among them. */
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/stop.h"
#include "tools/etl-run.h"

#define RUNNING_S 5.0 /* between two events of a stage that lasts */

static bool same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* -- records in -- */

static void take_verdict(struct app *app, const struct rec_verdict *v)
{
    for (uint32_t i = 0; i < app->nverdicts; i++) {
        if (same(app->verdicts[i].check, v->check) && same(app->verdicts[i].subject, v->subject)) {
            app->verdicts[i] = *v;
            return;
        }
    }
    *ARENA_PUSH(&app->mem, app->verdicts, app->nverdicts) = *v;
}

static void take_plan(struct app *app, const struct rec_plan *plan)
{
    for (uint32_t i = 0; i < app->njobs; i++) {
        if (plan->id && same(app->jobs[i].plan.id, plan->id)) {
            app->jobs[i].plan = *plan;
            return;
        }
    }
    *ARENA_PUSH(&app->mem, app->jobs, app->njobs) = (struct job){.plan = *plan};
}

static bool take_record(struct app *app, const struct json *rec, struct err *err)
{
    if (rec_is(rec, "plan")) {
        struct rec_plan plan;
        if (!rec_plan_read(&app->mem, rec, &plan, err))
            return false;
        take_plan(app, &plan);
    } else if (rec_is(rec, "profile")) {
        struct rec_profile p;
        if (!rec_profile_read(&app->mem, rec, &p, err))
            return false;
        *ARENA_PUSH(&app->mem, app->profiles, app->nprofiles) = p;
    } else if (rec_is(rec, "execution_profile")) {
        struct rec_execution_profile x;
        if (!rec_execution_profile_read(&app->mem, rec, &x, err))
            return false;
        *ARENA_PUSH(&app->mem, app->predictions, app->npredictions) = x;
    } else if (rec_is(rec, "verdict")) {
        struct rec_verdict v;
        if (!rec_verdict_read(&app->mem, rec, &v, err))
            return false;
        take_verdict(app, &v);
    } else if (rec_is(rec, "allocation")) {
        struct rec_allocation r;
        if (!rec_allocation_read(&app->mem, rec, &r, err))
            return false;
        *ARENA_PUSH(&app->mem, app->allocations, app->nallocations) = r;
    } else if (rec_is(rec, "environment")) {
        struct rec_environment e;
        if (!rec_environment_read(&app->mem, rec, &e, err))
            return false;
        *ARENA_PUSH(&app->mem, app->environments, app->nenvironments) = e;
    }
    return true;
}

static bool on_record(void *ctx, struct chain *c, const struct json *rec, struct slice line)
{
    struct app *app = ctx;
    (void)line;
    struct err err = ERR_INIT;
    if (!take_record(app, rec, &err)) {
        cli_error("%s:%llu: %s", c->name, (unsigned long long)c->line_no, err.text);
        c->bad_lines++;
    }
    return true;
}

static bool stdin_sends(void)
{
    struct stat st;
    return fstat(STDIN_FILENO, &st) == 0 &&
           (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode) || S_ISREG(st.st_mode));
}

bool read_records(struct app *app, const char *operand, struct err *err)
{
    chain_init(&app->chain, !app->silent);
    if (app->opts.pipeline && !operand) {
        if (app->stdin_taken || !stdin_sends())
            return true;
        struct pollfd in = {STDIN_FILENO, POLLIN, 0};
        if (poll(&in, 1, 2000) == 0)
            cli_warn("waiting for records on stdin; if there are none, give it </dev/null");
    }
    app->stdin_taken = app->stdin_taken || !operand || strcmp(operand, "-") == 0;
    return chain_read(&app->chain, operand, on_record, app, err);
}

/* -- records out -- */

void emit(void *ctx, struct slice line)
{
    struct app *app = ctx;
    struct err ignored = ERR_INIT;
    if (app->silent)
        return;
    out_write(line.p, line.len);
    out_flush(&ignored); /* remembered for out_close */
}

static void warn(void *ctx, const char *text)
{
    (void)ctx;
    cli_warn("%s", text);
}

static void on_progress(void *ctx, const struct engine_view *v)
{
    struct app *app = ctx;
    watch_view(app, v);
}

static void on_ended(void *ctx, const struct engine_view_stage *s)
{
    watch_ended(ctx, s);
}

static void on_note(void *ctx, const char *stage, const char *text)
{
    (void)ctx;
    cli_note("stage '%s': %s", stage, text);
}

static void on_warning(void *ctx, const char *stage, const char *text)
{
    (void)ctx;
    cli_warn("stage '%s': %s", stage, text);
}

static void on_retry(void *ctx, const char *stage, const struct err *why)
{
    (void)ctx;
    cli_warn("stage '%s': %s; trying again", stage, why->text);
}

struct run_opts run_options(struct app *app)
{
    struct run_opts o = {
        .profiles = app->profiles,
        .nprofiles = app->nprofiles,
        .allocations = app->allocations,
        .nallocations = app->nallocations,
        .store = app->store,
        .engine = {.lanes = (uint32_t)app->opts.threads,
                   .reject_path = app->opts.reject,
                   .max_rejects = app->limit,
                   .data_fd = app->data_fd,
                   .running_s = RUNNING_S,
                   .stop = &stop_signal,
                   .ctx = app,
                   .progress = on_progress,
                   .ended = on_ended,
                   .note = on_note,
                   .warning = on_warning,
                   .retrying = on_retry},
        .ctx = app,
        .emit = emit,
        .event = events_send,
        .say = warn,
        .resumed = resume_say,
    };
    return o;
}

/* -- ends of what never began -- */

void not_begun(struct app *app, const struct rec_plan *plan, const char *status, const char *why)
{
    struct run_opts o = run_options(app);
    if (!app->opts.validate && !app->opts.dry_run)
        run_not_begun(plan, &o, status, why);
}

int job_fail(struct app *app, const struct rec_plan *plan, const char *status,
             const struct err *err)
{
    int code = cli_fail(err);
    not_begun(app, plan, status, err->text);
    return code;
}

/* -- gates -- */

bool refused(struct app *app, const struct pipeline *p)
{
    bool no = false;
    for (uint32_t i = 0; i < app->nverdicts && !app->opts.ignore_verdicts; i++) {
        const struct rec_verdict *v = &app->verdicts[i];
        if (v->ok)
            continue;
        no = true;
        cli_error(
            "the verdict of '%s' on '%s' says no%s%s; nothing was run (--ignore-verdicts runs "
            "all the same)",
            v->check ? v->check : "?", v->subject ? v->subject : "?", v->nreasons ? ": " : "",
            v->nreasons ? v->reasons[0] : "");
    }
    if (!no)
        return false;
    for (uint32_t i = 0; i < app->njobs && !app->opts.pipeline; i++)
        not_begun(app, &app->jobs[i].plan, "refused", "a verdict says no");
    if (app->opts.pipeline)
        not_begun(app, &(struct rec_plan){.pipeline = p->name}, "refused", "a verdict says no");
    return true;
}
