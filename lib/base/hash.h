/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hashes: a fast one for tables and sketches, SHA-256 (FIPS 180-4) for naming content. */
#ifndef FORELINE_HASH_H
#define FORELINE_HASH_H

#include "base/base.h"

/* 64 bits, well mixed (each input bit flips each output bit with probability 1/2, under test); the
 * same on every machine and version: sketches depend on it. */
uint64_t hash_bytes(const void *p, size_t len, uint64_t seed);
/* The same with seed 0 of at most 16 bytes, from their words: bytes 0 to 7 and 8 to 15, the first
 * in the lowest byte, filled with 0. */
static inline uint64_t hash_words(uint64_t a, uint64_t b, size_t len);
uint64_t hash_u64(uint64_t x, uint64_t seed);

/* The fractional parts of the square roots of 2, 3 and 5. */
#define HASH_K0 UINT64_C(0x6a09e667f3bcc909)
#define HASH_K1 UINT64_C(0xbb67ae8584caa73b)
#define HASH_K2 UINT64_C(0x3c6ef372fe94f82b)
static inline uint64_t hash_fold(uint64_t a, uint64_t b)
{
    __extension__ unsigned __int128 p = (unsigned __int128)a * b;
    return (uint64_t)p ^ (uint64_t)(p >> 64);
}
static inline uint64_t hash_words(uint64_t a, uint64_t b, size_t len)
{
    return hash_fold(hash_fold(a ^ HASH_K1, b ^ HASH_K0) ^ len, HASH_K2);
}

struct sha256 {
    uint32_t h[8];
    uint64_t bytes;
    unsigned char block[64];
};
#define SHA256_HEX 65
void sha256_init(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *p, size_t len);
/* Lower-case hex with NUL. */
void sha256_hex(struct sha256 *s, char out[SHA256_HEX]);

#endif
