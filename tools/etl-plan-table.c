/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Plans, verdicts and environments as tables for people. */
#include <math.h>

#include "base/instant.h"
#include "base/num.h"
#include "cli/report.h"
#include "tools/etl-plan.h"

#define GB 1073741824.0

static void gb_cell(struct report_table *t, double gb)
{
    char text[NUM_TEXT_MAX];
    if (isnan(gb)) {
        report_cell(t, "dim", "?");
        return;
    }
    num_format_size(text, gb * GB);
    report_cell(t, NULL, "%s", text);
}

static void seconds_cell(struct report_table *t, double seconds)
{
    char text[INSTANT_TEXT];
    if (isnan(seconds)) {
        report_cell(t, "dim", "?");
        return;
    }
    duration_format(text, seconds);
    report_cell(t, NULL, "%s", text);
}

static void number_cell(struct report_table *t, double v)
{
    if (isnan(v))
        report_cell(t, "dim", "?");
    else
        report_cell(t, NULL, "%.4g", v);
}

void etl_plan_table(struct buf *out, const struct rec_plan *p)
{
    static const char *const headings[] = {">#",   "<stage", ">cores", ">memory", ">start",
                                           ">end", "<how",   "<after", NULL};
    struct report_table *t = report_table_new(headings);
    char text[INSTANT_TEXT];
    buf_addf(out, "%s%s%s, planned: %s on %s", cli_color(1, "bold"), p->pipeline,
             cli_color(1, "reset"), p->mode, p->environment);
    if (!isnan(p->makespan_s)) {
        duration_format(text, p->makespan_s);
        buf_addf(out, ", %s", text);
        duration_format(text, p->makespan_p95_s);
        buf_addf(out, " (p95 %s)", text);
    }
    if (!isnan(p->cost_usd))
        buf_addf(out, ", %.4g USD", p->cost_usd);
    buf_addc(out, '\n');
    for (uint32_t i = 0; i < p->nstages; i++) {
        const struct rec_plan_stage *s = &p->stages[i];
        struct buf after = BUF_INIT(1 << 16);
        for (uint32_t k = 0; k < s->nafter; k++)
            buf_addf(&after, "%s%s", k ? ", " : "", s->after[k]);
        report_cell(t, "dim", "%lld", (long long)s->order + 1);
        report_cell(t, NULL, "%s", s->id);
        number_cell(t, s->cpu_cores);
        gb_cell(t, s->memory_gb);
        seconds_cell(t, s->start_s);
        seconds_cell(t, s->end_s);
        report_cell(t, NULL, "%s", s->algorithm ? s->algorithm : "");
        report_cell(t, "dim", "%s", buf_str(&after));
        buf_release(&after);
    }
    report_table_write(out, t, 1, report_width(1));
    report_table_free(t);
    if (p->queued_reason)
        buf_addf(out, "%squeued%s: %s\n", cli_color(1, "yellow"), cli_color(1, "reset"),
                 p->queued_reason);
    for (uint32_t i = 0; i < p->nwhy; i++)
        buf_addf(out, "- %s\n", p->why[i]);
}

void etl_plan_verdict(struct buf *out, const struct rec_verdict *v)
{
    buf_addf(out, "%s%s%s: %s: %s\n", cli_color(1, "bold"), v->subject ? v->subject : "",
             cli_color(1, "reset"), v->check ? v->check : "check", v->ok ? "yes" : "no");
    for (uint32_t i = 0; i < v->nreasons; i++)
        buf_addf(out, "- %s\n", v->reasons[i]);
}

void etl_plan_environments(struct buf *out, const struct rec_environment *e, size_t n)
{
    static const char *const headings[] = {"<environment", "<kind", ">cores", ">free",
                                           ">memory",      ">free", ">USD/h", NULL};
    struct report_table *t = report_table_new(headings);
    for (size_t i = 0; i < n; i++) {
        report_cell(t, NULL, "%s", e[i].id);
        report_cell(t, NULL, "%s", e[i].kind ? e[i].kind : "");
        number_cell(t, e[i].cpu_cores);
        number_cell(t, e[i].available_cores);
        gb_cell(t, e[i].memory_gb);
        gb_cell(t, e[i].available_memory_gb);
        number_cell(t, e[i].price_usd_per_hour);
    }
    report_table_write(out, t, 1, report_width(1));
    report_table_free(t);
}
