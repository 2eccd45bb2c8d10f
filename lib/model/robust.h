/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Few numbers, summed up so that one wild one does not matter: median, spread, and the upper end
 * of what to expect. Not streaming summaries (sketch/).
 */
#ifndef FORELINE_MODEL_ROBUST_H
#define FORELINE_MODEL_ROBUST_H

#include "base/base.h"

/* Quantile q in [0, 1], linear between order statistics (type 7 of Hyndman & Fan 1996). `x` is
 * sorted in place; NAN when n is 0. O(n log n). */
double model_quantile(double *x, size_t n, double q);
/* The same of values that are in ascending order already: O(1). */
double model_quantile_sorted(const double *x, size_t n, double q);
/* The same at 0.5. */
double model_median(double *x, size_t n);
/* Median absolute deviation from the median times 1.4826, the standard deviation of normal data
 * (Hampel 1974). `x` is overwritten. 0 for n < 2. */
double model_mad(double *x, size_t n);

/* The 0.95 quantile of Student's t with df >= 1 degrees of freedom (fractions too): by inverting
 * the distribution, to 1e-9. */
double model_t95(double df);

/* What values of a positive figure to expect next, from few seen ones: they are taken as
 * log-normal, and their spread is shrunk towards a prior one that counts as `prior_df` values (the
 * conjugate scaled inverse chi-square; Gelman et al. 2013, Bayesian Data Analysis, sec. 2.6). */
struct model_level {
    double p50;
    double log_sd; /* of one further value around p50 */
    double df;
};
/* Weighted median of the positive, finite ones among `values`; weights may be NULL (all 1). false
 * when there is none. */
bool model_level_fit(const double *values, const double *weights, size_t n, double prior_log_sd,
                     double prior_df, struct model_level *out);
/* p50 * exp(t95(df) * log_sd) */
double model_level_p95(const struct model_level *m);

#endif
