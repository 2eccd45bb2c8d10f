/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The man page from the option table, in mdoc(7). foreline(7) and etl-records(5) are written by
 * hand.
 */
#include "cli/cli_internal.h"

#include "cli/text.h"

/* mandoc's lint asks for lines of at most 80 bytes. */
#define MAN_WIDTH 78

/* Words of plain text that roff would read otherwise. */
static void escape_word(struct buf *out, struct slice w, bool line_start)
{
    if (line_start && w.len > 0 && (w.p[0] == '.' || w.p[0] == '\''))
        buf_adds(out, "\\&");
    for (size_t i = 0; i < w.len; i++) {
        if (w.p[i] == '\\')
            buf_adds(out, "\\e");
        else if (w.p[i] == '-')
            buf_adds(out, "\\-"); /* stays a hyphen-minus, to be copied into a shell */
        else if (w.p[i] == '`')
            buf_adds(out, "\\(ga");
        else if (w.p[i] == '^')
            buf_adds(out, "\\(ha");
        else if (w.p[i] == '~')
            buf_adds(out, "\\(ti");
        else if (w.p[i] == '\'')
            buf_adds(out, "\\(aq");
        else if (w.p[i] == '"')
            buf_adds(out, "\\(dq");
        else
            buf_addc(out, w.p[i]);
    }
}

static bool ends_sentence(struct slice w)
{
    while (w.len > 0 && (w.p[w.len - 1] == ')' || w.p[w.len - 1] == '"' || w.p[w.len - 1] == '\''))
        w.len--;
    return w.len > 0 && strchr(".!?", w.p[w.len - 1]) != NULL;
}

/* A paragraph as input lines: broken at blanks, and behind each sentence (mdoc(7) asks for it, so
 * that the formatter can space them). */
static void flow(struct buf *out, struct slice text)
{
    size_t at = 0;

    for (size_t i = 0; i < text.len;) {
        struct buf word = BUF_INIT(64 << 10);
        struct slice w;
        size_t end;

        while (i < text.len && strchr(" \n", text.p[i]) != NULL)
            i++;
        for (end = i; end < text.len && strchr(" \n", text.p[end]) == NULL;)
            end++;
        w = slice_of(text.p + i, end - i);
        i = end;
        if (w.len == 0)
            break;
        escape_word(&word, w, at == 0);
        if (at > 0 && at + 1 + word.len > MAN_WIDTH) {
            buf_addc(out, '\n');
            at = 0;
            buf_clear(&word);
            escape_word(&word, w, true);
        } else if (at > 0) {
            buf_addc(out, ' ');
            at++;
        }
        buf_add_slice(out, buf_slice(&word));
        at += word.len;
        if (ends_sentence(w)) {
            buf_addc(out, '\n');
            at = 0;
        }
        buf_release(&word);
    }
    if (at > 0)
        buf_addc(out, '\n');
}

/* The indentation of the first line goes from every line. */
static void literal(struct buf *out, struct slice text)
{
    size_t indent = 0;

    while (indent < text.len && text.p[indent] == ' ')
        indent++;
    buf_adds(out, ".Bd -literal -offset indent\n");
    while (text.len > 0) {
        const char *nl = memchr(text.p, '\n', text.len);
        size_t n = nl == NULL ? text.len : (size_t)(nl - text.p), skip = 0;

        while (skip < indent && skip < n && text.p[skip] == ' ')
            skip++;
        escape_word(out, slice_of(text.p + skip, n - skip), true);
        buf_addc(out, '\n');
        n += nl != NULL;
        text.p += n;
        text.len -= n;
    }
    buf_adds(out, ".Ed\n");
}

/* Paragraphs, separated by empty lines; indented ones are kept as they are. */
static void paragraphs(struct buf *out, const char *text)
{
    bool first = true, after_literal = false;

    while (*text != '\0') {
        const char *end = strstr(text, "\n\n");
        size_t n = end == NULL ? strlen(text) : (size_t)(end - text);

        if (text[0] == ' ') {
            literal(out, slice_of(text, n));
            after_literal = true;
        } else if (n > 0) {
            if (!first || after_literal)
                buf_adds(out, ".Pp\n");
            flow(out, slice_of(text, n));
            after_literal = false;
        }
        first = false;
        text += n;
        text += strspn(text, "\n");
    }
}

static void macro_text(struct buf *out, const char *macro, const char *text)
{
    buf_adds(out, macro);
    buf_addc(out, ' ');
    escape_word(out, slice_str(text), false);
    buf_addc(out, '\n');
}

