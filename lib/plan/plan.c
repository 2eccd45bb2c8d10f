/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Planning one pipeline: needs from predictions, an environment that has them, a schedule, reasons.
 */
#include "plan/plan.h"

#include <math.h>

#include "base/hash.h"
#include "base/instant.h"
#include "base/map.h"
#include "base/num.h"
#include "pipeline/pipeline.h"
#include "plan/lanes.h"
#include "plan/choice.h"
#include "plan/schedule.h"

#define GB 1073741824.0
/* Above the predicted p95 of a stage's memory: what an allocator and the system add to what a stage
 * holds, and the runs that p95 leaves out. */
#define HEADROOM 1.25
#define MEMORY_LEAST_GB (1.0 / 1024)
struct planner {
    struct arena *a;
    const struct rec_execution_profile *x;
    const struct plan_options *o;
    struct pipeline p;
    const struct rec_stage_figures **figures; /* per stage of the pipeline, or NULL */
    struct schedule_job *jobs;                /* durations at speed 1 */
    bool *timeless;                           /* nobody knows how long it takes */
    double *extra_s;                          /* p95 - p50 of the duration */
    struct graph graph;
    const char **why;
    uint32_t nwhy;
};

/* One environment, tried. */
struct trial {
    const struct rec_environment *e;
    bool usable, fits, queued;
    const char *reason;        /* why not, or why queued */
    struct json *figures;      /* of a refusal */
    struct schedule_job *jobs; /* as they are here: durations at its speed and by its threads */
    struct lanes_plan lanes;
    double free_cores;
    struct schedule schedule;
    double makespan_s, makespan_p95_s, cost_usd, cost_p95_usd;
};

static void because(struct planner *k, const char *sentence)
{
    *ARENA_PUSH(k->a, k->why, k->nwhy) = sentence;
}

static const char *gb_text(struct arena *a, double gb)
{
    char text[NUM_TEXT_MAX];
    num_format_size(text, gb * GB);
    return arena_strdup(a, text);
}

static const char *seconds_text(struct arena *a, double seconds)
{
    char text[INSTANT_TEXT];
    duration_format(text, seconds);
    return arena_strdup(a, text);
}

bool plan_deadline_parse(const char *s, int64_t now_us, int64_t *us)
{
    double seconds;
    if (duration_parse(s, &seconds)) {
        if (!(seconds >= 0) || seconds > 1e10)
            return false;
        *us = now_us + (int64_t)(seconds * (double)US_PER_S);
        return true;
    }
    return time_parse(s, now_us, us);
}

/* -- needs -- */

static double not_negative(double v)
{
    return v > 0 && isfinite(v) ? v : 0;
}

static void figures_find(struct planner *k)
{
    struct map ids = MAP_INIT;
    k->figures = ARENA_ARRAY(k->a, const struct rec_stage_figures *, k->p.nstages);
    for (uint32_t i = 0; i < k->x->nstages; i++)
        map_put(&ids, slice_str(k->x->stages[i].id), NULL)->v.num = i;
    for (uint32_t i = 0; i < k->p.nstages; i++) {
        const struct map_entry *e = map_get(&ids, slice_str(k->p.stages[i].id));
        k->figures[i] = e ? &k->x->stages[e->v.num] : NULL;
    }
    map_release(&ids);
}

static void need_of(struct planner *k, uint32_t i)
{
    const struct stage *s = &k->p.stages[i];
    const struct rec_stage_figures *f = k->figures[i];
    struct schedule_job *j = &k->jobs[i];
    struct rec_figure time = {NAN, NAN};
    double peak = NAN;
    if (f) {
        /* Stages take turns on the engine's threads: their work is their time (divided by the
         * threads, see with_lanes), also of a command that rows are piped through. One without
         * input waits for disks and networks of its own. */
        time = stage_is_outside(s) && s->ninputs == 0 ? f->wall_s : f->cpu_s;
        peak =
            isnan(f->peak_memory_bytes.p95) ? f->peak_memory_bytes.p50 : f->peak_memory_bytes.p95;
    }
    j->engine = true; /* the engine also waits for commands, one at a time */
    j->cores = not_negative(isnan(s->cpu_cores) ? 1 : s->cpu_cores);
    j->gpus = not_negative(s->gpus);
    j->duration_s = not_negative(time.p50);
    k->timeless[i] = !(time.p50 >= 0) || !isfinite(time.p50);
    k->extra_s[i] = not_negative(time.p95 - time.p50);
    if (!isnan(s->memory_gb))
        j->memory_gb = not_negative(s->memory_gb);
    else if (peak >= 0 && isfinite(peak))
        j->memory_gb = fmax(MEMORY_LEAST_GB, ceil(peak * HEADROOM / GB * 1024) / 1024);
}

