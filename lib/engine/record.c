/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Packed rows. See record.h. */
#include "engine/record.h"

#include <string.h>

#include "base/load.h"
#include "engine/rows.h"

#define SLICE 64u        /* rows that are unpacked column by column: the bits of one word */
#define LINE 64u         /* bytes of a cache line */
#define CODE_LEN_MAX 126 /* lengths up to here fit the byte, beside the bit for TEXT_QUOTED */

static bool has_value(enum type t)
{
    return type_is_number(t) || t == TYPE_BOOLEAN;
}

static void add_field(struct record_layout *l, uint32_t c)
{
    if (l->field_of[c] >= 0)
        return;
    l->field_of[c] = (int)l->nfields;
    l->fields[l->nfields++] = (struct record_field){.column = c, .type = l->types[c]};
}

void record_layout_init(struct record_layout *l, struct arena *a, const enum type *types,
                        uint32_t ncols, const uint64_t *stored, const uint32_t *first,
                        uint32_t nfirst, bool seq)
{
    *l = (struct record_layout){.ncols = ncols, .seq = seq};
    l->types = arena_memdup(a, types, ncols * sizeof(*types));
    l->fields = ARENA_ARRAY(a, struct record_field, ncols);
    l->field_of = ARENA_ARRAY(a, int, ncols);
    for (uint32_t c = 0; c < ncols; c++)
        l->field_of[c] = -1;
    for (uint32_t i = 0; i < nfirst; i++)
        add_field(l, first[i]);
    for (uint32_t c = 0; c < ncols; c++) {
        if (!stored || ((stored[c >> 6] >> (c & 63)) & 1))
            add_field(l, c);
    }
    l->bits = seq ? 12 : 4;
    l->head = l->bits + (ncols + 7) / 8;
    for (uint32_t f = 0; f < l->nfields; f++) {
        struct record_field *field = &l->fields[f];
        if (!has_value(field->type))
            continue;
        field->value = l->head;
        l->head += field->type == TYPE_BOOLEAN ? 1 : 8;
    }
    for (uint32_t f = 0; f < l->nfields; f++)
        l->fields[f].code = l->head++;
}

/* -- packing -- */

static bool all_valid(const struct column *c, uint32_t rows)
{
    for (uint32_t w = 0; w < rows / 64; w++) {
        if (c->valid[w] != UINT64_MAX)
            return false;
    }
    return rows % 64 == 0 || c->valid[rows / 64] == (UINT64_C(1) << (rows % 64)) - 1;
}

void record_source_init(struct record_source *s, struct arena *a, const struct record_layout *l,
                        const struct batch *b, const uint32_t *map)
{
    s->l = l;
    s->cols = ARENA_ARRAY(a, struct record_column, l->nfields);
    s->bits = ARENA_ARRAY(a, unsigned char, (l->ncols + 7) / 8);
    for (uint32_t f = 0; f < l->nfields; f++) {
        uint32_t i = l->fields[f].column;
        const struct column *c = &b->cols[map ? map[i] : i];
        bool all = all_valid(c, b->rows);
        if (all)
            s->bits[i >> 3] = (unsigned char)(s->bits[i >> 3] | 1u << (i & 7));
        s->cols[f] = (struct record_column){
            .f = l->fields[f],
            .valid = all ? NULL : c->valid,
            .text = c->text,
            .v.i64 = c->v.i64,
            .c = c,
            .room = c->text_room,
        };
    }
}

static inline bool is_valid(const struct record_column *k, uint32_t row)
{
    return !k->valid || ((k->valid[row >> 6] >> (row & 63)) & 1);
}

/* Is the text of this valid value packed? */
static inline bool keeps_text(const struct record_column *k, uint32_t row)
{
    switch (k->f.type) {
    case TYPE_INTEGER: /* "-0", the one text that is not as it would be formatted, has this value */
        return k->v.i64[row] == 0 && k->text && k->text[row].p &&
               value_text_matters(k->f.type, k->c, row);
    case TYPE_BOOLEAN:
        return k->text && k->text[row].p && value_text_matters(k->f.type, k->c, row);
    case TYPE_FLOAT:
        return k->text && k->text[row].p;
    default:
        return true;
    }
}

