/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The structural pass over CSV. Masks of 64 bytes are made with AVX-512, AVX2, SSE2 or portable
 * code; what is done with them is the same for all. */
#include "table/csv_scan.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define CSV_X86 1
#include <immintrin.h>
#else
#define CSV_X86 0
#endif

#define CHUNK 64
#define ALL_ONES UINT64_MAX

static void offsets_reserve(struct csv_offsets *o, size_t extra)
{
    if (o->cap - o->n >= extra)
        return;
    o->cap = o->cap * 2 > o->n + extra ? o->cap * 2 : o->n + extra;
    o->at = xreallocarray(o->at, o->cap, sizeof(uint32_t));
}

static inline void offsets_add(struct csv_offsets *o, size_t at)
{
    offsets_reserve(o, 1);
    o->at[o->n++] = (uint32_t)at;
}

void csv_scan_init(struct csv_scan *s, int delimiter, int quote, int escape, size_t from)
{
    s->delimiter = delimiter;
    s->quote = quote;
    s->escape = escape == quote ? -1 : escape;
    s->state = CSV_START;
    s->pos = from;
    s->ends.n = s->rows.n = s->lfs.n = s->nuls.n = 0;
    s->high = false;
    offsets_add(&s->ends, from - 1);
    offsets_add(&s->rows, 0);
}

void csv_scan_release(struct csv_scan *s)
{
    free(s->ends.at);
    free(s->rows.at);
    free(s->lfs.at);
    free(s->nuls.at);
    *s = (struct csv_scan){0};
}

/* Drops the offsets below `limit`. */
static void offsets_drop_below(struct csv_offsets *o, uint32_t limit)
{
    size_t k = 0;
    if (o->n == 0)
        return;
    while (k < o->n && o->at[k] < limit)
        k++;
    memmove(o->at, o->at + k, (o->n - k) * sizeof(uint32_t));
    o->n -= k;
}

void csv_scan_drop_rows(struct csv_scan *s)
{
    uint32_t last = s->rows.at[s->rows.n - 1];
    if (last == 0)
        return;
    memmove(s->ends.at, s->ends.at + last, (s->ends.n - last) * sizeof(uint32_t));
    s->ends.n -= last;
    s->rows.n = 1;
    offsets_drop_below(&s->lfs, s->ends.at[0] + 1);
    offsets_drop_below(&s->nuls, s->ends.at[0] + 1);
}

/* Those of `from` between `after` and `before`; UINT32_MAX stands before 0. */
static void offsets_copy(struct csv_offsets *to, const struct csv_offsets *from, uint32_t after,
                         uint32_t before)
{
    to->n = 0;
    for (size_t i = 0; i < from->n && from->at[i] < before; i++)
        if (from->at[i] >= after + 1)
            offsets_add(to, from->at[i]);
}

static void offsets_swap(struct csv_offsets *a, struct csv_offsets *b)
{
    struct csv_offsets t = *a;
    *a = *b;
    *b = t;
}

static void move_rows(struct csv_scan *s, struct csv_scan *to)
{
    uint32_t last = s->rows.at[s->rows.n - 1], end = s->ends.at[last];
    size_t left = s->ends.n - last;
    to->ends.n = to->rows.n = 0;
    offsets_reserve(&to->ends, left);
    memcpy(to->ends.at, s->ends.at + last, left * sizeof(uint32_t));
    to->ends.n = left;
    offsets_add(&to->rows, 0);
    offsets_copy(&to->lfs, &s->lfs, end, UINT32_MAX);
    offsets_copy(&to->nuls, &s->nuls, end, UINT32_MAX);
    offsets_swap(&s->ends, &to->ends);
    offsets_swap(&s->rows, &to->rows);
    offsets_swap(&s->lfs, &to->lfs);
    offsets_swap(&s->nuls, &to->nuls);
    to->ends.n = last + 1;
}

