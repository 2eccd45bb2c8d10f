/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs: begun, ended, seen from outside, found again. Their stages are in stages.c. */
#include <math.h>

#include "base/hash.h"
#include "base/instant.h"
#include "store/internal.h"
#include "store/stages.h"

/* -- writing -- */

static void hash_text(struct slice body, char hex[SHA256_HEX])
{
    struct sha256 sum;
    sha256_init(&sum);
    sha256_add(&sum, body.p, body.len);
    sha256_hex(&sum, hex);
}

void store_definition_hash(const struct json *definition, char hex[SHA256_HEX])
{
    struct buf body = BUF_INIT(BUF_UNBOUNDED);
    json_write(&body, definition);
    hash_text(buf_slice(&body), hex);
    buf_release(&body);
}

static bool definition_id(struct store *s, const struct json *definition, int64_t *id,
                          struct err *err)
{
    static const char insert[] = "INSERT INTO definition(sha256, body) VALUES(?1, ?2)"
                                 " ON CONFLICT DO UPDATE SET sha256 = sha256 RETURNING id";
    struct buf body = BUF_INIT(BUF_UNBOUNDED);
    json_write(&body, definition);
    char hex[SHA256_HEX];
    hash_text(buf_slice(&body), hex);
    bool ok = false;
    sqlite3_stmt *st = store_stmt(s, insert, err);
    if (st) {
        store_bind_str(st, 1, hex);
        store_bind_slice(st, 2, buf_slice(&body));
        *id = 0;
        while (store_row(s, st, &ok, err))
            *id = sqlite3_column_int64(st, 0);
    }
    buf_release(&body);
    return ok;
}

static bool check_names(const struct store_run *r, struct err *err)
{
    if (!r->run_id || !r->run_id[0])
        return err_set(err, ERR_DATA, "a run without an id cannot be kept");
    if (!r->pipeline)
        return err_set(err, ERR_DATA, "run '%s' has no pipeline name", r->run_id);
    return true;
}

bool store_run_begin(struct store *s, const struct store_run *r, const struct json *definition,
                     struct err *err)
{
    static const char insert[] =
        "INSERT INTO run(run_id, origin, pipeline, namespace, parent_run_id, status, code_version,"
        " mode, base, started_us, host, boot, pid, pid_start, definition)"
        " VALUES(?1, 'own', ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)"
        " ON CONFLICT(run_id) DO UPDATE SET origin = 'own', pipeline = excluded.pipeline,"
        " namespace = excluded.namespace,"
        " parent_run_id = coalesce(excluded.parent_run_id, parent_run_id),"
        " status = excluded.status, code_version = excluded.code_version, mode = excluded.mode,"
        " base = excluded.base, started_us = excluded.started_us, ended_us = NULL, error = NULL,"
        " host = excluded.host, boot = excluded.boot, pid = excluded.pid,"
        " pid_start = excluded.pid_start, definition = excluded.definition";
    if (!check_names(r, err) || !store_enter(s, false, err))
        return false;
    int64_t id = 0;
    bool ok = !definition || definition_id(s, definition, &id, err);
    sqlite3_stmt *st = ok ? store_stmt(s, insert, err) : NULL;
    if (st) {
        store_bind_str(st, 1, r->run_id);
        store_bind_str(st, 2, r->pipeline);
        store_bind_str(st, 3, r->job_namespace);
        store_bind_str(st, 4, r->parent_run_id);
        store_bind_str(st, 5, r->status ? r->status : "running");
        store_bind_str(st, 6, r->code_version);
        store_bind_str(st, 7, r->mode);
        store_bind_str(st, 8, r->base);
        if (r->started_at)
            store_bind_instant(st, 9, r->started_at);
        else
            sqlite3_bind_int64(st, 9, instant_now());
        struct store_process p;
        store_process_read(&p, r->pid);
        if (r->pid > 0 && (!r->host || strcmp(r->host, p.host) == 0)) {
            store_bind_str(st, 10, p.host);
            store_bind_str(st, 11, p.boot);
            sqlite3_bind_int64(st, 12, r->pid);
            sqlite3_bind_int64(st, 13, p.start);
        } else {
            store_bind_str(st, 10, r->host);
        }
        if (definition)
            sqlite3_bind_int64(st, 14, id);
        ok = store_run_stmt(s, st, err);
    }
    return store_leave(s, ok && st, err);
}

