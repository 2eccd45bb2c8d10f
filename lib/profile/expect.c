/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Records held against a Table Schema, a batch and a column at a time. */
#include "profile/expect.h"

#include "base/hash.h"
#include "base/num.h"
#include "profile/expect_int.h"

enum rule {
    RULE_TYPE,
    RULE_REQUIRED,
    RULE_UNIQUE,
    RULE_MIN_LENGTH,
    RULE_MAX_LENGTH,
    RULE_MINIMUM,
    RULE_MAXIMUM,
    RULE_ABOVE,
    RULE_BELOW,
    RULE_PATTERN,
    RULE_ENUM,
    RULES
};
static const char *const rule_names[RULES] = {"type",
                                              "required",
                                              "unique",
                                              "min_length",
                                              "max_length",
                                              "minimum",
                                              "maximum",
                                              "exclusive_minimum",
                                              "exclusive_maximum",
                                              "pattern",
                                              "enum"};

/* Of a value in messages; characters are kept whole. */
#define VALUE_SHOWN 60

/* Fingerprints that were seen; open addressing, both halves 0: empty. */
struct seen {
    uint64_t (*slots)[2];
    size_t n, cap;
};

struct hit {
    uint64_t count, line;
    const char *value;
};

struct watched {
    uint32_t field, column;
    struct seen seen;
    struct hit hits[RULES];
};

struct expect_run {
    const struct expect *e;
    bool json;
    struct arena mem;
    int32_t *column_of; /* of fields; -1: not there */
    struct watched *watched;
    uint32_t nwatched;
    struct seen *keys;
    struct hit *key_hits;
    struct expect_violation *table; /* found from the header */
    size_t ntable;
    struct expect_violation *all; /* the answer, made when asked for */
    uint64_t records;
    struct buf tmp, key;
};

/* -- fingerprints -- */

static void grow(struct seen *s)
{
    struct seen old = *s;
    s->cap = old.cap ? 2 * old.cap : 1024;
    s->slots = xcalloc(s->cap, sizeof(*s->slots));
    for (size_t i = 0; i < old.cap; i++) {
        if (old.slots[i][0] == 0 && old.slots[i][1] == 0)
            continue;
        size_t at = old.slots[i][0] & (s->cap - 1);
        while (s->slots[at][0] != 0 || s->slots[at][1] != 0)
            at = (at + 1) & (s->cap - 1);
        s->slots[at][0] = old.slots[i][0];
        s->slots[at][1] = old.slots[i][1];
    }
    free(old.slots);
}

/* True when it was there. */
static bool see(struct seen *s, struct slice text)
{
    uint64_t a = hash_bytes(text.p, text.len, 1), b = hash_bytes(text.p, text.len, 2);
    if (s->n + 1 > s->cap / 10 * 7)
        grow(s);
    b += a == 0 && b == 0;
    size_t at = a & (s->cap - 1);
    for (; s->slots[at][0] != 0 || s->slots[at][1] != 0; at = (at + 1) & (s->cap - 1))
        if (s->slots[at][0] == a && s->slots[at][1] == b)
            return true;
    s->slots[at][0] = a;
    s->slots[at][1] = b;
    s->n++;
    return false;
}

/* The meaning as bytes: 1.50 is 1.5. */
static struct slice meaning(const struct logical *v, char text[NUM_TEXT_MAX])
{
    if (!v->is_number)
        return v->text;
    size_t n = v->exact ? num_format_int(text, v->i) : num_format_double(text, v->d);
    return slice_of(text, n);
}

/* -- one value -- */

static uint64_t line_of(const struct batch *b, uint32_t row)
{
    return b->line != NULL ? b->line[row] : 0;
}

static void hit(struct expect_run *r, struct hit *h, uint64_t line, const struct slice *value)
{
    if (h->count++ > 0)
        return;
    h->line = line;
    if (value == NULL)
        return;
    size_t n = value->len;
    if (n > VALUE_SHOWN) {
        n = VALUE_SHOWN;
        while (n > VALUE_SHOWN - 4 && ((unsigned char)value->p[n] & 0xc0) == 0x80)
            n--;
    }
    h->value = arena_printf(&r->mem, "%.*s%s", (int)n, value->p, n < value->len ? "…" : "");
}

