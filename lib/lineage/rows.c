/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The records that answers are made of. */
#include "lineage/rows.h"

#include <math.h>

#include "base/instant.h"

static void start(struct jw *w, struct buf *out, const char *kind)
{
    jw_begin(w, out);
    jw_obj(w);
    jw_kstr(w, "record", kind);
    jw_kint(w, "v", 1);
}

static void end(struct jw *w)
{
    jw_end_obj(w);
    buf_addc(w->out, '\n');
}

double lineage_wall(const struct store_run *r)
{
    int64_t from, to;
    if (!isnan(r->wall_s))
        return r->wall_s;
    if (!r->started_at || !r->ended_at || !instant_parse(slice_str(r->started_at), &from) ||
        !instant_parse(slice_str(r->ended_at), &to) || to <= from)
        return (double)NAN;
    return (double)(to - from) / (double)US_PER_S;
}

static void predicted(struct jw *w, const char *name, struct rec_figure f)
{
    jw_key(w, name);
    if (isnan(f.p50) && isnan(f.p95)) {
        jw_null(w);
        return;
    }
    jw_obj(w);
    jw_knum(w, "p50", f.p50);
    jw_knum(w, "p95", f.p95);
    jw_end_obj(w);
}

static void stage(struct jw *w, const struct store_stage *g)
{
    const struct rec_stage_figures *u = &g->used;
    jw_obj(w);
    jw_kstr(w, "id", u->id);
    jw_kstr(w, "operation", u->operation);
    jw_kstr(w, "status", g->status);
    jw_knum(w, "records_in", u->records_in.p50);
    jw_knum(w, "records_out", u->records_out.p50);
    jw_knum(w, "bytes_in", u->bytes_in.p50);
    jw_knum(w, "bytes_out", u->bytes_out.p50);
    jw_knum(w, "wall_s", u->wall_s.p50);
    jw_knum(w, "cpu_s", u->cpu_s.p50);
    jw_knum(w, "peak_memory_bytes", u->peak_memory_bytes.p50);
    jw_knum(w, "read_bytes", u->read_bytes.p50);
    jw_knum(w, "write_bytes", u->write_bytes.p50);
    jw_kstr(w, "algorithm", g->algorithm);
    jw_knum(w, "parallelism", g->parallelism);
    jw_key(w, "predicted");
    jw_obj(w);
    predicted(w, "cpu_s", g->predicted_cpu_s);
    predicted(w, "wall_s", g->predicted_wall_s);
    predicted(w, "peak_memory_bytes", g->predicted_peak_memory_bytes);
    predicted(w, "records_out", g->predicted_records_out);
    jw_end_obj(w);
    jw_end_obj(w);
}

void lineage_write_run(struct buf *out, const struct store_run *r, const struct store_stage *stages,
                       size_t nstages)
{
    struct jw w;
    start(&w, out, "run");
    jw_kstr(&w, "run_id", r->run_id);
    jw_kstr(&w, "pipeline", r->pipeline);
    jw_kstr(&w, "namespace", r->job_namespace);
    jw_kstr(&w, "parent_run_id", r->parent_run_id);
    jw_kstr(&w, "resumed_from", r->resumed_from);
    jw_kstr(&w, "status", r->status);
    jw_kstr(&w, "started_at", r->started_at);
    jw_kstr(&w, "ended_at", r->ended_at);
    jw_knum(&w, "wall_s", lineage_wall(r));
    jw_knum(&w, "cpu_s", r->cpu_s);
    jw_knum(&w, "peak_memory_bytes", r->peak_memory_bytes);
    jw_knum(&w, "rejects", r->rejects);
    jw_kstr(&w, "mode", r->mode);
    jw_kstr(&w, "code_version", r->code_version);
    jw_kstr(&w, "base", r->base);
    jw_kstr(&w, "host", r->host);
    jw_kstr(&w, "error", r->error);
    if (stages) {
        jw_key(&w, "stages");
        jw_arr(&w);
        for (size_t i = 0; i < nstages; i++)
            stage(&w, &stages[i]);
        jw_end_arr(&w);
    }
    end(&w);
}

