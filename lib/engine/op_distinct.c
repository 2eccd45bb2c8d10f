/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Distinct: the first record of each key, as it comes. */
#include "engine/groups.h"
#include "engine/op.h"

struct distinct_state {
    struct groups groups;
    uint32_t *cols, ncols;
};

static bool distinct_open(struct oper *op, struct err *err)
{
    (void)err;
    const struct schema *in = op_input_schema(op, 0);
    struct distinct_state *d = ARENA_NEW(&op->mem, struct distinct_state);
    d->ncols = op->stage->u.distinct.by.n;
    d->cols = op->stage->u.distinct.by_index;
    if (d->ncols == 0) { /* the whole record */
        d->ncols = in->n;
        d->cols = ARENA_ARRAY(&op->mem, uint32_t, in->n);
        for (uint32_t c = 0; c < in->n; c++)
            d->cols[c] = c;
    }
    enum type *types = ARENA_ARRAY(&op->mem, enum type, d->ncols);
    for (uint32_t c = 0; c < d->ncols; c++)
        types[c] = in->fields[d->cols[c]].type;
    groups_init(&d->groups, types, d->ncols, true, op->acct);
    op->state = d;
    op->algorithm = "hash";
    return true;
}

static bool distinct_push(struct oper *op, struct lane *lane, uint32_t input, struct batch *b,
                          struct err *err)
{
    (void)input;
    struct distinct_state *d = op->state;
    uint64_t keep[BATCH_WORDS] = {0};
    uint32_t group[BATCH_ROWS], next = d->groups.n;
    if (!groups_find(&d->groups, b, d->cols, NULL, b->rows, group, err))
        return false;
    for (uint32_t i = 0; i < b->rows; i++) {
        if (group[i] != next)
            continue;
        bit_set(keep, i);
        next++;
    }
    return op_emit_kept(op, lane, b, keep, err);
}

static void distinct_close(struct oper *op)
{
    struct distinct_state *d = op->state;
    if (d)
        groups_release(&d->groups);
}

const struct op_class op_distinct_class = {
    .open = distinct_open, .push = distinct_push, .finish = op_no_finish, .close = distinct_close};
