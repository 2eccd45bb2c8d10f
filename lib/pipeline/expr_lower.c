/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From the tree to a typed program over columns. Every node gets one static type; where jq's rules
 * do not give one (json columns, arrays, branches of two types), libjq must run the expression.
 * Operations that can never succeed on the types at hand are errors here, before anything runs.
 */
#include <math.h>

#include "pipeline/expr_int.h"
#include "pipeline/expr_lower.h"

const char *vt_name(enum vt t)
{
    static const char *const names[] = {"null", "boolean", "number", "string"};
    return names[t];
}

void lower_warn(struct lower *l, const char *fmt, ...)
{
    char text[400];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    struct expr *e = l->e;
    e->warning =
        e->warning ? arena_printf(e->a, "%s; %s", e->warning, text) : arena_strdup(e->a, text);
}

struct vnode *lower_type_error(struct lower *l, const struct ast *t, const char *fmt, ...)
{
    char text[600];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (!l->failed)
        expr_err_at(l->err, l->e->source, t->at, "%s", text);
    l->failed = true;
    return NULL;
}

struct vnode *lower_node(struct lower *l, enum vop op, enum vt vt)
{
    struct vnode *n = ARENA_NEW(l->e->a, struct vnode);
    n->op = op;
    n->vt = vt;
    n->ct = vt == VT_BOOL  ? TYPE_BOOLEAN
            : vt == VT_NUM ? TYPE_FLOAT
            : vt == VT_STR ? TYPE_STRING
                           : TYPE_NONE;
    return n;
}

static struct vnode *constant(struct lower *l, enum vt vt)
{
    struct vnode *n = lower_node(l, V_CONST, vt);
    n->nullable = vt == VT_NULL;
    n->ks = (struct text){"", 0, 0};
    return n;
}

static struct vnode *number(struct lower *l, double d)
{
    struct vnode *n = constant(l, VT_NUM);
    n->kf = d;
    n->non_finite = !isfinite(d);
    n->nan = isnan(d);
    return n;
}

static struct vnode *string(struct lower *l, struct slice s)
{
    struct vnode *n = constant(l, VT_STR);
    n->ks = (struct text){s.p, (uint32_t)s.len, 0};
    return n;
}

static struct vnode *boolean(struct lower *l, bool b)
{
    struct vnode *n = constant(l, VT_BOOL);
    n->kb = b;
    return n;
}

/* A column in which no value was seen: text, if one comes, but no reason to call it an error. */
bool lower_is_unsure(const struct vnode *n)
{
    return n->ct == TYPE_NONE && n->vt == VT_STR;
}

static bool is_const(const struct vnode *n)
{
    return !n || n->op == V_CONST;
}

/* A node whose children are all constants becomes one; when it fails, jq shall say so. */
struct vnode *lower_fold(struct lower *l, struct vnode *n)
{
    if (!is_const(n->a) || !is_const(n->b) || !is_const(n->c))
        return n;
    struct expr_result res = {{0}, 0, NULL};
    struct run r = {l->e, NULL, 1, 1, &res, l->e->a, l->err, false};
    uint64_t one[BATCH_WORDS] = {1};
    expr_run_node(&r, n, one);
    if (res.nfailed > 0)
        return NULL;
    if (!(valid_word(n->out.valid, 0) & 1))
        return constant(l, VT_NULL);
    switch (n->vt) {
    case VT_BOOL:
        return boolean(l, n->out.b[0] & 1);
    case VT_STR:
        return string(l, arena_slice(l->e->a, text_slice(n->out.s[0])));
    case VT_NUM:
        if (n->is_int) {
            struct vnode *k = number(l, (double)n->out.i[0]);
            k->is_int = true;
            k->ki = n->out.i[0];
            k->ct = TYPE_INTEGER;
            return k;
        }
        return number(l, n->out.f[0]);
    default:
        return constant(l, VT_NULL);
    }
}

