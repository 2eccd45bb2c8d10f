/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Order, lengths and spellings of null, a chunk at a time. What becomes of them in the record is
 * column_record.c. */
#include "profile/figures.h"

#include <math.h>

#include "profile/column.h"
#include "table/value.h"

/* None is longer than SPELLING_MAX but the blanks. */
const char *const profile_spellings[SPELLINGS] = {
    "",     " ",    "NA",   "N/A", "n/a", "na",  "#N/A", "#NA", "<NA>", "NULL", "null", "Null",
    "None", "none", "NONE", "nil", "NaN", "nan", "NAN",  "\\N", "-",    "--",   "?",    ".",
};
/* The same as column_scratch has prefixes. */
#define P(a, b, c, d) \
    ((uint64_t)(a) << 56 | (uint64_t)(b) << 48 | (uint64_t)(c) << 40 | (uint64_t)(d) << 32)
static const uint64_t spelled_as[SPELLINGS] = {
    0,
    P(' ', 0, 0, 0),
    P('N', 'A', 0, 0),
    P('N', '/', 'A', 0),
    P('n', '/', 'a', 0),
    P('n', 'a', 0, 0),
    P('#', 'N', '/', 'A'),
    P('#', 'N', 'A', 0),
    P('<', 'N', 'A', '>'),
    P('N', 'U', 'L', 'L'),
    P('n', 'u', 'l', 'l'),
    P('N', 'u', 'l', 'l'),
    P('N', 'o', 'n', 'e'),
    P('n', 'o', 'n', 'e'),
    P('N', 'O', 'N', 'E'),
    P('n', 'i', 'l', 0),
    P('N', 'a', 'N', 0),
    P('n', 'a', 'n', 0),
    P('N', 'A', 'N', 0),
    P('\\', 'N', 0, 0),
    P('-', 0, 0, 0),
    P('-', '-', 0, 0),
    P('?', 0, 0, 0),
    P('.', 0, 0, 0),
};
#undef P
#define SPELLING_MAX 4

void column_figures_init(struct column_figures *f)
{
    *f = (struct column_figures){.by_text = ORDER_UP | ORDER_DOWN,
                                 .by_number = ORDER_UP | ORDER_DOWN,
                                 .len_min = UINT32_MAX};
}

static void edge_release(struct edge *e)
{
    free(e->p);
    *e = (struct edge){NULL, 0, false};
}

void column_figures_release(struct column_figures *f)
{
    edge_release(&f->first);
    edge_release(&f->last);
    free(f->spelled);
    f->spelled = NULL;
}

/* -- order -- */

static bool undecided(uint8_t order)
{
    return (order & (ORDER_UP | ORDER_DOWN)) && !(order & ORDER_UNKNOWN);
}

static void edge_set(struct edge *e, const char *p, uint32_t len, bool cut)
{
    cut = cut || len > EDGE_MAX;
    len = len > EDGE_MAX ? EDGE_MAX : len;
    if (e->p == NULL || len > e->len)
        e->p = xrealloc(e->p, len < 32 ? 32 : len);
    if (len > 0)
        memcpy(e->p, p, len);
    e->len = len;
    e->cut = cut;
}

static void edge_copy(struct edge *to, const struct edge *from)
{
    if (from->p != NULL)
        edge_set(to, from->p, from->len, from->cut);
}

static inline uint8_t after(uint8_t order, int cmp)
{
    return cmp < 0   ? order & (uint8_t)~ORDER_DOWN
           : cmp > 0 ? order & (uint8_t)~ORDER_UP
                     : order | ORDER_TIED;
}

/* Two numbers whose doubles are equal: integers beyond 2^53 may differ all the same. */
static int compare_equal(struct slice a, struct slice b, double value)
{
    union value x, y;
    if (fabs(value) < 9007199254740992.0 || value_classify(a, &x) != TYPE_INTEGER ||
        value_classify(b, &y) != TYPE_INTEGER)
        return 0;
    return (x.i > y.i) - (x.i < y.i);
}

static int compare_numbers(struct slice a, struct slice b)
{
    union value v;
    double x = value_classify(a, &v) == TYPE_INTEGER ? (double)v.i : v.f;
    double y = value_classify(b, &v) == TYPE_INTEGER ? (double)v.i : v.f;
    return x < y ? -1 : x > y ? 1 : compare_equal(a, b, x);
}

