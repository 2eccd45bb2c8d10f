/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sort: each lane gathers rows and sorts them (engine/rowsort.h), on disk what memory does not
 * hold; at the end they are merged. Where all that reads the result is a limit, only the rows that
 * it lets through are kept. */
#include <stdlib.h>
#include <string.h>

#include "engine/op.h"
#include "engine/sort_merge.h"

/* What goes on is cut into batches whose rows take at most so much, and their columns as much
 * again; with a limit of memory a sixteenth of it. */
#define OUT_BYTES ((size_t)512 << 10)
#define OUT_BYTES_MIN ((size_t)16 << 10)
#define COLUMN_BYTES 24u /* of a row: at most a value and a text */
#define OUT_ROWS_MIN 16u

struct sort {
    struct sort_keys keys;
    struct spill *spill;
    struct rowsort *parts; /* of each lane */
    uint32_t nparts;
    uint64_t limit; /* rows that are wanted */
    size_t out_bytes;
    uint32_t out_rows;
};

/* Rows of its output that its readers take: UINT64_MAX for all. */
static uint64_t rows_wanted(const struct oper *op)
{
    uint64_t most = 0;
    for (uint32_t i = 0; i < op->nout; i++) {
        const struct oper *next = &op->e->ops[op->out[i].stage];
        uint64_t n = UINT64_MAX;
        if (next->stage->op == OP_LIMIT)
            n = (uint64_t)next->stage->u.limit.count;
        else if (next->stage->op == OP_SELECT || next->stage->op == OP_RENAME)
            n = rows_wanted(next);
        most = n > most ? n : most;
    }
    return op->nout ? most : UINT64_MAX;
}

static bool sort_open(struct oper *op, struct err *err)
{
    (void)err;
    struct sort *st = ARENA_NEW(&op->mem, struct sort);
    op->state = st;
    const struct stage *s = op->stage;
    sort_keys_init(&st->keys, &op->mem, op_input_schema(op, 0), s->live, s->u.sort.by, s->u.sort.n,
                   op->lanes > 1 /* only then rows need numbers */);
    st->spill = spill_new(op->acct);
    st->limit = rows_wanted(op);
    st->out_bytes = OUT_BYTES;
    if (op->limit_bytes && op->limit_bytes / 16 < OUT_BYTES)
        st->out_bytes = op->limit_bytes / 16 < OUT_BYTES_MIN ? OUT_BYTES_MIN : op->limit_bytes / 16;
    size_t rows = st->out_bytes / (op->stage->schema.n * COLUMN_BYTES + 1);
    st->out_rows = rows > BATCH_ROWS     ? BATCH_ROWS
                   : rows < OUT_ROWS_MIN ? OUT_ROWS_MIN
                                         : (uint32_t)rows;
    op->algorithm = st->limit < UINT64_MAX ? "top_n" : "merge";
    return true;
}

static bool sort_lane_open(struct oper *op, struct lane *lane, uint32_t input, struct err *err)
{
    (void)input, (void)err;
    struct sort *st = op->state;
    if (lane->index != st->nparts)
        BUG("lane %u of a sort that has %u", lane->index, st->nparts);
    st->parts = xreallocarray(st->parts, st->nparts + 1, sizeof(*st->parts));
    rowsort_init(&st->parts[st->nparts], &st->keys, op->acct, st->spill, st->limit);
    lane->state[op->index] = op; /* the parts may still move */
    st->nparts++;
    return true;
}

/* Memory that merging and emitting takes: a batch and its rows. */
static size_t reserve(const struct sort *st)
{
    return 2 * st->out_bytes;
}

static bool sort_push(struct oper *op, struct lane *lane, uint32_t input, struct batch *b,
                      struct err *err)
{
    (void)input;
    struct sort *st = op->state;
    struct rowsort *part = &st->parts[lane->index];
    if (!rowsort_add(part, b, lane_seq(op, lane, b->rows), err))
        return false;
    /* Other lanes may grow at the same time. */
    if (op_may_hold(op, rowsort_next(part) * st->nparts + reserve(st)))
        return true;
    /* What another lane holds is that one's to spill. */
    if (st->nparts > 1 && rowsort_bytes(part) < op->limit_bytes / st->nparts / 2)
        return true;
    bool ok = rowsort_spill(part, err);
    if (lane->index == 0) /* who shows figures has this thread */
        op->spilled_bytes = spill_bytes(st->spill);
    return ok;
}

/* Everything happens in finish: no lane is at work any more, and all threads may sort together. */
static bool sort_lane_close(struct oper *op, struct lane *lane, uint32_t input, struct err *err)
{
    (void)op, (void)lane, (void)input, (void)err;
    return true;
}

static bool emit(struct oper *op, struct lane *lane, const char *const *records, uint32_t n,
                 struct block *block, struct err *err)
{
    struct sort *st = op->state;
    struct batch *out = batch_new(st->keys.layout.ncols, op->acct);
    out->rows = n;
    record_unpack(&st->keys.layout, records, n, out);
    if (block)
        batch_hold_block(out, block);
    bool ok = op_emit(op, lane, out, err) && !engine_stopped(op->e, err);
    batch_unref(out);
    return ok;
}

