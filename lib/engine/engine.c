/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The scheduler: carries batches from operator to operator, opens gates, keeps the figures. What
 * the operators do is in op_*.c. */
#include "engine/engine.h"

#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "engine/allocation.h"
#include "engine/lanes.h"
#include "engine/op.h"
#include "engine/reject.h"
#include "engine/sample_int.h"
#include "table/writer.h"

/* A batch goes down the graph by calls, some 1.5 KiB of stack per stage. */
#define DEPTH_MAX 1000
#define GB 1073741824.0

static const struct op_class *const classes[OP_COUNT] = {
    [OP_READ] = &op_read_class,       [OP_WRITE] = &op_write_class,
    [OP_FILTER] = &op_filter_class,   [OP_DERIVE] = &op_derive_class,
    [OP_SELECT] = &op_select_class,   [OP_RENAME] = &op_rename_class,
    [OP_JOIN] = &op_join_class,       [OP_AGGREGATE] = &op_aggregate_class,
    [OP_SORT] = &op_sort_class,       [OP_DISTINCT] = &op_distinct_class,
    [OP_UNION] = &op_union_class,     [OP_LIMIT] = &op_limit_class,
    [OP_COMMAND] = &op_command_class, [OP_SQL] = &op_sql_class,
};

bool engine_in_lanes(enum op kind)
{
    return classes[kind] && classes[kind]->push && classes[kind]->lane_open;
}

void bits_all(uint64_t *bits, uint32_t n)
{
    memset(bits, 0, BATCH_WORDS * sizeof(*bits));
    for (uint32_t w = 0; w < n / 64; w++)
        bits[w] = UINT64_MAX;
    if (n & 63)
        bits[n / 64] = (UINT64_C(1) << (n & 63)) - 1;
}

uint32_t bits_count(const uint64_t *bits, uint32_t n)
{
    uint32_t count = 0;
    for (uint32_t w = 0; w < (n + 63) / 64; w++)
        count += (uint32_t)__builtin_popcountll(bits[w]);
    return count;
}

uint32_t bits_list(const uint64_t *bits, uint32_t rows, uint32_t *list)
{
    uint32_t n = 0;
    for (uint32_t w = 0; w < (rows + 63) / 64; w++) {
        for (uint64_t x = bits[w]; x; x &= x - 1)
            list[n++] = w * 64 + (uint32_t)__builtin_ctzll(x);
    }
    return n;
}

uint64_t engine_batch_bytes(const struct batch *b)
{
    uint64_t total = (uint64_t)b->rows * b->ncols;
    for (uint32_t c = 0; c < b->ncols; c++) {
        const struct column *col = &b->cols[c];
        if (type_is_number(col->type) || col->type == TYPE_BOOLEAN) {
            total +=
                (uint64_t)bits_count(col->valid, b->rows) * (type_is_number(col->type) ? 8 : 1);
            continue;
        }
        for (uint32_t i = 0; i < b->rows; i++)
            total += column_valid(col, i) ? col->text[i].len : 0;
    }
    return total;
}

struct oper *engine_switch(struct lane *lane, struct oper *op)
{
    double now = clock_thread();
    struct oper *before = lane->running;
    if (before && lane->slot)
        lane_charge(lane, before, now - lane->mark);
    else if (before)
        before->cpu_s += now - lane->mark;
    lane->mark = now;
    lane->running = op;
    return before;
}

const struct rec_plan_stage *op_plan(const struct oper *op)
{
    const struct rec_plan *plan = op->e->o->plan;
    for (uint32_t i = 0; plan && i < plan->nstages; i++) {
        if (plan->stages[i].id && strcmp(plan->stages[i].id, op->stage->id) == 0)
            return &plan->stages[i];
    }
    return NULL;
}

bool op_may_hold(struct oper *op, uint64_t more)
{
    uint64_t bytes = op->acct->now + more;
    if (op->given)
        return allocation_hold(op->given, bytes);
    return !op->limit_bytes || bytes <= op->limit_bytes;
}

