/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `show`: what the store knows of a run, a pipeline, a dataset or a job, or of everything. */
#include <math.h>

#include "base/map.h"
#include "lineage/rows.h"
#include "os/os.h"
#include "tools/etl-lineage.h"

/* People get the last ones unless they ask for more; pipes get all. */
#define LIMIT_PEOPLE 10

static size_t limit_of(const struct answer *a)
{
    return a->o.limit ? (size_t)a->o.limit : a->people ? LIMIT_PEOPLE : 0;
}

static size_t least(size_t n, size_t limit)
{
    return limit && limit < n ? limit : n;
}

/* -- runs and pipelines -- */

static int show_run(struct answer *a, const struct store_run *r)
{
    struct store_stage *stages;
    struct store_run *parts;
    const char **logs;
    size_t nstages, nparts, nlogs;
    if (!store_run_stages(a->store, &a->arena, r->run_id, &stages, &nstages, &a->err) ||
        !store_run_children(a->store, &a->arena, r->run_id, &parts, &nparts, &a->err) ||
        !store_log_stages(a->store, &a->arena, r->run_id, &logs, &nlogs, &a->err))
        return (int)a->err.kind;
    if (!a->people) {
        static const struct store_stage none;
        lineage_write_run(&a->out, r, stages ? stages : &none, nstages);
        for (size_t i = 0; i < nparts; i++)
            lineage_write_run(&a->out, &parts[i], NULL, 0);
        return STATUS_OK;
    }
    lineage_view_run(&a->out, r, stages, nstages);
    if (nparts) {
        lineage_view_heading(&a->out, "parts");
        lineage_view_runs(&a->out, parts, nparts);
    }
    for (size_t i = 0; i < nlogs; i++) {
        struct quoted q;
        if (i == 0)
            lineage_view_heading(&a->out, "standard error was kept of");
        buf_addf(&a->out, "%s\n", quote_str(&q, logs[i]));
    }
    return STATUS_OK;
}

static bool accesses(struct answer *a, const struct store_node *node)
{
    struct store_node_run *r;
    size_t n;
    const char *name = lineage_name(&a->arena, node);
    if (!store_node_runs(a->store, &a->arena, node, a->people ? 0 : limit_of(a), &r, &n, &a->err))
        return false;
    if (!a->people)
        for (size_t i = 0; i < n; i++)
            lineage_write_access(&a->out, name, lineage_name(&a->arena, &r[i].other), &r[i]);
    else if (n) {
        lineage_view_heading(&a->out, "last read and written");
        lineage_view_accesses(&a->arena, &a->out, r, n, limit_of(a));
    }
    return true;
}

static int show_pipeline(struct answer *a, const struct store_run *runs, size_t n)
{
    struct store_pipeline *all = NULL;
    size_t nall;
    if (!store_pipelines(a->store, &a->arena, &all, &nall, &a->err))
        return (int)a->err.kind;
    size_t k = 0;
    while (k < nall && strcmp(all[k].pipeline, runs[0].pipeline) != 0)
        k++;
    size_t shown = least(n, limit_of(a));
    if (a->people) {
        struct quoted q;
        lineage_view_heading(&a->out, "pipeline %s", quote_str(&q, runs[0].pipeline));
        lineage_view_pipelines(&a->out, all + k, k < nall);
        lineage_view_heading(&a->out, "last runs");
        lineage_view_runs(&a->out, runs, shown);
    } else {
        if (k < nall)
            lineage_write_pipeline(&a->out, &all[k]);
        for (size_t i = 0; i < shown; i++)
            lineage_write_run(&a->out, &runs[i], NULL, 0);
    }
    return STATUS_OK;
}

/* -- datasets and jobs -- */

static void count_ends(const struct lineage_graph *g, uint32_t node, int64_t *readers,
                       int64_t *writers)
{
    *readers = (int64_t)(g->down.start[node + 1] - g->down.start[node]);
    *writers = (int64_t)(g->up.start[node + 1] - g->up.start[node]);
}

