/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The guard: when this process dies, even by SIGKILL, the commands it started must die too, with
 * their children. PR_SET_PDEATHSIG cannot do that: it fires when the *thread* that forked ends, and
 * reaches neither grandchildren nor what they started. So one small shell per process reads the
 * groups from a socket and, at its end, kills what is still on the list. (A shell because it is
 * exec'ed: a mere fork would keep a copy of our memory alive.) */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/intern.h"

/* `read` and `kill` are built in, so the guard starts nothing while we live. Control groups are
 * emptied and removed; who has left the groups is found by the mark ($1) in its environment. */
static const char guard_script[] =
    "g=' ' c=\n"
    "while read -r a p; do\n"
    "  case $a in\n"
    "  +) g=\"$g$p \" ;;\n"
    "  -) case $g in *\" $p \"*) g=\"${g%% $p *} ${g#* $p }\" ;; esac ;;\n"
    "  c) c=\"$p\n$c\" ;;\n"
    "  esac\n"
    "done\n"
    "[ \"$g\" != ' ' ] || exit 0\n"
    "for p in $g; do kill -KILL -\"$p\"; done\n"
    "for f in $(command -p grep -l -e \"$1\" /proc/[0-9]*/environ); do\n"
    "  f=${f#/proc/}; kill -KILL \"${f%/environ}\"\n"
    "done\n"
    "IFS='\n'\n"
    "for d in $c; do\n"
    "  n=0\n"
    "  while [ -e \"$d\" ] && [ $n -lt 200 ]; do\n"
    "    while read -r p; do kill -KILL \"$p\"; done <\"$d/cgroup.procs\"\n"
    "    command -p rmdir \"$d\"\n"
    "    n=$((n + 1))\n"
    "  done\n"
    "done\n";

static pthread_mutex_t guard_lock = PTHREAD_MUTEX_INITIALIZER;
static int guard_socket = -1;
static pid_t guard_owner, guard_process;

NO_RETURN static void guard_child(int fd, char *mark)
{
    setsid();
    for (int sig = 1; sig < NSIG; sig++)
        signal(sig, SIG_DFL);
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    /* It must not hold anybody's pipe open, nor a folder. */
    int null = open("/dev/null", O_RDWR);
    if (null >= 0) {
        dup2(null, STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
    }
    dup2(fd, STDIN_FILENO);
#ifdef SYS_close_range
    syscall(SYS_close_range, 3U, ~0U, 0U);
#endif
    if (chdir("/") != 0)
        _exit(127);
    char sh[] = "sh", c[] = "-c", name[] = "foreline-guard", script[sizeof(guard_script)];
    memcpy(script, guard_script, sizeof(script));
    char *argv[] = {sh, c, script, name, mark, NULL};
    char *envp[] = {NULL};
    execve("/bin/sh", argv, envp);
    _exit(127);
}

int guard_fd(void)
{
    pthread_mutex_lock(&guard_lock);
    /* A forked copy of us needs a guard of its own: ours waits for us alone. */
    if (guard_socket >= 0 && guard_owner != getpid()) {
        close(guard_socket);
        guard_socket = -1;
    }
    if (guard_socket < 0) {
        int sv[2];
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) == 0) {
            sigset_t all, old;
            char *mark = xstrdup(stray_mark());
            sigfillset(&all);
            pthread_sigmask(SIG_SETMASK, &all, &old);
            pid_t pid = fork();
            if (pid == 0) {
                close(sv[0]);
                guard_child(sv[1], mark);
            }
            pthread_sigmask(SIG_SETMASK, &old, NULL);
            close(sv[1]);
            free(mark);
            if (pid > 0) {
                guard_socket = sv[0];
                guard_owner = getpid();
                guard_process = pid;
            } else {
                close(sv[0]);
            }
        }
    }
    int fd = guard_socket;
    pthread_mutex_unlock(&guard_lock);
    return fd;
}

void guard_tell(int fd, char sign, pid_t pid)
{
    char text[24];
    size_t at = sizeof(text);
    text[--at] = '\n';
    for (long n = pid; n > 0; n /= 10)
        text[--at] = (char)('0' + n % 10);
    text[--at] = ' ';
    text[--at] = sign;
    while (fd >= 0 && send(fd, text + at, sizeof(text) - at, MSG_NOSIGNAL) < 0 && errno == EINTR)
        ;
}

void guard_tell_group(int fd, const char *path)
{
    char *line = xasprintf("c %s\n", path);
    size_t n = strlen(line);
    while (fd >= 0 && send(fd, line, n, MSG_NOSIGNAL) < 0 && errno == EINTR)
        ;
    free(line);
}

pid_t guard_pid(void)
{
    pthread_mutex_lock(&guard_lock);
    pid_t pid = guard_owner == getpid() ? guard_process : 0;
    pthread_mutex_unlock(&guard_lock);
    return pid;
}
