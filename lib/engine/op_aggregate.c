/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Aggregate: groups by first appearance in a hash table, one state per group and measure. Without
 * `by` there is one group, also of no records. Each lane has a tally of its own; they are merged at
 * the end. What a stage may not hold goes to disk (external.h; of a single group its lists of
 * values alone, measure_dump).
 *
 * Behind a sort by its keys all records of a group follow each other ("sorted"): then there is one
 * group at a time, which goes on as soon as another key comes. Only a sort stage proves that, so a
 * plan that says otherwise is corrected, either way. */
#include <string.h>

#include "base/num.h"
#include "engine/external.h"
#include "engine/keys.h"
#include "engine/rows.h"

struct aggregate_lane {
    struct tally tally;
    struct expr **exprs; /* of the measures */
    struct parts *parts; /* NULL: all is in the tally */
    struct arena mem;
};
struct aggregate {
    struct tally_spec spec;
    struct tally tally; /* of all lanes */
    struct aggregate_lane **lanes;
    uint32_t nlanes;
    bool sorted;
    struct spill *spill;
    struct parts **parts; /* of lanes, once something was written */
    uint32_t nparts;
};

/* The algorithm that the data allows; json is sorted by value, but grouped by its bytes. */
static void choose_algorithm(struct oper *op, struct aggregate *g)
{
    const struct stage *s = op->stage;
    const struct rec_plan_stage *planned = op_plan(op);
    const char *plan = planned && planned->algorithm ? planned->algorithm : NULL;
    const char *mode = op->e->o->plan ? op->e->o->plan->mode : NULL;
    const char **names = ARENA_ARRAY(&op->mem, const char *, g->spec.nby);
    bool can = g->spec.nby > 0;
    for (uint32_t k = 0; k < g->spec.nby; k++) {
        names[k] = s->u.aggregate.by.items[k];
        can = can && g->spec.by_types[k] != TYPE_JSON;
    }
    can =
        can && pipeline_is_sorted_by(op->e->p, &op->e->p->stages[s->inputs[0]], names, g->spec.nby);
    g->sorted = can && !(mode && strcmp(mode, "standard") == 0);
    op->algorithm = g->sorted ? "sorted" : "hash";
    if (!plan || strcmp(plan, op->algorithm) == 0 || !op->e->o->note)
        return;
    if (g->sorted || strcmp(plan, "sorted") == 0)
        op->e->o->note(op->e->o->ctx, s->id,
                       g->sorted ? "the input is sorted by the keys: one group at a time"
                                 : "planned as sorted, but no stage sorts the input by the keys: "
                                   "hash");
}

static bool aggregate_open(struct oper *op, struct err *err)
{
    (void)err;
    const struct stage *s = op->stage;
    const struct schema *in = op_input_schema(op, 0);
    struct aggregate *g = ARENA_NEW(&op->mem, struct aggregate);
    struct tally_spec *spec = &g->spec;
    spec->nby = s->u.aggregate.by.n;
    spec->nmeasures = s->u.aggregate.n;
    spec->by_types = ARENA_ARRAY(&op->mem, enum type, spec->nby);
    for (uint32_t k = 0; k < spec->nby; k++)
        spec->by_types[k] = in->fields[s->u.aggregate.by_index[k]].type;
    spec->row_types = ARENA_ARRAY(&op->mem, enum type, spec->nby + 1);
    memcpy(spec->row_types, spec->by_types, spec->nby * sizeof(*spec->row_types));
    spec->row_types[spec->nby] = TYPE_STRING;
    spec->spec = ARENA_ARRAY(&op->mem, const struct named_expr *, spec->nmeasures);
    spec->value_types = ARENA_ARRAY(&op->mem, enum type, spec->nmeasures);
    for (uint32_t i = 0; i < spec->nmeasures; i++) {
        const struct named_expr *m = &s->u.aggregate.measures[i];
        enum type type = m->expr ? expr_type(m->expr) : TYPE_NONE;
        if (measure_is_numeric(m->measure) && type != TYPE_INTEGER)
            type = TYPE_FLOAT;
        spec->spec[i] = m;
        spec->value_types[i] = type;
        op_note_expr(op, m->name, m->expr);
    }
    tally_init(&g->tally, spec, op->acct);
    g->spill = spill_new(op->acct);
    op->state = g;
    choose_algorithm(op, g);
    return true;
}

