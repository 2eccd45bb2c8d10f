/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The JSON writer. */
#include "json/json.h"

#include <math.h>

#include "base/num.h"

void json_quote(struct buf *out, struct slice s)
{
    static const char hex[] = "0123456789abcdef";
    buf_addc(out, '"');
    size_t i = 0, from = 0;
    while (i < s.len) {
        unsigned char c = (unsigned char)s.p[i];
        size_t n = 1;
        if (c >= 0x80)
            n = utf8_sequence(slice_of(s.p + i, s.len - i));
        if (n && c >= 0x20 && c != '"' && c != '\\' && c != 0x7F) {
            i += n;
            continue;
        }
        buf_add(out, s.p + from, i - from);
        static const char plain[] = "\"\\\b\f\n\r\t", letter[] = "\"\\bfnrt";
        const char *at = c ? strchr(plain, (char)c) : NULL;
        if (!n) {
            buf_adds(out, "\xEF\xBF\xBD");
        } else if (at) {
            buf_addc(out, '\\');
            buf_addc(out, letter[at - plain]);
        } else {
            char esc[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
            buf_add(out, esc, sizeof(esc));
        }
        from = ++i;
    }
    if (from < s.len) /* an empty text may have no bytes at all */
        buf_add(out, s.p + from, s.len - from);
    buf_addc(out, '"');
}

static void add_double(struct buf *out, double d)
{
    char text[NUM_TEXT_MAX];
    buf_add(out, text, num_format_double(text, d));
}

static void add_int(struct buf *out, int64_t i)
{
    char text[NUM_TEXT_MAX];
    buf_add(out, text, num_format_int(text, i));
}

void json_write(struct buf *out, const struct json *v)
{
    switch (v->type) {
    case JSON_NULL:
        buf_adds(out, "null");
        break;
    case JSON_FALSE:
        buf_adds(out, "false");
        break;
    case JSON_TRUE:
        buf_adds(out, "true");
        break;
    case JSON_INT:
    case JSON_DOUBLE:
        if (v->text.len)
            buf_add_slice(out, v->text);
        else if (v->type == JSON_INT)
            add_int(out, v->u.i);
        else
            add_double(out, v->u.d);
        break;
    case JSON_STRING:
        json_quote(out, v->u.s);
        break;
    case JSON_ARRAY:
        buf_addc(out, '[');
        for (uint32_t i = 0; i < v->len; i++) {
            if (i)
                buf_addc(out, ',');
            json_write(out, v->u.items[i]);
        }
        buf_addc(out, ']');
        break;
    case JSON_OBJECT:
        buf_addc(out, '{');
        for (uint32_t i = 0; i < v->len; i++) {
            if (i)
                buf_addc(out, ',');
            json_quote(out, v->u.members[i].name);
            buf_addc(out, ':');
            json_write(out, v->u.members[i].value);
        }
        buf_addc(out, '}');
        break;
    }
}

void jw_begin(struct jw *w, struct buf *out)
{
    w->out = out;
    w->need_comma = false;
}

static void before_value(struct jw *w)
{
    if (w->need_comma)
        buf_addc(w->out, ',');
    w->need_comma = true;
}

static void open_nest(struct jw *w, char c)
{
    before_value(w);
    buf_addc(w->out, c);
    w->need_comma = false;
}

static void close_nest(struct jw *w, char c)
{
    buf_addc(w->out, c);
    w->need_comma = true;
}

void jw_obj(struct jw *w)
{
    open_nest(w, '{');
}

void jw_end_obj(struct jw *w)
{
    close_nest(w, '}');
}

void jw_arr(struct jw *w)
{
    open_nest(w, '[');
}

void jw_end_arr(struct jw *w)
{
    close_nest(w, ']');
}

void jw_key_slice(struct jw *w, struct slice name)
{
    before_value(w);
    json_quote(w->out, name);
    buf_addc(w->out, ':');
    w->need_comma = false;
}

void jw_key(struct jw *w, const char *name)
{
    jw_key_slice(w, slice_str(name));
}

void jw_null(struct jw *w)
{
    before_value(w);
    buf_adds(w->out, "null");
}

void jw_bool(struct jw *w, bool b)
{
    before_value(w);
    buf_adds(w->out, b ? "true" : "false");
}

void jw_int(struct jw *w, int64_t i)
{
    before_value(w);
    add_int(w->out, i);
}

void jw_num(struct jw *w, double d)
{
    before_value(w);
    add_double(w->out, d);
}

void jw_slice(struct jw *w, struct slice s)
{
    before_value(w);
    json_quote(w->out, s);
}

void jw_str(struct jw *w, const char *s)
{
    if (s)
        jw_slice(w, slice_str(s));
    else
        jw_null(w);
}

void jw_raw(struct jw *w, struct slice json)
{
    before_value(w);
    buf_add_slice(w->out, json);
}

void jw_json(struct jw *w, const struct json *v)
{
    if (!v) {
        jw_null(w);
        return;
    }
    before_value(w);
    json_write(w->out, v);
}

void jw_kint(struct jw *w, const char *name, int64_t i)
{
    jw_key(w, name);
    jw_int(w, i);
}

void jw_knum(struct jw *w, const char *name, double d)
{
    jw_key(w, name);
    jw_num(w, d);
}

void jw_kstr(struct jw *w, const char *name, const char *s)
{
    jw_key(w, name);
    jw_str(w, s);
}

void jw_kbool(struct jw *w, const char *name, bool b)
{
    jw_key(w, name);
    jw_bool(w, b);
}
