/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who gives a stage its resources, and what it gets when they are too little: with made-up
 * providers, so that the machine does not matter. */
#include <math.h>
#include <pthread.h>

#include "base/instant.h"
#include "engine/allocation.h"
#include "tests/unit/suite.h"

#define MIB 1048576.0

static struct arena mem;
static struct pipeline p;
static struct provider fake;
static struct provider_room room;
static double granted_gb; /* what is asked for above it fails */
static int requests, releases;
static struct buf said;

static void fake_room(struct provider *self, struct provider_room *out)
{
    (void)self;
    *out = room;
}

static void fake_request(struct provider *self, struct arena *a, const struct provider_request *r,
                         struct rec_allocation *out)
{
    (void)self, (void)a;
    requests++;
    bool ok = !(r->memory_gb > granted_gb);
    *out = (struct rec_allocation){.status = ok ? "ready" : "failed",
                                   .reason = ok ? NULL : "nothing left"};
}

static void fake_release(struct provider *self, const struct rec_allocation *granted)
{
    (void)self, (void)granted;
    releases++;
}

static void on_say(void *ctx, const char *text)
{
    (void)ctx;
    buf_addf(&said, "%s\n", text);
}

static void on_note(void *ctx, const char *stage, const char *text)
{
    (void)ctx;
    buf_addf(&said, "%s: %s\n", stage, text);
}

static void set_up(void)
{
    static const char text[] =
        "{\"pipeline\":\"daily\",\"stages\":[{\"id\":\"r\",\"op\":\"read\",\"path\":\"/none.csv\"},"
        "{\"id\":\"soft\",\"op\":\"sort\",\"by\":[\"a\"]},"
        "{\"id\":\"hard\",\"op\":\"sort\",\"by\":[\"a\"],\"resources\":{\"memory_gb\":0.1,"
        "\"cpu_cores\":2}},"
        "{\"id\":\"k\",\"op\":\"command\",\"run\":\"cat\"}]}";
    struct json *v;
    struct err err = ERR_INIT;
    mem = ARENA_INIT;
    said = BUF_INIT(BUF_UNBOUNDED);
    fake = (struct provider){"on_demand", NULL, fake_room, fake_request, fake_release};
    room = (struct provider_room){4, 16, 8};
    granted_gb = 1e9;
    requests = releases = 0;
    ck_assert(json_parse(&mem, slice_str(text), 0, &v, &err));
    ck_assert_msg(pipeline_from_definition(&p, v, "/", NULL, &err), "%s", err.text);
}

static void tear_down(void)
{
    pipeline_release(&p);
    buf_release(&said);
    arena_release(&mem);
}

static struct rec_plan_stage plan_stages[] = {
    {.id = "r", .cpu_cores = 1, .memory_gb = NAN, .gpus = 0, .parallelism = 1},
    {.id = "soft", .cpu_cores = 1, .memory_gb = 0.0625, .gpus = 0, .parallelism = 2},
    {.id = "hard", .cpu_cores = 2, .memory_gb = 0.1, .gpus = 0, .parallelism = 1},
    {.id = "k", .cpu_cores = 1, .memory_gb = NAN, .gpus = 0, .parallelism = 1},
};
static const struct rec_plan plan = {
    .id = "plan-1", .pipeline = "daily", .stages = plan_stages, .nstages = 4};

static void open_with(struct allotments *t, const struct rec_allocation *records, uint32_t n,
                      double predicted_p95)
{
    struct rec_stage_figures *f = ARENA_ARRAY(&mem, struct rec_stage_figures, 1);
    struct rec_execution_profile *x = ARENA_NEW(&mem, struct rec_execution_profile);
    f->id = "soft";
    f->peak_memory_bytes = (struct rec_figure){predicted_p95, predicted_p95};
    *x = (struct rec_execution_profile){.pipeline = "daily", .stages = f, .nstages = 1};
    struct allotment_opts o = {.plan = &plan,
                               .predicted = x,
                               .records = records,
                               .nrecords = n,
                               .on_demand = &fake,
                               .say = on_say,
                               .note = on_note};
    allotments_open(t, &p, &o, &mem);
}

static struct allocation *of(struct allotments *t, const char *id)
{
    return &t->stages[pipeline_find(&p, id)];
}

static double told_gb(const struct allocation *al)
{
    struct rec_allocated r;
    allocation_tell(al, &r);
    return r.memory_gb;
}

static uint64_t mib(double n)
{
    return (uint64_t)(n * MIB);
}

