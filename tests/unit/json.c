/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lib/json: the reader's grammar, exact integers, the writer. */
#include "tests/unit/suite.h"

#include <math.h>

#include "base/rng.h"
#include "json/json.h"

static struct arena a;

static struct json *parse(const char *s)
{
    struct json *v = NULL;
    struct err err = ERR_INIT;
    ck_assert_msg(json_parse(&a, slice_str(s), 0, &v, &err), "%s: %s", s, err.text);
    return v;
}

static void round_trip(const char *in, const char *out)
{
    struct buf b = BUF_INIT(BUF_UNBOUNDED);
    json_write(&b, parse(in));
    ck_assert_str_eq(buf_str(&b), out);
    buf_release(&b);
}

START_TEST(values_round_trip)
{
    round_trip(" { \"a\" : [ 1 , -2.50, true, null ] } ", "{\"a\":[1,-2.50,true,null]}");
    round_trip("9223372036854775807", "9223372036854775807");
    round_trip("\"\\u00e9\\ud83d\\ude00\\n\\/\"", "\"\xc3\xa9\xf0\x9f\x98\x80\\n/\"");
    round_trip("\"\\ud800x\"", "\"\xef\xbf\xbdx\"");
    round_trip("[]", "[]");
    round_trip("{}", "{}");
    arena_release(&a);
}
END_TEST

START_TEST(what_is_not_json_is_refused_with_its_place)
{
    static const char *const bad[] = {
        "",    "nan",      "NaN",         "{a:1}", "[1,]",      "{\"a\":1,}",
        "01",  "\"\x01\"", "\"a",         "[1 2]", "{\"a\" 1}", "tru",
        "1 2", "\"\\x\"",  "\"\\u12g4\"", "1e999", "\"\xff\"",  "// c\n1",
        "'a'", "{\"a\":}", "]",           "-"};
    struct json *v;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err err = ERR_INIT;
        ck_assert_msg(!json_parse(&a, slice_str(bad[i]), 0, &v, &err), "'%s' was taken", bad[i]);
        ck_assert_int_eq(err.kind, ERR_DATA);
        ck_assert_msg(strncmp(err.text, "line ", 5) == 0, "%s", err.text);
    }
    struct err err = ERR_INIT;
    ck_assert(!json_parse(&a, SLICE_LIT("{\n  \"a\": x}"), 0, &v, &err));
    ck_assert_str_eq(err.text, "line 2, column 8: expected a value");
    arena_release(&a);
}
END_TEST

START_TEST(comments_are_for_pipeline_files)
{
    struct json *v;
    ck_assert(
        json_parse(&a, SLICE_LIT("// a\n{\"u\": \"http://x\" // b\n}"), JSON_COMMENTS, &v, NULL));
    ck_assert_str_eq(json_str(v, "u", ""), "http://x");
    arena_release(&a);
}
END_TEST

START_TEST(deep_nesting_is_an_error_not_a_crash)
{
    struct buf b = BUF_INIT(BUF_UNBOUNDED);
    for (int i = 0; i < 10000; i++)
        buf_addc(&b, '[');
    struct json *v;
    struct err err = ERR_INIT;
    ck_assert(!json_parse(&a, buf_slice(&b), 0, &v, &err));
    ck_assert(strstr(err.text, "nested more than 1000 deep"));
    buf_release(&b);
    arena_release(&a);
}
END_TEST

START_TEST(getters_give_the_default_for_what_is_absent_or_of_another_type)
{
    struct json *v =
        parse("{\"s\":\"x\",\"i\":7,\"d\":2.5,\"w\":3.0,\"t\":true,\"n\":null,\"i\":8}");
    ck_assert_str_eq(json_str(v, "s", "-"), "x");
    ck_assert_str_eq(json_str(v, "i", "-"), "-");
    ck_assert_int_eq(json_int(v, "i", 0), 8);
    ck_assert_int_eq(json_int(v, "w", 0), 3);
    ck_assert_int_eq(json_int(v, "d", -1), -1);
    ck_assert_double_eq(json_num(v, "d", 0), 2.5);
    ck_assert(isnan(json_num(v, "n", (double)NAN)));
    ck_assert(json_bool(v, "t", false) && json_bool(v, "s", true));
    ck_assert(!json_get(NULL, "x") && !json_at(v, 0));
    arena_release(&a);
}
END_TEST

START_TEST(trees_can_be_built_and_changed)
{
    struct json *v = json_new(&a, JSON_OBJECT), *list = json_new(&a, JSON_ARRAY);
    for (int i = 0; i < 20; i++)
        json_append(&a, list, json_new_int(&a, i));
    json_set(&a, v, "x", json_new_double(&a, 0.5));
    json_set(&a, v, "x", json_new_string(&a, SLICE_LIT("y")));
    json_set(&a, v, "l", list);
    struct buf b = BUF_INIT(BUF_UNBOUNDED);
    json_write(&b, v);
    ck_assert_str_eq(buf_str(&b),
                     "{\"x\":\"y\",\"l\":[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19]}");
    ck_assert(json_equal(v, parse(buf_str(&b))));
    buf_release(&b);
    arena_release(&a);
}
END_TEST

START_TEST(the_writer_puts_commas_itself)
{
    struct buf b = BUF_INIT(BUF_UNBOUNDED);
    struct jw w;
    jw_begin(&w, &b);
    jw_obj(&w);
    jw_kint(&w, "a", 1);
    jw_key(&w, "b");
    jw_arr(&w);
    jw_num(&w, (double)NAN);
    jw_obj(&w);
    jw_end_obj(&w);
    jw_str(&w, NULL);
    jw_end_arr(&w);
    jw_kstr(&w, "c\n", "\x7f\x01\xff");
    jw_end_obj(&w);
    ck_assert_str_eq(buf_str(&b),
                     "{\"a\":1,\"b\":[null,{},null],\"c\\n\":\"\\u007f\\u0001\xef\xbf\xbd\"}");
    buf_release(&b);
}
END_TEST

START_TEST(skip_agrees_with_parse)
{
    struct rng r;
    rng_seed(&r, 11);
    static const char alphabet[] = "{}[]\",:0123456789eE+-. \\untrfalse";
    char s[24];
    for (int k = 0; k < 200000; k++) {
        size_t n = rng_below(&r, sizeof(s));
        for (size_t i = 0; i < n; i++)
            s[i] = alphabet[rng_below(&r, sizeof(alphabet) - 1)];
        struct json *v;
        size_t used = json_skip(slice_of(s, n));
        bool whole = used && slice_trim(slice_of(s + used, n - used)).len == 0;
        ck_assert_msg(json_parse(&a, slice_of(s, n), 0, &v, NULL) == whole, "%.*s", (int)n, s);
        arena_clear(&a);
    }
    arena_release(&a);
}
END_TEST

START_TEST(equality_ignores_the_order_of_members)
{
    ck_assert(json_equal(parse("{\"a\":1,\"b\":[2]}"), parse("{\"b\":[2.0],\"a\":1}")));
    ck_assert(!json_equal(parse("{\"a\":1}"), parse("{\"a\":1,\"b\":null}")));
    ck_assert(!json_equal(parse("9007199254740993"), parse("9007199254740992")));
    arena_release(&a);
}
END_TEST

UNIT_MAIN("json", values_round_trip, what_is_not_json_is_refused_with_its_place,
          comments_are_for_pipeline_files, deep_nesting_is_an_error_not_a_crash,
          getters_give_the_default_for_what_is_absent_or_of_another_type,
          trees_can_be_built_and_changed, the_writer_puts_commas_itself, skip_agrees_with_parse,
          equality_ignores_the_order_of_members)