static bool aggregate_lane_open(struct oper *op, struct lane *lane, uint32_t input, struct err *err)
{
    struct aggregate *g = op->state;
    const struct schema *in = op_input_schema(op, input);
    struct aggregate_lane *l = ARENA_NEW(&op->mem, struct aggregate_lane);
    l->exprs = ARENA_ARRAY(&op->mem, struct expr *, g->spec.nmeasures);
    *ARENA_PUSH(&op->mem, g->lanes, g->nlanes) = l;
    tally_init(&l->tally, &g->spec, op->acct);
    arena_init(&l->mem, op->acct);
    lane->state[op->index] = l;
    for (uint32_t i = 0; i < g->spec.nmeasures; i++) {
        struct expr *e = g->spec.spec[i]->expr;
        if (e && !(l->exprs[i] = op_expr(lane, e, in, err)))
            return false;
    }
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
    struct aggregate_lane *l = lane->state[op->index];
    const struct tally_spec *spec = l->tally.spec;
    struct batch *vals = batch_new(spec->nmeasures, op->acct);
    vals->rows = b->rows;
    batch_hold(vals, b);
    for (uint32_t i = 0; i < spec->nmeasures; i++) {
        const struct named_expr *m = spec->spec[i];
        if (!m->expr)
            continue;
        struct expr_result r = {.nfailed = 0};
        bool ok = expr_eval(l->exprs[i], b, vals, i, &r, err);
        enum type type = ok ? vals->cols[i].type : TYPE_NONE;
        if (ok && measure_is_numeric(m->measure) && !type_is_number(type))
            read_numbers(vals, i, &r);
        else if (ok && type != spec->value_types[i] && spec->value_types[i] == TYPE_FLOAT)
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

/* Puts on disk what a lane has. */
static bool put_away(struct oper *op, struct aggregate_lane *l, struct err *err)
{
    struct aggregate *g = op->state;
    if (g->spec.nby == 0 || g->sorted)
        return tally_dump(&l->tally, g->spill, err);
    if (!l->parts)
        l->parts = parts_new(&l->mem, op, g->spill, g->spec.row_types, g->spec.nby + 1, 0);
    return tally_spill(&l->tally, l->parts, err);
}

static bool emit_all(struct oper *op, struct lane *lane, struct tally *t, struct err *err)
{
    uint32_t *order = NULL, n = t->n;
    if (!tally_finish(t, err))
        return false;
    if (!tally_in_order(t)) {
        order = mem_alloc(op->acct, n * sizeof(*order));
        tally_order(t, order);
    }
    bool ok = true;
    for (uint32_t from = 0; ok && from < n; from += BATCH_ROWS) {
        if (engine_stopped(op->e, err)) {
            ok = false;
            break;
        }
        uint32_t m = n - from < BATCH_ROWS ? n - from : BATCH_ROWS;
        struct batch *out = tally_result(t, order ? order + from : NULL, from, m, err);
        ok = out && op_emit(op, lane, out, err);
        if (out)
            batch_unref(out);
    }
    mem_release(op->acct, order, n * sizeof(*order));
    return ok;
}

/* Rows whose groups are done when the next key comes: those before the last key of the batch, and
 * all before the batch unless it goes on with their key. */
static bool add_sorted(struct oper *op, struct lane *lane, struct batch *b, struct batch *vals,
                       const uint32_t *list, uint32_t n, uint64_t seq, struct err *err)
{
    struct aggregate_lane *l = lane->state[op->index];
    struct tally *t = &l->tally;
    const struct tally_spec *spec = t->spec;
    const uint32_t *by = op->stage->u.aggregate.by_index;
    uint32_t rows[BATCH_ROWS], tail = n;
    if (n == 0)
        return true;
    for (uint32_t i = 0; i < n; i++)
        rows[i] = list ? list[i] : i;
    for (bool same = true; same && tail > 0; tail -= same) {
        for (uint32_t k = 0; k < spec->nby && same; k++)
            same = value_same(&b->cols[by[k]], rows[tail - 1], &b->cols[by[k]], rows[n - 1]);
    }
    bool done = tail > 0;
    if (done && !tally_add(t, b, by, vals, rows, tail, seq, err))
        return false;
    if (!done && t->n > 0) {
        uint32_t group;
        groups_look_up(&t->groups, b, by, rows, 1, &group, NULL);
        done = group == UINT32_MAX;
    }
    if (done) {
        if (!emit_all(op, lane, t, err))
            return false;
        tally_release(t);
        tally_init(t, spec, op->acct);
    }
    return tally_add(t, b, by, vals, rows + tail, n - tail, seq, err);
}

static bool aggregate_push(struct oper *op, struct lane *lane, uint32_t input, struct batch *b,
                           struct err *err)
{
    (void)input;
    struct aggregate_lane *l = lane->state[op->index];
    uint64_t bad[BATCH_WORDS] = {0};
    uint32_t list[BATCH_ROWS], n = b->rows;
    struct batch *vals = evaluate(op, lane, b, bad, err);
    if (!vals)
        return false;
    bool all = bits_count(bad, b->rows) == 0;
    if (!all) {
        uint64_t keep[BATCH_WORDS];
        bits_all(keep, b->rows);
        for (uint32_t w = 0; w < BATCH_WORDS; w++)
            keep[w] &= ~bad[w];
        n = bits_list(keep, b->rows, list);
    }
    uint64_t seq = lane_seq(op, lane, b->rows);
    bool ok;
    if (((struct aggregate *)op->state)->sorted)
        ok = add_sorted(op, lane, b, vals, all ? NULL : list, n, seq, err);
    else
        ok = tally_add(&l->tally, b, op->stage->u.aggregate.by_index, vals, all ? NULL : list, n,
                       seq, err);
    batch_unref(vals);
    if (ok && op->limit_bytes && !op_may_hold(op, tally_growth(&l->tally, BATCH_ROWS)))
        ok = put_away(op, l, err);
    return ok;
}

static bool aggregate_lane_close(struct oper *op, struct lane *lane, uint32_t input,
                                 struct err *err)
{
    (void)input;
    struct aggregate *g = op->state;
    struct aggregate_lane *l = lane->state[op->index];
    bool ok;
    if (g->spec.nby && !g->sorted &&
        (l->parts || g->nparts || !op_may_hold(op, tally_growth(&g->tally, l->tally.n)))) {
        ok = put_away(op, l, err);
        *ARENA_PUSH(&op->mem, g->parts, g->nparts) = l->parts;
    } else {
        ok = tally_merge(&g->tally, &l->tally, err);
    }
    tally_release(&l->tally);
    return ok;
}

static bool aggregate_finish(struct oper *op, struct lane *lane, uint32_t input, struct err *err)
{
    (void)input;
    struct aggregate *g = op->state;
    bool ok;
    if (g->nparts) {
        /* Lanes that were merged before another was found to have written some. */
        struct parts *rest =
            parts_new(&op->mem, op, g->spill, g->spec.row_types, g->spec.nby + 1, 0);
        *ARENA_PUSH(&op->mem, g->parts, g->nparts) = rest;
        ok = tally_spill(&g->tally, rest, err) &&
             external_finish(op, lane, g->spill, &g->spec, g->parts, g->nparts, err);
    } else {
        ok = emit_all(op, lane, &g->tally, err);
    }
    op->spilled_bytes = spill_bytes(g->spill);
    if (op->spilled_bytes && !g->sorted)
        op->algorithm = "external";
    return ok;
}

static void aggregate_close(struct oper *op)
{
    struct aggregate *g = op->state;
    if (!g)
        return;
    for (uint32_t i = 0; i < g->nlanes; i++) {
        tally_release(&g->lanes[i]->tally);
        arena_release(&g->lanes[i]->mem);
    }
    tally_release(&g->tally);
    spill_free(g->spill);
}

const struct op_class op_aggregate_class = {.open = aggregate_open,
                                            .lane_open = aggregate_lane_open,
                                            .lane_close = aggregate_lane_close,
                                            .push = aggregate_push,
                                            .finish = aggregate_finish,
                                            .close = aggregate_close};
