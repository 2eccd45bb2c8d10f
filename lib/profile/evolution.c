/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Schema changes, counted with decay. */
#include "profile/evolution.h"

#include <math.h>

#include "base/instant.h"

/* A month: releases of the programs that write data come in weeks and months, not in days. */
#define HALF_LIFE_US (30 * 86400 * (double)US_PER_S)

/* Names as records write them: bytes that are not UTF-8 are replaced. */
static bool same_name(struct slice stored, const char *name)
{
    struct buf a = BUF_INIT(BUF_UNBOUNDED), b = BUF_INIT(BUF_UNBOUNDED);
    json_quote(&a, stored);
    json_quote(&b, slice_str(name));
    bool same = slice_eq(buf_slice(&a), buf_slice(&b));
    buf_release(&a);
    buf_release(&b);
    return same;
}

/* Has the profile other columns or types than [{"name":…,"type":…}]? */
static bool differs(const char *columns, const struct rec_profile *p)
{
    struct arena mem = ARENA_INIT;
    struct json *v = NULL;
    bool same = json_parse(&mem, slice_str(columns ? columns : ""), 0, &v, NULL) &&
                json_is(v, JSON_ARRAY) && json_len(v) == p->ncolumns;
    for (uint32_t i = 0; same && i < p->ncolumns; i++) {
        const struct json *c = json_at(v, i), *name = json_get(c, "name");
        same = json_is(name, JSON_STRING) && same_name(name->u.s, p->columns[i].name) &&
               strcmp(json_str(c, "type", ""), type_name(p->columns[i].type)) == 0;
    }
    arena_release(&mem);
    return !same;
}

double profile_evolution(const struct store_schema *history, size_t n, const struct rec_profile *p,
                         int64_t now_us)
{
    if (n == 0)
        return (double)NAN;
    double changed = differs(history[n - 1].columns, p), all = 1;
    for (size_t i = 1; i < n; i++) {
        int64_t at;
        double age = instant_parse(slice_str(history[i].at), &at) ? (double)(now_us - at) : 0;
        double weight = exp2(-(age > 0 ? age : 0) / HALF_LIFE_US);
        all += weight;
        changed += history[i].changed ? weight : 0;
    }
    return (changed + 1) / (all + 2);
}
