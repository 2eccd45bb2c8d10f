/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tables that are the same and tables that are not: each rule of compare.h. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "compare/compare.h"
#include "compare/sorter.h"
#include "base/buf.h"
#include "base/rng.h"
#include "tests/unit/suite.h"

static char *file_with(const char *name, const char *text)
{
    const char *dir = getenv("TMPDIR");
    char *path = xasprintf("%s/compare-%d-%s", dir ? dir : "/tmp", (int)getpid(), name);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs(text, f), 0);
    ck_assert_int_eq(fclose(f), 0);
    return path;
}

/* "=" or "= bytes", or the reasons and examples, one a line. */
static const char *compared(const char *names[2], const char *a, const char *b,
                            const struct compare_opts *given)
{
    static char text[8192];
    struct compare_opts o = {.rtol = COMPARE_RTOL};
    if (given)
        o = *given;
    struct compare_side side[2] = {{.path = file_with(names[0], a)},
                                   {.path = file_with(names[1], b)}};
    struct arena mem = ARENA_INIT;
    struct compare_result r;
    struct err err = ERR_INIT;
    bool ok = compare_tables(side, &o, &mem, &r, &err);
    struct buf out = BUF_INIT(sizeof(text) - 1);
    if (!ok)
        buf_addf(&out, "error: %s", err.text);
    else if (r.equal)
        buf_adds(&out, r.same_bytes ? "= bytes" : "=");
    for (uint32_t i = 0; i < r.nreasons; i++)
        buf_addf(&out, "%s\n", r.reasons[i]);
    for (uint32_t i = 0; i < r.nexamples; i++)
        buf_addf(&out, "%c %s\n", "~-+"[r.examples[i].change], r.examples[i].text);
    snprintf(text, sizeof(text), "%s", buf_str(&out));
    buf_release(&out);
    arena_release(&mem);
    for (int i = 0; i < 2; i++) {
        remove(side[i].path);
        free((char *)side[i].path);
    }
    return text;
}

static const char *csv(const char *a, const char *b)
{
    const char *names[2] = {"a.csv", "b.csv"};
    return compared(names, a, b, NULL);
}

static const char *jsonl(const char *a, const char *b)
{
    const char *names[2] = {"a.jsonl", "b.jsonl"};
    return compared(names, a, b, NULL);
}

START_TEST(equal_bytes_are_equal_at_once)
{
    ck_assert_str_eq(csv("a,b\n1,2\n", "a,b\n1,2\n"), "= bytes");
    ck_assert_str_eq(csv("", ""), "= bytes");
    const char *names[2] = {"a.csv", "b.jsonl"};
    ck_assert_str_eq(compared(names, "a\n", "a\n", NULL), "= bytes");
}
END_TEST

START_TEST(rows_may_stand_in_any_order_and_count_as_often_as_they_do)
{
    ck_assert_str_eq(csv("a,b\n1,x\n2,y\n1,x\n", "a,b\n1,x\n1,x\n2,y\n"), "=");
    ck_assert_str_eq(csv("a,b\n1,x\n2,y\n1,x\n", "a,b\n1,x\n2,y\n2,y\n"),
                     "1 of 3 rows is only in the first\n1 of 3 rows is only in the second\n"
                     "- a=1, b=x\n+ a=2, b=y\n");
    ck_assert_str_eq(csv("a\n1\n1\n", "a\n1\n"), "1 of 2 rows is only in the first\n- a=1\n");
}
END_TEST

START_TEST(pairs_tell_the_column_that_differs)
{
    ck_assert_str_eq(csv("id,name,n\n1,ada,5\n2,bob,6\n3,cy,7\n", "id,name,n\n3,cy,8\n2,bob,6\n"
                                                                  "1,eve,5\n"),
                     "2 of 3 rows are only in the first\n2 of 3 rows are only in the second\n"
                     "'name' differs in 1 of 2 pairs of rows that are most alike\n"
                     "'n' differs in 1 of 2 pairs of rows that are most alike\n"
                     "~ name ada became eve (id=1, n=5)\n~ n 7 became 8 (id=3, name=cy)\n");
}
END_TEST

