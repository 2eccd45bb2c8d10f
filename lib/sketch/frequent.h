/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Heavy hitters with bounds: which values are frequent, and how often at least and at most.
 *
 * Source: Anderson, Bevin, Lang, Liberty, Rhodes & Thaler 2017, "A high-performance algorithm for
 * identifying frequent items in data streams": a Misra-Gries table whose counters are all lowered
 * by their median when it is full; the sum of what was taken is the error of every count. In front
 * of a table that was full once stands a gate, as in Homem & Carvalho 2010, "Finding top-k elements
 * in data streams" (their filter): values that the table does not know are only counted in a cell
 * that they share, until the cell holds total >> lg_max; so the many values that are never seen
 * again cost one addition. What a cell holds was taken from the counts of its values at most.
 *
 * With m slots the error is at most 1 / m (gate) and 2.67 / m (medians of three quarters of the
 * slots) of all values seen: 4,096 slots miss nothing above 0.1 %. Merging adds tables and errors;
 * bounds hold after any merging.
 *
 * Values are known by their 64-bit hash; of the text of a value the first FREQUENT_TEXT bytes are
 * kept. */
#ifndef FORELINE_FREQUENT_H
#define FORELINE_FREQUENT_H

#include "base/base.h"

#define FREQUENT_LG 12
#define FREQUENT_LG_MIN 4
#define FREQUENT_LG_MAX 16
#define FREQUENT_TEXT 256

struct frequent_slot {
    uint64_t hash, count; /* 0: empty; the hash 0 is stored as 1 */
};
struct frequent_text {
    uint32_t at, len;
};
struct frequent {
    /* Open addressing by groups of four slots, one line of cache each; NULL while empty. */
    struct frequent_slot *slots;
    struct frequent_text *texts; /* of the slots: where in `text` */
    void *memory;                /* of both */
    uint32_t lg, lg_max;         /* slots now and at most: 2^lg */
    uint32_t n;                  /* used */
    uint64_t total;              /* values seen */
    uint64_t error;              /* every count may be too low by this much: lowered + held */
    uint64_t lowered;            /* by medians, and by merging */
    uint64_t held;               /* the most that a cell of the gate holds */
    uint64_t emptied;            /* of `lowered`: what was taken from the cells of the gate */
    uint16_t *gate;              /* 2^(lg_max + 1) cells; NULL until the table was full */
    uint64_t *known; /* 2^(lg_max + 4) bits, with the gate: set for every hash in the table */
    char *text;      /* of all slots, packed */
    uint32_t text_len, text_cap;
};
/* lg_max within FREQUENT_LG_MIN … FREQUENT_LG_MAX. Nothing is allocated before the first value. */
void frequent_init(struct frequent *f, unsigned lg_max);
void frequent_release(struct frequent *f);
/* The value with this hash was seen `count` more times. */
void frequent_add(struct frequent *f, uint64_t hash, struct slice text, uint64_t count);
/* Counts once each hash that needs no text: those in the table, and those that the gate holds back.
 * Of the others the indices go to `rest`, for frequent_add. The indices of what is not in the table
 * go to `fresh`; returns how many. Both have room for n. A hash of 0 becomes 1. */
size_t frequent_screen(struct frequent *f, uint64_t *hashes, uint32_t n, uint32_t *fresh,
                       uint32_t *rest, uint32_t *nrest);
/* What is kept of a text: whole UTF-8 characters within FREQUENT_TEXT bytes. */
struct slice frequent_cut(struct slice text);
/* Takes the smaller lg_max. All counters of both come together before the table is cut down to its
 * limit, so that it makes no difference which of the two is merged into which; and none at all in
 * which order, as long as all values fit. */
void frequent_merge(struct frequent *f, const struct frequent *other);
/* Down to the `keep` largest counters; the next largest count becomes part of the error (Agarwal &
 * al. 2013, "Mergeable summaries", section 3), and is taken from all: the upper bounds stay. */
void frequent_reduce(struct frequent *f, uint32_t keep);
/* What was added is all that is left of `total` values, and every count may be too low by `error`
 * more. */
void frequent_assume(struct frequent *f, uint64_t total, uint64_t error);

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
