/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Completions for bash, zsh and fish from the option table.
 */
#include "cli/cli_internal.h"

/* etl_profile for etl-profile. */
static void add_identifier(struct buf *out, const char *name)
{
    for (; *name != '\0'; name++)
        buf_addc(out, *name == '-' ? '_' : *name);
}

/* Inside '…' of any of the three shells; further bytes of `special` get a backslash. */
static void add_quoted(struct buf *out, const char *s, const char *special, bool fish)
{
    for (; *s != '\0'; s++) {
        if (*s == '\'')
            buf_adds(out, fish ? "\\'" : "'\\''");
        else if (*s == '\\' && fish)
            buf_adds(out, "\\\\");
        else if (strchr(special, *s) != NULL)
            buf_addf(out, "\\%c", *s);
        else
            buf_addc(out, *s);
    }
}

static void add_words(struct buf *out, const char *choices)
{
    for (; *choices != '\0'; choices++)
        buf_addc(out, *choices == '|' ? ' ' : *choices);
}

static void header(struct buf *out, const char *shell, const struct tool *t)
{
    buf_addf(out,
             "# %s completion for %s\n"
             "# SPDX-License-Identifier: GPL-3.0-or-later\n"
             "# Generated from the option table by make docs: do not edit.\n",
             shell, t->name);
}

/* -- bash -- */

static void bash_files(struct buf *out, enum opt_complete c, const char *indent)
{
    switch (c) {
    case COMPLETE_NONE:
        return;
    case COMPLETE_FILE:
        buf_addf(out, "%smapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n", indent);
        break;
    case COMPLETE_DIR:
        buf_addf(out, "%smapfile -t COMPREPLY < <(compgen -d -- \"$cur\")\n", indent);
        break;
    case COMPLETE_PIPELINE:
        buf_addf(out,
                 "%smapfile -t COMPREPLY < <(compgen -d -- \"$cur\"; "
                 "compgen -f -X '!*.json' -- \"$cur\")\n",
                 indent);
        break;
    }
    buf_addf(out, "%scompopt -o filenames 2>/dev/null\n", indent);
}

static void bash_value(struct buf *out, const struct opt *o)
{
    buf_adds(out, "        ");
    if (o->letter != 0)
        buf_addf(out, "-%c | ", o->letter);
    buf_addf(out, "--%s)\n", o->name);
    if (o->kind == OPT_CHOICE) {
        buf_adds(out, "            mapfile -t COMPREPLY < <(compgen -W '");
        add_words(out, o->choices);
        buf_adds(out, "' -- \"$cur\")\n");
    } else {
        bash_files(out, o->complete, "            ");
    }
    buf_adds(out, "            return\n            ;;\n");
}

void cli_write_bash(struct buf *out, const struct tool *t)
{
    const struct opt *o;

    buf_adds(out, "# shellcheck shell=bash\n");
    header(out, "bash", t);
    buf_adds(out, "_");
    add_identifier(out, t->name);
    buf_adds(out, "()\n{\n"
                  "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
                  "    COMPREPLY=()\n"
                  "    # --option=value comes as three words.\n"
                  "    if [[ $cur == = ]]; then\n"
                  "        cur=\n"
                  "    elif [[ $prev == = ]] && ((COMP_CWORD > 1)); then\n"
                  "        prev=${COMP_WORDS[COMP_CWORD - 2]}\n"
                  "    fi\n"
                  "    case $prev in\n");
    for (size_t i = 0; (o = cli_opt(t, i)) != NULL; i++)
        if (opt_takes_value(o))
            bash_value(out, o);
    buf_adds(out, "    esac\n    if [[ $cur == -* ]]; then\n"
                  "        mapfile -t COMPREPLY < <(compgen -W '");
    for (size_t i = 0; (o = cli_opt(t, i)) != NULL; i++)
        buf_addf(out, "%s--%s", i > 0 ? " " : "", o->name);
    buf_adds(out, "' -- \"$cur\")\n        return\n    fi\n");
    if (t->commands != NULL) {
        buf_adds(out, "    if ((COMP_CWORD == 1)); then\n"
                      "        mapfile -t COMPREPLY < <(compgen -W '");
        for (const struct tool_command *c = t->commands; c->name != NULL; c++)
            buf_addf(out, "%s%s", c != t->commands ? " " : "", c->name);
        buf_adds(out, "' -- \"$cur\")\n        return\n    fi\n");
    }
    bash_files(out, t->operand, "    ");
    buf_adds(out, "}\ncomplete -F _");
    add_identifier(out, t->name);
    buf_addf(out, " %s\n", t->name);
}

/* -- zsh -- */

