/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Several threads for one source: pieces, the region they go through, and their turns. What leaves
 * a piece's lane is written down (struct event) and done again, in the order of pieces, by one
 * thread at a time: so everything outside of the region goes as it would with one thread.
 *
 * Two locks: `take` is held by who takes a piece (reading and finding records), `mu` for moments by
 * who looks at the slots. The one who delivers holds neither; `delivering` says that there is one.
 */
#include "engine/lanes.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

/* Pieces that may be on their way, for each lane: one in hand and one that waits for its turn. */
#define SLOTS_PER_LANE 2
/* Pieces that the first lane does alone: a thread costs some 50 us to start, as much as a third of
 * a piece of 2,048 records. */
#define ALONE 8
/* What may wait for a piece's turn: then its lane waits. (A join may make much of little.) */
#define WAITING_BYTES ((uint64_t)1 << 20)
/* As deep as the caller's is allowed to be, see DEPTH_MAX in engine.c. */
#define STACK_BYTES ((size_t)8 << 20)

struct op_figures { /* of an operator, while a piece is in hand */
    uint64_t records_in, records_out, bytes_in, bytes_out;
    double cpu_s, first, last; /* first < 0: nothing seen */
};

enum event_kind { EVENT_BATCH, EVENT_REJECT, EVENT_CHECK, EVENT_TURN, EVENT_FAILED };
struct event {
    enum event_kind kind;
    struct oper *op;
    union {
        struct {
            struct batch *b;
            uint64_t bytes;
            uint32_t edge;
        } batch;
        struct reject reject; /* its texts are in the slot's arena */
        struct {
            size_t from, len; /* of slot.out */
            uint32_t rows;
        } turn;
    } u;
};

/* A piece on its way. */
struct slot {
    struct team *team;
    uint32_t number; /* from 0 on, of this source */
    bool done;       /* its lane is through with it */
    bool content;    /* something was taken */
    bool direct;     /* it is its turn, and its lane delivers */
    bool dropped;    /* nobody wants it any more */
    void *piece;
    struct event *events;
    size_t nevents, cap;
    uint64_t waiting; /* bytes of the batches in events */
    struct buf out;   /* what writes have formatted */
    struct arena mem;
    struct op_figures *figures; /* by index of the operator */
    struct err err;
    struct oper *failed; /* who has set err */
};

struct worker {
    struct team *team;
    struct lane *lane;
    pthread_t thread;
};

/* The lanes at work on one source. */
struct team {
    struct engine *e;
    struct oper *source;
    struct oper **region; /* operators in it */
    uint32_t nregion;
    uint32_t base; /* number of the run's pieces before these */
    struct slot *slots;
    uint32_t nslots;
    pthread_mutex_t take, mu;
    pthread_cond_t moved;      /* `delivered` or `stop` has changed */
    uint32_t taken, delivered; /* under mu */
    bool end, stop, delivering;
    bool ok;
    struct err err; /* of the first piece that failed */
    struct worker *workers;
    uint32_t nworkers, nlanes; /* started; wanted in all */
};

/* -- lanes -- */

uint64_t lane_seq(const struct oper *op, struct lane *lane, uint32_t rows)
{
    struct lane_seen *seen = &lane->seen[op->index];
    if (seen->piece != lane->piece)
        *seen = (struct lane_seen){lane->piece, 0};
    uint64_t first = (uint64_t)seen->piece << 32 | seen->rows;
    seen->rows += rows;
    return first;
}

struct expr *op_expr(struct lane *lane, struct expr *e, const struct schema *in, struct err *err)
{
    struct expr *own;
    if (lane->index == 0 || !e)
        return e;
    for (size_t i = 0; i < lane->nexprs; i++)
        if (lane->exprs[i].of == e)
            return lane->exprs[i].own;
    if (!expr_new(&lane->mem, expr_source(e), in, &own, err))
        return NULL;
    *ARENA_PUSH(&lane->mem, lane->exprs, lane->nexprs) = (struct lane_expr){e, own};
    return own;
}

