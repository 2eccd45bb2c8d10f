/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sorting packed rows. See rowsort.h. */
#include "engine/rowsort.h"

#include <stdlib.h>
#include <string.h>

/* Blocks of rows double up to this, which malloc maps apart and gives back whole. */
#define BLOCK_FIRST ((size_t)16 << 10)
#define BLOCK_MAX ((size_t)1 << 20)
/* So few items are inserted: below, 256 counts cost more than comparing (measured: 16 to 64 are
 * within 3 %). */
#define FEW 32u
/* Pieces that are asked before what still agrees is compared instead: long common beginnings. */
#define DEPTH_MAX 32u
/* Rows ahead that are fetched into the cache, each of some 80 ns. */
#define AHEAD 16u
/* With a limit: rows beyond it that are gathered before the last of them are dropped. */
#define SLACK_ROWS 4096u

void rowsort_init(struct rowsort *s, const struct sort_keys *keys, struct mem_account *acct,
                  struct spill *spill, uint64_t limit)
{
    *s = (struct rowsort){.keys = keys, .acct = acct, .spill = spill, .limit = limit};
}

static void drop_blocks(struct rowsort *s, size_t from)
{
    for (size_t i = from; i < s->nblocks; i++)
        mem_release(s->acct, s->blocks[i].p, s->blocks[i].size);
    s->nblocks = from;
}

void rowsort_release(struct rowsort *s)
{
    drop_blocks(s, 0);
    free(s->blocks);
    free(s->runs);
    mem_release(s->acct, s->items, s->cap * sizeof(*s->items));
    *s = (struct rowsort){0};
}

void rowsort_trim(struct rowsort *s)
{
    drop_blocks(s, s->in_use);
    if (s->n == 0) {
        mem_release(s->acct, s->items, s->cap * sizeof(*s->items));
        s->items = NULL;
        s->cap = 0;
    }
}

size_t rowsort_next(const struct rowsort *s)
{
    size_t sort = (s->n + BATCH_ROWS) * sizeof(*s->items);
    size_t grow = s->n + BATCH_ROWS > s->cap ? (s->cap + s->cap / 2) * sizeof(*s->items) : 0;
    return sort > grow ? sort : grow;
}

size_t rowsort_bytes(const struct rowsort *s)
{
    size_t bytes = s->cap * sizeof(*s->items);
    for (size_t i = 0; i < s->nblocks; i++)
        bytes += s->blocks[i].size;
    return bytes;
}

/* -- rows -- */

static struct sort_block *next_block(struct rowsort *s, size_t size)
{
    size_t want = s->nblocks ? s->blocks[s->nblocks - 1].size * 2 : BLOCK_FIRST;
    if (want > BLOCK_MAX)
        want = BLOCK_MAX;
    if (want < size + RECORD_ROOM)
        want = size + RECORD_ROOM;
    if (s->in_use < s->nblocks && s->blocks[s->in_use].size < size + RECORD_ROOM)
        drop_blocks(s, s->in_use);
    if (s->in_use == s->nblocks) {
        s->blocks = xreallocarray(s->blocks, s->nblocks + 1, sizeof(*s->blocks));
        s->blocks[s->nblocks++] = (struct sort_block){mem_alloc(s->acct, want), want, 0};
    }
    struct sort_block *b = &s->blocks[s->in_use++];
    b->used = 0;
    return b;
}

static inline char *row_room(struct rowsort *s, size_t size)
{
    struct sort_block *b = s->in_use ? &s->blocks[s->in_use - 1] : NULL;
    if (!b || b->size - b->used < size + RECORD_ROOM)
        b = next_block(s, size);
    char *p = b->p + b->used;
    b->used += size;
    return p;
}

static char *add_row(struct rowsort *s, const struct record_source *src, uint32_t row, uint64_t seq,
                     struct err *err)
{
    struct sort_block *b = s->in_use ? &s->blocks[s->in_use - 1] : NULL;
    size_t n = b ? record_pack(src, row, seq, b->p + b->used, b->size - b->used) : 0;
    if (!n) {
        size_t size = record_size(src, row);
        if (size > RECORD_MAX) {
            err_set(err, ERR_ENV, "a record of %zu bytes is too long to be sorted", size);
            return NULL;
        }
        b = next_block(s, size + 8); /* packing asks for the room of a long text */
        n = record_pack(src, row, seq, b->p, b->size);
    }
    char *p = b->p + b->used;
    b->used += n;
    return p;
}

