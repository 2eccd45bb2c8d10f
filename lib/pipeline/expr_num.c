/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Numbers and comparisons of the vector engine, as jq 1.6 computes them: doubles throughout, except
 * that integers compare exactly.
 */
#include <math.h>
#include <string.h>

#include "pipeline/expr_int.h"

/* mask & not valid, for "null cannot be …". */
static bool null_rows(const struct run *r, const struct vnode *a, const struct vnode *b,
                      const uint64_t *mask, uint64_t *out)
{
    uint64_t any = 0;
    both_valid(r, a, b, mask, out);
    for (uint32_t w = 0; w < r->words; w++) {
        out[w] = mask[w] & ~out[w];
        any |= out[w];
    }
    return any != 0;
}

/* null + x is x. */
static void add(struct run *r, struct vnode *n)
{
    const double *x = vec_f(r, n->a), *y = vec_f(r, n->b);
    const uint64_t *vx = n->a->out.valid, *vy = n->b->out.valid;
    double *f = node_f(r, n);
    if (!vx && !vy) {
        for (uint32_t i = 0; i < r->rows; i++)
            f[i] = x[i] + y[i];
        n->out.valid = NULL;
        return;
    }
    uint64_t *valid = node_v(r, n);
    for (uint32_t w = 0; w < r->words; w++)
        valid[w] = valid_word(vx, w) | valid_word(vy, w);
    for (uint32_t i = 0; i < r->rows; i++) {
        bool has_x = !vx || bit_get(vx, i), has_y = !vy || bit_get(vy, i);
        f[i] = has_x && has_y ? x[i] + y[i] : has_x ? x[i] : y[i];
    }
    n->out.valid = valid;
}

/* jq 1.6: both sides cut to 64-bit integers, the sign of the dividend. What does not fit becomes
 * INT64_MIN, as the processor of its builds makes it. */
static int64_t to_int64(double d)
{
    return d >= -0x1p63 && d < 0x1p63 ? (int64_t)d : INT64_MIN;
}

static void modulo(struct run *r, const double *x, const double *y, double *f, uint64_t *zero)
{
    for (uint32_t i = 0; i < r->rows; i++) {
        int64_t a = to_int64(x[i]), b = to_int64(y[i]);
        if (b == 0)
            bit_set(zero, i);
        f[i] = b == 0 || b == -1 ? 0 : (double)(a % b);
    }
}

void kernel_arith(struct run *r, struct vnode *n, const uint64_t *mask)
{
    static const char *const null_reason[] = {"", "null cannot be subtracted",
                                              "null cannot be multiplied", "null cannot be divided",
                                              "null cannot be divided (remainder)"};
    uint64_t bad[BATCH_WORDS] = {0};
    if (n->bop == OP_ADD) {
        add(r, n);
        n->out.f = n->fbuf;
        return;
    }
    const double *x = vec_f(r, n->a), *y = vec_f(r, n->b);
    double *f = node_f(r, n);
    if (null_rows(r, n->a, n->b, mask, bad))
        run_fail(r, bad, mask, null_reason[n->bop]);
    switch (n->bop) {
    case OP_SUB:
        for (uint32_t i = 0; i < r->rows; i++)
            f[i] = x[i] - y[i];
        break;
    case OP_MUL:
        for (uint32_t i = 0; i < r->rows; i++)
            f[i] = x[i] * y[i];
        break;
    case OP_DIV:
        memset(bad, 0, sizeof(bad));
        for (uint32_t i = 0; i < r->rows; i++) {
            bad[i >> 6] |= (uint64_t)(y[i] == 0) << (i & 63);
            f[i] = x[i] / (y[i] == 0 ? 1 : y[i]);
        }
        run_fail(r, bad, mask, "division by zero");
        break;
    default:
        memset(bad, 0, sizeof(bad));
        modulo(r, x, y, f, bad);
        run_fail(r, bad, mask, "division by zero (remainder)");
        break;
    }
    n->out.f = f;
    n->out.valid = NULL; /* null has failed */
}

void kernel_negate(struct run *r, struct vnode *n, const uint64_t *mask)
{
    uint64_t bad[BATCH_WORDS];
    const double *x = vec_f(r, n->a);
    double *f = node_f(r, n);
    if (null_rows(r, n->a, NULL, mask, bad))
        run_fail(r, bad, mask, "null cannot be negated");
    for (uint32_t i = 0; i < r->rows; i++)
        f[i] = -x[i];
    n->out.f = f;
}

