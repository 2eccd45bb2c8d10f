/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Processes that a command started and that have left its session, its group and their parents, as
 * daemons do. This process asks to inherit such orphans (prctl(2), PR_SET_CHILD_SUBREAPER), and a
 * mark in the environment says which command they are of; after the command's end they are killed.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/intern.h"

#define NAME "FORELINE_COMMAND_ID="
#define ENVIRON_MAX 262144
#define ROUNDS 100 /* children of what was killed are inherited in turn; a fork bomb has an end */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char base[64];
static pid_t owner;
static unsigned serial;

const char *stray_mark(void)
{
    pthread_mutex_lock(&lock);
    if (owner != getpid()) { /* a forked copy of us has commands of its own */
        uint32_t random = 0;
        os_entropy(&random, sizeof(random));
        snprintf(base, sizeof(base), NAME "%ld-%08x", (long)getpid(), random);
        prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
        owner = getpid();
    }
    pthread_mutex_unlock(&lock);
    return base;
}

char *stray_mark_next(void)
{
    const char *mine = stray_mark();
    pthread_mutex_lock(&lock);
    char *mark = xasprintf("%s-%u", mine, serial++);
    pthread_mutex_unlock(&lock);
    return mark;
}

static bool is_marked(pid_t pid, const char *mark, char *text)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%ld/environ", (long)pid);
    FILE *f = fopen(path, "re");
    size_t n = f ? fread(text, 1, ENVIRON_MAX - 1, f) : 0;
    if (f)
        fclose(f);
    text[n] = '\0';
    for (size_t at = 0; at < n; at += strlen(text + at) + 1) {
        if (strcmp(text + at, mark) == 0)
            return true;
    }
    return false;
}

/* One round over the children of one of our threads; true when something was killed. */
static bool round_of(const char *tid, const char *mark, const struct slots *running, char *text)
{
    char path[64], list[4096], *end;
    bool some = false;
    snprintf(path, sizeof(path), "/proc/self/task/%.20s/children", tid);
    if (!sys_read(path, list, sizeof(list)))
        return false;
    for (char *at = list;; at = end) {
        pid_t pid = (pid_t)strtol(at, &end, 10);
        if (end == at)
            break;
        if (pid <= 1 || pid == guard_pid() || slots_has(running, (uintptr_t)pid))
            continue;
        if (waitpid(pid, NULL, WNOHANG) == pid) {
            some = true; /* what it had is ours now */
            continue;
        }
        /* One without a mark may have been a child of this process before it became this program.
         */
        if (!is_marked(pid, mark, text))
            continue;
        kill(pid, SIGKILL);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
        some = true;
    }
    return some;
}

void strays_end(const char *mark, const struct slots *running)
{
    char *text = NULL;
    bool some = true;
    for (int round = 0; some && round < ROUNDS; round++) {
        DIR *d = opendir("/proc/self/task");
        some = false;
        if (d && !text)
            text = xmalloc(ENVIRON_MAX);
        for (struct dirent *e; d && (e = readdir(d)) != NULL;) {
            if (e->d_name[0] >= '1' && e->d_name[0] <= '9')
                some = round_of(e->d_name, mark, running, text) || some;
        }
        if (d)
            closedir(d);
    }
    free(text);
}
