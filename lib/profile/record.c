/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From the state of a profile to its record: issues, quality, window, columns. */
#include <math.h>

#include "base/instant.h"
#include "profile/state.h"
#include "sketch/interval.h"

static double line_of(uint64_t line)
{
    return line > 0 ? (double)line : (double)NAN;
}

struct issues {
    struct arena *a;
    struct rec_issue *items;
    size_t n;
};

/* Spellings that often stand for null: one issue each. */
static void spelling_issues(struct issues *is, const char *column, const struct column_state *s)
{
    const struct spelling_counts *c = s->figures.spelled;
    for (unsigned i = 0; c != NULL && i < SPELLINGS; i++)
        if (c->count[i] > 0)
            *ARENA_PUSH(is->a, is->items, is->n) =
                (struct rec_issue){column, "null_spelling", (double)c->count[i],
                                   line_of(c->line[i]), profile_spellings[i]};
}

static void issue(struct issues *is, const char *column, const char *rule, uint64_t count,
                  uint64_t line)
{
    if (count > 0)
        *ARENA_PUSH(is->a, is->items, is->n) =
            (struct rec_issue){column, rule, (double)count, line_of(line), NULL};
}

static void finish_issues(const struct profile *p, struct arena *a, struct rec_profile *out)
{
    struct issues is = {a, NULL, 0};
    for (size_t i = 0; i < p->nfaults; i++) {
        const struct profile_fault *f = &p->faults[i];
        issue(&is, f->column ? arena_strdup(a, f->column) : NULL, arena_strdup(a, f->rule),
              f->count, f->line);
        if (f->byte > 0 && f->count > 0)
            is.items[is.n - 1].value = arena_printf(a, "byte %llu", (unsigned long long)f->byte);
    }
    for (uint32_t c = 0; c < p->schema.n; c++) {
        const struct column_state *s = &p->columns[c];
        const char *name = out->columns[c].name;
        uint64_t first, same = column_state_consistent(s, &first);
        issue(&is, name, "null", s->nulls, s->first_null);
        spelling_issues(&is, name, s);
        issue(&is, name, "mixed_types", s->values - same, first);
        for (unsigned f = 0; f < FORMATS; f++) {
            if (!column_state_has_format(s, f))
                continue;
            uint64_t line = s->format_miss[f];
            for (int k = 0; k < KINDS; k++)
                if (k != TYPE_STRING && s->kinds[k] > 0 && (line == 0 || s->first_line[k] < line))
                    line = s->first_line[k];
            issue(&is, name, arena_printf(a, "not_%s", profile_format_names[f]),
                  s->values - s->formats[f], line);
        }
    }
    out->issues = is.items;
    out->nissues = (uint32_t)is.n;
}

static void finish_quality(const struct profile *p, struct rec_profile *out)
{
    double values = 0, consistent = 0, cells = (double)p->profiled * p->schema.n;
    for (uint32_t c = 0; c < p->schema.n; c++) {
        values += (double)p->columns[c].values;
        consistent += (double)column_state_consistent(&p->columns[c], NULL);
    }
    double records = (double)(p->delivered + p->lost), none = (double)NAN;
    out->completeness = cells > 0 ? values / cells : none;
    out->consistency = values > 0 ? consistent / values : none;
    out->accuracy = records > 0 ? 1 - (double)p->malformed / records : none;
    /* The product, in the form that rounds once; all null: nothing is there, the score is 0. */
    out->data_quality_score = cells > 0 ? out->accuracy * (consistent / cells) : none;
}

