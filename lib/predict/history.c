/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What earlier runs took: of the same stages, and of the same operations in other pipelines. */
#include <math.h>

#include "predict/internal.h"

#include "base/hash.h"
#include "base/map.h"

#define RUNS_MAX 40    /* of this pipeline: enough for a line, few enough to read in a blink */
#define OTHERS_MAX 40  /* runs of other pipelines */
#define HALF_LIFE 10.0 /* runs: a run ten runs old counts half, so that changes win in the end */

static double known(double v)
{
    return v >= 0 && isfinite(v) ? v : NAN;
}

/* `signature` NULL: the pipeline is not bound, and what has changed since cannot be told. */
static void past_fill(struct past *out, const struct store_stage *s, const char *signature)
{
    const struct rec_stage_figures *u = &s->used;
    *out = (struct past){
        .records_in = known(u->records_in.p50),
        .records_out = known(u->records_out.p50),
        .bytes_in = known(u->bytes_in.p50),
        .bytes_out = known(u->bytes_out.p50),
        .wall_s = known(u->wall_s.p50),
        .cpu_s = known(u->cpu_s.p50),
        .memory_bytes = known(u->peak_memory_bytes.p50),
        .read_bytes = known(u->read_bytes.p50),
        .write_bytes = known(u->write_bytes.p50),
        .there = true,
        .same = !signature || (s->signature && strcmp(s->signature, signature) == 0),
    };
}

static bool own_runs(struct arena *a, const struct pipeline *p, struct store *s,
                     struct history *out, struct err *err)
{
    struct store_history *rows;
    size_t n;
    if (!store_history(s, a, p->name, RUNS_MAX, &rows, &n, err))
        return false;
    struct map runs = MAP_INIT, ids = MAP_INIT;
    char(*signatures)[SHA256_HEX] = xmalloc((p->nstages + 1) * sizeof(*signatures));
    for (uint32_t i = 0; i < p->nstages; i++) {
        map_put(&ids, slice_str(p->stages[i].id), NULL)->v.num = i;
        pipeline_signature(p, i, signatures[i]);
    }
    for (size_t i = 0; i < n; i++) {
        bool added;
        struct map_entry *e = map_put(&runs, slice_str(rows[i].run_id), &added);
        if (added)
            e->v.num = (int64_t)runs.len - 1;
    }
    out->nruns = (uint32_t)runs.len;
    out->rows = ARENA_ARRAY(a, struct past, (size_t)out->nruns * p->nstages);
    out->weight = ARENA_ARRAY(a, double, out->nruns);
    for (uint32_t i = 0; i < out->nruns; i++)
        out->weight[i] = pow(0.5, i / HALF_LIFE);
    for (size_t i = 0; i < n; i++) {
        const struct store_stage *stage = &rows[i].stage;
        const struct map_entry *id = map_get(&ids, slice_str(stage->used.id));
        if (!id || (stage->status && strcmp(stage->status, "completed") != 0))
            continue;
        const char *operation = stage->used.operation;
        if (operation && strcmp(operation, op_name(p->stages[id->v.num].op)) != 0)
            continue; /* another operation under the same name */
        int64_t run = map_get(&runs, slice_str(rows[i].run_id))->v.num;
        past_fill(&out->rows[(size_t)run * p->nstages + (size_t)id->v.num], stage,
                  p->stages[id->v.num].bound ? signatures[id->v.num] : NULL);
    }
    free(signatures);
    map_release(&runs);
    map_release(&ids);
    return true;
}

static void similar_add(struct arena *a, struct history *out, double speed,
                        const struct store_stage *s)
{
    const struct rec_stage_figures *u = &s->used;
    if (!u->operation || (s->status && strcmp(s->status, "completed") != 0))
        return;
    unsigned row = 0;
    while (row < OP_COUNT && strcmp(u->operation, op_name((enum op)row)) != 0)
        row++;
    if (row == OP_COUNT)
        return;
    struct work w = {0};
    w.f[F_ONE] = 1;
    w.f[F_RECORDS_IN] = u->records_in.p50;
    w.f[F_BYTES_IN] = u->bytes_in.p50;
    w.f[F_RECORDS_OUT] = u->records_out.p50;
    w.f[F_BYTES_OUT] = u->bytes_out.p50;
    w.f[F_EVALS] =
        row == OP_FILTER || row == OP_DERIVE || row == OP_AGGREGATE ? u->records_in.p50 : 0;
    if (row == OP_SORT)
        w.f[F_COMPARES] = u->records_in.p50 * log2(fmax(2, u->records_in.p50));
    double cpu = prior_cpu_s(row, &w) / speed, memory = prior_memory_bytes(row, &w);
    struct similar *sim = &out->similar[row];
    /* With the grain on both sides: of what is tiny the quotient says nothing. */
    if (cpu > 0 && u->cpu_s.p50 > 0)
        *ARENA_PUSH(a, sim->cpu, sim->ncpu) = (u->cpu_s.p50 + CPU_GRAIN_S) / (cpu + CPU_GRAIN_S);
    /* A join's memory is its right side's, which the row alone does not tell. */
    if (row != OP_JOIN && memory > 0 && u->peak_memory_bytes.p50 > 0)
        *ARENA_PUSH(a, sim->memory, sim->nmemory) =
            (u->peak_memory_bytes.p50 + MEMORY_GRAIN) / (memory + MEMORY_GRAIN);
}

static bool other_runs(struct arena *a, const struct pipeline *p, struct store *s, double speed,
                       struct history *out, struct err *err)
{
    struct store_run *runs;
    size_t n, taken = 0;
    if (!store_runs(s, a, NULL, "completed", 0, (size_t)RUNS_MAX + OTHERS_MAX, &runs, &n, err))
        return false;
    for (size_t i = 0; i < n && taken < OTHERS_MAX; i++) {
        if (runs[i].pipeline && strcmp(runs[i].pipeline, p->name) == 0)
            continue;
        const char *mode = runs[i].mode;
        if (mode && (strcmp(mode, "sampling") == 0 || strcmp(mode, "shadow") == 0))
            continue; /* as in store_history */
        struct store_stage *stages;
        size_t nstages;
        if (!store_run_stages(s, a, runs[i].run_id, &stages, &nstages, err))
            return false;
        for (size_t k = 0; k < nstages; k++)
            similar_add(a, out, speed, &stages[k]);
        taken++;
    }
    return true;
}

bool history_read(struct arena *a, const struct pipeline *p, struct store *s, double speed,
                  struct history *out, struct err *err)
{
    *out = (struct history){.nstages = p->nstages};
    if (!s)
        return true;
    if (!own_runs(a, p, s, out, err))
        return false;
    /* Only stages that never ran need the help of others. */
    for (uint32_t i = 0; i < p->nstages; i++) {
        bool ran = false;
        for (uint32_t r = 0; r < out->nruns && !ran; r++)
            ran = history_at(out, r, i)->there;
        if (!ran)
            return other_runs(a, p, s, speed, out, err);
    }
    return true;
}
