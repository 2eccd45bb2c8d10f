/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Law: a pattern that our automata take matches exactly where jq's `test` matches. Random patterns
 * over a small alphabet, beyond ASCII included, on random texts; and hand-picked ones at the edges.
 * A pattern that jq refuses must not be taken at all. */
#include "../unit/suite.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/rng.h"
#include "json/jq.h"
#include "json/json.h"
#include "base/regex.h"

static struct jq_program *jq;
static struct buf in, out;
static struct arena mem;

static void open_jq(void)
{
    struct err err = ERR_INIT;
    in = BUF_INIT(BUF_UNBOUNDED);
    out = BUF_INIT(BUF_UNBOUNDED);
    arena_init(&mem, NULL);
    jq = jq_program_new(". as [$s, $re, $flags] | $s | test($re; $flags)", &err);
    ck_assert_msg(jq != NULL, "%s", err.text);
}

static void close_jq(void)
{
    jq_program_free(jq);
    buf_release(&in);
    buf_release(&out);
    arena_release(&mem);
}

/* Whether jq says yes; false when it fails, and `err` says why. */
static bool ask(struct slice text, struct slice pattern, bool icase, bool *yes, struct err *err)
{
    size_t n;
    buf_clear(&in);
    buf_addc(&in, '[');
    json_quote(&in, text);
    buf_addc(&in, ',');
    json_quote(&in, pattern);
    buf_adds(&in, icase ? ",\"i\"]" : ",null]");
    bool ok = jq_program_run(jq, buf_slice(&in), &out, &n, err);
    *yes = ok && slice_is(buf_slice(&out), "true");
    return ok;
}

/* 1: compared, 0: left to jq. */
static int compare(struct slice text, struct slice pattern, bool icase, const char *where)
{
    bool want;
    struct err err = ERR_INIT;
    struct regex *re = regex_new(&mem, pattern, icase);
    if (!re)
        return 0;
    enum regex_answer got = regex_test(re, text);
    if (!ask(text, pattern, icase, &want, &err)) {
        /* where Oniguruma gives up backtracking, we still have the answer */
        ck_assert_msg(strstr(err.text, "limit") != NULL, "%s: /%.*s/: jq says %s", where,
                      (int)pattern.len, pattern.p, err.text);
        return 0;
    }
    if (got == REGEX_ASK)
        return 0;
    ck_assert_msg((got == REGEX_YES) == want, "%s: /%.*s/%s on '%.*s': jq says %s", where,
                  (int)pattern.len, pattern.p, icase ? "i" : "", (int)text.len, text.p,
                  want ? "yes" : "no");
    return 1;
}

static void pattern(struct rng *r, struct buf *b, int depth)
{
    static const char *const atoms[] = {"a",    "b",    "c",     "ab",     ".",       "\xc3\xa9",
                                        "[ab]", "[^a]", "[a-c]", "\\d",    "\\w",     "\\s",
                                        "\\.",  "1",    "-",     "[^\\d]", "[\\w.-]", "\n",
                                        "\\n",  " ",    "A",     "[A-Z]",  "k",       "s"};
    static const char *const repeats[] = {"*",     "+",    "?",  "{2}", "{1,2}",
                                          "{0,1}", "{2,}", "*?", "+?",  "??"};
    unsigned parts = 1 + (unsigned)rng_below(r, 3);
    for (unsigned i = 0; i < parts; i++) {
        if (rng_below(r, 12) == 0)
            buf_addc(b, '^');
        if (depth > 0 && rng_below(r, 3) == 0) {
            buf_adds(b, rng_below(r, 2) ? "(" : "(?:");
            pattern(r, b, depth - 1);
            if (rng_below(r, 2)) {
                buf_addc(b, '|');
                if (rng_below(r, 6))
                    pattern(r, b, depth - 1);
            }
            buf_addc(b, ')');
        } else {
            buf_adds(b, atoms[rng_below(r, ARRAY_LEN(atoms))]);
        }
        if (rng_below(r, 3) == 0)
            buf_adds(b, repeats[rng_below(r, ARRAY_LEN(repeats))]);
        if (rng_below(r, 12) == 0)
            buf_addc(b, '$');
    }
}

static void text(struct rng *r, struct buf *b)
{
    static const char *const pieces[] = {"a",
                                         "b",
                                         "c",
                                         "A",
                                         "B",
                                         "1",
                                         "2",
                                         ".",
                                         "-",
                                         " ",
                                         "\n",
                                         "\xc3\xa9",
                                         "\xc3\x89",
                                         "\xf0\x9f\x98\x80",
                                         "ab",
                                         "k",
                                         "\xe2\x84\xaa",
                                         "s",
                                         "_"};
    bool ascii = rng_below(r, 3) != 0;
    for (uint64_t n = rng_below(r, 9); n > 0; n--) {
        const char *p = pieces[rng_below(r, ARRAY_LEN(pieces))];
        if (!ascii || (unsigned char)p[0] < 0x80)
            buf_adds(b, p);
    }
    if (rng_below(r, 5) == 0)
        buf_addc(b, '\n');
}

START_TEST(random_patterns_match_where_jq_matches)
{
    const char *full = getenv("FORELINE_LONG"), *from = getenv("FORELINE_SEED");
    uint64_t first = from ? strtoull(from, NULL, 10) : 1;
    unsigned count = full && *full ? 200000 : 4000, compared = 0;
    struct buf p = BUF_INIT(1000), s = BUF_INIT(1000);
    open_jq();
    for (uint64_t seed = first; seed < first + count; seed++) {
        struct rng r;
        char where[48];
        rng_seed(&r, seed);
        snprintf(where, sizeof(where), "FORELINE_SEED=%llu", (unsigned long long)seed);
        buf_clear(&p);
        pattern(&r, &p, 2);
        bool icase = rng_below(&r, 4) == 0;
        for (int k = 0; k < 3; k++) {
            buf_clear(&s);
            text(&r, &s);
            compared += (unsigned)compare(buf_slice(&s), buf_slice(&p), icase, where);
        }
        arena_clear(&mem);
    }
    ck_assert_uint_gt(compared, count);
    buf_release(&p);
    buf_release(&s);
    close_jq();
}
END_TEST

