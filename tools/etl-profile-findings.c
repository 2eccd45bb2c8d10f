/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Issues, verdicts and drift on the page of etl-profile. What they are is lib/profile's business.
 */
#include <math.h>

#include "base/arena.h"
#include "cli/html.h"
#include "profile/verdicts.h"
#include "tools/etl-profile.h"

#define ISSUES_MAX 200 /* of each kind */

static void verdict(struct buf *out, const struct rec_verdict *v)
{
    buf_addf(out, "<p><span class=\"chip %s\">%s</span> <strong>", v->ok ? "key" : "no",
             v->ok ? "ok" : "no");
    html_str(out, v->check);
    buf_adds(out, "</strong>");
    for (uint32_t i = 0; i < v->nreasons; i++) {
        buf_adds(out, i == 0 ? ": " : "; ");
        html_str(out, v->reasons[i]);
    }
    buf_adds(out, "</p>\n");
}

/* The figures of a column; those that say it drifted stand out. */
static void figure(struct buf *out, double d, bool drifted)
{
    buf_addf(out, "<td class=\"n%s\">", drifted ? " warn" : "");
    if (isfinite(d))
        buf_addf(out, "%.3g", d);
    else
        buf_adds(out, "–");
    buf_adds(out, "</td>");
}

static void drift_row(struct buf *out, const struct rec_drift_column *c)
{
    struct buf words = BUF_INIT(BUF_UNBOUNDED);
    drift_words(c, &words);
    buf_adds(out, "<tr><th scope=\"row\" class=\"v\"><bdi>");
    html_str(out, c->name);
    buf_adds(out, "</bdi></th>");
    figure(out, c->psi, c->drifted[REC_DRIFT_PSI]);
    figure(out, c->ks, c->drifted[REC_DRIFT_KS]);
    figure(out, c->mean_shift, c->drifted[REC_DRIFT_MEAN]);
    figure(out, c->null_rate_change, c->drifted[REC_DRIFT_NULL_RATE]);
    buf_adds(out, "<td>");
    html_text(out, words.len > 0 ? buf_slice(&words) : SLICE_LIT("–"));
    buf_adds(out, "</td></tr>\n");
    buf_release(&words);
}

static void names(struct buf *out, const char *what, const char *const *name, uint32_t n)
{
    if (n == 0)
        return;
    buf_addf(out, "<p>%s: ", what);
    for (uint32_t i = 0; i < n; i++) {
        buf_adds(out, i > 0 ? ", <bdi>" : "<bdi>");
        html_str(out, name[i]);
        buf_adds(out, "</bdi>");
    }
    buf_adds(out, "</p>\n");
}

static void drift(struct buf *out, const struct rec_drift *d)
{
    uint32_t drifted = 0;
    for (uint32_t i = 0; i < d->ncolumns; i++)
        drifted += rec_drift_column_drifted(&d->columns[i]);
    buf_adds(out, "<div class=\"scroll\"><table class=\"drift\"><caption>Drift against <bdi>");
    html_str(out, d->baseline ? d->baseline : "the baseline");
    buf_addf(out,
             "</bdi>: %u of %u columns</caption><thead><tr><th scope=\"col\">Column</th>"
             "<th scope=\"col\" class=\"n\">PSI</th><th scope=\"col\" class=\"n\">KS</th>"
             "<th scope=\"col\" class=\"n\">Mean, in std. dev.</th>"
             "<th scope=\"col\" class=\"n\">Null rate</th><th scope=\"col\">In words</th></tr>"
             "</thead><tbody>\n",
             drifted, d->ncolumns);
    for (int pass = 0; pass < 2; pass++) /* those that drifted first */
        for (uint32_t i = 0; i < d->ncolumns; i++)
            if (rec_drift_column_drifted(&d->columns[i]) == (pass == 0))
                drift_row(out, &d->columns[i]);
    buf_adds(out, "</tbody></table></div>\n");
    names(out, "New columns", d->added, d->nadded);
    names(out, "Columns that are gone", d->removed, d->nremoved);
}

void etl_profile_page_gate(struct buf *out, const struct gate_out *held)
{
    if (held->drift == NULL && held->nverdicts == 0)
        return;
    buf_adds(out, "<div class=\"panel\">\n");
    for (unsigned i = 0; i < held->nverdicts; i++)
        verdict(out, &held->verdicts[i]);
    if (held->drift != NULL)
        drift(out, held->drift);
    buf_adds(out, "</div>\n");
}

static void issue_table(struct buf *out, const struct rec_profile *r,
                        const struct rec_issue **issues, uint32_t n)
{
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    buf_adds(out, "<thead><tr><th scope=\"col\">Column</th><th scope=\"col\">What was found</th>"
                  "<th scope=\"col\">Rule</th></tr></thead><tbody>\n");
    for (uint32_t i = 0; i < n && i < ISSUES_MAX; i++) {
        buf_adds(out, "<tr><th scope=\"row\" class=\"v\"><bdi>");
        html_str(out, issues[i]->column ? issues[i]->column : "(records)");
        buf_adds(out, "</bdi></th><td>");
        buf_clear(&text);
        etl_profile_issue_words(&text, r, issues[i]);
        html_text(out, buf_slice(&text));
        buf_adds(out, "</td><td class=\"soft\">");
        html_str(out, issues[i]->rule);
        buf_adds(out, "</td></tr>\n");
    }
    buf_adds(out, "</tbody></table>");
    if (n > ISSUES_MAX)
        buf_addf(out, "<p class=\"note\">%u more are in the record.</p>", n - ISSUES_MAX);
    buf_release(&text);
}

void etl_profile_page_issues(struct buf *out, const struct rec_profile *r)
{
    struct arena a = ARENA_INIT;
    uint32_t n;
    const struct rec_issue **issues = etl_profile_issues(&a, r, &n);
    if (r->nissues == 0)
        buf_adds(out, "<p class=\"panel\">No issues were found.</p>\n");
    else
        buf_adds(out, "<div class=\"panel scroll\">");
    if (n > 0) {
        buf_addf(out, "<table class=\"issues\"><caption>Issues (%u)</caption>", n);
        issue_table(out, r, issues, n);
    }
    if (n < r->nissues) {
        buf_addf(out, "<details><summary>Nulls in %u columns</summary><table class=\"issues\">",
                 r->nissues - n);
        issue_table(out, r, issues + n, r->nissues - n);
        buf_adds(out, "</details>");
    }
    buf_adds(out, r->nissues > 0 ? "</div>\n" : "");
    arena_release(&a);
}
