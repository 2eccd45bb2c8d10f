/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is known of one column, kept up a batch at a time. Internal to profile/. */
#ifndef FORELINE_PROFILE_COLUMN_H
#define FORELINE_PROFILE_COLUMN_H

#include "profile/figures.h"
#include "profile/formats.h"
#include "rec/rec.h"
#include "sketch/distinct.h"
#include "sketch/frequent.h"
#include "sketch/moments.h"
#include "sketch/tails.h"
#include "table/batch.h"

/* Kinds of values: the types, and beside them codes with leading zeros, which are strings. */
#define KIND_ZERO_CODE TYPE_COUNT
#define KINDS (TYPE_COUNT + 1)
/* Of the smallest and largest text this much is kept. */
#define EXTREME_MAX 1024

/* Sizes of the sketches. Wide tables have smaller ones, so that memory stays bounded; the errors
 * in the record say so. */
struct column_sizes {
    uint32_t kll_k;
    unsigned frequent_lg, distinct_p;
    unsigned seen_lg; /* of the hashes seen last, with `fast`: 2^seen_lg of them */
    bool fast;        /* no quantiles, frequent values, outliers and formats */
    bool json; /* quoted texts are strings, whatever they look like; {…} and […] are json */
};
void column_sizes_init(struct column_sizes *s, uint32_t ncols, bool fast, bool json);

/* Values are looked at this many at a time, so that their bytes stay in the nearest cache. */
#define COLUMN_CHUNK 256
/* Work space for one chunk of one column, shared by all columns. */
struct column_scratch {
    const struct text *value; /* the values: the column's own, or `valid` where some are null */
    bool dense;               /* value[i] is of row i, else of row[i] */
    struct text valid[COLUMN_CHUNK];
    uint32_t row[COLUMN_CHUNK], fresh[COLUMN_CHUNK], rest[COLUMN_CHUNK];
    uint8_t kind[COLUMN_CHUNK], format[COLUMN_CHUNK];
    /* The first 8 bytes and the 8 behind them, big end first, filled with 0: words that order as
     * the bytes do. */
    uint64_t prefix[COLUMN_CHUNK], tail[COLUMN_CHUNK];
    uint32_t len_min, len_max;
    uint64_t len_sum;
    uint64_t hash[COLUMN_CHUNK], element[COLUMN_CHUNK];
    double number[COLUMN_CHUNK];
    char room[COLUMN_CHUNK][TEXT_ROOM]; /* short texts that have no room behind them */
};
static inline uint64_t column_line_at(const struct column_scratch *w, const uint64_t *line,
                                      uint32_t i)
{
    return line == NULL ? 0 : line[w->dense ? i : w->row[i]];
}

struct extreme {
    char *p; /* EXTREME_MAX bytes at most */
    uint32_t len;
    uint64_t prefix; /* the first 8 bytes, big end first */
    bool cut;
};

/* Elements of the values that are arrays. */
struct element_counts {
    uint64_t arrays, total;
    uint32_t min, max; /* UINT32_MAX, 0: no arrays */
};

struct column_state {
    uint64_t values, nulls, bytes;
    uint64_t kinds[KINDS];
    uint64_t first_line[KINDS]; /* 0: unknown */
    uint64_t first_null;
    int64_t int_min, int_max;
    double float_min, float_max;
    int64_t time_min, time_max; /* of timestamps, microseconds */
    struct element_counts elements;
    struct extreme min, max;
    struct moments moments;
    struct distinct distinct;
    struct frequent frequent;
    struct kll *kll;     /* NULL until there is a number */
    struct tails *tails; /* likewise */
    uint64_t formats[FORMATS];
    uint64_t format_miss[FORMATS]; /* line of the first string that is not of this format */
    struct column_figures figures; /* not with --fast */
    uint64_t seed;
    /* Hashes seen lately, each at its place: what is there was counted as distinct before. Only
     * with `fast`; else the table of frequent values does the same. */
    uint64_t *seen;
    uint32_t seen_off; /* chunks to go without it, where hardly any value comes again */
};
void column_state_init(struct column_state *c, const struct column_sizes *s, uint64_t seed);
/* Quantiles and tails come with the first number. */
void column_state_needs_numbers(struct column_state *c, const struct column_sizes *s);
void column_state_release(struct column_state *c);
/* Rows of one batch; `line` may be NULL. */
void column_state_add(struct column_state *c, const struct column_sizes *s,
                      const struct column *col, uint32_t rows, const uint64_t *line,
                      struct column_scratch *w);

/* Adds what is known of other rows of the same column. */
void column_state_merge(struct column_state *c, const struct column_sizes *s,
                        const struct column_state *other);

/* The narrowest type that holds every value. */
enum type column_state_type(const struct column_state *c);
/* Values of the kind of most values; *first_line (may be NULL): of the first other one. */
uint64_t column_state_consistent(const struct column_state *c, uint64_t *first_line);
/* The record, in `a`; `name` is kept. */
void column_state_finish(const struct column_state *c, const struct column_sizes *s,
                         struct arena *a, const char *name, struct rec_column *out);
/* Format f holds for nearly all values (then values that break it are an issue). */
bool column_state_has_format(const struct column_state *c, unsigned f);

#endif
