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

#include <pthread.h>

#include "engine/engine.h"
#include "engine/queue.h"
#include "os/os.h"

struct oper;
struct engine;
struct slot;
struct reject;

struct lane_seen { /* by an operator, of a piece */
    uint32_t piece, rows;
};
struct lane_expr {
    const struct expr *of;
    struct expr *own;
};

/* One thread's way through the operators.
 *
 * The input of a source is cut into pieces of whole records, in its order; a lane takes the next
 * piece and pushes its batches through the region: the operators behind the source that work in
 * lanes. Where the pieces are cut depends on the input alone. What leaves the region waits until
 * it is the piece's turn and is then delivered, serially and in the order of pieces, on whichever
 * thread; there `lane` is lane 0. So an operator that does not work in lanes has one thread at a
 * time and sees its input in order.
 *
 * How an operator works in lanes. It has `lane_open`, and `lanes` where only some of its inputs
 * do. Per input the engine calls, from one thread, lane_open for lane 0 before the first push, and
 * for the others (up to op->lanes in all) when it has become clear that there is enough to do, at a
 * moment at which nobody pushes; push, from all lanes at once, pieces in no order; after the last
 * push, again from one thread and in the order of lanes, lane_close for each; then finish. In push
 * it may write to what lane->state[op->index] points to (and charge op->acct), and read the rest.
 * An arena has one thread, so a lane's state has its own. After an error there is no lane_close:
 * lane_open notes what it makes in op->state, where `close` finds it. It must not call op_satisfied
 * in push.
 *
 * Nothing that comes out may depend on which lane had which piece: rows are brought into the order
 * of the input by lane_seq. What op_emit, op_put_aside and op_check_rejects do outside of the
 * region happens at the piece's turn, and what goes wrong is told then. A lane is not to be kept.
 */
struct lane {
    struct engine *e;
    uint32_t index;
    struct slot *slot;       /* the piece in hand, while it is not its turn (lanes.c); or NULL */
    void **state;            /* by op->index: what lane_open made of it; NULL before */
    uint32_t piece;          /* number of the one in hand, in the order of the input */
    struct lane_seen *seen;  /* by op->index */
    struct oper *running;    /* whose CPU time it is */
    double mark;             /* clock_thread at the last switch */
    struct lane_expr *exprs; /* what op_expr made */
    size_t nexprs;
    struct arena mem;
};
/* The number of a batch's first row for operator `op`, whose further rows have the numbers behind
 * it: ascending in the order of the input, whoever works on it. Asked once per batch. */
uint64_t lane_seq(const struct oper *op, struct lane *lane, uint32_t rows);
/* Expression `e` of a stage, whose input is `in`, for this lane: in lane 0 itself, in others one of
 * its own, which goes with the lane. Asked in lane_open. NULL: see err. */
struct expr *op_expr(struct lane *lane, struct expr *e, const struct schema *in, struct err *err);

struct op_class {
    bool (*open)(struct oper *op, struct err *err);
    /* NULL: not in lanes. See struct lane. */
    bool (*lane_open)(struct oper *op, struct lane *lane, uint32_t input, struct err *err);
    bool (*lane_close)(struct oper *op, struct lane *lane, uint32_t input, struct err *err);
    /* Do pushes to this input work in lanes? NULL: all do. Asked after `open`. */
    bool (*lanes)(const struct oper *op, uint32_t input);
    bool (*push)(struct oper *op, struct lane *lane, uint32_t input, struct batch *b,
                 struct err *err);
    bool (*finish)(struct oper *op, struct lane *lane, uint32_t input, struct err *err);
    /* What op_at_turn has left for the piece's turn; or NULL. */
    bool (*turn)(struct oper *op, struct slice text, uint32_t rows, struct err *err);
    /* Sources only. */
    bool (*step)(struct oper *op, struct lane *lane, bool *more, struct err *err);
    /* Sources that give pieces; NULL: only steps. `cut`: from now on no step, but take (one thread
     * at a time: the next piece; *more false: there is none, and none will be), parse (in lanes:
     * emits what is in it) and told (at its turn; `end`: there was no more). lane_open is called
     * for input 0. */
    bool (*cut)(struct oper *op);
    void *(*piece_new)(void);
    void (*piece_free)(void *piece);
    bool (*take)(struct oper *op, void *piece, bool *more, struct err *err);
    bool (*parse)(struct oper *op, struct lane *lane, void *piece, struct err *err);
    void (*told)(struct oper *op, void *piece, bool end);
    void (*close)(struct oper *op);
    /* May input be pushed now? NULL: always. Once true for an input it stays true. */
    bool (*accepts)(const struct oper *op, uint32_t input);
};

struct op_port {        /* one input */
    struct queue queue; /* what it may not take yet */
    uint32_t nlanes;    /* lanes that were opened for it and not closed */
    bool ended;         /* the stage before has nothing more */
    bool finished;      /* `finish` was called */
    bool in_region;     /* lanes push to it, at this moment */
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
    uint64_t limit_bytes;     /* of memory that this stage may hold at first; 0: none */
    struct allocation *given; /* what it may hold in the end; or NULL. See op_may_hold */
    struct op_port *ports;
    uint32_t nports;
    struct op_edge *out;
    uint32_t nout;
    uint32_t lanes;  /* threads that it may have, at most: those of the sources before it */
    uint32_t worked; /* threads that it had, with those behind it in its region */
    bool opened, done, satisfied, draining;
    bool late;   /* schema comes at run time */
    bool needed; /* somebody listens; see engine.c */
    bool kept;   /* an earlier run has done it: never run */
    bool told_start, told_end;
    double told; /* clock_wall of the last */
    /* figures */
    uint64_t records_in, records_out, bytes_in, bytes_out, read_bytes, write_bytes, rejects;
    uint64_t queued_bytes;     /* of the next, what stood in its queues */
    uint64_t spilled_bytes;    /* written to scratch files (engine/spill.h), in neither of these */
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
    struct lane main;    /* lane 0, and whoever has the turn */
    struct lane **lanes; /* at work on pieces; see lane_at in lanes.c */
    uint32_t nlanes;
    bool recheck; /* a gate may have opened */
    bool some_satisfied;
    int failed; /* index of the stage that failed, or -1 */
    bool published;
    double size_bytes;
    /* view.c */
    pthread_t thread; /* the caller's: nobody else is shown anything */
    double viewed;    /* clock_wall of the last look */
    struct engine_view_stage *view;
    const struct oper *source; /* that feeds at the moment */
};

