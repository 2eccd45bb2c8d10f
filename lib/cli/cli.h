/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command line: one option table per tool, from which parsing, --help, the man page and the
 * three completions come; diagnostics; exit statuses. Only tools/ and this folder write to stderr.
 */
#ifndef FORELINE_CLI_H
#define FORELINE_CLI_H

#include "base/base.h"

enum status {
    STATUS_OK = 0,
    STATUS_NO = 1,
    STATUS_USAGE = 2,
    STATUS_DATA = 3,
    STATUS_ENV = 4,
    STATUS_STAGE = 5,
    STATUS_AGAIN = 75,
};
/* The worse of two: an order, not a maximum: 4 over 5 over 3 over 1 over 75 over 0; usage over all.
 */
int status_worse(int a, int b);

enum opt_kind {
    OPT_FLAG,     /* bool */
    OPT_STRING,   /* const char * */
    OPT_LIST,     /* struct opt_list: may be given more than once, in order */
    OPT_INT,      /* int64_t, within [min, max] */
    OPT_NUMBER,   /* double, within [min, max] */
    OPT_SIZE,     /* uint64_t bytes */
    OPT_DURATION, /* double seconds */
    OPT_PERCENT,  /* double fraction */
    OPT_CHOICE,   /* const char *, one of `choices` ("csv|tsv|jsonl") */
    OPT_CHAR,     /* int: one byte; \t and "tab" understood; "none" is -1 */
    OPT_COUNT,    /* int, counts (-v -v) */
    OPT_RUN,      /* const char *, the beginning of a run's id, or "" when it is left out: the next
                     word is taken when it is four or more of 0-9 a-f and -, and no file's name */
};
enum opt_complete { COMPLETE_NONE, COMPLETE_FILE, COMPLETE_DIR, COMPLETE_PIPELINE };
struct opt {
    char letter;      /* 0: none */
    const char *name; /* long, without dashes */
    enum opt_kind kind;
    size_t offset;       /* of the value in the tool's options struct */
    const char *arg;     /* "N", "FILE", "PCT"; NULL for flags */
    const char *choices; /* OPT_CHOICE */
    double min, max;     /* OPT_INT, OPT_NUMBER; both 0: any */
    enum opt_complete complete;
    const char *help; /* one line for --help, lower case, no full stop */
    const char *man;  /* further sentences for the man page, or NULL */
};
struct opt_list {
    const char **items;
    size_t n;
};
struct tool_example {
    const char *what;    /* a sentence */
    const char *command; /* runs as it stands in share/examples (a test runs it) */
};
struct tool_command { /* a subcommand such as `runs` */
    const char *name, *args, *help, *man;
};
struct tool_section { /* a further section of the man page, text in mdoc-free plain paragraphs; one
                         called "Exit status" takes the place of the general list */
    const char *title, *text;
};
/* Paragraphs are separated by an empty line; one whose lines begin with blanks is kept as it is (an
 * example, in the man page a literal block). */
/* Everything that is to be said of a tool. Arrays end with a zeroed element. */
struct tool {
    const char *name;                    /* "etl-profile" */
    const char *summary;                 /* "profile data in one pass" */
    const struct opt *format;            /* in place of the common --format; or NULL */
    const char *const *synopsis;         /* lines behind the name, NULL-terminated */
    const char *description;             /* paragraphs, separated by an empty line */
    const struct opt *opts;              /* the tool's own; the common ones are added by cli */
    const struct tool_command *commands; /* or NULL */
    const struct tool_section *sections; /* or NULL */
    const struct tool_example *examples; /* at least two */
    const char *see_also;                /* "etl-predict(1), foreline(7)" */
    enum opt_complete operand;           /* what operands complete to */
};

/* Common to every tool; embedded FIRST in each tool's options struct. */
struct common_opts {
    const char *format; /* "auto" "json" "table" */
    const char *store;
    const char *config; /* unused by users: --config FILE */
    int quiet;
    int verbose;
};

/* Parses argv by the table into `values` (a tool's options struct, preset with defaults). Flags go
 * over FORELINE_NAME variables ('-' as '_', empty means unset; every option but --help, --version;
 * a list takes one item; flags take 1, 0, true, false, yes, no) over the configuration file
 * ($XDG_CONFIG_HOME/foreline/config.json: common options at the top, others in an object named as
 * the tool, {"store": "…", "etl-run": {"max-rejects": "1%"}}; unknown names are warned of). Of a
 * scalar given twice the last wins. GNU style: long options abbreviated only when unambiguous,
 * `--opt=value`, bundled letters, `--` ends, operands in any place. Returns true with the operands
 * in *operands (n in *noperands, into argv's strings); on false the caller returns *status (0 after
 * --help or --version, 2 with a message and the remedy printed). Lists are allocated for the life
 * of the process. */
bool cli_parse(const struct tool *t, int argc, char **argv, void *values, char ***operands,
               size_t *noperands, int *status);

/* The subcommand called `word` (NULL: none was given); when there is no such one, says so with the
 * nearest name and gives NULL: the caller returns STATUS_USAGE. */
const struct tool_command *cli_command(const struct tool *t, const char *word);
const char *cli_version(void); /* "0.1.0" */

/* Sets up a process: name for messages, SIGPIPE quiet, stdio modes, closed standard descriptors
 * filled with /dev/null opened the wrong way (so that writes fail honestly), oom handler. First
 * call of main. */
void cli_init(const struct tool *t);

/* Diagnostics: "etl-profile: text\n" on stderr; control characters masked. cli_warn is silent with
 * -q, cli_note without -v. Thread-safe. */
void cli_error(const char *fmt, ...) PRINTF_LIKE(1, 2);
void cli_warn(const char *fmt, ...) PRINTF_LIKE(1, 2);
void cli_note(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* A usage error found by the tool itself: the text with " (see 'etl-profile --help')" behind. Gives
 * STATUS_USAGE. */
int cli_usage(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* Prints err and gives its exit status. */
int cli_fail(const struct err *err);
bool cli_is_quiet(void);
bool cli_is_verbose(void);

/* For people or for pipes? By --format, else by whether stdout is a terminal. */
bool cli_for_people(const struct common_opts *o);
/* SGR codes when stdout (fd 1) or stderr (fd 2) is a terminal, NO_COLOR is unset and TERM is not
 * dumb; else "". `style`: "bold", "dim", "red", "green", "yellow", "cyan", "reset".
 * FORELINE_COLOR=always forces. */
const char *cli_color(int fd, const char *style);

/* Generators of the documents (used by the program tests/docs/gendocs only). */
struct buf;
void cli_write_help(struct buf *out, const struct tool *t);
void cli_write_man(struct buf *out, const struct tool *t, const char *version, const char *date);
void cli_write_bash(struct buf *out, const struct tool *t);
void cli_write_zsh(struct buf *out, const struct tool *t);
void cli_write_fish(struct buf *out, const struct tool *t);
/* Looks for mistakes in a table: names and letters used twice or malformed, texts that are missing
 * or break the rules above, a value without `arg`, --help wider than 80 columns, fewer than two
 * examples. false with a line for each in `problems`. */
bool cli_check_table(const struct tool *t, struct buf *problems);

#endif
