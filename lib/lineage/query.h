/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Questions to the lineage graph: which node is meant, what lies up- or downstream of it. */
#ifndef FORELINE_LINEAGE_QUERY_H
#define FORELINE_LINEAGE_QUERY_H

#include "graph/graph.h"
#include "store/store.h"

struct lineage_graph {
    struct store_graph rows;
    struct graph down, up; /* along the flow of data, and against it; nodes as in rows.nodes */
};
/* In the arena. O(n + m log m). */
bool lineage_load(struct store *s, struct arena *a, struct lineage_graph *out, struct err *err);

/* A node's name for people and for commands: "file:/data/x.csv", "postgres://h:5432/db.public.t",
 * "jobs/orders": the namespace, ':' when it is no URL and the name begins with '/', else '/'; the
 * name alone when there is no namespace. */
const char *lineage_name(struct arena *a, const struct store_node *node);

/* The node that `text` means: NAMESPACE/NAME or NAMESPACE:NAME; else a name; else the file of that
 * path; else the only one whose NAMESPACE/NAME or NAMESPACE:NAME has it as a part. postgresql:// is
 * postgres://. kind NULL: any. ERR_DATA when there is none (the nearest names are said) or several
 * (the candidates are). */
bool lineage_find(const struct lineage_graph *g, const char *text, const char *kind, uint32_t *node,
                  struct err *err);

struct lineage_row {
    uint32_t node, depth, via; /* via: the node it was reached from; the start's is itself */
};
/* Breadth-first from a node, itself first at depth 0; by depth, then name. max_depth 0: no limit.
 * Cycles are fine: a node comes once, at its least depth. O(n + m). */
void lineage_reach(struct arena *a, const struct lineage_graph *g, uint32_t from, bool upstream,
                   uint32_t max_depth, struct lineage_row **out, size_t *n);

#endif
