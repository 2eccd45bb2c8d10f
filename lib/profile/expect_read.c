/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A Table Schema from its JSON. What cannot be checked is refused here, so that nothing that a
 * schema asks for passes unseen. */
#include "os/os.h"
#include "profile/expect_int.h"

#define SCHEMA_MAX ((size_t)64 << 20)

/* "constraint 'minimum'" and the like, put in front of what is wrong. */
static bool wrong(struct err *err, const char *what, const char *why)
{
    return err_set(err, ERR_DATA, "%s: %s", what, why);
}

/* Strings of an array: themselves, or the `value` of objects (version 2). */
static bool read_list(struct arena *a, const struct json *v, const char *what,
                      struct expect_list *out, struct err *err)
{
    if (!json_is(v, JSON_ARRAY))
        return wrong(err, what, "is no array");
    out->items = ARENA_ARRAY(a, struct slice, json_len(v));
    out->n = 0;
    for (size_t i = 0; i < json_len(v); i++) {
        const struct json *item = json_at(v, i);
        if (json_is(item, JSON_OBJECT))
            item = json_get(item, "value");
        if (!json_is(item, JSON_STRING))
            return wrong(err, what, "has an item that is no string");
        out->items[out->n++] = item->u.s;
    }
    return true;
}

static bool read_bool(const struct json *obj, const char *name, bool *out, struct err *err)
{
    const struct json *v = json_get(obj, name);
    if (v == NULL)
        return true;
    *out = json_is(v, JSON_TRUE);
    return *out || json_is(v, JSON_FALSE) || wrong(err, name, "is neither true nor false");
}

static bool read_text(const struct json *obj, const char *name, struct slice *out, struct err *err)
{
    const struct json *v = json_get(obj, name);
    if (v == NULL || json_is(v, JSON_NULL))
        return true;
    if (!json_is(v, JSON_STRING) || v->u.s.len == 0)
        return wrong(err, name, "is no string, or empty");
    *out = v->u.s;
    return true;
}

static bool read_type(const struct json *v, struct expect_field *f, struct err *err)
{
    struct quoted q;
    const struct json *type = json_get(v, "type");
    if (type == NULL)
        return true;
    if (!json_is(type, JSON_STRING))
        return wrong(err, "type", "is no string");
    for (int t = 0; t < EXPECT_TYPES; t++)
        if (slice_is(type->u.s, expect_type_names[t])) {
            f->type = (enum expect_type)t;
            return true;
        }
    return err_set(err, ERR_DATA, "type '%s' cannot be checked", quote_slice(&q, type->u.s));
}

static bool read_format(struct arena *a, const struct json *v, struct expect_field *f,
                        struct err *err)
{
    static const struct {
        const char *name;
        enum expect_format format;
    } of_strings[] = {{"email", EXPECT_EMAIL},
                      {"uri", EXPECT_URI},
                      {"uuid", EXPECT_UUID},
                      {"binary", EXPECT_BINARY}};
    struct quoted q;
    struct slice text = SLICE_NULL;
    char bad;
    if (!read_text(v, "format", &text, err))
        return false;
    if (slice_starts(text, "fmt:")) /* version 0 */
        text = slice_of(text.p + 4, text.len - 4);
    if (text.len == 0 || slice_is(text, "default") || f->type == EXPECT_ANY)
        return true;
    f->format_text = arena_strndup(a, text.p, text.len);
    if (f->type == EXPECT_STRING)
        for (size_t i = 0; i < ARRAY_LEN(of_strings); i++)
            if (slice_is(text, of_strings[i].name)) {
                f->format = of_strings[i].format;
                return true;
            }
    if (f->type == EXPECT_DATE || f->type == EXPECT_TIME || f->type == EXPECT_DATETIME) {
        f->format = slice_is(text, "any") ? EXPECT_AS_ANY : EXPECT_PATTERN;
        if (f->format == EXPECT_AS_ANY)
            return true;
        if (!expect_time_pattern(f->format_text, &bad))
            return err_set(err, ERR_DATA, "format '%s': directive '%%%c' cannot be checked",
                           quote_slice(&q, text), bad >= ' ' && bad <= '~' ? bad : '?');
        if (memchr(text.p, '%', text.len) != NULL)
            return true;
    }
    return err_set(err, ERR_DATA, "format '%s' is none of type %s", quote_slice(&q, text),
                   expect_type_names[f->type]);
}

/* -- constraints -- */

static bool has_length(const struct expect_field *f)
{
    return f->type == EXPECT_STRING || f->type == EXPECT_OBJECT || f->type == EXPECT_ARRAY;
}

static bool has_order(const struct expect_field *f)
{
    return f->type != EXPECT_ANY && f->type != EXPECT_STRING && f->type != EXPECT_BOOLEAN &&
           f->type != EXPECT_OBJECT && f->type != EXPECT_ARRAY;
}

