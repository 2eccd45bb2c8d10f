/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How much a read stage will find: from a profile in the chain, else from the file itself, of which
 * the first records are looked at. History is the caller's last resort. */
#include <glob.h>
#include <math.h>
#include <sys/stat.h>

#include "predict/internal.h"

#include "base/map.h"
#include "base/num.h"
#include "model/distinct.h"
#include "table/reader.h"
#include "table/value.h"

#define SAMPLE_BLOCK_BYTES (256u << 10)
#define SAMPLE_BATCHES 2
#define SAMPLE_CELLS 400000u /* of very wide tables a few records have to do */
#define SAMPLE_ROWS_LEAST 64u
#define SAMPLE_DISTINCT_MAX 8192
/* A sample of the first records says how long records are to within a few percent where the file is
 * of one kind; files that are not make this the larger risk. */
#define SAMPLE_LOG_SD 0.05

struct files {
    const char *const *paths;
    size_t n;
    bool whole; /* every one is there */
    double stored_bytes;
};

/* Patterns that were not expanded yet (pipeline_bind does) are expanded here. */
static void files_find(struct arena *a, const struct stage *s, struct files *out)
{
    const char **paths = NULL;
    size_t n = 0;
    for (uint32_t i = 0; i < s->u.read.paths.n; i++) {
        const char *path = s->u.read.paths.items[i];
        glob_t g;
        if (strpbrk(path, "*?[") && glob(path, 0, NULL, &g) == 0) {
            for (size_t k = 0; k < g.gl_pathc; k++)
                *ARENA_PUSH(a, paths, n) = arena_strdup(a, g.gl_pathv[k]);
            globfree(&g);
        } else {
            *ARENA_PUSH(a, paths, n) = path;
        }
    }
    *out = (struct files){.paths = paths, .n = n, .whole = n > 0};
    for (size_t i = 0; i < n; i++) {
        struct stat st;
        if (stat(paths[i], &st) != 0 || !S_ISREG(st.st_mode))
            out->whole = false;
        else
            out->stored_bytes += (double)st.st_size;
    }
}

static const struct rec_profile *profile_of(struct arena *a, const char *path,
                                            const struct predict_options *o, bool only_read)
{
    const struct rec_profile *found = NULL;
    const char *name = arena_printf(a, "file:%s", path);
    for (size_t i = 0; i < o->nprofiles; i++) {
        const struct rec_profile *p = &o->profiles[i];
        if (p->dataset ? strcmp(p->dataset, name) == 0 : only_read)
            found = p; /* of several about one subject the last wins */
    }
    return found;
}

/* What is gathered of one column of the sample. */
struct probe {
    struct map values;
    double bytes, nulls, text_bytes, first_seen;
    double types[TYPE_COUNT];
    double *numbers;
    size_t nnumbers;
};

static void probe_value(struct probe *p, struct text t)
{
    union value v;
    struct slice s = text_slice(t);
    enum type type = t.flags & TEXT_QUOTED ? TYPE_STRING : value_classify(s, &v);
    p->types[type]++;
    p->text_bytes += (double)s.len;
    if (type == TYPE_INTEGER)
        p->numbers[p->nnumbers++] = (double)v.i;
    else if (type == TYPE_FLOAT)
        p->numbers[p->nnumbers++] = v.f;
    if (p->values.len < SAMPLE_DISTINCT_MAX || map_get(&p->values, s))
        map_put(&p->values, s, NULL)->v.num++;
}

static int by_count(const void *a, const void *b)
{
    double x = ((const struct rec_top *)a)->count, y = ((const struct rec_top *)b)->count;
    if (x != y)
        return x < y ? 1 : -1;
    return slice_cmp(((const struct rec_top *)a)->value, ((const struct rec_top *)b)->value);
}

static struct slice number_text(struct arena *a, double d)
{
    char *text = arena_bytes(a, NUM_TEXT_MAX);
    return slice_of(text, num_format_double(text, d));
}

