/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The profile record, and what a record line may be cut down to so that it stays below 16 MiB. */
#include "base/num.h"
#include "rec/figures.h"

#include <math.h>

const double rec_quantile_at[REC_QUANTILES] = {0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99};
static const char *const quantile_names[REC_QUANTILES] = {"0.01", "0.05", "0.25", "0.5",
                                                          "0.75", "0.95", "0.99"};

/* What is written of a profile. */
struct cut {
    bool no_top, no_quantiles;
    uint32_t columns, issues;
};
#define ISSUES_KEPT 1000

bool rec_is(const struct json *v, const char *kind)
{
    const char *have = json_str(v, "record", NULL);
    return have != NULL && strcmp(have, kind) == 0 && json_int(v, "v", 1) <= 1;
}

/* -- reading -- */

/* A value as JSON text in the arena; empty for null and what is absent. */
static struct slice raw_read(struct arena *a, const struct json *obj, const char *name)
{
    const struct json *v = json_get(obj, name);
    if (v == NULL || json_is(v, JSON_NULL))
        return SLICE_NULL;
    struct buf b = BUF_INIT(JSON_LINE_MAX);
    json_write(&b, v);
    struct slice s = arena_slice(a, buf_slice(&b));
    buf_release(&b);
    return s;
}

static const struct rec_top *top_read(struct arena *a, const struct json *arr, uint32_t *n)
{
    *n = 0;
    if (!json_is(arr, JSON_ARRAY))
        return NULL;
    struct rec_top *items = ARENA_ARRAY(a, struct rec_top, json_len(arr));
    for (size_t i = 0; i < json_len(arr); i++) {
        const struct json *item = json_at(arr, i), *value = json_get(item, "value");
        if (!json_is(value, JSON_STRING))
            continue;
        items[(*n)++] =
            (struct rec_top){arena_slice(a, value->u.s), json_num(item, "count", (double)NAN),
                             json_num(item, "error", (double)NAN)};
    }
    return items;
}

static const struct rec_spelling *spellings_read(struct arena *a, const struct json *obj,
                                                 uint32_t *n)
{
    *n = 0;
    if (!json_is(obj, JSON_OBJECT))
        return NULL;
    struct rec_spelling *items = ARENA_ARRAY(a, struct rec_spelling, json_len(obj) + 1);
    for (size_t i = 0; i < json_len(obj); i++)
        if (json_is_number(obj->u.members[i].value)) {
            const char *text =
                arena_strndup(a, obj->u.members[i].name.p, obj->u.members[i].name.len);
            items[(*n)++] = (struct rec_spelling){text, json_num(obj, text, (double)NAN)};
        }
    return items;
}

static enum rec_answer answer_read(const struct json *obj, const char *name)
{
    const struct json *v = json_get(obj, name);
    return json_is(v, JSON_TRUE) ? REC_YES : json_is(v, JSON_FALSE) ? REC_NO : REC_UNKNOWN;
}

static double number_of(const struct json *v)
{
    return json_is(v, JSON_INT) ? (double)v->u.i : json_is(v, JSON_DOUBLE) ? v->u.d : (double)NAN;
}

static struct rec_interval interval_read(const struct json *obj, const char *name)
{
    struct rec_interval i = {(double)NAN, (double)NAN};
    const struct json *v = json_get(obj, name);
    if (json_is(v, JSON_ARRAY) && json_len(v) == 2)
        i = (struct rec_interval){number_of(json_at(v, 0)), number_of(json_at(v, 1))};
    return i;
}

static void intervals_read(const struct json *v, struct rec_intervals *out)
{
    out->known = json_is(v, JSON_OBJECT);
    out->mean = interval_read(v, "mean");
    out->null_rate = interval_read(v, "null_rate");
    out->median = interval_read(v, "median");
}

