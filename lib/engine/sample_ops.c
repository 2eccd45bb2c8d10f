/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The work of the stages that only a run on a sample has: reading blocks, tagging records with the
 * unit they belong to, collecting what a write would get. */
#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "engine/sample_int.h"

/* Of one output's rows, at most. */
#define ROWS_BYTES_MAX ((size_t)8 << 20)
#define ROWS_MOST 10000
/* So many units must have a key. */
#define UNITS_MIN 64

static struct sample_run *run_of(const struct oper *op)
{
    return op->e->o->sample;
}

static const struct sample_part *part_of(const struct oper *op)
{
    return &run_of(op)->parts[op->index];
}

static bool no_open(struct oper *op, struct err *err)
{
    (void)op, (void)err;
    return true;
}

/* -- read: blocks of files, or a stream that is open already -- */

static struct sample_source *source_of(const struct oper *op)
{
    return &run_of(op)->sources[part_of(op)->of];
}

/* Lines of what stands before a block are not known. */
static void bad_in_block(void *ctx, const struct bad_record *bad)
{
    struct bad_record unplaced = *bad;
    unplaced.line = 0;
    op_intake_bad(ctx, &unplaced);
}

static bool open_path(struct oper *op, struct sample_source *src, struct err *err)
{
    struct op_intake *s = &src->intake;
    struct stage *st = op->stage;
    s->opts = st->u.read.opts;
    s->opts.format = src->opts.format;
    s->opts.offsets = true;
    s->opts.acct = op->acct;
    s->op = op;
    const char *path = st->u.read.paths.items[src->path];
    return op_intake_adopt(
        s, op,
        reader_open_input(&src->blocks[src->path].input, path, &s->opts, bad_in_block, s, err),
        err);
}

static bool sample_read_open(struct oper *op, struct err *err)
{
    struct sample_source *src = source_of(op);
    op->state = src;
    if (src->stream) {
        struct reader *r = src->stream;
        src->stream = NULL;
        return op_intake_adopt(&src->intake, op, r, err);
    }
    return open_path(op, src, err);
}

static void count_read(struct oper *op, const struct reader_stats *before,
                       const struct reader_stats *now)
{
    op->records_in += now->records + now->bad - before->records - before->bad;
    op->bytes_in += now->bytes - before->bytes;
    op->read_bytes += now->read_bytes - before->read_bytes;
}

static bool sample_read_step(struct oper *op, struct lane *lane, bool *more, struct err *err)
{
    struct sample_source *src = source_of(op);
    struct reader_stats before = src->intake.stats;
    struct batch *b;
    if (!op_intake_next(&src->intake, &b, err))
        return false;
    count_read(op, &before, &src->intake.stats);
    if (b) {
        b->source = src->path;
        if (src->method == SAMPLE_BLOCKS)
            b->line = NULL;
        bool ok = op_emit(op, lane, b, err);
        batch_unref(b);
        return ok;
    }
    if (src->method == SAMPLE_BLOCKS && src->path + 1 < op->stage->u.read.paths.n) {
        src->first_pair += (uint32_t)src->blocks[src->path].n / 2;
        src->path++;
        op_intake_close(&src->intake);
        memset(&src->intake.stats, 0, sizeof(src->intake.stats));
        return open_path(op, src, err);
    }
    *more = false;
    return true;
}

static void sample_read_close(struct oper *op)
{
    struct sample_source *src = op->state;
    if (src)
        op_intake_close(&src->intake);
}

const struct op_class op_sample_read_class = {
    .open = sample_read_open, .step = sample_read_step, .close = sample_read_close};

/* -- tag -- */

struct tag {
    struct sample_source *src;
    struct estimate_frame *frame;
    int key;
    size_t block;
    uint32_t path;
};

static bool tag_open(struct oper *op, struct err *err)
{
    (void)err;
    struct tag *t = ARENA_NEW(&op->mem, struct tag);
    t->src = source_of(op);
    t->frame = &run_of(op)->frames[t->src->frame];
    t->key = t->src->method == SAMPLE_KEY
                 ? schema_find(op_input_schema(op, 0), slice_str(t->src->key))
                 : -1;
    op->state = t;
    return true;
}