static struct vnode *lower_column(struct lower *l, const struct ast *t)
{
    int i = schema_find(l->in, t->text);
    if (i < 0)
        return NULL; /* reported by expr_check */
    const struct field *f = &l->in->fields[i];
    if (f->type == TYPE_JSON)
        return NULL;
    enum vt vt = type_is_number(f->type) ? VT_NUM : f->type == TYPE_BOOLEAN ? VT_BOOL : VT_STR;
    struct vnode *n = lower_node(l, V_FIELD, vt);
    n->ct = f->type;
    n->col = (uint32_t)i;
    n->is_int = f->type == TYPE_INTEGER;
    n->nullable = f->nullable || f->type == TYPE_NONE;
    n->name = f->name;
    return n;
}

static struct vnode *lower_dot(struct lower *l, struct vnode *dot)
{
    if (!dot || dot->op == V_CONST)
        return dot; /* NULL: the record itself has no static type */
    if (dot->op == V_PARTS)
        return NULL; /* as a whole it is an array */
    struct vnode *n = lower_node(l, V_REF, dot->vt);
    n->ct = dot->ct;
    n->a = dot;
    n->nullable = dot->nullable;
    n->is_int = dot->is_int;
    n->non_finite = dot->non_finite;
    n->nan = dot->nan;
    n->name = dot->name;
    return n;
}

static struct vnode *lower_let(struct lower *l, struct vnode *a, struct vnode *b)
{
    if (!a || !b || a->op == V_CONST)
        return b && a ? b : NULL;
    struct vnode *n = lower_node(l, V_LET, b->vt);
    n->a = a;
    n->b = b;
    n->ct = b->ct;
    n->nullable = b->nullable;
    n->is_int = b->is_int;
    n->non_finite = b->non_finite;
    n->nan = b->nan;
    return n;
}

static struct vnode *lower_arith(struct lower *l, const struct ast *t, struct vnode *a,
                                 struct vnode *b)
{
    bool unsure = lower_is_unsure(a) || lower_is_unsure(b);
    static const char *const done[] = {"added", "subtracted", "multiplied", "divided", "divided"};
    if (t->op == OP_ADD &&
        (a->vt == VT_NULL || b->vt == VT_NULL)) /* null or an error, which counts */
        return a->vt == VT_NULL ? lower_let(l, a, b) : lower_let(l, b, a);
    struct vnode *n;
    if (a->vt == VT_NUM && b->vt == VT_NUM) {
        n = lower_node(l, V_ARITH, VT_NUM);
        n->non_finite = true;
        n->nan = a->nan || b->nan;
        n->nullable = t->op == OP_ADD && a->nullable && b->nullable;
    } else if (t->op == OP_ADD && a->vt == VT_STR && b->vt == VT_STR) {
        n = lower_node(l, V_CONCAT, VT_STR);
        n->nullable = a->nullable && b->nullable;
    } else if ((t->op == OP_MUL && a->vt + b->vt == VT_NUM + VT_STR && a->vt != b->vt &&
                a->vt >= VT_NUM && b->vt >= VT_NUM) ||
               (t->op == OP_DIV && a->vt == VT_STR && b->vt == VT_STR)) {
        return NULL; /* repeats a string; splits one into an array */
    } else if (unsure) {
        return NULL;
    } else {
        const char *remedy =
            a->vt >= VT_NUM && b->vt >= VT_NUM ? ": convert with tostring or tonumber" : "";
        return lower_type_error(l, t, "a %s and a %s cannot be %s%s", vt_name(a->vt),
                                vt_name(b->vt), done[t->op], remedy);
    }
    n->bop = t->op;
    n->a = a;
    n->b = b;
    return lower_fold(l, n);
}

static void make_int(struct vnode *k)
{
    if (k->op == V_CONST && !k->is_int && k->kf == floor(k->kf) && fabs(k->kf) < 0x1p63) {
        k->is_int = true;
        k->ki = (int64_t)k->kf;
    }
}

