/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The option table of etl-run, and nothing else. */
#include "tools/etl-run.h"

#define AT(field) offsetof(struct etl_run_opts, field)

static const struct opt options[] = {
    {'p', "pipeline", OPT_STRING, AT(pipeline), "PIPELINE", NULL, 0, 0, COMPLETE_PIPELINE,
     "run this pipeline file, planned here",
     "The pipeline is predicted and planned first, as etl-predict and etl-plan would. Records are "
     "still read from stdin when that is a pipe or a file: profiles give types, a verdict that "
     "says "
     "no stops the run."},
    {0, "param", OPT_LIST, AT(params), "K=V", NULL, 0, 0, COMPLETE_NONE,
     "set parameter K of the pipeline to V", NULL},
    {0, "mode", OPT_CHOICE, AT(mode), "M", "standard|optimized|sampling|shadow", 0, 0,
     COMPLETE_NONE, "run in this mode, whatever the plan says",
     "standard: as written, one fixed algorithm for each operation. optimized: algorithms as "
     "planned from the predicted sizes, and a join that keeps its right side as its inputs come: "
     "merged when both are in the order of the keys, else by hash. Memory and threads are as "
     "planned "
     "in both. sampling: on a "
     "part of the input, publishing nothing; see SAMPLES. shadow: into a scratch "
     "folder, without publishing anything, and compared with what is published; see SHADOW RUNS."},
    {'j', "threads", OPT_INT, AT(threads), "N", NULL, 1, LANES_MAX, COMPLETE_NONE,
     "work with N threads (default: as planned)",
     "Results do not depend on it. Threads are used where an input is large enough to be worth "
     "them; beside them there is one for each command that runs."},
    {0, "sample", OPT_PERCENT, AT(sample), "PCT", NULL, 0, 0, COMPLETE_NONE,
     "with --mode sampling: PCT of the input (default 1)", "See SAMPLES."},
    {0, "seed", OPT_INT, AT(seed), "N", NULL, 0, 9007199254740992.0, COMPLETE_NONE,
     "seed of the sample (default 1996)", "The same data and seed give the same sample."},
    {0, "against", OPT_STRING, AT(against), "PIPELINE", NULL, 0, 0, COMPLETE_PIPELINE,
     "compare with what this pipeline makes of the same input",
     "Implies --mode shadow. The parameters of --param are those of both."},
    {0, "rtol", OPT_STRING, AT(rtol), "X", NULL, 0, 0, COMPLETE_NONE,
     "floats are the same within this relative difference (1e-9)", "Of --mode shadow."},
    {0, "reject", OPT_STRING, AT(reject), "FILE", NULL, 0, 0, COMPLETE_FILE,
     "put bad records aside in FILE, as JSON lines",
     "Each line holds stage, path, line, column, reason, rule and the record. Without "
     "--max-rejects "
     "it sets no limit: the run publishes, with status 0."},
    {0, "max-rejects", OPT_STRING, AT(max_rejects), "N|PCT%", NULL, 0, 0, COMPLETE_NONE,
     "end with status 3 beyond N bad records (default 0)",
     "Beyond the limit the run stops, publishes nothing and names the first offending line. A "
     "percentage is of the records read, and is judged when all are."},
    {0, "resume", OPT_RUN, AT(resume), "[RUN]", NULL, 0, 0, COMPLETE_NONE,
     "go on with a run that did not complete",
     "RUN is the id of a run or the beginning of one, without it the last run of the pipeline that "
     "did not complete; give the same parameters. See RESUMING. With --dry-run it only says what "
     "would be kept and why the rest would be run."},
    {0, "lock", OPT_FLAG, AT(lock), NULL, NULL, 0, 0, COMPLETE_NONE,
     "run each pipeline at most once at a time",
     "The lock stands beside the store. When another run holds it, the status is 75."},
    {0, "no-wait", OPT_FLAG, AT(no_wait), NULL, NULL, 0, 0, COMPLETE_NONE,
     "end with status 75 rather than wait for room", NULL},
    {0, "validate", OPT_FLAG, AT(validate), NULL, NULL, 0, 0, COMPLETE_NONE,
     "check pipelines and their inputs, run nothing",
     "Problems and warnings go to stderr; the status is 0 or 3."},
    {0, "dry-run", OPT_FLAG, AT(dry_run), NULL, NULL, 0, 0, COMPLETE_NONE,
     "show what would run and be written, run nothing",
     "With -p in a pipe it writes the execution_profile and plan records that it made."},
    {0, "deadline", OPT_STRING, AT(deadline), "DUR|TIME", NULL, 0, 0, COMPLETE_NONE,
     "plan to be done by then", "Only with -p; else it is a matter of etl-plan."},
    {0, "ignore-verdicts", OPT_FLAG, AT(ignore_verdicts), NULL, NULL, 0, 0, COMPLETE_NONE,
     "run although a verdict says no", NULL},
    {0, "records", OPT_STRING, AT(records), "FILE", NULL, 0, 0, COMPLETE_FILE,
     "write records to FILE, not to stdout",
     "Needed when the pipeline writes rows to stdout (a write with path \"-\")."},
    {0},
};

