/* SPDX-License-Identifier: GPL-3.0-or-later */
/* OpenLineage events. See events.h. */
#include "engine/events.h"

#include <math.h>

#include "base/uuid.h"
#include "json/json.h"

#define PRODUCER "urn:foreline:0.1.0"
#define SPEC "https://openlineage.io/spec/"
#define EVENT_SCHEMA SPEC "2-0-2/OpenLineage.json#/$defs/RunEvent"

/* -- datasets -- */

static void split_name(struct arena *a, const char *path, struct dataset *out)
{
    static const char long_name[] = "postgresql://"; /* the two names are one */
    if (strncmp(path, long_name, sizeof(long_name) - 1) == 0)
        path = arena_printf(a, "postgres://%s", path + sizeof(long_name) - 1);
    const char *scheme = strstr(path, "://");
    if (!scheme || path[0] == '/') {
        out->ns = "file";
        out->name = path;
        return;
    }
    const char *host = scheme + 3, *end = host + strcspn(host, "/");
    for (const char *c = host; c < end; c++) {
        if (*c ==
            '@') /* a name and perhaps a password come before it: they are nobody's business */
            host = c + 1;
    }
    out->ns = arena_printf(a, "%.*s%.*s", (int)(scheme + 3 - path), path, (int)(end - host), host);
    out->name = end[0] && end[1] ? end + 1 : "/";
}

static bool known(const struct dataset *list, uint32_t n, const struct dataset *d)
{
    for (uint32_t i = 0; i < n; i++) {
        if (strcmp(list[i].ns, d->ns) == 0 && strcmp(list[i].name, d->name) == 0)
            return true;
    }
    return false;
}

static void add_all(struct arena *a, struct datasets *out, const struct text_list *paths,
                    uint32_t stage, bool output)
{
    for (uint32_t i = 0; i < paths->n; i++) {
        struct dataset d = {.stage = stage};
        if (strcmp(paths->items[i], "-") == 0)
            continue; /* a stream has no name */
        split_name(a, paths->items[i], &d);
        if (known(out->outputs, out->noutputs, &d))
            continue;
        if (output)
            *ARENA_PUSH(a, out->outputs, out->noutputs) = d;
        else if (!known(out->inputs, out->ninputs, &d))
            *ARENA_PUSH(a, out->inputs, out->ninputs) = d;
    }
}

void datasets_of(struct arena *a, const struct pipeline *p, struct datasets *out)
{
    *out = (struct datasets){0};
    for (uint32_t i = 0; i < p->nstages; i++) {
        const struct stage *s = &p->stages[i];
        struct text_list one = {(const char **)&p->stages[i].u.write.path, 1};
        if (s->op == OP_WRITE)
            add_all(a, out, &one, i, true);
        else
            add_all(a, out, stage_writes(s), i, true);
    }
    for (uint32_t i = 0; i < p->nstages; i++) {
        add_all(a, out, stage_reads(&p->stages[i]), i, false);
    }
}

/* -- the job -- */

void event_job_from_env(struct arena *a, struct event_job *out)
{
    *out = (struct event_job){.ns = "default"};
    const char *off = getenv("OPENLINEAGE_DISABLED");
    out->disabled = off && (strcmp(off, "true") == 0 || strcmp(off, "1") == 0);
    const char *ns = getenv("OPENLINEAGE_NAMESPACE");
    if (ns && *ns)
        out->ns = arena_strdup(a, ns);
    /* NAMESPACE/NAME/RUNID: the namespace may hold slashes (spark://host), names do not. */
    const char *id = getenv("OPENLINEAGE_PARENT_ID");
    const char *last = id ? strrchr(id, '/') : NULL;
    if (!last || last == id || !uuid_is_valid(slice_str(last + 1)))
        return;
    size_t head = (size_t)(last - id), at = head;
    while (at > 0 && id[at - 1] != '/')
        at--;
    if (at < 2 || at == head)
        return;
    out->parent_ns = arena_strndup(a, id, at - 1);
    out->parent_name = arena_strndup(a, id + at, head - at);
    out->parent_run_id = arena_strdup(a, last + 1);
}

/* -- events -- */

static void begin_facet(struct jw *w, const char *name, const char *schema)
{
    jw_key(w, name);
    jw_obj(w);
    jw_kstr(w, "_producer", PRODUCER);
    jw_kstr(w, "_schemaURL", schema);
}

