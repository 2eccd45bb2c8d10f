/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One column, one batch at a time: values are gathered, and then each summary has its own tight
 * loop over them. */
#include "profile/column.h"

#include <math.h>

#include "profile/kinds.h"

/* Up to this many columns have sketches of full size. */
#define COLUMNS_FULL 64
#define COLUMNS_WIDE 512
#define COLUMNS_WIDER 2048
#define COLUMNS_WIDEST 16384
/* 8 KiB of hashes. */
#define SEEN_LG 10
void column_sizes_init(struct column_sizes *s, uint32_t ncols, bool fast, bool json)
{
    *s = (struct column_sizes){KLL_K, FREQUENT_LG, DISTINCT_P, SEEN_LG, fast, json};
    if (ncols > COLUMNS_FULL) {
        s->kll_k = KLL_K / 4;
        s->frequent_lg = FREQUENT_LG - 2;
        s->distinct_p = DISTINCT_P - 1;
        s->seen_lg = SEEN_LG - 2;
    }
    if (ncols > COLUMNS_WIDE) {
        s->kll_k = KLL_K / 16;
        s->frequent_lg = FREQUENT_LG - 4;
        s->distinct_p = DISTINCT_P - 3;
        s->seen_lg = SEEN_LG - 6;
    }
    if (ncols > COLUMNS_WIDER) {
        s->kll_k = KLL_K / 32;
        s->frequent_lg = FREQUENT_LG - 5;
        s->distinct_p = DISTINCT_P - 4;
    }
    if (ncols > COLUMNS_WIDEST) {
        s->kll_k = KLL_K / 64;
        s->frequent_lg = FREQUENT_LG - 6;
        s->distinct_p = DISTINCT_P - 5;
    }
}

void column_state_needs_numbers(struct column_state *c, const struct column_sizes *s)
{
    if (c->kll != NULL)
        return;
    c->kll = xmalloc(sizeof(*c->kll));
    c->tails = xmalloc(sizeof(*c->tails));
    kll_init(c->kll, s->kll_k, c->seed);
    tails_init(c->tails);
}

void column_state_init(struct column_state *c, const struct column_sizes *s, uint64_t seed)
{
    *c = (struct column_state){.seed = seed};
    c->int_min = INT64_MAX;
    c->int_max = INT64_MIN;
    c->float_min = (double)INFINITY;
    c->float_max = -(double)INFINITY;
    c->time_min = INT64_MAX;
    c->time_max = INT64_MIN;
    c->elements.min = UINT32_MAX;
    column_figures_init(&c->figures);
    distinct_init(&c->distinct, s->distinct_p);
    frequent_init(&c->frequent, s->frequent_lg);
}

void column_state_release(struct column_state *c)
{
    distinct_release(&c->distinct);
    frequent_release(&c->frequent);
    column_figures_release(&c->figures);
    if (c->kll != NULL)
        kll_release(c->kll);
    if (c->tails != NULL)
        tails_release(c->tails);
    free(c->kll);
    free(c->tails);
    free(c->seen);
    free(c->min.p);
    free(c->max.p);
}

/* -- one batch -- */

/* The valid rows; returns how many. */
static uint32_t gather(struct column_state *c, const struct column *col, uint32_t rows,
                       const uint64_t *line, struct column_scratch *w)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < (rows + 63) / 64; i++)
        n += (uint32_t)__builtin_popcountll(col->valid[i]);
    w->dense = n == rows;
    w->value = w->dense ? col->text : w->valid;
    if (!w->dense) {
        uint32_t k = 0;
        for (uint32_t i = 0; i < (rows + 63) / 64; i++)
            for (uint64_t bits = col->valid[i]; bits != 0; bits &= bits - 1) {
                uint32_t r = i * 64 + (uint32_t)__builtin_ctzll(bits);
                w->valid[k] = col->text[r];
                w->row[k++] = r;
            }
    }
    if (c->nulls == 0 && n < rows && line != NULL)
        for (uint32_t r = 0; c->first_null == 0 && r < rows; r++)
            c->first_null = column_valid(col, r) ? 0 : line[r];
    c->nulls += rows - n;
    c->values += n;
    return n;
}

/* Short texts to where TEXT_ROOM bytes are readable. */
static void make_room(uint32_t n, struct column_scratch *w)
{
    for (uint32_t i = 0; i < n; i++) {
        struct text t = w->value[i];
        if (t.len < TEXT_ROOM) {
            if (t.len > 0)
                memcpy(w->room[i], t.p, t.len);
            t.p = w->room[i];
        }
        w->valid[i] = t;
    }
    w->value = w->valid;
}

static void extreme_set(struct extreme *e, struct text t, uint64_t prefix)
{
    if (e->p == NULL || t.len > e->len) /* room for the longest so far */
        e->p = xrealloc(e->p, t.len < 32 ? 32 : t.len < EXTREME_MAX ? t.len : EXTREME_MAX);
    e->cut = t.len > EXTREME_MAX;
    e->len = e->cut ? EXTREME_MAX : t.len;
    if (e->len > 0)
        memcpy(e->p, t.p, e->len);
    e->prefix = prefix;
}

/* Of texts with the same prefix. */
static inline int extreme_cmp(struct text t, const struct extreme *e)
{
    if (t.len <= 8 && e->len <= 8) /* all there is of both; they differ in zeros at the end */
        return (t.len > e->len) - (t.len < e->len);
    return slice_cmp(slice_of(t.p, t.len < EXTREME_MAX ? t.len : EXTREME_MAX),
                     slice_of(e->p, e->len));
}

