/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How many different values: exact up to 4,096, then HyperLogLog.
 *
 * Up to DISTINCT_EXACT (or fewer: distinct_exact_max) different elements are kept as they are;
 * beyond that only 2^p registers (Flajolet, Fusy, Gandouet & Meunier 2007, with 64-bit hashes),
 * read by the "improved raw" estimator of Ertl 2017 ("New cardinality estimation algorithms for
 * HyperLogLog sketches", section 2, algorithm 6), which needs the registers alone. The state is a
 * function of the set of elements: merging in any order and in any pieces gives the very same
 * figure as one pass.
 *
 * An element is what a register needs of a value, and enough more to tell values apart: 58 bits of
 * one hash (the lowest p of them say which register), and in the lowest 6 bits the rank, 1 … 63, of
 * another. Registers and ranks are those of the HLL sketches of Apache DataSketches (the functions
 * `coupon` of its HllUtil): of the same texts both have the same registers. Only the empty text
 * differs: it is a value here, and DataSketches passes over it. Below 2^28 values the collisions of
 * 58 bits are far below the error.
 */
#ifndef FORELINE_DISTINCT_H
#define FORELINE_DISTINCT_H

#include "base/murmur.h"

#define DISTINCT_EXACT 4096
/* With fewer registers than 2^12 memory is short, and fewer elements are kept. */
static inline uint32_t distinct_exact_max(unsigned p)
{
    return p >= 12 ? DISTINCT_EXACT : (1u << p) / 8;
}
#define DISTINCT_P_MIN 4
#define DISTINCT_P_MAX 21
#define DISTINCT_P 15
/* Of DataSketches (DEFAULT_SEED). */
#define DISTINCT_SEED 9001
/* Ranks end here. */
#define DISTINCT_RANK_MAX 63

struct distinct {
    uint64_t *set; /* open addressing, 0 empty; NULL while empty and once there are registers */
    uint32_t n, cap;
    uint8_t p;     /* 2^p registers */
    uint8_t *regs; /* NULL while exact */
    /* No register is below it: ranks up to it change nothing. Looked up now and then. */
    uint8_t floor;
    uint32_t since; /* elements that came since */
};
/* Two hashes of one value; never 0. */
static inline uint64_t distinct_element(uint64_t h1, uint64_t h2)
{
    return h1 << 6 | (uint64_t)(__builtin_clzll(h2 | 3) + 1);
}
static inline uint64_t distinct_of_text(const void *p, size_t len)
{
    struct murmur m = murmur_hash(p, len, DISTINCT_SEED);
    return distinct_element(m.h1, m.h2);
}
/* p within DISTINCT_P_MIN … DISTINCT_P_MAX. Nothing is allocated before the first value. */
void distinct_init(struct distinct *d, unsigned p);
void distinct_release(struct distinct *d);
/* Elements come from distinct_element. */
void distinct_add(struct distinct *d, const uint64_t *elements, size_t n);
/* From here on registers, and never exact. */
void distinct_to_registers(struct distinct *d);
/* Fewer registers, the same as if they had been so few from the start. p at most as before. */
void distinct_fold(struct distinct *d, unsigned p);
/* Takes the smaller p. */
void distinct_merge(struct distinct *d, const struct distinct *other);
bool distinct_is_exact(const struct distinct *d);
double distinct_estimate(const struct distinct *d);
/* Standard error of the estimate, in values; 0 while exact. */
double distinct_error(const struct distinct *d);

#endif
