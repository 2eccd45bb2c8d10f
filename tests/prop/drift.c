/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The law of drift: over seeded pairs of windows of 1 M rows a null rate that moved by 1 % and a
 * mean that moved by 0.1 standard deviations are found in 99 % of the pairs or more, and pairs of
 * which nothing moved give an alarm in 1 % or less; nor do small, skewed and discrete samples.
 * FORELINE_LONG=1 runs 1,000 pairs; the rates are printed as diagnostics. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/rng.h"
#include "profile/drift.h"
#include "profile/state.h"
#include "tests/unit/suite.h"

#define WINDOW 1000000
enum { COLUMNS = 3 }; /* x numbers, s strings, k codes in integers */

static unsigned pairs(unsigned quick)
{
    return getenv("FORELINE_LONG") ? 1000 : quick;
}

/* The pairs of a million rows run in so many cases, as each has a limit of time. */
#define SHARES 10

enum shape { NORMAL, UNIFORM, LOGNORMAL, CAUCHY, FEW, SHAPES };

static double draw(struct rng *r, enum shape shape)
{
    switch (shape) {
    case NORMAL:
        return rng_normal(r);
    case UNIFORM:
        return rng_unit(r);
    case LOGNORMAL:
        return exp(2 * rng_normal(r));
    case CAUCHY:
        return rng_normal(r) / (fabs(rng_normal(r)) + 1e-9);
    case FEW:
        return (double)rng_below(r, 3) + (rng_below(r, 20) == 0 ? 7 : 0);
    case SHAPES:
        break;
    }
    return 0;
}

struct what {
    uint64_t rows;
    enum shape shape;
    double shift; /* added to every number */
    double nulls; /* rate, of every column */
    uint32_t words;
    double tilt; /* the first word has this much more of the share */
};

static void add_numbers(struct column_state *c, const struct column_sizes *s, struct rng *r,
                        const struct what *w, bool whole)
{
    enum { CHUNK = 1024 };
    double x[CHUNK];
    if (c->kll == NULL) {
        c->kll = xmalloc(sizeof(*c->kll));
        kll_init(c->kll, s->kll_k, c->seed);
        c->tails = xmalloc(sizeof(*c->tails));
        tails_init(c->tails);
    }
    for (uint64_t left = w->rows; left > 0;) {
        size_t n = 0, take = left < CHUNK ? left : CHUNK;
        for (size_t i = 0; i < take; i++) {
            if (w->nulls > 0 && rng_unit(r) < w->nulls)
                c->nulls++;
            else
                x[n++] = whole ? (double)rng_below(r, 40) : draw(r, w->shape) + w->shift;
        }
        moments_add(&c->moments, x, n);
        kll_add(c->kll, x, n);
        c->values += n;
        left -= take;
    }
    c->kinds[whole ? TYPE_INTEGER : TYPE_FLOAT] = c->values;
    c->float_min = 0;
    c->float_max = 40;
    c->int_min = 0;
    c->int_max = 40;
}

static void add_words(struct column_state *c, struct rng *r, const struct what *w)
{
    for (uint64_t i = 0; i < w->rows; i++) {
        if (w->nulls > 0 && rng_unit(r) < w->nulls) {
            c->nulls++;
            continue;
        }
        uint64_t v = rng_unit(r) < w->tilt ? 0 : rng_below(r, w->words), h = hash_u64(v, 1);
        char text[24];
        int n = snprintf(text, sizeof(text), "w%llu", (unsigned long long)v);
        frequent_add(&c->frequent, h, slice_of(text, (size_t)n), 1);
        c->values++;
    }
    c->kinds[TYPE_STRING] = c->values;
}

/* Sketch by sketch, as no text is needed. `only`: of the three columns only the first. */
static struct profile *make(const struct what *w, uint64_t seed, bool only)
{
    struct field fields[COLUMNS] = {{(char[]){"x"}, TYPE_STRING, true},
                                    {(char[]){"s"}, TYPE_STRING, true},
                                    {(char[]){"k"}, TYPE_STRING, true}};
    struct schema s = {fields, only ? 1 : COLUMNS};
    struct profile_opts o = {.sample_rate = 1, .seed = seed};
    struct profile *p = profile_new(&s, false, &o);
    struct rng r;
    rng_seed(&r, seed);
    p->delivered = p->profiled = w->rows;
    add_numbers(&p->columns[0], &p->sizes, &r, w, false);
    if (!only) {
        add_words(&p->columns[1], &r, w);
        add_numbers(&p->columns[2], &p->sizes, &r, w, true);
    }
    return p;
}

static bool by_state = true; /* else by the record alone */

static bool alarm(struct profile *base, struct profile *now)
{
    struct arena a = ARENA_INIT;
    struct rec_profile rb, rn;
    struct rec_drift d;
    bool any = false;
    profile_finish(base, &a, 1, &rb);
    profile_finish(now, &a, 1, &rn);
    profile_drift(&(struct drift_base){by_state ? base : NULL, &rb}, now, &rn, DRIFT_EFFECT, &a,
                  &d);
    for (uint32_t i = 0; i < d.ncolumns; i++)
        any = any || rec_drift_column_drifted(&d.columns[i]);
    arena_release(&a);
    return any;
}

