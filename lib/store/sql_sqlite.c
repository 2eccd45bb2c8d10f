/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SQL in SQLite. See sql.h. */
#include <sqlite3.h>
#include <strings.h>
#include <time.h>

#include "base/arena.h"
#include "base/num.h"
#include "store/sql_driver.h"

#define WATCH_STEPS 100000 /* of SQLite's machine between two looks: some milliseconds */
#define BUSY_WAIT_NS 50000000
#define BUSY_TRIES 600 /* half a minute */

struct fill { /* a table that takes rows */
    const char *name;
    sqlite3_stmt *insert;
};
struct sqlite {
    struct sql base;
    sqlite3 *db;
    char *path;
    struct arena mem;
    struct fill *fills;
    uint32_t nfills;
    bool halted;
    struct err why; /* it was */
};

static bool fail(struct sqlite *s, const char *what, struct err *err)
{
    struct quoted q;
    if (s->halted) {
        *err = s->why;
        return false;
    }
    int code = sqlite3_errcode(s->db) & 0xff;
    if (code == SQLITE_NOMEM)
        oom_die();
    bool outside = code == SQLITE_BUSY || code == SQLITE_LOCKED || code == SQLITE_CANTOPEN ||
                   code == SQLITE_FULL || code == SQLITE_IOERR || code == SQLITE_READONLY ||
                   code == SQLITE_NOTADB || code == SQLITE_CORRUPT || code == SQLITE_PERM;
    return err_set(err, outside ? ERR_ENV : ERR_STAGE, "%s in '%s': %s%s", what,
                   quote_str(&q, s->path), sqlite3_errmsg(s->db),
                   code == SQLITE_BUSY ? " (another process holds it: try again later)" : "");
}

static int on_steps(void *ctx)
{
    struct sqlite *s = ctx;
    s->halted = s->halted || sql_halted(&s->base, &s->why);
    return s->halted;
}

static int on_busy(void *ctx, int tries)
{
    struct timespec pause = {0, BUSY_WAIT_NS};
    if (on_steps(ctx) || tries >= BUSY_TRIES)
        return 0;
    nanosleep(&pause, NULL);
    return 1;
}

static bool run_one(struct sqlite *s, const char *text, struct err *err)
{
    return sqlite3_exec(s->db, text, NULL, NULL, NULL) == SQLITE_OK ||
           fail(s, "cannot run SQL", err);
}

static void sqlite_close(struct sql *base)
{
    struct sqlite *s = (struct sqlite *)base;
    for (uint32_t i = 0; i < s->nfills; i++)
        sqlite3_finalize(s->fills[i].insert);
    sqlite3_close(s->db);
    arena_release(&s->mem);
    free(s->path);
    free(s);
}

static const char *column_type(enum type t)
{
    switch (t) {
    case TYPE_BOOLEAN:
        return "BOOLEAN";
    case TYPE_INTEGER:
        return "INTEGER";
    case TYPE_FLOAT:
        return "REAL";
    case TYPE_DATE:
        return "DATE_TEXT";
    case TYPE_TIMESTAMP:
        return "TIMESTAMP_TEXT";
    case TYPE_JSON:
        return "JSON_TEXT";
    default:
        return "TEXT";
    }
}

static bool sqlite_table(struct sql *base, const char *name, const struct schema *columns,
                         struct err *err)
{
    struct sqlite *s = (struct sqlite *)base;
    struct buf create = BUF_INIT(BUF_UNBOUNDED), insert = BUF_INIT(BUF_UNBOUNDED);
    buf_adds(&create, "CREATE TEMP TABLE ");
    buf_adds(&insert, "INSERT INTO temp.");
    sql_quote(&create, name);
    sql_quote(&insert, name);
    buf_adds(&insert, " VALUES");
    for (uint32_t c = 0; c < columns->n; c++) {
        buf_adds(&create, c ? ", " : " (");
        sql_quote(&create, columns->fields[c].name);
        buf_addf(&create, " %s", column_type(columns->fields[c].type));
        buf_adds(&insert, c ? ", ?" : " (?");
    }
    buf_adds(&create, columns->n ? ")" : " (nothing)");
    buf_adds(&insert, columns->n ? ")" : " (NULL)");
    bool ok = run_one(s, buf_str(&create), err);
    struct fill *f = ok ? ARENA_PUSH(&s->mem, s->fills, s->nfills) : NULL;
    if (ok) {
        *f = (struct fill){arena_strdup(&s->mem, name), NULL};
        ok = sqlite3_prepare_v2(s->db, buf_str(&insert), -1, &f->insert, NULL) == SQLITE_OK ||
             fail(s, "cannot fill a table", err);
    }
    buf_release(&create);
    buf_release(&insert);
    return ok;
}

