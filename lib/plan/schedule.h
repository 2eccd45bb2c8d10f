/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When each stage runs on a machine of so many cores and so much memory. Plain structs in and out:
 * knows neither records nor pipelines.
 */
#ifndef FORELINE_PLAN_SCHEDULE_H
#define FORELINE_PLAN_SCHEDULE_H

#include "base/base.h"
#include "graph/graph.h"

struct schedule_job {
    double duration_s; /* >= 0 */
    double cores, memory_gb, gpus;
    bool engine; /* runs on the engine's one thread: one such job at a time */
};
struct schedule_capacity {
    double cores, memory_gb, gpus; /* INFINITY: no limit */
};
struct schedule {
    double *start_s, *end_s; /* per job */
    uint32_t *order;         /* jobs by start, then by number; a topological order */
    double makespan_s;
    double lower_bound_s; /* no schedule is shorter: critical path, the engine's thread, the work */
};
/* Every job fits alone into `capacity` (else the behaviour is a BUG of the caller's). The best of
 * list schedules by critical path (Graham 1969; upward ranks) for a ladder of capacities that does
 * not depend on the machine but for its top, and of running one job after the other: so more
 * capacity never gives a longer schedule, which a single list schedule does not promise (Graham's
 * anomalies). O(n^2 log^2 n); above SCHEDULE_JOBS_MAX jobs one after the other only. */
#define SCHEDULE_JOBS_MAX 2000
void schedule_build(struct arena *a, const struct graph *g, const struct schedule_job *jobs,
                    const struct schedule_capacity *capacity, struct schedule *out);

#endif
