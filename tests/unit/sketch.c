/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sketches on known answers and at their edges. The laws (merging, error bounds) are in
 * tests/prop/sketch.c. */
#include "base/hash.h"
#include "sketch/distinct.h"
#include "sketch/frequent.h"
#include "sketch/kll.h"
#include "sketch/moments.h"
#include "sketch/reservoir.h"
#include "sketch/tails.h"
#include "tests/unit/suite.h"

#include <math.h>

static void close_to(double got, double want)
{
    ck_assert_msg(fabs(got - want) <= 1e-12 * (1 + fabs(want)), "%.17g is not %.17g", got, want);
}

START_TEST(moments_of_a_known_sample)
{
    /* By hand: mean 4, squares of deviations 9 4 1 0 1 49. */
    const double x[] = {1, 2, 3, 4, 3, 11};
    struct moments m = MOMENTS_INIT;
    moments_add(&m, x, 6);
    close_to(moments_mean(&m), 4);
    close_to(moments_stddev(&m), sqrt(64.0 / 5));
    double m2 = 64.0 / 6, m3 = (-27 - 8 - 1 + 0 - 1 + 343) / 6.0;
    double m4 = (81 + 16 + 1 + 0 + 1 + 2401) / 6.0;
    close_to(moments_skewness(&m), m3 / pow(m2, 1.5) * sqrt(6.0 * 5) / 4);
    close_to(moments_kurtosis(&m), 5.0 / (4 * 3) * (7 * (m4 / (m2 * m2) - 3) + 6));
}
END_TEST

START_TEST(moments_of_too_few_values_are_unknown)
{
    struct moments m = MOMENTS_INIT;
    ck_assert(isnan(moments_mean(&m)) && isnan(moments_stddev(&m)));
    moments_add(&m, (double[]){7}, 1);
    ck_assert(moments_mean(&m) == 7);
    ck_assert(isnan(moments_stddev(&m)) && isnan(moments_skewness(&m)));
    moments_add(&m, (double[]){7, 7, 7, 7}, 4);
    ck_assert(moments_stddev(&m) == 0);
    ck_assert(isnan(moments_skewness(&m)) && isnan(moments_kurtosis(&m)));
}
END_TEST

START_TEST(moments_keep_their_digits_on_a_large_mean)
{
    /* 1e9 + {4, 7, 13, 16}: the textbook case in which the naive formula fails. */
    double x[4000];
    for (size_t i = 0; i < 4000; i++)
        x[i] = 1e9 + (double[]){4, 7, 13, 16}[i % 4];
    struct moments m = MOMENTS_INIT;
    moments_add(&m, x, 4000);
    close_to(moments_mean(&m), 1e9 + 10);
    close_to(moments_stddev(&m), sqrt(22.5 * 4000 / 3999));
    ck_assert(fabs(moments_skewness(&m)) < 1e-12);
}
END_TEST

START_TEST(moments_of_extreme_values_are_never_wrong_numbers)
{
    struct moments m = MOMENTS_INIT;
    moments_add(&m, (double[]){1.7e308, 1.7e308, -1.7e308, 1}, 4);
    ck_assert(!isfinite(moments_kurtosis(&m)));
    ck_assert(!isfinite(moments_stddev(&m)));
}
END_TEST

START_TEST(distinct_is_exact_up_to_its_limit)
{
    struct distinct d;
    distinct_init(&d, DISTINCT_P);
    ck_assert(distinct_estimate(&d) == 0);
    for (uint64_t round = 0; round < 2; round++)
        for (uint64_t i = 0; i < DISTINCT_EXACT; i++) {
            uint64_t h = distinct_of_text(&i, sizeof(i));
            distinct_add(&d, &h, 1);
        }
    ck_assert(distinct_is_exact(&d));
    ck_assert(distinct_estimate(&d) == DISTINCT_EXACT);
    ck_assert(distinct_error(&d) == 0);
    uint64_t h = distinct_of_text("", 0); /* a value like any other */
    distinct_add(&d, &h, 1);
    ck_assert(!distinct_is_exact(&d));
    ck_assert(fabs(distinct_estimate(&d) - DISTINCT_EXACT - 1) < 3 * distinct_error(&d));
    ck_assert(distinct_error(&d) > 0);
    distinct_release(&d);
    ck_assert(distinct_estimate(&d) == 0);
}
END_TEST

