/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A profile for people on a terminal: a line a column, as much of it as fits, then quality and
 * issues in words. */
#include <math.h>

#include "base/arena.h"
#include "base/num.h"
#include "cli/report.h"
#include "cli/text.h"
#include "tools/etl-profile.h"

#define ISSUES_SHOWN 10
#define NAME_WIDTH 40 /* of a column in front of an issue */

/* What is shown at a width: a file, which has none, gets MIDDLE. */
enum layout { NARROW, MIDDLE, WIDE };
#define MIDDLE_FROM 112
#define WIDE_FROM 150
static const struct {
    size_t bars, value; /* of a distribution; columns of a value */
} sizes[] = {[NARROW] = {10, 12}, [MIDDLE] = {10, 16}, [WIDE] = {20, 24}};

/* Of numbers their histogram, of others their most frequent values. */
static void distribution_cell(struct report_table *t, enum layout l, const struct profile *p,
                              uint32_t index, const struct rec_column *c)
{
    struct buf line = BUF_INIT(256);
    struct etl_profile_bars b = {.n = sizes[l].bars};
    bool numbers = etl_profile_bars(p, index, c, &b);
    if (numbers) {
        report_sparkline(&line, b.bar, b.n);
    } else if (!type_is_number(c->type) && c->ntop > 1 && c->top[0].count > 1) {
        for (b.n = 0; b.n < c->ntop && b.n < sizes[l].bars; b.n++)
            b.bar[b.n] = c->top[b.n].count;
        report_sparkline(&line, b.bar, b.n);
    }
    report_cell(t, numbers ? "cyan" : "dim", "%s", buf_str(&line));
    buf_release(&line);
}

static void count_cell(struct report_table *t, double n, double error)
{
    char text[NUM_TEXT_MAX] = "";
    if (isfinite(n))
        num_format_grouped(text, (int64_t)n);
    report_cell(t, NULL, "%s%s", error > 0 ? "~" : "", text);
}

static void number_cell(struct report_table *t, double d)
{
    if (isfinite(d))
        report_cell(t, NULL, "%.6g", d);
    else
        report_cell(t, NULL, "%s", "");
}

/* The start of a text, without what a terminal would act on. */
static void text_cell(struct report_table *t, struct slice s, size_t width, double share)
{
    struct buf masked = BUF_INIT(BUF_UNBOUNDED);
    text_mask(&masked, s.len > 4 * width ? text_cut(s, 4 * width) : s, false);
    struct slice all = buf_slice(&masked), cut = text_cut(all, width);
    if (text_columns(all) > width)
        cut = text_cut(all, width - 1);
    char percent[16] = "";
    if (isfinite(share))
        snprintf(percent, sizeof(percent), " %.0f %%", 100 * share);
    report_cell(t, NULL, "%.*s%s%s", (int)cut.len, cut.p, cut.len < all.len ? "…" : "", percent);
    buf_release(&masked);
}

/* A number to six digits, or the start of a string. */
static void value_cell(struct report_table *t, struct slice json, size_t width)
{
    double d;
    int64_t i;
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    if (json.len > 1 && json.p[0] == '"') {
        json_unquote(&text, slice_of(json.p + 1, json.len - 2));
        text_cell(t, buf_slice(&text), width, (double)NAN);
    } else if (json.len > 0 && num_parse_int(json, &i)) {
        report_cell(t, NULL, "%.*s", (int)json.len, json.p);
    } else if (json.len > 0 && num_parse_float(json, &d)) {
        report_cell(t, NULL, "%.6g", d);
    } else {
        report_cell(t, NULL, "%s", "");
    }
    buf_release(&text);
}

static void type_cell(struct report_table *t, enum layout l, const struct rec_column *c)
{
    const char *format = c->nformats > 0 ? c->formats[0] : NULL;
    if (l == NARROW && format != NULL)
        report_cell(t, NULL, "%s", format);
    else
        report_cell(t, NULL, "%s%s%s", type_name(c->type), format ? ", " : "",
                    format ? format : "");
}

static void top_cell(struct report_table *t, const struct rec_column *c, size_t width)
{
    double values = c->records - c->nulls;
    if (c->ntop > 0 && c->top[0].count > 1)
        text_cell(t, c->top[0].value, width, c->top[0].count / values);
    else
        report_cell(t, NULL, "%s", "");
}

/* What a column may serve for. */
static const char *trait(const struct rec_column *c)
{
    return c->constant == REC_YES        ? "constant"
           : c->key_candidate == REC_YES ? (c->unique == REC_YES ? "key" : "key?")
           : c->monotone != NULL && strcmp(c->monotone, "none") != 0 ? "sorted"
                                                                     : "";
}

static void column_row(struct report_table *t, enum layout l, const struct profile *p, uint32_t i,
                       const struct rec_column *c)
{
    double share = c->records > 0 ? 100 * c->nulls / c->records : 0;
    report_cell(t, "bold", "%s", c->name);
    type_cell(t, l, c);
    report_cell(t, share > 0 ? "yellow" : "dim", share > 0 && share < 0.05 ? "<0.1" : "%.1f",
                share);
    count_cell(t, c->distinct, c->distinct_error);
    value_cell(t, c->min, sizes[l].value);
    if (l == WIDE)
        number_cell(t, c->quantiles[REC_QUANTILES / 2]);
    value_cell(t, c->max, sizes[l].value);
    if (l >= MIDDLE)
        number_cell(t, c->mean);
    if (l == WIDE)
        number_cell(t, c->stddev);
    if (l >= MIDDLE)
        count_cell(t, c->outliers, c->outliers_error);
    distribution_cell(t, l, p, i, c);
    if (l == WIDE) {
        top_cell(t, c, sizes[l].value);
        report_cell(t, "dim", "%s", trait(c));
    }
}

