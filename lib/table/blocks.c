/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cells drawn from a file, and where the records of each begin and end. */
#include "table/blocks.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/rng.h"
#include "table/csv_scan.h"
#include "table/feed.h"

/* Cells are as long as a disk likes to be read, shorter where there would be too few strata: of
 * what grows along the file, or changes at one place, a few decide the variance, and the more there
 * are the less hangs on each. Not so short that most of their records are cut. */
#define CELL_BYTES ((double)(64 << 10))
#define CELL_BYTES_MIN ((double)(1 << 10))
#define STRATA_ENOUGH 128
#define STRATA_MIN 32
/* As few will do where there is no memory for the sums of more. */
#define STRATA_FEWEST 8
/* Beyond this nothing is saved. */
#define RATE_MAX 0.8
/* So far back a line end is looked for, and so far on a record's end. */
#define LOOK ((size_t)16 << 10)

/* -- the bytes around a cell -- */

struct view {
    char *p; /* BLOCK_SLACK behind the end */
    size_t n, cap;
    uint64_t from; /* offset of p[0] */
    bool end;      /* of the file */
};

static bool read_at(struct blocks *b, char *to, size_t n, uint64_t from, size_t *got,
                    struct err *err)
{
    *got = 0;
    while (*got < n) {
        ssize_t k = pread(b->fd, to + *got, n - *got, (off_t)(from + *got));
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return err_errno(err, ERR_ENV, "cannot read a block");
        if (k == 0)
            break;
        *got += (size_t)k;
    }
    return true;
}

static bool look(struct blocks *b, struct view *v, uint64_t from, size_t n, struct err *err)
{
    if (v->cap < n + BLOCK_SLACK) {
        v->cap = n + BLOCK_SLACK;
        v->p = xrealloc(v->p, v->cap);
    }
    v->from = from;
    if (!read_at(b, v->p, n, from, &v->n, err))
        return false;
    v->end = v->n < n || from + v->n >= b->size;
    memset(v->p + v->n, 0, BLOCK_SLACK);
    if (v->end)
        v->p[v->n] = '\n';
    return true;
}

/* -- where records begin -- */

/* Offset behind the first line end at or behind `at`; v->n + 1 when there is none. */
static size_t behind_line(const struct view *v, size_t at)
{
    const char *lf = at < v->n ? memchr(v->p + at, '\n', v->n - at) : NULL;
    return lf ? (size_t)(lf - v->p) + 1 : v->end ? v->n : v->n + 1;
}

static void scan_from(const struct blocks *b, struct csv_scan *s, const struct view *v, size_t at,
                      bool inside)
{
    csv_scan_init(s, b->delimiter, b->quote, b->escape, at);
    s->state = inside ? CSV_QUOTED : CSV_START;
    size_t to = v->n + v->end;
    while (s->pos < to)
        csv_scan_bytes(s, v->p, to);
}

static size_t row_end(const struct csv_scan *s, size_t k)
{
    return (size_t)s->ends.at[s->rows.at[k]] + 1;
}

/* Does record k stand well: as wide as the table, quotes only around fields? */
static bool stands_well(const struct blocks *b, const struct csv_scan *s, const char *p, size_t k)
{
    if (s->rows.at[k] - s->rows.at[k - 1] != b->columns)
        return false;
    for (uint32_t f = s->rows.at[k - 1]; f < s->rows.at[k]; f++) {
        uint32_t from = s->ends.at[f] + 1, to = s->ends.at[f + 1];
        if (to > from && (unsigned char)p[from] != b->quote &&
            memchr(p + from, b->quote, to - from))
            return false;
    }
    return true;
}

/* Is `at`, behind a line end, outside of quotes? Both readings go on to where they agree. */
static bool is_outside(const struct blocks *b, const struct csv_scan *out,
                       const struct csv_scan *in, const char *p)
{
    size_t i = 1, k = 1, good = 0, bad = 0;
    size_t nout = csv_scan_rows(out), nin = csv_scan_rows(in);
    for (; i <= nout; i++) {
        while (k <= nin && row_end(in, k) < row_end(out, i))
            k++;
        if (stands_well(b, out, p, i))
            good++;
        else
            bad++;
        if (k <= nin && row_end(in, k) == row_end(out, i))
            return good >= bad;
    }
    size_t in_good = 0, in_bad = 0; /* they never agree; the first one inside is a part */
    for (k = 2; k <= nin; k++)
        if (stands_well(b, in, p, k))
            in_good++;
        else
            in_bad++;
    return (double)good * (double)(in_good + in_bad) >= (double)in_good * (double)(good + bad);
}

