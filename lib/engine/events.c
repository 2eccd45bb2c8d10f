/* SPDX-License-Identifier: GPL-3.0-or-later */
/* OpenLineage events. See events.h. */
#include "engine/events.h"

#include <math.h>
#include <stdlib.h>

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

/* Beyond so many pairs of columns (wide tables of many files) an event would be larger than what it
 * tells: then it tells none. */
#define PAIRS_MAX 10000

static void write_sources(struct jw *w, const struct pipeline *p,
                          const struct column_sources *sources)
{
    struct arena a = ARENA_INIT;
    jw_arr(w);
    for (uint32_t i = 0; i < sources->n; i++) {
        const struct column_source *c = &sources->items[i];
        const struct text_list *paths = &p->stages[c->read].u.read.paths;
        for (uint32_t k = 0; k < paths->n; k++) {
            struct dataset d = {.ns = "file", .name = "-"};
            if (strcmp(paths->items[k], "-") == 0)
                continue; /* a stream has no name */
            split_name(&a, paths->items[k], &d);
            jw_obj(w);
            jw_kstr(w, "namespace", d.ns);
            jw_kstr(w, "name", d.name);
            jw_kstr(w, "field", c->field);
            jw_key(w, "transformations");
            jw_arr(w);
            jw_obj(w);
            jw_kstr(w, "type", c->use < USE_FILTER ? "DIRECT" : "INDIRECT");
            jw_kstr(w, "subtype", column_use_name(c->use));
            jw_end_obj(w);
            jw_end_arr(w);
            jw_end_obj(w);
        }
    }
    jw_end_arr(w);
    arena_release(&a);
}

static size_t count_pairs(const struct pipeline *p, const struct column_sources *sources)
{
    size_t n = 0;
    for (uint32_t i = 0; i < sources->n; i++)
        n += p->stages[sources->items[i].read].u.read.paths.n;
    return n;
}

/* Of a write: its columns are those that come in. */
static void write_lineage(struct jw *w, const struct pipeline *p, const struct stage *s,
                          const struct stage_columns *columns)
{
    const struct schema *schema = &p->stages[s->inputs[0]].schema;
    const struct stage_columns *in = &columns[s->inputs[0]];
    size_t pairs = count_pairs(p, &in->records);
    for (uint32_t c = 0; in->columns && c < schema->n; c++)
        pairs += count_pairs(p, &in->columns[c]);
    if (!in->columns || pairs == 0 || pairs > PAIRS_MAX)
        return;
    begin_facet(w, "columnLineage",
                SPEC
                "facets/1-2-0/ColumnLineageDatasetFacet.json#/$defs/ColumnLineageDatasetFacet");
    jw_key(w, "fields");
    jw_obj(w);
    for (uint32_t c = 0; c < schema->n; c++) {
        jw_key(w, schema->fields[c].name);
        jw_obj(w);
        jw_key(w, "inputFields");
        write_sources(w, p, &in->columns[c]);
        jw_end_obj(w);
    }
    jw_end_obj(w);
    if (in->records.n) {
        jw_key(w, "dataset");
        write_sources(w, p, &in->records);
    }
    jw_end_obj(w);
}

/* What may be said of a dataset: NULL what may not. */
struct telling {
    bool schema;
    const struct stage_columns *columns;
    const struct engine_stage *stages; /* all; for statistics */
    uint32_t one;                      /* or with `figures` those of one */
    const struct engine_stage *figures;
};

static void write_dataset(struct jw *w, const struct pipeline *p, const struct dataset *d,
                          bool output, const struct telling *t)
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
    if (t->schema && schema && schema->n)
        write_columns(w, schema);
    if (t->columns && s->op == OP_WRITE)
        write_lineage(w, p, s, t->columns);
    jw_end_obj(w);
    /* Figures of a read of several files are of all of them together: no file's own. */
    bool own = s->op == OP_WRITE || (s->op == OP_READ && s->u.read.paths.n == 1);
    if (t->stages && own)
        write_statistics(w, &t->stages[d->stage].used, output);
    else if (t->figures && own && d->stage == t->one)
        write_statistics(w, &t->figures->used, output);
    jw_end_obj(w);
}

struct ancestor {
    const char *run_id, *ns, *name;
};

