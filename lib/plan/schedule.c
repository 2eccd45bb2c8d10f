/* SPDX-License-Identifier: GPL-3.0-or-later */
/* List scheduling under cores, memory, GPUs and the one thread of the engine. */
#include "plan/schedule.h"

#include <math.h>

/* Sums of fractions of cores come out a little above what they are. */
#define SLACK (1 + 1e-9)

struct trial {
    const struct graph *g;
    const struct schedule_job *jobs;
    const uint32_t *by_rank; /* jobs, longest way to the end first */
    double *start, *end;
    uint32_t *waiting; /* inputs that have not ended, per job */
    uint32_t *running; /* jobs that run */
    uint32_t nrunning;
    bool *begun;
};

struct use {
    double cores, memory_gb, gpus;
    bool engine;
};

static bool fits(const struct use *u, const struct schedule_job *j,
                 const struct schedule_capacity *c)
{
    return !(j->engine && u->engine) && u->cores + j->cores <= c->cores * SLACK &&
           u->memory_gb + j->memory_gb <= c->memory_gb * SLACK && u->gpus + j->gpus <= c->gpus;
}

static void use_add(struct use *u, const struct schedule_job *j, double sign)
{
    u->cores += sign * j->cores;
    u->memory_gb += sign * j->memory_gb;
    u->gpus += sign * j->gpus;
    if (j->engine)
        u->engine = sign > 0;
}

/* Ends what ends at the earliest moment; gives that moment. */
static double end_next(struct trial *t, struct use *u)
{
    double at = INFINITY;
    uint32_t left = 0;
    for (uint32_t i = 0; i < t->nrunning; i++)
        at = fmin(at, t->end[t->running[i]]);
    for (uint32_t i = 0; i < t->nrunning; i++) {
        uint32_t j = t->running[i];
        if (t->end[j] > at) {
            t->running[left++] = j;
            continue;
        }
        use_add(u, &t->jobs[j], -1);
        for (uint32_t k = t->g->start[j]; k < t->g->start[j + 1]; k++)
            t->waiting[t->g->to[k]]--;
    }
    t->nrunning = left;
    if (left == 0) /* no rounding is carried along */
        *u = (struct use){0};
    return at;
}

/* Starts what may start, most urgent first, whenever something has ended. The makespan. */
static double list_schedule(struct trial *t, const struct schedule_capacity *c)
{
    uint32_t n = t->g->n, done = 0;
    double now = 0;
    struct use u = {0};
    memset(t->waiting, 0, n * sizeof(*t->waiting));
    memset(t->begun, 0, n * sizeof(*t->begun));
    for (uint32_t k = 0; k < t->g->m; k++)
        t->waiting[t->g->to[k]]++;
    t->nrunning = 0;
    while (done < n) {
        for (uint32_t i = 0; i < n; i++) {
            uint32_t j = t->by_rank[i];
            if (t->begun[j] || t->waiting[j] > 0 || !fits(&u, &t->jobs[j], c))
                continue;
            t->begun[j] = true;
            t->start[j] = now;
            t->end[j] = now + t->jobs[j].duration_s;
            t->running[t->nrunning++] = j;
            use_add(&u, &t->jobs[j], 1);
            done++;
        }
        if (t->nrunning == 0)
            BUG("a job does not fit alone");
        now = end_next(t, &u);
    }
    while (t->nrunning > 0)
        now = end_next(t, &u);
    return now;
}

static double one_by_one(struct trial *t, const uint32_t *order)
{
    double now = 0;
    for (uint32_t i = 0; i < t->g->n; i++) {
        t->start[order[i]] = now;
        now += t->jobs[order[i]].duration_s;
        t->end[order[i]] = now;
    }
    return now;
}

static int descending(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a < b) - (a > b);
}

/* Amounts worth trying: what the k neediest jobs take together, for k = 1, 2, 3, 4, 6, 8, 12, …, n;
 * those above `most` are left out. Depends on the jobs alone but for that. Gives their count. */
static uint32_t ladder(const struct schedule_job *jobs, uint32_t n, bool memory, double most,
                       double *steps)
{
    double *need = xmalloc((n + 1) * sizeof(*need)), sum = 0;
    uint32_t count = 0, next = 1;
    for (uint32_t i = 0; i < n; i++)
        need[i] = memory ? jobs[i].memory_gb : jobs[i].cores;
    qsort(need, n, sizeof(*need), descending);
    for (uint32_t k = 1; k <= n; k++) {
        sum += need[k - 1];
        if (k != next && k != n)
            continue;
        next = k < 4 ? k + 1 : (k & (k - 1)) == 0 ? k + k / 2 : k / 3 * 4;
        if (sum <= most * SLACK)
            steps[count++] = sum;
    }
    free(need);
    return count;
}

