/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The functions that the vector engine knows, typed. A function that can never succeed on the type
 * at hand is an error here; one that is not listed is libjq's.
 */
#include <math.h>

#include "json/json.h"
#include "pipeline/expr_lower.h"

/* What a call without arguments asks of its input. */
enum wants { WANTS_ANY, WANTS_NUMBER, WANTS_STRING };

static const struct plain_call {
    const char *name;
    enum vop op;
    enum wants wants;
    enum vt gives;
    double (*math)(double);
} plain_calls[] = {
    {"floor", V_MATH1, WANTS_NUMBER, VT_NUM, floor},
    {"ceil", V_MATH1, WANTS_NUMBER, VT_NUM, ceil},
    {"round", V_MATH1, WANTS_NUMBER, VT_NUM, round},
    {"trunc", V_MATH1, WANTS_NUMBER, VT_NUM, trunc},
    {"fabs", V_MATH1, WANTS_NUMBER, VT_NUM, fabs},
    {"sqrt", V_MATH1, WANTS_NUMBER, VT_NUM, sqrt},
    {"cbrt", V_MATH1, WANTS_NUMBER, VT_NUM, cbrt},
    {"exp", V_MATH1, WANTS_NUMBER, VT_NUM, exp},
    {"exp2", V_MATH1, WANTS_NUMBER, VT_NUM, exp2},
    {"log", V_MATH1, WANTS_NUMBER, VT_NUM, log},
    {"log2", V_MATH1, WANTS_NUMBER, VT_NUM, log2},
    {"log10", V_MATH1, WANTS_NUMBER, VT_NUM, log10},
    {"sin", V_MATH1, WANTS_NUMBER, VT_NUM, sin},
    {"cos", V_MATH1, WANTS_NUMBER, VT_NUM, cos},
    {"length", V_LENGTH, WANTS_ANY, VT_NUM, NULL},
    {"utf8bytelength", V_BYTES, WANTS_STRING, VT_NUM, NULL},
    {"ascii_downcase", V_CASE, WANTS_STRING, VT_STR, NULL},
    {"ascii_upcase", V_CASE, WANTS_STRING, VT_STR, NULL},
    {"tostring", V_TOSTRING, WANTS_ANY, VT_STR, NULL},
    {"tonumber", V_TONUMBER, WANTS_ANY, VT_NUM, NULL},
    {"not", V_NOT, WANTS_ANY, VT_BOOL, NULL},
    {"type", V_TYPE, WANTS_ANY, VT_STR, NULL},
    {"isnan", V_ISNAN, WANTS_ANY, VT_BOOL, NULL},
    {"isinfinite", V_ISINF, WANTS_ANY, VT_BOOL, NULL},
    {"isnormal", V_ISNORMAL, WANTS_ANY, VT_BOOL, NULL},
    {"todate", V_TODATE, WANTS_NUMBER, VT_STR, NULL},
    {"todateiso8601", V_TODATE, WANTS_NUMBER, VT_STR, NULL},
    {"fromdate", V_FROMDATE, WANTS_STRING, VT_NUM, NULL},
    {"fromdateiso8601", V_FROMDATE, WANTS_STRING, VT_NUM, NULL},
};

static struct vnode *wrong_type(struct lower *l, const struct ast *t, const struct vnode *in)
{
    struct quoted q, col;
    if (lower_is_unsure(in))
        return NULL;
    const char *remedy = in->vt == VT_NUM   ? ": use tostring first"
                         : in->vt == VT_STR ? ": use tonumber first"
                                            : "";
    if (in->name)
        return lower_type_error(l, t, "%s does not take a %s (column '%s')%s",
                                quote_slice(&q, t->text), vt_name(in->vt),
                                quote_str(&col, in->name), remedy);
    return lower_type_error(l, t, "%s does not take a %s%s", quote_slice(&q, t->text),
                            vt_name(in->vt), remedy);
}

/* `.` as a value; NULL where it is the whole record. */
static struct vnode *input(struct lower *l, struct vnode *dot)
{
    struct ast here = {.kind = AST_DOT};
    return dot ? lower_expr(l, &here, dot) : NULL;
}

static struct vnode *lower_plain(struct lower *l, const struct ast *t, const struct plain_call *p,
                                 struct vnode *in)
{
    if ((p->wants == WANTS_NUMBER && in->vt != VT_NUM) ||
        (p->wants == WANTS_STRING && in->vt != VT_STR) ||
        (p->op == V_LENGTH && in->vt == VT_BOOL) ||
        (p->op == V_TONUMBER && (in->vt == VT_BOOL || in->vt == VT_NULL)))
        return wrong_type(l, t, in);
    struct vnode *n = lower_node(l, p->op, p->gives);
    n->a = in;
    n->math1 = p->math;
    n->name = NULL;
    n->upper = slice_is(t->text, "ascii_upcase");
    if (p->op == V_MATH1)
        n->non_finite =
            in->non_finite || !(p->math == floor || p->math == ceil || p->math == round ||
                                p->math == trunc || p->math == fabs);
    if (p->op == V_MATH1) /* sqrt(-1), sin(1e999) */
        n->nan = in->nan || p->math == sqrt || p->math == log || p->math == log2 ||
                 p->math == log10 || p->math == sin || p->math == cos;
    if (p->op == V_TONUMBER || p->op == V_LENGTH) {
        n->nan = in->vt == VT_NUM && in->nan;
        n->non_finite = in->vt == VT_STR ? p->op == V_TONUMBER : in->non_finite;
    }
    return lower_fold(l, n);
}

