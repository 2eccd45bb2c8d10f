/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between counters and the images of DataSketches. Not for merging: sketch/frequent.h. */
#include "sketch/frequent_image.h"

#include "base/hash.h"
#include "base/pack.h"

#define VERSION 1
#define FAMILY 10
#define EMPTY_LONGS 1
#define FULL_LONGS 4
/* Two bits mean empty: one of this language, one of another (frequent_items_sketch). */
#define FLAGS_EMPTY 5u
#define LG_LEAST 3
/* Nobody has seen more values; and sums of two sketches do not overflow. */
#define VALUES_MAX (UINT64_C(1) << 53)

static void put_head(struct buf *out, const struct frequent *f, unsigned lg)
{
    bool empty = f->total == 0;
    const unsigned b[8] = {empty ? EMPTY_LONGS : FULL_LONGS, VERSION, FAMILY, f->lg_max, lg,
                           empty ? FLAGS_EMPTY : 0};
    for (int i = 0; i < 8; i++)
        pack_uint(out, b[i], 1);
}

void frequent_image_write(struct buf *out, const struct frequent *f)
{
    struct frequent_item *item = xreallocarray(NULL, f->n ? f->n : 1, sizeof(*item));
    uint32_t n = (uint32_t)frequent_top(f, 0, item, f->n);
    unsigned lg = LG_LEAST;
    while (n > (3u << lg) / 4)
        lg++;
    put_head(out, f, lg);
    if (f->total > 0) {
        pack_uint(out, n, 4);
        pack_uint(out, 0, 4);
        pack_uint(out, f->total, 8);
        pack_uint(out, f->error, 8);
    }
    for (uint32_t i = 0; i < n; i++)
        pack_uint(out, item[i].lower, 8);
    for (uint32_t i = 0; i < n; i++) {
        pack_uint(out, item[i].text.len, 4);
        buf_add_slice(out, item[i].text);
    }
    free(item);
}

static bool read_items(struct unpack *u, struct frequent *f, struct err *err)
{
    uint64_t n = unpack_uint(u, 4), sum = 0;
    unpack_uint(u, 4);
    uint64_t total = unpack_uint(u, 8), error = unpack_uint(u, 8);
    if (!unpack_holds(u, n, 8 + 4) || total > VALUES_MAX || error > total)
        return err_set(err, ERR_DATA, "frequent items sketch that ends early or counts too much");
    struct unpack counts = {u->p, (size_t)n * 8, false};
    unpack_bytes(u, (size_t)n * 8);
    for (uint64_t i = 0; i < n; i++) {
        uint64_t count = unpack_uint(&counts, 8), len = unpack_uint(u, 4);
        const unsigned char *text = unpack_bytes(u, (size_t)len);
        if (text == NULL)
            return err_set(err, ERR_DATA, "frequent items sketch ends before its items do");
        if (count > total - sum)
            return err_set(err, ERR_DATA, "frequent items sketch counts more than it has seen");
        sum += count;
        struct slice t = frequent_cut(slice_of((const char *)text, (size_t)len));
        frequent_add(f, hash_bytes(t.p, t.len, 0), t, count);
    }
    if (u->left != 0)
        return err_set(err, ERR_DATA, "frequent items sketch with bytes behind its items");
    frequent_assume(f, total, error);
    return true;
}

bool frequent_image_read(struct frequent *f, struct slice image, struct err *err)
{
    struct unpack u = unpack_of(image);
    unsigned longs = (unsigned)unpack_uint(&u, 1), version = (unsigned)unpack_uint(&u, 1);
    unsigned family = (unsigned)unpack_uint(&u, 1), lg_max = (unsigned)unpack_uint(&u, 1);
    unsigned lg = (unsigned)unpack_uint(&u, 1), flags = (unsigned)unpack_uint(&u, 1);
    unpack_uint(&u, 2);
    bool empty = (flags & FLAGS_EMPTY) != 0;
    if (u.bad || version != VERSION || family != FAMILY || lg > lg_max || lg < LG_LEAST ||
        longs != (empty ? EMPTY_LONGS : FULL_LONGS))
        return err_set(err, ERR_DATA, "not a frequent items sketch that is known here");
    struct frequent got;
    frequent_init(&got, lg_max < FREQUENT_LG_MIN   ? FREQUENT_LG_MIN
                        : lg_max > FREQUENT_LG_MAX ? FREQUENT_LG_MAX
                                                   : lg_max);
    bool ok = empty ? u.left == 0 || err_set(err, ERR_DATA, "empty sketch with bytes behind it")
                    : read_items(&u, &got, err);
    if (ok)
        *f = got;
    else
        frequent_release(&got);
    return ok;
}
