/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From what a run will take to where, when and how its stages run: an environment that fits, an
 * order by critical path, memory from the predicted p95, an algorithm per operation, and the
 * reasons in plain sentences. Not here: prediction (predict/), running (engine/).
 */
#ifndef FORELINE_PLAN_H
#define FORELINE_PLAN_H

#include "base/base.h"
#include "rec/rec.h"

/* This machine as an environment: id "local:HOST", kind "local", speed 1, no price. */
void plan_environment_local(struct arena *a, struct rec_environment *out);

struct plan_options {
    int64_t now_us;        /* the run could start now */
    int64_t deadline_us;   /* 0: none */
    const char *objective; /* "time" (NULL too) or "cost" */
    const char *mode;      /* a mode of etl-run; NULL or "auto": chosen here */
};

/* --deadline: DUR from now, or TIME. false when it is neither. */
bool plan_deadline_parse(const char *s, int64_t now_us, int64_t *us);

struct plan_result {
    bool ok;                    /* plan is set; else verdict (check "plan", ok false) is */
    struct rec_plan plan;       /* possibly queued */
    struct rec_verdict verdict; /* names the stage, what it needs and what there is */
    const struct rec_environment *environment; /* the one of `envs` that was chosen, or NULL */
};
/* Plans one pipeline. Errors: the execution profile has no definition, or one that does not parse
 * (ERR_DATA). That it does not fit is not an error but result->ok false. Everything lives in `a` or
 * in the inputs. Deterministic; more cores or memory never make the planned makespan longer.
 * O(stages^2 log^2 stages). */
bool plan_pipeline(struct arena *a, const struct rec_execution_profile *x,
                   const struct rec_environment *envs, size_t nenvs, const struct plan_options *o,
                   struct plan_result *out, struct err *err);

#endif
