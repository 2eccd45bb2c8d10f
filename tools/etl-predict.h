/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the parts of etl-predict share: its options, and the table for people. */
#ifndef FORELINE_ETL_PREDICT_H
#define FORELINE_ETL_PREDICT_H

#include "cli/cli.h"
#include "predict/predict.h"

struct etl_predict_opts {
    struct common_opts common;
    const char *pipeline;
    struct opt_list params;
    double scale;
};
#define ETL_PREDICT_OPTS_INIT                     \
    {                                             \
        .common = {.format = "auto"}, .scale = 1, \
    }
extern const struct tool etl_predict_tool;

/* The predicted stages as a table: p50 (p95) of records, time and memory, and what they rest on. */
void etl_predict_table(struct buf *out, const struct rec_execution_profile *x,
                       const struct predict_note *notes);

#endif
