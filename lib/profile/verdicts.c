/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Verdicts on a profile. The judgements are drift.c's; here are their words and figures. */
#include "profile/verdicts.h"

#include <math.h>

#include "base/num.h"

static void add_figure(struct arena *a, struct json *figures, const char *name, double value)
{
    json_set(a, figures, name,
             isfinite(value) ? json_new_double(a, value) : json_new(a, JSON_NULL));
}

static void one_reason(struct arena *a, struct rec_verdict *v, const char *reason)
{
    const char **list = ARENA_ARRAY(a, const char *, 1);
    list[0] = reason;
    v->reasons = list;
    v->nreasons = 1;
}

/* Of more a reader has no use, and a record has an end. */
#define REASONS_MAX 1000

/* The first reasons, and how many more there are. */
static void set_reasons(struct arena *a, struct rec_verdict *v, const char *const *all, size_t n,
                        const char *what)
{
    size_t kept = n > REASONS_MAX ? REASONS_MAX : n;
    const char **list = ARENA_ARRAY(a, const char *, kept + 1);
    for (size_t i = 0; i < kept; i++)
        list[i] = all[i];
    if (n > kept)
        list[kept] = arena_printf(a, "and %zu more %s", n - kept, what);
    v->reasons = list;
    v->nreasons = (uint32_t)(kept + (n > kept));
}

void verdict_quality(const struct rec_profile *p, double least, struct arena *a,
                     struct rec_verdict *out)
{
    struct json *figures = json_new(a, JSON_OBJECT);
    char score[NUM_TEXT_MAX], want[NUM_TEXT_MAX];
    add_figure(a, figures, "data_quality_score", p->data_quality_score);
    add_figure(a, figures, "least", least);
    *out = (struct rec_verdict){.check = "quality", .subject = p->dataset, .ok = true};
    out->figures = figures;
    if (!isfinite(p->data_quality_score) && p->accuracy < least) {
        out->ok = false;
        one_reason(a, out, "no record could be read, so there is no score");
    } else if (!isfinite(p->data_quality_score)) {
        one_reason(a, out, "there are no records, so there is no score");
    } else if (p->data_quality_score < least) {
        out->ok = false;
        num_format_double(score, p->data_quality_score);
        num_format_double(want, least);
        one_reason(a, out, arena_printf(a, "data_quality_score %s is below %s", score, want));
    }
}

void verdict_schema(const struct rec_profile *base, const struct rec_profile *p, struct arena *a,
                    struct rec_verdict *out)
{
    struct json *figures = json_new(a, JSON_OBJECT);
    *out = (struct rec_verdict){.check = "schema", .subject = p->dataset, .ok = true};
    out->figures = figures;
    if (base == NULL) {
        one_reason(a, out, "no earlier profile is known to compare with");
        return;
    }
    if (p->ncolumns == 0 && !(p->records > 0)) {
        one_reason(a, out, "there are no columns");
        return;
    }
    const char *const *changes;
    uint32_t n = profile_schema_changes(base, p, a, &changes);
    set_reasons(a, out, changes, n, "changes");
    out->ok = n == 0;
    add_figure(a, figures, "changes", n);
}

void drift_words(const struct rec_drift_column *c, struct buf *out)
{
    size_t begin = out->len;
    if (c->drifted[REC_DRIFT_TYPE])
        buf_addf(out, "its type was %s and is %s", c->type_from, c->type_to);
    if (c->drifted[REC_DRIFT_NULL_RATE])
        buf_addf(out, "%s%s nulls by %.3g %% of the records", out->len > begin ? ", " : "",
                 c->null_rate_change > 0 ? "more" : "fewer", 100 * fabs(c->null_rate_change));
    if (c->drifted[REC_DRIFT_MEAN]) {
        buf_addf(out, "%sits mean moved by %+.4g", out->len > begin ? ", " : "", c->mean_change);
        if (isfinite(c->mean_shift))
            buf_addf(out, " (%.2g standard deviations)", c->mean_shift);
    }
    if (c->drifted[REC_DRIFT_KS])
        buf_addf(out, "%s%.3g %% of its values moved (KS)", out->len > begin ? ", " : "",
                 100 * c->ks);
    if (c->drifted[REC_DRIFT_PSI])
        buf_addf(out, "%sits values have other shares (PSI %.2g)", out->len > begin ? ", " : "",
                 c->psi);
}

