/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the parts of etl-plan share: its options, and the tables for people. */
#ifndef FORELINE_ETL_PLAN_H
#define FORELINE_ETL_PLAN_H

#include "cli/cli.h"
#include "plan/plan.h"

struct etl_plan_opts {
    struct common_opts common;
    struct opt_list environments;
    const char *deadline;
    const char *objective;
    const char *mode;
    const char *from;
    bool check;
    bool ignore_verdicts;
};
#define ETL_PLAN_OPTS_INIT                                                               \
    {                                                                                    \
        .common = {.format = "auto"}, .objective = "time", .mode = "auto", .from = NULL, \
    }
extern const struct tool etl_plan_tool;

/* A plan: its stages with when, where and how, and why. */
void etl_plan_table(struct buf *out, const struct rec_plan *p);
void etl_plan_verdict(struct buf *out, const struct rec_verdict *v);
void etl_plan_environments(struct buf *out, const struct rec_environment *e, size_t n);

#endif
