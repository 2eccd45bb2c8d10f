/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What was found, in sentences and examples: columns first, then rows, paired where they are alike
 * but for some columns. */
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "compare/intern.h"

#define NAMES_MAX 20   /* columns that one sentence lists */
#define SHOWN_BYTES 60 /* of a value */
#define SHOWN_COLUMNS 8

void tell_reason(struct cmp *k, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *text = xvasprintf(fmt, ap);
    va_end(ap);
    const char **reasons = (const char **)k->out->reasons;
    *ARENA_PUSH(k->a, reasons, k->out->nreasons) = arena_strdup(k->a, text);
    k->out->reasons = reasons;
    free(text);
}

const char *tell_name(const struct cmp *k, int side)
{
    const char *name = k->o->names[side];
    return name ? name : side ? "the second" : "the first";
}

static const char *count_text(char out[NUM_TEXT_MAX], uint64_t n)
{
    num_format_grouped(out, (int64_t)n);
    return out;
}

/* -- columns -- */

static bool is_common(const struct cmp *k, int side, uint32_t c)
{
    return schema_find(&k->t[!side].schema, slice_str(k->t[side].schema.fields[c].name)) >= 0;
}

/* The column of the second table that has the values of column c of the first, or -1. */
static int renamed_to(const struct cmp *k, uint32_t c, const bool *taken)
{
    const struct table *a = &k->t[0], *b = &k->t[1];
    if (a->rows != b->rows || a->rows == 0 || a->seen[c].type == TYPE_NONE)
        return -1;
    for (uint32_t i = 0; i < b->schema.n; i++) {
        if (!taken[i] && !is_common(k, 1, i) && b->seen[i].sum == a->seen[c].sum &&
            b->seen[i].type == a->seen[c].type)
            return (int)i;
    }
    return -1;
}

static void tell_missing(struct cmp *k)
{
    const struct schema *a = &k->t[0].schema, *b = &k->t[1].schema;
    bool *taken = ARENA_ARRAY(&k->mem, bool, b->n);
    struct quoted q, q2;
    for (uint32_t c = 0; c < a->n; c++) {
        if (is_common(k, 0, c))
            continue;
        k->out->columns_changed++;
        int to = renamed_to(k, c, taken);
        if (to >= 0) {
            taken[to] = true;
            tell_reason(k, "column '%s' is missing; '%s' was added with the same values: renamed",
                        quote_str(&q, a->fields[c].name), quote_str(&q2, b->fields[to].name));
        } else {
            tell_reason(k, "column '%s' is missing", quote_str(&q, a->fields[c].name));
        }
    }
    for (uint32_t c = 0; c < b->n; c++) {
        if (is_common(k, 1, c) || taken[c])
            continue;
        k->out->columns_changed++;
        tell_reason(k, "column '%s' was added", quote_str(&q, b->fields[c].name));
    }
}

static enum type shown_type(const struct seen *s)
{
    return s->type == TYPE_INTEGER || (s->special && s->type == TYPE_NONE) ? TYPE_FLOAT : s->type;
}

static void tell_types(struct cmp *k)
{
    struct quoted q;
    for (uint32_t i = 0; i < k->ncommon; i++) {
        const struct common *c = &k->common[i];
        const struct seen *a = &k->t[0].seen[c->at[0]], *b = &k->t[1].seen[c->at[1]];
        enum type was = shown_type(a), is = shown_type(b);
        /* Without values there is no type; integers are floats. */
        if (was == is || was == TYPE_NONE || is == TYPE_NONE)
            continue;
        k->out->columns_changed++;
        tell_reason(k, "column '%s' was %s and is %s", quote_str(&q, c->name), type_name(a->type),
                    type_name(b->type));
    }
}

static void list_common(const struct cmp *k, int side, struct buf *out)
{
    const struct schema *s = &k->t[side].schema;
    uint32_t n = 0;
    struct quoted q;
    for (uint32_t c = 0; c < s->n && n <= NAMES_MAX; c++) {
        if (!is_common(k, side, c))
            continue;
        buf_addf(out, "%s%s", n ? ", " : "",
                 n == NAMES_MAX ? "..." : quote_str(&q, s->fields[c].name));
        n++;
    }
}

static void tell_column_order(struct cmp *k)
{
    bool same = k->t[0].format == FORMAT_JSONL && k->t[1].format == FORMAT_JSONL;
    bool rising = true;
    for (uint32_t i = 1; i < k->ncommon; i++)
        rising = rising && k->common[i].at[1] > k->common[i - 1].at[1];
    if (same || rising)
        return;
    struct buf was = BUF_INIT(BUF_UNBOUNDED), is = BUF_INIT(BUF_UNBOUNDED);
    list_common(k, 0, &was);
    list_common(k, 1, &is);
    tell_reason(k, "the columns stand in another order: %s became %s", buf_str(&was), buf_str(&is));
    buf_release(&was);
    buf_release(&is);
}

