/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How many different values among n records, when there are D to draw from, and back.
 *
 * Cardenas 1975, "Analysis and performance of inverted data base structures": D (1 - (1 - 1/D)^n)
 * for values that are equally likely. Skewed ones give fewer, so it leans to the high side.
 */
#ifndef FORELINE_MODEL_DISTINCT_H
#define FORELINE_MODEL_DISTINCT_H

#include "base/base.h"

/* Expected number of different values; 0 for n <= 0 or d <= 0. */
double model_distinct_expected(double d, double n);
/* The D of which n records show `seen`: at least `seen`; INFINITY when every record is new. */
double model_distinct_domain(double seen, double n);

#endif
