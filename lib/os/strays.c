/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Processes that a command started and that have left its session, its group and their parents, as
 * daemons do. This process asks to inherit such orphans (prctl(2), PR_SET_CHILD_SUBREAPER), and a
 * mark in the environment says which command they are of; after the command's end they are killed.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "os/intern.h"

#define NAME "FORELINE_COMMAND_ID="
#define ENVIRON_MAX 262144
#define LIST_MAX 262144
#define PATIENCE_S 5.0 /* for what was killed to be gone, and what it had started, in turn */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char base[64];
static pid_t owner;
static bool had_children; /* before it became their heir: not all that come are of commands */
static unsigned serial;

/* Children of one of our threads, as text; false when there are none or the kernel does not say. */
static bool read_children(const char *tid, char *out, size_t size)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/task/%.20s/children", tid);
    return sys_read(path, out, size);
}

static bool has_children(void)
{
    DIR *d = opendir("/proc/self/task");
    char list[64];
    bool some = false;
    for (struct dirent *e; d && (e = readdir(d)) != NULL;)
        some = some || (e->d_name[0] != '.' && read_children(e->d_name, list, sizeof(list)));
    if (d)
        closedir(d);
    return some;
}

const char *stray_mark(void)
{
    pthread_mutex_lock(&lock);
    if (owner != getpid()) { /* a forked copy of us has commands of its own */
        uint32_t random = 0;
        os_entropy(&random, sizeof(random));
        snprintf(base, sizeof(base), NAME "%ld-%08x", (long)getpid(), random);
        had_children = has_children();
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

/* Is it of the command with this mark? One that has emptied its environment is of the only command
 * that runs, unless this process had other children. */
static bool is_of(pid_t pid, const char *mark, bool alone, char *text)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%ld/environ", (long)pid);
    FILE *f = fopen(path, "re");
    size_t n = f ? fread(text, 1, ENVIRON_MAX - 1, f) : 0;
    if (f)
        fclose(f);
    text[n] = '\0';
    for (size_t at = 0; at < n; at += strlen(text + at) + 1) {
        if (strncmp(text + at, NAME, strlen(NAME)) == 0)
            return strcmp(text + at, mark) == 0;
    }
    return alone && !had_children;
}

/* One round over the children of one of our threads; true when something was killed. */
static bool round_of(const char *tid, const char *mark, const struct slots *running, char *text)
{
    char *list = text + ENVIRON_MAX, *end;
    bool some = false, alone = slots_are_empty(running);
    if (!read_children(tid, list, LIST_MAX))
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
        if (!is_of(pid, mark, alone, text))
            continue;
        kill(pid, SIGKILL); /* and taken leave of in the next round */
        some = true;
    }
    return some;
}

void strays_end(const char *mark, const struct slots *running)
{
    char *text = NULL;
    bool some = true;
    for (double until = clock_wall() + PATIENCE_S; some && clock_wall() < until;) {
        DIR *d = opendir("/proc/self/task");
        some = false;
        if (d && !text)
            text = xmalloc(ENVIRON_MAX + LIST_MAX);
        for (struct dirent *e; d && (e = readdir(d)) != NULL;) {
            if (e->d_name[0] >= '1' && e->d_name[0] <= '9')
                some = round_of(e->d_name, mark, running, text) || some;
        }
        if (d)
            closedir(d);
        if (some) {
            struct timespec ts = {0, 1000000};
            nanosleep(&ts, NULL);
        }
    }
    free(text);
}
