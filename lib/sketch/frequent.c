/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The counter table, its purge and its gate. Not for more than the counts: distinct values are
 * distinct.h's.
 */
#include "sketch/frequent.h"

void frequent_init(struct frequent *f, unsigned lg_max)
{
    *f = (struct frequent){.lg_max = lg_max};
    if (lg_max < FREQUENT_LG_MIN || lg_max > FREQUENT_LG_MAX)
        BUG("lg_max = %u", lg_max);
}

void frequent_release(struct frequent *f)
{
    unsigned lg_max = f->lg_max;
    free(f->memory);
    free(f->text);
    free(f->gate);
    free(f->known);
    frequent_init(f, lg_max);
}

#define GROUP 4u
#define NOWHERE UINT32_MAX

static inline uint32_t group_of(const struct frequent *f, uint64_t hash)
{
    return (uint32_t)(hash >> 20) & ((1u << f->lg) - GROUP);
}

/* The slot of a hash, or NOWHERE. The four of a group are compared side by side, so that where in
 * the group it is costs no branch. */
static inline uint32_t find(const struct frequent *f, uint64_t hash)
{
    for (uint32_t i = group_of(f, hash);; i = (i + GROUP) & ((1u << f->lg) - 1)) {
        const struct frequent_slot *g = f->slots + i;
        unsigned at = (unsigned)(g[0].hash == hash) | (unsigned)(g[1].hash == hash) << 1 |
                      (unsigned)(g[2].hash == hash) << 2 | (unsigned)(g[3].hash == hash) << 3;
        if (at != 0)
            return i + (uint32_t)__builtin_ctz(at);
        if (g[3].hash == 0) /* groups fill from the front */
            return NOWHERE;
    }
}

/* An empty slot for a hash that is not there. */
static uint32_t vacant(const struct frequent *f, uint64_t hash)
{
    uint32_t i = group_of(f, hash);
    while (f->slots[i].hash != 0)
        i = (i + 1) & ((1u << f->lg) - 1);
    return i;
}

/* Three quarters of the slots, as the paper has it; half of them while the table can grow, for
 * short searches. */
static uint32_t limit(const struct frequent *f)
{
    return f->lg < f->lg_max ? (1u << f->lg) / 2 : (3u << f->lg) / 4;
}

static inline uint32_t cell_of(const struct frequent *f, uint64_t hash)
{
    return (uint32_t)(hash >> 32) & ((2u << f->lg_max) - 1);
}

static inline uint32_t bit_of(const struct frequent *f, uint64_t hash)
{
    return (uint32_t)(hash >> 12) & ((16u << f->lg_max) - 1);
}

static void set_known(struct frequent *f, uint64_t hash)
{
    uint32_t bit = bit_of(f, hash);
    f->known[bit >> 6] |= UINT64_C(1) << (bit & 63);
}

static inline bool maybe_known(const struct frequent *f, uint64_t hash)
{
    uint32_t bit = bit_of(f, hash);
    return f->known == NULL || (f->known[bit >> 6] >> (bit & 63) & 1);
}

/* Takes half of the fullest cell from all, for good. */
static void empty_gate(struct frequent *f)
{
    uint64_t half = f->held / 2;
    for (size_t i = 0; i < (size_t)2 << f->lg_max; i++)
        f->gate[i] = f->gate[i] > half ? (uint16_t)(f->gate[i] - half) : 0;
    f->held -= half;
    f->lowered += half;
    f->emptied += half;
}

/* True when a value that is not in the table is held back. */
static inline bool hold(struct frequent *f, uint64_t hash, uint64_t count)
{
    uint16_t *cell = &f->gate[cell_of(f, hash)];
    uint64_t sum = *cell + count;
    if (sum + f->emptied > f->total >> f->lg_max || sum > UINT16_MAX)
        return false;
    *cell = (uint16_t)sum;
    if (sum > f->held) {
        f->held = sum;
        if (sum == UINT16_MAX)
            empty_gate(f);
    }
    return true;
}

/* Empty slots, each group within one line of cache. */
static void make_slots(struct frequent *f)
{
    size_t n = (size_t)1 << f->lg, line = GROUP * sizeof(*f->slots);
    f->memory = xcalloc(n * (sizeof(*f->slots) + sizeof(*f->texts)) + line, 1);
    f->slots = (void *)(((uintptr_t)f->memory + line - 1) / line * line);
    f->texts = (void *)(f->slots + n);
}

/* Into a table of 2^lg slots, less `cut` per count, the text packed anew. */
static void rebuild(struct frequent *f, uint32_t lg, uint64_t cut)
{
    struct frequent old = *f;
    f->lg = lg;
    make_slots(f);
    f->text = xmalloc(old.text_cap ? old.text_cap : 1);
    f->text_len = 0;
    f->n = 0;
    if (f->known != NULL)
        memset(f->known, 0, ((size_t)2 << f->lg_max));
    for (uint32_t i = 0; old.slots != NULL && i < 1u << old.lg; i++) {
        const struct frequent_slot *from = &old.slots[i];
        if (from->count <= cut)
            continue;
        uint32_t at = vacant(f, from->hash);
        const struct frequent_text *t = &old.texts[i];
        f->slots[at] = (struct frequent_slot){from->hash, from->count - cut};
        f->texts[at] = (struct frequent_text){f->text_len, t->len};
        memcpy(f->text + f->text_len, old.text + t->at, t->len);
        f->text_len += t->len;
        f->n++;
        if (f->known != NULL)
            set_known(f, from->hash);
    }
    free(old.memory);
    free(old.text);
}