static void bind_value(sqlite3_stmt *q, int at, const struct column *c, uint32_t row)
{
    if (!column_valid(c, row))
        sqlite3_bind_null(q, at);
    else if (c->type == TYPE_INTEGER)
        sqlite3_bind_int64(q, at, c->v.i64[row]);
    else if (c->type == TYPE_FLOAT)
        sqlite3_bind_double(q, at, c->v.f64[row]);
    else if (c->type == TYPE_BOOLEAN)
        sqlite3_bind_int(q, at, c->v.b8[row]);
    else
        sqlite3_bind_text(q, at, c->text[row].len ? c->text[row].p : "", (int)c->text[row].len,
                          SQLITE_STATIC);
}

static bool sqlite_insert(struct sql *base, const char *name, const struct batch *b,
                          struct err *err)
{
    struct sqlite *s = (struct sqlite *)base;
    sqlite3_stmt *q = NULL;
    for (uint32_t i = 0; i < s->nfills; i++)
        q = strcmp(s->fills[i].name, name) == 0 ? s->fills[i].insert : q;
    for (uint32_t row = 0; row < b->rows; row++) {
        for (uint32_t c = 0; c < b->ncols; c++)
            bind_value(q, (int)c + 1, &b->cols[c], row);
        bool ok = sqlite3_step(q) == SQLITE_DONE;
        sqlite3_reset(q);
        if (!ok)
            return fail(s, "cannot fill a table", err);
    }
    return true;
}

/* By the declared type, where it is one that SQLite itself does not know; its own say little of the
 * values that are really there. */
static enum type declared_type(const char *name)
{
    static const struct {
        const char *begins;
        enum type type;
    } known[] = {{"BOOL", TYPE_BOOLEAN},
                 {"TIMESTAMP", TYPE_TIMESTAMP},
                 {"DATETIME", TYPE_TIMESTAMP},
                 {"DATE", TYPE_DATE},
                 {"JSON", TYPE_JSON}};
    for (size_t i = 0; name && i < ARRAY_LEN(known); i++) {
        if (strncasecmp(name, known[i].begins, strlen(known[i].begins)) == 0)
            return known[i].type;
    }
    return TYPE_NONE;
}

static bool tell_columns(sqlite3_stmt *q, enum type *types, const struct sql_sink *sink,
                         struct err *err)
{
    int n = sqlite3_column_count(q);
    const char **names = xcalloc((size_t)n, sizeof(*names));
    for (int c = 0; c < n; c++) {
        names[c] = sqlite3_column_name(q, c);
        types[c] = declared_type(sqlite3_column_decltype(q, c));
    }
    bool ok = sink->columns(sink->ctx, names, types, (uint32_t)n, err);
    free(names);
    return ok;
}

static void add_hex(struct buf *out, const unsigned char *p, size_t n)
{
    buf_adds(out, "\\x");
    for (size_t i = 0; i < n; i++)
        buf_addf(out, "%02x", p[i]);
}

/* Value c of the row in hand: its text behind `text`, which never moves what was there. */
static enum type read_value(sqlite3_stmt *q, int c, enum type declared, struct buf *text)
{
    char number[NUM_TEXT_MAX];
    int kind = sqlite3_column_type(q, c);
    if (kind == SQLITE_INTEGER && declared == TYPE_BOOLEAN &&
        (uint64_t)sqlite3_column_int64(q, c) < 2) {
        buf_adds(text, sqlite3_column_int64(q, c) ? "true" : "false");
        return TYPE_BOOLEAN;
    }
    if (kind == SQLITE_INTEGER) {
        buf_addf(text, "%lld", (long long)sqlite3_column_int64(q, c));
        return TYPE_INTEGER;
    }
    if (kind == SQLITE_FLOAT) {
        buf_add(text, number, num_format_double(number, sqlite3_column_double(q, c)));
        return TYPE_FLOAT;
    }
    if (kind == SQLITE_BLOB)
        add_hex(text, sqlite3_column_blob(q, c), (size_t)sqlite3_column_bytes(q, c));
    else
        buf_add(text, sqlite3_column_text(q, c), (size_t)sqlite3_column_bytes(q, c));
    return TYPE_STRING;
}

