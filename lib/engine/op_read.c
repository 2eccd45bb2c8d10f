/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Read: files to batches. Also the pump that turns any reader's batches into a stage's output. */
#include "engine/op_read.h"

#include <string.h>

#include "engine/reject.h"

/* -- any reader -- */

struct op_intake_lane { /* a lane's own reader */
    struct op_intake *s;
    struct lane *lane; /* that has it in hand */
    struct reader *reader;
    struct op_intake_lane *next;
};

static void put_aside(struct op_intake *s, struct lane *lane, const struct bad_record *bad)
{
    const char *path = bad->path;
    if (path && s->shown && strcmp(path, s->hidden) == 0)
        path = s->shown;
    struct reject rej = {
        .stage = s->op->stage->id,
        .path = path,
        .line = bad->line,
        .column = bad->column,
        .reason = bad->reason,
        .rule = bad->rule,
        .record = bad->raw,
    };
    op_put_aside(s->op, lane, &rej);
}

void op_intake_bad(void *ctx, const struct bad_record *bad)
{
    struct op_intake *s = ctx;
    put_aside(s, &s->op->e->main, bad);
}

static void on_bad_in_lane(void *ctx, const struct bad_record *bad)
{
    struct op_intake_lane *l = ctx;
    put_aside(l->s, l->lane, bad);
}

/* Columns that nobody reads are not read: in the stage's batches they stand as nulls, all of one
 * set of vectors. */
static bool map_columns(struct op_intake *s, const struct schema *now, struct err *err)
{
    struct oper *op = s->op;
    const struct schema *want = &op->stage->schema;
    s->from = ARENA_ARRAY(&op->mem, int, want->n);
    s->same = now->n == want->n;
    uint32_t found = 0;
    for (uint32_t c = 0; c < want->n; c++) {
        int at = s->from[c] = schema_find_near(now, c, want->fields[c].name);
        found += at >= 0;
        s->same = s->same && at == (int)c;
        bool live = !op->stage->live || bit_get(op->stage->live, c);
        if (at < 0 ? live : now->fields[at].type != want->fields[c].type)
            return err_set(err, ERR_DATA,
                           "column '%s' changed after the pipeline was checked: run "
                           "it again",
                           want->fields[c].name);
    }
    if (found < now->n)
        return err_set(err, ERR_DATA,
                       "columns were added after the pipeline was checked: run it "
                       "again");
    if (s->same)
        return true;
    s->null_valid = ARENA_ARRAY(&op->mem, uint64_t, BATCH_WORDS);
    s->null_text = ARENA_ARRAY(&op->mem, struct text, BATCH_ROWS);
    s->null_values = ARENA_ARRAY(&op->mem, int64_t, BATCH_ROWS);
    return true;
}

static struct batch *widen(struct op_intake *s, struct batch *b)
{
    const struct schema *want = &s->op->stage->schema;
    struct batch *out = batch_new(want->n, s->op->acct);
    out->rows = b->rows;
    out->line = b->line;
    out->end = b->end;
    out->source = b->source;
    batch_hold(out, b);
    for (uint32_t c = 0; c < want->n; c++) {
        if (s->from[c] >= 0)
            out->cols[c] = b->cols[s->from[c]];
        else
            out->cols[c] = (struct column){.type = want->fields[c].type,
                                           .valid = s->null_valid,
                                           .text = s->null_text,
                                           .v = {s->null_values}};
    }
    batch_unref(b);
    return out;
}

/* The schema is known now: bind what waited for it, or see that it is the one that was checked. */
static bool op_intake_bind(struct op_intake *s, struct err *err)
{
    const struct schema *schema = reader_schema(s->reader);
    if (!s->op->late)
        return map_columns(s, schema, err);
    s->same = true;
    return pipeline_bind_late(s->op->e->p, s->op->index, schema, err);
}

static bool open_paths(struct op_intake *s, struct oper *op, const char *const *paths, uint32_t n,
                       const struct reader_opts *opts, struct err *err)
{
    s->op = op;
    s->opts = *opts;
    s->opts.acct = op->acct;
    s->opts.batch_rows = op->e->o->piece_rows;
    s->reader = reader_open(paths, n, &s->opts, op_intake_bad, s, err);
    return s->reader && op_intake_bind(s, err);
}

bool op_intake_open_fd(struct op_intake *s, struct oper *op, int fd, const struct reader_opts *opts,
                       struct err *err)
{
    s->op = op;
    s->opts = *opts;
    s->opts.acct = op->acct;
    s->reader = reader_open_fd(fd, op->stage->id, &s->opts, op_intake_bad, s, err);
    return s->reader && op_intake_bind(s, err);
}

bool op_intake_adopt(struct op_intake *s, struct oper *op, struct reader *reader, struct err *err)
{
    s->op = op;
    s->reader = reader;
    return reader && op_intake_bind(s, err);
}

