/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which items stay. Not the items. */
#include "sketch/reservoir.h"

#include <math.h>

static void skip(struct reservoir *r)
{
    r->w *= exp(log(1 - rng_unit(&r->rng)) / r->size);
    double gap = floor(log(1 - rng_unit(&r->rng)) / log1p(-r->w));
    r->next += gap < 9e18 ? (uint64_t)gap + 1 : UINT64_MAX / 2;
}

void reservoir_init(struct reservoir *r, uint32_t size, uint64_t seed)
{
    *r = (struct reservoir){.size = size, .next = size, .w = 1};
    if (size == 0)
        BUG("an empty reservoir");
    rng_seed(&r->rng, seed);
    r->next--; /* item number of the last one that fills; skip() goes on from there */
    skip(r);
}

bool reservoir_offer(struct reservoir *r, uint32_t *slot)
{
    uint64_t i = r->seen++;
    if (i < r->size) {
        *slot = (uint32_t)i;
        return true;
    }
    if (i != r->next)
        return false;
    *slot = (uint32_t)rng_below(&r->rng, r->size);
    skip(r);
    return true;
}

uint32_t reservoir_filled(const struct reservoir *r)
{
    return r->seen < r->size ? (uint32_t)r->seen : r->size;
}

/* A random element of pool[0..*n), taken out. */
static uint32_t draw(uint32_t *pool, uint32_t *n, struct rng *rng)
{
    uint32_t i = (uint32_t)rng_below(rng, *n), v = pool[i];
    pool[i] = pool[--*n];
    return v;
}

uint32_t reservoir_merge(const struct reservoir *a, const struct reservoir *b, struct rng *rng,
                         uint8_t *from, uint32_t *index)
{
    uint32_t na = reservoir_filled(a), nb = reservoir_filled(b);
    uint32_t size = a->size < b->size ? a->size : b->size;
    if (a->seen + b->seen < size)
        size = (uint32_t)(a->seen + b->seen);
    uint32_t *pa = xreallocarray(NULL, na + 1, sizeof(*pa));
    uint32_t *pb = xreallocarray(NULL, nb + 1, sizeof(*pb));
    for (uint32_t i = 0; i < na; i++)
        pa[i] = i;
    for (uint32_t i = 0; i < nb; i++)
        pb[i] = i;
    /* As if drawing without replacement from both streams: the stream by what is left of it. */
    uint64_t left_a = a->seen, left_b = b->seen;
    for (uint32_t i = 0; i < size; i++) {
        bool take_b = rng_below(rng, left_a + left_b) >= left_a;
        from[i] = take_b;
        index[i] = take_b ? draw(pb, &nb, rng) : draw(pa, &na, rng);
        left_a -= !take_b;
        left_b -= take_b;
    }
    free(pa);
    free(pb);
    return size;
}
