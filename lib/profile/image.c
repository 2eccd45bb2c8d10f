/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Profiles to pieces and back. What is in the piece of a column: column_image.c. */
#include "profile/image.h"

#include <math.h>

#include "profile/column_image.h"
#include "profile/state.h"
#include "sketch/frequent_image.h"
#include "sketch/hll_image.h"
#include "sketch/kll_image.h"

/* The pieces of a column, in the order they are written. */
enum { HLL, KLL, FREQUENT, COLUMN, PIECES };
static const char *const kinds[PIECES] = {"hll", "kll", "frequent_items", "column"};

/* More columns than any table has; the memory that a small image can ask for ends here. */
#define COLUMNS_MAX (1u << 18)
#define FAULTS_MAX 4096

uint64_t profile_bytes(const struct profile *p)
{
    return p->bytes;
}

uint64_t profile_records(const struct profile *p)
{
    return p->delivered;
}

/* -- writing -- */

static void put_profile(struct buf *out, const struct profile *p)
{
    const struct column_sizes *s = &p->sizes;
    size_t began = image_begin(out, 'P');
    pack_uint(out, (uint64_t)(p->json | p->o.fast << 1 | p->seeds << 2), 1);
    pack_double(out, p->o.sample_rate);
    const uint64_t counts[] = {p->o.seed,    p->delivered, p->profiled,
                               p->malformed, p->lost,      p->bytes};
    for (size_t i = 0; i < ARRAY_LEN(counts); i++)
        pack_uint(out, counts[i], 8);
    pack_uint(out, s->kll_k, 4);
    pack_uint(out, s->frequent_lg, 1);
    pack_uint(out, s->distinct_p, 1);
    pack_uint(out, p->schema.n, 4);
    for (uint32_t c = 0; c < p->schema.n; c++)
        image_text(out, slice_str(p->schema.fields[c].name));
    size_t n = p->nfaults < FAULTS_MAX ? p->nfaults : FAULTS_MAX;
    pack_uint(out, n, 4);
    for (size_t i = 0; i < n; i++) {
        const struct profile_fault *f = &p->faults[i];
        image_text(out, slice_str(f->rule));
        image_text(out, slice_str(f->reason));
        pack_uint(out, f->column != NULL, 1);
        image_text(out, slice_str(f->column ? f->column : ""));
        pack_uint(out, f->line, 8);
        pack_uint(out, f->count < IMAGE_COUNT_MAX ? f->count : IMAGE_COUNT_MAX, 8);
        pack_uint(out, f->byte, 8);
    }
    image_end(out, began);
}

static void put_small_kll(struct buf *out, const struct kll *s)
{
    struct kll copy;
    struct err err;
    struct buf whole = BUF_INIT(BUF_UNBOUNDED);
    kll_image_write(&whole, s);
    if (!kll_image_read(&copy, buf_slice(&whole), 0, &err))
        BUG("%s", err.text);
    kll_reduce(&copy, PROFILE_COMPACT_KLL);
    kll_image_write(out, &copy);
    kll_release(&copy);
    buf_release(&whole);
}

static void put_small_frequent(struct buf *out, const struct frequent *f)
{
    struct frequent copy;
    frequent_init(&copy, f->lg_max);
    frequent_merge(&copy, f);
    frequent_reduce(&copy, PROFILE_COMPACT_TOP);
    frequent_image_write(out, &copy);
    frequent_release(&copy);
}

static void put_small_hll(struct buf *out, const struct distinct *d)
{
    struct distinct copy;
    distinct_init(&copy, d->p < PROFILE_COMPACT_P ? d->p : PROFILE_COMPACT_P);
    distinct_merge(&copy, d);
    hll_image_write(out, &copy);
    distinct_release(&copy);
}

/* Nothing is written for what the column does not have. */
static void put_piece(struct buf *out, const struct profile *p, uint32_t column, int piece,
                      bool compact)
{
    const struct column_state *c = &p->columns[column];
    switch (piece) {
    case HLL:
        (compact ? put_small_hll : hll_image_write)(out, &c->distinct);
        break;
    case KLL:
        if (!p->o.fast && c->kll != NULL)
            (compact ? put_small_kll : kll_image_write)(out, c->kll);
        break;
    case FREQUENT:
        if (!p->o.fast)
            (compact ? put_small_frequent : frequent_image_write)(out, &c->frequent);
        break;
    default:
        column_image_write(out, c, !compact);
    }
}

