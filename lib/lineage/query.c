/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Naming nodes and walking the graph. The walking itself is lib/graph's. */
#include "lineage/query.h"

#include "base/nearest.h"
#include "os/os.h"

bool lineage_load(struct store *s, struct arena *a, struct lineage_graph *out, struct err *err)
{
    *out = (struct lineage_graph){0};
    if (!store_graph_read(s, a, &out->rows, err))
        return false;
    size_t n = out->rows.nnodes, m = out->rows.narcs;
    struct graph_edge *edges = xreallocarray(NULL, m ? m : 1, sizeof(*edges));
    for (size_t i = 0; i < m; i++)
        edges[i] = (struct graph_edge){out->rows.arcs[i].from, out->rows.arcs[i].to};
    graph_build(a, &out->down, (uint32_t)n, edges, m);
    graph_reverse(a, &out->up, &out->down);
    free(edges);
    return true;
}

const char *lineage_name(struct arena *a, const struct store_node *node)
{
    if (!node->namespace[0])
        return node->name;
    bool url = strstr(node->namespace, "://") != NULL;
    return arena_printf(a, "%s%c%s", node->namespace, !url && node->name[0] == '/' ? ':' : '/',
                        node->name);
}

/* -- which node? -- */

/* How well a node fits a text; the best fit of all nodes must be unique. */
enum fit { FIT_NOT, FIT_PART, FIT_FILE, FIT_NAME, FIT_FULL };

struct wanted {
    const char *text; /* with postgresql:// as postgres:// */
    const char *file; /* the same as a path from here */
};

static bool is_full(const struct store_node *n, const char *text)
{
    size_t len = strlen(n->namespace);
    if (strncmp(text, n->namespace, len) != 0)
        return false;
    if (len == 0)
        return strcmp(text, n->name) == 0;
    return (text[len] == '/' || text[len] == ':') && strcmp(text + len + 1, n->name) == 0;
}

/* Is it a part of the name, of the namespace, or of both with the sign between them? */
static bool is_part(const struct store_node *n, const char *text, struct buf *scratch)
{
    if (strstr(n->name, text) || strstr(n->namespace, text))
        return true;
    for (int i = 0; i < 2; i++) {
        buf_clear(scratch);
        buf_adds(scratch, n->namespace);
        buf_addc(scratch, i ? ':' : '/');
        buf_adds(scratch, n->name);
        if (strstr(buf_str(scratch), text))
            return true;
    }
    return false;
}

static enum fit fit_of(const struct store_node *n, const struct wanted *w, struct buf *scratch)
{
    if (is_full(n, w->text))
        return FIT_FULL;
    if (strcmp(n->name, w->text) == 0)
        return FIT_NAME;
    if (strcmp(n->namespace, "file") == 0 && strcmp(n->name, w->file) == 0)
        return FIT_FILE;
    return is_part(n, w->text, scratch) ? FIT_PART : FIT_NOT;
}

static bool is_kind(const struct store_node *n, const char *kind)
{
    return !kind || strcmp(n->kind, kind) == 0;
}

static bool none(const struct lineage_graph *g, const char *text, const char *kind, struct err *err)
{
    struct arena a = ARENA_INIT;
    struct nearest near;
    struct quoted q, b;
    nearest_init(&near, slice_str(text));
    for (size_t i = 0; i < g->rows.nnodes; i++) {
        const struct store_node *n = &g->rows.nodes[i];
        if (!is_kind(n, kind))
            continue;
        const char *slash = strrchr(n->name, '/');
        nearest_try(&near, lineage_name(&a, n));
        nearest_try(&near, n->name);
        if (slash)
            nearest_try(&near, slash + 1);
    }
    quote_str(&q, text);
    if (near.best)
        err_set(err, ERR_DATA, "no %s '%s' in the lineage graph; did you mean '%s'?",
                kind ? kind : "node", q.s, quote_str(&b, near.best));
    else
        err_set(err, ERR_DATA, "no %s '%s' in the lineage graph; `etl-lineage show` lists them",
                kind ? kind : "node", q.s);
    arena_release(&a);
    return false;
}

static bool several(const struct lineage_graph *g, const char *text, const enum fit *fits,
                    enum fit best, size_t n, struct err *err)
{
    enum { LISTED = 5 };
    struct arena a = ARENA_INIT;
    struct buf list = BUF_INIT(760);
    struct quoted q;
    size_t shown = 0;
    for (size_t i = 0; i < g->rows.nnodes && shown < LISTED; i++) {
        if (fits[i] != best)
            continue;
        const char *name = lineage_name(&a, &g->rows.nodes[i]);
        buf_addf(&list, "%s%s '%s'", shown++ ? ", " : "", g->rows.nodes[i].kind,
                 quote_str(&q, name));
    }
    if (n > shown)
        buf_addf(&list, " and %zu more", n - shown);
    err_set(err, ERR_DATA, "'%s' may be any of %zu nodes: %s", quote_str(&q, text), n,
            buf_str(&list));
    buf_release(&list);
    arena_release(&a);
    return false;
}

bool lineage_find(const struct lineage_graph *g, const char *text, const char *kind, uint32_t *node,
                  struct err *err)
{
    if (!text[0])
        return err_set(err, ERR_USAGE, "the name of a node is empty");
    static const char longer[] = "postgresql://";
    bool pg = strncmp(text, longer, sizeof(longer) - 1) == 0;
    char *plain = pg ? xasprintf("postgres://%s", text + sizeof(longer) - 1) : xstrdup(text);
    char *file = path_absolute(text, NULL);
    struct wanted w = {plain, file};
    struct buf scratch = BUF_INIT(BUF_UNBOUNDED);
    enum fit *fits = xcalloc(g->rows.nnodes + 1, sizeof(*fits)), best = FIT_NOT;
    size_t n = 0;
    for (size_t i = 0; i < g->rows.nnodes; i++) {
        if (is_kind(&g->rows.nodes[i], kind))
            fits[i] = fit_of(&g->rows.nodes[i], &w, &scratch);
        if (fits[i] > best) {
            best = fits[i];
            n = 0;
        }
        if (fits[i] == best && best != FIT_NOT && n++ == 0)
            *node = (uint32_t)i;
    }
    bool ok = n == 1;
    if (n == 0)
        none(g, text, kind, err);
    else if (n > 1)
        several(g, text, fits, best, n, err);
    buf_release(&scratch);
    free(fits);
    free(file);
    free(plain);
    return ok;
}

/* -- walking -- */

void lineage_reach(struct arena *a, const struct lineage_graph *g, uint32_t from, bool upstream,
                   uint32_t max_depth, struct lineage_row **out, size_t *n)
{
    size_t nodes = g->rows.nnodes;
    uint32_t *depth = xreallocarray(NULL, nodes, sizeof(*depth));
    uint32_t *via = xreallocarray(NULL, nodes, sizeof(*via));
    uint32_t *order = xreallocarray(NULL, nodes, sizeof(*order));
    uint32_t found = graph_reach(upstream ? &g->up : &g->down, from,
                                 max_depth ? max_depth : UINT32_MAX, depth, via, order);
    struct lineage_row *rows = ARENA_ARRAY(a, struct lineage_row, found);
    for (uint32_t i = 0; i < found; i++)
        rows[i] = (struct lineage_row){order[i], depth[order[i]], via[order[i]]};
    if (found)
        rows[0].via = from;
    *out = rows;
    *n = found;
    free(depth);
    free(via);
    free(order);
}
