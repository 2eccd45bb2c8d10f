/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Robust summaries, the line through few runs, distinct counts: known answers and laws. */
#include <math.h>

#include "base/rng.h"
#include "model/distinct.h"
#include "model/line.h"
#include "model/robust.h"
#include "tests/unit/suite.h"

START_TEST(quantiles_are_type_7)
{
    double x[] = {4, 1, 3, 2};
    ck_assert_double_eq(model_quantile(x, 4, 0.25), 1.75); /* R: quantile(1:4, .25) */
    ck_assert_double_eq(model_quantile(x, 4, 1), 4);
    ck_assert_double_eq(model_quantile(x, 4, 0), 1);
    ck_assert_double_eq(model_median(x, 4), 2.5);
    ck_assert(isnan(model_median(x, 0)));
}
END_TEST

START_TEST(mad_is_scaled_to_a_standard_deviation)
{
    double x[] = {1, 1, 2, 2, 4, 6, 9}; /* R: mad() is 1.4826 */
    ck_assert_double_eq_tol(model_mad(x, 7), 1.4826022, 1e-6);
    double one[] = {5};
    ck_assert_double_eq(model_mad(one, 1), 0);
}
END_TEST

START_TEST(t_quantiles_match_the_printed_table)
{
    /* R: qt(0.95, df) */
    ck_assert_double_eq_tol(model_t95(1), 6.313751515, 1e-8);
    ck_assert_double_eq_tol(model_t95(2), 2.919985580, 1e-8);
    ck_assert_double_eq_tol(model_t95(4), 2.131846786, 1e-8);
    ck_assert_double_eq_tol(model_t95(10), 1.812461123, 1e-8);
    ck_assert_double_eq_tol(model_t95(30), 1.697260887, 1e-8);
    ck_assert_double_eq_tol(model_t95(1e9), 1.644853627, 1e-8);
}
END_TEST

START_TEST(a_level_of_equal_values_keeps_the_prior_spread_and_narrows)
{
    double v[20];
    for (int i = 0; i < 20; i++)
        v[i] = 7;
    struct model_level one, many;
    ck_assert(model_level_fit(v, NULL, 1, 0.3, 4, &one));
    ck_assert(model_level_fit(v, NULL, 20, 0.3, 4, &many));
    ck_assert_double_eq_tol(one.p50, 7, 1e-12);
    ck_assert_double_eq_tol(one.log_sd, 0.3 * sqrt(2), 1e-12);
    ck_assert_double_lt(model_level_p95(&many), model_level_p95(&one));
    ck_assert_double_gt(model_level_p95(&many), 7);
}
END_TEST

START_TEST(a_level_ignores_one_wild_value_and_what_is_no_number)
{
    double v[] = {2, NAN, 2.1, -1, 1.9, 1000, 0, 2.05, INFINITY};
    struct model_level m;
    ck_assert(model_level_fit(v, NULL, 9, 0.2, 2, &m));
    ck_assert_double_eq_tol(m.p50, 2.05, 1e-12);
    ck_assert(!model_level_fit(v, NULL, 0, 0.2, 2, &m));
    ck_assert(!model_level_fit(v + 5 + 1, NULL, 1, 0.2, 2, &m)); /* a lone zero */
}
END_TEST

START_TEST(a_level_weighs_recent_values_more)
{
    double v[] = {5, 1, 1}, w[] = {1, 0.2, 0.2};
    struct model_level m;
    ck_assert(model_level_fit(v, w, 3, 0.2, 2, &m));
    ck_assert_double_eq_tol(m.p50, 5, 1e-12);
}
END_TEST

static const struct model_line_prior prior = {
    .a_strength = 0.5, .b_strength = 0.01, .log_sd = 0.15, .df = 4, .drift = 0.15};

START_TEST(without_runs_the_line_is_the_prior)
{
    struct model_line l;
    model_line_fit(NULL, 0, &prior, &l);
    ck_assert_double_eq(model_line_p50(&l, 3), 3);
    ck_assert_double_eq_tol(model_line_p95(&l, 3), 3 * exp(2.131846786 * 0.15), 1e-7);
}
END_TEST

START_TEST(one_run_scales_with_the_size)
{
    struct model_run r = {.x = 2, .y = 3, .weight = 1};
    struct model_line l;
    model_line_fit(&r, 1, &prior, &l);
    ck_assert_double_eq_tol(model_line_p50(&l, 2), 3, 0.05);
    ck_assert_double_gt(model_line_p50(&l, 20), 20);
    ck_assert_double_lt(model_line_p50(&l, 20), 31);
    /* further away is less sure, in proportion */
    ck_assert_double_gt(model_line_p95(&l, 20) / model_line_p50(&l, 20),
                        model_line_p95(&l, 2) / model_line_p50(&l, 2));
}
END_TEST