/* Units by place in the file; all rows are kept. */
static void units_of_blocks(struct tag *t, const struct batch *b, int64_t *unit, uint64_t *keep)
{
    struct sample_source *src = t->src;
    if (t->path != src->path) {
        t->path = src->path;
        t->block = 0;
    }
    const struct blocks *blocks = &src->blocks[t->path];
    const uint64_t *ends = src->ends[t->path];
    for (uint32_t i = 0; i < b->rows; i++) {
        while (t->block + 1 < blocks->n && b->end[i] > ends[t->block])
            t->block++;
        uint32_t pair = (src->first_pair + (uint32_t)(t->block / 2)) % (ESTIMATE_UNITS / 2);
        unit[i] = pair * 2 + t->block % 2;
    }
    bits_all(keep, b->rows);
}

/* Rows by a hash of the key, where that is null of the record's number. The units are parts of the
 * range of hashes that is kept. */
static void units_of_hashes(struct tag *t, const struct sample_run *r, const struct batch *b,
                            int64_t *unit, uint64_t *keep)
{
    uint64_t hashes[BATCH_ROWS] = {0}, null[BATCH_WORDS];
    uint32_t key = (uint32_t)t->key;
    memset(keep, 0, BATCH_WORDS * sizeof(*keep));
    if (t->key >= 0) {
        keys_hash(b, &key, 1, hashes);
        keys_null(b, &key, 1, null);
    }
    for (uint32_t i = 0; i < b->rows; i++) {
        bool by_key = t->key >= 0 && !bit_get(null, i);
        uint64_t h = by_key ? hash_u64(hashes[i], r->o->seed)
                            : hash_u64(t->src->seen + i, r->o->seed ^ (t->src->stage + 1));
        double u = (double)(h >> 11) * 0x1p-53;
        if (u >= t->frame->fraction)
            continue;
        unit[i] = (int64_t)(u / t->frame->fraction * ESTIMATE_UNITS);
        unit[i] = unit[i] < ESTIMATE_UNITS ? unit[i] : ESTIMATE_UNITS - 1;
        bit_set(keep, i);
        t->frame->x[unit[i]]++;
    }
    t->frame->x_all += b->rows;
}

/* What the first batch took: opening, compiling, cold caches. */
static void mark(const struct oper *op)
{
    struct sample_run *r = run_of(op);
    if (r->marks)
        return;
    r->marks = ARENA_ARRAY(r->a, struct sample_mark, op->e->nops);
    for (uint32_t i = 0; i < op->e->nops; i++)
        r->marks[i] = (struct sample_mark){op->e->ops[i].cpu_s, op->e->ops[i].records_in};
}

static bool tag_push(struct oper *op, struct lane *lane, uint32_t input, struct batch *b,
                     struct err *err)
{
    (void)input;
    struct tag *t = op->state;
    uint64_t keep[BATCH_WORDS];
    struct batch *out = op_batch_beside(op, b, op->stage->schema.n);
    uint32_t at = out->ncols - 1;
    memcpy(out->cols, b->cols, at * sizeof(*out->cols));
    column_alloc_rows(out, at, TYPE_INTEGER, false, b->rows);
    int64_t *unit = out->cols[at].v.i64;
    memset(unit, 0, b->rows * sizeof(*unit));
    bits_all(out->cols[at].valid, b->rows);
    if (t->src->method == SAMPLE_BLOCKS)
        units_of_blocks(t, b, unit, keep);
    else
        units_of_hashes(t, run_of(op), b, unit, keep);
    for (uint32_t i = 0; i < b->rows; i++)
        unit[i] += (int64_t)t->src->frame * ESTIMATE_UNITS;
    t->src->seen += b->rows;
    t->frame->records += bits_count(keep, b->rows);
    bool ok = op_emit_kept(op, lane, out, keep, err);
    batch_unref(out);
    mark(op);
    return ok;
}

/* Enough units have some, and no key has so many records that the sample is far too small without
 * it: five standard deviations, which chance alone hardly ever makes. */
static bool keys_are_many(const struct estimate_frame *f)
{
    uint32_t used = 0;
    for (uint32_t i = 0; i < ESTIMATE_UNITS; i++)
        used += f->x[i] > 0;
    double off = f->x_sum - f->fraction * f->x_all;
    return used >= UNITS_MIN && off * off <= 5 * 5 * (1 - f->fraction) * f->dx2;
}

