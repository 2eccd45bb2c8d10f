/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Laws of profiles as images: what is written reads back the same; parts merge to what one pass
 * over all of them gives, exactly where etl-profile(1) promises it; the order of merging changes
 * nothing but what it says. */
#include <math.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/rng.h"
#include "profile/image.h"
#include "tests/unit/suite.h"

enum { COLUMNS = 6 };

static void add_row(struct buf *b, struct rng *r, uint64_t range)
{
    static const char *const words[] = {"red",  "green", "NA",  "x@example.org",
                                        "\"\"", "007",   "true"};
    uint64_t v = rng_below(r, range);
    if (rng_below(r, 20) != 0)
        buf_addf(b, "%llu", (unsigned long long)v);
    buf_addf(b, ",%.17g,", 1e6 + exp(3 * rng_normal(r)));
    if (rng_below(r, 10) != 0)
        buf_addf(b, "%s", words[rng_below(r, ARRAY_LEN(words))]);
    buf_addf(b, ",value-%llu,", (unsigned long long)(v * v % (range + 1)));
    buf_addf(b, "2026-%02u-01T%02u:00:00Z,", (unsigned)rng_below(r, 12) + 1,
             (unsigned)rng_below(r, 24));
    buf_addf(b, rng_below(r, 3) ? "%d" : "%d.5", (int)rng_below(r, 100) - 50);
    buf_adds(b, rng_below(r, 40) ? "\n" : ",extra\n");
}

/* The image of the profile of a text, and its record. */
struct kept {
    struct buf image;
    bool compact;
};

static bool keep(void *ctx, const struct profile *p, struct arena *a, struct profile_result *r,
                 struct err *err)
{
    struct kept *k = ctx;
    (void)a;
    (void)r;
    (void)err;
    profile_image_write(&k->image, p, k->compact);
    return true;
}

static struct profile *read_back(const struct buf *image)
{
    struct err err = ERR_INIT;
    char *copy = xmemdup(image->p, image->len); /* of just its size */
    struct profile *p = profile_image_read(slice_of(copy, image->len), &err);
    free(copy);
    ck_assert_msg(p != NULL, "%s", err.text);
    return p;
}

static void image_of(struct kept *k, struct slice rows, bool fast, double sample)
{
    char path[] = "/tmp/foreline-merge.XXXXXX";
    static const char header[] = "id,number,word,key,at,mixed\n";
    bool json = rows.len > 0 && rows.p[0] == '{';
    int fd = mkstemp(path);
    struct err err = ERR_INIT;
    ck_assert_int_ge(fd, 0);
    if (!json)
        ck_assert_int_eq(write(fd, header, strlen(header)), (ssize_t)strlen(header));
    ck_assert_int_eq(write(fd, rows.p, rows.len), (ssize_t)rows.len);
    close(fd);
    struct reader_opts ro = {.format = json ? FORMAT_JSONL : FORMAT_CSV};
    const struct profile_input in = {.path = path, .opts = &ro, .emit = keep, .emit_ctx = k};
    const struct profile_opts o = {.sample_rate = sample, .seed = 1996, .fast = fast};
    bool ok = profile_run(&in, &o, &err);
    unlink(path);
    ck_assert_msg(ok, "%s", err.text);
}

static struct profile *profile_of(struct slice rows)
{
    struct kept k = {BUF_INIT(BUF_UNBOUNDED), false};
    image_of(&k, rows, false, 1);
    struct profile *p = read_back(&k.image);
    buf_release(&k.image);
    return p;
}

static void record_line(struct buf *out, struct profile *p)
{
    struct arena a = ARENA_INIT;
    struct rec_profile r;
    profile_finish(p, &a, profile_bytes(p), &r);
    rec_profile_write(out, &r);
    arena_release(&a);
}

static void same_images(const struct profile *a, const struct profile *b, const char *what)
{
    struct buf x = BUF_INIT(BUF_UNBOUNDED), y = BUF_INIT(BUF_UNBOUNDED);
    profile_image_write(&x, a, false);
    profile_image_write(&y, b, false);
    ck_assert_msg(x.len == y.len && memcmp(x.p, y.p, x.len) == 0, "%s", what);
    buf_release(&x);
    buf_release(&y);
}

