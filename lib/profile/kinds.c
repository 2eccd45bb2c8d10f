/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The kinds of a chunk of values, and the numbers among them. What is common (numbers, dates and
 * timestamps of up to 20 bytes) is decided from words of 8 bytes; whatever looks different goes to
 * the whole grammar, table/value.h, with which this agrees (under test). */
#include "profile/kinds.h"

#include <math.h>

#include "base/instant.h"
#include "base/load.h"
#include "table/value.h"

#define BYTES(b) (UINT64_C(0x0101010101010101) * (b))

/* A timestamp of fixed layout: its value is a number that orders as the instants do. */
#define KIND_PLAIN_TIME (KINDS + 1)

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

/* The n lowest bytes of x, the others '0'; n up to 8. */
static inline uint64_t digits_of(uint64_t x, unsigned n)
{
    return n == 8 ? x : (x & ((UINT64_C(1) << (8 * n)) - 1)) | BYTES(0x30) << (8 * n);
}

/* 0x80 at the lowest byte of x that is a point; bytes above it may be marked wrongly. */
static inline uint64_t points(uint64_t x)
{
    uint64_t y = x ^ BYTES('.');
    return (y - BYTES(1)) & ~y & BYTES(0x80);
}

/* x without its byte k, the ones above it moving down. */
static inline uint64_t without(uint64_t x, uint64_t above, unsigned k)
{
    uint64_t below = (UINT64_C(1) << (8 * k)) - 1;
    return (x & below) | ((x >> 8 | above << 56) & ~below);
}

static const double power_of_10[16] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                       1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

/* Plain numbers of at most 8 bytes without a sign: TYPE_INTEGER or TYPE_FLOAT; KIND_ZERO_CODE;
 * TYPE_NONE leaves the text to the whole grammar. */
static inline uint8_t number_of_8(uint64_t prefix, uint32_t len, union value *v)
{
    uint64_t x = prefix >> (8 * (8 - len)), point = points(x);
    bool zero = prefix >> 56 == '0';
    if (point == 0) {
        uint64_t d = digits_of(x, len);
        if (!all_digits(d))
            return TYPE_NONE;
        v->i = (int64_t)eight_digits(d);
        return zero && len > 1 ? KIND_ZERO_CODE : TYPE_INTEGER;
    }
    unsigned behind = (unsigned)__builtin_ctzll(point) / 8, before = len - 1 - behind;
    uint64_t d = digits_of(without(x, 0, behind), len - 1);
    if (behind == 0 || before == 0 || before > 7 || (zero && before > 1) || !all_digits(d))
        return TYPE_NONE;
    v->f = (double)eight_digits(d) / power_of_10[behind];
    return TYPE_FLOAT;
}

/* The same of 9 to 16 bytes: at most 15 digits beside a point are below 2^53, and so exact. */
static inline uint8_t number_of_16(uint64_t prefix, uint64_t tail, uint32_t len, union value *v)
{
    unsigned shift = 8 * (16 - len);
    uint64_t hi = prefix >> shift, lo = tail >> shift | (prefix << 1) << (63 - shift);
    bool zero = prefix >> 56 == '0';
    uint64_t low_point = points(lo), high_point = points(hi);
    if ((low_point | high_point) == 0) {
        uint64_t d = digits_of(hi, len - 8);
        if (!all_digits(lo) || !all_digits(d))
            return TYPE_NONE;
        v->i = (int64_t)(eight_digits(d) * 100000000 + eight_digits(lo));
        return zero ? KIND_ZERO_CODE : TYPE_INTEGER;
    }
    unsigned behind;
    if (low_point != 0) {
        behind = (unsigned)__builtin_ctzll(low_point) / 8;
        lo = without(lo, hi, behind);
        hi >>= 8;
    } else {
        unsigned k = (unsigned)__builtin_ctzll(high_point) / 8;
        behind = 8 + k;
        hi = without(hi, 0, k);
    }
    unsigned before = len - 1 - behind;
    uint64_t d = digits_of(hi, len - 9);
    if (behind == 0 || before == 0 || before > 15 || (zero && before > 1) || !all_digits(lo) ||
        !all_digits(d))
        return TYPE_NONE;
    v->f = (double)(eight_digits(d) * 100000000 + eight_digits(lo)) / power_of_10[behind];
    return TYPE_FLOAT;
}

