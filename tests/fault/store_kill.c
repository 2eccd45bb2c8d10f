/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The store under kill -9 at random instants and on a full disk: what was said to be committed is
 * there, nothing is there by half, and it opens again by itself. FORELINE_LONG=1: 1,000 kills.
 */
#include "tests/unit/suite.h"

#include <errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "base/rng.h"
#include "tests/unit/store_rows.h"

static struct err e;
#define OK(call) ck_assert_msg((call), "%s: %s", #call, e.text)
enum { STAGES = 3 };

/* What the writer has been told is done, in memory that outlives it. */
struct told {
    int round, begun, ended;
};

static char *db_path(const char *name)
{
    const char *tmp = getenv("TMPDIR");
    return xasprintf("%s/%s-%d.db", tmp ? tmp : "/tmp", name, getpid());
}

static void run_name(char id[32], int round, int i)
{
    snprintf(id, 32, "run-%05d-%06d", round, i);
}

/* Runs, one after the other, each with a log, stages and edges, until killed. */
static void write_for_ever(const char *path, volatile struct told *told)
{
    struct store *s;
    if (!store_open(&s, path, STORE_CREATE, &e))
        _exit(1);
    for (int i = 0;; i++) {
        char id[32];
        run_name(id, told->round, i);
        struct store_run r = row_run(id, "p", "2026-01-01T00:00:00Z");
        struct store_stage g[STAGES] = {row_stage("a", i), row_stage("b", i), row_stage("c", i)};
        struct store_edge edges[] = {
            {"f", id, "dataset", "j", "p", "job", "reads", id, NULL},
            {"j", "p", "job", "f", "out", "dataset", "writes", id, NULL},
        };
        if (!store_run_begin(s, &r, NULL, &e))
            _exit(1);
        told->begun = i + 1;
        if (!store_log_append(s, id, "a", slice_str(id), &e))
            _exit(1);
        r.status = "completed";
        if (!store_begin(s, &e) || !store_run_end(s, &r, g, STAGES, &e) ||
            !store_edges_add(s, edges, 2, &e) || !store_commit(s, &e))
            _exit(1);
        told->ended = i + 1;
    }
}

static void check_integrity(const char *path)
{
    sqlite3 *db;
    sqlite3_stmt *st;
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &st, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(st), SQLITE_ROW);
    ck_assert_str_eq((const char *)sqlite3_column_text(st, 0), "ok");
    sqlite3_finalize(st);
    ck_assert_int_eq(sqlite3_prepare_v2(db, "PRAGMA foreign_key_check", -1, &st, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(st), SQLITE_DONE);
    sqlite3_finalize(st);
    sqlite3_close(db);
}

/* Every run that was told is there; one that has ended has all of its stages and edges. */
static void check_runs(const char *path, volatile struct told *told)
{
    struct store *s;
    struct arena a = ARENA_INIT;
    OK(store_open(&s, path, STORE_EXISTING, &e));
    if (!s) { /* killed before it was made */
        ck_assert_int_eq(told->begun, 0);
        return;
    }
    for (int i = 0; i <= told->begun; i++) {
        char id[32];
        struct store_run r;
        struct store_stage *g;
        struct store_node_run *over;
        size_t n, nover;
        run_name(id, told->round, i);
        if (!store_run_find(s, &a, id, &r, &e)) {
            ck_assert_int_eq(e.kind, ERR_DATA);
            ck_assert_msg(i >= told->begun, "%s was begun and is lost", id);
            continue;
        }
        OK(store_run_stages(s, &a, id, &g, &n, &e));
        struct store_node node = {"f", id, "dataset"};
        OK(store_node_runs(s, &a, &node, 0, &over, &nover, &e));
        bool ended = strcmp(r.status, "completed") == 0;
        ck_assert_msg(ended || i >= told->ended, "%s was ended and is %s", id, r.status);
        ck_assert_str_eq(r.status, ended ? "completed" : "killed");
        ck_assert_uint_eq(n, ended ? STAGES : 0);
        ck_assert_uint_eq(nover, ended ? 1 : 0);
        arena_clear(&a);
    }
    store_close(s);
    arena_release(&a);
}

static void wait_for_runs(const volatile struct told *told, int ended)
{
    const struct timespec nap = {0, 100000};
    for (int i = 0; i < 300000 && told->ended < ended; i++)
        nanosleep(&nap, NULL);
}

