/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a file was at some instant, so that a later run can tell whether it still is: its size,
 * time, inode, and of a small file a hash of the content. A small file is the same when its content
 * is, whatever its time says; a large one when size, time (nanoseconds) and inode are: who writes
 * within one tick of the file system's clock and puts the time back is not noticed. */
#ifndef FORELINE_ENGINE_MARK_H
#define FORELINE_ENGINE_MARK_H

#include "base/arena.h"
#include "base/hash.h"
#include "json/json.h"

/* Files up to this are hashed: a third of a millisecond. */
#define MARK_HASH_BYTES 65536

enum mark_kind {
    MARK_ABSENT,
    MARK_FILE,   /* or a folder, by its time */
    MARK_STREAM, /* stdin, a fifo, a device: never known to be the same */
};
struct mark {
    const char *path;
    enum mark_kind kind;
    int64_t size, mtime_ns, inode;
    char sha256[SHA256_HEX]; /* "" when not hashed */
};
struct marks {
    struct mark *items;
    uint32_t n;
};
/* `path` is kept as it is given. */
void mark_take(struct mark *m, const char *path);
bool mark_holds(const struct mark *then, const struct mark *now);
/* What makes them differ: "size 10 -> 12", "it is gone", …; in the arena. */
const char *mark_change(struct arena *a, const struct mark *then, const struct mark *now);
void mark_write(struct jw *w, const struct mark *m);
void mark_read(const struct json *v, struct mark *out);
void marks_write(struct jw *w, const char *key, const struct marks *m);
void marks_read(struct arena *a, const struct json *v, struct marks *out);

#endif