/* -- rows -- */

/* A row that one table has alone, with its values. */
struct lone {
    const struct kept *kept;
    struct slice *values; /* NULL: it cannot be read */
    const struct lone *mate;
};

static int by_row(const void *a, const void *b)
{
    const struct kept *x = a, *y = b;
    return x->row < y->row ? -1 : x->row > y->row;
}

static struct lone *lones_of(struct cmp *k, int side)
{
    struct table *t = &k->t[side];
    if (t->nkept)
        qsort(t->kept, t->nkept, sizeof(*t->kept), by_row);
    struct lone *list = ARENA_ARRAY(&k->mem, struct lone, t->nkept);
    for (uint32_t i = 0; i < t->nkept; i++) {
        struct slice rec = slice_of(t->kept[i].rec, t->kept[i].len);
        list[i].kept = &t->kept[i];
        if (record_is_bad(rec))
            continue;
        list[i].values = ARENA_ARRAY(&k->mem, struct slice, k->ncommon);
        record_values(k, &k->mem, rec, list[i].values);
    }
    return list;
}

static bool value_same(struct slice a, struct slice b)
{
    return (a.p == NULL) == (b.p == NULL) && slice_eq(a, b);
}

static bool cell_same(const struct cmp *k, const struct lone *a, const struct lone *b, uint32_t c)
{
    const struct common *col = &k->common[c];
    if (col->family != FAMILY_NUMBER)
        return value_same(a->values[c], b->values[c]);
    struct slice x = slice_of(a->kept->rec, a->kept->len), y = slice_of(b->kept->rec, b->kept->len);
    return number_keys_close(get_u64(x.p + record_group(x) + 8 * col->key),
                             get_u64(y.p + record_group(y) + 8 * col->key), k->o->rtol);
}

/* Pairs those that have most in common first, at least half of the columns. */
static uint32_t find_pairs(struct cmp *k, struct lone *a, struct lone *b)
{
    uint32_t na = k->t[0].nkept, nb = k->t[1].nkept, pairs = 0;
    uint32_t *score = ARENA_ARRAY(&k->mem, uint32_t, (size_t)na * nb);
    for (uint32_t i = 0; i < na; i++) {
        for (uint32_t j = 0; j < nb && a[i].values; j++)
            for (uint32_t c = 0; c < k->ncommon && b[j].values; c++)
                score[(size_t)i * nb + j] += cell_same(k, &a[i], &b[j], c);
    }
    uint32_t least = (k->ncommon + 1) / 2;
    for (uint32_t want = k->ncommon; want >= least && want > 0; want--) {
        for (uint32_t i = 0; i < na; i++) {
            for (uint32_t j = 0; j < nb && !a[i].mate; j++) {
                if (b[j].mate || score[(size_t)i * nb + j] != want)
                    continue;
                a[i].mate = &b[j];
                b[j].mate = &a[i];
                pairs++;
            }
        }
    }
    return pairs;
}

static void add_value(struct buf *out, const struct cmp *k, uint32_t c, struct slice v)
{
    struct quoted q;
    bool text = false;
    if (!v.p) {
        buf_adds(out, "null");
        return;
    }
    if (k->kinds && k->common[c].family != FAMILY_NUMBER) {
        text = v.p[0] == 's';
        v = slice_of(v.p + 1, v.len - 1);
    }
    if (k->common[c].family == FAMILY_BOOLEAN)
        v = v.p[0] == 't' ? SLICE_LIT("true") : SLICE_LIT("false");
    bool cut = v.len > SHOWN_BYTES;
    quote_slice(&q, cut ? slice_of(v.p, SHOWN_BYTES) : v);
    text = text || v.len == 0;
    buf_addf(out, "%s%s%s%s", text ? "\"" : "", q.s, cut ? "..." : "", text ? "\"" : "");
}

/* The columns in which a row is like its mate (all, when it has none). */
static void add_cells(struct buf *out, const struct cmp *k, const struct lone *x)
{
    uint32_t n = 0;
    struct quoted q;
    if (!x->values) {
        struct slice rec = slice_of(x->kept->rec, x->kept->len);
        struct slice raw = slice_of(rec.p + RECORD_HEAD + 1, record_group(rec) - RECORD_HEAD - 1);
        buf_addf(out, "%s", quote_slice(&q, raw));
        return;
    }
    for (uint32_t c = 0; c < k->ncommon; c++) {
        if (x->mate && !cell_same(k, x, x->mate, c))
            continue;
        if (n++ == SHOWN_COLUMNS) {
            buf_adds(out, ", ...");
            return;
        }
        buf_addf(out, "%s%s=", n > 1 ? ", " : "", quote_str(&q, k->common[c].name));
        add_value(out, k, c, x->values[c]);
    }
}

