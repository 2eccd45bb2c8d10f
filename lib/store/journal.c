/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The journals of runs that may be gone on with. What a body says is the engine's business. A run
 * that completes has no journal any more, and one that is gone on with hands it to the next.
 */
#include "base/hash.h"
#include "store/internal.h"

static const char clear[] =
    "DELETE FROM journal WHERE run = (SELECT id FROM run WHERE run_id = ?1)";

static bool put_rows(struct store *s, const char *run_id, const struct store_journal *rows,
                     size_t n, struct err *err)
{
    static const char put[] = "INSERT INTO journal(run, stage, body)"
                              " VALUES((SELECT id FROM run WHERE run_id = ?1), ?2, ?3)"
                              " ON CONFLICT DO UPDATE SET body = excluded.body";
    sqlite3_stmt *st = store_stmt(s, put, err);
    if (!st)
        return false;
    for (size_t i = 0; i < n; i++) {
        store_bind_str(st, 1, run_id);
        store_bind_str(st, 2, rows[i].stage);
        store_bind_slice(st, 3, rows[i].body);
        if (!store_run_stmt(s, st, err))
            return false;
    }
    return true;
}

bool store_journal_put(struct store *s, const char *run_id, const struct store_journal *rows,
                       size_t n, bool durable, struct err *err)
{
    if (!store_enter(s, durable, err))
        return false;
    return store_leave(s, put_rows(s, run_id, rows, n, err), err);
}

/* The one who deletes the journal is the one who goes on. */
static bool take_over(struct store *s, const char *run_id, const char *from, struct err *err)
{
    static const char note[] = "UPDATE run SET resumed_from = ?2 WHERE run_id = ?1";
    sqlite3_stmt *st = store_stmt(s, clear, err);
    if (!st)
        return false;
    store_bind_str(st, 1, from);
    if (!store_run_stmt(s, st, err))
        return false;
    if (sqlite3_changes(s->db) == 0)
        return err_set(err, ERR_AGAIN, "run '%s' is being resumed by another process", from);
    st = store_stmt(s, note, err);
    if (!st)
        return false;
    store_bind_str(st, 1, run_id);
    store_bind_str(st, 2, from);
    return store_run_stmt(s, st, err);
}

bool store_journal_begin(struct store *s, const char *run_id, const char *from,
                         const struct store_journal *rows, size_t n, struct err *err)
{
    if (!store_enter(s, false, err))
        return false;
    return store_leave(
        s, (!from || take_over(s, run_id, from, err)) && put_rows(s, run_id, rows, n, err), err);
}

bool store_journal_read(struct store *s, struct arena *a, const char *run_id,
                        struct store_journal **out, size_t *n, struct err *err)
{
    static const char sql[] = "SELECT stage, body FROM journal"
                              " WHERE run = (SELECT id FROM run WHERE run_id = ?1) ORDER BY stage";
    struct store_journal *rows = NULL;
    size_t nrows = 0;
    *out = NULL;
    *n = 0;
    sqlite3_stmt *st = store_stmt(s, sql, err);
    if (!st)
        return false;
    store_bind_str(st, 1, run_id);
    bool ok;
    while (store_row(s, st, &ok, err)) {
        struct store_journal *j = ARENA_PUSH(a, rows, nrows);
        j->stage = store_col_word(a, st, 0);
        j->body = store_col_slice(a, st, 1);
    }
    *out = rows;
    *n = ok ? nrows : 0;
    return ok;
}

bool store_journal_clear(struct store *s, const char *run_id, struct err *err)
{
    sqlite3_stmt *st = store_stmt(s, clear, err);
    if (!st)
        return false;
    store_bind_str(st, 1, run_id);
    return store_run_stmt(s, st, err);
}

bool store_resumable(struct store *s, struct arena *a, const char *pipeline,
                     const struct json *definition, const char **run_id, struct err *err)
{
    /* One that did the same as a later run that completed is none: its work is done. Nor is one of
     * another definition, when a later run of this one has completed. */
    static const char sql[] =
        "SELECT r.run_id FROM run r LEFT JOIN definition d ON d.id = r.definition"
        " WHERE r.pipeline = ?1 AND r.origin = 'own' AND r.status <> 'completed'"
        " AND EXISTS (SELECT 1 FROM journal j WHERE j.run = r.id)"
        " AND NOT EXISTS (SELECT 1 FROM run c WHERE c.pipeline = r.pipeline"
        "  AND c.status = 'completed' AND (c.definition = r.definition"
        "   OR c.definition = (SELECT id FROM definition WHERE sha256 = ?2))"
        "  AND coalesce(c.mode, '') NOT IN ('sampling', 'shadow')" /* these publish nothing */
        "  AND (c.started_us, c.run_id) > (r.started_us, r.run_id))"
        " ORDER BY d.sha256 IS ?2 DESC, r.started_us DESC, r.run_id DESC LIMIT 1";
    *run_id = NULL;
    sqlite3_stmt *st = store_stmt(s, sql, err);
    if (!st)
        return false;
    char hex[SHA256_HEX];
    store_definition_hash(definition, hex);
    store_bind_str(st, 1, pipeline);
    store_bind_str(st, 2, hex);
    bool ok;
    while (store_row(s, st, &ok, err))
        *run_id = store_col_word(a, st, 0);
    return ok;
}
