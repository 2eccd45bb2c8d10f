/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is kept of an earlier run. See resume.h. */
#include "engine/resume.h"

#include "os/os.h"

/* -- which run -- */

bool resume_find(struct store *s, struct arena *a, const struct pipeline *p, const char *run,
                 const char **out, struct err *err)
{
    struct store_run found;
    struct quoted q;
    const char *id = NULL;
    if (*run)
        id = run;
    else if (!store_resumable(s, a, p->name, p->definition, &id, err))
        return false;
    if (!id)
        return err_set(err, ERR_DATA,
                       "pipeline '%s' has no run to resume: all have completed, or nothing was "
                       "begun; run it without --resume",
                       quote_str(&q, p->name));
    if (!store_run_find(s, a, id, &found, err))
        return false;
    if (strcmp(found.pipeline, p->name) != 0)
        return err_set(err, ERR_DATA, "run '%s' is of pipeline '%s'", found.run_id,
                       quote_str(&q, found.pipeline));
    if (strcmp(found.status, "running") == 0)
        return err_set(err, ERR_AGAIN, "run '%s' is still running%s%s (process %lld)", found.run_id,
                       found.host ? " on " : "", found.host ? found.host : "",
                       (long long)found.pid);
    if (strcmp(found.status, "completed") == 0)
        return err_set(err, ERR_DATA, "run '%s' completed: there is nothing to resume",
                       found.run_id);
    *out = arena_strdup(a, found.run_id);
    return true;
}

/* -- what changed -- */

struct decider {
    struct resume *r;
    const struct journal *now;
    const struct pipeline *p;
    struct arena *a;
    const char **stale;  /* why what a stage gives is not what it was, or NULL */
    const char **unkept; /* why a result does not stay, or NULL */
    bool *run;
};

static const char *name_of(struct decider *d, const char *path)
{
    struct quoted q;
    size_t n = strlen(d->p->base);
    bool below = strncmp(path, d->p->base, n) == 0 && path[n] == '/';
    return arena_strdup(d->a, quote_str(&q, below ? path + n + 1 : path));
}

static const char *marks_change(struct decider *d, const struct marks *then,
                                const struct marks *now)
{
    for (uint32_t i = 0; i < now->n || i < then->n; i++) {
        if (i >= then->n)
            return arena_printf(d->a, "input '%s' is new", name_of(d, now->items[i].path));
        if (!then->items[i].path)
            return "the journal does not name an input";
        if (i >= now->n)
            return arena_printf(d->a, "input '%s' is no longer read",
                                name_of(d, then->items[i].path));
        if (strcmp(then->items[i].path, now->items[i].path) != 0)
            return arena_printf(d->a, "it reads '%s' in place of '%s'",
                                name_of(d, now->items[i].path), name_of(d, then->items[i].path));
        if (!mark_holds(&then->items[i], &now->items[i]))
            return arena_printf(d->a, "input '%s' changed: %s", name_of(d, now->items[i].path),
                                mark_change(d->a, &then->items[i], &now->items[i]));
    }
    return NULL;
}

static void marks_again(struct decider *d, const struct marks *then, struct marks *now)
{
    *now = (struct marks){ARENA_ARRAY(d->a, struct mark, then->n), then->n};
    for (uint32_t i = 0; i < then->n; i++) {
        if (then->items[i].path)
            mark_take(&now->items[i], then->items[i].path);
    }
}

static const char *command_change(struct decider *d, const struct stage *s,
                                  const struct journal_stage *then)
{
    if (then->step < JOURNAL_BEGAN)
        return NULL;
    const char *program = journal_program(d->a, d->p, s);
    const char *was = then->program.path;
    if ((program == NULL) != (was == NULL) || (program && strcmp(program, was) != 0))
        return arena_printf(d->a, "the command is another one: '%s' in place of '%s'",
                            program ? name_of(d, program) : "?", was ? name_of(d, was) : "?");
    struct mark now;
    if (program)
        mark_take(&now, program);
    if (program && !mark_holds(&then->program, &now))
        return arena_printf(d->a, "the command '%s' changed: %s", name_of(d, program),
                            mark_change(d->a, &then->program, &now));
    struct marks reads;
    marks_again(d, &then->reads, &reads);
    return marks_change(d, &then->reads, &reads);
}

