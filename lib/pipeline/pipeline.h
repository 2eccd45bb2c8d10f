/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pipeline file of contracts.md section 3: read, parameters filled in, checked before anything
 * runs.
 *
 * Data flow: pipeline_load (text to stages; structure is checked) -> pipeline_bind (inputs are
 * opened, schemas flow down, expressions are compiled, every column and type is checked) -> engine.
 */
#ifndef FORELINE_PIPELINE_H
#define FORELINE_PIPELINE_H

#include "base/arena.h"
#include "base/base.h"
#include "json/json.h"
#include "pipeline/expr.h"
#include "rec/rec.h"
#include "table/reader.h"

enum op {
    OP_READ,
    OP_WRITE,
    OP_FILTER,
    OP_DERIVE,
    OP_SELECT,
    OP_RENAME,
    OP_JOIN,
    OP_AGGREGATE,
    OP_SORT,
    OP_DISTINCT,
    OP_UNION,
    OP_LIMIT,
    OP_COMMAND,
    OP_SQL,
};
#define OP_COUNT 14
const char *op_name(enum op op);

enum join_type { JOIN_INNER, JOIN_LEFT, JOIN_SEMI, JOIN_ANTI };
enum measure_kind {
    MEASURE_COUNT,
    MEASURE_SUM,
    MEASURE_MIN,
    MEASURE_MAX,
    MEASURE_MEAN,
    MEASURE_STDDEV,
    MEASURE_DISTINCT,
    MEASURE_APPROX_DISTINCT,
    MEASURE_QUANTILE,
    MEASURE_FIRST,
    MEASURE_LAST,
};
struct named_expr { /* derive's `set`, aggregate's measures */
    const char *name;
    const char *source; /* jq text; NULL for count */
    struct expr *expr;  /* after bind */
    enum measure_kind measure;
    double q;       /* quantile */
    enum type type; /* of the result, after bind */
};
struct sort_key {
    const char *column;
    bool descending;
    uint32_t index; /* after bind */
};
struct join_key {
    const char *left, *right;
    uint32_t left_index, right_index; /* after bind */
};
struct text_list {
    const char **items; /* NULL-terminated */
    uint32_t n;
};

struct stage {
    const char *id;
    enum op op;
    uint32_t line;    /* in the pipeline file; 0 from a plan */
    uint32_t *inputs; /* stage indices, in the order of the file's `input`/`inputs` */
    uint32_t ninputs;
    uint32_t *
        after; /* further stages that must end first: `after`, and writers of a path that is read */
    uint32_t nafter;
    double cpu_cores, memory_gb, gpus; /* `resources`; NAN when not given */
    double timeout_s;                  /* 0: none */
    int64_t retries;
    struct text_list
        env; /* NAME=VALUE; values of ${env:…} are filled in late, see pipeline_secret */
    union {
        struct {
            struct text_list paths; /* absolute, globs expanded at bind */
            struct reader_opts opts;
            bool from_stage; /* a path that another stage writes */
        } read;
        struct {
            const char *path; /* absolute, or "-" */
            enum format format;
            const char *compress; /* NULL, "gzip", "zstd" */
        } write;
        struct {
            const char *where;
            struct expr *expr;
        } filter;
        struct {
            struct named_expr *set;
            uint32_t n;
        } derive;
        struct {
            struct text_list columns;
            uint32_t *index; /* after bind */
        } select;
        struct {
            struct text_list from, to;
        } rename;
        struct {
            struct join_key *on;
            uint32_t n;
            enum join_type type;
        } join;
        struct {
            struct text_list by;
            uint32_t *by_index;
            struct named_expr *measures;
            uint32_t n;
        } aggregate;
        struct {
            struct sort_key *by;
            uint32_t n;
        } sort;
        struct {
            struct text_list by; /* empty: the whole record */
            uint32_t *by_index;
        } distinct;
        struct {
            int64_t count;
        } limit;
        struct {
            const char *run;
            enum format format;             /* of rows on stdin and stdout */
            struct text_list reads, writes; /* paths are absolute; URLs as they are */
            bool shadow_safe, is_source, is_filter, is_sink; /* none: it only runs */
            struct text_list commutes_with;
        } command;
        struct {
            const char *connection, *statement; /* secrets not filled in */
            struct text_list reads, writes;     /* as of a command */
            bool shadow_safe;
        } sql;
    } u;
    uint32_t *consumers; /* stages that read the output, ascending */
    uint32_t nconsumers;
    /* after bind */
    bool bound;           /* schema, indices and expressions are set */
    struct schema schema; /* of the output; empty for write and sinks */
    uint64_t *live;       /* bit per output column: something downstream reads it */
    bool
        schema_late; /* only the running command or an earlier writer can tell: bound at run time */
};

