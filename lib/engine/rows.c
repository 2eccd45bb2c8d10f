/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Kept rows. See rows.h. */
#include "engine/rows.h"

#include <string.h>

#include "base/buf.h"
#include "base/num.h"
#include "json/json.h"

#define FIRST_ROWS 64u /* of the first chunk; it grows to ROWS_CHUNK by doubling */

static bool type_has_value(enum type t)
{
    return type_is_number(t) || t == TYPE_BOOLEAN;
}

static size_t value_size(enum type t)
{
    return t == TYPE_BOOLEAN ? 1 : 8;
}

void rows_init(struct rows *r, const struct schema *s, const uint64_t *live,
               struct mem_account *acct)
{
    *r = (struct rows){.ncols = s->n};
    arena_init(&r->mem, acct);
    r->types = ARENA_ARRAY(&r->mem, enum type, s->n);
    r->stored = ARENA_ARRAY(&r->mem, bool, s->n);
    r->texts = ARENA_ARRAY(&r->mem, bool, s->n);
    for (uint32_t c = 0; c < s->n; c++) {
        r->types[c] = s->fields[c].type;
        r->stored[c] = !live || ((live[c >> 6] >> (c & 63)) & 1);
    }
}

void rows_release(struct rows *r)
{
    arena_release(&r->mem);
    *r = (struct rows){0};
}

/* Vectors of chunk k for `cap` rows, keeping the first `had`. */
static void chunk_grow(struct rows *r, struct rows_chunk *k, uint32_t had, uint32_t cap)
{
    if (!k->cols)
        k->cols = ARENA_ARRAY(&r->mem, struct column, r->ncols);
    for (uint32_t c = 0; c < r->ncols; c++) {
        struct column *col = &k->cols[c];
        enum type t = r->types[c];
        col->type = t;
        uint64_t *valid = ARENA_ARRAY(&r->mem, uint64_t, (cap + 63) / 64);
        if (had)
            memcpy(valid, col->valid, (had + 63) / 64 * sizeof(uint64_t));
        col->valid = valid;
        if (!r->stored[c])
            continue;
        if (type_has_value(t)) {
            size_t size = value_size(t);
            col->v.b8 = arena_grow(&r->mem, col->v.b8, had * size, cap * size);
        }
        if (!type_has_value(t) || col->text) {
            col->text = arena_grow(&r->mem, col->text, had * sizeof(struct text),
                                   cap * sizeof(struct text));
            /* Numbers have a text only where it says more than the value: no text is NULL. */
            memset(col->text + had, 0, (cap - had) * sizeof(struct text));
        }
    }
    k->cap = cap;
}

static struct rows_chunk *chunk_for(struct rows *r, uint64_t row, uint32_t want)
{
    uint32_t k = (uint32_t)(row >> ROWS_SHIFT);
    if (k == r->nchunks) {
        (void)ARENA_PUSH(&r->mem, r->chunks, r->nchunks);
        r->chunks[k] = (struct rows_chunk){NULL, 0};
        uint32_t cap = k ? ROWS_CHUNK : FIRST_ROWS;
        while (cap < want && cap < ROWS_CHUNK)
            cap *= 2;
        chunk_grow(r, &r->chunks[k], 0, cap);
    }
    struct rows_chunk *c = &r->chunks[k];
    uint32_t at = (uint32_t)(row & (ROWS_CHUNK - 1));
    if (at + want > c->cap && c->cap < ROWS_CHUNK) {
        uint32_t cap = c->cap;
        while (cap < at + want && cap < ROWS_CHUNK)
            cap *= 2;
        chunk_grow(r, c, at, cap);
    }
    return c;
}

bool value_text_matters(enum type t, const struct column *src, uint32_t row)
{
    struct text x = src->text[row];
    char tmp[NUM_TEXT_MAX];
    size_t n;
    if (t == TYPE_INTEGER)
        return x.len == 2 && x.p[0] == '-' && x.p[1] == '0';
    if (t == TYPE_BOOLEAN)
        return !(x.len == (src->v.b8[row] ? 4u : 5u) && x.p[0] >= 'a');
    n = num_format_double(tmp, src->v.f64[row]);
    return n != x.len || memcmp(tmp, x.p, n) != 0;
}

