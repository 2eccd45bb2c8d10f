/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What etl-profile asks the store and leaves there. */
#include "base/instant.h"
#include "profile/evolution.h"
#include "tools/etl-profile.h"

/* Profiles without records say nothing of a schema, and nameless ones cannot be found again. */
void etl_profile_consult(struct store *store, struct arena *a, struct rec_profile *p)
{
    struct err err = ERR_INIT;
    struct store_schema *history;
    size_t n;
    if (store == NULL || p->dataset == NULL || !(p->records > 0))
        return;
    if (store_schemas(store, a, p->dataset, &history, &n, &err))
        p->schema_evolution_probability = profile_evolution(history, n, p, instant_now());
    else
        cli_warn("%s", err.text);
}

void etl_profile_remember(struct store *store, const struct rec_profile *p, const struct buf *line)
{
    struct err err = ERR_INIT;
    if (store == NULL || p->dataset == NULL || !(p->records > 0))
        return;
    if (!store_profile_add(store, p, slice_of(line->p, line->len - 1), &err))
        cli_warn("%s", err.text);
}
