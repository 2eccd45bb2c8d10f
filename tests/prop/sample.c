/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Estimates of sampling mode hold the truth in 95 of 100 samples: over seeds, of counts, sums and
 * means by group and of the records that stages give; from blocks, records and keys, behind filters
 * and joins; on a file whose groups stand together and whose amounts are skewed. Prints the
 * coverage. FORELINE_LONG=1: 1,000 samples. */
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/rng.h"
#include "engine/sample.h"
#include "sketch/estimate.h"
#include "tests/unit/suite.h"

enum { ORDERS = 30000, VISITS = 28000, KEYS = 3000, GROUPS_ALL = 12, MEASURES = 3 };
static const char *const measures[MEASURES] = {"n", "s", "m"};
static char folder[40];

static int runs(int few)
{
    return getenv("FORELINE_LONG") ? 4000 : few;
}

static FILE *file(const char *name, const char *header)
{
    char path[80];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fprintf(f, "%s\n", header);
    return f;
}

/* Groups are of unequal size and come in stretches; keys have unequal numbers of records; some keys
 * are null, some of either side have no partner. */
static void set_up(void)
{
    struct rng r;
    int group = 0;
    snprintf(folder, sizeof(folder), "/tmp/foreline-sample.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    rng_seed(&r, 42);
    FILE *f = file("orders.csv", "id,key,g,status,amount,flat");
    for (int i = 0; i < ORDERS; i++) {
        if (rng_below(&r, 60) == 0)
            group = (int)(GROUPS_ALL * rng_unit(&r) * rng_unit(&r));
        int g = rng_below(&r, 3) ? group : (int)rng_below(&r, GROUPS_ALL);
        char key[20] = "";
        if (rng_below(&r, 50))
            snprintf(key, sizeof(key), "%d", (int)(KEYS * pow(rng_unit(&r), 1.3)));
        fprintf(f, "%d,%s,g%d,%s,%.2f,%d\n", i, key, g, rng_below(&r, 3) ? "paid" : "void",
                100 * exp(rng_normal(&r)), (int)rng_below(&r, 1000) - 300);
    }
    ck_assert_int_eq(fclose(f), 0);
    f = file("visits.csv", "who,agent,seen");
    for (int i = 0; i < VISITS; i++)
        fprintf(f, "%d,browser-%d of a kind,%d\n", (int)(1.2 * KEYS * rng_unit(&r)),
                (int)rng_below(&r, 4), (int)rng_below(&r, 5));
    ck_assert_int_eq(fclose(f), 0);
    f = file("names.csv", "g,name");
    for (int i = 0; i < GROUPS_ALL; i++)
        if (i % 6) /* some groups have no name: a join drops their records */
            fprintf(f, "g%d,name %d\n", i, i % 5);
    ck_assert_int_eq(fclose(f), 0);
}

static void tear_down(void)
{
    static const char *const names[] = {"orders.csv", "visits.csv", "names.csv"};
    char path[80];
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

/* -- one run -- */

struct told {
    struct arena mem;
    struct json *rows; /* of the first write */
    struct rec_execution_profile profile;
};

static void tell(const char *definition, double rate, uint64_t seed, struct told *out)
{
    struct err err = ERR_INIT;
    struct pipeline p = {0};
    struct json *v;
    struct sample_result s;
    const struct sampling_opts o = {.rate = rate, .seed = seed, .engine = {.data_fd = -1}};
    *out = (struct told){.mem = ARENA_INIT};
    ck_assert_msg(json_parse(&out->mem, slice_str(definition), 0, &v, &err), "%s", err.text);
    ck_assert_msg(pipeline_from_definition(&p, v, folder, NULL, &err), "%s", err.text);
    ck_assert_msg(sample_pipeline(&p, &o, &out->mem, &s, &err), "%s", err.text);
    struct buf rows = BUF_INIT(BUF_UNBOUNDED);
    buf_addc(&rows, '[');
    buf_add_slice(&rows, s.outputs[0].rows);
    buf_addc(&rows, ']');
    struct slice kept = arena_slice(&out->mem, buf_slice(&rows));
    ck_assert(json_parse(&out->mem, kept, 0, &out->rows, &err));
    out->profile = s.profile;
    buf_release(&rows);
    pipeline_release(&p);
}

/* -- coverage -- */

struct tally_of {
    double held, below, above, n;
};
struct coverage {
    struct tally_of measure[MEASURES], records;
};

static void count(struct tally_of *t, double lo, double hi, double truth)
{
    t->n++;
    t->held += lo <= truth && truth <= hi;
    t->below += lo > truth;
    t->above += hi < truth;
}

static const struct json *same_group(const struct json *rows, const struct json *row)
{
    for (size_t i = 0; i < json_len(rows); i++) {
        if (json_equal(json_at(rows, i)->u.members[0].value, row->u.members[0].value))
            return json_at(rows, i);
    }
    return NULL;
}

static void compare(const struct told *whole, const struct told *sample, bool grouped,
                    struct coverage *c)
{
    for (size_t i = 0; i < json_len(whole->rows); i++) {
        const struct json *truth = json_at(whole->rows, i);
        const struct json *row =
            grouped ? same_group(sample->rows, truth) : json_at(sample->rows, 0);
        ck_assert_ptr_nonnull(row);
        for (int k = 0; k < MEASURES; k++) {
            char lo[16], hi[16];
            snprintf(lo, sizeof(lo), "%s_lo95", measures[k]);
            snprintf(hi, sizeof(hi), "%s_hi95", measures[k]);
            ck_assert_double_le(json_num(row, lo, NAN), json_num(row, measures[k], NAN));
            ck_assert_double_ge(json_num(row, hi, NAN), json_num(row, measures[k], NAN));
            count(&c->measure[k], json_num(row, lo, NAN), json_num(row, hi, NAN),
                  json_num(truth, measures[k], NAN));
        }
    }
    for (uint32_t i = 0; i < whole->profile.nstages; i++) {
        const char *op = whole->profile.stages[i].operation;
        struct rec_interval in = sample->profile.samples[i].records_out;
        if ((strcmp(op, "filter") == 0 || strcmp(op, "join") == 0) && in.lo < in.hi)
            count(&c->records, in.lo, in.hi, whole->profile.stages[i].records_out.p50);
    }
}

/* 94 to 96 %. What is counted in one sample goes together: `n` samples of it are taken as so many
 * observations, not more. Of thousands one standard deviation is allowed for chance, of few
 * four. */
static void judge(const char *name, const char *what, const struct tally_of *t, double n)
{
    if (t->n == 0)
        return;
    double p = t->held / t->n, chance = (n >= 1000 ? 1 : 4) * sqrt(0.05 * 0.95 / n);
    printf("# %s, %s: %.2f %% of %g (%.1f %% below, %.1f %% above)\n", name, what, 100 * p, t->n,
           100 * t->below / t->n, 100 * t->above / t->n);
    ck_assert_msg(p >= 0.94 - chance && p <= 0.96 + chance, "%s, %s: %.2f %%", name, what, 100 * p);
}

static void try(const char *name, const char *definition, const char *method, bool grouped, int few)
{
    struct told whole, sample;
    struct coverage c = {0};
    int n = runs(few);
    tell(definition, 1, 0, &whole);
    ck_assert_str_eq(whole.profile.samples[0].method, "whole");
    for (int seed = 1; seed <= n; seed++) {
        tell(definition, 0.1, (uint64_t)seed * 7919, &sample);
        ck_assert_str_eq(sample.profile.samples[0].method, method);
        compare(&whole, &sample, grouped, &c);
        arena_release(&sample.mem);
    }
    for (int k = 0; k < MEASURES; k++)
        judge(name, measures[k], &c.measure[k], n);
    judge(name, "records of filters and joins", &c.records, n);
    arena_release(&whole.mem);
}

#define READ "{\"id\":\"o\",\"op\":\"read\",\"path\":\"orders.csv\"}"
#define MEASURED "\"measures\":{\"n\":\"count\",\"s\":\"sum(.amount)\",\"m\":\"mean(.flat)\"}}"
#define WRITE ",{\"id\":\"w\",\"op\":\"write\",\"path\":\"out.csv\"}]}"

START_TEST(groups_from_blocks_hold)
{
    try("blocks, groups",
        "{\"pipeline\":\"p\",\"stages\":[" READ
        ",{\"id\":\"f\",\"op\":\"filter\",\"where\":\".status == \\\"paid\\\"\"},"
        "{\"id\":\"a\",\"op\":\"aggregate\",\"by\":[\"g\"]," MEASURED WRITE,
        "blocks", true, 30);
}
END_TEST

START_TEST(totals_from_blocks_hold)
{
    try("blocks, total",
        "{\"pipeline\":\"p\",\"stages\":[" READ
        ",{\"id\":\"f\",\"op\":\"filter\",\"where\":\".flat > 0 and .g != \\\"g0\\\"\"},"
        "{\"id\":\"a\",\"op\":\"aggregate\"," MEASURED WRITE,
        "blocks", false, 30);
}
END_TEST

START_TEST(joins_with_what_is_whole_hold)
{
    try("blocks, join",
        "{\"pipeline\":\"p\",\"stages\":[" READ
        ",{\"id\":\"names\",\"op\":\"read\",\"path\":\"names.csv\"},"
        "{\"id\":\"j\",\"op\":\"join\",\"inputs\":[\"o\",\"names\"],\"on\":[\"g\"]},"
        "{\"id\":\"a\",\"op\":\"aggregate\",\"by\":[\"name\"]," MEASURED WRITE,
        "blocks", true, 30);
}
END_TEST

START_TEST(records_of_what_cannot_be_sought_hold)
{
    try("records",
        "{\"pipeline\":\"p\",\"stages\":[{\"id\":\"o\",\"op\":\"read\",\"path\":\"orders.csv\","
        "\"encoding\":\"latin-1\"},"
        "{\"id\":\"f\",\"op\":\"filter\",\"where\":\".status == \\\"paid\\\"\"},"
        "{\"id\":\"a\",\"op\":\"aggregate\",\"by\":[\"g\"]," MEASURED WRITE,
        "records", true, 30);
}
END_TEST

#define JOIN(type)                                                                  \
    "{\"pipeline\":\"p\",\"stages\":[" READ                                         \
    ",{\"id\":\"v\",\"op\":\"read\",\"path\":\"visits.csv\"},"                      \
    "{\"id\":\"j\",\"op\":\"join\",\"type\":\"" type "\",\"inputs\":[\"o\",\"v\"]," \
    "\"on\":{\"key\":\"who\"}},"                                                    \
    "{\"id\":\"a\",\"op\":\"aggregate\",\"by\":[\"status\"]," MEASURED WRITE

START_TEST(inner_joins_of_two_samples_hold)
{
    try("keys, inner join", JOIN("inner"), "key", true, 25);
}
END_TEST

START_TEST(left_joins_of_two_samples_hold)
{
    try("keys, left join", JOIN("left"), "key", true, 25);
}
END_TEST

START_TEST(semi_joins_of_two_samples_hold)
{
    try("keys, semi join", JOIN("semi"), "key", true, 25);
}
END_TEST

START_TEST(anti_joins_of_two_samples_hold)
{
    try("keys, anti join", JOIN("anti"), "key", true, 25);
}
END_TEST

/* -- numbers of groups -- */

START_TEST(bounds_of_numbers_of_groups_hold)
{
    struct rng r;
    rng_seed(&r, 3);
    double held = 0, all = 0;
    for (int run = 0; run < runs(100); run++) {
        for (double skew = 0; skew < 3; skew += 1) {
            enum { UNITS = 128, ALL = 1280, RECORDS = 12800 };
            static int units_of[4000], last[4000], in_all[4000];
            int groups = 20 + (int)rng_below(&r, 3900);
            double seen = 0, once = 0, twice = 0, truth = 0;
            memset(units_of, 0, sizeof(units_of));
            memset(in_all, 0, sizeof(in_all));
            memset(last, 0xff, sizeof(last));
            for (int i = 0; i < RECORDS; i++) {
                int g = (int)(groups * pow(rng_unit(&r), 1 + skew)), unit = i % ALL;
                truth += !in_all[g];
                in_all[g] = 1;
                if (unit >= UNITS || last[g] == unit)
                    continue;
                units_of[g]++;
                last[g] = unit;
            }
            for (int g = 0; g < groups; g++) {
                seen += units_of[g] > 0;
                once += units_of[g] == 1;
                twice += units_of[g] == 2;
            }
            struct estimate e = estimate_groups(seen, once, twice, UNITS, (double)UNITS / ALL);
            ck_assert(e.within.lo <= e.value && e.value <= e.within.hi);
            held += e.within.lo <= truth && truth <= e.within.hi;
            all++;
        }
    }
    printf("# numbers of groups: %.1f %%\n", 100 * held / all);
    ck_assert_double_ge(held / all, 0.95);
}
END_TEST

START_TEST(numbers_of_groups_are_exact_at_the_ends)
{
    struct estimate e = estimate_groups(500, 500, 0, 100, 0.01); /* every group in one unit */
    ck_assert_double_eq_tol(e.value, 50000, 1e-6);
    e = estimate_groups(40, 0, 0, 100, 0.01); /* all are met often */
    ck_assert_double_eq(e.value, 40);
    ck_assert_double_eq(e.within.lo, 40);
    ck_assert_double_eq_tol(e.within.hi, 40 + 3 * 99, 1e-6);
}
END_TEST

START_TEST(totals_of_what_was_not_seen_have_an_upper_bound)
{
    struct estimate_frame f = {.x_all = 25600, .fraction = 0.01};
    for (int i = 0; i < ESTIMATE_UNITS; i++)
        f.x[i] = 1;
    estimate_frame_ready(&f);
    struct estimate e = estimate_count(&f, NULL, 0, 0);
    ck_assert_double_eq(e.value, 0);
    ck_assert_double_eq(e.within.lo, 0);
    ck_assert_double_gt(e.within.hi, 299); /* the rule of three, and more */
    e = estimate_count(NULL, NULL, 0, 7);  /* all was read */
    ck_assert_double_eq(e.value, 7);
    ck_assert_double_eq(e.within.lo, 7);
    ck_assert_double_eq(e.within.hi, 7);
    struct estimate_cell one = {0, 1, 5};
    ck_assert(isnan(estimate_mean(&f, &one, 1, 0, 0).within.lo));
    ck_assert_double_eq(estimate_mean(&f, &one, 1, 0, 0).value, 5);
    e = estimate_count(&f, &one, 1, 0);
    ck_assert_double_ge(e.within.lo, 1);
    ck_assert_double_eq_tol(e.value, 100, 1e-9);
}
END_TEST

UNIT_MAIN_WITH("sample", set_up, tear_down, {groups_from_blocks_hold, 0},
               {totals_from_blocks_hold, 0}, {joins_with_what_is_whole_hold, 0},
               {records_of_what_cannot_be_sought_hold, 0}, {inner_joins_of_two_samples_hold, 0},
               {left_joins_of_two_samples_hold, 0}, {semi_joins_of_two_samples_hold, 0},
               {anti_joins_of_two_samples_hold, 0}, {bounds_of_numbers_of_groups_hold, 0},
               {numbers_of_groups_are_exact_at_the_ends, 0},
               {totals_of_what_was_not_seen_have_an_upper_bound, 0})
