/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From what pipelines say of themselves to the graph and the runs of the store. The result is a
 * function of the set of records: their order and repetition do not matter.
 */
#ifndef FORELINE_LINEAGE_INGEST_H
#define FORELINE_LINEAGE_INGEST_H

#include "json/json.h"
#include "store/store.h"

/* What one call found, for reports. */
struct lineage_added {
    uint64_t events, known, completions; /* known: events that were in the store already */
    uint64_t edges;                      /* named by new events */
    uint64_t passed_over;                /* datasets without a name */
};

/* An OpenLineage event: dataset -reads-> job, job -writes-> dataset, and what it says of its run.
 * `line` is kept as it came. strict: one that is not valid by the core schema is ERR_DATA and
 * nothing is kept of it. Adds to *added. ERR_ENV: the store cannot be written. */
bool lineage_add_event(struct store *s, const struct json *event, struct slice line, bool strict,
                       struct lineage_added *added, struct err *err);
/* A `completion` record: its run with the figures of its stages. */
bool lineage_add_completion(struct store *s, const struct json *rec, struct slice line,
                            struct lineage_added *added, struct err *err);

#endif
