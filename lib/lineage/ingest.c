/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What events and completion records mean for the graph and the runs. */
#include "lineage/ingest.h"

#include <math.h>

#include "base/instant.h"
#include "lineage/event.h"

/* How final a saying is. OTHER may come at any time, also behind the end (OpenLineage, "Run
 * Cycle"), so it decides nothing; a completion record knows best. */
static const struct {
    const char *type, *status;
    int weight;
    bool over;
} meanings[] = {
    {"START", "running", 1, false},     {"RUNNING", "running", 1, false},
    {"COMPLETE", "completed", 2, true}, {"FAIL", "failed", 2, true},
    {"ABORT", "cancelled", 2, true},    {"OTHER", "running", 0, false},
};
#define WEIGHT_COMPLETION 3

static bool add_run(struct store *s, const struct lineage_event *e, struct slice line,
                    struct err *err)
{
    size_t m = ARRAY_LEN(meanings) - 1; /* an unknown type is as OTHER */
    for (size_t i = 0; e->type && i < ARRAY_LEN(meanings); i++)
        if (strcmp(e->type, meanings[i].type) == 0)
            m = i;
    struct store_run r = {
        .run_id = e->run_id,
        .pipeline = e->job_name ? e->job_name : "",
        .job_namespace = e->job_namespace,
        .parent_run_id = e->parent_run_id,
        .status = meanings[m].status,
        .started_at = e->time,
        .ended_at = meanings[m].over ? e->time : NULL,
        .wall_s = (double)NAN,
        .cpu_s = (double)NAN,
        .peak_memory_bytes = (double)NAN,
        .rejects = (double)NAN,
        .error = e->error,
    };
    struct store_saying how = {meanings[m].weight, e->time, line};
    return store_run_seen(s, &r, &how, NULL, 0, err);
}

static bool add_edge(struct store *s, const struct lineage_event *e,
                     const struct lineage_dataset *d, bool reads, struct err *err)
{
    struct store_edge edge = {
        .kind = reads ? "reads" : "writes", .run_id = e->run_id, .at = e->time};
    if (reads) {
        edge.from_namespace = d->namespace;
        edge.from_name = d->name;
        edge.from_kind = "dataset";
        edge.to_namespace = e->job_namespace;
        edge.to_name = e->job_name;
        edge.to_kind = "job";
    } else {
        edge.from_namespace = e->job_namespace;
        edge.from_name = e->job_name;
        edge.from_kind = "job";
        edge.to_namespace = d->namespace;
        edge.to_name = d->name;
        edge.to_kind = "dataset";
    }
    return store_edges_add(s, &edge, 1, err);
}

static bool add_graph(struct store *s, const struct lineage_event *e, struct err *err)
{
    struct store_node job = {e->job_namespace, e->job_name, "job"};
    if (!store_node_add(s, &job, err))
        return false;
    for (size_t i = 0; i < e->ninputs; i++)
        if (!add_edge(s, e, &e->inputs[i], true, err))
            return false;
    for (size_t i = 0; i < e->noutputs; i++)
        if (!add_edge(s, e, &e->outputs[i], false, err))
            return false;
    return true;
}

bool lineage_add_event(struct store *s, const struct json *event, struct slice line, bool strict,
                       struct lineage_added *added, struct err *err)
{
    if (strict && !lineage_event_check(event, err))
        return err_prefix(err, "not an OpenLineage event: ");
    struct arena a = ARENA_INIT;
    struct lineage_event e;
    bool is_new = false;
    bool ok = lineage_event_read(&a, event, &e, err);
    if (ok)
        ok = store_event_add(s, line, e.run_id, e.time, &is_new, err);
    if (ok && is_new) {
        ok = (!e.run_id || add_run(s, &e, line, err)) && (!e.job_name || add_graph(s, &e, err));
        added->edges += e.job_name ? e.ninputs + e.noutputs : 0;
        added->passed_over += e.unusable;
    }
    if (ok) {
        added->events++;
        added->known += !is_new;
    }
    arena_release(&a);
    return ok;
}

static char *end_of(const struct rec_completion *c)
{
    int64_t us;
    char text[INSTANT_TEXT];
    if (!c->started_at || !instant_parse(slice_str(c->started_at), &us))
        return NULL;
    /* 1e9 s are 31 years: beyond it the figure is no duration. */
    if (c->wall_s >= 0 && c->wall_s < 1e9)
        us += (int64_t)(c->wall_s * (double)US_PER_S);
    instant_format(text, us);
    return xstrdup(text);
}

bool lineage_add_completion(struct store *s, const struct json *rec, struct slice line,
                            struct lineage_added *added, struct err *err)
{
    struct arena a = ARENA_INIT;
    struct rec_completion c;
    bool ok = rec_completion_read(&a, rec, &c, err);
    if (ok && (!c.run_id || !c.run_id[0]))
        ok = err_set(err, ERR_DATA, "completion: run_id is required and missing");
    if (ok) {
        char *ended = end_of(&c);
        struct store_run r = {
            .run_id = c.run_id,
            .pipeline = c.pipeline ? c.pipeline : "",
            .status = c.status,
            .started_at = c.started_at,
            .ended_at = ended,
            .wall_s = c.wall_s,
            .cpu_s = c.cpu_s,
            .peak_memory_bytes = c.peak_memory_bytes,
            .rejects = c.rejects,
            .error = c.error,
        };
        struct store_stage *stages = ARENA_ARRAY(&a, struct store_stage, c.nstages);
        for (uint32_t i = 0; i < c.nstages; i++)
            stages[i] = (struct store_stage){
                .used = c.stages[i].used,
                .predicted_cpu_s = c.stages[i].predicted_cpu_s,
                .predicted_wall_s = c.stages[i].predicted_wall_s,
                .predicted_peak_memory_bytes = c.stages[i].predicted_peak_memory_bytes,
                .predicted_records_out = c.stages[i].predicted_records_out,
                .status = c.stages[i].status,
                .parallelism = (double)NAN,
            };
        struct store_saying how = {WEIGHT_COMPLETION, ended, line};
        ok = store_run_seen(s, &r, &how, stages, c.nstages, err);
        free(ended);
    }
    added->completions += ok;
    arena_release(&a);
    return ok;
}
