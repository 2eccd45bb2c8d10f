/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pieces that several records share: figures, per-stage figures, lists of strings. */
#include "rec/figures.h"

#include <math.h>

struct figure_field {
    const char *name;
    size_t offset;
};
#define FIELD(f)                                  \
    {                                             \
#f, offsetof(struct rec_stage_figures, f) \
    }
static const struct figure_field stage_fields[] = {
    FIELD(records_in),        FIELD(records_out), FIELD(bytes_in),
    FIELD(bytes_out),         FIELD(wall_s),      FIELD(cpu_s),
    FIELD(peak_memory_bytes), FIELD(read_bytes),  FIELD(write_bytes),
};
#undef FIELD

struct rec_figure rec_figure_read(const struct json *obj, const char *name)
{
    const struct json *v = json_get(obj, name);
    if (json_is_number(v)) {
        double d = json_num(obj, name, NAN);
        return (struct rec_figure){d, d};
    }
    if (json_is(v, JSON_OBJECT))
        return (struct rec_figure){json_num(v, "p50", NAN), json_num(v, "p95", NAN)};
    return REC_FIGURE_UNKNOWN;
}

void rec_figure_write(struct jw *w, const char *name, struct rec_figure f)
{
    jw_key(w, name);
    if (isnan(f.p50) && isnan(f.p95)) {
        jw_null(w);
        return;
    }
    jw_obj(w);
    jw_knum(w, "p50", f.p50);
    jw_knum(w, "p95", f.p95);
    jw_end_obj(w);
}

bool rec_stage_figures_read(const struct json *v, struct rec_stage_figures *out, struct err *err)
{
    *out = (struct rec_stage_figures){0};
    if (!rec_require_string(v, "stage", "id", &out->id, err))
        return false;
    out->operation = json_str(v, "operation", NULL);
    for (size_t i = 0; i < ARRAY_LEN(stage_fields); i++) {
        struct rec_figure *f = (struct rec_figure *)((char *)out + stage_fields[i].offset);
        *f = rec_figure_read(v, stage_fields[i].name);
    }
    return true;
}

void rec_stage_figures_write(struct jw *w, const struct rec_stage_figures *s, bool measured)
{
    jw_kstr(w, "id", s->id);
    jw_kstr(w, "operation", s->operation);
    for (size_t i = 0; i < ARRAY_LEN(stage_fields); i++) {
        const struct rec_figure *f =
            (const struct rec_figure *)((const char *)s + stage_fields[i].offset);
        if (measured)
            jw_knum(w, stage_fields[i].name, f->p50);
        else
            rec_figure_write(w, stage_fields[i].name, *f);
    }
}

const char *const *rec_strings_read(struct arena *a, const struct json *arr, uint32_t *n)
{
    size_t len = json_is(arr, JSON_ARRAY) ? json_len(arr) : 0;
    const char **items = ARENA_ARRAY(a, const char *, len);
    *n = 0;
    for (size_t i = 0; i < len; i++) {
        const struct json *v = json_at(arr, i);
        if (json_is(v, JSON_STRING))
            items[(*n)++] = arena_strndup(a, v->u.s.p, v->u.s.len);
    }
    return items;
}

void rec_strings_write(struct jw *w, const char *name, const char *const *items, uint32_t n)
{
    jw_key(w, name);
    jw_arr(w);
    for (uint32_t i = 0; i < n; i++)
        jw_str(w, items[i]);
    jw_end_arr(w);
}

bool rec_require_string(const struct json *v, const char *record, const char *name,
                        const char **out, struct err *err)
{
    *out = json_str(v, name, NULL);
    if (*out && **out)
        return true;
    return err_set(err, ERR_DATA, "%s without '%s'", record, name);
}

void rec_open(struct jw *w, struct buf *out, const char *kind)
{
    jw_begin(w, out);
    jw_obj(w);
    jw_kstr(w, "record", kind);
    jw_kint(w, "v", 1);
}

void rec_close(struct jw *w)
{
    jw_end_obj(w);
    buf_addc(w->out, '\n');
}
