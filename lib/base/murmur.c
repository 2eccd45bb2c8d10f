/* SPDX-License-Identifier: GPL-3.0-or-later */
/* MurmurHash3. Most values are short, so the rest of up to 15 bytes is read as whole words. */
#include "base/murmur.h"

#include "base/load.h"

struct murmur murmur_hash(const void *data, size_t len, uint64_t seed)
{
    const unsigned char *p = data;
    uint64_t h1 = seed, h2 = seed;
    size_t n = len;
    for (; n >= 16; n -= 16, p += 16) {
        h1 ^= murmur_mix1(load_le(p, 8));
        h1 = (murmur_rotl(h1, 27) + h2) * 5 + MURMUR_N1;
        h2 ^= murmur_mix2(load_le(p + 8, 8));
        h2 = (murmur_rotl(h2, 31) + h1) * 5 + MURMUR_N2;
    }
    if (len >= 16) { /* what is left, by the last word that there is */
        uint64_t last = load_le(p + n - 8, 8);
        if (n > 8)
            return murmur_end(h1, h2, load_le(p, 8), last >> (8 * (16 - n)), len);
        return murmur_end(h1, h2, n == 0 ? 0 : last >> (8 * (8 - n)), 0, len);
    }
    if (n >= 8)
        return murmur_end(h1, h2, load_le(p, 8), load_part(p + 8, n - 8), len);
    return murmur_end(h1, h2, load_part(p, n), 0, len);
}