static void graph_fill(struct planner *k)
{
    struct graph_edge *edges = NULL;
    size_t n = 0;
    for (uint32_t i = 0; i < k->p.nstages; i++) {
        const struct stage *s = &k->p.stages[i];
        for (uint32_t e = 0; e < s->ninputs; e++)
            *ARENA_PUSH(k->a, edges, n) = (struct graph_edge){s->inputs[e], i};
        for (uint32_t e = 0; e < s->nafter; e++)
            *ARENA_PUSH(k->a, edges, n) = (struct graph_edge){s->after[e], i};
    }
    graph_build(k->a, &k->graph, k->p.nstages, edges, n);
}

/* -- environments -- */

static struct json *figure_pair(struct arena *a, const char *needs, double n, const char *has,
                                double h)
{
    struct json *obj = json_new(a, JSON_OBJECT);
    json_set(a, obj, needs, json_new_double(a, n));
    json_set(a, obj, has, json_new_double(a, h));
    return obj;
}

static double capacity_of(double v)
{
    return v >= 0 ? v : INFINITY; /* unknown: nothing is known to be in the way */
}

/* The stage that asks for most of `what`. */
static uint32_t neediest(const struct planner *k, size_t what)
{
    uint32_t most = 0;
    for (uint32_t i = 1; i < k->p.nstages; i++) {
        const double *a = (const double *)(const void *)((const char *)&k->jobs[i] + what);
        const double *b = (const double *)(const void *)((const char *)&k->jobs[most] + what);
        if (*a > *b)
            most = i;
    }
    return most;
}

/* Compares the neediest stage with what there is at all and now; says so in the trial. */
static void fit(struct planner *k, struct trial *t, size_t what, const char *noun, double total,
                double available)
{
    if (k->p.nstages == 0)
        return;
    uint32_t i = neediest(k, what);
    double need = *(const double *)(const void *)((const char *)&k->jobs[i] + what);
    bool memory = what == offsetof(struct schedule_job, memory_gb);
    const char *id = k->p.stages[i].id;
    struct quoted q;
    if (need > total) {
        if (t->fits) {
            t->reason = memory ? arena_printf(k->a, "stage '%s' needs %s of memory; '%s' has %s",
                                              quote_str(&q, id), gb_text(k->a, need), t->e->id,
                                              gb_text(k->a, total))
                               : arena_printf(k->a, "stage '%s' needs %g %s; '%s' has %g",
                                              quote_str(&q, id), need, noun, t->e->id, total);
            t->figures = figure_pair(k->a, memory ? "needs_gb" : "needs", need,
                                     memory ? "has_gb" : "has", total);
            json_set(k->a, t->figures, "stage", json_new_string(k->a, slice_str(id)));
        }
        t->fits = false;
    } else if (need > available && !t->queued) {
        t->queued = true;
        t->reason = memory
                        ? arena_printf(k->a, "stage '%s' needs %s of memory; %s of %s are free now",
                                       quote_str(&q, id), gb_text(k->a, need),
                                       gb_text(k->a, available), gb_text(k->a, total))
                        : arena_printf(k->a, "stage '%s' needs %g %s; %g of %g are free now",
                                       quote_str(&q, id), need, noun, available, total);
    }
}

static double speed_of(const struct rec_environment *e)
{
    return e->speed > 0 && isfinite(e->speed) ? e->speed : 1;
}

static void trial_times(struct planner *k, struct trial *t)
{
    bool unknown = false;
    double variance = 0, startup = not_negative(t->e->startup_s);
    for (uint32_t i = 0; i < k->p.nstages; i++) {
        double extra = k->extra_s[i] / speed_of(t->e) / t->lanes.n[i];
        variance += extra * extra;
        unknown |= k->timeless[i];
    }
    /* Errors of stages are taken as independent: their squares add. */
    t->makespan_s = unknown ? NAN : startup + t->schedule.makespan_s;
    t->makespan_p95_s = t->makespan_s + sqrt(variance);
    t->cost_usd = t->e->price_usd_per_hour * t->makespan_s / 3600;
    t->cost_p95_usd = t->e->price_usd_per_hour * t->makespan_p95_s / 3600;
}