/* "runs: only those with status S" begins with a command, which stays as it is typed. */
static bool begins_with_command(const struct tool *t, const char *help)
{
    size_t n = strcspn(help, ":, ");

    for (const struct tool_command *c = t->commands; c != NULL && c->name != NULL; c++)
        if (strlen(c->name) == n && strncmp(c->name, help, n) == 0 && help[n] != ' ')
            return true;
    return false;
}

static void option_sentence(struct buf *out, const struct tool *t, const struct opt *o)
{
    struct buf text = BUF_INIT(16 << 10);

    buf_adds(&text, o->help);
    if (o->kind == OPT_CHOICE) {
        buf_adds(&text, ": ");
        for (const char *c = o->choices; *c != '\0'; c++) {
            if (*c == '|')
                buf_adds(&text, ", ");
            else
                buf_addc(&text, *c);
        }
    } else if (o->kind == OPT_LIST && o->man == NULL) {
        buf_adds(&text, " (may be repeated)");
    }
    buf_addc(&text, '.');
    if (text.p[0] >= 'a' && text.p[0] <= 'z' && !begins_with_command(t, o->help))
        text.p[0] = (char)(text.p[0] - 'a' + 'A');
    flow(out, buf_slice(&text));
    buf_release(&text);
}

static void option(struct buf *out, const struct tool *t, const struct opt *o)
{
    buf_adds(out, ".It ");
    if (o->letter != 0)
        buf_addf(out, "Fl %c , ", o->letter);
    buf_adds(out, "Fl \\-");
    escape_word(out, slice_str(o->name), false);
    if (opt_takes_value(o)) {
        buf_adds(out, " Ar ");
        escape_word(out, slice_str(o->arg), false);
    }
    buf_addc(out, '\n');
    option_sentence(out, t, o);
    if (o->man != NULL)
        paragraphs(out, o->man);
}

static void options(struct buf *out, const struct tool *t)
{
    const struct opt *o;

    buf_adds(out, ".Pp\nThe options are as follows:\n.Bl -tag -width Ds\n");
    for (size_t i = 0; (o = cli_opt(t, i)) != NULL; i++)
        option(out, t, o);
    buf_adds(out, ".El\n");
}

static void commands(struct buf *out, const struct tool *t)
{
    if (t->commands == NULL)
        return;
    buf_adds(out, ".Pp\nThe commands are as follows:\n.Bl -tag -width Ds\n");
    for (const struct tool_command *c = t->commands; c->name != NULL; c++) {
        char *sentence = xasprintf("%s.", c->help);

        if (sentence[0] >= 'a' && sentence[0] <= 'z')
            sentence[0] = (char)(sentence[0] - 'a' + 'A');
        buf_adds(out, ".It Cm ");
        escape_word(out, slice_str(c->name), false);
        if (c->args != NULL && c->args[0] != '\0') {
            /* Behind No: words such as "At" or "No" in it are not macros to be called. */
            buf_adds(out, " No \\&");
            escape_word(out, slice_str(c->args), false);
        }
        buf_addc(out, '\n');
        flow(out, slice_str(sentence));
        free(sentence);
        if (c->man != NULL)
            paragraphs(out, c->man);
    }
    buf_adds(out, ".El\n");
}

static void environment(struct buf *out)
{
    paragraphs(out,
               "Each option but --help and --version can be set by a variable: FORELINE_ and the "
               "name of the option in capitals, with - as _, such as FORELINE_STORE for --store. "
               "Options go over variables, variables over the configuration file.");
    buf_adds(out, ".Bl -tag -width Ds\n"
                  ".It Ev FORELINE_CONFIG\nThe configuration file.\n"
                  ".It Ev NO_COLOR\nWhen set and not empty, nothing is coloured.\n"
                  ".It Ev FORELINE_COLOR\n\\(dqalways\\(dq colours also what is no terminal.\n"
                  ".El\n");
}

static void files(struct buf *out)
{
    buf_adds(out, ".Bl -tag -width Ds\n"
                  ".It Pa ~/.config/foreline/config.json\n"
                  "Settings of the user.\n"
                  "Options of every tool stand at the top, those of one tool in an object with\n"
                  "its name.\n"
                  ".Ev XDG_CONFIG_HOME\n"
                  "moves it.\n"
                  ".It Pa .foreline/store.db\n"
                  "The history, at the nearest git root.\n"
                  ".It Pa ~/.local/state/foreline/store.db\n"
                  "The history outside of git;\n"
                  ".Ev XDG_STATE_HOME\n"
                  "moves it.\n"
                  ".El\n");
}