void kernel_math(struct run *r, struct vnode *n, const uint64_t *mask)
{
    uint64_t bad[BATCH_WORDS];
    const double *x = vec_f(r, n->a), *y = n->b ? vec_f(r, n->b) : NULL;
    double *f = node_f(r, n);
    if (null_rows(r, n->a, n->b, mask, bad))
        run_fail(r, bad, mask, "a number is needed, not null");
    for (uint32_t i = 0; i < r->rows; i++) {
        if (bit_get(mask, i))
            f[i] = y ? n->math2(x[i], y[i]) : n->math1(x[i]);
    }
    n->out.f = f;
}

/* -- comparison -- */

/* One bit per row: EXPR of i. */
#define BITS(out, rows, EXPR)                                          \
    for (uint32_t w_ = 0; w_ * 64 < (rows); w_++) {                    \
        uint32_t left_ = (rows)-w_ * 64, m_ = left_ < 64 ? left_ : 64; \
        uint64_t x_ = 0;                                               \
        for (uint32_t j_ = 0; j_ < m_; j_++) {                         \
            uint32_t i = w_ * 64 + j_;                                 \
            x_ |= (uint64_t)(EXPR) << j_;                              \
        }                                                              \
        (out)[w_] = x_;                                                \
    }

/* Rows where a < b, a <= b, a == b by value; the other operators are their complements. */
enum base_cmp { CMP_LT, CMP_LE, CMP_EQ };

/* jq 1.6 puts NaN below every number, and below NaN. */
static void compare_f(uint32_t rows, const double *a, const double *b, enum base_cmp cmp,
                      uint64_t *out)
{
    if (cmp == CMP_LT) {
        BITS(out, rows, (a[i] < b[i]) | (a[i] != a[i]));
    } else if (cmp == CMP_LE) {
        BITS(out, rows, (a[i] <= b[i]) | (a[i] != a[i]));
    } else {
        BITS(out, rows, a[i] == b[i]);
    }
}

static void compare_fk(uint32_t rows, const double *a, double k, enum base_cmp cmp, uint64_t *out)
{
    if (cmp == CMP_LT) {
        BITS(out, rows, (a[i] < k) | (a[i] != a[i]));
    } else if (cmp == CMP_LE) {
        BITS(out, rows, (a[i] <= k) | (a[i] != a[i]));
    } else {
        BITS(out, rows, a[i] == k);
    }
}

static void compare_i(uint32_t rows, const int64_t *a, const int64_t *b, enum base_cmp cmp,
                      uint64_t *out)
{
    if (cmp == CMP_LT) {
        BITS(out, rows, a[i] < b[i]);
    } else if (cmp == CMP_LE) {
        BITS(out, rows, a[i] <= b[i]);
    } else {
        BITS(out, rows, a[i] == b[i]);
    }
}

static void compare_ik(uint32_t rows, const int64_t *a, int64_t k, enum base_cmp cmp, uint64_t *out)
{
    if (cmp == CMP_LT) {
        BITS(out, rows, a[i] < k);
    } else if (cmp == CMP_LE) {
        BITS(out, rows, a[i] <= k);
    } else {
        BITS(out, rows, a[i] == k);
    }
}

/* An integer and a double by value; NaN is below. */
static int cmp_mixed(int64_t i, double d)
{
    if (d != d)
        return 1;
    if (d >= 0x1p63)
        return -1;
    if (d < -0x1p63)
        return 1;
    double whole = floor(d);
    int64_t k = (int64_t)whole;
    if (i != k)
        return i < k ? -1 : 1;
    return d > whole ? -1 : 0;
}

static void compare_mixed(uint32_t rows, const int64_t *a, const double *b, bool swapped,
                          enum base_cmp cmp, uint64_t *out)
{
    /* swapped: the double stands on the left */
    if (cmp == CMP_EQ) {
        BITS(out, rows, cmp_mixed(a[i], b[i]) == 0);
    } else if (cmp == CMP_LT) {
        BITS(out, rows, swapped ? cmp_mixed(a[i], b[i]) > 0 : cmp_mixed(a[i], b[i]) < 0);
    } else {
        BITS(out, rows, swapped ? cmp_mixed(a[i], b[i]) >= 0 : cmp_mixed(a[i], b[i]) <= 0);
    }
}

