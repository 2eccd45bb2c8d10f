/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How stages hang together: names to indices, edges that paths imply, cycles, two writers of one
 * path. */
#include "pipeline/parse.h"

#include <fnmatch.h>

#include "base/map.h"
#include "base/nearest.h"
#include "graph/graph.h"
#include "os/os.h"

int pipeline_find(const struct pipeline *p, const char *id)
{
    for (uint32_t i = 0; i < p->nstages; i++)
        if (p->stages[i].id && strcmp(p->stages[i].id, id) == 0)
            return (int)i;
    return -1;
}

static const struct text_list no_paths;

const struct text_list *stage_reads(const struct stage *s)
{
    return s->op == OP_READ      ? &s->u.read.paths
           : s->op == OP_COMMAND ? &s->u.command.reads
           : s->op == OP_SQL     ? &s->u.sql.reads
                                 : &no_paths;
}

const struct text_list *stage_writes(const struct stage *s)
{
    return s->op == OP_COMMAND ? &s->u.command.writes
           : s->op == OP_SQL   ? &s->u.sql.writes
                               : &no_paths;
}

static bool has_output(const struct stage *s)
{
    return s->op != OP_WRITE;
}

static bool resolve(struct pipeline *p, const struct stage *s, const struct text_list *names,
                    const char *field, uint32_t **out, uint32_t *n, struct err *err)
{
    *out = ARENA_ARRAY(&p->mem, uint32_t, names->n);
    *n = names->n;
    for (uint32_t i = 0; i < names->n; i++) {
        int at = pipeline_find(p, names->items[i]);
        struct quoted q;
        if (at < 0) {
            struct nearest near;
            nearest_init(&near, slice_str(names->items[i]));
            for (uint32_t k = 0; k < p->nstages; k++)
                nearest_try(&near, p->stages[k].id);
            return stage_error(p, s, err, "'%s' names the unknown stage '%s'%s%s%s", field,
                               quote_str(&q, names->items[i]), near.best ? "; did you mean '" : "",
                               near.best ? near.best : "", near.best ? "'?" : "");
        }
        (*out)[i] = (uint32_t)at;
    }
    return true;
}

static bool connect_inputs(struct pipeline *p, uint32_t i, const struct stage_names *names,
                           struct err *err)
{
    struct stage *s = &p->stages[i];
    if (!resolve(p, s, &names->inputs, "input", &s->inputs, &s->ninputs, err) ||
        !resolve(p, s, &names->after, "after", &s->after, &s->nafter, err))
        return false;
    if (s->op != OP_READ && !stage_is_outside(s) && !names->input_given) {
        if (i == 0)
            return stage_error(p, s, err, "a %s needs an 'input', and no stage stands above",
                               op_name(s->op));
        s->inputs = ARENA_ARRAY(&p->mem, uint32_t, 1);
        s->inputs[0] = i - 1;
        s->ninputs = 1;
    }
    for (uint32_t k = 0; k < s->ninputs; k++) {
        const struct stage *from = &p->stages[s->inputs[k]];
        if (!has_output(from))
            return stage_error(
                p, s, err,
                "its input '%s' is a write, which gives no records: name another stage in 'input'",
                from->id);
    }
    return true;
}

/* A command without `input` is a source or only runs, it takes no rows by accident: of the stage
 * above only those that nothing else reads, which would be lost. */
static void connect_commands(struct pipeline *p, const struct stage_names *names)
{
    struct arena tmp = ARENA_INIT;
    bool *is_read = ARENA_ARRAY(&tmp, bool, p->nstages);
    bool *gives = ARENA_ARRAY(&tmp, bool, p->nstages);
    for (uint32_t i = 0; i < p->nstages; i++) {
        gives[i] = p->stages[i].op != OP_WRITE && !stage_is_outside(&p->stages[i]);
        for (uint32_t k = 0; k < p->stages[i].ninputs; k++)
            is_read[p->stages[i].inputs[k]] = true;
    }
    for (uint32_t i = 1; i < p->nstages; i++) {
        struct stage *s = &p->stages[i];
        if (s->op != OP_COMMAND || names[i].input_given || is_read[i - 1] || !gives[i - 1])
            continue;
        s->inputs = ARENA_ARRAY(&p->mem, uint32_t, 1);
        s->inputs[0] = i - 1;
        s->ninputs = 1;
        gives[i] = true;
    }
    arena_release(&tmp);
}

