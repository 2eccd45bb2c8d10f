/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between levels and the images of DataSketches. Not for queries. */
#include "sketch/kll_image.h"

#include <math.h>

#include "base/hash.h"
#include "base/pack.h"

#define FAMILY 15
#define MANY_INTS 5
#define FEW_INTS 2
#define FLAG_EMPTY 1u
#define FLAG_SORTED 2u /* level 0 too */
#define FLAG_SINGLE 4u
/* The least room of a level, and the least and largest k (kll_constants). */
#define ROOM_MIN 8
#define K_MIN 8
#define K_MAX 65535
/* Nobody has seen more values; and so levels are left for what is merged. */
#define VALUES_MAX (UINT64_C(1) << 53)

/* -- how much room their levels have -- */

/* k (2/3)^depth, rounded. Above 30 in two steps, as 3^60 does not fit. */
static uint64_t room_at(uint64_t k, unsigned depth)
{
    if (depth > 30)
        return room_at(room_at(k, depth / 2), depth - depth / 2);
    uint64_t power = 1;
    for (unsigned i = 0; i < depth; i++)
        power *= 3;
    return ((k << (depth + 1)) / power + 1) / 2;
}

static uint64_t room_of(uint64_t k, unsigned levels)
{
    uint64_t sum = 0;
    for (unsigned depth = 0; depth < levels; depth++) {
        uint64_t room = room_at(k, depth);
        sum += room < ROOM_MIN ? ROOM_MIN : room;
    }
    return sum;
}

/* The smallest k from `least` on that has room for n items; 0: none has. */
static uint32_t k_for(uint32_t least, uint64_t n, unsigned levels)
{
    uint32_t lo = least, hi = K_MAX;
    if (room_of(hi, levels) < n)
        return 0;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (room_of(mid, levels) >= n)
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo;
}

/* -- writing -- */

static void put_head(struct buf *out, unsigned ints, unsigned version, unsigned flags, uint32_t k)
{
    pack_uint(out, ints, 1);
    pack_uint(out, version, 1);
    pack_uint(out, FAMILY, 1);
    pack_uint(out, flags, 1);
    pack_uint(out, k, 2);
    pack_uint(out, ROOM_MIN, 1);
    pack_uint(out, 0, 1);
}

/* Of a sketch that holds no more than they have room for. */
static bool put_sketch(struct buf *out, const struct kll *s)
{
    unsigned levels = s->nlevels;
    while (levels > 1 && s->level[levels - 1].n == 0)
        levels--;
    uint32_t least = s->k < K_MAX ? s->k : K_MAX, k = k_for(least, s->kept, levels);
    if (k == 0)
        return false;
    put_head(out, MANY_INTS, 1, FLAG_SORTED, k);
    pack_uint(out, s->n, 8);
    pack_uint(out, least, 2);
    pack_uint(out, levels, 1);
    pack_uint(out, 0, 1);
    uint64_t at = room_of(k, levels) - s->kept; /* items stand at the end of their array */
    for (unsigned h = 0; h < levels; at += s->level[h++].n)
        pack_uint(out, at, 4);
    pack_double(out, s->min);
    pack_double(out, s->max);
    for (unsigned h = 0; h < levels; h++) {
        const struct kll_level *l = &s->level[h];
        if (l->n == 0)
            continue;
        double *items = xmemdup(l->items, l->n * sizeof(*items));
        if (h == 0)
            kll_sort(items, l->n);
        pack_doubles(out, items, l->n);
        free(items);
    }
    return true;
}

static void copy_items(struct kll *to, const struct kll *from)
{
    *to = *from;
    for (uint32_t h = 0; h < from->nlevels; h++) {
        struct kll_level *l = &to->level[h];
        l->cap = l->n;
        l->items = l->n > 0 ? xmemdup(l->items, l->n * sizeof(double)) : NULL;
    }
}

void kll_image_write(struct buf *out, const struct kll *s)
{
    if (s->n == 0) {
        put_head(out, FEW_INTS, 1, FLAG_EMPTY, s->k < K_MAX ? s->k : K_MAX);
        return;
    }
    if (s->n == 1) {
        put_head(out, FEW_INTS, 2, FLAG_SORTED | FLAG_SINGLE, s->k < K_MAX ? s->k : K_MAX);
        pack_double(out, s->min);
        return;
    }
    if (put_sketch(out, s))
        return;
    struct kll less; /* so many levels come with 2^50 values or a k in the ten thousands */
    copy_items(&less, s);
    while (!put_sketch(out, &less))
        kll_reduce(&less, less.k / 2);
    kll_release(&less);
}

