/* SPDX-License-Identifier: GPL-3.0-or-later */
/* schema_evolution_probability is calibrated: forecasts before each sighting of seeded histories,
 * scored by Brier 1950 ("Verification of forecasts expressed in terms of probability"), beside the
 * constant forecast of the base rate (climatology) and "as last time".
 *
 * The fleet. Per hundred datasets: 42 are hardly ever changed (rates of 1 in 1,000 to 1 in 50, log
 * uniform); 20 belong to programs with releases every 10 to 40 arrivals, give or take a fifth, of
 * which seven in ten change the schema; 18 change in bursts: a change, rarely, is followed by
 * further ones at half of the arrivals, for 6 arrivals in the mean; 10 change nearly every time (90
 * to 99 of 100: columns that are dates, pivots); 10 flap between types because a column is
 * sometimes empty or whole (2 to 12 of 100). One in ten datasets becomes another kind midway. They
 * arrive hourly, daily or weekly, not on the dot, and have been seen between 3 and 150 times, log
 * uniform. None of the kinds is a model that the forecast has. */
#include <math.h>

#include "base/instant.h"
#include "base/rng.h"
#include "profile/evolution.h"
#include "tests/unit/suite.h"

enum { SEEN_MAX = 151, DATASETS = 400, BINS = 10, FIRST_FEW = 10 };
enum kind { RIGID, RELEASES, BURSTS, EVER, FLAPPING };

struct maker {
    enum kind kind;
    double rate, gap; /* arrivals between releases */
    double until;     /* arrivals to the next release */
    bool burst;
};

static double between(struct rng *r, double lo, double hi)
{
    return lo + (hi - lo) * rng_unit(r);
}

static double log_between(struct rng *r, double lo, double hi)
{
    return exp(between(r, log(lo), log(hi)));
}

static void maker_init(struct maker *m, struct rng *r)
{
    double u = rng_unit(r);
    *m = (struct maker){.kind = u < 0.42   ? RIGID
                                : u < 0.62 ? RELEASES
                                : u < 0.80 ? BURSTS
                                : u < 0.90 ? EVER
                                           : FLAPPING};
    m->gap = between(r, 10, 40);
    m->until = m->gap * rng_unit(r);
    switch (m->kind) {
    case RIGID:
        m->rate = log_between(r, 0.001, 0.02);
        break;
    case BURSTS:
        m->rate = log_between(r, 0.005, 0.03);
        break;
    case EVER:
        m->rate = between(r, 0.90, 0.99);
        break;
    case FLAPPING:
        m->rate = between(r, 0.02, 0.12);
        break;
    case RELEASES:
        break;
    }
}

static bool next_changes(struct maker *m, struct rng *r)
{
    if (m->kind == RELEASES) {
        if (--m->until > 0)
            return false;
        m->until += m->gap * between(r, 0.8, 1.2);
        return rng_unit(r) < 0.7;
    }
    if (m->kind == BURSTS && m->burst) {
        m->burst = rng_unit(r) >= 1.0 / 6;
        return rng_unit(r) < 0.5;
    }
    bool change = rng_unit(r) < m->rate;
    m->burst = change;
    return change;
}

/* Returns how many; *ever: it changes nearly every time. */
static size_t make_history(struct evolution_sighting *s, struct rng *r, bool *ever)
{
    static const double spacing[] = {3600, 86400, 7 * 86400};
    struct maker m;
    maker_init(&m, r);
    size_t n = (size_t)log_between(r, 3, SEEN_MAX), turn = SEEN_MAX;
    double step = spacing[rng_below(r, 3)], at = 1.7e9;
    if (rng_below(r, 10) == 0)
        turn = n / 2;
    for (size_t i = 0; i < n; i++) {
        if (i == turn)
            maker_init(&m, r);
        at += step * between(r, 0.7, 1.3);
        s[i] = (struct evolution_sighting){(int64_t)(at * 1e6), next_changes(&m, r)};
    }
    *ever = m.kind == EVER;
    return n;
}

struct score {
    double n, changes, ours, last, young, young_n;
    double hard, hard_changes, hard_n; /* without those that change nearly every time */
    double bin_n[BINS], bin_p[BINS], bin_changes[BINS];
};