/* The probe as a column of a profile of `records` records, of which `seen` were looked at. */
static void probe_column(struct arena *a, struct probe *p, double seen, double records,
                         struct rec_column *c)
{
    double k = seen > 0 ? records / seen : 1, values = seen - p->nulls;
    c->type = TYPE_NONE;
    for (unsigned t = 1; t < TYPE_COUNT; t++) {
        if (p->types[t] > 0)
            c->type = type_join(c->type, (enum type)t);
    }
    c->records = records;
    c->nulls = p->nulls * k;
    c->bytes = p->text_bytes * k;
    double domain = model_distinct_domain((double)p->values.len, values);
    c->distinct = fmin(records, model_distinct_expected(domain, values * k));
    c->min = c->max = SLICE_NULL;
    for (size_t i = 0; i < REC_QUANTILES; i++)
        c->quantiles[i] = NAN;
    if (type_is_number(c->type) && p->nnumbers > 0) {
        for (size_t i = 0; i < REC_QUANTILES; i++)
            c->quantiles[i] =
                i == 0 ? model_quantile(p->numbers, p->nnumbers, rec_quantile_at[i])
                       : model_quantile_sorted(p->numbers, p->nnumbers, rec_quantile_at[i]);
        c->min = number_text(a, p->numbers[0]);
        c->max = number_text(a, p->numbers[p->nnumbers - 1]);
    }
    struct rec_top *top = ARENA_ARRAY(a, struct rec_top, p->values.len);
    for (size_t i = 0; i < p->values.len; i++)
        top[i] = (struct rec_top){.value = arena_slice(a, p->values.entries[i].key),
                                  .count = (double)p->values.entries[i].v.num * k};
    qsort(top, p->values.len, sizeof(*top), by_count);
    c->top = top;
    c->ntop = p->values.len > 50 ? 50 : (uint32_t)p->values.len;
}

static void ignore_bad(void *ctx, const struct bad_record *bad)
{
    (void)ctx;
    (void)bad;
}

struct sample {
    struct probe *columns;
    const struct schema *schema;
    double records, bytes; /* looked at; as they stand in the file, near enough */
    bool all;              /* that was everything */
    bool cut;              /* of some batch only the first rows were looked at */
    bool jsonl;
};

static void sample_batch(struct sample *s, const struct batch *b)
{
    uint32_t rows = SAMPLE_CELLS / SAMPLE_BATCHES / (b->ncols ? b->ncols : 1);
    rows = rows < SAMPLE_ROWS_LEAST ? SAMPLE_ROWS_LEAST : rows;
    s->cut |= rows < b->rows;
    rows = rows < b->rows ? rows : b->rows;
    for (uint32_t c = 0; c < b->ncols; c++) {
        for (uint32_t row = 0; row < rows; row++) {
            s->bytes += 1; /* delimiter or line end */
            if (!column_valid(&b->cols[c], row)) {
                s->columns[c].nulls++;
                continue;
            }
            struct text t = b->cols[c].text[row];
            s->bytes += t.len + (t.flags & TEXT_QUOTED ? 2 : 0);
            if (s->jsonl)
                s->bytes += (double)strlen(s->schema->fields[c].name) + 3;
            probe_value(&s->columns[c], t);
        }
    }
    s->records += rows;
    s->bytes += s->jsonl ? rows : 0; /* the other brace */
}

