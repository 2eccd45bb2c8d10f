/* SPDX-License-Identifier: GPL-3.0-or-later */
/* JSON values in an arena: a strict RFC 8259 reader with exact 64-bit integers, typed getters, and
 * a writer whose numbers read back equal. For records and pipeline files; bulk data goes through
 * table/.
 *
 * Not libjq: that one loses integers above 2^53, accepts `nan`, and drops its buffer after an error
 * (see json/jq.h for where libjq is used).
 */
#ifndef FORELINE_JSON_H
#define FORELINE_JSON_H

#include "base/arena.h"
#include "base/base.h"
#include "base/buf.h"

enum json_type {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_INT,
    JSON_DOUBLE,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
};

struct json {
    enum json_type type;
    uint32_t len; /* elements or members */
    struct slice
        text; /* the bytes of the value in the input (strings: with quotes); empty if built */
    union {
        int64_t i;
        double d;
        struct slice s;      /* JSON_STRING, decoded, followed by a NUL */
        struct json **items; /* JSON_ARRAY */
        struct json_member
            *members; /* JSON_OBJECT, in order; of equal names the last wins in getters */
    } u;
};
struct json_member {
    struct slice name;
    struct json *value;
};

#define JSON_DEPTH_MAX 1000
#define JSON_LINE_MAX (16u << 20)

enum { JSON_COMMENTS = 1 }; /* allow // comments to the end of the line (pipeline files) */

/* Parses one whole value (blanks around it allowed). The tree lives in `a`; `text` slices point
 * into `in`, which must outlive the tree when they are used. On error false, and `err` (ERR_DATA)
 * says "line L, column C: …". Depth beyond JSON_DEPTH_MAX is an error, never a crash. Invalid UTF-8
 * in a string is an error; lone surrogate escapes become U+FFFD. */
bool json_parse(struct arena *a, struct slice in, unsigned flags, struct json **out,
                struct err *err);
/* Checks and skips one value at in[0..]: bytes used, or 0 when it is not JSON. No allocation. */
size_t json_skip(struct slice in);

/* Getters: never fail; what is absent or of another type gives the default (NULL objects too). */
const struct json *json_get(const struct json *obj, const char *name);
const struct json *json_at(const struct json *arr, size_t i);
const char *json_str(const struct json *obj, const char *name, const char *dflt);
double json_num(const struct json *obj, const char *name, double dflt);   /* integers widened */
int64_t json_int(const struct json *obj, const char *name, int64_t dflt); /* integral doubles too */
bool json_bool(const struct json *obj, const char *name, bool dflt);
bool json_is(const struct json *v, enum json_type type); /* false for NULL */
bool json_is_number(const struct json *v);
size_t json_len(const struct json *v); /* of arrays and objects, else 0 */
const char *json_type_name(enum json_type t);
bool json_equal(const struct json *a, const struct json *b); /* objects as sets; 1 == 1.0 */

/* Building trees (rarely needed: prefer the writer). */
struct json *json_new(struct arena *a, enum json_type type);
struct json *json_new_string(struct arena *a, struct slice s);
struct json *json_new_int(struct arena *a, int64_t i);
struct json *json_new_double(struct arena *a, double d);
void json_append(struct arena *a, struct json *arr, struct json *v);
void json_set(struct arena *a, struct json *obj, const char *name, struct json *v);

/* The value as compact JSON behind `out`; a parsed number keeps its text. */
void json_write(struct buf *out, const struct json *v);

/* The streaming writer: puts commas and colons itself. Calls nest like the text does:
 *   jw_begin(&w, out); jw_obj(&w); jw_key(&w, "v"); jw_int(&w, 1); jw_end_obj(&w);
 * NaN and infinities are written as null: unknown is null. */
struct jw {
    struct buf *out;
    bool need_comma;
};
void jw_begin(struct jw *w, struct buf *out);
void jw_obj(struct jw *w);
void jw_end_obj(struct jw *w);
void jw_arr(struct jw *w);
void jw_end_arr(struct jw *w);
void jw_key(struct jw *w, const char *name);
void jw_key_slice(struct jw *w, struct slice name);
void jw_null(struct jw *w);
void jw_bool(struct jw *w, bool b);
void jw_int(struct jw *w, int64_t i);
void jw_num(struct jw *w, double d);
void jw_str(struct jw *w, const char *s); /* NULL writes null */
void jw_slice(struct jw *w, struct slice s);
void jw_raw(struct jw *w, struct slice json);     /* a value that is JSON already */
void jw_json(struct jw *w, const struct json *v); /* NULL writes null */
/* key and value at once */
void jw_kint(struct jw *w, const char *name, int64_t i);
void jw_knum(struct jw *w, const char *name, double d);
void jw_kstr(struct jw *w, const char *name, const char *s);
void jw_kbool(struct jw *w, const char *name, bool b);

/* A JSON string literal with quotes; bytes that are not UTF-8 become U+FFFD. */
void json_quote(struct buf *out, struct slice s);
/* Decodes the inside of a string literal (no quotes) behind `out`; false when malformed. */
bool json_unquote(struct buf *out, struct slice inside);

#endif
