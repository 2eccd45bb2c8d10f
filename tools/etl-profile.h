/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the parts of etl-profile share: its options, and the table for people. */
#ifndef FORELINE_ETL_PROFILE_H
#define FORELINE_ETL_PROFILE_H

#include "cli/cli.h"
#include "base/buf.h"
#include "profile/baseline.h"
#include "profile/expect.h"
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
    const char *sample_by; /* record block */
    int64_t seed;
    bool fast;
    const char *window, *slide, *time, *partition_by;
    double lateness; /* seconds */
    int64_t max_partitions;
    const char *records;
    bool tee, follow;
    int64_t threads; /* 0: as many as may be used */
    const char *compare;
    struct opt_list fail_on;
    double min_effect;
    const char *expect, *write_schema;
    bool sketches, merge;
};
#define ETL_PROFILE_OPTS_INIT                                                           \
    {                                                                                   \
        .common = {.format = "auto"}, .sample = 1, .sample_by = "record", .seed = 1996, \
        .max_partitions = 100, .min_effect = DRIFT_EFFECT,                              \
    }
extern const struct tool etl_profile_tool;

/* False after a usage error: options that do not go together. */
bool etl_profile_usage(const struct etl_profile_opts *o, char **files, size_t nfiles);
/* What the input is divided into; false after a usage error. */
bool etl_profile_parts(const struct etl_profile_opts *o, struct profile_parts *out);
/* Where the bytes go by the options (--tee), and whence they come (--follow, whose signals it
 * catches). *tee_failed is set when stdout takes no more. */
void etl_profile_intake(struct profile_intake *in, const struct etl_profile_opts *o,
                        bool *tee_failed);
/* Before hours of work: can FILE of --records be there at all? (With --tee the data goes on anyway,
 * so that is not asked.) */
bool etl_profile_records_check(const struct etl_profile_opts *o, struct err *err);
/* --records FILE, whole or not at all; gives the status. */
int etl_profile_write_records(const char *path, const struct buf *records);
/* On stderr: how the input was read. */
void etl_profile_notes(const char *name, const struct profile_result *r, bool no_header);
/* And what was wrong with the records of a profile. */
void etl_profile_faults(const char *name, const struct profile_result *r);

/* -- the store: NULL is none; what fails there is a warning -- */
/* schema_evolution_probability, from the history of the dataset. */
void etl_profile_consult(struct store *s, struct arena *a, struct rec_profile *r);
/* Keeps the record (its line, with newline) and an image of the profile. */
void etl_profile_remember(struct store *s, const struct profile *p, const struct rec_profile *r,
                          struct slice line);
/* The last profile of the dataset: its record, and its state when there is an image that can be
 * read (profile_free it). False when nothing is known of it, or (with err) it cannot be read. */
bool etl_profile_last(struct store *s, struct arena *a, const char *dataset,
                      const struct rec_profile **record, struct profile **state, struct err *err);

/* -- profiles to records and back -- */
/* The sketch records of p, whose record is r. */
void etl_profile_sketches(const struct profile *p, const struct rec_profile *r,
                          void (*put)(void *ctx, const struct buf *line), void *ctx);
/* Reads the records of FILE…, forwards them, gives what they merge to to `emit`. */
void etl_profile_merge(const struct etl_profile_opts *o, char **files, size_t nfiles, bool forward,
                       profile_emit_fn *emit, void *ctx, int *status);

/* -- what a profile is held against -- */
struct gate {
    struct baseline *file;       /* of --compare FILE, or NULL */
    struct profile *state;       /* of the last profile in the store, or NULL */
    bool compare, last;          /* at all; with the last profile in the store */
    bool schema, drift, said_no; /* --fail-on; a verdict said no */
    bool lost;                   /* there is a store, and it cannot be read */
    const char *told;            /* the input of which people know what cannot be compared */
    double quality;              /* NAN: not asked for */
    double effect;
    struct expect *expect;  /* of --expect, or NULL */
    struct expect_run *run; /* of the input in hand */
    bool by_position;       /* the input has no names */
};
/* False after a usage error. */
bool etl_profile_gate_init(struct gate *g, const struct etl_profile_opts *o);
bool etl_profile_gate_open(struct gate *g, const struct etl_profile_opts *o, struct err *err);
void etl_profile_gate_close(struct gate *g);
/* Is anything held against the last profile in the store? */
bool etl_profile_gate_needs_store(const struct gate *g);
#define GATE_VERDICTS 4
/* What follows a profile record: drift and verdicts, for pipes and for people. */
struct gate_out {
    struct buf records, people;
    bool ok;                       /* no verdict said no */
    const struct rec_drift *drift; /* or NULL; in the arena, as what verdicts point to */
    struct rec_verdict verdicts[GATE_VERDICTS];
    unsigned nverdicts;
};
#define GATE_OUT_INIT                                                          \
    {                                                                          \
        BUF_INIT(BUF_UNBOUNDED), BUF_INIT(BUF_UNBOUNDED), true, NULL, {{0}}, 0 \
    }
