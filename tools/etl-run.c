/* SPDX-License-Identifier: GPL-3.0-or-later */
/* etl-run: runs pipelines by their plans. The work is in lib/engine; planning for itself (-p) puts
 * lib/predict and lib/plan before it. */
#include "tools/etl-run.h"

#include <fcntl.h>
#include <unistd.h>

#include "engine/stop.h"
#include "os/os.h"

static bool same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* The prediction of a plan: of the same pipeline with the same parameters. */
static void find_predictions(struct app *app)
{
    for (uint32_t i = 0; i < app->njobs; i++) {
        struct job *job = &app->jobs[i];
        for (uint32_t k = 0; k < app->npredictions; k++) {
            const struct rec_execution_profile *x = &app->predictions[k];
            if (same(x->pipeline, job->plan.pipeline) && x->definition && job->plan.definition &&
                json_equal(x->definition, job->plan.definition))
                job->predicted = x;
        }
    }
}

static bool parse_params(struct app *app, struct param **out, struct err *err)
{
    const struct opt_list *list = &app->opts.params;
    struct param *params = ARENA_ARRAY(&app->mem, struct param, list->n);
    for (size_t i = 0; i < list->n; i++) {
        const char *eq = strchr(list->items[i], '=');
        if (!eq || eq == list->items[i])
            return err_set(err, ERR_USAGE, "option '--param': '%s' is not NAME=VALUE",
                           list->items[i]);
        params[i].name = arena_strndup(&app->mem, list->items[i], (size_t)(eq - list->items[i]));
        params[i].value = eq + 1;
    }
    *out = params;
    return true;
}

static bool writes_stdout(const struct pipeline *p)
{
    for (uint32_t i = 0; i < p->nstages; i++) {
        if (p->stages[i].op == OP_WRITE && strcmp(p->stages[i].u.write.path, "-") == 0)
            return true;
    }
    return false;
}