/* Patterns at the edges of the grammar, and texts at those of matching: each with each. */
static const char *const edge_patterns[] = {
    "",
    "^",
    "$",
    "^$",
    "$^",
    "a|",
    "|a",
    "()",
    "(|a)b",
    "(a*)*",
    "(a*)+b",
    "(a|b)*c",
    "^a",
    "a$",
    "^a$",
    "(^a|b$)",
    "a^b",
    "a$b",
    "(a$)",
    "[]a]",
    "[a",
    "a]",
    "a}",
    "a{",
    "a{,2}",
    "a{2",
    "a{0}",
    "a{1}{2}",
    "a**",
    "a+*",
    "a*+",
    "a?+",
    "a{2}?",
    "a{2}+",
    "(?i)a",
    "(?=a)",
    "(?<n>a)",
    "\\b",
    "\\Aa",
    "a\\z",
    "\\1",
    "(a)\\1",
    "\\x41",
    "\\u0041",
    "\\p{L}",
    "\\D",
    "\\W",
    "[[:alpha:]]",
    "[a&&b]",
    "[a-\\d]",
    "[\\d-a]",
    "[a-]",
    "[-a]",
    "[^-a]",
    "[a-c-e]",
    "[z-a]",
    "[\xc3\xa9]",
    "[^\xc3\xa9]",
    "\xc3\xa9+",
    "\xc3\xa9{2}",
    "\\\xc3\xa9",
    "\\/",
    "\\-",
    "\\ ",
    "\\<",
    "\\'",
    "\\_",
    "\\h",
    "\\R",
    "\\e",
    "\\0",
    ".",
    "..",
    "^.$",
    "^..$",
    "[^a]",
    "^[^a]$",
    "(((((((((a)))))))))",
    "(a",
    "a)",
    "*",
    "+a",
    "?",
    "{1}",
    "\\",
    "a\\",
    "[\\]a]",
    "[\\[]",
    "[.*+]",
    "a.c",
    "(ab|a)(c|bcd)",
    "x*",
    "^(a?){3}a{3}$",
    "a{100}",
    "a{1000}",
};
static const char *const edge_texts[] = {
    "",
    "a",
    "b",
    "ab",
    "abc",
    "aa",
    "aaa",
    "aab",
    "\n",
    "a\n",
    "\na",
    "a\nb",
    "a\n\n",
    "A",
    "K",
    "]",
    "{",
    "a{",
    "a{,2}",
    "a{2",
    "-",
    "\xc3\xa9",
    "\xc3\xa9\xc3\xa9",
    "a\xc3\xa9",
    "\\",
    "/",
    "_",
    "h",
    " ",
    "c",
    "d",
    "1",
    "&",
    "[",
    ".",
    "abcd",
    "\xf0\x9f\x98\x80",
    "\t",
    "z",
    "\xe2\x84\xaa",
    "\xc5\xbf",
    "ss",
    "\xc3\x9f",
    "0",
    "<",
    "'",
    "e",
    "R",
};

START_TEST(the_edges_match_where_jq_matches)
{
    unsigned compared = 0;
    open_jq();
    for (size_t i = 0; i < ARRAY_LEN(edge_patterns); i++) {
        for (size_t k = 0; k < ARRAY_LEN(edge_texts); k++) {
            compared +=
                (unsigned)compare(slice_str(edge_texts[k]), slice_str(edge_patterns[i]), false, "");
            compared +=
                (unsigned)compare(slice_str(edge_texts[k]), slice_str(edge_patterns[i]), true, "");
        }
    }
    ck_assert_uint_gt(compared, 1000);
    close_jq();
}
END_TEST

START_TEST(hostile_patterns_end)
{
    struct buf b = BUF_INIT(BUF_UNBOUNDED);
    open_jq();
    for (int i = 0; i < 40; i++)
        buf_adds(&b, "(");
    for (int i = 0; i < 40; i++)
        buf_adds(&b, "){100}");
    ck_assert_ptr_eq(regex_new(&mem, SLICE_LIT("((a{100}){100}){100}"), false), NULL);
    struct regex *re = regex_new(&mem, buf_slice(&b), false); /* nothing, very often */
    ck_assert(re && regex_test(re, SLICE_LIT("x")) == REGEX_YES);
    /* exponential for who backtracks; more states than are kept for who builds them */
    buf_clear(&b);
    for (int i = 0; i < 100000; i++)
        buf_adds(&b, i % 3 ? "a" : "b");
    re = regex_new(&mem, SLICE_LIT("(a*)*(b|a*)*c"), false);
    ck_assert(re && regex_test(re, buf_slice(&b)) == REGEX_NO);
    re = regex_new(&mem, SLICE_LIT("a[ab]{20}c"), false);
    ck_assert(re && regex_test(re, buf_slice(&b)) != REGEX_YES);
    ck_assert(regex_test(re, SLICE_LIT("aabbaabbaabbaabbaabbac")) == REGEX_YES);
    ck_assert(regex_test(re, SLICE_LIT("\xff")) == REGEX_ASK);
    buf_release(&b);
    close_jq();
}
END_TEST

UNIT_MAIN("expr_regex", random_patterns_match_where_jq_matches, the_edges_match_where_jq_matches,
          hostile_patterns_end)
