/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Distinct counts as the HLL sketches of Apache DataSketches, version 1 of their format, as its C++
 * sources lay it out (HllArray, CouponList, CouponHashSet): other programs read ours, we read
 * theirs, and a union of both counts a value once.
 *
 * Written: few values as coupons (26 bits of the first hash, and the rank), more as HLL_8; both
 * "compact". Coupons do not tell 4,096 values apart as our elements do, so what is read back is
 * always registers: the exact set travels elsewhere (profile/image.h). Read: all modes and types,
 * compact or not. Registers of any size are kept as they are, from lg_k 4 to 21. */
#ifndef FORELINE_HLL_IMAGE_H
#define FORELINE_HLL_IMAGE_H

#include "base/buf.h"
#include "sketch/distinct.h"

/* Appends the image. The same set of elements gives the same bytes. */
void hll_image_write(struct buf *out, const struct distinct *d);
/* Fills *d (distinct_release it), or leaves it alone and says why not (ERR_DATA). */
bool hll_image_read(struct distinct *d, struct slice image, struct err *err);

#endif