/* Of the stage itself, whatever comes before it. */
static const char *own_change(struct decider *d, uint32_t i)
{
    const struct stage *s = &d->p->stages[i];
    const struct journal_stage *now = &d->now->stages[i];
    const struct journal_stage *then = journal_find(&d->r->old, s->id);
    if (!then)
        return arena_printf(d->a, "stage '%s' is new in the pipeline", s->id);
    if (strcmp(then->definition, now->definition) != 0)
        return arena_printf(d->a, "the pipeline's definition of '%s' changed", s->id);
    if (s->op == OP_COMMAND || s->op == OP_SQL)
        return command_change(d, s, then);
    const char *why = marks_change(d, &then->reads, &now->reads);
    if (!why && then->types[0] && now->types[0] && strcmp(then->types, now->types) != 0)
        why = arena_printf(d->a, "the columns that '%s' reads, or their types, changed", s->id);
    return why;
}

static bool stays(const struct stage *s)
{
    return s->op == OP_WRITE || s->op == OP_COMMAND || s->op == OP_SQL;
}

/* Does stage i read a file that stage k writes? */
static bool reads_from(const struct pipeline *p, uint32_t i, uint32_t k)
{
    const struct text_list *reads = stage_reads(&p->stages[i]);
    for (uint32_t n = 0; n < reads->n; n++) {
        if (journal_writes(&p->stages[k], reads->items[n]))
            return true;
    }
    return false;
}

/* Why what comes before stage i is not what it was. */
static const char *before_change(struct decider *d, uint32_t i)
{
    const struct stage *s = &d->p->stages[i];
    for (uint32_t k = 0; k < s->ninputs; k++) {
        if (d->stale[s->inputs[k]])
            return d->stale[s->inputs[k]];
    }
    for (uint32_t k = 0; k < s->nafter; k++) {
        uint32_t from = s->after[k];
        const char *id = d->p->stages[from].id;
        if (stays(&d->p->stages[from]) && d->run[from] && reads_from(d->p, i, from))
            return arena_printf(d->a, "it reads what stage '%s' writes, which is run again", id);
        if (d->unkept[from])
            return arena_printf(d->a, "it comes after stage '%s', which is run again", id);
        if (d->stale[from])
            return d->stale[from];
    }
    return NULL;
}

/* -- what stays -- */

static const char *output_change(struct decider *d, const struct journal_stage *then,
                                 struct resume_stage *out)
{
    for (uint32_t i = 0; i < then->outputs.n; i++) {
        const struct mark *was = &then->outputs.items[i];
        struct mark now;
        if (!was->path)
            return "the journal does not name its output";
        mark_take(&now, was->path);
        if (mark_holds(was, &now))
            continue;
        if (i == 0 && then->hidden) {
            struct mark hidden;
            mark_take(&hidden, then->hidden);
            if (mark_holds(was, &hidden)) {
                out->hidden = then->hidden;
                continue;
            }
        }
        return now.kind == MARK_ABSENT
                   ? arena_printf(d->a, "its output '%s' is gone", name_of(d, was->path))
                   : arena_printf(d->a, "its output '%s' was changed: %s", name_of(d, was->path),
                                  mark_change(d->a, was, &now));
    }
    return NULL;
}

/* Why the result of a stage does not stay; NULL when it does. */
static const char *not_kept(struct decider *d, uint32_t i, struct resume_stage *out)
{
    const struct stage *s = &d->p->stages[i];
    const struct journal_stage *then = journal_find(&d->r->old, s->id);
    enum journal_step done = s->op == OP_WRITE ? JOURNAL_READY : JOURNAL_ENDED;
    out->hidden = NULL;
    if (then && then->step == JOURNAL_BEGAN)
        return "not finished: it was begun and did not end well";
    if (then && then->step != done)
        return "not finished";
    if (d->stale[i])
        return d->stale[i];
    const char *why = output_change(d, then, out);
    if (why)
        return why;
    if (s->ninputs > 0 && strcmp(d->r->old.build, d->now->build) != 0)
        return arena_printf(d->a, "etl-run changed: build %.12s -> %.12s", d->r->old.build,
                            d->now->build);
    return NULL;
}

