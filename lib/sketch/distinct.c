/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The exact set and the registers. Not for bytes: callers hash. */
#include "sketch/distinct.h"

#include <math.h>

#define SET_MIN 16
/* Registers are asked for this many values early. */
#define AHEAD 12
/* And looked at side by side. */
#define PART 256

void distinct_init(struct distinct *d, unsigned p)
{
    *d = (struct distinct){.p = (uint8_t)p};
    if (p < DISTINCT_P_MIN || p > DISTINCT_P_MAX)
        BUG("p = %u", p);
}

void distinct_release(struct distinct *d)
{
    free(d->set);
    free(d->regs);
    unsigned p = d->p;
    distinct_init(d, p);
}

static inline size_t slot_of(const struct distinct *d, uint64_t e)
{
    return (size_t)(e >> 6) & (((size_t)1 << d->p) - 1);
}

static inline void reg_add(struct distinct *d, uint64_t e)
{
    size_t i = slot_of(d, e);
    uint8_t rank = (uint8_t)(e & 63);
    if (rank > d->regs[i])
        d->regs[i] = rank;
}

/* Ranks are nearly all the same: they do not choose the place. */
static inline uint32_t place_of(uint32_t cap, uint64_t e)
{
    return (uint32_t)(e >> 6) & (cap - 1);
}

static void set_put(uint64_t *set, uint32_t cap, uint64_t e)
{
    uint32_t i = place_of(cap, e);
    while (set[i] != 0)
        i = (i + 1) & (cap - 1);
    set[i] = e;
}

static void set_grow(struct distinct *d)
{
    uint32_t cap = d->cap ? d->cap * 2 : SET_MIN;
    uint64_t *set = xcalloc(cap, sizeof(*set));
    for (uint32_t i = 0; i < d->cap; i++)
        if (d->set[i] != 0)
            set_put(set, cap, d->set[i]);
    free(d->set);
    d->set = set;
    d->cap = cap;
}

void distinct_to_registers(struct distinct *d)
{
    if (d->regs != NULL)
        return;
    d->regs = xcalloc((size_t)1 << d->p, 1);
    for (uint32_t i = 0; i < d->cap; i++)
        if (d->set[i] != 0)
            reg_add(d, d->set[i]);
    free(d->set);
    d->set = NULL;
    d->n = d->cap = 0;
}

/* Into the exact set; false when that is full, and nothing was taken. */
static bool set_add(struct distinct *d, uint64_t e)
{
    if (d->cap > 0) {
        uint32_t i = place_of(d->cap, e);
        while (d->set[i] != 0) {
            if (d->set[i] == e)
                return true;
            i = (i + 1) & (d->cap - 1);
        }
    }
    if (d->n >= distinct_exact_max(d->p))
        return false;
    if (d->n >= d->cap / 2)
        set_grow(d);
    set_put(d->set, d->cap, e);
    d->n++;
    return true;
}

/* Registers only rise, so a floor stays one until it is looked up again. */
static void find_floor(struct distinct *d)
{
    uint8_t least = DISTINCT_RANK_MAX;
    for (size_t i = 0; i < (size_t)1 << d->p; i++)
        least = d->regs[i] < least ? d->regs[i] : least;
    d->floor = least;
    d->since = 0;
}

static void regs_raise(struct distinct *d, const uint64_t *elements, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (i + AHEAD < n)
            __builtin_prefetch(&d->regs[slot_of(d, elements[i + AHEAD])], 1);
        reg_add(d, elements[i]);
    }
}

/* Of many values most ranks are below every register: those need no look at one. */
static void regs_add(struct distinct *d, const uint64_t *elements, size_t n)
{
    uint64_t above[PART];
    d->since += (uint32_t)n;
    if (d->since >> d->p > 0)
        find_floor(d);
    if (d->floor == 0) {
        regs_raise(d, elements, n);
        return;
    }
    for (size_t at = 0; at < n; at += PART) {
        size_t m = n - at < PART ? n - at : PART, k = 0;
        for (size_t i = 0; i < m; i++) {
            above[k] = elements[at + i];
            k += (elements[at + i] & 63) > d->floor;
        }
        regs_raise(d, above, k);
    }
}

