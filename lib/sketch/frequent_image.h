/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Heavy hitters as the frequent items sketches of strings of Apache DataSketches (its C++
 * frequent_items_sketch_impl; frequent_strings_sketch of its Python package), version 1.
 *
 * Values are known there by their texts alone. Ours are cut at FREQUENT_TEXT bytes; what has been
 * through an image counts values of the same first FREQUENT_TEXT bytes as one. Bytes that are not
 * UTF-8 travel as they are: Python cannot show such values. */
#ifndef FORELINE_FREQUENT_IMAGE_H
#define FORELINE_FREQUENT_IMAGE_H

#include "base/buf.h"
#include "sketch/frequent.h"

/* Appends the image, the most frequent first: of the same counts the same bytes. */
void frequent_image_write(struct buf *out, const struct frequent *f);
/* Fills *f (frequent_release it), or leaves it alone and says why not (ERR_DATA). A table larger
 * than 2^FREQUENT_LG_MAX is cut down, within its bounds. */
bool frequent_image_read(struct frequent *f, struct slice image, struct err *err);

#endif
