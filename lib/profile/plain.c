/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Chunks of nothing but plain numbers, four values at a time with AVX2: a word of 8 bytes each; and
 * chunks of nothing but texts, which their first bytes tell. The
 * arithmetic is that of kinds.c, whole numbers and one division, so both give the same bits (under
 * test). Without AVX2 kinds.c does it all. */
#include "profile/kinds.h"

#include <math.h>

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

/* Four values: what they may be, all ones where true, and what they are. */
struct four {
    __m256i is_integer, is_float, is_code;
    __m256d number;
};

/* The lengths of four texts; with `flags` in the upper halves. */
COLUMN_AVX2 COLUMN_INLINE __m256i lengths(const struct text *t)
{
    __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)t);
    __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(t + 2));
    return _mm256_permute4x64_epi64(_mm256_unpackhi_epi64(a, b), 0xd8);
}

/* The lower halves of four words, as the lower half of the result. */
COLUMN_AVX2 COLUMN_INLINE __m256i narrow(__m256i x)
{
    return _mm256_permutevar8x32_epi32(x, _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6));
}

/* Of eight digits (not their characters), the first in the highest byte: the number. */
COLUMN_AVX2 COLUMN_INLINE __m256i eight_digits(__m256i x)
{
    x = _mm256_maddubs_epi16(x, _mm256_set1_epi16(10 << 8 | 1));
    x = _mm256_madd_epi16(x, _mm256_set1_epi32(100 << 16 | 1));
    return _mm256_add_epi64(_mm256_mul_epu32(_mm256_srli_epi64(x, 32), _mm256_set1_epi64x(10000)),
                            _mm256_and_si256(x, _mm256_set1_epi64x(UINT32_MAX)));
}

COLUMN_AVX2 COLUMN_INLINE struct four numbers_of(__m256i prefix, __m256i len)
{
    const __m256i zero = _mm256_setzero_si256(), one = _mm256_set1_epi64x(1);
    /* The sign goes. */
    __m256i minus = _mm256_cmpeq_epi64(_mm256_srli_epi64(prefix, 56), _mm256_set1_epi64x('-'));
    prefix = _mm256_blendv_epi8(prefix, _mm256_slli_epi64(prefix, 8), minus);
    len = _mm256_add_epi64(len, minus);
    __m256i first_zero = _mm256_cmpeq_epi64(_mm256_srli_epi64(prefix, 56), _mm256_set1_epi64x('0'));
    __m256i x = _mm256_srlv_epi64(
        prefix, _mm256_sub_epi64(_mm256_set1_epi64x(64), _mm256_slli_epi64(len, 3)));
    /* The last point goes: what is above it moves down. Without one `below` is all. */
    __m256i point = _mm256_cmpeq_epi8(x, _mm256_set1_epi8('.'));
    __m256i whole = _mm256_cmpeq_epi64(point, zero);
    __m256i below = _mm256_sub_epi64(_mm256_and_si256(point, _mm256_sub_epi64(zero, point)), one);
    x = _mm256_or_si256(_mm256_and_si256(x, below),
                        _mm256_andnot_si256(below, _mm256_srli_epi64(x, 8)));
    __m256i digits = _mm256_sub_epi64(len, _mm256_add_epi64(whole, one));
    /* Characters to digits; the bytes in front of the first are 0 already. */
    __m256i filled = _mm256_sllv_epi64(_mm256_set1_epi8('0'), _mm256_slli_epi64(digits, 3));
    x = _mm256_sub_epi8(_mm256_or_si256(x, filled), _mm256_set1_epi8('0'));
    __m256i good = _mm256_cmpeq_epi64(_mm256_cmpeq_epi8(_mm256_min_epu8(x, _mm256_set1_epi8(9)), x),
                                      _mm256_set1_epi64x(-1));
    /* 1 to 8 bytes: seven with a sign. */
    good = _mm256_and_si256(good, _mm256_cmpgt_epi64(len, zero));
    __m256i value = eight_digits(x);
    __m256i many = _mm256_cmpgt_epi64(len, one);
    __m256i behind = _mm256_sad_epu8(_mm256_and_si256(below, _mm256_set1_epi8(1)), zero);
    __m256i before = _mm256_sub_epi64(digits, behind);
    struct four f;
    __m256i coded = _mm256_and_si256(first_zero, many);
    __m256i plain = _mm256_and_si256(good, whole);
    f.is_integer = _mm256_andnot_si256(coded, plain);
    f.is_code = _mm256_andnot_si256(minus, _mm256_and_si256(coded, plain));
    f.is_float = _mm256_and_si256(
        _mm256_andnot_si256(whole, good),
        _mm256_and_si256(_mm256_cmpgt_epi64(behind, zero), _mm256_cmpgt_epi64(before, zero)));
    f.is_float = _mm256_andnot_si256(_mm256_and_si256(first_zero, _mm256_cmpgt_epi64(before, one)),
                                     f.is_float);
    /* -0 is the integer 0, but as a float it keeps its sign. */
    __m256i sign = _mm256_and_si256(minus, f.is_integer);
    __m256i signed_value = _mm256_sub_epi64(_mm256_xor_si256(value, sign), sign);
    f.number = _mm256_cvtepi32_pd(_mm256_castsi256_si128(narrow(signed_value)));
    if (!_mm256_testz_si256(f.is_float, f.is_float)) {
        /* Powers of ten that a float holds exactly; of 8 digits (no point) the lowest bits are 0.
         */
        __m256 powers = _mm256_permutevar8x32_ps(
            _mm256_setr_ps(1e0F, 1e1F, 1e2F, 1e3F, 1e4F, 1e5F, 1e6F, 1e7F), narrow(behind));
        f.number = _mm256_div_pd(f.number, _mm256_cvtps_pd(_mm256_castps256_ps128(powers)));
        __m256i flip =
            _mm256_slli_epi64(_mm256_and_si256(_mm256_and_si256(minus, f.is_float), one), 63);
        f.number = _mm256_xor_pd(f.number, _mm256_castsi256_pd(flip));
    }
    return f;
}

