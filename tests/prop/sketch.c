/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Laws of the sketches over seeds: pieces merge to what one pass gives (exactly where the header
 * promises it), and errors stay within their bounds. */
#include "base/hash.h"
#include "sketch/distinct.h"
#include "sketch/frequent.h"
#include "sketch/kll.h"
#include "sketch/moments.h"
#include "sketch/reservoir.h"
#include "sketch/tails.h"
#include "tests/unit/suite.h"

#include <math.h>

/* How often a law that needs many values is tried. */
static int tries(int few)
{
    return getenv("FORELINE_LONG") ? few * 20 : few;
}

/* Random sizes of three pieces of n. */
static void cut_in_three(struct rng *r, size_t n, size_t len[3])
{
    size_t a = rng_below(r, n + 1), b = rng_below(r, n + 1);
    size_t lo = a < b ? a : b, hi = a < b ? b : a;
    len[0] = lo;
    len[1] = hi - lo;
    len[2] = n - hi;
}

static bool near(double a, double b, double tol)
{
    return fabs(a - b) <= tol * (fabs(a) + fabs(b) + 1e-300) || (isnan(a) && isnan(b));
}

START_TEST(moments_merge_like_one_pass_in_any_order)
{
    struct rng r;
    for (uint64_t seed = 0; seed < 200; seed++) {
        rng_seed(&r, seed);
        size_t n = 5 + rng_below(&r, 5000), len[3];
        double *x = xreallocarray(NULL, n, sizeof(*x));
        double scale = exp(20 * rng_unit(&r) - 10), shift = rng_normal(&r) * scale * 10;
        for (size_t i = 0; i < n; i++)
            x[i] = shift + scale * exp(rng_normal(&r));
        struct moments one = MOMENTS_INIT, p[3] = {MOMENTS_INIT, MOMENTS_INIT, MOMENTS_INIT};
        moments_add(&one, x, n);
        cut_in_three(&r, n, len);
        moments_add(&p[0], x, len[0]);
        moments_add(&p[1], x + len[0], len[1]);
        moments_add(&p[2], x + len[0] + len[1], len[2]);
        struct moments left = p[0], right = p[2];
        moments_merge(&left, &p[1]); /* (0 + 1) + 2 */
        moments_merge(&left, &p[2]);
        moments_merge(&right, &p[1]); /* (2 + 1) + 0 */
        moments_merge(&right, &p[0]);
        const struct moments *m[2] = {&left, &right};
        for (int i = 0; i < 2; i++) {
            ck_assert(m[i]->n == one.n);
            ck_assert(near(moments_mean(m[i]), moments_mean(&one), 1e-12));
            ck_assert(near(moments_stddev(m[i]), moments_stddev(&one), 1e-12));
            ck_assert(near(moments_skewness(m[i]), moments_skewness(&one), 1e-11));
            ck_assert(near(moments_kurtosis(m[i]), moments_kurtosis(&one), 1e-11));
        }
        free(x);
    }
}
END_TEST

START_TEST(moments_equal_extended_precision)
{
    struct rng r;
    for (uint64_t seed = 0; seed < 50; seed++) {
        rng_seed(&r, seed);
        size_t n = 2000;
        double x[2000];
        long double s = 0, m2 = 0, m3 = 0, m4 = 0;
        for (size_t i = 0; i < n; i++)
            s += x[i] = 1000 * (double)seed + exp(rng_normal(&r));
        s /= (long double)n;
        for (size_t i = 0; i < n; i++) {
            long double d = x[i] - s;
            m2 += d * d;
            m3 += d * d * d;
            m4 += d * d * d * d;
        }
        struct moments m = MOMENTS_INIT;
        for (size_t at = 0, step; at < n; at += step) {
            step = 1 + rng_below(&r, 100);
            step = step < n - at ? step : n - at;
            moments_add(&m, x + at, step);
        }
        ck_assert(near(m.mean, (double)s, 1e-13));
        ck_assert(near(m.m2, (double)m2, 1e-12));
        ck_assert(near(m.m3, (double)m3, 1e-11));
        ck_assert(near(m.m4, (double)m4, 1e-11));
    }
}
END_TEST

static uint64_t element_of(uint64_t value, uint64_t seed)
{
    uint64_t h1 = hash_u64(value, seed);
    return distinct_element(h1, hash_u64(value, h1));
}

