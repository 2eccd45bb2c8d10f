/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How many threads the engine should work with on what a stage reads. */
#ifndef FORELINE_PLAN_LANES_H
#define FORELINE_PLAN_LANES_H

#include "pipeline/pipeline.h"

/* Threads share the work of a read stage and of the stages that take its records one by one, up to
 * and with one that gathers or writes them; the others have one. A thread more is planned as long
 * as it has LANE_LEAST_S of work, there is a core that is free, `resources.cpu_cores` of all
 * these stages allows it, and there would be something left to do for it while another one reads.
 */
#define LANE_LEAST_S 0.02

struct lanes_plan {
    uint32_t *n;      /* of each stage: threads, at least 1 */
    uint32_t *source; /* whose lanes they are: a read stage, or the stage itself */
    double *work_s;   /* of a read stage: of all that its lanes do */
};
/* seconds[i]: CPU time of each stage (what is not known: 0). cores: that are free; INFINITY: not
 * known, which counts as 1. */
void lanes_plan(struct arena *a, const struct pipeline *p, const double *seconds, double cores,
                struct lanes_plan *out);
/* Do the engine's lanes push into operations of this kind? */
bool lanes_reach(enum op op);

#endif
