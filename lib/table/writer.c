/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Batches as CSV, TSV or JSON lines. See writer.h. */
#include "table/writer.h"

#include "base/num.h"
#include "json/json.h"

/* Bytes that make quoting needful. */
static void special_bytes(bool special[256], int delimiter)
{
    memset(special, 0, 256 * sizeof(bool));
    special['"'] = special['\n'] = special['\r'] = true;
    special[(unsigned char)delimiter] = true;
}

static int delimiter_of(const struct writer_opts *o)
{
    return o->delimiter ? o->delimiter : o->format == FORMAT_TSV ? '\t' : ',';
}

static void put_quoted(struct buf *out, struct slice s)
{
    buf_addc(out, '"');
    for (;;) {
        const char *q = s.len ? memchr(s.p, '"', s.len) : NULL;
        if (!q)
            break;
        size_t n = (size_t)(q - s.p) + 1;
        buf_add(out, s.p, n);
        buf_addc(out, '"');
        s = slice_of(s.p + n, s.len - n);
    }
    buf_add_slice(out, s);
    buf_addc(out, '"');
}

static void put_field(struct buf *out, struct slice s, const bool special[256])
{
    /* What begins like a byte order mark would lose it at the front of a file. */
    bool quote = s.len == 0 || slice_starts(s, "\xef\xbb\xbf");
    for (size_t i = 0; i < s.len && !quote; i++)
        quote = special[(unsigned char)s.p[i]];
    if (quote)
        put_quoted(out, s);
    else
        buf_add_slice(out, s);
}

void writer_header(struct buf *out, const struct schema *s, const struct writer_opts *o)
{
    bool special[256];
    if (o->format == FORMAT_JSONL || o->no_header || s->n == 0)
        return;
    special_bytes(special, delimiter_of(o));
    for (uint32_t c = 0; c < s->n; c++) {
        if (c)
            buf_addc(out, (char)delimiter_of(o));
        put_field(out, slice_str(s->fields[c].name), special);
    }
    buf_addc(out, '\n');
}

static void csv_batch(struct buf *out, const struct batch *b, const struct writer_opts *o)
{
    bool special[256];
    char delimiter = (char)delimiter_of(o);
    struct buf tmp = BUF_INIT(NUM_TEXT_MAX);
    special_bytes(special, delimiter);
    for (uint32_t row = 0; row < b->rows; row++) {
        for (uint32_t c = 0; c < b->ncols; c++) {
            if (c)
                buf_addc(out, delimiter);
            if (column_valid(&b->cols[c], row))
                put_field(out, column_text(&b->cols[c], row, &tmp), special);
        }
        buf_addc(out, '\n');
    }
    buf_release(&tmp);
}

/* A JSON text on one line: line ends in it are blanks between tokens. */
static void put_json(struct buf *out, struct slice s)
{
    size_t at = out->len;
    buf_add_slice(out, s);
    for (; at < out->len; at++)
        if (out->p[at] == '\n' || out->p[at] == '\r')
            out->p[at] = ' ';
}

static void json_value(struct buf *out, const struct column *c, uint32_t row, struct buf *tmp)
{
    if (!column_valid(c, row)) {
        buf_add(out, "null", 4);
        return;
    }
    switch (c->type) {
    case TYPE_BOOLEAN: /* True and TRUE are no JSON */
        buf_adds(out, c->v.b8[row] ? "true" : "false");
        break;
    case TYPE_INTEGER:
    case TYPE_FLOAT:
        buf_add_slice(out, column_text(c, row, tmp));
        break;
    case TYPE_JSON:
        put_json(out, column_text(c, row, tmp));
        break;
    default:
        json_quote(out, column_text(c, row, tmp));
        break;
    }
}

static void jsonl_batch(struct buf *out, const struct schema *s, const struct batch *b)
{
    struct buf tmp = BUF_INIT(NUM_TEXT_MAX), keys = BUF_INIT(BUF_UNBOUNDED);
    size_t *ends = xcalloc(b->ncols + 1, sizeof(size_t));
    for (uint32_t c = 0; c < b->ncols; c++) {
        buf_addc(&keys, c ? ',' : '{');
        json_quote(&keys, slice_str(s->fields[c].name));
        buf_addc(&keys, ':');
        ends[c + 1] = keys.len;
    }
    for (uint32_t row = 0; row < b->rows; row++) {
        for (uint32_t c = 0; c < b->ncols; c++) {
            buf_add(out, keys.p + ends[c], ends[c + 1] - ends[c]);
            json_value(out, &b->cols[c], row, &tmp);
        }
        if (b->ncols == 0)
            buf_addc(out, '{');
        buf_add(out, "}\n", 2);
    }
    free(ends);
    buf_release(&keys);
    buf_release(&tmp);
}

void writer_batch(struct buf *out, const struct schema *s, const struct batch *b,
                  const struct writer_opts *o)
{
    if (o->format == FORMAT_JSONL)
        jsonl_batch(out, s, b);
    else
        csv_batch(out, b, o);
}
