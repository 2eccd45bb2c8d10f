/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Law: the vector engine gives for every record what libjq gives for it, the same value or a
 * failure of both. Random expressions (mostly well typed) over random records with nulls, unicode,
 * signed zeros, integers up to 2^53 and dates. Numbers become text below 1e15 only: above, jq 1.6
 * has a form of its own (123456789012345680 where the shortest is 1.2345678901234568e+17).
 *
 * FORELINE_SEED runs one seed, the one that a failure prints; with FORELINE_LONG=1, 1,000 from
 * there.
 */
#include "../unit/suite.h"

#include "../unit/expr_rows.h"
#include "base/buf.h"
#include "base/rng.h"
#include "json/jq.h"
#include "json/json.h"
#include "pipeline/expr.h"

#define ROWS 32

static char names[][3] = {"i", "k", "n", "x", "y", "b", "c", "s", "t", "d", "m"};
static struct field fields[] = {
    {names[0], TYPE_INTEGER, true},    {names[1], TYPE_INTEGER, false},
    {names[2], TYPE_INTEGER, true},    {names[3], TYPE_FLOAT, true},
    {names[4], TYPE_FLOAT, false},     {names[5], TYPE_BOOLEAN, false},
    {names[6], TYPE_BOOLEAN, true},    {names[7], TYPE_STRING, false},
    {names[8], TYPE_STRING, true},     {names[9], TYPE_DATE, true},
    {names[10], TYPE_TIMESTAMP, true},
};
static const struct schema schema = {fields, ARRAY_LEN(fields)};

static const char *const ints[] = {"0",
                                   "1",
                                   "-1",
                                   "2",
                                   "3",
                                   "7",
                                   "-5",
                                   "10",
                                   "12",
                                   "100",
                                   "65",
                                   "1000000",
                                   "9007199254740992",
                                   "-9007199254740992",
                                   "9007199254740991",
                                   "1425599621",
                                   "-62135596801"};
static const char *const floats[] = {
    "0",    "-0.0",  "1",     "0.5",   "-0.25", "2.5", "-2.5",           "3",   "7",   "1e10",
    "1.50", "-1e-3", "99.99", "1e300", "-7",    "4.0", "1425599621.678", "0.1", "1e20"};
static const char *const strings[] = {"",
                                      "a",
                                      "A",
                                      "abc",
                                      "Abc b",
                                      "b",
                                      "\xc3\xa9",
                                      "a\xc3\xa9z",
                                      "\xc3\x89t\xc3\xa9 2",
                                      "12",
                                      " 12 ",
                                      "-3.5",
                                      "1e3",
                                      "+4",
                                      "05",
                                      ".5",
                                      "5.",
                                      "nan",
                                      "Infinity",
                                      "true",
                                      "null",
                                      "0x10",
                                      "12a",
                                      "a b c",
                                      "a,b,,c",
                                      ",",
                                      "x=1;y=2",
                                      "\xf0\x9f\x98\x80 smile",
                                      "line\nbreak",
                                      "tail\n",
                                      "\"quoted\"",
                                      "back\\slash",
                                      "2026-11-20",
                                      "2015-03-05T23:51:47Z",
                                      "K9",
                                      "aaa",
                                      "abab"};
static const char *const dates[] = {"2026-11-20", "2020-02-29", "1999-12-31", "1970-01-01",
                                    "0001-01-01"};
static const char *const stamps[] = {"2015-03-05T23:51:47Z", "2026-11-20T00:00:00Z",
                                     "1969-12-31T23:59:59Z", "2026-11-20 12:00:00",
                                     "2026-02-31T01:02:03Z", "2026-1-2T3:4:5Z"};
#define PICK(r, list) (list)[rng_below((r), ARRAY_LEN(list))]

