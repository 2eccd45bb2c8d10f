/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the profiler reads from words of eight bytes is what the whole grammar reads byte by byte,
 * by the code for this processor and by the code for every one. */
#include <malloc.h>
#include <math.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/rng.h"
#include "profile/kinds.h"
#include "table/value.h"
#include "tests/unit/suite.h"

#define TEXT 48

struct chunk {
    char bytes[COLUMN_CHUNK][TEXT + TEXT_ROOM];
    struct text value[COLUMN_CHUNK];
    uint32_t n;
};

static uint32_t digits(char *to, uint64_t n, struct rng *r)
{
    for (uint64_t i = 0; i < n; i++)
        to[i] = (char)('0' + rng_below(r, 10));
    return (uint32_t)n;
}

/* Chunks of nothing but the two common ones are not rare; nor is one with a byte more, which words
 * do not show. */
static uint32_t boolean(char *p, struct rng *r)
{
    static const char *const texts[] = {"true", "false", "False", "true"};
    uint64_t which = rng_below(r, rng_below(r, 64) ? 2 : 4);
    uint32_t n = (uint32_t)snprintf(p, TEXT, "%s", texts[which]);
    if (which == 3)
        p[n++] = 0;
    return n;
}

/* A number, date, timestamp or code, or one with a byte that does not belong there. */
static uint32_t near_value(char *p, unsigned form, bool spoilt, struct rng *r)
{
    static const char odd[] = "0123456789.-:/ eETtrufals+Z\x01\x80;";
    uint32_t n = 0;
    switch (form) {
    case 0:
        n = digits(p, 1 + rng_below(r, 21), r);
        break;
    case 1:
        p[n++] = '-';
        n += digits(p + 1, 1 + rng_below(r, 17), r);
        break;
    case 2:
    case 3:
        if (form == 3)
            p[n++] = '-';
        n += digits(p + n, 1 + rng_below(r, 9), r);
        p[n++] = '.';
        n += digits(p + n, 1 + rng_below(r, 9), r);
        break;
    case 4:
    case 5:
        n = (uint32_t)snprintf(p, TEXT, "%04u-%02u-%02u", (unsigned)rng_below(r, 2100),
                               (unsigned)rng_below(r, 14), (unsigned)rng_below(r, 33));
        if (form == 5)
            n += (uint32_t)snprintf(p + n, TEXT - n, "%c%02u:%02u:%02u%s",
                                    rng_below(r, 4) ? 'T' : ' ', (unsigned)rng_below(r, 25),
                                    (unsigned)rng_below(r, 61), (unsigned)rng_below(r, 62),
                                    rng_below(r, 2) ? "Z" : "");
        break;
    case 6:
        n = boolean(p, r);
        break;
    default:
        for (uint64_t len = rng_below(r, TEXT + 1); n < len; n++)
            p[n] = (char)('a' + rng_below(r, 26));
        break;
    }
    if (spoilt && n > 0)
        p[rng_below(r, n)] = odd[rng_below(r, sizeof(odd) - 1)];
    return n;
}

/* Values of one form or of all; what stands behind them must not matter. */
static void make(struct chunk *c, struct rng *r)
{
    unsigned form = (unsigned)rng_below(r, 16);
    uint64_t spoil = rng_below(r, 3) ? 0 : 1 + rng_below(r, 64);
    uint64_t longest = rng_below(r, 2) ? 8 : TEXT;
    c->n = 1 + (uint32_t)rng_below(r, rng_below(r, 2) ? 8 : COLUMN_CHUNK);
    for (uint32_t i = 0; i < c->n; i++) {
        char *p = c->bytes[i];
        for (size_t k = 0; k < sizeof(c->bytes[i]); k++)
            p[k] = (char)rng_u64(r);
        uint32_t n = near_value(p, form < 10 ? form : (unsigned)rng_below(r, 10),
                                spoil && rng_below(r, spoil) == 0, r);
        /* Lengths do not mind the flags. */
        uint32_t flags = form == 12 && rng_below(r, 2) ? TEXT_QUOTED : 0;
        c->value[i] = (struct text){p, n < longest ? n : (uint32_t)longest, flags};
    }
}

static bool is_code(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return s.len >= 2 && s.p[0] == '0';
}

static void check_lengths(const struct chunk *c, const struct column_scratch *w)
{
    uint32_t least = UINT32_MAX, most = 0;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < c->n; i++) {
        uint32_t len = c->value[i].len;
        least = len < least ? len : least;
        most = len > most ? len : most;
        sum += len;
    }
    ck_assert(w->len_min == least && w->len_max == most && w->len_sum == sum);
}

