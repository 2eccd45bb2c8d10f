/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The hash table of a join. See join.h. Open addressing, one slot for each word, rows of one word
 * chained in input order: they are put in from the last to the first, each before the others. */
#include <string.h>

#include "base/hash.h"
#include "engine/join.h"

/* Dense: looked up by number when that takes no more than slots would, which are 16 bytes and twice
 * to four times as many as rows, beside 4 bytes for a number. */
#define DENSE_TIMES 8u
#define DENSE_LEAST 1024u
/* How far ahead slots are asked for: some ten cache misses can be under way at once. */
#define AHEAD 12u

void join_table_init(struct join_table *t, const struct rows *rows, const uint32_t *cols,
                     uint32_t nkeys, bool exact, struct mem_account *acct)
{
    *t = (struct join_table){
        .rows = rows, .cols = cols, .nkeys = nkeys, .exact = exact, .acct = acct};
}

void join_table_release(struct join_table *t)
{
    mem_release(t->acct, t->word, t->cap * sizeof(*t->word));
    mem_release(t->acct, t->direct, t->range * sizeof(*t->direct));
    mem_release(t->acct, t->slots, (t->mask + 1) * sizeof(*t->slots));
    mem_release(t->acct, t->next, t->nnext * sizeof(*t->next));
    join_table_init(t, t->rows, t->cols, t->nkeys, t->exact, t->acct);
}

static size_t slots_for(uint64_t n)
{
    size_t slots = 64;
    while (slots < n * 2)
        slots *= 2;
    return slots;
}

uint64_t join_table_bytes(const struct join_table *t, uint64_t n)
{
    return slots_for(n) * sizeof(struct join_slot) + n * sizeof(uint32_t) +
           (t->exact ? 0 : n * sizeof(uint64_t));
}

void join_table_note(struct join_table *t, const struct batch *b, const uint32_t *list, uint32_t n)
{
    if (t->exact)
        return;
    uint64_t hashes[BATCH_ROWS];
    size_t had = (size_t)t->rows->n - n;
    if (t->rows->n > t->cap) {
        size_t cap = t->cap ? t->cap * 2 : 1024;
        while (cap < t->rows->n)
            cap *= 2;
        t->word = mem_resize(t->acct, t->word, t->cap * sizeof(*t->word), cap * sizeof(*t->word));
        t->cap = cap;
    }
    keys_hash(b, t->cols, t->nkeys, hashes);
    for (uint32_t i = 0; i < n; i++)
        t->word[had + i] = hashes[list ? list[i] : i];
}

static bool has_null(const struct join_table *t, uint32_t row)
{
    for (uint32_t k = 0; k < t->nkeys; k++) {
        uint32_t at;
        const struct column *c = rows_at(t->rows, t->cols[k], row, &at);
        if (!column_valid(c, at))
            return true;
    }
    return false;
}

static uint64_t word_of(const struct join_table *t, uint32_t row)
{
    uint32_t at;
    return t->exact ? (uint64_t)rows_at(t->rows, t->cols[0], row, &at)->v.i64[at] : t->word[row];
}

static size_t place_of(const struct join_table *t, uint64_t word)
{
    return (size_t)(t->exact ? hash_fold(word ^ HASH_K1, HASH_K0) : word) & t->mask;
}

bool join_table_dense(uint64_t span, uint64_t n)
{
    return span < n * DENSE_TIMES + DENSE_LEAST && span < ROWS_MAX;
}

/* Are the integers dense enough for an array? */
static bool dense_range(struct join_table *t)
{
    int64_t least = INT64_MAX, most = INT64_MIN;
    for (uint32_t i = 0; i < t->rows->n; i++) {
        if (has_null(t, i))
            continue;
        int64_t v = (int64_t)word_of(t, i);
        least = v < least ? v : least;
        most = v > most ? v : most;
    }
    if (least > most)
        return false;
    uint64_t span = (uint64_t)most - (uint64_t)least;
    if (!join_table_dense(span, t->rows->n))
        return false;
    t->least = least;
    t->range = span + 1;
    return true;
}

static uint32_t *entry_of(struct join_table *t, uint64_t word)
{
    if (t->direct)
        return &t->direct[word - (uint64_t)t->least];
    size_t at = place_of(t, word);
    while (t->slots[at].first != JOIN_END && t->slots[at].word != word)
        at = (at + 1) & t->mask;
    t->slots[at].word = word;
    return &t->slots[at].first;
}

