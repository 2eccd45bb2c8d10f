/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Groups. See groups.h. */
#include "engine/groups.h"

#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "base/load.h"
#include "engine/rows.h"

#define INLINE_MAX 12u
#define NULL_TEXT UINT64_MAX
#define SLOTS_MIN 128u
/* Tables of more slots than this do not stay in the second cache: rows to come are asked for. */
#define SLOTS_NEAR ((size_t)1 << 14)
#define AHEAD_SLOT 24u
#define AHEAD_KEY 12u

static bool is_value(enum type t)
{
    return type_is_number(t) || t == TYPE_BOOLEAN;
}

static bool is_long(uint64_t w0)
{
    return (uint32_t)w0 > INLINE_MAX && w0 != NULL_TEXT;
}

void groups_init(struct groups *g, const enum type *types, uint32_t ncols, bool nulls,
                 struct mem_account *acct)
{
    *g = (struct groups){.ncols = ncols, .acct = acct};
    g->types = mem_alloc(acct, (ncols + 1) * sizeof(*g->types));
    g->at = mem_alloc(acct, (ncols + 1) * sizeof(*g->at));
    g->spelling = mem_alloc(acct, (ncols + 1) * sizeof(*g->spelling));
    uint32_t values = 0;
    for (uint32_t c = 0; c < ncols; c++) {
        g->types[c] = types[c];
        g->at[c] = g->words;
        g->spelling[c] = NULL;
        g->words += is_value(types[c]) ? 1 : 2;
        values += is_value(types[c]);
    }
    g->null_word = g->words;
    if (nulls)
        g->words += (values + 63) / 64;
    arena_init(&g->mem, acct);
}

void groups_clear(struct groups *g)
{
    mem_release(g->acct, g->key, g->cap * g->words * sizeof(*g->key));
    mem_release(g->acct, g->hash, g->cap * sizeof(*g->hash));
    if (g->slots)
        mem_release(g->acct, g->slots, (g->mask + 1) * sizeof(*g->slots));
    for (uint32_t c = 0; c < g->ncols; c++) {
        mem_release(g->acct, g->spelling[c], g->cap * sizeof(struct text));
        g->spelling[c] = NULL;
    }
    arena_release(&g->mem);
    g->key = g->hash = NULL;
    g->slots = NULL;
    g->mask = g->cap = 0;
    g->n = 0;
}

void groups_release(struct groups *g)
{
    groups_clear(g);
    mem_release(g->acct, g->types, (g->ncols + 1) * sizeof(*g->types));
    mem_release(g->acct, g->at, (g->ncols + 1) * sizeof(*g->at));
    mem_release(g->acct, g->spelling, (g->ncols + 1) * sizeof(*g->spelling));
    if (g->row)
        mem_release(g->acct, g->row, (g->words + 1) * BATCH_ROWS * sizeof(*g->row));
    *g = (struct groups){0};
}

/* -- keys of a batch -- */

static uint64_t low_bytes(uint64_t x, size_t n)
{
    return n >= 8 ? x : x & ((UINT64_C(1) << (8 * n)) - 1);
}

/* The two words of a text, and what stands for it in the hash; room: TEXT_ROOM bytes are readable.
 */
static inline uint64_t text_words(struct text t, bool room, uint64_t w[2])
{
    uint64_t a, b;
    const unsigned char *p = (const unsigned char *)t.p;
    if (t.len > INLINE_MAX) {
        w[0] = t.len | load_le(p, 4) << 32;
        w[1] = (uint64_t)(uintptr_t)t.p;
        return hash_bytes(t.p, t.len, HASH_K0);
    }
    if (room) {
        a = low_bytes(load_le(p, 8), t.len);
        b = t.len > 8 ? low_bytes(load_le(p + 8, 8), t.len - 8) : 0;
    } else {
        a = t.len >= 8 ? load_le(p, 8) : t.len ? load_part(p, t.len) : 0;
        b = t.len > 8 ? load_part(p + 8, t.len - 8) : 0;
    }
    w[0] = t.len | a << 32;
    w[1] = a >> 32 | b << 32;
    return w[1];
}

static inline uint64_t mix(uint64_t h, uint64_t a, uint64_t b)
{
    return hash_fold(h ^ a ^ HASH_K1, b ^ HASH_K0);
}

