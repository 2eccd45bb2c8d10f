/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Exact sums. See exact.h. */
#include "engine/exact.h"

#include <math.h>

#define HUGE_FROM 0x1p900
#define HUGE_SCALE 0x1p-200
#define HUGE_FITS 0x1p820 /* scaled: below it the sum is a double, unscaled */

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
    *w = (struct exact_wide){.n = 0};
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

/* Knuth's two-sum: the rounded sum, and what rounding lost. */
static double two_sum(double a, double b, double *lost)
{
    double s = a + b, v = s - a;
    *lost = (a - (s - v)) + (b - v);
    return s;
}

void exact_add_rest(struct exact_pool *p, struct exact *e, double x)
{
    double lost;
    double a = two_sum(e->part[0], x, &lost);
    double b = two_sum(e->part[1], lost, &lost);
    double c = two_sum(e->part[2], lost, &lost);
    if (!isfinite(lost)) {
        struct exact_wide *w = wide_of(p, e);
        for (uint32_t i = 0; i < EXACT_INLINE; i++) {
            wide_add(w, e->part[i]);
            e->part[i] = 0;
        }
        wide_add(w, x);
        return;
    }
    e->part[0] = a;
    e->part[1] = b;
    e->part[2] = c;
    if (lost != 0)
        wide_add(wide_of(p, e), lost);
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
    for (uint32_t i = 0; i < EXACT_INLINE; i++)
        exact_add(p, e, from->part[i]);
    if (!from->more)
        return;
    const struct exact_wide *w = &from_pool->wide[from->more - 1];
    struct exact_wide *to = wide_of(p, e);
    for (uint32_t i = 0; i < w->n; i++)
        wide_add(to, w->part[i]);
    for (uint32_t i = 0; i < w->nhuge; i++)
        to->nhuge = pooled_add(to->huge, to->nhuge, w->huge[i]);
    if (w->has_special)
        wide_add(to, w->special);
}

/* All of it as one: what is in the pool, or nothing, and the three parts. */
static struct exact_wide whole_of(const struct exact_pool *p, const struct exact *e)
{
    struct exact_wide w = {.n = 0};
    if (e->more)
        w = p->wide[e->more - 1];
    for (uint32_t i = EXACT_INLINE; i-- > 0;)
        wide_add(&w, e->part[i]);
    return w;
}

#define SAVED_WIDE 0x80u /* instead of a count of parts */

void exact_save(const struct exact_pool *p, const struct exact *e, struct buf *out)
{
    if (!e->more) {
        uint32_t n = EXACT_INLINE;
        while (n > 0 && e->part[n - 1] == 0)
            n--;
        pack_uint(out, n, 1);
        pack_doubles(out, e->part, n);
        return;
    }
    const struct exact_wide *w = &p->wide[e->more - 1];
    pack_uint(out, SAVED_WIDE, 1);
    pack_doubles(out, e->part, EXACT_INLINE);
    pack_uint(out, w->n, 1);
    pack_doubles(out, w->part, w->n);
    pack_uint(out, w->nhuge, 1);
    pack_doubles(out, w->huge, w->nhuge);
    pack_uint(out, w->has_special, 1);
    if (w->has_special)
        pack_double(out, w->special);
}

void exact_load(struct exact_pool *p, struct exact *e, struct unpack *in)
{
    uint32_t n = (uint32_t)unpack_uint(in, 1);
    bool wide = n == SAVED_WIDE;
    for (uint32_t i = 0; i < (wide ? EXACT_INLINE : n); i++)
        exact_add(p, e, unpack_double(in));
    if (!wide)
        return;
    struct exact_wide *w = wide_of(p, e);
    for (uint64_t i = unpack_uint(in, 1); i > 0; i--)
        wide_add(w, unpack_double(in));
    for (uint64_t i = unpack_uint(in, 1); i > 0; i--)
        w->nhuge = pooled_add(w->huge, w->nhuge, unpack_double(in));
    if (unpack_uint(in, 1))
        wide_add(w, unpack_double(in));
}

/* Both ranges added up before the one rounding: in the ordinary one where the sum fits it, else in
 * the scaled one, whose lowest bit stands for all that is lost below it. */
static double round_ranges(struct exact_wide *w)
{
    w->nhuge = expansion_compress(w->huge, w->nhuge);
    if (fabs(expansion_round(w->huge, w->nhuge)) < HUGE_FITS) {
        for (uint32_t i = 0; i < w->nhuge; i++)
            w->n = pooled_add(w->part, w->n, w->huge[i] / HUGE_SCALE);
        return expansion_round(w->part, w->n);
    }
    w->n = expansion_compress(w->part, w->n);
    double lost = 0;
    for (uint32_t i = 0; i < w->n; i++) {
        double x = w->part[i] * HUGE_SCALE;
        if (x / HUGE_SCALE == w->part[i])
            w->nhuge = pooled_add(w->huge, w->nhuge, x);
        else
            lost = copysign(0x1p-1074, w->part[i]);
    }
    if (lost != 0)
        w->nhuge = pooled_add(w->huge, w->nhuge, lost);
    return expansion_round(w->huge, w->nhuge) / HUGE_SCALE;
}

double exact_round(const struct exact_pool *p, const struct exact *e)
{
    if (!e->more && fabs(e->part[0]) < HUGE_FROM) {
        double part[EXACT_INLINE + 1];
        uint32_t n = 0;
        for (uint32_t i = EXACT_INLINE; i-- > 0;)
            n = expansion_add(part, n, e->part[i]);
        return expansion_round(part, n);
    }
    struct exact_wide w = whole_of(p, e);
    if (w.has_special)
        return w.special;
    return w.nhuge ? round_ranges(&w) : expansion_round(w.part, w.n);
}

double exact_stddev(const struct exact_pool *p, const struct exact *sum,
                    const struct exact *squares, uint64_t n)
{
    if (n < 2)
        return NAN;
    if (!(exact_round(p, squares) < HUGE_FROM))
        return NAN; /* squares beyond the range of doubles: unknown */
    const struct exact_wide s = whole_of(p, sum), q = whole_of(p, squares);
    double count = (double)n;
    struct exact_pool tmp;
    exact_pool_init(&tmp, NULL);
    struct exact numerator = {{0}, 0};
    for (uint32_t i = 0; i < q.n; i++)
        exact_add_product(&tmp, &numerator, q.part[i], count);
    for (uint32_t i = 0; i < s.n; i++) {
        for (uint32_t j = 0; j < s.n; j++)
            exact_add_product(&tmp, &numerator, -s.part[i], s.part[j]);
    }
    double num = exact_round(&tmp, &numerator);
    exact_pool_release(&tmp);
    /* Never negative but for squares too small for a double. */
    return isnan(num) ? NAN : num > 0 ? sqrt(num / count / (count - 1)) : 0;
}
