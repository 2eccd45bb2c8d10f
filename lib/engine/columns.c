/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Column lineage. See columns.h. */
#include "engine/columns.h"

#include <string.h>

const char *column_use_name(enum column_use use)
{
    static const char *const names[] = {"IDENTITY", "TRANSFORMATION", "AGGREGATION", "FILTER",
                                        "JOIN",     "GROUP_BY",       "SORT"};
    return names[use];
}

struct gather {
    struct arena *a;
    struct column_source *items;
    uint32_t n;
};

static void add(struct gather *g, const struct column_source *s, enum column_use use)
{
    for (uint32_t i = 0; i < g->n; i++) {
        const struct column_source *have = &g->items[i];
        if (have->read == s->read && have->use == use && have->field == s->field)
            return; /* names are those of the read's schema */
    }
    *ARENA_PUSH(g->a, g->items, g->n) = (struct column_source){s->read, s->field, use};
}

/* As it is, or at least `use`: what was added up stays added up. */
static void add_all(struct gather *g, const struct column_sources *from, enum column_use use)
{
    for (uint32_t i = 0; i < from->n; i++) {
        enum column_use was = from->items[i].use;
        add(g, &from->items[i], use >= USE_FILTER || use > was ? use : was);
    }
}

static struct column_sources done(const struct gather *g)
{
    return (struct column_sources){g->items, g->n};
}

/* The columns that an expression reads. */
static void add_expr(struct gather *g, const struct stage_columns *in, const struct expr *e,
                     enum column_use use)
{
    uint32_t n = 0;
    const uint32_t *reads = e ? expr_reads(e, &n) : NULL;
    for (uint32_t i = 0; i < n && in->columns; i++)
        add_all(g, &in->columns[reads[i]], use);
}

static void add_column(struct gather *g, const struct stage_columns *in, uint32_t c,
                       enum column_use use)
{
    if (in->columns)
        add_all(g, &in->columns[c], use);
}

/* Columns of the same name, from the one numbered `first` on. */
static void pass_names(const struct stage *s, uint32_t first, const struct stage *in,
                       const struct stage_columns *from, struct stage_columns *out)
{
    for (uint32_t c = first; c < s->schema.n && from->columns; c++) {
        int at = schema_find_near(&in->schema, c, s->schema.fields[c].name);
        if (at >= 0)
            out->columns[c] = from->columns[at];
    }
}

/* `.name` and nothing else passes a column on. */
static bool is_identity(const struct expr *e, const struct schema *in)
{
    uint32_t n;
    const uint32_t *reads = expr_reads(e, &n);
    const char *source = expr_source(e);
    source += strspn(source, " \t\n");
    return n == 1 && source[0] == '.' && strcmp(source + 1, in->fields[reads[0]].name) == 0;
}

static void derive(struct gather *g, const struct stage *s, const struct stage *in,
                   const struct stage_columns *from, struct stage_columns *out)
{
    for (uint32_t i = 0; i < s->u.derive.n; i++) {
        const struct named_expr *set = &s->u.derive.set[i];
        int c = schema_find(&s->schema, slice_str(set->name));
        if (c < 0)
            continue;
        *g = (struct gather){.a = g->a};
        add_expr(g, from, set->expr,
                 is_identity(set->expr, &in->schema) ? USE_IDENTITY : USE_TRANSFORMATION);
        out->columns[c] = done(g);
    }
}

static bool is_set(const struct stage *s, const char *name)
{
    for (uint32_t i = 0; i < s->u.derive.n; i++) {
        if (strcmp(s->u.derive.set[i].name, name) == 0)
            return true;
    }
    return false;
}

static void aggregate(struct gather *records, const struct stage *s,
                      const struct stage_columns *from, struct stage_columns *out)
{
    uint32_t nby = s->u.aggregate.by.n;
    for (uint32_t i = 0; i < nby; i++) {
        if (from->columns)
            out->columns[i] = from->columns[s->u.aggregate.by_index[i]];
        add_column(records, from, s->u.aggregate.by_index[i], USE_GROUP_BY);
    }
    for (uint32_t i = 0; i < s->u.aggregate.n; i++) {
        struct gather g = {.a = records->a};
        add_expr(&g, from, s->u.aggregate.measures[i].expr, USE_AGGREGATION);
        if (nby + i < s->schema.n)
            out->columns[nby + i] = done(&g);
    }
}

/* Every input's column of a name makes the union's. */
static void unite(struct arena *a, const struct pipeline *p, const struct stage *s,
                  const struct stage_columns *all, struct stage_columns *out)
{
    for (uint32_t c = 0; c < s->schema.n; c++) {
        struct gather g = {.a = a};
        for (uint32_t k = 0; k < s->ninputs; k++) {
            const struct stage_columns *from = &all[s->inputs[k]];
            int at = schema_find_near(&p->stages[s->inputs[k]].schema, c, s->schema.fields[c].name);
            if (at >= 0)
                add_column(&g, from, (uint32_t)at, USE_IDENTITY);
        }
        out->columns[c] = done(&g);
    }
}