/* A value of the schema, in JSON or in the field's own spelling. */
static bool read_value(struct arena *a, const struct expect_field *f, const struct json *v,
                       const char *what, struct logical *out, const char **text, struct err *err)
{
    struct buf tmp = BUF_INIT(BUF_UNBOUNDED), as_text = BUF_INIT(BUF_UNBOUNDED);
    struct expect_field plain = *f;
    struct quoted q;
    if (json_is(v, JSON_STRING)) {
        buf_add_slice(&as_text, v->u.s);
    } else {
        json_write(&as_text, v);
        plain.decimal = SLICE_LIT(".");
        plain.group = SLICE_NULL;
        plain.bare = true;
    }
    struct slice s = arena_slice(a, buf_slice(&as_text));
    bool quoted = json_is(v, JSON_STRING) || f->type == EXPECT_STRING;
    bool ok = !json_is(v, JSON_NULL) && expect_value(&plain, s, true, quoted, &tmp, out);
    *text = arena_strndup(a, s.p, s.len);
    if (!ok)
        err_set(err, ERR_DATA, "%s: '%s' is no %s", what, quote_slice(&q, s),
                expect_type_names[f->type]);
    buf_release(&tmp);
    buf_release(&as_text);
    return ok;
}

static bool read_bound(struct arena *a, const struct expect_field *f, const char *name,
                       const struct json *v, struct expect_bound *out, struct err *err)
{
    if (!has_order(f))
        return err_set(err, ERR_DATA, "constraint '%s' is not for type %s", name,
                       expect_type_names[f->type]);
    const char *what = arena_printf(a, "constraint '%s'", name);
    out->set = read_value(a, f, v, what, &out->value, &out->text, err);
    return out->set;
}

static bool read_length(const struct expect_field *f, const char *name, const struct json *v,
                        int64_t *out, struct err *err)
{
    if (!has_length(f))
        return err_set(err, ERR_DATA, "constraint '%s' is not for type %s", name,
                       expect_type_names[f->type]);
    if (!json_is(v, JSON_INT) || v->u.i < 0)
        return err_set(err, ERR_DATA, "constraint '%s' is no count", name);
    *out = v->u.i;
    return true;
}

static int by_value(const void *a, const void *b)
{
    return logical_cmp(a, b);
}

static bool read_enum(struct arena *a, struct expect_field *f, const struct json *v,
                      const char *what, struct err *err)
{
    const char *text;
    if (!json_is(v, JSON_ARRAY))
        return wrong(err, what, "is no array");
    f->allowed = ARENA_ARRAY(a, struct logical, json_len(v));
    f->nallowed = 0;
    f->has_enum = true;
    for (size_t i = 0; i < json_len(v); i++) {
        const struct json *item = json_at(v, i);
        if (json_is(item, JSON_OBJECT) && f->type != EXPECT_OBJECT)
            item = json_get(item, "value");
        if (item == NULL)
            return wrong(err, what, "has an item without 'value'");
        if (!read_value(a, f, item, what, &f->allowed[f->nallowed++], &text, err))
            return false;
    }
    qsort(f->allowed, f->nallowed, sizeof(*f->allowed), by_value);
    return true;
}

static bool read_pattern(struct arena *a, struct expect_field *f, const struct json *v,
                         struct err *err)
{
    struct err why = ERR_INIT;
    struct quoted q;
    if (f->type != EXPECT_STRING)
        return err_set(err, ERR_DATA, "constraint 'pattern' is not for type %s",
                       expect_type_names[f->type]);
    if (!json_is(v, JSON_STRING))
        return wrong(err, "constraint 'pattern'", "is no string");
    f->pattern = arena_strndup(a, v->u.s.p, v->u.s.len);
    if (expect_pattern(a, f, &why))
        return true;
    return err_set(err, why.kind, "constraint 'pattern': '%s': %s", quote_slice(&q, v->u.s),
                   why.text);
}