bool engine_stopped(struct engine *e, struct err *err)
{
    engine_show(e);
    engine_watch(e, false, true);
    if (!e->o->stop || !*e->o->stop)
        return false;
    err_set(err, ERR_STAGE, "stopped by signal %d", (int)*e->o->stop);
    return true;
}

static void touch(struct oper *op)
{
    op->last = clock_wall();
    if (op->first < 0)
        op->first = op->last;
}

bool engine_failed(struct oper *op)
{
    if (op->e->failed < 0)
        op->e->failed = (int)op->index;
    return false;
}

/* A command watches its own clock. */
bool engine_in_time(const struct oper *op, struct err *err)
{
    double limit = op->stage->timeout_s;
    if (limit <= 0 || stage_is_outside(op->stage) || op->last - op->first <= limit)
        return true;
    return err_set(err, ERR_STAGE, "timed out after %g s (timeout_s)", limit);
}

/* May `input` of this operator take something now? */
bool engine_open_to(const struct oper *op, uint32_t input)
{
    const struct stage *s = op->stage;
    if (s->schema_late && !stage_is_outside(s)) /* its own comes when it has run */
        return false;
    for (uint32_t i = 0; i < s->ninputs; i++) {
        if (op->e->p->stages[s->inputs[i]].schema_late)
            return false;
    }
    for (uint32_t i = 0; i < s->nafter; i++) {
        if (!op->e->ops[s->after[i]].done)
            return false;
    }
    return !op->cls->accepts || !op->opened || op->cls->accepts(op, input);
}

bool engine_open(struct oper *op, struct lane *lane, struct err *err)
{
    if (op->opened)
        return true;
    op->opened = true;
    struct oper *before = engine_switch(lane, op);
    bool ok = op->cls->open(op, err) || engine_failed(op);
    engine_switch(lane, before);
    return ok;
}

static bool op_end(struct oper *op, struct lane *lane, struct err *err);

static bool push_now(struct oper *op, struct lane *lane, uint32_t input, struct batch *b,
                     uint64_t bytes, struct err *err)
{
    touch(op);
    op->records_in += b->rows;
    op->bytes_in += bytes;
    if (op->satisfied)
        return true;
    if (!engine_in_time(op, err))
        return engine_failed(op);
    struct oper *before = engine_switch(lane, op);
    bool ok = (lanes_ensure(op, lane, input, err) && op->cls->push(op, lane, input, b, err)) ||
              engine_failed(op);
    engine_switch(lane, before);
    op->last = clock_wall();
    return ok;
}

static bool finish_now(struct oper *op, struct lane *lane, uint32_t input, struct err *err)
{
    touch(op);
    struct oper *before = engine_switch(lane, op);
    bool ok = (lanes_ensure(op, lane, input, err) && lanes_close(op, input, err) &&
               op->cls->finish(op, lane, input, err)) ||
              engine_failed(op);
    engine_switch(lane, before);
    op->last = clock_wall();
    return ok;
}

/* Everything that stands in the queues and may go now. */
static bool drain(struct oper *op, struct lane *lane, struct err *err)
{
    if (op->done || op->draining)
        return true;
    op->draining = true;
    bool ok = true;
    for (bool again = true; ok && again;) {
        again = false;
        for (uint32_t i = 0; ok && i < op->nports; i++) {
            struct op_port *port = &op->ports[i];
            if (port->finished || (queue_is_empty(&port->queue) && !port->ended) ||
                !engine_open_to(op, i))
                continue;
            ok = engine_open(op, lane, err);
            /* Opening may close a gate that nobody could ask about before. */
            while (ok && !queue_is_empty(&port->queue) && engine_open_to(op, i)) {
                struct batch *b = NULL;
                ok = (queue_take(&port->queue, &b, err) || engine_failed(op)) &&
                     push_now(op, lane, i, b, engine_batch_bytes(b), err);
                batch_unref(b);
                again = true;
            }
            if (ok && port->ended && queue_is_empty(&port->queue) && engine_open_to(op, i)) {
                port->finished = again = true;
                lane->piece++;
                ok = finish_now(op, lane, i, err);
            }
        }
    }
    op->draining = false;
    if (!ok)
        return false;
    for (uint32_t i = 0; i < op->nports; i++) {
        if (!op->ports[i].finished)
            return true;
    }
    return op->nports == 0 || op_end(op, lane, err);
}