static void add_after(struct pipeline *p, struct stage *s, uint32_t before)
{
    for (uint32_t i = 0; i < s->nafter; i++)
        if (s->after[i] == before)
            return;
    s->after = arena_grow(&p->mem, s->after, s->nafter * sizeof(*s->after),
                          (s->nafter + 1) * sizeof(*s->after));
    s->after[s->nafter++] = before;
}

/* Two spellings of one file, through a linked folder for instance, are one path. */
static struct map_entry *writer_entry(struct map *writers, const char *path, bool *added)
{
    bool plain = strcmp(path, "-") != 0 && !path_is_url(path);
    char *real = plain ? path_real(path) : xstrdup(path);
    struct map_entry *e =
        added ? map_put(writers, slice_str(real), added) : map_get(writers, slice_str(real));
    free(real);
    return e;
}

/* Who writes what; a path has one writer. */
static bool collect_writers(struct pipeline *p, struct map *writers, struct err *err)
{
    for (uint32_t i = 0; i < p->nstages; i++) {
        struct stage *s = &p->stages[i];
        struct text_list one = {&s->u.write.path, 1};
        const struct text_list *paths = s->op == OP_WRITE ? &one : stage_writes(s);
        for (uint32_t k = 0; k < paths->n; k++) {
            bool added;
            struct quoted q;
            struct map_entry *e = writer_entry(writers, paths->items[k], &added);
            if (!added && (s->op == OP_WRITE || e->v.num != (int64_t)i))
                return stage_error(
                    p, s, err,
                    "it writes '%s', which stage '%s' writes too: one path has one writer",
                    quote_str(&q, paths->items[k]), p->stages[e->v.num].id);
            e->v.num = i;
        }
    }
    return true;
}

/* A pattern takes the files that are there when the run begins. */
static void warn_of_pattern(struct pipeline *p, struct stage *s, const char *pattern)
{
    for (uint32_t i = 0; i < p->nstages; i++) {
        const struct stage *w = &p->stages[i];
        struct quoted q, q2;
        if (w->op == OP_WRITE && fnmatch(pattern, w->u.write.path, FNM_PATHNAME | FNM_PERIOD) == 0)
            pipeline_warn(p, s,
                          "'%s' matches '%s', which stage '%s' writes: what an earlier run left "
                          "there is read; name the files in 'paths', or write elsewhere",
                          quote_str(&q, pattern), quote_str(&q2, w->u.write.path), w->id);
    }
}

static void connect_paths(struct pipeline *p, struct map *writers)
{
    for (uint32_t i = 0; i < p->nstages; i++) {
        struct stage *s = &p->stages[i];
        const struct text_list *reads = stage_reads(s);
        for (uint32_t k = 0; k < reads->n; k++) {
            if (s->op == OP_READ && strpbrk(reads->items[k], "*?["))
                warn_of_pattern(p, s, reads->items[k]);
            const struct map_entry *e = writer_entry(writers, reads->items[k], NULL);
            if (!e || e->v.num == (int64_t)i || strcmp(reads->items[k], "-") == 0)
                continue;
            add_after(p, s, (uint32_t)e->v.num);
            const struct stage *w = &p->stages[e->v.num];
            if (w->op == OP_WRITE) /* in one spelling from here on */
                reads->items[k] = w->u.write.path;
            if (s->op == OP_READ)
                s->u.read.from_stage = true;
        }
    }
}

static bool order_stages(struct pipeline *p, struct err *err)
{
    struct arena tmp = ARENA_INIT;
    struct graph_edge *edges = NULL;
    size_t m = 0;
    for (uint32_t i = 0; i < p->nstages; i++) {
        const struct stage *s = &p->stages[i];
        for (uint32_t k = 0; k < s->ninputs; k++)
            *ARENA_PUSH(&tmp, edges, m) = (struct graph_edge){s->inputs[k], i};
        for (uint32_t k = 0; k < s->nafter; k++)
            *ARENA_PUSH(&tmp, edges, m) = (struct graph_edge){s->after[k], i};
    }
    struct graph g;
    uint32_t *cycle = NULL, ncycle = 0;
    graph_build(&tmp, &g, p->nstages, edges, m);
    p->order = ARENA_ARRAY(&p->mem, uint32_t, p->nstages);
    bool ok = graph_topological(&tmp, &g, p->order, &cycle, &ncycle);
    if (!ok) {
        struct buf way = BUF_INIT(600);
        for (uint32_t i = 0; i < ncycle; i++)
            buf_addf(&way, "%s%s", i ? " -> " : "", p->stages[cycle[i]].id);
        stage_error(p, &p->stages[cycle[0]], err,
                    "the stages form a cycle: %s: break it at one 'input', 'after' or path",
                    buf_str(&way));
        buf_release(&way);
    }
    arena_release(&tmp);
    return ok;
}

