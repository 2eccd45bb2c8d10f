/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Batches to columns, bad records to faults. The record of it all is record.c, a whole input run.c.
 */
#include "base/rng.h"
#include "profile/crew.h"
#include "profile/state.h"

const char profile_not_utf8[] = "bytes that are not UTF-8 (Latin-1?), kept as they are";

struct profile *profile_new(const struct schema *s, bool json, const struct profile_opts *o)
{
    return profile_new_among(s, json, o, 1);
}

struct profile *profile_new_among(const struct schema *s, bool json, const struct profile_opts *o,
                                  uint64_t profiles)
{
    uint64_t columns = s->n * profiles;
    struct column_sizes sizes;
    column_sizes_init(&sizes, columns < UINT32_MAX ? (uint32_t)columns : UINT32_MAX, o->fast, json);
    return profile_new_sized(s, json, o, &sizes);
}

struct profile *profile_new_sized(const struct schema *s, bool json, const struct profile_opts *o,
                                  const struct column_sizes *sizes)
{
    struct profile *p = xcalloc(1, sizeof(*p));
    arena_init(&p->mem, NULL);
    schema_copy(&p->mem, &p->schema, s);
    p->json = json;
    p->o = *o;
    p->sizes = *sizes;
    p->sizes.fast = o->fast;
    p->sizes.json = json;
    p->columns = xcalloc(s->n ? s->n : 1, sizeof(*p->columns));
    for (uint32_t c = 0; c < s->n; c++)
        column_state_init(&p->columns[c], &p->sizes, o->seed + c);
    rng_seed(&p->rng, o->seed);
    return p;
}

/* Until all batches are in the columns. */
static void gathered(const struct profile *p)
{
    if (p->o.crew != NULL)
        crew_settle(p->o.crew, p);
}

void profile_free(struct profile *p)
{
    if (p == NULL)
        return;
    gathered(p);
    for (uint32_t c = 0; c < p->schema.n; c++)
        column_state_release(&p->columns[c]);
    free(p->columns);
    free(p->pending);
    arena_release(&p->mem);
    free(p);
}

void profile_sample(struct rng *rng, double rate, uint32_t rows, uint64_t *keep)
{
    memset(keep, 0, BATCH_WORDS * sizeof(*keep));
    for (uint32_t r = 0; r < rows; r++)
        if (rng_unit(rng) < rate)
            keep[r >> 6] |= UINT64_C(1) << (r & 63);
}

uint32_t profile_row_of(const struct batch *b, uint64_t line)
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
            uint32_t r = profile_row_of(b, f->line);
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

void profile_settle(struct profile *p)
{
    count_malformed(p, NULL);
    /* Faults of the file may come to the records that were malformed already. */
    if (p->malformed > p->delivered + p->lost)
        p->malformed = p->delivered + p->lost;
    gathered(p);
}

void profile_gather(struct profile *p, const struct batch *b, uint32_t from, uint32_t to,
                    struct column_scratch *w)
{
    uint32_t n = b->ncols < p->schema.n ? b->ncols : p->schema.n;
    for (uint32_t c = from; c < to && c < n; c++)
        column_state_add(&p->columns[c], &p->sizes, &b->cols[c], b->rows, b->line, w);
}

void profile_count(struct profile *p, const struct batch *b, uint32_t rows)
{
    count_malformed(p, b);
    p->delivered += rows;
}

void profile_rows(struct profile *p, struct batch *b)
{
    p->profiled += b->rows;
    if (p->o.crew != NULL) {
        crew_add(p->o.crew, p, b);
        return;
    }
    struct column_scratch *scratch = xmalloc(sizeof(*scratch));
    profile_gather(p, b, 0, p->schema.n, scratch);
    free(scratch);
    batch_unref(b);
}

void profile_add(struct profile *p, struct batch *b)
{
    uint64_t keep[BATCH_WORDS];
    profile_count(p, b, b->rows);
    if (p->o.sample_rate < 1)
        profile_sample(&p->rng, p->o.sample_rate, b->rows, keep);
    profile_rows(p, p->o.sample_rate < 1 ? batch_filter(b, keep, NULL, 0, NULL) : batch_ref(b));
}

static bool same_name(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* Faults are told apart by rule and column; past this many only by rule. */
#define FAULTS_MAX 256

void profile_fault_add(struct profile *p, const struct profile_fault *f)
{
    const char *column = p->nfaults < FAULTS_MAX ? f->column : NULL;
    for (size_t i = 0; i < p->nfaults; i++) {
        struct profile_fault *have = &p->faults[i];
        if (strcmp(have->rule, f->rule) == 0 &&
            (same_name(have->column, f->column) ||
             (p->nfaults >= FAULTS_MAX && have->column == NULL))) {
            have->count += f->count;
            bool first = f->line != 0 && (have->line == 0 || f->line < have->line);
            if (first || (f->line == have->line && strcmp(f->reason, have->reason) < 0)) {
                have->line = f->line;
                have->reason = arena_strdup(&p->mem, f->reason);
            }
            return;
        }
    }
    *ARENA_PUSH(&p->mem, p->faults, p->nfaults) =
        (struct profile_fault){arena_strdup(&p->mem, f->rule),
                               arena_strdup(&p->mem, f->reason),
                               column ? arena_strdup(&p->mem, column) : NULL,
                               f->line,
                               f->count,
                               f->byte};
}

void profile_bad(void *profile, const struct bad_record *bad)
{
    struct profile *p = profile;
    if (p->npending == p->pending_cap) {
        p->pending_cap = p->pending_cap ? 2 * p->pending_cap : 64;
        p->pending = xreallocarray(p->pending, p->pending_cap, sizeof(*p->pending));
    }
    p->pending[p->npending++] = (struct pending){bad->line, bad->delivered};
    profile_fault_add(p, &(struct profile_fault){bad->rule, bad->reason, bad->column, bad->line,
                                                 bad->count ? bad->count : 1, bad->byte});
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
                                                .reason = profile_not_utf8,
                                                .delivered = true});
}