/* A quarter of what the stage may hold is for what it cannot take yet. */
static bool enqueue(struct oper *op, struct op_port *port, struct batch *b, struct err *err)
{
    size_t bound = PIPELINE_QUEUE_BYTES;
    if (op->limit_bytes && op->limit_bytes / 4 < bound)
        bound = (size_t)op->limit_bytes / 4;
    if (bound < QUEUE_BYTES_LEAST)
        bound = QUEUE_BYTES_LEAST;
    uint64_t before = queue_spilled(&port->queue);
    bool ok = queue_put(&port->queue, b, bound, op->acct, err);
    op->queued_bytes += queue_spilled(&port->queue) - before;
    return ok;
}

bool engine_deliver(struct oper *op, struct lane *lane, uint32_t input, struct batch *b,
                    uint64_t bytes, struct err *err)
{
    struct op_port *port = &op->ports[input];
    bool direct = !op->draining && queue_is_empty(&port->queue) && engine_open_to(op, input);
    if (direct && !engine_open(op, lane, err))
        return false;
    if (direct && engine_open_to(op, input))
        return push_now(op, lane, input, b, bytes, err);
    return op->satisfied || enqueue(op, port, b, err) || engine_failed(op);
}

bool op_emit(struct oper *op, struct lane *lane, struct batch *b, struct err *err)
{
    if (b->rows == 0)
        return true;
    uint64_t bytes = engine_batch_bytes(b);
    if (lane->slot)
        return lanes_emit(op, lane, b, bytes, err);
    op->records_out += b->rows;
    op->bytes_out += bytes;
    for (uint32_t i = 0; i < op->nout; i++) {
        if (!engine_deliver(&op->e->ops[op->out[i].stage], lane, op->out[i].input, b, bytes, err))
            return false;
    }
    return true;
}

static bool op_end(struct oper *op, struct lane *lane, struct err *err)
{
    if (op->done)
        return true;
    op->done = true;
    op->e->recheck = true;
    engine_show_end(op);
    for (uint32_t i = 0; i < op->nout; i++) {
        struct oper *next = &op->e->ops[op->out[i].stage];
        next->ports[op->out[i].input].ended = true;
        if (!drain(next, lane, err))
            return false;
    }
    return true;
}

void op_satisfied(struct oper *op)
{
    op->satisfied = true;
    op->e->some_satisfied = true;
}

/* Does anybody still listen to what this stage makes? Until some stage has had enough, all do. */
bool engine_needs(const struct oper *op)
{
    struct engine *e = op->e;
    if (!e->some_satisfied)
        return true;
    for (uint32_t i = e->nops; i-- > 0;) {
        struct oper *o = &e->ops[e->p->order[i]];
        o->needed = o->nout == 0;
        for (uint32_t k = 0; k < o->nout && !o->needed; k++) {
            const struct oper *next = &e->ops[o->out[k].stage];
            o->needed = !next->done && !next->satisfied && next->needed;
        }
    }
    return op->needed;
}

static bool may_start(const struct oper *op)
{
    for (uint32_t i = 0; i < op->stage->nafter; i++) {
        if (!op->e->ops[op->stage->after[i]].done)
            return false;
    }
    return true;
}

/* Gates that opened because some stage has ended. */
static bool settle(struct engine *e, struct lane *lane, struct err *err)
{
    while (e->recheck) {
        e->recheck = false;
        for (uint32_t i = 0; i < e->nops; i++) {
            if (!drain(&e->ops[e->p->order[i]], lane, err))
                return false;
        }
    }
    return true;
}

bool engine_after_step(struct oper *source, struct lane *lane, struct err *err)
{
    struct engine *e = source->e;
    touch(source);
    if (!rejects_check(e->rejects, 0, err))
        return engine_failed(source);
    return !e->recheck || settle(e, lane, err);
}

