/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the table and the page of etl-profile have in common: issues in words, most telling first,
 * and bars of a distribution. */
#include <math.h>

#include "base/num.h"
#include "tools/etl-profile.h"

static const struct {
    const char *rule, *one, *many; /* behind the count */
} records_are[] = {
    {"ragged_row", "record has too few or too many fields",
     "records have too few or too many fields"},
    {"unterminated_quote", "quote is never closed", "quotes are never closed"},
    {"quote", "record has a stray quote, kept as data", "records have stray quotes, kept as data"},
    {"invalid_utf8", "record has bytes that are not UTF-8",
     "records have bytes that are not UTF-8"},
    {"nul_byte", "record has NUL bytes", "records have NUL bytes"},
    {"not_json", "line is not JSON", "lines are not JSON"},
    {"not_an_object", "line is no JSON object", "lines are no JSON objects"},
    {"unknown_field", "record has a member that came late", "records have members that came late"},
    {"oversize", "record is too long", "records are too long"},
    {"broken_compression", "break in the compression: what is behind it is missing",
     "breaks in the compression: what is behind them is missing"},
    {"changed_while_read", "change of the file while it was read",
     "changes of the file while it was read"},
    {"mixed_line_ends", "line ends unlike the others (CRLF or LF)",
     "lines end unlike the others (CRLF or LF)"},
};

bool etl_profile_is_part(const struct rec_profile *p)
{
    return p->partition != NULL || p->first_record > 1 ||
           (p->first_record > 0 && p->last_record > p->records);
}

const char *etl_profile_subject(struct arena *a, const struct rec_profile *p, bool is_part)
{
    const char *s = p->dataset;
    if (!is_part)
        return s;
    if (p->partition != NULL)
        s = arena_printf(a, "%s, partition %s", s ? s : "stdin", p->partition);
    if (p->from != NULL && p->to != NULL)
        s = arena_printf(a, "%s, %s to %s", s ? s : "stdin", p->from, p->to);
    else if (isfinite(p->first_record))
        s = arena_printf(a, "%s, records %.0f to %.0f", s ? s : "stdin", p->first_record,
                         p->last_record);
    return s;
}

/* Rules of --expect (profile/expect.h), behind "expect_". */
static const struct {
    const char *rule, *one, *many; /* behind the count; NULL: it stands alone */
} schema_says[] = {
    {"extra_field", "is not in the schema", NULL},
    {"missing_field", "is in the schema and not in the data", NULL},
    {"field_order", "is not where the schema has it", NULL},
    {"type", "value is not of the expected type", "values are not of the expected type"},
    {"required", "null where a value is required", "nulls where a value is required"},
    {"unique", "value repeats and should not", "values repeat and should not"},
    {"primary_key", "key repeats or is null", "keys repeat or are null"},
    {"enum", "value is none of those expected", "values are none of those expected"},
    {"pattern", "value does not match the pattern", "values do not match the pattern"},
    {"minimum", "value is too small", "values are too small"},
    {"maximum", "value is too large", "values are too large"},
    {"exclusive_minimum", "value is too small", "values are too small"},
    {"exclusive_maximum", "value is too large", "values are too large"},
    {"min_length", "value is too short", "values are too short"},
    {"max_length", "value is too long", "values are too long"},
};

/* False when the rule is another one. */
static bool say_expected(struct buf *out, const struct rec_issue *x, const char *count)
{
    if (strncmp(x->rule, "expect_", 7) != 0)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(schema_says); i++) {
        if (strcmp(schema_says[i].rule, x->rule + 7) != 0)
            continue;
        if (schema_says[i].many == NULL)
            buf_adds(out, schema_says[i].one);
        else
            buf_addf(out, "%s %s", count, x->count == 1 ? schema_says[i].one : schema_says[i].many);
        if (x->value != NULL)
            buf_addf(out, " (\"%s\")", x->value);
        return true;
    }
    return false;
}

static const char *grouped(char text[NUM_TEXT_MAX], double n)
{
    if (!isfinite(n))
        return "some";
    num_format_grouped(text, (int64_t)n);
    return text;
}

static const struct rec_column *column_of(const struct rec_profile *p, const char *name)
{
    return name ? rec_profile_column(p, slice_str(name)) : NULL;
}

/* "string 12, integer 3", most first. */
static void say_types(struct buf *out, const struct rec_column *c)
{
    char n[NUM_TEXT_MAX];
    bool said[TYPE_COUNT] = {false};
    for (int i = TYPE_NONE + 1; i < TYPE_COUNT; i++) {
        int best = TYPE_NONE;
        for (int t = TYPE_NONE + 1; t < TYPE_COUNT; t++)
            if (!said[t] && c->types[t] > 0 && (best == TYPE_NONE || c->types[t] > c->types[best]))
                best = t;
        if (best == TYPE_NONE)
            break;
        buf_addf(out, "%s%s %s", i > TYPE_NONE + 1 ? ", " : "", type_name((enum type)best),
                 grouped(n, c->types[best]));
        said[best] = true;
    }
}

static void say_record_rule(struct buf *out, const struct rec_issue *x, const char *count)
{
    for (size_t i = 0; i < ARRAY_LEN(records_are); i++)
        if (strcmp(records_are[i].rule, x->rule) == 0) {
            buf_addf(out, "%s %s", count, x->count == 1 ? records_are[i].one : records_are[i].many);
            return;
        }
    buf_addf(out, "%s times: ", count);
    for (const char *s = x->rule; *s != '\0'; s++)
        buf_addc(out, *s == '_' ? ' ' : *s);
}

