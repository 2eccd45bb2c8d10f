/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CSV records to columns of text: what the fields found by csv_scan.c mean. */
#include "base/buf.h"
#include "table/reader_impl.h"

/* One field of the block. */
struct field_bytes {
    const char *p;
    size_t len;
    bool open; /* quoted, and the closing quote never came */
};

/* Quotes that RFC 4180 does not have. */
enum stray {
    STRAY_NONE,
    STRAY_INSIDE, /* neither doubled nor at the end of the field */
    STRAY_OPEN,   /* at its beginning, and there is none at its end: see mend.h */
};

/* The inside of a quoted field, or a plain field with escapes, without them. */
static struct text unescape(const struct reader *r, struct arena *a, const char *p, size_t n,
                            bool quoted, enum stray *stray)
{
    char *out = arena_bytes(a, n + TEXT_ROOM);
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        int c = (unsigned char)p[i];
        if (c == r->escape && r->escape != r->quote && i + 1 < n) {
            i++;
        } else if (quoted && c == r->quote) {
            if (i + 1 < n && (unsigned char)p[i + 1] == r->quote)
                i++;
            else
                *stray = STRAY_INSIDE;
        }
        out[len++] = p[i];
    }
    memset(out + len, 0, TEXT_ROOM);
    return (struct text){out, (uint32_t)len, quoted ? TEXT_QUOTED : 0};
}

/* A field that begins with a quote or may hold an escape. */
static struct text field_text(const struct reader *r, struct arena *a, struct field_bytes f,
                              enum stray *stray)
{
    const char *p = f.p;
    size_t n = f.len;
    bool quoted = n && (unsigned char)*p == r->quote;
    if (quoted && !f.open && (n == 1 || (unsigned char)p[n - 1] != r->quote)) {
        quoted = false;
        *stray = STRAY_OPEN;
    }
    if (quoted) {
        p++;
        n -= 1 + (size_t)!f.open;
    }
    bool escapes =
        (quoted && memchr(p, r->quote, n)) || (r->escape >= 0 && memchr(p, r->escape, n));
    if (escapes)
        return unescape(r, a, p, n, quoted, stray);
    return (struct text){p, (uint32_t)n, quoted ? TEXT_QUOTED : 0};
}

/* Field c (of n) of record k + 1 + i of the feed. */
static struct field_bytes field_of(const struct reader *r, size_t i, uint32_t c, uint32_t n)
{
    const struct csv_scan *s = &r->feed.scan;
    const char *data = r->feed.block->data;
    size_t base = s->rows.at[r->feed.k + i] + c;
    uint32_t from = s->ends.at[base] + 1, to = s->ends.at[base + 1];
    bool last = c + 1 == n;
    bool open = last && r->feed.unterminated && r->feed.k + i + 1 == csv_scan_rows(s);
    if (last && !open && to > from && data[to - 1] == '\r')
        to--;
    return (struct field_bytes){data + from, to - from, open};
}

static uint32_t nfields(const struct feed *f, size_t i)
{
    return f->scan.rows.at[f->k + i + 1] - f->scan.rows.at[f->k + i];
}

/* -- header -- */

/* Field text as a C string: a NUL byte, which no name can hold, becomes U+FFFD. */
static char *name_of(struct reader *r, struct text t)
{
    struct buf b = BUF_INIT(BUF_UNBOUNDED);
    for (uint32_t i = 0; i < t.len; i++) {
        if (t.p[i])
            buf_addc(&b, t.p[i]);
        else
            buf_adds(&b, "\xef\xbf\xbd");
    }
    char *name = arena_strdup(&r->mem, buf_str(&b));
    buf_release(&b);
    return name;
}

/* Repeated names get the smallest _2, _3, … that no column has. */
static void make_unique(struct reader *r, char **names, uint32_t n)
{
    struct map seen = MAP_INIT; /* v.num: next suffix to try; 0 while only noted */
    for (uint32_t i = 0; i < n; i++)
        map_put(&seen, slice_str(names[i]), NULL)->v.num = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct map_entry *e = map_get(&seen, slice_str(names[i]));
        if (e->v.num == 0) {
            e->v.num = 2;
            continue;
        }
        int64_t k = e->v.num;
        bool added = false;
        char *name = NULL;
        while (!added) {
            name = arena_printf(&r->mem, "%s_%lld", names[i], (long long)k++);
            struct map_entry *made = map_put(&seen, slice_str(name), &added);
            if (added)
                made->v.num = 2;
        }
        map_get(&seen, slice_str(names[i]))->v.num = k;
        names[i] = name;
    }
    map_release(&seen);
}

