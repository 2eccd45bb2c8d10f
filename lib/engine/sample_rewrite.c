/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pipeline that runs on a sample: the user's stages as they are, and beside them stages of ours
 * that have the form of an operation, so that columns and types flow through the same binding, and
 * work of their own (sample_ops.c):
 *   tag       behind a read that is sampled: a derive of the hidden column of units
 *   tally     beside what is counted: an aggregate by its keys and the unit
 *   estimate  behind an aggregate: a derive of the hidden bounds of its measures
 *   collect   beside a write: a distinct
 * and select where hidden columns have to go. */
#include "engine/sample_int.h"

#include <string.h>

struct rewriter {
    struct sample_run *r;
    struct arena *a;
    struct json *stages;
    struct sample_part *parts;
    uint32_t nparts;
    const struct json *defs;
};

static struct json *string(struct rewriter *w, const char *s)
{
    return json_new_string(w->a, slice_str(s));
}

static struct json *add(struct rewriter *w, struct json *def, enum sample_role role, uint32_t of,
                        uint32_t stage)
{
    json_append(w->a, w->stages, def);
    *ARENA_PUSH(w->a, w->parts, w->nparts) = (struct sample_part){role, of, stage};
    return def;
}

static const char *own_id(struct rewriter *w, const char *what, const char *of)
{
    return arena_printf(w->a, "foreline:%s:%u:%s", what, w->nparts, of);
}

static struct json *own(struct rewriter *w, const char *id, const char *op, const char *input)
{
    struct json *def = json_new(w->a, JSON_OBJECT);
    json_set(w->a, def, "id", string(w, id));
    json_set(w->a, def, "op", string(w, op));
    json_set(w->a, def, "input", string(w, input));
    return def;
}

static struct json *names_of(struct rewriter *w, const struct schema *s)
{
    struct json *names = json_new(w->a, JSON_ARRAY);
    for (uint32_t c = 0; c < s->n; c++)
        json_append(w->a, names, string(w, s->fields[c].name));
    return names;
}

static struct json *units(struct rewriter *w, const char *id, const char *input, const char *value)
{
    struct json *def = own(w, id, "derive", input), *set = json_new(w->a, JSON_OBJECT);
    json_set(w->a, set, SAMPLE_UNIT, string(w, value));
    json_set(w->a, def, "set", set);
    return def;
}

/* Counts records of `input` by unit and the columns `by`; with the measures of `like` when given.
 */
static int tally(struct rewriter *w, const char *input, const struct json *by,
                 const struct json *measures)
{
    struct sample_run *r = w->r;
    struct json *def = own(w, own_id(w, "tally", input), "aggregate", input);
    struct json *keys = json_new(w->a, JSON_ARRAY);
    for (size_t i = 0; by && i < json_len(by); i++)
        json_append(w->a, keys, by->u.items[i]);
    json_append(w->a, keys, string(w, SAMPLE_UNIT));
    struct json *count = json_new(w->a, JSON_OBJECT);
    json_set(w->a, count, SAMPLE_COUNT, string(w, "count"));
    json_set(w->a, def, "by", keys);
    json_set(w->a, def, "measures",
             json_len(measures) ? (struct json *)(uintptr_t)measures : count);
    add(w, def, ROLE_TALLY, r->ntallies, UINT32_MAX);
    return (int)r->ntallies++;
}

/* The rows of a stage without what is hidden. */
static const char *plain(struct rewriter *w, uint32_t stage)
{
    const struct sample_stage *st = &w->r->stages[stage];
    const struct schema *s = &w->r->p->stages[stage].schema;
    if ((!st->unit && !st->hidden) || s->n == 0)
        return st->out;
    if (st->unit) /* somebody reads it: so it has its width in all stages before */
        tally(w, st->out, NULL, NULL);
    const char *id = own_id(w, "plain", st->out);
    struct json *def = own(w, id, "select", st->out);
    json_set(w->a, def, "columns", names_of(w, s));
    add(w, def, ROLE_NONE, 0, UINT32_MAX);
    return id;
}

static const char *input_of(const struct rewriter *w, const struct stage *s, uint32_t k)
{
    return w->r->stages[s->inputs[k]].out;
}

