/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One column, one batch at a time: values are gathered, and then each summary has its own tight
 * loop over them. */
#include "profile/column.h"

#include <math.h>

#include "base/hash.h"
#include "base/instant.h"
#include "base/num.h"
#include "table/value.h"

/* Up to this many columns have sketches of full size. */
#define COLUMNS_FULL 64
#define COLUMNS_WIDE 512
void column_sizes_init(struct column_sizes *s, uint32_t ncols, bool fast, bool json)
{
    *s = (struct column_sizes){KLL_K, FREQUENT_LG, DISTINCT_P, fast, json};
    if (ncols > COLUMNS_FULL) {
        s->kll_k = KLL_K / 4;
        s->frequent_lg = FREQUENT_LG - 2;
        s->distinct_p = DISTINCT_P - 1;
    }
    if (ncols > COLUMNS_WIDE) {
        s->kll_k = KLL_K / 16;
        s->frequent_lg = FREQUENT_LG - 4;
        s->distinct_p = DISTINCT_P - 3;
    }
}

void column_state_init(struct column_state *c, const struct column_sizes *s, uint64_t seed)
{
    *c = (struct column_state){.seed = seed};
    c->int_min = INT64_MAX;
    c->int_max = INT64_MIN;
    c->float_min = (double)INFINITY;
    c->float_max = -(double)INFINITY;
    c->time_min = INT64_MAX;
    c->time_max = INT64_MIN;
    column_figures_init(&c->figures);
    distinct_init(&c->distinct, s->distinct_p);
    frequent_init(&c->frequent, s->frequent_lg);
}

void column_state_release(struct column_state *c)
{
    distinct_release(&c->distinct);
    frequent_release(&c->frequent);
    column_figures_release(&c->figures);
    if (c->kll != NULL)
        kll_release(c->kll);
    if (c->tails != NULL)
        tails_release(c->tails);
    free(c->kll);
    free(c->tails);
    free(c->min.p);
    free(c->max.p);
}

/* -- one batch -- */

/* The valid rows; returns how many. */
static uint32_t gather(struct column_state *c, const struct column *col, uint32_t rows,
                       const uint64_t *line, struct column_scratch *w)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < (rows + 63) / 64; i++)
        n += (uint32_t)__builtin_popcountll(col->valid[i]);
    w->dense = n == rows;
    w->value = w->dense ? col->text : w->valid;
    if (!w->dense) {
        uint32_t k = 0;
        for (uint32_t i = 0; i < (rows + 63) / 64; i++)
            for (uint64_t bits = col->valid[i]; bits != 0; bits &= bits - 1) {
                uint32_t r = i * 64 + (uint32_t)__builtin_ctzll(bits);
                w->valid[k] = col->text[r];
                w->row[k++] = r;
            }
    }
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < n; i++) {
        __builtin_prefetch(w->value[i].p);
        bytes += w->value[i].len;
    }
    if (c->nulls == 0 && n < rows && line != NULL)
        for (uint32_t r = 0; c->first_null == 0 && r < rows; r++)
            c->first_null = column_valid(col, r) ? 0 : line[r];
    c->nulls += rows - n;
    c->values += n;
    c->bytes += bytes;
    return n;
}

static inline uint64_t line_at(const struct column_scratch *w, const uint64_t *line, uint32_t i)
{
    return line == NULL ? 0 : line[w->dense ? i : w->row[i]];
}

static inline uint64_t load_be(const char *p, size_t n)
{
    uint64_t v;
    if (n == 8) {
        memcpy(&v, p, 8);
    } else {
        uint32_t half;
        memcpy(&half, p, 4);
        v = half;
    }
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    v = n == 8 ? __builtin_bswap64(v) : __builtin_bswap32((uint32_t)v);
#endif
    return v;
}

/* The first 8 bytes as a number that orders as the bytes do; shorter texts are filled with 0. */
static inline uint64_t prefix_of(struct text t)
{
    if (t.len >= 8)
        return load_be(t.p, 8);
    if (t.len >= 4) /* two overlapping halves */
        return load_be(t.p, 4) << 32 | load_be(t.p + t.len - 4, 4) << (8 * (8 - t.len));
    if (t.len == 0)
        return 0;
    uint32_t mid = t.len / 2, last = t.len - 1;
    return (uint64_t)(unsigned char)t.p[0] << 56 |
           (uint64_t)(unsigned char)t.p[mid] << (56 - 8 * mid) |
           (uint64_t)(unsigned char)t.p[last] << (56 - 8 * last);
}