/* Is record i of the feed an empty line? */
static bool is_empty_line(const struct reader *r, size_t i)
{
    return nfields(&r->feed, i) == 1 && feed_record(&r->feed, i).len == 0;
}

static bool first_record(struct reader *r, bool *have, struct err *err)
{
    struct quoted q;
    struct feed *f = &r->feed;
    *have = false;
    for (;;) {
        while (f->k < csv_scan_rows(&f->scan)) {
            if (!is_empty_line(r, 0)) {
                *have = true;
                return true;
            }
            feed_take(f, 1, NULL);
        }
        switch (feed_more(f, err)) {
        case FEED_ROWS:
        case FEED_PAUSE:
            break;
        case FEED_END:
            return true;
        case FEED_OVERSIZE:
        case FEED_LOOKED:
            return err_set(err, ERR_DATA,
                           "'%s':%llu: the first record is longer than 16 MiB: not CSV, or a quote "
                           "is never closed",
                           quote_str(&q, r->paths[r->file]), (unsigned long long)f->big.line);
        case FEED_ERROR:
            return false;
        }
    }
}

static inline bool is_crlf(const struct feed *f, size_t i)
{
    uint32_t end = f->scan.ends.at[f->scan.rows.at[f->k + i + 1]];
    return end > 0 && f->block->data[end - 1] == '\r';
}

/* How the lines of m records end; before they are taken. The last line of all may have no end. */
static void note_ends(struct reader *r, size_t m)
{
    const struct feed *f = &r->feed;
    struct reader_stats *s = &r->stats;
    uint64_t crlf = 0;
    size_t first_crlf = m, first_lf = m;
    if (f->missing_final_newline && f->k + m == csv_scan_rows(&f->scan))
        m--;
    for (size_t i = 0; i < m; i++)
        crlf += is_crlf(f, i);
    for (size_t i = 0; s->crlf_lines == 0 && crlf > 0 && first_crlf > i && i < m; i++)
        if (is_crlf(f, i))
            first_crlf = i;
    for (size_t i = 0; s->lf_lines == 0 && crlf < m && first_lf > i && i < m; i++)
        if (!is_crlf(f, i))
            first_lf = i;
    if (first_crlf < m)
        s->crlf_line = feed_line(f, first_crlf);
    if (first_lf < m)
        s->lf_line = feed_line(f, first_lf);
    s->crlf_lines += crlf;
    s->lf_lines += m - crlf;
    s->crlf = s->crlf || crlf > 0;
}

bool csv_header(struct reader *r, char ***names, uint32_t *n, struct err *err)
{
    bool have;
    enum stray stray = STRAY_NONE;
    struct feed *f = &r->feed;
    struct quoted q;
    *n = 0;
    r->header_line = 0;
    if (!first_record(r, &have, err))
        return false;
    if (!have)
        return true;
    bool header = r->o.header >= 0;
    if (header && f->unterminated && f->k + 1 == csv_scan_rows(&f->scan))
        return err_set(err, ERR_DATA,
                       "'%s':%llu: unterminated quoted field in the header (opened here)",
                       quote_str(&q, r->paths[r->file]), (unsigned long long)f->open_line);
    *n = nfields(f, 0);
    if (!reader_check_width(r, *n, err))
        return false;
    *names = ARENA_ARRAY(&r->mem, char *, *n);
    for (uint32_t c = 0; c < *n; c++) {
        struct text t = {0};
        if (header)
            t = field_text(r, &r->mem, field_of(r, 0, c, *n), &stray);
        (*names)[c] = t.len ? name_of(r, t) : arena_printf(&r->mem, "column_%u", c + 1);
    }
    make_unique(r, *names, *n);
    if (header) {
        note_ends(r, 1);
        feed_take(f, 1, &r->header_line);
    }
    return true;
}

/* -- records -- */

static void stray_quote(struct reader *r, uint32_t c, uint32_t row, size_t i, enum stray kind)
{
    uint64_t bit = UINT64_C(1) << (row & 63);
    if (r->stray[row >> 6] & bit) /* said already */
        return;
    r->stray[row >> 6] |= bit;
    reader_issue(r, row, 0, r->schema.fields[c].name, "quote",
                 kind == STRAY_INSIDE
                     ? "text behind a closing quote (a quote inside a quoted field must be doubled)"
                     : "a quote opens that is not closed in the record (it was read as data)",
                 feed_record(&r->feed, i));
}

