/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Write: batches to a file that appears when the run is over, or to stdout. */
#include <stdlib.h>
#include <string.h>

#include "engine/op.h"
#include "table/compress.h"
#include "table/writer.h"

struct output {
    struct atomic_file file;
    bool to_stdout, ready, committed, opened;
    bool left; /* the journal knows of it: it may outlive the run */
    struct writer_opts opts;
    struct compressor *z;
    struct buf text, packed;
};

static bool put(struct oper *op, const void *p, size_t n, struct err *err)
{
    struct output *o = op->state;
    op->write_bytes += n;
    op->bytes_out = op->write_bytes;
    if (op->e->o->sample)
        return true;
    return o->to_stdout ? fd_write_all(op->e->o->data_fd, p, n, "stdout", err)
                        : atomic_write(&o->file, p, n, err);
}

/* Sends on what has been formatted. */
static bool flush(struct oper *op, bool last, struct err *err)
{
    struct output *o = op->state;
    struct buf *out = &o->text;
    if (o->z) {
        if (!compressor_add(o->z, buf_slice(&o->text), last, &o->packed, err))
            return false;
        buf_clear(&o->text);
        out = &o->packed;
    }
    bool ok = out->len == 0 || put(op, out->p, out->len, err);
    buf_clear(out);
    return ok;
}

/* Hidden files of runs that were killed. */
static void sweep(const char *path)
{
    char *dir = path_dirname(path);
    atomic_sweep(dir);
    free(dir);
}

static bool write_open(struct oper *op, struct err *err)
{
    const struct stage *s = op->stage;
    struct output *o = ARENA_NEW(&op->mem, struct output);
    o->file = ATOMIC_FILE_INIT;
    o->text = o->packed = BUF_INIT(BUF_UNBOUNDED);
    op->state = o;
    bool named = strcmp(s->u.write.path, "-") != 0;
    o->to_stdout = !named || op->e->o->sample; /* of a sample nothing is written */
    if (!o->to_stdout)
        sweep(s->u.write.path);
    if (!o->to_stdout && !atomic_open(&o->file, s->u.write.path, err))
        return false;
    o->opened = true;
    o->opts.format = s->u.write.format;
    if (o->opts.format == FORMAT_AUTO)
        o->opts.format = format_of_path(s->u.write.path);
    if (o->opts.format == FORMAT_AUTO)
        o->opts.format = FORMAT_CSV;
    const char *how = s->u.write.compress;
    if (!how && named)
        how = compression_of_path(s->u.write.path);
    if (how && !(o->z = compressor_new(how, err)))
        return false;
    writer_header(&o->text, op_input_schema(op, 0), &o->opts);
    return flush(op, false, err);
}

static bool write_push(struct oper *op, struct lane *lane, uint32_t input, struct batch *b,
                       struct err *err)
{
    struct output *o = op->state;
    struct buf *out = op_turn_text(lane);
    if (!out) {
        writer_batch(&o->text, op_input_schema(op, input), b, &o->opts);
        op->records_out += b->rows;
        return flush(op, false, err);
    }
    size_t from = out->len;
    writer_batch(out, op_input_schema(op, input), b, &o->opts);
    op_at_turn(op, lane, from, b->rows);
    return true;
}

/* What a lane has formatted. */
static bool write_turn(struct oper *op, struct slice text, uint32_t rows, struct err *err)
{
    struct output *o = op->state;
    op->records_out += rows;
    if (!o->z)
        return text.len == 0 || put(op, text.p, text.len, err);
    buf_add_slice(&o->text, text);
    return flush(op, false, err);
}

static bool write_finish(struct oper *op, struct lane *lane, uint32_t input, struct err *err)
{
    (void)lane, (void)input;
    return flush(op, true, err);
}

static void write_close(struct oper *op)
{
    struct output *o = op->state;
    if (!o)
        return;
    if (o->opened && !o->to_stdout && !o->committed && o->left)
        atomic_leave(&o->file);
    else if (o->opened && !o->to_stdout && !o->committed)
        atomic_abort(&o->file);
    compressor_free(o->z);
    buf_release(&o->text);
    buf_release(&o->packed);
}

bool write_ready(struct oper *op, struct err *err)
{
    struct output *o = op->state;
    if (o->to_stdout || o->ready)
        return true;
    o->ready = true;
    return atomic_ready(&o->file, err);
}

bool write_commit(struct oper *op, struct err *err)
{
    struct output *o = op->state;
    if (o->to_stdout || o->committed)
        return true;
    if (!atomic_commit(&o->file, err))
        return false;
    o->committed = true;
    return true;
}

bool write_adopt(struct oper *op, const char *hidden, struct err *err)
{
    struct output *o = ARENA_NEW(&op->mem, struct output);
    o->file = ATOMIC_FILE_INIT;
    o->text = o->packed = BUF_INIT(BUF_UNBOUNDED);
    op->state = o;
    if (!atomic_adopt(&o->file, op->stage->u.write.path, hidden, err))
        return false;
    op->opened = o->opened = o->ready = o->left = true;
    return true;
}

const char *write_hidden(const struct oper *op)
{
    const struct output *o = op->state;
    return o->to_stdout || o->committed ? NULL : o->file.tmp;
}

void write_leave(struct oper *op)
{
    struct output *o = op->state;
    o->left = true;
}

const char *write_hidden_path(const struct engine *e, const char *path)
{
    for (uint32_t i = 0; i < e->nops; i++) {
        const struct oper *op = &e->ops[i];
        const struct output *o = op->state;
        if (op->stage->op == OP_WRITE && o && o->opened && !o->committed &&
            strcmp(op->stage->u.write.path, path) == 0)
            return o->file.tmp;
    }
    return NULL;
}

const struct op_class op_write_class = {.open = write_open,
                                        .lane_open = op_in_lanes,
                                        .lane_close = op_in_lanes,
                                        .push = write_push,
                                        .turn = write_turn,
                                        .finish = write_finish,
                                        .close = write_close};
