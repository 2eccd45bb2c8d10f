/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading OpenLineage events leniently. The strict check is in check.c. */
#include "lineage/event.h"

#include "base/instant.h"

/* A member that is a string without a NUL in it (names end at one) and not empty; else NULL. */
static const char *text_of(const struct json *obj, const char *name)
{
    const struct json *v = json_get(obj, name);
    if (!json_is(v, JSON_STRING) || v->u.s.len == 0 || memchr(v->u.s.p, '\0', v->u.s.len))
        return NULL;
    return v->u.s.p;
}

static const char *or_empty(const char *s)
{
    return s ? s : "";
}

static const struct lineage_dataset *datasets(struct arena *a, const struct json *list, size_t *n,
                                              size_t *unusable)
{
    size_t len = json_is(list, JSON_ARRAY) ? json_len(list) : 0;
    struct lineage_dataset *out = ARENA_ARRAY(a, struct lineage_dataset, len);
    *n = 0;
    for (size_t i = 0; i < len; i++) {
        const struct json *d = json_at(list, i);
        const char *name = text_of(d, "name");
        if (name)
            out[(*n)++] = (struct lineage_dataset){or_empty(text_of(d, "namespace")), name};
        else
            ++*unusable;
    }
    return out;
}

bool lineage_event_read(struct arena *a, const struct json *v, struct lineage_event *out,
                        struct err *err)
{
    const struct json *run = json_get(v, "run"), *job = json_get(v, "job");
    const struct json *facets = json_get(run, "facets");
    int64_t us;
    *out = (struct lineage_event){
        .type = text_of(v, "eventType"),
        .time = text_of(v, "eventTime"),
        .run_id = text_of(run, "runId"),
        .parent_run_id = text_of(json_get(json_get(facets, "parent"), "run"), "runId"),
        .error = text_of(json_get(facets, "errorMessage"), "message"),
        .job_namespace = or_empty(text_of(job, "namespace")),
        .job_name = text_of(job, "name"),
    };
    if (out->time && !instant_parse(slice_str(out->time), &us))
        out->time = NULL;
    out->inputs = datasets(a, json_get(v, "inputs"), &out->ninputs, &out->unusable);
    out->outputs = datasets(a, json_get(v, "outputs"), &out->noutputs, &out->unusable);
    if (!out->run_id && !out->job_name)
        return err_set(err, ERR_DATA, "an event with neither run.runId nor job.name says nothing");
    return true;
}
