/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Join: the right side is kept, the left side streams past it. Output in left, then right input
 * order with either algorithm: the chains of the hash table run in right input order, nested loops
 * do by nature. */
#include <string.h>

#include "engine/keys.h"
#include "engine/op.h"

#define END UINT32_MAX

struct join {
    struct rows right;
    uint64_t *hash;  /* of each kept row that has no null key */
    uint32_t *next;  /* the next row of the same bucket, later in input order */
    uint32_t *first; /* per bucket */
    size_t mask, cap;
    uint32_t *left_cols, *right_cols, nkeys;
    uint32_t *right_out; /* right columns of the output, in order */
    uint32_t nleft, nright;
    bool nested, built;
    struct mem_account *acct;
    /* pairs that wait to be emitted, of one left batch */
    uint32_t pair_left[BATCH_ROWS], pair_right[BATCH_ROWS], npairs;
};

static bool wants_nested_loop(const struct oper *op)
{
    const struct rec_plan_stage *s = op_plan(op);
    return s && s->algorithm && strcmp(s->algorithm, "nested_loop") == 0;
}

static bool is_right_key(const struct oper *op, uint32_t c)
{
    for (uint32_t k = 0; k < op->stage->u.join.n; k++) {
        if (op->stage->u.join.on[k].right_index == c)
            return true;
    }
    return false;
}

static bool join_open(struct oper *op, struct err *err)
{
    (void)err;
    const struct stage *s = op->stage;
    const struct schema *left = op_input_schema(op, 0), *right = op_input_schema(op, 1);
    struct join *j = ARENA_NEW(&op->mem, struct join);
    j->acct = op->acct;
    j->nkeys = s->u.join.n;
    j->left_cols = ARENA_ARRAY(&op->mem, uint32_t, j->nkeys);
    j->right_cols = ARENA_ARRAY(&op->mem, uint32_t, j->nkeys);
    uint64_t *keep = ARENA_ARRAY(&op->mem, uint64_t, right->n / 64 + 1);
    for (uint32_t k = 0; k < j->nkeys; k++) {
        j->left_cols[k] = s->u.join.on[k].left_index;
        j->right_cols[k] = s->u.join.on[k].right_index;
        bit_set(keep, j->right_cols[k]);
    }
    j->nleft = left->n;
    j->right_out = ARENA_ARRAY(&op->mem, uint32_t, right->n);
    bool pairs = s->u.join.type == JOIN_INNER || s->u.join.type == JOIN_LEFT;
    for (uint32_t c = 0; pairs && c < right->n; c++) {
        if (is_right_key(op, c))
            continue;
        if (!s->live || bit_get(s->live, j->nleft + j->nright))
            bit_set(keep, c);
        j->right_out[j->nright++] = c;
    }
    rows_init(&j->right, right, keep, op->acct);
    j->nested = wants_nested_loop(op);
    op->algorithm = j->nested ? "nested_loop" : "hash";
    op->state = j;
    return true;
}

static bool join_accepts(const struct oper *op, uint32_t input)
{
    const struct join *j = op->state;
    return input == 1 || j->built;
}

static bool build_push(struct oper *op, struct batch *b, struct err *err)
{
    struct join *j = op->state;
    uint64_t hashes[BATCH_ROWS], null[BATCH_WORDS];
    uint32_t list[BATCH_ROWS], n = 0;
    keys_null(b, j->right_cols, j->nkeys, null);
    for (uint32_t i = 0; i < b->rows; i++) {
        if (!bit_get(null, i))
            list[n++] = i;
    }
    uint64_t had = j->right.n;
    if (!rows_append(&j->right, b, NULL, list, n, err))
        return false;
    if (j->nested)
        return true;
    if (j->right.n > j->cap) {
        size_t cap = j->cap ? j->cap * 2 : 1024;
        while (cap < j->right.n)
            cap *= 2;
        j->hash = mem_resize(j->acct, j->hash, j->cap * sizeof(*j->hash), cap * sizeof(*j->hash));
        j->cap = cap;
    }
    keys_hash(b, j->right_cols, j->nkeys, hashes);
    for (uint32_t i = 0; i < n; i++)
        j->hash[had + i] = hashes[list[i]];
    return true;
}

/* Rows go in from the last to the first, each before the one that was there: chains run forwards.
 */
static void build_table(struct join *j)
{
    uint32_t n = (uint32_t)j->right.n;
    size_t buckets = 64;
    while (buckets < (size_t)n + n / 2)
        buckets *= 2;
    j->mask = buckets - 1;
    j->first = mem_alloc(j->acct, buckets * sizeof(*j->first));
    memset(j->first, 0xff, buckets * sizeof(*j->first));
    j->next = mem_alloc(j->acct, (n ? n : 1) * sizeof(*j->next));
    for (uint32_t i = n; i-- > 0;) {
        size_t at = (size_t)j->hash[i] & j->mask;
        j->next[i] = j->first[at];
        j->first[at] = i;
    }
}

static bool keys_match(const struct join *j, const struct batch *b, uint32_t row, uint32_t right)
{
    for (uint32_t k = 0; k < j->nkeys; k++) {
        uint32_t at;
        const struct column *c = rows_at(&j->right, j->right_cols[k], right, &at);
        if (!value_same(&b->cols[j->left_cols[k]], row, c, at))
            return false;
    }
    return true;
}

