/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The prediction of one pipeline: sizes down the graph, then costs from sizes. */
#include "predict/predict.h"

#include <math.h>

#include "model/distinct.h"
#include "predict/internal.h"

/* Runs shorter than this differ by what the system does meanwhile, not by their work: cold caches,
 * page faults, clock ticks. Errors count relative to the figure plus this. */
#define CPU_GRAIN_S 0.001
#define MEMORY_GRAIN 65536.0
/* Spread (standard deviation of the logarithm) of what is predicted from … */
#define SPREAD_RUNS 0.13    /* runs of the same stage: CPU time */
#define SPREAD_MEMORY 0.08  /* the same, peak memory, which depends on sizes alone */
#define SPREAD_EDITED 0.35  /* runs of the stage before it was edited */
#define SPREAD_SIMILAR 0.35 /* the same operation in other pipelines */
#define SPREAD_PRIOR 0.5    /* the table of priors */
#define SPREAD_COMMAND 1.4  /* the same for commands, which may do anything */
#define SPREAD_SIZES 0.05   /* selectivities and widths from run to run */
#define DRIFT 0.12          /* further spread per e-fold beyond the sizes seen */
#define PRIOR_DF 8.0        /* how many runs' worth of evidence those spreads are */
#define WALL_GRAIN_S 0.002

struct predictor {
    struct arena *a;
    const struct pipeline *p;
    const struct predict_options *o;
    struct history history;
    struct flow *flows;     /* per stage: what it hands on */
    struct source *sources; /* per stage: of reads */
    struct rec_stage_figures *figures;
    const char **size_why;
    uint32_t *cost_runs; /* per stage: runs its CPU time was fitted to */
    bool *cost_similar;
    double speed, scale;
    uint32_t nreads;
};

/* Sizes of a stage's work, predicted or as they once were. */
struct sizes {
    double records_in, bytes_in, records_out, bytes_out, records_right, bytes_right, packed_bytes;
};

static bool is_jq(const struct expr *e)
{
    return e && strcmp(expr_engine(e), "libjq") == 0;
}

static void count_exprs(const struct stage *s, double *vector, double *jq)
{
    *vector = *jq = 0;
    if (s->op == OP_FILTER) {
        *(is_jq(s->u.filter.expr) ? jq : vector) += 1;
    } else if (s->op == OP_DERIVE || s->op == OP_AGGREGATE) {
        const struct named_expr *e = s->op == OP_DERIVE ? s->u.derive.set : s->u.aggregate.measures;
        uint32_t n = s->op == OP_DERIVE ? s->u.derive.n : s->u.aggregate.n;
        for (uint32_t i = 0; i < n; i++)
            *(is_jq(e[i].expr) ? jq : vector) += 1;
    }
}

static struct work work_of(const struct stage *s, const struct sizes *z)
{
    struct work w = {0};
    double vector, jq;
    count_exprs(s, &vector, &jq);
    w.f[F_ONE] = 1;
    w.f[F_RECORDS_IN] = z->records_in;
    w.f[F_BYTES_IN] = z->bytes_in;
    w.f[F_RECORDS_OUT] = z->records_out;
    w.f[F_BYTES_OUT] = z->bytes_out;
    w.f[F_RECORDS_RIGHT] = z->records_right;
    w.f[F_BYTES_RIGHT] = z->bytes_right;
    w.f[F_EVALS] = vector * z->records_in;
    w.f[F_JQ_EVALS] = jq * z->records_in;
    w.f[F_JQ_PROGRAMS] = jq;
    w.f[F_COMPARES] = s->op == OP_SORT ? z->records_in * log2(fmax(2, z->records_in)) : 0;
    w.f[F_PACKED_BYTES] = z->packed_bytes;
    return w;
}

