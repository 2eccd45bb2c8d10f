/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sort-merge and nested loops of a join. See join.h. Sorting is a merge sort from the bottom up
 * over prefixes of the keys, with the keys themselves where prefixes are equal. */
#include <string.h>

#include "engine/join.h"

void join_sorted_init(struct join_sorted *s, const struct rows *rows, const uint32_t *cols,
                      uint32_t nkeys, bool exact, struct mem_account *acct)
{
    *s = (struct join_sorted){
        .rows = rows, .cols = cols, .nkeys = nkeys, .exact = exact, .acct = acct};
}

void join_sorted_release(struct join_sorted *s)
{
    mem_release(s->acct, s->entries, s->n * sizeof(*s->entries));
    mem_release(s->acct, s->same, ((size_t)s->n / 64 + 1) * sizeof(*s->same));
    join_sorted_init(s, s->rows, s->cols, s->nkeys, s->exact, s->acct);
}

uint64_t join_sorted_bytes(uint64_t n)
{
    return 2 * n * sizeof(struct join_entry) + n / 8 + 8;
}

/* Ascending with the order of the values, integers and floats mixed too. Equal values have equal
 * prefixes. */
static uint64_t prefix_of(const struct column *c, uint32_t row, bool exact)
{
    const uint64_t top = UINT64_C(1) << 63;
    if (exact)
        return (uint64_t)c->v.i64[row] ^ top;
    if (type_is_number(c->type)) {
        double d = c->type == TYPE_INTEGER ? (double)c->v.i64[row] : c->v.f64[row];
        uint64_t bits;
        d = d == 0 ? 0 : d; /* no -0 */
        memcpy(&bits, &d, sizeof(bits));
        return bits & top ? ~bits : bits | top;
    }
    if (c->type == TYPE_BOOLEAN)
        return c->v.b8[row];
    if (c->type == TYPE_JSON)
        return 0;
    struct text t = c->text[row];
    uint64_t p = 0;
    for (uint32_t i = 0; i < 8; i++)
        p = p << 8 | (i < t.len ? (unsigned char)t.p[i] : 0);
    return p;
}

/* A row's key, in a batch or among kept rows. */
struct key_at {
    const struct rows *rows;
    const struct batch *b;
    const uint32_t *cols;
    uint32_t nkeys;
    bool exact;
};

static const struct column *column_at(const struct key_at *k, uint32_t key, uint32_t row,
                                      uint32_t *at)
{
    if (k->rows)
        return rows_at(k->rows, k->cols[key], row, at);
    *at = row;
    return &k->b->cols[k->cols[key]];
}

static int order(const struct key_at *a, const struct join_entry *x, const struct key_at *b,
                 const struct join_entry *y)
{
    if (x->prefix != y->prefix)
        return x->prefix < y->prefix ? -1 : 1;
    if (a->exact)
        return 0;
    for (uint32_t k = 0; k < a->nkeys; k++) {
        uint32_t ra, rb;
        const struct column *ca = column_at(a, k, x->row, &ra), *cb = column_at(b, k, y->row, &rb);
        /* Json by its bytes, as keys are equal or not. */
        int c = ca->type == TYPE_JSON
                    ? slice_cmp(text_slice(ca->text[ra]), text_slice(cb->text[rb]))
                    : value_order(ca, ra, cb, rb);
        if (c)
            return c;
    }
    return 0;
}

static bool is_sorted(const struct key_at *k, const struct join_entry *e, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) {
        if (order(k, &e[i - 1], k, &e[i]) > 0)
            return false;
    }
    return true;
}

/* Stable. `tmp` has room for n. */
static void sort_entries(const struct key_at *k, struct join_entry *e, struct join_entry *tmp,
                         uint32_t n)
{
    struct join_entry *from = e, *to = tmp;
    for (uint32_t width = 1; width < n; width *= 2) {
        for (uint32_t lo = 0; lo < n; lo += 2 * width) {
            uint32_t mid = n - lo < width ? n : lo + width;
            uint32_t hi = n - mid < width ? n : mid + width;
            for (uint32_t i = lo, l = lo, r = mid; i < hi; i++) {
                bool left = r >= hi || (l < mid && order(k, &from[l], k, &from[r]) <= 0);
                to[i] = left ? from[l++] : from[r++];
            }
        }
        struct join_entry *swap = from;
        from = to;
        to = swap;
        if (width > n / 2)
            break;
    }
    if (from != e)
        memcpy(e, from, n * sizeof(*e));
}

static void entry_of(struct join_sorted *s, uint32_t i)
{
    uint32_t at;
    const struct column *c = rows_at(s->rows, s->cols[0], i, &at);
    s->entries[i] = (struct join_entry){prefix_of(c, at, s->exact), i};
}

