/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pipeline/expr.h: what expressions give, what is refused before anything runs, what rejects a
 * record. Each sentence of contracts.md section 3 on expressions is a case here.
 */

#include "base/buf.h"
#include "expr_rows.h"
#include "pipeline/expr.h"
#include "tests/unit/suite.h"

static char n_i[] = "i", n_x[] = "x", n_b[] = "b", n_d[] = "d", n_s[] = "s", n_j[] = "j",
            n_q[] = "a b", n_k[] = "key", n_e[] = "none";
static struct field fields[] = {
    {n_i, TYPE_INTEGER, true},  {n_x, TYPE_FLOAT, true},   {n_b, TYPE_BOOLEAN, true},
    {n_d, TYPE_DATE, true},     {n_s, TYPE_STRING, true},  {n_j, TYPE_JSON, true},
    {n_q, TYPE_INTEGER, false}, {n_k, TYPE_STRING, false}, {n_e, TYPE_NONE, true},
};
static const struct schema schema = {fields, ARRAY_LEN(fields)};
/* Row 0 ordinary, row 1 null, row 2 negative, row 3 at the edges. */
static const char *const cells[] = {
    "1",
    "2.50",
    "true",
    "2026-11-20",
    "h\xc3\xa9llo",
    "{\"a\":[1,2]}",
    "1",
    "k1",
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    NULL,
    "2",
    "k2",
    NULL,
    "-7",
    "0",
    "false",
    "2020-01-01",
    "Abc 12",
    "\"t\"",
    "3",
    "k3",
    NULL,
    "9007199254740993",
    "1e300",
    "true",
    "1999-12-31",
    "",
    "[]",
    "4",
    "k4",
    NULL,
};
#define ROWS 4

/* What a row gives: its text, NULL for null, FAILS for a failure. */
#define FAILS "\1"

static struct arena mem;
static struct expr *expr;
static struct err err;

static void setup(void)
{
    arena_init(&mem, NULL);
    expr = NULL;
    err_clear(&err);
}

static void teardown(void)
{
    expr_release(expr);
    arena_release(&mem);
}