void csv_scan_cut(struct csv_scan *s, size_t k, size_t m, struct csv_scan *to)
{
    to->delimiter = s->delimiter;
    to->quote = s->quote;
    to->escape = s->escape;
    if (m > 0 && k == 0 && m == csv_scan_rows(s)) {
        move_rows(s, to);
        return;
    }
    const uint32_t *rows = s->rows.at + k;
    size_t n = rows[m] - rows[0] + 1;
    to->ends.n = to->rows.n = 0;
    offsets_reserve(&to->ends, n);
    memcpy(to->ends.at, s->ends.at + rows[0], n * sizeof(uint32_t));
    to->ends.n = n;
    offsets_reserve(&to->rows, m + 1);
    for (size_t i = 0; i <= m; i++)
        to->rows.at[i] = rows[i] - rows[0];
    to->rows.n = m + 1;
    offsets_copy(&to->lfs, &s->lfs, s->ends.at[rows[0]], s->ends.at[rows[m]]);
    offsets_copy(&to->nuls, &s->nuls, s->ends.at[rows[0]], s->ends.at[rows[m]]);
}

void csv_scan_drop_all(struct csv_scan *s)
{
    s->ends.at[0] = (uint32_t)(s->pos - 1);
    s->ends.n = s->rows.n = 1;
    s->lfs.n = s->nuls.n = 0;
}

static void offsets_shift(struct csv_offsets *o, uint32_t by)
{
    for (size_t i = 0; i < o->n; i++)
        o->at[i] -= by;
}

void csv_scan_shift(struct csv_scan *s, size_t by)
{
    offsets_shift(&s->ends, (uint32_t)by);
    offsets_shift(&s->lfs, (uint32_t)by);
    offsets_shift(&s->nuls, (uint32_t)by);
    s->pos -= by;
}

/* -- byte by byte -- */

static inline void end_field(struct csv_scan *s, size_t at, bool row)
{
    offsets_add(&s->ends, at);
    if (row)
        offsets_add(&s->rows, s->ends.n - 1);
    s->state = CSV_START;
}

static inline void in_quotes(struct csv_scan *s, int c, size_t at)
{
    if (c == s->quote)
        s->state = CSV_CLOSED;
    else if (c == s->escape)
        s->state = CSV_QUOTED_ESCAPED;
    else if (c == '\n')
        offsets_add(&s->lfs, at);
}

static void scan_scalar(struct csv_scan *s, const char *data, size_t to)
{
    for (size_t i = s->pos; i < to; i++) {
        int c = (unsigned char)data[i];
        if (c == 0)
            offsets_add(&s->nuls, i);
        s->high = s->high || c >= 0x80;
        switch (s->state) {
        case CSV_START:
        case CSV_PLAIN:
            if (c == s->delimiter || c == '\n')
                end_field(s, i, c == '\n');
            else if (c == s->escape)
                s->state = CSV_PLAIN_ESCAPED;
            else
                s->state = c == s->quote && s->state == CSV_START ? CSV_QUOTED : CSV_PLAIN;
            break;
        case CSV_CLOSED:
            if (c == s->delimiter || c == '\n') {
                end_field(s, i, c == '\n');
            } else if (c == '\r' && data[i + 1] == '\n') {
                s->state = CSV_PLAIN;
            } else {
                s->state = CSV_QUOTED;
                if (c != s->quote)
                    in_quotes(s, c, i);
            }
            break;
        case CSV_QUOTED:
            in_quotes(s, c, i);
            break;
        case CSV_PLAIN_ESCAPED:
        case CSV_QUOTED_ESCAPED:
            s->state = s->state == CSV_PLAIN_ESCAPED ? CSV_PLAIN : CSV_QUOTED;
            if (c == '\n')
                offsets_add(&s->lfs, i);
            break;
        }
    }
    s->pos = to;
}

/* -- 64 bytes at a time -- */