/* All rows are in one lane's memory. */
static bool emit_items(struct oper *op, struct lane *lane, const struct rowsort *s, struct err *err)
{
    const char *records[BATCH_ROWS];
    uint32_t most = ((const struct sort *)op->state)->out_rows;
    for (size_t from = 0; from < s->n; from += most) {
        uint32_t n = s->n - from < most ? (uint32_t)(s->n - from) : most;
        for (uint32_t i = 0; i < n; i++)
            records[i] = s->items[from + i].record;
        if (!emit(op, lane, records, n, NULL, err))
            return false;
    }
    return true;
}

/* From a merge. copy: rows are to be copied, as they do not stay. */
static bool emit_merged(struct oper *op, struct lane *lane, struct sort_merge *m, bool copy,
                        struct err *err)
{
    struct sort *st = op->state;
    const char *records[BATCH_ROWS], *top;
    uint64_t rows = 0;
    while ((top = sort_merge_top(m)) && rows < st->limit) {
        size_t size = record_bytes(top) > st->out_bytes ? record_bytes(top) : st->out_bytes;
        struct block *block = copy ? block_new(size, op->acct) : NULL;
        uint32_t n = 0;
        bool ok = true;
        for (; ok && n < st->out_rows && rows < st->limit && (top = sort_merge_top(m));
             n++, rows++) {
            records[n] = top;
            if (block) {
                size = record_bytes(top);
                if (block->len + size > block->cap)
                    break;
                records[n] = memcpy(block->data + block->len, top, size);
                block->len += size;
            }
            ok = sort_merge_next(m, err);
        }
        ok = ok && emit(op, lane, records, n, block, err);
        block_unref(block);
        if (!ok)
            return false;
    }
    return true;
}

/* All runs become those of the first part, few enough to be read at once. */
static bool gather_runs(struct oper *op, struct err *err)
{
    struct sort *st = op->state;
    struct rowsort *first = &st->parts[0];
    size_t runs = 0;
    for (uint32_t i = 0; i < st->nparts; i++)
        runs += st->parts[i].nruns;
    if (!runs)
        return true;
    /* Reading runs takes memory that rows hold: unless there is room they go to disk as well. */
    for (uint32_t i = 0; i < st->nparts; i++) {
        struct rowsort *s = &st->parts[i];
        if (!op_may_hold(op, runs * SPILL_BUFFER + reserve(st)) && !rowsort_spill(s, err))
            return false;
        rowsort_trim(s);
    }
    for (uint32_t i = 1; i < st->nparts; i++) {
        struct rowsort *s = &st->parts[i];
        first->runs = xreallocarray(first->runs, first->nruns + s->nruns + 1, sizeof(*s->runs));
        if (s->nruns)
            memcpy(first->runs + first->nruns, s->runs, s->nruns * sizeof(*s->runs));
        first->nruns += s->nruns;
        s->nruns = 0;
    }
    uint32_t most = MERGE_RUNS_MAX;
    while (most > MERGE_RUNS_MIN && !op_may_hold(op, most * SPILL_BUFFER + reserve(st)))
        most--;
    return sort_merge_reduce(first, most, err);
}

static bool sort_finish(struct oper *op, struct lane *lane, uint32_t input, struct err *err)
{
    (void)input;
    struct sort *st = op->state;
    if (!gather_runs(op, err))
        return false;
    struct rowsort *first = &st->parts[0];
    if (st->limit == UINT64_MAX)
        rowsort_join(st->parts, st->nparts);
    bool ok = true, only = !first->nruns;
    for (uint32_t i = 0; i < st->nparts; i++) {
        op->cpu_s += rowsort_sort_with(&st->parts[i], st->nparts);
        only = only && (i == 0 || !st->parts[i].n);
    }
    if (only) {
        ok = emit_items(op, lane, first, err);
    } else {
        struct sort_merge m;
        sort_merge_init(&m, &st->keys);
        for (size_t i = 0; i < first->nruns; i++)
            sort_merge_run(&m, first->runs[i]);
        for (uint32_t i = 0; i < st->nparts; i++)
            sort_merge_items(&m, st->parts[i].items, st->parts[i].n);
        ok = sort_merge_start(&m, err) && emit_merged(op, lane, &m, first->nruns > 0, err);
        sort_merge_release(&m);
    }
    op->spilled_bytes = spill_bytes(st->spill);
    if (op->spilled_bytes)
        op->algorithm = "external";
    return ok;
}

static void sort_close(struct oper *op)
{
    struct sort *st = op->state;
    if (!st)
        return;
    op->spilled_bytes = spill_bytes(st->spill);
    for (uint32_t i = 0; i < st->nparts; i++)
        rowsort_release(&st->parts[i]);
    free(st->parts);
    spill_free(st->spill);
}

const struct op_class op_sort_class = {
    .open = sort_open,
    .lane_open = sort_lane_open,
    .lane_close = sort_lane_close,
    .push = sort_push,
    .finish = sort_finish,
    .close = sort_close,
};
