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

/* jq's order of kinds. */
static int json_rank(char c)
{
    switch (c) {
    case 'n':
        return 0;
    case 'f':
        return 1;
    case 't':
        return 2;
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

static int order_json(struct slice a, struct slice b)
{
    int ra = a.len ? json_rank(a.p[0]) : 0, rb = b.len ? json_rank(b.p[0]) : 0;
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
        return order_json(text_slice(a->text[ra]), text_slice(b->text[rb]));
    return slice_cmp(text_slice(a->text[ra]), text_slice(b->text[rb]));
}

void groups_init(struct groups *g, const struct schema *s, const uint32_t *cols, uint32_t ncols,
                 struct mem_account *acct)
{
    *g = (struct groups){.acct = acct, .mask = 63};
    rows_init_picked(&g->keys, s, cols, ncols, acct);
    g->slots = mem_alloc(acct, (g->mask + 1) * sizeof(*g->slots));
    memset(g->slots, 0, (g->mask + 1) * sizeof(*g->slots));
}

void groups_release(struct groups *g)
{
    rows_release(&g->keys);
    mem_release(g->acct, g->slots, (g->mask + 1) * sizeof(*g->slots));
    mem_release(g->acct, g->hash, g->cap * sizeof(*g->hash));
    *g = (struct groups){0};
}

static void grow_slots(struct groups *g)
{
    size_t old = g->mask + 1;
    g->mask = old * 2 - 1;
    mem_release(g->acct, g->slots, old * sizeof(*g->slots));
    g->slots = mem_alloc(g->acct, (g->mask + 1) * sizeof(*g->slots));
    memset(g->slots, 0, (g->mask + 1) * sizeof(*g->slots));
    for (uint32_t i = 0; i < g->n; i++) {
        size_t at = (size_t)g->hash[i] & g->mask;
        while (g->slots[at])
            at = (at + 1) & g->mask;
        g->slots[at] = i + 1;
    }
}

static uint32_t group_add(struct groups *g, uint64_t hash, size_t slot)
{
    if (g->n == g->cap) {
        size_t cap = g->cap ? g->cap * 2 : 64;
        g->hash = mem_resize(g->acct, g->hash, g->cap * sizeof(*g->hash), cap * sizeof(*g->hash));
        g->cap = cap;
    }
    g->hash[g->n] = hash;
    g->slots[slot] = g->n + 1;
    return g->n++;
}

/* Is group `id` the key of `row`? Groups from `base` on were found in this batch and are not in
 * the rows yet: their keys stand at fresh[id - base]. */
static bool group_is(const struct groups *g, uint32_t id, uint32_t base, const uint32_t *fresh,
                     const struct batch *b, const uint32_t *cols, uint32_t row)
{
    for (uint32_t k = 0; k < g->keys.ncols; k++) {
        const struct column *have = NULL;
        uint32_t at;
        if (id >= base) {
            at = fresh[id - base];
            have = &b->cols[cols[k]];
        } else {
            have = rows_at(&g->keys, k, id, &at);
        }
        if (!value_same(have, at, &b->cols[cols[k]], row))
            return false;
    }
    return true;
}

bool groups_find(struct groups *g, const struct batch *b, const uint32_t *cols,
                 const uint64_t *hashes, const uint32_t *list, uint32_t n, uint32_t *out,
                 struct err *err)
{
    uint32_t base = g->n, fresh[BATCH_ROWS];
    for (uint32_t i = 0; i < n; i++) {
        uint32_t row = list ? list[i] : i;
        uint64_t h = hashes[row];
        if ((size_t)g->n * 2 >= g->mask)
            grow_slots(g);
        size_t at = (size_t)h & g->mask;
        for (;;) {
            uint32_t id = g->slots[at];
            if (!id) {
                fresh[g->n - base] = row;
                out[i] = group_add(g, h, at);
                break;
            }
            if (g->hash[id - 1] == h && group_is(g, id - 1, base, fresh, b, cols, row)) {
                out[i] = id - 1;
                break;
            }
            at = (at + 1) & g->mask;
        }
    }
    if (g->n > ROWS_MAX)
        return err_set(err, ERR_ENV, "more than %u groups", (unsigned)ROWS_MAX);
    return rows_append(&g->keys, b, cols, fresh, g->n - base, err);
}
