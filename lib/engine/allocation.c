/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who gets how much. See allocation.h. */
#include "engine/allocation.h"

#include <math.h>

#include "base/hash.h"
#include "base/instant.h"
#include "base/num.h"
#include "os/os.h"

#define GB 1073741824.0
#define MIB ((uint64_t)1 << 20)
#define HEADROOM 1.25 /* over what was predicted or seen: the planner's own (plan/plan.c) */
#define HISTORY_RUNS 20
#define LEAST_STEP ((uint64_t)16 << 20) /* less free memory than that is none */
#define ASK_AGAIN_S 1.0                 /* after a refusal: reading the machine costs 0.2 ms */

static bool same(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

static uint64_t whole_mib(uint64_t bytes)
{
    return (bytes + MIB - 1) / MIB * MIB;
}

static uint64_t with_headroom(double bytes)
{
    return bytes > 0 && isfinite(bytes) ? whole_mib((uint64_t)(bytes * HEADROOM)) : 0;
}

static uint64_t held_by(const struct allocation *al)
{
    return al->acct ? atomic_load(&al->acct->now) : atomic_load(&al->held_bytes);
}

/* -- the beginning of a run -- */

static const struct rec_plan_stage *planned_stage(const struct rec_plan *plan, const char *id)
{
    for (uint32_t i = 0; plan && i < plan->nstages; i++) {
        if (same(plan->stages[i].id, id))
            return &plan->stages[i];
    }
    return NULL;
}

static uint64_t predicted_peak(const struct rec_execution_profile *x, const char *id)
{
    for (uint32_t i = 0; x && i < x->nstages; i++) {
        const struct rec_figure *f = &x->stages[i].peak_memory_bytes;
        if (same(x->stages[i].id, id))
            return with_headroom(isnan(f->p95) ? f->p50 : f->p95);
    }
    return 0;
}

/* Does what it holds grow with its input? */
static bool holds_rows(const struct stage *s)
{
    return s->op == OP_JOIN || s->op == OP_AGGREGATE || s->op == OP_SORT || s->op == OP_DISTINCT ||
           s->op == OP_COMMAND;
}

/* The most that the same stages took in earlier runs. */
static void read_history(struct allotments *t, struct pipeline *p)
{
    struct store_history *rows = NULL;
    size_t n = 0;
    bool of_use = false;
    struct err ignored = ERR_INIT;
    for (uint32_t i = 0; i < t->n; i++)
        of_use = of_use || (!t->stages[i].hard && holds_rows(&p->stages[i]));
    if (!t->o.store || !of_use ||
        !store_history(t->o.store, t->a, p->name, HISTORY_RUNS, &rows, &n, &ignored))
        return;
    for (uint32_t i = 0; i < t->n; i++) {
        struct allocation *al = &t->stages[i];
        char signature[SHA256_HEX];
        if (al->hard || !holds_rows(al->stage))
            continue;
        pipeline_signature(p, i, signature);
        for (size_t k = 0; k < n; k++) {
            const struct store_stage *s = &rows[k].stage;
            uint64_t peak = with_headroom(s->used.peak_memory_bytes.p50);
            if (same(s->used.id, al->stage->id) && same(s->signature, signature) &&
                peak > al->history_bytes)
                al->history_bytes = peak;
        }
    }
}

static void say(struct allotments *t, const char *text)
{
    if (t->o.say)
        t->o.say(t->o.ctx, text);
}

/* Has this answer been said of a stage before? A record may be of all stages. */
static bool was_said(const char *const *said, uint32_t i)
{
    for (uint32_t k = 0; k < i; k++) {
        if (same(said[k], said[i]))
            return true;
    }
    return false;
}

/* getResourceAllocationConfirmation of the design, and its fallback provisionResources. */
static void obtain(struct allotments *t, struct pipeline *p, uint32_t i, const char **said)
{
    struct allocation *al = &t->stages[i];
    const struct rec_plan_stage *plan = planned_stage(t->o.plan, al->stage->id);
    struct quoted q, id;
    struct provider_request r = {
        .node_id = al->stage->id,
        .template_name = p->name,
        .plan = t->o.plan ? t->o.plan->id : NULL,
        .cpu_cores = al->stage->cpu_cores,
        .memory_gb = al->memory_gb,
        .gpus = plan ? plan->gpus : al->stage->gpus,
    };
    if (t->pool.n) {
        t->warm.request(&t->warm, t->a, &r, &al->confirmed);
        if (same(al->confirmed.status, "ready")) {
            al->provider = &t->warm;
            al->granted = true;
            return;
        }
        if (al->confirmed.reason) {
            said[i] =
                arena_printf(t->a, "allocation '%s' %s: on demand instead",
                             quote_str(&q, al->confirmed.resource_id ? al->confirmed.resource_id
                                                                     : "without resource_id"),
                             al->confirmed.reason);
            if (!was_said(said, i))
                say(t, said[i]);
        }
    }
    al->provider = t->o.on_demand;
    /* Asking costs a look at the machine: only where there is something to be refused. */
    if (!(r.gpus > 0) && !(r.cpu_cores > 1) && !(r.memory_gb > UNPLANNED_BYTES / GB)) {
        al->confirmed = (struct rec_allocation){.status = "ready", .node_id = r.node_id};
        return;
    }
    al->provider->request(al->provider, t->a, &r, &al->confirmed);
    al->granted = same(al->confirmed.status, "ready");
    if (!al->granted) {
        const char *why = al->confirmed.reason ? al->confirmed.reason : "the provider failed";
        say(t, arena_printf(t->a, "stage '%s': %s: it runs with what there is",
                            quote_str(&id, al->stage->id), why));
    }
}

void allotments_open(struct allotments *t, struct pipeline *p, const struct allotment_opts *o,
                     struct arena *a)
{
    *t = (struct allotments){.o = *o, .a = a, .n = p->nstages};
    pthread_mutex_init(&t->lock, NULL);
    arena_init(&t->mem, NULL);
    t->pool = (struct warm_pool){o->records, o->nrecords, instant_now()};
    provider_warm(&t->warm, &t->pool);
    provider_on_demand(&t->local);
    if (!o->on_demand)
        t->o.on_demand = &t->local;
    t->stages = ARENA_ARRAY(a, struct allocation, p->nstages);
    const char **said = ARENA_ARRAY(a, const char *, p->nstages);
    for (uint32_t i = 0; i < p->nstages; i++) {
        struct allocation *al = &t->stages[i];
        const struct stage *s = &p->stages[i];
        const struct rec_plan_stage *plan = planned_stage(o->plan, s->id);
        double memory = s->memory_gb > 0 ? s->memory_gb : plan ? plan->memory_gb : NAN;
        al->of = t;
        al->stage = s;
        al->hard = s->memory_gb > 0;
        al->planned = memory > 0 && isfinite(memory);
        al->basis = al->hard ? "resources" : al->planned ? "plan" : NULL;
        al->limit_bytes = al->planned ? (uint64_t)(memory * GB) : UNPLANNED_BYTES;
        al->memory_gb = al->planned ? memory : NAN;
        al->cpu_cores = s->cpu_cores > 0 ? s->cpu_cores : plan ? plan->cpu_cores : NAN;
        al->parallelism = plan ? (double)plan->parallelism : 1;
        al->predicted_bytes = predicted_peak(o->predicted, s->id);
        obtain(t, p, i, said);
    }
    read_history(t, p);
}

void allotments_close(struct allotments *t)
{
    for (uint32_t i = 0; i < t->n; i++) {
        struct allocation *al = &t->stages[i];
        if (al->granted)
            al->provider->release(al->provider, &al->confirmed);
        al->granted = false;
    }
    pthread_mutex_destroy(&t->lock);
    arena_release(&t->mem);
    t->n = 0;
}

/* -- more -- */

static const char *basis_text(const char *basis)
{
    return same(basis, "resources")   ? "resources.memory_gb"
           : same(basis, "plan")      ? "its plan"
           : same(basis, "predicted") ? "the predicted p95"
           : same(basis, "history")   ? "the most it took before"
           : same(basis, "machine")   ? "of what this machine has free"
                                      : "what a stage begins with";
}

char *allocation_text(const struct allocation *al)
{
    char size[NUM_TEXT_MAX];
    num_format_size(size, (double)al->limit_bytes);
    return xasprintf("%s (%s)", size, basis_text(al->basis));
}

PRINTF_LIKE(2, 3) static void note(struct allocation *al, const char *fmt, ...)
{
    if (!al->of->o.note)
        return;
    va_list ap;
    va_start(ap, fmt);
    char *text = xvasprintf(fmt, ap);
    va_end(ap);
    al->of->o.note(al->of->o.ctx, al->stage->id, text);
    free(text);
}

/* What others were promised and have not taken yet. */
static double promised_to_others(const struct allocation *al)
{
    double sum = 0;
    for (uint32_t i = 0; i < al->of->n; i++) {
        const struct allocation *other = &al->of->stages[i];
        uint64_t held = held_by(other);
        if (other != al && same(other->basis, "machine") && other->limit_bytes > held)
            sum += (double)(other->limit_bytes - held);
    }
    return sum;
}

static bool ask(struct allocation *al, uint64_t bytes, const char *basis)
{
    struct provider *p = al->of->o.on_demand;
    struct rec_allocation answer = {0};
    struct provider_request r = {
        .node_id = al->stage->id,
        .cpu_cores = al->stage->cpu_cores,
        .memory_gb = (double)bytes / GB,
        .held_gb = (double)held_by(al) / GB,
        .gpus = NAN,
    };
    p->request(p, &al->of->mem, &r, &answer);
    if (!same(answer.status, "ready"))
        return false;
    char *before = allocation_text(al);
    al->basis = basis;
    al->memory_gb = (double)bytes / GB;
    atomic_store(&al->limit_bytes, bytes);
    char *after = allocation_text(al);
    note(al, "needs more memory than %s: goes on with %s", before, after);
    free(after);
    free(before);
    return true;
}

/* The next allocation that there is a reason for and that covers `need`. */
static bool climb(struct allocation *al, uint64_t need)
{
    struct provider *p = al->of->o.on_demand;
    struct provider_room room;
    p->room(p, &room);
    double unspent = room.free_memory_gb * GB - promised_to_others(al);
    uint64_t free_bytes = unspent > 0 ? (uint64_t)unspent : 0, held = held_by(al);
    uint64_t most = held + free_bytes;
    if (al->predicted_bytes >= need && al->predicted_bytes <= most &&
        ask(al, al->predicted_bytes, "predicted"))
        return true;
    if (al->history_bytes >= need && al->history_bytes <= most &&
        ask(al, al->history_bytes, "history"))
        return true;
    if (free_bytes < LEAST_STEP || need > most)
        return false;
    uint64_t half = whole_mib(held + free_bytes / 2);
    return ask(al, half >= need ? half : most, "machine");
}

bool allocation_hold(struct allocation *al, uint64_t bytes)
{
    if (bytes <= atomic_load(&al->limit_bytes))
        return true;
    if (al->hard)
        return false;
    pthread_mutex_lock(&al->of->lock);
    bool ok = bytes <= al->limit_bytes;
    if (!ok && clock_wall() >= al->refused_until) {
        ok = climb(al, bytes);
        if (!ok) {
            al->refused_until = clock_wall() + ASK_AGAIN_S;
            char *text = allocation_text(al);
            if (!al->refusal_told)
                note(al, "needs more memory than %s, and this machine has none to give", text);
            al->refusal_told = true;
            free(text);
        }
    }
    pthread_mutex_unlock(&al->of->lock);
    return ok;
}

void allocation_tell(const struct allocation *al, struct rec_allocated *out)
{
    *out = (struct rec_allocated){
        .provider = al->provider->name,
        .resource_id = al->provider == &al->of->warm ? al->confirmed.resource_id : NULL,
        .cpu_cores = al->cpu_cores,
        .memory_gb = al->memory_gb,
        .parallelism = al->parallelism,
        .basis = al->basis,
        .enforced = al->enforced ? al->enforced
                    : al->basis && holds_rows(al->stage) && al->stage->op != OP_COMMAND ? "spill"
                                                                                        : NULL,
    };
}
