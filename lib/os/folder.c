/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Scratch folders: for what others have to see by name, and what goes when its owner goes. The lock
 * (flock) on the folder tells whose owner is there. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/os.h"

#define TRIES 100

/* Removes all in the folder behind `fd` (which it closes). What a command may have made unreadable
 * is made readable first; links are removed, not followed. */
static void empty(int fd)
{
    DIR *dir = fdopendir(fd);
    if (!dir) {
        close(fd);
        return;
    }
    for (struct dirent *e; (e = readdir(dir));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (unlinkat(dirfd(dir), e->d_name, 0) == 0 || (errno != EISDIR && errno != EPERM))
            continue;
        (void)!fchmodat(dirfd(dir), e->d_name, 0700, 0);
        int sub = openat(dirfd(dir), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (sub >= 0)
            empty(sub);
        unlinkat(dirfd(dir), e->d_name, AT_REMOVEDIR);
    }
    closedir(dir);
}

static void remove_tree(const char *path)
{
    (void)!chmod(path, 0700);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0)
        empty(fd);
    rmdir(path);
}

/* Locked, and still the folder of that name? */
static int lock_folder(const char *path)
{
    struct stat a, b;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -1;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &a) == 0 && lstat(path, &b) == 0 &&
        a.st_ino == b.st_ino && a.st_dev == b.st_dev && a.st_uid == geteuid())
        return fd;
    close(fd);
    return -1;
}

void scratch_folder_sweep(const char *name)
{
    struct slice prefix = slice_str(name);
    DIR *dir = opendir(scratch_dir());
    for (struct dirent *e; dir && (e = readdir(dir));) {
        if (strncmp(e->d_name, prefix.p, prefix.len) != 0 || e->d_name[prefix.len] != '-')
            continue;
        char *path = xasprintf("%s/%s", scratch_dir(), e->d_name);
        int fd = lock_folder(path);
        if (fd >= 0) {
            remove_tree(path);
            close(fd);
        }
        free(path);
    }
    if (dir)
        closedir(dir);
}

bool scratch_folder_make(struct scratch_folder *f, const char *name, struct err *err)
{
    char *cwd = getcwd(NULL, 0);
    char *in = path_absolute(scratch_dir(), cwd ? cwd : "/");
    free(cwd);
    *f = SCRATCH_FOLDER_INIT;
    /* Somebody's sweep may come between making and locking. */
    for (int i = 0; i < TRIES && f->fd < 0; i++) {
        free(f->path);
        f->path = xasprintf("%s/%s-XXXXXX", in, name);
        if (!mkdtemp(f->path)) {
            struct quoted q;
            err_set(err, ERR_ENV,
                    "cannot make a scratch folder in '%s': %s: name another with "
                    "TMPDIR",
                    quote_str(&q, in), strerror(errno));
            free(f->path);
            f->path = NULL;
            break;
        }
        f->fd = lock_folder(f->path);
    }
    free(in);
    return f->fd >= 0 || (f->path && err_set(err, ERR_ENV, "cannot lock '%s'", f->path));
}

void scratch_folder_remove(struct scratch_folder *f)
{
    if (f->fd >= 0) {
        remove_tree(f->path);
        close(f->fd);
    }
    free(f->path);
    *f = SCRATCH_FOLDER_INIT;
}
