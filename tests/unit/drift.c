/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sketch/drift.h and profile/drift.h on cases that can be counted by hand, and the drift record. */
#include <math.h>

#include "base/hash.h"
#include "profile/drift.h"
#include "profile/state.h"
#include "sketch/drift.h"
#include "tests/unit/suite.h"

static bool near(double got, double want, double within)
{
    return fabs(got - want) <= within * fabs(want);
}

START_TEST(shares_are_compared_by_fishers_exact_test)
{
    /* The lady tasting tea: 3 of 4 against 1 of 4: 17 / 70 one-sided. */
    struct drift_figure f = drift_rate(1, 4, 3, 4);
    ck_assert(near(f.value, 0.5, 1e-12));
    ck_assert(near(f.p, 2 * 17.0 / 70, 1e-12));
    f = drift_rate(3, 4, 1, 4);
    ck_assert(near(f.p, 2 * 17.0 / 70, 1e-12));
    /* 0 of 5 against 5 of 5: 1 / 252. */
    ck_assert(near(drift_rate(0, 5, 5, 5).p, 2 / 252.0, 1e-12));
    ck_assert_double_eq(drift_rate(2, 10, 2, 10).p, 1);
    ck_assert_double_eq(drift_rate(0, 10, 0, 1e6).p, 1);
    ck_assert_double_eq(drift_rate(10, 10, 1e6, 1e6).p, 1);
    ck_assert(isnan(drift_rate(0, 0, 1, 2).value));
    /* Far out in the tail it stays a probability. */
    f = drift_rate(1e9, 1e12, 2e9, 1e12);
    ck_assert(f.p >= 0 && f.p < 1e-300);
    ck_assert(near(f.value, 1e-3, 1e-9));
}
END_TEST

static struct moments moments_of(const double *x, size_t n)
{
    struct moments m = MOMENTS_INIT;
    moments_add(&m, x, n);
    return m;
}

START_TEST(means_are_compared_in_standard_deviations)
{
    double a[100], b[100], effect;
    for (int i = 0; i < 100; i++) {
        a[i] = i % 10;
        b[i] = a[i] + 3;
    }
    struct moments ma = moments_of(a, 100), mb = moments_of(b, 100);
    struct drift_figure f = drift_mean(&ma, &mb, &effect);
    ck_assert(near(f.value, 3, 1e-12));
    ck_assert(near(effect, 3 / sqrt(8.25 * 200 / 198 + 2.25 * 200 / 198), 1e-9));
    ck_assert(near(f.error, sqrt(8.25 / 50), 1e-9));
    ck_assert(f.p < 1e-6);
    ck_assert_double_eq(drift_mean(&ma, &ma, &effect).p, 1);
    ck_assert_double_eq(effect, 0);
    struct moments few = moments_of(a, 7);
    ck_assert(isnan(drift_mean(&few, &mb, &effect).p) && isnan(effect));
}
END_TEST

START_TEST(two_constants_differ_by_as_much_as_their_counts_say)
{
    double five[20], six[20], effect;
    for (int i = 0; i < 20; i++) {
        five[i] = 5;
        six[i] = 6;
    }
    struct moments a = moments_of(five, 20), b = moments_of(six, 20);
    ck_assert(near(drift_mean(&a, &b, &effect).p, 1 / 137846528820.0, 1e-6)); /* 40 over 20 */
    ck_assert(isinf(effect));
    ck_assert_double_eq(drift_mean(&a, &a, &effect).p, 1);
}
END_TEST

static struct kll kll_of(const double *x, size_t n)
{
    struct kll s;
    kll_init(&s, KLL_K, 1);
    kll_add(&s, x, n);
    return s;
}

START_TEST(the_distance_of_distributions_counts_ties_at_once)
{
    static const double a[] = {1, 2, 2, 3}, b[] = {2, 2, 2, 9};
    struct kll ka = kll_of(a, 4), kb = kll_of(b, 4), none;
    kll_init(&none, KLL_K, 1);
    struct drift_figure f = drift_ks(&ka, &kb);
    ck_assert_double_eq(f.value, 0.25); /* below 2, and again below 9 */
    ck_assert(f.p > 0.9);
    ck_assert_double_eq(drift_ks(&ka, &ka).value, 0);
    ck_assert_double_eq(drift_ks(&ka, &ka).p, 1);
    ck_assert(isnan(drift_ks(&ka, &none).value) && isnan(drift_ks(NULL, &ka).p));
    kll_release(&ka);
    kll_release(&kb);
    kll_release(&none);
}
END_TEST

