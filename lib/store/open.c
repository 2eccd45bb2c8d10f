/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finding, checking, making and opening the store. What is not ours is refused before SQLite sees
 * it, so that it is left as it was (SQLite would fold another database's log into it).
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/os.h"
#include "store/internal.h"

#define BUSY_MS 30000
#define CHECKPOINT_PAGES 4000 /* 16 MB of log: its copying waits for the disk, so not too often */
#define HEADER_BYTES 100      /* of an SQLite database (sqlite.org/fileformat2.html, section 1.3) */

/* -- the place -- */

/* The nearest folder upwards that holds .git (a folder, or a file in a worktree); free(). */
static char *git_root(void)
{
    char *dir = path_absolute(".", NULL);
    for (;;) {
        char *git = xasprintf("%s/.git", strcmp(dir, "/") == 0 ? "" : dir);
        bool found = path_exists(git);
        free(git);
        if (found)
            return dir;
        if (strcmp(dir, "/") == 0)
            break;
        char *up = path_dirname(dir);
        free(dir);
        dir = up;
    }
    free(dir);
    return NULL;
}

/* The default place; with `make` its folder exists afterwards. free() */
static char *default_path(bool make, struct err *err)
{
    char *root = git_root(), *dir = NULL, *path = NULL;
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    if (root)
        dir = xasprintf("%s/.foreline", strcmp(root, "/") == 0 ? "" : root);
    else if (state && state[0] == '/') /* the XDG specification: a relative one is ignored */
        dir = xasprintf("%s/foreline", state);
    else if (home && home[0])
        dir = xasprintf("%s/.local/state/foreline", home);
    if (!dir) {
        err_set(err, ERR_ENV,
                "no place for the store: HOME is not set and there is no git repository here; "
                "name one with --store");
        return NULL;
    }
    bool ok = !make || dir_make_all(dir, err);
    if (ok && make && root) {
        char *ignore = xasprintf("%s/.gitignore", dir);
        int fd = open(ignore, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0) {
            ok = fd_write_all(fd, "*\n", 2, ignore, err);
            close(fd);
        }
        free(ignore);
    }
    if (ok)
        path = xasprintf("%s/store.db", dir);
    else
        err_prefix(err, "no place for the store; name one with --store: ");
    free(dir);
    free(root);
    return path;
}

static bool has_scheme(const char *url)
{
    size_t n = strspn(url, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-");
    return n > 0 && strncmp(url + n, "://", 3) == 0;
}

static char *place(const char *url, bool make, struct err *err)
{
    if (!url)
        return default_path(make, err);
    /* The rest of such a URL may hold a password: it is not repeated. */
    if (!strncmp(url, "postgres://", 11) || !strncmp(url, "postgresql://", 13)) {
        err_set(err, ERR_USAGE,
                "postgres stores are not supported in this version; name a file: --store PATH");
        return NULL;
    }
    if (has_scheme(url)) {
        struct quoted q;
        err_set(err, ERR_USAGE, "no such kind of store: '%s'; name a file: --store PATH",
                quote_slice(&q, slice_of(url, strcspn(url, ":"))));
        return NULL;
    }
    if (!strncmp(url, "sqlite:", 7))
        url += 7;
    if (!url[0]) {
        err_set(err, ERR_USAGE, "the store's name is empty; name a file: --store PATH");
        return NULL;
    }
    return path_absolute(url, NULL);
}

char *store_locate(const char *url, struct err *err)
{
    return place(url, false, err);
}

/* -- the check -- */

static uint32_t be32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

enum found { FOUND_NONE, FOUND_EMPTY, FOUND_STORE, FOUND_BAD };

/* What is at the path? FOUND_BAD sets err. */
static enum found look(const char *path, int version, struct err *err)
{
    struct quoted q;
    quote_str(&q, path);
    struct stat st;
    if (stat(path, &st)) {
        if (errno == ENOENT)
            return FOUND_NONE;
        err_errno(err, ERR_ENV, "cannot open the store '%s'", q.s);
        return FOUND_BAD;
    }
    if (!S_ISREG(st.st_mode)) {
        err_set(err, ERR_ENV, "cannot open the store '%s': it is not a file; name one with --store",
                q.s);
        return FOUND_BAD;
    }
    unsigned char head[HEADER_BYTES];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : pread(fd, head, sizeof(head), 0);
    if (n < 0)
        err_errno(err, ERR_ENV, "cannot open the store '%s'", q.s);
    if (fd >= 0)
        close(fd);
    if (n < 0)
        return FOUND_BAD;
    if (n == 0)
        return FOUND_EMPTY;
    if (n < HEADER_BYTES || memcmp(head, "SQLite format 3", 16) != 0 ||
        be32(head + 68) != STORE_APPLICATION_ID) {
        err_set(err, ERR_ENV,
                "'%s' is not a store of foreline, and is left as it is; name another with --store",
                q.s);
        return FOUND_BAD;
    }
    if (be32(head + 60) > (uint32_t)version) {
        err_set(err, ERR_ENV,
                "the store '%s' has version %lu, this program knows up to %d; use a newer foreline "
                "or name another store with --store",
                q.s, (unsigned long)be32(head + 60), version);
        return FOUND_BAD;
    }
    return FOUND_STORE;
}

/* -- migrations -- */

static bool pragma_int(sqlite3 *db, const char *sql, int *out)
{
    sqlite3_stmt *st = NULL;
    bool ok =
        sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW;
    if (ok)
        *out = sqlite3_column_int(st, 0);
    return sqlite3_finalize(st) == SQLITE_OK && ok;
}

static bool migrate_step(sqlite3 *db, const char *path, const char *step, int from, struct err *err)
{
    int now = 0;
    char version[96];
    snprintf(version, sizeof(version), "PRAGMA application_id=%d; PRAGMA user_version=%d;",
             STORE_APPLICATION_ID, from + 1);
    if (sqlite3_exec(db, "BEGIN EXCLUSIVE", NULL, NULL, NULL) != SQLITE_OK)
        return store_fail_db(db, path, "make", err);
    bool ok = pragma_int(db, "PRAGMA user_version", &now);
    /* Another process may have been faster: then there is nothing to do. */
    if (ok && now == from)
        ok = sqlite3_exec(db, step, NULL, NULL, NULL) == SQLITE_OK &&
             sqlite3_exec(db, version, NULL, NULL, NULL) == SQLITE_OK;
    if (ok)
        ok = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK;
    if (!ok) {
        store_fail_db(db, path, from ? "bring to the next version" : "make", err);
        if (!sqlite3_get_autocommit(db))
            sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    }
    return ok;
}

bool store_migrate(sqlite3 *db, const char *path, const char *const *steps, int n, struct err *err)
{
    for (;;) {
        int version = 0;
        if (!pragma_int(db, "PRAGMA user_version", &version))
            return store_fail_db(db, path, "read", err);
        if (version > n)
            return err_set(err, ERR_ENV,
                           "the store '%s' has version %d, this program knows up to %d; use a "
                           "newer foreline or name another store with --store",
                           path, version, n);
        if (version == n)
            return true;
        if (!migrate_step(db, path, steps[version], version, err))
            return false;
    }
}

/* -- opening -- */

/* Readers never wait for a writer and a killed writer leaves nothing half done: WAL. The switch
 * needs the file alone for a moment and does not wait for it by itself. */
static bool use_wal(struct store *s, struct err *err)
{
    for (int ms = 0;; ms += 5) {
        sqlite3_stmt *st = NULL;
        int rc = sqlite3_prepare_v2(s->db, "PRAGMA journal_mode=WAL", -1, &st, NULL);
        if (rc == SQLITE_OK)
            rc = sqlite3_step(st);
        const char *mode = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(st, 0) : "";
        bool done = mode && strcmp(mode, "wal") == 0;
        sqlite3_finalize(st);
        if (done)
            return true;
        if (rc != SQLITE_ROW && (rc & 0xff) != SQLITE_BUSY && (rc & 0xff) != SQLITE_LOCKED)
            return store_fail(s, "open", err);
        if (ms >= BUSY_MS)
            return err_set(err, ERR_ENV,
                           "cannot open the store '%s': another process holds it, or its file "
                           "system has no shared memory; name another place with --store",
                           s->path);
        sqlite3_sleep(5);
    }
}

static void sql_process_gone(sqlite3_context *ctx, int n, sqlite3_value **v)
{
    (void)n;
    sqlite3_result_int(ctx,
                       store_process_gone((const char *)sqlite3_value_text(v[0]),
                                          (const char *)sqlite3_value_text(v[1]),
                                          sqlite3_value_int64(v[2]), sqlite3_value_int64(v[3])));
}

/* A path as an SQLite URI; free(). */
static char *uri_of(const char *path)
{
    struct buf b = BUF_INIT(BUF_UNBOUNDED);
    buf_adds(&b, "file:");
    for (const char *p = path; *p; p++) {
        if (strchr("%?#", *p))
            buf_addf(&b, "%%%02X", (unsigned)(unsigned char)*p);
        else
            buf_addc(&b, *p);
    }
    buf_adds(&b, "?immutable=1");
    return buf_detach(&b);
}

static bool connect(struct store *s, bool make, struct err *err)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    if (make)
        flags |= SQLITE_OPEN_CREATE;
    if (sqlite3_open_v2(s->path, &s->db, flags, NULL) != SQLITE_OK)
        return s->db ? store_fail(s, make ? "make" : "open", err)
                     : err_set(err, ERR_ENV, "cannot open the store '%s'", s->path);
    sqlite3_busy_timeout(s->db, BUSY_MS);
    sqlite3_wal_autocheckpoint(s->db, CHECKPOINT_PAGES);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
    if (sqlite3_create_function_v2(s->db, "process_gone", 4, SQLITE_UTF8, NULL, sql_process_gone,
                                   NULL, NULL, NULL) != SQLITE_OK)
        return store_fail(s, "open", err);
    return true;
}

/* A store in a folder where nothing can be written has no log to share; when there is none either,
 * nobody is writing and the file can be read as it is. */
static bool connect_immutable(struct store *s, struct err *err)
{
    char *wal = xasprintf("%s-wal", s->path);
    struct stat st;
    bool quiet = stat(wal, &st) != 0 || st.st_size == 0;
    free(wal);
    if (!quiet)
        return false;
    sqlite3_close_v2(s->db);
    s->db = NULL;
    char *uri = uri_of(s->path);
    int rc = sqlite3_open_v2(uri, &s->db,
                             SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI, NULL);
    free(uri);
    if (rc != SQLITE_OK)
        return false;
    if (sqlite3_create_function_v2(s->db, "process_gone", 4, SQLITE_UTF8, NULL, sql_process_gone,
                                   NULL, NULL, NULL) != SQLITE_OK)
        return false;
    s->read_only = true;
    err_clear(err);
    return true;
}

static bool open_existing(struct store *s, enum store_mode mode, struct err *err)
{
    int n;
    const char *const *steps = store_migrations(&n);
    if (!connect(s, false, err))
        return false;
    if (store_migrate(s->db, s->path, steps, n, err))
        return true;
    int rc = sqlite3_extended_errcode(s->db) & 0xff;
    return mode == STORE_READ &&
           (rc == SQLITE_CANTOPEN || rc == SQLITE_READONLY || rc == SQLITE_IOERR) &&
           connect_immutable(s, err) && store_migrate(s->db, s->path, steps, n, err);
}

static bool open_new(struct store *s, struct err *err)
{
    int n;
    const char *const *steps = store_migrations(&n);
    /* The first version is written with a rollback journal, so that the identity is in the file's
     * own header from the first byte on, where look() finds it. */
    return connect(s, true, err) && store_migrate(s->db, s->path, steps, n, err);
}

bool store_open(struct store **out, const char *url, enum store_mode mode, struct err *err)
{
    int version;
    store_migrations(&version);
    *out = NULL;
    char *path = place(url, mode == STORE_CREATE, err);
    if (!path)
        return false;
    struct store *s = xcalloc(1, sizeof(*s));
    s->path = path;
    enum found found = look(path, version, err);
    bool ok = found != FOUND_BAD;
    if (ok && mode != STORE_CREATE && (found == FOUND_NONE || found == FOUND_EMPTY)) {
        store_close(s);
        return true;
    }
    if (ok)
        ok = found == FOUND_STORE ? open_existing(s, mode, err) : open_new(s, err);
    if (ok && mode == STORE_READ)
        ok = sqlite3_exec(s->db, "PRAGMA query_only=1", NULL, NULL, NULL) == SQLITE_OK ||
             store_fail(s, "open", err);
    if (ok && !s->read_only && mode != STORE_READ)
        ok = use_wal(s, err);
    if (!ok) {
        store_close(s);
        return false;
    }
    *out = s;
    return true;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->nstmts; i++)
        sqlite3_finalize(s->stmts[i].st);
    sqlite3_close_v2(s->db);
    free(s->path);
    free(s);
}

const char *store_path(const struct store *s)
{
    return s->path;
}
