/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Join: opening, keeping one side, pairing the other with it, batches of pairs. See join.h for the
 * algorithms. */
#include <string.h>

#include "engine/join.h"

static const char *const algorithm_names[] = {
    [JOIN_HASH] = "hash",
    [JOIN_SORT_MERGE] = "sort_merge",
    [JOIN_NESTED_LOOP] = "nested_loop",
    [JOIN_EXTERNAL] = "external",
};

static enum join_algorithm planned_algorithm(const struct oper *op)
{
    const struct rec_plan_stage *s = op_plan(op);
    for (unsigned i = 0; s && s->algorithm && i < ARRAY_LEN(algorithm_names); i++) {
        if (strcmp(s->algorithm, algorithm_names[i]) == 0)
            return (enum join_algorithm)i;
    }
    return JOIN_HASH;
}

bool join_left_first(const struct oper *op)
{
    const struct rec_plan_stage *s = op_plan(op);
    return s && s->build && strcmp(s->build, "left") == 0 && planned_algorithm(op) == JOIN_HASH;
}

/* May what comes in change the algorithm? */
static bool mode_chooses(const struct oper *op)
{
    const struct rec_plan *plan = op->e->o->plan;
    return plan && plan->mode && strcmp(plan->mode, "standard") != 0;
}

/* -- columns -- */

/* The columns whose bit is set (all when NULL). */
static void pick_columns(struct join *j, struct join_pick *p, const struct schema *s,
                         const uint64_t *keep)
{
    struct arena *a = &j->op->mem;
    p->ncols = s->n;
    p->map = ARENA_ARRAY(a, uint32_t, s->n + 1);
    p->types = ARENA_ARRAY(a, enum type, s->n + 1);
    p->all = ARENA_ARRAY(a, enum type, s->n + 1);
    for (uint32_t c = 0; c < s->n; c++) {
        p->all[c] = s->fields[c].type;
        if (keep && !bit_get(keep, c))
            continue;
        p->types[p->n] = s->fields[c].type;
        p->map[p->n++] = c;
    }
}

static struct column null_column(const struct join *j, enum type type)
{
    struct column c = j->null_column;
    c.type = type;
    return c;
}

struct batch *join_widen(const struct join *j, const struct join_pick *pick, struct batch *b)
{
    struct batch *out = batch_new(pick->ncols, j->op->acct);
    out->rows = b->rows;
    for (uint32_t c = 0; c < pick->ncols; c++)
        out->cols[c] = null_column(j, pick->all[c]);
    for (uint32_t i = 0; i < pick->n; i++)
        out->cols[pick->map[i]] = b->cols[i];
    batch_hold(out, b);
    batch_unref(b);
    return out;
}

static bool is_right_key(const struct join *j, uint32_t c)
{
    for (uint32_t k = 0; k < j->nkeys; k++) {
        if (j->right_cols[k] == c)
            return true;
    }
    return false;
}

/* Which columns are kept, and which somebody reads. */
static void open_columns(struct join *j)
{
    struct arena *a = &j->op->mem;
    const struct stage *s = j->op->stage;
    const struct schema *left = op_input_schema(j->op, 0), *right = op_input_schema(j->op, 1);
    uint64_t *left_keep = ARENA_ARRAY(a, uint64_t, left->n / 64 + 1);
    bool pairs = j->type == JOIN_INNER || j->type == JOIN_LEFT;
    j->right_keep = ARENA_ARRAY(a, uint64_t, right->n / 64 + 1);
    j->right_out = ARENA_ARRAY(a, uint32_t, right->n + 1);
    j->out_live = ARENA_ARRAY(a, bool, s->schema.n + 1);
    for (uint32_t k = 0; k < j->nkeys; k++) {
        bit_set(left_keep, j->left_cols[k]);
        bit_set(j->right_keep, j->right_cols[k]);
    }
    for (uint32_t c = 0; c < s->schema.n; c++)
        j->out_live[c] = !s->live || bit_get(s->live, c);
    j->nleft = left->n;
    for (uint32_t c = 0; c < left->n; c++) {
        if (j->out_live[c])
            bit_set(left_keep, c);
    }
    for (uint32_t c = 0; pairs && c < right->n; c++) {
        if (is_right_key(j, c))
            continue;
        if (j->out_live[j->nleft + j->nright])
            bit_set(j->right_keep, c);
        j->right_out[j->nright++] = c;
    }
    pick_columns(j, &j->left, left, left_keep);
    pick_columns(j, &j->right, right, j->right_keep);
    pick_columns(j, &j->out, &s->schema, s->live);
    j->null_column = (struct column){.valid = ARENA_ARRAY(a, uint64_t, BATCH_WORDS),
                                     .text = ARENA_ARRAY(a, struct text, BATCH_ROWS),
                                     .v = {ARENA_ARRAY(a, int64_t, BATCH_ROWS)}};
}

