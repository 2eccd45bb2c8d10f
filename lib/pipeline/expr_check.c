/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What can be said of an expression from its tree and the input's columns, whichever engine runs
 * it: which columns it reads, names that do not exist, comparisons that make no sense, the type of
 * what libjq will give. Not the types of the vector engine: that is expr_lower.c.
 */
#include <stdio.h>

#include "base/nearest.h"
#include "pipeline/expr_int.h"

struct check {
    const char *source;
    const struct schema *in;
    struct reads *reads;
    struct err *err;
};

bool expr_err_at(struct err *err, const char *source, uint32_t at, const char *fmt, ...)
{
    char text[900];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    unsigned n = 1;
    for (uint32_t i = 0; i < at; i++)
        n += ((unsigned char)source[i] & 0xC0) != 0x80;
    return err_set(err, ERR_DATA, "character %u: %s", n, text);
}

static bool unknown_column(struct check *c, const struct ast *t)
{
    struct quoted q, near;
    struct nearest nearest;
    nearest_init(&nearest, t->text);
    for (uint32_t i = 0; i < c->in->n; i++)
        nearest_try(&nearest, c->in->fields[i].name);
    if (nearest.best)
        return expr_err_at(c->err, c->source, t->at, "unknown column '%s': did you mean '%s'?",
                           quote_slice(&q, t->text), quote_str(&near, nearest.best));
    char list[300] = "";
    size_t len = 0;
    for (uint32_t i = 0; i < c->in->n && len < 150; i++) {
        int n = snprintf(list + len, sizeof(list) - len, "%s%.60s", i ? ", " : "",
                         quote_str(&near, c->in->fields[i].name));
        len += n > 0 ? (size_t)n : 0;
        if (len >= 150 && i + 1 < c->in->n)
            snprintf(list + len, sizeof(list) - len, ", …");
    }
    return expr_err_at(c->err, c->source, t->at, "unknown column '%s': the input has %s",
                       quote_slice(&q, t->text), c->in->n ? list : "no columns");
}

/* A field of the record itself. */
static bool is_column(const struct ast *t)
{
    return t->kind == AST_FIELD && t->kid[0]->kind == AST_DOT;
}

static const char *literal_type(const struct ast *t)
{
    switch (t->kind) {
    case AST_NUMBER:
        return "number";
    case AST_STRING:
        return "string";
    case AST_TRUE:
    case AST_FALSE:
        return "boolean";
    case AST_NEGATE:
        return t->kid[0]->kind == AST_NUMBER ? "number" : NULL;
    default:
        return NULL;
    }
}

static bool check_compare(struct check *c, const struct ast *t, const struct ast *col,
                          const struct ast *lit)
{
    const char *have = literal_type(lit), *want;
    if (!have || !is_column(col))
        return true;
    int i = schema_find(c->in, col->text);
    if (i < 0)
        return true; /* reported by the walk */
    enum type type = c->in->fields[i].type;
    if (type == TYPE_JSON || type == TYPE_NONE)
        return true;
    want = type_is_number(type) ? "number" : type == TYPE_BOOLEAN ? "boolean" : "string";
    if (strcmp(have, want) == 0)
        return true;
    struct quoted q;
    const char *remedy = strcmp(want, "number") == 0    ? "compare it with a number"
                         : strcmp(want, "boolean") == 0 ? "compare it with true or false"
                         : type == TYPE_STRING          ? "compare it with a string"
                                                        : "compare it with its text, in quotes";
    return expr_err_at(c->err, c->source, t->at,
                       "column '%s' (%s) is compared with a %s, which it never equals: %s",
                       quote_slice(&q, col->text), type_name(type), have, remedy);
}

/* Calls that look at their arguments alone, each with the record as its `.`. */
static bool ignores_input(const struct ast *t)
{
    static const char *const names[] = {"empty", "nan",  "infinite", "range", "pow",
                                        "atan2", "fmod", "limit",    "first", "last"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (slice_is(t->text, names[i]))
            return t->n > 0 || i < 3;
    }
    return t->n > 0 && slice_is(t->text, "error");
}

/* `record`: `.` is the whole record here. */
static bool walk(struct check *c, const struct ast *t, bool record)
{
    bool args = record;
    switch (t->kind) {
    case AST_DOT:
        c->reads->all |= record;
        return true;
    case AST_FIELD:
        if (!record || t->kid[0]->kind != AST_DOT)
            break;
        int i = schema_find(c->in, t->text);
        if (i < 0)
            return unknown_column(c, t);
        c->reads->used[i] = true;
        return true;
    case AST_PIPE:
        return walk(c, t->kid[0], record && t->kid[0]->kind != AST_DOT) &&
               walk(c, t->kid[1], record && t->kid[0]->kind == AST_DOT);
    case AST_CALL:
        if (record && !ignores_input(t)) {
            c->reads->all = true;
            args = slice_is(t->text, "select");
        }
        break;
    case AST_INTERP:
        break;
    case AST_BINARY:
        if (record && t->op >= OP_EQ &&
            (!check_compare(c, t, t->kid[0], t->kid[1]) ||
             !check_compare(c, t, t->kid[1], t->kid[0])))
            return false;
        break;
    default:
        break;
    }
    for (uint32_t k = 0; k < t->n; k++) {
        if (t->kid[k] && !walk(c, t->kid[k], args))
            return false;
    }
    return true;
}