/* A field that begins with a quote, or may hold an escape. */
static void put_special(struct reader *r, uint32_t c, uint32_t row, size_t i, struct field_bytes f)
{
    enum stray stray = STRAY_NONE;
    r->fill[c].text[row] = field_text(r, &r->b->mem, f, &stray);
    if (stray)
        stray_quote(r, c, row, i, stray);
}

/* One field that is no special one. False: it begins with a quote. A field without any byte is
 * null. */
static inline bool put_field(const struct csv_target *t, uint32_t row, const char *p, uint32_t len,
                             int quote)
{
    if (len == 0)
        t->valid[row >> 6] &= ~(UINT64_C(1) << (row & 63));
    else if ((unsigned char)*p == quote)
        return false;
    t->text[row] = (struct text){p, len, 0};
    return true;
}

/* m records, all with file_cols fields, into rows from `row` on: record by record, as the bytes and
 * their offsets come in that order. */
static void fill_rows(struct reader *r, uint32_t row, size_t m)
{
    const struct csv_scan *s = &r->feed.scan;
    const char *data = r->feed.block->data;
    const uint32_t *rows = s->rows.at + r->feed.k, *all = s->ends.at;
    const uint32_t ncols = r->schema.n, last = r->file_cols - 1;
    const int quote = r->quote;
    const bool odd = r->escape >= 0;
    const struct csv_target *fill = r->fill;
    for (size_t i = 0; i < m; i++, row++) {
        const uint32_t *ends = all + rows[i];
        uint32_t end = ends[last + 1];
        if (end > ends[last] + 1 && data[end - 1] == '\r')
            end--;
        for (uint32_t c = 0; c < ncols; c++) {
            uint32_t at = fill[c].at, from = ends[at] + 1, to = at == last ? end : ends[at + 1];
            const char *p = data + from;
            if ((odd && to > from) || !put_field(&fill[c], row, p, to - from, quote))
                put_special(r, c, row, i, (struct field_bytes){p, to - from, false});
        }
    }
}

/* The same of records whose columns are all taken, in their order, without an escape character. */
static void fill_all(struct reader *r, uint32_t row, size_t m)
{
    const struct csv_scan *s = &r->feed.scan;
    const char *data = r->feed.block->data;
    const uint32_t *ends = s->ends.at + s->rows.at[r->feed.k];
    const uint32_t ncols = r->file_cols;
    const int quote = r->quote;
    const struct csv_target *fill = r->fill;
    for (size_t i = 0; i < m; i++, row++) {
        uint32_t from = *ends++ + 1;
        for (uint32_t c = 0; c < ncols; c++) {
            uint32_t to = ends[c];
            uint32_t len = to - from;
            const char *p = data + from;
            if (c + 1 == ncols && len > 0 && data[to - 1] == '\r')
                len--;
            if (!put_field(&fill[c], row, p, len, quote))
                put_special(r, c, row, i, (struct field_bytes){p, len, false});
            from = to + 1;
        }
        ends += ncols - 1;
    }
}

static void note_nuls(struct reader *r, uint32_t row, size_t m)
{
    const struct feed *f = &r->feed;
    const struct csv_offsets *nuls = &f->scan.nuls;
    size_t k = f->nul_k;
    for (size_t i = 0; i < m && k < nuls->n; i++) {
        uint32_t end = f->scan.ends.at[f->scan.rows.at[f->k + i + 1]];
        if (nuls->at[k] < end)
            reader_issue(r, row == ISSUE_NO_ROW ? row : row + (uint32_t)i, 0, NULL, "nul_byte",
                         "a NUL byte in the record (binary data, or UTF-16?)", feed_record(f, i));
        while (k < nuls->n && nuls->at[k] < end)
            k++;
    }
}

/* Lines are known only when the records are taken. */
static void take_rows(struct reader *r, uint32_t row, size_t m)
{
    for (size_t i = 0; r->b->end && i < m; i++)
        r->b->end[row + i] = feed_end(&r->feed, i);
    feed_take(&r->feed, m, r->b->line + row);
    for (; r->lined < r->nissues; r->lined++)
        if (r->issues[r->lined].line == 0)
            r->issues[r->lined].line = r->b->line[r->issues[r->lined].row];
}

