/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The profile of small inputs whose figures are known by hand; the record's text; formats; the
 * chance of another schema. */
#include <math.h>
#include <unistd.h>

#include "base/instant.h"
#include "profile/evolution.h"
#include "profile/formats.h"
#include "profile/profile.h"
#include "tests/unit/suite.h"

static struct arena mem, earlier[32];
static size_t nearlier;
static struct profile_result res;

/* Keeps the last result: strings are in `mem` or live as long as the test. */
static bool keep(void *ctx, const struct profile *p, struct arena *a, struct profile_result *r,
                 struct err *err)
{
    (void)ctx;
    (void)p;
    (void)err;
    res = *r;
    ck_assert(nearlier < ARRAY_LEN(earlier));
    earlier[nearlier++] = mem; /* still in use, perhaps: each test runs in its own process */
    mem = *a;
    arena_init(a, NULL);
    return true;
}

/* Profiles a text as a file of this format; every test runs in its own process. */
static const struct rec_profile *profile_text(const char *text, size_t len, enum format format,
                                              const struct profile_opts *o)
{
    char path[] = "/tmp/foreline-profile.XXXXXX";
    int fd = mkstemp(path);
    struct err err = ERR_INIT;
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, len), (ssize_t)len);
    close(fd);
    struct reader_opts ro = {.format = format};
    const struct profile_input in = {.path = path, .opts = &ro, .emit = keep};
    const struct profile_opts all = {.sample_rate = 1, .seed = 1996, .fast = false};
    bool ok = profile_run(&in, o ? o : &all, &err);
    unlink(path);
    ck_assert_msg(ok, "%s", err.text);
    return &res.record;
}

static const struct rec_profile *csv(const char *text)
{
    return profile_text(text, strlen(text), FORMAT_CSV, NULL);
}

static const struct rec_profile *jsonl(const char *text)
{
    return profile_text(text, strlen(text), FORMAT_JSONL, NULL);
}

static const struct rec_column *column(const struct rec_profile *p, const char *name)
{
    const struct rec_column *c = rec_profile_column(p, slice_str(name));
    ck_assert_msg(c != NULL, "no column %s", name);
    return c;
}

/* Issue of a rule (and column, when not NULL) or NULL. */
static const struct rec_issue *issue(const struct rec_profile *p, const char *rule,
                                     const char *name)
{
    for (uint32_t i = 0; i < p->nissues; i++)
        if (strcmp(p->issues[i].rule, rule) == 0 &&
            (name == NULL || (p->issues[i].column && strcmp(p->issues[i].column, name) == 0)))
            return &p->issues[i];
    return NULL;
}

static void near(double got, double want)
{
    ck_assert_msg(fabs(got - want) <= 1e-12 * (1 + fabs(want)), "%.17g is not %.17g", got, want);
}

