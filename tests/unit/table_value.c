/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lib/table: types of values, type names, batches. */
#include "tests/unit/suite.h"

#include <math.h>

#include "base/buf.h"
#include "base/num.h"
#include "table/value.h"

static enum type type_of(const char *text, union value *v)
{
    return value_classify(slice_str(text), v);
}

START_TEST(each_text_has_its_narrowest_type)
{
    static const struct {
        const char *text;
        enum type type;
    } cases[] = {
        {"0", TYPE_INTEGER},
        {"-0", TYPE_INTEGER},
        {"-17", TYPE_INTEGER},
        {"9223372036854775807", TYPE_INTEGER},
        {"-9223372036854775808", TYPE_INTEGER},
        {"9223372036854775808", TYPE_STRING},
        {"-9223372036854775809", TYPE_STRING},
        {"18446744073709551617", TYPE_STRING},
        {"99999999999999999999", TYPE_STRING},
        {"007", TYPE_STRING},
        {"00", TYPE_STRING},
        {"+1", TYPE_STRING},
        {"1 ", TYPE_STRING},
        {" 1", TYPE_STRING},
        {"1,5", TYPE_STRING},
        {"1_000", TYPE_STRING},
        {"0x10", TYPE_STRING},
        {"", TYPE_STRING},
        {"-", TYPE_STRING},
        {"--1", TYPE_STRING},
        {"1.5", TYPE_FLOAT},
        {"-0.0", TYPE_FLOAT},
        {"1e3", TYPE_FLOAT},
        {"1E+3", TYPE_FLOAT},
        {"1.5e-3", TYPE_FLOAT},
        {"1.7976931348623157e308", TYPE_FLOAT},
        {"1e-400", TYPE_FLOAT},
        {"0.1234567890123456789012345", TYPE_FLOAT},
        {"1e999", TYPE_STRING},
        {"1.", TYPE_STRING},
        {".5", TYPE_STRING},
        {"-.5", TYPE_STRING},
        {"1e", TYPE_STRING},
        {"1e+", TYPE_STRING},
        {"1.5.2", TYPE_STRING},
        {"1e3x", TYPE_STRING},
        {"01.5", TYPE_STRING},
        {"nan", TYPE_STRING},
        {"inf", TYPE_STRING},
        {"true", TYPE_BOOLEAN},
        {"True", TYPE_BOOLEAN},
        {"TRUE", TYPE_BOOLEAN},
        {"false", TYPE_BOOLEAN},
        {"FALSE", TYPE_BOOLEAN},
        {"tRUE", TYPE_STRING},
        {"t", TYPE_STRING},
        {"truth", TYPE_STRING},
        {"2026-11-20", TYPE_DATE},
        {"0001-01-01", TYPE_DATE},
        {"2024-02-29", TYPE_DATE},
        {"2023-02-29", TYPE_STRING},
        {"2026-13-01", TYPE_STRING},
        {"2026-1-1", TYPE_STRING},
        {"20261120", TYPE_INTEGER},
        {"20/11/2026", TYPE_STRING},
        {"-2026-11-20", TYPE_STRING},
        {"2026-11-20T10:00", TYPE_TIMESTAMP},
        {"2026-11-20 10:00:00.123456", TYPE_TIMESTAMP},
        {"2026-11-20T10:00:00Z", TYPE_TIMESTAMP},
        {"2026-11-20T10:00:00+01:00", TYPE_TIMESTAMP},
        {"2026-11-20T25:00:00Z", TYPE_STRING},
        {"2026-11-20T", TYPE_STRING},
        {"{}", TYPE_STRING},
        {"null", TYPE_STRING},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        union value v;
        enum type got = type_of(cases[i].text, &v);
        ck_assert_msg(got == cases[i].type, "'%s' is %s", cases[i].text, type_name(got));
    }
}
END_TEST

START_TEST(values_come_with_the_type)
{
    union value v;
    ck_assert(type_of("-9223372036854775808", &v) == TYPE_INTEGER && v.i == INT64_MIN);
    ck_assert(type_of("2.50", &v) == TYPE_FLOAT && v.f == 2.5);
    ck_assert(type_of("-0.0", &v) == TYPE_FLOAT && v.f == 0 && signbit(v.f));
    ck_assert(type_of("1970-01-02", &v) == TYPE_DATE && v.i == 1);
    ck_assert(type_of("1970-01-01T00:00:01Z", &v) == TYPE_TIMESTAMP && v.i == 1000000);
    ck_assert(type_of("True", &v) == TYPE_BOOLEAN && v.b);
    /* The fast path and strtod agree to the last bit. */
    static const char *const floats[] = {"0.1",
                                         "123456.789",
                                         "9007199254740993.0",
                                         "0.30000000000000004",
                                         "1234567890.123456789",
                                         "5e-324",
                                         "179769313486231570000.5",
                                         "0.0000000000000000000001"};
    for (size_t i = 0; i < ARRAY_LEN(floats); i++) {
        ck_assert(type_of(floats[i], &v) == TYPE_FLOAT);
        ck_assert_msg(v.f == strtod(floats[i], NULL), "%s", floats[i]);
    }
}
END_TEST