static void fill(struct rng *r, const char **cells)
{
    for (uint32_t row = 0; row < ROWS; row++) {
        const char **c = cells + row * schema.n;
        c[0] = PICK(r, ints);
        c[1] = PICK(r, ints);
        c[2] = ints[rng_below(r, 6)];
        c[3] = PICK(r, floats);
        c[4] = PICK(r, floats);
        c[5] = rng_below(r, 2) ? "true" : "false";
        c[6] = rng_below(r, 2) ? "true" : "false";
        c[7] = PICK(r, strings);
        c[8] = PICK(r, strings);
        c[9] = PICK(r, dates);
        c[10] = PICK(r, stamps);
        for (uint32_t k = 0; k < schema.n; k++) {
            if (fields[k].nullable && rng_below(r, 4) == 0)
                c[k] = NULL;
        }
    }
}

/* The record as jq sees it, written here and not by what is tested. */
static void record(struct buf *out, const char *const *c)
{
    buf_clear(out);
    for (uint32_t k = 0; k < schema.n; k++) {
        buf_addf(out, "%c\"%s\":", k ? ',' : '{', fields[k].name);
        if (!c[k])
            buf_adds(out, "null");
        else if (type_is_text(fields[k].type))
            json_quote(out, slice_str(c[k]));
        else
            buf_adds(out, c[k]);
    }
    buf_addc(out, '}');
}

/* -- random expressions -- */

enum want { NUM, STR, BOOL, NWANT };
struct gen {
    struct rng *r;
    struct buf *out;
    int dot;  /* the type of `.`, or -1 where it is the record */
    int vars; /* $v0 … number of numbers bound */
};

static void gen(struct gen *g, enum want want, int depth);

static void put(struct gen *g, const char *s)
{
    buf_adds(g->out, s);
}

/* The template with ~N, ~S, ~B replaced by expressions of that type, ~T by something whose text jq
 * 1.6 writes as we do. */
static void expand(struct gen *g, const char *template, int depth)
{
    for (const char *p = template; *p; p++) {
        if (*p == '~' && p[1]) {
            p++;
            if (*p == 'T')
                put(g, g->dot >= 0 ? "true" : rng_below(g->r, 2) ? ".t" : ".c");
            else
                gen(g, *p == 'N' ? NUM : *p == 'S' ? STR : BOOL, depth - 1);
        } else {
            buf_addc(g->out, *p);
        }
    }
}

static void leaf(struct gen *g, enum want want)
{
    static const char *const num[] = {".i", ".k", ".n", ".x", ".y", ".i", ".x"};
    static const char *const num_lit[] = {"0",   "1",   "2",        "-1",   "3",
                                          "0.5", "100", "1e3",      "-2.5", "9007199254740991",
                                          "7",   "nan", "infinite", ".5"};
    static const char *const str[] = {".s", ".t", ".d", ".m", ".s", ".t"};
    static const char *const str_lit[] = {
        "\"\"",       "\"a\"",          "\"b\"", "\"\xc3\xa9\"",   "\"12\"",
        "\"abc\"",    "\"2020-01-01\"", "\" \"", "\"\\u0041\\n\"", "\"2015-03-05T23:51:47Z\"",
        "\"\\u00e9\""};
    static const char *const boo[] = {".b", ".c"};
    if (rng_below(g->r, 40) == 0) {
        put(g, "null");
    } else if (g->vars > 0 && want == NUM && rng_below(g->r, 4) == 0) {
        buf_addf(g->out, "$v%d", (int)rng_below(g->r, (uint64_t)g->vars));
    } else if (g->dot == (int)want && rng_below(g->r, 4) != 0) {
        put(g, ".");
    } else if (g->dot >= 0 || rng_below(g->r, 3) == 0) {
        put(g, want == NUM          ? PICK(g->r, num_lit)
               : want == STR        ? PICK(g->r, str_lit)
               : rng_below(g->r, 2) ? "true"
                                    : "false");
    } else {
        put(g, want == NUM ? PICK(g->r, num) : want == STR ? PICK(g->r, str) : PICK(g->r, boo));
    }
}

