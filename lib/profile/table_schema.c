/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Columns as fields of a Table Schema. Only what the profile is sure of. */
#include "profile/table_schema.h"

/* Values of the kinds that stand without quotes in JSON lines. */
static bool has_bare(const struct rec_column *c)
{
    return c->types[TYPE_BOOLEAN] > 0 || c->types[TYPE_INTEGER] > 0 || c->types[TYPE_FLOAT] > 0 ||
           c->types[TYPE_JSON] > 0;
}

static const char *type_of(const struct rec_column *c, bool json)
{
    if (!(c->records > c->nulls))
        return "any";
    switch (c->type) {
    case TYPE_INTEGER:
        return "integer";
    case TYPE_FLOAT:
        return "number";
    case TYPE_BOOLEAN:
        return "boolean";
    case TYPE_DATE:
        return "date";
    case TYPE_TIMESTAMP:
        return "datetime";
    case TYPE_STRING:
        return json && has_bare(c) ? "any" : "string";
    case TYPE_NONE:
    case TYPE_JSON:
        break;
    }
    return "any";
}

/* An empty text counts as missing in a Table Schema; with --fast lengths are not known. */
static bool is_required(const struct rec_column *c)
{
    return c->records > 0 && c->nulls == 0 && c->length_min > 0;
}

/* By meaning: floats have several spellings of one number. */
static bool is_unique(const struct rec_column *c)
{
    double values = c->records - c->nulls;
    return values > 1 && c->distinct_error == 0 && c->distinct == values &&
           (c->type == TYPE_INTEGER || c->type == TYPE_STRING || c->type == TYPE_DATE);
}

void profile_table_schema(const struct rec_profile *p, bool json, struct buf *out)
{
    struct jw w;
    jw_begin(&w, out);
    jw_obj(&w);
    jw_kstr(&w, "$schema", "https://datapackage.org/profiles/2.0/tableschema.json");
    jw_key(&w, "fields");
    jw_arr(&w);
    for (uint32_t i = 0; i < p->ncolumns; i++) {
        const struct rec_column *c = &p->columns[i];
        const char *type = type_of(c, json);
        jw_obj(&w);
        jw_kstr(&w, "name", c->name);
        jw_kstr(&w, "type", type);
        if (c->type == TYPE_TIMESTAMP && strcmp(type, "datetime") == 0)
            jw_kstr(&w, "format", "any"); /* a blank for the T, no seconds */
        bool all = !(p->sample_rate < 1), required = all && is_required(c);
        bool unique = all && is_unique(c);
        if (required || unique) {
            jw_key(&w, "constraints");
            jw_obj(&w);
            if (required)
                jw_kbool(&w, "required", true);
            if (unique)
                jw_kbool(&w, "unique", true);
            jw_end_obj(&w);
        }
        jw_end_obj(&w);
    }
    jw_end_arr(&w);
    jw_kstr(&w, "fieldsMatch", json ? "equal" : "exact");
    jw_end_obj(&w);
    buf_addc(out, '\n');
}