START_TEST(a_text_holds_as_wider_types_too)
{
    union value v;
    ck_assert(value_parse(SLICE_LIT("12"), TYPE_FLOAT, &v) && v.f == 12);
    ck_assert(value_parse(SLICE_LIT("-0"), TYPE_FLOAT, &v) && signbit(v.f));
    ck_assert(value_parse(SLICE_LIT("99999999999999999999"), TYPE_FLOAT, &v) && v.f == 1e20);
    ck_assert(!value_parse(SLICE_LIT("12.0"), TYPE_INTEGER, &v));
    ck_assert(!value_parse(SLICE_LIT("2026-11-20"), TYPE_TIMESTAMP, &v));
    ck_assert(!value_parse(SLICE_LIT("abc"), TYPE_FLOAT, &v));
    ck_assert(!value_parse(SLICE_LIT("1"), TYPE_BOOLEAN, &v));
    ck_assert(value_parse(SLICE_LIT("anything"), TYPE_STRING, &v));
    ck_assert(value_parse(SLICE_LIT("{\"a\":[1,2]}"), TYPE_JSON, &v));
    ck_assert(!value_parse(SLICE_LIT("{\"a\":[1,2]"), TYPE_JSON, &v));
    ck_assert(!value_parse(SLICE_LIT("1 2"), TYPE_JSON, &v));
    ck_assert(!value_parse(SLICE_LIT(""), TYPE_JSON, &v));
}
END_TEST

START_TEST(type_names_of_others_are_understood)
{
    enum type t;
    for (int k = TYPE_BOOLEAN; k < TYPE_COUNT; k++)
        ck_assert(type_parse(type_name((enum type)k), &t) && (int)t == k);
    ck_assert(type_parse("BIGINT", &t) && t == TYPE_INTEGER);
    ck_assert(type_parse("Varchar", &t) && t == TYPE_STRING);
    ck_assert(type_parse("number", &t) && t == TYPE_FLOAT);
    ck_assert(type_parse("datetime", &t) && t == TYPE_TIMESTAMP);
    ck_assert(type_parse("TIMESTAMP WITH TIME ZONE", &t) && t == TYPE_TIMESTAMP);
    ck_assert(type_parse("object", &t) && t == TYPE_JSON);
    ck_assert(!type_parse("bignum", &t) && !type_parse("", &t));
    ck_assert_str_eq(type_name(TYPE_NONE), "string");
}
END_TEST

START_TEST(joining_types_is_commutative_and_associative)
{
    for (int a = 0; a < TYPE_COUNT; a++) {
        for (int b = 0; b < TYPE_COUNT; b++) {
            enum type ab = type_join((enum type)a, (enum type)b);
            ck_assert(ab == type_join((enum type)b, (enum type)a));
            for (int c = 0; c < TYPE_COUNT; c++)
                ck_assert(type_join(ab, (enum type)c) ==
                          type_join((enum type)a, type_join((enum type)b, (enum type)c)));
        }
    }
    ck_assert(type_join(TYPE_INTEGER, TYPE_FLOAT) == TYPE_FLOAT);
    ck_assert(type_join(TYPE_DATE, TYPE_TIMESTAMP) == TYPE_STRING);
    ck_assert(type_join(TYPE_NONE, TYPE_DATE) == TYPE_DATE);
    ck_assert(type_join(TYPE_JSON, TYPE_INTEGER) == TYPE_JSON);
}
END_TEST

/* 100 rows: an integer column with its row number, text beside it, null at every tenth. */
static struct batch *numbers(struct mem_account *acct)
{
    struct batch *b = batch_new(2, acct);
    b->rows = 100;
    column_alloc(b, 0, TYPE_INTEGER, false);
    column_alloc(b, 1, TYPE_STRING, true);
    b->line = arena_alloc(&b->mem, sizeof(uint64_t) * 100);
    for (uint32_t i = 0; i < 100; i++) {
        b->cols[0].v.i64[i] = i;
        if (i % 10)
            column_set_valid(&b->cols[0], i);
        const char *s = arena_printf(&b->mem, "t%u", i);
        b->cols[1].text[i] = (struct text){s, (uint32_t)strlen(s), 0};
        column_set_valid(&b->cols[1], i);
        b->line[i] = i + 2;
    }
    return b;
}