static bool column_read(struct arena *a, const struct json *v, struct rec_column *c,
                        struct err *err)
{
    const char *type;
    if (!rec_require_string(v, "column", "name", &c->name, err) ||
        !rec_require_string(v, "column", "type", &type, err))
        return false;
    if (!type_parse(type, &c->type)) {
        struct quoted q;
        return err_set(err, ERR_DATA, "unknown type '%s'", quote_str(&q, type));
    }
    double none = (double)NAN;
    c->records = json_num(v, "records", none);
    c->nulls = json_num(v, "nulls", none);
    c->distinct = json_num(v, "distinct", none);
    c->distinct_error = json_num(v, "distinct_error", none);
    c->min = raw_read(a, v, "min");
    c->max = raw_read(a, v, "max");
    c->mean = json_num(v, "mean", none);
    c->stddev = json_num(v, "stddev", none);
    c->skewness = json_num(v, "skewness", none);
    c->kurtosis = json_num(v, "kurtosis", none);
    for (size_t i = 0; i < REC_QUANTILES; i++)
        c->quantiles[i] = json_num(json_get(v, "quantiles"), quantile_names[i], none);
    c->top = top_read(a, json_get(v, "top"), &c->ntop);
    c->quantile_error = json_num(v, "quantile_error", none);
    c->outliers = json_num(v, "outliers", none);
    c->outliers_error = json_num(v, "outliers_error", none);
    if (json_is(json_get(v, "formats"), JSON_ARRAY))
        c->formats = rec_strings_read(a, json_get(v, "formats"), &c->nformats);
    for (int t = TYPE_NONE + 1; t < TYPE_COUNT; t++) {
        c->types[t] = json_num(json_get(v, "types"), type_name((enum type)t), 0);
        c->first_lines[t] = json_num(json_get(v, "first_lines"), type_name((enum type)t), 0);
    }
    c->bytes = json_num(v, "bytes", none);
    intervals_read(json_get(v, "intervals"), &c->intervals);
    const struct json *length = json_get(v, "length_bytes");
    c->length_min = json_num(length, "min", none);
    c->length_mean = json_num(length, "mean", none);
    c->length_max = json_num(length, "max", none);
    const struct json *elements = json_get(v, "elements");
    c->elements =
        (struct rec_elements){json_num(elements, "arrays", 0), json_num(elements, "min", none),
                              json_num(elements, "mean", none), json_num(elements, "max", none),
                              json_num(elements, "total", none)};
    c->null_spellings = spellings_read(a, json_get(v, "null_spellings"), &c->nspellings);
    c->monotone = json_str(v, "monotone", NULL);
    c->uniqueness = json_num(v, "uniqueness", none);
    c->uniqueness_error = json_num(v, "uniqueness_error", none);
    c->unique = answer_read(v, "unique");
    c->constant = answer_read(v, "constant");
    c->key_candidate = answer_read(v, "key_candidate");
    return true;
}

static void issues_read(struct arena *a, const struct json *arr, struct rec_profile *p)
{
    size_t n = json_is(arr, JSON_ARRAY) ? json_len(arr) : 0;
    struct rec_issue *items = ARENA_ARRAY(a, struct rec_issue, n);
    p->issues = items;
    for (size_t i = 0; i < n; i++) {
        const struct json *v = json_at(arr, i);
        const char *rule = json_str(v, "rule", NULL);
        if (rule != NULL)
            items[p->nissues++] = (struct rec_issue){
                json_str(v, "column", NULL), rule, json_num(v, "count", (double)NAN),
                json_num(v, "first_line", (double)NAN), json_str(v, "value", NULL)};
    }
}

static bool columns_read(struct arena *a, const struct json *arr, struct rec_profile *p,
                         struct err *err)
{
    if (!json_is(arr, JSON_ARRAY))
        return err_set(err, ERR_DATA, "profile without 'columns'");
    struct rec_column *items = ARENA_ARRAY(a, struct rec_column, json_len(arr));
    p->columns = items;
    p->ncolumns = (uint32_t)json_len(arr);
    for (size_t i = 0; i < p->ncolumns; i++)
        if (!column_read(a, json_at(arr, i), &items[i], err))
            return err_prefix(err, "profile: columns[%zu]: ", i);
    return true;
}

bool rec_profile_read(struct arena *a, const struct json *v, struct rec_profile *out,
                      struct err *err)
{
    *out = (struct rec_profile){0};
    double none = (double)NAN;
    out->dataset = json_str(v, "dataset", NULL);
    out->partition = json_str(v, "partition", NULL);
    const struct json *window = json_get(v, "window");
    out->from = json_str(window, "from", NULL);
    out->to = json_str(window, "to", NULL);
    out->first_record = json_num(window, "first_record", none);
    out->last_record = json_num(window, "last_record", none);
    const struct json *sample = json_get(v, "sample");
    out->sample_rate = json_num(sample, "rate", none);
    out->sample_seed = json_num(sample, "seed", none);
    out->records_seen = json_num(sample, "records_seen", none);
    out->records_profiled = json_num(sample, "records_profiled", none);
    const struct json *volume = json_get(v, "volume");
    out->records = json_num(volume, "records", none);
    out->bytes = json_num(volume, "bytes", none);
    out->avg_record_size = json_num(volume, "avg_record_size", none);
    out->records_per_second = json_num(volume, "records_per_second", none);
    out->records_interval = interval_read(volume, "records_interval");
    out->schema_evolution_probability = json_num(v, "schema_evolution_probability", none);
    out->data_quality_score = json_num(v, "data_quality_score", none);
    const struct json *quality = json_get(v, "quality");
    out->completeness = json_num(quality, "completeness", none);
    out->accuracy = json_num(quality, "accuracy", none);
    out->consistency = json_num(quality, "consistency", none);
    issues_read(a, json_get(quality, "issues"), out);
    out->truncated = rec_strings_read(a, json_get(v, "truncated"), &out->ntruncated);
    return columns_read(a, json_get(v, "columns"), out, err);
}

