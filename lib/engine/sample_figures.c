/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From what the stages took on a sample to what they will take on all: records by the tallies,
 * bytes with records, CPU time with records behind the first batch, memory with what is kept. */
#include "engine/sample_int.h"

#include <math.h>
#include <string.h>

/* The upper end of 95 % on both sides to that of 95 % on one. */
#define ONE_SIDE (1.6448536269514722 / 1.959963984540054)
/* p95 of CPU time over p50, beside what records leave open: equal runs of a stage differ by a
 * standard deviation of 0.18 in the logarithm (predict/cost.c), and 1 % of a run has seen the
 * tables of an aggregate or a join neither full nor out of the caches: 0.25 in all. */
#define CPU_FACTOR 1.51
/* What is kept grows by doubling: at a size not seen it may be half as much again. */
#define KEPT_FACTOR 1.5
/* Bytes that the hidden unit adds to a record (engine_batch_bytes). */
#define UNIT_BYTES 9.0

struct guess {
    double mid, lo, hi;
};
static const struct guess unknown = {(double)NAN, (double)NAN, (double)NAN};

struct sizes {
    struct guess in, out, bytes_in, bytes_out;
};

struct reporter {
    struct sample_run *r;
    bool *cut;                       /* by stage of p: a limit behind it may end it early */
    const struct engine_stage **ran; /* by stage of p; NULL: did not run */
    const uint32_t *at;              /* … and its index in q */
    struct sizes *sizes;
};

static struct guess of_estimate(struct estimate e)
{
    struct guess g = {e.value, e.within.lo, e.within.hi};
    if (isnan(g.lo))
        g.lo = 0;
    return isnan(g.mid) ? unknown : g;
}

static struct guess times(struct guess g, double k)
{
    return (struct guess){g.mid * k, g.lo * k, g.hi * k};
}

static struct guess plus(struct guess a, struct guess b)
{
    /* Of independent inputs the squares of the errors would add; these may not be independent. */
    return (struct guess){a.mid + b.mid, a.lo + b.lo, a.hi + b.hi};
}

static struct guess exactly(double v)
{
    return (struct guess){v, v, v};
}

static struct guess at_most(struct guess g, double most)
{
    if (isnan(g.mid))
        return g;
    return (struct guess){fmin(g.mid, most), fmin(g.lo, most), fmin(g.hi, most)};
}

static struct guess per(double many, double of, struct guess all)
{
    return of > 0 ? times(all, many / of) : many == 0 ? all : unknown;
}

/* Records of the sample that a stage handed on; a read may have passed by more. */
static double rows_behind(const struct reporter *k, uint32_t i)
{
    const struct sample_run *r = k->r;
    if (r->source_of[i] >= 0) {
        const struct sample_source *src = &r->sources[r->source_of[i]];
        if (src->method == SAMPLE_KEY || src->method == SAMPLE_RECORDS)
            return r->frames[src->frame].x_sum;
    }
    return k->ran[i]->used.records_out.p50;
}

/* By its tally. A filter that keeps all of a sample may drop some of all, a join may find other
 * partners: as many as a sample without any such record leaves open. */
static struct guess tallied(const struct reporter *k, uint32_t i)
{
    enum op op = k->r->p->stages[i].op;
    struct estimate e = sample_tally_records(k->r, &k->r->tallies[k->r->stages[i].tally]);
    struct guess g = of_estimate(e);
    double in = op == OP_FILTER || op == OP_JOIN ? rows_behind(k, k->r->p->stages[i].inputs[0])
                                                 : (double)NAN;
    if (in != k->ran[i]->used.records_out.p50)
        return g;
    double open = estimate_count(k->r->frames, NULL, 0, 0).within.hi;
    g.lo = fmax(0, g.lo - open);
    g.hi += op == OP_JOIN ? open : 0;
    return g;
}

static struct guess records_out(struct reporter *k, uint32_t i, struct guess in)
{
    const struct sample_run *r = k->r;
    const struct stage *s = &r->p->stages[i];
    const struct sample_stage *st = &r->stages[i];
    const struct rec_stage_figures *u = &k->ran[i]->used;
    if (st->grade == GRADE_EXACT)
        return exactly(u->records_out.p50);
    if (st->forgiven)
        return unknown;
    if (st->tally >= 0 && s->op != OP_WRITE)
        return tallied(k, i);
    if (s->op == OP_AGGREGATE && s->u.aggregate.by.n == 0)
        return exactly(1);
    if (st->groups >= 0) {
        struct guess g = of_estimate(sample_tally_groups(r, &r->tallies[st->groups]));
        return isnan(in.hi) ? g : at_most(g, in.hi);
    }
    if (s->op == OP_LIMIT)
        return at_most(in, (double)s->u.limit.count);
    bool passes = s->op == OP_DERIVE || s->op == OP_SELECT || s->op == OP_RENAME ||
                  s->op == OP_SORT || s->op == OP_WRITE;
    if (passes)
        return in;
    if (st->by_join)
        return unknown;
    return per(u->records_out.p50, u->records_in.p50, in);
}

