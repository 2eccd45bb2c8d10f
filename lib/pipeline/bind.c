/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Columns and types flow down the stages: inputs are opened, every column that a stage names is
 * looked up, every expression compiled against the columns it will see. Afterwards a stage holds
 * indices, not names.
 *
 * A command's output, and a file that a command of this pipeline writes, can be known only when it
 * runs: those stages and what hangs on them are left `schema_late` and bound by pipeline_bind_late.
 */
#include "pipeline/parse.h"

#include <glob.h>
#include <sys/stat.h>

#include "base/nearest.h"

struct binder {
    struct pipeline *p;
    const struct rec_profile *profiles;
    size_t nprofiles;
    struct err *err;
};

/* Puts the stage in front of an error that is already there. What would be a wrong option of a
 * reader stands in the file here. */
static bool at_stage(struct binder *b, const struct stage *s, const char *field)
{
    struct err inner = *b->err;
    enum err_kind kind = inner.kind;
    if (field)
        stage_error(b->p, s, b->err, "'%s': %s", field, inner.text);
    else
        stage_error(b->p, s, b->err, "%s", inner.text);
    b->err->kind = kind == ERR_USAGE ? ERR_DATA : kind;
    return false;
}

static bool find_column(struct binder *b, const struct stage *s, const struct schema *in,
                        const char *name, const char *field, uint32_t *out)
{
    int at = schema_find(in, slice_str(name));
    if (at >= 0) {
        *out = (uint32_t)at;
        return true;
    }
    struct nearest near;
    struct quoted q;
    struct buf all = BUF_INIT(300);
    nearest_init(&near, slice_str(name));
    for (uint32_t i = 0; i < in->n; i++) {
        nearest_try(&near, in->fields[i].name);
        buf_addf(&all, "%s%s", i ? ", " : "", in->fields[i].name);
    }
    if (near.best)
        stage_error(b->p, s, b->err, "'%s' names the unknown column '%s'; did you mean '%s'?",
                    field, quote_str(&q, name), near.best);
    else
        stage_error(b->p, s, b->err, "'%s' names the unknown column '%s'; there are: %s%s", field,
                    quote_str(&q, name), all.len ? buf_str(&all) : "none (the input is empty)",
                    all.overflow ? ", …" : "");
    buf_release(&all);
    return false;
}

static bool find_columns(struct binder *b, const struct stage *s, const struct schema *in,
                         const struct text_list *names, const char *field, uint32_t **out)
{
    *out = ARENA_ARRAY(&b->p->mem, uint32_t, names->n);
    for (uint32_t i = 0; i < names->n; i++) {
        if (!find_column(b, s, in, names->items[i], field, &(*out)[i]))
            return false;
        for (uint32_t k = 0; k < i; k++)
            if ((*out)[k] == (*out)[i])
                return stage_error(b->p, s, b->err, "'%s' names column '%s' twice", field,
                                   names->items[i]);
    }
    return true;
}

static struct field *add_field(struct binder *b, struct schema *s, const char *name, enum type type,
                               bool nullable)
{
    struct field *f = ARENA_PUSH(&b->p->mem, s->fields, s->n);
    *f = (struct field){arena_strdup(&b->p->mem, name), type, nullable};
    return f;
}

/* The input's columns, to which more can be added. */
static void pass_on(struct binder *b, struct schema *out, const struct schema *in)
{
    *out = (struct schema){NULL, 0};
    for (uint32_t i = 0; i < in->n; i++)
        *ARENA_PUSH(&b->p->mem, out->fields, out->n) = in->fields[i];
}

/* A column without any value (the day's file has a header only) may be anything. */
#define UNKNOWN_MAX 5
static uint32_t unknown_columns(const struct schema *in, const char *source,
                                uint32_t out[UNKNOWN_MAX])
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < in->n && n < UNKNOWN_MAX; i++)
        if (in->fields[i].type == TYPE_NONE && strstr(source, in->fields[i].name))
            out[n++] = i;
    return n;
}

