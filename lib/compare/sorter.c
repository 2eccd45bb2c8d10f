/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sorting beyond memory. See sorter.h. Items lie one behind the other, each after its length; what
 * is sorted are their places. */
#include "compare/sorter.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "os/os.h"

#define BUFFER_MIN ((size_t)4 << 10)
#define BUFFER_MAX ((size_t)256 << 10)

struct run {
    uint64_t at, end; /* in the file: what was not read yet */
    char *buf;
    size_t cap, pos, len; /* of the buffer: bytes [pos, len) are there */
};
struct sorter {
    size_t limit;
    char *data; /* items of the run in hand */
    size_t len, cap;
    size_t *place, *spare; /* of each item in data */
    size_t n, place_cap, next;
    int fd;
    uint64_t written;
    struct run *runs;
    uint32_t *heap; /* runs, the least item at the top */
    size_t nruns, runs_cap, nheap;
    bool pop; /* the top was handed out */
};

struct sorter *sorter_new(size_t memory_bytes)
{
    struct sorter *s = xcalloc(1, sizeof(*s));
    s->limit = memory_bytes;
    s->fd = -1;
    return s;
}

static void drop_items(struct sorter *s)
{
    free(s->data);
    free(s->place);
    free(s->spare);
    s->data = NULL;
    s->place = s->spare = NULL;
    s->len = s->cap = s->n = s->place_cap = 0;
}

void sorter_free(struct sorter *s)
{
    if (!s)
        return;
    drop_items(s);
    for (size_t i = 0; i < s->nruns; i++)
        free(s->runs[i].buf);
    free(s->runs);
    free(s->heap);
    if (s->fd >= 0)
        close(s->fd);
    free(s);
}

uint64_t sorter_spilled_bytes(const struct sorter *s)
{
    return s->written;
}

static struct slice item_at(const char *p)
{
    uint32_t n;
    memcpy(&n, p, sizeof(n));
    return slice_of(p + sizeof(n), n);
}

/* Merges two sorted neighbours. */
static void merge(const struct sorter *s, const size_t *from, size_t *to, size_t lo, size_t mid,
                  size_t hi)
{
    size_t i = lo, j = mid;
    for (size_t k = lo; k < hi; k++) {
        bool left = j == hi || (i < mid && slice_cmp(item_at(s->data + from[i]),
                                                     item_at(s->data + from[j])) <= 0);
        to[k] = left ? from[i++] : from[j++];
    }
}

static void sort_items(struct sorter *s)
{
    for (size_t width = 1; width < s->n; width *= 2) {
        for (size_t lo = 0; lo < s->n; lo += 2 * width) {
            size_t mid = lo + width < s->n ? lo + width : s->n;
            size_t hi = mid + width < s->n ? mid + width : s->n;
            merge(s, s->place, s->spare, lo, mid, hi);
        }
        size_t *t = s->place;
        s->place = s->spare;
        s->spare = t;
    }
}

static bool end_run(struct sorter *s, struct err *err)
{
    if (s->fd < 0 && (s->fd = scratch_open(err)) < 0)
        return false;
    sort_items(s);
    struct buf out = BUF_INIT(BUF_UNBOUNDED);
    uint64_t from = s->written;
    bool ok = true;
    for (size_t i = 0; ok && i < s->n; i++) {
        struct slice item = item_at(s->data + s->place[i]);
        buf_add(&out, item.p - sizeof(uint32_t), item.len + sizeof(uint32_t));
        if (out.len < BUFFER_MAX && i + 1 < s->n)
            continue;
        ok = scratch_write(s->fd, out.p, out.len, s->written, err);
        s->written += out.len;
        buf_clear(&out);
    }
    buf_release(&out);
    if (s->nruns == s->runs_cap) {
        s->runs_cap = s->runs_cap ? 2 * s->runs_cap : 16;
        s->runs = xreallocarray(s->runs, s->runs_cap, sizeof(*s->runs));
    }
    s->runs[s->nruns++] = (struct run){.at = from, .end = s->written};
    s->n = s->len = 0;
    return ok;
}