const uint32_t *pipeline_consumers(const struct pipeline *p, uint32_t i, uint32_t *n)
{
    *n = p->stages[i].nconsumers;
    return p->stages[i].consumers;
}

static void connect_consumers(struct pipeline *p)
{
    for (uint32_t i = 0; i < p->nstages; i++) {
        for (uint32_t k = 0; k < p->stages[i].ninputs; k++) {
            struct stage *from = &p->stages[p->stages[i].inputs[k]];
            if (from->nconsumers && from->consumers[from->nconsumers - 1] == i)
                continue;
            *ARENA_PUSH(&p->mem, from->consumers, from->nconsumers) = i;
        }
    }
    for (uint32_t i = 0; i < p->nstages; i++) {
        struct stage *s = &p->stages[i];
        if (s->op == OP_COMMAND) {
            s->u.command.is_sink = s->ninputs && !s->nconsumers;
            s->u.command.is_filter = s->ninputs && s->nconsumers;
            s->u.command.is_source = !s->ninputs && s->nconsumers;
        } else if (s->op != OP_WRITE && s->op != OP_SQL && !s->nconsumers) {
            pipeline_warn(p, s, "nothing reads its result: write it, or take the stage out");
        }
    }
}

bool pipeline_connect(struct pipeline *p, const struct stage_names *names, struct err *err)
{
    for (uint32_t i = 0; i < p->nstages; i++)
        if (!connect_inputs(p, i, &names[i], err))
            return false;
    connect_commands(p, names);
    struct map writers = MAP_INIT;
    bool ok = collect_writers(p, &writers, err);
    if (ok)
        connect_paths(p, &writers);
    map_release(&writers);
    if (!ok || !order_stages(p, err))
        return false;
    connect_consumers(p);
    return true;
}

static uint32_t line_of(struct slice text, const char *at)
{
    if (!text.p || at < text.p || at > text.p + text.len)
        return 0;
    uint32_t line = 1;
    for (const char *c = text.p; c < at; c++)
        line += *c == '\n';
    return line;
}

bool pipeline_parse(struct pipeline *p, const struct json *definition, struct slice text,
                    struct err *err)
{
    const char *where = p->path ? p->path : "plan";
    p->name = json_str(definition, "pipeline", NULL);
    if (!p->name || !*p->name)
        return err_set(err, ERR_DATA, "%s: \"pipeline\" is missing: the pipeline's name", where);
    p->schedule = json_str(definition, "schedule", NULL);
    static const char *const known[] = {"pipeline", "params", "schedule", "stages", "description"};
    for (uint32_t i = 0; i < definition->len; i++) {
        struct slice name = definition->u.members[i].name;
        struct nearest near;
        bool ok = slice_starts(name, "x_");
        nearest_init(&near, name);
        for (size_t k = 0; k < ARRAY_LEN(known); k++) {
            ok |= slice_is(name, known[k]);
            nearest_try(&near, known[k]);
        }
        struct quoted q;
        if (!ok)
            return err_set(err, ERR_DATA, "%s: a pipeline has no field '%s'%s%s%s", where,
                           quote_slice(&q, name), near.best ? "; did you mean '" : "",
                           near.best ? near.best : "", near.best ? "'?" : "");
    }
    const struct json *stages = json_get(definition, "stages");
    if (!json_is(stages, JSON_ARRAY) || !stages->len)
        return err_set(err, ERR_DATA, "%s: \"stages\" must be a list of at least one stage", where);
    p->nstages = stages->len;
    p->stages = ARENA_ARRAY(&p->mem, struct stage, p->nstages);
    struct stage_names *names = ARENA_ARRAY(&p->mem, struct stage_names, p->nstages);
    for (uint32_t i = 0; i < p->nstages; i++) {
        struct stage *s = &p->stages[i];
        s->line = line_of(text, stages->u.items[i]->text.p);
        if (!stage_parse(p, s, stages->u.items[i], &names[i], err))
            return false;
        int other = pipeline_find(p, s->id);
        struct quoted q;
        if (other >= 0 && (uint32_t)other < i)
            return stage_error(p, s, err, "two stages are called '%s': ids are unique",
                               quote_str(&q, s->id));
    }
    return pipeline_connect(p, names, err);
}
