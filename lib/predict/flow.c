/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sizes along the graph: how many records and bytes a stage hands on, by rules and statistics.
 * History, which beats both, is predict.c's matter. */
#include <math.h>

#include "predict/internal.h"

#include "model/distinct.h"

/* As the engine counts bytes (engine_batch_bytes): a number is 8, a boolean 1, anything else its
 * length, null nothing, and one separator per field. */
#define WIDTH_NUMBER 9.0
#define WIDTH_BOOLEAN 2.0
#define WIDTH_UNKNOWN 9.0

/* Where statistics are missing: the share of distinct records among all, PostgreSQL's convention
 * for columns without statistics being 200 groups, which says nothing of size; a tenth is between
 * that and all. */
#define GROUPS_SHARE 0.1
/* p95 over p50 of a size that rests on a convention alone. */
#define GUESS_FACTOR 3.0
const struct flow_column *flow_column(const struct flow *f, const char *name)
{
    for (uint32_t i = 0; i < f->ncolumns; i++) {
        if (strcmp(f->columns[i].name, name) == 0)
            return &f->columns[i];
    }
    return NULL;
}

double flow_width(const struct flow *f)
{
    if (!f->columns)
        return NAN;
    double width = 0;
    for (uint32_t i = 0; i < f->ncolumns; i++)
        width += f->columns[i].width;
    return width;
}

static double column_width(const struct rec_column *c)
{
    double values = c->records - c->nulls;
    double share = c->records > 0 ? fmin(1, fmax(0, values / c->records)) : 1;
    if (type_is_number(c->type))
        return 1 + share * (WIDTH_NUMBER - 1);
    if (c->type == TYPE_BOOLEAN)
        return 1 + share * (WIDTH_BOOLEAN - 1);
    return c->records > 0 && c->bytes >= 0 ? 1 + c->bytes / c->records : WIDTH_UNKNOWN;
}

/* Is the column read downstream? True while the stage is not bound: nobody knows. Columns come in
 * the schema's order, dead ones left out, so looking on from *cursor makes a pass over all of them
 * linear. */
static bool column_is_live(const struct stage *s, const char *name, uint32_t *cursor)
{
    if (s->schema.n == 0 || !s->live)
        return true;
    for (uint32_t k = 0; k < s->schema.n; k++) {
        uint32_t i = (*cursor + k) % s->schema.n;
        if (strcmp(s->schema.fields[i].name, name) == 0) {
            *cursor = i + 1;
            return (s->live[i / 64] >> (i % 64)) & 1;
        }
    }
    return false;
}

static void add_column(struct arena *a, struct flow *f, struct flow_column c)
{
    *ARENA_PUSH(a, f->columns, f->ncolumns) = c;
}

void flow_source(struct arena *a, const struct stage *s, const struct rec_profile *profile,
                 struct rec_figure records, struct rec_figure bytes, struct flow *out)
{
    *out = (struct flow){.records = records, .bytes = bytes, .source_records = NAN};
    if (!profile || profile->ncolumns == 0)
        return;
    out->source_records = profile->records;
    uint32_t cursor = 0;
    for (uint32_t i = 0; i < profile->ncolumns; i++) {
        const struct rec_column *c = &profile->columns[i];
        if (column_is_live(s, c->name, &cursor))
            add_column(a, out, (struct flow_column){c->name, c, column_width(c)});
    }
    double width = flow_width(out);
    if (!isnan(width))
        out->bytes = figure_times(records, width);
}

static double guarded(double v, double most)
{
    return v < 0 ? 0 : v > most ? most : v;
}

/* Distinct values of a column among n records of its stream. */
static double column_domain(const struct flow *f, const struct flow_column *c)
{
    if (!c || !c->stat || !(c->stat->distinct >= 0))
        return NAN;
    double values = c->stat->records - c->stat->nulls;
    double d = model_distinct_domain(c->stat->distinct, values);
    (void)f;
    /* Nulls form one group. */
    return c->stat->nulls > 0 ? d + 1 : fmax(d, 1);
}

static int descending(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a < b) - (a > b);
}

double flow_groups(const struct flow *f, const struct text_list *by, double n, bool careful)
{
    uint32_t count = by && by->n > 0 ? by->n : f->ncolumns;
    if (count == 0 || !f->columns)
        return NAN;
    double *d = xmalloc(count * sizeof(*d)), product = 1;
    for (uint32_t i = 0; i < count; i++) {
        const struct flow_column *c =
            by && by->n > 0 ? flow_column(f, by->items[i]) : &f->columns[i];
        d[i] = column_domain(f, c);
        if (isnan(d[i])) {
            free(d);
            return NAN;
        }
    }
    /* Exponential back-off: the widest column counts whole, the next by its square root, … as SQL
     * Server 2014 does for predicates on columns that go together. */
    qsort(d, count, sizeof(*d), descending);
    double power = 1;
    for (uint32_t i = 0; i < count; i++) {
        product *= pow(d[i], power);
        power = careful ? power / 2 : 1;
    }
    free(d);
    return model_distinct_expected(product, n);
}

