/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What each operation's fields are: one stage's JSON object to a struct stage. One table says which
 * fields an operation has; a field that is not there is an error with the nearest name. */
#include "pipeline/parse.h"

#include <math.h>
#include <strings.h>

#include "base/instant.h"
#include "base/nearest.h"
#include "base/num.h"
#include "os/os.h"

static const char *const op_names[OP_COUNT] = {"read",   "write", "filter",    "derive", "select",
                                               "rename", "join",  "aggregate", "sort",   "distinct",
                                               "union",  "limit", "command",   "sql"};

#define RETRIES_MAX 1000 /* with pauses of half a minute, a night */

static const char common_fields[] = "id op after resources timeout_s retries env description";
static const char *const op_fields[OP_COUNT] = {
    "path paths format types header delimiter quote escape encoding nulls",
    "input path format compress",
    "input where",
    "input set",
    "input columns",
    "input names",
    "inputs on type",
    "input by measures",
    "input by",
    "input by",
    "inputs",
    "input count",
    "input run format reads writes shadow_safe commutes_with",
    "inputs connection statement reads writes shadow_safe",
};

const char *op_name(enum op op)
{
    return op_names[op];
}

bool stage_error(const struct pipeline *p, const struct stage *s, struct err *err, const char *fmt,
                 ...)
{
    char text[sizeof(((struct err *)0)->text)];
    struct quoted q;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    err_set(err, ERR_DATA, "%s", text);
    if (s->id)
        err_prefix(err, "stage '%s': ", quote_str(&q, s->id));
    if (s->line)
        return err_prefix(err, "%s:%u: ", p->path, s->line);
    return err_prefix(err, "%s: ", p->path ? p->path : p->name ? p->name : "plan");
}

void pipeline_warn(struct pipeline *p, const struct stage *s, const char *fmt, ...)
{
    char text[1000];
    struct quoted q;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    const char *where = p->path ? p->path : "plan";
    text_list_add(
        &p->mem, &p->warnings,
        s->line ? arena_printf(&p->mem, "%s:%u: stage '%s': %s", where, s->line,
                               quote_str(&q, s->id), text)
                : arena_printf(&p->mem, "%s: stage '%s': %s", where, quote_str(&q, s->id), text));
}

void text_list_add(struct arena *a, struct text_list *l, const char *item)
{
    const char **grown = ARENA_ARRAY(a, const char *, (size_t)l->n + 2);
    if (l->n)
        memcpy(grown, l->items, l->n * sizeof(*grown));
    grown[l->n++] = item;
    l->items = grown;
}

bool path_is_url(const char *path)
{
    const char *colon = strstr(path, "://");
    if (!colon || colon == path)
        return strncmp(path, "sqlite:", 7) == 0;
    for (const char *c = path; c < colon; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == '+' || *c == '-'))
            return false;
    return true;
}

const char *pipeline_path(struct pipeline *p, const char *path)
{
    if (strcmp(path, "-") == 0 || path_is_url(path))
        return path;
    char *absolute = path_absolute(path, p->base);
    const char *kept = arena_strdup(&p->mem, absolute);
    free(absolute);
    return kept;
}

/* -- typed fields of a stage's object -- */

struct fields {
    struct pipeline *p;
    struct stage *s;
    const struct json *v;
    struct err *err;
};

static bool wrong(struct fields *f, const char *field, const char *want)
{
    return stage_error(f->p, f->s, f->err, "'%s' must be %s", field, want);
}

static bool get_string(struct fields *f, const char *field, bool required, const char **out)
{
    const struct json *v = json_get(f->v, field);
    if (!v || v->type == JSON_NULL)
        return required ? stage_error(f->p, f->s, f->err, "'%s' is missing: a %s needs it", field,
                                      op_name(f->s->op))
                        : true;
    if (v->type != JSON_STRING || strlen(v->u.s.p) != v->u.s.len)
        return wrong(f, field, "a string");
    if (required && v->u.s.len == 0)
        return wrong(f, field, "more than an empty string");
    *out = v->u.s.p;
    return true;
}

