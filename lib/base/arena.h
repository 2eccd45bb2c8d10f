/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory that is freed all at once, and accounts that say who holds how much. */
#ifndef FORELINE_ARENA_H
#define FORELINE_ARENA_H

#include <stdatomic.h>

#include "base/base.h"

/* What one stage (or any other holder) has from the heap. Several threads may take and give at
 * once; what is under way in the others at that moment may or may not be in a figure read. */
struct mem_account {
    atomic_size_t now, peak; /* bytes */
};
void mem_add(struct mem_account *acct, size_t bytes);
void mem_sub(struct mem_account *acct, size_t bytes);
/* Heap blocks charged to an account (may be NULL); the size must be given back on free. */
void *mem_alloc(struct mem_account *acct, size_t size);
void *mem_resize(struct mem_account *acct, void *p, size_t old_size, size_t new_size);
void mem_release(struct mem_account *acct, void *p, size_t size);

/* One thread at a time. */
struct arena_chunk;
struct arena {
    struct arena_chunk *head; /* newest first */
    char *at, *end;
    size_t used; /* bytes of all chunks, as taken from the heap */
    struct mem_account *acct;
};
#define ARENA_INIT ((struct arena){NULL, NULL, NULL, 0, NULL})
void arena_init(struct arena *a, struct mem_account *acct);
/* Aligned to 16; never NULL; zero bytes give a valid pointer. Not cleared. */
void *arena_alloc(struct arena *a, size_t size);
void *arena_zalloc(struct arena *a, size_t size);
void *arena_memdup(struct arena *a, const void *p, size_t size);
/* Unaligned bytes, for text. */
char *arena_bytes(struct arena *a, size_t size);
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t n);
struct slice arena_slice(struct arena *a, struct slice s);
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Grows an array in the arena (the old copy is left behind): returns the new place. */
void *arena_grow(struct arena *a, const void *old, size_t old_size, size_t new_size);
/* Keeps the largest chunk for reuse. */
void arena_clear(struct arena *a);
void arena_release(struct arena *a);
#define ARENA_NEW(a, type) ((type *)arena_zalloc((a), sizeof(type)))
#define ARENA_ARRAY(a, type, n) ((type *)arena_zalloc((a), sizeof(type) * (n)))

/* Appends one element to a growing array in an arena: `arr` a pointer, `n` its count. Doubles at
 * powers of two, so cost is amortised O(1). */
#define ARENA_PUSH(a, arr, n) \
    ((arr) = arena_push_((a), (arr), (n), sizeof(*(arr))), (n)++, &(arr)[(n)-1])
void *arena_push_(struct arena *a, void *arr, size_t n, size_t size);

#endif