static bool feed_steps(struct oper *op, struct lane *lane, struct err *err)
{
    bool more = true;
    while (more && engine_needs(op)) {
        if (engine_stopped(op->e, err) || !engine_in_time(op, err))
            return engine_failed(op);
        lane->piece++;
        struct oper *before = engine_switch(lane, op);
        bool ok = op->cls->step(op, lane, &more, err) || engine_failed(op);
        engine_switch(lane, before);
        if (!ok || !engine_after_step(op, lane, err))
            return false;
    }
    return true;
}

static bool feed(struct engine *e, struct lane *lane, struct oper *op, struct err *err)
{
    touch(op);
    e->source = op;
    if (!engine_open(op, lane, err) || !settle(e, lane, err) || !region_open(op, lane, err))
        return false;
    bool many = engine_needs(op) && lanes_may_feed(op);
    if (!(many ? lanes_feed(op, err) : feed_steps(op, lane, err)))
        return false;
    if (op->cls->finish) {
        struct oper *before = engine_switch(lane, op);
        bool ok = op->cls->finish(op, lane, 0, err) || engine_failed(op);
        engine_switch(lane, before);
        if (!ok || !rejects_check(e->rejects, 0, err))
            return engine_failed(op);
    }
    return op_end(op, lane, err) && settle(e, lane, err);
}

static bool feed_all(struct engine *e, struct err *err)
{
    for (;;) {
        struct oper *next = NULL;
        bool left = false;
        for (uint32_t i = 0; i < e->nfeed && !next; i++) {
            struct oper *op = &e->ops[e->feed[i]];
            left = left || !op->done;
            if (!op->done && may_start(op))
                next = op;
        }
        if (!next && left)
            BUG("stages wait for each other");
        if (!next)
            break;
        if (!feed(e, &e->main, next, err))
            return false;
        if (engine_stopped(e, err))
            return engine_failed(next);
    }
    for (uint32_t i = 0; i < e->nops; i++) {
        if (!e->ops[i].done)
            BUG("stage '%s' never ended", e->ops[i].stage->id);
    }
    return true;
}

/* Sources in depth-first order from the ends, what must be whole first visited first: right sides
 * of joins, earlier inputs of unions, stages named in `after`. */
static void visit(struct engine *e, uint32_t i, bool *seen)
{
    if (seen[i] || e->ops[i].kept)
        return;
    seen[i] = true;
    const struct stage *s = &e->p->stages[i];
    for (uint32_t k = 0; k < s->nafter; k++)
        visit(e, s->after[k], seen);
    bool right_first = s->op == OP_JOIN && !join_left_first(&e->ops[i]);
    for (uint32_t k = 0; k < s->ninputs; k++)
        visit(e, s->inputs[right_first ? s->ninputs - 1 - k : k], seen);
    if (s->ninputs == 0)
        e->feed[e->nfeed++] = i;
}

static bool depth_fits(const struct pipeline *p, struct err *err)
{
    struct pipeline_complexity c;
    pipeline_complexity(p, &c);
    if (c.depth <= DEPTH_MAX)
        return true;
    return err_set(err, ERR_DATA, "%u stages in a row, at most %d can be run: split the pipeline",
                   c.depth, DEPTH_MAX);
}

/* As asked for; else as planned, if this process may use so many cores. */
static uint32_t lanes_wanted(const struct engine_opts *o, const struct rec_plan_stage *planned)
{
    int64_t n = o->lanes ? o->lanes : planned ? planned->parallelism : 1;
    if (!o->lanes && n > 1 && n > machine_cores())
        n = machine_cores();
    return n < 1 ? 1 : n > LANES_MAX ? LANES_MAX : (uint32_t)n;
}

