/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Strings of the vector engine: jq counts code points, compares bytes, and knows case in ASCII
 * only. Where a result is part of its input it points there; bytes that are new go to an arena of
 * the batch, one block per row and operation.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/num.h"
#include "json/json.h"
#include "pipeline/expr_int.h"

/* For each row that is wanted and not null. */
#define EACH_ROW(i, rows, bits)           \
    for (uint32_t i = 0; i < (rows); i++) \
        if (bit_get((bits), i))

static size_t code_points(struct text t)
{
    size_t n = 0;
    for (uint32_t i = 0; i < t.len; i++)
        n += ((unsigned char)t.p[i] & 0xC0) != 0x80;
    return n;
}

/* Bytes of the first `k` code points. */
static uint32_t skip_points(struct text t, size_t k)
{
    uint32_t i = 0;
    while (k > 0 && i < t.len) {
        i++;
        while (i < t.len && ((unsigned char)t.p[i] & 0xC0) == 0x80)
            i++;
        k--;
    }
    return i;
}

/* Where `what` stands first in `in`, from `at` on; SIZE_MAX when nowhere. */
static size_t find(struct text in, size_t at, struct text what)
{
    if (what.len == 0)
        return at;
    while (at + what.len <= in.len) {
        const char *p = memchr(in.p + at, what.p[0], in.len - what.len + 1 - at);
        if (!p)
            break;
        if (memcmp(p, what.p, what.len) == 0)
            return (size_t)(p - in.p);
        at = (size_t)(p - in.p) + 1;
    }
    return SIZE_MAX;
}

static bool starts(struct text t, struct text prefix)
{
    return t.len >= prefix.len && (prefix.len == 0 || memcmp(t.p, prefix.p, prefix.len) == 0);
}

static bool ends(struct text t, struct text suffix)
{
    return t.len >= suffix.len &&
           (suffix.len == 0 || memcmp(t.p + t.len - suffix.len, suffix.p, suffix.len) == 0);
}

/* jq 1.6 looks with strstr: nothing behind a NUL is seen. */
static struct text until_nul(struct text t)
{
    const char *nul = t.len ? memchr(t.p, 0, t.len) : NULL;
    if (nul)
        t.len = (uint32_t)(nul - t.p);
    return t;
}

static const char *null_reason(enum vop op)
{
    switch (op) {
    case V_BYTES:
        return "utf8bytelength needs a string, not null";
    case V_CASE:
        return "ascii_downcase and ascii_upcase need a string, not null";
    case V_PREFIX:
        return "startswith needs strings, not null";
    case V_SUFFIX:
        return "endswith needs strings, not null";
    case V_CONTAINS:
        return "contains needs two strings, not null";
    default:
        return "split needs a string, not null";
    }
}

/* Rows that are wanted but null fail; the others come out in `live`. */
static void demand(struct run *r, const struct vnode *n, const uint64_t *mask, uint64_t *live)
{
    uint64_t bad[BATCH_WORDS];
    both_valid(r, n->a, n->b, mask, live);
    for (uint32_t w = 0; w < r->words; w++)
        bad[w] = mask[w] & ~live[w];
    run_fail(r, bad, mask, null_reason(n->op));
}

static void concat(struct run *r, struct vnode *n, const uint64_t *mask)
{
    const struct text *x = vec_s(r, n->a), *y = vec_s(r, n->b);
    const uint64_t *vx = n->a->out.valid, *vy = n->b->out.valid;
    uint64_t *valid = node_v(r, n);
    struct text *s = node_s(r, n);
    struct arena *mem = node_bytes(r, n);
    for (uint32_t w = 0; w < r->words; w++)
        valid[w] = valid_word(vx, w) | valid_word(vy, w);
    EACH_ROW(i, r->rows, mask)
    {
        uint32_t xl = !vx || bit_get(vx, i) ? x[i].len : 0;
        uint32_t yl = !vy || bit_get(vy, i) ? y[i].len : 0;
        if (xl > UINT32_MAX - yl) {
            run_fail_row(r, i, "a string longer than 4 GiB");
            s[i] = (struct text){"", 0, 0};
            continue;
        }
        char *p = arena_bytes(mem, (size_t)xl + yl);
        if (xl)
            memcpy(p, x[i].p, xl);
        if (yl)
            memcpy(p + xl, y[i].p, yl);
        s[i] = (struct text){p, xl + yl, 0};
    }
    n->out.valid = valid;
    n->out.s = s;
}

