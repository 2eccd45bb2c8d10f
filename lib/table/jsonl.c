/* SPDX-License-Identifier: GPL-3.0-or-later */
/* JSON lines to columns of text: what the members of a line are as columns. Where they stand in it
 * says json_scan.c; strings without escapes stay there. */
#include "json/json.h"
#include "table/reader_impl.h"
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

static const char *blanks(const char *p)
{
    while (*p == ' ' || *p == '\t' || *p == '\r')
        p++;
    return p;
}

static bool is_blank(struct slice line)
{
    return blanks(line.p) >= line.p + line.len;
}

/* A string with its escapes resolved; valid until the next one. */
static struct slice unescaped(struct reader *r, struct slice s)
{
    buf_clear(&r->tmp);
    json_unquote(&r->tmp, s); /* the scanner has seen that they are good */
    return buf_slice(&r->tmp);
}

/* The text is UTF-8 unless the feed has met bytes that are not. */
static bool is_utf8(const struct reader *r, struct slice line)
{
    return !r->feed.latin1 || utf8_is_valid(line);
}

/* -- looking for columns and types -- */

/* A column for a key that has none, named as it is unless another column is (a.b beside {"b":…} in
 * a: a.b_2, as CSV does with equal headers); -1 when it is not wanted. */
static int32_t add_column(struct reader *r, struct slice name)
{
    if (r->o.columns && !map_get(&r->wanted, name))
        return -1;
    /* A NUL byte, which no column name can hold, ends the look-up: the key stays unknown. */
    if (memchr(name.p, 0, name.len))
        return -1;
    struct buf s = BUF_INIT(BUF_UNBOUNDED);
    buf_add_slice(&s, name);
    for (unsigned n = 2; map_get(&r->by_name, buf_slice(&s)); n++) {
        buf_clear(&s);
        buf_add_slice(&s, name);
        buf_addf(&s, "_%u", n);
    }
    int32_t at = (int32_t)r->schema.n;
    reader_add_column(r, buf_str(&s), 0);
    buf_release(&s);
    return at;
}

/* The name of a key as columns have it: behind those of the objects it stands in. Valid until the
 * next look at r->path. */
static struct slice full_name(struct reader *r, uint32_t object, struct slice key)
{
    if (object == JSON_ROOT)
        return key;
    buf_clear(&r->path);
    buf_add_slice(&r->path, r->json.objects[object].path);
    buf_addc(&r->path, '.');
    buf_add_slice(&r->path, key);
    return buf_slice(&r->path);
}

/* The key of a member that is not registered; valid until the next look at r->tmp. */
static struct slice name_of(struct reader *r, const struct json_field *f)
{
    const struct json_name *name = &r->json.names[f->name];
    return name->escaped ? unescaped(r, name->text) : name->text;
}

static uint32_t key_of(struct reader *r, const struct json_field *f)
{
    if (f->key != JSON_KEY_NONE)
        return f->key;
    return json_scan_key(&r->json, f->object, name_of(r, f));
}

static struct rcol *column_of(struct reader *r, uint32_t object, uint32_t key)
{
    struct json_key *k = &r->json.keys[key];
    if (k->column < 0)
        k->column = add_column(r, full_name(r, object, k->name));
    return k->column < 0 ? NULL : &r->cols[k->column];
}

struct rcol *jsonl_column(struct reader *r, struct slice name)
{
    return column_of(r, JSON_ROOT, json_scan_key(&r->json, JSON_ROOT, name));
}

