/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lib/cli: the option table. Cases run in processes of their own, stdout and stderr in files. */
#include "tests/unit/suite.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "cli/chain.h"
#include "cli/text.h"
#include "tests/unit/cli_sample.h"

static const char *tmp_path(const char *name)
{
    static char path[4096];
    const char *dir = getenv("TMPDIR");

    snprintf(path, sizeof(path), "%s/%s", dir != NULL ? dir : "/tmp", name);
    return path;
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

static char *read_file(const char *path)
{
    struct buf b = BUF_INIT(1 << 20);
    FILE *f = fopen(path, "r");
    char block[4096];
    size_t n;

    ck_assert_ptr_nonnull(f);
    while ((n = fread(block, 1, sizeof(block), f)) > 0)
        buf_add(&b, block, n);
    fclose(f);
    return buf_detach(&b);
}

static struct sample_opts got;
static char **operands;
static size_t noperands;

static char *argv[64];
static int argc;
static struct arena words; /* of argv, still pointed to by values that were parsed */

static void set_argv(const char *const *list)
{
    for (argc = 0; list[argc] != NULL; argc++)
        argv[argc] = arena_strdup(&words, list[argc]);
    argv[argc] = NULL;
}

/* Parses in this process; for what must succeed. */
static void parse(const char *const *list)
{
    int status = -1;

    set_argv(list);
    got = (struct sample_opts)SAMPLE_OPTS_INIT;
    cli_init(&sample_tool);
    ck_assert(cli_parse(&sample_tool, argc, argv, &got, &operands, &noperands, &status));
}
#define PARSE(...) parse((const char *const[]){"etl-sample", __VA_ARGS__, NULL})

/* Parses in a child: its status, what it wrote in *out and *errors. */
static int parse_apart(const char *const *list, char **out, char **errors)
{
    char *o = xstrdup(tmp_path("stdout")), *e = xstrdup(tmp_path("stderr"));
    int status = -1, wait_status;
    pid_t pid;

    set_argv(list);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        dup2(open(o, O_CREAT | O_TRUNC | O_WRONLY, 0600), 1);
        dup2(open(e, O_CREAT | O_TRUNC | O_WRONLY, 0600), 2);
        got = (struct sample_opts)SAMPLE_OPTS_INIT;
        cli_init(&sample_tool);
        if (cli_parse(&sample_tool, argc, argv, &got, &operands, &noperands, &status))
            status = 99;
        _exit(status);
    }
    ck_assert_int_eq(waitpid(pid, &wait_status, 0), pid);
    ck_assert(WIFEXITED(wait_status));
    *out = read_file(o);
    *errors = read_file(e);
    free(o);
    free(e);
    return WEXITSTATUS(wait_status);
}

static void expect_usage(const char *message, const char *const *list)
{
    char *out, *errors, *line = xasprintf("etl-sample: %s (see 'etl-sample --help')\n", message);
    int status = parse_apart(list, &out, &errors);

    ck_assert_str_eq(errors, line);
    ck_assert_int_eq(status, STATUS_USAGE);
    ck_assert_str_eq(out, "");
    free(out);
    free(errors);
    free(line);
}
#define USAGE(message, ...) \
    expect_usage(message, (const char *const[]){"etl-sample", __VA_ARGS__, NULL})

