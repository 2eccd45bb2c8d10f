/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sizes of every stage: from history where there is some, else by flow.c's rules. */
#include <math.h>

#include "model/distinct.h"
#include "predict/internal.h"

/* Spread (standard deviation of the logarithm) of selectivities and widths from run to run. */
#define SPREAD_SIZES 0.05
/* Further spread of them per e-fold beyond the sizes seen. */
#define SIZES_DRIFT 0.1

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

/* Sums of floats keep their rounding errors; with more addends more sums need room for them
 * (engine/exact.h). 50 addends is where most did in the runs of `make calibrate`. */
#define WIDE_ADDENDS 50.0
/* Above about this size what is kept no longer stays in a core's own cache. */
#define CACHE_BYTES 1e6
/* Of a kept row beside its values: hash, chain, place of each text. */
#define ROW_BYTES 40.0

/* Sums, means and (twice) standard deviations of what is not known to be integers. */
static double float_sums(const struct stage *s)
{
    double n = 0;
    for (uint32_t i = 0; i < s->u.aggregate.n; i++) {
        const struct named_expr *e = &s->u.aggregate.measures[i];
        bool sum = e->measure == MEASURE_SUM || e->measure == MEASURE_MEAN;
        if (e->expr && expr_type(e->expr) == TYPE_INTEGER && sum)
            continue;
        n += sum ? 1 : e->measure == MEASURE_STDDEV ? 2 : 0;
    }
    return n;
}

static double misses(double lookups, double records, double bytes)
{
    return lookups * log2(1 + (bytes + records * ROW_BYTES) / CACHE_BYTES);
}

static void work_of_kept(const struct stage *s, const struct sizes *z, struct work *w)
{
    switch (s->op) {
    case OP_JOIN:
        w->f[F_MISSES] = misses(z->records_in + z->records_right, z->records_right, z->bytes_right);
        break;
    case OP_SORT:
        w->f[F_COMPARES] = z->records_in * log2(fmax(2, z->records_in));
        w->f[F_MISSES] = misses(z->records_in, z->records_in, z->bytes_in);
        break;
    case OP_AGGREGATE:
        w->f[F_STATES] = s->u.aggregate.n * z->records_out;
        w->f[F_WIDE] = z->records_out > 0
                           ? float_sums(s) * z->records_out *
                                 -expm1(-z->records_in / z->records_out / WIDE_ADDENDS)
                           : z->records_out;
        w->f[F_MISSES] = misses(z->records_in, z->records_out, z->bytes_out);
        for (uint32_t i = 0; i < s->u.aggregate.n; i++) {
            enum measure_kind m = s->u.aggregate.measures[i].measure;
            bool keeps = m == MEASURE_QUANTILE || m == MEASURE_DISTINCT;
            w->f[F_VALUES] += keeps ? z->records_in : 0;
        }
        break;
    case OP_DISTINCT:
        w->f[F_MISSES] = misses(z->records_in, z->records_out, z->bytes_out);
        break;
    default:
        break;
    }
}

struct work work_of(const struct stage *s, const struct sizes *z)
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
    w.f[F_PACKED_BYTES] = z->packed_bytes;
    double records = s->op == OP_WRITE ? z->records_in : z->records_out;
    double bytes = s->op == OP_WRITE ? z->bytes_in : z->bytes_out;
    w.f[F_BATCH_BYTES] = records > BATCH_ROWS ? bytes / records * BATCH_ROWS : bytes;
    w.f[F_QUEUED] = fmin(z->queued_bytes, (double)PIPELINE_QUEUE_BYTES);
    work_of_kept(s, z, &w);
    return w;
}

/* The sizes of an earlier run of stage i; NAN where they are not known. */
/* Marks what stage i gets its batches from while they still flow. */
static void mark_upstream(const struct pipeline *p, uint32_t i, bool *seen)
{
    if (seen[i])
        return;
    seen[i] = true;
    const struct stage *s = &p->stages[i];
    for (uint32_t k = 0; k < s->ninputs && s->op != OP_SORT && s->op != OP_AGGREGATE; k++)
        mark_upstream(p, s->inputs[k], seen);
}

