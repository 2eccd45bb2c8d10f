/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs a typed program over one batch, node by node, each a loop over columns. Conditionals give
 * their branches a mask of rows, so that an error counts only where the branch is taken. Vectors
 * are made once per node and used again for every batch.
 */
#include <math.h>
#include <string.h>

#include "base/num.h"
#include "pipeline/expr_int.h"

double *node_f(struct run *r, struct vnode *n)
{
    if (!n->fbuf)
        n->fbuf = ARENA_ARRAY(&r->e->mem, double, BATCH_ROWS);
    return n->fbuf;
}

int64_t *node_i(struct run *r, struct vnode *n)
{
    if (!n->ibuf)
        n->ibuf = ARENA_ARRAY(&r->e->mem, int64_t, BATCH_ROWS);
    return n->ibuf;
}

uint64_t *node_b(struct run *r, struct vnode *n)
{
    if (!n->bbuf)
        n->bbuf = ARENA_ARRAY(&r->e->mem, uint64_t, BATCH_WORDS);
    return n->bbuf;
}

uint64_t *node_v(struct run *r, struct vnode *n)
{
    if (!n->vbuf)
        n->vbuf = ARENA_ARRAY(&r->e->mem, uint64_t, BATCH_WORDS);
    return n->vbuf;
}

struct text *node_s(struct run *r, struct vnode *n)
{
    if (!n->sbuf) {
        n->sbuf = ARENA_ARRAY(&r->e->mem, struct text, BATCH_ROWS);
        for (uint32_t i = 0; i < BATCH_ROWS; i++)
            n->sbuf[i].p = "";
    }
    return n->sbuf;
}

struct arena *node_bytes(struct run *r, const struct vnode *n)
{
    return n->keep ? r->bytes : &r->e->scratch;
}

const double *vec_f(struct run *r, struct vnode *n)
{
    if (n->op == V_CONST) {
        if (!n->fbuf) {
            double *f = node_f(r, n);
            for (uint32_t i = 0; i < BATCH_ROWS; i++)
                f[i] = n->kf;
        }
        return n->fbuf;
    }
    if (!n->is_int)
        return n->out.f;
    if (!n->fconv)
        n->fconv = ARENA_ARRAY(&r->e->mem, double, BATCH_ROWS);
    for (uint32_t i = 0; i < r->rows; i++)
        n->fconv[i] = (double)n->out.i[i];
    return n->fconv;
}

const int64_t *vec_i(struct run *r, struct vnode *n)
{
    if (n->op == V_CONST && !n->ibuf) {
        int64_t *v = node_i(r, n);
        for (uint32_t i = 0; i < BATCH_ROWS; i++)
            v[i] = n->ki;
    }
    return n->op == V_CONST ? n->ibuf : n->out.i;
}

const struct text *vec_s(struct run *r, struct vnode *n)
{
    if (n->op == V_CONST && !n->sbuf) {
        struct text *s = node_s(r, n);
        for (uint32_t i = 0; i < BATCH_ROWS; i++)
            s[i] = n->ks;
    }
    return n->op == V_CONST ? n->sbuf : n->out.s;
}

void run_fail_row(struct run *r, uint32_t row, const char *reason)
{
    struct expr_result *res = r->r;
    if (bit_get(res->failed, row))
        return;
    if (!res->reason)
        res->reason = ARENA_ARRAY(&r->e->scratch, const char *, BATCH_ROWS);
    bit_set(res->failed, row);
    res->reason[row] = reason;
    res->nfailed++;
}

void run_fail(struct run *r, const uint64_t *bits, const uint64_t *mask, const char *reason)
{
    for (uint32_t w = 0; w < r->words; w++) {
        uint64_t x = bits[w] & mask[w] & ~r->r->failed[w];
        while (x) {
            run_fail_row(r, w * 64 + (uint32_t)__builtin_ctzll(x), reason);
            x &= x - 1;
        }
    }
}

void both_valid(const struct run *r, const struct vnode *a, const struct vnode *b,
                const uint64_t *mask, uint64_t *out)
{
    for (uint32_t w = 0; w < r->words; w++)
        out[w] = mask[w] & valid_word(a->out.valid, w) & (b ? valid_word(b->out.valid, w) : ~0ull);
}

void truthy(const struct run *r, const struct vnode *n, uint64_t *out)
{
    for (uint32_t w = 0; w < r->words; w++) {
        uint64_t x = valid_word(n->out.valid, w);
        out[w] = n->vt == VT_BOOL ? x & n->out.b[w] : x;
    }
}

static void run_const(struct run *r, struct vnode *n)
{
    if (n->vt == VT_NULL) {
        n->out.valid = node_v(r, n); /* all bits 0 */
    } else if (n->vt == VT_BOOL && !n->out.b) {
        memset(node_b(r, n), n->kb ? 0xFF : 0, sizeof(uint64_t) * BATCH_WORDS);
        n->out.b = n->bbuf;
    }
}