START_TEST(distinct_merges_to_the_very_same_figure)
{
    struct rng r;
    for (uint64_t seed = 0; seed < 60; seed++) {
        rng_seed(&r, seed);
        size_t n = rng_below(&r, 20000), len[3];
        uint64_t range = 1 + rng_below(&r, 20000);
        uint64_t *h = xreallocarray(NULL, n + 1, sizeof(*h));
        for (size_t i = 0; i < n; i++)
            h[i] = element_of(rng_below(&r, range), seed);
        struct distinct one, p[3], left, right;
        cut_in_three(&r, n, len);
        distinct_init(&one, DISTINCT_P);
        distinct_add(&one, h, n);
        for (size_t i = 0, at = 0; i < 3; at += len[i++]) {
            distinct_init(&p[i], DISTINCT_P);
            distinct_add(&p[i], h + at, len[i]);
        }
        distinct_init(&left, DISTINCT_P);
        distinct_init(&right, DISTINCT_P);
        for (int i = 0; i < 3; i++) {
            distinct_merge(&left, &p[i]);
            distinct_merge(&right, &p[2 - i]);
        }
        ck_assert(distinct_estimate(&left) == distinct_estimate(&one));
        ck_assert(distinct_estimate(&right) == distinct_estimate(&one));
        ck_assert(distinct_error(&left) == distinct_error(&one));
        ck_assert(distinct_is_exact(&left) == distinct_is_exact(&one));
        struct distinct *all[] = {&one, &p[0], &p[1], &p[2], &left, &right};
        for (size_t i = 0; i < ARRAY_LEN(all); i++)
            distinct_release(all[i]);
        free(h);
    }
}
END_TEST

/* Also once most ranks are too low to look at a register for, and behind folding and merging. */
START_TEST(registers_hold_the_largest_ranks_however_many_come)
{
    struct rng r;
    for (uint64_t seed = 0; seed < 12; seed++) {
        rng_seed(&r, seed);
        struct distinct d, other;
        unsigned p = 6 + (unsigned)rng_below(&r, 4), folded = p - 1;
        uint8_t want[1 << 9] = {0};
        uint64_t part[700], value = 0;
        distinct_init(&d, p);
        distinct_init(&other, p);
        distinct_to_registers(&d);
        for (int step = 0; step < 200; step++) {
            size_t n = rng_below(&r, ARRAY_LEN(part));
            if (step == 150)
                distinct_fold(&d, folded);
            for (size_t i = 0; i < n; i++) {
                part[i] = element_of(value++, seed);
                uint8_t *reg = &want[part[i] >> 6 & ((1u << folded) - 1)];
                *reg = (part[i] & 63) > *reg ? (uint8_t)(part[i] & 63) : *reg;
            }
            distinct_add(rng_below(&r, 4) ? &d : &other, part, n);
        }
        distinct_merge(&d, &other);
        ck_assert(memcmp(d.regs, want, (size_t)1 << folded) == 0);
        distinct_release(&d);
        distinct_release(&other);
    }
}
END_TEST

START_TEST(distinct_errs_as_it_says)
{
    /* Root mean square of the error over seeds, in units of the stated standard error: about 1. */
    static const uint64_t sizes[] = {4097, 6000, 20000, 100000, 400000};
    for (size_t k = 0; k < ARRAY_LEN(sizes); k++) {
        double squares = 0, bias = 0;
        int seeds = 60;
        for (int seed = 0; seed < seeds; seed++) {
            struct distinct d;
            distinct_init(&d, 12);
            for (uint64_t i = 0; i < sizes[k]; i++) {
                uint64_t h = element_of(i, (uint64_t)seed);
                distinct_add(&d, &h, 1);
            }
            double e = (distinct_estimate(&d) - (double)sizes[k]) / distinct_error(&d);
            squares += e * e;
            bias += e;
            distinct_release(&d);
        }
        ck_assert_msg(sqrt(squares / seeds) < 1.3, "%g", sqrt(squares / seeds));
        ck_assert_msg(fabs(bias / seeds) < 0.45, "%g", bias / seeds);
    }
}
END_TEST