void lane_init(struct lane *lane, struct engine *e, uint32_t index)
{
    *lane = (struct lane){.e = e, .index = index, .piece = 1, .mark = clock_thread()};
    arena_init(&lane->mem, NULL);
    lane->state = ARENA_ARRAY(&lane->mem, void *, e->nops);
    lane->seen = ARENA_ARRAY(&lane->mem, struct lane_seen, e->nops);
}

void lane_release(struct lane *lane)
{
    for (size_t i = 0; i < lane->nexprs; i++)
        expr_release(lane->exprs[i].own);
    arena_release(&lane->mem);
}

/* Lane `i` of the engine. The first has the state of lane 0, but is not that lane itself: this one
 * delivers, on whichever thread. */
static struct lane *lane_at(struct engine *e, uint32_t i)
{
    if (i < e->nlanes)
        return e->lanes[i];
    struct lane *lane = ARENA_NEW(&e->mem, struct lane);
    lane_init(lane, e, i);
    if (i == 0) {
        lane->state = e->main.state;
        lane->seen = e->main.seen;
    }
    *ARENA_PUSH(&e->mem, e->lanes, e->nlanes) = lane;
    return lane;
}

void lanes_release(struct engine *e)
{
    for (uint32_t i = 0; i < e->nlanes; i++)
        lane_release(e->lanes[i]);
    e->nlanes = 0;
}

bool op_in_lanes(struct oper *op, struct lane *lane, uint32_t input, struct err *err)
{
    (void)op, (void)lane, (void)input, (void)err;
    return true;
}

static bool works_in_lanes(const struct oper *op, uint32_t input)
{
    return op->cls->lane_open && (!op->cls->lanes || op->cls->lanes(op, input));
}

bool lanes_ensure(struct oper *op, struct lane *lane, uint32_t input, struct err *err)
{
    struct op_port *port = &op->ports[input];
    if (port->nlanes > 0 || !works_in_lanes(op, input))
        return true;
    port->nlanes = 1;
    return op->cls->lane_open(op, lane, input, err);
}

bool lanes_close(struct oper *op, uint32_t input, struct err *err)
{
    struct op_port *port = &op->ports[input];
    uint32_t n = port->nlanes;
    bool ok = true;
    port->nlanes = 0;
    for (uint32_t i = 0; ok && i < n; i++)
        ok = op->cls->lane_close(op, i == 0 ? &op->e->main : lane_at(op->e, i), input, err);
    return ok;
}

/* -- regions -- */

/* Behind `op`, which is in the region; everything in it stands open. */
static bool region_grow(struct oper *op, struct lane *lane, struct team *t, struct err *err)
{
    struct engine *e = op->e;
    for (uint32_t i = 0; i < op->nout; i++) {
        struct oper *next = &e->ops[op->out[i].stage];
        uint32_t input = op->out[i].input;
        struct op_port *port = &next->ports[input];
        if (!next->cls->lane_open || next->satisfied || !queue_is_empty(&port->queue) ||
            !engine_open_to(next, input))
            continue;
        if (!engine_open(next, lane, err))
            return false;
        if (!engine_open_to(next, input) || !works_in_lanes(next, input))
            continue;
        if (t) {
            port->in_region = true;
            *ARENA_PUSH(&e->mem, t->region, t->nregion) = next;
        }
        if (!lanes_ensure(next, lane, input, err))
            return engine_failed(next);
        if (!region_grow(next, lane, t, err))
            return false;
    }
    return true;
}

bool region_open(struct oper *source, struct lane *lane, struct err *err)
{
    return !source->cls->take || region_grow(source, lane, NULL, err);
}

static void region_leave(struct team *t)
{
    for (uint32_t i = 0; i < t->e->nops; i++) {
        struct oper *op = &t->e->ops[i];
        for (uint32_t k = 0; k < op->nports; k++)
            op->ports[k].in_region = false;
    }
}