static void write_columns(struct jw *w, const struct schema *s)
{
    begin_facet(w, "schema", SPEC "facets/1-2-0/SchemaDatasetFacet.json#/$defs/SchemaDatasetFacet");
    jw_key(w, "fields");
    jw_arr(w);
    for (uint32_t i = 0; i < s->n; i++) {
        jw_obj(w);
        jw_kstr(w, "name", s->fields[i].name);
        jw_kstr(w, "type", type_name(s->fields[i].type));
        jw_end_obj(w);
    }
    jw_end_arr(w);
    jw_end_obj(w);
}

static void write_count(struct jw *w, const char *name, double v)
{
    if (isfinite(v))
        jw_kint(w, name, (int64_t)v);
}

static void write_statistics(struct jw *w, const struct rec_stage_figures *used, bool output)
{
    jw_key(w, output ? "outputFacets" : "inputFacets");
    jw_obj(w);
    begin_facet(w, output ? "outputStatistics" : "inputStatistics",
                output ? SPEC "facets/1-0-2/OutputStatisticsOutputDatasetFacet.json#/$defs/"
                              "OutputStatisticsOutputDatasetFacet"
                       : SPEC "facets/1-0-0/InputStatisticsInputDatasetFacet.json#/$defs/"
                              "InputStatisticsInputDatasetFacet");
    write_count(w, "rowCount", used->records_in.p50);
    write_count(w, "size", output ? used->write_bytes.p50 : used->read_bytes.p50);
    jw_end_obj(w);
    jw_end_obj(w);
}

static void write_dataset(struct jw *w, const struct pipeline *p, const struct dataset *d,
                          bool output, const struct engine_result *result)
{
    const struct stage *s = &p->stages[d->stage];
    jw_obj(w);
    jw_kstr(w, "namespace", d->ns);
    jw_kstr(w, "name", d->name);
    jw_key(w, "facets");
    jw_obj(w);
    const struct schema *schema = s->op == OP_WRITE  ? &p->stages[s->inputs[0]].schema
                                  : s->op == OP_READ ? &s->schema
                                                     : NULL;
    if (schema && schema->n)
        write_columns(w, schema);
    jw_end_obj(w);
    /* Figures of a read of several files are of all of them together: no file's own. */
    bool own = s->op == OP_WRITE || (s->op == OP_READ && s->u.read.paths.n == 1);
    if (result && result->stages && own)
        write_statistics(w, &result->stages[d->stage].used, output);
    jw_end_obj(w);
}

static void write_parent(struct jw *w, const struct event_job *job)
{
    begin_facet(w, "parent", SPEC "facets/1-2-0/ParentRunFacet.json#/$defs/ParentRunFacet");
    jw_key(w, "run");
    jw_obj(w);
    jw_kstr(w, "runId", job->parent_run_id);
    jw_end_obj(w);
    jw_key(w, "job");
    jw_obj(w);
    jw_kstr(w, "namespace", job->parent_ns);
    jw_kstr(w, "name", job->parent_name);
    jw_end_obj(w);
    jw_end_obj(w);
}

static void write_stages(struct jw *w, const struct pipeline *p, const struct engine_result *r)
{
    begin_facet(w, "foreline_stages", PRODUCER ":foreline_stages");
    jw_kint(w, "rejects", (int64_t)r->rejects);
    jw_key(w, "stages");
    jw_arr(w);
    for (uint32_t i = 0; i < p->nstages; i++) {
        const struct engine_stage *s = &r->stages[i];
        jw_obj(w);
        jw_kstr(w, "id", s->used.id);
        jw_kstr(w, "operation", s->used.operation);
        jw_kstr(w, "status", s->status);
        jw_kstr(w, "algorithm", s->algorithm);
        jw_knum(w, "records_in", s->used.records_in.p50);
        jw_knum(w, "records_out", s->used.records_out.p50);
        jw_knum(w, "bytes_in", s->used.bytes_in.p50);
        jw_knum(w, "bytes_out", s->used.bytes_out.p50);
        jw_knum(w, "wall_s", s->used.wall_s.p50);
        jw_knum(w, "cpu_s", s->used.cpu_s.p50);
        jw_knum(w, "peak_memory_bytes", s->used.peak_memory_bytes.p50);
        jw_knum(w, "read_bytes", s->used.read_bytes.p50);
        jw_knum(w, "write_bytes", s->used.write_bytes.p50);
        jw_knum(w, "spilled_bytes", s->spilled_bytes);
        rec_allocated_write(w, "allocated", &s->allocated);
        jw_end_obj(w);
    }
    jw_end_arr(w);
    jw_end_obj(w);
}

