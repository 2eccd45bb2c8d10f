/* SPDX-License-Identifier: GPL-3.0-or-later */
/* etl-plan: options, streams, statuses. The work is in lib/plan. */
#include <math.h>
#include <unistd.h>

#include "base/instant.h"
#include "cli/chain.h"
#include "tools/etl-plan.h"

struct job {
    struct etl_plan_opts o;
    struct plan_options plan;
    struct chain chain;
    struct arena mem;
    struct rec_execution_profile *profiles; /* one per pipeline, in order of first appearance */
    struct rec_environment *environments;
    struct rec_verdict *verdicts; /* one per check and subject */
    size_t nprofiles, nenvironments, nverdicts;
    bool reading_environments, people, given; /* given: environments came in the input */
    int status;
};

static bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Of several records about one subject the last wins. */
static void keep_profile(struct job *j, const struct rec_execution_profile *x)
{
    size_t i = 0;
    while (i < j->nprofiles && !same(j->profiles[i].pipeline, x->pipeline))
        i++;
    *(i < j->nprofiles ? &j->profiles[i] : ARENA_PUSH(&j->mem, j->profiles, j->nprofiles)) = *x;
}

static void keep_environment(struct job *j, const struct rec_environment *e)
{
    size_t i = 0;
    while (i < j->nenvironments && !same(j->environments[i].id, e->id))
        i++;
    *(i < j->nenvironments ? &j->environments[i]
                           : ARENA_PUSH(&j->mem, j->environments, j->nenvironments)) = *e;
}

static void keep_verdict(struct job *j, const struct rec_verdict *v)
{
    size_t i = 0;
    while (i < j->nverdicts &&
           !(same(j->verdicts[i].check, v->check) && same(j->verdicts[i].subject, v->subject)))
        i++;
    *(i < j->nverdicts ? &j->verdicts[i] : ARENA_PUSH(&j->mem, j->verdicts, j->nverdicts)) = *v;
}

static bool take_record(void *ctx, struct chain *c, const struct json *rec, struct slice line)
{
    struct job *j = ctx;
    struct err err = ERR_INIT;
    bool ok = true, kept = true;
    (void)line;
    if (rec_is(rec, "environment")) {
        struct rec_environment e;
        ok = rec_environment_read(&j->mem, rec, &e, &err);
        if (ok)
            keep_environment(j, &e);
        j->given |= !j->reading_environments;
    } else if (j->reading_environments) {
        kept = false;
    } else if (rec_is(rec, "execution_profile")) {
        struct rec_execution_profile x;
        ok = rec_execution_profile_read(&j->mem, rec, &x, &err);
        if (ok)
            keep_profile(j, &x);
    } else if (rec_is(rec, "verdict")) {
        struct rec_verdict v;
        ok = rec_verdict_read(&j->mem, rec, &v, &err);
        if (ok)
            keep_verdict(j, &v);
    } else {
        kept = false;
    }
    if (!ok) {
        cli_error("%s:%llu: %s", c->name, (unsigned long long)c->line_no, err.text);
        j->status = status_worse(j->status, STATUS_DATA);
    }
    return kept && ok;
}

static void read_one(struct job *j, const char *path, bool environments)
{
    struct err err = ERR_INIT;
    j->reading_environments = environments;
    j->chain.forward = !environments && !j->people && !cli_is_quiet();
    if (!chain_read(&j->chain, path, take_record, j, &err))
        j->status = status_worse(j->status, cli_fail(&err));
}

static void read_all(struct job *j, char **files, size_t nfiles)
{
    chain_init(&j->chain, false);
    for (size_t i = 0; i < j->o.environments.n; i++)
        read_one(j, j->o.environments.items[i], true);
    if (nfiles == 0 && !isatty(STDIN_FILENO))
        read_one(j, NULL, false);
    for (size_t i = 0; i < nfiles; i++)
        read_one(j, files[i], false);
    if (j->chain.bad_lines > 0)
        j->status = status_worse(j->status, STATUS_DATA);
}