void lineage_write_pipeline(struct buf *out, const struct store_pipeline *p)
{
    struct jw w;
    start(&w, out, "pipeline");
    jw_kstr(&w, "pipeline", p->pipeline);
    jw_kint(&w, "runs", p->runs);
    jw_kint(&w, "completed", p->completed);
    jw_kstr(&w, "last_run_id", p->last.run_id);
    jw_kstr(&w, "last_status", p->last.status);
    jw_kstr(&w, "last_started_at", p->last.started_at);
    jw_knum(&w, "last_wall_s", lineage_wall(&p->last));
    end(&w);
}

static void count_or_null(struct jw *w, const char *name, int64_t n)
{
    jw_knum(w, name, n < 0 ? (double)NAN : (double)n);
}

void lineage_write_dataset(struct buf *out, const struct store_dataset *d, int64_t readers,
                           int64_t writers)
{
    struct jw w;
    start(&w, out, "dataset");
    jw_kstr(&w, "dataset", d->dataset);
    jw_kint(&w, "sightings", d->sightings);
    jw_kint(&w, "schema_versions", d->schema_versions);
    jw_kstr(&w, "last_at", d->last.at);
    jw_knum(&w, "records", d->sightings ? d->last.records : (double)NAN);
    jw_knum(&w, "bytes", d->sightings ? d->last.bytes : (double)NAN);
    jw_knum(&w, "data_quality_score", d->sightings ? d->last.data_quality_score : (double)NAN);
    count_or_null(&w, "readers", readers);
    count_or_null(&w, "writers", writers);
    end(&w);
}

void lineage_write_sighting(struct buf *out, const char *dataset, const struct store_schema *v)
{
    struct jw w;
    start(&w, out, "sighting");
    jw_kstr(&w, "dataset", dataset);
    jw_kstr(&w, "at", v->at);
    jw_knum(&w, "records", v->records);
    jw_knum(&w, "bytes", v->bytes);
    jw_knum(&w, "data_quality_score", v->data_quality_score);
    jw_kbool(&w, "changed", v->changed);
    jw_kstr(&w, "fingerprint", v->fingerprint);
    jw_key(&w, "columns");
    jw_raw(&w, slice_str(v->columns));
    end(&w);
}

void lineage_write_access(struct buf *out, const char *node, const char *other,
                          const struct store_node_run *r)
{
    struct jw w;
    start(&w, out, "access");
    jw_kstr(&w, "node", node);
    jw_kstr(&w, "edge", r->edge);
    jw_kstr(&w, "other", other);
    jw_kstr(&w, "run_id", r->run_id);
    jw_kstr(&w, "status", r->status);
    jw_kstr(&w, "at", r->at);
    end(&w);
}

void lineage_write_node(struct buf *out, const struct store_node *node, const char *name,
                        uint32_t depth, const char *via, const char *query, const char *of)
{
    struct jw w;
    start(&w, out, "node");
    jw_kstr(&w, "node", name);
    jw_kstr(&w, "namespace", node->namespace);
    jw_kstr(&w, "name", node->name);
    jw_kstr(&w, "kind", node->kind);
    jw_kint(&w, "depth", depth);
    jw_kstr(&w, "via", via);
    jw_kstr(&w, "query", query);
    jw_kstr(&w, "of", of);
    end(&w);
}

void lineage_write_log(struct buf *out, const char *run_id, const char *stage_id, struct slice text)
{
    struct jw w;
    start(&w, out, "log");
    jw_kstr(&w, "run_id", run_id);
    jw_kstr(&w, "stage", stage_id);
    jw_key(&w, "text");
    jw_slice(&w, text);
    end(&w);
}