/* -- writing -- */

static void kraw(struct jw *w, const char *name, struct slice json)
{
    jw_key(w, name);
    if (json.len > 0)
        jw_raw(w, json);
    else
        jw_null(w);
}

static void quantiles_write(struct jw *w, const struct rec_column *c, bool none)
{
    jw_key(w, "quantiles");
    for (size_t i = 0; i < REC_QUANTILES && !none; i++)
        if (isfinite(c->quantiles[i]))
            break;
        else
            none = i + 1 == REC_QUANTILES;
    if (none) {
        jw_null(w);
        return;
    }
    jw_obj(w);
    for (size_t i = 0; i < REC_QUANTILES; i++)
        jw_knum(w, quantile_names[i], c->quantiles[i]);
    jw_end_obj(w);
}

static void top_write(struct jw *w, const struct rec_column *c, bool none)
{
    jw_key(w, "top");
    if (none || c->top == NULL) {
        jw_null(w);
        return;
    }
    jw_arr(w);
    for (uint32_t i = 0; i < c->ntop; i++) {
        jw_obj(w);
        jw_key(w, "value");
        jw_slice(w, c->top[i].value);
        jw_knum(w, "count", c->top[i].count);
        jw_knum(w, "error", c->top[i].error);
        jw_end_obj(w);
    }
    jw_end_arr(w);
}

static void answer_write(struct jw *w, const char *name, enum rec_answer answer)
{
    if (answer != REC_UNKNOWN) {
        jw_kbool(w, name, answer == REC_YES);
        return;
    }
    jw_key(w, name);
    jw_null(w);
}

static void figures_write(struct jw *w, const struct rec_column *c)
{
    jw_key(w, "length_bytes");
    if (isfinite(c->length_max)) {
        jw_obj(w);
        jw_knum(w, "min", c->length_min);
        jw_knum(w, "mean", c->length_mean);
        jw_knum(w, "max", c->length_max);
        jw_end_obj(w);
    } else {
        jw_null(w);
    }
    jw_key(w, "elements");
    if (c->elements.arrays > 0) {
        jw_obj(w);
        jw_knum(w, "arrays", c->elements.arrays);
        jw_knum(w, "min", c->elements.min);
        jw_knum(w, "mean", c->elements.mean);
        jw_knum(w, "max", c->elements.max);
        jw_knum(w, "total", c->elements.total);
        jw_end_obj(w);
    } else {
        jw_null(w);
    }
    jw_key(w, "null_spellings");
    if (c->null_spellings != NULL) {
        jw_obj(w);
        for (uint32_t i = 0; i < c->nspellings; i++)
            jw_knum(w, c->null_spellings[i].text, c->null_spellings[i].count);
        jw_end_obj(w);
    } else {
        jw_null(w);
    }
    jw_kstr(w, "monotone", c->monotone);
    jw_knum(w, "uniqueness", c->uniqueness);
    jw_knum(w, "uniqueness_error", c->uniqueness_error);
    answer_write(w, "unique", c->unique);
    answer_write(w, "constant", c->constant);
    answer_write(w, "key_candidate", c->key_candidate);
}

static void interval_write(struct jw *w, const char *name, const struct rec_interval *i)
{
    jw_key(w, name);
    if (i == NULL || !isfinite(i->lo) || !isfinite(i->hi)) {
        jw_null(w);
        return;
    }
    jw_arr(w);
    jw_num(w, i->lo);
    jw_num(w, i->hi);
    jw_end_arr(w);
}

static void intervals_write(struct jw *w, const struct rec_intervals *i)
{
    jw_key(w, "intervals");
    if (!i->known) {
        jw_null(w);
        return;
    }
    jw_obj(w);
    interval_write(w, "mean", &i->mean);
    interval_write(w, "null_rate", &i->null_rate);
    interval_write(w, "median", &i->median);
    jw_end_obj(w);
}

