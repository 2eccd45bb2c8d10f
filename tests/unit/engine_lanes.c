/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What comes out does not depend on the number of threads: outputs, rejects and errors of small
 * pieces in several lanes are those of one. */
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

#include "engine/lanes.h"
#include "plan/lanes.h"
#include "tests/unit/engine_case.h"

#define READ "{\"id\":\"a\",\"op\":\"read\",\"path\":\"in.csv\"},"
#define WRITE ",{\"id\":\"out\",\"op\":\"write\",\"path\":\"out.csv\"}"
#define ROWS 1000

/* k,n,x,s; row `bad` (from 0) is replaced by `with`. */
static void rows_file(struct engine_case *c, const char *name, int from, int n, int bad,
                      const char *with)
{
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    buf_adds(&text, "k,n,x,s\n");
    for (int i = from; i < from + n; i++) {
        if (i == bad)
            buf_adds(&text, with);
        else
            buf_addf(&text, "%d,%d,%d.%d,\"text %d\"\n", i * 7 % 13, i, i % 17, i % 10, i);
    }
    case_file(c, name, buf_str(&text));
    buf_release(&text);
}

struct outcome {
    bool ok;
    char err[1008];
    const char *out, *rejects; /* NULL: no such file */
    double records_read, rejected;
    struct arena mem;
};

/* Inputs are what `prepare` leaves in the folder. */
static struct outcome run(void (*prepare)(struct engine_case *c), const char *stages,
                          uint32_t lanes, uint32_t piece_rows, const char *max_rejects)
{
    struct engine_case c;
    struct outcome o = {.ok = false};
    char rejects[512];
    case_begin(&c);
    prepare(&c);
    c.opts.lanes = lanes;
    c.opts.piece_rows = piece_rows;
    snprintf(rejects, sizeof(rejects), "%s/rejects.jsonl", c.dir);
    if (max_rejects) {
        c.opts.reject_path = rejects;
        if (*max_rejects)
            ck_assert(engine_limit_parse(max_rejects, &c.opts.max_rejects));
    }
    o.ok = case_run(&c, stages);
    /* The folder's name is not always the same. */
    char *at;
    while ((at = strstr(c.err.text, c.dir)))
        memmove(at, at + strlen(c.dir), strlen(at + strlen(c.dir)) + 1);
    snprintf(o.err, sizeof(o.err), "%s", c.err.text);
    if (case_exists(&c, "out.csv"))
        o.out = arena_strdup(&o.mem, case_text(&c, "out.csv"));
    if (case_exists(&c, "rejects.jsonl"))
        o.rejects = arena_strdup(&o.mem, case_text(&c, "rejects.jsonl"));
    for (char *p = (char *)(uintptr_t)o.rejects; p && (at = strstr(p, c.dir));)
        memmove(at, at + strlen(c.dir), strlen(at + strlen(c.dir)) + 1);
    o.records_read = (double)c.result.records_read;
    o.rejected = (double)c.result.rejects;
    case_end(&c);
    return o;
}

static void same_text(const char *a, const char *b)
{
    ck_assert_int_eq(a == NULL, b == NULL);
    size_t at = 0;
    while (a && a[at] && a[at] == b[at])
        at++;
    ck_assert_msg(!a || a[at] == b[at], "from byte %zu on: %.200s\nbut: %.200s", at, a + at,
                  b + at);
}

/* With one lane, three, and eight; gives what one gave, of which the caller frees `mem`. */
static struct outcome same(void (*prepare)(struct engine_case *c), const char *stages,
                           const char *max_rejects)
{
    static const uint32_t lanes[] = {3, 8}, rows[] = {7, 1, 64};
    struct outcome first = {.ok = false};
    for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
        struct outcome one = run(prepare, stages, 1, rows[k], max_rejects);
        for (size_t i = 0; i < ARRAY_LEN(lanes); i++) {
            struct outcome many = run(prepare, stages, lanes[i], rows[k], max_rejects);
            ck_assert_int_eq(one.ok, many.ok);
            ck_assert_str_eq(one.err, many.err);
            same_text(one.out, many.out);
            same_text(one.rejects, many.rejects);
            ck_assert_double_eq(one.records_read, many.records_read);
            ck_assert_double_eq(one.rejected, many.rejected);
            arena_release(&many.mem);
        }
        if (k == 0)
            first = one;
        else
            arena_release(&one.mem);
    }
    return first;
}