START_TEST(what_is_written_reads_back_the_same)
{
    for (uint64_t seed = 0; seed < 12; seed++) {
        struct rng r;
        struct buf rows = BUF_INIT(BUF_UNBOUNDED);
        struct kept k = {BUF_INIT(BUF_UNBOUNDED), false};
        struct buf again = BUF_INIT(BUF_UNBOUNDED);
        rng_seed(&r, seed);
        for (uint64_t n = seed == 0 ? 0 : 1 + rng_below(&r, seed == 5 ? 30000 : 300); n > 0; n--)
            add_row(&rows, &r, seed == 5 ? 100000 : 50);
        image_of(&k, buf_slice(&rows), seed % 3 == 1, seed % 5 == 2 ? 0.5 : 1);
        struct profile *p = read_back(&k.image);
        profile_image_write(&again, p, k.compact);
        ck_assert_msg(again.len == k.image.len && memcmp(again.p, k.image.p, again.len) == 0,
                      "seed %d", (int)seed);
        profile_free(p);
        buf_release(&again);
        buf_release(&k.image);
        buf_release(&rows);
    }
}
END_TEST

/* The record before it went through an image, and after. */
struct lines {
    struct buf before, after;
};
static bool both_lines(void *ctx, const struct profile *p, struct arena *a,
                       struct profile_result *r, struct err *err)
{
    struct lines *l = ctx;
    struct buf image = BUF_INIT(BUF_UNBOUNDED);
    (void)a;
    (void)err;
    rec_profile_write(&l->before, &r->record);
    profile_image_write(&image, p, false);
    struct profile *back = read_back(&image);
    record_line(&l->after, back);
    profile_free(back);
    buf_release(&image);
    return true;
}

START_TEST(a_profile_has_the_same_record_after_its_image)
{
    for (uint64_t seed = 0; seed < 6; seed++) {
        struct rng r;
        struct buf text = BUF_INIT(BUF_UNBOUNDED);
        char path[] = "/tmp/foreline-merge.XXXXXX";
        int fd = mkstemp(path);
        struct err err = ERR_INIT;
        rng_seed(&r, seed);
        buf_adds(&text, "id,number,word,key,at,mixed\n");
        for (uint64_t n = seed * seed * 800; n > 0; n--)
            add_row(&text, &r, 1 + seed * 3000);
        ck_assert_int_eq(write(fd, text.p, text.len), (ssize_t)text.len);
        close(fd);
        struct reader_opts ro = {.format = FORMAT_CSV};
        struct lines l = {BUF_INIT(BUF_UNBOUNDED), BUF_INIT(BUF_UNBOUNDED)};
        const struct profile_input in = {
            .path = path, .opts = &ro, .emit = both_lines, .emit_ctx = &l};
        const struct profile_opts o = {.sample_rate = 1, .seed = 1996};
        ck_assert_msg(profile_run(&in, &o, &err), "%s", err.text);
        unlink(path);
        ck_assert_str_eq(buf_str(&l.before), buf_str(&l.after));
        buf_release(&l.before);
        buf_release(&l.after);
        buf_release(&text);
    }
}
END_TEST

static bool near(double a, double b, double tolerance)
{
    return (isnan(a) && isnan(b)) || a == b || fabs(a - b) <= tolerance * (fabs(a) + fabs(b));
}

static void same_slice(struct slice a, struct slice b)
{
    ck_assert_msg(slice_eq(a, b), "%.*s is not %.*s", (int)a.len, a.p, (int)b.len, b.p);
}

