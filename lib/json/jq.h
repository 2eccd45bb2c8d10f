/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One compiled jq program, run on one record at a time. Hides libjq: no jv leaves lib/json.
 * Compiling costs about 12 ms, so make one per thread and expression, and only when needed. A
 * program belongs to one thread. libjq itself is loaded by the first jq_program_new, so that tools
 * which never need it start as fast as a trivial process.
 *
 * A program sees the one record it is given and nothing else, so that its answer is the same
 * tomorrow and on another machine, and no secret leaks into data. Refused at compile time, each by
 * name: what looks outside (env, $ENV, input, inputs, input_filename, input_line_number, import,
 * include, modulemeta, get_search_list, $__prog_args), what depends on the moment or the place
 * (now, localtime, strflocaltime), and what acts on the process (debug, stderr, halt, halt_error).
 * ~/.jq is not read.
 */
#ifndef FORELINE_JQ_H
#define FORELINE_JQ_H

#include "base/base.h"
#include "base/buf.h"

struct jq_program;
/* `program` is jq source. On error NULL, with jq's own message in `err` on one line (ERR_DATA;
 * ERR_ENV when libjq cannot be loaded). Nothing is printed. */
struct jq_program *jq_program_new(const char *program, struct err *err);
void jq_program_free(struct jq_program *p);
/* Runs on one JSON text (one line; at most INT_MAX bytes; libjq takes 256 levels of nesting). On
 * success true, *results the number of outputs (2 stands for several: the rest is not computed) and
 * `out` (cleared first) holds the first one as JSON text, numbers in our shortest form; NaN as
 * null and the infinities as the largest double, as jq prints them. On a jq error (or input that is
 * not JSON) false and `err` says what jq said, on one line. */
bool jq_program_run(struct jq_program *p, struct slice json, struct buf *out, size_t *results,
                    struct err *err);

#endif
