/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One column on the page of etl-profile: what it is, its distribution, its figures. */
#include <math.h>

#include "base/num.h"
#include "cli/html.h"
#include "tools/etl-profile.h"

#define HISTOGRAM_BARS 24

/* A value as the record has it: a number, or a string in JSON. */
void etl_profile_value(struct buf *out, struct slice json)
{
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    if (json.len > 1 && json.p[0] == '"') {
        json_unquote(&text, slice_of(json.p + 1, json.len - 2));
        if (text.len == 0)
            buf_adds(out, "<span class=\"soft\">(empty text)</span>");
        html_value(out, buf_slice(&text));
    } else if (json.len > 0) {
        html_value(out, json);
    } else {
        buf_adds(out, "–");
    }
    buf_release(&text);
}

/* Bars in a box of w times h; `small`: no hints at single bars. */
void etl_profile_draw(struct buf *out, const struct etl_profile_bars *b, double w, double h,
                      bool small)
{
    double top = 0, step = w / (double)b->n, span = (b->hi - b->lo) / (double)b->n;
    char count[NUM_TEXT_MAX];
    for (size_t i = 0; i < b->n; i++)
        top = fmax(top, b->bar[i]);
    for (size_t i = 0; i < b->n; i++) {
        double high = top > 0 ? b->bar[i] / top * (h - 1) : 0;
        if (b->bar[i] > 0 && high < 1)
            high = 1; /* little, but something */
        buf_addf(out, "<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\">",
                 step * (double)i, h - high, step - (small ? 0.6 : 1.5), high);
        if (!small) {
            num_format_grouped(count, (int64_t)b->bar[i]);
            double from = b->lo + span * (double)i;
            if (b->whole == 1)
                buf_addf(out, "<title>%.0f: %s</title>", from + 0.5, count);
            else if (b->whole > 1)
                buf_addf(out, "<title>%.0f to %.0f: %s</title>", from + 0.5, from + span - 0.5,
                         count);
            else
                buf_addf(out, "<title>%.6g to %.6g: %s</title>", from, from + span, count);
        }
        buf_adds(out, "</rect>");
    }
}

static void histogram(struct buf *out, const struct etl_profile_bars *b)
{
    double half = b->whole > 0 ? 0.5 : 0, lo = b->lo + half, hi = b->hi - half;
    buf_addf(out,
             "<svg class=\"histogram\" viewBox=\"0 0 360 92\" role=\"img\" "
             "aria-label=\"Histogram from %.6g to %.6g in %zu bars\">",
             lo, hi, b->n);
    etl_profile_draw(out, b, 360, 90, false);
    buf_addf(out,
             "<line x1=\"0\" y1=\"91\" x2=\"360\" y2=\"91\"/></svg><div class=\"ends\">"
             "<span>%.6g</span><span>%.6g</span></div>",
             lo, hi);
    if (b->outside > 0) {
        buf_adds(out, "<p>Without ");
        html_count(out, b->outside);
        buf_adds(out, " values farther out</p>");
    }
}

/* The most frequent values with their share of all. */
static void top_values(struct buf *out, const struct rec_column *c)
{
    double values = c->records - c->nulls;
    if (c->ntop == 0)
        return;
    buf_adds(out,
             "<h4>Most frequent values</h4><div class=\"scroll\"><table class=\"top\"><thead><tr>"
             "<th scope=\"col\">Value</th><th scope=\"col\" class=\"n\">Count</th>"
             "<th scope=\"col\" class=\"n\">Share</th></tr></thead><tbody>");
    for (uint32_t i = 0; i < c->ntop; i++) {
        double share = values > 0 ? c->top[i].count / values : 0;
        buf_adds(out, "<tr><th scope=\"row\" class=\"v\">");
        if (c->top[i].value.len == 0)
            buf_adds(out, "<span class=\"soft\">(empty text)</span>");
        html_value(out, c->top[i].value);
        buf_adds(out, "</th><td class=\"n\">");
        if (c->top[i].error > 0) { /* at least, at most */
            html_count(out, c->top[i].count - c->top[i].error);
            buf_adds(out, "–");
        }
        html_count(out, c->top[i].count);
        buf_adds(out, "</td><td><span class=\"share\">");
        html_meter(out, "", share);
        buf_addf(out, "%.1f %%</span></td></tr>", 100 * share);
    }
    buf_adds(out, "</tbody></table></div>");
}

