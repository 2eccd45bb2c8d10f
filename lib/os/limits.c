/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a command may use: kept by a control group, by its affinity, or by watching it. Not here:
 * the groups themselves (cgroup.c), and who belongs to a command (proctree.c). */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/cgroup.h"
#include "os/intern.h"

/* Between looks; in the first a process that fills memory takes some 20 MB. */
#define HARD_S 0.01
#define SOFT_S 0.05
#define MAPPED_S                                                                     \
    0.1 /* between looks at a tree whose size is mostly mapped files: each is a walk \
         */

/* How many processes the kernel has killed for want of memory (since Linux 4.13; else 0). */
static uint64_t kernel_kills(void)
{
    char *text = xmalloc(65536);
    const char *at = sys_read("/proc/vmstat", text, 65536) ? strstr(text, "\noom_kill ") : NULL;
    uint64_t n = at ? strtoull(at + strlen("\noom_kill "), NULL, 10) : 0;
    free(text);
    return n;
}

/* `n` processors of those we may use, other ones for each command, so that few-core commands do not
 * meet on the first core. */
static void choose_cpus(double cores, struct proc_limits *l)
{
    static atomic_uint next;
    cpu_set_t all, set;
    _Static_assert(sizeof(l->cpus) == sizeof(cpu_set_t), "one mask");
    if (sched_getaffinity(0, sizeof(all), &all) != 0)
        return; /* more than 1,024 processors */
    int have = CPU_COUNT(&all), want = (int)ceil(cores), seen = 0;
    if (want < 1 || want >= have)
        return;
    unsigned first = (unsigned)getpid() + atomic_fetch_add(&next, (unsigned)want);
    CPU_ZERO(&set);
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &all))
            continue;
        if (((unsigned)seen + (unsigned)have - first % (unsigned)have) % (unsigned)have <
            (unsigned)want)
            CPU_SET(cpu, &set);
        seen++;
    }
    memcpy(l->cpus, &set, sizeof(set));
    l->pin = true;
}

void limits_begin(struct proc *p, const struct proc_opts *o, struct proc_limits *l)
{
    *l = (struct proc_limits){.join = {-1, -1, -1}};
    p->limit_bytes = o->memory_limit;
    p->memory_more = o->memory_more;
    p->ctx = o->ctx;
    p->kills = kernel_kills();
    bool share = o->cpu_cores > 0 && o->cpu_cores < ceil(o->cpu_cores);
    if ((o->memory_limit && o->memory_hard) || share) {
        struct cgroup_limits want = {o->memory_hard ? o->memory_limit : 0,
                                     share ? o->cpu_cores : 0};
        char *why;
        p->group = cgroup_new(&want, &why);
        free(why);
    }
    if (p->group) {
        cgroup_join_fds(p->group, l->join);
        guard_tell_group(guard_fd(), cgroup_path(p->group));
    }
    if (o->cpu_cores > 0)
        choose_cpus(o->cpu_cores, l);
}

void limits_begun(struct proc_limits *l)
{
    for (int i = 0; i < CGROUP_FOLDERS; i++) {
        if (l->join[i] >= 0)
            close(l->join[i]);
        l->join[i] = -1;
    }
}

void limits_take(const struct proc_limits *l)
{
    ssize_t n;
    for (int i = 0; i < CGROUP_FOLDERS; i++) {
        if (l->join[i] >= 0)
            n = write(l->join[i], "0", 1);
    }
    if (l->pin)
        sched_setaffinity(0, sizeof(l->cpus), (const cpu_set_t *)(const void *)l->cpus);
    /* Should the machine run out, a command goes before us. Raising it is always allowed. */
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        n = write(fd, "500", 3);
        (void)n;
        close(fd);
    }
}

void limits_kill(struct proc *p)
{
    if (p->group)
        cgroup_kill(p->group);
    proc_tree_sample(p->tree, &p->usage); /* who has come since */
    kill(-p->pid, SIGKILL);
    proc_tree_signal(p->tree, SIGKILL);
}

static void end_all(struct proc *p)
{
    p->usage.out_of_memory = true;
    limits_kill(p);
}

double limits_check(struct proc *p, bool whole)
{
    double every = p->memory_more ? SOFT_S : HARD_S;
    if (!p->limit_bytes || p->usage.out_of_memory)
        return every;
    if (p->group) {
        struct cgroup_usage u;
        cgroup_read(p->group, &u);
        if (u.oom_kills) /* version 1 kills one process: what is left of the command is no use */
            end_all(p);
        p->usage.now_bytes = u.memory_bytes;
        if (u.memory_bytes > p->usage.peak_bytes)
            p->usage.peak_bytes = u.memory_bytes;
        if (u.memory_bytes)
            return every;
    }
    /* Cheap figures that are never too low first. */
    if ((whole ? p->usage.now_bytes : proc_tree_glance(p->tree)) <= p->limit_bytes)
        return every;
    proc_tree_sample(p->tree, &p->usage);
    uint64_t held = proc_tree_held(p->tree);
    if (held <= p->limit_bytes)
        return MAPPED_S;
    if (p->usage.peak_bytes < held)
        p->usage.peak_bytes = held;
    uint64_t more = p->memory_more ? p->memory_more(p->ctx, held) : 0;
    if (more > held)
        p->limit_bytes = more;
    else
        end_all(p);
    return every;
}

void limits_end(struct proc *p)
{
    bool killed = (WIFSIGNALED(p->status) && WTERMSIG(p->status) == SIGKILL) ||
                  (WIFEXITED(p->status) && WEXITSTATUS(p->status) == 128 + SIGKILL);
    if (p->group) {
        struct cgroup_usage u;
        cgroup_read(p->group, &u);
        if (u.oom_kills) {
            p->usage.out_of_memory = true;
            if (p->usage.peak_bytes < p->limit_bytes)
                p->usage.peak_bytes = p->limit_bytes;
        }
        if (u.cpu_s > 0)
            p->usage.cpu_s = u.cpu_s;
    }
    if (killed && !p->usage.out_of_memory && kernel_kills() > p->kills)
        p->usage.out_of_memory = true;
}

double proc_watch_every(const struct proc *p)
{
    return !p->limit_bytes || p->group ? INFINITY : p->memory_more ? SOFT_S : HARD_S;
}

const char *proc_limited_by(const struct proc *p)
{
    return !p->limit_bytes ? NULL : p->group ? "cgroup" : "watched";
}