void queued_stages(const struct pipeline *p, bool *queued)
{
    uint32_t n = p->nstages;
    bool *first = xmalloc(n + 1), *later = xmalloc(n + 1);
    memset(queued, 0, n * sizeof(*queued));
    for (uint32_t i = 0; i < n; i++) {
        const struct stage *s = &p->stages[i];
        for (uint32_t k = 1; (s->op == OP_JOIN || s->op == OP_UNION) && k < s->ninputs; k++) {
            bool common = false;
            memset(first, 0, n);
            memset(later, 0, n);
            mark_upstream(p, s->inputs[s->op == OP_JOIN ? 1 : k - 1], first);
            mark_upstream(p, s->inputs[s->op == OP_JOIN ? 0 : k], later);
            for (uint32_t j = 0; j < n; j++)
                common |= first[j] && later[j] && p->stages[j].ninputs == 0;
            for (uint32_t j = 0; j < n && common; j++)
                queued[j] |= later[j];
        }
    }
    free(first);
    free(later);
}

double queued_bytes(const struct stage *s, const struct sizes *z)
{
    return s->op == OP_READ ? z->bytes_in + z->bytes_out : z->bytes_out;
}

struct sizes sizes_then(const struct predictor *k, uint32_t run, uint32_t i)
{
    const struct stage *s = &k->p->stages[i];
    const struct past *past = history_at(&k->history, run, i);
    struct sizes z = {
        past->records_in, past->bytes_in, past->records_out, past->bytes_out, 0, 0, 0, 0};
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
    z.queued_bytes = k->queued[i] ? queued_bytes(s, &z) : 0;
    return z;
}

struct sizes sizes_now(const struct predictor *k, uint32_t i, bool high)
{
    const struct stage *s = &k->p->stages[i];
    const struct rec_stage_figures *f = &k->figures[i];
#define PICK(figure) (high ? (figure).p95 : (figure).p50)
    struct sizes z = {PICK(f->records_in),
                      PICK(f->bytes_in),
                      PICK(f->records_out),
                      PICK(f->bytes_out),
                      0,
                      0,
                      0,
                      0};
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
    z.queued_bytes = k->queued[i] ? queued_bytes(s, &z) : 0;
#undef PICK
    return z;
}

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

/* Groups do not grow with the records as selectivities do. Two explanations of an earlier run are
 * tried: there is a fixed number of values to draw from (states of a country), or there are more
 * with more records (orders, days). The truth is between; the distinct counts of the columns, where
 * they are known, say where, else the first is taken and p95 covers the second. */
static bool groups_from_history(struct predictor *k, uint32_t i, struct rec_figure *out)
{
    const struct stage *s = &k->p->stages[i];
    const struct flow *in = &k->flows[s->inputs[0]];
    const struct text_list *by = s->op == OP_DISTINCT ? &s->u.distinct.by : &s->u.aggregate.by;
    uint32_t n = 0, room = k->history.nruns + 1;
    double *fixed = xmalloc(room * sizeof(*fixed)), *linear = xmalloc(room * sizeof(*linear));
    double *w = xmalloc(room * sizeof(*w));
    for (uint32_t run = 0; run < k->history.nruns; run++) {
        const struct past *past = history_at(&k->history, run, i);
        if (!past->there || !past->same || !(past->records_in > 0) || !(past->records_out > 0))
            continue;
        double domain = model_distinct_domain(past->records_out, past->records_in);
        fixed[n] = model_distinct_expected(domain, in->records.p50);
        linear[n] = past->records_out * in->records.p50 / past->records_in;
        w[n++] = k->history.weight[run];
    }
    struct model_level f, l;
    bool ok = model_level_fit(fixed, w, n, SPREAD_SIZES, PRIOR_DF, &f) &&
              model_level_fit(linear, w, n, SPREAD_SIZES, PRIOR_DF, &l);
    free(fixed);
    free(linear);
    free(w);
    if (!ok)
        return false;
    double lo = fmin(f.p50, l.p50), hi = fmax(f.p50, l.p50);
    double mid = flow_groups(in, by, in->records.p50, true);
    double high = flow_groups(in, by, in->records.p95, false) * STATS_FACTOR;
    out->p50 = isnan(mid) ? f.p50 : fmin(hi, fmax(lo, mid));
    out->p95 = isnan(high) ? hi : fmin(hi, fmax(out->p50, high));
    out->p95 = fmax(out->p95, out->p50) * (model_level_p95(&f) / f.p50);
    out->p95 = fmin(in->records.p95, out->p95 * in->records.p95 / in->records.p50);
    return true;
}