/* Compiles; a column without any value is taken for text or for a number, whichever the expression
 * needs. */
static bool compile_any(struct binder *b, const char *source, const struct schema *in,
                        bool need_number, struct expr **out)
{
    uint32_t unknown[UNKNOWN_MAX], n = unknown_columns(in, source, unknown);
    bool ok = expr_new(&b->p->mem, source, in, out, b->err);
    if (n == 0)
        return ok;
    struct err first = *b->err;
    struct schema guess;
    schema_copy(&b->p->mem, &guess, in);
    for (uint32_t k = 0; k < (1u << n); k++) {
        enum type t = ok ? expr_type(*out) : TYPE_NONE;
        bool fits = ok && strcmp(expr_engine(*out), "vector") == 0 &&
                    (!need_number || type_is_number(t) || t == TYPE_NONE);
        if (fits || k + 1 == (1u << n))
            break;
        if (ok)
            expr_release(*out);
        uint32_t numbers = (1u << n) - 1 - k; /* all of them first */
        for (uint32_t i = 0; i < n; i++)
            guess.fields[unknown[i]].type = numbers >> i & 1 ? TYPE_FLOAT : TYPE_NONE;
        ok = expr_new(&b->p->mem, source, &guess, out, b->err);
    }
    if (!ok && (ok = expr_new(&b->p->mem, source, in, out, b->err)) == false)
        *b->err = first;
    return ok;
}

static bool compile(struct binder *b, struct stage *s, const char *field, const char *source,
                    const struct schema *in, bool need_number, struct expr **out)
{
    if (!compile_any(b, source, in, need_number, out))
        return at_stage(b, s, field);
    const char *warning = expr_warning(*out);
    if (warning)
        pipeline_warn(b->p, s, "'%s': %s", field, warning);
    return true;
}

static bool needs_number(enum measure_kind m)
{
    return m == MEASURE_SUM || m == MEASURE_MEAN || m == MEASURE_STDDEV || m == MEASURE_QUANTILE;
}

/* -- read -- */

static bool expand_globs(struct binder *b, struct stage *s)
{
    struct text_list found = {0};
    for (uint32_t i = 0; i < s->u.read.paths.n; i++) {
        const char *path = s->u.read.paths.items[i];
        struct quoted q;
        if (!strpbrk(path, "*?[") || s->u.read.from_stage) {
            text_list_add(&b->p->mem, &found, path);
            continue;
        }
        glob_t g;
        int st = glob(path, 0, NULL, &g);
        for (size_t k = 0; st == 0 && k < g.gl_pathc; k++)
            text_list_add(&b->p->mem, &found, arena_strdup(&b->p->mem, g.gl_pathv[k]));
        if (st == 0)
            globfree(&g);
        if (st != 0) {
            stage_error(b->p, s, b->err, "no file matches '%s'", quote_str(&q, path));
            b->err->kind = ERR_ENV;
            return false;
        }
    }
    s->u.read.paths = found;
    return true;
}

static uint32_t count_reads(const struct pipeline *p)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < p->nstages; i++)
        n += p->stages[i].op == OP_READ;
    return n;
}

/* The chain's profile of what this stage reads: by dataset name; one without a name serves the only
 * read. */
static const struct rec_profile *profile_of(struct binder *b, const struct stage *s)
{
    const struct rec_profile *found = NULL;
    if (s->u.read.paths.n != 1)
        return NULL;
    for (size_t i = 0; i < b->nprofiles; i++) {
        const struct rec_profile *c = &b->profiles[i];
        bool mine = c->dataset ? strncmp(c->dataset, "file:", 5) == 0 &&
                                     strcmp(c->dataset + 5, s->u.read.paths.items[0]) == 0
                               : count_reads(b->p) == 1;
        if (mine && c->records > 0)
            found = c;
    }
    return found;
}