#define BYTES(b) (UINT64_C(0x0101010101010101) * (b))

/* Are all eight bytes digits? */
static inline bool all_digits(uint64_t x)
{
    return (((x + BYTES(0x46)) | (x - BYTES(0x30))) & BYTES(0x80)) == 0;
}

/* Of eight digits, the first in the highest byte. */
static inline uint64_t eight_digits(uint64_t x)
{
    x &= BYTES(0x0f);
    x = (x & UINT64_C(0x00ff00ff00ff00ff)) + 10 * (x >> 8 & UINT64_C(0x00ff00ff00ff00ff));
    x = (x & UINT64_C(0x0000ffff0000ffff)) + 100 * (x >> 16 & UINT64_C(0x0000ffff0000ffff));
    return (x & UINT64_C(0xffffffff)) + 10000 * (x >> 32);
}

/* The n lowest bytes of x, the others '0'. */
static inline uint64_t digits_of(uint64_t x, unsigned n)
{
    return n == 8 ? x : (x & ((UINT64_C(1) << (8 * n)) - 1)) | BYTES(0x30) << (8 * n);
}

/* Plain numbers of at most 8 bytes without a sign, from their prefix: TYPE_INTEGER or TYPE_FLOAT;
 * TYPE_NONE leaves the text to the whole grammar. */
static inline enum type short_number(uint64_t prefix, uint32_t len, union value *v)
{
    static const double scale[8] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7};
    uint64_t x = prefix >> (8 * (8 - len)), y = x ^ BYTES('.');
    bool zero = prefix >> 56 == '0';
    uint64_t dot = (y - BYTES(1)) & ~y & BYTES(0x80);
    if (dot == 0) {
        uint64_t d = digits_of(x, len);
        if (!all_digits(d) || (zero && len > 1))
            return TYPE_NONE;
        v->i = (int64_t)eight_digits(d);
        return TYPE_INTEGER;
    }
    unsigned behind = (unsigned)__builtin_ctzll(dot) / 8, before = len - 1 - behind;
    if (behind == 0 || before == 0 || before > 7 || (zero && before > 1))
        return TYPE_NONE;
    uint64_t low = x & ((UINT64_C(1) << (8 * behind)) - 1);
    uint64_t d = digits_of(x >> (8 * (behind + 1)) << (8 * behind) | low, len - 1);
    if (!all_digits(d))
        return TYPE_NONE;
    v->f = (double)eight_digits(d) / scale[behind];
    return TYPE_FLOAT;
}

/* YYYY-MM-DD with a day that every month has; others are left to the whole grammar. */
static inline bool plain_date(uint64_t prefix, const char *p)
{
    uint64_t low = (uint64_t)(unsigned char)p[8] << 8 | (unsigned char)p[9];
    if ((prefix & UINT64_C(0x000000ff0000ff)) != UINT64_C(0x0000002d00002d))
        return false;
    uint64_t year = prefix >> 32, month = prefix >> 8 & 0xffff;
    uint64_t d = eight_digits(year << 32 | month << 16 | low);
    uint64_t mm = d / 100 % 100, dd = d % 100;
    return all_digits(year << 32 | month << 16 | low) && mm >= 1 && mm <= 12 && dd >= 1 && dd <= 28;
}

static inline bool is_digit(char ch)
{
    return (unsigned char)(ch - '0') < 10;
}

static inline uint8_t kind_of(struct text t, uint64_t prefix, union value *v)
{
    char first = (char)(prefix >> 56);
    if (is_digit(first)) {
        if (t.len <= 8) {
            enum type type = short_number(prefix, t.len, v);
            if (type != TYPE_NONE)
                return (uint8_t)type;
        } else if (t.len == 10 && plain_date(prefix, t.p)) {
            return TYPE_DATE;
        }
        if (first == '0' && profile_is_zero_code(text_slice(t)))
            return KIND_ZERO_CODE;
    } else if (first != '-' && (first | 0x20) != 't' && (first | 0x20) != 'f') {
        return TYPE_STRING; /* nothing else begins like that */
    }
    return (uint8_t)value_classify(text_slice(t), v);
}

