/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The records of contracts.md section 2 as C structs: read from JSON (arena), written as one line.
 * Unknown numbers are NAN (or -1 for counts, said at the field) and are written null. Strings may
 * be NULL.
 */
#ifndef FORELINE_REC_H
#define FORELINE_REC_H

#include "base/arena.h"
#include "base/buf.h"
#include "json/json.h"
#include "table/batch.h"

/* A predicted figure {"p50":…,"p95":…}; NAN unknown. A measured figure has p50 == p95 and is_plain.
 */
struct rec_figure {
    double p50, p95;
};

/* Is this the record `kind` of a version we know? */
bool rec_is(const struct json *v, const char *kind);

/* -- profile -- */
#define REC_QUANTILES 7 /* 0.01 0.05 0.25 0.5 0.75 0.95 0.99 */
extern const double rec_quantile_at[REC_QUANTILES];
struct rec_top {
    struct slice value;
    double count;
    double error; /* count may be too high by this much */
};
struct rec_spelling {
    const char *text; /* as it is written */
    double count;
};
/* 95 %; NAN: unknown. */
struct rec_interval {
    double lo, hi;
};
/* Of all records, from a sample. */
struct rec_intervals {
    bool known; /* false: everything was read */
    struct rec_interval mean, null_rate, median;
};
enum rec_answer { REC_UNKNOWN, REC_NO, REC_YES };
/* Elements of the values that are JSON arrays. */
struct rec_elements {
    double arrays, min, mean, max, total; /* arrays 0: there are none, and the record says null */
};
struct rec_column {
    const char *name;
    enum type type;
    double records, nulls;
    double distinct, distinct_error; /* estimate and its standard error in values (0: exact) */
    struct slice min, max;           /* as JSON: a number or a string; empty: null */
    double mean, stddev, skewness, kurtosis;
    double quantiles[REC_QUANTILES];
    const struct rec_top *top;
    uint32_t ntop;
    double quantile_error; /* rank error, a share of the values; 0: exact */
    double outliers, outliers_error;
    const char *const *formats;
    uint32_t nformats;
    double types[TYPE_COUNT];                   /* values seen of each type; TYPE_NONE unused */
    double first_lines[TYPE_COUNT];             /* of the first of each type; 0: none, or unknown */
    double bytes;                               /* of text, for sizing */
    double length_min, length_mean, length_max; /* of the texts, in bytes */
    struct rec_elements elements;
    const struct rec_spelling *null_spellings; /* texts that often stand for null; NULL: unknown */
    uint32_t nspellings;
    const char *monotone;                /* see profile/figures.h; NULL: unknown */
    double uniqueness, uniqueness_error; /* distinct of the values that are not null; its error */
    enum rec_answer unique, constant, key_candidate;
    struct rec_intervals intervals;
};
struct rec_issue {
    const char *column; /* NULL: the record */
    const char *rule;
    double count;
    double first_line;
    const char *value; /* which one it is about, or NULL */
};
struct rec_profile {
    const char *dataset, *partition;
    const char *from, *to; /* instants or NULL */
    double first_record, last_record;
    double sample_rate, sample_seed, records_seen, records_profiled;
    double records, bytes, avg_record_size, records_per_second;
    struct rec_interval records_interval; /* NAN: counted */
    double schema_evolution_probability;
    double data_quality_score, completeness, accuracy, consistency;
    const struct rec_issue *issues;
    uint32_t nissues;
    const struct rec_column *columns;
    uint32_t ncolumns;
    const char *const *truncated;
    uint32_t ntruncated;
};
bool rec_profile_read(struct arena *a, const struct json *v, struct rec_profile *out,
                      struct err *err);
/* How many columns the data had: more than ncolumns when the record was cut (see `truncated`). */
uint32_t rec_profile_width(const struct rec_profile *p);
void rec_profile_write(struct buf *out,
                       const struct rec_profile *p); /* with newline, below 16 MiB */
const struct rec_column *rec_profile_column(const struct rec_profile *p, struct slice name);

