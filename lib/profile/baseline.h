/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Earlier profiles, to compare with: from a file of records. */
#ifndef FORELINE_BASELINE_H
#define FORELINE_BASELINE_H

#include "profile/drift.h"

struct baseline;
/* The profiles and their sketches among the records of a file, as etl-profile writes them; the
 * sketch of kind profile comes before the others of its profile. Lines of other kinds are passed
 * over. ERR_ENV when it cannot be read, ERR_DATA with the line for what is not JSON or no
 * sound profile, and when there is no profile in it. */
struct baseline *baseline_read(const char *path, struct err *err);
void baseline_free(struct baseline *b);
/* Of several profiles of one dataset and partition the last; the only profile there is serves for
 * every dataset. False with ERR_DATA when none fits. Valid until the baseline goes. */
bool baseline_find(const struct baseline *b, const char *dataset, const char *partition,
                   struct drift_base *out, struct err *err);

#endif