static inline bool is_long(struct text t)
{
    return t.len > CODE_LEN_MAX || (t.flags & ~TEXT_QUOTED);
}

size_t record_size(const struct record_source *s, uint32_t row)
{
    const struct record_layout *l = s->l;
    size_t size = l->head;
    for (uint32_t f = 0; f < l->nfields; f++) {
        const struct record_column *k = &s->cols[f];
        if (!is_valid(k, row) || !keeps_text(k, row))
            continue;
        struct text t = k->text[row];
        size += t.len + (is_long(t) ? 8u : 0u);
    }
    return size;
}

static inline void put_text(char *p, struct text t, bool room)
{
    if (t.len > TEXT_ROOM)
        memcpy(p, t.p, t.len);
    else if (room)
        memcpy(p, t.p, TEXT_ROOM);
    else
        copy_short(p, t.p, t.len);
}

/* What stands in the head of the record for its value. */
static inline void put_value(const struct record_column *k, uint32_t row, bool valid, char *r)
{
    int64_t v = 0;
    if (!k->f.value)
        return;
    if (k->f.type == TYPE_BOOLEAN)
        r[k->f.value] = valid ? (char)k->v.b8[row] : 0;
    else
        memcpy(r + k->f.value, valid ? &k->v.i64[row] : &v, sizeof(v));
}

size_t record_pack(const struct record_source *s, uint32_t row, uint64_t seq, char *r, size_t room)
{
    const struct record_layout *l = s->l;
    if (l->head + RECORD_ROOM > room)
        return 0;
    if (l->seq)
        memcpy(r + 4, &seq, sizeof(seq));
    memcpy(r + l->bits, s->bits, (l->ncols + 7) / 8);
    char *p = r + l->head, *end = r + room - RECORD_ROOM;
    for (uint32_t f = 0; f < l->nfields; f++) {
        const struct record_column *k = &s->cols[f];
        bool valid = is_valid(k, row);
        put_value(k, row, valid, r);
        if (k->valid && valid) {
            char *bits = r + l->bits + (k->f.column >> 3);
            *bits = (char)((unsigned char)*bits | 1u << (k->f.column & 7));
        }
        r[k->f.code] = 0;
        if (!valid || !keeps_text(k, row))
            continue;
        struct text t = k->text[row];
        if ((size_t)(end - p) < (size_t)t.len + 8)
            return 0;
        unsigned char code = RECORD_LONG;
        if (!is_long(t)) {
            code = (unsigned char)(t.len << 1 | (t.flags & TEXT_QUOTED));
        } else {
            memcpy(p, &t.len, 4);
            memcpy(p + 4, &t.flags, 4);
            p += 8;
        }
        r[k->f.code] = (char)code;
        put_text(p, t, k->room);
        p += t.len;
    }
    uint32_t bytes = (uint32_t)(p - r);
    memcpy(r, &bytes, sizeof(bytes));
    return bytes;
}

/* -- unpacking -- */

/* The text at *p with this code; moves *p behind it. */
static inline struct text take_text(unsigned char code, const char **p)
{
    struct text t = {*p, code >> 1, code & TEXT_QUOTED};
    if (code == RECORD_LONG) {
        memcpy(&t.len, *p, 4);
        memcpy(&t.flags, *p + 4, 4);
        t.p += 8;
    }
    *p = t.p + t.len;
    return t;
}

struct text record_text(const struct record_layout *l, const char *r, uint32_t f)
{
    const char *p = r + l->head;
    struct text t = {p, 0, 0};
    for (uint32_t i = 0; i <= f; i++)
        t = take_text((unsigned char)r[l->fields[i].code], &p);
    return t;
}

