/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A Table Schema: which texts its types hold, how values compare, what is refused. */
#include "profile/expect_int.h"
#include "tests/unit/suite.h"

static struct arena mem;

static const struct case_of_value {
    const char *field, *text; /* members of the field beside its name */
    bool ok;
} values[] = {
    {"'type':'any'", "whatever", true},
    {"", "whatever", true},
    {"'type':'string'", "5", true},
    {"'type':'string','format':'email'", "a@b.de", true},
    {"'type':'string','format':'email'", "a@b", false},
    {"'type':'string','format':'uri'", "mailto:a@b.de", true},
    {"'type':'string','format':'uri'", "http://x/y?z#f", true},
    {"'type':'string','format':'uri'", "no uri", false},
    {"'type':'string','format':'uri'", "1:x", false},
    {"'type':'string','format':'uuid'", "123e4567-e89b-12d3-a456-426614174000", true},
    {"'type':'string','format':'uuid'", "123e4567", false},
    {"'type':'string','format':'binary'", "aGk=", true},
    {"'type':'string','format':'binary'", "aGk", false},
    {"'type':'integer'", "12", true},
    {"'type':'integer'", "+12", true},
    {"'type':'integer'", "-0012", true},
    {"'type':'integer'", "123456789012345678901234567890", true},
    {"'type':'integer'", "1.0", false},
    {"'type':'integer'", "1e3", false},
    {"'type':'integer'", "", false},
    {"'type':'integer'", "1,000", false},
    {"'type':'integer','groupChar':','", "1,000", true},
    {"'type':'integer','groupChar':','", ",100", false},
    {"'type':'integer','bareNumber':false", "95%", true},
    {"'type':'integer','bareNumber':false", "EUR -95", true},
    {"'type':'integer','bareNumber':false", "none", false},
    {"'type':'number'", "1.5", true},
    {"'type':'number'", ".5", true},
    {"'type':'number'", "+5.", true},
    {"'type':'number'", "-0.50e-3", true},
    {"'type':'number'", "1E400", true},
    {"'type':'number'", "nan", true},
    {"'type':'number'", "-INF", true},
    {"'type':'number'", "1e", false},
    {"'type':'number'", "1.2.3", false},
    {"'type':'number'", ".", false},
    {"'type':'number'", "-", false},
    {"'type':'number','decimalChar':',','groupChar':'.'", "1.234,5", true},
    {"'type':'number','decimalChar':','", "1.5", false},
    {"'type':'boolean'", "TRUE", true},
    {"'type':'boolean'", "0", true},
    {"'type':'boolean'", "yes", false},
    {"'type':'boolean','trueValues':['yes'],'falseValues':['no']", "yes", true},
    {"'type':'boolean','trueValues':['yes'],'falseValues':['no']", "true", false},
    {"'type':'date'", "2026-02-28", true},
    {"'type':'date'", "2026-02-29", false},
    {"'type':'date'", "2026-2-28", false},
    {"'type':'date','format':'%d.%m.%y'", "1.2.26", true},
    {"'type':'date','format':'%d.%m.%y'", "31.2.26", false},
    {"'type':'date','format':'%d.%m.%y'", "1.2.26 ", false},
    {"'type':'date','format':'%d %B %Y'", "7 november 2026", true},
    {"'type':'date','format':'%a %d %b %Y'", "Sat 07 Nov 2026", true},
    {"'type':'date','format':'%Y-%j'", "2024-366", true},
    {"'type':'date','format':'%Y-%j'", "2026-366", false},
    {"'type':'date','format':'fmt:%Y%%%m%%%d'", "2026%1%2", true},
    {"'type':'time'", "23:59:60", true},
    {"'type':'time'", "24:00:00", false},
    {"'type':'time'", "12:00", false},
    {"'type':'time','format':'any'", "12:00", true},
    {"'type':'time','format':'any'", "12:00:00.25", true},
    {"'type':'time','format':'%I:%M %p'", "12:30 am", true},
    {"'type':'time','format':'%I:%M %p'", "13:30 PM", false},
    {"'type':'datetime'", "2026-01-26T15:00:00.300-05:00", true},
    {"'type':'datetime'", "2026-01-26T15:00:00", true},
    {"'type':'datetime'", "2026-01-26 15:00:00", false},
    {"'type':'datetime'", "2026-01-26", false},
    {"'type':'datetime','format':'any'", "2026-01-26 15:00", true},
    {"'type':'datetime','format':'any'", "2026-01-26", true},
    {"'type':'datetime','format':'%Y-%m-%dT%H:%M:%S.%f%z'", "2026-01-26T15:00:00.3+02:00", true},
    {"'type':'datetime','format':'%Y-%m-%dT%H:%M:%S%z'", "2026-01-26T15:00:00", false},
    {"'type':'year'", "2026", true},
    {"'type':'year'", "-0044", true},
    {"'type':'year'", "26", false},
    {"'type':'yearmonth'", "2026-12", true},
    {"'type':'yearmonth'", "2026-13", false},
    {"'type':'duration'", "P1Y2M3DT4H5M6.5S", true},
    {"'type':'duration'", "-PT36H", true},
    {"'type':'duration'", "P", false},
    {"'type':'duration'", "P1DT", false},
    {"'type':'duration'", "PT1Y", false},
    {"'type':'duration'", "P1M1Y", false},
    {"'type':'object'", "{\"a\":1}", true},
    {"'type':'object'", "[1]", false},
    {"'type':'array'", "[1,2]", true},
    {"'type':'array'", "[1,", false},
};