static const char *const synopsis[] = {
    "[-p PIPELINE [--param K=V]...] [--mode M [--sample PCT] [--seed N]] [OPTION]... [PLAN]", NULL};

static const struct tool_section sections[] = {
    {"Outputs",
     "Outputs are written to hidden files beside their places and appear together when all stages "
     "have ended well; when anything fails, nothing appears and what was there stays. One "
     "exception "
     "follows from what commands are: before a command stage starts, the outputs that it comes "
     "after are published, because it could not see them otherwise."},
    {"Resuming",
     "After a crash or a failure, --resume runs the stages that are not finished and keeps the "
     "others. Finished is a write whose file is published, or whole and about to be, and a command "
     "that ended with status 0; the stages between are run again when a stage that is not finished "
     "takes their rows. A finished stage is run again when what it was made from has changed: its "
     "definition or that of a stage before it, a file that is read (by its content up to 64 KiB, "
     "else by size, time and inode), the types of its columns, the program of the command, etl-run "
     "itself; when a stage it comes after is run again; or when its own file is gone or changed. "
     "For each stage a line on stderr names the reason, as `why` does in the completion record, "
     "where stages that are kept have the status kept and no figures."
     "\n\n"
     "Files that a command reads should stand in its `reads`, those it writes in its `writes`: "
     "others are not looked at, nor are values of ${env:NAME} or what is behind a URL. What the "
     "rows of a command made stays, its rows do not: it is run again when a stage that is not "
     "finished takes them. Records that kept stages rejected are counted, but are not written to "
     "--reject again. A command that is killed while it runs is run again: one that adds to "
     "something should do so in one step. Nothing is resumed without the store."},
    {"Commands",
     "Commands run in the folder of the pipeline file, with rows on stdin and stdout (CSV with a "
     "header unless `format` says otherwise). What a command prints as rows is kept in a "
     "scratch file until it has ended well. Its stderr is kept in the store: see etl-lineage "
     "log. "
     "With `retries` a command that takes no rows is tried again, first after half a second, each "
     "pause twice the one before, at most 30 seconds. When it has ended, so has all that it "
     "started: also daemons, which are known by FORELINE_COMMAND_ID in their environment."},
    {"Resources",
     "A stage may hold the memory that its plan says. `resources.memory_gb` of the pipeline file "
     "is a hard limit: operators keep it by putting rows on disk, with the same result; a command "
     "and all it starts are kept to it by a control group below that of etl-run (version 2 or 1, "
     "where one can be made), else by a watcher that sums their memory and ends them. A command "
     "that was out of memory is said to be so, and is not run again: it would be again. An "
     "aggregate behind a sort by its keys needs no more than one group at a time.\n\n"
     "A figure that was predicted is soft. A stage that needs more gets, while the machine has "
     "room, the next figure that there is a reason for: the predicted p95, the most it took in "
     "earlier runs, and then half of what is free; -v says which, and `allocated` in the "
     "completion record. Only then operators use the disk, and a command is ended; one that takes "
     "no rows is run again when a larger allocation can be had, whatever its `retries`.\n\n"
     "`resources.cpu_cores` binds a command to so many processors; a fraction needs a control "
     "group. In a systemd user session, systemd-run --user --scope -p Delegate=yes etl-run ... "
     "gives it one it may divide.\n\n"
     "Resources come from this machine, or, when the input has an allocation record for the "
     "pipeline or a stage of it that is ready, not expired and on this machine, from there. Others "
     "are named in one line, and this machine is used instead. The last line of a run that was "
     "asked for is its completion record, however it ended, also when it never began."},
    {"Scratch files",
     "What operators put on disk goes to FORELINE_TMPDIR, else TMPDIR, else /tmp, into files "
     "without "
     "a name, of which nothing is left whatever happens; spilled_bytes in the completion record "
     "says "
     "how much it was. A limit of memory below some MiB is exceeded by the records at hand. Where "
     "limits are all that read a sort (select and rename may stand between), it keeps no more "
     "records than they let through."},
    {"Progress",
     "A run that takes more than two seconds is shown on stderr: on a terminal its stages with "
     "records, records a second, memory held and allowed, what stands on disk, and the time that "
     "is "
     "left by the prediction; elsewhere a line for each stage when it has ended. -q leaves it "
     "out."},
    {"Events",
     "A run tells of itself by OpenLineage run events: START, and COMPLETE, FAIL or ABORT, of the "
     "pipeline as a job of its name, and between them of every stage that runs, as a job called "
     "PIPELINE.STAGE with a run of its own whose parent is the pipeline's; RUNNING each five "
     "seconds "
     "of stages that last. In a pipe, jq 'select(.job.name == \"p\")' leaves the pipeline's alone. "
     "A "
     "stage has for inputs the datasets that its rows come from and for outputs those that it "
     "writes. "
     "Outputs have the schema, how much was written, and for each column which columns it was made "
     "from (columnLineage: IDENTITY, TRANSFORMATION, AGGREGATION) and on which the choice and "
     "order "
     "of records depend (FILTER, JOIN, GROUP_BY, SORT); of rows out of commands and statements "
     "nothing is claimed. What a stage used is in the facet foreline_stage."},
    {"Shadow runs",
     "With --mode shadow a pipeline is run as it is, but all it writes goes into a scratch folder "
     "in TMPDIR, which is removed at the end, and is compared with what is published, or with what "
     "the pipeline of --against makes of the same input. Outputs are matched by their paths, "
     "relative to the folder of each pipeline file. The status is 1 when they differ; a verdict "
     "record with the check \"shadow\" says in what, with examples.\n\n"
     "Tables are the same when they have the same columns in the same order (JSON lines: in any "
     "order) and the same rows as often, in any order, except that where a sort reaches the write "
     "its columns must stand in the same sequence. Floats are the same within --rtol, relative to "
     "the larger; integers and floats compare by value; null is not the empty string.\n\n"
     "A command or sql stage runs only when it declares \"shadow_safe\": true. It finds the "
     "scratch folder in FORELINE_SHADOW and must write each file of its `writes` there, under the "
     "same relative path, instead of the published one; outputs of the stages before it are there "
     "as well. Other commands are skipped with all that needs them, and the verdict says what was "
     "not compared for that reason. Rejects count as ever, but the file of --reject is not "
     "written.\n\n"
     "With --against, stdin is kept in the scratch folder and read by both; when an input changes "
     "between the two runs the verdict says so and is no."},
    {"Environment",
     "OPENLINEAGE_NAMESPACE is the namespace of the job in run events (default: default), "
     "OPENLINEAGE_PARENT_ID (NAMESPACE/NAME/RUNID) the run that this one is part of. With "
     "OPENLINEAGE_DISABLED=true no run events are written; completion records are."
     "\n\n"
     "With OPENLINEAGE_URL (http:// or https://) events are sent there as well, as POST requests "
     "to "
     "OPENLINEAGE_ENDPOINT (default: api/v1/lineage), with OPENLINEAGE_API_KEY as a bearer token, "
     "in "
     "the order in which they are written. A server never fails a run: what it does not take is "
     "told of once, at the end, and after three events in a row nothing more is sent. It may hold "
     "up "
     "the end of a run by two seconds, by ten while events still arrive."},
    {"Threads",
     "What a read stage reads is cut into pieces of whole records. As many threads as the plan's "
     "`parallelism` of that stage take pieces and carry them through the stages behind it; what "
     "cannot be done so (a command, a sort, the bytes of an output) goes on in the order of the "
     "input, by one thread at a time, while the others work ahead. Rows, their order, rejects and "
     "messages are the same with any number of threads. An input of some 20,000 records is read by "
     "one thread, as more would not pay."},
    {"Samples",
     "With --mode sampling the pipeline runs on a part of its input. Nothing is published, no "
     "command or statement is run, there are no run events, and the store does not hear of it. "
     "It writes an execution_profile record with what each stage would take on all of the input, "
     "for etl-plan; for each write an estimate record with how many records it would get and, "
     "behind an aggregate, its rows, with NAME_lo95 and NAME_hi95 behind each measure; and the "
     "completion record with what the sample took.\n\n"
     "The largest input is sampled by blocks: random stretches of the file, from the beginning to "
     "the end, of which only those are read. What cannot be sought (compressed files, standard "
     "input, fifos, UTF-16 and Latin-1) is sampled by records and read to its end. Two large "
     "inputs that are joined are both sampled by the key, so that what belongs together is in the "
     "sample together, and read to their ends. What is small beside the largest (a quarter of it "
     "and 64 MiB at most), or so small that a sample of it would be less than 64 KiB, is read "
     "whole.\n\n"
     "Counts, sums and means have intervals that hold the figure of all records in 95 of 100 "
     "samples; measured over 1,000 samples of the same data, 94 to 96 do (tests/prop/sample.c). "
     "They do not where a few huge values, or a few keys with very many records, make up the "
     "figure and the sample may have none of them. Of min and max the one bound that is seen is "
     "told, of distinct at least what is seen; stddev and quantile are of the sample, without "
     "interval; first and last are null. The number of groups is at least what is seen; its upper "
     "bound holds more often than 95 %. Filters, sorts and limits behind an aggregate go by the "
     "estimates. What a sample cannot tell is null, and `why` says why: groups counted over "
     "groups, distinct records, the first records of a file, what a limit may end early, a key of "
     "few values."},
    {"Figures",
     "For each stage the completion record tells records and bytes in and out, seconds from its "
     "first to its last batch, CPU time of all threads, the most memory it held, and bytes read "
     "and written; for "
     "a "
     "command those of its process tree. Bytes in and out of a stage count 8 for a number, 1 for a "
     "boolean, its length for any other value, and one separator per field; a read takes in the "
     "bytes of its files."},
    {"Exit status",
     "0 done; 1 a verdict says no, or the plan is impossible; 2 usage; 3 bad data or a bad "
     "pipeline; 4 the environment failed; 5 a stage failed; 75 queued or locked, try again later. "
     "Of several plans the worst counts. A run that a signal ends dies by that signal, after its "
     "children have ended and its hidden files are gone."},
    {NULL, NULL},
};

static const struct tool_example examples[] = {
    {"Check a pipeline and its inputs", "etl-run -p delays.json --validate"},
    {"Run it, and keep bad records", "etl-run -p delays.json --reject rejects.jsonl"},
    {"What it would write, from a fifth of the flights",
     "etl-run -p delays.json --mode sampling --sample 20%"},
    {"The same, step by step",
     "etl-profile flights.csv airports.csv | etl-predict -p delays.json | "
     "etl-plan | etl-run"},
    {NULL, NULL},
};

const struct tool etl_run_tool = {
    .name = "etl-run",
    .summary = "run pipelines by their plans",
    .synopsis = synopsis,
    .description =
        "Reads records from PLAN or stdin, forwards each line as it is, and runs every plan among "
        "them, in order. For each it adds OpenLineage run events and, last, a completion record "
        "with what every stage used beside what was predicted. A plan carries its pipeline: the "
        "pipeline file is not opened again.\n\n"
        "With -p it plans for itself. A verdict with \"ok\": false in the input means that nothing "
        "runs.",
    .opts = options,
    .sections = sections,
    .examples = examples,
    .see_also = "etl-plan(1), etl-predict(1), etl-lineage(1), etl-records(5), foreline(7)",
    .operand = COMPLETE_FILE,
};
