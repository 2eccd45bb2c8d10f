/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Batches, blocks, schemas and type names. Not reading or writing: see reader.c and writer.c. */
#include "table/batch.h"

#include <strings.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/num.h"

/* -- types -- */

static const char *const type_names[TYPE_COUNT] = {
    "string", "boolean", "integer", "float", "date", "timestamp", "string", "json",
};

/* Beside our own: Frictionless Table Schema v1 and DuckDB's general-purpose types. */
static const struct {
    const char *name;
    enum type type;
} type_aliases[] = {
    {"any", TYPE_STRING},
    {"array", TYPE_JSON},
    {"bigint", TYPE_INTEGER},
    {"bool", TYPE_BOOLEAN},
    {"boolean", TYPE_BOOLEAN},
    {"bpchar", TYPE_STRING},
    {"char", TYPE_STRING},
    {"date", TYPE_DATE},
    {"datetime", TYPE_TIMESTAMP},
    {"decimal", TYPE_FLOAT},
    {"double", TYPE_FLOAT},
    {"double precision", TYPE_FLOAT},
    {"duration", TYPE_STRING},
    {"enum", TYPE_STRING},
    {"float", TYPE_FLOAT},
    {"float4", TYPE_FLOAT},
    {"float8", TYPE_FLOAT},
    {"geojson", TYPE_JSON},
    {"geopoint", TYPE_STRING},
    {"hugeint", TYPE_FLOAT},
    {"int", TYPE_INTEGER},
    {"int1", TYPE_INTEGER},
    {"int2", TYPE_INTEGER},
    {"int4", TYPE_INTEGER},
    {"int8", TYPE_INTEGER},
    {"integer", TYPE_INTEGER},
    {"json", TYPE_JSON},
    {"list", TYPE_JSON},
    {"logical", TYPE_BOOLEAN},
    {"long", TYPE_INTEGER},
    {"map", TYPE_JSON},
    {"number", TYPE_FLOAT},
    {"numeric", TYPE_FLOAT},
    {"object", TYPE_JSON},
    {"real", TYPE_FLOAT},
    {"short", TYPE_INTEGER},
    {"signed", TYPE_INTEGER},
    {"smallint", TYPE_INTEGER},
    {"string", TYPE_STRING},
    {"struct", TYPE_JSON},
    {"text", TYPE_STRING},
    {"time", TYPE_STRING},
    {"timestamp", TYPE_TIMESTAMP},
    {"timestamp with time zone", TYPE_TIMESTAMP},
    {"timestamptz", TYPE_TIMESTAMP},
    {"tinyint", TYPE_INTEGER},
    {"ubigint", TYPE_INTEGER},
    {"uinteger", TYPE_INTEGER},
    {"usmallint", TYPE_INTEGER},
    {"utinyint", TYPE_INTEGER},
    {"uuid", TYPE_STRING},
    {"varchar", TYPE_STRING},
    {"year", TYPE_INTEGER},
    {"yearmonth", TYPE_STRING},
};

const char *type_name(enum type t)
{
    return type_names[t];
}

bool type_parse(const char *name, enum type *out)
{
    for (size_t i = 0; i < ARRAY_LEN(type_aliases); i++) {
        if (strcasecmp(name, type_aliases[i].name) == 0) {
            *out = type_aliases[i].type;
            return true;
        }
    }
    return false;
}

enum type type_join(enum type a, enum type b)
{
    if (a == b || b == TYPE_NONE)
        return a;
    if (a == TYPE_NONE)
        return b;
    if (a == TYPE_JSON || b == TYPE_JSON)
        return TYPE_JSON;
    if (type_is_number(a) && type_is_number(b))
        return TYPE_FLOAT;
    return TYPE_STRING;
}

/* -- schemas -- */

int schema_find(const struct schema *s, struct slice name)
{
    for (uint32_t i = 0; i < s->n; i++)
        if (slice_is(name, s->fields[i].name))
            return (int)i;
    return -1;
}

