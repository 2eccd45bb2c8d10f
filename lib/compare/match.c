/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows of parts that differ, in the order of their records: what both have is taken out, what only
 * one has is counted and the first of it kept. See compare.h for the method. */
#include <stdlib.h>
#include <string.h>

#include "compare/intern.h"

#define PATHS_MAX 512u /* rows a side that are matched by augmenting paths */
#define NEAR_MAX 4096u /* neighbours looked at for each row of longer stretches */
#define DEPTH_MAX 200u /* cuts within cuts; what is left then is matched as it stands */

struct stream {
    struct sorter *s;
    struct slice rec; /* p NULL: at the end */
};

/* A stretch: rows of one group whose first tolerant values are close, neighbour by neighbour. */
struct stretch {
    struct cmp *k;
    struct buf group;  /* the bytes that its rows share */
    uint64_t *rows[2]; /* nkeys keys and the row's number, one row behind the other */
    uint32_t n[2], cap;
    bool *matched[2];
    uint32_t *order[2], *spare;
};

/* -- what only one has -- */

static void keep_row(struct table *t, struct slice rec)
{
    uint64_t row = record_row(rec);
    if (rec.len > KEPT_BYTES)
        return;
    uint32_t at = t->nkept;
    if (at == KEPT) {
        at = 0;
        for (uint32_t i = 1; i < KEPT; i++)
            if (t->kept[i].row > t->kept[at].row)
                at = i;
        if (t->kept[at].row <= row)
            return;
        free(t->kept[at].rec);
    } else {
        t->nkept++;
    }
    t->kept[at] = (struct kept){row, xmemdup(rec.p, rec.len), (uint32_t)rec.len};
}

static void only(struct cmp *k, int side, struct slice rec)
{
    k->t[side].only++;
    keep_row(&k->t[side], rec);
}

static void only_in_stretch(struct stretch *s, int side, uint32_t i)
{
    struct cmp *k = s->k;
    const uint64_t *row = &s->rows[side][(size_t)i * (k->nkeys + 1)];
    buf_clear(&k->key);
    buf_add_slice(&k->key, buf_slice(&s->group));
    for (uint32_t j = 0; j <= k->nkeys; j++) {
        char bytes[8];
        for (int b = 0; b < 8; b++)
            bytes[b] = (char)(row[j] >> (56 - 8 * b));
        buf_add(&k->key, bytes, sizeof(bytes));
    }
    only(k, side, buf_slice(&k->key));
}

/* -- matching a stretch -- */

static uint64_t key_of(const struct stretch *s, int side, uint32_t i, uint32_t col)
{
    return s->rows[side][(size_t)i * (s->k->nkeys + 1) + col];
}

static bool rows_close(const struct stretch *s, uint32_t a, uint32_t b)
{
    for (uint32_t c = 0; c < s->k->nkeys; c++)
        if (!number_keys_close(key_of(s, 0, a, c), key_of(s, 1, b, c), s->k->o->rtol))
            return false;
    return true;
}

static void mark(struct stretch *s, uint32_t a, uint32_t b)
{
    s->matched[0][a] = s->matched[1][b] = true;
}

/* By column `col`, then those behind it, round to those before it; at last by row. */
static bool in_order(const struct stretch *s, int side, uint32_t a, uint32_t b, uint32_t col)
{
    uint32_t n = s->k->nkeys;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t c = (col + i) % n;
        uint64_t x = key_of(s, side, a, c), y = key_of(s, side, b, c);
        if (x != y)
            return x < y;
    }
    return key_of(s, side, a, n) <= key_of(s, side, b, n);
}

static void sort_by(struct stretch *s, int side, uint32_t *list, uint32_t n, uint32_t col)
{
    uint32_t *from = list, *to = s->spare;
    for (uint32_t width = 1; width < n; width *= 2) {
        for (uint32_t lo = 0; lo < n; lo += 2 * width) {
            uint32_t mid = lo + width < n ? lo + width : n, hi = mid + width < n ? mid + width : n;
            for (uint32_t i = lo, j = mid, at = lo; at < hi; at++) {
                bool left = j == hi || (i < mid && in_order(s, side, from[i], from[j], col));
                to[at] = left ? from[i++] : from[j++];
            }
        }
        uint32_t *t = from;
        from = to;
        to = t;
    }
    if (from != list)
        memcpy(list, from, n * sizeof(*list));
}

/* The first n of both in their order. */
static bool match_in_order(struct stretch *s, const uint32_t *a, const uint32_t *b, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (!rows_close(s, a[i], b[i]))
            return false;
    for (uint32_t i = 0; i < n; i++)
        mark(s, a[i], b[i]);
    return true;
}

/* One tolerant column: the least of both fit each other, or the lesser fits none. This is best, as
 * the greater a value, the greater both ends of what it may be matched with. */