static bool join_open(struct oper *op, struct err *err)
{
    const struct stage *s = op->stage;
    const struct schema *left = op_input_schema(op, 0), *right = op_input_schema(op, 1);
    struct join *j = ARENA_NEW(&op->mem, struct join);
    j->op = op;
    j->type = s->u.join.type;
    j->nkeys = s->u.join.n;
    j->left_cols = ARENA_ARRAY(&op->mem, uint32_t, j->nkeys);
    j->right_cols = ARENA_ARRAY(&op->mem, uint32_t, j->nkeys);
    for (uint32_t k = 0; k < j->nkeys; k++) {
        j->left_cols[k] = s->u.join.on[k].left_index;
        j->right_cols[k] = s->u.join.on[k].right_index;
    }
    j->exact = j->nkeys == 1 && left->fields[j->left_cols[0]].type == TYPE_INTEGER &&
               right->fields[j->right_cols[0]].type == TYPE_INTEGER;
    open_columns(j);
    j->own = ARENA_NEW(&op->mem, struct join_out);
    j->algorithm = planned_algorithm(op);
    j->build_left = join_left_first(op);
    rows_init(&j->kept, right, j->right_keep, op->acct);
    if (j->build_left) {
        uint64_t *keep = ARENA_ARRAY(&op->mem, uint64_t, left->n / 64 + 1);
        for (uint32_t i = 0; i < j->left.n; i++)
            bit_set(keep, j->left.map[i]);
        rows_init(&j->left_kept, left, keep, op->acct);
        join_table_init(&j->table, &j->left_kept, j->left_cols, j->nkeys, j->exact, op->acct);
    } else {
        join_table_init(&j->table, &j->kept, j->right_cols, j->nkeys, j->exact, op->acct);
    }
    join_sorted_init(&j->sorted, &j->kept, j->right_cols, j->nkeys, j->exact, op->acct);
    op->algorithm = algorithm_names[j->algorithm];
    pthread_mutex_init(&j->lock, NULL);
    j->open_choice = !j->build_left && mode_chooses(op) &&
                     (j->algorithm == JOIN_HASH || j->algorithm == JOIN_SORT_MERGE);
    op->state = j;
    return j->algorithm != JOIN_EXTERNAL || join_spill_begin(j, err);
}

static bool join_accepts(const struct oper *op, uint32_t input)
{
    const struct join *j = op->state;
    return input == (j->build_left ? 0u : 1u) || j->ready;
}

/* -- what is kept -- */

uint32_t join_keyed(const struct batch *b, const uint32_t *cols, uint32_t nkeys, uint32_t *list)
{
    uint64_t null[BATCH_WORDS], keep[BATCH_WORDS];
    keys_null(b, cols, nkeys, null);
    bits_all(keep, b->rows);
    for (uint32_t w = 0; w < BATCH_WORDS; w++)
        keep[w] &= ~null[w];
    return bits_list(keep, b->rows, list);
}

bool join_keep_right(struct join *j, struct batch *b, struct err *err)
{
    uint32_t list[BATCH_ROWS];
    uint32_t n = join_keyed(b, j->right_cols, j->nkeys, list);
    if (!rows_append(&j->kept, b, NULL, list, n, err))
        return false;
    if (j->algorithm == JOIN_HASH || j->algorithm == JOIN_EXTERNAL || j->open_choice)
        join_table_note(&j->table, b, list, n);
    return true;
}

void join_index(struct join *j)
{
    if (j->algorithm == JOIN_SORT_MERGE)
        join_sorted_build(&j->sorted);
    else if (j->algorithm != JOIN_NESTED_LOOP)
        join_table_build(&j->table);
}

void join_unindex(struct join *j)
{
    join_table_release(&j->table);
    join_sorted_release(&j->sorted);
}

uint64_t join_index_bytes(const struct join *j, uint64_t rows)
{
    return j->algorithm == JOIN_NESTED_LOOP  ? 0
           : j->algorithm == JOIN_SORT_MERGE ? join_sorted_bytes(rows)
                                             : join_table_bytes(&j->table, rows);
}

