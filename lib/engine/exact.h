/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sums of doubles that are exact until they are rounded once: floating-point expansions
 * (Shewchuk 1997, "Adaptive precision floating-point arithmetic", section 2.4).
 *
 * The result is the correctly rounded sum of the multiset of addends: the order they came in, the
 * batches and the threads that added parts of them cannot show. That is why aggregates use it and
 * not compensated summation, whose last digit depends on order.
 *
 * A sum is three doubles whose exact sum it is: each takes what rounding lost in the one before
 * (Knuth's two-sum, which needs no comparison), so that adding is twelve operations without a
 * branch that data decides. What even the third loses goes to an expansion in a pool; data of the
 * usual range never gets there.
 *
 * What would overflow goes to the pool too, where addends of 2^900 and above are kept apart, scaled
 * by 2^-200: partial sums do not overflow where the whole does not. Infinities and NaN give what
 * IEEE addition gives.
 */
#ifndef FORELINE_ENGINE_EXACT_H
#define FORELINE_ENGINE_EXACT_H

#include "base/arena.h"
#include "base/base.h"
#include "base/pack.h"

#define EXACT_INLINE 3
/* Components of a pooled expansion. Tight ones, 53 bits apart, span the 2098 bits of the finite
 * doubles in 40; adding leaves them looser, so a full expansion is made tight first. */
#define EXACT_WIDE 64

struct exact {
    double part[EXACT_INLINE]; /* the value is their sum … */
    uint32_t more;             /* … and, unless 0, that of the pool's expansion more - 1 */
};
struct exact_wide {
    double part[EXACT_WIDE + 1], huge[EXACT_WIDE + 1];
    uint32_t n, nhuge;
    double special; /* sum of infinities and NaN */
    bool has_special;
};
struct exact_pool {
    struct exact_wide *wide;
    uint32_t n, cap;
    struct mem_account *acct;
};
void exact_pool_init(struct exact_pool *p, struct mem_account *acct);
void exact_pool_release(struct exact_pool *p);

/* A zeroed struct exact is 0. */
void exact_add_rest(struct exact_pool *p, struct exact *e, double x); /* of exact_add */
static inline void exact_add(struct exact_pool *p, struct exact *e, double x)
{
    double a = e->part[0], b = e->part[1];
    double s = a + x, v = s - a;
    double lost = (a - (s - v)) + (x - v);
    double t = b + lost;
    v = t - b;
    if ((b - (t - v)) + (lost - v) != 0) { /* or NaN: something overflowed */
        exact_add_rest(p, e, x);
        return;
    }
    e->part[0] = s;
    e->part[1] = t;
}
/* Adds a * b without rounding (the product must neither overflow nor lose bits below 2^-1074; what
 * overflows counts as infinity). */
void exact_add_product(struct exact_pool *p, struct exact *e, double a, double b);
/* Adds all of `from`, which may live in another pool. */
void exact_merge(struct exact_pool *p, struct exact *e, const struct exact_pool *from_pool,
                 const struct exact *from);
/* As bytes, and what the bytes say added to `e`. */
void exact_save(const struct exact_pool *p, const struct exact *e, struct buf *out);
void exact_load(struct exact_pool *p, struct exact *e, struct unpack *in);
double exact_round(const struct exact_pool *p, const struct exact *e);
/* Standard deviation (n - 1) of n values from their exact sum and sum of squares: the numerator
 * n·Σx² − (Σx)² is exact before one rounding. NAN when n < 2, and when Σx² is 2^900 or more. */
double exact_stddev(const struct exact_pool *p, const struct exact *sum,
                    const struct exact *squares, uint64_t n);

#endif
