/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of etl-lineage share. */
#ifndef FORELINE_ETL_LINEAGE_H
#define FORELINE_ETL_LINEAGE_H

#include "cli/cli.h"
#include "lineage/query.h"
#include "store/store.h"

struct etl_lineage_opts {
    struct common_opts common;
    bool strict, all;
    const char *status, *pipeline, *kind;
    double since;
    int64_t limit, depth;
};
#define ETL_LINEAGE_OPTS_INIT                                             \
    {                                                                     \
        .common = {.format = "auto"}, .since = -1, .limit = 0, .depth = 0 \
    }
extern const struct tool etl_lineage_tool;

/* A question being answered. */
struct answer {
    struct etl_lineage_opts o;
    struct store *store;
    struct arena arena;
    struct buf out; /* what goes to stdout */
    bool people;
    struct err err;
};

/* Reads and forwards the files, or standard input; a->store is open afterwards. Gives the status.
 */
int lineage_add(struct answer *a, char **files, size_t nfiles);

/* Questions: fill a->out and give the status. 0: found; 1: there is nothing; else a->err says why.
 */
int lineage_show(struct answer *a, const char *what); /* NULL: all that the store knows */

/* The same facts for people. */
void lineage_view_runs(struct buf *out, const struct store_run *runs, size_t n);
void lineage_view_run(struct buf *out, const struct store_run *r, const struct store_stage *stages,
                      size_t n);
void lineage_view_sightings(struct buf *out, const struct store_schema *v, size_t n, size_t limit);
void lineage_view_accesses(struct arena *a, struct buf *out, const struct store_node_run *r,
                           size_t n, size_t limit);
void lineage_view_pipelines(struct buf *out, const struct store_pipeline *p, size_t n);
struct lineage_dataset_row {
    struct store_dataset seen; /* sightings 0: never profiled */
    int64_t readers, writers;  /* -1: not in the graph */
};
void lineage_view_datasets(struct buf *out, const struct lineage_dataset_row *d, size_t n);
void lineage_view_tree(struct arena *a, struct buf *out, const struct lineage_graph *g,
                       const struct lineage_row *rows, size_t n);
/* "heading" in bold, an empty line before it unless it is the first. */
void lineage_view_heading(struct buf *out, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