/* Looks at the first records of all files together. */
static bool sample_files(struct arena *a, const struct stage *stage, const struct files *f,
                         struct source *out)
{
    struct reader_opts o = stage->u.read.opts;
    o.raw = true;
    o.pins = NULL, o.npins = 0;
    o.columns = NULL;
    o.block_bytes = SAMPLE_BLOCK_BYTES;
    o.acct = NULL;
    struct err err = ERR_INIT;
    struct reader *r = reader_open(f->paths, f->n, &o, ignore_bad, NULL, &err);
    if (!r)
        return false;
    struct sample s = {.schema = reader_schema(r)};
    uint32_t ncols = s.schema->n;
    struct reader_stats stats;
    s.columns = xcalloc(ncols + 1, sizeof(*s.columns));
    for (uint32_t c = 0; c < ncols; c++)
        s.columns[c].numbers = xmalloc(SAMPLE_BATCHES * BATCH_ROWS * sizeof(double));
    for (int i = 0; i <= SAMPLE_BATCHES; i++) {
        struct batch *b = NULL;
        if (!reader_next(r, &b, &err))
            break;
        reader_stats(r, &stats);
        s.jsonl = stats.format == FORMAT_JSONL;
        s.all = b == NULL && !s.cut;
        if (b && i < SAMPLE_BATCHES)
            sample_batch(&s, b);
        if (!b)
            break;
        batch_unref(b);
    }
    reader_stats(r, &stats);
    out->packed = stats.compression != NULL;
    double inflate =
        out->packed && stats.read_bytes > 0 ? (double)stats.bytes / (double)stats.read_bytes : 1;
    double bytes = f->stored_bytes * inflate, records = s.records;
    double spread = s.all ? 0 : out->packed ? 4 * SAMPLE_LOG_SD : SAMPLE_LOG_SD;
    if (!s.all && s.bytes > 0)
        records = bytes / (s.bytes / s.records);
    double hi = exp(model_t95(1e9) * spread);
    out->bytes = (struct rec_figure){bytes, out->packed && !s.all ? bytes * hi : bytes};
    if (s.all && out->packed)
        out->bytes = figure_exact((double)stats.bytes);
    out->records = (struct rec_figure){floor(records + 0.5), ceil(records * hi)};
    struct rec_profile *p = ARENA_NEW(a, struct rec_profile);
    struct rec_column *columns = ARENA_ARRAY(a, struct rec_column, ncols);
    for (uint32_t c = 0; c < ncols; c++) {
        columns[c].name = arena_strdup(a, s.schema->fields[c].name);
        probe_column(a, &s.columns[c], s.records, out->records.p50, &columns[c]);
        map_release(&s.columns[c].values);
        free(s.columns[c].numbers);
    }
    free(s.columns);
    reader_close(r);
    p->columns = columns;
    p->ncolumns = ncols;
    p->records = out->records.p50;
    p->bytes = out->bytes.p50;
    out->profile = p;
    out->why = s.all ? "counted in the file" : "from the file's size and its first records";
    return true;
}

/* From the profiles of all files, when there is one for each. */
static bool profiles_join(struct arena *a, const struct files *f, const struct predict_options *o,
                          uint32_t nreads, struct source *out)
{
    double records = 0, bytes = 0;
    const struct rec_profile *p = NULL;
    for (size_t i = 0; i < f->n; i++) {
        p = profile_of(a, f->paths[i], o, nreads == 1 && f->n == 1);
        if (!p || !(p->records >= 0) || !(p->bytes >= 0))
            return false;
        records += p->records;
        bytes += p->bytes;
    }
    if (f->n == 0)
        return false;
    out->profile = p; /* files of one table have the same columns */
    out->stored_bytes = f->whole ? f->stored_bytes : NAN;
    out->why = "from the profile";
    /* Profiles count bytes after decompression: a file on disk that is smaller is packed, one that
     * differs otherwise has changed since, and its size is the newer figure. */
    out->packed = f->whole && f->stored_bytes < 0.6 * bytes;
    if (f->whole && !out->packed && bytes > 0 && fabs(f->stored_bytes - bytes) > 0.001 * bytes) {
        out->why = "from the profile, scaled to the file's size now";
        records *= f->stored_bytes / bytes;
        bytes = f->stored_bytes;
    }
    out->records = figure_exact(floor(records + 0.5));
    out->bytes = figure_exact(bytes);
    return true;
}

void source_find(struct arena *a, const struct stage *s, const struct predict_options *o,
                 uint32_t nreads, struct source *out)
{
    *out = (struct source){
        .records = FIGURE_UNKNOWN, .bytes = FIGURE_UNKNOWN, .stored_bytes = NAN, .why = NULL};
    struct files f;
    files_find(a, s, &f);
    if (profiles_join(a, &f, o, nreads, out))
        return;
    if (f.whole && sample_files(a, s, &f, out))
        out->stored_bytes = f.stored_bytes;
}