START_TEST(figures_of_a_small_table)
{
    const struct rec_profile *p = csv("id,price,ok,day,at,name\n"
                                      "1,1.50,true,2026-01-02,2026-01-02T10:00:00Z,a\n"
                                      "2,2.5,false,2026-01-01,2026-01-02T10:00:10Z,\n"
                                      "3,4,true,2026-01-03,2026-01-02 10:00:20Z,\"\"\n"
                                      "4,,true,,2026-01-02T12:00:30+02:00,a\n");
    ck_assert(p->records == 4 && p->records_seen == 4 && p->records_profiled == 4);
    ck_assert(p->first_record == 1 && p->last_record == 4 && p->sample_rate == 1);
    ck_assert(isnan(p->sample_seed));
    const struct rec_column *c = column(p, "id");
    ck_assert(c->type == TYPE_INTEGER && c->nulls == 0 && c->distinct == 4 &&
              c->distinct_error == 0);
    ck_assert(slice_is(c->min, "1") && slice_is(c->max, "4"));
    near(c->mean, 2.5);
    near(c->stddev, sqrt(5.0 / 3));
    near(c->skewness, 0);
    near(c->kurtosis, -1.2);
    near(c->quantiles[3], 2.5);
    ck_assert(c->outliers == 0 && c->ntop == 4 && c->bytes == 4);
    c = column(p, "price");
    ck_assert(c->type == TYPE_FLOAT && c->nulls == 1);
    ck_assert(slice_is(c->min, "1.5") && slice_is(c->max, "4"));
    ck_assert(c->types[TYPE_INTEGER] == 1 && c->types[TYPE_FLOAT] == 2);
    c = column(p, "ok");
    ck_assert(c->type == TYPE_BOOLEAN && slice_is(c->min, "\"false\"") && c->distinct == 2);
    ck_assert(c->top[0].count == 3 && slice_is(c->top[0].value, "true"));
    c = column(p, "day");
    ck_assert(c->type == TYPE_DATE && slice_is(c->max, "\"2026-01-03\"") && isnan(c->mean));
    c = column(p, "at");
    ck_assert(c->type == TYPE_TIMESTAMP);
    ck_assert(slice_is(c->min, "\"2026-01-02T10:00:00Z\""));
    ck_assert(slice_is(c->max, "\"2026-01-02T10:00:30Z\""));
    c = column(p, "name"); /* "" is a value, an empty field is none */
    ck_assert(c->type == TYPE_STRING && c->nulls == 1 && c->distinct == 2);
    ck_assert(slice_is(c->min, "\"\""));
    ck_assert_str_eq(p->from, "2026-01-02T10:00:00Z");
    ck_assert_str_eq(p->to, "2026-01-02T10:00:30Z");
    near(p->records_per_second, 0.1);
    near(p->completeness, 21.0 / 24);
    ck_assert(p->accuracy == 1 && p->consistency == 1);
    near(p->data_quality_score, 21.0 / 24);
    const struct rec_issue *i = issue(p, "null", "day");
    ck_assert(i != NULL && i->count == 1 && i->first_line == 5);
}
END_TEST

START_TEST(codes_with_leading_zeros_are_text_and_not_an_issue)
{
    const struct rec_profile *p = csv("zip\n02139\n10001\n94103\n00501\n");
    const struct rec_column *c = column(p, "zip");
    ck_assert(c->type == TYPE_STRING && c->types[TYPE_STRING] == 2);
    ck_assert(c->nformats == 1);
    ck_assert_str_eq(c->formats[0], "leading_zeros");
    ck_assert(slice_is(c->min, "\"00501\"") && slice_is(c->max, "\"94103\""));
    ck_assert(p->data_quality_score == 1 && p->nissues == 0);
}
END_TEST

START_TEST(a_value_of_another_kind_is_named_with_its_line)
{
    const struct rec_profile *p = csv("n,s\n1,x\n2,y\nn/a,z\n4,7\n2026-01-01,w\n");
    ck_assert(column(p, "n")->type == TYPE_STRING);
    const struct rec_issue *i = issue(p, "mixed_types", "n");
    ck_assert(i != NULL && i->count == 2 && i->first_line == 4);
    i = issue(p, "mixed_types", "s");
    ck_assert(i != NULL && i->count == 1 && i->first_line == 5);
    near(p->consistency, 7.0 / 10);
}
END_TEST

START_TEST(integers_are_exact_beyond_2_to_the_53)
{
    const struct rec_profile *p =
        csv("n\n9007199254740993\n-9223372036854775808\n9223372036854775807\n");
    const struct rec_column *c = column(p, "n");
    ck_assert(c->type == TYPE_INTEGER && c->distinct == 3);
    ck_assert(slice_is(c->min, "-9223372036854775808"));
    ck_assert(slice_is(c->max, "9223372036854775807"));
    ck_assert(column(csv("n\n9223372036854775808\n"), "n")->type == TYPE_STRING);
}
END_TEST

START_TEST(json_lines_keep_their_own_types)
{
    const struct rec_profile *p = jsonl("{\"a\":1,\"b\":\"1\",\"c\":[1,2],\"d\":\"2026-01-01\"}\n"
                                        "{\"a\":2.5,\"b\":\"true\",\"c\":{\"x\":1},\"d\":null}\n"
                                        "{\"b\":\"007\",\"a\":true}\n");
    const struct rec_column *c = column(p, "a");
    ck_assert(c->types[TYPE_INTEGER] == 1 && c->types[TYPE_FLOAT] == 1 &&
              c->types[TYPE_BOOLEAN] == 1);
    ck_assert(c->type == TYPE_STRING);
    c = column(p, "b"); /* a number in quotes is a string */
    ck_assert(c->type == TYPE_STRING && c->types[TYPE_STRING] == 3);
    ck_assert(issue(p, "mixed_types", "b") == NULL);
    c = column(p, "c");
    ck_assert(c->type == TYPE_JSON && c->nulls == 1 && c->min.len == 0);
    c = column(p, "d");
    ck_assert(c->type == TYPE_DATE && c->nulls == 2);
    const struct rec_issue *i = issue(p, "null", "d");
    ck_assert(i != NULL && i->first_line == 2);
}
END_TEST

