/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The history: runs, their stages' figures, profiles, schemas over time, lineage edges, logs.
 * SQLite in WAL mode; every call is one transaction; a busy database is waited for (30 s) and then
 * ERR_ENV. Versioned migrations run at open under an exclusive transaction; a store newer than us
 * is refused, untouched. One handle per thread.
 */
#ifndef FORELINE_STORE_H
#define FORELINE_STORE_H

#include "base/arena.h"
#include "base/base.h"
#include "rec/rec.h"

struct store;
enum store_mode {
    STORE_CREATE,   /* make it when absent (etl-run, etl-lineage, an explicit --store) */
    STORE_EXISTING, /* absent is not an error: *out NULL */
    STORE_READ,     /* as EXISTING, never written */
};
/* `url`: NULL (the default place of contracts.md section 5), a path, or sqlite:PATH. */
bool store_open(struct store **out, const char *url, enum store_mode mode, struct err *err);
void store_close(struct store *s);
/* Where it is, for messages. */
const char *store_path(const struct store *s);
/* Where store_open(url) would look, opened or not; free(). NULL with err for what is no place. */
char *store_locate(const char *url, struct err *err);

/* -- runs -- */
struct store_run {
    const char *run_id, *pipeline, *status, *code_version, *mode, *base;
    const char *started_at, *ended_at; /* RFC 3339; ended NULL while running */
    double wall_s, cpu_s, peak_memory_bytes, rejects;
    const char *error;
    const char *host;          /* begin: filled in when pid is this host's process and host NULL */
    int64_t pid;               /* of the process that runs it: a dead one was killed; 0 unknown */
    const char *job_namespace; /* of the job, as events name it, or NULL */
    const char *parent_run_id; /* of the run that this one is a part of, or NULL */
    const char *resumed_from;  /* the run that this one goes on with, or NULL; read only, see
                                  store_journal_begin */
};
struct store_stage {
    struct rec_stage_figures used; /* measured: p50 is kept */
    struct rec_figure predicted_cpu_s, predicted_wall_s, predicted_peak_memory_bytes,
        predicted_records_out;
    const char *status;
    const char *signature; /* hash of the operation, its parameters and its input columns: same =
                              comparable */
    double parallelism;
    const char *algorithm;
};
bool store_run_begin(struct store *s, const struct store_run *r, const struct json *definition,
                     struct err *err);
/* Adds the stages and ends the run, in one transaction that is on the disk (power loss included)
 * when it returns. A run that was never begun is made; ending one again replaces its stages.
 * ended_at NULL: now. */
bool store_run_end(struct store *s, const struct store_run *r, const struct store_stage *stages,
                   size_t nstages, struct err *err);
/* The pipeline's object of store_run_begin, or empty. */
bool store_run_definition(struct store *s, struct arena *a, const char *run_id, struct slice *out,
                          struct err *err);
/* What others say of a run: an event, a completion record out of a pipe. Never changes a run that
 * was begun in this store. Of several sayings the one with the greatest (weight, at, status, job,
 * line) gives status, figures and stages, and the earliest started_at stays: the result does not
 * depend on their order or repetition. `r` as known, NAN and NULL where not; r->ended_at when it is
 * over.
 */
struct store_saying {
    int weight;        /* 0 … 9: how final */
    const char *at;    /* RFC 3339, or NULL */
    struct slice line; /* the record, to decide between what is equal otherwise */
};
bool store_run_seen(struct store *s, const struct store_run *r, const struct store_saying *how,
                    const struct store_stage *stages, size_t nstages, struct err *err);
/* Appends to the kept stderr of a stage (bounded: the first and last 512 KiB are kept). */
bool store_log_append(struct store *s, const char *run_id, const char *stage, struct slice text,
                      struct err *err);
bool store_log_read(struct store *s, struct arena *a, const char *run_id, const char *stage,
                    struct slice *out, struct err *err);
