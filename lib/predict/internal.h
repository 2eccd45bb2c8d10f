/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of predict/ say to each other; see predict.h for what they do together. */
#ifndef FORELINE_PREDICT_INTERNAL_H
#define FORELINE_PREDICT_INTERNAL_H

#include <math.h>

#include "model/line.h"
#include "model/robust.h"
#include "predict/predict.h"

/* Runs shorter than this differ by what the system does meanwhile, not by their work: cold caches,
 * page faults, clock ticks. Errors count relative to the figure plus this. */
#define CPU_GRAIN_S 0.001
#define MEMORY_GRAIN 65536.0

/* -- priors.c: what a stage's work costs -- */

/* What costs are linear in. */
enum feature {
    F_ONE,           /* once per run */
    F_RECORDS_IN,    /* of the left side, for a join; of the source, for a read */
    F_BYTES_IN,      /* likewise; as the engine counts them (a read: as they stand in the file) */
    F_RECORDS_OUT,   /* an aggregate's or distinct's groups */
    F_BYTES_OUT,     /* */
    F_RECORDS_RIGHT, /* of the right side of a join */
    F_BYTES_RIGHT,   /* */
    F_EVALS,         /* evaluations of a vectorised expression or measure */
    F_JQ_EVALS,      /* evaluations in libjq */
    F_JQ_PROGRAMS,   /* programs that libjq has to compile */
    F_COMPARES,      /* n log2 n of a sort */
    F_PACKED_BYTES,  /* of data that goes through gzip or zstd */
    F_BATCH_BYTES,   /* of one batch of the output (a write: of the input) */
    F_STATES,        /* an aggregate's groups times its measures */
    F_WIDE,          /* its sums of floats that need more than a few words to be exact */
    F_MISSES,        /* records looked up (or sorted) times how far what is kept outgrows caches */
    F_VALUES,        /* values that quantiles and distinct counts of an aggregate keep */
    F_QUEUED,        /* bytes that wait for the other side of a join or an earlier one of a union */
};
#define F_COUNT 18
struct work {
    double f[F_COUNT];
};
/* Rows of the table: an operation, or a variant of one that costs otherwise. */
enum prior_row {
    PRIOR_READ_JSONL = OP_COUNT,
    PRIOR_WRITE_JSONL,
    PRIOR_COUNT,
};
struct prior {
    const char *name;
    double cpu_s[F_COUNT];
    double memory_bytes[F_COUNT];
};
extern const struct prior prior_table[PRIOR_COUNT];
/* Seconds that the calibration of calibrate.c took on the machine that the table was measured on.
 */
extern const double prior_calibration_s;
unsigned prior_row_of(const struct stage *s);
double prior_cpu_s(unsigned row, const struct work *w);
double prior_memory_bytes(unsigned row, const struct work *w);

/* -- calibrate.c -- */
/* CPU seconds of a fixed piece of our kind of work; the best of a few repetitions. */
double calibrate_seconds(void);

/* -- flow.c: sizes along the graph -- */

struct flow_column {
    const char *name;
    const struct rec_column *stat; /* of the source it comes from; NULL: computed or unknown */
    double width;                  /* bytes as the engine counts them, separator included */
};
struct flow {
    struct rec_figure records, bytes;
    struct flow_column *columns; /* NULL: not known */
    uint32_t ncolumns;
    double source_records; /* that the statistics of the columns describe; NAN unknown */
};
/* p95 over p50 of a size that rests on statistics of single columns taken as independent. */
#define STATS_FACTOR 1.25
const struct flow_column *flow_column(const struct flow *f, const char *name);
/* Of a read: what it delivers, by the columns of the profile. */
void flow_source(struct arena *a, const struct stage *s, const struct rec_profile *profile,
                 struct rec_figure records, struct rec_figure bytes, struct flow *out);
/* The output of stage `s` by rules and statistics alone. `in`: one per input of the stage, of which
 * it has at least one. Bytes follow from the columns; *why (in `a`) says how records were found. */
void flow_through(struct arena *a, const struct stage *s, const struct flow *const *in,
                  struct flow *out, const char **why);
/* Groups among `n` records by the named columns (all when none are named), by distinct counts. NAN
 * when one is not known. `careful` assumes that columns vary together somewhat (p50), else not. */
double flow_groups(const struct flow *f, const struct text_list *by, double n, bool careful);
double flow_width(const struct flow *f); /* bytes per record; NAN unknown */

