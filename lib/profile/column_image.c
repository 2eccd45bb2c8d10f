/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sections of the image of a column. Not the sketches that others read, too. */
#include "profile/column_image.h"

#include <math.h>

#include "base/hash.h"
#include "base/instant.h"

/* -- what all images of ours share -- */

#define VERSION 1
#define HASH_SEED 1

size_t image_begin(struct buf *out, char letter)
{
    size_t began = out->len;
    buf_add(out, (const char[]){'F', 'L', letter, VERSION}, 4);
    return began;
}

void image_end(struct buf *out, size_t began)
{
    pack_uint(out, hash_bytes(buf_str(out) + began, out->len - began, HASH_SEED), 8);
}

bool image_open(struct unpack *u, struct slice image, char letter, struct err *err)
{
    const char want[3] = {'F', 'L', letter};
    if (image.len < 12 || memcmp(image.p, want, 3) != 0)
        return err_set(err, ERR_DATA, "not an image of Foreline");
    if (image.p[3] != VERSION)
        return err_set(err, ERR_DATA, "image of version %d, only 1 is known here", image.p[3]);
    *u = unpack_of(slice_of(image.p + image.len - 8, 8));
    image.len -= 8;
    if (unpack_uint(u, 8) != hash_bytes(image.p, image.len, HASH_SEED))
        return err_set(err, ERR_DATA, "damaged image");
    *u = unpack_of(slice_of(image.p + 4, image.len - 4));
    return true;
}

uint64_t image_count(struct unpack *u)
{
    uint64_t n = unpack_uint(u, 8);
    u->bad = u->bad || n > IMAGE_COUNT_MAX;
    return u->bad ? 0 : n;
}

void image_text(struct buf *out, struct slice text)
{
    pack_uint(out, text.len, 4);
    buf_add_slice(out, text);
}

struct slice image_take_text(struct unpack *u)
{
    size_t len = (size_t)unpack_uint(u, 4);
    const unsigned char *p = unpack_bytes(u, len);
    return p == NULL ? SLICE_NULL : slice_of((const char *)p, len);
}

/* -- sections -- */

static void put_counts(struct buf *out, const struct column_state *c)
{
    pack_uint(out, c->values, 8);
    pack_uint(out, c->nulls, 8);
    pack_uint(out, c->bytes, 8);
    pack_uint(out, c->first_null, 8);
    pack_uint(out, KINDS, 1);
    for (int k = 0; k < KINDS; k++) {
        pack_uint(out, c->kinds[k], 8);
        pack_uint(out, c->first_line[k], 8);
    }
}

static bool take_counts(struct column_state *c, struct unpack *u)
{
    uint64_t sum = 0;
    c->values = image_count(u);
    c->nulls = image_count(u);
    c->bytes = image_count(u);
    c->first_null = unpack_uint(u, 8);
    if (unpack_uint(u, 1) != KINDS)
        return false;
    for (int k = 0; k < KINDS; k++) {
        sum += c->kinds[k] = image_count(u);
        c->first_line[k] = unpack_uint(u, 8);
    }
    return sum == c->values;
}

static void put_ranges(struct buf *out, const struct column_state *c)
{
    pack_uint(out, (uint64_t)c->int_min, 8);
    pack_uint(out, (uint64_t)c->int_max, 8);
    pack_double(out, c->float_min);
    pack_double(out, c->float_max);
    pack_uint(out, (uint64_t)c->time_min, 8);
    pack_uint(out, (uint64_t)c->time_max, 8);
}

/* In years of four digits, with a day for the zones. */
static bool is_instant(int64_t us)
{
    return us >= (days_from_civil(0, 1, 1) - 1) * 86400 * US_PER_S &&
           us <= (days_from_civil(10000, 1, 1) + 1) * 86400 * US_PER_S;
}

static bool take_ranges(struct column_state *c, struct unpack *u)
{
    c->int_min = (int64_t)unpack_uint(u, 8);
    c->int_max = (int64_t)unpack_uint(u, 8);
    c->float_min = unpack_double(u);
    c->float_max = unpack_double(u);
    c->time_min = (int64_t)unpack_uint(u, 8);
    c->time_max = (int64_t)unpack_uint(u, 8);
    bool floats = c->kinds[TYPE_FLOAT] > 0, times = c->kinds[TYPE_TIMESTAMP] > 0;
    return (!floats || (isfinite(c->float_min) && isfinite(c->float_max))) &&
           !isnan(c->float_min) && !isnan(c->float_max) &&
           (!times || (is_instant(c->time_min) && is_instant(c->time_max)));
}

static void put_extremes(struct buf *out, const struct column_state *c)
{
    const struct extreme *both[2] = {&c->min, &c->max};
    for (int i = 0; i < 2 && c->values > 0; i++) {
        pack_uint(out, both[i]->cut, 1);
        image_text(out, slice_of(both[i]->p, both[i]->len));
    }
}

/* The first 8 bytes, filled with 0. */
static uint64_t prefix_of(struct slice t)
{
    uint64_t v = 0;
    for (size_t i = 0; i < 8; i++)
        v = v << 8 | (i < t.len ? (unsigned char)t.p[i] : 0);
    return v;
}

