/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lib/store: where it is, what is refused untouched, migrations, several processes at once. */
#include "tests/unit/suite.h"

#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/hash.h"
#include "os/os.h"
#include "store/internal.h"
#include "tests/unit/store_rows.h"

static struct err e;
static char *dir; /* of this test, empty at its start, and the working folder */

#define OK(call) ck_assert_msg((call), "%s: %s", #call, e.text)

static void enter(void)
{
    const char *tmp = getenv("TMPDIR");
    dir = xasprintf("%s/open-XXXXXX", tmp ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(chdir(dir), 0);
}

static void leave(void)
{
    char *cmd = xasprintf("chmod -R u+w '%s'; rm -rf '%s'", dir, dir);
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert_int_eq(system(cmd), 0);
    free(cmd);
    free(dir);
}

static void put(const char *path, const void *p, size_t n)
{
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(p, 1, n, f), n);
    ck_assert_int_eq(fclose(f), 0);
}

/* Everything about a folder's content: names, sizes, bytes. */
static char *fingerprint(void)
{
    FILE *f = popen("find . -type f ! -name '*-shm' | LC_ALL=C sort | xargs sha256sum", "r");
    struct buf b = BUF_INIT(1 << 20);
    char chunk[4096];
    for (size_t n; (n = fread(chunk, 1, sizeof(chunk), f)) > 0;)
        buf_add(&b, chunk, n);
    ck_assert_int_eq(pclose(f), 0);
    return buf_detach(&b);
}

static void sql(const char *path, const char *text)
{
    sqlite3 *db;
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK, "%s", sqlite3_errmsg(db));
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

/* -- the place -- */

START_TEST(the_default_place_is_the_nearest_git_root)
{
    enter();
    struct store *s;
    ck_assert_int_eq(setenv("XDG_STATE_HOME", "/nonexistent/state", 1), 0);
    ck_assert_int_eq(mkdir("repo", 0777) | mkdir("repo/.git", 0777) | mkdir("repo/a", 0777) |
                         mkdir("repo/a/b", 0777) | mkdir("repo/a/wt", 0777),
                     0);
    put("repo/a/wt/.git", "gitdir: x\n", 10);
    ck_assert_int_eq(chdir("repo/a/b"), 0);
    OK(store_open(&s, NULL, STORE_EXISTING, &e));
    ck_assert_ptr_null(s);
    ck_assert(!path_exists("../../.foreline"));
    OK(store_open(&s, NULL, STORE_CREATE, &e));
    char *want = xasprintf("%s/repo/.foreline/store.db", dir);
    ck_assert_str_eq(store_path(s), want);
    free(want);
    store_close(s);
    struct buf b = BUF_INIT(100);
    OK(file_read_all("../../.foreline/.gitignore", 100, &b, &e));
    ck_assert_str_eq(buf_str(&b), "*\n");
    buf_release(&b);
    ck_assert_int_eq(chdir("../wt"), 0); /* a worktree's .git is a file */
    OK(store_open(&s, NULL, STORE_CREATE, &e));
    want = xasprintf("%s/repo/a/wt/.foreline/store.db", dir);
    ck_assert_str_eq(store_path(s), want);
    free(want);
    store_close(s);
    leave();
}
END_TEST

START_TEST(without_git_the_default_place_is_the_state_folder)
{
    enter();
    struct store *s;
    char *state = xasprintf("%s/state", dir), *home = xasprintf("%s/home", dir);
    ck_assert_int_eq(setenv("XDG_STATE_HOME", state, 1), 0);
    OK(store_open(&s, NULL, STORE_CREATE, &e));
    ck_assert_str_eq(store_path(s) + strlen(state), "/foreline/store.db");
    ck_assert(!path_exists("state/foreline/.gitignore"));
    store_close(s);
    ck_assert_int_eq(setenv("XDG_STATE_HOME", "relative", 1), 0);
    ck_assert_int_eq(setenv("HOME", home, 1), 0);
    OK(store_open(&s, NULL, STORE_CREATE, &e));
    ck_assert_str_eq(store_path(s) + strlen(home), "/.local/state/foreline/store.db");
    store_close(s);
    ck_assert_int_eq(unsetenv("XDG_STATE_HOME") | unsetenv("HOME"), 0);
    ck_assert(!store_open(&s, NULL, STORE_CREATE, &e));
    ck_assert_int_eq(e.kind, ERR_ENV);
    free(state);
    free(home);
    leave();
}
END_TEST

