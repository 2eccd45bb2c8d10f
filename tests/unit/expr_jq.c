/* SPDX-License-Identifier: GPL-3.0-or-later */
/* json/jq.h: programs that run, what they give, what is refused. */
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "json/jq.h"
#include "tests/unit/suite.h"

struct run {
    struct buf out;
    struct err err;
    size_t n;
    bool ok;
};

static void run(struct run *r, const char *program, const char *input)
{
    *r = (struct run){BUF_INIT(BUF_UNBOUNDED), ERR_INIT, 0, false};
    struct jq_program *p = jq_program_new(program, &r->err);
    ck_assert_msg(p != NULL, "%s: %s", program, r->err.text);
    r->ok = jq_program_run(p, slice_str(input), &r->out, &r->n, &r->err);
    jq_program_free(p);
}

static const struct {
    const char *program, *input, *out;
    size_t n;
} gives[] = {
    {".a + 1", "{\"a\":2}", "3", 1},
    {".", "{\"b\":[1.50,null,true,false,\"\\u00e9\\n\"],\"a\":{}}",
     "{\"b\":[1.5,null,true,false,\"\xc3\xa9\\n\"],\"a\":{}}", 1},
    {"1.1 + 2.2", "null", "3.3000000000000003", 1},
    {"1e1000", "null", "1.7976931348623157e+308", 1},
    {"nan", "null", "null", 1},
    {"empty", "null", "", 0},
    {"1, 2, 3", "null", "1", 2},
    {"range(1e12)", "null", "0", 2},
    {"{env: 1, now: 2} | .env + .now", "null", "3", 1},
    {"{env, a: 1} | .env", "{\"env\":7}", "7", 1},
    {"\"env \\(1 + 1) now\" # input", "null", "\"env 2 now\"", 1},
    {".now.input", "{\"now\":{\"input\":5}}", "5", 1},
    {"@json \"x\\(.)\"", "[1]", "\"x[1]\"", 1},
    /* what aborts libjq 1.6 without the definitions in front */
    {".a % .b", "{\"a\":-9223372036854775808,\"b\":-1}", "0", 1},
    {"[(7, 8) % (3, 5)]", "null", "[1,2,2,3]", 1},
    {".[0] * 3", "[\"ab\"]", "\"ababab\"", 1},
    {".[0] * .[1]", "[6,7]", "42", 1},
    {"[.[] | ltrimstr(\"a\") | rtrimstr((\"a\", null))]", "[\"aba\",7]", "[\"b\",\"ba\",7,7]", 1},
    {"todate", "1425599621.678", "\"2015-03-05T23:53:41Z\"", 1},
    {"strftime(\"%Y\")", "[2015,2,5,23,51,47,4,63]", "\"2015\"", 1},
};

START_TEST(a_program_gives_what_jq_gives)
{
    struct run r;
    run(&r, gives[_i].program, gives[_i].input);
    ck_assert_msg(r.ok, "%s: %s", gives[_i].program, r.err.text);
    ck_assert_uint_eq(r.n, gives[_i].n);
    if (gives[_i].n > 0)
        ck_assert_str_eq(buf_str(&r.out), gives[_i].out);
    buf_release(&r.out);
}
END_TEST

static const struct {
    const char *program, *input, *says;
} fails[] = {
    {".a * null", "{\"a\":2}", "number (2) and null (null) cannot be multiplied"},
    {"error(\"a\\nb\")", "1", "a b"},
    {"error({a: 1})", "1", "{\"a\":1}"},
    {".", "{\"a\":", "Unfinished JSON term"},
    {".", "", "Expected JSON value"},
    {".", "1 2", "Unexpected extra JSON values"},
    {"todate", "1e20", "is no date"},
    {"todate", "-1e300", "is no date"},
    {"nan | todate", "1", "is no date"},
    {"\"ab\" * .", "1e9", "more than 16 MiB"},
    {". * \"ab\"", "1e9", "more than 16 MiB"},
    {"reduce range(5000) as $i (0; [.])", "1", "nests deeper than"},
};

START_TEST(a_failing_program_says_why_on_one_line)
{
    struct run r;
    run(&r, fails[_i].program, fails[_i].input);
    ck_assert_msg(!r.ok, "%s", fails[_i].program);
    ck_assert_int_eq(r.err.kind, ERR_DATA);
    ck_assert_msg(strstr(r.err.text, fails[_i].says) != NULL, "%s", r.err.text);
    ck_assert_ptr_eq(strchr(r.err.text, '\n'), NULL);
    buf_release(&r.out);
}
END_TEST