static void put_texts(struct groups *g, uint32_t c, const struct column *col, const uint32_t *list,
                      uint32_t n, uint64_t *hash)
{
    uint32_t words = g->words;
    uint64_t *w = g->row + g->at[c];
    bool room = col->text_room;
    for (uint32_t i = 0; i < n; i++, w += words) {
        uint32_t row = list ? list[i] : i;
        if (!column_valid(col, row)) {
            w[0] = NULL_TEXT;
            w[1] = 0;
            hash[i] = mix(hash[i], NULL_TEXT, 0);
            continue;
        }
        uint64_t rest = text_words(col->text[row], room, w);
        hash[i] = mix(hash[i], w[0], rest);
    }
}

/* One word that is the same of equal values. */
static uint64_t double_word(double d)
{
    uint64_t w;
    d = d == 0 ? 0 : isnan(d) ? (double)NAN : d;
    memcpy(&w, &d, sizeof(w));
    return w;
}

static void put_values(struct groups *g, uint32_t c, uint32_t at_null, const struct column *col,
                       const uint32_t *list, uint32_t n, uint64_t *hash)
{
    uint32_t words = g->words, null_at = g->null_word + at_null / 64;
    uint64_t bit = UINT64_C(1) << (at_null % 64);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t row = list ? list[i] : i;
        uint64_t *w = g->row + (size_t)i * words, x;
        if (!column_valid(col, row)) {
            x = 0;
            if (null_at < words)
                w[null_at] |= bit;
            hash[i] = mix(hash[i], bit, HASH_K2);
        } else {
            x = col->type == TYPE_INTEGER ? (uint64_t)col->v.i64[row]
                : col->type == TYPE_FLOAT ? double_word(col->v.f64[row])
                                          : col->v.b8[row];
        }
        w[g->at[c]] = x;
        hash[i] = mix(hash[i], x, 0);
    }
}

/* Keys and hashes of the rows; where the hashes are. */
static uint64_t *put_rows(struct groups *g, const struct batch *b, const uint32_t *cols,
                          const uint32_t *list, uint32_t n)
{
    if (!g->row)
        g->row = mem_alloc(g->acct, (g->words + 1) * BATCH_ROWS * sizeof(*g->row));
    uint64_t *hash = g->row + (size_t)g->words * BATCH_ROWS;
    for (uint32_t i = 0; i < n; i++)
        hash[i] = 0;
    for (uint32_t k = g->null_word; k < g->words; k++) {
        for (uint32_t i = 0; i < n; i++)
            g->row[(size_t)i * g->words + k] = 0;
    }
    uint32_t values = 0;
    for (uint32_t c = 0; c < g->ncols; c++) {
        if (is_value(g->types[c]))
            put_values(g, c, values++, &b->cols[cols[c]], list, n, hash);
        else
            put_texts(g, c, &b->cols[cols[c]], list, n, hash);
    }
    for (uint32_t i = 0; i < n; i++)
        hash[i] = hash_fold(hash[i] ^ HASH_K2, HASH_K1);
    return hash;
}

/* -- the table -- */

static bool same_long(const struct groups *g, const uint64_t *a, const uint64_t *b)
{
    for (uint32_t c = 0; c < g->ncols; c++) {
        uint32_t at = g->at[c];
        if (a[at] != b[at])
            return false;
        if (is_value(g->types[c]))
            continue;
        if (!is_long(a[at])) {
            if (a[at + 1] != b[at + 1])
                return false;
        } else if (memcmp((const char *)(uintptr_t)a[at + 1], (const char *)(uintptr_t)b[at + 1],
                          (uint32_t)a[at]) != 0) {
            return false;
        }
    }
    for (uint32_t k = g->null_word; k < g->words; k++) {
        if (a[k] != b[k])
            return false;
    }
    return true;
}

static inline bool same_key(const struct groups *g, const uint64_t *a, const uint64_t *b)
{
    uint64_t differ = a[0] ^ b[0];
    if (g->words > 1)
        differ |= a[1] ^ b[1];
    for (uint32_t k = 2; k < g->words; k++)
        differ |= a[k] ^ b[k];
    return !differ || (g->null_word != g->ncols && same_long(g, a, b));
}

/* Slots are filled to two thirds. */
static bool slots_full(size_t n, size_t slots)
{
    return n * 3 >= slots * 2;
}

size_t groups_growth(const struct groups *g, uint32_t n)
{
    size_t want = (size_t)g->n + n, slots = g->slots ? g->mask + 1 : 0, had = slots, cap = g->cap;
    while (slots_full(want, slots))
        slots = slots ? slots * 2 : SLOTS_MIN;
    while (cap < want)
        cap = groups_cap_after(cap);
    size_t each = (g->words + 1) * sizeof(uint64_t);
    return (cap - g->cap) * each + (slots > had ? slots * sizeof(*g->slots) : 0);
}

