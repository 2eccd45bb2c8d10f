/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A figure (time, memory) as a straight line of a size, fitted sensibly to few runs.
 *
 * x is what a prior model says the figure would be, y what it was: then the line y = a + b x with
 * the prior a = 0, b = 1 keeps the prior's shape (its fixed part, n log n, …) and takes from the
 * runs how this machine and this data differ. One run moves b; runs of several sizes move a as
 * well. Never negative.
 */
#ifndef FORELINE_MODEL_LINE_H
#define FORELINE_MODEL_LINE_H

#include "base/base.h"

struct model_run {
    double x, y;   /* both > 0; others are left out */
    double weight; /* > 0: of a recent run 1, of older ones less */
};
struct model_line_prior {
    double a_strength; /* how many runs' worth holds a at 0 */
    double b_strength; /* how many runs' worth holds b at 1 */
    double log_sd;     /* spread of y / fitted y between equal runs, as far as known beforehand */
    double df;         /* how many runs' worth that is */
    double drift;      /* further spread per e-fold of x beyond the sizes seen */
};
struct model_line {
    double a, b;
    double log_sd, df; /* of log(y / (a + b x)) */
    double n;          /* sum of weights */
    double x_lo, x_hi; /* sizes seen */
    double drift;
};
/* Ridge regression on relative errors, (y - a - b x) / x, made robust by iterated reweighting with
 * Huber's weights at 1.345 sigma (Holland & Welsch 1977), with a, b >= 0 (the bound that is met is
 * held at 0 and the other refitted). n = 0 gives the prior line. O(n) per iteration, at most 20. */
void model_line_fit(const struct model_run *runs, size_t n, const struct model_line_prior *prior,
                    struct model_line *out);
double model_line_p50(const struct model_line *l, double x);
/* p50 times exp(t95(df) s), s^2 = log_sd^2 (1 + 1/n) + (drift * distance)^2, distance = |log(x /
 * nearest size seen)|. */
double model_line_p95(const struct model_line *l, double x);

#endif
