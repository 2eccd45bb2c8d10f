/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Directed graphs on compressed adjacency (CSR): topological order, critical path, reachability.
 * Plain structs in and out; knows neither JSON nor files. */
#ifndef FORELINE_GRAPH_H
#define FORELINE_GRAPH_H

#include "base/arena.h"
#include "base/base.h"

struct graph_edge {
    uint32_t from, to;
};
/* Successors of v: to[start[v]] … to[start[v + 1] - 1], ascending. In an arena. */
struct graph {
    uint32_t n, m;
    uint32_t *start; /* n + 1 */
    uint32_t *to;    /* m */
};
/* Builds in O(n + m log m); equal edges are kept once. Every end is below n. */
void graph_build(struct arena *a, struct graph *g, uint32_t n, const struct graph_edge *edges,
                 size_t m);
/* The same graph with all edges turned round. */
void graph_reverse(struct arena *a, struct graph *out, const struct graph *g);

/* Topological order that takes the smallest ready number first (Kahn 1962, with a heap: O(m + n log
 * n)), so that it depends on nothing but the numbering. `order` has room for n. On a cycle false,
 * and *cycle (in the arena; may be NULL) is one, first node repeated at its end, *ncycle long. */
bool graph_topological(struct arena *a, const struct graph *g, uint32_t *order, uint32_t **cycle,
                       uint32_t *ncycle);

/* Longest paths of an acyclic graph in O(n + m): tail[v] = weight[v] + the longest path behind it
 * (the "upward rank" of list scheduling, Topcuoglu et al. 2002, without communication); head[v] =
 * the longest path that ends before v. Either may be NULL. Returns the critical path's length. */
double graph_longest_paths(const struct graph *g, const uint32_t *order, const double *weight,
                           double *head, double *tail);

/* Breadth-first from `from`: depth[v] = edges on a shortest path, or UINT32_MAX; via[v] = the node
 * it was reached from (may be NULL); `out` (room for n) lists the reached nodes by depth, then
 * number, `from` first. Stops at max_depth. Returns how many. O(n + m). */
uint32_t graph_reach(const struct graph *g, uint32_t from, uint32_t max_depth, uint32_t *depth,
                     uint32_t *via, uint32_t *out);

#endif