START_TEST(nothing_told_is_lost_and_nothing_is_half_there_after_kill_9)
{
    const char *is_long = getenv("FORELINE_LONG");
    int kills = is_long && strcmp(is_long, "1") == 0 ? 1000 : 40;
    char *path = NULL;
    struct rng rng;
    rng_seed(&rng, 20261120);
    FILE *shared = tmpfile();
    ck_assert(shared && ftruncate(fileno(shared), sizeof(struct told)) == 0);
    void *map =
        mmap(NULL, sizeof(struct told), PROT_READ | PROT_WRITE, MAP_SHARED, fileno(shared), 0);
    ck_assert_ptr_ne(map, MAP_FAILED);
    volatile struct told *told = map;
    int total = 0;
    for (int k = 0; k < kills; k++) {
        /* Every fourth store is new, so that its making is hit too. */
        if (k % 4 == 0) {
            free(path);
            char name[32];
            snprintf(name, sizeof(name), "kill%d", k);
            path = db_path(name);
        }
        told->round = k;
        told->begun = told->ended = 0;
        pid_t pid = fork();
        if (pid == 0)
            write_for_ever(path, told);
        /* At a random instant of a run that is chosen by its number, not by the clock: so a machine
         * that is busy is hit in the same places. */
        wait_for_runs(told, k % 8 == 0 ? 0 : (int)rng_below(&rng, 8));
        struct timespec pause = {0, (long)(rng_below(&rng, 4000) * 1000)};
        nanosleep(&pause, NULL);
        kill(pid, SIGKILL);
        int status;
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_msg(WIFSIGNALED(status), "the writer failed by itself");
        check_runs(path, told);
        if (access(path, F_OK) == 0)
            check_integrity(path);
        total += told->ended;
    }
    ck_assert_int_ge(total, kills / 4 * 3); /* it did write */
    free(path);
}
END_TEST

START_TEST(a_full_disk_is_an_error_and_leaves_the_store_as_it_was)
{
    char *path = db_path("full");
    struct store *s;
    struct arena a = ARENA_INIT;
    OK(store_open(&s, path, STORE_CREATE, &e));
    OK(store_fact_set(s, "before", SLICE_LIT("1"), &e));
    pid_t pid = fork();
    if (pid == 0) {
        struct rlimit limit = {200 * 1024, 200 * 1024};
        struct store *t;
        signal(SIGXFSZ, SIG_IGN); /* EFBIG, as ENOSPC would be */
        if (setrlimit(RLIMIT_FSIZE, &limit) || !store_open(&t, path, STORE_CREATE, &e))
            _exit(1);
        for (int i = 0; i < 10000; i++) {
            char id[32];
            run_name(id, 0, i);
            struct store_run r = row_run(id, "p", NULL);
            struct store_stage g = row_stage("a", i);
            if (!store_run_end(t, &r, &g, 1, &e)) {
                bool said = e.kind == ERR_ENV && strstr(e.text, "cannot write to the store") &&
                            strstr(e.text, "File too large");
                fprintf(stderr, "%s\n", e.text);
                _exit(said && i > 0 ? 0 : 2);
            }
        }
        _exit(3);
    }
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %d", status);
    struct store_run *runs;
    struct store_stage *g;
    struct slice v;
    size_t n, m;
    OK(store_runs(s, &a, NULL, NULL, 0, 0, &runs, &n, &e));
    ck_assert_uint_gt(n, 0);
    for (size_t i = 0; i < n; i++) {
        OK(store_run_stages(s, &a, runs[i].run_id, &g, &m, &e));
        ck_assert_uint_eq(m, 1);
    }
    OK(store_fact_get(s, &a, "before", &v, &e));
    ck_assert(slice_is(v, "1"));
    OK(store_fact_set(s, "after", SLICE_LIT("1"), &e));
    store_close(s);
    check_integrity(path);
    arena_release(&a);
    free(path);
}
END_TEST

START_TEST(a_store_cannot_be_made_on_a_full_disk_and_can_be_made_there_later)
{
    char *path = db_path("tiny");
    struct store *s;
    pid_t pid = fork();
    if (pid == 0) {
        struct rlimit limit = {8192, 8192};
        signal(SIGXFSZ, SIG_IGN);
        if (setrlimit(RLIMIT_FSIZE, &limit))
            _exit(1);
        bool ok = store_open(&s, path, STORE_CREATE, &e);
        fprintf(stderr, "%s\n", e.text);
        _exit(!ok && e.kind == ERR_ENV ? 0 : 2);
    }
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %d", status);
    OK(store_open(&s, path, STORE_CREATE, &e));
    OK(store_fact_set(s, "k", SLICE_LIT("1"), &e));
    store_close(s);
    check_integrity(path);
    free(path);
}
END_TEST

UNIT_MAIN("store_kill", nothing_told_is_lost_and_nothing_is_half_there_after_kill_9,
          a_full_disk_is_an_error_and_leaves_the_store_as_it_was,
          a_store_cannot_be_made_on_a_full_disk_and_can_be_made_there_later)
