/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Aggregates and distinct records come out the same, byte for byte, whatever they may hold in
 * memory and however many lanes they have. */
#include "base/rng.h"
#include "tests/unit/engine_case.h"

#define READ "{\"id\":\"a\",\"op\":\"read\",\"path\":\"in.csv\"},"
#define WRITE ",{\"id\":\"out\",\"op\":\"write\",\"path\":\"out.csv\"}"
#define GB 1073741824.0

/* Keys: f is written in several ways, t is longer than what a table of groups keeps in words, b has
 * both spellings of booleans. Some of everything is null. */
static void rows_file(struct engine_case *c, int rows, int groups)
{
    static const char *const floats[] = {"1", "1.0", "1.00", "-0", "0", "0.0", "2e2", "200", "0.1"};
    static const char *const sums[] = {"1e300", "-1e300", "0.1", "1e-300", "123456.789",
                                       "-7",    "1e16",   "1",   "0.3"};
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    struct rng r;
    rng_seed(&r, 7);
    buf_adds(&text, "k,f,t,b,i,x,s,d\n");
    for (int i = 0; i < rows; i++) {
        int k = (int)rng_below(&r, (uint64_t)groups);
        uint64_t z = rng_u64(&r);
        buf_addf(&text, "%d,%s,", k, z % 11 ? floats[z % ARRAY_LEN(floats)] : "");
        if (z % 5)
            buf_addf(&text, "text %d%s", k % 97, k % 3 ? "" : " that is longer than sixteen bytes");
        z >>= 8;
        buf_addf(&text, ",%s,", z % 7 == 0 ? "" : z % 2 ? "true" : "false");
        if (z % 9)
            buf_addf(&text, "%d", (int)(z % 1000) - 500);
        z >>= 10;
        buf_addf(&text, ",%s,", z % 13 ? sums[z % ARRAY_LEN(sums)] : "");
        if (z % 4)
            buf_addf(&text, "value %d%s", (int)(z % 50),
                     z % 3 ? "" : " is longer than sixteen bytes");
        buf_addf(&text, ",2026-11-%02d\n", (int)(z % 30) + 1);
    }
    case_file(c, "in.csv", buf_str(&text));
    buf_release(&text);
}

struct outcome {
    const char *out;
    double spilled;
    const char *algorithm;
    struct arena mem;
};

static struct outcome run_as(const char *mode, const char *stage, int rows, int groups,
                             double limit_bytes, uint32_t lanes)
{
    struct engine_case c;
    struct outcome o = {.spilled = 0};
    struct rec_plan_stage limit = {.id = "g", .memory_gb = limit_bytes / GB, .parallelism = 1};
    struct rec_plan plan = {.stages = &limit, .nstages = 1, .mode = mode};
    case_begin(&c);
    rows_file(&c, rows, groups);
    c.opts.lanes = lanes;
    c.opts.piece_rows = 300;
    if (limit_bytes > 0 || mode)
        c.opts.plan = &plan;
    char *stages = xasprintf(READ "%s" WRITE, stage);
    ck_assert_msg(case_run(&c, stages), "%s", c.err.text);
    free(stages);
    o.out = arena_strdup(&o.mem, case_text(&c, "out.csv"));
    uint32_t g = c.p.nstages - 2;
    o.spilled = c.result.stages[g].spilled_bytes;
    o.algorithm = arena_strdup(&o.mem, c.result.stages[g].algorithm);
    case_end(&c);
    return o;
}

static struct outcome run(const char *stage, int rows, int groups, double limit_bytes,
                          uint32_t lanes)
{
    return run_as(NULL, stage, rows, groups, limit_bytes, lanes);
}

/* `limits`: within which the stage must write to disk. */
static void same(const char *stage, int rows, int groups, bool in_lanes)
{
    static const double limits[] = {1, 300000};
    struct outcome all = run(stage, rows, groups, 0, 1);
    ck_assert_double_eq(all.spilled, 0);
    ck_assert_str_eq(all.algorithm, "hash");
    for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
        for (uint32_t lanes = 1; lanes <= (in_lanes ? 3 : 1); lanes += 2) {
            struct outcome o = run(stage, rows, groups, limits[i], lanes);
            ck_assert_str_eq(o.out, all.out);
            if (i == 0) {
                ck_assert_double_gt(o.spilled, 0);
                ck_assert_str_eq(o.algorithm, "external");
            }
            arena_release(&o.mem);
        }
    }
    struct outcome many = run(stage, rows, groups, 0, 3);
    ck_assert_str_eq(many.out, all.out);
    arena_release(&many.mem);
    arena_release(&all.mem);
}

#define GROUP(by, measures) \
    "{\"id\":\"g\",\"op\":\"aggregate\",\"by\":[" by "],\"measures\":{" measures "}}"
#define ALL                                                                                        \
    "\"n\":\"count\",\"s\":\"sum(.x)\",\"si\":\"sum(.i)\",\"m\":\"mean(.x)\",\"mi\":"              \
    "\"mean(.i)\",\"sd\":\"stddev(.i)\",\"q\":\"quantile(.i; 0.9)\",\"qx\":\"quantile(.x; "        \
    "0.25)\",\"u\":\"distinct(.i)\",\"us\":\"distinct(.s)\",\"ub\":\"distinct(.b)\",\"uf\":"       \
    "\"distinct(.f)\",\"a\":\"approx_distinct(.s)\",\"lo\":\"min(.s)\",\"hi\":\"max(.f)\",\"lf\":" \
    "\"min(.f)\",\"first\":\"first(.s)\",\"last\":\"last(.s)\",\"ff\":\"first(.f)\",\"lb\":"       \
    "\"last(.b)\",\"d\":\"max(.d)\""

