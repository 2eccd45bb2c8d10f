/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Answers of the store for people: tables. The tree is in etl-lineage-tree.c. */
#include <math.h>
#include <unistd.h>

#include "base/instant.h"
#include "base/map.h"
#include "base/num.h"
#include "cli/report.h"
#include "lineage/rows.h"
#include "tools/etl-lineage.h"

static void start_table(struct report_table **t, const char *const *headings)
{
    *t = report_table_new(headings);
}

/* Cut to the terminal; in a file or pipe names stay whole. */
static void end_table(struct buf *out, struct report_table *t)
{
    report_table_write(out, t, 1, report_width(1));
    report_table_free(t);
}

static const char *status_style(const char *status)
{
    if (!status)
        return NULL;
    if (!strcmp(status, "completed"))
        return "green";
    return !strcmp(status, "failed") || !strcmp(status, "killed") ? "red" : "yellow";
}

static void status_cell(struct report_table *t, const char *status)
{
    report_cell(t, status_style(status), "%s", status ? status : "");
}

/* "2026-11-20 06:00:00": UTC, to the second. */
static void instant_cell(struct report_table *t, const char *at)
{
    if (at && strlen(at) >= 19)
        report_cell(t, NULL, "%.10s %.8s", at, at + 11);
    else
        report_cell(t, NULL, "%s", at ? at : "");
}

static void duration_cell(struct report_table *t, double s)
{
    char text[INSTANT_TEXT] = "";
    if (!isnan(s))
        duration_format(text, s);
    report_cell(t, NULL, "%s", text);
}

static void size_cell(struct report_table *t, double bytes)
{
    char text[NUM_TEXT_MAX] = "";
    if (!isnan(bytes))
        num_format_size(text, bytes);
    report_cell(t, NULL, "%s", text);
}

static void count_cell(struct report_table *t, double n)
{
    char text[NUM_TEXT_MAX] = "";
    if (fabs(n) < 1e18) /* not NAN either */
        num_format_grouped(text, (int64_t)n);
    report_cell(t, NULL, "%s", text);
}

void lineage_view_heading(struct buf *out, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *text = xvasprintf(fmt, ap);
    va_end(ap);
    buf_addf(out, "%s%s%s%s\n", out->len ? "\n" : "", cli_color(1, "bold"), text,
             cli_color(1, "reset"));
    free(text);
}

static void more(struct buf *out, size_t n, size_t limit)
{
    if (limit && n > limit)
        buf_addf(out, "%s… and %zu more (--limit)%s\n", cli_color(1, "dim"), n - limit,
                 cli_color(1, "reset"));
}

static size_t least(size_t n, size_t limit)
{
    return limit && limit < n ? limit : n;
}

/* How much of the ids tells these runs apart: 13 characters of a UUID of version 7 are its
 * milliseconds. */
static int id_width(const struct store_run *runs, size_t n)
{
    enum { LEAST = 13 };
    struct map seen = MAP_INIT;
    size_t width = LEAST;
    for (size_t i = 0; i < n; i++) {
        bool is_new;
        map_put(&seen, slice_of(runs[i].run_id, strnlen(runs[i].run_id, width)), &is_new);
        if (is_new)
            continue;
        /* Start again with more of them. */
        width = width < 36 ? 36 : 1000;
        map_clear(&seen);
        if (width == 1000)
            break;
        i = (size_t)-1;
    }
    map_release(&seen);
    return (int)width;
}

void lineage_view_runs(struct buf *out, const struct store_run *runs, size_t n)
{
    struct report_table *t;
    int width = id_width(runs, n);
    start_table(&t, (const char *const[]){"<pipeline", "<status", ">started", ">wall", ">cpu",
                                          ">memory", ">rejects", ">run", NULL});
    for (size_t i = 0; i < n; i++) {
        report_cell(t, NULL, "%s", runs[i].pipeline);
        status_cell(t, runs[i].status);
        instant_cell(t, runs[i].started_at);
        duration_cell(t, lineage_wall(&runs[i]));
        duration_cell(t, runs[i].cpu_s);
        size_cell(t, runs[i].peak_memory_bytes);
        count_cell(t, runs[i].rejects);
        report_cell(t, "dim", "%.*s", width, runs[i].run_id);
    }
    end_table(out, t);
}

/* "0.1 s … 0.4 s": half of the runs stay below the first, 95 % below the second. */
static void predicted_cell(struct report_table *t, struct rec_figure f, bool is_size)
{
    char text[2][INSTANT_TEXT] = {"?", "?"};
    double v[2] = {f.p50, f.p95};
    for (int i = 0; i < 2; i++) {
        if (isnan(v[i]))
            continue;
        if (is_size)
            num_format_size(text[i], v[i]);
        else
            duration_format(text[i], v[i]);
    }
    if (isnan(f.p50) && isnan(f.p95))
        report_cell(t, NULL, "%s", "");
    else
        report_cell(t, "dim", "%s … %s", text[0], text[1]);
}

static void stages(struct buf *out, const struct store_stage *g, size_t n)
{
    struct report_table *t;
    start_table(&t, (const char *const[]){"<stage", "<operation", "<status", ">records in",
                                          ">records out", ">wall", ">cpu", ">predicted", ">memory",
                                          ">predicted", NULL});
    for (size_t i = 0; i < n; i++) {
        report_cell(t, NULL, "%s", g[i].used.id);
        report_cell(t, NULL, "%s", g[i].used.operation ? g[i].used.operation : "");
        status_cell(t, g[i].status);
        count_cell(t, g[i].used.records_in.p50);
        count_cell(t, g[i].used.records_out.p50);
        duration_cell(t, g[i].used.wall_s.p50);
        duration_cell(t, g[i].used.cpu_s.p50);
        predicted_cell(t, g[i].predicted_cpu_s, false);
        size_cell(t, g[i].used.peak_memory_bytes.p50);
        predicted_cell(t, g[i].predicted_peak_memory_bytes, true);
    }
    end_table(out, t);
}