/* -- execution_profile -- */
struct rec_stage_figures {
    const char *id, *operation;
    struct rec_figure records_in, records_out, bytes_in, bytes_out, wall_s, cpu_s,
        peak_memory_bytes, read_bytes, write_bytes;
};
/* How a stage's figures came from a sample. */
struct rec_sample_stage {
    const char *method; /* of a read: blocks, records, key, whole; else NULL */
    const char *key;    /* the column, with method key; or NULL */
    double fraction;    /* of a read: that a record is drawn; else NAN */
    struct rec_interval records_in, records_out, bytes_in, bytes_out; /* of all the data */
    const char *why; /* what is null is not known; or NULL */
};
struct rec_execution_profile {
    const char *pipeline;
    const struct json *definition; /* object, or NULL */
    const char *base, *code_version, *mode;
    struct rec_figure volume_records, volume_bytes;
    double joins, transformations, depth; /* predicted.complexity */
    const struct rec_issue *quality;
    uint32_t nquality;
    const struct rec_stage_figures *stages;
    uint32_t nstages;
    const char *basis; /* "history:3 runs", "similar", "prior", "sample:1%" */
    double sample_rate, sample_seed;
    const struct rec_sample_stage *samples; /* one per stage; NULL: not from a sample */
};
bool rec_execution_profile_read(struct arena *a, const struct json *v,
                                struct rec_execution_profile *out, struct err *err);
void rec_execution_profile_write(struct buf *out, const struct rec_execution_profile *p);

/* -- estimate: what a write would get, from a sample -- */
struct rec_estimate {
    const char *pipeline, *stage;
    const char *output; /* name of the dataset */
    double sample_rate, sample_seed;
    double records; /* NAN: not known */
    struct rec_interval records_interval;
    bool exact;        /* no input of it was sampled */
    struct slice rows; /* JSON objects with commas between them */
    double rows_left;  /* that are not in `rows` */
    const char *why;   /* there are no rows; or NULL */
};
bool rec_estimate_read(struct arena *a, const struct json *v, struct rec_estimate *out,
                       struct err *err);
void rec_estimate_write(struct buf *out, const struct rec_estimate *p);

/* -- environment -- */
struct rec_environment {
    const char *id, *kind;
    double cpu_cores, memory_gb, gpus;
    double available_cores, available_memory_gb, available_gpus;
    double price_usd_per_hour, spot_price_usd_per_hour, startup_s, speed;
    const char *exec;
};
bool rec_environment_read(struct arena *a, const struct json *v, struct rec_environment *out,
                          struct err *err);
void rec_environment_write(struct buf *out, const struct rec_environment *e);

/* -- plan -- */
struct rec_plan_stage {
    const char *id;
    int64_t order;
    const char *const *after;
    uint32_t nafter;
    const char *environment;
    double cpu_cores, memory_gb, gpus;
    int64_t parallelism;
    const char *algorithm; /* "hash", "nested_loop", …, or NULL */
    const char *build;     /* side that a hash join keeps: "left", "right"; NULL: not said */
    double start_s, end_s;
};
struct rec_plan {
    const char *id, *pipeline;
    const struct json *definition;
    const char *base, *code_version, *environment, *mode;
    const struct rec_plan_stage *stages;
    uint32_t nstages;
    double makespan_s, cost_usd; /* p50 */
    double makespan_p95_s, cost_p95_usd;
    double lower_bound, gap;                  /* seconds; (makespan - bound) / bound */
    const char *queued_reason, *queued_until; /* NULL: not queued */
    const char *const *why;
    uint32_t nwhy;
};
bool rec_plan_read(struct arena *a, const struct json *v, struct rec_plan *out, struct err *err);
void rec_plan_write(struct buf *out, const struct rec_plan *p);

/* -- sketch -- */
struct rec_sketch {
    const char *dataset, *partition;
    const char *from, *to; /* of the window: as in the profile */
    double first_record, last_record;
    const char *column; /* NULL: of the records as a whole */
    const char *kind;
    struct slice image; /* bytes; base64 in the record */
};
/* The image is decoded into `a`. */
bool rec_sketch_read(struct arena *a, const struct json *v, struct rec_sketch *out,
                     struct err *err);
/* False, and nothing written, when the line would not stay below 16 MiB. */
bool rec_sketch_write(struct buf *out, const struct rec_sketch *s);

