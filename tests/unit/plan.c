/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Plans: needs, choices, refusals, queues, reasons. */
#include <math.h>

#include "base/instant.h"
#include "plan/plan.h"
#include "tests/unit/suite.h"

static struct arena mem;
static struct plan_result r;
static struct plan_options o;
static struct rec_execution_profile x;
static struct rec_environment envs[4];

static void set_up(void)
{
    mem = ARENA_INIT;
    o = (struct plan_options){.now_us = INT64_C(1763632800) * US_PER_S};
    for (size_t i = 0; i < ARRAY_LEN(envs); i++)
        envs[i] = (struct rec_environment){.id = "here",
                                           .kind = "local",
                                           .cpu_cores = 4,
                                           .memory_gb = 8,
                                           .gpus = 0,
                                           .available_cores = 4,
                                           .available_memory_gb = 8,
                                           .available_gpus = 0,
                                           .price_usd_per_hour = NAN,
                                           .spot_price_usd_per_hour = NAN,
                                           .startup_s = 0,
                                           .speed = 1};
}

static void tear_down(void)
{
    arena_release(&mem);
}

static const char text[] =
    "{\"record\":\"execution_profile\",\"v\":1,\"pipeline\":\"shop\",\"base\":\"/data\","
    "\"code_version\":\"sha256:1\",\"mode\":\"optimized\",\"basis\":\"history:2 runs\","
    "\"predicted\":{},\"definition\":{\"pipeline\":\"shop\",\"stages\":["
    "{\"id\":\"orders\",\"op\":\"read\",\"path\":\"orders.csv\"},"
    "{\"id\":\"rates\",\"op\":\"read\",\"path\":\"rates.csv\"},"
    "{\"id\":\"joined\",\"op\":\"join\",\"inputs\":[\"orders\",\"rates\"],\"on\":[\"id\"]},"
    "{\"id\":\"sorted\",\"op\":\"sort\",\"by\":[\"id\"]%s},"
    "{\"id\":\"out\",\"op\":\"write\",\"path\":\"out.csv\"},"
    "{\"id\":\"load\",\"op\":\"command\",\"run\":\"true\",\"after\":[\"out\"]},"
    "{\"id\":\"mail\",\"op\":\"command\",\"run\":\"true\",\"after\":[\"out\"]}]},\"stages\":["
    "{\"id\":\"orders\",\"operation\":\"read\",\"records_in\":{\"p50\":9e5,\"p95\":1e6},"
    "\"records_out\":{\"p50\":9e5,\"p95\":1e6},\"cpu_s\":{\"p50\":2,\"p95\":4},"
    "\"peak_memory_bytes\":{\"p50\":1e6,\"p95\":2e6}},"
    "{\"id\":\"rates\",\"operation\":\"read\",\"records_out\":{\"p50\":4,\"p95\":%s},"
    "\"cpu_s\":{\"p50\":0.5,\"p95\":0.5},\"peak_memory_bytes\":{\"p50\":1e6,\"p95\":2e6}},"
    "{\"id\":\"joined\",\"operation\":\"join\",\"cpu_s\":{\"p50\":1,\"p95\":1},"
    "\"peak_memory_bytes\":{\"p50\":1e6,\"p95\":2e6}},"
    "{\"id\":\"sorted\",\"operation\":\"sort\",\"cpu_s\":{\"p50\":3,\"p95\":6},"
    "\"peak_memory_bytes\":{\"p50\":1e9,\"p95\":%s}},"
    "{\"id\":\"out\",\"operation\":\"write\",\"cpu_s\":{\"p50\":1,\"p95\":1},"
    "\"peak_memory_bytes\":{\"p50\":1e6,\"p95\":2e6}},"
    "{\"id\":\"load\",\"operation\":\"command\",\"wall_s\":{\"p50\":10,\"p95\":10},"
    "\"peak_memory_bytes\":null},"
    "{\"id\":\"mail\",\"operation\":\"command\",\"wall_s\":%s}]}";

static void profile(const char *resources, const char *rates, const char *sort_bytes,
                    const char *mail)
{
    struct json *v;
    struct err err = ERR_INIT;
    const char *line = arena_printf(&mem, text, resources, rates, sort_bytes, mail);
    ck_assert_msg(json_parse(&mem, slice_str(line), 0, &v, &err), "%s", err.text);
    ck_assert_msg(rec_execution_profile_read(&mem, v, &x, &err), "%s", err.text);
}

