/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lib/cli: stdout and the loop over JSON lines. Each case is a child with its own descriptors. */
#include "tests/unit/suite.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "cli/chain.h"
#include "tests/unit/cli_sample.h"

static const char *tmp_path(const char *name)
{
    static char path[4096];
    const char *dir = getenv("TMPDIR");

    snprintf(path, sizeof(path), "%s/%s", dir != NULL ? dir : "/tmp", name);
    return path;
}

static void write_file(const char *path, struct slice bytes)
{
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);

    ck_assert_int_ge(fd, 0);
    while (bytes.len > 0) {
        ssize_t n = write(fd, bytes.p, bytes.len);

        ck_assert_int_gt(n, 0);
        bytes.p += n;
        bytes.len -= (size_t)n;
    }
    close(fd);
}

static struct buf read_file(const char *path)
{
    struct buf b = BUF_INIT(64u << 20);
    int fd = open(path, O_RDONLY);
    char block[65536];
    ssize_t n;

    ck_assert_int_ge(fd, 0);
    while ((n = read(fd, block, sizeof(block))) > 0)
        buf_add(&b, block, (size_t)n);
    ck_assert_int_eq(n, 0);
    close(fd);
    return b;
}

/* Keeps each record whose "keep" is true; says what it saw when asked to. */
struct seen {
    const struct json *kept[4096];
    struct slice lines[4096];
    size_t nkept, n;
    bool echo;
};

static bool see(void *ctx, struct chain *c, const struct json *rec, struct slice line)
{
    struct seen *s = ctx;

    s->n++;
    if (s->echo) {
        char *own = xasprintf("own %s:%d", json_str(rec, "record", "event"), (int)c->line_no);

        out_line(slice_str(own));
        free(own);
    }
    if (!json_bool(rec, "keep", false))
        return false;
    s->kept[s->nkept] = rec;
    s->lines[s->nkept++] = line;
    return true;
}

/* stdin through the chain to stdout, own lines with `echo`: the child's exit status. */
static int filter(struct slice in, bool echo, bool forward, struct buf *out, struct buf *errors)
{
    char *i = xstrdup(tmp_path("in")), *o = xstrdup(tmp_path("out")), *e = xstrdup(tmp_path("err"));
    pid_t pid;
    int st;

    write_file(i, in);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        static struct seen seen;
        struct chain c;
        struct err err = ERR_INIT;
        int status;

        seen.echo = echo;
        dup2(open(i, O_RDONLY), 0);
        dup2(open(o, O_CREAT | O_TRUNC | O_WRONLY, 0600), 1);
        dup2(open(e, O_CREAT | O_TRUNC | O_WRONLY, 0600), 2);
        cli_init(&sample_tool);
        chain_init(&c, forward);
        status = chain_read(&c, NULL, see, &seen, &err) ? 0 : cli_fail(&err);
        if (c.bad_lines > 0)
            status = status_worse(status, STATUS_DATA);
        if (!out_close(&err))
            status = status_worse(status, cli_fail(&err));
        chain_release(&c);
        _exit(status);
    }
    ck_assert_int_eq(waitpid(pid, &st, 0), pid);
    *out = read_file(o);
    *errors = read_file(e);
    free(i);
    free(o);
    free(e);
    ck_assert(WIFEXITED(st));
    return WEXITSTATUS(st);
}

static void expect(struct slice in, bool echo, const char *out_text, size_t out_len,
                   const char *errors_text, int status)
{
    struct buf out, errors;

    ck_assert_int_eq(filter(in, echo, true, &out, &errors), status);
    ck_assert_str_eq(buf_str(&errors), errors_text);
    ck_assert_uint_eq(out.len, out_len);
    ck_assert_int_eq(memcmp(buf_str(&out), out_text, out_len), 0);
    buf_release(&out);
    buf_release(&errors);
}

START_TEST(every_line_is_forwarded_byte_for_byte)
{
    static const char in[] = "{\"record\":\"a\",\"v\":1}\n"
                             "\n"
                             "  \t\r\n"
                             "{\"record\":\"b\"}\r\n"
                             "[1, 2.50,  3]\n"
                             "{\"eventType\":\"START\"}\n"
                             "{\"record\":\"c\",\"v\":2}\n"
                             "{\"no\":\"record\"}\n"
                             "null";

    expect(SLICE_LIT(in), false, in, sizeof(in) - 1, "", 0);
}
END_TEST

