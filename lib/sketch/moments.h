/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Count, mean and the central moments up to the fourth, in one pass, in pieces that merge.
 *
 * Source: Pébay 2008, "Formulas for robust, one-pass parallel computation of covariances and
 * arbitrary-order statistical moments" (SAND2008-6212), eqs. 2.1 and 3.1. A block is summed in two
 * passes around its own mean and then merged, so the result stays accurate when the mean is large
 * beside the deviation. Merging pieces equals one pass within rounding (1e-12 relative, under
 * test), not bit for bit. Not for NaN or infinity: callers give finite numbers. */
#ifndef FORELINE_MOMENTS_H
#define FORELINE_MOMENTS_H

#include "base/base.h"

struct moments {
    double n, mean;
    double m2, m3, m4; /* sums of powers of the deviations from the mean */
};
#define MOMENTS_INIT ((struct moments){0, 0, 0, 0, 0})
void moments_add(struct moments *m, const double *x, size_t n);
void moments_merge(struct moments *m, const struct moments *other);

/* NAN where there are too few values, or no spread where one is needed; a figure that does not fit
 * a double is NAN or infinite. */
double moments_mean(const struct moments *m);
/* With n-1. */
double moments_stddev(const struct moments *m);
/* Adjusted for bias as DuckDB, pandas and SAS do: G1 and G2 of Joanes & Gill 1998; kurtosis is
 * excess (0 for a normal distribution). From 3 and 4 values on. */
double moments_skewness(const struct moments *m);
double moments_kurtosis(const struct moments *m);

#endif
