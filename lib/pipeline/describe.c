/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What others want to know of a pipeline: signatures for comparing runs, complexity. */
#include "pipeline/parse.h"

#include "base/hash.h"

/* Fields that do not change what a stage computes per record. */
static bool is_incidental(struct slice name)
{
    static const char *const names[] = {"id",      "path",  "paths",      "input",
                                        "inputs",  "after", "resources",  "timeout_s",
                                        "retries", "env",   "description"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (slice_is(name, names[i]))
            return true;
    return slice_starts(name, "x_");
}

static void add_schema(struct buf *text, const struct schema *s)
{
    buf_addc(text, '|');
    for (uint32_t i = 0; i < s->n; i++)
        buf_addf(text, "%s:%s,", s->fields[i].name, type_name(s->fields[i].type));
}

void pipeline_signature(const struct pipeline *p, uint32_t i, char *out)
{
    const struct stage *s = &p->stages[i];
    const struct json *def = json_at(json_get(p->definition, "stages"), i);
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    buf_adds(&text, op_name(s->op));
    for (uint32_t k = 0; k < json_len(def); k++) {
        if (is_incidental(def->u.members[k].name))
            continue;
        buf_addc(&text, ' ');
        buf_add_slice(&text, def->u.members[k].name);
        buf_addc(&text, '=');
        json_write(&text, def->u.members[k].value);
    }
    for (uint32_t k = 0; k < s->ninputs; k++)
        add_schema(&text, &p->stages[s->inputs[k]].schema);
    if (s->op == OP_READ)
        add_schema(&text, &s->schema);
    struct sha256 h;
    sha256_init(&h);
    sha256_add(&h, buf_str(&text), text.len);
    sha256_hex(&h, out);
    buf_release(&text);
}

void pipeline_complexity(const struct pipeline *p, struct pipeline_complexity *out)
{
    uint32_t *depth = xcalloc(p->nstages, sizeof(*depth));
    *out = (struct pipeline_complexity){0};
    for (uint32_t i = 0; i < p->nstages; i++) {
        const struct stage *s = &p->stages[p->order[i]];
        uint32_t *d = &depth[p->order[i]];
        for (uint32_t k = 0; k < s->ninputs; k++)
            *d = depth[s->inputs[k]] > *d ? depth[s->inputs[k]] : *d;
        for (uint32_t k = 0; k < s->nafter; k++)
            *d = depth[s->after[k]] > *d ? depth[s->after[k]] : *d;
        *d += 1;
        out->depth = *d > out->depth ? *d : out->depth;
        out->joins += s->op == OP_JOIN;
        out->transformations += s->op != OP_JOIN && s->op != OP_READ && s->op != OP_WRITE;
    }
    free(depth);
}

bool pipeline_is_sorted_by(const struct pipeline *p, const struct stage *s, const char **names,
                           uint32_t n)
{
    for (;; s = &p->stages[s->inputs[0]]) {
        if (s->op == OP_SORT) {
            uint32_t found = 0;
            for (uint32_t i = 0; i < n && i < s->u.sort.n; i++) {
                for (uint32_t k = 0; k < n; k++)
                    found += strcmp(s->u.sort.by[i].column, names[k]) == 0;
            }
            return found == n && s->u.sort.n >= n;
        }
        for (uint32_t k = 0; k < n && s->op == OP_RENAME; k++) {
            const struct text_list *to = &s->u.rename.to;
            for (uint32_t i = 0; i < to->n; i++) {
                if (strcmp(to->items[i], names[k]) == 0) {
                    names[k] = s->u.rename.from.items[i];
                    break;
                }
            }
        }
        for (uint32_t i = 0; s->op == OP_DERIVE && i < s->u.derive.n; i++) {
            for (uint32_t k = 0; k < n; k++) {
                if (strcmp(s->u.derive.set[i].name, names[k]) == 0)
                    return false;
            }
        }
        if (s->op != OP_RENAME && s->op != OP_DERIVE && s->op != OP_FILTER && s->op != OP_SELECT &&
            s->op != OP_LIMIT && s->op != OP_DISTINCT)
            return false;
    }
}
