/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lib/graph: orders, cycles, longest paths, reachability; laws over random graphs. */
#include "tests/unit/suite.h"

#include "base/rng.h"
#include "graph/graph.h"

static struct arena a;

/* A random graph over n nodes; `acyclic`: edges go up in a hidden numbering. */
static void random_graph(struct rng *r, struct graph *g, uint32_t n, size_t m, bool acyclic)
{
    struct graph_edge *e = ARENA_ARRAY(&a, struct graph_edge, m);
    uint32_t *rank = ARENA_ARRAY(&a, uint32_t, n);
    for (uint32_t v = 0; v < n; v++) {
        uint32_t other = (uint32_t)rng_below(r, v + 1);
        rank[v] = rank[other];
        rank[other] = v;
    }
    size_t k = 0;
    while (k < m) {
        uint32_t x = (uint32_t)rng_below(r, n), y = (uint32_t)rng_below(r, n);
        if (acyclic && x == y)
            continue;
        bool swap = acyclic && rank[x] > rank[y];
        e[k++] = swap ? (struct graph_edge){y, x} : (struct graph_edge){x, y};
    }
    graph_build(&a, g, n, e, m);
}

START_TEST(a_topological_order_puts_every_edge_forwards)
{
    struct rng r;
    rng_seed(&r, 1);
    for (int k = 0; k < 300; k++) {
        uint32_t n = 2 + (uint32_t)rng_below(&r, 60), order[64], at[64];
        struct graph g;
        random_graph(&r, &g, n, rng_below(&r, 200), true);
        ck_assert(graph_topological(&a, &g, order, NULL, NULL));
        for (uint32_t i = 0; i < n; i++)
            at[order[i]] = i;
        for (uint32_t v = 0; v < n; v++)
            for (uint32_t e = g.start[v]; e < g.start[v + 1]; e++)
                ck_assert_uint_lt(at[v], at[g.to[e]]);
        arena_clear(&a);
    }
    arena_release(&a);
}
END_TEST

START_TEST(a_cycle_is_shown_edge_by_edge)
{
    struct rng r;
    rng_seed(&r, 2);
    int found = 0;
    for (int k = 0; k < 300; k++) {
        uint32_t n = 2 + (uint32_t)rng_below(&r, 20), order[32], *cycle = NULL, len = 0;
        struct graph g;
        random_graph(&r, &g, n, rng_below(&r, 40), false);
        if (!graph_topological(&a, &g, order, &cycle, &len)) {
            found++;
            ck_assert_uint_ge(len, 2);
            ck_assert_uint_eq(cycle[0], cycle[len - 1]);
            for (uint32_t i = 0; i + 1 < len; i++) {
                bool edge = false;
                for (uint32_t e = g.start[cycle[i]]; e < g.start[cycle[i] + 1]; e++)
                    edge |= g.to[e] == cycle[i + 1];
                ck_assert(edge);
            }
        }
        arena_clear(&a);
    }
    ck_assert_int_gt(found, 50);
    arena_release(&a);
}
END_TEST

START_TEST(longest_paths_agree_from_both_ends)
{
    struct rng r;
    rng_seed(&r, 3);
    for (int k = 0; k < 200; k++) {
        uint32_t n = 1 + (uint32_t)rng_below(&r, 40), order[64];
        double w[64], head[64], tail[64];
        struct graph g;
        random_graph(&r, &g, n, n > 1 ? rng_below(&r, 120) : 0, true);
        for (uint32_t v = 0; v < n; v++)
            w[v] = (double)rng_below(&r, 100);
        graph_topological(&a, &g, order, NULL, NULL);
        double up = graph_longest_paths(&g, order, w, head, NULL);
        ck_assert_double_eq(up, graph_longest_paths(&g, order, w, NULL, tail));
        for (uint32_t v = 0; v < n; v++) {
            ck_assert_double_le(head[v] + tail[v], up);
            for (uint32_t e = g.start[v]; e < g.start[v + 1]; e++)
                ck_assert_double_ge(tail[v], w[v] + tail[g.to[e]]);
        }
        arena_clear(&a);
    }
    arena_release(&a);
}
END_TEST

START_TEST(what_is_reached_forwards_reaches_back)
{
    struct rng r;
    rng_seed(&r, 4);
    for (int k = 0; k < 100; k++) {
        uint32_t n = 2 + (uint32_t)rng_below(&r, 30), depth[32], back[32], out[32], via[32];
        struct graph g, t;
        random_graph(&r, &g, n, rng_below(&r, 60), false);
        graph_reverse(&a, &t, &g);
        ck_assert_uint_eq(t.m, g.m);
        uint32_t from = (uint32_t)rng_below(&r, n);
        uint32_t reached = graph_reach(&g, from, UINT32_MAX, depth, via, out);
        for (uint32_t i = 0; i < reached; i++) {
            graph_reach(&t, out[i], UINT32_MAX, back, NULL, (uint32_t[32]){0});
            ck_assert_uint_eq(back[from], depth[out[i]]);
            if (i)
                ck_assert_uint_eq(depth[via[out[i]]] + 1, depth[out[i]]);
        }
        ck_assert_uint_eq(graph_reach(&g, from, 0, depth, NULL, out), 1);
        arena_clear(&a);
    }
    arena_release(&a);
}
END_TEST

START_TEST(equal_edges_count_once)
{
    struct graph g;
    graph_build(&a, &g, 3, (struct graph_edge[]){{0, 1}, {0, 1}, {1, 2}, {0, 1}}, 4);
    ck_assert_uint_eq(g.m, 2);
    graph_build(&a, &g, 0, NULL, 0);
    ck_assert_uint_eq(g.n, 0);
    arena_release(&a);
}
END_TEST

UNIT_MAIN("graph", a_topological_order_puts_every_edge_forwards, a_cycle_is_shown_edge_by_edge,
          longest_paths_agree_from_both_ends, what_is_reached_forwards_reaches_back,
          equal_edges_count_once)
