/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pipeline file: any JSON as a definition is a pipeline or an error; nothing is opened. */
#include "tests/fuzz/fuzz.h"

#include "base/hash.h"
#include "pipeline/pipeline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a = ARENA_INIT;
    struct json *v;
    struct err err = ERR_INIT;
    struct pipeline p;
    if (json_parse(&a, slice_of((const char *)data, size), JSON_COMMENTS, &v, &err)) {
        if (pipeline_from_definition(&p, v, "/nowhere", NULL, &err)) {
            struct pipeline_complexity c;
            char signature[SHA256_HEX];
            pipeline_complexity(&p, &c);
            if (c.depth > p.nstages)
                BUG("deeper than it has stages");
            for (uint32_t i = 0; i < p.nstages; i++)
                pipeline_signature(&p, i, signature);
        } else if (!err.kind || !err.text[0]) {
            BUG("an error without words");
        }
        pipeline_release(&p);
    }
    arena_release(&a);
    return 0;
}
