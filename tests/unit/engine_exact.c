/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Exact sums against an oracle that adds in fixed point, 2^-1074 the unit. */
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "engine/exact.h"
#include "tests/unit/suite.h"

/* Two's complement, least limb first; room for 2^40 addends of any size. */
#define LIMBS 72
struct fixed {
    uint32_t limb[LIMBS];
};

static void fixed_add(struct fixed *f, double x)
{
    int e;
    double m = frexp(fabs(x), &e); /* x = m 2^e, 0.5 <= m < 1 */
    uint64_t bits = (uint64_t)ldexp(m, 53);
    int shift = e - 53 + 1074;
    if (shift < 0) { /* subnormal: the low bits are zero */
        bits >>= -shift;
        shift = 0;
    }
    struct fixed add = {{0}};
    for (int i = 0; i < 3; i++) {
        int at = shift / 32 + i;
        int low = shift % 32;
        uint64_t part = i == 0   ? bits << low
                        : i == 1 ? (low ? bits >> (32 - low) : bits >> 32)
                                 : (low ? bits >> (64 - low) : 0);
        if (at < LIMBS)
            add.limb[at] = (uint32_t)part;
    }
    uint64_t carry = x < 0;
    for (int i = 0; i < LIMBS; i++) {
        uint32_t l = x < 0 ? ~add.limb[i] : add.limb[i];
        carry += (uint64_t)f->limb[i] + l;
        f->limb[i] = (uint32_t)carry;
        carry >>= 32;
    }
}

static int top_bit(const struct fixed *f)
{
    for (int i = LIMBS * 32; i-- > 0;) {
        if (f->limb[i / 32] >> (i % 32) & 1)
            return i;
    }
    return -1;
}

static double fixed_round(const struct fixed *in)
{
    struct fixed f = *in;
    bool negative = f.limb[LIMBS - 1] >> 31;
    if (negative) {
        uint64_t carry = 1;
        for (int i = 0; i < LIMBS; i++) {
            carry += (uint32_t)~f.limb[i];
            f.limb[i] = (uint32_t)carry;
            carry >>= 32;
        }
    }
    int top = top_bit(&f);
    if (top < 0)
        return 0;
    int low = top > 52 ? top - 52 : 0;
    uint64_t m = 0;
    for (int i = top; i >= low; i--)
        m = m << 1 | (f.limb[i / 32] >> (i % 32) & 1);
    bool half = low > 0 && (f.limb[(low - 1) / 32] >> ((low - 1) % 32) & 1);
    bool rest = false;
    for (int i = 0; i < low - 1 && !rest; i++)
        rest = f.limb[i / 32] >> (i % 32) & 1;
    if (half && (rest || (m & 1)))
        m++;
    double x = ldexp((double)m, low - 1074);
    return negative ? -x : x;
}

static double sum(const double *v, size_t n)
{
    struct exact_pool pool;
    exact_pool_init(&pool, NULL);
    struct exact e = {{0}, 0};
    for (size_t i = 0; i < n; i++)
        exact_add(&pool, &e, v[i]);
    double r = exact_round(&pool, &e);
    exact_pool_release(&pool);
    return r;
}

static double random_double(struct rng *r, int spread)
{
    double m = rng_unit(r) - 0.5;
    return ldexp(m, (int)rng_below(r, (uint64_t)spread) - spread / 2);
}

START_TEST(known_sums_are_right)
{
    const double tenths[] = {.1, .1, .1, .1, .1, .1, .1, .1, .1, .1};
    ck_assert_double_eq(sum(tenths, 10), 1.0);
    const double cancel[] = {1e100, 1.0, -1e100};
    ck_assert_double_eq(sum(cancel, 3), 1.0);
    const double tie[] = {1e16, 1.0, 1e-16};
    ck_assert_double_eq(sum(tie, 3), 10000000000000002.0);
    const double even[] = {0x1p53, 1.0};
    ck_assert_double_eq(sum(even, 2), 0x1p53);
    ck_assert_double_eq(sum(NULL, 0), 0);
}
END_TEST