static const struct {
    const char *source, *engine;
    enum type type;
    const char *row[ROWS];
} gives[] = {
    /* values that no expression computed keep type and text */
    {".i", "vector", TYPE_INTEGER, {"1", NULL, "-7", "9007199254740993"}},
    {".x", "vector", TYPE_FLOAT, {"2.50", NULL, "0", "1e300"}},
    {".[\"a b\"]", "vector", TYPE_INTEGER, {"1", "2", "3", "4"}},
    {".\"a b\"", "vector", TYPE_INTEGER, {"1", "2", "3", "4"}},
    {".d", "vector", TYPE_DATE, {"2026-11-20", NULL, "2020-01-01", "1999-12-31"}},
    {".j", "vector", TYPE_JSON, {"{\"a\":[1,2]}", NULL, "\"t\"", "[]"}},
    {".none", "vector", TYPE_NONE, {NULL, NULL, NULL, NULL}},
    {"(.b) # a comment", "vector", TYPE_BOOLEAN, {"true", NULL, "false", "true"}},
    /* computed numbers: the shortest form, no point when integral */
    {".x + 0.5", "vector", TYPE_FLOAT, {"3", "0.5", "0.5", "1e+300"}},
    {".[\"a b\"] / 10", "vector", TYPE_FLOAT, {"0.1", "0.2", "0.3", "0.4"}},
    {"1 + 2 * 3 - 4 / 2", "vector", TYPE_FLOAT, {"5", "5", "5", "5"}},
    {"-.[\"a b\"] * 2", "vector", TYPE_FLOAT, {"-2", "-4", "-6", "-8"}},
    {".x * 1e300", "vector", TYPE_FLOAT, {"2.5e+300", FAILS, "0", "1.7976931348623157e+308"}},
    /* null: null + x is x, null < x, null is an error elsewhere */
    {".i + 1", "vector", TYPE_FLOAT, {"2", "1", "-6", "9007199254740992"}},
    {".i + .x", "vector", TYPE_FLOAT, {"3.5", NULL, "-7", "1e+300"}},
    {".i + null", "vector", TYPE_INTEGER, {"1", NULL, "-7", "9007199254740993"}},
    {".i - 1", "vector", TYPE_FLOAT, {"0", FAILS, "-8", "9007199254740991"}},
    {".i < 5", "vector", TYPE_BOOLEAN, {"true", "true", "true", "false"}},
    {".i == null", "vector", TYPE_BOOLEAN, {"false", "true", "false", "false"}},
    {".i != null and .i < 5", "vector", TYPE_BOOLEAN, {"true", "false", "true", "false"}},
    {".i >= .x", "vector", TYPE_BOOLEAN, {"false", "true", "false", "false"}},
    /* division and remainder */
    {".i / .x", "vector", TYPE_FLOAT, {"0.4", FAILS, FAILS, "9.007199254740992e-285"}},
    {".i % 4", "vector", TYPE_FLOAT, {"1", FAILS, "-3", "0"}},
    {"5 % (.x // 2)", "vector", TYPE_FLOAT, {"1", "1", FAILS, "5"}},
    /* integers compare exactly */
    {".i == 9007199254740993", "vector", TYPE_BOOLEAN, {"false", "false", "false", "true"}},
    {".i == 9007199254740992", "vector", TYPE_BOOLEAN, {"false", "false", "false", "false"}},
    {".i > 9007199254740992.0", "vector", TYPE_BOOLEAN, {"false", "false", "false", "true"}},
    {".i < 1.5", "vector", TYPE_BOOLEAN, {"true", "true", "true", "false"}},
    {".i // 0", "vector", TYPE_INTEGER, {"1", "0", "-7", "9007199254740993"}},
    {"if .b then .i else null end", "vector", TYPE_INTEGER, {"1", NULL, NULL, "9007199254740993"}},
    /* a date is its text */
    {".d < \"2020-06-01\"", "vector", TYPE_BOOLEAN, {"false", "true", "true", "true"}},
    {".d[0:4]", "vector", TYPE_STRING, {"2026", NULL, "2020", "1999"}},
    {".d // \"never\"", "vector", TYPE_STRING, {"2026-11-20", "never", "2020-01-01", "1999-12-31"}},
    {".d + \"T00:00:00Z\" | fromdate",
     "vector",
     TYPE_FLOAT,
     {"1795132800", FAILS, "1577836800", "946598400"}},
    {".i * 86400 | todate",
     "vector",
     TYPE_STRING,
     {"1970-01-02T00:00:00Z", FAILS, "1969-12-25T00:00:00Z", FAILS}},
    /* truth: only false and null are not */
    {".b and .s", "vector", TYPE_BOOLEAN, {"true", "false", "false", "true"}},
    {".x or .b", "vector", TYPE_BOOLEAN, {"true", "false", "true", "true"}},
    {".b | not", "vector", TYPE_BOOLEAN, {"false", "true", "true", "false"}},
    {".b // \"no\"", "libjq", TYPE_JSON, {"true", "\"no\"", "\"no\"", "true"}},
    {".b // null", "vector", TYPE_BOOLEAN, {"true", NULL, NULL, "true"}},
    /* what decides is not followed by errors of what does not */
    {".i != null and .i * 2 < 0", "vector", TYPE_BOOLEAN, {"false", "false", "true", "false"}},
    {".i == null or .i * 2 < 0", "vector", TYPE_BOOLEAN, {"false", "true", "true", "false"}},
    {"if .x == 0 then 0 else .i / .x end",
     "vector",
     TYPE_FLOAT,
     {"0.4", FAILS, "0", "9.007199254740992e-285"}},
    {"if .i == null then \"none\" elif .i < 0 then \"neg\" else \"pos\" end",
     "vector",
     TYPE_STRING,
     {"pos", "none", "neg", "pos"}},
    /* strings */
    {".s | length", "vector", TYPE_FLOAT, {"5", "0", "6", "0"}},
    {".s | utf8bytelength", "vector", TYPE_FLOAT, {"6", FAILS, "6", "0"}},
    {".s[1:3]", "vector", TYPE_STRING, {"\xc3\xa9l", NULL, "bc", ""}},
    {".s[-2:]", "vector", TYPE_STRING, {"lo", NULL, "12", ""}},
    {".s | ascii_upcase", "vector", TYPE_STRING, {"H\xc3\xa9LLO", FAILS, "ABC 12", ""}},
    {".s | startswith(\"Abc\")", "vector", TYPE_BOOLEAN, {"false", FAILS, "true", "false"}},
    {".s | endswith(\"o\")", "vector", TYPE_BOOLEAN, {"true", FAILS, "false", "false"}},
    {".s | contains(\"l\")", "vector", TYPE_BOOLEAN, {"true", FAILS, "false", "false"}},
    {".s | ltrimstr(\"Abc \") | rtrimstr(\"2\")",
     "vector",
     TYPE_STRING,
     {"h\xc3\xa9llo", NULL, "1", ""}},
    {".s + \"-\" + .key", "vector", TYPE_STRING, {"h\xc3\xa9llo-k1", "-k2", "Abc 12-k3", "-k4"}},
    {"\"\\(.i):\\(.b) \\(.key)\\n\"",
     "vector",
     TYPE_STRING,
     {"1:true k1\n", "null:null k2\n", "-7:false k3\n", "9007199254740993:true k4\n"}},
    {".s | test(\"^[a-z\xc3\xa9]+$\")", "vector", TYPE_BOOLEAN, {"true", FAILS, "false", "false"}},
    {".s | test(\"\\\\d\\\\d$\")", "vector", TYPE_BOOLEAN, {"false", FAILS, "true", "false"}},
    {".s | test(\"ABC\"; \"i\")", "vector", TYPE_BOOLEAN, {"false", FAILS, "true", "false"}},
    {".s | split(\" \") | .[1] // \"-\"", "vector", TYPE_STRING, {"-", FAILS, "12", "-"}},
    {".s | split(\" \")[-1]", "vector", TYPE_STRING, {"h\xc3\xa9llo", FAILS, "12", NULL}},
    {".d[0:4] | tonumber + 1", "vector", TYPE_FLOAT, {"2027", FAILS, "2021", "2000"}},
    {".s | tonumber", "vector", TYPE_FLOAT, {FAILS, FAILS, FAILS, FAILS}},
    {".x + (.s | tonumber | null)", "vector", TYPE_FLOAT, {FAILS, FAILS, FAILS, FAILS}},
    {"null[(.s | tonumber):]", "libjq", TYPE_JSON, {FAILS, FAILS, FAILS, FAILS}},
    {".x | tostring", "vector", TYPE_STRING, {"2.5", "null", "0", "1e+300"}},
    {".key | IN(\"k1\", \"k4\")", "vector", TYPE_BOOLEAN, {"true", "false", "false", "true"}},
    {".i | type", "vector", TYPE_STRING, {"number", "null", "number", "number"}},
    {".x | floor", "vector", TYPE_FLOAT, {"2", FAILS, "0", "1e+300"}},
    {".x as $v | $v * $v", "vector", TYPE_FLOAT, {"6.25", FAILS, "0", "1.7976931348623157e+308"}},
    {"pow(.[\"a b\"]; 2)", "vector", TYPE_FLOAT, {"1", "4", "9", "16"}},
    /* a column in which no value was seen is no reason for an error */
    {".none + 1", "libjq", TYPE_JSON, {"1", "1", "1", "1"}},
    {".i + .none", "libjq", TYPE_JSON, {"1", NULL, "-7", "9007199254740992"}},
    {".none > 5", "vector", TYPE_BOOLEAN, {"false", "false", "false", "false"}},
    {".none | IN(1, 2)", "vector", TYPE_BOOLEAN, {"false", "false", "false", "false"}},
    {".none | length", "vector", TYPE_FLOAT, {"0", "0", "0", "0"}},
    /* what only libjq can do; the type where the text tells it */
    {".s | gsub(\"l\"; \"L\")", "libjq", TYPE_STRING, {"h\xc3\xa9LLo", FAILS, "Abc 12", ""}},
    {".j.a", "libjq", TYPE_JSON, {"[1,2]", NULL, FAILS, FAILS}},
    {".j | length == 1", "libjq", TYPE_BOOLEAN, {"true", "false", "true", "false"}},
    {"[.i, .x] | add * 2", "libjq", TYPE_JSON, {"7", FAILS, "-14", "2e+300"}},
    {"[.i, .x] | length", "libjq", TYPE_FLOAT, {"2", "2", "2", "2"}},
    {"{key, i} | tojson",
     "libjq",
     TYPE_STRING,
     {"{\"key\":\"k1\",\"i\":1}", "{\"key\":\"k2\",\"i\":null}", "{\"key\":\"k3\",\"i\":-7}",
      "{\"key\":\"k4\",\"i\":9007199254740992}"}},
    {"def twice: . * 2; .x | twice", "libjq", TYPE_JSON, {"5", FAILS, "0", "2e+300"}},
    {".s * 2",
     "libjq",
     TYPE_JSON,
     {"\"h\xc3\xa9lloh\xc3\xa9llo\"", FAILS, "\"Abc 12Abc 12\"", "\"\""}},
    /* no value, several values */
    {"empty", "libjq", TYPE_JSON, {FAILS, FAILS, FAILS, FAILS}},
    {".i, .x", "libjq", TYPE_JSON, {FAILS, FAILS, FAILS, FAILS}},
    {"select(.b) | .key", "libjq", TYPE_JSON, {"\"k1\"", FAILS, FAILS, "\"k4\""}},
};

