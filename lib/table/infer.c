/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From columns of text to typed columns: finding types, parsing values, and reporting the records
 * that could not be taken, in order of their lines. */
#include "table/reader_impl.h"
#include "table/value.h"

void reader_issue(struct reader *r, uint32_t row, uint64_t line, const char *column,
                  const char *rule, const char *reason, struct slice raw)
{
    if (r->finding) {
        /* Nothing is reported twice; but a record that will be rejected must not decide a type. */
        if (row != ISSUE_NO_ROW)
            r->reject[row >> 6] |= UINT64_C(1) << (row & 63);
        return;
    }
    if (r->nissues == r->issues_cap) {
        r->issues_cap = r->issues_cap ? 2 * r->issues_cap : 64;
        r->issues = xreallocarray(r->issues, r->issues_cap, sizeof(*r->issues));
    }
    if (row != ISSUE_NO_ROW && !r->o.raw)
        r->reject[row >> 6] |= UINT64_C(1) << (row & 63);
    r->issues[r->nissues] = (struct issue){
        .line = line,
        .row = row,
        .seq = (uint32_t)r->nissues,
        .column = column,
        .rule = rule,
        .reason = reason,
        .raw = raw,
        .delivered = r->o.raw && row != ISSUE_NO_ROW,
    };
    r->nissues++;
}

void reader_oversize(struct reader *r)
{
    struct feed *f = &r->feed;
    if (r->finding)
        return;
    struct slice raw = slice_of(arena_memdup(&r->b->mem, f->big.raw, f->big.len), f->big.len);
    bool open = f->unterminated && f->k == csv_scan_rows(&f->scan);
    if (open)
        reader_issue(r, ISSUE_NO_ROW, f->open_line, NULL, "unterminated_quote",
                     "unterminated quoted field (opened here)", raw);
    else
        reader_issue(r, ISSUE_NO_ROW, f->big.line, NULL, "oversize",
                     "the record is longer than 16 MiB", raw);
    r->lined = r->nissues;
}

/* -- nulls -- */

static bool is_null_spelling(const struct reader *r, const struct text *t)
{
    return r->null_first[(unsigned char)t->p[0]] && map_get(&r->nulls, text_slice(*t));
}

/* CSV: as it was filled in. */
static void mark_csv_nulls(struct reader *r, struct column *col)
{
    const uint32_t rows = r->b->rows, used = (rows + 63) / 64;
    if (rows % 64 != 0)
        col->valid[used - 1] &= (UINT64_C(1) << (rows % 64)) - 1;
    memset(col->valid + used, 0, (BATCH_WORDS - used) * sizeof(*col->valid));
    for (uint32_t i = 0; r->nulls.len > 0 && i < rows; i++) {
        const struct text *t = &col->text[i];
        if (t->len && !(t->flags & TEXT_QUOTED) && is_null_spelling(r, t))
            col->valid[i >> 6] &= ~(UINT64_C(1) << (i & 63));
    }
}

void reader_mark_nulls(struct reader *r, uint32_t c)
{
    struct column *col = &r->b->cols[c];
    const uint32_t rows = r->b->rows;
    const struct text *t = col->text;
    if (r->format != FORMAT_JSONL) {
        mark_csv_nulls(r, col);
        return;
    }
    bool none = !(r->null_columns >> (c & 63) & 1);
    for (uint32_t w = 0; w * 64 < rows; w++) {
        uint64_t bits = 0;
        uint32_t n = rows - w * 64 < 64 ? rows - w * 64 : 64;
        if (none)
            bits = n < 64 ? (UINT64_C(1) << n) - 1 : UINT64_MAX;
        for (uint32_t i = 0; !none && i < n; i++, t++)
            bits |= (uint64_t)((t->len | (t->flags & TEXT_QUOTED)) != 0) << i;
        col->valid[w] = bits;
    }
}

/* -- finding types -- */

void reader_note_types(struct reader *r)
{
    union value v;
    for (uint32_t c = 0; c < r->schema.n; c++) {
        struct rcol *rc = &r->cols[c];
        const struct column *col = &r->b->cols[c];
        reader_mark_nulls(r, c);
        for (uint32_t row = 0; row < r->b->rows; row++) {
            if ((r->reject[row >> 6] >> (row & 63)) & 1)
                continue;
            if (!column_valid(col, row))
                rc->null_seen = true;
            else if (!rc->pinned && rc->found != TYPE_STRING)
                rc->found = type_join(rc->found, value_classify(text_slice(col->text[row]), &v));
        }
    }
}