static struct json *copy(struct rewriter *w, uint32_t i)
{
    const struct stage *s = &w->r->p->stages[i];
    const struct json *def = json_at(w->defs, i);
    struct json *out = json_new(w->a, JSON_OBJECT);
    for (uint32_t k = 0; k < json_len(def); k++) {
        struct slice name = def->u.members[k].name;
        if (slice_is(name, "after") || slice_is(name, "input") || slice_is(name, "inputs"))
            continue;
        json_set(w->a, out, arena_strndup(w->a, name.p, name.len), def->u.members[k].value);
    }
    if (s->op != OP_READ && s->ninputs == 1)
        json_set(w->a, out, "input", string(w, input_of(w, s, 0)));
    return out;
}

/* -- operations -- */

static void rewrite_read(struct rewriter *w, uint32_t i, struct sample_stage *st)
{
    struct sample_run *r = w->r;
    uint32_t source = (uint32_t)r->source_of[i];
    const struct sample_source *src = &r->sources[source];
    bool own_reader = src->method == SAMPLE_BLOCKS || src->stream;
    const char *id = r->p->stages[i].id;
    add(w, copy(w, i), own_reader ? ROLE_READ : ROLE_NONE, source, i);
    st->out = id;
    if (src->method == SAMPLE_WHOLE)
        return;
    const char *tag = own_id(w, "tag", id);
    add(w, units(w, tag, id, "0"), ROLE_TAG, source, UINT32_MAX);
    st->out = tag;
    st->unit = true;
}

static void keep_bounds(struct rewriter *w, struct sample_stage *st, const struct stage *s,
                        const struct text_list *from)
{
    for (uint32_t k = 0; k < from->n; k++) {
        const char *name = from->items[k];
        bool keep = schema_find(&s->schema, slice_str(name)) >= 0;
        for (uint32_t j = 0; s->op == OP_DERIVE && j < s->u.derive.n; j++)
            keep = keep && strcmp(s->u.derive.set[j].name, name) != 0;
        for (uint32_t j = 0; s->op == OP_RENAME && j < s->u.rename.from.n; j++) {
            if (strcmp(s->u.rename.from.items[j], name) == 0) {
                name = s->u.rename.to.items[j];
                keep = true;
            }
        }
        if (!keep)
            continue;
        st->bounds.items =
            arena_grow(w->a, st->bounds.items, st->bounds.n * sizeof(*st->bounds.items),
                       (st->bounds.n + 1) * sizeof(*st->bounds.items));
        st->bounds.items[st->bounds.n++] = name;
    }
}

static const char *lo_name(struct rewriter *w, const char *name)
{
    return arena_printf(w->a, SAMPLE_LO "%s", name);
}

static const char *hi_name(struct rewriter *w, const char *name)
{
    return arena_printf(w->a, SAMPLE_HI "%s", name);
}

static void rewrite_select(struct rewriter *w, uint32_t i, struct sample_stage *st)
{
    struct json *def = copy(w, i), *columns = names_of(w, &w->r->p->stages[i].schema);
    for (uint32_t k = 0; k < st->bounds.n; k++) {
        json_append(w->a, columns, string(w, lo_name(w, st->bounds.items[k])));
        json_append(w->a, columns, string(w, hi_name(w, st->bounds.items[k])));
    }
    if (st->unit)
        json_append(w->a, columns, string(w, SAMPLE_UNIT));
    st->hidden = st->bounds.n > 0;
    json_set(w->a, def, "columns", columns);
    add(w, def, ROLE_NONE, 0, i);
}

static void rewrite_rename(struct rewriter *w, uint32_t i, struct sample_stage *st)
{
    const struct stage *s = &w->r->p->stages[i];
    const struct text_list *had = &w->r->stages[s->inputs[0]].bounds;
    struct json *def = copy(w, i), *names = json_new(w->a, JSON_OBJECT);
    for (uint32_t k = 0; k < s->u.rename.from.n; k++) {
        const char *from = s->u.rename.from.items[k], *to = s->u.rename.to.items[k];
        json_set(w->a, names, from, string(w, to));
        for (uint32_t j = 0; j < had->n; j++) {
            if (strcmp(had->items[j], from) != 0)
                continue;
            json_set(w->a, names, lo_name(w, from), string(w, lo_name(w, to)));
            json_set(w->a, names, hi_name(w, from), string(w, hi_name(w, to)));
        }
    }
    (void)st;
    json_set(w->a, def, "names", names);
    add(w, def, ROLE_NONE, 0, i);
}

/* The text of the expression that gives a column. */
static const char *column_expr(struct rewriter *w, const char *name)
{
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    buf_adds(&text, ".[");
    json_quote(&text, slice_str(name));
    buf_adds(&text, "]");
    const char *kept = arena_strdup(w->a, buf_str(&text));
    buf_release(&text);
    return kept;
}

