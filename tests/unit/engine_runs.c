/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How the engine runs a graph of stages: who waits for whom, what is queued, stopped, published and
 * measured. */
#include "tests/unit/engine_case.h"

#define READ "{\"id\":\"a\",\"op\":\"read\",\"path\":\"in.csv\"}"
#define WRITE(from, to) \
    "{\"id\":\"w_" from "\",\"op\":\"write\",\"input\":\"" from "\",\"path\":\"" to "\"}"

/* in.csv: n = 0 … rows-1, k = n % 10, s = "v" n */
static void numbers(struct engine_case *c, int rows)
{
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    buf_adds(&text, "n,k,s\n");
    for (int i = 0; i < rows; i++)
        buf_addf(&text, "%d,%d,v%d\n", i, i % 10, i);
    case_file(c, "in.csv", buf_str(&text));
    buf_release(&text);
}

static const struct rec_stage_figures *used(const struct engine_case *c, const char *id)
{
    int i = pipeline_find(&c->p, id);
    ck_assert_int_ge(i, 0);
    return &c->result.stages[i].used;
}

static const char *status(const struct engine_case *c, const char *id)
{
    return c->result.stages[pipeline_find(&c->p, id)].status;
}

START_TEST(both_sides_of_a_join_may_come_from_one_source)
{
    struct engine_case c;
    case_begin(&c);
    numbers(&c, 10000);
    ck_assert_msg(
        case_run(&c, READ
                 ",{\"id\":\"g\",\"op\":\"aggregate\",\"input\":\"a\",\"by\":[\"k\"],\"measures\":{"
                 "\"total\":\"sum(.n)\"}},"
                 "{\"id\":\"j\",\"op\":\"join\",\"inputs\":[\"a\",\"g\"],\"on\":[\"k\"]},"
                 "{\"id\":\"t\",\"op\":\"aggregate\",\"by\":[],\"measures\":{\"rows\":\"count\","
                 "\"x\":\"sum(.total)\"}}," WRITE("t", "out.csv")),
        "%s", c.err.text);
    ck_assert_str_eq(case_text(&c, "out.csv"), "rows,x\n10000,49995000000\n");
    ck_assert_double_eq(used(&c, "j")->records_in.p50, 10010);
    case_end(&c);
}
END_TEST

START_TEST(a_union_of_two_branches_is_in_input_order)
{
    struct engine_case c;
    case_begin(&c);
    numbers(&c, 5000);
    ck_assert_msg(
        case_run(&c,
                 READ ",{\"id\":\"lo\",\"op\":\"filter\",\"input\":\"a\",\"where\":\".n < 3\"},"
                      "{\"id\":\"hi\",\"op\":\"filter\",\"input\":\"a\",\"where\":\".n >= "
                      "4998\"},{\"id\":\"u\",\"op\":\"union\",\"inputs\":[\"hi\",\"lo\"]}," WRITE(
                          "u", "out.csv")),
        "%s", c.err.text);
    ck_assert_str_eq(case_text(&c, "out.csv"),
                     "n,k,s\n4998,8,v4998\n4999,9,v4999\n0,0,v0\n1,1,v1\n2,2,v2\n");
    case_end(&c);
}
END_TEST

START_TEST(a_self_join_takes_one_stage_on_both_sides)
{
    struct engine_case c;
    case_begin(&c);
    case_file(&c, "in.csv", "k\n1\n2\n1\n");
    ck_assert_msg(case_run(&c, READ ",{\"id\":\"j\",\"op\":\"join\",\"inputs\":[\"a\",\"a\"],"
                                    "\"on\":[\"k\"]}," WRITE("j", "out.csv")),
                  "%s", c.err.text);
    ck_assert_str_eq(case_text(&c, "out.csv"), "k\n1\n1\n2\n1\n1\n");
    case_end(&c);
}
END_TEST

