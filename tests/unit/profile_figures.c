/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Figures of columns beside their sketches, on small inputs that are known by hand: lines of types,
 * spellings of null, order, lengths, uniqueness, and the formats that stand for countries and
 * telephones. */
#include <math.h>
#include <unistd.h>

#include "profile/formats.h"
#include "profile/profile.h"
#include "tests/unit/suite.h"

static struct arena mem, earlier[32];
static size_t nearlier;
static struct rec_profile record;

static bool keep(void *ctx, const struct profile *p, struct arena *a, struct profile_result *r,
                 struct err *err)
{
    (void)ctx;
    (void)p;
    (void)err;
    record = r->record;
    ck_assert(nearlier < ARRAY_LEN(earlier));
    earlier[nearlier++] = mem; /* still in use, perhaps: each test runs in its own process */
    mem = *a;
    arena_init(a, NULL);
    return true;
}

static const struct rec_profile *profile_with(const char *text, bool fast)
{
    char path[] = "/tmp/foreline-profile.XXXXXX";
    int fd = mkstemp(path);
    struct err err = ERR_INIT;
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    struct reader_opts ro = {.format = text[0] == '{' ? FORMAT_JSONL : FORMAT_CSV};
    const struct profile_input in = {
        .path = path, .opts = &ro, .tick = NULL, .emit = keep, .emit_ctx = NULL};
    const struct profile_opts o = {.sample_rate = 1, .seed = 1996, .fast = fast};
    bool ok = profile_run(&in, &o, &err);
    unlink(path);
    ck_assert_msg(ok, "%s", err.text);
    return &record;
}

static const struct rec_column *column(const char *text, const char *name)
{
    const struct rec_column *c = rec_profile_column(profile_with(text, false), slice_str(name));
    ck_assert_msg(c != NULL, "no column %s", name);
    return c;
}

static const struct rec_issue *issue(const char *rule, const char *value)
{
    for (uint32_t i = 0; i < record.nissues; i++)
        if (strcmp(record.issues[i].rule, rule) == 0 &&
            (value == NULL ? record.issues[i].value == NULL
                           : record.issues[i].value && !strcmp(record.issues[i].value, value)))
            return &record.issues[i];
    return NULL;
}

START_TEST(every_type_is_named_with_its_first_line)
{
    const struct rec_column *c = column("v\n1\n2.5\n7\n007\ntrue\nx\n2026-01-01\n\n8\n", "v");
    ck_assert(c->first_lines[TYPE_INTEGER] == 2 && c->first_lines[TYPE_FLOAT] == 3);
    ck_assert(c->first_lines[TYPE_STRING] == 5); /* the code 007 */
    ck_assert(c->first_lines[TYPE_BOOLEAN] == 6 && c->first_lines[TYPE_DATE] == 8);
    ck_assert(c->first_lines[TYPE_TIMESTAMP] == 0);
}
END_TEST

START_TEST(spellings_of_null_are_reported_and_not_assumed)
{
    const struct rec_column *c =
        column("v,w\n1,a\nNA,b\n3,\"\"\nNA,  \n\\N,c\n-,Nan\nNAN,n/a\n-5,N/A \n", "v");
    ck_assert(c->nulls == 0 && c->type == TYPE_STRING);
    ck_assert_uint_eq(c->nspellings, 4);
    const struct rec_issue *i = issue("null_spelling", "NA");
    ck_assert(i != NULL && i->count == 2 && i->first_line == 3 && !strcmp(i->column, "v"));
    i = issue("null_spelling", "\\N");
    ck_assert(i != NULL && i->count == 1 && i->first_line == 6);
    ck_assert(issue("null_spelling", "-")->first_line == 7);
    ck_assert(issue("null_spelling", "NAN")->first_line == 8);
    i = issue("null_spelling", "");
    ck_assert(i != NULL && i->first_line == 4 && !strcmp(i->column, "w"));
    ck_assert(issue("null_spelling", " ")->first_line == 5);
    ck_assert(issue("null_spelling", "n/a")->first_line == 8);
    ck_assert(record.completeness == 1);
    c = rec_profile_column(&record, SLICE_LIT("w"));
    ck_assert_uint_eq(c->nspellings, 3); /* neither "Nan" nor "N/A " */
}
END_TEST

START_TEST(order_is_that_of_the_type)
{
    const char *text = "n,x,d,s,k,b\n9,3,2026-01-01,b,5,x\n10,2,2026-01-02,a,5,y\n"
                       "11,2,2026-01-02,c,5,z\n";
    ck_assert_str_eq(column(text, "n")->monotone, "strictly_increasing"); /* 9 < 10 by value */
    ck_assert_str_eq(rec_profile_column(&record, SLICE_LIT("x"))->monotone, "decreasing");
    ck_assert_str_eq(rec_profile_column(&record, SLICE_LIT("d"))->monotone, "increasing");
    ck_assert_str_eq(rec_profile_column(&record, SLICE_LIT("s"))->monotone, "none");
    ck_assert_str_eq(rec_profile_column(&record, SLICE_LIT("k"))->monotone, "constant");
    ck_assert(rec_profile_column(&record, SLICE_LIT("k"))->constant == REC_YES);
    ck_assert(rec_profile_column(&record, SLICE_LIT("b"))->constant == REC_NO);
    ck_assert(column("n\n5\n", "n")->monotone == NULL);
    /* The bytes of numbers are not asked, also when a late value is no number. */
    ck_assert_str_eq(column("n\n9\n10\nx\n", "n")->monotone, "none");
}
END_TEST

