/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Images of sketches: what is written reads back, and what is not one is refused. Against
 * DataSketches itself: tests/integration/sketches.sh. */
#include "base/hash.h"
#include "base/pack.h"
#include "base/rng.h"
#include "sketch/frequent_image.h"
#include "sketch/hll_image.h"
#include "sketch/kll_image.h"
#include "tests/unit/suite.h"

#include <math.h>

static void add_values(struct distinct *d, uint64_t from, uint64_t n)
{
    for (uint64_t i = from; i < from + n; i++) {
        uint64_t e = distinct_of_text(&i, sizeof(i));
        distinct_add(d, &e, 1);
    }
}

START_TEST(hll_registers_read_back)
{
    static const uint64_t sizes[] = {0, 1, 7, 8, 300, 3072, 3073, 4096, 4097, 100000};
    for (unsigned p = 4; p <= 17; p++)
        for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
            struct distinct d, got;
            struct buf image = BUF_INIT(BUF_UNBOUNDED), again = BUF_INIT(BUF_UNBOUNDED);
            distinct_init(&d, p);
            add_values(&d, 0, sizes[i]);
            hll_image_write(&image, &d);
            ck_assert(hll_image_read(&got, buf_slice(&image), NULL));
            distinct_to_registers(&d);
            ck_assert(got.p == p && memcmp(got.regs, d.regs, (size_t)1 << p) == 0);
            hll_image_write(&again, &got);
            if (again.len == image.len) /* not of coupons, which became registers */
                ck_assert(memcmp(image.p, again.p, image.len) == 0);
            distinct_release(&d);
            distinct_release(&got);
            buf_release(&image);
            buf_release(&again);
        }
}
END_TEST

START_TEST(fewer_registers_are_those_of_fewer_from_the_start)
{
    for (unsigned p = 4; p <= 15; p++) {
        struct distinct a, b, c;
        distinct_init(&a, 15);
        distinct_init(&b, p);
        distinct_init(&c, p);
        add_values(&a, 0, 9000);
        add_values(&b, 0, 9000);
        add_values(&c, 5000, 4000);
        distinct_merge(&c, &a); /* folds while merging */
        distinct_fold(&a, p);
        ck_assert(memcmp(a.regs, b.regs, (size_t)1 << p) == 0);
        ck_assert(memcmp(c.regs, b.regs, (size_t)1 << p) == 0);
        distinct_release(&a);
        distinct_release(&b);
        distinct_release(&c);
    }
}
END_TEST

START_TEST(kll_items_read_back)
{
    static const size_t sizes[] = {0, 1, 2, 8, 500, 5000, 300000};
    static const uint32_t ks[] = {8, 64, 4096, 100000};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
        for (size_t j = 0; j < ARRAY_LEN(ks); j++) {
            struct kll s, got;
            struct rng r;
            double p[9] = {0, 0.01, 0.1, 0.3, 0.5, 0.8, 0.9, 0.99, 1}, q[9], want[9];
            struct buf image = BUF_INIT(BUF_UNBOUNDED), again = BUF_INIT(BUF_UNBOUNDED);
            rng_seed(&r, i);
            kll_init(&s, ks[j], 3);
            for (size_t n = 0; n < sizes[i]; n++)
                kll_add(&s, (double[]){rng_normal(&r)}, 1);
            kll_image_write(&image, &s);
            ck_assert(kll_image_read(&got, buf_slice(&image), 1, NULL));
            ck_assert(got.n == s.n && (got.k == s.k || s.k > 65535));
            kll_quantiles(&s, p, 9, want);
            kll_quantiles(&got, p, 9, q);
            if (got.kept == s.kept)
                ck_assert(memcmp(q, want, sizeof(q)) == 0 || isnan(q[0]));
            ck_assert(s.n == 0 || (q[0] == want[0] && q[8] == want[8]));
            kll_image_write(&again, &got);
            ck_assert(again.len == image.len && memcmp(image.p, again.p, image.len) == 0);
            kll_release(&s);
            kll_release(&got);
            buf_release(&image);
            buf_release(&again);
        }
}
END_TEST

START_TEST(frequent_counters_read_back)
{
    static const unsigned sizes[] = {0, 1, 16, 48, 5000};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct frequent f, got;
        struct buf image = BUF_INIT(BUF_UNBOUNDED), again = BUF_INIT(BUF_UNBOUNDED);
        frequent_init(&f, 6);
        for (unsigned v = 0; v < sizes[i]; v++) {
            char text[300];
            int n = snprintf(text, sizeof(text), "%u%*s", v % 97, v % 3 == 0 ? 290 : 0, "");
            frequent_add(&f, hash_bytes(text, (size_t)n, 0), slice_of(text, (size_t)n), 1 + v % 5);
        }
        frequent_image_write(&image, &f);
        ck_assert(frequent_image_read(&got, buf_slice(&image), NULL));
        ck_assert(got.total == f.total && got.error == f.error && got.lg_max == 6);
        frequent_image_write(&again, &got);
        ck_assert(again.len == image.len && memcmp(image.p, again.p, image.len) == 0);
        frequent_release(&f);
        frequent_release(&got);
        buf_release(&image);
        buf_release(&again);
    }
}
END_TEST

