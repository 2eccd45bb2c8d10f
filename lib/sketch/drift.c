/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Comparisons of two columns, and the distributions that say how likely they are by chance. */
#include "sketch/drift.h"

#include <math.h>

static const struct drift_figure unknown = {(double)NAN, (double)NAN, (double)NAN};

/* -- distributions -- */

/* P(|Z| > z) of the standard normal. */
static double normal_tails(double z)
{
    return erfc(z / sqrt(2.0));
}

static double normal_density(double z)
{
    return exp(-z * z / 2) / sqrt(2 * acos(-1.0));
}

/* P(chi-square with df >= 1 degrees of freedom > x): the finite sums of Abramowitz & Stegun 1964,
 * 26.4.4 and 26.4.5. */
static double chi_square_tail(double x, unsigned df)
{
    if (!(x > 0))
        return 1;
    bool odd = df % 2 == 1;
    double sum = odd ? normal_tails(sqrt(x)) : 0;
    double term = odd ? 2 * sqrt(x) * normal_density(sqrt(x)) : exp(-x / 2);
    for (unsigned i = odd ? 1 : 0; i + 1 < df; i += 2) {
        sum += term;
        term *= x / (i + 2);
    }
    return sum < 1 ? sum : 1;
}

/* Where the chi-square distribution has 95 % below: Wilson & Hilferty 1931, within 1 %. */
static double chi_square_95(unsigned df)
{
    double v = 2.0 / (9.0 * df), root = 1 - v + 1.6449 * sqrt(v);
    return df * root * root * root;
}

/* -- shares -- */

static double log_choose(double n, double k)
{
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1);
}

/* P(X >= k) of the hypergeometric distribution: of n1 + n2 things `all` are marked, X of them among
 * the n1. Summed outwards from k, where terms only fall. */
static double upper_tail(double k, double n1, double n2, double all)
{
    double term = exp(log_choose(n1, k) + log_choose(n2, all - k) - log_choose(n1 + n2, all));
    double sum = 0;
    while (term > sum * 1e-17) {
        sum += term;
        term *= (n1 - k) * (all - k) / ((k + 1) * (n2 - all + k + 1));
        k++;
    }
    return sum;
}

struct drift_figure drift_rate(double base_k, double base_n, double now_k, double now_n)
{
    if (!(base_n > 0) || !(now_n > 0))
        return unknown;
    double a = base_k / base_n, b = now_k / now_n, all = base_k + now_k;
    double p = now_n * base_k > base_n * now_k ? upper_tail(base_k, base_n, now_n, all)
                                               : upper_tail(now_k, now_n, base_n, all);
    return (struct drift_figure){b - a, sqrt(a * (1 - a) / base_n + b * (1 - b) / now_n),
                                 2 * p < 1 ? 2 * p : 1};
}

/* -- means -- */

#define MEAN_LEAST 8

struct drift_figure drift_mean(const struct moments *base, const struct moments *now,
                               double *effect)
{
    struct moments both = *base;
    double none = 0, *to = effect != NULL ? effect : &none;
    *to = (double)NAN;
    if (base->n < MEAN_LEAST || now->n < MEAN_LEAST)
        return unknown;
    moments_merge(&both, now);
    double change = now->mean - base->mean, sigma = sqrt(both.m2 / (both.n - 2));
    double ra = 1 / base->n, rb = 1 / now->n, r = ra + rb;
    if (!isfinite(change) || !isfinite(sigma))
        return unknown;
    if (change == 0) {
        *to = 0;
        return (struct drift_figure){0, sigma * sqrt(r), 1};
    }
    if (!(base->m2 > 0) && !(now->m2 > 0)) { /* two constants: exchangeable only in this one way */
        *to = (double)INFINITY;
        return (struct drift_figure){change, 0, exp(-log_choose(both.n, now->n))};
    }
    double z = fabs(change) / (sigma * sqrt(r)), var = both.m2 / both.n;
    double skew = both.m3 / both.n / (var * sqrt(var));
    double excess = both.m4 / both.n / (var * var) - 3;
    double p = normal_tails(z);
    p += fabs(skew * (ra * ra - rb * rb)) / (r * sqrt(r)) * fabs(z * z - 1) / 3 * normal_density(z);
    if (excess > 0)
        p += excess * (ra * ra * ra + rb * rb * rb) / (r * r) / (z * z * z * z);
    *to = change / sigma;
    double va = base->m2 / base->n, vb = now->m2 / now->n;
    return (struct drift_figure){change, sqrt(va * ra + vb * rb), p < 1 ? p : 1};
}

/* -- distributions of numbers -- */

/* Variance of the share of values that a sketch finds below some value: kll_rank_error is the
 * half-width of 99 % of a normal distribution. */
static double rank_variance(const struct kll *s)
{
    double sigma = kll_rank_error(s) / 2.576;
    return sigma * sigma;
}

/* No rank is wrong by more, but for a probability far below every p that matters: sub-Gaussian
 * (Hoeffding 1963), over all values kept. */
