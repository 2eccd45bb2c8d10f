/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lanes PIPELINE LANES PIECE_ROWS MEMORY_BYTES: runs a pipeline with so many threads on pieces of
 * so many records, so that small inputs have many pieces, and so much memory for each stage (0: no
 * limit). For engine.py. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/engine.h"

int main(int argc, char **argv)
{
    struct pipeline p;
    struct engine_opts o = {.data_fd = STDOUT_FILENO};
    struct engine_result result;
    struct arena mem = ARENA_INIT;
    struct err err = ERR_INIT;
    struct rec_plan plan = {.nstages = 0};
    struct rec_plan_stage *stages = NULL;
    if (argc != 5)
        return 2;
    o.lanes = (uint32_t)strtoul(argv[2], NULL, 10);
    o.piece_rows = (uint32_t)strtoul(argv[3], NULL, 10);
    double memory_gb = strtod(argv[4], NULL) / 1073741824;
    bool ok = pipeline_load(&p, argv[1], NULL, 0, &err) && pipeline_bind(&p, NULL, 0, &err);
    for (uint32_t i = 0; ok && memory_gb > 0 && i < p.nstages; i++) {
        struct rec_plan_stage *s = ARENA_PUSH(&mem, stages, plan.nstages);
        plan.stages = stages;
        *s = (struct rec_plan_stage){.id = p.stages[i].id, .memory_gb = memory_gb};
    }
    o.plan = &plan;
    ok = ok && engine_run(&p, &o, &mem, &result, &err);
    if (!ok)
        fprintf(stderr, "%s\n", err.text);
    pipeline_release(&p);
    arena_release(&mem);
    return ok ? 0 : 1;
}