static void plan(size_t n)
{
    struct err err = ERR_INIT;
    ck_assert_msg(plan_pipeline(&mem, &x, envs, n, &o, &r, &err), "%s", err.text);
}

static void usual(void)
{
    profile("", "8", "2e9", "{\"p50\":4,\"p95\":5}");
}

static const struct rec_plan_stage *stage(const char *id)
{
    for (uint32_t i = 0; i < r.plan.nstages; i++)
        if (strcmp(r.plan.stages[i].id, id) == 0)
            return &r.plan.stages[i];
    ck_abort_msg("no stage %s", id);
    return NULL;
}

static bool says(const char *part)
{
    for (uint32_t i = 0; i < r.plan.nwhy; i++)
        if (strstr(r.plan.why[i], part))
            return true;
    return false;
}

START_TEST(stages_come_after_their_inputs_and_take_turns)
{
    usual();
    plan(1);
    ck_assert(r.ok);
    ck_assert_str_eq(r.plan.environment, "here");
    ck_assert_uint_eq(r.plan.nstages, 7);
    for (uint32_t i = 0; i < r.plan.nstages; i++) {
        ck_assert_int_eq(r.plan.stages[i].order, i);
        ck_assert_str_eq(r.plan.stages[i].environment, "here");
        for (uint32_t k = 0; k < r.plan.stages[i].nafter; k++) {
            const struct rec_plan_stage *before = stage(r.plan.stages[i].after[k]);
            ck_assert_int_lt(before->order, i);
            ck_assert_double_le(before->end_s, r.plan.stages[i].start_s);
        }
    }
    /* (2 + 1 + 3) / 4 + 0.5 / 2 + 1, then the commands, one after the other; two threads read
     * rates, as half of the time of reading is one thread's at a time */
    ck_assert_double_eq(r.plan.makespan_s, 16.75);
    ck_assert_double_eq(r.plan.lower_bound, 16.75);
    ck_assert_double_eq(r.plan.gap, 0);
    ck_assert_double_gt(r.plan.makespan_p95_s, 16.75);
    ck_assert_double_eq(stage("load")->start_s, 2.75); /* the longer one first */
    ck_assert_double_eq(stage("mail")->start_s, 12.75);
    ck_assert(isnan(r.plan.cost_usd));
    ck_assert_ptr_null(r.plan.queued_reason);
}
END_TEST

START_TEST(threads_share_what_is_read_and_what_follows_record_by_record)
{
    usual();
    plan(1);
    ck_assert_int_eq(stage("orders")->parallelism, 4);
    ck_assert_double_eq(stage("orders")->cpu_cores, 4);
    ck_assert_int_eq(stage("rates")->parallelism, 2);
    ck_assert_int_eq(stage("sorted")->parallelism, 4);
    ck_assert_int_eq(stage("out")->parallelism, 1);
    ck_assert(says("parallelism 4 from orders on: 6.0 s of work"));
    envs[0].available_cores = 1.9;
    plan(1);
    ck_assert_int_eq(stage("orders")->parallelism, 1);
    ck_assert(says("no second core is free"));
    envs[0].available_cores = NAN;
    plan(1);
    ck_assert_int_eq(stage("orders")->parallelism, 4);
}
END_TEST

/* a read of 1 s, a filter of 3 s, a group of 4 s, a write of 1 s; `resources` of the read */
static void flow(const char *resources, double scale)
{
    struct json *v;
    struct err err = ERR_INIT;
    const char *line = arena_printf(
        &mem,
        "{\"record\":\"execution_profile\",\"v\":1,\"pipeline\":\"p\",\"base\":\"/data\","
        "\"code_version\":\"sha256:1\",\"mode\":\"optimized\",\"basis\":\"prior\",\"predicted\":{},"
        "\"definition\":{\"pipeline\":\"p\",\"stages\":[{\"id\":\"a\",\"op\":\"read\",\"path\":"
        "\"a\"%s},"
        "{\"id\":\"f\",\"op\":\"filter\",\"where\":\".x > 1\"},{\"id\":\"g\",\"op\":\"aggregate\","
        "\"by\":[\"x\"],\"measures\":{\"n\":\"count\"}},{\"id\":\"w\",\"op\":\"write\",\"path\":"
        "\"w\"}]},"
        "\"stages\":[{\"id\":\"a\",\"cpu_s\":%g},{\"id\":\"f\",\"cpu_s\":%g},"
        "{\"id\":\"g\",\"cpu_s\":%g},{\"id\":\"w\",\"cpu_s\":%g}]}",
        resources, scale, 3 * scale, 4 * scale, scale);
    ck_assert_msg(json_parse(&mem, slice_str(line), 0, &v, &err), "%s", err.text);
    ck_assert_msg(rec_execution_profile_read(&mem, v, &x, &err), "%s", err.text);
}