void distinct_add(struct distinct *d, const uint64_t *elements, size_t n)
{
    size_t i = 0;
    if (d->regs == NULL) {
        for (; i < n && set_add(d, elements[i]); i++)
            ;
        if (i == n)
            return;
        distinct_to_registers(d);
    }
    regs_add(d, elements + i, n - i);
}

/* The lowest bits choose the register, so those of a smaller p are each the largest of several. */
static void max_into(struct distinct *d, const uint8_t *regs, unsigned p)
{
    size_t mask = ((size_t)1 << d->p) - 1;
    for (size_t i = 0; i < (size_t)1 << p; i++)
        if (regs[i] > d->regs[i & mask])
            d->regs[i & mask] = regs[i];
}

void distinct_fold(struct distinct *d, unsigned p)
{
    if (p < DISTINCT_P_MIN || p > d->p)
        BUG("p = %u of %u", p, d->p);
    uint8_t *regs = d->regs;
    unsigned had = d->p;
    d->p = (uint8_t)p;
    if (regs == NULL && d->n > distinct_exact_max(p))
        distinct_to_registers(d);
    if (regs == NULL || p == had)
        return;
    d->regs = xcalloc((size_t)1 << p, 1);
    max_into(d, regs, had);
    free(regs);
}

void distinct_merge(struct distinct *d, const struct distinct *other)
{
    distinct_fold(d, other->p < d->p ? other->p : d->p);
    if (other->regs != NULL) {
        distinct_to_registers(d);
        max_into(d, other->regs, other->p);
        return;
    }
    for (uint32_t i = 0; i < other->cap; i++)
        if (other->set[i] != 0)
            distinct_add(d, &other->set[i], 1);
}

bool distinct_is_exact(const struct distinct *d)
{
    return d->regs == NULL;
}

/* Ertl 2017, eq. 15: x + sum x^(2^k) 2^(k-1). */
static double sigma(double x)
{
    if (x >= 1)
        return (double)INFINITY;
    double z = x, last, y = 1;
    do {
        x *= x;
        last = z;
        z += x * y;
        y += y;
    } while (z != last);
    return z;
}

/* Ertl 2017, eq. 16: (1 - x - sum (1 - x^(2^-k))^2 2^-k) / 3. */
static double tau(double x)
{
    if (x <= 0 || x >= 1)
        return 0;
    double z = 1 - x, last, y = 1;
    do {
        x = sqrt(x);
        last = z;
        y *= 0.5;
        z -= (1 - x) * (1 - x) * y;
    } while (z != last);
    return z / 3;
}

double distinct_estimate(const struct distinct *d)
{
    if (d->regs == NULL)
        return d->n;
    uint32_t counts[DISTINCT_RANK_MAX + 1] = {0};
    size_t m = (size_t)1 << d->p;
    for (size_t i = 0; i < m; i++)
        counts[d->regs[i]]++;
    const unsigned q = DISTINCT_RANK_MAX - 1;
    double md = (double)m;
    double z = md * tau(1 - counts[q + 1] / md);
    for (unsigned k = q; k >= 1; k--)
        z = 0.5 * (z + counts[k]);
    z += md * sigma(counts[0] / md);
    return md * md / (2 * 0.69314718055994530942 * z); /* alpha of infinitely many registers */
}

double distinct_error(const struct distinct *d)
{
    if (d->regs == NULL)
        return 0;
    /* sqrt(3 ln 2 - 1): Flajolet & al. 2007, theorem 1, for many registers. */
    return 1.03896 / sqrt((double)((size_t)1 << d->p)) * distinct_estimate(d);
}