#define RANK_MISS 1e-6
static double rank_error(const struct kll *s)
{
    return sqrt(2 * rank_variance(s) * log(2 * (double)s->kept / RANK_MISS));
}

/* P(distance > d) of two samples: Smirnov 1939. */
static double ks_tail(double d, double r)
{
    double x = d / sqrt(r), sum = 0;
    if (x < 0.2) /* the sum is 1 to 1e-12 and converges slowly */
        return 1;
    for (int j = 1; j <= 100; j++) {
        double term = exp(-2.0 * j * j * x * x);
        sum += j % 2 == 1 ? term : -term;
        if (term < 1e-18)
            break;
    }
    return 2 * sum < 1 ? 2 * sum : 1;
}

struct drift_figure drift_ks(const struct kll *base, const struct kll *now)
{
    if (base == NULL || now == NULL || base->n == 0 || now->n == 0)
        return unknown;
    struct kll_item *a = kll_sorted(base), *b = kll_sorted(now);
    double na = (double)base->n, nb = (double)now->n, d = 0, fa = 0, fb = 0;
    for (size_t i = 0, j = 0; i < base->kept || j < now->kept;) {
        double at =
            j == now->kept || (i < base->kept && a[i].value < b[j].value) ? a[i].value : b[j].value;
        for (; i < base->kept && a[i].value <= at; i++)
            fa += (double)a[i].weight;
        for (; j < now->kept && b[j].value <= at; j++)
            fb += (double)b[j].weight;
        d = fmax(d, fabs(fa / na - fb / nb));
    }
    free(a);
    free(b);
    double wrong = rank_error(base) + rank_error(now), r = 1 / na + 1 / nb;
    /* 1.3581: where Kolmogorov's distribution has 95 % below. */
    return (struct drift_figure){d, fmin(1, wrong + 1.3581 * sqrt(r)),
                                 ks_tail(d > wrong ? d - wrong : 0, r)};
}

/* -- shares of bins -- */

/* Below that the chi-square distribution understates its own tail (at p = 1e-5 by a factor of three
 * for a Poisson count of 20). */
#define BIN_LEAST 20

struct bins {
    double base[DRIFT_BINS + 2], now[DRIFT_BINS + 2]; /* values */
    unsigned n;
    double base_n, now_n;
    double variance; /* of the difference of two shares, from the sketches; per bin */
    double wrong; /* a share may be wrong by this much, from the sketches; per bin but the last */
};

/* What is too small goes to the bin behind, at the end to the one before. */
static void join_small(struct bins *b)
{
    double all = b->base_n + b->now_n, less = fmin(b->base_n, b->now_n), base = 0, now = 0;
    unsigned n = 0;
    for (unsigned i = 0; i < b->n; i++) {
        base += b->base[i];
        now += b->now[i];
        if ((base + now) / all * less < BIN_LEAST)
            continue;
        b->base[n] = base;
        b->now[n++] = now;
        base = now = 0;
    }
    if (n > 0) {
        b->base[n - 1] += base;
        b->now[n - 1] += now;
    }
    b->n = n;
}

static struct drift_figure compare_bins(struct bins *b, double *chance)
{
    double none = 0, *to = chance != NULL ? chance : &none;
    join_small(b);
    *to = (double)NAN;
    if (b->n < 2)
        return unknown;
    double r = 1 / b->base_n + 1 / b->now_n, psi = 0, x = 0;
    for (unsigned i = 0; i < b->n; i++) {
        double p = (b->base[i] + 0.5) / (b->base_n + 0.5 * b->n);
        double q = (b->now[i] + 0.5) / (b->now_n + 0.5 * b->n);
        psi += (q - p) * log(q / p);
        /* The last bin is what is left: all the errors may be in it. */
        double wrong = b->wrong * (i + 1 < b->n ? 1 : b->n - 1);
        double d = fabs(b->now[i] / b->now_n - b->base[i] / b->base_n) - wrong;
        double share = (b->base[i] + b->now[i]) / (b->base_n + b->now_n);
        if (d > 0)
            x += d * d / (share * r + b->variance);
    }
    *to = (b->n - 1) * r;
    return (struct drift_figure){psi, chi_square_95(b->n - 1) * r, chi_square_tail(x, b->n - 1)};
}

#define CUTS 9
/* Where bins end: behind all values < at, or <= at. */
struct cut {
    double at;
    bool with;
};

static unsigned make_cuts(const struct kll *base, struct cut *cuts)
{
    double p[CUTS], at[CUTS];
    unsigned n = 0;
    for (unsigned i = 0; i < CUTS; i++)
        p[i] = (i + 1.0) / (CUTS + 1);
    kll_quantiles(base, p, CUTS, at);
    for (unsigned i = 0; i < CUTS; i++) {
        bool again = i + 1 < CUTS && at[i] == at[i + 1];
        if (again && (n == 0 || cuts[n - 1].at != at[i] || cuts[n - 1].with))
            cuts[n++] = (struct cut){at[i], false};
        if (!again)
            cuts[n++] = (struct cut){at[i], true};
    }
    return n;
}

