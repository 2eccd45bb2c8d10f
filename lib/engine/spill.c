/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows on disk, as blocks of packed records. See spill.h.
 *
 * Blocks of all runs stand in the file as they came. Each begins at a multiple of PAGE, so that
 * dropping a run frees whole pages of the file system. */
#include "engine/spill.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "os/os.h"

#define PAGE 4096u
#define FIRST_BUFFER 4096u

struct extent {
    uint64_t at;
    uint32_t bytes, rows;
};
struct spill {
    struct mem_account *acct;
    pthread_mutex_t lock; /* of runs and of opening */
    struct spill_run *runs;
    atomic_int fd; /* -1: none yet */
    atomic_uint_fast64_t end, written;
};
struct spill_run {
    struct spill *s;
    struct spill_run *next, **link; /* among the spill's */
    struct arena mem;               /* of an own layout */
    struct record_layout own;
    const struct record_layout *l;
    char *buf;
    size_t cap, used;
    uint32_t rows_in_buf;
    struct extent *extents;
    size_t nextents, cap_extents, at; /* at: that is read next */
    uint64_t rows;
};

struct spill *spill_new(struct mem_account *acct)
{
    struct spill *s = xcalloc(1, sizeof(*s));
    s->acct = acct;
    pthread_mutex_init(&s->lock, NULL);
    atomic_init(&s->fd, -1);
    atomic_init(&s->end, 0);
    atomic_init(&s->written, 0);
    return s;
}

static void buffer_free(struct spill_run *r)
{
    mem_release(r->s->acct, r->buf, r->cap);
    r->buf = NULL;
    r->cap = r->used = 0;
}

static void run_free(struct spill_run *r)
{
    buffer_free(r);
    mem_release(r->s->acct, r->extents, r->cap_extents * sizeof(*r->extents));
    arena_release(&r->mem);
    free(r);
}