/* With --records the records' stream becomes that file, and rows keep the first stdout. */
static bool open_outputs(struct app *app, struct err *err)
{
    if (!app->opts.records)
        return true;
    int fd = open(app->opts.records, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return err_errno(err, ERR_ENV, "cannot create '%s'", app->opts.records);
    app->data_fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    if (app->data_fd < 0 || dup2(fd, STDOUT_FILENO) < 0)
        return err_errno(err, ERR_ENV, "cannot redirect to '%s'", app->opts.records);
    close(fd);
    app->people = false;
    app->silent = false;
    return true;
}

/* --mode: what it says holds for every plan. As written means without what was planned of how. */
static void set_mode(struct app *app, struct job *job)
{
    struct rec_plan *plan = &job->plan;
    if (!app->opts.mode)
        return;
    plan->mode = app->opts.mode;
    if (strcmp(plan->mode, "standard") != 0)
        return;
    struct rec_plan_stage *stages = ARENA_ARRAY(&app->mem, struct rec_plan_stage, plan->nstages);
    for (uint32_t i = 0; i < plan->nstages; i++) {
        stages[i] = plan->stages[i];
        stages[i].algorithm = stages[i].build = NULL;
    }
    plan->stages = stages;
}

static bool is_mode(const struct app *app, const char *mode)
{
    return app->opts.mode && strcmp(app->opts.mode, mode) == 0;
}

static int run_jobs(struct app *app)
{
    int status = STATUS_OK;
    if (!app->opts.pipeline && app->njobs == 0) {
        cli_error("no plan came: etl-plan writes them, or name a pipeline with -p");
        return STATUS_DATA;
    }
    find_predictions(app);
    for (uint32_t i = 0; i < app->njobs && !stop_signal; i++) {
        set_mode(app, &app->jobs[i]);
        status = status_worse(status, run_job(app, &app->jobs[i]));
    }
    return status;
}

static int run_here(struct app *app, struct pipeline *p)
{
    if (app->opts.validate)
        return check_only(app, p);
    app->njobs = 0;
    if (is_sampling(app->opts.mode) && !app->opts.dry_run) {
        sample_here(app, p);
        return run_jobs(app);
    }
    int status = plan_here(app, p);
    return status == STATUS_OK ? run_jobs(app) : status;
}

/* `p`: of -p, loaded here and released by the caller. */
static int work(struct app *app, const char *operand, struct pipeline *p)
{
    struct err err = ERR_INIT;
    struct param *params = NULL;
    const char *records = app->opts.records;
    bool nothing_runs = app->opts.validate || app->opts.dry_run;
    if (!parse_params(app, &params, &err) || !shadow_load(app, params, &err))
        return cli_fail(&err);
    if (app->opts.pipeline) {
        if (!pipeline_load(p, app->opts.pipeline, params, app->opts.params.n, &err))
            return cli_fail(&err);
        if (records && !engine_keeps_apart(p, "--records", records, &err))
            return cli_fail(&err);
        app->stdin_taken = reads_stdin(p) || reads_stdin(&app->against);
        if (writes_stdout(p) && !app->opts.records && !is_sampling(app->opts.mode) &&
            !is_mode(app, "shadow"))
            app->silent = true, app->people = false;
    }
    if (records && operand && path_is_same(records, operand))
        return cli_usage("option '--records': '%s' is the plan itself: name another file", records);
    if (!open_outputs(app, &err))
        return cli_fail(&err);
    /* Until then a signal just ends the process: there is nothing to clean up. */
    if (!read_records(app, operand, &err) || !stop_watch(&err))
        return cli_fail(&err);
    int status = app->chain.bad_lines ? STATUS_DATA : STATUS_OK;
    if (!nothing_runs && refused(app, p))
        return status_worse(status, STATUS_NO);
    if (!store_open(&app->store, app->opts.common.store,
                    nothing_runs || app->opts.resume ? STORE_EXISTING : STORE_CREATE, &err) &&
        !app->opts.resume) {
        cli_warn("this run will not be remembered: %s", err.text);
        err_clear(&err);
    }
    if (!resume_store(app, &err))
        return app->opts.pipeline
                   ? job_fail(app, &(struct rec_plan){.pipeline = p->name}, "failed", &err)
                   : cli_fail(&err);
    if (!nothing_runs)
        events_open(app);
    status = status_worse(status, app->opts.pipeline ? run_here(app, p) : run_jobs(app));
    events_close(app, stop_signal != 0);
    if (app->store)
        store_close(app->store);
    return status;
}

int main(int argc, char **argv)
{
    cli_init(&etl_run_tool);
    struct app app = {.opts = ETL_RUN_OPTS_INIT};
    char **operands;
    size_t n;
    int status;
    if (!cli_parse(&etl_run_tool, argc, argv, &app.opts, &operands, &n, &status))
        return status;
    if (n > 1)
        return cli_usage("one PLAN at most; its records may be those of several");
    if (app.opts.max_rejects && !engine_limit_parse(app.opts.max_rejects, &app.limit))
        return cli_usage("option '--max-rejects': '%s' is neither a count nor a percentage",
                         app.opts.max_rejects);
    if (!(app.opts.sample > 0))
        return cli_usage("option '--sample': a sample of nothing tells nothing");
    status = shadow_options(&app);
    if (status != STATUS_OK)
        return status;
    if (app.opts.params.n && !app.opts.pipeline && !app.opts.against)
        return cli_usage("option '--param' belongs to '-p'; a plan has its parameters filled in");
    if (app.opts.resume && app.opts.mode &&
        (strcmp(app.opts.mode, "sampling") == 0 || strcmp(app.opts.mode, "shadow") == 0))
        return cli_usage("option '--resume': a run in mode '%s' publishes nothing: run it anew",
                         app.opts.mode);
    if (app.opts.deadline && !app.opts.pipeline)
        return cli_usage("option '--deadline' belongs to '-p'; for a plan give it to etl-plan");
    struct err err = ERR_INIT;
    app.people = cli_for_people(&app.opts.common);
    app.silent = app.people || cli_is_quiet();
    app.data_fd = STDOUT_FILENO;
    struct pipeline p = {0};
    status = work(&app, n ? operands[0] : NULL, &p);
    pipeline_release(&p);
    pipeline_release(&app.against);
    if (!out_close(&err))
        status = status_worse(status, cli_fail(&err));
    if (stop_signal)
        return stop_die();
    chain_release(&app.chain);
    arena_release(&app.mem);
    return status;
}
