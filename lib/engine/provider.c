/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The providers. See provider.h. */
#include "engine/provider.h"

#include <math.h>

#include "base/instant.h"
#include "base/num.h"
#include "os/os.h"

#define GB 1073741824.0
/* Of a machine's memory, what stays free: below it earlyoom(1) begins to kill (its -m, 10 %). */
#define KEEP_FREE 0.1

static bool same(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

static const char *gb_text(struct arena *a, double gb)
{
    char text[NUM_TEXT_MAX];
    num_format_size(text, gb * GB);
    return arena_strdup(a, text);
}

/* -- on demand: this machine -- */

static void local_room(struct provider *p, struct provider_room *out)
{
    (void)p;
    struct machine m;
    machine_read(&m);
    *out = (struct provider_room){
        .cpu_cores = m.cores,
        .memory_gb = m.memory_bytes / GB,
        .free_memory_gb = fmax(0, m.available_bytes - m.memory_bytes * KEEP_FREE) / GB,
    };
}

static void local_request(struct provider *p, struct arena *a, const struct provider_request *r,
                          struct rec_allocation *out)
{
    struct provider_room room;
    local_room(p, &room);
    double held = r->held_gb > 0 ? r->held_gb : 0;
    *out = (struct rec_allocation){
        .status = "ready", .node_id = r->node_id, .template_name = r->template_name};
    if (r->gpus > 0)
        out->status = "failed", out->reason = "which GPUs this machine has is not known";
    else if (r->cpu_cores > room.cpu_cores)
        out->status = "failed",
        out->reason =
            arena_printf(a, "%g cores are asked for, there are %g", r->cpu_cores, room.cpu_cores);
    else if (r->memory_gb > room.memory_gb)
        out->status = "failed",
        out->reason = arena_printf(a, "%s of memory are asked for, there are %s",
                                   gb_text(a, r->memory_gb), gb_text(a, room.memory_gb));
    else if (r->memory_gb - held > room.free_memory_gb)
        out->status = "pending",
        out->reason =
            arena_printf(a, "%s of memory are asked for, %s are free now",
                         gb_text(a, r->memory_gb - held), gb_text(a, room.free_memory_gb));
}

static void local_release(struct provider *p, const struct rec_allocation *granted)
{
    (void)p, (void)granted; /* nothing was set aside: the system shares it out */
}

void provider_on_demand(struct provider *out)
{
    *out = (struct provider){"on_demand", NULL, local_room, local_request, local_release};
}

/* -- warm: by allocation records -- */

enum closeness { NOT_MEANT, MEANS_ALL, MEANS_STAGE };

static enum closeness meant(const struct rec_allocation *r, const struct provider_request *q)
{
    if (r->tenant && q->tenant && !same(r->tenant, q->tenant))
        return NOT_MEANT;
    if (same(r->node_id, q->node_id))
        return !r->template_name || same(r->template_name, q->template_name) ? MEANS_STAGE
                                                                             : NOT_MEANT;
    if (r->node_id)
        return same(r->node_id, q->template_name) ? MEANS_ALL : NOT_MEANT;
    return same(r->template_name, q->template_name) || same(r->request, q->plan) ? MEANS_ALL
                                                                                 : NOT_MEANT;
}

/* Why it cannot be used; NULL: it can. */
static const char *trouble(struct arena *a, const struct rec_allocation *r, int64_t now_us)
{
    struct quoted q;
    int64_t until;
    const char *why = r->reason ? arena_printf(a, " (%s)", quote_str(&q, r->reason)) : "";
    if (same(r->status, "pending"))
        return arena_printf(a, "is pending%s", why);
    if (!same(r->status, "ready"))
        return arena_printf(a, "is %s%s", quote_str(&q, r->status), why);
    if (r->expires_at && (!instant_parse(slice_str(r->expires_at), &until) || until <= now_us))
        return arena_printf(a, "has expired (%s)", quote_str(&q, r->expires_at));
    if (r->network_address && !machine_has_address(r->network_address))
        return arena_printf(a, "is at %s, and stages run on this machine only",
                            quote_str(&q, r->network_address));
    return NULL;
}

static void warm_room(struct provider *p, struct provider_room *out)
{
    (void)p;
    struct provider local;
    provider_on_demand(&local);
    local.room(&local, out);
}

static void warm_request(struct provider *p, struct arena *a, const struct provider_request *r,
                         struct rec_allocation *out)
{
    const struct warm_pool *pool = p->state;
    const struct rec_allocation *best = NULL;
    enum closeness how = NOT_MEANT;
    for (uint32_t i = 0; i < pool->n; i++) {
        enum closeness c = meant(&pool->records[i], r);
        if (c != NOT_MEANT && c >= how) {
            how = c;
            best = &pool->records[i];
        }
    }
    if (!best) {
        *out = (struct rec_allocation){.status = "failed", .node_id = r->node_id};
        return;
    }
    *out = *best;
    out->reason = trouble(a, best, pool->now_us);
    if (out->reason)
        out->status = "failed";
}

static void warm_release(struct provider *p, const struct rec_allocation *granted)
{
    (void)p, (void)granted; /* the pool's own service takes it back when it expires */
}

void provider_warm(struct provider *out, struct warm_pool *pool)
{
    *out = (struct provider){"warm", pool, warm_room, warm_request, warm_release};
}
