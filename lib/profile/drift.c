/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Columns of two profiles side by side. The statistics are sketch/drift.h's. */
#include "profile/drift.h"

#include <math.h>

#include "base/map.h"
#include "base/num.h"
#include "profile/state.h"
#include "sketch/drift.h"

/* One side of one column. */
struct side {
    double records, nulls, values, numbers;
    double types[TYPE_COUNT];
    enum type type;
    struct moments moments;          /* n 0: unknown */
    const struct kll *kll;           /* or NULL */
    const struct frequent *frequent; /* or NULL */
    bool key;
};

/* Of different values nearly all differ, and they fill so much of their range. */
#define KEY_DISTINCT 0.99
#define KEY_FILL 0.1

static bool is_key(const struct rec_column *c)
{
    double lo, hi, values = c->records - c->nulls;
    return c->type == TYPE_INTEGER && values > 1 && num_parse_float(c->min, &lo) &&
           num_parse_float(c->max, &hi) &&
           c->distinct + 3 * c->distinct_error >= KEY_DISTINCT * values &&
           values >= KEY_FILL * (hi - lo + 1);
}

/* The sums behind the record's figures (moments_skewness and moments_kurtosis, turned around). */
static struct moments moments_of(const struct rec_column *c, double n)
{
    struct moments m = {.n = n, .mean = c->mean};
    if (!isfinite(c->mean) || !isfinite(c->stddev) || n < 2)
        return MOMENTS_INIT;
    m.m2 = c->stddev * c->stddev * (n - 1);
    if (n > 3 && isfinite(c->skewness) && isfinite(c->kurtosis)) {
        double g1 = c->skewness * (n - 2) / sqrt(n * (n - 1));
        double g2 = (c->kurtosis * (n - 2) * (n - 3) / (n - 1) - 6) / (n + 1);
        m.m3 = g1 * m.m2 * sqrt(m.m2 / n);
        m.m4 = (g2 + 3) * m.m2 * m.m2 / n;
    }
    return m;
}

/* A record says "string" of a column without values. */
static enum type type_of(const struct rec_column *c)
{
    for (int t = TYPE_NONE + 1; t < TYPE_COUNT; t++)
        if (c->types[t] > 0)
            return c->type;
    return TYPE_NONE;
}

static struct side side_of(const struct rec_column *c, const struct column_state *s)
{
    struct side out = {.records = c->records, .nulls = c->nulls, .type = type_of(c)};
    out.values = c->records - c->nulls;
    memcpy(out.types, c->types, sizeof(out.types));
    out.numbers = c->types[TYPE_INTEGER] + c->types[TYPE_FLOAT];
    out.key = is_key(c);
    if (s == NULL) {
        out.moments = moments_of(c, out.numbers);
        return out;
    }
    out.moments = s->moments;
    out.kll = s->kll;
    out.frequent = s->frequent.total > 0 ? &s->frequent : NULL;
    return out;
}

/* The columns of a state stand as those of its record. */
static const struct column_state *state_of(const struct profile *p, size_t i)
{
    return p != NULL && i < p->schema.n ? &p->columns[i] : NULL;
}

/* From names to places; tables may have 100,000 columns. map_release(). */
static struct map places(const struct rec_profile *p)
{
    struct map m = MAP_INIT;
    for (uint32_t i = 0; i < p->ncolumns; i++)
        map_put(&m, slice_str(p->columns[i].name), NULL)->v.num = i;
    return m;
}

/* Of a record that was cut to 16 MiB it is not known what further columns there were: none is new.
 */
static bool is_cut(const struct rec_profile *base)
{
    return rec_profile_width(base) > base->ncolumns;
}

static const char *const *absent(const struct rec_profile *from, const struct map *in,
                                 struct arena *a, uint32_t *n)
{
    const char **list = NULL;
    size_t count = 0;
    for (uint32_t i = 0; i < from->ncolumns; i++)
        if (map_get(in, slice_str(from->columns[i].name)) == NULL)
            *ARENA_PUSH(a, list, count) = from->columns[i].name;
    *n = (uint32_t)count;
    return list;
}

static bool mostly_numbers(const struct side *s)
{
    return s->values > 0 && s->numbers * 2 >= s->values;
}