/* -- inputs -- */

static void good_rows(struct engine_case *c)
{
    rows_file(c, "in.csv", 0, ROWS, -1, "");
    rows_file(c, "in2.csv", 500, ROWS, -1, "");
}

/* Records that the reader rejects stand beside such that an expression fails on. */
static void bad_rows(struct engine_case *c)
{
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    buf_adds(&text, "k,n,x,s\n");
    for (int i = 0; i < ROWS; i++) {
        if (i % 50 == 17)
            buf_adds(&text, "1,2\n");
        else if (i % 90 == 20)
            buf_addf(&text, "%d,%d,,\"not a number\"\n", i % 3, i);
        else
            buf_addf(&text, "%d,%d,%d.5,%d\n", i % 3, i, i % 9, i % 70 == 30 ? -1 : i);
    }
    case_file(c, "in.csv", buf_str(&text));
    buf_release(&text);
}

static void ragged_in_the_third_piece(struct engine_case *c)
{
    rows_file(c, "in.csv", 0, ROWS, 17, "ragged\n");
}

static void ragged_late(struct engine_case *c)
{
    rows_file(c, "in.csv", 0, ROWS, 900, "ragged\n");
}

static void shell(const struct engine_case *c, const char *command)
{
    char *all = xasprintf("cd '%s' && %s", c->dir, command);
    ck_assert_int_eq(system(all), 0);
    free(all);
}

static void packed_rows(struct engine_case *c)
{
    good_rows(c);
    shell(c, "gzip in.csv && mv in.csv.gz in.csv");
}

static void broken_second_file(struct engine_case *c)
{
    rows_file(c, "in.csv", 0, 300, -1, "");
    rows_file(c, "in2.csv", 300, ROWS, -1, "");
    shell(c, "gzip in2.csv && head -c 3000 in2.csv.gz > in2.csv");
}

/* -- the same whatever the number -- */

START_TEST(stages_that_take_one_record_at_a_time)
{
    struct outcome o = same(
        good_rows,
        READ "{\"id\":\"f\",\"op\":\"filter\",\"where\":\".n % 3 != 0\"},"
             "{\"id\":\"d\",\"op\":\"derive\",\"set\":{\"y\":\".x * 2\",\"t\":\".s + \\\"!\\\"\"}},"
             "{\"id\":\"r\",\"op\":\"rename\",\"names\":{\"k\":\"key\"}},"
             "{\"id\":\"c\",\"op\":\"select\",\"columns\":[\"t\",\"key\",\"y\"]}" WRITE,
        NULL);
    ck_assert_msg(o.ok, "%s", o.err);
    ck_assert_ptr_nonnull(strstr(o.out, "text 998!,5,"));
    ck_assert_ptr_nonnull(strstr(o.out, "t,key,y\ntext 1!,7,2.2\ntext 2!,1,4.4\n"));
    arena_release(&o.mem);
}
END_TEST

START_TEST(expressions_of_libjq)
{
    struct outcome o = same(good_rows,
                            READ "{\"id\":\"d\",\"op\":\"derive\",\"set\":{\"y\":\".s | "
                                 "gsub(\\\"t\\\"; \\\"T\\\")\"}}" WRITE,
                            NULL);
    ck_assert_msg(o.ok, "%s", o.err);
    ck_assert_ptr_nonnull(strstr(o.out, "TexT 999"));
    arena_release(&o.mem);
}
END_TEST