static bool read_constraint(struct arena *a, struct expect_field *f, struct slice name,
                            const struct json *v, struct err *err)
{
    struct quoted q;
    if (slice_is(name, "required") || slice_is(name, "unique")) {
        bool *to = slice_is(name, "required") ? &f->required : &f->unique;
        *to = json_is(v, JSON_TRUE);
        return *to || json_is(v, JSON_FALSE) ||
               err_set(err, ERR_DATA, "constraint '%s' is neither true nor false",
                       quote_slice(&q, name));
    }
    if (slice_is(name, "minLength"))
        return read_length(f, "minLength", v, &f->min_length, err);
    if (slice_is(name, "maxLength"))
        return read_length(f, "maxLength", v, &f->max_length, err);
    if (slice_is(name, "minimum"))
        return read_bound(a, f, "minimum", v, &f->minimum, err);
    if (slice_is(name, "maximum"))
        return read_bound(a, f, "maximum", v, &f->maximum, err);
    if (slice_is(name, "exclusiveMinimum"))
        return read_bound(a, f, "exclusiveMinimum", v, &f->above, err);
    if (slice_is(name, "exclusiveMaximum"))
        return read_bound(a, f, "exclusiveMaximum", v, &f->below, err);
    if (slice_is(name, "pattern"))
        return read_pattern(a, f, v, err);
    if (slice_is(name, "enum"))
        return read_enum(a, f, v, "constraint 'enum'", err);
    return err_set(err, ERR_DATA, "constraint '%s' cannot be checked", quote_slice(&q, name));
}

static struct slice true_words[] = {{"true", 4}, {"True", 4}, {"TRUE", 4}, {"1", 1}};
static struct slice false_words[] = {{"false", 5}, {"False", 5}, {"FALSE", 5}, {"0", 1}};
static struct slice missing_words[] = {{"", 0}};
static const struct expect_list default_true = {true_words, ARRAY_LEN(true_words)};
static const struct expect_list default_false = {false_words, ARRAY_LEN(false_words)};
static const struct expect_list default_missing = {missing_words, ARRAY_LEN(missing_words)};

static bool read_spellings(struct arena *a, const struct json *v, struct expect_field *f,
                           struct err *err)
{
    const struct json *yes = json_get(v, "trueValues"), *no = json_get(v, "falseValues");
    const struct json *missing = json_get(v, "missingValues");
    f->own_missing = missing != NULL;
    return read_text(v, "decimalChar", &f->decimal, err) &&
           read_text(v, "groupChar", &f->group, err) && read_bool(v, "bareNumber", &f->bare, err) &&
           (yes == NULL || read_list(a, yes, "trueValues", &f->true_values, err)) &&
           (no == NULL || read_list(a, no, "falseValues", &f->false_values, err)) &&
           (missing == NULL || read_list(a, missing, "missingValues", &f->missing, err));
}

static bool read_field(struct expect *e, const struct json *v, struct expect_field *f,
                       struct err *err)
{
    *f = (struct expect_field){.decimal = SLICE_LIT("."),
                               .bare = true,
                               .true_values = default_true,
                               .false_values = default_false,
                               .missing = e->missing,
                               .min_length = -1,
                               .max_length = -1};
    f->name = json_str(v, "name", NULL);
    if (f->name == NULL)
        return err_set(err, ERR_DATA, "has no name");
    if (!read_type(v, f, err) || !read_format(&e->mem, v, f, err) ||
        !read_spellings(&e->mem, v, f, err))
        return false;
    const struct json *categories = json_get(v, "categories");
    if (categories != NULL && !read_enum(&e->mem, f, categories, "categories", err))
        return false;
    const struct json *c = json_get(v, "constraints");
    if (c != NULL && !json_is(c, JSON_OBJECT))
        return wrong(err, "constraints", "is no object");
    for (size_t i = 0; i < json_len(c); i++)
        if (!read_constraint(&e->mem, f, c->u.members[i].name, c->u.members[i].value, err))
            return false;
    return true;
}

/* -- the table -- */

static bool read_key(struct expect *e, const struct json *v, const char *what, bool primary,
                     struct err *err)
{
    struct arena *a = &e->mem;
    struct expect_key key = {.primary = primary, .name = ""};
    struct quoted q;
    bool single = json_is(v, JSON_STRING); /* version 1 */
    size_t n = single ? 1 : json_len(v);
    if ((!single && !json_is(v, JSON_ARRAY)) || n == 0)
        return wrong(err, what, "is no array of names");
    key.fields = ARENA_ARRAY(a, uint32_t, n);
    for (size_t i = 0; i < n; i++) {
        const struct json *name = single ? v : json_at(v, i);
        uint32_t at = 0;
        if (!json_is(name, JSON_STRING))
            return wrong(err, what, "is no array of names");
        while (at < e->nfields && !slice_is(name->u.s, e->fields[at].name))
            at++;
        if (at == e->nfields)
            return err_set(err, ERR_DATA, "%s: there is no field '%s'", what,
                           quote_slice(&q, name->u.s));
        key.fields[key.n++] = at;
        key.name = arena_printf(a, "%s%s%s", key.name, i > 0 ? "," : "", e->fields[at].name);
        e->fields[at].in_key = true;
        e->fields[at].required |= primary;
    }
    *ARENA_PUSH(a, e->keys, e->nkeys) = key;
    return true;
}