static void size_read(struct reporter *k, uint32_t i, struct sizes *z)
{
    const struct sample_run *r = k->r;
    const struct sample_source *src = &r->sources[r->source_of[i]];
    const struct rec_stage_figures *u = &k->ran[i]->used;
    z->out = records_out(k, i, unknown);
    if (src->method == SAMPLE_BLOCKS) {
        double all = 0;
        for (uint32_t p = 0; p < r->p->stages[i].u.read.paths.n; p++)
            all += (double)src->blocks[p].size;
        z->bytes_in = exactly(all);
        z->in = per(u->records_in.p50, u->records_out.p50, z->out);
        z->bytes_out = of_estimate(sample_tally_bytes(r, &r->tallies[r->stages[i].tally]));
    } else { /* all of it went by */
        z->bytes_in = exactly(u->bytes_in.p50);
        z->in = exactly(u->records_in.p50);
        z->out = exactly(u->records_out.p50);
        z->bytes_out = exactly(u->bytes_out.p50);
    }
    if (src->method != SAMPLE_WHOLE && !src->ended)
        z->in = z->out = z->bytes_in = z->bytes_out = unknown;
}

static void size_stage(struct reporter *k, uint32_t i)
{
    const struct stage *s = &k->r->p->stages[i];
    struct sizes *z = &k->sizes[i];
    *z = (struct sizes){unknown, unknown, unknown, unknown};
    if (!k->ran[i])
        return;
    if (s->op == OP_READ) {
        size_read(k, i, z);
        return;
    }
    z->in = z->bytes_in = exactly(0);
    for (uint32_t n = 0; n < s->ninputs; n++) {
        /* Of what a read has read only the sample's part comes here; all of it would. */
        z->in = plus(z->in, k->sizes[s->inputs[n]].out);
        z->bytes_in = plus(z->bytes_in, k->sizes[s->inputs[n]].bytes_out);
    }
    const struct rec_stage_figures *u = &k->ran[i]->used;
    z->out = records_out(k, i, z->in);
    double rows = u->records_out.p50, bytes = u->bytes_out.p50;
    if (s->op != OP_WRITE && k->r->stages[i].unit)
        bytes -= UNIT_BYTES * rows;
    z->bytes_out = k->r->stages[i].grade == GRADE_EXACT ? exactly(bytes) : per(bytes, rows, z->out);
    if (s->op != OP_WRITE && k->r->stages[i].tally >= 0)
        z->bytes_out = of_estimate(sample_tally_bytes(k->r, &k->r->tallies[k->r->stages[i].tally]));
    if (s->op != OP_WRITE && k->r->stages[i].hidden && s->op != OP_AGGREGATE)
        z->bytes_out = unknown; /* who knows the bounds' share of it */
}

/* Would a limit behind it end the stage before its input ends? Then what it takes is not known. */
static bool is_cut(const struct reporter *k, uint32_t i)
{
    const struct pipeline *p = k->r->p;
    uint32_t n;
    const uint32_t *next = pipeline_consumers(p, i, &n);
    bool all = n > 0;
    for (uint32_t c = 0; all && c < n; c++) {
        const struct stage *s = &p->stages[next[c]];
        bool streams = s->op == OP_FILTER || s->op == OP_DERIVE || s->op == OP_SELECT ||
                       s->op == OP_RENAME || s->op == OP_UNION || s->op == OP_DISTINCT ||
                       (s->op == OP_JOIN && s->inputs[0] == i && s->inputs[1] != i);
        bool limit = s->op == OP_LIMIT && !(k->sizes[next[c]].in.hi < (double)s->u.limit.count);
        all = limit || (streams && k->cut[next[c]]);
    }
    return all;
}