START_TEST(lengths_are_in_bytes)
{
    const struct rec_column *c = column("s\na\n\xc3\xa9t\xc3\xa9\n\"\"\n\nabcd\n", "s");
    ck_assert(c->length_min == 0 && c->length_max == 5);
    ck_assert(fabs(c->length_mean - 2.5) < 1e-12);
    ck_assert(isnan(column("s,t\n,1\n", "s")->length_max));
}
END_TEST

START_TEST(what_json_quotes_is_a_string)
{
    struct buf b = BUF_INIT(BUF_UNBOUNDED);
    for (int i = 0; i < 600; i++)
        buf_addf(&b, "{\"n\":%d,\"s\":\"%d\",\"z\":\"0%d\",\"m\":%s,\"d\":\"2026-01-%02d\"}\n", i,
                 i, i, i == 299 ? "\"7\"" : "7", 1 + i % 28);
    const struct rec_column *c = column(buf_str(&b), "s");
    ck_assert(c->type == TYPE_STRING && c->types[TYPE_STRING] == 600);
    c = rec_profile_column(&record, SLICE_LIT("z"));
    ck_assert(c->type == TYPE_STRING && c->types[TYPE_STRING] == 600);
    c = rec_profile_column(&record, SLICE_LIT("m"));
    ck_assert(c->type == TYPE_STRING && c->types[TYPE_STRING] == 1 &&
              c->types[TYPE_INTEGER] == 599);
    ck_assert(rec_profile_column(&record, SLICE_LIT("n"))->types[TYPE_INTEGER] == 600);
    ck_assert(rec_profile_column(&record, SLICE_LIT("d"))->types[TYPE_DATE] == 600);
    buf_release(&b);
}
END_TEST

START_TEST(elements_of_arrays_are_counted)
{
    const struct rec_column *c =
        column("{\"a\":[1,[2,3]]}\n{\"a\":[]}\n{\"a\":\"[1,2,3]\"}\n{\"a\":{\"b\":[1]}}\n{}\n"
               "{\"a\":[\"x\",null,{},4]}\n",
               "a");
    ck_assert(c->elements.arrays == 3 && c->elements.total == 6);
    ck_assert(c->elements.min == 0 && c->elements.mean == 2 && c->elements.max == 4);
    ck_assert(column("{\"a\":{\"b\":1}}\n", "a")->elements.arrays == 0);
    ck_assert(column("a\n\"[1,2]\"\n", "a")->elements.arrays == 0);
    /* What is written reads back. */
    struct buf line = BUF_INIT(BUF_UNBOUNDED);
    struct rec_profile again;
    struct json *v;
    struct err err = ERR_INIT;
    column("{\"a\":[1]}\n{\"a\":[1,2]}\n", "a");
    rec_profile_write(&line, &record);
    ck_assert(json_parse(&mem, buf_slice(&line), 0, &v, &err));
    ck_assert(rec_profile_read(&mem, v, &again, &err));
    c = rec_profile_column(&again, SLICE_LIT("a"));
    ck_assert(c->elements.arrays == 2 && c->elements.total == 3 && c->elements.mean == 1.5);
    buf_release(&line);
}
END_TEST

/* A column of n numbers: i * step modulo n, or sorted. */
static const struct rec_column *sequence(unsigned n, unsigned step, unsigned same)
{
    struct buf b = BUF_INIT(BUF_UNBOUNDED);
    buf_adds(&b, "k\n");
    for (unsigned i = 0; i < n; i++)
        buf_addf(&b, "%u\n", (unsigned)((uint64_t)i * step % n) / same);
    const struct rec_column *c = column(buf_str(&b), "k");
    buf_release(&b);
    return c;
}

START_TEST(uniqueness_is_claimed_as_far_as_it_is_known)
{
    const struct rec_column *c = sequence(4000, 7919, 1);
    ck_assert(c->unique == REC_YES && c->uniqueness == 1 && c->uniqueness_error == 0);
    ck_assert(c->key_candidate == REC_YES);
    c = sequence(4000, 1, 2);
    ck_assert(c->unique == REC_NO && c->uniqueness == 0.5 && c->key_candidate == REC_NO);
    c = sequence(20000, 7919, 1); /* an estimate cannot prove it */
    ck_assert(c->unique == REC_UNKNOWN && c->uniqueness_error > 0);
    ck_assert(c->key_candidate == REC_YES && fabs(c->uniqueness - 1) < 4 * c->uniqueness_error);
    c = sequence(20000, 1, 1); /* but a strict order does */
    ck_assert(c->unique == REC_YES && c->key_candidate == REC_YES);
    c = sequence(20000, 7919, 2);
    ck_assert(c->unique == REC_NO && c->key_candidate == REC_NO);
}
END_TEST

