/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a reader's bytes come from when it is neither a path nor a descriptor: a caller that passes
 * them on, waits for them, or watches over them. */
#ifndef FORELINE_INPUT_H
#define FORELINE_INPUT_H

#include "base/base.h"

enum input_got {
    INPUT_BYTES, /* *got of them, at least one */
    INPUT_END,
    INPUT_PAUSE, /* none for now: records that are whole are delivered, then it is asked again */
    INPUT_ERROR, /* `err` says why */
};
struct input {
    /* Up to `cap` bytes as they are stored (compressed, if they are) into `to`. */
    enum input_got (*read)(void *ctx, char *to, size_t cap, size_t *got, struct err *err);
    void *ctx;
};

#endif