/* The text of a cell; false when it is missing. An empty field of CSV is an empty text. */
static bool cell(const struct expect_run *r, const struct expect_field *f, const struct batch *b,
                 uint32_t column, uint32_t row, struct slice *text, bool *quoted)
{
    const struct column *c = &b->cols[column];
    bool valid = column_valid(c, row);
    if (!valid && r->json)
        return false;
    *text = valid ? text_slice(c->text[row]) : SLICE_LIT("");
    *quoted = valid && (c->text[row].flags & TEXT_QUOTED);
    for (uint32_t i = 0; i < f->missing.n; i++)
        if (slice_eq(f->missing.items[i], *text))
            return false;
    return true;
}

static bool is_allowed(const struct expect_field *f, const struct logical *v)
{
    size_t lo = 0, hi = f->nallowed;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int c = logical_cmp(&f->allowed[mid], v);
        if (c == 0)
            return true;
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return false;
}

static void check_value(struct expect_run *r, struct watched *w, struct expect_field *f,
                        struct slice text, bool quoted, uint64_t line)
{
    struct logical v;
    char number[NUM_TEXT_MAX];
    if (!expect_value(f, text, r->json, quoted, &r->tmp, &v)) {
        hit(r, &w->hits[RULE_TYPE], line, &text);
        return;
    }
    if (f->min_length >= 0 || f->max_length >= 0) {
        int64_t n = (int64_t)expect_length(f, text);
        if (n < f->min_length)
            hit(r, &w->hits[RULE_MIN_LENGTH], line, &text);
        if (f->max_length >= 0 && n > f->max_length)
            hit(r, &w->hits[RULE_MAX_LENGTH], line, &text);
    }
    if (f->minimum.set && logical_cmp(&v, &f->minimum.value) < 0)
        hit(r, &w->hits[RULE_MINIMUM], line, &text);
    if (f->maximum.set && logical_cmp(&v, &f->maximum.value) > 0)
        hit(r, &w->hits[RULE_MAXIMUM], line, &text);
    if (f->above.set && logical_cmp(&v, &f->above.value) <= 0)
        hit(r, &w->hits[RULE_ABOVE], line, &text);
    if (f->below.set && logical_cmp(&v, &f->below.value) >= 0)
        hit(r, &w->hits[RULE_BELOW], line, &text);
    if (f->pattern != NULL && !expect_matches(f, text))
        hit(r, &w->hits[RULE_PATTERN], line, &text);
    if (f->has_enum && !is_allowed(f, &v))
        hit(r, &w->hits[RULE_ENUM], line, &text);
    if (f->unique && see(&w->seen, meaning(&v, number)))
        hit(r, &w->hits[RULE_UNIQUE], line, &text);
}

static void check_column(struct expect_run *r, struct watched *w, const struct batch *b)
{
    struct expect_field *f = &r->e->fields[w->field];
    for (uint32_t row = 0; row < b->rows; row++) {
        struct slice text;
        bool quoted;
        if (cell(r, f, b, w->column, row, &text, &quoted))
            check_value(r, w, f, text, quoted, line_of(b, row));
        else if (f->required)
            hit(r, &w->hits[RULE_REQUIRED], line_of(b, row), NULL);
    }
}

/* A key of several columns, as one text; false when a part of it is missing. What is no value of
 * its type stands for itself. */
static bool key_of(struct expect_run *r, const struct expect_key *k, const struct batch *b,
                   uint32_t row)
{
    buf_clear(&r->key);
    for (uint32_t i = 0; i < k->n; i++) {
        const struct expect_field *f = &r->e->fields[k->fields[i]];
        int32_t column = r->column_of[k->fields[i]];
        struct slice text;
        struct logical v;
        bool quoted;
        char number[NUM_TEXT_MAX];
        if (column < 0 || !cell(r, f, b, (uint32_t)column, row, &text, &quoted))
            return false;
        if (!expect_value(f, text, r->json, quoted, &r->tmp, &v))
            v = (struct logical){.text = text};
        struct slice m = meaning(&v, number);
        buf_addf(&r->key, "%zu:", m.len); /* so that no two keys run into one */
        buf_add_slice(&r->key, m);
    }
    return true;
}