COLUMN_AVX2 static bool plain_avx2(struct column_scratch *w, uint32_t n, struct plain *out)
{
    const __m256i eight = _mm256_set1_epi64x(8);
    __m256i integers = _mm256_set1_epi64x(-1), floats = integers, codes = integers;
    __m256d least = _mm256_set1_pd((double)INFINITY), most = _mm256_set1_pd(-(double)INFINITY);
    for (uint32_t at = 0; at < n; at += 4) {
        uint32_t i = at + 4 <= n ? at : n - 4; /* the last four may be some of those before */
        /* Flags stand in the upper halves: nothing quoted passes. */
        __m256i len = lengths(w->value + i);
        __m256i prefix = _mm256_loadu_si256((const __m256i *)(const void *)(w->prefix + i));
        struct four f = numbers_of(prefix, len);
        __m256i fits = _mm256_xor_si256(_mm256_cmpgt_epi64(len, eight), _mm256_set1_epi64x(-1));
        integers = _mm256_and_si256(integers, _mm256_and_si256(fits, f.is_integer));
        floats = _mm256_and_si256(floats, _mm256_and_si256(fits, f.is_float));
        codes = _mm256_and_si256(codes, _mm256_and_si256(fits, f.is_code));
        if (_mm256_movemask_epi8(integers) != -1 && _mm256_movemask_epi8(floats) != -1 &&
            _mm256_movemask_epi8(codes) != -1)
            return false;
        least = _mm256_min_pd(f.number, least);
        most = _mm256_max_pd(f.number, most);
        _mm256_storeu_pd(w->number + i, f.number);
    }
    out->kind = _mm256_movemask_epi8(integers) == -1 ? TYPE_INTEGER
                : _mm256_movemask_epi8(floats) == -1 ? TYPE_FLOAT
                                                     : KIND_ZERO_CODE;
    double lo[4], hi[4];
    _mm256_storeu_pd(lo, least);
    _mm256_storeu_pd(hi, most);
    out->least = lo[0];
    out->most = hi[0];
    for (int k = 1; k < 4; k++) {
        out->least = lo[k] < out->least ? lo[k] : out->least;
        out->most = hi[k] > out->most ? hi[k] : out->most;
    }
    return true;
}

COLUMN_AVX2 static bool texts_avx2(const struct column_scratch *w, uint32_t n)
{
    /* Booleans have 4 or 5 bytes. */
    const bool may_be_boolean = w->len_min <= 5 && w->len_max >= 4;
    const __m256i zero = _mm256_set1_epi64x('0' - 1), nine = _mm256_set1_epi64x('9' + 1);
    __m256i odd = _mm256_setzero_si256();
    for (uint32_t at = 0; at < n; at += 4) {
        uint32_t i = at + 4 <= n ? at : n - 4;
        __m256i first = _mm256_srli_epi64(
            _mm256_loadu_si256((const __m256i *)(const void *)(w->prefix + i)), 56);
        odd = _mm256_or_si256(odd, _mm256_and_si256(_mm256_cmpgt_epi64(first, zero),
                                                    _mm256_cmpgt_epi64(nine, first)));
        odd = _mm256_or_si256(odd, _mm256_cmpeq_epi64(first, _mm256_set1_epi64x('-')));
        if (!may_be_boolean)
            continue;
        first = _mm256_or_si256(first, _mm256_set1_epi64x(0x20));
        odd = _mm256_or_si256(odd, _mm256_cmpeq_epi64(first, _mm256_set1_epi64x('t')));
        odd = _mm256_or_si256(odd, _mm256_cmpeq_epi64(first, _mm256_set1_epi64x('f')));
    }
    return _mm256_testz_si256(odd, odd);
}

bool column_texts(const struct column_scratch *w, uint32_t n)
{
    return n >= 4 && column_has_avx2() && texts_avx2(w, n);
}

bool column_plain(struct column_scratch *w, uint32_t n, struct plain *out)
{
    return n >= 4 && column_has_avx2() && plain_avx2(w, n, out);
}

#else

bool column_texts(const struct column_scratch *w, uint32_t n)
{
    (void)w;
    (void)n;
    return false;
}

bool column_plain(struct column_scratch *w, uint32_t n, struct plain *out)
{
    (void)w;
    (void)n;
    (void)out;
    return false;
}

#endif
