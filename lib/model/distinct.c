/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Expected numbers of different values (Cardenas 1975). */
#include "model/distinct.h"

#include <math.h>

double model_distinct_expected(double d, double n)
{
    if (!(d > 0) || !(n > 0))
        return 0;
    if (isinf(d))
        return n;
    if (d <= 1)
        return n < d ? n : d;
    double e = -d * expm1(n * log1p(-1 / d));
    return e < n ? e : n;
}

double model_distinct_domain(double seen, double n)
{
    if (!(seen > 0) || !(n > 0))
        return 0;
    if (seen >= n)
        return INFINITY;
    /* expected(d, n) grows with d from 1 towards n. */
    double lo = seen, hi = seen * 2;
    while (model_distinct_expected(hi, n) < seen) {
        hi *= 2;
        if (hi > 1e18)
            return INFINITY;
    }
    for (int i = 0; i < 200 && hi - lo > 1e-9 * hi; i++) {
        double mid = (lo + hi) / 2;
        if (model_distinct_expected(mid, n) < seen)
            lo = mid;
        else
            hi = mid;
    }
    return (lo + hi) / 2;
}
