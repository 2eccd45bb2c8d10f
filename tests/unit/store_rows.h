/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows that the tests of the store write and look for. */
#ifndef FORELINE_TESTS_STORE_ROWS_H
#define FORELINE_TESTS_STORE_ROWS_H

#include <math.h>
#include <unistd.h>

#include "base/num.h"
#include "store/store.h"

static inline struct rec_figure row_figure(double v)
{
    return (struct rec_figure){v, v};
}

/* Every field of a stage, with figures that tell its number. */
static inline struct store_stage row_stage(const char *id, double k)
{
    struct store_stage g = {
        .used = {id, "filter", row_figure(k), row_figure(k + 1), row_figure(k + 2),
                 row_figure(k + 3), row_figure(k + 4), row_figure(k + 5), row_figure(k + 6),
                 row_figure(k + 7), row_figure((double)NAN)},
        .predicted_cpu_s = {k / 2, k * 2},
        .predicted_wall_s = {k / 4, k * 4},
        .predicted_peak_memory_bytes = {k / 8, k * 8},
        .predicted_records_out = {(double)NAN, (double)NAN},
        .status = "completed",
        .signature = "sig",
        .parallelism = 2,
        .algorithm = "hash",
    };
    return g;
}

static inline struct store_run row_run(const char *run_id, const char *pipeline,
                                       const char *started_at)
{
    struct store_run r = {
        .run_id = run_id,
        .pipeline = pipeline,
        .status = "running",
        .code_version = "sha256:1",
        .mode = "standard",
        .base = "/data",
        .started_at = started_at,
        .wall_s = (double)NAN,
        .cpu_s = (double)NAN,
        .peak_memory_bytes = (double)NAN,
        .rejects = (double)NAN,
        .pid = getpid(),
    };
    return r;
}

#endif
