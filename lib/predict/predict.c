/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The prediction of one pipeline: sizes down the graph, then costs from sizes, then the record. */
#include "predict/predict.h"

#include <math.h>

#include "predict/internal.h"

static const char *stage_basis(const struct predictor *k, uint32_t i)
{
    if (k->cost_runs[i] > 0)
        return arena_printf(k->a, "history:%u runs", k->cost_runs[i]);
    return k->cost_similar[i] ? "similar" : "prior";
}

/* The weakest ground that any stage stands on. */
static const char *whole_basis(const struct predictor *k)
{
    uint32_t most = 0;
    bool similar = false;
    for (uint32_t i = 0; i < k->p->nstages; i++) {
        if (k->cost_runs[i] == 0 && !k->cost_similar[i])
            return "prior";
        similar |= k->cost_runs[i] == 0;
        most = k->cost_runs[i] > most ? k->cost_runs[i] : most;
    }
    if (similar || most == 0)
        return similar ? "similar" : "prior";
    return arena_printf(k->a, "history:%u runs", most);
}

static void quality_issues(struct predictor *k, struct rec_execution_profile *out)
{
    struct rec_issue *issues = NULL;
    uint32_t n = 0;
    for (uint32_t i = 0; i < k->p->nstages; i++) {
        const struct rec_profile *p = k->sources[i].profile;
        for (uint32_t q = 0; p && q < p->nissues; q++) {
            struct rec_issue *issue = ARENA_PUSH(k->a, issues, n);
            *issue = p->issues[q];
            double grown = p->records > 0 ? k->sources[i].records.p50 / p->records : 1;
            issue->count = floor(issue->count * (isnan(grown) ? 1 : grown) + 0.5);
            if (k->scale > 1)
                issue->first_line = p->issues[q].first_line;
        }
    }
    out->quality = issues;
    out->nquality = n;
}

static void record_fill(struct predictor *k, struct rec_execution_profile *out,
                        struct predict_note **notes)
{
    const struct pipeline *p = k->p;
    struct pipeline_complexity complexity;
    pipeline_complexity(p, &complexity);
    *out = (struct rec_execution_profile){
        .pipeline = p->name,
        .definition = p->definition,
        .base = p->base,
        .code_version = p->code_version,
        .mode = k->o->mode ? k->o->mode : "optimized",
        .joins = complexity.joins,
        .transformations = complexity.transformations,
        .depth = complexity.depth,
        .nstages = p->nstages,
        .basis = whole_basis(k),
    };
    struct rec_stage_figures *stages = ARENA_ARRAY(k->a, struct rec_stage_figures, p->nstages);
    struct predict_note *note = ARENA_ARRAY(k->a, struct predict_note, p->nstages);
    for (uint32_t i = 0; i < p->nstages; i++) {
        uint32_t at = p->order[i];
        stages[i] = k->figures[at];
        note[i] = (struct predict_note){stage_basis(k, at), k->size_why[at]};
        if (p->stages[at].op == OP_READ && !p->stages[at].u.read.from_stage) {
            out->volume_records.p50 += stages[i].records_in.p50;
            out->volume_records.p95 += stages[i].records_in.p95;
            out->volume_bytes.p50 += stages[i].bytes_in.p50;
            out->volume_bytes.p95 += stages[i].bytes_in.p95;
        }
    }
    out->stages = stages;
    if (notes)
        *notes = note;
    quality_issues(k, out);
}

bool predict_pipeline(struct arena *a, struct pipeline *p, const struct predict_options *o,
                      struct rec_execution_profile *out, struct predict_note **notes,
                      struct err *err)
{
    uint32_t n = p->nstages;
    struct predictor k = {
        .a = a,
        .p = p,
        .o = o,
        .flows = ARENA_ARRAY(a, struct flow, n),
        .sources = ARENA_ARRAY(a, struct source, n),
        .figures = ARENA_ARRAY(a, struct rec_stage_figures, n),
        .size_why = ARENA_ARRAY(a, const char *, n),
        .cost_runs = ARENA_ARRAY(a, uint32_t, n),
        .cost_similar = ARENA_ARRAY(a, bool, n),
        .queued = ARENA_ARRAY(a, bool, n),
        .speed = o->speed > 0 ? o->speed : 1,
        .scale = o->scale > 0 ? o->scale : 1,
    };
    if (!history_read(a, p, o->store, k.speed, &k.history, err))
        return false;
    queued_stages(p, k.queued);
    for (uint32_t i = 0; i < n; i++)
        k.nreads += p->stages[i].op == OP_READ;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = p->order[i];
        k.figures[at].id = p->stages[at].id;
        k.figures[at].operation = op_name(p->stages[at].op);
        size_stage(&k, at);
    }
    for (uint32_t i = 0; i < n; i++)
        cost_stage(&k, i);
    wall_stages(&k);
    record_fill(&k, out, notes);
    return true;
}
