/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a run gets its resources from: one small interface, and the two providers there are.
 *
 * A provider is asked (request) for a stage's cores and memory and confirms with an allocation
 * record: ready, pending (not now) or failed, the latter two with a reason. What was ready is given
 * back (release). Providers may be asked from several threads at once. */
#ifndef FORELINE_ENGINE_PROVIDER_H
#define FORELINE_ENGINE_PROVIDER_H

#include "base/arena.h"
#include "rec/rec.h"

struct provider_request {
    const char *node_id;               /* the stage */
    const char *template_name;         /* the pipeline */
    const char *plan;                  /* its id; or NULL */
    const char *tenant;                /* or NULL: anybody's */
    double cpu_cores, memory_gb, gpus; /* NAN: not said */
    double held_gb;                    /* of memory_gb: in use already */
};
struct provider_room {
    double cpu_cores, memory_gb; /* at all */
    double free_memory_gb;       /* now, but for what must stay free (see provider.c) */
};
struct provider {
    const char *name; /* as completion records have it */
    void *state;
    void (*room)(struct provider *p, struct provider_room *out);
    /* Strings of the answer live in `a`, in the request or in the provider's records. */
    void (*request)(struct provider *p, struct arena *a, const struct provider_request *r,
                    struct rec_allocation *out);
    void (*release)(struct provider *p, const struct rec_allocation *granted);
};

/* This machine: grants what it has by affinity, quota, control group and RAM. */
void provider_on_demand(struct provider *out);

/* What allocation records of the input say is there already (a warm pool). A record belongs to a
 * stage when its node_id names the stage (and its template, when it has one, the pipeline); to
 * every stage when its node_id names the pipeline, or when it has none and its template names the
 * pipeline or its request the plan. Of several the last, those of a stage before those of all.
 *
 * Ready is one whose status is ready, that has not expired at `now_us`, and that is on this machine
 * (stages run nowhere else yet). Without any record the answer is failed and has no reason. */
struct warm_pool {
    const struct rec_allocation *records;
    uint32_t n;
    int64_t now_us;
};
void provider_warm(struct provider *out, struct warm_pool *pool);

#endif