static void new_or_die(const char *source)
{
    ck_assert_msg(expr_new(&mem, source, &schema, &expr, &err), "%s: %s", source, err.text);
}

START_TEST(an_expression_gives_what_jq_gives)
{
    struct buf tmp = BUF_INIT(BUF_UNBOUNDED);
    struct expr_result res;
    const char *source = gives[_i].source;
    new_or_die(source);
    ck_assert_str_eq(expr_engine(expr), gives[_i].engine);
    ck_assert_msg(expr_type(expr) == gives[_i].type, "%s is %s", source,
                  type_name(expr_type(expr)));
    struct batch *b = rows_batch(&schema, cells, ROWS, 1);
    uint32_t fails = 0;
    for (int again = 0; again < 2; again++) { /* vectors are used again */
        ck_assert_msg(expr_eval(expr, b, b, schema.n, &res, &err), "%s", err.text);
        fails = 0;
        for (uint32_t r = 0; r < ROWS; r++) {
            const char *want = gives[_i].row[r];
            bool failed = (res.failed[0] >> r) & 1, valid = column_valid(&b->cols[schema.n], r);
            struct slice got = valid ? column_text(&b->cols[schema.n], r, &tmp) : SLICE_LIT("null");
            if (failed)
                got = slice_str(res.reason[r]);
            bool ok = want && strcmp(want, FAILS) == 0 ? failed
                      : want                           ? valid && !failed && slice_is(got, want)
                                                       : !valid && !failed;
            ck_assert_msg(ok, "%s: row %u gives %.*s", source, r, (int)got.len, got.p);
            fails += failed;
        }
        ck_assert_uint_eq(res.nfailed, fails);
    }
    uint64_t keep[BATCH_WORDS];
    ck_assert_msg(expr_test(expr, b, keep, &res, &err), "%s", err.text);
    for (uint32_t r = 0; r < ROWS; r++) {
        const char *want = gives[_i].row[r];
        bool yes = want && strcmp(want, FAILS) != 0 && strcmp(want, "false") != 0;
        ck_assert_msg(((keep[0] >> r) & 1) == yes, "%s: row %u is kept wrongly", source, r);
    }
    ck_assert_uint_eq(res.nfailed, fails);
    batch_unref(b);
    buf_release(&tmp);
}
END_TEST

