/* SPDX-License-Identifier: GPL-3.0-or-later */
/* OpenLineage events (spec 2-0-2) as C structs, read as senders write them; and the strict check of
 * the core schema. Not the meaning of single facets, but for the parent run and the error message.
 */
#ifndef FORELINE_LINEAGE_EVENT_H
#define FORELINE_LINEAGE_EVENT_H

#include "base/arena.h"
#include "base/base.h"
#include "json/json.h"

struct lineage_dataset {
    const char *namespace, *name; /* namespace "" when the sender left it out */
};
struct lineage_event {
    const char *type; /* START, RUNNING, COMPLETE, FAIL, ABORT, OTHER; NULL: not a run's */
    const char *time; /* RFC 3339, or NULL when it is missing or unreadable */
    const char *run_id, *parent_run_id, *error; /* or NULL */
    const char *job_namespace, *job_name;       /* name NULL: no job; namespace "" as above */
    const struct lineage_dataset *inputs, *outputs;
    size_t ninputs, noutputs;
    size_t unusable; /* datasets without a name, which are passed over */
};

/* Takes what is there; real senders leave out required fields. False (ERR_DATA) only when there is
 * neither a run nor a job to keep. */
bool lineage_event_read(struct arena *a, const struct json *v, struct lineage_event *out,
                        struct err *err);
/* Is it a RunEvent, JobEvent or DatasetEvent by the core schema of OpenLineage 2-0-2? Facets are
 * held against BaseFacet, not their own schemas; formats are not checked. Else false, ERR_DATA with
 * the place: "inputs[1].name: is required and missing". */
bool lineage_event_check(const struct json *v, struct err *err);

#endif