static void grow_slots(struct groups *g)
{
    size_t had = g->slots ? g->mask + 1 : 0, slots = had ? had * 2 : SLOTS_MIN;
    struct group_slot *old = g->slots;
    g->slots = mem_alloc(g->acct, slots * sizeof(*g->slots));
    memset(g->slots, 0, slots * sizeof(*g->slots));
    g->mask = slots - 1;
    for (uint32_t i = 0; i < g->n; i++) {
        size_t at = (size_t)g->hash[i] & g->mask;
        while (g->slots[at].id)
            at = (at + 1) & g->mask;
        g->slots[at] = (struct group_slot){(uint32_t)(g->hash[i] >> 32), i + 1};
    }
    mem_release(g->acct, old, had * sizeof(*old));
}

static void grow_vectors(struct groups *g)
{
    size_t had = g->cap, cap = groups_cap_after(had), key = g->words * sizeof(*g->key);
    g->key = mem_resize(g->acct, g->key, had * key, cap * key);
    g->hash = mem_resize(g->acct, g->hash, had * sizeof(*g->hash), cap * sizeof(*g->hash));
    for (uint32_t c = 0; c < g->ncols; c++) {
        if (!g->spelling[c])
            continue;
        g->spelling[c] = mem_resize(g->acct, g->spelling[c], had * sizeof(struct text),
                                    cap * sizeof(struct text));
        memset(g->spelling[c] + had, 0, (cap - had) * sizeof(struct text));
    }
    g->cap = cap;
}

/* How column c of the group is written; t.p NULL: as its value is. */
static void spell(struct groups *g, uint32_t c, uint32_t id, struct text t)
{
    if (!g->spelling[c]) {
        if (!t.p)
            return;
        g->spelling[c] = mem_alloc(g->acct, g->cap * sizeof(struct text));
        memset(g->spelling[c], 0, g->cap * sizeof(struct text));
    }
    if (t.p) {
        char *p = arena_bytes(&g->mem, t.len);
        memcpy(p, t.p, t.len);
        t.p = p;
    }
    g->spelling[c][id] = t;
}

void groups_respell(struct groups *g, uint32_t id, const struct batch *b, const uint32_t *cols,
                    uint32_t row)
{
    for (uint32_t c = 0; c < g->ncols; c++) {
        const struct column *col = &b->cols[cols[c]];
        if (!is_value(g->types[c]) || !column_valid(col, row))
            continue;
        struct text t = {NULL, 0, 0};
        bool has = col->text && col->text[row].p;
        if (has && value_text_matters(g->types[c], col, row))
            t = col->text[row];
        else if (g->types[c] == TYPE_FLOAT && col->v.f64[row] == 0 && signbit(col->v.f64[row]))
            t = has ? col->text[row] : (struct text){"-0", 2, 0}; /* the key is that of 0 */
        spell(g, c, id, t);
    }
}

void groups_respell_from(struct groups *g, uint32_t id, const struct groups *from, uint32_t from_id)
{
    for (uint32_t c = 0; c < g->ncols; c++) {
        if (is_value(g->types[c]))
            spell(g, c, id,
                  from->spelling[c] ? from->spelling[c][from_id] : (struct text){NULL, 0, 0});
    }
}

/* A group with the key of a row, whose texts are copied. */
static uint32_t group_add(struct groups *g, const uint64_t *key, uint64_t hash)
{
    if (g->n == g->cap)
        grow_vectors(g);
    uint64_t *to = g->key + (size_t)g->n * g->words;
    memcpy(to, key, g->words * sizeof(*to));
    for (uint32_t c = 0; c < g->ncols; c++) {
        uint64_t *w = to + g->at[c];
        if (is_value(g->types[c]) || !is_long(w[0]))
            continue;
        size_t len = (uint32_t)w[0];
        char *p = arena_bytes(&g->mem, len);
        memcpy(p, (const char *)(uintptr_t)w[1], len);
        w[1] = (uint64_t)(uintptr_t)p;
    }
    g->hash[g->n] = hash;
    return g->n++;
}

/* The slot of the key, or the empty one where it would be. */
static inline size_t slot_of(const struct groups *g, const uint64_t *key, uint64_t hash)
{
    uint32_t tag = (uint32_t)(hash >> 32);
    size_t at = (size_t)hash & g->mask;
    for (;; at = (at + 1) & g->mask) {
        struct group_slot s = g->slots[at];
        if (!s.id)
            return at;
        if (s.tag == tag && same_key(g, g->key + (size_t)(s.id - 1) * g->words, key))
            return at;
    }
}