/* The state of one more lane. No lane is at work. */
static bool lane_join(struct team *t, uint32_t i, struct err *err)
{
    struct lane *lane = lane_at(t->e, i);
    if (!t->source->cls->lane_open(t->source, lane, 0, err))
        return engine_failed(t->source);
    for (uint32_t k = 0; k < t->nregion; k++) {
        struct oper *op = t->region[k];
        for (uint32_t input = 0; input < op->nports; input++) {
            struct op_port *port = &op->ports[input];
            if (!port->in_region || port->nlanes > i)
                continue;
            port->nlanes = i + 1;
            if (!op->cls->lane_open(op, lane, input, err))
                return engine_failed(op);
        }
    }
    return true;
}

/* -- what a lane leaves behind -- */

static struct event *note(struct slot *s, enum event_kind kind, struct oper *op)
{
    if (s->nevents == s->cap) {
        s->cap = s->cap ? 2 * s->cap : 16;
        s->events = xreallocarray(s->events, s->cap, sizeof(*s->events));
    }
    struct event *ev = &s->events[s->nevents++];
    *ev = (struct event){.kind = kind, .op = op};
    return ev;
}

static void slot_clear(struct slot *s)
{
    for (size_t i = 0; i < s->nevents; i++)
        if (s->events[i].kind == EVENT_BATCH)
            batch_unref(s->events[i].u.batch.b);
    s->nevents = 0;
    s->waiting = 0;
    s->done = s->content = s->direct = s->dropped = false;
    s->failed = NULL;
    buf_clear(&s->out);
    arena_clear(&s->mem);
    for (uint32_t i = 0; i < s->team->nregion; i++)
        s->figures[s->team->region[i]->index] = (struct op_figures){.first = -1};
    s->figures[s->team->source->index] = (struct op_figures){.first = -1};
}

static struct op_figures *lane_figures(struct lane *lane, const struct oper *op)
{
    return &lane->slot->figures[op->index];
}

void lane_charge(struct lane *lane, const struct oper *op, double cpu_s)
{
    lane->slot->figures[op->index].cpu_s += cpu_s;
}

static void *kept(struct slot *s, const char *text)
{
    return text ? arena_strdup(&s->mem, text) : NULL;
}

void op_put_aside(struct oper *op, struct lane *lane, const struct reject *what)
{
    struct slot *s = lane->slot;
    if (!s) {
        rejects_add(op->e->rejects, what);
        op->rejects++;
        return;
    }
    struct reject *r = &note(s, EVENT_REJECT, op)->u.reject;
    *r = *what;
    r->stage = op->stage->id;
    r->path = kept(s, what->path);
    r->column = kept(s, what->column);
    r->reason = kept(s, what->reason);
    r->rule = kept(s, what->rule);
    r->record = op->e->rejects->to_file ? arena_slice(&s->mem, what->record) : SLICE_NULL;
}

bool op_check_rejects(struct oper *op, struct lane *lane, struct err *err)
{
    if (!lane->slot)
        return rejects_check(op->e->rejects, 0, err);
    note(lane->slot, EVENT_CHECK, op);
    return true;
}

struct buf *op_turn_text(struct lane *lane)
{
    return lane->slot ? &lane->slot->out : NULL;
}

void op_at_turn(struct oper *op, struct lane *lane, size_t from, uint32_t rows)
{
    struct slot *s = lane->slot;
    struct event *ev = note(s, EVENT_TURN, op);
    ev->u.turn.from = from;
    ev->u.turn.len = s->out.len - from;
    ev->u.turn.rows = rows;
}

/* -- turns -- */

static bool event_run(struct slot *s, struct event *ev, struct err *err)
{
    struct oper *op = ev->op;
    struct engine *e = op->e;
    const struct op_edge *edge;
    switch (ev->kind) {
    case EVENT_BATCH:
        edge = &op->out[ev->u.batch.edge];
        return engine_deliver(&e->ops[edge->stage], &e->main, edge->input, ev->u.batch.b,
                              ev->u.batch.bytes, err);
    case EVENT_REJECT:
        rejects_add(e->rejects, &ev->u.reject);
        op->rejects++;
        return true;
    case EVENT_CHECK:
        return rejects_check(e->rejects, 0, err) || engine_failed(op);
    case EVENT_TURN: {
        struct oper *before = engine_switch(&e->main, op);
        bool ok = op->cls->turn(op, slice_of(s->out.p + ev->u.turn.from, ev->u.turn.len),
                                ev->u.turn.rows, err);
        engine_switch(&e->main, before);
        return ok || engine_failed(op);
    }
    case EVENT_FAILED:
        *err = s->err;
        return engine_failed(op);
    }
    return true;
}

