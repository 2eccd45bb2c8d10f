/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SQL in PostgreSQL. See sql.h. Every call that may wait does so in a loop that looks at the watch,
 * and cancels the statement on the server when the caller has had enough. */
#include <dlfcn.h>
#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>

#include "base/num.h"
#include "store/sql_driver.h"
#include "table/value.h"
#include "table/writer.h"

#define LIBRARY "libpq.so.5"
#define TICK_MS 100
#define COPY_BYTES ((size_t)256 << 10)

/* What is used of the library. */
#define CALLS(X)            \
    X(PQconnectStart)       \
    X(PQconnectPoll)        \
    X(PQsocket)             \
    X(PQstatus)             \
    X(PQerrorMessage)       \
    X(PQfinish)             \
    X(PQsendQuery)          \
    X(PQconsumeInput)       \
    X(PQisBusy)             \
    X(PQgetResult)          \
    X(PQresultStatus)       \
    X(PQresultErrorMessage) \
    X(PQclear)              \
    X(PQsetSingleRowMode)   \
    X(PQnfields)            \
    X(PQfname)              \
    X(PQftype)              \
    X(PQfmod)               \
    X(PQntuples)            \
    X(PQgetvalue)           \
    X(PQgetlength)          \
    X(PQgetisnull)          \
    X(PQputCopyData)        \
    X(PQputCopyEnd)         \
    X(PQgetCancel)          \
    X(PQcancel)             \
    X(PQfreeCancel)         \
    X(PQsetNoticeProcessor) \
    X(PQtransactionStatus)
#define MEMBER(name) __typeof__(&name) name;
struct libpq {
    CALLS(MEMBER)
};

/* Types of PostgreSQL, as its catalog pg_type numbers them. */
enum {
    OID_BOOL = 16,
    OID_BYTEA = 17,
    OID_INT8 = 20,
    OID_INT2 = 21,
    OID_INT4 = 23,
    OID_OID = 26,
    OID_JSON = 114,
    OID_FLOAT4 = 700,
    OID_FLOAT8 = 701,
    OID_DATE = 1082,
    OID_TIMESTAMP = 1114,
    OID_TIMESTAMPTZ = 1184,
    OID_NUMERIC = 1700,
    OID_JSONB = 3802,
};

struct postgres {
    struct sql base;
    struct libpq pq;
    void *library;
    PGconn *conn;
    char *copying; /* the table that takes rows now, or NULL */
    struct schema columns;
    struct arena mem;
    struct buf rows;
};

static bool load(struct postgres *s, struct err *err)
{
    s->library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!s->library)
        return err_set(err, ERR_ENV,
                       "cannot load %s, which connections to PostgreSQL need: apt-get install "
                       "libpq5",
                       LIBRARY);
