/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Operators that cut and put together: union, limit. */
#include "engine/op.h"
#include "engine/rows.h"

/* -- union: by name, columns in the order of the first input -- */

struct unite {
    uint32_t **from; /* input, output column -> input column */
    bool *same;      /* input needs no change */
    uint32_t current;
};

static bool union_open(struct oper *op, struct err *err)
{
    const struct schema *out = &op->stage->schema;
    struct unite *u = ARENA_NEW(&op->mem, struct unite);
    u->from = ARENA_ARRAY(&op->mem, uint32_t *, op->nports);
    u->same = ARENA_ARRAY(&op->mem, bool, op->nports);
    for (uint32_t i = 0; i < op->nports; i++) {
        const struct schema *in = op_input_schema(op, i);
        u->from[i] = ARENA_ARRAY(&op->mem, uint32_t, out->n);
        u->same[i] = in->n == out->n;
        for (uint32_t c = 0; c < out->n; c++) {
            int at = schema_find_near(in, c, out->fields[c].name);
            if (at < 0)
                return err_set(err, ERR_DATA, "input '%s' has no column '%s'",
                               op->e->p->stages[op->stage->inputs[i]].id, out->fields[c].name);
            u->from[i][c] = (uint32_t)at;
            if ((uint32_t)at != c || in->fields[at].type != out->fields[c].type)
                u->same[i] = false;
        }
    }
    op->state = u;
    return true;
}

static bool union_accepts(const struct oper *op, uint32_t input)
{
    const struct unite *u = op->state;
    return input <= u->current;
}

static bool union_push(struct oper *op, struct lane *lane, uint32_t input, struct batch *b,
                       struct err *err)
{
    const struct unite *u = op->state;
    if (u->same[input])
        return op_emit(op, lane, b, err);
    const struct schema *schema = &op->stage->schema;
    struct batch *out = op_batch_beside(op, b, schema->n);
    for (uint32_t c = 0; c < schema->n; c++)
        column_convert(&b->cols[u->from[input][c]], b->rows, schema->fields[c].type, out, c);
    bool ok = op_emit(op, lane, out, err);
    batch_unref(out);
    return ok;
}

static bool union_finish(struct oper *op, struct lane *lane, uint32_t input, struct err *err)
{
    (void)lane;
    (void)err;
    struct unite *u = op->state;
    u->current = input + 1;
    return true;
}

const struct op_class op_union_class = {.open = union_open,
                                        .lane_open = op_in_lanes,
                                        .lane_close = op_in_lanes,
                                        .push = union_push,
                                        .finish = union_finish,
                                        .accepts = union_accepts};

/* -- limit -- */

static bool limit_open(struct oper *op, struct err *err)
{
    (void)err;
    int64_t *left = arena_alloc(&op->mem, sizeof(*left));
    *left = op->stage->u.limit.count;
    op->state = left;
    if (*left <= 0)
        op_satisfied(op);
    return true;
}

static bool limit_push(struct oper *op, struct lane *lane, uint32_t input, struct batch *b,
                       struct err *err)
{
    (void)input;
    int64_t *left = op->state;
    uint64_t keep[BATCH_WORDS];
    uint32_t n = *left < (int64_t)b->rows ? (uint32_t)*left : b->rows;
    bits_all(keep, n);
    *left -= n;
    if (*left == 0)
        op_satisfied(op);
    return op_emit_kept(op, lane, b, keep, err);
}

const struct op_class op_limit_class = {
    .open = limit_open, .push = limit_push, .finish = op_no_finish};