static size_t first_end(const struct csv_scan *s, size_t start, bool outside, size_t at)
{
    if (outside && start >= at)
        return start;
    for (size_t k = 1; k <= csv_scan_rows(s); k++)
        if (row_end(s, k) >= at)
            return row_end(s, k);
    return SIZE_MAX;
}

/* The first records that begin at or behind `from` and `to` (places in the view); SIZE_MAX when it
 * does not reach so far. */
static void find_quoted(const struct blocks *b, const struct view *v, size_t from, size_t to,
                        size_t *first, size_t *next)
{
    struct csv_scan out = {0}, in = {0};
    bool known = v->from == b->head; /* a record begins there */
    size_t start = known ? 0 : behind_line(v, 0);
    if (start > from)
        start = known ? 0 : from;
    scan_from(b, &out, v, start, false);
    scan_from(b, &in, v, start, true);
    bool outside = known || is_outside(b, &out, &in, v->p);
    const struct csv_scan *s = outside ? &out : &in;
    *first = first_end(s, start, outside, from);
    *next = first_end(s, start, outside, to);
    csv_scan_release(&out);
    csv_scan_release(&in);
    if (v->end) { /* the end of the file ends the last record */
        *first = *first > v->n ? v->n : *first;
        *next = *next > v->n ? v->n : *next;
    }
}

static bool find_span(struct blocks *b, struct view *v, struct blocks_span *span, struct err *err)
{
    uint64_t back = span->from - b->head < LOOK ? b->head : span->from - LOOK;
    for (size_t more = LOOK;; more *= 4) {
        size_t first, next, from = (size_t)(span->from - back), to = (size_t)(span->to - back);
        if (!look(b, v, back, to + more, err))
            return false;
        if (b->quote >= 0 && memchr(v->p, b->quote, v->n) != NULL) {
            find_quoted(b, v, from, to, &first, &next);
        } else {
            first = from == 0 ? 0 : behind_line(v, from - 1);
            next = behind_line(v, to - 1);
        }
        if (first <= v->n && next <= v->n) {
            *span = (struct blocks_span){back + first, back + next};
            return true;
        }
        if (more > RECORD_MAX)
            return err_set(err, ERR_DATA,
                           "no record begins within 16 MiB of byte %llu: sample by records "
                           "(--sample-by record)",
                           (unsigned long long)span->from);
    }
}

/* Behind the byte order mark, empty lines and the header. */
static bool find_head(struct blocks *b, bool header, struct err *err)
{
    struct view v = {0};
    bool ok = false;
    for (size_t n = LOOK; n <= RECORD_MAX; n *= 4) {
        struct csv_scan s = {0};
        if (!look(b, &v, 0, n, err))
            goto done;
        size_t bom = v.n >= 3 && memcmp(v.p, "\xef\xbb\xbf", 3) == 0 ? 3 : 0, k = 1;
        b->head = bom;
        ok = true;
        if (!header)
            goto done;
        scan_from(b, &s, &v, bom, false);
        while (k <= csv_scan_rows(&s) && row_end(&s, k) - csv_scan_start(&s, k) <= 2 &&
               (v.p[csv_scan_start(&s, k)] == '\n' || v.p[csv_scan_start(&s, k)] == '\r'))
            k++;
        bool found = k <= csv_scan_rows(&s);
        b->head = found ? row_end(&s, k) : b->size;
        csv_scan_release(&s);
        if (found || v.end)
            goto done;
    }
done:
    b->head = b->head < b->size ? b->head : b->size;
    free(v.p);
    return ok;
}

/* -- drawing -- */