/* On the way to the kept rows: their text, and vectors that double at first. */
static uint64_t room_for(const struct join *j, const struct batch *b, uint64_t kept)
{
    return engine_batch_bytes(b) * 2 + join_index_bytes(j, kept + b->rows);
}

static bool go_external(struct join *j, struct err *err)
{
    struct oper *op = j->op;
    if (op->e->o->note) {
        char *text =
            xasprintf("joins by way of disk: %llu bytes are held, %llu are its limit",
                      (unsigned long long)op->acct->now, (unsigned long long)op->limit_bytes);
        op->e->o->note(op->e->o->ctx, op->stage->id, text);
        free(text);
    }
    op->algorithm = algorithm_names[JOIN_EXTERNAL];
    return join_spill_begin(j, err);
}

static bool build_right(struct join *j, struct batch *b, struct err *err)
{
    if (op_may_hold(j->op, room_for(j, b, j->kept.n)))
        return join_keep_right(j, b, err);
    return go_external(j, err) && join_spill_push(j, 1, b, err);
}

static bool build_left(struct join *j, struct batch *b, struct err *err)
{
    if (!op_may_hold(j->op, room_for(j, b, j->left_kept.n)))
        return go_external(j, err) && join_spill_push(j, 0, b, err);
    if (!rows_append(&j->left_kept, b, NULL, NULL, b->rows, err))
        return false;
    join_table_note(&j->table, b, NULL, b->rows);
    return true;
}

/* -- built left: right rows pass by, what has a match is kept -- */

static void match_add(struct join *j, uint32_t head, uint32_t right)
{
    if (right == j->match_cap) {
        size_t cap = j->match_cap ? j->match_cap * 2 : 1024;
        size_t size = sizeof(*j->match_next);
        j->match_next = mem_resize(j->op->acct, j->match_next, j->match_cap * size, cap * size);
        j->match_cap = cap;
    }
    j->match_next[right] = JOIN_END;
    if (j->match_first[head] == JOIN_END)
        j->match_first[head] = right;
    else
        j->match_next[j->match_last[head]] = right;
    j->match_last[head] = right;
}

static bool pass_right(struct join *j, struct batch *b, struct err *err)
{
    uint32_t list[BATCH_ROWS], heads[BATCH_ROWS], n = 0;
    struct join_found f;
    if (!op_may_hold(j->op, engine_batch_bytes(b) * 2 + b->rows * 2 * sizeof(uint32_t)))
        return go_external(j, err) && join_spill_push(j, 1, b, err);
    keys_null(b, j->right_cols, j->nkeys, f.null);
    join_table_find(&j->table, b, j->right_cols, f.null, f.first);
    bool pairs = j->type == JOIN_INNER || j->type == JOIN_LEFT;
    for (uint32_t i = 0; i < b->rows; i++) {
        uint32_t head = f.first[i];
        /* That it has one is all that semi and anti ask. */
        if (head == JOIN_END || (!pairs && j->match_first[head] != JOIN_END))
            continue;
        if (!pairs)
            j->match_first[head] = head;
        heads[n] = head;
        list[n++] = i;
    }
    uint32_t had = (uint32_t)j->kept.n;
    if (!rows_append(&j->kept, b, NULL, list, n, err))
        return false;
    for (uint32_t i = 0; pairs && i < n; i++)
        match_add(j, heads[i], had + i);
    return true;
}

/* -- pairs -- */

static bool emit_pairs(struct join *j, struct lane *lane, struct batch *b, struct join_out *o,
                       bool all, struct err *err)
{
    if (o->n == 0)
        return true;
    struct batch *out = batch_new(j->nleft + j->nright, j->op->acct);
    out->rows = o->n;
    for (uint32_t c = 0; c < j->nleft; c++) {
        if (!j->out_live[c])
            out->cols[c] = null_column(j, b->cols[c].type);
        else if (all)
            out->cols[c] = b->cols[c];
        else
            column_gather(b, c, o->left, o->n, out, c);
    }
    for (uint32_t c = 0; c < j->nright; c++) {
        if (!j->out_live[j->nleft + c])
            out->cols[j->nleft + c] = null_column(j, j->kept.types[j->right_out[c]]);
        else
            rows_gather(&j->kept, j->right_out[c], o->right, o->n, out, j->nleft + c);
    }
    batch_hold(out, b);
    bool ok;
    if (o->to) {
        uint64_t seq[BATCH_ROWS];
        for (uint32_t i = 0; i < o->n; i++)
            seq[i] = o->seq[all ? i : o->left[i]];
        ok = spill_add(o->to, out, j->out.map, NULL, o->n, seq, err);
    } else {
        ok = op_emit(j->op, lane, out, err);
    }
    o->n = 0;
    batch_unref(out);
    return ok;
}