static void fill_bins(const struct kll *s, const struct cut *cuts, unsigned n, double *bins)
{
    struct kll_item *items = kll_sorted(s);
    unsigned bin = 0;
    for (size_t i = 0; i < s->kept; i++) {
        while (bin < n &&
               (cuts[bin].with ? items[i].value > cuts[bin].at : items[i].value >= cuts[bin].at))
            bin++;
        bins[bin] += (double)items[i].weight;
    }
    free(items);
}

struct drift_figure drift_psi(const struct kll *base, const struct kll *now, double *chance)
{
    struct bins b = {.n = 0};
    struct cut cuts[2 * CUTS];
    if (chance != NULL)
        *chance = (double)NAN;
    if (base == NULL || now == NULL || base->n == 0 || now->n == 0)
        return unknown;
    unsigned n = make_cuts(base, cuts);
    b.n = n + 1;
    b.base_n = (double)base->n;
    b.now_n = (double)now->n;
    b.variance = 2 * (rank_variance(base) + rank_variance(now)); /* a bin has two ends */
    fill_bins(base, cuts, n, b.base);
    fill_bins(now, cuts, n, b.now);
    return compare_bins(&b, chance);
}

struct shared {
    struct slice text;
    uint64_t hash;
    double base, now;
};

static int by_hash(const void *a, const void *b)
{
    const struct shared *x = a, *y = b;
    return (x->hash > y->hash) - (x->hash < y->hash);
}

static int by_share(const void *a, const void *b)
{
    const struct shared *x = a, *y = b;
    double p = x->base + x->now, q = y->base + y->now;
    int c = (p < q) - (p > q);
    return c != 0 ? c : slice_cmp(x->text, y->text);
}

static size_t take_values(const struct frequent *f, struct shared *to, bool now)
{
    struct frequent_item *items = xreallocarray(NULL, f->n ? f->n : 1, sizeof(*items));
    size_t n = frequent_top(f, 0, items, f->n);
    for (size_t i = 0; i < n; i++) {
        double count = (double)items[i].lower;
        to[i] = (struct shared){items[i].text, items[i].hash, now ? 0 : count, now ? count : 0};
    }
    free(items);
    return n;
}

/* The values of both tables, each once, most frequent of both together first. */
static size_t join_values(const struct frequent *base, const struct frequent *now, struct shared *v)
{
    size_t n = take_values(base, v, false), out = 0;
    n += take_values(now, v + n, true);
    qsort(v, n, sizeof(*v), by_hash);
    for (size_t i = 0; i < n; i++) {
        if (out > 0 && v[out - 1].hash == v[i].hash) {
            v[out - 1].base += v[i].base;
            v[out - 1].now += v[i].now;
        } else {
            v[out++] = v[i];
        }
    }
    qsort(v, out, sizeof(*v), by_share);
    return out;
}

struct drift_figure drift_psi_values(const struct frequent *base, const struct frequent *now,
                                     double *chance)
{
    struct bins b = {.base_n = (double)base->total, .now_n = (double)now->total};
    if (chance != NULL)
        *chance = (double)NAN;
    if (base->total == 0 || now->total == 0)
        return unknown;
    struct shared *v = xreallocarray(NULL, (size_t)base->n + now->n + 1, sizeof(*v));
    size_t n = join_values(base, now, v);
    double rest_base = b.base_n, rest_now = b.now_n, all = b.base_n + b.now_n;
    double least =
        fmax(BIN_LEAST * all / fmin(b.base_n, b.now_n), 2 * (double)(base->error + now->error));
    for (size_t i = 0; i < n && b.n < DRIFT_BINS - 1 && v[i].base + v[i].now >= least; i++) {
        b.base[b.n] = v[i].base;
        b.now[b.n++] = v[i].now;
        rest_base -= v[i].base;
        rest_now -= v[i].now;
    }
    free(v);
    b.base[b.n] = rest_base;
    b.now[b.n++] = rest_now;
    b.wrong = (double)base->error / b.base_n + (double)now->error / b.now_n;
    return compare_bins(&b, chance);
}

/* -- many tests -- */

struct ranked {
    double p;
    size_t i;
};

static int by_p(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    int c = (x->p > y->p) - (x->p < y->p);
    return c != 0 ? c : (x->i > y->i) - (x->i < y->i);
}

size_t drift_significant(const double *p, size_t n, double alpha, bool *significant)
{
    struct ranked *r = xreallocarray(NULL, n ? n : 1, sizeof(*r));
    size_t tests = 0;
    for (size_t i = 0; i < n; i++) {
        significant[i] = false;
        if (!isnan(p[i]))
            r[tests++] = (struct ranked){p[i], i};
    }
    qsort(r, tests, sizeof(*r), by_p);
    for (size_t i = 0; i < tests && r[i].p <= alpha / (double)(tests - i); i++)
        significant[r[i].i] = true;
    free(r);
    return tests;
}
