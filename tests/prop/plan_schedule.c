/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Laws of the scheduler, on random graphs: every job once and after its inputs, never above
 * capacity at any instant, never below the bound, never longer with more cores or memory. */
#include <math.h>

#include "base/rng.h"
#include "plan/schedule.h"
#include "tests/unit/suite.h"

#define JOBS_MAX 24

struct problem {
    struct arena mem;
    struct graph g;
    struct schedule_job jobs[JOBS_MAX];
    struct schedule_capacity capacity; /* each job fits alone */
};

static int rounds(void)
{
    return getenv("FORELINE_LONG") ? 20000 : 1500;
}

static void problem_make(struct problem *p, struct rng *g)
{
    struct graph_edge edges[JOBS_MAX * JOBS_MAX];
    size_t m = 0;
    uint32_t n = 1 + (uint32_t)rng_below(g, JOBS_MAX);
    double density = rng_unit(g) * rng_unit(g);
    uint32_t name[JOBS_MAX]; /* jobs are numbered in no order of the graph */
    for (uint32_t i = 0; i < n; i++)
        name[i] = i;
    for (uint32_t i = n - 1; i > 0; i--) {
        uint32_t k = (uint32_t)rng_below(g, i + 1), t = name[i];
        name[i] = name[k], name[k] = t;
    }
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = i + 1; k < n; k++)
            if (rng_unit(g) < density)
                edges[m++] = (struct graph_edge){name[i], name[k]};
    p->mem = ARENA_INIT;
    graph_build(&p->mem, &p->g, n, edges, m);
    p->capacity = (struct schedule_capacity){0, 0, 1};
    for (uint32_t i = 0; i < n; i++) {
        struct schedule_job *j = &p->jobs[i];
        *j = (struct schedule_job){
            .duration_s = rng_below(g, 5) == 0 ? 0 : (double)rng_below(g, 100) / 10,
            .cores = rng_below(g, 3) == 0 ? (double)(1 + rng_below(g, 4)) : 1,
            .memory_gb = rng_below(g, 4) == 0 ? 0 : rng_unit(g) * 8,
            .gpus = rng_below(g, 6) == 0 ? 1 : 0,
            .engine = rng_below(g, 2) == 0,
        };
        p->capacity.cores = fmax(p->capacity.cores, j->cores);
        p->capacity.memory_gb = fmax(p->capacity.memory_gb, j->memory_gb);
    }
    p->capacity.cores += (double)rng_below(g, 6);
    p->capacity.memory_gb += rng_unit(g) * 20;
}

/* What runs at instant t (of jobs that take any time) is within capacity. */
static void instant_holds(const struct problem *p, const struct schedule *s, double t)
{
    double cores = 0, memory = 0, gpus = 0;
    int engine = 0;
    for (uint32_t i = 0; i < p->g.n; i++) {
        if (s->start_s[i] > t || s->end_s[i] <= t)
            continue;
        cores += p->jobs[i].cores;
        memory += p->jobs[i].memory_gb;
        gpus += p->jobs[i].gpus;
        engine += p->jobs[i].engine;
    }
    ck_assert_double_le(cores, p->capacity.cores + 1e-6);
    ck_assert_double_le(memory, p->capacity.memory_gb + 1e-6);
    ck_assert_double_le(gpus, p->capacity.gpus);
    ck_assert_int_le(engine, 1);
}

static void schedule_holds(const struct problem *p, const struct schedule *s)
{
    uint32_t n = p->g.n, place[JOBS_MAX];
    bool seen[JOBS_MAX] = {false};
    double last = 0;
    for (uint32_t i = 0; i < n; i++) {
        ck_assert_uint_lt(s->order[i], n);
        ck_assert(!seen[s->order[i]]);
        seen[s->order[i]] = true;
        place[s->order[i]] = i;
        ck_assert_double_ge(s->start_s[i], 0);
        ck_assert_double_eq_tol(s->end_s[i] - s->start_s[i], p->jobs[i].duration_s, 1e-9);
        last = fmax(last, s->end_s[i]);
        instant_holds(p, s, s->start_s[i]);
    }
    ck_assert_double_eq_tol(s->makespan_s, last, 1e-9);
    ck_assert_double_ge(s->makespan_s, s->lower_bound_s - 1e-9);
    for (uint32_t v = 0; v < n; v++) {
        for (uint32_t k = p->g.start[v]; k < p->g.start[v + 1]; k++) {
            ck_assert_double_ge(s->start_s[p->g.to[k]], s->end_s[v] - 1e-9);
            ck_assert_uint_lt(place[v], place[p->g.to[k]]);
        }
    }
}