static const struct {
    const char *source, *says;
} refuses[] = {
    {".kei", "character 1: unknown column 'kei': did you mean 'key'?"},
    {".s == .amount", "character 7: unknown column 'amount': the input has i, x, b, d, s, j"},
    {"[.i, .kei] | add", "character 6: unknown column 'kei'"},
    {".i == \"1\"", "column 'i' (integer) is compared with a string"},
    {"\"1\" == .x", "column 'x' (float) is compared with a string"},
    {".s > 5", "column 's' (string) is compared with a number"},
    {".s > -5", "column 's' (string) is compared with a number"},
    {".b == 1", "column 'b' (boolean) is compared with a number"},
    {".d < 20260101", "column 'd' (date) is compared with a number"},
    {".s == true", "column 's' (string) is compared with a boolean"},
    {"(.j | length) > 1 and .i == \"x\"", "column 'i' (integer) is compared with a string"},
    {".i | IN(\"1\", \"2\")", "column 'i' is a number and never equals a string"},
    {".i + .s", "a number and a string cannot be added: convert with tostring or tonumber"},
    {".b * 2", "a boolean and a number cannot be multiplied"},
    {".s - 1", "a string and a number cannot be subtracted"},
    {".i * null", "a number and a null cannot be multiplied"},
    {"-.s", "a string cannot be negated"},
    {".x | ascii_downcase", "ascii_downcase does not take a number (column 'x'): use tostring"},
    {".s | floor", "floor does not take a string (column 's'): use tonumber"},
    {".i | test(\"x\")", "test does not take a number"},
    {".i | startswith(\"x\")", "startswith does not take a number"},
    {".s | test(\"(\")", "end pattern with unmatched parenthesis"},
    {".s | test(\"a\"; \"q\")", "q is not a valid modifier string"},
    {".i | .s", "'.s' is asked of a number, the value before '|', not of the record"},
    {".i ^^ 2", "character 4: syntax error"},
    {"(.i", "character 4: syntax error, unexpected end of text"},
    {"if .b then 1 end", "character 14: syntax error, unexpected end"},
    {".i == == 1", "character 7: syntax error"},
    {"1 / 0", "Division by zero"},
    {"nosuch(.i)", "character 1: nosuch/1 is not defined"},
    {".i | now", "character 6: 'now' is not available: an expression sees one record only"},
    {"$ENV.HOME", "'$ENV' is not available"},
    {"def f: env; f", "'env' is not available"},
};

