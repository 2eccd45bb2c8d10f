/* SPDX-License-Identifier: GPL-3.0-or-later */
/* etl-run --mode sampling: runs a job on a sample, and shows people what came of it. */
#include <math.h>

#include "base/instant.h"
#include "base/num.h"
#include "engine/sample.h"
#include "engine/stop.h"
#include "json/json.h"
#include "tools/etl-run.h"

/* Rows of an output that people see. */
#define ROWS_SHOWN 40
#define COLUMNS_MAX 64

static const char *number_text(char out[NUM_TEXT_MAX], double v)
{
    if (!isfinite(v))
        snprintf(out, NUM_TEXT_MAX, "?");
    else if (fabs(v) >= 1000 && fabs(v) < 9e15)
        num_format_grouped(out, (int64_t)llround(v));
    else
        snprintf(out, NUM_TEXT_MAX, "%.4g", v);
    return out;
}

static void interval_cell(struct report_table *t, double lo, double hi)
{
    char l[NUM_TEXT_MAX], h[NUM_TEXT_MAX];
    if (isnan(lo) && isnan(hi))
        report_cell(t, "dim", "%s", "");
    else
        report_cell(t, "dim", "%s \xe2\x80\xa6 %s", number_text(l, lo), number_text(h, hi));
}

static bool ends_with(struct slice s, const char *end)
{
    size_t n = strlen(end);
    return s.len > n && memcmp(s.p + s.len - n, end, n) == 0;
}

/* The bound of a member, which stands behind it; NULL: it has none. */
static const struct json *bound(const struct json *row, uint32_t at, uint32_t by, const char *end)
{
    if (at + by >= row->len)
        return NULL;
    const struct json_member *m = &row->u.members[at + by];
    struct slice name = row->u.members[at].name;
    return ends_with(m->name, end) && m->name.len == name.len + strlen(end) &&
                   memcmp(m->name.p, name.p, name.len) == 0
               ? m->value
               : NULL;
}

static double number_of(const struct json *v)
{
    return json_is(v, JSON_INT) ? (double)v->u.i : json_is(v, JSON_DOUBLE) ? v->u.d : (double)NAN;
}

static void value_cell(struct report_table *t, const struct json *v)
{
    char text[NUM_TEXT_MAX];
    struct buf out = BUF_INIT(BUF_UNBOUNDED);
    if (json_is(v, JSON_STRING))
        report_cell(t, NULL, "%.*s", (int)v->u.s.len, v->u.s.p);
    else if (json_is_number(v))
        report_cell(t, NULL, "%s", number_text(text, number_of(v)));
    else if (json_is(v, JSON_NULL)) {
        report_cell(t, "dim", "%s", "?");
    } else {
        json_write(&out, v);
        report_cell(t, NULL, "%s", buf_str(&out));
    }
    buf_release(&out);
}

static struct report_table *table_of(struct arena *a, const struct json *row)
{
    const char *headings[2 * COLUMNS_MAX + 1];
    size_t n = 0;
    for (uint32_t c = 0; c < row->len && n < (size_t)2 * COLUMNS_MAX - 1; c++) {
        struct slice name = row->u.members[c].name;
        bool has = bound(row, c, 1, "_lo95") && bound(row, c, 2, "_hi95");
        bool right = has || json_is_number(row->u.members[c].value);
        headings[n++] = arena_printf(a, "%c%.*s", right ? '>' : '<', (int)name.len, name.p);
        if (has) {
            headings[n++] = "<95 %";
            c += 2;
        }
    }
    headings[n] = NULL;
    return report_table_new(headings);
}

static void show_rows(struct buf *out, const struct rec_estimate *e)
{
    struct arena a = ARENA_INIT;
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    struct err ignored = ERR_INIT;
    struct json *rows = NULL;
    buf_addc(&text, '[');
    buf_add_slice(&text, e->rows);
    buf_addc(&text, ']');
    if (json_parse(&a, buf_slice(&text), 0, &rows, &ignored) && json_len(rows) > 0 &&
        json_at(rows, 0)->len <= COLUMNS_MAX) {
        struct report_table *t = table_of(&a, json_at(rows, 0));
        for (size_t i = 0; i < json_len(rows) && i < ROWS_SHOWN; i++) {
            const struct json *row = json_at(rows, i);
            for (uint32_t c = 0; c < row->len; c++) {
                value_cell(t, row->u.members[c].value);
                const struct json *lo = bound(row, c, 1, "_lo95"), *hi = bound(row, c, 2, "_hi95");
                if (!lo || !hi)
                    continue;
                interval_cell(t, number_of(lo), number_of(hi));
                c += 2;
            }
        }
        report_table_write(out, t, 1, report_width(1));
        report_table_free(t);
        if (json_len(rows) > ROWS_SHOWN)
            buf_addf(out, "(%zu more in the record: --format json)\n", json_len(rows) - ROWS_SHOWN);
    }
    buf_release(&text);
    arena_release(&a);
}