static struct vnode *lower_compare(struct lower *l, const struct ast *t, struct vnode *a,
                                   struct vnode *b)
{
    struct vnode *n = lower_node(l, V_COMPARE, VT_BOOL);
    n->bop = t->op;
    n->a = a;
    n->b = b;
    /* against integers an integral constant is compared as one */
    if (a->vt == VT_NUM && b->vt == VT_NUM && a->is_int != b->is_int) {
        make_int(a);
        make_int(b);
    }
    if (a->vt != b->vt && a->vt != VT_NULL && b->vt != VT_NULL && !lower_is_unsure(a) &&
        !lower_is_unsure(b))
        lower_warn(l, "a %s is compared with a %s: the result never depends on their values",
                   vt_name(a->vt), vt_name(b->vt));
    bool null_is_less =
        (t->op == OP_LT || t->op == OP_LE) && a->nullable && !is_const(a) && b->vt != VT_NULL;
    bool null_is_less_right =
        (t->op == OP_GT || t->op == OP_GE) && b->nullable && !is_const(b) && a->vt != VT_NULL;
    if (null_is_less || null_is_less_right) {
        const struct vnode *v = null_is_less ? a : b;
        struct quoted q;
        if (v->name)
            lower_warn(l,
                       "column '%s' may be null, and null is less than any value in jq: add `.%s "
                       "!= null and` if such records are not meant",
                       quote_str(&q, v->name), q.s);
        else
            lower_warn(l, "the left side of %s may be null, which is less than any value in jq",
                       binary_op_text(t->op));
    }
    return lower_fold(l, n);
}

static struct vnode *lower_logic(struct lower *l, enum vop op, struct vnode *a, struct vnode *b)
{
    struct vnode *n = lower_node(l, op, VT_BOOL);
    n->a = a;
    n->b = b;
    return lower_fold(l, n);
}

/* The common type of two values of which one is taken; false when there is none. */
static bool unite(struct vnode *n, const struct vnode *a, const struct vnode *b)
{
    const struct vnode *one = a->vt == VT_NULL ? b : a, *other = b->vt == VT_NULL ? a : b;
    if (one->vt != other->vt)
        return false;
    n->vt = one->vt;
    n->ct = one->ct == other->ct ? one->ct : type_join(one->ct, other->ct);
    if (one->vt == VT_STR && n->ct == TYPE_NONE)
        n->ct = TYPE_STRING;
    n->is_int = one->is_int && other->is_int;
    n->non_finite = one->non_finite || other->non_finite;
    n->nan = one->nan || other->nan;
    return true;
}

static struct vnode *lower_alt(struct lower *l, struct vnode *a, struct vnode *b)
{
    struct vnode *n = lower_node(l, V_ALT, VT_NULL);
    n->a = a;
    n->b = b;
    if (!unite(n, a, b))
        return NULL;
    n->nullable = b->nullable && (a->nullable || a->vt == VT_BOOL);
    return lower_fold(l, n);
}

static struct vnode *lower_if(struct lower *l, struct vnode *cond, struct vnode *yes,
                              struct vnode *no)
{
    struct vnode *n = lower_node(l, V_IF, VT_NULL);
    n->a = cond;
    n->b = yes;
    n->c = no;
    if (!unite(n, yes, no))
        return NULL;
    n->nullable = yes->nullable || no->nullable;
    return lower_fold(l, n);
}

static struct vnode *lower_negate(struct lower *l, const struct ast *t, struct vnode *a)
{
    if (!a)
        return NULL;
    if (lower_is_unsure(a))
        return NULL;
    if (a->vt != VT_NUM)
        return lower_type_error(l, t, "a %s cannot be negated", vt_name(a->vt));
    /* INT64_MIN has no positive twin: as a literal it is minus a double */
    if (a->op == V_CONST && a->is_int && a->ki != 0) {
        struct vnode *k = number(l, -a->kf);
        k->is_int = true;
        k->ki = -a->ki;
        k->ct = TYPE_INTEGER;
        return k;
    }
    struct vnode *n = lower_node(l, V_NEGATE, VT_NUM);
    n->a = a;
    n->non_finite = a->non_finite;
    n->nan = a->nan;
    return lower_fold(l, n);
}

