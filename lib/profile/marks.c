/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The formats of a chunk of strings. Most have none, which with AVX2 is seen by their first byte
 * and the want of '@' and ':'; addresses of up to 32 bytes are judged by masks of their bytes. All
 * else is formats.c's, with which this agrees (under test). */
#include "profile/kinds.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

#define INLINE_AVX2 COLUMN_AVX2 COLUMN_INLINE

INLINE_AVX2 __m128i load16(const char *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

INLINE_AVX2 uint32_t bits(__m128i x)
{
    return (uint32_t)_mm_movemask_epi8(x);
}

/* One bit for each byte of a text of at most 32: what `of` says of its first 16 bytes and of its
 * last. */
#define BITS_OF_TEXT(of, t)                                  \
    ((t).len <= 16 ? (of)(load16((t).p)) & own_bits((t).len) \
                   : (of)(load16((t).p)) | (of)(load16((t).p + (t).len - 16)) << ((t).len - 16))

static inline uint32_t own_bits(uint32_t n)
{
    return (uint32_t)((UINT64_C(1) << n) - 1);
}

INLINE_AVX2 uint32_t at_bits(__m128i x)
{
    return bits(_mm_cmpeq_epi8(x, _mm_set1_epi8('@')));
}

INLINE_AVX2 uint32_t colon_bits(__m128i x)
{
    return bits(_mm_cmpeq_epi8(x, _mm_set1_epi8(':')));
}

INLINE_AVX2 uint32_t dot_bits(__m128i x)
{
    return bits(_mm_cmpeq_epi8(x, _mm_set1_epi8('.')));
}

INLINE_AVX2 uint32_t dash_bits(__m128i x)
{
    return bits(_mm_cmpeq_epi8(x, _mm_set1_epi8('-')));
}

/* Bytes of a class, and all above 127: `low` has, by the lower half of a byte, a bit for each upper
 * half from 2 to 7 with which it is of the class. */
INLINE_AVX2 uint32_t class_bits(__m128i x, __m128i low)
{
    const __m128i high = _mm_setr_epi8(0, 0, 1, 2, 4, 8, 16, 32, 0, 0, 0, 0, 0, 0, 0, 0);
    const __m128i half = _mm_set1_epi8(0x0f);
    __m128i is = _mm_and_si128(_mm_shuffle_epi8(low, _mm_and_si128(x, half)),
                               _mm_shuffle_epi8(high, _mm_and_si128(_mm_srli_epi16(x, 4), half)));
    return (~bits(_mm_cmpeq_epi8(is, _mm_setzero_si128())) & 0xffff) | bits(x);
}

/* Of the local part of an address: letters, digits and !#$%&'*+-./=?^_`{|}~ */
INLINE_AVX2 uint32_t local_bits(__m128i x)
{
    return class_bits(x, _mm_setr_epi8(0x3a, 0x3f, 0x3e, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3e, 0x3e,
                                       0x3d, 0x35, 0x34, 0x37, 0x3d, 0x1f));
}

/* Of a label of the domain: letters, digits and - */
INLINE_AVX2 uint32_t label_bits(__m128i x)
{
    return class_bits(x, _mm_setr_epi8(0x2a, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e, 0x3e,
                                       0x3c, 0x14, 0x14, 0x15, 0x14, 0x14));
}

/* A text of at most 32 bytes with an '@', the first at bit `at`, and without ':'. */
INLINE_AVX2 bool is_address(struct text t, unsigned at)
{
    uint32_t all = own_bits(t.len), before = own_bits(at), behind = all & ~before & ~(1u << at);
    uint32_t dot = BITS_OF_TEXT(dot_bits, t), dash = BITS_OF_TEXT(dash_bits, t);
    uint32_t local = BITS_OF_TEXT(local_bits, t), label = BITS_OF_TEXT(label_bits, t);
    uint32_t last = 1u << (t.len - 1);
    /* A dot neither begins nor ends a part, nor follows another. */
    uint32_t begin = 1u | 2u << at, end = (1u << at) >> 1 | last;
    if (behind == 0 ||
        (before & ~local) | (behind & ~(label | dot)) | (dot & (begin | end | dot << 1)))
        return false;
    /* A dash neither begins nor ends a label; there are two labels. */
    return (dot & behind) != 0 && (dash & behind & (2u << at | dot << 1 | dot >> 1 | last)) == 0 &&
           before != 0;
}

INLINE_AVX2 bool has_mark(struct text t)
{
    const __m256i at = _mm256_set1_epi8('@'), colon = _mm256_set1_epi8(':');
    __m256i found = _mm256_setzero_si256();
    for (uint32_t i = 0; i < t.len; i += 32) {
        const char *p = t.p + (i + 32 <= t.len ? i : t.len - 32);
        __m256i x = _mm256_loadu_si256((const __m256i *)(const void *)p);
        found = _mm256_or_si256(
            found, _mm256_or_si256(_mm256_cmpeq_epi8(x, at), _mm256_cmpeq_epi8(x, colon)));
    }
    return !_mm256_testz_si256(found, found);
}

INLINE_AVX2 unsigned formats_of(struct text t, uint64_t first)
{
    bool marked;
    if (t.len <= 3)
        return t.len < 2 ? 0 : profile_formats(text_slice(t));
    if (t.len <= 32) {
        uint32_t at = BITS_OF_TEXT(at_bits, t), colon = BITS_OF_TEXT(colon_bits, t);
        if (at != 0 && colon == 0)
            return is_address(t, (unsigned)__builtin_ctz(at)) ? 1u << FORMAT_EMAIL : 0u;
        marked = colon != 0;
    } else {
        marked = t.len == 36 || has_mark(t); /* 36: an UUID has no mark */
    }
    bool begins = first - '0' < 10 || first == '+' || first == '(';
    return marked || begins ? profile_formats(text_slice(t)) : 0;
}

COLUMN_AVX2 static void formats_avx2(uint32_t n, struct column_scratch *w)
{
    for (uint32_t i = 0; i < n; i++)
        w->format[i] =
            w->kind[i] != TYPE_STRING ? 0 : (uint8_t)formats_of(w->value[i], w->prefix[i] >> 56);
}
#else
static void formats_avx2(uint32_t n, struct column_scratch *w)
{
    (void)n;
    (void)w;
}
#endif

void column_formats(uint32_t n, struct column_scratch *w, enum column_code code)
{
    if (code == COLUMN_BEST && column_has_avx2()) {
        formats_avx2(n, w);
        return;
    }
    for (uint32_t i = 0; i < n; i++)
        w->format[i] =
            w->kind[i] == TYPE_STRING ? (uint8_t)profile_formats(text_slice(w->value[i])) : 0;
}