START_TEST(small_distinct_sketches_are_exact_for_fewer_values)
{
    struct distinct d;
    distinct_init(&d, 11);
    ck_assert_uint_eq(distinct_exact_max(11), 256);
    for (uint64_t i = 0; i < 257; i++) {
        uint64_t h = distinct_of_text(&i, sizeof(i));
        ck_assert(distinct_is_exact(&d) && distinct_estimate(&d) == (double)i);
        distinct_add(&d, &h, 1);
    }
    ck_assert(!distinct_is_exact(&d));
    ck_assert(fabs(distinct_estimate(&d) - 257) < 4 * distinct_error(&d));
    distinct_release(&d);
    /* Folded to fewer registers, a set that is too large for them becomes registers. */
    distinct_init(&d, 12);
    for (uint64_t i = 0; i < 300; i++) {
        uint64_t h = distinct_of_text(&i, sizeof(i));
        distinct_add(&d, &h, 1);
    }
    distinct_fold(&d, 11);
    ck_assert(!distinct_is_exact(&d));
    distinct_release(&d);
}
END_TEST

START_TEST(kll_is_exact_while_small)
{
    struct kll s;
    kll_init(&s, 64, 1);
    double x[50], q[5];
    for (int i = 0; i < 50; i++)
        x[i] = (i * 37) % 50;
    kll_add(&s, x, 50);
    ck_assert(kll_is_exact(&s));
    kll_quantiles(&s, (double[]){0, 0.25, 0.5, 0.99, 1}, 5, q);
    close_to(q[0], 0);
    close_to(q[1], 12.25); /* type 7: 0.25 * 49 */
    close_to(q[2], 24.5);
    close_to(q[3], 48.51);
    close_to(q[4], 49);
    double below, above;
    kll_outside(&s, 10, 40, &below, &above);
    ck_assert(below == 10 && above == 9);
    kll_release(&s);
}
END_TEST

START_TEST(kll_counts_what_lies_in_equal_parts)
{
    struct kll s;
    double bars[4];
    kll_init(&s, 64, 1);
    for (int i = 0; i <= 40; i++)
        kll_add(&s, (double[]){i}, 1);
    kll_histogram(&s, 0, 40, bars, 4);
    ck_assert(bars[0] == 10 && bars[1] == 10 && bars[2] == 10 && bars[3] == 11); /* both ends */
    kll_histogram(&s, 10, 20, bars, 2); /* without what lies outside */
    ck_assert(bars[0] == 5 && bars[1] == 6);
    for (int i = 0; i < 4000; i++)
        kll_add(&s, (double[]){i % 41}, 1);
    kll_histogram(&s, -0.5, 40.5, bars, 4);
    ck_assert(bars[0] + bars[1] + bars[2] + bars[3] == 4041); /* weights, too */
    kll_release(&s);
    kll_init(&s, 64, 1);
    kll_add(&s, (double[]){-1.7e308, 0, 1.7e308}, 3);
    kll_histogram(&s, -1.7e308, 1.7e308, bars, 2);
    ck_assert(bars[0] == 1 && bars[1] == 2);
    kll_release(&s);
}
END_TEST

START_TEST(kll_of_nothing_and_of_one_value)
{
    struct kll s;
    double q[2];
    kll_init(&s, KLL_K, 1);
    kll_quantiles(&s, (double[]){0.1, 0.9}, 2, q);
    ck_assert(isnan(q[0]) && isnan(q[1]));
    kll_add(&s, (double[]){-3}, 1);
    kll_quantiles(&s, (double[]){0.1, 0.9}, 2, q);
    ck_assert(q[0] == -3 && q[1] == -3);
    kll_release(&s);
}
END_TEST

