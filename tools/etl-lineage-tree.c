/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What lies up- or downstream of a node, for people: an indented tree. */
#include "cli/text.h"
#include "tools/etl-lineage.h"

/* Deeper levels are not moved further right. */
#define INDENT_MAX 32

/* Rows are by depth, so those reached through one node follow each other when sorted by it: a
 * counting sort, then depth first with a stack (paths may be longer than ours would be). */
void lineage_view_tree(struct arena *a, struct buf *out, const struct lineage_graph *g,
                       const struct lineage_row *rows, size_t n)
{
    size_t nodes = g->rows.nnodes;
    uint32_t *start = ARENA_ARRAY(a, uint32_t, nodes + 2);
    uint32_t *child = ARENA_ARRAY(a, uint32_t, n + 1), *stack = ARENA_ARRAY(a, uint32_t, n + 1);
    for (size_t i = 1; i < n; i++)
        start[rows[i].via + 2]++;
    for (size_t v = 0; v < nodes; v++)
        start[v + 2] += start[v + 1];
    for (size_t i = 1; i < n; i++)
        child[start[rows[i].via + 1]++] = (uint32_t)i;
    size_t top = 0;
    stack[top++] = 0;
    while (top > 0) {
        const struct lineage_row *r = &rows[stack[--top]];
        const struct store_node *node = &g->rows.nodes[r->node];
        bool job = strcmp(node->kind, "job") == 0;
        buf_addf(out, "%*s%s", 2 * (int)(r->depth < INDENT_MAX ? r->depth : INDENT_MAX), "",
                 job ? cli_color(1, "cyan") : "");
        text_mask(out, slice_str(lineage_name(a, node)), false);
        buf_addf(out, "%s %s%s%s\n", job ? cli_color(1, "reset") : "", cli_color(1, "dim"),
                 node->kind, cli_color(1, "reset"));
        for (uint32_t k = start[r->node + 1]; k > start[r->node]; k--)
            stack[top++] = child[k - 1];
    }
}
