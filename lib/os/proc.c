/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands: /bin/sh -c in a session of its own, its pipes, its end and what it used. Not here: who
 * belongs to the tree (proctree.c), and dying with us (guard.c). */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/cgroup.h"
#include "os/intern.h"

/* Between looks at the tree we wait this long at first, growing to the longest; but a look reads
 * all of /proc, so on a machine with many processes it is taken seldom enough to cost 2 % of a
 * core. */
#define LOOK_FIRST_S 0.004
#define LOOK_LAST_S 0.1
#define LOOK_SHARE 0.02
/* Of a pipe: the most that everybody may ask for (pipe(7)). Both sides change turns less often. */
#define PIPE_BYTES (1 << 20)

extern char **environ;

/* Groups that run, for proc_signal_all. */
static struct slots running;
/* Held while a child is made and put on that list: who looks for strays must not take it for one.
 */
static pthread_mutex_t spawn_lock = PTHREAD_MUTEX_INITIALIZER;

/* What a child that could not become the command tells its parent. */
enum child_step { STEP_DIR, STEP_FD, STEP_EXEC };
struct child_failure {
    int step, err;
};
struct child_fds {
    int in, out, err, tell, guard; /* -1 for in and out: /dev/null, stderr; for err: as it is */
};

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* A pipe whose ends are none of 0, 1, 2, so that the child's dup2 cannot step on them. */
static bool make_pipe(int ends[2])
{
    if (pipe2(ends, O_CLOEXEC) != 0) {
        ends[0] = ends[1] = -1;
        return false;
    }
    for (int i = 0; i < 2; i++) {
        if (ends[i] > STDERR_FILENO)
            continue;
        int up = fcntl(ends[i], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        close(ends[i]);
        ends[i] = up;
    }
    if (ends[0] >= 0 && ends[1] >= 0) {
        fcntl(ends[0], F_SETPIPE_SZ, PIPE_BYTES); /* a smaller one works as well */
        return true;
    }
    close_fd(&ends[0]);
    close_fd(&ends[1]);
    return false;
}

/* environ with `more` over it, and the mark; the strings stay theirs. */
static char **make_env(const char *const *more, char *mark)
{
    size_t n = 0, extra = 0, out = 0;
    while (environ && environ[n])
        n++;
    while (more && more[extra])
        extra++;
    char **env = xreallocarray(NULL, n + extra + 2, sizeof(*env));
    for (size_t i = 0; i < n; i++) {
        size_t name = strcspn(environ[i], "=") + 1;
        bool over = strncmp(environ[i], mark, name) == 0;
        for (size_t j = 0; j < extra && !over; j++)
            over = strncmp(environ[i], more[j], name) == 0;
        if (!over)
            env[out++] = environ[i];
    }
    /* execve's type lacks a const: it writes to none of them. */
    for (size_t j = 0; j < extra; j++)
        memcpy(&env[out++], &more[j], sizeof(*env));
    env[out++] = mark;
    env[out] = NULL;
    return env;
}

NO_RETURN static void child_fail(int tell, enum child_step step)
{
    struct child_failure f = {(int)step, errno};
    while (write(tell, &f, sizeof(f)) < 0 && errno == EINTR)
        ;
    _exit(127);
}

/* Between fork and exec: async-signal-safe calls only, since other threads may hold any lock. */
NO_RETURN static void child_run(const struct proc_opts *o, const struct proc_limits *l,
                                const struct child_fds *fds, char *const argv[], char *const env[])
{
    setsid();
    guard_tell(fds->guard, '+', getpid());
    /* One that cannot join its group is watched: limits_check notices that nobody is there. */
    limits_take(l);
    for (int sig = 1; sig < NSIG; sig++)
        signal(sig, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    int in = fds->in;
    if (in < 0)
        in = open("/dev/null", O_RDONLY);
    if (in < 0 || (in != STDIN_FILENO && dup2(in, STDIN_FILENO) < 0))
        child_fail(fds->tell, STEP_FD);
    if (fds->err >= 0 && dup2(fds->err, STDERR_FILENO) < 0)
        child_fail(fds->tell, STEP_FD);
    /* Without a pipe its output goes where its messages go; a closed stderr leaves /dev/null. */
    int out = fds->out >= 0 ? fds->out : STDERR_FILENO;
    if (dup2(out, STDOUT_FILENO) < 0) {
        int null = open("/dev/null", O_WRONLY);
        if (null < 0 || dup2(null, STDOUT_FILENO) < 0)
            child_fail(fds->tell, STEP_FD);
    }
    if (o->dir && chdir(o->dir) != 0)
        child_fail(fds->tell, STEP_DIR);
    execve("/bin/sh", argv, env);
    child_fail(fds->tell, STEP_EXEC);
}

static bool report_failure(const struct proc_opts *o, const struct child_failure *f,
                           struct err *err)
{
    struct quoted q;
    errno = f->err;
    switch ((enum child_step)f->step) {
    case STEP_DIR:
        return err_errno(err, ERR_ENV, "cannot enter folder '%s'", quote_str(&q, o->dir));
    case STEP_FD:
    case STEP_EXEC:
        break;
    }
    return err_errno(err, ERR_ENV, "cannot start /bin/sh for '%s'", quote_str(&q, o->command));
}

static pid_t spawn(struct proc *p, const struct proc_opts *o, const struct proc_limits *l,
                   const struct child_fds *fds)
{
    char sh[] = "sh", c[] = "-c", *command = xstrdup(o->command);
    char *argv[] = {sh, c, command, NULL};
    p->mark = stray_mark_next();
    char **env = make_env(o->env, p->mark);
    sigset_t all, old;
    sigfillset(&all);
    /* No handler of ours may run in the child before it has let go of them. */
    pthread_sigmask(SIG_SETMASK, &all, &old);
    pthread_mutex_lock(&spawn_lock);
    pid_t pid = fork();
    if (pid == 0)
        child_run(o, l, fds, argv, env);
    int why = errno;
    if (pid > 0)
        slots_add(&running, (uintptr_t)pid);
    pthread_mutex_unlock(&spawn_lock);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    free(env);
    free(command);
    errno = why;
    return pid;
}

/* It runs no longer. */
static void forget(pid_t pid)
{
    guard_tell(guard_fd(), '-', pid);
    slots_remove(&running, (uintptr_t)pid);
}

/* What it had of us. */
static void let_go(struct proc *p)
{
    cgroup_free(p->group);
    p->group = NULL;
    free(p->mark);
    p->mark = NULL;
    proc_tree_free(p->tree);
    p->tree = NULL;
    p->pid = 0;
}

bool proc_start(struct proc *p, const struct proc_opts *o, struct err *err)
{
    struct quoted q;
    int in[2] = {-1, -1}, out[2] = {-1, -1}, errs[2] = {-1, -1}, tell[2] = {-1, -1};
    *p = PROC_INIT;
    bool ok = false;
    struct child_failure failure;
    ssize_t got = 0;
    if ((o->pipe_in && !make_pipe(in)) || (o->pipe_out && !make_pipe(out)) ||
        (o->pipe_err && !make_pipe(errs)) || !make_pipe(tell)) {
        err_errno(err, ERR_ENV, "cannot make a pipe for '%s'", quote_str(&q, o->command));
        goto done;
    }
    struct child_fds fds = {in[0], out[1], errs[1], tell[1], guard_fd()};
    struct proc_limits limits;
    limits_begin(p, o, &limits);
    p->started = clock_wall();
    p->pid = spawn(p, o, &limits, &fds);
    limits_begun(&limits);
    if (p->pid < 0) {
        err_errno(err, ERR_ENV, "cannot start '%s'", quote_str(&q, o->command));
        p->pid = 0;
        goto done;
    }
    close_fd(&tell[1]);
    do {
        got = read(tell[0], &failure, sizeof(failure));
    } while (got < 0 && errno == EINTR);
    if (got == (ssize_t)sizeof(failure)) {
        forget(p->pid);
        while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
            ;
        p->pid = 0;
        report_failure(o, &failure, err);
        goto done;
    }
    p->tree = proc_tree_new(p->pid);
    if (p->group && p->limit_bytes)
        proc_tree_set_grouped(p->tree);
    p->in = in[1];
    p->out = out[0];
    p->err_fd = errs[0];
    in[1] = out[0] = errs[0] = -1;
    ok = true;
done:
    if (!ok)
        let_go(p);
    for (int i = 0; i < 2; i++) {
        close_fd(&in[i]);
        close_fd(&out[i]);
        close_fd(&errs[i]);
        close_fd(&tell[i]);
    }
    return ok;
}

void proc_sample(struct proc *p)
{
    if (p->pid <= 0)
        return;
    proc_tree_sample(p->tree, &p->usage);
    limits_check(p, true);
}

void proc_watch(struct proc *p)
{
    if (p->pid > 0 && proc_watch_every(p) < INFINITY && clock_wall() >= p->next_look)
        p->next_look = limits_check(p, false) + clock_wall();
}

/* The leader has ended but is not waited for: its number, group and /proc entry still stand. */
static void finish(struct proc *p)
{
    limits_kill(p);
    forget(p->pid);
    struct rusage ru = {0};
    pid_t got;
    do {
        got = wait4(p->pid, &p->status, 0, &ru);
    } while (got < 0 && errno == EINTR);
    pthread_mutex_lock(&spawn_lock);
    strays_end(p->mark, &running);
    pthread_mutex_unlock(&spawn_lock);
    p->usage.wall_s = clock_wall() - p->started;
    p->usage.cpu_s = (double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) +
                     (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) * 1e-6 +
                     proc_tree_orphan_cpu(p->tree);
    /* A command too short to be looked at: the largest single process of the tree is known
     * afterwards. But exec hands on the size of the process that forked, ours: only what is beyond
     * our own peak is surely the command's. */
    uint64_t largest = (uint64_t)ru.ru_maxrss * 1024;
    if (largest > p->usage.peak_bytes && largest > process_peak_bytes())
        p->usage.peak_bytes = largest;
    limits_end(p);
    let_go(p);
}

static bool has_ended(pid_t pid)
{
    siginfo_t info;
    memset(&info, 0, sizeof(info));
    int r;
    do {
        r = waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT);
    } while (r < 0 && errno == EINTR);
    return r < 0 || info.si_pid == pid;
}

/* Sleeps until the process ends or the time is over, without taking its status. */
static void await_end(pid_t pid, int pidfd, double seconds)
{
    if (pidfd >= 0) {
        struct pollfd pfd = {pidfd, POLLIN, 0};
        poll(&pfd, 1, (int)(seconds * 1000) + 1);
        return;
    }
    double until = clock_wall() + seconds;
    while (!has_ended(pid) && clock_wall() < until) {
        struct timespec ts = {0, 1000000};
        nanosleep(&ts, NULL);
    }
}

/* The same, watching meanwhile. */
static void rest(struct proc *p, int pidfd, double seconds)
{
    for (double until = clock_wall() + seconds, left = seconds; left > 0;) {
        double every = proc_watch_every(p);
        bool watch = every < left;
        await_end(p->pid, pidfd, watch ? every : left);
        left = until - clock_wall();
        if (!watch || has_ended(p->pid))
            break;
        proc_watch(p);
    }
}

bool proc_wait(struct proc *p, double timeout_s, int *status)
{
    if (p->pid > 0) {
        int pidfd = -1;
#ifdef SYS_pidfd_open
        pidfd = (int)syscall(SYS_pidfd_open, p->pid, 0U);
#endif
        double began = clock_wall(), look = LOOK_FIRST_S;
        bool ended;
        while (!(ended = has_ended(p->pid))) {
            double left = timeout_s < 0 ? HUGE_VAL : timeout_s - (clock_wall() - began);
            if (left <= 0)
                break;
            double cpu = clock_thread();
            proc_sample(p);
            double pause = (clock_thread() - cpu) / LOOK_SHARE;
            if (pause < look)
                pause = look;
            rest(p, pidfd, left < pause ? left : pause);
            look = look * 1.5 < LOOK_LAST_S ? look * 1.5 : LOOK_LAST_S;
        }
        close_fd(&pidfd);
        if (!ended)
            return false;
        finish(p);
    }
    if (status)
        *status = p->status;
    return true;
}

void proc_end(struct proc *p, double grace_s)
{
    if (p->pid > 0) {
        proc_sample(p);
        kill(-p->pid, SIGTERM);
        kill(-p->pid, SIGCONT); /* a stopped one could not die */
        if (!proc_wait(p, grace_s, NULL)) {
            limits_kill(p);
            proc_wait(p, -1, NULL);
        }
    }
    close_fd(&p->in);
    close_fd(&p->out);
    close_fd(&p->err_fd);
}

void proc_signal_all(int sig)
{
    int kept = errno;
    for (struct slots *s = &running; s; s = atomic_load(&s->next)) {
        for (size_t i = 0; i < SLOTS_CHUNK; i++) {
            uintptr_t word = atomic_load(&s->slot[i]);
            if (word)
                kill(-(pid_t)word, sig);
        }
    }
    errno = kept;
}
