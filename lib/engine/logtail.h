/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a command says: its beginning goes to the log as it comes, of the rest the end is kept and
 * goes there when the command has ended. A command that prints gigabytes costs a bounded amount.
 * Secrets that the pipeline file gave to the command are shown as ***. */
#ifndef FORELINE_ENGINE_LOGTAIL_H
#define FORELINE_ENGINE_LOGTAIL_H

#include "base/buf.h"
#include "engine/engine.h"

#define LOG_HEAD (512u << 10) /* what the store keeps of either end; */
#define LOG_TAIL \
    ((512u << 10) - 64) /* with room for the line between that says what was left out */
#define LOG_STEP 65536u /* handed on at once */

struct logtail {
    const struct engine_opts *o;
    const char *stage;
    uint64_t total;     /* bytes said */
    struct buf pending; /* of the head */
    struct buf tail;    /* at most twice LOG_TAIL */
    const struct text_list *secrets;
    double handed;   /* clock_wall when something was handed on last, or it began */
    struct buf held; /* what may become a secret */
    bool ended;
};
void logtail_init(struct logtail *l, const struct engine_opts *o, const char *stage);
/* Before the first logtail_add; the values are the caller's and outlive `l`. None is empty. */
void logtail_hide(struct logtail *l, const struct text_list *secrets);
void logtail_add(struct logtail *l, struct slice text);
/* Hands on what has waited for a second: so the log of a command that runs can be read, and little
 * is lost of one whose run is killed. */
void logtail_tick(struct logtail *l);
/* Hands on what is left, and frees it. */
void logtail_end(struct logtail *l);
/* Its last lines (at most 10, at most 2 KiB); valid until the next call on `l`. */
const char *logtail_last(const struct logtail *l);

#endif