/* A list of strings; one string counts as a list of one. */
static bool get_list(struct fields *f, const char *field, bool required, struct text_list *out)
{
    const struct json *v = json_get(f->v, field);
    if (!v || v->type == JSON_NULL)
        return required ? stage_error(f->p, f->s, f->err, "'%s' is missing: a %s needs it", field,
                                      op_name(f->s->op))
                        : true;
    uint32_t n = v->type == JSON_ARRAY ? v->len : 1;
    const char **items = ARENA_ARRAY(&f->p->mem, const char *, (size_t)n + 1);
    for (uint32_t i = 0; i < n; i++) {
        const struct json *item = v->type == JSON_ARRAY ? v->u.items[i] : v;
        if (item->type != JSON_STRING || strlen(item->u.s.p) != item->u.s.len)
            return wrong(f, field, "a list of strings");
        items[i] = item->u.s.p;
    }
    if (required && n == 0)
        return wrong(f, field, "a list of at least one");
    *out = (struct text_list){items, n};
    return true;
}

static bool get_number(struct fields *f, const struct json *obj, const char *field, double *out)
{
    const struct json *v = json_get(obj, field);
    if (!v || v->type == JSON_NULL)
        return true;
    double d = json_num(obj, field, NAN);
    /* A parameter arrives as text. */
    if (v->type == JSON_STRING && !num_parse_float(v->u.s, &d))
        d = NAN;
    if (!(d >= 0))
        return wrong(f, field, "a number that is not negative");
    *out = d;
    return true;
}

static bool get_bool(struct fields *f, const char *field, bool *out)
{
    const struct json *v = json_get(f->v, field);
    if (!v || v->type == JSON_NULL)
        return true;
    if (v->type != JSON_TRUE && v->type != JSON_FALSE)
        return wrong(f, field, "true or false");
    *out = v->type == JSON_TRUE;
    return true;
}

/* A string member map {name: string}. */
static const struct json *get_object(struct fields *f, const char *field, bool required, bool *ok)
{
    const struct json *v = json_get(f->v, field);
    *ok = true;
    if (!v || v->type == JSON_NULL) {
        *ok = !required || stage_error(f->p, f->s, f->err, "'%s' is missing: a %s needs it", field,
                                       op_name(f->s->op));
        return NULL;
    }
    if (v->type != JSON_OBJECT || (required && v->len == 0)) {
        *ok = wrong(f, field, "an object with at least one member");
        return NULL;
    }
    return v;
}

static bool word_in(const char *list, struct slice word)
{
    for (const char *p = list; *p;) {
        size_t n = strcspn(p, " ");
        if (slice_eq(slice_of(p, n), word))
            return true;
        p += n + (p[n] == ' ');
    }
    return false;
}

static bool known_fields(struct fields *f)
{
    for (uint32_t i = 0; i < f->v->len; i++) {
        struct slice name = f->v->u.members[i].name;
        if (word_in(common_fields, name) || word_in(op_fields[f->s->op], name) ||
            slice_starts(name, "x_"))
            continue;
        struct nearest near;
        struct quoted q;
        char *all = xasprintf("%s %s", op_fields[f->s->op], common_fields);
        nearest_init(&near, name);
        char *rest = all;
        for (char *word; rest && *rest; rest = word) {
            word = strchr(rest, ' ');
            if (word)
                *word++ = '\0';
            nearest_try(&near, rest);
        }
        stage_error(f->p, f->s, f->err, "a %s has no field '%s'%s%s%s", op_name(f->s->op),
                    quote_slice(&q, name), near.best ? "; did you mean '" : "; it has: ",
                    near.best ? near.best : op_fields[f->s->op], near.best ? "'?" : "");
        free(all);
        return false;
    }
    return true;
}

/* -- the operations -- */

static bool get_char(struct fields *f, const char *field, int *out)
{
    const char *s = NULL;
    if (!get_string(f, field, false, &s))
        return false;
    if (!s)
        return true;
    if (strcmp(s, "\\t") == 0 || strcmp(s, "tab") == 0)
        *out = '\t';
    else if (strcmp(s, "none") == 0)
        *out = -1;
    else if (strlen(s) == 1 && *s != '\n' && *s != '\r')
        *out = (unsigned char)*s;
    else
        return wrong(f, field, "one character");
    return true;
}

