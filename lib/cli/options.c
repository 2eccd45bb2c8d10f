/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command line by the option table: values from text, long and short options, what was meant.
 * The file and the environment are config.c's; the documents are help.c, man.c and complete.c.
 */
#include "cli/cli_internal.h"

#include <unistd.h>

#include "base/instant.h"
#include "base/nearest.h"
#include "base/num.h"
#include "cli/chain.h"

const struct opt cli_common_opts[] = {
    {0, "format", OPT_CHOICE, offsetof(struct common_opts, format), "FORM", "auto|json|table", 0, 0,
     COMPLETE_NONE, "print JSON lines, or tables for people",
     "With auto, the default, a terminal gets tables and a pipe or file gets JSON lines."},
    {0, "store", OPT_STRING, offsetof(struct common_opts, store), "URL", NULL, 0, 0, COMPLETE_FILE,
     "keep history in URL, a path or sqlite:PATH",
     "The default is .foreline/store.db at the nearest git root, else foreline/store.db under "
     "$XDG_STATE_HOME."},
    {'q', "quiet", OPT_COUNT, offsetof(struct common_opts, quiet), NULL, NULL, 0, 0, COMPLETE_NONE,
     "print errors only", "Own records go to the store alone, and warnings are not printed."},
    {'v', "verbose", OPT_COUNT, offsetof(struct common_opts, verbose), NULL, NULL, 0, 0,
     COMPLETE_NONE, "say more on stderr", "May be given twice."},
    {0, "config", OPT_STRING, offsetof(struct common_opts, config), "FILE", NULL, 0, 0,
     COMPLETE_FILE, "read settings from FILE",
     "Instead of the user's configuration file, which need not exist; this one must."},
    {'h', "help", OPT_FLAG, 0, NULL, NULL, 0, 0, COMPLETE_NONE, "print this help", NULL},
    {0, "version", OPT_FLAG, 0, NULL, NULL, 0, 0, COMPLETE_NONE, "print the version", NULL},
    {0},
};
const struct opt *const cli_opt_config = &cli_common_opts[4];
const struct opt *const cli_opt_help = &cli_common_opts[5];
const struct opt *const cli_opt_version = &cli_common_opts[6];

const struct opt *cli_opt(const struct tool *t, size_t i)
{
    size_t own = 0;

    while (t->opts != NULL && t->opts[own].name != NULL)
        own++;
    if (i < own)
        return &t->opts[i];
    i -= own;
    if (i == 0 && t->format != NULL)
        return t->format;
    return i < ARRAY_LEN(cli_common_opts) - 1 ? &cli_common_opts[i] : NULL;
}

const struct opt *cli_opt_named(const struct tool *t, const char *name)
{
    const struct opt *o;

    for (size_t i = 0; (o = cli_opt(t, i)) != NULL; i++)
        if (strcmp(o->name, name) == 0)
            return o;
    return NULL;
}

bool cli_opt_is_common(const struct opt *o)
{
    for (const struct opt *c = cli_common_opts; c->name != NULL; c++)
        if (strcmp(c->name, o->name) == 0)
            return true;
    return false;
}

/* -- values -- */