START_TEST(every_kind_of_option_takes_its_value)
{
    PARSE("--fast", "-d", "x", "--param", "a=1", "--param=b=2", "-j8", "--factor", "2.5", "--limit",
          "4KiB", "--window", "5m", "--sample", "1%", "-i", "tsv", "--delimiter", "\\t", "-ttt");
    ck_assert(got.fast);
    ck_assert_str_eq(got.dataset, "x");
    ck_assert_uint_eq(got.params.n, 2);
    ck_assert_str_eq(got.params.items[0], "a=1");
    ck_assert_str_eq(got.params.items[1], "b=2");
    ck_assert_int_eq(got.jobs, 8);
    ck_assert_double_eq(got.factor, 2.5);
    ck_assert_uint_eq(got.limit, 4096);
    ck_assert_double_eq(got.window, 300);
    ck_assert_double_eq(got.sample, 0.01);
    ck_assert_str_eq(got.input, "tsv");
    ck_assert_int_eq(got.delimiter, '\t');
    ck_assert_int_eq(got.trace, 3);
    ck_assert_str_eq(got.common.format, "auto");
    ck_assert_uint_eq(noperands, 0);
    PARSE("--delimiter", "none");
    ck_assert_int_eq(got.delimiter, -1);
    PARSE("--delimiter", "tab");
    ck_assert_int_eq(got.delimiter, '\t');
    PARSE("--delimiter=;");
    ck_assert_int_eq(got.delimiter, ';');
}
END_TEST

START_TEST(options_stand_anywhere_and_a_double_dash_ends_them)
{
    PARSE("a b.csv", "--fast", "-", "-j", "2", "c", "--", "--fast", "-x");
    ck_assert(got.fast);
    ck_assert_int_eq(got.jobs, 2);
    ck_assert_uint_eq(noperands, 5);
    ck_assert_str_eq(operands[0], "a b.csv");
    ck_assert_str_eq(operands[1], "-");
    ck_assert_str_eq(operands[2], "c");
    ck_assert_str_eq(operands[3], "--fast");
    ck_assert_str_eq(operands[4], "-x");
    ck_assert_ptr_null(operands[5]);
}
END_TEST

START_TEST(letters_bundle_and_the_last_may_take_the_rest)
{
    PARSE("-ttj4", "-qv");
    ck_assert_int_eq(got.trace, 2);
    ck_assert_int_eq(got.jobs, 4);
    ck_assert_int_eq(got.common.quiet, 1);
    ck_assert_int_eq(got.common.verbose, 1);
    ck_assert(cli_is_quiet());
    ck_assert(cli_is_verbose());
    PARSE("-tj", "4");
    ck_assert_int_eq(got.jobs, 4);
    ck_assert(!cli_is_quiet());
}
END_TEST

START_TEST(long_names_abbreviate_while_they_are_unambiguous)
{
    PARSE("--fas", "--wind", "1d", "--sam=5");
    ck_assert(got.fast);
    ck_assert_double_eq(got.window, 86400);
    ck_assert_double_eq(got.sample, 0.05);
    USAGE("option '--st' may be '--state', '--store'", "--st", "x");
    USAGE("option '--s' may be '--sample', '--state', '--store'", "--s", "x");
}
END_TEST

START_TEST(the_last_of_a_repeated_scalar_wins)
{
    PARSE("-j", "1", "--jobs", "2", "-d", "", "-j3");
    ck_assert_int_eq(got.jobs, 3);
    ck_assert_str_eq(got.dataset, "");
}
END_TEST

START_TEST(usage_errors_say_what_and_what_to_do)
{
    USAGE("unknown option '--fooo'; did you mean '--format'?", "--fooo");
    USAGE("unknown option '--jbos'; did you mean '--jobs'?", "--jbos=3");
    USAGE("unknown option '--zzz'", "--zzz");
    USAGE("unknown option '--'", "--=x");
    USAGE("unknown option '-z'", "-tz");
    USAGE("unknown option '-\\xff'", "-\xff");
    USAGE("unknown option '--a\\x1b[31mb'", "--a\033[31mb");
    USAGE("option '--jobs' needs a value (N)", "--jobs");
    USAGE("option '-j' needs a value (N)", "-tj");
    USAGE("option '--fast' takes no value", "--fast=1");
}
END_TEST

