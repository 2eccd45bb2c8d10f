/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sums of a sample by group and unit, and the estimates that come of them. */
#include "engine/sample_int.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

#define NO_CELL UINT32_MAX

static struct sample_run *run_of(const struct oper *op)
{
    return op->e->o->sample;
}

static struct sample_tally *sample_tally_of(const struct oper *op)
{
    struct sample_run *r = run_of(op);
    return &r->tallies[r->parts[op->index].of];
}

/* -- gathering -- */

static bool sample_tally_open(struct oper *op, struct err *err)
{
    (void)err;
    struct sample_tally *t = sample_tally_of(op);
    const struct stage *s = op->stage;
    op->state = t;
    arena_init(&t->mem, NULL);
    t->nby = s->u.aggregate.by.n - 1; /* without the unit */
    t->total = t->nby == 0;
    t->nmeasures = s->u.aggregate.n;
    t->sizes =
        t->total && t->nmeasures == 1 && strcmp(s->u.aggregate.measures[0].name, SAMPLE_COUNT) == 0;
    t->negative = ARENA_ARRAY(&t->mem, bool, t->nmeasures);
    const struct schema *in = op_input_schema(op, 0);
    enum type *types = ARENA_ARRAY(&t->mem, enum type, t->nby + 1);
    for (uint32_t k = 0; k < t->nby; k++)
        types[k] = in->fields[s->u.aggregate.by_index[k]].type;
    groups_init(&t->groups, types, t->nby, true, NULL);
    return true;
}

static double *grow(struct sample_tally *t, double *had, size_t n, size_t cap)
{
    return arena_grow(&t->mem, had, n * sizeof(*had), cap * sizeof(*had));
}

static void grow_cells(struct sample_tally *t)
{
    uint32_t cap = t->cap ? t->cap * 2 : 256;
    size_t per = 2 * (size_t)t->nmeasures;
    t->cells = arena_grow(&t->mem, t->cells, t->cap * sizeof(*t->cells), cap * sizeof(*t->cells));
    t->sums = grow(t, t->sums, t->cap * per, cap * per);
    t->cap = cap;
    size_t slots = (size_t)cap * 2;
    t->mask = slots - 1;
    t->slots = arena_alloc(&t->mem, slots * sizeof(*t->slots));
    memset(t->slots, 0xff, slots * sizeof(*t->slots));
    for (uint32_t i = 0; i < t->ncells; i++) {
        uint64_t key = (uint64_t)t->cells[i].group << 32 | t->cells[i].unit;
        size_t at = hash_u64(key, 0) & t->mask;
        while (t->slots[at] != NO_CELL)
            at = (at + 1) & t->mask;
        t->slots[at] = i;
    }
}

static uint32_t cell_at(struct sample_tally *t, uint32_t group, uint32_t unit)
{
    if (t->ncells == t->cap)
        grow_cells(t);
    size_t at = hash_u64((uint64_t)group << 32 | unit, 0) & t->mask;
    for (; t->slots[at] != NO_CELL; at = (at + 1) & t->mask) {
        const struct sample_cell *c = &t->cells[t->slots[at]];
        if (c->group == group && c->unit == unit)
            return t->slots[at];
    }
    uint32_t i = t->slots[at] = t->ncells++;
    t->cells[i] = (struct sample_cell){group, unit, 0, 0};
    memset(&t->sums[2 * (size_t)i * t->nmeasures], 0, 2 * t->nmeasures * sizeof(*t->sums));
    return i;
}

/* Room for what is certain of n groups. */
static void grow_certain(struct sample_tally *t, uint32_t n)
{
    if (n <= t->certain_cap)
        return;
    uint32_t cap = t->certain_cap ? t->certain_cap : 64;
    while (cap < n)
        cap *= 2;
    size_t per = 1 + 2 * (size_t)t->nmeasures;
    t->certain = grow(t, t->certain, t->certain_cap * per, cap * per);
    memset(&t->certain[t->certain_cap * per], 0, (cap - t->certain_cap) * per * sizeof(double));
    t->certain_cap = cap;
}

/* Where row list[i] is added: its cell, or what is certain of its group. */
struct place {
    double *n, *sums;
};

static struct place place_of(struct sample_tally *t, uint32_t group, int64_t unit)
{
    if (unit == UNIT_CERTAIN) {
        double *c = &t->certain[group * (1 + 2 * (size_t)t->nmeasures)];
        return (struct place){c, c + 1};
    }
    uint32_t cell = cell_at(t, group, (uint32_t)unit);
    return (struct place){&t->cells[cell].n, &t->sums[2 * (size_t)cell * t->nmeasures]};
}