/* What the piece's lane has left until now. */
static bool events_run(struct slot *s, struct err *err)
{
    struct engine *e = s->team->e;
    bool ok = true;
    e->main.piece = s->team->base + s->number;
    e->main.mark = clock_thread();
    e->main.running = NULL;
    for (size_t i = 0; i < s->nevents; i++) {
        struct event *ev = &s->events[i];
        ok = ok && event_run(s, ev, err);
        if (ev->kind == EVENT_BATCH)
            batch_unref(ev->u.batch.b);
    }
    s->nevents = 0;
    s->waiting = 0;
    buf_clear(&s->out);
    return ok;
}

static void figures_add(struct slot *s, struct oper *op)
{
    struct op_figures *f = &s->figures[op->index];
    op->cpu_s += f->cpu_s;
    op->records_in += f->records_in;
    op->records_out += f->records_out;
    op->bytes_in += f->bytes_in;
    op->bytes_out += f->bytes_out;
    if (f->first >= 0) {
        op->first = op->first < 0 || f->first < op->first ? f->first : op->first;
        op->last = f->last > op->last ? f->last : op->last;
    }
    *f = (struct op_figures){.first = -1};
}

/* The piece's turn. Its figures count when it does. */
static bool slot_deliver(struct slot *s, struct err *err)
{
    struct team *t = s->team;
    struct oper *source = t->source;
    bool ok = events_run(s, err);
    for (uint32_t i = 0; i < t->nregion; i++)
        figures_add(s, t->region[i]);
    figures_add(s, source);
    source->cls->told(source, s->piece, !s->content && !s->failed);
    if (!ok)
        return false;
    for (uint32_t i = 0; i < t->nregion; i++)
        if (!engine_in_time(t->region[i], err))
            return engine_failed(t->region[i]);
    if (engine_stopped(t->e, err) || !engine_in_time(source, err))
        return engine_failed(source);
    return engine_after_step(source, &t->e->main, err);
}

/* With mu held: delivers what is ready, if nobody does. */
static void deliver_ready(struct team *t)
{
    if (t->delivering)
        return;
    t->delivering = true;
    while (!t->stop && t->delivered < t->taken && t->slots[t->delivered % t->nslots].done) {
        struct slot *s = &t->slots[t->delivered % t->nslots];
        pthread_mutex_unlock(&t->mu);
        struct err err = ERR_INIT;
        bool ok = slot_deliver(s, &err), needed = ok && engine_needs(t->source);
        slot_clear(s);
        pthread_mutex_lock(&t->mu);
        t->delivered++;
        if (!ok) {
            t->ok = false;
            t->err = err;
        }
        t->stop = t->stop || !needed;
        pthread_cond_broadcast(&t->moved);
    }
    t->delivering = false;
}

/* Waits for the turn of a piece that is still in hand, and delivers what it has left until now;
 * from here on it holds the turn. */
static bool turn_wait(struct lane *lane)
{
    struct slot *s = lane->slot;
    struct team *t = s->team;
    if (!s->direct) {
        pthread_mutex_lock(&t->mu);
        while (!t->stop && (t->delivered != s->number || t->delivering))
            pthread_cond_wait(&t->moved, &t->mu);
        s->dropped = t->stop;
        t->delivering = s->direct = !t->stop;
        pthread_mutex_unlock(&t->mu);
        if (s->dropped)
            return false;
    }
    struct oper *before = engine_switch(lane, NULL);
    struct err err = ERR_INIT;
    bool ok = events_run(s, &err), needed = ok && engine_needs(t->source);
    engine_switch(lane, before);
    if (needed)
        return true;
    pthread_mutex_lock(&t->mu);
    if (!ok) {
        t->ok = false;
        t->err = err;
    }
    t->stop = s->dropped = true;
    t->delivering = s->direct = false;
    pthread_cond_broadcast(&t->moved);
    pthread_mutex_unlock(&t->mu);
    return false;
}