START_TEST(bad_values_name_the_option_and_what_it_wants)
{
    USAGE("option '--jobs': 'abc' is not a whole number", "--jobs", "abc");
    USAGE("option '--jobs': '' is not a whole number", "--jobs=");
    USAGE("option '--jobs': '1x' is not a whole number", "--jobs", "1x");
    USAGE("option '--jobs': '99999999999999999999' is not a whole number", "--jobs",
          "99999999999999999999");
    USAGE("option '-j': '0' is not between 1 and 64", "-j0");
    USAGE("option '-j': '-5' is not between 1 and 64", "-j", "-5");
    USAGE("option '--factor': '11' is not between 0 and 10", "--factor", "11");
    USAGE("option '--factor': 'nan' is not a number", "--factor", "nan");
    USAGE("option '--limit': '4QB' is not a size such as 90, 64KB, 10MiB or 2GB", "--limit", "4QB");
    USAGE("option '--window': '5 parsecs' is not a duration such as 90, 90s, 5m, 2h or 1d",
          "--window", "5 parsecs");
    USAGE("option '--sample': '101%' is not a percentage from 0 to 100 such as 5 or 0.5%",
          "--sample", "101%");
    USAGE("option '-i': 'xml' is not one of csv, tsv, jsonl", "-i", "xml");
    USAGE("option '-i': 'cs' is not one of csv, tsv, jsonl", "-i", "cs");
    USAGE("option '--delimiter': ';;' is not one byte, 'tab' or 'none'", "--delimiter", ";;");
    USAGE("option '--delimiter': '' is not one byte, 'tab' or 'none'", "--delimiter=");
}
END_TEST

START_TEST(help_and_version_end_at_once_with_status_0)
{
    char *out, *errors;

    ck_assert_int_eq(parse_apart((const char *const[]){"etl-sample", "--help", "--nonsense", NULL},
                                 &out, &errors),
                     0);
    ck_assert_int_eq(strncmp(out, "Usage: etl-sample [-p PIPELINE] [FILE...]\n", 42), 0);
    ck_assert_str_eq(errors, "");
    free(out);
    free(errors);
    ck_assert_int_eq(parse_apart((const char *const[]){"etl-sample", "-th", NULL}, &out, &errors),
                     0);
    ck_assert_int_eq(strncmp(out, "Usage: ", 7), 0);
    free(out);
    free(errors);
    ck_assert_int_eq(
        parse_apart((const char *const[]){"etl-sample", "--vers", NULL}, &out, &errors), 0);
    ck_assert_ptr_nonnull(strstr(out, "etl-sample (foreline) "));
    ck_assert_ptr_nonnull(strstr(out, "GPL-3.0-or-later"));
    free(out);
    free(errors);
}
END_TEST

START_TEST(flags_go_over_variables_over_the_file_over_defaults)
{
    char *dir = xstrdup(tmp_path("config"));

    mkdir(dir, 0700);
    setenv("XDG_CONFIG_HOME", dir, 1);
    mkdir(tmp_path("config/foreline"), 0700);
    write_file(tmp_path("config/foreline/config.json"),
               "// mine\n{\"store\": \"from-file\", \"verbose\": true, \"etl-other\": {\"x\": 1},\n"
               " \"etl-sample\": {\"jobs\": 5, \"dataset\": \"from-file\", \"fast\": true,\n"
               "  \"param\": [\"a=1\", \"b=2\"], \"sample\": \"2%\", \"factor\": 1.5}}");
    PARSE("x");
    ck_assert_str_eq(got.common.store, "from-file");
    ck_assert_int_eq(got.common.verbose, 1);
    ck_assert_int_eq(got.jobs, 5);
    ck_assert(got.fast);
    ck_assert_double_eq(got.sample, 0.02);
    ck_assert_double_eq(got.factor, 1.5);
    ck_assert_uint_eq(got.params.n, 2);
    setenv("FORELINE_JOBS", "6", 1);
    setenv("FORELINE_STORE", "from-env", 1);
    setenv("FORELINE_FAST", "no", 1);
    setenv("FORELINE_PARAM", "c=3", 1);
    setenv("FORELINE_INPUT_FORMAT", "jsonl", 1);
    setenv("FORELINE_DATASET", "", 1);
    PARSE("x");
    ck_assert_str_eq(got.common.store, "from-env");
    ck_assert_int_eq(got.jobs, 6);
    ck_assert(!got.fast);
    ck_assert_uint_eq(got.params.n, 1);
    ck_assert_str_eq(got.params.items[0], "c=3");
    ck_assert_str_eq(got.input, "jsonl");
    ck_assert_str_eq(got.dataset, "from-file");
    PARSE("-j7", "--store", "from-flag", "--param", "d=4", "--param", "e=5", "--fast");
    ck_assert_str_eq(got.common.store, "from-flag");
    ck_assert_int_eq(got.jobs, 7);
    ck_assert(got.fast);
    ck_assert_uint_eq(got.params.n, 2);
    ck_assert_str_eq(got.params.items[0], "d=4");
    free(dir);
}
END_TEST

