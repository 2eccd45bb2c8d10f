/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The kept stderr of stages. A log is rows of text at offsets of all that was ever appended: the
 * first half stays, of the rest only the last half; the offsets say what is missing between.
 */
#include "store/internal.h"

/* Small appends share a row up to this, so that a log written byte by byte does not become as many
 * rows; a row is rewritten as often, so it stays a few pages. */
#define CHUNK_BYTES 16384

struct tail {
    int64_t id, at, len; /* the last row; len 0: none */
    int64_t total;       /* bytes ever appended */
};

static bool log_tail(struct store *s, int64_t run, const char *stage, struct tail *t,
                     struct err *err)
{
    static const char sql[] = "SELECT id, at, length(text) FROM log"
                              " WHERE run = ?1 AND stage = ?2 ORDER BY at DESC LIMIT 1";
    *t = (struct tail){0};
    sqlite3_stmt *st = store_stmt(s, sql, err);
    if (!st)
        return false;
    sqlite3_bind_int64(st, 1, run);
    store_bind_str(st, 2, stage);
    bool ok;
    while (store_row(s, st, &ok, err)) {
        t->id = sqlite3_column_int64(st, 0);
        t->at = sqlite3_column_int64(st, 1);
        t->len = sqlite3_column_int64(st, 2);
        t->total = t->at + t->len;
    }
    return ok;
}

static bool row_id(struct store *s, const char *run_id, int64_t *id, struct err *err)
{
    static const char sql[] = "SELECT id FROM run WHERE run_id = ?1";
    sqlite3_stmt *st = store_stmt(s, sql, err);
    if (!st)
        return false;
    store_bind_str(st, 1, run_id);
    *id = 0;
    bool ok;
    while (store_row(s, st, &ok, err))
        *id = sqlite3_column_int64(st, 0);
    struct quoted q;
    if (ok && *id == 0)
        return err_set(err, ERR_DATA, "no run '%s' in the store", quote_str(&q, run_id));
    return ok;
}

static bool put_chunk(struct store *s, int64_t run, const char *stage, struct tail *t, int64_t at,
                      struct slice text, struct err *err)
{
    static const char insert[] = "INSERT INTO log(run, stage, at, text) VALUES(?1, ?2, ?3, ?4)";
    static const char extend[] = "UPDATE log SET text = CAST(text || ?2 AS BLOB) WHERE id = ?1";
    bool joins = t->len > 0 && t->at + t->len == at && t->len + (int64_t)text.len <= CHUNK_BYTES &&
                 at != STORE_LOG_HALF;
    sqlite3_stmt *st = store_stmt(s, joins ? extend : insert, err);
    if (!st)
        return false;
    if (joins) {
        sqlite3_bind_int64(st, 1, t->id);
        sqlite3_bind_blob64(st, 2, text.p, text.len, SQLITE_TRANSIENT);
        t->len += (int64_t)text.len;
    } else {
        sqlite3_bind_int64(st, 1, run);
        store_bind_str(st, 2, stage);
        sqlite3_bind_int64(st, 3, at);
        sqlite3_bind_blob64(st, 4, text.p, text.len, SQLITE_TRANSIENT);
    }
    if (!store_run_stmt(s, st, err))
        return false;
    if (!joins)
        *t = (struct tail){sqlite3_last_insert_rowid(s->db), at, (int64_t)text.len, 0};
    return true;
}

/* Rows of the second half that the last STORE_LOG_HALF bytes no longer touch. */
static bool trim(struct store *s, int64_t run, const char *stage, int64_t total, struct err *err)
{
    static const char sql[] = "DELETE FROM log WHERE run = ?1 AND stage = ?2 AND at >= ?3"
                              " AND at + length(text) <= ?4";
    sqlite3_stmt *st = store_stmt(s, sql, err);
    if (!st)
        return false;
    sqlite3_bind_int64(st, 1, run);
    store_bind_str(st, 2, stage);
    sqlite3_bind_int64(st, 3, STORE_LOG_HALF);
    sqlite3_bind_int64(st, 4, total - STORE_LOG_HALF);
    return store_run_stmt(s, st, err);
}