START_TEST(every_measure_spills)
{
    same(GROUP("\"k\"", ALL), 8000, 900, true);
}
END_TEST

START_TEST(groups_are_written_as_the_first_record_has_them)
{
    same(GROUP("\"f\"", "\"n\":\"count\",\"l\":\"first(.k)\""), 3000, 5, true);
    same(GROUP("\"t\",\"f\",\"b\"", "\"n\":\"count\""), 6000, 5000, true);
}
END_TEST

START_TEST(lists_of_few_groups_go_to_sorted_runs)
{
    same(GROUP("", ALL), 8000, 900, true);
    same(GROUP("\"b\"", ALL), 8000, 900, true);
    same(GROUP("", "\"q\":\"quantile(.k; 0.5)\""), 60000, 50000, true);
    same(GROUP("", "\"q\":\"distinct(.k)\",\"t\":\"distinct(.t)\""), 60000, 50000, true);
}
END_TEST

START_TEST(distinct_records_spill)
{
    same("{\"id\":\"g\",\"op\":\"distinct\"}", 6000, 4, false);
    same("{\"id\":\"g\",\"op\":\"distinct\",\"by\":[\"k\"]}", 40000, 30000, false);
    same("{\"id\":\"g\",\"op\":\"distinct\",\"by\":[\"t\",\"f\",\"k\"]}", 10000, 2000, false);
}
END_TEST

#define SORT(by) "{\"id\":\"s\",\"op\":\"sort\",\"by\":[" by "]},"

/* algorithm: that is chosen when the mode does not fix it. */
static void behind_a_sort(const char *stages, const char *algorithm)
{
    struct outcome fixed = run_as("standard", stages, 8000, 40, 0, 1);
    ck_assert_str_eq(fixed.algorithm, "hash");
    for (int limited = 0; limited < 2; limited++) {
        struct outcome o = run(stages, 8000, 40, limited, 1);
        ck_assert_str_eq(o.out, fixed.out);
        if (!limited || strcmp(algorithm, "hash") != 0)
            ck_assert_str_eq(o.algorithm, algorithm);
        arena_release(&o.mem);
    }
    arena_release(&fixed.mem);
}

START_TEST(behind_a_sort_by_the_keys_there_is_one_group_at_a_time)
{
    behind_a_sort(SORT("\"k\"") GROUP("\"k\"", ALL), "sorted");
    behind_a_sort(SORT("\"-f\",\"b\",\"k\"") GROUP("\"b\",\"f\"", ALL), "sorted");
    behind_a_sort(
        SORT("\"t\"") "{\"id\":\"r\",\"op\":\"rename\",\"names\":{\"t\":\"z\"}},"
                      "{\"id\":\"w\",\"op\":\"filter\",\"where\":\".k > 3\"}," GROUP("\"z\"", ALL),
        "sorted");
    behind_a_sort(SORT("\"k\",\"f\"") GROUP("\"f\"", ALL), "hash");
    behind_a_sort(SORT("\"k\"") GROUP("\"k\",\"f\"", ALL), "hash");
    behind_a_sort(SORT("\"k\"") "{\"id\":\"d\",\"op\":\"derive\",\"set\":{\"k\":\".i\"}}," GROUP(
                      "\"k\"", ALL),
                  "hash");
}
END_TEST

START_TEST(a_scratch_folder_that_is_gone_is_told)
{
    static const char *const stages[] = {GROUP("\"k\"", "\"n\":\"count\""),
                                         GROUP("", "\"q\":\"quantile(.k; 0.5)\""),
                                         "{\"id\":\"g\",\"op\":\"distinct\"}"};
    setenv("FORELINE_TMPDIR", "/nonexistent", 1);
    for (size_t i = 0; i < ARRAY_LEN(stages); i++) {
        struct engine_case c;
        struct rec_plan_stage limit = {.id = "g", .memory_gb = 1 / GB, .parallelism = 1};
        struct rec_plan plan = {.stages = &limit, .nstages = 1};
        case_begin(&c);
        rows_file(&c, 9000, 9000);
        c.opts.plan = &plan;
        char *text = xasprintf(READ "%s" WRITE, stages[i]);
        ck_assert(!case_run(&c, text));
        ck_assert_int_eq(c.err.kind, ERR_ENV);
        ck_assert_ptr_nonnull(strstr(c.err.text, "stage 'g': "));
        ck_assert_ptr_nonnull(strstr(c.err.text, "/nonexistent"));
        ck_assert(!case_exists(&c, "out.csv"));
        free(text);
        case_end(&c);
    }
    unsetenv("FORELINE_TMPDIR");
}
END_TEST

START_TEST(nothing_comes_of_no_records)
{
    struct outcome none = run(GROUP("\"k\"", "\"n\":\"count\""), 0, 1, 1, 3);
    ck_assert_str_eq(none.out, "k,n\n");
    arena_release(&none.mem);
    struct outcome one = run(GROUP("", "\"n\":\"count\",\"q\":\"quantile(.k; 0.5)\""), 0, 1, 1, 3);
    ck_assert_str_eq(one.out, "n,q\n0,\n");
    arena_release(&one.mem);
}
END_TEST

UNIT_MAIN("engine_tally", every_measure_spills, groups_are_written_as_the_first_record_has_them,
          lists_of_few_groups_go_to_sorted_runs, distinct_records_spill,
          behind_a_sort_by_the_keys_there_is_one_group_at_a_time,
          a_scratch_folder_that_is_gone_is_told, nothing_comes_of_no_records)
