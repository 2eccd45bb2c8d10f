/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The order of packed rows. See sort_keys.h. */
#include "engine/sort_keys.h"

#include <string.h>

#include "base/load.h"
#include "engine/keys.h"

#define TEXT_PIECE 7u /* bytes of text in a piece */
#define MORE 9u       /* in its last byte: the text goes on. 1 + n: its last n bytes; 0: null */

void sort_keys_init(struct sort_keys *k, struct arena *a, const struct schema *s,
                    const uint64_t *stored, const struct sort_key *by, uint32_t n, bool seq)
{
    enum type *types = ARENA_ARRAY(a, enum type, s->n);
    uint32_t *first = ARENA_ARRAY(a, uint32_t, n);
    for (uint32_t c = 0; c < s->n; c++)
        types[c] = s->fields[c].type;
    for (uint32_t i = 0; i < n; i++)
        first[i] = by[i].index;
    record_layout_init(&k->layout, a, types, s->n, stored, first, n, seq);
    k->by = ARENA_ARRAY(a, struct sort_column, n);
    k->n = n;
    for (uint32_t i = 0; i < n; i++) {
        k->by[i] = (struct sort_column){
            .column = first[i],
            .field = (uint32_t)k->layout.field_of[first[i]],
            .type = types[first[i]],
            .descending = by[i].descending,
        };
    }
}

static inline uint64_t integer_piece(int64_t v)
{
    return (uint64_t)v ^ UINT64_C(1) << 63;
}

static inline uint64_t float_piece(double d)
{
    uint64_t x;
    d = d == 0 ? 0 : d; /* -0 equals 0 */
    memcpy(&x, &d, sizeof(x));
    return x >> 63 ? ~x : x | UINT64_C(1) << 63; /* never 0: that would be a NaN */
}

/* `room`: TEXT_ROOM bytes are readable at p. */
static inline uint64_t text_piece(const char *p, size_t len, bool room)
{
    uint64_t x =
        room || len >= 8 ? load_be(p) : __builtin_bswap64(load_part((const unsigned char *)p, len));
    if (len > TEXT_PIECE)
        return (x & ~UINT64_C(0xff)) | MORE;
    return (len ? x & ~(UINT64_MAX >> (8 * len)) : 0) | (1 + len);
}

static inline uint64_t json_piece(struct text t)
{
    return 1u + (unsigned)json_kind_order(text_slice(t));
}

uint64_t sort_piece(const struct sort_keys *k, const char *r, struct sort_place at)
{
    const struct sort_column *by = &k->by[at.key];
    const struct record_field *f = &k->layout.fields[by->field];
    uint64_t x = 0;
    bool valid = record_valid(&k->layout, r, by->column);
    if (valid && f->type == TYPE_INTEGER) {
        x = at.offset ? 1 : integer_piece(record_i64(f, r));
    } else if (valid && f->type == TYPE_FLOAT) {
        double d;
        memcpy(&d, r + f->value, sizeof(d));
        x = float_piece(d);
    } else if (valid && f->type == TYPE_BOOLEAN) {
        x = 1u + (unsigned char)r[f->value];
    } else if (valid) {
        struct text t = record_text(&k->layout, r, by->field);
        x = f->type == TYPE_JSON ? json_piece(t)
                                 : text_piece(t.p + at.offset, t.len - at.offset, true);
    }
    return by->descending ? ~x : x;
}

void sort_first_pieces(const struct sort_keys *k, const struct batch *b, uint64_t *out)
{
    const struct sort_column *by = &k->by[0];
    const struct column *c = &b->cols[by->column];
    uint64_t flip = by->descending ? UINT64_MAX : 0;
    for (uint32_t i = 0; i < b->rows; i++) {
        uint64_t x = 0;
        if (!column_valid(c, i))
            x = 0;
        else if (by->type == TYPE_INTEGER)
            x = integer_piece(c->v.i64[i]);
        else if (by->type == TYPE_FLOAT)
            x = float_piece(c->v.f64[i]);
        else if (by->type == TYPE_BOOLEAN)
            x = 1u + c->v.b8[i];
        else if (by->type == TYPE_JSON)
            x = json_piece(c->text[i]);
        else
            x = text_piece(c->text[i].p, c->text[i].len, c->text_room);
        out[i] = x ^ flip;
    }
}

struct sort_place sort_next_place(const struct sort_keys *k, struct sort_place at, uint64_t piece)
{
    const struct sort_column *by = &k->by[at.key];
    struct sort_place behind = {at.key + 1, 0, false};
    uint64_t x = by->descending ? ~piece : piece;
    switch (by->type) {
    case TYPE_INTEGER: /* null, or the least of them? */
        if (x == 0 && at.offset == 0)
            return (struct sort_place){at.key, 1, false};
        return behind;
    case TYPE_FLOAT:
    case TYPE_BOOLEAN:
        return behind;
    case TYPE_JSON: /* null, false and true have no more to say */
        if (x > 1u + JSON_KIND_TRUE)
            return (struct sort_place){at.key, 1, true};
        return behind;
    default:
        if ((x & 0xff) == MORE)
            return (struct sort_place){at.key, at.offset + TEXT_PIECE, false};
        return behind;
    }
}

static int order_values(const struct sort_keys *k, uint32_t key, const char *a, const char *b)
{
    const struct sort_column *by = &k->by[key];
    const struct record_field *f = &k->layout.fields[by->field];
    if (f->value) {
        for (uint32_t i = 0; i < 2; i++) {
            struct sort_place at = {key, i, false};
            uint64_t x = sort_piece(k, a, at), y = sort_piece(k, b, at);
            if (x != y || f->type != TYPE_INTEGER)
                return (x > y) - (x < y);
        }
        return 0;
    }
    bool va = record_valid(&k->layout, a, by->column), vb = record_valid(&k->layout, b, by->column);
    int order = (int)va - (int)vb;
    if (va && vb) {
        struct slice x = text_slice(record_text(&k->layout, a, by->field));
        struct slice y = text_slice(record_text(&k->layout, b, by->field));
        order = f->type == TYPE_JSON ? json_order(x, y) : slice_cmp(x, y);
    }
    return by->descending ? -order : order;
}

int sort_compare(const struct sort_keys *k, const char *a, const char *b, struct sort_place at)
{
    for (uint32_t key = at.key; key < k->n; key++) {
        int order = order_values(k, key, a, b);
        if (order)
            return order;
    }
    return 0;
}
