/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of lib/cli tell one another; nothing for tools.
 */
#ifndef FORELINE_CLI_INTERNAL_H
#define FORELINE_CLI_INTERNAL_H

#include "base/arena.h"
#include "base/buf.h"
#include "cli/cli.h"
#include "json/json.h"

/* The one state of the process: who speaks, how loudly, and what the options point to. */
struct cli_process {
    const char *name;
    bool quiet, verbose;
    unsigned progress_lines; /* of a bar or a live view on stderr, which goes before a message */
    struct arena keep;       /* strings and lists of options: live as long as the process */
};
extern struct cli_process cli_process;

/* Behind `out`: what wipes the bar or live view, if there is one. */
void cli_wipe_progress(struct buf *out);

/* The options every tool has, behind its own; ends with a zeroed element. */
extern const struct opt cli_common_opts[];
extern const struct opt *const cli_opt_help, *const cli_opt_version, *const cli_opt_config;
/* The i-th option of the tool, then the common ones, then NULL. */
const struct opt *cli_opt(const struct tool *t, size_t i);
const struct opt *cli_opt_named(const struct tool *t, const char *name);
bool cli_opt_is_common(const struct opt *o);
static inline bool opt_takes_value(const struct opt *o)
{
    return o->kind != OPT_FLAG && o->kind != OPT_COUNT;
}
/* More than one makes sense: lists and counts. */
static inline bool opt_repeats(const struct opt *o)
{
    return o->kind == OPT_LIST || o->kind == OPT_COUNT;
}

/* Stores `text` (kept by the caller for the life of the process) as the option's value; flags and
 * counts take NULL (given), or a word: 1, 0, true, false, yes, no. A list grows. On a bad value
 * false, and err is ERR_USAGE "WHERE: 'text' is not …". */
bool cli_set(const struct opt *o, void *values, const char *text, const char *where,
             struct err *err);
/* Applies the configuration file (explicit NULL: the one of the user, if there is one), then the
 * environment. ERR_USAGE for a bad value, ERR_ENV when an explicit file cannot be read. */
bool cli_config_apply(const struct tool *t, void *values, const char *explicit_path,
                      struct err *err);

/* One example's command, indented, broken behind bars where it is longer than 80 columns. */
void cli_write_command(struct buf *out, const char *command, size_t indent);

/* The nearest of n names to what was typed, or NULL when none is near enough to suggest. */
const char *cli_nearest(const char *typed, const char *const *names, size_t n);

#endif
