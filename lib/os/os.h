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
/* Opens a file for reading, also a fifo. -1 and ERR_ENV when it cannot, also for a directory. */
int fd_open_input(const char *path, struct err *err);
/* write(2) until done; false with errno in err ("cannot write to 'x': …"). */
bool fd_write_all(int fd, const void *p, size_t n, const char *name, struct err *err);
/* Absolute, with . and .. and doubled slashes removed, links kept; need not exist. free(). */
char *path_absolute(const char *path, const char *base);
char *path_dirname(const char *path);
/* The absolute path with the links of its folders resolved (what is not there stays as it is), so
 * that two spellings of one file are equal. free(). */
char *path_real(const char *path);
/* Do both name one regular file, by one name or by two? Files that are not there are told by
 * path_real. */
bool path_is_same(const char *a, const char *b);
bool path_exists(const char *path);
bool dir_make_all(const char *path, struct err *err);

/* -- scratch files -- (an unlinked file that ends with its descriptor, whatever happens) */
/* The folder for them: FORELINE_TMPDIR, else TMPDIR, else /tmp. */
const char *scratch_dir(void);
/* A new one for reading and writing; commands do not inherit it. -1 and ERR_ENV, naming the
 * folder. */
int scratch_open(struct err *err);
/* pwrite(2) and pread(2) until done; an end of the file is an error. Callable from several threads
 * for different places. */
bool scratch_write(int fd, const void *p, size_t n, uint64_t at, struct err *err);
bool scratch_read(int fd, void *p, size_t n, uint64_t at, struct err *err);
/* Gives the disk under a range back, where the file system can: its content is lost either way. */
void scratch_discard(int fd, uint64_t at, uint64_t n);

/* A folder in scratch_dir() for files that others must see by name, "NAME-XXXXXX", locked while its
 * owner lives. */
struct scratch_folder {
    char *path; /* absolute; NULL: there is none */
    int fd;     /* holds the lock */
};
#define SCRATCH_FOLDER_INIT ((struct scratch_folder){NULL, -1})
/* false with ERR_ENV, naming the folder it cannot be made in. */
bool scratch_folder_make(struct scratch_folder *f, const char *name, struct err *err);
/* With all that is in it; harmless on SCRATCH_FOLDER_INIT. */
void scratch_folder_remove(struct scratch_folder *f);
/* Removes those of this name whose owner was killed. */
void scratch_folder_sweep(const char *name);

/* A file that appears under its name only when it is complete: written as a hidden sibling
 * (".NAME.foreline-XXXXXXXX.tmp" in the same folder), fsync'ed, renamed, folder fsync'ed. Until
 * then the sibling is flock'ed, which is how atomic_sweep knows whose owner is gone. A symbolic
 * link is followed; mode and (where allowed) owner of an existing file are kept; other hard links
 * of it keep the old content; one that is not writable is refused as a shell would. /dev/null,
 * fifos and other non-regular targets are written directly, /dev/stdout and /dev/fd/N through the
 * descriptor that is open. */
struct atomic_file {
    int fd;           /* -1 before open and after commit or abort */
    char *path, *tmp; /* as given; tmp NULL when written directly */
    char *target;     /* path with symbolic links followed */
    uint64_t bytes;
    bool ready;
};
#define ATOMIC_FILE_INIT ((struct atomic_file){-1, NULL, NULL, NULL, 0, false})
bool atomic_open(struct atomic_file *f, const char *path, struct err *err);
bool atomic_write(struct atomic_file *f, const void *p, size_t n, struct err *err);
/* Syncs and closes, but does not yet show: several outputs can be made ready first. */
bool atomic_ready(struct atomic_file *f, struct err *err);
/* Ready if need be, then rename. After a failure too nothing is left to do but atomic_abort. */
bool atomic_commit(struct atomic_file *f, struct err *err);
/* A sibling that was made ready and not shown, because its process died: as atomic_ready left it.
 * `tmp` as it was named then. ERR_ENV when it is gone, ERR_AGAIN when another process has it. */
bool atomic_adopt(struct atomic_file *f, const char *path, const char *tmp, struct err *err);
/* Lets go of one that is ready, which stays for atomic_adopt (or atomic_sweep). */
void atomic_leave(struct atomic_file *f);
/* Leaves no trace; harmless on a file that is ATOMIC_FILE_INIT, committed or failed to open. */
void atomic_abort(struct atomic_file *f);
/* Removes leftovers in `dir` of our own naming whose owner is gone (after kill -9). */
void atomic_sweep(const char *dir);
/* From a signal handler: unlinks every temporary file that is open. async-signal-safe. */
void atomic_unlink_all(void);

/* An advisory lock (flock) on PATH, which is created when missing and never written to or removed;
 * held until released or the process dies. Commands do not inherit it. */
struct file_lock {
    int fd;
};
#define FILE_LOCK_INIT ((struct file_lock){-1})
/* false with ERR_AGAIN, naming the holder's process, when another holds it and wait is false, or
 * when a signal ended the waiting. */
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
/* The cores alone, read quickly. */
int machine_cores(void);
/* Is "ADDRESS", "ADDRESS:PORT" or a path of a socket on this machine: loopback, an address of one
 * of its interfaces, its name? Names are not looked up. */
