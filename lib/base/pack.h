/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Images: numbers as bytes, little end first, appended to a buffer and read back from bytes that
 * nobody vouches for. Not for text formats. */
#ifndef FORELINE_PACK_H
#define FORELINE_PACK_H

#include "base/buf.h"

/* The `bytes` lowest bytes of v; at most 8. */
static inline void pack_uint(struct buf *out, uint64_t v, unsigned bytes)
{
    char b[8];
    for (unsigned i = 0; i < bytes; i++)
        b[i] = (char)(unsigned char)(v >> (8 * i));
    buf_add(out, b, bytes);
}
static inline void pack_double(struct buf *out, double d)
{
    uint64_t v;
    memcpy(&v, &d, sizeof(v));
    pack_uint(out, v, 8);
}
void pack_doubles(struct buf *out, const double *x, size_t n);

/* What is left to be read. Reading past the end gives zeros and sets `bad` for good: read freely,
 * look before what was read is used as a count or a size. */
struct unpack {
    const unsigned char *p;
    size_t left;
    bool bad;
};
static inline struct unpack unpack_of(struct slice image)
{
    return (struct unpack){(const unsigned char *)image.p, image.len, false};
}
/* The next n bytes, or NULL when there are fewer. */
static inline const unsigned char *unpack_bytes(struct unpack *u, size_t n)
{
    if (u->bad || n > u->left) {
        u->bad = true;
        u->left = 0;
        return NULL;
    }
    const unsigned char *p = u->p;
    u->p += n;
    u->left -= n;
    return p;
}
static inline uint64_t unpack_uint(struct unpack *u, unsigned bytes)
{
    const unsigned char *p = unpack_bytes(u, bytes);
    uint64_t v = 0;
    for (unsigned i = 0; p != NULL && i < bytes; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}
static inline double unpack_double(struct unpack *u)
{
    uint64_t v = unpack_uint(u, 8);
    double d;
    memcpy(&d, &v, sizeof(d));
    return d;
}
/* n doubles into x; false, with `bad` set, when there are fewer. */
bool unpack_doubles(struct unpack *u, double *x, size_t n);
/* n more things of at least `size` bytes each may follow. */
static inline bool unpack_holds(const struct unpack *u, uint64_t n, size_t size)
{
    return !u->bad && n <= u->left / size;
}

/* RFC 4648, section 4, with padding. */
void base64_encode(struct buf *out, struct slice bytes);
/* Behind `out`; false, with `out` as it was, for anything else (line breaks, missing padding,
 * bits that are not zero behind the end). */
bool base64_decode(struct buf *out, struct slice text);

#endif