/* Hands a batch to all consumers. */
bool op_emit(struct oper *op, struct lane *lane, struct batch *b, struct err *err);
/* Its rows whose bit is set in `keep`. */
bool op_emit_kept(struct oper *op, struct lane *lane, struct batch *b, const uint64_t *keep,
                  struct err *err);
/* A batch beside `b`: same rows and places, columns to be filled in. */
struct batch *op_batch_beside(struct oper *op, struct batch *b, uint32_t ncols);
const struct schema *op_input_schema(const struct oper *op, uint32_t input);
/* lane_open and lane_close of operators that need no state to work in lanes. */
bool op_in_lanes(struct oper *op, struct lane *lane, uint32_t input, struct err *err);
/* Puts a record aside (engine/reject.h). */
void op_put_aside(struct oper *op, struct lane *lane, const struct reject *what);
/* Is the limit of rejects passed? Looked at where they are told. */
bool op_check_rejects(struct oper *op, struct lane *lane, struct err *err);
/* Text that is for the piece's turn is added to this; NULL: it is its turn. */
struct buf *op_turn_text(struct lane *lane);
/* The class's `turn` gets what was added to it from offset `from` on. */
void op_at_turn(struct oper *op, struct lane *lane, size_t from, uint32_t rows);
/* For operators that have nothing left to do at the end of an input. */
bool op_no_finish(struct oper *op, struct lane *lane, uint32_t input, struct err *err);
/* What the plan says of this stage; NULL when there is none. */
const struct rec_plan_stage *op_plan(const struct oper *op);
/* The operator wants no more input (limit): its sources are told when nobody else listens. */
void op_satisfied(struct oper *op);
/* Puts the failed rows of a batch aside. false when the limit is passed. `r` may be NULL when
 * nothing failed. */
bool op_reject_rows(struct oper *op, struct lane *lane, struct batch *b,
                    const struct expr_result *r, const char *column, struct err *err);
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

/* May the stage hold `more` bytes beside what it has? If not, an operator that keeps rows puts some
 * on disk (engine/spill.h). Ask before or after each batch, not for each row. */
bool op_may_hold(struct oper *op, uint64_t more);

/* Has a signal asked to end? Then `err` says so. Also the moment to show how far the run is: to be
 * called again and again where work takes long. */
bool engine_stopped(struct engine *e, struct err *err);
/* Shows how far the run is, if it is time; see view.c. */
void engine_show(struct engine *e);
/* Tells that a stage has ended. */
void engine_show_end(const struct oper *op);
/* Before a command: makes the outputs it comes after visible (and looks at the reject limit). */
bool engine_publish_before(struct engine *e, uint32_t stage, struct err *err);
/* Charges the time since the last switch to the running stage and lets `op` run; gives the one
 * before. */
struct oper *engine_switch(struct lane *lane, struct oper *op);
void lane_charge(struct lane *lane, const struct oper *op, double cpu_s);

/* Tells who wants to know of stages that have begun, last or ended since. On the caller's thread,
 * now and then; `over` at the end of the run. */
void engine_watch(struct engine *e, bool over, bool ok);
/* What the stage has used so far. `ok`: the run did not fail. */
void engine_figures(const struct oper *op, bool ok, struct engine_stage *out);

/* Does the plan have this join keep its left side, so that it is to come first? */
bool join_left_first(const struct oper *op);
/* Where a written path can be read before it is published: its hidden file, or NULL. */
const char *write_hidden_path(const struct engine *e, const char *path);
/* The last lines a command said, or "". */
const char *command_last_words(const struct oper *op);
/* Of a write stage: ready (synced, closed), visible, gone. */
bool write_ready(struct oper *op, struct err *err);
bool write_commit(struct oper *op, struct err *err);
/* Of a write that is kept: takes the hidden file that an earlier run made ready. */
bool write_adopt(struct oper *op, const char *hidden, struct err *err);
/* Its hidden file now, or NULL when there is none (stdout, a fifo) or it is published. */
const char *write_hidden(const struct oper *op);
/* Should it not be published, it stays: a resume can. */
void write_leave(struct oper *op);
/* Tells the journal, if there is one, of a command or an sql stage (STEP_STARTS, STEP_ENDED). */
void engine_tell(struct oper *op, enum engine_step_kind kind);
/* Of outputs that are ready (`mark`: of these stages; NULL: all), before the first of them is
 * shown. When the journal knows and one is shown, the others outlive a run that cannot show them
 * (engine_leave): a resume can. */
bool engine_tell_ready(struct engine *e, const bool *mark);
void engine_leave(struct engine *e, const bool *mark);
/* Takes over the hidden files of writes that are kept. */
bool engine_adopt(struct engine *e, struct err *err);

extern const struct op_class op_read_class, op_write_class, op_filter_class, op_derive_class,
    op_select_class, op_rename_class, op_join_class, op_aggregate_class, op_sort_class,
    op_distinct_class, op_union_class, op_limit_class, op_command_class, op_sql_class;

#endif
