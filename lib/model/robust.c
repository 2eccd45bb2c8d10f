/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Median, spread and upper quantiles of few numbers. */
#include "model/robust.h"

#include <math.h>

/* 1 / the 0.75 quantile of the normal distribution. */
#define MAD_TO_SD 1.482602218505602
#define T_BISECTIONS 200

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double model_quantile(double *x, size_t n, double q)
{
    if (n > 0)
        qsort(x, n, sizeof(*x), by_value);
    return model_quantile_sorted(x, n, q);
}

double model_quantile_sorted(const double *x, size_t n, double q)
{
    if (n == 0)
        return NAN;
    double h = (double)(n - 1) * q;
    size_t lo = (size_t)h;
    if (lo >= n - 1)
        return x[n - 1];
    return x[lo] + (h - (double)lo) * (x[lo + 1] - x[lo]);
}

double model_median(double *x, size_t n)
{
    return model_quantile(x, n, 0.5);
}

double model_mad(double *x, size_t n)
{
    if (n < 2)
        return 0;
    double mid = model_median(x, n);
    for (size_t i = 0; i < n; i++)
        x[i] = fabs(x[i] - mid);
    return MAD_TO_SD * model_median(x, n);
}

/* Continued fraction of the incomplete beta function (Abramowitz & Stegun 26.5.8), by Lentz's
 * method as modified by Thompson & Barnett 1986. */
static double beta_fraction(double a, double b, double x)
{
    const double tiny = 1e-300;
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < tiny ? tiny : d);
    double h = d;
    for (int m = 1; m <= 500; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        for (int k = 0; k < 2; k++) {
            double t = k == 0 ? even : odd;
            d = 1 + t * d;
            d = 1 / (fabs(d) < tiny ? tiny : d);
            c = 1 + t / c;
            c = fabs(c) < tiny ? tiny : c;
            h *= c * d;
        }
        if (fabs(c * d - 1) < 1e-15)
            break;
    }
    return h;
}

/* Regularised incomplete beta function I_x(a, b). */
static double beta_inc(double a, double b, double x)
{
    if (x <= 0)
        return 0;
    if (x >= 1)
        return 1;
    double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
    if (x < (a + 1) / (a + b + 2))
        return front * beta_fraction(a, b, x) / a;
    return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

double model_t95(double df)
{
    if (!(df >= 1))
        df = 1;
    if (df > 1e6)
        return 1.6448536269514722; /* the normal's */
    /* P(T > t) = I_{df / (df + t^2)}(df / 2, 1 / 2) / 2 falls with t; it is 0.05 at most at 6.32,
     * the value of one degree of freedom. */
    double lo = 1.6, hi = 6.32;
    for (int i = 0; i < T_BISECTIONS && hi - lo > 1e-12; i++) {
        double t = (lo + hi) / 2;
        if (beta_inc(df / 2, 0.5, df / (df + t * t)) / 2 > 0.05)
            lo = t;
        else
            hi = t;
    }
    return (lo + hi) / 2;
}

struct weighted {
    double value, weight;
};

static int by_weighted_value(const void *a, const void *b)
{
    double x = ((const struct weighted *)a)->value, y = ((const struct weighted *)b)->value;
    return (x > y) - (x < y);
}

/* The lower weighted median, or the middle of two when the weight splits in halves exactly. */
static double weighted_median(struct weighted *v, size_t n)
{
    qsort(v, n, sizeof(*v), by_weighted_value);
    double total = 0, sum = 0;
    for (size_t i = 0; i < n; i++)
        total += v[i].weight;
    for (size_t i = 0; i < n; i++) {
        sum += v[i].weight;
        if (sum > total / 2 * (1 + 1e-12))
            return v[i].value;
        if (sum >= total / 2 * (1 - 1e-12) && i + 1 < n)
            return (v[i].value + v[i + 1].value) / 2;
    }
    return v[n - 1].value;
}

bool model_level_fit(const double *values, const double *weights, size_t n, double prior_log_sd,
                     double prior_df, struct model_level *out)
{
    struct weighted *logs = xmalloc((n + 1) * sizeof(*logs));
    size_t m = 0;
    for (size_t i = 0; i < n; i++) {
        double w = weights ? weights[i] : 1;
        if (values[i] > 0 && isfinite(values[i]) && w > 0)
            logs[m++] = (struct weighted){log(values[i]), w};
    }
    if (m == 0) {
        free(logs);
        return false;
    }
    double mid = weighted_median(logs, m), squares = 0, weight = 0;
    for (size_t i = 0; i < m; i++) {
        double r = logs[i].value - mid;
        squares += logs[i].weight * r * r;
        weight += logs[i].weight;
    }
    free(logs);
    /* One value is spent on the middle; the next one differs from an estimated middle. */
    double df = prior_df + (weight > 1 ? weight - 1 : 0);
    double variance = (prior_df * prior_log_sd * prior_log_sd + squares) / (df > 0 ? df : 1);
    out->p50 = exp(mid);
    out->log_sd = sqrt(variance * (1 + 1 / weight));
    out->df = df > 1 ? df : 1;
    return true;
}

double model_level_p95(const struct model_level *m)
{
    return m->p50 * exp(model_t95(m->df) * m->log_sd);
}