START_TEST(bad_settings_name_where_they_come_from)
{
    char *path = xstrdup(tmp_path("c.json")), *out, *errors, *text;

    setenv("FORELINE_JOBS", "many", 1);
    USAGE("FORELINE_JOBS: 'many' is not a whole number", "x");
    setenv("FORELINE_JOBS", "", 1);
    setenv("FORELINE_FAST", "perhaps", 1);
    USAGE("FORELINE_FAST: 'perhaps' is not one of 1, 0, true, false, yes, no", "x");
    unsetenv("FORELINE_FAST");
    write_file(path, "{\"etl-sample\": {\"jobs\": \"many\"}}");
    text = xasprintf("%s: etl-sample.jobs: 'many' is not a whole number", path);
    USAGE(text, "--config", path);
    free(text);
    write_file(path, "{\"etl-sample\": {\"jobs\": [1]}}");
    text = xasprintf("%s: etl-sample.jobs: a list, but the option takes one value", path);
    USAGE(text, "--config", path);
    free(text);
    write_file(path, "{\"format\": \"xml\"}");
    text = xasprintf("%s: format: 'xml' is not one of auto, json, table", path);
    USAGE(text, "--config", path);
    free(text);
    write_file(path, "[1]");
    text = xasprintf("%s: not a JSON object but array", path);
    USAGE(text, "--config", path);
    free(text);
    write_file(path, "{\"format\": json}");
    ck_assert_int_eq(
        parse_apart((const char *const[]){"etl-sample", "--config", path, NULL}, &out, &errors), 2);
    ck_assert_ptr_nonnull(strstr(errors, path));
    ck_assert_ptr_nonnull(strstr(errors, "line 1, column 12"));
    free(out);
    free(errors);
    free(path);
}
END_TEST

START_TEST(unknown_settings_are_warned_of_and_a_named_file_must_exist)
{
    char *path = xstrdup(tmp_path("d.json")), *out, *errors, *text;

    write_file(path,
               "{\"jobs\": 3, \"stor\": \"x\", \"etl-sample\": {\"jbos\": 3}, \"help\": true}");
    ck_assert_int_eq(
        parse_apart((const char *const[]){"etl-sample", "--config", path, NULL}, &out, &errors),
        99);
    text = xasprintf("etl-sample: %s: unknown setting 'jobs' is ignored\n"
                     "etl-sample: %s: unknown setting 'stor' is ignored; did you mean 'store'?\n"
                     "etl-sample: %s: unknown setting 'help' is ignored\n"
                     "etl-sample: %s: unknown setting 'etl-sample.jbos' is ignored; did you mean "
                     "'jobs'?\n",
                     path, path, path, path);
    ck_assert_str_eq(errors, text);
    free(text);
    free(out);
    free(errors);
    remove(path);
    ck_assert_int_eq(
        parse_apart((const char *const[]){"etl-sample", "--config", path, NULL}, &out, &errors), 4);
    text = xasprintf("etl-sample: cannot open '%s': No such file or directory\n", path);
    ck_assert_str_eq(errors, text);
    free(text);
    free(out);
    free(errors);
    setenv("FORELINE_CONFIG", path, 1);
    ck_assert_int_eq(parse_apart((const char *const[]){"etl-sample", NULL}, &out, &errors), 4);
    free(out);
    free(errors);
    ck_assert_int_eq(
        parse_apart((const char *const[]){"etl-sample", "--help", NULL}, &out, &errors), 0);
    free(out);
    free(errors);
    free(path);
}
END_TEST

