/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which inputs are sampled, and how: see sample.h. */
#include "engine/sample_int.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Text that was compressed is about so many times as long. */
#define PACKED_FACTOR 4.0
/* A sample of fewer bytes says nothing (as few as blocks.c draws from). */
#define SAMPLE_BYTES_MIN 65536.0
/* So large, and so large beside the largest, may be what is read whole for the sake of a join. */
#define WHOLE_BYTES_MAX 67108864.0
#define WHOLE_SHARE_MAX 0.25
/* Blocks of a read of many files. */
#define BLOCKS_OF_ALL 4096
#define BLOCKS_OF_ONE_MIN 64

const char *sample_method_name(enum sample_method m)
{
    static const char *const names[] = {"whole", "blocks", "records", "key"};
    return names[m];
}

static void no_sink(void *ctx, const struct bad_record *bad)
{
    (void)ctx, (void)bad;
}

static bool is_stream(const char *path)
{
    struct stat st;
    return strcmp(path, "-") == 0 ||
           (stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode));
}

/* Sizes; opens streams, whose columns nobody knows yet. */
static bool look(struct sample_run *r, struct sample_source *src, struct err *err)
{
    struct stage *s = &r->p->stages[src->stage];
    struct stat st;
    src->seekable = !s->u.read.opts.latin1;
    for (uint32_t k = 0; k < s->u.read.paths.n; k++) {
        const char *path = s->u.read.paths.items[k];
        if (is_stream(path)) {
            src->bytes = INFINITY;
            src->seekable = false;
        } else if (stat(path, &st) == 0) {
            size_t n = strlen(path);
            bool packed = (n > 3 && strcmp(path + n - 3, ".gz") == 0) ||
                          (n > 4 && strcmp(path + n - 4, ".zst") == 0);
            src->bytes += (double)st.st_size * (packed ? PACKED_FACTOR : 1);
        }
    }
    if (!s->schema_late || s->u.read.from_stage)
        return true;
    src->opts = s->u.read.opts;
    src->stream = reader_open(s->u.read.paths.items, s->u.read.paths.n, &src->opts, op_intake_bad,
                              &src->intake, err);
    return src->stream && pipeline_bind_late(r->p, src->stage, reader_schema(src->stream), err);
}

/* -- blocks -- */

static void close_blocks(struct sample_source *src, uint32_t n)
{
    for (uint32_t k = 0; src->blocks && k < n; k++)
        blocks_close(&src->blocks[k]);
    src->blocks = NULL;
}

static bool open_one(struct sample_run *r, struct sample_source *src, uint32_t k, size_t most)
{
    struct stage *s = &r->p->stages[src->stage];
    const char *path = s->u.read.paths.items[k];
    struct err ignored = ERR_INIT;
    struct reader_opts opts = s->u.read.opts;
    struct reader_stats stats;
    struct batch *b = NULL;
    opts.raw = true;
    opts.block_bytes = 16384;
    struct reader *in = reader_open(&path, 1, &opts, no_sink, NULL, &ignored);
    bool ok = in && reader_next(in, &b, &ignored);
    batch_unref(b);
    if (!in)
        return false;
    reader_stats(in, &stats);
    uint32_t columns = reader_schema(in)->n;
    reader_close(in);
    stats.dialect = (struct dialect_guess){.columns = columns};
    stats.dialect.best.escape = opts.escape > 0 ? opts.escape : stats.quote;
    src->opts = s->u.read.opts;
    src->opts.format = stats.format;
    return ok &&
           blocks_open(&src->blocks[k], path, &stats, columns, opts.header >= 0, r->o->rate,
                       r->o->seed + k, most, &ignored) &&
           src->blocks[k].n > 0;
}

