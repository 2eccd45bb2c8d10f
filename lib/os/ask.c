/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What another program answers: a short question, no pipeline's command, so nothing of it is
 * measured or guarded. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/os.h"

extern char **environ;

/* Everything it says until it closes its stdout; false when that takes too long or is too much. */
static bool take_answer(int fd, double until, struct buf *out)
{
    char piece[4096];
    for (;;) {
        double left = until - clock_wall();
        struct pollfd p = {fd, POLLIN, 0};
        if (left <= 0 || (poll(&p, 1, (int)(left * 1000) + 1) < 0 && errno != EINTR))
            return false;
        if (!p.revents)
            continue;
        ssize_t n = read(fd, piece, sizeof(piece));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n == 0;
        buf_add(out, piece, (size_t)n);
        if (out->overflow)
            return false;
    }
}

static bool start(pid_t *pid, const char *const *argv, const char *dir, int to)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t none, dflt;
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attr);
    sigemptyset(&none);
    sigemptyset(&dflt);
    sigaddset(&dflt, SIGPIPE);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &dflt);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawn_file_actions_addchdir_np(&files, dir);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, to, STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    /* The strings are not changed: the type is from before const. */
    char *const *args = (char *const *)(uintptr_t)argv;
    int failed = posix_spawnp(pid, argv[0], &files, &attr, args, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attr);
    return failed == 0;
}

bool os_ask(const char *const *argv, const char *dir, double timeout_s, struct buf *out)
{
    int ends[2], status = 0;
    pid_t pid;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return false;
    bool ok = start(&pid, argv, dir, ends[1]);
    close(ends[1]);
    if (ok) {
        bool said = take_answer(ends[0], clock_wall() + timeout_s, out);
        if (!said)
            kill(pid, SIGKILL);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
        ok = said && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    close(ends[0]);
    return ok;
}