/* The sizes of an earlier run of stage i; NAN where they are not known. */
static struct sizes sizes_then(const struct predictor *k, uint32_t run, uint32_t i)
{
    const struct stage *s = &k->p->stages[i];
    const struct past *past = history_at(&k->history, run, i);
    struct sizes z = {
        past->records_in, past->bytes_in, past->records_out, past->bytes_out, 0, 0, 0};
    if (s->op == OP_JOIN) {
        const struct past *l = history_at(&k->history, run, s->inputs[0]);
        const struct past *r = history_at(&k->history, run, s->inputs[1]);
        z.records_in = l->there ? l->records_out : NAN;
        z.bytes_in = l->there ? l->bytes_out : NAN;
        z.records_right = r->there ? r->records_out : NAN;
        z.bytes_right = r->there ? r->bytes_out : NAN;
    }
    if (s->op == OP_READ)
        z.packed_bytes = k->sources[i].packed ? past->bytes_in : 0;
    if (s->op == OP_WRITE)
        z.packed_bytes = s->u.write.compress ? past->bytes_in : 0;
    return z;
}

static struct sizes sizes_now(const struct predictor *k, uint32_t i, bool high)
{
    const struct stage *s = &k->p->stages[i];
    const struct rec_stage_figures *f = &k->figures[i];
#define PICK(figure) (high ? (figure).p95 : (figure).p50)
    struct sizes z = {
        PICK(f->records_in), PICK(f->bytes_in), PICK(f->records_out), PICK(f->bytes_out), 0, 0, 0};
    if (s->op == OP_JOIN) {
        const struct flow *l = &k->flows[s->inputs[0]], *r = &k->flows[s->inputs[1]];
        z.records_in = PICK(l->records);
        z.bytes_in = PICK(l->bytes);
        z.records_right = PICK(r->records);
        z.bytes_right = PICK(r->bytes);
    }
    if (s->op == OP_READ)
        z.packed_bytes = k->sources[i].packed ? z.bytes_in : 0;
    if (s->op == OP_WRITE)
        z.packed_bytes = s->u.write.compress ? z.bytes_in : 0;
#undef PICK
    return z;
}

/* Two independent uncertainties, as factors, make one: their logarithms add in squares. */
static double factors_join(double f, double g)
{
    double lf = f > 1 ? log(f) : 0, lg = g > 1 ? log(g) : 0;
    return exp(sqrt(lf * lf + lg * lg));
}

/* -- sizes -- */

/* A size per unit, as it was in earlier runs: its level, or false when there is none. `of` gives
 * the value for one run, NAN when it has none. */
typedef double past_fn(const struct predictor *k, uint32_t run, uint32_t i);

static bool past_level(const struct predictor *k, uint32_t i, past_fn *of, double spread,
                       struct model_level *out)
{
    uint32_t n = 0;
    double *v = xmalloc((k->history.nruns + 1) * sizeof(*v));
    double *w = xmalloc((k->history.nruns + 1) * sizeof(*w));
    for (uint32_t run = 0; run < k->history.nruns; run++) {
        const struct past *past = history_at(&k->history, run, i);
        bool usable = past->there && (past->same || k->p->stages[i].op == OP_READ);
        if (usable && of(k, run, i) > 0) {
            v[n] = of(k, run, i);
            w[n++] = k->history.weight[run];
        }
    }
    bool ok = model_level_fit(v, w, n, spread, PRIOR_DF, out);
    free(v);
    free(w);
    return ok;
}

static struct rec_figure level_figure(const struct model_level *m)
{
    return (struct rec_figure){m->p50, model_level_p95(m)};
}

static double past_records(const struct predictor *k, uint32_t run, uint32_t i)
{
    return history_at(&k->history, run, i)->records_out;
}

static double past_source_bytes(const struct predictor *k, uint32_t run, uint32_t i)
{
    return history_at(&k->history, run, i)->bytes_in;
}

static double past_ratio(const struct predictor *k, uint32_t run, uint32_t i)
{
    struct sizes z = sizes_then(k, run, i);
    return z.records_in > 0 ? z.records_out / z.records_in : NAN;
}

static double past_width_out(const struct predictor *k, uint32_t run, uint32_t i)
{
    const struct past *past = history_at(&k->history, run, i);
    return past->records_out > 0 ? past->bytes_out / past->records_out : NAN;
}

static double past_write_ratio(const struct predictor *k, uint32_t run, uint32_t i)
{
    const struct past *past = history_at(&k->history, run, i);
    return past->bytes_in > 0 ? past->write_bytes / past->bytes_in : NAN;
}

static double past_read_ratio(const struct predictor *k, uint32_t run, uint32_t i)
{
    const struct past *past = history_at(&k->history, run, i);
    return past->bytes_in > 0 ? past->read_bytes / past->bytes_in : NAN;
}