static void through_groups(const struct flow *in, const struct text_list *by, struct flow *out,
                           const char **why)
{
    double mid = flow_groups(in, by, in->records.p50, true);
    double hi = flow_groups(in, by, in->records.p95, false);
    *why = "groups by the distinct counts of the columns";
    if (isnan(mid)) {
        mid = in->records.p50 * GROUPS_SHARE;
        hi = in->records.p95;
        *why = "a tenth of the records, for want of distinct counts";
    }
    out->records = (struct rec_figure){fmax(mid, fmin(1, in->records.p50)),
                                       guarded(fmax(hi, mid) * STATS_FACTOR, in->records.p95)};
}

/* Key values of one side of a join: their number of distinct ones. */
static double key_domain(const struct flow *f, const struct stage *s, bool left)
{
    double product = 1;
    for (uint32_t i = 0; i < s->u.join.n; i++) {
        const struct join_key *k = &s->u.join.on[i];
        const struct flow_column *c = flow_column(f, left ? k->left : k->right);
        if (!c || !c->stat || !(c->stat->distinct > 0))
            return NAN;
        product *= c->stat->distinct;
    }
    return product;
}

static void through_join(const struct stage *s, const struct flow *l, const struct flow *r,
                         struct flow *out, const char **why)
{
    double left = key_domain(l, s, true), right = key_domain(r, s, false);
    double fan = 1, match = 1, factor = GUESS_FACTOR; /* a foreign key: every left finds one */
    *why = "as if the right side's key were unique, for want of distinct counts";
    if (!isnan(left) && !isnan(right)) {
        /* Containment: the smaller set of keys is found in the larger (Selinger et al. 1979). */
        right = fmin(right, fmax(1, r->records.p50));
        fan = r->records.p50 / fmax(left, right);
        match = fmin(1, right / left);
        factor = STATS_FACTOR;
        *why = "fan-out by the distinct counts of the keys";
    }
    double n = l->records.p50, hi = l->records.p95;
    switch (s->u.join.type) {
    case JOIN_INNER:
        out->records = (struct rec_figure){n * fan, hi * fan * factor};
        break;
    case JOIN_LEFT:
        out->records = (struct rec_figure){fmax(n, n * fan), fmax(hi, hi * fan * factor)};
        break;
    case JOIN_SEMI:
        out->records = (struct rec_figure){n * match, guarded(hi * match * factor, hi)};
        break;
    case JOIN_ANTI:
        out->records = (struct rec_figure){
            n * (1 - match), isnan(left) ? hi : fmin(hi, hi * (1 - match) * factor + 1)};
        break;
    }
}

static void join_columns(struct arena *a, const struct stage *s, const struct flow *l,
                         const struct flow *r, struct flow *out)
{
    if (!l->columns || !r->columns)
        return;
    for (uint32_t i = 0; i < l->ncolumns; i++)
        add_column(a, out, l->columns[i]);
    if (s->u.join.type == JOIN_SEMI || s->u.join.type == JOIN_ANTI)
        return;
    for (uint32_t i = 0; i < r->ncolumns; i++) {
        bool is_key = false;
        for (uint32_t k = 0; k < s->u.join.n; k++)
            is_key |= strcmp(s->u.join.on[k].right, r->columns[i].name) == 0;
        if (!is_key)
            add_column(a, out, r->columns[i]);
    }
}

static void computed_column(struct arena *a, struct flow *f, const char *name)
{
    struct flow_column c = {name, NULL, WIDTH_UNKNOWN};
    struct flow_column *there = (struct flow_column *)(uintptr_t)flow_column(f, name);
    if (there)
        *there = c;
    else
        add_column(a, f, c);
}

static void copy_columns(struct arena *a, const struct flow *in, struct flow *out)
{
    for (uint32_t i = 0; i < in->ncolumns; i++)
        add_column(a, out, in->columns[i]);
}

static void pick_columns(struct arena *a, const struct flow *in, const struct text_list *names,
                         struct flow *out)
{
    for (uint32_t i = 0; i < names->n && in->columns; i++) {
        const struct flow_column *c = flow_column(in, names->items[i]);
        add_column(a, out, c ? *c : (struct flow_column){names->items[i], NULL, WIDTH_UNKNOWN});
    }
}