static void rewrite_aggregate(struct rewriter *w, uint32_t i, struct sample_stage *st)
{
    const struct stage *s = &w->r->p->stages[i];
    const struct json *def = json_at(w->defs, i);
    st->out = s->id;
    if (w->r->stages[s->inputs[0]].grade == GRADE_SAMPLE)
        st->groups = tally(w, input_of(w, s, 0), json_get(def, "by"), json_get(def, "measures"));
    add(w, copy(w, i), ROLE_NONE, 0, i);
    if (st->groups < 0 || s->u.aggregate.n == 0)
        return;
    const char *id = own_id(w, "estimate", s->id);
    struct json *est = own(w, id, "derive", s->id), *set = json_new(w->a, JSON_OBJECT);
    for (uint32_t k = 0; k < s->u.aggregate.n; k++) {
        const struct named_expr *m = &s->u.aggregate.measures[k];
        const char *value = column_expr(w, m->name);
        const char *bound = type_is_number(m->type) ? arena_printf(w->a, "%s * 1", value) : value;
        json_set(w->a, set, lo_name(w, m->name), string(w, bound));
        json_set(w->a, set, hi_name(w, m->name), string(w, bound));
        st->bounds.items = arena_grow(w->a, st->bounds.items, k * sizeof(*st->bounds.items),
                                      (k + 1) * sizeof(*st->bounds.items));
        st->bounds.items[st->bounds.n++] = m->name;
    }
    json_set(w->a, est, "set", set);
    add(w, est, ROLE_ESTIMATE, (uint32_t)st->groups, UINT32_MAX);
    st->out = id;
    st->hidden = true;
}

static void rewrite_distinct(struct rewriter *w, uint32_t i, struct sample_stage *st)
{
    const struct stage *s = &w->r->p->stages[i];
    const struct json *by = json_get(json_at(w->defs, i), "by");
    struct json *def = copy(w, i);
    if (json_len(by) == 0)
        by = names_of(w, &s->schema);
    json_set(w->a, def, "by", (struct json *)(uintptr_t)by);
    if (w->r->stages[s->inputs[0]].grade == GRADE_SAMPLE)
        st->groups = tally(w, input_of(w, s, 0), by, NULL);
    add(w, def, ROLE_NONE, 0, i);
}

static void rewrite_join(struct rewriter *w, uint32_t i, struct sample_stage *st)
{
    const struct stage *s = &w->r->p->stages[i];
    const struct sample_stage *left = &w->r->stages[s->inputs[0]],
                              *right = &w->r->stages[s->inputs[1]];
    bool pairs = s->u.join.type == JOIN_INNER || s->u.join.type == JOIN_LEFT;
    bool clash = pairs && ((left->unit && right->unit) || (left->hidden && right->hidden));
    const char *from = clash ? plain(w, s->inputs[1]) : right->out;
    struct json *def = copy(w, i), *inputs = json_new(w->a, JSON_ARRAY);
    json_append(w->a, inputs, string(w, left->out));
    json_append(w->a, inputs, string(w, from));
    json_set(w->a, def, "inputs", inputs);
    add(w, def, ROLE_NONE, 0, i);
    st->unit = left->unit || (pairs && right->unit && !clash);
    st->hidden = left->hidden || (pairs && right->hidden && !clash);
    keep_bounds(w, st, s, &left->bounds);
    if (pairs && !clash)
        keep_bounds(w, st, s, &right->bounds);
}

/* All inputs must have the same columns: units everywhere or nowhere, no bounds. */
static void rewrite_union(struct rewriter *w, uint32_t i, struct sample_stage *st)
{
    const struct stage *s = &w->r->p->stages[i];
    struct json *inputs = json_new(w->a, JSON_ARRAY);
    st->unit = st->grade == GRADE_SAMPLE;
    st->hidden = false;
    st->bounds = (struct text_list){0};
    for (uint32_t k = 0; k < s->ninputs; k++) {
        const struct sample_stage *in = &w->r->stages[s->inputs[k]];
        const char *from = in->hidden || !st->unit ? plain(w, s->inputs[k]) : in->out;
        if (st->unit && !in->unit) {
            const char *id = own_id(w, "certain", from);
            add(w, units(w, id, from, "-1"), ROLE_NONE, 0, UINT32_MAX);
            from = id;
        }
        json_append(w->a, inputs, string(w, from));
    }
    struct json *def = copy(w, i);
    json_set(w->a, def, "inputs", inputs);
    if (s->ninputs == 1)
        json_set(w->a, def, "input", string(w, json_at(inputs, 0)->u.s.p));
    add(w, def, ROLE_NONE, 0, i);
}

