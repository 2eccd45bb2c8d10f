/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Scratch files: without a name from the start where the file system can do that (O_TMPFILE), else
 * unlinked right after they were made. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/os.h"

const char *scratch_dir(void)
{
    const char *dir = getenv("FORELINE_TMPDIR");
    if (!dir || !*dir)
        dir = getenv("TMPDIR");
    return dir && *dir ? dir : "/tmp";
}

int scratch_open(struct err *err)
{
    const char *dir = scratch_dir();
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
    if (fd >= 0)
        return fd;
    char *path = xasprintf("%s/foreline-scratch-XXXXXX", dir);
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    free(path);
    struct quoted q;
    if (fd < 0)
        err_set(err, ERR_ENV,
                "cannot make a scratch file in '%s': %s: name another folder with TMPDIR",
                quote_str(&q, dir), strerror(errno));
    return fd;
}

static bool failed(struct err *err, const char *what, bool full)
{
    struct quoted q;
    return err_set(err, ERR_ENV, "cannot %s the scratch file in '%s': %s%s", what,
                   quote_str(&q, scratch_dir()), strerror(errno),
                   full ? ": free some, or name another folder with TMPDIR" : "");
}

bool scratch_write(int fd, const void *p, size_t n, uint64_t at, struct err *err)
{
    const char *from = p;
    while (n > 0) {
        ssize_t w = pwrite(fd, from, n, (off_t)at);
        if (w < 0 && errno == EINTR)
            continue;
        if (w < 0)
            return failed(err, "write to", errno == ENOSPC || errno == EFBIG || errno == EDQUOT);
        from += w;
        at += (uint64_t)w;
        n -= (size_t)w;
    }
    return true;
}

bool scratch_read(int fd, void *p, size_t n, uint64_t at, struct err *err)
{
    char *to = p;
    while (n > 0) {
        ssize_t r = pread(fd, to, n, (off_t)at);
        if (r < 0 && errno == EINTR)
            continue;
        if (r == 0)
            errno = EIO; /* it was longer when it was written */
        if (r <= 0)
            return failed(err, "read", false);
        to += r;
        at += (uint64_t)r;
        n -= (size_t)r;
    }
    return true;
}

void scratch_discard(int fd, uint64_t at, uint64_t n)
{
    /* What cannot punch holes keeps the bytes until the file ends: nothing to tell. */
    int kept = errno;
    (void)!fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)at, (off_t)n);
    errno = kept;
}
