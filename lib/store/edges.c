/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The lineage graph: nodes, edges and when each was seen, and the events they came from. The graph
 * depends on the set of sightings alone, not on their order. What an event means is lib/lineage's.
 */
#include "base/hash.h"
#include "base/instant.h"
#include "store/internal.h"

/* postgresql:// and postgres:// are one (contracts.md section 4). */
static void bind_namespace(sqlite3_stmt *st, int i, const char *ns)
{
    static const char longer[] = "postgresql://";
    if (ns && strncmp(ns, longer, sizeof(longer) - 1) == 0) {
        char *s = xasprintf("postgres://%s", ns + sizeof(longer) - 1);
        store_bind_str(st, i, s);
        free(s);
    } else {
        store_bind_str(st, i, ns ? ns : "");
    }
}

static bool node_id(struct store *s, const char *ns, const char *name, const char *kind,
                    int64_t *id, struct err *err)
{
    static const char find[] =
        "SELECT id FROM node WHERE namespace = ?1 AND name = ?2 AND kind = ?3";
    static const char insert[] = "INSERT INTO node(namespace, name, kind) VALUES(?1, ?2, ?3)";
    for (int i = 0; i < 2; i++) {
        sqlite3_stmt *st = store_stmt(s, i ? insert : find, err);
        if (!st)
            return false;
        bind_namespace(st, 1, ns);
        store_bind_str(st, 2, name);
        store_bind_str(st, 3, kind);
        *id = 0;
        bool ok;
        while (store_row(s, st, &ok, err))
            *id = sqlite3_column_int64(st, 0);
        if (!ok || *id)
            return ok;
    }
    *id = sqlite3_last_insert_rowid(s->db);
    return true;
}

static bool check_node(const char *name, const char *kind, struct err *err)
{
    if (!name || !name[0])
        return err_set(err, ERR_DATA, "a %s without a name cannot be kept", kind ? kind : "node");
    if (!kind || (strcmp(kind, "dataset") != 0 && strcmp(kind, "job") != 0))
        return err_set(err, ERR_DATA, "a node is a dataset or a job, not '%s'", kind ? kind : "");
    return true;
}

static bool edge_id(struct store *s, int64_t from, int64_t to, const struct store_edge *e,
                    int64_t *id, struct err *err)
{
    static const char find[] =
        "SELECT id FROM edge WHERE from_node = ?1 AND to_node = ?2 AND kind = ?3";
    static const char insert[] =
        "INSERT INTO edge(from_node, to_node, kind, last_run) VALUES(?1, ?2, ?3, '')";
    for (int i = 0; i < 2; i++) {
        sqlite3_stmt *st = store_stmt(s, i ? insert : find, err);
        if (!st)
            return false;
        sqlite3_bind_int64(st, 1, from);
        sqlite3_bind_int64(st, 2, to);
        store_bind_str(st, 3, e->kind);
        *id = 0;
        bool ok;
        while (store_row(s, st, &ok, err))
            *id = sqlite3_column_int64(st, 0);
        if (!ok || *id)
            return ok;
    }
    *id = sqlite3_last_insert_rowid(s->db);
    return true;
}

static bool bind_sighting(sqlite3_stmt *st, int64_t id, const struct store_edge *e)
{
    if (!st)
        return false;
    sqlite3_bind_int64(st, 1, id);
    store_bind_str(st, 2, e->run_id ? e->run_id : "");
    store_bind_instant(st, 3, e->at);
    return true;
}

static bool edge_add(struct store *s, const struct store_edge *e, struct err *err)
{
    static const char seen[] = "INSERT INTO edge_seen(edge, run_id, at_us) VALUES(?1, ?2, ?3)"
                               " ON CONFLICT DO UPDATE SET at_us = excluded.at_us"
                               " WHERE excluded.at_us > coalesce(at_us, -9223372036854775807)";
    static const char latest[] = "UPDATE edge SET last_us = ?3, last_run = ?2 WHERE id = ?1 AND"
                                 " (coalesce(?3, -9223372036854775807), ?2) >"
                                 " (coalesce(last_us, -9223372036854775807), last_run)";
    if (!check_node(e->from_name, e->from_kind, err) || !check_node(e->to_name, e->to_kind, err))
        return false;
    if (!e->kind || (strcmp(e->kind, "reads") != 0 && strcmp(e->kind, "writes") != 0))
        return err_set(err, ERR_DATA, "an edge reads or writes, not '%s'", e->kind ? e->kind : "");
    int64_t from, to, id;
    if (!node_id(s, e->from_namespace, e->from_name, e->from_kind, &from, err) ||
        !node_id(s, e->to_namespace, e->to_name, e->to_kind, &to, err) ||
        !edge_id(s, from, to, e, &id, err))
        return false;
    sqlite3_stmt *st = store_stmt(s, seen, err);
    if (!bind_sighting(st, id, e) || !store_run_stmt(s, st, err))
        return false;
    st = store_stmt(s, latest, err);
    return bind_sighting(st, id, e) && store_run_stmt(s, st, err);
}

