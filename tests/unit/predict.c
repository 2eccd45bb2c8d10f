/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Prediction: selectivities by the profile, sizes down the graph, costs from priors and history. */
#include <math.h>
#include <unistd.h>

#include "predict/internal.h"
#include "tests/unit/suite.h"

static struct arena mem;
static struct pipeline p;
static struct rec_execution_profile x;
static struct predict_note *notes;

/* -- a profile to look at -- */

/* SLICE_LIT is no constant expression. */
#define LIT(s)             \
    {                      \
        (s), sizeof(s) - 1 \
    }
static const struct rec_top statuses[] = {{LIT("paid"), 600, 0}, {LIT("open"), 250, 0}};
static struct rec_column columns[] = {
    {.name = "id", .type = TYPE_INTEGER, .records = 1000, .distinct = 1000, .bytes = 4000},
    {.name = "status",
     .type = TYPE_STRING,
     .records = 1000,
     .nulls = 50,
     .distinct = 12,
     .top = statuses,
     .ntop = 2,
     .bytes = 4500},
    {.name = "amount",
     .type = TYPE_FLOAT,
     .records = 1000,
     .nulls = 200,
     .distinct = 700,
     .min = LIT("0"),
     .max = LIT("100"),
     .quantiles = {1, 5, 25, 50, 75, 95, 99},
     .bytes = 4000},
    {.name = "flag",
     .type = TYPE_BOOLEAN,
     .records = 1000,
     .distinct = 2,
     .top = (const struct rec_top[]){{LIT("true"), 900, 0}, {LIT("false"), 100, 0}},
     .ntop = 2,
     .bytes = 4100},
};
static struct rec_profile orders = {
    .dataset = "file:/data/orders.csv",
    .records = 1000,
    .bytes = 20000,
    .columns = columns,
    .ncolumns = ARRAY_LEN(columns),
};
static struct rec_profile customers = {
    .dataset = "file:/data/customers.csv",
    .records = 200,
    .bytes = 4000,
    .columns =
        (const struct rec_column[]){
            {.name = "id", .type = TYPE_INTEGER, .records = 200, .distinct = 200, .bytes = 600},
            {.name = "country", .type = TYPE_STRING, .records = 200, .distinct = 9, .bytes = 400}},
    .ncolumns = 2,
};

static struct flow orders_flow(void)
{
    struct stage s = {.op = OP_READ};
    struct flow f;
    flow_source(&mem, &s, &orders, figure_exact(1000), figure_exact(20000), &f);
    return f;
}

static double share(const char *where, bool *guessed)
{
    struct flow f = orders_flow();
    return selectivity_of(where, &f, guessed);
}

/* The share, that it is a figure and no convention, within a thousandth. */
static void keeps(const char *where, double expected)
{
    bool guessed;
    double got = share(where, &guessed);
    ck_assert_msg(fabs(got - expected) < 1e-3, "%s: %g, not %g", where, got, expected);
    ck_assert_msg(!guessed, "%s was guessed", where);
}

START_TEST(comparisons_are_judged_by_the_profile)
{
    keeps(".status == \"paid\"", 0.6);
    keeps("\"paid\" == .status", 0.6);
    keeps(".status != \"paid\"", 0.4);
    keeps(".status == \"lost\"", 0.01); /* ten other values share the hundred others */
    keeps(".status == null", 0.05);
    keeps(".status", 0.95);
    keeps(".[\"status\"] == \"open\"", 0.25);
    keeps(".\"status\" == \"open\"", 0.25);
    keeps(".flag", 0.9);
    keeps(".flag == false", 0.1);
    keeps(".flag | not", 0.1);
    keeps("true", 1);
    keeps("null", 0);
}
END_TEST

START_TEST(ranges_go_between_the_quantiles_and_null_is_least)
{
    keeps(".amount > 50", 0.8 * 0.5 - 0.8 / 700);
    keeps(".amount >= 50", 0.8 * 0.5);
    keeps(".amount < 50", 0.2 + 0.8 * 0.5); /* null < 50 is true in jq */
    keeps("50 > .amount", 0.2 + 0.8 * 0.5);
    keeps(".amount > 1000", 0);
    keeps(".amount < -5", 0.2);
    keeps(".amount > -5", 0.8);
    keeps(".amount < 37.5", 0.2 + 0.8 * 0.375);
}
END_TEST