static void column_write(struct jw *w, const struct rec_column *c, const struct cut *cut)
{
    jw_obj(w);
    jw_kstr(w, "name", c->name);
    jw_kstr(w, "type", type_name(c->type));
    jw_knum(w, "records", c->records);
    jw_knum(w, "nulls", c->nulls);
    jw_knum(w, "distinct", c->distinct);
    jw_knum(w, "distinct_error", c->distinct_error);
    kraw(w, "min", c->min);
    kraw(w, "max", c->max);
    jw_knum(w, "mean", c->mean);
    jw_knum(w, "stddev", c->stddev);
    jw_knum(w, "skewness", c->skewness);
    jw_knum(w, "kurtosis", c->kurtosis);
    quantiles_write(w, c, cut->no_quantiles);
    jw_knum(w, "quantile_error", cut->no_quantiles ? (double)NAN : c->quantile_error);
    top_write(w, c, cut->no_top);
    jw_knum(w, "outliers", c->outliers);
    jw_knum(w, "outliers_error", c->outliers_error);
    if (c->formats != NULL) {
        rec_strings_write(w, "formats", c->formats, c->nformats);
    } else {
        jw_key(w, "formats");
        jw_null(w);
    }
    jw_key(w, "types");
    jw_obj(w);
    for (int t = TYPE_NONE + 1; t < TYPE_COUNT; t++)
        if (c->types[t] > 0)
            jw_knum(w, type_name((enum type)t), c->types[t]);
    jw_end_obj(w);
    jw_key(w, "first_lines");
    jw_obj(w);
    for (int t = TYPE_NONE + 1; t < TYPE_COUNT; t++)
        if (c->first_lines[t] > 0)
            jw_knum(w, type_name((enum type)t), c->first_lines[t]);
    jw_end_obj(w);
    jw_knum(w, "bytes", c->bytes);
    figures_write(w, c);
    intervals_write(w, &c->intervals);
    jw_end_obj(w);
}

static void distribution_write(struct jw *w, const struct rec_profile *p)
{
    double count[TYPE_COUNT] = {0}, all = 0;
    for (uint32_t i = 0; i < p->ncolumns; i++)
        for (int t = TYPE_NONE + 1; t < TYPE_COUNT; t++) {
            count[t] += p->columns[i].types[t];
            all += p->columns[i].types[t];
        }
    jw_key(w, "dataTypeDistribution");
    jw_obj(w);
    for (int t = TYPE_NONE + 1; t < TYPE_COUNT; t++)
        if (count[t] > 0)
            jw_knum(w, type_name((enum type)t), count[t] / all);
    jw_end_obj(w);
}

static void head_write(struct jw *w, const struct rec_profile *p, const struct cut *cut)
{
    jw_kstr(w, "dataset", p->dataset);
    jw_kstr(w, "partition", p->partition);
    jw_key(w, "window");
    jw_obj(w);
    jw_kstr(w, "from", p->from);
    jw_kstr(w, "to", p->to);
    jw_knum(w, "first_record", p->first_record);
    jw_knum(w, "last_record", p->last_record);
    jw_end_obj(w);
    jw_key(w, "sample");
    jw_obj(w);
    jw_knum(w, "rate", p->sample_rate);
    jw_knum(w, "seed", p->sample_seed);
    jw_knum(w, "records_seen", p->records_seen);
    jw_knum(w, "records_profiled", p->records_profiled);
    jw_end_obj(w);
    distribution_write(w, p);
    jw_key(w, "cardinality");
    jw_obj(w);
    for (uint32_t i = 0; i < cut->columns; i++)
        jw_knum(w, p->columns[i].name, p->columns[i].distinct);
    jw_end_obj(w);
    jw_key(w, "volume");
    jw_obj(w);
    jw_knum(w, "records", p->records);
    jw_knum(w, "bytes", p->bytes);
    jw_knum(w, "avg_record_size", p->avg_record_size);
    jw_knum(w, "records_per_second", p->records_per_second);
    interval_write(w, "records_interval", p->records_interval.hi > 0 ? &p->records_interval : NULL);
    jw_end_obj(w);
    jw_knum(w, "schema_evolution_probability", p->schema_evolution_probability);
    jw_knum(w, "data_quality_score", p->data_quality_score);
}

static void issues_write(struct jw *w, const struct rec_profile *p, uint32_t n)
{
    jw_key(w, "issues");
    jw_arr(w);
    for (uint32_t i = 0; i < n; i++) {
        jw_obj(w);
        jw_kstr(w, "column", p->issues[i].column);
        jw_kstr(w, "rule", p->issues[i].rule);
        jw_knum(w, "count", p->issues[i].count);
        jw_knum(w, "first_line", p->issues[i].first_line);
        if (p->issues[i].value != NULL)
            jw_kstr(w, "value", p->issues[i].value);
        jw_end_obj(w);
    }
    jw_end_arr(w);
}

