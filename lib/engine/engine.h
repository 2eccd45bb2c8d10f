/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs one bound pipeline: sources push column batches through the stages, outputs appear together
 * at the end, every stage's figures are measured.
 *
 * Not here: planning, run records and the store (engine/run.h), the command line (tools/etl-run.c).
 *
 * How it works. Each stage is an operator behind one small table of functions (engine/op.h). A
 * source (read, a command without input) makes batches; each stage hands every consumer the same
 * reference-counted batch. An operator that must see one input whole first (a join its right side,
 * a union its earlier inputs) does not accept the other yet: the engine keeps those batches in that
 * input's queue (engine/queue.h), on disk beyond a bound. Sources run one after another in an order
 * that lets such inputs end first, so the queues stay empty unless both sides come from one source.
 *
 * Where a source has several lanes (engine_opts.lanes, or the plan's parallelism of its stage), its
 * input is cut into pieces that as many threads work on; operators that cannot do that, commands
 * and outputs are served in the order of pieces, while the other threads go on. The threads start
 * when there is enough to do. All callbacks come from one thread at a time, but not always the
 * caller's.
 *
 * Order and bytes of an output depend on the input alone: no operator emits in hash order, sums are
 * exact before their one rounding (engine/exact.h), so they may be split among threads at will.
 *
 * Publication. A write goes to a hidden sibling of its path. When all stages have ended, all
 * outputs are made ready (synced) and then renamed one after the other; when anything fails before,
 * none is. One exception follows from what commands are: before a command stage starts, the outputs
 * it comes after are published, because it could not see them otherwise. A stage that reads what
 * another writes reads the hidden file.
 *
 * Rejects. A record that a reader cannot take or an expression fails on is put aside whole. An
 * absolute limit is looked at with every batch, a limit in percent of the records read before
 * anything is published.
 */
#ifndef FORELINE_ENGINE_H
#define FORELINE_ENGINE_H

#include <signal.h>

#include "base/base.h"
#include "pipeline/pipeline.h"
#include "rec/rec.h"

/* --max-rejects N|PCT%. Not given: 0, or no limit when there is a reject file. */
struct engine_limit {
    bool given, percent;
    double value; /* records, or a fraction of 1 */
};
bool engine_limit_parse(const char *text, struct engine_limit *out);

/* What a caller may show while a run goes on, some ten times a second. */
struct engine_view_stage {
    const char *id, *operation;
    bool begun, done;
    double wall_s, cpu_s;
    double records_in, records_out;   /* so far */
    double memory_bytes, limit_bytes; /* now held (at the end: the most it held), and that it may
                                         hold; 0: no limit */
    double spilled_bytes;
};
struct engine_view {
    const struct engine_view_stage *stages; /* in the order of the pipeline */
    uint32_t nstages;
    const char *stage;             /* that feeds at the moment */
    double read_bytes, size_bytes; /* of all read stages; size NAN when unknown */
    double records;                /* read so far */
};

/* What is about to have, or has, an effect that stays: for a journal (engine/journal.h). */
enum engine_step_kind {
    STEP_STARTS, /* a command or an sql stage */
    STEP_ENDED,  /* the same, well */
    STEP_READY,  /* outputs that are whole and synced, and will be renamed now */
};
struct engine_output {
    uint32_t stage;
    const char *hidden; /* the name it has now */
};
struct engine_step {
    enum engine_step_kind kind;
    uint32_t stage;                      /* not of STEP_READY */
    const struct engine_output *outputs; /* STEP_READY */
    uint32_t noutputs;
    const uint64_t *rejects; /* of each stage, so far */
};
/* What a run that goes on with another one has already (engine/resume.h). */
struct engine_kept {
    bool kept;          /* the stage is not run */
    bool skipped;       /* with kept: nor was it ever; all that needs it is skipped too */
    const char *hidden; /* of a write: ready under this name, to be published with the rest */
};

/* More threads than this are not had. */
#define LANES_MAX 256

struct allotments;
struct sample_run;
struct engine_stage;
struct engine_opts {
    const struct rec_plan *plan;   /* algorithms by stage; or NULL */
    struct allotments *allotments; /* memory of the stages (engine/allocation.h); NULL: what the
                                      plan says, and no more */
    uint32_t lanes;                /* threads a source may have; 0: as planned (no plan: 1) */
    uint32_t piece_rows;           /* records taken at a time, at most; 0: BATCH_ROWS */
    const char *reject_path;       /* or NULL */
    struct engine_limit max_rejects;
    const struct engine_kept *kept;    /* one per stage, or NULL. All that a stage that is run takes
                                          rows from is run too */
    int data_fd;                       /* rows of a write to "-" */
    struct sample_run *sample;         /* of engine/sample.h: nothing is published; or NULL */
    const volatile sig_atomic_t *stop; /* a signal that asks to end; or NULL */
    void *ctx;
    void (*progress)(void *ctx, const struct engine_view *v);     /* or NULL */
    void (*ended)(void *ctx, const struct engine_view_stage *s);  /* or NULL */
    void (*log)(void *ctx, const char *stage, struct slice text); /* a command's stderr */
    /* Of each stage that runs: "START", now and then "RUNNING" (every `running_s`; 0: never), and
     * how it ended, a write only when it is published; in any order between stages. The figures are
     * valid during the call; NULL at the start. By the caller's thread. Or NULL. */
    void (*stage)(void *ctx, uint32_t stage, const char *type, const struct engine_stage *s);
    double running_s;
    void (*note)(void *ctx, const char *stage, const char *text);          /* for -v; or NULL */
    void (*warning)(void *ctx, const char *stage, const char *text);       /* or NULL */
    void (*retrying)(void *ctx, const char *stage, const struct err *why); /* or NULL */
    /* True when it is remembered: outputs that are ready then outlive a run that cannot publish
     * them. Or NULL. */
    bool (*step)(void *ctx, const struct engine_step *s);
};

struct engine_stage {
    struct rec_stage_figures used; /* p50 == p95 == measured */
    const char *status;            /* completed, failed, cancelled, skipped, kept */
    const char *algorithm;         /* that ran: "hash", "nested_loop", "sort", …; or NULL */
    uint64_t rejects;
    uint32_t lanes;       /* threads that worked on it, at least 1 */
    double spilled_bytes; /* written to scratch files; in no other figure. NAN: did not run */
    struct rec_allocated allocated; /* set by run_pipeline */
};
struct engine_result {
    struct engine_stage *stages; /* one per stage of the pipeline, same order; in the run's arena */
    uint64_t rejects, records_read;
    const char *first_reject; /* "FILE:LINE: reason", or NULL */
    const char *last_words;   /* of the command that failed; or NULL */
    bool cancelled;
    bool published; /* some output has appeared */
};

/* Runs it to the end. `a` keeps the result. On false, `err` names the stage and nothing was
 * published but what a command needed; its kind is the exit status. ERR_AGAIN never comes out. The
 * result is filled in either case. */
bool engine_run(struct pipeline *p, const struct engine_opts *o, struct arena *a,
                struct engine_result *out, struct err *err);

/* A file that an option names must be none that the pipeline reads or writes: it would be lost.
 * Else false with ERR_USAGE. */
bool engine_keeps_apart(const struct pipeline *p, const char *option, const char *path,
                        struct err *err);

/* Bytes of a batch as its figures count them: 8 for a number, 1 for a boolean, its length for any
 * other value, 0 for null, and one separator per field. */
uint64_t engine_batch_bytes(const struct batch *b);

#endif