START_TEST(floats_are_equal_within_the_relative_tolerance)
{
    ck_assert_str_eq(csv("k,x\na,1.0000000001\nb,2\n", "k,x\nb,2.0000000001\na,1\n"), "=");
    ck_assert_str_eq(csv("k,x\na,1e300\n", "k,x\na,1.0000000001e300\n"), "=");
    ck_assert_str_eq(csv("k,x\na,1.00000001\n", "k,x\na,1\n"),
                     "1 of 1 rows is only in the first\n1 of 1 rows is only in the second\n"
                     "'x' differs in 1 of 1 pairs of rows that are most alike\n"
                     "~ x 1.00000001 became 1 (k=a)\n");
    struct compare_opts exact = {.rtol = 0}, loose = {.rtol = 0.1};
    const char *names[2] = {"a.csv", "b.csv"};
    ck_assert_str_ne(compared(names, "x\n1.5\n", "x\n1.5000000000000002\n", &exact), "=");
    ck_assert_str_eq(compared(names, "x\n1.5\n", "x\n1.50\n", &exact), "=");
    ck_assert_str_eq(compared(names, "x\n1.5\n", "x\n1.6\n", &loose), "=");
    ck_assert_str_ne(csv("x\n0.0\n0.5\n", "x\n1e-300\n0.5\n"), "=");
}
END_TEST

START_TEST(neighbours_on_both_sides_of_a_tolerance_find_their_mates)
{
    struct compare_opts o = {.rtol = 0.1};
    const char *names[2] = {"a.csv", "b.csv"};
    /* 1.05 is close to both; taking the equal value first would leave 1 and 1.12 without a mate. */
    ck_assert_str_eq(compared(names, "x\n1\n1.05\n", "x\n1.05\n1.12\n", &o), "=");
    ck_assert_str_eq(
        compared(names, "x,y\n1,1\n1.05,2\n1.02,1.05\n", "x,y\n1.05,2\n1.12,1.04\n1.04,1.1\n", &o),
        "=");
    ck_assert_str_ne(compared(names, "x,y\n1.0,1\n1.0,2\n", "x,y\n1.0,1\n1.01,1\n", &o), "=");
}
END_TEST

START_TEST(values_that_are_no_finite_numbers)
{
    ck_assert_str_eq(csv("x\nNaN\n1\ninf\n", "x\ninf\nnan\n1\n"), "=");
    ck_assert_str_eq(csv("x\n-inf\n1\n", "x\n1\n-Infinity\n"), "=");
    ck_assert_str_ne(csv("x\n-inf\n1\n", "x\n1\ninf\n"), "=");
    ck_assert_str_ne(csv("x\ninf\n1\n", "x\n1\n1.7976931348623157e308\n"), "=");
    ck_assert_str_eq(csv("x\n-0\n1\n", "x\n1\n0\n"), "=");
    ck_assert_str_eq(csv("x\n-0.0\n1.5\n", "x\n1.5\n0\n"), "=");
}
END_TEST

START_TEST(integers_are_exact_and_equal_floats_by_value)
{
    ck_assert_str_eq(csv("n\n1\n2\n", "n\n2.0\n1\n"), "=");
    ck_assert_str_ne(csv("n\n9007199254740992\n1\n", "n\n1\n9007199254740993\n"), "=");
    ck_assert_str_eq(csv("b\ntrue\nfalse\n", "b\nFALSE\nTrue\n"), "=");
    ck_assert_str_ne(csv("b\ntrue\nx\n", "b\nx\nTrue\n"), "=");
    ck_assert_str_ne(csv("v\n1.10\nx\n", "v\nx\n1.1\n"), "=");
}
END_TEST

START_TEST(a_column_pinned_as_float_is_tolerant_though_all_its_values_are_whole)
{
    static const struct type_pin pin = {.column = "n", .type = TYPE_FLOAT};
    for (int pinned = 0; pinned < 2; pinned++) {
        struct compare_side side[2] = {{.path = file_with("a.csv", "n\n1000000000001\n")},
                                       {.path = file_with("b.csv", "n\n1000000000002\n")}};
        side[1].opts.pins = &pin;
        side[1].opts.npins = (size_t)pinned;
        struct compare_opts o = {.rtol = COMPARE_RTOL};
        struct arena mem = ARENA_INIT;
        struct compare_result r;
        struct err err = ERR_INIT;
        ck_assert(compare_tables(side, &o, &mem, &r, &err));
        ck_assert_int_eq(r.equal, pinned);
        arena_release(&mem);
        for (int i = 0; i < 2; i++) {
            remove(side[i].path);
            free((char *)side[i].path);
        }
    }
}
END_TEST

