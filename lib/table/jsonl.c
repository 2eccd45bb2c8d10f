/* SPDX-License-Identifier: GPL-3.0-or-later */
/* JSON lines to columns of text. Objects are read member by member, without a tree: strings without
 * escapes stay where they are, arrays and objects inside are only checked (json_skip). */
#include "base/num.h"
#include "json/json.h"
#include "table/reader_impl.h"
#include "table/swar.h"
#include "table/value.h"

/* Kinds of values, as bits of rcol.kinds. */
enum {
    KIND_NULL = 1,
    KIND_BOOLEAN = 2,
    KIND_INTEGER = 4,
    KIND_FLOAT = 8,
    KIND_DATE = 16,
    KIND_TIMESTAMP = 32,
    KIND_STRING = 64,
    KIND_NESTED = 128,
    KIND_BIG = 256, /* a number beyond 64 bits or a double */
};

/* Objects are opened into columns this deep, and no more when there are so many columns. */
#define FLATTEN_DEPTH 8
#define FLATTEN_COLUMNS 2000

/* A walk over the members of one object. The text is followed by a line end, which no token
 * contains, so single bytes are looked at without a test for the end. */
struct cursor {
    const char *start, *p, *end;
    bool first;
    bool bad_utf8;
};
struct member {
    struct slice key; /* without quotes */
    bool key_escaped;
    struct slice value; /* strings: without quotes */
    char kind;          /* n null, b boolean, d number, s string, t nested */
    bool escaped;
};
enum walk { WALK_MEMBER, WALK_END, WALK_BAD };

static const char *blanks(const char *p)
{
    while (*p == ' ' || *p == '\t' || *p == '\r')
        p++;
    return p;
}

/* From behind the opening quote to the closing one; NULL when there is none. */
static const char *string_end(struct cursor *c, const char *p, bool *escaped)
{
    const char *start = p;
    uint64_t high = 0;
    *escaped = false;
    for (;;) {
        uint64_t x = swar_load(p);
        uint64_t below = (x - SWAR_LOW * 0x20) & ~x & SWAR_HIGH;
        uint64_t stop = swar_equal(x, '"') | swar_equal(x, '\\') | below;
        high |= x;
        if (!stop) {
            p += 8;
            continue;
        }
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        p += __builtin_ctzll(stop) / 8;
#else
        while ((unsigned char)*p >= 0x20 && *p != '"' && *p != '\\')
            p++;
#endif
        if (*p == '"')
            break;
        if (*p != '\\' || (unsigned char)p[1] < 0x20)
            return NULL;
        *escaped = true;
        p += 2;
    }
    if ((high & SWAR_HIGH) && !utf8_is_valid(slice_of(start, (size_t)(p - start))))
        c->bad_utf8 = true;
    return p;
}

static const char *skip_digits(const char *p)
{
    while ((unsigned char)(*p - '0') < 10)
        p++;
    return p;
}

/* The end of the number at p; NULL when there is none of JSON's grammar. */
static const char *number_end(const char *p)
{
    p += *p == '-';
    const char *digits = p;
    p = skip_digits(p);
    if (p == digits || (*digits == '0' && p - digits > 1))
        return NULL;
    if (*p == '.') {
        digits = ++p;
        p = skip_digits(p);
        if (p == digits)
            return NULL;
    }
    if (*p == 'e' || *p == 'E') {
        p++;
        p += *p == '+' || *p == '-';
        digits = p;
        p = skip_digits(p);
        if (p == digits)
            return NULL;
    }
    return p;
}

static const char *word_end(const struct cursor *c, const char *p, const char *word, size_t n)
{
    return (size_t)(c->end - p) >= n && memcmp(p, word, n) == 0 ? p + n : NULL;
}

/* Reads the value at c->p into *m and stands behind it. */
static bool read_value(struct cursor *c, struct member *m)
{
    const char *p = c->p, *to;
    m->escaped = false;
    switch (*p) {
    case '"':
        m->kind = 's';
        to = string_end(c, ++p, &m->escaped);
        if (!to)
            return false;
        m->value = slice_of(p, (size_t)(to - p));
        c->p = to + 1;
        return true;
    case '{':
    case '[':
        m->kind = 't';
        to = p + json_skip(slice_of(p, (size_t)(c->end - p)));
        if (to == p)
            return false;
        break;
    case 't':
        m->kind = 'b';
        to = word_end(c, p, "true", 4);
        break;
    case 'f':
        m->kind = 'b';
        to = word_end(c, p, "false", 5);
        break;
    case 'n':
        m->kind = 'n';
        to = word_end(c, p, "null", 4);
        break;
    default:
        m->kind = 'd';
        to = number_end(p);
        break;
    }
    if (!to)
        return false;
    m->value = slice_of(p, (size_t)(to - p));
    c->p = to;
    return true;
}