static bool get_format(struct fields *f, enum format *out)
{
    const char *s = NULL;
    if (!get_string(f, "format", false, &s))
        return false;
    if (s && !format_parse(s, out))
        return wrong(f, "format", "csv, tsv or jsonl");
    return true;
}

static bool parse_types(struct fields *f)
{
    bool ok;
    const struct json *types = get_object(f, "types", false, &ok);
    if (!ok || !types)
        return ok;
    struct type_pin *pins = ARENA_ARRAY(&f->p->mem, struct type_pin, types->len);
    for (uint32_t i = 0; i < types->len; i++) {
        const struct json *t = types->u.members[i].value;
        struct quoted q, q2;
        pins[i].column = types->u.members[i].name.p;
        if (t->type != JSON_STRING || !type_parse(t->u.s.p, &pins[i].type))
            return stage_error(
                f->p, f->s, f->err,
                "unknown type '%s' of column '%s': use integer, float, boolean, date, "
                "timestamp, string or json",
                t->type == JSON_STRING ? quote_slice(&q, t->u.s) : json_type_name(t->type),
                quote_slice(&q2, types->u.members[i].name));
    }
    f->s->u.read.opts.pins = pins;
    f->s->u.read.opts.npins = types->len;
    return true;
}

static bool parse_encoding(const char *name, bool *latin1)
{
    static const char *const names[] = {"utf-8", "utf8", "latin-1", "latin1", "iso-8859-1"};
    size_t i = 0;
    while (i < ARRAY_LEN(names) && strcasecmp(name, names[i]) != 0)
        i++;
    *latin1 = i >= 2;
    return i < ARRAY_LEN(names);
}

static bool parse_read(struct fields *f)
{
    struct stage *s = f->s;
    struct text_list one = {0}, many = {0}, nulls = {0};
    const char *encoding = NULL;
    bool header = true;
    if (!get_list(f, "path", false, &one) || !get_list(f, "paths", false, &many))
        return false;
    if (!one.n == !many.n)
        return stage_error(f->p, s, f->err, "a read needs either 'path' or 'paths'");
    const struct text_list *given = one.n ? &one : &many;
    for (uint32_t i = 0; i < given->n; i++) {
        if (!*given->items[i])
            return wrong(f, one.n ? "path" : "paths", "more than an empty string");
        text_list_add(&f->p->mem, &s->u.read.paths, pipeline_path(f->p, given->items[i]));
    }
    struct reader_opts *o = &s->u.read.opts;
    if (!get_format(f, &o->format) || !parse_types(f) || !get_bool(f, "header", &header) ||
        !get_char(f, "delimiter", &o->delimiter) || !get_char(f, "quote", &o->quote) ||
        !get_char(f, "escape", &o->escape) || !get_string(f, "encoding", false, &encoding) ||
        !get_list(f, "nulls", false, &nulls))
        return false;
    o->header = header ? 1 : -1;
    o->nulls = nulls.items;
    if (encoding && !parse_encoding(encoding, &o->latin1))
        return wrong(f, "encoding", "utf-8 or latin-1 (convert others with iconv first)");
    return true;
}

/* An ending that promises another format or compression than a write can give, or NULL. */
static const char *foreign_ending(const char *path)
{
    static const char *const endings[] = {".parquet", ".arrow", ".feather", ".avro", ".orc",
                                          ".xlsx",    ".xls",   ".ods",     ".db",   ".sqlite",
                                          ".bz2",     ".xz",    ".lz4",     ".zip"};
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < ARRAY_LEN(endings); i++) {
        if (strcasecmp(dot, endings[i]) == 0)
            return endings[i];
    }
    return NULL;
}

