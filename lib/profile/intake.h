/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The bytes of one input on their way to the reader: passed on (--tee), waited for (--follow), and
 * watched for change. Internal to profile/. */
#ifndef FORELINE_INTAKE_H
#define FORELINE_INTAKE_H

#include <sys/stat.h>

#include "base/buf.h"
#include "os/follow.h"
#include "profile/profile.h"
#include "table/input.h"

struct intake {
    const struct profile_intake *o;
    const char *path;
    bool (*idle)(void *ctx, struct err *err); /* now and then while there is nothing; or NULL */
    void *idle_ctx;
    int fd; /* -1 when following */
    bool own;
    bool ended, untapped; /* nothing more will come; the tap has failed */
    struct stat before;
    uint64_t bytes; /* read */
    /* following */
    struct follow *follow;
    bool busy;      /* bytes came since the last pause */
    bool text;      /* not compressed, as far as the first bytes tell */
    bool checking;  /* the beginning of a further file: is it the header again? */
    size_t matched; /* bytes of it that are */
    bool header_whole;
    struct buf header; /* the first line of the first file, or its beginning */
    struct buf held;   /* to be given before anything else */
    size_t held_at;
    char last;                          /* the last byte given */
    uint64_t truncations, truncated_at; /* how often, and after how many bytes in all at first */
};

/* ERR_ENV when it cannot be opened. */
bool intake_open(struct intake *it, const char *path, const struct profile_intake *o,
                 struct err *err);
/* For the reader. */
enum input_got intake_read(void *intake, char *to, size_t cap, size_t *got, struct err *err);
/* What the reader left goes through the tap. */
bool intake_rest(struct intake *it, struct err *err);
/* Did the file change while it was read? `reason` says how, *at after how many bytes; the number of
 * times, or 0. */
uint64_t intake_changes(const struct intake *it, struct buf *reason, uint64_t *at);
void intake_close(struct intake *it);

#endif
