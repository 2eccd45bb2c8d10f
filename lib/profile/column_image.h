/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is known of a column beside its three sketches, as bytes: see profile/image.h. Internal to
 * profile/.
 *
 * A list of sections, each a tag, a length and that many bytes. To add one: a tag, a function in
 * each of the two tables of column_image.c, and a default in the reader for images without it. */
#ifndef FORELINE_PROFILE_COLUMN_IMAGE_H
#define FORELINE_PROFILE_COLUMN_IMAGE_H

#include "base/pack.h"
#include "profile/column.h"

/* More values nobody has; sums of many such counts do not overflow. */
#define IMAGE_COUNT_MAX (UINT64_C(1) << 53)

/* `exact`: with the set of distinct values, if there is one. */
void column_image_write(struct buf *out, const struct column_state *c, bool exact);
/* Into a state that is fresh from column_state_init. False (err) leaves it to be released. */
bool column_image_read(struct column_state *c, struct slice image, struct err *err);

/* Begins and ends an image of ours: FL, `letter`, version 1, …, hash. image_begin gives where it
 * began, for image_end. */
size_t image_begin(struct buf *out, char letter);
void image_end(struct buf *out, size_t began);
/* What stands between; false when it is not one or damaged. */
bool image_open(struct unpack *u, struct slice image, char letter, struct err *err);
/* A count, at most IMAGE_COUNT_MAX, else u->bad. */
uint64_t image_count(struct unpack *u);
void image_text(struct buf *out, struct slice text);
/* Points into the image. */
struct slice image_take_text(struct unpack *u);

#endif