static void write_ancestor(struct jw *w, const struct ancestor *x)
{
    jw_key(w, "run");
    jw_obj(w);
    jw_kstr(w, "runId", x->run_id);
    jw_end_obj(w);
    jw_key(w, "job");
    jw_obj(w);
    jw_kstr(w, "namespace", x->ns);
    jw_kstr(w, "name", x->name);
    jw_end_obj(w);
}

/* `root`: or NULL, where nobody told us of it. */
static void write_parent(struct jw *w, const struct ancestor *parent, const struct ancestor *root)
{
    begin_facet(w, "parent", SPEC "facets/1-2-0/ParentRunFacet.json#/$defs/ParentRunFacet");
    write_ancestor(w, parent);
    if (root) {
        jw_key(w, "root");
        jw_obj(w);
        write_ancestor(w, root);
        jw_end_obj(w);
    }
    jw_end_obj(w);
}

static void write_error(struct jw *w, const char *error)
{
    begin_facet(w, "errorMessage",
                SPEC "facets/1-0-1/ErrorMessageRunFacet.json#/$defs/ErrorMessageRunFacet");
    jw_kstr(w, "message", error);
    jw_kstr(w, "programmingLanguage", "C");
    jw_end_obj(w);
}

static void write_figures(struct jw *w, const struct engine_stage *s)
{
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
}

static void write_stages(struct jw *w, const struct pipeline *p, const struct engine_result *r)
{
    begin_facet(w, "foreline_stages", PRODUCER ":foreline_stages");
    jw_kint(w, "rejects", (int64_t)r->rejects);
    jw_key(w, "stages");
    jw_arr(w);
    for (uint32_t i = 0; i < p->nstages; i++) {
        jw_obj(w);
        jw_kstr(w, "id", r->stages[i].used.id);
        write_figures(w, &r->stages[i]);
        jw_end_obj(w);
    }
    jw_end_arr(w);
    jw_end_obj(w);
}

static void write_shadow(struct jw *w, const struct event_job *job)
{
    if (!job->shadow)
        return;
    begin_facet(w, "foreline_shadow", PRODUCER ":foreline_shadow");
    jw_kstr(w, "against", job->shadow);
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
    const struct ancestor parent = {job->parent_run_id, job->parent_ns, job->parent_name};
    if (job->parent_run_id)
        write_parent(w, &parent, NULL);
    if (resumed) {
        begin_facet(w, "foreline_resumed", PRODUCER ":foreline_resumed");
        jw_kstr(w, "runId", resumed);
        jw_end_obj(w);
    }
    write_shadow(w, job);
    if (result && result->stages)
        write_stages(w, p, result);
    if (error)
        write_error(w, error);
    jw_end_obj(w);
    jw_end_obj(w);
}

static void begin_event(struct jw *w, struct buf *out, const char *type, const char *at)
{
    jw_begin(w, out);
    jw_obj(w);
    jw_kstr(w, "eventType", type);
    jw_kstr(w, "eventTime", at);
    jw_kstr(w, "producer", PRODUCER);
    jw_kstr(w, "schemaURL", EVENT_SCHEMA);
}

/* `query`: of an sql stage, or NULL. */
static void write_job(struct jw *w, const char *ns, const char *name, const char *type,
                      const char *query)
{
    jw_key(w, "job");
    jw_obj(w);
    jw_kstr(w, "namespace", ns);
    jw_kstr(w, "name", name);
    jw_key(w, "facets");
    jw_obj(w);
    begin_facet(w, "jobType", SPEC "facets/2-0-4/JobTypeJobFacet.json#/$defs/JobTypeJobFacet");
    jw_kstr(w, "processingType", "BATCH");
    jw_kstr(w, "integration", "FORELINE");
    jw_kstr(w, "jobType", type);
    jw_end_obj(w);
    if (query) {
        begin_facet(w, "sql", SPEC "facets/1-1-0/SQLJobFacet.json#/$defs/SQLJobFacet");
        jw_kstr(w, "query", query);
        jw_end_obj(w);
    }
    jw_end_obj(w);
    jw_end_obj(w);
}