bool profile_sketches(const struct profile *p, const struct rec_profile *r, profile_sketch_fn *put,
                      void *ctx)
{
    struct buf image = BUF_INIT(BUF_UNBOUNDED);
    struct rec_sketch s = {r->dataset,     r->partition, r->from,   r->to,     r->first_record,
                           r->last_record, NULL,         "profile", SLICE_NULL};
    put_profile(&image, p);
    s.image = buf_slice(&image);
    bool ok = put(ctx, &s);
    for (uint32_t c = 0; ok && c < p->schema.n; c++)
        for (int piece = 0; ok && piece < PIECES; piece++) {
            buf_clear(&image);
            put_piece(&image, p, c, piece, false);
            s.column = p->schema.fields[c].name;
            s.kind = kinds[piece];
            s.image = buf_slice(&image);
            ok = image.len == 0 || put(ctx, &s);
        }
    buf_release(&image);
    return ok;
}

/* -- the piece of the whole, read -- */

static bool take_name(struct unpack *u, struct arena *a, char **out)
{
    struct slice t = image_take_text(u);
    if (u->bad || memchr(t.p, '\0', t.len) != NULL)
        return false;
    *out = arena_strndup(a, t.p, t.len);
    return true;
}

static bool take_faults(struct profile *p, struct unpack *u)
{
    uint64_t n = unpack_uint(u, 4);
    if (n > FAULTS_MAX || !unpack_holds(u, n, 3 * 4 + 1 + 3 * 8))
        return false;
    p->faults = NULL;
    for (uint64_t i = 0; i < n; i++) {
        char *rule, *reason, *column;
        if (!take_name(u, &p->mem, &rule) || !take_name(u, &p->mem, &reason))
            return false;
        bool of_column = unpack_uint(u, 1) != 0;
        if (!take_name(u, &p->mem, &column))
            return false;
        uint64_t line = unpack_uint(u, 8);
        *ARENA_PUSH(&p->mem, p->faults, p->nfaults) = (struct profile_fault){
            rule, reason, of_column ? column : NULL, line, image_count(u), 0};
        p->faults[p->nfaults - 1].byte = unpack_uint(u, 8);
    }
    return true;
}

static bool take_schema(struct arena *a, struct schema *s, struct unpack *u)
{
    uint64_t n = unpack_uint(u, 4);
    if (n > COLUMNS_MAX || !unpack_holds(u, n, 4))
        return false;
    s->fields = ARENA_ARRAY(a, struct field, n);
    s->n = (uint32_t)n;
    for (uint64_t c = 0; c < n; c++) {
        s->fields[c].nullable = true;
        if (!take_name(u, a, &s->fields[c].name))
            return false;
    }
    return true;
}

static bool take_sizes(struct column_sizes *s, struct unpack *u)
{
    s->kll_k = (uint32_t)unpack_uint(u, 4);
    s->frequent_lg = (unsigned)unpack_uint(u, 1);
    s->distinct_p = (unsigned)unpack_uint(u, 1);
    return s->kll_k >= 8 && s->kll_k <= UINT16_MAX && s->frequent_lg >= FREQUENT_LG_MIN &&
           s->frequent_lg <= FREQUENT_LG_MAX && s->distinct_p >= DISTINCT_P_MIN &&
           s->distinct_p <= DISTINCT_P_MAX;
}

/* Columns as good as new. */
static struct profile *take_profile(struct slice image, struct err *err)
{
    struct unpack u;
    struct arena a = ARENA_INIT;
    struct schema schema;
    struct column_sizes sizes;
    struct profile *p = NULL;
    if (!image_open(&u, image, 'P', err))
        return NULL;
    unsigned flags = (unsigned)unpack_uint(&u, 1);
    struct profile_opts o = {.sample_rate = unpack_double(&u), .fast = flags >> 1 & 1};
    o.seed = unpack_uint(&u, 8);
    uint64_t counts[5];
    for (size_t i = 0; i < ARRAY_LEN(counts); i++)
        counts[i] = image_count(&u);
    bool ok = o.sample_rate > 0 && o.sample_rate <= 1 && counts[1] <= counts[0] &&
              take_sizes(&sizes, &u) && take_schema(&a, &schema, &u) && !u.bad;
    if (ok) {
        p = profile_new_sized(&schema, flags & 1, &o, &sizes);
        p->delivered = counts[0];
        p->profiled = counts[1];
        p->malformed = counts[2];
        p->lost = counts[3];
        p->bytes = counts[4];
        p->seeds = flags >> 2 & 1;
        ok = take_faults(p, &u) && !u.bad && u.left == 0 && p->malformed <= p->delivered + p->lost;
    }
    arena_release(&a);
    if (ok)
        return p;
    profile_free(p);
    err_set(err, ERR_DATA, "image of a profile that cannot be");
    return NULL;
}