static void pin_all(struct binder *b, struct stage *s)
{
    struct type_pin *pins = ARENA_ARRAY(&b->p->mem, struct type_pin, s->schema.n);
    size_t n = 0;
    for (uint32_t i = 0; i < s->schema.n; i++) {
        const struct field *f = &s->schema.fields[i];
        bool declared = false;
        for (size_t k = 0; k < s->u.read.opts.npins; k++)
            declared |= strcmp(s->u.read.opts.pins[k].column, f->name) == 0;
        pins[n++] = (struct type_pin){f->name, f->type, !declared};
    }
    s->u.read.opts.pins = pins;
    s->u.read.opts.npins = n;
}

static void ignore_bad(void *ctx, const struct bad_record *bad)
{
    (void)ctx; /* counted and reported by the run, not by the look ahead */
    (void)bad;
}

static bool open_schema(struct binder *b, struct stage *s, const struct reader_opts *o,
                        struct schema *out)
{
    struct reader *r =
        reader_open(s->u.read.paths.items, s->u.read.paths.n, o, ignore_bad, NULL, b->err);
    if (!r)
        return at_stage(b, s, NULL);
    schema_copy(&b->p->mem, out, reader_schema(r));
    reader_close(r);
    return true;
}

/* Types that a profile knows spare the look ahead. The file may have changed since: only columns
 * that are still there are taken. */
static bool pins_from_profile(struct binder *b, struct stage *s, const struct rec_profile *profile,
                              struct reader_opts *o)
{
    struct schema header;
    struct reader_opts names = *o;
    names.no_infer = true;
    if (!open_schema(b, s, &names, &header))
        return false;
    struct type_pin *pins = ARENA_ARRAY(&b->p->mem, struct type_pin, o->npins + header.n);
    size_t n = o->npins;
    if (n)
        memcpy(pins, o->pins, n * sizeof(*pins));
    for (uint32_t i = 0; i < header.n; i++) {
        const struct rec_column *c = rec_profile_column(profile, slice_str(header.fields[i].name));
        bool given = false;
        for (size_t k = 0; k < o->npins; k++)
            given |= strcmp(o->pins[k].column, header.fields[i].name) == 0;
        if (c && !given && c->type != TYPE_NONE && c->records > c->nulls)
            pins[n++] = (struct type_pin){header.fields[i].name, c->type, true};
    }
    o->pins = pins;
    o->npins = n;
    return true;
}

/* A file that a `write` of this pipeline makes: its columns are those of the write's input. */
static const struct stage *writer_of(const struct pipeline *p, const struct stage *s)
{
    for (uint32_t i = 0; i < p->nstages; i++)
        if (p->stages[i].op == OP_WRITE && s->u.read.paths.n == 1 &&
            strcmp(p->stages[i].u.write.path, s->u.read.paths.items[0]) == 0)
            return &p->stages[i];
    return NULL;
}

/* What can be read only once, when it runs: stdin, a fifo, <(a command) of the shell. */
static bool is_stream(const char *path)
{
    struct stat st;
    return strcmp(path, "-") == 0 ||
           (stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode));
}

static bool bind_read(struct binder *b, struct stage *s)
{
    if (!expand_globs(b, s))
        return false;
    struct reader_opts *o = &s->u.read.opts;
    if (s->u.read.from_stage) {
        const struct stage *w = writer_of(b->p, s);
        const struct stage *in = w ? &b->p->stages[w->inputs[0]] : NULL;
        if (!in || !in->bound || o->npins) {
            s->schema_late = true;
            return true;
        }
        pass_on(b, &s->schema, &in->schema);
        if (o->format == FORMAT_AUTO)
            o->format = w->u.write.format;
        pin_all(b, s);
        s->bound = true;
        return true;
    }
    for (uint32_t i = 0; i < s->u.read.paths.n; i++)
        if (is_stream(s->u.read.paths.items[i])) {
            s->schema_late = true;
            return true;
        }
    const struct rec_profile *profile = profile_of(b, s);
    if ((profile && !pins_from_profile(b, s, profile, o)) || !open_schema(b, s, o, &s->schema))
        return false;
    pin_all(b, s);
    s->bound = true;
    return true;
}

