/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whole files, whole writes, and paths as text. Not here: files that appear atomically (atomic.c),
 * and streaming readers, which belong to table/. */
#define _GNU_SOURCE /* realpath */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/intern.h"

int fd_open_input(const char *path, struct err *err)
{
    struct quoted q;
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
        close(fd);
        fd = -1;
        errno = EISDIR;
    }
    if (fd < 0)
        err_errno(err, ERR_ENV, "cannot open '%s'", quote_str(&q, path));
    return fd;
}

bool file_read_all(const char *path, size_t max, struct buf *out, struct err *err)
{
    struct quoted q;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, ERR_ENV, "cannot open '%s'", quote_str(&q, path));
    struct stat st;
    size_t chunk = 65536;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
        (uint64_t)st.st_size < (uint64_t)max)
        chunk = (size_t)st.st_size + 1;
    bool ok = false;
    size_t total = 0;
    for (;;) {
        char *room = buf_room(out, chunk);
        char spill[4096];
        /* A buffer that is near its own maximum is filled through a small detour. */
        size_t want = room ? chunk : sizeof(spill);
        ssize_t n = read(fd, room ? room : spill, want);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            err_errno(err, ERR_ENV, "cannot read '%s'", quote_str(&q, path));
            break;
        }
        if (n == 0) {
            ok = true;
            break;
        }
        total += (size_t)n;
        if (room)
            out->len += (size_t)n;
        else
            buf_add(out, spill, (size_t)n);
        if (total > max || out->overflow) {
            err_set(err, ERR_DATA, "cannot read '%s': larger than %zu bytes", quote_str(&q, path),
                    max);
            break;
        }
        chunk = 65536;
    }
    if (out->p)
        out->p[out->len] = '\0';
    close(fd);
    return ok;
}

bool sys_read(const char *path, char *out, size_t size)
{
    out[0] = '\0';
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    size_t len = 0;
    for (;;) {
        ssize_t n = read(fd, out + len, size - 1 - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        len += (size_t)n;
        if (len == size - 1)
            break;
    }
    close(fd);
    while (len && out[len - 1] == '\n')
        len--;
    out[len] = '\0';
    return len > 0;
}

bool fd_write_all(int fd, const void *p, size_t n, const char *name, struct err *err)
{
    const char *at = p;
    while (n > 0) {
        ssize_t w = write(fd, at, n);
        if (w >= 0) {
            at += w;
            n -= (size_t)w;
            continue;
        }
        if (errno == EINTR)
            continue;
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            struct pollfd pfd = {fd, POLLOUT, 0};
            if (poll(&pfd, 1, -1) >= 0 || errno == EINTR)
                continue;
        }
        struct quoted q;
        return err_errno(err, ERR_ENV, "cannot write to '%s'", quote_str(&q, name));
    }
    return true;
}

char *path_absolute(const char *path, const char *base)
{
    struct buf full = BUF_INIT(BUF_UNBOUNDED);
    if (path[0] != '/') {
        if (!base || base[0] != '/') {
            char *cwd = getcwd(NULL, 0);
            buf_adds(&full, cwd ? cwd : "/");
            free(cwd);
            buf_addc(&full, '/');
        }
        if (base) {
            buf_adds(&full, base);
            buf_addc(&full, '/');
        }
    }
    buf_adds(&full, path);
    struct buf out = BUF_INIT(BUF_UNBOUNDED);
    for (const char *at = buf_str(&full); *at;) {
        size_t n = strcspn(at, "/");
        if (n == 2 && at[0] == '.' && at[1] == '.') {
            while (out.len && out.p[out.len - 1] != '/')
                out.len--;
            if (out.len)
                out.len--;
        } else if (n > 0 && !(n == 1 && at[0] == '.')) {
            buf_addc(&out, '/');
            buf_add(&out, at, n);
        }
        at += n;
        at += *at == '/';
    }
    if (out.len == 0)
        buf_addc(&out, '/');
    else
        out.p[out.len] = '\0';
    buf_release(&full);
    return buf_detach(&out);
}

char *path_dirname(const char *path)
{
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    while (n > 0 && path[n - 1] != '/')
        n--;
    while (n > 1 && path[n - 1] == '/')
        n--;
    return n ? xstrndup(path, n) : xstrdup(".");
}

char *path_real(const char *path)
{
    char *absolute = path_absolute(path, NULL), *whole = realpath(absolute, NULL);
    if (whole) {
        free(absolute);
        return whole;
    }
    char *dir = path_dirname(absolute), *real = realpath(dir, NULL);
    const char *name = strrchr(absolute, '/') + 1;
    whole = real ? xasprintf("%s/%s", strcmp(real, "/") == 0 ? "" : real, name) : xstrdup(absolute);
    free(real);
    free(dir);
    free(absolute);
    return whole;
}

bool path_is_same(const char *a, const char *b)
{
    struct stat x, y;
    if (stat(a, &x) == 0 && stat(b, &y) == 0)
        return S_ISREG(x.st_mode) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
    char *real_a = path_real(a), *real_b = path_real(b);
    bool same = strcmp(real_a, real_b) == 0;
    free(real_a);
    free(real_b);
    return same;
}

bool path_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

bool dir_make_all(const char *path, struct err *err)
{
    char *p = xstrdup(path);
    bool ok = true;
    size_t n = strlen(p);
    for (size_t i = 1; i <= n && ok; i++) {
        if (p[i] != '/' && p[i] != '\0')
            continue;
        char kept = p[i];
        p[i] = '\0';
        struct stat st;
        if (mkdir(p, 0777) != 0) {
            int why = errno;
            /* A read-only parent answers EROFS or EACCES even where the folder is there. */
            if (stat(p, &st) != 0 || !S_ISDIR(st.st_mode)) {
                struct quoted q;
                errno = why == EEXIST ? ENOTDIR : why;
                ok = err_errno(err, ERR_ENV, "cannot make folder '%s'", quote_str(&q, p));
            }
        }
        p[i] = kept;
    }
    free(p);
    return ok;
}