/* With ' for ". */
static struct expect *schema(const char *with, struct err *err)
{
    char *text = xstrdup(with);
    for (char *p = text; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    struct expect *e = expect_parse(slice_str(text), err);
    free(text);
    return e;
}

static struct expect *one_field(const char *members)
{
    struct err err = ERR_INIT;
    char *text = xasprintf("{'fields':[{'name':'a'%s%s}]}", members[0] ? "," : "", members);
    struct expect *e = schema(text, &err);
    ck_assert_msg(e != NULL, "%s: %s", members, err.text);
    free(text);
    return e;
}

START_TEST(a_type_holds_the_texts_that_the_standard_says)
{
    const struct case_of_value *c = &values[_i];
    struct expect *e = one_field(c->field);
    struct buf tmp = BUF_INIT(BUF_UNBOUNDED);
    struct logical v;
    bool ok = expect_value(&e->fields[0], slice_str(c->text), false, false, &tmp, &v);
    ck_assert_msg(ok == c->ok, "%s: '%s' %s", c->field, c->text, ok ? "is held" : "is not");
    buf_release(&tmp);
    expect_free(e);
}
END_TEST

static const struct {
    const char *field, *less, *more; /* more NULL: equal to less */
} orders[] = {
    {"'type':'number'", "-1", "+.5"},
    {"'type':'number'", "9007199254740992", "9007199254740993"},
    {"'type':'number'", "1e308", "INF"},
    {"'type':'integer'", "-123456789012345678901234567890", "7"},
    {"'type':'integer','groupChar':','", "999", "1,000"},
    {"'type':'date','format':'%d/%m/%Y'", "31/12/2025", "01/01/2026"},
    {"'type':'datetime'", "2026-01-01T12:00:00+02:00", "2026-01-01T10:00:01Z"},
    {"'type':'time','format':'%I:%M %p'", "12:59 AM", "1:00 AM"},
    {"'type':'yearmonth'", "2025-12", "2026-01"},
    {"'type':'year'", "-0044", "0001"},
    {"'type':'duration'", "P30D", "P1M"},
    {"'type':'duration'", "PT59M", "PT1H"},
};

START_TEST(values_compare_by_what_they_mean)
{
    struct expect *e = one_field(orders[_i].field);
    struct buf t1 = BUF_INIT(BUF_UNBOUNDED), t2 = BUF_INIT(BUF_UNBOUNDED);
    struct logical a, b;
    ck_assert(expect_value(&e->fields[0], slice_str(orders[_i].less), false, false, &t1, &a));
    ck_assert(expect_value(&e->fields[0], slice_str(orders[_i].more), false, false, &t2, &b));
    ck_assert_int_lt(logical_cmp(&a, &b), 0);
    ck_assert_int_gt(logical_cmp(&b, &a), 0);
    ck_assert_int_eq(logical_cmp(&a, &a), 0);
    buf_release(&t1);
    buf_release(&t2);
    expect_free(e);
}
END_TEST

static const struct {
    const char *schema, *message;
} refused[] = {
    {"[]", "no Table Schema: an object with 'fields' is one"},
    {"{'resources':[]}", "no Table Schema: an object with 'fields' is one (this is a data package: "
                         "take the 'schema' of one of its resources)"},
    {"{'fields':[{}]}", "fields[0] '': has no name"},
    {"{'fields':[5]}", "fields[0] '': has no name"},
    {"{'fields':[{'name':'a','type':'geopoint'}]}",
     "fields[0] 'a': type 'geopoint' cannot be checked"},
    {"{'fields':[{'name':'a','type':'date','format':'%U'}]}",
     "fields[0] 'a': format '%U': directive '%U' cannot be checked"},
    {"{'fields':[{'name':'a','type':'date','format':'iso'}]}",
     "fields[0] 'a': format 'iso' is none of type date"},
    {"{'fields':[{'name':'a','type':'integer','format':'hex'}]}",
     "fields[0] 'a': format 'hex' is none of type integer"},
    {"{'fields':[{'name':'a','type':'integer','constraints':{'minimum':'x'}}]}",
     "fields[0] 'a': constraint 'minimum': 'x' is no integer"},
    {"{'fields':[{'name':'a','type':'string','constraints':{'minimum':1}}]}",
     "fields[0] 'a': constraint 'minimum' is not for type string"},
    {"{'fields':[{'name':'a','type':'integer','constraints':{'minLength':1}}]}",
     "fields[0] 'a': constraint 'minLength' is not for type integer"},
    {"{'fields':[{'name':'a','type':'string','constraints':{'maxLength':-1}}]}",
     "fields[0] 'a': constraint 'maxLength' is no count"},
    {"{'fields':[{'name':'a','type':'object','constraints':{'jsonSchema':{}}}]}",
     "fields[0] 'a': constraint 'jsonSchema' cannot be checked"},
    {"{'fields':[{'name':'a','type':'boolean','constraints':{'enum':['yes']}}]}",
     "fields[0] 'a': constraint 'enum': 'yes' is no boolean"},
    {"{'fields':[{'name':'a','constraints':{'required':'yes'}}]}",
     "fields[0] 'a': constraint 'required' is neither true nor false"},
    {"{'fields':[{'name':'a','missingValues':'-'}]}", "fields[0] 'a': missingValues: is no array"},
    {"{'fields':[{'name':'a'}],'primaryKey':['b']}", "primaryKey: there is no field 'b'"},
    {"{'fields':[{'name':'a'}],'primaryKey':5}", "primaryKey: is no array of names"},
    {"{'fields':[{'name':'a'}],'uniqueKeys':[[]]}", "uniqueKeys: is no array of names"},
    {"{'fields':[],'fieldsMatch':'some'}",
     "fieldsMatch: is none of exact, equal, subset, superset, partial"},
};

START_TEST(what_cannot_be_checked_is_refused_by_name)
{
    struct err err = ERR_INIT;
    struct expect *e = schema(refused[_i].schema, &err);
    ck_assert_msg(e == NULL, "%s is taken", refused[_i].schema);
    ck_assert_int_eq(err.kind, ERR_DATA);
    ck_assert_str_eq(err.text, refused[_i].message);
}
END_TEST

START_TEST(a_pattern_must_match_the_whole_value)
{
    struct expect *e = one_field("'type':'string','constraints':{'pattern':'a|bc+'}");
    ck_assert(expect_matches(&e->fields[0], SLICE_LIT("a")));
    ck_assert(expect_matches(&e->fields[0], SLICE_LIT("bcc")));
    ck_assert(!expect_matches(&e->fields[0], SLICE_LIT("ab")));
    ck_assert(!expect_matches(&e->fields[0], SLICE_LIT("a\n")));
    ck_assert(!expect_matches(&e->fields[0], SLICE_LIT("")));
    expect_free(e);
    e = one_field("'type':'string','constraints':{'pattern':'(.)\\\\1'}"); /* only jq can */
    ck_assert(e->fields[0].regex == NULL);
    ck_assert(expect_matches(&e->fields[0], SLICE_LIT("xx")));
    ck_assert(!expect_matches(&e->fields[0], SLICE_LIT("xy")));
    ck_assert(!expect_matches(&e->fields[0], SLICE_LIT("xxx")));
    expect_free(e);
}
END_TEST

START_TEST(what_is_no_pattern_is_refused)
{
    struct err err = ERR_INIT;
    ck_assert_ptr_null(
        schema("{'fields':[{'name':'a','type':'string','constraints':{'pattern':'('}}]}", &err));
    ck_assert_int_eq(err.kind, ERR_DATA);
    ck_assert_msg(strstr(err.text, "fields[0] 'a': constraint 'pattern': '('") == err.text, "%s",
                  err.text);
}
END_TEST

START_TEST(nulls_are_for_the_reader_when_they_are_the_same_for_all)
{
    struct err err = ERR_INIT;
    struct expect *e = schema("{'fields':[{'name':'a'}],'missingValues':['','NA',"
                              "{'value':'-','label':'none'}]}",
                              &err);
    ck_assert_str_eq(expect_nulls(e)[0], "NA");
    ck_assert_str_eq(expect_nulls(e)[1], "-");
    ck_assert_ptr_null(expect_nulls(e)[2]);
    expect_free(e);
    e = schema("{'fields':[{'name':'a','missingValues':['x']}],'missingValues':['','NA']}", &err);
    ck_assert_ptr_null(expect_nulls(e));
    expect_free(e);
    e = schema("{'fields':[{'name':'a'}],'missingValues':['NA']}", &err);
    ck_assert_ptr_null(expect_nulls(e)); /* an empty field is an empty text then */
    expect_free(e);
}
END_TEST

static const char *seen_fields(const char *match, const char *fields, const char *const *have,
                               uint32_t n, bool json)
{
    struct err err = ERR_INIT;
    struct buf out = BUF_INIT(BUF_UNBOUNDED);
    char *text = xasprintf("{'fieldsMatch':'%s','fields':[%s]}", match, fields);
    struct expect *e = schema(text, &err);
    ck_assert_msg(e != NULL, "%s", err.text);
    struct field *columns = ARENA_ARRAY(&mem, struct field, n);
    for (uint32_t i = 0; i < n; i++)
        columns[i].name = arena_strdup(&mem, have[i]);
    struct expect_run *r = expect_begin(e, &(struct schema){columns, n}, json, false);
    size_t count;
    const struct expect_violation *v = expect_violations(r, &count);
    for (size_t i = 0; i < count; i++)
        buf_addf(&out, "%s%s %s", i ? "; " : "", v[i].column ? v[i].column : "-", v[i].rule);
    const char *answer = arena_strdup(&mem, buf_str(&out));
    expect_end(r);
    expect_free(e);
    buf_release(&out);
    free(text);
    return answer;
}

START_TEST(fields_are_matched_as_the_schema_asks)
{
    static const char *const ba[] = {"b", "a"}, *const abc[] = {"a", "b", "c"}, *const a[] = {"a"};
    static const char *const x[] = {"x"};
    static const char ab[] = "{'name':'a'},{'name':'b'}";
    ck_assert_str_eq(seen_fields("exact", ab, ba, 2, false), "a field_order");
    ck_assert_str_eq(seen_fields("exact", ab, ba, 2, true), "");
    ck_assert_str_eq(seen_fields("exact", ab, a, 1, false), "b missing_field");
    ck_assert_str_eq(seen_fields("equal", ab, ba, 2, false), "");
    ck_assert_str_eq(seen_fields("equal", ab, abc, 3, false), "c extra_field");
    ck_assert_str_eq(seen_fields("subset", ab, abc, 3, false), "");
    ck_assert_str_eq(seen_fields("subset", ab, a, 1, false), "b missing_field");
    ck_assert_str_eq(seen_fields("superset", ab, a, 1, false), "");
    ck_assert_str_eq(seen_fields("superset", ab, abc, 3, false), "c extra_field");
    ck_assert_str_eq(seen_fields("partial", ab, abc, 3, false), "");
    ck_assert_str_eq(seen_fields("partial", ab, x, 1, false), "- missing_field");
    arena_release(&mem);
}
END_TEST

static void none(void)
{
}

UNIT_MAIN_WITH("expect", none, none,
               {a_type_holds_the_texts_that_the_standard_says, ARRAY_LEN(values)},
               {values_compare_by_what_they_mean, ARRAY_LEN(orders)},
               {what_cannot_be_checked_is_refused_by_name, ARRAY_LEN(refused)},
               {a_pattern_must_match_the_whole_value, 0}, {what_is_no_pattern_is_refused, 0},
               {nulls_are_for_the_reader_when_they_are_the_same_for_all, 0},
               {fields_are_matched_as_the_schema_asks, 0})
