/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What people see while a pipeline runs, on stderr: on a terminal its stages, drawn again and
 * again; else a line for each
 * stage when it has ended. */
#include <math.h>
#include <unistd.h>

#include "os/os.h"
#include "tools/etl-run.h"

#define BAR 24
#define APPEAR_S 2 /* contracts.md section 5 */
#define SMOOTH 0.3 /* of what is new in a rate, ten times a second */

void watch_start(struct app *app, const struct job *job)
{
    struct watch *w = &app->watch;
    *w = (struct watch){.job = job,
                        .predicted_s = job->plan.makespan_s,
                        .begun_s = clock_wall(),
                        .lines = isatty(STDERR_FILENO) != 1 && !cli_is_quiet()};
    live_start(&w->live);
}

/* Records a second of each stage since the last look. */
static void take_rates(struct app *app, const struct engine_view *v, double elapsed_s)
{
    struct watch *w = &app->watch;
    if (w->nstages != v->nstages) {
        w->records = ARENA_ARRAY(&app->mem, double, v->nstages);
        w->per_s = ARENA_ARRAY(&app->mem, double, v->nstages);
        w->nstages = v->nstages;
        for (uint32_t i = 0; i < v->nstages; i++)
            w->per_s[i] = v->stages[i].records_out / elapsed_s;
    } else if (elapsed_s > w->looked_s) {
        for (uint32_t i = 0; i < v->nstages; i++) {
            double now = (v->stages[i].records_out - w->records[i]) / (elapsed_s - w->looked_s);
            w->per_s[i] += SMOOTH * (now - w->per_s[i]);
        }
    }
    for (uint32_t i = 0; i < v->nstages; i++)
        w->records[i] = v->stages[i].records_out;
    w->looked_s = elapsed_s;
}

static void add_memory(struct report_table *t, const struct engine_view_stage *s)
{
    char now[NUM_TEXT_MAX], limit[NUM_TEXT_MAX], disk[NUM_TEXT_MAX];
    size_text(now, s->memory_bytes);
    if (s->limit_bytes > 0 && s->spilled_bytes > 0)
        report_cell(t, NULL, "%s of %s, %s on disk", now, size_text(limit, s->limit_bytes),
                    size_text(disk, s->spilled_bytes));
    else if (s->limit_bytes > 0)
        report_cell(t, NULL, "%s of %s", now, size_text(limit, s->limit_bytes));
    else
        report_cell(t, NULL, "%s", now);
}

static void add_stages(struct buf *out, const struct watch *w, const struct engine_view *v)
{
    static const char *const headings[] = {"<stage",     "<operation", ">records",
                                           ">records/s", "<memory",    NULL};
    struct report_table *t = report_table_new(headings);
    for (uint32_t i = 0; i < v->nstages; i++) {
        const struct engine_view_stage *s = &v->stages[i];
        char n[NUM_TEXT_MAX], rate[NUM_TEXT_MAX];
        report_cell(t, NULL, "%s", s->id);
        report_cell(t, NULL, "%s", s->operation);
        report_cell(t, NULL, "%s", s->begun ? count_text(n, s->records_out) : "");
        report_cell(t, NULL, "%s",
                    s->done     ? "done"
                    : !s->begun ? "waits"
                                : count_text(rate, fmax(0, w->per_s[i])));
        if (s->begun)
            add_memory(t, s);
        else
            report_cell(t, NULL, "%s", "");
    }
    /* Without colours: lines are cut at the terminal's edge by what they show. */
    report_table_write(out, t, -1, report_width(STDERR_FILENO));
    report_table_free(t);
}

static const struct rec_stage_figures *predicted_of(const struct job *job, const char *id)
{
    for (uint32_t i = 0; job->predicted && i < job->predicted->nstages; i++) {
        if (strcmp(job->predicted->stages[i].id, id) == 0)
            return &job->predicted->stages[i];
    }
    return NULL;
}

/* Which share of the CPU time that was predicted lies behind: each stage's by the records that went
 * in and came out. NAN without a prediction. */