START_TEST(a_stage_begins_with_what_its_plan_says)
{
    struct allotments t;
    struct rec_allocated r;
    open_with(&t, NULL, 0, NAN);
    ck_assert(allocation_hold(of(&t, "soft"), mib(64)));
    allocation_tell(of(&t, "soft"), &r);
    ck_assert_str_eq(r.provider, "on_demand");
    ck_assert_ptr_null(r.resource_id);
    ck_assert_double_eq(r.memory_gb, 0.0625);
    ck_assert_double_eq(r.parallelism, 2);
    ck_assert_str_eq(r.basis, "plan");
    ck_assert_str_eq(r.enforced, "spill");
    allocation_tell(of(&t, "hard"), &r);
    ck_assert_str_eq(r.basis, "resources");
    ck_assert_double_eq(r.memory_gb, 0.1);
    allocation_tell(of(&t, "r"), &r);
    ck_assert(isnan(r.memory_gb));
    ck_assert_ptr_null(r.basis);
    ck_assert_ptr_null(r.enforced);
    ck_assert_str_eq(buf_str(&said), "");
    allotments_close(&t);
}
END_TEST

START_TEST(nothing_passes_what_the_pipeline_file_says)
{
    struct allotments t;
    open_with(&t, NULL, 0, NAN);
    requests = 0;
    ck_assert(allocation_hold(of(&t, "hard"), mib(102)));
    ck_assert(!allocation_hold(of(&t, "hard"), mib(103)));
    ck_assert_int_eq(requests, 0);
    ck_assert_double_eq(told_gb(of(&t, "hard")), 0.1);
    allotments_close(&t);
}
END_TEST

START_TEST(the_next_allocation_is_the_predicted_p95_then_the_most_seen_then_what_is_free)
{
    struct allotments t;
    open_with(&t, NULL, 0, 80 * MIB); /* with headroom 100 MiB */
    struct allocation *al = of(&t, "soft");
    al->history_bytes = mib(300);
    ck_assert(allocation_hold(al, mib(65)));
    ck_assert_uint_eq(al->limit_bytes, mib(100));
    ck_assert(allocation_hold(al, mib(101)));
    ck_assert_uint_eq(al->limit_bytes, mib(300));
    struct mem_account acct = {0};
    al->acct = &acct;
    mem_add(&acct, mib(300));
    ck_assert(allocation_hold(al, mib(301)));
    ck_assert_uint_eq(al->limit_bytes, mib(300) + mib(4096)); /* half of 8 GB beside what it has */
    ck_assert_str_eq(
        buf_str(&said),
        "soft: needs more memory than 64.0 MiB (its plan): goes on with 100.0 MiB (the predicted "
        "p95)\n"
        "soft: needs more memory than 100.0 MiB (the predicted p95): goes on with 300.0 MiB (the "
        "most "
        "it took before)\n"
        "soft: needs more memory than 300.0 MiB (the most it took before): goes on with 4.3 GiB "
        "(of "
        "what this machine has free)\n");
    allotments_close(&t);
}
END_TEST

START_TEST(an_offer_that_would_not_help_is_passed_over)
{
    struct allotments t;
    open_with(&t, NULL, 0, 80 * MIB);
    struct allocation *al = of(&t, "soft");
    al->history_bytes = mib(300);
    ck_assert(allocation_hold(al, mib(200)));
    ck_assert_uint_eq(al->limit_bytes, mib(300));
    allotments_close(&t);
}
END_TEST

START_TEST(what_cannot_be_had_is_refused_and_said_once)
{
    struct allotments t;
    open_with(&t, NULL, 0, 80 * MIB);
    struct allocation *al = of(&t, "soft");
    room.free_memory_gb = 0.01;
    for (int i = 0; i < 5; i++)
        ck_assert(!allocation_hold(al, mib(65)));
    ck_assert_uint_eq(al->limit_bytes, mib(64));
    ck_assert(allocation_hold(al, mib(64)));
    ck_assert_str_eq(buf_str(&said), "soft: needs more memory than 64.0 MiB (its plan), and this "
                                     "machine has none to give\n");
    /* Later there is room. */
    al->refused_until = 0;
    room.free_memory_gb = 1;
    ck_assert(allocation_hold(al, mib(65)));
    allotments_close(&t);
}
END_TEST

