/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sort: keeps all rows, then merges runs of row numbers. Stable; nulls first, last for a descending
 * column. The first key's order is coarsened into 64 bits beside each row number, so most
 * comparisons touch no row. */
#include <math.h>
#include <string.h>

#include "engine/keys.h"
#include "engine/op.h"

struct sort_item {
    uint64_t prefix;
    uint32_t row;
};
struct sort {
    struct rows rows;
    struct mem_account *acct;
    const struct sort_key *by;
    uint32_t n;
};

static bool sort_open(struct oper *op, struct err *err)
{
    (void)err;
    const struct stage *s = op->stage;
    const struct schema *in = &op->e->p->stages[s->inputs[0]].schema;
    struct sort *st = ARENA_NEW(&op->mem, struct sort);
    uint64_t *keep = NULL;
    if (s->live) {
        keep = arena_memdup(&op->mem, s->live, (in->n + 63) / 64 * sizeof(*keep));
        for (uint32_t k = 0; k < s->u.sort.n; k++)
            bit_set(keep, s->u.sort.by[k].index);
    }
    rows_init(&st->rows, in, keep, op->acct);
    st->acct = op->acct;
    st->by = s->u.sort.by;
    st->n = s->u.sort.n;
    op->state = st;
    op->algorithm = "merge";
    return true;
}

static bool sort_push(struct oper *op, struct lane *lane, uint32_t input, struct batch *b,
                      struct err *err)
{
    (void)lane, (void)input;
    struct sort *st = op->state;
    return rows_append(&st->rows, b, NULL, NULL, b->rows, err);
}

/* Never greater for a row that comes earlier: equal prefixes say nothing. */
static uint64_t prefix_of(const struct sort *st, uint32_t row)
{
    uint32_t at;
    const struct column *c = rows_at(&st->rows, st->by[0].index, row, &at);
    uint64_t x = 0;
    if (!column_valid(c, at)) {
        x = 0;
    } else if (c->type == TYPE_INTEGER) {
        x = (uint64_t)c->v.i64[at] ^ (UINT64_C(1) << 63);
    } else if (c->type == TYPE_FLOAT) {
        double d = c->v.f64[at] == 0 ? 0 : c->v.f64[at]; /* -0 equals 0 */
        memcpy(&x, &d, sizeof(x));
        x = x >> 63 ? ~x : x | UINT64_C(1) << 63;
    } else if (c->type == TYPE_BOOLEAN) {
        x = 1u + c->v.b8[at];
    } else if (c->type != TYPE_JSON) {
        unsigned char head[8] = {0};
        size_t n = c->text[at].len < 8 ? c->text[at].len : 8;
        if (n)
            memcpy(head, c->text[at].p, n);
        for (int i = 0; i < 8; i++)
            x = x << 8 | head[i];
    }
    return st->by[0].descending ? ~x : x;
}

static int order_rows(const struct sort *st, const struct sort_item *a, const struct sort_item *b)
{
    if (a->prefix != b->prefix)
        return a->prefix < b->prefix ? -1 : 1;
    for (uint32_t k = 0; k < st->n; k++) {
        uint32_t ia, ib;
        const struct column *ca = rows_at(&st->rows, st->by[k].index, a->row, &ia);
        const struct column *cb = rows_at(&st->rows, st->by[k].index, b->row, &ib);
        int order = value_order(ca, ia, cb, ib);
        if (order)
            return st->by[k].descending ? -order : order;
    }
    return 0;
}

#define RUN 16

static void sort_run(const struct sort *st, struct sort_item *v, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct sort_item x = v[i];
        size_t j = i;
        for (; j > 0 && order_rows(st, &v[j - 1], &x) > 0; j--)
            v[j] = v[j - 1];
        v[j] = x;
    }
}

static void merge(const struct sort *st, const struct sort_item *a, size_t na,
                  const struct sort_item *b, size_t nb, struct sort_item *out)
{
    while (na && nb) {
        if (order_rows(st, a, b) <= 0) {
            *out++ = *a++;
            na--;
        } else {
            *out++ = *b++;
            nb--;
        }
    }
    memcpy(out, a, na * sizeof(*a));
    memcpy(out + na, b, nb * sizeof(*b));
}

/* Bottom-up merge sort; gives whichever of the two arrays holds the result. */
static struct sort_item *sort_items(const struct sort *st, struct sort_item *v,
                                    struct sort_item *tmp, size_t n)
{
    for (size_t i = 0; i < n; i += RUN)
        sort_run(st, v + i, n - i < RUN ? n - i : RUN);
    for (size_t width = RUN; width < n; width *= 2) {
        for (size_t i = 0; i < n; i += 2 * width) {
            size_t na = n - i < width ? n - i : width;
            size_t nb = n - i - na < width ? n - i - na : width;
            /* Runs that are in order already are only copied. */
            if (nb && order_rows(st, &v[i + na - 1], &v[i + na]) <= 0)
                memcpy(tmp + i, v + i, (na + nb) * sizeof(*v));
            else
                merge(st, v + i, na, v + i + na, nb, tmp + i);
        }
        struct sort_item *t = v;
        v = tmp;
        tmp = t;
    }
    return v;
}

static bool emit_sorted(struct oper *op, struct lane *lane, const struct sort_item *v,
                        struct err *err)
{
    struct sort *st = op->state;
    uint32_t ids[BATCH_ROWS];
    for (uint64_t from = 0; from < st->rows.n; from += BATCH_ROWS) {
        if (engine_stopped(op->e, err))
            return false;
        uint64_t left = st->rows.n - from;
        struct batch *out = batch_new(st->rows.ncols, op->acct);
        out->rows = left < BATCH_ROWS ? (uint32_t)left : BATCH_ROWS;
        for (uint32_t i = 0; i < out->rows; i++)
            ids[i] = v[from + i].row;
        for (uint32_t c = 0; c < st->rows.ncols; c++)
            rows_gather(&st->rows, c, ids, out->rows, out, c);
        bool ok = op_emit(op, lane, out, err);
        batch_unref(out);
        if (!ok)
            return false;
    }
    return true;
}

static bool sort_finish(struct oper *op, struct lane *lane, uint32_t input, struct err *err)
{
    (void)input;
    struct sort *st = op->state;
    size_t n = (size_t)st->rows.n, size = (n ? n : 1) * sizeof(struct sort_item);
    struct sort_item *v = mem_alloc(st->acct, size), *tmp = mem_alloc(st->acct, size);
    for (size_t i = 0; i < n; i++)
        v[i] = (struct sort_item){prefix_of(st, (uint32_t)i), (uint32_t)i};
    bool ok = emit_sorted(op, lane, sort_items(st, v, tmp, n), err);
    mem_release(st->acct, v, size);
    mem_release(st->acct, tmp, size);
    return ok;
}

static void sort_close(struct oper *op)
{
    struct sort *st = op->state;
    if (st)
        rows_release(&st->rows);
}

const struct op_class op_sort_class = {
    .open = sort_open, .push = sort_push, .finish = sort_finish, .close = sort_close};
