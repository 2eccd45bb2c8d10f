/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Exact sums. See exact.h. */
#include "engine/exact.h"

#include <math.h>

#define HUGE_FROM 0x1p900
#define HUGE_SCALE 0x1p-200

void exact_pool_init(struct exact_pool *p, struct mem_account *acct)
{
    *p = (struct exact_pool){.acct = acct};
}

void exact_pool_release(struct exact_pool *p)
{
    mem_release(p->acct, p->wide, p->cap * sizeof(*p->wide));
    *p = (struct exact_pool){.acct = p->acct};
}

/* Adds x to the n components at `part` (room for n + 1); gives the new count. Each step is Knuth's
 * two-sum in the form of Dekker, whose condition |x| >= |y| the swap ensures. */
static uint32_t expansion_add(double *part, uint32_t n, double x)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++) {
        double y = part[i];
        if (fabs(x) < fabs(y)) {
            double t = x;
            x = y;
            y = t;
        }
        double hi = x + y;
        double lo = y - (hi - x);
        if (lo != 0)
            part[kept++] = lo;
        x = hi;
    }
    if (x != 0)
        part[kept++] = x;
    return kept;
}

/* The same value in as few components as it takes (Shewchuk 1997, figure 15). */
static uint32_t expansion_compress(double *part, uint32_t n)
{
    if (n == 0)
        return 0;
    uint32_t bottom = n - 1, top = 0;
    double big = part[n - 1];
    for (uint32_t i = n - 1; i-- > 0;) {
        double hi = big + part[i];
        double lo = part[i] - (hi - big);
        big = hi;
        if (lo != 0) {
            part[bottom--] = hi;
            big = lo;
        }
    }
    part[bottom] = big;
    for (uint32_t i = bottom + 1; i < n; i++) {
        double hi = part[i] + big;
        double lo = big - (hi - part[i]);
        big = hi;
        if (lo != 0)
            part[top++] = lo;
    }
    if (big != 0)
        part[top++] = big;
    return top;
}

/* The same for a pooled one. */
static uint32_t pooled_add(double *part, uint32_t n, double x)
{
    if (n >= EXACT_WIDE)
        n = expansion_compress(part, n);
    if (n >= EXACT_WIDE)
        BUG("%u components of a double's range", n);
    return expansion_add(part, n, x);
}

/* The sum of an expansion, correctly rounded, ties to even. */
static double expansion_round(const double *part, uint32_t n)
{
    if (n == 0)
        return 0;
    double hi = part[--n];
    double lo = 0;
    while (n > 0) {
        double x = hi, y = part[--n];
        hi = x + y;
        lo = y - (hi - x);
        if (lo != 0)
            break;
    }
    /* What is left below may turn an exact tie: it has the sign of part[n - 1]. */
    if (n > 0 && ((lo < 0 && part[n - 1] < 0) || (lo > 0 && part[n - 1] > 0))) {
        double twice = lo * 2;
        double x = hi + twice;
        if (twice == x - hi)
            hi = x;
    }
    return hi;
}

static struct exact_wide *wide_of(struct exact_pool *p, struct exact *e)
{
    if (e->more)
        return &p->wide[e->more - 1];
    if (p->n == p->cap) {
        uint32_t cap = p->cap ? p->cap * 2 : 4;
        p->wide = mem_resize(p->acct, p->wide, p->cap * sizeof(*p->wide), cap * sizeof(*p->wide));
        p->cap = cap;
    }
    struct exact_wide *w = &p->wide[p->n++];
    *w = (struct exact_wide){.n = e->n};
    for (uint32_t i = 0; i < e->n; i++)
        w->part[i] = e->part[i];
    e->more = p->n;
    return w;
}

static void wide_add(struct exact_wide *w, double x)
{
    if (!isfinite(x)) {
        w->special = w->has_special ? w->special + x : x;
        w->has_special = true;
    } else if (fabs(x) >= HUGE_FROM) {
        w->nhuge = pooled_add(w->huge, w->nhuge, x * HUGE_SCALE);
    } else {
        w->n = pooled_add(w->part, w->n, x);
    }
}

