/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Quantile sketches as the KLL sketches of doubles of Apache DataSketches, in their format of
 * version 1 (2 for a single item), as its C++ sources lay it out (kll_sketch_impl).
 *
 * All our levels hold k items, theirs shrink towards the lower ones: what is written names a k so
 * large that its levels have room for all our items (they go on with that one), and our k as
 * min_k, from which they take the bound of the error. The state of the coin does not travel: it
 * starts anew from the seed and the values. What they have built was compacted more often in its
 * lower levels: there the error is up to twice what kll_rank_error says. */
#ifndef FORELINE_KLL_IMAGE_H
#define FORELINE_KLL_IMAGE_H

#include "base/buf.h"
#include "sketch/kll.h"

/* Appends the image: of the same items the same bytes. */
void kll_image_write(struct buf *out, const struct kll *s);
/* Fills *s (kll_release it), or leaves it alone and says why not (ERR_DATA). */
bool kll_image_read(struct kll *s, struct slice image, uint64_t seed, struct err *err);

#endif
