/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Directed graphs on compressed adjacency. */
#include "graph/graph.h"

static int edge_cmp(const void *a, const void *b)
{
    const struct graph_edge *x = a, *y = b;
    if (x->from != y->from)
        return x->from < y->from ? -1 : 1;
    return (x->to > y->to) - (x->to < y->to);
}

void graph_build(struct arena *a, struct graph *g, uint32_t n, const struct graph_edge *edges,
                 size_t m)
{
    struct graph_edge *sorted = xmemdup(edges, m * sizeof(*edges));
    if (m > 1)
        qsort(sorted, m, sizeof(*sorted), edge_cmp);
    g->n = n;
    g->m = 0;
    g->start = ARENA_ARRAY(a, uint32_t, (size_t)n + 1);
    g->to = ARENA_ARRAY(a, uint32_t, m);
    for (size_t i = 0; i < m; i++) {
        if (sorted[i].from >= n || sorted[i].to >= n)
            BUG("edge end out of range");
        if (i && edge_cmp(&sorted[i], &sorted[i - 1]) == 0)
            continue;
        g->to[g->m++] = sorted[i].to;
        g->start[sorted[i].from + 1]++;
    }
    for (uint32_t v = 0; v < n; v++)
        g->start[v + 1] += g->start[v];
    free(sorted);
}

void graph_reverse(struct arena *a, struct graph *out, const struct graph *g)
{
    out->n = g->n;
    out->m = g->m;
    out->start = ARENA_ARRAY(a, uint32_t, (size_t)g->n + 1);
    out->to = ARENA_ARRAY(a, uint32_t, g->m);
    for (uint32_t e = 0; e < g->m; e++)
        out->start[g->to[e] + 1]++;
    for (uint32_t v = 0; v < g->n; v++)
        out->start[v + 1] += out->start[v];
    uint32_t *at = xmemdup(out->start, g->n * sizeof(*at));
    for (uint32_t v = 0; v < g->n; v++)
        for (uint32_t e = g->start[v]; e < g->start[v + 1]; e++)
            out->to[at[g->to[e]]++] = v;
    free(at);
}

/* A binary heap of node numbers, smallest first. */
static void heap_push(uint32_t *heap, uint32_t *n, uint32_t v)
{
    uint32_t i = (*n)++;
    while (i && heap[(i - 1) / 2] > v) {
        heap[i] = heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    heap[i] = v;
}

static uint32_t heap_pop(uint32_t *heap, uint32_t *n)
{
    uint32_t top = heap[0], v = heap[--(*n)], i = 0;
    for (;;) {
        uint32_t c = 2 * i + 1;
        if (c >= *n)
            break;
        if (c + 1 < *n && heap[c + 1] < heap[c])
            c++;
        if (heap[c] >= v)
            break;
        heap[i] = heap[c];
        i = c;
    }
    heap[i] = v;
    return top;
}

/* Among nodes that still wait for others each has a waiting predecessor: walking backwards must
 * repeat. */
static void find_cycle(struct arena *a, const struct graph *g, const uint32_t *waiting,
                       uint32_t **cycle, uint32_t *ncycle)
{
    struct graph back;
    graph_reverse(a, &back, g);
    uint32_t *seen = ARENA_ARRAY(a, uint32_t, g->n),
             *walk = ARENA_ARRAY(a, uint32_t, (size_t)g->n + 1);
    uint32_t v = 0, n = 0;
    while (!waiting[v])
        v++;
    while (!seen[v]) {
        seen[v] = n + 1;
        walk[n++] = v;
        uint32_t e = back.start[v];
        while (!waiting[back.to[e]])
            e++;
        v = back.to[e];
    }
    uint32_t first = seen[v] - 1, len = n - first;
    *cycle = ARENA_ARRAY(a, uint32_t, (size_t)len + 1);
    uint32_t lowest = 0;
    for (uint32_t i = 0; i < len; i++)
        if (walk[n - 1 - i] < walk[n - 1 - lowest])
            lowest = i;
    for (uint32_t i = 0; i < len; i++) /* turned round again: forwards, lowest number first */
        (*cycle)[i] = walk[n - 1 - (lowest + i) % len];
    (*cycle)[len] = (*cycle)[0];
    *ncycle = len + 1;
}

bool graph_topological(struct arena *a, const struct graph *g, uint32_t *order, uint32_t **cycle,
                       uint32_t *ncycle)
{
    uint32_t *waits = xcalloc(g->n, sizeof(*waits)), *heap = xcalloc(g->n, sizeof(*heap));
    uint32_t ready = 0, done = 0;
    for (uint32_t e = 0; e < g->m; e++)
        waits[g->to[e]]++;
    for (uint32_t v = 0; v < g->n; v++)
        if (!waits[v])
            heap_push(heap, &ready, v);
    while (ready) {
        uint32_t v = heap_pop(heap, &ready);
        order[done++] = v;
        for (uint32_t e = g->start[v]; e < g->start[v + 1]; e++)
            if (--waits[g->to[e]] == 0)
                heap_push(heap, &ready, g->to[e]);
    }
    if (done < g->n && cycle)
        find_cycle(a, g, waits, cycle, ncycle);
    free(waits);
    free(heap);
    return done == g->n;
}

double graph_longest_paths(const struct graph *g, const uint32_t *order, const double *weight,
                           double *head, double *tail)
{
    double longest = 0;
    if (head) {
        for (uint32_t v = 0; v < g->n; v++)
            head[v] = 0;
        for (uint32_t i = 0; i < g->n; i++) {
            uint32_t v = order[i];
            double end = head[v] + weight[v];
            for (uint32_t e = g->start[v]; e < g->start[v + 1]; e++)
                if (head[g->to[e]] < end)
                    head[g->to[e]] = end;
            if (longest < end)
                longest = end;
        }
    }
    if (tail) {
        for (uint32_t i = g->n; i-- > 0;) {
            uint32_t v = order[i];
            double rest = 0;
            for (uint32_t e = g->start[v]; e < g->start[v + 1]; e++)
                if (rest < tail[g->to[e]])
                    rest = tail[g->to[e]];
            tail[v] = rest + weight[v];
            if (longest < tail[v])
                longest = tail[v];
        }
    }
    return longest;
}

static int node_cmp(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

uint32_t graph_reach(const struct graph *g, uint32_t from, uint32_t max_depth, uint32_t *depth,
                     uint32_t *via, uint32_t *out)
{
    uint32_t n = 1, level = 0, level_end = 1;
    for (uint32_t v = 0; v < g->n; v++)
        depth[v] = UINT32_MAX;
    depth[from] = 0;
    if (via)
        via[from] = from;
    out[0] = from;
    for (uint32_t d = 0; level < level_end && d < max_depth; d++) {
        for (uint32_t i = level; i < level_end; i++) {
            uint32_t v = out[i];
            for (uint32_t e = g->start[v]; e < g->start[v + 1]; e++) {
                uint32_t w = g->to[e];
                if (depth[w] != UINT32_MAX)
                    continue;
                depth[w] = d + 1;
                if (via)
                    via[w] = v;
                out[n++] = w;
            }
        }
        level = level_end;
        level_end = n;
        if (level_end - level > 1)
            qsort(out + level, level_end - level, sizeof(*out), node_cmp);
    }
    return n;
}
