/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The largest and smallest values of a stream, and outliers counted by fences in one pass.
 *
 * Fences: Tukey 1977, "Exploratory data analysis": 1.5 times the interquartile range beyond the
 * quartiles. The quartiles are known only at the end (sketch/kll.h), when the values have gone by.
 * The TAILS_KEPT most extreme values of each side are kept, so that few outliers are counted
 * exactly; more than that are estimated from the quantile sketch. Keeping extremes merges exactly.
 */
#ifndef FORELINE_TAILS_H
#define FORELINE_TAILS_H

#include "sketch/kll.h"

#define TAILS_KEPT 256

struct tail {
    double *v;    /* room for 2 * TAILS_KEPT at most; NULL while empty */
    uint32_t n;   /* kept */
    double least; /* values not beyond this one cannot be among the kept */
    double sign;  /* 1: the largest are kept; -1: the smallest (stored negated) */
};
struct tails {
    struct tail high, low;
    uint64_t n;
};
void tails_init(struct tails *t);
void tails_release(struct tails *t);
void tails_add(struct tails *t, const double *x, size_t n);
void tails_merge(struct tails *t, const struct tails *other);
/* The n (TAILS_KEPT at most) most extreme values, ascending, into an empty tail. */
void tail_fill(struct tail *t, const double *v, uint32_t n);

/* Values outside Tukey's fences. NAN when no fence can be drawn: no values, or equal quartiles with
 * other values beside them. *error: how far the count may be off, in 99 of 100 seeds: the counts
 * with the quartiles as far out and in as their rank error allows, and the rank error itself where
 * values were not counted one by one. 0: exact. */
double tails_outliers(const struct tails *t, const struct kll *s, double *error);

#endif
