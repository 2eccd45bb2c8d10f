/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Column lineage: which columns of what is read each column of a stage's rows is made from, and on
 * which columns the choice, order and grouping of the rows depend. From the bound pipeline alone:
 * expressions know what they read, every operation knows what it passes on.
 *
 * Words as OpenLineage has them (facet columnLineage 1-2-0, openlineage.io/docs/spec/facets/
 * dataset-facets/column_lineage_facet): DIRECT is IDENTITY, TRANSFORMATION or AGGREGATION, what a
 * value is made from; INDIRECT is FILTER, JOIN, GROUP_BY or SORT, what decides about whole records.
 * What rows of a command or a statement are made from nobody knows: their columns have no source.
 */
#ifndef FORELINE_ENGINE_COLUMNS_H
#define FORELINE_ENGINE_COLUMNS_H

#include "pipeline/pipeline.h"

enum column_use {
    USE_IDENTITY,
    USE_TRANSFORMATION,
    USE_AGGREGATION,
    USE_FILTER, /* from here on INDIRECT */
    USE_JOIN,
    USE_GROUP_BY,
    USE_SORT,
};
const char *column_use_name(enum column_use use);

struct column_source {
    uint32_t read; /* the read stage */
    const char *field;
    enum column_use use;
};
struct column_sources { /* each once; shared between stages: not to be changed */
    const struct column_source *items;
    uint32_t n;
};
struct stage_columns {
    struct column_sources *columns; /* one per column of the schema; NULL when it is not bound */
    struct column_sources records;  /* INDIRECT */
};
/* One per stage, in the arena. O(columns x stages) beside the sets themselves. */
struct stage_columns *columns_of(struct arena *a, const struct pipeline *p);

#endif