static bool mostly_words(const struct side *s)
{
    return s->values > 0 && (s->types[TYPE_STRING] + s->types[TYPE_BOOLEAN]) * 2 >= s->values;
}

/* Values that a column of this type does not hold. */
static double outside(const struct side *s, enum type type)
{
    double n = 0;
    for (int k = TYPE_NONE + 1; k < TYPE_COUNT; k++)
        if (type_join(type, (enum type)k) != type)
            n += s->types[k];
    return n;
}

/* The p of every figure, and whether it is large; NAN: not compared. */
struct tested {
    double p[REC_DRIFT_FIGURES];
    bool large[REC_DRIFT_FIGURES];
};

static void compare_types(const struct side *base, const struct side *now, double effect,
                          struct rec_drift_column *c, struct tested *t)
{
    if (base->type == now->type || base->type == TYPE_NONE || now->type == TYPE_NONE)
        return;
    c->type_from = type_name(base->type);
    c->type_to = type_name(now->type);
    /* Wider: how many of now does base's type not hold, where it held all of base? Narrower: the
     * same with the sides changed. Types that hold nothing of each other do both. */
    double k = outside(now, base->type), n = now->values, m = base->values;
    if (k == 0) {
        k = outside(base, now->type);
        n = base->values;
        m = now->values;
    }
    t->p[REC_DRIFT_TYPE] = drift_rate(k, n, 0, m).p;
    t->large[REC_DRIFT_TYPE] = k >= effect / 10 * n;
}

static void compare_numbers(const struct side *base, const struct side *now, double effect,
                            struct rec_drift_column *c, struct tested *t)
{
    double chance;
    struct drift_figure mean = drift_mean(&base->moments, &now->moments, &c->mean_shift);
    c->mean_shift = fabs(c->mean_shift); /* a mean that falls has drifted as much */
    c->mean_change = mean.value;
    c->mean_error = mean.error;
    struct drift_figure ks = drift_ks(base->kll, now->kll);
    c->ks = ks.value;
    c->ks_chance = ks.error;
    struct drift_figure psi = drift_psi(base->kll, now->kll, &chance);
    c->psi = psi.value;
    c->psi_chance = psi.error;
    if (base->key && now->key)
        return;
    t->p[REC_DRIFT_MEAN] = mean.p;
    t->large[REC_DRIFT_MEAN] = c->mean_shift >= effect;
    t->p[REC_DRIFT_KS] = ks.p;
    t->large[REC_DRIFT_KS] = ks.value >= 0.4 * effect;
    t->p[REC_DRIFT_PSI] = psi.p;
    t->large[REC_DRIFT_PSI] = psi.value - chance >= effect * effect;
}

static void compare(const struct side *base, const struct side *now, double effect,
                    struct rec_drift_column *c, struct tested *t)
{
    double none = (double)NAN;
    c->psi = c->psi_chance = c->ks = c->ks_chance = none;
    c->mean_change = c->mean_error = c->mean_shift = none;
    for (unsigned f = 0; f < REC_DRIFT_FIGURES; f++)
        t->p[f] = none;
    struct drift_figure nulls = drift_rate(base->nulls, base->records, now->nulls, now->records);
    c->null_rate_change = nulls.value;
    c->null_rate_error = nulls.error;
    t->p[REC_DRIFT_NULL_RATE] = nulls.p;
    t->large[REC_DRIFT_NULL_RATE] = fabs(nulls.value) >= effect / 10;
    compare_types(base, now, effect, c, t);
    if (mostly_numbers(base) && mostly_numbers(now)) {
        compare_numbers(base, now, effect, c, t);
    } else if (mostly_words(base) && mostly_words(now) && base->frequent != NULL &&
               now->frequent != NULL) {
        double chance;
        struct drift_figure psi = drift_psi_values(base->frequent, now->frequent, &chance);
        c->psi = psi.value;
        c->psi_chance = psi.error;
        t->p[REC_DRIFT_PSI] = psi.p;
        t->large[REC_DRIFT_PSI] = psi.value - chance >= effect * effect;
    }
}