/* Of all values, or of those but every `gap`th. */
static void check_elements(const struct chunk *c, struct column_scratch *w, uint32_t gap,
                           enum column_code code)
{
    size_t n = 0;
    for (uint32_t i = 0; i < c->n; i++)
        if (gap == 0 || i % gap != 0)
            w->fresh[n++] = i;
    column_elements(n, w, code);
    for (size_t k = 0; k < n; k++) {
        struct text t = c->value[w->fresh[k]];
        ck_assert_uint_eq(w->element[k], distinct_of_text(t.p, t.len));
    }
}

static void check(const struct chunk *c, enum column_code code)
{
    static struct column_scratch w;
    struct column_sizes sizes;
    struct column_state s;
    size_t numbers = 0;
    int64_t time_min = INT64_MAX, time_max = INT64_MIN, int_min = INT64_MAX, int_max = INT64_MIN;
    double float_min = (double)INFINITY, float_max = -(double)INFINITY;
    column_sizes_init(&sizes, 1, false, false);
    column_state_init(&s, &sizes, 1);
    w.value = c->value;
    w.dense = true;
    column_look(c->n, &w, code);
    check_lengths(c, &w);
    column_hash(c->n, &w, code);
    check_elements(c, &w, 0, code);
    check_elements(c, &w, 3, code);
    size_t got = column_classify(&s, false, c->n, NULL, &w, code);
    for (uint32_t i = 0; i < c->n; i++) {
        struct slice t = text_slice(c->value[i]);
        union value v = {0};
        unsigned kind = value_classify(t, &v);
        double number = kind == TYPE_FLOAT ? v.f : (double)v.i;
        kind = kind == TYPE_STRING && is_code(t) ? KIND_ZERO_CODE : kind;
        ck_assert_uint_eq(w.hash[i], hash_bytes(t.p, t.len, 0));
        ck_assert_msg(w.kind[i] == kind, "'%.*s': kind %d, not %u", (int)t.len, t.p, w.kind[i],
                      kind);
        if (kind == TYPE_INTEGER || kind == TYPE_FLOAT)
            ck_assert_msg(memcmp(&w.number[numbers++], &number, sizeof(number)) == 0,
                          "'%.*s': %.17g, not %.17g", (int)t.len, t.p, w.number[numbers - 1],
                          number);
        if (kind == TYPE_INTEGER) {
            int_min = v.i < int_min ? v.i : int_min;
            int_max = v.i > int_max ? v.i : int_max;
        } else if (kind == TYPE_FLOAT) {
            float_min = v.f < float_min ? v.f : float_min;
            float_max = v.f > float_max ? v.f : float_max;
        } else if (kind == TYPE_TIMESTAMP) {
            time_min = v.i < time_min ? v.i : time_min;
            time_max = v.i > time_max ? v.i : time_max;
        }
    }
    ck_assert_uint_eq(got, numbers);
    ck_assert(s.int_min == int_min && s.int_max == int_max);
    ck_assert(!(s.float_min < float_min || s.float_min > float_min));
    ck_assert(!(s.float_max < float_max || s.float_max > float_max));
    ck_assert(s.time_min == time_min && s.time_max == time_max);
    column_state_release(&s);
}

START_TEST(words_are_read_as_the_grammar_reads_bytes)
{
    static struct chunk c;
    uint64_t rounds = getenv("FORELINE_LONG") ? 100000 : 2000;
    for (uint64_t seed = 0; seed < rounds; seed++) {
        struct rng r;
        rng_seed(&r, seed);
        make(&c, &r);
        check(&c, COLUMN_BEST);
        check(&c, COLUMN_PORTABLE);
    }
}
END_TEST

/* Mostly an address or a text with marks. */
static uint32_t near_address(char *p, struct rng *r)
{
    static const char *const parts[] = {
        "user", ".",  "@",   "example", "org",  "-",   "a",
        ":",    "//", "+49", "1.2.3.4", "http", "::1", "1",
        "_",    "é",  "!",   " ",       "US",   "(",   "550e8400-e29b-41d4-a716-446655440000"};
    uint32_t n = 0;
    if (rng_below(r, 2))
        n = (uint32_t)snprintf(p, TEXT, "%s%u%s@%s.%s", rng_below(r, 2) ? "user" : "u.v",
                               (unsigned)rng_below(r, 1000), rng_below(r, 3) ? "" : "-",
                               rng_below(r, 2) ? "example" : "a-b",
                               rng_below(r, 2) ? "org" : "co.uk");
    else
        for (uint64_t k = rng_below(r, 8); k > 0; k--) {
            const char *part = parts[rng_below(r, ARRAY_LEN(parts))];
            size_t len = strlen(part);
            if (n + len < TEXT) {
                memcpy(p + n, part, len);
                n += (uint32_t)len;
            }
        }
    if (n > 0 && rng_below(r, 3) == 0)
        p[rng_below(r, n)] = (char)rng_u64(r);
    return n;
}

