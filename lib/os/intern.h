/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of lib/os share and nobody else includes (their unit tests excepted). */
#ifndef FORELINE_OS_INTERN_H
#define FORELINE_OS_INTERN_H

#include <sys/types.h>

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

/* What sampling knows about the processes below one command. */
struct proc_tree *proc_tree_new(pid_t leader);
void proc_tree_free(struct proc_tree *t);
void proc_tree_sample(struct proc_tree *t, struct proc_usage *u);
/* CPU of processes that the leader will never have waited for. */
double proc_tree_orphan_cpu(const struct proc_tree *t);
/* Signals every process of the tree that is known and still the same. */
void proc_tree_signal(const struct proc_tree *t, int sig);

#endif
