/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The option table looked at as a document: what a test of each tool asks of it. Not used by the
 * tools themselves.
 */
#include "cli/cli_internal.h"

#include "cli/text.h"

static void complain(struct buf *out, const struct tool *t, const char *fmt, ...) PRINTF_LIKE(3, 4);
static void complain(struct buf *out, const struct tool *t, const char *fmt, ...)
{
    va_list ap;
    char *text;

    va_start(ap, fmt);
    text = xvasprintf(fmt, ap);
    va_end(ap);
    buf_addf(out, "%s: %s\n", t->name, text);
    free(text);
}

static bool is_name(const char *s)
{
    return s[0] >= 'a' && s[0] <= 'z' &&
           strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(s);
}

/* One line, no full stop (but perhaps "..."), no blanks around; may begin with a capital as "CSV"
 * does. */
static bool is_phrase(const char *s)
{
    size_t n = s == NULL ? 0 : strlen(s);
    bool stop = n > 0 && s[n - 1] == '.' && !(n > 3 && strcmp(s + n - 3, "...") == 0);

    return n > 0 && strchr(s, '\n') == NULL && s[0] != ' ' && s[n - 1] != ' ' && !stop &&
           !(s[0] >= 'A' && s[0] <= 'Z' && s[1] >= 'a' && s[1] <= 'z');
}

static void check_option(const struct tool *t, const struct opt *o, struct buf *out)
{
    bool own = !cli_opt_is_common(o);

    if (!is_name(o->name) || strlen(o->name) > 60)
        complain(out, t, "option name '%s' is not lower case with dashes", o->name);
    if (!is_phrase(o->help))
        complain(out, t, "--%s: help is not one lower-case phrase without a full stop", o->name);
    if (opt_takes_value(o) && (o->arg == NULL || o->arg[0] == '\0'))
        complain(out, t, "--%s takes a value that has no name (arg)", o->name);
    if (!opt_takes_value(o) && o->arg != NULL)
        complain(out, t, "--%s takes no value but names one", o->name);
    if ((o->kind == OPT_CHOICE) != (o->choices != NULL && o->choices[0] != '\0'))
        complain(out, t, "--%s: choices and kind do not agree", o->name);
    if (o->min > o->max)
        complain(out, t, "--%s: min is above max", o->name);
    if (own && o->offset < sizeof(struct common_opts))
        complain(out, t, "--%s: its value lies in common_opts", o->name);
    for (size_t i = 0;; i++) {
        const struct opt *other = cli_opt(t, i);

        if (other == o)
            break;
        if (strcmp(other->name, o->name) == 0)
            complain(out, t, "--%s is there twice", o->name);
        if (o->letter != 0 && other->letter == o->letter)
            complain(out, t, "-%c is there twice", o->letter);
        if (own && other->offset == o->offset)
            complain(out, t, "--%s and --%s share a value", other->name, o->name);
    }
}

static void check_help(const struct tool *t, struct buf *out)
{
    struct buf help = BUF_INIT(1 << 20);
    struct slice rest;

    cli_write_help(&help, t);
    for (rest = buf_slice(&help); rest.len > 0;) {
        const char *nl = memchr(rest.p, '\n', rest.len);
        size_t n = nl == NULL ? rest.len : (size_t)(nl - rest.p);

        if (text_columns(slice_of(rest.p, n)) > 80)
            complain(out, t, "--help is wider than 80 columns: %.*s", (int)n, rest.p);
        n += nl != NULL;
        rest.p += n;
        rest.len -= n;
    }
    buf_release(&help);
}

bool cli_check_table(const struct tool *t, struct buf *problems)
{
    size_t before = problems->len, n = 0;
    const struct opt *o;
    bool complete = true;

    if (!is_phrase(t->summary))
        complain(problems, t, "summary is not one lower-case phrase without a full stop");
    if (t->synopsis == NULL || t->synopsis[0] == NULL || t->description == NULL ||
        t->description[0] == '\0' || t->see_also == NULL || t->examples == NULL) {
        complain(problems, t, "synopsis, description, see_also or examples are missing");
        return false;
    }
    for (const struct tool_example *e = t->examples; e->what != NULL; e++, n++)
        if (e->command == NULL || e->what[0] == '\0')
            complain(problems, t, "example %zu lacks its command or what it is", n + 1);
    if (n < 2)
        complain(problems, t, "fewer than two examples");
    for (const struct tool_command *c = t->commands; c != NULL && c->name != NULL; c++)
        if (!is_name(c->name) || !is_phrase(c->help))
            complain(problems, t, "command '%s': name or help", c->name);
    for (size_t i = 0; (o = cli_opt(t, i)) != NULL; i++) {
        check_option(t, o, problems);
        /* The help below would need them. */
        complete = complete && o->help != NULL && (!opt_takes_value(o) || o->arg != NULL) &&
                   (o->kind != OPT_CHOICE || o->choices != NULL);
    }
    if (complete)
        check_help(t, problems);
    return problems->len == before;
}