int schema_find_near(const struct schema *s, uint32_t at, const char *name)
{
    if (at < s->n && strcmp(s->fields[at].name, name) == 0)
        return (int)at;
    return schema_find(s, slice_str(name));
}

void schema_copy(struct arena *a, struct schema *dst, const struct schema *src)
{
    struct field *f = ARENA_ARRAY(a, struct field, src->n);
    for (uint32_t i = 0; i < src->n; i++) {
        f[i] = src->fields[i];
        f[i].name = arena_strdup(a, src->fields[i].name);
    }
    dst->fields = f;
    dst->n = src->n;
}

/* -- blocks -- */

struct block *block_new(size_t cap, struct mem_account *acct)
{
    struct block *b = xmalloc(sizeof(*b));
    *b = (struct block){mem_alloc(acct, cap + BLOCK_SLACK), 0, cap, 1, acct};
    return b;
}

struct block *block_ref(struct block *b)
{
    atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
    return b;
}

/* Was it the last? What the others did to it is seen then. */
static bool is_last(atomic_int *refs)
{
    return atomic_fetch_sub_explicit(refs, 1, memory_order_acq_rel) == 1;
}

void block_unref(struct block *b)
{
    if (!b || !is_last(&b->refs))
        return;
    mem_release(b->acct, b->data, b->cap + BLOCK_SLACK);
    free(b);
}

/* -- batches -- */

struct batch *batch_new(uint32_t ncols, struct mem_account *acct)
{
    struct batch *b = xcalloc(1, sizeof(*b));
    arena_init(&b->mem, acct);
    b->ncols = ncols;
    b->cols = ARENA_ARRAY(&b->mem, struct column, ncols ? ncols : 1);
    b->refs = 1;
    return b;
}

struct batch *batch_ref(struct batch *b)
{
    atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
    return b;
}

void batch_unref(struct batch *b)
{
    /* A chain of batches that hold one another is let go in a loop: its length is the pipeline's
     * depth, but nothing forces that. */
    while (b && is_last(&b->refs)) {
        struct batch *last = NULL;
        for (size_t i = 0; i < b->nblocks; i++)
            block_unref(b->blocks[i]);
        for (size_t i = 0; i < b->nheld; i++) {
            if (i + 1 < b->nheld)
                batch_unref(b->held[i]);
            else
                last = b->held[i];
        }
        free(b->blocks);
        free(b->held);
        arena_release(&b->mem);
        free(b);
        b = last;
    }
}

void batch_hold_block(struct batch *b, struct block *block)
{
    for (size_t i = b->nblocks; i-- > 0;)
        if (b->blocks[i] == block)
            return;
    b->blocks = xreallocarray(b->blocks, b->nblocks + 1, sizeof(struct block *));
    b->blocks[b->nblocks++] = block_ref(block);
}

void batch_hold(struct batch *b, struct batch *from)
{
    if (b == from)
        return;
    for (size_t i = b->nheld; i-- > 0;)
        if (b->held[i] == from)
            return;
    b->held = xreallocarray(b->held, b->nheld + 1, sizeof(struct batch *));
    b->held[b->nheld++] = batch_ref(from);
}

void column_alloc_rows(struct batch *b, uint32_t c, enum type type, bool with_text, uint32_t rows)
{
    struct column *col = &b->cols[c];
    size_t n = rows ? rows : 1;
    col->type = type;
    col->valid = arena_zalloc(&b->mem, BATCH_WORDS * sizeof(uint64_t));
    col->text = NULL;
    col->text_room = false;
    col->v.i64 = NULL;
    switch (type) {
    case TYPE_INTEGER:
    case TYPE_FLOAT:
        col->v.i64 = arena_alloc(&b->mem, n * 8);
        break;
    case TYPE_BOOLEAN:
        col->v.b8 = arena_alloc(&b->mem, n);
        break;
    case TYPE_NONE: /* no value, but readable as any type */
        col->v.i64 = arena_zalloc(&b->mem, n * 8);
        col->text = arena_zalloc(&b->mem, n * sizeof(struct text));
        return;
    default:
        with_text = true;
        break;
    }
    if (with_text)
        col->text = arena_alloc(&b->mem, n * sizeof(struct text));
}