static bool parse_write(struct fields *f)
{
    struct stage *s = f->s;
    const char *path = NULL;
    if (!get_string(f, "path", true, &path) || !get_format(f, &s->u.write.format) ||
        !get_string(f, "compress", false, &s->u.write.compress))
        return false;
    if (path_is_url(path))
        return stage_error(f->p, s, f->err, "a write goes to a file; load '%s' with a command",
                           path);
    s->u.write.path = pipeline_path(f->p, path);
    const char *foreign = s->u.write.format == FORMAT_AUTO ? foreign_ending(path) : NULL;
    if (foreign)
        return stage_error(f->p, s, f->err,
                           "a write gives csv, tsv or jsonl, also with .gz or .zst, but no '%s': "
                           "say which with 'format', and convert the file with a command",
                           foreign);
    size_t n = strlen(path);
    const char *c = s->u.write.compress;
    if (!c && n > 3 && strcmp(path + n - 3, ".gz") == 0)
        s->u.write.compress = "gzip";
    else if (!c && n > 4 && strcmp(path + n - 4, ".zst") == 0)
        s->u.write.compress = "zstd";
    else if (c && strcmp(c, "none") == 0)
        s->u.write.compress = NULL;
    else if (c && strcmp(c, "gzip") != 0 && strcmp(c, "zstd") != 0)
        return wrong(f, "compress", "gzip, zstd or none");
    if (s->u.write.format == FORMAT_AUTO)
        s->u.write.format = format_of_path(path);
    if (s->u.write.format == FORMAT_AUTO)
        s->u.write.format = FORMAT_CSV;
    return true;
}

static bool parse_derive(struct fields *f)
{
    bool ok;
    const struct json *set = get_object(f, "set", true, &ok);
    if (!ok)
        return false;
    f->s->u.derive.n = set->len;
    f->s->u.derive.set = ARENA_ARRAY(&f->p->mem, struct named_expr, set->len);
    for (uint32_t i = 0; i < set->len; i++) {
        const struct json_member *m = &set->u.members[i];
        if (m->value->type != JSON_STRING)
            return wrong(f, "set", "an object {column: expression in a string}");
        f->s->u.derive.set[i].name = m->name.p;
        f->s->u.derive.set[i].source = m->value->u.s.p;
    }
    return true;
}

static bool parse_join(struct fields *f)
{
    struct stage *s = f->s;
    const struct json *on = json_get(f->v, "on");
    const char *type = "inner";
    static const char *const types[] = {"inner", "left", "semi", "anti"};
    if (!get_string(f, "type", false, &type))
        return false;
    size_t t = 0;
    while (t < ARRAY_LEN(types) && strcmp(type, types[t]) != 0)
        t++;
    if (t == ARRAY_LEN(types))
        return wrong(f, "type", "inner, left, semi or anti");
    s->u.join.type = (enum join_type)t;
    if (json_len(on) == 0)
        return wrong(f, "on", "a list of columns, or an object {left column: right column}");
    s->u.join.n = on->len;
    s->u.join.on = ARENA_ARRAY(&f->p->mem, struct join_key, on->len);
    for (uint32_t i = 0; i < on->len; i++) {
        bool list = on->type == JSON_ARRAY;
        const struct json *right = list ? on->u.items[i] : on->u.members[i].value;
        if (right->type != JSON_STRING)
            return wrong(f, "on", "made of strings");
        s->u.join.on[i].right = right->u.s.p;
        s->u.join.on[i].left = list ? right->u.s.p : on->u.members[i].name.p;
    }
    return true;
}

