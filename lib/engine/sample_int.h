/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of sampling mode say to each other; see sample.h for what they do together. */
#ifndef FORELINE_ENGINE_SAMPLE_INT_H
#define FORELINE_ENGINE_SAMPLE_INT_H

#include "engine/groups.h"
#include "engine/keys.h"
#include "engine/op.h"
#include "engine/op_read.h"
#include "engine/sample.h"
#include "sketch/estimate.h"
#include "table/blocks.h"

/* Names of columns and stages of ours; a pipeline file does not use such. */
#define SAMPLE_UNIT "foreline:unit"
#define SAMPLE_LO "foreline:lo:"
#define SAMPLE_HI "foreline:hi:"
#define SAMPLE_COUNT "foreline:n"
/* The unit of a record that is certain to be in the sample. */
#define UNIT_CERTAIN (-1)

enum sample_method { SAMPLE_WHOLE, SAMPLE_BLOCKS, SAMPLE_RECORDS, SAMPLE_KEY };
const char *sample_method_name(enum sample_method m);

struct sample_source { /* a read */
    uint32_t stage;
    enum sample_method method;
    const char *key; /* SAMPLE_KEY */
    uint32_t cls;    /* … and which reads go by the same */
    double bytes;    /* stored; INFINITY: a stream */
    bool seekable;
    struct blocks *blocks;   /* one per path; SAMPLE_BLOCKS */
    struct reader_opts opts; /* … and how they are read: the dialect as found */
    struct reader *stream;   /* opened beforehand; or NULL */
    struct op_intake intake; /* its sink */
    uint64_t **ends;         /* per path: where each block ends in what is read */
    uint32_t path;           /* being read */
    uint32_t first_pair;     /* of that path */
    uint32_t frame;          /* index; SAMPLE_WHOLE: none */
    bool ended;              /* read to the end of what was drawn */
    uint64_t seen;           /* records that came by, at the tag */
    bool few_keys;           /* its key does not do */
};

enum sample_grade {
    GRADE_EXACT,
    GRADE_SAMPLE,
    GRADE_ESTIMATE, /* groups of a sample; their measures are estimated */
    GRADE_SEEN,     /* distinct records of a sample */
    GRADE_NOTHING,  /* rows that say nothing of the whole */
    GRADE_ABSENT,   /* does not run */
};
struct sample_stage {
    enum sample_grade grade;
    const char *why;         /* NOTHING, ABSENT, SEEN */
    bool by_join;            /* NOTHING, because of how inputs were sampled: another way may do */
    bool unit;               /* its rows carry one */
    bool hidden;             /* … and bounds of measures */
    const char *out;         /* the stage of the new pipeline that has its rows; NULL: absent */
    struct text_list bounds; /* columns that have hidden bounds beside them */
    int tally;               /* that counts its rows, or -1 */
    bool forgiven;           /* records it failed on were left out without a word */
    int groups;              /* that knows its groups, or -1 */
    bool aggregated;         /* an aggregate stands before it */
};

/* Sums by group and unit. */
struct sample_cell {
    uint32_t group, unit;
    double n, bytes;
};
struct sample_tally {
    struct groups groups;
    bool total; /* no `by` */
    bool sizes; /* it knows the bytes of its records */
    double certain_bytes;
    uint32_t nby, nmeasures, n; /* n: groups, after sample_tally_sort */
    struct sample_cell *cells;
    double *sums; /* per cell and measure: values, sum */
    uint32_t ncells, cap;
    uint32_t *slots;
    size_t mask;
    double *certain; /* per group: records, then per measure values and sum, of certain records */
    uint32_t certain_cap;
    bool *negative;  /* per measure: a value below 0 was seen */
    uint32_t *first; /* per group: its cells in `sorted`; after sample_tally_sort */
    uint32_t *sorted;
    bool done;
    double once, twice; /* groups that are in one unit, in two; after sample_tally_sort */
    double any;         /* records */
    struct arena mem;
};
struct sample_rows { /* of a write */
    struct buf text; /* JSON objects, commas between them */
    uint64_t kept, left;
};

enum sample_role { ROLE_NONE, ROLE_READ, ROLE_TAG, ROLE_TALLY, ROLE_ESTIMATE, ROLE_COLLECT };
struct sample_part { /* a stage of the new pipeline */
    enum sample_role role;
    uint32_t of;    /* source (READ, TAG), tally (TALLY, ESTIMATE), write (COLLECT: its rows) */
    uint32_t stage; /* of the user's, UINT32_MAX: none */
};
struct sample_mark { /* CPU time and records of a stage at an early moment */
    double cpu_s;
    uint64_t records_in;
};

struct sample_run {
    struct pipeline *p; /* the user's */
    struct pipeline q;  /* that runs */
    const struct sampling_opts *o;
    struct arena *a;
    struct sample_source *sources;
    uint32_t nsources;
    int *source_of; /* by stage of p; -1 */
    struct sample_stage *stages;
    uint32_t nclasses;
    struct estimate_frame *frames;
    uint32_t nframes;
    struct sample_part *parts; /* by stage of q */
    uint32_t nparts;
    struct sample_tally *tallies;
    uint32_t ntallies;
    struct sample_rows *rows;  /* by stage of p */
    struct sample_mark *marks; /* by stage of q; NULL before */
};

/* -- sample_choose.c -- */
/* Which reads are sampled and how; grades of all stages. p is bound but for streams, which are
 * opened here. */
bool sample_choose(struct sample_run *r, struct err *err);
void sample_sources_close(struct sample_run *r);
/* -- sample_grade.c -- */
/* The grades as the methods of the sources have them; how many stages tell nothing because of
 * them. */
uint32_t sample_grade(struct sample_run *r);
/* The class that a column of a stage's output carries the key of; -1: none. */
int sample_class_of(const struct sample_run *r, uint32_t stage, const char *column);
/* -- sample_rewrite.c -- */
/* Makes and binds q. */
bool sample_rewrite(struct sample_run *r, struct err *err);
/* -- sample_tally.c -- */
void sample_tally_sort(struct sample_tally *t);
struct estimate sample_tally_groups(const struct sample_run *r, const struct sample_tally *t);
/* Estimated records, all groups together. */
struct estimate sample_tally_records(const struct sample_run *r, const struct sample_tally *t);
/* Bytes of the records, where it knows them. */
struct estimate sample_tally_bytes(const struct sample_run *r, const struct sample_tally *t);
extern const struct op_class op_tally_class, op_estimate_class;
/* -- sample_ops.c -- */
extern const struct op_class op_sample_read_class, op_tag_class, op_collect_class;
/* A stage that fails on rows of which some figure is unknown leaves them out, and does not reject
 * them: nothing is wrong with the data. */
bool sample_forgives(struct sample_run *r, uint32_t stage);
/* The class of a stage of q; `dflt` when it is none of ours. */
const struct op_class *sample_class(const struct sample_run *r, uint32_t stage,
                                    const struct op_class *dflt);
/* -- sample_figures.c -- */
void sample_report(struct sample_run *r, const struct engine_result *ran,
                   struct sample_result *out);

#endif
