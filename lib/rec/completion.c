/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The completion record: how a run ended, and what each stage used beside what was predicted. */
#include "rec/figures.h"

#include <math.h>

static const char *const predicted_names[] = {"cpu_s", "wall_s", "peak_memory_bytes",
                                              "records_out"};

static struct rec_allocated allocated_read(const struct json *v)
{
    return (struct rec_allocated){
        .provider = json_str(v, "provider", NULL),
        .resource_id = json_str(v, "resource_id", NULL),
        .cpu_cores = json_num(v, "cpu_cores", NAN),
        .memory_gb = json_num(v, "memory_gb", NAN),
        .parallelism = json_num(v, "parallelism", NAN),
        .basis = json_str(v, "basis", NULL),
        .enforced = json_str(v, "enforced", NULL),
    };
}

void rec_allocated_write(struct jw *w, const char *name, const struct rec_allocated *r)
{
    jw_key(w, name);
    if (!r->provider) {
        jw_null(w);
        return;
    }
    jw_obj(w);
    jw_kstr(w, "provider", r->provider);
    jw_kstr(w, "resource_id", r->resource_id);
    jw_knum(w, "cpu_cores", r->cpu_cores);
    jw_knum(w, "memory_gb", r->memory_gb);
    jw_knum(w, "parallelism", r->parallelism);
    jw_kstr(w, "basis", r->basis);
    jw_kstr(w, "enforced", r->enforced);
    jw_end_obj(w);
}

bool rec_completion_read(struct arena *a, const struct json *v, struct rec_completion *out,
                         struct err *err)
{
    *out = (struct rec_completion){0};
    if (!rec_require_string(v, "completion", "status", &out->status, err))
        return false;
    out->pipeline = json_str(v, "pipeline", NULL);
    out->run_id = json_str(v, "run_id", NULL);
    out->mode = json_str(v, "mode", NULL);
    out->started_at = json_str(v, "started_at", NULL);
    out->wall_s = json_num(v, "wall_s", NAN);
    out->cpu_s = json_num(v, "cpu_s", NAN);
    out->peak_memory_bytes = json_num(v, "peak_memory_bytes", NAN);
    out->rejects = json_num(v, "rejects", NAN);
    out->error = json_str(v, "error", NULL);
    out->resumed_from = json_str(v, "resumed_from", NULL);
    const struct json *stages = json_get(v, "stages");
    size_t n = json_is(stages, JSON_ARRAY) ? json_len(stages) : 0;
    struct rec_completion_stage *s = ARENA_ARRAY(a, struct rec_completion_stage, n);
    for (size_t i = 0; i < n; i++) {
        const struct json *item = json_at(stages, i);
        if (!rec_stage_figures_read(item, &s[i].used, err))
            return err_prefix(err, "completion: stages[%zu]: ", i);
        s[i].status = json_str(item, "status", NULL);
        s[i].spilled_bytes = json_num(item, "spilled_bytes", NAN);
        s[i].algorithm = json_str(item, "algorithm", NULL);
        s[i].why = json_str(item, "why", NULL);
        s[i].allocated = allocated_read(json_get(item, "allocated"));
        const struct json *p = json_get(item, "predicted");
        s[i].predicted_cpu_s = rec_figure_read(p, predicted_names[0]);
        s[i].predicted_wall_s = rec_figure_read(p, predicted_names[1]);
        s[i].predicted_peak_memory_bytes = rec_figure_read(p, predicted_names[2]);
        s[i].predicted_records_out = rec_figure_read(p, predicted_names[3]);
    }
    out->stages = s;
    out->nstages = (uint32_t)n;
    return true;
}

void rec_completion_write(struct buf *out, const struct rec_completion *p)
{
    struct jw w;
    rec_open(&w, out, "completion");
    jw_kstr(&w, "pipeline", p->pipeline);
    jw_kstr(&w, "run_id", p->run_id);
    jw_kstr(&w, "status", p->status);
    jw_kstr(&w, "mode", p->mode);
    jw_kstr(&w, "started_at", p->started_at);
    jw_knum(&w, "wall_s", p->wall_s);
    jw_knum(&w, "cpu_s", p->cpu_s);
    jw_knum(&w, "peak_memory_bytes", p->peak_memory_bytes);
    jw_knum(&w, "rejects", p->rejects);
    jw_key(&w, "stages");
    jw_arr(&w);
    for (uint32_t i = 0; i < p->nstages; i++) {
        const struct rec_completion_stage *s = &p->stages[i];
        jw_obj(&w);
        rec_stage_figures_write(&w, &s->used, true);
        jw_knum(&w, "spilled_bytes", s->spilled_bytes);
        jw_kstr(&w, "status", s->status);
        if (s->algorithm)
            jw_kstr(&w, "algorithm", s->algorithm);
        if (s->why)
            jw_kstr(&w, "why", s->why);
        rec_allocated_write(&w, "allocated", &s->allocated);
        jw_key(&w, "predicted");
        jw_obj(&w);
        rec_figure_write(&w, predicted_names[0], s->predicted_cpu_s);
        rec_figure_write(&w, predicted_names[1], s->predicted_wall_s);
        rec_figure_write(&w, predicted_names[2], s->predicted_peak_memory_bytes);
        rec_figure_write(&w, predicted_names[3], s->predicted_records_out);
        jw_end_obj(&w);
        jw_end_obj(&w);
    }
    jw_end_arr(&w);
    jw_kstr(&w, "error", p->error);
    if (p->resumed_from)
        jw_kstr(&w, "resumed_from", p->resumed_from);
    rec_close(&w);
}