static bool draw(struct blocks *b, double rate, uint64_t seed, size_t max_blocks, struct err *err)
{
    double bytes = (double)(b->size - b->head), half = bytes * rate / 2;
    double strata = half / CELL_BYTES;
    uint64_t cells = (uint64_t)(2 / rate + 0.5);
    cells = cells < 3 ? 3 : cells;
    if (strata < STRATA_ENOUGH)
        strata = half / CELL_BYTES_MIN < STRATA_ENOUGH ? half / CELL_BYTES_MIN : STRATA_ENOUGH;
    if (strata < STRATA_MIN || max_blocks / 2 < STRATA_FEWEST || rate > RATE_MAX)
        return true;
    if (strata > (double)max_blocks / 2)
        strata = (double)(max_blocks / 2);
    size_t n = (size_t)strata;
    double cell = bytes / ((double)n * (double)cells);
    struct view v = {0};
    struct rng rng;
    bool ok = true;
    rng_seed(&rng, seed);
    b->spans = xcalloc(2 * n, sizeof(*b->spans));
    b->fraction = 2 / (double)cells;
    for (size_t h = 0; ok && h < n; h++) {
        uint64_t i = rng_below(&rng, cells), k = rng_below(&rng, cells - 1);
        k += k >= i;
        uint64_t pick[2] = {i < k ? i : k, i < k ? k : i};
        for (int j = 0; ok && j < 2; j++) {
            double at = (double)(h * cells + pick[j]);
            struct blocks_span *span = &b->spans[b->n++];
            *span = (struct blocks_span){b->head + (uint64_t)(at * cell),
                                         b->head + (uint64_t)((at + 1) * cell)};
            if (h + 1 == n && pick[j] + 1 == cells)
                span->to = b->size;
            ok = find_span(b, &v, span, err);
            /* Where two looks at the same quotes disagree no record is read twice. */
            uint64_t before = b->n > 1 ? b->spans[b->n - 2].to : b->head;
            span->from = span->from > before ? span->from : before;
            span->to = span->to > span->from ? span->to : span->from;
        }
    }
    free(v.p);
    return ok;
}

static enum input_got blocks_read(void *ctx, char *to, size_t cap, size_t *got, struct err *err)
{
    struct blocks *b = ctx;
    for (; b->at <= b->n; b->at++, b->pos = 0) {
        struct blocks_span s = {0, b->head};
        if (b->at > 0)
            s = b->spans[b->at - 1];
        uint64_t left = s.to - s.from - b->pos;
        if (left == 0)
            continue;
        size_t n = left < cap ? (size_t)left : cap;
        if (!read_at(b, to, n, s.from + b->pos, got, err))
            return INPUT_ERROR;
        b->pos += *got;
        if (*got > 0)
            return INPUT_BYTES;
        return INPUT_END; /* the file became shorter */
    }
    return INPUT_END;
}

void blocks_rewind(struct blocks *b)
{
    b->at = 0;
    b->pos = 0;
}

bool blocks_open(struct blocks *b, const char *path, const struct reader_stats *stats,
                 uint32_t columns, bool header, double rate, uint64_t seed, size_t max_blocks,
                 struct err *err)
{
    struct quoted q;
    struct stat st;
    *b = (struct blocks){.fd = -1, .columns = columns};
    b->input = (struct input){blocks_read, b};
    b->delimiter = b->quote = b->escape = -1;
    if (stats->format != FORMAT_JSONL) {
        b->delimiter = stats->delimiter;
        b->quote = stats->quote;
        b->escape = stats->dialect.columns > 0 ? stats->dialect.best.escape : -1;
        b->escape = b->escape == b->quote ? -1 : b->escape;
    }
    const char *why = strcmp(path, "-") == 0       ? "standard input"
                      : stats->compression != NULL ? "compressed"
                      : stats->encoding != NULL    ? "UTF-16"
                      : stats->dialect.best.cr     ? "a file whose lines end at CR"
                                                   : NULL;
    if (why == NULL && stat(path, &st) == 0 && !S_ISREG(st.st_mode))
        why = "no regular file";
    if (why != NULL)
        return err_set(err, ERR_USAGE,
                       "cannot sample '%s' by blocks: it is %s (--sample-by record)",
                       quote_str(&q, path), why);
    b->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (b->fd < 0 || fstat(b->fd, &st) != 0)
        return err_errno(err, ERR_ENV, "cannot open '%s'", quote_str(&q, path));
    b->size = (uint64_t)st.st_size;
    if (!find_head(b, header && stats->format != FORMAT_JSONL, err) ||
        !draw(b, rate, seed, max_blocks, err))
        return err_prefix(err, "'%s': ", quote_str(&q, path));
    return true;
}

void blocks_close(struct blocks *b)
{
    if (b->fd >= 0)
        close(b->fd);
    free(b->spans);
    b->spans = NULL;
    b->fd = -1;
}