/* The next right row after `at` that may match; END at the end. Start with END. */
static uint32_t next_candidate(const struct join *j, uint64_t hash, uint32_t at)
{
    if (j->nested) {
        uint32_t next = at == END ? 0 : at + 1;
        return next < j->right.n ? next : END;
    }
    uint32_t next = at == END ? j->first[(size_t)hash & j->mask] : j->next[at];
    while (next != END && j->hash[next] != hash)
        next = j->next[next];
    return next;
}

static bool emit_pairs(struct oper *op, struct lane *lane, struct batch *b, struct err *err)
{
    struct join *j = op->state;
    if (j->npairs == 0)
        return true;
    struct batch *out = batch_new(j->nleft + j->nright, op->acct);
    out->rows = j->npairs;
    for (uint32_t c = 0; c < j->nleft; c++)
        column_gather(b, c, j->pair_left, j->npairs, out, c);
    for (uint32_t c = 0; c < j->nright; c++)
        rows_gather(&j->right, j->right_out[c], j->pair_right, j->npairs, out, j->nleft + c);
    batch_hold(out, b);
    j->npairs = 0;
    bool ok = op_emit(op, lane, out, err);
    batch_unref(out);
    return ok;
}

static bool add_pair(struct oper *op, struct lane *lane, struct batch *b, uint32_t left,
                     uint32_t right, struct err *err)
{
    struct join *j = op->state;
    j->pair_left[j->npairs] = left;
    j->pair_right[j->npairs++] = right;
    return j->npairs < BATCH_ROWS || emit_pairs(op, lane, b, err);
}

static bool probe_pairs(struct oper *op, struct lane *lane, struct batch *b, const uint64_t *hashes,
                        const uint64_t *null, struct err *err)
{
    struct join *j = op->state;
    bool keep_all = op->stage->u.join.type == JOIN_LEFT;
    for (uint32_t i = 0; i < b->rows; i++) {
        bool found = false;
        uint32_t r = bit_get(null, i) ? END : next_candidate(j, hashes[i], END);
        for (; r != END; r = next_candidate(j, hashes[i], r)) {
            if (!keys_match(j, b, i, r))
                continue;
            found = true;
            if (!add_pair(op, lane, b, i, r, err))
                return false;
        }
        if (!found && keep_all && !add_pair(op, lane, b, i, ROWS_NULL, err))
            return false;
    }
    return emit_pairs(op, lane, b, err);
}

/* semi, anti */
static bool probe_exists(struct oper *op, struct lane *lane, struct batch *b,
                         const uint64_t *hashes, const uint64_t *null, struct err *err)
{
    struct join *j = op->state;
    uint64_t keep[BATCH_WORDS] = {0};
    bool want = op->stage->u.join.type == JOIN_SEMI;
    for (uint32_t i = 0; i < b->rows; i++) {
        uint32_t r = bit_get(null, i) ? END : next_candidate(j, hashes[i], END);
        while (r != END && !keys_match(j, b, i, r))
            r = next_candidate(j, hashes[i], r);
        if ((r != END) == want)
            bit_set(keep, i);
    }
    uint32_t n = bits_count(keep, b->rows);
    if (n == 0 || n == b->rows)
        return n == 0 || op_emit(op, lane, b, err);
    struct batch *out = batch_filter(b, keep, NULL, 0, op->acct);
    bool ok = op_emit(op, lane, out, err);
    batch_unref(out);
    return ok;
}

static bool join_push(struct oper *op, struct lane *lane, uint32_t input, struct batch *b,
                      struct err *err)
{
    if (input == 1)
        return build_push(op, b, err);
    struct join *j = op->state;
    uint64_t hashes[BATCH_ROWS] = {0}, null[BATCH_WORDS];
    keys_null(b, j->left_cols, j->nkeys, null);
    if (!j->nested)
        keys_hash(b, j->left_cols, j->nkeys, hashes);
    enum join_type t = op->stage->u.join.type;
    return t == JOIN_SEMI || t == JOIN_ANTI ? probe_exists(op, lane, b, hashes, null, err)
                                            : probe_pairs(op, lane, b, hashes, null, err);
}

static bool join_finish(struct oper *op, struct lane *lane, uint32_t input, struct err *err)
{
    (void)lane;
    (void)err;
    struct join *j = op->state;
    if (input == 1) {
        if (!j->nested)
            build_table(j);
        j->built = true;
    }
    return true;
}

static void join_close(struct oper *op)
{
    struct join *j = op->state;
    if (!j)
        return;
    mem_release(j->acct, j->hash, j->cap * sizeof(*j->hash));
    mem_release(j->acct, j->first, (j->mask + 1) * sizeof(*j->first));
    mem_release(j->acct, j->next, (j->right.n ? j->right.n : 1) * sizeof(*j->next));
    rows_release(&j->right);
}

const struct op_class op_join_class = {.open = join_open,
                                       .push = join_push,
                                       .finish = join_finish,
                                       .close = join_close,
                                       .accepts = join_accepts};
