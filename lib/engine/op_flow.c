/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Operators that take one record at a time: filter, derive, select, rename. Also what all operators
 * share: putting rows aside, emitting some of a batch. */
#include <string.h>

#include "engine/keys.h"
#include "engine/op.h"
#include "engine/reject.h"
#include "engine/sample_int.h"
#include "table/writer.h"

const struct schema *op_input_schema(const struct oper *op, uint32_t input)
{
    return &op->e->p->stages[op->stage->inputs[input]].schema;
}

struct batch *op_batch_beside(struct oper *op, struct batch *b, uint32_t ncols)
{
    struct batch *out = batch_new(ncols, op->acct);
    out->rows = b->rows;
    out->line = b->line;
    out->source = b->source;
    batch_hold(out, b);
    return out;
}

/* -- rejects of expressions -- */

/* The file a row was read from, when the way up to its reader is a straight one. */
static const char *path_of(const struct oper *op, const struct batch *b)
{
    const struct pipeline *p = op->e->p;
    const struct stage *s = op->stage;
    while (s->ninputs == 1 &&
           (s->op == OP_FILTER || s->op == OP_DERIVE || s->op == OP_SELECT || s->op == OP_RENAME ||
            s->op == OP_LIMIT || s->op == OP_DISTINCT || s == op->stage))
        s = &p->stages[s->inputs[0]];
    if (s->op != OP_READ || b->source >= s->u.read.paths.n)
        return NULL;
    return s->u.read.paths.items[b->source];
}

/* Of the columns of a stage's input those that anything reads, as places in it. The others may
 * have been left out on the way, which depends on how it is run: they are in no reject. */
static struct schema live_columns(const struct oper *op, struct arena *a, uint32_t **pick)
{
    const struct stage *from = &op->e->p->stages[op->stage->inputs[0]];
    const struct schema *in = op_input_schema(op, 0);
    struct schema live = {.fields = ARENA_ARRAY(a, struct field, in->n + 1)};
    *pick = ARENA_ARRAY(a, uint32_t, in->n + 1);
    for (uint32_t c = 0; c < in->n; c++) {
        if (from->live && !bit_get(from->live, c))
            continue;
        (*pick)[live.n] = c;
        live.fields[live.n++] = in->fields[c];
    }
    return live;
}

bool op_reject_rows(struct oper *op, struct lane *lane, struct batch *b,
                    const struct expr_result *r, const char *column, struct err *err)
{
    if (!r || !r->nfailed)
        return true;
    if (op->e->o->sample && sample_forgives(op->e->o->sample, op->index))
        return true;
    bool to_file = op->e->rejects->to_file;
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    struct writer_opts opts = {.format = FORMAT_JSONL};
    const char *path = path_of(op, b);
    struct arena mem;
    arena_init(&mem, NULL);
    uint32_t *pick = NULL;
    struct schema live = {0};
    if (to_file)
        live = live_columns(op, &mem, &pick);
    for (uint32_t i = 0; i < b->rows; i++) {
        if (!bit_get(r->failed, i))
            continue;
        buf_clear(&text);
        if (to_file) {
            uint64_t one[BATCH_WORDS] = {0};
            bit_set(one, i);
            struct batch *row = batch_filter(b, one, pick, live.n, op->acct);
            writer_batch(&text, &live, row, &opts);
            batch_unref(row);
        }
        struct reject rej = {
            .stage = op->stage->id,
            .path = path,
            .line = path && b->line ? b->line[i] : 0,
            .column = column,
            .reason = r->reason ? r->reason[i] : "the expression fails",
            .rule = "expression",
            .record = slice_trim(buf_slice(&text)),
            .record_is_json = true,
        };
        op_put_aside(op, lane, &rej);
    }
    buf_release(&text);
    arena_release(&mem);
    return op_check_rejects(op, lane, err);
}

bool op_no_finish(struct oper *op, struct lane *lane, uint32_t input, struct err *err)
{
    (void)op, (void)lane, (void)input, (void)err;
    return true;
}

static bool no_open(struct oper *op, struct err *err)
{
    (void)op, (void)err;
    return true;
}

void op_note_expr(const struct oper *op, const char *field, const struct expr *e)
{
    char text[200];
    if (!op->e->o->note || !e)
        return;
    struct quoted q;
    snprintf(text, sizeof(text), "'%.100s' runs in %s", quote_str(&q, field),
             strcmp(expr_engine(e), "vector") == 0 ? "the column engine" : "libjq");
    op->e->o->note(op->e->o->ctx, op->stage->id, text);
}

/* -- filter -- */

static bool filter_open(struct oper *op, struct err *err)
{
    (void)err;
    op_note_expr(op, "where", op->stage->u.filter.expr);
    return true;
}

static bool filter_lane_open(struct oper *op, struct lane *lane, uint32_t input, struct err *err)
{
    struct expr *e = op_expr(lane, op->stage->u.filter.expr, op_input_schema(op, input), err);
    lane->state[op->index] = e;
    return e != NULL;
}

bool op_emit_kept(struct oper *op, struct lane *lane, struct batch *b, const uint64_t *keep,
                  struct err *err)
{
    uint32_t n = bits_count(keep, b->rows);
    if (n == 0)
        return true;
    if (n == b->rows)
        return op_emit(op, lane, b, err);
    struct batch *out = batch_filter(b, keep, NULL, 0, op->acct);
    bool ok = op_emit(op, lane, out, err);
    batch_unref(out);
    return ok;
}

