/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A profile for people: a line a column, then quality and issues. */
#include <math.h>

#include "base/num.h"
#include "cli/report.h"
#include "tools/etl-profile.h"

/* Bars of the sparkline. */
#define BARS 10
#define ISSUES_SHOWN 10
#define VALUE_WIDTH 16

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

/* The distribution between the 1st and the 99th percentile; empty when there is none. */
static void sparkline(struct buf *out, const struct rec_column *c)
{
    const double *q = c->quantiles;
    double lo = q[0], hi = q[REC_QUANTILES - 1], bars[BARS], before = rec_quantile_at[0];
    if (!isfinite(lo) || !isfinite(hi) || !(hi > lo) || !isfinite(hi - lo))
        return;
    for (int i = 0; i < BARS; i++) {
        double upto = cumulative(q, lo + (hi - lo) * (i + 1) / BARS);
        bars[i] = upto > before ? upto - before : 0;
        before = upto;
    }
    report_sparkline(out, bars, BARS);
}

static void count_cell(struct report_table *t, double n)
{
    char text[NUM_TEXT_MAX] = "";
    if (isfinite(n))
        num_format_grouped(text, (int64_t)n);
    report_cell(t, NULL, "%s", text);
}

/* A number to six digits, or the start of a string. */
static void value_cell(struct report_table *t, struct slice json)
{
    double d;
    int64_t i;
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    if (json.len == 0) {
        report_cell(t, NULL, "%s", "");
    } else if (json.p[0] == '"') {
        json_unquote(&text, slice_of(json.p + 1, json.len - 2));
        size_t n = text.len;
        if (n > VALUE_WIDTH) {
            n = VALUE_WIDTH - 1;
            while (n > 0 && ((unsigned char)text.p[n] & 0xc0) == 0x80)
                n--;
        }
        report_cell(t, NULL, "%.*s%s", (int)n, buf_str(&text), n < text.len ? "…" : "");
    } else if (num_parse_int(json, &i)) {
        report_cell(t, NULL, "%.*s", (int)json.len, json.p);
    } else if (num_parse_float(json, &d)) {
        report_cell(t, NULL, "%.6g", d);
    } else {
        report_cell(t, NULL, "%s", "");
    }
    buf_release(&text);
}

static void column_rows(struct report_table *t, const struct rec_column *c)
{
    struct buf line = BUF_INIT(256);
    double share = c->records > 0 ? 100 * c->nulls / c->records : 0;
    report_cell(t, "bold", "%s", c->name);
    report_cell(t, NULL, "%s%s%s", type_name(c->type), c->nformats > 0 ? ", " : "",
                c->nformats > 0 ? c->formats[0] : "");
    report_cell(t, share > 0 ? "yellow" : "dim", share > 0 && share < 0.05 ? "<0.1" : "%.1f",
                share);
    if (c->distinct_error > 0) {
        char text[NUM_TEXT_MAX];
        num_format_grouped(text, (int64_t)c->distinct);
        report_cell(t, NULL, "~%s", text);
    } else {
        count_cell(t, c->distinct);
    }
    value_cell(t, c->min);
    value_cell(t, c->max);
    if (isfinite(c->mean))
        report_cell(t, NULL, "%.6g", c->mean);
    else
        report_cell(t, NULL, "%s", "");
    count_cell(t, c->outliers);
    sparkline(&line, c);
    report_cell(t, "cyan", "%s", buf_str(&line));
    buf_release(&line);
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
    buf_addf(out, "quality %.4f: completeness %.4f, consistency %.4f, accuracy %.4f\n",
             floor4(p->data_quality_score), floor4(p->completeness), floor4(p->consistency),
             floor4(p->accuracy));
    if (isfinite(p->schema_evolution_probability))
        buf_addf(out, "another schema next time: %.0f %% likely\n",
                 100 * p->schema_evolution_probability);
}

static void issue_rows(struct buf *out, const struct rec_profile *p, unsigned width)
{
    static const char *const headings[] = {"<issue", "<column", ">count", ">first line", NULL};
    if (p->nissues == 0)
        return;
    struct report_table *t = report_table_new(headings);
    for (uint32_t i = 0; i < p->nissues && i < ISSUES_SHOWN; i++) {
        report_cell(t, "yellow", "%s", p->issues[i].rule);
        report_cell(t, NULL, "%s", p->issues[i].column ? p->issues[i].column : "");
        count_cell(t, p->issues[i].count);
        count_cell(t, p->issues[i].first_line);
    }
    report_table_write(out, t, 1, width);
    report_table_free(t);
    if (p->nissues > ISSUES_SHOWN)
        buf_addf(out, "and %u more issues\n", p->nissues - ISSUES_SHOWN);
}

/* Which window and partition, when there are some. */
static void part_line(struct buf *out, const struct rec_profile *p)
{
    struct quoted q;
    bool window = p->first_record > 1 || (p->first_record > 0 && p->last_record > p->records);
    if (p->partition != NULL)
        buf_addf(out, "partition %s\n", quote_str(&q, p->partition));
    if (p->partition != NULL || window)
        buf_addf(out, "records %.0f to %.0f%s%s%s%s\n", p->first_record, p->last_record,
                 p->from ? ", from " : "", p->from ? p->from : "", p->to ? " to " : "",
                 p->to ? p->to : "");
}

void etl_profile_table(struct buf *out, const char *name, const struct rec_profile *p)
{
    static const char *const headings[] = {"<column", "<type", ">null %",   ">distinct",  ">min",
                                           ">max",    ">mean", ">outliers", ">1 to 99 %", NULL};
    char records[NUM_TEXT_MAX], bytes[NUM_TEXT_MAX];
    struct quoted q;
    unsigned width = report_width(1);
    num_format_grouped(records, (int64_t)p->records);
    num_format_size(bytes, p->bytes);
    buf_addf(out, "%s%s%s: %s record%s, %s, %u column%s\n", cli_color(1, "bold"),
             quote_str(&q, name), cli_color(1, "reset"), records, p->records == 1 ? "" : "s", bytes,
             p->ncolumns, p->ncolumns == 1 ? "" : "s");
    part_line(out, p);
    if (p->sample_rate < 1) {
        num_format_grouped(records, (int64_t)p->records_profiled);
        buf_addf(out, "sample of %s records (%g %%, seed %.0f)\n", records, 100 * p->sample_rate,
                 p->sample_seed);
    }
    if (p->ncolumns > 0) {
        struct report_table *t = report_table_new(headings);
        for (uint32_t i = 0; i < p->ncolumns; i++)
            column_rows(t, &p->columns[i]);
        report_table_write(out, t, 1, width);
        report_table_free(t);
    }
    quality_lines(out, p);
    issue_rows(out, p, width);
    buf_addc(out, '\n');
}
