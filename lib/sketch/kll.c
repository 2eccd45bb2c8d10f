/* SPDX-License-Identifier: GPL-3.0-or-later */
/* KLL: levels, compaction, queries. Not the place of fences (sketch/tails.h). */
#include "sketch/kll.h"

#include <math.h>

#include "base/hash.h"

#define RUN 8
/* Below this, counting digits costs more than it saves. */
#define RADIX_MIN 1024
#define DIGIT 11
#define DIGITS (1u << DIGIT)

static void sort_runs(double *x, size_t n)
{
    for (size_t at = 0; at < n; at += RUN) {
        size_t end = at + RUN < n ? at + RUN : n;
        for (size_t i = at + 1; i < end; i++) {
            double v = x[i];
            size_t j = i;
            for (; j > at && x[j - 1] > v; j--)
                x[j] = x[j - 1];
            x[j] = v;
        }
    }
}

static void merge_two(double *out, const double *a, size_t na, const double *b, size_t nb)
{
    size_t i = 0, j = 0, o = 0;
    while (i < na && j < nb) {
        double va = a[i], vb = b[j];
        bool take_b = vb < va;
        out[o++] = take_b ? vb : va;
        j += take_b;
        i += !take_b;
    }
    for (; i < na; i++)
        out[o++] = a[i];
    for (; j < nb; j++)
        out[o++] = b[j];
}

static void merge_sort(double *x, size_t n)
{
    sort_runs(x, n);
    if (n <= RUN)
        return;
    double *tmp = xreallocarray(NULL, n, sizeof(*tmp)), *from = x, *to = tmp;
    for (size_t width = RUN; width < n; width *= 2) {
        for (size_t at = 0; at < n; at += 2 * width) {
            size_t na = at + width < n ? width : n - at;
            size_t nb = at + na + width < n ? width : n - at - na;
            merge_two(to + at, from + at, na, from + at + na, nb);
        }
        double *swap = from;
        from = to;
        to = swap;
    }
    if (from != x)
        memcpy(x, from, n * sizeof(*x));
    free(tmp);
}

/* A number that orders as the double does (-0 before 0), and back. */
static inline uint64_t key_of(double x)
{
    uint64_t b;
    memcpy(&b, &x, sizeof(b));
    return b ^ (-(b >> 63) | UINT64_C(1) << 63);
}

static inline double of_key(uint64_t k)
{
    double x;
    k ^= ~-(k >> 63) | UINT64_C(1) << 63;
    memcpy(&x, &k, sizeof(x));
    return x;
}

static void scatter(uint64_t *to, const uint64_t *from, size_t n, uint32_t *count, uint64_t least,
                    unsigned shift)
{
    uint32_t at = 0;
    for (uint32_t d = 0; d < DIGITS; d++) {
        uint32_t c = count[d];
        count[d] = at;
        at += c;
    }
    for (size_t i = 0; i < n; i++)
        to[count[((from[i] - least) >> shift) & (DIGITS - 1)]++] = from[i];
}

/* Ascending; false, with the order undefined, when that takes too many moves. */
static bool insert_sort(uint64_t *k, size_t n)
{
    size_t left = 8 * n;
    for (size_t i = 1; i < n; i++) {
        uint64_t v = k[i];
        size_t j = i;
        for (; j > 0 && k[j - 1] > v; j--)
            k[j] = k[j - 1];
        k[j] = v;
        if (i - j > left)
            return false;
        left -= i - j;
    }
    return true;
}

/* By the two highest digits of what the keys span, then insertion puts right the few that share
 * both. False, with x as it was, where too many do. */
static bool radix_sort(double *x, size_t n)
{
    uint32_t low[DIGITS] = {0}, high[DIGITS] = {0};
    uint64_t *a = xreallocarray(NULL, 2 * n, sizeof(*a)), *b = a + n;
    uint64_t least = UINT64_MAX, most = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t k = a[i] = key_of(x[i]);
        least = k < least ? k : least;
        most = k > most ? k : most;
    }
    unsigned bits = most > least ? 64u - (unsigned)__builtin_clzll(most - least) : 1;
    unsigned shift = bits > 2 * DIGIT ? bits - 2 * DIGIT : 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t k = (a[i] - least) >> shift;
        low[k & (DIGITS - 1)]++;
        high[k >> DIGIT]++;
    }
    scatter(b, a, n, low, least, shift);
    scatter(a, b, n, high, least, shift + DIGIT);
    bool done = insert_sort(a, n);
    for (size_t i = 0; done && i < n; i++)
        x[i] = of_key(a[i]);
    free(a);
    return done;
}

static bool is_sorted(const double *x, size_t n)
{
    size_t i = 1;
    while (i < n && x[i - 1] <= x[i])
        i++;
    return i >= n;
}

void kll_sort(double *x, size_t n)
{
    if (!is_sorted(x, n) && (n < RADIX_MIN || !radix_sort(x, n)))
        merge_sort(x, n);
}

