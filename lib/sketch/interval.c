/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Confidence intervals, 95 % on both sides together. */
#include "sketch/interval.h"

#include <math.h>

/* The standard normal's 97.5 %. */
#define Z95 1.959963984540054

double interval_t(double df)
{
    if (!(df < 1e6))
        return Z95;
    if (df < 1)
        df = 1;
    if (df == 1)
        return 12.706204736432095;
    /* Hill's expansion for the two-sided 5 %. */
    double p = 0.05, a = 1 / (df - 0.5), b = 48 / (a * a);
    double c = ((20700 * a / b - 98) * a - 16) * a + 96.36;
    double d = ((94.5 / (b + c) - 3) / b + 1) * sqrt(a * acos(-1.0) / 2) * df;
    double y = pow(d * p, 2 / df);
    if (y > 0.05 + a) {
        double x = -Z95;
        y = x * x;
        if (df < 5)
            c += 0.3 * (df - 4.5) * (x + 0.6);
        c = (((0.05 * d * x - 5) * x - 7) * x - 2) * x + b + c;
        y = (((((0.4 * y + 6.3) * y + 36) * y + 94.5) / c - y - 3) / b + 1) * x;
        y = expm1(a * y * y);
    } else {
        y = ((1 / (((df + 6) / (df * y) - 0.089 * d - 0.822) * (df + 2) * 3) + 0.5 / (df + 4)) * y -
             1) *
                (df + 1) / (df + 2) +
            1 / y;
    }
    return sqrt(df * y);
}

/* 1 - n/N, and nothing to gain where all were read. */
static double rest(double n, double all)
{
    return n < all ? 1 - n / all : 0;
}

/* How much wider than t an interval of both sides must be, for skewed and long-tailed values: the
 * second term of the Edgeworth expansion of the studentized mean (q2). Up to twice: beyond, the
 * expansion says nothing. */
static double widened(double n, double f, double skewness, double kurtosis)
{
    if (!isfinite(skewness) || !isfinite(kurtosis))
        return 1;
    double g = skewness * skewness * (1 - 2 * f) * (1 - 2 * f) / (1 - f);
    double k = kurtosis * (1 - 6 * f * (1 - f)) / (1 - f), xx = Z95 * Z95;
    double more = (g * (xx * xx + 2 * xx - 3) / 18 - k * (xx - 3) / 12) / n;
    return more > 0 ? 1 + (more < 1 ? more : 1) : 1;
}

/* Where a studentized mean stands whose transform is `y`: Hall's cubic g(t) = t + a t^2 / 3 + a^2
 * t^3 / 27 + a / 6 takes the skewness out, and is strictly increasing, so that it can be turned
 * round. */
static double untransformed(double y, double a)
{
    double b = y - a / 6;
    return fabs(a) > 1e-9 ? 3 / a * (cbrt(1 + a * b) - 1) : b;
}

struct interval interval_mean(double n, double all, double mean, double stddev, double skewness,
                              double kurtosis)
{
    if (!(n >= 2) || !isfinite(stddev))
        return INTERVAL_NONE;
    double f = 1 - rest(n, all);
    if (f >= 1 || !(stddev > 0))
        return (struct interval){mean, mean};
    double se = stddev * sqrt((1 - f) / n);
    double t = interval_t(n - 1) * widened(n, f, skewness, kurtosis);
    double a = isfinite(skewness) ? skewness * (1 - 2 * f) / sqrt((1 - f) * n) : 0;
    struct interval i = {mean - se * untransformed(t, a), mean - se * untransformed(-t, a)};
    /* The bias it corrects may be more than the whole width, of two values say. */
    return (struct interval){i.lo < mean ? i.lo : mean, i.hi > mean ? i.hi : mean};
}

