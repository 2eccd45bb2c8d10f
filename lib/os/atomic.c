/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files that appear whole or not at all: hidden sibling, fsync, rename, fsync of the folder. Not a
 * buffered stream: every atomic_write is a write(2). */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/intern.h"

#define MARK ".foreline-"
#define RANDOM_LEN 8
#define TAIL ".tmp"
#define LINKS_MAX 40 /* as the kernel's own limit, path_resolution(7) */

/* Every temporary file that is open, for the signal handler; and whose they are, since a child that
 * was forked must not clean up after its parent. */
static struct slots open_tmps;
static _Atomic(pid_t) open_tmps_owner;

/* Follows the links of `path` also when the last one dangles. NULL with errno. */
static char *resolve(const char *path)
{
    if (path[0] == '\0') {
        errno = ENOENT;
        return NULL;
    }
    char *at = xstrdup(path);
    for (int i = 0; i < LINKS_MAX; i++) {
        char link[PATH_MAX];
        ssize_t n = readlink(at, link, sizeof(link) - 1);
        if (n < 0)
            return at; /* not a link, or not there: open(2) will say what is wrong */
        link[n] = '\0';
        char *next;
        if (link[0] == '/') {
            next = xstrdup(link);
        } else {
            char *dir = path_dirname(at);
            next = xasprintf("%s/%s", dir, link);
            free(dir);
        }
        free(at);
        at = next;
    }
    free(at);
    errno = ELOOP;
    return NULL;
}

/* The descriptor that /dev/stdout and its like stand for; -1 for other paths. */
static int std_fd(const char *path)
{
    static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/"};
    if (strcmp(path, "/dev/stdout") == 0)
        return STDOUT_FILENO;
    if (strcmp(path, "/dev/stderr") == 0)
        return STDERR_FILENO;
    for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
        size_t n = strlen(folders[i]);
        if (strncmp(path, folders[i], n) == 0 && path[n] >= '0' && path[n] <= '9') {
            char *end;
            long fd = strtol(path + n, &end, 10);
            if (*end == '\0' && fd < INT_MAX)
                return (int)fd;
        }
    }
    return -1;
}

static bool random_name(char out[RANDOM_LEN + 1])
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
    unsigned char bytes[RANDOM_LEN];
    if (!os_entropy(bytes, sizeof(bytes)))
        return false;
    for (size_t i = 0; i < RANDOM_LEN; i++)
        out[i] = letters[bytes[i] % 32];
    out[RANDOM_LEN] = '\0';
    return true;
}