/* JSON says what are strings; of those only dates and timestamps are told apart. */
static inline uint8_t json_kind(struct text t, uint64_t prefix, union value *v)
{
    char first = (char)(prefix >> 56);
    if (t.flags & TEXT_QUOTED) {
        if (t.len < 10 || !is_digit(first) || t.p[4] != '-')
            return TYPE_STRING;
        if (t.len == 10 && plain_date(prefix, t.p))
            return TYPE_DATE;
    } else if (first == '{' || first == '[') {
        return TYPE_JSON;
    } else if (is_digit(first) && t.len <= 8) {
        enum type type = short_number(prefix, t.len, v);
        if (type != TYPE_NONE)
            return (uint8_t)type;
    }
    enum type type = value_classify(text_slice(t), v);
    bool text = (t.flags & TEXT_QUOTED) && type != TYPE_DATE && type != TYPE_TIMESTAMP;
    return text ? TYPE_STRING : (uint8_t)type;
}

/* n values of one kind, the first of them value i. */
static void count_kind(struct column_state *c, uint8_t kind, uint32_t n, uint32_t i,
                       const uint64_t *line, const struct column_scratch *w)
{
    if (n > 0 && c->kinds[kind] == 0)
        c->first_line[kind] = line_at(w, line, i);
    c->kinds[kind] += n;
}

/* Kinds and numbers; returns how many numbers. */
static size_t classify(struct column_state *c, const struct column_sizes *s, uint32_t n,
                       const uint64_t *line, struct column_scratch *w)
{
    size_t numbers = 0;
    uint8_t last = TYPE_NONE;
    uint32_t since = 0;
    int64_t int_min = c->int_min, int_max = c->int_max;
    double float_min = c->float_min, float_max = c->float_max;
    for (uint32_t i = 0; i < n; i++) {
        union value v = {0};
        uint8_t kind = s->json ? json_kind(w->value[i], w->prefix[i], &v)
                               : kind_of(w->value[i], w->prefix[i], &v);
        w->kind[i] = kind;
        if (kind != last) {
            count_kind(c, last, i - since, since, line, w);
            last = kind;
            since = i;
        }
        if (kind == TYPE_INTEGER) {
            int_min = v.i < int_min ? v.i : int_min;
            int_max = v.i > int_max ? v.i : int_max;
            w->number[numbers++] = (double)v.i;
        } else if (kind == TYPE_FLOAT) {
            float_min = v.f < float_min ? v.f : float_min;
            float_max = v.f > float_max ? v.f : float_max;
            w->number[numbers++] = v.f;
        } else if (kind == TYPE_TIMESTAMP) {
            c->time_min = v.i < c->time_min ? v.i : c->time_min;
            c->time_max = v.i > c->time_max ? v.i : c->time_max;
        }
    }
    count_kind(c, last, n - since, since, line, w);
    c->int_min = int_min;
    c->int_max = int_max;
    c->float_min = float_min;
    c->float_max = float_max;
    return numbers;
}

static void extreme_set(struct extreme *e, struct text t, uint64_t prefix)
{
    if (e->p == NULL || t.len > e->len) /* room for the longest so far */
        e->p = xrealloc(e->p, t.len < 32 ? 32 : t.len < EXTREME_MAX ? t.len : EXTREME_MAX);
    e->cut = t.len > EXTREME_MAX;
    e->len = e->cut ? EXTREME_MAX : t.len;
    if (e->len > 0)
        memcpy(e->p, t.p, e->len);
    e->prefix = prefix;
}

/* Of texts with the same prefix. */
static inline int extreme_cmp(struct text t, const struct extreme *e)
{
    if (t.len <= 8 && e->len <= 8) /* all there is of both; they differ in zeros at the end */
        return (t.len > e->len) - (t.len < e->len);
    return slice_cmp(slice_of(t.p, t.len < EXTREME_MAX ? t.len : EXTREME_MAX),
                     slice_of(e->p, e->len));
}