static void column_rows(struct buf *out, unsigned width, const struct profile *p,
                        const struct rec_profile *r)
{
    static const char *const narrow[] = {"<column", "<type", ">null %",       ">distinct",
                                         ">min",    ">max",  "<distribution", NULL};
    static const char *const middle[] = {"<column", "<type", ">null %",   ">distinct",     ">min",
                                         ">max",    ">mean", ">outliers", "<distribution", NULL};
    static const char *const wide[] = {
        "<column", "<type",     ">null %",   ">distinct",     ">min",           ">median", ">max",
        ">mean",   ">std. dev", ">outliers", "<distribution", "<most frequent", "<",       NULL};
    enum layout l = width == 0 || (width >= MIDDLE_FROM && width < WIDE_FROM) ? MIDDLE
                    : width < MIDDLE_FROM                                     ? NARROW
                                                                              : WIDE;
    struct report_table *t = report_table_new(l == NARROW ? narrow : l == MIDDLE ? middle : wide);
    for (uint32_t i = 0; i < r->ncolumns; i++)
        column_row(t, l, p, i, &r->columns[i]);
    report_table_write(out, t, 1, width);
    report_table_free(t);
}

/* Four digits, never rounded up to a perfect score. */
static double floor4(double share)
{
    return floor(share * 1e4) / 1e4;
}

static void quality_lines(struct buf *out, const struct rec_profile *p)
{
    if (!isfinite(p->data_quality_score))
        return;
    buf_addf(out, "%squality %.4f%s: completeness %.4f, consistency %.4f, accuracy %.4f\n",
             cli_color(1, "bold"), floor4(p->data_quality_score), cli_color(1, "reset"),
             floor4(p->completeness), floor4(p->consistency), floor4(p->accuracy));
    if (isfinite(p->schema_evolution_probability))
        buf_addf(out, "another schema next time: %.0f %% likely\n",
                 100 * p->schema_evolution_probability);
}

static void issue_line(struct buf *out, const struct rec_profile *p, const struct rec_issue *issue,
                       unsigned width)
{
    struct buf text = BUF_INIT(BUF_UNBOUNDED), masked = BUF_INIT(BUF_UNBOUNDED);
    size_t at = 2;
    buf_addf(out, "  %s", cli_color(1, "yellow"));
    if (issue->column != NULL) {
        text_mask(&masked, slice_str(issue->column), false);
        struct slice name = text_cut(buf_slice(&masked), NAME_WIDTH);
        buf_add_slice(out, name);
        buf_addf(out, "%s: ", cli_color(1, "reset"));
        at += text_columns(name) + 2;
    }
    etl_profile_issue_words(&text, p, issue);
    buf_clear(&masked);
    text_mask(&masked, buf_slice(&text), false);
    text_wrap(out, buf_str(&masked), at, 4, width == 0 ? SIZE_MAX / 2 : width);
    buf_addf(out, "%s\n", issue->column ? "" : cli_color(1, "reset"));
    buf_release(&masked);
    buf_release(&text);
}

static void issue_lines(struct buf *out, const struct rec_profile *p, unsigned width)
{
    struct arena a = ARENA_INIT;
    uint32_t n, shown;
    const struct rec_issue **issues = etl_profile_issues(&a, p, &n);
    for (shown = 0; shown < n && shown < ISSUES_SHOWN; shown++)
        issue_line(out, p, issues[shown], width);
    if (n < p->nissues)
        buf_addf(out, "  nulls in %u of %u columns\n", p->nissues - n, p->ncolumns);
    if (shown < n)
        buf_addf(out, "  and %u more issue%s, all in the record (--format json)\n", n - shown,
                 n == shown + 1 ? "" : "s");
    arena_release(&a);
}

/* Which window and partition, when there are some. */
static void part_line(struct buf *out, const struct rec_profile *p)
{
    struct quoted q;
    if (p->partition != NULL)
        buf_addf(out, "partition %s\n", quote_str(&q, p->partition));
    if (etl_profile_is_part(p))
        buf_addf(out, "records %.0f to %.0f%s%s%s%s\n", p->first_record, p->last_record,
                 p->from ? ", from " : "", p->from ? p->from : "", p->to ? " to " : "",
                 p->to ? p->to : "");
}

void etl_profile_table(struct buf *out, const char *name, const struct profile *p,
                       const struct rec_profile *r)
{
    char records[NUM_TEXT_MAX], bytes[NUM_TEXT_MAX];
    struct quoted q;
    unsigned width = report_width(1);
    num_format_grouped(records, (int64_t)r->records);
    num_format_size(bytes, r->bytes);
    buf_addf(out, "%s%s%s: %s record%s, %s, %u column%s\n", cli_color(1, "bold"),
             quote_str(&q, name), cli_color(1, "reset"), records, r->records == 1 ? "" : "s", bytes,
             r->ncolumns, r->ncolumns == 1 ? "" : "s");
    part_line(out, r);
    if (r->sample_rate < 1) {
        num_format_grouped(records, (int64_t)r->records_profiled);
        buf_addf(out, "sample of %s records (%g %%, seed %.0f)\n", records, 100 * r->sample_rate,
                 r->sample_seed);
    }
    if (r->ncolumns > 0)
        column_rows(out, width, p, r);
    quality_lines(out, r);
    issue_lines(out, r, width);
    buf_addc(out, '\n');
}