START_TEST(a_url_names_a_file_or_is_refused_without_repeating_its_secrets)
{
    enter();
    struct store *s;
    OK(store_open(&s, "sqlite:a b?c%d#e.db", STORE_CREATE, &e));
    store_close(s);
    ck_assert(path_exists("a b?c%d#e.db"));
    OK(store_open(&s, ":memory:", STORE_CREATE, &e));
    store_close(s);
    ck_assert(path_exists(":memory:"));
    const char *const bad[] = {"postgres://u:secret@h/db", "postgresql://u:secret@h/db",
                               "mysql://u:secret@h/db", "", "sqlite:"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        ck_assert(!store_open(&s, bad[i], STORE_CREATE, &e));
        ck_assert_int_eq(e.kind, ERR_USAGE);
        ck_assert_ptr_null(strstr(e.text, "secret"));
        ck_assert_ptr_nonnull(strstr(e.text, "--store"));
    }
    ck_assert_ptr_nonnull(strstr(e.text, "empty"));
    leave();
}
END_TEST

/* -- refusals -- */

START_TEST(what_is_not_our_store_is_refused_untouched)
{
    enter();
    static const char junk[] = "this is not a database at all, only text that goes on for a while "
                               "and then some more of it to pass a hundred bytes";
    put("text", junk, sizeof(junk));
    put("short", "SQLite format 3", 16);
    sql("other.db", "CREATE TABLE t(x); INSERT INTO t VALUES(1)");
    sql("wal.db", "PRAGMA journal_mode=WAL; CREATE TABLE t(x)");
    ck_assert_int_eq(mkdir("folder", 0777), 0);
    const char *const bad[] = {"text", "short", "other.db", "wal.db", "folder"};
    const enum store_mode modes[] = {STORE_CREATE, STORE_EXISTING, STORE_READ};
    char *before = fingerprint();
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        for (size_t m = 0; m < ARRAY_LEN(modes); m++) {
            struct store *s = (struct store *)&e;
            ck_assert(!store_open(&s, bad[i], modes[m], &e));
            ck_assert_ptr_null(s);
            ck_assert_int_eq(e.kind, ERR_ENV);
            ck_assert_ptr_nonnull(strstr(e.text, bad[i]));
            ck_assert_ptr_nonnull(strstr(e.text, "--store"));
        }
    }
    char *after = fingerprint();
    ck_assert_str_eq(before, after);
    free(before);
    free(after);
    leave();
}
END_TEST

START_TEST(a_newer_store_is_refused_untouched)
{
    enter();
    struct store *s;
    OK(store_open(&s, "s.db", STORE_CREATE, &e));
    store_close(s);
    sql("s.db", "PRAGMA user_version=99");
    char *before = fingerprint();
    for (int m = 0; m < 3; m++) {
        ck_assert(!store_open(&s, "s.db", (enum store_mode)m, &e));
        ck_assert_int_eq(e.kind, ERR_ENV);
        ck_assert_ptr_nonnull(strstr(e.text, "version 99"));
    }
    char *after = fingerprint();
    ck_assert_str_eq(before, after);
    free(before);
    free(after);
    leave();
}
END_TEST

START_TEST(a_damaged_store_is_said_to_be_damaged)
{
    enter();
    struct store *s;
    OK(store_open(&s, "s.db", STORE_CREATE, &e));
    for (int i = 0; i < 200; i++) {
        char key[16];
        snprintf(key, sizeof(key), "key%d", i);
        OK(store_fact_set(s, key, SLICE_LIT("0123456789012345678901234567890123456789"), &e));
    }
    store_close(s);
    struct stat st;
    ck_assert_int_eq(stat("s.db", &st), 0);
    FILE *f = fopen("s.db", "r+b");
    ck_assert_int_eq(fseek(f, 4096, SEEK_SET), 0);
    for (long i = 4096; i < st.st_size; i++)
        fputc(0xa5, f);
    ck_assert_int_eq(fclose(f), 0);
    struct arena a = ARENA_INIT;
    struct slice v;
    ck_assert(!store_open(&s, "s.db", STORE_EXISTING, &e) ||
              !store_fact_get(s, &a, "key7", &v, &e));
    ck_assert_int_eq(e.kind, ERR_ENV);
    ck_assert_ptr_nonnull(strstr(e.text, "damaged"));
    store_close(s);
    arena_release(&a);
    leave();
}
END_TEST