uint32_t rec_profile_width(const struct rec_profile *p)
{
    static const char begin[] = "columns[", total[] = ":] of ";
    for (uint32_t i = 0; i < p->ntruncated; i++) {
        const char *of = strstr(p->truncated[i], total);
        int64_t n;
        if (strncmp(p->truncated[i], begin, strlen(begin)) == 0 && of != NULL &&
            num_parse_int(slice_str(of + strlen(total)), &n) && n > p->ncolumns && n <= UINT32_MAX)
            return (uint32_t)n;
    }
    return p->ncolumns;
}

static void truncated_write(struct jw *w, const struct rec_profile *p, const struct cut *cut)
{
    char text[64];
    jw_key(w, "truncated");
    jw_arr(w);
    for (uint32_t i = 0; i < p->ntruncated && cut->columns == p->ncolumns; i++)
        jw_str(w, p->truncated[i]);
    if (cut->no_top)
        jw_str(w, "columns[].top");
    if (cut->no_quantiles)
        jw_str(w, "columns[].quantiles");
    if (cut->issues < p->nissues) {
        snprintf(text, sizeof(text), "quality.issues[%u:]", cut->issues);
        jw_str(w, text);
    }
    if (cut->columns < p->ncolumns) {
        snprintf(text, sizeof(text), "columns[%u:] of %u", cut->columns, p->ncolumns);
        jw_str(w, text);
    }
    jw_end_arr(w);
}

/* false when it does not fit `out`, which then holds a part. */
static bool write_cut(struct buf *out, const struct rec_profile *p, const struct cut *cut)
{
    struct jw w;
    rec_open(&w, out, "profile");
    head_write(&w, p, cut);
    jw_key(&w, "quality");
    jw_obj(&w);
    jw_knum(&w, "completeness", p->completeness);
    jw_knum(&w, "accuracy", p->accuracy);
    jw_knum(&w, "consistency", p->consistency);
    issues_write(&w, p, cut->issues);
    jw_end_obj(&w);
    jw_key(&w, "columns");
    jw_arr(&w);
    for (uint32_t i = 0; i < cut->columns && !out->overflow; i++)
        column_write(&w, &p->columns[i], cut);
    jw_end_arr(&w);
    truncated_write(&w, p, cut);
    rec_close(&w);
    return !out->overflow;
}

/* Issues and columns as far as there is room; the first ones stay. */
static void fit_columns(struct buf *tmp, const struct rec_profile *p, struct cut *cut)
{
    cut->columns = 0;
    buf_clear(tmp);
    if (!write_cut(tmp, p, cut) || tmp->len > JSON_LINE_MAX / 2) {
        cut->issues = 0;
        buf_clear(tmp);
        write_cut(tmp, p, cut);
    }
    size_t size = tmp->len + 64; /* the note in `truncated` */
    for (uint32_t i = 0; i < p->ncolumns; i++) {
        struct jw w;
        buf_clear(tmp);
        jw_begin(&w, tmp);
        column_write(&w, &p->columns[i], cut);
        jw_obj(&w); /* its line in `cardinality` */
        jw_knum(&w, p->columns[i].name, p->columns[i].distinct);
        jw_end_obj(&w);
        size += tmp->len;
        if (tmp->overflow || size >= JSON_LINE_MAX)
            break;
        cut->columns = i + 1;
    }
}

void rec_profile_write(struct buf *out, const struct rec_profile *p)
{
    struct buf tmp = BUF_INIT(JSON_LINE_MAX);
    struct cut cut = {false, false, p->ncolumns, p->nissues};
    bool fits = write_cut(&tmp, p, &cut);
    for (int level = 1; !fits && level <= 4; level++) {
        cut.no_top = true;
        cut.no_quantiles = level >= 2;
        if (level >= 3 && cut.issues > ISSUES_KEPT)
            cut.issues = ISSUES_KEPT;
        if (level == 4)
            fit_columns(&tmp, p, &cut);
        buf_clear(&tmp);
        fits = write_cut(&tmp, p, &cut);
    }
    buf_add_slice(out, buf_slice(&tmp));
    buf_release(&tmp);
}

const struct rec_column *rec_profile_column(const struct rec_profile *p, struct slice name)
{
    for (uint32_t i = 0; i < p->ncolumns; i++)
        if (slice_is(name, p->columns[i].name))
            return &p->columns[i];
    return NULL;
}
