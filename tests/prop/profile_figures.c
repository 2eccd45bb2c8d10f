/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Laws of the figures beside the sketches: the order of values, their lengths and the spellings of
 * null are what a plain look at all values gives, however they fall into chunks and parts. */
#include "profile/figures.h"

#include <math.h>

#include "base/num.h"
#include "base/rng.h"
#include "profile/column.h"
#include "table/value.h"
#include "tests/unit/suite.h"

enum { MOST = 400 };

struct values {
    uint32_t n;
    struct text text[MOST];
    bool numbers; /* all of them */
};

static int tries(int few)
{
    return getenv("FORELINE_LONG") ? few * 20 : few;
}

/* A value by its rank: numbers or texts that order as their ranks do, some of them longer than
 * what is kept, some beyond what a double tells apart. */
static struct text value_of(struct arena *a, unsigned kind, int64_t rank)
{
    char *s;
    switch (kind) {
    case 0:
        s = arena_printf(a, "%lld", (long long)rank);
        break;
    case 1:
        s = arena_printf(a, "%.2f", (double)rank / 4);
        break;
    case 2:
        s = arena_printf(a, "%lld", (long long)(INT64_C(9007199254740992) + rank));
        break;
    case 3:
        s = arena_printf(a, "2026-01-01T%02lld:%02lld:00Z", (long long)(rank / 60 % 24),
                         (long long)(rank % 60));
        break;
    case 4:
        s = arena_printf(a, "%1100s%05lld", "same", (long long)rank);
        break;
    case 5:
        s = arena_strdup(a, profile_spellings[(size_t)rank % SPELLINGS]);
        break;
    default:
        s = arena_printf(a, "key %lld", (long long)rank);
    }
    return (struct text){.p = s, .len = (uint32_t)strlen(s)};
}

static void make(struct arena *a, struct rng *r, struct values *v)
{
    unsigned kind = (unsigned)rng_below(r, 7), shape = (unsigned)rng_below(r, 6);
    int64_t rank = (int64_t)rng_below(r, 100);
    v->n = (uint32_t)rng_below(r, MOST) + 1;
    for (uint32_t i = 0; i < v->n; i++) {
        v->text[i] = value_of(a, kind, shape == 3 ? 1000 - rank : rank);
        rank += shape == 0   ? (int64_t)rng_below(r, 3)
                : shape == 1 ? 0
                : shape == 5 ? (int64_t)rng_below(r, 9) - 4
                             : 1 + (int64_t)rng_below(r, 2);
        rank = rank < 0 ? 0 : rank;
    }
    if (shape == 4 && rng_below(r, 2)) /* one value out of its place */
        v->text[rng_below(r, v->n)] = value_of(a, (unsigned)rng_below(r, 7), 50);
    v->numbers = true;
    for (uint32_t i = 0; i < v->n; i++) {
        union value value;
        v->numbers = v->numbers && type_is_number(value_classify(text_slice(v->text[i]), &value));
    }
}

static void add(struct column_figures *f, const struct values *v, uint32_t from, uint32_t to)
{
    static struct column_scratch w;
    static uint64_t line[COLUMN_CHUNK];
    while (from < to) {
        uint32_t n = to - from < COLUMN_CHUNK ? to - from : COLUMN_CHUNK;
        uint64_t numbers = 0, strings = 0;
        w.value = v->text + from;
        w.dense = true;
        w.len_min = UINT32_MAX;
        w.len_max = 0;
        for (uint32_t i = 0; i < n; i++) {
            struct text t = v->text[from + i];
            union value value;
            enum type type = value_classify(text_slice(t), &value);
            w.kind[i] = (uint8_t)type;
            w.len_min = t.len < w.len_min ? t.len : w.len_min;
            w.len_max = t.len > w.len_max ? t.len : w.len_max;
            w.prefix[i] = 0;
            for (uint32_t b = 0; b < 8; b++)
                w.prefix[i] = w.prefix[i] << 8 | (b < t.len ? (unsigned char)t.p[b] : 0);
            if (type_is_number(type))
                w.number[numbers++] = type == TYPE_INTEGER ? (double)value.i : value.f;
            strings += type == TYPE_STRING;
            line[i] = from + i + 2;
        }
        column_figures_add(f, n, numbers, strings, line, &w);
        from += n;
    }
}

static int compare(const struct values *v, uint32_t i, bool number)
{
    union value a, b;
    if (!number)
        return slice_cmp(text_slice(v->text[i]), text_slice(v->text[i + 1]));
    enum type ta = value_classify(text_slice(v->text[i]), &a);
    enum type tb = value_classify(text_slice(v->text[i + 1]), &b);
    if (ta == TYPE_INTEGER && tb == TYPE_INTEGER)
        return (a.i > b.i) - (a.i < b.i);
    double x = ta == TYPE_INTEGER ? (double)a.i : a.f, y = tb == TYPE_INTEGER ? (double)b.i : b.f;
    return (x > y) - (x < y);
}

