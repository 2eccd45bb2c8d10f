/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A run on a sample from its choice to its figures. */
#include "engine/sample_int.h"

static void release(struct sample_run *r)
{
    sample_sources_close(r);
    for (uint32_t i = 0; r->tallies && i < r->ntallies; i++) {
        if (r->tallies[i].negative)
            groups_release(&r->tallies[i].groups);
        arena_release(&r->tallies[i].mem);
    }
    for (uint32_t i = 0; r->rows && i < r->p->nstages; i++)
        buf_release(&r->rows[i].text);
    pipeline_release(&r->q);
}

bool sample_pipeline(struct pipeline *p, const struct sampling_opts *o, struct arena *a,
                     struct sample_result *out, struct err *err)
{
    struct sample_run r = {.p = p, .o = o, .a = a};
    struct engine_result ran = {0};
    *out = (struct sample_result){0};
    arena_init(&r.q.mem, NULL);
    bool ok = pipeline_bind(p, o->profiles, o->nprofiles, err) && sample_choose(&r, err) &&
              sample_rewrite(&r, err);
    if (ok) {
        for (uint32_t i = 0; r.rows && i < p->nstages; i++)
            r.rows[i].text = BUF_INIT(BUF_UNBOUNDED);
        struct engine_opts e = o->engine;
        e.plan = o->plan;
        e.sample = &r;
        ok = !r.nparts || engine_run(&r.q, &e, a, &ran, err);
        sample_report(&r, &ran, out);
    }
    release(&r);
    return ok;
}