/* Every left row has one match at most (a left join: exactly one, or a row of nulls). */
static bool pair_single(struct join *j, struct lane *lane, struct batch *b, struct join_found *f,
                        struct join_out *o, struct err *err)
{
    uint32_t n = 0;
    if (j->type == JOIN_LEFT) {
        memcpy(o->right, f->first, b->rows * sizeof(*o->right));
        o->n = b->rows;
        return emit_pairs(j, lane, b, o, true, err);
    }
    for (uint32_t i = 0; i < b->rows; i++) {
        o->left[n] = i;
        o->right[n] = f->first[i];
        n += f->first[i] != JOIN_END;
    }
    o->n = n;
    return emit_pairs(j, lane, b, o, n == b->rows, err);
}

/* The right row at a finder's place, and the place after it. */
static uint32_t right_at(const struct join *j, uint32_t at)
{
    return j->algorithm == JOIN_SORT_MERGE && !j->external ? j->sorted.entries[at].row : at;
}

static uint32_t right_next(const struct join *j, const struct batch *b, uint32_t row, uint32_t at)
{
    if (j->external)
        return join_table_next(&j->table, b, j->left_cols, row, at);
    if (j->build_left)
        return j->match_next[at];
    if (j->algorithm == JOIN_SORT_MERGE)
        return join_sorted_next(&j->sorted, at);
    if (j->algorithm == JOIN_NESTED_LOOP)
        return join_loop_from(&j->kept, j->right_cols, b, j->left_cols, row, j->nkeys, j->exact,
                              at + 1);
    return join_table_next(&j->table, b, j->left_cols, row, at);
}

static void find(const struct join *j, const struct batch *b, struct join_found *f)
{
    keys_null(b, j->left_cols, j->nkeys, f->null);
    if (j->algorithm == JOIN_SORT_MERGE && !j->external) {
        join_sorted_find(&j->sorted, b, j->left_cols, f->null, f->first);
    } else if (j->algorithm == JOIN_NESTED_LOOP && !j->external) {
        for (uint32_t i = 0; i < b->rows; i++)
            f->first[i] = bit_get(f->null, i)
                              ? JOIN_END
                              : join_loop_from(&j->kept, j->right_cols, b, j->left_cols, i,
                                               j->nkeys, j->exact, 0);
    } else {
        join_table_find(&j->table, b, j->left_cols, f->null, f->first);
    }
    if (!j->build_left || j->external)
        return;
    for (uint32_t i = 0; i < b->rows; i++)
        f->first[i] = f->first[i] == JOIN_END ? JOIN_END : j->match_first[f->first[i]];
}

static bool pair_all(struct join *j, struct lane *lane, struct batch *b, struct join_found *f,
                     struct join_out *o, struct err *err)
{
    o->n = 0;
    for (uint32_t i = 0; i < b->rows; i++) {
        uint32_t at = f->first[i];
        if (at == JOIN_END && j->type != JOIN_LEFT)
            continue;
        do {
            o->left[o->n] = i;
            o->right[o->n++] = at == JOIN_END ? ROWS_NULL : right_at(j, at);
            if (o->n == BATCH_ROWS && !emit_pairs(j, lane, b, o, false, err))
                return false;
            at = at == JOIN_END ? at : right_next(j, b, i, at);
        } while (at != JOIN_END);
    }
    return emit_pairs(j, lane, b, o, false, err);
}

/* Rows of semi and anti, or of a left join that have no match: as they are. */
static bool emit_left(struct join *j, struct lane *lane, struct batch *b, const uint64_t *keep,
                      struct join_out *o, struct err *err)
{
    if (!o->to)
        return op_emit_kept(j->op, lane, b, keep, err);
    uint32_t list[BATCH_ROWS];
    uint64_t seq[BATCH_ROWS];
    uint32_t n = bits_list(keep, b->rows, list);
    for (uint32_t i = 0; i < n; i++)
        seq[i] = o->seq[list[i]];
    return spill_add(o->to, b, j->out.map, list, n, seq, err);
}