static void through_columns(struct arena *a, const struct stage *s, const struct flow *const *in,
                            struct flow *out)
{
    switch (s->op) {
    case OP_JOIN:
        join_columns(a, s, in[0], in[1], out);
        return;
    case OP_SELECT:
        pick_columns(a, in[0], &s->u.select.columns, out);
        return;
    case OP_AGGREGATE:
        pick_columns(a, in[0], &s->u.aggregate.by, out);
        for (uint32_t i = 0; i < s->u.aggregate.n && in[0]->columns; i++)
            computed_column(a, out, s->u.aggregate.measures[i].name);
        return;
    case OP_WRITE:
        return;
    case OP_SQL:
        return;
    case OP_COMMAND: /* what a filter makes of its rows is its own, but most keep their columns */
        if (s->u.command.is_filter)
            copy_columns(a, in[0], out);
        return;
    default:
        copy_columns(a, in[0], out);
    }
    if (s->op == OP_DERIVE && in[0]->columns) {
        for (uint32_t i = 0; i < s->u.derive.n; i++)
            computed_column(a, out, s->u.derive.set[i].name);
    }
    for (uint32_t i = 0; s->op == OP_RENAME && i < s->u.rename.from.n; i++) {
        struct flow_column *c =
            (struct flow_column *)(uintptr_t)flow_column(out, s->u.rename.from.items[i]);
        if (c)
            c->name = s->u.rename.to.items[i];
    }
}

/* Columns that nothing downstream reads are not handed on (known after binding). */
static void drop_dead_columns(const struct stage *s, struct flow *f)
{
    uint32_t n = 0, cursor = 0;
    for (uint32_t i = 0; i < f->ncolumns; i++) {
        if (column_is_live(s, f->columns[i].name, &cursor))
            f->columns[n++] = f->columns[i];
    }
    f->ncolumns = n;
}

static void through_records(struct arena *a, const struct stage *s, const struct flow *const *in,
                            struct flow *out, const char **why)
{
    bool guessed = false;
    double share;
    *why = "as many as come in";
    out->records = in[0]->records;
    switch (s->op) {
    case OP_FILTER:
        share = selectivity_of(s->u.filter.where, in[0], &guessed);
        out->records.p50 *= share;
        out->records.p95 *= fmin(1, share * (guessed ? GUESS_FACTOR : STATS_FACTOR));
        *why = arena_printf(a, "keeps %.3g %% by %s", share * 100,
                            guessed ? "convention (Selinger et al. 1979)" : "the profile");
        break;
    case OP_JOIN:
        through_join(s, in[0], in[1], out, why);
        break;
    case OP_AGGREGATE:
        if (s->u.aggregate.by.n == 0) {
            out->records = figure_exact(1);
            *why = "one group";
        } else {
            through_groups(in[0], &s->u.aggregate.by, out, why);
        }
        break;
    case OP_DISTINCT:
        through_groups(in[0], &s->u.distinct.by, out, why);
        break;
    case OP_UNION:
        for (uint32_t i = 1; i < s->ninputs; i++) {
            out->records.p50 += in[i]->records.p50;
            out->records.p95 += in[i]->records.p95;
        }
        break;
    case OP_LIMIT:
        out->records.p50 = fmin(out->records.p50, (double)s->u.limit.count);
        out->records.p95 = fmin(out->records.p95, (double)s->u.limit.count);
        *why = "the limit";
        break;
    case OP_WRITE:
        break;
    case OP_COMMAND:
    case OP_SQL:
        *why = s->op == OP_SQL ? "as many as come in, a statement without history being unknown"
                               : "as many as come in, a command without history being unknown";
        out->records.p95 *= GUESS_FACTOR;
        if (s->nconsumers == 0)
            out->records = figure_exact(0);
        break;
    default:
        break;
    }
}

void flow_through(struct arena *a, const struct stage *s, const struct flow *const *in,
                  struct flow *out, const char **why)
{
    *out = (struct flow){.source_records = in[0]->source_records};
    through_records(a, s, in, out, why);
    for (uint32_t i = 0; i < s->ninputs; i++) {
        bool always_one = s->op == OP_AGGREGATE && s->u.aggregate.by.n == 0;
        if (isnan(in[i]->records.p50) && !always_one) {
            out->records = FIGURE_UNKNOWN;
            *why = "unknown, as what comes in";
        }
    }
    through_columns(a, s, in, out);
    if (s->op != OP_WRITE && !stage_is_outside(s))
        drop_dead_columns(s, out);
    double width = flow_width(out);
    if (isnan(width)) { /* as wide as what comes in */
        double bytes = 0, records = 0;
        for (uint32_t i = 0; i < s->ninputs; i++) {
            bytes += in[i]->bytes.p50;
            records += in[i]->records.p50;
        }
        width = records > 0 ? bytes / records : WIDTH_UNKNOWN;
    }
    out->bytes = figure_times(out->records, width);
}