START_TEST(threads_are_as_many_as_have_enough_to_do)
{
    flow("", 1);
    plan(1);
    ck_assert_int_eq(stage("a")->parallelism, 4);
    ck_assert_int_eq(stage("f")->parallelism, 4);
    ck_assert_int_eq(stage("g")->parallelism, 4); /* gathers what lanes push into it */
    ck_assert_int_eq(stage("w")->parallelism, 1); /* gets what is gathered */
    ck_assert_double_eq(r.plan.makespan_s, 3);    /* (1 + 3 + 4) / 4 + 1 */
    envs[0].cpu_cores = envs[0].available_cores = 100;
    plan(1);
    ck_assert_int_eq(stage("a")->parallelism, 16); /* 8 s against half of 1 s */
    flow(",\"resources\":{\"cpu_cores\":3}", 1);
    plan(1);
    ck_assert_int_eq(stage("g")->parallelism, 3);
    flow("", 0.007); /* 56 ms in all */
    plan(1);
    ck_assert_int_eq(stage("a")->parallelism, 2);
    flow("", 0.001);
    plan(1);
    ck_assert_int_eq(stage("a")->parallelism, 1);
    ck_assert(says("too little work"));
}
END_TEST

START_TEST(memory_is_p95_and_headroom_or_what_the_user_says)
{
    usual();
    plan(1);
    ck_assert_double_ge(stage("sorted")->memory_gb, 2e9 * 1.25 / 1073741824.0);
    ck_assert_double_le(stage("sorted")->memory_gb, 2e9 * 1.26 / 1073741824.0);
    ck_assert(isnan(stage("load")->memory_gb));
    ck_assert(says("headroom"));
    ck_assert(says("unknown"));
    profile(",\"resources\":{\"memory_gb\":3.5,\"cpu_cores\":2}", "8", "2e9", "1");
    plan(1);
    ck_assert_double_eq(stage("sorted")->memory_gb, 3.5);
    ck_assert_double_eq(stage("sorted")->cpu_cores, 2);
    ck_assert(says("`resources`"));
}
END_TEST

START_TEST(algorithms_are_chosen_by_predicted_sizes)
{
    usual();
    plan(1);
    ck_assert_str_eq(stage("joined")->build, "right");
    ck_assert(says("built of the right side (900000 records left, 4 right)"));
    struct rec_stage_figures *f = arena_memdup(&mem, x.stages, x.nstages * sizeof(*f));
    f[1].records_out.p50 = 9e7;
    x.stages = f;
    plan(1);
    ck_assert_str_eq(stage("joined")->algorithm, "hash");
    ck_assert_str_eq(stage("joined")->build, "left");
    ck_assert(says("built of the left side"));
    f[1].records_out.p50 = 1.2e6; /* not so many more that keeping the left side pays */
    plan(1);
    ck_assert_str_eq(stage("joined")->build, "right");
    f[1].records_out.p50 = NAN; /* nothing is known: as written */
    plan(1);
    ck_assert_str_eq(stage("joined")->build, "right");
    ck_assert(!says("built of"));
    f[1].records_out.p50 = 9e7;
    o.mode = "standard";
    plan(1);
    ck_assert_str_eq(stage("joined")->algorithm, "hash");
    ck_assert_ptr_null(stage("joined")->build);
    o.mode = NULL;
    profile(",\"resources\":{\"memory_gb\":0.5}", "8", "2e9", "1");
    plan(1);
    ck_assert_str_eq(stage("sorted")->algorithm, "external");
    ck_assert(says("may hold"));
}
END_TEST

START_TEST(modes_are_as_asked_or_by_what_is_known)
{
    usual();
    plan(1);
    ck_assert_str_eq(r.plan.mode, "optimized");
    ck_assert_str_eq(stage("joined")->algorithm, "hash");
    ck_assert_str_eq(stage("sorted")->algorithm, "merge");
    ck_assert_ptr_null(stage("out")->algorithm);
    o.mode = "standard";
    plan(1);
    ck_assert_str_eq(r.plan.mode, "standard");
    o.mode = "auto";
    plan(1);
    ck_assert_str_eq(r.plan.mode, "optimized");
    x.nstages = 0; /* no figures at all */
    plan(1);
    ck_assert_str_eq(r.plan.mode, "standard");
}
END_TEST

