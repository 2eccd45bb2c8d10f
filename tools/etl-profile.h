/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the parts of etl-profile share: its options, and the table for people. */
#ifndef FORELINE_ETL_PROFILE_H
#define FORELINE_ETL_PROFILE_H

#include "cli/cli.h"
#include "base/buf.h"
#include "profile/baseline.h"
#include "profile/profile.h"
#include "store/store.h"

struct etl_profile_opts {
    struct common_opts common;
    const char *input; /* NULL: by name or content */
    int delimiter;     /* 0: by format, else by content */
    int quote, escape; /* 0: by content */
    bool no_header;
    const char *dataset;
    double sample;
    int64_t seed;
    bool fast;
    const char *window, *slide, *time, *partition_by;
    double lateness; /* seconds */
    int64_t max_partitions;
    const char *records;
    int64_t threads; /* 0: as many as may be used */
    const char *compare;
    struct opt_list fail_on;
    double min_effect;
};
#define ETL_PROFILE_OPTS_INIT                                                           \
    {                                                                                   \
        .common = {.format = "auto"}, .sample = 1, .seed = 1996, .max_partitions = 100, \
        .min_effect = DRIFT_EFFECT,                                                     \
    }
extern const struct tool etl_profile_tool;

/* What the input is divided into; false after a usage error. */
bool etl_profile_parts(const struct etl_profile_opts *o, struct profile_parts *out);
/* On stderr: how the input was read. */
void etl_profile_notes(const char *name, const struct profile_result *r, bool no_header);
/* And what was wrong with the records of a profile. */
void etl_profile_faults(const char *name, const struct profile_result *r);
/* The profile as a table; `name` is what the user called the input. */
void etl_profile_table(struct buf *out, const char *name, const struct rec_profile *p);

/* -- what a profile is held against -- */
struct gate {
    struct baseline *file;       /* of --compare FILE, or NULL */
    bool compare, last;          /* at all; with the last profile in the store */
    bool schema, drift, said_no; /* --fail-on; a verdict said no */
    double quality;              /* NAN: not asked for */
    double effect;
};
/* False after a usage error. */
bool etl_profile_gate_init(struct gate *g, const struct etl_profile_opts *o);
bool etl_profile_gate_open(struct gate *g, const char *compare, struct err *err);
void etl_profile_gate_close(struct gate *g);
/* What follows a profile record: drift and verdicts, for pipes and for people. */
struct gate_out {
    struct buf records, people;
    bool ok; /* no verdict said no */
};
#define GATE_OUT_INIT                                          \
    {                                                          \
        BUF_INIT(BUF_UNBOUNDED), BUF_INIT(BUF_UNBOUNDED), true \
    }
/* `name` for messages, `subject` for verdicts; the store may be NULL. False when BASE does not fit.
 */
bool etl_profile_gate(struct gate *g, struct store *s, const char *name, const char *subject,
                      const struct profile *p, struct arena *a, const struct rec_profile *r,
                      struct gate_out *out, struct err *err);

#endif
