/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Aggregates beyond memory. See external.h. */
#include "engine/external.h"

#include <stdlib.h>
#include <string.h>

#include "engine/seqmerge.h"

/* A part with so few groups is not split further: what does not fit are lists of values, and those
 * go to runs of their own (measure_dump). The same from this level on. */
#define FEW 8u
#define LEVELS_MAX 16u

struct piece { /* rows to be counted up together */
    struct spill_run **runs;
    uint32_t n, level;
};
struct external {
    struct oper *op;
    struct spill *spill;
    const struct tally_spec *spec;
    struct arena mem;
    struct piece *todo; /* the last one is next */
    size_t ntodo;
    struct spill_run **results; /* each in the order of the input */
    size_t nresults;
    enum type *types; /* of the results' columns */
};

/* One piece per part that has rows. Their buffers go. */
static bool plan_pieces(struct external *x, struct parts **parts, uint32_t n, struct err *err)
{
    for (uint32_t i = 0; i < n; i++) {
        if (!parts_end(parts[i], err))
            return false;
    }
    for (uint32_t p = 0; n > 0 && p < parts[0]->n; p++) {
        struct piece piece = {.level = parts[0]->level + 1};
        for (uint32_t i = 0; i < n; i++) {
            if (parts[i]->runs[p])
                *ARENA_PUSH(&x->mem, piece.runs, piece.n) = parts[i]->runs[p];
        }
        if (piece.n)
            *ARENA_PUSH(&x->mem, x->todo, x->ntodo) = piece;
    }
    return true;
}

/* Results of a tally in order: to a run of their own. */
static bool keep_results(struct external *x, struct tally *t, struct err *err)
{
    uint32_t *order = mem_alloc(t->acct, (t->n + 1) * sizeof(*order));
    struct spill_run *run = spill_run_new(x->spill, x->types, x->spec->nby + x->spec->nmeasures);
    *ARENA_PUSH(&x->mem, x->results, x->nresults) = run;
    bool ok = tally_finish(t, err);
    tally_order(t, order);
    for (uint32_t from = 0; ok && from < t->n; from += BATCH_ROWS) {
        uint32_t n = t->n - from < BATCH_ROWS ? t->n - from : BATCH_ROWS;
        uint64_t seq[BATCH_ROWS];
        for (uint32_t i = 0; i < n; i++)
            seq[i] = t->first[order[from + i]];
        struct batch *b = tally_result(t, order + from, 0, n, err);
        ok = b && spill_add(run, b, NULL, NULL, n, seq, err);
        if (b)
            batch_unref(b);
    }
    ok = ok && spill_rewind(run, err); /* lets its buffer go */
    mem_release(t->acct, order, (t->n + 1) * sizeof(*order));
    return ok;
}

/* What a stage does that holds too much. */
static bool relieve(struct external *x, struct tally *t, struct parts *parts, bool *split,
                    bool *fixed, struct err *err)
{
    if (op_may_hold(x->op, tally_growth(t, BATCH_ROWS)))
        return true;
    if (!*split && (*fixed || t->n <= FEW || parts->level >= LEVELS_MAX)) {
        *fixed = true;
        return tally_dump(t, x->spill, err);
    }
    *split = true;
    return tally_spill(t, parts, err);
}

/* Counts a piece up; or splits it, or (with few groups) those of it that are not the first. */
static bool count_up(struct external *x, const struct piece *piece, struct err *err)
{
    struct tally t;
    tally_init(&t, x->spec, x->op->acct);
    struct parts *parts =
        parts_new(&x->mem, x->op, x->spill, x->spec->row_types, x->spec->nby + 1, piece->level);
    bool split = false, fixed = false, ok = true;
    for (uint32_t i = 0; ok && i < piece->n; i++) {
        struct batch *b = NULL;
        uint64_t seq[BATCH_ROWS];
        ok = spill_rewind(piece->runs[i], err);
        while (ok && (ok = spill_next(piece->runs[i], &b, seq, err)) && b) {
            ok =
                !engine_stopped(x->op->e, err) && tally_load(&t, b, seq, fixed ? parts : NULL, err);
            batch_unref(b);
            ok = ok && relieve(x, &t, parts, &split, &fixed, err);
        }
        spill_drop(piece->runs[i]);
    }
    if (ok)
        ok = split ? tally_spill(&t, parts, err) : keep_results(x, &t, err);
    tally_release(&t);
    return ok && plan_pieces(x, &parts, 1, err);
}

static bool emit_merged(struct external *x, struct lane *lane, struct err *err)
{
    const struct seqmerge_of of = {.op = x->op,
                                   .spill = x->spill,
                                   .types = x->types,
                                   .ncols = x->spec->nby + x->spec->nmeasures,
                                   .most = SEQMERGE_RUNS};
    return seqmerge_emit(&of, x->results, (uint32_t)x->nresults, lane, err);
}

bool external_finish(struct oper *op, struct lane *lane, struct spill *spill,
                     const struct tally_spec *spec, struct parts **parts, uint32_t n,
                     struct err *err)
{
    struct external x = {.op = op, .spill = spill, .spec = spec};
    arena_init(&x.mem, NULL);
    x.types = ARENA_ARRAY(&x.mem, enum type, spec->nby + spec->nmeasures);
    memcpy(x.types, spec->by_types, spec->nby * sizeof(*x.types));
    for (uint32_t i = 0; i < spec->nmeasures; i++)
        x.types[spec->nby + i] = measure_result_type(spec->spec[i], spec->value_types[i]);
    bool ok = plan_pieces(&x, parts, n, err);
    while (ok && x.ntodo > 0) {
        struct piece piece = x.todo[--x.ntodo];
        ok = count_up(&x, &piece, err);
    }
    ok = ok && emit_merged(&x, lane, err);
    arena_release(&x.mem);
    return ok;
}