/* Groups do not grow with the records as selectivities do: each earlier run tells how many values
 * there are to draw from, and so how many the coming one will show. */
static bool groups_from_history(struct predictor *k, uint32_t i, struct rec_figure *out)
{
    const struct stage *s = &k->p->stages[i];
    const struct flow *in = &k->flows[s->inputs[0]];
    uint32_t n = 0;
    double *mid = xmalloc((k->history.nruns + 1) * sizeof(*mid));
    double *high = xmalloc((k->history.nruns + 1) * sizeof(*high));
    double *w = xmalloc((k->history.nruns + 1) * sizeof(*w));
    for (uint32_t run = 0; run < k->history.nruns; run++) {
        const struct past *past = history_at(&k->history, run, i);
        if (!past->there || !past->same || !(past->records_in > 0) || !(past->records_out > 0))
            continue;
        double domain = model_distinct_domain(past->records_out, past->records_in);
        double grown = fmax(0, log(in->records.p50 / past->records_in));
        mid[n] = model_distinct_expected(domain, in->records.p50);
        /* Values that are not equally likely keep turning up (Heaps 1978: as a power of the records
         * seen, here the square root, from the size that was seen on). */
        high[n] = fmin(in->records.p95, fmax(model_distinct_expected(domain, in->records.p95),
                                             past->records_out * exp(grown / 2)));
        w[n++] = k->history.weight[run];
    }
    struct model_level m, h;
    bool ok = model_level_fit(mid, w, n, SPREAD_SIZES, PRIOR_DF, &m) &&
              model_level_fit(high, w, n, SPREAD_SIZES, PRIOR_DF, &h);
    if (ok)
        *out = (struct rec_figure){m.p50, fmin(in->records.p95, fmax(model_level_p95(&m), h.p50))};
    free(mid);
    free(high);
    free(w);
    return ok;
}

static void size_read(struct predictor *k, uint32_t i)
{
    const struct stage *s = &k->p->stages[i];
    struct source *src = &k->sources[i];
    struct model_level m;
    source_find(k->a, s, k->o, k->nreads, src);
    if (s->u.read.from_stage) {
        for (uint32_t w = 0; w < k->p->nstages; w++) {
            const struct stage *writer = &k->p->stages[w];
            if (writer->op != OP_WRITE || s->u.read.paths.n != 1 ||
                strcmp(writer->u.write.path, s->u.read.paths.items[0]) != 0)
                continue;
            src->records = k->flows[w].records;
            src->bytes = k->flows[w].bytes;
            src->packed = writer->u.write.compress != NULL;
            src->why = "what the stage before writes";
        }
    }
    if (isnan(src->records.p50) && past_level(k, i, past_records, 0.3, &m)) {
        src->records = level_figure(&m);
        src->why = "as in earlier runs";
        if (past_level(k, i, past_source_bytes, 0.3, &m))
            src->bytes = level_figure(&m);
    }
    if (!src->why)
        src->why = "no profile, no file and no history: unknown";
    if (!s->u.read.from_stage) { /* which is scaled already */
        src->records = figure_times(src->records, k->scale);
        src->bytes = figure_times(src->bytes, k->scale);
        src->stored_bytes *= k->scale;
    }
    k->size_why[i] = src->why;
    flow_source(k->a, s, src->profile, src->records, src->bytes, &k->flows[i]);
    struct rec_stage_figures *f = &k->figures[i];
    f->records_in = src->records;
    f->bytes_in = src->bytes;
    f->records_out = src->records;
}

static void size_command_source(struct predictor *k, uint32_t i)
{
    const struct stage *s = &k->p->stages[i];
    struct model_level m;
    struct flow *out = &k->flows[i];
    k->figures[i].records_in = k->figures[i].bytes_in = figure_exact(0);
    if (!s->u.command.is_source) { /* it only runs */
        out->records = out->bytes = figure_exact(0);
        k->size_why[i] = "no rows pass through it";
    } else if (past_level(k, i, past_records, 0.3, &m)) {
        out->records = figure_times(level_figure(&m), k->scale);
        k->size_why[i] = "as in earlier runs";
    } else {
        out->records = out->bytes = FIGURE_UNKNOWN;
        k->size_why[i] = "a command that never ran: unknown";
    }
}