/* The numbers of a measure; false where there is none. */
static bool number_of(const struct column *c, uint32_t row, double *out)
{
    if (!column_valid(c, row))
        return false;
    *out = c->type == TYPE_INTEGER ? (double)c->v.i64[row]
           : c->type == TYPE_FLOAT ? c->v.f64[row]
                                   : 0;
    return true;
}

/* Evaluates the measures; rows that fail are left out of `keep`: the aggregate itself tells of
 * them. */
static struct batch *evaluate(struct oper *op, struct batch *b, uint64_t *keep, struct err *err)
{
    const struct stage *s = op->stage;
    struct batch *vals = batch_new(s->u.aggregate.n, NULL);
    vals->rows = b->rows;
    batch_hold(vals, b);
    for (uint32_t i = 0; i < s->u.aggregate.n; i++) {
        struct expr_result r = {.nfailed = 0};
        if (!s->u.aggregate.measures[i].expr)
            continue;
        if (!expr_eval(s->u.aggregate.measures[i].expr, b, vals, i, &r, err)) {
            batch_unref(vals);
            return NULL;
        }
        for (uint32_t w = 0; r.nfailed && w < BATCH_WORDS; w++)
            keep[w] &= ~r.failed[w];
    }
    return vals;
}

/* Bytes of each row as the engine counts them (engine_batch_bytes), but for what is hidden. */
static void row_bytes(const struct schema *s, const struct batch *b, uint32_t *out)
{
    memset(out, 0, b->rows * sizeof(*out));
    for (uint32_t c = 0; c < b->ncols; c++) {
        const struct column *col = &b->cols[c];
        if (strncmp(s->fields[c].name, "foreline:", 9) == 0)
            continue;
        bool number = type_is_number(col->type), boolean = col->type == TYPE_BOOLEAN;
        for (uint32_t i = 0; i < b->rows; i++) {
            out[i]++;
            if (column_valid(col, i))
                out[i] += number ? 8 : boolean ? 1 : col->text[i].len;
        }
    }
}

static void add_bytes(struct sample_tally *t, const struct schema *s, const struct batch *b,
                      const int64_t *unit)
{
    uint32_t bytes[BATCH_ROWS], cell = 0;
    row_bytes(s, b, bytes);
    for (uint32_t i = 0; i < b->rows; i++) {
        if (unit[i] == UNIT_CERTAIN) {
            t->certain_bytes += bytes[i];
            continue;
        }
        if (i == 0 || unit[i] != unit[i - 1])
            cell = cell_at(t, 0, (uint32_t)unit[i]);
        t->cells[cell].bytes += bytes[i];
    }
}

static bool sample_tally_push(struct oper *op, struct lane *lane, uint32_t input, struct batch *b,
                              struct err *err)
{
    (void)lane, (void)input;
    struct sample_tally *t = op->state;
    const struct stage *s = op->stage;
    uint64_t keep[BATCH_WORDS];
    uint32_t list[BATCH_ROWS], group[BATCH_ROWS];
    const int64_t *unit = b->cols[s->u.aggregate.by_index[t->nby]].v.i64;
    bits_all(keep, b->rows);
    struct batch *vals = evaluate(op, b, keep, err);
    if (!vals)
        return false;
    uint32_t n = bits_list(keep, b->rows, list);
    bool ok = true;
    if (t->total) {
        memset(group, 0, n * sizeof(*group));
    } else {
        ok = groups_find(&t->groups, b, s->u.aggregate.by_index, list, n, group, err);
    }
    grow_certain(t, t->total ? 1 : t->groups.n);
    for (uint32_t i = 0; ok && i < n; i++) {
        struct place at = place_of(t, group[i], unit[list[i]]);
        *at.n += 1;
        t->any++;
        for (uint32_t k = 0; k < t->nmeasures; k++) {
            double x = 0;
            bool has = !s->u.aggregate.measures[k].expr || number_of(&vals->cols[k], list[i], &x);
            at.sums[2 * (size_t)k] += has;
            at.sums[2 * (size_t)k + 1] += x;
            t->negative[k] |= x < 0;
        }
    }
    if (ok && t->sizes)
        add_bytes(t, op_input_schema(op, 0), b, unit);
    batch_unref(vals);
    return ok;
}