START_TEST(distinct_is_near_over_many_columns)
{
    /* What a table of 15 columns asks for: on average, and the worst of all. */
    double sum = 0, worst = 0;
    int columns = tries(60);
    for (int c = 0; c < columns; c++) {
        struct rng r;
        struct distinct d;
        rng_seed(&r, (uint64_t)c);
        uint64_t n = (uint64_t)(DISTINCT_EXACT * pow(150, rng_unit(&r))) + 1;
        distinct_init(&d, DISTINCT_P);
        for (uint64_t i = 0; i < n; i++) {
            uint64_t v[2] = {i, (uint64_t)c}, h = distinct_of_text(v, sizeof(v));
            distinct_add(&d, &h, 1);
        }
        double e = fabs(distinct_estimate(&d) / (double)n - 1);
        sum += e;
        worst = e > worst ? e : worst;
        distinct_release(&d);
    }
    ck_assert_msg(sum / columns <= 0.006, "mean error %g", sum / columns);
    ck_assert_msg(worst <= (getenv("FORELINE_LONG") ? 0.026 : 0.02), "worst error %g", worst);
}
END_TEST

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Mean distance between where q lies in the data and the probability that was asked for. */
static double rank_error(const struct kll *s, const double *sorted, size_t n)
{
    double p[99], q[99], sum = 0;
    for (int i = 0; i < 99; i++)
        p[i] = (i + 1) / 100.0;
    kll_quantiles(s, p, 99, q);
    for (int i = 0; i < 99; i++) {
        ck_assert(i == 0 || q[i - 1] <= q[i]);
        size_t lo = 0, hi = n;
        while (lo < hi) {
            size_t mid = (lo + hi) / 2;
            if (sorted[mid] < q[i])
                lo = mid + 1;
            else
                hi = mid;
        }
        sum += fabs((double)lo / (double)n - p[i]);
    }
    return sum / 99;
}

START_TEST(kll_ranks_are_within_the_bound_for_any_order)
{
    size_t n = 300000;
    double *x = xreallocarray(NULL, n, sizeof(*x)), *sorted = xreallocarray(NULL, n, sizeof(*x));
    double sum = 0, worst = 0;
    int runs = 0;
    for (uint64_t seed = 0; seed < 12; seed++) {
        struct rng r;
        rng_seed(&r, seed);
        for (size_t i = 0; i < n; i++)
            x[i] = rng_normal(&r);
        if (seed % 3 > 0)
            qsort(x, n, sizeof(*x), by_value);
        for (size_t i = 0; seed % 3 == 2 && i < n / 2; i++) {
            double swap = x[i];
            x[i] = x[n - 1 - i];
            x[n - 1 - i] = swap;
        }
        memcpy(sorted, x, n * sizeof(*x));
        qsort(sorted, n, sizeof(*x), by_value);
        struct kll s;
        kll_init(&s, KLL_K, seed);
        for (size_t at = 0; at < n; at += 2048)
            kll_add(&s, x + at, n - at < 2048 ? n - at : 2048);
        double e = rank_error(&s, sorted, n);
        sum += e;
        worst = e > worst ? e : worst;
        runs++;
        ck_assert(s.kept < s.nlevels * KLL_K);
        kll_release(&s);
    }
    ck_assert_msg(sum / runs <= 0.0002, "mean rank error %g", sum / runs);
    ck_assert_msg(worst <= 0.0004, "worst of the means %g", worst);
    free(x);
    free(sorted);
}
END_TEST

START_TEST(kll_errs_as_it_says_and_outliers_with_it)
{
    enum { N = 20000 };
    static double x[N];
    int runs = tries(150), beyond = 0, asked = 0, outside = 0;
    for (int seed = 0; seed < runs; seed++) {
        struct rng r;
        struct kll s;
        struct tails t;
        double p[9], q[9], error;
        rng_seed(&r, (uint64_t)seed);
        kll_init(&s, 256, (uint64_t)seed);
        tails_init(&t);
        for (size_t i = 0; i < N; i++)
            x[i] = seed % 2 ? rng_normal(&r) : exp(rng_normal(&r));
        kll_add(&s, x, N);
        tails_add(&t, x, N);
        qsort(x, N, sizeof(*x), by_value);
        for (int i = 0; i < 9; i++)
            p[i] = (i + 1) / 10.0;
        kll_quantiles(&s, p, 9, q);
        for (int i = 0; i < 9; i++, asked++) {
            size_t below = 0;
            while (below < N && x[below] < q[i])
                below++;
            beyond += fabs((double)below / N - p[i]) > kll_rank_error(&s) + 1.0 / N;
        }
        double q1 = x[N / 4], q3 = x[3 * N / 4], spread = q3 - q1, truth = 0;
        for (size_t i = 0; i < N; i++)
            truth += x[i] < q1 - 1.5 * spread || x[i] > q3 + 1.5 * spread;
        double count = tails_outliers(&t, &s, &error);
        ck_assert(error > 0);
        outside += fabs(count - truth) > error + 2;
        kll_release(&s);
        tails_release(&t);
    }
    ck_assert_msg(beyond <= asked / 100 + 3, "%d of %d beyond the bound", beyond, asked);
    ck_assert_msg(outside <= runs / 100 + 2, "%d of %d outliers beyond", outside, runs);
}
END_TEST

