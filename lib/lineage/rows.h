/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Answers of the store as records, one line each: the kinds node, run, pipeline, dataset, sighting,
 * access and log of share/schemas. They have the envelope of contracts.md section 2, so that they
 * pass through every filter.
 */
#ifndef FORELINE_LINEAGE_ROWS_H
#define FORELINE_LINEAGE_ROWS_H

#include "base/buf.h"
#include "lineage/query.h"

/* The wall time as kept, else from start to end; NAN while it runs and when only one is known. */
double lineage_wall(const struct store_run *r);
/* stages NULL: without them. */
void lineage_write_run(struct buf *out, const struct store_run *r, const struct store_stage *stages,
                       size_t nstages);
void lineage_write_pipeline(struct buf *out, const struct store_pipeline *p);
/* The last sighting; NULL columns where nothing is known. nodes: how many jobs read and write it,
 * -1 when it is not in the graph. */
void lineage_write_dataset(struct buf *out, const struct store_dataset *d, int64_t readers,
                           int64_t writers);
void lineage_write_sighting(struct buf *out, const char *dataset, const struct store_schema *v);
void lineage_write_access(struct buf *out, const char *node, const char *other,
                          const struct store_node_run *r);
/* `query`: upstream or downstream, of the node `of`. */
void lineage_write_node(struct buf *out, const struct store_node *node, const char *name,
                        uint32_t depth, const char *via, const char *query, const char *of);
void lineage_write_log(struct buf *out, const char *run_id, const char *stage, struct slice text);

#endif