/* -- by group, by unit -- */

static void counting_sort(struct sample_tally *t, const uint32_t *from, uint32_t *to, bool by_unit,
                          uint32_t *start, uint32_t n)
{
    memset(start, 0, (n + 1) * sizeof(*start));
    for (uint32_t i = 0; i < t->ncells; i++)
        start[1 + (by_unit ? t->cells[i].unit : t->cells[i].group)]++;
    for (uint32_t i = 0; i < n; i++)
        start[i + 1] += start[i];
    for (uint32_t i = 0; i < t->ncells; i++) {
        uint32_t c = from ? from[i] : i;
        to[start[by_unit ? t->cells[c].unit : t->cells[c].group]++] = c;
    }
    for (uint32_t i = n; i > 0; i--)
        start[i] = start[i - 1];
    start[0] = 0;
}

void sample_tally_sort(struct sample_tally *t)
{
    if (t->first)
        return;
    uint32_t n = t->n = t->total ? 1 : t->groups.n, units = 0;
    for (uint32_t i = 0; i < t->ncells; i++)
        units = t->cells[i].unit >= units ? t->cells[i].unit + 1 : units;
    uint32_t most = n > units ? n : units;
    grow_certain(t, n);
    uint32_t *start = ARENA_ARRAY(&t->mem, uint32_t, (size_t)most + 2);
    uint32_t *by_unit = ARENA_ARRAY(&t->mem, uint32_t, t->ncells + 1);
    t->sorted = ARENA_ARRAY(&t->mem, uint32_t, t->ncells + 1);
    counting_sort(t, NULL, by_unit, true, start, units);
    counting_sort(t, by_unit, t->sorted, false, start, n);
    t->first = start;
    for (uint32_t g = 0; g < n; g++) {
        uint32_t in = start[g + 1] - start[g];
        bool certain = t->certain[g * (1 + 2 * (size_t)t->nmeasures)] > 0;
        t->once += in == 1 && !certain;
        t->twice += in == 2 && !certain;
    }
}

static bool sample_tally_finish(struct oper *op, struct lane *lane, uint32_t input, struct err *err)
{
    (void)lane, (void)input, (void)err;
    struct sample_tally *t = op->state;
    sample_tally_sort(t);
    t->done = true;
    return true;
}

/* Groups, once and twice are needed when all is over: the tally goes with the run. */
const struct op_class op_tally_class = {
    .open = sample_tally_open, .push = sample_tally_push, .finish = sample_tally_finish};

/* -- estimates -- */

/* Cells of a group as estimate.h wants them: of measure k, or (-1) of records. */
static size_t cells_of(const struct sample_tally *t, uint32_t group, int k,
                       struct estimate_cell *out)
{
    size_t n = 0;
    for (uint32_t i = t->first[group]; i < t->first[group + 1]; i++) {
        uint32_t c = t->sorted[i];
        const double *sums = &t->sums[2 * ((size_t)c * t->nmeasures + (size_t)(k < 0 ? 0 : k))];
        out[n++] = (struct estimate_cell){t->cells[c].unit, k < 0 ? t->cells[c].n : sums[0],
                                          k < 0 ? 0 : sums[1]};
    }
    return n;
}

struct estimate sample_tally_groups(const struct sample_run *r, const struct sample_tally *t)
{
    double units = 0, fraction = 1;
    if (!t->first)
        return ESTIMATE_NONE;
    if (t->total)
        return (struct estimate){1, {1, 1}};
    for (uint32_t i = 0; i < r->nframes; i++) {
        const struct estimate_frame *f = &r->frames[i];
        if (isnan(f->x_all))
            return ESTIMATE_NONE;
        units += 2 * (double)f->pairs;
        fraction = f->fraction < fraction ? f->fraction : fraction;
    }
    return estimate_groups(t->n, t->once, t->twice, units, fraction);
}

/* Is an input not known from what was read of it? Then what nothing came of is not known either. */
static bool is_lost(const struct sample_run *r)
{
    for (uint32_t i = 0; i < r->nframes; i++) {
        if (isnan(r->frames[i].x_all))
            return true;
    }
    return false;
}