void verdict_drift(const struct rec_drift *drift, struct arena *a, struct rec_verdict *out)
{
    struct json *figures = json_new(a, JSON_OBJECT);
    struct buf words = BUF_INIT(BUF_UNBOUNDED);
    const char **list = NULL;
    size_t n = 0;
    struct quoted q;
    *out = (struct rec_verdict){.check = "drift", .ok = true, .figures = figures};
    if (drift == NULL) {
        one_reason(a, out, "no earlier profile is known to compare with");
        return;
    }
    out->subject = drift->dataset;
    for (uint32_t i = 0; i < drift->ncolumns; i++) {
        buf_clear(&words);
        drift_words(&drift->columns[i], &words);
        if (words.len > 0)
            *ARENA_PUSH(a, list, n) = arena_printf(
                a, "column '%s': %s", quote_str(&q, drift->columns[i].name), buf_str(&words));
    }
    buf_release(&words);
    set_reasons(a, out, list, n, "columns");
    out->ok = n == 0;
    add_figure(a, figures, "columns", drift->ncolumns);
    add_figure(a, figures, "drifted", (double)n);
    add_figure(a, figures, "tests", drift->tests);
    add_figure(a, figures, "alpha", drift->alpha);
    add_figure(a, figures, "effect", drift->effect);
}

void verdict_expect(struct expect_run *run, struct arena *a, struct rec_verdict *out)
{
    struct json *figures = json_new(a, JSON_OBJECT);
    struct buf words = BUF_INIT(BUF_UNBOUNDED);
    const char **list = NULL;
    size_t n, nlist = 0;
    double count = 0;
    struct quoted q;
    const struct expect_violation *v = expect_violations(run, &n);
    for (size_t i = 0; i < n; i++) {
        count += (double)v[i].count;
        if (i >= REASONS_MAX)
            continue;
        buf_clear(&words);
        expect_words(&v[i], &words);
        *ARENA_PUSH(a, list, nlist) =
            v[i].column != NULL
                ? arena_printf(a, "%s: %s", quote_str(&q, v[i].column), buf_str(&words))
                : arena_strdup(a, buf_str(&words));
    }
    if (n > REASONS_MAX)
        *ARENA_PUSH(a, list, nlist) = arena_printf(a, "and %zu more rules", n - REASONS_MAX);
    buf_release(&words);
    *out = (struct rec_verdict){.check = "expect", .ok = n == 0, .figures = figures};
    out->reasons = list;
    out->nreasons = (uint32_t)nlist;
    add_figure(a, figures, "records", (double)expect_records(run));
    add_figure(a, figures, "violations", count);
    add_figure(a, figures, "rules", (double)n);
}

void expect_issues(struct expect_run *run, struct arena *a, struct rec_profile *p)
{
    size_t n;
    const struct expect_violation *v = expect_violations(run, &n);
    struct rec_issue *items = ARENA_ARRAY(a, struct rec_issue, p->nissues + n);
    for (uint32_t i = 0; i < p->nissues; i++)
        items[i] = p->issues[i];
    for (size_t i = 0; i < n; i++)
        items[p->nissues + i] =
            (struct rec_issue){.column = v[i].column ? arena_strdup(a, v[i].column) : NULL,
                               .rule = arena_printf(a, "expect_%s", v[i].rule),
                               .count = (double)v[i].count,
                               .first_line = v[i].line > 0 ? (double)v[i].line : (double)NAN,
                               .value = v[i].value ? arena_strdup(a, v[i].value) : NULL};
    p->issues = items;
    p->nissues += (uint32_t)n;
}