static void size_through(struct predictor *k, uint32_t i)
{
    const struct stage *s = &k->p->stages[i];
    struct rec_stage_figures *f = &k->figures[i];
    const struct flow **in = ARENA_ARRAY(k->a, const struct flow *, s->ninputs);
    f->records_in = f->bytes_in = figure_exact(0);
    for (uint32_t n = 0; n < s->ninputs; n++) {
        in[n] = &k->flows[s->inputs[n]];
        f->records_in.p50 += in[n]->records.p50, f->records_in.p95 += in[n]->records.p95;
        f->bytes_in.p50 += in[n]->bytes.p50, f->bytes_in.p95 += in[n]->bytes.p95;
    }
    struct flow *out = &k->flows[i];
    flow_through(k->a, s, in, out, &k->size_why[i]);
    struct model_level m;
    double width = out->records.p50 > 0 ? out->bytes.p50 / out->records.p50 : flow_width(out);
    struct rec_figure groups;
    bool grouped = (s->op == OP_AGGREGATE && s->u.aggregate.by.n > 0) || s->op == OP_DISTINCT;
    if (grouped && groups_from_history(k, i, &groups)) {
        /* What the profile counted bounds what an extrapolation says. */
        double all =
            flow_groups(in[0], s->op == OP_DISTINCT ? &s->u.distinct.by : &s->u.aggregate.by,
                        in[0]->records.p95, false);
        if (!isnan(all) && all * 1.25 < groups.p95)
            groups.p95 = fmax(all * 1.25, groups.p50);
        out->records = groups;
        k->size_why[i] = "groups as in earlier runs";
    } else if ((s->op == OP_FILTER || s->op == OP_JOIN ||
                (s->op == OP_COMMAND && s->u.command.is_filter)) &&
               past_level(k, i, past_ratio, SPREAD_SIZES, &m)) {
        struct rec_figure base = in[0]->records;
        double share = s->op == OP_FILTER ? fmin(1, m.p50) : m.p50;
        double p95 = base.p50 * share *
                     factors_join(model_level_p95(&m) / m.p50, base.p95 / fmax(base.p50, 1e-300));
        out->records = (struct rec_figure){base.p50 * share, p95};
        if (s->op == OP_FILTER)
            out->records.p95 = fmin(p95, base.p95);
        k->size_why[i] = arena_printf(k->a, "%.3g out for each in, as in earlier runs", share);
    }
    if (past_level(k, i, past_width_out, SPREAD_SIZES, &m))
        width = m.p50;
    out->bytes = figure_times(out->records, isnan(width) ? 0 : width);
}

static void size_stage(struct predictor *k, uint32_t i)
{
    const struct stage *s = &k->p->stages[i];
    struct rec_stage_figures *f = &k->figures[i];
    struct model_level m;
    if (s->op == OP_READ)
        size_read(k, i);
    else if (s->ninputs == 0)
        size_command_source(k, i);
    else
        size_through(k, i);
    struct flow *out = &k->flows[i];
    if (s->op == OP_READ || s->ninputs == 0) {
        if (past_level(k, i, past_width_out, SPREAD_SIZES, &m))
            out->bytes = figure_times(out->records, m.p50);
    }
    f->records_out = s->op == OP_WRITE ? f->records_in : out->records;
    f->bytes_out = s->op == OP_WRITE ? f->bytes_in : out->bytes;
    f->read_bytes = f->write_bytes = figure_exact(0);
    if (s->op == OP_READ) {
        double stored = k->sources[i].stored_bytes;
        f->read_bytes = f->bytes_in;
        if (!isnan(stored) && !s->u.read.from_stage)
            f->read_bytes = figure_exact(stored);
        else if (past_level(k, i, past_read_ratio, SPREAD_SIZES, &m))
            f->read_bytes = figure_times(f->bytes_in, m.p50);
    } else if (s->op == OP_WRITE) {
        bool ran = past_level(k, i, past_write_ratio, SPREAD_SIZES, &m);
        f->write_bytes = figure_times(f->bytes_in, ran ? m.p50 : 1);
    } else if (s->op == OP_COMMAND) {
        f->read_bytes = f->write_bytes = FIGURE_UNKNOWN;
    }
}

/* -- costs -- */

