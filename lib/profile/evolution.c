/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Schema changes: what is known of them, and of datasets in general, as a forecast. */
#include "profile/evolution.h"

#include <math.h>

#include "base/instant.h"

/* Names as records write them: bytes that are not UTF-8 are replaced. */
static bool same_name(struct slice stored, const char *name)
{
    struct buf a = BUF_INIT(BUF_UNBOUNDED), b = BUF_INIT(BUF_UNBOUNDED);
    json_quote(&a, stored);
    json_quote(&b, slice_str(name));
    bool same = slice_eq(buf_slice(&a), buf_slice(&b));
    buf_release(&a);
    buf_release(&b);
    return same;
}

/* Has the profile other columns or types than [{"name":…,"type":…}]? */
static bool differs(const char *columns, const struct rec_profile *p)
{
    struct arena mem = ARENA_INIT;
    struct json *v = NULL;
    bool same = json_parse(&mem, slice_str(columns ? columns : ""), 0, &v, NULL) &&
                json_is(v, JSON_ARRAY) && json_len(v) == p->ncolumns;
    for (uint32_t i = 0; same && i < p->ncolumns; i++) {
        const struct json *c = json_at(v, i), *name = json_get(c, "name");
        same = json_is(name, JSON_STRING) && same_name(name->u.s, p->columns[i].name) &&
               strcmp(json_str(c, "type", ""), type_name(p->columns[i].type)) == 0;
    }
    arena_release(&mem);
    return !same;
}

/* -- the rates -- */

/* Rates of change, and the share of datasets that have them. Shares, renewal and trust below are
 * those with the least Brier score on histories of tests/prop/evolution.c with other seeds than the
 * test has. */
#define RATES 10
static const double rates[RATES] = {0.001, 0.005, 0.02, 0.06, 0.15, 0.35, 0.6, 0.85, 0.95, 0.995};
static const double shares[RATES] = {0.29, 0.29, 0.17, 0.08, 0.03, 0.02, 0.03, 0.02, 0.05, 0.02};
/* The rate is drawn anew with RENEWAL at each sighting, and by time with this half-life. */
#define RENEWAL 0.01
#define RENEWAL_HALF_LIFE_US (365 * 86400 * (double)US_PER_S)

struct coin {
    double weight[RATES]; /* of each rate, given what was seen; their sum is 1 */
};

static void coin_init(struct coin *c)
{
    memcpy(c->weight, shares, sizeof(shares));
}

static double coin_forecast(const struct coin *c)
{
    double p = 0;
    for (size_t i = 0; i < RATES; i++)
        p += c->weight[i] * rates[i];
    return p;
}

static void coin_wait(struct coin *c, double gap_us)
{
    double anew = 1 - (1 - RENEWAL) * exp2(-gap_us / RENEWAL_HALF_LIFE_US);
    for (size_t i = 0; i < RATES; i++)
        c->weight[i] = (1 - anew) * c->weight[i] + anew * shares[i];
}

static void coin_see(struct coin *c, bool changed)
{
    double all = 0;
    for (size_t i = 0; i < RATES; i++) {
        c->weight[i] *= changed ? rates[i] : 1 - rates[i];
        all += c->weight[i];
    }
    for (size_t i = 0; i < RATES; i++)
        c->weight[i] /= all;
}

/* -- the clock of releases -- */

/* Gaps between changes that are remembered. */
#define GAPS 16
/* A change is due within this share of the usual gap, before and after it. */
#define GAP_SLACK 0.15

struct rhythm {
    double gaps[GAPS]; /* the last ones, in a ring */
    size_t n;
    int64_t changed_us, seen_us;  /* the last change and sighting */
    double hit, due, stray, idle; /* changes and sightings, when due and when not */
};

static void rhythm_init(struct rhythm *r, int64_t first_us)
{
    *r = (struct rhythm){.seen_us = first_us, .changed_us = INT64_MIN};
    /* As if seen: one of two when due, few when not. */
    r->hit = 1;
    r->due = 2;
    r->stray = 0.1;
    r->idle = 5;
}

