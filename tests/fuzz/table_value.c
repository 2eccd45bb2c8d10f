/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The fast classification of values agrees with the parsers of base/, which are the reference. */
#include "base/instant.h"
#include "base/num.h"
#include "table/value.h"
#include "tests/fuzz/fuzz.h"

static enum type reference(struct slice s, union value *v)
{
    static const char *const yes[] = {"true", "True", "TRUE"}, *const no[] = {"false", "False",
                                                                              "FALSE"};
    int64_t i;
    double d;
    char kind = num_classify(s, &i, &d);
    if (kind == 'i') {
        v->i = i;
        return TYPE_INTEGER;
    }
    if (kind == 'f') {
        v->f = d;
        return TYPE_FLOAT;
    }
    if (date_parse(s, &v->i))
        return TYPE_DATE;
    if (timestamp_parse(s, &v->i))
        return TYPE_TIMESTAMP;
    for (size_t k = 0; k < 3; k++) {
        v->b = slice_is(s, yes[k]);
        if (v->b || slice_is(s, no[k]))
            return TYPE_BOOLEAN;
    }
    return TYPE_STRING;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice s = slice_of((const char *)data, size);
    union value got = {0}, want = {0};
    enum type g = value_classify(s, &got), w = reference(s, &want);
    bool same = g == w;
    if (same && g == TYPE_BOOLEAN)
        same = got.b == want.b;
    else if (same && g != TYPE_STRING)
        same = memcmp(&got, &want, sizeof(got)) == 0;
    if (!same)
        BUG("'%.*s' is %s, not %s", (int)size, (const char *)data, type_name(g), type_name(w));
    for (int t = TYPE_BOOLEAN; t <= TYPE_TIMESTAMP; t++) {
        bool holds = value_parse(s, (enum type)t, &got);
        if ((int)g == t && !holds)
            BUG("'%.*s' is not held as its own type", (int)size, (const char *)data);
    }
    value_parse(s, TYPE_JSON, &got);
    return 0;
}