bool store_edges_add(struct store *s, const struct store_edge *edges, size_t n, struct err *err)
{
    if (n == 0)
        return true;
    if (!store_enter(s, false, err))
        return false;
    bool ok = true;
    for (size_t i = 0; ok && i < n; i++)
        ok = edge_add(s, &edges[i], err);
    return store_leave(s, ok, err);
}

bool store_node_add(struct store *s, const struct store_node *node, struct err *err)
{
    int64_t id;
    if (!check_node(node->name, node->kind, err) || !store_enter(s, false, err))
        return false;
    return store_leave(s, node_id(s, node->namespace, node->name, node->kind, &id, err), err);
}

/* -- reading -- */

#define NO_RANK UINT32_MAX

/* Nodes in their order; *rank[id] is the place of the node with that row id. */
static bool nodes_read(struct store *s, struct arena *a, struct store_graph *g, uint32_t **rank,
                       size_t *nrank, struct err *err)
{
    static const char sql[] =
        "SELECT id, namespace, name, kind FROM node ORDER BY namespace, name, kind";
    sqlite3_stmt *st = store_stmt(s, sql, err);
    if (!st)
        return false;
    bool ok;
    while (store_row(s, st, &ok, err)) {
        int64_t wide = sqlite3_column_int64(st, 0);
        if (wide < 0 || wide > INT32_MAX) /* only a damaged file has such a row */
            continue;
        size_t id = (size_t)wide;
        if (id >= *nrank) {
            size_t n = id < 512 ? 1024 : id * 2;
            *rank = xreallocarray(*rank, n, sizeof(**rank));
            memset(*rank + *nrank, 0xff, (n - *nrank) * sizeof(**rank));
            *nrank = n;
        }
        (*rank)[id] = (uint32_t)g->nnodes;
        struct store_node *node = ARENA_PUSH(a, g->nodes, g->nnodes);
        node->namespace = store_col_word(a, st, 1);
        node->name = store_col_word(a, st, 2);
        node->kind = store_col_is(st, 3, "job") ? "job" : "dataset";
    }
    return ok;
}

static int arc_cmp(const void *x, const void *y)
{
    const struct store_arc *a = x, *b = y;
    if (a->from != b->from)
        return a->from < b->from ? -1 : 1;
    if (a->to != b->to)
        return a->to < b->to ? -1 : 1;
    return strcmp(a->kind, b->kind);
}

static bool arcs_read(struct store *s, struct arena *a, struct store_graph *g, const uint32_t *rank,
                      size_t nrank, struct err *err)
{
    static const char sql[] = "SELECT from_node, to_node, kind, last_run, last_us FROM edge";
    sqlite3_stmt *st = store_stmt(s, sql, err);
    if (!st)
        return false;
    bool ok;
    while (store_row(s, st, &ok, err)) {
        size_t from = (size_t)sqlite3_column_int64(st, 0), to = (size_t)sqlite3_column_int64(st, 1);
        if (from >= nrank || to >= nrank || rank[from] == NO_RANK || rank[to] == NO_RANK)
            continue; /* only a damaged file has such a row */
        struct store_arc *arc = ARENA_PUSH(a, g->arcs, g->narcs);
        arc->from = rank[from];
        arc->to = rank[to];
        arc->kind = store_col_is(st, 2, "reads") ? "reads" : "writes";
        arc->run_id = sqlite3_column_bytes(st, 3) ? store_col_str(a, st, 3) : NULL;
        arc->at = store_col_instant(a, st, 4);
    }
    if (ok && g->narcs > 1)
        qsort(g->arcs, g->narcs, sizeof(g->arcs[0]), arc_cmp);
    return ok;
}