START_TEST(several_runs_find_fixed_part_and_slope)
{
    struct model_run r[12];
    for (int i = 0; i < 12; i++) {
        double x = 1 + i;
        r[i] = (struct model_run){.x = x, .y = 5 + 2 * x, .weight = 1};
    }
    struct model_line l;
    model_line_fit(r, 12, &prior, &l);
    ck_assert_double_eq_tol(model_line_p50(&l, 12), 29, 29 * 0.1);
    ck_assert_double_eq_tol(model_line_p50(&l, 1), 7, 7 * 0.2);
}
END_TEST

START_TEST(one_wild_run_of_ten_moves_little)
{
    struct model_run r[10];
    for (int i = 0; i < 10; i++)
        r[i] = (struct model_run){.x = 1 + i, .y = 2.0 * (1 + i), .weight = 1};
    r[4].y *= 50;
    struct model_line l;
    model_line_fit(r, 10, &prior, &l);
    ck_assert_double_eq_tol(model_line_p50(&l, 10), 20, 20 * 0.15);
}
END_TEST

START_TEST(lines_of_random_runs_are_never_negative_and_p95_is_above_p50)
{
    struct rng g;
    rng_seed(&g, 20261120);
    for (int k = 0; k < 2000; k++) {
        struct model_run r[8];
        size_t n = 1 + rng_below(&g, 8);
        for (size_t i = 0; i < n; i++)
            r[i] = (struct model_run){.x = exp(8 * rng_normal(&g)),
                                      .y = exp(8 * rng_normal(&g)),
                                      .weight = 0.1 + rng_unit(&g)};
        struct model_line l;
        model_line_fit(r, n, &prior, &l);
        ck_assert(l.a >= 0 && l.b >= 0);
        double x = exp(8 * rng_normal(&g));
        ck_assert(model_line_p50(&l, x) >= 0 && isfinite(model_line_p50(&l, x)));
        ck_assert(model_line_p95(&l, x) >= model_line_p50(&l, x));
    }
}
END_TEST

START_TEST(p95_of_the_next_run_holds_in_95_of_100)
{
    /* y = 3 x with log-normal noise of the prior's size: the interval should be neither much too
     * narrow nor much too wide, whatever the number of runs. */
    struct rng g;
    rng_seed(&g, 7);
    for (size_t n = 1; n <= 16; n *= 2) {
        int below = 0, trials = 4000;
        for (int k = 0; k < trials; k++) {
            struct model_run r[16];
            for (size_t i = 0; i < n; i++) {
                double x = exp(rng_normal(&g));
                r[i] = (struct model_run){x, 3 * x * exp(0.15 * rng_normal(&g)), 1};
            }
            struct model_line l;
            model_line_fit(r, n, &prior, &l);
            double x = r[0].x;
            below += 3 * x * exp(0.15 * rng_normal(&g)) <= model_line_p95(&l, x);
        }
        double share = (double)below / trials;
        ck_assert_msg(share > 0.93 && share < 0.995, "n=%zu: %g", n, share);
    }
}
END_TEST

START_TEST(runs_that_are_no_runs_are_left_out)
{
    struct model_run r[] = {{0, 1, 1}, {1, 0, 1}, {NAN, 1, 1}, {1, INFINITY, 1}, {1, 1, 0}};
    struct model_line l;
    model_line_fit(r, 5, &prior, &l);
    ck_assert_double_eq(l.n, 0);
    ck_assert_double_eq(model_line_p50(&l, 4), 4);
}
END_TEST

START_TEST(distinct_counts_go_there_and_back)
{
    ck_assert_double_eq_tol(model_distinct_expected(365, 23), 22.319962396, 1e-8); /* birthdays */
    ck_assert_double_eq(model_distinct_expected(1, 100), 1);
    ck_assert_double_eq(model_distinct_expected(0, 100), 0);
    ck_assert_double_eq(model_distinct_expected(INFINITY, 100), 100);
    ck_assert(isinf(model_distinct_domain(10, 10)));
    for (double d = 2; d < 1e9; d *= 7) {
        for (double n = 3; n < 1e9; n *= 11) {
            double seen = model_distinct_expected(d, n);
            ck_assert(seen <= n && seen <= d * (1 + 1e-9));
            /* Where nearly every record is new, the domain is not well determined. */
            if (seen < 0.9 * n && seen < 0.999 * d)
                ck_assert_double_eq_tol(model_distinct_domain(seen, n), d, 1e-3 * d);
        }
    }
}
END_TEST

UNIT_MAIN("model", quantiles_are_type_7, mad_is_scaled_to_a_standard_deviation,
          t_quantiles_match_the_printed_table,
          a_level_of_equal_values_keeps_the_prior_spread_and_narrows,
          a_level_ignores_one_wild_value_and_what_is_no_number, a_level_weighs_recent_values_more,
          without_runs_the_line_is_the_prior, one_run_scales_with_the_size,
          several_runs_find_fixed_part_and_slope, one_wild_run_of_ten_moves_little,
          lines_of_random_runs_are_never_negative_and_p95_is_above_p50,
          p95_of_the_next_run_holds_in_95_of_100, runs_that_are_no_runs_are_left_out,
          distinct_counts_go_there_and_back)
