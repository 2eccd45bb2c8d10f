/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading and writing of execution_profile, environment, plan, verdict and completion. */
#include <math.h>

#include "rec/figures.h"
#include "tests/unit/suite.h"

static struct arena mem;
static struct buf out;

static void set_up(void)
{
    mem = ARENA_INIT;
    out = BUF_INIT(BUF_UNBOUNDED);
}

static void tear_down(void)
{
    buf_release(&out);
    arena_release(&mem);
}

static struct json *parse(const char *text)
{
    struct json *v = NULL;
    struct err err = ERR_INIT;
    ck_assert_msg(json_parse(&mem, slice_str(text), 0, &v, &err), "%s", err.text);
    return v;
}

/* What was written is one line and equals `expected` as JSON. */
static void written_is(const char *expected)
{
    ck_assert_uint_gt(out.len, 0);
    ck_assert_int_eq(out.p[out.len - 1], '\n');
    ck_assert_ptr_eq(memchr(out.p, '\n', out.len), out.p + out.len - 1);
    ck_assert_msg(json_equal(parse(buf_str(&out)), parse(expected)), "%s is not %s", buf_str(&out),
                  expected);
}

#define ROUND_TRIP(kind, line)                                                         \
    do {                                                                               \
        struct rec_##kind r;                                                           \
        struct err err = ERR_INIT;                                                     \
        ck_assert_msg(rec_##kind##_read(&mem, parse(line), &r, &err), "%s", err.text); \
        buf_clear(&out);                                                               \
        rec_##kind##_write(&out, &r);                                                  \
        written_is(line);                                                              \
    } while (0)

static const char execution_profile[] =
    "{\"record\":\"execution_profile\",\"v\":1,\"pipeline\":\"orders\",\"definition\":{"
    "\"pipeline\":"
    "\"orders\",\"n\":9007199254740993,\"stages\":[]},\"base\":\"/data\",\"code_version\":"
    "\"sha256:9f\",\"mode\":\"optimized\",\"predicted\":{\"volume\":{\"records\":{\"p50\":1000,"
    "\"p95\":1200.5},\"bytes\":null},\"complexity\":{\"joins\":1,\"transformations\":3,\"depth\":"
    "null},\"quality_issues\":[{\"column\":null,\"rule\":\"ragged_row\",\"count\":2,\"first_line\":"
    "17},{\"column\":\"a\",\"rule\":\"null\",\"count\":null,\"first_line\":null}]},\"stages\":[{"
    "\"id\":\"a\",\"operation\":\"read\",\"records_in\":{\"p50\":1,\"p95\":2},\"records_out\":{"
    "\"p50\":1,\"p95\":null},\"bytes_in\":null,\"bytes_out\":{\"p50\":0,\"p95\":0},\"wall_s\":{"
    "\"p50\":0.1,\"p95\":0.2},\"cpu_s\":{\"p50\":0.1,\"p95\":0.2},\"peak_memory_bytes\":{\"p50\":"
    "1048576,\"p95\":2097152},\"read_bytes\":null,\"write_bytes\":null}],\"basis\":\"prior\"}";

START_TEST(an_execution_profile_is_written_as_it_was_read)
{
    ROUND_TRIP(execution_profile, execution_profile);
}
END_TEST

START_TEST(an_execution_profile_of_a_sample_is_written_as_it_was_read)
{
    ROUND_TRIP(
        execution_profile,
        "{\"record\":\"execution_profile\",\"v\":1,\"pipeline\":\"orders\",\"definition\":null,"
        "\"base\":null,\"code_version\":null,\"mode\":\"sampling\",\"predicted\":{\"volume\":{"
        "\"records\":null,\"bytes\":null},\"complexity\":{\"joins\":0,\"transformations\":0,"
        "\"depth\":1},\"quality_issues\":[]},\"stages\":[{\"id\":\"a\",\"operation\":\"read\","
        "\"records_in\":null,\"records_out\":null,\"bytes_in\":null,\"bytes_out\":null,"
        "\"wall_s\":null,\"cpu_s\":null,\"peak_memory_bytes\":null,\"read_bytes\":null,"
        "\"write_bytes\":null,\"sample\":{\"method\":\"key\",\"key\":\"id\",\"fraction\":0.01,"
        "\"records_in\":{\"lo95\":1,\"hi95\":2},\"records_out\":{\"lo95\":0.5,\"hi95\":null},"
        "\"bytes_in\":null,\"bytes_out\":null,\"why\":\"x\"}},{\"id\":\"b\",\"operation\":"
        "\"limit\",\"records_in\":null,\"records_out\":null,\"bytes_in\":null,\"bytes_out\":null,"
        "\"wall_s\":null,\"cpu_s\":null,\"peak_memory_bytes\":null,\"read_bytes\":null,"
        "\"write_bytes\":null,\"sample\":{\"records_in\":null,\"records_out\":null,\"bytes_in\":"
        "null,\"bytes_out\":null,\"why\":null}}],\"basis\":\"sample:1%\",\"sample\":{\"rate\":0.01,"
        "\"seed\":1996}}");
}
END_TEST

START_TEST(an_estimate_is_written_as_it_was_read)
{
    ROUND_TRIP(estimate,
               "{\"record\":\"estimate\",\"v\":1,\"pipeline\":\"p\",\"stage\":\"out\",\"output\":"
               "\"file:/a.csv\",\"sample\":{\"rate\":0.01,\"seed\":7},\"exact\":false,"
               "\"records\":{\"estimate\":40,\"lo95\":40,\"hi95\":337},\"rows\":[{\"c\":\"a\","
               "\"n\":1.5,\"n_lo95\":1,\"n_hi95\":2},{\"c\":null,\"n\":9007199254740993}],"
               "\"rows_left\":0,\"why\":null}");
    ROUND_TRIP(estimate,
               "{\"record\":\"estimate\",\"v\":1,\"pipeline\":\"p\",\"stage\":\"out\",\"output\":"
               "null,\"sample\":{\"rate\":0.5,\"seed\":0},\"exact\":true,\"records\":null,"
               "\"rows\":[],\"rows_left\":3,\"why\":\"limit\"}");
}
END_TEST

START_TEST(unknown_figures_are_nan_in_c_and_null_in_json)
{
    struct rec_execution_profile r;
    ck_assert(rec_execution_profile_read(&mem, parse(execution_profile), &r, NULL));
    ck_assert(isnan(r.volume_bytes.p50) && isnan(r.volume_bytes.p95));
    ck_assert(isnan(r.depth));
    ck_assert(isnan(r.stages[0].records_out.p95));
    ck_assert_double_eq(r.stages[0].records_out.p50, 1);
    ck_assert(isnan(r.stages[0].read_bytes.p50));
    ck_assert_ptr_null(r.quality[0].column);
}
END_TEST

START_TEST(a_measured_figure_is_read_as_equal_quantiles)
{
    struct rec_execution_profile r;
    ck_assert(rec_execution_profile_read(
        &mem,
        parse("{\"pipeline\":\"p\",\"stages\":[{\"id\":\"a\",\"cpu_s\":0.25,\"wall_s\":\"x\"}]}"),
        &r, NULL));
    ck_assert_double_eq(r.stages[0].cpu_s.p50, 0.25);
    ck_assert_double_eq(r.stages[0].cpu_s.p95, 0.25);
    ck_assert(isnan(r.stages[0].wall_s.p50));
    ck_assert_ptr_null(r.definition);
}
END_TEST

START_TEST(an_environment_is_written_as_it_was_read)
{
    ROUND_TRIP(environment,
               "{\"record\":\"environment\",\"v\":1,\"id\":\"local:h\",\"kind\":\"local\",\"cpu_"
               "cores\":2,\"memory_gb\":7.5,\"gpus\":null,\"available\":{\"cpu_cores\":1.5,"
               "\"memory_gb\":3,\"gpus\":null},\"price_usd_per_hour\":null,\"spot_price_usd_per_"
               "hour\":0.02,\"startup_s\":0,\"speed\":1,\"exec\":null}");
    ROUND_TRIP(environment,
               "{\"record\":\"environment\",\"v\":1,\"id\":\"s\",\"kind\":\"slurm\",\"cpu_cores\":"
               "64,\"memory_gb\":256,\"gpus\":4,\"available\":{\"cpu_cores\":null,\"memory_gb\":"
               "null,\"gpus\":null},\"price_usd_per_hour\":3.2,\"spot_price_usd_per_hour\":null,"
               "\"startup_s\":40,\"speed\":1.5,\"exec\":\"srun {cmd}\"}");
}
END_TEST

static const char plan[] =
    "{\"record\":\"plan\",\"v\":1,\"id\":\"p-1\",\"pipeline\":\"orders\",\"definition\":{\"x\":[1,"
    "null]},\"base\":\"/data\",\"code_version\":null,\"environment\":\"local:h\",\"mode\":"
    "\"standard\",\"stages\":[{\"id\":\"a\",\"order\":0,\"after\":[],\"environment\":\"local:h\","
    "\"cpu_cores\":1,\"memory_gb\":0.25,\"gpus\":0,\"parallelism\":1,\"algorithm\":null,\"start_"
    "s\":"
    "0,\"end_s\":0.5},{\"id\":\"b\",\"order\":1,\"after\":[\"a\"],\"environment\":\"local:h\","
    "\"cpu_"
    "cores\":2,\"memory_gb\":null,\"gpus\":0,\"parallelism\":2,\"algorithm\":\"hash\",\"start_s\":"
    "0.5,\"end_s\":1}],\"predicted\":{\"makespan_s\":{\"p50\":1,\"p95\":2},\"cost_usd\":null,"
    "\"lower_bound\":0.75,\"gap\":0.25},\"queued\":%s,\"why\":[\"one\",\"two\"]}";

START_TEST(a_plan_is_written_as_it_was_read)
{
    ROUND_TRIP(plan, arena_printf(&mem, plan, "null"));
    ROUND_TRIP(plan, arena_printf(&mem, plan, "{\"reason\":\"full\",\"until\":null}"));
    ROUND_TRIP(
        plan, arena_printf(&mem, plan, "{\"reason\":\"full\",\"until\":\"2026-11-20T06:00:00Z\"}"));
}
END_TEST

START_TEST(a_plans_makespan_may_be_one_number)
{
    struct rec_plan r;
    ck_assert(rec_plan_read(
        &mem, parse("{\"pipeline\":\"p\",\"stages\":[],\"predicted\":{\"makespan_s\":3}}"), &r,
        NULL));
    ck_assert_double_eq(r.makespan_s, 3);
    ck_assert_double_eq(r.makespan_p95_s, 3);
    ck_assert(isnan(r.cost_usd));
    ck_assert_ptr_null(r.queued_reason);
}
END_TEST

START_TEST(a_verdict_is_written_as_it_was_read)
{
    ROUND_TRIP(verdict, "{\"record\":\"verdict\",\"v\":1,\"check\":\"deadline\",\"subject\":"
                        "\"orders\",\"ok\":false,\"reasons\":[\"too \\u0001 late\"],\"figures\":{"
                        "\"makespan_s\":12}}");
    ROUND_TRIP(verdict, "{\"record\":\"verdict\",\"v\":1,\"check\":\"c\",\"subject\":null,\"ok\":"
                        "true,\"reasons\":[],\"figures\":{}}");
}
END_TEST

START_TEST(a_sketch_is_written_as_it_was_read)
{
    ROUND_TRIP(sketch,
               "{\"record\":\"sketch\",\"v\":1,\"dataset\":\"orders\",\"partition\":\"a=1\","
               "\"window\":{\"from\":\"2026-01-01T00:00:00Z\",\"to\":null,\"first_record\":1,"
               "\"last_record\":9},\"column\":\"id\",\"kind\":\"hll\",\"image\":"
               "\"AgEHDAMABAA=\"}");
    ROUND_TRIP(sketch,
               "{\"record\":\"sketch\",\"v\":1,\"dataset\":null,\"partition\":null,\"window\":{"
               "\"from\":null,\"to\":null,\"first_record\":null,\"last_record\":null},"
               "\"column\":null,\"kind\":\"profile\",\"image\":\"\"}");
    static char bytes[13u << 20];
    struct rec_sketch s = {.kind = "hll", .image = {bytes, sizeof(bytes)}};
    buf_clear(&out);
    ck_assert(!rec_sketch_write(&out, &s)); /* over 16 MiB in base64 */
    ck_assert_uint_eq(out.len, 0);
    struct err err = ERR_INIT;
    ck_assert(!rec_sketch_read(&mem, parse("{\"kind\":\"hll\"}"), &s, &err));
    ck_assert_str_eq(err.text, "sketch without 'image'");
    err_clear(&err);
    ck_assert(!rec_sketch_read(&mem, parse("{\"kind\":\"hll\",\"image\":\"AAA\"}"), &s, &err));
    ck_assert_str_eq(err.text, "sketch whose image is not base64");
}
END_TEST

START_TEST(a_completion_is_written_as_it_was_read)
{
    ROUND_TRIP(
        completion,
        "{\"record\":\"completion\",\"v\":1,\"pipeline\":\"orders\",\"run_id\":\"019a9f3c-0000-"
        "7000-"
        "8000-000000000001\",\"status\":\"failed\",\"mode\":\"shadow\",\"started_at\":\"2026-11-"
        "20T06:00:00Z\","
        "\"wall_s\":0.5,\"cpu_s\":0.4,\"peak_memory_bytes\":5242880,\"rejects\":0,\"stages\":[{"
        "\"id\":"
        "\"a\",\"operation\":\"read\",\"records_in\":10,\"records_out\":10,\"bytes_in\":100,"
        "\"bytes_out\":90,\"wall_s\":0.1,\"cpu_s\":0.09,\"peak_memory_bytes\":1048576,\"read_"
        "bytes\":100,\"write_bytes\":null,\"spilled_bytes\":4096,\"status\":\"completed\","
        "\"algorithm\":\"merge\","
        "\"allocated\":{\"provider\":\"warm\",\"resource_id\":\"vm-17\",\"cpu_cores\":2,\"memory_"
        "gb\":"
        "0.25,\"parallelism\":1,\"basis\":\"plan\",\"enforced\":null},\"predicted\":{\"cpu_s\":{"
        "\"p50\":0.1,\"p95\":0.2},\"wall_s\":null,\"peak_memory_bytes\":{\"p50\":1,\"p95\":2},"
        "\"records_out\":null}}],\"error\":\"disk full\"}");
}
END_TEST

START_TEST(a_stage_that_was_given_nothing_has_null_for_it)
{
    struct buf b = BUF_INIT(BUF_UNBOUNDED);
    struct jw w;
    jw_begin(&w, &b);
    jw_obj(&w);
    rec_allocated_write(&w, "allocated", &(struct rec_allocated){.cpu_cores = NAN});
    jw_end_obj(&w);
    ck_assert_str_eq(buf_str(&b), "{\"allocated\":null}");
    buf_release(&b);
}
END_TEST

START_TEST(an_allocation_is_written_as_it_was_read)
{
    ROUND_TRIP(
        allocation,
        "{\"record\":\"allocation\",\"v\":1,\"request\":\"rpr-1\",\"resource_id\":\"vm-17\","
        "\"status\":\"ready\",\"network_address\":\"127.0.0.1:7000\",\"node_id\":\"worker-1\","
        "\"template\":\"small\",\"tenant\":\"a\",\"expires_at\":\"2026-11-20T08:00:00Z\","
        "\"reason\":null}");
}
END_TEST

START_TEST(records_without_what_they_need_are_refused)
{
    struct err err = ERR_INIT;
    struct rec_execution_profile x;
    ck_assert(!rec_execution_profile_read(&mem, parse("{\"stages\":[]}"), &x, &err));
    ck_assert_str_eq(err.text, "execution_profile without 'pipeline'");
    ck_assert_int_eq(err.kind, ERR_DATA);
    err_clear(&err);
    ck_assert(!rec_execution_profile_read(&mem, parse("{\"pipeline\":\"p\"}"), &x, &err));
    ck_assert_str_eq(err.text, "execution_profile without 'stages'");
    err_clear(&err);
    ck_assert(!rec_execution_profile_read(
        &mem, parse("{\"pipeline\":\"p\",\"stages\":[{\"id\":\"a\"},[]]}"), &x, &err));
    ck_assert_str_eq(err.text, "execution_profile: stages[1]: stage without 'id'");
    err_clear(&err);
    struct rec_environment e;
    ck_assert(!rec_environment_read(&mem, parse("{\"id\":\"\"}"), &e, &err));
    err_clear(&err);
    struct rec_plan p;
    ck_assert(!rec_plan_read(&mem, parse("{\"pipeline\":\"p\",\"stages\":{}}"), &p, &err));
    err_clear(&err);
    struct rec_verdict v;
    ck_assert(!rec_verdict_read(&mem, parse("{\"ok\":\"no\"}"), &v, &err));
    ck_assert_str_eq(err.text, "verdict without 'ok'");
    err_clear(&err);
    struct rec_allocation al;
    ck_assert(!rec_allocation_read(&mem, parse("{\"node_id\":\"a\"}"), &al, &err));
    ck_assert_str_eq(err.text, "allocation without 'status'");
    err_clear(&err);
    struct rec_completion c;
    ck_assert(!rec_completion_read(&mem, parse("{\"pipeline\":\"p\"}"), &c, &err));
    ck_assert_str_eq(err.text, "completion without 'status'");
}
END_TEST

UNIT_MAIN_WITH(
    "rec records", set_up, tear_down, {an_execution_profile_is_written_as_it_was_read, 0},
    {an_execution_profile_of_a_sample_is_written_as_it_was_read, 0},
    {an_estimate_is_written_as_it_was_read, 0}, {unknown_figures_are_nan_in_c_and_null_in_json, 0},
    {a_measured_figure_is_read_as_equal_quantiles, 0},
    {an_environment_is_written_as_it_was_read, 0}, {a_plan_is_written_as_it_was_read, 0},
    {a_plans_makespan_may_be_one_number, 0}, {a_verdict_is_written_as_it_was_read, 0},
    {a_sketch_is_written_as_it_was_read, 0}, {a_stage_that_was_given_nothing_has_null_for_it, 0},
    {an_allocation_is_written_as_it_was_read, 0}, {a_completion_is_written_as_it_was_read, 0},
    {records_without_what_they_need_are_refused, 0})