/* Draws from every file; false when one of them cannot be drawn from. */
static bool open_blocks(struct sample_run *r, struct sample_source *src)
{
    uint32_t n = r->p->stages[src->stage].u.read.paths.n;
    size_t most = n ? BLOCKS_OF_ALL / n : 0;
    src->blocks = ARENA_ARRAY(r->a, struct blocks, n);
    src->ends = ARENA_ARRAY(r->a, uint64_t *, n);
    for (uint32_t k = 0; k < n; k++)
        src->blocks[k].fd = -1;
    most = n == 1 ? ESTIMATE_UNITS : most < BLOCKS_OF_ONE_MIN ? BLOCKS_OF_ONE_MIN : most;
    for (uint32_t k = 0; k < n; k++) {
        if (!open_one(r, src, k, most)) {
            close_blocks(src, n);
            return false;
        }
    }
    return n > 0;
}

static void frame_of_blocks(struct sample_run *r, struct sample_source *src)
{
    struct estimate_frame *f = &r->frames[src->frame];
    uint32_t n = r->p->stages[src->stage].u.read.paths.n, pair = 0;
    for (uint32_t k = 0; k < n; k++) {
        struct blocks *b = &src->blocks[k];
        uint64_t end = b->head;
        src->ends[k] = ARENA_ARRAY(r->a, uint64_t, b->n);
        for (size_t i = 0; i < b->n; i++) {
            uint64_t bytes = b->spans[i].to - b->spans[i].from;
            src->ends[k][i] = end += bytes;
            f->x[(pair + i / 2) % (ESTIMATE_UNITS / 2) * 2 + i % 2] += (double)bytes;
        }
        pair += (uint32_t)b->n / 2;
        f->x_all += (double)(b->size - b->head);
        f->fraction = b->fraction;
    }
}

/* -- which -- */

static int larger_first(const void *a, const void *b)
{
    const struct sample_source *x = *(struct sample_source *const *)a,
                               *y = *(struct sample_source *const *)b;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? 1 : -1;
    return x->stage < y->stage ? -1 : 1;
}

/* The read and the column that a stage's column comes from as it is; false when it does not. */
static bool origin(const struct sample_run *r, uint32_t stage, const char *column, uint32_t *source,
                   const char **name)
{
    for (;;) {
        const struct stage *s = &r->p->stages[stage];
        if (s->op == OP_READ) {
            *source = (uint32_t)r->source_of[stage];
            *name = column;
            return true;
        }
        for (uint32_t k = 0; s->op == OP_DERIVE && k < s->u.derive.n; k++) {
            if (strcmp(s->u.derive.set[k].name, column) == 0)
                return false;
        }
        for (uint32_t k = 0; s->op == OP_RENAME && k < s->u.rename.from.n; k++) {
            if (strcmp(s->u.rename.to.items[k], column) == 0) {
                column = s->u.rename.from.items[k];
                break;
            }
        }
        if (s->op == OP_AGGREGATE || stage_is_outside(s) || s->op == OP_DISTINCT ||
            s->op == OP_LIMIT || s->op == OP_WRITE)
            return false;
        bool right = s->op == OP_JOIN &&
                     schema_find(&r->p->stages[s->inputs[0]].schema, slice_str(column)) < 0;
        stage = s->inputs[right ? 1 : 0];
    }
}

/* May the read go by that column? It may not go by another already. */
static bool may_key(const struct sample_source *src, const char *column)
{
    return src->method != SAMPLE_KEY || strcmp(src->key, column) == 0;
}

/* The other branches of unions on the way: all reads that a stage's column comes from. */
static bool key_reads(struct sample_run *r, uint32_t stage, const char *column, uint32_t cls)
{
    const struct stage *s = &r->p->stages[stage];
    uint32_t source;
    const char *name;
    if (s->op == OP_UNION) {
        bool ok = true;
        for (uint32_t k = 0; ok && k < s->ninputs; k++)
            ok = key_reads(r, s->inputs[k], column, cls);
        return ok;
    }
    if (s->op != OP_READ && s->op != OP_JOIN && s->ninputs == 1) {
        const char *before = column;
        for (uint32_t k = 0; s->op == OP_RENAME && k < s->u.rename.from.n; k++) {
            if (strcmp(s->u.rename.to.items[k], column) == 0)
                before = s->u.rename.from.items[k];
        }
        return origin(r, stage, column, &source, &name) && key_reads(r, s->inputs[0], before, cls);
    }
    if (!origin(r, stage, column, &source, &name) || !may_key(&r->sources[source], name))
        return false;
    struct sample_source *src = &r->sources[source];
    if (src->method == SAMPLE_KEY)
        return src->cls == cls || src->cls == UINT32_MAX;
    src->method = SAMPLE_KEY;
    src->key = name;
    src->cls = cls;
    return true;
}

