/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hashes: a fast one for tables and sketches, SHA-256 (FIPS 180-4) for naming content. */
#ifndef FORELINE_HASH_H
#define FORELINE_HASH_H

#include "base/base.h"

/* 64 bits, well mixed (each input bit flips each output bit with probability 1/2, under test); the
 * same on every machine and version: sketches depend on it. */
uint64_t hash_bytes(const void *p, size_t len, uint64_t seed);
uint64_t hash_u64(uint64_t x, uint64_t seed);

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