static const char *zsh_action(enum opt_complete c)
{
    switch (c) {
    case COMPLETE_FILE:
        return "_files";
    case COMPLETE_DIR:
        return "_files -/";
    case COMPLETE_PIPELINE:
        return "_files -g \"*.json\"";
    case COMPLETE_NONE:
        break;
    }
    return " ";
}

static void zsh_option(struct buf *out, const struct opt *o)
{
    bool value = opt_takes_value(o);

    buf_adds(out, " \\\n        ");
    if (opt_repeats(o))
        buf_adds(out, "'*'");
    else if (o->letter != 0)
        buf_addf(out, "'(-%c --%s)'", o->letter, o->name);
    if (o->letter != 0)
        buf_addf(out, "{-%c%s,--%s%s}'", o->letter, value ? "+" : "", o->name, value ? "=" : "");
    else
        buf_addf(out, "'--%s%s", o->name, value ? "=" : "");
    buf_addc(out, '[');
    add_quoted(out, o->help, "[]\\", false);
    buf_addc(out, ']');
    if (value) {
        buf_addc(out, ':');
        add_quoted(out, o->arg, ":\\", false);
        buf_addc(out, ':');
        if (o->kind == OPT_CHOICE) {
            buf_addc(out, '(');
            add_words(out, o->choices);
            buf_addc(out, ')');
        } else {
            buf_adds(out, zsh_action(o->complete));
        }
    }
    buf_addc(out, '\'');
}

void cli_write_zsh(struct buf *out, const struct tool *t)
{
    const struct opt *o;

    buf_addf(out, "#compdef %s\n", t->name);
    header(out, "zsh", t);
    if (t->commands != NULL) {
        buf_addc(out, '_');
        add_identifier(out, t->name);
        buf_adds(out, "_commands() {\n    local -a commands=(\n");
        for (const struct tool_command *c = t->commands; c->name != NULL; c++) {
            buf_addf(out, "        '%s:", c->name);
            add_quoted(out, c->help, ":\\", false);
            buf_adds(out, "'\n");
        }
        buf_adds(out, "    )\n    _describe command commands\n}\n");
    }
    buf_addc(out, '_');
    add_identifier(out, t->name);
    buf_adds(out, "() {\n    _arguments -s -S");
    for (size_t i = 0; (o = cli_opt(t, i)) != NULL; i++)
        zsh_option(out, o);
    if (t->commands != NULL) {
        buf_adds(out, " \\\n        '1:command:_");
        add_identifier(out, t->name);
        buf_adds(out, "_commands'");
    }
    if (t->operand != COMPLETE_NONE)
        buf_addf(out, " \\\n        '*:file:%s'", zsh_action(t->operand));
    else
        buf_adds(out, " \\\n        '*:operand: '");
    buf_adds(out, "\n}\n_");
    add_identifier(out, t->name);
    buf_adds(out, " \"$@\"\n");
}

/* -- fish -- */

static void fish_files(struct buf *out, enum opt_complete c)
{
    switch (c) {
    case COMPLETE_NONE:
        buf_adds(out, " -x");
        break;
    case COMPLETE_FILE:
        buf_adds(out, " -r -F");
        break;
    case COMPLETE_DIR:
        buf_adds(out, " -x -a '(__fish_complete_directories)'");
        break;
    case COMPLETE_PIPELINE:
        buf_adds(out, " -x -a '(__fish_complete_suffix .json)'");
        break;
    }
}

void cli_write_fish(struct buf *out, const struct tool *t)
{
    const struct opt *o;

    header(out, "fish", t);
    if (t->operand == COMPLETE_NONE)
        buf_addf(out, "complete -c %s -f\n", t->name);
    else if (t->operand == COMPLETE_PIPELINE)
        buf_addf(out, "complete -c %s -f -a '(__fish_complete_suffix .json)'\n", t->name);
    else if (t->operand == COMPLETE_DIR)
        buf_addf(out, "complete -c %s -f -a '(__fish_complete_directories)'\n", t->name);
    for (size_t i = 0; (o = cli_opt(t, i)) != NULL; i++) {
        buf_addf(out, "complete -c %s", t->name);
        if (o->letter != 0)
            buf_addf(out, " -s %c", o->letter);
        buf_addf(out, " -l %s", o->name);
        if (o->kind == OPT_CHOICE) {
            buf_adds(out, " -x -a '");
            add_words(out, o->choices);
            buf_addc(out, '\'');
        } else if (opt_takes_value(o)) {
            fish_files(out, o->complete);
        }
        buf_adds(out, " -d '");
        add_quoted(out, o->help, "", true);
        buf_adds(out, "'\n");
    }
    for (const struct tool_command *c = t->commands; c != NULL && c->name != NULL; c++) {
        buf_addf(out, "complete -c %s -n __fish_use_subcommand -f -a %s -d '", t->name, c->name);
        add_quoted(out, c->help, "", true);
        buf_adds(out, "'\n");
    }
}
