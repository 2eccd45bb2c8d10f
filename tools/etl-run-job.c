/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One pipeline of etl-run: planned here or by its plan, checked, waited for, locked, run. */
#include "base/instant.h"
#include "engine/stop.h"
#include "os/os.h"
#include "plan/plan.h"
#include "predict/predict.h"
#include "tools/etl-run.h"

/* -- planning for itself -- */

static bool plan_options(const struct app *app, struct plan_options *o, struct err *err)
{
    *o = (struct plan_options){.now_us = instant_now(), .mode = app->opts.mode};
    if (!app->opts.deadline || plan_deadline_parse(app->opts.deadline, o->now_us, &o->deadline_us))
        return true;
    return err_set(err, ERR_USAGE,
                   "option '--deadline': '%s' is neither a duration (90s, 5m, 2h) "
                   "nor a time (06:00, RFC 3339)",
                   app->opts.deadline);
}

/* Writes the records of the plan that was made here (--dry-run, or a verdict that says no). */
static void emit_planned(struct app *app, const struct rec_execution_profile *x,
                         const struct plan_result *r)
{
    struct buf line = BUF_INIT(BUF_UNBOUNDED);
    rec_execution_profile_write(&line, x);
    if (r->ok)
        rec_plan_write(&line, &r->plan);
    else
        rec_verdict_write(&line, &r->verdict);
    emit(app, buf_slice(&line));
    buf_release(&line);
}

bool plan_for(struct app *app, struct pipeline *p, const struct rec_execution_profile **x,
              struct plan_result *out, struct err *err)
{
    struct arena *a = &app->mem;
    struct predict_calibration speed;
    predict_calibrate(app->store, &speed);
    struct predict_options po = {.profiles = app->profiles,
                                 .nprofiles = app->nprofiles,
                                 .store = app->store,
                                 .mode = app->opts.mode,
                                 .speed = speed.speed,
                                 .scale = 1};
    struct rec_execution_profile *predicted = ARENA_NEW(a, struct rec_execution_profile);
    struct rec_environment *env = ARENA_NEW(a, struct rec_environment);
    struct plan_options o;
    *x = predicted;
    /* Types, and which expressions need libjq, make a better prediction. What is wrong is said when
     * the job is loaded. */
    if (!pipeline_bind(p, app->profiles, app->nprofiles, err))
        err_clear(err);
    if (!plan_options(app, &o, err) || !predict_pipeline(a, p, &po, predicted, NULL, err))
        return false;
    plan_environment_local(a, env);
    return plan_pipeline(a, predicted, env, 1, &o, out, err);
}

int plan_here(struct app *app, struct pipeline *p)
{
    struct err err = ERR_INIT;
    const struct rec_execution_profile *x;
    struct plan_result r;
    const struct rec_plan none = {.pipeline = p->name};
    if (!plan_for(app, p, &x, &r, &err))
        return err.kind == ERR_USAGE ? cli_fail(&err) : job_fail(app, &none, "failed", &err);
    if (app->opts.dry_run || !r.ok)
        emit_planned(app, x, &r);
    if (!r.ok) {
        const char *why = r.verdict.nreasons ? r.verdict.reasons[0] : "the plan is impossible";
        cli_error("%s", why);
        not_begun(app, &none, "refused", why);
        return STATUS_NO;
    }
    *ARENA_PUSH(&app->mem, app->jobs, app->njobs) =
        (struct job){.plan = r.plan, .predicted = x, .loaded = p};
    return STATUS_OK;
}

/* -- one job -- */

static bool load_job(const struct job *job, struct pipeline *p, struct err *err)
{
    struct quoted q;
    if (!job->plan.definition)
        return err_set(err, ERR_DATA, "plan '%s' has no definition",
                       quote_str(&q, job->plan.id ? job->plan.id : "?"));
    if (!pipeline_from_definition(p, job->plan.definition, job->plan.base, job->plan.code_version,
                                  err))
        return false;
    const struct pipeline *file = job->loaded;
    p->path = file ? file->path : NULL;
    for (uint32_t i = 0; file && i < p->nstages && i < file->nstages; i++)
        p->stages[i].line = file->stages[i].line;
    return true;
}

