/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What every query of the store stands on: statements prepared once, columns in and out, errors in
 * words, transactions. Knows no table.
 */
#include <errno.h>
#include <math.h>

#include "base/instant.h"
#include "store/internal.h"

/* -- errors -- */

/* SQLite forgets the reason of a write that failed while committing; errno still has it. */
static bool fail_io(sqlite3 *db, int last, const char *what, const char *path, struct err *err)
{
    static const int of_files[] = {ENOSPC, EFBIG, EDQUOT, EIO, EROFS, EACCES, EPERM};
    int e = sqlite3_system_errno(db);
    for (size_t i = 0; !e && i < ARRAY_LEN(of_files); i++)
        e = of_files[i] == last ? last : 0;
    const char *why = e ? strerror(e) : sqlite3_errmsg(db);
    return err_set(err, ERR_ENV, "cannot %s the store '%s': %s", what, path, why);
}

bool store_fail_db(sqlite3 *db, const char *path, const char *what, struct err *err)
{
    int last = errno, rc = sqlite3_extended_errcode(db);
    struct quoted q;
    quote_str(&q, path);
    switch (rc & 0xff) {
    case SQLITE_NOMEM:
        oom_die();
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
        return err_set(err, ERR_ENV,
                       "cannot %s the store '%s': another process has held it for 30 s; try again "
                       "when that one is done",
                       what, q.s);
    case SQLITE_FULL:
        return err_set(err, ERR_ENV,
                       "cannot %s the store '%s': the disk is full; make room or name "
                       "another place with --store",
                       what, q.s);
    case SQLITE_READONLY:
        return err_set(err, ERR_ENV,
                       "cannot %s the store '%s': it is read-only; make it and its folder writable "
                       "or name another place with --store",
                       what, q.s);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return err_set(err, ERR_ENV,
                       "cannot %s the store '%s': the file is damaged (%s); put back a copy, or "
                       "move it away and a new one is made",
                       what, q.s, sqlite3_errmsg(db));
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return fail_io(db, last, what, q.s, err);
    case SQLITE_TOOBIG:
        return err_set(err, ERR_DATA, "cannot %s the store '%s': a value is over its limit", what,
                       q.s);
    default:
        return err_set(err, ERR_ENV, "cannot %s the store '%s': %s", what, q.s, sqlite3_errmsg(db));
    }
}

bool store_fail(struct store *s, const char *what, struct err *err)
{
    s->txn_failed = s->explicit_txn;
    return store_fail_db(s->db, s->path, what, err);
}

/* -- statements -- */

sqlite3_stmt *store_stmt(struct store *s, const char *sql, struct err *err)
{
    for (size_t i = 0; i < s->nstmts; i++)
        if (s->stmts[i].sql == sql)
            return s->stmts[i].st;
    sqlite3_stmt *st = NULL;
    if (s->nstmts == ARRAY_LEN(s->stmts))
        BUG("more than %zu statements in the store", ARRAY_LEN(s->stmts));
    if (sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &st, NULL) != SQLITE_OK) {
        store_fail(s, "use", err);
        return NULL;
    }
    s->stmts[s->nstmts].sql = sql;
    s->stmts[s->nstmts++].st = st;
    return st;
}

bool store_run_stmt(struct store *s, sqlite3_stmt *st, struct err *err)
{
    bool ok = sqlite3_step(st) == SQLITE_DONE;
    if (!ok)
        store_fail(s, "write to", err);
    sqlite3_reset(st);
    sqlite3_clear_bindings(st);
    return ok;
}

bool store_row(struct store *s, sqlite3_stmt *st, bool *ok, struct err *err)
{
    int rc = sqlite3_step(st);
    *ok = rc == SQLITE_ROW || rc == SQLITE_DONE;
    if (rc == SQLITE_ROW)
        return true;
    if (!*ok)
        store_fail(s, "read", err);
    sqlite3_reset(st);
    sqlite3_clear_bindings(st);
    return false;
}

/* -- columns -- */

void store_bind_str(sqlite3_stmt *st, int i, const char *v)
{
    if (v)
        sqlite3_bind_text(st, i, v, -1, SQLITE_TRANSIENT);
    else
        sqlite3_bind_null(st, i);
}

void store_bind_slice(sqlite3_stmt *st, int i, struct slice v)
{
    sqlite3_bind_text64(st, i, v.p ? v.p : "", v.len, SQLITE_TRANSIENT, SQLITE_UTF8);
}