#define LADDER_MAX 80

static int by_start(const void *x, const void *y)
{
    const double *a = x, *b = y; /* {start, end, number} */
    for (int i = 0; i < 3; i++) {
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    }
    return 0;
}

/* Jobs that take no time can start together with what they wait for: equal moments are ordered by
 * their place in a topological order. */
static void order_fill(const struct schedule *s, const uint32_t *topological, uint32_t n)
{
    double(*key)[3] = xmalloc((n + 1) * sizeof(*key));
    for (uint32_t i = 0; i < n; i++) {
        uint32_t j = topological[i];
        key[i][0] = s->start_s[j], key[i][1] = s->end_s[j], key[i][2] = i;
    }
    qsort(key, n, sizeof(*key), by_start);
    for (uint32_t i = 0; i < n; i++)
        s->order[i] = topological[(uint32_t)key[i][2]];
    free(key);
}

static double bound(const struct graph *g, const struct schedule_job *jobs,
                    const struct schedule_capacity *c, double critical_path)
{
    double engine = 0, cores = 0;
    for (uint32_t i = 0; i < g->n; i++) {
        engine += jobs[i].engine ? jobs[i].duration_s : 0;
        cores += jobs[i].duration_s * jobs[i].cores;
    }
    double area = c->cores > 0 ? cores / c->cores : 0;
    return fmax(critical_path, fmax(engine, area));
}

struct ranked {
    double rank;
    uint32_t job;
};

static int by_rank(const void *x, const void *y)
{
    const struct ranked *a = x, *b = y;
    if (a->rank != b->rank)
        return a->rank < b->rank ? 1 : -1;
    return (a->job > b->job) - (a->job < b->job);
}

static void ladder_schedules(struct arena *a, struct trial *t,
                             const struct schedule_capacity *capacity, struct schedule *out)
{
    uint32_t n = t->g->n;
    double cores[LADDER_MAX], memory[LADDER_MAX];
    uint32_t ncores = ladder(t->jobs, n, false, capacity->cores, cores);
    uint32_t nmemory = ladder(t->jobs, n, true, capacity->memory_gb, memory);
    t->start = ARENA_ARRAY(a, double, n);
    t->end = ARENA_ARRAY(a, double, n);
    for (uint32_t c = 0; c < ncores; c++) {
        for (uint32_t m = 0; m < nmemory; m++) {
            const struct schedule_capacity step = {cores[c], memory[m], capacity->gpus};
            double makespan = list_schedule(t, &step);
            if (makespan >= out->makespan_s)
                continue;
            memcpy(out->start_s, t->start, n * sizeof(*t->start));
            memcpy(out->end_s, t->end, n * sizeof(*t->end));
            out->makespan_s = makespan;
        }
    }
}

void schedule_build(struct arena *a, const struct graph *g, const struct schedule_job *jobs,
                    const struct schedule_capacity *capacity, struct schedule *out)
{
    uint32_t n = g->n;
    double *duration = ARENA_ARRAY(a, double, n), *tail = ARENA_ARRAY(a, double, n);
    uint32_t *topological = ARENA_ARRAY(a, uint32_t, n), *rank = ARENA_ARRAY(a, uint32_t, n);
    struct ranked *ranked = ARENA_ARRAY(a, struct ranked, n);
    *out = (struct schedule){.start_s = ARENA_ARRAY(a, double, n),
                             .end_s = ARENA_ARRAY(a, double, n),
                             .order = ARENA_ARRAY(a, uint32_t, n)};
    for (uint32_t i = 0; i < n; i++)
        duration[i] = jobs[i].duration_s;
    if (!graph_topological(a, g, topological, NULL, NULL))
        BUG("stages wait for each other");
    double critical = graph_longest_paths(g, topological, duration, NULL, tail);
    for (uint32_t i = 0; i < n; i++)
        ranked[i] = (struct ranked){tail[i], i};
    qsort(ranked, n, sizeof(*ranked), by_rank);
    for (uint32_t i = 0; i < n; i++)
        rank[i] = ranked[i].job;
    struct trial t = {
        .g = g,
        .jobs = jobs,
        .by_rank = rank,
        .start = out->start_s,
        .end = out->end_s,
        .waiting = ARENA_ARRAY(a, uint32_t, n),
        .running = ARENA_ARRAY(a, uint32_t, n),
        .begun = ARENA_ARRAY(a, bool, n),
    };
    out->makespan_s = one_by_one(&t, topological);
    if (n > 0 && n <= SCHEDULE_JOBS_MAX)
        ladder_schedules(a, &t, capacity, out);
    out->lower_bound_s = bound(g, jobs, capacity, critical);
    order_fill(out, topological, n);
}
