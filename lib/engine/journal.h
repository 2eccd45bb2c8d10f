/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The journal of a run, in the store: what was begun, out of what, and which results stay. It is
 * what `--resume` goes by (engine/resume.h).
 *
 * One row for the run, when its pipeline is bound: the build of the program, and of every stage
 * the hash of its definition, and of a read the marks of its files and the hash of its columns'
 * types. One row for a stage with a result that stays, each time that changes:
 *   began   a command (or an sql stage: the same below) is about to start: marks of its program and
 *           of what it reads
 *   ended   it ended with 0 (its transaction is committed): also marks of the files it writes
 *   ready   a write is synced in its hidden file, which is about to be renamed: its name and mark.
 *           A mark survives the rename, so nothing is written afterwards.
 * A transaction that is not waited for survives kill -9, and costs some 30 µs; only `ended` waits
 * for the disk: after a power cut too a command that had ended is known to have. A journal that
 * cannot be written is a warning: the run goes on, and a resume does more than it must.
 *
 * Between the end of a command and its row lies an instant in which a kill makes the command run
 * again; nothing but the command itself could close that. */
#ifndef FORELINE_ENGINE_JOURNAL_H
#define FORELINE_ENGINE_JOURNAL_H

#include "engine/engine.h"
#include "engine/mark.h"
#include "store/store.h"

enum journal_step { JOURNAL_NONE, JOURNAL_BEGAN, JOURNAL_READY, JOURNAL_ENDED };
struct journal_stage {
    const char *id;
    char definition[SHA256_HEX]; /* of its object in the pipeline file, but for what changes no
                                    result: resources, timeout_s, retries, description */
    char types[SHA256_HEX];      /* of the columns that a read gives; "" when not known before */
    struct marks reads;
    struct mark program; /* of a command; path NULL when its line is no plain command */
    enum journal_step step;
    const char *hidden;   /* JOURNAL_READY */
    struct marks outputs; /* of a write: what is or was to be renamed */
    uint64_t rejects;
};
struct journal {
    const char *run_id;
    char *build;
    struct journal_stage *stages; /* in the order of the pipeline, or as they were read */
    uint32_t nstages;
    const struct pipeline *p;
    struct store *store; /* NULL: nothing is kept */
    struct arena *a;
    struct err err; /* what kept the last row from being written */
};

/* Takes the marks of a bound pipeline; writes nothing. `store` may be NULL. */
void journal_init(struct journal *j, struct store *store, const char *run_id,
                  const struct pipeline *p, struct arena *a);
/* Writes the run's row, and the rows of stages that have a step already: those that are kept of
 * `from` (NULL: none), the run that this one goes on with. ERR_AGAIN as store_journal_begin. */
bool journal_begin(struct journal *j, const char *from, struct err *err);
/* For engine_opts.step. */
bool journal_step(struct journal *j, const struct engine_step *s);
/* The journal of an earlier run; nstages 0 when it has none. ERR_ENV when it is damaged. */
bool journal_load(struct journal *j, struct store *store, const char *run_id, struct arena *a,
                  struct err *err);
const struct journal_stage *journal_find(const struct journal *j, const char *id);

/* Does it write the file? By name, as the pipeline has it. */
bool journal_writes(const struct stage *s, const char *path);
/* The program that a command's line names, where its shell would find it; or NULL: of a
 * line with more than a plain word before the first blank, and of other stages. */
const char *journal_program(struct arena *a, const struct pipeline *p, const struct stage *s);

#endif
