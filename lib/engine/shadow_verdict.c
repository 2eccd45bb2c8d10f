/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shadow runs: what was made beside what is published, or what the other pipeline made; the
 * verdict. See shadow.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/shadow_int.h"
#include "json/json.h"

#define REASONS_MAX 200 /* of all outputs; a reader has had enough by then */

struct verdict {
    struct shadow *s;
    const struct engine_opts *e;
    struct shadow_output *outputs;
    uint32_t noutputs;
    const char **reasons;
    uint32_t nreasons, left_out;
    uint32_t same, different, not_compared;
    bool changed; /* the input, or what is published */
};

static void add_reason(struct verdict *v, const char *text)
{
    if (v->nreasons == REASONS_MAX) {
        v->left_out++;
        return;
    }
    *ARENA_PUSH(v->s->a, v->reasons, v->nreasons) = text;
}

/* -- the order that a pipeline gives -- */

struct order {
    const char **by;
    uint32_t n;
};

static void keep_first(struct order *o, uint32_t i)
{
    if (i < o->n)
        o->n = i;
}

static bool list_has(const struct text_list *list, const char *name)
{
    for (uint32_t i = 0; i < list->n; i++)
        if (strcmp(list->items[i], name) == 0)
            return true;
    return false;
}

/* The order of what comes out of a stage, for one that keeps its input's. */
static void pass_order(const struct stage *st, struct order *o)
{
    for (uint32_t i = 0; i < o->n; i++) {
        for (uint32_t k = 0; st->op == OP_DERIVE && k < st->u.derive.n; k++)
            if (strcmp(st->u.derive.set[k].name, o->by[i]) == 0)
                keep_first(o, i);
        if (st->op == OP_SELECT && !list_has(&st->u.select.columns, o->by[i]))
            keep_first(o, i);
        for (uint32_t k = 0; st->op == OP_RENAME && k < st->u.rename.from.n; k++) {
            if (strcmp(st->u.rename.from.items[k], o->by[i]) == 0) {
                o->by[i] = st->u.rename.to.items[k];
                break;
            }
        }
    }
}

static struct order order_of(struct arena *a, const struct pipeline *p, uint32_t i)
{
    struct order o = {NULL, 0};
    uint32_t *way = NULL, n = 0; /* from the write back to the sort */
    for (;; i = p->stages[i].inputs[0]) {
        const struct stage *st = &p->stages[i];
        bool keeps = st->op == OP_WRITE || st->op == OP_FILTER || st->op == OP_DERIVE ||
                     st->op == OP_SELECT || st->op == OP_RENAME || st->op == OP_LIMIT ||
                     st->op == OP_DISTINCT || st->op == OP_JOIN;
        if (st->op == OP_SORT) {
            o.by = ARENA_ARRAY(a, const char *, st->u.sort.n);
            for (; o.n < st->u.sort.n; o.n++)
                o.by[o.n] = st->u.sort.by[o.n].column;
            break;
        }
        if (!keeps || st->ninputs == 0)
            return o;
        *ARENA_PUSH(a, way, n) = i;
    }
    while (n-- > 0)
        pass_order(&p->stages[way[n]], &o);
    return o;
}

/* -- one output -- */

static void read_opts(struct arena *a, const struct shadow_side *side, const struct shadow_place *o,
                      struct reader_opts *out)
{
    const struct stage *st = &side->p->stages[o->stage];
    *out = (struct reader_opts){.format = o->format};
    if (st->op != OP_WRITE)
        return;
    const struct schema *s = &side->p->stages[st->inputs[0]].schema;
    struct type_pin *pins = ARENA_ARRAY(a, struct type_pin, s->n);
    for (uint32_t c = 0; c < s->n; c++)
        if (s->fields[c].type == TYPE_FLOAT)
            pins[out->npins++] = (struct type_pin){.column = s->fields[c].name, .type = TYPE_FLOAT};
    out->pins = pins;
}

