/* SPDX-License-Identifier: GPL-3.0-or-later */
/* --resume: which run is gone on with, and what people hear of it. */
#include "tools/etl-run.h"

bool resume_store(const struct app *app, struct err *err)
{
    struct quoted q;
    if (!app->opts.resume || app->store)
        return true;
    if (err->kind)
        return err_prefix(err, "cannot resume: ");
    char *path = store_locate(app->opts.common.store, err);
    if (path)
        err_set(err, ERR_ENV, "cannot resume: no store at '%s'; --store names another",
                quote_str(&q, path));
    free(path);
    return false;
}

bool resume_job(struct app *app, const struct pipeline *p, const char **run_id, struct err *err)
{
    *run_id = NULL;
    return !app->opts.resume ||
           resume_find(app->store, &app->mem, p, app->opts.resume, run_id, err);
}

static const char *verb_of(const struct resume_stage *s)
{
    return s->kept                                                        ? "kept: "
           : strncmp(s->why, "not finished", strlen("not finished")) == 0 ? ""
                                                                          : "run again: ";
}

void resume_say(void *ctx, const struct pipeline *p, const struct resume *r)
{
    struct app *app = ctx;
    cli_warn("resuming run %s: %u of %u stages are kept", r->run_id, r->nkept, r->nstages);
    for (uint32_t i = 0; i < r->nstages; i++)
        cli_warn("stage '%s': %s%s", p->stages[i].id, verb_of(&r->stages[i]), r->stages[i].why);
    if (app->opts.reject && r->rejects)
        cli_warn("%llu records that the kept stages rejected are not in '%s'",
                 (unsigned long long)r->rejects, app->opts.reject);
}

int resume_show(struct app *app, const struct pipeline *p)
{
    struct err err = ERR_INIT;
    const char *run_id;
    struct journal now;
    struct resume r;
    if (!resume_job(app, p, &run_id, &err))
        return cli_fail(&err);
    if (!run_id)
        return STATUS_OK;
    journal_init(&now, NULL, "", p, &app->mem);
    if (!resume_decide(&r, &now, run_id, app->store, &err))
        return cli_fail(&err);
    resume_say(app, p, &r);
    return STATUS_OK;
}
