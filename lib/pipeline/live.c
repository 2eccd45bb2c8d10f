/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which columns of each stage's output anything downstream reads. It depends on the pipeline alone,
 * not on how it is run: so which values are checked, and hence which records are rejected, is the
 * same in every mode. */
#include "pipeline/parse.h"

static void set_bit(uint64_t *bits, uint32_t i)
{
    bits[i / 64] |= UINT64_C(1) << (i % 64);
}

static bool get_bit(const uint64_t *bits, uint32_t i)
{
    return bits[i / 64] >> (i % 64) & 1;
}

static void set_all(struct stage *s)
{
    for (uint32_t c = 0; c < s->schema.n; c++)
        set_bit(s->live, c);
}

static void mark_expr(struct stage *in, const struct expr *e)
{
    uint32_t n;
    if (!e)
        return;
    const uint32_t *reads = expr_reads(e, &n);
    for (uint32_t i = 0; i < n; i++)
        set_bit(in->live, reads[i]);
}

/* What is live behind a stage that keeps its input's columns is live before it, by name. */
static void pass_names(const struct stage *s, struct stage *in)
{
    for (uint32_t c = 0; c < s->schema.n; c++) {
        int at =
            get_bit(s->live, c) ? schema_find_near(&in->schema, c, s->schema.fields[c].name) : -1;
        if (at >= 0)
            set_bit(in->live, (uint32_t)at);
    }
}

static void mark_derive(const struct stage *s, struct stage *in)
{
    for (uint32_t c = 0; c < s->schema.n; c++) {
        bool set = false;
        for (uint32_t i = 0; i < s->u.derive.n; i++)
            set |= slice_is(slice_str(s->u.derive.set[i].name), s->schema.fields[c].name);
        if (!set && get_bit(s->live, c)) /* an untouched column keeps its index */
            set_bit(in->live, c);
    }
    for (uint32_t i = 0; i < s->u.derive.n; i++)
        mark_expr(in, s->u.derive.set[i].expr);
}

static void mark_join(const struct stage *s, struct stage *in, bool is_left)
{
    for (uint32_t i = 0; i < s->u.join.n; i++)
        set_bit(in->live, is_left ? s->u.join.on[i].left_index : s->u.join.on[i].right_index);
    if (is_left || s->u.join.type == JOIN_INNER || s->u.join.type == JOIN_LEFT)
        pass_names(s, in);
}

/* What stage s needs of its input number k. */
static void mark_input(const struct stage *s, uint32_t k, struct stage *in)
{
    if (!s->bound) {
        set_all(in);
        return;
    }
    switch (s->op) {
    case OP_READ:
        break;
    case OP_WRITE:
    case OP_COMMAND:
    case OP_SQL:
        set_all(in);
        break;
    case OP_FILTER:
        mark_expr(in, s->u.filter.expr);
        pass_names(s, in);
        break;
    case OP_DERIVE:
        mark_derive(s, in);
        break;
    case OP_SELECT:
        for (uint32_t c = 0; c < s->schema.n; c++)
            if (get_bit(s->live, c))
                set_bit(in->live, s->u.select.index[c]);
        break;
    case OP_RENAME: /* the order of the columns stays */
        for (uint32_t c = 0; c < s->schema.n; c++)
            if (get_bit(s->live, c))
                set_bit(in->live, c);
        break;
    case OP_JOIN:
        mark_join(s, in, k == 0);
        break;
    case OP_AGGREGATE:
        for (uint32_t i = 0; i < s->u.aggregate.by.n; i++)
            set_bit(in->live, s->u.aggregate.by_index[i]);
        for (uint32_t i = 0; i < s->u.aggregate.n; i++)
            mark_expr(in, s->u.aggregate.measures[i].expr);
        break;
    case OP_SORT:
        for (uint32_t i = 0; i < s->u.sort.n; i++)
            set_bit(in->live, s->u.sort.by[i].index);
        pass_names(s, in);
        break;
    case OP_DISTINCT:
        if (!s->u.distinct.by.n)
            set_all(in);
        for (uint32_t i = 0; i < s->u.distinct.by.n; i++)
            set_bit(in->live, s->u.distinct.by_index[i]);
        pass_names(s, in);
        break;
    case OP_UNION:
    case OP_LIMIT:
        pass_names(s, in);
        break;
    }
}

void pipeline_live(struct pipeline *p)
{
    for (uint32_t i = 0; i < p->nstages; i++)
        p->stages[i].live = ARENA_ARRAY(&p->mem, uint64_t, (size_t)p->stages[i].schema.n / 64 + 1);
    for (uint32_t i = p->nstages; i-- > 0;) {
        struct stage *s = &p->stages[p->order[i]];
        for (uint32_t k = 0; k < s->ninputs; k++)
            mark_input(s, k, &p->stages[s->inputs[k]]);
    }
}
