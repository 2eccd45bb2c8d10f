/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The option table of etl-lineage: --help, man page and completions come from it. */
#include "tools/etl-lineage.h"

#define AT(field) offsetof(struct etl_lineage_opts, field)
static const struct opt table[] = {
    {0, "strict", OPT_FLAG, AT(strict), NULL, NULL, 0, 0, COMPLETE_NONE,
     "add: take only events that are valid by the core schema",
     "Without it what is there is taken: real senders leave out required fields. An event that is "
     "refused is forwarded, named with its line, and makes the status 3."},
    {0, "status", OPT_CHOICE, AT(status), "S",
     "completed|failed|running|killed|cancelled|queued|refused", 0, 0, COMPLETE_NONE,
     "runs: only those with status S",
     "A run is killed when it never ended and its process is gone from this host."},
    {0, "since", OPT_DURATION, AT(since), "DUR", NULL, 0, 0, COMPLETE_NONE,
     "runs: only those started in the last DUR (90s, 2h, 7d)", NULL},
    {0, "pipeline", OPT_STRING, AT(pipeline), "NAME", NULL, 0, 0, COMPLETE_NONE,
     "runs: only those of pipeline NAME", NULL},
    {'n', "limit", OPT_INT, AT(limit), "N", NULL, 1, 1e9, COMPLETE_NONE,
     "runs, show: at most N of each kind, the newest", NULL},
    {'a', "all", OPT_FLAG, AT(all), NULL, NULL, 0, 0, COMPLETE_NONE,
     "runs: also those that are a part of another run", NULL},
    {0, "depth", OPT_INT, AT(depth), "N", NULL, 1, 1e9, COMPLETE_NONE,
     "upstream, downstream: at most N edges away",
     "From dataset to job is one edge, from dataset to dataset two."},
    {0, "kind", OPT_CHOICE, AT(kind), "KIND", "dataset|job", 0, 0, COMPLETE_NONE,
     "show, upstream, downstream: NODE is a", NULL},
    {0},
};
#undef AT

static const char *const synopsis[] = {
    "add [--strict] [FILE...]",
    "runs [--status S] [--since DUR] [--pipeline NAME] [--limit N] [--all]",
    "log RUN [STAGE]",
    "show [--limit N] [FILE|PIPELINE|RUN]",
    "upstream [--depth N] NODE",
    "downstream [--depth N] NODE",
    NULL};

static const char description[] =
    "Remembers what pipelines did and answers questions about it: which runs there were and how "
    "they ended, what a dataset is made from and what is made from it.\n\n"
    "What etl-run does is in the store already. Others are added as OpenLineage events with add, a "
    "filter like every tool of the chain: it forwards each line byte for byte and adds nothing to "
    "it. The graph does not depend on the order of events, and adding one twice changes "
    "nothing.\n\n"
    "Answers are JSON lines, on a terminal tables and trees.";

static const struct tool_command commands[] = {
    {"add", "[FILE...]", "forward lines, keeping what events in them say",
     "Reads JSON lines from each FILE, or standard input. Of an OpenLineage event, datasets, jobs, "
     "the edges between them and the state of the run are kept; of a completion record, the run "
     "with the figures of its stages. The store is made when there is none. A line that is not "
     "JSON is forwarded and reported; the status is 3 then."},
    {"runs", NULL, "list runs, newest first",
     "One record of kind run each. Runs that name another run in the store as their parent are "
     "left out unless --all or --pipeline is given."},
    {"log", "RUN [STAGE]", "print what stages wrote on standard error",
     "The bytes as they were; with --format json one record of kind log for each stage. Of a long "
     "log the first and the last 512 KiB are kept. Several stages have a heading each."},
    {"show", "[WHAT]", "tell what is known of a dataset, pipeline or run",
     "Of a run: its stages, predicted beside measured, and the runs that are a part of it. Of a "
     "pipeline: its runs. Of a dataset: when it was profiled, how its schema changed, and which "
     "runs read or wrote it. Without an argument: every pipeline and every dataset."},
    {"upstream", "NODE", "list what NODE is made from",
     "Records of kind node, nearest first, with their distance in edges and the node they were "
     "reached through; for people a tree. Cycles are followed once."},
    {"downstream", "NODE", "list what is made from NODE", NULL},
    {0},
};

static const struct tool_section sections[] = {
    {"Names",
     "A node is named as OpenLineage does, NAMESPACE/NAME or NAMESPACE:NAME; or by its name alone; "
     "or, when it is a file, by its path; or by any part of these that fits only one node. An "
     "exact name wins over a part. postgresql:// and postgres:// are one. When several nodes fit "
     "they are listed, when none does the nearest name is; both are status 3.\n\n"
     "A run is named by its id or by a beginning of at least 4 characters that fits only one."},
    {"Exit status",
     "0: done, or the question found something. 1: the question found nothing (no such runs, "
     "nothing upstream, an empty log), as grep has it. 2: usage. 3: bad input, or no such run or "
     "node, or several. 4: the store is absent, damaged or cannot be written."},
    {NULL, NULL},
};

static const struct tool_example examples[] = {
    {"Which runs are there, and how did they end?", "etl-lineage runs --format table"},
    {"What is a file made from?", "etl-lineage upstream delays.csv"},
    {"Did a run fail today? (status 0 when one did)",
     "etl-lineage runs -q --status failed --since 1d || echo 'none failed'"},
    {NULL, NULL},
};

const struct tool etl_lineage_tool = {
    .name = "etl-lineage",
    .summary = "remember runs and lineage, and answer questions about them",
    .synopsis = synopsis,
    .description = description,
    .opts = table,
    .commands = commands,
    .sections = sections,
    .examples = examples,
    .see_also = "etl-run(1), etl-profile(1), etl-records(5), foreline(7)",
    .operand = COMPLETE_FILE,
};