/* With a part of the right side: which left rows are decided by it? Changes f->first to what pairs
 * are to be made of. */
static void decide(struct join *j, const struct batch *b, struct join_found *f,
                   struct join_partial *p, uint64_t *keep)
{
    for (uint32_t i = 0; i < b->rows; i++) {
        uint64_t at = p->row + i;
        uint64_t bit = UINT64_C(1) << (at & 63);
        bool before = p->matched[at >> 6] & bit, now = f->first[i] != JOIN_END;
        p->matched[at >> 6] |= now ? bit : 0;
        bool lone = !before && !now && p->last;
        if (j->type == JOIN_SEMI ? now && !before : lone)
            bit_set(keep, i);
    }
}

/* A left join with a part of the right side: pairs, and rows without a match where they stand. */
static bool pair_partial(struct join *j, struct batch *b, struct join_found *f, struct join_out *o,
                         const uint64_t *lone, struct err *err)
{
    o->n = 0;
    for (uint32_t i = 0; i < b->rows; i++) {
        uint32_t at = f->first[i];
        if (at == JOIN_END && !bit_get(lone, i))
            continue;
        do {
            o->left[o->n] = i;
            o->right[o->n++] = at == JOIN_END ? ROWS_NULL : at;
            if (o->n == BATCH_ROWS && !emit_pairs(j, NULL, b, o, false, err))
                return false;
            at = at == JOIN_END ? at : right_next(j, b, i, at);
        } while (at != JOIN_END);
    }
    return emit_pairs(j, NULL, b, o, false, err);
}

bool join_batch(struct join *j, struct lane *lane, struct batch *b, struct join_out *o,
                struct join_partial *p, struct err *err)
{
    struct join_found f;
    uint64_t keep[BATCH_WORDS] = {0};
    find(j, b, &f);
    bool exists = j->type == JOIN_SEMI || j->type == JOIN_ANTI;
    if (p && (exists || j->type == JOIN_LEFT)) {
        decide(j, b, &f, p, keep);
        return exists ? emit_left(j, lane, b, keep, o, err) : pair_partial(j, b, &f, o, keep, err);
    }
    if (exists) {
        for (uint32_t i = 0; i < b->rows; i++)
            keep[i >> 6] |= (uint64_t)((f.first[i] != JOIN_END) == (j->type == JOIN_SEMI))
                            << (i & 63);
        return emit_left(j, lane, b, keep, o, err);
    }
    bool table = (j->algorithm == JOIN_HASH && !j->build_left) || j->external;
    return table && j->table.unique ? pair_single(j, lane, b, &f, o, err)
                                    : pair_all(j, lane, b, &f, o, err);
}

/* -- the second look -- */

static void say_chosen(struct join *j)
{
    struct oper *op = j->op;
    if (op->algorithm == algorithm_names[j->algorithm])
        return;
    op->algorithm = algorithm_names[j->algorithm];
    if (op->e->o->note)
        op->e->o->note(op->e->o->ctx, op->stage->id,
                       j->algorithm == JOIN_HASH
                           ? "joins by hash: not both sides come in the order of the keys"
                           : "joins by sort_merge: both sides come in the order of the keys");
}

/* Integers in order whose first and last are near: looked up by number, no merge is faster. */
static bool is_dense(const struct join *j)
{
    uint32_t at, n = (uint32_t)j->kept.n;
    if (!j->exact || n == 0)
        return false;
    const struct column *c = rows_at(&j->kept, j->right_cols[0], 0, &at);
    int64_t first = c->v.i64[at];
    c = rows_at(&j->kept, j->right_cols[0], n - 1, &at);
    int64_t last = c->v.i64[at];
    return last >= first && join_table_dense((uint64_t)last - (uint64_t)first, n);
}

/* The first left batch tells whether the left side comes in order; all right rows are there. Both
 * in order are merged. A left side out of order after that is still joined rightly: each batch is
 * put into order first. */
static void choose_finder(struct join *j, const struct batch *b)
{
    uint64_t null[BATCH_WORDS];
    if (atomic_load_explicit(&j->indexed, memory_order_acquire))
        return;
    pthread_mutex_lock(&j->lock);
    if (!atomic_load_explicit(&j->indexed, memory_order_relaxed)) {
        keys_null(b, j->left_cols, j->nkeys, null);
        if (!is_dense(j) && join_sorted_batch(b, j->left_cols, j->nkeys, j->exact, null) &&
            join_sorted_try(&j->sorted)) {
            j->algorithm = JOIN_SORT_MERGE;
            join_table_release(&j->table);
        } else {
            j->algorithm = JOIN_HASH;
            join_table_build(&j->table);
        }
        say_chosen(j);
        atomic_store_explicit(&j->indexed, true, memory_order_release);
    }
    pthread_mutex_unlock(&j->lock);
}