/* The batch may have other vectors than the schema that the expression was made for: a column in
 * which no value was seen is text, though it was taken for a number. */
static void adapt_numbers(struct run *r, struct vnode *n, const struct column *c,
                          const uint64_t *mask)
{
    double *f = node_f(r, n);
    int64_t *k = node_i(r, n);
    for (uint32_t i = 0; i < r->rows; i++) {
        f[i] = 0;
        k[i] = 0;
        if (!column_valid(c, i))
            continue;
        if (c->type == TYPE_INTEGER) {
            f[i] = (double)c->v.i64[i];
            k[i] = c->v.i64[i];
        } else if (c->type == TYPE_FLOAT) {
            f[i] = c->v.f64[i];
            k[i] = fabs(f[i]) < 0x1p63 ? (int64_t)f[i] : 0;
        }
        bool fits = c->type == TYPE_INTEGER ||
                    (c->type == TYPE_FLOAT && (!n->is_int || (double)k[i] == f[i])) ||
                    (c->text && (n->is_int ? num_parse_int(text_slice(c->text[i]), &k[i])
                                           : num_parse_float(text_slice(c->text[i]), &f[i])));
        if (!fits && bit_get(mask, i)) {
            struct quoted q;
            run_fail_row(r, i,
                         arena_printf(&r->e->scratch, "column '%s' is not %s",
                                      quote_str(&q, n->name),
                                      n->is_int ? "an integer" : "a number"));
        }
    }
    n->out.f = f;
    n->out.i = k;
}

static void adapt_strings(struct run *r, struct vnode *n, const struct column *c)
{
    struct buf tmp = BUF_INIT(BUF_UNBOUNDED);
    struct text *s = node_s(r, n);
    struct arena *mem = node_bytes(r, n);
    for (uint32_t i = 0; i < r->rows; i++) {
        s[i] = (struct text){"", 0, 0};
        if (column_valid(c, i)) {
            struct slice t = arena_slice(mem, column_text(c, i, &tmp));
            s[i] = (struct text){t.p, (uint32_t)t.len, 0};
        }
    }
    buf_release(&tmp);
    n->out.s = s;
}

static void take_booleans(struct run *r, struct vnode *n, const struct column *c,
                          const uint64_t *mask)
{
    uint64_t *b = node_b(r, n);
    memset(b, 0, sizeof(uint64_t) * BATCH_WORDS);
    for (uint32_t i = 0; i < r->rows; i++) {
        bool yes = c->type == TYPE_BOOLEAN && c->v.b8[i] != 0;
        if (c->type != TYPE_BOOLEAN && column_valid(c, i)) {
            yes = c->text && slice_is(text_slice(c->text[i]), "true");
            if (!yes && !(c->text && slice_is(text_slice(c->text[i]), "false")) && bit_get(mask, i))
                run_fail_row(r, i, "a column that is not true or false");
        }
        b[i >> 6] |= (uint64_t)yes << (i & 63);
    }
    for (uint32_t w = 0; w < r->words; w++)
        b[w] &= c->valid[w];
    n->out.b = b;
}

static void run_field(struct run *r, struct vnode *n, const uint64_t *mask)
{
    const struct column *c = &r->in->cols[n->col];
    bool all = true;
    for (uint32_t w = 0; all && w < r->words; w++) {
        uint32_t left = r->rows - w * 64;
        uint64_t want = left >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << left) - 1;
        all = (c->valid[w] & want) == want;
    }
    n->out.valid = all ? NULL : c->valid;
    switch (n->vt) {
    case VT_NUM:
        if (c->type != (n->is_int ? TYPE_INTEGER : TYPE_FLOAT))
            adapt_numbers(r, n, c, mask);
        else if (n->is_int)
            n->out.i = c->v.i64;
        else
            n->out.f = c->v.f64;
        break;
    case VT_BOOL:
        take_booleans(r, n, c, mask);
        break;
    default:
        if (c->text)
            n->out.s = c->text;
        else
            adapt_strings(r, n, c);
        break;
    }
}

