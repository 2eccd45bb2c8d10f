/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Command: a shell command as source, filter, sink, or a step of its own.
 *
 * One loop moves bytes on all its pipes at once, so that no side can wait for the other for ever.
 * What it prints as rows goes to a scratch file first and becomes batches when it has
 * ended well: a command that fails half-way has handed on nothing, and one that only makes rows can
 * be tried again. Its stderr (and the stdout of one whose rows nobody reads) goes to the log.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/num.h"
#include "engine/allocation.h"
#include "engine/logtail.h"
#include "engine/op_read.h"
#include "engine/reject.h"
#include "engine/retry.h"
#include "table/writer.h"

#define FEED_BYTES (256u << 10) /* rows that may wait to be written before we insist */
#define READ_BYTES 65536u
#define TICK_S 0.1  /* how often signals and the clock are looked at */
#define GRACE_S 2.0 /* between TERM and KILL */
#define MORE_SHARE                                                                 \
    8 /* beyond what it holds, it is to have an eighth: else it asks at once again \
       */

struct command {
    struct proc proc;
    bool running, in_closed, ended; /* ended: seen so while rows were fed */
    int spool;                      /* unlinked file of its rows, or -1 */
    struct buf in;
    size_t in_done;
    struct writer_opts opts;
    struct logtail log;
    struct text_list secrets; /* that it was given, not to be logged */
    struct op_intake rows;
    bool rows_open;
    double sampled;
};

static bool is_rerunnable(const struct oper *op)
{
    return op->nports == 0;
}

static bool makes_rows(const struct oper *op)
{
    return op->stage->u.command.is_source || op->stage->u.command.is_filter;
}

/* -- the scratch file -- */

static bool spool_reset(struct command *c, struct err *err)
{
    if (c->spool < 0)
        return (c->spool = scratch_open(err)) >= 0;
    if (ftruncate(c->spool, 0) == 0 && lseek(c->spool, 0, SEEK_SET) == 0)
        return true;
    return err_errno(err, ERR_ENV, "cannot empty the scratch file");
}

/* -- starting -- */

/* It is beyond its soft limit: the next one, if there is one. */
static uint64_t ask_more(void *ctx, uint64_t now_bytes)
{
    struct oper *op = ctx;
    atomic_store(&op->given->held_bytes, now_bytes);
    return allocation_hold(op->given, now_bytes + now_bytes / MORE_SHARE) ? op->given->limit_bytes
                                                                          : 0;
}

/* What it is given: hard limits are those of the pipeline file. */
static void limit(struct oper *op, struct proc_opts *o)
{
    const struct stage *s = op->stage;
    o->cpu_cores = s->cpu_cores > 0 ? s->cpu_cores : 0;
    o->memory_hard = s->memory_gb > 0;
    o->memory_limit = op->given ? atomic_load(&op->given->limit_bytes) : op->limit_bytes;
    if (op->given && !o->memory_hard) {
        o->memory_more = ask_more;
        o->ctx = op;
    }
}

static bool start(struct oper *op, struct err *err)
{
    struct command *c = op->state;
    const struct stage *s = op->stage;
    struct arena tmp;
    arena_init(&tmp, NULL);
    const char **env = ARENA_ARRAY(&tmp, const char *, s->env.n + 1);
    const char *run = NULL;
    bool ok = pipeline_secret(&tmp, s->u.command.run, &run, err);
    for (uint32_t i = 0; ok && i < s->env.n; i++)
        ok = pipeline_secret(&tmp, s->env.items[i], &env[i], err);
    if (ok && makes_rows(op))
        ok = spool_reset(c, err);
    if (ok) {
        struct proc_opts o = {
            .command = run,
            .dir = op->e->p->base,
            .env = env,
            .pipe_in = s->u.command.is_filter || s->u.command.is_sink,
            .pipe_out = true,
            .pipe_err = true,
        };
        struct err why = ERR_INIT;
        limit(op, &o);
        ok = proc_start(&c->proc, &o, &why);
        if (ok && op->given)
            op->given->enforced = proc_limited_by(&c->proc);
        /* Its own message may hold the command line, secrets filled in. */
        if (!ok && strstr(s->u.command.run, "${env:"))
            err_set(err, why.kind, "cannot start the command");
        else if (!ok)
            *err = why;
    }
    arena_release(&tmp);
    if (!ok)
        return false;
    c->running = true;
    c->ended = false;
    c->in_closed = c->proc.in < 0;
    if (!c->in_closed)
        fcntl(c->proc.in, F_SETFL, O_NONBLOCK);
    fcntl(c->proc.out, F_SETFL, O_NONBLOCK);
    fcntl(c->proc.err_fd, F_SETFL, O_NONBLOCK);
    return true;
}

