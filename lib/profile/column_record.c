/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From what is known of a column to its part of the record. Not for gathering: that is column.c. */
#include <math.h>

#include "base/instant.h"
#include "base/num.h"
#include "profile/column.h"

/* A format is named when it holds for this share of the values. */
#define FORMAT_SHARE 0.95
#define TOP_MAX 10
/* Once counts are estimates, values below this share are noise. */
#define TOP_SHARE 0.001

enum type column_state_type(const struct column_state *c)
{
    enum type t = TYPE_NONE;
    for (int k = TYPE_NONE + 1; k < TYPE_COUNT; k++)
        if (c->kinds[k] > 0)
            t = type_join(t, (enum type)k);
    if (c->kinds[KIND_ZERO_CODE] > 0)
        t = type_join(t, TYPE_STRING);
    return t;
}

/* Numbers of all spellings go together. */
static int family_of(int kind)
{
    return kind == TYPE_FLOAT || kind == KIND_ZERO_CODE ? TYPE_INTEGER : kind;
}

uint64_t column_state_consistent(const struct column_state *c, uint64_t *first_line)
{
    uint64_t family[KINDS] = {0};
    int best = TYPE_NONE;
    for (int k = 0; k < KINDS; k++)
        family[family_of(k)] += c->kinds[k];
    for (int k = 0; k < KINDS; k++)
        if (family[k] > family[best])
            best = k;
    uint64_t first = 0;
    for (int k = 0; k < KINDS; k++)
        if (family_of(k) != best && c->kinds[k] > 0 && (first == 0 || c->first_line[k] < first))
            first = c->first_line[k];
    if (first_line != NULL)
        *first_line = first;
    return family[best];
}

bool column_state_has_format(const struct column_state *c, unsigned f)
{
    /* Namibia alone is no column of countries. */
    const struct spelling_counts *s = c->figures.spelled;
    return c->formats[f] > (f == FORMAT_COUNTRY2 && s != NULL ? s->count[SPELLED_NA] : 0) &&
           (double)c->formats[f] >= FORMAT_SHARE * (double)c->values;
}

static struct slice value_text(struct arena *a, const struct extreme *e)
{
    size_t len = e->len;
    if (e->cut) /* not in the middle of a character */
        while (len > EXTREME_MAX - 4 && ((unsigned char)e->p[len - 1] & 0xc0) == 0x80)
            len--;
    if (e->cut && len > 0 && ((unsigned char)e->p[len - 1] & 0x80))
        len--;
    struct buf b = BUF_INIT(BUF_UNBOUNDED);
    json_quote(&b, slice_of(e->p, len));
    struct slice s = arena_slice(a, buf_slice(&b));
    buf_release(&b);
    return s;
}

static struct slice value_double(struct arena *a, double d)
{
    char text[NUM_TEXT_MAX];
    size_t n = num_format_double(text, d);
    return arena_slice(a, slice_of(text, n));
}

static struct slice value_int(struct arena *a, int64_t i)
{
    char text[NUM_TEXT_MAX];
    size_t n = num_format_int(text, i);
    return arena_slice(a, slice_of(text, n));
}

static struct slice value_instant(struct arena *a, int64_t us)
{
    char text[INSTANT_TEXT];
    instant_format(text, us);
    return slice_str(arena_printf(a, "\"%s\"", text));
}

static void finish_range(const struct column_state *c, struct arena *a, struct rec_column *out)
{
    switch (out->type) {
    case TYPE_INTEGER:
        out->min = value_int(a, c->int_min);
        out->max = value_int(a, c->int_max);
        break;
    case TYPE_FLOAT: {
        double lo = c->float_min, hi = c->float_max;
        if (c->kinds[TYPE_INTEGER] > 0) {
            lo = (double)c->int_min < lo ? (double)c->int_min : lo;
            hi = (double)c->int_max > hi ? (double)c->int_max : hi;
        }
        out->min = value_double(a, lo);
        out->max = value_double(a, hi);
        break;
    }
    case TYPE_TIMESTAMP:
        out->min = value_instant(a, c->time_min);
        out->max = value_instant(a, c->time_max);
        break;
    case TYPE_BOOLEAN:
    case TYPE_DATE:
    case TYPE_STRING:
        out->min = value_text(a, &c->min);
        out->max = value_text(a, &c->max);
        break;
    case TYPE_NONE:
    case TYPE_JSON:
        break;
    }
}

static void finish_top(const struct column_state *c, struct arena *a, struct rec_column *out)
{
    const struct frequent *f = &c->frequent;
    struct frequent_item items[TOP_MAX];
    uint64_t least = 1;
    if (f->error > 0) {
        least = f->error + f->error / 10 + 1;
        uint64_t share = (uint64_t)ceil(TOP_SHARE * (double)f->total);
        least = share > least ? share : least;
    }
    size_t n = frequent_top(f, least, items, TOP_MAX);
    struct rec_top *top = ARENA_ARRAY(a, struct rec_top, n);
    for (size_t i = 0; i < n; i++)
        top[i] = (struct rec_top){arena_slice(a, items[i].text), (double)items[i].upper,
                                  (double)(items[i].upper - items[i].lower)};
    out->top = top;
    out->ntop = (uint32_t)n;
}