static void compare_numbers(struct run *r, const struct vnode *n, enum base_cmp cmp, uint64_t *out)
{
    struct vnode *a = n->a, *b = n->b;
    bool ia = a->is_int, ib = b->is_int;
    if (ia && ib && b->op == V_CONST)
        compare_ik(r->rows, vec_i(r, a), b->ki, cmp, out);
    else if (ia && ib)
        compare_i(r->rows, vec_i(r, a), vec_i(r, b), cmp, out);
    else if (ia && a->op != V_CONST)
        compare_mixed(r->rows, vec_i(r, a), vec_f(r, b), false, cmp, out);
    else if (ib && b->op != V_CONST)
        compare_mixed(r->rows, vec_i(r, b), vec_f(r, a), true, cmp, out);
    else if (b->op == V_CONST)
        compare_fk(r->rows, vec_f(r, a), b->kf, cmp, out);
    else
        compare_f(r->rows, vec_f(r, a), vec_f(r, b), cmp, out);
}

static void compare_strings(struct run *r, const struct vnode *n, enum base_cmp cmp, uint64_t *out)
{
    const struct text *a = vec_s(r, n->a), *b = vec_s(r, n->b);
    uint64_t both[BATCH_WORDS], all[BATCH_WORDS];
    memset(all, 0xFF, sizeof(all));
    both_valid(r, n->a, n->b, all, both);
    if (cmp == CMP_EQ && n->b->op == V_CONST) {
        struct text k = n->b->ks;
        char first = k.len ? k.p[0] : 0;
        BITS(out, r->rows,
             a[i].len == k.len && bit_get(both, i) &&
                 (k.len == 0 || (a[i].p[0] == first && memcmp(a[i].p, k.p, k.len) == 0)));
    } else if (cmp == CMP_EQ) {
        BITS(out, r->rows,
             a[i].len == b[i].len && bit_get(both, i) &&
                 (a[i].len == 0 || memcmp(a[i].p, b[i].p, a[i].len) == 0));
    } else {
        int limit = cmp == CMP_LE;
        BITS(out, r->rows,
             bit_get(both, i) && slice_cmp(text_slice(a[i]), text_slice(b[i])) < limit);
    }
}

/* Different types, or one that is null throughout: their order is all there is. */
static void compare_types(struct run *r, const struct vnode *n, enum base_cmp cmp, uint64_t *out)
{
    const struct vnode *a = n->a, *b = n->b;
    bool ranked = a->vt != VT_BOOL && b->vt != VT_BOOL;
    for (uint32_t w = 0; w < r->words; w++) {
        if (ranked || a->vt != b->vt)
            out[w] = cmp != CMP_EQ && a->vt < b->vt ? ~UINT64_C(0) : 0;
        else if (cmp == CMP_EQ)
            out[w] = ~(a->out.b[w] ^ b->out.b[w]);
        else if (cmp == CMP_LT)
            out[w] = ~a->out.b[w] & b->out.b[w];
        else
            out[w] = ~a->out.b[w] | b->out.b[w];
    }
}

void kernel_compare(struct run *r, struct vnode *n)
{
    static const struct {
        enum base_cmp cmp;
        bool invert;
    } how[] = {[OP_EQ] = {CMP_EQ, false}, [OP_NE] = {CMP_EQ, true}, [OP_LT] = {CMP_LT, false},
               [OP_LE] = {CMP_LE, false}, [OP_GT] = {CMP_LE, true}, [OP_GE] = {CMP_LT, true}};
    enum base_cmp cmp = how[n->bop].cmp;
    uint64_t invert = how[n->bop].invert ? ~UINT64_C(0) : 0, *out = node_b(r, n);
    const uint64_t *va = n->a->out.valid, *vb = n->b->out.valid;
    if (n->a->vt == VT_NUM && n->b->vt == VT_NUM)
        compare_numbers(r, n, cmp, out);
    else if (n->a->vt == VT_STR && n->b->vt == VT_STR)
        compare_strings(r, n, cmp, out);
    else
        compare_types(r, n, cmp, out);
    for (uint32_t w = 0; w < r->words; w++) {
        uint64_t x = valid_word(va, w), y = valid_word(vb, w);
        /* null equals null and is less than everything else */
        uint64_t nulls = cmp == CMP_LT ? ~x & y : cmp == CMP_LE ? ~x : ~x & ~y;
        out[w] = ((out[w] & x & y) | (nulls & ~(x & y))) ^ invert;
    }
    n->out.b = out;
}