static bool walk_begin(struct cursor *c, struct slice line)
{
    *c = (struct cursor){line.p, line.p, line.p + line.len, true, false};
    c->p = blanks(c->p);
    if (*c->p != '{')
        return false;
    c->p++;
    return true;
}

static enum walk walk_next(struct cursor *c, struct member *m)
{
    const char *p = blanks(c->p), *to;
    c->p = p;
    if (*p == '}') {
        c->p = blanks(p + 1);
        return c->p >= c->end ? WALK_END : WALK_BAD;
    }
    if (!c->first) {
        if (*p != ',')
            return WALK_BAD;
        p = c->p = blanks(p + 1);
    }
    c->first = false;
    if (*p != '"')
        return WALK_BAD;
    to = string_end(c, ++p, &m->key_escaped);
    if (!to)
        return WALK_BAD;
    m->key = slice_of(p, (size_t)(to - p));
    p = c->p = blanks(to + 1);
    if (*p != ':')
        return WALK_BAD;
    c->p = blanks(p + 1);
    return read_value(c, m) ? WALK_MEMBER : WALK_BAD;
}

/* A string with its escapes resolved, in r->tmp; false when they are none. */
static bool unquote(struct reader *r, struct slice s)
{
    buf_clear(&r->tmp);
    return json_unquote(&r->tmp, s);
}

static bool is_blank(struct slice line)
{
    return blanks(line.p) >= line.p + line.len;
}

/* -- looking for columns and types -- */

struct rcol *jsonl_column(struct reader *r, struct slice name)
{
    const struct map_entry *e = map_get(&r->by_name, name);
    if (e)
        return &r->cols[e->v.num];
    if (r->o.columns && !map_get(&r->wanted, name))
        return NULL;
    /* A NUL byte, which no column name can hold, ends the look-up: the key stays unknown. */
    if (memchr(name.p, 0, name.len))
        return NULL;
    char *s = xstrndup(name.p, name.len);
    struct rcol *rc = reader_add_column(r, s, 0);
    free(s);
    return rc;
}

static unsigned kind_of(struct reader *r, const struct rcol *rc, const struct member *m)
{
    union value v;
    switch (m->kind) {
    case 'n':
        return KIND_NULL;
    case 'b':
        return KIND_BOOLEAN;
    case 't':
        return KIND_NESTED;
    case 'd':
        switch (value_classify(m->value, &v)) {
        case TYPE_INTEGER:
            return KIND_INTEGER;
        case TYPE_FLOAT:
            return KIND_FLOAT;
        default:
            return KIND_BIG;
        }
    default:
        break;
    }
    struct slice s = m->value;
    if (rc->kinds & KIND_STRING)
        return KIND_STRING;
    if (m->escaped && unquote(r, s))
        s = buf_slice(&r->tmp);
    switch (value_classify(s, &v)) {
    case TYPE_DATE:
        return KIND_DATE;
    case TYPE_TIMESTAMP:
        return KIND_TIMESTAMP;
    default:
        return KIND_STRING;
    }
}

enum type jsonl_type(const struct rcol *rc)
{
    switch (rc->kinds & ~(unsigned)KIND_NULL) {
    case 0:
        return TYPE_NONE;
    case KIND_BOOLEAN:
        return TYPE_BOOLEAN;
    case KIND_INTEGER:
        return TYPE_INTEGER;
    case KIND_FLOAT:
    case KIND_FLOAT | KIND_INTEGER:
        return TYPE_FLOAT;
    case KIND_DATE:
        return TYPE_DATE;
    case KIND_TIMESTAMP:
        return TYPE_TIMESTAMP;
    default:
        return rc->kinds & KIND_NESTED ? TYPE_JSON : TYPE_STRING;
    }
}

/* Are all members well-formed? Only whole records decide about columns. */
static bool check_line(struct reader *r, struct slice line)
{
    struct cursor c;
    struct member m;
    enum walk w;
    if (!walk_begin(&c, line))
        return false;
    while ((w = walk_next(&c, &m)) == WALK_MEMBER) {
        if ((m.key_escaped && !unquote(r, m.key)) || (m.escaped && !unquote(r, m.value)))
            return false;
    }
    return w == WALK_END && (!c.bad_utf8 || r->o.raw);
}

/* -- nested objects as columns -- */

/* Is the value an object to be opened (not an empty one, which is its text)? Which ones are is
 * settled while looking for columns; later ones are opened alike. */
