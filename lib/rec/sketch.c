/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sketch record: an image and what it is of. What is in the image is not known here. */
#include <math.h>

#include "base/pack.h"
#include "rec/figures.h"

bool rec_sketch_read(struct arena *a, const struct json *v, struct rec_sketch *out, struct err *err)
{
    *out = (struct rec_sketch){0};
    if (!rec_require_string(v, "sketch", "kind", &out->kind, err))
        return false;
    out->dataset = json_str(v, "dataset", NULL);
    out->partition = json_str(v, "partition", NULL);
    const struct json *window = json_get(v, "window");
    out->from = json_str(window, "from", NULL);
    out->to = json_str(window, "to", NULL);
    out->first_record = json_num(window, "first_record", (double)NAN);
    out->last_record = json_num(window, "last_record", (double)NAN);
    out->column = json_str(v, "column", NULL);
    const struct json *image = json_get(v, "image");
    if (!json_is(image, JSON_STRING))
        return err_set(err, ERR_DATA, "sketch without 'image'");
    struct buf bytes = BUF_INIT(JSON_LINE_MAX);
    bool ok = base64_decode(&bytes, image->u.s) ||
              err_set(err, ERR_DATA, "sketch whose image is not base64");
    out->image = arena_slice(a, buf_slice(&bytes));
    buf_release(&bytes);
    return ok;
}

bool rec_sketch_write(struct buf *out, const struct rec_sketch *s)
{
    struct jw w;
    struct buf line = BUF_INIT(JSON_LINE_MAX), image = BUF_INIT(JSON_LINE_MAX);
    rec_open(&w, &line, "sketch");
    jw_kstr(&w, "dataset", s->dataset);
    jw_kstr(&w, "partition", s->partition);
    jw_key(&w, "window");
    jw_obj(&w);
    jw_kstr(&w, "from", s->from);
    jw_kstr(&w, "to", s->to);
    jw_knum(&w, "first_record", s->first_record);
    jw_knum(&w, "last_record", s->last_record);
    jw_end_obj(&w);
    jw_kstr(&w, "column", s->column);
    jw_kstr(&w, "kind", s->kind);
    jw_key(&w, "image");
    buf_addc(&image, '"');
    base64_encode(&image, s->image);
    buf_addc(&image, '"');
    jw_raw(&w, buf_slice(&image));
    rec_close(&w);
    bool fits = !line.overflow && !image.overflow;
    if (fits)
        buf_add_slice(out, buf_slice(&line));
    buf_release(&line);
    buf_release(&image);
    return fits;
}
