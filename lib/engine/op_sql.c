/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SQL: the rows of its inputs go into temporary tables of a user's database, a statement runs
 * there, what it gives becomes batches. One transaction, committed when the statement has ended
 * well: a stage that fails leaves the database as it was.
 *
 * The rows are kept in a scratch file until the last one has come, as only then their types are
 * known (in SQLite each value has one of its own), and as what failed half-way shall have handed on
 * nothing. */
#include <string.h>

#include "engine/retry.h"
#include "engine/spill.h"
#include "store/sql.h"
#include "table/value.h"

struct sql_column {
    enum type declared, found; /* found: of all values so far */
    bool odd;                  /* some value is not of the declared type */
};
struct sql_stage {
    struct sql *conn;
    double begun;
    uint32_t open_inputs;
    /* rows that came */
    struct oper *op;
    struct spill *spill;
    struct spill_run *rows;
    struct schema schema;
    struct sql_column *columns;
    struct batch *b; /* in the making */
    bool reading;    /* the schema is bound, rows go out */
};

/* -- the caller's patience -- */

static bool halted(void *ctx, struct err *err)
{
    const struct oper *op = ctx;
    const struct sql_stage *s = op->state;
    double limit = op->stage->timeout_s;
    if (engine_stopped(op->e, err))
        return true;
    if (limit <= 0 || clock_wall() - s->begun <= limit)
        return false;
    err_set(err, ERR_STAGE, "timed out after %g s (timeout_s)", limit);
    return true;
}

/* -- rows out of the database -- */

static void forget_rows(struct sql_stage *s)
{
    batch_unref(s->b);
    if (s->rows)
        spill_drop(s->rows);
    s->b = NULL;
    s->rows = NULL;
    s->schema.n = 0;
}

static bool on_columns(void *ctx, const char *const *names, const enum type *types, uint32_t n,
                       struct err *err)
{
    struct sql_stage *s = ctx;
    struct arena *a = &s->op->mem;
    forget_rows(s); /* an earlier statement's */
    enum type *texts = ARENA_ARRAY(a, enum type, n + 1);
    s->schema.fields = ARENA_ARRAY(a, struct field, n + 1);
    s->columns = ARENA_ARRAY(a, struct sql_column, n + 1);
    for (uint32_t c = 0; c < n; c++) {
        struct quoted q;
        if (schema_find(&s->schema, slice_str(names[c])) >= 0)
            return err_set(err, ERR_DATA,
                           "the statement gives two columns called '%s': name one with AS",
                           quote_str(&q, names[c]));
        s->schema.fields[c] = (struct field){arena_strdup(a, names[c]), TYPE_STRING, true};
        s->schema.n = c + 1;
        s->columns[c] = (struct sql_column){.declared = types[c]};
        texts[c] = TYPE_STRING;
    }
    s->rows = spill_run_new(s->spill, texts, n);
    return true;
}

static bool put_batch(struct sql_stage *s, struct err *err)
{
    bool ok = !s->b || spill_add(s->rows, s->b, NULL, NULL, s->b->rows, NULL, err);
    batch_unref(s->b);
    s->b = NULL;
    return ok;
}

static bool on_row(void *ctx, const struct slice *values, const enum type *kinds, struct err *err)
{
    struct sql_stage *s = ctx;
    if (!s->b) {
        s->b = batch_new(s->schema.n, s->op->acct);
        for (uint32_t c = 0; c < s->schema.n; c++)
            column_alloc(s->b, c, TYPE_STRING, true);
    }
    uint32_t row = s->b->rows++;
    for (uint32_t c = 0; c < s->schema.n; c++) {
        struct column *col = &s->b->cols[c];
        struct sql_column *about = &s->columns[c];
        union value v;
        col->text[row] = (struct text){"", 0, 0};
        if (!values[c].p)
            continue;
        char *text = arena_bytes(&s->b->mem, values[c].len);
        if (values[c].len)
            memcpy(text, values[c].p, values[c].len);
        col->text[row] = (struct text){text, (uint32_t)values[c].len, 0};
        column_set_valid(col, row);
        enum type kind = kinds[c];
        if (kind == TYPE_STRING && about->declared != TYPE_NONE &&
            value_parse(values[c], about->declared, &v))
            kind = about->declared;
        about->found = type_join(about->found, kind);
        about->odd = about->odd || (about->declared != TYPE_NONE && kind != about->declared);
    }
    return s->b->rows < BATCH_ROWS || put_batch(s, err);
}

/* All have come: what they are, and those behind may begin. */
static bool bind_rows(struct oper *op, struct err *err)
{
    struct sql_stage *s = op->state;
    if (!put_batch(s, err))
        return false;
    if (!s->rows)
        return err_set(err, ERR_STAGE,
                       "the statement gives no rows, and a stage reads them: end it with a SELECT");
    for (uint32_t c = 0; c < s->schema.n; c++) {
        const struct sql_column *about = &s->columns[c];
        enum type t = about->found == TYPE_NONE ? about->declared : about->found;
        s->schema.fields[c].type = about->odd ? type_join(about->found, TYPE_STRING) : t;
        if (about->odd && about->declared == TYPE_JSON)
            s->schema.fields[c].type = TYPE_STRING;
    }
    s->reading = true;
    return spill_rewind(s->rows, err) && pipeline_bind_late(op->e->p, op->index, &s->schema, err);
}

