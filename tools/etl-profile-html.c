/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Profiles as one page of HTML that is complete in itself: no script, no font, no picture is
 * fetched, and a policy in the page forbids it. Everything from the data goes through html_text. */
#include <math.h>

#include "base/num.h"
#include "cli/html.h"
#include "tools/etl-profile.h"

/* Past this many columns a page is of no use; the record has them all. */
#define CARDS_MAX 1000

static const char style[] =
    ":root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--text:#1b2330;--soft:#5b6675;"
    "--line:#dde2e9;--bar:#2f6fb7;--bar2:#dbe6f3;--good:#1f7a4d;--warn:#9a5b00;--bad:#b3261e;"
    "--chip:#e9eef5}"
    "@media(prefers-color-scheme:dark){:root{--bg:#12161c;--card:#1b212a;--text:#e6eaf0;"
    "--soft:#9aa6b5;--line:#2e3743;--bar:#6aa9ee;--bar2:#2a3a4e;--good:#5cc28d;--warn:#e0a040;"
    "--bad:#f28b82;--chip:#28313d}}"
    "*{box-sizing:border-box}"
    "body{margin:0;background:var(--bg);color:var(--text);"
    "font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif}"
    "header,main,footer{max-width:1280px;margin:0 auto;padding:0 20px}"
    "header{padding-top:28px}h1{font-size:26px;margin:0 0 4px}h2{font-size:21px;margin:36px 0 "
    "2px;overflow-wrap:anywhere}h3{font-size:16px;margin:0;overflow-wrap:anywhere}"
    "h2+p{margin:0 0 14px}h4{font-size:13px;margin:14px 0 4px;color:var(--soft);font-weight:600}"
    "p.soft,.soft{color:var(--soft)}a{color:var(--bar)}"
    "nav ul{list-style:none;margin:10px 0 0;padding:0;display:flex;flex-wrap:wrap;gap:6px 14px}"
    ".facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;"
    "margin:0 0 16px}.facts div{background:var(--card);border:1px solid var(--line);"
    "border-radius:8px;padding:10px 14px}.facts dt{color:var(--soft);font-size:13px}"
    ".facts dd{margin:0;font-size:20px;font-weight:600;font-variant-numeric:tabular-nums}"
    ".facts dd small{font-size:13px;font-weight:400;color:var(--soft)}"
    ".meter{display:block;height:6px;border-radius:3px;background:var(--bar2);margin-top:6px;"
    "overflow:hidden}.meter i{display:block;height:100%;background:var(--bar)}"
    ".meter.good i{background:var(--good)}.meter.warn i{background:var(--warn)}"
    ".meter.bad i{background:var(--bad)}"
    ".panel{background:var(--card);border:1px solid var(--line);border-radius:8px;"
    "padding:14px 16px;margin:0 0 16px}.scroll{overflow-x:auto}"
    "table{border-collapse:collapse;width:100%;font-size:14px;"
    "font-variant-numeric:tabular-nums}caption{text-align:left;font-weight:600;padding:0 0 6px}"
    "th,td{padding:4px 10px 4px 0;text-align:left;vertical-align:top;"
    "border-bottom:1px solid var(--line)}tr:last-child>*{border-bottom:0}"
    "thead th{color:var(--soft);font-weight:600;font-size:13px;white-space:nowrap}"
    "tbody th{font-weight:500}td.n,th.n{text-align:right;white-space:nowrap}"
    "td.v,th.v{overflow-wrap:anywhere;min-width:6em}td.n+td,th.n+th{padding-left:8px}"
    ".cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,400px),1fr));"
    "gap:16px}.card{background:var(--card);border:1px solid var(--line);border-radius:8px;"
    "padding:14px 16px;min-width:0;content-visibility:auto;contain-intrinsic-size:auto 420px}"
    ".chip{display:inline-block;background:var(--chip);border-radius:10px;padding:0 8px;"
    "font-size:12px;line-height:20px;margin:0 4px 2px 0}.chip.key{background:var(--good);"
    "color:var(--card)}.chip.no{background:var(--bad);color:var(--card)}svg{display:block;width:"
    "100%;height:auto}svg rect{fill:var(--bar)}"
    "svg rect:hover{fill:var(--text)}svg line{stroke:var(--line)}"
    ".spark{width:96px;height:22px}.ends{display:flex;justify-content:space-between;"
    "font-size:12px;color:var(--soft)}.ends+p,.note{font-size:12px;color:var(--soft);margin:2px 0 "
    "0}"
    ".share{display:flex;align-items:center;gap:8px;justify-content:flex-end;white-space:nowrap}"
    ".quantiles{font-size:12px}.quantiles th,.quantiles td{padding-right:0;padding-left:6px}"
    ".quantiles th:first-child,.quantiles td:first-child{padding-left:0}"
    "svg.top rect{fill:var(--soft);opacity:.6}"
    ".share .meter{width:70px;margin:0;flex:none}"
    ".warn{color:var(--warn)}.pairs{display:grid;grid-template-columns:repeat(auto-fit,"
    "minmax(104px,1fr));gap:4px 14px;margin:10px 0 0}.pairs dt{color:var(--soft);font-size:12px}"
    ".pairs dd{margin:0;overflow-wrap:anywhere;font-variant-numeric:tabular-nums}"
    "summary{cursor:pointer;padding:6px "
    "0}footer{padding-top:20px;padding-bottom:32px;color:var(--soft);font-size:13px}"
    "@media print{.card{break-inside:avoid;content-visibility:visible}}";