static void same_column(const struct rec_column *a, const struct rec_column *b)
{
    ck_assert_str_eq(a->name, b->name);
    ck_assert_int_eq(a->type, b->type);
    ck_assert(a->records == b->records && a->nulls == b->nulls && a->bytes == b->bytes);
    ck_assert(a->distinct == b->distinct && a->distinct_error == b->distinct_error);
    same_slice(a->min, b->min);
    same_slice(a->max, b->max);
    ck_assert(near(a->mean, b->mean, 1e-12) && near(a->stddev, b->stddev, 1e-12));
    ck_assert(near(a->skewness, b->skewness, 1e-11) && near(a->kurtosis, b->kurtosis, 1e-11));
    for (int t = 0; t < TYPE_COUNT; t++)
        ck_assert(a->types[t] == b->types[t]);
    ck_assert(near(a->length_min, b->length_min, 0) && near(a->length_max, b->length_max, 0));
    ck_assert(a->nformats == b->nformats && a->nspellings == b->nspellings);
    for (uint32_t i = 0; i < a->nspellings; i++)
        ck_assert(a->null_spellings[i].count == b->null_spellings[i].count);
}

/* Everything that the sketches hold exactly, while they do. */
static void same_small_column(const struct rec_column *a, const struct rec_column *b)
{
    ck_assert_uint_eq(a->ntop, b->ntop);
    for (uint32_t i = 0; i < a->ntop; i++) {
        same_slice(a->top[i].value, b->top[i].value);
        ck_assert(a->top[i].count == b->top[i].count && a->top[i].error == b->top[i].error);
    }
    for (int i = 0; i < REC_QUANTILES; i++)
        ck_assert(near(a->quantiles[i], b->quantiles[i], 1e-15));
    ck_assert(near(a->outliers, b->outliers, 0));
}

static void same_profiles(struct profile *p, struct profile *q, bool small)
{
    struct arena a = ARENA_INIT;
    struct rec_profile x, y;
    profile_finish(p, &a, profile_bytes(p), &x);
    profile_finish(q, &a, profile_bytes(q), &y);
    ck_assert(x.records == y.records && x.ncolumns == y.ncolumns);
    ck_assert(near(x.accuracy, y.accuracy, 1e-15) && near(x.consistency, y.consistency, 1e-15));
    ck_assert(near(x.completeness, y.completeness, 1e-15));
    ck_assert(near(x.data_quality_score, y.data_quality_score, 1e-15));
    ck_assert(near(x.records_per_second, y.records_per_second, 1e-15));
    ck_assert_uint_eq(x.nissues, y.nissues);
    for (uint32_t i = 0; i < x.nissues; i++)
        ck_assert(x.issues[i].count == y.issues[i].count);
    for (uint32_t c = 0; c < x.ncolumns; c++) {
        same_column(&x.columns[c], &y.columns[c]);
        if (small)
            same_small_column(&x.columns[c], &y.columns[c]);
    }
    arena_release(&a);
}

static bool keep_hll(void *ctx, const struct rec_sketch *s)
{
    if (strcmp(s->kind, "hll") == 0)
        buf_add_slice(ctx, s->image);
    return true;
}

/* Registers, or coupons, of all columns. */
static void same_registers(const struct profile *p, const struct profile *q)
{
    const struct rec_profile nameless = {0};
    struct buf x = BUF_INIT(BUF_UNBOUNDED), y = BUF_INIT(BUF_UNBOUNDED);
    profile_sketches(p, &nameless, keep_hll, &x);
    profile_sketches(q, &nameless, keep_hll, &y);
    ck_assert(x.len > 0 && x.len == y.len && memcmp(x.p, y.p, x.len) == 0);
    buf_release(&x);
    buf_release(&y);
}

static void merge(struct profile *p, const struct profile *other)
{
    struct err err = ERR_INIT;
    ck_assert_msg(profile_merge(p, other, &err), "%s", err.text);
}

/* Rows in three parts, at random places. */
struct parts {
    struct buf rows;
    struct slice part[3];
};

