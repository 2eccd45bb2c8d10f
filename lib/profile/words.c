/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Words, hashes and elements of a chunk of values. Where the processor has wide registers the words
 * of a value are made at once, and the elements of eight values side by side; the bits are the same
 * (under test). */
#include "base/hash.h"
#include "profile/kinds.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#endif

static inline uint64_t load_le(const char *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    return v;
}

/* For a text of n bytes: what of its two first words is its own. */
#define M(n) (~UINT64_C(0) >> (64 - 8 * (n)))
#define ALL ~UINT64_C(0)
static const uint64_t own[TEXT_ROOM + 1][2] = {
    {0, 0},      {M(1), 0},   {M(2), 0},   {M(3), 0},   {M(4), 0},   {M(5), 0},
    {M(6), 0},   {M(7), 0},   {ALL, 0},    {ALL, M(1)}, {ALL, M(2)}, {ALL, M(3)},
    {ALL, M(4)}, {ALL, M(5)}, {ALL, M(6)}, {ALL, M(7)}, {ALL, ALL},
};

static inline void note_lengths(struct column_scratch *w, uint32_t least, uint32_t most,
                                uint64_t sum)
{
    w->len_min = least;
    w->len_max = most;
    w->len_sum = sum;
}

static void look(uint32_t n, struct column_scratch *w)
{
    uint32_t least = UINT32_MAX, most = 0;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct text t = w->value[i];
        least = t.len < least ? t.len : least;
        most = t.len > most ? t.len : most;
        sum += t.len;
        const uint64_t *mask = own[t.len < TEXT_ROOM ? t.len : TEXT_ROOM];
        w->prefix[i] = __builtin_bswap64(load_le(t.p) & mask[0]);
        w->tail[i] = __builtin_bswap64(load_le(t.p + 8) & mask[1]);
    }
    note_lengths(w, least, most, sum);
}

COLUMN_INLINE void hash(uint32_t n, struct column_scratch *w)
{
    for (uint32_t i = 0; i < n; i++) {
        struct text t = w->value[i];
        w->hash[i] = t.len <= 16 ? hash_words(__builtin_bswap64(w->prefix[i]),
                                              __builtin_bswap64(w->tail[i]), t.len)
                                 : hash_bytes(t.p, t.len, 0);
    }
}

COLUMN_INLINE uint64_t element(const struct column_scratch *w, uint32_t i)
{
    struct text t = w->value[i];
    if (t.len >= TEXT_ROOM)
        return distinct_of_text(t.p, t.len);
    struct murmur m = murmur_words(__builtin_bswap64(w->prefix[i]), __builtin_bswap64(w->tail[i]),
                                   t.len, DISTINCT_SEED);
    return distinct_element(m.h1, m.h2);
}

COLUMN_INLINE void elements(size_t from, size_t nfresh, struct column_scratch *w)
{
    for (size_t k = from; k < nfresh; k++)
        w->element[k] = element(w, w->fresh[k]);
}

#if defined(__x86_64__) && defined(__GNUC__)
COLUMN_AVX2 static void look_avx2(uint32_t n, struct column_scratch *w)
{
    const __m128i turn = _mm_setr_epi8(7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8);
    uint32_t least = UINT32_MAX, most = 0;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct text t = w->value[i];
        least = t.len < least ? t.len : least;
        most = t.len > most ? t.len : most;
        sum += t.len;
        const void *mask = own[t.len < TEXT_ROOM ? t.len : TEXT_ROOM];
        __m128i x = _mm_and_si128(_mm_loadu_si128((const __m128i *)(const void *)t.p),
                                  _mm_loadu_si128((const __m128i *)mask));
        x = _mm_shuffle_epi8(x, turn);
        w->prefix[i] = (uint64_t)_mm_cvtsi128_si64(x);
        w->tail[i] = (uint64_t)_mm_extract_epi64(x, 1);
    }
    note_lengths(w, least, most, sum);
}

COLUMN_AVX2 static void hash_avx2(uint32_t n, struct column_scratch *w)
{
    hash(n, w);
}

COLUMN_AVX2 static void elements_avx2(size_t nfresh, struct column_scratch *w)
{
    elements(0, nfresh, w);
}

#define AVX512 __attribute__((target("avx512f,avx512dq,avx512cd,avx512bw,avx2,bmi,bmi2,lzcnt")))

static bool has_avx512(void)
{
    return column_has_avx2() && __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512cd") &&
           __builtin_cpu_supports("avx512bw");
}