bool machine_has_address(const char *address);
/* Memory that is given back goes on to be this process's, up to 64 MiB: where one thread frees what
 * another took, glibc would else return it to the kernel and fetch it again, page by page (a run
 * over 300 MB with two threads: 46,000 page faults, then 2,000). */
void heap_keep(void);
/* Peak resident set of this process, bytes. */
uint64_t process_peak_bytes(void);
bool os_entropy(void *p, size_t n);
/* What tells this build of the running program from others: the linker's build ID, else the size
 * and time of its file; "" when neither can be had. BUILD_ID_TEXT bytes. */
#define BUILD_ID_TEXT 65
void os_build_id(char out[BUILD_ID_TEXT]);

/* -- processes -- */
/* What a program of PATH says on stdout, when it ends with status 0 within the time; its stdin and
 * stderr are /dev/null. For short questions: it is neither measured nor guarded as a pipeline's
 * commands are. `out` states how much may be said. */
bool os_ask(const char *const *argv, const char *dir, double timeout_s, struct buf *out);

struct proc_usage {
    double cpu_s,
        wall_s; /* CPU: what was waited for inside the tree, and what was seen of the rest */
    uint64_t peak_bytes; /* largest sum over the tree that was seen (PSS; RSS of a lone process) */
    uint64_t read_bytes, write_bytes; /* through read(2), write(2) and their like, cached or not */
    uint64_t now_bytes;               /* of memory, when last looked at */
    bool out_of_memory; /* it was ended for want of memory: by its limit, or (a guess: the kernel
                           killed somebody for that while it ran, and it died by SIGKILL) by the
                           machine's */
};
struct cgroup;
struct proc {
    int pid;             /* 0 when not running (any more) */
    int in, out, err_fd; /* our ends of its pipes, or -1; the caller closes them (and sets -1) */
    double started;
    struct proc_usage usage;
    int status;             /* once it has ended: as waitpid's */
    struct proc_tree *tree; /* what sampling knows */
    char *mark;             /* in its environment: finds what has left its session */
    uint64_t limit_bytes;   /* of memory, in force; 0: none */
    uint64_t (*memory_more)(void *ctx, uint64_t now_bytes);
    void *ctx;
    struct cgroup *group; /* that keeps the limits, or NULL: they are watched */
    double next_look;     /* of the watcher */
    uint64_t kills;       /* of the kernel for want of memory, before it began */
};
#define PROC_INIT ((struct proc){.in = -1, .out = -1, .err_fd = -1})
struct proc_opts {
    const char *command; /* for /bin/sh -c */
    const char *dir;
    const char *const *env;           /* further NAME=VALUE, NULL-terminated, or NULL */
    bool pipe_in, pipe_out, pipe_err; /* else: /dev/null, inherited stderr for out, inherited */
    uint64_t memory_limit;            /* bytes, of the tree together; 0: none */
    /* The kernel shall keep the limit where it can (os/cgroup.h): nothing passes it for a moment,
     * at the price of a slower start. Else, and where no control group can be made, a watcher sums
     * the tree's memory some hundred times a second and ends a tree that is beyond. There is no
     * rlimit(2) beside it: RLIMIT_AS counts what runtimes only reserve, RLIMIT_DATA what they map
     * and never touch (the shadow of AddressSanitizer, stacks of threads), and both each process
     * alone. */
    bool memory_hard;
    /* A tree that is watched holds more than its limit: gives the limit from now on, or 0 for none
     * that helps. NULL: there is none. */
    uint64_t (*memory_more)(void *ctx, uint64_t now_bytes);
    void *ctx;
    double cpu_cores; /* so many processors; 0: all. By affinity; fractions by quota where a control
                         group can be made */
};
/* Starts a command in a session and process group of its own, without a terminal, with default
 * signal handling, and with none of our descriptors but the three. Should this process die, however
 * suddenly, the group is killed: a small guard process, started with the first command, sees to it.
 * Thread-safe. */
bool proc_start(struct proc *p, const struct proc_opts *o, struct err *err);
/* Samples the tree's memory and I/O (call now and then while busy elsewhere; proc_wait does it by
 * itself): every process of the session or group, their descendants, and those seen in them before.
 * One pass over /proc. */
void proc_sample(struct proc *p);
/* Looks at the memory of a command that has a limit, and ends it when that is passed. Cheap: only
 * processes that are known and their children. proc_wait does it by itself. */
void proc_watch(struct proc *p);
/* How often that is worth while, in seconds: often when the limit is hard, less often when it may
 * grow; INFINITY without a limit, or when the kernel keeps it. */
double proc_watch_every(const struct proc *p);
/* Which means keeps its limit of memory: "cgroup", "watched", or NULL when it has none. */
const char *proc_limited_by(const struct proc *p);
/* Waits up to `timeout_s` (negative: for ever), sampling; true when it has ended: *status (may be
 * NULL) as waitpid's. What it left behind is killed then, also what has left its session, and the
 * usage is complete. Also true, with the same status, when called again. */
bool proc_wait(struct proc *p, double timeout_s, int *status);
/* TERM to the group, KILL to all of the tree after grace_s, then waits and closes the pipes that
 * are still open. Harmless on one that has ended or is PROC_INIT. */
void proc_end(struct proc *p, double grace_s);
/* From a signal handler: signal every group that was started and not waited for. */
void proc_signal_all(int sig);

#endif