/* Tries, join by join, to let both sides go by the same key, until fewer stages are lost. */
static bool try_keys(struct sample_run *r, uint32_t lost)
{
    struct sample_source *kept = arena_memdup(r->a, r->sources, r->nsources * sizeof(*r->sources));
    for (uint32_t i = 0; i < r->p->nstages; i++) {
        const struct stage *s = &r->p->stages[r->p->order[i]];
        for (uint32_t k = 0; s->op == OP_JOIN && k < s->u.join.n; k++) {
            if (!r->stages[r->p->order[i]].by_join)
                break;
            uint32_t cls = r->nclasses;
            if (key_reads(r, s->inputs[0], s->u.join.on[k].left, cls) &&
                key_reads(r, s->inputs[1], s->u.join.on[k].right, cls) && sample_grade(r) <= lost) {
                r->nclasses++;
                return true;
            }
            memcpy(r->sources, kept, r->nsources * sizeof(*r->sources));
            sample_grade(r);
        }
    }
    return false;
}

static void choose_one(struct sample_run *r, struct sample_source *src, double largest)
{
    uint32_t lost = sample_grade(r);
    if (src->method == SAMPLE_KEY || src->bytes * r->o->rate < SAMPLE_BYTES_MIN ||
        r->p->stages[src->stage].u.read.from_stage)
        return;
    src->method = SAMPLE_RECORDS;
    if (sample_grade(r) <= lost)
        return;
    bool small = src->bytes <= WHOLE_BYTES_MAX && src->bytes <= largest * WHOLE_SHARE_MAX;
    if (small || !try_keys(r, lost))
        src->method = SAMPLE_WHOLE;
    sample_grade(r);
}

bool sample_choose(struct sample_run *r, struct err *err)
{
    struct pipeline *p = r->p;
    r->source_of = ARENA_ARRAY(r->a, int, p->nstages);
    r->stages = ARENA_ARRAY(r->a, struct sample_stage, p->nstages);
    r->sources = ARENA_ARRAY(r->a, struct sample_source, p->nstages + 1);
    for (uint32_t i = 0; i < p->nstages; i++) {
        r->source_of[i] = -1;
        if (p->stages[i].op != OP_READ)
            continue;
        r->source_of[i] = (int)r->nsources;
        r->sources[r->nsources].stage = i;
        r->sources[r->nsources].frame = UINT32_MAX;
        r->nsources++;
        if (!look(r, &r->sources[r->nsources - 1], err))
            return false;
    }
    uint32_t n = r->nsources;
    struct sample_source **order = ARENA_ARRAY(r->a, struct sample_source *, n + 1);
    for (uint32_t i = 0; i < n; i++)
        order[i] = &r->sources[i];
    qsort(order, n, sizeof(struct sample_source *), larger_first);
    for (uint32_t i = 0; i < n && r->o->rate < 1; i++)
        choose_one(r, order[i], order[0]->bytes);
    r->frames = ARENA_ARRAY(r->a, struct estimate_frame, n + 1);
    for (uint32_t i = 0; i < n; i++) {
        struct sample_source *src = &r->sources[i];
        if (src->method == SAMPLE_WHOLE)
            continue;
        src->frame = r->nframes++;
        r->frames[src->frame].fraction = r->o->rate;
        if (src->method != SAMPLE_RECORDS || !src->seekable || !open_blocks(r, src))
            continue;
        src->method = SAMPLE_BLOCKS;
        frame_of_blocks(r, src);
    }
    sample_grade(r);
    return true;
}

void sample_sources_close(struct sample_run *r)
{
    for (uint32_t i = 0; i < r->nsources; i++) {
        struct sample_source *src = &r->sources[i];
        close_blocks(src, r->p->stages[src->stage].u.read.paths.n);
        if (src->stream)
            reader_close(src->stream);
        src->stream = NULL;
    }
}