static void items_reserve(struct rowsort *s, size_t more)
{
    if (s->n + more <= s->cap)
        return;
    size_t cap = s->cap + s->cap / 2;
    if (cap < s->n + more)
        cap = s->n + more;
    s->items = mem_resize(s->acct, s->items, s->cap * sizeof(*s->items), cap * sizeof(*s->items));
    s->cap = cap;
}

/* Does a row that comes now stand behind the `limit` rows that are there? */
static inline bool is_cut(const struct rowsort *s, uint64_t piece)
{
    return s->cut && (piece > s->cut_piece || (piece == s->cut_piece && s->cut_equal));
}

static void cut(struct rowsort *s);

bool rowsort_add(struct rowsort *s, const struct batch *b, uint64_t seq, struct err *err)
{
    const struct sort_keys *k = s->keys;
    uint64_t pieces[BATCH_ROWS];
    struct record_source src;
    struct arena mem;
    arena_init(&mem, NULL);
    record_source_init(&src, &mem, &k->layout, b, NULL);
    sort_first_pieces(k, b, pieces);
    if (!s->cut)
        items_reserve(s, b->rows);
    bool ok = true;
    for (uint32_t i = 0; ok && i < b->rows; i++) {
        if (is_cut(s, pieces[i]))
            continue;
        items_reserve(s, 1);
        char *p = add_row(s, &src, i, seq + i, err);
        ok = p != NULL;
        s->items[s->n] = (struct sort_item){pieces[i], p};
        s->n += ok;
        s->sorted = false;
    }
    arena_release(&mem);
    if (ok && s->limit < SIZE_MAX / 4 && s->n >= 2 * s->limit + SLACK_ROWS)
        cut(s);
    return ok;
}

/* -- sorting -- */

static void insert(struct sort_item *v, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct sort_item x = v[i];
        size_t j = i;
        for (; j > 0 && v[j - 1].piece > x.piece; j--)
            v[j] = v[j - 1];
        v[j] = x;
    }
}

/* By piece; stable. The result is in `v`, or in `tmp` when `to_tmp`. */
static void radix(struct sort_item *v, struct sort_item *tmp, size_t n, bool to_tmp)
{
    uint64_t differ = 0;
    size_t count[257] = {0};
    if (n > FEW) {
        for (size_t i = 1; i < n; i++)
            differ |= v[i].piece ^ v[0].piece;
    }
    if (!differ) {
        if (n <= FEW)
            insert(v, n);
        if (to_tmp)
            memcpy(tmp, v, n * sizeof(*v));
        return;
    }
    int top = 63 - __builtin_clzll(differ), shift = top > 7 ? top - 7 : 0;
    for (size_t i = 0; i < n; i++)
        count[((v[i].piece >> shift) & 255) + 1]++;
    size_t at[256];
    for (size_t d = 0; d < 256; d++) {
        count[d + 1] += count[d];
        at[d] = count[d];
    }
    for (size_t i = 0; i < n; i++)
        tmp[at[(v[i].piece >> shift) & 255]++] = v[i];
    for (size_t d = 0; d < 256; d++) {
        size_t from = count[d], m = count[d + 1] - from;
        if (m && shift)
            radix(tmp + from, v + from, m, !to_tmp);
        else if (m && !to_tmp)
            memcpy(v + from, tmp + from, m * sizeof(*v));
    }
}