/* How far the size of stage i's input is from those of earlier runs, in e-folds. */
static double size_distance(const struct predictor *k, uint32_t i, double records_in)
{
    double nearest = INFINITY;
    for (uint32_t run = 0; run < k->history.nruns; run++) {
        struct sizes z = sizes_then(k, run, i);
        if (history_at(&k->history, run, i)->there && z.records_in > 0 && records_in > 0)
            nearest = fmin(nearest, fabs(log(records_in / z.records_in)));
    }
    return isinf(nearest) ? 0 : nearest;
}

/* A stage that let nothing through in any of its runs: nothing again, and at p95 what the rule of
 * three (Hanley & Lippman-Hand 1983) leaves possible. */
static bool never_let_through(const struct predictor *k, uint32_t i, double records_in,
                              struct rec_figure *out)
{
    double seen = 0;
    for (uint32_t run = 0; run < k->history.nruns; run++) {
        const struct past *past = history_at(&k->history, run, i);
        if (!past->there || !past->same)
            continue;
        if (past->records_out != 0)
            return false;
        seen += sizes_then(k, run, i).records_in;
    }
    if (!(seen > 0))
        return false;
    *out = (struct rec_figure){0, ceil(fmin(1, 3 / seen) * records_in)};
    return true;
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
    bool shares =
        s->op == OP_FILTER || s->op == OP_JOIN || (s->op == OP_COMMAND && s->u.command.is_filter);
    if (shares && never_let_through(k, i, in[0]->records.p95, &groups)) {
        out->records = groups;
        k->size_why[i] = "nothing came through in earlier runs";
    } else if (grouped && groups_from_history(k, i, &groups)) {
        out->records = groups;
        k->size_why[i] = "groups as in earlier runs";
    } else if (shares && past_level(k, i, past_ratio, SPREAD_SIZES, &m)) {
        struct rec_figure base = in[0]->records;
        double share = s->op == OP_FILTER ? fmin(1, m.p50) : m.p50;
        double drift = model_t95(PRIOR_DF) * SIZES_DRIFT * size_distance(k, i, base.p50);
        double spread = factors_join(model_level_p95(&m) / m.p50, exp(drift));
        double p95 = base.p50 * share * factors_join(spread, base.p95 / fmax(base.p50, 1e-300));
        out->records = (struct rec_figure){base.p50 * share, p95};
        if (s->op == OP_FILTER)
            out->records.p95 = fmin(p95, base.p95);
        k->size_why[i] = arena_printf(k->a, "%.3g out for each in, as in earlier runs", share);
    }
    if (past_level(k, i, past_width_out, SPREAD_SIZES, &m))
        width = m.p50;
    out->bytes = figure_times(out->records, isnan(width) ? 0 : width);
}

void size_stage(struct predictor *k, uint32_t i)
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
    } else if (stage_is_outside(s)) {
        f->read_bytes = f->write_bytes = FIGURE_UNKNOWN;
    }
}