START_TEST(conditions_combine_as_if_independent)
{
    keeps(".status == \"paid\" and .flag", 0.6 * 0.9);
    keeps(".status == \"paid\" or .flag", 1 - 0.4 * 0.1);
    keeps("(.status == \"paid\" or .status == \"open\") and (.flag | not)", (1 - 0.4 * 0.75) * 0.1);
    keeps("((.flag))", 0.9);
}
END_TEST

START_TEST(what_is_not_understood_is_guessed_and_stays_a_share)
{
    static const char *const odd[] = {
        "",
        ".",
        "..",
        ".nowhere == 3",
        ".status < \"m\"",
        ".status | test(\"^p\")",
        ".a.b.c == 1",
        "if .flag then 1 else 0 end",
        ".amount * 2 > .id",
        "(((((",
        ")",
        ".status == \"unterminated",
        "and and",
        "not",
        "\\",
        ". as $x | $x.status == \"paid\"",
        "\xff\xfe",
        ".[\"status",
    };
    for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
        bool guessed;
        double s = share(odd[i], &guessed);
        ck_assert_msg(s >= 0 && s <= 1, "%s: %g", odd[i], s);
        ck_assert_msg(guessed, "%s: %g was not said to be guessed", odd[i], s);
    }
    char *deep = xmalloc(20001);
    memset(deep, '(', 20000);
    deep[20000] = '\0';
    bool guessed;
    ck_assert(share(deep, &guessed) >= 0);
    free(deep);
}
END_TEST

/* -- whole pipelines -- */

static void load(const char *definition)
{
    struct json *v;
    struct err err = ERR_INIT;
    ck_assert_msg(json_parse(&mem, slice_str(definition), 0, &v, &err), "%s", err.text);
    ck_assert_msg(pipeline_from_definition(&p, v, "/data", "sha256:1", &err), "%s", err.text);
}

static void predict(struct store *s, double scale)
{
    const struct rec_profile both[] = {orders, customers};
    const struct predict_options o = {
        .profiles = both, .nprofiles = 2, .store = s, .speed = 1, .scale = scale};
    struct err err = ERR_INIT;
    ck_assert_msg(predict_pipeline(&mem, &p, &o, &x, &notes, &err), "%s", err.text);
}

static const struct rec_stage_figures *stage(const char *id)
{
    for (uint32_t i = 0; i < x.nstages; i++)
        if (strcmp(x.stages[i].id, id) == 0)
            return &x.stages[i];
    ck_abort_msg("no stage %s", id);
    return NULL;
}

static const char shop[] =
    "{\"pipeline\":\"shop\",\"stages\":["
    "{\"id\":\"orders\",\"op\":\"read\",\"path\":\"orders.csv\"},"
    "{\"id\":\"customers\",\"op\":\"read\",\"path\":\"customers.csv\"},"
    "{\"id\":\"paid\",\"op\":\"filter\",\"input\":\"orders\",\"where\":\".status == "
    "\\\"paid\\\"\"},"
    "{\"id\":\"joined\",\"op\":\"join\",\"inputs\":[\"paid\",\"customers\"],\"on\":[\"id\"]},"
    "{\"id\":\"revenue\",\"op\":\"aggregate\",\"input\":\"joined\",\"by\":[\"country\"],"
    "\"measures\":{\"n\":\"count\",\"sum\":\"sum(.amount)\"}},"
    "{\"id\":\"ranked\",\"op\":\"sort\",\"input\":\"revenue\",\"by\":[\"-sum\"]},"
    "{\"id\":\"top\",\"op\":\"limit\",\"input\":\"ranked\",\"count\":5},"
    "{\"id\":\"out\",\"op\":\"write\",\"input\":\"top\",\"path\":\"out.csv\"}]}";