static void length(struct run *r, struct vnode *n)
{
    const uint64_t *valid = n->a->out.valid;
    double *f = node_f(r, n);
    const struct text *s = n->a->vt == VT_STR ? vec_s(r, n->a) : NULL;
    const double *x = n->a->vt == VT_NUM ? vec_f(r, n->a) : NULL;
    for (uint32_t i = 0; i < r->rows; i++) {
        if ((valid && !bit_get(valid, i)) || n->a->vt == VT_NULL)
            f[i] = 0;
        else
            f[i] = s ? (double)code_points(s[i]) : fabs(x[i]);
    }
    n->out.f = f;
}

static void bytes(struct run *r, struct vnode *n, const uint64_t *mask)
{
    uint64_t live[BATCH_WORDS];
    const struct text *s = vec_s(r, n->a);
    double *f = node_f(r, n);
    demand(r, n, mask, live);
    for (uint32_t i = 0; i < r->rows; i++)
        f[i] = s[i].len;
    n->out.f = f;
}

static void change_case(struct run *r, struct vnode *n, const uint64_t *mask)
{
    uint64_t live[BATCH_WORDS];
    const struct text *x = vec_s(r, n->a);
    struct text *s = node_s(r, n);
    struct arena *mem = node_bytes(r, n);
    char lo = n->upper ? 'a' : 'A', hi = n->upper ? 'z' : 'Z';
    demand(r, n, mask, live);
    EACH_ROW(i, r->rows, live)
    {
        uint32_t k = 0;
        while (k < x[i].len && (x[i].p[k] < lo || x[i].p[k] > hi))
            k++;
        s[i] = (struct text){x[i].p, x[i].len, 0};
        if (k == x[i].len)
            continue;
        char *p = arena_bytes(mem, x[i].len);
        memcpy(p, x[i].p, x[i].len);
        for (; k < x[i].len; k++) {
            if (p[k] >= lo && p[k] <= hi)
                p[k] = (char)(p[k] ^ 0x20);
        }
        s[i].p = p;
    }
    n->out.s = s;
}

/* startswith, endswith, contains */
static void look(struct run *r, struct vnode *n, const uint64_t *mask)
{
    uint64_t live[BATCH_WORDS], *b = node_b(r, n);
    const struct text *x = vec_s(r, n->a), *y = vec_s(r, n->b);
    if (n->op == V_CONTAINS) { /* null contains null */
        uint64_t bad[BATCH_WORDS];
        both_valid(r, n->a, n->b, mask, live);
        for (uint32_t w = 0; w < r->words; w++) {
            uint64_t nx = ~valid_word(n->a->out.valid, w), ny = ~valid_word(n->b->out.valid, w);
            bad[w] = nx ^ ny;
            b[w] = nx & ny;
        }
        run_fail(r, bad, mask, null_reason(n->op));
    } else {
        demand(r, n, mask, live);
        memset(b, 0, sizeof(uint64_t) * BATCH_WORDS);
    }
    EACH_ROW(i, r->rows, live)
    {
        bool yes;
        if (n->op == V_PREFIX) {
            yes = starts(x[i], y[i]);
        } else if (n->op == V_SUFFIX) {
            yes = ends(x[i], y[i]);
        } else {
            struct text in = until_nul(x[i]);
            yes = find(in, 0, until_nul(y[i])) != SIZE_MAX;
        }
        b[i >> 6] |= (uint64_t)yes << (i & 63);
    }
    n->out.b = b;
}