/* The jobs as this environment runs them. */
static void with_lanes(struct planner *k, struct trial *t, double cores)
{
    uint32_t n = k->p.nstages;
    double *seconds = ARENA_ARRAY(k->a, double, n), speed = speed_of(t->e);
    t->jobs = arena_memdup(k->a, k->jobs, n * sizeof(*t->jobs));
    t->free_cores = cores;
    for (uint32_t i = 0; i < n; i++)
        seconds[i] = k->figures[i] ? not_negative(k->figures[i]->cpu_s.p50) / speed : 0;
    lanes_plan(k->a, &k->p, seconds, cores, &t->lanes);
    for (uint32_t i = 0; i < n; i++) {
        t->jobs[i].duration_s /= speed * t->lanes.n[i];
        if (t->lanes.n[i] > t->jobs[i].cores)
            t->jobs[i].cores = t->lanes.n[i];
    }
}

static void try_environment(struct planner *k, const struct rec_environment *e, struct trial *t)
{
    *t = (struct trial){.e = e, .fits = true, .makespan_s = NAN, .cost_usd = NAN};
    t->usable = (!e->kind || strcmp(e->kind, "local") == 0) && !e->exec;
    if (!t->usable) {
        t->reason =
            arena_printf(k->a, "'%s' is no machine that stages can be started on from here", e->id);
        return;
    }
    struct schedule_capacity total = {capacity_of(e->cpu_cores), capacity_of(e->memory_gb),
                                      not_negative(e->gpus)};
    struct schedule_capacity now = {fmin(total.cores, capacity_of(e->available_cores)),
                                    fmin(total.memory_gb, capacity_of(e->available_memory_gb)),
                                    e->available_gpus >= 0 ? fmin(total.gpus, e->available_gpus)
                                                           : total.gpus};
    fit(k, t, offsetof(struct schedule_job, memory_gb), "memory", total.memory_gb, now.memory_gb);
    fit(k, t, offsetof(struct schedule_job, cores), "cores", total.cores, now.cores);
    fit(k, t, offsetof(struct schedule_job, gpus), "GPUs", total.gpus, now.gpus);
    if (!t->fits)
        return;
    /* What is queued is planned as it will run: with all of the environment. */
    const struct schedule_capacity *there = t->queued ? &total : &now;
    with_lanes(k, t, there->cores);
    schedule_build(k->a, &k->graph, t->jobs, there, &t->schedule);
    trial_times(k, t);
}

/* NAN loses. */
static int compare_figures(double a, double b)
{
    if (isnan(a) || isnan(b))
        return isnan(a) - isnan(b);
    return (a > b) - (a < b);
}

static bool is_better(const struct planner *k, const struct trial *a, const struct trial *b)
{
    if (a->queued != b->queued)
        return b->queued;
    bool cost = k->o->objective && strcmp(k->o->objective, "cost") == 0;
    int c = cost ? compare_figures(a->cost_usd, b->cost_usd)
                 : compare_figures(a->makespan_s, b->makespan_s);
    if (c == 0)
        c = cost ? compare_figures(a->makespan_s, b->makespan_s)
                 : compare_figures(a->cost_usd, b->cost_usd);
    return c < 0;
}

static struct trial *choose(struct planner *k, struct trial *trials, size_t n)
{
    struct trial *best = NULL;
    for (size_t i = 0; i < n; i++) {
        if (trials[i].usable && trials[i].fits && (!best || is_better(k, &trials[i], best)))
            best = &trials[i];
    }
    return best;
}

/* -- answers -- */

static void refuse(struct planner *k, const char *check, const char *reason, struct json *figures,
                   struct plan_result *out)
{
    const char **reasons = ARENA_ARRAY(k->a, const char *, 1);
    reasons[0] = reason;
    out->ok = false;
    out->verdict = (struct rec_verdict){.check = check,
                                        .subject = k->x->pipeline,
                                        .ok = false,
                                        .reasons = reasons,
                                        .nreasons = 1,
                                        .figures = figures};
}

