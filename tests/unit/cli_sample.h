/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A tool with an option of every kind, for the tests of lib/cli. Shipped tools have their tables in
 * tools/.
 */
#ifndef FORELINE_CLI_SAMPLE_H
#define FORELINE_CLI_SAMPLE_H

#include "cli/cli.h"

struct sample_opts {
    struct common_opts common;
    bool fast;
    const char *dataset;
    struct opt_list params;
    int64_t jobs;
    double factor;
    uint64_t limit;
    double window;
    double sample;
    const char *input;
    int delimiter;
    int trace;
    const char *state;
    const char *pipeline;
};
#define SAMPLE_OPTS_INIT                                                          \
    {                                                                             \
        .common = {.format = "auto"}, .jobs = 1, .delimiter = ',', .input = "csv" \
    }
#define AT(field) offsetof(struct sample_opts, field)

static const struct opt sample_table[] = {
    {0, "fast", OPT_FLAG, AT(fast), NULL, NULL, 0, 0, COMPLETE_NONE, "hurry", "A `quick` ~/look^."},
    {'d', "dataset", OPT_STRING, AT(dataset), "NAME", NULL, 0, 0, COMPLETE_NONE,
     "call the data NAME; it's [optional]: really", NULL},
    {0, "param", OPT_LIST, AT(params), "K=V", NULL, 0, 0, COMPLETE_NONE, "set parameter K to V",
     NULL},
    {'j', "jobs", OPT_INT, AT(jobs), "N", NULL, 1, 64, COMPLETE_NONE, "use N threads", NULL},
    {0, "factor", OPT_NUMBER, AT(factor), "X", NULL, 0, 10, COMPLETE_NONE, "scale by X", NULL},
    {0, "limit", OPT_SIZE, AT(limit), "SIZE", NULL, 0, 0, COMPLETE_NONE, "stop at SIZE", NULL},
    {0, "window", OPT_DURATION, AT(window), "DUR", NULL, 0, 0, COMPLETE_NONE, "look back DUR",
     NULL},
    {0, "sample", OPT_PERCENT, AT(sample), "PCT", NULL, 0, 0, COMPLETE_NONE, "read PCT of it",
     NULL},
    {'i', "input-format", OPT_CHOICE, AT(input), "FORM", "csv|tsv|jsonl", 0, 0, COMPLETE_NONE,
     "input is", NULL},
    {0, "delimiter", OPT_CHAR, AT(delimiter), "C", NULL, 0, 0, COMPLETE_NONE,
     "fields are separated by C; a rather long text that has to go on over to a second line", NULL},
    {'t', "trace", OPT_COUNT, AT(trace), NULL, NULL, 0, 0, COMPLETE_NONE, "trace", NULL},
    {0, "state", OPT_STRING, AT(state), "DIR", NULL, 0, 0, COMPLETE_DIR, "keep state in DIR", NULL},
    {'p', "pipeline", OPT_STRING, AT(pipeline), "PIPELINE", NULL, 0, 0, COMPLETE_PIPELINE,
     "work on PIPELINE", NULL},
    {0},
};
static const struct tool_example sample_examples[] = {
    {"Print a greeting", "echo 'hello, world'"},
    {"A long chain, to see what happens to what does not fit on one line of a terminal: both this "
     "and the command",
     "printf '%s\\n' one two three four five | sort -r | head -n 3 | tail -n 2 | sed 's/one/two/' "
     "| sort -u"},
    {NULL, NULL},
};
static const struct tool_command sample_commands[] = {
    {"runs", "[--status S]", "list runs: all of them", NULL},
    {"log", "RUN", "show what RUN said", "Stages too."},
    {NULL, NULL, NULL, NULL},
};
static const struct tool_section sample_sections[] = {
    {"What it does",
     "Little. It has 'quotes' and a\n.dot at a line's start.\n\n  kept  as\n  it is"},
    {NULL, NULL},
};
static const char *const sample_synopsis[] = {"[-p PIPELINE] [FILE...]", "runs [--status S]", NULL};
static const struct tool sample_tool = {
    .name = "etl-sample",
    .summary = "show an option of every kind",
    .synopsis = sample_synopsis,
    .description = "The first paragraph. It has two sentences, e.g. this one.\n\nThe second.",
    .opts = sample_table,
    .commands = sample_commands,
    .sections = sample_sections,
    .examples = sample_examples,
    .see_also = "foreline(7), etl-plan(1), etl-profile(1)",
    .operand = COMPLETE_FILE,
};
#undef AT

#endif