START_TEST(a_stage_reads_what_another_writes_before_it_is_published)
{
    struct engine_case c;
    case_begin(&c);
    numbers(&c, 3);
    case_file(&c, "mid.csv.gz", "old");
    ck_assert_msg(case_run(&c, "{\"id\":\"b\",\"op\":\"read\",\"path\":\"mid.csv.gz\"}," WRITE(
                                   "b", "out.csv") "," READ "," WRITE("a", "mid.csv.gz")),
                  "%s", c.err.text);
    ck_assert_str_eq(case_text(&c, "out.csv"), "n,k,s\n0,0,v0\n1,1,v1\n2,2,v2\n");
    case_end(&c);
    case_begin(&c);
    numbers(&c, 3);
    case_file(&c, "mid.csv", "old");
    ck_assert(!case_run(&c,
                        READ "," WRITE("a", "mid.csv") ",{\"id\":\"b\",\"op\":\"read\",\"path\":"
                                                       "\"mid.csv\"}," WRITE("b", "/dev/full")));
    ck_assert_int_eq(c.err.kind, ERR_ENV);
    ck_assert_str_eq(case_text(&c, "mid.csv"), "old");
    case_end(&c);
}
END_TEST

START_TEST(after_makes_a_stage_wait)
{
    struct engine_case c;
    case_begin(&c);
    numbers(&c, 5000);
    ck_assert_msg(
        case_run(&c,
                 READ ",{\"id\":\"c\",\"op\":\"command\",\"input\":\"a\",\"run\":\"cat >/dev/null; "
                      "sleep 0.1; touch first\"},"
                      "{\"id\":\"d\",\"op\":\"command\",\"input\":\"a\",\"after\":[\"c\"],"
                      "\"run\":\"cat >/dev/null; test -e first\"}"),
        "%s", c.err.text);
    case_end(&c);
}
END_TEST

START_TEST(limit_stops_its_source_early)
{
    struct engine_case c;
    case_begin(&c);
    numbers(&c, 200000);
    ck_assert_msg(case_run(&c, READ
                           ",{\"id\":\"f\",\"op\":\"filter\",\"where\":\".n > 10\"},"
                           "{\"id\":\"l\",\"op\":\"limit\",\"count\":2}," WRITE("l", "out.csv")),
                  "%s", c.err.text);
    ck_assert_str_eq(case_text(&c, "out.csv"), "n,k,s\n11,1,v11\n12,2,v12\n");
    ck_assert_double_lt(used(&c, "a")->records_in.p50, 100000);
    ck_assert_str_eq(status(&c, "a"), "completed");
    case_end(&c);
    /* … but not when somebody else wants the rest. */
    case_begin(&c);
    numbers(&c, 100000);
    ck_assert(case_run(
        &c, READ ",{\"id\":\"l\",\"op\":\"limit\",\"input\":\"a\",\"count\":0}," WRITE(
                "l", "out.csv") ",{\"id\":\"n\",\"op\":\"aggregate\",\"input\":\"a\","
                                "\"by\":[],\"measures\":{\"n\":\"count\"}}," WRITE("n", "n.csv")));
    ck_assert_str_eq(case_text(&c, "out.csv"), "n,k,s\n");
    ck_assert_str_eq(case_text(&c, "n.csv"), "n\n100000\n");
    case_end(&c);
}
END_TEST

START_TEST(many_batches_keep_order_and_values)
{
    struct engine_case c;
    case_begin(&c);
    numbers(&c, 30000);
    ck_assert_msg(
        case_run(&c, READ ",{\"id\":\"s\",\"op\":\"sort\",\"by\":[\"k\"]}," WRITE("s", "out.csv")),
        "%s", c.err.text);
    struct buf want = BUF_INIT(BUF_UNBOUNDED);
    buf_adds(&want, "n,k,s\n");
    for (int k = 0; k < 10; k++) {
        for (int i = k; i < 30000; i += 10)
            buf_addf(&want, "%d,%d,v%d\n", i, k, i);
    }
    ck_assert(strcmp(case_text(&c, "out.csv"), buf_str(&want)) == 0);
    buf_release(&want);
    case_end(&c);
}
END_TEST