START_TEST(own_lines_come_behind_the_line_that_caused_them)
{
    static const char in[] = "{\"record\":\"a\"}\n{\"x\":1}\n{\"record\":\"n\",\"v\":2}\n"
                             "{\"eventType\":\"START\"}\n{\"record\":\"b\"}";
    static const char want[] =
        "{\"record\":\"a\"}\nown a:1\n{\"x\":1}\n{\"record\":\"n\",\"v\":2}\n"
        "{\"eventType\":\"START\"}\nown event:4\n{\"record\":\"b\"}";
    struct buf out, errors;

    /* The last line has no newline: the own line must not be glued to it. */
    ck_assert_int_eq(filter(SLICE_LIT(in), true, true, &out, &errors), 0);
    ck_assert_str_eq(buf_str(&errors), "");
    ck_assert_uint_eq(out.len, sizeof(want) - 1 + strlen("\nown b:5\n"));
    ck_assert_int_eq(memcmp(buf_str(&out), want, sizeof(want) - 1), 0);
    ck_assert_str_eq(buf_str(&out) + sizeof(want) - 1, "\nown b:5\n");
    buf_release(&out);
    buf_release(&errors);
}
END_TEST

START_TEST(what_is_not_json_is_forwarded_reported_with_its_number_and_counted)
{
    static const char in[] = "{\"record\":\"a\"}\n{\"record\":\n\0{}\nnan\n{\"a\":\"\xff\"}\n";
    struct buf out, errors;

    ck_assert_int_eq(filter(SLICE_LIT(in), false, true, &out, &errors), STATUS_DATA);
    ck_assert_uint_eq(out.len, sizeof(in) - 1);
    ck_assert_int_eq(memcmp(out.p, in, sizeof(in) - 1), 0);
    for (const char *s = buf_str(&errors); *s != '\0'; s = strchr(s, '\n') + 1)
        ck_assert_int_eq(strncmp(s, "etl-sample: stdin:", 18), 0);
    ck_assert_ptr_null(strstr(buf_str(&errors), "stdin:1:"));
    ck_assert_ptr_nonnull(strstr(buf_str(&errors), "stdin:2: not JSON: column "));
    ck_assert_ptr_nonnull(strstr(buf_str(&errors), "stdin:3: not JSON: column "));
    ck_assert_ptr_nonnull(strstr(buf_str(&errors), "stdin:4: not JSON: column "));
    ck_assert_ptr_nonnull(strstr(buf_str(&errors), "stdin:5: not JSON: column "));
    buf_release(&out);
    buf_release(&errors);
}
END_TEST

START_TEST(many_bad_lines_are_reported_ten_times_and_then_counted)
{
    struct buf in = BUF_INIT(1 << 20), out, errors;
    size_t lines = 0;

    for (int i = 0; i < 1000; i++)
        buf_adds(&in, "bad\n");
    ck_assert_int_eq(filter(buf_slice(&in), false, true, &out, &errors), STATUS_DATA);
    ck_assert_uint_eq(out.len, in.len);
    for (const char *s = buf_str(&errors); (s = strchr(s, '\n')) != NULL; s++)
        lines++;
    ck_assert_uint_eq(lines, 11);
    ck_assert_ptr_nonnull(strstr(buf_str(&errors), "etl-sample: stdin: 990 more such lines\n"));
    buf_release(&in);
    buf_release(&out);
    buf_release(&errors);
}
END_TEST

START_TEST(a_line_over_16_mib_is_streamed_through_and_counted)
{
    struct buf in = BUF_INIT(64u << 20), out, errors;
    char *room;

    buf_adds(&in, "{\"record\":\"a\",\"s\":\"");
    room = buf_room(&in, 20u << 20);
    memset(room, 'x', 20u << 20);
    in.len += 20u << 20;
    buf_adds(&in, "\"}\n{\"record\":\"b\"}\n{\"long\":\"");
    room = buf_room(&in, 17u << 20);
    memset(room, 'y', 17u << 20);
    in.len += 17u << 20;
    ck_assert_int_eq(filter(buf_slice(&in), false, true, &out, &errors), STATUS_DATA);
    ck_assert_uint_eq(out.len, in.len);
    ck_assert_int_eq(memcmp(out.p, in.p, in.len), 0);
    ck_assert_str_eq(buf_str(&errors),
                     "etl-sample: stdin:1: line over 16 MiB (forwarded, not read)\n"
                     "etl-sample: stdin:3: line over 16 MiB (forwarded, not read)\n");
    buf_release(&in);
    buf_release(&out);
    buf_release(&errors);
}
END_TEST

START_TEST(a_line_of_exactly_16_mib_is_read)
{
    struct buf in = BUF_INIT(64u << 20), out, errors;
    size_t fill = JSON_LINE_MAX - strlen("{\"record\":\"a\",\"s\":\"\"}");
    char *room;

    buf_adds(&in, "{\"record\":\"a\",\"s\":\"");
    room = buf_room(&in, fill);
    memset(room, 'x', fill);
    in.len += fill;
    buf_adds(&in, "\"}\n");
    ck_assert_int_eq(filter(buf_slice(&in), true, true, &out, &errors), 0);
    ck_assert_str_eq(buf_str(&errors), "");
    ck_assert_str_eq(buf_str(&out) + in.len, "own a:1\n");
    buf_release(&in);
    buf_release(&out);
    buf_release(&errors);
}
END_TEST