START_TEST(formats_of_chunks_are_those_of_their_values)
{
    static struct chunk c;
    static struct column_scratch w;
    uint64_t rounds = getenv("FORELINE_LONG") ? 100000 : 1000, emails = 0;
    w.value = c.value;
    for (uint64_t seed = 0; seed < rounds; seed++) {
        struct rng r;
        rng_seed(&r, seed);
        for (uint32_t i = 0; i < COLUMN_CHUNK; i++) {
            for (size_t k = 0; k < sizeof(c.bytes[i]); k++)
                c.bytes[i][k] = "@:.-a"[rng_below(&r, 5)];
            c.value[i] = (struct text){c.bytes[i], near_address(c.bytes[i], &r), 0};
            w.kind[i] = rng_below(&r, 50) ? TYPE_STRING : TYPE_INTEGER;
        }
        column_look(COLUMN_CHUNK, &w, COLUMN_BEST);
        column_formats(COLUMN_CHUNK, &w, COLUMN_BEST);
        for (uint32_t i = 0; i < COLUMN_CHUNK; i++) {
            struct slice t = text_slice(c.value[i]);
            unsigned want = w.kind[i] == TYPE_STRING ? profile_formats(t) : 0;
            emails += want == 1u << FORMAT_EMAIL;
            ck_assert_msg(w.format[i] == want, "'%.*s': formats %x, not %x", (int)t.len, t.p,
                          w.format[i], want);
        }
    }
    ck_assert_uint_gt(emails, rounds * COLUMN_CHUNK / 10);
    ck_assert_str_eq(profile_format_names[FORMAT_EMAIL], "email");
}
END_TEST

/* A hundred thousand columns are to fit: the state of one is small. */
START_TEST(a_column_of_a_very_wide_table_takes_little_memory)
{
    enum { COLUMNS = 50, ROWS = 2000 };
    static struct chunk c;
    static struct column_scratch w;
    static struct column_state states[COLUMNS];
    struct column_sizes sizes;
    struct rng r;
    uint64_t valid[BATCH_WORDS];
    rng_seed(&r, 1);
    memset(valid, 0xff, sizeof(valid));
    column_sizes_init(&sizes, 100000, false, false);
    size_t before = mallinfo2().uordblks;
    for (int k = 0; k < COLUMNS; k++)
        column_state_init(&states[k], &sizes, 1);
    for (int row = 0; row < ROWS; row += COLUMN_CHUNK)
        for (int k = 0; k < COLUMNS; k++) {
            for (uint32_t i = 0; i < COLUMN_CHUNK; i++)
                c.value[i] = (struct text){c.bytes[i], digits(c.bytes[i], 12, &r), 0};
            const struct column col = {.valid = valid, .text = c.value, .text_room = true};
            column_state_add(&states[k], &sizes, &col, COLUMN_CHUNK, NULL, &w);
        }
    size_t each = (mallinfo2().uordblks - before) / COLUMNS;
    ck_assert_msg(each < 20000, "%zu bytes for a column", each);
    for (int k = 0; k < COLUMNS; k++)
        column_state_release(&states[k]);
}
END_TEST

/* Chunks of one kind are what the fast code is for: it must have been there. */
START_TEST(plain_numbers_take_the_fast_way_where_there_is_one)
{
    static struct chunk c;
    static struct column_scratch w;
    static const char *const texts[] = {"12345678", "-3", "0", "7"};
    struct plain p;
    for (uint32_t i = 0; i < 4; i++) {
        memset(c.bytes[i], 'x', TEXT + TEXT_ROOM);
        memcpy(c.bytes[i], texts[i], strlen(texts[i]));
        c.value[i] = (struct text){c.bytes[i], (uint32_t)strlen(texts[i]), 0};
    }
    w.value = c.value;
    w.dense = true;
    column_look(4, &w, COLUMN_BEST);
    ck_assert(column_plain(&w, 4, &p) == column_has_avx2());
    if (column_has_avx2())
        ck_assert(p.kind == TYPE_INTEGER && (int)p.least == -3 && (int)p.most == 12345678);
}
END_TEST

UNIT_MAIN("kinds of values", words_are_read_as_the_grammar_reads_bytes,
          plain_numbers_take_the_fast_way_where_there_is_one,
          formats_of_chunks_are_those_of_their_values,
          a_column_of_a_very_wide_table_takes_little_memory)