AVX512 COLUMN_INLINE __m512i constant(uint64_t x)
{
    return _mm512_set1_epi64((long long)x);
}

AVX512 COLUMN_INLINE __m512i finish_of_eight(__m512i k)
{
    k = _mm512_xor_si512(k, _mm512_srli_epi64(k, 33));
    k = _mm512_mullo_epi64(k, constant(MURMUR_F1));
    k = _mm512_xor_si512(k, _mm512_srli_epi64(k, 33));
    k = _mm512_mullo_epi64(k, constant(MURMUR_F2));
    return _mm512_xor_si512(k, _mm512_srli_epi64(k, 33));
}

/* murmur_words and distinct_element of eight values. */
AVX512 COLUMN_INLINE __m512i eight_elements(__m512i a, __m512i b, __m512i len)
{
    const __m512i c1 = constant(MURMUR_C1), c2 = constant(MURMUR_C2),
                  seed = constant(DISTINCT_SEED);
    a = _mm512_mullo_epi64(_mm512_rol_epi64(_mm512_mullo_epi64(a, c1), 31), c2);
    b = _mm512_mullo_epi64(_mm512_rol_epi64(_mm512_mullo_epi64(b, c2), 33), c1);
    __m512i h1 = _mm512_xor_si512(_mm512_xor_si512(seed, len), a);
    __m512i h2 = _mm512_xor_si512(_mm512_xor_si512(seed, len), b);
    h1 = _mm512_add_epi64(h1, h2);
    h2 = _mm512_add_epi64(h2, h1);
    h1 = finish_of_eight(h1);
    h2 = finish_of_eight(h2);
    h1 = _mm512_add_epi64(h1, h2);
    h2 = _mm512_add_epi64(h2, h1);
    __m512i rank =
        _mm512_add_epi64(_mm512_lzcnt_epi64(_mm512_or_si512(h2, constant(3))), constant(1));
    return _mm512_or_si512(_mm512_slli_epi64(h1, 6), rank);
}

AVX512 static void elements_avx512(size_t nfresh, struct column_scratch *w)
{
    const __m512i turn =
        _mm512_broadcast_i32x4(_mm_setr_epi8(7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8));
    size_t k = 0;
    for (; k + 8 <= nfresh; k += 8) {
        __m256i at = _mm256_loadu_si256((const __m256i *)(const void *)(w->fresh + k));
        __m512i a = _mm512_i32gather_epi64(at, w->prefix, 8);
        __m512i b = _mm512_i32gather_epi64(at, w->tail, 8);
        /* Of each text the second half: its length, and its flags above. */
        __m512i len = _mm512_i32gather_epi64(_mm256_slli_epi32(at, 1), &w->value->len, 8);
        len = _mm512_and_si512(len, constant(UINT32_MAX));
        __m512i e = eight_elements(_mm512_shuffle_epi8(a, turn), _mm512_shuffle_epi8(b, turn), len);
        _mm512_storeu_si512(w->element + k, e);
        unsigned longer = _mm512_cmpge_epu64_mask(len, constant(TEXT_ROOM));
        for (; longer != 0; longer &= longer - 1) {
            unsigned i = (unsigned)__builtin_ctz(longer);
            w->element[k + i] = element(w, w->fresh[k + i]);
        }
    }
    elements(k, nfresh, w);
}
#else
static void look_avx2(uint32_t n, struct column_scratch *w)
{
    look(n, w);
}

static void hash_avx2(uint32_t n, struct column_scratch *w)
{
    hash(n, w);
}

static void elements_avx2(size_t nfresh, struct column_scratch *w)
{
    elements(0, nfresh, w);
}

static bool has_avx512(void)
{
    return false;
}

static void elements_avx512(size_t nfresh, struct column_scratch *w)
{
    elements(0, nfresh, w);
}
#endif

void column_look(uint32_t n, struct column_scratch *w, enum column_code code)
{
    if (code == COLUMN_BEST && column_has_avx2())
        look_avx2(n, w);
    else
        look(n, w);
}

void column_hash(uint32_t n, struct column_scratch *w, enum column_code code)
{
    if (code == COLUMN_BEST && column_has_avx2())
        hash_avx2(n, w);
    else
        hash(n, w);
}

void column_elements(size_t nfresh, struct column_scratch *w, enum column_code code)
{
    if (code == COLUMN_BEST && has_avx512())
        elements_avx512(nfresh, w);
    else if (code == COLUMN_BEST && column_has_avx2())
        elements_avx2(nfresh, w);
    else
        elements(0, nfresh, w);
}