/* -- typing and reporting -- */

static const char *type_reason(struct reader *r, const struct rcol *rc, struct slice text)
{
    struct quoted q;
    if (rc->type == TYPE_NONE)
        return arena_printf(&r->b->mem, "'%s' stands in a column that had no value before",
                            quote_slice(&q, text));
    if (rc->declared)
        return arena_printf(&r->b->mem, "'%s' is not of type %s (as declared)",
                            quote_slice(&q, text), type_name(rc->type));
    return arena_printf(&r->b->mem,
                        "'%s' is not of type %s, which the first %u records have (declare it in "
                        "types, for instance as string)",
                        quote_slice(&q, text), type_name(rc->type), INFER_RECORDS);
}

static void report_failed(struct reader *r, uint32_t c, const uint64_t *failed)
{
    struct batch *b = r->b;
    for (uint32_t w = 0; w < BATCH_WORDS; w++) {
        for (uint64_t bits = failed[w] & ~r->reject[w]; bits; bits &= bits - 1) {
            uint32_t row = w * 64 + (uint32_t)__builtin_ctzll(bits);
            reader_issue(r, row, b->line[row], r->schema.fields[c].name, "type",
                         type_reason(r, &r->cols[c], text_slice(b->cols[c].text[row])),
                         r->records[row]);
        }
    }
}

static void type_column(struct reader *r, uint32_t c)
{
    uint64_t failed[BATCH_WORDS] = {0};
    struct column *col = &r->b->cols[c];
    const struct rcol *rc = &r->cols[c];
    reader_mark_nulls(r, c);
    if (r->o.raw)
        return;
    /* What the JSON lines reader calls JSON is. */
    bool all = rc->json_text || column_parse(col, r->b->rows, failed);
    if (r->format == FORMAT_JSONL && !rc->declared) {
        jsonl_check_kinds(rc, col, r->b->rows, failed);
        all = false;
    }
    if (!all)
        report_failed(r, c, failed);
}

static int by_line(const void *a, const void *b)
{
    const struct issue *x = a, *y = b;
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

/* One report per record and, where records are delivered all the same, per rule. */
static void report_issues(struct reader *r)
{
    const char *path = r->paths[r->file];
    qsort(r->issues, r->nissues, sizeof(*r->issues), by_line);
    for (size_t i = 0; i < r->nissues; i++) {
        const struct issue *x = &r->issues[i];
        bool again = false;
        for (size_t j = i; j-- > 0 && r->issues[j].line == x->line && !again;)
            again = x->row == r->issues[j].row && x->row != ISSUE_NO_ROW &&
                    (!r->o.raw || strcmp(x->rule, r->issues[j].rule) == 0);
        if (again)
            continue;
        struct bad_record bad = {
            .path = path,
            .line = x->line,
            .column = x->column,
            .reason = x->reason,
            .rule = x->rule,
            .raw = slice_of(x->raw.p, x->raw.len < RAW_MAX ? x->raw.len : RAW_MAX),
            .delivered = x->delivered,
        };
        r->stats.bad++;
        if (r->bad)
            r->bad(r->bad_ctx, &bad);
    }
    r->nissues = r->lined = 0;
}

void reader_finish_batch(struct reader *r, struct batch **out)
{
    struct batch *b = r->b;
    bool any = false;
    for (uint32_t c = 0; c < r->schema.n; c++)
        type_column(r, c);
    if (r->nissues > 0)
        report_issues(r);
    uint64_t keep[BATCH_WORDS];
    for (uint32_t w = 0; w < BATCH_WORDS; w++) {
        any = any || r->reject[w];
        keep[w] = ~r->reject[w];
    }
    r->b = NULL;
    if (any) {
        struct batch *kept = batch_filter(b, keep, NULL, 0, r->o.acct);
        batch_unref(b);
        b = kept;
    }
    r->stats.records += b->rows;
    if (b->rows == 0) {
        batch_unref(b);
        b = NULL;
    }
    *out = b;
}