START_TEST(what_cannot_work_is_refused_before_anything_runs)
{
    bool ok = expr_new(&mem, refuses[_i].source, &schema, &expr, &err);
    ck_assert_msg(!ok, "%s", refuses[_i].source);
    ck_assert_ptr_eq(expr, NULL);
    ck_assert_int_eq(err.kind, ERR_DATA);
    ck_assert_msg(strstr(err.text, refuses[_i].says) != NULL, "%s: %s", refuses[_i].source,
                  err.text);
}
END_TEST

static const struct {
    const char *source, *warns;
} warnings[] = {
    {".i < 5", "column 'i' may be null"},
    {".i <= 5", "column 'i' may be null"},
    {"5 > .i", "column 'i' may be null"},
    {".i > 5", NULL},
    {"5 < .i", NULL},
    {".[\"a b\"] < 5", NULL},
    {".i == 5", NULL},
    {"(.s | length) == \"5\"", "a number is compared with a string"},
    {".i | ltrimstr(\"1\")", "ltrimstr of a number"},
};

START_TEST(a_nullable_column_under_less_is_warned_of)
{
    new_or_die(warnings[_i].source);
    const char *w = expr_warning(expr), *want = warnings[_i].warns;
    if (want)
        ck_assert_msg(w && strstr(w, want), "%s: %s", warnings[_i].source, w ? w : "no warning");
    else
        ck_assert_msg(!w, "%s: %s", warnings[_i].source, w);
}
END_TEST