static void trim(struct run *r, struct vnode *n)
{
    uint64_t live[BATCH_WORDS], all[BATCH_WORDS];
    const struct text *x = vec_s(r, n->a), *y = vec_s(r, n->b);
    struct text *s = node_s(r, n);
    memset(all, 0xFF, sizeof(all));
    both_valid(r, n->a, n->b, all, live);
    for (uint32_t i = 0; i < r->rows; i++) {
        s[i] = x[i];
        if (!bit_get(live, i))
            continue;
        bool cut = n->op == V_LTRIM ? starts(x[i], y[i]) : ends(x[i], y[i]);
        if (!cut)
            continue;
        s[i].len -= y[i].len;
        s[i].flags = 0;
        if (n->op == V_LTRIM)
            s[i].p += y[i].len;
    }
    n->out.valid = n->a->out.valid;
    n->out.s = s;
}

/* [from:to] by code points: from is rounded down, to up, both count from the end when negative. */
static void slice(struct run *r, struct vnode *n, const uint64_t *mask)
{
    uint64_t live[BATCH_WORDS];
    const struct text *x = vec_s(r, n->a);
    struct text *s = node_s(r, n);
    both_valid(r, n->a, NULL, mask, live);
    EACH_ROW(i, r->rows, live)
    {
        size_t points = code_points(x[i]);
        double len = (double)points, from = n->has_from ? n->from : 0, to = n->has_to ? n->to : len;
        from += from < 0 ? len : 0;
        to += to < 0 ? len : 0;
        from = from < 0 ? 0 : from > len ? len : from;
        to = to > len ? len : to < from ? from : to;
        size_t a = (size_t)from, b = (size_t)ceil(to);
        uint32_t start = points == x[i].len ? (uint32_t)a : skip_points(x[i], a);
        struct text rest = {x[i].p + start, x[i].len - start, 0};
        rest.len = points == x[i].len ? (uint32_t)(b - a) : skip_points(rest, b - a);
        s[i] = rest;
    }
    n->out.valid = n->a->out.valid;
    n->out.s = s;
}

/* split(b)[from] */
static void split(struct run *r, struct vnode *n, const uint64_t *mask)
{
    uint64_t bad[BATCH_WORDS], *valid = node_v(r, n);
    const struct text *x = vec_s(r, n->a);
    struct text sep = n->b->ks, *s = node_s(r, n);
    both_valid(r, n->a, NULL, mask, valid);
    for (uint32_t w = 0; w < r->words; w++)
        bad[w] = mask[w] & ~valid[w];
    run_fail(r, bad, mask, null_reason(n->op));
    EACH_ROW(i, r->rows, valid)
    {
        int64_t want = (int64_t)n->from;
        size_t at = 0, end;
        if (want < 0) {
            int64_t parts = 1;
            while ((end = find(x[i], at, sep)) != SIZE_MAX) {
                parts++;
                at = end + sep.len;
            }
            want += parts;
            at = 0;
        }
        bool found = want >= 0 && x[i].len > 0;
        while (found && want > 0) {
            end = find(x[i], at, sep);
            found = end != SIZE_MAX;
            at = found ? end + sep.len : at;
            want--;
        }
        if (!found) {
            valid[i >> 6] &= ~(UINT64_C(1) << (i & 63));
            continue;
        }
        end = find(x[i], at, sep);
        if (end == SIZE_MAX)
            end = x[i].len;
        s[i] = (struct text){x[i].p + at, (uint32_t)(end - at), 0};
    }
    n->out.valid = valid;
    n->out.s = s;
}

