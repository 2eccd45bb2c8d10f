/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What shadow.c and shadow_verdict.c share. Internal to them. */
#ifndef FORELINE_ENGINE_SHADOW_INT_H
#define FORELINE_ENGINE_SHADOW_INT_H

#include <sys/stat.h>

#include "engine/shadow.h"
#include "os/os.h"

enum { CANDIDATE, OTHER };

struct shadow_place { /* an output */
    uint32_t stage;
    const char *path, *name; /* as published; name: relative to the pipeline's folder */
    const char *scratch;     /* where it goes now */
    enum format format;      /* AUTO: as its name and bytes say */
    bool url;                /* a database or the like */
};
struct shadow_look { /* a file as it was before */
    const char *path;
    bool there, published;
    struct stat st;
};
struct shadow_side {
    struct pipeline *p;
    struct scratch_folder folder;
    bool *skip;       /* per stage */
    const char **why; /* it is skipped */
    struct shadow_place *places;
    uint32_t nplaces;
    struct engine_result result;
    double wall_s;
};
struct shadow {
    const struct shadow_opts *o;
    struct arena *a;
    struct shadow_side side[2];
    int nsides;
    const char *stdin_kept;
    struct shadow_look *looks;
    uint32_t nlooks;
    double started;
};

bool shadow_look_holds(const struct shadow_look *l);
bool shadow_run_other(struct shadow *s, const struct engine_opts *e, struct err *err);

#endif