START_TEST(filtering_keeps_rows_and_picks_columns)
{
    struct mem_account acct = {0, 0};
    struct batch *b = numbers(&acct);
    uint64_t keep[BATCH_WORDS];
    memset(keep, 0xff, sizeof(keep)); /* bits beyond the rows are ignored */
    keep[0] = UINT64_C(1) << 10 | UINT64_C(1) << 63;
    keep[1] = UINT64_C(1) << 1;
    const uint32_t pick[] = {1, 0};
    struct batch *f = batch_filter(b, keep, pick, 2, &acct);
    ck_assert_uint_eq(f->rows, 3);
    ck_assert(slice_is(text_slice(f->cols[0].text[0]), "t10"));
    ck_assert(slice_is(text_slice(f->cols[0].text[2]), "t65"));
    ck_assert(!column_valid(&f->cols[1], 0) && column_valid(&f->cols[1], 1));
    ck_assert(f->cols[1].v.i64[1] == 63 && f->line[2] == 67);
    batch_unref(b); /* the filtered one keeps it */
    ck_assert(slice_is(text_slice(f->cols[0].text[1]), "t63"));
    batch_unref(f);
    ck_assert_uint_eq(acct.now, 0);
    ck_assert_uint_gt(acct.peak, 0);
}
END_TEST

START_TEST(filtering_that_keeps_all_shares_the_columns)
{
    struct batch *b = numbers(NULL);
    uint64_t keep[BATCH_WORDS];
    memset(keep, 0xff, sizeof(keep));
    struct batch *f = batch_filter(b, keep, NULL, 0, NULL);
    ck_assert_uint_eq(f->rows, 100);
    ck_assert(f->cols[0].v.i64 == b->cols[0].v.i64 && f->line == b->line);
    batch_unref(b);
    ck_assert(f->cols[0].v.i64[99] == 99);
    memset(keep, 0, sizeof(keep));
    struct batch *none = batch_filter(f, keep, NULL, 0, NULL);
    ck_assert_uint_eq(none->rows, 0);
    batch_unref(none);
    batch_unref(f);
}
END_TEST

START_TEST(a_long_chain_of_batches_is_let_go)
{
    struct mem_account acct = {0, 0};
    uint64_t keep[BATCH_WORDS];
    memset(keep, 0xff, sizeof(keep));
    struct batch *b = numbers(&acct);
    for (int i = 0; i < 20000; i++) {
        struct batch *f = batch_filter(b, keep, NULL, 0, &acct);
        batch_unref(b);
        b = f;
    }
    batch_unref(b);
    ck_assert_uint_eq(acct.now, 0);
}
END_TEST

START_TEST(columns_without_text_are_formatted)
{
    struct batch *b = batch_new(3, NULL);
    struct buf tmp = BUF_INIT(NUM_TEXT_MAX);
    b->rows = 1;
    column_alloc(b, 0, TYPE_INTEGER, false);
    column_alloc(b, 1, TYPE_FLOAT, false);
    column_alloc(b, 2, TYPE_BOOLEAN, false);
    b->cols[0].v.i64[0] = INT64_MIN;
    b->cols[1].v.f64[0] = 0.1;
    b->cols[2].v.b8[0] = 1;
    ck_assert(slice_is(column_text(&b->cols[0], 0, &tmp), "-9223372036854775808"));
    ck_assert(slice_is(column_text(&b->cols[1], 0, &tmp), "0.1"));
    ck_assert(slice_is(column_text(&b->cols[2], 0, &tmp), "true"));
    buf_release(&tmp);
    batch_unref(b);
}
END_TEST

START_TEST(schemas_are_copied_and_searched_by_name)
{
    struct arena a = ARENA_INIT;
    char name[] = "b";
    struct field fields[] = {{(char[]){"a"}, TYPE_STRING, true}, {name, TYPE_INTEGER, false}};
    struct schema s = {fields, 2}, copy;
    schema_copy(&a, &copy, &s);
    name[0] = 'x';
    ck_assert_int_eq(schema_find(&copy, SLICE_LIT("b")), 1);
    ck_assert_int_eq(schema_find(&copy, SLICE_LIT("B")), -1);
    ck_assert(copy.fields[1].type == TYPE_INTEGER && !copy.fields[1].nullable);
    arena_release(&a);
}
END_TEST

UNIT_MAIN("table_value", each_text_has_its_narrowest_type, values_come_with_the_type,
          a_text_holds_as_wider_types_too, type_names_of_others_are_understood,
          joining_types_is_commutative_and_associative, filtering_keeps_rows_and_picks_columns,
          filtering_that_keeps_all_shares_the_columns, a_long_chain_of_batches_is_let_go,
          columns_without_text_are_formatted, schemas_are_copied_and_searched_by_name)