static int show_dataset(struct answer *a, const struct lineage_graph *g, const char *name,
                        const struct store_dataset *seen, const uint32_t *node)
{
    struct lineage_dataset_row row = {.readers = -1, .writers = -1};
    struct store_schema *v;
    size_t n;
    if (seen)
        row.seen = *seen;
    row.seen.dataset = name;
    if (node)
        count_ends(g, *node, &row.readers, &row.writers);
    if (!store_schemas(a->store, &a->arena, name, &v, &n, &a->err))
        return (int)a->err.kind;
    if (a->people) {
        lineage_view_datasets(&a->out, &row, 1);
        if (n) {
            lineage_view_heading(&a->out, "profiles");
            lineage_view_sightings(&a->out, v, n, limit_of(a));
        }
    } else {
        lineage_write_dataset(&a->out, &row.seen, row.readers, row.writers);
        for (size_t i = n; i > n - least(n, limit_of(a)); i--)
            lineage_write_sighting(&a->out, name, &v[i - 1]);
    }
    if (node && !accesses(a, &g->rows.nodes[*node]))
        return (int)a->err.kind;
    return STATUS_OK;
}

static int show_job(struct answer *a, const struct store_node *job)
{
    const char *name = lineage_name(&a->arena, job);
    if (a->people)
        lineage_view_heading(&a->out, "job %s", name);
    else
        lineage_write_node(&a->out, job, name, 0, NULL, "show", name);
    return accesses(a, job) ? STATUS_OK : (int)a->err.kind;
}

/* The dataset of that name or path, else the only one that has it as a part. */
static const struct store_dataset *find_seen(const struct store_dataset *d, size_t n,
                                             const char *what, bool exact)
{
    const struct store_dataset *found = NULL;
    char *path = path_absolute(what, NULL), *file = xasprintf("file:%s", path);
    size_t fits = 0;
    for (size_t i = 0; i < n; i++) {
        bool fit = exact ? !strcmp(d[i].dataset, what) || !strcmp(d[i].dataset, file)
                         : strstr(d[i].dataset, what) != NULL;
        if (fit && fits++ == 0)
            found = &d[i];
    }
    free(path);
    free(file);
    return fits == 1 ? found : NULL;
}

static int show_node(struct answer *a, const char *what)
{
    struct lineage_graph g;
    struct store_dataset *seen;
    size_t nseen;
    uint32_t node;
    if (!lineage_load(a->store, &a->arena, &g, &a->err) ||
        !store_datasets(a->store, &a->arena, &seen, &nseen, &a->err))
        return (int)a->err.kind;
    bool want_job = a->o.kind && strcmp(a->o.kind, "job") == 0;
    const struct store_dataset *d = want_job ? NULL : find_seen(seen, nseen, what, true);
    if (d) {
        struct err quiet;
        bool known = lineage_find(&g, d->dataset, "dataset", &node, &quiet) &&
                     !strcmp(lineage_name(&a->arena, &g.rows.nodes[node]), d->dataset);
        return show_dataset(a, &g, d->dataset, d, known ? &node : NULL);
    }
    if (!lineage_find(&g, what, a->o.kind, &node, &a->err)) {
        d = want_job ? NULL : find_seen(seen, nseen, what, false);
        if (!d || a->err.kind != ERR_DATA)
            return (int)a->err.kind;
        err_clear(&a->err);
        return show_dataset(a, &g, d->dataset, d, NULL);
    }
    if (strcmp(g.rows.nodes[node].kind, "job") == 0)
        return show_job(a, &g.rows.nodes[node]);
    const char *name = lineage_name(&a->arena, &g.rows.nodes[node]);
    return show_dataset(a, &g, name, find_seen(seen, nseen, name, true), &node);
}

/* -- everything -- */

static int row_cmp(const void *x, const void *y)
{
    const struct lineage_dataset_row *a = x, *b = y;
    return strcmp(a->seen.dataset, b->seen.dataset);
}