/* By comparing what is left from `at` on; stable, and as good for long as for short lists. */
static void merge_compare(const struct sort_keys *k, struct sort_item *v, struct sort_item *tmp,
                          size_t n, struct sort_place at)
{
    if (n <= 8) {
        for (size_t i = 1; i < n; i++) {
            struct sort_item x = v[i];
            size_t j = i;
            for (; j > 0 && sort_compare(k, v[j - 1].record, x.record, at) > 0; j--)
                v[j] = v[j - 1];
            v[j] = x;
        }
        return;
    }
    size_t half = n / 2, i = 0, j = half, out = 0;
    merge_compare(k, v, tmp, half, at);
    merge_compare(k, v + half, tmp, n - half, at);
    if (sort_compare(k, v[half - 1].record, v[half].record, at) <= 0)
        return;
    memcpy(tmp, v, half * sizeof(*v));
    while (i < half && j < n) {
        if (sort_compare(k, tmp[i].record, v[j].record, at) <= 0)
            v[out++] = tmp[i++];
        else
            v[out++] = v[j++];
    }
    memcpy(v + out, tmp + i, (half - i) * sizeof(*v));
}

/* Items that agree up to `at`, with their pieces there. */
static void sort_group(const struct sort_keys *k, struct sort_item *v, struct sort_item *tmp,
                       size_t n, struct sort_place at, uint32_t depth)
{
    radix(v, tmp, n, false);
    for (size_t from = 0, to; from < n; from = to) {
        uint64_t piece = v[from].piece;
        for (to = from + 1; to < n && v[to].piece == piece;)
            to++;
        if (to - from == 1)
            continue;
        struct sort_place next = sort_next_place(k, at, piece);
        if (next.key == k->n)
            continue;
        if (next.compare || to - from <= 4 || depth == DEPTH_MAX) {
            merge_compare(k, v + from, tmp, to - from, next);
            continue;
        }
        for (size_t i = from; i < to; i++) {
            if (i + AHEAD < to)
                __builtin_prefetch(v[i + AHEAD].record);
            v[i].piece = sort_piece(k, v[i].record, next);
        }
        sort_group(k, v + from, tmp, to - from, next, depth + 1);
    }
}

/* Copies the first rows together, so that the others' memory can go. */
static void keep_first(struct rowsort *s, size_t n)
{
    struct sort_block *old = s->blocks;
    size_t nold = s->nblocks;
    s->blocks = NULL;
    s->nblocks = s->in_use = 0;
    for (size_t i = 0; i < n; i++) {
        size_t size = record_bytes(s->items[i].record);
        char *p = row_room(s, size);
        memcpy(p, s->items[i].record, size);
        s->items[i].record = p;
    }
    s->n = n;
    for (size_t i = 0; i < nold; i++)
        mem_release(s->acct, old[i].p, old[i].size);
    free(old);
}

void rowsort_sort(struct rowsort *s)
{
    if (s->sorted || s->n == 0)
        return;
    s->sorted = true;
    size_t size = s->n * sizeof(*s->items);
    struct sort_item *tmp = mem_alloc(s->acct, size);
    sort_group(s->keys, s->items, tmp, s->n, SORT_PLACE_FIRST, 0);
    mem_release(s->acct, tmp, size);
    if (s->n > s->limit)
        keep_first(s, (size_t)s->limit);
}

static void cut(struct rowsort *s)
{
    rowsort_sort(s);
    for (size_t i = 0; i < s->n; i++) /* sorting has left later pieces */
        s->items[i].piece = sort_piece(s->keys, s->items[i].record, SORT_PLACE_FIRST);
    if (s->n < s->limit || s->n == 0)
        return;
    s->cut = true;
    s->cut_piece = s->items[s->n - 1].piece;
    s->cut_equal = sort_next_place(s->keys, SORT_PLACE_FIRST, s->cut_piece).key == s->keys->n;
}

bool rowsort_spill(struct rowsort *s, struct err *err)
{
    if (s->n == 0)
        return true;
    rowsort_sort(s);
    struct spill_run *run = spill_run_of(s->spill, &s->keys->layout);
    bool ok = true;
    for (size_t i = 0; ok && i < s->n; i++) {
        if (i + AHEAD < s->n)
            __builtin_prefetch(s->items[i + AHEAD].record);
        ok = spill_add_record(run, s->items[i].record, err);
    }
    if (!ok || !spill_rewind(run, err))
        return false;
    s->runs = xreallocarray(s->runs, s->nruns + 1, sizeof(struct spill_run *));
    s->runs[s->nruns++] = run;
    s->n = s->in_use = 0;
    return true;
}