/* From what stands at the end of one part to the beginning of the next. */
static void join(struct column_figures *f, const struct edge *a, struct slice b, bool b_cut)
{
    struct slice left = slice_of(a->p, a->len);
    b_cut = b_cut || b.len > EDGE_MAX;
    b.len = b.len > EDGE_MAX ? EDGE_MAX : b.len;
    int cmp = slice_cmp(left, b);
    if (undecided(f->by_text))
        f->by_text =
            cmp == 0 && (a->cut || b_cut) ? f->by_text | ORDER_UNKNOWN : after(f->by_text, cmp);
    if (undecided(f->by_number))
        f->by_number = a->cut || b_cut ? f->by_number | ORDER_UNKNOWN
                                       : after(f->by_number, compare_numbers(left, b));
}

static uint8_t texts_in_order(uint8_t order, uint32_t n, const struct column_scratch *w)
{
    bool up = false, down = false, same = false;
    for (uint32_t i = 1; i < n; i++) {
        up |= w->prefix[i - 1] < w->prefix[i];
        down |= w->prefix[i - 1] > w->prefix[i];
        same |= w->prefix[i - 1] == w->prefix[i];
    }
    order = (uint8_t)(order & ~((up ? ORDER_DOWN : 0) | (down ? ORDER_UP : 0)));
    for (uint32_t i = 1; same && i < n && undecided(order); i++) {
        struct text a = w->value[i - 1], b = w->value[i];
        if (w->prefix[i - 1] != w->prefix[i])
            continue;
        int cmp = a.len <= 8 && b.len <= 8 /* alike but for zeros at the end */
                      ? (a.len > b.len) - (a.len < b.len)
                      : slice_cmp(text_slice(a), text_slice(b));
        order = after(order, cmp);
    }
    return order;
}

/* All n values are numbers. */
static uint8_t numbers_in_order(uint8_t order, uint32_t n, const struct column_scratch *w)
{
    bool up = false, down = false, same = false;
    for (uint32_t i = 1; i < n; i++) {
        up |= w->number[i - 1] < w->number[i];
        down |= w->number[i - 1] > w->number[i];
        same |= !(w->number[i - 1] < w->number[i] || w->number[i - 1] > w->number[i]);
    }
    order = (uint8_t)(order & ~((up ? ORDER_DOWN : 0) | (down ? ORDER_UP : 0)));
    for (uint32_t i = 1; same && i < n && undecided(order); i++)
        if (!(w->number[i - 1] < w->number[i] || w->number[i - 1] > w->number[i]))
            order = after(order, compare_equal(text_slice(w->value[i - 1]), text_slice(w->value[i]),
                                               w->number[i]));
    return order;
}

static void add_order(struct column_figures *f, uint32_t n, uint64_t numbers,
                      const struct column_scratch *w)
{
    if (numbers < n)
        f->by_number = 0;
    if (f->last.p == NULL)
        edge_set(&f->first, w->value[0].p, w->value[0].len, false);
    else
        join(f, &f->last, text_slice(w->value[0]), false);
    if (undecided(f->by_text))
        f->by_text = texts_in_order(f->by_text, n, w);
    if (undecided(f->by_number))
        f->by_number = numbers_in_order(f->by_number, n, w);
    if (undecided(f->by_text) || undecided(f->by_number)) {
        edge_set(&f->last, w->value[n - 1].p, w->value[n - 1].len, false);
    } else {
        edge_release(&f->first);
        edge_release(&f->last);
    }
}

const char *column_figures_order(const struct column_figures *f, bool number, uint64_t values)
{
    uint8_t o = number ? f->by_number : f->by_text;
    if (values < 2)
        return NULL;
    if ((o & (ORDER_UP | ORDER_DOWN)) == 0)
        return "none";
    if (o & ORDER_UNKNOWN)
        return NULL;
    if ((o & ORDER_UP) && (o & ORDER_DOWN))
        return "constant";
    if (o & ORDER_UP)
        return o & ORDER_TIED ? "increasing" : "strictly_increasing";
    return o & ORDER_TIED ? "decreasing" : "strictly_decreasing";
}

/* -- spellings -- */

static bool all_blank(struct text t)
{
    for (uint32_t i = 0; i < t.len; i++)
        if (t.p[i] != ' ' && t.p[i] != '\t' && t.p[i] != '\r' && t.p[i] != '\n')
            return false;
    return true;
}