/* -- the others -- */

static bool bind_derive(struct binder *b, struct stage *s, const struct schema *in)
{
    pass_on(b, &s->schema, in);
    for (uint32_t i = 0; i < s->u.derive.n; i++) {
        struct named_expr *e = &s->u.derive.set[i];
        if (!compile(b, s, e->name, e->source, in, false, &e->expr))
            return false;
        e->type = expr_type(e->expr);
        int at = schema_find(&s->schema, slice_str(e->name));
        struct field *f =
            at >= 0 ? &s->schema.fields[at] : add_field(b, &s->schema, e->name, e->type, true);
        f->type = e->type;
        f->nullable = expr_nullable(e->expr);
    }
    return true;
}

static bool bind_select(struct binder *b, struct stage *s, const struct schema *in)
{
    if (!find_columns(b, s, in, &s->u.select.columns, "columns", &s->u.select.index))
        return false;
    for (uint32_t i = 0; i < s->u.select.columns.n; i++) {
        const struct field *f = &in->fields[s->u.select.index[i]];
        add_field(b, &s->schema, f->name, f->type, f->nullable);
    }
    return true;
}

static bool bind_rename(struct binder *b, struct stage *s, const struct schema *in)
{
    pass_on(b, &s->schema, in);
    for (uint32_t i = 0; i < s->u.rename.from.n; i++) {
        uint32_t at = 0;
        if (!find_column(b, s, in, s->u.rename.from.items[i], "names", &at))
            return false;
        s->schema.fields[at].name = arena_strdup(&b->p->mem, s->u.rename.to.items[i]);
    }
    for (uint32_t i = 0; i < s->schema.n; i++)
        if (schema_find(&s->schema, slice_str(s->schema.fields[i].name)) != (int)i)
            return stage_error(b->p, s, b->err, "two columns would be called '%s'",
                               s->schema.fields[i].name);
    return true;
}

/* Integer and float compare by value; else both must be of one type. A column without any value
 * joins all. */
static bool keys_match(enum type a, enum type b)
{
    return a == b || a == TYPE_NONE || b == TYPE_NONE || (type_is_number(a) && type_is_number(b));
}

static bool bind_join(struct binder *b, struct stage *s, const struct schema *left,
                      const struct schema *right)
{
    bool *is_key = ARENA_ARRAY(&b->p->mem, bool, right->n);
    for (uint32_t i = 0; i < s->u.join.n; i++) {
        struct join_key *k = &s->u.join.on[i];
        if (!find_column(b, s, left, k->left, "on", &k->left_index) ||
            !find_column(b, s, right, k->right, "on", &k->right_index))
            return false;
        enum type l = left->fields[k->left_index].type, r = right->fields[k->right_index].type;
        if (!keys_match(l, r))
            return stage_error(
                b->p, s, b->err,
                "key '%s' is of type %s on the left and '%s' of type %s on the right: give both "
                "one "
                "type with 'types' in the read, or derive a key with tostring or tonumber",
                k->left, type_name(l), k->right, type_name(r));
        is_key[k->right_index] = true;
    }
    pass_on(b, &s->schema, left);
    if (s->u.join.type == JOIN_SEMI || s->u.join.type == JOIN_ANTI)
        return true;
    for (uint32_t i = 0; i < right->n; i++) {
        const struct field *f = &right->fields[i];
        if (is_key[i])
            continue;
        if (schema_find(left, slice_str(f->name)) >= 0)
            return stage_error(
                b->p, s, b->err,
                "both inputs have a column '%s': give one another name with a rename", f->name);
        add_field(b, &s->schema, f->name, f->type, f->nullable || s->u.join.type == JOIN_LEFT);
    }
    return true;
}