START_TEST(what_others_were_promised_is_not_free)
{
    struct allotments t;
    open_with(&t, NULL, 0, NAN);
    struct allocation *a = of(&t, "soft"), *b = of(&t, "k");
    room.free_memory_gb = 2;
    ck_assert(allocation_hold(a, mib(100)));
    ck_assert_uint_eq(a->limit_bytes, mib(1024));
    ck_assert(allocation_hold(b, mib(257)));
    ck_assert_uint_eq(b->limit_bytes, mib(512)); /* half of the 2 GB less the 1 of `soft` */
    allotments_close(&t);
}
END_TEST

START_TEST(a_stage_of_which_nothing_is_known_asks_from_some_size_on)
{
    struct allotments t;
    open_with(&t, NULL, 0, NAN);
    struct allocation *al = of(&t, "k");
    requests = 0;
    ck_assert(allocation_hold(al, UNPLANNED_BYTES));
    ck_assert_int_eq(requests, 0);
    ck_assert(isnan(told_gb(al)));
    ck_assert(allocation_hold(al, UNPLANNED_BYTES + 1));
    ck_assert_int_eq(requests, 1);
    ck_assert(!isnan(told_gb(al)));
    allotments_close(&t);
}
END_TEST

START_TEST(a_provider_that_fails_is_said_and_the_run_goes_on)
{
    struct allotments t;
    granted_gb = 0;
    plan_stages[1].memory_gb = 2;
    open_with(&t, NULL, 0, NAN);
    plan_stages[1].memory_gb = 0.0625;
    ck_assert_str_eq(buf_str(&said), "stage 'soft': nothing left: it runs with what there is\n"
                                     "stage 'hard': nothing left: it runs with what there is\n");
    ck_assert(allocation_hold(of(&t, "soft"), mib(2048)));
    ck_assert(!allocation_hold(of(&t, "soft"), mib(4096)));
    allotments_close(&t);
    ck_assert_int_eq(releases, 0);
}
END_TEST

START_TEST(what_was_granted_is_released_once)
{
    struct allotments t;
    open_with(&t, NULL, 0, NAN);
    ck_assert_int_eq(requests, 1); /* of two cores; one core and some MiB are always there */
    allotments_close(&t);
    ck_assert_int_eq(releases, 1);
}
END_TEST

/* -- the warm pool -- */

static const char *resource_of(const struct rec_allocation *records, uint32_t n, const char *id)
{
    struct allotments t;
    struct rec_allocated r;
    open_with(&t, records, n, NAN);
    allocation_tell(of(&t, id), &r);
    const char *resource = r.resource_id ? arena_strdup(&mem, r.resource_id) : "none";
    ck_assert_str_eq(r.provider, r.resource_id ? "warm" : "on_demand");
    allotments_close(&t);
    return resource;
}

START_TEST(an_allocation_selects_the_warm_pool_for_its_stage_or_for_all)
{
    struct rec_allocation records[] = {
        {.status = "ready", .resource_id = "of-all", .node_id = "daily"},
        {.status = "ready", .resource_id = "of-soft", .node_id = "soft", .template_name = "daily"},
        {.status = "ready", .resource_id = "of-other", .node_id = "soft", .template_name = "other"},
        {.status = "ready", .resource_id = "elsewhere", .node_id = "weekly"},
    };
    ck_assert_str_eq(resource_of(records, 4, "soft"), "of-soft");
    ck_assert_str_eq(resource_of(records, 4, "r"), "of-all");
    ck_assert_str_eq(resource_of(records + 1, 3, "r"), "none");
    ck_assert_str_eq(buf_str(&said), "");
    struct rec_allocation by_template = {
        .status = "ready", .resource_id = "t", .template_name = "daily"};
    ck_assert_str_eq(resource_of(&by_template, 1, "k"), "t");
    struct rec_allocation by_plan = {.status = "ready", .resource_id = "q", .request = "plan-1"};
    ck_assert_str_eq(resource_of(&by_plan, 1, "k"), "q");
    struct rec_allocation two[] = {{.status = "failed", .resource_id = "first", .node_id = "soft"},
                                   {.status = "ready", .resource_id = "last", .node_id = "soft"}};
    ck_assert_str_eq(resource_of(two, 2, "soft"), "last");
}
END_TEST

static const struct {
    struct rec_allocation r;
    const char *says;
} useless[] = {
    {{.status = "failed", .reason = "quota"},
     "allocation 'vm' is failed (quota): on demand instead\n"},
    {{.status = "pending"}, "allocation 'vm' is pending: on demand instead\n"},
    {{.status = "odd\n"}, "allocation 'vm' is odd\\x0a: on demand instead\n"},
    {{.status = "ready", .expires_at = "2026-11-20T07:59:59Z"},
     "allocation 'vm' has expired (2026-11-20T07:59:59Z): on demand instead\n"},
    {{.status = "ready", .expires_at = "soon"},
     "allocation 'vm' has expired (soon): on demand instead\n"},
    {{.status = "ready", .network_address = "192.0.2.7:22"},
     "allocation 'vm' is at 192.0.2.7:22, and stages run on this machine only: on demand "
     "instead\n"},
};