/* Of values that were not seen before. */
static void extremes(struct column_state *c, size_t nfresh, const struct column_scratch *w)
{
    uint64_t least = UINT64_MAX, most = 0;
    for (size_t k = 0; k < nfresh; k++) {
        uint64_t prefix = w->prefix[w->fresh[k]];
        least = prefix < least ? prefix : least;
        most = prefix > most ? prefix : most;
    }
    if (c->min.p == NULL && nfresh > 0) {
        extreme_set(&c->min, w->value[w->fresh[0]], w->prefix[w->fresh[0]]);
        extreme_set(&c->max, w->value[w->fresh[0]], w->prefix[w->fresh[0]]);
    }
    for (size_t k = 0; least <= c->min.prefix && k < nfresh; k++) {
        uint32_t i = w->fresh[k];
        if (w->prefix[i] < c->min.prefix ||
            (w->prefix[i] == c->min.prefix && extreme_cmp(w->value[i], &c->min) < 0))
            extreme_set(&c->min, w->value[i], w->prefix[i]);
    }
    for (size_t k = 0; most >= c->max.prefix && k < nfresh; k++) {
        uint32_t i = w->fresh[k];
        if (w->prefix[i] > c->max.prefix ||
            (w->prefix[i] == c->max.prefix && extreme_cmp(w->value[i], &c->max) > 0))
            extreme_set(&c->max, w->value[i], w->prefix[i]);
    }
}

/* Values that were not counted as distinct before. */
static void add_fresh(struct column_state *c, size_t nfresh, struct column_scratch *w)
{
    extremes(c, nfresh, w);
    column_elements(nfresh, w, COLUMN_BEST);
    distinct_add(&c->distinct, w->element, nfresh);
}

/* Chunks without a look at what was seen lately, where that found less than an eighth. */
#define SEEN_OFF 31

/* Those of a chunk that were not seen lately to w->fresh; returns how many. */
static size_t not_seen(struct column_state *c, const struct column_sizes *s, uint32_t n,
                       struct column_scratch *w)
{
    size_t nfresh = 0;
    if (c->seen_off > 0) {
        c->seen_off--;
        for (uint32_t i = 0; i < n; i++)
            w->fresh[i] = i;
        return n;
    }
    column_hash(n, w, COLUMN_BEST);
    if (c->seen == NULL)
        c->seen = xcalloc((size_t)1 << s->seen_lg, sizeof(*c->seen));
    uint64_t *seen = c->seen;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t h = w->hash[i] + (w->hash[i] == 0);
        uint64_t *at = &seen[h >> (64 - s->seen_lg)];
        w->fresh[nfresh] = i;
        nfresh += *at != h;
        *at = h;
    }
    if (nfresh > n - n / 8 && n == COLUMN_CHUNK)
        c->seen_off = SEEN_OFF;
    return nfresh;
}

static void add_formats(struct column_state *c, uint32_t n, const uint64_t *line,
                        struct column_scratch *w)
{
    bool missed = false; /* every format has its first miss */
    column_formats(n, w, COLUMN_BEST);
    for (uint32_t i = 0; i < n; i++) {
        if (w->kind[i] != TYPE_STRING)
            continue;
        unsigned found = w->format[i];
        if (found == 0 && missed)
            continue;
        missed = true;
        for (unsigned f = 0; f < FORMATS; f++) {
            if (found >> f & 1)
                c->formats[f]++;
            else if (c->format_miss[f] == 0)
                c->format_miss[f] = column_line_at(w, line, i);
            missed = missed && c->format_miss[f] != 0;
        }
    }
}

static void add_numbers(struct column_state *c, const struct column_sizes *s, size_t numbers,
                        const struct column_scratch *w)
{
    if (numbers == 0)
        return;
    moments_add(&c->moments, w->number, numbers);
    if (s->fast)
        return;
    column_state_needs_numbers(c, s);
    kll_add(c->kll, w->number, numbers);
    tails_add(c->tails, w->number, numbers);
}

static void add_chunk(struct column_state *c, const struct column_sizes *s,
                      const struct column *col, uint32_t rows, const uint64_t *line,
                      struct column_scratch *w)
{
    uint32_t n = gather(c, col, rows, line, w);
    if (n == 0)
        return;
    if (!col->text_room)
        make_room(n, w);
    column_look(n, w, COLUMN_BEST);
    c->bytes += w->len_sum;
    uint64_t strings = c->kinds[TYPE_STRING];
    size_t numbers = column_classify(c, s->json, n, line, w, COLUMN_BEST);
    add_numbers(c, s, numbers, w);
    if (s->fast) {
        add_fresh(c, not_seen(c, s, n, w), w);
        return;
    }
    column_hash(n, w, COLUMN_BEST);
    /* What is in the table of frequent values was new when it came there. */
    uint32_t rest;
    add_fresh(c, frequent_screen(&c->frequent, w->hash, n, w->fresh, w->rest, &rest), w);
    for (uint32_t k = 0; k < rest; k++)
        frequent_add(&c->frequent, w->hash[w->rest[k]], text_slice(w->value[w->rest[k]]), 1);
    column_figures_add(&c->figures, n, numbers, c->kinds[TYPE_STRING] - strings, line, w);
    if (c->kinds[TYPE_STRING] > 0)
        add_formats(c, n, line, w);
}

void column_state_add(struct column_state *c, const struct column_sizes *s,
                      const struct column *col, uint32_t rows, const uint64_t *line,
                      struct column_scratch *w)
{
    for (uint32_t at = 0; at < rows; at += COLUMN_CHUNK) {
        struct column part = *col;
        part.text += at;
        part.valid += at / 64;
        add_chunk(c, s, &part, rows - at < COLUMN_CHUNK ? rows - at : COLUMN_CHUNK,
                  line == NULL ? NULL : line + at, w);
    }
}
