/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How likely it is that the next arrival of a dataset has other columns or types.
 *
 * Two experts look at the sightings of the dataset, oldest first, and are averaged by how well each
 * has predicted them (Bayesian model averaging, Hoeting & al. 1999).
 *
 * The first takes changes for coin tosses whose rate is one of a grid and may be drawn anew before
 * each sighting (the forward recursion of a hidden Markov model with "fixed share", Herbster &
 * Warmuth 1998), the more likely the more time has gone by: so old sightings count for less, and
 * after a change a burst of further ones becomes likely. New rates are drawn from what datasets are
 * like in general: most hardly ever change (Vassiliadis, Zarras & Skoulis 2017, "Gravitating to
 * rigidity"), a few at nearly every arrival. With few sightings the forecast is that of datasets in
 * general.
 *
 * The second expects a change when as much time has gone by since the last one as usually does
 * between two: releases are regular.
 *
 * Brier score on seeded histories of a fleet: tests/prop/evolution.c. */
#ifndef FORELINE_EVOLUTION_H
#define FORELINE_EVOLUTION_H

#include "rec/rec.h"
#include "store/store.h"

struct evolution_sighting {
    int64_t at_us;
    bool changed; /* against the one before; of the first: not used */
};
/* That the sighting behind these will be a change, if it comes after the usual time; NAN for none.
 * O(n). */
double evolution_next(const struct evolution_sighting *s, size_t n);

/* The same from the store; NAN when nothing was seen before. `history`: oldest first; now_us: of
 * this sighting, the newest. */
double profile_evolution(const struct store_schema *history, size_t n, const struct rec_profile *p,
                         int64_t now_us);

#endif