START_TEST(the_distance_has_kolmogorovs_probabilities)
{
    enum { N = 2000 };
    double a[N], b[N];
    for (int i = 0; i < N; i++) {
        a[i] = i;
        b[i] = i < 86 ? -1 : i; /* 0.043: 1.36 times the square root of 2 / N */
    }
    struct kll ka = kll_of(a, N), kb = kll_of(b, N);
    struct drift_figure f = drift_ks(&ka, &kb);
    ck_assert(near(f.value, 86.0 / N, 1e-9));
    ck_assert(near(f.error, 1.3581 * sqrt(2.0 / N), 1e-9));
    ck_assert(near(f.p, 0.0495, 0.01));
    kll_release(&ka);
    kll_release(&kb);
}
END_TEST

START_TEST(stability_of_numbers_is_told_by_deciles_of_the_base)
{
    enum { N = 1000 };
    double a[N], b[N], chance;
    for (int i = 0; i < N; i++) {
        a[i] = i;
        b[i] = i < 500 ? i : i - 500;
    }
    struct kll ka = kll_of(a, N), kb = kll_of(b, N);
    struct drift_figure f = drift_psi(&ka, &kb, &chance);
    double p = 100.5 / 1005, q = 200.5 / 1005, r = 0.5 / 1005;
    ck_assert(near(f.value, 5 * (q - p) * log(q / p) + 5 * (r - p) * log(r / p), 0.02));
    ck_assert(near(chance, 9 * 2.0 / N, 1e-9));
    ck_assert(near(f.error, 16.92 * 2 / N, 0.01)); /* 95 % of chi-square with 9 degrees */
    ck_assert(f.p < 1e-30);
    f = drift_psi(&ka, &ka, &chance);
    ck_assert(f.value == 0 && f.p == 1);
    kll_release(&ka);
    kll_release(&kb);
}
END_TEST

START_TEST(a_constant_that_becomes_another_is_unstable)
{
    double five[100], six[100];
    for (int i = 0; i < 100; i++) {
        five[i] = 5;
        six[i] = i % 2 ? 6 : 5;
    }
    struct kll a = kll_of(five, 100), b = kll_of(six, 100);
    struct drift_figure f = drift_psi(&a, &b, NULL);
    ck_assert(f.value > 0.5 && f.p < 1e-10);
    f = drift_psi(&a, &a, NULL);
    ck_assert(isnan(f.value) && isnan(f.p)); /* one bin says nothing */
    kll_release(&a);
    kll_release(&b);
}
END_TEST

static void add_words(struct frequent *f, const char *word, uint64_t n)
{
    frequent_add(f, hash_bytes(word, strlen(word), 0), slice_str(word), n);
}

START_TEST(stability_of_words_has_pearsons_probabilities)
{
    struct frequent a, b;
    double chance;
    frequent_init(&a, 12);
    frequent_init(&b, 12);
    add_words(&a, "x", 50);
    add_words(&a, "y", 50);
    add_words(&b, "x", 70);
    add_words(&b, "y", 30);
    struct drift_figure f = drift_psi_values(&a, &b, &chance);
    /* A fourfold table: chi-square = 200 (50 * 30 - 50 * 70)^2 / (100 * 100 * 120 * 80) = 8.3333,
     * p = 0.00389. */
    ck_assert(near(f.p, 0.0038924, 1e-3));
    ck_assert(near(chance, 0.02, 1e-9));
    double p = 50.5 / 101, q = 70.5 / 101;
    ck_assert(near(f.value, (q - p) * log(q / p) + (p - q) * log((1 - q) / p), 1e-9));
    /* Words that are all different are a rest, of which nothing can be said. */
    for (int i = 0; i < 1000; i++) {
        char text[16];
        snprintf(text, sizeof(text), "%d", i);
        add_words(i % 2 ? &a : &b, text, 1);
    }
    ck_assert(!isnan(drift_psi_values(&a, &b, &chance).value));
    frequent_release(&a);
    frequent_release(&b);
    ck_assert(isnan(drift_psi_values(&a, &b, &chance).value));
}
END_TEST

START_TEST(many_tests_are_judged_by_holms_steps)
{
    static const double p[] = {0.004, (double)NAN, 0.001, 0.2, 0.0026};
    bool s[5];
    ck_assert_uint_eq(drift_significant(p, 5, 0.01, s), 4);
    ck_assert(s[2] && s[4] && s[0] && !s[1] && !s[3]); /* 0.0025, 0.0033, 0.005, 0.01 */
    ck_assert_uint_eq(drift_significant(p, 5, 0.003, s), 4);
    ck_assert(!s[2] && !s[4]);
    ck_assert_uint_eq(drift_significant(p, 0, 0.01, s), 0);
}
END_TEST

/* -- profiles -- */

static struct arena mem;

struct cells {
    const char *name;
    uint64_t kinds[KINDS], nulls;
};