/* YYYY-MM-DD and any two bytes behind it: the number YYYYMMDD, or 0. The 29th of February is left
 * to the whole grammar. */
static inline uint64_t plain_date(uint64_t prefix, uint64_t tail)
{
    static const unsigned char days[20] = {0,  31, 28, 31, 30, 31, 30, 31, 31, 30,
                                           31, 30, 31, 0,  0,  0,  0,  0,  0,  0};
    uint64_t month = prefix >> 8 & 0xffff, day = tail >> 48;
    uint64_t x = (prefix >> 32) << 32 | month << 16 | day;
    if ((prefix & UINT64_C(0x000000ff0000ff)) != UINT64_C(0x0000002d00002d) || !all_digits(x))
        return 0;
    uint64_t m = (month >> 8 & 0xf) * 10 + (month & 0xf), d = (day >> 8 & 0xf) * 10 + (day & 0xf);
    return m < ARRAY_LEN(days) && d >= 1 && d <= days[m] ? eight_digits(x) : 0;
}

/* YYYY-MM-DDTHH:MM:SS (or a blank in the middle), of UTC: the number YYYYMMDDHHMMSS, or 0. Leap
 * seconds are left to the whole grammar. */
static inline uint64_t plain_time(struct text t, uint64_t prefix, uint64_t tail)
{
    uint64_t date = plain_date(prefix, tail), time = load_be(t.p + 11);
    if (date == 0 || (t.p[10] != 'T' && t.p[10] != ' ') || (t.len == 20 && t.p[19] != 'Z'))
        return 0;
    uint64_t hour = time >> 48, minute = time >> 24 & 0xffff, second = time & 0xffff;
    uint64_t x = UINT64_C(0x3030) << 48 | hour << 32 | minute << 16 | second;
    if ((time & UINT64_C(0x0000ff0000ff0000)) != UINT64_C(0x00003a00003a0000) || !all_digits(x))
        return 0;
    if (hour > 0x3233 || minute > 0x3539 || second > 0x3539) /* "23", "59" */
        return 0;
    return date * 1000000 + eight_digits(x);
}

static inline bool is_digit(uint64_t byte)
{
    return byte - '0' < 10;
}

static uint8_t negative(struct text t, uint64_t prefix, uint64_t tail, union value *v)
{
    uint8_t kind = TYPE_NONE;
    prefix = prefix << 8 | tail >> 56;
    if (t.len >= 2 && t.len <= 16 && is_digit(prefix >> 56)) {
        kind = t.len <= 9 ? number_of_8(prefix, t.len - 1, v)
                          : number_of_16(prefix, tail << 8, t.len - 1, v);
    }
    if (kind == TYPE_INTEGER)
        v->i = -v->i;
    else if (kind == TYPE_FLOAT)
        v->f = -v->f;
    else
        kind = (uint8_t)value_classify(text_slice(t), v);
    return kind;
}

COLUMN_INLINE uint8_t kind_of(struct text t, uint64_t prefix, uint64_t tail, union value *v)
{
    uint64_t first = prefix >> 56;
    if (is_digit(first)) {
        uint8_t kind = TYPE_NONE;
        if (t.len <= 8) {
            kind = number_of_8(prefix, t.len, v);
        } else if (t.len == 10 && plain_date(prefix, tail) != 0) {
            kind = TYPE_DATE;
        } else if (t.len <= 16) {
            kind = number_of_16(prefix, tail, t.len, v);
        } else if (t.len == 19 || t.len == 20) {
            uint64_t time = plain_time(t, prefix, tail);
            if (time != 0) {
                v->i = (int64_t)time;
                kind = KIND_PLAIN_TIME;
            }
        }
        if (kind != TYPE_NONE)
            return kind;
        if (first == '0' && t.len > 16 && profile_is_zero_code(text_slice(t)))
            return KIND_ZERO_CODE;
    } else if (first == '-') {
        return negative(t, prefix, tail, v);
    } else if (t.len < 4 || t.len > 5 || ((first | 0x20) != 't' && (first | 0x20) != 'f')) {
        return TYPE_STRING; /* nothing else begins like that */
    }
    return (uint8_t)value_classify(text_slice(t), v);
}

