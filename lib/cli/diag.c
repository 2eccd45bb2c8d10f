/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The process as its user meets it: start-up, messages on stderr, colours, exit statuses. Not the
 * option table (options.c) and not stdout (out.c).
 */
#include "config.h"

#include "cli/cli_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "cli/text.h"

struct cli_process cli_process = {.name = "foreline"};

/* One write, so that the messages of two threads do not mix; the rest only if the first was short.
 * There is nobody to tell when stderr itself is broken. */
static void stderr_write(const char *p, size_t n)
{
    while (n > 0) {
        ssize_t done = write(STDERR_FILENO, p, n);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return;
        p += done;
        n -= (size_t)done;
    }
}

static void say(const char *fmt, va_list ap) PRINTF_LIKE(1, 0);
static void say(const char *fmt, va_list ap)
{
    struct buf out = BUF_INIT(64 << 10);
    char *text = xvasprintf(fmt, ap);

    cli_wipe_progress(&out);
    buf_addf(&out, "%s: ", cli_process.name);
    text_mask(&out, slice_str(text), true);
    buf_addc(&out, '\n');
    stderr_write(out.p, out.len);
    buf_release(&out);
    free(text);
}

static void oom(void)
{
    /* No allocation here. */
    stderr_write(cli_process.name, strlen(cli_process.name));
    stderr_write(": out of memory\n", 16);
}

static void fill_closed(int fd, int flags)
{
    if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF)
        return;
    /* The lowest free descriptor is `fd`, as those below it are open by now. */
    (void)!open("/dev/null", flags);
}

int status_worse(int a, int b)
{
    static const int order[] = {STATUS_OK,    STATUS_AGAIN, STATUS_NO,   STATUS_DATA,
                                STATUS_STAGE, STATUS_ENV,   STATUS_USAGE};
    size_t ra = ARRAY_LEN(order), rb = ARRAY_LEN(order);

    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        if (order[i] == a)
            ra = i;
        if (order[i] == b)
            rb = i;
    }
    return ra >= rb ? a : b;
}

const char *cli_version(void)
{
    return PACKAGE_VERSION;
}

void cli_init(const struct tool *t)
{
    struct sigaction sa = {.sa_handler = SIG_DFL};

    cli_process.name = t->name;
    /* A parent that ignores SIGPIPE hands that down; a filter must end with its reader. */
    sigemptyset(&sa.sa_mask);
    sigaction(SIGPIPE, &sa, NULL);
    /* Opened the wrong way round: reading a closed stdin, writing to a closed stdout fails as it
     * should, and no data file can land on descriptors 0 to 2. */
    fill_closed(STDIN_FILENO, O_WRONLY);
    fill_closed(STDOUT_FILENO, O_RDONLY);
    fill_closed(STDERR_FILENO, O_RDONLY);
    oom_handler_set(oom);
}

void cli_error(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    say(fmt, ap);
    va_end(ap);
}

void cli_warn(const char *fmt, ...)
{
    va_list ap;

    if (cli_process.quiet)
        return;
    va_start(ap, fmt);
    say(fmt, ap);
    va_end(ap);
}

void cli_note(const char *fmt, ...)
{
    va_list ap;

    if (!cli_process.verbose)
        return;
    va_start(ap, fmt);
    say(fmt, ap);
    va_end(ap);
}

int cli_usage(const char *fmt, ...)
{
    va_list ap;
    char *text;

    va_start(ap, fmt);
    text = xvasprintf(fmt, ap);
    va_end(ap);
    cli_error("%s (see '%s --help')", text, cli_process.name);
    free(text);
    return STATUS_USAGE;
}

int cli_fail(const struct err *err)
{
    cli_error("%s", err->text);
    return err->kind == ERR_NONE ? STATUS_ENV : (int)err->kind;
}

bool cli_is_quiet(void)
{
    return cli_process.quiet;
}

bool cli_is_verbose(void)
{
    return cli_process.verbose;
}

bool cli_for_people(const struct common_opts *o)
{
    if (o->format != NULL && strcmp(o->format, "json") == 0)
        return false;
    if (o->format != NULL && strcmp(o->format, "table") == 0)
        return true;
    return isatty(STDOUT_FILENO) == 1;
}

const char *cli_color(int fd, const char *style)
{
    static const struct {
        const char *style, *code;
    } codes[] = {
        {"bold", "\033[1m"},    {"dim", "\033[2m"},   {"red", "\033[31m"},  {"green", "\033[32m"},
        {"yellow", "\033[33m"}, {"cyan", "\033[36m"}, {"reset", "\033[0m"},
    };
    const char *force = getenv("FORELINE_COLOR");
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

    if (force == NULL || strcmp(force, "always") != 0) {
        /* https://no-color.org: set and not empty. */
        if (no_color != NULL && no_color[0] != '\0')
            return "";
        if (term != NULL && strcmp(term, "dumb") == 0)
            return "";
        if (isatty(fd) != 1)
            return "";
    }
    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        if (strcmp(codes[i].style, style) == 0)
            return codes[i].code;
    return "";
}