/* A batch of texts as the types that were found. */
static void give_types(const struct sql_stage *s, struct batch *b)
{
    for (uint32_t c = 0; c < b->ncols; c++) {
        struct column *col = &b->cols[c];
        uint64_t failed[BATCH_WORDS];
        col->type = s->schema.fields[c].type;
        if (col->type == TYPE_STRING)
            continue;
        if (!type_is_text(col->type) || col->type == TYPE_NONE)
            col->v.i64 = arena_zalloc(&b->mem, b->rows * sizeof(int64_t));
        column_parse(col, b->rows, failed);
    }
}

static bool emit_next(struct oper *op, struct lane *lane, bool *more, struct err *err)
{
    struct sql_stage *s = op->state;
    struct batch *b = NULL;
    *more = false;
    if (!s->reading)
        return true;
    if (!spill_next(s->rows, &b, NULL, err))
        return false;
    *more = b != NULL;
    if (!b)
        return true;
    give_types(s, b);
    bool ok = op_emit(op, lane, b, err);
    batch_unref(b);
    return ok;
}

/* -- the statement -- */

static bool connect_now(struct oper *op, bool *again, struct err *err)
{
    struct sql_stage *s = op->state;
    const struct sql_watch watch = {op, halted};
    const char *url = NULL;
    s->begun = clock_wall();
    if (!pipeline_secret(&op->mem, op->stage->u.sql.connection, &url, err))
        return false;
    s->conn = sql_open(url, op->e->p->base, &watch, again, err);
    return s->conn != NULL;
}

static bool run_statement(struct oper *op, struct err *err)
{
    struct sql_stage *s = op->state;
    const struct sql_sink sink = {s, on_columns, on_row};
    bool wanted = op->nout > 0;
    bool ok = sql_run(s->conn, op->stage->u.sql.statement, wanted ? &sink : NULL, err) &&
              sql_commit(s->conn, err);
    sql_close(s->conn);
    s->conn = NULL;
    if (ok)
        engine_tell(op, STEP_ENDED);
    return ok && (!wanted || bind_rows(op, err));
}

/* Connects, and without inputs runs: both can be tried again. */
static bool begin(struct oper *op, struct err *err)
{
    struct sql_stage *s = op->state;
    struct retry retry = RETRY_INIT;
    for (int64_t attempt = 0;; attempt++) {
        struct err why = ERR_INIT;
        bool again = false;
        if (connect_now(op, &again, &why)) {
            if (op->nports > 0 || run_statement(op, &why))
                return true;
            again = true; /* nothing was committed */
            sql_close(s->conn);
            s->conn = NULL;
            forget_rows(s);
        }
        if (!again || attempt >= op->stage->retries) {
            *err = why;
            return false;
        }
        if (!retry_wait(&retry, op, &why, err))
            return false;
    }
}

/* -- the operator -- */

static bool sql_stage_open(struct oper *op, struct err *err)
{
    struct sql_stage *s = ARENA_NEW(&op->mem, struct sql_stage);
    op->state = s;
    s->op = op;
    s->open_inputs = op->nports;
    s->spill = spill_new(op->acct);
    if (!engine_publish_before(op->e, op->index, err))
        return false;
    engine_tell(op, STEP_STARTS);
    if (!begin(op, err))
        return false;
    for (uint32_t i = 0; i < op->nports; i++) {
        const struct stage *in = &op->e->p->stages[op->stage->inputs[i]];
        if (!sql_table(s->conn, in->id, &in->schema, err))
            return false;
    }
    return true;
}

static bool sql_stage_push(struct oper *op, struct lane *lane, uint32_t input, struct batch *b,
                           struct err *err)
{
    (void)lane;
    struct sql_stage *s = op->state;
    return sql_insert(s->conn, op->e->p->stages[op->stage->inputs[input]].id, b, err);
}

static bool sql_stage_step(struct oper *op, struct lane *lane, bool *more, struct err *err)
{
    return emit_next(op, lane, more, err);
}

static bool sql_stage_finish(struct oper *op, struct lane *lane, uint32_t input, struct err *err)
{
    (void)input;
    struct sql_stage *s = op->state;
    if (op->nports == 0 || --s->open_inputs > 0)
        return true;
    if (!run_statement(op, err))
        return false;
    for (bool more = s->reading; more;) {
        if (engine_stopped(op->e, err) || !emit_next(op, lane, &more, err))
            return false;
    }
    return true;
}

static void sql_stage_close(struct oper *op)
{
    struct sql_stage *s = op->state;
    if (!s)
        return;
    sql_close(s->conn);
    batch_unref(s->b);
    spill_free(s->spill);
}

const struct op_class op_sql_class = {.open = sql_stage_open,
                                      .push = sql_stage_push,
                                      .step = sql_stage_step,
                                      .finish = sql_stage_finish,
                                      .close = sql_stage_close};
