/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Numbers from and to text, strictly: JSON's grammar (RFC 8259 section 6), independent of locale.
 */
#ifndef FORELINE_NUM_H
#define FORELINE_NUM_H

#include "base/base.h"

/* The whole slice as an integer of JSON's grammar that fits 64 bits. */
bool num_parse_int(struct slice s, int64_t *out);
/* The whole slice as a number of JSON's grammar, correctly rounded; false when it overflows. */
bool num_parse_float(struct slice s, double *out);
/* What the slice is, deciding both in one pass: 'i' (*i and *d set), 'f' (*d set) or 0. */
char num_classify(struct slice s, int64_t *i, double *d);

/* Text that num_parse_* reads back equal; shortest; no point when integral below 2^53; "null" for
 * what is not finite. Returns the length; NUL-terminated. */
#define NUM_TEXT_MAX 32
size_t num_format_double(char out[NUM_TEXT_MAX], double d);
size_t num_format_int(char out[NUM_TEXT_MAX], int64_t i);

/* Sizes of the command line: 90, 4KB (1000), 4KiB (1024), MB, MiB, GB, GiB, TB, TiB. */
bool num_parse_size(const char *s, uint64_t *bytes);
/* PCT: "1", "1%", "0.5%" to a fraction of 1; refuses what is outside [0, 100]. */
bool num_parse_percent(const char *s, double *fraction);
/* "1.4 MiB", "312 B": for people. */
size_t num_format_size(char out[NUM_TEXT_MAX], double bytes);
/* "1,234,567": for people. */
size_t num_format_grouped(char out[NUM_TEXT_MAX], int64_t i);

#endif
