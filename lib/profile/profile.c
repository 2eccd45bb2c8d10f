/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Batches to columns, bad records to issues, and the whole to a record. */
#include "profile/profile.h"

#include <math.h>

#include "base/instant.h"
#include "base/rng.h"
#include "profile/column.h"

/* A fault of a record that has not been counted yet. */
struct pending {
    uint64_t line; /* anywhere within the record */
    bool delivered;
};

struct profile {
    const struct schema *schema;
    struct profile_opts o;
    struct column_sizes sizes;
    struct column_state *columns; /* schema->n */
    struct column_scratch *scratch;
    struct rng rng;
    uint64_t delivered, profiled;
    uint64_t malformed, lost; /* records with a fault; of these not delivered */
    struct pending *pending;  /* faults of the batch that comes next */
    size_t npending, pending_cap;
    struct arena mem; /* of the faults */
    struct profile_fault *faults;
    size_t nfaults;
};

static const char not_utf8[] = "bytes that are not UTF-8 (Latin-1?), kept as they are";

struct profile *profile_new(const struct schema *s, bool json, const struct profile_opts *o)
{
    struct profile *p = xcalloc(1, sizeof(*p));
    p->schema = s;
    p->o = *o;
    column_sizes_init(&p->sizes, s->n, o->fast, json);
    p->columns = xcalloc(s->n ? s->n : 1, sizeof(*p->columns));
    for (uint32_t c = 0; c < s->n; c++)
        column_state_init(&p->columns[c], &p->sizes, o->seed + c);
    p->scratch = xmalloc(sizeof(*p->scratch));
    rng_seed(&p->rng, o->seed);
    arena_init(&p->mem, NULL);
    return p;
}

void profile_free(struct profile *p)
{
    if (p == NULL)
        return;
    for (uint32_t c = 0; c < p->schema->n; c++)
        column_state_release(&p->columns[c]);
    free(p->columns);
    free(p->scratch);
    free(p->pending);
    arena_release(&p->mem);
    free(p);
}

/* The rows of `b` that the sample takes; NULL when there are none. Each record is drawn for by
 * itself, so the choice does not depend on how records fall into batches. */
static struct batch *sampled(struct profile *p, struct batch *b)
{
    uint64_t keep[BATCH_WORDS] = {0};
    uint32_t kept = 0;
    for (uint32_t r = 0; r < b->rows; r++)
        if (rng_unit(&p->rng) < p->o.sample_rate) {
            keep[r >> 6] |= UINT64_C(1) << (r & 63);
            kept++;
        }
    return kept > 0 ? batch_filter(b, keep, NULL, 0, NULL) : NULL;
}

/* The row that a line belongs to: the last one that begins at or before it. */
static uint32_t row_of(const struct batch *b, uint64_t line)
{
    uint32_t lo = 0, hi = b->rows;
    while (hi - lo > 1) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (b->line[mid] <= line)
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}

/* A record is malformed once, however many faults it has. `b`: the rows that the pending faults are
 * of, or NULL at the end. */
static void count_malformed(struct profile *p, const struct batch *b)
{
    uint64_t rows[BATCH_WORDS] = {0}, last = 0;
    for (size_t i = 0; i < p->npending; i++) {
        const struct pending *f = &p->pending[i];
        if (f->delivered && b != NULL && b->line != NULL) {
            uint32_t r = row_of(b, f->line);
            uint64_t bit = UINT64_C(1) << (r & 63);
            p->malformed += !(rows[r >> 6] & bit);
            rows[r >> 6] |= bit;
        } else if (f->line == 0 || f->line != last) {
            p->malformed++;
            p->lost += !f->delivered;
            last = f->line;
        }
    }
    p->npending = 0;
}

void profile_add(struct profile *p, struct batch *b)
{
    count_malformed(p, b);
    p->delivered += b->rows;
    struct batch *use = p->o.sample_rate < 1 ? sampled(p, b) : batch_ref(b);
    if (use == NULL)
        return;
    p->profiled += use->rows;
    uint32_t n = use->ncols < p->schema->n ? use->ncols : p->schema->n;
    for (uint32_t c = 0; c < n; c++)
        column_state_add(&p->columns[c], &p->sizes, &use->cols[c], use->rows, use->line,
                         p->scratch);
    batch_unref(use);
}