/* -- source.c: how much there is to read -- */
struct source {
    struct rec_figure records, bytes; /* data, after decompression */
    double stored_bytes;              /* as it lies on disk; NAN unknown */
    bool packed;
    const struct rec_profile *profile; /* for columns; NULL */
    const char *why;
};
/* From a profile of the chain, else from the file; records NAN when neither is there. `nreads`:
 * read stages of the pipeline (one alone takes a profile without a dataset name). */
void source_find(struct arena *a, const struct stage *s, const struct predict_options *o,
                 uint32_t nreads, struct source *out);

/* -- selectivity.c -- */
/* The share of records that `where` keeps, by the statistics of the columns; *guessed is set when
 * some part of it was a convention of Selinger et al. 1979, table 1, and not a figure. */
double selectivity_of(const char *where, const struct flow *in, bool *guessed);

/* -- history.c -- */
struct past { /* one stage in one earlier run */
    struct rec_figure predicted;
    double records_in, records_out, bytes_in, bytes_out, wall_s, cpu_s, memory_bytes, read_bytes,
        write_bytes;
    bool there;
    bool same; /* signature: what it does has not changed since */
};
struct history {
    uint32_t nruns;    /* newest first */
    uint32_t nstages;  /* of the pipeline as it is now */
    struct past *rows; /* [run * nstages + stage] */
    double *weight;    /* of each run: recent ones count more */
    struct similar {
        double *cpu, *memory; /* actual / prior, of the same operation in other pipelines */
        uint32_t ncpu, nmemory;
    } similar[PRIOR_COUNT];
};
bool history_read(struct arena *a, const struct pipeline *p, struct store *s, double speed,
                  struct history *out, struct err *err);
static inline const struct past *history_at(const struct history *h, uint32_t run, uint32_t stage)
{
    return &h->rows[(size_t)run * h->nstages + stage];
}

/* -- the prediction in the making: predict.c drives, size.c fills sizes, cost.c costs -- */

struct predictor {
    struct arena *a;
    const struct pipeline *p;
    const struct predict_options *o;
    struct history history;
    struct flow *flows;     /* per stage: what it hands on */
    struct source *sources; /* per stage: of reads */
    struct rec_stage_figures *figures;
    const char **size_why;
    uint32_t *cost_runs; /* per stage: runs its CPU time was fitted to */
    bool *cost_similar;
    double speed, scale;
    uint32_t nreads;
    bool *queued; /* per stage: see queued_stages */
};

/* Sizes of a stage's work, predicted or as they once were. */
struct sizes {
    double records_in, bytes_in, records_out, bytes_out, records_right, bytes_right, packed_bytes;
    double queued_bytes;
};

/* What stage i did in an earlier run, what it is to do now: NAN where not known. `high`: at p95. */
struct sizes sizes_then(const struct predictor *k, uint32_t run, uint32_t i);
struct sizes sizes_now(const struct predictor *k, uint32_t i, bool high);
struct work work_of(const struct stage *s, const struct sizes *z);
/* Which stages' batches wait: a join takes its left side only when it has the whole right side, a
 * union its inputs one after the other; where both come from one source, the later ones queue. */
void queued_stages(const struct pipeline *p, bool *queued);
double queued_bytes(const struct stage *s, const struct sizes *z);
/* Fills flows, sources, size_why and all figures but time and memory; in topological order. */
void size_stage(struct predictor *k, uint32_t i);
/* CPU time and peak memory of a stage whose sizes are known. */
void cost_stage(struct predictor *k, uint32_t i);
/* Wall time of all stages, when all CPU times are known. */
void wall_stages(struct predictor *k);

/* How many runs' worth of evidence the spreads are that predictions begin with. */
#define PRIOR_DF 8.0

/* -- shared -- */
#define FIGURE_UNKNOWN ((struct rec_figure){NAN, NAN})
static inline struct rec_figure figure_exact(double v)
{
    return (struct rec_figure){v, v};
}
/* Both times k. */
static inline struct rec_figure figure_times(struct rec_figure f, double k)
{
    return (struct rec_figure){f.p50 * k, f.p95 * k};
}

/* Two independent uncertainties, as factors, make one: their logarithms add in squares. */
static inline double factors_join(double f, double g)
{
    double lf = f > 1 ? log(f) : 0, lg = g > 1 ? log(g) : 0;
    return exp(sqrt(lf * lf + lg * lg));
}

#endif
