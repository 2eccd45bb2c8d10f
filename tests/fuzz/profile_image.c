/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Images of profiles from strangers: refused, or read, merged with itself, finished, and what is
 * written of it reads back. The hashes in them are made to fit first, so that what they guard is
 * tried, too. */
#include "base/hash.h"
#include "base/pack.h"
#include "fuzz.h"
#include "profile/image.h"

#define INPUT_MAX (256u << 10)

/* The hash at the end of an image of ours (image_end). */
static void seal(unsigned char *image, size_t len)
{
    if (len < 12 || image[0] != 'F' || image[1] != 'L')
        return;
    uint64_t hash = hash_bytes(image, len - 8, 1);
    for (unsigned i = 0; i < 8; i++)
        image[len - 8 + i] = (unsigned char)(hash >> (8 * i));
}

static void seal_all(unsigned char *image, size_t len)
{
    struct unpack u = unpack_of(slice_of((const char *)image, len < 8 ? 0 : len - 8));
    unpack_bytes(&u, 4);
    while (u.left > 4) {
        size_t size = (size_t)unpack_uint(&u, 4);
        const unsigned char *piece = unpack_bytes(&u, size);
        if (piece != NULL)
            seal(image + (piece - image), size);
    }
    seal(image, len);
}

static void finish(struct profile *p)
{
    struct arena a = ARENA_INIT;
    struct rec_profile r;
    struct buf line = BUF_INIT(BUF_UNBOUNDED);
    profile_finish(p, &a, profile_bytes(p), &r);
    rec_profile_write(&line, &r);
    buf_release(&line);
    arena_release(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = ERR_INIT;
    if (size > INPUT_MAX)
        return 0;
    unsigned char *copy = xmemdup(data, size);
    seal_all(copy, size);
    struct slice image = slice_of((const char *)copy, size);
    struct profile *p = profile_image_read(image, &err), *q = NULL, *back = NULL;
    if (p != NULL) {
        struct buf out = BUF_INIT(BUF_UNBOUNDED);
        q = profile_image_read(image, &err);
        finish(p);
        if (profile_merge(p, q, &err)) {
            finish(p);
            profile_image_write(&out, p, size % 2);
            back = profile_image_read(buf_slice(&out), &err);
            if (back == NULL)
                BUG("what was written does not read back: %s", err.text);
        }
        buf_release(&out);
    } else if (err.kind != ERR_DATA) {
        BUG("refused without a reason");
    }
    profile_free(p);
    profile_free(q);
    profile_free(back);
    free(copy);
    return 0;
}