static void write_run(struct jw *w, const char *run_id, const struct pipeline *p,
                      const struct event_job *job, const char *resumed,
                      const struct engine_result *result, const char *error)
{
    jw_key(w, "run");
    jw_obj(w);
    jw_kstr(w, "runId", run_id);
    jw_key(w, "facets");
    jw_obj(w);
    if (job->parent_run_id)
        write_parent(w, job);
    if (resumed) {
        begin_facet(w, "foreline_resumed", PRODUCER ":foreline_resumed");
        jw_kstr(w, "runId", resumed);
        jw_end_obj(w);
    }
    if (result && result->stages)
        write_stages(w, p, result);
    if (error) {
        begin_facet(w, "errorMessage",
                    SPEC "facets/1-0-1/ErrorMessageRunFacet.json#/$defs/ErrorMessageRunFacet");
        jw_kstr(w, "message", error);
        jw_kstr(w, "programmingLanguage", "C");
        jw_end_obj(w);
    }
    jw_end_obj(w);
    jw_end_obj(w);
}

void event_write(struct buf *out, const char *type, const char *at, const char *run_id,
                 const struct pipeline *p, const struct event_job *job, const char *resumed,
                 const struct datasets *d, const struct engine_result *result, const char *error)
{
    struct jw w;
    jw_begin(&w, out);
    jw_obj(&w);
    jw_kstr(&w, "eventType", type);
    jw_kstr(&w, "eventTime", at);
    jw_kstr(&w, "producer", PRODUCER);
    jw_kstr(&w, "schemaURL", EVENT_SCHEMA);
    write_run(&w, run_id, p, job, resumed, result, error);
    jw_key(&w, "job");
    jw_obj(&w);
    jw_kstr(&w, "namespace", job->ns);
    jw_kstr(&w, "name", p->name);
    jw_key(&w, "facets");
    jw_obj(&w);
    begin_facet(&w, "jobType", SPEC "facets/2-0-4/JobTypeJobFacet.json#/$defs/JobTypeJobFacet");
    jw_kstr(&w, "processingType", "BATCH");
    jw_kstr(&w, "integration", "FORELINE");
    jw_kstr(&w, "jobType", "PIPELINE");
    jw_end_obj(&w);
    jw_end_obj(&w);
    jw_end_obj(&w);
    jw_key(&w, "inputs");
    jw_arr(&w);
    for (uint32_t i = 0; i < d->ninputs; i++)
        write_dataset(&w, p, &d->inputs[i], false, result);
    jw_end_arr(&w);
    jw_key(&w, "outputs");
    jw_arr(&w);
    for (uint32_t i = 0; i < d->noutputs; i++)
        write_dataset(&w, p, &d->outputs[i], true, result);
    jw_end_arr(&w);
    jw_end_obj(&w);
    buf_addc(out, '\n');
}

bool event_edges(struct store *s, const struct pipeline *p, const struct event_job *job,
                 const struct datasets *d, const char *run_id, const char *at, struct err *err)
{
    uint32_t n = d->ninputs + d->noutputs;
    struct store_edge *edges = xcalloc(n ? n : 1, sizeof(*edges));
    for (uint32_t i = 0; i < n; i++) {
        bool in = i < d->ninputs;
        const struct dataset *x = in ? &d->inputs[i] : &d->outputs[i - d->ninputs];
        edges[i] = (struct store_edge){
            .from_namespace = in ? x->ns : job->ns,
            .from_name = in ? x->name : p->name,
            .from_kind = in ? "dataset" : "job",
            .to_namespace = in ? job->ns : x->ns,
            .to_name = in ? p->name : x->name,
            .to_kind = in ? "job" : "dataset",
            .kind = in ? "reads" : "writes",
            .run_id = run_id,
            .at = at,
        };
    }
    bool ok = store_edges_add(s, edges, n, err);
    free(edges);
    return ok;
}