static bool measure_type(struct binder *b, struct stage *s, struct named_expr *m)
{
    enum type t = m->expr ? expr_type(m->expr) : TYPE_INTEGER;
    switch (m->measure) {
    case MEASURE_COUNT:
    case MEASURE_DISTINCT:
    case MEASURE_APPROX_DISTINCT:
        m->type = TYPE_INTEGER;
        return true;
    case MEASURE_SUM:
    case MEASURE_MEAN:
    case MEASURE_STDDEV:
    case MEASURE_QUANTILE:
        if (!type_is_number(t) && t != TYPE_NONE)
            return stage_error(
                b->p, s, b->err,
                "measure '%s' needs a number, and '%s' is %s%s: convert it with tonumber", m->name,
                m->source, t == TYPE_JSON ? "of a type known only when it runs" : "of type ",
                t == TYPE_JSON ? "" : type_name(t));
        m->type = TYPE_FLOAT;
        return true;
    case MEASURE_MIN:
    case MEASURE_MAX:
        if (t == TYPE_JSON)
            return stage_error(b->p, s, b->err,
                               "measure '%s' needs values with an order, and the type of '%s' is "
                               "known only when it "
                               "runs: convert it with tonumber or tostring",
                               m->name, m->source);
        m->type = t;
        return true;
    case MEASURE_FIRST:
    case MEASURE_LAST:
        m->type = t;
        return true;
    }
    return true;
}

static bool bind_aggregate(struct binder *b, struct stage *s, const struct schema *in)
{
    const struct text_list *by = &s->u.aggregate.by;
    if (!find_columns(b, s, in, by, "by", &s->u.aggregate.by_index))
        return false;
    for (uint32_t i = 0; i < by->n; i++) {
        const struct field *f = &in->fields[s->u.aggregate.by_index[i]];
        add_field(b, &s->schema, f->name, f->type, f->nullable);
    }
    for (uint32_t i = 0; i < s->u.aggregate.n; i++) {
        struct named_expr *m = &s->u.aggregate.measures[i];
        if ((m->source &&
             !compile(b, s, m->name, m->source, in, needs_number(m->measure), &m->expr)) ||
            !measure_type(b, s, m))
            return false;
        if (schema_find(&s->schema, slice_str(m->name)) >= 0)
            return stage_error(b->p, s, b->err, "two columns of the result would be called '%s'",
                               m->name);
        add_field(b, &s->schema, m->name, m->type, m->type != TYPE_INTEGER || m->source);
    }
    return true;
}

static bool bind_union(struct binder *b, struct stage *s)
{
    const struct stage *first = &b->p->stages[s->inputs[0]];
    pass_on(b, &s->schema, &first->schema);
    for (uint32_t i = 1; i < s->ninputs; i++) {
        const struct stage *other = &b->p->stages[s->inputs[i]];
        for (uint32_t k = 0; k < other->schema.n || k < s->schema.n; k++) {
            const struct schema *a = k < s->schema.n ? &s->schema : &other->schema;
            const struct schema *c = a == &s->schema ? &other->schema : &s->schema;
            int at = schema_find_near(c, k, a->fields[k].name);
            if (at < 0 || other->schema.n != s->schema.n)
                return stage_error(
                    b->p, s, b->err,
                    "'%s' and '%s' have different columns ('%s' is in one of them only): make them "
                    "equal with select or rename",
                    first->id, other->id,
                    at < 0 ? a->fields[k].name : other->schema.fields[other->schema.n - 1].name);
            s->schema.fields[k].type =
                type_join(s->schema.fields[k].type, other->schema.fields[at].type);
            s->schema.fields[k].nullable |= other->schema.fields[at].nullable;
        }
    }
    return true;
}

