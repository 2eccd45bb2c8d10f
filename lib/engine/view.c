/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is shown of a run while it goes on: figures as they stand, from the caller's thread only. */
#include "engine/allocation.h"
#include "engine/op.h"

#define LOOK_S 0.1 /* between two looks */

/* What it may hold now; 0: nothing was set. */
static double limit_of(const struct oper *op)
{
    uint64_t bytes = op->given ? atomic_load(&op->given->limit_bytes) : op->limit_bytes;
    return op->given && !op->given->planned && bytes == UNPLANNED_BYTES ? 0 : (double)bytes;
}

static void look_at(const struct oper *op, struct engine_view_stage *v)
{
    *v = (struct engine_view_stage){
        .id = op->stage->id,
        .operation = op_name(op->stage->op),
        .begun = op->first >= 0,
        .done = op->done,
        .wall_s = op->first >= 0 ? op->last - op->first : 0,
        .cpu_s = op->cpu_s + op->extra_cpu_s,
        .records_in = (double)op->records_in,
        .records_out = (double)(op->stage->op == OP_WRITE ? op->records_in : op->records_out),
        .memory_bytes =
            (double)(op->given && op->stage->op == OP_COMMAND ? atomic_load(&op->given->held_bytes)
                                                              : op->acct->now),
        .limit_bytes = limit_of(op),
        .spilled_bytes = (double)(op->spilled_bytes + op->queued_bytes),
    };
}

void engine_show_end(const struct oper *op)
{
    struct engine_view_stage v;
    look_at(op, &v);
    v.memory_bytes = (double)(op->acct->peak > op->extra_peak ? op->acct->peak : op->extra_peak);
    if (op->e->o->ended)
        op->e->o->ended(op->e->o->ctx, &v);
}

void engine_show(struct engine *e)
{
    if (!e->o->progress || !e->source || !pthread_equal(e->thread, pthread_self()))
        return;
    double now = clock_wall();
    if (now - e->viewed < LOOK_S)
        return;
    e->viewed = now;
    if (!e->view)
        e->view = ARENA_ARRAY(&e->mem, struct engine_view_stage, e->nops);
    struct engine_view v = {.stages = e->view,
                            .nstages = e->nops,
                            .stage = e->source->stage->id,
                            .size_bytes = e->size_bytes};
    for (uint32_t i = 0; i < e->nops; i++) {
        look_at(&e->ops[i], &e->view[i]);
        if (e->ops[i].stage->op == OP_READ) {
            v.read_bytes += (double)e->ops[i].read_bytes;
            v.records += (double)e->ops[i].records_in;
        }
    }
    e->o->progress(e->o->ctx, &v);
}