struct cost {
    double grain, spread;
    double (*prior)(unsigned row, const struct work *w);
    double per_speed; /* what one unit of speed does to it: CPU time falls, memory does not */
    double (*past)(const struct past *p);
};

static double past_cpu(const struct past *p)
{
    return p->cpu_s;
}

static double past_memory(const struct past *p)
{
    return p->memory_bytes;
}

/* Fits the runs of stage i; how many there were. */
static uint32_t fit_runs(const struct predictor *k, uint32_t i, const struct cost *c,
                         struct model_line *line)
{
    const struct stage *s = &k->p->stages[i];
    unsigned row = prior_row_of(s);
    struct model_run *runs = xmalloc((k->history.nruns + 1) * sizeof(*runs));
    uint32_t n = 0;
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
        struct work w = work_of(s, &z);
        double x = c->prior(row, &w) / c->per_speed, y = c->past(past);
        if (isnan(x) || isnan(y))
            continue;
        runs[n++] = (struct model_run){x + c->grain, y + c->grain, k->history.weight[run]};
    }
    const struct model_line_prior prior = {
        .a_strength = 0.5,
        .b_strength = 0.01,
        .log_sd = same ? c->spread : SPREAD_EDITED,
        .df = PRIOR_DF,
        .drift = DRIFT,
    };
    model_line_fit(runs, n, &prior, line);
    free(runs);
    return n;
}

static struct rec_figure cost_of(struct predictor *k, uint32_t i, const struct cost *c,
                                 uint32_t *nruns, bool *similar)
{
    const struct stage *s = &k->p->stages[i];
    unsigned row = prior_row_of(s);
    struct sizes mid = sizes_now(k, i, false), high = sizes_now(k, i, true);
    struct work wm = work_of(s, &mid), wh = work_of(s, &high);
    double x = c->prior(row, &wm) / c->per_speed + c->grain;
    double xh = c->prior(row, &wh) / c->per_speed + c->grain;
    struct model_line line;
    *nruns = fit_runs(k, i, c, &line);
    *similar = false;
    if (*nruns == 0) {
        const struct similar *sim = &k->history.similar[s->op];
        bool cpu = c->past == past_cpu;
        struct model_level m;
        double spread = s->op == OP_COMMAND ? SPREAD_COMMAND : SPREAD_PRIOR;
        if (model_level_fit(cpu ? sim->cpu : sim->memory, NULL, cpu ? sim->ncpu : sim->nmemory,
                            SPREAD_SIMILAR, 2, &m) &&
            s->op != OP_COMMAND) {
            line.b = m.p50;
            line.log_sd = fmax(m.log_sd, SPREAD_SIMILAR);
            line.df = m.df;
            *similar = true;
        } else {
            line.log_sd = spread;
        }
        line.df = fmax(line.df, PRIOR_DF);
    }
    if (isnan(x))
        return FIGURE_UNKNOWN;
    double p50 = model_line_p50(&line, x);
    double f = factors_join(model_line_p95(&line, x) / p50, model_line_p50(&line, xh) / p50);
    struct rec_figure out = {fmax(0, p50 - c->grain), fmax(0, p50 * f - c->grain)};
    /* Below the grain the quotient of two runs says nothing: leave room for one of it. */
    out.p95 += c->grain;
    return out;
}