bool store_run_end(struct store *s, const struct store_run *r, const struct store_stage *stages,
                   size_t nstages, struct err *err)
{
    static const char upsert[] =
        "INSERT INTO run(run_id, origin, pipeline, namespace, parent_run_id, status, code_version,"
        " mode, base, started_us, ended_us, wall_s, cpu_s, peak_memory_bytes, rejects, error, host)"
        " VALUES(?1, 'own', ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)"
        " ON CONFLICT(run_id) DO UPDATE SET origin = 'own', status = excluded.status,"
        " namespace = coalesce(excluded.namespace, namespace),"
        " parent_run_id = coalesce(excluded.parent_run_id, parent_run_id),"
        " code_version = coalesce(excluded.code_version, code_version),"
        " mode = coalesce(excluded.mode, mode), base = coalesce(excluded.base, base),"
        " started_us = coalesce(excluded.started_us, started_us), ended_us = excluded.ended_us,"
        " wall_s = excluded.wall_s, cpu_s = excluded.cpu_s,"
        " peak_memory_bytes = excluded.peak_memory_bytes, rejects = excluded.rejects,"
        " error = excluded.error";
    if (!check_names(r, err) || !store_enter(s, true, err))
        return false;
    sqlite3_stmt *st = store_stmt(s, upsert, err);
    bool ok = st != NULL;
    if (st) {
        const char *const texts[] = {r->run_id, r->pipeline,     r->job_namespace, r->parent_run_id,
                                     r->status, r->code_version, r->mode,          r->base};
        for (size_t i = 0; i < ARRAY_LEN(texts); i++)
            store_bind_str(st, (int)i + 1, texts[i]);
        if (!r->status)
            store_bind_str(st, 5, "completed");
        store_bind_instant(st, 9, r->started_at);
        if (r->ended_at)
            store_bind_instant(st, 10, r->ended_at);
        else
            sqlite3_bind_int64(st, 10, instant_now());
        store_bind_num(st, 11, r->wall_s);
        store_bind_num(st, 12, r->cpu_s);
        store_bind_num(st, 13, r->peak_memory_bytes);
        store_bind_num(st, 14, r->rejects);
        store_bind_str(st, 15, r->error);
        store_bind_str(st, 16, r->host);
        ok = store_run_stmt(s, st, err) && store_stages_put(s, r->run_id, stages, nstages, err);
        if (ok && (!r->status || strcmp(r->status, "completed") == 0))
            ok = store_journal_clear(s, r->run_id, err);
    }
    return store_leave(s, ok, err);
}

/* Sayings compare as text: weight, instant (20 digits), status, job, hash of the record. */
static char *saying_key(const struct store_run *r, const struct store_saying *how)
{
    int64_t us = 0;
    char hex[SHA256_HEX];
    hash_text(how->line, hex);
    if (how->at && !instant_parse(slice_str(how->at), &us))
        us = 0;
    return xasprintf("%d %020lld %s %s %s %s", how->weight, us < 0 ? 0LL : (long long)us,
                     r->status ? r->status : "", r->job_namespace ? r->job_namespace : "",
                     r->pipeline, hex);
}

static void bind_saying(sqlite3_stmt *st, const struct store_run *r, const char *key)
{
    store_bind_str(st, 1, r->run_id);
    store_bind_str(st, 2, key);
    store_bind_str(st, 3, r->pipeline);
    store_bind_str(st, 4, r->job_namespace);
    store_bind_str(st, 5, r->parent_run_id);
    store_bind_str(st, 6, r->status ? r->status : "running");
    store_bind_instant(st, 7, r->started_at);
    store_bind_instant(st, 8, r->ended_at);
    store_bind_num(st, 9, r->wall_s);
    store_bind_num(st, 10, r->cpu_s);
    store_bind_num(st, 11, r->peak_memory_bytes);
    store_bind_num(st, 12, r->rejects);
    store_bind_str(st, 13, r->error);
}

bool store_run_seen(struct store *s, const struct store_run *r, const struct store_saying *how,
                    const struct store_stage *stages, size_t nstages, struct err *err)
{
    static const char first[] =
        "INSERT INTO run(run_id, origin, pipeline, parent_run_id, status, started_us)"
        " VALUES(?1, 'seen', ?2, ?3, 'running', ?4)"
        " ON CONFLICT(run_id) DO UPDATE SET"
        " started_us = CASE WHEN origin = 'own' THEN started_us ELSE"
        "  min(coalesce(started_us, excluded.started_us),"
        "      coalesce(excluded.started_us, started_us)) END,"
        " parent_run_id = CASE WHEN origin = 'own' OR parent_run_id > excluded.parent_run_id"
        "  THEN parent_run_id ELSE coalesce(excluded.parent_run_id, parent_run_id) END";
    static const char better[] =
        "UPDATE run SET seen_key = ?2, pipeline = ?3, namespace = ?4, status = ?6, ended_us = ?8,"
        " wall_s = ?9, cpu_s = ?10, peak_memory_bytes = ?11, rejects = ?12, error = ?13"
        " WHERE run_id = ?1 AND origin = 'seen' AND seen_key < ?2";
    if (!check_names(r, err) || !store_enter(s, false, err))
        return false;
    sqlite3_stmt *st = store_stmt(s, first, err);
    bool ok = st != NULL;
    if (st) {
        store_bind_str(st, 1, r->run_id);
        store_bind_str(st, 2, r->pipeline);
        store_bind_str(st, 3, r->parent_run_id);
        store_bind_instant(st, 4, r->started_at);
        ok = store_run_stmt(s, st, err);
    }
    st = ok ? store_stmt(s, better, err) : NULL;
    if (st) {
        char *key = saying_key(r, how);
        bind_saying(st, r, key);
        free(key);
        ok = store_run_stmt(s, st, err);
        if (ok && nstages > 0 && sqlite3_changes(s->db) > 0)
            ok = store_stages_put(s, r->run_id, stages, nstages, err);
    }
    return store_leave(s, ok && st, err);
}

