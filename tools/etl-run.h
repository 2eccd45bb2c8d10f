/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The options of etl-run, and what its parts share. */
#ifndef FORELINE_ETL_RUN_H
#define FORELINE_ETL_RUN_H

#include <signal.h>

#include "base/arena.h"
#include "base/instant.h"
#include "base/num.h"
#include "cli/chain.h"
#include "cli/cli.h"
#include "cli/report.h"
#include "engine/run.h"
#include "engine/sample.h"
#include "pipeline/pipeline.h"
#include "plan/plan.h"
#include "rec/rec.h"
#include "store/store.h"

struct etl_run_opts {
    struct common_opts common;
    const char *pipeline;
    struct opt_list params;
    const char *against;
    const char *rtol;
    const char *mode; /* or NULL: the plan's */
    int64_t threads;  /* 0: as planned */
    double sample;    /* a share, of --mode sampling */
    int64_t seed;
    const char *reject;
    const char *max_rejects;
    bool lock, no_wait;
    bool validate, dry_run;
    const char *deadline;
    bool ignore_verdicts;
    const char *records;
    const char *resume; /* NULL, or the beginning of a run's id, "" for the last */
};
#define ETL_RUN_OPTS_INIT                                                          \
    {                                                                              \
        .common = {.format = "auto"}, .sample = SAMPLE_RATE_DEFAULT, .seed = 1996, \
    }
extern const struct tool etl_run_tool;

/* A pipeline that is to be run: what the chain or the planner says of it. */
struct job {
    struct rec_plan plan;
    const struct rec_execution_profile *predicted; /* or NULL */
    const struct pipeline *loaded; /* of -p: its file and lines stand in messages; or NULL */
};

/* What somebody at a terminal sees while a pipeline runs. */
struct watch {
    struct live live;
    const struct job *job;
    double begun_s;     /* clock_wall */
    const char **early; /* lines of stages that ended before there was anything to say */
    uint32_t nearly;
    bool lines;         /* a line for each stage that ends, where nothing can be drawn */
    double predicted_s; /* of the run; NAN when unknown */
    double looked_s;    /* at the view before */
    double *records;    /* of each stage, then */
    double *per_s;      /* smoothed */
    uint32_t nstages;
};

/* What the parts of the program share. */
struct app {
    struct etl_run_opts opts;
    struct arena mem;
    struct chain chain;
    struct job *jobs;
    uint32_t njobs;
    struct rec_profile *profiles;
    uint32_t nprofiles;
    struct rec_execution_profile *predictions;
    uint32_t npredictions;
    struct rec_verdict *verdicts; /* the last of each check and subject */
    uint32_t nverdicts;
    struct engine_limit limit;
    struct pipeline against; /* of --against, loaded; or empty */
    double rtol;
    struct store *store;
    struct watch watch;
    struct rec_environment *environments;
    uint32_t nenvironments;
    struct rec_allocation *allocations;
    uint32_t nallocations;
    struct http_sender *events; /* to OPENLINEAGE_URL, or NULL */
    bool people, silent;        /* silent: no records on stdout */
    bool stdin_taken;           /* by records, or kept for rows */
    int data_fd;
};

/* -- etl-run-records.c: records in and out -- */
/* Reads PLAN or stdin, forwards it, keeps what it knows. With -p records are optional: they are
 * read where somebody sends some, from a pipe or a file. */
bool read_records(struct app *app, const char *operand, struct err *err);
/* Names the verdicts that say no; true when nothing may run: then the completion of every plan, or
 * of `p` of -p, has been written. */
bool refused(struct app *app, const struct pipeline *p);
/* The completion of a run that was asked for and never began: "refused", "failed", …. Not of a mere
 * check. */
void not_begun(struct app *app, const struct rec_plan *plan, const char *status, const char *why);
/* The same, and the error on stderr; gives the status to end with. */
int job_fail(struct app *app, const struct rec_plan *plan, const char *status,
             const struct err *err);