static double share_of_work(const struct job *job, const struct engine_view *v)
{
    double all = 0, behind = 0;
    for (uint32_t i = 0; i < v->nstages; i++) {
        const struct engine_view_stage *s = &v->stages[i];
        const struct rec_stage_figures *f = predicted_of(job, s->id);
        if (!f || !isfinite(f->cpu_s.p50))
            return NAN;
        double want = f->records_in.p50 + f->records_out.p50;
        double did = s->done ? 1 : want > 0 ? fmin(1, (s->records_in + s->records_out) / want) : 0;
        all += f->cpu_s.p50;
        behind += f->cpu_s.p50 * did;
    }
    return all > 0 ? behind / all : NAN;
}

/* Seconds left: at first as predicted, then more and more as it goes; NAN when nothing is known. */
static double time_left(const struct watch *w, const struct engine_view *v, double read,
                        double elapsed_s)
{
    double share = share_of_work(w->job, v);
    if (isnan(share))
        share = read;
    if (isnan(share) || share <= 0)
        return w->predicted_s - elapsed_s;
    double total = elapsed_s / share;
    if (isfinite(w->predicted_s))
        total = share * total + (1 - share) * w->predicted_s;
    return total - elapsed_s;
}

static void add_total(struct buf *out, const struct watch *w, const struct engine_view *v,
                      double elapsed_s)
{
    char text[INSTANT_TEXT];
    double share = v->size_bytes > 0 ? fmin(1, v->read_bytes / v->size_bytes) : NAN;
    if (!isnan(share)) {
        for (unsigned i = 0; i < BAR; i++)
            buf_adds(out, i < (unsigned)(share * BAR) ? "█" : "░");
        buf_addf(out, " %.0f%% read, ", share * 100);
    }
    buf_addf(out, "%s", time_text(text, elapsed_s));
    double left = time_left(w, v, share, elapsed_s);
    if (left > 0)
        buf_addf(out, ", about %s left", time_text(text, left));
    if (isfinite(w->predicted_s))
        buf_addf(out, " (%s predicted)", time_text(text, w->predicted_s));
    buf_addc(out, '\n');
}

/* A run of less than two seconds needs no words; of a longer one, all stages are told. */
static bool lines_are_due(struct app *app)
{
    struct watch *w = &app->watch;
    if (!w->lines || clock_wall() - w->begun_s < APPEAR_S)
        return false;
    for (uint32_t i = 0; i < w->nearly; i++)
        cli_warn("%s", w->early[i]);
    w->nearly = 0;
    return true;
}

void watch_view(struct app *app, const struct engine_view *v)
{
    struct watch *w = &app->watch;
    double elapsed_s;
    lines_are_due(app);
    if (!live_is_due(&w->live, &elapsed_s))
        return;
    struct buf out = BUF_INIT(BUF_UNBOUNDED);
    take_rates(app, v, elapsed_s);
    add_stages(&out, w, v);
    add_total(&out, w, v, elapsed_s);
    live_draw(&w->live, buf_slice(&out));
    buf_release(&out);
}

void watch_ended(struct app *app, const struct engine_view_stage *s)
{
    char n[NUM_TEXT_MAX], m[NUM_TEXT_MAX], d[NUM_TEXT_MAX], t[INSTANT_TEXT];
    if (!app->watch.lines)
        return;
    const char *spilled = s->spilled_bytes > 0 ? arena_printf(&app->mem, ", %s on disk",
                                                              size_text(d, s->spilled_bytes))
                                               : "";
    const char *line =
        arena_printf(&app->mem, "stage '%s': %s, %s records in %s, %s%s", s->id, s->operation,
                     count_text(n, s->records_out), time_text(t, s->wall_s),
                     size_text(m, s->memory_bytes), spilled);
    if (lines_are_due(app))
        cli_warn("%s", line);
    else
        *ARENA_PUSH(&app->mem, app->watch.early, app->watch.nearly) = line;
}

void watch_done(struct app *app)
{
    live_done(&app->watch.live);
}