bool op_intake_next(struct op_intake *s, struct batch **out, struct err *err)
{
    *out = NULL;
    if (!reader_next(s->reader, out, err))
        return false;
    reader_stats(s->reader, &s->stats);
    if (*out && !s->same)
        *out = widen(s, *out);
    return true;
}

static bool emit(struct op_intake *s, struct lane *lane, struct batch *b, struct err *err)
{
    if (!b)
        return true;
    if (!s->same)
        b = widen(s, b);
    bool ok = op_emit(s->op, lane, b, err);
    batch_unref(b);
    return ok;
}

bool op_intake_step(struct op_intake *s, struct lane *lane, bool *more, struct err *err)
{
    struct batch *b = NULL;
    if (!reader_step(s->reader, &b, more, err))
        return false;
    reader_stats(s->reader, &s->stats);
    return emit(s, lane, b, err);
}

static bool read_lane_open(struct oper *op, struct lane *lane, uint32_t input, struct err *err)
{
    (void)input, (void)err;
    struct op_intake *s = op->state;
    struct op_intake_lane *l = ARENA_NEW(&op->mem, struct op_intake_lane);
    l->s = s;
    l->reader = reader_lane_new(s->reader, on_bad_in_lane, l);
    l->next = s->lanes;
    s->lanes = l;
    lane->state[op->index] = l;
    return true;
}

void op_intake_close(struct op_intake *s)
{
    for (struct op_intake_lane *l = s->lanes; l; l = l->next)
        reader_close(l->reader);
    s->lanes = NULL;
    if (s->reader)
        reader_close(s->reader);
    s->reader = NULL;
}

/* -- the read stage -- */

static void count_read(struct oper *op, const struct op_intake *s)
{
    op->records_in = s->stats.records + s->stats.bad;
    op->bytes_in = s->stats.bytes;
    op->read_bytes = s->stats.read_bytes;
}

static bool read_open(struct oper *op, struct err *err)
{
    const struct stage *st = op->stage;
    struct op_intake *s = ARENA_NEW(&op->mem, struct op_intake);
    op->state = s;
    struct reader_opts opts = st->u.read.opts;
    uint32_t n = st->u.read.paths.n;
    const char **paths = ARENA_ARRAY(&op->mem, const char *, n + 1);
    for (uint32_t i = 0; i < n; i++) {
        paths[i] = st->u.read.paths.items[i];
        const char *hidden = write_hidden_path(op->e, paths[i]);
        if (!hidden)
            continue;
        if (opts.format == FORMAT_AUTO) /* the hidden name does not tell */
            opts.format = format_of_path(paths[i]);
        s->shown = paths[i];
        s->hidden = hidden;
        paths[i] = hidden;
    }
    if (!open_paths(s, op, paths, n, &opts, err))
        return false;
    reader_stats(s->reader, &s->stats);
    count_read(op, s);
    return true;
}

static void warn_of_encoding(const struct oper *op, const struct reader_stats *stats)
{
    char text[200];
    if (!stats->latin1 || !op->e->o->warning)
        return;
    snprintf(text, sizeof(text),
             "not UTF-8 from line %llu on: such bytes are kept, but JSON cannot hold them; for "
             "Latin-1 say \"encoding\": \"latin-1\"",
             (unsigned long long)stats->latin1_line);
    op->e->o->warning(op->e->o->ctx, op->stage->id, text);
}

static bool read_step(struct oper *op, struct lane *lane, bool *more, struct err *err)
{
    struct op_intake *s = op->state;
    bool ok = op_intake_step(s, lane, more, err);
    count_read(op, s);
    if (ok && !*more)
        warn_of_encoding(op, &s->stats);
    return ok;
}

static bool read_cut(struct oper *op)
{
    struct op_intake *s = op->state;
    return reader_cut(s->reader);
}

static void *read_piece_new(void)
{
    return reader_piece_new();
}

static void read_piece_free(void *piece)
{
    reader_piece_free(piece);
}

static bool read_take(struct oper *op, void *piece, bool *more, struct err *err)
{
    struct op_intake *s = op->state;
    return reader_take(s->reader, piece, more, err);
}

static bool read_parse(struct oper *op, struct lane *lane, void *piece, struct err *err)
{
    struct op_intake_lane *l = lane->state[op->index];
    struct batch *b;
    l->lane = lane;
    reader_parse(l->reader, piece, &b);
    return emit(l->s, lane, b, err);
}

static void read_told(struct oper *op, void *piece, bool end)
{
    struct op_intake *s = op->state;
    reader_told(s->reader, piece, &s->stats);
    count_read(op, s);
    if (end)
        warn_of_encoding(op, &s->stats);
}

static void read_close(struct oper *op)
{
    if (op->state)
        op_intake_close(op->state);
}

const struct op_class op_read_class = {.open = read_open,
                                       .step = read_step,
                                       .cut = read_cut,
                                       .lane_open = read_lane_open,
                                       .piece_new = read_piece_new,
                                       .piece_free = read_piece_free,
                                       .take = read_take,
                                       .parse = read_parse,
                                       .told = read_told,
                                       .close = read_close};