/* The time that the first timestamp column spans. */
static void finish_window(const struct profile *p, struct arena *a, struct rec_profile *out)
{
    out->first_record = p->delivered > 0 ? 1 : (double)NAN;
    out->last_record = p->delivered > 0 ? (double)p->delivered : (double)NAN;
    out->records_per_second = (double)NAN;
    for (uint32_t c = 0; c < p->schema.n; c++) {
        const struct column_state *s = &p->columns[c];
        if (column_state_type(s) != TYPE_TIMESTAMP)
            continue;
        char text[INSTANT_TEXT];
        instant_format(text, s->time_min);
        out->from = arena_strdup(a, text);
        instant_format(text, s->time_max);
        out->to = arena_strdup(a, text);
        double span = (double)s->time_max - (double)s->time_min;
        if (span > 0)
            out->records_per_second = (double)(p->delivered - 1) / (span / (double)US_PER_S);
        return;
    }
}

/* What the sample says of all records. */
static void finish_intervals(const struct profile *p, const struct column_state *s,
                             struct rec_column *out)
{
    double all = (double)p->delivered, rate = all > 0 ? (double)p->profiled / all : 1;
    struct interval i;
    if (p->o.sample_rate >= 1)
        return;
    out->intervals.known = true;
    i = interval_rate(out->nulls, out->records, all);
    out->intervals.null_rate = (struct rec_interval){i.lo, i.hi};
    out->intervals.mean = out->intervals.median = (struct rec_interval){(double)NAN, (double)NAN};
    if (!isfinite(out->mean))
        return;
    double n = s->moments.n;
    i = interval_mean(n, n / rate, out->mean, out->stddev, out->skewness, out->kurtosis);
    out->intervals.mean = (struct rec_interval){i.lo, i.hi};
    if (s->kll == NULL)
        return;
    double at[2], value[2];
    i = interval_quantile(0.5, n, n / rate);
    at[0] = i.lo;
    at[1] = i.hi;
    kll_quantiles(s->kll, at, 2, value);
    out->intervals.median = (struct rec_interval){value[0], value[1]};
}

void profile_finish(struct profile *p, struct arena *a, uint64_t bytes, struct rec_profile *out)
{
    profile_settle(p);
    p->bytes = bytes;
    *out = (struct rec_profile){0};
    double none = (double)NAN;
    bool sampled_only = p->o.sample_rate < 1;
    out->sample_rate = p->o.sample_rate;
    out->sample_seed = sampled_only && !p->seeds ? (double)p->o.seed : none;
    out->records_seen = (double)p->delivered;
    out->records_profiled = (double)p->profiled;
    out->records = (double)p->delivered;
    out->bytes = (double)bytes;
    out->records_interval = (struct rec_interval){none, none};
    uint64_t all = p->delivered + p->lost;
    out->avg_record_size = all > 0 ? (double)bytes / (double)all : none;
    out->schema_evolution_probability = none;
    struct rec_column *columns = ARENA_ARRAY(a, struct rec_column, p->schema.n);
    const char **cut = NULL;
    size_t ncut = 0;
    for (uint32_t c = 0; c < p->schema.n; c++) {
        const struct column_state *s = &p->columns[c];
        const char *name = arena_strdup(a, p->schema.fields[c].name);
        column_state_finish(s, &p->sizes, a, name, &columns[c]);
        finish_intervals(p, s, &columns[c]);
        if (s->min.cut && columns[c].min.len > EXTREME_MAX / 2)
            *ARENA_PUSH(a, cut, ncut) = arena_printf(a, "columns[%u].min", c);
        if (s->max.cut && columns[c].max.len > EXTREME_MAX / 2)
            *ARENA_PUSH(a, cut, ncut) = arena_printf(a, "columns[%u].max", c);
    }
    out->columns = columns;
    out->ncolumns = p->schema.n;
    out->truncated = cut;
    out->ntruncated = (uint32_t)ncut;
    finish_window(p, a, out);
    finish_quality(p, out);
    finish_issues(p, a, out);
}

bool profile_histogram(const struct profile *p, uint32_t c, double lo, double hi, double *bars,
                       size_t nbars)
{
    const struct kll *k = c < p->schema.n ? p->columns[c].kll : NULL;
    if (k == NULL || p->o.fast || !type_is_number(column_state_type(&p->columns[c])))
        return false;
    kll_histogram(k, lo, hi, bars, nbars);
    return true;
}