struct masks {
    uint64_t delimiter, quote, lf, cr, nul, high;
    uint64_t parity; /* of the quotes up to each byte */
};

/* Carried from chunk to chunk: the scalar state, as masks want it. */
struct carry {
    uint64_t inside; /* all ones inside quotes */
    uint64_t start;  /* 1: the next byte begins a field */
    uint64_t closed; /* 1: the last byte was a quote that may have closed */
};

static struct carry carry_of(enum csv_state state)
{
    return (struct carry){state == CSV_QUOTED ? ALL_ONES : 0, state == CSV_START,
                          state == CSV_CLOSED};
}

static enum csv_state state_of(const struct carry *c)
{
    if (c->start)
        return CSV_START;
    if (c->closed)
        return CSV_CLOSED;
    return c->inside ? CSV_QUOTED : CSV_PLAIN;
}

static inline uint64_t prefix_xor(uint64_t x)
{
    x ^= x << 1;
    x ^= x << 2;
    x ^= x << 4;
    x ^= x << 8;
    x ^= x << 16;
    x ^= x << 32;
    return x;
}

/* More offsets than there are bits are written, at most this many. */
#define ADD_BEYOND 16

/* Writes the offsets of all set bits; at most 64. Eight at a time without a test, as the list has
 * room: what is written beyond is overwritten. */
static inline void add_bits(struct csv_offsets *o, uint64_t bits, size_t base)
{
    uint32_t *out = o->at + o->n, from = (uint32_t)base;
    unsigned n = (unsigned)__builtin_popcountll(bits);
    o->n += n;
    for (unsigned k = 0; k < n; k += 8) {
        for (unsigned i = 0; i < 8; i++) {
            out[k + i] = from + (uint32_t)__builtin_ctzll(bits | (UINT64_C(1) << 63));
            bits &= bits - 1;
        }
    }
}

static inline void add_sparse_bits(struct csv_offsets *o, uint64_t bits, size_t base)
{
    for (; bits; bits &= bits - 1)
        offsets_add(o, base + (size_t)__builtin_ctzll(bits));
}

/* Where fields end in the chunk at s->pos. False when a quote stands where RFC 4180 has none:
 * nothing was done. Quotes and line ends come in every second chunk or so, and no branch asks for
 * them. */
static inline bool ends_of_chunk(struct csv_scan *s, const struct masks *m, struct carry *c,
                                 uint64_t *ends_out)
{
    uint64_t inside = m->parity ^ c->inside;
    uint64_t ends = (m->delimiter | m->lf) & ~inside;
    uint64_t open = m->quote & inside, close = m->quote & ~inside;
    uint64_t after_end = (ends << 1) | c->start, after_close = (close << 1) | c->closed;
    uint64_t crlf = m->cr & (m->lf >> 1);
    /* An opening quote begins a field or doubles the quote before it; behind a closing one the
     * field ends or a quote follows. */
    if ((open & ~(after_end | after_close)) | (after_close & ~(ends | open | crlf)))
        return false;
    c->closed = close >> 63;
    c->inside = (uint64_t)((int64_t)inside >> 63);
    c->start = ends >> 63;
    if (m->lf & inside)
        add_sparse_bits(&s->lfs, m->lf & inside, s->pos);
    *ends_out = ends;
    return true;
}

/* Behind that: the records that end there, the first of the ends being `first` of all. */
static inline void rows_of_chunk(struct csv_scan *s, const struct masks *m, uint64_t ends,
                                 size_t first)
{
    uint64_t rows = m->lf & ends;
    uint32_t *out = s->rows.at + s->rows.n;
    s->rows.n += (size_t)__builtin_popcountll(rows);
    do {
        uint64_t below = (rows & -rows) - 1; /* all, where there is none: it is overwritten */
        *out++ = (uint32_t)(first + (size_t)__builtin_popcountll(ends & below));
        rows &= rows - 1;
    } while (rows != 0);
    if (m->nul)
        add_sparse_bits(&s->nuls, m->nul, s->pos);
    s->high = s->high || m->high;
    s->pos += CHUNK;
}

