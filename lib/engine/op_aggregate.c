/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Aggregate: groups by first appearance in a hash table, one state per group and measure. Without
 * `by` there is one group, also of no records. */
#include <string.h>

#include "base/num.h"
#include "engine/measure.h"
#include "engine/op.h"

struct aggregate {
    struct groups groups;
    bool total; /* no `by` */
    uint32_t nby, n;
    struct measure *measures;
};

static bool aggregate_open(struct oper *op, struct err *err)
{
    (void)err;
    const struct stage *s = op->stage;
    struct aggregate *g = ARENA_NEW(&op->mem, struct aggregate);
    g->nby = s->u.aggregate.by.n;
    g->total = g->nby == 0;
    g->n = s->u.aggregate.n;
    g->measures = ARENA_ARRAY(&op->mem, struct measure, g->n);
    groups_init(&g->groups, op_input_schema(op, 0), s->u.aggregate.by_index, g->nby, op->acct);
    for (uint32_t i = 0; i < g->n; i++) {
        const struct named_expr *m = &s->u.aggregate.measures[i];
        enum type type = m->expr ? expr_type(m->expr) : TYPE_NONE;
        if (measure_is_numeric(m->measure) && type != TYPE_INTEGER)
            type = TYPE_FLOAT;
        measure_init(&g->measures[i], m, type, &op->mem, op->acct);
        op_note_expr(op, m->name, m->expr);
    }
    op->state = g;
    op->algorithm = "hash";
    return true;
}

/* Column c of `vals`, in which no value was seen when types were found, as doubles: what is no
 * number fails. */
static void read_numbers(struct batch *vals, uint32_t c, struct expr_result *r)
{
    struct column src = vals->cols[c];
    column_alloc_rows(vals, c, TYPE_FLOAT, false, vals->rows);
    struct column *out = &vals->cols[c];
    for (uint32_t i = 0; i < vals->rows; i++) {
        out->v.f64[i] = 0;
        if (!column_valid(&src, i) || bit_get(r->failed, i))
            continue;
        if (src.text && num_parse_float(text_slice(src.text[i]), &out->v.f64[i])) {
            column_set_valid(out, i);
            continue;
        }
        if (!r->reason)
            r->reason = arena_zalloc(&vals->mem, BATCH_ROWS * sizeof(*r->reason));
        bit_set(r->failed, i);
        r->reason[i] = "not a number";
        r->nfailed++;
    }
}

/* Values of all measures for all rows; bits in `bad` where one of them failed. */
static struct batch *evaluate(struct oper *op, struct lane *lane, struct batch *b, uint64_t *bad,
                              struct err *err)
{
    struct aggregate *g = op->state;
    struct batch *vals = batch_new(g->n, op->acct);
    vals->rows = b->rows;
    batch_hold(vals, b);
    for (uint32_t i = 0; i < g->n; i++) {
        const struct named_expr *m = g->measures[i].spec;
        if (!m->expr)
            continue;
        struct expr_result r = {.nfailed = 0};
        bool ok = expr_eval(m->expr, b, vals, i, &r, err);
        enum type type = ok ? vals->cols[i].type : TYPE_NONE;
        if (ok && measure_is_numeric(m->measure) && !type_is_number(type))
            read_numbers(vals, i, &r);
        else if (ok && type != g->measures[i].type && g->measures[i].type == TYPE_FLOAT)
            column_convert(&(struct column){.type = vals->cols[i].type,
                                            .valid = vals->cols[i].valid,
                                            .text = vals->cols[i].text,
                                            .v = {vals->cols[i].v.i64}},
                           b->rows, TYPE_FLOAT, vals, i);
        if (ok && r.nfailed) {
            r.nfailed = 0;
            for (uint32_t w = 0; w < BATCH_WORDS; w++) {
                r.failed[w] &= ~bad[w];
                bad[w] |= r.failed[w];
                r.nfailed += (uint32_t)__builtin_popcountll(r.failed[w]);
            }
            ok = op_reject_rows(op, lane, b, &r, m->name, err);
        }
        if (!ok) {
            batch_unref(vals);
            return NULL;
        }
    }
    return vals;
}

static bool aggregate_push(struct oper *op, struct lane *lane, uint32_t input, struct batch *b,
                           struct err *err)
{
    (void)input;
    struct aggregate *g = op->state;
    uint64_t keep[BATCH_WORDS], bad[BATCH_WORDS] = {0}, hashes[BATCH_ROWS];
    uint32_t list[BATCH_ROWS], group[BATCH_ROWS];
    struct batch *vals = evaluate(op, lane, b, bad, err);
    if (!vals)
        return false;
    bits_all(keep, b->rows);
    for (uint32_t w = 0; w < BATCH_WORDS; w++)
        keep[w] &= ~bad[w];
    uint32_t n = bits_list(keep, b->rows, list);
    bool ok = true;
    if (g->total) {
        memset(group, 0, n * sizeof(*group));
    } else {
        const uint32_t *by = op->stage->u.aggregate.by_index;
        keys_hash(b, by, g->nby, hashes);
        ok = groups_find(&g->groups, b, by, hashes, list, n, group, err);
    }
    uint32_t ngroups = g->total ? 1 : g->groups.n;
    for (uint32_t i = 0; ok && i < g->n; i++) {
        measure_grow(&g->measures[i], ngroups);
        ok = measure_add(&g->measures[i], vals, i, list, n, group, err);
    }
    batch_unref(vals);
    return ok;
}

static bool aggregate_finish(struct oper *op, struct lane *lane, uint32_t input, struct err *err)
{
    (void)input;
    struct aggregate *g = op->state;
    uint32_t ngroups = g->total ? 1 : g->groups.n;
    for (uint32_t i = 0; i < g->n; i++) {
        measure_grow(&g->measures[i], ngroups);
        measure_finish(&g->measures[i], ngroups);
    }
    for (uint32_t from = 0; from < ngroups; from += BATCH_ROWS) {
        if (engine_stopped(op->e, err))
            return false;
        struct batch *out = batch_new(g->nby + g->n, op->acct);
        out->rows = ngroups - from < BATCH_ROWS ? ngroups - from : BATCH_ROWS;
        uint32_t ids[BATCH_ROWS];
        for (uint32_t i = 0; i < out->rows; i++)
            ids[i] = from + i;
        for (uint32_t k = 0; k < g->nby; k++)
            rows_gather(&g->groups.keys, k, ids, out->rows, out, k);
        bool ok = true;
        for (uint32_t i = 0; ok && i < g->n; i++)
            ok = measure_result(&g->measures[i], from, out, g->nby + i, err);
        ok = ok && op_emit(op, lane, out, err);
        batch_unref(out);
        if (!ok)
            return false;
    }
    return true;
}

static void aggregate_close(struct oper *op)
{
    struct aggregate *g = op->state;
    if (!g)
        return;
    for (uint32_t i = 0; i < g->n; i++)
        measure_release(&g->measures[i], g->groups.n);
    groups_release(&g->groups);
}

const struct op_class op_aggregate_class = {.open = aggregate_open,
                                            .push = aggregate_push,
                                            .finish = aggregate_finish,
                                            .close = aggregate_close};
