/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What stays of a run: telling the journal of it, and taking it over from an earlier run. What may
 * be kept is decided in resume.c. */
#include "engine/op.h"

static bool tell(struct engine *e, struct engine_step *s)
{
    uint64_t *rejects = ARENA_ARRAY(&e->mem, uint64_t, e->nops);
    for (uint32_t i = 0; i < e->nops; i++)
        rejects[i] = e->ops[i].rejects;
    s->rejects = rejects;
    return e->o->step(e->o->ctx, s);
}

void engine_tell(struct oper *op, enum engine_step_kind kind)
{
    struct engine_step s = {.kind = kind, .stage = op->index};
    if (op->e->o->step)
        tell(op->e, &s);
}

bool engine_tell_ready(struct engine *e, const bool *mark)
{
    if (!e->o->step)
        return false;
    struct engine_output *outputs = ARENA_ARRAY(&e->mem, struct engine_output, e->nops);
    struct engine_step s = {.kind = STEP_READY, .outputs = outputs};
    for (uint32_t i = 0; i < e->nops; i++) {
        struct oper *op = &e->ops[i];
        if (op->cls == &op_write_class && (!mark || mark[i]) && op->opened && !op->kept &&
            write_hidden(op))
            outputs[s.noutputs++] = (struct engine_output){i, write_hidden(op)};
    }
    return s.noutputs && tell(e, &s);
}

void engine_leave(struct engine *e, const bool *mark)
{
    for (uint32_t i = 0; i < e->nops; i++) {
        struct oper *op = &e->ops[i];
        if (op->cls == &op_write_class && (!mark || mark[i]) && op->opened)
            write_leave(op);
    }
}

bool engine_adopt(struct engine *e, struct err *err)
{
    for (uint32_t i = 0; e->o->kept && i < e->nops; i++) {
        if (e->o->kept[i].hidden && !write_adopt(&e->ops[i], e->o->kept[i].hidden, err)) {
            e->failed = (int)i;
            return false;
        }
    }
    return true;
}
