/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Totals, means and groups from clusters. See estimate.h. */
#include "sketch/estimate.h"

#include <math.h>

/* With so few pairs of units that have anything, their differences may be small by chance: then the
 * variance is at least that of units drawn one by one. */
#define PAIRS_FEW 8
/* The upper 95 % of a Poisson mean when none was seen is -ln 0.05. */
#define POISSON_NONE 3.0
#define Z90 1.6448536269514722

void estimate_frame_ready(struct estimate_frame *f)
{
    f->x_sum = f->dx2 = f->dx4 = 0;
    f->pairs = 0;
    for (size_t i = 0; i < ESTIMATE_UNITS; i += 2) {
        double d = f->x[i] - f->x[i + 1];
        f->x_sum += f->x[i] + f->x[i + 1];
        f->dx2 += d * d;
        f->pairs += f->x[i] + f->x[i + 1] > 0;
        f->dx4 += d * d * d * d;
    }
}

/* Variance of a sum of pairs in the making. */
struct spread {
    double squares, fourths; /* weighted with the frame's */
    double apart;            /* what the squares would be, were units independent */
    size_t pairs, present;
};

static double weight_of(const struct estimate_frame *f)
{
    return f->x_all / f->x_sum;
}

/* One pair of units of a frame that counts `w` times: their difference d, their own squares s. */
static void spread_pair(struct spread *v, double w2, double d, double s)
{
    double dd = w2 * d * d;
    v->squares += dd;
    v->fourths += dd * dd;
    v->apart += w2 * s;
    v->present++;
}

static double spread_df(const struct spread *v)
{
    double df = interval_freedom(v->squares, v->fourths, (double)v->pairs);
    return isfinite(df) ? df : 1;
}

/* What the pairs are expected to be like was fitted to those that have anything. */
static double spread_variance(const struct spread *v)
{
    double n = (double)v->present, squares = n > 1 ? v->squares * n / (n - 1) : v->squares;
    return v->present < PAIRS_FEW && v->apart > squares ? v->apart : squares;
}

/* The cells of the frame of the first one: how many, and sums of n and y. */
static size_t frame_cells(const struct estimate_cell *c, size_t n, double *sum_n, double *sum_y)
{
    size_t k = 0;
    for (*sum_n = *sum_y = 0; k < n && c[k].unit / ESTIMATE_UNITS == c->unit / ESTIMATE_UNITS;
         k++) {
        *sum_n += c[k].n;
        *sum_y += c[k].y;
    }
    return k;
}

/* Goes through the pairs of one frame; `r` x is what a unit is expected to have of it, `m` per n
 * likewise. */
static void frame_pairs(struct spread *v, const struct estimate_frame *f,
                        const struct estimate_cell *c, size_t n, bool count, double r, double m)
{
    double w2 = weight_of(f) * weight_of(f) * (1 - f->fraction);
    double dx2 = f->dx2, dx4 = f->dx4;
    for (size_t i = 0; i < n;) {
        uint32_t unit = c[i].unit % ESTIMATE_UNITS & ~UINT32_C(1);
        double z[2] = {-r * f->x[unit], -r * f->x[unit + 1]}, s = 0;
        for (uint32_t pair = c[i].unit / 2; i < n && c[i].unit / 2 == pair; i++) {
            double y = (count ? c[i].n : c[i].y) - m * c[i].n;
            z[c[i].unit & 1] += y;
            s += y * y;
        }
        spread_pair(v, w2, z[0] - z[1], s);
        double dx = f->x[unit] - f->x[unit + 1];
        dx2 -= dx * dx;
        dx4 -= dx * dx * dx * dx;
    }
    if (dx2 > 0 && r != 0) { /* pairs that have nothing of it */
        v->squares += w2 * r * r * dx2;
        v->fourths += dx4 > 0 ? w2 * w2 * r * r * r * r * dx4 : 0;
    }
    v->pairs += f->pairs;
}

/* The total T whose squared distance from `value` is t^2 V(T), where the variance V has the slope
 * `slope` (0: Wald). */
static struct interval around(double value, double variance, double slope, double t)
{
    double most = sqrt(variance) / t; /* beyond, all that is left would be within */
    slope = slope < -most ? -most : slope;
    double mid = slope * t * t / 2, half = t * sqrt(variance + slope * slope * t * t / 4);
    return (struct interval){value + mid - half, value + mid + half};
}