START_TEST(sums_equal_fixed_point_addition)
{
    struct rng r;
    rng_seed(&r, 1);
    for (int round = 0; round < 2000; round++) {
        double v[64];
        size_t n = 1 + rng_below(&r, 64);
        int spread = round % 3 == 0 ? 2000 : round % 3 == 1 ? 120 : 8;
        struct fixed f = {{0}};
        for (size_t i = 0; i < n; i++) {
            v[i] = i && rng_below(&r, 4) == 0 ? -v[i - 1] : random_double(&r, spread);
            fixed_add(&f, v[i]);
        }
        ck_assert_double_eq(sum(v, n), fixed_round(&f));
    }
}
END_TEST

START_TEST(order_does_not_show)
{
    struct rng r;
    rng_seed(&r, 2);
    for (int round = 0; round < 300; round++) {
        double v[200];
        for (size_t i = 0; i < 200; i++)
            v[i] = random_double(&r, round % 2 ? 2040 : 60);
        double first = sum(v, 200);
        for (size_t i = 200; i > 1; i--) {
            size_t k = rng_below(&r, i);
            double t = v[i - 1];
            v[i - 1] = v[k];
            v[k] = t;
        }
        double again = sum(v, 200);
        ck_assert_msg(memcmp(&first, &again, sizeof(first)) == 0, "%a and %a", first, again);
    }
}
END_TEST

START_TEST(merged_parts_equal_one_pass)
{
    struct rng r;
    rng_seed(&r, 3);
    for (int round = 0; round < 300; round++) {
        struct exact_pool pa, pb;
        exact_pool_init(&pa, NULL);
        exact_pool_init(&pb, NULL);
        struct exact a = {{0}, 0}, b = {{0}, 0};
        double v[100];
        for (size_t i = 0; i < 100; i++) {
            v[i] = random_double(&r, round % 2 ? 2040 : 60);
            if (rng_below(&r, 2))
                exact_add(&pa, &a, v[i]);
            else
                exact_add(&pb, &b, v[i]);
        }
        exact_merge(&pa, &a, &pb, &b);
        double got = exact_round(&pa, &a), want = sum(v, 100);
        ck_assert_msg(memcmp(&got, &want, sizeof(got)) == 0, "%a and %a", got, want);
        exact_pool_release(&pa);
        exact_pool_release(&pb);
    }
}
END_TEST

START_TEST(partial_sums_do_not_overflow)
{
    const double big = 0x1.8p1023;
    const double v[] = {big, big, -big, 3.0, -big, big, -big};
    ck_assert_double_eq(sum(v, 7), 3.0);
    const double over[] = {big, big};
    ck_assert(isinf(sum(over, 2)));
    const double inf[] = {INFINITY, 1.0};
    ck_assert(isinf(sum(inf, 2)));
    const double both[] = {INFINITY, 1.0, -INFINITY};
    ck_assert(isnan(sum(both, 3)));
}
END_TEST

static double stddev(const double *v, uint64_t n)
{
    struct exact_pool pool;
    exact_pool_init(&pool, NULL);
    struct exact s = {{0}, 0}, q = {{0}, 0};
    for (uint64_t i = 0; i < n; i++) {
        exact_add(&pool, &s, v[i]);
        exact_add_product(&pool, &q, v[i], v[i]);
    }
    double r = exact_stddev(&pool, &s, &q, n);
    exact_pool_release(&pool);
    return r;
}

START_TEST(standard_deviation_does_not_cancel)
{
    const double near[] = {1e9 + 1, 1e9 + 2, 1e9 + 3};
    ck_assert_double_eq(stddev(near, 3), 1.0);
    const double same[] = {.1, .1, .1};
    ck_assert_double_eq(stddev(same, 3), 0.0);
    const double two[] = {2, 4};
    ck_assert_double_eq(stddev(two, 2), sqrt(2));
    ck_assert(isnan(stddev(two, 1)));
    const double wide[] = {1e200, -1e200};
    ck_assert(!(stddev(wide, 2) < 1e200)); /* beyond what squares can hold: not a small number */
}
END_TEST

UNIT_MAIN("engine_exact", known_sums_are_right, sums_equal_fixed_point_addition,
          order_does_not_show, merged_parts_equal_one_pass, partial_sums_do_not_overflow,
          standard_deviation_does_not_cancel)
