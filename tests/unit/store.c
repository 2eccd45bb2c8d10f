/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lib/store: what is put in comes out, function by function. Opening is in store_open.c, profiles
 * in store_profiles.c. */
#include "tests/unit/suite.h"

#include <sys/wait.h>

#include "base/instant.h"
#include "store/internal.h"
#include "tests/unit/store_rows.h"

static struct store *st;
static struct arena a;
static struct err e;

#define OK(call) ck_assert_msg((call), "%s: %s", #call, e.text)

static void fresh(void)
{
    char *path = xasprintf("%s/unit-%d.db", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp", getpid());
    unlink(path);
    a = ARENA_INIT;
    OK(store_open(&st, path, STORE_CREATE, &e));
    free(path);
}

static void done(void)
{
    char *path = xstrdup(store_path(st));
    store_close(st);
    ck_assert_int_eq(unlink(path), 0);
    free(path);
    arena_release(&a);
}

static void begin_end(const char *id, const char *pipeline, const char *at, const char *status)
{
    struct store_run r = row_run(id, pipeline, at);
    OK(store_run_begin(st, &r, NULL, &e));
    r.status = status;
    struct store_stage g = row_stage("one", 8);
    OK(store_run_end(st, &r, &g, 1, &e));
}

START_TEST(a_run_comes_back_as_it_was_begun_and_ended)
{
    fresh();
    struct store_run r = row_run("0190-aaaa", "orders", "2026-11-20T01:02:03.5Z"), got;
    OK(store_run_begin(st, &r, NULL, &e));
    OK(store_run_find(st, &a, "0190-aaaa", &got, &e));
    ck_assert_str_eq(got.status, "running");
    ck_assert_ptr_null(got.ended_at);
    ck_assert(isnan(got.wall_s));
    r.status = "failed";
    r.ended_at = "2026-11-20T01:02:05Z";
    r.wall_s = 1.5;
    r.cpu_s = 1.25;
    r.peak_memory_bytes = 1e6;
    r.rejects = 3;
    r.error = "stage 'x' failed";
    struct store_stage stages[] = {row_stage("b", 16), row_stage("a", 32)}, *back;
    OK(store_run_end(st, &r, stages, 2, &e));
    OK(store_run_find(st, &a, "0190-aaaa", &got, &e));
    ck_assert_str_eq(got.pipeline, "orders");
    ck_assert_str_eq(got.status, "failed");
    ck_assert_str_eq(got.code_version, "sha256:1");
    ck_assert_str_eq(got.mode, "standard");
    ck_assert_str_eq(got.base, "/data");
    int64_t us;
    ck_assert(instant_parse(slice_str(got.started_at), &us));
    ck_assert_int_eq(us % US_PER_S, 500000);
    ck_assert_str_eq(got.ended_at, "2026-11-20T01:02:05Z");
    ck_assert_double_eq(got.wall_s, 1.5);
    ck_assert_double_eq(got.cpu_s, 1.25);
    ck_assert_double_eq(got.peak_memory_bytes, 1e6);
    ck_assert_double_eq(got.rejects, 3);
    ck_assert_str_eq(got.error, "stage 'x' failed");
    ck_assert_int_eq(got.pid, getpid());
    size_t n;
    OK(store_run_stages(st, &a, "0190-aaaa", &back, &n, &e));
    ck_assert_uint_eq(n, 2);
    ck_assert_str_eq(back[0].used.id, "b");
    ck_assert_str_eq(back[1].used.id, "a");
    ck_assert_str_eq(back[1].used.operation, "filter");
    ck_assert_double_eq(back[1].used.records_in.p50, 32);
    ck_assert_double_eq(back[1].used.read_bytes.p95, 39);
    ck_assert(isnan(back[1].used.write_bytes.p50));
    ck_assert_double_eq(back[1].predicted_cpu_s.p50, 16);
    ck_assert_double_eq(back[1].predicted_wall_s.p95, 128);
    ck_assert_double_eq(back[1].predicted_peak_memory_bytes.p95, 256);
    ck_assert(isnan(back[1].predicted_records_out.p50));
    ck_assert_str_eq(back[1].status, "completed");
    ck_assert_str_eq(back[1].signature, "sig");
    ck_assert_str_eq(back[1].algorithm, "hash");
    ck_assert_double_eq(back[1].parallelism, 2);
    /* Ending it again replaces the stages. */
    OK(store_run_end(st, &r, stages, 1, &e));
    OK(store_run_stages(st, &a, "0190-aaaa", &back, &n, &e));
    ck_assert_uint_eq(n, 1);
    done();
}
END_TEST

START_TEST(a_definition_is_kept_once_for_all_runs_that_share_it)
{
    fresh();
    struct json *def;
    OK(json_parse(&a, SLICE_LIT("{\"pipeline\": \"p\", \"n\": 1.50}"), 0, &def, &e));
    struct slice body;
    for (int i = 0; i < 3; i++) {
        char id[16];
        snprintf(id, sizeof(id), "run-%d", i);
        struct store_run r = row_run(id, "p", "2026-01-01T00:00:00Z");
        OK(store_run_begin(st, &r, i < 2 ? def : NULL, &e));
    }
    OK(store_run_definition(st, &a, "run-1", &body, &e));
    ck_assert(slice_is(body, "{\"pipeline\":\"p\",\"n\":1.50}"));
    OK(store_run_definition(st, &a, "run-2", &body, &e));
    ck_assert_uint_eq(body.len, 0);
    done();
}
END_TEST

START_TEST(runs_are_listed_newest_first_by_pipeline_status_time_and_number)
{
    fresh();
    begin_end("r1", "p", "2026-01-01T00:00:00Z", "completed");
    begin_end("r3", "q", "2026-01-03T00:00:00Z", "failed");
    begin_end("r2", "p", "2026-01-02T00:00:00Z", "failed");
    begin_end("r2b", "p", "2026-01-02T00:00:00Z", "completed");
    struct store_run *runs;
    size_t n;
    OK(store_runs(st, &a, NULL, NULL, 0, 0, &runs, &n, &e));
    ck_assert_uint_eq(n, 4);
    ck_assert_str_eq(runs[0].run_id, "r3");
    ck_assert_str_eq(runs[1].run_id, "r2b");
    ck_assert_str_eq(runs[2].run_id, "r2");
    ck_assert_str_eq(runs[3].run_id, "r1");
    OK(store_runs(st, &a, "p", NULL, 0, 2, &runs, &n, &e));
    ck_assert_uint_eq(n, 2);
    ck_assert_str_eq(runs[1].run_id, "r2");
    OK(store_runs(st, &a, "p", "failed", 0, 0, &runs, &n, &e));
    ck_assert_uint_eq(n, 1);
    ck_assert_str_eq(runs[0].run_id, "r2");
    int64_t since;
    ck_assert(instant_parse(SLICE_LIT("2026-01-02T12:00:00Z"), &since));
    OK(store_runs(st, &a, NULL, NULL, since, 0, &runs, &n, &e));
    ck_assert_uint_eq(n, 1);
    OK(store_runs(st, &a, "nobody", NULL, 0, 0, &runs, &n, &e));
    ck_assert_uint_eq(n, 0);
    done();
}
END_TEST

START_TEST(a_running_run_whose_process_is_gone_was_killed)
{
    fresh();
    struct store_run r = row_run("alive", "p", "2026-01-01T00:00:00Z"), *runs;
    size_t n;
    OK(store_run_begin(st, &r, NULL, &e));
    pid_t child = fork();
    if (child == 0) {
        pause();
        _exit(0);
    }
    r.run_id = "dead";
    r.pid = child;
    OK(store_run_begin(st, &r, NULL, &e));
    r.run_id = "elsewhere";
    r.host = "no-such-host.invalid";
    OK(store_run_begin(st, &r, NULL, &e));
    OK(store_runs(st, &a, NULL, "running", 0, 0, &runs, &n, &e));
    ck_assert_uint_eq(n, 3);
    kill(child, SIGKILL);
    int status;
    /* A zombie is gone already. */
    siginfo_t info;
    ck_assert_int_eq(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
    OK(store_runs(st, &a, NULL, "killed", 0, 0, &runs, &n, &e));
    ck_assert_uint_eq(n, 1);
    waitpid(child, &status, 0);
    OK(store_runs(st, &a, NULL, "killed", 0, 0, &runs, &n, &e));
    ck_assert_uint_eq(n, 1);
    ck_assert_str_eq(runs[0].run_id, "dead");
    ck_assert_str_eq(runs[0].status, "killed");
    OK(store_runs(st, &a, NULL, "running", 0, 0, &runs, &n, &e));
    ck_assert_uint_eq(n, 2);
    /* What has ended is not killed, whoever is gone. */
    r = row_run("dead", "p", NULL);
    r.status = "completed";
    OK(store_run_end(st, &r, NULL, 0, &e));
    OK(store_runs(st, &a, NULL, "killed", 0, 0, &runs, &n, &e));
    ck_assert_uint_eq(n, 0);
    done();
}
END_TEST

START_TEST(a_run_is_found_by_its_id_or_an_unambiguous_beginning)
{
    fresh();
    begin_end("0190aaaa-1", "p", "2026-01-01T00:00:00Z", "completed");
    begin_end("0190aaaa-12", "p", "2026-01-01T00:00:00Z", "completed");
    begin_end("0190bbbb", "p", "2026-01-01T00:00:00Z", "completed");
    begin_end("xy", "p", "2026-01-01T00:00:00Z", "completed");
    struct store_run r;
    OK(store_run_find(st, &a, "0190b", &r, &e));
    ck_assert_str_eq(r.run_id, "0190bbbb");
    OK(store_run_find(st, &a, "0190aaaa-1", &r, &e)); /* exact wins over a longer one */
    ck_assert_str_eq(r.run_id, "0190aaaa-1");
    OK(store_run_find(st, &a, "xy", &r, &e));
    ck_assert(!store_run_find(st, &a, "0190aaaa", &r, &e));
    ck_assert_int_eq(e.kind, ERR_DATA);
    ck_assert_ptr_nonnull(strstr(e.text, "0190aaaa-1, 0190aaaa-12"));
    ck_assert(!store_run_find(st, &a, "019", &r, &e));
    ck_assert_ptr_nonnull(strstr(e.text, "first 4"));
    ck_assert(!store_run_find(st, &a, "ffff", &r, &e));
    ck_assert_int_eq(e.kind, ERR_DATA);
    ck_assert(!store_run_find(st, &a, "", &r, &e));
    ck_assert(!store_run_find(st, &a, "%%%%", &r, &e)); /* no wildcards */
    done();
}
END_TEST

START_TEST(history_holds_the_stages_of_the_last_completed_runs)
{
    fresh();
    begin_end("r1", "p", "2026-01-01T00:00:00Z", "completed");
    begin_end("r2", "p", "2026-01-02T00:00:00Z", "failed");
    begin_end("r3", "p", "2026-01-03T00:00:00Z", "completed");
    begin_end("r4", "q", "2026-01-04T00:00:00Z", "completed");
    struct store_history *h;
    size_t n;
    OK(store_history(st, &a, "p", 10, &h, &n, &e));
    ck_assert_uint_eq(n, 2);
    ck_assert_str_eq(h[0].run_id, "r3");
    ck_assert_str_eq(h[0].started_at, "2026-01-03T00:00:00Z");
    ck_assert_str_eq(h[0].stage.used.id, "one");
    ck_assert_str_eq(h[1].run_id, "r1");
    OK(store_history(st, &a, "p", 1, &h, &n, &e));
    ck_assert_uint_eq(n, 1);
    struct store_pipeline *p;
    OK(store_pipelines(st, &a, &p, &n, &e));
    ck_assert_uint_eq(n, 2);
    ck_assert_str_eq(p[0].pipeline, "p");
    ck_assert_int_eq(p[0].runs, 3);
    ck_assert_int_eq(p[0].completed, 2);
    ck_assert_str_eq(p[0].last.run_id, "r3");
    done();
}
END_TEST

static void journal(const char *id, const char *from, const char *stage, const char *body)
{
    struct store_journal row = {stage, slice_str(body)};
    OK(store_journal_begin(st, id, from, &row, 1, &e));
}

START_TEST(a_journal_moves_to_the_run_that_goes_on_and_ends_with_completion)
{
    fresh();
    begin_end("r1", "p", "2026-01-01T00:00:00Z", "failed");
    begin_end("r2", "p", "2026-01-02T00:00:00Z", "failed");
    const char *id;
    struct json *none = json_new(&a, JSON_OBJECT);
    OK(store_resumable(st, &a, "p", none, &id, &e));
    ck_assert_ptr_null(id); /* nothing was begun */
    journal("r1", NULL, "", "{}");
    struct store_journal more = {"w", SLICE_LIT("{\"step\":\"ready\"}")}, *rows;
    OK(store_journal_put(st, "r1", &more, 1, false, &e));
    more.body = SLICE_LIT("{\"step\":\"ended\"}");
    OK(store_journal_put(st, "r1", &more, 1, true, &e));
    size_t n;
    OK(store_journal_read(st, &a, "r1", &rows, &n, &e));
    ck_assert_uint_eq(n, 2);
    ck_assert_str_eq(rows[0].stage, "");
    ck_assert(slice_is(rows[1].body, "{\"step\":\"ended\"}"));
    OK(store_resumable(st, &a, "p", none, &id, &e));
    ck_assert_str_eq(id, "r1");
    journal("r2", "r1", "", "{}");
    struct store_journal row = {"", SLICE_LIT("{}")};
    ck_assert(!store_journal_begin(st, "r3", "r1", &row, 1, &e));
    ck_assert_int_eq(e.kind, ERR_AGAIN); /* another was faster */
    OK(store_journal_read(st, &a, "r1", &rows, &n, &e));
    ck_assert_uint_eq(n, 0);
    OK(store_resumable(st, &a, "p", none, &id, &e));
    ck_assert_str_eq(id, "r2");
    struct store_run r;
    OK(store_run_find(st, &a, "r2", &r, &e));
    ck_assert_str_eq(r.resumed_from, "r1");
    begin_end("r2", "p", "2026-01-02T00:00:00Z", "completed");
    OK(store_journal_read(st, &a, "r2", &rows, &n, &e));
    ck_assert_uint_eq(n, 0);
    done();
}
END_TEST

static struct slice filled(size_t n, char base)
{
    char *p = arena_bytes(&a, n);
    for (size_t i = 0; i < n; i++)
        p[i] = (char)(base + (char)(i % 23));
    return slice_of(p, n);
}

START_TEST(a_log_comes_back_whole_below_its_bound_whatever_the_steps)
{
    fresh();
    struct store_run r = row_run("r", "p", NULL);
    OK(store_run_begin(st, &r, NULL, &e));
    struct slice want = filled(100000, 'A'), got;
    ((char *)(uintptr_t)want.p)[50] = '\0'; /* NULs are bytes like others */
    size_t step = 1;
    for (size_t at = 0; at < want.len; at += step, step = step * 3 % 40009 + 1) {
        size_t n = want.len - at < step ? want.len - at : step;
        OK(store_log_append(st, "r", "s", slice_of(want.p + at, n), &e));
        step = n;
    }
    OK(store_log_append(st, "r", "other", SLICE_LIT("x"), &e));
    OK(store_log_append(st, "r", "empty", SLICE_LIT(""), &e));
    OK(store_log_read(st, &a, "r", "s", &got, &e));
    ck_assert(slice_eq(got, want));
    OK(store_log_read(st, &a, "r", "none", &got, &e));
    ck_assert_uint_eq(got.len, 0);
    const char **stages;
    size_t n;
    OK(store_log_stages(st, &a, "r", &stages, &n, &e));
    ck_assert_uint_eq(n, 2);
    ck_assert_str_eq(stages[0], "s");
    ck_assert(!store_log_append(st, "nobody", "s", want, &e));
    ck_assert_int_eq(e.kind, ERR_DATA);
    ck_assert(!store_log_read(st, &a, "nobody", "s", &got, &e));
    done();
}
END_TEST

START_TEST(of_a_long_log_the_first_and_the_last_half_stay)
{
    fresh();
    const size_t half = 512 * 1024;
    struct store_run r = row_run("r", "p", NULL);
    OK(store_run_begin(st, &r, NULL, &e));
    struct slice all = filled(half * 5 + 12345, 'a'), got;
    for (size_t at = 0; at < all.len;) {
        size_t n = at % 3 ? 70001 : 1234;
        n = n > all.len - at ? all.len - at : n;
        OK(store_log_append(st, "r", "s", slice_of(all.p + at, n), &e));
        at += n;
    }
    OK(store_log_append(st, "r", "once", all, &e)); /* the same in one piece */
    for (int i = 0; i < 2; i++) {
        OK(store_log_read(st, &a, "r", i ? "once" : "s", &got, &e));
        char *mark = arena_printf(&a, "\n[… %zu bytes left out …]\n", all.len - 2 * half);
        ck_assert_uint_eq(got.len, 2 * half + strlen(mark));
        ck_assert_mem_eq(got.p, all.p, half);
        ck_assert_mem_eq(got.p + half, mark, strlen(mark));
        ck_assert_mem_eq(got.p + got.len - half, all.p + all.len - half, half);
    }
    done();
}
END_TEST

/* -- sayings -- */

struct said {
    const char *job, *status, *started, *ended, *parent;
    struct store_saying how;
    size_t nstages;
};

static void say(const struct said *s)
{
    struct store_run r = row_run("seen", s->job, s->started);
    r.status = s->status;
    r.ended_at = s->ended;
    r.parent_run_id = s->parent;
    r.pid = 0;
    struct store_stage g = row_stage("x", 4);
    OK(store_run_seen(st, &r, &s->how, &g, s->nstages, &e));
}

START_TEST(what_others_say_of_a_run_does_not_depend_on_order_or_repetition)
{
    static const struct said said[] = {
        {"j",
         "running",
         "2026-01-01T00:00:02Z",
         NULL,
         "par",
         {1, "2026-01-01T00:00:02Z", {NULL, 0}},
         0},
        {"j",
         "running",
         "2026-01-01T00:00:01Z",
         NULL,
         NULL,
         {1, "2026-01-01T00:00:01Z", {NULL, 0}},
         0},
        {"j",
         "failed",
         "2026-01-01T00:00:03Z",
         "2026-01-01T00:00:03Z",
         NULL,
         {2, "2026-01-01T00:00:03Z", {NULL, 0}},
         0},
        {"j",
         "completed",
         NULL,
         "2026-01-01T00:00:04Z",
         NULL,
         {2, "2026-01-01T00:00:04Z", {NULL, 0}},
         1},
        {"k", "running", NULL, NULL, NULL, {1, NULL, {NULL, 0}}, 0},
    };
    static const int orders[][7] = {
        {0, 1, 2, 3, 4, 3, 0}, {4, 3, 2, 1, 0, 0, 0}, {3, 0, 2, 1, 1, 4, 4}, {2, 4, 3, 1, 0, 2, 2}};
    for (size_t o = 0; o < ARRAY_LEN(orders); o++) {
        fresh();
        for (size_t i = 0; i < ARRAY_LEN(orders[0]); i++)
            say(&said[orders[o][i]]);
        struct store_run r;
        OK(store_run_find(st, &a, "seen", &r, &e));
        ck_assert_str_eq(r.status, "completed");
        ck_assert_str_eq(r.pipeline, "j");
        ck_assert_str_eq(r.started_at, "2026-01-01T00:00:01Z");
        ck_assert_str_eq(r.ended_at, "2026-01-01T00:00:04Z");
        ck_assert_str_eq(r.parent_run_id, "par");
        struct store_stage *g;
        struct store_run *kids;
        size_t n;
        OK(store_run_stages(st, &a, "seen", &g, &n, &e));
        ck_assert_uint_eq(n, 1);
        OK(store_run_children(st, &a, "par", &kids, &n, &e));
        ck_assert_uint_eq(n, 1);
        done();
    }
}
END_TEST

START_TEST(what_others_say_never_changes_a_run_of_our_own)
{
    fresh();
    begin_end("seen", "p", "2026-01-01T00:00:00Z", "completed");
    say(&(struct said){"j",
                       "failed",
                       "2025-01-01T00:00:00Z",
                       "2027-01-01T00:00:00Z",
                       NULL,
                       {9, "2027-01-01T00:00:00Z", {NULL, 0}},
                       1});
    struct store_run r;
    OK(store_run_find(st, &a, "seen", &r, &e));
    ck_assert_str_eq(r.status, "completed");
    ck_assert_str_eq(r.pipeline, "p");
    ck_assert_str_eq(r.started_at, "2026-01-01T00:00:00Z");
    struct store_stage *g;
    size_t n;
    OK(store_run_stages(st, &a, "seen", &g, &n, &e));
    ck_assert_str_eq(g[0].used.id, "one");
    done();
}
END_TEST

/* -- edges, events, facts, transactions -- */

START_TEST(edges_are_kept_once_with_their_latest_sighting_in_any_order)
{
    static const struct store_edge edges[] = {
        {"file", "/in", "dataset", "jobs", "j", "job", "reads", "r1", "2026-01-01T00:00:00Z"},
        {"file", "/in", "dataset", "jobs", "j", "job", "reads", "r2", "2026-01-02T00:00:00Z"},
        {"file", "/in", "dataset", "jobs", "j", "job", "reads", NULL, NULL},
        {"jobs", "j", "job", "postgresql://h:1", "t", "dataset", "writes", NULL, NULL},
        {"jobs", "j", "job", "postgres://h:1", "t", "dataset", "writes", "r0", NULL},
    };
    static const int orders[][7] = {
        {0, 1, 2, 3, 4, 0, 1}, {4, 3, 2, 1, 0, 4, 4}, {2, 1, 4, 0, 3, 2, 2}};
    for (size_t o = 0; o < ARRAY_LEN(orders); o++) {
        fresh();
        for (size_t i = 0; i < ARRAY_LEN(orders[0]); i++)
            OK(store_edges_add(st, &edges[orders[o][i]], 1, &e));
        struct store_edge *got;
        size_t n;
        OK(store_edges(st, &a, &got, &n, &e));
        ck_assert_uint_eq(n, 2);
        ck_assert_str_eq(got[0].from_name, "/in");
        ck_assert_str_eq(got[0].to_kind, "job");
        ck_assert_str_eq(got[0].kind, "reads");
        ck_assert_str_eq(got[0].run_id, "r2");
        ck_assert_str_eq(got[0].at, "2026-01-02T00:00:00Z");
        ck_assert_str_eq(got[1].to_namespace, "postgres://h:1");
        ck_assert_str_eq(got[1].run_id, "r0");
        ck_assert_ptr_null(got[1].at);
        struct store_node_run *runs;
        struct store_node node = {"postgresql://h:1", "t", "dataset"};
        OK(store_node_runs(st, &a, &node, 0, &runs, &n, &e));
        ck_assert_uint_eq(n, 1);
        ck_assert_str_eq(runs[0].edge, "writes");
        ck_assert_str_eq(runs[0].other.name, "j");
        ck_assert_ptr_null(runs[0].status);
        node = (struct store_node){"jobs", "j", "job"};
        OK(store_node_runs(st, &a, &node, 2, &runs, &n, &e));
        ck_assert_uint_eq(n, 2);
        ck_assert_str_eq(runs[0].run_id, "r2");
        done();
    }
}
END_TEST

START_TEST(nodes_and_edges_that_mean_nothing_are_refused)
{
    fresh();
    struct store_edge bad[] = {
        {"n", "", "dataset", "n", "j", "job", "reads", NULL, NULL},
        {"n", "d", "dataset", "n", NULL, "job", "reads", NULL, NULL},
        {"n", "d", "table", "n", "j", "job", "reads", NULL, NULL},
        {"n", "d", "dataset", "n", "j", "job", "eats", NULL, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        ck_assert(!store_edges_add(st, &bad[i], 1, &e));
        ck_assert_int_eq(e.kind, ERR_DATA);
    }
    struct store_graph g;
    OK(store_graph_read(st, &a, &g, &e));
    ck_assert_uint_eq(g.nnodes, 0);
    struct store_node lone = {"jobs", "lone", "job"};
    OK(store_node_add(st, &lone, &e));
    OK(store_node_add(st, &lone, &e));
    OK(store_graph_read(st, &a, &g, &e));
    ck_assert_uint_eq(g.nnodes, 1);
    ck_assert_uint_eq(g.narcs, 0);
    done();
}
END_TEST

START_TEST(a_graph_is_read_in_the_order_of_names)
{
    fresh();
    for (int i = 299; i >= 0; i--) {
        char from[16], to[16];
        snprintf(from, sizeof(from), "d%03d", i * 7 % 300);
        snprintf(to, sizeof(to), "j%03d", i % 50);
        struct store_edge edge = {"n", from, "dataset", "n", to, "job", "reads", NULL, NULL};
        OK(store_edges_add(st, &edge, 1, &e));
    }
    struct store_graph g;
    OK(store_graph_read(st, &a, &g, &e));
    ck_assert_uint_eq(g.nnodes, 350);
    ck_assert_uint_eq(g.narcs, 300);
    for (size_t i = 1; i < g.nnodes; i++)
        ck_assert_int_lt(strcmp(g.nodes[i - 1].name, g.nodes[i].name), 0);
    for (size_t i = 1; i < g.narcs; i++)
        ck_assert_uint_lt(g.arcs[i - 1].from, g.arcs[i].from);
    for (size_t i = 0; i < g.narcs; i++)
        ck_assert_int_eq(g.nodes[g.arcs[i].from].name[0], 'd');
    done();
}
END_TEST

START_TEST(an_event_is_added_once_by_content)
{
    fresh();
    bool added;
    OK(store_event_add(st, SLICE_LIT("{\"a\":1}"), "r", "2026-01-01T00:00:00Z", &added, &e));
    ck_assert(added);
    OK(store_event_add(st, SLICE_LIT("{\"a\":1}\r\n"), "r", NULL, &added, &e));
    ck_assert(!added);
    OK(store_event_add(st, SLICE_LIT("{\"a\":2}"), NULL, NULL, &added, &e));
    ck_assert(added);
    done();
}
END_TEST

START_TEST(a_fact_is_replaced_and_may_be_any_bytes)
{
    fresh();
    struct slice v;
    OK(store_fact_get(st, &a, "k", &v, &e));
    ck_assert_uint_eq(v.len, 0);
    OK(store_fact_set(st, "k", SLICE_LIT("a\0b\xff"), &e));
    OK(store_fact_set(st, "k2", SLICE_LIT("other"), &e));
    OK(store_fact_get(st, &a, "k", &v, &e));
    ck_assert(slice_eq(v, SLICE_LIT("a\0b\xff")));
    OK(store_fact_set(st, "k", SLICE_NULL, &e));
    OK(store_fact_get(st, &a, "k", &v, &e));
    ck_assert_uint_eq(v.len, 0);
    done();
}
END_TEST

START_TEST(a_transaction_is_all_or_nothing)
{
    fresh();
    struct slice v;
    OK(store_begin(st, &e));
    OK(store_fact_set(st, "k", SLICE_LIT("1"), &e));
    begin_end("r", "p", NULL, "completed");
    store_rollback(st);
    OK(store_fact_get(st, &a, "k", &v, &e));
    ck_assert_uint_eq(v.len, 0);
    OK(store_begin(st, &e));
    OK(store_fact_set(st, "k", SLICE_LIT("2"), &e));
    OK(store_commit(st, &e));
    OK(store_fact_get(st, &a, "k", &v, &e));
    ck_assert(slice_is(v, "2"));
    /* A failed call inside: the rest cannot be committed. */
    OK(store_begin(st, &e));
    OK(store_fact_set(st, "k", SLICE_LIT("3"), &e));
    ck_assert(!store_log_append(st, "nobody", "s", SLICE_LIT("x"), &e));
    ck_assert(!store_fact_set(st, "k", SLICE_LIT("4"), &e));
    ck_assert(!store_commit(st, &e));
    ck_assert_int_eq(e.kind, ERR_ENV);
    OK(store_fact_get(st, &a, "k", &v, &e));
    ck_assert(slice_is(v, "2"));
    done();
}
END_TEST

/* Of what SQLite counts while it steps through a whole table. */
START_TEST(no_question_about_one_thing_reads_a_whole_table)
{
    fresh();
    for (int i = 0; i < 50; i++) {
        char id[16];
        snprintf(id, sizeof(id), "run-%03d", i);
        begin_end(id, i % 5 ? "p" : "q", "2026-01-01T00:00:00Z", i % 3 ? "completed" : "failed");
        OK(store_log_append(st, id, "one", SLICE_LIT("text"), &e));
        struct store_edge x = {"f", id, "dataset", "j", "p", "job", "reads", id, NULL};
        OK(store_edges_add(st, &x, 1, &e));
        bool added;
        OK(store_event_add(st, slice_str(id), id, NULL, &added, &e));
        OK(store_fact_set(st, id, SLICE_LIT("v"), &e));
    }
    struct store_run r, *runs;
    struct store_stage *g;
    struct store_history *h;
    struct store_node_run *over;
    struct store_node node = {"f", "run-007", "dataset"};
    struct slice text;
    const char **stages;
    size_t n;
    OK(store_run_find(st, &a, "run-007", &r, &e));
    OK(store_run_stages(st, &a, "run-007", &g, &n, &e));
    OK(store_run_children(st, &a, "run-007", &runs, &n, &e));
    OK(store_run_definition(st, &a, "run-007", &text, &e));
    OK(store_history(st, &a, "q", 2, &h, &n, &e));
    OK(store_log_read(st, &a, "run-007", "one", &text, &e));
    OK(store_log_stages(st, &a, "run-007", &stages, &n, &e));
    OK(store_node_runs(st, &a, &node, 5, &over, &n, &e));
    OK(store_fact_get(st, &a, "run-007", &text, &e));
    ck_assert_uint_gt(st->nstmts, 15);
    /* The history steps through the two runs that were asked for. */
    for (size_t i = 0; i < st->nstmts; i++)
        ck_assert_msg(sqlite3_stmt_status(st->stmts[i].st, SQLITE_STMTSTATUS_FULLSCAN_STEP, 0) <= 2,
                      "%s", st->stmts[i].sql);
    done();
}
END_TEST

UNIT_MAIN("store", a_run_comes_back_as_it_was_begun_and_ended,
          a_definition_is_kept_once_for_all_runs_that_share_it,
          runs_are_listed_newest_first_by_pipeline_status_time_and_number,
          a_running_run_whose_process_is_gone_was_killed,
          a_run_is_found_by_its_id_or_an_unambiguous_beginning,
          history_holds_the_stages_of_the_last_completed_runs,
          a_journal_moves_to_the_run_that_goes_on_and_ends_with_completion,
          a_log_comes_back_whole_below_its_bound_whatever_the_steps,
          of_a_long_log_the_first_and_the_last_half_stay,
          what_others_say_of_a_run_does_not_depend_on_order_or_repetition,
          what_others_say_never_changes_a_run_of_our_own,
          edges_are_kept_once_with_their_latest_sighting_in_any_order,
          nodes_and_edges_that_mean_nothing_are_refused, a_graph_is_read_in_the_order_of_names,
          an_event_is_added_once_by_content, a_fact_is_replaced_and_may_be_any_bytes,
          a_transaction_is_all_or_nothing, no_question_about_one_thing_reads_a_whole_table)
