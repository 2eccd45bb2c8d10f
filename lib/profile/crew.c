/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Threads over columns. See crew.h.
 *
 * The columns of a profile are dealt into lanes, at most 64, so that a set of lanes is a word. A
 * job is a batch for a profile. A lane of a job may be begun when nobody works on that lane of the
 * profile and no earlier job of the profile has it still to do: that keeps each column's batches in
 * order, and nothing else has an order. A thread begins at a place of its own among the lanes, so
 * that columns tend to stay in the cache of one processor, and takes what is left otherwise.
 */
#include "profile/crew.h"

#include <pthread.h>
#include <signal.h>

#include "os/os.h"
#include "profile/state.h"

/* Columns times rows before threads start, about half a megabyte of CSV: a millisecond of work,
 * against 50 microseconds for a thread. */
#define START_CELLS 65536
/* A thread takes lanes for at least this many cells, so that the lock costs nothing. */
#define TASK_CELLS 2048
#define JOBS_MAX 64
/* Memory of the batches under way. */
#define WEIGHT_MAX ((size_t)3 << 20)
#define THREADS_MAX 64

struct job {
    struct profile *p;
    struct batch *b;
    uint64_t todo;    /* lanes that nobody has begun */
    unsigned running; /* threads at work on it */
    size_t weight;
};

struct member {
    struct crew *crew;
    int index;
    pthread_t thread;
    struct column_scratch scratch;
};

struct crew {
    int wanted, n;  /* threads, the caller's included; n once they have started */
    bool started;   /* or not to be */
    uint64_t cells; /* gathered by the caller alone */
    struct member *members[THREADS_MAX];
    pthread_mutex_t lock;      /* of all that follows */
    pthread_cond_t work, idle; /* for the others; for the caller */
    bool stop, waiting;        /* `waiting`: the caller is */
    int resting;               /* others that wait for work */
    uint64_t scan;
    struct job jobs[JOBS_MAX]; /* a ring */
    unsigned first, njobs;
    size_t weight;
};

/* -- lanes -- */

static void lanes_init(struct profile *p)
{
    uint32_t n = p->schema.n;
    struct lanes *l = &p->lanes;
    l->columns = (n + 63) / 64;
    l->n = l->columns > 0 ? (n + l->columns - 1) / l->columns : 0;
}

static uint64_t all_lanes(const struct profile *p)
{
    return p->lanes.n >= 64 ? UINT64_MAX : (UINT64_C(1) << p->lanes.n) - 1;
}

/* Of `can`, the lanes that thread `self` takes now. */
static uint64_t choose(const struct crew *c, const struct job *j, uint64_t can, int self)
{
    unsigned from = (unsigned)self * j->p->lanes.n / (unsigned)c->n;
    uint64_t cells = 0, mine = 0;
    while (can != 0 && cells < TASK_CELLS) {
        uint64_t ahead = can & (UINT64_MAX << from);
        from = (unsigned)__builtin_ctzll(ahead != 0 ? ahead : can);
        mine |= UINT64_C(1) << from;
        can &= ~(UINT64_C(1) << from);
        cells += (uint64_t)j->b->rows * j->p->lanes.columns;
    }
    return mine;
}

/* -- work -- */

static void gather(const struct job *j, uint64_t lanes, struct column_scratch *w)
{
    uint32_t per = j->p->lanes.columns;
    for (; lanes != 0; lanes &= lanes - 1) {
        uint32_t lane = (uint32_t)__builtin_ctzll(lanes);
        profile_gather(j->p, j->b, lane * per, (lane + 1) * per, w);
    }
}

/* One task, under the lock, which is let go meanwhile; false when there is none. */
static bool work_once(struct crew *c, struct member *m)
{
    struct job *j = NULL;
    uint64_t can = 0;
    c->scan++;
    for (unsigned i = 0; i < c->njobs && can == 0; i++) {
        j = &c->jobs[(c->first + i) % JOBS_MAX];
        struct lanes *l = &j->p->lanes;
        if (l->scan != c->scan) {
            l->scan = c->scan;
            l->behind = 0;
        }
        can = j->todo & ~l->busy & ~l->behind;
        l->behind |= j->todo;
    }
    if (can == 0)
        return false;
    uint64_t mine = choose(c, j, can, m->index);
    j->todo &= ~mine;
    j->p->lanes.busy |= mine;
    j->running++;
    pthread_mutex_unlock(&c->lock);
    gather(j, mine, &m->scratch);
    pthread_mutex_lock(&c->lock);
    j->p->lanes.busy &= ~mine;
    j->running--;
    if (j->todo == 0 && j->running == 0)
        j->p->lanes.jobs--;
    if (c->waiting)
        pthread_cond_signal(&c->idle);
    if (c->resting > 0 && c->njobs > 1)
        pthread_cond_signal(&c->work);
    return true;
}