/* -- in a lane -- */

static bool lane_failed(struct lane *lane, struct oper *op)
{
    if (!lane->slot->failed)
        lane->slot->failed = op;
    return false;
}

static bool lane_deliver(struct oper *from, struct lane *lane, uint32_t edge, struct batch *b,
                         uint64_t bytes, struct err *err)
{
    struct oper *op = &from->e->ops[from->out[edge].stage];
    uint32_t input = from->out[edge].input;
    if (!op->ports[input].in_region) {
        struct slot *s = lane->slot;
        struct event *ev = note(s, EVENT_BATCH, from);
        ev->u.batch.b = batch_ref(b);
        ev->u.batch.bytes = bytes;
        ev->u.batch.edge = edge;
        s->waiting += bytes;
        return s->waiting < WAITING_BYTES || turn_wait(lane);
    }
    struct op_figures *f = lane_figures(lane, op);
    f->last = clock_wall();
    if (f->first < 0)
        f->first = f->last;
    f->records_in += b->rows;
    f->bytes_in += bytes;
    struct oper *before = engine_switch(lane, op);
    bool ok = op->cls->push(op, lane, input, b, err) || lane_failed(lane, op);
    engine_switch(lane, before);
    f->last = clock_wall();
    return ok;
}

bool lanes_emit(struct oper *op, struct lane *lane, struct batch *b, uint64_t bytes,
                struct err *err)
{
    struct op_figures *f = lane_figures(lane, op);
    f->records_out += b->rows;
    f->bytes_out += bytes;
    for (uint32_t i = 0; i < op->nout; i++)
        if (!lane_deliver(op, lane, i, b, bytes, err))
            return false;
    return true;
}

/* Takes the next piece; NULL when there is none. */
static struct slot *slot_take(struct team *t, struct lane *lane)
{
    struct oper *op = t->source;
    pthread_mutex_lock(&t->take);
    pthread_mutex_lock(&t->mu);
    while (!t->end && !t->stop && t->taken - t->delivered >= t->nslots)
        pthread_cond_wait(&t->moved, &t->mu);
    bool over = t->end || t->stop;
    struct slot *s = &t->slots[t->taken % t->nslots];
    pthread_mutex_unlock(&t->mu);
    if (over) {
        pthread_mutex_unlock(&t->take);
        return NULL;
    }
    lane->slot = s;
    s->number = t->taken;
    struct op_figures *f = lane_figures(lane, op);
    f->first = clock_wall();
    engine_switch(lane, op);
    if (!op->cls->take(op, s->piece, &s->content, &s->err)) {
        lane_failed(lane, op);
        s->content = false;
    }
    engine_switch(lane, NULL);
    f->last = clock_wall();
    pthread_mutex_lock(&t->mu);
    t->taken++;
    t->end = !s->content;
    pthread_mutex_unlock(&t->mu);
    pthread_mutex_unlock(&t->take);
    return s;
}

static void slot_work(struct team *t, struct lane *lane, struct slot *s)
{
    lane->piece = t->base + s->number;
    if (s->content) {
        engine_switch(lane, t->source);
        if (!t->source->cls->parse(t->source, lane, s->piece, &s->err))
            lane_failed(lane, t->source);
        engine_switch(lane, NULL);
        lane_figures(lane, t->source)->last = clock_wall();
    }
    if (s->failed && !s->dropped)
        note(s, EVENT_FAILED, s->failed);
    lane->slot = NULL;
    pthread_mutex_lock(&t->mu);
    if (s->direct)
        t->delivering = false;
    s->done = true;
    deliver_ready(t);
    pthread_mutex_unlock(&t->mu);
}

static void *work(void *arg)
{
    struct worker *w = arg;
    struct slot *s;
    w->lane->mark = clock_thread();
    while ((s = slot_take(w->team, w->lane)))
        slot_work(w->team, w->lane, s);
    return NULL;
}

