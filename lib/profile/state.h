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

struct profile {
    struct schema schema; /* in `mem` */
    bool json;
    struct profile_opts o;
    struct column_sizes sizes;
    struct column_state *columns; /* schema.n */
    struct column_scratch *scratch;
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
/* The last pending faults, when no rows will come any more. */
void profile_settle(struct profile *p);

#endif
