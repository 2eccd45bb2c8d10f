/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Batches as CSV, TSV or JSON lines. See writer.h. */
#include "table/writer.h"

#ifdef __SSE2__
#include <immintrin.h>
#endif

#include "base/load.h"
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

/* -- rows of CSV -- */

/* Bytes that a short field takes at most, with its delimiter: a number's text, or 16 bytes that are
 * stored at once. */
#define FIELD_ROOM (NUM_TEXT_MAX + 2u)
#define SHORT 16u

/* Where the next field goes. */
struct cursor {
    struct buf *out;
    char *p, *end;
};

/* Room for n bytes; false when the buffer may not grow so far. */
static bool cursor_grow(struct cursor *w, size_t n)
{
    if (w->end)
        w->out->len = (size_t)(w->p - w->out->p);
    if (!buf_room(w->out, n))
        return false;
    w->p = w->out->p + w->out->len;
    w->end = w->out->p + w->out->cap - 1;
    return true;
}

static inline bool cursor_room(struct cursor *w, size_t n)
{
    return (size_t)(w->end - w->p) >= n || cursor_grow(w, n);
}

/* At most SHORT bytes. room: so many are readable at p. */
static inline void put_short(char *to, const char *p, size_t n, bool room)
{
    if (room)
        memcpy(to, p, SHORT);
    else
        copy_short(to, p, n);
}

#ifdef __SSE2__
/* Bits of the first n of 16 bytes at p that need quotes. */
static inline unsigned special_bits(const char *p, unsigned n, __m128i delimiter)
{
    __m128i x = _mm_loadu_si128((const __m128i *)p);
    __m128i hit = _mm_or_si128(
        _mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8('"')), _mm_cmpeq_epi8(x, delimiter)),
        _mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8('\n')),
                     _mm_cmpeq_epi8(x, _mm_set1_epi8('\r'))));
    return (unsigned)_mm_movemask_epi8(hit) & ((1u << n) - 1);
}
#endif

/* Copies a text to w->p, for which there is room; false when it must stand in quotes: then what was
 * copied does not count. */
static inline bool put_bare(struct cursor *w, struct text t, char delimiter, bool room)
{
    if (t.len == 0 || (*t.p == '\xef' && needs_quotes(text_slice(t), delimiter)))
        return false;
#ifdef __SSE2__
    __m128i d = _mm_set1_epi8(delimiter);
    if (t.len <= SHORT) {
        put_short(w->p, t.p, t.len, room);
        if (special_bits(w->p, t.len, d))
            return false;
        w->p += t.len;
        return true;
    }
    uint32_t i = 0;
    for (; i + SHORT < t.len; i += SHORT) {
        if (special_bits(t.p + i, SHORT, d))
            return false;
    }
    if (special_bits(t.p + t.len - SHORT, SHORT, d))
        return false;
#else
    (void)room;
    if (needs_quotes(text_slice(t), delimiter))
        return false;
#endif
    memcpy(w->p, t.p, t.len);
    w->p += t.len;
    return true;
}

static bool put_in_quotes(struct cursor *w, struct slice s)
{
    if (!cursor_room(w, 2 * s.len + FIELD_ROOM))
        return false;
    char *p = w->p;
    *p++ = '"';
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] == '"')
            *p++ = '"';
        *p++ = s.p[i];
    }
    *p++ = '"';
    w->p = p;
    return true;
}

static inline bool put_value(struct cursor *w, const struct column *c, uint32_t row)
{
    if (c->type == TYPE_INTEGER)
        w->p += num_format_int(w->p, c->v.i64[row]);
    else if (c->type == TYPE_FLOAT)
        w->p += num_format_double(w->p, c->v.f64[row]);
    else if (c->v.b8[row])
        w->p = (char *)memcpy(w->p, "true", 4) + 4;
    else
        w->p = (char *)memcpy(w->p, "false", 5) + 5;
    return true;
}

/* plain: the text of this column never needs quotes. */
static inline bool put_csv(struct cursor *w, const struct column *c, uint32_t row, char delimiter,
                           bool plain)
{
    if (!cursor_room(w, FIELD_ROOM))
        return false;
    if (!column_valid(c, row))
        return true;
    if (!c->text)
        return put_value(w, c, row);
    struct text t = c->text[row];
    if (t.len > SHORT && !cursor_room(w, t.len + FIELD_ROOM))
        return false;
    if (!plain)
        return put_bare(w, t, delimiter, c->text_room) || put_in_quotes(w, text_slice(t));
    if (t.len <= SHORT)
        put_short(w->p, t.p, t.len, c->text_room);
    else
        memcpy(w->p, t.p, t.len);
    w->p += t.len;
    return true;
}

static void csv_rows(struct cursor *w, const struct batch *b, char delimiter, const bool *plain)
{
    for (uint32_t row = 0; row < b->rows; row++) {
        for (uint32_t c = 0; c < b->ncols; c++) {
            if (!put_csv(w, &b->cols[c], row, delimiter, plain[c]))
                return;
            *w->p++ = c + 1 < b->ncols ? delimiter : '\n';
        }
    }
}

static void csv_batch(struct buf *out, const struct batch *b, const struct writer_opts *o)
{
    char delimiter = (char)delimiter_of(o);
    bool *plain = xcalloc(b->ncols + 1, sizeof(bool));
    for (uint32_t c = 0; c < b->ncols; c++)
        plain[c] = is_plain(b->cols[c].type, delimiter);
    struct cursor w = {.out = out};
    if (cursor_grow(&w, FIELD_ROOM)) {
        csv_rows(&w, b, delimiter, plain);
        for (uint32_t row = 0; b->ncols == 0 && row < b->rows && cursor_room(&w, 1); row++)
            *w.p++ = '\n';
        out->len = (size_t)(w.p - out->p);
        *w.p = '\0';
    }
    free(plain);
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