START_TEST(stages_that_hold_rows_back)
{
    static const char *const stages[] = {
        READ "{\"id\":\"g\",\"op\":\"aggregate\",\"by\":[\"k\"],\"measures\":{\"n\":\"count\","
             "\"a\":\"sum(.x)\",\"b\":\"mean(.x)\",\"c\":\"first(.s)\",\"d\":\"last(.s)\","
             "\"e\":\"stddev(.x)\",\"f\":\"distinct(.x)\",\"g\":\"quantile(.x; 0.3)\","
             "\"h\":\"approx_distinct(.s)\",\"i\":\"min(.s)\",\"j\":\"max(.n)\"}}" WRITE,
        READ "{\"id\":\"g\",\"op\":\"sort\",\"by\":[\"-k\",\"x\"]}" WRITE,
        READ "{\"id\":\"g\",\"op\":\"distinct\",\"by\":[\"k\"]}" WRITE,
        READ "{\"id\":\"b\",\"op\":\"read\",\"path\":\"in2.csv\"},{\"id\":\"c\",\"op\":\"rename\","
             "\"names\":{\"s\":\"s2\",\"x\":\"x2\",\"k\":\"k2\"}},{\"id\":\"g\",\"op\":\"join\","
             "\"inputs\":[\"a\",\"c\"],\"on\":[\"n\"],\"type\":\"left\"}" WRITE,
        READ
        "{\"id\":\"b\",\"op\":\"read\",\"path\":\"in2.csv\"},{\"id\":\"c\",\"op\":\"select\","
        "\"columns\":[\"k\"]},{\"id\":\"e\",\"op\":\"select\",\"input\":\"a\",\"columns\":["
        "\"k\",\"n\"]},{\"id\":\"g\",\"op\":\"join\",\"inputs\":[\"e\",\"c\"],\"on\":[\"k\"]},"
        "{\"id\":\"h\",\"op\":\"aggregate\",\"by\":[\"n\"],\"measures\":{\"m\":\"count\"}}" WRITE,
        READ "{\"id\":\"b\",\"op\":\"read\",\"path\":\"in2.csv\"},{\"id\":\"u\",\"op\":\"union\","
             "\"inputs\":[\"b\",\"a\"]},{\"id\":\"g\",\"op\":\"aggregate\",\"by\":[\"s\"],"
             "\"measures\":{\"m\":\"count\",\"f\":\"first(.n)\"}}" WRITE,
        /* both inputs of the union, and of the join, are of one source */
        READ "{\"id\":\"f\",\"op\":\"filter\",\"input\":\"a\",\"where\":\".n < 400\"},"
             "{\"id\":\"h\",\"op\":\"filter\",\"input\":\"a\",\"where\":\".n > 300\"},"
             "{\"id\":\"u\",\"op\":\"union\",\"inputs\":[\"h\",\"f\"]}" WRITE,
        READ "{\"id\":\"f\",\"op\":\"filter\",\"input\":\"a\",\"where\":\".n < 400\"},"
             "{\"id\":\"h\",\"op\":\"select\",\"input\":\"a\",\"columns\":[\"n\"]},"
             "{\"id\":\"u\",\"op\":\"join\",\"inputs\":[\"f\",\"h\"],\"on\":[\"n\"]}" WRITE,
        READ "{\"id\":\"d\",\"op\":\"command\",\"run\":\"cat\"}" WRITE,
    };
    for (size_t i = 0; i < ARRAY_LEN(stages); i++) {
        struct outcome o = same(good_rows, stages[i], NULL);
        ck_assert_msg(o.ok, "%zu: %s", i, o.err);
        ck_assert_uint_gt(strlen(o.out), 40);
        arena_release(&o.mem);
    }
}
END_TEST

START_TEST(rejects_of_readers_and_expressions_in_their_order)
{
    const char *stages =
        READ "{\"id\":\"f\",\"op\":\"filter\",\"where\":\".s != \\\"-1\\\"\"},"
             "{\"id\":\"d\",\"op\":\"derive\",\"set\":{\"y\":\"(.s | tonumber) + .n\"}}" WRITE;
    struct outcome o = same(bad_rows, stages, "");
    ck_assert_msg(o.ok, "%s", o.err);
    ck_assert_double_eq(o.rejected, 20 + 11);
    arena_release(&o.mem);
    o = same(bad_rows, stages, "12");
    ck_assert(!o.ok);
    ck_assert_ptr_nonnull(strstr(o.err, "13 records rejected"));
    ck_assert_ptr_null(o.out);
    arena_release(&o.mem);
    o = same(bad_rows, stages, "2%");
    ck_assert(!o.ok);
    arena_release(&o.mem);
    o = same(bad_rows, stages, NULL);
    ck_assert_str_eq(o.err, "/in.csv:19: 2 fields, expected 4 (header on line 1) (a bad record "
                            "ends the run; --reject FILE puts such records aside)");
    arena_release(&o.mem);
}
END_TEST