bool sorter_add(struct sorter *s, struct slice item, struct err *err)
{
    size_t need = item.len + sizeof(uint32_t);
    uint32_t n = (uint32_t)item.len;
    if (s->n > 0 && s->len + need + 2 * sizeof(size_t) * (s->n + 1) > s->limit && !end_run(s, err))
        return false;
    while (s->len + need > s->cap) {
        /* Not beyond the limit by doubling, but any item has room. */
        size_t twice = s->cap ? 2 * s->cap : (size_t)64 << 10;
        s->cap = twice > s->limit && s->cap < s->limit ? s->limit : twice;
        s->data = xrealloc(s->data, s->cap);
    }
    if (s->n == s->place_cap) {
        s->place_cap = s->place_cap ? 2 * s->place_cap : 1024;
        s->place = xreallocarray(s->place, s->place_cap, sizeof(*s->place));
        s->spare = xreallocarray(s->spare, s->place_cap, sizeof(*s->spare));
    }
    memcpy(s->data + s->len, &n, sizeof(n));
    if (n)
        memcpy(s->data + s->len + sizeof(n), item.p, n);
    s->place[s->n++] = s->len;
    s->len += need;
    return true;
}

/* -- reading back -- */

/* The item at the head of a run is whole in its buffer afterwards; p NULL at the end of the run. */
static bool head(struct sorter *s, struct run *r, struct slice *out, struct err *err)
{
    *out = SLICE_NULL;
    for (;;) {
        size_t have = r->len - r->pos, need = sizeof(uint32_t);
        if (have >= need) {
            need += item_at(r->buf + r->pos).len;
            if (have >= need) {
                *out = item_at(r->buf + r->pos);
                return true;
            }
        } else if (have == 0 && r->at == r->end) {
            return true;
        }
        if (r->pos)
            memmove(r->buf, r->buf + r->pos, have);
        r->pos = 0;
        r->len = have;
        if (need > r->cap) {
            r->cap = need;
            r->buf = xrealloc(r->buf, r->cap);
        }
        size_t n = r->cap - have;
        if (n > r->end - r->at)
            n = (size_t)(r->end - r->at);
        if (!scratch_read(s->fd, r->buf + have, n, r->at, err))
            return false;
        r->at += n;
        r->len += n;
    }
}

static struct slice run_item(const struct run *r)
{
    return item_at(r->buf + r->pos);
}

static bool before(const struct sorter *s, uint32_t a, uint32_t b)
{
    int c = slice_cmp(run_item(&s->runs[a]), run_item(&s->runs[b]));
    return c < 0 || (c == 0 && a < b);
}

static void sift_down(struct sorter *s, size_t i)
{
    for (;;) {
        size_t least = i;
        for (size_t c = 2 * i + 1; c <= 2 * i + 2 && c < s->nheap; c++)
            if (before(s, s->heap[c], s->heap[least]))
                least = c;
        if (least == i)
            return;
        uint32_t t = s->heap[i];
        s->heap[i] = s->heap[least];
        s->heap[least] = t;
        i = least;
    }
}

bool sorter_rewind(struct sorter *s, struct err *err)
{
    if (s->fd < 0) {
        sort_items(s);
        return true;
    }
    if (s->n && !end_run(s, err))
        return false;
    drop_items(s);
    size_t each = s->limit / s->nruns;
    each = each < BUFFER_MIN ? BUFFER_MIN : each > BUFFER_MAX ? BUFFER_MAX : each;
    s->heap = xreallocarray(NULL, s->nruns, sizeof(*s->heap));
    for (size_t i = 0; i < s->nruns; i++) {
        struct slice first;
        s->runs[i].buf = xmalloc(each);
        s->runs[i].cap = each;
        if (!head(s, &s->runs[i], &first, err))
            return false;
        s->heap[s->nheap++] = (uint32_t)i; /* no run is empty */
    }
    for (size_t i = s->nheap / 2; i-- > 0;)
        sift_down(s, i);
    return true;
}

static bool next_of_runs(struct sorter *s, struct slice *out, struct err *err)
{
    *out = SLICE_NULL;
    if (s->pop) {
        struct run *r = &s->runs[s->heap[0]];
        struct slice item;
        r->pos += sizeof(uint32_t) + run_item(r).len;
        if (!head(s, r, &item, err))
            return false;
        if (!item.p)
            s->heap[0] = s->heap[--s->nheap];
        sift_down(s, 0);
    }
    s->pop = s->nheap > 0;
    if (s->pop)
        *out = run_item(&s->runs[s->heap[0]]);
    return true;
}

bool sorter_next(struct sorter *s, struct slice *out, struct err *err)
{
    if (s->fd >= 0)
        return next_of_runs(s, out, err);
    *out = s->next < s->n ? item_at(s->data + s->place[s->next++]) : SLICE_NULL;
    return true;
}