START_TEST(both_join_algorithms_give_the_same_bytes)
{
    char *text[2];
    for (int i = 0; i < 2; i++) {
        struct engine_case c;
        case_begin(&c);
        numbers(&c, 3000);
        case_file(&c, "b.csv", "k,r\n3,x\n,n\n3,y\n7,z\n99,q\n");
        struct rec_plan_stage stage = {.id = "j", .algorithm = i ? "nested_loop" : "hash"};
        struct rec_plan plan = {.stages = &stage, .nstages = 1};
        c.opts.plan = &plan;
        ck_assert_msg(case_run(&c,
                               READ ",{\"id\":\"b\",\"op\":\"read\",\"path\":\"b.csv\"},{\"id\":"
                                    "\"j\",\"op\":\"join\",\"inputs\":[\"a\",\"b\"],\"on\":["
                                    "\"k\"],\"type\":\"left\"}," WRITE("j", "out.csv")),
                      "%s", c.err.text);
        ck_assert_str_eq(c.result.stages[pipeline_find(&c.p, "j")].algorithm, stage.algorithm);
        text[i] = xstrdup(case_text(&c, "out.csv"));
        case_end(&c);
    }
    ck_assert(strcmp(text[0], text[1]) == 0);
    free(text[0]);
    free(text[1]);
}
END_TEST

static void ordered_keys(struct engine_case *c, const char *file, int rows, bool sorted, int step,
                         const char *column)
{
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    buf_addf(&text, "k,%s\n,none\n", column);
    for (int i = 0; i < rows; i++) /* each key twice; out of order: backwards */
        buf_addf(&text, "%d,%s%d\n", (sorted ? i : rows - 1 - i) / 2 * step, column, i);
    case_file(c, file, buf_str(&text));
    buf_release(&text);
}

/* What the algorithm is in the end; its output in *text. */
static void joined_in_order(const char *mode, const char *planned, bool left, bool right, int step,
                            uint32_t lanes, const char *ran, char **text)
{
    struct engine_case c;
    case_begin(&c);
    ordered_keys(&c, "in.csv", 3000, left, step, "l");
    ordered_keys(&c, "b.csv", 2000, right, step, "r");
    struct rec_plan_stage stage = {.id = "j", .algorithm = planned};
    struct rec_plan plan = {.stages = &stage, .nstages = 1, .mode = mode};
    c.opts.plan = &plan;
    c.opts.lanes = lanes;
    c.opts.piece_rows = lanes > 1 ? 100 : 0;
    ck_assert_msg(case_run(&c, READ ",{\"id\":\"b\",\"op\":\"read\",\"path\":\"b.csv\"},{\"id\":"
                                    "\"j\",\"op\":\"join\",\"inputs\":[\"a\",\"b\"],\"on\":["
                                    "\"k\"],\"type\":\"left\"}," WRITE("j", "out.csv")),
                  "%s", c.err.text);
    ck_assert_str_eq(c.result.stages[pipeline_find(&c.p, "j")].algorithm, ran);
    *text = xstrdup(case_text(&c, "out.csv"));
    case_end(&c);
}

START_TEST(a_join_is_decided_again_by_the_order_that_comes)
{
    static const char *const planned[] = {"hash", "sort_merge"};
    for (int i = 0; i < 16; i++) {
        bool left = i & 1, right = i & 2;
        int step = i & 4 ? 1 : 1000003; /* dense: by number, whatever the order */
        const char *plan = planned[i >> 3];
        char *want, *fixed, *got;
        joined_in_order("standard", "nested_loop", left, right, step, 1, "nested_loop", &want);
        joined_in_order("standard", plan, left, right, step, 1, plan, &fixed);
        ck_assert(strcmp(want, fixed) == 0);
        for (uint32_t lanes = 1; lanes <= 3; lanes += 2) {
            joined_in_order("optimized", plan, left, right, step, lanes,
                            left && right && step > 1 ? "sort_merge" : "hash", &got);
            ck_assert(strcmp(want, got) == 0);
            free(got);
        }
        free(want);
        free(fixed);
    }
}
END_TEST

START_TEST(figures_are_counted_where_they_arise)
{
    struct engine_case c;
    case_begin(&c);
    case_file(&c, "in.csv", "n,b,s\n1,true,abc\n22,false,\n,true,\"\"\n");
    ck_assert_msg(case_run(&c, READ "," WRITE("a", "out.csv")), "%s", c.err.text);
    const struct rec_stage_figures *r = used(&c, "a"), *w = used(&c, "w_a");
    ck_assert_double_eq(r->records_in.p50, 3);
    ck_assert_double_eq(r->records_out.p50, 3);
    ck_assert_double_eq(r->bytes_in.p50, 36);
    ck_assert_double_eq(r->read_bytes.p50, 36);
    ck_assert_double_eq(r->bytes_out.p50, 2 * 8 + 3 * 1 + 3 + 9); /* values and separators */
    ck_assert_double_eq(w->bytes_in.p50, r->bytes_out.p50);
    ck_assert_double_eq(w->write_bytes.p50, 36);
    ck_assert_double_eq(w->records_in.p50, 3);
    ck_assert_double_gt(r->peak_memory_bytes.p50, 0);
    ck_assert_double_ge(r->cpu_s.p50, 0);
    ck_assert_double_ge(r->wall_s.p50, 0);
    case_end(&c);
}
END_TEST