/* -- coming together -- */

struct profile_kit {
    struct profile *p;
    uint8_t *have;  /* of each column: bits of its pieces */
    uint32_t last;  /* the column of the piece before: they come one after the other */
    uint32_t whole; /* columns that miss nothing */
};

struct profile_kit *profile_kit_new(struct slice image, struct err *err)
{
    struct profile *p = take_profile(image, err);
    if (p == NULL)
        return NULL;
    struct profile_kit *k = xmalloc(sizeof(*k));
    *k = (struct profile_kit){p, xcalloc(p->schema.n ? p->schema.n : 1, 1), 0, 0};
    return k;
}

void profile_kit_free(struct profile_kit *k)
{
    if (k == NULL)
        return;
    profile_free(k->p);
    free(k->have);
    free(k);
}

static bool take_hll(struct profile *p, struct column_state *c, struct slice image, struct err *err)
{
    struct distinct d;
    if (!hll_image_read(&d, image, err))
        return false;
    distinct_fold(&d, d.p < p->sizes.distinct_p ? d.p : p->sizes.distinct_p);
    distinct_release(&c->distinct);
    c->distinct = d;
    return true;
}

static bool take_column(struct profile *p, struct column_state *c, struct slice image,
                        struct err *err)
{
    struct distinct registers = c->distinct;
    distinct_init(&c->distinct, p->sizes.distinct_p);
    bool ok = column_image_read(c, image, err), exact = c->values == 0 || c->distinct.n > 0;
    if (!ok || exact) { /* the set knows more */
        distinct_release(&registers);
    } else {
        distinct_release(&c->distinct);
        c->distinct = registers;
    }
    return ok;
}

/* `have`: the pieces that were there before. */
static bool take_piece(struct profile *p, struct column_state *c, int piece, unsigned have,
                       struct slice image, struct err *err)
{
    switch (piece) {
    case HLL:
        if ((have >> COLUMN & 1) && (c->values == 0 || c->distinct.n > 0))
            return true;
        return take_hll(p, c, image, err);
    case KLL:
        if (p->o.fast)
            return err_set(err, ERR_DATA, "quantiles of a profile without");
        c->kll = xmalloc(sizeof(*c->kll));
        kll_init(c->kll, p->sizes.kll_k, 0);
        return kll_image_read(c->kll, image, c->seed, err);
    case FREQUENT:
        frequent_release(&c->frequent);
        return frequent_image_read(&c->frequent, image, err);
    default:
        return take_column(p, c, image, err);
    }
}

/* Pieces that the column must have and has not, as bits. */
static unsigned missing(const struct profile_kit *k, uint32_t column)
{
    const struct column_state *c = &k->p->columns[column];
    unsigned have = k->have[column], need = 1u << COLUMN;
    bool fast = k->p->o.fast;
    if (!(have >> COLUMN & 1))
        return need;
    if (c->values > 0 && c->distinct.n == 0)
        need |= 1u << HLL;
    if (!fast && c->moments.n > 0)
        need |= 1u << KLL;
    if (!fast)
        need |= 1u << FREQUENT;
    return need & ~have;
}

/* The column of this name, which is mostly the one of the piece before or the next; or NONE. */
#define NONE UINT32_MAX
static uint32_t column_of(const struct profile_kit *k, const char *name)
{
    const struct schema *s = &k->p->schema;
    for (uint32_t c = k->last; c < s->n && c < k->last + 2; c++)
        if (strcmp(s->fields[c].name, name) == 0)
            return c;
    int c = schema_find(s, slice_str(name));
    return c < 0 ? NONE : (uint32_t)c;
}

