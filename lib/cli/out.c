/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stdout: buffered, with a memory for the first error. One thread writes. Not for files (os/).
 */
#include "cli/chain.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "cli/out_internal.h"

/* 64 KiB is the capacity of a pipe on Linux (pipe(7)): more would only wait longer. */
#define OUT_SIZE (64u << 10)

static struct {
    char bytes[OUT_SIZE];
    size_t len;
    int error;         /* errno of the first write that failed */
    bool newline_owed; /* the last forwarded line had none */
} out;

static void write_through(const char *p, size_t n)
{
    while (n > 0 && out.error == 0) {
        ssize_t done = write(STDOUT_FILENO, p, n);

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0 && errno == EPIPE) {
            /* Only when SIGPIPE is blocked: end as if it were not. */
            signal(SIGPIPE, SIG_DFL);
            raise(SIGPIPE);
            _exit(128 + SIGPIPE);
        }
        if (done < 0) {
            out.error = errno;
            return;
        }
        p += done;
        n -= (size_t)done;
    }
}

static void flush(void)
{
    write_through(out.bytes, out.len);
    out.len = 0;
}

static bool out_result(struct err *err)
{
    if (out.error == 0)
        return true;
    errno = out.error;
    return err_errno(err, ERR_ENV, "cannot write to stdout");
}

void out_owe_newline(void)
{
    out.newline_owed = true;
}

void out_write(const void *p, size_t n)
{
    if (n == 0)
        return;
    if (out.newline_owed) {
        out.newline_owed = false;
        out_write("\n", 1);
    }
    if (n > OUT_SIZE - out.len)
        flush();
    if (n >= OUT_SIZE) {
        write_through(p, n);
        return;
    }
    memcpy(out.bytes + out.len, p, n);
    out.len += n;
}

void out_buf(const struct buf *b)
{
    out_write(b->p, b->len);
}

void out_line(struct slice line)
{
    out_write(line.p, line.len);
    out_write("\n", 1);
}

bool out_flush(struct err *err)
{
    flush();
    return out_result(err);
}

bool out_close(struct err *err)
{
    flush();
    /* Network file systems tell of a full disk no earlier than here. The descriptor stays taken,
     * so that nothing opened later becomes "stdout". */
    if (out.error == 0) {
        int copy = dup(STDOUT_FILENO);

        if (copy < 0 || close(copy) != 0)
            out.error = errno;
    }
    return out_result(err);
}