static bool take_extremes(struct column_state *c, struct unpack *u)
{
    struct extreme *both[2] = {&c->min, &c->max};
    for (int i = 0; i < 2 && c->values > 0; i++) {
        bool cut = unpack_uint(u, 1) != 0;
        struct slice t = image_take_text(u);
        if (u->bad || t.len > EXTREME_MAX || (cut && t.len != EXTREME_MAX))
            return false;
        char *p = xmalloc(t.len < 32 ? 32 : t.len);
        memcpy(p, t.p, t.len);
        *both[i] = (struct extreme){p, (uint32_t)t.len, prefix_of(t), cut};
    }
    return true;
}

static void put_moments(struct buf *out, const struct column_state *c)
{
    const struct moments *m = &c->moments;
    pack_doubles(out, (const double[]){m->n, m->mean, m->m2, m->m3, m->m4}, 5);
}

static bool take_moments(struct column_state *c, struct unpack *u)
{
    double x[5];
    if (!unpack_doubles(u, x, 5))
        return false;
    c->moments = (struct moments){x[0], x[1], x[2], x[3], x[4]};
    return true;
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void put_exact(struct buf *out, const struct column_state *c)
{
    const struct distinct *d = &c->distinct;
    if (!distinct_is_exact(d))
        return;
    uint64_t *e = xreallocarray(NULL, d->n ? d->n : 1, sizeof(*e));
    uint32_t n = 0;
    for (uint32_t i = 0; i < d->cap; i++)
        if (d->set[i] != 0)
            e[n++] = d->set[i];
    qsort(e, n, sizeof(*e), by_number);
    pack_uint(out, n, 4);
    for (uint32_t i = 0; i < n; i++)
        pack_uint(out, e[i], 8);
    free(e);
}

static bool take_exact(struct column_state *c, struct unpack *u)
{
    uint64_t n = unpack_uint(u, 4), last = 0;
    if (n > DISTINCT_EXACT || n > c->values || !unpack_holds(u, n, 8))
        return false;
    for (uint64_t i = 0; i < n; i++) {
        uint64_t e = unpack_uint(u, 8);
        if (e <= last || (e & DISTINCT_RANK_MAX) == 0)
            return false;
        distinct_add(&c->distinct, &e, 1);
        last = e;
    }
    return (n > 0) == (c->values > 0);
}

/* The most extreme values alone: what else a tail holds depends on the order it was filled in. */
static void put_tail(struct buf *out, const struct tail *t)
{
    uint32_t n = t->n < TAILS_KEPT ? t->n : TAILS_KEPT;
    pack_uint(out, n, 2);
    if (n == 0)
        return;
    double *v = xmemdup(t->v, t->n * sizeof(*v));
    kll_sort(v, t->n);
    pack_doubles(out, v + (t->n - n), n);
    free(v);
}

static void put_tails(struct buf *out, const struct column_state *c)
{
    if (c->tails == NULL)
        return;
    pack_uint(out, c->tails->n, 8);
    put_tail(out, &c->tails->high);
    put_tail(out, &c->tails->low);
}

static bool take_tail(struct tail *t, struct unpack *u, uint64_t total)
{
    uint32_t n = (uint32_t)unpack_uint(u, 2);
    double v[TAILS_KEPT];
    if (n > TAILS_KEPT || n > total || !unpack_doubles(u, v, n))
        return false;
    for (uint32_t i = 0; i < n; i++)
        if (!(v[i] >= (i > 0 ? v[i - 1] : -(double)INFINITY)))
            return false;
    tail_fill(t, v, n);
    return n == TAILS_KEPT || n == total;
}

static bool take_tails(struct column_state *c, struct unpack *u)
{
    c->tails = xmalloc(sizeof(*c->tails));
    tails_init(c->tails);
    c->tails->n = image_count(u);
    return take_tail(&c->tails->high, u, c->tails->n) && take_tail(&c->tails->low, u, c->tails->n);
}

static void put_named(struct buf *out, const char *name, uint64_t count, uint64_t line)
{
    image_text(out, slice_str(name));
    pack_uint(out, count, 8);
    pack_uint(out, line, 8);
}

/* Of the names; `n` when it is none of them. */
static unsigned take_named(struct unpack *u, const char *const *names, unsigned n, uint64_t *count,
                           uint64_t *line)
{
    struct slice name = image_take_text(u);
    unsigned i = 0;
    *count = image_count(u);
    *line = unpack_uint(u, 8);
    while (i < n && !slice_is(name, names[i]))
        i++;
    return i;
}

static void put_formats(struct buf *out, const struct column_state *c)
{
    for (unsigned f = 0; f < FORMATS; f++)
        put_named(out, profile_format_names[f], c->formats[f], c->format_miss[f]);
}

static bool take_formats(struct column_state *c, struct unpack *u)
{
    while (u->left > 0) {
        uint64_t count, line;
        unsigned f = take_named(u, profile_format_names, FORMATS, &count, &line);
        if (u->bad || count > c->values)
            return false;
        if (f < FORMATS) {
            c->formats[f] = count;
            c->format_miss[f] = line;
        }
    }
    return true;
}

static void put_figures(struct buf *out, const struct column_state *c)
{
    const struct column_figures *f = &c->figures;
    pack_uint(out, f->by_text, 1);
    pack_uint(out, f->by_number, 1);
    pack_uint(out, f->len_min, 4);
    pack_uint(out, f->len_max, 4);
    for (unsigned s = 0; f->spelled != NULL && s < SPELLINGS; s++)
        if (f->spelled->count[s] > 0)
            put_named(out, profile_spellings[s], f->spelled->count[s], f->spelled->line[s]);
}

static bool take_figures(struct column_state *c, struct unpack *u)
{
    struct column_figures *f = &c->figures;
    f->by_text = (uint8_t)unpack_uint(u, 1);
    f->by_number = (uint8_t)unpack_uint(u, 1);
    f->len_min = (uint32_t)unpack_uint(u, 4);
    f->len_max = (uint32_t)unpack_uint(u, 4);
    if (f->by_text > 15 || f->by_number > 15 || (f->len_min <= f->len_max && c->values == 0))
        return false;
    while (u->left > 0) {
        uint64_t count, line;
        unsigned s = take_named(u, profile_spellings, SPELLINGS, &count, &line);
        if (u->bad || count > c->values)
            return false;
        if (s == SPELLINGS)
            continue;
        if (f->spelled == NULL)
            f->spelled = xcalloc(1, sizeof(*f->spelled));
        f->spelled->count[s] = count;
        f->spelled->line[s] = line;
    }
    return true;
}

static void put_elements(struct buf *out, const struct column_state *c)
{
    if (c->elements.arrays == 0)
        return;
    pack_uint(out, c->elements.arrays, 8);
    pack_uint(out, c->elements.total, 8);
    pack_uint(out, c->elements.min, 4);
    pack_uint(out, c->elements.max, 4);
}

static bool take_elements(struct column_state *c, struct unpack *u)
{
    struct element_counts *e = &c->elements;
    e->arrays = image_count(u);
    e->total = image_count(u);
    e->min = (uint32_t)unpack_uint(u, 4);
    e->max = (uint32_t)unpack_uint(u, 4);
    double arrays = (double)e->arrays, total = (double)e->total;
    return e->arrays > 0 && e->arrays <= c->kinds[TYPE_JSON] && e->min <= e->max &&
           e->min * arrays <= total && total <= e->max * arrays;
}

/* Tags are for good. Counts come first: the others are held against them. */
static const struct section {
    unsigned tag;
    void (*put)(struct buf *out, const struct column_state *c);
    bool (*take)(struct column_state *c, struct unpack *u);
    bool always; /* an image without it is none */
} sections[] = {{1, put_counts, take_counts, true},     {2, put_ranges, take_ranges, true},
                {3, put_extremes, take_extremes, true}, {4, put_moments, take_moments, true},
                {5, put_exact, take_exact, false},      {6, put_tails, take_tails, false},
                {7, put_formats, take_formats, false},  {8, put_figures, take_figures, false},
                {9, put_elements, take_elements, false}};
#define TAG_EXACT 5

void column_image_write(struct buf *out, const struct column_state *c, bool exact)
{
    struct buf part = BUF_INIT(BUF_UNBOUNDED);
    size_t began = image_begin(out, 'C');
    for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
        buf_clear(&part);
        if (exact || sections[i].tag != TAG_EXACT)
            sections[i].put(&part, c);
        if (part.len == 0 && !sections[i].always)
            continue;
        pack_uint(out, sections[i].tag, 1);
        image_text(out, buf_slice(&part));
    }
    image_end(out, began);
    buf_release(&part);
}

bool column_image_read(struct column_state *c, struct slice image, struct err *err)
{
    struct unpack u;
    unsigned seen = 0;
    c->figures.apart = true;
    if (!image_open(&u, image, 'C', err))
        return false;
    while (u.left > 0) {
        unsigned tag = (unsigned)unpack_uint(&u, 1);
        struct unpack part = unpack_of(image_take_text(&u));
        if (u.bad)
            return err_set(err, ERR_DATA, "image of a column that ends early");
        for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
            if (sections[i].tag != tag)
                continue;
            bool again = seen >> tag & 1, first = tag == sections[0].tag || (seen >> 1 & 1);
            seen |= 1u << tag;
            if (again || !first || !sections[i].take(c, &part) || part.bad || part.left > 0)
                return err_set(err, ERR_DATA, "image of a column with a part (%u) that cannot be",
                               tag);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(sections); i++)
        if (sections[i].always && !(seen >> sections[i].tag & 1))
            return err_set(err, ERR_DATA, "image of a column without a part (%u)", sections[i].tag);
    if (c->moments.n != (double)(c->kinds[TYPE_INTEGER] + c->kinds[TYPE_FLOAT]))
        return err_set(err, ERR_DATA, "image of a column whose numbers do not add up");
    return true;
}