static void rewrite_write(struct rewriter *w, uint32_t i, struct sample_stage *st)
{
    const struct stage *s = &w->r->p->stages[i];
    const struct sample_stage *in = &w->r->stages[s->inputs[0]];
    bool rows = in->aggregated && (in->grade == GRADE_ESTIMATE || in->grade == GRADE_EXACT);
    if (rows)
        add(w, own(w, own_id(w, "collect", s->id), "distinct", in->out), ROLE_COLLECT, i,
            UINT32_MAX);
    const char *from = plain(w, s->inputs[0]);
    struct json *def = copy(w, i);
    json_set(w->a, def, "input", string(w, from));
    add(w, def, ROLE_NONE, 0, i);
    st->unit = false;
}

static void rewrite_stage(struct rewriter *w, uint32_t i)
{
    const struct stage *s = &w->r->p->stages[i];
    struct sample_stage *st = &w->r->stages[i];
    if (st->grade == GRADE_ABSENT)
        return;
    st->out = s->id;
    if (s->ninputs == 1 && s->op != OP_AGGREGATE) {
        st->unit = w->r->stages[s->inputs[0]].unit;
        st->hidden = w->r->stages[s->inputs[0]].hidden && s->op != OP_SELECT;
        keep_bounds(w, st, s, &w->r->stages[s->inputs[0]].bounds);
    }
    switch (s->op) {
    case OP_READ:
        rewrite_read(w, i, st);
        break;
    case OP_SELECT:
        rewrite_select(w, i, st);
        break;
    case OP_RENAME:
        rewrite_rename(w, i, st);
        break;
    case OP_AGGREGATE:
        rewrite_aggregate(w, i, st);
        break;
    case OP_DISTINCT:
        rewrite_distinct(w, i, st);
        break;
    case OP_JOIN:
        rewrite_join(w, i, st);
        break;
    case OP_UNION:
        rewrite_union(w, i, st);
        break;
    case OP_WRITE:
        rewrite_write(w, i, st);
        break;
    default:
        add(w, copy(w, i), ROLE_NONE, 0, i);
    }
    if (st->grade == GRADE_SAMPLE && s->op != OP_WRITE)
        st->tally = tally(w, st->out, NULL, NULL);
    else if (st->grade == GRADE_SAMPLE)
        st->tally = w->r->stages[s->inputs[0]].tally;
}

/* What p found out about its inputs holds for q. */
static bool bind(struct rewriter *w, struct err *err)
{
    struct sample_run *r = w->r;
    for (uint32_t i = 0; i < r->q.nstages; i++) {
        struct stage *s = &r->q.stages[i];
        if (s->op != OP_READ)
            continue;
        const struct stage *was = &r->p->stages[r->parts[i].stage];
        s->u.read.paths = was->u.read.paths;
        s->u.read.opts.pins = was->u.read.opts.pins;
        s->u.read.opts.npins = was->u.read.opts.npins;
    }
    if (!pipeline_bind(&r->q, r->o->profiles, r->o->nprofiles, err))
        return false;
    for (uint32_t i = 0; i < r->q.nstages; i++) {
        const struct sample_part *part = &r->parts[i];
        if (part->role == ROLE_READ && r->sources[part->of].stream &&
            !pipeline_bind_late(&r->q, i, reader_schema(r->sources[part->of].stream), err))
            return false;
    }
    return true;
}

bool sample_rewrite(struct sample_run *r, struct err *err)
{
    struct rewriter w = {.r = r,
                         .a = r->a,
                         .stages = json_new(r->a, JSON_ARRAY),
                         .defs = json_get(r->p->definition, "stages")};
    for (uint32_t k = 0; k < r->p->nstages; k++)
        rewrite_stage(&w, r->p->order[k]);
    r->parts = w.parts;
    r->nparts = w.nparts;
    if (w.nparts == 0)
        return true; /* nothing can run */
    struct json *def = json_new(r->a, JSON_OBJECT);
    json_set(r->a, def, "pipeline", string(&w, r->p->name));
    json_set(r->a, def, "stages", w.stages);
    r->tallies = ARENA_ARRAY(r->a, struct sample_tally, r->ntallies);
    r->rows = ARENA_ARRAY(r->a, struct sample_rows, r->p->nstages);
    return pipeline_from_definition(&r->q, def, r->p->base, r->p->code_version, err) &&
           bind(&w, err);
}