static void say_warnings(const struct pipeline *p)
{
    for (uint32_t i = 0; i < p->warnings.n; i++)
        cli_warn("%s", p->warnings.items[i]);
}

int check_only(struct app *app, struct pipeline *p)
{
    struct err err = ERR_INIT;
    bool ok = pipeline_bind(p, app->profiles, app->nprofiles, &err);
    say_warnings(p);
    if (!ok)
        return cli_fail(&err);
    if (app->people && app->opts.validate) {
        struct buf line = BUF_INIT(BUF_UNBOUNDED);
        buf_addf(&line, "%s: valid, %u stages\n", p->name, p->nstages);
        out_buf(&line);
        buf_release(&line);
    }
    return STATUS_OK;
}

/* One lock per pipeline name, beside the store. */
static bool take_lock(struct app *app, const char *pipeline, struct file_lock *lock,
                      struct err *err)
{
    *lock = FILE_LOCK_INIT;
    if (!app->opts.lock)
        return true;
    if (!app->store)
        return err_set(err, ERR_ENV, "--lock needs the store: its lock stands beside it");
    struct buf name = BUF_INIT(4096);
    for (const char *c = pipeline; *c; c++) {
        if ((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
            *c == '-' || *c == '_')
            buf_addc(&name, *c);
        else
            buf_addf(&name, "%%%02X", (unsigned)(unsigned char)*c);
    }
    char *path = xasprintf("%s.%s.lock", store_path(app->store), buf_str(&name));
    bool ok = lock_take(lock, path, false, err);
    if (!ok && err->kind == ERR_AGAIN)
        err_prefix(err, "pipeline '%s' is running already: ", pipeline);
    free(path);
    buf_release(&name);
    return ok;
}

static int finish_job(struct app *app, const struct run_result *r, bool ok, const struct err *err)
{
    bool shadow = r->shadow.verdict.check != NULL;
    const char *kept = shadow ? NULL : app->opts.reject;
    watch_done(app);
    if (app->people)
        show_completion(&r->completion);
    if (ok) {
        if (r->engine.rejects)
            cli_warn("%llu of %llu records rejected%s%s, the first: %s",
                     (unsigned long long)r->engine.rejects,
                     (unsigned long long)r->engine.records_read, kept ? " to " : "",
                     kept ? kept : "", r->engine.first_reject);
        return shadow ? shadow_tell(app, r) : STATUS_OK;
    }
    if (r->engine.cancelled)
        return STATUS_STAGE;
    for (const char *s = r->engine.last_words; s && *s;) {
        const char *end = strchr(s, '\n');
        int n = end ? (int)(end - s) : (int)strlen(s);
        cli_error("| %.*s", n, s);
        s += n + (end != NULL);
    }
    return cli_fail(err);
}

bool reads_stdin(const struct pipeline *p)
{
    for (uint32_t i = 0; i < p->nstages; i++) {
        const struct stage *s = &p->stages[i];
        for (uint32_t k = 0; s->op == OP_READ && k < s->u.read.paths.n; k++) {
            if (strcmp(s->u.read.paths.items[k], "-") == 0)
                return true;
        }
    }
    return false;
}

static bool is_elsewhere(const struct app *app, const char *environment)
{
    for (uint32_t i = app->nenvironments; environment && i-- > 0;) {
        const struct rec_environment *e = &app->environments[i];
        if (e->id && strcmp(e->id, environment) == 0)
            return e->kind && strcmp(e->kind, "local") != 0;
    }
    return false;
}

/* The modes that are built; the plan's others are refused by name. */
static bool runs_mode(const char *mode)
{
    static const char *const modes[] = {"standard", "optimized", "sampling", "shadow"};
    for (size_t i = 0; mode && i < ARRAY_LEN(modes); i++) {
        if (strcmp(mode, modes[i]) == 0)
            return true;
    }
    return !mode;
}

/* What a plan may ask for that would be wrong to run as if it had not. */
static bool can_run(const struct app *app, const struct job *job, const struct pipeline *p,
                    struct err *err)
{
    const struct rec_plan *plan = &job->plan;
    struct quoted q;
    if (!runs_mode(plan->mode))
        return err_set(err, ERR_DATA,
                       "pipeline '%s' is planned in mode '%s': this version runs standard, "
                       "optimized, sampling and shadow",
                       p->name, quote_str(&q, plan->mode));
    for (uint32_t i = 0; i < plan->nstages; i++) {
        if (is_elsewhere(app, plan->stages[i].environment))
            return err_set(err, ERR_DATA,
                           "stage '%s' is planned for '%s': this version runs on this machine only",
                           plan->stages[i].id, quote_str(&q, plan->stages[i].environment));
    }
    if (!app->opts.pipeline && app->stdin_taken && reads_stdin(p))
        return err_set(err, ERR_USAGE,
                       "pipeline '%s' reads rows from stdin, where its plan came from: give the "
                       "plan as a file",
                       p->name);
    return true;
}

int run_job(struct app *app, struct job *job)
{
    struct err err = ERR_INIT;
    struct pipeline p = {0};
    const char *changed = app->opts.pipeline ? NULL : changed_since(&app->mem, &job->plan);
    if (changed)
        cli_warn("%s", changed);
    bool loaded = load_job(job, &p, &err);
    if (!loaded || !can_run(app, job, &p, &err)) {
        pipeline_release(&p);
        return job_fail(app, &job->plan, loaded ? "refused" : "failed", &err);
    }
    int status = STATUS_OK;
    if (app->opts.validate || app->opts.dry_run) {
        status = check_only(app, &p);
        if (status == STATUS_OK && app->opts.dry_run && app->people) {
            show_plan(job);
            show_datasets(&p);
        }
        if (status == STATUS_OK && app->opts.dry_run)
            status = resume_show(app, &p);
        pipeline_release(&p);
        return status;
    }
    if (is_sampling(job->plan.mode)) {
        status = sample_job(app, job, &p);
        pipeline_release(&p);
        return status;
    }
    struct run_opts o = run_options(app);
    struct file_lock lock = FILE_LOCK_INIT;
    if (!wait_for_room(&app->mem, job, app->opts.no_wait, app->opts.deadline, &stop_signal, &err) ||
        !take_lock(app, p.name, &lock, &err)) {
        run_not_begun(&job->plan, &o, stop_signal ? "cancelled" : "queued", err.text);
        status = stop_signal ? STATUS_AGAIN : cli_fail(&err);
        pipeline_release(&p);
        return status;
    }
    o.plan = &job->plan;
    o.predicted = job->predicted;
    if (!resume_job(app, &p, &o.resume, &err)) {
        lock_release(&lock);
        pipeline_release(&p);
        return job_fail(app, &job->plan, "failed", &err);
    }
    struct run_result r;
    struct shadow_opts shadow;
    struct pipeline other = {0};
    if (job->plan.mode && strcmp(job->plan.mode, "shadow") == 0) {
        if (!shadow_job(app, &shadow, &other, &err)) {
            lock_release(&lock);
            pipeline_release(&p);
            return job_fail(app, &job->plan, "failed", &err);
        }
        o.shadow = &shadow;
    }
    watch_start(app, job);
    bool ok = run_pipeline(&p, &o, &app->mem, &r, &err);
    status = finish_job(app, &r, ok, &err);
    lock_release(&lock);
    pipeline_release(&other);
    pipeline_release(&p);
    return status;
}
