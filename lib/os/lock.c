/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Advisory locks with flock(2): they belong to the open file, so threads exclude each other too,
 * and the kernel lets go when the process dies. Not for SQLite's files, which have their own. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "os/intern.h"

/* Who holds a flock on this file, from /proc/locks; 0 when that does not tell. */
static long lock_holder(int fd)
{
    struct stat st;
    FILE *f = fopen("/proc/locks", "re");
    long holder = 0;
    if (!f)
        return 0;
    char line[256];
    while (fstat(fd, &st) == 0 && fgets(line, sizeof(line), f)) {
        unsigned long major_no, minor_no, inode;
        long pid;
        /* "1: FLOCK  ADVISORY  WRITE 1234 08:01:5678 0 EOF"; a waiter has "->" before FLOCK. */
        const char *at = strstr(line, ": FLOCK");
        if (at &&
            sscanf(at, ": FLOCK %*s %*s %ld %lx:%lx:%lu", &pid, &major_no, &minor_no, &inode) ==
                4 &&
            inode == (unsigned long)st.st_ino && major_no == major(st.st_dev) &&
            minor_no == minor(st.st_dev) && pid > 0) {
            holder = pid;
            break;
        }
    }
    fclose(f);
    return holder;
}

bool lock_take(struct file_lock *l, const char *path, bool wait, struct err *err)
{
    struct quoted q;
    l->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (l->fd < 0 && (errno == EACCES || errno == EROFS))
        l->fd = open(path, O_RDONLY | O_CLOEXEC); /* flock needs no more */
    if (l->fd < 0)
        return err_errno(err, ERR_ENV, "cannot open the lock '%s'", quote_str(&q, path));
    if (flock(l->fd, LOCK_EX | LOCK_NB) == 0)
        return true;
    if (errno == EWOULDBLOCK && wait && flock(l->fd, LOCK_EX) == 0)
        return true;
    int why = errno;
    if (why == EWOULDBLOCK) {
        long pid = lock_holder(l->fd);
        if (pid)
            err_set(err, ERR_AGAIN, "cannot lock '%s': process %ld holds it", quote_str(&q, path),
                    pid);
        else
            err_set(err, ERR_AGAIN, "cannot lock '%s': another process holds it",
                    quote_str(&q, path));
    } else {
        errno = why;
        err_errno(err, why == EINTR ? ERR_AGAIN : ERR_ENV, "cannot lock '%s'", quote_str(&q, path));
    }
    close(l->fd);
    l->fd = -1;
    return false;
}

void lock_release(struct file_lock *l)
{
    /* Closing is not enough: a child between fork and exec has the same open file for a moment. */
    if (l->fd >= 0) {
        flock(l->fd, LOCK_UN);
        close(l->fd);
    }
    l->fd = -1;
}
