/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shadow runs: a pipeline is run as it is, but all it writes goes into a scratch folder, and that
 * is compared with what is published, or with what another pipeline makes of the same input.
 * Nothing of the pipeline's own outputs is touched.
 *
 * - A write to PATH goes to SHADOW/PATH, where SHADOW is the scratch folder and PATH is relative to
 *   the folder of the pipeline file; one outside of it to SHADOW/.outside/ and the absolute path;
 *   one to "-" is kept too. A read of what another stage writes reads it there.
 * - A command or sql stage runs only when it declares "shadow_safe": true; else it is skipped, with
 *   all that needs it and all that only it needs, and the verdict names what was not compared and
 *   why. One that runs finds SHADOW in FORELINE_SHADOW and writes each file of its `writes` there
 *   under the path that the pipeline file gives, where the outputs of the stages before it stand as
 *   well. What it does otherwise is its own promise; a published output that changes while the run
 *   goes on is noticed.
 * - Rejects count as ever; the file of --reject is not written.
 * - The folder is in scratch_dir(), and is removed in every case; one that a killed run left is
 *   removed by the next.
 *
 * The comparison (compare/compare.h) takes the order of rows into account where a sort reaches the
 * write (of the other pipeline, if there is one): through filter, derive, select, rename, limit,
 * distinct and the left side of a join. Files are matched by PATH.
 *
 * The same input: with another pipeline, stdin is kept and read by both, a pipe by name is refused,
 * and files whose size, time or inode changed between the two are named: then the verdict says no,
 * as it could not tell. */
#ifndef FORELINE_ENGINE_SHADOW_H
#define FORELINE_ENGINE_SHADOW_H

#include "compare/compare.h"
#include "engine/engine.h"

struct shadow_opts {
    struct pipeline *against;            /* loaded, not bound; NULL: what is published */
    const struct rec_plan *against_plan; /* or NULL */
    double rtol;
};
enum shadow_state { SHADOW_SAME, SHADOW_DIFFERENT, SHADOW_NOT_COMPARED };
struct shadow_output {
    const char *name; /* as the pipeline file has it, relative to its folder where it can be */
    enum shadow_state state;
    const char *why;              /* not compared, or not there; or NULL */
    struct compare_result result; /* of published or other (first) and candidate (second) */
    double rows;                  /* of the candidate; NAN: not known */
};
struct shadow_report {
    const char *against; /* its name; NULL: what is published */
    const struct shadow_output *outputs;
    uint32_t noutputs;
    struct rec_verdict verdict; /* check "shadow" */
};

struct shadow;
/* Makes the scratch folders and turns the pipeline's outputs there: before it is bound. `p` is
 * changed. NULL when it fails. */
struct shadow *shadow_new(struct pipeline *p, const struct shadow_opts *o, struct arena *a,
                          struct err *err);
/* Removes the folders. NULL is fine. */
void shadow_free(struct shadow *s);
/* Binds the other pipeline and looks at the inputs of both: when `p` is bound. Sets in `e` what the
 * engine needs to know. */
bool shadow_begin(struct shadow *s, const struct rec_profile *profiles, size_t nprofiles,
                  struct engine_opts *e, struct err *err);
/* Is this file the candidate's own output, where it is now or where it is published, or in a
 * scratch folder of the run? */
bool shadow_is_own(const struct shadow *s, const char *path);
/* When the candidate has run well: runs the other, compares. Errors: the other fails, a signal, a
 * disk; differences are none. */
bool shadow_end(struct shadow *s, const struct engine_opts *e,
                const struct engine_result *candidate, struct shadow_report *out, struct err *err);

#endif