/* States by their counts; integers are 1, 2, 3, … and words all one. */
static struct profile *profile_with(const struct cells *cells, uint32_t n)
{
    struct field *fields = ARENA_ARRAY(&mem, struct field, n);
    for (uint32_t i = 0; i < n; i++)
        fields[i] = (struct field){arena_strdup(&mem, cells[i].name), TYPE_STRING, true};
    struct profile *p =
        profile_new(&(struct schema){fields, n}, false, &(struct profile_opts){.sample_rate = 1});
    for (uint32_t i = 0; i < n; i++) {
        struct column_state *c = &p->columns[i];
        c->nulls = cells[i].nulls;
        for (int k = 0; k < KINDS; k++) {
            c->kinds[k] = cells[i].kinds[k];
            c->values += c->kinds[k];
        }
        p->delivered = p->profiled = c->values + c->nulls;
        if (c->kinds[TYPE_INTEGER] > 0) {
            c->kll = xmalloc(sizeof(*c->kll));
            kll_init(c->kll, KLL_K, 1);
            c->tails = xmalloc(sizeof(*c->tails));
            tails_init(c->tails);
            for (uint64_t v = 1; v <= c->kinds[TYPE_INTEGER]; v++) {
                double x = (double)(v % 7);
                kll_add(c->kll, &x, 1);
                moments_add(&c->moments, &x, 1);
            }
            c->int_min = 0;
            c->int_max = 6;
        }
    }
    return p;
}

static struct rec_drift compared(struct profile *base, struct profile *now)
{
    struct rec_drift d;
    struct rec_profile *b = ARENA_NEW(&mem, struct rec_profile);
    struct rec_profile *n = ARENA_NEW(&mem, struct rec_profile);
    profile_finish(base, &mem, 1, b);
    profile_finish(now, &mem, 1, n);
    b->dataset = "file:/old";
    n->dataset = "file:/new";
    profile_drift(&(struct drift_base){base, b}, now, n, DRIFT_EFFECT, &mem, &d);
    return d;
}

START_TEST(columns_are_matched_by_name)
{
    const struct cells was[] = {{.name = "a", .nulls = 9}, {.name = "b", .nulls = 9}};
    const struct cells is[] = {{.name = "c", .nulls = 9}, {.name = "b", .nulls = 9}};
    struct profile *base = profile_with(was, 2), *now = profile_with(is, 2);
    struct rec_drift d = compared(base, now);
    ck_assert_uint_eq(d.ncolumns, 1);
    ck_assert_str_eq(d.columns[0].name, "b");
    ck_assert_uint_eq(d.nadded, 1);
    ck_assert_str_eq(d.added[0], "c");
    ck_assert_uint_eq(d.nremoved, 1);
    ck_assert_str_eq(d.removed[0], "a");
    ck_assert_str_eq(d.baseline, "file:/old");
    ck_assert_str_eq(d.dataset, "file:/new");
    /* Nothing but nulls on both sides: their rate is all there is. */
    ck_assert_double_eq(d.columns[0].null_rate_change, 0);
    ck_assert(isnan(d.columns[0].psi) && isnan(d.columns[0].ks));
    ck_assert(!rec_drift_column_drifted(&d.columns[0]));
    profile_free(base);
    profile_free(now);
    arena_release(&mem);
}
END_TEST

START_TEST(a_type_that_changes_for_many_values_has_drifted_and_for_one_has_not)
{
    const struct cells was[] = {{.name = "a", .kinds[TYPE_INTEGER] = 500},
                                {.name = "b", .kinds[TYPE_INTEGER] = 500},
                                {.name = "c", .nulls = 500}};
    const struct cells is[] = {{.name = "a", .kinds[TYPE_STRING] = 500},
                               {.name = "b", .kinds[TYPE_INTEGER] = 499, .kinds[TYPE_STRING] = 1},
                               {.name = "c", .kinds[TYPE_DATE] = 500}};
    struct profile *base = profile_with(was, 3), *now = profile_with(is, 3);
    struct rec_drift d = compared(base, now);
    ck_assert_str_eq(d.columns[0].type_from, "integer");
    ck_assert_str_eq(d.columns[0].type_to, "string");
    ck_assert(d.columns[0].drifted[REC_DRIFT_TYPE]);
    ck_assert_str_eq(d.columns[1].type_to, "string");
    ck_assert(!rec_drift_column_drifted(&d.columns[1]));
    ck_assert_ptr_null(d.columns[2].type_from); /* there was none to change */
    ck_assert(d.columns[2].drifted[REC_DRIFT_NULL_RATE]);
    ck_assert_double_eq(d.columns[2].null_rate_change, -1);
    profile_free(base);
    profile_free(now);
    arena_release(&mem);
}
END_TEST

