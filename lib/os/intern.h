/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of lib/os share and nobody else includes (their unit tests excepted). */
#ifndef FORELINE_OS_INTERN_H
#define FORELINE_OS_INTERN_H

#include <sys/types.h>

#include "os/cgroup.h"
#include "os/os.h"

/* A set of words that a signal handler may walk while threads add and remove: chunks that are never
 * freed. Zero is no word. */
#define SLOTS_CHUNK 32
struct slots {
    _Atomic(uintptr_t) slot[SLOTS_CHUNK];
    _Atomic(struct slots *) next;
};
void slots_add(struct slots *s, uintptr_t word);
/* False when it was not there (any more). */
bool slots_remove(struct slots *s, uintptr_t word);
bool slots_has(const struct slots *s, uintptr_t word);
bool slots_are_empty(const struct slots *s);

/* The machine as the files below `root` ("" for the real one) describe it. */
void machine_read_at(struct machine *m, const char *root);

/* A line from a small file of /proc or /sys into `out` (NUL-terminated, without the newline); false
 * when it cannot be read. `at` bytes at most. */
bool sys_read(const char *path, char *out, size_t size);

/* The guard: a process that kills registered groups when this process is gone. guard_fd() starts it
 * when need be and gives the socket that registers (-1: there is none). */
int guard_fd(void);
/* "+ PID\n" or "- PID\n" to the guard; async-signal-safe. */
void guard_tell(int fd, char sign, pid_t pid);
/* A control group that it is to empty and remove. */
void guard_tell_group(int fd, const char *path);
pid_t guard_pid(void); /* 0: there is none */

/* Commands and what they start carry a mark in their environment, which stays with those that leave
 * session, group and parents behind (as daemons do): NAME=VALUE, the same up to the last '-' for
 * all commands of this process. This process inherits such orphans (PR_SET_CHILD_SUBREAPER). */
const char *stray_mark(void); /* of this process; becomes their heir when first called */
char *stray_mark_next(void);  /* of one more command; free() */
/* Kills those that carry the mark, and takes leave of the dead. One that has emptied its
 * environment goes with the last command that runs: this process starts no children but commands
 * (and its guard). `running`: leaders, not to be touched. */
void strays_end(const char *mark, const struct slots *running);

/* What sampling knows about the processes below one command. */
struct proc_tree *proc_tree_new(pid_t leader);
void proc_tree_free(struct proc_tree *t);
/* Its memory is counted elsewhere (p->usage.now_bytes). */
void proc_tree_set_grouped(struct proc_tree *t);
void proc_tree_sample(struct proc_tree *t, struct proc_usage *u);
/* The memory of those known and their children by RSS: what it says is never too little. */
uint64_t proc_tree_glance(struct proc_tree *t);
/* What they hold that is no file's and so can be put nowhere (PSS; RSS where the kernel does not
 * tell them apart): what counts against a limit, as in a control group. Walks over all pages. */
uint64_t proc_tree_held(const struct proc_tree *t);
/* CPU of processes that the leader will never have waited for. */
double proc_tree_orphan_cpu(const struct proc_tree *t);
/* Signals every process of the tree that is known and still the same. */
void proc_tree_signal(const struct proc_tree *t, int sig);

/* Limits of a command. */
struct proc_limits {          /* what the child does about them, between fork and exec */
    int join[CGROUP_FOLDERS]; /* write "0"; -1: none */
    bool pin;
    unsigned long cpus[1024 / (8 * sizeof(unsigned long))];
};
/* Makes what `o` asks for: p->group, p->limit_bytes, and what the child has to do. */
void limits_begin(struct proc *p, const struct proc_opts *o, struct proc_limits *l);
void limits_begun(struct proc_limits *l); /* closes descriptors */
/* async-signal-safe */
void limits_take(const struct proc_limits *l);
/* Is it beyond? Then asks for more or ends it. `whole`: the tree has just been sampled. Gives the
 * seconds until the next look is worth while. */
double limits_check(struct proc *p, bool whole);
/* SIGKILL for all of it that is known; samples it, too. */
void limits_kill(struct proc *p);
/* The command has ended: what its group knows, and whether it was out of memory. */
void limits_end(struct proc *p);

#endif