static void cost_stage(struct predictor *k, uint32_t i)
{
    struct rec_stage_figures *f = &k->figures[i];
    const struct cost cpu = {CPU_GRAIN_S, SPREAD_RUNS, prior_cpu_s, k->speed, past_cpu};
    const struct cost memory = {MEMORY_GRAIN, SPREAD_MEMORY, prior_memory_bytes, 1, past_memory};
    uint32_t n;
    bool similar;
    f->cpu_s = cost_of(k, i, &cpu, &k->cost_runs[i], &k->cost_similar[i]);
    f->peak_memory_bytes = cost_of(k, i, &memory, &n, &similar);
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

static void wall_stages(struct predictor *k)
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

/* -- the record -- */

static const char *stage_basis(const struct predictor *k, uint32_t i)
{
    if (k->cost_runs[i] > 0)
        return arena_printf(k->a, "history:%u runs", k->cost_runs[i]);
    return k->cost_similar[i] ? "similar" : "prior";
}

/* The weakest ground that any stage stands on. */
static const char *whole_basis(const struct predictor *k)
{
    uint32_t most = 0;
    bool similar = false;
    for (uint32_t i = 0; i < k->p->nstages; i++) {
        if (k->cost_runs[i] == 0 && !k->cost_similar[i])
            return "prior";
        similar |= k->cost_runs[i] == 0;
        most = k->cost_runs[i] > most ? k->cost_runs[i] : most;
    }
    if (similar || most == 0)
        return similar ? "similar" : "prior";
    return arena_printf(k->a, "history:%u runs", most);
}

static void quality_issues(struct predictor *k, struct rec_execution_profile *out)
{
    struct rec_issue *issues = NULL;
    uint32_t n = 0;
    for (uint32_t i = 0; i < k->p->nstages; i++) {
        const struct rec_profile *p = k->sources[i].profile;
        for (uint32_t q = 0; p && q < p->nissues; q++) {
            struct rec_issue *issue = ARENA_PUSH(k->a, issues, n);
            *issue = p->issues[q];
            double grown = p->records > 0 ? k->sources[i].records.p50 / p->records : 1;
            issue->count = floor(issue->count * (isnan(grown) ? 1 : grown) + 0.5);
            if (k->scale > 1)
                issue->first_line = p->issues[q].first_line;
        }
    }
    out->quality = issues;
    out->nquality = n;
}

static void record_fill(struct predictor *k, struct rec_execution_profile *out,
                        struct predict_note **notes)
{
    const struct pipeline *p = k->p;
    struct pipeline_complexity complexity;
    pipeline_complexity(p, &complexity);
    *out = (struct rec_execution_profile){
        .pipeline = p->name,
        .definition = p->definition,
        .base = p->base,
        .code_version = p->code_version,
        .mode = k->o->mode ? k->o->mode : "optimized",
        .joins = complexity.joins,
        .transformations = complexity.transformations,
        .depth = complexity.depth,
        .nstages = p->nstages,
        .basis = whole_basis(k),
    };
    struct rec_stage_figures *stages = ARENA_ARRAY(k->a, struct rec_stage_figures, p->nstages);
    struct predict_note *note = ARENA_ARRAY(k->a, struct predict_note, p->nstages);
    for (uint32_t i = 0; i < p->nstages; i++) {
        uint32_t at = p->order[i];
        stages[i] = k->figures[at];
        note[i] = (struct predict_note){stage_basis(k, at), k->size_why[at]};
        if (p->stages[at].op == OP_READ && !p->stages[at].u.read.from_stage) {
            out->volume_records.p50 += stages[i].records_in.p50;
            out->volume_records.p95 += stages[i].records_in.p95;
            out->volume_bytes.p50 += stages[i].bytes_in.p50;
            out->volume_bytes.p95 += stages[i].bytes_in.p95;
        }
    }
    out->stages = stages;
    if (notes)
        *notes = note;
    quality_issues(k, out);
}

bool predict_pipeline(struct arena *a, struct pipeline *p, const struct predict_options *o,
                      struct rec_execution_profile *out, struct predict_note **notes,
                      struct err *err)
{
    uint32_t n = p->nstages;
    struct predictor k = {
        .a = a,
        .p = p,
        .o = o,
        .flows = ARENA_ARRAY(a, struct flow, n),
        .sources = ARENA_ARRAY(a, struct source, n),
        .figures = ARENA_ARRAY(a, struct rec_stage_figures, n),
        .size_why = ARENA_ARRAY(a, const char *, n),
        .cost_runs = ARENA_ARRAY(a, uint32_t, n),
        .cost_similar = ARENA_ARRAY(a, bool, n),
        .speed = o->speed > 0 ? o->speed : 1,
        .scale = o->scale > 0 ? o->scale : 1,
    };
    if (!history_read(a, p, o->store, k.speed, &k.history, err))
        return false;
    for (uint32_t i = 0; i < n; i++)
        k.nreads += p->stages[i].op == OP_READ;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = p->order[i];
        k.figures[at].id = p->stages[at].id;
        k.figures[at].operation = op_name(p->stages[at].op);
        size_stage(&k, at);
    }
    for (uint32_t i = 0; i < n; i++)
        cost_stage(&k, i);
    wall_stages(&k);
    record_fill(&k, out, notes);
    return true;
}
