/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Records that were put aside: counted, the first one remembered, kept in a file when asked. */
#ifndef FORELINE_ENGINE_REJECT_H
#define FORELINE_ENGINE_REJECT_H

#include "base/arena.h"
#include "engine/engine.h"
#include "os/os.h"

struct reject {
    const char *stage;
    const char *path;   /* or NULL */
    uint64_t line;      /* 0: unknown */
    const char *column; /* or NULL */
    const char *reason, *rule;
    struct slice record; /* as it stood in the input, or as JSON */
    bool record_is_json;
};
struct rejects {
    struct atomic_file file;
    bool to_file, opened;
    struct buf pending;
    struct engine_limit limit;
    uint64_t n;
    char *first; /* in mem */
    bool exceeded;
    bool write_failed;
    struct err write_err;
    struct arena mem;
};
bool rejects_open(struct rejects *r, const char *path, const struct engine_limit *limit,
                  struct err *err);
/* Counts it; sets `exceeded` when an absolute limit is passed. */
void rejects_add(struct rejects *r, const struct reject *what);
/* false when the limit is passed (ERR_DATA) or the file could not be written (ERR_ENV). `read` > 0:
 * the records read in all, to judge a limit in percent. */
bool rejects_check(struct rejects *r, uint64_t read, struct err *err);
/* All is in the file, which is not shown yet: before outputs are published. */
bool rejects_ready(struct rejects *r, struct err *err);
/* Shows the file. It is shown after a run that its own limit ended too: it says why. */
bool rejects_commit(struct rejects *r, struct err *err);
void rejects_release(struct rejects *r);

#endif