/* The stages of a run that have a log, in order of their first line. */
bool store_log_stages(struct store *s, struct arena *a, const char *run_id, const char ***out,
                      size_t *n, struct err *err);
/* Newest first. status NULL: any (a running one whose process is gone is given as "killed");
 * since_us 0: all; pipeline NULL: any; limit 0: all. */
bool store_runs(struct store *s, struct arena *a, const char *pipeline, const char *status,
                int64_t since_us, size_t limit, struct store_run **out, size_t *n, struct err *err);
/* The same, with more to choose by. */
struct store_filter {
    const char *pipeline, *status;
    int64_t since_us;
    size_t limit;
    bool top; /* without runs that are a part of another run in the store */
};
bool store_runs_select(struct store *s, struct arena *a, const struct store_filter *f,
                       struct store_run **out, size_t *n, struct err *err);
/* By run id or an unambiguous prefix of at least 4 characters; ERR_DATA when none or several. */
bool store_run_find(struct store *s, struct arena *a, const char *id, struct store_run *out,
                    struct err *err);
bool store_run_stages(struct store *s, struct arena *a, const char *run_id,
                      struct store_stage **out, size_t *n, struct err *err);
/* The runs that name run_id as their parent, oldest first. */
bool store_run_children(struct store *s, struct arena *a, const char *run_id,
                        struct store_run **out, size_t *n, struct err *err);
/* Every pipeline that has runs, by name: how many, how many of them completed, and the last. */
struct store_pipeline {
    const char *pipeline;
    int64_t runs, completed;
    struct store_run last;
};
bool store_pipelines(struct store *s, struct arena *a, struct store_pipeline **out, size_t *n,
                     struct err *err);
/* Figures of completed runs of a pipeline, newest first, one row per run and stage; not of those in
 * mode sampling or shadow, which did not do all the work there is. */
struct store_history {
    const char *run_id, *started_at;
    struct store_stage stage;
};
bool store_history(struct store *s, struct arena *a, const char *pipeline, size_t max_runs,
                   struct store_history **out, size_t *n, struct err *err);

/* -- journals: what a run that did not complete has done, for one that goes on with it -- */
struct store_journal {
    const char *stage; /* "": of the run as a whole */
    struct slice body; /* JSON; engine/journal.h says what stands in it */
};
/* The first rows of a run that was begun. `from`: the run that it goes on with, or NULL: that one's
 * journal is taken away in the same transaction; when it has none, another process was faster:
 * ERR_AGAIN. */
bool store_journal_begin(struct store *s, const char *run_id, const char *from,
                         const struct store_journal *rows, size_t n, struct err *err);
/* Adds rows, or puts them in the place of those of the same stages. durable: on the disk when it
 * returns, power loss included. */
bool store_journal_put(struct store *s, const char *run_id, const struct store_journal *rows,
                       size_t n, bool durable, struct err *err);
/* Rows in the order of their stages' names; none: n 0. A run that ends "completed" has none. */
bool store_journal_read(struct store *s, struct arena *a, const char *run_id,
                        struct store_journal **out, size_t *n, struct err *err);
/* The run of a pipeline to go on with when none is named: the last one begun here that did not
 * complete, has a journal, and behind which no run of its own or of this definition has completed;
 * one of this very definition (the same parameters) goes before later ones. NULL when there is
 * none. */
bool store_resumable(struct store *s, struct arena *a, const char *pipeline,
                     const struct json *definition, const char **run_id, struct err *err);

/* -- profiles and schemas -- */
/* Keeps the record line (the last 64 of a dataset; of older ones the figures); notes a schema
 * version when the columns or types changed. A profile without a dataset name is ERR_DATA. */
bool store_profile_add(struct store *s, const struct rec_profile *p, struct slice line,
                       struct err *err);
/* The last profile line of a dataset, or empty. */
bool store_profile_last(struct store *s, struct arena *a, const char *dataset, struct slice *line,
                        struct err *err);
