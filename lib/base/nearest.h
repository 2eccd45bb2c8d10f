/* SPDX-License-Identifier: GPL-3.0-or-later */
/* "Did you mean …": the closest of several names. */
#ifndef FORELINE_NEAREST_H
#define FORELINE_NEAREST_H

#include "base/base.h"

/* Usage: nearest_init, nearest_try for each candidate, then `best` (NULL when none is close enough:
 * more than a third of the longer name, at least 1, would have to change). First of equals wins. */
struct nearest {
    struct slice want;
    const char *best;
    size_t distance;
};
void nearest_init(struct nearest *n, struct slice want);
void nearest_try(struct nearest *n, const char *candidate);
/* Restricted edit distance, letters of either case being equal (Damerau 1964: insert, delete,
 * replace, swap of neighbours); names over 64 bytes are infinitely far. */
size_t edit_distance(struct slice a, struct slice b);

#endif