static void make_parts(struct parts *p, uint64_t seed, uint64_t n, uint64_t range)
{
    struct rng r;
    size_t cut[2] = {0, 0};
    rng_seed(&r, seed);
    uint64_t at[2] = {rng_below(&r, n + 1), rng_below(&r, n + 1)};
    uint64_t lo = at[0] < at[1] ? at[0] : at[1], hi = at[0] < at[1] ? at[1] : at[0];
    p->rows = BUF_INIT(BUF_UNBOUNDED);
    for (uint64_t i = 0; i <= n; i++) {
        if (i == lo)
            cut[0] = p->rows.len;
        if (i == hi)
            cut[1] = p->rows.len;
        if (i < n)
            add_row(&p->rows, &r, range);
    }
    const char *text = buf_str(&p->rows);
    p->part[0] = slice_of(text, cut[0]);
    p->part[1] = slice_of(text + cut[0], cut[1] - cut[0]);
    p->part[2] = slice_of(text + cut[1], p->rows.len - cut[1]);
}

static void try_parts(uint64_t seed, uint64_t n, uint64_t range)
{
    struct parts p;
    bool small = n <= 3000;
    make_parts(&p, seed, n, range);
    struct profile *one = profile_of(buf_slice(&p.rows));
    struct profile *left = profile_of(p.part[0]), *right = profile_of(p.part[2]);
    struct profile *middle = profile_of(p.part[1]), *last = profile_of(p.part[2]);
    struct profile *a = profile_of(p.part[0]), *b = profile_of(p.part[1]);
    merge(a, middle); /* 0 + 1 beside 1 + 0 */
    merge(b, left);
    same_images(a, b, "merging does not commute");
    merge(left, middle); /* (0 + 1) + 2 */
    merge(left, last);
    merge(middle, right); /* 0 + (1 + 2) */
    merge(right, b);      /* 2 + (1 + 0) */
    profile_free(a);
    a = profile_of(p.part[0]);
    merge(a, middle);
    same_images(left, right, "merging does not commute");
    same_registers(left, one);
    same_registers(a, one);
    same_profiles(left, one, small);
    same_profiles(a, one, small);
    same_profiles(a, left, small);
    struct profile *all[] = {one, left, right, middle, last, a, b};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        profile_free(all[i]);
    buf_release(&p.rows);
}

START_TEST(parts_merge_to_what_one_pass_gives_in_any_order)
{
    int seeds = getenv("FORELINE_LONG") ? 300 : 20;
    for (int seed = 0; seed < seeds; seed++)
        try_parts((uint64_t)seed, (uint64_t)seed * 17 % 700, 1 + (uint64_t)seed * 7);
}
END_TEST

START_TEST(parts_beyond_what_is_exact_have_the_registers_of_one_pass)
{
    int seeds = getenv("FORELINE_LONG") ? 20 : 2;
    for (int seed = 0; seed < seeds; seed++)
        try_parts((uint64_t)seed + 1000, 20000, 50000);
}
END_TEST

START_TEST(profiles_that_know_less_make_one_that_knows_less)
{
    struct parts p;
    struct kept fast = {BUF_INIT(BUF_UNBOUNDED), false}, sampled = fast;
    make_parts(&p, 5, 400, 60);
    image_of(&fast, p.part[0], true, 1);
    image_of(&sampled, p.part[1], false, 0.25);
    struct profile *a = read_back(&fast.image), *b = read_back(&sampled.image);
    struct profile *c = read_back(&fast.image), *d = read_back(&sampled.image);
    merge(a, d);
    merge(b, c);
    same_images(a, b, "merging does not commute");
    struct arena mem = ARENA_INIT;
    struct rec_profile r;
    profile_finish(a, &mem, 0, &r);
    ck_assert(r.columns[0].top == NULL && isnan(r.columns[0].quantiles[0]));
    ck_assert(r.sample_rate == r.records_profiled / r.records_seen && r.sample_rate < 1);
    arena_release(&mem);
    profile_free(a);
    profile_free(b);
    profile_free(c);
    profile_free(d);
    buf_release(&fast.image);
    buf_release(&sampled.image);
    buf_release(&p.rows);
}
END_TEST

