/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What etl-run shows people: the plan before, the figures after. On stdout. */
#include <math.h>

#include "base/instant.h"
#include "base/num.h"
#include "cli/chain.h"
#include "cli/report.h"
#include "pipeline/pipeline.h"
#include "tools/etl-run.h"

const char *count_text(char out[NUM_TEXT_MAX], double v)
{
    if (!isfinite(v))
        return "?";
    num_format_grouped(out, (int64_t)(v + 0.5));
    return out;
}

const char *time_text(char out[INSTANT_TEXT], double v)
{
    if (!isfinite(v))
        return "?";
    duration_format(out, v);
    return out;
}

const char *size_text(char out[NUM_TEXT_MAX], double v)
{
    if (!isfinite(v))
        return "?";
    num_format_size(out, v);
    return out;
}

static void put_table(struct report_table *t)
{
    struct buf out = BUF_INIT(BUF_UNBOUNDED);
    report_table_write(&out, t, 1, report_width(1));
    out_buf(&out);
    buf_release(&out);
    report_table_free(t);
}

static const struct rec_stage_figures *figures_of(const struct job *job, const char *id)
{
    for (uint32_t i = 0; job->predicted && i < job->predicted->nstages; i++) {
        if (strcmp(job->predicted->stages[i].id, id) == 0)
            return &job->predicted->stages[i];
    }
    return NULL;
}

void show_plan(const struct job *job)
{
    static const char *const headings[] = {"<stage", "<operation", "<algorithm", ">records",
                                           ">CPU",   ">memory",    NULL};
    struct report_table *t = report_table_new(headings);
    for (uint32_t i = 0; i < job->plan.nstages; i++) {
        const struct rec_plan_stage *s = &job->plan.stages[i];
        const struct rec_stage_figures *f = figures_of(job, s->id);
        char n[NUM_TEXT_MAX], m[NUM_TEXT_MAX], c[INSTANT_TEXT];
        report_cell(t, NULL, "%s", s->id);
        report_cell(t, NULL, "%s", f && f->operation ? f->operation : "");
        report_cell(t, NULL, "%s", s->algorithm ? s->algorithm : "");
        report_cell(t, NULL, "%s", count_text(n, f ? f->records_out.p50 : NAN));
        report_cell(t, NULL, "%s", time_text(c, f ? f->cpu_s.p50 : NAN));
        report_cell(t, NULL, "%s", size_text(m, f ? f->peak_memory_bytes.p50 : NAN));
    }
    put_table(t);
}

void show_datasets(const struct pipeline *p)
{
    struct buf out = BUF_INIT(BUF_UNBOUNDED);
    for (uint32_t i = 0; i < p->nstages; i++) {
        const struct stage *s = &p->stages[i];
        if (s->op == OP_READ) {
            for (uint32_t k = 0; k < s->u.read.paths.n; k++)
                buf_addf(&out, "reads   %s\n", s->u.read.paths.items[k]);
        } else if (s->op == OP_WRITE) {
            buf_addf(&out, "writes  %s\n", s->u.write.path);
        } else if (s->op == OP_COMMAND) {
            buf_addf(&out, "runs    %s\n", s->u.command.run);
        } else if (s->op == OP_SQL) {
            buf_addf(&out, "runs    %s\n", s->u.sql.statement);
        }
        for (uint32_t k = 0; k < stage_writes(s)->n; k++)
            buf_addf(&out, "writes  %s\n", stage_writes(s)->items[k]);
    }
    out_buf(&out);
    buf_release(&out);
}

static const char *status_style(const char *status)
{
    return strcmp(status, "completed") == 0 ? "green"
           : strcmp(status, "failed") == 0  ? "red"
                                            : "yellow";
}

void show_completion(const struct rec_completion *c)
{
    /* Fits 80 columns; the record has what went in as well. */
    static const char *const headings[] = {"<stage",     "<operation", ">records",
                                           ">CPU",       ">predicted", ">memory",
                                           ">predicted", "<status",    NULL};
    struct report_table *t = report_table_new(headings);
    for (uint32_t i = 0; i < c->nstages; i++) {
        const struct rec_completion_stage *s = &c->stages[i];
        char n[NUM_TEXT_MAX], d[INSTANT_TEXT];
        report_cell(t, NULL, "%s", s->used.id);
        report_cell(t, NULL, "%s", s->used.operation);
        report_cell(t, NULL, "%s", count_text(n, s->used.records_out.p50));
        report_cell(t, NULL, "%s", time_text(d, s->used.cpu_s.p50));
        report_cell(t, "dim", "%s", time_text(d, s->predicted_cpu_s.p50));
        report_cell(t, NULL, "%s", size_text(n, s->used.peak_memory_bytes.p50));
        report_cell(t, "dim", "%s", size_text(n, s->predicted_peak_memory_bytes.p50));
        report_cell(t, status_style(s->status), "%s", s->status);
    }
    if (c->nstages)
        put_table(t);
    else
        report_table_free(t);
    char wall[INSTANT_TEXT], cpu[INSTANT_TEXT], mem[NUM_TEXT_MAX], rejects[NUM_TEXT_MAX];
    struct buf out = BUF_INIT(BUF_UNBOUNDED);
    buf_addf(&out, "%s%s%s: %s in %s", cli_color(1, status_style(c->status)), c->pipeline,
             cli_color(1, "reset"), c->status, time_text(wall, c->wall_s));
    if (isfinite(c->cpu_s))
        buf_addf(&out, ", %s CPU, %s at most", time_text(cpu, c->cpu_s),
                 size_text(mem, c->peak_memory_bytes));
    if (c->rejects > 0)
        buf_addf(&out, ", %s rejected", count_text(rejects, c->rejects));
    buf_addf(&out, " (run %s)\n", c->run_id);
    out_buf(&out);
    buf_release(&out);
}