/* n takes a's value where `first`, else b's. */
static void choose(struct run *r, struct vnode *n, struct vnode *a, struct vnode *b,
                   const uint64_t *first)
{
    uint64_t *valid = node_v(r, n);
    for (uint32_t w = 0; w < r->words; w++)
        valid[w] =
            (first[w] & valid_word(a->out.valid, w)) | (~first[w] & valid_word(b->out.valid, w));
    n->out.valid = valid;
    /* where one side is null for all rows, its values are never looked at */
    if (a->vt == VT_NULL)
        a = b;
    if (b->vt == VT_NULL)
        b = a;
    if (n->vt == VT_BOOL) {
        uint64_t *out = node_b(r, n);
        for (uint32_t w = 0; w < r->words; w++)
            out[w] = valid[w] & ((first[w] & a->out.b[w]) | (~first[w] & b->out.b[w]));
        n->out.b = out;
    } else if (n->vt == VT_NUM && n->is_int) {
        const int64_t *x = vec_i(r, a), *y = vec_i(r, b);
        int64_t *out = node_i(r, n);
        for (uint32_t i = 0; i < r->rows; i++)
            out[i] = bit_get(first, i) ? x[i] : y[i];
        n->out.i = out;
    } else if (n->vt == VT_NUM) {
        const double *x = vec_f(r, a), *y = vec_f(r, b);
        double *out = node_f(r, n);
        for (uint32_t i = 0; i < r->rows; i++)
            out[i] = bit_get(first, i) ? x[i] : y[i];
        n->out.f = out;
    } else if (n->vt == VT_STR) {
        const struct text *x = vec_s(r, a), *y = vec_s(r, b);
        struct text *out = node_s(r, n);
        for (uint32_t i = 0; i < r->rows; i++)
            out[i] = bit_get(first, i) ? x[i] : y[i];
        n->out.s = out;
    }
}

/* The right side only counts where the left does not decide. */
static void run_logic(struct run *r, struct vnode *n, const uint64_t *mask)
{
    uint64_t left[BATCH_WORDS], right[BATCH_WORDS], open[BATCH_WORDS];
    bool and = n->op == V_AND;
    expr_run_node(r, n->a, mask);
    truthy(r, n->a, left);
    for (uint32_t w = 0; w < r->words; w++)
        open[w] = mask[w] & (and? left[w] : ~left[w]);
    expr_run_node(r, n->b, open);
    truthy(r, n->b, right);
    uint64_t *out = node_b(r, n);
    for (uint32_t w = 0; w < r->words; w++)
        out[w] = and? left[w] & right[w] : left[w] | right[w];
    n->out.b = out;
}

static void run_not(struct run *r, struct vnode *n, const uint64_t *mask)
{
    uint64_t in[BATCH_WORDS], *out = node_b(r, n);
    expr_run_node(r, n->a, mask);
    truthy(r, n->a, in);
    for (uint32_t w = 0; w < r->words; w++)
        out[w] = ~in[w];
    n->out.b = out;
}

static void run_choice(struct run *r, struct vnode *n, const uint64_t *mask)
{
    uint64_t first[BATCH_WORDS], yes[BATCH_WORDS], no[BATCH_WORDS];
    expr_run_node(r, n->a, mask);
    truthy(r, n->a, first);
    for (uint32_t w = 0; w < r->words; w++) {
        yes[w] = mask[w] & first[w];
        no[w] = mask[w] & ~first[w];
    }
    if (n->op == V_IF) {
        expr_run_node(r, n->b, yes);
        expr_run_node(r, n->c, no);
        choose(r, n, n->b, n->c, first);
    } else {
        expr_run_node(r, n->b, no);
        choose(r, n, n->a, n->b, first);
    }
}

void expr_run_node(struct run *r, struct vnode *n, const uint64_t *mask)
{
    switch (n->op) {
    case V_CONST:
        run_const(r, n);
        return;
    case V_FIELD:
        run_field(r, n, mask);
        return;
    case V_REF:
        n->out = n->a->out;
        return;
    case V_LET:
        expr_run_node(r, n->a, mask);
        expr_run_node(r, n->b, mask);
        n->out = n->b->out;
        if (n->b->op == V_CONST) { /* constants have no vectors until asked */
            n->out.f = n->vt == VT_NUM ? vec_f(r, n->b) : NULL;
            n->out.i = n->is_int ? vec_i(r, n->b) : NULL;
            n->out.s = n->vt == VT_STR ? vec_s(r, n->b) : NULL;
        }
        return;
    case V_AND:
    case V_OR:
        run_logic(r, n, mask);
        return;
    case V_NOT:
        run_not(r, n, mask);
        return;
    case V_IF:
    case V_ALT:
        run_choice(r, n, mask);
        return;
    default:
        break;
    }
    expr_run_node(r, n->a, mask);
    if (n->b)
        expr_run_node(r, n->b, mask);
    switch (n->op) {
    case V_ARITH:
        kernel_arith(r, n, mask);
        break;
    case V_NEGATE:
        kernel_negate(r, n, mask);
        break;
    case V_MATH1:
    case V_MATH2:
        kernel_math(r, n, mask);
        break;
    case V_COMPARE:
        kernel_compare(r, n);
        break;
    case V_TEST:
        kernel_test(r, n, mask);
        break;
    case V_TONUMBER:
        kernel_tonumber(r, n, mask);
        break;
    case V_TODATE:
        kernel_todate(r, n, mask);
        break;
    case V_FROMDATE:
        kernel_fromdate(r, n, mask);
        break;
    default:
        kernel_string(r, n, mask);
        break;
    }
}
