/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Batches as CSV, TSV or JSON lines. See writer.h. */
#include "table/writer.h"

#include "base/num.h"
#include "json/json.h"
#include "table/swar.h"

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

/* Must the field stand in quotes? */
static bool needs_quotes(struct slice s, char delimiter)
{
    const char *p = s.p, *end = s.p + s.len;
    /* What begins like a byte order mark would lose it at the front of a file. */
    if (s.len == 0 || (*p == '\xef' && slice_starts(s, "\xef\xbb\xbf")))
        return true;
    for (; end - p >= 8; p += 8) {
        uint64_t x = swar_load(p);
        if (swar_equal(x, '"') | swar_equal(x, '\n') | swar_equal(x, '\r') |
            swar_equal(x, (unsigned char)delimiter))
            return true;
    }
    for (; p < end; p++)
        if (*p == '"' || *p == '\n' || *p == '\r' || *p == delimiter)
            return true;
    return false;
}

static void put_field(struct buf *out, struct slice s, char delimiter)
{
    if (needs_quotes(s, delimiter))
        put_quoted(out, s);
    else
        buf_add_slice(out, s);
}

void writer_header(struct buf *out, const struct schema *s, const struct writer_opts *o)
{
    char delimiter = (char)delimiter_of(o);
    if (o->format == FORMAT_JSONL || o->no_header || s->n == 0)
        return;
    for (uint32_t c = 0; c < s->n; c++) {
        if (c)
            buf_addc(out, delimiter);
        put_field(out, slice_str(s->fields[c].name), delimiter);
    }
    buf_addc(out, '\n');
}

/* Text of these types has digits, letters, signs and points, but none of the delimiters in use. (A
 * timestamp may have a comma before its fraction.) */
static bool is_plain(enum type type, char delimiter)
{
    return (type_is_number(type) || type == TYPE_BOOLEAN || type == TYPE_DATE) &&
           memchr(",;\t|", delimiter, 4);
}

static void csv_batch(struct buf *out, const struct batch *b, const struct writer_opts *o)
{
    char delimiter = (char)delimiter_of(o);
    struct buf tmp = BUF_INIT(NUM_TEXT_MAX);
    for (uint32_t row = 0; row < b->rows; row++) {
        for (uint32_t c = 0; c < b->ncols; c++) {
            const struct column *col = &b->cols[c];
            if (c)
                buf_addc(out, delimiter);
            if (!column_valid(col, row))
                continue;
            struct slice s = column_text(col, row, &tmp);
            if (is_plain(col->type, delimiter))
                buf_add_slice(out, s);
            else
                put_field(out, s, delimiter);
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