/* -- reading -- */

static bool ascending(const double *x, uint32_t n, double lo, double hi)
{
    for (uint32_t i = 0; i < n; i++)
        if (!(x[i] >= (i > 0 ? x[i - 1] : lo)) || !(x[i] <= hi))
            return false;
    return true;
}

/* The items of level h, and what they weigh. */
static bool read_level(struct unpack *u, struct kll *s, uint32_t h, uint32_t n, uint64_t *weight,
                       struct err *err)
{
    struct kll_level *l = &s->level[h];
    if (n > (VALUES_MAX - *weight) >> h)
        return err_set(err, ERR_DATA, "KLL sketch with more values than there can be");
    *weight += (uint64_t)n << h;
    s->kept += n;
    if (n == 0)
        return true;
    if (!unpack_holds(u, n, sizeof(double)))
        return err_set(err, ERR_DATA, "KLL sketch ends before its items do");
    l->items = xreallocarray(NULL, n, sizeof(double));
    l->n = l->cap = n;
    unpack_doubles(u, l->items, n);
    if (h == 0)
        kll_sort(l->items, n);
    if (!ascending(l->items, n, s->min, s->max))
        return err_set(err, ERR_DATA, "KLL sketch whose items are out of order");
    return true;
}

static bool read_levels(struct unpack *u, struct kll *s, uint32_t k, struct err *err)
{
    uint64_t n = unpack_uint(u, 8), weight = 0;
    uint32_t at[KLL_LEVELS + 1];
    s->k = (uint32_t)unpack_uint(u, 2);
    uint32_t levels = (uint32_t)unpack_uint(u, 1);
    unpack_uint(u, 1);
    if (u->bad || levels < 1 || levels > KLL_LEVELS || s->k < K_MIN || s->k > k)
        return err_set(err, ERR_DATA, "KLL sketch of %u levels with k = %u", levels, s->k);
    for (uint32_t h = 0; h < levels; h++)
        at[h] = (uint32_t)unpack_uint(u, 4);
    at[levels] = (uint32_t)room_of(k, levels);
    for (uint32_t h = 0; h < levels; h++)
        if (at[h] > at[h + 1])
            return err_set(err, ERR_DATA, "KLL sketch whose levels overlap");
    s->min = unpack_double(u);
    s->max = unpack_double(u);
    s->nlevels = levels;
    for (uint32_t h = 0; h < levels; h++)
        if (!read_level(u, s, h, at[h + 1] - at[h], &weight, err))
            return false;
    if (u->bad || u->left != 0 || weight != n || n == 0)
        return err_set(err, ERR_DATA, "KLL sketch of %llu values holds %llu", (unsigned long long)n,
                       (unsigned long long)weight);
    s->n = n;
    return true;
}

static bool read_all(struct unpack *u, struct kll *s, struct err *err)
{
    unsigned ints = (unsigned)unpack_uint(u, 1), version = (unsigned)unpack_uint(u, 1);
    unsigned family = (unsigned)unpack_uint(u, 1), flags = (unsigned)unpack_uint(u, 1);
    uint32_t k = (uint32_t)unpack_uint(u, 2), room = (uint32_t)unpack_uint(u, 1);
    unpack_uint(u, 1);
    bool few = (flags & (FLAG_EMPTY | FLAG_SINGLE)) != 0;
    if (u->bad || family != FAMILY || version < 1 || version > 2 || room != ROOM_MIN ||
        ints != (few ? FEW_INTS : MANY_INTS) || k < K_MIN)
        return err_set(err, ERR_DATA, "not a KLL sketch that is known here");
    s->k = k;
    if (!few)
        return read_levels(u, s, k, err);
    if (!(flags & FLAG_EMPTY)) {
        double x = unpack_double(u);
        if (u->bad || isnan(x))
            return err_set(err, ERR_DATA, "KLL sketch without its item");
        kll_add(s, &x, 1);
    }
    return u->left == 0 || err_set(err, ERR_DATA, "KLL sketch with bytes behind its items");
}

bool kll_image_read(struct kll *s, struct slice image, uint64_t seed, struct err *err)
{
    struct unpack u = unpack_of(image);
    struct kll got;
    kll_init(&got, K_MIN, seed);
    if (!read_all(&u, &got, err)) {
        kll_release(&got);
        return false;
    }
    got.coin = hash_bytes(image.p, image.len, seed);
    *s = got;
    return true;
}
