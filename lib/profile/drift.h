/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a profile differs from an earlier one, from their sketches alone.
 *
 * Five figures per column: the null rate, the mean, the Kolmogorov-Smirnov distance, the population
 * stability index, and the type (sketch/drift.h has the tests). A column has drifted by a figure
 * that is both
 *   significant  Holm's procedure over all figures of all columns: data that has not changed gives
 *                a drifted column in one run of a hundred at most (DRIFT_ALPHA)
 *   large        at least what a shift of a normal distribution by `effect` standard deviations d
 *                gives: mean d, ks 0.4 d (the density of the normal distribution at 0), psi d^2
 *                (its Jeffreys divergence; less the mean that chance gives it). A null rate, and
 * the share of values that the narrower type does not hold, by d / 10.
 *
 * ks and mean compare the numbers of columns that are mostly numbers on both sides; psi compares
 * numbers by the deciles of base, and the most frequent values of columns that are mostly strings
 * or booleans. Dates and timestamps move on by nature, and so do integer keys (nearly all
 * different, filling a tenth of their range): for the former only nulls and types are compared, of
 * the latter the figures are given but do not count. */
#ifndef FORELINE_PROFILE_DRIFT_H
#define FORELINE_PROFILE_DRIFT_H

#include "profile/profile.h"

#define DRIFT_ALPHA 0.01
/* Half of the 0.1 standard deviations, and of the 1 % of nulls, that must be found. */
#define DRIFT_EFFECT 0.05

/* What is compared with: a state with sketches, or a record alone (state NULL: psi and ks are
 * unknown then). The record is of the state when there is one. */
struct drift_base {
    const struct profile *state;
    const struct rec_profile *record;
};
/* The record of a state, for a base: figures by which it is compared, under these names. */
void drift_base_record(struct profile *state, const char *dataset, const char *partition,
                       struct arena *a, struct rec_profile *out);
/* `now` with its finished record. dataset and partition come from the records; strings of both and
 * of `a`. Columns are matched by name. */
void profile_drift(const struct drift_base *base, const struct profile *now,
                   const struct rec_profile *now_record, double effect, struct arena *a,
                   struct rec_drift *out);

/* What the schema verdict asks: columns added or removed, and columns with values that the type in
 * base does not hold. Reasons in `a`, one for each; returns how many. A narrower type is no change:
 * its values fit. */
uint32_t profile_schema_changes(const struct rec_profile *base, const struct rec_profile *now,
                                struct arena *a, const char *const **reasons);

#endif