static bool tag_finish(struct oper *op, struct lane *lane, uint32_t input, struct err *err)
{
    (void)lane, (void)input, (void)err;
    struct tag *t = op->state;
    const struct oper *read = &op->e->ops[op->stage->inputs[0]];
    t->src->ended = !op->e->some_satisfied || read->needed;
    if (!t->src->ended) /* a limit had enough: what was left out is not known */
        t->frame->x_all = (double)NAN;
    estimate_frame_ready(t->frame);
    if (t->src->method == SAMPLE_KEY && !keys_are_many(t->frame)) {
        t->src->few_keys = true;
        t->frame->x_all = (double)NAN;
    }
    return true;
}

const struct op_class op_tag_class = {.open = tag_open, .push = tag_push, .finish = tag_finish};

/* -- collect -- */

static void put_value(struct jw *w, const struct column *c, uint32_t row)
{
    if (!column_valid(c, row))
        jw_null(w);
    else if (c->type == TYPE_BOOLEAN)
        jw_bool(w, c->v.b8[row]);
    else if (c->type == TYPE_INTEGER)
        jw_int(w, c->v.i64[row]);
    else if (c->type == TYPE_FLOAT)
        jw_num(w, c->v.f64[row]);
    else if (c->type == TYPE_JSON)
        jw_raw(w, text_slice(c->text[row]));
    else
        jw_slice(w, text_slice(c->text[row]));
}

/* A column as it is published, and its bounds behind it when it has some. */
static void put_row(struct jw *w, const struct schema *s, const struct batch *b, uint32_t row)
{
    static const char *const ends[] = {SAMPLE_LO, "_lo95", SAMPLE_HI, "_hi95"};
    char name[512];
    jw_obj(w);
    for (uint32_t c = 0; c < s->n; c++) {
        if (strncmp(s->fields[c].name, "foreline:", 9) == 0)
            continue;
        jw_key(w, s->fields[c].name);
        put_value(w, &b->cols[c], row);
        for (int k = 0; k < 4; k += 2) {
            snprintf(name, sizeof(name), "%s%s", ends[k], s->fields[c].name);
            int at = schema_find(s, slice_str(name));
            if (at < 0)
                continue;
            snprintf(name, sizeof(name), "%s%s", s->fields[c].name, ends[k + 1]);
            jw_key(w, name);
            put_value(w, &b->cols[at], row);
        }
    }
    jw_end_obj(w);
}

static bool collect_push(struct oper *op, struct lane *lane, uint32_t input, struct batch *b,
                         struct err *err)
{
    (void)lane, (void)input, (void)err;
    struct sample_rows *rows = &run_of(op)->rows[part_of(op)->of];
    for (uint32_t i = 0; i < b->rows; i++) {
        if (rows->kept >= ROWS_MOST || rows->text.len > ROWS_BYTES_MAX) {
            rows->left += b->rows - i;
            break;
        }
        struct jw w;
        jw_begin(&w, &rows->text);
        if (rows->kept > 0)
            buf_addc(&rows->text, ',');
        put_row(&w, op_input_schema(op, 0), b, i);
        rows->kept++;
    }
    return true;
}

const struct op_class op_collect_class = {
    .open = no_open, .push = collect_push, .finish = op_no_finish};

bool sample_forgives(struct sample_run *r, uint32_t stage)
{
    uint32_t i = r->parts[stage].stage;
    if (i == UINT32_MAX)
        return true;
    const struct stage *s = &r->p->stages[i];
    bool behind = s->ninputs > 0 && r->stages[s->inputs[0]].aggregated &&
                  r->stages[s->inputs[0]].grade != GRADE_EXACT;
    r->stages[i].forgiven |= behind;
    return behind;
}

const struct op_class *sample_class(const struct sample_run *r, uint32_t stage,
                                    const struct op_class *dflt)
{
    static const struct op_class *const own[] = {
        [ROLE_READ] = &op_sample_read_class, [ROLE_TAG] = &op_tag_class,
        [ROLE_TALLY] = &op_tally_class,      [ROLE_ESTIMATE] = &op_estimate_class,
        [ROLE_COLLECT] = &op_collect_class,
    };
    enum sample_role role = r->parts[stage].role;
    return role == ROLE_NONE ? dflt : own[role];
}