static void extremes(struct column_state *c, uint32_t n, const struct column_scratch *w)
{
    uint64_t least = UINT64_MAX, most = 0;
    for (uint32_t i = 0; i < n; i++) {
        least = w->prefix[i] < least ? w->prefix[i] : least;
        most = w->prefix[i] > most ? w->prefix[i] : most;
    }
    if (c->min.p == NULL) {
        extreme_set(&c->min, w->value[0], w->prefix[0]);
        extreme_set(&c->max, w->value[0], w->prefix[0]);
    }
    for (uint32_t i = 0; least <= c->min.prefix && i < n; i++)
        if (w->prefix[i] < c->min.prefix ||
            (w->prefix[i] == c->min.prefix && extreme_cmp(w->value[i], &c->min) < 0))
            extreme_set(&c->min, w->value[i], w->prefix[i]);
    for (uint32_t i = 0; most >= c->max.prefix && i < n; i++)
        if (w->prefix[i] > c->max.prefix ||
            (w->prefix[i] == c->max.prefix && extreme_cmp(w->value[i], &c->max) > 0))
            extreme_set(&c->max, w->value[i], w->prefix[i]);
}

static void add_formats(struct column_state *c, uint32_t n, const uint64_t *line,
                        const struct column_scratch *w)
{
    bool missed = false; /* every format has its first miss */
    for (uint32_t i = 0; i < n; i++) {
        if (w->kind[i] != TYPE_STRING)
            continue;
        unsigned found = profile_formats(text_slice(w->value[i]));
        if (found == 0 && missed)
            continue;
        missed = true;
        for (unsigned f = 0; f < FORMATS; f++) {
            if (found >> f & 1)
                c->formats[f]++;
            else if (c->format_miss[f] == 0)
                c->format_miss[f] = line_at(w, line, i);
            missed = missed && c->format_miss[f] != 0;
        }
    }
}

static void add_numbers(struct column_state *c, const struct column_sizes *s, size_t numbers,
                        const struct column_scratch *w)
{
    if (numbers == 0)
        return;
    moments_add(&c->moments, w->number, numbers);
    if (s->fast)
        return;
    if (c->kll == NULL) {
        c->kll = xmalloc(sizeof(*c->kll));
        c->tails = xmalloc(sizeof(*c->tails));
        kll_init(c->kll, s->kll_k, c->seed);
        tails_init(c->tails);
    }
    kll_add(c->kll, w->number, numbers);
    tails_add(c->tails, w->number, numbers);
}

static void add_chunk(struct column_state *c, const struct column_sizes *s,
                      const struct column *col, uint32_t rows, const uint64_t *line,
                      struct column_scratch *w)
{
    uint32_t n = gather(c, col, rows, line, w);
    if (n == 0)
        return;
    for (uint32_t i = 0; i < n; i++)
        w->prefix[i] = prefix_of(w->value[i]);
    uint64_t strings = c->kinds[TYPE_STRING];
    size_t numbers = classify(c, s, n, line, w);
    add_numbers(c, s, numbers, w);
    extremes(c, n, w);
    if (s->fast) {
        for (uint32_t i = 0; i < n; i++)
            w->element[i] = distinct_of_text(w->value[i].p, w->value[i].len);
        distinct_add(&c->distinct, w->element, n);
        return;
    }
    for (uint32_t i = 0; i < n; i++)
        w->hash[i] = hash_bytes(w->value[i].p, w->value[i].len, 0);
    /* What is in the table of frequent values was counted as distinct when it came there. */
    uint32_t rest;
    size_t fresh = frequent_screen(&c->frequent, w->hash, n, w->fresh, w->rest, &rest);
    for (size_t k = 0; k < fresh; k++) {
        struct text t = w->value[w->fresh[k]];
        w->element[k] = distinct_of_text(t.p, t.len);
    }
    distinct_add(&c->distinct, w->element, fresh);
    for (uint32_t k = 0; k < rest; k++)
        frequent_add(&c->frequent, w->hash[w->rest[k]], text_slice(w->value[w->rest[k]]), 1);
    column_figures_add(&c->figures, n, numbers, c->kinds[TYPE_STRING] - strings, line, w);
    if (c->kinds[TYPE_STRING] > 0)
        add_formats(c, n, line, w);
}

void column_state_add(struct column_state *c, const struct column_sizes *s,
                      const struct column *col, uint32_t rows, const uint64_t *line,
                      struct column_scratch *w)
{
    for (uint32_t at = 0; at < rows; at += COLUMN_CHUNK) {
        struct column part = *col;
        part.text += at;
        part.valid += at / 64;
        add_chunk(c, s, &part, rows - at < COLUMN_CHUNK ? rows - at : COLUMN_CHUNK,
                  line == NULL ? NULL : line + at, w);
    }
}