static const char *const num_forms[] = {
    "(~N + ~N)",
    "(~N - ~N)",
    "(~N * ~N)",
    "(~N / ~N)",
    "(~N % ~N)",
    "-(~N)",
    "(~S | length)",
    "(~N | length)",
    "(~N | floor)",
    "(~N | ceil)",
    "(~N | round)",
    "(~N | sqrt)",
    "(~N | fabs)",
    "(~N | trunc)",
    "(~S | tonumber)",
    "(~N | tonumber)",
    "(~N // ~N)",
    "(if ~B then ~N else ~N end)",
    "(if ~B then ~N elif ~B then null else ~N end)",
    "(~S | fromdate)",
    "pow(~N; 2)",
    "(~S | utf8bytelength)",
    "(~N + ~N * ~N - ~N)",
    "(~N | log)",
    "(~N as $w | $w + ~N)",
};
static const char *const str_forms[] = {
    "(~S + ~S)",
    "(~S | ascii_downcase)",
    "(~S | ascii_upcase)",
    "(~S)[1:]",
    "(~S)[:2]",
    "(~S)[-2:]",
    "(~S)[1:-1]",
    "(~S | .[0:1])",
    "(~S as $q | ~S | ltrimstr($q))",
    "(~S as $q | ~S | rtrimstr($q))",
    "(~S | rtrimstr(\"b\"))",
    "(~N | if fabs < 1e15 then . else 0 end | tostring)",
    "(~T | tostring)",
    "(~T | tostring)",
    "\"<\\(~N | if fabs < 1e15 then . else 0 end)|\\(~T)>\"",
    "\"\\(~T)\"",
    "(~S // ~S)",
    "(if ~B then ~S else ~S end)",
    "(~S | split(\",\") | .[1])",
    "(~S | split(\" \")[0])",
    "(~S | split(\"a\") | .[-1] // \"none\")",
    "(~N | type)",
    "(~S | type)",
    "(~N | todate)",
    "(~S)[1.5:2.5]",
    "(if ~B then ~S else null end)",
};
static const char *const bool_forms[] = {
    "(~N < ~N)",
    "(~N <= ~N)",
    "(~N > ~N)",
    "(~N >= ~N)",
    "(~N == ~N)",
    "(~N != ~N)",
    "(~S < ~S)",
    "(~S <= ~S)",
    "(~S > ~S)",
    "(~S >= ~S)",
    "(~S == ~S)",
    "(~S != ~S)",
    "(~B < ~B)",
    "(~B == ~B)",
    "(~B >= ~B)",
    "(~B and ~B)",
    "(~B or ~B)",
    "(~B | not)",
    "(~N and ~S)",
    "(~N == null)",
    "(~S != null)",
    "(null < ~N)",
    "(~B // ~B)",
    "(~S as $q | ~S | startswith($q))",
    "(~S | endswith(\"b\"))",
    "(~S as $q | ~S | contains($q))",
    "(~S as $q | ~S | endswith($q))",
    "((~N | sqrt) < ~N)",
    "(~N >= (~N | log))",
    "(nan <= ~N)",
    "((~N | sqrt) > (~N | sqrt))",
    "(~N == (~N / ~N))",
    "(~N | isnan)",
    "(~S | test(\"^[a-c]+$\"))",
    "(~S | test(\"\\\\d\"))",
    "(~S | test(\"^A\"; \"i\"))",
    "(~S | test(\"(a|b) ?c*\"))",
    "(~S | test(\".\xc3\xa9\"))",
    "(~S | test(\"\\\\bb\"))",
    "(~S | test(\"b$\"))",
    "(~N | isnormal)",
    "(~N | isinfinite)",
    "(~S | IN(\"a\", \"12\", \"\"))",
    "(~N | IN(1, 2, 3))",
    "(if ~B then ~B else ~B end)",
    "(~B and ~B or ~B)",
};

static void pipe_form(struct gen *g, enum want want, int depth)
{
    enum want left = (enum want)rng_below(g->r, NWANT);
    int dot = g->dot;
    put(g, "(");
    gen(g, left, depth - 1);
    if (left == NUM && g->vars < 3 && rng_below(g->r, 3) == 0) {
        buf_addf(g->out, " as $v%d | ", g->vars++);
        gen(g, want, depth - 1);
        g->vars--;
    } else {
        put(g, " | ");
        g->dot = (int)left;
        gen(g, want, depth - 1);
        g->dot = dot;
    }
    put(g, ")");
}