static double usual_gap(const struct rhythm *r)
{
    double sorted[GAPS];
    size_t n = r->n < GAPS ? r->n : GAPS;
    memcpy(sorted, r->gaps, sizeof(sorted));
    for (size_t i = 1; i < n; i++)
        for (size_t k = i; k > 0 && sorted[k - 1] > sorted[k]; k--) {
            double d = sorted[k];
            sorted[k] = sorted[k - 1];
            sorted[k - 1] = d;
        }
    return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

/* Does the usual time of a change lie between the last sighting and this one, or nearly? */
static bool is_due(const struct rhythm *r, int64_t at_us)
{
    if (r->n == 0)
        return false;
    double gap = usual_gap(r), slack = GAP_SLACK * gap;
    double before = (double)(r->seen_us - r->changed_us), now = (double)(at_us - r->changed_us);
    return now > gap - slack && before < gap + slack;
}

static double rhythm_forecast(const struct rhythm *r, int64_t at_us)
{
    return is_due(r, at_us) ? r->hit / r->due : r->stray / r->idle;
}

static void rhythm_see(struct rhythm *r, int64_t at_us, bool changed)
{
    if (is_due(r, at_us)) {
        r->hit += changed;
        r->due++;
    } else {
        r->stray += changed;
        r->idle++;
    }
    if (changed && r->changed_us != INT64_MIN)
        r->gaps[r->n++ % GAPS] = (double)(at_us - r->changed_us);
    if (changed)
        r->changed_us = at_us;
    r->seen_us = at_us;
}

/* -- both -- */

/* Share of the second expert at the beginning, and what of it comes back at each sighting. */
#define RHYTHM_TRUST 0.1
#define TRUST_RENEWAL 0.01

static double usual_wait(const struct evolution_sighting *s, size_t n)
{
    /* Of the last few: arrivals may have become more or less frequent. */
    size_t k = n - 1 < GAPS ? n - 1 : GAPS;
    return k == 0 ? 0 : (double)(s[n - 1].at_us - s[n - 1 - k].at_us) / (double)k;
}

double evolution_next(const struct evolution_sighting *s, size_t n)
{
    struct coin coin;
    struct rhythm rhythm;
    double trust = RHYTHM_TRUST;
    if (n == 0)
        return (double)NAN;
    coin_init(&coin);
    rhythm_init(&rhythm, s[0].at_us);
    for (size_t i = 1; i < n; i++) {
        double gap = (double)(s[i].at_us - s[i - 1].at_us);
        coin_wait(&coin, gap > 0 ? gap : 0);
        double a = coin_forecast(&coin), b = rhythm_forecast(&rhythm, s[i].at_us);
        double like_a = s[i].changed ? a : 1 - a, like_b = s[i].changed ? b : 1 - b;
        trust = trust * like_b / (trust * like_b + (1 - trust) * like_a);
        trust = (1 - TRUST_RENEWAL) * trust + TRUST_RENEWAL * RHYTHM_TRUST;
        coin_see(&coin, s[i].changed);
        rhythm_see(&rhythm, s[i].at_us, s[i].changed);
    }
    double wait = usual_wait(s, n);
    wait = wait > 0 ? wait : 0;
    coin_wait(&coin, wait);
    int64_t next = s[n - 1].at_us + (int64_t)wait;
    return trust * rhythm_forecast(&rhythm, next) + (1 - trust) * coin_forecast(&coin);
}

double profile_evolution(const struct store_schema *history, size_t n, const struct rec_profile *p,
                         int64_t now_us)
{
    if (n == 0)
        return (double)NAN;
    struct evolution_sighting *s = xcalloc(n + 1, sizeof(*s));
    for (size_t i = 0; i < n; i++) {
        s[i].changed = history[i].changed;
        if (!instant_parse(slice_str(history[i].at), &s[i].at_us))
            s[i].at_us = i > 0 ? s[i - 1].at_us : now_us;
    }
    s[n] = (struct evolution_sighting){now_us, differs(history[n - 1].columns, p)};
    double next = evolution_next(s, n + 1);
    free(s);
    return next;
}
