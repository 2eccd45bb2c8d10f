/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sorting packed rows. See rowsort.h. */
#include "engine/rowsort.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "os/os.h"

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
#define BUCKETS 256u
/* Fewer rows are sorted sooner than a thread is started (some 50 us). */
#define TOGETHER 10000u

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
    mem_release(s->acct, s->spans, s->cap_spans * sizeof(*s->spans));
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

static void note_span(struct rowsort *s, uint64_t seq, size_t rows)
{
    if (s->nspans == s->cap_spans) {
        size_t cap = s->cap_spans ? 2 * s->cap_spans : 16;
        s->spans = mem_resize(s->acct, s->spans, s->cap_spans * sizeof(*s->spans),
                              cap * sizeof(*s->spans));
        s->cap_spans = cap;
    }
    s->spans[s->nspans++] = (struct sort_span){seq, rows};
}

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
    size_t had = s->n;
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
    if (k->layout.seq)
        note_span(s, seq, s->n - had);
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

/* Bits in which the pieces differ. */
static uint64_t differing(const struct sort_item *v, size_t n)
{
    uint64_t differ = 0;
    for (size_t i = 1; i < n; i++)
        differ |= v[i].piece ^ v[0].piece;
    return differ;
}

/* So that the most significant of them decide the bucket. */
static int shift_of(uint64_t differ)
{
    int top = 63 - __builtin_clzll(differ);
    return top > 7 ? top - 7 : 0;
}

/* Into buckets, in their order, bucket d at tmp[from[d]]. */
static void scatter(const struct sort_item *v, struct sort_item *tmp, size_t n, int shift,
                    size_t from[BUCKETS + 1])
{
    size_t at[BUCKETS];
    memset(from, 0, (BUCKETS + 1) * sizeof(*from));
    for (size_t i = 0; i < n; i++)
        from[((v[i].piece >> shift) & (BUCKETS - 1)) + 1]++;
    for (size_t d = 0; d < BUCKETS; d++) {
        from[d + 1] += from[d];
        at[d] = from[d];
    }
    for (size_t i = 0; i < n; i++)
        tmp[at[(v[i].piece >> shift) & (BUCKETS - 1)]++] = v[i];
}