static unsigned kind_of(struct reader *r, const struct rcol *rc, const struct json_field *f)
{
    union value v;
    struct slice s = text_slice(f->text);
    switch ((enum json_kind)f->kind) {
    case JSON_KIND_NULL:
        return KIND_NULL;
    case JSON_KIND_BOOLEAN:
        return KIND_BOOLEAN;
    case JSON_KIND_ARRAY:
    case JSON_KIND_OBJECT:
        return KIND_NESTED;
    case JSON_KIND_NUMBER:
        switch (value_classify(s, &v)) {
        case TYPE_INTEGER:
            return KIND_INTEGER;
        case TYPE_FLOAT:
            return KIND_FLOAT;
        default:
            return KIND_BIG;
        }
    case JSON_KIND_TEXT:
        break;
    }
    if (rc->kinds & KIND_STRING)
        return KIND_STRING;
    switch (value_classify(f->escaped ? unescaped(r, s) : s, &v)) {
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

/* Opens the objects that are to be: not empty ones, which are their text. Which ones are is settled
 * while looking for columns. True when there were any. */
static bool open_objects(struct reader *r)
{
    struct json_scan *s = &r->json;
    uint32_t opened = 0;
    for (size_t i = 0; i < s->n && r->schema.n + opened < FLATTEN_COLUMNS; i++) {
        const struct json_field *f = &s->fields[i];
        if (f->kind != JSON_KIND_OBJECT || *blanks(f->text.p + 1) == '}' ||
            s->objects[f->object].depth >= FLATTEN_DEPTH)
            continue;
        uint32_t key = key_of(r, f), depth = s->objects[f->object].depth;
        struct slice path = full_name(r, f->object, s->keys[key].name);
        uint32_t at = json_scan_open(s, key);
        if (s->objects[at].path.p == NULL) {
            s->objects[at].path = arena_slice(&r->mem, path);
            s->objects[at].depth = depth + 1;
        }
        opened++;
    }
    return opened > 0;
}

/* A line that is whole: only such ones decide about columns. */
static void look_at_line(struct reader *r, struct slice line, uint64_t number)
{
    struct json_scan *s = &r->json;
    while (r->o.flatten && open_objects(r))
        json_scan_line(s, line);
    for (size_t i = 0; i < s->n; i++) {
        const struct json_field *f = &s->fields[i];
        int32_t column = f->key == JSON_KEY_NONE ? -1 : s->keys[f->key].column;
        struct rcol *rc =
            column < 0 ? column_of(r, f->object, key_of(r, f)) : &r->cols[(uint32_t)column];
        if (!rc)
            continue;
        if (!r->o.raw)
            rc->kinds |= kind_of(r, rc, f);
        rc->null_seen = rc->null_seen || f->kind == JSON_KIND_NULL;
        rc->present += rc->last != number;
        rc->last = number;
    }
}

bool jsonl_look(struct reader *r, uint64_t limit, uint64_t *seen, bool *end, struct err *err)
{
    struct feed *f = &r->feed;
    *end = false;
    while (*seen < limit && !reader_saw_enough(r)) {
        if (f->k == csv_scan_rows(&f->scan)) {
            enum feed_got got = feed_more(f, err);
            *end = got == FEED_END;
            if (*end)
                return true;
            if (got == FEED_ERROR)
                return false;
            if (got == FEED_LOOKED || (got == FEED_PAUSE && *seen > 0)) /* what there is must do */
                return true;
            continue;
        }
        struct slice line = feed_record(f, 0);
        if (!is_blank(line) && line.len <= RECORD_MAX && json_scan_line(&r->json, line) &&
            (is_utf8(r, line) || r->o.raw))
            look_at_line(r, line, ++*seen);
        feed_take(f, 1, NULL);
    }
    return true;
}

/* -- records to columns -- */

/* What is not in the column as it stands in the line. */
static struct text unescaped_text(struct reader *r, struct text t)
{
    struct slice s = unescaped(r, text_slice(t));
    char *p = arena_bytes(&r->b->mem, s.len + TEXT_ROOM);
    memcpy(p, s.p, s.len);
    memset(p + s.len, 0, TEXT_ROOM);
    t.p = p;
    t.len = (uint32_t)s.len;
    return t;
}

static struct text text_of(struct reader *r, const struct rcol *rc, const struct json_field *f)
{
    struct text t = f->text;
    if (f->kind != JSON_KIND_TEXT)
        return t;
    if (rc->json_text)
        return (struct text){t.p - 1, t.len + 2, 0};
    return f->escaped ? unescaped_text(r, t) : t;
}

struct row_issue {
    const char *rule, *reason; /* rule NULL: none */
    bool whole;                /* the record is in the row all the same */
};

static struct row_issue not_json(struct reader *r, struct slice line)
{
    const char *failed = r->json.failed;
    if (failed == blanks(line.p)) {
        struct slice s = slice_trim(line);
        if (json_skip(s) == s.len)
            return (struct row_issue){"not_an_object", "JSON, but not an object", false};
    }
    return (struct row_issue){"not_json",
                              arena_printf(&r->b->mem, "not JSON (from byte %zu of the line on)",
                                           (size_t)(failed - line.p) + 1),
                              false};
}

static void unknown_field(struct reader *r, const struct json_field *f, struct row_issue *issue)
{
    struct quoted q;
    if (r->o.columns || issue->rule)
        return;
    struct slice key = f->key != JSON_KEY_NONE ? r->json.keys[f->key].name : name_of(r, f);
    issue->rule = "unknown_field";
    issue->reason = arena_printf(
        &r->b->mem, "the field '%s' is not in the first %u records (declare it in types)",
        quote_slice(&q, full_name(r, f->object, key)), INFER_RECORDS);
}

/* Nulls have room behind them, too. */
static const char no_text[TEXT_ROOM];

static void set_nulls(struct reader *r, uint32_t row, uint32_t from, uint32_t to)
{
    for (uint32_t c = from; c < to; c++)
        r->b->cols[c].text[row] = (struct text){no_text, 0, 0};
}

/* Behind json_scan_row. */
static void resolve_escapes(struct reader *r, uint32_t row)
{
    for (uint32_t c = 0; c < r->schema.n; c++) {
        struct text *t = &r->b->cols[c].text[row];
        if (t->flags & JSON_ESCAPED) {
            t->flags &= ~JSON_ESCAPED;
            *t = unescaped_text(r, *t);
        }
    }
}

/* One record into row `row`. Columns that it does not have are null: those between two members that
 * come in the order of columns, and, as soon as one is out of order, all that did not come. (Or all
 * are to begin with, see NULLS_BY_ROW.) */
static struct row_issue take_line(struct reader *r, struct slice line, uint32_t row)
{
    const struct json_scan *s = &r->json;
    struct row_issue issue = {NULL, NULL, true};
    /* Columns before this one have their text. */
    uint32_t set = r->schema.n > NULLS_BY_ROW ? r->schema.n : 0;
    if (r->texts && !r->feed.latin1) {
        struct json_row out = {r->texts, r->schema.n, row, false, r->null_columns};
        if (json_scan_row(&r->json, line, &out)) {
            r->null_columns = out.nulls;
            if (out.escaped)
                resolve_escapes(r, row);
            return issue;
        }
    }
    r->null_columns = UINT64_MAX;
    if (!json_scan_line(&r->json, line))
        return not_json(r, line);
    for (size_t i = 0; i < s->n; i++) {
        const struct json_field *f = &s->fields[i];
        int32_t column = f->key == JSON_KEY_NONE ? -1 : s->keys[f->key].column;
        if (column < 0) {
            unknown_field(r, f, &issue);
            continue;
        }
        uint32_t c = (uint32_t)column, to = c < set ? r->schema.n : c;
        if (to > set)
            set_nulls(r, row, set, to);
        bool changed = f->escaped || r->cols[c].json_text;
        r->b->cols[c].text[row] = changed ? text_of(r, &r->cols[c], f) : f->text;
        set = to == c ? c + 1 : to > set ? to : set;
    }
    set_nulls(r, row, set, r->schema.n);
    if (!is_utf8(r, line))
        issue = (struct row_issue){"invalid_utf8", "bytes that are not UTF-8, which JSON must be",
                                   true};
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
    if (r->b->end)
        r->b->end[row] = feed_end(f, 0);
    feed_take(f, 1, r->b->line + row);
    r->b->rows++;
}

/* Lines go straight into rows where values stand in columns as they do in lines, and a row begun in
 * vain leaves nothing behind. */
void jsonl_begin(struct reader *r)
{
    uint32_t n = r->schema.n;
    bool as_is = n <= NULLS_BY_ROW;
    for (uint32_t c = 0; c < n; c++)
        as_is = as_is && !r->cols[c].json_text;
    r->null_columns = as_is ? 0 : UINT64_MAX;
    r->texts = as_is ? arena_alloc(&r->b->mem, (n ? n : 1) * sizeof(*r->texts)) : NULL;
    for (uint32_t c = 0; as_is && c < n; c++)
        r->texts[c] = r->b->cols[c].text;
}

bool jsonl_fill(struct reader *r, bool *end, struct err *err)
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
        size_t bytes;
        reader_hold(r);
        feed_fit(f, 1, 1, &bytes);
        take_record(r);
        r->taken++;
        r->taken_bytes += bytes;
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