static uint8_t json_kind(struct text t, uint64_t prefix, uint64_t tail, union value *v)
{
    uint64_t first = prefix >> 56;
    if (t.flags & TEXT_NESTED)
        return TYPE_JSON;
    if ((t.flags & TEXT_QUOTED) && !is_digit(first))
        return TYPE_STRING;
    uint8_t kind = kind_of(t, prefix, tail, v);
    if (kind == KIND_ZERO_CODE)
        return TYPE_STRING;
    if (t.flags & TEXT_QUOTED)
        return kind == TYPE_DATE || kind == TYPE_TIMESTAMP || kind == KIND_PLAIN_TIME ? kind
                                                                                      : TYPE_STRING;
    return kind;
}

/* n values of one kind, the first of them value i. */
static void count_kind(struct column_state *c, uint8_t kind, uint32_t n, uint32_t i,
                       const uint64_t *line, const struct column_scratch *w)
{
    if (n > 0 && c->kinds[kind] == 0)
        c->first_line[kind] = column_line_at(w, line, i);
    c->kinds[kind] += n;
}

static void see_time(struct column_state *c, int64_t us)
{
    c->time_min = us < c->time_min ? us : c->time_min;
    c->time_max = us > c->time_max ? us : c->time_max;
}

/* The sum is never -0: which zero came first shall not matter. */
static void see_floats(struct column_state *c, double least, double most)
{
    c->float_min = (least < c->float_min ? least : c->float_min) + 0.0;
    c->float_max = (most > c->float_max ? most : c->float_max) + 0.0;
}

/* The least and largest of the plain timestamps of a chunk: only these two are read in full. */
struct times {
    int64_t least, most;
    uint32_t least_at, most_at;
};

static void see_times(struct column_state *c, const struct times *t, const struct column_scratch *w)
{
    int64_t us;
    if (t->most == 0)
        return;
    if (timestamp_parse(text_slice(w->value[t->least_at]), &us))
        see_time(c, us);
    if (timestamp_parse(text_slice(w->value[t->most_at]), &us))
        see_time(c, us);
}

static void count_elements(struct element_counts *e, struct text t)
{
    uint32_t n = text_elements(t);
    if (t.p[0] != '[')
        return;
    e->arrays++;
    e->total += n;
    e->min = n < e->min ? n : e->min;
    e->max = n > e->max ? n : e->max;
}