/* Four digits, never rounded up to a perfect score. */
static void html_share(struct buf *out, double share)
{
    if (isfinite(share))
        buf_addf(out, "%.4f", floor(share * 1e4) / 1e4);
    else
        buf_adds(out, "–");
}

static void overview_row(struct buf *out, unsigned input, uint32_t i, const struct profile *p,
                         const struct rec_column *c)
{
    double share = c->records > 0 ? c->nulls / c->records : 0;
    struct etl_profile_bars b = {.n = 16};
    if (i < CARDS_MAX)
        buf_addf(out, "<tr><th scope=\"row\" class=\"v\"><a href=\"#c%u-%u\"><bdi>", input, i + 1);
    else
        buf_adds(out, "<tr><th scope=\"row\" class=\"v\"><a><bdi>");
    html_str(out, c->name);
    buf_addf(out, "</bdi></a>%s</th><td>%s",
             c->key_candidate == REC_YES ? " <span class=\"chip key\">key</span>" : "",
             type_name(c->type));
    for (uint32_t k = 0; k < c->nformats; k++) {
        buf_adds(out, ", ");
        html_str(out, c->formats[k]);
    }
    buf_adds(out, "</td><td><span class=\"share\">");
    if (share > 0)
        html_meter(out, "warn", share);
    buf_addf(out, share > 0 && share < 0.0005 ? "&lt;0.1 %%" : "%.1f %%", 100 * share);
    buf_addf(out, "</span></td><td class=\"n\">%s", c->distinct_error > 0 ? "~" : "");
    html_count(out, c->distinct);
    buf_adds(out, "</td><td class=\"v\">");
    etl_profile_value(out, c->min);
    buf_adds(out, "</td><td class=\"v\">");
    etl_profile_value(out, c->max);
    buf_adds(out, "</td><td>");
    if (etl_profile_bars(p, i, c, &b)) {
        buf_addf(out,
                 "<svg class=\"spark\" viewBox=\"0 0 96 22\" role=\"img\" "
                 "aria-label=\"Distribution from %.6g to %.6g\">",
                 b.lo, b.hi);
        etl_profile_draw(out, &b, 96, 22, true);
        buf_adds(out, "</svg>");
    } else if (!type_is_number(c->type) && c->ntop > 1 && c->top[0].count > 1) {
        for (b.n = 0; b.n < c->ntop; b.n++)
            b.bar[b.n] = c->top[b.n].count;
        b.lo = b.hi = 0;
        buf_addf(out,
                 "<svg class=\"spark top\" viewBox=\"0 0 96 22\" role=\"img\" "
                 "aria-label=\"Counts of the %zu most frequent values\">",
                 b.n);
        etl_profile_draw(out, &b, 6 * (double)b.n, 22, true);
        buf_adds(out, "</svg>");
    }
    buf_adds(out, "</td></tr>\n");
}

static void overview(struct buf *out, unsigned input, const struct profile *p,
                     const struct rec_profile *r)
{
    buf_adds(
        out,
        "<div class=\"panel scroll\"><table class=\"overview\"><caption>Columns</caption><thead>"
        "<tr><th scope=\"col\">Column</th><th scope=\"col\">Type</th>"
        "<th scope=\"col\" class=\"n\">Nulls</th><th scope=\"col\" class=\"n\">Distinct</th>"
        "<th scope=\"col\">Minimum</th><th scope=\"col\">Maximum</th>"
        "<th scope=\"col\">Distribution</th></tr></thead><tbody>\n");
    for (uint32_t i = 0; i < r->ncolumns && i < 10 * CARDS_MAX; i++)
        overview_row(out, input, i, p, &r->columns[i]);
    buf_adds(out, "</tbody></table></div>\n");
}

static void fact_share(struct buf *out, const char *name, double share)
{
    buf_addf(out, "<div><dt>%s</dt><dd>", name);
    html_share(out, share);
    html_meter(out, share >= 0.95 ? "good" : share >= 0.7 ? "warn" : "bad", share);
    buf_adds(out, "</dd></div>");
}