START_TEST(the_help_of_the_sample_is_as_expected)
{
    struct buf b = BUF_INIT(1 << 20);

    cli_write_help(&b, &sample_tool);
    ck_assert_str_eq(
        buf_str(&b),
        "Usage: etl-sample [-p PIPELINE] [FILE...]\n"
        "       etl-sample runs [--status S]\n"
        "Show an option of every kind.\n"
        "\nCommands:\n"
        "  runs [--status S]       list runs: all of them\n"
        "  log RUN                 show what RUN said\n"
        "\nOptions:\n"
        "      --fast              hurry\n"
        "  -d, --dataset NAME      call the data NAME; it's [optional]: really\n"
        "      --param K=V         set parameter K to V (may be repeated)\n"
        "  -j, --jobs N            use N threads\n"
        "      --factor X          scale by X\n"
        "      --limit SIZE        stop at SIZE\n"
        "      --window DUR        look back DUR\n"
        "      --sample PCT        read PCT of it\n"
        "  -i, --input-format FORM\n"
        "                          input is: csv, tsv, jsonl\n"
        "      --delimiter C       fields are separated by C; a rather long text that has\n"
        "                          to go on over to a second line\n"
        "  -t, --trace             trace\n"
        "      --state DIR         keep state in DIR\n"
        "  -p, --pipeline PIPELINE\n"
        "                          work on PIPELINE\n"
        "\nOptions of every tool:\n"
        "      --format FORM       print JSON lines, or tables for people: auto, json,\n"
        "                          table\n"
        "      --store URL         keep history in URL, a path or sqlite:PATH\n"
        "  -q, --quiet             print errors only\n"
        "  -v, --verbose           say more on stderr\n"
        "      --config FILE       read settings from FILE\n"
        "  -h, --help              print this help\n"
        "      --version           print the version\n"
        "\nMore: man etl-sample\n"
        "\nExamples:\n"
        "  # Print a greeting\n"
        "  echo 'hello, world'\n"
        "  # A long chain, to see what happens to what does not fit on one line of a\n"
        "  # terminal: both this and the command\n"
        "  printf '%s\\n' one two three four five | sort -r | head -n 3 | tail -n 2 |\n"
        "      sed 's/one/two/' | sort -u\n");
    buf_release(&b);
}
END_TEST

START_TEST(the_table_check_finds_each_mistake)
{
    static const struct opt bad[] = {
        {'q', "Quick", OPT_FLAG, 200, NULL, NULL, 0, 0, COMPLETE_NONE, "hurry", NULL},
        {0, "store", OPT_STRING, 208, "X", NULL, 0, 0, COMPLETE_NONE, "Twice.", NULL},
        {'x', "one", OPT_INT, 216, "N", "a|b", 5, 2, COMPLETE_NONE, "n", NULL},
        {'x', "two", OPT_CHOICE, 216, "N", NULL, 0, 0, COMPLETE_NONE, "n", NULL},
        {0, "flag", OPT_FLAG, 0, "N", NULL, 0, 0, COMPLETE_NONE, "n", NULL},
        {0},
    };
    struct tool t = sample_tool;
    struct buf b = BUF_INIT(1 << 20);
    static const char *const wanted[] = {"option name 'Quick'",
                                         "--store: help is not",
                                         "--one: choices and kind",
                                         "--one: min is above",
                                         "--two: choices and kind",
                                         "-x is there twice",
                                         "--one and --two share a value",
                                         "--flag takes no value but names one",
                                         "--flag: its value lies in common_opts",
                                         "--store is there twice",
                                         "-q is there twice"};

    ck_assert(cli_check_table(&sample_tool, &b));
    ck_assert_str_eq(buf_str(&b), "");
    t.opts = bad;
    ck_assert(!cli_check_table(&t, &b));
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
        ck_assert_msg(strstr(buf_str(&b), wanted[i]) != NULL, "'%s' is not in:\n%s", wanted[i],
                      buf_str(&b));
    buf_release(&b);
}
END_TEST