/* Of a total that is never negative, and (`all` finite) a part of `all`. */
static double slope_of(double value, double variance, double all)
{
    double rest = all - value;
    if (!(value > 0) || (isfinite(all) && rest <= value * 1e-6)) /* all of it: no part */
        return 0;
    return variance / value - (rest > 0 && isfinite(all) ? variance / rest : 0);
}

static struct estimate total_of(const struct estimate_frame *f, const struct estimate_cell *cells,
                                size_t n, double whole, bool positive, bool count)
{
    struct spread v = {0};
    double value = 0, all = 0, certain = whole;
    for (size_t i = 0, k; i < n; i += k) {
        const struct estimate_frame *at = &f[cells[i].unit / ESTIMATE_UNITS];
        double sum_n, sum_y;
        k = frame_cells(cells + i, n - i, &sum_n, &sum_y);
        double y = count ? sum_n : sum_y;
        if (!(at->x_sum > 0))
            return ESTIMATE_NONE;
        value += weight_of(at) * y;
        all += count && at->records > 0 ? weight_of(at) * at->records : INFINITY;
        frame_pairs(&v, at, cells + i, k, count, y / at->x_sum, 0);
        certain += count ? y : 0;
    }
    double t = interval_t(n ? spread_df(&v) : INFINITY), variance = spread_variance(&v);
    struct interval i = around(value, variance, positive ? slope_of(value, variance, all) : 0, t);
    if (n == 0 && f) /* it may be in what was not seen: as one record counts */
        i.hi = t * t * weight_of(f) * (1 - f->fraction);
    if (positive && i.lo < 0)
        i.lo = 0;
    i.lo += whole;
    i.hi += whole;
    if (count && i.lo < certain)
        i.lo = certain;
    return (struct estimate){value + whole, i};
}

struct estimate estimate_total(const struct estimate_frame *f, const struct estimate_cell *cells,
                               size_t n, double whole, bool positive)
{
    return total_of(f, cells, n, whole, positive, false);
}

struct estimate estimate_count(const struct estimate_frame *f, const struct estimate_cell *cells,
                               size_t n, double whole)
{
    return total_of(f, cells, n, whole, true, true);
}

struct estimate estimate_mean(const struct estimate_frame *f, const struct estimate_cell *cells,
                              size_t n, double whole_y, double whole_n)
{
    double y = whole_y, all = whole_n, units = 0;
    for (size_t i = 0, k; i < n; i += k) {
        const struct estimate_frame *at = &f[cells[i].unit / ESTIMATE_UNITS];
        double sum_n, sum_y;
        k = frame_cells(cells + i, n - i, &sum_n, &sum_y);
        y += weight_of(at) * sum_y;
        all += weight_of(at) * sum_n;
        for (size_t j = i; j < i + k; j++)
            units += cells[j].n > 0;
    }
    struct estimate e = {y / all, INTERVAL_NONE};
    if (!(all > 0))
        return ESTIMATE_NONE;
    if (units == 0) {
        e.within = (struct interval){e.value, e.value}; /* all of it was read */
        return e;
    }
    if (units < 2)
        return e;
    struct spread v = {0};
    for (size_t i = 0, k; i < n; i += k) {
        double sum_n, sum_y;
        k = frame_cells(cells + i, n - i, &sum_n, &sum_y);
        frame_pairs(&v, &f[cells[i].unit / ESTIMATE_UNITS], cells + i, k, false, 0, e.value);
    }
    double se = sqrt(spread_variance(&v)) / all;
    double df = spread_df(&v), half = interval_t(df < units - 1 ? df : units - 1) * se;
    e.within = (struct interval){e.value - half, e.value + half};
    return e;
}

struct estimate estimate_groups(double seen, double once, double twice, double units,
                                double fraction)
{
    if (!(seen >= 0) || !(fraction > 0))
        return ESTIMATE_NONE;
    double rest = 1 - fraction, unseen = 0;
    if (once > 0 && units > 1)
        unseen = once * once / (units / (units - 1) * 2 * twice + fraction / rest * once);
    double once_hi = once + Z90 * sqrt(once) + POISSON_NONE;
    double hi = seen + once_hi * rest / fraction;
    if (unseen > hi - seen)
        unseen = hi - seen;
    return (struct estimate){seen + unseen, {seen, hi}};
}
