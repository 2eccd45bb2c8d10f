/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Seeded random numbers: xoshiro256** (Blackman & Vigna 2021), seeded by splitmix64. Not for
 * secrets. */
#ifndef FORELINE_RNG_H
#define FORELINE_RNG_H

#include "base/base.h"

struct rng {
    uint64_t s[4];
};
void rng_seed(struct rng *r, uint64_t seed);
uint64_t rng_u64(struct rng *r);
/* Uniform in [0, n), n > 0, without modulo bias. */
uint64_t rng_below(struct rng *r, uint64_t n);
/* Uniform in [0, 1), 53 bits. */
double rng_unit(struct rng *r);
/* Standard normal (polar method). */
double rng_normal(struct rng *r);

#endif