static bool bad_value(struct err *err, const char *where, const char *text, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
static bool bad_value(struct err *err, const char *where, const char *text, const char *fmt, ...)
{
    struct quoted q;
    va_list ap;
    char *why;

    va_start(ap, fmt);
    why = xvasprintf(fmt, ap);
    va_end(ap);
    err_set(err, ERR_USAGE, "%s: '%s' is not %s", where, quote_str(&q, text), why);
    free(why);
    return false;
}

static bool set_choice(const struct opt *o, const char **value, const char *text, const char *where,
                       struct err *err)
{
    struct buf list = BUF_INIT(1 << 10);
    const char *c = o->choices;

    for (;;) {
        size_t n = strcspn(c, "|");

        if (n == strlen(text) && strncmp(c, text, n) == 0) {
            *value = text;
            buf_release(&list);
            return true;
        }
        buf_addf(&list, "%s%.*s", list.len > 0 ? ", " : "", (int)n, c);
        if (c[n] == '\0')
            break;
        c += n + 1;
    }
    bad_value(err, where, text, "one of %s", buf_str(&list));
    buf_release(&list);
    return false;
}

static bool set_int(const struct opt *o, int64_t *value, const char *text, const char *where,
                    struct err *err)
{
    int64_t i;

    if (!num_parse_int(slice_str(text), &i))
        return bad_value(err, where, text, "a whole number");
    if ((o->min != 0 || o->max != 0) && ((double)i < o->min || (double)i > o->max))
        return bad_value(err, where, text, "between %.0f and %.0f", o->min, o->max);
    *value = i;
    return true;
}

static bool set_number(const struct opt *o, double *value, const char *text, const char *where,
                       struct err *err)
{
    double d;
    char lo[NUM_TEXT_MAX], hi[NUM_TEXT_MAX];

    if (!num_parse_float(slice_str(text), &d))
        return bad_value(err, where, text, "a number");
    if ((o->min != 0 || o->max != 0) && (d < o->min || d > o->max)) {
        num_format_double(lo, o->min);
        num_format_double(hi, o->max);
        return bad_value(err, where, text, "between %s and %s", lo, hi);
    }
    *value = d;
    return true;
}

static bool set_char(int *value, const char *text, const char *where, struct err *err)
{
    if (strcmp(text, "\\t") == 0 || strcmp(text, "tab") == 0)
        *value = '\t';
    else if (strcmp(text, "none") == 0)
        *value = -1;
    else if (text[0] != '\0' && text[1] == '\0')
        *value = (unsigned char)text[0];
    else
        return bad_value(err, where, text, "one byte, 'tab' or 'none'");
    return true;
}

/* `text` NULL: the flag was given. */
static bool set_switch(const struct opt *o, void *at, const char *text, const char *where,
                       struct err *err)
{
    static const char *const words[] = {"0", "false", "no", "1", "true", "yes"};
    size_t i = 0;

    if (text == NULL) {
        if (o->kind == OPT_COUNT)
            ++*(int *)at;
        else
            *(bool *)at = true;
        return true;
    }
    while (i < ARRAY_LEN(words) && strcmp(words[i], text) != 0)
        i++;
    if (i == ARRAY_LEN(words))
        return bad_value(err, where, text, "one of 1, 0, true, false, yes, no");
    if (o->kind == OPT_COUNT)
        *(int *)at = i >= 3;
    else
        *(bool *)at = i >= 3;
    return true;
}

/* The list stays reachable to the end of the process: its array is in an arena. */
static void list_add(struct opt_list *l, const char *text)
{
    const char **item = ARENA_PUSH(&cli_process.keep, l->items, l->n);

    *item = text;
}

bool cli_set(const struct opt *o, void *values, const char *text, const char *where,
             struct err *err)
{
    void *at = (char *)values + o->offset;

    switch (o->kind) {
    case OPT_FLAG:
    case OPT_COUNT:
        return set_switch(o, at, text, where, err);
    case OPT_STRING:
    case OPT_RUN:
        *(const char **)at = text;
        return true;
    case OPT_LIST:
        list_add(at, text);
        return true;
    case OPT_INT:
        return set_int(o, at, text, where, err);
    case OPT_NUMBER:
        return set_number(o, at, text, where, err);
    case OPT_SIZE:
        return num_parse_size(text, at) ||
               bad_value(err, where, text, "a size such as 90, 64KB, 10MiB or 2GB");
    case OPT_DURATION:
        return duration_parse(text, at) ||
               bad_value(err, where, text, "a duration such as 90, 90s, 5m, 2h or 1d");
    case OPT_PERCENT:
        return num_parse_percent(text, at) ||
               bad_value(err, where, text, "a percentage from 0 to 100 such as 5 or 0.5%%");
    case OPT_CHOICE:
        return set_choice(o, at, text, where, err);
    case OPT_CHAR:
        return set_char(at, text, where, err);
    }
    BUG("option '%s' has no kind", o->name);
}

/* -- what was meant -- */

const char *cli_nearest(const char *typed, const char *const *names, size_t n)
{
    struct nearest near;
    const char *best = NULL;
    size_t most = 1;

    nearest_init(&near, slice_str(typed));
    for (size_t i = 0; i < n; i++)
        nearest_try(&near, names[i]);
    if (near.best != NULL)
        return near.best;
    /* People type beginnings right: the name that shares the longest, of two letters or more. */
    for (size_t i = 0; i < n; i++) {
        size_t same = 0;

        while (typed[same] != '\0' && typed[same] == names[i][same])
            same++;
        if (same > most) {
            most = same;
            best = names[i];
        }
    }
    return best;
}

/* -- argv -- */

struct setting {
    const struct opt *opt;
    const char *text; /* NULL for flags */
    char *where;      /* "option '--jobs'" */
};
struct parser {
    const struct tool *t;
    struct setting *settings;
    size_t n;
    char **operands;
    size_t noperands;
    const struct opt *asked; /* --help or --version, whichever came first */
};

static void push(struct parser *p, const struct opt *o, const char *text, char letter)
{
    struct setting *s = ARENA_PUSH(&cli_process.keep, p->settings, p->n);

    s->opt = o;
    s->text = text;
    s->where = letter != 0 ? arena_printf(&cli_process.keep, "option '-%c'", letter)
                           : arena_printf(&cli_process.keep, "option '--%s'", o->name);
    if (p->asked == NULL && (o == cli_opt_help || o == cli_opt_version))
        p->asked = o;
}

static bool unknown_long(const struct tool *t, const char *name, struct err *err)
{
    struct quoted q;
    const struct opt *o;
    const char *names[256];
    const char *near;
    size_t n = 0;

    for (size_t i = 0; (o = cli_opt(t, i)) != NULL && n < ARRAY_LEN(names); i++)
        names[n++] = o->name;
    near = cli_nearest(name, names, n);
    quote_str(&q, name);
    if (near == NULL)
        return err_set(err, ERR_USAGE, "unknown option '--%s'", q.s);
    return err_set(err, ERR_USAGE, "unknown option '--%s'; did you mean '--%s'?", q.s, near);
}

/* An exact name, else the only one that begins so. */
static const struct opt *find_long(const struct tool *t, struct slice name, struct err *err)
{
    const struct opt *o, *found = NULL;
    struct buf all = BUF_INIT(1 << 10);
    size_t n = 0;

    for (size_t i = 0; (o = cli_opt(t, i)) != NULL; i++) {
        if (slice_is(name, o->name)) {
            found = o;
            n = 1;
            break;
        }
        if (name.len > 0 && strncmp(o->name, name.p, name.len) == 0) {
            buf_addf(&all, "%s'--%s'", n > 0 ? ", " : "", o->name);
            found = o;
            n++;
        }
    }
    if (n == 0) {
        char *typed = xstrndup(name.p, name.len);

        unknown_long(t, typed, err);
        free(typed);
    } else if (n > 1) {
        err_set(err, ERR_USAGE, "option '--%.*s' may be %s", (int)name.len, name.p, buf_str(&all));
    }
    buf_release(&all);
    return n == 1 ? found : NULL;
}

static bool is_run(const char *word)
{
    return word && strlen(word) >= 4 && word[0] != '-' &&
           word[strspn(word, "0123456789abcdef-")] == '\0' && access(word, F_OK) != 0;
}

/* Where the value is the next word, *next is advanced. */
static bool take_long(struct parser *p, const char *word, char ***next, struct err *err)
{
    const char *eq = strchr(word, '=');
    struct slice name = eq != NULL ? slice_of(word, (size_t)(eq - word)) : slice_str(word);
    const struct opt *o = find_long(p->t, name, err);

    if (o == NULL)
        return false;
    if (!opt_takes_value(o)) {
        if (eq != NULL)
            return err_set(err, ERR_USAGE, "option '--%s' takes no value", o->name);
        push(p, o, NULL, 0);
        return true;
    }
    if (eq == NULL && o->kind == OPT_RUN && !is_run(**next)) {
        push(p, o, "", 0);
        return true;
    }
    if (eq == NULL && **next == NULL)
        return err_set(err, ERR_USAGE, "option '--%s' needs a value (%s)", o->name, o->arg);
    push(p, o, eq != NULL ? eq + 1 : *(*next)++, 0);
    return true;
}

static const struct opt *find_letter(const struct tool *t, char c)
{
    const struct opt *o;

    for (size_t i = 0; (o = cli_opt(t, i)) != NULL; i++)
        if (o->letter == c)
            return o;
    return NULL;
}

/* Bundled letters; the first that takes a value has the rest of the word, or the next one. */
static bool take_letters(struct parser *p, const char *word, char ***next, struct err *err)
{
    for (; *word != '\0'; word++) {
        const struct opt *o = find_letter(p->t, *word);
        struct quoted q;

        if (o == NULL)
            return err_set(err, ERR_USAGE, "unknown option '-%s'",
                           quote_slice(&q, slice_of(word, 1)));
        if (!opt_takes_value(o)) {
            push(p, o, NULL, *word);
            continue;
        }
        if (word[1] == '\0' && **next == NULL)
            return err_set(err, ERR_USAGE, "option '-%c' needs a value (%s)", *word, o->arg);
        push(p, o, word[1] != '\0' ? word + 1 : *(*next)++, *word);
        return true;
    }
    return true;
}

/* Splits argv; true without having read all of it when help or version was asked for. */
static bool split(struct parser *p, int argc, char **argv, struct err *err)
{
    char **next = argv + (argc > 0);

    p->operands = arena_alloc(&cli_process.keep, ((size_t)argc + 1) * sizeof(char *));
    while (*next != NULL) {
        char *word = *next++;

        if (strcmp(word, "--") == 0) {
            while (*next != NULL)
                p->operands[p->noperands++] = *next++;
        } else if (strncmp(word, "--", 2) == 0) {
            if (!take_long(p, word + 2, &next, err))
                return false;
        } else if (word[0] == '-' && word[1] != '\0') {
            if (!take_letters(p, word + 1, &next, err))
                return false;
        } else {
            p->operands[p->noperands++] = word;
            continue;
        }
        if (p->asked != NULL)
            return true;
    }
    p->operands[p->noperands] = NULL;
    return true;
}

/* Prints help or the version when it was asked for; true when it was. */
static bool information(const struct parser *p, int *status)
{
    struct buf text = BUF_INIT(1 << 20);
    struct err err = ERR_INIT;

    if (p->asked == NULL)
        return false;
    if (p->asked == cli_opt_help)
        cli_write_help(&text, p->t);
    else
        buf_addf(&text,
                 "%s (foreline) %s\n"
                 "License GPL-3.0-or-later: GNU GPL version 3 or later "
                 "<https://gnu.org/licenses/gpl.html>.\n"
                 "There is no warranty, to the extent permitted by law.\n",
                 p->t->name, cli_version());
    out_buf(&text);
    buf_release(&text);
    *status = out_close(&err) ? STATUS_OK : cli_fail(&err);
    return true;
}

static bool apply(const struct parser *p, void *values, struct err *err)
{
    struct common_opts *common = values;
    const char *config = NULL;

    for (size_t i = 0; i < p->n; i++)
        if (p->settings[i].opt == cli_opt_config)
            config = p->settings[i].text;
    if (!cli_config_apply(p->t, values, config, err))
        return false;
    for (size_t i = 0; i < p->n; i++) {
        const struct setting *s = &p->settings[i];
        bool first = true;

        /* A list on the command line takes the place of a configured one. */
        for (size_t k = 0; k < i; k++)
            first = first && p->settings[k].opt != s->opt;
        if (first && s->opt->kind == OPT_LIST)
            *(struct opt_list *)(void *)((char *)values + s->opt->offset) =
                (struct opt_list){NULL, 0};
        if (!cli_set(s->opt, values, s->text, s->where, err))
            return false;
    }
    cli_process.quiet = common->quiet > 0;
    cli_process.verbose = common->verbose > 0;
    return true;
}

bool cli_parse(const struct tool *t, int argc, char **argv, void *values, char ***operands,
               size_t *noperands, int *status)
{
    struct parser p = {.t = t};
    struct err err = ERR_INIT;

    if (!split(&p, argc, argv, &err))
        goto fail;
    if (information(&p, status))
        return false;
    if (!apply(&p, values, &err))
        goto fail;
    *operands = p.operands;
    *noperands = p.noperands;
    return true;

fail:
    *status = err.kind == ERR_USAGE ? cli_usage("%s", err.text) : cli_fail(&err);
    return false;
}

const struct tool_command *cli_command(const struct tool *t, const char *word)
{
    const char *names[64];
    const char *near;
    struct quoted q;
    size_t n = 0;

    for (; t->commands[n].name != NULL && n < ARRAY_LEN(names); n++) {
        if (word != NULL && strcmp(t->commands[n].name, word) == 0)
            return &t->commands[n];
        names[n] = t->commands[n].name;
    }
    near = word != NULL ? cli_nearest(word, names, n) : NULL;
    if (word == NULL)
        cli_usage("no command given");
    else if (near == NULL)
        cli_usage("unknown command '%s'", quote_str(&q, word));
    else
        cli_usage("unknown command '%s'; did you mean '%s'?", quote_str(&q, word), near);
    return NULL;
}