static void refuse_all(struct planner *k, const struct trial *trials, size_t n,
                       struct plan_result *out)
{
    const char **reasons = ARENA_ARRAY(k->a, const char *, n + 1);
    refuse(k, "resources", "there is no environment to plan for", NULL, out);
    if (n == 0)
        return;
    for (size_t i = 0; i < n; i++) {
        reasons[i] = trials[i].reason;
        if (!out->verdict.figures)
            out->verdict.figures = trials[i].figures;
    }
    out->verdict.reasons = reasons;
    out->verdict.nreasons = (uint32_t)n;
}

static bool meets_deadline(struct planner *k, const struct trial *t, struct plan_result *out)
{
    if (!k->o->deadline_us || isnan(t->makespan_s))
        return true;
    double left = (double)(k->o->deadline_us - k->o->now_us) / (double)US_PER_S;
    char at[INSTANT_TEXT];
    instant_format(at, k->o->deadline_us);
    if (t->makespan_s <= left)
        return true;
    struct json *figures = figure_pair(k->a, "makespan_s", t->makespan_s, "left_s", left);
    refuse(k, "deadline",
           left > 0 ? arena_printf(k->a, "the run takes %s, but the deadline %s is %s away",
                                   seconds_text(k->a, t->makespan_s), at, seconds_text(k->a, left))
                    : arena_printf(k->a, "the run takes %s, but the deadline %s has passed",
                                   seconds_text(k->a, t->makespan_s), at),
           figures, out);
    return false;
}

static const char *choose_mode(struct planner *k)
{
    const char *asked = k->o->mode;
    if (asked && strcmp(asked, "auto") != 0) {
        because(k, arena_printf(k->a, "mode %s: as asked", asked));
        return asked;
    }
    for (uint32_t i = 0; i < k->p.nstages; i++) {
        if (k->figures[i] && k->figures[i]->records_in.p50 > 0) {
            because(k, arena_printf(k->a, "mode optimized: sizes are predicted (%s)",
                                    k->x->basis ? k->x->basis : "basis unknown"));
            return "optimized";
        }
    }
    because(k, "mode standard: there are no predicted sizes to choose by");
    return "standard";
}

static void say_memory(struct planner *k, const struct trial *t)
{
    uint32_t predicted = 0, given = 0, most = 0, unknown = 0;
    struct quoted q;
    for (uint32_t i = 0; i < k->p.nstages; i++) {
        bool set = !isnan(k->p.stages[i].memory_gb);
        given += set;
        predicted += !set && k->jobs[i].memory_gb > 0;
        unknown += !set && !(k->jobs[i].memory_gb > 0);
        if (k->jobs[i].memory_gb > k->jobs[most].memory_gb)
            most = i;
    }
    if (predicted)
        because(k, arena_printf(k->a,
                                "memory: the predicted p95 of each stage and %g %% headroom; most "
                                "for %s: %s",
                                (HEADROOM - 1) * 100, quote_str(&q, k->p.stages[most].id),
                                gb_text(k->a, k->jobs[most].memory_gb)));
    if (given)
        because(k, arena_printf(k->a, "memory of %u stages: as `resources` gives it", given));
    if (unknown)
        because(k, arena_printf(k->a, "memory of %u stages is unknown: none is set aside for them",
                                unknown));
    double sum = 0, free_gb = capacity_of(t->e->available_memory_gb);
    for (uint32_t i = 0; i < k->p.nstages; i++)
        sum += k->jobs[i].memory_gb;
    if (!t->queued && sum > free_gb)
        because(k, arena_printf(k->a,
                                "take care: should all stages hold their most at once, "
                                "they would need %s of the %s that are free",
                                gb_text(k->a, sum), gb_text(k->a, free_gb)));
}

