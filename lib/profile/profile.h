/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The data characteristic profile of a stream of batches, in one pass and bounded memory.
 *
 * Batches come from a reader in raw mode (all text); values get their types here
 * (table/value.h), so that every value is counted as what it is. Estimates come from lib/sketch and
 * carry their errors. Not here: reading (table/), the record's text (rec/), the command line.
 *
 * Quality, over the cells (records times columns) that were profiled:
 *   completeness  share of the cells that are not null
 *   consistency   share of the non-null values that are of the kind of most values of their column
 *                 (integer, float and codes with leading zeros are one kind)
 *   accuracy      share of the records that are well formed (as many fields as the header, quotes
 *                 that close, JSON that is JSON, UTF-8, …); a fault of the file as a whole counts
 *                 as one record that is not
 *   score         their product: the share of cells that are present and of their column's kind,
 *                 in the measure that records are well formed
 * So a value that turns null, or turns into another kind than its column's, or a record that is
 * damaged or lost, never raises the score (as long as the kind of most values stays the same).
 *
 * schema_evolution_probability comes from the store, see profile/evolution.h.
 */
#ifndef FORELINE_PROFILE_H
#define FORELINE_PROFILE_H

#include <signal.h>

#include "rec/rec.h"
#include "table/reader.h"

/* A text that is no table can make a column of every second byte, and each takes 2.3 kB (measured
 * with a million of them): so this is 1.2 GB. For reader_opts.columns_max. */
#define PROFILE_COLUMNS_MAX 500000

struct profile_opts {
    double sample_rate; /* Bernoulli by record; 1: all */
    uint64_t seed;      /* of the sample and of the sketches */
    bool fast;          /* types, counts, moments and distinct only */
    struct crew *crew;  /* who gathers (profile/crew.h), outliving the profile; NULL: the caller */
};

/* Bad records of one rule: the first, and how many. */
struct profile_fault {
    const char *rule, *reason; /* the reason of the first */
    const char *column;        /* or NULL */
    uint64_t line, count;
    uint64_t byte; /* of the input as stored, for faults that have such a place; else 0 */
};

struct profile;
/* `s` (of the reader, raw) is copied; `json`: the input is JSON lines. */
struct profile *profile_new(const struct schema *s, bool json, const struct profile_opts *o);
void profile_free(struct profile *p);
/* The batch is not kept. Bad records of its rows must have been told before. */
void profile_add(struct profile *p, struct batch *b);
/* A bad_record_fn with the profile as context. */
void profile_bad(void *profile, const struct bad_record *bad);
/* Counts rows with text that is not UTF-8 as malformed; before profile_add of the same batch. For
 * inputs where the reader has seen such bytes (reader_stats.latin1), as it costs a look at all. */
void profile_check_utf8(struct profile *p, const struct batch *b);
/* Adds what `other` knows, of other records with the same columns (ERR_DATA when they are not; then
 * p is as it was). Counts, types, minima, maxima and distinct values as in one pass over both;
 * moments within 1e-12; quantiles and frequent values within their bounds. Which of the two is
 * merged into which makes no difference. */
bool profile_merge(struct profile *p, const struct profile *other, struct err *err);
/* All but dataset, partition and schema_evolution_probability (NULL, NULL, NAN); strings in `a` or
 * in the schema. `bytes`: of data, as read. records_per_second comes from the first timestamp
 * column (records over the time they span) and is NAN without one. */
void profile_finish(struct profile *p, struct arena *a, uint64_t bytes, struct rec_profile *out);

/* How many numbers of column c lie in each of nbars equal parts of [lo, hi], lo < hi, for pictures:
 * estimates beyond 4,096 numbers. False, with nothing set, when the column is not of numbers or was
 * profiled fast. */
bool profile_histogram(const struct profile *p, uint32_t c, double lo, double hi, double *bars,
                       size_t nbars);

/* -- a whole input -- */
/* What one input is divided into: windows of records or of time, and within them partitions; all 0:
 * nothing, one profile of it all. See profile/route.h. */
struct profile_parts {
    uint64_t window, slide;      /* in records; window a multiple of slide */
    int64_t window_us, slide_us; /* or in time, likewise */
    int64_t lateness_us;         /* windows of time wait so long for records */
    const char *time;            /* column with the time of a record; NULL: found, else arrival */
    const char *by;              /* column of the partitions, or NULL */
    uint32_t max_partitions;     /* further values go together; with `by` at least 1 */
};
/* More panes a window is not made of. */
#define PROFILE_PANES_MAX 1024

struct profile_result {
    struct rec_profile record;
    bool is_part;    /* a window or a partition, not the whole input */
    bool by_arrival; /* a window of time, and the records have none */
    const struct profile_fault *faults;
    size_t nfaults;
    uint64_t delivered; /* records that could be profiled, before sampling */
    struct reader_stats stats;
};
/* Takes a finished profile: its record (which it may complete: dataset and the like) and the state
 * behind it, both gone when it returns; what it needs longer it copies. False (with err) ends the
 * run. */
typedef bool profile_emit_fn(void *ctx, const struct profile *p, struct arena *a,
                             struct profile_result *r, struct err *err);
/* What becomes of the bytes of an input beside being profiled; all 0: nothing. */
struct profile_intake {
    /* Gets each byte as it is stored, in order, also what the profile has no use for; false (with
     * err) ends the run. Or NULL. */
    bool (*tap)(void *ctx, const char *p, size_t n, struct err *err);
    void *tap_ctx;
    /* Not NULL: the path is followed as `tail -F` does until *stop is not 0 (standard input is just
     * read). A file that takes its place may begin with the same header line. */
    const volatile sig_atomic_t *stop;
    bool no_header; /* followed: a further file has no header */
};
struct profile_input {
    const char *path;                    /* "-": stdin */
    const struct reader_opts *opts;      /* raw is set here */
    const struct profile_parts *parts;   /* or NULL */
    const struct profile_intake *intake; /* or NULL; not with blocks */
    double block_rate; /* of the file, in random blocks: see profile/sample.h; 0 or 1: all. Not with
                          parts; the sample of records (profile_opts) is 1 then */
    void (*tick)(void *ctx, uint64_t read_bytes); /* now and then; or NULL */
    void *tick_ctx;
    profile_emit_fn *emit;
    void *emit_ctx;
    /* Looks at all there is, before it is profiled, sampled or not: at the columns once, at every
     * batch in order. NULL: nobody does. */
    void (*begin)(void *ctx, const struct schema *s, bool json);
    void (*look)(void *ctx, const struct batch *b);
    void *look_ctx;
};
/* Opens, reads to the end, profiles, and gives what is finished to `emit`: each window as it ends.
 * On false `err` says why (ERR_ENV cannot open or read, ERR_DATA not readable as records, or a time
 * column without times; ERR_USAGE no such column). */
bool profile_run(const struct profile_input *in, const struct profile_opts *o, struct err *err);

#endif