/* `json` is a constant where this is inlined. */
COLUMN_INLINE size_t classify(struct column_state *c, uint32_t n, const uint64_t *line,
                              struct column_scratch *w, bool json)
{
    size_t numbers = 0;
    uint8_t last = TYPE_NONE;
    uint32_t since = 0;
    int64_t int_min = c->int_min, int_max = c->int_max;
    double float_min = (double)INFINITY, float_max = -(double)INFINITY;
    struct times times = {INT64_MAX, 0, 0, 0};
    for (uint32_t i = 0; i < n; i++) {
        union value v = {0};
        uint8_t kind = json ? json_kind(w->value[i], w->prefix[i], w->tail[i], &v)
                            : kind_of(w->value[i], w->prefix[i], w->tail[i], &v);
        if (kind == TYPE_INTEGER) {
            int_min = v.i < int_min ? v.i : int_min;
            int_max = v.i > int_max ? v.i : int_max;
            w->number[numbers++] = (double)v.i;
        } else if (kind == TYPE_FLOAT) {
            float_min = v.f < float_min ? v.f : float_min;
            float_max = v.f > float_max ? v.f : float_max;
            w->number[numbers++] = v.f;
        } else if (kind == TYPE_TIMESTAMP) {
            see_time(c, v.i);
        } else if (json && kind == TYPE_JSON) {
            count_elements(&c->elements, w->value[i]);
        } else if (kind == KIND_PLAIN_TIME) {
            times.least_at = v.i < times.least ? i : times.least_at;
            times.least = v.i < times.least ? v.i : times.least;
            times.most_at = v.i > times.most ? i : times.most_at;
            times.most = v.i > times.most ? v.i : times.most;
            kind = TYPE_TIMESTAMP;
        }
        w->kind[i] = kind;
        if (kind != last) {
            count_kind(c, last, i - since, since, line, w);
            last = kind;
            since = i;
        }
    }
    count_kind(c, last, n - since, since, line, w);
    see_times(c, &times, w);
    c->int_min = int_min;
    c->int_max = int_max;
    see_floats(c, float_min, float_max);
    return numbers;
}

/* A chunk of plain numbers of one kind: how many, or 0 when it is none. */
static size_t classify_plain(struct column_state *c, uint32_t n, const uint64_t *line,
                             struct column_scratch *w)
{
    struct plain p;
    if (w->len_max > 8 || !column_plain(w, n, &p))
        return 0;
    memset(w->kind, (int)p.kind, n);
    count_kind(c, (uint8_t)p.kind, n, 0, line, w);
    if (p.kind == TYPE_INTEGER) {
        c->int_min = (int64_t)p.least < c->int_min ? (int64_t)p.least : c->int_min;
        c->int_max = (int64_t)p.most > c->int_max ? (int64_t)p.most : c->int_max;
    } else if (p.kind == TYPE_FLOAT) {
        see_floats(c, p.least, p.most);
    }
    return n;
}

#define WORD_TRUE (UINT64_C(0x74727565) << 32)
#define WORD_FALSE (UINT64_C(0x66616c7365) << 24)

/* Is all of a chunk "true" and "false"? A 0 behind one of them makes it longer. */
static bool all_booleans(uint32_t n, const struct column_scratch *w)
{
    uint32_t truths = 0, lies = 0;
    for (uint32_t i = 0; i < n; i++) {
        truths += w->prefix[i] == WORD_TRUE;
        lies += w->prefix[i] == WORD_FALSE;
    }
    return truths + lies == n && w->len_sum == 4 * (uint64_t)truths + 5 * (uint64_t)lies;
}

/* A chunk that is all strings or all booleans: TYPE_NONE when it is neither, as far as is seen. */
static enum type texts_or_booleans(uint32_t n, const struct column_scratch *w)
{
    if ((w->prefix[0] == WORD_TRUE || w->prefix[0] == WORD_FALSE) && all_booleans(n, w))
        return TYPE_BOOLEAN;
    return column_texts(w, n) ? TYPE_STRING : TYPE_NONE;
}

size_t column_classify(struct column_state *c, bool json, uint32_t n, const uint64_t *line,
                       struct column_scratch *w, enum column_code code)
{
    uint64_t first = w->prefix[0] >> 56;
    if (code == COLUMN_BEST && (is_digit(first) || first == '-') &&
        classify_plain(c, n, line, w) > 0)
        return w->kind[0] == KIND_ZERO_CODE ? 0 : n;
    if (code == COLUMN_BEST && !json && !is_digit(first) && first != '-') {
        enum type all = texts_or_booleans(n, w);
        if (all != TYPE_NONE) {
            memset(w->kind, (int)all, n);
            count_kind(c, (uint8_t)all, n, 0, line, w);
            return 0;
        }
    }
    return json ? classify(c, n, line, w, true) : classify(c, n, line, w, false);
}