/* The loop around it, once for each way of making masks, and of `add`ing the offsets of bits. */
#define SCAN_LOOP(add, ...)                            \
    struct carry c = carry_of(s->state);               \
    while (to - s->pos >= CHUNK) {                     \
        struct masks m;                                \
        uint64_t ends;                                 \
        __VA_ARGS__;                                   \
        if (!ends_of_chunk(s, &m, &c, &ends)) {        \
            s->state = state_of(&c);                   \
            scan_scalar(s, data, s->pos + CHUNK);      \
            c = carry_of(s->state);                    \
            continue;                                  \
        }                                              \
        /* Room for one write beyond 64. */            \
        offsets_reserve(&s->ends, CHUNK + ADD_BEYOND); \
        offsets_reserve(&s->rows, CHUNK);              \
        size_t first = s->ends.n;                      \
        add(&s->ends, ends, s->pos);                   \
        rows_of_chunk(s, &m, ends, first);             \
    }                                                  \
    s->state = state_of(&c)

/* Neither quotes nor delimiters: lines. One chunk with these masks. */
static inline void line_chunk(struct csv_scan *s, uint64_t lf, uint64_t nul)
{
    if (nul)
        add_sparse_bits(&s->nuls, nul, s->pos);
    for (; lf; lf &= lf - 1) {
        offsets_add(&s->ends, s->pos + (size_t)__builtin_ctzll(lf));
        offsets_add(&s->rows, s->ends.n - 1);
    }
}

static inline void end_lines(struct csv_scan *s, const char *data, bool high)
{
    s->high = s->high || high;
    s->state = data[s->pos - 1] == '\n' ? CSV_START : CSV_PLAIN;
}

static bool is_lines(const struct csv_scan *s)
{
    return s->delimiter < 0 && s->quote < 0 && (s->state == CSV_START || s->state == CSV_PLAIN);
}

#if CSV_X86
/* A byte value to look for, or one that a comparison can never meet: then the mask is cleared. */
static inline uint64_t only_if(int c, uint64_t mask)
{
    return c < 0 ? 0 : mask;
}

__attribute__((target("avx2,popcnt,bmi"))) static inline uint64_t eq_avx2(__m256i lo, __m256i hi,
                                                                          __m256i value)
{
    uint32_t a = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(lo, value));
    uint32_t b = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(hi, value));
    return (uint64_t)b << 32 | a;
}

/* The parity by a product without carries. */
__attribute__((target("pclmul"))) static inline uint64_t parity_clmul(uint64_t x)
{
    __m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128((long long)x), _mm_set1_epi8(-1), 0);
    return (uint64_t)_mm_cvtsi128_si64(product);
}

__attribute__((target("avx2,popcnt,bmi,pclmul"), flatten)) static void
scan_avx2(struct csv_scan *s, const char *data, size_t to)
{
    const __m256i delimiter = _mm256_set1_epi8((char)s->delimiter);
    const __m256i quote = _mm256_set1_epi8((char)s->quote);
    const __m256i lf = _mm256_set1_epi8('\n'), cr = _mm256_set1_epi8('\r');
    const __m256i zero = _mm256_setzero_si256();
    SCAN_LOOP(add_bits, {
        const __m256i *p = (const __m256i *)(const void *)(data + s->pos);
        __m256i lo = _mm256_loadu_si256(p), hi = _mm256_loadu_si256(p + 1);
        m.delimiter = only_if(s->delimiter, eq_avx2(lo, hi, delimiter));
        m.quote = only_if(s->quote, eq_avx2(lo, hi, quote));
        m.lf = eq_avx2(lo, hi, lf);
        m.cr = eq_avx2(lo, hi, cr);
        m.nul = eq_avx2(lo, hi, zero);
        m.high = (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(lo, hi));
        m.parity = parity_clmul(m.quote);
    });
}

