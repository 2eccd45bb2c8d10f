/* SPDX-License-Identifier: GPL-3.0-or-later */
/* --help from the option table, in 80 columns. The long form is the man page (man.c).
 */
#include "cli/cli_internal.h"

#include "cli/text.h"

#define HELP_WIDTH 80
/* Where the help texts begin; an option that reaches further has its text on the next line. */
#define HELP_COLUMN 26

static void pad(struct buf *out, size_t from, size_t to)
{
    for (; from < to; from++)
        buf_addc(out, ' ');
}

static void entry(struct buf *out, const char *left, const char *text)
{
    size_t at = text_columns(slice_str(left));

    buf_adds(out, left);
    if (at + 2 > HELP_COLUMN) {
        buf_addc(out, '\n');
        at = 0;
    }
    pad(out, at, HELP_COLUMN);
    text_wrap(out, text, HELP_COLUMN, HELP_COLUMN, HELP_WIDTH);
    buf_addc(out, '\n');
}

static void option(struct buf *out, const struct opt *o)
{
    struct buf left = BUF_INIT(4 << 10), text = BUF_INIT(16 << 10);

    buf_adds(&left, "  ");
    if (o->letter != 0)
        buf_addf(&left, "-%c, ", o->letter);
    else
        buf_adds(&left, "    ");
    buf_addf(&left, "--%s", o->name);
    if (opt_takes_value(o))
        buf_addf(&left, " %s", o->arg);
    buf_adds(&text, o->help);
    if (o->kind == OPT_CHOICE) {
        buf_adds(&text, ": ");
        for (const char *c = o->choices; *c != '\0'; c++) {
            if (*c == '|')
                buf_adds(&text, ", ");
            else
                buf_addc(&text, *c);
        }
    } else if (o->kind == OPT_LIST) {
        buf_adds(&text, " (may be repeated)");
    }
    entry(out, buf_str(&left), buf_str(&text));
    buf_release(&left);
    buf_release(&text);
}

static void usage(struct buf *out, const struct tool *t)
{
    size_t indent = strlen("Usage: ") + strlen(t->name) + 1;

    for (size_t i = 0; t->synopsis[i] != NULL; i++) {
        buf_addf(out, "%s%s", i == 0 ? "Usage: " : "       ", t->name);
        if (t->synopsis[i][0] != '\0') {
            buf_addc(out, ' ');
            text_wrap(out, t->synopsis[i], indent, indent, HELP_WIDTH);
        }
        buf_addc(out, '\n');
    }
}

static void commands(struct buf *out, const struct tool *t)
{
    if (t->commands == NULL)
        return;
    buf_adds(out, "\nCommands:\n");
    for (const struct tool_command *c = t->commands; c->name != NULL; c++) {
        char *left =
            xasprintf("  %s%s%s", c->name, c->args != NULL && c->args[0] != '\0' ? " " : "",
                      c->args != NULL ? c->args : "");

        entry(out, left, c->help);
        free(left);
    }
}

void cli_write_command(struct buf *out, const char *command, size_t indent)
{
    size_t at = indent;

    pad(out, 0, indent);
    for (const char *p = command; *p != '\0'; p++) {
        /* A pipe may break behind each bar. */
        size_t part = p == command || p[-1] == '|' ? strcspn(p + 1, "|") + 2 : 0;

        if (*p == '\n') {
            buf_addc(out, '\n');
            pad(out, 0, indent);
            at = indent;
        } else if (p > command && p[-1] == '|' && *p == ' ' && at + part > HELP_WIDTH) {
            buf_addc(out, '\n');
            pad(out, 0, indent + 4);
            at = indent + 4;
        } else {
            buf_addc(out, *p);
            at++;
        }
    }
    buf_addc(out, '\n');
}

void cli_write_help(struct buf *out, const struct tool *t)
{
    const struct opt *o;
    char *summary = xstrdup(t->summary);

    if (summary[0] >= 'a' && summary[0] <= 'z')
        summary[0] = (char)(summary[0] - 'a' + 'A');
    usage(out, t);
    buf_addf(out, "%s.\n", summary);
    free(summary);
    commands(out, t);
    if (t->opts != NULL && t->opts[0].name != NULL)
        buf_adds(out, "\nOptions:\n");
    for (size_t i = 0; (o = cli_opt(t, i)) != NULL; i++) {
        if (o == cli_common_opts || o == t->format)
            buf_adds(out, "\nOptions of every tool:\n");
        option(out, o);
    }
    buf_addf(out, "\nMore: man %s\n\nExamples:\n", t->name);
    for (const struct tool_example *e = t->examples; e->what != NULL; e++) {
        size_t at = out->len;

        buf_adds(out, "  # ");
        text_wrap(out, e->what, 4, 4, HELP_WIDTH);
        buf_addc(out, '\n');
        /* Each line of a long comment is one. */
        for (char *nl = out->p + at; (nl = strchr(nl, '\n')) != NULL && nl[1] != '\0'; nl++)
            memcpy(nl + 1, "  # ", 4);
        cli_write_command(out, e->command, 2);
    }
}