static size_t number_text(char out[NUM_TEXT_MAX], double d)
{
    if (d == 0 && signbit(d)) { /* text keeps the sign, as in jq */
        memcpy(out, "-0", 3);
        return 2;
    }
    /* jq shows the infinities as the largest double, NaN as null */
    return num_format_double(out, isinf(d) ? (d > 0 ? DBL_MAX : -DBL_MAX) : d);
}

static void to_string(struct run *r, struct vnode *n, const uint64_t *mask)
{
    const uint64_t *valid = n->a->out.valid;
    struct text *s = node_s(r, n);
    struct arena *mem = node_bytes(r, n);
    const struct text *x = n->a->vt == VT_STR ? vec_s(r, n->a) : NULL;
    const double *f = n->a->vt == VT_NUM && !n->a->is_int ? vec_f(r, n->a) : NULL;
    const int64_t *k = n->a->is_int ? vec_i(r, n->a) : NULL;
    EACH_ROW(i, r->rows, mask)
    {
        char text[NUM_TEXT_MAX];
        size_t len;
        if ((valid && !bit_get(valid, i)) || n->a->vt == VT_NULL) {
            s[i] = (struct text){"null", 4, 0};
        } else if (x) {
            s[i] = (struct text){x[i].p, x[i].len, 0};
        } else if (n->a->vt == VT_BOOL) {
            bool yes = bit_get(n->a->out.b, i);
            s[i] = (struct text){yes ? "true" : "false", yes ? 4 : 5, 0};
        } else {
            len = k ? num_format_int(text, k[i]) : number_text(text, f[i]);
            char *p = arena_bytes(mem, len);
            memcpy(p, text, len);
            s[i] = (struct text){p, (uint32_t)len, 0};
        }
    }
    n->out.s = s;
}

static void type_of(struct run *r, struct vnode *n)
{
    const uint64_t *valid = n->a->out.valid;
    const char *name = vt_name(n->a->vt);
    struct text is = {name, (uint32_t)strlen(name), 0}, *s = node_s(r, n);
    for (uint32_t i = 0; i < r->rows; i++)
        s[i] = !valid || bit_get(valid, i) ? is : (struct text){"null", 4, 0};
    n->out.s = s;
}

static void number_kind(struct run *r, struct vnode *n)
{
    uint64_t *b = node_b(r, n);
    memset(b, 0, sizeof(uint64_t) * BATCH_WORDS);
    if (n->a->vt == VT_NUM) {
        const double *x = vec_f(r, n->a);
        for (uint32_t i = 0; i < r->rows; i++) {
            bool yes = n->op == V_ISNAN   ? isnan(x[i])
                       : n->op == V_ISINF ? isinf(x[i])
                                          : isnormal(x[i]);
            b[i >> 6] |= (uint64_t)yes << (i & 63);
        }
        for (uint32_t w = 0; w < r->words; w++)
            b[w] &= valid_word(n->a->out.valid, w);
    }
    n->out.b = b;
}

void kernel_string(struct run *r, struct vnode *n, const uint64_t *mask)
{
    switch (n->op) {
    case V_CONCAT:
        concat(r, n, mask);
        break;
    case V_LENGTH:
        length(r, n);
        break;
    case V_BYTES:
        bytes(r, n, mask);
        break;
    case V_CASE:
        change_case(r, n, mask);
        break;
    case V_PREFIX:
    case V_SUFFIX:
    case V_CONTAINS:
        look(r, n, mask);
        break;
    case V_LTRIM:
    case V_RTRIM:
        trim(r, n);
        break;
    case V_SLICE:
        slice(r, n, mask);
        break;
    case V_SPLIT:
        split(r, n, mask);
        break;
    case V_TOSTRING:
        to_string(r, n, mask);
        break;
    case V_TYPE:
        type_of(r, n);
        break;
    case V_ISNAN:
    case V_ISINF:
    case V_ISNORMAL:
        number_kind(r, n);
        break;
    default:
        BUG("no kernel for operation %d", (int)n->op);
    }
}
