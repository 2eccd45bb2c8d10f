/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The option table of etl-plan: --help, man page and completions come from it. */
#include "tools/etl-plan.h"

#define AT(field) offsetof(struct etl_plan_opts, field)
static const struct opt table[] = {
    {'e', "environments", OPT_LIST, AT(environments), "FILE", NULL, 0, 0, COMPLETE_FILE,
     "plan for the environment records in FILE",
     "Nothing is discovered then. May be given more than once."},
    {0, "deadline", OPT_STRING, AT(deadline), "DUR|TIME", NULL, 0, 0, COMPLETE_NONE,
     "refuse what would not end by then",
     "A duration from now (90s, 5m, 2h), the next such time of day in UTC (06:00) or an instant "
     "(RFC 3339). The predicted median counts; why[] says when p95 would be too late."},
    {0, "objective", OPT_CHOICE, AT(objective), "WHAT", "time|cost", 0, 0, COMPLETE_NONE,
     "choose the fastest or the cheapest environment", NULL},
    {0, "mode", OPT_CHOICE, AT(mode), "M", "auto|standard|optimized|sampling|shadow", 0, 0,
     COMPLETE_NONE, "how etl-run is to run it",
     "standard: as written, one fixed algorithm for each operation. optimized: algorithms by the "
     "predicted sizes. sampling: on a sample, publishing nothing. shadow: into a scratch folder, "
     "and "
     "compared with what is published. auto, the default: optimized when there are predicted "
     "sizes."},
    {0, "check", OPT_FLAG, AT(check), NULL, NULL, 0, 0, COMPLETE_NONE,
     "only say whether it can be planned: a verdict, no plan", NULL},
    {0, "ignore-verdicts", OPT_FLAG, AT(ignore_verdicts), NULL, NULL, 0, 0, COMPLETE_NONE,
     "plan although a check before said no", NULL},
    {0, "from", OPT_CHOICE, AT(from), "WHERE", "local", 0, 0, COMPLETE_NONE,
     "where to look for environments", "Only this machine, local, is looked at."},
    {0},
};
#undef AT

static const char *const synopsis[] = {
    "[-e FILE] [--deadline DUR|TIME] [--objective time|cost] [--mode M|auto] "
    "[--check] [--ignore-verdicts] [FILE...]",
    "environments [--from local]", NULL};

static const struct tool_command commands[] = {
    {"environments", "[--from local]", "print the environments that are there, as records",
     "One record of kind environment for this machine: its cores, its memory and what of them is "
     "free at the moment. Edited, it serves -e."},
    {NULL, NULL, NULL, NULL},
};

static const char description[] =
    "Decides where, when and how each stage of a pipeline runs. It reads records from FILE or "
    "standard input, forwards every line, and adds for each pipeline that has an "
    "execution_profile (of several the last counts) one record of kind plan, which etl-run carries "
    "out, and the environments it used. On a terminal a table is printed instead.\n\n"
    "Without -e and without environment records in the input it looks at this machine. Each stage "
    "gets its cores, its memory (the predicted p95 and headroom, or what the stage's resources "
    "say), an algorithm, and its place in an order by the critical path that never needs more than "
    "there is. why[] gives the reasons with figures.\n\n"
    "A pipeline that needs more than is free now, but not more than there is, is planned and "
    "queued: etl-run waits. One that can never fit, or misses its deadline, gets a verdict that "
    "says no instead of a plan.\n\n"
    "When a verdict in the input says no, nothing is planned: a gate in a pipe gates.";

static const struct tool_section sections[] = {
    {"Exit status",
     "0 planned, perhaps queued; 1 impossible, or a verdict in the input says no; 2 usage; 3 no "
     "execution_profile came, or an input line is not JSON; 4 an input cannot be read, or standard "
     "output cannot be written."},
    {NULL, NULL},
};

static const struct tool_example examples[] = {
    {"Plan the demo and see why",
     "etl-profile flights.csv airports.csv | etl-predict -p delays.json | "
     "etl-plan --format table"},
    {"Would it be done in five minutes? (status 1 if not)",
     "etl-predict -p delays.json </dev/null | etl-plan --check --deadline 5m"},
    {NULL, NULL},
};

const struct tool etl_plan_tool = {
    .name = "etl-plan",
    .summary = "plan where, when and how the stages of a pipeline run",
    .synopsis = synopsis,
    .description = description,
    .opts = table,
    .commands = commands,
    .sections = sections,
    .examples = examples,
    .see_also = "etl-predict(1), etl-run(1), etl-records(5), foreline(7)",
    .operand = COMPLETE_FILE,
};
