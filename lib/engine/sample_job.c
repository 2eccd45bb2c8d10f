/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A run on a sample as records: the execution profile, an estimate per output, the completion. It
 * is no run of the pipeline: it has no run events, and the store does not hear of it, so that
 * neither predictions nor lineage take a part for the whole. */
#include <math.h>

#include "base/instant.h"
#include "engine/run.h"
#include "engine/sample.h"
#include "os/os.h"

static const struct rec_stage_figures *predicted_stage(const struct rec_execution_profile *x,
                                                       const char *id)
{
    for (uint32_t i = 0; x && i < x->nstages; i++) {
        if (x->stages[i].id && strcmp(x->stages[i].id, id) == 0)
            return &x->stages[i];
    }
    return NULL;
}

static void complete(const struct pipeline *p, const struct run_opts *o,
                     const struct engine_result *e, struct arena *a, struct rec_completion *c)
{
    struct rec_completion_stage *stages = ARENA_ARRAY(a, struct rec_completion_stage, p->nstages);
    const struct rec_figure unknown = {(double)NAN, (double)NAN};
    for (uint32_t i = 0; e->stages && i < p->nstages; i++) {
        const struct rec_stage_figures *f = predicted_stage(o->predicted, p->stages[i].id);
        stages[i] = (struct rec_completion_stage){
            .used = e->stages[i].used,
            .status = e->stages[i].status,
            .predicted_cpu_s = f ? f->cpu_s : unknown,
            .predicted_wall_s = f ? f->wall_s : unknown,
            .predicted_peak_memory_bytes = f ? f->peak_memory_bytes : unknown,
            .predicted_records_out = f ? f->records_out : unknown,
        };
    }
    c->stages = stages;
    c->nstages = e->stages ? p->nstages : 0;
    c->rejects = (double)e->rejects;
}

static void emit(const struct run_opts *o, struct buf *line)
{
    if (o->emit)
        o->emit(o->ctx, buf_slice(line));
    buf_clear(line);
}

bool run_sample(struct pipeline *p, const struct run_opts *o, double rate, uint64_t seed,
                struct arena *a, struct run_result *out, struct sample_result *sample,
                struct err *err)
{
    unsigned char entropy[10] = {0};
    char started_at[INSTANT_TEXT];
    *out = (struct run_result){.kept = false};
    os_entropy(entropy, sizeof(entropy));
    int64_t now = instant_now();
    uuid7_format(out->run_id, now, entropy);
    instant_format(started_at, now);
    double wall = clock_wall(), cpu = clock_process();
    struct sampling_opts so = {.rate = rate,
                               .seed = seed,
                               .plan = o->plan,
                               .predicted = o->predicted,
                               .profiles = o->profiles,
                               .nprofiles = o->nprofiles,
                               .engine = o->engine};
    bool ok = sample_pipeline(p, &so, a, sample, err);
    out->engine = sample->engine;
    struct rec_completion *c = &out->completion;
    *c = (struct rec_completion){
        .pipeline = p->name,
        .run_id = out->run_id,
        .status = ok                      ? "completed"
                  : out->engine.cancelled ? "cancelled"
                                          : "failed",
        .started_at = arena_strdup(a, started_at),
        .wall_s = clock_wall() - wall,
        .cpu_s = clock_process() - cpu,
        .peak_memory_bytes = (double)process_peak_bytes(),
        .error = ok ? NULL : arena_strdup(a, err->text),
    };
    complete(p, o, &out->engine, a, c);
    struct buf line = BUF_INIT(BUF_UNBOUNDED);
    if (ok) {
        rec_execution_profile_write(&line, &sample->profile);
        emit(o, &line);
    }
    for (uint32_t i = 0; ok && i < sample->noutputs; i++) {
        rec_estimate_write(&line, &sample->outputs[i]);
        emit(o, &line);
    }
    rec_completion_write(&line, c);
    emit(o, &line);
    buf_release(&line);
    return ok;
}