static const struct {
    const char *program, *says;
} refuses[] = {
    {".a ^^ 1", "syntax error, unexpected character"},
    {"nosuch", "nosuch/0 is not defined"},
    {"", ""},
    {"env.HOME", "'env' is not available"},
    {"$ENV.HOME", "'$ENV' is not available"},
    {"[1, env]", "'env'"},
    {"{a: (env)}", "'env'"},
    {"\"\\(env)\"", "'env'"},
    {"\"\\(\"\\(input)\")\"", "'input'"},
    {".[now:]", "'now'"},
    {"{\"a\": {b: 1}, c: .d[env]}", "'env'"},
    {"include \"x\"; .", "'include'"},
    {"import \"x\" as x; .", "'import'"},
    {". | debug", "'debug'"},
    {"halt", "'halt'"},
    {"..|env", "'env'"},
    {"input_filename", "'input_filename'"},
};

START_TEST(what_looks_beyond_the_record_is_refused_when_compiled)
{
    struct err err = ERR_INIT;
    struct jq_program *p = jq_program_new(refuses[_i].program, &err);
    if (!refuses[_i].says[0]) { /* the empty program is the identity */
        ck_assert_ptr_ne(p, NULL);
        jq_program_free(p);
        return;
    }
    ck_assert_msg(p == NULL, "%s", refuses[_i].program);
    ck_assert_int_eq(err.kind, ERR_DATA);
    ck_assert_msg(strstr(err.text, refuses[_i].says) != NULL, "%s: %s", refuses[_i].program,
                  err.text);
}
END_TEST

START_TEST(a_home_file_with_definitions_is_not_read)
{
    char *home = xasprintf("%s/jq.XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    ck_assert_ptr_ne(mkdtemp(home), NULL);
    char *rc = xasprintf("%s/.jq", home);
    FILE *f = fopen(rc, "w");
    ck_assert_ptr_ne(f, NULL);
    fputs("def length: 42;\n", f);
    fclose(f);
    setenv("HOME", home, 1);
    struct run r;
    run(&r, "length", "\"abc\"");
    ck_assert_str_eq(buf_str(&r.out), "3");
    ck_assert_str_eq(getenv("HOME"), home);
    buf_release(&r.out);
    unlink(rc);
    rmdir(home);
    free(rc);
    free(home);
}
END_TEST

START_TEST(a_program_can_be_run_again_after_an_error_and_after_many_results)
{
    struct err err = ERR_INIT;
    struct buf out = BUF_INIT(BUF_UNBOUNDED);
    struct jq_program *p = jq_program_new(".[] | 1 / .", &err);
    size_t n;
    ck_assert_ptr_ne(p, NULL);
    for (int i = 0; i < 3; i++) {
        ck_assert(!jq_program_run(p, SLICE_LIT("[0]"), &out, &n, &err));
        ck_assert(jq_program_run(p, SLICE_LIT("[1,2,3]"), &out, &n, &err));
        ck_assert_uint_eq(n, 2);
        ck_assert(jq_program_run(p, SLICE_LIT("[4]"), &out, &n, &err));
        ck_assert_str_eq(buf_str(&out), "0.25");
        ck_assert(jq_program_run(p, SLICE_LIT("[]"), &out, &n, &err));
        ck_assert_uint_eq(n, 0);
    }
    jq_program_free(p);
    buf_release(&out);
}
END_TEST

static void *count(void *ctx)
{
    struct run r;
    run(&r, "[range(1000)] | add", "null");
    *(bool *)ctx = r.ok && strcmp(buf_str(&r.out), "499500") == 0;
    buf_release(&r.out);
    return NULL;
}

START_TEST(threads_have_programs_of_their_own)
{
    pthread_t t[4];
    bool ok[4] = {false};
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&t[i], NULL, count, &ok[i]), 0);
    for (int i = 0; i < 4; i++) {
        pthread_join(t[i], NULL);
        ck_assert(ok[i]);
    }
}
END_TEST

START_TEST(a_result_beyond_the_buffers_maximum_is_an_error)
{
    struct err err = ERR_INIT;
    struct buf out = BUF_INIT(10);
    struct jq_program *p = jq_program_new("\"0123456789abcdef\"", &err);
    size_t n;
    ck_assert_ptr_ne(p, NULL);
    ck_assert(!jq_program_run(p, SLICE_LIT("1"), &out, &n, &err));
    ck_assert(strstr(err.text, "larger than") != NULL);
    jq_program_free(p);
    buf_release(&out);
}
END_TEST

UNIT_MAIN_WITH("jq", NULL, NULL, {a_program_gives_what_jq_gives, ARRAY_LEN(gives)},
               {a_failing_program_says_why_on_one_line, ARRAY_LEN(fails)},
               {what_looks_beyond_the_record_is_refused_when_compiled, ARRAY_LEN(refuses)},
               {a_home_file_with_definitions_is_not_read, 0},
               {a_program_can_be_run_again_after_an_error_and_after_many_results, 0},
               {threads_have_programs_of_their_own, 0},
               {a_result_beyond_the_buffers_maximum_is_an_error, 0})