START_TEST(null_is_not_the_empty_string)
{
    ck_assert_str_eq(csv("a,b\n1,\n2,\"\"\n", "a,b\n2,\"\"\n1,\n"), "=");
    ck_assert_str_eq(csv("a,b\n1,\n", "a,b\n1,\"\"\n"),
                     "1 of 1 rows is only in the first\n1 of 1 rows is only in the second\n"
                     "'b' differs in 1 of 1 pairs of rows that are most alike\n"
                     "~ b null became \"\" (a=1)\n");
    ck_assert_str_ne(csv("a,b\n1,\n2,0.5\n", "a,b\n1,0\n2,0.5\n"), "=");
    ck_assert_str_eq(jsonl("{\"a\":1,\"b\":null}\n{\"a\":2,\"b\":3}\n", "{\"a\":2,\"b\":3}\n"
                                                                        "{\"a\":1}\n"),
                     "=");
}
END_TEST

START_TEST(json_lines_know_their_kinds)
{
    ck_assert_str_eq(jsonl("{\"a\":1,\"b\":\"x\"}\n{\"a\":2,\"b\":\"y\"}\n",
                           "{\"b\":\"y\",\"a\":2}\n{\"b\":\"x\",\"a\":1.0}\n"),
                     "=");
    ck_assert_str_eq(jsonl("{\"a\":\"5\",\"k\":1}\n", "{\"a\":5,\"k\":1}\n"),
                     "column 'a' was string and is integer\n"
                     "1 of 1 rows is only in the first\n1 of 1 rows is only in the second\n"
                     "'a' differs in 1 of 1 pairs of rows that are most alike\n"
                     "~ a \"5\" became 5 (k=1)\n");
    const char *names[2] = {"a.csv", "b.jsonl"};
    ck_assert_str_eq(compared(names, "a,b\n1,x\n", "{\"a\":1,\"b\":\"x\"}\n", NULL), "=");
}
END_TEST

START_TEST(differences_of_the_schema_are_named)
{
    ck_assert_str_eq(csv("a,b\n1,x\n", "a\n1\n"), "column 'b' is missing\n");
    ck_assert_str_eq(csv("a\n1\n", "a,b\n1,x\n"), "column 'b' was added\n");
    ck_assert_str_eq(csv("a,b\n1,x\n2,y\n", "a,c\n2,y\n1,x\n"),
                     "column 'b' is missing; 'c' was added with the same values: renamed\n");
    ck_assert_str_eq(csv("a,b\n1,x\n", "b,a\nx,1\n"),
                     "the columns stand in another order: a, b became b, a\n");
    ck_assert_str_eq(csv("a,b\n1,x\n", ""), "column 'a' is missing\ncolumn 'b' is missing\n"
                                            "1 of 1 rows is only in the first\n");
    ck_assert_str_eq(csv("a\n2026-11-20\n", "a\nsoon\n"),
                     "column 'a' was date and is string\n"
                     "1 of 1 rows is only in the first\n1 of 1 rows is only in the second\n"
                     "- a=2026-11-20\n+ a=soon\n");
}
END_TEST

START_TEST(the_sequence_counts_only_in_the_columns_that_are_named)
{
    static const char *const by[] = {"g", "x"};
    struct compare_opts o = {.rtol = COMPARE_RTOL, .order = by, .norder = 1};
    const char *names[2] = {"a.csv", "b.csv"};
    ck_assert_str_eq(compared(names, "g,n\n1,1\n1,2\n2,3\n", "g,n\n1,2\n1,1\n2,3\n", &o), "=");
    ck_assert_str_eq(compared(names, "g,n\n1,1\n1,2\n2,3\n", "g,n\n1,2\n2,3\n1,1\n", &o),
                     "the rows stand in another order: row 2 is the first that has another 'g'\n");
    o.norder = 2;
    ck_assert_str_eq(compared(names, "g,x\n1,1.5\n1,2\n", "g,x\n1,1.50000000001\n1,2\n", &o), "=");
}
END_TEST