static void match_line(struct stretch *s, const uint32_t *a, uint32_t na, const uint32_t *b,
                       uint32_t nb)
{
    for (uint32_t i = 0, j = 0; i < na && j < nb;) {
        if (rows_close(s, a[i], b[j]))
            mark(s, a[i++], b[j++]);
        else if (key_of(s, 0, a[i], 0) < key_of(s, 1, b[j], 0))
            i++;
        else
            j++;
    }
}

static bool augment(const struct stretch *s, const uint32_t *a, const uint32_t *b, uint32_t nb,
                    uint32_t i, bool *tried, uint32_t *mate)
{
    for (uint32_t j = 0; j < nb; j++) {
        if (tried[j] || !rows_close(s, a[i], b[j]))
            continue;
        tried[j] = true;
        if (mate[j] == UINT32_MAX || augment(s, a, b, nb, mate[j], tried, mate)) {
            mate[j] = i;
            return true;
        }
    }
    return false;
}

static void match_by_paths(struct stretch *s, const uint32_t *a, uint32_t na, const uint32_t *b,
                           uint32_t nb)
{
    uint32_t mate[PATHS_MAX];
    memset(mate, 0xff, sizeof(mate));
    for (uint32_t i = 0; i < na; i++) {
        bool tried[PATHS_MAX] = {false};
        augment(s, a, b, nb, i, tried, mate);
    }
    for (uint32_t j = 0; j < nb; j++)
        if (mate[j] != UINT32_MAX)
            mark(s, a[mate[j]], b[j]);
}

/* The first that fits among the neighbours by column `col`, by which both are sorted. */
static void match_near(struct stretch *s, const uint32_t *a, uint32_t na, const uint32_t *b,
                       uint32_t nb, uint32_t col)
{
    for (uint32_t i = 0, from = 0; i < na; i++) {
        uint64_t x = key_of(s, 0, a[i], col);
        while (from < nb && (s->matched[1][b[from]] ||
                             (key_of(s, 1, b[from], col) < x &&
                              !number_keys_close(x, key_of(s, 1, b[from], col), s->k->o->rtol))))
            from++;
        for (uint32_t j = from; j < nb && j - from < NEAR_MAX; j++) {
            uint64_t y = key_of(s, 1, b[j], col);
            if (y > x && !number_keys_close(x, y, s->k->o->rtol))
                break;
            if (!s->matched[1][b[j]] && rows_close(s, a[i], b[j])) {
                mark(s, a[i], b[j]);
                break;
            }
        }
    }
}

/* The values of both, sorted by `col`, up to the first that is not close to the one before. */
static void cut(const struct stretch *s, const uint32_t *a, uint32_t na, const uint32_t *b,
                uint32_t nb, uint32_t col, uint32_t *ca, uint32_t *cb)
{
    uint32_t i = 0, j = 0;
    uint64_t last = 0;
    for (bool first = true; i < na || j < nb; first = false) {
        bool take_a = j == nb || (i < na && key_of(s, 0, a[i], col) <= key_of(s, 1, b[j], col));
        uint64_t x = take_a ? key_of(s, 0, a[i], col) : key_of(s, 1, b[j], col);
        if (!first && !number_keys_close(last, x, s->k->o->rtol))
            break;
        last = x;
        *(take_a ? &i : &j) += 1;
    }
    *ca = i;
    *cb = j;
}

/* `uncut`: columns before `col` that cut nothing. */
static void match_part(struct stretch *s, uint32_t *a, uint32_t na, uint32_t *b, uint32_t nb,
                       uint32_t col, uint32_t uncut, uint32_t depth)
{
    uint32_t nkeys = s->k->nkeys, next = (col + 1) % nkeys;
    if (na == 0 || nb == 0)
        return;
    sort_by(s, 0, a, na, col);
    sort_by(s, 1, b, nb, col);
    if (na == nb && match_in_order(s, a, b, na))
        return;
    if (nkeys == 1) {
        match_line(s, a, na, b, nb);
        return;
    }
    for (bool whole = false; na && nb && !whole;) {
        uint32_t ca, cb;
        cut(s, a, na, b, nb, col, &ca, &cb);
        whole = ca == na && cb == nb;
        uint32_t still = whole ? uncut + 1 : 1;
        if (still < nkeys && depth < DEPTH_MAX)
            match_part(s, a, ca, b, cb, next, still, depth + 1);
        else if (ca <= PATHS_MAX && cb <= PATHS_MAX)
            match_by_paths(s, a, ca, b, cb);
        else
            match_near(s, a, ca, b, cb, col);
        a += ca, na -= ca;
        b += cb, nb -= cb;
    }
}

/* Matches what is there. With `last` not NULL the stretch goes on: rows without a mate that are
 * close to that value stay, unless they are too many. */