/* Reads the bytes as each kind; how many kinds take them. */
static int taken(struct slice image)
{
    struct distinct d;
    struct kll k;
    struct frequent f;
    struct err err = ERR_INIT;
    int n = 0;
    if (hll_image_read(&d, image, &err)) {
        distinct_release(&d);
        n++;
    } else {
        ck_assert(err.kind == ERR_DATA && err.text[0] != '\0');
    }
    if (kll_image_read(&k, image, 1, &err)) {
        kll_release(&k);
        n++;
    }
    if (frequent_image_read(&f, image, &err)) {
        frequent_release(&f);
        n++;
    }
    return n;
}

START_TEST(images_that_are_cut_or_too_long_are_refused)
{
    struct buf image[4];
    struct distinct d;
    struct kll k;
    struct frequent f;
    distinct_init(&d, 12);
    kll_init(&k, 64, 1);
    frequent_init(&f, 6);
    for (int i = 0; i < 4; i++)
        image[i] = BUF_INIT(BUF_UNBOUNDED);
    add_values(&d, 0, 100);
    hll_image_write(&image[0], &d);
    add_values(&d, 0, 10000);
    hll_image_write(&image[1], &d);
    for (int i = 0; i < 1000; i++) {
        kll_add(&k, (double[]){i}, 1);
        frequent_add(&f, (uint64_t)i + 1, SLICE_LIT("value"), 1);
    }
    kll_image_write(&image[2], &k);
    frequent_image_write(&image[3], &f);
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(taken(buf_slice(&image[i])), 1);
        for (size_t n = 0; n < image[i].len; n += i == 1 ? 7 : 1) {
            char *cut = xmemdup(image[i].p, n); /* of just its size, for the sanitizers */
            ck_assert_msg(taken(slice_of(cut, n)) == 0, "image %d, %zu bytes", i, n);
            free(cut);
        }
        buf_addc(&image[i], 0);
        ck_assert_int_eq(taken(buf_slice(&image[i])), 0);
        buf_release(&image[i]);
    }
    distinct_release(&d);
    kll_release(&k);
    frequent_release(&f);
}
END_TEST

START_TEST(a_kll_image_that_lies_is_refused)
{
    struct kll k, got;
    struct err err = ERR_INIT;
    struct buf image = BUF_INIT(BUF_UNBOUNDED);
    kll_init(&k, 64, 1);
    for (int i = 0; i < 1000; i++)
        kll_add(&k, (double[]){i}, 1);
    kll_image_write(&image, &k);
    const struct {
        size_t at;
        unsigned char byte;
    } lies[] = {{4, 8},     /* a k below min_k */
                {8, 0xff},  /* another number of values */
                {18, 57},   /* more levels than there can be */
                {18, 1},    /* fewer than there are */
                {23, 0xff}, /* a level that begins behind the next */
                {image.len - 1, 0xff} /* an item beyond the maximum, or no number */};
    for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
        char *copy = xmemdup(image.p, image.len);
        copy[lies[i].at] = (char)lies[i].byte;
        ck_assert_msg(!kll_image_read(&got, slice_of(copy, image.len), 1, &err), "lie %zu", i);
        free(copy);
    }
    buf_release(&image);
    kll_release(&k);
}
END_TEST

START_TEST(a_reduced_table_keeps_the_largest_within_bounds)
{
    struct frequent f;
    frequent_init(&f, 8);
    for (unsigned i = 1; i <= 100; i++)
        frequent_add(&f, hash_u64(i, 0), slice_of((char[]){(char)i}, 1), i);
    frequent_reduce(&f, 10);
    struct frequent_item top[20];
    ck_assert_uint_eq(frequent_top(&f, 0, top, 20), 10);
    for (unsigned i = 0; i < 10; i++) {
        ck_assert(top[i].upper == 100 - i); /* as before */
        ck_assert(top[i].lower == 10 - i);
    }
    ck_assert(f.error == 90 && f.total == 5050); /* the largest that is missing has 90 */
    frequent_release(&f);
}
END_TEST

UNIT_MAIN("sketch images", hll_registers_read_back,
          fewer_registers_are_those_of_fewer_from_the_start, kll_items_read_back,
          frequent_counters_read_back, images_that_are_cut_or_too_long_are_refused,
          a_kll_image_that_lies_is_refused, a_reduced_table_keeps_the_largest_within_bounds)
