/* SPDX-License-Identifier: GPL-3.0-or-later */
/* --compare, --fail-on: what a finished profile is held against, and what follows. */
#include <math.h>

#include "base/num.h"
#include "cli/chain.h"
#include "cli/report.h"
#include "profile/verdicts.h"
#include "tools/etl-profile.h"

static bool take_check(struct gate *g, struct slice word)
{
    struct quoted q;
    double least;
    if (slice_is(word, "drift"))
        g->drift = true;
    else if (slice_is(word, "schema"))
        g->schema = true;
    else if (slice_starts(word, "quality=") &&
             num_parse_float(slice_of(word.p + 8, word.len - 8), &least) && least >= 0 &&
             least <= 1)
        g->quality = least;
    else
        return cli_usage("option '--fail-on': '%s' is neither drift nor schema nor "
                         "quality=NUMBER with a number from 0 to 1",
                         quote_slice(&q, word)) == STATUS_OK;
    return true;
}

bool etl_profile_gate_init(struct gate *g, const struct etl_profile_opts *o)
{
    *g = (struct gate){.quality = (double)NAN, .effect = o->min_effect};
    for (size_t i = 0; i < o->fail_on.n; i++)
        for (const char *p = o->fail_on.items[i];; p++) {
            size_t n = strcspn(p, ",");
            if (!take_check(g, slice_of(p, n)))
                return false;
            p += n;
            if (*p == '\0')
                break;
        }
    g->compare = o->compare != NULL || g->drift;
    g->last = o->compare == NULL || strcmp(o->compare, "last") == 0;
    return true;
}

bool etl_profile_gate_open(struct gate *g, const struct etl_profile_opts *o, struct err *err)
{
    g->by_position = o->no_header;
    if (g->compare && !g->last && (g->file = baseline_read(o->compare, err)) == NULL)
        return false;
    if (o->expect != NULL) {
        g->expect = expect_read(o->expect, err);
        if (g->expect != NULL && expect_note(g->expect) != NULL)
            cli_warn("%s: %s", o->expect, expect_note(g->expect));
    }
    return o->expect == NULL || g->expect != NULL;
}

void etl_profile_gate_close(struct gate *g)
{
    baseline_free(g->file);
    profile_free(g->state);
    expect_end(g->run);
    expect_free(g->expect);
}

void etl_profile_gate_begin(void *ctx, const struct schema *s, bool json)
{
    struct gate *g = ctx;
    expect_end(g->run);
    g->run = expect_begin(g->expect, s, json, g->by_position);
}

void etl_profile_gate_look(void *ctx, const struct batch *b)
{
    struct gate *g = ctx;
    expect_check(g->run, b);
}

void gate_out_release(struct gate_out *out)
{
    buf_release(&out->records);
    buf_release(&out->people);
}

static void say_no(const char *name, const struct rec_verdict *v)
{
    for (uint32_t i = 0; !v->ok && i < v->nreasons; i++)
        cli_error("%s: %s: %s", name, v->check, v->reasons[i]);
    for (uint32_t i = 0; v->ok && i < v->nreasons; i++)
        cli_note("%s: %s: %s", name, v->check, v->reasons[i]);
}

static void put_verdict(struct gate *g, const struct rec_verdict *v, struct gate_out *out)
{
    if (out->nverdicts == GATE_VERDICTS)
        BUG("more than %d verdicts", GATE_VERDICTS);
    out->verdicts[out->nverdicts++] = *v;
    rec_verdict_write(&out->records, v);
    g->said_no = g->said_no || !v->ok;
    out->ok = out->ok && v->ok;
    buf_addf(&out->people, "%s%s%s: %s", cli_color(1, v->ok ? "green" : "red"), v->check,
             cli_color(1, "reset"), v->ok ? "ok" : "no");
    buf_addf(&out->people, v->nreasons > 0 ? ": %s%s\n" : "\n",
             v->nreasons > 0 ? v->reasons[0] : "", v->nreasons > 1 ? ", …" : "");
}

static void add_verdict(struct gate *g, const char *name, const char *subject,
                        struct rec_verdict *v, struct gate_out *out)
{
    v->subject = subject;
    say_no(name, v);
    put_verdict(g, v, out);
}

/* Which columns drifted, and how. */
static void drift_table(struct buf *out, const struct rec_drift *d)
{
    uint32_t drifted = 0;
    for (uint32_t i = 0; i < d->ncolumns; i++)
        drifted += rec_drift_column_drifted(&d->columns[i]);
    struct quoted q;
    buf_addf(out, "against %s: %u of %u columns drifted\n",
             quote_str(&q, d->baseline ? d->baseline : "the baseline"), drifted, d->ncolumns);
    struct buf words = BUF_INIT(BUF_UNBOUNDED);
    for (uint32_t i = 0; i < d->ncolumns; i++) {
        buf_clear(&words);
        drift_words(&d->columns[i], &words);
        if (words.len > 0)
            buf_addf(out, "  %s%s%s: %s\n", cli_color(1, "bold"), quote_str(&q, d->columns[i].name),
                     cli_color(1, "reset"), buf_str(&words));
    }
    buf_release(&words);
    for (uint32_t i = 0; i < d->nadded; i++)
        buf_addf(out, "  %s: new\n", quote_str(&q, d->added[i]));
    for (uint32_t i = 0; i < d->nremoved; i++)
        buf_addf(out, "  %s: gone\n", quote_str(&q, d->removed[i]));
}