static double rows_written(const struct engine_result *r, const struct shadow_side *side,
                           const struct shadow_place *o)
{
    bool own = side->p->stages[o->stage].op == OP_WRITE;
    return own && r->stages ? r->stages[o->stage].used.records_in.p50 : NAN;
}

static void not_compared(struct verdict *v, struct shadow_output *out, const char *why)
{
    out->state = SHADOW_NOT_COMPARED;
    out->why = why;
    v->not_compared++;
    add_reason(v, arena_printf(v->s->a, "%s: not compared: %s", out->name, why));
}

static void different(struct verdict *v, struct shadow_output *out, const char *why)
{
    out->state = SHADOW_DIFFERENT;
    out->why = why;
    v->different++;
    add_reason(v, arena_printf(v->s->a, "%s: %s", out->name, why));
}

static bool is_regular(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static const struct shadow_place *place_called(const struct shadow_side *side, const char *name)
{
    for (uint32_t i = 0; i < side->nplaces; i++)
        if (strcmp(side->places[i].name, name) == 0)
            return &side->places[i];
    return NULL;
}

/* Compares the candidate's `o` with the file `path` of `other` (NULL: what is published). */
static bool compare_with(struct verdict *v, const struct shadow_place *o, const char *path,
                         const struct shadow_place *other, struct shadow_output *out,
                         struct err *err)
{
    struct shadow *s = v->s;
    const struct shadow_side *mine = &s->side[CANDIDATE], *theirs = &s->side[OTHER];
    struct compare_side side[2] = {{.path = path}, {.path = o->scratch}};
    read_opts(s->a, mine, o, &side[1].opts);
    if (other)
        read_opts(s->a, theirs, other, &side[0].opts);
    else
        side[0].opts = side[1].opts;
    struct order order = {NULL, 0};
    /* What the other orders, the candidate must; what only the candidate does is more than asked.
     */
    const struct pipeline *p = other ? theirs->p : mine->p;
    uint32_t stage = other ? other->stage : o->stage;
    if (p->stages[stage].op == OP_WRITE)
        order = order_of(s->a, p, stage);
    struct compare_opts c = {.rtol = s->o->rtol,
                             .names = {other ? "the other" : "what is published", "the candidate"},
                             .order = order.by,
                             .norder = order.n,
                             .stop = v->e->stop};
    if (!compare_tables(side, &c, s->a, &out->result, err))
        return err_prefix(err, "'%s': ", out->name);
    if (!isnan(out->result.rows[1]))
        out->rows = out->result.rows[1];
    out->state = out->result.equal ? SHADOW_SAME : SHADOW_DIFFERENT;
    v->same += out->result.equal;
    v->different += !out->result.equal;
    for (uint32_t i = 0; i < out->result.nreasons; i++)
        add_reason(v, arena_printf(s->a, "%s: %s", out->name, out->result.reasons[i]));
    return true;
}

static bool compare_place(struct verdict *v, const struct shadow_place *o,
                          const struct engine_result *candidate, struct err *err)
{
    struct shadow *s = v->s;
    const struct shadow_side *mine = &s->side[CANDIDATE], *theirs = &s->side[OTHER];
    struct shadow_output *out = ARENA_PUSH(s->a, v->outputs, v->noutputs);
    *out = (struct shadow_output){.name = strcmp(o->name, "-") == 0 ? "stdout" : o->name,
                                  .rows = rows_written(candidate, mine, o)};
    const struct shadow_place *other = s->o->against ? place_called(theirs, o->name) : NULL;
    const char *path = s->o->against ? (other ? other->scratch : NULL) : o->path;
    if (mine->skip[o->stage])
        not_compared(v, out, mine->why[o->stage]);
    else if (o->url)
        not_compared(v, out, "only files are compared");
    else if (!s->o->against && strcmp(o->path, "-") == 0)
        not_compared(v, out, "rows for standard output are published nowhere");
    else if (s->o->against && !other)
        different(v, out, "the other pipeline does not write it");
    else if (other && theirs->skip[other->stage])
        not_compared(v, out,
                     arena_printf(s->a, "in the other pipeline %s", theirs->why[other->stage]));
    else if (!path_exists(o->scratch))
        different(v, out,
                  arena_printf(s->a, "stage '%s' wrote no such file in FORELINE_SHADOW",
                               mine->p->stages[o->stage].id));
    else if (!path_exists(path))
        different(v, out,
                  other ? "the other pipeline wrote no such file" : "nothing is published there");
    else if (!is_regular(path) || !is_regular(o->scratch))
        not_compared(v, out, "it is not a regular file");
    else
        return compare_with(v, o, path, other, out, err);
    return true;
}

/* Commands that are not run and whose outputs nobody named. */
static void tell_not_run(struct verdict *v)
{
    const struct shadow_side *mine = &v->s->side[CANDIDATE];
    for (uint32_t i = 0; i < mine->p->nstages; i++) {
        const struct stage *st = &mine->p->stages[i];
        if (!mine->skip[i] || !stage_is_outside(st) || stage_writes(st)->n)
            continue;
        add_reason(v, arena_printf(v->s->a, "stage '%s' was not run, what it does not compared: %s",
                                   st->id, mine->why[i]));
        v->not_compared++;
    }
}

static void tell_unmatched(struct verdict *v)
{
    const struct shadow_side *theirs = &v->s->side[OTHER];
    for (uint32_t i = 0; i < theirs->nplaces; i++) {
        const struct shadow_place *o = &theirs->places[i];
        if (place_called(&v->s->side[CANDIDATE], o->name))
            continue;
        struct shadow_output *out = ARENA_PUSH(v->s->a, v->outputs, v->noutputs);
        *out = (struct shadow_output){.name = strcmp(o->name, "-") == 0 ? "stdout" : o->name,
                                      .rows = NAN};
        different(v, out, "only the other pipeline writes it");
    }
}

/* -- the verdict -- */

static void tell_changes(struct verdict *v)
{
    const struct shadow *s = v->s;
    for (uint32_t i = 0; i < s->nlooks; i++) {
        const struct shadow_look *l = &s->looks[i];
        struct quoted q;
        if (shadow_look_holds(l))
            continue;
        v->changed = true;
        add_reason(v,
                   arena_printf(s->a,
                                l->published ? "what is published as '%s' changed while the run "
                                               "went on: compare it again"
                                             : "the input '%s' changed while the run went on, so "
                                               "that nothing can be said: run it again",
                                quote_str(&q, l->path)));
    }
}

static double cpu_of(const struct engine_result *r, uint32_t nstages)
{
    double sum = 0;
    for (uint32_t i = 0; r->stages && i < nstages; i++)
        if (!isnan(r->stages[i].used.cpu_s.p50))
            sum += r->stages[i].used.cpu_s.p50;
    return r->stages ? sum : NAN;
}

static void write_examples(struct jw *w, const struct compare_result *r)
{
    static const char *const changes[] = {"changed", "gone", "new"};
    jw_key(w, "examples");
    jw_arr(w);
    for (uint32_t i = 0; i < r->nexamples; i++) {
        const struct compare_example *x = &r->examples[i];
        jw_obj(w);
        jw_kstr(w, "change", changes[x->change]);
        jw_knum(w, "row", x->row[1] ? (double)x->row[1] : NAN);
        jw_knum(w, "against_row", x->row[0] ? (double)x->row[0] : NAN);
        jw_kstr(w, "text", x->text);
        jw_end_obj(w);
    }
    jw_end_arr(w);
}

static void write_outputs(struct jw *w, const struct verdict *v)
{
    static const char *const states[] = {"same", "different", "not_compared"};
    jw_key(w, "outputs");
    jw_arr(w);
    for (uint32_t i = 0; i < v->noutputs; i++) {
        const struct shadow_output *o = &v->outputs[i];
        const struct compare_result *r = &o->result;
        bool known = !o->why;
        jw_obj(w);
        jw_kstr(w, "name", o->name);
        jw_kstr(w, "result", states[o->state]);
        jw_knum(w, "rows", o->rows);
        jw_knum(w, "against_rows", !known ? NAN : r->same_bytes ? o->rows : r->rows[0]);
        jw_knum(w, "only_here", known ? r->only[1] : NAN);
        jw_knum(w, "only_there", known ? r->only[0] : NAN);
        write_examples(w, &o->result);
        jw_end_obj(w);
    }
    jw_end_arr(w);
}

static const struct json *figures_of(const struct verdict *v, const struct engine_result *candidate,
                                     double wall_s)
{
    const struct shadow *s = v->s;
    const struct shadow_side *theirs = &s->side[OTHER];
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    double rows = 0, differing = 0;
    for (uint32_t i = 0; i < v->noutputs; i++) {
        const struct shadow_output *o = &v->outputs[i];
        rows += o->state != SHADOW_NOT_COMPARED && !isnan(o->rows) ? o->rows : 0;
        differing += fmax(o->result.only[0], o->result.only[1]);
    }
    struct jw w;
    jw_begin(&w, &text);
    jw_obj(&w);
    jw_kstr(&w, "against", s->o->against ? s->o->against->name : NULL);
    jw_knum(&w, "rtol", s->o->rtol);
    jw_kint(&w, "compared", v->same + v->different);
    jw_kint(&w, "different", v->different);
    jw_kint(&w, "not_compared", v->not_compared);
    jw_knum(&w, "rows", rows);
    jw_knum(&w, "differing_rows", differing);
    jw_knum(&w, "cpu_s", cpu_of(candidate, s->side[CANDIDATE].p->nstages));
    jw_knum(&w, "wall_s", wall_s);
    jw_knum(&w, "against_cpu_s", s->o->against ? cpu_of(&theirs->result, theirs->p->nstages) : NAN);
    jw_knum(&w, "against_wall_s", s->o->against ? theirs->wall_s : NAN);
    write_outputs(&w, v);
    jw_end_obj(&w);
    struct json *figures = NULL;
    struct err bad = ERR_INIT;
    struct slice kept = arena_slice(s->a, buf_slice(&text));
    buf_release(&text);
    if (!json_parse(s->a, kept, 0, &figures, &bad))
        BUG("figures that are no JSON: %s", bad.text);
    return figures;
}

bool shadow_end(struct shadow *s, const struct engine_opts *e,
                const struct engine_result *candidate, struct shadow_report *out, struct err *err)
{
    const struct shadow_side *mine = &s->side[CANDIDATE];
    struct verdict v = {.s = s, .e = e};
    double wall_s = clock_wall() - s->started;
    if (s->o->against && !shadow_run_other(s, e, err))
        return false;
    for (uint32_t i = 0; i < mine->nplaces; i++)
        if (!compare_place(&v, &mine->places[i], candidate, err))
            return false;
    if (s->o->against)
        tell_unmatched(&v);
    tell_not_run(&v);
    tell_changes(&v);
    if (v.same + v.different == 0)
        add_reason(&v, "nothing could be compared");
    if (v.left_out)
        *ARENA_PUSH(s->a, v.reasons, v.nreasons) =
            arena_printf(s->a, "%u more reasons", (unsigned)v.left_out);
    *out = (struct shadow_report){.against = s->o->against ? s->o->against->name : NULL,
                                  .outputs = v.outputs,
                                  .noutputs = v.noutputs};
    out->verdict = (struct rec_verdict){.check = "shadow",
                                        .subject = mine->p->name,
                                        .ok = v.same > 0 && v.different == 0 && !v.changed,
                                        .reasons = v.reasons,
                                        .nreasons = v.nreasons,
                                        .figures = figures_of(&v, candidate, wall_s)};
    return true;
}