void lineage_view_run(struct buf *out, const struct store_run *r, const struct store_stage *g,
                      size_t n)
{
    struct quoted q;
    lineage_view_heading(out, "run %s", quote_str(&q, r->run_id));
    lineage_view_runs(out, r, 1);
    if (r->error)
        buf_addf(out, "%s%s%s\n", cli_color(1, "red"), quote_str(&q, r->error),
                 cli_color(1, "reset"));
    if (r->code_version)
        buf_addf(out, "code %s\n", quote_str(&q, r->code_version));
    if (r->parent_run_id)
        buf_addf(out, "part of run %s\n", quote_str(&q, r->parent_run_id));
    if (r->resumed_from)
        buf_addf(out, "resumed from run %s\n", quote_str(&q, r->resumed_from));
    if (n) {
        lineage_view_heading(out, "stages (predicted: 50 %% and 95 %% of runs stay below)");
        stages(out, g, n);
    }
}

/* "+ price float, - cost" against the version before. */
static void change_cell(struct report_table *t, const struct store_schema *now,
                        const struct store_schema *before)
{
    struct arena a = ARENA_INIT;
    struct json *cols[2] = {NULL, NULL};
    struct buf text = BUF_INIT(400);
    if (!now->changed || !before ||
        !json_parse(&a, slice_str(before->columns), 0, &cols[0], NULL) ||
        !json_parse(&a, slice_str(now->columns), 0, &cols[1], NULL)) {
        report_cell(t, NULL, "%s", before ? "" : "first seen");
        arena_release(&a);
        return;
    }
    for (int side = 1; side >= 0; side--) {
        for (size_t i = 0; i < json_len(cols[side]); i++) {
            const struct json *c = json_at(cols[side], i), *twin = NULL;
            for (size_t k = 0; k < json_len(cols[!side]) && !twin; k++)
                if (json_equal(c, json_at(cols[!side], k)))
                    twin = c;
            if (!twin)
                buf_addf(&text, "%s%c %s %s", text.len ? ", " : "", side ? '+' : '-',
                         json_str(c, "name", ""), json_str(c, "type", ""));
        }
    }
    report_cell(t, "yellow", "%s", text.len ? buf_str(&text) : "columns in another order");
    buf_release(&text);
    arena_release(&a);
}

void lineage_view_sightings(struct buf *out, const struct store_schema *v, size_t n, size_t limit)
{
    struct report_table *t;
    start_table(
        &t, (const char *const[]){">profiled", ">records", ">size", ">quality", "<schema", NULL});
    for (size_t i = n; i > n - least(n, limit); i--) {
        instant_cell(t, v[i - 1].at);
        count_cell(t, v[i - 1].records);
        size_cell(t, v[i - 1].bytes);
        if (isnan(v[i - 1].data_quality_score))
            report_cell(t, NULL, "%s", "");
        else
            report_cell(t, NULL, "%.3f", v[i - 1].data_quality_score);
        change_cell(t, &v[i - 1], i > 1 ? &v[i - 2] : NULL);
    }
    end_table(out, t);
    more(out, n, limit);
}

void lineage_view_accesses(struct arena *a, struct buf *out, const struct store_node_run *r,
                           size_t n, size_t limit)
{
    struct report_table *t;
    start_table(&t, (const char *const[]){">when", "<edge", "<other end", "<status", ">run", NULL});
    for (size_t i = 0; i < least(n, limit); i++) {
        instant_cell(t, r[i].at);
        report_cell(t, NULL, "%s", r[i].edge);
        report_cell(t, NULL, "%s", lineage_name(a, &r[i].other));
        status_cell(t, r[i].status);
        report_cell(t, "dim", "%s", r[i].run_id);
    }
    end_table(out, t);
    more(out, n, limit);
}

void lineage_view_pipelines(struct buf *out, const struct store_pipeline *p, size_t n)
{
    struct report_table *t;
    start_table(&t, (const char *const[]){"<pipeline", ">runs", ">completed", ">last", "<status",
                                          ">wall", NULL});
    for (size_t i = 0; i < n; i++) {
        report_cell(t, NULL, "%s", p[i].pipeline);
        count_cell(t, (double)p[i].runs);
        count_cell(t, (double)p[i].completed);
        instant_cell(t, p[i].last.started_at);
        status_cell(t, p[i].last.status);
        duration_cell(t, lineage_wall(&p[i].last));
    }
    end_table(out, t);
}

void lineage_view_datasets(struct buf *out, const struct lineage_dataset_row *d, size_t n)
{
    struct report_table *t;
    start_table(&t, (const char *const[]){"<dataset", ">profiled", ">schemas", ">last", ">records",
                                          ">size", ">written by", ">read by", NULL});
    for (size_t i = 0; i < n; i++) {
        const struct store_dataset *s = &d[i].seen;
        report_cell(t, NULL, "%s", s->dataset);
        count_cell(t, s->sightings ? (double)s->sightings : (double)NAN);
        count_cell(t, s->sightings ? (double)s->schema_versions : (double)NAN);
        instant_cell(t, s->last.at);
        count_cell(t, s->sightings ? s->last.records : (double)NAN);
        size_cell(t, s->sightings ? s->last.bytes : (double)NAN);
        count_cell(t, d[i].writers < 0 ? (double)NAN : (double)d[i].writers);
        count_cell(t, d[i].readers < 0 ? (double)NAN : (double)d[i].readers);
    }
    end_table(out, t);
}