START_TEST(nothing_has_a_profile_too)
{
    const struct rec_profile *p = csv("");
    ck_assert(p->records == 0 && p->ncolumns == 0 && isnan(p->data_quality_score));
    p = csv("a,b\n");
    ck_assert(p->records == 0 && p->ncolumns == 2 && isnan(p->first_record));
    ck_assert(column(p, "a")->type == TYPE_NONE && column(p, "a")->distinct == 0);
    ck_assert(isnan(p->avg_record_size) && isnan(p->completeness));
    p = csv("a,b\n,\n,\n");
    ck_assert(p->records == 2 && p->completeness == 0 && p->data_quality_score == 0);
    ck_assert(isnan(p->consistency));
}
END_TEST

START_TEST(malformed_records_are_issues_and_lower_accuracy)
{
    const struct rec_profile *p = csv("a,b\n1,2\n3\n4,5,6\n7,8\n");
    const struct rec_issue *i = issue(p, "ragged_row", NULL);
    ck_assert(i != NULL && i->count == 2 && i->first_line == 3);
    near(p->accuracy, 0.5);
    ck_assert(p->records == 4 && column(p, "b")->nulls == 1);
    ck_assert_uint_eq(res.nfaults, 1);
    ck_assert_uint_eq(res.faults[0].count, 2);
    p = jsonl("{\"a\":1}\nnonsense\n{\"a\":2}\n[1]\n");
    ck_assert(p->records == 2);
    near(p->accuracy, 0.5);
    ck_assert(issue(p, "not_json", NULL)->first_line == 2);
    ck_assert(issue(p, "not_an_object", NULL)->first_line == 4);
}
END_TEST

START_TEST(a_record_with_several_faults_is_malformed_once)
{
    static const char text[] = "a,b\n1,\"x\n\0y\",3\n2,\xff,4\n5,6\n";
    const struct rec_profile *p = profile_text(text, sizeof(text) - 1, FORMAT_CSV, NULL);
    ck_assert(p->records == 3);
    ck_assert(issue(p, "ragged_row", NULL)->count == 2);
    ck_assert(issue(p, "nul_byte", NULL)->count == 1);
    ck_assert(issue(p, "invalid_utf8", NULL)->count == 1);
    near(p->accuracy, 1.0 / 3);
    /* Faults of records that are lost count too, also behind the last batch. */
    p = jsonl("{\"a\":1}\nx\ny\nz\n");
    near(p->accuracy, 0.25);
}
END_TEST

START_TEST(a_format_is_named_and_what_breaks_it_is_an_issue)
{
    struct buf b = BUF_INIT(BUF_UNBOUNDED);
    buf_adds(&b, "mail,host\n");
    for (int i = 0; i < 99; i++)
        buf_addf(&b, "user%d@example.com,10.0.0.%d\n", i, i);
    buf_adds(&b, "not an address,10.0.0.256\n");
    const struct rec_profile *p = csv(buf_str(&b));
    ck_assert_str_eq(column(p, "mail")->formats[0], "email");
    ck_assert_str_eq(column(p, "host")->formats[0], "ip");
    const struct rec_issue *i = issue(p, "not_email", "mail");
    ck_assert(i != NULL && i->count == 1 && i->first_line == 101);
    ck_assert(issue(p, "not_ip", "host")->first_line == 101);
    ck_assert(p->data_quality_score == 1); /* still strings in a column of strings */
    buf_release(&b);
}
END_TEST