static bool same_name(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* Faults are told apart by rule and column; past this many only by rule. */
#define FAULTS_MAX 256

static void note_fault(struct profile *p, const struct bad_record *bad)
{
    const char *column = p->nfaults < FAULTS_MAX ? bad->column : NULL;
    for (size_t i = 0; i < p->nfaults; i++) {
        struct profile_fault *f = &p->faults[i];
        if (strcmp(f->rule, bad->rule) == 0 && (same_name(f->column, bad->column) ||
                                                (p->nfaults >= FAULTS_MAX && f->column == NULL))) {
            f->count++;
            return;
        }
    }
    struct profile_fault *f = ARENA_PUSH(&p->mem, p->faults, p->nfaults);
    *f =
        (struct profile_fault){arena_strdup(&p->mem, bad->rule), arena_strdup(&p->mem, bad->reason),
                               column ? arena_strdup(&p->mem, column) : NULL, bad->line, 1};
}

void profile_bad(void *profile, const struct bad_record *bad)
{
    struct profile *p = profile;
    if (p->npending == p->pending_cap) {
        p->pending_cap = p->pending_cap ? 2 * p->pending_cap : 64;
        p->pending = xreallocarray(p->pending, p->pending_cap, sizeof(*p->pending));
    }
    p->pending[p->npending++] = (struct pending){bad->line, bad->delivered};
    note_fault(p, bad);
}

static bool row_is_utf8(const struct batch *b, uint32_t r)
{
    for (uint32_t c = 0; c < b->ncols; c++)
        if (column_valid(&b->cols[c], r) && !utf8_is_valid(text_slice(b->cols[c].text[r])))
            return false;
    return true;
}

void profile_check_utf8(struct profile *p, const struct batch *b)
{
    for (uint32_t r = 0; r < b->rows; r++)
        if (!row_is_utf8(b, r))
            profile_bad(p, &(struct bad_record){.line = b->line ? b->line[r] : 0,
                                                .rule = "invalid_utf8",
                                                .reason = not_utf8,
                                                .delivered = true});
}

const struct profile_fault *profile_faults(const struct profile *p, size_t *n)
{
    *n = p->nfaults;
    return p->faults;
}

/* -- the record -- */

static double line_of(uint64_t line)
{
    return line > 0 ? (double)line : (double)NAN;
}

struct issues {
    struct arena *a;
    struct rec_issue *items;
    size_t n;
};

static void issue(struct issues *is, const char *column, const char *rule, uint64_t count,
                  uint64_t line)
{
    if (count > 0)
        *ARENA_PUSH(is->a, is->items, is->n) =
            (struct rec_issue){column, rule, (double)count, line_of(line)};
}

static void finish_issues(const struct profile *p, struct arena *a, struct rec_profile *out)
{
    struct issues is = {a, NULL, 0};
    for (size_t i = 0; i < p->nfaults; i++) {
        const struct profile_fault *f = &p->faults[i];
        issue(&is, f->column ? arena_strdup(a, f->column) : NULL, arena_strdup(a, f->rule),
              f->count, f->line);
    }
    for (uint32_t c = 0; c < p->schema->n; c++) {
        const struct column_state *s = &p->columns[c];
        const char *name = out->columns[c].name;
        uint64_t first, same = column_state_consistent(s, &first);
        issue(&is, name, "null", s->nulls, s->first_null);
        issue(&is, name, "mixed_types", s->values - same, first);
        for (unsigned f = 0; f < FORMATS; f++) {
            if (!column_state_has_format(s, f))
                continue;
            uint64_t line = s->format_miss[f];
            for (int k = 0; k < KINDS; k++)
                if (k != TYPE_STRING && s->kinds[k] > 0 && (line == 0 || s->first_line[k] < line))
                    line = s->first_line[k];
            issue(&is, name, arena_printf(a, "not_%s", profile_format_names[f]),
                  s->values - s->formats[f], line);
        }
    }
    out->issues = is.items;
    out->nissues = (uint32_t)is.n;
}

static void finish_quality(const struct profile *p, struct rec_profile *out)
{
    double values = 0, consistent = 0, cells = (double)p->profiled * p->schema->n;
    for (uint32_t c = 0; c < p->schema->n; c++) {
        values += (double)p->columns[c].values;
        consistent += (double)column_state_consistent(&p->columns[c], NULL);
    }
    double records = (double)(p->delivered + p->lost), none = (double)NAN;
    out->completeness = cells > 0 ? values / cells : none;
    out->consistency = values > 0 ? consistent / values : none;
    out->accuracy = records > 0 ? 1 - (double)p->malformed / records : none;
    /* The product, in the form that rounds once; all null: nothing is there, the score is 0. */
    out->data_quality_score = cells > 0 ? out->accuracy * (consistent / cells) : none;
}

/* The time that the first timestamp column spans. */
static void finish_window(const struct profile *p, struct arena *a, struct rec_profile *out)
{
    out->first_record = p->delivered > 0 ? 1 : (double)NAN;
    out->last_record = p->delivered > 0 ? (double)p->delivered : (double)NAN;
    out->records_per_second = (double)NAN;
    for (uint32_t c = 0; c < p->schema->n; c++) {
        const struct column_state *s = &p->columns[c];
        if (column_state_type(s) != TYPE_TIMESTAMP)
            continue;
        char text[INSTANT_TEXT];
        instant_format(text, s->time_min);
        out->from = arena_strdup(a, text);
        instant_format(text, s->time_max);
        out->to = arena_strdup(a, text);
        double span = (double)s->time_max - (double)s->time_min;
        if (span > 0)
            out->records_per_second = (double)(p->delivered - 1) / (span / (double)US_PER_S);
        return;
    }
}

void profile_finish(struct profile *p, struct arena *a, uint64_t bytes, struct rec_profile *out)
{
    count_malformed(p, NULL);
    *out = (struct rec_profile){0};
    double none = (double)NAN;
    bool sampled_only = p->o.sample_rate < 1;
    out->sample_rate = p->o.sample_rate;
    out->sample_seed = sampled_only ? (double)p->o.seed : none;
    out->records_seen = (double)p->delivered;
    out->records_profiled = (double)p->profiled;
    out->records = (double)p->delivered;
    out->bytes = (double)bytes;
    uint64_t all = p->delivered + p->lost;
    out->avg_record_size = all > 0 ? (double)bytes / (double)all : none;
    out->schema_evolution_probability = none;
    struct rec_column *columns = ARENA_ARRAY(a, struct rec_column, p->schema->n);
    const char **cut = NULL;
    size_t ncut = 0;
    for (uint32_t c = 0; c < p->schema->n; c++) {
        const struct column_state *s = &p->columns[c];
        const char *name = arena_strdup(a, p->schema->fields[c].name);
        column_state_finish(s, &p->sizes, a, name, &columns[c]);
        if (s->min.cut && columns[c].min.len > EXTREME_MAX / 2)
            *ARENA_PUSH(a, cut, ncut) = arena_printf(a, "columns[%u].min", c);
        if (s->max.cut && columns[c].max.len > EXTREME_MAX / 2)
            *ARENA_PUSH(a, cut, ncut) = arena_printf(a, "columns[%u].max", c);
    }
    out->columns = columns;
    out->ncolumns = p->schema->n;
    out->truncated = cut;
    out->ntruncated = (uint32_t)ncut;
    finish_window(p, a, out);
    finish_quality(p, out);
    finish_issues(p, a, out);
}

/* -- a whole input -- */

/* Bad records may come before the schema is known. */
struct early {
    struct profile *p;
    struct arena mem;
    struct bad_record *items;
    size_t n;
};

static void bad_or_early(void *ctx, const struct bad_record *bad)
{
    struct early *e = ctx;
    if (e->p != NULL) {
        profile_bad(e->p, bad);
        return;
    }
    struct bad_record *b = ARENA_PUSH(&e->mem, e->items, e->n);
    *b = *bad;
    b->path = NULL;
    b->raw = SLICE_NULL;
    b->rule = arena_strdup(&e->mem, bad->rule);
    b->reason = arena_strdup(&e->mem, bad->reason);
    b->column = bad->column ? arena_strdup(&e->mem, bad->column) : NULL;
}

/* Bytes that are not UTF-8 outside of the records: in the header. */
static void note_header_utf8(struct profile *p, const struct reader_stats *stats)
{
    for (size_t i = 0; i < p->nfaults; i++)
        if (strcmp(p->faults[i].rule, "invalid_utf8") == 0)
            return;
    if (stats->latin1)
        note_fault(p, &(struct bad_record){
                          .line = stats->latin1_line, .rule = "invalid_utf8", .reason = not_utf8});
}

static void keep_faults(struct arena *a, const struct profile *p, struct profile_result *out)
{
    struct profile_fault *f = ARENA_ARRAY(a, struct profile_fault, p->nfaults);
    out->faults = f;
    out->nfaults = p->nfaults;
    for (size_t i = 0; i < p->nfaults; i++) {
        f[i] = p->faults[i];
        f[i].rule = arena_strdup(a, f[i].rule);
        f[i].reason = arena_strdup(a, f[i].reason);
        f[i].column = f[i].column ? arena_strdup(a, f[i].column) : NULL;
    }
}

bool profile_run(struct arena *a, const struct profile_input *in, const struct profile_opts *o,
                 struct profile_result *out, struct err *err)
{
    struct early early = {0};
    struct reader_opts ro = *in->opts;
    struct batch *b = NULL;
    bool ok = false;
    ro.raw = true;
    arena_init(&early.mem, NULL);
    *out = (struct profile_result){0};
    struct reader *r = reader_open(&in->path, 1, &ro, bad_or_early, &early, err);
    if (r == NULL)
        goto done;
    reader_stats(r, &out->stats);
    early.p = profile_new(reader_schema(r), out->stats.format == FORMAT_JSONL, o);
    for (size_t i = 0; i < early.n; i++)
        profile_bad(early.p, &early.items[i]);
    while ((ok = reader_next(r, &b, err)) && b != NULL) {
        reader_stats(r, &out->stats);
        if (out->stats.latin1)
            profile_check_utf8(early.p, b);
        profile_add(early.p, b);
        batch_unref(b);
        if (in->tick != NULL)
            in->tick(in->tick_ctx, out->stats.read_bytes);
    }
    if (ok) {
        reader_stats(r, &out->stats);
        out->delivered = early.p->delivered;
        note_header_utf8(early.p, &out->stats);
        profile_finish(early.p, a, out->stats.bytes, &out->record);
        keep_faults(a, early.p, out);
    }
    profile_free(early.p);
done:
    if (r != NULL)
        reader_close(r);
    arena_release(&early.mem);
    return ok;
}
