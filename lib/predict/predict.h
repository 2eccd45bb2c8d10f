/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a run of a pipeline will take, stage by stage, before it runs: records, bytes, time, memory.
 *
 * Sizes flow from the sources down the graph (selectivities, fan-outs, groups), costs follow from
 * sizes. Each comes from the best there is: history of the same stage, else the same operation of
 * other pipelines on this store, else priors measured on the reference machine and scaled by this
 * one's speed. What cannot be known is NAN, never 0. Not here: how to schedule it (plan/), time
 * series of volumes.
 */
#ifndef FORELINE_PREDICT_H
#define FORELINE_PREDICT_H

#include "base/base.h"
#include "pipeline/pipeline.h"
#include "rec/rec.h"
#include "store/store.h"

/* How fast this machine does our kind of work, 1 = the reference machine of the priors. */
struct predict_calibration {
    double speed;
    bool cached; /* from the store's drawer, not measured now */
};
/* Taken from the store when it knows this host and CPU, else measured (at most 20 ms of CPU time)
 * and put there when the store can be written. `s` may be NULL. Never fails: a clock that stands
 * still gives speed 1. */
void predict_calibrate(struct store *s, struct predict_calibration *out);

/* Where the figures of one stage came from. */
struct predict_note {
    const char *basis; /* "history:3 runs", "similar", "prior" */
    const char *why;   /* a sentence for people */
};

struct predict_options {
    const struct rec_profile *profiles; /* of the chain; the last one of a dataset counts */
    size_t nprofiles;
    struct store *store; /* NULL: no history */
    double speed;        /* of predict_calibrate */
    double scale;        /* how many times the data; 1 when 0 */
    const char *mode;    /* of the runs that are meant; NULL: "optimized" */
};

/* Fills `out` (strings and arrays in `a`; definition, name and versions point into the pipeline).
 * `p` needs only to be loaded. Stages stand in topological order. *notes (may be NULL): one per
 * stage, in the same order. Errors: the store cannot be read (ERR_ENV). A missing input file is no
 * error: its figures come from history or are NAN. O(stages x runs in history). */
bool predict_pipeline(struct arena *a, struct pipeline *p, const struct predict_options *o,
                      struct rec_execution_profile *out, struct predict_note **notes,
                      struct err *err);

#endif
