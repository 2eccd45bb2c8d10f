/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Time and memory of every stage from its sizes: a line through earlier runs, else other
 * pipelines' runs, else the priors. */
#include <math.h>

#include "predict/internal.h"

/* Spread (standard deviation of the logarithm) of what is predicted from …
 * Equal runs: `make eval-demo` measured 0.14 to 0.19 for CPU time in the median stage and 0.21 to
 * 0.28 in the worst (load 6 to 10 on two cores), 0 for the memory of built-in stages; memory has
 * what its size terms miss. The table of priors: by its own fit (priors_table.c) within a factor
 * of 1.2 to 3 on the reference machine. The others lie between the two by judgement; a command's
 * prior may be off by ten. */
#define SPREAD_RUNS 0.18    /* runs of the same stage: CPU time */
#define SPREAD_MEMORY 0.08  /* the same, peak memory */
#define SPREAD_TREES 0.25   /* of both, commands: other programs, looked at now and then */
#define SPREAD_EDITED 0.35  /* runs of the stage before it was edited */
#define SPREAD_SIMILAR 0.35 /* the same operation in other pipelines */
#define SPREAD_PRIOR 0.5    /* the table of priors */
/* Other pipelines' runs correct the table of priors by at most this factor: by its own fit it is
 * right within 3, and what differs by more says more about those pipelines than about this one. */
#define SIMILAR_FACTOR 3.0
#define SPREAD_COMMAND 1.4 /* the same for commands, which may do anything */
/* Further spread per e-fold beyond the sizes seen: chosen so that runs of a quarter and of four
 * times the size stay within p95 in `make eval-demo`, and p95 within 3 times the figure. */
#define DRIFT 0.15
#define WALL_GRAIN_S 0.002

/* Tables and vectors double as they grow: at sizes not seen yet what a stage keeps may be anywhere
 * between half full and full (a uniform logarithm over a factor of 2 has this spread), or briefly
 * both the old and the new. */
#define SPREAD_DOUBLING 0.25

struct cost {
    double grain, spread, doubling;
    double (*prior)(unsigned row, const struct work *w);
    double per_speed; /* what one unit of speed does to it: CPU time falls, memory does not */
    double (*past)(const struct past *p);
    bool narrow; /* as if no sum of floats needed more than a few words */
};

/* What a figure was fitted to. */
struct grounds {
    uint32_t nruns;
    bool similar;
    double level; /* of the runs over the prior */
};

static double past_cpu(const struct past *p)
{
    return p->cpu_s;
}

static double past_memory(const struct past *p)
{
    return p->memory_bytes;
}

/* The prior of a stage's cost, brought to the size of what was measured: fixed * prior's fixed part
 * + sized * the rest. Without this a prior that is far too low would drown in the grain, and size
 * would not count. */
struct level {
    double fixed, sized;
};

struct prior_parts {
    double fixed, sized;
};

static struct prior_parts prior_split(const struct stage *s, const struct sizes *z,
                                      const struct cost *c)
{
    unsigned row = prior_row_of(s);
    struct work w = work_of(s, z), once = {0};
    once.f[F_ONE] = w.f[F_ONE];
    once.f[F_JQ_PROGRAMS] = w.f[F_JQ_PROGRAMS];
    if (c->narrow)
        w.f[F_WIDE] = 0;
    double fixed = c->prior(row, &once) / c->per_speed;
    return (struct prior_parts){fixed, c->prior(row, &w) / c->per_speed - fixed};
}

static double prior_at(const struct prior_parts *p, const struct level *l, double grain)
{
    return l->fixed * p->fixed + l->sized * p->sized + grain;
}

/* Fixed parts are taken to be right within a factor of two; what is beyond goes with size. */
#define FIXED_FACTOR 2.0

static struct level level_of(const struct prior_parts *parts, const double *y, uint32_t n)
{
    struct level out = {1, 1};
    struct model_level m;
    double *ratio = xmalloc((n + 1) * sizeof(*ratio));
    for (uint32_t i = 0; i < n; i++)
        ratio[i] = y[i] / (parts[i].fixed + parts[i].sized);
    if (model_level_fit(ratio, NULL, n, 1, 1, &m))
        out = (struct level){m.p50, m.p50};
    if (out.fixed > FIXED_FACTOR) {
        for (uint32_t i = 0; i < n; i++)
            ratio[i] =
                parts[i].sized > 0 ? (y[i] - FIXED_FACTOR * parts[i].fixed) / parts[i].sized : NAN;
        if (model_level_fit(ratio, NULL, n, 1, 1, &m))
            out = (struct level){FIXED_FACTOR, m.p50};
    }
    free(ratio);
    return out;
}