/* The only argument, which must be a string that is the same for all records. */
static bool constant_string(struct lower *l, const struct ast *arg, struct vnode *dot,
                            struct slice *out)
{
    struct vnode *n = lower_expr(l, arg, dot);
    if (!n || n->op != V_CONST || n->vt != VT_STR)
        return false;
    *out = text_slice(n->ks);
    return true;
}

static struct vnode *lower_with_string(struct lower *l, const struct ast *t, enum vop op,
                                       struct vnode *in, struct vnode *dot)
{
    bool trim = op == V_LTRIM || op == V_RTRIM;
    struct vnode *arg = lower_expr(l, t->kid[0], dot);
    if (!arg)
        return NULL;
    if (trim && (in->vt != VT_STR || arg->vt != VT_STR)) {
        struct quoted q;
        lower_warn(l, "%s of a %s with a %s gives its input unchanged", quote_slice(&q, t->text),
                   vt_name(in->vt), vt_name(arg->vt));
        return in;
    }
    if (op == V_CONTAINS && in->vt == arg->vt && in->vt != VT_STR)
        return NULL; /* equality, for what is neither string, array nor object */
    if (in->vt != VT_STR)
        return wrong_type(l, t, in);
    if (arg->vt != VT_STR)
        return wrong_type(l, t, arg);
    struct vnode *n = lower_node(l, op, trim ? VT_STR : VT_BOOL);
    n->a = in;
    n->b = arg;
    n->nullable = trim && in->nullable;
    return lower_fold(l, n);
}

static struct vnode *lower_test(struct lower *l, const struct ast *t, struct vnode *in,
                                struct vnode *dot)
{
    struct slice pattern, flags = SLICE_NULL;
    if (in->vt != VT_STR)
        return wrong_type(l, t, in);
    if (!constant_string(l, t->kid[0], dot, &pattern))
        return NULL;
    if (t->n == 2 && t->kid[1]->kind != AST_NULL && !constant_string(l, t->kid[1], dot, &flags))
        return NULL;
    bool icase = slice_is(flags, "i");
    struct regex *re = flags.len == 0 || icase ? regex_new(l->e->a, pattern, icase) : NULL;
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    buf_adds(&text, "test(");
    json_quote(&text, pattern);
    buf_addc(&text, ';');
    if (flags.len)
        json_quote(&text, flags);
    else
        buf_adds(&text, "null");
    buf_addc(&text, ')');
    const char *program = arena_strndup(l->e->a, text.p, text.len);
    buf_release(&text);
    if (!re) {
        /* libjq's regular expressions: is this one at all? */
        struct err err = ERR_INIT;
        struct buf out = BUF_INIT(64);
        size_t results;
        struct jq_program *jq = jq_program_new(program, &err);
        bool ok = jq && jq_program_run(jq, SLICE_LIT("\"\""), &out, &results, &err);
        jq_program_free(jq);
        buf_release(&out);
        if (!ok)
            return lower_type_error(l, t, "%s", err.text);
    }
    struct vnode *n = lower_node(l, V_TEST, VT_BOOL);
    n->a = in;
    n->re = re;
    n->jq_test = program;
    return lower_fold(l, n);
}

/* IN("a", "b"): any of the literals equals the input. */
static struct vnode *lower_in(struct lower *l, const struct ast *t, const struct ast *list,
                              struct vnode *in, struct vnode *dot)
{
    if (list->kind == AST_COMMA) {
        struct vnode *a = lower_in(l, t, list->kid[0], in, dot);
        struct vnode *b = lower_in(l, t, list->kid[1], in, dot);
        if (!a || !b)
            return NULL;
        struct vnode *n = lower_node(l, V_OR, VT_BOOL);
        n->a = a;
        n->b = b;
        return lower_fold(l, n);
    }
    struct vnode *one = lower_expr(l, list, dot);
    if (!one || one->op != V_CONST)
        return NULL;
    if (in->vt != one->vt && in->vt != VT_NULL && one->vt != VT_NULL && in->name &&
        !lower_is_unsure(in)) {
        struct quoted q;
        return lower_type_error(l, list, "column '%s' is a %s and never equals a %s",
                                quote_str(&q, in->name), vt_name(in->vt), vt_name(one->vt));
    }
    struct vnode *n = lower_node(l, V_COMPARE, VT_BOOL);
    n->bop = OP_EQ;
    n->a = in;
    n->b = one;
    return lower_fold(l, n);
}

