/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The estimate record: what a write of a pipeline would get, told from a sample. */
#include "rec/figures.h"

#include <math.h>

bool rec_estimate_read(struct arena *a, const struct json *v, struct rec_estimate *out,
                       struct err *err)
{
    *out = (struct rec_estimate){0};
    if (!rec_require_string(v, "estimate", "pipeline", &out->pipeline, err) ||
        !rec_require_string(v, "estimate", "stage", &out->stage, err))
        return false;
    out->output = json_str(v, "output", NULL);
    const struct json *sample = json_get(v, "sample"), *records = json_get(v, "records");
    out->sample_rate = json_num(sample, "rate", NAN);
    out->sample_seed = json_num(sample, "seed", NAN);
    out->records = json_num(records, "estimate", NAN);
    out->records_interval.lo = json_num(records, "lo95", NAN);
    out->records_interval.hi = json_num(records, "hi95", NAN);
    out->exact = json_bool(v, "exact", false);
    out->rows_left = json_num(v, "rows_left", NAN);
    out->why = json_str(v, "why", NULL);
    const struct json *rows = json_get(v, "rows");
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    for (size_t i = 0; i < json_len(rows); i++) {
        if (i > 0)
            buf_addc(&text, ',');
        json_write(&text, json_at(rows, i));
    }
    out->rows = arena_slice(a, buf_slice(&text));
    buf_release(&text);
    return true;
}

void rec_estimate_write(struct buf *out, const struct rec_estimate *p)
{
    struct jw w;
    rec_open(&w, out, "estimate");
    jw_kstr(&w, "pipeline", p->pipeline);
    jw_kstr(&w, "stage", p->stage);
    jw_kstr(&w, "output", p->output);
    jw_key(&w, "sample");
    jw_obj(&w);
    jw_knum(&w, "rate", p->sample_rate);
    jw_knum(&w, "seed", p->sample_seed);
    jw_end_obj(&w);
    jw_kbool(&w, "exact", p->exact);
    jw_key(&w, "records");
    if (isnan(p->records)) {
        jw_null(&w);
    } else {
        jw_obj(&w);
        jw_knum(&w, "estimate", p->records);
        jw_knum(&w, "lo95", p->records_interval.lo);
        jw_knum(&w, "hi95", p->records_interval.hi);
        jw_end_obj(&w);
    }
    jw_key(&w, "rows");
    jw_arr(&w);
    if (p->rows.len)
        jw_raw(&w, p->rows);
    jw_end_arr(&w);
    jw_knum(&w, "rows_left", p->rows_left);
    jw_kstr(&w, "why", p->why);
    rec_close(&w);
}