static void say_times(struct planner *k, const struct trial *t)
{
    struct quoted q;
    if (isnan(t->makespan_s)) {
        for (uint32_t i = 0; i < k->p.nstages; i++) {
            if (k->timeless[i])
                because(k, arena_printf(k->a, "%s: how long it takes is unknown",
                                        quote_str(&q, k->p.stages[i].id)));
        }
        return;
    }
    uint32_t longest = 0;
    for (uint32_t i = 0; i < k->p.nstages; i++) {
        if (t->jobs[i].duration_s > t->jobs[longest].duration_s)
            longest = i;
    }
    because(k, arena_printf(k->a, "%s in all, at least %s; longest: %s with %s",
                            seconds_text(k->a, t->makespan_s),
                            seconds_text(k->a, t->schedule.lower_bound_s),
                            quote_str(&q, k->p.stages[longest].id),
                            seconds_text(k->a, t->jobs[longest].duration_s)));
    if (k->o->deadline_us) {
        double left = (double)(k->o->deadline_us - k->o->now_us) / (double)US_PER_S;
        because(k, arena_printf(
                       k->a, "the deadline leaves %s%s", seconds_text(k->a, left - t->makespan_s),
                       t->makespan_p95_s > left ? ", but one run in twenty or more would miss it"
                                                : " to spare"));
    }
}

/* Why so many threads. */
static void say_lanes(struct planner *k, const struct trial *t)
{
    const struct lanes_plan *l = &t->lanes;
    struct quoted q;
    bool some = false;
    double most = 0;
    for (uint32_t i = 0; i < k->p.nstages; i++) {
        if (l->source[i] != i || k->p.stages[i].op != OP_READ)
            continue;
        most = fmax(most, l->work_s[i]);
        if (l->n[i] == 1)
            continue;
        some = true;
        because(k, arena_printf(k->a, "parallelism %u from %s on: %s of work that threads share",
                                l->n[i], quote_str(&q, k->p.stages[i].id),
                                seconds_text(k->a, l->work_s[i])));
    }
    if (!some && !(t->free_cores >= 2))
        because(k, "parallelism 1: no second core is free");
    else if (!some && most < 2 * LANE_LEAST_S)
        because(k, "parallelism 1: there is too little work to share");
    else if (!some)
        because(k, "parallelism 1: as `resources` allows, or as reading leaves nothing to share");
}

static void say_environment(struct planner *k, const struct trial *t, const struct trial *trials,
                            size_t n)
{
    because(k, arena_printf(k->a, "%s: %g cores, %g of them free; %s of memory, %s free", t->e->id,
                            t->e->cpu_cores, t->e->available_cores, gb_text(k->a, t->e->memory_gb),
                            gb_text(k->a, t->e->available_memory_gb)));
    for (size_t i = 0; i < n; i++) {
        const struct trial *other = &trials[i];
        if (other == t)
            continue;
        if (!other->usable || !other->fits)
            because(k, arena_printf(k->a, "not %s: %s", other->e->id, other->reason));
        else
            because(k, arena_printf(k->a, "not %s: %s", other->e->id,
                                    other->queued ? "it has no room now"
                                    : k->o->objective && strcmp(k->o->objective, "cost") == 0
                                        ? "it is not cheaper"
                                        : "it is not faster"));
    }
}

static struct rec_plan_stage *stages_fill(struct planner *k, const struct trial *t, bool optimized)
{
    struct rec_plan_stage *stages = ARENA_ARRAY(k->a, struct rec_plan_stage, k->p.nstages);
    double startup = not_negative(t->e->startup_s);
    bool known = true; /* times mean something until a stage comes whose own is unknown */
    for (uint32_t n = 0; n < k->p.nstages; n++) {
        uint32_t i = t->schedule.order[n];
        const struct stage *s = &k->p.stages[i];
        const char **after = ARENA_ARRAY(k->a, const char *, s->ninputs + s->nafter);
        uint32_t nafter = 0;
        for (uint32_t e = 0; e < s->ninputs + s->nafter; e++) {
            uint32_t from = e < s->ninputs ? s->inputs[e] : s->after[e - s->ninputs];
            bool there = false;
            for (uint32_t d = 0; d < nafter && !there; d++)
                there = strcmp(after[d], k->p.stages[from].id) == 0;
            if (!there)
                after[nafter++] = arena_strdup(k->a, k->p.stages[from].id);
        }
        double start = known ? startup + t->schedule.start_s[i] : NAN;
        known = known && !k->timeless[i];
        struct choice c;
        choice_standard(s, &c);
        if (optimized)
            choice_optimized(k->a, &k->p, i, k->figures, s->memory_gb, &c);
        if (c.why)
            because(k, c.why);
        stages[n] = (struct rec_plan_stage){
            .id = arena_strdup(k->a, s->id),
            .order = n,
            .after = after,
            .nafter = nafter,
            .environment = t->e->id,
            .cpu_cores = t->jobs[i].cores,
            .memory_gb =
                k->jobs[i].memory_gb > 0 || !isnan(s->memory_gb) ? k->jobs[i].memory_gb : NAN,
            .gpus = k->jobs[i].gpus,
            .parallelism = t->lanes.n[i],
            .algorithm = c.algorithm,
            .build = c.build,
            .start_s = start,
            .end_s = known ? startup + t->schedule.end_s[i] : NAN,
        };
    }
    return stages;
}