static inline void prefetch(const struct groups *g, const uint64_t *hash, uint32_t i, uint32_t n)
{
    if (i + AHEAD_SLOT < n)
        __builtin_prefetch(&g->slots[(size_t)hash[i + AHEAD_SLOT] & g->mask]);
    if (i + AHEAD_KEY < n) {
        uint32_t id = g->slots[(size_t)hash[i + AHEAD_KEY] & g->mask].id;
        if (id)
            __builtin_prefetch(&g->key[(size_t)(id - 1) * g->words]);
    }
}

bool groups_find(struct groups *g, const struct batch *b, const uint32_t *cols,
                 const uint32_t *list, uint32_t n, uint32_t *out, struct err *err)
{
    if ((uint64_t)g->n + n > GROUPS_MAX)
        return err_set(err, ERR_ENV, "more than %u groups", (unsigned)GROUPS_MAX);
    const uint64_t *hash = put_rows(g, b, cols, list, n), *key = g->row;
    if (!g->slots)
        grow_slots(g);
    for (uint32_t i = 0; i < n; i++, key += g->words) {
        if (g->mask >= SLOTS_NEAR)
            prefetch(g, hash, i, n);
        size_t at = slot_of(g, key, hash[i]);
        if (g->slots[at].id) {
            out[i] = g->slots[at].id - 1;
            continue;
        }
        out[i] = group_add(g, key, hash[i]);
        g->slots[at] = (struct group_slot){(uint32_t)(hash[i] >> 32), g->n};
        groups_respell(g, out[i], b, cols, list ? list[i] : i);
        if (slots_full((size_t)g->n + 1, g->mask + 1))
            grow_slots(g);
    }
    return true;
}

bool groups_merge(struct groups *g, const struct groups *from, uint32_t *map, struct err *err)
{
    if ((uint64_t)g->n + from->n > GROUPS_MAX)
        return err_set(err, ERR_ENV, "more than %u groups", (unsigned)GROUPS_MAX);
    if (!g->slots)
        grow_slots(g);
    for (uint32_t i = 0; i < from->n; i++) {
        if (g->mask >= SLOTS_NEAR)
            prefetch(g, from->hash, i, from->n);
        const uint64_t *key = from->key + (size_t)i * g->words;
        size_t at = slot_of(g, key, from->hash[i]);
        if (g->slots[at].id) {
            map[i] = g->slots[at].id - 1;
            continue;
        }
        map[i] = group_add(g, key, from->hash[i]);
        g->slots[at] = (struct group_slot){(uint32_t)(from->hash[i] >> 32), g->n};
        groups_respell_from(g, map[i], from, i);
        if (slots_full((size_t)g->n + 1, g->mask + 1))
            grow_slots(g);
    }
    return true;
}

void groups_look_up(struct groups *g, const struct batch *b, const uint32_t *cols,
                    const uint32_t *list, uint32_t n, uint32_t *out, uint64_t *hashes)
{
    const uint64_t *hash = put_rows(g, b, cols, list, n), *key = g->row;
    for (uint32_t i = 0; i < n; i++, key += g->words) {
        if (g->mask >= SLOTS_NEAR)
            prefetch(g, hash, i, n);
        out[i] = g->n ? g->slots[slot_of(g, key, hash[i])].id - 1 : UINT32_MAX;
    }
    if (hashes)
        memcpy(hashes, hash, n * sizeof(*hashes));
}

/* -- out again -- */

static void store_le(char *p, uint64_t x)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    x = __builtin_bswap64(x);
#endif
    memcpy(p, &x, sizeof(x));
}

/* The bytes of a text; of a short one in `tmp`. */
static const char *text_bytes(const uint64_t *w, char tmp[16])
{
    if (is_long(w[0]))
        return (const char *)(uintptr_t)w[1];
    store_le(tmp, w[0] >> 32 | w[1] << 32);
    store_le(tmp + 8, w[1] >> 32);
    return tmp;
}

struct slice group_text(const struct groups *g, uint32_t k, uint32_t id, char tmp[16])
{
    const uint64_t *w = &g->key[(size_t)id * g->words + g->at[k]];
    return slice_of(text_bytes(w, tmp), (uint32_t)w[0]);
}

