/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The execution_profile record: what a run of a pipeline is predicted to take, stage by stage. */
#include "rec/figures.h"

#include <math.h>

static const struct rec_issue *issues_read(struct arena *a, const struct json *arr, uint32_t *n)
{
    size_t len = json_is(arr, JSON_ARRAY) ? json_len(arr) : 0;
    struct rec_issue *items = ARENA_ARRAY(a, struct rec_issue, len);
    *n = 0;
    for (size_t i = 0; i < len; i++) {
        const struct json *v = json_at(arr, i);
        const char *rule = json_str(v, "rule", NULL);
        if (!rule)
            continue;
        items[(*n)++] = (struct rec_issue){
            .column = json_str(v, "column", NULL),
            .rule = rule,
            .count = json_num(v, "count", NAN),
            .first_line = json_num(v, "first_line", NAN),
        };
    }
    return items;
}

static struct rec_interval interval_read(const struct json *v, const char *name)
{
    const struct json *i = json_get(v, name);
    return (struct rec_interval){json_num(i, "lo95", NAN), json_num(i, "hi95", NAN)};
}

static void interval_write(struct jw *w, const char *name, struct rec_interval i)
{
    jw_key(w, name);
    if (isnan(i.lo) && isnan(i.hi)) {
        jw_null(w);
        return;
    }
    jw_obj(w);
    jw_knum(w, "lo95", i.lo);
    jw_knum(w, "hi95", i.hi);
    jw_end_obj(w);
}

static struct rec_sample_stage sample_read(const struct json *v)
{
    return (struct rec_sample_stage){
        .method = json_str(v, "method", NULL),
        .key = json_str(v, "key", NULL),
        .fraction = json_num(v, "fraction", NAN),
        .records_in = interval_read(v, "records_in"),
        .records_out = interval_read(v, "records_out"),
        .bytes_in = interval_read(v, "bytes_in"),
        .bytes_out = interval_read(v, "bytes_out"),
        .why = json_str(v, "why", NULL),
    };
}

static void sample_write(struct jw *w, const struct rec_sample_stage *s)
{
    jw_key(w, "sample");
    jw_obj(w);
    if (s->method) {
        jw_kstr(w, "method", s->method);
        jw_kstr(w, "key", s->key);
        jw_knum(w, "fraction", s->fraction);
    }
    interval_write(w, "records_in", s->records_in);
    interval_write(w, "records_out", s->records_out);
    interval_write(w, "bytes_in", s->bytes_in);
    interval_write(w, "bytes_out", s->bytes_out);
    jw_kstr(w, "why", s->why);
    jw_end_obj(w);
}

bool rec_execution_profile_read(struct arena *a, const struct json *v,
                                struct rec_execution_profile *out, struct err *err)
{
    *out = (struct rec_execution_profile){0};
    if (!rec_require_string(v, "execution_profile", "pipeline", &out->pipeline, err))
        return false;
    const struct json *definition = json_get(v, "definition");
    out->definition = json_is(definition, JSON_OBJECT) ? definition : NULL;
    out->base = json_str(v, "base", NULL);
    out->code_version = json_str(v, "code_version", NULL);
    out->mode = json_str(v, "mode", NULL);
    out->basis = json_str(v, "basis", NULL);
    const struct json *p = json_get(v, "predicted");
    const struct json *volume = json_get(p, "volume");
    out->volume_records = rec_figure_read(volume, "records");
    out->volume_bytes = rec_figure_read(volume, "bytes");
    const struct json *complexity = json_get(p, "complexity");
    out->joins = json_num(complexity, "joins", NAN);
    out->transformations = json_num(complexity, "transformations", NAN);
    out->depth = json_num(complexity, "depth", NAN);
    out->quality = issues_read(a, json_get(p, "quality_issues"), &out->nquality);
    const struct json *stages = json_get(v, "stages");
    if (!json_is(stages, JSON_ARRAY))
        return err_set(err, ERR_DATA, "execution_profile without 'stages'");
    size_t n = json_len(stages);
    struct rec_stage_figures *s = ARENA_ARRAY(a, struct rec_stage_figures, n);
    for (size_t i = 0; i < n; i++) {
        if (!rec_stage_figures_read(json_at(stages, i), &s[i], err))
            return err_prefix(err, "execution_profile: stages[%zu]: ", i);
    }
    out->stages = s;
    out->nstages = (uint32_t)n;
    const struct json *sample = json_get(v, "sample");
    out->sample_rate = json_num(sample, "rate", NAN);
    out->sample_seed = json_num(sample, "seed", NAN);
    if (json_is(sample, JSON_OBJECT)) {
        struct rec_sample_stage *samples = ARENA_ARRAY(a, struct rec_sample_stage, n);
        for (size_t i = 0; i < n; i++)
            samples[i] = sample_read(json_get(json_at(stages, i), "sample"));
        out->samples = samples;
    }
    return true;
}

void rec_execution_profile_write(struct buf *out, const struct rec_execution_profile *p)
{
    struct jw w;
    rec_open(&w, out, "execution_profile");
    jw_kstr(&w, "pipeline", p->pipeline);
    jw_key(&w, "definition");
    jw_json(&w, p->definition);
    jw_kstr(&w, "base", p->base);
    jw_kstr(&w, "code_version", p->code_version);
    jw_kstr(&w, "mode", p->mode);
    jw_key(&w, "predicted");
    jw_obj(&w);
    jw_key(&w, "volume");
    jw_obj(&w);
    rec_figure_write(&w, "records", p->volume_records);
    rec_figure_write(&w, "bytes", p->volume_bytes);
    jw_end_obj(&w);
    jw_key(&w, "complexity");
    jw_obj(&w);
    jw_knum(&w, "joins", p->joins);
    jw_knum(&w, "transformations", p->transformations);
    jw_knum(&w, "depth", p->depth);
    jw_end_obj(&w);
    jw_key(&w, "quality_issues");
    jw_arr(&w);
    for (uint32_t i = 0; i < p->nquality; i++) {
        jw_obj(&w);
        jw_kstr(&w, "column", p->quality[i].column);
        jw_kstr(&w, "rule", p->quality[i].rule);
        jw_knum(&w, "count", p->quality[i].count);
        jw_knum(&w, "first_line", p->quality[i].first_line);
        jw_end_obj(&w);
    }
    jw_end_arr(&w);
    jw_end_obj(&w);
    jw_key(&w, "stages");
    jw_arr(&w);
    for (uint32_t i = 0; i < p->nstages; i++) {
        jw_obj(&w);
        rec_stage_figures_write(&w, &p->stages[i], false);
        if (p->samples)
            sample_write(&w, &p->samples[i]);
        jw_end_obj(&w);
    }
    jw_end_arr(&w);
    jw_kstr(&w, "basis", p->basis);
    if (p->samples) {
        jw_key(&w, "sample");
        jw_obj(&w);
        jw_knum(&w, "rate", p->sample_rate);
        jw_knum(&w, "seed", p->sample_seed);
        jw_end_obj(&w);
    }
    rec_close(&w);
}
