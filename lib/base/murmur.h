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

#endif