void group_pack(const struct groups *g, uint32_t k, uint32_t id, struct buf *out)
{
    const uint64_t *w = &g->key[(size_t)id * g->words + g->at[k]];
    char tmp[16];
    if (is_value(g->types[k])) {
        pack_uint(out, w[0], 8);
        return;
    }
    pack_uint(out, (uint32_t)w[0], 4);
    buf_add(out, text_bytes(w, tmp), (uint32_t)w[0]);
}

void group_unpack(struct batch *dst, uint32_t c, uint32_t row, struct unpack *in)
{
    struct column *col = &dst->cols[c];
    column_set_valid(col, row);
    if (col->type == TYPE_BOOLEAN) {
        col->v.b8[row] = (uint8_t)unpack_uint(in, 8);
    } else if (is_value(col->type)) {
        col->v.i64[row] = (int64_t)unpack_uint(in, 8);
    } else {
        uint32_t len = (uint32_t)unpack_uint(in, 4);
        const unsigned char *p = unpack_bytes(in, len);
        col->text[row] = (struct text){(const char *)p, p ? len : 0, 0};
    }
}

size_t group_longest(const struct groups *g, uint32_t k)
{
    size_t longest = 8;
    for (uint32_t i = 0; !is_value(g->types[k]) && i < g->n; i++) {
        uint64_t w = g->key[(size_t)i * g->words + g->at[k]];
        if (w != NULL_TEXT && (uint32_t)w > longest)
            longest = (uint32_t)w;
    }
    return longest;
}

static void gather_texts(const struct groups *g, uint32_t k, const uint32_t *ids, uint32_t from,
                         uint32_t n, struct batch *dst, struct column *out)
{
    size_t total = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t w = g->key[(size_t)(ids ? ids[i] : from + i) * g->words + g->at[k]];
        total += w == NULL_TEXT ? 0 : (uint32_t)w;
    }
    char *p = arena_bytes(&dst->mem, total);
    for (uint32_t i = 0; i < n; i++) {
        const uint64_t *w = &g->key[(size_t)(ids ? ids[i] : from + i) * g->words + g->at[k]];
        out->text[i] = (struct text){p, 0, 0};
        if (w[0] == NULL_TEXT)
            continue;
        column_set_valid(out, i);
        uint32_t len = (uint32_t)w[0];
        out->text[i].len = len;
        char tmp[16];
        memcpy(p, text_bytes(w, tmp), len);
        p += len;
    }
}

static void gather_spelling(const struct groups *g, uint32_t k, const uint32_t *ids, uint32_t from,
                            uint32_t n, struct batch *dst, struct column *out)
{
    bool some = false;
    for (uint32_t i = 0; i < n; i++) {
        struct text t = g->spelling[k][ids ? ids[i] : from + i];
        out->text[i] = (struct text){NULL, 0, 0};
        if (!t.p || !column_valid(out, i))
            continue;
        out->text[i] = (struct text){arena_bytes(&dst->mem, t.len), t.len, t.flags};
        memcpy((char *)(uintptr_t)out->text[i].p, t.p, t.len);
        if (out->type == TYPE_FLOAT && out->v.f64[i] == 0 && t.p[0] == '-')
            out->v.f64[i] = -0.0;
        some = true;
    }
    if (some)
        column_fill_text(dst, out, n);
    else
        out->text = NULL;
}

void groups_gather(const struct groups *g, uint32_t k, const uint32_t *ids, uint32_t from,
                   uint32_t n, struct batch *dst, uint32_t c)
{
    enum type t = g->types[k];
    column_alloc_rows(dst, c, t, !is_value(t) || g->spelling[k], n);
    struct column *out = &dst->cols[c];
    if (!is_value(t)) {
        gather_texts(g, k, ids, from, n, dst, out);
        return;
    }
    uint32_t values = 0;
    for (uint32_t i = 0; i < k; i++)
        values += is_value(g->types[i]);
    uint32_t null_at = g->null_word + values / 64;
    for (uint32_t i = 0; i < n; i++) {
        const uint64_t *w = &g->key[(size_t)(ids ? ids[i] : from + i) * g->words];
        if (t == TYPE_BOOLEAN)
            out->v.b8[i] = (uint8_t)w[g->at[k]];
        else
            out->v.i64[i] = (int64_t)w[g->at[k]];
        if (null_at >= g->words || !(w[null_at] >> (values % 64) & 1))
            column_set_valid(out, i);
    }
    if (g->spelling[k])
        gather_spelling(g, k, ids, from, n, dst, out);
}
