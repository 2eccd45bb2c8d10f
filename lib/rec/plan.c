/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The plan record: self-contained, so that nothing needs the pipeline file again. */
#include "rec/figures.h"

#include <math.h>

static bool stage_read(struct arena *a, const struct json *v, struct rec_plan_stage *s,
                       struct err *err)
{
    if (!rec_require_string(v, "stage", "id", &s->id, err))
        return false;
    s->order = json_int(v, "order", -1);
    s->after = rec_strings_read(a, json_get(v, "after"), &s->nafter);
    s->environment = json_str(v, "environment", NULL);
    s->cpu_cores = json_num(v, "cpu_cores", NAN);
    s->memory_gb = json_num(v, "memory_gb", NAN);
    s->gpus = json_num(v, "gpus", NAN);
    s->parallelism = json_int(v, "parallelism", 1);
    s->algorithm = json_str(v, "algorithm", NULL);
    s->build = json_str(v, "build", NULL);
    s->start_s = json_num(v, "start_s", NAN);
    s->end_s = json_num(v, "end_s", NAN);
    return true;
}

bool rec_plan_read(struct arena *a, const struct json *v, struct rec_plan *out, struct err *err)
{
    *out = (struct rec_plan){0};
    if (!rec_require_string(v, "plan", "pipeline", &out->pipeline, err))
        return false;
    out->id = json_str(v, "id", NULL);
    const struct json *definition = json_get(v, "definition");
    out->definition = json_is(definition, JSON_OBJECT) ? definition : NULL;
    out->base = json_str(v, "base", NULL);
    out->code_version = json_str(v, "code_version", NULL);
    out->environment = json_str(v, "environment", NULL);
    out->mode = json_str(v, "mode", NULL);
    const struct json *stages = json_get(v, "stages");
    if (!json_is(stages, JSON_ARRAY))
        return err_set(err, ERR_DATA, "plan without 'stages'");
    size_t n = json_len(stages);
    struct rec_plan_stage *s = ARENA_ARRAY(a, struct rec_plan_stage, n);
    for (size_t i = 0; i < n; i++) {
        if (!stage_read(a, json_at(stages, i), &s[i], err))
            return err_prefix(err, "plan: stages[%zu]: ", i);
    }
    out->stages = s;
    out->nstages = (uint32_t)n;
    const struct json *p = json_get(v, "predicted");
    struct rec_figure makespan = rec_figure_read(p, "makespan_s");
    struct rec_figure cost = rec_figure_read(p, "cost_usd");
    out->makespan_s = makespan.p50;
    out->makespan_p95_s = makespan.p95;
    out->cost_usd = cost.p50;
    out->cost_p95_usd = cost.p95;
    out->lower_bound = json_num(p, "lower_bound", NAN);
    out->gap = json_num(p, "gap", NAN);
    const struct json *queued = json_get(v, "queued");
    if (json_is(queued, JSON_OBJECT)) {
        out->queued_reason = json_str(queued, "reason", "no reason given");
        out->queued_until = json_str(queued, "until", NULL);
    }
    out->why = rec_strings_read(a, json_get(v, "why"), &out->nwhy);
    return true;
}

static void stage_write(struct jw *w, const struct rec_plan_stage *s)
{
    jw_obj(w);
    jw_kstr(w, "id", s->id);
    jw_kint(w, "order", s->order);
    rec_strings_write(w, "after", s->after, s->nafter);
    jw_kstr(w, "environment", s->environment);
    jw_knum(w, "cpu_cores", s->cpu_cores);
    jw_knum(w, "memory_gb", s->memory_gb);
    jw_knum(w, "gpus", s->gpus);
    jw_kint(w, "parallelism", s->parallelism);
    jw_kstr(w, "algorithm", s->algorithm);
    if (s->build)
        jw_kstr(w, "build", s->build);
    jw_knum(w, "start_s", s->start_s);
    jw_knum(w, "end_s", s->end_s);
    jw_end_obj(w);
}

void rec_plan_write(struct buf *out, const struct rec_plan *p)
{
    struct jw w;
    rec_open(&w, out, "plan");
    jw_kstr(&w, "id", p->id);
    jw_kstr(&w, "pipeline", p->pipeline);
    jw_key(&w, "definition");
    jw_json(&w, p->definition);
    jw_kstr(&w, "base", p->base);
    jw_kstr(&w, "code_version", p->code_version);
    jw_kstr(&w, "environment", p->environment);
    jw_kstr(&w, "mode", p->mode);
    jw_key(&w, "stages");
    jw_arr(&w);
    for (uint32_t i = 0; i < p->nstages; i++)
        stage_write(&w, &p->stages[i]);
    jw_end_arr(&w);
    jw_key(&w, "predicted");
    jw_obj(&w);
    rec_figure_write(&w, "makespan_s", (struct rec_figure){p->makespan_s, p->makespan_p95_s});
    rec_figure_write(&w, "cost_usd", (struct rec_figure){p->cost_usd, p->cost_p95_usd});
    jw_knum(&w, "lower_bound", p->lower_bound);
    jw_knum(&w, "gap", p->gap);
    jw_end_obj(&w);
    jw_key(&w, "queued");
    if (p->queued_reason) {
        jw_obj(&w);
        jw_kstr(&w, "reason", p->queued_reason);
        jw_kstr(&w, "until", p->queued_until);
        jw_end_obj(&w);
    } else {
        jw_null(&w);
    }
    rec_strings_write(&w, "why", p->why, p->nwhy);
    rec_close(&w);
}