bool profile_kit_add(struct profile_kit *k, const char *column, const char *kind,
                     struct slice image, struct err *err)
{
    struct quoted q;
    struct profile *p = k->p;
    int piece = 0;
    while (piece < PIECES && strcmp(kind, kinds[piece]) != 0)
        piece++;
    if (piece == PIECES)
        return true;
    if (column == NULL)
        return err_set(err, ERR_DATA, "a sketch '%s' without 'column'", kinds[piece]);
    uint32_t c = column_of(k, column);
    if (c == NONE)
        return err_set(err, ERR_DATA, "sketch of column '%s', which its profile does not have",
                       quote_str(&q, column));
    if (k->have[c] >> piece & 1)
        return err_set(err, ERR_DATA, "two sketches '%s' of column '%s' of one profile",
                       kinds[piece], quote_str(&q, column));
    if (!take_piece(p, &p->columns[c], piece, k->have[c], image, err))
        return err_prefix(err, "sketch '%s' of column '%s': ", kinds[piece], quote_str(&q, column));
    bool had = k->have[c] != 0 && missing(k, c) == 0;
    k->have[c] |= (uint8_t)(1u << piece);
    k->whole += !had && missing(k, c) == 0;
    k->last = c;
    return true;
}

bool profile_kit_is_whole(const struct profile_kit *k)
{
    return k->whole == k->p->schema.n;
}

/* The pieces were each sound; do they tell of the same values? */
static bool agrees(const struct profile *p, const struct column_state *c)
{
    uint64_t numbers = c->kinds[TYPE_INTEGER] + c->kinds[TYPE_FLOAT];
    if (c->values + c->nulls > p->profiled)
        return false;
    if (p->o.fast)
        return true;
    if ((c->figures.len_min <= c->figures.len_max) != (c->values > 0))
        return false;
    return (c->kll == NULL ? 0 : c->kll->n) == numbers &&
           (c->tails == NULL ? 0 : c->tails->n) == numbers && c->frequent.total == c->values;
}

struct profile *profile_kit_take(struct profile_kit *k, struct err *err)
{
    struct profile *p = k->p;
    struct quoted q;
    bool ok = true;
    for (uint32_t c = 0; ok && c < p->schema.n; c++) {
        unsigned lacks = missing(k, c);
        if (lacks != 0)
            ok = err_set(err, ERR_DATA, "the sketch '%s' of column '%s' is missing",
                         kinds[__builtin_ctz(lacks)], quote_str(&q, p->schema.fields[c].name));
        else if (!agrees(p, &p->columns[c]))
            ok = err_set(err, ERR_DATA, "the sketches of column '%s' do not belong together",
                         quote_str(&q, p->schema.fields[c].name));
    }
    if (ok)
        k->p = NULL;
    profile_kit_free(k);
    return ok ? p : NULL;
}

/* -- all in one -- */

void profile_image_write(struct buf *out, const struct profile *p, bool compact)
{
    struct buf piece = BUF_INIT(BUF_UNBOUNDED);
    size_t began = image_begin(out, 'W');
    put_profile(&piece, p);
    image_text(out, buf_slice(&piece));
    for (uint32_t c = 0; c < p->schema.n; c++)
        for (int i = 0; i < PIECES; i++) {
            buf_clear(&piece);
            put_piece(&piece, p, c, i, compact);
            image_text(out, buf_slice(&piece));
        }
    image_end(out, began);
    buf_release(&piece);
}

struct profile *profile_image_read(struct slice image, struct err *err)
{
    struct unpack u;
    if (!image_open(&u, image, 'W', err))
        return NULL;
    struct profile_kit *k = profile_kit_new(image_take_text(&u), err);
    bool ok = k != NULL;
    for (uint32_t c = 0; ok && c < k->p->schema.n; c++)
        for (int i = 0; ok && i < PIECES; i++) {
            struct slice piece = image_take_text(&u);
            if (piece.len > 0)
                ok = take_piece(k->p, &k->p->columns[c], i, k->have[c], piece, err);
            k->have[c] |= (uint8_t)((piece.len > 0) << i);
        }
    if (ok && (u.bad || u.left > 0))
        ok = err_set(err, ERR_DATA, "image of a profile of another length");
    if (ok)
        return profile_kit_take(k, err);
    profile_kit_free(k);
    return NULL;
}