/* A gate in a pipe gates: names every check that says no. */
static bool gate_is_open(struct job *j)
{
    bool open = true;
    for (size_t i = 0; i < j->nverdicts && !j->o.ignore_verdicts; i++) {
        const struct rec_verdict *v = &j->verdicts[i];
        if (v->ok)
            continue;
        cli_error("not planned: the check '%s' of '%s' says no%s%s",
                  v->check ? v->check : "unnamed", v->subject ? v->subject : "its input",
                  v->nreasons ? ": " : "", v->nreasons ? v->reasons[0] : "");
        open = false;
    }
    if (!open)
        j->status = status_worse(j->status, STATUS_NO);
    return open;
}

static void write_environment(struct job *j, struct buf *out, const struct rec_environment *e)
{
    /* One that came in the input has been forwarded already. */
    if (e && !j->people && !j->given)
        rec_environment_write(out, e);
}

static void plan_one(struct job *j, const struct rec_execution_profile *x, struct buf *out)
{
    struct plan_result r;
    struct err err = ERR_INIT;
    if (!plan_pipeline(&j->mem, x, j->environments, j->nenvironments, &j->plan, &r, &err)) {
        j->status = status_worse(j->status, cli_fail(&err));
        return;
    }
    if (!r.ok) {
        for (uint32_t i = 0; i < r.verdict.nreasons; i++)
            cli_error("%s: %s", x->pipeline, r.verdict.reasons[i]);
        j->status = status_worse(j->status, STATUS_NO);
    } else if (j->o.check) {
        r.verdict = (struct rec_verdict){.check = "plan",
                                         .subject = x->pipeline,
                                         .ok = true,
                                         .reasons = r.plan.why,
                                         .nreasons = r.plan.nwhy};
    } else {
        write_environment(j, out, r.environment);
        if (j->people)
            etl_plan_table(out, &r.plan);
        else
            rec_plan_write(out, &r.plan);
        return;
    }
    if (j->people)
        etl_plan_verdict(out, &r.verdict);
    else
        rec_verdict_write(out, &r.verdict);
}

static void plan_all(struct job *j, struct buf *out)
{
    if (!gate_is_open(j))
        return;
    if (j->nprofiles == 0) {
        cli_error("no execution_profile came; make one with etl-predict -p");
        j->status = status_worse(j->status, STATUS_DATA);
        return;
    }
    if (j->nenvironments == 0 && j->o.environments.n == 0)
        plan_environment_local(&j->mem, ARENA_PUSH(&j->mem, j->environments, j->nenvironments));
    for (size_t i = 0; i < j->nprofiles; i++)
        plan_one(j, &j->profiles[i], out);
}

static void list_environments(struct job *j, struct buf *out)
{
    struct rec_environment local;
    plan_environment_local(&j->mem, &local);
    if (j->people)
        etl_plan_environments(out, &local, 1);
    else
        rec_environment_write(out, &local);
}

int main(int argc, char **argv)
{
    struct job j = {.o = ETL_PLAN_OPTS_INIT, .mem = ARENA_INIT};
    struct err err = ERR_INIT;
    struct buf out = BUF_INIT(BUF_UNBOUNDED);
    char **files;
    size_t nfiles;
    int status;
    cli_init(&etl_plan_tool);
    if (!cli_parse(&etl_plan_tool, argc, argv, &j.o, &files, &nfiles, &status))
        return status;
    bool list = nfiles > 0 && strcmp(files[0], "environments") == 0;
    if (list && nfiles > 1)
        return cli_usage("environments takes no file, and '%s' was given", files[1]);
    if (!list && j.o.from)
        return cli_usage("--from belongs to 'environments'");
    j.plan.now_us = instant_now();
    j.plan.objective = j.o.objective;
    j.plan.mode = j.o.mode;
    if (j.o.deadline && !plan_deadline_parse(j.o.deadline, j.plan.now_us, &j.plan.deadline_us))
        return cli_usage("--deadline: '%s' is neither a duration (5m) nor a time (06:00)",
                         j.o.deadline);
    j.people = cli_for_people(&j.o.common);
    if (list) {
        list_environments(&j, &out);
    } else {
        read_all(&j, files, nfiles);
        plan_all(&j, &out);
        chain_release(&j.chain);
    }
    if (!cli_is_quiet())
        out_buf(&out);
    buf_release(&out);
    arena_release(&j.mem);
    if (!out_close(&err))
        j.status = status_worse(j.status, cli_fail(&err));
    return j.status;
}