/* Datasets that were profiled and those of the graph, by name. */
static struct lineage_dataset_row *all_datasets(struct answer *a, const struct lineage_graph *g,
                                                const struct store_dataset *seen, size_t nseen,
                                                size_t *n)
{
    struct lineage_dataset_row *rows =
        ARENA_ARRAY(&a->arena, struct lineage_dataset_row, nseen + g->rows.nnodes);
    struct map at = MAP_INIT;
    *n = 0;
    for (size_t i = 0; i < nseen; i++) {
        map_put(&at, slice_str(seen[i].dataset), NULL)->v.num = (int64_t)*n;
        rows[(*n)++] = (struct lineage_dataset_row){seen[i], -1, -1};
    }
    for (uint32_t i = 0; i < g->rows.nnodes; i++) {
        if (strcmp(g->rows.nodes[i].kind, "dataset") != 0)
            continue;
        const char *name = lineage_name(&a->arena, &g->rows.nodes[i]);
        bool is_new;
        struct map_entry *e = map_put(&at, slice_str(name), &is_new);
        if (is_new) {
            e->v.num = (int64_t)*n;
            rows[(*n)++] = (struct lineage_dataset_row){.seen = {.dataset = name}};
        }
        struct lineage_dataset_row *row = &rows[e->v.num];
        count_ends(g, i, &row->readers, &row->writers);
    }
    map_release(&at);
    if (*n > 1)
        qsort(rows, *n, sizeof(*rows), row_cmp);
    return rows;
}

static int show_all(struct answer *a)
{
    struct lineage_graph g;
    struct store_pipeline *p;
    struct store_dataset *seen;
    size_t np, nseen, nd;
    if (!store_pipelines(a->store, &a->arena, &p, &np, &a->err) ||
        !store_datasets(a->store, &a->arena, &seen, &nseen, &a->err) ||
        !lineage_load(a->store, &a->arena, &g, &a->err))
        return (int)a->err.kind;
    struct lineage_dataset_row *d = all_datasets(a, &g, seen, nseen, &nd);
    size_t limit = a->o.limit ? (size_t)a->o.limit : 0;
    np = least(np, limit);
    nd = least(nd, limit);
    if (a->people) {
        if (np)
            lineage_view_pipelines(&a->out, p, np);
        if (np && nd)
            buf_addc(&a->out, '\n');
        if (nd)
            lineage_view_datasets(&a->out, d, nd);
    } else {
        for (size_t i = 0; i < np; i++)
            lineage_write_pipeline(&a->out, &p[i]);
        for (size_t i = 0; i < nd; i++)
            lineage_write_dataset(&a->out, &d[i].seen, d[i].readers, d[i].writers);
    }
    return np + nd ? STATUS_OK : STATUS_NO;
}

/* An id of ours, or the beginning of one: not to be mistaken for a name. */
static bool is_like_id(const char *what)
{
    size_t n = strlen(what);
    return n >= 4 && strspn(what, "0123456789abcdef-") == n;
}

int lineage_show(struct answer *a, const char *what)
{
    struct store_run run, *runs;
    size_t n;
    if (!what)
        return show_all(a);
    if (!a->o.kind) {
        bool found = store_run_find(a->store, &a->arena, what, &run, &a->err);
        if (found && (is_like_id(what) || strcmp(run.run_id, what) == 0))
            return show_run(a, &run);
        if (!found && a->err.kind != ERR_DATA)
            return (int)a->err.kind;
        struct err several = a->err;
        err_clear(&a->err);
        if (!store_runs(a->store, &a->arena, what, NULL, 0, 0, &runs, &n, &a->err))
            return (int)a->err.kind;
        if (n)
            return show_pipeline(a, runs, n);
        if (!found && is_like_id(what) && strstr(several.text, "several")) {
            a->err = several;
            return (int)a->err.kind;
        }
    }
    return show_node(a, what);
}