/* Copies the text of n rows into the arena at once. */
static void append_text(struct rows *r, struct column *dst, uint32_t at, const struct column *src,
                        const uint32_t *list, uint32_t n)
{
    size_t total = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t row = list ? list[i] : i;
        total += column_valid(src, row) ? src->text[row].len : 0;
    }
    char *p = arena_bytes(&r->mem, total);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t row = list ? list[i] : i;
        struct text *t = &dst->text[at + i];
        *t = (struct text){p, 0, 0};
        if (!column_valid(src, row))
            continue;
        column_set_valid(dst, at + i);
        t->flags = src->text[row].flags;
        t->len = src->text[row].len;
        if (t->len)
            memcpy(p, src->text[row].p, t->len);
        p += t->len;
    }
}

static void append_values(struct rows *r, struct rows_chunk *k, uint32_t c, uint32_t at,
                          const struct column *src, const uint32_t *list, uint32_t n)
{
    struct column *dst = &k->cols[c];
    enum type t = r->types[c];
    for (uint32_t i = 0; i < n; i++) {
        uint32_t row = list ? list[i] : i;
        if (t == TYPE_BOOLEAN)
            dst->v.b8[at + i] = src->v.b8[row];
        else
            dst->v.i64[at + i] = src->v.i64[row]; /* the bits of a double as well */
        if (!column_valid(src, row))
            continue;
        column_set_valid(dst, at + i);
        if (!src->text || !src->text[row].p || !value_text_matters(t, src, row))
            continue;
        r->texts[c] = true;
        if (!dst->text)
            dst->text = ARENA_ARRAY(&r->mem, struct text, k->cap);
        struct text x = src->text[row];
        char *p = arena_bytes(&r->mem, x.len);
        memcpy(p, x.p, x.len);
        dst->text[at + i] = (struct text){p, x.len, x.flags};
    }
}

bool rows_append(struct rows *r, const struct batch *b, const uint32_t *map, const uint32_t *list,
                 uint32_t n, struct err *err)
{
    if (r->n + n > ROWS_MAX)
        return err_set(err, ERR_ENV, "more than %u records to keep at once", (unsigned)ROWS_MAX);
    uint32_t done = 0;
    uint32_t plain[ROWS_CHUNK];
    while (done < n) {
        uint32_t at = (uint32_t)(r->n & (ROWS_CHUNK - 1));
        uint32_t m = n - done < ROWS_CHUNK - at ? n - done : ROWS_CHUNK - at;
        struct rows_chunk *k = chunk_for(r, r->n, m);
        const uint32_t *part = list ? list + done : NULL;
        if (!list && done) { /* the rest of a batch that did not fit the chunk */
            for (uint32_t i = 0; i < m; i++)
                plain[i] = done + i;
            part = plain;
        }
        for (uint32_t c = 0; c < r->ncols; c++) {
            if (!r->stored[c])
                continue;
            const struct column *src = &b->cols[map ? map[c] : c];
            if (type_has_value(r->types[c]))
                append_values(r, k, c, at, src, part, m);
            else
                append_text(r, &k->cols[c], at, src, part, m);
        }
        r->n += m;
        done += m;
    }
    return true;
}

void column_fill_text(struct batch *dst, struct column *col, uint32_t n)
{
    struct buf tmp = BUF_INIT(BUF_UNBOUNDED);
    for (uint32_t i = 0; i < n; i++) {
        struct text *t = &col->text[i];
        if (!column_valid(col, i) || t->p)
            continue;
        struct column bare = *col;
        bare.text = NULL;
        struct slice s = column_text(&bare, i, &tmp);
        char *p = arena_bytes(&dst->mem, s.len);
        memcpy(p, s.p, s.len);
        *t = (struct text){p, (uint32_t)s.len, 0};
    }
    buf_release(&tmp);
}

void rows_gather(const struct rows *r, uint32_t from, const uint32_t *ids, uint32_t n,
                 struct batch *dst, uint32_t c)
{
    enum type t = r->types[from];
    bool with_text = !type_has_value(t) || r->texts[from], stored = r->stored[from];
    column_alloc_rows(dst, c, t, with_text, n);
    struct column *out = &dst->cols[c];
    if (out->text)
        memset(out->text, 0, n * sizeof(struct text));
    if (!stored)
        return;
    bool some_text = false;
    for (uint32_t i = 0; i < n; i++) {
        if (ids[i] == ROWS_NULL)
            continue;
        uint32_t at;
        const struct column *src = rows_at(r, from, ids[i], &at);
        if (!column_valid(src, at))
            continue;
        column_set_valid(out, i);
        if (t == TYPE_BOOLEAN)
            out->v.b8[i] = src->v.b8[at];
        else if (type_has_value(t))
            out->v.i64[i] = src->v.i64[at];
        if (src->text && src->text[at].p) {
            out->text[i] = src->text[at];
            some_text = true;
        }
    }
    if (!type_has_value(t))
        return;
    if (!some_text)
        out->text = NULL;
    else
        column_fill_text(dst, out, n);
}

