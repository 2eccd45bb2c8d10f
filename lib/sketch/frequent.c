/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The counter table and its purge. Not for more than the counts: distinct values are distinct.h's.
 */
#include "sketch/frequent.h"

#define LG_MIN 4

void frequent_init(struct frequent *f, unsigned lg_max)
{
    *f = (struct frequent){.lg_max = lg_max};
    if (lg_max < LG_MIN || lg_max > 16)
        BUG("lg_max = %u", lg_max);
}

void frequent_release(struct frequent *f)
{
    unsigned lg_max = f->lg_max;
    free(f->slots);
    free(f->text);
    frequent_init(f, lg_max);
}

static uint32_t slot_of(const struct frequent *f, uint64_t hash)
{
    uint32_t mask = (1u << f->lg) - 1, i = (uint32_t)(hash >> 20) & mask;
    while (f->slots[i].count != 0 && f->slots[i].hash != hash)
        i = (i + 1) & mask;
    return i;
}

/* Three quarters of the slots, as the paper has it. */
static uint32_t limit(uint32_t lg)
{
    return (3u << lg) / 4;
}

/* Into a table of 2^lg slots, less `cut` per count, the text packed anew. */
static void rebuild(struct frequent *f, uint32_t lg, uint64_t cut)
{
    struct frequent old = *f;
    f->lg = lg;
    f->slots = xcalloc((size_t)1 << lg, sizeof(*f->slots));
    f->text = xmalloc(old.text_cap ? old.text_cap : 1);
    f->text_len = 0;
    f->n = 0;
    for (uint32_t i = 0; old.slots != NULL && i < 1u << old.lg; i++) {
        const struct frequent_slot *from = &old.slots[i];
        if (from->count <= cut)
            continue;
        struct frequent_slot *to = &f->slots[slot_of(f, from->hash)];
        *to = *from;
        to->count -= cut;
        to->at = f->text_len;
        memcpy(f->text + f->text_len, old.text + from->at, from->len);
        f->text_len += from->len;
        f->n++;
    }
    free(old.slots);
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
    rebuild(f, f->lg, median);
    f->error += median;
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

/* Whole UTF-8 characters within FREQUENT_TEXT bytes. */
static uint32_t cut_text(struct slice text)
{
    if (text.len <= FREQUENT_TEXT)
        return (uint32_t)text.len;
    uint32_t n = FREQUENT_TEXT;
    while (n > FREQUENT_TEXT - 4 && ((unsigned char)text.p[n] & 0xc0) == 0x80)
        n--;
    return n;
}

static void add(struct frequent *f, uint64_t hash, struct slice text, uint64_t count)
{
    if (f->slots == NULL)
        rebuild(f, LG_MIN, 0);
    uint32_t i = slot_of(f, hash);
    if (f->slots[i].count != 0) {
        f->slots[i].count += count;
        return;
    }
    if (f->n >= limit(f->lg)) {
        if (f->lg < f->lg_max)
            rebuild(f, f->lg + 1, 0);
        else
            purge(f);
        i = slot_of(f, hash);
    }
    uint32_t len = cut_text(text);
    text_room(f, len);
    if (len > 0)
        memcpy(f->text + f->text_len, text.p, len);
    f->slots[i] = (struct frequent_slot){hash, count, f->text_len, len};
    f->text_len += len;
    f->n++;
}

void frequent_add(struct frequent *f, uint64_t hash, struct slice text, uint64_t count)
{
    if (count == 0)
        return;
    f->total += count;
    add(f, hash, text, count);
}

void frequent_merge(struct frequent *f, const struct frequent *other)
{
    if (other->lg_max < f->lg_max) {
        f->lg_max = other->lg_max;
        while (f->slots != NULL && (f->lg > f->lg_max || f->n > limit(f->lg_max))) {
            if (f->n > limit(f->lg_max))
                purge(f);
            else
                rebuild(f, f->lg_max, 0);
        }
    }
    f->total += other->total;
    f->error += other->error;
    for (uint32_t i = 0; other->slots != NULL && i < 1u << other->lg; i++) {
        const struct frequent_slot *s = &other->slots[i];
        if (s->count != 0)
            add(f, s->hash, slice_of(other->text + s->at, s->len), s->count);
    }
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
            all[n++] = (struct frequent_item){slice_of(f->text + s->at, s->len), s->hash, s->count,
                                              s->count + f->error};
    }
    qsort(all, n, sizeof(*all), by_count);
    if (n > max)
        n = max;
    if (n > 0)
        memcpy(out, all, n * sizeof(*out));
    free(all);
    return n;
}