void etl_profile_issue_words(struct buf *out, const struct rec_profile *p,
                             const struct rec_issue *x)
{
    char count[NUM_TEXT_MAX], line[NUM_TEXT_MAX];
    const struct rec_column *c = column_of(p, x->column);
    const char *s = x->count == 1 ? "" : "s";
    grouped(count, x->count);
    if (strcmp(x->rule, "null") == 0) {
        buf_addf(out, "%s null%s", count, s);
        if (c != NULL && c->records > 0)
            buf_addf(out, " (%.*f %%)", x->count * 1000 < c->records ? 2 : 1,
                     100 * x->count / c->records);
    } else if (strcmp(x->rule, "mixed_types") == 0) {
        buf_addf(out, "%s value%s of another kind than most", count, s);
        if (c != NULL) {
            buf_adds(out, " (");
            say_types(out, c);
            buf_addc(out, ')');
        }
    } else if (strcmp(x->rule, "null_spelling") == 0 && x->value != NULL) {
        if (x->value[0] == '\0')
            buf_addf(out, "%s empty text%s", count, s);
        else if (x->value[0] == ' ')
            buf_addf(out, "%s blank text%s", count, s);
        else
            buf_addf(out, "%s \"%s\"", count, x->value);
        buf_adds(out, ", which may stand for null");
    } else if (strncmp(x->rule, "not_", 4) == 0 && x->column != NULL) {
        buf_addf(out, "%s value%s unlike the others (%s)", count, s, x->rule + 4);
    } else if (!say_expected(out, x, count)) {
        say_record_rule(out, x, count);
    }
    if (x->first_line > 0)
        buf_addf(out, ", %sin line %s", x->count == 1 ? "" : "first ",
                 grouped(line, x->first_line));
}

/* Faults of records first, nulls last: they show in the table, too. */
static int weight(const struct rec_issue *x)
{
    static const char *const order[] = {"mixed_types", "not_", "null_spelling", "null"};
    if (x->column == NULL)
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(order); i++)
        if (strncmp(x->rule, order[i], i == 1 ? 4 : strlen(order[i]) + 1) == 0)
            return (int)i + 1;
    return 0;
}

#define NULLS_SHOWN 3

const struct rec_issue **etl_profile_issues(struct arena *a, const struct rec_profile *p,
                                            uint32_t *n)
{
    const struct rec_issue **sorted = ARENA_ARRAY(a, const struct rec_issue *, p->nissues + 1);
    uint32_t at = 0;
    for (int w = 0; w <= 4; w++) {
        *n = at; /* of those before nulls in the end */
        for (uint32_t i = 0; i < p->nissues; i++)
            if (weight(&p->issues[i]) == w)
                sorted[at++] = &p->issues[i];
    }
    if (at - *n <= NULLS_SHOWN)
        *n = at;
    return sorted;
}

/* Share of values up to x, from the quantiles, linear in between. */
static double cumulative(const double *q, double x)
{
    if (x <= q[0])
        return rec_quantile_at[0];
    for (size_t i = 1; i < REC_QUANTILES; i++)
        if (x <= q[i])
            return rec_quantile_at[i - 1] + (rec_quantile_at[i] - rec_quantile_at[i - 1]) *
                                                (x - q[i - 1]) / (q[i] - q[i - 1]);
    return rec_quantile_at[REC_QUANTILES - 1];
}

/* From the 1st to the 99th percentile, but up to an end that is near: what lies far out would leave
 * one bar to all the rest. Bars of
 * integers hold as many whole numbers each; the last one may reach beyond the range. */
static bool range_of(const struct rec_column *c, struct etl_profile_bars *b)
{
    double q1 = c->quantiles[0], q99 = c->quantiles[REC_QUANTILES - 1], least, most;
    if (!type_is_number(c->type) || !num_parse_float(c->min, &least) ||
        !num_parse_float(c->max, &most) || !(least < most) || !isfinite(q1) || !isfinite(q99))
        return false;
    double near = q1 < q99 ? (q99 - q1) / 4 : most - least;
    b->lo = q1 - least <= near ? least : q1;
    b->hi = most - q99 <= near ? most : q99;
    if (c->type == TYPE_INTEGER && fabs(b->lo) < 1e15 && fabs(b->hi) < 1e15) {
        double span = floor(b->hi) - ceil(b->lo) + 1;
        b->whole = ceil(span / (double)b->n);
        b->n = (size_t)ceil(span / b->whole);
        b->lo = ceil(b->lo) - 0.5;
        b->hi = b->lo + b->whole * (double)b->n;
    }
    return b->lo < b->hi && isfinite(b->hi - b->lo);
}

bool etl_profile_bars(const struct profile *p, uint32_t index, const struct rec_column *c,
                      struct etl_profile_bars *b)
{
    double before = 0, values = c->records - c->nulls, inside = 0;
    b->whole = 0;
    if (!range_of(c, b))
        return false;
    if (p == NULL || !profile_histogram(p, index, b->lo, b->hi, b->bar, b->n))
        for (size_t i = 0; i < b->n; i++) {
            double x = b->lo + (b->hi - b->lo) * (double)(i + 1) / (double)b->n;
            double upto = i + 1 == b->n ? 1 : cumulative(c->quantiles, x);
            b->bar[i] = upto > before ? round((upto - before) * values) : 0;
            before = upto;
        }
    for (size_t i = 0; i < b->n; i++)
        inside += b->bar[i];
    b->outside = values > inside ? values - inside : 0;
    return true;
}