START_TEST(the_worse_status_wins_in_the_documented_order)
{
    static const int order[] = {0, 75, 1, 3, 5, 4, 2};

    for (size_t i = 0; i < ARRAY_LEN(order); i++)
        for (size_t k = 0; k < ARRAY_LEN(order); k++)
            ck_assert_int_eq(status_worse(order[i], order[k]), order[i > k ? i : k]);
}
END_TEST

START_TEST(messages_are_one_line_with_control_characters_masked)
{
    char *out, *errors, *path = xstrdup(tmp_path("masked"));
    pid_t pid = fork();
    int st;

    if (pid == 0) {
        dup2(open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600), 2);
        cli_init(&sample_tool);
        cli_error("a\033[2Jb \xc3\xa9 \xff");
        cli_note("silent without -v");
        _exit(0);
    }
    waitpid(pid, &st, 0);
    errors = read_file(path);
    ck_assert_str_eq(errors, "etl-sample: a\\x1b[2Jb \xc3\xa9 \\xff\n");
    free(errors);
    free(path);
    ck_assert_int_eq(
        parse_apart((const char *const[]){"etl-sample", "-q", "--config", "/dev/null/x", NULL},
                    &out, &errors),
        4);
    ck_assert_str_eq(errors, "etl-sample: cannot open '/dev/null/x': Not a directory\n");
    free(out);
    free(errors);
}
END_TEST

START_TEST(closed_descriptors_are_filled_so_that_no_file_takes_their_place)
{
    int st;
    pid_t pid = fork();

    if (pid == 0) {
        char c;

        close(0);
        close(1);
        close(2);
        cli_init(&sample_tool);
        if (open("/dev/null", O_RDWR) < 3)
            _exit(1);
        if (read(0, &c, 1) != -1 || write(1, "x", 1) != -1 || write(2, "x", 1) != -1)
            _exit(2);
        cli_error("said to nobody");
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &st, 0), pid);
    ck_assert(WIFEXITED(st));
    ck_assert_int_eq(WEXITSTATUS(st), 0);
}
END_TEST

START_TEST(commands_are_found_by_name)
{
    cli_init(&sample_tool);
    ck_assert_str_eq(cli_command(&sample_tool, "log")->name, "log");
    ck_assert_ptr_null(cli_command(&sample_tool, "lgo"));
    ck_assert_ptr_null(cli_command(&sample_tool, NULL));
}
END_TEST

UNIT_MAIN(
    "cli", every_kind_of_option_takes_its_value, options_stand_anywhere_and_a_double_dash_ends_them,
    letters_bundle_and_the_last_may_take_the_rest, long_names_abbreviate_while_they_are_unambiguous,
    the_last_of_a_repeated_scalar_wins, usage_errors_say_what_and_what_to_do,
    bad_values_name_the_option_and_what_it_wants, help_and_version_end_at_once_with_status_0,
    flags_go_over_variables_over_the_file_over_defaults, bad_settings_name_where_they_come_from,
    unknown_settings_are_warned_of_and_a_named_file_must_exist,
    the_help_of_the_sample_is_as_expected, the_table_check_finds_each_mistake,
    the_worse_status_wins_in_the_documented_order,
    messages_are_one_line_with_control_characters_masked,
    closed_descriptors_are_filled_so_that_no_file_takes_their_place, commands_are_found_by_name)