void kll_init(struct kll *s, uint32_t k, uint64_t seed)
{
    *s = (struct kll){.k = k, .nlevels = 1, .coin = seed};
    s->min = (double)INFINITY;
    s->max = -(double)INFINITY;
}

void kll_release(struct kll *s)
{
    for (uint32_t i = 0; i < KLL_LEVELS; i++)
        free(s->level[i].items);
    kll_init(s, s->k, s->coin);
}

/* splitmix64 (Steele, Lea & Flood 2014). Every second compaction of a level takes the other side of
 * the coin of the one before: their errors cancel in part. */
static unsigned coin_flip(struct kll *s, uint32_t level)
{
    uint64_t bit = UINT64_C(1) << level;
    s->again ^= bit;
    if (s->again & bit) {
        uint64_t z = s->coin += UINT64_C(0x9e3779b97f4a7c15);
        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        s->side = (z >> 63) ? s->side | bit : s->side & ~bit;
    } else {
        s->side ^= bit;
    }
    return (s->side & bit) != 0;
}

static void room(struct kll_level *l, uint32_t extra)
{
    if (l->cap - l->n >= extra)
        return;
    uint32_t cap = l->cap ? l->cap : 16;
    while (cap < l->n + extra)
        cap *= 2;
    l->items = xreallocarray(l->items, cap, sizeof(double));
    l->cap = cap;
}

/* Two ascending lists as one: the smaller half from the front and the larger from the end, side by
 * side, as each step waits for the one before it. */
static void merge_ends(double *out, const double *a, uint32_t na, const double *b, uint32_t nb)
{
    uint32_t i = 0, j = 0, k = na, l = nb, o = 0, end = na + nb;
    while (i < na && j < nb && k > 0 && l > 0 && o + 1 < end) {
        double x = a[i], y = b[j], u = a[k - 1], v = b[l - 1];
        bool take_y = y<x, take_u = u> v;
        out[o++] = take_y ? y : x;
        out[--end] = take_u ? u : v;
        j += take_y;
        i += !take_y;
        k -= take_u;
        l -= !take_u;
    }
    while (o < end) {
        bool take_y = i >= k || (j < l && b[j] < a[i]);
        out[o++] = take_y ? b[j] : a[i];
        j += take_y;
        i += !take_y;
    }
}

/* Ascending items into an ascending level. */
static void merge_into(struct kll_level *l, const double *items, uint32_t n)
{
    if (l->n == 0) {
        room(l, n);
        memcpy(l->items, items, n * sizeof(*items));
        l->n = n;
        return;
    }
    struct kll_level both = {NULL, 0, 0};
    room(&both, l->n + n);
    merge_ends(both.items, l->items, l->n, items, n);
    both.n = l->n + n;
    free(l->items);
    *l = both;
}

/* Halves level h into h + 1. An odd item stays behind. */
static void compact(struct kll *s, uint32_t h)
{
    if (h + 1 == s->nlevels) {
        if (s->nlevels == KLL_LEVELS)
            BUG("more than 2^%d values", KLL_LEVELS);
        s->nlevels++;
    }
    struct kll_level *l = &s->level[h], *up = &s->level[h + 1];
    if (h == 0)
        kll_sort(l->items, l->n);
    uint32_t odd = l->n & 1, half = l->n / 2;
    unsigned coin = coin_flip(s, h);
    double *from = l->items + odd; /* the smallest stays when the count is odd */
    for (uint32_t i = 0; i < half; i++)
        from[i] = from[2 * i + coin];
    merge_into(up, from, half);
    l->n = odd;
    s->kept -= half;
}

/* Compacts every full level, from the lowest on. */
static void compress(struct kll *s)
{
    for (uint32_t h = 0; h < s->nlevels; h++)
        if (s->level[h].n >= s->k)
            compact(s, h);
}

static void see_range(struct kll *s, const double *x, size_t n)
{
    double lo = s->min, hi = s->max;
    for (size_t i = 0; i < n; i++) {
        lo = x[i] < lo ? x[i] : lo;
        hi = x[i] > hi ? x[i] : hi;
    }
    s->min = lo;
    s->max = hi;
}

void kll_add(struct kll *s, const double *x, size_t n)
{
    struct kll_level *l = &s->level[0];
    see_range(s, x, n);
    s->n += n;
    while (n > 0) {
        if (l->n >= s->k)
            compress(s);
        uint32_t take = n < s->k - l->n ? (uint32_t)n : s->k - l->n;
        room(l, take);
        memcpy(l->items + l->n, x, take * sizeof(double));
        l->n += take;
        s->kept += take;
        x += take;
        n -= take;
    }
}