static struct vnode *lower_interp(struct lower *l, const struct ast *t, struct vnode *dot)
{
    struct vnode *all = NULL;
    if (t->text.len > 0 && !slice_is(t->text, "@text"))
        return NULL;
    for (uint32_t i = 0; i < t->n; i++) {
        struct vnode *part = lower_expr(l, t->kid[i], dot);
        if (part && part->vt != VT_STR) {
            struct vnode *n = lower_node(l, V_TOSTRING, VT_STR);
            n->a = part;
            part = lower_fold(l, n);
        } else if (part && part->nullable) { /* null is the text "null" here */
            struct vnode *n = lower_node(l, V_TOSTRING, VT_STR);
            n->a = part;
            part = n;
        }
        if (!part)
            return NULL;
        if (all) {
            struct vnode *n = lower_node(l, V_CONCAT, VT_STR);
            n->a = all;
            n->b = part;
            part = lower_fold(l, n);
        }
        all = part;
    }
    return all;
}

static struct vnode *lower_field(struct lower *l, const struct ast *t, struct vnode *dot)
{
    if (t->kid[0]->kind == AST_DOT && !dot)
        return lower_column(l, t);
    struct vnode *base = lower_expr(l, t->kid[0], dot);
    if (!base)
        return NULL;
    if (base->vt == VT_NULL)
        return base;
    if (lower_is_unsure(base))
        return NULL;
    struct quoted q;
    return lower_type_error(
        l, t, "'.%s' is asked of a %s%s", quote_slice(&q, t->text), vt_name(base->vt),
        t->kid[0]->kind == AST_DOT ? ", the value before '|', not of the record" : "");
}

static struct vnode *lower_literal(struct lower *l, const struct ast *t)
{
    struct vnode *n;
    switch (t->kind) {
    case AST_NUMBER:
        n = number(l, t->num);
        n->is_int = t->is_int;
        n->ki = t->inum;
        if (t->is_int)
            n->ct = TYPE_INTEGER;
        return n;
    case AST_STRING:
        return string(l, t->text);
    case AST_NULL:
        return constant(l, VT_NULL);
    default:
        return boolean(l, t->kind == AST_TRUE);
    }
}

static struct vnode *lower_pipe(struct lower *l, const struct ast *t, struct vnode *dot)
{
    const struct ast *left = t->kid[0], *right = t->kid[1];
    if (left->kind == AST_DOT)
        return lower_expr(l, right, dot);
    if (left->kind == AST_CALL && slice_is(left->text, "split") && left->n == 1) {
        /* split(S) | … .[N] …: the N-th part; no array need be made */
        struct vnode *first = lower_split(l, left, NULL, dot), *parts, *n;
        if (!first || first->op != V_SPLIT)
            return NULL;
        parts = lower_node(l, V_PARTS, VT_NULL);
        parts->a = first->a;
        parts->b = first->b;
        n = lower_expr(l, right, parts);
        /* the first part is asked for in any case: null must fail whatever comes of it */
        return n && n->op == V_SPLIT ? n : n ? lower_let(l, first, n) : NULL;
    }
    struct vnode *a = lower_expr(l, left, dot);
    return a ? lower_let(l, a, lower_expr(l, right, a)) : NULL;
}

static struct vnode *lower_as(struct lower *l, const struct ast *t, struct vnode *dot)
{
    struct vnode *a = lower_expr(l, t->kid[0], dot);
    if (!a)
        return NULL;
    struct lower_var var = {t->text, a, l->vars};
    l->vars = &var;
    struct vnode *b = lower_expr(l, t->kid[1], dot);
    l->vars = var.outer;
    return lower_let(l, a, b);
}

static struct vnode *lower_var(struct lower *l, const struct ast *t)
{
    for (struct lower_var *v = l->vars; v; v = v->outer) {
        if (slice_eq(v->name, t->text))
            return lower_dot(l, v->value);
    }
    return NULL;
}

