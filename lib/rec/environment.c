/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The environment record: a place where stages can run, and what it has. */
#include "rec/figures.h"

#include <math.h>

bool rec_environment_read(struct arena *a, const struct json *v, struct rec_environment *out,
                          struct err *err)
{
    (void)a;
    *out = (struct rec_environment){0};
    if (!rec_require_string(v, "environment", "id", &out->id, err))
        return false;
    out->kind = json_str(v, "kind", NULL);
    out->cpu_cores = json_num(v, "cpu_cores", NAN);
    out->memory_gb = json_num(v, "memory_gb", NAN);
    out->gpus = json_num(v, "gpus", NAN);
    const struct json *available = json_get(v, "available");
    out->available_cores = json_num(available, "cpu_cores", NAN);
    out->available_memory_gb = json_num(available, "memory_gb", NAN);
    out->available_gpus = json_num(available, "gpus", NAN);
    out->price_usd_per_hour = json_num(v, "price_usd_per_hour", NAN);
    out->spot_price_usd_per_hour = json_num(v, "spot_price_usd_per_hour", NAN);
    out->startup_s = json_num(v, "startup_s", NAN);
    out->speed = json_num(v, "speed", NAN);
    out->exec = json_str(v, "exec", NULL);
    return true;
}

void rec_environment_write(struct buf *out, const struct rec_environment *e)
{
    struct jw w;
    rec_open(&w, out, "environment");
    jw_kstr(&w, "id", e->id);
    jw_kstr(&w, "kind", e->kind);
    jw_knum(&w, "cpu_cores", e->cpu_cores);
    jw_knum(&w, "memory_gb", e->memory_gb);
    jw_knum(&w, "gpus", e->gpus);
    jw_key(&w, "available");
    jw_obj(&w);
    jw_knum(&w, "cpu_cores", e->available_cores);
    jw_knum(&w, "memory_gb", e->available_memory_gb);
    jw_knum(&w, "gpus", e->available_gpus);
    jw_end_obj(&w);
    jw_knum(&w, "price_usd_per_hour", e->price_usd_per_hour);
    jw_knum(&w, "spot_price_usd_per_hour", e->spot_price_usd_per_hour);
    jw_knum(&w, "startup_s", e->startup_s);
    jw_knum(&w, "speed", e->speed);
    jw_kstr(&w, "exec", e->exec);
    rec_close(&w);
}
