/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a profile is made of. Internal to profile/. */
#ifndef FORELINE_PROFILE_STATE_H
#define FORELINE_PROFILE_STATE_H

#include "base/rng.h"
#include "profile/column.h"
#include "profile/profile.h"

/* A fault of a record that has not been counted yet. */
struct pending {
    uint64_t line; /* anywhere within the record */
    bool delivered;
};

/* What the crew knows of a profile: see crew.c. */
struct lanes {
    uint32_t n, columns;   /* lanes, and columns in each */
    unsigned jobs;         /* batches not yet gathered */
    uint64_t busy;         /* lanes at work */
    uint64_t scan, behind; /* of one look for work: lanes that an earlier batch still waits for */
};

struct profile {
    struct schema schema; /* in `mem` */
    bool json;
    struct profile_opts o;
    struct column_sizes sizes;
    struct column_state *columns; /* schema.n */
    struct lanes lanes;
    struct rng rng;
    uint64_t delivered, profiled;
    uint64_t malformed, lost; /* records with a fault; of these not delivered */
    uint64_t bytes;           /* as profile_finish was told */
    bool seeds;               /* of the sample: several, in a merged profile */
    struct pending *pending;  /* faults of the batch that comes next */
    size_t npending, pending_cap;
    struct arena mem; /* of the schema and the faults */
    struct profile_fault *faults;
    size_t nfaults;
};

/* For one of `profiles` that live at the same time: sketches as in a table of so many times the
 * columns. */
struct profile *profile_new_among(const struct schema *s, bool json, const struct profile_opts *o,
                                  uint64_t profiles);
/* With sketches of these sizes. */
struct profile *profile_new_sized(const struct schema *s, bool json, const struct profile_opts *o,
                                  const struct column_sizes *sizes);
/* profile_add in its parts: `rows` of the rows of `b` are of this profile, and so are the faults
 * told since the last call; then the column work on those of them that the sample took (it takes
 * the caller's reference on `b`). */
void profile_count(struct profile *p, const struct batch *b, uint32_t rows);
void profile_rows(struct profile *p, struct batch *b);
/* The rows that a sample takes, as bits (BATCH_WORDS words). Each record is drawn for by itself, so
 * the choice does not depend on how records fall into batches. */
void profile_sample(struct rng *rng, double rate, uint32_t rows, uint64_t *keep);
/* The row that a line belongs to: the last one that begins at or before it. */
uint32_t profile_row_of(const struct batch *b, uint64_t line);

extern const char profile_not_utf8[];
/* Faults with a known place: adds `count` of them, the first being `f`. */
void profile_fault_add(struct profile *p, const struct profile_fault *f);
/* Columns [from, to) of the batch, as far as there are such. */
void profile_gather(struct profile *p, const struct batch *b, uint32_t from, uint32_t to,
                    struct column_scratch *w);
/* The last pending faults, when no rows will come any more; all batches are gathered then. */
void profile_settle(struct profile *p);

#endif