/* For run_pipeline: where records go, how people hear of things. */
struct run_opts run_options(struct app *app);
void emit(void *ctx, struct slice line);

/* -- etl-run-job.c: one job after the other; each gives a status -- */
/* Makes the job of -p: predicted and planned here. */
int plan_here(struct app *app, struct pipeline *p);
/* A plan like that, which is not a job; it lives as long as the app. */
bool plan_for(struct app *app, struct pipeline *p, const struct rec_execution_profile **x,
              struct plan_result *out, struct err *err);
/* Checks a loaded pipeline, says what is wrong or odd, runs nothing. */
int check_only(struct app *app, struct pipeline *p);
int run_job(struct app *app, struct job *job);
/* Does the pipeline read rows from stdin? */
bool reads_stdin(const struct pipeline *p);

/* -- etl-run-resume.c: going on with an earlier run -- */
/* --resume cannot do without the store; `err` may hold why it could not be opened. */
bool resume_store(const struct app *app, struct err *err);
/* The run to go on with; NULL without --resume. */
bool resume_job(struct app *app, const struct pipeline *p, const char **run_id, struct err *err);
/* Says what is kept and why the rest is run; for run_opts, the app as ctx. */
void resume_say(void *ctx, const struct pipeline *p, const struct resume *r);
/* The same without running; a status. */
int resume_show(struct app *app, const struct pipeline *p);

/* -- etl-run-live.c: what people see while it runs -- */
void watch_start(struct app *app, const struct job *job);
void watch_view(struct app *app, const struct engine_view *v);
void watch_ended(struct app *app, const struct engine_view_stage *s);
void watch_done(struct app *app);
/* -- etl-run-shadow.c: what a candidate is compared with -- */
/* Checks --against and --rtol beside the other options. STATUS_OK, or the status of a usage error.
 */
int shadow_options(struct app *app);
bool shadow_load(struct app *app, const struct param *params, struct err *err);
/* What run_opts need of a job in mode shadow; `other` is released by the caller. */
bool shadow_job(struct app *app, struct shadow_opts *o, struct pipeline *other, struct err *err);
/* Tells people, or the log, what the verdict is; gives the status. */
int shadow_tell(const struct app *app, const struct run_result *r);

/* -- etl-run-http.c: events to a server; none of these fails a run or holds it up -- */
void events_open(struct app *app);
void events_send(void *ctx, struct slice line); /* for run_opts */
/* Gives what waits some seconds; one warning tells what was not sent. */
void events_close(struct app *app, bool stopped);

/* -- etl-run-show.c: what people see -- */
/* Figures in words; "?" for what is unknown. */
const char *count_text(char out[NUM_TEXT_MAX], double v);
const char *time_text(char out[INSTANT_TEXT], double v);
const char *size_text(char out[NUM_TEXT_MAX], double v);
void show_plan(const struct job *job);
void show_completion(const struct rec_completion *c);
/* What a pipeline would read, run and write, a line each. */
void show_datasets(const struct pipeline *p);

/* -- etl-run-sample.c -- */
/* Runs it on a sample: records, or tables for people, tell what all of it would take and give. */
int sample_job(struct app *app, struct job *job, struct pipeline *p);
/* The same mode by option or by plan. */
bool is_sampling(const char *mode);
/* The job of -p, which needs no plan. */
void sample_here(struct app *app, const struct pipeline *p);

/* -- etl-run-wait.c: when a plan may start -- */
/* A queued plan waits until there is room for it; ERR_AGAIN when it must not wait. A signal ends
 * the waiting with false. */
bool wait_for_room(struct arena *a, struct job *job, bool no_wait, const char *deadline,
                   const volatile sig_atomic_t *stop, struct err *err);
/* Has the file that this plan came from another version now? Then a text to warn with, else NULL.
 */
const char *changed_since(struct arena *a, const struct rec_plan *plan);

#endif
