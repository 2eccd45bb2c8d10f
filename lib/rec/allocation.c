/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The allocation record: what a provider answered to a request for resources. */
#include "rec/figures.h"

bool rec_allocation_read(struct arena *a, const struct json *v, struct rec_allocation *out,
                         struct err *err)
{
    (void)a;
    *out = (struct rec_allocation){0};
    if (!rec_require_string(v, "allocation", "status", &out->status, err))
        return false;
    out->request = json_str(v, "request", NULL);
    out->resource_id = json_str(v, "resource_id", NULL);
    out->network_address = json_str(v, "network_address", NULL);
    out->node_id = json_str(v, "node_id", NULL);
    out->template_name = json_str(v, "template", NULL);
    out->tenant = json_str(v, "tenant", NULL);
    out->expires_at = json_str(v, "expires_at", NULL);
    out->reason = json_str(v, "reason", NULL);
    return true;
}

void rec_allocation_write(struct buf *out, const struct rec_allocation *r)
{
    struct jw w;
    rec_open(&w, out, "allocation");
    jw_kstr(&w, "request", r->request);
    jw_kstr(&w, "resource_id", r->resource_id);
    jw_kstr(&w, "status", r->status);
    jw_kstr(&w, "network_address", r->network_address);
    jw_kstr(&w, "node_id", r->node_id);
    jw_kstr(&w, "template", r->template_name);
    jw_kstr(&w, "tenant", r->tenant);
    jw_kstr(&w, "expires_at", r->expires_at);
    jw_kstr(&w, "reason", r->reason);
    rec_close(&w);
}
