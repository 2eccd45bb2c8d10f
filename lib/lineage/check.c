/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The core schema of OpenLineage (2-0-2) by hand: what RunEvent, JobEvent and DatasetEvent require.
 * Each check names the place it looks at, as a path within the event. Formats (date-time, uri,
 * uuid) are annotations in JSON Schema 2020-12 and are not checked, as validators do by default.
 */
#include "lineage/event.h"

/* Where we are: "inputs[3].facets.schema". */
struct place {
    char path[240];
};

static struct place at(const struct place *parent, const char *name)
{
    struct place p;
    struct quoted q;
    quote_str(&q, name);
    snprintf(p.path, sizeof(p.path), "%.180s%s%.50s", parent->path, parent->path[0] ? "." : "",
             q.s);
    return p;
}

static struct place at_item(const struct place *parent, size_t i)
{
    struct place p;
    snprintf(p.path, sizeof(p.path), "%.200s[%zu]", parent->path, i);
    return p;
}

static bool wrong(const struct place *p, const struct json *v, const char *what, struct err *err)
{
    struct quoted q;
    if (json_is(v, JSON_STRING))
        return err_set(err, ERR_DATA, "%s: %s: '%s'", p->path, what, quote_slice(&q, v->u.s));
    return err_set(err, ERR_DATA, "%s: %s", p->path[0] ? p->path : "event", what);
}

typedef bool value_check(struct slice s);

static bool is_event_type(struct slice s)
{
    static const char *const types[] = {"START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"};
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (slice_is(s, types[i]))
            return true;
    return false;
}

/* A string member; absent is well unless it is required. */
static bool check_string(const struct place *p, const struct json *obj, const char *name,
                         bool required, value_check *check, const char *what, struct err *err)
{
    const struct json *v = json_get(obj, name);
    struct place here = at(p, name);
    if (!v)
        return required ? wrong(&here, NULL, "is required and missing", err) : true;
    if (!json_is(v, JSON_STRING))
        return wrong(&here, NULL, "must be a string", err);
    return !check || check(v->u.s) || wrong(&here, v, what, err);
}

/* Members of an object that is there, each a facet by BaseFacet. */
static bool check_facets(const struct place *p, const struct json *owner, const char *name,
                         struct err *err)
{
    const struct json *facets = json_get(owner, name);
    struct place here = at(p, name);
    if (!facets)
        return true;
    if (!json_is(facets, JSON_OBJECT))
        return wrong(&here, NULL, "must be an object", err);
    for (uint32_t i = 0; i < facets->len; i++) {
        const struct json *f = facets->u.members[i].value;
        struct place facet = at(&here, facets->u.members[i].name.p);
        if (!json_is(f, JSON_OBJECT))
            return wrong(&facet, NULL, "must be an object", err);
        if (!check_string(&facet, f, "_producer", true, NULL, NULL, err) ||
            !check_string(&facet, f, "_schemaURL", true, NULL, NULL, err))
            return false;
        const struct json *deleted = json_get(f, "_deleted");
        struct place d = at(&facet, "_deleted");
        /* Job and dataset facets alone have it; a run's may hold anything there. */
        if (deleted && strcmp(p->path, "run") != 0 && strcmp(name, "facets") == 0 &&
            !json_is(deleted, JSON_TRUE) && !json_is(deleted, JSON_FALSE))
            return wrong(&d, NULL, "must be true or false", err);
    }
    return true;
}

static bool check_dataset(const struct place *p, const struct json *v, const char *more,
                          struct err *err)
{
    if (!json_is(v, JSON_OBJECT))
        return wrong(p, NULL, "must be an object", err);
    return check_string(p, v, "namespace", true, NULL, NULL, err) &&
           check_string(p, v, "name", true, NULL, NULL, err) && check_facets(p, v, "facets", err) &&
           (!more || check_facets(p, v, more, err));
}

static bool check_datasets(const struct json *event, const char *name, const char *more,
                           struct err *err)
{
    const struct json *list = json_get(event, name);
    struct place root = {""}, here = at(&root, name);
    if (!list)
        return true;
    if (!json_is(list, JSON_ARRAY))
        return wrong(&here, NULL, "must be an array", err);
    for (size_t i = 0; i < json_len(list); i++) {
        struct place item = at_item(&here, i);
        if (!check_dataset(&item, json_at(list, i), more, err))
            return false;
    }
    return true;
}

static bool check_run(const struct json *event, struct err *err)
{
    struct place p = {"run"};
    const struct json *run = json_get(event, "run");
    if (!json_is(run, JSON_OBJECT))
        return wrong(&p, NULL, "must be an object", err);
    return check_string(&p, run, "runId", true, NULL, NULL, err) &&
           check_facets(&p, run, "facets", err);
}

static bool check_job(const struct json *event, struct err *err)
{
    struct place p = {"job"};
    const struct json *job = json_get(event, "job");
    if (!json_is(job, JSON_OBJECT))
        return wrong(&p, NULL, "must be an object", err);
    return check_string(&p, job, "namespace", true, NULL, NULL, err) &&
           check_string(&p, job, "name", true, NULL, NULL, err) &&
           check_facets(&p, job, "facets", err);
}

bool lineage_event_check(const struct json *v, struct err *err)
{
    struct place root = {""}, dataset = {"dataset"};
    if (!json_is(v, JSON_OBJECT))
        return wrong(&root, NULL, "must be an object", err);
    if (!check_string(&root, v, "eventTime", true, NULL, NULL, err) ||
        !check_string(&root, v, "producer", true, NULL, NULL, err) ||
        !check_string(&root, v, "schemaURL", true, NULL, NULL, err))
        return false;
    bool run = json_get(v, "run") != NULL, job = json_get(v, "job") != NULL;
    if (json_get(v, "dataset") && !(run && job)) {
        /* A JobEvent or a RunEvent beside it would make it two things at once. */
        if (job)
            return wrong(&root, NULL, "has both a job and a dataset", err);
        return check_dataset(&dataset, json_get(v, "dataset"), NULL, err);
    }
    if (!job)
        return wrong(&(struct place){"job"}, NULL, "is required and missing", err);
    if (run && (!check_string(&root, v, "eventType", false, is_event_type,
                              "not START, RUNNING, COMPLETE, ABORT, FAIL or OTHER", err) ||
                !check_run(v, err)))
        return false;
    return check_job(v, err) && check_datasets(v, "inputs", "inputFacets", err) &&
           check_datasets(v, "outputs", "outputFacets", err);
}