START_TEST(what_does_not_fit_now_is_queued_and_what_never_fits_is_refused)
{
    usual();
    envs[0].available_memory_gb = 1;
    plan(1);
    ck_assert(r.ok);
    ck_assert_ptr_nonnull(r.plan.queued_reason);
    ck_assert_ptr_nonnull(strstr(r.plan.queued_reason, "sorted"));
    envs[0].memory_gb = 2;
    plan(1);
    ck_assert(!r.ok);
    ck_assert_str_eq(r.verdict.check, "resources");
    ck_assert_str_eq(r.verdict.subject, "shop");
    ck_assert_ptr_nonnull(strstr(r.verdict.reasons[0], "sorted"));
    ck_assert_ptr_nonnull(strstr(r.verdict.reasons[0], "2.0 GiB"));
    ck_assert_double_eq(json_num(r.verdict.figures, "has_gb", 0), 2);
    plan(0);
    ck_assert(!r.ok);
    profile(",\"resources\":{\"cpu_cores\":16}", "8", "1e6", "1");
    plan(1);
    ck_assert(!r.ok);
    ck_assert_ptr_nonnull(strstr(r.verdict.reasons[0], "16 cores"));
    profile(",\"resources\":{\"gpus\":1}", "8", "1e6", "1");
    plan(1);
    ck_assert(!r.ok);
}
END_TEST

START_TEST(a_deadline_that_cannot_be_met_is_refused_with_the_figures)
{
    usual();
    ck_assert(plan_deadline_parse("16s", o.now_us, &o.deadline_us));
    plan(1);
    ck_assert(!r.ok);
    ck_assert_str_eq(r.verdict.check, "deadline");
    ck_assert_double_eq(json_num(r.verdict.figures, "makespan_s", 0), 16.75);
    ck_assert(plan_deadline_parse("17s", o.now_us, &o.deadline_us));
    plan(1);
    ck_assert(r.ok);
    ck_assert(says("would miss it"));
    ck_assert(plan_deadline_parse("1h", o.now_us, &o.deadline_us));
    plan(1);
    ck_assert(r.ok);
    ck_assert(says("to spare"));
    o.deadline_us = o.now_us - 1;
    plan(1);
    ck_assert(!r.ok);
    int64_t us;
    ck_assert(!plan_deadline_parse("soon", o.now_us, &us));
    ck_assert(!plan_deadline_parse("", o.now_us, &us));
    ck_assert(plan_deadline_parse("06:00", o.now_us, &us));
    ck_assert(us > o.now_us);
}
END_TEST

START_TEST(environments_are_chosen_by_time_or_cost)
{
    usual();
    envs[0].id = "slow", envs[0].price_usd_per_hour = 1;
    envs[1].id = "fast", envs[1].price_usd_per_hour = 10, envs[1].speed = 4;
    envs[2].id = "tiny", envs[2].memory_gb = 1;
    envs[3].id = "farm", envs[3].kind = "slurm";
    plan(4);
    ck_assert_str_eq(r.plan.environment, "fast");
    ck_assert_double_eq(r.plan.makespan_s, 16.75 / 4);
    ck_assert_double_eq_tol(r.plan.cost_usd, 10 * 16.75 / 4 / 3600, 1e-12);
    ck_assert(says("not tiny"));
    ck_assert(says("not farm"));
    o.objective = "cost";
    plan(4);
    ck_assert_str_eq(r.plan.environment, "slow");
    envs[1].startup_s = 100;
    o.objective = "time";
    plan(4);
    ck_assert_str_eq(r.plan.environment, "slow");
}
END_TEST

START_TEST(an_unknown_duration_makes_the_rest_unknown_not_zero)
{
    profile("", "8", "2e9", "null");
    plan(1);
    ck_assert(r.ok);
    ck_assert(isnan(r.plan.makespan_s));
    ck_assert(isnan(r.plan.gap));
    ck_assert(isnan(stage("mail")->end_s));
    ck_assert_double_eq(stage("load")->end_s, 12.75);
    ck_assert(says("mail: how long it takes is unknown"));
}
END_TEST

