/* SPDX-License-Identifier: GPL-3.0-or-later */
/* etl-lineage: options, streams, statuses. The work is in lib/lineage and lib/store. */
#include "base/instant.h"
#include "base/nearest.h"
#include "cli/chain.h"
#include "cli/text.h"
#include "lineage/rows.h"
#include "tools/etl-lineage.h"

/* -- questions -- */

static bool open_store(struct answer *a)
{
    if (!store_open(&a->store, a->o.common.store, STORE_READ, &a->err))
        return false;
    if (a->store)
        return true;
    char *path = store_locate(a->o.common.store, &a->err);
    struct quoted q;
    if (path)
        err_set(&a->err, ERR_ENV,
                "no store at '%s'; etl-run and etl-lineage add make one, --store names another",
                quote_str(&q, path));
    free(path);
    return false;
}

static int runs(struct answer *a)
{
    struct store_run *rows;
    size_t n;
    struct store_filter f = {
        .pipeline = a->o.pipeline,
        .status = a->o.status,
        .limit = (size_t)a->o.limit,
        .top = !a->o.all && !a->o.pipeline,
    };
    /* 1e9 s: before there were any. */
    if (a->o.since >= 0 && a->o.since < 1e9)
        f.since_us = instant_now() - (int64_t)(a->o.since * (double)US_PER_S);
    if (!store_runs_select(a->store, &a->arena, &f, &rows, &n, &a->err))
        return (int)a->err.kind;
    if (a->people && n)
        lineage_view_runs(&a->out, rows, n);
    for (size_t i = 0; !a->people && i < n; i++)
        lineage_write_run(&a->out, &rows[i], NULL, 0);
    return n ? STATUS_OK : STATUS_NO;
}

/* The stages of a run that has not ended (or was killed) stand in its definition only. */
static bool add_defined(struct answer *a, const char *run_id, const char ***ids, size_t *n)
{
    struct slice body;
    struct json *v = NULL;
    struct err ignored = ERR_INIT;
    if (!store_run_definition(a->store, &a->arena, run_id, &body, &a->err))
        return false;
    if (!body.len || !json_parse(&a->arena, body, 0, &v, &ignored))
        return true;
    const struct json *stages = json_get(v, "stages");
    for (size_t i = 0; json_is(stages, JSON_ARRAY) && i < json_len(stages); i++)
        *ARENA_PUSH(&a->arena, *ids, *n) = json_str(json_at(stages, i), "id", "");
    return true;
}

/* A stage that wrote nothing is fine; one that the run does not have is not. */
static bool check_stage(struct answer *a, const char *run_id, const char *stage,
                        const char *const *logs, size_t nlogs)
{
    struct store_stage *stages;
    struct nearest near;
    struct quoted q, b;
    const char **ids = NULL;
    size_t n, nids = 0;
    if (!store_run_stages(a->store, &a->arena, run_id, &stages, &n, &a->err) ||
        (n == 0 && !add_defined(a, run_id, &ids, &nids)))
        return false;
    for (size_t i = 0; i < n; i++)
        *ARENA_PUSH(&a->arena, ids, nids) = stages[i].used.id;
    for (size_t i = 0; i < nlogs; i++)
        *ARENA_PUSH(&a->arena, ids, nids) = logs[i];
    nearest_init(&near, slice_str(stage));
    for (size_t i = 0; i < nids; i++) {
        if (strcmp(ids[i], stage) == 0)
            return true;
        nearest_try(&near, ids[i]);
    }
    quote_str(&q, stage);
    if (near.best)
        return err_set(&a->err, ERR_DATA, "run '%s' has no stage '%s'; did you mean '%s'?", run_id,
                       q.s, quote_str(&b, near.best));
    return err_set(&a->err, ERR_DATA,
                   "run '%s' has no stage '%s'; `etl-lineage show %.13s` lists them", run_id, q.s,
                   run_id);
}

static bool print_stage_log(struct answer *a, const char *run_id, const char *stage, bool heading,
                            bool first)
{
    struct slice text;
    struct quoted q;
    bool json = strcmp(a->o.common.format, "json") == 0;
    if (!store_log_read(a->store, &a->arena, run_id, stage, &text, &a->err))
        return false;
    if (heading && !json)
        buf_addf(&a->out, "%s==> %s <==\n", first ? "" : "\n", quote_str(&q, stage));
    if (json)
        lineage_write_log(&a->out, run_id, stage, text);
    else if (a->people) /* a terminal is not told what a command would tell it */
        text_mask(&a->out, text, true);
    else
        buf_add_slice(&a->out, text);
    return true;
}