static void show_output(const struct rec_estimate *e)
{
    struct buf out = BUF_INIT(BUF_UNBOUNDED);
    char n[NUM_TEXT_MAX], lo[NUM_TEXT_MAX], hi[NUM_TEXT_MAX];
    buf_addf(&out, "%s%s%s (%s): ", cli_color(1, "bold"), e->stage, cli_color(1, "reset"),
             e->output);
    if (isnan(e->records))
        buf_adds(&out, "records not known");
    else if (e->exact)
        buf_addf(&out, "%s records", number_text(n, e->records));
    else
        buf_addf(&out, "%s records (%s \xe2\x80\xa6 %s)", number_text(n, e->records),
                 number_text(lo, e->records_interval.lo), number_text(hi, e->records_interval.hi));
    buf_addf(&out, "%s%s\n", e->why ? ": " : "", e->why ? e->why : "");
    show_rows(&out, e);
    buf_addc(&out, '\n');
    out_buf(&out);
    buf_release(&out);
}

static void show_stages(const struct sample_result *s)
{
    static const char *const headings[] = {"<stage", "<operation", "<sampled", ">records",
                                           "<95 %",  ">CPU",       ">memory",  NULL};
    struct report_table *t = report_table_new(headings);
    for (uint32_t i = 0; i < s->profile.nstages; i++) {
        const struct rec_stage_figures *f = &s->profile.stages[i];
        const struct rec_sample_stage *how = &s->profile.samples[i];
        char n[NUM_TEXT_MAX], d[INSTANT_TEXT];
        report_cell(t, NULL, "%s", f->id);
        report_cell(t, NULL, "%s", f->operation);
        if (how->method && how->key)
            report_cell(t, NULL, "%s %s", how->method, how->key);
        else
            report_cell(t, NULL, "%s", how->method ? how->method : "");
        report_cell(t, NULL, "%s", number_text(n, f->records_out.p50));
        bool open = how->records_out.lo < how->records_out.hi;
        interval_cell(t, open ? how->records_out.lo : (double)NAN,
                      open ? how->records_out.hi : (double)NAN);
        if (isfinite(f->cpu_s.p50))
            duration_format(d, f->cpu_s.p50);
        report_cell(t, NULL, "%s", isfinite(f->cpu_s.p50) ? d : "?");
        if (isfinite(f->peak_memory_bytes.p50))
            num_format_size(n, f->peak_memory_bytes.p50);
        report_cell(t, NULL, "%s", isfinite(f->peak_memory_bytes.p50) ? n : "?");
    }
    struct buf out = BUF_INIT(BUF_UNBOUNDED);
    report_table_write(&out, t, 1, report_width(1));
    report_table_free(t);
    out_buf(&out);
    buf_release(&out);
}

bool is_sampling(const char *mode)
{
    return mode && strcmp(mode, "sampling") == 0;
}

void sample_here(struct app *app, const struct pipeline *p)
{
    *ARENA_PUSH(&app->mem, app->jobs, app->njobs) = (struct job){
        .plan = {.id = "",
                 .pipeline = p->name,
                 .definition = p->definition,
                 .base = p->base,
                 .code_version = p->code_version,
                 .mode = "sampling"},
        .loaded = p,
    };
}

int sample_job(struct app *app, struct job *job, struct pipeline *p)
{
    struct err err = ERR_INIT;
    struct run_opts o = run_options(app);
    struct run_result r;
    struct sample_result s;
    o.plan = &job->plan;
    o.predicted = job->predicted;
    o.store = NULL;
    /* The view is of the user's stages and of all of their input. */
    o.engine.progress = NULL;
    o.engine.ended = NULL;
    bool ok =
        run_sample(p, &o, app->opts.sample, (uint64_t)app->opts.seed, &app->mem, &r, &s, &err);
    if (!ok)
        return r.engine.cancelled ? STATUS_STAGE : cli_fail(&err);
    if (app->people) {
        for (uint32_t i = 0; i < s.noutputs; i++)
            show_output(&s.outputs[i]);
        show_stages(&s);
        struct buf out = BUF_INIT(256);
        char wall[INSTANT_TEXT];
        duration_format(wall, r.completion.wall_s);
        buf_addf(&out, "%s: a sample of %g %% (seed %lld) in %s; nothing was published\n", p->name,
                 app->opts.sample * 100, (long long)app->opts.seed, wall);
        out_buf(&out);
        buf_release(&out);
    }
    return STATUS_OK;
}