static uint64_t valid_bits(const struct record_layout *l, const char *const *r, uint32_t n,
                           uint32_t column)
{
    uint64_t bits = 0;
    for (uint32_t i = 0; i < n; i++)
        bits |= (uint64_t)record_valid(l, r[i], column) << i;
    return bits;
}

/* Rows [from, from + n) of one field; at[i] stands at the next text of the record and moves on. */
static void unpack_field(const struct record_field *f, const char *const *r, uint32_t from,
                         uint32_t n, const char **at, struct column *out)
{
    if (f->type == TYPE_BOOLEAN) {
        for (uint32_t i = 0; i < n; i++)
            out->v.b8[from + i] = (uint8_t)r[i][f->value];
    } else if (f->value) {
        for (uint32_t i = 0; i < n; i++)
            out->v.i64[from + i] = record_i64(f, r[i]);
    }
    if (!f->value) {
        for (uint32_t i = 0; i < n; i++)
            out->text[from + i] = take_text((unsigned char)r[i][f->code], &at[i]);
        return;
    }
    /* No text of a number is empty: code 0 says that there is none. */
    for (uint32_t i = 0; i < n; i++) {
        unsigned char code = (unsigned char)r[i][f->code];
        if (code)
            out->text[from + i] = take_text(code, &at[i]);
    }
}

/* Has any of the records a text for this number? */
static bool any_text(const struct record_field *f, const char *const *r, uint32_t n)
{
    unsigned char any = 0;
    for (uint32_t i = 0; i < n; i++)
        any |= (unsigned char)r[i][f->code];
    return any;
}

/* Texts of numbers that have none of their own are formatted where others have. */
static void complete_texts(const char *const *records, uint32_t n, struct batch *dst,
                           struct column *out)
{
    bool missing = false;
    for (uint32_t i = 0; i < n; i++) {
        if (column_valid(out, i))
            missing |= !out->text[i].p;
        else
            out->text[i].p = records[i];
    }
    out->text_room = !missing;
    if (missing)
        column_fill_text(dst, out, n);
}

void record_unpack(const struct record_layout *l, const char *const *records, uint32_t n,
                   struct batch *dst)
{
    for (uint32_t c = 0; c < l->ncols; c++) {
        column_alloc_rows(dst, c, l->types[c], false, n);
        struct column *col = &dst->cols[c];
        if (l->field_of[c] < 0 && col->text)
            memset(col->text, 0, n * sizeof(struct text));
        else if (l->field_of[c] < 0 && col->v.b8)
            memset(col->v.b8, 0, n * (l->types[c] == TYPE_BOOLEAN ? 1u : 8u));
        col->text_room = l->field_of[c] >= 0 && !has_value(l->types[c]);
    }
    for (uint32_t from = 0; from < n; from += SLICE) {
        const char *const *r = records + from;
        const char *at[SLICE];
        uint32_t m = n - from < SLICE ? n - from : SLICE;
        for (uint32_t i = 0; i < m; i++)
            at[i] = r[i] + l->head;
        for (uint32_t i = m; i < m + SLICE && from + i < n; i++) {
            __builtin_prefetch(r[i]);
            __builtin_prefetch(r[i] + LINE);
        }
        for (uint32_t f = 0; f < l->nfields; f++) {
            const struct record_field *field = &l->fields[f];
            struct column *out = &dst->cols[field->column];
            out->valid[from / 64] = valid_bits(l, r, m, field->column);
            if (field->value && !out->text && any_text(field, r, m))
                out->text = arena_zalloc(&dst->mem, n * sizeof(struct text));
            unpack_field(field, r, from, m, at, out);
        }
    }
    for (uint32_t f = 0; f < l->nfields; f++) {
        struct column *out = &dst->cols[l->fields[f].column];
        if (l->fields[f].value && out->text)
            complete_texts(records, n, dst, out);
    }
}