void gate_out_release(struct gate_out *out);
/* `name` for messages, `subject` for verdicts; the store may be NULL. False when BASE does not fit.
 */
bool etl_profile_gate(struct gate *g, struct store *s, const char *name, const char *subject,
                      const struct profile *p, struct arena *a, const struct rec_profile *r,
                      struct gate_out *out, struct err *err);
/* begin and look of struct profile_input; ctx: the gate. */
void etl_profile_gate_begin(void *ctx, const struct schema *s, bool json);
void etl_profile_gate_look(void *ctx, const struct batch *b);
/* What --expect says of the input in hand, when it is at its end: into `out`, on stderr. */
void etl_profile_gate_end(struct gate *g, const char *name, const char *subject, struct arena *a,
                          struct gate_out *out);

/* For people: `name` is what the user called the input, `p` the state behind the record or NULL
 * (then distributions are drawn from the quantiles). */
void etl_profile_table(struct buf *out, const char *name, const struct profile *p,
                       const struct rec_profile *r);

/* One page of HTML for all inputs, complete in itself: no script, nothing fetched. */
struct etl_profile_page {
    struct buf index, sections; /* as inputs come */
    unsigned inputs;
};
#define ETL_PROFILE_PAGE_INIT                               \
    {                                                       \
        BUF_INIT(BUF_UNBOUNDED), BUF_INIT(BUF_UNBOUNDED), 0 \
    }
void etl_profile_page_add(struct etl_profile_page *page, const char *name, const struct profile *p,
                          const struct rec_profile *r, const struct gate_out *held);
/* The whole page behind `out`; the page is empty again. */
void etl_profile_page_write(struct buf *out, struct etl_profile_page *page);

/* Parts of the page: a value of the record (a number, or a string in JSON; empty: unknown), bars in
 * a box of w times h (`small`: without the hints at each), all of one column. */
void etl_profile_value(struct buf *out, struct slice json);
struct etl_profile_bars;
void etl_profile_draw(struct buf *out, const struct etl_profile_bars *b, double w, double h,
                      bool small);
void etl_profile_page_gate(struct buf *out, const struct gate_out *held);
void etl_profile_page_issues(struct buf *out, const struct rec_profile *r);
void etl_profile_card(struct buf *out, unsigned input, uint32_t i, const struct profile *p,
                      const struct rec_column *c);

/* Of a window or a partition only? */
bool etl_profile_is_part(const struct rec_profile *p);
/* What verdicts are about. Of several about one subject the last wins, so parts have names of their
 * own. NULL: nameless. */
const char *etl_profile_subject(struct arena *a, const struct rec_profile *p, bool is_part);
/* An issue in words, without its column; text from the data is not masked. */
void etl_profile_issue_words(struct buf *out, const struct rec_profile *p,
                             const struct rec_issue *issue);
/* All issues (nissues), most telling first. From *n on they are of nulls, where those are many: one
 * line is enough, as every column says of its own. */
const struct rec_issue **etl_profile_issues(struct arena *a, const struct rec_profile *p,
                                            uint32_t *n);

/* The distribution of a column of numbers in n bars of equal width; bar[] holds counts. */
#define ETL_PROFILE_BARS_MAX 32
struct etl_profile_bars {
    size_t n; /* in: at most; out: how many */
    double lo, hi, bar[ETL_PROFILE_BARS_MAX];
    double outside; /* values below lo or above hi */
    double whole;   /* whole numbers to a bar, whose edges lie between them; 0: not of integers */
};
/* false: there is none to draw. */
bool etl_profile_bars(const struct profile *p, uint32_t index, const struct rec_column *c,
                      struct etl_profile_bars *b);

#endif