/* The same plan has the same id. */
static const char *plan_id(struct arena *a, const struct rec_plan *plan)
{
    struct buf b = BUF_INIT(BUF_UNBOUNDED);
    struct sha256 h;
    char hex[SHA256_HEX];
    rec_plan_write(&b, plan);
    sha256_init(&h);
    sha256_add(&h, b.p, b.len);
    sha256_hex(&h, hex);
    buf_release(&b);
    return arena_printf(a, "plan-%.16s", hex);
}

static void accept(struct planner *k, const struct trial *t, const struct trial *trials, size_t n,
                   struct plan_result *out)
{
    say_environment(k, t, trials, n);
    const char *mode = choose_mode(k);
    struct rec_plan_stage *stages = stages_fill(k, t, strcmp(mode, "standard") != 0);
    say_memory(k, t);
    say_times(k, t);
    say_lanes(k, t);
    double startup = not_negative(t->e->startup_s);
    double bound = isnan(t->makespan_s) ? NAN : startup + t->schedule.lower_bound_s;
    if (t->queued)
        because(k, arena_printf(k->a, "queued: %s", t->reason));
    out->ok = true;
    out->environment = t->e;
    out->plan = (struct rec_plan){
        .id = "",
        .pipeline = k->x->pipeline,
        .definition = k->x->definition,
        .base = k->x->base,
        .code_version = k->x->code_version,
        .environment = t->e->id,
        .mode = mode,
        .stages = stages,
        .nstages = k->p.nstages,
        .makespan_s = t->makespan_s,
        .makespan_p95_s = t->makespan_p95_s,
        .cost_usd = t->cost_usd,
        .cost_p95_usd = t->cost_p95_usd,
        .lower_bound = bound,
        .gap = bound > 0 ? t->makespan_s / bound - 1 : bound - bound,
        .queued_reason = t->queued ? t->reason : NULL,
        .queued_until = NULL,
        .why = k->why,
        .nwhy = k->nwhy,
    };
    out->plan.id = plan_id(k->a, &out->plan);
}

bool plan_pipeline(struct arena *a, const struct rec_execution_profile *x,
                   const struct rec_environment *envs, size_t nenvs, const struct plan_options *o,
                   struct plan_result *out, struct err *err)
{
    struct planner k = {.a = a, .x = x, .o = o};
    struct quoted q;
    *out = (struct plan_result){0};
    if (!x->definition)
        return err_set(err, ERR_DATA,
                       "execution_profile of '%s' has no definition; make it with etl-predict -p",
                       quote_str(&q, x->pipeline));
    if (!pipeline_from_definition(&k.p, x->definition, x->base ? x->base : "/", x->code_version,
                                  err)) {
        pipeline_release(&k.p);
        return err_prefix(err, "execution_profile of '%s': ", quote_str(&q, x->pipeline));
    }
    uint32_t n = k.p.nstages;
    k.jobs = ARENA_ARRAY(a, struct schedule_job, n);
    k.timeless = ARENA_ARRAY(a, bool, n);
    k.extra_s = ARENA_ARRAY(a, double, n);
    figures_find(&k);
    for (uint32_t i = 0; i < n; i++)
        need_of(&k, i);
    graph_fill(&k);
    struct trial *trials = ARENA_ARRAY(a, struct trial, nenvs);
    for (size_t i = 0; i < nenvs; i++)
        try_environment(&k, &envs[i], &trials[i]);
    const struct trial *best = choose(&k, trials, nenvs);
    if (!best)
        refuse_all(&k, trials, nenvs, out);
    else if (meets_deadline(&k, best, out))
        accept(&k, best, trials, nenvs, out);
    pipeline_release(&k.p);
    return true;
}
