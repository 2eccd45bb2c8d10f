/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One run of a pipeline as a fact that stays: an id, OpenLineage events, the store's row with each
 * stage's figures and logs, edges of the graph, and the completion record.
 *
 * Beside the row the store keeps a journal (engine/journal.h), so that a run that was killed or
 * failed can be gone on with (engine/resume.h).
 *
 * A plan in mode shadow is a shadow run (engine/shadow.h): it publishes nothing, and a verdict
 * comes before the completion record. In the store it is a run of mode shadow, which predictions do
 * not learn from: its outputs went elsewhere, stages may have been skipped, and what it read was
 * perhaps warm from the run it is compared with. It adds no edges to the graph.
 *
 * The pipeline comes loaded, not bound: what binding finds wrong is a run that failed, and is
 * remembered as such. The store is optional and never fails a run: what cannot be kept is said
 * through `say`. */
#ifndef FORELINE_ENGINE_RUN_H
#define FORELINE_ENGINE_RUN_H

#include "base/uuid.h"
#include "engine/engine.h"
#include "engine/resume.h"
#include "engine/shadow.h"
#include "store/store.h"

struct run_opts {
    const struct rec_plan *plan;                   /* or NULL */
    const struct rec_execution_profile *predicted; /* or NULL */
    const struct rec_profile *profiles;            /* of the chain, for types */
    size_t nprofiles;
    const struct rec_allocation *allocations; /* of the chain: resources that wait for this run */
    uint32_t nallocations;
    struct store *store;              /* or NULL */
    const char *resume;               /* id of the run to go on with (resume_find), or NULL */
    const struct shadow_opts *shadow; /* of a plan in mode shadow, which must have them */
    struct engine_opts engine; /* its ctx and callbacks are the caller's; `log` is called as well */
    void *ctx;
    void (*emit)(void *ctx, struct slice line);  /* a record, with its newline */
    void (*event)(void *ctx, struct slice line); /* before, when it is a run event; or NULL */
    void (*say)(void *ctx, const char *text);
    /* Of a resumed run, before it begins: which stages are kept, why the others are run. Or NULL.
     */
    void (*resumed)(void *ctx, const struct pipeline *p, const struct resume *r);
};
struct run_result {
    char run_id[UUID_TEXT];
    struct engine_result engine; /* stages NULL when it was not begun */
    struct rec_completion completion;
    struct shadow_report shadow; /* of a shadow run that ended well */
    bool differs;                /* and its verdict says no */
    bool kept;                   /* the store has it */
};
/* Runs, and emits the events and the completion record. false: it failed, `err` says why and the
 * completion says so too. Everything lives in `a`. */
bool run_pipeline(struct pipeline *p, const struct run_opts *o, struct arena *a,
                  struct run_result *out, struct err *err);
/* The completion record of a run that never began: "queued" or "refused". */
void run_not_begun(const struct rec_plan *plan, const struct run_opts *o, const char *status,
                   const char *why);

#endif
