/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A growing byte buffer that states its maximum.
 *
 * What would exceed `max` is dropped and `overflow` is set for good (until _clear): callers append
 * freely and look once. The bytes are always followed by a NUL that `len` does not count. */
#ifndef FORELINE_BUF_H
#define FORELINE_BUF_H

#include "base/base.h"

struct buf {
    char *p; /* NULL while empty */
    size_t len, cap, max;
    bool overflow;
};
#define BUF_INIT(max_bytes) ((struct buf){NULL, 0, 0, (max_bytes), false})
#define BUF_UNBOUNDED (SIZE_MAX / 4)

void buf_release(struct buf *b);
void buf_clear(struct buf *b);
/* Room for `extra` more bytes; returns where they go, or NULL when that would pass the maximum. */
char *buf_room(struct buf *b, size_t extra);
void buf_add(struct buf *b, const void *p, size_t n);
void buf_addc(struct buf *b, char c);
void buf_adds(struct buf *b, const char *s);
void buf_add_slice(struct buf *b, struct slice s);
void buf_addf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Drops the first n bytes. */
void buf_consume(struct buf *b, size_t n);
struct slice buf_slice(const struct buf *b);
/* The bytes as a C string ("" when empty), owned by the buffer. */
const char *buf_str(const struct buf *b);
/* Hands the bytes to the caller (free with free()) and leaves the buffer empty; never NULL. */
char *buf_detach(struct buf *b);

#endif