/* All groups together: cells by unit. */
static struct estimate all_of(const struct sample_run *r, const struct sample_tally *t, bool bytes)
{
    if (!t->first || (t->ncells == 0 && is_lost(r)))
        return ESTIMATE_NONE;
    uint32_t units = r->nframes * ESTIMATE_UNITS;
    struct estimate_cell *cells = xcalloc(units + 1, sizeof(*cells));
    double certain = 0;
    for (uint32_t i = 0; i < t->ncells; i++) {
        cells[t->cells[i].unit].n += t->cells[i].n;
        cells[t->cells[i].unit].y += t->cells[i].bytes;
    }
    for (uint32_t g = 0; g < t->n; g++)
        certain += t->certain[g * (1 + 2 * (size_t)t->nmeasures)];
    size_t n = 0;
    for (uint32_t u = 0; u < units; u++) {
        if (cells[u].n > 0)
            cells[n++] = (struct estimate_cell){u, cells[u].n, cells[u].y};
    }
    const struct estimate_frame *f = units ? r->frames : NULL;
    struct estimate e = bytes ? estimate_total(f, cells, n, t->certain_bytes, true)
                              : estimate_count(f, cells, n, certain);
    free(cells);
    return e;
}

struct estimate sample_tally_records(const struct sample_run *r, const struct sample_tally *t)
{
    return all_of(r, t, false);
}

struct estimate sample_tally_bytes(const struct sample_run *r, const struct sample_tally *t)
{
    return t->sizes ? all_of(r, t, true) : ESTIMATE_NONE;
}

/* What measure k of a group is in all of the data. `shown`: what the aggregate made of the sample.
 */
static struct estimate measured(const struct sample_run *r, const struct sample_tally *t,
                                uint32_t group, uint32_t k, const struct named_expr *m,
                                double shown, struct estimate_cell *cells)
{
    const double *certain = &t->certain[group * (1 + 2 * (size_t)t->nmeasures)];
    const double *sure = certain + 1 + 2 * (size_t)k;
    size_t n = cells_of(t, group, (int)k, cells);
    if (n == 0 && is_lost(r))
        return ESTIMATE_NONE;
    switch (m->measure) {
    case MEASURE_COUNT:
        return estimate_count(r->frames, cells, n, sure[0]);
    case MEASURE_SUM: {
        double values = sure[0];
        for (size_t i = 0; i < n; i++)
            values += cells[i].n;
        if (values == 0)
            return ESTIMATE_NONE;
        return estimate_total(r->frames, cells, n, sure[1], !t->negative[k]);
    }
    case MEASURE_MEAN:
        return estimate_mean(r->frames, cells, n, sure[1], sure[0]);
    case MEASURE_DISTINCT:
    case MEASURE_APPROX_DISTINCT: /* at least so many */
        return (struct estimate){
            (double)NAN, {m->measure == MEASURE_DISTINCT ? shown : (double)NAN, (double)NAN}};
    case MEASURE_STDDEV:
    case MEASURE_QUANTILE: /* of the sample; not where records count differently */
        return (struct estimate){certain[0] > 0 || r->nframes > 1 ? (double)NAN : shown,
                                 INTERVAL_NONE};
    default:
        return ESTIMATE_NONE;
    }
}

/* -- the stage that puts estimates in the place of what the sample gave -- */

struct estimator {
    struct sample_tally *t;
    const struct stage *aggregate;
    struct estimate_cell *cells;
    uint32_t *by;
    int *value, *lo, *hi; /* columns, per measure */
};

static bool estimate_open(struct oper *op, struct err *err)
{
    (void)err;
    struct estimator *e = ARENA_NEW(&op->mem, struct estimator);
    const struct schema *s = &op->stage->schema;
    struct sample_run *r = run_of(op);
    e->t = sample_tally_of(op);
    e->aggregate = &r->q.stages[op->stage->inputs[0]];
    uint32_t n = e->aggregate->u.aggregate.n;
    e->cells = ARENA_ARRAY(&op->mem, struct estimate_cell, (size_t)r->nframes * ESTIMATE_UNITS + 1);
    e->by = ARENA_ARRAY(&op->mem, uint32_t, e->aggregate->u.aggregate.by.n);
    for (uint32_t c = 0; c < e->aggregate->u.aggregate.by.n; c++)
        e->by[c] = c; /* an aggregate gives its keys first */
    e->value = ARENA_ARRAY(&op->mem, int, n);
    e->lo = ARENA_ARRAY(&op->mem, int, n);
    e->hi = ARENA_ARRAY(&op->mem, int, n);
    for (uint32_t k = 0; k < n; k++) {
        const char *name = e->aggregate->u.aggregate.measures[k].name;
        e->value[k] = schema_find(s, slice_str(name));
        e->lo[k] = schema_find(s, slice_str(arena_printf(&op->mem, SAMPLE_LO "%s", name)));
        e->hi[k] = schema_find(s, slice_str(arena_printf(&op->mem, SAMPLE_HI "%s", name)));
    }
    op->state = e;
    return true;
}