bool expr_check(const char *source, const struct ast *t, const struct schema *in,
                struct reads *reads, struct err *err)
{
    struct check c = {source, in, reads, err};
    return walk(&c, t, true);
}

static enum type call_type(struct slice name)
{
    static const struct {
        const char *name;
        enum type type;
    } calls[] = {
        {"tostring", TYPE_STRING},
        {"ascii_downcase", TYPE_STRING},
        {"ascii_upcase", TYPE_STRING},
        {"gsub", TYPE_STRING},
        {"sub", TYPE_STRING},
        {"join", TYPE_STRING},
        {"implode", TYPE_STRING},
        {"todate", TYPE_STRING},
        {"todateiso8601", TYPE_STRING},
        {"strftime", TYPE_STRING},
        {"date", TYPE_STRING},
        {"tojson", TYPE_STRING},
        {"type", TYPE_STRING},
        {"length", TYPE_FLOAT},
        {"utf8bytelength", TYPE_FLOAT},
        {"tonumber", TYPE_FLOAT},
        {"floor", TYPE_FLOAT},
        {"ceil", TYPE_FLOAT},
        {"round", TYPE_FLOAT},
        {"sqrt", TYPE_FLOAT},
        {"fabs", TYPE_FLOAT},
        {"mktime", TYPE_FLOAT},
        {"fromdate", TYPE_FLOAT},
        {"fromdateiso8601", TYPE_FLOAT},
        {"pow", TYPE_FLOAT},
        {"not", TYPE_BOOLEAN},
        {"test", TYPE_BOOLEAN},
        {"startswith", TYPE_BOOLEAN},
        {"endswith", TYPE_BOOLEAN},
        {"contains", TYPE_BOOLEAN},
        {"inside", TYPE_BOOLEAN},
        {"has", TYPE_BOOLEAN},
        {"in", TYPE_BOOLEAN},
        {"any", TYPE_BOOLEAN},
        {"all", TYPE_BOOLEAN},
        {"isnan", TYPE_BOOLEAN},
        {"isinfinite", TYPE_BOOLEAN},
        {"isnormal", TYPE_BOOLEAN},
        {"IN", TYPE_BOOLEAN},
    };
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        if (slice_is(name, calls[i].name))
            return calls[i].type;
    }
    return TYPE_JSON;
}

static enum type binary_type(const struct ast *t)
{
    if (t->op >= OP_EQ)
        return TYPE_BOOLEAN;
    enum type a = expr_jq_type(t->kid[0]), b = expr_jq_type(t->kid[1]);
    switch (t->op) {
    case OP_MOD:
        return TYPE_FLOAT;
    case OP_ADD:
    case OP_MUL:
        return a == b && (a == TYPE_FLOAT || (a == TYPE_STRING && t->op == OP_ADD)) ? a : TYPE_JSON;
    default: /* with a number only a number goes */
        return a == TYPE_FLOAT || b == TYPE_FLOAT ? TYPE_FLOAT : TYPE_JSON;
    }
}

enum type expr_jq_type(const struct ast *t)
{
    enum type a, b;
    switch (t->kind) {
    case AST_STRING:
    case AST_INTERP:
        return TYPE_STRING;
    case AST_NUMBER:
    case AST_NEGATE:
        return TYPE_FLOAT;
    case AST_TRUE:
    case AST_FALSE:
    case AST_AND:
    case AST_OR:
        return TYPE_BOOLEAN;
    case AST_BINARY:
        return binary_type(t);
    case AST_CALL:
        return call_type(t->text);
    case AST_PIPE:
    case AST_AS:
        return expr_jq_type(t->kid[1]);
    case AST_TRY:
        return expr_jq_type(t->kid[0]);
    case AST_ALT:
    case AST_COMMA:
        a = expr_jq_type(t->kid[0]);
        b = expr_jq_type(t->kid[1]);
        return a == b ? a : TYPE_JSON;
    case AST_IF:
        a = expr_jq_type(t->kid[1]);
        b = expr_jq_type(t->kid[2]);
        return a == b ? a : TYPE_JSON;
    default:
        return TYPE_JSON;
    }
}