/* `dot`: what `.` is, NULL for the record. NULL: not for us, or an error (l->failed). */
struct vnode *lower_expr(struct lower *l, const struct ast *t, struct vnode *dot)
{
    struct vnode *a, *b, *c;
    switch (t->kind) {
    case AST_DOT:
        return lower_dot(l, dot);
    case AST_FIELD:
        return lower_field(l, t, dot);
    case AST_NUMBER:
    case AST_STRING:
    case AST_NULL:
    case AST_TRUE:
    case AST_FALSE:
        return lower_literal(l, t);
    case AST_NEGATE:
        return lower_negate(l, t, lower_expr(l, t->kid[0], dot));
    case AST_INTERP:
        return lower_interp(l, t, dot);
    case AST_PIPE:
        return lower_pipe(l, t, dot);
    case AST_AS:
        return lower_as(l, t, dot);
    case AST_VAR:
        return lower_var(l, t);
    case AST_CALL:
        return lower_call(l, t, dot);
    case AST_SLICE:
        return lower_slice(l, t, dot);
    case AST_INDEX:
        if (t->kid[0]->kind == AST_CALL && slice_is(t->kid[0]->text, "split") && t->kid[0]->n == 1)
            return lower_split(l, t->kid[0], t->kid[1], dot);
        if (t->kid[0]->kind == AST_DOT && dot && dot->op == V_PARTS)
            return lower_part(l, dot->a, dot->b, lower_expr(l, t->kid[1], dot));
        return NULL;
    case AST_BINARY:
    case AST_AND:
    case AST_OR:
    case AST_ALT:
        /* both sides, so that an error on the right is found though the left is not for us */
        a = lower_expr(l, t->kid[0], dot);
        b = lower_expr(l, t->kid[1], dot);
        if (!a || !b)
            return NULL;
        if (t->kind == AST_ALT)
            return lower_alt(l, a, b);
        if (t->kind != AST_BINARY)
            return lower_logic(l, t->kind == AST_AND ? V_AND : V_OR, a, b);
        return t->op >= OP_EQ ? lower_compare(l, t, a, b) : lower_arith(l, t, a, b);
    case AST_IF:
        a = lower_expr(l, t->kid[0], dot);
        b = lower_expr(l, t->kid[1], dot);
        c = lower_expr(l, t->kid[2], dot);
        return a && b && c ? lower_if(l, a, b, c) : NULL;
    default: /* several values, arrays, objects, try */
        return NULL;
    }
}

/* Bytes that the result points to must live as long as the batch. */
static void mark_keep(struct vnode *n)
{
    if (!n || n->keep)
        return;
    n->keep = true;
    switch (n->op) {
    case V_REF:
    case V_LTRIM:
    case V_RTRIM:
    case V_SLICE:
    case V_SPLIT:
    case V_CASE:
    case V_TOSTRING:
        mark_keep(n->a);
        break;
    case V_LET:
        mark_keep(n->b);
        break;
    case V_ALT:
        mark_keep(n->a);
        mark_keep(n->b);
        break;
    case V_IF:
        mark_keep(n->b);
        mark_keep(n->c);
        break;
    default:
        break;
    }
}

static void mark_reads(struct vnode *n, bool *used)
{
    if (!n)
        return;
    if (n->op == V_FIELD)
        used[n->col] = true;
    if (n->op == V_REF)
        return;
    mark_reads(n->a, used);
    mark_reads(n->b, used);
    mark_reads(n->c, used);
}

enum lowered expr_lower(struct expr *e, const struct ast *t, const struct schema *in,
                        struct vnode **out, struct err *err)
{
    struct lower l = {e, in, err, NULL, false};
    struct vnode *n = lower_expr(&l, t, NULL);
    if (l.failed)
        return LOWER_ERROR;
    if (!n)
        return LOWER_TO_JQ;
    mark_keep(n);
    bool *used = ARENA_ARRAY(e->a, bool, in->n + 1);
    mark_reads(n, used);
    e->reads = ARENA_ARRAY(e->a, uint32_t, in->n + 1);
    for (uint32_t i = 0; i < in->n; i++) {
        if (used[i])
            e->reads[e->nreads++] = i;
    }
    *out = n;
    return LOWERED;
}