#define LOAD(name)                                                                   \
    void *found_##name = dlsym(s->library, #name);                                   \
    if (!found_##name)                                                               \
        return err_set(err, ERR_ENV, "%s has no %s: it is too old", LIBRARY, #name); \
    memcpy(&s->pq.name, &found_##name, sizeof(found_##name));
    CALLS(LOAD)
    return true;
}

/* What the server said, on one line. */
static bool fail(struct err *err, enum err_kind kind, const char *what, const char *said)
{
    struct slice text = slice_trim(slice_str(said ? said : ""));
    struct quoted q;
    const char *end = memchr(text.p, '\n', text.len);
    if (end)
        text.len = (size_t)(end - text.p);
    return err_set(err, kind, "%s: %s", what, quote_slice(&q, text));
}

static bool fail_connection(struct postgres *s, const char *what, struct err *err)
{
    return fail(err, ERR_ENV, what, s->pq.PQerrorMessage(s->conn));
}

/* Waits until the socket is ready, or a tick is over; false when the caller has had enough. */
static bool wait_socket(struct postgres *s, short events, struct err *err)
{
    struct pollfd fd = {s->pq.PQsocket(s->conn), events, 0};
    if (poll(&fd, 1, TICK_MS) < 0 && errno != EINTR)
        return err_errno(err, ERR_ENV, "cannot wait for PostgreSQL");
    return !sql_halted(&s->base, err);
}

static void cancel(struct postgres *s)
{
    char said[256];
    PGcancel *c = s->pq.PQgetCancel(s->conn);
    if (c)
        s->pq.PQcancel(c, said, sizeof(said));
    s->pq.PQfreeCancel(c);
}

/* The next result of what was sent; *out NULL when there are no more. */
static bool next_result(struct postgres *s, PGresult **out, struct err *err)
{
    while (s->pq.PQisBusy(s->conn)) {
        if (!wait_socket(s, POLLIN, err)) {
            cancel(s);
            return false;
        }
        if (!s->pq.PQconsumeInput(s->conn))
            return fail_connection(s, "PostgreSQL is gone", err);
    }
    *out = s->pq.PQgetResult(s->conn);
    return true;
}

static bool result_is_good(struct postgres *s, const PGresult *r, const char *what, struct err *err)
{
    ExecStatusType t = s->pq.PQresultStatus(r);
    if (t == PGRES_FATAL_ERROR || t == PGRES_BAD_RESPONSE || t == PGRES_NONFATAL_ERROR)
        return fail(err, ERR_STAGE, what, s->pq.PQresultErrorMessage(r));
    if (t == PGRES_COPY_OUT || t == PGRES_COPY_BOTH)
        return err_set(err, ERR_STAGE, "%s: COPY TO STDOUT gives no rows here: write a SELECT",
                       what);
    return true;
}

static bool tell_columns(struct postgres *s, const PGresult *r, enum type *types,
                         const struct sql_sink *sink, struct err *err)
{
    int n = s->pq.PQnfields(r);
    const char **names = xcalloc((size_t)n + 1, sizeof(*names));
    for (int c = 0; c < n; c++) {
        names[c] = s->pq.PQfname(r, c);
        switch (s->pq.PQftype(r, c)) {
        case OID_BOOL:
            types[c] = TYPE_BOOLEAN;
            break;
        case OID_INT2:
        case OID_INT4:
        case OID_INT8:
        case OID_OID:
            types[c] = TYPE_INTEGER;
            break;
        case OID_FLOAT4:
        case OID_FLOAT8:
        case OID_NUMERIC:
            types[c] = TYPE_FLOAT;
            break;
        case OID_DATE:
            types[c] = TYPE_DATE;
            break;
        case OID_TIMESTAMP:
        case OID_TIMESTAMPTZ:
            types[c] = TYPE_TIMESTAMP;
            break;
        case OID_JSON:
        case OID_JSONB:
            types[c] = TYPE_JSON;
            break;
        default:
            types[c] = TYPE_STRING;
        }
    }
    bool ok = sink->columns(sink->ctx, names, types, (uint32_t)n, err);
    free(names);
    return ok;
}

/* Our form of a value that PostgreSQL writes in another: t and f, a blank and +00 in instants.
 * Changes the text in place, where it is the result's own. */
static struct slice own_form(enum type t, char *text, size_t len)
{
    if (t == TYPE_BOOLEAN)
        return slice_str(text[0] == 't' ? "true" : "false");
    if (t != TYPE_TIMESTAMP || len < 19)
        return slice_of(text, len);
    text[10] = 'T';
    if (len >= 22 && memcmp(text + len - 3, "+00", 3) == 0) {
        text[len - 3] = 'Z';
        len -= 2;
    }
    return slice_of(text, len);
}

static bool tell_rows(struct postgres *s, const PGresult *r, const enum type *types,
                      struct slice *values, enum type *kinds, const struct sql_sink *sink,
                      struct err *err)
{
    int n = s->pq.PQnfields(r), rows = s->pq.PQntuples(r);
    for (int i = 0; i < rows; i++) {
        for (int c = 0; c < n; c++) {
            bool null = s->pq.PQgetisnull(r, i, c);
            char *text = s->pq.PQgetvalue(r, i, c);
            values[c] = null ? slice_of(NULL, 0)
                             : own_form(types[c], text, (size_t)s->pq.PQgetlength(r, i, c));
            union value v;
            bool holds = null || value_parse(values[c], types[c], &v);
            kinds[c] = null ? TYPE_NONE : holds ? types[c] : TYPE_STRING;
        }
        if (!sink->row(sink->ctx, values, kinds, err))
            return false;
    }
    return true;
}

/* After a failure: what the server still has to say, so that the connection can be closed in peace.
 */
static void forget_results(struct postgres *s)
{
    PGresult *r;
    while ((r = s->pq.PQgetResult(s->conn)) != NULL) {
        bool copy = s->pq.PQresultStatus(r) == PGRES_COPY_IN;
        s->pq.PQclear(r);
        if (copy)
            break;
    }
}

static bool run_sent(struct postgres *s, const char *what, const struct sql_sink *sink,
                     struct err *err)
{
    enum type *types = NULL, *kinds = NULL;
    struct slice *values = NULL;
    bool ok = true, told = false;
    s->pq.PQsetSingleRowMode(s->conn);
    for (;;) {
        PGresult *r = NULL;
        ok = next_result(s, &r, err);
        if (!ok || !r)
            break;
        ExecStatusType t = s->pq.PQresultStatus(r);
        ok = result_is_good(s, r, what, err);
        bool rows = t == PGRES_SINGLE_TUPLE || t == PGRES_TUPLES_OK;
        if (ok && sink && rows && !told) {
            size_t n = (size_t)s->pq.PQnfields(r) + 1;
            types = xreallocarray(types, n, sizeof(*types));
            kinds = xreallocarray(kinds, n, sizeof(*kinds));
            values = xreallocarray(values, n, sizeof(*values));
            ok = tell_columns(s, r, types, sink, err);
        }
        if (ok && sink && rows)
            ok = tell_rows(s, r, types, values, kinds, sink, err);
        told = t == PGRES_SINGLE_TUPLE; /* more of the same follow, and a result without rows */
        s->pq.PQclear(r);
        if (!ok)
            break;
    }
    if (!ok)
        cancel(s);
    free(types);
    free(kinds);
    free(values);
    return ok;
}

static bool run_text(struct postgres *s, const char *text, const char *what,
                     const struct sql_sink *sink, struct err *err)
{
    if (!s->pq.PQsendQuery(s->conn, text))
        return fail_connection(s, what, err);
    if (run_sent(s, what, sink, err))
        return true;
    forget_results(s);
    return false;
}

/* -- tables -- */

static bool put_rows(struct postgres *s, struct err *err)
{
    bool ok = s->rows.len == 0 || s->pq.PQputCopyData(s->conn, s->rows.p, (int)s->rows.len) == 1 ||
              fail_connection(s, "cannot fill a table", err);
    buf_clear(&s->rows);
    return ok && !sql_halted(&s->base, err);
}

/* Ends the COPY that goes on, if one does. */
static bool end_copy(struct postgres *s, struct err *err)
{
    if (!s->copying)
        return true;
    bool ok = put_rows(s, err);
    free(s->copying);
    s->copying = NULL;
    if (s->pq.PQputCopyEnd(s->conn, ok ? NULL : "given up") != 1)
        return ok && fail_connection(s, "cannot fill a table", err);
    for (PGresult *r = NULL; next_result(s, &r, err) && r;) {
        ok = ok && result_is_good(s, r, "cannot fill a table", err);
        s->pq.PQclear(r);
    }
    return ok;
}

static const char *column_type(enum type t)
{
    switch (t) {
    case TYPE_BOOLEAN:
        return "boolean";
    case TYPE_INTEGER:
        return "bigint";
    case TYPE_FLOAT:
        return "double precision";
    case TYPE_DATE:
        return "date";
    case TYPE_TIMESTAMP:
        return "timestamp with time zone";
    case TYPE_JSON:
        return "json";
    default:
        return "text";
    }
}

static bool postgres_table(struct sql *base, const char *name, const struct schema *columns,
                           struct err *err)
{
    struct postgres *s = (struct postgres *)base;
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    buf_adds(&text, "CREATE TEMPORARY TABLE ");
    sql_quote(&text, name);
    buf_adds(&text, " (");
    for (uint32_t c = 0; c < columns->n; c++) {
        buf_adds(&text, c ? ", " : "");
        sql_quote(&text, columns->fields[c].name);
        buf_addf(&text, " %s", column_type(columns->fields[c].type));
    }
    buf_adds(&text, ")");
    bool ok = end_copy(s, err) && run_text(s, buf_str(&text), "cannot make a table", NULL, err);
    buf_release(&text);
    return ok;
}

static bool begin_copy(struct postgres *s, const char *name, struct err *err)
{
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    if (!end_copy(s, err))
        return false;
    buf_adds(&text, "COPY ");
    sql_quote(&text, name);
    buf_adds(&text, " FROM STDIN (FORMAT csv)");
    PGresult *r = NULL;
    bool ok = (s->pq.PQsendQuery(s->conn, buf_str(&text)) ||
               fail_connection(s, "cannot fill a table", err)) &&
              next_result(s, &r, err) && result_is_good(s, r, "cannot fill a table", err);
    s->pq.PQclear(r);
    buf_release(&text);
    if (!ok)
        forget_results(s);
    else
        s->copying = xstrdup(name);
    return ok;
}

static bool postgres_insert(struct sql *base, const char *name, const struct batch *b,
                            struct err *err)
{
    struct postgres *s = (struct postgres *)base;
    static const struct writer_opts csv = {.format = FORMAT_CSV, .no_header = true};
    if ((!s->copying || strcmp(s->copying, name) != 0) && !begin_copy(s, name, err))
        return false;
    arena_clear(&s->mem);
    struct schema types = {ARENA_ARRAY(&s->mem, struct field, b->ncols + 1), b->ncols};
    for (uint32_t c = 0; c < b->ncols; c++)
        types.fields[c].type = b->cols[c].type;
    writer_batch(&s->rows, &types, b, &csv);
    return s->rows.len < COPY_BYTES || put_rows(s, err);
}

static bool postgres_run(struct sql *base, const char *statement, const struct sql_sink *sink,
                         struct err *err)
{
    struct postgres *s = (struct postgres *)base;
    return end_copy(s, err) && run_text(s, statement, "the statement failed", sink, err);
}

static bool postgres_commit(struct sql *base, struct err *err)
{
    struct postgres *s = (struct postgres *)base;
    return end_copy(s, err) && (s->pq.PQtransactionStatus(s->conn) == PQTRANS_IDLE ||
                                run_text(s, "COMMIT", "cannot commit", NULL, err));
}

static void postgres_close(struct sql *base)
{
    struct postgres *s = (struct postgres *)base;
    if (s->conn)
        s->pq.PQfinish(s->conn); /* an open transaction is taken back by the server */
    free(s->copying);
    buf_release(&s->rows);
    arena_release(&s->mem);
    if (s->library)
        dlclose(s->library);
    free(s);
}

static const struct sql_driver driver = {.table = postgres_table,
                                         .insert = postgres_insert,
                                         .run = postgres_run,
                                         .commit = postgres_commit,
                                         .close = postgres_close};

static void no_notice(void *ctx, const char *text)
{
    (void)ctx, (void)text; /* "relation exists, skipping" and the like: not on anybody's stderr */
}

static bool connect_now(struct postgres *s, const char *url, struct err *err)
{
    s->conn = s->pq.PQconnectStart(url);
    if (!s->conn)
        oom_die();
    PostgresPollingStatusType want = PGRES_POLLING_WRITING;
    while (want != PGRES_POLLING_OK) {
        if (want == PGRES_POLLING_FAILED || s->pq.PQstatus(s->conn) == CONNECTION_BAD)
            return fail_connection(s, "cannot connect to PostgreSQL", err);
        struct pollfd fd = {s->pq.PQsocket(s->conn),
                            want == PGRES_POLLING_READING ? POLLIN : POLLOUT, 0};
        int ready = poll(&fd, 1, TICK_MS);
        if (ready < 0 && errno != EINTR)
            return err_errno(err, ERR_ENV, "cannot wait for PostgreSQL");
        if (sql_halted(&s->base, err))
            return false;
        if (ready > 0)
            want = s->pq.PQconnectPoll(s->conn);
    }
    s->pq.PQsetNoticeProcessor(s->conn, no_notice, NULL);
    return true;
}

struct sql *sql_open_postgres(const char *url, const struct sql_watch *watch, bool *again,
                              struct err *err)
{
    struct postgres *s = xcalloc(1, sizeof(*s));
    s->base.driver = &driver;
    s->base.watch = *watch;
    s->rows = BUF_INIT(BUF_UNBOUNDED);
    arena_init(&s->mem, NULL);
    bool ok = load(s, err) && connect_now(s, url, err);
    *again = !ok && s->conn;
    ok = ok && run_text(s,
                        "SET datestyle = ISO; SET timezone = 'UTC'; SET client_encoding = 'UTF8';"
                        " SET extra_float_digits = 1; BEGIN",
                        "cannot begin", NULL, err);
    if (ok)
        return &s->base;
    postgres_close(&s->base);
    return NULL;
}