static void put(struct column *c, uint32_t row, double x)
{
    bool whole = c->type == TYPE_INTEGER;
    if (whole)
        c->v.i64[row] = 0;
    else
        c->v.f64[row] = 0;
    if (!isfinite(x) || (whole && fabs(x) > 9e18))
        return;
    column_set_valid(c, row);
    if (whole)
        c->v.i64[row] = (int64_t)llround(x);
    else
        c->v.f64[row] = x;
}

/* Columns without any value. */
static void put_nulls(struct batch *out, int c, enum type type)
{
    column_alloc_rows(out, (uint32_t)c, type, true, out->rows);
    if (out->cols[c].text)
        memset(out->cols[c].text, 0, out->rows * sizeof(struct text));
}

/* min and max: what is seen is a bound. first and last are not known. */
static void put_ends(struct estimator *e, uint32_t k, const struct schema *s, struct batch *out,
                     const struct column *shown)
{
    enum measure_kind m = e->aggregate->u.aggregate.measures[k].measure;
    put_nulls(out, e->value[k], s->fields[e->value[k]].type);
    put_nulls(out, e->lo[k], s->fields[e->lo[k]].type);
    put_nulls(out, e->hi[k], s->fields[e->hi[k]].type);
    int at = m == MEASURE_MIN ? e->hi[k] : m == MEASURE_MAX ? e->lo[k] : -1;
    if (at >= 0)
        column_convert(shown, out->rows, s->fields[at].type, out, (uint32_t)at);
}

static void put_measure(struct oper *op, struct estimator *e, uint32_t k, const uint32_t *group,
                        struct batch *out)
{
    const struct schema *s = &op->stage->schema;
    const struct named_expr *m = &e->aggregate->u.aggregate.measures[k];
    const struct column shown = out->cols[e->value[k]];
    if (m->measure == MEASURE_MIN || m->measure == MEASURE_MAX || m->measure == MEASURE_FIRST ||
        m->measure == MEASURE_LAST) {
        put_ends(e, k, s, out, &shown);
        return;
    }
    column_alloc_rows(out, (uint32_t)e->value[k], m->type, false, out->rows);
    column_alloc_rows(out, (uint32_t)e->lo[k], TYPE_FLOAT, false, out->rows);
    column_alloc_rows(out, (uint32_t)e->hi[k], TYPE_FLOAT, false, out->rows);
    for (uint32_t i = 0; i < out->rows; i++) {
        double x = (double)NAN;
        if (column_valid(&shown, i))
            x = shown.type == TYPE_INTEGER ? (double)shown.v.i64[i] : shown.v.f64[i];
        struct estimate got = ESTIMATE_NONE;
        if (group[i] < e->t->n)
            got = measured(run_of(op), e->t, group[i], k, m, x, e->cells);
        put(&out->cols[e->value[k]], i, got.value);
        bool whole = m->measure == MEASURE_COUNT;
        put(&out->cols[e->lo[k]], i, whole ? floor(got.within.lo) : got.within.lo);
        put(&out->cols[e->hi[k]], i, whole ? ceil(got.within.hi) : got.within.hi);
    }
}

static bool estimate_push(struct oper *op, struct lane *lane, uint32_t input, struct batch *b,
                          struct err *err)
{
    (void)input;
    struct estimator *e = op->state;
    uint32_t group[BATCH_ROWS] = {0};
    if (!e->t->done)
        BUG("groups are told before they are counted");
    sample_tally_sort(e->t);
    if (!e->t->total)
        groups_look_up(&e->t->groups, b, e->by, NULL, b->rows, group, NULL);
    struct batch *out = op_batch_beside(op, b, op->stage->schema.n);
    memcpy(out->cols, b->cols, b->ncols * sizeof(*out->cols));
    for (uint32_t k = 0; k < e->aggregate->u.aggregate.n; k++)
        put_measure(op, e, k, group, out);
    bool ok = op_emit(op, lane, out, err);
    batch_unref(out);
    return ok;
}

const struct op_class op_estimate_class = {
    .open = estimate_open, .push = estimate_push, .finish = op_no_finish};