static void finish_formats(const struct column_state *c, struct arena *a, struct rec_column *out)
{
    const char **names = ARENA_ARRAY(a, const char *, FORMATS + 1);
    for (unsigned f = 0; f < FORMATS; f++)
        if (column_state_has_format(c, f))
            names[out->nformats++] = profile_format_names[f];
    uint64_t codes = c->kinds[KIND_ZERO_CODE];
    if (codes > 0 && (double)(codes + c->kinds[TYPE_INTEGER]) >= FORMAT_SHARE * (double)c->values)
        names[out->nformats++] = "leading_zeros";
    out->formats = names;
}

/* Is every value another one? No is certain when a value was surely seen twice, or when all that
 * differ are counted; else it is what four standard errors leave (1 in 16,000 at that). */
#define UNIQUE_ERRORS 4

static enum rec_answer is_unique(const struct column_state *c, const struct rec_column *out)
{
    struct frequent_item top;
    if (c->values == 0)
        return REC_UNKNOWN;
    if (distinct_is_exact(&c->distinct))
        return out->distinct == (double)c->values ? REC_YES : REC_NO;
    if (out->monotone != NULL && strncmp(out->monotone, "strictly", 8) == 0)
        return REC_YES;
    if (frequent_top(&c->frequent, 2, &top, 1) == 1 && top.lower >= 2)
        return REC_NO;
    return out->distinct + UNIQUE_ERRORS * out->distinct_error < (double)c->values ? REC_NO
                                                                                   : REC_UNKNOWN;
}

static void finish_figures(const struct column_state *c, const struct column_sizes *s,
                           struct arena *a, struct rec_column *out)
{
    const struct column_figures *f = &c->figures;
    double none = (double)NAN, values = (double)c->values;
    out->length_min = out->length_mean = out->length_max = none;
    out->uniqueness = c->values > 0 ? out->distinct / values : none;
    out->uniqueness_error = c->values > 0 ? out->distinct_error / values : none;
    if (!s->fast && c->values > 0) {
        out->length_min = f->len_min;
        out->length_mean = (double)c->bytes / values;
        out->length_max = f->len_max;
        if (out->type != TYPE_JSON)
            out->monotone = column_figures_order(f, type_is_number(out->type), c->values);
    }
    out->unique = is_unique(c, out);
    if (c->values > 0 && distinct_is_exact(&c->distinct))
        out->constant = out->distinct == 1 ? REC_YES : REC_NO;
    else if (c->values > 0)
        out->constant = REC_NO; /* thousands of values */
    out->key_candidate = c->values == 0                          ? REC_UNKNOWN
                         : c->nulls > 0 || out->unique == REC_NO ? REC_NO
                                                                 : REC_YES;
    if (s->fast)
        return;
    struct rec_spelling *items = ARENA_ARRAY(a, struct rec_spelling, SPELLINGS);
    for (unsigned i = 0; f->spelled != NULL && i < SPELLINGS; i++)
        if (f->spelled->count[i] > 0)
            items[out->nspellings++] =
                (struct rec_spelling){profile_spellings[i], (double)f->spelled->count[i]};
    out->null_spellings = items;
}

void column_state_finish(const struct column_state *c, const struct column_sizes *s,
                         struct arena *a, const char *name, struct rec_column *out)
{
    *out = (struct rec_column){.name = name, .type = column_state_type(c)};
    double none = (double)NAN;
    out->records = (double)(c->values + c->nulls);
    out->nulls = (double)c->nulls;
    out->bytes = (double)c->bytes;
    out->distinct = round(distinct_estimate(&c->distinct));
    out->distinct_error = distinct_error(&c->distinct);
    if (out->distinct > (double)c->values)
        out->distinct = (double)c->values;
    for (int k = 0; k < TYPE_COUNT; k++)
        out->types[k] = (double)c->kinds[k];
    out->types[TYPE_STRING] += (double)c->kinds[KIND_ZERO_CODE];
    for (int k = 0; k < TYPE_COUNT; k++)
        out->first_lines[k] = (double)c->first_line[k];
    if (c->first_line[KIND_ZERO_CODE] > 0 &&
        (c->first_line[TYPE_STRING] == 0 ||
         c->first_line[KIND_ZERO_CODE] < c->first_line[TYPE_STRING]))
        out->first_lines[TYPE_STRING] = (double)c->first_line[KIND_ZERO_CODE];
    finish_range(c, a, out);
    if (c->elements.arrays > 0)
        out->elements =
            (struct rec_elements){(double)c->elements.arrays, c->elements.min,
                                  (double)c->elements.total / (double)c->elements.arrays,
                                  c->elements.max, (double)c->elements.total};
    bool number = type_is_number(out->type);
    out->mean = number ? moments_mean(&c->moments) : none;
    out->stddev = number ? moments_stddev(&c->moments) : none;
    out->skewness = number ? moments_skewness(&c->moments) : none;
    out->kurtosis = number ? moments_kurtosis(&c->moments) : none;
    out->quantile_error = out->outliers = out->outliers_error = none;
    for (size_t i = 0; i < REC_QUANTILES; i++)
        out->quantiles[i] = none;
    finish_figures(c, s, a, out);
    if (s->fast)
        return;
    if (number) {
        out->quantile_error = kll_rank_error(c->kll);
        kll_quantiles(c->kll, rec_quantile_at, REC_QUANTILES, out->quantiles);
        out->outliers = tails_outliers(c->tails, c->kll, &out->outliers_error);
        if (isnan(out->outliers))
            out->outliers_error = none;
    }
    finish_top(c, a, out);
    finish_formats(c, a, out);
}
