/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Distinct: the first record of each key, as it comes.
 *
 * When the stage may hold no more keys, it goes on dropping records of those it has; the others go
 * to disk in parts by the hash of their key, are looked at part by part at the end, and what is new
 * among them follows in the order of the input: as all of it is behind what was new before, the
 * order is that without a limit. (They have lost their line numbers, which messages about them then
 * leave out.) */
#include "engine/groups.h"
#include "engine/parts.h"
#include "engine/seqmerge.h"

struct piece { /* records that may be of the same keys */
    struct spill_run *run;
    uint32_t level;
};
struct distinct_state {
    struct groups groups;
    uint32_t *cols, ncols;
    bool full;     /* no more keys */
    uint64_t seen; /* rows */
    struct spill *spill;
    struct parts *parts; /* of `full` */
    const enum type *types;
    uint32_t width;
    struct piece *todo; /* the last one is next */
    size_t ntodo;
    struct spill_run **results;
    size_t nresults;
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
    enum type *all = ARENA_ARRAY(&op->mem, enum type, in->n);
    for (uint32_t c = 0; c < in->n; c++)
        all[c] = in->fields[c].type;
    d->types = all;
    d->width = in->n;
    d->spill = spill_new(op->acct);
    op->state = d;
    op->algorithm = "hash";
    return true;
}

/* Takes no more keys when there may be no room for those of another batch, and for the buffers of
 * parts. */
static bool has_room(struct oper *op, const struct distinct_state *d)
{
    return !op->limit_bytes ||
           op_may_hold(op, groups_growth(&d->groups, BATCH_ROWS) + op->limit_bytes / 8);
}

/* The rows that are new: list[0 .. *n), ascending. */
static bool find_new(struct distinct_state *d, const struct batch *b, uint32_t *list, uint32_t *n,
                     struct err *err)
{
    uint32_t group[BATCH_ROWS], next = d->groups.n;
    *n = 0;
    if (!groups_find(&d->groups, b, d->cols, NULL, b->rows, group, err))
        return false;
    for (uint32_t i = 0; i < b->rows; i++) {
        if (group[i] != next)
            continue;
        list[(*n)++] = i;
        next++;
    }
    return true;
}

/* The rows whose keys are not there go to the parts. */
static bool put_away(struct distinct_state *d, struct parts *parts, const struct batch *b,
                     const uint64_t *seq, struct err *err)
{
    uint32_t group[BATCH_ROWS], list[BATCH_ROWS], n = 0;
    uint64_t hash[BATCH_ROWS], seqs[BATCH_ROWS];
    groups_look_up(&d->groups, b, d->cols, NULL, b->rows, group, hash);
    for (uint32_t i = 0; i < b->rows; i++) {
        if (group[i] != UINT32_MAX)
            continue;
        hash[n] = hash[i];
        seqs[n] = seq[i];
        list[n++] = i;
    }
    return parts_spread(parts, b, list, n, hash, seqs, err);
}

static bool distinct_push(struct oper *op, struct lane *lane, uint32_t input, struct batch *b,
                          struct err *err)
{
    (void)input;
    struct distinct_state *d = op->state;
    uint64_t first = d->seen;
    d->seen += b->rows;
    if (d->full) {
        uint64_t seq[BATCH_ROWS];
        for (uint32_t i = 0; i < b->rows; i++)
            seq[i] = first + i;
        return put_away(d, d->parts, b, seq, err);
    }
    uint64_t keep[BATCH_WORDS] = {0};
    uint32_t list[BATCH_ROWS], n;
    if (!find_new(d, b, list, &n, err))
        return false;
    for (uint32_t i = 0; i < n; i++)
        bit_set(keep, list[i]);
    if (!has_room(op, d)) {
        d->full = true;
        d->parts = parts_new(&op->mem, op, d->spill, d->types, d->width, 0);
    }
    return op_emit_kept(op, lane, b, keep, err);
}

static bool plan_pieces(struct oper *op, struct distinct_state *d, struct parts *parts,
                        struct err *err)
{
    if (!parts_end(parts, err))
        return false;
    for (uint32_t p = 0; p < parts->n; p++) {
        if (parts->runs[p])
            *ARENA_PUSH(&op->mem, d->todo, d->ntodo) =
                (struct piece){parts->runs[p], parts->level + 1};
    }
    return true;
}

/* New records of a piece, to a run of results; what does not fit either to parts again. */
static bool look_through(struct oper *op, struct distinct_state *d, const struct piece *piece,
                         struct err *err)
{
    struct parts *parts = NULL;
    struct spill_run *result = spill_run_new(d->spill, d->types, d->width);
    *ARENA_PUSH(&op->mem, d->results, d->nresults) = result;
    struct batch *b = NULL;
    uint64_t seq[BATCH_ROWS];
    bool ok = true;
    groups_clear(&d->groups);
    while (ok && (ok = spill_next(piece->run, &b, seq, err)) && b) {
        uint32_t list[BATCH_ROWS], n;
        if (parts) {
            ok = put_away(d, parts, b, seq, err);
        } else if ((ok = find_new(d, b, list, &n, err))) {
            for (uint32_t i = 0; i < n; i++)
                seq[i] = seq[list[i]];
            ok = spill_add(result, b, NULL, list, n, seq, err);
            if (!has_room(op, d))
                parts = parts_new(&op->mem, op, d->spill, d->types, d->width, piece->level);
        }
        batch_unref(b);
        ok = ok && !engine_stopped(op->e, err);
    }
    spill_drop(piece->run);
    return ok && spill_rewind(result, err) && (!parts || plan_pieces(op, d, parts, err));
}

static bool distinct_finish(struct oper *op, struct lane *lane, uint32_t input, struct err *err)
{
    (void)input;
    struct distinct_state *d = op->state;
    if (!d->full)
        return true;
    bool ok = plan_pieces(op, d, d->parts, err);
    while (ok && d->ntodo > 0) {
        struct piece piece = d->todo[--d->ntodo];
        ok = look_through(op, d, &piece, err);
    }
    groups_clear(&d->groups);
    const struct seqmerge_of of = {
        .op = op, .spill = d->spill, .types = d->types, .ncols = d->width, .most = SEQMERGE_RUNS};
    ok = ok && seqmerge_emit(&of, d->results, (uint32_t)d->nresults, lane, err);
    op->spilled_bytes = spill_bytes(d->spill);
    if (op->spilled_bytes)
        op->algorithm = "external";
    return ok;
}

static void distinct_close(struct oper *op)
{
    struct distinct_state *d = op->state;
    if (!d)
        return;
    groups_release(&d->groups);
    spill_free(d->spill);
}

const struct op_class op_distinct_class = {.open = distinct_open,
                                           .push = distinct_push,
                                           .finish = distinct_finish,
                                           .close = distinct_close};