/* "sum(.a + 1)", "quantile(.a; 0.9)", "count". */
static bool parse_measure(struct fields *f, struct named_expr *m, struct slice text)
{
    static const char *const kinds[] = {"count",    "sum",    "min",      "max",
                                        "mean",     "stddev", "distinct", "approx_distinct",
                                        "quantile", "first",  "last"};
    struct quoted q;
    text = slice_trim(text);
    const char *open = text.len ? memchr(text.p, '(', text.len) : NULL;
    struct slice kind = slice_trim(slice_of(text.p, open ? (size_t)(open - text.p) : text.len));
    size_t k = 0;
    while (k < ARRAY_LEN(kinds) && !slice_is(kind, kinds[k]))
        k++;
    if (k == ARRAY_LEN(kinds)) {
        struct nearest near;
        nearest_init(&near, kind);
        for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
            nearest_try(&near, kinds[i]);
        return stage_error(f->p, f->s, f->err, "unknown measure '%s'%s%s%s", quote_slice(&q, text),
                           near.best ? "; did you mean '"
                                     : ": use count, sum(EXPR), min, max, mean, stddev, "
                                       "distinct, approx_distinct, quantile(EXPR; Q), "
                                       "first or last",
                           near.best ? near.best : "", near.best ? "'?" : "");
    }
    m->measure = (enum measure_kind)k;
    if (m->measure == MEASURE_COUNT) {
        if (open && slice_trim(slice_of(open + 1, text.len - (size_t)(open + 1 - text.p))).len > 1)
            return stage_error(f->p, f->s, f->err, "count takes no expression: it counts records");
        return true;
    }
    if (!open || text.p[text.len - 1] != ')')
        return stage_error(f->p, f->s, f->err, "measure '%s' must be written %s(EXPRESSION)",
                           quote_slice(&q, text), kinds[k]);
    struct slice inside = slice_of(open + 1, text.len - (size_t)(open + 1 - text.p) - 1);
    if (m->measure == MEASURE_QUANTILE) {
        size_t semi = inside.len;
        while (semi && inside.p[semi - 1] != ';')
            semi--;
        struct slice arg = slice_trim(slice_of(inside.p + semi, inside.len - semi));
        if (!semi || !num_parse_float(arg, &m->q) || m->q < 0 || m->q > 1)
            return stage_error(
                f->p, f->s, f->err,
                "measure '%s' must be written quantile(EXPRESSION; Q) with Q from 0 to 1",
                quote_slice(&q, text));
        inside.len = semi - 1;
    }
    inside = slice_trim(inside);
    if (!inside.len)
        return stage_error(f->p, f->s, f->err, "measure '%s' has no expression",
                           quote_slice(&q, text));
    m->source = arena_strndup(&f->p->mem, inside.p, inside.len);
    return true;
}

static bool parse_aggregate(struct fields *f)
{
    struct stage *s = f->s;
    bool ok;
    if (!get_list(f, "by", false, &s->u.aggregate.by))
        return false;
    const struct json *measures = get_object(f, "measures", s->u.aggregate.by.n == 0, &ok);
    if (!ok)
        return false;
    s->u.aggregate.n = (uint32_t)json_len(measures);
    s->u.aggregate.measures = ARENA_ARRAY(&f->p->mem, struct named_expr, s->u.aggregate.n);
    for (uint32_t i = 0; i < s->u.aggregate.n; i++) {
        const struct json_member *m = &measures->u.members[i];
        if (m->value->type != JSON_STRING)
            return wrong(f, "measures", "an object {name: measure in a string}");
        s->u.aggregate.measures[i].name = m->name.p;
        if (!parse_measure(f, &s->u.aggregate.measures[i], m->value->u.s))
            return false;
    }
    return true;
}

static bool parse_sort(struct fields *f)
{
    struct text_list by = {0};
    if (!get_list(f, "by", true, &by))
        return false;
    f->s->u.sort.n = by.n;
    f->s->u.sort.by = ARENA_ARRAY(&f->p->mem, struct sort_key, by.n);
    for (uint32_t i = 0; i < by.n; i++) {
        bool minus = by.items[i][0] == '-';
        f->s->u.sort.by[i] = (struct sort_key){.column = by.items[i] + minus, .descending = minus};
    }
    return true;
}

static bool parse_rename(struct fields *f)
{
    bool ok;
    const struct json *names = get_object(f, "names", true, &ok);
    if (!ok)
        return false;
    for (uint32_t i = 0; i < names->len; i++) {
        const struct json_member *m = &names->u.members[i];
        if (m->value->type != JSON_STRING)
            return wrong(f, "names", "an object {old name: new name}");
        text_list_add(&f->p->mem, &f->s->u.rename.from, m->name.p);
        text_list_add(&f->p->mem, &f->s->u.rename.to, m->value->u.s.p);
    }
    return true;
}

static void add_paths(struct fields *f, struct text_list *to, const struct text_list *paths)
{
    for (uint32_t i = 0; i < paths->n; i++)
        text_list_add(&f->p->mem, to, pipeline_path(f->p, paths->items[i]));
}

