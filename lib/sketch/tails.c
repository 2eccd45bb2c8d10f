/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Extremes and fences. Not quantiles. */
#include "sketch/tails.h"

#include <math.h>

#define TAILS_FIRST 8
#define FENCE 1.5 /* Tukey's inner fences */

static void tail_init(struct tail *t, double sign)
{
    *t = (struct tail){NULL, 0, -(double)INFINITY, sign};
}

void tails_init(struct tails *t)
{
    tail_init(&t->high, 1);
    tail_init(&t->low, -1);
    t->n = 0;
}

void tails_release(struct tails *t)
{
    free(t->high.v);
    free(t->low.v);
    tails_init(t);
}

/* Keeps the TAILS_KEPT largest; amortised over as many additions. */
static void tail_cut(struct tail *t)
{
    if (t->n <= TAILS_KEPT)
        return;
    kll_sort(t->v, t->n);
    memmove(t->v, t->v + (t->n - TAILS_KEPT), TAILS_KEPT * sizeof(double));
    t->n = TAILS_KEPT;
    t->least = t->v[0];
}

static void tail_put(struct tail *t, double v)
{
    /* Room for few at first, as many columns have few values: doubled at every power of two. */
    if (t->v == NULL || (t->n >= TAILS_FIRST && (t->n & (t->n - 1)) == 0))
        t->v = xreallocarray(t->v, t->n < TAILS_FIRST ? TAILS_FIRST : 2 * (size_t)t->n,
                             sizeof(double));
    t->v[t->n++] = v;
    if (t->n == 2 * TAILS_KEPT)
        tail_cut(t);
}

void tails_add(struct tails *t, const double *x, size_t n)
{
    t->n += n;
    for (size_t i = 0; i < n; i++) {
        if (x[i] > t->high.least)
            tail_put(&t->high, x[i]);
        if (-x[i] > t->low.least)
            tail_put(&t->low, -x[i]);
    }
}

static void tail_merge(struct tail *t, const struct tail *other)
{
    for (uint32_t i = 0; i < other->n; i++)
        if (other->v[i] > t->least)
            tail_put(t, other->v[i]);
}

void tails_merge(struct tails *t, const struct tails *other)
{
    t->n += other->n;
    tail_merge(&t->high, &other->high);
    tail_merge(&t->low, &other->low);
    tail_cut(&t->high); /* what is beyond depends on the order */
    tail_cut(&t->low);
}

void tail_fill(struct tail *t, const double *v, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        tail_put(t, v[i]);
    if (n == TAILS_KEPT)
        t->least = v[0];
}

/* Values beyond the fence; false when more than are surely kept. */
static bool tail_count(const struct tail *t, uint64_t n, double fence, double *count)
{
    uint32_t beyond = 0;
    for (uint32_t i = 0; i < t->n; i++)
        beyond += t->v[i] > fence;
    *count = beyond < TAILS_KEPT ? beyond : TAILS_KEPT;
    return beyond < TAILS_KEPT || n <= t->n;
}

/* Values outside of the fences of these quartiles. */
static double outside(const struct tails *t, const struct kll *s, double q1, double q3, bool *exact)
{
    double high, low, above, below, spread = q3 - q1;
    double top = q3 + FENCE * spread, bottom = q1 - FENCE * spread;
    *exact = true;
    kll_outside(s, bottom, top, &below, &above);
    if (!tail_count(&t->high, t->n, top, &high)) {
        *exact = false;
        high = above > high ? above : high;
    }
    if (!tail_count(&t->low, t->n, -bottom, &low)) {
        *exact = false;
        low = below > low ? below : low;
    }
    return high + low;
}

double tails_outliers(const struct tails *t, const struct kll *s, double *error)
{
    bool counted, out, in = true;
    double e = kll_rank_error(s), q[6];
    const double at[6] = {0.25 - e, 0.25, 0.25 + e, 0.75 - e, 0.75, 0.75 + e};
    *error = 0;
    if (s->n == 0)
        return (double)NAN;
    kll_quantiles(s, at, 6, q);
    if (!(q[4] - q[1] > 0))
        return s->min < s->max ? (double)NAN : 0;
    double count = outside(t, s, q[1], q[4], &counted);
    if (e == 0)
        return count;
    double least = outside(t, s, q[0], q[5], &out);
    double most = q[3] > q[2] ? outside(t, s, q[2], q[3], &in) : (double)s->n;
    double off = fmax(count - least, most - count);
    if (!counted || !out || !in) /* each side may be misjudged */
        off += 2 * e * (double)s->n;
    *error = ceil(fmin(off, (double)s->n));
    return count;
}