START_TEST(an_absent_or_empty_file_is_no_store_until_one_is_made)
{
    enter();
    struct store *s;
    OK(store_open(&s, "none.db", STORE_EXISTING, &e));
    ck_assert_ptr_null(s);
    OK(store_open(&s, "none.db", STORE_READ, &e));
    ck_assert_ptr_null(s);
    ck_assert(!path_exists("none.db"));
    put("empty.db", "", 0);
    OK(store_open(&s, "empty.db", STORE_READ, &e));
    ck_assert_ptr_null(s);
    OK(store_open(&s, "empty.db", STORE_CREATE, &e));
    ck_assert_ptr_nonnull(s);
    store_close(s);
    ck_assert(!store_open(&s, "no/such/folder/s.db", STORE_CREATE, &e));
    ck_assert_int_eq(e.kind, ERR_ENV);
    leave();
}
END_TEST

START_TEST(a_reader_writes_nothing_and_reads_in_a_folder_that_cannot_be_written)
{
    enter();
    struct store *s;
    struct arena a = ARENA_INIT;
    struct slice v;
    ck_assert_int_eq(mkdir("ro", 0777), 0);
    OK(store_open(&s, "ro/s.db", STORE_CREATE, &e));
    OK(store_fact_set(s, "k", SLICE_LIT("v"), &e));
    store_close(s);
    ck_assert_int_eq(chmod("ro/s.db", 0444), 0);
    ck_assert_int_eq(chmod("ro", 0555), 0);
    char *before = fingerprint();
    OK(store_open(&s, "ro/s.db", STORE_READ, &e));
    OK(store_fact_get(s, &a, "k", &v, &e));
    ck_assert(slice_is(v, "v"));
    ck_assert(!store_fact_set(s, "k", SLICE_LIT("w"), &e));
    ck_assert_int_eq(e.kind, ERR_ENV);
    ck_assert_ptr_nonnull(strstr(e.text, "read-only"));
    store_close(s);
    char *after = fingerprint();
    ck_assert_str_eq(before, after);
    free(before);
    free(after);
    arena_release(&a);
    leave();
}
END_TEST

/* -- migrations -- */

/* One row per version that was ever released: what such a store may hold, and what must be there
 * after it was opened by this program. A new version is a new row. */
static const struct {
    int version;
    const char *fill;
    const char *pipeline, *status;
} released[] = {
    {1,
     "INSERT INTO run(run_id, origin, pipeline, status, started_us) "
     "VALUES('old-run', 'own', 'orders', 'completed', 1000000);"
     "INSERT INTO stage(run, seq, stage, cpu_s) VALUES(1, 0, 'read', 0.5);"
     "INSERT INTO fact VALUES('k', x'76');",
     "orders", "completed"},
    {2,
     "INSERT INTO run(run_id, origin, pipeline, status, started_us) "
     "VALUES('old-run', 'own', 'orders', 'completed', 1000000);"
     "INSERT INTO stage(run, seq, stage, cpu_s) VALUES(1, 0, 'read', 0.5);"
     "INSERT INTO profile_image VALUES('d', 1, x'00');"
     "INSERT INTO fact VALUES('k', x'76');",
     "orders", "completed"},
    {3,
     "INSERT INTO run(run_id, origin, pipeline, status, started_us) "
     "VALUES('old-run', 'own', 'orders', 'completed', 1000000);"
     "INSERT INTO stage(run, seq, stage, cpu_s) VALUES(1, 0, 'read', 0.5);"
     "INSERT INTO journal VALUES(1, '', '{}');"
     "INSERT INTO fact VALUES('k', x'76');",
     "orders", "completed"},
};

