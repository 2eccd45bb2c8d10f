/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Blocks of a file to estimates of the whole. */
#include "profile/sample.h"

#include <math.h>

#include "sketch/interval.h"
#include "profile/state.h"
#include "table/value.h"

/* Sums of blocks times columns that are kept at most: 32 bytes each. */
#define SUMS_MAX 262144
#define BLOCKS_MAX 2048
#define MEDIAN_AT 3 /* in rec_quantile_at */

static void no_sink(void *ctx, const struct bad_record *bad)
{
    (void)ctx;
    (void)bad;
}

bool sample_open(struct sample *s, const char *path, const struct reader_opts *opts, double rate,
                 uint64_t seed, struct err *err)
{
    struct reader_stats stats;
    *s = (struct sample){.path = path, .opts = *opts, .seed = seed, .blocks = {.fd = -1}};
    s->opts.raw = true;
    struct reader *r = reader_open(&path, 1, &s->opts, no_sink, NULL, err);
    if (r == NULL)
        return false;
    /* How it is stored is known for sure when something was read of it. */
    struct batch *b = NULL;
    bool ok = reader_next(r, &b, err);
    batch_unref(b);
    reader_stats(r, &stats);
    uint32_t columns = reader_schema(r)->n;
    reader_close(r);
    if (!ok)
        return false;
    size_t most = SUMS_MAX / (columns ? columns : 1);
    if (!blocks_open(&s->blocks, path, &stats, columns, opts->header >= 0, rate, seed,
                     most < BLOCKS_MAX ? most : BLOCKS_MAX, err)) {
        sample_close(s);
        return false;
    }
    s->opts.format = stats.format;
    if (stats.format != FORMAT_JSONL) {
        /* "None" cannot be said of all; then it is found again. */
        s->opts.delimiter = s->blocks.delimiter > 0 ? s->blocks.delimiter : opts->delimiter;
        s->opts.quote = s->blocks.quote;
        s->opts.escape = s->blocks.escape > 0 ? s->blocks.escape : opts->escape;
    }
    return true;
}

void sample_close(struct sample *s)
{
    blocks_close(&s->blocks);
}

/* -- sums of each block -- */

struct sums {
    double nulls, numbers, total, below; /* below the median; half of those equal to it */
};
struct tally {
    struct sums *sums; /* of block i and column c at [i * columns + c] */
    double *records;   /* of each block */
    uint64_t *ends;    /* where it ends in what is read */
    size_t blocks, columns, at;
};

static void tally_column(struct tally *t, const struct column *c, uint32_t at, uint32_t rows,
                         const size_t *block, double median, bool json)
{
    for (uint32_t row = 0; row < rows; row++) {
        struct sums *s = &t->sums[block[row] * t->columns + at];
        union value v;
        if (!column_valid(c, row)) {
            s->nulls++;
            continue;
        }
        if (isnan(median) || (json && (c->text[row].flags & TEXT_QUOTED)))
            continue;
        enum type type = value_classify(text_slice(c->text[row]), &v);
        if (!type_is_number(type))
            continue;
        double x = type == TYPE_INTEGER ? (double)v.i : v.f;
        s->numbers++;
        s->total += x;
        s->below += x < median ? 1 : x > median ? 0 : 0.5;
    }
}

static void tally_batch(struct tally *t, const struct batch *b, const struct rec_profile *p,
                        bool json)
{
    size_t block[BATCH_ROWS];
    for (uint32_t row = 0; row < b->rows; row++) {
        while (t->at + 1 < t->blocks && b->end[row] > t->ends[t->at])
            t->at++;
        block[row] = t->at;
        t->records[t->at]++;
    }
    for (uint32_t c = 0; c < b->ncols && c < t->columns; c++) {
        const struct rec_column *col = &p->columns[c];
        double median = isfinite(col->mean) ? col->quantiles[MEDIAN_AT] : (double)NAN;
        if (isfinite(col->mean) && isnan(median)) /* no quantiles: any number will do */
            median = col->mean;
        tally_column(t, &b->cols[c], c, b->rows, block, median, json);
    }
}

static bool tally_all(struct sample *s, struct tally *t, const struct rec_profile *p,
                      struct err *err)
{
    struct reader_opts ro = s->opts;
    struct batch *b = NULL;
    bool ok;
    ro.offsets = true;
    blocks_rewind(&s->blocks);
    struct reader *r = reader_open_input(&s->blocks.input, s->path, &ro, no_sink, NULL, err);
    if (r == NULL)
        return false;
    while ((ok = reader_next(r, &b, err)) && b != NULL) {
        tally_batch(t, b, p, s->opts.format == FORMAT_JSONL);
        batch_unref(b);
    }
    reader_close(r);
    return ok;
}

/* -- estimates -- */