#define AVX512 "avx512f,avx512bw,avx512vbmi2,avx2,popcnt,bmi,pclmul"

/* The numbers of the set bits side by side: 16 offsets a write, and seldom more than one. */
__attribute__((target(AVX512))) static inline void add_packed(struct csv_offsets *o, uint64_t bits,
                                                              size_t base)
{
    const __m512i numbers = _mm512_set_epi64(
        0x3f3e3d3c3b3a3938, 0x3736353433323130, 0x2f2e2d2c2b2a2928, 0x2726252423222120,
        0x1f1e1d1c1b1a1918, 0x1716151413121110, 0x0f0e0d0c0b0a0908, 0x0706050403020100);
    __m512i packed = _mm512_maskz_compress_epi8(bits, numbers);
    __m512i from = _mm512_set1_epi32((int)base);
    uint32_t *out = o->at + o->n;
    size_t n = (size_t)__builtin_popcountll(bits);
    o->n += n;
    _mm512_storeu_si512(
        out, _mm512_add_epi32(from, _mm512_cvtepu8_epi32(_mm512_castsi512_si128(packed))));
    if (n > 16) {
        uint8_t number[CHUNK];
        _mm512_storeu_si512(number, packed);
        for (size_t k = 16; k < n; k++)
            out[k] = (uint32_t)base + number[k];
    }
}

/* The same with one register for all 64 bytes. */
__attribute__((target(AVX512), flatten)) static void scan_avx512(struct csv_scan *s,
                                                                 const char *data, size_t to)
{
    const __m512i delimiter = _mm512_set1_epi8((char)s->delimiter);
    const __m512i quote = _mm512_set1_epi8((char)s->quote);
    const __m512i lf = _mm512_set1_epi8('\n'), cr = _mm512_set1_epi8('\r');
    SCAN_LOOP(add_packed, {
        __m512i x = _mm512_loadu_si512((const void *)(data + s->pos));
        m.delimiter = only_if(s->delimiter, _mm512_cmpeq_epi8_mask(x, delimiter));
        m.quote = only_if(s->quote, _mm512_cmpeq_epi8_mask(x, quote));
        m.lf = _mm512_cmpeq_epi8_mask(x, lf);
        m.cr = _mm512_cmpeq_epi8_mask(x, cr);
        m.nul = _mm512_testn_epi8_mask(x, x);
        m.high = _mm512_movepi8_mask(x);
        m.parity = parity_clmul(m.quote);
    });
}

__attribute__((target("avx2,popcnt,bmi"), flatten)) static void
lines_avx2(struct csv_scan *s, const char *data, size_t to)
{
    const __m256i newline = _mm256_set1_epi8('\n'), zero = _mm256_setzero_si256();
    __m256i all = zero;
    for (; to - s->pos >= CHUNK; s->pos += CHUNK) {
        const __m256i *p = (const __m256i *)(const void *)(data + s->pos);
        __m256i a = _mm256_loadu_si256(p), b = _mm256_loadu_si256(p + 1);
        __m256i lf_a = _mm256_cmpeq_epi8(a, newline), lf_b = _mm256_cmpeq_epi8(b, newline);
        __m256i nul = _mm256_cmpeq_epi8(_mm256_min_epu8(a, b), zero);
        all = _mm256_or_si256(all, _mm256_or_si256(a, b));
        __m256i any = _mm256_or_si256(_mm256_or_si256(lf_a, lf_b), nul);
        if (!_mm256_testz_si256(any, any))
            line_chunk(s, eq_avx2(a, b, newline), eq_avx2(a, b, zero));
    }
    end_lines(s, data, _mm256_movemask_epi8(all) != 0);
}