static unsigned alarms(const struct what *base, const struct what *now, unsigned n, uint64_t seed)
{
    unsigned count = 0;
    bool only = base->words == 0;
    for (unsigned i = 0; i < n; i++) {
        struct profile *a = make(base, seed + 2 * i, only);
        struct profile *b = make(now, seed + 2 * i + 1, only);
        count += alarm(a, b);
        profile_free(a);
        profile_free(b);
    }
    return count;
}

static void say(const char *what, unsigned count, unsigned n)
{
    printf("# %s: %u of %u pairs (%.2f %%)\n", what, count, n, 100.0 * count / n);
    fflush(stdout);
}

START_TEST(small_shifts_in_windows_of_a_million_rows_are_found_and_no_shift_is_not)
{
    const struct what still = {.rows = WINDOW, .shape = NORMAL, .nulls = 0.05};
    struct what mean = still, nulls = still;
    mean.shift = 0.1;
    nulls.nulls = 0.06;
    unsigned n = pairs(SHARES) / SHARES, none = 0, found_mean = 0, found_nulls = 0;
    for (unsigned k = 0; k < n; k++) {
        unsigned i = n * (unsigned)_i + k;
        struct profile *base = make(&still, 4 * i + 1, true);
        struct profile *same = make(&still, 4 * i + 2, true);
        struct profile *moved = make(&mean, 4 * i + 3, true);
        struct profile *fewer = make(&nulls, 4 * i + 4, true);
        none += alarm(base, same);
        found_mean += alarm(base, moved);
        found_nulls += alarm(base, fewer);
        profile_free(base);
        profile_free(same);
        profile_free(moved);
        profile_free(fewer);
    }
    say("1 M rows, nothing moved: alarms", none, n);
    say("1 M rows, mean moved by 0.1 sigma: found", found_mean, n);
    say("1 M rows, null rate moved by 0.01: found", found_nulls, n);
    ck_assert_uint_le(none * 100, n);
    ck_assert_uint_ge(found_mean * 100, n * 99);
    ck_assert_uint_ge(found_nulls * 100, n * 99);
}
END_TEST

/* Three columns; whatever the shape and the sizes. */
START_TEST(unchanged_samples_of_any_shape_and_sizes_give_no_alarm)
{
    static const char *const names[SHAPES] = {"normal", "uniform", "lognormal", "Cauchy", "few"};
    static const uint64_t sizes[][2] = {
        {300, 300}, {300, 20000}, {20000, 300}, {9, 40}, {20000, 20000}};
    unsigned all = 0, n = pairs(12), shape = (unsigned)_i;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
        for (int state = 0; state < 2; state++) {
            const struct what base = {sizes[i][0], (enum shape)shape, 0, 0.02, 200, 0.1};
            struct what now = base;
            char name[80];
            now.rows = sizes[i][1];
            by_state = state;
            unsigned count = alarms(&base, &now, n, 1000000 * (shape + 1) + 10000 * i);
            by_state = true;
            snprintf(name, sizeof(name), "%s, %llu and %llu rows%s: alarms", names[shape],
                     (unsigned long long)base.rows, (unsigned long long)now.rows,
                     state ? "" : ", by the record");
            if (count > 0)
                say(name, count, n);
            all += count;
            /* One in a hundred, and three standard deviations of such a count. */
            ck_assert_uint_le(count, n / 100 + 3 * (unsigned)ceil(sqrt(n / 100.0)));
        }
    say("unchanged, all sizes: alarms", all, n * 2 * ARRAY_LEN(sizes));
    ck_assert_uint_le(all * 100, n * 2 * (unsigned)ARRAY_LEN(sizes));
}
END_TEST

START_TEST(a_word_that_takes_a_share_of_others_is_found)
{
    const struct what base = {50000, NORMAL, 0, 0.02, 30, 0};
    struct what now = base;
    now.tilt = 0.05;
    unsigned n = pairs(6), found = alarms(&base, &now, n, 77);
    say("50,000 rows, one of 30 words has 8 % and not 3 %: found", found, n);
    ck_assert_uint_ge(found * 100, n * 99);
}
END_TEST

START_TEST(heavy_tails_that_move_are_found_by_rank)
{
    const struct what base = {50000, CAUCHY, 0, 0, 0, 0};
    struct what now = base;
    now.shift = 0.3;
    unsigned n = pairs(6), found = alarms(&base, &now, n, 99);
    say("50,000 rows of a Cauchy distribution moved by 0.3: found", found, n);
    ck_assert_uint_ge(found * 100, n * 99);
}
END_TEST

static void none(void)
{
}

UNIT_MAIN_WITH("drift laws", none, none,
               {small_shifts_in_windows_of_a_million_rows_are_found_and_no_shift_is_not,
                getenv("FORELINE_LONG") ? SHARES : 2},
               {unchanged_samples_of_any_shape_and_sizes_give_no_alarm, SHAPES},
               {a_word_that_takes_a_share_of_others_is_found, 0},
               {heavy_tails_that_move_are_found_by_rank, 0})
