/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Another attempt of a stage: told, and after a pause that doubles.
 *
 * Pauses have no jitter. It keeps many clients that failed together from coming back together; here
 * one stage of one run waits for one command or database, and a run takes as long as the last one
 * did. */
#ifndef FORELINE_ENGINE_RETRY_H
#define FORELINE_ENGINE_RETRY_H

#include "engine/op.h"

struct retry {
    double pause_s; /* before the next attempt */
};
#define RETRY_INIT ((struct retry){0.5})

/* After an attempt failed with *why, and another is wanted: tells so, then waits. False: the run
 * was stopped, see err, which is *why when that was so before. */
bool retry_wait(struct retry *r, struct oper *op, const struct err *why, struct err *err);

#endif