void spill_free(struct spill *s)
{
    if (!s)
        return;
    while (s->runs) {
        struct spill_run *r = s->runs;
        s->runs = r->next;
        run_free(r);
    }
    int fd = atomic_load(&s->fd);
    if (fd >= 0)
        close(fd);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

uint64_t spill_bytes(const struct spill *s)
{
    return atomic_load(&s->written);
}

static struct spill_run *run_new(struct spill *s)
{
    struct spill_run *r = xcalloc(1, sizeof(*r));
    r->s = s;
    arena_init(&r->mem, s->acct);
    pthread_mutex_lock(&s->lock);
    r->next = s->runs;
    r->link = &s->runs;
    if (r->next)
        r->next->link = &r->next;
    s->runs = r;
    pthread_mutex_unlock(&s->lock);
    return r;
}

struct spill_run *spill_run_of(struct spill *s, const struct record_layout *l)
{
    struct spill_run *r = run_new(s);
    r->l = l;
    return r;
}

struct spill_run *spill_run_new(struct spill *s, const enum type *types, uint32_t ncols)
{
    struct spill_run *r = run_new(s);
    record_layout_init(&r->own, &r->mem, types, ncols, NULL, NULL, 0, true);
    r->l = &r->own;
    return r;
}

void spill_drop(struct spill_run *r)
{
    if (!r)
        return;
    struct spill *s = r->s;
    pthread_mutex_lock(&s->lock);
    *r->link = r->next;
    if (r->next)
        r->next->link = r->link;
    pthread_mutex_unlock(&s->lock);
    int fd = atomic_load(&s->fd);
    for (size_t i = 0; i < r->nextents;) {
        uint64_t from = r->extents[i].at, to = from;
        for (; i < r->nextents && r->extents[i].at == to; i++)
            to += (r->extents[i].bytes + PAGE - 1) / PAGE * PAGE;
        scratch_discard(fd, from, to - from);
    }
    run_free(r);
}

uint64_t spill_rows(const struct spill_run *r)
{
    return r->rows;
}

/* -- writing -- */

static bool file_of(struct spill *s, int *fd, struct err *err)
{
    *fd = atomic_load(&s->fd);
    if (*fd >= 0)
        return true;
    pthread_mutex_lock(&s->lock);
    *fd = atomic_load(&s->fd);
    if (*fd < 0) {
        *fd = scratch_open(err);
        atomic_store(&s->fd, *fd);
    }
    pthread_mutex_unlock(&s->lock);
    return *fd >= 0;
}

static struct extent *extent_push(struct spill_run *r)
{
    if (r->nextents == r->cap_extents) {
        size_t cap = r->cap_extents ? r->cap_extents * 2 : 4;
        r->extents = mem_resize(r->s->acct, r->extents, r->cap_extents * sizeof(*r->extents),
                                cap * sizeof(*r->extents));
        r->cap_extents = cap;
    }
    return &r->extents[r->nextents++];
}

static bool flush(struct spill_run *r, struct err *err)
{
    struct spill *s = r->s;
    int fd;
    if (!r->used)
        return true;
    if (!file_of(s, &fd, err))
        return false;
    uint64_t at = atomic_fetch_add(&s->end, (r->used + PAGE - 1) / PAGE * PAGE);
    if (!scratch_write(fd, r->buf, r->used, at, err))
        return false;
    atomic_fetch_add(&s->written, r->used);
    *extent_push(r) = (struct extent){at, (uint32_t)r->used, r->rows_in_buf};
    r->used = r->rows_in_buf = 0;
    return true;
}

/* Where `size` bytes of a record go; NULL when what stands there could not be written. */
static char *room_for(struct spill_run *r, size_t size, struct err *err)
{
    size_t want = r->used + size + RECORD_ROOM;
    if (r->rows_in_buf == BATCH_ROWS || (r->used && want > SPILL_BUFFER)) {
        if (!flush(r, err))
            return NULL;
        want = size + RECORD_ROOM;
        if (r->cap > SPILL_BUFFER) /* it was of a long record */
            buffer_free(r);
    }
    if (want > r->cap) {
        size_t cap = r->cap ? r->cap : FIRST_BUFFER;
        while (cap < want && cap < SPILL_BUFFER)
            cap *= 2;
        if (cap < want)
            cap = want;
        r->buf = mem_resize(r->s->acct, r->buf, r->cap, cap);
        r->cap = cap;
    }
    return r->buf + r->used;
}

static void added(struct spill_run *r, size_t size)
{
    r->used += size;
    r->rows_in_buf++;
    r->rows++;
}

bool spill_add_record(struct spill_run *r, const char *record, struct err *err)
{
    size_t size = record_bytes(record);
    char *p = room_for(r, size, err);
    if (!p)
        return false;
    memcpy(p, record, size);
    added(r, size);
    return true;
}

/* A row that does not fit what the buffer has left. */
static bool add_elsewhere(struct spill_run *r, const struct record_source *src, uint32_t row,
                          uint64_t seq, struct err *err)
{
    size_t size = record_size(src, row);
    if (size > RECORD_MAX)
        return err_set(err, ERR_ENV, "a record of %zu bytes is too long for a scratch file", size);
    /* A text's room is asked for as if it were long. */
    char *p = room_for(r, size + 8, err);
    if (!p)
        return false;
    added(r, record_pack(src, row, seq, p, size + 8 + RECORD_ROOM));
    return true;
}

bool spill_add(struct spill_run *r, const struct batch *b, const uint32_t *map,
               const uint32_t *list, uint32_t n, const uint64_t *seq, struct err *err)
{
    struct record_source src;
    struct arena mem;
    arena_init(&mem, NULL);
    record_source_init(&src, &mem, r->l, b, map);
    bool ok = true;
    for (uint32_t i = 0; ok && i < n; i++) {
        uint32_t row = list ? list[i] : i;
        uint64_t number = seq ? seq[i] : 0;
        size_t size = 0;
        if (r->rows_in_buf < BATCH_ROWS && r->cap > r->used)
            size = record_pack(&src, row, number, r->buf + r->used, r->cap - r->used);
        if (size)
            added(r, size);
        else
            ok = add_elsewhere(r, &src, row, number, err);
    }
    arena_release(&mem);
    return ok;
}

bool spill_add_rows(struct spill_run *r, const struct rows *rows, const uint32_t *ids, uint32_t n,
                    const uint64_t *seq, struct err *err)
{
    bool ok = true;
    for (uint32_t from = 0; ok && from < n; from += BATCH_ROWS) {
        struct batch *b = batch_new(r->l->ncols, r->s->acct);
        b->rows = n - from < BATCH_ROWS ? n - from : BATCH_ROWS;
        for (uint32_t c = 0; c < b->ncols; c++)
            rows_gather(rows, c, ids + from, b->rows, b, c);
        ok = spill_add(r, b, NULL, NULL, b->rows, seq ? seq + from : NULL, err);
        batch_unref(b);
    }
    return ok;
}

/* -- reading -- */

bool spill_rewind(struct spill_run *r, struct err *err)
{
    r->at = 0;
    if (!flush(r, err))
        return false;
    buffer_free(r);
    return true;
}

bool spill_next_block(struct spill_run *r, struct block **out, uint32_t *rows, struct err *err)
{
    *out = NULL;
    *rows = 0;
    if (r->at == r->nextents)
        return true;
    const struct extent *x = &r->extents[r->at++];
    struct block *b = block_new(x->bytes, r->s->acct);
    b->len = x->bytes;
    memset(b->data + b->len, 0, BLOCK_SLACK);
    if (!scratch_read(atomic_load(&r->s->fd), b->data, b->len, x->at, err)) {
        block_unref(b);
        return false;
    }
    *out = b;
    *rows = x->rows;
    return true;
}

bool spill_next(struct spill_run *r, struct batch **out, uint64_t *seq, struct err *err)
{
    struct block *block;
    uint32_t n;
    const char *records[BATCH_ROWS];
    *out = NULL;
    if (!spill_next_block(r, &block, &n, err))
        return false;
    if (!block)
        return true;
    const char *p = block->data;
    for (uint32_t i = 0; i < n; i++) {
        records[i] = p;
        if (seq)
            seq[i] = record_seq(p);
        p += record_bytes(p);
    }
    struct batch *b = batch_new(r->l->ncols, r->s->acct);
    b->rows = n;
    record_unpack(r->l, records, n, b);
    batch_hold_block(b, block);
    block_unref(block);
    *out = b;
    return true;
}