static void cut_short(struct reporter *k)
{
    const struct pipeline *p = k->r->p;
    for (uint32_t m = p->nstages; m-- > 0;) {
        uint32_t i = p->order[m];
        k->cut[i] = is_cut(k, i) && k->r->stages[i].grade != GRADE_EXACT && k->ran[i];
    }
    for (uint32_t i = 0; i < p->nstages; i++) {
        const struct stage *s = &p->stages[i];
        struct sizes *z = &k->sizes[i];
        if (k->cut[i]) {
            *z = (struct sizes){unknown, unknown, unknown, unknown};
            if (!k->r->stages[i].why)
                k->r->stages[i].why = "a limit behind it may end it early";
        }
        for (uint32_t c = 0; c < s->ninputs; c++) {
            if (k->cut[s->inputs[c]])
                z->in = z->bytes_in = unknown;
        }
    }
}

/* Groups of a sample, and what came of them, have sizes of the sample's own: a guess. */
static bool is_guess(const struct reporter *k, uint32_t i)
{
    const struct stage *s = &k->r->p->stages[i];
    const struct sample_stage *st = &k->r->stages[i];
    if (st->grade <= GRADE_SAMPLE || st->groups >= 0)
        return false;
    if (s->op == OP_LIMIT && k->r->stages[s->inputs[0]].grade == GRADE_SAMPLE)
        return false;
    bool passes = s->op == OP_DERIVE || s->op == OP_SELECT || s->op == OP_RENAME ||
                  s->op == OP_SORT || s->op == OP_WRITE;
    return !passes || is_guess(k, s->inputs[0]);
}

/* -- time and memory -- */

static struct rec_figure figure(struct guess g, double factor)
{
    double hi = isnan(g.hi) ? g.mid : g.mid + (g.hi - g.mid) * ONE_SIDE;
    return (struct rec_figure){g.mid, fmax(hi, g.mid) * factor};
}

/* What grows with records: of n, as many as `all`; a sort's comparisons are n log n. */
static double growth(enum op op, double n, double all)
{
    double k = all / n;
    return op == OP_SORT && n > 1 && all > 1 ? k * log2(all) / log2(n) : k;
}

static struct guess cpu_of(const struct reporter *k, uint32_t i)
{
    const struct sizes *z = &k->sizes[i];
    const struct rec_stage_figures *u = &k->ran[i]->used;
    double cpu = u->cpu_s.p50, n = u->records_in.p50, fixed = 0;
    enum op op = k->r->p->stages[i].op;
    if (k->r->stages[i].grade == GRADE_EXACT)
        return exactly(cpu);
    const struct sample_mark *m = k->r->marks ? &k->r->marks[k->at[i]] : NULL;
    if (m && n >= 2 * (double)m->records_in) {
        fixed = fmin(m->cpu_s, cpu);
        n -= (double)m->records_in;
    }
    double first = u->records_in.p50 - n; /* that went with the fixed part */
    if (!(n > 0))
        return exactly(cpu);
    struct guess g = {
        fixed + (cpu - fixed) * growth(op, n, z->in.mid - first),
        fixed + (cpu - fixed) * growth(op, n, z->in.lo - first),
        fixed + (cpu - fixed) * growth(op, n, z->in.hi - first),
    };
    return g;
}

static bool keeps_values(const struct stage *s)
{
    for (uint32_t k = 0; s->op == OP_AGGREGATE && k < s->u.aggregate.n; k++) {
        enum measure_kind m = s->u.aggregate.measures[k].measure;
        if (m == MEASURE_QUANTILE || m == MEASURE_DISTINCT)
            return true;
    }
    return false;
}

static struct rec_figure memory_of(const struct reporter *k, uint32_t i)
{
    const struct stage *s = &k->r->p->stages[i];
    const struct sizes *z = &k->sizes[i];
    const struct rec_stage_figures *u = &k->ran[i]->used;
    double peak = u->peak_memory_bytes.p50;
    struct guess grows = exactly(1);
    if (k->r->stages[i].grade == GRADE_EXACT)
        return (struct rec_figure){peak, peak};
    if (s->op == OP_SORT || keeps_values(s))
        grows = per(1, u->records_in.p50, z->in);
    else if (s->op == OP_AGGREGATE || s->op == OP_DISTINCT)
        grows = per(1, u->records_out.p50, z->out);
    else if (s->op == OP_JOIN) /* keeps its right side */
        grows = per(1, rows_behind(k, s->inputs[1]), k->sizes[s->inputs[1]].out);
    else
        return (struct rec_figure){peak, peak};
    struct rec_figure f = figure(times(grows, peak), 1);
    return (struct rec_figure){fmax(f.p50, peak), fmax(f.p95, peak) * KEPT_FACTOR};
}

