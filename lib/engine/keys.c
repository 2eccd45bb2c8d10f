/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keys. See keys.h. */
#include "engine/keys.h"

#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/num.h"
#include "json/json.h"

#define SEED UINT64_C(0x666f72656c696e65)
#define NULL_HASH UINT64_C(0x9ae16a3b2f90404f)
#define TWO_63 0x1p63

static uint64_t hash_double(double d)
{
    if (d >= -TWO_63 && d < TWO_63 && d == floor(d))
        return hash_u64((uint64_t)(int64_t)d, SEED);
    uint64_t bits;
    memcpy(&bits, &d, sizeof(bits));
    return hash_u64(bits, SEED + 1);
}

static uint64_t hash_value(const struct column *c, uint32_t row)
{
    switch (c->type) {
    case TYPE_INTEGER:
        return hash_u64((uint64_t)c->v.i64[row], SEED);
    case TYPE_FLOAT:
        return hash_double(c->v.f64[row]);
    case TYPE_BOOLEAN:
        return hash_u64(c->v.b8[row], SEED + 2);
    default:
        return hash_bytes(c->text[row].p, c->text[row].len, SEED);
    }
}

void keys_hash(const struct batch *b, const uint32_t *cols, uint32_t n, uint64_t *out)
{
    for (uint32_t i = 0; i < b->rows; i++)
        out[i] = SEED;
    for (uint32_t k = 0; k < n; k++) {
        const struct column *c = &b->cols[cols[k]];
        for (uint32_t i = 0; i < b->rows; i++) {
            uint64_t h = column_valid(c, i) ? hash_value(c, i) : NULL_HASH;
            out[i] = (out[i] * UINT64_C(0x9e3779b97f4a7c15)) ^ h;
        }
    }
    if (n > 1) {
        for (uint32_t i = 0; i < b->rows; i++)
            out[i] = hash_u64(out[i], SEED);
    }
}

void keys_null(const struct batch *b, const uint32_t *cols, uint32_t n, uint64_t *out)
{
    memset(out, 0, BATCH_WORDS * sizeof(*out));
    for (uint32_t k = 0; k < n; k++) {
        const uint64_t *valid = b->cols[cols[k]].valid;
        for (uint32_t w = 0; w < (b->rows + 63) / 64; w++)
            out[w] |= ~valid[w];
    }
    if (b->rows & 63)
        out[b->rows >> 6] &= (UINT64_C(1) << (b->rows & 63)) - 1;
}

int num_order_mixed(int64_t i, double d)
{
    if (d >= TWO_63)
        return -1;
    if (d < -TWO_63)
        return 1;
    int64_t whole = (int64_t)d; /* towards zero */
    if (i != whole)
        return i < whole ? -1 : 1;
    double rest = d - (double)whole; /* exact: |d| with a fraction is below 2^52 */
    return rest > 0 ? -1 : rest < 0 ? 1 : 0;
}

static int order_numbers(const struct column *a, uint32_t ra, const struct column *b, uint32_t rb)
{
    if (a->type == TYPE_INTEGER && b->type == TYPE_INTEGER) {
        int64_t x = a->v.i64[ra], y = b->v.i64[rb];
        return (x > y) - (x < y);
    }
    if (a->type == TYPE_INTEGER)
        return num_order_mixed(a->v.i64[ra], b->v.f64[rb]);
    if (b->type == TYPE_INTEGER)
        return -num_order_mixed(b->v.i64[rb], a->v.f64[ra]);
    double x = a->v.f64[ra], y = b->v.f64[rb];
    return (x > y) - (x < y);
}

bool value_same(const struct column *a, uint32_t ra, const struct column *b, uint32_t rb)
{
    bool va = column_valid(a, ra), vb = column_valid(b, rb);
    if (!va || !vb)
        return va == vb;
    if (type_is_number(a->type))
        return type_is_number(b->type) && order_numbers(a, ra, b, rb) == 0;
    if (a->type == TYPE_BOOLEAN)
        return b->type == TYPE_BOOLEAN && a->v.b8[ra] == b->v.b8[rb];
    if (type_is_number(b->type) || b->type == TYPE_BOOLEAN)
        return false;
    const struct text *x = &a->text[ra], *y = &b->text[rb];
    return x->len == y->len && (x->len == 0 || memcmp(x->p, y->p, x->len) == 0);
}

/* As jq orders kinds. */
int json_kind_order(struct slice text)
{
    switch (text.len ? text.p[0] : 'n') {
    case 'n':
        return 0;
    case 'f':
        return 1;
    case 't':
        return JSON_KIND_TRUE;
    case '"':
        return 4;
    case '[':
        return 5;
    case '{':
        return 6;
    default:
        return 3;
    }
}

int json_order(struct slice a, struct slice b)
{
    int ra = json_kind_order(a), rb = json_kind_order(b);
    if (ra != rb)
        return ra - rb;
    if (ra == 3) {
        int64_t i, k;
        double x = 0, y = 0;
        char ca = num_classify(a, &i, &x), cb = num_classify(b, &k, &y);
        if (ca == 'i' && cb == 'i')
            return (i > k) - (i < k);
        return (x > y) - (x < y);
    }
    if (ra != 4)
        return slice_cmp(a, b);
    struct buf x = BUF_INIT(BUF_UNBOUNDED), y = BUF_INIT(BUF_UNBOUNDED);
    json_unquote(&x, slice_of(a.p + 1, a.len >= 2 ? a.len - 2 : 0));
    json_unquote(&y, slice_of(b.p + 1, b.len >= 2 ? b.len - 2 : 0));
    int order = slice_cmp(buf_slice(&x), buf_slice(&y));
    buf_release(&x);
    buf_release(&y);
    return order;
}

int value_order(const struct column *a, uint32_t ra, const struct column *b, uint32_t rb)
{
    bool va = column_valid(a, ra), vb = column_valid(b, rb);
    if (!va || !vb)
        return (int)va - (int)vb;
    if (type_is_number(a->type))
        return order_numbers(a, ra, b, rb);
    if (a->type == TYPE_BOOLEAN)
        return (int)a->v.b8[ra] - (int)b->v.b8[rb];
    if (a->type == TYPE_JSON)
        return json_order(text_slice(a->text[ra]), text_slice(b->text[rb]));
    return slice_cmp(text_slice(a->text[ra]), text_slice(b->text[rb]));
}