START_TEST(deep_nesting_is_a_bad_line_not_a_crash)
{
    struct buf in = BUF_INIT(1 << 20), out, errors;

    for (int i = 0; i < 10000; i++)
        buf_addc(&in, '[');
    for (int i = 0; i < 10000; i++)
        buf_addc(&in, ']');
    buf_addc(&in, '\n');
    ck_assert_int_eq(filter(buf_slice(&in), false, true, &out, &errors), STATUS_DATA);
    ck_assert_uint_eq(out.len, in.len);
    buf_release(&in);
    buf_release(&out);
    buf_release(&errors);
}
END_TEST

START_TEST(nothing_is_forwarded_when_that_is_off)
{
    struct buf out, errors;

    ck_assert_int_eq(filter(SLICE_LIT("{\"record\":\"a\"}\nx"), false, false, &out, &errors), 3);
    ck_assert_uint_eq(out.len, 0);
    buf_release(&out);
    buf_release(&errors);
}
END_TEST

START_TEST(kept_records_outlive_those_that_are_not_kept)
{
    static struct seen seen;
    struct buf in = BUF_INIT(16u << 20);
    struct chain c;
    struct err err = ERR_INIT;
    size_t peak;

    /* Long and short, kept and not, in all orders. */
    for (int i = 0; i < 4000; i++)
        buf_addf(&in, "{\"record\":\"r\",\"n\":%d,\"keep\":%s,\"pad\":\"%*s\"}\n", i,
                 i % 7 == 0 ? "true" : "false", i % 11 == 0 ? 9000 : i % 50, "");
    write_file(tmp_path("kept"), buf_slice(&in));
    chain_init(&c, false);
    ck_assert(chain_read(&c, tmp_path("kept"), see, &seen, &err));
    ck_assert_uint_eq(c.lines, 4000);
    ck_assert_uint_eq(c.bad_lines, 0);
    ck_assert_uint_eq(seen.n, 4000);
    ck_assert_uint_eq(seen.nkept, 572);
    for (size_t i = 0; i < seen.nkept; i++) {
        char want[32];
        int n = snprintf(want, sizeof(want), "{\"record\":\"r\",\"n\":%zu,", i * 7);

        ck_assert_int_eq(json_int(seen.kept[i], "n", -1), (int64_t)i * 7);
        ck_assert_int_eq(strncmp(seen.lines[i].p, want, (size_t)n), 0);
    }
    peak = c.page.used + c.big.used;
    for (size_t i = 0; i < c.npages; i++)
        peak += c.pages[i].used;
    /* What was not kept is not held: its bytes are five times those of what was. */
    ck_assert_uint_lt(peak, in.len);
    chain_release(&c);
    buf_release(&in);
}
END_TEST

START_TEST(what_cannot_be_opened_is_an_error_of_the_environment)
{
    struct chain c;
    struct err err = ERR_INIT;

    chain_init(&c, false);
    ck_assert(!chain_read(&c, "/nonexistent/x", NULL, NULL, &err));
    ck_assert_int_eq(err.kind, ERR_ENV);
    ck_assert_str_eq(err.text, "cannot open '/nonexistent/x': No such file or directory");
    err_clear(&err);
    ck_assert(!chain_read(&c, "/tmp", NULL, NULL, &err));
    ck_assert_str_eq(err.text, "cannot read '/tmp': Is a directory");
    chain_release(&c);
}
END_TEST

START_TEST(names_of_files_cannot_forge_messages)
{
    char *in = xstrdup(tmp_path("a\nb")), *errors_path = xstrdup(tmp_path("err"));
    struct buf errors;
    int st;
    pid_t pid;

    write_file(in, SLICE_LIT("x\n"));
    pid = fork();
    if (pid == 0) {
        struct chain c;
        struct err err = ERR_INIT;

        dup2(open(errors_path, O_CREAT | O_TRUNC | O_WRONLY, 0600), 2);
        cli_init(&sample_tool);
        chain_init(&c, false);
        _exit(chain_read(&c, in, NULL, NULL, &err) ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(pid, &st, 0), pid);
    errors = read_file(errors_path);
    ck_assert_ptr_nonnull(strstr(buf_str(&errors), "/a\\x0ab:1: not JSON: column 1: "));
    buf_release(&errors);
    free(in);
    free(errors_path);
}
END_TEST

/* A child that writes n lines to a stdout that the caller has prepared: its status as wait's, its
 * stderr in *errors. fd 1 is `path` opened with `flags`, or closed when path is NULL. */
static int writer(const char *path, int flags, int lines, struct buf *errors)
{
    char *e = xstrdup(tmp_path("err"));
    pid_t pid = fork();
    int st;

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        struct err err = ERR_INIT;
        int status = 0;

        dup2(open(e, O_CREAT | O_TRUNC | O_WRONLY, 0600), 2);
        close(1);
        if (path != NULL && open(path, flags) != 1)
            _exit(99);
        cli_init(&sample_tool);
        for (int i = 0; i < lines; i++)
            out_line(SLICE_LIT("{\"record\":\"x\",\"v\":1}"));
        if (!out_close(&err))
            status = cli_fail(&err);
        _exit(status);
    }
    ck_assert_int_eq(waitpid(pid, &st, 0), pid);
    *errors = read_file(e);
    free(e);
    return st;
}

