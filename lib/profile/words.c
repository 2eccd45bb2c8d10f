/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Words, hashes and elements of a chunk of values. Where the processor has wide registers the words
 * of a value are made at once, and the elements of eight values side by side; the bits are the same
 * (under test). */
#include "base/hash.h"
#include "base/load.h"
#include "profile/kinds.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#endif

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

/* Of the values from `from` on; the lengths are those of the ones before. */
static void look_from(uint32_t from, uint32_t n, struct column_scratch *w)
{
    uint32_t least = w->len_min, most = w->len_max;
    uint64_t sum = w->len_sum;
    for (uint32_t i = from; i < n; i++) {
        struct text t = w->value[i];
        least = t.len < least ? t.len : least;
        most = t.len > most ? t.len : most;
        sum += t.len;
        const uint64_t *mask = own[t.len < TEXT_ROOM ? t.len : TEXT_ROOM];
        w->prefix[i] = __builtin_bswap64(load_le(t.p, 8) & mask[0]);
        w->tail[i] = __builtin_bswap64(load_le(t.p + 8, 8) & mask[1]);
    }
    note_lengths(w, least, most, sum);
}

static void look(uint32_t n, struct column_scratch *w)
{
    note_lengths(w, UINT32_MAX, 0, 0);
    look_from(0, n, w);
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

AVX512 COLUMN_INLINE __m128i load16(const char *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

/* The words of four texts, of which `texts` is what stands in memory: two words each, the length at
 * the beginning of the second. */
AVX512 COLUMN_INLINE __m512i words_of_four(const struct text *t, __m512i texts)
{
    const __m512i turn =
        _mm512_broadcast_i32x4(_mm_setr_epi8(7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8));
    __m512i x = _mm512_castsi128_si512(load16(t[0].p));
    x = _mm512_inserti32x4(x, load16(t[1].p), 1);
    x = _mm512_inserti32x4(x, load16(t[2].p), 2);
    x = _mm512_inserti32x4(x, load16(t[3].p), 3);
    __m512i len = _mm512_min_epu32(texts, _mm512_set1_epi32(TEXT_ROOM));
    len = _mm512_shuffle_epi8(len, _mm512_set1_epi8(8));
    return _mm512_maskz_shuffle_epi8(_mm512_cmplt_epu8_mask(turn, len), x, turn);
}

AVX512 static void look_avx512(uint32_t n, struct column_scratch *w)
{
    const __m512i even = _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14);
    const __m512i odd = _mm512_setr_epi64(1, 3, 5, 7, 9, 11, 13, 15);
    __m512i least = constant(UINT32_MAX), most = constant(0), sum = constant(0);
    uint32_t i = 0;
    for (; i + 8 <= n; i += 8) {
        const struct text *t = w->value + i;
        __m512i low = _mm512_loadu_si512(t), high = _mm512_loadu_si512(t + 4);
        __m512i len =
            _mm512_and_si512(_mm512_permutex2var_epi64(low, odd, high), constant(UINT32_MAX));
        least = _mm512_min_epu64(least, len);
        most = _mm512_max_epu64(most, len);
        sum = _mm512_add_epi64(sum, len);
        low = words_of_four(t, low);
        high = words_of_four(t + 4, high);
        _mm512_storeu_si512(w->prefix + i, _mm512_permutex2var_epi64(low, even, high));
        _mm512_storeu_si512(w->tail + i, _mm512_permutex2var_epi64(low, odd, high));
    }
    note_lengths(w, (uint32_t)_mm512_reduce_min_epu64(least),
                 (uint32_t)_mm512_reduce_max_epu64(most), (uint64_t)_mm512_reduce_add_epi64(sum));
    look_from(i, n, w);
}

AVX512 COLUMN_INLINE __m512i finish_of_eight(__m512i k)
{
    k = _mm512_xor_si512(k, _mm512_srli_epi64(k, 33));
    k = _mm512_mullo_epi64(k, constant(MURMUR_F1));
    k = _mm512_xor_si512(k, _mm512_srli_epi64(k, 33));
    k = _mm512_mullo_epi64(k, constant(MURMUR_F2));
    return _mm512_xor_si512(k, _mm512_srli_epi64(k, 33));
}

/* Eight hashes on their way, and what is left of the texts. */
struct eight {
    __m512i h1, h2, a, b, len;
};

AVX512 COLUMN_INLINE __m512i mix1_of_eight(__m512i k)
{
    k = _mm512_rol_epi64(_mm512_mullo_epi64(k, constant(MURMUR_C1)), 31);
    return _mm512_mullo_epi64(k, constant(MURMUR_C2));
}

AVX512 COLUMN_INLINE __m512i mix2_of_eight(__m512i k)
{
    k = _mm512_rol_epi64(_mm512_mullo_epi64(k, constant(MURMUR_C2)), 33);
    return _mm512_mullo_epi64(k, constant(MURMUR_C1));
}

/* murmur_end and distinct_element. */
AVX512 COLUMN_INLINE __m512i end_of_eight(const struct eight *e)
{
    __m512i h1 = _mm512_xor_si512(_mm512_xor_si512(e->h1, e->len), mix1_of_eight(e->a));
    __m512i h2 = _mm512_xor_si512(_mm512_xor_si512(e->h2, e->len), mix2_of_eight(e->b));
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

/* Of texts of 16 to 31 bytes at p the first 16 go into the hashes; a and b become the rest, the
 * last word of the text shifted to where the first 16 end. */
AVX512 COLUMN_INLINE void first_of_eight(struct eight *e, __mmask8 longer, __m512i p)
{
    __m512i five = constant(5), h1 = _mm512_xor_si512(e->h1, mix1_of_eight(e->a));
    h1 = _mm512_add_epi64(_mm512_rol_epi64(h1, 27), e->h2);
    h1 = _mm512_add_epi64(_mm512_mullo_epi64(h1, five), constant(MURMUR_N1));
    __m512i h2 = _mm512_xor_si512(e->h2, mix2_of_eight(e->b));
    h2 = _mm512_add_epi64(_mm512_rol_epi64(h2, 31), h1);
    h2 = _mm512_add_epi64(_mm512_mullo_epi64(h2, five), constant(MURMUR_N2));
    __m512i zero = _mm512_setzero_si512(), rest = _mm512_sub_epi64(e->len, constant(16));
    __mmask8 two = longer & _mm512_cmpgt_epu64_mask(rest, constant(8));
    __m512i last = _mm512_mask_i64gather_epi64(
        zero, longer, _mm512_add_epi64(p, _mm512_sub_epi64(e->len, constant(8))), NULL, 1);
    __m512i next =
        _mm512_mask_i64gather_epi64(zero, two, _mm512_add_epi64(p, constant(16)), NULL, 1);
    /* Eight bytes less those of the rest, or of its second word; 64 bits shift all out. */
    __m512i off = _mm512_slli_epi64(_mm512_sub_epi64(constant(8), rest), 3);
    __m512i part = _mm512_srlv_epi64(last, _mm512_mask_add_epi64(off, two, off, constant(64)));
    e->h1 = _mm512_mask_mov_epi64(e->h1, longer, h1);
    e->h2 = _mm512_mask_mov_epi64(e->h2, longer, h2);
    e->a = _mm512_mask_mov_epi64(e->a, longer, _mm512_mask_mov_epi64(part, two, next));
    e->b = _mm512_mask_mov_epi64(e->b, longer, _mm512_maskz_mov_epi64(two, part));
}

/* Words and lengths of the values at[0] … at[7], which mostly stand side by side; returns where
 * they are. */
AVX512 COLUMN_INLINE __m512i words_of_eight(struct eight *e, const struct column_scratch *w,
                                            const uint32_t *at)
{
    const __m512i turn =
        _mm512_broadcast_i32x4(_mm_setr_epi8(7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8));
    __m512i p;
    if (at[7] - at[0] == 7) {
        /* A text is two words: the second has the length, and the flags above. */
        __m512i low = _mm512_loadu_si512(w->value + at[0]);
        __m512i high = _mm512_loadu_si512(w->value + at[0] + 4);
        const __m512i even = _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14);
        const __m512i odd = _mm512_setr_epi64(1, 3, 5, 7, 9, 11, 13, 15);
        e->a = _mm512_loadu_si512(w->prefix + at[0]);
        e->b = _mm512_loadu_si512(w->tail + at[0]);
        e->len = _mm512_permutex2var_epi64(low, odd, high);
        p = _mm512_permutex2var_epi64(low, even, high);
    } else {
        __m256i i = _mm256_loadu_si256((const __m256i *)(const void *)at);
        __m256i half = _mm256_slli_epi32(i, 1);
        e->a = _mm512_i32gather_epi64(i, w->prefix, 8);
        e->b = _mm512_i32gather_epi64(i, w->tail, 8);
        e->len = _mm512_i32gather_epi64(half, &w->value->len, 8);
        p = _mm512_i32gather_epi64(half, w->value, 8);
    }
    e->a = _mm512_shuffle_epi8(e->a, turn);
    e->b = _mm512_shuffle_epi8(e->b, turn);
    e->len = _mm512_and_si512(e->len, constant(UINT32_MAX));
    return p;
}

AVX512 static void elements_avx512(size_t nfresh, struct column_scratch *w)
{
    size_t k = 0;
    for (; k + 8 <= nfresh; k += 8) {
        struct eight e = {.h1 = constant(DISTINCT_SEED), .h2 = constant(DISTINCT_SEED)};
        __m512i p = words_of_eight(&e, w, w->fresh + k);
        __mmask8 whole = _mm512_cmpge_epu64_mask(e.len, constant(2 * TEXT_ROOM));
        __mmask8 longer = _mm512_cmpge_epu64_mask(e.len, constant(TEXT_ROOM)) & (__mmask8)~whole;
        if (longer != 0)
            first_of_eight(&e, longer, p);
        _mm512_storeu_si512(w->element + k, end_of_eight(&e));
        for (unsigned left = whole; left != 0; left &= left - 1) {
            unsigned i = (unsigned)__builtin_ctz(left);
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

static void look_avx512(uint32_t n, struct column_scratch *w)
{
    look(n, w);
}

static void elements_avx512(size_t nfresh, struct column_scratch *w)
{
    elements(0, nfresh, w);
}
#endif

void column_look(uint32_t n, struct column_scratch *w, enum column_code code)
{
    if (code == COLUMN_BEST && has_avx512())
        look_avx512(n, w);
    else if (code == COLUMN_BEST && column_has_avx2())
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