static bool bind_one(struct binder *b, struct stage *s)
{
    const struct schema *in = s->ninputs ? &b->p->stages[s->inputs[0]].schema : NULL;
    switch (s->op) {
    case OP_READ:
        return bind_read(b, s);
    case OP_COMMAND:
    case OP_SQL:
        /* Its rows, if anybody reads them, are known when it runs. */
        s->schema_late = s->nconsumers > 0;
        s->bound = !s->schema_late;
        return true;
    case OP_WRITE:
        return s->bound = true;
    case OP_FILTER:
        pass_on(b, &s->schema, in);
        s->bound = compile(b, s, "where", s->u.filter.where, in, false, &s->u.filter.expr);
        return s->bound;
    case OP_DERIVE:
        return s->bound = bind_derive(b, s, in);
    case OP_SELECT:
        return s->bound = bind_select(b, s, in);
    case OP_RENAME:
        return s->bound = bind_rename(b, s, in);
    case OP_JOIN:
        return s->bound = bind_join(b, s, in, &b->p->stages[s->inputs[1]].schema);
    case OP_AGGREGATE:
        return s->bound = bind_aggregate(b, s, in);
    case OP_SORT:
        pass_on(b, &s->schema, in);
        for (uint32_t i = 0; i < s->u.sort.n; i++)
            if (!find_column(b, s, in, s->u.sort.by[i].column, "by", &s->u.sort.by[i].index))
                return false;
        return s->bound = true;
    case OP_DISTINCT:
        pass_on(b, &s->schema, in);
        return s->bound = find_columns(b, s, in, &s->u.distinct.by, "by", &s->u.distinct.by_index);
    case OP_UNION:
        return s->bound = bind_union(b, s);
    case OP_LIMIT:
        pass_on(b, &s->schema, in);
        return s->bound = true;
    }
    return true;
}

/* Binds every stage whose inputs are known and that is not bound itself. */
static bool bind_ready(struct binder *b)
{
    for (uint32_t i = 0; i < b->p->nstages; i++) {
        struct stage *s = &b->p->stages[b->p->order[i]];
        bool ready = !s->bound && !(s->schema_late && s->ninputs == 0);
        for (uint32_t k = 0; k < s->ninputs; k++)
            ready = ready && b->p->stages[s->inputs[k]].bound;
        if (!ready) {
            s->schema_late |= !s->bound;
            continue;
        }
        if (s->schema_late && stage_is_outside(s))
            continue;
        s->schema_late = false;
        if (!bind_one(b, s))
            return false;
    }
    return true;
}

bool pipeline_bind(struct pipeline *p, const struct rec_profile *profiles, size_t nprofiles,
                   struct err *err)
{
    struct binder b = {p, profiles, nprofiles, err};
    if (!bind_ready(&b))
        return false;
    pipeline_live(p);
    for (uint32_t i = 0; i < p->nstages; i++) {
        struct stage *s = &p->stages[i];
        if (s->op != OP_READ || !s->bound)
            continue;
        /* Only what is used is read; all, when all is used, so that new columns are noticed. */
        struct text_list wanted = {0};
        for (uint32_t c = 0; c < s->schema.n; c++)
            if (s->live[c / 64] >> (c % 64) & 1)
                text_list_add(&p->mem, &wanted, s->schema.fields[c].name);
        if (wanted.n < s->schema.n)
            s->u.read.opts.columns =
                wanted.n ? wanted.items : ARENA_ARRAY(&p->mem, const char *, 1);
    }
    return true;
}

bool pipeline_bind_late(struct pipeline *p, uint32_t i, const struct schema *schema,
                        struct err *err)
{
    struct binder b = {p, NULL, 0, err};
    struct stage *s = &p->stages[i];
    schema_copy(&p->mem, &s->schema, schema);
    s->schema_late = false;
    s->bound = true;
    if (!bind_ready(&b))
        return false;
    pipeline_live(p);
    return true;
}