static const char *why_kept(struct decider *d, uint32_t i, const struct resume_stage *s)
{
    const struct stage *stage = &d->p->stages[i];
    if (s->hidden)
        return arena_printf(d->a, "its output '%s' is ready to be published",
                            name_of(d, stage->u.write.path));
    if (stage->op == OP_WRITE)
        return arena_printf(d->a, "its output '%s' is there", name_of(d, stage->u.write.path));
    if (stays(stage))
        return "it ended well";
    return "no stage that is run takes its rows";
}

/* -- deciding -- */

static void look_forward(struct decider *d)
{
    for (uint32_t n = 0; n < d->p->nstages; n++) {
        uint32_t i = d->p->order[n];
        const struct stage *s = &d->p->stages[i];
        struct resume_stage *out = &d->r->stages[i];
        d->stale[i] = own_change(d, i);
        if (!d->stale[i])
            d->stale[i] = before_change(d, i);
        if (!stays(s))
            continue;
        d->unkept[i] = not_kept(d, i, out);
        /* Rows of a command are kept nowhere: whether it is run depends on who takes them. */
        if (s->nconsumers)
            continue;
        d->run[i] = d->unkept[i] != NULL;
        out->why = d->unkept[i];
    }
}

static bool look_back(struct decider *d)
{
    bool changed = false;
    for (uint32_t n = d->p->nstages; n-- > 0;) {
        uint32_t i = d->p->order[n];
        const struct stage *s = &d->p->stages[i];
        bool run = d->run[i];
        if (!stays(s) && !s->nconsumers) {
            run = true;
            d->r->stages[i].why = "nothing of it stays";
        }
        if (stays(s) && s->nconsumers && d->unkept[i] && !run) {
            run = true;
            d->r->stages[i].why = d->unkept[i];
        }
        for (uint32_t k = 0; k < s->nconsumers && !run; k++) {
            run = d->run[s->consumers[k]];
            d->r->stages[i].why =
                arena_printf(d->a, "stage '%s' takes its rows", d->p->stages[s->consumers[k]].id);
        }
        changed = changed || run != d->run[i];
        d->run[i] = run;
    }
    return changed;
}

bool resume_decide(struct resume *r, struct journal *now, const char *run_id, struct store *s,
                   struct err *err)
{
    struct arena *a = now->a;
    const struct pipeline *p = now->p;
    *r = (struct resume){.run_id = run_id, .nstages = p->nstages};
    r->stages = ARENA_ARRAY(a, struct resume_stage, p->nstages);
    if (!journal_load(&r->old, s, run_id, a, err))
        return false;
    if (!r->old.nstages)
        return err_set(err, ERR_DATA,
                       "run '%s' left nothing to go on with: run the pipeline without --resume",
                       run_id);
    struct decider d = {r, now, p, a, NULL, NULL, NULL};
    d.stale = ARENA_ARRAY(a, const char *, p->nstages);
    d.unkept = ARENA_ARRAY(a, const char *, p->nstages);
    d.run = ARENA_ARRAY(a, bool, p->nstages);
    do /* each turn runs at least one stage more */
        look_forward(&d);
    while (look_back(&d));
    for (uint32_t i = 0; i < p->nstages; i++) {
        const struct journal_stage *then = journal_find(&r->old, p->stages[i].id);
        struct resume_stage *g = &r->stages[i];
        g->kept = !d.run[i];
        if (!g->kept) {
            g->hidden = NULL;
            continue;
        }
        g->why = why_kept(&d, i, g);
        g->rejects = then ? then->rejects : 0;
        r->rejects += g->rejects;
        r->nkept++;
    }
    return true;
}

void resume_carry(const struct resume *r, struct journal *now)
{
    for (uint32_t i = 0; i < r->nstages; i++) {
        const struct journal_stage *then = journal_find(&r->old, now->stages[i].id);
        struct journal_stage *g = &now->stages[i];
        if (!r->stages[i].kept || !then)
            continue;
        g->rejects = then->rejects;
        if (then->step == JOURNAL_NONE || then->step == JOURNAL_BEGAN)
            continue;
        g->step = then->step;
        g->program = then->program;
        g->hidden = then->hidden;
        g->outputs = then->outputs;
        if (then->step == JOURNAL_ENDED)
            g->reads = then->reads;
    }
}
