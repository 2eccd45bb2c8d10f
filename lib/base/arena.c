/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Arenas: chunks that double up to 1 MiB; accounts. */
#include "base/arena.h"

void mem_add(struct mem_account *acct, size_t bytes)
{
    if (!acct)
        return;
    size_t now = atomic_fetch_add_explicit(&acct->now, bytes, memory_order_relaxed) + bytes;
    size_t peak = atomic_load_explicit(&acct->peak, memory_order_relaxed);
    while (now > peak && !atomic_compare_exchange_weak_explicit(
                             &acct->peak, &peak, now, memory_order_relaxed, memory_order_relaxed))
        continue;
}

void mem_sub(struct mem_account *acct, size_t bytes)
{
    if (acct)
        atomic_fetch_sub_explicit(&acct->now, bytes, memory_order_relaxed);
}

void *mem_alloc(struct mem_account *acct, size_t size)
{
    void *p = xmalloc(size);
    mem_add(acct, size);
    return p;
}

void *mem_resize(struct mem_account *acct, void *p, size_t old_size, size_t new_size)
{
    void *q = xrealloc(p, new_size);
    mem_add(acct, new_size);
    mem_sub(acct, old_size);
    return q;
}

void mem_release(struct mem_account *acct, void *p, size_t size)
{
    if (p)
        mem_sub(acct, size);
    free(p);
}

#define CHUNK_FIRST 4096u
#define CHUNK_MAX (1u << 20)

struct arena_chunk {
    struct arena_chunk *next;
    size_t size; /* of the whole chunk */
};
#define CHUNK_HEAD ((sizeof(struct arena_chunk) + 15) & ~(size_t)15)

void arena_init(struct arena *a, struct mem_account *acct)
{
    *a = ARENA_INIT;
    a->acct = acct;
}

static void *arena_more(struct arena *a, size_t size)
{
    size_t want = a->head ? a->head->size * 2 : CHUNK_FIRST;
    if (want > CHUNK_MAX)
        want = CHUNK_MAX;
    if (size > SIZE_MAX / 2)
        oom_die();
    /* A large piece gets a chunk of its own behind the current one, which stays in use. */
    bool own = a->head && size > want / 4;
    if (own || want < size + CHUNK_HEAD)
        want = size + CHUNK_HEAD;
    struct arena_chunk *c = mem_alloc(a->acct, want);
    c->size = want;
    a->used += want;
    char *p = (char *)c + CHUNK_HEAD;
    if (own) {
        c->next = a->head->next;
        a->head->next = c;
        return p;
    }
    c->next = a->head;
    a->head = c;
    a->at = p + size;
    a->end = (char *)c + want;
    return p;
}

void *arena_alloc(struct arena *a, size_t size)
{
    size_t pad = (size_t)(-(uintptr_t)a->at & 15u);
    if (a->at && size <= (size_t)(a->end - a->at) && pad <= (size_t)(a->end - a->at) - size) {
        char *p = a->at + pad;
        a->at = p + size;
        return p;
    }
    return arena_more(a, size);
}

void *arena_zalloc(struct arena *a, size_t size)
{
    void *p = arena_alloc(a, size);
    memset(p, 0, size);
    return p;
}

void *arena_memdup(struct arena *a, const void *p, size_t size)
{
    void *q = arena_alloc(a, size);
    if (size)
        memcpy(q, p, size);
    return q;
}

char *arena_bytes(struct arena *a, size_t size)
{
    if (a->at && size <= (size_t)(a->end - a->at)) {
        char *p = a->at;
        a->at += size;
        return p;
    }
    return arena_more(a, size);
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
    char *p = arena_bytes(a, n + 1);
    if (n)
        memcpy(p, s, n);
    p[n] = '\0';
    return p;
}

char *arena_strdup(struct arena *a, const char *s)
{
    return arena_strndup(a, s, strlen(s));
}

struct slice arena_slice(struct arena *a, struct slice s)
{
    return slice_of(arena_strndup(a, s.p, s.len), s.len);
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        BUG("bad format");
    char *p = arena_bytes(a, (size_t)n + 1);
    vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    return p;
}

void *arena_grow(struct arena *a, const void *old, size_t old_size, size_t new_size)
{
    void *p = arena_alloc(a, new_size);
    if (old_size)
        memcpy(p, old, old_size);
    return p;
}

void *arena_push_(struct arena *a, void *arr, size_t n, size_t size)
{
    if (n == 0)
        return arena_zalloc(a, 4 * size);
    if (n >= 4 && (n & (n - 1)) == 0)
        arr = arena_grow(a, arr, n * size, 2 * n * size);
    memset((char *)arr + n * size, 0, size);
    return arr;
}

void arena_clear(struct arena *a)
{
    struct arena_chunk *keep = NULL;
    for (struct arena_chunk *c = a->head; c; c = c->next)
        if (!keep || c->size > keep->size)
            keep = c;
    for (struct arena_chunk *c = a->head, *next; c; c = next) {
        next = c->next;
        if (c != keep) {
            a->used -= c->size;
            mem_release(a->acct, c, c->size);
        }
    }
    a->head = keep;
    if (keep) {
        keep->next = NULL;
        a->at = (char *)keep + CHUNK_HEAD;
        a->end = (char *)keep + keep->size;
    }
}

void arena_release(struct arena *a)
{
    for (struct arena_chunk *c = a->head, *next; c; c = next) {
        next = c->next;
        mem_release(a->acct, c, c->size);
    }
    struct mem_account *acct = a->acct;
    *a = ARENA_INIT;
    a->acct = acct;
}
