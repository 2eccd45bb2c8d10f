/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Another attempt. See retry.h. */
#include "engine/retry.h"

#include <time.h>

#define LONGEST_S 30.0
#define TICK_NS 20000000 /* how often a stop is looked for */

bool retry_wait(struct retry *r, struct oper *op, const struct err *why, struct err *err)
{
    const struct engine_opts *o = op->e->o;
    struct err stop = ERR_INIT;
    if (engine_stopped(op->e, &stop)) {
        *err = *why;
        return false;
    }
    if (o->retrying)
        o->retrying(o->ctx, op->stage->id, why);
    double until = clock_wall() + r->pause_s;
    while (clock_wall() < until) {
        struct timespec ts = {0, TICK_NS};
        nanosleep(&ts, NULL);
        if (engine_stopped(op->e, err))
            return false;
    }
    r->pause_s = r->pause_s * 2 < LONGEST_S ? r->pause_s * 2 : LONGEST_S;
    return true;
}