/* -- reading -- */

#define RUN_STATUS                                                          \
    "CASE WHEN status = 'running' AND ended_us IS NULL AND pid IS NOT NULL" \
    " AND process_gone(host, boot, pid, pid_start) THEN 'killed' ELSE status END"
#define RUN_COLUMNS                                                                           \
    "run_id, pipeline, " RUN_STATUS ", code_version, mode, base, started_us, ended_us,"       \
    " wall_s, cpu_s, peak_memory_bytes, rejects, error, host, pid, namespace, parent_run_id," \
    " resumed_from"
#define RUN_NCOLUMNS 18

static void run_read(struct arena *a, sqlite3_stmt *st, struct store_run *r)
{
    r->run_id = store_col_word(a, st, 0);
    r->pipeline = store_col_word(a, st, 1);
    r->status = store_col_word(a, st, 2);
    r->code_version = store_col_str(a, st, 3);
    r->mode = store_col_str(a, st, 4);
    r->base = store_col_str(a, st, 5);
    r->started_at = store_col_instant(a, st, 6);
    r->ended_at = store_col_instant(a, st, 7);
    r->wall_s = store_col_num(st, 8);
    r->cpu_s = store_col_num(st, 9);
    r->peak_memory_bytes = store_col_num(st, 10);
    r->rejects = store_col_num(st, 11);
    r->error = store_col_str(a, st, 12);
    r->host = store_col_str(a, st, 13);
    r->pid = sqlite3_column_int64(st, 14);
    r->job_namespace = store_col_str(a, st, 15);
    r->parent_run_id = store_col_str(a, st, 16);
    r->resumed_from = store_col_str(a, st, 17);
}

static bool runs_read(struct store *s, struct arena *a, sqlite3_stmt *st, struct store_run **out,
                      size_t *n, struct err *err)
{
    bool ok;
    struct store_run *runs = NULL;
    size_t nruns = 0;
    while (store_row(s, st, &ok, err))
        run_read(a, st, ARENA_PUSH(a, runs, nruns));
    *out = runs;
    *n = ok ? nruns : 0;
    return ok;
}

/* The text decides which index serves, so it is put together for what is asked. "running" and
 * "killed" are one status in the table. */
static void runs_sql(struct buf *sql, const struct store_filter *f)
{
    buf_adds(sql, "SELECT " RUN_COLUMNS " FROM run WHERE 1");
    if (f->pipeline)
        buf_adds(sql, " AND pipeline = ?1");
    if (f->status) /* within one pipeline its index is the better one: + takes the other away */
        buf_adds(sql, f->pipeline ? " AND +status" : " AND status");
    if (f->status)
        buf_adds(sql, " = CASE ?2 WHEN 'killed' THEN 'running' ELSE ?2 END");
    if (f->status && (!strcmp(f->status, "killed") || !strcmp(f->status, "running")))
        buf_adds(sql, " AND " RUN_STATUS " = ?2");
    if (f->since_us)
        buf_adds(sql, " AND started_us >= ?3");
    if (f->top)
        buf_adds(sql, " AND (parent_run_id IS NULL OR parent_run_id = run_id OR NOT EXISTS"
                      " (SELECT 1 FROM run p WHERE p.run_id = run.parent_run_id))");
    buf_adds(sql, " ORDER BY started_us DESC, run_id DESC LIMIT ?4");
}

bool store_runs_select(struct store *s, struct arena *a, const struct store_filter *f,
                       struct store_run **out, size_t *n, struct err *err)
{
    struct buf sql = BUF_INIT(4096);
    runs_sql(&sql, f);
    sqlite3_stmt *st = NULL;
    bool ok = sqlite3_prepare_v2(s->db, buf_str(&sql), -1, &st, NULL) == SQLITE_OK;
    buf_release(&sql);
    *n = 0;
    if (!ok)
        return store_fail(s, "read", err);
    store_bind_str(st, 1, f->pipeline);
    store_bind_str(st, 2, f->status);
    sqlite3_bind_int64(st, 3, f->since_us);
    sqlite3_bind_int64(st, 4, f->limit && f->limit < INT64_MAX ? (int64_t)f->limit : -1);
    ok = runs_read(s, a, st, out, n, err);
    sqlite3_finalize(st);
    return ok;
}