static struct rec_stage_figures figures_of(const struct reporter *k, uint32_t i,
                                           struct rec_figure wall)
{
    const struct stage *s = &k->r->p->stages[i];
    const struct sizes *z = &k->sizes[i];
    const struct rec_figure none = {(double)NAN, (double)NAN};
    struct rec_stage_figures f = {s->id, op_name(s->op), none, none, none, none,
                                  none,  none,           none, none, none};
    if (!k->ran[i])
        return f;
    const struct rec_stage_figures *u = &k->ran[i]->used;
    bool exact = k->r->stages[i].grade == GRADE_EXACT;
    f.records_in = figure(z->in, 1);
    f.records_out = figure(z->out, 1);
    f.bytes_in = figure(z->bytes_in, 1);
    f.bytes_out = figure(z->bytes_out, 1);
    f.cpu_s = figure(cpu_of(k, i), CPU_FACTOR);
    f.wall_s = exact ? (struct rec_figure){u->wall_s.p50, u->wall_s.p50 * CPU_FACTOR} : wall;
    if (isnan(z->in.mid))
        f.wall_s = f.cpu_s = none;
    f.peak_memory_bytes = memory_of(k, i);
    f.read_bytes =
        s->op == OP_READ && !exact && k->r->sources[k->r->source_of[i]].method == SAMPLE_BLOCKS
            ? f.bytes_in
            : u->read_bytes;
    f.write_bytes = s->op == OP_WRITE ? f.bytes_out : u->write_bytes;
    return f;
}

/* The stages that depend on the sample take turns on one thread: each lasts as long as all. */
static struct rec_figure turns(const struct reporter *k)
{
    struct rec_figure sum = {0, 0};
    for (uint32_t i = 0; i < k->r->p->nstages; i++) {
        if (!k->ran[i] || k->r->stages[i].grade == GRADE_EXACT || isnan(k->sizes[i].in.mid))
            continue;
        struct rec_figure f = figure(cpu_of(k, i), CPU_FACTOR);
        sum.p50 += f.p50;
        sum.p95 += f.p95;
    }
    return sum;
}

/* -- records -- */

static struct rec_interval within(struct guess g)
{
    return (struct rec_interval){floor(g.lo), ceil(g.hi)};
}

/* A key before it that does not do, in words; or NULL. */
static const char *weak_key(const struct sample_run *r, uint32_t i)
{
    const struct stage *s = &r->p->stages[i];
    const char *why = NULL;
    if (r->source_of[i] >= 0 && r->sources[r->source_of[i]].few_keys)
        return "the values of the key it was sampled by are too few, or one has too many records";
    for (uint32_t n = 0; n < s->ninputs && !why; n++)
        why = weak_key(r, s->inputs[n]);
    return why;
}

static void fill_profile(const struct reporter *k, struct sample_result *out)
{
    struct sample_run *r = k->r;
    struct pipeline *p = r->p;
    struct pipeline_complexity c;
    pipeline_complexity(p, &c);
    struct rec_stage_figures *stages = ARENA_ARRAY(r->a, struct rec_stage_figures, p->nstages);
    struct rec_sample_stage *samples = ARENA_ARRAY(r->a, struct rec_sample_stage, p->nstages);
    struct rec_figure records = {0, 0}, bytes = {0, 0};
    struct rec_figure wall = turns(k);
    for (uint32_t i = 0; i < p->nstages; i++) {
        const struct sizes *z = &k->sizes[i];
        stages[i] = figures_of(k, i, wall);
        bool guess = is_guess(k, i);
        bool rough = r->stages[i].grade > GRADE_SAMPLE ||
                     (p->stages[i].op == OP_WRITE && r->stages[i].grade == GRADE_SAMPLE);
        bool guess_in = false, rough_in = false;
        for (uint32_t n = 0; n < p->stages[i].ninputs; n++) {
            guess_in |= is_guess(k, p->stages[i].inputs[n]);
            rough_in |= r->stages[p->stages[i].inputs[n]].grade > GRADE_SAMPLE;
        }
        samples[i] =
            (struct rec_sample_stage){NULL,
                                      NULL,
                                      (double)NAN,
                                      within(guess_in ? unknown : z->in),
                                      within(guess ? unknown : z->out),
                                      within(rough_in ? unknown : z->bytes_in),
                                      within(rough ? unknown : z->bytes_out),
                                      r->stages[i].why ? r->stages[i].why : weak_key(r, i)};
        if (r->source_of[i] < 0)
            continue;
        const struct sample_source *src = &r->sources[r->source_of[i]];
        samples[i].method = sample_method_name(src->method);
        samples[i].key = src->key;
        samples[i].fraction = src->method == SAMPLE_WHOLE ? 1 : r->frames[src->frame].fraction;
        records.p50 += stages[i].records_in.p50;
        records.p95 += stages[i].records_in.p95;
        bytes.p50 += stages[i].bytes_in.p50;
        bytes.p95 += stages[i].bytes_in.p95;
    }
    out->profile = (struct rec_execution_profile){
        .pipeline = p->name,
        .definition = p->definition,
        .base = p->base,
        .code_version = p->code_version,
        .mode = "sampling",
        .volume_records = records,
        .volume_bytes = bytes,
        .joins = c.joins,
        .transformations = c.transformations,
        .depth = c.depth,
        .stages = stages,
        .nstages = p->nstages,
        .basis = arena_printf(r->a, "sample:%g%%", r->o->rate * 100),
        .sample_rate = r->o->rate,
        .sample_seed = (double)r->o->seed,
        .samples = samples,
    };
}

