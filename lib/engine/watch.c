/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How stages are doing: what they have used, and telling who wants to know when they begin and end.
 */
#include <math.h>
#include <string.h>

#include "engine/op.h"

/* Its rows are whole, but nobody can see them. */
static bool is_unpublished(const struct oper *op)
{
    return op->cls == &op_write_class && op->opened && op->state && write_hidden(op);
}

static const char *status_of(const struct oper *op, bool ok)
{
    const struct engine *e = op->e;
    if (op->kept)
        return e->o->kept[op->index].skipped ? "skipped" : "kept";
    if (!ok && (int)op->index == e->failed && !(e->o->stop && *e->o->stop))
        return "failed";
    if (!ok && is_unpublished(op))
        return "cancelled";
    if (ok || op->done)
        return "completed";
    return op->first >= 0 ? "cancelled" : "skipped";
}

static void figure(struct rec_figure *f, double v)
{
    f->p50 = f->p95 = v;
}

void engine_figures(const struct oper *op, bool ok, struct engine_stage *s)
{
    bool ran = op->first >= 0;
    uint64_t peak = op->acct->peak > op->extra_peak ? op->acct->peak : op->extra_peak;
    *s = (struct engine_stage){.status = status_of(op, ok)};
    s->used.id = op->stage->id;
    s->used.operation = op_name(op->stage->op);
    s->algorithm = op->algorithm;
    s->rejects = op->rejects;
    s->lanes = op->worked > 1 ? op->worked : 1;
    figure(&s->used.records_in, ran ? (double)op->records_in : NAN);
    figure(&s->used.records_out, ran ? (double)op->records_out : NAN);
    figure(&s->used.bytes_in, ran ? (double)op->bytes_in : NAN);
    figure(&s->used.bytes_out, ran ? (double)op->bytes_out : NAN);
    figure(&s->used.wall_s, ran ? op->last - op->first : NAN);
    figure(&s->used.cpu_s, ran ? op->cpu_s + op->extra_cpu_s : NAN);
    figure(&s->used.peak_memory_bytes, ran ? (double)peak : NAN);
    figure(&s->used.read_bytes, ran ? (double)op->read_bytes : NAN);
    figure(&s->used.write_bytes, ran ? (double)op->write_bytes : NAN);
    s->spilled_bytes = ran ? (double)(op->spilled_bytes + op->queued_bytes) : NAN;
}

static const char *end_of(const char *status)
{
    return strcmp(status, "completed") == 0 ? "COMPLETE"
           : strcmp(status, "failed") == 0  ? "FAIL"
                                            : "ABORT";
}

static void watch(struct oper *op, double now, bool over, bool ok)
{
    const struct engine_opts *o = op->e->o;
    struct engine_stage s;
    if (!op->told_start) {
        op->told_start = true;
        op->told = now;
        o->stage(o->ctx, op->index, "START", NULL);
    }
    bool ended = over || (op->done && !is_unpublished(op));
    if (!ended && !(o->running_s > 0 && now - op->told >= o->running_s))
        return;
    op->told = now;
    op->told_end = ended;
    engine_figures(op, ok, &s);
    if (!ended)
        s.status = "running";
    o->stage(o->ctx, op->index, ended ? end_of(s.status) : "RUNNING", &s);
}

void engine_watch(struct engine *e, bool over, bool ok)
{
    if (!e->o->stage || (!over && !pthread_equal(e->thread, pthread_self())))
        return;
    double now = clock_wall();
    for (uint32_t n = 0; n < e->nops; n++) {
        struct oper *op = &e->ops[e->p->order[n]];
        if (!op->told_end && op->first >= 0)
            watch(op, now, over, ok);
    }
}