void exact_add(struct exact_pool *p, struct exact *e, double x)
{
    if (e->more || !(fabs(x) < HUGE_FROM)) {
        wide_add(wide_of(p, e), x);
        return;
    }
    if (e->n < EXACT_INLINE) {
        e->n = expansion_add(e->part, e->n, x);
        return;
    }
    double tmp[EXACT_INLINE + 1];
    for (uint32_t i = 0; i < EXACT_INLINE; i++)
        tmp[i] = e->part[i];
    uint32_t n = expansion_add(tmp, EXACT_INLINE, x);
    if (n > EXACT_INLINE) {
        wide_add(wide_of(p, e), x);
        return;
    }
    for (uint32_t i = 0; i < n; i++)
        e->part[i] = tmp[i];
    e->n = n;
}

void exact_add_product(struct exact_pool *p, struct exact *e, double a, double b)
{
    double hi = a * b;
    exact_add(p, e, hi);
    if (isfinite(hi))
        exact_add(p, e, fma(a, b, -hi));
}

void exact_merge(struct exact_pool *p, struct exact *e, const struct exact_pool *from_pool,
                 const struct exact *from)
{
    if (!from->more) {
        for (uint32_t i = 0; i < from->n; i++)
            exact_add(p, e, from->part[i]);
        return;
    }
    struct exact_wide w = from_pool->wide[from->more - 1];
    for (uint32_t i = 0; i < w.n; i++)
        exact_add(p, e, w.part[i]);
    if (w.nhuge || w.has_special) {
        struct exact_wide *to = wide_of(p, e);
        for (uint32_t i = 0; i < w.nhuge; i++)
            to->nhuge = pooled_add(to->huge, to->nhuge, w.huge[i]);
        if (w.has_special)
            wide_add(to, w.special);
    }
}

double exact_round(const struct exact_pool *p, const struct exact *e)
{
    if (!e->more)
        return expansion_round(e->part, e->n);
    struct exact_wide w = p->wide[e->more - 1];
    if (w.has_special)
        return w.special;
    if (!w.nhuge)
        return expansion_round(w.part, w.n);
    uint32_t n = pooled_add(w.huge, w.nhuge, expansion_round(w.part, w.n) * HUGE_SCALE);
    return expansion_round(w.huge, n) / HUGE_SCALE;
}

/* The components, wherever they are; only the ordinary range. */
static const double *parts_of(const struct exact_pool *p, const struct exact *e, uint32_t *n)
{
    if (!e->more) {
        *n = e->n;
        return e->part;
    }
    const struct exact_wide *w = &p->wide[e->more - 1];
    *n = w->has_special || w->nhuge ? UINT32_MAX : w->n;
    return w->part;
}

double exact_stddev(const struct exact_pool *p, const struct exact *sum,
                    const struct exact *squares, uint64_t n)
{
    if (n < 2)
        return NAN;
    uint32_t ns, nq;
    const double *s = parts_of(p, sum, &ns), *q = parts_of(p, squares, &nq);
    if (ns == UINT32_MAX || nq == UINT32_MAX)
        return NAN; /* squares beyond the range of doubles: unknown */
    double count = (double)n;
    struct exact_pool tmp;
    exact_pool_init(&tmp, NULL);
    struct exact numerator = {{0}, 0, 0};
    for (uint32_t i = 0; i < nq; i++)
        exact_add_product(&tmp, &numerator, q[i], count);
    for (uint32_t i = 0; i < ns; i++) {
        for (uint32_t j = 0; j < ns; j++)
            exact_add_product(&tmp, &numerator, -s[i], s[j]);
    }
    double num = exact_round(&tmp, &numerator);
    exact_pool_release(&tmp);
    /* Never negative but for squares too small for a double. */
    return isnan(num) ? NAN : num > 0 ? sqrt(num / count / (count - 1)) : 0;
}
