/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows packed one behind the other: each a record of contiguous bytes, values and texts as they
 * were. A row that is fetched out of order costs one or two cache lines instead of several for each
 * of its columns, and it goes to disk and back as it is.
 *
 * A record, in the byte order of the machine (it never leaves it) and unaligned:
 *   uint32  bytes of all of it
 *   uint64  seq, where the layout has one: the caller's number of the row
 *   a bit per column: 1 where it has a value
 *   a fixed value of each number (8 bytes) and boolean (1) column
 *   a byte for each column: the length of its text and how it stood (RECORD_LONG: 8 bytes in front
 *   of the text say so)
 *   the texts, those of the layout's first columns first
 *
 * A number keeps the text it was read with where formatting the value might not give it back
 * ("1.50", "-0"): integers and booleans only then, floats always, as asking costs more than the few
 * bytes. Columns that are not stored read back as null.
 */
#ifndef FORELINE_ENGINE_RECORD_H
#define FORELINE_ENGINE_RECORD_H

#include "table/batch.h"

/* Bytes that must be writable behind what is packed and readable behind what is unpacked. */
#define RECORD_ROOM 16
#define RECORD_MAX ((size_t)1 << 31)
#define RECORD_LONG 255

struct record_field {
    uint32_t column;
    enum type type;
    uint32_t value; /* offset of the fixed value; 0: has none */
    uint32_t code;  /* offset of the byte for its text */
};
struct record_layout {
    uint32_t ncols, nfields;
    struct record_field *fields; /* stored columns, in the order of their texts */
    enum type *types;            /* of all columns */
    int *field_of;               /* of each column; -1: not stored */
    bool seq;
    uint32_t bits, head; /* offset of the bits; bytes before the texts */
};
/* Of columns of these types; `stored` a bit per column, NULL for all. The texts of columns first[0
 * .. nfirst) come first. Lives in `a`. */
void record_layout_init(struct record_layout *l, struct arena *a, const enum type *types,
                        uint32_t ncols, const uint64_t *stored, const uint32_t *first,
                        uint32_t nfirst, bool seq);

/* The columns of one batch as the layout's fields see them. */
struct record_column {
    struct record_field f;
    const uint64_t *valid; /* NULL: all rows of the batch */
    const struct text *text;
    union {
        const int64_t *i64;
        const uint8_t *b8;
    } v;
    const struct column *c;
    bool room; /* TEXT_ROOM bytes are readable at each text */
};
struct record_source {
    const struct record_layout *l;
    struct record_column *cols; /* of each field */
    unsigned char *bits;        /* of the columns that are valid in all rows */
};
/* Column c of the layout is b's column map[c] (NULL: c). Lives in `a`, as long as the batch. */
void record_source_init(struct record_source *s, struct arena *a, const struct record_layout *l,
                        const struct batch *b, const uint32_t *map);
size_t record_size(const struct record_source *s, uint32_t row);
/* Packs a row at p and gives its bytes; 0 when they and RECORD_ROOM do not fit `room`. */
size_t record_pack(const struct record_source *s, uint32_t row, uint64_t seq, char *p, size_t room);

static inline uint32_t record_bytes(const char *r)
{
    uint32_t n;
    memcpy(&n, r, sizeof(n));
    return n;
}
static inline uint64_t record_seq(const char *r)
{
    uint64_t n;
    memcpy(&n, r + 4, sizeof(n));
    return n;
}
static inline bool record_valid(const struct record_layout *l, const char *r, uint32_t column)
{
    return ((unsigned char)r[l->bits + (column >> 3)] >> (column & 7)) & 1;
}
static inline int64_t record_i64(const struct record_field *f, const char *r)
{
    int64_t v;
    memcpy(&v, r + f->value, sizeof(v));
    return v;
}
/* The text of field f (an index into l->fields), which must be valid; cost grows with f. */
struct text record_text(const struct record_layout *l, const char *r, uint32_t f);

/* Fills the columns of `dst` (as many as the layout has; dst->rows == n <= BATCH_ROWS) with
 * records[0 .. n). Texts point into the records: who calls sees that they stay. */
void record_unpack(const struct record_layout *l, const char *const *records, uint32_t n,
                   struct batch *dst);

#endif