static const struct {
    const char *source, *reads;
} reads[] = {
    {".i + .x", "ix"},
    {".x + .i * .x", "ix"},
    {"1", ""},
    {"if .b then .s else .key end", "bsk"},
    {".j.a[0]", "j"},
    {"[.i, .x] | add", "ix"},
    {".j | map(.x) | add", "j"},
    {"{key, n: .i}", "ik"},
    {".i as $v | .j.a + $v", "ij"},
    {"keys", "ixbdsjakn"},
    {".", "ixbdsjakn"},
    {".[\"a\" + \"b\"]", "ixbdsjakn"},
    {"def f: .i; f", "ixbdsjakn"},
    {"[..] | length", "ixbdsjakn"},
    {"select(.i > 1) | .s", "ixbdsjakn"},
};

START_TEST(the_columns_that_are_read_are_known)
{
    char got[32] = "";
    uint32_t n;
    new_or_die(reads[_i].source);
    const uint32_t *r = expr_reads(expr, &n);
    for (uint32_t k = 0; k < n; k++)
        got[k] = schema.fields[r[k]].name[0];
    ck_assert_msg(strcmp(got, reads[_i].reads) == 0, "%s: %s", reads[_i].source, got);
}
END_TEST

START_TEST(a_string_result_outlives_the_next_evaluation)
{
    struct expr_result res;
    struct buf tmp = BUF_INIT(64);
    new_or_die("(.key + \"!\") | if startswith(\"k\") then ascii_upcase else . end");
    struct batch *b = rows_batch(&schema, cells, ROWS, 2);
    ck_assert(expr_eval(expr, b, b, schema.n, &res, &err));
    ck_assert(expr_eval(expr, b, b, schema.n + 1, &res, &err));
    ck_assert(slice_is(column_text(&b->cols[schema.n], 3, &tmp), "K4!"));
    ck_assert(slice_is(column_text(&b->cols[schema.n + 1], 0, &tmp), "K1!"));
    buf_release(&tmp);
    batch_unref(b);
}
END_TEST

START_TEST(batches_of_any_size_are_taken)
{
    static const uint32_t sizes[] = {1, 63, 64, 65, 2047, 2048, 5};
    struct expr_result res;
    uint64_t keep[BATCH_WORDS];
    struct field f = {n_i, TYPE_INTEGER, false};
    struct schema one = {&f, 1};
    ck_assert(expr_new(&mem, ".i % 3 == 0 or 10 / (.i - 7) > 100", &one, &expr, &err));
    for (size_t k = 0; k < ARRAY_LEN(sizes); k++) {
        struct batch *b = batch_new(1, NULL);
        b->rows = sizes[k];
        column_alloc(b, 0, TYPE_INTEGER, false);
        for (uint32_t i = 0; i < b->rows; i++) {
            b->cols[0].v.i64[i] = i;
            column_set_valid(&b->cols[0], i);
        }
        ck_assert(expr_test(expr, b, keep, &res, &err));
        for (uint32_t i = 0; i < BATCH_ROWS; i++)
            ck_assert_msg(((keep[i / 64] >> (i % 64)) & 1) == (i < sizes[k] && i % 3 == 0),
                          "%u of %u", i, sizes[k]);
        ck_assert_uint_eq(res.nfailed, sizes[k] > 7);
        batch_unref(b);
    }
}
END_TEST

