/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A file that others write to, as `tail -F` reads it: to its end, then what is added, and on in the
 * file that takes its name. */
#ifndef FORELINE_FOLLOW_H
#define FORELINE_FOLLOW_H

#include <signal.h>

#include "base/base.h"

enum follow_got {
    FOLLOW_BYTES,
    FOLLOW_NEXT,      /* another file begins; the one before was read to its end */
    FOLLOW_TRUNCATED, /* the file became shorter: it is read from its beginning */
    FOLLOW_PAUSE,     /* no bytes for 0.2 s */
    FOLLOW_END,       /* *stop is set, and all that is there was read */
    FOLLOW_ERROR,
};
struct follow;
/* The file may come later. ERR_ENV when it is there and cannot be opened, or is a folder
 * (later, instead of a file that was read, that is as if it were not there). Reading
 * ends when *stop is not 0 (a signal handler may set it; a waiting read then returns soon). */
struct follow *follow_open(const char *path, const volatile sig_atomic_t *stop, struct err *err);
void follow_close(struct follow *f);
/* A renamed file is read on until the new one holds something: whoever writes has turned to that by
 * then. Files that had the name between two calls and have another one in the
 * same folder are read too, in order; those that were removed or packed meanwhile are lost. */
enum follow_got follow_read(struct follow *f, char *to, size_t cap, size_t *got, struct err *err);

#endif
