/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A run as the world sees it: OpenLineage run events (spec 2-0-2), and the same inputs and outputs
 * as edges of the lineage graph.
 *
 * The pipeline is a job. Each stage that runs is one too, called PIPELINE.STAGE, with a run of its
 * own whose parent is the pipeline's. Rows that go from stage to stage are no datasets: a stage has
 * for inputs the datasets that its rows come from, and for outputs those that it writes; so the
 * jobs of reads and writes hang together without inventing anything. Schemas stand where the data
 * is read or written, column lineage (engine/columns.h) on outputs, both of the pipeline and of the
 * stage; figures of a stage in our facet foreline_stage.
 * Datasets are named as OpenLineage names files: namespace "file",
 * the absolute path; other sources and sinks keep their URL's scheme and host as namespace. */
#ifndef FORELINE_ENGINE_EVENTS_H
#define FORELINE_ENGINE_EVENTS_H

#include "base/buf.h"
#include "engine/columns.h"
#include "engine/engine.h"
#include "store/store.h"

struct dataset {
    const char *ns, *name;
    uint32_t stage; /* that reads or writes it */
};
struct datasets { /* each once, in the order of the stages */
    struct dataset *inputs, *outputs;
    uint32_t ninputs, noutputs;
};
/* What a pipeline reads and writes. A file that it writes itself is no input. */
void datasets_of(struct arena *a, const struct pipeline *p, struct datasets *out);

/* Who runs it: the values of OPENLINEAGE_NAMESPACE, OPENLINEAGE_PARENT_ID and OPENLINEAGE_DISABLED.
 */
struct event_job {
    bool disabled;      /* no events, please */
    const char *ns;     /* "default" when not set */
    const char *shadow; /* what a shadow run is compared with; NULL: it is none */
    const char *parent_ns, *parent_name, *parent_run_id; /* or NULL */
};
void event_job_from_env(struct arena *a, struct event_job *out);

/* One event as a line, with newline. `type`: START, COMPLETE, FAIL, ABORT. `result` and `error` are
 * NULL at the start. `resumed`: the run that this one goes on with, or NULL. `columns`: of all
 * stages, or NULL. */
void event_write(struct buf *out, const char *type, const char *at, const char *run_id,
                 const struct pipeline *p, const struct event_job *job, const char *resumed,
                 const struct datasets *d, const struct stage_columns *columns,
                 const struct engine_result *result, const char *error);
/* A stage's. `type`: START, RUNNING, COMPLETE, FAIL, ABORT. */
struct event_stage {
    const char *type, *at, *run_id; /* of the stage */
    const char *pipeline_run_id;
    const struct pipeline *p;
    uint32_t stage;
    const struct event_job *job;
    const struct datasets *datasets;
    const struct engine_stage *figures;  /* NULL at the start */
    const struct stage_columns *columns; /* of all stages; NULL: not on this event */
    const char *error;                   /* or NULL */
};
void event_stage_write(struct buf *out, const struct event_stage *e);
/* Keeps the edges of the run. */
bool event_edges(struct store *s, const struct pipeline *p, const struct event_job *job,
                 const struct datasets *d, const char *run_id, const char *at, struct err *err);

#endif
