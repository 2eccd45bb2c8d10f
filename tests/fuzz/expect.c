/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The Table Schema: any JSON is a schema or an error, and any text a value of its fields or none.
 * The first line is the schema, each further line a text for every field. */
#include "tests/fuzz/fuzz.h"

#include "profile/expect_int.h"

static void try_field(struct expect_field *f, struct slice text)
{
    struct buf tmp = BUF_INIT(BUF_UNBOUNDED);
    struct logical v;
    for (int json = 0; json < 2; json++)
        if (expect_value(f, text, json, json, &tmp, &v) && logical_cmp(&v, &v) != 0)
            BUG("a value is not itself");
    if (f->min_length >= 0 && expect_length(f, text) > text.len)
        BUG("more characters than bytes");
    if (f->regex != NULL)
        (void)regex_test(f->regex, text);
    buf_release(&tmp);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *p = (const char *)data, *end = p + size;
    struct err err = ERR_INIT;
    struct slice line[16];
    size_t n = 0;
    for (; n < ARRAY_LEN(line) && p < end; n++) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        stop = stop != NULL ? stop : end;
        line[n] = slice_of(p, (size_t)(stop - p));
        p = stop + 1;
    }
    struct expect *e = expect_parse(n > 0 ? line[0] : SLICE_LIT(""), &err);
    if (e == NULL) {
        if (!err.kind || !err.text[0])
            BUG("an error without words");
        return 0;
    }
    for (uint32_t f = 0; f < e->nfields; f++)
        for (size_t i = 1; i < n; i++)
            try_field(&e->fields[f], line[i]);
    expect_free(e);
    return 0;
}