/* The texts of a key, for people. */
static void key_hit(struct expect_run *r, size_t i, const struct batch *b, uint32_t row)
{
    const struct expect_key *k = &r->e->keys[i];
    buf_clear(&r->key);
    for (uint32_t c = 0; c < k->n && r->key_hits[i].count == 0; c++) {
        struct slice text;
        bool quoted;
        if (cell(r, &r->e->fields[k->fields[c]], b, (uint32_t)r->column_of[k->fields[c]], row,
                 &text, &quoted)) {
            buf_adds(&r->key, c > 0 ? "," : "");
            buf_add_slice(&r->key, text);
        }
    }
    struct slice value = buf_slice(&r->key);
    hit(r, &r->key_hits[i], line_of(b, row), &value);
}

void expect_check(struct expect_run *r, const struct batch *b)
{
    r->records += b->rows;
    for (uint32_t i = 0; i < r->nwatched; i++)
        if (r->watched[i].column < b->ncols)
            check_column(r, &r->watched[i], b);
    for (size_t i = 0; i < r->e->nkeys; i++)
        for (uint32_t row = 0; row < b->rows; row++)
            if (key_of(r, &r->e->keys[i], b, row) && see(&r->keys[i], buf_slice(&r->key)))
                key_hit(r, i, b, row);
}

/* -- the header -- */

static void table_violation(struct expect_run *r, const char *column, const char *rule,
                            const char *what)
{
    *ARENA_PUSH(&r->mem, r->table, r->ntable) =
        (struct expect_violation){column, rule, what, NULL, 1, 0};
}

static void check_fields(struct expect_run *r, const struct schema *s, bool by_position)
{
    const struct expect *e = r->e;
    bool *known = ARENA_ARRAY(&r->mem, bool, s->n);
    bool order = e->match == MATCH_EXACT && !r->json, all_there = e->nfields == s->n;
    uint32_t found = 0;
    for (uint32_t i = 0; i < e->nfields; i++) {
        int at =
            by_position ? (i < s->n ? (int)i : -1) : schema_find(s, slice_str(e->fields[i].name));
        r->column_of[i] = at;
        if (at >= 0) {
            known[at] = true;
            found++;
        } else if (e->match != MATCH_SUPERSET && e->match != MATCH_PARTIAL) {
            table_violation(r, e->fields[i].name, "missing_field", "is not in the data");
            all_there = false;
        }
    }
    if (e->match == MATCH_PARTIAL && found == 0)
        table_violation(r, NULL, "missing_field", "none of the fields is in the data");
    for (uint32_t c = 0; c < s->n; c++)
        if (!known[c] && e->match != MATCH_SUBSET && e->match != MATCH_PARTIAL) {
            table_violation(r, arena_strdup(&r->mem, s->fields[c].name), "extra_field",
                            "is not in the schema");
            all_there = false;
        }
    for (uint32_t i = 0; order && all_there && i < e->nfields; i++)
        if (r->column_of[i] != (int32_t)i) {
            table_violation(r, e->fields[i].name, "field_order",
                            "stands in another place than in the schema");
            return;
        }
}

static bool is_watched(const struct expect_field *f)
{
    return f->type > EXPECT_STRING || f->format != EXPECT_DEFAULT || f->required || f->unique ||
           f->min_length >= 0 || f->max_length >= 0 || f->pattern != NULL || f->has_enum;
}

struct expect_run *expect_begin(const struct expect *e, const struct schema *s, bool json,
                                bool by_position)
{
    struct expect_run *r = xcalloc(1, sizeof(*r));
    arena_init(&r->mem, NULL);
    r->e = e;
    r->json = json;
    r->tmp = r->key = BUF_INIT(BUF_UNBOUNDED);
    r->column_of = ARENA_ARRAY(&r->mem, int32_t, e->nfields);
    r->watched = xcalloc(e->nfields + 1, sizeof(*r->watched));
    r->keys = xcalloc(e->nkeys + 1, sizeof(*r->keys));
    r->key_hits = xcalloc(e->nkeys + 1, sizeof(*r->key_hits));
    check_fields(r, s, by_position);
    for (uint32_t i = 0; i < e->nfields; i++) {
        bool string_in_json = json && e->fields[i].type == EXPECT_STRING;
        if (r->column_of[i] >= 0 && (string_in_json || is_watched(&e->fields[i])))
            r->watched[r->nwatched++] =
                (struct watched){.field = i, .column = (uint32_t)r->column_of[i]};
    }
    return r;
}