void join_table_build(struct join_table *t)
{
    uint32_t n = (uint32_t)t->rows->n;
    t->unique = true;
    if (t->exact && dense_range(t)) {
        t->direct = mem_alloc(t->acct, t->range * sizeof(*t->direct));
        memset(t->direct, 0xff, t->range * sizeof(*t->direct));
    } else {
        t->range = 0;
        t->mask = slots_for(n) - 1;
        t->slots = mem_alloc(t->acct, (t->mask + 1) * sizeof(*t->slots));
        memset(t->slots, 0xff, (t->mask + 1) * sizeof(*t->slots));
    }
    for (uint32_t i = n; i-- > 0;) {
        if (has_null(t, i))
            continue;
        uint32_t *entry = entry_of(t, word_of(t, i));
        if (*entry != JOIN_END && t->unique) {
            t->unique = false;
            t->nnext = n;
            t->next = mem_alloc(t->acct, n * sizeof(*t->next));
            memset(t->next, 0xff, n * sizeof(*t->next));
        }
        if (t->next)
            t->next[i] = *entry;
        *entry = i;
    }
    mem_release(t->acct, t->word, t->cap * sizeof(*t->word));
    t->word = NULL;
    t->cap = 0;
}

bool join_same_key(const struct rows *rows, const uint32_t *kept_cols, uint32_t at,
                   const struct batch *b, const uint32_t *cols, uint32_t row, uint32_t nkeys)
{
    for (uint32_t k = 0; k < nkeys; k++) {
        uint32_t place;
        const struct column *c = rows_at(rows, kept_cols[k], at, &place);
        if (!value_same(&b->cols[cols[k]], row, c, place))
            return false;
    }
    return true;
}

static void find_direct(const struct join_table *t, const int64_t *key, uint32_t n, uint32_t *first)
{
    for (uint32_t i = 0; i < n; i++) {
        uint64_t at = (uint64_t)key[i] - (uint64_t)t->least;
        first[i] = at < t->range ? t->direct[at] : JOIN_END;
    }
}

static void find_slots(const struct join_table *t, const uint64_t *word, uint32_t n,
                       uint32_t *first)
{
    size_t place[BATCH_ROWS];
    for (uint32_t i = 0; i < n; i++)
        place[i] = place_of(t, word[i]);
    for (uint32_t i = 0; i < n; i++) {
        if (i + AHEAD < n)
            __builtin_prefetch(&t->slots[place[i + AHEAD]]);
        size_t at = place[i];
        while (t->slots[at].first != JOIN_END && t->slots[at].word != word[i])
            at = (at + 1) & t->mask;
        first[i] = t->slots[at].first;
    }
}

void join_table_find(const struct join_table *t, const struct batch *b, const uint32_t *cols,
                     const uint64_t *null, uint32_t *first)
{
    if (t->direct) {
        find_direct(t, b->cols[cols[0]].v.i64, b->rows, first);
    } else if (t->exact) {
        find_slots(t, (const uint64_t *)b->cols[cols[0]].v.i64, b->rows, first);
    } else {
        uint64_t hashes[BATCH_ROWS];
        keys_hash(b, cols, t->nkeys, hashes);
        find_slots(t, hashes, b->rows, first);
        for (uint32_t i = 0; i < b->rows; i++) {
            if (first[i] == JOIN_END || bit_get(null, i) ||
                join_same_key(t->rows, t->cols, first[i], b, cols, i, t->nkeys))
                continue;
            first[i] = join_table_next(t, b, cols, i, first[i]);
        }
    }
    for (uint32_t w = 0; w < (b->rows + 63) / 64; w++) {
        for (uint64_t x = null[w]; x; x &= x - 1)
            first[w * 64 + (uint32_t)__builtin_ctzll(x)] = JOIN_END;
    }
}

uint32_t join_table_next(const struct join_table *t, const struct batch *b, const uint32_t *cols,
                         uint32_t row, uint32_t at)
{
    if (!t->next)
        return JOIN_END;
    do
        at = t->next[at];
    while (at != JOIN_END && !t->exact &&
           !join_same_key(t->rows, t->cols, at, b, cols, row, t->nkeys));
    return at;
}