/* Entries of the rows, and which are the same as the next, as far as they are in order. */
static bool entries_in_order(struct join_sorted *s)
{
    struct key_at k = {s->rows, NULL, s->cols, s->nkeys, s->exact};
    s->n = (uint32_t)s->rows->n;
    s->entries = mem_alloc(s->acct, s->n * sizeof(*s->entries));
    size_t words = (size_t)s->n / 64 + 1;
    s->same = mem_alloc(s->acct, words * sizeof(*s->same));
    memset(s->same, 0, words * sizeof(*s->same));
    for (uint32_t i = 0; i < s->n; i++) {
        entry_of(s, i);
        int c = i ? order(&k, &s->entries[i - 1], &k, &s->entries[i]) : -1;
        if (c > 0)
            return false;
        if (c == 0)
            bit_set(s->same, i - 1);
    }
    s->found = true;
    return true;
}

bool join_sorted_try(struct join_sorted *s)
{
    if (entries_in_order(s))
        return true;
    join_sorted_release(s);
    return false;
}

void join_sorted_build(struct join_sorted *s)
{
    struct key_at k = {s->rows, NULL, s->cols, s->nkeys, s->exact};
    if (entries_in_order(s))
        return;
    size_t bytes = s->n * sizeof(*s->entries), words = (size_t)s->n / 64 + 1;
    for (uint32_t i = 0; i < s->n; i++)
        entry_of(s, i);
    struct join_entry *tmp = mem_alloc(s->acct, bytes);
    sort_entries(&k, s->entries, tmp, s->n);
    mem_release(s->acct, tmp, bytes);
    memset(s->same, 0, words * sizeof(*s->same));
    for (uint32_t i = 1; i < s->n; i++) {
        if (order(&k, &s->entries[i - 1], &k, &s->entries[i]) == 0)
            bit_set(s->same, i - 1);
    }
}

bool join_sorted_batch(const struct batch *b, const uint32_t *cols, uint32_t nkeys, bool exact,
                       const uint64_t *null)
{
    struct key_at k = {NULL, b, cols, nkeys, exact};
    struct join_entry last = {0, 0};
    bool some = false;
    for (uint32_t i = 0; i < b->rows; i++) {
        if (bit_get(null, i))
            continue;
        struct join_entry e = {prefix_of(&b->cols[cols[0]], i, exact), i};
        if (some && order(&k, &last, &k, &e) > 0)
            return false;
        some = true;
        last = e;
    }
    return some;
}

/* The first entry from `at` on that is not before `e`: by steps that double, then by halves
 * (Bentley & Yao 1976, "An almost optimal algorithm for unbounded searching"). */
static uint32_t seek(const struct join_sorted *s, const struct key_at *k, const struct key_at *left,
                     const struct join_entry *e, uint32_t at)
{
    uint32_t lo = at, step = 1;
    while (lo < s->n && order(k, &s->entries[lo], left, e) < 0) {
        at = lo + 1;
        lo = s->n - lo > step ? lo + step : s->n;
        step *= 2;
    }
    uint32_t hi = lo;
    while (at < hi) {
        uint32_t mid = at + (hi - at) / 2;
        if (order(k, &s->entries[mid], left, e) < 0)
            at = mid + 1;
        else
            hi = mid;
    }
    return at;
}

void join_sorted_find(const struct join_sorted *s, const struct batch *b, const uint32_t *cols,
                      const uint64_t *null, uint32_t *first)
{
    struct key_at kept = {s->rows, NULL, s->cols, s->nkeys, s->exact};
    struct key_at left = {NULL, b, cols, s->nkeys, s->exact};
    struct join_entry e[BATCH_ROWS], tmp[BATCH_ROWS];
    uint32_t n = 0, at = 0;
    e[0] = (struct join_entry){0, 0};
    for (uint32_t i = 0; i < b->rows; i++) {
        first[i] = JOIN_END;
        if (!bit_get(null, i))
            e[n++] = (struct join_entry){prefix_of(&b->cols[cols[0]], i, s->exact), i};
    }
    if (!is_sorted(&left, e, n))
        sort_entries(&left, e, tmp, n);
    for (uint32_t i = 0; i < n && at < s->n; i++) {
        at = seek(s, &kept, &left, &e[i], at);
        if (at < s->n && order(&kept, &s->entries[at], &left, &e[i]) == 0)
            first[e[i].row] = at;
    }
}

uint32_t join_loop_from(const struct rows *rows, const uint32_t *kept_cols, const struct batch *b,
                        const uint32_t *cols, uint32_t row, uint32_t nkeys, bool exact,
                        uint32_t from)
{
    uint32_t n = (uint32_t)rows->n;
    if (!exact) {
        while (from < n && !join_same_key(rows, kept_cols, from, b, cols, row, nkeys))
            from++;
        return from < n ? from : JOIN_END;
    }
    int64_t key = b->cols[cols[0]].v.i64[row];
    while (from < n) {
        uint32_t at, end = n - from;
        const int64_t *v = rows_at(rows, kept_cols[0], from, &at)->v.i64;
        end = end < ROWS_CHUNK - at ? at + end : ROWS_CHUNK;
        for (uint32_t i = at; i < end; i++) {
            if (v[i] == key)
                return from + (i - at);
        }
        from += end - at;
    }
    return JOIN_END;
}
