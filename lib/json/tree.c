/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Looking at JSON trees, and making them. */
#include "json/json.h"

#include <math.h>

const struct json *json_get(const struct json *obj, const char *name)
{
    if (!json_is(obj, JSON_OBJECT))
        return NULL;
    for (uint32_t i = obj->len; i-- > 0;)
        if (slice_is(obj->u.members[i].name, name))
            return obj->u.members[i].value;
    return NULL;
}

const struct json *json_at(const struct json *arr, size_t i)
{
    return json_is(arr, JSON_ARRAY) && i < arr->len ? arr->u.items[i] : NULL;
}

const char *json_str(const struct json *obj, const char *name, const char *dflt)
{
    const struct json *v = json_get(obj, name);
    return json_is(v, JSON_STRING) ? v->u.s.p : dflt;
}

double json_num(const struct json *obj, const char *name, double dflt)
{
    const struct json *v = json_get(obj, name);
    if (json_is(v, JSON_INT))
        return (double)v->u.i;
    return json_is(v, JSON_DOUBLE) ? v->u.d : dflt;
}

int64_t json_int(const struct json *obj, const char *name, int64_t dflt)
{
    const struct json *v = json_get(obj, name);
    if (json_is(v, JSON_INT))
        return v->u.i;
    if (json_is(v, JSON_DOUBLE) && v->u.d == floor(v->u.d) && fabs(v->u.d) < 0x1p63)
        return (int64_t)v->u.d;
    return dflt;
}

bool json_bool(const struct json *obj, const char *name, bool dflt)
{
    const struct json *v = json_get(obj, name);
    return json_is(v, JSON_TRUE) || (!json_is(v, JSON_FALSE) && dflt);
}

bool json_is(const struct json *v, enum json_type type)
{
    return v && v->type == type;
}

bool json_is_number(const struct json *v)
{
    return json_is(v, JSON_INT) || json_is(v, JSON_DOUBLE);
}

size_t json_len(const struct json *v)
{
    return json_is(v, JSON_ARRAY) || json_is(v, JSON_OBJECT) ? v->len : 0;
}

const char *json_type_name(enum json_type t)
{
    static const char *const names[] = {"null",   "boolean", "boolean", "number",
                                        "number", "string",  "array",   "object"};
    return names[t];
}

bool json_equal(const struct json *a, const struct json *b)
{
    if (!a || !b)
        return a == b;
    if (json_is_number(a) && json_is_number(b)) {
        if (a->type == JSON_INT && b->type == JSON_INT)
            return a->u.i == b->u.i;
        double x = a->type == JSON_INT ? (double)a->u.i : a->u.d;
        double y = b->type == JSON_INT ? (double)b->u.i : b->u.d;
        return x == y;
    }
    if (a->type != b->type)
        return false;
    switch (a->type) {
    case JSON_STRING:
        return slice_eq(a->u.s, b->u.s);
    case JSON_ARRAY:
        if (a->len != b->len)
            return false;
        for (uint32_t i = 0; i < a->len; i++)
            if (!json_equal(a->u.items[i], b->u.items[i]))
                return false;
        return true;
    case JSON_OBJECT:
        /* Both ways, as a name may stand twice in either. */
        for (uint32_t i = 0; i < a->len; i++)
            if (!json_equal(json_get(a, a->u.members[i].name.p),
                            json_get(b, a->u.members[i].name.p)))
                return false;
        for (uint32_t i = 0; i < b->len; i++)
            if (!json_get(a, b->u.members[i].name.p))
                return false;
        return true;
    default:
        return true;
    }
}

struct json *json_new(struct arena *a, enum json_type type)
{
    struct json *v = ARENA_NEW(a, struct json);
    v->type = type;
    return v;
}

struct json *json_new_string(struct arena *a, struct slice s)
{
    struct json *v = json_new(a, JSON_STRING);
    v->u.s = arena_slice(a, s);
    return v;
}

struct json *json_new_int(struct arena *a, int64_t i)
{
    struct json *v = json_new(a, JSON_INT);
    v->u.i = i;
    return v;
}

struct json *json_new_double(struct arena *a, double d)
{
    struct json *v = json_new(a, JSON_DOUBLE);
    v->u.d = d;
    return v;
}

void json_append(struct arena *a, struct json *arr, struct json *v)
{
    uint32_t n = arr->len;
    *ARENA_PUSH(a, arr->u.items, n) = v;
    arr->len = n;
    arr->text = SLICE_NULL;
}

void json_set(struct arena *a, struct json *obj, const char *name, struct json *v)
{
    obj->text = SLICE_NULL;
    for (uint32_t i = obj->len; i-- > 0;) {
        if (slice_is(obj->u.members[i].name, name)) {
            obj->u.members[i].value = v;
            return;
        }
    }
    uint32_t n = obj->len;
    *ARENA_PUSH(a, obj->u.members, n) = (struct json_member){arena_slice(a, slice_str(name)), v};
    obj->len = n;
}
