/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The drift record: how a dataset differs from its baseline, column by column. */
#include <math.h>

#include "rec/figures.h"

const char *const rec_drift_figures[REC_DRIFT_FIGURES] = {"null_rate", "mean", "ks", "psi", "type"};

static bool column_read(const struct json *v, struct rec_drift_column *c, struct err *err)
{
    double none = (double)NAN;
    if (!rec_require_string(v, "column", "name", &c->name, err))
        return false;
    c->psi = json_num(v, "psi", none);
    c->psi_chance = json_num(v, "psi_chance", none);
    c->ks = json_num(v, "ks", none);
    c->ks_chance = json_num(v, "ks_chance", none);
    c->null_rate_change = json_num(v, "null_rate_change", none);
    c->null_rate_error = json_num(v, "null_rate_error", none);
    c->mean_change = json_num(v, "mean_change", none);
    c->mean_error = json_num(v, "mean_error", none);
    c->mean_shift = json_num(v, "mean_shift", none);
    const struct json *type = json_get(v, "type_change");
    c->type_from = json_str(type, "from", NULL);
    c->type_to = json_str(type, "to", NULL);
    const struct json *drifted = json_get(v, "drifted");
    for (size_t i = 0; json_is(drifted, JSON_ARRAY) && i < json_len(drifted); i++)
        for (unsigned f = 0; f < REC_DRIFT_FIGURES; f++) {
            const struct json *item = json_at(drifted, i);
            if (json_is(item, JSON_STRING) && slice_is(item->u.s, rec_drift_figures[f]))
                c->drifted[f] = true;
        }
    return true;
}

bool rec_drift_read(struct arena *a, const struct json *v, struct rec_drift *out, struct err *err)
{
    *out = (struct rec_drift){0};
    const struct json *columns = json_get(v, "columns");
    if (!json_is(columns, JSON_ARRAY))
        return err_set(err, ERR_DATA, "drift without 'columns'");
    out->dataset = json_str(v, "dataset", NULL);
    out->partition = json_str(v, "partition", NULL);
    out->baseline = json_str(v, "baseline", NULL);
    out->added = rec_strings_read(a, json_get(v, "added"), &out->nadded);
    out->removed = rec_strings_read(a, json_get(v, "removed"), &out->nremoved);
    out->alpha = json_num(v, "alpha", (double)NAN);
    out->tests = json_num(v, "tests", (double)NAN);
    out->effect = json_num(v, "effect", (double)NAN);
    struct rec_drift_column *items = ARENA_ARRAY(a, struct rec_drift_column, json_len(columns));
    out->columns = items;
    out->ncolumns = (uint32_t)json_len(columns);
    for (size_t i = 0; i < out->ncolumns; i++)
        if (!column_read(json_at(columns, i), &items[i], err))
            return err_prefix(err, "drift: columns[%zu]: ", i);
    return true;
}

static void column_write(struct jw *w, const struct rec_drift_column *c)
{
    jw_obj(w);
    jw_kstr(w, "name", c->name);
    jw_knum(w, "psi", c->psi);
    jw_knum(w, "psi_chance", c->psi_chance);
    jw_knum(w, "ks", c->ks);
    jw_knum(w, "ks_chance", c->ks_chance);
    jw_knum(w, "null_rate_change", c->null_rate_change);
    jw_knum(w, "null_rate_error", c->null_rate_error);
    jw_knum(w, "mean_change", c->mean_change);
    jw_knum(w, "mean_error", c->mean_error);
    jw_knum(w, "mean_shift", c->mean_shift);
    jw_key(w, "type_change");
    if (c->type_from != NULL && c->type_to != NULL) {
        jw_obj(w);
        jw_kstr(w, "from", c->type_from);
        jw_kstr(w, "to", c->type_to);
        jw_end_obj(w);
    } else {
        jw_null(w);
    }
    jw_key(w, "drifted");
    jw_arr(w);
    for (unsigned f = 0; f < REC_DRIFT_FIGURES; f++)
        if (c->drifted[f])
            jw_str(w, rec_drift_figures[f]);
    jw_end_arr(w);
    jw_end_obj(w);
}

void rec_drift_write(struct buf *out, const struct rec_drift *p)
{
    struct jw w;
    rec_open(&w, out, "drift");
    jw_kstr(&w, "dataset", p->dataset);
    jw_kstr(&w, "partition", p->partition);
    jw_kstr(&w, "baseline", p->baseline);
    jw_key(&w, "columns");
    jw_arr(&w);
    for (uint32_t i = 0; i < p->ncolumns; i++)
        column_write(&w, &p->columns[i]);
    jw_end_arr(&w);
    rec_strings_write(&w, "added", p->added, p->nadded);
    rec_strings_write(&w, "removed", p->removed, p->nremoved);
    jw_knum(&w, "alpha", p->alpha);
    jw_knum(&w, "tests", p->tests);
    jw_knum(&w, "effect", p->effect);
    rec_close(&w);
}

bool rec_drift_column_drifted(const struct rec_drift_column *c)
{
    for (unsigned f = 0; f < REC_DRIFT_FIGURES; f++)
        if (c->drifted[f])
            return true;
    return false;
}