static void gen(struct gen *g, enum want want, int depth)
{
    if (rng_below(g->r, 60) == 0)
        want = (enum want)rng_below(g->r, NWANT); /* ill typed */
    if (depth <= 0 || rng_below(g->r, 6) == 0)
        leaf(g, want);
    else if (rng_below(g->r, 8) == 0)
        pipe_form(g, want, depth);
    else if (want == NUM)
        expand(g, PICK(g->r, num_forms), depth);
    else if (want == STR)
        expand(g, PICK(g->r, str_forms), depth);
    else
        expand(g, PICK(g->r, bool_forms), depth);
}

/* -- comparison -- */

static void value_json(struct buf *out, const struct column *c, uint32_t row)
{
    struct buf tmp = BUF_INIT(BUF_UNBOUNDED);
    buf_clear(out);
    if (!column_valid(c, row)) {
        buf_adds(out, "null");
    } else if (type_is_text(c->type)) {
        json_quote(out, text_slice(c->text[row]));
    } else if (c->type == TYPE_FLOAT && c->text) { /* passed on as it was read */
        char text[NUM_TEXT_MAX];
        buf_add(out, text, num_format_double(text, c->v.f64[row]));
    } else {
        buf_add_slice(out, column_text(c, row, &tmp));
    }
    buf_release(&tmp);
}

struct tally {
    unsigned expressions, vector, libjq, refused, values, failures;
};

/* Compiling costs libjq 12 ms, whatever the length: expressions go through it by the dozen, as
 * [(try [E1] catch null), …]. */
#define PACK 12

struct pack {
    struct arena mem;
    struct buf source[PACK];
    struct expr *expr[PACK];
    struct expr_result res[PACK];
    struct batch *b;
    const char *cells[ROWS * ARRAY_LEN(fields)];
    uint64_t seed;
};

static void make_pack(struct pack *p, struct rng *r, struct buf *program, struct tally *tally)
{
    struct err err = ERR_INIT;
    buf_addc(program, '[');
    for (int k = 0; k < PACK; k++) {
        p->source[k] = BUF_INIT(BUF_UNBOUNDED);
        do { /* a refused one has no answer to compare */
            struct gen g = {r, &p->source[k], -1, 0};
            buf_clear(&p->source[k]);
            gen(&g, (enum want)rng_below(r, NWANT), 1 + (int)rng_below(r, 4));
            tally->expressions++;
            if (expr_new(&p->mem, buf_str(&p->source[k]), &schema, &p->expr[k], &err))
                break;
            tally->refused++;
        } while (true);
        bool vector = strcmp(expr_engine(p->expr[k]), "vector") == 0;
        *(vector ? &tally->vector : &tally->libjq) += 1;
        buf_addf(program, "%s(try [%s] catch null)", k ? "," : "", buf_str(&p->source[k]));
    }
    buf_addc(program, ']');
}

/* Evaluated as a column and as a condition. */
static void run_pack(struct pack *p)
{
    struct err err = ERR_INIT;
    for (int k = 0; k < PACK; k++) {
        struct expr_result test;
        uint64_t keep[BATCH_WORDS];
        uint32_t c = schema.n + (uint32_t)k;
        ck_assert_msg(expr_test(p->expr[k], p->b, keep, &test, &err), "%s", err.text);
        ck_assert_msg(expr_eval(p->expr[k], p->b, p->b, c, &p->res[k], &err), "%s", err.text);
        ck_assert_msg(test.failed[0] == p->res[k].failed[0],
                      "FORELINE_SEED=%llu: %s: fails otherwise as a condition",
                      (unsigned long long)p->seed, buf_str(&p->source[k]));
        for (uint32_t row = 0; row < ROWS && expr_type(p->expr[k]) == TYPE_BOOLEAN; row++) {
            const struct column *col = &p->b->cols[c];
            bool yes = column_valid(col, row) && col->v.b8[row];
            ck_assert_msg(((keep[0] >> row) & 1) == yes, "FORELINE_SEED=%llu: %s: kept wrongly",
                          (unsigned long long)p->seed, buf_str(&p->source[k]));
        }
    }
}

