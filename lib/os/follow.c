/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Following a file through rotation and truncation. See follow.h. What is there is found by looking
 * (stat); inotify(7) shortens the waiting, and tells of files that had the name and another one
 * since: nobody looks while whoever reads from us is slow. */
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

/* A file that came under our name and has not been opened yet. */
struct arrival {
    char *name;      /* what it is called now; NULL: between two names */
    uint32_t cookie; /* of that renaming */
};

struct follow {
    const char *path;
    char *dir;
    const volatile sig_atomic_t *stop;
    int fd; /* -1: none yet */
    off_t offset;
    int queue[QUEUE_MAX]; /* files that had the name since */
    int nqueue;
    int notify, watch; /* inotify; -1: none */
    bool watched;      /* `watch` is of the newest file */
    const char *base;  /* the path without its folder */
    struct arrival arrived[QUEUE_MAX];
    int narrived;
};

/* -- what inotify tells -- */

static void forget(struct follow *f, int i)
{
    free(f->arrived[i].name);
    f->narrived--;
    memmove(f->arrived + i, f->arrived + i + 1, (size_t)(f->narrived - i) * sizeof(struct arrival));
}

/* The newest arrival that is called so; -1. */
static int called(const struct follow *f, const char *name)
{
    for (int i = f->narrived; i-- > 0;)
        if (f->arrived[i].name != NULL && strcmp(f->arrived[i].name, name) == 0)
            return i;
    return -1;
}

static void take_event(struct follow *f, const struct inotify_event *e)
{
    const char *name = e->len > 0 ? e->name : "";
    int at = called(f, name);
    if (e->mask & IN_MOVED_TO) {
        if (at >= 0) /* replaced */
            forget(f, at);
        for (int i = 0; i < f->narrived; i++)
            if (f->arrived[i].name == NULL && f->arrived[i].cookie == e->cookie) {
                f->arrived[i].name = xstrdup(name);
                return;
            }
    } else if (at >= 0 && (e->mask & IN_MOVED_FROM)) {
        free(f->arrived[at].name);
        f->arrived[at] = (struct arrival){NULL, e->cookie};
    } else if (at >= 0 && (e->mask & IN_DELETE)) {
        forget(f, at);
    }
    if ((e->mask & (IN_CREATE | IN_MOVED_TO)) && strcmp(name, f->base) == 0 &&
        f->narrived < QUEUE_MAX)
        f->arrived[f->narrived++] = (struct arrival){xstrdup(name), 0};
}

static void take_events(struct follow *f)
{
    union {
        struct inotify_event event;
        char bytes[8192];
    } u;
    ssize_t n = 0;
    while (f->notify >= 0 && (n = read(f->notify, &u, sizeof(u))) > 0) {
        for (ssize_t at = 0; at < n;) { /* each is padded to the alignment of the next */
            const struct inotify_event *e = (const void *)(u.bytes + at);
            take_event(f, e);
            at += (ssize_t)(sizeof(*e) + e->len);
        }
    }
}

static bool same_file(int fd, const struct stat *st)
{
    struct stat have;
    return fd >= 0 && fstat(fd, &have) == 0 && have.st_dev == st->st_dev &&
           have.st_ino == st->st_ino;
}

/* Files that came, whatever they are called by now, in their order. */
static void open_arrivals(struct follow *f)
{
    take_events(f);
    while (f->narrived > 0 && f->nqueue < QUEUE_MAX) {
        const char *name = f->arrived[0].name;
        char *path = name ? xasprintf("%s/%s", f->dir, name) : NULL;
        int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK) : -1;
        struct stat st;
        bool have = fd >= 0 && fstat(fd, &st) == 0;
        bool known = !have || !S_ISREG(st.st_mode) || same_file(f->fd, &st);
        for (int i = 0; !known && i < f->nqueue; i++)
            known = same_file(f->queue[i], &st);
        f->watched = f->watched && known;
        if (!known)
            f->queue[f->nqueue++] = fd;
        else if (fd >= 0)
            close(fd);
        free(path);
        forget(f, 0);
    }
}

/* -- looking -- */

/* The file that has the name now; that of before is still read, without haste. */
static void watch_content(struct follow *f)
{
    int watch = f->notify < 0 ? -1 : inotify_add_watch(f->notify, f->path, IN_MODIFY);
    if (f->watch >= 0 && watch != f->watch)
        inotify_rm_watch(f->notify, f->watch);
    f->watch = watch;
    f->watched = true;
}

/* The file that has the name now, when it is not the newest that is known. */
static bool look(struct follow *f, struct err *err)
{
    struct quoted q;
    struct stat now;
    open_arrivals(f);
    int newest = f->nqueue > 0 ? f->queue[f->nqueue - 1] : f->fd;
    if (f->nqueue == QUEUE_MAX || stat(f->path, &now) != 0)
        return true; /* not there at the moment */
    if (same_file(newest, &now)) {
        if (!f->watched)
            watch_content(f);
        return true;
    }
    int fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    int why = fd < 0 ? errno : 0;
    if (fd >= 0 && S_ISDIR(now.st_mode)) {
        close(fd);
        fd = -1;
        why = EISDIR;
    }
    /* What takes the place of a file may become one that can be read: as if it were not there. */
    if (fd < 0 && (why == ENOENT || f->fd >= 0))
        return true;
    errno = why;
    if (fd < 0)
        return err_errno(err, ERR_ENV, "cannot open '%s'", quote_str(&q, f->path));
    f->queue[f->nqueue++] = fd;
    watch_content(f);
    return true;
}

struct follow *follow_open(const char *path, const volatile sig_atomic_t *stop, struct err *err)
{
    struct follow *f = xcalloc(1, sizeof(*f));
    f->path = path;
    f->dir = path_dirname(path);
    const char *slash = strrchr(path, '/');
    f->base = slash ? slash + 1 : path;
    f->stop = stop;
    f->fd = f->watch = -1;
    f->notify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (f->notify >= 0)
        inotify_add_watch(f->notify, f->dir, IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE);
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
    while (f->narrived > 0)
        forget(f, 0);
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
    struct pollfd p = {f->notify, POLLIN, 0};
    poll(&p, f->notify >= 0, PAUSE_MS);
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