void kll_merge(struct kll *s, const struct kll *other)
{
    if (other->n == 0)
        return;
    s->k = other->k < s->k ? other->k : s->k;
    s->min = other->min < s->min ? other->min : s->min;
    s->max = other->max > s->max ? other->max : s->max;
    s->n += other->n;
    if (other->nlevels > s->nlevels)
        s->nlevels = other->nlevels;
    for (uint32_t h = 0; h < other->nlevels; h++) {
        const struct kll_level *from = &other->level[h];
        struct kll_level *to = &s->level[h];
        if (from->n == 0)
            continue;
        if (h == 0) {
            room(to, from->n);
            memcpy(to->items + to->n, from->items, from->n * sizeof(double));
            to->n += from->n;
        } else {
            merge_into(to, from->items, from->n);
        }
        s->kept += from->n;
    }
    /* One chain of coins for both orders. */
    s->coin = hash_u64(s->coin + other->coin, s->n);
    s->again = s->side = 0;
    compress(s);
}

void kll_reduce(struct kll *s, uint32_t k)
{
    if (k >= s->k)
        return;
    s->k = k;
    for (uint32_t h = 0; h < s->nlevels; h++) /* a level may hold several times k now */
        while (s->level[h].n >= k)
            compact(s, h);
}

bool kll_is_exact(const struct kll *s)
{
    return s->kept == s->n;
}

double kll_rank_error(const struct kll *s)
{
    if (kll_is_exact(s))
        return 0;
    uint32_t top = s->nlevels - 1; /* never compacted */
    double n = (double)s->n, weights = (double)((UINT64_C(1) << top) - 1);
    return 2.576 * sqrt(weights / ((double)s->k * n));
}

struct kll_item *kll_sorted(const struct kll *s)
{
    struct kll_item *have = xreallocarray(NULL, s->kept ? s->kept : 1, sizeof(*have));
    struct kll_item *next = xreallocarray(NULL, s->kept ? s->kept : 1, sizeof(*next));
    size_t n = 0;
    for (uint32_t h = 0; h < s->nlevels; h++) {
        const struct kll_level *l = &s->level[h];
        if (l->n == 0)
            continue;
        double *items = xmemdup(l->items, l->n * sizeof(double));
        if (h == 0)
            kll_sort(items, l->n);
        size_t i = 0, j = 0, o = 0;
        while (i < n || j < l->n) {
            if (j == l->n || (i < n && have[i].value <= items[j]))
                next[o++] = have[i++];
            else
                next[o++] = (struct kll_item){items[j++], UINT64_C(1) << h};
        }
        free(items);
        n = o;
        struct kll_item *swap = have;
        have = next;
        next = swap;
    }
    free(next);
    return have;
}

void kll_quantiles(const struct kll *s, const double *p, size_t np, double *out)
{
    if (s->n == 0) {
        for (size_t i = 0; i < np; i++)
            out[i] = (double)NAN;
        return;
    }
    struct kll_item *w = kll_sorted(s);
    size_t at = 0;
    uint64_t before = 0; /* weight in front of w[at] */
    for (size_t i = 0; i < np; i++) {
        double pos = p[i] * (double)(s->n - 1);
        uint64_t lo = pos > 0 ? (uint64_t)pos : 0;
        if (lo > s->n - 1)
            lo = s->n - 1;
        while (at + 1 < s->kept && before + w[at].weight <= lo)
            before += w[at++].weight;
        double a = lo == 0 ? s->min : lo == s->n - 1 ? s->max : w[at].value;
        double part =
            round((pos - (double)lo) * 1e9) / 1e9; /* 0.95 * 19999 is not quite 18999.05 */
        if (part > 0 && lo < s->n - 1) {
            bool within = lo + 1 < before + w[at].weight;
            double b = within ? w[at].value : at + 1 < s->kept ? w[at + 1].value : s->max;
            if (lo + 1 == s->n - 1)
                b = s->max;
            double step = b - a; /* infinite between the ends of a double's range */
            a = isfinite(step) ? a + part * step : a * (1 - part) + b * part;
        }
        out[i] = a;
    }
    free(w);
}

void kll_outside(const struct kll *s, double lo, double hi, double *below, double *above)
{
    *below = *above = 0;
    for (uint32_t h = 0; h < s->nlevels; h++) {
        double weight = (double)(UINT64_C(1) << h);
        for (uint32_t i = 0; i < s->level[h].n; i++) {
            double x = s->level[h].items[i];
            *below += x < lo ? weight : 0;
            *above += x > hi ? weight : 0;
        }
    }
}

void kll_histogram(const struct kll *s, double lo, double hi, double *bars, size_t nbars)
{
    for (size_t i = 0; i < nbars; i++)
        bars[i] = 0;
    for (uint32_t h = 0; h < s->nlevels; h++) {
        double weight = (double)(UINT64_C(1) << h);
        for (uint32_t i = 0; i < s->level[h].n; i++) {
            double x = s->level[h].items[i];
            if (!(x >= lo && x <= hi))
                continue;
            /* Halves, as the whole range may not fit a double. */
            size_t at = (size_t)((x / 2 - lo / 2) / (hi / 2 - lo / 2) * (double)nbars);
            bars[at < nbars ? at : nbars - 1] += weight;
        }
    }
}
