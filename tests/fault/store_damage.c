/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A store with random bytes changed, or cut off: every question gives an answer or ERR_ENV, and
 * never ends the process. */
#include "tests/unit/suite.h"

#include "base/rng.h"
#include "os/os.h"
#include "tests/unit/store_rows.h"

static struct err e;
#define OK(call) ck_assert_msg((call), "%s: %s", #call, e.text)

static void fill(const char *path)
{
    struct store *s;
    OK(store_open(&s, path, STORE_CREATE, &e));
    OK(store_begin_relaxed(s, &e));
    for (int i = 0; i < 40; i++) {
        char id[32];
        snprintf(id, sizeof(id), "run-%04d", i);
        struct store_run r = row_run(id, i % 2 ? "p" : "q", "2026-01-01T00:00:00Z");
        struct store_stage g[2] = {row_stage("a", i), row_stage("b", i)};
        struct store_edge edge = {"f", id, "dataset", "j", "p", "job", "reads", id, NULL};
        struct rec_column column = {.name = id, .type = TYPE_STRING};
        struct rec_profile p = {.dataset = "d", .columns = &column, .ncolumns = 1};
        OK(store_run_begin(s, &r, NULL, &e));
        OK(store_log_append(s, id, "a", slice_str("some text of a log\n"), &e));
        if (i % 3)
            OK(store_run_end(s, &r, g, 2, &e));
        OK(store_edges_add(s, &edge, 1, &e));
        OK(store_profile_add(s, &p, SLICE_LIT("{}"), &e));
    }
    OK(store_commit(s, &e));
    store_close(s);
}

/* Counts what was answered; a failure must be one of the environment (or of data: not found). */
static int ask(struct store *s, struct arena *a)
{
    struct store_run r, *runs;
    struct store_stage *g;
    struct store_history *h;
    struct store_pipeline *p;
    struct store_schema *v;
    struct store_dataset *d;
    struct store_graph graph;
    struct store_node_run *over;
    struct store_node node = {"j", "p", "job"};
    struct slice text;
    const char **stages;
    size_t n;
    const bool answered[] = {
        store_runs(s, a, NULL, NULL, 0, 0, &runs, &n, &e),
        store_runs(s, a, "p", "killed", 1, 3, &runs, &n, &e),
        store_run_find(s, a, "run-0007", &r, &e),
        store_run_stages(s, a, "run-0007", &g, &n, &e),
        store_run_children(s, a, "run-0007", &runs, &n, &e),
        store_history(s, a, "p", 5, &h, &n, &e),
        store_pipelines(s, a, &p, &n, &e),
        store_schemas(s, a, "d", &v, &n, &e),
        store_profile_last(s, a, "d", &text, &e),
        store_datasets(s, a, &d, &n, &e),
        store_graph_read(s, a, &graph, &e),
        store_node_runs(s, a, &node, 0, &over, &n, &e),
        store_log_read(s, a, "run-0007", "a", &text, &e),
        store_log_stages(s, a, "run-0007", &stages, &n, &e),
        store_fact_set(s, "k", SLICE_LIT("v"), &e),
    };
    int count = 0;
    for (size_t i = 0; i < ARRAY_LEN(answered); i++)
        count += answered[i];
    ck_assert_msg(count == (int)ARRAY_LEN(answered) || e.kind == ERR_ENV || e.kind == ERR_DATA,
                  "%s", e.text);
    return count;
}

START_TEST(a_damaged_store_answers_or_fails_but_never_ends_the_process)
{
    const char *is_long = getenv("FORELINE_LONG"), *tmp = getenv("TMPDIR");
    int rounds = is_long && strcmp(is_long, "1") == 0 ? 3000 : 150, answered = 0, refused = 0;
    char *good = xasprintf("%s/good-%d.db", tmp ? tmp : "/tmp", getpid());
    char *bad = xasprintf("%s/bad-%d.db", tmp ? tmp : "/tmp", getpid());
    struct buf file = BUF_INIT(64 << 20);
    struct rng rng;
    rng_seed(&rng, 20261120);
    fill(good);
    OK(file_read_all(good, 64 << 20, &file, &e));
    for (int k = 0; k < rounds; k++) {
        char *bytes = xmemdup(file.p, file.len);
        size_t len = rng_below(&rng, 5) ? file.len : rng_below(&rng, file.len);
        uint64_t changes = UINT64_C(1) << rng_below(&rng, 9);
        for (uint64_t c = 0; c < changes && len > 0; c++)
            bytes[rng_below(&rng, len)] = (char)rng_below(&rng, 256);
        FILE *f = fopen(bad, "wb");
        ck_assert(f && fwrite(bytes, 1, len, f) == len);
        ck_assert_int_eq(fclose(f), 0);
        free(bytes);
        struct store *s;
        struct arena a = ARENA_INIT;
        if (store_open(&s, bad, STORE_CREATE, &e)) {
            answered += ask(s, &a);
            store_close(s);
        } else {
            ck_assert_int_eq(e.kind, ERR_ENV);
            refused++;
        }
        arena_release(&a);
        unlink(bad);
    }
    ck_assert_int_gt(answered, 0);
    ck_assert_int_gt(refused, 0);
    unlink(good);
    buf_release(&file);
    free(good);
    free(bad);
}
END_TEST

UNIT_MAIN("store_damage", a_damaged_store_answers_or_fails_but_never_ends_the_process)