START_TEST(what_did_not_run_has_no_figures)
{
    struct engine_case c;
    case_begin(&c);
    numbers(&c, 3);
    ck_assert(
        !case_run(&c, "{\"id\":\"x\",\"op\":\"command\",\"run\":\"exit 1\"},"
                      "{\"id\":\"a\",\"op\":\"read\",\"path\":\"in.csv\",\"after\":[\"x\"]}," WRITE(
                          "a", "out.csv")));
    ck_assert_int_eq(c.err.kind, ERR_STAGE);
    ck_assert_str_eq(status(&c, "x"), "failed");
    ck_assert_str_eq(status(&c, "a"), "skipped");
    ck_assert(isnan(used(&c, "a")->records_in.p50));
    ck_assert(!case_exists(&c, "out.csv"));
    case_end(&c);
}
END_TEST

START_TEST(a_signal_ends_a_run)
{
    static volatile sig_atomic_t stop = SIGTERM;
    struct engine_case c;
    case_begin(&c);
    numbers(&c, 3);
    c.opts.stop = &stop;
    ck_assert(!case_run(&c, READ "," WRITE("a", "out.csv")));
    ck_assert(c.result.cancelled);
    ck_assert(!case_exists(&c, "out.csv"));
    case_end(&c);
}
END_TEST

START_TEST(too_long_a_chain_is_refused)
{
    struct engine_case c;
    case_begin(&c);
    numbers(&c, 3);
    for (int n = 900; n <= 1200; n += 300) {
        struct buf text = BUF_INIT(BUF_UNBOUNDED);
        buf_adds(&text, READ);
        for (int i = 0; i < n; i++)
            buf_addf(&text, ",{\"id\":\"l%d\",\"op\":\"limit\",\"count\":2}", i);
        buf_adds(&text, ",{\"id\":\"w\",\"op\":\"write\",\"path\":\"out.csv\"}");
        bool ok = case_run(&c, buf_str(&text));
        ck_assert_msg(ok == (n == 900), "%s", c.err.text);
        if (!ok)
            ck_assert_ptr_nonnull(strstr(c.err.text, "split the pipeline"));
        buf_release(&text);
        pipeline_release(&c.p);
        c.p = (struct pipeline){0};
    }
    case_end(&c);
}
END_TEST

START_TEST(approx_distinct_is_near)
{
    struct engine_case c;
    case_begin(&c);
    numbers(&c, 50000);
    ck_assert_msg(case_run(&c, READ ",{\"id\":\"g\",\"op\":\"aggregate\",\"by\":[],\"measures\":{"
                                    "\"few\":\"approx_distinct(.k)\",\"many\":\"approx_distinct("
                                    ".s)\"}}," WRITE("g", "out.csv")),
                  "%s", c.err.text);
    int few, many;
    ck_assert_int_eq(sscanf(case_text(&c, "out.csv"), "few,many\n%d,%d\n", &few, &many), 2);
    ck_assert_int_eq(few, 10);
    ck_assert_int_ge(many, 46000); /* five standard errors of 1.6 % */
    ck_assert_int_le(many, 54000);
    case_end(&c);
}
END_TEST

START_TEST(nested_values_pass_as_their_text)
{
    struct engine_case c;
    case_begin(&c);
    case_file(&c, "in.jsonl", "{\"a\":{\"b\": [1, 2]},\"n\":1}\n{\"a\":[],\"n\":2}\n{\"n\":3}\n");
    ck_assert_msg(
        case_run(&c, "{\"id\":\"a\",\"op\":\"read\",\"path\":\"in.jsonl\"},"
                     "{\"id\":\"s\",\"op\":\"sort\",\"by\":[\"-n\"]}," WRITE("s", "out.jsonl")),
        "%s", c.err.text);
    ck_assert_str_eq(case_text(&c, "out.jsonl"),
                     "{\"a\":null,\"n\":3}\n{\"a\":[],\"n\":2}\n{\"a\":{\"b\": [1, 2]},\"n\":1}\n");
    case_end(&c);
}
END_TEST

