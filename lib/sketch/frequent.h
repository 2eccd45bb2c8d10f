/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Heavy hitters with bounds: which values are frequent, and how often at least and at most.
 *
 * Source: Anderson, Bevin, Lang, Liberty, Rhodes & Thaler 2017, "A high-performance algorithm for
 * identifying frequent items in data streams": a Misra-Gries table whose counters are all lowered
 * by their median when it is full; the sum of what was taken is the error of every count. With m
 * slots the error is at most 3.5 / m of all values seen (their bound), so 4,096 slots miss nothing
 * above 0.1 %. Merging adds tables and errors; bounds hold after any merging, though the figures
 * depend on its order.
 *
 * Values are known by their 64-bit hash; of the text of a value the first FREQUENT_TEXT bytes are
 * kept. */
#ifndef FORELINE_FREQUENT_H
#define FORELINE_FREQUENT_H

#include "base/base.h"

#define FREQUENT_LG 12
#define FREQUENT_TEXT 256

struct frequent_slot {
    uint64_t hash;
    uint64_t count; /* 0: empty */
    uint32_t at, len;
};
struct frequent {
    struct frequent_slot *slots; /* open addressing; NULL while empty */
    uint32_t lg, lg_max;         /* slots now and at most: 2^lg */
    uint32_t n;                  /* used */
    uint64_t total;              /* values seen */
    uint64_t error;              /* every count may be too low by this much */
    char *text;                  /* of all slots, packed */
    uint32_t text_len, text_cap;
};
/* lg_max within 4 … 16. Nothing is allocated before the first value. */
void frequent_init(struct frequent *f, unsigned lg_max);
void frequent_release(struct frequent *f);
/* The value with this hash was seen `count` more times. */
void frequent_add(struct frequent *f, uint64_t hash, struct slice text, uint64_t count);
/* Takes the smaller lg_max. */
void frequent_merge(struct frequent *f, const struct frequent *other);

struct frequent_item {
    struct slice text; /* in the sketch; the first FREQUENT_TEXT bytes */
    uint64_t hash;
    uint64_t lower, upper; /* the true count lies between */
};
/* The values that may have been seen at least `at_least` times, most frequent first, then by bytes,
 * at most `max` of them; returns how many. */
size_t frequent_top(const struct frequent *f, uint64_t at_least, struct frequent_item *out,
                    size_t max);

#endif
