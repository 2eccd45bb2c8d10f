/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A prediction as a table for people. */
#include <math.h>

#include "base/instant.h"
#include "base/num.h"
#include "cli/report.h"
#include "tools/etl-predict.h"

/* Below this many columns little would be left of the reasons (-v tells them too). */
#define WIDE 100

typedef void format_fn(char *out, double v);

static void as_count(char *out, double v)
{
    num_format_grouped(out, v < 9e15 ? (int64_t)(v + 0.5) : INT64_MAX);
}

static void as_time(char *out, double v)
{
    duration_format(out, v);
}

static void as_size(char *out, double v)
{
    num_format_size(out, v);
}

/* "p50 (p95)"; one figure when both read the same; "?" when nobody knows. */
static void figure_cell(struct report_table *t, struct rec_figure f, format_fn *format)
{
    char mid[INSTANT_TEXT], high[INSTANT_TEXT];
    if (isnan(f.p50)) {
        report_cell(t, "dim", "?");
        return;
    }
    format(mid, f.p50);
    format(high, isnan(f.p95) ? f.p50 : f.p95);
    if (strcmp(mid, high) == 0)
        report_cell(t, NULL, "%s", mid);
    else
        report_cell(t, NULL, "%s (%s)", mid, high);
}

void etl_predict_table(struct buf *out, const struct rec_execution_profile *x,
                       const struct predict_note *notes)
{
    unsigned width = report_width(1);
    bool one_basis = true, wide = width == 0 || width >= WIDE;
    for (uint32_t i = 1; i < x->nstages; i++)
        one_basis = one_basis && strcmp(notes[i].basis, notes[0].basis) == 0;
    const char *headings[8] = {"<stage", "<operation", ">records (p95)", ">cpu (p95)",
                               ">memory (p95)"};
    size_t n = 5;
    if (!one_basis) /* else the first line tells it */
        headings[n++] = "<basis";
    if (wide)
        headings[n++] = "<records because";
    struct report_table *t = report_table_new(headings);
    char records[INSTANT_TEXT], bytes[INSTANT_TEXT];
    buf_addf(out, "%s%s%s, predicted", cli_color(1, "bold"), x->pipeline, cli_color(1, "reset"));
    if (!isnan(x->volume_records.p50)) {
        as_count(records, x->volume_records.p50);
        as_size(bytes, x->volume_bytes.p50);
        buf_addf(out, ": %s records, %s to read", records, bytes);
    }
    buf_addf(out, " (%s)\n", x->basis);
    for (uint32_t i = 0; i < x->nstages; i++) {
        const struct rec_stage_figures *s = &x->stages[i];
        report_cell(t, NULL, "%s", s->id);
        report_cell(t, NULL, "%s", s->operation);
        figure_cell(t, s->records_out, as_count);
        figure_cell(t, s->cpu_s, as_time);
        figure_cell(t, s->peak_memory_bytes, as_size);
        if (!one_basis)
            report_cell(t, NULL, "%s", notes[i].basis);
        if (wide)
            report_cell(t, "dim", "%s", notes[i].why);
    }
    report_table_write(out, t, 1, width);
    report_table_free(t);
    for (uint32_t i = 0; i < x->nquality; i++) {
        const struct rec_issue *q = &x->quality[i];
        if (isnan(q->count))
            continue;
        as_count(records, q->count);
        buf_addf(out, "%sexpect%s %s: %s in about %s records\n", cli_color(1, "yellow"),
                 cli_color(1, "reset"), q->column ? q->column : "the record", q->rule, records);
    }
}