static void summary(struct buf *out, const struct rec_profile *r)
{
    char bytes[NUM_TEXT_MAX];
    num_format_size(bytes, r->bytes);
    buf_adds(out, "<dl class=\"facts\"><div><dt>Records</dt><dd>");
    html_count(out, r->records);
    if (r->sample_rate < 1) {
        buf_adds(out, " <small>sample of ");
        html_count(out, r->records_profiled);
        buf_adds(out, "</small>");
    }
    buf_addf(out,
             "</dd></div><div><dt>Columns</dt><dd>%u</dd></div><div><dt>Size</dt><dd>%s</dd></div>",
             r->ncolumns, bytes);
    fact_share(out, "Quality score", r->data_quality_score);
    fact_share(out, "Completeness", r->completeness);
    fact_share(out, "Consistency", r->consistency);
    fact_share(out, "Accuracy", r->accuracy);
    if (isfinite(r->schema_evolution_probability))
        buf_addf(out, "<div><dt>Another schema next time</dt><dd>%.0f %%</dd></div>",
                 100 * r->schema_evolution_probability);
    if (isfinite(r->records_per_second)) {
        buf_addf(out, "<div><dt>Records a second</dt><dd>%.3g</dd></div>", r->records_per_second);
    }
    buf_adds(out, "</dl>\n");
    if (r->from != NULL && r->to != NULL) {
        buf_adds(out, "<p class=\"soft\">From ");
        html_str(out, r->from);
        buf_adds(out, " to ");
        html_str(out, r->to);
        buf_adds(out, ".</p>\n");
    }
}

/* "partition x, records 1 to 10", behind the name of the input. */
static void part(struct buf *out, const struct rec_profile *r)
{
    if (!etl_profile_is_part(r))
        return;
    if (r->partition != NULL) {
        buf_adds(out, " · partition <bdi>");
        html_str(out, r->partition);
        buf_adds(out, "</bdi>");
    }
    buf_adds(out, " · records ");
    html_count(out, r->first_record);
    buf_adds(out, " to ");
    html_count(out, r->last_record);
}

void etl_profile_page_add(struct etl_profile_page *page, const char *name, const struct profile *p,
                          const struct rec_profile *r, const struct gate_out *held)
{
    struct buf *out = &page->sections;
    unsigned input = ++page->inputs;
    buf_addf(&page->index, "<li><a href=\"#i%u\"><bdi>", input);
    html_str(&page->index, name);
    buf_adds(&page->index, "</bdi>");
    part(&page->index, r);
    buf_adds(&page->index, "</a></li>");
    buf_addf(out, "<section id=\"i%u\"><h2><bdi>", input);
    html_str(out, name);
    buf_adds(out, "</bdi></h2><p class=\"soft\"><bdi>");
    html_str(out, r->dataset ? r->dataset : "");
    buf_adds(out, "</bdi>");
    part(out, r);
    buf_adds(out, "</p>\n");
    summary(out, r);
    etl_profile_page_gate(out, held);
    etl_profile_page_issues(out, r);
    if (r->ncolumns > 0)
        overview(out, input, p, r);
    buf_adds(out, "<div class=\"cards\">\n");
    for (uint32_t i = 0; i < r->ncolumns && i < CARDS_MAX; i++)
        etl_profile_card(out, input, i, p, &r->columns[i]);
    buf_adds(out, "</div>\n");
    if (r->ncolumns > CARDS_MAX)
        buf_addf(out, "<p class=\"note\">The record has %u more columns.</p>\n",
                 r->ncolumns - CARDS_MAX);
    buf_adds(out, "</section>\n");
}

void etl_profile_page_write(struct buf *out, struct etl_profile_page *page)
{
    buf_adds(out, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                  "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
                  "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                  "style-src 'unsafe-inline'; img-src data:\">"
                  "<link rel=\"icon\" href=\"data:,\">"
                  "<title>Data profile</title><style>");
    buf_adds(out, style);
    buf_adds(out, "</style></head>\n<body><header><h1>Data profile</h1>");
    if (page->inputs > 1) {
        buf_adds(out, "<nav aria-label=\"Inputs\"><ul>");
        buf_add_slice(out, buf_slice(&page->index));
        buf_adds(out, "</ul></nav>");
    }
    buf_adds(out, "</header>\n<main>\n");
    buf_add_slice(out, buf_slice(&page->sections));
    buf_addf(out,
             "</main>\n<footer>Written by etl-profile %s. Figures with ± or ~ are estimates; "
             "the record says how far they may be off.</footer></body></html>\n",
             cli_version());
    buf_release(&page->index);
    buf_release(&page->sections);
    page->inputs = 0;
}