void event_write(struct buf *out, const char *type, const char *at, const char *run_id,
                 const struct pipeline *p, const struct event_job *job, const char *resumed,
                 const struct datasets *d, const struct stage_columns *columns,
                 const struct engine_result *result, const char *error)
{
    struct jw w;
    struct telling t = {.schema = true, .columns = columns};
    t.stages = result ? result->stages : NULL;
    begin_event(&w, out, type, at);
    write_run(&w, run_id, p, job, resumed, result, error);
    write_job(&w, job->ns, p->name, "PIPELINE", NULL);
    jw_key(&w, "inputs");
    jw_arr(&w);
    for (uint32_t i = 0; i < d->ninputs; i++)
        write_dataset(&w, p, &d->inputs[i], false, &t);
    jw_end_arr(&w);
    jw_key(&w, "outputs");
    jw_arr(&w);
    for (uint32_t i = 0; i < d->noutputs; i++)
        write_dataset(&w, p, &d->outputs[i], true, &t);
    jw_end_arr(&w);
    jw_end_obj(&w);
    buf_addc(out, '\n');
}

/* -- a stage's -- */

/* Itself and all whose rows it is made from, also by way of files of this pipeline. */
static void mark_sources(const struct pipeline *p, uint32_t i, bool *mark)
{
    const struct stage *s = &p->stages[i];
    if (mark[i])
        return;
    mark[i] = true;
    for (uint32_t k = 0; k < s->ninputs; k++)
        mark_sources(p, s->inputs[k], mark);
}

static void write_stage_run(struct jw *w, const struct event_stage *e)
{
    const struct event_job *job = e->job;
    const struct ancestor parent = {e->pipeline_run_id, job->ns, e->p->name};
    const struct ancestor given = {job->parent_run_id, job->parent_ns, job->parent_name};
    jw_key(w, "run");
    jw_obj(w);
    jw_kstr(w, "runId", e->run_id);
    jw_key(w, "facets");
    jw_obj(w);
    write_parent(w, &parent, job->parent_run_id ? &given : &parent);
    write_shadow(w, job);
    if (e->figures) {
        begin_facet(w, "foreline_stage", PRODUCER ":foreline_stage");
        jw_kstr(w, "id", e->p->stages[e->stage].id);
        jw_kint(w, "rejects", (int64_t)e->figures->rejects);
        write_figures(w, e->figures);
        jw_end_obj(w);
    }
    if (e->error)
        write_error(w, e->error);
    jw_end_obj(w);
    jw_end_obj(w);
}

/* A file that the pipeline makes itself stands among its outputs only, but a stage may read it. */
static void write_inputs(struct jw *w, const struct event_stage *e, const struct telling *t)
{
    const struct pipeline *p = e->p;
    struct arena a = ARENA_INIT;
    struct datasets inputs = {0};
    bool *mark = ARENA_ARRAY(&a, bool, p->nstages);
    mark_sources(p, e->stage, mark);
    for (uint32_t i = 0; i < p->nstages; i++) {
        if (mark[i])
            add_all(&a, &inputs, stage_reads(&p->stages[i]), i, false);
    }
    jw_key(w, "inputs");
    jw_arr(w);
    for (uint32_t i = 0; i < inputs.ninputs; i++) {
        struct telling own = *t;
        /* What a shadow run makes for itself is nobody's dataset. */
        if (e->job->shadow && !known(e->datasets->inputs, e->datasets->ninputs, &inputs.inputs[i]))
            continue;
        own.schema = t->schema && inputs.inputs[i].stage == e->stage;
        write_dataset(w, p, &inputs.inputs[i], false, &own);
    }
    jw_end_arr(w);
    arena_release(&a);
}

void event_stage_write(struct buf *out, const struct event_stage *e)
{
    struct jw w;
    const struct stage *s = &e->p->stages[e->stage];
    struct telling t = {.schema = e->figures != NULL,
                        .columns = e->columns,
                        .one = e->stage,
                        .figures = e->figures};
    begin_event(&w, out, e->type, e->at);
    write_stage_run(&w, e);
    char *name = xasprintf("%s.%s", e->p->name, s->id);
    write_job(&w, e->job->ns, name, "STAGE", s->op == OP_SQL ? s->u.sql.statement : NULL);
    free(name);
    write_inputs(&w, e, &t);
    jw_key(&w, "outputs");
    jw_arr(&w);
    for (uint32_t i = 0; i < e->datasets->noutputs; i++) {
        if (e->datasets->outputs[i].stage == e->stage)
            write_dataset(&w, e->p, &e->datasets->outputs[i], true, &t);
    }
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