static void *member_main(void *arg)
{
    struct member *m = arg;
    struct crew *c = m->crew;
    pthread_mutex_lock(&c->lock);
    while (!c->stop)
        if (!work_once(c, m)) {
            c->resting++;
            pthread_cond_wait(&c->work, &c->lock);
            c->resting--;
        }
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

/* Jobs that are done, oldest first: their batches go. Under the lock, which is let go meanwhile. */
static void reap(struct crew *c)
{
    while (c->njobs > 0) {
        struct job *j = &c->jobs[c->first];
        if (j->todo != 0 || j->running > 0)
            return;
        struct batch *b = j->b;
        c->weight -= j->weight;
        c->first = (c->first + 1) % JOBS_MAX;
        c->njobs--;
        pthread_mutex_unlock(&c->lock);
        batch_unref(b);
        pthread_mutex_lock(&c->lock);
    }
}

/* The caller does a task, or waits until somebody has done one. */
static void help(struct crew *c)
{
    if (work_once(c, c->members[0]))
        return;
    c->waiting = true;
    pthread_cond_wait(&c->idle, &c->lock);
    c->waiting = false;
}

/* -- from outside -- */

static struct member *member_new(struct crew *c, int index)
{
    struct member *m = c->members[index] = xcalloc(1, sizeof(*m));
    m->crew = c;
    m->index = index;
    return m;
}

struct crew *crew_new(int threads)
{
    struct crew *c = xcalloc(1, sizeof(*c));
    c->wanted = threads < THREADS_MAX ? threads : THREADS_MAX;
    c->n = 1;
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->work, NULL);
    pthread_cond_init(&c->idle, NULL);
    member_new(c, 0);
    return c;
}

void crew_free(struct crew *c)
{
    if (c == NULL)
        return;
    pthread_mutex_lock(&c->lock);
    reap(c);
    c->stop = true;
    pthread_cond_broadcast(&c->work);
    pthread_mutex_unlock(&c->lock);
    for (int i = 0; i < c->n; i++) {
        if (i > 0)
            pthread_join(c->members[i]->thread, NULL);
        free(c->members[i]);
    }
    pthread_mutex_destroy(&c->lock);
    pthread_cond_destroy(&c->work);
    pthread_cond_destroy(&c->idle);
    free(c);
}

/* A thread that cannot be had is done without. Signals are for the caller. */
static void start(struct crew *c)
{
    sigset_t all, old;
    int wanted = c->wanted > 0 ? c->wanted : machine_cores();
    c->started = true;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    pthread_mutex_lock(&c->lock);
    while (c->n < wanted && c->n < THREADS_MAX) {
        struct member *m = member_new(c, c->n);
        if (pthread_create(&m->thread, NULL, member_main, m) != 0) {
            free(m);
            break;
        }
        c->n++;
    }
    pthread_mutex_unlock(&c->lock);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static const struct batch *root_of(const struct batch *b)
{
    return b->nheld > 0 ? b->held[0] : b;
}

/* What a batch keeps in memory beside what the job before it keeps: the batch that it was filtered
 * from, and blocks. */
static size_t weight_of(const struct crew *c, const struct batch *b)
{
    const struct batch *root = root_of(b), *last = NULL;
    const struct block *block = NULL;
    size_t bytes = b->mem.used;
    if (c->njobs > 0)
        last = root_of(c->jobs[(c->first + c->njobs - 1) % JOBS_MAX].b);
    if (last == root)
        return bytes;
    if (root != b)
        bytes += root->mem.used;
    if (last != NULL && last->nblocks > 0)
        block = last->blocks[last->nblocks - 1];
    for (size_t i = 0; i < root->nblocks; i++)
        if (root->blocks[i] != block)
            bytes += root->blocks[i]->cap;
    return bytes;
}

void crew_add(struct crew *c, struct profile *p, struct batch *b)
{
    if (!c->started && c->wanted != 1 && c->cells >= START_CELLS)
        start(c);
    if (c->n == 1 || p->schema.n == 0) {
        profile_gather(p, b, 0, p->schema.n, &c->members[0]->scratch);
        c->cells += (uint64_t)b->rows * p->schema.n;
        batch_unref(b);
        return;
    }
    if (p->lanes.n == 0)
        lanes_init(p);
    pthread_mutex_lock(&c->lock);
    size_t weight = weight_of(c, b);
    for (;;) {
        reap(c);
        if (c->njobs == 0 || (c->njobs < JOBS_MAX && c->weight + weight <= WEIGHT_MAX))
            break;
        help(c);
    }
    c->jobs[(c->first + c->njobs) % JOBS_MAX] = (struct job){p, b, all_lanes(p), 0, weight};
    c->njobs++;
    c->weight += weight;
    p->lanes.jobs++;
    if (c->resting > 0)
        pthread_cond_broadcast(&c->work);
    pthread_mutex_unlock(&c->lock);
}

void crew_settle(struct crew *c, const struct profile *p)
{
    pthread_mutex_lock(&c->lock);
    while (p->lanes.jobs > 0)
        help(c);
    reap(c);
    pthread_mutex_unlock(&c->lock);
}
