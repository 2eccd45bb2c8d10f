/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Extremes and fences. Not quantiles. */
#include "sketch/tails.h"

#include <math.h>

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
    if (t->v == NULL)
        t->v = xreallocarray(NULL, (size_t)2 * TAILS_KEPT, sizeof(double));
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
}

/* Values beyond the fence; false when more than are surely kept. */
static bool tail_count(const struct tail *t, uint64_t n, double fence, double *count)
{
    uint32_t beyond = 0;
    for (uint32_t i = 0; i < t->n; i++)
        beyond += t->v[i] > fence;
    *count = beyond;
    return beyond < TAILS_KEPT || n <= t->n;
}

double tails_outliers(const struct tails *t, const struct kll *s, bool *exact)
{
    static const double quartiles[2] = {0.25, 0.75};
    double q[2], high, low, above, below;
    *exact = true;
    if (s->n == 0)
        return (double)NAN;
    kll_quantiles(s, quartiles, 2, q);
    double spread = q[1] - q[0];
    if (!(spread > 0))
        return s->min < s->max ? (double)NAN : 0;
    double top = q[1] + FENCE * spread, bottom = q[0] - FENCE * spread;
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
