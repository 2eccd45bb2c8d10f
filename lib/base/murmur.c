/* SPDX-License-Identifier: GPL-3.0-or-later */
/* MurmurHash3. Most values are short, so the rest of up to 15 bytes is read as whole words. */
#include "base/murmur.h"

static inline uint64_t load64(const unsigned char *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    return v;
}

static inline uint64_t load32(const unsigned char *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap32(v);
#endif
    return v;
}

/* Fewer than 8 bytes, little end first, by words that overlap. */
static inline uint64_t load_part(const unsigned char *p, size_t n)
{
    if (n >= 4)
        return load32(p) | load32(p + n - 4) << (8 * (n - 4));
    if (n == 0)
        return 0;
    size_t mid = n / 2, last = n - 1;
    return p[0] | (uint64_t)p[mid] << (8 * mid) | (uint64_t)p[last] << (8 * last);
}

struct murmur murmur_hash(const void *data, size_t len, uint64_t seed)
{
    const unsigned char *p = data;
    uint64_t h1 = seed, h2 = seed;
    size_t n = len;
    for (; n >= 16; n -= 16, p += 16) {
        h1 ^= murmur_mix1(load64(p));
        h1 = (murmur_rotl(h1, 27) + h2) * 5 + MURMUR_N1;
        h2 ^= murmur_mix2(load64(p + 8));
        h2 = (murmur_rotl(h2, 31) + h1) * 5 + MURMUR_N2;
    }
    if (len >= 16) { /* what is left, by the last word that there is */
        uint64_t last = load64(p + n - 8);
        if (n > 8)
            return murmur_end(h1, h2, load64(p), last >> (8 * (16 - n)), len);
        return murmur_end(h1, h2, n == 0 ? 0 : last >> (8 * (8 - n)), 0, len);
    }
    if (n >= 8)
        return murmur_end(h1, h2, load64(p), load_part(p + 8, n - 8), len);
    return murmur_end(h1, h2, load_part(p, n), 0, len);
}