/* Were rows left out before, because an expression fails on a figure that is not known? */
static bool left_out(const struct sample_run *r, uint32_t i)
{
    const struct stage *s = &r->p->stages[i];
    bool any = r->stages[i].forgiven;
    for (uint32_t n = 0; n < s->ninputs && !any; n++)
        any = left_out(r, s->inputs[n]);
    return any;
}

static void fill_outputs(const struct reporter *k, struct sample_result *out)
{
    struct sample_run *r = k->r;
    for (uint32_t i = 0; i < r->p->nstages; i++) {
        const struct stage *s = &r->p->stages[i];
        if (s->op != OP_WRITE)
            continue;
        const struct sample_stage *st = &r->stages[i];
        const struct guess *n = &k->sizes[i].out;
        struct rec_estimate *e = ARENA_PUSH(r->a, out->outputs, out->noutputs);
        *e = (struct rec_estimate){
            .pipeline = r->p->name,
            .stage = s->id,
            .output = strcmp(s->u.write.path, "-") == 0
                          ? "-"
                          : arena_printf(r->a, "file:%s", s->u.write.path),
            .sample_rate = r->o->rate,
            .sample_seed = (double)r->o->seed,
            .exact = st->grade == GRADE_EXACT,
            .records = n->mid,
            .records_interval = within(*n),
            .rows_left = 0,
            .why = st->why ? st->why : weak_key(r, i),
        };
        if (r->rows) {
            e->rows = arena_slice(r->a, buf_slice(&r->rows[i].text));
            e->rows_left = (double)r->rows[i].left;
        }
        if (!e->why && left_out(r, i))
            e->why = "rows are left out for which an expression needs a figure that is not known";
        if (!e->why && !e->rows.len && !(st->aggregated && st->grade <= GRADE_ESTIMATE))
            e->why = "its rows are no aggregate: only their number is told";
    }
}

void sample_report(struct sample_run *r, const struct engine_result *ran, struct sample_result *out)
{
    uint32_t n = r->p->nstages;
    struct reporter k = {.r = r,
                         .ran = ARENA_ARRAY(r->a, const struct engine_stage *, n),
                         .cut = ARENA_ARRAY(r->a, bool, n),
                         .sizes = ARENA_ARRAY(r->a, struct sizes, n)};
    uint32_t *at = ARENA_ARRAY(r->a, uint32_t, n);
    k.at = at;
    out->engine = *ran;
    out->engine.stages = ran->stages ? ARENA_ARRAY(r->a, struct engine_stage, n) : NULL;
    for (uint32_t i = 0; ran->stages && i < n; i++) {
        const double none = (double)NAN;
        struct rec_figure f = {none, none};
        out->engine.stages[i] = (struct engine_stage){
            .used = {r->p->stages[i].id, op_name(r->p->stages[i].op), f, f, f, f, f, f, f, f, f},
            .status = "skipped"};
    }
    for (uint32_t q = 0; ran->stages && q < r->q.nstages; q++) {
        uint32_t i = r->parts[q].stage;
        if (i == UINT32_MAX)
            continue;
        k.ran[i] = &ran->stages[q];
        at[i] = q;
        out->engine.stages[i] = ran->stages[q];
        out->engine.stages[i].used.id = r->p->stages[i].id; /* the other goes with q */
    }
    for (uint32_t m = 0; m < n; m++)
        size_stage(&k, r->p->order[m]);
    cut_short(&k);
    fill_profile(&k, out);
    fill_outputs(&k, out);
}