/* Batches that wait in memory for the other side of a join, or an earlier one of a union, when one
 * source feeds both: at most so many bytes, the rest waits on disk. */
#define PIPELINE_QUEUE_BYTES ((size_t)64 << 20)

struct pipeline {
    struct arena mem;
    const char *name;
    const char *path; /* of the file, for messages; NULL from a plan */
    const char *base; /* absolute folder */
    const char *code_version;
    const char *schedule;    /* or NULL */
    struct json *definition; /* parameters filled in, secrets not */
    struct stage *stages;    /* in the order of the file */
    uint32_t nstages;
    uint32_t *order;           /* a topological order, stable by file order */
    struct text_list warnings; /* for --validate */
};

struct param {
    const char *name, *value;
};
/* Reads and checks the structure. Every error is "FILE:LINE: stage 'x': what: remedy" (ERR_DATA;
 * ERR_ENV when the file cannot be read; ERR_USAGE for an unknown parameter). */
bool pipeline_load(struct pipeline *p, const char *path, const struct param *params, size_t nparams,
                   struct err *err);
/* The same from a plan's or execution_profile's `definition`. */
bool pipeline_from_definition(struct pipeline *p, const struct json *definition, const char *base,
                              const char *code_version, struct err *err);
void pipeline_release(struct pipeline *p);
/* The code_version of a file as it is now: to notice that it changed since a plan was made. */
#define PIPELINE_VERSION_MAX 80
bool pipeline_code_version(const char *path, char out[PIPELINE_VERSION_MAX], struct err *err);
int pipeline_find(const struct pipeline *p, const char *id);
/* Does the stage run outside of the engine: a command, or SQL? What it does there cannot be taken
 * back, and only running it tells its rows. */
static inline bool stage_is_outside(const struct stage *s)
{
    return s->op == OP_COMMAND || s->op == OP_SQL;
}
/* The paths and URLs that a read reads, or a stage outside says it reads; never NULL. */
const struct text_list *stage_reads(const struct stage *s);
/* Those that a stage outside says it writes (the path of a write is its own); never NULL. */
const struct text_list *stage_writes(const struct stage *s);
/* Opens inputs for their columns, lets schemas flow, checks and compiles. `profiles`: of the chain,
 * for types (may be NULL). Reports the first error; warnings are collected. */
bool pipeline_bind(struct pipeline *p, const struct rec_profile *profiles, size_t nprofiles,
                   struct err *err);
/* Binds what was `schema_late`, now that stage i's real output schema is known. */
bool pipeline_bind_late(struct pipeline *p, uint32_t i, const struct schema *s, struct err *err);
/* Readers of stage i's output (indices ascending). */
const uint32_t *pipeline_consumers(const struct pipeline *p, uint32_t i, uint32_t *n);
/* Text with ${env:NAME} filled in (arena); ERR_DATA when NAME is not set. Never stored or printed.
 */
bool pipeline_secret(struct arena *a, const char *text, const char **out, struct err *err);
/* Adds the values that pipeline_secret would fill in, where set and not empty: to hide them in what
 * a command says. They belong to the environment, the list to the arena. */
void pipeline_secret_values(struct arena *a, const char *text, struct text_list *values);
/* Hash of what stage i does and reads: equal signatures are comparable across runs. SHA256_HEX
 * bytes. */
void pipeline_signature(const struct pipeline *p, uint32_t i, char *out);
/* Are the n named columns of stage s's output, in any order, the first keys of a sort stage that
 * nothing between has undone? Changes `names` to what they are called there. */
bool pipeline_is_sorted_by(const struct pipeline *p, const struct stage *s, const char **names,
                           uint32_t n);
/* Joins, transformations (filter, derive, aggregate, sort, …) and longest path, for `complexity`.
 */
struct pipeline_complexity {
    uint32_t joins, transformations, depth;
};
void pipeline_complexity(const struct pipeline *p, struct pipeline_complexity *out);

#endif
