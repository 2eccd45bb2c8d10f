/* SPDX-License-Identifier: GPL-3.0-or-later */
/* UTF-8, 32 bytes at a time. Where exactly an error stands is not found here. */
#include "table/utf8_blocks.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

#define BLOCK 32
#define AVX2 __attribute__((target("avx2"), always_inline)) static inline

/* What can be wrong with two neighbours, as bits. */
enum {
    TOO_SHORT = 1,       /* a lead byte, and no continuation behind it */
    TOO_LONG = 2,        /* ASCII, and a continuation behind it */
    OVERLONG_3 = 4,      /* U+0000 to U+07FF in three bytes */
    TOO_LARGE = 8,       /* above U+10FFFF */
    SURROGATE = 16,      /* U+D800 to U+DFFF */
    OVERLONG_2 = 32,     /* ASCII in two bytes */
    TOO_LARGE_1000 = 64, /* above U+10FFFF, by another second byte */
    OVERLONG_4 = 64,     /* below U+10000 in four bytes */
    TWO_CONTS = 128,     /* two continuations: right only behind the lead of three or four */
    CARRY = TOO_SHORT | TOO_LONG | TWO_CONTS,
};

/* By the upper half of the first byte, its lower half, and the upper half of the second. */
static const unsigned char by_first_high[16] = {TOO_LONG,
                                                TOO_LONG,
                                                TOO_LONG,
                                                TOO_LONG,
                                                TOO_LONG,
                                                TOO_LONG,
                                                TOO_LONG,
                                                TOO_LONG,
                                                TWO_CONTS,
                                                TWO_CONTS,
                                                TWO_CONTS,
                                                TWO_CONTS,
                                                TOO_SHORT | OVERLONG_2,
                                                TOO_SHORT,
                                                TOO_SHORT | OVERLONG_3 | SURROGATE,
                                                TOO_SHORT | TOO_LARGE | TOO_LARGE_1000 |
                                                    OVERLONG_4};
#define LARGE (CARRY | TOO_LARGE | TOO_LARGE_1000)
static const unsigned char by_first_low[16] = {CARRY | OVERLONG_3 | OVERLONG_2 | OVERLONG_4,
                                               CARRY | OVERLONG_2,
                                               CARRY,
                                               CARRY,
                                               CARRY | TOO_LARGE,
                                               LARGE,
                                               LARGE,
                                               LARGE,
                                               LARGE,
                                               LARGE,
                                               LARGE,
                                               LARGE,
                                               LARGE,
                                               LARGE | SURROGATE,
                                               LARGE,
                                               LARGE};
#define CONT (TOO_LONG | OVERLONG_2 | TWO_CONTS)
static const unsigned char by_second_high[16] = {TOO_SHORT,
                                                 TOO_SHORT,
                                                 TOO_SHORT,
                                                 TOO_SHORT,
                                                 TOO_SHORT,
                                                 TOO_SHORT,
                                                 TOO_SHORT,
                                                 TOO_SHORT,
                                                 CONT | OVERLONG_3 | TOO_LARGE_1000 | OVERLONG_4,
                                                 CONT | OVERLONG_3 | TOO_LARGE,
                                                 CONT | SURROGATE | TOO_LARGE,
                                                 CONT | SURROGATE | TOO_LARGE,
                                                 TOO_SHORT,
                                                 TOO_SHORT,
                                                 TOO_SHORT,
                                                 TOO_SHORT};

AVX2 __m256i table(const unsigned char *t)
{
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)t));
}

AVX2 __m256i high_half(__m256i x)
{
    return _mm256_and_si256(_mm256_srli_epi16(x, 4), _mm256_set1_epi8(0x0f));
}

/* What is wrong in x, of which `before` is the block in front: zero when nothing is. */
AVX2 __m256i wrong_in(__m256i x, __m256i before)
{
    __m256i across = _mm256_permute2x128_si256(before, x, 0x21);
    __m256i one = _mm256_alignr_epi8(x, across, 15), two = _mm256_alignr_epi8(x, across, 14);
    __m256i three = _mm256_alignr_epi8(x, across, 13);
    __m256i pairs = _mm256_and_si256(
        _mm256_shuffle_epi8(table(by_first_high), high_half(one)),
        _mm256_and_si256(
            _mm256_shuffle_epi8(table(by_first_low), _mm256_and_si256(one, _mm256_set1_epi8(0x0f))),
            _mm256_shuffle_epi8(table(by_second_high), high_half(x))));
    /* The third byte of three and the third and fourth of four have a continuation before them. */
    __m256i third = _mm256_subs_epu8(two, _mm256_set1_epi8((char)(0xe0 - 0x80)));
    __m256i fourth = _mm256_subs_epu8(three, _mm256_set1_epi8((char)(0xf0 - 0x80)));
    __m256i due = _mm256_and_si256(_mm256_or_si256(third, fourth), _mm256_set1_epi8((char)0x80));
    return _mm256_xor_si256(due, pairs);
}

/* Are n bytes, a multiple of BLOCK, UTF-8 as far as they go? */
__attribute__((target("avx2"))) static bool blocks_are_utf8(const char *p, size_t n)
{
    __m256i before = _mm256_setzero_si256(), wrong = before;
    for (size_t i = 0; i < n; i += BLOCK) {
        __m256i x = _mm256_loadu_si256((const __m256i *)(const void *)(p + i));
        /* ASCII behind ASCII. */
        if (_mm256_movemask_epi8(_mm256_or_si256(x, before)) != 0)
            wrong = _mm256_or_si256(wrong, wrong_in(x, before));
        before = x;
    }
    return _mm256_testz_si256(wrong, wrong);
}

size_t utf8_blocks(const char *p, size_t n)
{
    size_t whole = n / BLOCK * BLOCK;
    if (whole == 0 || !__builtin_cpu_supports("avx2") || !blocks_are_utf8(p, whole))
        return 0;
    /* The last character may go on behind the blocks. */
    for (size_t k = 1; k <= 3; k++)
        if ((unsigned char)p[whole - k] >= 0xc0)
            return whole - k;
    return whole;
}
#else
size_t utf8_blocks(const char *p, size_t n)
{
    (void)p;
    (void)n;
    return 0;
}
#endif