START_TEST(a_full_disk_shows_at_the_latest_at_close)
{
    struct buf errors;
    static const int lines[] = {1, 100000};

    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        int st = writer("/dev/full", O_WRONLY, lines[i], &errors);

        ck_assert(WIFEXITED(st) && WEXITSTATUS(st) == STATUS_ENV);
        ck_assert_str_eq(buf_str(&errors),
                         "etl-sample: cannot write to stdout: No space left on device\n");
        buf_release(&errors);
    }
}
END_TEST

START_TEST(a_closed_stdout_is_an_error_when_something_is_to_be_written)
{
    struct buf errors;
    int st = writer(NULL, 0, 1, &errors);

    ck_assert(WIFEXITED(st) && WEXITSTATUS(st) == STATUS_ENV);
    ck_assert_str_eq(buf_str(&errors), "etl-sample: cannot write to stdout: Bad file descriptor\n");
    buf_release(&errors);
    st = writer(NULL, 0, 0, &errors);
    ck_assert(WIFEXITED(st) && WEXITSTATUS(st) == 0);
    buf_release(&errors);
}
END_TEST

START_TEST(a_reader_that_leaves_ends_the_process_quietly)
{
    int fds[2], st;
    pid_t pid;

    ck_assert_int_eq(pipe(fds), 0);
    close(fds[0]);
    pid = fork();
    if (pid == 0) {
        /* As a parent that ignores it would hand it down. */
        signal(SIGPIPE, SIG_IGN);
        dup2(fds[1], 1);
        cli_init(&sample_tool);
        out_line(SLICE_LIT("x"));
        out_flush(NULL);
        _exit(99);
    }
    close(fds[1]);
    ck_assert_int_eq(waitpid(pid, &st, 0), pid);
    ck_assert(WIFSIGNALED(st) && WTERMSIG(st) == SIGPIPE);
}
END_TEST

START_TEST(a_line_is_on_stdout_before_the_next_is_waited_for)
{
    static const char first[] = "{\"record\":\"a\"}\n";
    char got[64];
    int in[2], out[2], st;
    pid_t pid;

    ck_assert(pipe(in) == 0 && pipe(out) == 0);
    pid = fork();
    if (pid == 0) {
        struct chain c;
        struct err err = ERR_INIT;

        dup2(in[0], 0);
        dup2(out[1], 1);
        close(in[1]);
        cli_init(&sample_tool);
        chain_init(&c, true);
        _exit(chain_read(&c, NULL, NULL, NULL, &err) && out_close(&err) ? 0 : 1);
    }
    close(out[1]);
    ck_assert_int_eq(write(in[1], first, sizeof(first) - 1), (ssize_t)sizeof(first) - 1);
    /* stdin stays open: without a flush this would wait for ever. */
    ck_assert_int_eq(read(out[0], got, sizeof(got)), (ssize_t)sizeof(first) - 1);
    close(in[0]);
    close(in[1]);
    ck_assert_int_eq(waitpid(pid, &st, 0), pid);
    ck_assert(WIFEXITED(st) && WEXITSTATUS(st) == 0);
    close(out[0]);
}
END_TEST

UNIT_MAIN("cli_chain", every_line_is_forwarded_byte_for_byte,
          own_lines_come_behind_the_line_that_caused_them,
          what_is_not_json_is_forwarded_reported_with_its_number_and_counted,
          many_bad_lines_are_reported_ten_times_and_then_counted,
          a_line_over_16_mib_is_streamed_through_and_counted, a_line_of_exactly_16_mib_is_read,
          deep_nesting_is_a_bad_line_not_a_crash, nothing_is_forwarded_when_that_is_off,
          kept_records_outlive_those_that_are_not_kept,
          what_cannot_be_opened_is_an_error_of_the_environment,
          names_of_files_cannot_forge_messages, a_full_disk_shows_at_the_latest_at_close,
          a_closed_stdout_is_an_error_when_something_is_to_be_written,
          a_reader_that_leaves_ends_the_process_quietly,
          a_line_is_on_stdout_before_the_next_is_waited_for)
