/* SPDX-License-Identifier: GPL-3.0-or-later */
/* This machine as an environment. */
#include <math.h>

#include "os/os.h"
#include "plan/plan.h"

#define GB 1073741824.0 /* contracts.md: `_gb` is 2^30 bytes */

/* Down to what three digits hold: a figure of a moment, not to be read as exact. */
static double gb(double bytes)
{
    return floor(bytes / GB * 1000) / 1000;
}

void plan_environment_local(struct arena *a, struct rec_environment *out)
{
    struct machine m;
    machine_read(&m);
    /* Cores that others keep busy are not free, but one always is to be had: the system shares
     * them out. */
    double idle = floor(m.cores - m.load1 + 0.5);
    *out = (struct rec_environment){
        .id = arena_printf(a, "local:%s", m.host),
        .kind = "local",
        .cpu_cores = m.cores,
        .memory_gb = gb(m.memory_bytes),
        .gpus = NAN, /* nobody looked */
        .available_cores = fmin(m.cores, fmax(1, idle)),
        .available_memory_gb = gb(m.available_bytes),
        .available_gpus = NAN,
        .price_usd_per_hour = NAN,
        .spot_price_usd_per_hour = NAN,
        .startup_s = 0,
        .speed = 1,
        .exec = NULL,
    };
}