bool store_graph_read(struct store *s, struct arena *a, struct store_graph *out, struct err *err)
{
    *out = (struct store_graph){0};
    uint32_t *rank = NULL;
    size_t nrank = 0;
    /* Nodes and edges as of one moment. */
    bool own = sqlite3_get_autocommit(s->db) != 0;
    bool ok = !own || sqlite3_exec(s->db, "BEGIN", NULL, NULL, NULL) == SQLITE_OK ||
              store_fail(s, "read", err);
    ok = ok && nodes_read(s, a, out, &rank, &nrank, err) && arcs_read(s, a, out, rank, nrank, err);
    if (own && !sqlite3_get_autocommit(s->db))
        sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL);
    free(rank);
    return ok;
}

bool store_edges(struct store *s, struct arena *a, struct store_edge **out, size_t *n,
                 struct err *err)
{
    struct store_graph g;
    *out = NULL;
    *n = 0;
    if (!store_graph_read(s, a, &g, err))
        return false;
    struct store_edge *rows = ARENA_ARRAY(a, struct store_edge, g.narcs);
    for (size_t i = 0; i < g.narcs; i++) {
        const struct store_arc *arc = &g.arcs[i];
        const struct store_node *from = &g.nodes[arc->from], *to = &g.nodes[arc->to];
        rows[i] =
            (struct store_edge){from->namespace, from->name, from->kind,  to->namespace, to->name,
                                to->kind,        arc->kind,  arc->run_id, arc->at};
    }
    *out = rows;
    *n = g.narcs;
    return true;
}

bool store_node_runs(struct store *s, struct arena *a, const struct store_node *node, size_t limit,
                     struct store_node_run **out, size_t *n, struct err *err)
{
    static const char sql[] =
        "SELECT x.run_id, x.at_us, e.kind, o.namespace, o.name, o.kind, r.status"
        " FROM node m JOIN edge e ON e.from_node = m.id OR e.to_node = m.id"
        " JOIN edge_seen x ON x.edge = e.id"
        " JOIN node o ON o.id = e.from_node + e.to_node - m.id"
        " LEFT JOIN run r ON r.run_id = x.run_id"
        " WHERE m.namespace = ?1 AND m.name = ?2 AND m.kind = ?3 AND x.run_id <> ''"
        " ORDER BY x.at_us DESC, x.run_id DESC, e.kind, o.namespace, o.name LIMIT ?4";
    struct store_node_run *rows = NULL;
    size_t nrows = 0;
    *out = NULL;
    *n = 0;
    sqlite3_stmt *st = store_stmt(s, sql, err);
    if (!st)
        return false;
    bind_namespace(st, 1, node->namespace);
    store_bind_str(st, 2, node->name);
    store_bind_str(st, 3, node->kind);
    sqlite3_bind_int64(st, 4, limit && limit < INT64_MAX ? (int64_t)limit : -1);
    bool ok;
    while (store_row(s, st, &ok, err)) {
        struct store_node_run *row = ARENA_PUSH(a, rows, nrows);
        row->run_id = store_col_str(a, st, 0);
        row->at = store_col_instant(a, st, 1);
        row->edge = store_col_word(a, st, 2);
        row->other.namespace = store_col_word(a, st, 3);
        row->other.name = store_col_word(a, st, 4);
        row->other.kind = store_col_word(a, st, 5);
        row->status = store_col_str(a, st, 6);
    }
    *out = rows;
    *n = ok ? nrows : 0;
    return ok;
}

/* -- events -- */

bool store_event_add(struct store *s, struct slice line, const char *run_id, const char *event_time,
                     bool *added, struct err *err)
{
    static const char insert[] = "INSERT INTO event(sha256, run_id, at_us, line)"
                                 " VALUES(?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";
    struct sha256 sum;
    char hex[SHA256_HEX];
    line = slice_trim(line);
    sha256_init(&sum);
    sha256_add(&sum, line.p, line.len);
    sha256_hex(&sum, hex);
    *added = false;
    if (!store_enter(s, false, err))
        return false;
    sqlite3_stmt *st = store_stmt(s, insert, err);
    bool ok = st != NULL;
    if (st) {
        store_bind_str(st, 1, hex);
        store_bind_str(st, 2, run_id);
        store_bind_instant(st, 3, event_time);
        store_bind_slice(st, 4, line);
        ok = store_run_stmt(s, st, err);
        *added = ok && sqlite3_changes(s->db) > 0;
    }
    return store_leave(s, ok, err);
}