static void add_changes(struct buf *out, const struct cmp *k, const struct lone *a)
{
    uint32_t n = 0;
    struct quoted q;
    for (uint32_t c = 0; c < k->ncommon; c++) {
        if (cell_same(k, a, a->mate, c))
            continue;
        if (n++ == SHOWN_COLUMNS) {
            buf_adds(out, ", ...");
            break;
        }
        buf_addf(out, "%s%s ", n > 1 ? ", " : "", quote_str(&q, k->common[c].name));
        add_value(out, k, c, a->values[c]);
        buf_adds(out, " became ");
        add_value(out, k, c, a->mate->values[c]);
    }
}

static void add_example(struct cmp *k, enum compare_change change, const struct lone *a,
                        const struct lone *b)
{
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    if (change == COMPARE_PAIR) {
        add_changes(&text, k, a);
        buf_adds(&text, " (");
    }
    add_cells(&text, k, a ? a : b);
    if (change == COMPARE_PAIR)
        buf_addc(&text, ')');
    struct compare_example *list = (struct compare_example *)k->out->examples;
    *ARENA_PUSH(k->a, list, k->out->nexamples) =
        (struct compare_example){.change = change,
                                 .row = {a ? a->kept->row : 0, b ? b->kept->row : 0},
                                 .text = arena_strdup(k->a, buf_str(&text))};
    k->out->examples = list;
    buf_release(&text);
}

static void tell_examples(struct cmp *k, const struct lone *a, const struct lone *b)
{
    uint32_t most = k->o->examples ? k->o->examples : COMPARE_EXAMPLES, n = 0;
    for (uint32_t i = 0; i < k->t[0].nkept && n < most; i++)
        if (a[i].mate && ++n)
            add_example(k, COMPARE_PAIR, &a[i], a[i].mate);
    n = 0;
    for (uint32_t i = 0; i < k->t[0].nkept && n < most; i++)
        if (!a[i].mate && ++n)
            add_example(k, COMPARE_ONLY_FIRST, &a[i], NULL);
    n = 0;
    for (uint32_t i = 0; i < k->t[1].nkept && n < most; i++)
        if (!b[i].mate && ++n)
            add_example(k, COMPARE_ONLY_SECOND, NULL, &b[i]);
}

static void tell_pairs(struct cmp *k, const struct lone *a, uint32_t pairs)
{
    uint32_t told = 0;
    for (uint32_t c = 0; c < k->ncommon && told < NAMES_MAX; c++) {
        uint32_t n = 0;
        struct quoted q;
        for (uint32_t i = 0; i < k->t[0].nkept; i++)
            n += a[i].mate && !cell_same(k, &a[i], a[i].mate, c);
        if (n == 0)
            continue;
        tell_reason(k, "'%s' differs in %u of %u pairs of rows that are most alike",
                    quote_str(&q, k->common[c].name), n, pairs);
        told++;
    }
}

static void tell_rows(struct cmp *k)
{
    char n[NUM_TEXT_MAX], m[NUM_TEXT_MAX];
    for (int i = 0; i < 2; i++) {
        if (k->t[i].only)
            tell_reason(k, "%s of %s rows %s only in %s", count_text(n, k->t[i].only),
                        count_text(m, k->t[i].rows), k->t[i].only == 1 ? "is" : "are",
                        tell_name(k, i));
    }
    if (!k->t[0].only && !k->t[1].only)
        return;
    for (int i = 0; i < 2; i++) {
        if (k->t[i].bad)
            tell_reason(k, "%s %s of %s cannot be read as %s, the first at %s",
                        count_text(n, k->t[i].bad), k->t[i].bad == 1 ? "record" : "records",
                        tell_name(k, i), k->t[i].bad == 1 ? "a row" : "rows", k->t[i].first_bad);
    }
    if (k->ncommon == 0)
        return;
    struct lone *a = lones_of(k, 0), *b = lones_of(k, 1);
    uint32_t pairs = find_pairs(k, a, b);
    tell_pairs(k, a, pairs);
    tell_examples(k, a, b);
}

void tell(struct cmp *k)
{
    tell_missing(k);
    tell_types(k);
    tell_column_order(k);
    tell_rows(k);
}
