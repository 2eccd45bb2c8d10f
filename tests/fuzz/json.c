/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The JSON reader: what it takes it writes, and reads back equal; what it refuses has a place. */
#include "tests/fuzz/fuzz.h"

#include "json/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a = ARENA_INIT;
    struct json *v, *again;
    struct err err = ERR_INIT;
    struct slice in = slice_of((const char *)data, size);
    if (json_parse(&a, in, 0, &v, &err)) {
        struct buf text = BUF_INIT(BUF_UNBOUNDED);
        json_write(&text, v);
        if (!json_parse(&a, buf_slice(&text), 0, &again, &err))
            BUG("what was written is not read: %s", err.text);
        if (!json_equal(v, again))
            BUG("what was written reads back different");
        if (!json_skip(in))
            BUG("skip refuses what parse takes");
        buf_release(&text);
    } else if (err.kind != ERR_DATA || strncmp(err.text, "line ", 5) != 0) {
        BUG("an error without a place: %s", err.text);
    }
    json_parse(&a, in, JSON_COMMENTS, &v, &err);
    arena_release(&a);
    return 0;
}