/* Beside it, the image of the last profile of a dataset (profile/image.h); an empty one is none. */
bool store_profile_image_set(struct store *s, const char *dataset, struct slice image,
                             struct err *err);
bool store_profile_image(struct store *s, struct arena *a, const char *dataset, struct slice *image,
                         struct err *err);
struct store_schema {
    const char *at;
    const char *fingerprint; /* sha256 of names and types */
    const char *columns;     /* JSON array [{"name":…,"type":…}] */
    bool changed;            /* against the one before */
    double records, bytes, data_quality_score;
};
/* All sightings of a dataset's schema, oldest first. */
bool store_schemas(struct store *s, struct arena *a, const char *dataset, struct store_schema **out,
                   size_t *n, struct err *err);

/* Every dataset that has a profile, by name, with its last sighting and how many there are. */
struct store_dataset {
    const char *dataset;
    int64_t sightings, schema_versions;
    struct store_schema last;
};
bool store_datasets(struct store *s, struct arena *a, struct store_dataset **out, size_t *n,
                    struct err *err);

/* -- lineage: nodes and edges over time -- */
struct store_edge {
    const char *from_namespace, *from_name, *from_kind; /* kind: dataset, job */
    const char *to_namespace, *to_name, *to_kind;
    const char *kind;   /* reads, writes */
    const char *run_id; /* or NULL */
    const char *at;     /* RFC 3339 */
};
/* Idempotent: the same edge of the same run is kept once. */
bool store_edges_add(struct store *s, const struct store_edge *edges, size_t n, struct err *err);
/* Distinct edges (latest `at`), sorted by names. */
bool store_edges(struct store *s, struct arena *a, struct store_edge **out, size_t *n,
                 struct err *err);
/* The same as numbers, for graph algorithms: nodes sorted by namespace, name, kind; edges by from,
 * to, kind, as indices into them. */
struct store_node {
    const char *namespace, *name, *kind;
};
struct store_arc {
    uint32_t from, to;
    const char *kind, *run_id, *at; /* of the latest sighting */
};
struct store_graph {
    struct store_node *nodes;
    struct store_arc *arcs;
    size_t nnodes, narcs;
};
bool store_graph_read(struct store *s, struct arena *a, struct store_graph *out, struct err *err);
/* Makes a node that no edge names yet (a job that reads and writes nothing). */
bool store_node_add(struct store *s, const struct store_node *node, struct err *err);
/* The last runs that went over the edges of a node, newest first. */
struct store_node_run {
    const char *run_id, *at;
    const char *edge; /* reads, writes */
    struct store_node other;
    const char *status; /* NULL when the store knows the run only from its edges */
};
bool store_node_runs(struct store *s, struct arena *a, const struct store_node *node, size_t limit,
                     struct store_node_run **out, size_t *n, struct err *err);
/* OpenLineage events as they came, once each (by content). *added false when it was there. */
bool store_event_add(struct store *s, struct slice line, const char *run_id, const char *event_time,
                     bool *added, struct err *err);
/* A key-value drawer for small facts (machine calibration, …). value empty when absent. */
bool store_fact_get(struct store *s, struct arena *a, const char *key, struct slice *value,
                    struct err *err);
bool store_fact_set(struct store *s, const char *key, struct slice value, struct err *err);
/* Several calls as one transaction, on the disk when committed. A call that fails inside it leaves
 * it without a way to be committed: then roll back (store_commit does, and fails). Of writes
 * outside such a transaction only store_run_end waits for the disk: what is committed survives kill
 * -9 in any case, and power loss takes at most the last seconds of logs and profiles, never the
 * whole. */
bool store_begin(struct store *s, struct err *err);
/* The same without waiting for the disk at the end: all or nothing, as safe as single calls. */
bool store_begin_relaxed(struct store *s, struct err *err);
bool store_commit(struct store *s, struct err *err);
void store_rollback(struct store *s);

#endif