static struct interval wilson(double p, double n, double z)
{
    double zz = z * z, mid = (p + zz / (2 * n)) / (1 + zz / n);
    double half = z / (1 + zz / n) * sqrt(p * (1 - p) / n + zz / (4 * n * n));
    return (struct interval){p > 0 && mid > half ? mid - half : 0,
                             p < 1 && mid + half < 1 ? mid + half : 1};
}

struct interval interval_rate(double k, double n, double all)
{
    if (!(n > 0))
        return INTERVAL_NONE;
    if (rest(n, all) == 0)
        return (struct interval){k / n, k / n};
    return wilson(k / n, n / rest(n, all), Z95);
}

struct interval interval_quantile(double p, double n, double all)
{
    if (!(n > 0))
        return INTERVAL_NONE;
    double half = Z95 * sqrt(p * (1 - p) * rest(n, all) / n);
    return (struct interval){p > half ? p - half : 0, p + half < 1 ? p + half : 1};
}

/* The mean fourth power of the difference between two blocks over its squared variance: 3 when the
 * sums of blocks are normal, 2.4 when they lie along a line, as what grows along the file does. The
 * one that claims less. */
#define FOURTH 2.4
/* Satterthwaite's degrees of freedom of a sum of n squares with one each; their fourth powers are
 * FOURTH times the squared variances in the mean, which would make them too few by that factor
 * (Johnson & Rust 1992). */
double interval_freedom(double squares, double fourths, double n)
{
    double df = fourths > 0 ? FOURTH * squares * squares / fourths - (FOURTH - 1) : n;
    return df < 1 ? 1 : df > n ? n : df;
}

struct interval_ratio interval_blocks(const struct interval_block *b, size_t n, double fraction)
{
    struct interval_ratio r = {(double)NAN, (double)NAN, (double)NAN, 0};
    double y = 0, squares = 0, fourths = 0;
    for (size_t i = 0; i < n; i++) {
        y += b[i].y;
        r.x += b[i].x;
    }
    if (!(r.x > 0) || n < 4)
        return r;
    r.ratio = y / r.x;
    for (size_t i = 0; i + 1 < n; i += 2) {
        double d = (b[i].y - r.ratio * b[i].x) - (b[i + 1].y - r.ratio * b[i + 1].x);
        squares += d * d;
        fourths += d * d * d * d;
    }
    r.se = sqrt((1 - fraction) * squares) / r.x;
    r.df = interval_freedom(squares, fourths, (double)n / 2);
    return r;
}

struct interval interval_block_mean(const struct interval_ratio *r)
{
    if (!isfinite(r->se))
        return INTERVAL_NONE;
    double half = interval_t(r->df) * r->se;
    return (struct interval){r->ratio - half, r->ratio + half};
}

struct interval interval_block_rate(const struct interval_ratio *r, double blocks, double fraction)
{
    if (!isfinite(r->se))
        return INTERVAL_NONE;
    double p = r->ratio, v = r->se * r->se;
    /* Nothing varies, nothing is known of how alike the records of a block are: as if each block
     * said no more than one record. */
    double n = v > 0 ? p * (1 - p) / v : blocks / (1 - fraction);
    double most = r->x / (1 - fraction);
    if (v > 0 && n > most * 10)
        n = most * 10;
    return wilson(p, n, interval_t(v > 0 ? r->df : blocks / 2));
}

struct interval interval_block_total(const struct interval_block *b, size_t n, double fraction,
                                     double *total)
{
    double y = 0, squares = 0, fourths = 0;
    for (size_t i = 0; i < n; i++)
        y += b[i].y;
    *total = y / fraction;
    if (n < 4)
        return INTERVAL_NONE;
    for (size_t i = 0; i + 1 < n; i += 2) {
        double d = b[i].y - b[i + 1].y;
        squares += d * d;
        fourths += d * d * d * d;
    }
    double half = interval_t(interval_freedom(squares, fourths, (double)n / 2)) *
                  sqrt((1 - fraction) * squares) / fraction;
    return (struct interval){*total - half > y ? *total - half : y, *total + half};
}