static bool filter_push(struct oper *op, struct lane *lane, uint32_t input, struct batch *b,
                        struct err *err)
{
    (void)input;
    uint64_t keep[BATCH_WORDS] = {0};
    struct expr_result r = {.nfailed = 0};
    return expr_test(lane->state[op->index], b, keep, &r, err) &&
           op_reject_rows(op, lane, b, &r, NULL, err) && op_emit_kept(op, lane, b, keep, err);
}

const struct op_class op_filter_class = {.open = filter_open,
                                         .lane_open = filter_lane_open,
                                         .lane_close = op_in_lanes,
                                         .push = filter_push,
                                         .finish = op_no_finish};

/* -- derive -- */

struct derive {
    int *from; /* of each output column: input column, or -1 - k for expression k */
};

static bool derive_open(struct oper *op, struct err *err)
{
    (void)err;
    const struct schema *in = op_input_schema(op, 0), *out = &op->stage->schema;
    struct derive *d = ARENA_NEW(&op->mem, struct derive);
    d->from = ARENA_ARRAY(&op->mem, int, out->n);
    for (uint32_t c = 0; c < out->n; c++) {
        struct slice name = slice_str(out->fields[c].name);
        d->from[c] = schema_find_near(in, c, out->fields[c].name);
        for (uint32_t k = 0; k < op->stage->u.derive.n; k++) {
            if (slice_is(name, op->stage->u.derive.set[k].name))
                d->from[c] = -1 - (int)k;
        }
    }
    op->state = d;
    for (uint32_t k = 0; k < op->stage->u.derive.n; k++)
        op_note_expr(op, op->stage->u.derive.set[k].name, op->stage->u.derive.set[k].expr);
    return true;
}

/* Its state: the expressions, for this lane. */
static bool derive_lane_open(struct oper *op, struct lane *lane, uint32_t input, struct err *err)
{
    uint32_t n = op->stage->u.derive.n;
    struct expr **exprs = ARENA_ARRAY(&lane->mem, struct expr *, n);
    lane->state[op->index] = exprs;
    for (uint32_t k = 0; k < n; k++) {
        exprs[k] = op_expr(lane, op->stage->u.derive.set[k].expr, op_input_schema(op, input), err);
        if (!exprs[k])
            return false;
    }
    return true;
}

/* Columns of computed values have the type that the schema promised. */
static void settle_type(struct batch *b, uint32_t c, enum type type)
{
    struct column now = b->cols[c];
    if (now.type != type && (type == TYPE_FLOAT || type == TYPE_STRING || type == TYPE_JSON))
        column_convert(&now, b->rows, type, b, c);
}

static bool derive_push(struct oper *op, struct lane *lane, uint32_t input, struct batch *b,
                        struct err *err)
{
    (void)input;
    const struct derive *d = op->state;
    struct expr *const *exprs = lane->state[op->index];
    const struct schema *schema = &op->stage->schema;
    struct batch *out = op_batch_beside(op, b, schema->n);
    uint64_t bad[BATCH_WORDS] = {0};
    bool ok = true, some_bad = false;
    for (uint32_t c = 0; ok && c < schema->n; c++) {
        if (d->from[c] >= 0) {
            out->cols[c] = b->cols[d->from[c]];
            continue;
        }
        const uint32_t k = (uint32_t)(-1 - d->from[c]);
        struct expr_result r = {.nfailed = 0};
        ok = expr_eval(exprs[k], b, out, c, &r, err);
        if (!ok)
            break;
        settle_type(out, c, schema->fields[c].type);
        if (!r.nfailed)
            continue;
        /* A record that two expressions fail on is one reject. */
        r.nfailed = 0;
        for (uint32_t w = 0; w < BATCH_WORDS; w++) {
            r.failed[w] &= ~bad[w];
            bad[w] |= r.failed[w];
            r.nfailed += (uint32_t)__builtin_popcountll(r.failed[w]);
        }
        some_bad = true;
        ok = op_reject_rows(op, lane, b, &r, op->stage->u.derive.set[k].name, err);
    }
    if (ok && some_bad) {
        uint64_t keep[BATCH_WORDS];
        bits_all(keep, b->rows);
        for (uint32_t w = 0; w < BATCH_WORDS; w++)
            keep[w] &= ~bad[w];
        ok = op_emit_kept(op, lane, out, keep, err);
    } else if (ok) {
        ok = op_emit(op, lane, out, err);
    }
    batch_unref(out);
    return ok;
}

const struct op_class op_derive_class = {.open = derive_open,
                                         .lane_open = derive_lane_open,
                                         .lane_close = op_in_lanes,
                                         .push = derive_push,
                                         .finish = op_no_finish};

/* -- select, rename -- */

static bool select_push(struct oper *op, struct lane *lane, uint32_t input, struct batch *b,
                        struct err *err)
{
    (void)input;
    uint32_t n = op->stage->u.select.columns.n;
    struct batch *out = op_batch_beside(op, b, n);
    for (uint32_t c = 0; c < n; c++)
        out->cols[c] = b->cols[op->stage->u.select.index[c]];
    bool ok = op_emit(op, lane, out, err);
    batch_unref(out);
    return ok;
}

const struct op_class op_select_class = {.open = no_open,
                                         .lane_open = op_in_lanes,
                                         .lane_close = op_in_lanes,
                                         .push = select_push,
                                         .finish = op_no_finish};

static bool rename_push(struct oper *op, struct lane *lane, uint32_t input, struct batch *b,
                        struct err *err)
{
    (void)input; /* batches carry no names */
    return op_emit(op, lane, b, err);
}

const struct op_class op_rename_class = {.open = no_open,
                                         .lane_open = op_in_lanes,
                                         .lane_close = op_in_lanes,
                                         .push = rename_push,
                                         .finish = op_no_finish};