__attribute__((target("avx512f,avx512bw,avx2,popcnt,bmi"), flatten)) static void
lines_avx512(struct csv_scan *s, const char *data, size_t to)
{
    const __m512i newline = _mm512_set1_epi8('\n');
    uint64_t high = 0;
    for (; to - s->pos >= CHUNK; s->pos += CHUNK) {
        __m512i x = _mm512_loadu_si512((const void *)(data + s->pos));
        uint64_t lf = _mm512_cmpeq_epi8_mask(x, newline), nul = _mm512_testn_epi8_mask(x, x);
        high |= _mm512_movepi8_mask(x);
        if (lf | nul)
            line_chunk(s, lf, nul);
    }
    end_lines(s, data, high != 0);
}

static inline uint64_t eq_sse2(const __m128i v[4], __m128i value)
{
    uint64_t mask = 0;
    for (int i = 0; i < 4; i++)
        mask |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(v[i], value)) << (16 * i);
    return mask;
}

static void scan_sse2(struct csv_scan *s, const char *data, size_t to)
{
    const __m128i delimiter = _mm_set1_epi8((char)s->delimiter);
    const __m128i quote = _mm_set1_epi8((char)s->quote);
    const __m128i lf = _mm_set1_epi8('\n'), cr = _mm_set1_epi8('\r'), zero = _mm_setzero_si128();
    SCAN_LOOP(add_bits, {
        __m128i v[4];
        for (int i = 0; i < 4; i++)
            v[i] = _mm_loadu_si128((const __m128i *)(const void *)(data + s->pos + 16 * i));
        m.delimiter = only_if(s->delimiter, eq_sse2(v, delimiter));
        m.quote = only_if(s->quote, eq_sse2(v, quote));
        m.lf = eq_sse2(v, lf);
        m.cr = eq_sse2(v, cr);
        m.nul = eq_sse2(v, zero);
        m.high = (uint64_t)(uint32_t)_mm_movemask_epi8(
            _mm_or_si128(_mm_or_si128(v[0], v[1]), _mm_or_si128(v[2], v[3])));
        m.parity = prefix_xor(m.quote);
    });
}
#endif

static void scan_portable(struct csv_scan *s, const char *data, size_t to)
{
    SCAN_LOOP(add_bits, {
        m = (struct masks){0};
        for (unsigned i = 0; i < CHUNK; i++) {
            int b = (unsigned char)data[s->pos + i];
            m.delimiter |= (uint64_t)(b == s->delimiter) << i;
            m.quote |= (uint64_t)(b == s->quote) << i;
            m.lf |= (uint64_t)(b == '\n') << i;
            m.cr |= (uint64_t)(b == '\r') << i;
            m.nul |= (uint64_t)(b == 0) << i;
            m.high |= (uint64_t)(b >= 0x80) << i;
        }
        m.parity = prefix_xor(m.quote);
    });
}

void csv_scan_bytes_with(struct csv_scan *s, const char *data, size_t to, enum csv_masks masks)
{
    if (s->escape < 0 && to - s->pos >= CHUNK) {
#if CSV_X86
        bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
                    __builtin_cpu_supports("popcnt") && __builtin_cpu_supports("pclmul");
        bool avx512 = avx2 && __builtin_cpu_supports("avx512f") &&
                      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vbmi2");
        if (masks == CSV_MASKS_BEST && avx512)
            (is_lines(s) ? lines_avx512 : scan_avx512)(s, data, to);
        else if ((masks == CSV_MASKS_BEST || masks == CSV_MASKS_AVX2) && avx2)
            (is_lines(s) ? lines_avx2 : scan_avx2)(s, data, to);
        else if (masks != CSV_MASKS_PORTABLE)
            scan_sse2(s, data, to);
#endif
        if (!CSV_X86 || masks == CSV_MASKS_PORTABLE)
            scan_portable(s, data, to);
    }
    scan_scalar(s, data, to);
}

void csv_scan_bytes(struct csv_scan *s, const char *data, size_t to)
{
    csv_scan_bytes_with(s, data, to, CSV_MASKS_BEST);
}