static void compare(struct pack *p, int k, uint32_t row, struct slice in, const struct json *jq,
                    struct tally *tally)
{
    struct buf got = BUF_INIT(BUF_UNBOUNDED);
    bool ok = jq->type == JSON_ARRAY && jq->len == 1, failed = (p->res[k].failed[0] >> row) & 1;
    struct slice want = ok ? jq->u.items[0]->text : SLICE_LIT("a failure");
    value_json(&got, &p->b->cols[schema.n + (uint32_t)k], row);
    bool same = ok ? !failed && slice_eq(buf_slice(&got), want) : failed;
    tally->values += ok;
    tally->failures += !ok;
    ck_assert_msg(same, "FORELINE_SEED=%llu (%s): %s\non %.*s\ngives %s, jq: %.*s",
                  (unsigned long long)p->seed, expr_engine(p->expr[k]), buf_str(&p->source[k]),
                  (int)in.len, in.p, failed ? p->res[k].reason[row] : buf_str(&got), (int)want.len,
                  want.p);
    buf_release(&got);
}

static void one_pack(uint64_t seed, struct tally *tally)
{
    struct rng r;
    struct err err = ERR_INIT;
    struct pack *p = xcalloc(1, sizeof(*p));
    struct buf program = BUF_INIT(BUF_UNBOUNDED), in = BUF_INIT(BUF_UNBOUNDED);
    struct buf out = BUF_INIT(BUF_UNBOUNDED);
    size_t n;
    p->seed = seed;
    rng_seed(&r, seed);
    arena_init(&p->mem, NULL);
    make_pack(p, &r, &program, tally);
    struct jq_program *jq = jq_program_new(buf_str(&program), &err);
    ck_assert_msg(jq != NULL, "FORELINE_SEED=%llu: jq refuses: %s: %s", (unsigned long long)seed,
                  err.text, buf_str(&program));
    fill(&r, p->cells);
    p->b = rows_batch(&schema, p->cells, ROWS, PACK);
    run_pack(p);
    for (uint32_t row = 0; row < ROWS; row++) {
        struct json *all;
        record(&in, p->cells + row * schema.n);
        ck_assert_msg(jq_program_run(jq, buf_slice(&in), &out, &n, &err) && n == 1, "%s", err.text);
        ck_assert_msg(json_parse(&p->mem, buf_slice(&out), 0, &all, &err), "%s", err.text);
        ck_assert_uint_eq(json_len(all), PACK);
        for (int k = 0; k < PACK; k++)
            compare(p, k, row, buf_slice(&in), all->u.items[k], tally);
    }
    batch_unref(p->b);
    jq_program_free(jq);
    for (int k = 0; k < PACK; k++) {
        expr_release(p->expr[k]);
        buf_release(&p->source[k]);
    }
    buf_release(&program);
    buf_release(&in);
    buf_release(&out);
    arena_release(&p->mem);
    free(p);
}

START_TEST(vectors_and_libjq_agree)
{
    const char *from = getenv("FORELINE_SEED"), *full = getenv("FORELINE_LONG");
    uint64_t seed = from ? strtoull(from, NULL, 10) : 1;
    unsigned count = full && *full ? 1000 : from ? 1 : 100;
    struct tally t = {0};
    for (unsigned i = 0; i < count; i++)
        one_pack(seed + i, &t);
    /* the test means something: most are compared, by the engine in question, and both ends met */
    if (count > 1) {
        ck_assert_uint_gt(t.vector, t.expressions / 2);
        ck_assert_uint_gt(t.values, t.failures);
        ck_assert_uint_gt(t.failures, 0);
        ck_assert_uint_lt(t.refused, t.expressions / 3);
    }
    if (getenv("VERBOSE"))
        fprintf(stderr, "%u expressions: %u vector, %u libjq, %u refused; %u values, %u failures\n",
                t.expressions, t.vector, t.libjq, t.refused, t.values, t.failures);
}
END_TEST

UNIT_MAIN("expr", vectors_and_libjq_agree)
