/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A profile as bytes, and back: what merging, comparing and the store need beyond the record.
 *
 * A profile falls into pieces. Three per column are sketches that other programs read
 * (sketch/hll_image.h, kll_image.h, frequent_image.h); all else is ours: a piece per column (counts
 * of kinds with their first lines, moments, extremes, the exact set of distinct values, …) and one
 * of the profile as a whole. Ours begin with FL, a letter and a version, are little-endian and end
 * with a hash of what stands before it. What a newer program adds to the piece of a column is
 * passed over by an older one.
 *
 * Bytes come from strangers: lengths, counts and sums are checked, so that what is read back can be
 * merged and finished like any other profile, or it is refused (ERR_DATA). Memory is bounded by the
 * size of the image, times a constant.
 *
 * What does not travel: the order of values (monotone) once parts are merged, the state of the
 * coins of quantiles, and what follows the first FREQUENT_TEXT bytes of a frequent value. */
#ifndef FORELINE_PROFILE_IMAGE_H
#define FORELINE_PROFILE_IMAGE_H

#include "profile/profile.h"

/* -- the pieces, as sketch records carry them -- */
/* Takes one piece; false ends the writing. The struct and its bytes go when it returns. */
typedef bool profile_sketch_fn(void *ctx, const struct rec_sketch *s);
/* Kinds `profile` (column NULL) first, then for every column hll, kll (when there are numbers),
 * frequent_items (not with --fast) and column. `r`: the finished record of p, for dataset,
 * partition and window. False when `put` says so. */
bool profile_sketches(const struct profile *p, const struct rec_profile *r, profile_sketch_fn *put,
                      void *ctx);

/* A profile that comes together from its pieces. */
struct profile_kit;
/* From a piece of kind `profile`; NULL: err. */
struct profile_kit *profile_kit_new(struct slice image, struct err *err);
void profile_kit_free(struct profile_kit *k);
/* A piece of another kind; of a kind that is not known here it is passed over. False when it does
 * not belong to this profile or is damaged. */
bool profile_kit_add(struct profile_kit *k, const char *column, const char *kind,
                     struct slice image, struct err *err);
/* Nothing is missing. */
bool profile_kit_is_whole(const struct profile_kit *k);
/* The profile (profile_free it), and the kit is gone; NULL when pieces are missing, or do not tell
 * of the same values: err. */
struct profile *profile_kit_take(struct profile_kit *k, struct err *err);

/* -- all pieces in one -- */
/* Appends the image. `compact`: with quantile sketches of PROFILE_COMPACT_KLL, 2^PROFILE_COMPACT_P
 * registers instead of the exact set, and PROFILE_COMPACT_TOP frequent values; some 10 kB a column
 * at most. */
#define PROFILE_COMPACT_KLL 512
#define PROFILE_COMPACT_P 12
#define PROFILE_COMPACT_TOP 64
void profile_image_write(struct buf *out, const struct profile *p, bool compact);
/* NULL: err. */
struct profile *profile_image_read(struct slice image, struct err *err);

/* Bytes of data that the profile was finished with; of a merged one the sum. */
uint64_t profile_bytes(const struct profile *p);
/* Records that could be profiled, before sampling. */
uint64_t profile_records(const struct profile *p);

#endif