static bool append(struct store *s, const char *run_id, const char *stage, struct slice text,
                   struct err *err)
{
    int64_t run;
    struct tail t;
    if (!row_id(s, run_id, &run, err) || !log_tail(s, run, stage, &t, err))
        return false;
    int64_t at = t.total, total = t.total + (int64_t)text.len;
    while (text.len > 0) {
        /* What would be trimmed at once is not written: a text longer than the second half. */
        if (at >= STORE_LOG_HALF && total - at > STORE_LOG_HALF) {
            int64_t skip = total - at - STORE_LOG_HALF;
            text = slice_of(text.p + skip, text.len - (size_t)skip);
            at += skip;
        }
        size_t n = text.len < CHUNK_BYTES ? text.len : CHUNK_BYTES;
        if (at < STORE_LOG_HALF && at + (int64_t)n > STORE_LOG_HALF)
            n = (size_t)(STORE_LOG_HALF - at);
        if (!put_chunk(s, run, stage, &t, at, slice_of(text.p, n), err))
            return false;
        text = slice_of(text.p + n, text.len - n);
        at += (int64_t)n;
    }
    return total <= 2 * STORE_LOG_HALF || trim(s, run, stage, total, err);
}

bool store_log_append(struct store *s, const char *run_id, const char *stage, struct slice text,
                      struct err *err)
{
    if (text.len == 0)
        return true;
    if (!store_enter(s, false, err))
        return false;
    return store_leave(s, append(s, run_id, stage, text, err), err);
}

bool store_log_read(struct store *s, struct arena *a, const char *run_id, const char *stage,
                    struct slice *out, struct err *err)
{
    static const char sql[] =
        "SELECT at, text FROM log WHERE run = (SELECT id FROM run WHERE run_id = ?1)"
        " AND stage = ?2 ORDER BY at";
    *out = SLICE_NULL;
    struct buf b = BUF_INIT(BUF_UNBOUNDED);
    int64_t run;
    struct tail t;
    bool ok = row_id(s, run_id, &run, err) && log_tail(s, run, stage, &t, err);
    sqlite3_stmt *st = ok ? store_stmt(s, sql, err) : NULL;
    if (!st)
        return false;
    store_bind_str(st, 1, run_id);
    store_bind_str(st, 2, stage);
    int64_t next = 0;
    while (store_row(s, st, &ok, err)) {
        int64_t at = sqlite3_column_int64(st, 0);
        const char *p = sqlite3_column_blob(st, 1);
        int64_t len = sqlite3_column_bytes(st, 1);
        /* The oldest row of the second half may reach back too far. */
        int64_t skip = at >= STORE_LOG_HALF ? t.total - STORE_LOG_HALF - at : 0;
        skip = skip < 0 ? 0 : skip > len ? len : skip;
        if (at + skip > next)
            buf_addf(&b, "\n[… %lld bytes left out …]\n", (long long)(at + skip - next));
        buf_add(&b, p + skip, (size_t)(len - skip));
        next = at + len;
    }
    if (ok)
        *out = arena_slice(a, buf_slice(&b));
    buf_release(&b);
    return ok;
}

bool store_log_stages(struct store *s, struct arena *a, const char *run_id, const char ***out,
                      size_t *n, struct err *err)
{
    static const char sql[] =
        "SELECT stage FROM log WHERE run = (SELECT id FROM run WHERE run_id = ?1) AND at = 0"
        " ORDER BY id";
    const char **rows = NULL;
    size_t nrows = 0;
    *out = NULL;
    *n = 0;
    sqlite3_stmt *st = store_stmt(s, sql, err);
    if (!st)
        return false;
    store_bind_str(st, 1, run_id);
    bool ok;
    while (store_row(s, st, &ok, err))
        *ARENA_PUSH(a, rows, nrows) = store_col_word(a, st, 0);
    *out = rows;
    *n = ok ? nrows : 0;
    return ok;
}
