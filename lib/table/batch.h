/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The data plane: typed column batches. Every reader makes them, every operator takes and gives
 * them, the profiler looks at them.
 *
 * A batch is up to BATCH_ROWS records as columns. A column has a validity bitmap and, by type,
 *   integer  i64[] exact, always present; text[] too when it was read and not computed
 *   float    f64[] likewise
 *   boolean  b8[]  likewise (0 or 1)
 *   date, timestamp, string, json   text[] always present
 *   none     no value in any row; both i64[] and text[] are there: it can stand for any type
 * so that "a value that no expression computed is written as it was read" costs nothing: the
 * text points into the block the file was read into. Values at null rows are unspecified (but
 * readable).
 *
 * Ownership: a batch is reference counted and owns its vectors (one arena) and holds references on
 * the input blocks that its text points into. Operators that keep rows copy them.
 *
 * Threads: counts of references are atomic, so whoever has a reference may give it back on any
 * thread, also while others hold the same batch or block. What a batch says is changed only by the
 * one who made it, before anybody else gets it; from then on all threads read.
 */
#ifndef FORELINE_BATCH_H
#define FORELINE_BATCH_H

#include <stdatomic.h>

#include "base/arena.h"
#include "base/base.h"

#define BATCH_ROWS 2048
#define BATCH_WORDS (BATCH_ROWS / 64)

/* In order of width within a family; names as contracts.md section 3 gives them. */
enum type {
    TYPE_NONE, /* no value seen; written "string" */
    TYPE_BOOLEAN,
    TYPE_INTEGER,
    TYPE_FLOAT,
    TYPE_DATE,
    TYPE_TIMESTAMP,
    TYPE_STRING,
    TYPE_JSON,
};
#define TYPE_COUNT 8
const char *type_name(enum type t);
/* Our names and the aliases of Frictionless and DuckDB (BIGINT, DOUBLE, VARCHAR, number, datetime,
 * any, …), in any case; false when unknown. */
bool type_parse(const char *name, enum type *out);
static inline bool type_is_number(enum type t)
{
    return t == TYPE_INTEGER || t == TYPE_FLOAT;
}
/* string, date, timestamp: compared and joined as text. */
static inline bool type_is_text(enum type t)
{
    return t == TYPE_STRING || t == TYPE_DATE || t == TYPE_TIMESTAMP || t == TYPE_NONE;
}
/* The narrowest type that holds the values of both: NONE is neutral, integer with float is float,
 * json with anything is json, every other mixed pair is string. */
enum type type_join(enum type a, enum type b);

struct field {
    char *name;
    enum type type;
    bool nullable; /* a null was seen, or cannot be excluded */
};
/* Names are unique. Lives in whatever arena its maker used. */
struct schema {
    struct field *fields;
    uint32_t n;
};
/* Index of a column, or -1. */
int schema_find(const struct schema *s, struct slice name);
/* The same, looking at column `at` first: of two schemas whose columns are much the same, names are
 * found in a time that does not grow with the square of their number. */
int schema_find_near(const struct schema *s, uint32_t at, const char *name);
void schema_copy(struct arena *a, struct schema *dst, const struct schema *src);

/* A value as text. 16 bytes. */
struct text {
    const char *p;
    uint32_t len;
    uint32_t flags; /* TEXT_* */
};
#define TEXT_QUOTED 1u /* stood in quotes in the input ("" is the empty string, not null) */
#define TEXT_NESTED 2u /* an array or object of JSON */
/* Elements of an array, in the bits above: a record of 16 MiB has fewer than 2^23. */
#define TEXT_ELEMENTS_SHIFT 8
static inline uint32_t text_elements(struct text t)
{
    return t.flags >> TEXT_ELEMENTS_SHIFT;
}
/* Where a column says so, this many bytes are readable from the first byte of each text on. */
#define TEXT_ROOM 16
static inline struct slice text_slice(struct text t)
{
    return slice_of(t.p, t.len);
}

struct column {
    enum type type;
    uint64_t *valid; /* BATCH_WORDS words; bits at and beyond `rows` are 0 */
    struct text *text;
    union {
        int64_t *i64;
        double *f64;
        uint8_t *b8;
    } v;
    bool text_room; /* TEXT_ROOM bytes are readable at each text, at null rows too */
};

/* Bytes read from a source, shared by the batches that point into them. Behind `cap` there are
 * BLOCK_SLACK more bytes, so that scanners may look ahead. */
#define BLOCK_SLACK 64
struct block {
    char *data;
    size_t len, cap;
    atomic_int refs;
    struct mem_account *acct;
};
struct block *block_new(size_t cap, struct mem_account *acct);
struct block *block_ref(struct block *b);
void block_unref(struct block *b);

struct batch {
    uint32_t rows, ncols;
    struct column *cols;
    uint64_t *line;        /* line number of each row in its source, or NULL; for messages */
    uint64_t *end;         /* offset behind each row in the data of its source, or NULL */
    uint32_t source;       /* which file of the reader (index), for messages */
    struct arena mem;      /* owns vectors and decoded text */
    struct block **blocks; /* held: heap array */
    size_t nblocks;
    struct batch **held; /* other batches whose memory this one points into */
    size_t nheld;
    atomic_int refs;
};
/* A batch of `ncols` columns without vectors; memory is charged to `acct` (may be NULL). */
struct batch *batch_new(uint32_t ncols, struct mem_account *acct);
struct batch *batch_ref(struct batch *b);
void batch_unref(struct batch *b);
/* Keeps `block` (or everything `from` keeps, and `from` itself's arena) alive as long as `b`. */
void batch_hold_block(struct batch *b, struct block *block);
void batch_hold(struct batch *b, struct batch *from);
/* Vectors for column c by its type; validity cleared. `with_text`: room for text as well. */
void column_alloc(struct batch *b, uint32_t c, enum type type, bool with_text);
/* The same for at most `rows` rows: wide tables have few rows a batch. */
void column_alloc_rows(struct batch *b, uint32_t c, enum type type, bool with_text, uint32_t rows);
static inline bool column_valid(const struct column *c, uint32_t row)
{
    return (c->valid[row >> 6] >> (row & 63)) & 1;
}
static inline void column_set_valid(struct column *c, uint32_t row)
{
    c->valid[row >> 6] |= UINT64_C(1) << (row & 63);
}
/* A new batch of the rows whose bit is set in `keep` (BATCH_WORDS words), columns in `pick` order
 * (`npick` indices, or NULL for all). Shares text with `b` (holds it); typed values are copied.
 * Where all rows are kept, columns are shared and nothing is copied. */
struct batch *batch_filter(struct batch *b, const uint64_t *keep, const uint32_t *pick,
                           uint32_t npick, struct mem_account *acct);
/* Column c's value at row as text: as read, or formatted behind `tmp` (cleared first; at least
 * NUM_TEXT_MAX). Row must be valid. */
struct buf;
struct slice column_text(const struct column *c, uint32_t row, struct buf *tmp);

#endif
