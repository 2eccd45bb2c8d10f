/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows as records that sort. The form is in intern.h. */
#include <string.h>

#include "base/hash.h"
#include "compare/intern.h"

static void put_u64(char *p, uint64_t v)
{
    for (int i = 7; i >= 0; i--, v >>= 8)
        p[i] = (char)(v & 0xff);
}

static void add_u64(struct buf *out, uint64_t v)
{
    char *p = buf_room(out, 8);
    put_u64(p, v);
    out->len += 8;
}

#define VARINT_MAX 10

static void add_value(struct cmp *k, enum family family, struct text t)
{
    struct slice s = value_canonical(family, t);
    char *p = buf_room(&k->rec, s.len + VARINT_MAX + 1), *from = p;
    uint64_t n = s.len + k->kinds + 1;
    for (; n >= 128; n >>= 7)
        *p++ = (char)(n | 128);
    *p++ = (char)n;
    if (k->kinds)
        *p++ = value_kind(t);
    memcpy(p, s.p, s.len);
    k->rec.len += (size_t)(p - from) + s.len;
}

static uint64_t get_varint(const char **p)
{
    uint64_t v = 0;
    for (unsigned shift = 0;; shift += 7) {
        unsigned char c = (unsigned char)*(*p)++;
        v |= (uint64_t)(c & 127) << shift;
        if (c < 128)
            return v;
    }
}

static void begin(struct cmp *k, char kind)
{
    buf_clear(&k->rec);
    buf_add(&k->rec, "\0\0\0\0\0\0\0\0\0\0\0", RECORD_HEAD);
    buf_addc(&k->rec, kind);
}

static uint64_t end_exact(struct cmp *k)
{
    size_t n = k->rec.len - RECORD_HEAD;
    uint64_t hash = hash_bytes(k->rec.p + RECORD_HEAD, n, 0);
    char len[8];
    put_u64(len, (uint64_t)n << 32);
    put_u64(k->rec.p, hash);
    memcpy(k->rec.p + 8, len, 4);
    return hash;
}

uint64_t record_of_row(struct cmp *k, int side, const struct batch *b, uint32_t row, uint64_t no)
{
    begin(k, RECORD_ROW);
    for (uint32_t i = 0; i < k->ncommon; i++) {
        const struct common *c = &k->common[i];
        const struct column *col = &b->cols[c->at[side]];
        if (c->family == FAMILY_NUMBER)
            continue;
        if (column_valid(col, row))
            add_value(k, c->family, col->text[row]);
        else
            buf_addc(&k->rec, 0);
    }
    uint64_t hash = end_exact(k);
    for (uint32_t i = 0; i < k->ncommon && k->nkeys; i++) {
        const struct common *c = &k->common[i];
        const struct column *col = &b->cols[c->at[side]];
        if (c->family == FAMILY_NUMBER)
            add_u64(&k->rec, column_valid(col, row) ? number_key_of_text(text_slice(col->text[row]))
                                                    : number_key(NULL));
    }
    add_u64(&k->rec, no);
    return hash;
}

uint64_t record_of_bad(struct cmp *k, struct slice raw, uint64_t no)
{
    begin(k, RECORD_BAD);
    buf_add_slice(&k->rec, raw);
    uint64_t hash = end_exact(k);
    for (uint32_t i = 0; i < k->nkeys; i++)
        add_u64(&k->rec, number_key(NULL));
    add_u64(&k->rec, no);
    return hash;
}

size_t record_group(struct slice rec)
{
    return RECORD_HEAD + (size_t)(get_u64(rec.p + 4) & UINT32_MAX);
}

uint64_t record_row(struct slice rec)
{
    return get_u64(rec.p + rec.len - 8);
}

bool record_is_bad(struct slice rec)
{
    return rec.p[RECORD_HEAD] == RECORD_BAD;
}

void record_values(const struct cmp *k, struct arena *a, struct slice rec, struct slice *out)
{
    const char *p = rec.p + RECORD_HEAD + 1, *keys = rec.p + record_group(rec);
    for (uint32_t i = 0; i < k->ncommon; i++) {
        out[i] = SLICE_NULL;
        if (k->common[i].family == FAMILY_NUMBER) {
            uint64_t key = get_u64(keys + 8 * k->common[i].key);
            char text[32];
            if (key != number_key(NULL))
                out[i] = slice_str(arena_strdup(a, number_key_text(key, text)));
            continue;
        }
        uint64_t n = get_varint(&p);
        if (n == 0)
            continue;
        out[i] = slice_of(p, (size_t)n - 1);
        p += n - 1;
    }
}