static void set_up(struct engine *e, struct arena *a)
{
    struct pipeline *p = e->p;
    e->nops = p->nstages;
    e->ops = ARENA_ARRAY(&e->mem, struct oper, p->nstages);
    e->feed = ARENA_ARRAY(&e->mem, uint32_t, p->nstages);
    for (uint32_t i = 0; i < p->nstages; i++) {
        struct oper *op = &e->ops[i];
        struct stage *s = &p->stages[i];
        *op = (struct oper){.e = e, .stage = s, .index = i, .cls = classes[s->op], .first = -1};
        if (e->o->sample)
            op->cls = sample_class(e->o->sample, i, op->cls);
        op->acct = ARENA_NEW(a, struct mem_account);
        op->late = s->schema_late;
        op->kept = op->done = e->o->kept && e->o->kept[i].kept;
        const struct rec_plan_stage *planned = op_plan(op);
        if (planned && planned->memory_gb > 0)
            op->limit_bytes = (uint64_t)(planned->memory_gb * GB);
        if (e->o->allotments) {
            op->given = &e->o->allotments->stages[i];
            op->given->acct = s->op == OP_COMMAND ? NULL : op->acct;
            op->limit_bytes = op->given->limit_bytes;
        }
        op->lanes = s->op == OP_READ ? lanes_wanted(e->o, planned) : 1;
        arena_init(&op->mem, op->acct);
        op->nports = s->ninputs;
        op->ports = ARENA_ARRAY(&e->mem, struct op_port, s->ninputs);
    }
    for (uint32_t i = 0; i < p->nstages; i++) {
        const struct stage *s = &p->stages[i];
        for (uint32_t k = 0; k < s->ninputs && !e->ops[i].kept; k++) {
            struct oper *from = &e->ops[s->inputs[k]];
            struct op_edge *edge = ARENA_PUSH(&e->mem, from->out, from->nout);
            *edge = (struct op_edge){i, k};
        }
    }
    for (uint32_t i = 0; i < p->nstages; i++) {
        struct oper *op = &e->ops[p->order[i]];
        for (uint32_t k = 0; k < op->nports; k++) {
            uint32_t lanes = e->ops[op->stage->inputs[k]].lanes;
            op->lanes = lanes > op->lanes ? lanes : op->lanes;
        }
    }
    bool *seen = ARENA_ARRAY(&e->mem, bool, p->nstages);
    for (uint32_t i = 0; i < p->nstages; i++) {
        if (e->ops[i].nout == 0)
            visit(e, i, seen);
    }
}

/* Bytes of all files that are read; NAN when some cannot be known (pipes, files yet to be made). */
static double input_bytes(const struct pipeline *p)
{
    double total = 0;
    for (uint32_t i = 0; i < p->nstages; i++) {
        const struct stage *s = &p->stages[i];
        for (uint32_t k = 0; s->op == OP_READ && k < s->u.read.paths.n; k++) {
            struct stat st;
            if (s->u.read.from_stage || stat(s->u.read.paths.items[k], &st) != 0 ||
                !S_ISREG(st.st_mode))
                return NAN;
            total += (double)st.st_size;
        }
    }
    return total;
}

/* Of files, and out of commands and statements that take no rows themselves. */
static uint64_t records_read(const struct engine *e)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < e->nops; i++) {
        const struct oper *op = &e->ops[i];
        if (op->stage->op == OP_READ)
            n += op->records_in;
        else if (op->nports == 0)
            n += op->records_out + op->rejects;
    }
    return n;
}

static void report_stages(struct engine *e, struct arena *a, bool ok, struct engine_result *out)
{
    out->rejects = e->rejects->n;
    if (!e->nops)
        return; /* it was not begun */
    out->stages = ARENA_ARRAY(a, struct engine_stage, e->nops);
    for (uint32_t i = 0; i < e->nops; i++) {
        struct oper *op = &e->ops[i];
        engine_figures(op, ok, &out->stages[i]);
    }
    out->records_read = records_read(e);
    out->first_reject = e->rejects->first ? arena_strdup(a, e->rejects->first) : NULL;
    if (e->failed >= 0 && e->ops[e->failed].stage->op == OP_COMMAND)
        out->last_words = arena_strdup(a, command_last_words(&e->ops[e->failed]));
    out->published = e->published;
    out->cancelled = !ok && e->o->stop && *e->o->stop;
}

static bool limit_holds(struct engine *e, struct err *err)
{
    uint64_t n = records_read(e);
    return rejects_check(e->rejects, n ? n : 1, err);
}

/* Marks `from` and everything it waits for or reads. */
static void mark_before(const struct engine *e, uint32_t from, bool *mark)
{
    if (mark[from])
        return;
    mark[from] = true;
    const struct stage *s = &e->p->stages[from];
    for (uint32_t i = 0; i < s->nafter; i++)
        mark_before(e, s->after[i], mark);
    for (uint32_t i = 0; i < s->ninputs; i++)
        mark_before(e, s->inputs[i], mark);
}