static void match_stretch(struct stretch *s, const uint64_t *last)
{
    uint32_t width = s->k->nkeys + 1;
    for (int side = 0; side < 2; side++) {
        memset(s->matched[side], 0, s->n[side] * sizeof(bool));
        for (uint32_t i = 0; i < s->n[side]; i++)
            s->order[side][i] = i;
    }
    match_part(s, s->order[0], s->n[0], s->order[1], s->n[1], 0, 0, 0);
    for (int side = 0; side < 2; side++) {
        uint32_t left = 0;
        for (uint32_t i = 0; i < s->n[side]; i++) {
            if (s->matched[side][i])
                continue;
            if (last && left < s->cap / 2 &&
                number_keys_close(key_of(s, side, i, 0), *last, s->k->o->rtol)) {
                memmove(&s->rows[side][(size_t)left * width], &s->rows[side][(size_t)i * width],
                        width * sizeof(uint64_t));
                left++;
            } else {
                only_in_stretch(s, side, i);
            }
        }
        s->n[side] = left;
    }
}

/* -- groups -- */

static bool advance(struct stream *t, struct err *err)
{
    return sorter_next(t->s, &t->rec, err);
}

static int compare_groups(struct slice a, struct slice b)
{
    return slice_cmp(slice_of(a.p, record_group(a)), slice_of(b.p, record_group(b)));
}

static bool in_group(const struct stretch *s, const struct stream *t)
{
    return t->rec.p && slice_eq(slice_of(t->rec.p, record_group(t->rec)), buf_slice(&s->group));
}

static void add_to_stretch(struct stretch *s, int side, struct slice rec)
{
    uint32_t width = s->k->nkeys + 1;
    uint64_t *row = &s->rows[side][(size_t)s->n[side]++ * width];
    const char *p = rec.p + record_group(rec);
    for (uint32_t i = 0; i < width; i++)
        row[i] = get_u64(p + 8 * i);
}

/* Both streams stand at the same group. */
static bool match_group(struct stretch *s, struct stream t[2], struct err *err)
{
    uint64_t last = 0;
    buf_clear(&s->group);
    buf_add(&s->group, t[0].rec.p, record_group(t[0].rec));
    s->n[0] = s->n[1] = 0;
    size_t tail = s->group.len;
    for (;;) {
        bool in[2] = {in_group(s, &t[0]), in_group(s, &t[1])};
        if (!in[0] && !in[1])
            break;
        int side = !in[0]   ? 1
                   : !in[1] ? 0
                            : slice_cmp(slice_of(t[0].rec.p + tail, 8 * s->k->nkeys),
                                        slice_of(t[1].rec.p + tail, 8 * s->k->nkeys)) > 0;
        uint64_t x = get_u64(t[side].rec.p + tail);
        bool goes_on = s->n[0] + s->n[1] == 0 || number_keys_close(last, x, s->k->o->rtol);
        if (!goes_on || s->n[0] == s->cap || s->n[1] == s->cap)
            match_stretch(s, goes_on ? &x : NULL);
        add_to_stretch(s, side, t[side].rec);
        last = x;
        if (!advance(&t[side], err))
            return false;
    }
    match_stretch(s, NULL);
    return true;
}

static bool pass_group(struct cmp *k, struct stretch *s, struct stream t[2], struct err *err)
{
    int c = !t[0].rec.p ? 1 : !t[1].rec.p ? -1 : compare_groups(t[0].rec, t[1].rec);
    if (c == 0 && k->nkeys)
        return match_group(s, t, err);
    if (c < 0)
        only(k, 0, t[0].rec);
    if (c > 0)
        only(k, 1, t[1].rec);
    return (c > 0 || advance(&t[0], err)) && (c < 0 || advance(&t[1], err));
}

bool match_rows(struct cmp *k, struct err *err)
{
    struct stream t[2] = {{k->t[0].sorter, SLICE_NULL}, {k->t[1].sorter, SLICE_NULL}};
    size_t memory = k->o->memory_bytes ? k->o->memory_bytes : COMPARE_MEMORY;
    size_t each = 2 * ((size_t)(k->nkeys + 1) * sizeof(uint64_t) + sizeof(bool) + 8);
    size_t cap = memory / 8 / each;
    struct stretch s = {.k = k, .group = BUF_INIT(BUF_UNBOUNDED)};
    s.cap = (uint32_t)(cap < 64 ? 64 : cap > 65536 ? 65536 : cap);
    for (int i = 0; i < 2 && k->nkeys; i++) {
        s.rows[i] = xreallocarray(NULL, s.cap, (k->nkeys + 1) * sizeof(uint64_t));
        s.matched[i] = xcalloc(s.cap, sizeof(bool));
        s.order[i] = xreallocarray(NULL, s.cap, sizeof(uint32_t));
    }
    s.spare = xreallocarray(NULL, s.cap, sizeof(uint32_t));
    bool ok = advance(&t[0], err) && advance(&t[1], err);
    while (ok && (t[0].rec.p || t[1].rec.p)) {
        ok = !(k->o->stop && *k->o->stop) ||
             err_set(err, ERR_STAGE, "stopped by signal %d", (int)*k->o->stop);
        ok = ok && pass_group(k, &s, t, err);
    }
    for (int i = 0; i < 2; i++) {
        free(s.rows[i]);
        free(s.matched[i]);
        free(s.order[i]);
    }
    free(s.spare);
    buf_release(&s.group);
    return ok;
}