void expect_end(struct expect_run *r)
{
    if (r == NULL)
        return;
    for (uint32_t i = 0; i < r->nwatched; i++)
        free(r->watched[i].seen.slots);
    for (size_t i = 0; i < r->e->nkeys; i++)
        free(r->keys[i].slots);
    free(r->watched);
    free(r->keys);
    free(r->key_hits);
    buf_release(&r->tmp);
    buf_release(&r->key);
    arena_release(&r->mem);
    free(r);
}

/* -- the answer -- */

static const char *phrase(struct expect_run *r, const struct expect_field *f, enum rule rule)
{
    struct arena *a = &r->mem;
    switch (rule) {
    case RULE_TYPE:
        if (f->format == EXPECT_DEFAULT)
            return arena_printf(a, "of another type than %s", expect_type_names[f->type]);
        return arena_printf(a, "of another format than %s", f->format_text);
    case RULE_REQUIRED:
        return "missing";
    case RULE_UNIQUE:
        return "seen before";
    case RULE_MIN_LENGTH:
        return arena_printf(a, "shorter than %lld", (long long)f->min_length);
    case RULE_MAX_LENGTH:
        return arena_printf(a, "longer than %lld", (long long)f->max_length);
    case RULE_MINIMUM:
        return arena_printf(a, "below the minimum %s", f->minimum.text);
    case RULE_MAXIMUM:
        return arena_printf(a, "above the maximum %s", f->maximum.text);
    case RULE_ABOVE:
        return arena_printf(a, "not above %s", f->above.text);
    case RULE_BELOW:
        return arena_printf(a, "not below %s", f->below.text);
    case RULE_PATTERN:
        return arena_printf(a, "against the pattern %s", f->pattern);
    case RULE_ENUM:
    case RULES:
        break;
    }
    return "outside of the enum";
}

const struct expect_violation *expect_violations(struct expect_run *r, size_t *n)
{
    size_t count = 0;
    struct expect_violation *all = NULL;
    for (size_t i = 0; i < r->ntable; i++)
        *ARENA_PUSH(&r->mem, all, count) = r->table[i];
    for (uint32_t i = 0; i < r->nwatched; i++)
        for (int rule = 0; rule < RULES; rule++) {
            const struct hit *h = &r->watched[i].hits[rule];
            const struct expect_field *f = &r->e->fields[r->watched[i].field];
            if (h->count > 0)
                *ARENA_PUSH(&r->mem, all, count) = (struct expect_violation){
                    f->name,  rule_names[rule], phrase(r, f, (enum rule)rule),
                    h->value, h->count,         h->line};
        }
    for (size_t i = 0; i < r->e->nkeys; i++) {
        const struct expect_key *k = &r->e->keys[i];
        if (r->key_hits[i].count > 0)
            *ARENA_PUSH(&r->mem, all, count) =
                (struct expect_violation){k->name,
                                          k->primary ? "primary_key" : "unique_key",
                                          "of a key seen before",
                                          r->key_hits[i].value,
                                          r->key_hits[i].count,
                                          r->key_hits[i].line};
    }
    *n = count;
    return all;
}

uint64_t expect_records(const struct expect_run *r)
{
    return r->records;
}

void expect_words(const struct expect_violation *v, struct buf *out)
{
    struct quoted q;
    char count[NUM_TEXT_MAX];
    if (v->line == 0 && v->value == NULL && v->count == 1) { /* of the header */
        buf_adds(out, v->what);
        return;
    }
    num_format_int(count, (int64_t)v->count);
    buf_addf(out, "%s value%s %s", count, v->count == 1 ? "" : "s", v->what);
    buf_addf(out, v->count == 1 ? " (on line %llu" : " (first on line %llu",
             (unsigned long long)v->line);
    if (v->value != NULL)
        buf_addf(out, ": '%s'", quote_str(&q, v->value));
    buf_addc(out, ')');
}
