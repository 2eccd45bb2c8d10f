/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What only the operating system knows: files that appear whole, locks, processes and what they
 * used, the machine. Linux extras stay in this folder.
 */
#ifndef FORELINE_OS_H
#define FORELINE_OS_H

#include "base/base.h"
#include "base/buf.h"

/* -- files -- */
/* Reads all of a file, up to max bytes. ERR_ENV when it cannot, also for a directory. */
bool file_read_all(const char *path, size_t max, struct buf *out, struct err *err);
/* write(2) until done; false with errno in err ("cannot write to 'x': …"). */
bool fd_write_all(int fd, const void *p, size_t n, const char *name, struct err *err);
/* Absolute, with . and .. and doubled slashes removed, links kept; need not exist. free(). */
char *path_absolute(const char *path, const char *base);
char *path_dirname(const char *path);
bool path_exists(const char *path);
bool dir_make_all(const char *path, struct err *err);

/* A file that appears under its name only when it is complete: written as a hidden sibling
 * (".NAME.XXXXXX.tmp" in the same folder), fsync'ed, renamed, folder fsync'ed. A symbolic link is
 * followed; mode of an existing file is kept. /dev/null, /dev/stdout, fifos and other non-regular
 * targets are written directly. */
struct atomic_file {
    int fd;
    char *path, *tmp; /* tmp NULL when written directly */
    uint64_t bytes;
};
bool atomic_open(struct atomic_file *f, const char *path, struct err *err);
bool atomic_write(struct atomic_file *f, const void *p, size_t n, struct err *err);
/* Syncs and closes, but does not yet show: several outputs can be made ready first. */
bool atomic_ready(struct atomic_file *f, struct err *err);
bool atomic_commit(struct atomic_file *f, struct err *err); /* ready if need be, then rename */
void atomic_abort(struct atomic_file *f);                   /* leaves no trace; safe at any time */
/* Removes leftovers in `dir` of our own naming whose owner is gone (after kill -9). */
void atomic_sweep(const char *dir);
/* From a signal handler: unlinks every temporary file that is open. async-signal-safe. */
void atomic_unlink_all(void);

/* An advisory lock on PATH (created), held until released or the process dies. */
struct file_lock {
    int fd;
};
/* false with ERR_AGAIN when another holds it and wait is false. */
bool lock_take(struct file_lock *l, const char *path, bool wait, struct err *err);
void lock_release(struct file_lock *l);

/* -- clocks -- (seconds; for durations only, records use base/instant.h) */
double clock_wall(void);   /* monotonic */
double clock_thread(void); /* CPU of this thread */
double clock_process(void);

/* -- this machine -- */
struct machine {
    int cores;           /* usable: affinity and cgroup quota */
    double memory_bytes; /* usable: the smaller of RAM and the cgroup's limit */
    double available_bytes;
    double load1; /* one-minute load average */
    char cpu[96]; /* model name */
    char host[256];
};
void machine_read(struct machine *m);
/* Peak resident set of this process, bytes. */
uint64_t process_peak_bytes(void);
bool os_entropy(void *p, size_t n);

/* -- processes -- */
struct proc_usage {
    double cpu_s, wall_s;
    uint64_t peak_bytes; /* largest sum over the tree that was seen */
    uint64_t read_bytes, write_bytes;
};
struct proc {
    int pid;
    int in, out, err_fd; /* our ends of its pipes, or -1 */
    double started;
    struct proc_usage usage;
};
struct proc_opts {
    const char *command; /* for /bin/sh -c */
    const char *dir;
    const char *const *env;           /* further NAME=VALUE, NULL-terminated, or NULL */
    bool pipe_in, pipe_out, pipe_err; /* else: /dev/null, inherited stderr for out, inherited */
    uint64_t memory_limit;            /* bytes, 0 none: address space limit of each process */
};
/* Starts in its own process group. */
bool proc_start(struct proc *p, const struct proc_opts *o, struct err *err);
/* Samples the tree's memory and I/O (call now and then). */
void proc_sample(struct proc *p);
/* Waits up to `timeout_s` (negative: for ever); true when it has ended: *status as waitpid's. Usage
 * is complete then. */
bool proc_wait(struct proc *p, double timeout_s, int *status);
/* TERM to the group, KILL after grace_s, then waits. */
void proc_end(struct proc *p, double grace_s);
/* From a signal handler: signal every group that was started and not waited for. */
void proc_signal_all(int sig);

#endif
