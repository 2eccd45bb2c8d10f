/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shadow runs of etl-run: what the candidate is compared with, and what people see of it. */
#include <math.h>

#include "base/num.h"
#include "cli/report.h"
#include "tools/etl-run.h"

#define REASONS_SHOWN 10

int shadow_options(struct app *app)
{
    struct etl_run_opts *o = &app->opts;
    bool other = o->mode && strcmp(o->mode, "shadow") != 0;
    if (o->against && other)
        return cli_usage("option '--against' belongs to '--mode shadow'");
    if (o->against)
        o->mode = "shadow";
    app->rtol = COMPARE_RTOL;
    if (o->rtol && other)
        return cli_usage("option '--rtol' belongs to '--mode shadow'");
    if (o->rtol && (!num_parse_float(slice_str(o->rtol), &app->rtol) || app->rtol < 0))
        return cli_usage("option '--rtol': '%s' is not a number of at least 0", o->rtol);
    return STATUS_OK;
}

bool shadow_load(struct app *app, const struct param *params, struct err *err)
{
    if (!app->opts.against)
        return true;
    if (!pipeline_load(&app->against, app->opts.against, params, app->opts.params.n, err))
        return false;
    return !app->opts.records ||
           engine_keeps_apart(&app->against, "--records", app->opts.records, err);
}

bool shadow_job(struct app *app, struct shadow_opts *o, struct pipeline *other, struct err *err)
{
    *o = (struct shadow_opts){.rtol = app->rtol};
    if (!app->opts.against)
        return true;
    const struct rec_execution_profile *x;
    struct plan_result *r = ARENA_NEW(&app->mem, struct plan_result);
    const struct pipeline *file = &app->against;
    if (!plan_for(app, &app->against, &x, r, err) ||
        !pipeline_from_definition(other, file->definition, file->base, file->code_version, err))
        return false;
    other->path = file->path;
    for (uint32_t i = 0; i < other->nstages; i++)
        other->stages[i].line = file->stages[i].line;
    o->against = other;
    o->against_plan = r->ok ? &r->plan : NULL; /* one that does not fit is tried as written */
    return true;
}

static void number_cell(struct report_table *t, double v)
{
    char n[NUM_TEXT_MAX];
    report_cell(t, NULL, "%s", isfinite(v) ? count_text(n, v) : "");
}

static void show_examples(struct buf *out, const struct shadow_output *o)
{
    static const char marks[] = {'~', '-', '+'};
    for (uint32_t i = 0; i < o->result.nexamples; i++) {
        const struct compare_example *x = &o->result.examples[i];
        buf_addf(out, "  %c %s\n", marks[x->change], x->text);
    }
}

static void show_shadow(const struct shadow_report *r)
{
    static const char *const headings[] = {"<output",     ">rows",   ">only here",
                                           ">only there", "<result", NULL};
    static const char *const states[] = {"same", "different", "not compared"};
    static const char *const styles[] = {"green", "red", "yellow"};
    struct report_table *t = report_table_new(headings);
    struct buf out = BUF_INIT(BUF_UNBOUNDED);
    for (uint32_t i = 0; i < r->noutputs; i++) {
        const struct shadow_output *o = &r->outputs[i];
        report_cell(t, NULL, "%s", o->name);
        number_cell(t, o->rows);
        number_cell(t, o->why ? NAN : o->result.only[1]);
        number_cell(t, o->why ? NAN : o->result.only[0]);
        report_cell(t, styles[o->state], "%s", states[o->state]);
    }
    if (r->noutputs)
        report_table_write(&out, t, 1, report_width(1));
    report_table_free(t);
    for (uint32_t i = 0; i < r->verdict.nreasons; i++)
        buf_addf(&out, "%s\n", r->verdict.reasons[i]);
    for (uint32_t i = 0; i < r->noutputs; i++) {
        if (r->outputs[i].result.nexamples)
            buf_addf(&out, "%s:\n", r->outputs[i].name);
        show_examples(&out, &r->outputs[i]);
    }
    out_buf(&out);
    buf_release(&out);
}

int shadow_tell(const struct app *app, const struct run_result *r)
{
    const struct rec_verdict *v = &r->shadow.verdict;
    if (app->people)
        show_shadow(&r->shadow);
    for (uint32_t i = 0; i < v->nreasons && !app->people; i++) {
        if (i == REASONS_SHOWN)
            cli_warn("%u more; all are in the verdict", v->nreasons - i);
        if (i >= REASONS_SHOWN)
            break;
        if (v->ok)
            cli_warn("%s", v->reasons[i]);
        else
            cli_error("%s", v->reasons[i]);
    }
    return v->ok ? STATUS_OK : STATUS_NO;
}