START_TEST(sizes_flow_from_the_profiles_down_the_stages)
{
    load(shop);
    predict(NULL, 1);
    ck_assert_str_eq(x.basis, "prior");
    ck_assert_double_eq(x.volume_records.p50, 1200);
    ck_assert_double_eq(stage("orders")->records_out.p50, 1000);
    ck_assert_double_eq(stage("orders")->records_out.p95, 1000);
    ck_assert_double_eq_tol(stage("paid")->records_out.p50, 600, 1e-9);
    /* 200 of the 1,000 ids are customers: a fifth of the orders finds one */
    ck_assert_double_eq_tol(stage("joined")->records_out.p50, 120, 1e-9);
    ck_assert_double_le(stage("revenue")->records_out.p50, 9.01);
    ck_assert_double_ge(stage("revenue")->records_out.p50, 8);
    ck_assert_double_eq(stage("top")->records_out.p50, 5);
    ck_assert_double_eq(stage("out")->records_in.p50, 5);
    ck_assert_uint_eq(x.nstages, 8);
    pipeline_release(&p);
}
END_TEST

START_TEST(every_figure_is_ordered_and_not_negative)
{
    load(shop);
    for (double scale = 0.001; scale < 1e7; scale *= 10) {
        predict(NULL, scale);
        for (uint32_t i = 0; i < x.nstages; i++) {
            const struct rec_stage_figures *s = &x.stages[i];
            const struct rec_figure f[] = {s->records_in,        s->records_out, s->bytes_in,
                                           s->bytes_out,         s->wall_s,      s->cpu_s,
                                           s->peak_memory_bytes, s->read_bytes,  s->write_bytes};
            for (size_t k = 0; k < ARRAY_LEN(f); k++)
                ck_assert_msg(f[k].p50 >= 0 && f[k].p95 >= f[k].p50 - 1e-9 && isfinite(f[k].p95),
                              "%s figure %zu at %g: %g %g", s->id, k, scale, f[k].p50, f[k].p95);
            ck_assert(notes[i].why && notes[i].basis);
        }
    }
    pipeline_release(&p);
}
END_TEST

START_TEST(more_data_never_costs_less)
{
    double cpu = 0, memory = 0;
    load(shop);
    for (double scale = 1; scale < 1e4; scale *= 3) {
        double c = 0, m = 0;
        predict(NULL, scale);
        for (uint32_t i = 0; i < x.nstages; i++) {
            c += x.stages[i].cpu_s.p50;
            m += x.stages[i].peak_memory_bytes.p50;
        }
        ck_assert_double_ge(c, cpu);
        ck_assert_double_ge(m, memory);
        cpu = c, memory = m;
    }
    pipeline_release(&p);
}
END_TEST

START_TEST(what_nobody_knows_is_nan)
{
    load("{\"pipeline\":\"q\",\"stages\":["
         "{\"id\":\"a\",\"op\":\"read\",\"path\":\"nowhere.csv\"},"
         "{\"id\":\"b\",\"op\":\"filter\",\"where\":\".x > 1\"},"
         "{\"id\":\"c\",\"op\":\"write\",\"path\":\"b.csv\"}]}");
    predict(NULL, 1);
    for (uint32_t i = 0; i < x.nstages; i++) {
        ck_assert(isnan(x.stages[i].records_out.p50));
        ck_assert(isnan(x.stages[i].cpu_s.p50));
        ck_assert(isnan(x.stages[i].wall_s.p50));
    }
    ck_assert(isnan(x.volume_records.p50));
    pipeline_release(&p);
}
END_TEST

