/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Has a column changed? Two samples compared through their sketches alone: every comparison gives a
 * figure, how far chance moves it, and the probability p that two samples of one distribution
 * differ at least that much. Records are taken as drawn independently; errors of the sketches count
 * as chance. A p is at most a little too large, never much too small, so that false alarms stay
 * below what the caller allows (1,000 seeded pairs, tests/prop/drift).
 *
 * Many p values together are judged by drift_significant. Which size of a change matters is the
 * caller's to say. Not here: columns, types, records. */
#ifndef FORELINE_DRIFT_H
#define FORELINE_DRIFT_H

#include "sketch/frequent.h"
#include "sketch/kll.h"
#include "sketch/moments.h"

/* Of base and now; unknown figures are NAN, and so is a p that says nothing. */
struct drift_figure {
    double value;
    /* Of a difference: its standard error. Of a distance, which is never negative: what 95 % of
     * unchanged pairs stay below. */
    double error;
    double p;
};

/* Difference of two shares, k of n each (now - base). p: Fisher's exact test, two-sided by doubling
 * the smaller tail (Fisher 1935, "The logic of inductive inference"). NAN when an n is 0. */
struct drift_figure drift_rate(double base_k, double base_n, double now_k, double now_n);

/* Difference of two means. p: the normal approximation with the variance of both samples together
 * (under the null hypothesis they are one), the first term of Edgeworth's expansion for skewness
 * (Hall 1992, "The bootstrap and Edgeworth expansion", eq. 2.17), and for the tails that the normal
 * distribution does not know their excess fourth cumulant over z^4 (Markov's inequality). So few
 * values with heavy tails give no false alarm. NAN below 8 values on a side.
 * *effect (may be NULL): the difference in standard deviations of both together; 0 when there is
 * neither spread nor difference, infinite when there is a difference only. */
struct drift_figure drift_mean(const struct moments *base, const struct moments *now,
                               double *effect);

/* The largest distance of the two distribution functions (Kolmogorov 1933, Smirnov 1939). p: the
 * asymptotic distribution, at the distance less what the sketches may be wrong by: the rank of a
 * value is wrong by a sum of independent coins (sketch/kll.h) whose variance is known, bounded over
 * all values by a union. NAN when a sketch is empty. */
struct drift_figure drift_ks(const struct kll *base, const struct kll *now);

#define DRIFT_BINS 20
/* Population stability index: sum of (q - p) ln(q / p) over bins, p and q the shares of base and
 * now, half a value added to every bin (Krichevsky & Trofimov 1981, "The performance of universal
 * encoding"). It is Jeffreys' divergence of the two (Jeffreys 1946). p: Pearson's chi-square test
 * that the bins have the same shares, the errors of the sketches added to the variances; bins that
 * would hold less than 20 values on one side are joined with their neighbour. `error` after
 * Yurdakul 2018 ("Statistical properties of population stability index"): under the null hypothesis
 * it is chi-square times (1/n + 1/m). *chance (may be NULL): its mean then. NAN when fewer than two
 * bins are left.
 * Numbers: the bins lie between the deciles of base; a decile that repeats is a bin by itself. */
struct drift_figure drift_psi(const struct kll *base, const struct kll *now, double *chance);
/* Other values: the most frequent of both together, up to DRIFT_BINS - 1, and the rest. Chosen from
 * both, as values chosen for being frequent in one are less so in any other sample. */
struct drift_figure drift_psi_values(const struct frequent *base, const struct frequent *now,
                                     double *chance);

/* Which of n tests are significant when at most a share alpha of all runs without any change may
 * have one that is (Holm 1979, "A simple sequentially rejective multiple test procedure"). NAN: no
 * test, not counted. Returns how many were counted. */
size_t drift_significant(const double *p, size_t n, double alpha, bool *significant);

#endif