static bool parse_sql(struct fields *f)
{
    struct stage *s = f->s;
    struct text_list reads = {0}, writes = {0};
    if (!get_string(f, "connection", true, &s->u.sql.connection) ||
        !get_string(f, "statement", true, &s->u.sql.statement) ||
        !get_list(f, "reads", false, &reads) || !get_list(f, "writes", false, &writes) ||
        !get_bool(f, "shadow_safe", &s->u.sql.shadow_safe))
        return false;
    const char *c = s->u.sql.connection;
    if (strncmp(c, "sqlite:", 7) != 0 && strncmp(c, "postgres://", 11) != 0 &&
        strncmp(c, "postgresql://", 13) != 0)
        return wrong(f, "connection", "sqlite:PATH or postgres://HOST:PORT/DATABASE");
    add_paths(f, &s->u.sql.reads, &reads);
    add_paths(f, &s->u.sql.writes, &writes);
    return true;
}

static bool parse_command(struct fields *f)
{
    struct stage *s = f->s;
    struct text_list reads = {0}, writes = {0};
    if (!get_string(f, "run", true, &s->u.command.run) || !get_format(f, &s->u.command.format) ||
        !get_list(f, "reads", false, &reads) || !get_list(f, "writes", false, &writes) ||
        !get_bool(f, "shadow_safe", &s->u.command.shadow_safe) ||
        !get_list(f, "commutes_with", false, &s->u.command.commutes_with))
        return false;
    if (s->u.command.format == FORMAT_AUTO)
        s->u.command.format = FORMAT_CSV;
    add_paths(f, &s->u.command.reads, &reads);
    add_paths(f, &s->u.command.writes, &writes);
    return true;
}

static bool parse_limit(struct fields *f)
{
    const struct json *v = json_get(f->v, "count");
    f->s->u.limit.count = json_int(f->v, "count", -1);
    /* A parameter arrives as text. */
    if (json_is(v, JSON_STRING))
        num_parse_int(v->u.s, &f->s->u.limit.count);
    return f->s->u.limit.count >= 0 || wrong(f, "count", "a whole number, 0 or more");
}

static bool parse_own(struct fields *f)
{
    struct stage *s = f->s;
    switch (s->op) {
    case OP_READ:
        return parse_read(f);
    case OP_WRITE:
        return parse_write(f);
    case OP_FILTER:
        return get_string(f, "where", true, &s->u.filter.where);
    case OP_DERIVE:
        return parse_derive(f);
    case OP_SELECT:
        return get_list(f, "columns", true, &s->u.select.columns);
    case OP_RENAME:
        return parse_rename(f);
    case OP_JOIN:
        return parse_join(f);
    case OP_AGGREGATE:
        return parse_aggregate(f);
    case OP_SORT:
        return parse_sort(f);
    case OP_DISTINCT:
        return get_list(f, "by", false, &s->u.distinct.by);
    case OP_UNION:
        return true;
    case OP_LIMIT:
        return parse_limit(f);
    case OP_COMMAND:
        return parse_command(f);
    case OP_SQL:
        return parse_sql(f);
    }
    return true;
}

static bool parse_resources(struct fields *f, const struct json *r)
{
    static const char *const names[] = {"cpu_cores", "memory_gb", "gpus"};
    double *const figures[] = {&f->s->cpu_cores, &f->s->memory_gb, &f->s->gpus};
    struct quoted q;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (!get_number(f, r, names[i], figures[i]))
            return false;
    }
    for (uint32_t i = 0; i < r->len; i++) {
        struct slice name = r->u.members[i].name;
        if (!slice_is(name, names[0]) && !slice_is(name, names[1]) && !slice_is(name, names[2]))
            return stage_error(
                f->p, f->s, f->err,
                "'resources' has no field '%s': it has cpu_cores, memory_gb and gpus",
                quote_slice(&q, name));
    }
    return true;
}