static bool opens(struct reader *r, const struct member *m, struct slice name, unsigned depth)
{
    if (!r->o.flatten || m->kind != 't' || *m->value.p != '{' || depth >= FLATTEN_DEPTH)
        return false;
    if (map_get(&r->opened, name))
        return true;
    if (!r->looking || *blanks(m->value.p + 1) == '}' || r->schema.n >= FLATTEN_COLUMNS)
        return false;
    map_put(&r->opened, name, NULL);
    return true;
}

/* The name of the column of a member: its key, behind those of the objects it stands in. Valid
 * until the next look at r->tmp or r->path. */
static struct slice name_of(struct reader *r, const struct member *m, unsigned depth)
{
    struct slice key = m->key;
    if (m->key_escaped && unquote(r, key))
        key = buf_slice(&r->tmp);
    if (depth == 0)
        return key;
    buf_addc(&r->path, '.');
    buf_add_slice(&r->path, key);
    return buf_slice(&r->path);
}

static void look_at_line(struct reader *r, struct slice line, uint64_t number, unsigned depth)
{
    struct cursor c;
    struct member m;
    walk_begin(&c, line);
    while (walk_next(&c, &m) == WALK_MEMBER) {
        size_t outer = r->path.len;
        struct slice name = name_of(r, &m, depth);
        struct rcol *rc = NULL;
        bool inside = opens(r, &m, name, depth);
        if (inside && depth == 0)
            buf_add_slice(&r->path, name);
        if (inside)
            look_at_line(r, m.value, number, depth + 1);
        else
            rc = jsonl_column(r, name);
        r->path.len = outer;
        if (!rc)
            continue;
        unsigned kind = kind_of(r, rc, &m);
        rc->kinds |= kind;
        rc->null_seen = rc->null_seen || kind == KIND_NULL;
        rc->present += rc->last != number;
        rc->last = number;
    }
}

bool jsonl_look(struct reader *r, uint64_t limit, uint64_t *seen, bool *end, struct err *err)
{
    struct feed *f = &r->feed;
    *end = false;
    r->looking = true;
    while (*seen < limit && !reader_saw_enough(r)) {
        if (f->k == csv_scan_rows(&f->scan)) {
            enum feed_got got = feed_more(f, err);
            *end = got == FEED_END;
            if (*end)
                return true;
            if (got == FEED_ERROR)
                return false;
            continue;
        }
        struct slice line = feed_record(f, 0);
        if (!is_blank(line) && line.len <= RECORD_MAX && check_line(r, line))
            look_at_line(r, line, ++*seen, 0);
        feed_take(f, 1, NULL);
    }
    return true;
}

/* -- records to columns -- */

static int32_t find_column(struct reader *r, struct slice name, uint32_t expected)
{
    if (expected < r->schema.n && slice_is(name, r->schema.fields[expected].name))
        return (int32_t)expected;
    const struct map_entry *e = map_get(&r->by_name, name);
    return e ? (int32_t)e->v.num : -1;
}

static struct text text_of(struct reader *r, const struct rcol *rc, const struct member *m)
{
    struct slice s = m->value;
    switch (m->kind) {
    case 'n':
        return (struct text){NULL, 0, 0};
    case 's':
        if (rc->json_text)
            return (struct text){s.p - 1, (uint32_t)s.len + 2, 0};
        if (m->escaped && unquote(r, s))
            s = slice_of(arena_memdup(&r->b->mem, r->tmp.p, r->tmp.len), r->tmp.len);
        return (struct text){s.p, (uint32_t)s.len, TEXT_QUOTED};
    default:
        return (struct text){s.p, (uint32_t)s.len, m->kind == 't' ? TEXT_NESTED : 0};
    }
}

struct row_issue {
    const char *rule, *reason; /* rule NULL: none */
    bool whole;                /* the record is in the row all the same */
};

static struct row_issue not_json(struct reader *r, struct slice line, const struct cursor *c)
{
    if (c->p == c->start + (blanks(line.p) - line.p)) {
        struct slice s = slice_trim(line);
        if (json_skip(s) == s.len)
            return (struct row_issue){"not_an_object", "JSON, but not an object", false};
    }
    return (struct row_issue){"not_json",
                              arena_printf(&r->b->mem, "not JSON (from byte %zu of the line on)",
                                           (size_t)(c->p - c->start) + 1),
                              false};
}

/* A record on its way into a row. */
struct taking {
    uint32_t row, expected; /* the column that is likely to come next */
    bool bad_utf8;          /* in a nested object */
    struct row_issue issue;
};

