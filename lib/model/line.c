/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A robust line through few runs, held by a prior. */
#include "model/line.h"

#include <math.h>

#include "model/robust.h"

#define HUBER_K 1.345 /* 95 % efficiency at the normal (Holland & Welsch 1977) */
#define ITERATIONS 20

struct sums {
    double w, u, uu, r, ur; /* weights; u = 1/x scaled; r = y/x */
};

/* Minimises sum w (r - a u - b)^2 + ka a^2 + kb (b - 1)^2 with a, b >= 0. */
static void solve(const struct sums *s, double ka, double kb, double *a, double *b)
{
    double aa = s->uu + ka, bb = s->w + kb, ab = s->u, ra = s->ur, rb = s->r + kb;
    double det = aa * bb - ab * ab;
    *a = det > 0 ? (ra * bb - rb * ab) / det : 0;
    if (!(*a > 0))
        *a = 0;
    *b = bb > 0 ? (rb - ab * *a) / bb : 1;
    if (!(*b > 0)) {
        *b = 0;
        *a = aa > 0 && ra > 0 ? ra / aa : 0;
    }
}

static bool run_counts(const struct model_run *r)
{
    return r->x > 0 && r->y > 0 && r->weight > 0 && isfinite(r->x) && isfinite(r->y) &&
           isfinite(r->weight);
}

/* The scale of the residuals: from their median when there are enough, never below what the prior
 * says is ordinary, so that close fits do not turn ordinary runs into outliers. */
static double residual_scale(const struct model_run *runs, size_t n, double unit, double a,
                             double b, double floor_sd, double *tmp)
{
    size_t m = 0;
    for (size_t i = 0; i < n; i++) {
        if (run_counts(&runs[i]))
            tmp[m++] = fabs(runs[i].y / runs[i].x - a * unit / runs[i].x - b);
    }
    double scale = 1.482602218505602 * model_median(tmp, m);
    double least = floor_sd * (b > 0 ? b : 1);
    return scale > least ? scale : least;
}

static void log_residuals(const struct model_run *runs, size_t n,
                          const struct model_line_prior *prior, struct model_line *out)
{
    double squares = 0;
    for (size_t i = 0; i < n; i++) {
        if (!run_counts(&runs[i]))
            continue;
        double fitted = out->a + out->b * runs[i].x;
        double r = fitted > 0 ? log(runs[i].y / fitted) : 0;
        squares += runs[i].weight * r * r;
    }
    double df = prior->df + (out->n > 1 ? out->n - 1 : 0);
    out->log_sd = sqrt((prior->df * prior->log_sd * prior->log_sd + squares) / (df > 0 ? df : 1));
    out->df = df > 1 ? df : 1;
}

void model_line_fit(const struct model_run *runs, size_t n, const struct model_line_prior *prior,
                    struct model_line *out)
{
    *out = (struct model_line){.a = 0,
                               .b = 1,
                               .log_sd = prior->log_sd,
                               .df = prior->df > 1 ? prior->df : 1,
                               .drift = prior->drift};
    double unit = 0; /* a is sought in units of a typical x, so that its strength has a meaning */
    size_t m = 0;
    for (size_t i = 0; i < n; i++) {
        if (!run_counts(&runs[i]))
            continue;
        unit += log(runs[i].x);
        out->x_lo = m == 0 || runs[i].x < out->x_lo ? runs[i].x : out->x_lo;
        out->x_hi = runs[i].x > out->x_hi ? runs[i].x : out->x_hi;
        out->n += runs[i].weight;
        m++;
    }
    if (m == 0)
        return;
    unit = exp(unit / (double)m);
    double *tmp = xmalloc(n * sizeof(*tmp)), a = 0, b = 1, scale = INFINITY;
    for (int it = 0; it < ITERATIONS; it++) {
        struct sums s = {0};
        for (size_t i = 0; i < n; i++) {
            if (!run_counts(&runs[i]))
                continue;
            double u = unit / runs[i].x, r = runs[i].y / runs[i].x, e = fabs(r - a * u - b);
            double w = runs[i].weight * (e > HUBER_K * scale ? HUBER_K * scale / e : 1);
            s.w += w, s.u += w * u, s.uu += w * u * u, s.r += w * r, s.ur += w * u * r;
        }
        double a0 = a, b0 = b;
        solve(&s, prior->a_strength, prior->b_strength, &a, &b);
        scale = residual_scale(runs, n, unit, a, b, prior->log_sd, tmp);
        if (it > 0 && fabs(a - a0) <= 1e-9 * (a0 + b0) && fabs(b - b0) <= 1e-9 * (a0 + b0))
            break;
    }
    free(tmp);
    out->a = a * unit;
    out->b = b;
    log_residuals(runs, n, prior, out);
}

double model_line_p50(const struct model_line *l, double x)
{
    return l->a + l->b * x;
}

double model_line_p95(const struct model_line *l, double x)
{
    double s2 = l->log_sd * l->log_sd;
    if (l->n > 0) {
        s2 *= 1 + 1 / l->n;
        double nearest = x < l->x_lo ? l->x_lo : x > l->x_hi ? l->x_hi : x;
        double distance = x > 0 ? fabs(log(x / nearest)) : 0;
        s2 += l->drift * distance * l->drift * distance;
    }
    return model_line_p50(l, x) * exp(model_t95(l->df) * sqrt(s2));
}
