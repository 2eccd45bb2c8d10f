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
    struct pending *pending;  /* faults of the batch that comes next */
    size_t npending, pending_cap;
    struct arena mem; /* of the schema and the faults */
    struct profile_fault *faults;
    size_t nfaults;
};

extern const char profile_not_utf8[];
/* Faults with a known place: adds `count` of them, the first being `f`. */
void profile_fault_add(struct profile *p, const struct profile_fault *f);
/* Columns [from, to) of the batch, as far as there are such. */
void profile_gather(struct profile *p, const struct batch *b, uint32_t from, uint32_t to,
                    struct column_scratch *w);
/* The last pending faults, when no rows will come any more; all batches are gathered then. */
void profile_settle(struct profile *p);

#endif