static const struct rec_drift *compare(struct gate *g, const char *name, struct arena *a,
                                       const struct profile *p, const struct rec_profile *r,
                                       const struct drift_base *base, struct gate_out *out)
{
    struct rec_drift *d = ARENA_NEW(a, struct rec_drift);
    if (base->state == NULL && g->told != name)
        cli_warn("%s: the baseline has no sketches, so only schema, nulls and means are compared%s",
                 name, g->file != NULL ? " (--sketches writes them)" : "");
    g->told = name;
    profile_drift(base, p, r, g->effect, a, d);
    rec_drift_write(&out->records, d);
    drift_table(&out->people, d);
    out->drift = d;
    return d;
}

bool etl_profile_gate_needs_store(const struct gate *g)
{
    return g->last && (g->compare || g->schema);
}

/* What the data is held against; false when nothing is known of it, or (with err) it is lost. */
static bool find_base(struct gate *g, struct store *s, const char *name, struct arena *a,
                      const struct rec_profile *r, struct drift_base *base, struct err *err)
{
    if (g->lost || !(g->compare || g->schema))
        return false;
    profile_free(g->state);
    g->state = NULL;
    if (etl_profile_last(s, a, r->dataset, &base->record, &g->state, err)) {
        base->state = g->state;
        return true;
    }
    if (g->told != name && err->kind == ERR_NONE) /* once, however many windows there are */
        cli_warn("%s: nothing to compare with: %s", name,
                 r->dataset == NULL ? "the data has no name (--dataset)"
                 : s == NULL        ? "there is no store (--store)"
                                    : "the store knows no earlier profile of it");
    g->told = name;
    return false;
}

/* Nothing passes a gate because what it would be held against cannot be read. */
static void refuse(struct rec_verdict *v)
{
    static const char *const reasons[] = {
        "the last profile cannot be read from the store, so there is nothing to compare with"};
    v->ok = false;
    v->reasons = reasons;
    v->nreasons = 1;
}

bool etl_profile_gate(struct gate *g, struct store *s, const char *name, const char *subject,
                      const struct profile *p, struct arena *a, const struct rec_profile *r,
                      struct gate_out *out, struct err *err)
{
    struct drift_base base = {NULL, NULL};
    struct err lost = ERR_INIT;
    struct rec_verdict v;
    if (g->file != NULL && !baseline_find(g->file, r->dataset, r->partition, &base, err))
        return false;
    bool known = g->file != NULL || find_base(g, s, name, a, r, &base, &lost);
    const struct rec_drift *d = known && g->compare ? compare(g, name, a, p, r, &base, out) : NULL;
    if (isfinite(g->quality)) {
        verdict_quality(r, g->quality, a, &v);
        add_verdict(g, name, subject, &v, out);
    }
    if (g->schema) {
        verdict_schema(known ? base.record : NULL, r, a, &v);
        if (g->lost || lost.kind != ERR_NONE)
            refuse(&v);
        add_verdict(g, name, subject, &v, out);
    }
    if (g->drift) {
        verdict_drift(d, a, &v);
        if (g->lost || lost.kind != ERR_NONE)
            refuse(&v);
        add_verdict(g, name, subject, &v, out);
    }
    if (lost.kind != ERR_NONE)
        *err = lost;
    return lost.kind == ERR_NONE;
}

void etl_profile_gate_end(struct gate *g, const char *name, const char *subject, struct arena *a,
                          struct gate_out *out)
{
    struct rec_verdict v;
    struct buf words = BUF_INIT(BUF_UNBOUNDED);
    struct quoted q;
    size_t n;
    const struct expect_violation *all = expect_violations(g->run, &n);
    for (size_t i = 0; i < n; i++) {
        buf_clear(&words);
        expect_words(&all[i], &words);
        cli_error("%s:%llu: %s%s%s", name, all[i].line > 0 ? (unsigned long long)all[i].line : 1ULL,
                  all[i].column ? quote_str(&q, all[i].column) : "", all[i].column ? ": " : "",
                  buf_str(&words));
    }
    buf_release(&words);
    verdict_expect(g->run, a, &v);
    v.subject = subject;
    put_verdict(g, &v, out);
    expect_end(g->run);
    g->run = NULL;
}