START_TEST(a_store_of_every_older_version_is_brought_up_with_all_it_holds)
{
    int latest;
    const char *const *steps = store_migrations(&latest);
    ck_assert_int_eq((int)ARRAY_LEN(released), latest);
    for (size_t i = 0; i < ARRAY_LEN(released); i++) {
        enter();
        sqlite3 *db;
        ck_assert_int_eq(sqlite3_open("s.db", &db), SQLITE_OK);
        OK(store_migrate(db, "s.db", steps, released[i].version, &e));
        ck_assert_int_eq(sqlite3_exec(db, released[i].fill, NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(db);
        struct store *s;
        struct arena a = ARENA_INIT;
        struct store_run r;
        struct store_stage *stages;
        struct slice v;
        size_t n;
        OK(store_open(&s, "s.db", STORE_READ, &e));
        OK(store_run_find(s, &a, "old-run", &r, &e));
        ck_assert_str_eq(r.pipeline, released[i].pipeline);
        ck_assert_str_eq(r.status, released[i].status);
        OK(store_run_stages(s, &a, "old-run", &stages, &n, &e));
        ck_assert_uint_eq(n, 1);
        ck_assert_double_eq(stages[0].used.cpu_s.p50, 0.5);
        OK(store_fact_get(s, &a, "k", &v, &e));
        ck_assert(slice_is(v, "v"));
        store_close(s);
        arena_release(&a);
        leave();
    }
}
END_TEST

/* A released migration is never edited: its text is pinned here. */
START_TEST(a_released_migration_is_never_edited)
{
    static const char *const sums[] = {
        "6561182a21edc792844dc3e49a5668ddeec21ddd9a7551956ac6c2947aac85f4",
        "5d8fc2f1b337b3a859b0fe5cdc72c923dfe67eee0e3a365292d3bdc3766e988e",
        "1f6abd6d5d74e4c59693f93b91eeac8194f43f7272594e66acd6f3bb459ac381",
    };
    int n;
    const char *const *steps = store_migrations(&n);
    ck_assert_int_eq((int)ARRAY_LEN(sums), n);
    for (int i = 0; i < n; i++) {
        struct sha256 sum;
        char hex[SHA256_HEX];
        sha256_init(&sum);
        sha256_add(&sum, steps[i], strlen(steps[i]));
        sha256_hex(&sum, hex);
        ck_assert_str_eq(hex, sums[i]);
    }
}
END_TEST

static int count(sqlite3 *db, const char *text)
{
    sqlite3_stmt *st;
    ck_assert_msg(sqlite3_prepare_v2(db, text, -1, &st, NULL) == SQLITE_OK, "%s",
                  sqlite3_errmsg(db));
    ck_assert_int_eq(sqlite3_step(st), SQLITE_ROW);
    int n = sqlite3_column_int(st, 0);
    sqlite3_finalize(st);
    return n;
}

START_TEST(a_migration_that_fails_leaves_the_version_before_it_whole)
{
    enter();
    int latest;
    const char *const *real = store_migrations(&latest);
    const char *steps[] = {
        real[0],
        "ALTER TABLE run ADD COLUMN color TEXT; UPDATE run SET color = 'blue'",
        "CREATE TABLE half(x); INSERT INTO half VALUES(1); INSERT INTO no_such_table VALUES(1)",
    };
    sqlite3 *db;
    ck_assert_int_eq(sqlite3_open("s.db", &db), SQLITE_OK);
    OK(store_migrate(db, "s.db", steps, 1, &e));
    ck_assert_int_eq(sqlite3_exec(db, released[0].fill, NULL, NULL, NULL), SQLITE_OK);
    OK(store_migrate(db, "s.db", steps, 2, &e));
    ck_assert_int_eq(count(db, "SELECT count(*) FROM run WHERE color = 'blue'"), 1);
    ck_assert_int_eq(count(db, "PRAGMA user_version"), 2);
    ck_assert(!store_migrate(db, "s.db", steps, 3, &e));
    ck_assert_int_eq(e.kind, ERR_ENV);
    ck_assert_ptr_nonnull(strstr(e.text, "next version"));
    ck_assert_int_eq(count(db, "PRAGMA user_version"), 2);
    ck_assert_int_eq(count(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'half'"), 0);
    ck_assert_int_eq(count(db, "PRAGMA application_id"), STORE_APPLICATION_ID);
    ck_assert(!store_migrate(db, "s.db", steps, 1, &e)); /* newer than what is known */
    sqlite3_close(db);
    leave();
}
END_TEST

/* -- many at once -- */

static void write_runs(int writer, int nruns)
{
    struct store *s;
    struct err err = ERR_INIT;
    bool ok = store_open(&s, "s.db", STORE_CREATE, &err);
    for (int i = 0; ok && i < nruns; i++) {
        char id[32];
        snprintf(id, sizeof(id), "w%d-r%03d", writer, i);
        struct store_run r = row_run(id, "p", "2026-01-01T00:00:00Z");
        struct store_stage g[2] = {row_stage("a", i), row_stage("b", i)};
        struct store_edge edge = {"f", "/in", "dataset", "j", "p", "job", "reads", id, NULL};
        ok =
            store_run_begin(s, &r, NULL, &err) && store_log_append(s, id, "a", slice_str(id), &err);
        r.status = "completed";
        ok = ok && store_run_end(s, &r, g, 2, &err) && store_edges_add(s, &edge, 1, &err);
    }
    if (!ok)
        fprintf(stderr, "writer %d: %s\n", writer, err.text);
    store_close(s);
    _exit(ok ? 0 : 1);
}

START_TEST(eight_writers_at_once_lose_nothing_and_fail_nowhere)
{
    enter();
    enum { WRITERS = 8, RUNS = 50 };
    pid_t pids[WRITERS];
    for (int w = 0; w < WRITERS; w++) {
        pids[w] = fork();
        if (pids[w] == 0)
            write_runs(w, RUNS);
    }
    /* And a reader, all the while. */
    struct arena a = ARENA_INIT;
    struct store *s;
    size_t n = 0;
    while (n < WRITERS * RUNS / 2) {
        struct store_run *runs;
        OK(store_open(&s, "s.db", STORE_READ, &e));
        if (s) {
            OK(store_runs(s, &a, NULL, "completed", 0, 0, &runs, &n, &e));
            arena_clear(&a);
            store_close(s);
        }
    }
    for (int w = 0; w < WRITERS; w++) {
        int status;
        ck_assert_int_eq(waitpid(pids[w], &status, 0), pids[w]);
        ck_assert_int_eq(status, 0);
    }
    struct store_history *h;
    struct store_edge *edges;
    struct slice log;
    OK(store_open(&s, "s.db", STORE_EXISTING, &e));
    OK(store_history(s, &a, "p", 0, &h, &n, &e));
    ck_assert_uint_eq(n, WRITERS * RUNS * 2);
    for (int w = 0; w < WRITERS; w++) {
        char id[32];
        snprintf(id, sizeof(id), "w%d-r%03d", w, RUNS - 1);
        OK(store_log_read(s, &a, id, "a", &log, &e));
        ck_assert(slice_is(log, id));
    }
    OK(store_edges(s, &a, &edges, &n, &e));
    ck_assert_uint_eq(n, 1);
    ck_assert_str_eq(edges[0].run_id, "w7-r049");
    store_close(s);
    arena_release(&a);
    leave();
}
END_TEST

UNIT_MAIN("store_open", the_default_place_is_the_nearest_git_root,
          without_git_the_default_place_is_the_state_folder,
          a_url_names_a_file_or_is_refused_without_repeating_its_secrets,
          what_is_not_our_store_is_refused_untouched, a_newer_store_is_refused_untouched,
          a_damaged_store_is_said_to_be_damaged,
          an_absent_or_empty_file_is_no_store_until_one_is_made,
          a_reader_writes_nothing_and_reads_in_a_folder_that_cannot_be_written,
          a_store_of_every_older_version_is_brought_up_with_all_it_holds,
          a_released_migration_is_never_edited,
          a_migration_that_fails_leaves_the_version_before_it_whole,
          eight_writers_at_once_lose_nothing_and_fail_nowhere)