void store_bind_num(sqlite3_stmt *st, int i, double v)
{
    if (isfinite(v))
        sqlite3_bind_double(st, i, v);
    else
        sqlite3_bind_null(st, i);
}

void store_bind_instant(sqlite3_stmt *st, int i, const char *at)
{
    int64_t us;
    if (at && instant_parse(slice_str(at), &us))
        sqlite3_bind_int64(st, i, us);
    else
        sqlite3_bind_null(st, i);
}

struct slice store_col_slice(struct arena *a, sqlite3_stmt *st, int i)
{
    const void *p = sqlite3_column_blob(st, i);
    size_t n = (size_t)sqlite3_column_bytes(st, i);
    return slice_of(arena_strndup(a, p ? p : "", n), n);
}

const char *store_col_str(struct arena *a, sqlite3_stmt *st, int i)
{
    if (sqlite3_column_type(st, i) == SQLITE_NULL)
        return NULL;
    const char *p = (const char *)sqlite3_column_text(st, i);
    return arena_strdup(a, p ? p : "");
}

const char *store_col_word(struct arena *a, sqlite3_stmt *st, int i)
{
    const char *s = store_col_str(a, st, i);
    return s ? s : "";
}

bool store_col_is(sqlite3_stmt *st, int i, const char *word)
{
    const char *p = (const char *)sqlite3_column_text(st, i);
    return p && strcmp(p, word) == 0;
}

double store_col_num(sqlite3_stmt *st, int i)
{
    return sqlite3_column_type(st, i) == SQLITE_NULL ? (double)NAN : sqlite3_column_double(st, i);
}

const char *store_col_instant(struct arena *a, sqlite3_stmt *st, int i)
{
    if (sqlite3_column_type(st, i) == SQLITE_NULL)
        return NULL;
    char text[INSTANT_TEXT];
    instant_format(text, sqlite3_column_int64(st, i));
    return arena_strdup(a, text);
}

/* -- transactions -- */

static bool exec(struct store *s, const char *sql, const char *what, struct err *err)
{
    if (sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK)
        return true;
    return store_fail(s, what, err);
}

/* IMMEDIATE: the write lock is taken at once and waited for; a read that turns into a write could
 * not wait (two of them would wait for each other). The level of synchronous can only be set
 * outside a transaction: NORMAL survives kill -9, as the log is in the kernel's hands; FULL
 * survives power loss too, for one fsync. */
static bool begin(struct store *s, bool durable, struct err *err)
{
    return exec(s, durable ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL", "write to",
                err) &&
           exec(s, "BEGIN IMMEDIATE", "write to", err);
}

/* Some errors (a full disk) have rolled back already. */
static void undo(struct store *s)
{
    if (!sqlite3_get_autocommit(s->db))
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
}

static bool commit(struct store *s, struct err *err)
{
    if (exec(s, "COMMIT", "write to", err))
        return true;
    undo(s);
    return false;
}

bool store_enter(struct store *s, bool durable, struct err *err)
{
    if (!s->explicit_txn)
        return begin(s, durable, err);
    if (s->txn_failed)
        return err_set(err, ERR_ENV, "cannot write to the store '%s': an earlier write failed",
                       s->path);
    return true;
}

bool store_leave(struct store *s, bool ok, struct err *err)
{
    if (s->explicit_txn) {
        s->txn_failed = s->txn_failed || !ok;
        return ok;
    }
    if (ok)
        return commit(s, err);
    undo(s);
    return false;
}

static bool begin_explicit(struct store *s, bool durable, struct err *err)
{
    if (s->explicit_txn)
        BUG("store_begin inside a transaction");
    if (!begin(s, durable, err))
        return false;
    s->explicit_txn = true;
    s->txn_failed = false;
    return true;
}

bool store_begin(struct store *s, struct err *err)
{
    return begin_explicit(s, true, err);
}

bool store_begin_relaxed(struct store *s, struct err *err)
{
    return begin_explicit(s, false, err);
}

bool store_commit(struct store *s, struct err *err)
{
    if (!s->explicit_txn)
        BUG("store_commit outside a transaction");
    bool failed = s->txn_failed;
    s->explicit_txn = false;
    s->txn_failed = false;
    if (!failed)
        return commit(s, err);
    undo(s);
    return err_set(err, ERR_ENV, "cannot write to the store '%s': an earlier write failed",
                   s->path);
}

void store_rollback(struct store *s)
{
    s->explicit_txn = false;
    s->txn_failed = false;
    undo(s);
}