/* -- one column -- */

static void end_fact(struct buf *out)
{
    buf_adds(out, "</dd></div>");
}

static void fact(struct buf *out, const char *name)
{
    buf_addf(out, "<div><dt>%s</dt><dd>", name);
}

static void fact_count(struct buf *out, const char *name, double n, double error)
{
    fact(out, name);
    html_count(out, n);
    if (error > 0) {
        buf_adds(out, " ± ");
        html_count(out, ceil(error));
    }
    end_fact(out);
}

/* Of a sample with the interval that holds the truth in 95 of 100. */
static void fact_number(struct buf *out, const char *name, double d, const struct rec_interval *of)
{
    fact(out, name);
    html_number(out, d);
    if (of != NULL && isfinite(of->lo) && isfinite(of->hi))
        buf_addf(out, " <span class=\"soft\">(%.4g to %.4g)</span>", of->lo, of->hi);
    end_fact(out);
}

static void fact_range(struct buf *out, const char *name, double lo, double hi)
{
    fact(out, name);
    html_count(out, lo);
    if (hi > lo) {
        buf_adds(out, " to ");
        html_count(out, hi);
    }
    end_fact(out);
}

static void figures(struct buf *out, const struct rec_column *c)
{
    const struct rec_intervals *v = c->intervals.known ? &c->intervals : NULL;
    buf_adds(out, "<dl class=\"pairs\">");
    fact_count(out, "Values", c->records - c->nulls, 0);
    fact(out, "Nulls");
    html_count(out, c->nulls);
    if (c->nulls > 0)
        buf_addf(out, " (%.3g %%)", 100 * c->nulls / c->records);
    end_fact(out);
    fact_count(out, "Distinct", c->distinct, c->distinct_error);
    if (c->type != TYPE_JSON) {
        fact(out, "Minimum");
        etl_profile_value(out, c->min);
        end_fact(out);
        fact(out, "Maximum");
        etl_profile_value(out, c->max);
        end_fact(out);
    }
    if (type_is_number(c->type)) {
        fact_number(out, "Mean", c->mean, v ? &v->mean : NULL);
        fact_number(out, "Std. deviation", c->stddev, NULL);
        fact_number(out, "Skewness", c->skewness, NULL);
        fact_number(out, "Kurtosis", c->kurtosis, NULL);
        fact_count(out, "Outliers", c->outliers, c->outliers_error);
    }
    if (isfinite(c->length_max))
        fact_range(out, "Length, bytes", c->length_min, c->length_max);
    if (c->elements.arrays > 0)
        fact_range(out, "Elements of arrays", c->elements.min, c->elements.max);
    buf_adds(out, "</dl>");
}

static void quantiles(struct buf *out, const struct rec_column *c)
{
    if (!isfinite(c->quantiles[REC_QUANTILES / 2]))
        return;
    buf_adds(out, "<h4>Quantiles</h4><div class=\"scroll\"><table class=\"quantiles\"><thead><tr>");
    for (size_t i = 0; i < REC_QUANTILES; i++)
        buf_addf(out, "<th scope=\"col\" class=\"n\">%g %%</th>", 100 * rec_quantile_at[i]);
    buf_adds(out, "</tr></thead><tbody><tr>");
    for (size_t i = 0; i < REC_QUANTILES; i++) {
        double q = c->quantiles[i];
        if ((q == floor(q) || fabs(q) >= 1e4) && fabs(q) < 1e9)
            buf_addf(out, "<td class=\"n\">%.0f</td>", q);
        else
            buf_addf(out, "<td class=\"n\">%.5g</td>", q);
    }
    buf_adds(out, "</tr></tbody></table></div>");
    if (c->quantile_error > 0)
        buf_addf(out, "<p class=\"note\">Ranks are within %.2g %% of the values.</p>",
                 100 * c->quantile_error);
}

