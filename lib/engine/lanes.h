/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Several threads for one source: what engine.c and lanes.c say to each other. See struct lane in
 * op.h for how it works. */
#ifndef FORELINE_ENGINE_LANES_H
#define FORELINE_ENGINE_LANES_H

#include "base/buf.h"
#include "engine/op.h"
#include "engine/reject.h"

/* -- lanes.c -- */

void lane_init(struct lane *lane, struct engine *e, uint32_t index);
void lane_release(struct lane *lane);
/* Before the first push, and the end, of an input: makes the state of lane 0 if it works in lanes.
 */
bool lanes_ensure(struct oper *op, struct lane *lane, uint32_t input, struct err *err);
/* At the end of an input: merges the lanes that were opened. */
bool lanes_close(struct oper *op, uint32_t input, struct err *err);
/* op_emit in a lane. */
bool lanes_emit(struct oper *op, struct lane *lane, struct batch *b, uint64_t bytes,
                struct err *err);
/* Opens what works in lanes behind a source that is open. */
bool region_open(struct oper *source, struct lane *lane, struct err *err);
/* May several threads work on what this source gives? (Then it gives pieces, and no steps.) */
bool lanes_may_feed(struct oper *source);
/* All of a source: returns when its last piece was delivered, or when nobody needs more. */
bool lanes_feed(struct oper *source, struct err *err);
/* Threads are there when a run goes on for long; they end with each source. */
void lanes_release(struct engine *e);

/* -- engine.c -- */

/* Do lanes push into operators of this kind? (The planner has a list of its own.) */
bool engine_in_lanes(enum op kind);

/* The first stage that fails is the one that is named. Gives false. */
bool engine_failed(struct oper *op);
bool engine_deliver(struct oper *op, struct lane *lane, uint32_t input, struct batch *b,
                    uint64_t bytes, struct err *err);
bool engine_open(struct oper *op, struct lane *lane, struct err *err);
bool engine_open_to(const struct oper *op, uint32_t input);
bool engine_in_time(const struct oper *op, struct err *err);
/* Between two steps of a source: what the last one has caused. */
bool engine_after_step(struct oper *source, struct lane *lane, struct err *err);
bool engine_needs(const struct oper *source);

#endif