START_TEST(formats_are_exact)
{
    static const struct {
        const char *text, *format;
    } cases[] = {
        {"123e4567-e89b-12d3-a456-426614174000", "uuid"},
        {"123e4567-e89b-12d3-a456-42661417400g", NULL},
        {"123e4567e89b12d3a456426614174000", NULL},
        {"a@b.co", "email"},
        {"first.last+tag@sub.example.org", "email"},
        {"a@b", NULL},
        {"@b.co", NULL},
        {"a@@b.co", NULL},
        {"a..b@c.de", NULL},
        {".a@c.de", NULL},
        {"a@-c.de", NULL},
        {"a@c.de.", NULL},
        {"https://example.com/a?b=c", "url"},
        {"s3://bucket/key", "url"},
        {"file:///tmp/x", "url"},
        {"http://", NULL},
        {"http:///x", NULL},
        {"http://a b", NULL},
        {"1.2.3.4", "ip"},
        {"255.255.255.255", "ip"},
        {"256.1.1.1", NULL},
        {"1.2.3", NULL},
        {"1.2.3.4.5", NULL},
        {"01.2.3.4", NULL},
        {"::1", "ip"},
        {"::", "ip"},
        {"fe80::1", "ip"},
        {"2001:db8:0:0:0:0:2:1", "ip"},
        {"::ffff:1.2.3.4", "ip"},
        {"1:2:3:4:5:6:7", NULL},
        {"1:2:3:4:5:6:7:8:9", NULL},
        {"1::2::3", NULL},
        {"12345::", NULL},
        {"1:2:3:4:5:6:7:", NULL},
        {":1:2", NULL},
        {"10:30", NULL},
        {"", NULL},
        {"x", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        unsigned found = profile_formats(slice_str(cases[i].text));
        const char *name = NULL;
        for (unsigned f = 0; f < FORMATS; f++)
            if (found >> f & 1)
                name = profile_format_names[f];
        ck_assert_msg((name == NULL) == (cases[i].format == NULL) &&
                          (name == NULL || strcmp(name, cases[i].format) == 0),
                      "'%s' is %s", cases[i].text, name ? name : "nothing");
    }
    ck_assert(profile_is_zero_code(SLICE_LIT("00")));
    ck_assert(!profile_is_zero_code(SLICE_LIT("0")));
    ck_assert(!profile_is_zero_code(SLICE_LIT("0.5")));
    ck_assert(!profile_is_zero_code(SLICE_LIT("12")));
}
END_TEST

static char *numbers(size_t n)
{
    struct buf b = BUF_INIT(BUF_UNBOUNDED);
    buf_adds(&b, "n\n");
    for (size_t i = 0; i < n; i++)
        buf_addf(&b, "%zu\n", (i * 7919) % n);
    return buf_detach(&b);
}

START_TEST(a_sample_is_seeded_and_has_its_rate)
{
    char *text = numbers(100000);
    struct profile_opts o = {.sample_rate = 0.1, .seed = 7, .fast = false};
    struct rec_profile p = *profile_text(text, strlen(text), FORMAT_CSV, &o);
    ck_assert(p.sample_rate == 0.1 && p.sample_seed == 7);
    ck_assert(p.records == 100000 && p.records_seen == 100000);
    ck_assert(fabs(p.records_profiled - 10000) < 5 * 95); /* binomial: deviation 95 */
    ck_assert(column(&p, "n")->records == p.records_profiled);
    near(p.completeness, 1);
    struct rec_profile again = *profile_text(text, strlen(text), FORMAT_CSV, &o);
    ck_assert(again.records_profiled == p.records_profiled);
    ck_assert(column(&again, "n")->mean == column(&p, "n")->mean);
    o.seed = 8;
    ck_assert(column(profile_text(text, strlen(text), FORMAT_CSV, &o), "n")->mean !=
              column(&p, "n")->mean);
    free(text);
}
END_TEST

START_TEST(fast_leaves_out_what_it_says)
{
    char *text = numbers(10000);
    struct profile_opts o = {.sample_rate = 1, .seed = 7, .fast = true};
    const struct rec_column *c = column(profile_text(text, strlen(text), FORMAT_CSV, &o), "n");
    near(c->mean, 4999.5);
    ck_assert(c->type == TYPE_INTEGER && fabs(c->distinct - 10000) < 4 * c->distinct_error);
    ck_assert(c->top == NULL && c->formats == NULL && isnan(c->outliers));
    ck_assert(isnan(c->quantiles[3]));
    free(text);
}
END_TEST

START_TEST(estimates_of_a_long_column_are_within_their_errors)
{
    char *text = numbers(50000);
    const struct rec_column *c = column(profile_text(text, strlen(text), FORMAT_CSV, NULL), "n");
    ck_assert(c->distinct_error > 0);
    ck_assert(fabs(c->distinct - 50000) < 4 * c->distinct_error && c->distinct <= 50000);
    for (size_t i = 0; i < REC_QUANTILES; i++)
        ck_assert(fabs(c->quantiles[i] - rec_quantile_at[i] * 49999) < 0.004 * 50000);
    ck_assert(c->ntop == 0); /* no value is frequent */
    ck_assert(c->outliers == 0);
    free(text);
}
END_TEST

START_TEST(extremes_of_long_texts_are_cut_and_said_to_be)
{
    struct buf b = BUF_INIT(BUF_UNBOUNDED);
    buf_adds(&b, "s\n");
    for (int i = 0; i < 1500; i++)
        buf_adds(&b, "\xc3\xa9");
    buf_adds(&b, "\nb\n");
    const struct rec_profile *p = csv(buf_str(&b));
    const struct rec_column *c = column(p, "s");
    ck_assert(slice_is(c->min, "\"b\""));
    ck_assert_uint_gt(c->max.len, 1000);
    ck_assert_uint_le(c->max.len, 1026);
    ck_assert_uint_eq(c->max.len % 2, 0); /* whole characters between the quotes */
    ck_assert_uint_eq(p->ntruncated, 1);
    ck_assert_str_eq(p->truncated[0], "columns[0].max");
    buf_release(&b);
}
END_TEST

START_TEST(what_is_written_reads_back_the_same)
{
    struct rec_profile p =
        *csv("a,b,c\n1,x@y.zz,2026-01-01T00:00:00Z\n2,,\n1e300,\"q\"\"\xff\",\n1\n");
    struct buf first = BUF_INIT(BUF_UNBOUNDED), second = BUF_INIT(BUF_UNBOUNDED);
    p.dataset = "file:/tmp/a";
    rec_profile_write(&first, &p);
    ck_assert_int_eq(first.p[first.len - 1], '\n');
    struct json *v;
    struct err err = ERR_INIT;
    struct rec_profile back;
    ck_assert_msg(json_parse(&mem, buf_slice(&first), 0, &v, &err), "%s", err.text);
    ck_assert(rec_is(v, "profile") && !rec_is(v, "plan"));
    ck_assert_msg(rec_profile_read(&mem, v, &back, &err), "%s", err.text);
    rec_profile_write(&second, &back);
    ck_assert_str_eq(buf_str(&first), buf_str(&second));
    buf_release(&first);
    buf_release(&second);
}
END_TEST

START_TEST(a_record_that_is_no_profile_is_refused)
{
    static const char *const bad[] = {
        "{\"record\":\"profile\"}",
        "{\"columns\":[{\"type\":\"integer\"}]}",
        "{\"columns\":[{\"name\":\"a\"}]}",
        "{\"columns\":[{\"name\":\"a\",\"type\":\"quaternion\"}]}",
        "{\"columns\":[3]}",
        "[]",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct json *v;
        struct rec_profile p;
        struct err err = ERR_INIT;
        ck_assert(json_parse(&mem, slice_str(bad[i]), 0, &v, &err));
        ck_assert_msg(!rec_profile_read(&mem, v, &p, &err), "%s", bad[i]);
        ck_assert(err.kind == ERR_DATA && err.text[0] != '\0');
    }
}
END_TEST

START_TEST(a_huge_record_is_cut_below_16_mib_and_says_what_is_missing)
{
    /* Top lists that alone pass the limit; then so many columns that they do. */
    char *long_text = xmalloc(60001);
    memset(long_text, 'x', 60000);
    long_text[60000] = '\0';
    struct rec_top top[10];
    for (int i = 0; i < 10; i++)
        top[i] = (struct rec_top){slice_str(long_text), 1, 0};
    struct rec_column *c = xcalloc(100000, sizeof(*c));
    for (uint32_t i = 0; i < 100000; i++) {
        c[i] = (struct rec_column){.name = xasprintf("column_%u", i), .type = TYPE_INTEGER};
        c[i].min = c[i].max = SLICE_LIT("1");
        c[i].top = top;
        c[i].ntop = i < 100 ? 10 : 0;
    }
    struct rec_profile p = {.columns = c, .ncolumns = 1000}, back;
    struct buf out = BUF_INIT(BUF_UNBOUNDED);
    struct json *v;
    struct err err = ERR_INIT;
    rec_profile_write(&out, &p);
    ck_assert_uint_le(out.len, JSON_LINE_MAX);
    ck_assert(json_parse(&mem, buf_slice(&out), 0, &v, &err) &&
              rec_profile_read(&mem, v, &back, &err));
    ck_assert_uint_eq(back.ncolumns, 1000);
    ck_assert(back.columns[0].top == NULL && back.columns[0].quantiles[0] == 0);
    ck_assert_uint_eq(back.ntruncated, 1);
    ck_assert_str_eq(back.truncated[0], "columns[].top");
    p.ncolumns = 100000;
    buf_clear(&out);
    rec_profile_write(&out, &p);
    ck_assert_uint_le(out.len, JSON_LINE_MAX);
    ck_assert_uint_gt(out.len, JSON_LINE_MAX / 10 * 9);
    ck_assert(json_parse(&mem, buf_slice(&out), 0, &v, &err) &&
              rec_profile_read(&mem, v, &back, &err));
    ck_assert_uint_lt(back.ncolumns, 100000);
    ck_assert_uint_eq(json_len(json_get(v, "cardinality")), back.ncolumns);
    ck_assert_uint_eq(back.ntruncated, 3);
    for (uint32_t i = 0; i < 100000; i++)
        free((char *)(uintptr_t)c[i].name);
    free(c);
    free(long_text);
    buf_release(&out);
}
END_TEST

START_TEST(the_chance_of_another_schema)
{
    struct rec_profile p = *csv("a,b\n1,x\n");
    const char *same =
        "[{\"name\":\"a\",\"type\":\"integer\"},{\"name\":\"b\",\"type\":\"string\"}]";
    const char *other = "[{\"name\":\"a\",\"type\":\"integer\"}]";
    int64_t now;
    ck_assert(instant_parse(SLICE_LIT("2026-03-01T00:00:00Z"), &now));
    ck_assert(isnan(profile_evolution(NULL, 0, &p, now)));
    struct store_schema h[3] = {{.at = "2026-03-01T00:00:00Z", .columns = same},
                                {.at = "2026-03-01T00:00:00Z", .columns = same},
                                {.at = "2026-03-01T00:00:00Z", .columns = same}};
    /* What the store knows comes to the estimator as sightings, this one the last. */
    struct evolution_sighting seen[4] = {{now, false}, {now, false}, {now, false}, {now, false}};
    near(profile_evolution(h, 1, &p, now), evolution_next(seen, 2));
    near(profile_evolution(h, 3, &p, now), evolution_next(seen, 4));
    h[2].columns = other; /* what is here now differs from the last sighting */
    seen[3].changed = true;
    near(profile_evolution(h, 3, &p, now), evolution_next(seen, 4));
    h[2].changed = true;
    h[2].at = "2026-02-01T00:00:00Z";
    seen[2].changed = true;
    seen[2].at_us = now - 28 * 86400 * US_PER_S;
    near(profile_evolution(h, 3, &p, now), evolution_next(seen, 4));
    h[2].columns = "not json";
    seen[0].changed = false;
    seen[0].at_us = seen[2].at_us;
    seen[1] = (struct evolution_sighting){now, true};
    near(profile_evolution(h + 2, 1, &p, now), evolution_next(seen, 2));
}
END_TEST

UNIT_MAIN("profile", figures_of_a_small_table, codes_with_leading_zeros_are_text_and_not_an_issue,
          a_value_of_another_kind_is_named_with_its_line, integers_are_exact_beyond_2_to_the_53,
          json_lines_keep_their_own_types, nothing_has_a_profile_too,
          malformed_records_are_issues_and_lower_accuracy,
          a_record_with_several_faults_is_malformed_once,
          a_format_is_named_and_what_breaks_it_is_an_issue, formats_are_exact,
          a_sample_is_seeded_and_has_its_rate, fast_leaves_out_what_it_says,
          estimates_of_a_long_column_are_within_their_errors,
          extremes_of_long_texts_are_cut_and_said_to_be, what_is_written_reads_back_the_same,
          a_record_that_is_no_profile_is_refused,
          a_huge_record_is_cut_below_16_mib_and_says_what_is_missing, the_chance_of_another_schema)
