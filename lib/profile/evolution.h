/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How likely it is that the next arrival of a dataset has other columns or types.
 *
 * The share of sightings whose schema differed from the one before, each weighted by
 * 2^(-age / 30 days) from the newest one, with one change and one non-change added (Laplace's rule
 * of succession), so that few sightings claim little. This one is the newest sighting. */
#ifndef FORELINE_EVOLUTION_H
#define FORELINE_EVOLUTION_H

#include "rec/rec.h"
#include "store/store.h"

/* NAN when nothing was seen before. `history`: oldest first; now_us: of this sighting. */
double profile_evolution(const struct store_schema *history, size_t n, const struct rec_profile *p,
                         int64_t now_us);

#endif
