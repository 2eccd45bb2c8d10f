/* SPDX-License-Identifier: GPL-3.0-or-later */
/* --resume: what of a run that did not complete is kept, and why the rest is run.
 *
 * A stage is finished when its result stays without us: a write whose file was made ready or
 * published, a command that ended with 0. Of the others (filter, join, …) nothing stays but what
 * was made from their rows, so they are run exactly when a stage that is not finished takes their
 * rows. Sorted or grouped rows are not kept for their own sake: writing, syncing and reading back
 * what a pipeline breaker holds costs every run more than a resume gains in the rare one.
 *
 * A finished stage is kept when what it was made from is still the same: its own definition and
 * those of all stages it takes rows from, the files these read and their columns' types, the
 * build of etl-run where rows went through it, the program of a command; when the finished stages
 * it comes after are kept too; and when its own files are as it, or a command after it, left them.
 * Else it is run again, and the reason says which of these it was. So a command that ended is not
 * run twice unless something before it changed. What nobody can compare (stdin, a fifo) is taken
 * for changed; files that a command reads without saying so in `reads`, values of ${env:NAME} and
 * the world behind a URL are not looked at.
 *
 * An output that was ready and not renamed is adopted, locked so that no sweep takes it, and
 * published together with what is run now. So the outputs of one publication are never left half
 * visible by a crash or a failed rename that is resumed. Hidden files that no journal names are
 * swept by the next run that writes into their folder.
 *
 * The journal of the earlier run moves to the new one in one transaction, with the stages that
 * are kept: a chain of crashes needs only the last link. */
#ifndef FORELINE_ENGINE_RESUME_H
#define FORELINE_ENGINE_RESUME_H

#include "engine/journal.h"

struct resume_stage {
    bool kept;
    const char *hidden; /* of a write that is kept: not yet published; or NULL */
    const char *why;    /* "its output 'x' is there", "not finished", "input 'y' changed: …" */
    uint64_t rejects;   /* that a stage which is kept put aside in the earlier run */
};
struct resume {
    const char *run_id; /* the earlier run */
    struct resume_stage *stages;
    uint32_t nkept, nstages;
    uint64_t rejects; /* of all stages that are kept */
    struct journal old;
};
/* The run to go on with: `run` is its id or an unambiguous beginning, or "" for the last one of
 * this pipeline that did not complete. ERR_DATA when there is none, when it completed, belongs to
 * another pipeline or left no journal; ERR_AGAIN while its process lives. `out` in the arena. */
bool resume_find(struct store *s, struct arena *a, const struct pipeline *p, const char *run,
                 const char **out, struct err *err);
/* Decides for each stage of the bound pipeline. `now`: of journal_init. Reads files, changes
 * nothing. */
bool resume_decide(struct resume *r, struct journal *now, const char *run_id, struct store *s,
                   struct err *err);
/* Puts what is kept into the journal of the new run, before journal_begin. */
void resume_carry(const struct resume *r, struct journal *now);

#endif