static int cmp_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Lowers all counts by their median: at least half of the slots come free. The median of all, not
 * of a sample, so that the state does not depend on the order of the slots. */
static void purge(struct frequent *f)
{
    uint64_t *counts = xreallocarray(NULL, f->n, sizeof(*counts));
    size_t n = 0, ones = 0;
    for (uint32_t i = 0; i < 1u << f->lg; i++)
        if (f->slots[i].count != 0) {
            counts[n++] = f->slots[i].count;
            ones += f->slots[i].count == 1;
        }
    uint64_t median = 1;
    if (ones <= n / 2) { /* else the common case of many new values needs no sorting */
        qsort(counts, n, sizeof(*counts), cmp_u64);
        median = counts[n / 2];
    }
    free(counts);
    if (f->gate == NULL) {
        f->gate = xcalloc((size_t)2 << f->lg_max, sizeof(*f->gate));
        f->known = xcalloc((size_t)2 << f->lg_max, 1);
    }
    rebuild(f, f->lg, median);
    f->lowered += median;
}

static void text_room(struct frequent *f, uint32_t extra)
{
    if (f->text_cap - f->text_len >= extra)
        return;
    uint32_t cap = f->text_cap ? f->text_cap : 128;
    while (cap - f->text_len < extra)
        cap *= 2;
    f->text = xrealloc(f->text, cap);
    f->text_cap = cap;
}

struct slice frequent_cut(struct slice text)
{
    if (text.len <= FREQUENT_TEXT)
        return text;
    size_t n = FREQUENT_TEXT;
    while (n > FREQUENT_TEXT - 4 && ((unsigned char)text.p[n] & 0xc0) == 0x80)
        n--;
    return slice_of(text.p, n);
}

/* Past the gate. */
static void insert(struct frequent *f, uint64_t hash, struct slice text, uint64_t count)
{
    if (f->n >= limit(f)) {
        if (f->lg < f->lg_max)
            rebuild(f, f->lg + 1, 0);
        else
            purge(f);
    }
    uint32_t len = (uint32_t)frequent_cut(text).len, i = vacant(f, hash);
    text_room(f, len);
    if (len > 0)
        memcpy(f->text + f->text_len, text.p, len);
    f->slots[i] = (struct frequent_slot){hash, count};
    f->texts[i] = (struct frequent_text){f->text_len, len};
    f->text_len += len;
    f->n++;
    if (f->known != NULL)
        set_known(f, hash);
}

/* Counts what is in the table. */
static inline bool count_known(struct frequent *f, uint64_t hash, uint64_t count)
{
    if (f->slots == NULL || !maybe_known(f, hash))
        return false;
    uint32_t i = find(f, hash);
    if (i == NOWHERE)
        return false;
    f->slots[i].count += count;
    return true;
}

void frequent_add(struct frequent *f, uint64_t hash, struct slice text, uint64_t count)
{
    if (count == 0)
        return;
    if (f->slots == NULL)
        rebuild(f, FREQUENT_LG_MIN, 0);
    hash += hash == 0;
    f->total += count;
    if (!count_known(f, hash, count) && (f->gate == NULL || !hold(f, hash, count)))
        insert(f, hash, text, count);
    f->error = f->lowered + f->held;
}

/* How many values are screened side by side. */
#define SCREEN 256
/* Cells and slots are asked for this many values early: tables of many columns do not fit the
 * nearest caches. */
#define AHEAD 16

/* Those of the hashes that may be in the table: their indices to `out`; returns how many. */
static uint32_t maybe(const struct frequent *f, const uint64_t *h, uint32_t n, uint16_t *out)
{
    uint32_t k = 0;
    if (f->known == NULL) {
        for (uint32_t i = 0; i < n; i++)
            out[i] = (uint16_t)i;
        return n;
    }
    for (uint32_t i = 0; i < n; i++) {
        uint32_t bit = bit_of(f, h[i]);
        out[k] = (uint16_t)i;
        k += (uint32_t)(f->known[bit >> 6] >> (bit & 63)) & 1;
        __builtin_prefetch(&f->gate[cell_of(f, h[i])], 1);
    }
    return k;
}