START_TEST(the_first_error_in_the_order_of_the_input_is_told)
{
    const char *stages =
        READ "{\"id\":\"d\",\"op\":\"derive\",\"set\":{\"y\":\"1 / (.n - 950)\"}}" WRITE;
    struct outcome o = same(ragged_in_the_third_piece, stages, NULL);
    ck_assert(!o.ok);
    ck_assert_ptr_nonnull(strstr(o.err, "in.csv:19: 1 field, expected 4"));
    arena_release(&o.mem);
    o = same(ragged_late, stages, NULL);
    ck_assert(!o.ok);
    ck_assert_ptr_nonnull(strstr(o.err, "in.csv:902: 1 field, expected 4"));
    arena_release(&o.mem);
    o = same(good_rows, stages, NULL);
    ck_assert(!o.ok);
    ck_assert_ptr_nonnull(strstr(o.err, "in.csv:952"));
    arena_release(&o.mem);
}
END_TEST

START_TEST(a_limit_ends_the_reading_before_the_bad_record)
{
    const char *stages = READ "{\"id\":\"l\",\"op\":\"limit\",\"count\":100}" WRITE;
    struct outcome o = same(ragged_late, stages, NULL);
    ck_assert_msg(o.ok, "%s", o.err);
    ck_assert_ptr_nonnull(strstr(o.out, ",99,14.9,text 99\n"));
    ck_assert_ptr_null(strstr(o.out, "text 100"));
    arena_release(&o.mem);
    o = same(ragged_in_the_third_piece, stages, NULL);
    ck_assert(!o.ok);
    arena_release(&o.mem);
    /* what does not go through the limit is read to the end */
    o = same(good_rows,
             READ
             "{\"id\":\"l\",\"op\":\"limit\",\"count\":10},{\"id\":\"w\",\"op\":\"write\","
             "\"path\":\"w.csv\"},{\"id\":\"g\",\"op\":\"aggregate\",\"input\":\"a\",\"by\":[],"
             "\"measures\":{\"n\":\"count\"}}" WRITE,
             NULL);
    ck_assert_str_eq(o.out, "n\n1000\n");
    arena_release(&o.mem);
}
END_TEST

START_TEST(packed_files_and_several)
{
    struct outcome o =
        same(packed_rows, READ "{\"id\":\"f\",\"op\":\"filter\",\"where\":\".n > 9\"}" WRITE, NULL);
    ck_assert_msg(o.ok, "%s", o.err);
    ck_assert_ptr_nonnull(strstr(o.out, "text 999\n"));
    arena_release(&o.mem);
    const char *both = "{\"id\":\"a\",\"op\":\"read\",\"paths\":[\"in.csv\",\"in2.csv\"]}" WRITE;
    o = same(good_rows, both, NULL);
    ck_assert_msg(o.ok, "%s", o.err);
    ck_assert_ptr_nonnull(strstr(o.out, "text 1499\n"));
    arena_release(&o.mem);
    o = same(broken_second_file, both, NULL);
    ck_assert(!o.ok);
    ck_assert_ptr_nonnull(strstr(o.err, "gzip data broken"));
    arena_release(&o.mem);
}
END_TEST

/* Three records of a piece are more than may wait for its turn. */
static void long_rows(struct engine_case *c)
{
    enum { LONG = 400000 };
    char path[512], *text = xmalloc(LONG + 1);
    memset(text, 'x', LONG);
    text[LONG] = '\0';
    snprintf(path, sizeof(path), "%s/in.csv", c->dir);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs("n,t\n", f);
    for (int i = 0; i < 60; i++)
        fprintf(f, "%d,%s\n", i, text);
    ck_assert_int_eq(fclose(f), 0);
    free(text);
}

START_TEST(pieces_with_much_to_deliver_wait_for_their_turn)
{
    static const char *const stages[] = {
        READ "{\"id\":\"l\",\"op\":\"limit\",\"count\":50},{\"id\":\"c\",\"op\":\"select\","
             "\"columns\":[\"n\"]}" WRITE,
        READ "{\"id\":\"d\",\"op\":\"derive\",\"set\":{\"m\":\"1 / (.n - 40)\"}},{\"id\":\"l\","
             "\"op\":\"limit\",\"count\":55},{\"id\":\"c\",\"op\":\"select\",\"columns\":["
             "\"n\",\"m\"]}" WRITE,
    };
    struct outcome one[2];
    for (size_t k = 0; k < 2; k++) {
        for (size_t i = 0; i < 2; i++)
            one[i] = run(long_rows, stages[k], i ? 4 : 1, 0, NULL);
        ck_assert_int_eq(one[0].ok, k == 0);
        ck_assert_int_eq(one[1].ok, k == 0);
        ck_assert_str_eq(one[0].err, one[1].err);
        same_text(one[0].out, one[1].out);
        ck_assert_double_eq(one[0].records_read, one[1].records_read);
        arena_release(&one[0].mem);
        arena_release(&one[1].mem);
    }
}
END_TEST

