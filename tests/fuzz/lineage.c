/* SPDX-License-Identifier: GPL-3.0-or-later */
/* OpenLineage events: the reader takes or refuses whatever JSON it is given, the strict check names
 * the place of what is wrong, and what it passes the reader can use. */
#include "tests/fuzz/fuzz.h"

#include "json/json.h"
#include "lineage/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a = ARENA_INIT;
    struct json *v;
    struct lineage_event e;
    struct err err = ERR_INIT;
    if (json_parse(&a, slice_of((const char *)data, size), 0, &v, &err)) {
        bool valid = lineage_event_check(v, &err);
        if (!valid && (err.kind != ERR_DATA || !strstr(err.text, ": ")))
            BUG("refused without a place: %s", err.text);
        bool usable = lineage_event_read(&a, v, &e, &err);
        if (usable && !e.run_id && !e.job_name)
            BUG("an event of nothing was taken");
        for (size_t i = 0; usable && i < e.ninputs + e.noutputs; i++) {
            const struct lineage_dataset *d =
                i < e.ninputs ? &e.inputs[i] : &e.outputs[i - e.ninputs];
            if (!d->namespace || !d->name || !d->name[0])
                BUG("a dataset without a name was taken");
        }
        const char *run_id = json_str(json_get(v, "run"), "runId", "");
        if (valid && run_id[0] && !usable)
            BUG("a valid event of a run was refused: %s", err.text);
    }
    arena_release(&a);
    return 0;
}