/* Which spelling, or SPELLINGS. */
static unsigned spelling_of(struct text t, uint64_t prefix)
{
    if (t.len == 0)
        return SPELLED_EMPTY;
    if (prefix >> 56 <= ' ')
        return all_blank(t) ? SPELLED_BLANK : SPELLINGS;
    for (unsigned s = SPELLED_BLANK + 1; s < SPELLINGS; s++)
        if (spelled_as[s] == prefix && strlen(profile_spellings[s]) == t.len)
            return s;
    return SPELLINGS;
}

/* Can a text of this first byte and length be one? */
static inline bool may_be_null(uint64_t prefix, uint32_t len)
{
    unsigned first = (unsigned)(prefix >> 56);
    if (first <= ' ')
        return true;
    if (len > SPELLING_MAX)
        return false;
    first |= 0x20; /* '-' and others keep theirs; '\\' becomes '|' and 'N' 'n' */
    return first == 'n' || first == '-' || first == '?' || first == '.' || first == '#' ||
           first == '<' || first == ('\\' | 0x20);
}

static void add_spellings(struct column_figures *f, uint32_t n, const uint64_t *line,
                          const struct column_scratch *w)
{
    for (uint32_t i = 0; i < n; i++) {
        if (!may_be_null(w->prefix[i], w->value[i].len) || w->kind[i] != TYPE_STRING)
            continue;
        unsigned s = spelling_of(w->value[i], w->prefix[i]);
        if (s == SPELLINGS)
            continue;
        if (f->spelled == NULL)
            f->spelled = xcalloc(1, sizeof(*f->spelled));
        if (f->spelled->count[s]++ == 0 && line != NULL)
            f->spelled->line[s] = line[w->dense ? i : w->row[i]];
    }
}

/* -- all -- */

void column_figures_add(struct column_figures *f, uint32_t n, uint64_t numbers, uint64_t strings,
                        const uint64_t *line, const struct column_scratch *w)
{
    f->len_min = w->len_min < f->len_min ? w->len_min : f->len_min;
    f->len_max = w->len_max > f->len_max ? w->len_max : f->len_max;
    if (undecided(f->by_text) || undecided(f->by_number))
        add_order(f, n, numbers, w);
    if (strings > 0)
        add_spellings(f, n, line, w);
}

static void merge_order(struct column_figures *f, const struct column_figures *other)
{
    uint8_t text = f->by_text, number = f->by_number;
    uint8_t both = ORDER_UP | ORDER_DOWN, rest = ORDER_TIED | ORDER_UNKNOWN;
    bool apart = f->apart || other->apart;
    f->by_text = (uint8_t)((text & other->by_text & both) | ((text | other->by_text) & rest));
    f->by_number =
        (uint8_t)((number & other->by_number & both) | ((number | other->by_number) & rest));
    if (apart) {
        f->by_text |= ORDER_UNKNOWN;
        f->by_number |= ORDER_UNKNOWN;
    } else if (f->last.p != NULL && other->first.p != NULL) {
        join(f, &f->last, slice_of(other->first.p, other->first.len), other->first.cut);
    }
    if (undecided(f->by_text) || undecided(f->by_number)) {
        edge_copy(&f->last, &other->last);
    } else {
        edge_release(&f->first);
        edge_release(&f->last);
    }
}

static uint64_t first_of(uint64_t a, uint64_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

void column_figures_merge(struct column_figures *f, const struct column_figures *other)
{
    bool none = f->len_max < f->len_min; /* no values */
    if (other->len_max >= other->len_min) {
        if (none) {
            f->by_text = other->by_text;
            f->by_number = other->by_number;
            edge_copy(&f->first, &other->first);
            edge_copy(&f->last, &other->last);
        } else {
            merge_order(f, other);
        }
    }
    f->apart = f->apart || other->apart;
    f->len_min = other->len_min < f->len_min ? other->len_min : f->len_min;
    f->len_max = other->len_max > f->len_max ? other->len_max : f->len_max;
    if (other->spelled == NULL)
        return;
    if (f->spelled == NULL)
        f->spelled = xcalloc(1, sizeof(*f->spelled));
    for (unsigned s = 0; s < SPELLINGS; s++) {
        f->spelled->count[s] += other->spelled->count[s];
        f->spelled->line[s] = first_of(f->spelled->line[s], other->spelled->line[s]);
    }
}