/* -- the team -- */

/* Signals are for the caller's thread. A thread that cannot be had is not missed. */
static void start_workers(struct team *t)
{
    sigset_t all, before;
    pthread_attr_t attr;
    heap_keep();
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    t->workers = ARENA_ARRAY(&t->e->mem, struct worker, t->nlanes);
    for (uint32_t i = 1; i < t->nlanes; i++) {
        struct worker *w = &t->workers[t->nworkers];
        *w = (struct worker){.team = t, .lane = lane_at(t->e, i)};
        if (pthread_create(&w->thread, &attr, work, w) != 0)
            break;
        t->nworkers++;
    }
    t->source->worked = t->nworkers + 1;
    for (uint32_t k = 0; k < t->nregion; k++)
        t->region[k]->worked = t->nworkers + 1;
    pthread_attr_destroy(&attr);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* The caller's own lane, alone at first. */
static bool lead(struct team *t, struct err *err)
{
    struct lane *lane = lane_at(t->e, 0);
    struct slot *s;
    lane->mark = clock_thread();
    lane->running = NULL;
    for (uint32_t i = 0; i < ALONE; i++) {
        if (!(s = slot_take(t, lane)))
            return true;
        slot_work(t, lane, s);
    }
    if (t->stop)
        return true;
    for (uint32_t i = 1; i < t->nlanes; i++)
        if (!lane_join(t, i, err))
            return false;
    start_workers(t);
    while ((s = slot_take(t, lane)))
        slot_work(t, lane, s);
    for (uint32_t i = 0; i < t->nworkers; i++)
        pthread_join(t->workers[i].thread, NULL);
    return true;
}

static void team_init(struct team *t, struct oper *source)
{
    struct engine *e = source->e;
    *t = (struct team){.e = e, .source = source, .nlanes = source->lanes, .ok = true};
    t->base = e->main.piece + 1;
    pthread_mutex_init(&t->take, NULL);
    pthread_mutex_init(&t->mu, NULL);
    pthread_cond_init(&t->moved, NULL);
    t->nslots = SLOTS_PER_LANE * t->nlanes;
    t->slots = ARENA_ARRAY(&e->mem, struct slot, t->nslots);
}

static void team_release(struct team *t)
{
    for (uint32_t i = 0; i < t->nslots; i++) {
        struct slot *s = &t->slots[i];
        if (!s->team)
            continue;
        for (uint32_t k = 0; k < t->nregion; k++)
            t->region[k]->cpu_s += s->figures[t->region[k]->index].cpu_s;
        t->source->cpu_s += s->figures[t->source->index].cpu_s;
        slot_clear(s);
        t->source->cls->piece_free(s->piece);
        free(s->events);
        buf_release(&s->out);
        arena_release(&s->mem);
    }
    pthread_mutex_destroy(&t->take);
    pthread_mutex_destroy(&t->mu);
    pthread_cond_destroy(&t->moved);
    region_leave(t);
}

bool lanes_may_feed(struct oper *source)
{
    return source->lanes > 1 && source->cls->take && source->cls->cut(source);
}

bool lanes_feed(struct oper *source, struct err *err)
{
    struct engine *e = source->e;
    struct team t;
    team_init(&t, source);
    struct oper *before = engine_switch(&e->main, NULL);
    bool ok = region_grow(source, &e->main, &t, err) && lane_join(&t, 0, err);
    for (uint32_t i = 0; ok && i < t.nslots; i++) {
        struct slot *s = &t.slots[i];
        s->team = &t;
        s->piece = source->cls->piece_new();
        s->out = BUF_INIT(BUF_UNBOUNDED);
        arena_init(&s->mem, NULL);
        s->figures = ARENA_ARRAY(&e->mem, struct op_figures, e->nops);
        slot_clear(s);
    }
    ok = ok && lead(&t, err);
    if (ok && !t.ok) {
        *err = t.err;
        ok = false;
    }
    e->main.piece = t.base + t.taken;
    e->main.mark = clock_thread();
    e->main.running = before;
    team_release(&t);
    return ok;
}