/* -- pipes -- */

struct pipe_job {
    char path[512];
};

static void *fill_pipe(void *arg)
{
    const struct pipe_job *j = arg;
    FILE *f = fopen(j->path, "w");
    if (!f)
        BUG("cannot open a pipe");
    fputs("k,n,x,s\n", f);
    for (int i = 0; i < 5000; i++) {
        fprintf(f, "%d,%d,%d.5,a\n", i % 3, i, i % 9);
        if (i % 700 == 0) /* in portions */
            fflush(f);
    }
    fclose(f);
    return NULL;
}

START_TEST(a_pipe)
{
    char *out[2];
    for (uint32_t i = 0; i < 2; i++) {
        struct engine_case c;
        struct pipe_job j;
        pthread_t thread;
        case_begin(&c);
        snprintf(j.path, sizeof(j.path), "%s/in.csv", c.dir);
        ck_assert_int_eq(mkfifo(j.path, 0600), 0);
        ck_assert_int_eq(pthread_create(&thread, NULL, fill_pipe, &j), 0);
        c.opts.lanes = i ? 3 : 1;
        c.opts.piece_rows = 50;
        ck_assert_msg(case_run(&c, "{\"id\":\"a\",\"op\":\"read\",\"path\":\"in.csv\",\"types\":{"
                                   "\"k\":\"integer\",\"n\":\"integer\",\"x\":\"float\","
                                   "\"s\":\"string\"}},{\"id\":\"f\",\"op\":\"filter\","
                                   "\"where\":\".n > 9\"}" WRITE),
                      "%s", c.err.text);
        pthread_join(thread, NULL);
        out[i] = xstrdup(case_text(&c, "out.csv"));
        case_end(&c);
    }
    ck_assert_str_eq(out[0], out[1]);
    ck_assert_ptr_nonnull(strstr(out[1], "1,4999,4.5,a\n"));
    free(out[0]);
    free(out[1]);
}
END_TEST

/* -- figures -- */

START_TEST(the_planner_knows_what_works_in_lanes)
{
    for (int kind = 0; kind < OP_COUNT; kind++)
        ck_assert_msg(engine_in_lanes((enum op)kind) == lanes_reach((enum op)kind), "%s",
                      op_name((enum op)kind));
}
END_TEST

START_TEST(figures_count_the_work_of_all_lanes)
{
    struct engine_case c;
    case_begin(&c);
    good_rows(&c);
    c.opts.lanes = 4;
    c.opts.piece_rows = 10;
    ck_assert_msg(
        case_run(&c, READ "{\"id\":\"f\",\"op\":\"filter\",\"where\":\".n >= 250\"}" WRITE), "%s",
        c.err.text);
    for (uint32_t i = 0; i < c.p.nstages; i++) {
        const struct rec_stage_figures *f = &c.result.stages[i].used;
        ck_assert_double_eq(f->records_in.p50, i == 2 ? 750 : 1000);
        ck_assert_double_eq(f->records_out.p50, i == 0 ? 1000 : 750);
        ck_assert_double_gt(f->wall_s.p50, 0);
        ck_assert_double_gt(f->cpu_s.p50, 0);
        ck_assert_double_gt(f->bytes_out.p50, 1000);
    }
    case_end(&c);
}
END_TEST

UNIT_MAIN("engine_lanes", stages_that_take_one_record_at_a_time, expressions_of_libjq,
          stages_that_hold_rows_back, rejects_of_readers_and_expressions_in_their_order,
          the_first_error_in_the_order_of_the_input_is_told,
          a_limit_ends_the_reading_before_the_bad_record, packed_files_and_several,
          pieces_with_much_to_deliver_wait_for_their_turn, a_pipe,
          the_planner_knows_what_works_in_lanes, figures_count_the_work_of_all_lanes)