START_TEST(a_column_without_a_value_may_turn_out_to_be_anything)
{
    /* made for one type of column, run on another: what does not fit fails, row by row */
    static const char *const texts[] = {"5", NULL, "x", "true", "2.5"};
    static const struct {
        enum type made_for;
        const char *source;
        uint64_t fails, keeps;
    } cases[] = {
        {TYPE_FLOAT, ".v > 1", 0xc, 0x11},
        {TYPE_INTEGER, ".v == 5 or .v == null", 0x1c, 0x3},
        {TYPE_BOOLEAN, ".v", 0x0, 0x1d},
        {TYPE_BOOLEAN, ".v == true", 0x15, 0x8},
        {TYPE_STRING, ".v | startswith(\"x\")", 0x2, 0x4},
    };
    static char name[] = "v";
    for (size_t k = 0; k < ARRAY_LEN(cases); k++) {
        struct field f = {name, cases[k].made_for, true};
        struct schema one = {&f, 1};
        struct expr_result res;
        uint64_t keep[BATCH_WORDS];
        ck_assert_msg(expr_new(&mem, cases[k].source, &one, &expr, &err), "%s", err.text);
        f.type = TYPE_NONE;
        struct batch *b = rows_batch(&one, texts, 5, 0);
        ck_assert(expr_test(expr, b, keep, &res, &err));
        ck_assert_msg(res.failed[0] == cases[k].fails && keep[0] == cases[k].keeps, "%s: %llx %llx",
                      cases[k].source, (unsigned long long)res.failed[0],
                      (unsigned long long)keep[0]);
        batch_unref(b);
        expr_release(expr);
        expr = NULL;
    }
}
END_TEST

START_TEST(hostile_sources_end_in_an_error_or_run)
{
    struct buf s = BUF_INIT(BUF_UNBOUNDED);
    static const struct {
        const char *head, *repeat, *tail;
        int n;
    } shapes[] = {
        {"", "(", "", 100000},
        {"", "(", "1", 400},
        {"1", "+1", "", 20000},
        {"", "-", "1", 20000},
        {"1", "|1", "", 5000},
        {".s", "[0:]", "", 3000},
        {"", "[", "", 3000},
        {"\"", "\\(\"", "", 3000},
        {"1", ",1", "", 20000},
        {"", "if 1 then ", "", 2000},
        {".i", " as $x | .i", "", 500},
        {"", "not|", "1", 3000},
        {"", "{a:", "", 2000},
        {"null", "//null", "", 20000},
        {".", "[", "", 1000},
    };
    for (size_t k = 0; k < ARRAY_LEN(shapes); k++) {
        buf_clear(&s);
        buf_adds(&s, shapes[k].head);
        for (int i = 0; i < shapes[k].n; i++)
            buf_adds(&s, shapes[k].repeat);
        buf_adds(&s, shapes[k].tail);
        if (expr_new(&mem, buf_str(&s), &schema, &expr, &err))
            expr_release(expr);
        else
            ck_assert_int_eq(err.kind, ERR_DATA);
        expr = NULL;
    }
    buf_release(&s);
}
END_TEST

UNIT_MAIN_WITH("expr", setup, teardown, {an_expression_gives_what_jq_gives, ARRAY_LEN(gives)},
               {what_cannot_work_is_refused_before_anything_runs, ARRAY_LEN(refuses)},
               {a_nullable_column_under_less_is_warned_of, ARRAY_LEN(warnings)},
               {the_columns_that_are_read_are_known, ARRAY_LEN(reads)},
               {a_string_result_outlives_the_next_evaluation, 0},
               {batches_of_any_size_are_taken, 0},
               {a_column_without_a_value_may_turn_out_to_be_anything, 0},
               {hostile_sources_end_in_an_error_or_run, 0})
