/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The external join: both sides are split by hash of their keys into runs of a scratch file, each
 * pair of runs is joined in memory, the results are merged by the number of their left row (the
 * partitioned hash join of Shapiro 1986, "Join processing in database systems with large main
 * memories", section 3.3, with order kept). See join.h.
 *
 * A part whose right side does not fit is split again by other bits of the hash. What splitting
 * does not make smaller (one key with more rows than memory) is taken in pieces: each piece of the
 * right run passes by the whole left run and gives a result of its own; pieces are taken in input
 * order, so merging by (number, piece) gives right input order. */
#include <string.h>

#include "engine/join.h"
#include "engine/seqmerge.h"

/* A quarter of the limit may go into the buffers of the parts that are written side by side. */
#define BUFFERS_SHARE 4u
#define PARTS_LEAST_BITS 2u
#define PARTS_MOST_BITS 6u
#define DEPTH_MAX 8u

struct part {
    struct spill_run *left, *right;
};
struct join_spill {
    struct spill *spill;
    unsigned bits; /* of the hash, for each splitting */
    struct part *parts;
    uint64_t seen; /* left rows so far: the number of the next */
    bool right_whole;
    struct spill_run **results;
    size_t nresults, cap;
};

static unsigned part_bits(const struct oper *op)
{
    unsigned bits = PARTS_LEAST_BITS;
    uint64_t room = op->limit_bytes ? op->limit_bytes / BUFFERS_SHARE : UINT64_MAX;
    while (bits < PARTS_MOST_BITS && (SPILL_BUFFER << (bits + 1)) <= room)
        bits++;
    return bits;
}

static struct part *parts_new(struct join *j)
{
    struct join_spill *s = j->spill;
    struct part *parts = xcalloc((size_t)1 << s->bits, sizeof(*parts));
    for (size_t i = 0; i < (size_t)1 << s->bits; i++) {
        parts[i].left = spill_run_new(s->spill, j->left.types, j->left.n);
        parts[i].right = spill_run_new(s->spill, j->right.types, j->right.n);
    }
    return parts;
}

static uint32_t part_of(const struct join_spill *s, uint64_t hash, unsigned depth)
{
    unsigned skip = depth * s->bits; /* from the top: tables use the low bits */
    return (uint32_t)(hash << skip >> (64 - s->bits));
}

/* Rows list[0..n) of b to their parts. `seq`: of the list's rows; NULL: right rows. */
static bool split(struct join *j, struct part *parts, unsigned depth, const struct batch *b,
                  const uint32_t *list, uint32_t n, const uint64_t *seq, struct err *err)
{
    const struct join_spill *s = j->spill;
    uint64_t hash[BATCH_ROWS], numbers[BATCH_ROWS];
    uint32_t start[(1u << PARTS_MOST_BITS) + 1] = {0}, rows[BATCH_ROWS];
    uint32_t count = 1u << s->bits;
    keys_hash(b, seq ? j->left_cols : j->right_cols, j->nkeys, hash);
    for (uint32_t i = 0; i < n; i++)
        start[part_of(s, hash[list[i]], depth) + 1]++;
    for (uint32_t p = 0; p < count; p++)
        start[p + 1] += start[p];
    for (uint32_t i = n; i-- > 0;) {
        uint32_t at = --start[part_of(s, hash[list[i]], depth) + 1];
        rows[at] = list[i];
        if (seq)
            numbers[at] = seq[i];
    }
    /* start[p + 1] is now where part p begins. */
    bool ok = true;
    for (uint32_t p = 0; ok && p < count; p++) {
        uint32_t from = start[p + 1], to = p + 1 < count ? start[p + 2] : n;
        struct spill_run *run = seq ? parts[p].left : parts[p].right;
        const uint32_t *map = seq ? j->left.map : j->right.map;
        /* A left row is lost without a right one, unless the type keeps it. */
        bool lost = seq && s->right_whole && spill_rows(parts[p].right) == 0 &&
                    (j->type == JOIN_INNER || j->type == JOIN_SEMI);
        if (from < to && !lost)
            ok = spill_add(run, b, map, rows + from, to - from, seq ? numbers + from : NULL, err);
    }
    return ok;
}

static bool split_left(struct join *j, const struct batch *b, struct err *err)
{
    uint32_t list[BATCH_ROWS];
    uint64_t seq[BATCH_ROWS];
    for (uint32_t i = 0; i < b->rows; i++) {
        list[i] = i;
        seq[i] = j->spill->seen++;
    }
    return split(j, j->spill->parts, 0, b, list, b->rows, seq, err);
}

static bool split_right(struct join *j, const struct batch *b, struct err *err)
{
    uint32_t list[BATCH_ROWS];
    uint32_t n = join_keyed(b, j->right_cols, j->nkeys, list);
    return split(j, j->spill->parts, 0, b, list, n, NULL, err);
}

/* All rows of one side that were kept so far. */
static bool split_kept(struct join *j, const struct rows *rows,
                       bool (*to)(struct join *, const struct batch *, struct err *),
                       struct err *err)
{
    uint32_t ids[BATCH_ROWS];
    bool ok = true;
    for (uint64_t from = 0; ok && from < rows->n; from += BATCH_ROWS) {
        struct batch *b = batch_new(rows->ncols, j->op->acct);
        b->rows = rows->n - from < BATCH_ROWS ? (uint32_t)(rows->n - from) : BATCH_ROWS;
        for (uint32_t i = 0; i < b->rows; i++)
            ids[i] = (uint32_t)from + i;
        for (uint32_t c = 0; c < rows->ncols; c++)
            rows_gather(rows, c, ids, b->rows, b, c);
        ok = to(j, b, err);
        batch_unref(b);
    }
    return ok;
}

static void empty_kept(struct join *j)
{
    join_table_release(&j->table);
    rows_release(&j->kept);
    rows_init(&j->kept, op_input_schema(j->op, 1), j->right_keep, j->op->acct);
    join_table_init(&j->table, &j->kept, j->right_cols, j->nkeys, j->exact, j->op->acct);
}

bool join_spill_begin(struct join *j, struct err *err)
{
    struct join_spill *s = xcalloc(1, sizeof(*s));
    j->spill = s;
    s->spill = spill_new(j->op->acct);
    s->bits = part_bits(j->op);
    s->parts = parts_new(j);
    join_unindex(j);
    j->external = true;
    j->algorithm = JOIN_EXTERNAL;
    if (!split_kept(j, &j->kept, split_right, err))
        return false;
    empty_kept(j);
    if (!j->build_left)
        return true;
    bool ok = split_kept(j, &j->left_kept, split_left, err);
    rows_release(&j->left_kept);
    return ok;
}

bool join_spill_push(struct join *j, uint32_t input, struct batch *b, struct err *err)
{
    j->spill->right_whole = !j->build_left && j->ready;
    bool ok = input == 0 ? split_left(j, b, err) : split_right(j, b, err);
    j->op->spilled_bytes = spill_bytes(j->spill->spill);
    return ok;
}

/* -- one part -- */

static struct spill_run *result_new(struct join *j)
{
    struct join_spill *s = j->spill;
    if (s->nresults == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 64;
        s->results = xreallocarray(s->results, s->cap, sizeof(*s->results));
    }
    return s->results[s->nresults++] = spill_run_new(s->spill, j->out.types, j->out.n);
}

static bool next_batch(struct join *j, struct spill_run *r, const struct join_pick *pick,
                       struct batch **out, uint64_t *seq, struct err *err)
{
    if (engine_stopped(j->op->e, err) || !spill_next(r, out, seq, err))
        return false;
    if (*out)
        *out = join_widen(j, pick, *out);
    return true;
}

/* Right rows as far as they fit (a batch at least). *wait: one that was read but did not. */
static bool load_right(struct join *j, struct spill_run *r, struct batch **wait, bool *whole,
                       struct err *err)
{
    empty_kept(j);
    *whole = false;
    for (;;) {
        struct batch *b = *wait;
        *wait = NULL;
        if (!b && !next_batch(j, r, &j->right, &b, NULL, err))
            return false;
        if (!b) {
            *whole = true;
            return true;
        }
        uint64_t more = engine_batch_bytes(b) * 2 + join_index_bytes(j, j->kept.n + b->rows);
        if (j->kept.n && !op_may_hold(j->op, more + 4 * SPILL_BUFFER)) {
            *wait = b;
            return true;
        }
        bool ok = join_keep_right(j, b, err);
        batch_unref(b);
        if (!ok)
            return false;
    }
}

static bool pass_left(struct join *j, struct spill_run *left, struct join_partial *p,
                      struct err *err)
{
    uint64_t seq[BATCH_ROWS];
    struct batch *b;
    j->own->to = result_new(j);
    j->own->seq = seq;
    bool ok = spill_rewind(left, err);
    while (ok && (ok = next_batch(j, left, &j->left, &b, seq, err)) && b) {
        ok = join_batch(j, NULL, b, j->own, p, err);
        if (p)
            p->row += b->rows;
        batch_unref(b);
    }
    ok = ok && spill_rewind(j->own->to, err);
    j->own->to = NULL;
    return ok;
}

/* The right run in pieces, of which the first is loaded. */
static bool join_pieces(struct join *j, struct part *p, struct batch *wait, struct err *err)
{
    size_t words = (size_t)(spill_rows(p->left) / 64 + 1);
    uint64_t *matched = mem_alloc(j->op->acct, words * sizeof(*matched));
    memset(matched, 0, words * sizeof(*matched));
    bool ok = true, whole = false;
    for (;;) {
        /* It is the last one when the next is empty. */
        struct join_partial partial = {.matched = matched, .last = !wait};
        join_index(j);
        ok = pass_left(j, p->left, &partial, err);
        join_unindex(j);
        if (!ok || !wait)
            break;
        ok = load_right(j, p->right, &wait, &whole, err);
        if (!ok)
            break;
    }
    batch_unref(wait);
    mem_release(j->op->acct, matched, words * sizeof(*matched));
    return ok;
}

static bool join_part(struct join *j, struct part *p, unsigned depth, bool may_split,
                      struct err *err);

static bool split_run(struct join *j, struct part *parts, unsigned depth, struct spill_run *run,
                      bool left, struct err *err)
{
    uint64_t seq[BATCH_ROWS];
    uint32_t list[BATCH_ROWS];
    struct batch *b;
    bool ok = spill_rewind(run, err);
    for (uint32_t i = 0; i < BATCH_ROWS; i++)
        list[i] = i;
    while (ok && (ok = next_batch(j, run, left ? &j->left : &j->right, &b, seq, err)) && b) {
        ok = split(j, parts, depth, b, list, b->rows, left ? seq : NULL, err);
        batch_unref(b);
    }
    return ok;
}

static bool join_split(struct join *j, struct part *p, unsigned depth, struct err *err)
{
    struct part *parts = parts_new(j);
    uint64_t rows = spill_rows(p->right);
    bool ok = split_run(j, parts, depth, p->right, false, err);
    spill_drop(p->right);
    p->right = NULL;
    ok = ok && split_run(j, parts, depth, p->left, true, err);
    spill_drop(p->left);
    p->left = NULL;
    for (size_t i = 0; ok && i < (size_t)1 << j->spill->bits; i++)
        ok = spill_rewind(parts[i].left, err) && spill_rewind(parts[i].right, err);
    for (size_t i = 0; ok && i < (size_t)1 << j->spill->bits; i++) {
        /* What stays together will not part the next time. */
        bool useful = spill_rows(parts[i].right) < rows - rows / 10;
        ok = join_part(j, &parts[i], depth, useful, err);
    }
    free(parts);
    return ok;
}

static bool join_part(struct join *j, struct part *p, unsigned depth, bool may_split,
                      struct err *err)
{
    struct batch *wait = NULL;
    bool whole, ok = true;
    bool lost = spill_rows(p->left) == 0 ||
                (spill_rows(p->right) == 0 && j->type != JOIN_LEFT && j->type != JOIN_ANTI);
    if (!lost) {
        ok = spill_rewind(p->right, err) && load_right(j, p->right, &wait, &whole, err);
        if (ok && whole) {
            join_index(j);
            ok = pass_left(j, p->left, NULL, err);
            join_unindex(j);
        } else if (ok && may_split && (depth + 2) * j->spill->bits <= 48 && depth < DEPTH_MAX) {
            batch_unref(wait);
            empty_kept(j);
            return join_split(j, p, depth + 1, err);
        } else if (ok) {
            ok = join_pieces(j, p, wait, err);
        }
        empty_kept(j);
    }
    spill_drop(p->left);
    spill_drop(p->right);
    p->left = p->right = NULL;
    return ok;
}

/* How many results are read at once: each has a block, and its rows as a batch. */
static uint32_t fan_in(const struct join *j)
{
    uint64_t room = j->op->limit_bytes ? j->op->limit_bytes / (4 * SPILL_BUFFER) : SEQMERGE_RUNS;
    return room < 4 ? 4 : room > SEQMERGE_RUNS ? SEQMERGE_RUNS : (uint32_t)room;
}

static struct batch *widen(void *ctx, struct batch *b)
{
    const struct join *j = ctx;
    return join_widen(j, &j->out, b);
}

static bool emit_merged(struct join *j, struct lane *lane, struct err *err)
{
    const struct join_spill *s = j->spill;
    const struct seqmerge_of of = {.op = j->op,
                                   .spill = s->spill,
                                   .types = j->out.types,
                                   .ncols = j->out.n,
                                   .most = fan_in(j),
                                   .make = widen,
                                   .ctx = j};
    return seqmerge_emit(&of, s->results, (uint32_t)s->nresults, lane, err);
}

bool join_spill_finish(struct join *j, struct lane *lane, struct err *err)
{
    struct join_spill *s = j->spill;
    size_t count = (size_t)1 << s->bits;
    bool ok = true;
    s->right_whole = true;
    for (size_t i = 0; ok && i < count; i++) /* lets the buffers go */
        ok = spill_rewind(s->parts[i].left, err) && spill_rewind(s->parts[i].right, err);
    for (size_t i = 0; ok && i < count; i++)
        ok = join_part(j, &s->parts[i], 0, true, err);
    ok = ok && emit_merged(j, lane, err);
    j->op->spilled_bytes = spill_bytes(s->spill);
    return ok;
}

void join_spill_free(struct join *j)
{
    struct join_spill *s = j->spill;
    if (!s)
        return;
    spill_free(s->spill);
    free(s->parts);
    free(s->results);
    free(s);
    j->spill = NULL;
}