static void take_member(struct reader *r, struct taking *t, const struct member *m, unsigned depth)
{
    size_t outer = r->path.len;
    struct slice name = name_of(r, m, depth);
    if (opens(r, m, name, depth)) {
        struct cursor c;
        struct member inner;
        if (depth == 0)
            buf_add_slice(&r->path, name);
        walk_begin(&c, m->value);
        while (walk_next(&c, &inner) == WALK_MEMBER)
            take_member(r, t, &inner, depth + 1);
        t->bad_utf8 = t->bad_utf8 || c.bad_utf8;
        r->path.len = outer;
        return;
    }
    int32_t col = find_column(r, name, t->expected);
    if (col >= 0) {
        r->b->cols[col].text[t->row] = text_of(r, &r->cols[col], m);
        t->expected = (uint32_t)col + 1;
    } else if (!r->o.columns && !t->issue.rule) {
        struct quoted q;
        t->issue.rule = "unknown_field";
        t->issue.reason = arena_printf(
            &r->b->mem, "the field '%s' is not in the first %u records (declare it in types)",
            quote_slice(&q, name), INFER_RECORDS);
    }
    r->path.len = outer;
}

/* One record into row `row`. */
static struct row_issue take_line(struct reader *r, struct slice line, uint32_t row)
{
    struct cursor c;
    struct member m;
    enum walk w = WALK_BAD;
    struct taking t = {row, 0, false, {NULL, NULL, true}};
    if (walk_begin(&c, line)) {
        while ((w = walk_next(&c, &m)) == WALK_MEMBER) {
            if ((m.key_escaped && !unquote(r, m.key)) || (m.escaped && !unquote(r, m.value))) {
                w = WALK_BAD;
                break;
            }
            take_member(r, &t, &m, 0);
        }
    }
    struct row_issue issue = t.issue;
    if (w == WALK_BAD)
        issue = not_json(r, line, &c);
    else if (c.bad_utf8 || t.bad_utf8)
        issue = (struct row_issue){"invalid_utf8", "bytes that are not UTF-8, which JSON must be",
                                   true};
    if (!issue.whole)
        for (uint32_t k = 0; k < r->schema.n; k++)
            r->b->cols[k].text[row] = (struct text){NULL, 0, 0};
    return issue;
}

static void take_record(struct reader *r)
{
    struct feed *f = &r->feed;
    struct slice line = feed_record(f, 0);
    uint32_t row = r->b->rows;
    struct row_issue issue = {"oversize", "the record is longer than 16 MiB", false};
    if (is_blank(line)) {
        r->stats.empty_lines++;
        feed_take(f, 1, NULL);
        return;
    }
    if (line.len <= RECORD_MAX)
        issue = take_line(r, line, row);
    if (issue.rule)
        reader_issue(r, issue.whole ? row : ISSUE_NO_ROW, f->line, NULL, issue.rule, issue.reason,
                     line);
    r->lined = r->nissues;
    if (line.p[line.len] == '\r')
        r->stats.crlf = true;
    if (!issue.whole) {
        feed_take(f, 1, NULL);
        return;
    }
    r->records[row] = line;
    feed_take(f, 1, r->b->line + row);
    r->b->rows++;
}

bool jsonl_fill(struct reader *r, bool *end, struct err *err)
{
    struct feed *f = &r->feed;
    *end = false;
    r->looking = false;
    while (r->b->rows < r->row_cap && r->nissues < ISSUES_MAX) {
        if (f->k == csv_scan_rows(&f->scan)) {
            switch (feed_more(f, err)) {
            case FEED_ROWS:
                break;
            case FEED_OVERSIZE:
                reader_oversize(r);
                continue;
            case FEED_END:
                *end = true;
                return true;
            case FEED_ERROR:
                return false;
            }
        }
        if (!reader_hold(r))
            return true;
        take_record(r);
    }
    return true;
}

void jsonl_check_kinds(const struct rcol *rc, const struct column *c, uint32_t rows,
                       uint64_t *failed)
{
    uint32_t wrong, right;
    switch (rc->type) {
    case TYPE_BOOLEAN:
    case TYPE_INTEGER:
    case TYPE_FLOAT:
        wrong = TEXT_QUOTED | TEXT_NESTED;
        right = 0;
        break;
    case TYPE_DATE:
    case TYPE_TIMESTAMP:
        wrong = TEXT_NESTED;
        right = TEXT_QUOTED;
        break;
    case TYPE_JSON:
        return;
    default:
        wrong = TEXT_NESTED;
        right = 0;
        break;
    }
    for (uint32_t row = 0; row < rows; row++) {
        uint32_t flags = c->text[row].flags;
        if (((flags & wrong) || (flags & right) != right) && column_valid(c, row))
            failed[row >> 6] |= UINT64_C(1) << (row & 63);
    }
}