START_TEST(elements_of_arrays_travel_and_merge)
{
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct rec_profile r;
    struct profile *p = profile_of(SLICE_LIT("{\"a\":[1,2,3],\"b\":1}\n{\"a\":[],\"b\":2}\n"));
    struct profile *q = profile_of(SLICE_LIT("{\"a\":[1,2,3,4,5,6],\"b\":[7]}\n"));
    struct profile *none = profile_of(SLICE_LIT("{\"a\":{},\"b\":\"[1]\"}\n"));
    ck_assert(profile_merge(p, none, &err) && profile_merge(p, q, &err));
    profile_finish(p, &a, profile_bytes(p), &r);
    const struct rec_elements *e = &r.columns[0].elements;
    ck_assert(e->arrays == 3 && e->min == 0 && e->mean == 3 && e->max == 6 && e->total == 9);
    e = &r.columns[1].elements;
    ck_assert(e->arrays == 1 && e->min == 1 && e->max == 1 && e->total == 1);
    profile_free(p);
    profile_free(q);
    profile_free(none);
    arena_release(&a);
}
END_TEST

START_TEST(an_image_with_any_byte_changed_is_refused)
{
    struct kept k = {BUF_INIT(BUF_UNBOUNDED), true};
    struct rng r;
    struct buf rows = BUF_INIT(BUF_UNBOUNDED);
    rng_seed(&r, 9);
    for (int i = 0; i < 30; i++)
        add_row(&rows, &r, 10);
    image_of(&k, buf_slice(&rows), false, 1);
    for (size_t i = 0; i < k.image.len; i += 1 + i / 100) {
        struct err err = ERR_INIT;
        k.image.p[i] = (char)(k.image.p[i] ^ 1);
        ck_assert(profile_image_read(buf_slice(&k.image), &err) == NULL);
        ck_assert(err.kind == ERR_DATA);
        k.image.p[i] = (char)(k.image.p[i] ^ 1);
        ck_assert(profile_image_read(slice_of(k.image.p, i), &err) == NULL);
    }
    profile_free(read_back(&k.image));
    buf_release(&k.image);
    buf_release(&rows);
}
END_TEST

START_TEST(a_compact_image_is_small_and_close)
{
    struct rng r;
    struct buf rows = BUF_INIT(BUF_UNBOUNDED);
    struct kept whole = {BUF_INIT(BUF_UNBOUNDED), false}, small = {BUF_INIT(BUF_UNBOUNDED), true};
    struct arena a = ARENA_INIT;
    struct rec_profile x, y;
    rng_seed(&r, 3);
    for (int i = 0; i < 30000; i++)
        add_row(&rows, &r, 20000);
    image_of(&whole, buf_slice(&rows), false, 1);
    image_of(&small, buf_slice(&rows), false, 1);
    struct profile *p = read_back(&whole.image), *q = read_back(&small.image);
    ck_assert_uint_lt(small.image.len, 40000 * COLUMNS);
    ck_assert_uint_lt(4 * small.image.len, whole.image.len);
    profile_finish(p, &a, 1, &x);
    profile_finish(q, &a, 1, &y);
    for (uint32_t c = 0; c < x.ncolumns; c++) {
        const struct rec_column *u = &x.columns[c], *v = &y.columns[c];
        ck_assert(u->nulls == v->nulls && u->type == v->type && near(u->mean, v->mean, 0));
        ck_assert(fabs(u->distinct - v->distinct) <= 4 * v->distinct_error);
        for (int i = 0; u->type == TYPE_INTEGER && i < REC_QUANTILES; i++)
            ck_assert(fabs(u->quantiles[i] - v->quantiles[i]) < 400); /* 2 % of the range */
    }
    profile_free(p);
    profile_free(q);
    buf_release(&whole.image);
    buf_release(&small.image);
    buf_release(&rows);
    arena_release(&a);
}
END_TEST

UNIT_MAIN("profile images", what_is_written_reads_back_the_same,
          a_profile_has_the_same_record_after_its_image,
          parts_merge_to_what_one_pass_gives_in_any_order,
          parts_beyond_what_is_exact_have_the_registers_of_one_pass,
          profiles_that_know_less_make_one_that_knows_less, elements_of_arrays_travel_and_merge,
          an_image_with_any_byte_changed_is_refused, a_compact_image_is_small_and_close)
