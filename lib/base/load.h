/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Words from bytes that stand anywhere, the same number on every machine. */
#ifndef FORELINE_LOAD_H
#define FORELINE_LOAD_H

#include "base/base.h"

/* n bytes, at most 8, little end first. One instruction when n is the constant 8 or 4. */
static inline uint64_t load_le(const void *p, size_t n)
{
    uint64_t v = 0;
    memcpy(&v, p, n);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    return v;
}

/* 8 bytes, big end first: words compare as their bytes do. */
static inline uint64_t load_be(const void *p)
{
    return __builtin_bswap64(load_le(p, 8));
}

/* Fewer than 8 bytes, little end first, by words that overlap: without a look beyond them. */
static inline uint64_t load_part(const unsigned char *p, size_t n)
{
    if (n >= 4)
        return load_le(p, 4) | load_le(p + n - 4, 4) << (8 * (n - 4));
    if (n == 0)
        return 0;
    size_t mid = n / 2, last = n - 1;
    return p[0] | (uint64_t)p[mid] << (8 * mid) | (uint64_t)p[last] << (8 * last);
}

/* At most 16 bytes, by words that overlap: most texts are so short that a call costs more. */
static inline void copy_short(char *to, const char *p, size_t n)
{
    if (n >= 8) {
        memcpy(to, p, 8);
        memcpy(to + n - 8, p + n - 8, 8);
    } else if (n >= 4) {
        memcpy(to, p, 4);
        memcpy(to + n - 4, p + n - 4, 4);
    } else if (n) {
        to[0] = p[0];
        to[n / 2] = p[n / 2];
        to[n - 1] = p[n - 1];
    }
}

#endif