/* Fits the runs of stage i; how many there were. */
static uint32_t fit_runs(const struct predictor *k, uint32_t i, const struct cost *c,
                         struct model_line *line, struct level *level)
{
    const struct stage *s = &k->p->stages[i];
    uint32_t n = 0, room = k->history.nruns + 1;
    struct model_run *runs = xmalloc(room * sizeof(*runs));
    struct prior_parts *parts = xmalloc(room * sizeof(*parts));
    double *y = xmalloc(room * sizeof(*y));
    bool same = false;
    for (uint32_t run = 0; run < k->history.nruns; run++) {
        const struct past *past = history_at(&k->history, run, i);
        same |= past->there && (past->same || s->op == OP_READ);
    }
    for (uint32_t run = 0; run < k->history.nruns; run++) {
        const struct past *past = history_at(&k->history, run, i);
        if (!past->there || (same && !past->same && s->op != OP_READ))
            continue;
        struct sizes z = sizes_then(k, run, i);
        parts[n] = prior_split(s, &z, c);
        y[n] = c->past(past);
        if (parts[n].sized >= 0 && y[n] >= 0)
            runs[n++].weight = k->history.weight[run];
    }
    *level = level_of(parts, y, n);
    for (uint32_t r = 0; r < n; r++) {
        runs[r].x = prior_at(&parts[r], level, c->grain);
        runs[r].y = y[r] + c->grain;
    }
    const struct model_line_prior prior = {
        .a_strength = 0.5,
        .b_strength = 0.01,
        .log_sd = same ? c->spread : SPREAD_EDITED,
        .df = PRIOR_DF,
        .drift = DRIFT,
    };
    model_line_fit(runs, n, &prior, line);
    free(parts);
    free(runs);
    free(y);
    return n;
}

static bool keeps_rows(enum op op)
{
    return op == OP_JOIN || op == OP_AGGREGATE || op == OP_SORT || op == OP_DISTINCT;
}

static struct rec_figure cost_of(struct predictor *k, uint32_t i, const struct cost *c,
                                 struct grounds *g)
{
    const struct stage *s = &k->p->stages[i];
    struct sizes mid = sizes_now(k, i, false), high = sizes_now(k, i, true);
    struct prior_parts pm = prior_split(s, &mid, c), ph = prior_split(s, &high, c);
    struct model_line line;
    struct level level;
    uint32_t nruns = fit_runs(k, i, c, &line, &level);
    *g = (struct grounds){nruns, false, level.sized};
    if (nruns == 0) {
        const struct similar *sim = &k->history.similar[s->op];
        bool cpu = c->past == past_cpu;
        struct model_level m;
        line.log_sd = stage_is_outside(s) ? SPREAD_COMMAND : SPREAD_PRIOR;
        if (!stage_is_outside(s) &&
            model_level_fit(cpu ? sim->cpu : sim->memory, NULL, cpu ? sim->ncpu : sim->nmemory,
                            SPREAD_SIMILAR, 2, &m)) {
            double by = fmin(fmax(m.p50, 1 / SIMILAR_FACTOR), SIMILAR_FACTOR);
            level = (struct level){by, by};
            line.log_sd = fmin(fmax(m.log_sd, SPREAD_SIMILAR), SPREAD_PRIOR);
            g->similar = true;
        }
        line.df = PRIOR_DF;
    }
    double x = prior_at(&pm, &level, c->grain), xh = prior_at(&ph, &level, c->grain);
    if (isnan(x) || isnan(k->figures[i].records_in.p50))
        return FIGURE_UNKNOWN;
    double p50 = model_line_p50(&line, x);
    double f = factors_join(model_line_p95(&line, x) / p50, model_line_p50(&line, xh) / p50);
    if (nruns > 0 && keeps_rows(s->op) && (x < line.x_lo * 0.99 || x > line.x_hi * 1.01))
        f = factors_join(f, exp(model_t95(PRIOR_DF) * c->doubling));
    struct rec_figure out = {fmax(0, p50 - c->grain), fmax(0, p50 * f - c->grain)};
    /* Below the grain the quotient of two runs says nothing: leave room for one of it. */
    out.p95 += c->grain;
    return out;
}

/* Whether sums of floats need room for their rounding errors depends on the data. What the runs
 * took tells: the explanation that is nearer to the prior is taken, the other one widens p95. */
static void wide_or_narrow(struct predictor *k, uint32_t i, const struct cost *memory,
                           const struct grounds *wide)
{
    struct rec_figure *f = &k->figures[i].peak_memory_bytes;
    struct cost narrow = *memory;
    struct grounds g;
    narrow.narrow = true;
    struct rec_figure other = cost_of(k, i, &narrow, &g);
    if (fabs(log(g.level)) < fabs(log(wide->level))) {
        struct rec_figure t = *f;
        *f = other, other = t;
    }
    f->p95 = fmax(f->p95, other.p50);
}