START_TEST(kll_merges_within_the_bound_and_keeps_the_weight)
{
    size_t n = 60000;
    double *x = xreallocarray(NULL, n, sizeof(*x));
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct rng r;
        rng_seed(&r, seed);
        for (size_t i = 0; i < n; i++)
            x[i] = exp(rng_normal(&r));
        size_t len[3];
        cut_in_three(&r, n, len);
        struct kll p[3], m;
        kll_init(&m, 1024, seed);
        for (size_t i = 0, at = 0; i < 3; at += len[i++]) {
            kll_init(&p[i], 1024, seed + i);
            kll_add(&p[i], x + at, len[i]);
        }
        for (size_t i = 0; i < 3; i++)
            kll_merge(&m, &p[seed % 2 ? i : 2 - i]);
        uint64_t weight = 0;
        for (uint32_t h = 0; h < m.nlevels; h++)
            weight += (uint64_t)m.level[h].n << h;
        ck_assert_uint_eq(weight, n);
        ck_assert_uint_eq(m.n, n);
        qsort(x, n, sizeof(*x), by_value);
        ck_assert(m.min == x[0] && m.max == x[n - 1]);
        ck_assert_msg(rank_error(&m, x, n) < 0.004, "%g", rank_error(&m, x, n));
        for (size_t i = 0; i < 3; i++)
            kll_release(&p[i]);
        kll_release(&m);
    }
    free(x);
}
END_TEST

START_TEST(kll_is_the_same_for_the_same_seed_and_any_batches)
{
    struct rng r;
    rng_seed(&r, 9);
    struct kll a, b;
    kll_init(&a, 128, 4);
    kll_init(&b, 128, 4);
    double x[3000], p[3] = {0.1, 0.5, 0.9}, qa[3], qb[3];
    for (size_t i = 0; i < 3000; i++)
        x[i] = rng_unit(&r);
    kll_add(&a, x, 3000);
    for (size_t at = 0, step; at < 3000; at += step) {
        step = 1 + rng_below(&r, 70);
        step = step < 3000 - at ? step : 3000 - at;
        kll_add(&b, x + at, step);
    }
    kll_quantiles(&a, p, 3, qa);
    kll_quantiles(&b, p, 3, qb);
    ck_assert(memcmp(qa, qb, sizeof(qa)) == 0);
    kll_release(&a);
    kll_release(&b);
}
END_TEST

/* A Zipf-like stream over `range` values. */
static uint64_t zipf(struct rng *r, uint64_t range)
{
    double u = rng_unit(r);
    return (uint64_t)(pow((double)range, u)) - 1;
}

static uint64_t number_of(struct slice text)
{
    uint64_t v = 0;
    for (size_t j = 0; j < text.len; j++)
        v = v * 10 + (uint64_t)(text.p[j] - '0');
    return v;
}

static void check_bounds(const struct frequent *f, const uint64_t *count, size_t range)
{
    struct frequent_item *all = xreallocarray(NULL, (size_t)1 << 16, sizeof(*all));
    size_t n = frequent_top(f, 0, all, (size_t)1 << 16);
    bool *listed = xcalloc(range, sizeof(*listed));
    for (size_t i = 0; i < n; i++) {
        uint64_t v = number_of(all[i].text);
        ck_assert_uint_le(all[i].lower, count[v]);
        ck_assert_uint_ge(all[i].upper, count[v]);
        listed[v] = true;
    }
    for (size_t v = 0; v < range; v++)
        ck_assert(listed[v] || count[v] <= f->error);
    ck_assert_msg((double)f->error <= 3.67 / (1u << f->lg_max) * (double)f->total, "error %g of %g",
                  (double)f->error, (double)f->total);
    free(listed);
    free(all);
}

