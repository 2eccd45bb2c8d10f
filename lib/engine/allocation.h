/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the stages of a run are given to work with, and what they get when that is too little.
 *
 * Each stage begins with the memory that its plan says. `resources.memory_gb` of the pipeline file
 * is hard: nothing passes it. A figure that was predicted is soft: a stage that needs more asks for
 * the next allocation that there is a reason for, and only when that cannot be had does it spill,
 * or end when it is a command. The reasons, in order: the predicted p95, the most that the stage
 * ever took in the store's runs (each with the planner's headroom), and what the machine has free,
 * of which half is given at a time. Nothing is doubled blindly. A stage of which nothing is known
 * begins with UNPLANNED_BYTES and asks in the same way.
 *
 * Results never depend on it: operators that spill give the same bytes. */
#ifndef FORELINE_ENGINE_ALLOCATION_H
#define FORELINE_ENGINE_ALLOCATION_H

#include <pthread.h>
#include <stdatomic.h>

#include "engine/provider.h"
#include "pipeline/pipeline.h"
#include "store/store.h"

#define UNPLANNED_BYTES ((uint64_t)256 << 20) /* what any machine that runs us has */

struct allotments;
struct allocation { /* of one stage */
    struct allotments *of;
    const struct stage *stage;
    struct provider *provider;
    struct rec_allocation confirmed; /* resource_id, … */
    bool granted;                    /* to be released */
    bool hard;                       /* memory by `resources` */
    bool planned;                    /* memory was known before the run */
    const char *basis;               /* of the memory it has now; NULL: UNPLANNED_BYTES */
    double cpu_cores, memory_gb;     /* NAN: not said */
    double parallelism;
    const char *enforced; /* "cgroup", "watched": of a command that ran */
    _Atomic uint64_t limit_bytes;
    _Atomic uint64_t held_bytes;             /* of a command, when last seen */
    struct mem_account *acct;                /* of an operator; NULL of a command */
    uint64_t predicted_bytes, history_bytes; /* further allocations; 0: none */
    double refused_until;                    /* clock_wall */
    bool refusal_told;
};

struct allotment_opts {
    const struct rec_plan *plan;                   /* or NULL */
    const struct rec_execution_profile *predicted; /* or NULL */
    struct store *store;                           /* for what was needed before; or NULL */
    const struct rec_allocation *records;          /* of the input */
    uint32_t nrecords;
    struct provider *on_demand; /* NULL: this machine */
    void *ctx;
    void (*say)(void *ctx, const char *text);                     /* one line; or NULL */
    void (*note)(void *ctx, const char *stage, const char *text); /* or NULL */
};
struct allotments {
    pthread_mutex_t lock;
    struct allotment_opts o;
    struct warm_pool pool;
    struct provider warm, local;
    struct allocation *stages; /* one per stage of the pipeline */
    uint32_t n;
    struct arena *a;
    struct arena mem; /* under the lock */
};
/* Asks for the resources of every stage: of the warm pool that `records` name, else on demand. What
 * cannot be had falls back and is said; it never fails. */
void allotments_open(struct allotments *t, struct pipeline *p, const struct allotment_opts *o,
                     struct arena *a);
void allotments_close(struct allotments *t);

/* May the stage hold `bytes` in all? Asks for more when its limit is below and soft. Thread-safe.
 * O(1) while the limit is not reached. */
bool allocation_hold(struct allocation *al, uint64_t bytes);
/* For the completion record. */
void allocation_tell(const struct allocation *al, struct rec_allocated *out);
/* "250 MiB (predicted p95)"; free(). */
char *allocation_text(const struct allocation *al);

#endif
