/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Following a file through rotation and truncation. See follow.h. What is there is found by looking
 * (stat); inotify only shortens the waiting, so that without it nothing but time is lost. */
#define _GNU_SOURCE
#include "os/follow.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/os.h"

#define PAUSE_MS 200
/* Files that came while one was read: as many rotations may be behind. */
#define QUEUE_MAX 64

struct follow {
    const char *path;
    char *dir;
    const volatile sig_atomic_t *stop;
    int fd; /* -1: none yet */
    off_t offset;
    int queue[QUEUE_MAX]; /* files that had the name since */
    int nqueue;
    int notify, watch; /* inotify; -1: none */
};

/* The file that has the name now, when it is not the newest that is known. */
static bool look(struct follow *f, struct err *err)
{
    struct quoted q;
    struct stat now, have;
    int newest = f->nqueue > 0 ? f->queue[f->nqueue - 1] : f->fd;
    if (f->nqueue == QUEUE_MAX || stat(f->path, &now) != 0)
        return true; /* not there at the moment */
    if (newest >= 0 && fstat(newest, &have) == 0 && have.st_dev == now.st_dev &&
        have.st_ino == now.st_ino)
        return true;
    int fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0 && errno == ENOENT)
        return true;
    if (fd >= 0 && S_ISDIR(now.st_mode)) {
        close(fd);
        fd = -1;
        errno = EISDIR;
    }
    if (fd < 0)
        return err_errno(err, ERR_ENV, "cannot open '%s'", quote_str(&q, f->path));
    f->queue[f->nqueue++] = fd;
    if (f->notify >= 0) {
        if (f->watch >= 0)
            inotify_rm_watch(f->notify, f->watch);
        f->watch = inotify_add_watch(f->notify, f->path, IN_MODIFY);
    }
    return true;
}

struct follow *follow_open(const char *path, const volatile sig_atomic_t *stop, struct err *err)
{
    struct follow *f = xcalloc(1, sizeof(*f));
    f->path = path;
    f->dir = path_dirname(path);
    f->stop = stop;
    f->fd = f->watch = -1;
    f->notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (f->notify >= 0)
        inotify_add_watch(f->notify, f->dir, IN_CREATE | IN_MOVED_TO);
    if (look(f, err))
        return f;
    follow_close(f);
    return NULL;
}

void follow_close(struct follow *f)
{
    if (f == NULL)
        return;
    if (f->fd >= 0)
        close(f->fd);
    for (int i = 0; i < f->nqueue; i++)
        close(f->queue[i]);
    if (f->notify >= 0)
        close(f->notify);
    free(f->dir);
    free(f);
}

static void next_file(struct follow *f)
{
    if (f->fd >= 0)
        close(f->fd);
    f->fd = f->queue[0];
    f->offset = 0;
    f->nqueue--;
    for (int i = 0; i < f->nqueue; i++)
        f->queue[i] = f->queue[i + 1];
}

/* Has whoever writes left the file in hand? Asked before its end is read. */
static bool is_left(const struct follow *f)
{
    struct stat st;
    return f->nqueue > 1 ||
           (f->nqueue == 1 && (*f->stop || (fstat(f->queue[0], &st) == 0 && st.st_size > 0)));
}

static bool is_shorter(struct follow *f)
{
    struct stat st;
    if (fstat(f->fd, &st) != 0 || st.st_size >= f->offset || !S_ISREG(st.st_mode))
        return false;
    f->offset = 0;
    return lseek(f->fd, 0, SEEK_SET) == 0;
}

/* Until something happened, or for so long. */
static void rest(struct follow *f)
{
    char events[4096];
    struct pollfd p = {f->notify, POLLIN, 0};
    int n = poll(&p, f->notify >= 0, PAUSE_MS);
    while (n > 0 && read(f->notify, events, sizeof(events)) > 0)
        ;
}

enum follow_got follow_read(struct follow *f, char *to, size_t cap, size_t *got, struct err *err)
{
    struct quoted q;
    double since = clock_wall();
    *got = 0;
    for (;;) {
        bool stop = *f->stop != 0;
        if (!look(f, err))
            return FOLLOW_ERROR;
        bool left = is_left(f);
        ssize_t n = f->fd < 0 ? 0 : read(f->fd, to, cap);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            err_errno(err, ERR_ENV, "cannot read '%s'", quote_str(&q, f->path));
            return FOLLOW_ERROR;
        }
        if (n > 0) {
            f->offset += n;
            *got = (size_t)n;
            return FOLLOW_BYTES;
        }
        if (f->fd < 0 && f->nqueue > 0) {
            next_file(f);
            continue;
        }
        if (left) {
            next_file(f);
            return FOLLOW_NEXT;
        }
        if (f->fd >= 0 && is_shorter(f))
            return FOLLOW_TRUNCATED;
        if (stop)
            return FOLLOW_END;
        if (clock_wall() - since >= PAUSE_MS / 1000.0)
            return FOLLOW_PAUSE;
        rest(f);
    }
}