/* -- verdict -- */
struct rec_verdict {
    const char *check, *subject;
    bool ok;
    const char *const *reasons;
    uint32_t nreasons;
    const struct json *figures;
};
bool rec_verdict_read(struct arena *a, const struct json *v, struct rec_verdict *out,
                      struct err *err);
void rec_verdict_write(struct buf *out, const struct rec_verdict *p);

/* -- drift -- */
enum rec_drift_figure {
    REC_DRIFT_NULL_RATE,
    REC_DRIFT_MEAN,
    REC_DRIFT_KS,
    REC_DRIFT_PSI,
    REC_DRIFT_TYPE,
    REC_DRIFT_FIGURES
};
extern const char *const rec_drift_figures[REC_DRIFT_FIGURES]; /* null_rate, mean, … */
/* Changes are those of the data less those of the baseline. */
struct rec_drift_column {
    const char *name;
    double psi, psi_chance; /* chance: 95 % of unchanged pairs stay below */
    double ks, ks_chance;
    double null_rate_change, null_rate_error; /* error: standard error */
    double mean_change, mean_error;
    double mean_shift;               /* |mean_change| in standard deviations */
    const char *type_from, *type_to; /* NULL: no change, or one side has no value */
    bool drifted[REC_DRIFT_FIGURES]; /* significant and of a size that matters */
};
struct rec_drift {
    const char *dataset, *partition, *baseline;
    const struct rec_drift_column *columns; /* those of both, in the order of the data */
    uint32_t ncolumns;
    const char *const *added, *const *removed;
    uint32_t nadded, nremoved;
    double alpha;  /* unchanged data gives a drifted column with this probability at most */
    double tests;  /* that alpha was divided among */
    double effect; /* least shift that matters, in standard deviations */
};
bool rec_drift_read(struct arena *a, const struct json *v, struct rec_drift *out, struct err *err);
void rec_drift_write(struct buf *out, const struct rec_drift *p);
bool rec_drift_column_drifted(const struct rec_drift_column *c);

/* -- allocation -- (RAC: the answer to a provisioning request) */
struct rec_allocation {
    const char *request, *resource_id;
    const char *status; /* ready, pending, failed */
    const char *network_address, *node_id, *template_name, *tenant, *expires_at, *reason;
};
bool rec_allocation_read(struct arena *a, const struct json *v, struct rec_allocation *out,
                         struct err *err);
void rec_allocation_write(struct buf *out, const struct rec_allocation *r);

/* -- completion -- */
/* What a stage was given to run with. */
struct rec_allocated {
    const char *provider; /* "on_demand", "warm"; NULL: nothing was allocated */
    const char *resource_id;
    double cpu_cores, memory_gb; /* NAN: no limit was set */
    double parallelism;
    const char *basis;    /* of memory_gb: resources, plan, predicted, history, machine */
    const char *enforced; /* how memory_gb was kept: spill, cgroup, watched; NULL: not */
};
void rec_allocated_write(struct jw *w, const char *name, const struct rec_allocated *r);

struct rec_completion_stage {
    struct rec_stage_figures used; /* p50 == p95 == measured; NAN unknown */
    struct rec_figure predicted_cpu_s, predicted_wall_s, predicted_peak_memory_bytes,
        predicted_records_out;
    const char *status;    /* completed, failed, cancelled, skipped, kept */
    const char *why;       /* of a resumed run: why it was kept or run; or NULL */
    double spilled_bytes;  /* to scratch files, in none of the figures above; NAN unknown */
    const char *algorithm; /* that ran; or NULL */
    struct rec_allocated allocated;
};
struct rec_completion {
    const char *pipeline, *run_id, *status, *started_at;
    const char *mode;                        /* of the plan; NULL: not known */
    double wall_s, cpu_s, peak_memory_bytes; /* of the whole process */
    double rejects;
    const struct rec_completion_stage *stages;
    uint32_t nstages;
    const char *error;        /* NULL when completed */
    const char *resumed_from; /* the run that this one went on with, or NULL */
};
bool rec_completion_read(struct arena *a, const struct json *v, struct rec_completion *out,
                         struct err *err);
void rec_completion_write(struct buf *out, const struct rec_completion *p);

#endif