START_TEST(kll_interpolates_over_the_whole_range_of_a_double)
{
    struct kll s;
    double q[1];
    kll_init(&s, KLL_K, 1);
    kll_add(&s, (double[]){-1.6e308, 1.6e308}, 2);
    kll_quantiles(&s, (double[]){0.5}, 1, q);
    ck_assert(q[0] == 0);
    kll_release(&s);
}
END_TEST

static int by_double(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

START_TEST(kll_sort_sorts)
{
    struct rng r;
    rng_seed(&r, 5);
    for (size_t n = 0; n < 300; n++) {
        double x[300], sum = 0, after = 0;
        for (size_t i = 0; i < n; i++)
            sum += x[i] = (double)rng_below(&r, 1 + n / 2);
        kll_sort(x, n);
        for (size_t i = 0; i < n; i++) {
            after += x[i];
            ck_assert(i == 0 || x[i - 1] <= x[i]);
        }
        ck_assert(sum == after);
    }
}
END_TEST

START_TEST(kll_sort_sorts_what_digits_do_not_tell_apart)
{
    /* Long runs are sorted by digits of their bits; these share the digits, or span all of them. */
    enum { N = 3000 };
    static double x[N], y[N];
    for (int shape = 0; shape < 6; shape++) {
        struct rng r;
        rng_seed(&r, (uint64_t)shape);
        for (size_t i = 0; i < N; i++) {
            double u = rng_unit(&r);
            x[i] = shape == 0   ? u
                   : shape == 1 ? (i == 0 ? -1e300 : 1e9 + u) /* all but one in one bucket */
                   : shape == 2 ? floor(10 * u)
                   : shape == 3 ? (u < 0.5 ? -0.0 : 0.0)
                   : shape == 4 ? (u - 0.5) * exp(1400 * (rng_unit(&r) - 0.5))
                                : -(double)i;
        }
        memcpy(y, x, sizeof(x));
        kll_sort(x, N);
        qsort(y, N, sizeof(*y), by_double);
        for (size_t i = 0; i < N; i++)
            ck_assert(x[i] == y[i]);
    }
}
END_TEST

START_TEST(kll_is_exact_up_to_k_values_and_not_beyond)
{
    struct kll s;
    kll_init(&s, 64, 1);
    for (int i = 0; i < 64; i++)
        kll_add(&s, (double[]){i}, 1);
    ck_assert(kll_is_exact(&s));
    kll_add(&s, (double[]){64}, 1);
    ck_assert(!kll_is_exact(&s));
    kll_release(&s);
}
END_TEST

START_TEST(frequent_is_exact_while_there_is_room)
{
    struct frequent f;
    frequent_init(&f, 6); /* 48 values */
    for (unsigned i = 0; i < 48; i++) {
        char text[16];
        int n = snprintf(text, sizeof(text), "v%02u", i);
        frequent_add(&f, hash_u64(i, 0), slice_of(text, (size_t)n), i + 1);
    }
    struct frequent_item top[3];
    ck_assert_uint_eq(frequent_top(&f, 0, top, 3), 3);
    ck_assert(slice_is(top[0].text, "v47") && top[0].lower == 48 && top[0].upper == 48);
    ck_assert(slice_is(top[2].text, "v45"));
    ck_assert_uint_eq(frequent_top(&f, 48, top, 3), 1);
    frequent_release(&f);
    ck_assert_uint_eq(frequent_top(&f, 0, top, 3), 0);
}
END_TEST

START_TEST(frequent_orders_ties_by_bytes_and_cuts_long_texts_at_a_character)
{
    struct frequent f;
    frequent_init(&f, 6);
    char text[301];
    text[0] = 'a';
    for (size_t i = 1; i < 301; i += 2) { /* two-byte characters at odd places */
        text[i] = (char)0xc3;
        text[i + 1 < 301 ? i + 1 : i] = (char)0xa9;
    }
    frequent_add(&f, 1, slice_of(text, 301), 5);
    frequent_add(&f, 2, SLICE_LIT("zebra"), 5);
    frequent_add(&f, 3, SLICE_LIT("aal"), 5);
    struct frequent_item top[3];
    ck_assert_uint_eq(frequent_top(&f, 1, top, 3), 3);
    ck_assert(slice_is(top[0].text, "aal"));
    ck_assert_uint_eq(top[1].text.len, 255);
    ck_assert(slice_is(top[2].text, "zebra"));
    frequent_release(&f);
}
END_TEST

START_TEST(reservoir_keeps_all_while_they_fit)
{
    struct reservoir r;
    uint32_t slot;
    reservoir_init(&r, 10, 3);
    for (uint32_t i = 0; i < 10; i++) {
        ck_assert_uint_eq(reservoir_filled(&r), i);
        ck_assert(reservoir_offer(&r, &slot));
        ck_assert_uint_eq(slot, i);
    }
    for (int i = 0; i < 1000; i++)
        if (reservoir_offer(&r, &slot))
            ck_assert_uint_lt(slot, 10);
    ck_assert_uint_eq(reservoir_filled(&r), 10);
}
END_TEST

START_TEST(few_outliers_are_counted_exactly_in_any_order)
{
    for (int order = 0; order < 3; order++) {
        struct tails t;
        struct kll s;
        tails_init(&t);
        kll_init(&s, 256, 1);
        for (int i = 0; i < 100000; i++) {
            int at = order == 0 ? i : order == 1 ? 99999 - i : (int)((i * 7919LL) % 100000);
            double x = at < 3 ? -1e6 - at : at >= 99993 ? 1e6 + at : at % 1000;
            tails_add(&t, &x, 1);
            kll_add(&s, &x, 1);
        }
        double error;
        ck_assert(tails_outliers(&t, &s, &error) == 10);
        ck_assert(error == 0);
        tails_release(&t);
        kll_release(&s);
    }
}
END_TEST

START_TEST(many_outliers_are_estimated)
{
    struct tails t;
    struct kll s;
    tails_init(&t);
    kll_init(&s, 1024, 1);
    for (int i = 0; i < 100000; i++) {
        double x = i % 20 == 0 ? 1e6 : i % 20;
        tails_add(&t, &x, 1);
        kll_add(&s, &x, 1);
    }
    double error;
    double n = tails_outliers(&t, &s, &error);
    ck_assert(error > 0 && fabs(n - 5000) <= error);
    ck_assert_msg(fabs(n - 5000) < 1000, "%g", n);
    tails_release(&t);
    kll_release(&s);
}
END_TEST

START_TEST(no_fence_no_outliers)
{
    struct tails t;
    struct kll s;
    double error;
    tails_init(&t);
    kll_init(&s, 64, 1);
    ck_assert(isnan(tails_outliers(&t, &s, &error)));
    for (int i = 0; i < 100; i++) {
        tails_add(&t, (double[]){5}, 1);
        kll_add(&s, (double[]){5}, 1);
    }
    ck_assert(tails_outliers(&t, &s, &error) == 0);
    tails_add(&t, (double[]){6}, 1);
    kll_add(&s, (double[]){6}, 1);
    ck_assert(isnan(tails_outliers(&t, &s, &error)));
    tails_release(&t);
    kll_release(&s);
}
END_TEST

UNIT_MAIN("sketch", moments_of_a_known_sample, moments_of_too_few_values_are_unknown,
          moments_keep_their_digits_on_a_large_mean,
          moments_of_extreme_values_are_never_wrong_numbers, distinct_is_exact_up_to_its_limit,
          small_distinct_sketches_are_exact_for_fewer_values, kll_is_exact_while_small,
          kll_counts_what_lies_in_equal_parts, kll_of_nothing_and_of_one_value,
          kll_interpolates_over_the_whole_range_of_a_double, kll_sort_sorts,
          kll_sort_sorts_what_digits_do_not_tell_apart, kll_is_exact_up_to_k_values_and_not_beyond,
          frequent_is_exact_while_there_is_room,
          frequent_orders_ties_by_bytes_and_cuts_long_texts_at_a_character,
          reservoir_keeps_all_while_they_fit, few_outliers_are_counted_exactly_in_any_order,
          many_outliers_are_estimated, no_fence_no_outliers)