/* A section that takes the place of the general one. */
static bool is_exit_status(const struct tool_section *s)
{
    return strcmp(s->title, "Exit status") == 0;
}

static void exit_status(struct buf *out, const struct tool *t)
{
    for (const struct tool_section *s = t->sections; s != NULL && s->title != NULL; s++) {
        if (is_exit_status(s)) {
            paragraphs(out, s->text);
            return;
        }
    }
    buf_adds(out, ".Bl -tag -width Ds -compact\n"
                  ".It 0\nDone.\n"
                  ".It 1\nA check or a verdict says no.\n"
                  ".It 2\nUsage error.\n"
                  ".It 3\nBad input data.\n"
                  ".It 4\nThe environment failed: a file cannot be opened, the disk is full.\n"
                  ".It 5\nA stage of a pipeline failed.\n"
                  ".It 75\nTry again later: queued, or locked.\n"
                  ".El\n");
}

static void examples(struct buf *out, const struct tool *t)
{
    for (const struct tool_example *e = t->examples; e->what != NULL; e++) {
        struct buf command = BUF_INIT(16 << 10);
        char *what;

        if (e != t->examples)
            buf_adds(out, ".Pp\n");
        what = xasprintf("%s%s", e->what, ends_sentence(slice_str(e->what)) ? "" : ":");
        flow(out, slice_str(what));
        free(what);
        cli_write_command(&command, e->command, 0);
        literal(out, buf_slice(&command));
        buf_release(&command);
    }
}

struct reference {
    struct slice name;
    struct slice section;
};

static int by_section(const void *a, const void *b)
{
    const struct reference *x = a, *y = b;
    int c = slice_cmp(x->section, y->section);

    return c != 0 ? c : slice_cmp(x->name, y->name);
}

/* "etl-plan(1), foreline(7)" as mdoc wants it: by section, then by name. */
static void see_also(struct buf *out, const char *text)
{
    struct reference refs[32];
    size_t n = 0;

    while (*text != '\0' && n < ARRAY_LEN(refs)) {
        size_t name = strcspn(text, "("), section;

        refs[n].name = slice_trim(slice_of(text, name));
        text += name + (text[name] == '(');
        section = strcspn(text, ")");
        refs[n++].section = slice_of(text, section);
        text += section;
        text += strspn(text, "), \n");
    }
    qsort(refs, n, sizeof(refs[0]), by_section);
    for (size_t i = 0; i < n; i++) {
        buf_addf(out, ".Xr %.*s %.*s%s\n", (int)refs[i].name.len, refs[i].name.p,
                 (int)refs[i].section.len, refs[i].section.p, i + 1 < n ? " ," : "");
    }
}

void cli_write_man(struct buf *out, const struct tool *t, const char *version, const char *date)
{
    buf_addf(out,
             ".\\\" SPDX-License-Identifier: GPL-3.0-or-later\n"
             ".\\\" Generated from the option table by make docs: do not edit.\n"
             ".Dd %s\n.Dt ",
             date);
    for (const char *p = t->name; *p != '\0'; p++)
        buf_addc(out, *p >= 'a' && *p <= 'z' ? (char)(*p - 'a' + 'A') : *p);
    buf_addf(out, " 1\n.Os foreline %s\n.Sh NAME\n", version);
    buf_addf(out, ".Nm %s\n", t->name);
    macro_text(out, ".Nd", t->summary);
    buf_adds(out, ".Sh SYNOPSIS\n");
    for (size_t i = 0; t->synopsis[i] != NULL; i++) {
        buf_addf(out, ".Nm %s\n", t->name);
        flow(out, slice_str(t->synopsis[i]));
    }
    buf_adds(out, ".Sh DESCRIPTION\n");
    paragraphs(out, t->description);
    commands(out, t);
    options(out, t);
    for (const struct tool_section *s = t->sections; s != NULL && s->title != NULL; s++) {
        if (is_exit_status(s))
            continue;
        buf_addf(out, ".Ss %s\n", s->title);
        paragraphs(out, s->text);
    }
    buf_adds(out, ".Sh ENVIRONMENT\n");
    environment(out);
    buf_adds(out, ".Sh FILES\n");
    files(out);
    buf_adds(out, ".Sh EXIT STATUS\n");
    exit_status(out, t);
    buf_adds(out, ".Sh EXAMPLES\n");
    examples(out, t);
    buf_adds(out, ".Sh SEE ALSO\n");
    see_also(out, t->see_also);
}