START_TEST(a_null_makes_no_key)
{
    const struct rec_column *c = column("k,v\n1,x\n,y\n2,z\n", "k");
    ck_assert(c->unique == REC_YES && c->key_candidate == REC_NO);
    c = column("k,v\n,x\n,y\n", "k");
    ck_assert(c->unique == REC_UNKNOWN && c->key_candidate == REC_UNKNOWN);
    ck_assert(c->constant == REC_UNKNOWN && isnan(c->uniqueness));
}
END_TEST

START_TEST(estimates_carry_their_bounds)
{
    const struct rec_column *c = sequence(4000, 7919, 1);
    ck_assert(c->quantile_error == 0 && c->outliers_error == 0);
    c = sequence(50000, 7919, 1);
    ck_assert(c->quantile_error > 0 && c->quantile_error < 0.002);
    ck_assert(c->outliers == 0 && c->outliers_error == 0); /* no value near the fences */
}
END_TEST

START_TEST(fast_leaves_them_out)
{
    const struct rec_profile *p = profile_with("a\n1\nNA\n", true);
    ck_assert(p->columns[0].monotone == NULL && p->columns[0].null_spellings == NULL);
    ck_assert(isnan(p->columns[0].length_max) && p->columns[0].first_lines[TYPE_STRING] == 3);
    ck_assert(p->columns[0].unique == REC_YES);
}
END_TEST

START_TEST(codes_of_countries_are_recognised)
{
    unsigned two = 0, three = 0;
    for (char a = 'A'; a <= 'Z'; a++)
        for (char b = 'A'; b <= 'Z'; b++) {
            char code[4] = {a, b, '\0', '\0'};
            two += profile_is_country(slice_str(code));
            for (code[2] = 'A'; code[2] <= 'Z'; code[2]++)
                three += profile_is_country(slice_str(code));
        }
    ck_assert_uint_eq(two, 249);
    ck_assert_uint_eq(three, 249);
    ck_assert(profile_is_country(SLICE_LIT("DE")) && profile_is_country(SLICE_LIT("DEU")));
    ck_assert(profile_is_country(SLICE_LIT("ZW")) && profile_is_country(SLICE_LIT("ABW")));
    ck_assert(!profile_is_country(SLICE_LIT("de")) && !profile_is_country(SLICE_LIT("EU")));
    ck_assert(!profile_is_country(SLICE_LIT("D")) && !profile_is_country(SLICE_LIT("GERM")));
    const struct rec_column *c = column("c,d\nDE,FRA\nFR,DEU\nUS,USA\n", "c");
    ck_assert_str_eq(c->formats[0], "country_alpha2");
    ck_assert_str_eq(record.columns[1].formats[0], "country_alpha3");
    ck_assert_uint_eq(column("c\nNA\nNA\n", "c")->nformats, 0); /* Namibia, hardly */
    ck_assert_uint_eq(column("c\nNA\nZA\nBW\n", "c")->nformats, 1);
}
END_TEST

START_TEST(telephone_numbers_are_recognised_and_plain_digits_are_not)
{
    static const char *const good[] = {
        "+4930123456",    "+49 30 1234-56", "+1 (212) 555-0123", "(212) 555-0123", "(212)555-0123",
        "212-555-0123",   "212.555.0123",   "1-212-555-0123",    "020 7946 0958",  "030/1234567",
        "(030) 123456-7", "06 12 34 56 78", "+33 6 12 34 56 78",
    };
    static const char *const bad[] = {
        "2125550123",
        "004930123456",
        "01/02/2024",
        "1990-1995",
        "123-45-6789",
        "12-31-2023",
        "1.234.567",
        "10.0.0.1",
        "978-3-16-148410-0",
        "0-306-40615-2",
        "00.123456789",
        "+12",
        "+",
        "(212 555-0123",
        "212--555-0123",
        "212-555-0123-",
        "112-555-01234",
        "012-555-0123 x1",
        "+0123456789",
        "1 234 567 890",
    };
    unsigned phone = 0;
    while (strcmp(profile_format_names[phone], "phone") != 0)
        phone++;
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        ck_assert_msg(profile_formats(slice_str(good[i])) == 1u << phone, "%s", good[i]);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_msg(!(profile_formats(slice_str(bad[i])) >> phone & 1), "%s", bad[i]);
}
END_TEST

UNIT_MAIN("figures of columns", every_type_is_named_with_its_first_line,
          spellings_of_null_are_reported_and_not_assumed, order_is_that_of_the_type,
          lengths_are_in_bytes, what_json_quotes_is_a_string, elements_of_arrays_are_counted,
          uniqueness_is_claimed_as_far_as_it_is_known, a_null_makes_no_key,
          estimates_carry_their_bounds, fast_leaves_them_out, codes_of_countries_are_recognised,
          telephone_numbers_are_recognised_and_plain_digits_are_not)