bool store_runs(struct store *s, struct arena *a, const char *pipeline, const char *status,
                int64_t since_us, size_t limit, struct store_run **out, size_t *n, struct err *err)
{
    struct store_filter f = {pipeline, status, since_us, limit, false};
    return store_runs_select(s, a, &f, out, n, err);
}

bool store_run_find(struct store *s, struct arena *a, const char *id, struct store_run *out,
                    struct err *err)
{
    /* A prefix is a range of the index: from itself to itself with the highest code point behind.
     */
    static const char by_prefix[] =
        "SELECT " RUN_COLUMNS " FROM run WHERE run_id >= ?1 AND run_id <= ?1 || char(1114111)"
        " ORDER BY run_id LIMIT 6";
    struct quoted q;
    quote_str(&q, id);
    struct store_run *runs;
    size_t n;
    sqlite3_stmt *st = store_stmt(s, by_prefix, err);
    if (!st)
        return false;
    store_bind_str(st, 1, id);
    if (!runs_read(s, a, st, &runs, &n, err))
        return false;
    bool exact = n > 0 && strcmp(runs[0].run_id, id) == 0;
    if (n == 0 || (!exact && strlen(id) < 4))
        return err_set(err, ERR_DATA,
                       strlen(id) < 4 ? "no run '%s': give its id, or at least the first 4 "
                                        "characters of it"
                                      : "no run '%s' in the store; `etl-lineage runs` lists them",
                       q.s);
    if (n > 1 && !exact) {
        struct buf list = BUF_INIT(700);
        for (size_t i = 0; i < n && i < 5; i++)
            buf_addf(&list, "%s%.80s", i ? ", " : "", runs[i].run_id);
        err_set(err, ERR_DATA, "'%s' begins the ids of several runs: %s%s", q.s, buf_str(&list),
                n > 5 ? ", …" : "");
        buf_release(&list);
        return false;
    }
    *out = runs[0];
    return true;
}

bool store_run_children(struct store *s, struct arena *a, const char *run_id,
                        struct store_run **out, size_t *n, struct err *err)
{
    static const char sql[] =
        "SELECT " RUN_COLUMNS " FROM run WHERE parent_run_id = ?1 ORDER BY started_us, run_id";
    *n = 0;
    sqlite3_stmt *st = store_stmt(s, sql, err);
    if (!st)
        return false;
    store_bind_str(st, 1, run_id);
    return runs_read(s, a, st, out, n, err);
}

bool store_run_definition(struct store *s, struct arena *a, const char *run_id, struct slice *out,
                          struct err *err)
{
    static const char sql[] =
        "SELECT body FROM run JOIN definition d ON d.id = run.definition WHERE run_id = ?1";
    *out = SLICE_NULL;
    sqlite3_stmt *st = store_stmt(s, sql, err);
    if (!st)
        return false;
    store_bind_str(st, 1, run_id);
    bool ok;
    while (store_row(s, st, &ok, err))
        *out = store_col_slice(a, st, 0);
    return ok;
}

bool store_pipelines(struct store *s, struct arena *a, struct store_pipeline **out, size_t *n,
                     struct err *err)
{
    static const char sql[] =
        "SELECT " RUN_COLUMNS ", total, done FROM"
        " (SELECT *, row_number() OVER newest AS place, count(*) OVER all_runs AS total,"
        "  sum(status = 'completed') OVER all_runs AS done FROM run"
        "  WINDOW newest AS (PARTITION BY pipeline ORDER BY started_us DESC, run_id DESC),"
        "  all_runs AS (PARTITION BY pipeline))"
        " WHERE place = 1 ORDER BY pipeline";
    struct store_pipeline *rows = NULL;
    size_t nrows = 0;
    *out = NULL;
    *n = 0;
    sqlite3_stmt *st = store_stmt(s, sql, err);
    if (!st)
        return false;
    bool ok;
    while (store_row(s, st, &ok, err)) {
        struct store_pipeline *p = ARENA_PUSH(a, rows, nrows);
        run_read(a, st, &p->last);
        p->pipeline = p->last.pipeline;
        p->runs = sqlite3_column_int64(st, RUN_NCOLUMNS);
        p->completed = sqlite3_column_int64(st, RUN_NCOLUMNS + 1);
    }
    *out = rows;
    *n = ok ? nrows : 0;
    return ok;
}
