/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lib/lineage: events and completion records into the graph whatever their order; the strict check;
 * which node a text means; walks. */
#include "tests/unit/suite.h"

#include <math.h>
#include <unistd.h>

#include "base/rng.h"
#include "lineage/event.h"
#include "lineage/ingest.h"
#include "lineage/query.h"
#include "os/os.h"

static struct store *st;
static struct arena a;
static struct err e;

#define OK(call) ck_assert_msg((call), "%s: %s", #call, e.text)

static void fresh(void)
{
    char *path = xasprintf("%s/lin-%d.db", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp", getpid());
    unlink(path);
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

static const struct json *parse(const char *text)
{
    struct json *v;
    OK(json_parse(&a, slice_str(text), 0, &v, &e));
    return v;
}

static void add(const char *line)
{
    struct lineage_added n = {0};
    const struct json *v = parse(line);
    if (json_get(v, "record"))
        OK(lineage_add_completion(st, v, slice_str(line), &n, &e));
    else
        OK(lineage_add_event(st, v, slice_str(line), false, &n, &e));
}

/* Everything that the store knows of the graph and its runs, as text. */
static char *dump(void)
{
    struct buf b = BUF_INIT(BUF_UNBOUNDED);
    struct store_graph g;
    struct store_run *runs;
    struct store_stage *stages;
    size_t n, m;
    OK(store_graph_read(st, &a, &g, &e));
    for (size_t i = 0; i < g.nnodes; i++)
        buf_addf(&b, "%s %s\n", g.nodes[i].kind, lineage_name(&a, &g.nodes[i]));
    for (size_t i = 0; i < g.narcs; i++)
        buf_addf(&b, "%u %s %u %s %s\n", g.arcs[i].from, g.arcs[i].kind, g.arcs[i].to,
                 g.arcs[i].run_id ? g.arcs[i].run_id : "-", g.arcs[i].at ? g.arcs[i].at : "-");
    OK(store_runs(st, &a, NULL, NULL, 0, 0, &runs, &n, &e));
    for (size_t i = 0; i < n; i++) {
        OK(store_run_stages(st, &a, runs[i].run_id, &stages, &m, &e));
        buf_addf(&b, "%s %s %s %s %s %s %s %g %zu\n", runs[i].run_id, runs[i].pipeline,
                 runs[i].status, runs[i].started_at ? runs[i].started_at : "-",
                 runs[i].ended_at ? runs[i].ended_at : "-",
                 runs[i].parent_run_id ? runs[i].parent_run_id : "-",
                 runs[i].error ? runs[i].error : "-", runs[i].wall_s, m);
    }
    return buf_detach(&b);
}

/* Draws stand in statements of their own: the order of arguments is the compiler's. */
static void random_completion(struct rng *r, struct buf *b, unsigned run)
{
    unsigned start = (unsigned)rng_below(r, 9), wall = (unsigned)rng_below(r, 5);
    const char *status = rng_below(r, 2) ? "completed" : "failed";
    buf_addf(b,
             "{\"record\":\"completion\",\"v\":1,\"pipeline\":\"job%u\",\"run_id\":\"run%u\","
             "\"status\":\"%s\",\"started_at\":\"2026-01-01T00:00:0%uZ\",\"wall_s\":%u,"
             "\"stages\":[{\"id\":\"s\",\"cpu_s\":1}]}",
             run / 2, run, status, start, wall);
}

static char *random_event(struct rng *r)
{
    static const char *const types[] = {"START", "RUNNING", "COMPLETE", "FAIL", "ABORT", "OTHER"};
    struct buf b = BUF_INIT(1 << 16);
    unsigned run = (unsigned)rng_below(r, 6), second = (unsigned)rng_below(r, 30);
    if (rng_below(r, 8) == 0) {
        random_completion(r, &b, run);
        return buf_detach(&b);
    }
    const char *type = types[rng_below(r, 6)];
    bool failed = strcmp(type, "FAIL") == 0, parent = rng_below(r, 2) != 0;
    buf_addf(&b, "{\"eventType\":\"%s\",\"eventTime\":\"2026-01-01T00:00:%02uZ\",", type, second);
    buf_addf(&b, "\"run\":{\"runId\":\"run%u\",\"facets\":{", run);
    if (parent)
        buf_addf(&b, "\"parent\":{\"run\":{\"runId\":\"par%u\"}}%s", (unsigned)rng_below(r, 2),
                 failed ? "," : "");
    if (failed)
        buf_addf(&b, "\"errorMessage\":{\"message\":\"e%u\"}", (unsigned)rng_below(r, 3));
    buf_addf(&b, "}},\"job\":{\"namespace\":\"n\",\"name\":\"job%u\"}", run / 2);
    for (int side = 0; side < 2; side++) {
        unsigned n = (unsigned)rng_below(r, 3);
        buf_addf(&b, ",\"%s\":[", side ? "outputs" : "inputs");
        for (unsigned i = 0; i < n; i++) {
            const char *scheme = rng_below(r, 2) ? "postgres" : "postgresql";
            buf_addf(&b, "%s{\"namespace\":\"%s://h\",\"name\":\"t%u\"}", i ? "," : "", scheme,
                     (unsigned)rng_below(r, 8));
        }
        buf_adds(&b, "]");
    }
    buf_adds(&b, "}");
    return buf_detach(&b);
}

START_TEST(the_graph_is_the_same_under_permutation_and_repetition)
{
    enum { EVENTS = 40 };
    struct rng r;
    rng_seed(&r, 7);
    for (int round = 0; round < 15; round++) {
        char *events[EVENTS], *want = NULL;
        for (int i = 0; i < EVENTS; i++)
            events[i] = random_event(&r);
        for (int order = 0; order < 4; order++) {
            fresh();
            for (int i = EVENTS - 1; order > 0 && i > 0; i--) {
                uint64_t j = rng_below(&r, (uint64_t)i + 1);
                char *t = events[i];
                events[i] = events[j];
                events[j] = t;
            }
            OK(store_begin_relaxed(st, &e));
            for (int i = 0; i < EVENTS; i++) {
                add(events[i]);
                if (order > 0 && rng_below(&r, 3) == 0)
                    add(events[rng_below(&r, (uint64_t)i + 1)]);
            }
            OK(store_commit(st, &e));
            char *got = dump();
            if (!want) {
                want = got;
                ck_assert_uint_gt(strlen(want), 200);
            } else {
                ck_assert_str_eq(got, want);
                free(got);
            }
            done();
        }
        free(want);
        for (int i = 0; i < EVENTS; i++)
            free(events[i]);
    }
}
END_TEST

START_TEST(an_event_makes_nodes_edges_and_a_run)
{
    fresh();
    add("{\"eventType\":\"START\",\"eventTime\":\"2026-01-01T00:00:00Z\",\"run\":{\"runId\":\"r1\"}"
        ","
        "\"job\":{\"namespace\":\"n\",\"name\":\"j\"},\"inputs\":[{\"namespace\":\"file\",\"name\":"
        "\"/in\"},{\"name\":\"bare\"},{\"namespace\":\"x\"},7]}");
    add("{\"eventType\":\"FAIL\",\"eventTime\":\"2026-01-01T00:00:04Z\",\"run\":{\"runId\":\"r1\","
        "\"facets\":{\"errorMessage\":{\"message\":\"boom\"},\"parent\":{\"run\":{\"runId\":\"up\"}"
        "}}},"
        "\"job\":{\"namespace\":\"n\",\"name\":\"j\"},\"outputs\":[{\"namespace\":\"file\","
        "\"name\":"
        "\"/out\"}]}");
    char *got = dump();
    ck_assert_str_eq(got, "dataset bare\ndataset file:/in\ndataset file:/out\njob n/j\n"
                          "0 reads 3 r1 2026-01-01T00:00:00Z\n"
                          "1 reads 3 r1 2026-01-01T00:00:00Z\n"
                          "3 writes 2 r1 2026-01-01T00:00:04Z\n"
                          "r1 j failed 2026-01-01T00:00:00Z 2026-01-01T00:00:04Z up boom nan 0\n");
    free(got);
    done();
}
END_TEST

START_TEST(a_lenient_reader_takes_what_is_there)
{
    fresh();
    add("{\"eventType\":\"WHATEVER\",\"eventTime\":\"soon\",\"job\":{\"name\":\"alone\"}}");
    add("{\"eventType\":\"COMPLETE\",\"run\":{\"runId\":\"only-a-run\"}}");
    add("{\"eventTime\":\"2026-01-01T00:00:00Z\",\"job\":{\"namespace\":\"n\",\"name\":\"static\"},"
        "\"inputs\":[{\"namespace\":\"f\",\"name\":\"d\"}]}");
    char *got = dump();
    ck_assert_str_eq(got, "job alone\ndataset f/d\njob n/static\n"
                          "1 reads 2 - 2026-01-01T00:00:00Z\n"
                          "only-a-run  completed - - - - nan 0\n");
    free(got);
    struct lineage_added n = {0};
    static const char *const useless[] = {
        "{\"eventType\":\"START\"}", "{\"eventType\":\"START\",\"run\":7,\"job\":[]}",
        "{\"eventType\":\"START\",\"run\":{\"runId\":\"a\\u0000b\"}}"};
    for (size_t i = 0; i < ARRAY_LEN(useless); i++) {
        ck_assert(!lineage_add_event(st, parse(useless[i]), slice_str(useless[i]), false, &n, &e));
        ck_assert_int_eq(e.kind, ERR_DATA);
    }
    ck_assert_uint_eq(n.events, 0);
    done();
}
END_TEST

START_TEST(a_completion_record_brings_its_stages_and_none_without_a_run)
{
    fresh();
    add("{\"record\":\"completion\",\"v\":1,\"pipeline\":\"p\",\"run_id\":\"r\",\"status\":"
        "\"completed\",\"started_at\":\"2026-01-01T00:00:00Z\",\"wall_s\":2.5,\"stages\":[{\"id\":"
        "\"one\",\"operation\":\"read\",\"cpu_s\":0.5,\"predicted\":{\"cpu_s\":{\"p50\":1,\"p95\":"
        "2}},"
        "\"status\":\"completed\"}]}");
    struct store_stage *g;
    struct store_run r;
    size_t n;
    OK(store_run_find(st, &a, "r", &r, &e));
    ck_assert_double_eq(r.wall_s, 2.5);
    ck_assert_ptr_nonnull(strstr(r.ended_at, "00:00:02.5"));
    OK(store_run_stages(st, &a, "r", &g, &n, &e));
    ck_assert_uint_eq(n, 1);
    ck_assert_double_eq(g[0].used.cpu_s.p50, 0.5);
    ck_assert_double_eq(g[0].predicted_cpu_s.p95, 2);
    struct lineage_added added = {0};
    static const char lost[] = "{\"record\":\"completion\",\"v\":1,\"status\":\"failed\"}";
    ck_assert(!lineage_add_completion(st, parse(lost), SLICE_LIT(lost), &added, &e));
    ck_assert_int_eq(e.kind, ERR_DATA);
    done();
}
END_TEST

/* -- the strict check -- */

#define BASE                                                                                     \
    "\"eventTime\":\"2026-01-01T00:00:00Z\",\"producer\":\"https://p\",\"schemaURL\":\"https://" \
    "s\""
#define RUN "\"run\":{\"runId\":\"0190f0a0-0000-7000-8000-000000000000\"}"
#define JOB "\"job\":{\"namespace\":\"n\",\"name\":\"j\"}"
#define FACET "{\"_producer\":\"https://p\",\"_schemaURL\":\"https://s\"}"

START_TEST(a_valid_event_passes_the_strict_check)
{
    static const char *const good[] = {
        "{" BASE "," RUN "," JOB "}",
        "{\"eventType\":\"OTHER\"," BASE "," RUN "," JOB
        ",\"inputs\":[],\"outputs\":[{\"namespace\":"
        "\"\",\"name\":\"\",\"facets\":{\"x\":" FACET "},\"outputFacets\":{\"y\":" FACET "}}]}",
        "{\"eventTime\":\"2026-01-01T00:00:00\",\"producer\":\"\",\"schemaURL\":\"\"," JOB "}",
        "{" BASE "," JOB ",\"inputs\":[{\"namespace\":\"a\",\"name\":\"b\"}]}",
        "{" BASE ",\"dataset\":{\"namespace\":\"a\",\"name\":\"b\",\"facets\":{}}}",
        "{\"eventTime\":\"2020-12-28T19:52:00.001+10:00\",\"producer\":\"urn:x\",\"schemaURL\":\"a:"
        "\"," RUN "," JOB "}",
    };
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        ck_assert_msg(lineage_event_check(parse(good[i]), &e), "%s: %s", good[i], e.text);
    arena_release(&a);
}
END_TEST

START_TEST(the_strict_check_names_the_place_that_is_wrong)
{
    static const struct {
        const char *text, *place;
    } bad[] = {
        {"[]", "event: must be an object"},
        {"{" BASE "," RUN "}", "job: is required"},
        {"{\"producer\":\"https://p\",\"schemaURL\":\"https://s\"," RUN "," JOB "}",
         "eventTime: is"},
        {"{\"eventTime\":\"2026-01-01T00:00:00Z\",\"producer\":\"https://p\"," RUN "," JOB "}",
         "schemaURL: is required"},
        {"{\"eventTime\":7,\"producer\":\"a:b\",\"schemaURL\":\"a:b\"}",
         "eventTime: must be a string"},
        {"{\"eventType\":\"start\"," BASE "," RUN "," JOB "}", "eventType: not START"},
        {"{" BASE ",\"run\":{\"runId\":7}," JOB "}", "run.runId: must be a string"},
        {"{" BASE ",\"run\":7," JOB "}", "run: must be an object"},
        {"{" BASE "," RUN ",\"job\":{\"name\":\"j\"}}", "job.namespace: is required"},
        {"{" BASE "," RUN "," JOB ",\"inputs\":{}}", "inputs: must be an array"},
        {"{" BASE "," RUN "," JOB
         ",\"inputs\":[{\"namespace\":\"n\",\"name\":\"x\"},{\"namespace\":"
         "\"n\"}]}",
         "inputs[1].name: is required"},
        {"{" BASE "," RUN "," JOB ",\"outputs\":[{\"namespace\":\"n\",\"name\":\"x\",\"facets\":{"
         "\"schema\":{\"_producer\":\"https://p\"}}}]}",
         "outputs[0].facets.schema._schemaURL: is"},
        {"{" BASE "," RUN "," JOB
         ",\"inputs\":[{\"namespace\":\"n\",\"name\":\"x\",\"inputFacets\":[]}]}",
         "inputs[0].inputFacets: must be an object"},
        {"{" BASE "," RUN
         ",\"job\":{\"namespace\":\"n\",\"name\":\"j\",\"facets\":{\"x\":{\"_producer\":"
         "\"https://p\",\"_schemaURL\":\"https://s\",\"_deleted\":1}}}}",
         "job.facets.x._deleted: must"},
        {"{" BASE "," JOB ",\"dataset\":{\"namespace\":\"a\",\"name\":\"b\"}}", "event: has both"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        ck_assert_msg(!lineage_event_check(parse(bad[i].text), &e), "%s", bad[i].text);
        ck_assert_int_eq(e.kind, ERR_DATA);
        ck_assert_msg(strncmp(e.text, bad[i].place, strlen(bad[i].place)) == 0, "%s", e.text);
    }
    fresh();
    struct lineage_added n = {0};
    struct store_run r;
    ck_assert(!lineage_add_event(st, parse(bad[1].text), slice_str(bad[1].text), true, &n, &e));
    ck_assert(!store_run_find(st, &a, "0190f0a0", &r, &e)); /* nothing was kept of it */
    done();
}
END_TEST

/* -- which node -- */

static void edge(const char *fns, const char *from, const char *fkind, const char *tns,
                 const char *to)
{
    bool reads = strcmp(fkind, "dataset") == 0;
    struct store_edge x = {
        fns,  from, fkind, tns, to, reads ? "job" : "dataset", reads ? "reads" : "writes",
        NULL, NULL};
    OK(store_edges_add(st, &x, 1, &e));
}

START_TEST(a_node_is_found_by_full_name_name_path_or_part)
{
    fresh();
    char *here = path_absolute("rel.csv", NULL);
    edge("file", "/d/orders.csv", "dataset", "jobs", "daily");
    edge("file", here, "dataset", "jobs", "daily");
    edge("jobs", "daily", "job", "postgres://dw:5432", "dw.public.revenue");
    edge("jobs", "daily_2", "job", "file", "/d/daily");
    edge("jobs", "daily_2", "job", "other", "twin");
    edge("jobs", "daily_2", "job", "another", "twin");
    struct lineage_graph g;
    OK(lineage_load(st, &a, &g, &e));
    static const struct {
        const char *text, *kind, *found; /* NULL: an error that says `says` */
        const char *says;
    } cases[] = {
        {"file:/d/orders.csv", NULL, "file:/d/orders.csv", NULL},
        {"jobs/daily", NULL, "jobs/daily", NULL},
        {"jobs:daily", NULL, "jobs/daily", NULL},
        {"daily", NULL, "jobs/daily", NULL}, /* exact wins over parts */
        {"/d/daily", NULL, "file:/d/daily", NULL},
        {"rel.csv", NULL, NULL, NULL}, /* filled in below */
        {"postgresql://dw:5432/dw.public.revenue", NULL, "postgres://dw:5432/dw.public.revenue",
         NULL},
        {"revenue", NULL, "postgres://dw:5432/dw.public.revenue", NULL},
        {"orders", "dataset", "file:/d/orders.csv", NULL},
        {"orders", "job", NULL, "no job 'orders'"},
        {"dail", NULL, NULL, "any of 3 nodes: dataset 'file:/d/daily', job 'jobs/daily', job"},
        {"dail", "dataset", "file:/d/daily", NULL},
        {"twin", NULL, NULL, "any of 2 nodes: dataset 'another/twin', dataset 'other/twin'"},
        {"ordres.csv", NULL, NULL, "did you mean 'orders.csv'?"},
        {"qqqqqqqqqqq", NULL, NULL, "`etl-lineage show` lists them"},
        {"", NULL, NULL, "empty"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint32_t node = 0;
        const char *want = cases[i].found;
        if (strcmp(cases[i].text, "rel.csv") == 0)
            want = arena_printf(&a, "file:%s", here);
        bool ok = lineage_find(&g, cases[i].text, cases[i].kind, &node, &e);
        if (want) {
            ck_assert_msg(ok, "%s: %s", cases[i].text, e.text);
            ck_assert_str_eq(lineage_name(&a, &g.rows.nodes[node]), want);
        } else {
            ck_assert_msg(!ok, "%s", cases[i].text);
            ck_assert_msg(strstr(e.text, cases[i].says) != NULL, "%s", e.text);
        }
    }
    free(here);
    done();
}
END_TEST

START_TEST(walks_take_the_shortest_way_and_cycles_are_fine)
{
    fresh();
    /* a -> J -> b -> K -> a, and b -> L -> c */
    edge("n", "a", "dataset", "n", "J");
    edge("n", "J", "job", "n", "b");
    edge("n", "b", "dataset", "n", "K");
    edge("n", "K", "job", "n", "a");
    edge("n", "b", "dataset", "n", "L");
    edge("n", "L", "job", "n", "c");
    edge("n", "L", "job", "n", "b");
    struct lineage_graph g;
    struct lineage_row *rows;
    uint32_t from;
    size_t n;
    OK(lineage_load(st, &a, &g, &e));
    OK(lineage_find(&g, "n/a", NULL, &from, &e));
    struct buf b = BUF_INIT(1 << 12);
    for (int up = 0; up < 2; up++) {
        lineage_reach(&a, &g, from, up, 0, &rows, &n);
        for (size_t i = 0; i < n; i++)
            buf_addf(&b, "%s%u%s ", g.rows.nodes[rows[i].node].name, rows[i].depth,
                     g.rows.nodes[rows[i].via].name);
        buf_adds(&b, "| ");
    }
    ck_assert_str_eq(buf_str(&b), "a0a J1a b2J K3b L3b c4L | a0a K1a b2K J3b L3b | ");
    lineage_reach(&a, &g, from, false, 2, &rows, &n);
    ck_assert_uint_eq(n, 3);
    buf_release(&b);
    done();
}
END_TEST

UNIT_MAIN("lineage", the_graph_is_the_same_under_permutation_and_repetition,
          an_event_makes_nodes_edges_and_a_run, a_lenient_reader_takes_what_is_there,
          a_completion_record_brings_its_stages_and_none_without_a_run,
          a_valid_event_passes_the_strict_check, the_strict_check_names_the_place_that_is_wrong,
          a_node_is_found_by_full_name_name_path_or_part,
          walks_take_the_shortest_way_and_cycles_are_fine)