static void score_fleet(struct score *sc, uint64_t seed)
{
    static struct evolution_sighting s[SEEN_MAX];
    struct rng r;
    rng_seed(&r, seed);
    for (int d = 0; d < DATASETS; d++) {
        bool ever;
        size_t n = make_history(s, &r, &ever);
        for (size_t seen = 2; seen < n; seen++) {
            double p = evolution_next(s, seen), y = s[seen].changed;
            double err = (p - y) * (p - y), before = s[seen - 1].changed;
            ck_assert(p >= 0 && p <= 1);
            sc->n++;
            sc->changes += y;
            sc->ours += err;
            sc->last += (before - y) * (before - y);
            if (seen <= FIRST_FEW) {
                sc->young += err;
                sc->young_n++;
            }
            if (!ever) {
                sc->hard += err;
                sc->hard_changes += y;
                sc->hard_n++;
            }
            int bin = p < 1 ? (int)(p * BINS) : BINS - 1;
            sc->bin_n[bin]++;
            sc->bin_p[bin] += p;
            sc->bin_changes[bin] += y;
        }
    }
}

START_TEST(forecasts_of_schema_changes_are_calibrated)
{
    struct score sc = {0};
    int fleets = getenv("FORELINE_LONG") ? 100 : 3;
    const char *from = getenv("FORELINE_SEED");
    uint64_t seed = from ? strtoull(from, NULL, 10) : 1;
    for (int i = 0; i < fleets; i++)
        score_fleet(&sc, seed + (uint64_t)i);
    double base = sc.changes / sc.n, brier = sc.ours / sc.n, climate = base * (1 - base), off = 0;
    printf("# %.0f forecasts, base rate %.4f\n", sc.n, base);
    printf("# Brier score %.4f; constant base rate %.4f; as last time %.4f; first %d sightings "
           "%.4f\n",
           brier, climate, sc.last / sc.n, FIRST_FEW, sc.young / sc.young_n);
    double hard = sc.hard_changes / sc.hard_n;
    printf("# without datasets that change nearly every time: %.4f, base rate %.4f, constant "
           "%.4f\n",
           sc.hard / sc.hard_n, hard, hard * (1 - hard));
    for (int b = 0; b < BINS; b++) {
        if (sc.bin_n[b] == 0)
            continue;
        double p = sc.bin_p[b] / sc.bin_n[b], y = sc.bin_changes[b] / sc.bin_n[b];
        printf("# forecast %.1f to %.1f: %.0f, mean %.3f, happened %.3f\n", b / (double)BINS,
               (b + 1) / (double)BINS, sc.bin_n[b], p, y);
        off += fabs(p - y) * sc.bin_n[b] / sc.n;
    }
    printf("# expected calibration error %.4f\n", off);
    ck_assert_double_ge(base, 0.05);
    ck_assert_double_le(brier, 0.05);
    ck_assert_double_lt(brier, sc.last / sc.n);
    ck_assert_double_lt(brier, climate / 2);
    ck_assert_double_le(off, 0.02);
}
END_TEST

static void fill(struct evolution_sighting *s, size_t n, int every)
{
    for (size_t i = 0; i < n; i++)
        s[i] = (struct evolution_sighting){(int64_t)i * 86400 * US_PER_S,
                                           every > 0 && i % (size_t)every == 0};
}

START_TEST(what_was_seen_moves_the_forecast)
{
    struct evolution_sighting s[100] = {{0}}, t[100];
    ck_assert(isnan(evolution_next(s, 0)));
    fill(s, 100, 0);
    /* Ever more sightings without a change: ever less likely. */
    for (size_t n = 2; n < 100; n++)
        ck_assert_double_le(evolution_next(s, n), evolution_next(s, n - 1));
    /* A change makes further ones likely, the more the nearer it is. */
    memcpy(t, s, sizeof(s));
    t[99].changed = true;
    ck_assert_double_gt(evolution_next(t, 100), 5 * evolution_next(s, 100));
    t[99].changed = false;
    t[80].changed = true;
    ck_assert_double_gt(evolution_next(t, 100), evolution_next(s, 100));
    t[80].changed = false;
    t[99].changed = true;
    ck_assert_double_gt(evolution_next(t, 100), 0.05);
    /* A rhythm is found: releases every 20 days. */
    fill(s, 100, 20);
    ck_assert_double_gt(evolution_next(s, 100), 2 * evolution_next(s, 95));
    fill(s, 100, 1);
    ck_assert_double_gt(evolution_next(s, 100), 0.95);
}
END_TEST

UNIT_MAIN("schema evolution", forecasts_of_schema_changes_are_calibrated,
          what_was_seen_moves_the_forecast)