static int print_log(struct answer *a, const char *id, const char *stage)
{
    struct store_run r;
    const char **logs;
    size_t n;
    bool found = false;
    if (!store_run_find(a->store, &a->arena, id, &r, &a->err))
        return (int)a->err.kind;
    /* What a resumed run kept spoke in the run before. */
    for (bool first = true;; first = false) {
        if (!store_log_stages(a->store, &a->arena, r.run_id, &logs, &n, &a->err) ||
            (first && stage && !check_stage(a, r.run_id, stage, logs, n)))
            return (int)a->err.kind;
        for (size_t i = 0; i < n; i++) {
            if (stage && strcmp(stage, logs[i]) != 0)
                continue;
            if (!print_stage_log(a, r.run_id, logs[i], !stage && n > 1, !found))
                return (int)a->err.kind;
            found = true;
        }
        if (found || !stage || !r.resumed_from)
            break;
        if (!store_run_find(a->store, &a->arena, r.resumed_from, &r, &a->err))
            return (int)a->err.kind;
    }
    return found ? STATUS_OK : STATUS_NO;
}

static int walk(struct answer *a, const char *name, bool upstream)
{
    struct lineage_graph g;
    struct lineage_row *rows;
    size_t n;
    uint32_t from;
    if (!lineage_load(a->store, &a->arena, &g, &a->err) ||
        !lineage_find(&g, name, a->o.kind, &from, &a->err))
        return (int)a->err.kind;
    uint32_t depth = a->o.depth > 0 ? (uint32_t)a->o.depth : 0;
    lineage_reach(&a->arena, &g, from, upstream, depth, &rows, &n);
    if (a->people) {
        lineage_view_tree(&a->arena, &a->out, &g, rows, n);
        return n > 1 ? STATUS_OK : STATUS_NO;
    }
    const struct store_node *nodes = g.rows.nodes;
    const char *of = lineage_name(&a->arena, &nodes[from]);
    for (size_t i = 1; i < n; i++)
        lineage_write_node(&a->out, &nodes[rows[i].node],
                           lineage_name(&a->arena, &nodes[rows[i].node]), rows[i].depth,
                           lineage_name(&a->arena, &nodes[rows[i].via]),
                           upstream ? "upstream" : "downstream", of);
    return n > 1 ? STATUS_OK : STATUS_NO;
}

static int ask(struct answer *a, const char *command, char **args, size_t n)
{
    int status;
    if (!open_store(a))
        return (int)a->err.kind;
    if (strcmp(command, "runs") == 0)
        status = runs(a);
    else if (strcmp(command, "log") == 0)
        status = print_log(a, args[0], n > 1 ? args[1] : NULL);
    else if (strcmp(command, "show") == 0)
        status = lineage_show(a, n ? args[0] : NULL);
    else
        status = walk(a, args[0], strcmp(command, "upstream") == 0);
    return status;
}

/* The number of operands each command takes. */
static bool check_operands(const char *command, size_t n)
{
    static const struct {
        const char *name, *what;
        size_t least, most;
    } takes[] = {
        {"runs", "nothing", 0, 0},          {"log", "RUN [STAGE]", 1, 2},
        {"show", "one name at most", 0, 1}, {"upstream", "one NODE", 1, 1},
        {"downstream", "one NODE", 1, 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(takes); i++) {
        if (strcmp(takes[i].name, command) == 0 && (n < takes[i].least || n > takes[i].most)) {
            cli_usage("'%s' takes %s, not %zu operands", command, takes[i].what, n);
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    struct answer a = {.o = ETL_LINEAGE_OPTS_INIT, .out = BUF_INIT(BUF_UNBOUNDED)};
    char **args;
    size_t n;
    int status;
    cli_init(&etl_lineage_tool);
    if (!cli_parse(&etl_lineage_tool, argc, argv, &a.o, &args, &n, &status))
        return status;
    const struct tool_command *command = cli_command(&etl_lineage_tool, n ? args[0] : NULL);
    if (!command || !check_operands(command->name, n - 1))
        return STATUS_USAGE;
    a.people = cli_for_people(&a.o.common);
    bool adding = strcmp(command->name, "add") == 0;
    status = adding ? lineage_add(&a, args + 1, n - 1) : ask(&a, command->name, args + 1, n - 1);
    if (a.err.kind)
        status = status_worse(status, cli_fail(&a.err));
    else if (!cli_is_quiet())
        out_buf(&a.out);
    store_close(a.store);
    buf_release(&a.out);
    arena_release(&a.arena);
    err_clear(&a.err);
    if (!out_close(&a.err))
        status = status_worse(status, cli_fail(&a.err));
    return status;
}