static struct rec_interval as_rec(struct interval i)
{
    return (struct rec_interval){i.lo, i.hi};
}

/* The share below the median says between which shares the median of all lies (Woodruff 1952). */
static struct rec_interval median_interval(const struct kll *kll, const struct interval_ratio *r)
{
    struct interval share = interval_block_mean(r);
    double at[2] = {0.5 - (r->ratio - share.lo), 0.5 + (share.hi - r->ratio)}, value[2];
    if (!isfinite(at[0]) || !isfinite(at[1]))
        return (struct rec_interval){(double)NAN, (double)NAN};
    at[0] = at[0] > 0 ? at[0] : 0;
    at[1] = at[1] < 1 ? at[1] : 1;
    kll_quantiles(kll, at, 2, value);
    return (struct rec_interval){value[0], value[1]};
}

static void estimate_column(const struct sample *s, const struct tally *t, struct rec_column *c,
                            size_t at, const struct kll *kll, struct interval_block *b)
{
    double blocks = (double)t->blocks, none = (double)NAN;
    struct interval_ratio r;
    c->intervals = (struct rec_intervals){true, {none, none}, {none, none}, {none, none}};
    for (size_t i = 0; i < t->blocks; i++)
        b[i] = (struct interval_block){t->sums[i * t->columns + at].nulls, t->records[i]};
    r = interval_blocks(b, t->blocks, s->blocks.fraction);
    c->intervals.null_rate = as_rec(interval_block_rate(&r, blocks, s->blocks.fraction));
    for (int k = 0; k < TYPE_COUNT; k++)
        c->first_lines[k] = 0;
    if (!isfinite(c->mean))
        return;
    for (size_t i = 0; i < t->blocks; i++) {
        const struct sums *u = &t->sums[i * t->columns + at];
        b[i] = (struct interval_block){u->total, u->numbers};
    }
    r = interval_blocks(b, t->blocks, s->blocks.fraction);
    c->intervals.mean = as_rec(interval_block_mean(&r));
    if (kll == NULL)
        return;
    for (size_t i = 0; i < t->blocks; i++) {
        const struct sums *u = &t->sums[i * t->columns + at];
        b[i] = (struct interval_block){u->below, u->numbers};
    }
    r = interval_blocks(b, t->blocks, s->blocks.fraction);
    c->intervals.median = median_interval(kll, &r);
}

static void estimate(const struct sample *s, const struct tally *t, const struct profile *state,
                     struct rec_profile *p, struct arena *a)
{
    struct interval_block *b = xcalloc(t->blocks, sizeof(*b));
    struct rec_column *columns = ARENA_ARRAY(a, struct rec_column, p->ncolumns);
    struct rec_issue *issues = ARENA_ARRAY(a, struct rec_issue, p->nissues);
    for (uint32_t c = 0; c < p->ncolumns; c++)
        columns[c] = p->columns[c];
    for (uint32_t i = 0; i < p->nissues; i++)
        issues[i] = p->issues[i];
    for (uint32_t c = 0; c < p->ncolumns; c++)
        estimate_column(s, t, &columns[c], c, state->columns[c].kll, b);
    for (uint32_t i = 0; i < p->nissues; i++)
        issues[i].first_line = (double)NAN;
    for (size_t i = 0; i < t->blocks; i++)
        b[i] = (struct interval_block){t->records[i], 1};
    p->records_interval =
        as_rec(interval_block_total(b, t->blocks, s->blocks.fraction, &p->records));
    p->records = round(p->records);
    free(b);
    p->columns = columns;
    p->issues = issues;
}

bool sample_finish(struct sample *s, const struct profile *state, struct rec_profile *p,
                   struct arena *a, struct err *err)
{
    struct tally t = {.blocks = s->blocks.n, .columns = p->ncolumns};
    uint64_t end = s->blocks.head;
    t.sums = xcalloc(t.blocks * (t.columns ? t.columns : 1), sizeof(*t.sums));
    t.records = xcalloc(t.blocks, sizeof(*t.records));
    t.ends = xcalloc(t.blocks, sizeof(*t.ends));
    for (size_t i = 0; i < t.blocks; i++)
        t.ends[i] = end += s->blocks.spans[i].to - s->blocks.spans[i].from;
    bool ok = tally_all(s, &t, p, err);
    if (ok) {
        estimate(s, &t, state, p, a);
        p->sample_rate = s->blocks.fraction;
        p->sample_seed = (double)s->seed;
        p->bytes = (double)s->blocks.size;
        p->avg_record_size = p->records > 0 ? p->bytes / p->records : (double)NAN;
        p->from = p->to = NULL;
        p->first_record = p->last_record = p->records_per_second = (double)NAN;
    }
    free(t.sums);
    free(t.records);
    free(t.ends);
    return ok;
}