START_TEST(every_schedule_keeps_order_and_capacity)
{
    struct rng g;
    rng_seed(&g, 11);
    for (int i = 0; i < rounds(); i++) {
        struct problem p;
        struct schedule s;
        problem_make(&p, &g);
        schedule_build(&p.mem, &p.g, p.jobs, &p.capacity, &s);
        schedule_holds(&p, &s);
        arena_release(&p.mem);
    }
}
END_TEST

START_TEST(more_cores_or_memory_never_take_longer)
{
    struct rng g;
    rng_seed(&g, 12);
    for (int i = 0; i < rounds(); i++) {
        struct problem p;
        struct schedule s;
        double makespan = INFINITY, bound = INFINITY;
        problem_make(&p, &g);
        for (int step = 0; step < 6; step++) {
            schedule_build(&p.mem, &p.g, p.jobs, &p.capacity, &s);
            ck_assert_double_le(s.makespan_s, makespan);
            ck_assert_double_le(s.lower_bound_s, bound);
            makespan = s.makespan_s;
            bound = s.lower_bound_s;
            if (rng_below(&g, 2))
                p.capacity.cores += (double)rng_below(&g, 3);
            else
                p.capacity.memory_gb += rng_unit(&g) * 6;
        }
        arena_release(&p.mem);
    }
}
END_TEST

START_TEST(the_same_problem_has_the_same_schedule)
{
    struct rng g;
    rng_seed(&g, 13);
    for (int i = 0; i < 100; i++) {
        struct problem p;
        struct schedule s, again;
        problem_make(&p, &g);
        schedule_build(&p.mem, &p.g, p.jobs, &p.capacity, &s);
        schedule_build(&p.mem, &p.g, p.jobs, &p.capacity, &again);
        ck_assert_int_eq(memcmp(s.order, again.order, p.g.n * sizeof(*s.order)), 0);
        ck_assert_int_eq(memcmp(s.start_s, again.start_s, p.g.n * sizeof(*s.start_s)), 0);
        arena_release(&p.mem);
    }
}
END_TEST

START_TEST(independent_commands_run_side_by_side)
{
    struct arena a = ARENA_INIT;
    struct graph g;
    graph_build(&a, &g, 4, NULL, 0);
    struct schedule_job jobs[4];
    for (int i = 0; i < 4; i++)
        jobs[i] = (struct schedule_job){.duration_s = 3, .cores = 1, .memory_gb = 1};
    struct schedule s;
    schedule_build(&a, &g, jobs, &(struct schedule_capacity){4, 8, 0}, &s);
    ck_assert_double_eq(s.makespan_s, 3);
    schedule_build(&a, &g, jobs, &(struct schedule_capacity){2, 8, 0}, &s);
    ck_assert_double_eq(s.makespan_s, 6);
    schedule_build(&a, &g, jobs, &(struct schedule_capacity){4, 2.5, 0}, &s);
    ck_assert_double_eq(s.makespan_s, 6);
    for (int i = 0; i < 4; i++)
        jobs[i].engine = true;
    schedule_build(&a, &g, jobs, &(struct schedule_capacity){4, 8, 0}, &s);
    ck_assert_double_eq(s.makespan_s, 12);
    ck_assert_double_eq(s.lower_bound_s, 12);
    arena_release(&a);
}
END_TEST

START_TEST(many_jobs_are_scheduled_quickly_and_none_is_no_problem)
{
    struct arena a = ARENA_INIT;
    struct graph g;
    struct schedule s;
    graph_build(&a, &g, 0, NULL, 0);
    schedule_build(&a, &g, NULL, &(struct schedule_capacity){1, 1, 0}, &s);
    ck_assert_double_eq(s.makespan_s, 0);
    for (uint32_t n = 300; n <= 2 * SCHEDULE_JOBS_MAX; n += 3700) {
        struct graph_edge *edges = ARENA_ARRAY(&a, struct graph_edge, n);
        struct schedule_job *jobs = ARENA_ARRAY(&a, struct schedule_job, n);
        for (uint32_t i = 0; i < n; i++) {
            jobs[i] = (struct schedule_job){.duration_s = 1, .cores = 1, .memory_gb = 0.1};
            edges[i] = (struct graph_edge){i / 2, i};
        }
        graph_build(&a, &g, n, edges + 1, n - 1);
        schedule_build(&a, &g, jobs, &(struct schedule_capacity){8, 64, 0}, &s);
        ck_assert_double_le(s.makespan_s, n);
    }
    arena_release(&a);
}
END_TEST

UNIT_MAIN("schedule", every_schedule_keeps_order_and_capacity,
          more_cores_or_memory_never_take_longer, the_same_problem_has_the_same_schedule,
          independent_commands_run_side_by_side,
          many_jobs_are_scheduled_quickly_and_none_is_no_problem)
