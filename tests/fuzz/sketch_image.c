/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Images of sketches from strangers: each kind is refused, or read, merged with itself and asked.
 */
#include "fuzz.h"
#include "sketch/frequent_image.h"
#include "sketch/hll_image.h"
#include "sketch/kll_image.h"

#define INPUT_MAX (64u << 10)

static void try_hll(struct slice image)
{
    struct distinct a, b;
    if (!hll_image_read(&a, image, NULL))
        return;
    distinct_init(&b, DISTINCT_P);
    distinct_merge(&b, &a);
    if (!(distinct_estimate(&b) >= 0) || !(distinct_error(&a) >= 0))
        BUG("an estimate of %g", distinct_estimate(&b));
    distinct_release(&a);
    distinct_release(&b);
}

static void try_kll(struct slice image)
{
    struct kll a;
    struct kll b;
    double p[3] = {0, 0.5, 1}, q[3];
    if (!kll_image_read(&a, image, 1, NULL))
        return;
    if (!kll_image_read(&b, image, 1, NULL))
        BUG("read once only");
    kll_merge(&a, &b);
    kll_reduce(&a, 16);
    kll_quantiles(&a, p, 3, q);
    if (a.n > 0 && (q[0] != a.min || q[2] != a.max))
        BUG("quantiles %g and %g", q[0], q[2]);
    struct buf out = BUF_INIT(BUF_UNBOUNDED);
    kll_image_write(&out, &a);
    kll_release(&b);
    if (!kll_image_read(&b, buf_slice(&out), 1, NULL) && a.n < UINT64_C(1) << 53)
        BUG("what was written does not read back");
    buf_release(&out);
    kll_release(&a);
    kll_release(&b);
}

static void try_frequent(struct slice image)
{
    struct frequent a, b;
    struct frequent_item top[4];
    if (!frequent_image_read(&a, image, NULL))
        return;
    if (!frequent_image_read(&b, image, NULL))
        BUG("read once only");
    frequent_merge(&a, &b);
    size_t n = frequent_top(&a, 1, top, 4);
    for (size_t i = 0; i < n; i++)
        if (top[i].lower > top[i].upper)
            BUG("bounds the wrong way round");
    frequent_release(&a);
    frequent_release(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice image = slice_of((const char *)data, size);
    if (size > INPUT_MAX)
        return 0;
    try_hll(image);
    try_kll(image);
    try_frequent(image);
    return 0;
}