START_TEST(records_that_cannot_be_read_are_compared_as_they_stand)
{
    ck_assert_str_eq(csv("a,b\n1,2\n3\n4,5\n", "a,b\n3\n4,5\n1,2\n"), "=");
    ck_assert_ptr_nonnull(
        strstr(csv("a,b\n1,2\n3\n", "a,b\n1,2\n3,4\n"),
               "1 record of the first cannot be read as a row, the first at line 3: "));
    ck_assert_str_eq(jsonl("{\"a\":1}\n{\"a\":\n{\"a\":2}\n", "{\"a\":2}\n{\"a\":1}\n{\"a\":\n"),
                     "=");
}
END_TEST

START_TEST(what_is_no_table_differs_by_its_bytes)
{
    const char *names[2] = {"a.csv", "b.csv"};
    const char *said = compared(names, "\x1f\x8b\x08 broken", "a\n1\n", NULL);
    ck_assert_ptr_nonnull(strstr(said, "the bytes differ, and cannot be compared as tables: "));
}
END_TEST

START_TEST(a_missing_file_is_an_error)
{
    struct compare_side side[2] = {{.path = "/nonexistent/a.csv"}, {.path = "/nonexistent/b.csv"}};
    struct compare_opts o = {.rtol = COMPARE_RTOL};
    struct arena mem = ARENA_INIT;
    struct compare_result r;
    struct err err = ERR_INIT;
    ck_assert(!compare_tables(side, &o, &mem, &r, &err));
    ck_assert_int_eq(err.kind, ERR_ENV);
    arena_release(&mem);
}
END_TEST

/* The same whatever is on disk and what is not. */
START_TEST(a_sorter_gives_all_items_in_order_within_any_memory)
{
    static const size_t limits[] = {1, 100, 5000, 1 << 20};
    struct rng r;
    rng_seed(&r, (uint64_t)_i + 1);
    struct err err = ERR_INIT;
    struct sorter *s = sorter_new(limits[_i]);
    uint64_t sum = 0, back = 0;
    size_t n = 3000, got = 0;
    for (size_t i = 0; i < n; i++) {
        char item[40];
        size_t len = rng_below(&r, sizeof(item) + 1);
        for (size_t k = 0; k < len; k++) {
            item[k] = (char)rng_below(&r, 3);
            sum += (unsigned char)item[k] + 1;
        }
        ck_assert(sorter_add(s, slice_of(item, len), &err));
    }
    ck_assert(sorter_rewind(s, &err));
    char last[40];
    size_t last_len = 0;
    for (struct slice x; sorter_next(s, &x, &err) && x.p; got++) {
        ck_assert_int_le(slice_cmp(slice_of(last, last_len), x), 0);
        memcpy(last, x.p, x.len);
        last_len = x.len;
        for (size_t k = 0; k < x.len; k++)
            back += (unsigned char)x.p[k] + 1;
    }
    ck_assert_uint_eq(got, n);
    ck_assert_uint_eq(sum, back);
    ck_assert_int_eq(sorter_spilled_bytes(s) > 0, limits[_i] < (1 << 20));
    sorter_free(s);
}
END_TEST

static void none(void)
{
}

UNIT_MAIN_WITH("compare", none, none, {equal_bytes_are_equal_at_once, 0},
               {rows_may_stand_in_any_order_and_count_as_often_as_they_do, 0},
               {pairs_tell_the_column_that_differs, 0},
               {floats_are_equal_within_the_relative_tolerance, 0},
               {neighbours_on_both_sides_of_a_tolerance_find_their_mates, 0},
               {values_that_are_no_finite_numbers, 0},
               {integers_are_exact_and_equal_floats_by_value, 0},
               {a_column_pinned_as_float_is_tolerant_though_all_its_values_are_whole, 0},
               {null_is_not_the_empty_string, 0}, {json_lines_know_their_kinds, 0},
               {differences_of_the_schema_are_named, 0},
               {the_sequence_counts_only_in_the_columns_that_are_named, 0},
               {records_that_cannot_be_read_are_compared_as_they_stand, 0},
               {what_is_no_table_differs_by_its_bytes, 0}, {a_missing_file_is_an_error, 0},
               {a_sorter_gives_all_items_in_order_within_any_memory, 4})
