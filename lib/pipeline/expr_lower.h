/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What expr_lower.c (operators) and expr_calls.c (functions) share. Not for others. */
#ifndef FORELINE_EXPR_LOWER_H
#define FORELINE_EXPR_LOWER_H

#include "pipeline/expr_int.h"

struct lower_var { /* `as $name` */
    struct slice name;
    struct vnode *value;
    struct lower_var *outer;
};
struct lower {
    struct expr *e;
    const struct schema *in;
    struct err *err;
    struct lower_var *vars;
    bool failed; /* err is filled */
};
struct vnode *lower_expr(struct lower *l, const struct ast *t, struct vnode *dot);
struct vnode *lower_call(struct lower *l, const struct ast *t, struct vnode *dot);
struct vnode *lower_slice(struct lower *l, const struct ast *t, struct vnode *dot);
/* `split(S)` and the index behind it (NULL: 0). */
struct vnode *lower_split(struct lower *l, const struct ast *call, const struct ast *index,
                          struct vnode *dot);
/* Part `at` of `in` split at `sep`; NULL when it is not the same part for all records. */
struct vnode *lower_part(struct lower *l, struct vnode *in, struct vnode *sep, struct vnode *at);
struct vnode *lower_node(struct lower *l, enum vop op, enum vt vt);
struct vnode *lower_fold(struct lower *l, struct vnode *n);
struct vnode *lower_type_error(struct lower *l, const struct ast *t, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
bool lower_is_unsure(const struct vnode *n);
void lower_warn(struct lower *l, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
