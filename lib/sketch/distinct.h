/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How many different values: exact up to 4,096, then HyperLogLog.
 *
 * Up to DISTINCT_EXACT different hashes are kept as they are; beyond that only 2^p registers
 * (Flajolet, Fusy, Gandouet & Meunier 2007, with 64-bit hashes), read by the "improved raw"
 * estimator of Ertl 2017 ("New cardinality estimation algorithms for HyperLogLog sketches",
 * section 2, algorithm 6), which needs the registers alone. The state is a function of the set of
 * hashes: merging in any order and in any pieces gives the very same figure as one pass. Values
 * come as 64-bit hashes (base/hash.h); below 2^32 values their collisions are far below the error.
 */
#ifndef FORELINE_DISTINCT_H
#define FORELINE_DISTINCT_H

#include "base/base.h"

#define DISTINCT_EXACT 4096
#define DISTINCT_P_MIN 4
#define DISTINCT_P_MAX 18
#define DISTINCT_P 15

struct distinct {
    uint64_t *set; /* open addressing, 0 empty; NULL while empty and once there are registers */
    uint32_t n, cap;
    bool zero;     /* the hash 0 was seen */
    uint8_t p;     /* 2^p registers */
    uint8_t *regs; /* NULL while exact */
};
/* p within DISTINCT_P_MIN … DISTINCT_P_MAX. Nothing is allocated before the first value. */
void distinct_init(struct distinct *d, unsigned p);
void distinct_release(struct distinct *d);
void distinct_add(struct distinct *d, const uint64_t *hashes, size_t n);
/* Both must have the same p. */
void distinct_merge(struct distinct *d, const struct distinct *other);
bool distinct_is_exact(const struct distinct *d);
double distinct_estimate(const struct distinct *d);
/* Standard error of the estimate, in values; 0 while exact. */
double distinct_error(const struct distinct *d);

#endif