/* All that are marked (NULL: all) become ready, then all become visible. */
static bool publish(struct engine *e, const bool *mark, struct err *err)
{
    struct lane *lane = &e->main;
    for (int show = 0; show < 2; show++) {
        bool told = show && engine_tell_ready(e, mark);
        for (uint32_t i = 0; i < e->nops; i++) {
            struct oper *op = &e->ops[i];
            if (op->stage->op != OP_WRITE || (mark && !mark[i]) || !op->opened)
                continue;
            struct oper *before = engine_switch(lane, op);
            bool ok = (show ? write_commit(op, err) : write_ready(op, err)) || engine_failed(op);
            engine_switch(lane, before);
            if (!ok)
                return false;
            if (show)
                e->published = true;
            if (told)
                engine_leave(e, mark);
        }
    }
    return true;
}

bool engine_publish_before(struct engine *e, uint32_t stage, struct err *err)
{
    bool *mark = ARENA_ARRAY(&e->mem, bool, e->nops);
    mark_before(e, stage, mark);
    return limit_holds(e, err) && publish(e, mark, err);
}

static void tear_down(struct engine *e)
{
    for (uint32_t i = 0; i < e->nops; i++) {
        struct oper *op = &e->ops[i];
        for (uint32_t k = 0; k < op->nports; k++) {
            queue_release(&op->ports[k].queue);
        }
    }
    for (uint32_t i = 0; i < e->nops; i++) {
        struct oper *op = &e->ops[i];
        if (op->opened && op->cls->close)
            op->cls->close(op);
        arena_release(&op->mem);
    }
    lanes_release(e);
    lane_release(&e->main);
    arena_release(&e->mem);
}

bool engine_keeps_apart(const struct pipeline *p, const char *option, const char *path,
                        struct err *err)
{
    struct quoted q;
    for (uint32_t i = 0; i < p->nstages; i++) {
        const struct stage *s = &p->stages[i];
        bool clash = s->op == OP_WRITE && path_is_same(path, s->u.write.path);
        for (uint32_t k = 0; s->op == OP_READ && k < s->u.read.paths.n; k++)
            clash = clash || path_is_same(path, s->u.read.paths.items[k]);
        if (clash)
            return err_set(err, ERR_USAGE,
                           "option '%s': '%s' is what stage '%s' %s: name another file", option,
                           quote_str(&q, path), s->id, s->op == OP_WRITE ? "writes" : "reads");
    }
    return true;
}

bool engine_run(struct pipeline *p, const struct engine_opts *o, struct arena *a,
                struct engine_result *out, struct err *err)
{
    *out = (struct engine_result){0};
    struct engine e = {
        .p = p, .o = o, .failed = -1, .size_bytes = input_bytes(p), .thread = pthread_self()};
    struct rejects rejects;
    arena_init(&e.mem, NULL);
    e.rejects = &rejects;
    rejects = (struct rejects){0};
    bool ok = (!o->reject_path || engine_keeps_apart(p, "--reject", o->reject_path, err)) &&
              rejects_open(&rejects, o->reject_path, &o->max_rejects, err) && depth_fits(p, err);
    if (ok) {
        set_up(&e, a);
        lane_init(&e.main, &e, 0);
        ok = engine_adopt(&e, err) && feed_all(&e, err) && limit_holds(&e, err) &&
             rejects_ready(&rejects, err) && publish(&e, NULL, err);
        bool stopped = o->stop && *o->stop;
        if (e.failed >= 0 && !ok && !stopped && !rejects.exceeded)
            err_prefix(err, "stage '%s': ", p->stages[e.failed].id);
        struct err second = ERR_INIT;
        if ((ok || rejects.exceeded) && !rejects_commit(&rejects, ok ? err : &second))
            ok = false;
    }
    engine_watch(&e, true, ok);
    report_stages(&e, a, ok, out);
    tear_down(&e);
    rejects_release(&rejects);
    return ok;
}