/* By piece; stable. The result is in `v`, or in `tmp` when `to_tmp`. */
static void radix(struct sort_item *v, struct sort_item *tmp, size_t n, bool to_tmp)
{
    uint64_t differ = n > FEW ? differing(v, n) : 0;
    if (!differ) {
        if (n <= FEW)
            insert(v, n);
        if (to_tmp)
            memcpy(tmp, v, n * sizeof(*v));
        return;
    }
    size_t from[BUCKETS + 1];
    int shift = shift_of(differ);
    scatter(v, tmp, n, shift, from);
    for (size_t d = 0; d < BUCKETS; d++) {
        size_t at = from[d], m = from[d + 1] - at;
        if (m && shift)
            radix(tmp + at, v + at, m, !to_tmp);
        else if (m && !to_tmp)
            memcpy(v + at, tmp + at, m * sizeof(*v));
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

static void sort_equal(const struct sort_keys *k, struct sort_item *v, struct sort_item *tmp,
                       size_t n, struct sort_place at, uint32_t depth);

/* Items that agree up to `at`, with their pieces there. */
static void sort_group(const struct sort_keys *k, struct sort_item *v, struct sort_item *tmp,
                       size_t n, struct sort_place at, uint32_t depth)
{
    radix(v, tmp, n, false);
    sort_equal(k, v, tmp, n, at, depth);
}

/* They are in the order of their pieces: now what agrees in them. */
static void sort_equal(const struct sort_keys *k, struct sort_item *v, struct sort_item *tmp,
                       size_t n, struct sort_place at, uint32_t depth)
{
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

/* -- with several threads -- */

/* The buckets of the first pass, which threads take one after the other. */
struct buckets {
    const struct sort_keys *keys;
    struct sort_item *v, *tmp; /* in tmp, to end in v */
    size_t from[BUCKETS + 1];
    atomic_uint next;
};
struct helper {
    pthread_t thread;
    struct buckets *b;
    double cpu_s;
};

static void sort_buckets(struct buckets *b)
{
    for (unsigned d; (d = atomic_fetch_add(&b->next, 1)) < BUCKETS;) {
        size_t from = b->from[d], n = b->from[d + 1] - from;
        if (!n)
            continue;
        radix(b->tmp + from, b->v + from, n, true);
        sort_equal(b->keys, b->v + from, b->tmp + from, n, SORT_PLACE_FIRST, 0);
    }
}

static void *help(void *arg)
{
    struct helper *h = arg;
    sort_buckets(h->b);
    h->cpu_s = clock_thread();
    return NULL;
}

/* A thread that cannot be had is not missed. */
static double sort_together(struct rowsort *s, struct sort_item *tmp, uint32_t threads)
{
    uint64_t differ = differing(s->items, s->n);
    struct buckets b = {.keys = s->keys, .v = s->items, .tmp = tmp};
    scatter(s->items, tmp, s->n, differ ? shift_of(differ) : 0, b.from);
    atomic_init(&b.next, 0);
    struct helper *helpers = xcalloc(threads, sizeof(*helpers));
    uint32_t n = 0;
    sigset_t all, before;
    sigfillset(&all); /* signals are for the caller's thread */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (; n + 1 < threads; n++) {
        helpers[n].b = &b;
        if (pthread_create(&helpers[n].thread, NULL, help, &helpers[n]) != 0)
            break;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    sort_buckets(&b);
    double cpu_s = 0;
    for (uint32_t i = 0; i < n; i++) {
        pthread_join(helpers[i].thread, NULL);
        cpu_s += helpers[i].cpu_s;
    }
    free(helpers);
    return cpu_s;
}

void rowsort_join(struct rowsort *parts, uint32_t n)
{
    struct rowsort *first = &parts[0];
    size_t total = 0, at = 0;
    for (uint32_t i = 0; i < n; i++)
        total += parts[i].n;
    if (total == first->n)
        return;
    struct sort_item *all = mem_alloc(first->acct, total * sizeof(*all));
    size_t *span = xcalloc(n, sizeof(*span)), *done = xcalloc(n, sizeof(*done));
    for (;;) {
        struct rowsort *least = NULL;
        for (uint32_t i = 0; i < n; i++) {
            struct rowsort *s = &parts[i];
            if (span[i] < s->nspans &&
                (!least || s->spans[span[i]].seq < least->spans[span[least - parts]].seq))
                least = s;
        }
        if (!least)
            break;
        size_t i = (size_t)(least - parts), rows = least->spans[span[i]++].rows;
        if (rows)
            memcpy(all + at, least->items + done[i], rows * sizeof(*all));
        at += rows;
        done[i] += rows;
    }
    free(span);
    free(done);
    for (uint32_t i = 0; i < n; i++) {
        struct rowsort *s = &parts[i];
        mem_release(s->acct, s->items, s->cap * sizeof(*s->items));
        s->items = NULL;
        s->n = s->cap = s->nspans = 0;
    }
    first->items = all;
    first->n = first->cap = total;
    first->sorted = false;
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

double rowsort_sort_with(struct rowsort *s, uint32_t threads)
{
    if (s->sorted || s->n == 0)
        return 0;
    s->sorted = true;
    s->nspans = 0;
    double cpu_s = 0;
    size_t size = s->n * sizeof(*s->items);
    struct sort_item *tmp = mem_alloc(s->acct, size);
    if (threads > 1 && s->n >= TOGETHER)
        cpu_s = sort_together(s, tmp, threads);
    else
        sort_group(s->keys, s->items, tmp, s->n, SORT_PLACE_FIRST, 0);
    mem_release(s->acct, tmp, size);
    if (s->n > s->limit)
        keep_first(s, (size_t)s->limit);
    return cpu_s;
}

void rowsort_sort(struct rowsort *s)
{
    rowsort_sort_with(s, 1);
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