void column_gather(const struct batch *b, uint32_t from, const uint32_t *list, uint32_t n,
                   struct batch *dst, uint32_t c)
{
    const struct column *src = &b->cols[from];
    column_alloc_rows(dst, c, src->type, src->text != NULL, n);
    struct column *out = &dst->cols[c];
    bool values = type_has_value(src->type);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t row = list[i];
        if (row == ROWS_NULL || !column_valid(src, row)) {
            if (out->text)
                out->text[i] = (struct text){NULL, 0, 0};
            if (values && src->type == TYPE_BOOLEAN)
                out->v.b8[i] = 0;
            else if (values)
                out->v.i64[i] = 0;
            continue;
        }
        column_set_valid(out, i);
        if (out->text)
            out->text[i] = src->text[row];
        if (values && src->type == TYPE_BOOLEAN)
            out->v.b8[i] = src->v.b8[row];
        else if (values)
            out->v.i64[i] = src->v.i64[row];
    }
}

/* One value as JSON text behind `out`. */
static void as_json(struct buf *out, const struct column *src, uint32_t row, struct buf *tmp)
{
    if (src->type == TYPE_BOOLEAN)
        buf_adds(out, src->v.b8[row] ? "true" : "false");
    else if (type_is_number(src->type))
        buf_add_slice(out, column_text(src, row, tmp));
    else
        json_quote(out, column_text(src, row, tmp));
}

static void convert_text(const struct column *src, uint32_t rows, enum type to, struct batch *dst,
                         struct column *out)
{
    struct buf tmp = BUF_INIT(BUF_UNBOUNDED), text = BUF_INIT(BUF_UNBOUNDED);
    for (uint32_t i = 0; i < rows; i++) {
        if (!column_valid(src, i))
            continue;
        buf_clear(&text);
        if (to == TYPE_JSON)
            as_json(&text, src, i, &tmp);
        else
            buf_add_slice(&text, column_text(src, i, &tmp));
        char *p = arena_bytes(&dst->mem, text.len);
        if (text.len)
            memcpy(p, text.p, text.len);
        out->text[i] = (struct text){p, (uint32_t)text.len, src->text ? src->text[i].flags : 0};
        column_set_valid(out, i);
    }
    buf_release(&tmp);
    buf_release(&text);
}

void column_convert(const struct column *src, uint32_t rows, enum type to, struct batch *dst,
                    uint32_t c)
{
    struct column *out = &dst->cols[c];
    bool text_only = type_is_text(src->type) && type_is_text(to) && src->type != TYPE_NONE;
    if (src->type == to || text_only) {
        *out = *src;
        out->type = to;
        return;
    }
    column_alloc_rows(dst, c, to, true, rows);
    out = &dst->cols[c];
    memset(out->text, 0, rows * sizeof(struct text));
    if (src->type == TYPE_NONE)
        return; /* no value was seen */
    if (to != TYPE_FLOAT || src->type != TYPE_INTEGER) {
        convert_text(src, rows, to, dst, out);
        return;
    }
    struct buf tmp = BUF_INIT(BUF_UNBOUNDED);
    for (uint32_t i = 0; i < rows; i++) {
        out->v.f64[i] = column_valid(src, i) ? (double)src->v.i64[i] : 0;
        if (!column_valid(src, i))
            continue;
        column_set_valid(out, i);
        if (src->text && src->text[i].p) {
            out->text[i] = src->text[i];
            continue;
        }
        struct slice t = column_text(src, i, &tmp); /* exact, as the double may not be */
        char *p = arena_bytes(&dst->mem, t.len);
        memcpy(p, t.p, t.len);
        out->text[i] = (struct text){p, (uint32_t)t.len, 0};
    }
    buf_release(&tmp);
}
