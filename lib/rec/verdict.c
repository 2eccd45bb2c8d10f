/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The verdict record: what a check says of a subject, and why. */
#include "rec/figures.h"

bool rec_verdict_read(struct arena *a, const struct json *v, struct rec_verdict *out,
                      struct err *err)
{
    *out = (struct rec_verdict){0};
    const struct json *ok = json_get(v, "ok");
    if (!json_is(ok, JSON_TRUE) && !json_is(ok, JSON_FALSE))
        return err_set(err, ERR_DATA, "verdict without 'ok'");
    out->ok = json_is(ok, JSON_TRUE);
    out->check = json_str(v, "check", NULL);
    out->subject = json_str(v, "subject", NULL);
    out->reasons = rec_strings_read(a, json_get(v, "reasons"), &out->nreasons);
    const struct json *figures = json_get(v, "figures");
    out->figures = json_is(figures, JSON_OBJECT) ? figures : NULL;
    return true;
}

void rec_verdict_write(struct buf *out, const struct rec_verdict *p)
{
    struct jw w;
    rec_open(&w, out, "verdict");
    jw_kstr(&w, "check", p->check);
    jw_kstr(&w, "subject", p->subject);
    jw_kbool(&w, "ok", p->ok);
    rec_strings_write(&w, "reasons", p->reasons, p->nreasons);
    jw_key(&w, "figures");
    if (p->figures) {
        jw_json(&w, p->figures);
    } else {
        jw_obj(&w);
        jw_end_obj(&w);
    }
    rec_close(&w);
}