static struct rec_profile columns_only(struct rec_column *c, uint32_t n)
{
    return (struct rec_profile){.columns = c, .ncolumns = n};
}

START_TEST(a_schema_has_changed_where_the_old_one_does_not_hold_the_new_values)
{
    struct rec_column was[] = {{.name = "a", .type = TYPE_INTEGER, .types[TYPE_INTEGER] = 5},
                               {.name = "b", .type = TYPE_FLOAT, .types[TYPE_FLOAT] = 5},
                               {.name = "c", .type = TYPE_NONE},
                               {.name = "d", .type = TYPE_DATE, .types[TYPE_DATE] = 5}};
    struct rec_column is[] = {{.name = "a", .type = TYPE_FLOAT, .types[TYPE_FLOAT] = 5},
                              {.name = "b", .type = TYPE_INTEGER, .types[TYPE_INTEGER] = 5},
                              {.name = "c", .type = TYPE_DATE, .types[TYPE_DATE] = 5},
                              {.name = "e", .type = TYPE_DATE, .types[TYPE_DATE] = 5}};
    struct rec_profile base = columns_only(was, 4), now = columns_only(is, 4);
    const char *const *why;
    ck_assert_uint_eq(profile_schema_changes(&base, &now, &mem, &why), 3);
    ck_assert_str_eq(why[0], "column 'd' is gone");
    ck_assert_str_eq(why[1], "column 'a' was integer and is float");
    ck_assert_str_eq(why[2], "column 'e' is new");
    ck_assert_uint_eq(profile_schema_changes(&base, &base, &mem, &why), 0);
    arena_release(&mem);
}
END_TEST

START_TEST(a_drift_record_is_written_as_it_was_read)
{
    static const char line[] =
        "{\"record\":\"drift\",\"v\":1,\"dataset\":\"d\",\"partition\":null,\"baseline\":\"b\","
        "\"columns\":[{\"name\":\"a\",\"psi\":0.5,\"psi_chance\":0.1,\"ks\":0.25,\"ks_chance\":0."
        "125,"
        "\"null_rate_change\":-0.5,\"null_rate_error\":0.25,\"mean_change\":2,\"mean_error\":0.5,"
        "\"mean_shift\":1.5,\"type_change\":{\"from\":\"integer\",\"to\":\"string\"},\"drifted\":["
        "\"null_rate\",\"type\"]},{\"name\":\"b\",\"psi\":null,\"psi_chance\":null,\"ks\":null,"
        "\"ks_chance\":null,\"null_rate_change\":0,\"null_rate_error\":0,\"mean_change\":null,"
        "\"mean_error\":null,\"mean_shift\":null,\"type_change\":null,\"drifted\":[]}],\"added\":["
        "\"x\"],\"removed\":[],\"alpha\":0.01,\"tests\":7,\"effect\":0.05}\n";
    struct json *v;
    struct rec_drift d;
    struct err err = ERR_INIT;
    struct buf out = BUF_INIT(BUF_UNBOUNDED);
    ck_assert(json_parse(&mem, slice_str(line), 0, &v, &err));
    ck_assert_msg(rec_drift_read(&mem, v, &d, &err), "%s", err.text);
    ck_assert(d.columns[0].drifted[REC_DRIFT_TYPE] && !d.columns[0].drifted[REC_DRIFT_KS]);
    rec_drift_write(&out, &d);
    ck_assert_str_eq(buf_str(&out), line);
    buf_release(&out);
    ck_assert(json_parse(&mem, SLICE_LIT("{\"columns\":[{}]}"), 0, &v, &err));
    ck_assert(!rec_drift_read(&mem, v, &d, &err));
    ck_assert_str_eq(err.text, "drift: columns[0]: column without 'name'");
    ck_assert(json_parse(&mem, SLICE_LIT("{}"), 0, &v, &err));
    ck_assert(!rec_drift_read(&mem, v, &d, &err));
    arena_release(&mem);
}
END_TEST

UNIT_MAIN("drift", shares_are_compared_by_fishers_exact_test,
          means_are_compared_in_standard_deviations,
          two_constants_differ_by_as_much_as_their_counts_say,
          the_distance_of_distributions_counts_ties_at_once,
          the_distance_has_kolmogorovs_probabilities,
          stability_of_numbers_is_told_by_deciles_of_the_base,
          a_constant_that_becomes_another_is_unstable,
          stability_of_words_has_pearsons_probabilities, many_tests_are_judged_by_holms_steps,
          columns_are_matched_by_name,
          a_type_that_changes_for_many_values_has_drifted_and_for_one_has_not,
          a_schema_has_changed_where_the_old_one_does_not_hold_the_new_values,
          a_drift_record_is_written_as_it_was_read)