static void types(struct buf *out, const struct rec_column *c)
{
    unsigned kinds = 0;
    for (int t = TYPE_NONE + 1; t < TYPE_COUNT; t++)
        kinds += c->types[t] > 0;
    if (kinds < 2)
        return;
    buf_adds(out, "<h4>Types</h4><table class=\"types\"><thead><tr><th scope=\"col\">Type</th>"
                  "<th scope=\"col\" class=\"n\">Values</th>"
                  "<th scope=\"col\" class=\"n\">First in line</th></tr></thead><tbody>");
    for (int t = TYPE_NONE + 1; t < TYPE_COUNT; t++) {
        if (!(c->types[t] > 0))
            continue;
        buf_addf(out, "<tr><th scope=\"row\">%s</th><td class=\"n\">", type_name((enum type)t));
        html_count(out, c->types[t]);
        buf_adds(out, "</td><td class=\"n\">");
        html_count(out, c->first_lines[t] > 0 ? c->first_lines[t] : (double)NAN);
        buf_adds(out, "</td></tr>");
    }
    buf_adds(out, "</tbody></table>");
}

static void spellings(struct buf *out, const struct rec_column *c)
{
    if (c->nspellings == 0)
        return;
    buf_adds(out, "<p class=\"note warn\">May stand for null: ");
    for (uint32_t i = 0; i < c->nspellings; i++) {
        const char *s = c->null_spellings[i].text;
        buf_adds(out, i > 0 ? ", " : "");
        if (s[0] == '\0' || s[0] == ' ')
            buf_adds(out, s[0] == ' ' ? "blanks" : "empty text");
        else
            html_str(out, s);
        buf_adds(out, " × ");
        html_count(out, c->null_spellings[i].count);
    }
    buf_adds(out, "</p>");
}

static void chips(struct buf *out, const struct rec_column *c)
{
    buf_addf(out, "<p class=\"soft\"><span class=\"chip\">%s</span>", type_name(c->type));
    for (uint32_t i = 0; i < c->nformats; i++) {
        buf_adds(out, "<span class=\"chip\">");
        html_str(out, c->formats[i]);
        buf_adds(out, "</span>");
    }
    if (c->key_candidate == REC_YES)
        buf_addf(out, "<span class=\"chip key\">%s</span>",
                 c->unique == REC_YES ? "key candidate" : "key candidate, as far as known");
    else if (c->unique == REC_YES)
        buf_adds(out, "<span class=\"chip\">unique</span>");
    if (c->constant == REC_YES)
        buf_adds(out, "<span class=\"chip\">constant</span>");
    else if (c->monotone != NULL && strcmp(c->monotone, "none") != 0) {
        buf_adds(out, "<span class=\"chip\">");
        for (const char *s = c->monotone; *s != '\0'; s++)
            html_text(out, *s == '_' ? SLICE_LIT(" ") : slice_of(s, 1));
        buf_adds(out, "</span>");
    }
    buf_adds(out, "</p>");
}

void etl_profile_card(struct buf *out, unsigned input, uint32_t i, const struct profile *p,
                      const struct rec_column *c)
{
    struct etl_profile_bars b = {.n = HISTOGRAM_BARS};
    buf_addf(out, "<article class=\"card\" id=\"c%u-%u\"><h3><bdi>", input, i + 1);
    html_str(out, c->name);
    buf_adds(out, "</bdi></h3>");
    chips(out, c);
    if (etl_profile_bars(p, i, c, &b))
        histogram(out, &b);
    spellings(out, c);
    figures(out, c);
    types(out, c);
    quantiles(out, c);
    top_values(out, c);
    buf_adds(out, "</article>\n");
}