/* Faults without a line come last. */
static int by_line(const void *a, const void *b)
{
    const struct profile_fault *x = a, *y = b;
    if (x->line != y->line)
        return x->line - 1 < y->line - 1 ? -1 : 1;
    int order = strcmp(x->rule, y->rule);
    return order != 0 ? order : strcmp(x->column ? x->column : "", y->column ? y->column : "");
}

/* What one of the two does not know the result does not know; of samples of different rates it has
 * the rate that came out. */
static void merge_options(struct profile *p, const struct profile *other)
{
    struct column_sizes *a = &p->sizes;
    const struct column_sizes *b = &other->sizes;
    a->kll_k = b->kll_k < a->kll_k ? b->kll_k : a->kll_k;
    a->frequent_lg = b->frequent_lg < a->frequent_lg ? b->frequent_lg : a->frequent_lg;
    a->distinct_p = b->distinct_p < a->distinct_p ? b->distinct_p : a->distinct_p;
    p->o.fast = a->fast = a->fast || b->fast;
    p->json = a->json = a->json || b->json;
    if (p->o.sample_rate != other->o.sample_rate) {
        double all = (double)(p->delivered + other->delivered);
        p->o.sample_rate = all > 0 ? (double)(p->profiled + other->profiled) / all : 1;
    }
    p->seeds = p->seeds || other->seeds || p->o.seed != other->o.seed;
    p->o.seed = other->o.seed < p->o.seed ? other->o.seed : p->o.seed;
}

/* Appends the names of columns that `b` does not have. */
static void names_without(struct buf *out, const struct schema *a, const struct schema *b)
{
    struct quoted q;
    for (uint32_t c = 0; c < a->n; c++)
        if (schema_find(b, slice_str(a->fields[c].name)) < 0)
            buf_addf(out, "%s'%s'", out->len > 0 ? ", " : "", quote_str(&q, a->fields[c].name));
}

static bool same_columns(const struct schema *a, const struct schema *b, struct err *err)
{
    uint32_t c = 0;
    while (c < a->n && c < b->n && strcmp(a->fields[c].name, b->fields[c].name) == 0)
        c++;
    if (c == a->n && c == b->n)
        return true;
    struct buf names = BUF_INIT(600);
    struct quoted q;
    names_without(&names, a, b);
    names_without(&names, b, a);
    if (names.len > 0)
        err_set(err, ERR_DATA, "cannot merge profiles of different columns: %s only in one%s",
                buf_str(&names), names.overflow ? ", and more" : "");
    else
        err_set(err, ERR_DATA,
                "cannot merge profiles whose columns have another order from '%s' on",
                quote_str(&q, a->fields[c].name));
    buf_release(&names);
    return false;
}

/* Sums of counts do not overflow, nor do levels of quantile sketches run out. */
#define COUNT_MAX (UINT64_C(1) << 53)

static bool is_countable(const struct profile *p, const struct profile *other)
{
    if (p->delivered + p->lost + other->delivered + other->lost > COUNT_MAX ||
        p->bytes + other->bytes > COUNT_MAX)
        return false;
    for (uint32_t c = 0; c < p->schema.n; c++) {
        const struct column_state *a = &p->columns[c], *b = &other->columns[c];
        if (a->bytes + b->bytes > COUNT_MAX || a->elements.total + b->elements.total > COUNT_MAX)
            return false;
    }
    return true;
}

bool profile_merge(struct profile *p, const struct profile *other, struct err *err)
{
    if (!same_columns(&p->schema, &other->schema, err))
        return false;
    gathered(p);
    gathered(other);
    if (!is_countable(p, other))
        return err_set(err, ERR_DATA, "cannot merge profiles of more than 2^53 records or bytes");
    merge_options(p, other);
    for (uint32_t c = 0; c < p->schema.n; c++)
        column_state_merge(&p->columns[c], &p->sizes, &other->columns[c]);
    p->delivered += other->delivered;
    p->profiled += other->profiled;
    p->malformed += other->malformed;
    p->lost += other->lost;
    p->bytes += other->bytes;
    for (size_t i = 0; i < other->nfaults; i++)
        profile_fault_add(p, &other->faults[i]);
    if (p->nfaults > 0)
        qsort(p->faults, p->nfaults, sizeof(*p->faults), by_line);
    return true;
}