START_TEST(several_files_are_one_input_and_name_their_lines)
{
    struct engine_case c;
    case_begin(&c);
    case_file(&c, "d1.csv", "n,s\n1,1\n2,2\n");
    case_file(&c, "d2.csv", "n,s\n3,x\n");
    ck_assert_msg(
        !case_run(&c, "{\"id\":\"a\",\"op\":\"read\",\"path\":\"d*.csv\",\"types\":{"
                      "\"s\":\"string\"}},"
                      "{\"id\":\"d\",\"op\":\"derive\",\"set\":{\"v\":\".s | tonumber\"}}," WRITE(
                          "d", "out.csv")),
        "a string was taken for a number");
    ck_assert_int_eq(c.err.kind, ERR_DATA);
    ck_assert_msg(strstr(c.err.text, "/d2.csv:2: column 'v'") != NULL, "%s", c.err.text);
    case_end(&c);
}
END_TEST

struct heard {
    struct buf text;
    int running;
    bool figures;
};

static void on_stage(void *ctx, uint32_t stage, const char *type, const struct engine_stage *s)
{
    struct heard *h = ctx;
    if (strcmp(type, "RUNNING") != 0) {
        buf_addf(&h->text, "%u %s;", stage, type);
        return;
    }
    h->running++;
    h->figures = s && s->used.wall_s.p50 >= 0 && strcmp(s->status, "running") == 0;
}

START_TEST(stages_are_heard_of_when_they_begin_last_and_end)
{
    struct engine_case c;
    struct heard h = {.text = BUF_INIT(BUF_UNBOUNDED)};
    case_begin(&c);
    numbers(&c, 10);
    c.opts.ctx = &h;
    c.opts.stage = on_stage;
    c.opts.running_s = 0.1;
    ck_assert_msg(case_run(&c, READ "," WRITE("a", "x.csv") ",{\"id\":\"c\",\"op\":\"command\","
                                                            "\"after\":[\"w_a\"],"
                                                            "\"run\":\"sleep 0.6\"}"),
                  "%s", c.err.text);
    /* A write ends when it is published: here before the command that comes after it. */
    ck_assert_str_eq(buf_str(&h.text), "0 START;1 START;0 COMPLETE;1 COMPLETE;2 START;2 COMPLETE;");
    ck_assert_int_ge(h.running, 2);
    ck_assert(h.figures);
    buf_release(&h.text);
    case_end(&c);
}
END_TEST

START_TEST(limits_of_rejects_are_parsed_strictly)
{
    struct engine_limit l;
    ck_assert(engine_limit_parse("0", &l) && l.given && !l.percent && l.value == 0);
    ck_assert(engine_limit_parse("12", &l) && l.value == 12);
    ck_assert(engine_limit_parse("0.5%", &l) && l.percent);
    ck_assert_double_eq_tol(l.value, 0.005, 1e-12);
    static const char *const bad[] = {"", "%", "-1", "1.5", "x", "1%%", "101%", "1 "};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_msg(!engine_limit_parse(bad[i], &l), "%s", bad[i]);
}
END_TEST

UNIT_MAIN("engine_runs", both_sides_of_a_join_may_come_from_one_source,
          a_union_of_two_branches_is_in_input_order, a_self_join_takes_one_stage_on_both_sides,
          a_stage_reads_what_another_writes_before_it_is_published, after_makes_a_stage_wait,
          limit_stops_its_source_early, many_batches_keep_order_and_values,
          both_join_algorithms_give_the_same_bytes, a_join_is_decided_again_by_the_order_that_comes,
          figures_are_counted_where_they_arise, what_did_not_run_has_no_figures,
          a_signal_ends_a_run, too_long_a_chain_is_refused, approx_distinct_is_near,
          nested_values_pass_as_their_text, several_files_are_one_input_and_name_their_lines,
          stages_are_heard_of_when_they_begin_last_and_end, limits_of_rejects_are_parsed_strictly)