START_TEST(the_same_plan_has_the_same_id)
{
    usual();
    plan(1);
    const char *id = r.plan.id;
    plan(1);
    ck_assert_str_eq(r.plan.id, id);
    envs[0].cpu_cores = 2;
    plan(1);
    ck_assert_str_ne(r.plan.id, id);
}
END_TEST

START_TEST(more_cores_and_memory_never_plan_a_longer_run)
{
    double makespan = INFINITY;
    profile(",\"resources\":{\"cpu_cores\":2}", "8", "2e9", "{\"p50\":4,\"p95\":5}");
    for (int i = 2; i < 12; i++) {
        envs[0].cpu_cores = envs[0].available_cores = i / 2 + 1;
        envs[0].memory_gb = envs[0].available_memory_gb = 2 + i;
        plan(1);
        ck_assert_double_le(r.plan.makespan_s, makespan);
        makespan = r.plan.makespan_s;
    }
}
END_TEST

START_TEST(a_profile_without_a_definition_is_an_error)
{
    struct err err = ERR_INIT;
    usual();
    x.definition = NULL;
    ck_assert(!plan_pipeline(&mem, &x, envs, 1, &o, &r, &err));
    ck_assert_int_eq(err.kind, ERR_DATA);
    ck_assert_ptr_nonnull(strstr(err.text, "no definition"));
    usual();
    struct json *broken;
    ck_assert(json_parse(&mem, SLICE_LIT("{\"pipeline\":\"shop\",\"stages\":[{\"id\":1}]}"), 0,
                         &broken, NULL));
    x.definition = broken;
    err_clear(&err);
    ck_assert(!plan_pipeline(&mem, &x, envs, 1, &o, &r, &err));
    ck_assert_int_eq(err.kind, ERR_DATA);
}
END_TEST

START_TEST(hostile_figures_do_no_harm)
{
    static const char *const wild[] = {"-1",    "1e308", "{\"p50\":-5,\"p95\":-9}",
                                       "\"x\"", "[]",    "{\"p50\":1e300,\"p95\":1e308}"};
    for (size_t i = 0; i < ARRAY_LEN(wild); i++) {
        profile("", "-3", "1e6", wild[i]);
        plan(1);
        ck_assert(r.ok || r.verdict.nreasons > 0);
    }
    envs[0].speed = 0;
    envs[0].startup_s = -5;
    envs[0].available_cores = NAN;
    envs[0].available_memory_gb = NAN;
    usual();
    plan(1);
    ck_assert(r.ok);
    ck_assert_double_eq(r.plan.makespan_s, 16.75);
}
END_TEST

START_TEST(this_machine_is_an_environment)
{
    struct rec_environment e;
    plan_environment_local(&mem, &e);
    ck_assert_ptr_eq(strstr(e.id, "local:"), e.id);
    ck_assert_double_ge(e.cpu_cores, 1);
    ck_assert_double_ge(e.available_cores, 1);
    ck_assert_double_le(e.available_cores, e.cpu_cores);
    ck_assert_double_gt(e.memory_gb, 0);
    ck_assert_double_le(e.available_memory_gb, e.memory_gb);
    ck_assert_double_eq(e.speed, 1);
    ck_assert(isnan(e.price_usd_per_hour));
    ck_assert_ptr_null(e.exec);
}
END_TEST

UNIT_MAIN_WITH("plan", set_up, tear_down, {stages_come_after_their_inputs_and_take_turns, 0},
               {memory_is_p95_and_headroom_or_what_the_user_says, 0},
               {algorithms_are_chosen_by_predicted_sizes, 0},
               {modes_are_as_asked_or_by_what_is_known, 0},
               {what_does_not_fit_now_is_queued_and_what_never_fits_is_refused, 0},
               {a_deadline_that_cannot_be_met_is_refused_with_the_figures, 0},
               {environments_are_chosen_by_time_or_cost, 0},
               {an_unknown_duration_makes_the_rest_unknown_not_zero, 0},
               {the_same_plan_has_the_same_id, 0},
               {threads_share_what_is_read_and_what_follows_record_by_record, 0},
               {threads_are_as_many_as_have_enough_to_do, 0},
               {more_cores_and_memory_never_plan_a_longer_run, 0},
               {a_profile_without_a_definition_is_an_error, 0}, {hostile_figures_do_no_harm, 0},
               {this_machine_is_an_environment, 0})