static bool parse_common(struct fields *f, struct stage_names *names)
{
    struct stage *s = f->s;
    bool ok;
    s->cpu_cores = s->memory_gb = s->gpus = NAN;
    const struct json *r = get_object(f, "resources", false, &ok);
    if (!ok || (r && !parse_resources(f, r)))
        return false;
    double retries = 0;
    if (!get_number(f, f->v, "timeout_s", &s->timeout_s) ||
        !get_number(f, f->v, "retries", &retries) || !get_list(f, "after", false, &names->after))
        return false;
    if (retries > RETRIES_MAX || retries != floor(retries))
        return wrong(f, "retries", "a whole number, at most 1000");
    s->retries = (int64_t)retries;
    const struct json *env = get_object(f, "env", false, &ok);
    for (uint32_t i = 0; env && i < env->len; i++) {
        const struct json_member *m = &env->u.members[i];
        if (m->value->type != JSON_STRING || memchr(m->name.p, '=', m->name.len))
            return wrong(f, "env", "an object {NAME: text}");
        text_list_add(&f->p->mem, &s->env,
                      arena_printf(&f->p->mem, "%s=%s", m->name.p, m->value->u.s.p));
    }
    if (!ok)
        return false;
    bool several = s->op == OP_JOIN || s->op == OP_UNION || s->op == OP_SQL;
    const char *field = several ? "inputs" : "input";
    if (s->op == OP_READ)
        return true;
    names->input_given = json_get(f->v, field) != NULL;
    if (!get_list(f, field, false, &names->inputs))
        return false;
    if (s->op == OP_JOIN && names->inputs.n != 2)
        return wrong(f, "inputs", "the two stages [left, right]");
    if (s->op == OP_UNION && names->inputs.n < 1)
        return wrong(f, "inputs", "a list of stages");
    if (!several && names->inputs.n > 1)
        return wrong(f, "input", "one stage (unite several with a union)");
    return true;
}

static bool parse_op(struct pipeline *p, struct stage *s, const char *name, struct err *err)
{
    struct nearest near;
    struct quoted q;
    nearest_init(&near, slice_str(name));
    for (int i = 0; i < OP_COUNT; i++) {
        if (strcmp(name, op_names[i]) == 0) {
            s->op = (enum op)i;
            return true;
        }
        nearest_try(&near, op_names[i]);
    }
    return stage_error(p, s, err, "unknown operation '%s'%s%s%s", quote_str(&q, name),
                       near.best ? "; did you mean '"
                                 : ": use read, write, filter, derive, select, rename, join, "
                                   "aggregate, sort, distinct, union, limit, command or sql",
                       near.best ? near.best : "", near.best ? "'?" : "");
}

static bool has_secret(const struct json *v)
{
    if (v->type == JSON_STRING)
        return strstr(v->u.s.p, "${env:") != NULL;
    for (uint32_t i = 0; i < json_len(v); i++)
        if (has_secret(v->type == JSON_ARRAY ? v->u.items[i] : v->u.members[i].value))
            return true;
    return false;
}

/* A secret in a path or an expression would end up in records, messages and the history. */
static bool secrets_in_place(struct fields *f)
{
    for (uint32_t i = 0; i < f->v->len; i++) {
        const struct json_member *m = &f->v->u.members[i];
        bool may =
            slice_is(m->name, "run") || slice_is(m->name, "env") || slice_is(m->name, "connection");
        if (!may && has_secret(m->value))
            return stage_error(f->p, f->s, f->err,
                               "a secret such as '${env:…}' may stand in a command's 'run', in "
                               "'env' and in 'connection' only");
    }
    return true;
}

bool stage_parse(struct pipeline *p, struct stage *s, const struct json *v,
                 struct stage_names *names, struct err *err)
{
    struct fields f = {p, s, v, err};
    if (v->type != JSON_OBJECT)
        return stage_error(p, s, err, "a stage must be an object {\"id\": …, \"op\": …}");
    const char *id = json_str(v, "id", NULL), *op = json_str(v, "op", NULL);
    if (!id || !*id)
        return stage_error(p, s, err,
                           "a stage without an 'id': give it a name that is unique in the file");
    s->id = id;
    if (!op)
        return stage_error(p, s, err, "'op' is missing: the operation, such as read or filter");
    return parse_op(p, s, op, err) && known_fields(&f) && secrets_in_place(&f) &&
           parse_common(&f, names) && parse_own(&f);
}