/* The verdicts on n columns. */
static double judge(struct rec_drift_column *columns, const struct tested *tests, size_t n)
{
    double *p = xreallocarray(NULL, n + 1, sizeof(*p) * REC_DRIFT_FIGURES);
    bool *significant = xreallocarray(NULL, n + 1, sizeof(*significant) * REC_DRIFT_FIGURES);
    for (size_t i = 0; i < n; i++)
        memcpy(p + i * REC_DRIFT_FIGURES, tests[i].p, sizeof(tests[i].p));
    size_t counted = drift_significant(p, n * REC_DRIFT_FIGURES, DRIFT_ALPHA, significant);
    for (size_t i = 0; i < n; i++)
        for (unsigned f = 0; f < REC_DRIFT_FIGURES; f++)
            columns[i].drifted[f] = significant[i * REC_DRIFT_FIGURES + f] && tests[i].large[f];
    free(p);
    free(significant);
    return (double)counted;
}

void drift_base_record(struct profile *state, const char *dataset, const char *partition,
                       struct arena *a, struct rec_profile *out)
{
    profile_finish(state, a, state->bytes, out);
    out->dataset = dataset;
    out->partition = partition;
}

void profile_drift(const struct drift_base *base, const struct profile *now,
                   const struct rec_profile *now_record, double effect, struct arena *a,
                   struct rec_drift *out)
{
    const struct rec_profile *was = base->record;
    struct map in_base = places(was), in_now = places(now_record);
    size_t n = 0;
    *out = (struct rec_drift){.dataset = now_record->dataset,
                              .partition = now_record->partition,
                              .baseline = was->dataset,
                              .alpha = DRIFT_ALPHA,
                              .effect = effect};
    struct rec_drift_column *columns =
        ARENA_ARRAY(a, struct rec_drift_column, now_record->ncolumns);
    struct tested *tests = ARENA_ARRAY(a, struct tested, now_record->ncolumns);
    for (uint32_t i = 0; i < now_record->ncolumns; i++) {
        const struct rec_column *c = &now_record->columns[i];
        const struct map_entry *e = map_get(&in_base, slice_str(c->name));
        if (e == NULL)
            continue;
        size_t at = (size_t)e->v.num;
        struct side sb = side_of(&was->columns[at], state_of(base->state, at));
        struct side sn = side_of(c, state_of(now, i));
        columns[n].name = c->name;
        compare(&sb, &sn, effect, &columns[n], &tests[n]);
        n++;
    }
    out->tests = judge(columns, tests, n);
    out->columns = columns;
    out->ncolumns = (uint32_t)n;
    if (!is_cut(was))
        out->added = absent(now_record, &in_base, a, &out->nadded);
    out->removed = absent(was, &in_now, a, &out->nremoved);
    map_release(&in_base);
    map_release(&in_now);
}

uint32_t profile_schema_changes(const struct rec_profile *base, const struct rec_profile *now,
                                struct arena *a, const char *const **reasons)
{
    struct map in_base = places(base), in_now = places(now);
    const char **list = NULL;
    size_t n = 0;
    struct quoted q;
    uint32_t gone;
    const char *const *names = absent(base, &in_now, a, &gone);
    for (uint32_t i = 0; i < gone; i++)
        *ARENA_PUSH(a, list, n) = arena_printf(a, "column '%s' is gone", quote_str(&q, names[i]));
    for (uint32_t i = 0; i < now->ncolumns; i++) {
        const struct rec_column *c = &now->columns[i];
        const struct map_entry *e = map_get(&in_base, slice_str(c->name));
        quote_str(&q, c->name);
        if (e == NULL) {
            if (!is_cut(base))
                *ARENA_PUSH(a, list, n) = arena_printf(a, "column '%s' is new", q.s);
            continue;
        }
        enum type was = type_of(&base->columns[e->v.num]), is = type_of(c);
        if (was != TYPE_NONE && type_join(was, is) != was)
            *ARENA_PUSH(a, list, n) =
                arena_printf(a, "column '%s' was %s and is %s", q.s, type_name(was), type_name(is));
    }
    uint32_t width = rec_profile_width(base);
    if (is_cut(base) && width != now->ncolumns)
        *ARENA_PUSH(a, list, n) =
            arena_printf(a, "there were %u columns and are %u", width, now->ncolumns);
    map_release(&in_base);
    map_release(&in_now);
    *reasons = list;
    return (uint32_t)n;
}