/* What a look at every pair of neighbours says. */
static const char *order_of(const struct values *v, bool number)
{
    bool up = false, down = false, tied = false;
    for (uint32_t i = 0; i + 1 < v->n; i++) {
        int c = compare(v, i, number);
        up = up || c < 0;
        down = down || c > 0;
        tied = tied || c == 0;
    }
    return v->n < 2     ? NULL
           : up && down ? "none"
           : up         ? (tied ? "increasing" : "strictly_increasing")
           : down       ? (tied ? "decreasing" : "strictly_decreasing")
                        : "constant";
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static void check_order(const struct column_figures *f, const struct values *v, int seed)
{
    for (int number = 0; number <= (int)v->numbers; number++) {
        const char *got = column_figures_order(f, number, v->n), *want = order_of(v, number);
        bool known = got != NULL || want == NULL;
        ck_assert_msg(!known || same_text(got, want), "seed %d: %s, not %s", seed, got, want);
        /* Only ties of texts that are too long to keep may stay open. */
        ck_assert_msg(known || v->text[0].len > EDGE_MAX || v->text[v->n - 1].len > EDGE_MAX,
                      "seed %d: unknown, not %s", seed, want);
    }
}

static void check_rest(const struct column_figures *f, const struct values *v)
{
    uint32_t least = UINT32_MAX, most = 0;
    uint64_t count[SPELLINGS] = {0}, line[SPELLINGS] = {0};
    for (uint32_t i = 0; i < v->n; i++) {
        struct slice t = text_slice(v->text[i]);
        least = t.len < least ? (uint32_t)t.len : least;
        most = t.len > most ? (uint32_t)t.len : most;
        for (unsigned s = 0; s < SPELLINGS; s++)
            if (slice_is(t, profile_spellings[s]) && count[s]++ == 0)
                line[s] = i + 2;
    }
    ck_assert_msg(f->len_min == least && f->len_max == most, "%u to %u, not %u to %u (n %u)",
                  f->len_min, f->len_max, least, most, v->n);
    for (unsigned s = 0; s < SPELLINGS; s++) {
        ck_assert_uint_eq(f->spelled ? f->spelled->count[s] : 0, count[s]);
        ck_assert_uint_eq(f->spelled ? f->spelled->line[s] : 0, line[s]);
    }
}

START_TEST(figures_are_those_of_a_plain_look_at_all_values)
{
    struct arena a = ARENA_INIT;
    for (int seed = 0; seed < tries(600); seed++) {
        static struct values v;
        struct column_figures f;
        struct rng r;
        rng_seed(&r, (uint64_t)seed);
        make(&a, &r, &v);
        column_figures_init(&f);
        for (uint32_t at = 0; at < v.n;) {
            uint32_t to = at + 1 + (uint32_t)rng_below(&r, v.n - at);
            add(&f, &v, at, to);
            at = to;
        }
        check_order(&f, &v, seed);
        check_rest(&f, &v);
        column_figures_release(&f);
        arena_clear(&a);
    }
    arena_release(&a);
}
END_TEST

START_TEST(merging_parts_in_order_equals_one_pass)
{
    struct arena a = ARENA_INIT;
    for (int seed = 0; seed < tries(600); seed++) {
        static struct values v;
        struct column_figures part[3], f;
        struct rng r;
        rng_seed(&r, (uint64_t)seed);
        make(&a, &r, &v);
        uint32_t x = (uint32_t)rng_below(&r, v.n + 1), y = (uint32_t)rng_below(&r, v.n + 1);
        uint32_t at[4] = {0, x < y ? x : y, x < y ? y : x, v.n};
        column_figures_init(&f);
        for (int i = 0; i < 3; i++) {
            column_figures_init(&part[i]);
            add(&part[i], &v, at[i], at[i + 1]);
        }
        if (seed % 2) { /* (a b) c, or a (b c) */
            column_figures_merge(&part[1], &part[2]);
            column_figures_merge(&part[0], &part[1]);
        } else {
            column_figures_merge(&part[0], &part[1]);
            column_figures_merge(&part[0], &part[2]);
        }
        column_figures_merge(&f, &part[0]);
        check_order(&f, &v, seed);
        check_rest(&f, &v);
        for (int i = 0; i < 3; i++)
            column_figures_release(&part[i]);
        column_figures_release(&f);
        arena_clear(&a);
    }
    arena_release(&a);
}
END_TEST

START_TEST(parts_without_an_order_commute_and_claim_nothing_wrong)
{
    struct arena a = ARENA_INIT;
    for (int seed = 0; seed < tries(600); seed++) {
        static struct values v;
        struct column_figures one, two, back[2];
        struct rng r;
        rng_seed(&r, (uint64_t)seed);
        make(&a, &r, &v);
        uint32_t cut = (uint32_t)rng_below(&r, v.n + 1);
        for (int i = 0; i < 2; i++) {
            struct column_figures *to = i == 0 ? &one : &two;
            column_figures_init(to);
            column_figures_init(&back[i]);
            add(to, &v, 0, cut);
            add(&back[i], &v, cut, v.n);
            to->apart = back[i].apart = true;
        }
        column_figures_merge(&one, &back[0]);
        column_figures_merge(&back[1], &two);
        for (int number = 0; number <= (int)v.numbers; number++) {
            const char *ab = column_figures_order(&one, number, v.n);
            ck_assert(same_text(ab, column_figures_order(&back[1], number, v.n)));
            ck_assert(ab == NULL || cut == 0 || cut == v.n || strcmp(ab, "none") == 0);
            if (ab != NULL && strcmp(ab, "none") == 0)
                ck_assert_str_eq(order_of(&v, number), "none");
        }
        check_rest(&one, &v);
        column_figures_release(&one);
        column_figures_release(&two);
        column_figures_release(&back[0]);
        column_figures_release(&back[1]);
        arena_clear(&a);
    }
    arena_release(&a);
}
END_TEST

UNIT_MAIN("figures laws", figures_are_those_of_a_plain_look_at_all_values,
          merging_parts_in_order_equals_one_pass,
          parts_without_an_order_commute_and_claim_nothing_wrong)