void cost_stage(struct predictor *k, uint32_t i)
{
    struct rec_stage_figures *f = &k->figures[i];
    bool command = stage_is_outside(&k->p->stages[i]);
    const struct cost cpu = {
        CPU_GRAIN_S, command ? SPREAD_TREES : SPREAD_RUNS, 0, prior_cpu_s, k->speed, past_cpu,
        false};
    const struct cost memory = {MEMORY_GRAIN,
                                command ? SPREAD_TREES : SPREAD_MEMORY,
                                SPREAD_DOUBLING,
                                prior_memory_bytes,
                                1,
                                past_memory,
                                false};
    struct grounds g;
    f->cpu_s = cost_of(k, i, &cpu, &g);
    k->cost_runs[i] = g.nruns;
    k->cost_similar[i] = g.similar;
    f->peak_memory_bytes = cost_of(k, i, &memory, &g);
    if (k->p->stages[i].op == OP_AGGREGATE && g.nruns > 0)
        wide_or_narrow(k, i, &memory, &g);
    f->peak_memory_bytes.p50 = floor(f->peak_memory_bytes.p50);
    f->peak_memory_bytes.p95 = ceil(f->peak_memory_bytes.p95);
}

/* -- wall time: built-in stages run on one thread, those of a segment in turn with each other, so
 *    each lasts as long as its segment's work -- */

/* Must see its input whole before it hands anything on: what follows is another segment. */
static bool is_blocking(const struct stage *s)
{
    return s->op == OP_SORT || s->op == OP_AGGREGATE;
}

static uint32_t segment_root(uint32_t *up, uint32_t i)
{
    while (up[i] != i)
        i = up[i] = up[up[i]];
    return i;
}

static void segments(const struct pipeline *p, uint32_t *segment)
{
    for (uint32_t i = 0; i < p->nstages; i++)
        segment[i] = i;
    for (uint32_t i = 0; i < p->nstages; i++) {
        const struct stage *s = &p->stages[i];
        for (uint32_t k = 0; k < s->ninputs; k++) {
            bool build = s->op == OP_JOIN && k == 1;
            if (!is_blocking(&p->stages[s->inputs[k]]) && !build)
                segment[segment_root(segment, i)] = segment_root(segment, s->inputs[k]);
        }
    }
    for (uint32_t i = 0; i < p->nstages; i++)
        segment[i] = segment_root(segment, i);
}

/* Sums of the stages' CPU seconds by segment: in one earlier run, NAN where one is not known. */
static void segment_sums(const struct predictor *k, const uint32_t *segment, uint32_t run,
                         double *sum)
{
    memset(sum, 0, k->p->nstages * sizeof(*sum));
    for (uint32_t i = 0; i < k->p->nstages; i++) {
        const struct past *past = history_at(&k->history, run, i);
        sum[segment[i]] += past->there ? past->cpu_s : NAN;
    }
}

static struct rec_figure wall_of(const struct model_run *runs, uint32_t nruns,
                                 struct rec_figure cpu)
{
    if (isnan(cpu.p50))
        return FIGURE_UNKNOWN;
    const struct model_line_prior prior = {
        .a_strength = 0.5,
        .b_strength = 0.01,
        .log_sd = nruns ? 2 * SPREAD_RUNS : SPREAD_PRIOR / 2,
        .df = PRIOR_DF,
        .drift = DRIFT,
    };
    struct model_line line;
    model_line_fit(runs, nruns, &prior, &line);
    double at = cpu.p50 + WALL_GRAIN_S, p50 = model_line_p50(&line, at);
    double f = factors_join(model_line_p95(&line, at) / p50, (cpu.p95 + WALL_GRAIN_S) / at);
    return (struct rec_figure){fmax(0, p50 - WALL_GRAIN_S), p50 * f};
}

void wall_stages(struct predictor *k)
{
    uint32_t n = k->p->nstages, nruns = k->history.nruns;
    uint32_t *segment = xmalloc((n + 1) * sizeof(*segment));
    struct rec_figure *sum = xcalloc(n + 1, sizeof(*sum));
    double *then = xmalloc(((size_t)nruns * n + 1) * sizeof(*then));
    struct model_run *runs = xmalloc((nruns + 1) * sizeof(*runs));
    segments(k->p, segment);
    for (uint32_t i = 0; i < n; i++) {
        sum[segment[i]].p50 += k->figures[i].cpu_s.p50;
        sum[segment[i]].p95 += k->figures[i].cpu_s.p95;
    }
    for (uint32_t run = 0; run < nruns; run++)
        segment_sums(k, segment, run, &then[(size_t)run * n]);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t m = 0;
        for (uint32_t run = 0; run < nruns; run++) {
            const struct past *past = history_at(&k->history, run, i);
            double cpu = then[(size_t)run * n + segment[i]];
            if (past->there && cpu >= 0 && past->wall_s >= 0)
                runs[m++] = (struct model_run){cpu + WALL_GRAIN_S, past->wall_s + WALL_GRAIN_S,
                                               k->history.weight[run]};
        }
        k->figures[i].wall_s = wall_of(runs, m, sum[segment[i]]);
    }
    free(segment);
    free(sum);
    free(then);
    free(runs);
}