/* Counts those that are in the table, and says which are not. */
static uint32_t screen(struct frequent *f, const uint64_t *h, uint32_t n, uint32_t base,
                       uint32_t *fresh)
{
    uint16_t at[SCREEN];
    bool found[SCREEN] = {false};
    uint32_t nfresh = 0, nmaybe = f->slots == NULL ? 0 : maybe(f, h, n, at);
    for (uint32_t k = 0; k < nmaybe; k++) {
        if (k + AHEAD < nmaybe)
            __builtin_prefetch(&f->slots[group_of(f, h[at[k + AHEAD]])], 1);
        uint32_t slot = find(f, h[at[k]]);
        if (slot != NOWHERE) {
            f->slots[slot].count++;
            found[at[k]] = true;
        }
    }
    if (nmaybe == 0) {
        for (uint32_t i = 0; i < n; i++)
            fresh[i] = base + i;
        return n;
    }
    for (uint32_t i = 0; i < n; i++) {
        fresh[nfresh] = base + i;
        nfresh += !found[i];
    }
    return nfresh;
}

size_t frequent_screen(struct frequent *f, uint64_t *hashes, uint32_t n, uint32_t *fresh,
                       uint32_t *rest, uint32_t *nrest)
{
    uint32_t nfresh = 0, left = 0;
    uint64_t before = f->total;
    for (uint32_t i = 0; i < n; i++)
        hashes[i] += hashes[i] == 0;
    for (uint32_t base = 0; base < n; base += SCREEN)
        nfresh +=
            screen(f, hashes + base, n - base < SCREEN ? n - base : SCREEN, base, fresh + nfresh);
    if (f->gate == NULL) {
        memcpy(rest, fresh, nfresh * sizeof(*rest));
        left = nfresh;
    }
    for (uint32_t k = 0; f->gate != NULL && k < nfresh; k++) {
        f->total = before + fresh[k] + 1 - left;
        if (!hold(f, hashes[fresh[k]], 1))
            rest[left++] = fresh[k];
    }
    f->total = before + n - left;
    f->error = f->lowered + f->held;
    *nrest = left;
    return nfresh;
}

/* Without a gate: what it holds becomes part of the error. */
static void drop_gate(struct frequent *f)
{
    f->lowered += f->held;
    f->held = f->emptied = 0;
    free(f->gate);
    free(f->known);
    f->gate = NULL;
    f->known = NULL;
    f->error = f->lowered;
}

static int descending(const void *a, const void *b)
{
    return cmp_u64(b, a);
}

void frequent_reduce(struct frequent *f, uint32_t keep)
{
    if (f->n <= keep)
        return;
    drop_gate(f);
    uint64_t *counts = xreallocarray(NULL, f->n, sizeof(*counts)), cut;
    size_t n = 0;
    for (uint32_t i = 0; i < 1u << f->lg; i++)
        if (f->slots[i].count != 0)
            counts[n++] = f->slots[i].count;
    qsort(counts, n, sizeof(*counts), descending);
    cut = counts[keep];
    free(counts);
    rebuild(f, f->lg, cut);
    f->error = f->lowered += cut;
}

void frequent_merge(struct frequent *f, const struct frequent *other)
{
    uint32_t lg_max = other->lg_max < f->lg_max ? other->lg_max : f->lg_max;
    drop_gate(f);
    if (other->slots != NULL && f->slots == NULL)
        rebuild(f, FREQUENT_LG_MIN, 0);
    f->total += other->total;
    f->lowered += other->error;
    f->lg_max = FREQUENT_LG_MAX + 1; /* room for all of both */
    for (uint32_t i = 0; other->slots != NULL && i < 1u << other->lg; i++) {
        const struct frequent_slot *s = &other->slots[i];
        const struct frequent_text *t = &other->texts[i];
        if (s->count != 0 && !count_known(f, s->hash, s->count))
            insert(f, s->hash, slice_of(other->text + t->at, t->len), s->count);
    }
    f->lg_max = lg_max;
    f->error = f->lowered;
    frequent_reduce(f, (3u << lg_max) / 4);
    if (f->slots != NULL && f->lg > lg_max)
        rebuild(f, lg_max, 0);
}

void frequent_assume(struct frequent *f, uint64_t total, uint64_t error)
{
    f->total = total;
    f->lowered += error;
    f->error = f->lowered + f->held;
}

static int by_count(const void *a, const void *b)
{
    const struct frequent_item *x = a, *y = b;
    if (x->upper != y->upper)
        return x->upper > y->upper ? -1 : 1;
    int c = slice_cmp(x->text, y->text);
    return c != 0 ? c : (x->hash > y->hash) - (x->hash < y->hash);
}

size_t frequent_top(const struct frequent *f, uint64_t at_least, struct frequent_item *out,
                    size_t max)
{
    struct frequent_item *all = xreallocarray(NULL, f->n ? f->n : 1, sizeof(*all));
    size_t n = 0;
    for (uint32_t i = 0; f->slots != NULL && i < 1u << f->lg; i++) {
        const struct frequent_slot *s = &f->slots[i];
        if (s->count != 0 && s->count + f->error >= at_least)
            all[n++] = (struct frequent_item){slice_of(f->text + f->texts[i].at, f->texts[i].len),
                                              s->hash, s->count, s->count + f->error};
    }
    qsort(all, n, sizeof(*all), by_count);
    if (n > max)
        n = max;
    if (n > 0)
        memcpy(out, all, n * sizeof(*out));
    free(all);
    return n;
}