START_TEST(frequent_counts_are_within_their_bounds_also_after_merging)
{
    for (uint64_t seed = 0; seed < 30; seed++) {
        struct rng r;
        rng_seed(&r, seed);
        uint64_t range = 2 + rng_below(&r, 5000);
        uint64_t *count = xcalloc(range, sizeof(*count));
        struct frequent p[3], m;
        frequent_init(&m, 7);
        for (int i = 0; i < 3; i++) {
            frequent_init(&p[i], i == 1 && seed % 2 ? 8 : 7);
            for (size_t k = rng_below(&r, 20000); k > 0; k--) {
                uint64_t v = seed % 3 ? zipf(&r, range) : rng_below(&r, range);
                char text[24];
                int len = snprintf(text, sizeof(text), "%llu", (unsigned long long)v);
                uint64_t times = 1 + rng_below(&r, 3);
                frequent_add(&p[i], hash_u64(v, 0), slice_of(text, (size_t)len), times);
                count[v] += times;
            }
        }
        for (int i = 0; i < 3; i++)
            frequent_merge(&m, &p[i]);
        check_bounds(&m, count, range);
        for (int i = 0; i < 3; i++)
            frequent_release(&p[i]);
        frequent_release(&m);
        free(count);
    }
}
END_TEST

START_TEST(frequent_bounds_hold_when_the_gate_overflows)
{
    for (uint64_t seed = 0; seed < 10; seed++) {
        struct rng r;
        struct frequent f;
        uint64_t count[3000] = {0};
        rng_seed(&r, seed);
        frequent_init(&f, 5);
        for (int i = 0; i < 60000; i++) {
            uint64_t v = seed % 2 ? zipf(&r, 3000) : rng_below(&r, 3000);
            uint64_t times = 1 + rng_below(&r, 2000);
            char text[24];
            int len = snprintf(text, sizeof(text), "%llu", (unsigned long long)v);
            frequent_add(&f, hash_u64(v, seed), slice_of(text, (size_t)len), times);
            count[v] += times;
        }
        ck_assert(f.emptied > 0); /* else the cells never ran full */
        check_bounds(&f, count, 3000);
        frequent_release(&f);
    }
}
END_TEST

/* Values as the profile adds them: by batches, texts only where they are needed. */
static void screen_all(struct frequent *f, const uint64_t *values, size_t n)
{
    uint64_t hash[500];
    uint32_t fresh[500], rest[500], nrest;
    for (size_t at = 0; at < n; at += 500) {
        uint32_t m = n - at < 500 ? (uint32_t)(n - at) : 500;
        for (uint32_t i = 0; i < m; i++)
            hash[i] = hash_u64(values[at + i], 0);
        frequent_screen(f, hash, m, fresh, rest, &nrest);
        for (uint32_t k = 0; k < nrest; k++) {
            char text[24];
            int len =
                snprintf(text, sizeof(text), "%llu", (unsigned long long)values[at + rest[k]]);
            frequent_add(f, hash[rest[k]], slice_of(text, (size_t)len), 1);
        }
    }
}

START_TEST(frequent_misses_nothing_above_one_in_a_thousand)
{
    enum { N = 300000, HEAVY = 400, RANGE = 200000 };
    uint64_t *v = xreallocarray(NULL, N, sizeof(*v)), *count = xreallocarray(NULL, RANGE, 8);
    struct frequent_item *all = xreallocarray(NULL, (size_t)1 << FREQUENT_LG, sizeof(*all));
    for (int seed = 0; seed < tries(4); seed++) {
        struct rng r;
        struct frequent f;
        rng_seed(&r, (uint64_t)seed);
        memset(count, 0, RANGE * sizeof(*count));
        for (size_t i = 0; i < N; i++) {
            /* Half of the values are spread wide, half over values of about the share in question;
             * or all by Zipf's law; in odd runs the wide ones come first. */
            bool heavy = seed % 2 ? i >= N / 2 : rng_below(&r, 2) == 0;
            v[i] = seed % 4 == 3 ? zipf(&r, RANGE)
                   : heavy       ? rng_below(&r, HEAVY)
                                 : rng_below(&r, RANGE);
            count[v[i]]++;
        }
        frequent_init(&f, FREQUENT_LG);
        screen_all(&f, v, N);
        ck_assert_uint_eq(f.total, N);
        ck_assert(f.gate != NULL);
        check_bounds(&f, count, RANGE);
        size_t n = frequent_top(&f, N / 1000, all, (size_t)1 << FREQUENT_LG);
        bool *listed = xcalloc(RANGE, sizeof(*listed));
        for (size_t i = 0; i < n; i++)
            listed[number_of(all[i].text)] = true;
        for (size_t i = 0; i < RANGE; i++)
            ck_assert(listed[i] || count[i] <= N / 1000);
        free(listed);
        frequent_release(&f);
    }
    free(v);
    free(count);
    free(all);
}
END_TEST

