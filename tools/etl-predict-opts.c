/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The option table of etl-predict: --help, man page and completions come from it. */
#include "tools/etl-predict.h"

#define AT(field) offsetof(struct etl_predict_opts, field)
static const struct opt table[] = {
    {'p', "pipeline", OPT_STRING, AT(pipeline), "PIPELINE", NULL, 0, 0, COMPLETE_PIPELINE,
     "predict a run of PIPELINE", "Required."},
    {0, "param", OPT_LIST, AT(params), "K=V", NULL, 0, 0, COMPLETE_NONE,
     "set the pipeline's parameter K to V", "May be given more than once."},
    {0, "scale", OPT_NUMBER, AT(scale), "X", NULL, 1e-9, 1e12, COMPLETE_NONE,
     "as if there were X times the data", NULL},
    {0},
};
#undef AT

static const char *const synopsis[] = {"-p PIPELINE [--param K=V] [--scale X] [FILE...]", NULL};

static const char description[] =
    "Says what a run of a pipeline will take before it runs: for each stage records, bytes, time, "
    "CPU time, peak memory, and bytes read and written, each as a median (p50) and as what one run "
    "in twenty exceeds (p95). It reads records from FILE or standard input, forwards every line, "
    "and adds one record of kind execution_profile. On a terminal a table is printed instead.\n\n"
    "Sizes come from the profile records in the input, else from the files themselves (their size "
    "and first records), else from earlier runs. They flow down the stages: what a filter keeps, "
    "how a join multiplies, how many groups there are comes from earlier runs of the same stage, "
    "else from the profile's distinct counts, quantiles and frequent values, else from "
    "conventions.\n\n"
    "Costs follow from sizes: from earlier runs of the stage, scaled by size; else from the same "
    "operation in other pipelines; else from priors that were measured on a reference machine and "
    "are scaled by this machine's speed, which takes a few milliseconds to find out and is kept in "
    "the store.\n\n"
    "What cannot be known is null, never 0. A stage that reads a file that is not there is "
    "predicted from earlier runs.";

static const struct tool_section sections[] = {
    {"Basis",
     "The field basis says what the costs rest on: history:N runs, similar (other pipelines' "
     "stages with the same operation) or prior; of all stages the weakest counts. The table shows "
     "it for each stage, and with -v how its sizes were found.\n\n"
     "p95 widens with the distance from the sizes that were seen and narrows with the number of "
     "runs."},
    {"Exit status",
     "0 done; 2 usage; 3 the pipeline is not valid, or an input line is not JSON; 4 the pipeline "
     "or an input cannot be read, or standard output cannot be written."},
    {NULL, NULL},
};

static const struct tool_example examples[] = {
    {"What will the demo take, and why?",
     "etl-profile flights.csv airports.csv | etl-predict -p delays.json --format table"},
    {"What would forty times the data take? (CPU seconds of each stage, p95)",
     "etl-predict -p delays.json --scale 40 </dev/null | jq -c '.stages[] | [.id, .cpu_s.p95]'"},
    {NULL, NULL},
};

const struct tool etl_predict_tool = {
    .name = "etl-predict",
    .summary = "predict what a run of a pipeline will take",
    .synopsis = synopsis,
    .description = description,
    .opts = table,
    .commands = NULL,
    .sections = sections,
    .examples = examples,
    .see_also = "etl-profile(1), etl-plan(1), etl-run(1), etl-records(5), foreline(7)",
    .operand = COMPLETE_FILE,
};