START_TEST(a_file_that_is_there_is_looked_at)
{
    const char *tmp = getenv("TMPDIR");
    char *dir = arena_printf(&mem, "%s/predict.XXXXXX", tmp ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    char *path = xasprintf("%s/in.csv", dir);
    FILE *f = fopen(path, "w");
    fputs("k,v\n", f);
    for (int i = 0; i < 50000; i++)
        fprintf(f, "%d,%d\n", i % 7, 100000 + i);
    fclose(f);
    load(arena_printf(
        &mem,
        "{\"pipeline\":\"q\",\"stages\":["
        "{\"id\":\"a\",\"op\":\"read\",\"path\":\"%s\"},"
        "{\"id\":\"b\",\"op\":\"aggregate\",\"by\":[\"k\"],\"measures\":{\"n\":\"count\"}},"
        "{\"id\":\"c\",\"op\":\"write\",\"path\":\"%s/out.csv\"}]}",
        path, dir));
    predict(NULL, 1);
    ck_assert_double_eq_tol(stage("a")->records_out.p50, 50000, 500);
    ck_assert_double_eq(stage("a")->read_bytes.p50, 4 + 50000 * 9.0);
    ck_assert_double_eq_tol(stage("b")->records_out.p50, 7, 0.01);
    pipeline_release(&p);
    unlink(path);
    rmdir(dir);
    free(path);
}
END_TEST

/* -- history -- */

static struct store *store;
static char *store_dir;

static void set_up(void)
{
    struct err err = ERR_INIT;
    mem = ARENA_INIT;
    const char *tmp = getenv("TMPDIR");
    store_dir = arena_printf(&mem, "%s/predict.XXXXXX", tmp ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(store_dir));
    char *path = xasprintf("%s/store.db", store_dir);
    ck_assert_msg(store_open(&store, path, STORE_CREATE, &err), "%s", err.text);
    free(path);
}

static void tear_down(void)
{
    char *command = xasprintf("rm -r '%s'", store_dir);
    store_close(store);
    ck_assert_int_eq(system(command), 0);
    free(command);
    arena_release(&mem);
}

struct seen {
    const char *id, *operation;
    double in, out, cpu, memory;
};

/* A run of the loaded pipeline, as the engine would have kept it. */
static void remember(const char *run_id, const char *name, const struct seen *seen, size_t n)
{
    struct store_stage stages[16] = {0};
    struct err err = ERR_INIT;
    struct store_run r = {.run_id = run_id,
                          .pipeline = name,
                          .status = "completed",
                          .mode = "optimized",
                          .base = "/data",
                          .code_version = "sha256:1",
                          .started_at = "2026-11-20T06:00:00Z",
                          .ended_at = "2026-11-20T06:00:01Z",
                          .wall_s = 1,
                          .cpu_s = 1,
                          .peak_memory_bytes = 1e7};
    for (size_t i = 0; i < n; i++) {
        char *signature = arena_bytes(&mem, 65);
        int at = pipeline_find(&p, seen[i].id);
        if (at >= 0)
            pipeline_signature(&p, (uint32_t)at, signature);
        else
            signature[0] = '\0';
        stages[i] = (struct store_stage){
            .used = {.id = seen[i].id,
                     .operation = seen[i].operation,
                     .records_in = figure_exact(seen[i].in),
                     .records_out = figure_exact(seen[i].out),
                     .bytes_in = figure_exact(seen[i].in * 20),
                     .bytes_out = figure_exact(seen[i].out * 20),
                     .wall_s = figure_exact(seen[i].cpu * 1.1),
                     .cpu_s = figure_exact(seen[i].cpu),
                     .peak_memory_bytes = figure_exact(seen[i].memory),
                     .read_bytes = figure_exact(0),
                     .write_bytes = figure_exact(0)},
            .status = "completed",
            .signature = signature,
        };
    }
    ck_assert_msg(store_run_begin(store, &r, NULL, &err), "%s", err.text);
    ck_assert_msg(store_run_end(store, &r, stages, n, &err), "%s", err.text);
}

static const char counts[] =
    "{\"pipeline\":\"counts\",\"stages\":["
    "{\"id\":\"a\",\"op\":\"read\",\"path\":\"orders.csv\"},"
    "{\"id\":\"b\",\"op\":\"filter\",\"where\":\".nowhere | test(\\\"x\\\")\"},"
    "{\"id\":\"c\",\"op\":\"aggregate\",\"by\":[\"nowhere\"],\"measures\":{\"n\":\"count\"}},"
    "{\"id\":\"d\",\"op\":\"write\",\"path\":\"b.csv\"}]}";

START_TEST(one_run_is_enough_to_scale_from)
{
    load(counts);
    const struct seen run[] = {{"a", "read", 250, 250, 0.5, 3e6},
                               {"b", "filter", 250, 50, 0.25, 1e6},
                               {"c", "aggregate", 50, 10, 0.1, 2e6},
                               {"d", "write", 10, 10, 0.01, 1e5}};
    remember("018f0000-0000-7000-8000-000000000001", "counts", run, 4);
    predict(store, 1); /* the profile says 1,000 records: four times as many */
    ck_assert_str_eq(x.basis, "history:1 runs");
    ck_assert_double_eq(stage("a")->records_out.p50, 1000);
    ck_assert_double_eq_tol(stage("b")->records_out.p50, 200, 1);
    ck_assert_double_gt(stage("b")->records_out.p95, 200);
    /* between no new groups and four times as many */
    ck_assert_double_ge(stage("c")->records_out.p50, 10);
    double grown = stage("c")->records_in.p95 / 50;
    ck_assert_double_le(stage("c")->records_out.p50, 40);
    ck_assert_double_le(stage("c")->records_out.p95, 10 * grown * 1.25);
    ck_assert_double_gt(stage("b")->cpu_s.p50, 0.3);
    ck_assert_double_lt(stage("b")->cpu_s.p50, 1.1);
    ck_assert_double_lt(stage("b")->cpu_s.p95, 3 * stage("b")->cpu_s.p50);
    pipeline_release(&p);
}
END_TEST

START_TEST(equal_runs_are_predicted_as_they_were_and_narrower_each_time)
{
    load(counts);
    const struct seen run[] = {{"a", "read", 1000, 1000, 0.5, 3e6},
                               {"b", "filter", 1000, 200, 0.25, 1e6},
                               {"c", "aggregate", 200, 10, 0.1, 2e6},
                               {"d", "write", 10, 10, 0.02, 1e5}};
    double width = INFINITY;
    for (int i = 0; i < 8; i++) {
        char id[64];
        snprintf(id, sizeof(id), "018f0000-0000-7000-8000-00000000000%d", i);
        remember(id, "counts", run, 4);
        predict(store, 1);
        for (size_t k = 0; k < 4; k++) {
            ck_assert_double_eq_tol(stage(run[k].id)->cpu_s.p50, run[k].cpu, run[k].cpu * 0.05);
            ck_assert_double_eq_tol(stage(run[k].id)->peak_memory_bytes.p50, run[k].memory,
                                    run[k].memory * 0.06);
            ck_assert_double_ge(stage(run[k].id)->cpu_s.p95, run[k].cpu);
            ck_assert_double_ge(stage(run[k].id)->peak_memory_bytes.p95, run[k].memory);
        }
        ck_assert_double_lt(stage("a")->cpu_s.p95, width);
        width = stage("a")->cpu_s.p95;
    }
    ck_assert_str_eq(x.basis, "history:8 runs");
    pipeline_release(&p);
}
END_TEST

START_TEST(other_pipelines_help_with_stages_that_never_ran)
{
    load(counts);
    double before, after;
    predict(store, 1);
    ck_assert_str_eq(x.basis, "prior");
    before = stage("b")->cpu_s.p50;
    const struct seen run[] = {{"r", "read", 1000, 1000, 5, 3e6},
                               {"f", "filter", 1000, 500, 5, 1e6},
                               {"g", "aggregate", 500, 10, 5, 2e6},
                               {"w", "write", 10, 10, 5, 1e5}};
    remember("018f0000-0000-7000-8000-000000000001", "another", run, 4);
    predict(store, 1);
    ck_assert_str_eq(x.basis, "similar");
    after = stage("b")->cpu_s.p50;
    ck_assert_double_gt(after, 2 * before);
    pipeline_release(&p);
}
END_TEST

/* Tiny runs whose figures differ a hundredfold once made a plan refuse what needed 100 MB. */
START_TEST(what_other_pipelines_took_cannot_blow_a_prediction_up)
{
    load(counts);
    predict(store, 300);
    double before = stage("c")->peak_memory_bytes.p95;
    const struct seen lean = {"g", "aggregate", 2000, 20, 0.0004, 5e3};
    const struct seen fat = {"g", "aggregate", 2000, 1, 0.0009, 2e6};
    remember("018f0000-0000-7000-8000-000000000001", "lean", &lean, 1);
    remember("018f0000-0000-7000-8000-000000000002", "fat", &fat, 1);
    predict(store, 300);
    ck_assert_double_ne(stage("c")->peak_memory_bytes.p95, before); /* they do count */
    ck_assert_double_le(stage("c")->peak_memory_bytes.p95, 4 * before);
    ck_assert_double_ge(stage("c")->peak_memory_bytes.p95, before / 4);
    pipeline_release(&p);
}
END_TEST

START_TEST(a_file_that_is_gone_is_predicted_from_history)
{
    load("{\"pipeline\":\"gone\",\"stages\":["
         "{\"id\":\"a\",\"op\":\"read\",\"path\":\"nowhere.csv\"},"
         "{\"id\":\"d\",\"op\":\"write\",\"path\":\"b.csv\"}]}");
    const struct seen run[] = {{"a", "read", 500, 500, 0.5, 3e6},
                               {"d", "write", 500, 500, 0.1, 1e6}};
    remember("018f0000-0000-7000-8000-000000000001", "gone", run, 2);
    predict(store, 1);
    ck_assert_double_eq_tol(stage("a")->records_out.p50, 500, 1e-6);
    ck_assert_double_gt(stage("a")->records_out.p95, 500);
    ck_assert_double_eq_tol(stage("d")->cpu_s.p50, 0.1, 0.01);
    predict(store, 3);
    ck_assert_double_eq_tol(stage("a")->records_out.p50, 1500, 1e-6);
    pipeline_release(&p);
}
END_TEST

START_TEST(another_operation_under_an_old_name_is_no_history)
{
    load(counts);
    const struct seen run[] = {{"a", "read", 1000, 1000, 0.5, 3e6},
                               {"b", "sort", 1000, 1000, 9, 1e9}};
    remember("018f0000-0000-7000-8000-000000000001", "counts", run, 2);
    predict(store, 1);
    ck_assert_double_lt(stage("b")->cpu_s.p50, 1);
    ck_assert_double_lt(stage("b")->peak_memory_bytes.p50, 1e8);
    pipeline_release(&p);
}
END_TEST

START_TEST(the_speed_of_this_machine_is_measured_once_and_kept)
{
    struct predict_calibration first, second;
    predict_calibrate(store, &first);
    ck_assert(!first.cached);
    ck_assert(first.speed > 0.001 && first.speed < 1000);
    predict_calibrate(store, &second);
    ck_assert(second.cached);
    ck_assert_double_eq(first.speed, second.speed);
    predict_calibrate(NULL, &second);
    ck_assert(!second.cached);
}
END_TEST

UNIT_MAIN_WITH("predict", set_up, tear_down, {comparisons_are_judged_by_the_profile, 0},
               {ranges_go_between_the_quantiles_and_null_is_least, 0},
               {conditions_combine_as_if_independent, 0},
               {what_is_not_understood_is_guessed_and_stays_a_share, 0},
               {sizes_flow_from_the_profiles_down_the_stages, 0},
               {every_figure_is_ordered_and_not_negative, 0}, {more_data_never_costs_less, 0},
               {what_nobody_knows_is_nan, 0}, {a_file_that_is_there_is_looked_at, 0},
               {one_run_is_enough_to_scale_from, 0},
               {equal_runs_are_predicted_as_they_were_and_narrower_each_time, 0},
               {other_pipelines_help_with_stages_that_never_ran, 0},
               {what_other_pipelines_took_cannot_blow_a_prediction_up, 0},
               {a_file_that_is_gone_is_predicted_from_history, 0},
               {another_operation_under_an_old_name_is_no_history, 0},
               {the_speed_of_this_machine_is_measured_once_and_kept, 0})
