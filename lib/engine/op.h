/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the engine and its operators say to each other. Internal to lib/engine.
 *
 * An operator keeps its state in op->state. The engine calls `open` once, when the schemas of all
 * inputs are known and before anything else; then `push` and `finish` per input, as often as the
 * input has batches and once at its end, in order; sources get `step` instead until they say there
 * is no more; `close` in any case, also after errors. After the last `finish` (or step) an operator
 * has emitted all it will.
 *
 * `push` borrows its batch: who keeps it takes a reference. `op_emit` borrows too: callers unref.
 */
#ifndef FORELINE_ENGINE_OP_H
#define FORELINE_ENGINE_OP_H

#include "engine/engine.h"
#include "os/os.h"

struct oper;
struct engine;
struct op_class {
    bool (*open)(struct oper *op, struct err *err);
    bool (*push)(struct oper *op, uint32_t input, struct batch *b, struct err *err);
    bool (*finish)(struct oper *op, uint32_t input, struct err *err);
    bool (*step)(struct oper *op, bool *more, struct err *err); /* sources only */
    void (*close)(struct oper *op);
    /* May input be pushed now? NULL: always. Once true for an input it stays true. */
    bool (*accepts)(const struct oper *op, uint32_t input);
};

struct op_port { /* one input */
    struct batch **queue;
    size_t head, len, cap;
    bool ended;    /* the stage before has nothing more */
    bool finished; /* `finish` was called */
};
struct op_edge { /* one reader of the output */
    uint32_t stage, input;
};

struct oper {
    struct engine *e;
    struct stage *stage;
    uint32_t index;
    const struct op_class *cls;
    void *state;
    struct arena mem;         /* for the state; charged to acct */
    struct mem_account *acct; /* outlives the operator: its batches may travel on */
    struct op_port *ports;
    uint32_t nports;
    struct op_edge *out;
    uint32_t nout;
    bool opened, done, satisfied, draining;
    bool late;   /* schema comes at run time */
    bool needed; /* somebody listens; see engine.c */
    /* figures */
    uint64_t records_in, records_out, bytes_in, bytes_out, read_bytes, write_bytes, rejects;
    double cpu_s, first, last; /* clock_wall; first < 0: nothing seen yet */
    double extra_cpu_s;        /* of a command's process tree */
    uint64_t extra_peak;
    const char *algorithm;
};

struct rejects;
struct engine {
    struct pipeline *p;
    const struct engine_opts *o;
    struct oper *ops;
    uint32_t nops;
    uint32_t *feed; /* sources, in the order they run */
    uint32_t nfeed;
    struct arena mem;
    struct rejects *rejects;
    struct oper *running; /* whose CPU time it is */
    double mark;          /* clock_thread at the last switch */
    bool recheck;         /* a gate may have opened */
    bool some_satisfied;
    int failed; /* index of the stage that failed, or -1 */
    bool published;
    double size_bytes;
};

/* Hands a batch to all consumers. */
bool op_emit(struct oper *op, struct batch *b, struct err *err);
/* The operator wants no more input (limit): its sources are told when nobody else listens. */
void op_satisfied(struct oper *op);
/* Puts the failed rows of a batch aside. false when the limit is passed. `r` may be NULL when
 * nothing failed. */
bool op_reject_rows(struct oper *op, struct batch *b, const struct expr_result *r,
                    const char *column, struct err *err);
/* Says, to who wants to know, which engine runs an expression (NULL: none). */
void op_note_expr(const struct oper *op, const char *field, const struct expr *e);
/* The bits of rows 0 to n - 1. */
void bits_all(uint64_t *bits, uint32_t n);
uint32_t bits_count(const uint64_t *bits, uint32_t n);
/* Row numbers of the set bits, ascending; gives their count. */
uint32_t bits_list(const uint64_t *bits, uint32_t rows, uint32_t *list);
static inline bool bit_get(const uint64_t *bits, uint32_t i)
{
    return (bits[i >> 6] >> (i & 63)) & 1;
}
static inline void bit_set(uint64_t *bits, uint32_t i)
{
    bits[i >> 6] |= UINT64_C(1) << (i & 63);
}

/* Has a signal asked to end? Then `err` says so. */
bool engine_stopped(const struct engine *e, struct err *err);
/* Before a command: makes the outputs it comes after visible (and looks at the reject limit). */
bool engine_publish_before(struct engine *e, uint32_t stage, struct err *err);
/* Charges the time since the last switch to the running stage and lets `op` run; gives the one
 * before. */
struct oper *engine_switch(struct engine *e, struct oper *op);

/* Where a written path can be read before it is published: its hidden file, or NULL. */
const char *write_hidden_path(const struct engine *e, const char *path);
/* The last lines a command said, or "". */
const char *command_last_words(const struct oper *op);
/* Of a write stage: ready (synced, closed), visible, gone. */
bool write_ready(struct oper *op, struct err *err);
bool write_commit(struct oper *op, struct err *err);

extern const struct op_class op_read_class, op_write_class, op_filter_class, op_derive_class,
    op_select_class, op_rename_class, op_join_class, op_aggregate_class, op_sort_class,
    op_distinct_class, op_union_class, op_limit_class, op_command_class;

#endif