static struct vnode *lower_math2(struct lower *l, const struct ast *t, struct vnode *dot,
                                 double (*f)(double, double))
{
    struct vnode *a = lower_expr(l, t->kid[0], dot), *b = lower_expr(l, t->kid[1], dot);
    if (!a || !b)
        return NULL;
    if (a->vt != VT_NUM)
        return wrong_type(l, t, a);
    if (b->vt != VT_NUM)
        return wrong_type(l, t, b);
    struct vnode *n = lower_node(l, V_MATH2, VT_NUM);
    n->a = a;
    n->b = b;
    n->math2 = f;
    n->non_finite = n->nan = true;
    return lower_fold(l, n);
}

struct vnode *lower_call(struct lower *l, const struct ast *t, struct vnode *dot)
{
    static const struct {
        const char *name;
        enum vop op;
    } with_string[] = {{"startswith", V_PREFIX},
                       {"endswith", V_SUFFIX},
                       {"contains", V_CONTAINS},
                       {"ltrimstr", V_LTRIM},
                       {"rtrimstr", V_RTRIM}};
    if (t->n == 0 && (slice_is(t->text, "nan") || slice_is(t->text, "infinite"))) {
        struct vnode *n = lower_node(l, V_CONST, VT_NUM);
        n->nan = slice_is(t->text, "nan");
        n->kf = n->nan ? (double)NAN : HUGE_VAL;
        n->non_finite = true;
        return n;
    }
    if (t->n == 2 && slice_is(t->text, "pow"))
        return lower_math2(l, t, dot, pow);
    if (t->n == 2 && slice_is(t->text, "atan2"))
        return lower_math2(l, t, dot, atan2);
    if (t->n == 2 && slice_is(t->text, "fmod"))
        return lower_math2(l, t, dot, fmod);
    struct vnode *in = input(l, dot);
    if (!in)
        return NULL;
    for (size_t i = 0; t->n == 0 && i < ARRAY_LEN(plain_calls); i++) {
        if (slice_is(t->text, plain_calls[i].name))
            return lower_plain(l, t, &plain_calls[i], in);
    }
    for (size_t i = 0; t->n == 1 && i < ARRAY_LEN(with_string); i++) {
        if (slice_is(t->text, with_string[i].name))
            return lower_with_string(l, t, with_string[i].op, in, dot);
    }
    if ((t->n == 1 || t->n == 2) && slice_is(t->text, "test"))
        return lower_test(l, t, in, dot);
    if (t->n == 1 && slice_is(t->text, "IN"))
        return lower_in(l, t, t->kid[0], in, dot);
    return NULL;
}

/* A bound of a slice: absent, null, or one number for all records. */
static bool slice_bound(struct lower *l, const struct ast *t, struct vnode *dot, bool *has,
                        double *out)
{
    *has = false;
    if (!t)
        return true;
    struct vnode *n = lower_expr(l, t, dot);
    if (!n || n->op != V_CONST)
        return false;
    if (n->vt == VT_NULL)
        return true;
    *has = true;
    *out = n->kf;
    return n->vt == VT_NUM && !isnan(n->kf);
}

struct vnode *lower_slice(struct lower *l, const struct ast *t, struct vnode *dot)
{
    struct vnode *in = lower_expr(l, t->kid[0], dot);
    if (!in)
        return NULL;
    if (in->vt == VT_NULL) { /* so is the part, unless a bound fails */
        bool has;
        double at;
        return slice_bound(l, t->kid[1], dot, &has, &at) &&
                       slice_bound(l, t->kid[2], dot, &has, &at)
                   ? in
                   : NULL;
    }
    if (in->vt != VT_STR)
        return lower_type_error(l, t, "a %s has no parts [a:b]", vt_name(in->vt));
    struct vnode *n = lower_node(l, V_SLICE, VT_STR);
    n->a = in;
    n->nullable = in->nullable;
    if (!slice_bound(l, t->kid[1], dot, &n->has_from, &n->from) ||
        !slice_bound(l, t->kid[2], dot, &n->has_to, &n->to))
        return NULL;
    return lower_fold(l, n);
}

struct vnode *lower_part(struct lower *l, struct vnode *in, struct vnode *sep, struct vnode *at)
{
    if (!at || at->op != V_CONST || at->vt != VT_NUM || at->kf != floor(at->kf) ||
        fabs(at->kf) > 1e6)
        return NULL;
    struct vnode *n = lower_node(l, V_SPLIT, VT_STR);
    n->a = in;
    n->b = sep;
    n->from = at->kf;
    n->nullable = true;
    return lower_fold(l, n);
}

struct vnode *lower_split(struct lower *l, const struct ast *call, const struct ast *index,
                          struct vnode *dot)
{
    static const struct ast zero = {.kind = AST_NUMBER, .is_int = true};
    struct vnode *in = input(l, dot), *sep = lower_expr(l, call->kid[0], dot);
    if (!in || !sep)
        return NULL;
    if (in->vt != VT_STR)
        return wrong_type(l, call, in);
    if (sep->vt != VT_STR)
        return wrong_type(l, call, sep);
    if (sep->op != V_CONST || sep->ks.len == 0)
        return NULL;
    return lower_part(l, in, sep, lower_expr(l, index ? index : &zero, dot));
}