/* Creates and locks the hidden sibling of f->target. */
static bool make_tmp(struct atomic_file *f, mode_t mode)
{
    char *dir = path_dirname(f->target);
    const char *slash = strrchr(f->target, '/');
    const char *name = slash ? slash + 1 : f->target;
    size_t room = NAME_MAX - 1 - strlen(MARK) - RANDOM_LEN - strlen(TAIL);
    size_t len = strlen(name);
    for (int tries = 0; tries < 100; tries++) {
        char rnd[RANDOM_LEN + 1];
        if (!random_name(rnd))
            break;
        free(f->tmp);
        f->tmp =
            xasprintf("%s/.%.*s" MARK "%s" TAIL, dir, (int)(len < room ? len : room), name, rnd);
        f->fd = open(f->tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        if (f->fd < 0 && errno == EEXIST)
            continue;
        if (f->fd < 0)
            break;
        /* A sweeper may have found it before it was locked; then it is gone again. */
        struct stat st;
        if (flock(f->fd, LOCK_EX) == 0 && fstat(f->fd, &st) == 0 && st.st_nlink == 0) {
            close(f->fd);
            f->fd = -1;
            continue;
        }
        break;
    }
    int why = errno;
    free(dir);
    errno = why;
    if (f->fd < 0) {
        free(f->tmp);
        f->tmp = NULL;
        return false;
    }
    return true;
}

static bool open_direct(struct atomic_file *f, const char *path, int std, struct err *err)
{
    struct quoted q;
    f->fd = std >= 0 ? fcntl(std, F_DUPFD_CLOEXEC, 3) : open(path, O_WRONLY | O_CLOEXEC);
    if (f->fd < 0) {
        err_errno(err, ERR_ENV, "cannot write to '%s'", quote_str(&q, path));
        atomic_abort(f);
        return false;
    }
    return true;
}

/* The new file shall be what the old one was to everybody. Owner first: chown clears setuid. */
static void keep_identity(int fd, const struct stat *st)
{
    if (fchown(fd, st->st_uid, st->st_gid) != 0 && fchown(fd, (uid_t)-1, st->st_gid) != 0)
        errno = 0; /* only root may give files away; the content still counts */
    if (fchmod(fd, st->st_mode & 07777) != 0)
        errno = 0;
}

bool atomic_open(struct atomic_file *f, const char *path, struct err *err)
{
    struct quoted q;
    *f = ATOMIC_FILE_INIT;
    f->path = xstrdup(path);
    struct stat st;
    int std = std_fd(path);
    bool exists = stat(path, &st) == 0;
    if (std >= 0 || (exists && !S_ISREG(st.st_mode)))
        return open_direct(f, path, std, err);
    bool ok = false;
    f->target = resolve(path);
    if (f->target && exists && access(path, W_OK) != 0)
        err_errno(err, ERR_ENV, "cannot write to '%s'", quote_str(&q, path));
    else if (!f->target || !make_tmp(f, exists ? 0600 : 0666))
        err_errno(err, ERR_ENV, "cannot create '%s'", quote_str(&q, path));
    else
        ok = true;
    if (!ok) {
        atomic_abort(f);
        return false;
    }
    if (exists)
        keep_identity(f->fd, &st);
    atomic_store(&open_tmps_owner, getpid());
    slots_add(&open_tmps, (uintptr_t)f->tmp);
    return true;
}

bool atomic_write(struct atomic_file *f, const void *p, size_t n, struct err *err)
{
    if (f->fd < 0 || f->ready)
        BUG("atomic_write to a file that is not open for writing");
    if (!fd_write_all(f->fd, p, n, f->path, err))
        return false;
    f->bytes += n;
    return true;
}

/* Pipes, terminals and some file systems have nothing to sync. */
static bool sync_fd(int fd)
{
    while (fsync(fd) != 0) {
        if (errno == EINTR)
            continue;
        return errno == EINVAL || errno == ENOTSUP || errno == EROFS;
    }
    return true;
}

bool atomic_ready(struct atomic_file *f, struct err *err)
{
    struct quoted q;
    if (f->ready)
        return true;
    if (f->fd < 0)
        BUG("atomic_ready of a file that is not open");
    if (!sync_fd(f->fd))
        return err_errno(err, ERR_ENV, "cannot write to '%s'", quote_str(&q, f->path));
    /* close(2) may be the one to say that the disk is full (NFS, quotas). A duplicate keeps the
     * lock until the rename. */
    int keep = fcntl(f->fd, F_DUPFD_CLOEXEC, 3);
    int closed = close(f->fd);
    f->fd = keep;
    if (closed != 0 && errno != EINTR)
        return err_errno(err, ERR_ENV, "cannot write to '%s'", quote_str(&q, f->path));
    f->ready = true;
    return true;
}

static void forget(struct atomic_file *f)
{
    /* When the handler has taken the name, it may be reading it: leave it the memory. */
    if (f->tmp && slots_remove(&open_tmps, (uintptr_t)f->tmp))
        free(f->tmp);
    f->tmp = NULL;
    if (f->fd >= 0)
        close(f->fd);
    f->fd = -1;
    free(f->path);
    free(f->target);
    f->path = f->target = NULL;
}

bool atomic_commit(struct atomic_file *f, struct err *err)
{
    struct quoted q;
    if (!atomic_ready(f, err))
        return false;
    if (!f->tmp) {
        forget(f);
        return true;
    }
    if (rename(f->tmp, f->target) != 0)
        return err_errno(err, ERR_ENV, "cannot create '%s'", quote_str(&q, f->path));
    char *dir = path_dirname(f->target);
    int dfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = true;
    if (dfd >= 0) {
        if (!sync_fd(dfd))
            ok = err_errno(err, ERR_ENV, "cannot sync the folder of '%s'", quote_str(&q, f->path));
        close(dfd);
    }
    free(dir);
    forget(f);
    return ok;
}

bool atomic_adopt(struct atomic_file *f, const char *path, const char *tmp, struct err *err)
{
    struct quoted q;
    struct stat st;
    *f = ATOMIC_FILE_INIT;
    int fd = open(tmp, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, ERR_ENV, "cannot open '%s'", quote_str(&q, tmp));
    bool locked = flock(fd, LOCK_EX | LOCK_NB) == 0;
    char *target = locked ? resolve(path) : NULL;
    if (!target || fstat(fd, &st) != 0 || st.st_nlink == 0) {
        err_set(err, locked ? ERR_ENV : ERR_AGAIN,
                locked ? "'%s' is gone" : "another process has '%s'", quote_str(&q, tmp));
        free(target);
        close(fd);
        return false;
    }
    f->fd = fd;
    f->path = xstrdup(path);
    f->tmp = xstrdup(tmp);
    f->target = target;
    f->bytes = (uint64_t)st.st_size;
    f->ready = true;
    atomic_store(&open_tmps_owner, getpid());
    slots_add(&open_tmps, (uintptr_t)f->tmp);
    return true;
}

void atomic_leave(struct atomic_file *f)
{
    forget(f);
}

void atomic_abort(struct atomic_file *f)
{
    if (f->tmp)
        unlink(f->tmp);
    forget(f);
}

static bool is_our_name(const char *name)
{
    size_t n = strlen(name), tail = strlen(MARK) + RANDOM_LEN + strlen(TAIL);
    if (name[0] != '.' || n < tail + 2)
        return false;
    const char *at = name + n - tail;
    if (strncmp(at, MARK, strlen(MARK)) != 0 || strcmp(name + n - strlen(TAIL), TAIL) != 0)
        return false;
    return strspn(at + strlen(MARK), "abcdefghijklmnopqrstuvwxyz234567") == RANDOM_LEN;
}

void atomic_sweep(const char *dir)
{
    DIR *d = opendir(dir);
    if (!d)
        return;
    int dfd = dirfd(d);
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        if (!is_our_name(e->d_name))
            continue;
        int fd = openat(dfd, e->d_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        struct stat st, now;
        if (fd < 0)
            continue;
        /* Locked now, and still the file of that name: nobody is writing it. */
        if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && flock(fd, LOCK_EX | LOCK_NB) == 0 &&
            fstatat(dfd, e->d_name, &now, AT_SYMLINK_NOFOLLOW) == 0 && now.st_ino == st.st_ino)
            unlinkat(dfd, e->d_name, 0);
        close(fd);
    }
    closedir(d);
}

void atomic_unlink_all(void)
{
    if (atomic_load(&open_tmps_owner) != getpid())
        return;
    for (struct slots *s = &open_tmps; s; s = atomic_load(&s->next)) {
        for (size_t i = 0; i < SLOTS_CHUNK; i++) {
            /* Marked as taken, so that its owner does not free the name under our hands. */
            uintptr_t word = atomic_load(&s->slot[i]);
            if (word && !(word & 1) && atomic_compare_exchange_strong(&s->slot[i], &word, word | 1))
                unlink((const char *)word);
        }
    }
}