static void account(struct oper *op)
{
    struct command *c = op->state;
    if (op->given)
        atomic_store(&op->given->held_bytes, 0);
    op->extra_cpu_s += c->proc.usage.cpu_s;
    if (c->proc.usage.peak_bytes > op->extra_peak)
        op->extra_peak = c->proc.usage.peak_bytes;
    op->read_bytes += c->proc.usage.read_bytes;
    op->write_bytes += c->proc.usage.write_bytes;
}

static void end_now(struct oper *op)
{
    struct command *c = op->state;
    if (!c->running)
        return;
    proc_end(&c->proc, GRACE_S);
    c->running = false;
    account(op);
}

/* -- moving bytes -- */

static void shut(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* write(2) without the signal that a closed pipe sends. */
static ssize_t write_quietly(int fd, const void *p, size_t n)
{
    sigset_t pipe_only, old;
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_only, &old);
    ssize_t got = write(fd, p, n);
    int why = errno;
    if (got < 0 && why == EPIPE && !sigismember(&old, SIGPIPE)) {
        struct timespec none = {0, 0};
        while (sigtimedwait(&pipe_only, NULL, &none) < 0 && errno == EINTR)
            ;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    errno = why;
    return got;
}

/* A command may stop reading early (head): what it did not want is dropped. */
static void feed_some(struct command *c)
{
    while (c->proc.in >= 0 && c->in_done < c->in.len) {
        ssize_t n = write_quietly(c->proc.in, c->in.p + c->in_done, c->in.len - c->in_done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0) {
            shut(&c->proc.in);
            c->in_closed = true;
            break;
        }
        c->in_done += (size_t)n;
    }
    buf_clear(&c->in);
    c->in_done = 0;
}

static bool take_rows(struct oper *op, const char *p, size_t n, struct err *err)
{
    struct command *c = op->state;
    if (makes_rows(op))
        return fd_write_all(c->spool, p, n, "the scratch file for its rows", err);
    logtail_add(&c->log, slice_of(p, n));
    return true;
}

/* Reads what is there; closes at its end. */
static bool drain_fd(struct oper *op, int *fd, bool rows, struct err *err)
{
    struct command *c = op->state;
    char block[READ_BYTES];
    while (*fd >= 0) {
        ssize_t n = read(*fd, block, sizeof(block));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return true;
        if (n <= 0) {
            shut(fd);
            return true;
        }
        if (!rows)
            logtail_add(&c->log, slice_of(block, (size_t)n));
        else if (!take_rows(op, block, (size_t)n, err))
            return false;
        if ((size_t)n < sizeof(block))
            return true;
    }
    return true;
}

static bool in_time(struct oper *op, struct err *err)
{
    struct command *c = op->state;
    double limit = op->stage->timeout_s;
    if (engine_stopped(op->e, err))
        return false;
    if (limit > 0 && clock_wall() - c->proc.started > limit)
        return err_set(err, ERR_STAGE, "timed out after %g s (timeout_s)", limit);
    return true;
}

/* One turn: waits at most a tick for any pipe, moves what can be moved. */
static bool turn(struct oper *op, struct err *err)
{
    struct command *c = op->state;
    double tick = fmin(proc_watch_every(&c->proc), TICK_S);
    struct pollfd fds[3] = {{c->in.len > c->in_done ? c->proc.in : -1, POLLOUT, 0},
                            {c->proc.out, POLLIN, 0},
                            {c->proc.err_fd, POLLIN, 0}};
    int n = poll(fds, 3, (int)(tick * 1000));
    if (n < 0 && errno != EINTR)
        return err_errno(err, ERR_ENV, "cannot wait for the command");
    if (fds[0].revents)
        feed_some(c);
    if ((fds[1].revents && !drain_fd(op, &c->proc.out, true, err)) ||
        (fds[2].revents && !drain_fd(op, &c->proc.err_fd, false, err)))
        return false;
    proc_watch(&c->proc);
    double now = clock_wall();
    logtail_tick(&c->log);
    if (now - c->sampled >= TICK_S) {
        c->sampled = now;
        proc_sample(&c->proc);
        if (op->given)
            atomic_store(&op->given->held_bytes, c->proc.usage.now_bytes);
        c->ended = proc_wait(&c->proc, 0, NULL);
    }
    return in_time(op, err);
}

/* Until less than `left` bytes of rows wait. */
static bool feed_until(struct oper *op, size_t left, struct err *err)
{
    struct command *c = op->state;
    while (c->proc.in >= 0 && c->in.len - c->in_done > left && !c->ended) {
        if (!turn(op, err))
            return false;
    }
    if (c->ended) { /* whoever has its stdin now will not read it */
        shut(&c->proc.in);
        c->in_closed = true;
    }
    if (c->in_closed) {
        buf_clear(&c->in);
        c->in_done = 0;
    }
    return true;
}

static const char *size_text(char out[NUM_TEXT_MAX], uint64_t bytes)
{
    num_format_size(out, (double)bytes);
    return out;
}

/* What it held, what it might, and what to do. */
static bool out_of_memory(const struct oper *op, struct err *err)
{
    const struct command *c = op->state;
    char held[NUM_TEXT_MAX], limit[NUM_TEXT_MAX];
    size_text(held, c->proc.usage.peak_bytes);
    size_text(limit, c->proc.limit_bytes);
    if (op->stage->memory_gb > 0)
        return err_set(err, ERR_STAGE,
                       "out of memory: it held %s, its limit is %s (resources.memory_gb): raise "
                       "that, or let it need less",
                       held, limit);
    if (c->proc.limit_bytes && c->proc.usage.peak_bytes > c->proc.limit_bytes)
        return err_set(err, ERR_STAGE,
                       "out of memory: it held %s, %s were set aside for it, and this machine has "
                       "no more to give",
                       held, limit);
    return err_set(err, ERR_STAGE,
                   "out of memory: the system, which ran out of it, killed the command while it "
                   "held %s",
                   held);
}

static bool judge(const struct oper *op, int status, struct err *err)
{
    const struct command *c = op->state;
    if (c->proc.usage.out_of_memory)
        return out_of_memory(op, err);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        return err_set(err, ERR_STAGE, "ended with status 127 (command not found)");
    if (WIFEXITED(status))
        return err_set(err, ERR_STAGE, "ended with status %d", WEXITSTATUS(status));
    return err_set(err, ERR_STAGE, "killed by signal %d (%s)", WTERMSIG(status),
                   strsignal(WTERMSIG(status)));
}

/* Closes its stdin and waits for its end; takes all it prints until then. */
static bool wait_end(struct oper *op, struct err *err)
{
    struct command *c = op->state;
    int status = 0;
    if (!feed_until(op, 0, err))
        return false;
    shut(&c->proc.in);
    for (;;) {
        bool open = c->proc.out >= 0 || c->proc.err_fd >= 0;
        if (proc_wait(&c->proc, open ? 0 : TICK_S, &status))
            break;
        if (open ? !turn(op, err) : !in_time(op, err))
            return false;
    }
    c->running = false;
    account(op);
    /* Whoever left the group still holding a pipe is not waited for. */
    bool ok = drain_fd(op, &c->proc.out, true, err) && drain_fd(op, &c->proc.err_fd, false, err);
    shut(&c->proc.out);
    shut(&c->proc.err_fd);
    if (!ok || !judge(op, status, err))
        return false;
    engine_tell(op, STEP_ENDED);
    return true;
}

/* -- attempts -- */

/* After it ran out of memory: is there a next allocation, larger than what it had and held? Then
 * another attempt has a reason, and does not count as one of `retries`. Without one, none would
 * help. */
static bool has_more(struct oper *op, struct err *why)
{
    const struct command *c = op->state;
    uint64_t held = c->proc.usage.peak_bytes;
    if (held < c->proc.limit_bytes)
        held = c->proc.limit_bytes;
    if (!op->given || !allocation_hold(op->given, held + held / MORE_SHARE))
        return false;
    char had[NUM_TEXT_MAX], *next = allocation_text(op->given);
    err_set(why, ERR_STAGE, "out of memory: it held %s; it now gets %s",
            size_text(had, c->proc.usage.peak_bytes), next);
    free(next);
    return true;
}

static bool run_with_retries(struct oper *op, struct err *err)
{
    const struct command *c = op->state;
    struct retry retry = RETRY_INIT;
    for (int64_t left = op->stage->retries;; left--) {
        struct err why = ERR_INIT;
        if (start(op, &why) && wait_end(op, &why))
            return true;
        end_now(op);
        bool hungry = c->proc.usage.out_of_memory && c->proc.limit_bytes &&
                      c->proc.usage.peak_bytes >= c->proc.limit_bytes;
        bool more = hungry && has_more(op, &why);
        left += more;
        if (hungry ? !more : left <= 0) {
            *err = why;
            return false;
        }
        if (!retry_wait(&retry, op, &why, err))
            return false;
    }
}

static bool open_rows(struct oper *op, struct err *err)
{
    struct command *c = op->state;
    if (lseek(c->spool, 0, SEEK_SET) != 0)
        return err_errno(err, ERR_ENV, "cannot read the scratch file");
    struct reader_opts o = {.format = c->opts.format};
    c->rows_open = true;
    return op_intake_open_fd(&c->rows, op, c->spool, &o, err);
}

/* -- the operator -- */

static bool command_open(struct oper *op, struct err *err)
{
    struct command *c = ARENA_NEW(&op->mem, struct command);
    op->state = c;
    c->proc = PROC_INIT;
    c->spool = -1;
    c->in = BUF_INIT(BUF_UNBOUNDED);
    logtail_init(&c->log, op->e->o, op->stage->id);
    pipeline_secret_values(&op->mem, op->stage->u.command.run, &c->secrets);
    for (uint32_t i = 0; i < op->stage->env.n; i++)
        pipeline_secret_values(&op->mem, op->stage->env.items[i], &c->secrets);
    logtail_hide(&c->log, &c->secrets);
    enum format f = op->stage->u.command.format;
    c->opts.format = f == FORMAT_AUTO ? FORMAT_CSV : f;
    if (!engine_publish_before(op->e, op->index, err))
        return false;
    engine_tell(op, STEP_STARTS);
    if (is_rerunnable(op))
        return run_with_retries(op, err) && (!makes_rows(op) || open_rows(op, err));
    if (!start(op, err))
        return false;
    writer_header(&c->in, op_input_schema(op, 0), &c->opts);
    return true;
}

static bool command_push(struct oper *op, struct lane *lane, uint32_t input, struct batch *b,
                         struct err *err)
{
    (void)lane, (void)input;
    struct command *c = op->state;
    if (c->in_closed)
        return true;
    writer_batch(&c->in, op_input_schema(op, 0), b, &c->opts);
    return feed_until(op, FEED_BYTES, err);
}

static bool command_step(struct oper *op, struct lane *lane, bool *more, struct err *err)
{
    struct command *c = op->state;
    *more = false;
    return !c->rows_open || op_intake_step(&c->rows, lane, more, err);
}

static bool command_finish(struct oper *op, struct lane *lane, uint32_t input, struct err *err)
{
    (void)input;
    struct command *c = op->state;
    if (is_rerunnable(op))
        return true;
    if (!wait_end(op, err))
        return false;
    if (!makes_rows(op))
        return true;
    bool more = open_rows(op, err);
    if (!more)
        return false;
    while (more) {
        if (engine_stopped(op->e, err) || !op_intake_step(&c->rows, lane, &more, err) ||
            !rejects_check(op->e->rejects, 0, err))
            return false;
    }
    return true;
}

static void command_close(struct oper *op)
{
    struct command *c = op->state;
    if (!c)
        return;
    end_now(op);
    logtail_end(&c->log);
    op_intake_close(&c->rows);
    shut(&c->spool);
    buf_release(&c->in);
}

const char *command_last_words(const struct oper *op)
{
    const struct command *c = op->state;
    return c ? logtail_last(&c->log) : "";
}

const struct op_class op_command_class = {.open = command_open,
                                          .push = command_push,
                                          .step = command_step,
                                          .finish = command_finish,
                                          .close = command_close};