void column_alloc(struct batch *b, uint32_t c, enum type type, bool with_text)
{
    column_alloc_rows(b, c, type, with_text, BATCH_ROWS);
}

/* -- filtering -- */

/* Row numbers whose bit is set; returns how many. */
static uint32_t rows_of(const uint64_t *keep, uint32_t rows, uint16_t *out)
{
    uint32_t n = 0;
    for (uint32_t w = 0; w * 64 < rows; w++) {
        uint64_t bits = keep[w];
        if (rows - w * 64 < 64)
            bits &= (UINT64_C(1) << (rows - w * 64)) - 1;
        for (; bits; bits &= bits - 1)
            out[n++] = (uint16_t)(w * 64 + (uint32_t)__builtin_ctzll(bits));
    }
    return n;
}

static void column_gather(struct batch *out, uint32_t c, const struct column *from,
                          const uint16_t *rows, uint32_t n)
{
    struct column *to = &out->cols[c];
    column_alloc_rows(out, c, from->type, from->text != NULL, n);
    to->text_room = from->text_room;
    for (uint32_t i = 0; i < n; i++)
        to->valid[i >> 6] |= (uint64_t)column_valid(from, rows[i]) << (i & 63);
    if (from->text)
        for (uint32_t i = 0; i < n; i++)
            to->text[i] = from->text[rows[i]];
    if (type_is_number(from->type)) {
        for (uint32_t i = 0; i < n; i++)
            to->v.i64[i] = from->v.i64[rows[i]];
    } else if (from->type == TYPE_BOOLEAN) {
        for (uint32_t i = 0; i < n; i++)
            to->v.b8[i] = from->v.b8[rows[i]];
    }
}

struct batch *batch_filter(struct batch *b, const uint64_t *keep, const uint32_t *pick,
                           uint32_t npick, struct mem_account *acct)
{
    uint16_t rows[BATCH_ROWS];
    uint32_t n = rows_of(keep, b->rows, rows);
    uint32_t ncols = pick ? npick : b->ncols;
    struct batch *out = batch_new(ncols, acct);
    out->rows = n;
    out->source = b->source;
    batch_hold(out, b);
    if (n == b->rows) {
        for (uint32_t c = 0; c < ncols; c++)
            out->cols[c] = b->cols[pick ? pick[c] : c];
        out->line = b->line;
        out->end = b->end;
        return out;
    }
    for (uint32_t c = 0; c < ncols; c++)
        column_gather(out, c, &b->cols[pick ? pick[c] : c], rows, n);
    if (b->line) {
        out->line = arena_alloc(&out->mem, (n ? n : 1) * sizeof(uint64_t));
        for (uint32_t i = 0; i < n; i++)
            out->line[i] = b->line[rows[i]];
    }
    if (b->end) {
        out->end = arena_alloc(&out->mem, (n ? n : 1) * sizeof(uint64_t));
        for (uint32_t i = 0; i < n; i++)
            out->end[i] = b->end[rows[i]];
    }
    return out;
}

struct slice column_text(const struct column *c, uint32_t row, struct buf *tmp)
{
    if (c->text)
        return text_slice(c->text[row]);
    buf_clear(tmp);
    char *p = buf_room(tmp, NUM_TEXT_MAX);
    if (!p)
        BUG("column_text: the buffer holds less than NUM_TEXT_MAX");
    switch (c->type) {
    case TYPE_INTEGER:
        tmp->len = num_format_int(p, c->v.i64[row]);
        break;
    case TYPE_FLOAT:
        tmp->len = num_format_double(p, c->v.f64[row]);
        break;
    case TYPE_BOOLEAN:
        buf_adds(tmp, c->v.b8[row] ? "true" : "false");
        break;
    default:
        BUG("column_text: a text column without text");
    }
    return buf_slice(tmp);
}
