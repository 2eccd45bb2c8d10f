/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How many threads. See lanes.h. */
#include "plan/lanes.h"

#include <math.h>

/* Of the time that reading takes, what one thread does at a time: bytes from the kernel, record and
 * field ends. Measured on 300 MB of 9 columns of which 4 are read, as the instructions of
 * reader_take and the kernel's time against all of the read stage's. */
#define TAKE_SHARE 0.5

bool lanes_reach(enum op op)
{
    switch (op) {
    case OP_FILTER:
    case OP_DERIVE:
    case OP_SELECT:
    case OP_RENAME:
    case OP_UNION:
    case OP_JOIN: /* of its left side */
    case OP_AGGREGATE:
    case OP_SORT:
    case OP_WRITE:
        return true;
    default:
        return false;
    }
}

/* Does what lanes push into it go on in them? */
static bool passes_on(enum op op)
{
    return op != OP_AGGREGATE && op != OP_SORT && op != OP_WRITE;
}

void lanes_plan(struct arena *a, const struct pipeline *p, const double *seconds, double cores,
                struct lanes_plan *out)
{
    uint32_t n = p->nstages, room = cores >= 1 && cores < 1e6 ? (uint32_t)(cores + 1e-9) : 1;
    bool *within = ARENA_ARRAY(a, bool, n);      /* its output is still in lanes */
    double *allowed = ARENA_ARRAY(a, double, n); /* of each source, by `resources` */
    out->n = ARENA_ARRAY(a, uint32_t, n);
    out->source = ARENA_ARRAY(a, uint32_t, n);
    out->work_s = ARENA_ARRAY(a, double, n);
    for (uint32_t k = 0; k < n; k++) {
        uint32_t i = p->order[k];
        const struct stage *s = &p->stages[i];
        uint32_t from = s->ninputs ? s->inputs[0] : i;
        bool reached = s->op == OP_READ || (s->ninputs && within[from] && lanes_reach(s->op));
        out->source[i] = reached && s->ninputs ? out->source[from] : i;
        within[i] = reached && (s->op == OP_READ || passes_on(s->op));
        out->work_s[out->source[i]] += seconds[i];
        if (out->source[i] == i)
            allowed[i] = room;
        if (s->cpu_cores > 0)
            allowed[out->source[i]] = fmin(allowed[out->source[i]], floor(s->cpu_cores));
    }
    for (uint32_t k = 0; k < n; k++) {
        uint32_t i = p->order[k];
        const struct stage *s = &p->stages[i];
        out->n[i] = 1;
        if (out->source[i] != i) {
            out->n[i] = out->n[out->source[i]];
            continue;
        }
        if (s->op != OP_READ)
            continue;
        double most = fmin(allowed[i], floor(out->work_s[i] / LANE_LEAST_S));
        if (seconds[i] > 0)
            most = fmin(most, ceil(out->work_s[i] / (seconds[i] * TAKE_SHARE)));
        out->n[i] = most > 1 ? (uint32_t)most : 1;
    }
}