static bool tell_row(sqlite3_stmt *q, const enum type *types, struct buf *text,
                     struct slice *values, enum type *kinds, const struct sql_sink *sink,
                     struct err *err)
{
    int n = sqlite3_column_count(q);
    buf_clear(text);
    for (int c = 0; c < n; c++) {
        bool null = sqlite3_column_type(q, c) == SQLITE_NULL;
        size_t from = text->len;
        kinds[c] = null ? TYPE_NONE : read_value(q, c, types[c], text);
        values[c] = slice_of(NULL, null ? 0 : text->len - from);
    }
    size_t at = 0; /* the buffer may have moved while it grew */
    for (int c = 0; c < n; c++) {
        if (kinds[c] == TYPE_NONE)
            continue;
        values[c].p = text->p ? text->p + at : "";
        at += values[c].len;
    }
    return sink->row(sink->ctx, values, kinds, err);
}

static bool run_statement(struct sqlite *s, sqlite3_stmt *q, const struct sql_sink *sink,
                          struct err *err)
{
    size_t n = (size_t)sqlite3_column_count(q);
    bool tell = sink && n > 0, ok = true;
    enum type *types = xcalloc(n + 1, sizeof(*types)), *kinds = xcalloc(n + 1, sizeof(*kinds));
    struct slice *values = xcalloc(n + 1, sizeof(*values));
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    if (tell)
        ok = tell_columns(q, types, sink, err);
    while (ok) {
        int got = sqlite3_step(q);
        if (got == SQLITE_DONE)
            break;
        if (got != SQLITE_ROW)
            ok = fail(s, "the statement failed", err);
        else if (tell)
            ok = tell_row(q, types, &text, values, kinds, sink, err);
    }
    buf_release(&text);
    free(types);
    free(kinds);
    free(values);
    return ok;
}

static bool sqlite_run(struct sql *base, const char *statement, const struct sql_sink *sink,
                       struct err *err)
{
    struct sqlite *s = (struct sqlite *)base;
    const char *rest = statement;
    while (*rest) {
        sqlite3_stmt *q = NULL;
        if (sqlite3_prepare_v2(s->db, rest, -1, &q, &rest) != SQLITE_OK)
            return fail(s, "the statement failed", err);
        if (!q) /* blanks or a comment */
            continue;
        bool ok = run_statement(s, q, sink, err);
        sqlite3_finalize(q);
        if (!ok)
            return false;
    }
    return true;
}

static bool sqlite_commit(struct sql *base, struct err *err)
{
    struct sqlite *s = (struct sqlite *)base;
    /* The statement may have ended the transaction itself. */
    return sqlite3_get_autocommit(s->db) || run_one(s, "COMMIT", err);
}

static const struct sql_driver driver = {.table = sqlite_table,
                                         .insert = sqlite_insert,
                                         .run = sqlite_run,
                                         .commit = sqlite_commit,
                                         .close = sqlite_close};

struct sql *sql_open_sqlite(const char *path, const struct sql_watch *watch, struct err *err)
{
    struct sqlite *s = xcalloc(1, sizeof(*s));
    s->base.driver = &driver;
    s->base.watch = *watch;
    s->path = xstrdup(path);
    arena_init(&s->mem, NULL);
    bool ok = sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) ==
                  SQLITE_OK ||
              fail(s, "cannot open the database", err);
    if (ok) {
        sqlite3_progress_handler(s->db, WATCH_STEPS, on_steps, s);
        sqlite3_busy_handler(s->db, on_busy, s);
        ok = run_one(s, "BEGIN", err);
    }
    if (ok)
        return &s->base;
    sqlite_close(&s->base);
    return NULL;
}
