/* SPDX-License-Identifier: GPL-3.0-or-later */
/* MurmurHash3. Most values are short, so the rest of up to 15 bytes is read as whole words. */
#include "base/murmur.h"

static const uint64_t C1 = UINT64_C(0x87c37b91114253d5), C2 = UINT64_C(0x4cf5ad432745937f);

static inline uint64_t rotl(uint64_t x, int n)
{
    return x << n | x >> (64 - n);
}

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

static inline uint64_t mix1(uint64_t k)
{
    return rotl(k * C1, 31) * C2;
}

static inline uint64_t mix2(uint64_t k)
{
    return rotl(k * C2, 33) * C1;
}

static inline uint64_t finish(uint64_t k)
{
    k ^= k >> 33;
    k *= UINT64_C(0xff51afd7ed558ccd);
    k ^= k >> 33;
    k *= UINT64_C(0xc4ceb9fe1a85ec53);
    return k ^ k >> 33;
}

struct murmur murmur_hash(const void *data, size_t len, uint64_t seed)
{
    const unsigned char *p = data;
    uint64_t h1 = seed, h2 = seed;
    size_t n = len;
    for (; n >= 16; n -= 16, p += 16) {
        h1 ^= mix1(load64(p));
        h1 = (rotl(h1, 27) + h2) * 5 + 0x52dce729;
        h2 ^= mix2(load64(p + 8));
        h2 = (rotl(h2, 31) + h1) * 5 + 0x38495ab5;
    }
    if (n >= 8) { /* an empty part mixes to 0 */
        h2 ^= mix2(load_part(p + 8, n - 8));
        h1 ^= mix1(load64(p));
    } else {
        h1 ^= mix1(load_part(p, n));
    }
    h1 ^= len;
    h2 ^= len;
    h1 += h2;
    h2 += h1;
    h1 = finish(h1);
    h2 = finish(h2);
    h1 += h2;
    return (struct murmur){h1, h2 + h1};
}