START_TEST(tails_merge_to_what_one_pass_keeps)
{
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct rng r;
        rng_seed(&r, seed);
        size_t n = rng_below(&r, 5000), len[3];
        double *x = xreallocarray(NULL, n + 1, sizeof(*x));
        for (size_t i = 0; i < n; i++)
            x[i] = floor(rng_normal(&r) * 1000);
        struct tails one, p[3], m;
        tails_init(&one);
        tails_init(&m);
        tails_add(&one, x, n);
        cut_in_three(&r, n, len);
        for (size_t i = 0, at = 0; i < 3; at += len[i++]) {
            tails_init(&p[i]);
            tails_add(&p[i], x + at, len[i]);
        }
        for (size_t i = 0; i < 3; i++)
            tails_merge(&m, &p[2 - i]);
        /* The most extreme values are the same, whatever else is still kept. */
        kll_sort(one.high.v, one.high.n);
        kll_sort(m.high.v, m.high.n);
        kll_sort(one.low.v, one.low.n);
        kll_sort(m.low.v, m.low.n);
        size_t k = n < TAILS_KEPT ? n : TAILS_KEPT;
        for (size_t i = 1; i <= k; i++) {
            ck_assert(one.high.v[one.high.n - i] == m.high.v[m.high.n - i]);
            ck_assert(one.low.v[one.low.n - i] == m.low.v[m.low.n - i]);
        }
        tails_release(&one);
        tails_release(&m);
        for (size_t i = 0; i < 3; i++)
            tails_release(&p[i]);
        free(x);
    }
}
END_TEST

START_TEST(a_reservoir_chooses_all_items_alike)
{
    enum { N = 60, SIZE = 12, RUNS = 6000 };
    double hits[N] = {0}, merged[N] = {0};
    for (uint64_t seed = 0; seed < RUNS; seed++) {
        struct reservoir a, b, all;
        uint32_t in_a[SIZE], in_b[SIZE], in_all[SIZE], slot;
        reservoir_init(&a, SIZE, 3 * seed);
        reservoir_init(&b, SIZE, 3 * seed + 1);
        reservoir_init(&all, SIZE, 3 * seed + 2);
        for (uint32_t i = 0; i < N; i++) {
            if (reservoir_offer(&all, &slot))
                in_all[slot] = i;
            if (i < 20 && reservoir_offer(&a, &slot))
                in_a[slot] = i;
            if (i >= 20 && reservoir_offer(&b, &slot))
                in_b[slot] = i;
        }
        struct rng r;
        rng_seed(&r, seed);
        uint8_t from[SIZE];
        uint32_t index[SIZE];
        ck_assert_uint_eq(reservoir_merge(&a, &b, &r, from, index), SIZE);
        for (int i = 0; i < SIZE; i++) {
            hits[in_all[i]]++;
            merged[from[i] ? in_b[index[i]] : in_a[index[i]]]++;
        }
    }
    /* Binomial(6000, 0.2): mean 1200, deviation 31; five of them for 120 comparisons. */
    for (int i = 0; i < N; i++) {
        ck_assert_msg(fabs(hits[i] - 1200) < 155, "item %d: %g", i, hits[i]);
        ck_assert_msg(fabs(merged[i] - 1200) < 155, "merged item %d: %g", i, merged[i]);
    }
}
END_TEST

UNIT_MAIN("sketch laws", moments_merge_like_one_pass_in_any_order, moments_equal_extended_precision,
          distinct_merges_to_the_very_same_figure,
          registers_hold_the_largest_ranks_however_many_come,
          distinct_merges_to_the_very_same_figure, distinct_errs_as_it_says,
          distinct_is_near_over_many_columns, kll_ranks_are_within_the_bound_for_any_order,
          kll_errs_as_it_says_and_outliers_with_it,
          kll_merges_within_the_bound_and_keeps_the_weight,
          kll_is_the_same_for_the_same_seed_and_any_batches,
          frequent_counts_are_within_their_bounds_also_after_merging,
          frequent_bounds_hold_when_the_gate_overflows,
          frequent_misses_nothing_above_one_in_a_thousand, tails_merge_to_what_one_pass_keeps,
          a_reservoir_chooses_all_items_alike)