/* -- the engine's side -- */

static bool join_lanes(const struct oper *op, uint32_t input)
{
    const struct join *j = op->state;
    return input == 0 && j->ready && !j->build_left && !j->external;
}

static bool join_lane_open(struct oper *op, struct lane *lane, uint32_t input, struct err *err)
{
    (void)input, (void)err;
    if (!lane->state[op->index])
        lane->state[op->index] = ARENA_NEW(&lane->mem, struct join_out);
    return true;
}

static bool join_lane_close(struct oper *op, struct lane *lane, uint32_t input, struct err *err)
{
    (void)op, (void)lane, (void)input, (void)err;
    return true;
}

static bool join_push(struct oper *op, struct lane *lane, uint32_t input, struct batch *b,
                      struct err *err)
{
    struct join *j = op->state;
    if (j->external)
        return join_spill_push(j, input, b, err);
    if (j->build_left)
        return input == 0 ? build_left(j, b, err) : pass_right(j, b, err);
    if (input == 0 && j->open_choice)
        choose_finder(j, b);
    return input == 1 ? build_right(j, b, err)
                      : join_batch(j, lane, b, lane->state[op->index], NULL, err);
}

static void match_open(struct join *j)
{
    j->match_rows = (size_t)j->left_kept.n;
    size_t bytes = j->match_rows * sizeof(*j->match_first);
    j->match_first = mem_alloc(j->op->acct, bytes);
    j->match_last = mem_alloc(j->op->acct, bytes);
    memset(j->match_first, 0xff, bytes);
}

static void match_release(struct join *j)
{
    size_t size = sizeof(*j->match_first);
    mem_release(j->op->acct, j->match_first, j->match_rows * size);
    mem_release(j->op->acct, j->match_last, j->match_rows * size);
    mem_release(j->op->acct, j->match_next, j->match_cap * size);
    j->match_first = j->match_last = j->match_next = NULL;
    j->match_rows = j->match_cap = 0;
}

/* Built left: the left rows, in batches, with their matches. */
static bool emit_built_left(struct join *j, struct lane *lane, struct err *err)
{
    uint32_t n = (uint32_t)j->left_kept.n, ids[BATCH_ROWS];
    bool ok = true;
    for (uint32_t from = 0; ok && from < n; from += BATCH_ROWS) {
        if (engine_stopped(j->op->e, err))
            return false;
        struct batch *b = batch_new(j->nleft, j->op->acct);
        b->rows = n - from < BATCH_ROWS ? n - from : BATCH_ROWS;
        for (uint32_t i = 0; i < b->rows; i++)
            ids[i] = from + i;
        for (uint32_t c = 0; c < j->nleft; c++) {
            if (j->left_kept.stored[c])
                rows_gather(&j->left_kept, c, ids, b->rows, b, c);
            else
                b->cols[c] = null_column(j, j->left_kept.types[c]);
        }
        ok = join_batch(j, lane, b, j->own, NULL, err);
        batch_unref(b);
    }
    return ok;
}

static bool join_finish(struct oper *op, struct lane *lane, uint32_t input, struct err *err)
{
    struct join *j = op->state;
    bool first = !j->ready;
    j->ready = true;
    if (j->external)
        return first || join_spill_finish(j, lane, err);
    if (first) {
        if (!j->open_choice)
            join_index(j);
        if (j->build_left)
            match_open(j);
        return true;
    }
    (void)input;
    return !j->build_left || emit_built_left(j, lane, err);
}

static void join_close(struct oper *op)
{
    struct join *j = op->state;
    if (!j)
        return;
    pthread_mutex_destroy(&j->lock);
    join_unindex(j);
    match_release(j);
    join_spill_free(j);
    rows_release(&j->kept);
    if (j->build_left)
        rows_release(&j->left_kept);
}

const struct op_class op_join_class = {.open = join_open,
                                       .lane_open = join_lane_open,
                                       .lane_close = join_lane_close,
                                       .lanes = join_lanes,
                                       .push = join_push,
                                       .finish = join_finish,
                                       .close = join_close,
                                       .accepts = join_accepts};