static bool read_keys(struct expect *e, const struct json *v, struct err *err)
{
    const struct json *primary = json_get(v, "primaryKey"), *keys = json_get(v, "uniqueKeys");
    bool empty = json_is(primary, JSON_ARRAY) && json_len(primary) == 0;
    if (primary != NULL && !empty && !read_key(e, primary, "primaryKey", true, err))
        return false;
    if (keys != NULL && !json_is(keys, JSON_ARRAY))
        return wrong(err, "uniqueKeys", "is no array");
    for (size_t i = 0; i < json_len(keys); i++)
        if (!read_key(e, json_at(keys, i), "uniqueKeys", false, err))
            return false;
    return true;
}

static bool read_match(const struct json *v, enum expect_match *out, struct err *err)
{
    static const char *const names[] = {"exact", "equal", "subset", "superset", "partial"};
    const struct json *m = json_get(v, "fieldsMatch");
    if (json_is(m, JSON_ARRAY) && json_len(m) == 1) /* as version 2.0 had it at first */
        m = json_at(m, 0);
    for (size_t i = 0; m != NULL && i < ARRAY_LEN(names); i++)
        if (json_is(m, JSON_STRING) && slice_is(m->u.s, names[i])) {
            *out = (enum expect_match)i;
            return true;
        }
    return m == NULL ||
           wrong(err, "fieldsMatch", "is none of exact, equal, subset, superset, partial");
}

/* Spellings that the reader may know: an empty field must be null there as here. */
static void find_nulls(struct expect *e)
{
    bool empty = false;
    size_t n = 0;
    for (uint32_t i = 0; i < e->nfields; i++)
        if (e->fields[i].own_missing)
            return;
    for (uint32_t i = 0; i < e->missing.n; i++)
        empty = empty || e->missing.items[i].len == 0;
    if (!empty || e->missing.n < 2)
        return;
    const char **list = ARENA_ARRAY(&e->mem, const char *, e->missing.n + 1);
    for (uint32_t i = 0; i < e->missing.n; i++)
        if (e->missing.items[i].len > 0)
            list[n++] = arena_strndup(&e->mem, e->missing.items[i].p, e->missing.items[i].len);
    e->nulls = list;
}

static bool read_schema(struct expect *e, const struct json *v, struct err *err)
{
    const struct json *fields = json_get(v, "fields"), *missing = json_get(v, "missingValues");
    struct quoted q;
    if (!json_is(fields, JSON_ARRAY))
        return err_set(err, ERR_DATA, "no Table Schema: an object with 'fields' is one%s",
                       json_get(v, "resources") ? " (this is a data package: take the 'schema' of "
                                                  "one of its resources)"
                                                : "");
    e->missing = default_missing;
    if (missing != NULL && !read_list(&e->mem, missing, "missingValues", &e->missing, err))
        return false;
    e->fields = ARENA_ARRAY(&e->mem, struct expect_field, json_len(fields));
    for (size_t i = 0; i < json_len(fields); i++) {
        const struct json *f = json_at(fields, i);
        e->nfields++;
        if (!read_field(e, f, &e->fields[i], err))
            return err_prefix(err, "fields[%zu] '%s': ", i, quote_str(&q, json_str(f, "name", "")));
    }
    e->foreign = json_len(json_get(v, "foreignKeys")) > 0;
    find_nulls(e);
    return read_match(v, &e->match, err) && read_keys(e, v, err);
}

/* Takes the text. */
static struct expect *parse(struct buf *text, struct err *err)
{
    struct expect *e = xcalloc(1, sizeof(*e));
    struct json *v;
    arena_init(&e->mem, NULL);
    e->text = *text;
    if (json_parse(&e->mem, buf_slice(&e->text), 0, &v, err) && read_schema(e, v, err))
        return e;
    expect_free(e);
    return NULL;
}

struct expect *expect_parse(struct slice text, struct err *err)
{
    struct buf copy = BUF_INIT(BUF_UNBOUNDED);
    buf_add_slice(&copy, text);
    return parse(&copy, err);
}

struct expect *expect_read(const char *path, struct err *err)
{
    struct buf text = BUF_INIT(SCHEMA_MAX);
    if (!file_read_all(path, SCHEMA_MAX, &text, err)) {
        buf_release(&text);
        return NULL;
    }
    struct expect *e = parse(&text, err);
    if (e == NULL)
        err_prefix(err, "%s: ", path);
    return e;
}

void expect_free(struct expect *e)
{
    if (e == NULL)
        return;
    for (uint32_t i = 0; i < e->nfields; i++)
        jq_program_free(e->fields[i].program);
    buf_release(&e->text);
    arena_release(&e->mem);
    free(e);
}

const char *const *expect_nulls(const struct expect *e)
{
    return e->nulls;
}

const char *expect_note(const struct expect *e)
{
    return e->foreign ? "foreignKeys need other tables and are not checked" : NULL;
}
