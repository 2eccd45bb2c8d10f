/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Moments by blocks, merged pairwise. Not for weights. */
#include "sketch/moments.h"

#include <math.h>

/* Small enough that a block's values are still in the first-level cache for the second pass. */
#define BLOCK 1024

/* Four independent sums, so that additions overlap; the order is fixed, so the result is too. */
static double sum(const double *x, size_t n)
{
    double s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        s0 += x[i];
        s1 += x[i + 1];
        s2 += x[i + 2];
        s3 += x[i + 3];
    }
    for (; i < n; i++)
        s0 += x[i];
    return (s0 + s1) + (s2 + s3);
}

static void block_moments(struct moments *out, const double *x, size_t n)
{
    double mean = sum(x, n) / (double)n;
    double a2 = 0, a3 = 0, a4 = 0, b2 = 0, b3 = 0, b4 = 0, first = 0;
    size_t i = 0;
    for (; i + 2 <= n; i += 2) {
        double d = x[i] - mean, e = x[i + 1] - mean;
        double dd = d * d, ee = e * e;
        first += d + e;
        a2 += dd;
        b2 += ee;
        a3 += dd * d;
        b3 += ee * e;
        a4 += dd * dd;
        b4 += ee * ee;
    }
    if (i < n) {
        double d = x[i] - mean;
        first += d;
        a2 += d * d;
        a3 += d * d * d;
        a4 += d * d * d * d;
    }
    /* The mean as rounded is off by first/n: moving to the true one corrects all four. */
    double delta = first / (double)n, m2 = a2 + b2, m3 = a3 + b3;
    out->n = (double)n;
    out->mean = mean + delta;
    out->m2 = m2 - first * delta;
    out->m3 = m3 - 3 * delta * m2 + 2 * first * delta * delta;
    out->m4 = a4 + b4 - 4 * delta * m3 + 6 * delta * delta * m2 - 3 * first * delta * delta * delta;
    if (out->m2 < 0)
        out->m2 = 0;
}

void moments_add(struct moments *m, const double *x, size_t n)
{
    while (n > 0) {
        size_t take = n < BLOCK ? n : BLOCK;
        struct moments b;
        block_moments(&b, x, take);
        moments_merge(m, &b);
        x += take;
        n -= take;
    }
}

void moments_merge(struct moments *m, const struct moments *other)
{
    if (other->n <= 0)
        return;
    if (m->n <= 0) {
        *m = *other;
        return;
    }
    double na = m->n, nb = other->n, n = na + nb;
    double d = other->mean - m->mean, dn = d / n, t = d * dn * na * nb;
    m->m4 += other->m4 + t * dn * dn * (na * na - na * nb + nb * nb) +
             6 * dn * dn * (na * na * other->m2 + nb * nb * m->m2) +
             4 * dn * (na * other->m3 - nb * m->m3);
    m->m3 += other->m3 + t * dn * (na - nb) + 3 * dn * (na * other->m2 - nb * m->m2);
    m->m2 += other->m2 + t;
    m->mean += nb * dn;
    m->n = n;
}

double moments_mean(const struct moments *m)
{
    return m->n > 0 ? m->mean : (double)NAN;
}

double moments_stddev(const struct moments *m)
{
    return m->n > 1 ? sqrt(m->m2 / (m->n - 1)) : (double)NAN;
}

double moments_skewness(const struct moments *m)
{
    double n = m->n;
    if (!(n > 2) || !(m->m2 > 0))
        return (double)NAN;
    double g1 = sqrt(n) * (m->m3 / m->m2) / sqrt(m->m2);
    return g1 * sqrt(n * (n - 1)) / (n - 2);
}

double moments_kurtosis(const struct moments *m)
{
    double n = m->n;
    if (!(n > 3) || !(m->m2 > 0))
        return (double)NAN;
    double g2 = n * (m->m4 / m->m2) / m->m2 - 3;
    return (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * g2 + 6);
}