static void read_columns(struct arena *a, const struct pipeline *p, uint32_t i,
                         struct stage_columns *all)
{
    const struct stage *s = &p->stages[i];
    /* What a write of this pipeline put there goes on from its rows. */
    for (uint32_t k = 0; k < s->nafter && s->u.read.from_stage; k++) {
        const struct stage *w = &p->stages[s->after[k]];
        if (w->op != OP_WRITE || s->u.read.paths.n != 1 ||
            strcmp(w->u.write.path, s->u.read.paths.items[0]) != 0)
            continue;
        pass_names(s, 0, &p->stages[w->inputs[0]], &all[w->inputs[0]], &all[i]);
        all[i].records = all[w->inputs[0]].records;
        return;
    }
    for (uint32_t c = 0; c < s->schema.n; c++) {
        struct column_source *one = ARENA_NEW(a, struct column_source);
        *one = (struct column_source){i, s->schema.fields[c].name, USE_IDENTITY};
        all[i].columns[c] = (struct column_sources){one, 1};
    }
}

static void join(struct gather *records, const struct pipeline *p, const struct stage *s,
                 const struct stage_columns *all, struct stage_columns *out)
{
    const struct stage_columns *left = &all[s->inputs[0]], *right = &all[s->inputs[1]];
    for (uint32_t i = 0; i < s->u.join.n; i++) {
        add_column(records, left, s->u.join.on[i].left_index, USE_JOIN);
        add_column(records, right, s->u.join.on[i].right_index, USE_JOIN);
    }
    pass_names(s, 0, &p->stages[s->inputs[0]], left, out);
    if (s->u.join.type == JOIN_INNER || s->u.join.type == JOIN_LEFT)
        pass_names(s, p->stages[s->inputs[0]].schema.n, &p->stages[s->inputs[1]], right, out);
}

static void stage_columns(struct arena *a, const struct pipeline *p, uint32_t i,
                          struct stage_columns *all)
{
    const struct stage *s = &p->stages[i];
    struct stage_columns *out = &all[i];
    struct gather records = {.a = a}, scratch = {.a = a};
    if (!s->bound)
        return;
    out->columns = ARENA_ARRAY(a, struct column_sources, s->schema.n + 1);
    if (s->op == OP_READ) {
        read_columns(a, p, i, all);
        return;
    }
    if (s->op == OP_COMMAND || s->op == OP_SQL || s->ninputs == 0)
        return;
    const struct stage *in = &p->stages[s->inputs[0]];
    const struct stage_columns *from = &all[s->inputs[0]];
    for (uint32_t k = 0; k < s->ninputs; k++) {
        for (uint32_t n = 0; n < all[s->inputs[k]].records.n; n++)
            add(&records, &all[s->inputs[k]].records.items[n],
                all[s->inputs[k]].records.items[n].use);
    }
    switch (s->op) {
    case OP_FILTER:
        add_expr(&records, from, s->u.filter.expr, USE_FILTER);
        pass_names(s, 0, in, from, out);
        break;
    case OP_DERIVE:
        derive(&scratch, s, in, from, out);
        for (uint32_t c = 0; c < s->schema.n; c++) {
            int at = schema_find_near(&in->schema, c, s->schema.fields[c].name);
            if (at >= 0 && from->columns && !is_set(s, s->schema.fields[c].name))
                out->columns[c] = from->columns[at];
        }
        break;
    case OP_RENAME:
        for (uint32_t c = 0; c < s->schema.n && from->columns; c++)
            out->columns[c] = from->columns[c]; /* their order stays */
        break;
    case OP_JOIN:
        join(&records, p, s, all, out);
        break;
    case OP_AGGREGATE:
        aggregate(&records, s, from, out);
        break;
    case OP_SORT:
        for (uint32_t k = 0; k < s->u.sort.n; k++)
            add_column(&records, from, s->u.sort.by[k].index, USE_SORT);
        pass_names(s, 0, in, from, out);
        break;
    case OP_DISTINCT:
        for (uint32_t c = 0; c < in->schema.n && !s->u.distinct.by.n; c++)
            add_column(&records, from, c, USE_GROUP_BY);
        for (uint32_t c = 0; c < s->u.distinct.by.n; c++)
            add_column(&records, from, s->u.distinct.by_index[c], USE_GROUP_BY);
        pass_names(s, 0, in, from, out);
        break;
    case OP_UNION:
        unite(a, p, s, all, out);
        break;
    default:
        pass_names(s, 0, in, from, out);
        break;
    }
    out->records = done(&records);
}

struct stage_columns *columns_of(struct arena *a, const struct pipeline *p)
{
    struct stage_columns *all = ARENA_ARRAY(a, struct stage_columns, p->nstages);
    for (uint32_t i = 0; i < p->nstages; i++)
        stage_columns(a, p, p->order[i], all);
    return all;
}
