/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A control group of its own for one command (cgroups(7), Documentation/admin-guide/cgroup-v2.rst
 * and cgroup-v1/memory.rst of Linux): a limit of memory that the kernel keeps for the whole tree of
 * processes together, and a share of processors in fractions. Who is inside stays inside, also
 * after setsid and double forks, so that all of it can be ended.
 *
 * Groups are made below the one this process is in, never elsewhere: what limits us limits them. A
 * group is named foreline-PID-N, its folder is locked (flock) while its owner lives, and what an
 * owner that was killed left behind is ended and removed by the next one that makes a group there.
 *
 * The number of processes and threads is limited as systemd does by default, to 15 % of what the
 * kernel has (DefaultTasksMax=, systemd-system.conf(5)): a fork bomb leaves room to end it.
 *
 * Joining a group makes the kernel wait for all processors once (3 to 15 ms here): for limits that
 * must hold, not for every command. */
#ifndef FORELINE_OS_CGROUP_H
#define FORELINE_OS_CGROUP_H

#include "base/base.h"

/* Where groups could be made: folders, NULL when there is no such hierarchy here. Version 2 has one
 * for all. */
struct cgroup_place {
    int version; /* 0: none that limits memory */
    char *memory, *cpu, *pids;
};
/* As the files below `root` ("" for the real one) describe it: proc/self/cgroup says which group
 * this process is in, proc/self/mountinfo where its hierarchy is seen. Version 2 when it has memory
 * among its controllers, else version 1. */
void cgroup_find_at(const char *root, struct cgroup_place *out);
void cgroup_place_release(struct cgroup_place *p);

struct cgroup_limits {
    uint64_t memory_bytes; /* 0: none */
    double cpu_cores;      /* a share of time, in cores; 0: none */
};
struct cgroup;
/* NULL when no group can be made that keeps the limit of memory; `*why` (free()) says why not. A
 * share of processors that cannot be had is done without. */
struct cgroup *cgroup_new(const struct cgroup_limits *l, char **why);
/* Ends what is left inside and removes it. */
void cgroup_free(struct cgroup *g);
/* Its folder that limits memory. */
const char *cgroup_path(const struct cgroup *g);
/* Descriptors to write "0" to by a process that joins; -1: none. */
#define CGROUP_FOLDERS 3
void cgroup_join_fds(const struct cgroup *g, int fds[CGROUP_FOLDERS]);
bool cgroup_set_memory(struct cgroup *g, uint64_t bytes);
/* SIGKILL for all that is inside, until nothing is (at most 2 s). */
void cgroup_kill(struct cgroup *g);

struct cgroup_usage {
    uint64_t memory_bytes; /* now, without files that could be read again */
    uint64_t oom_kills;    /* so many were killed for want of memory */
    double cpu_s;          /* of all that ever was inside; NAN when it is not counted */
};
void cgroup_read(const struct cgroup *g, struct cgroup_usage *out);

/* For tests: may groups with this controller of version 2 be made in a folder `dir`, or below it
 * once those inside (none but this process and its children) have moved to a group of their own?
 * The folder (free()), or NULL. */
char *cgroup_v2_parent(const char *dir, const char *controller);
/* For tests: ends and removes what dead owners left in `dir`. */
void cgroup_sweep(const char *dir);

#endif
