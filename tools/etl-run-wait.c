/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When a plan may start: room on the machine, and whether its pipeline file is still the same. */
#include <dirent.h>
#include <math.h>
#include <time.h>

#include "base/instant.h"
#include "os/os.h"
#include "pipeline/pipeline.h"
#include "plan/plan.h"
#include "tools/etl-run.h"

#define LOOK_S 1.0    /* between two looks at the machine */
#define FILES_MAX 200 /* of the base folder that are looked at for the pipeline's own */
#define FILE_BYTES (1u << 20)

/* Is there room now? With a prediction the pipeline is planned anew; without one its largest stage
 * must fit what is free. */
static bool has_room(struct arena *a, struct job *job, const char *deadline)
{
    struct rec_environment *env = ARENA_NEW(a, struct rec_environment);
    plan_environment_local(a, env);
    if (!job->predicted) {
        double need = 0;
        for (uint32_t i = 0; i < job->plan.nstages; i++)
            need = fmax(need, job->plan.stages[i].memory_gb);
        return need <= env->available_memory_gb;
    }
    struct plan_options o = {.now_us = instant_now(), .mode = job->plan.mode};
    if (deadline)
        plan_deadline_parse(deadline, o.now_us, &o.deadline_us);
    struct plan_result r;
    struct err why = ERR_INIT;
    if (!plan_pipeline(a, job->predicted, env, 1, &o, &r, &why) || !r.ok || r.plan.queued_reason)
        return false;
    job->plan = r.plan;
    return true;
}

bool wait_for_room(struct arena *a, struct job *job, bool no_wait, const char *deadline,
                   const volatile sig_atomic_t *stop, struct err *err)
{
    if (!job->plan.queued_reason)
        return true;
    const char *until = job->plan.queued_until;
    if (no_wait)
        return err_set(err, ERR_AGAIN, "pipeline '%s' is queued: %s", job->plan.pipeline,
                       job->plan.queued_reason);
    cli_warn("pipeline '%s' waits%s%s: %s", job->plan.pipeline, until ? " until " : "",
             until ? until : "", job->plan.queued_reason);
    int64_t until_us = 0;
    if (until && !instant_parse(slice_str(until), &until_us))
        until_us = 0;
    for (;;) {
        if (until_us ? instant_now() >= until_us : has_room(a, job, deadline)) {
            job->plan.queued_reason = NULL;
            return true;
        }
        for (double t = clock_wall() + LOOK_S; clock_wall() < t;) {
            struct timespec ts = {0, 50000000};
            nanosleep(&ts, NULL);
            if (*stop)
                return err_set(err, ERR_AGAIN, "stopped by signal %d while waiting", (int)*stop);
        }
    }
}

/* Does the file describe the pipeline called `name`? */
static bool is_file_of(const char *path, const char *name)
{
    struct arena a = ARENA_INIT;
    struct buf text = BUF_INIT(FILE_BYTES);
    struct err ignored = ERR_INIT;
    struct json *v = NULL;
    bool is = file_read_all(path, FILE_BYTES, &text, &ignored) &&
              json_parse(&a, buf_slice(&text), JSON_COMMENTS, &v, &ignored) &&
              strcmp(json_str(v, "pipeline", ""), name) == 0;
    buf_release(&text);
    arena_release(&a);
    return is;
}

const char *changed_since(struct arena *a, const struct rec_plan *plan)
{
    if (!plan->base || !plan->code_version || !plan->pipeline)
        return NULL;
    DIR *dir = opendir(plan->base);
    const char *found = NULL;
    bool same = false;
    struct dirent *e;
    for (int n = 0; dir && !same && n < FILES_MAX && (e = readdir(dir));) {
        size_t len = strlen(e->d_name);
        if (len < 6 || strcmp(e->d_name + len - 5, ".json") != 0)
            continue;
        n++;
        char *path = arena_printf(a, "%s/%s", plan->base, e->d_name);
        char now[PIPELINE_VERSION_MAX];
        struct err ignored = ERR_INIT;
        if (!is_file_of(path, plan->pipeline) || !pipeline_code_version(path, now, &ignored))
            continue;
        same = strcmp(now, plan->code_version) == 0;
        if (!found || strcmp(path, found) < 0)
            found = path;
    }
    if (dir)
        closedir(dir);
    if (same || !found)
        return NULL;
    return arena_printf(a, "'%s' has changed since it was planned: what runs is the plan's version",
                        found);
}