START_TEST(an_allocation_that_is_no_use_falls_back_and_says_so_once)
{
    struct rec_allocation r = useless[_i].r;
    int64_t now;
    ck_assert(instant_parse(slice_str("2026-11-20T08:00:00Z"), &now));
    instant_fix(now);
    r.resource_id = "vm";
    r.node_id = "daily";
    ck_assert_str_eq(resource_of(&r, 1, "soft"), "none");
    ck_assert_str_eq(buf_str(&said), useless[_i].says);
}
END_TEST

static const char *const here[] = {"127.0.0.1",      "127.8.8.8:7000", "[::1]:80",        "::1",
                                   "localhost:7000", "/run/pool.sock", "unix:/run/a.sock"};

START_TEST(an_allocation_on_this_machine_is_taken)
{
    struct rec_allocation r = {.status = "ready",
                               .resource_id = "vm",
                               .node_id = "daily",
                               .network_address = here[_i],
                               .expires_at = "9999-01-01T00:00:00Z"};
    ck_assert_str_eq(resource_of(&r, 1, "soft"), "vm");
}
END_TEST

/* -- threads -- */

static void *hold_all(void *arg)
{
    struct allocation *al = arg;
    for (uint64_t b = mib(64); b < mib(600); b += mib(1) / 8)
        ck_assert(allocation_hold(al, b));
    return NULL;
}

START_TEST(lanes_may_ask_at_once)
{
    struct allotments t;
    pthread_t threads[4];
    open_with(&t, NULL, 0, 80 * MIB);
    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, hold_all, of(&t, "soft")), 0);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    ck_assert_uint_ge(of(&t, "soft")->limit_bytes, mib(600));
    allotments_close(&t);
}
END_TEST

/* -- this machine -- */

START_TEST(this_machine_grants_what_it_has)
{
    struct provider local;
    struct provider_room here_room;
    struct rec_allocation r;
    provider_on_demand(&local);
    local.room(&local, &here_room);
    ck_assert(here_room.memory_gb > 0 && here_room.free_memory_gb <= here_room.memory_gb);
    struct provider_request q = {.node_id = "a", .cpu_cores = 1, .memory_gb = 0.001, .gpus = 0};
    local.request(&local, &mem, &q, &r);
    ck_assert_str_eq(r.status, "ready");
    q.memory_gb = here_room.memory_gb + 1;
    local.request(&local, &mem, &q, &r);
    ck_assert_str_eq(r.status, "failed");
    ck_assert_ptr_nonnull(strstr(r.reason, "of memory are asked for, there are"));
    q.memory_gb = 0.001;
    q.cpu_cores = 100000;
    local.request(&local, &mem, &q, &r);
    ck_assert_str_eq(r.status, "failed");
    ck_assert_ptr_nonnull(strstr(r.reason, "100000 cores are asked for, there are"));
    q.cpu_cores = NAN;
    q.gpus = 1;
    local.request(&local, &mem, &q, &r);
    ck_assert_str_eq(r.status, "failed");
}
END_TEST

UNIT_MAIN_WITH("engine allocation", set_up, tear_down, {a_stage_begins_with_what_its_plan_says, 0},
               {nothing_passes_what_the_pipeline_file_says, 0},
               {the_next_allocation_is_the_predicted_p95_then_the_most_seen_then_what_is_free, 0},
               {an_offer_that_would_not_help_is_passed_over, 0},
               {what_cannot_be_had_is_refused_and_said_once, 0},
               {what_others_were_promised_is_not_free, 0},
               {a_stage_of_which_nothing_is_known_asks_from_some_size_on, 0},
               {a_provider_that_fails_is_said_and_the_run_goes_on, 0},
               {what_was_granted_is_released_once, 0},
               {an_allocation_selects_the_warm_pool_for_its_stage_or_for_all, 0},
               {an_allocation_that_is_no_use_falls_back_and_says_so_once, ARRAY_LEN(useless)},
               {an_allocation_on_this_machine_is_taken, ARRAY_LEN(here)},
               {lanes_may_ask_at_once, 0}, {this_machine_grants_what_it_has, 0})
