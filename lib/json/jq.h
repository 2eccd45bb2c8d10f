/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One compiled jq program, run on one record at a time. Hides libjq: no jv leaves lib/json.
 * Compiling costs about 12 ms, so make one per thread and expression, and only when needed. */
#ifndef FORELINE_JQ_H
#define FORELINE_JQ_H

#include "base/base.h"
#include "base/buf.h"

struct jq_program;
/* `program` is jq source. On error NULL, with jq's own message in `err` (ERR_DATA). */
struct jq_program *jq_program_new(const char *program, struct err *err);
void jq_program_free(struct jq_program *p);
/* Runs on one JSON text (one line, any size). On success true, *results the number of outputs and
 * `out` holds the first one as JSON text (numbers in our shortest form). On a jq error (or input
 * that is not JSON) false and `err` says what jq said, on one line. */
bool jq_program_run(struct jq_program *p, struct slice json, struct buf *out, size_t *results,
                    struct err *err);

#endif
