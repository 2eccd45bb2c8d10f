/* SPDX-License-Identifier: GPL-3.0-or-later */
/* MurmurHash3 (Appleby 2011; the variant of 128 bits for x64): the hash that the sketches of Apache
 * DataSketches are made of. Ours are readable there because they start from the very same bits. For
 * tables of our own hash_bytes is faster. */
#ifndef FORELINE_MURMUR_H
#define FORELINE_MURMUR_H

#include "base/base.h"

struct murmur {
    uint64_t h1, h2;
};
/* The same on every machine. `p` may be NULL when len is 0. */
struct murmur murmur_hash(const void *p, size_t len, uint64_t seed);
/* The same of fewer than 16 bytes, from their words: bytes 0 to 7 and 8 to 15, the first in the
 * lowest byte, filled with 0. */
static inline struct murmur murmur_words(uint64_t a, uint64_t b, size_t len, uint64_t seed);

#define MURMUR_C1 UINT64_C(0x87c37b91114253d5)
#define MURMUR_C2 UINT64_C(0x4cf5ad432745937f)
#define MURMUR_N1 0x52dce729
#define MURMUR_N2 0x38495ab5
#define MURMUR_F1 UINT64_C(0xff51afd7ed558ccd)
#define MURMUR_F2 UINT64_C(0xc4ceb9fe1a85ec53)
static inline uint64_t murmur_rotl(uint64_t x, int n)
{
    return x << n | x >> (64 - n);
}
static inline uint64_t murmur_mix1(uint64_t k)
{
    return murmur_rotl(k * MURMUR_C1, 31) * MURMUR_C2;
}
static inline uint64_t murmur_mix2(uint64_t k)
{
    return murmur_rotl(k * MURMUR_C2, 33) * MURMUR_C1;
}
static inline uint64_t murmur_finish(uint64_t k)
{
    k ^= k >> 33;
    k *= MURMUR_F1;
    k ^= k >> 33;
    k *= MURMUR_F2;
    return k ^ k >> 33;
}
/* The last words, empty ones mix to 0, and the length. */
static inline struct murmur murmur_end(uint64_t h1, uint64_t h2, uint64_t a, uint64_t b, size_t len)
{
    h1 ^= murmur_mix1(a) ^ len;
    h2 ^= murmur_mix2(b) ^ len;
    h1 += h2;
    h2 += h1;
    h1 = murmur_finish(h1);
    h2 = murmur_finish(h2);
    h1 += h2;
    return (struct murmur){h1, h2 + h1};
}
static inline struct murmur murmur_words(uint64_t a, uint64_t b, size_t len, uint64_t seed)
{
    return murmur_end(seed, seed, a, b, len);
}

#endif