/* m regular records. */
static void take_regular(struct reader *r, size_t m)
{
    uint32_t row = r->b->rows;
    for (size_t i = 0; i < m && !r->o.raw; i++)
        r->records[row + i] = feed_record(&r->feed, i);
    if (r->fill_all)
        fill_all(r, row, m);
    else
        fill_rows(r, row, m);
    if (r->feed.nul_k < r->feed.scan.nuls.n)
        note_nuls(r, row, m);
    note_ends(r, m);
    take_rows(r, row, m);
    r->b->rows += (uint32_t)m;
}

static const char *ragged_reason(struct reader *r, uint32_t n)
{
    const char *from = r->o.header >= 0 ? "header on" : "as on";
    return arena_printf(&r->b->mem, "%u field%s, expected %u (%s line %llu)", n, n == 1 ? "" : "s",
                        r->file_cols, from,
                        (unsigned long long)(r->header_line ? r->header_line : 1));
}

/* The next record, which is not regular: too few or too many fields, empty, unterminated or
 * oversize. */
static void take_odd(struct reader *r)
{
    struct feed *f = &r->feed;
    uint32_t n = nfields(f, 0), row = ISSUE_NO_ROW;
    struct slice raw = feed_record(f, 0);
    bool open = f->unterminated && f->k + 1 == csv_scan_rows(&f->scan);
    uint64_t line = f->line;
    if (n == 1 && raw.len == 0) {
        r->stats.empty_lines++;
        feed_take(f, 1, NULL);
        return;
    }
    bool big = raw.len > RECORD_MAX;
    if (r->o.raw && !big) {
        row = r->b->rows;
        for (uint32_t c = 0; c < r->schema.n; c++) {
            enum stray stray = STRAY_NONE;
            struct text t = {raw.p, 0, 0};
            if (r->cols[c].at < n)
                t = field_text(r, &r->b->mem, field_of(r, 0, r->cols[c].at, n), &stray);
            if (stray)
                stray_quote(r, c, row, 0, stray);
            r->b->cols[c].text[row] = t;
            if ((t.len | (t.flags & TEXT_QUOTED)) == 0)
                r->b->cols[c].valid[row >> 6] &= ~(UINT64_C(1) << (row & 63));
        }
        r->records[row] = raw;
    }
    if (open)
        reader_issue(r, row, f->open_line, NULL, "unterminated_quote",
                     "unterminated quoted field (opened here)", raw);
    else if (big)
        reader_issue(r, row, line, NULL, "oversize", "the record is longer than 16 MiB", raw);
    if (!big && !open && n != r->file_cols)
        reader_issue(r, row, line, NULL, "ragged_row", ragged_reason(r, n), raw);
    if (f->nul_k < f->scan.nuls.n && row != ISSUE_NO_ROW)
        note_nuls(r, row, 1);
    if (!open)
        note_ends(r, 1);
    if (row == ISSUE_NO_ROW) {
        feed_take(f, 1, NULL);
    } else {
        take_rows(r, row, 1);
        r->b->rows++;
    }
}

/* How many of the records at hand are regular. */
static size_t regular_run(const struct reader *r)
{
    const struct feed *f = &r->feed;
    const uint32_t *rows = f->scan.rows.at + f->k, n = r->file_cols;
    size_t max = csv_scan_rows(&f->scan) - f->k, room = r->row_cap - r->taken, m = 0;
    if (f->unterminated)
        max--;
    if (max > room)
        max = room;
    bool big = f->block->len > RECORD_MAX;
    while (m < max && rows[m + 1] - rows[m] == n) {
        if (big && feed_record(f, m).len > RECORD_MAX)
            break;
        m++;
    }
    return m;
}

bool csv_fill(struct reader *r, bool *end, struct err *err)
{
    struct feed *f = &r->feed;
    *end = false;
    while (!reader_full(r)) {
        if (f->k == csv_scan_rows(&f->scan)) {
            switch (feed_more(f, err)) {
            case FEED_ROWS:
                break;
            case FEED_OVERSIZE:
                reader_oversize(r);
                r->taken++;
                continue;
            case FEED_PAUSE:
            case FEED_LOOKED:
                return true;
            case FEED_END:
                *end = true;
                return true;
            case FEED_ERROR:
                return false;
            }
        }
        if (reader_saw_enough(r))
            return true;
        reader_hold(r);
        size_t m = regular_run(r), bytes;
        size_t n = feed_fit(f, m > 0 ? m : 1, TAKE_BYTES - r->taken_bytes, &bytes);
        if (m > 0)
            take_regular(r, n);
        else
            take_odd(r);
        r->taken += (uint32_t)n;
        r->taken_bytes += bytes;
    }
    return true;
}
