/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A uniform sample of fixed size from a stream of unknown length.
 *
 * Source: Li 1994, "Reservoir-sampling algorithms of time complexity O(n(1 + log(N/n)))", algorithm
 * L: it draws how many to skip, so most items cost one comparison. Says which slot an item goes to;
 * the caller keeps the items. Same seed and length, same choice. */
#ifndef FORELINE_RESERVOIR_H
#define FORELINE_RESERVOIR_H

#include "base/rng.h"

struct reservoir {
    uint32_t size;
    uint64_t seen, next; /* the next item that is taken */
    double w;
    struct rng rng;
};
void reservoir_init(struct reservoir *r, uint32_t size, uint64_t seed);
/* The next item: true when it is to be put into *slot (replacing what is there). */
bool reservoir_offer(struct reservoir *r, uint32_t *slot);
/* How many slots are filled. */
uint32_t reservoir_filled(const struct reservoir *r);
/* Two samples of disjoint streams into one of the smaller size: slot i of the result comes from
 * `from[i]` (0: a, 1: b), slot `index[i]` there, each at most once. Returns the size of the result.
 * Every item of both streams has the same chance. */
uint32_t reservoir_merge(const struct reservoir *a, const struct reservoir *b, struct rng *rng,
                         uint8_t *from, uint32_t *index);

#endif
