/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The scanner of JSON lines takes what the strict parser of json/ takes as an object, and finds the
 * same members in it, whatever keys were learnt before: random records, whole and damaged. */
#include "base/num.h"
#include "base/rng.h"
#include "json/json.h"
#include "table/batch.h"
#include "table/json_scan.h"
#include "table/utf8_blocks.h"
#include "tests/unit/suite.h"

static uint64_t runs(uint64_t few)
{
    return getenv("FORELINE_LONG") ? few * 50 : few;
}

static void add_blanks(struct rng *r, struct buf *b)
{
    static const char *const blanks[] = {"", "", "", "", " ", "\t", "\r", "  "};
    buf_adds(b, blanks[rng_below(r, ARRAY_LEN(blanks))]);
}

static void add_string(struct rng *r, struct buf *b)
{
    static const char *const parts[] = {"a",       "bc",       "\\\"", "\\\\", "\\n",
                                        "\\u00e9", "\xc3\xa9", "{",    "}",    "[",
                                        "]",       ",",        ":",    "-1",   "\\ud83d",
                                        "\\ude00", "\\/",      "\x7f", " ",    "0123456789abcdef"};
    buf_addc(b, '"');
    for (uint64_t n = rng_below(r, 8); n > 0; n--)
        buf_adds(b, parts[rng_below(r, ARRAY_LEN(parts))]);
    buf_addc(b, '"');
}

static void add_number(struct rng *r, struct buf *b)
{
    buf_adds(b, rng_below(r, 3) ? "" : "-");
    buf_addc(b, (char)('1' + rng_below(r, 9)));
    for (uint64_t n = rng_below(r, 20); n > 0 && rng_below(r, 8); n--)
        buf_addc(b, (char)('0' + rng_below(r, 10)));
    if (rng_below(r, 2)) {
        buf_addc(b, '.');
        for (uint64_t n = 1 + rng_below(r, 18); n > 0; n--)
            buf_addc(b, (char)('0' + rng_below(r, 10)));
    }
    if (rng_below(r, 8) == 0)
        buf_addf(b, "%s%u", rng_below(r, 2) ? "e" : "E-", (unsigned)rng_below(r, 40));
}

static void add_value(struct rng *r, struct buf *b, unsigned depth);

static void add_object(struct rng *r, struct buf *b, unsigned depth)
{
    static const char *const keys[] = {
        "a",       "b",        "\\u0061", "c.d", "",  "a longer key than sixteen bytes",
        "\\u00e9", "\xc3\xa9", "tab\\t",  "e",   "f", "exactly13byte"};
    uint64_t n = rng_below(r, 7), from = rng_below(r, 3);
    buf_addc(b, '{');
    add_blanks(r, b);
    for (uint64_t i = 0; i < n; i++) {
        if (i > 0)
            buf_addc(b, ',');
        add_blanks(r, b);
        /* Mostly in one order, as records are. */
        uint64_t k = rng_below(r, 4) ? from + i : rng_below(r, ARRAY_LEN(keys));
        buf_addf(b, "\"%s\"", keys[k % ARRAY_LEN(keys)]);
        add_blanks(r, b);
        buf_addc(b, ':');
        add_value(r, b, depth);
    }
    buf_addc(b, '}');
}

static void add_value(struct rng *r, struct buf *b, unsigned depth)
{
    static const char *const words[] = {"true", "false", "null", "0",   "-0",
                                        "0.5",  "{}",    "[]",   "\"\""};
    add_blanks(r, b);
    switch (rng_below(r, depth < 4 ? 6 : 4)) {
    case 0:
        buf_adds(b, words[rng_below(r, ARRAY_LEN(words))]);
        break;
    case 1:
    case 2:
        add_number(r, b);
        break;
    case 3:
        add_string(r, b);
        break;
    case 4:
        buf_addc(b, '[');
        for (uint64_t n = rng_below(r, 4), i = 0; i < n; i++) {
            buf_adds(b, i ? "," : "");
            add_value(r, b, depth + 1);
        }
        add_blanks(r, b);
        buf_addc(b, ']');
        break;
    default:
        add_object(r, b, depth + 1);
        break;
    }
    add_blanks(r, b);
}

static void damage(struct rng *r, struct buf *b)
{
    static const char bytes[] = "\"\\{}[],:0123456789.eE+-tfnu \x01\xc3";
    for (uint64_t n = 1 + rng_below(r, 2); n > 0 && b->len > 0; n--) {
        size_t at = rng_below(r, b->len);
        switch (rng_below(r, 3)) {
        case 0:
            b->p[at] = bytes[rng_below(r, sizeof(bytes) - 1)];
            break;
        case 1:
            memmove(b->p + at, b->p + at + 1, b->len - at - 1);
            b->len--;
            break;
        default:
            b->len = at;
            break;
        }
    }
}

static uint8_t kind_of(const struct json *v)
{
    switch (v->type) {
    case JSON_NULL:
        return JSON_KIND_NULL;
    case JSON_TRUE:
    case JSON_FALSE:
        return JSON_KIND_BOOLEAN;
    case JSON_INT:
    case JSON_DOUBLE:
        return JSON_KIND_NUMBER;
    case JSON_STRING:
        return JSON_KIND_TEXT;
    case JSON_ARRAY:
        return JSON_KIND_ARRAY;
    default:
        return JSON_KIND_OBJECT;
    }
}

/* The members of `v` are the fields from *i on, with the keys they were registered as. */
static void check_members(struct json_scan *s, const struct json *v, uint32_t object, size_t *i)
{
    for (uint32_t m = 0; m < v->len; m++) {
        const struct json_member *want = &v->u.members[m];
        uint32_t key = json_scan_key(s, object, want->name);
        if (want->value->type == JSON_OBJECT && s->keys[key].object) {
            check_members(s, want->value, s->keys[key].object, i);
            continue;
        }
        ck_assert_uint_lt(*i, s->n);
        const struct json_field *f = &s->fields[(*i)++];
        struct slice text = want->value->text;
        bool quoted = want->value->type == JSON_STRING;
        ck_assert_uint_eq(f->object, object);
        ck_assert_uint_eq(f->kind, kind_of(want->value));
        ck_assert_ptr_eq(f->text.p - quoted, text.p);
        if (f->kind != JSON_KIND_NULL)
            ck_assert_uint_eq(f->text.len + 2u * quoted, text.len);
        ck_assert(f->key == JSON_KEY_NONE || f->key == key);
        if (f->kind == JSON_KIND_ARRAY)
            ck_assert_uint_eq(text_elements(f->text), want->value->len);
        if (quoted)
            ck_assert(f->escaped == (memchr(text.p, '\\', text.len) != NULL));
    }
}

/* A number beyond a double: json/ refuses it, here it is a member all the same. */
static bool has_huge_number(const struct json_scan *s)
{
    double d;
    for (size_t i = 0; i < s->n; i++)
        if (s->fields[i].kind == JSON_KIND_NUMBER &&
            !num_parse_float(text_slice(s->fields[i].text), &d))
            return true;
    return false;
}

#define COLUMNS 16
struct row {
    struct text text[COLUMNS];
    struct text *at[COLUMNS];
};

/* Behind json_scan_line, which gave `whole`: the line was put into the row when its members come in
 * the order of their columns, and then it is they. */
static void check_row(const struct json_scan *s, bool whole, bool put, const struct row *row,
                      const struct json_row *out)
{
    bool in_order = whole, escaped = false;
    int32_t next = 0;
    for (size_t i = 0; whole && i < s->n; i++) {
        const struct json_field *f = &s->fields[i];
        int32_t column = f->key == JSON_KEY_NONE ? -1 : s->keys[f->key].column;
        in_order = in_order && column >= next;
        next = column + 1;
    }
    ck_assert(put == in_order);
    next = 0;
    for (size_t i = 0; put && i <= s->n; i++) {
        const struct json_field *f = i < s->n ? &s->fields[i] : NULL;
        for (int32_t to = f ? s->keys[f->key].column : (int32_t)out->n; next < to; next++)
            ck_assert(row->text[next].len == 0 && row->text[next].flags == 0 &&
                      (out->nulls >> next & 1));
        if (f) {
            ck_assert((out->nulls >> next & 1) == (f->kind == JSON_KIND_NULL));
            const struct text *t = &row->text[next++];
            ck_assert_ptr_eq(t->p, f->text.p);
            ck_assert_uint_eq(t->len, f->text.len);
            ck_assert_uint_eq(t->flags, f->text.flags | (f->escaped ? JSON_ESCAPED : 0));
            escaped = escaped || f->escaped;
        }
    }
    ck_assert(!put || out->escaped == escaped);
}

/* Learns from what was found: unknown keys are registered, with a column if they are not objects
 * that are opened. */
static void learn(struct rng *r, struct json_scan *s, uint32_t *ncolumns)
{
    struct buf name = BUF_INIT(BUF_UNBOUNDED);
    for (size_t i = 0; i < s->n; i++) {
        struct json_field *f = &s->fields[i];
        buf_clear(&name);
        if (f->key == JSON_KEY_NONE && rng_below(r, 2)) {
            ck_assert(json_unquote(&name, s->names[f->name].text));
            uint32_t key = json_scan_key(s, f->object, buf_slice(&name));
            if (f->kind == JSON_KIND_OBJECT && rng_below(r, 3) == 0)
                json_scan_open(s, key);
            else if (*ncolumns < COLUMNS)
                s->keys[key].column = (int32_t)(*ncolumns)++;
        }
    }
    buf_release(&name);
}

START_TEST(members_are_those_of_the_strict_parser)
{
    struct arena a = ARENA_INIT;
    struct buf b = BUF_INIT(BUF_UNBOUNDED);
    uint64_t whole = 0, damaged = 0, rows = 0;
    for (uint64_t seed = 0; seed < runs(200); seed++) {
        struct rng r;
        struct json_scan s;
        struct row row;
        uint32_t ncolumns = 0;
        for (size_t c = 0; c < COLUMNS; c++)
            row.at[c] = &row.text[c];
        rng_seed(&r, seed);
        json_scan_init(&s);
        for (int line = 0; line < 100; line++) {
            struct json *v = NULL;
            buf_clear(&b);
            add_blanks(&r, &b);
            add_object(&r, &b, 0);
            add_blanks(&r, &b);
            if (rng_below(&r, 3) == 0)
                damage(&r, &b);
            size_t len = b.len;
            buf_addc(&b, rng_below(&r, 4) ? '\n' : '\r');
            memset(buf_room(&b, BLOCK_SLACK), rng_below(&r, 2) ? '\n' : 0, BLOCK_SLACK);
            struct slice text = slice_of(b.p, len);
            bool is =
                utf8_is_valid(text) && json_parse(&a, text, 0, &v, NULL) && v->type == JSON_OBJECT;
            struct json_row out = {row.at, ncolumns, 0, false, 0};
            bool put = (seed % 2 ? json_scan_row : json_scan_row_portable)(&s, text, &out);
            bool got = json_scan_line(&s, text);
            check_row(&s, got, put, &row, &out);
            rows += put && s.n > 0;
            got = got && utf8_is_valid(text);
            if (!is && got && has_huge_number(&s))
                continue;
            ck_assert_msg(is == got, "seed %llu: %.*s", (unsigned long long)seed, (int)len, b.p);
            whole += is;
            damaged += !is;
            if (is) {
                size_t i = 0;
                check_members(&s, v, JSON_ROOT, &i);
                ck_assert_uint_eq(i, s.n);
                learn(&r, &s, &ncolumns);
            } else {
                ck_assert(!utf8_is_valid(text) || (s.failed >= b.p && s.failed <= b.p + len + 1));
            }
            arena_clear(&a);
        }
        json_scan_release(&s);
    }
    ck_assert_uint_gt(whole, damaged);
    ck_assert_uint_gt(damaged, whole / 10);
    ck_assert_uint_gt(rows, whole / 20);
    buf_release(&b);
    arena_release(&a);
}
END_TEST

/* Numbers of each length, well and badly formed: # stands for n digits. */
START_TEST(numbers_follow_the_grammar_at_any_length)
{
    static const char *const forms[] = {"#",   "-#",     "#.#", "#.",   ".#", "0#",    "-0#", "0.#",
                                        "#e5", "#.5E+1", "#e",  "#.e1", "+#", "#.5.5", "#-1", "-"};
    struct json_scan s;
    struct buf b = BUF_INIT(BUF_UNBOUNDED);
    struct arena a = ARENA_INIT;
    json_scan_init(&s);
    for (size_t n = 0; n <= 40; n++) {
        for (size_t k = 0; k < ARRAY_LEN(forms); k++) {
            struct json *v;
            buf_clear(&b);
            buf_adds(&b, "{\"k\":");
            size_t from = b.len;
            for (const char *p = forms[k]; *p; p++) {
                for (size_t i = 0; *p == '#' && i < n; i++)
                    buf_addc(&b, '7');
                if (*p != '#')
                    buf_addc(&b, *p);
            }
            size_t to = b.len;
            buf_adds(&b, "}");
            size_t len = b.len;
            buf_addc(&b, '\n');
            memset(buf_room(&b, BLOCK_SLACK), '7', BLOCK_SLACK);
            bool is = json_parse(&a, slice_of(b.p + from, to - from), 0, &v, NULL);
            ck_assert_msg(json_scan_line(&s, slice_of(b.p, len)) == is, "%.*s", (int)len, b.p);
            if (is)
                ck_assert_uint_eq(s.fields[0].text.len, to - from);
            arena_clear(&a);
        }
    }
    json_scan_release(&s);
    arena_release(&a);
    buf_release(&b);
}
END_TEST

/* Texts of characters of all lengths, whole and with a byte changed, at all lengths. */
START_TEST(blocks_are_utf8_when_all_of_it_is)
{
    static const char *const chars[] = {"a",
                                        "\x7f",
                                        "\xc2\x80",
                                        "\xdf\xbf",
                                        "\xe0\xa0\x80",
                                        "\xed\x9f\xbf",
                                        "\xee\x80\x80",
                                        "\xef\xbf\xbf",
                                        "\xf0\x90\x80\x80",
                                        "\xf4\x8f\xbf\xbf"};
    static const unsigned char bytes[] = {0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0,
                                          0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xed,
                                          0xef, 0xf0, 0xf4, 0xf5, 0xff};
    struct rng r;
    uint64_t whole = 0, broken = 0;
    rng_seed(&r, 1);
    for (uint64_t run = 0; run < runs(40000); run++) {
        char text[256];
        size_t n = 0, want = rng_below(&r, 200);
        uint64_t ascii = rng_below(&r, 4);
        while (n < want) {
            const char *c = chars[rng_below(&r, 4) < ascii ? 0 : rng_below(&r, ARRAY_LEN(chars))];
            memcpy(text + n, c, strlen(c));
            n += strlen(c);
        }
        if (n > 0 && rng_below(&r, 2))
            text[rng_below(&r, n)] = (char)bytes[rng_below(&r, ARRAY_LEN(bytes))];
        if (n > 0 && rng_below(&r, 4) == 0)
            n -= rng_below(&r, n < 4 ? n : 4);
        char *copy = xmemdup(text, n ? n : 1);
        bool is = utf8_is_valid(slice_of(copy, n));
        size_t good = utf8_blocks(copy, n);
        ck_assert_uint_le(good, n);
        ck_assert_msg(utf8_is_valid(slice_of(copy, good)), "run %d", (int)run);
        ck_assert_msg(is == (utf8_is_valid(slice_of(copy + good, n - good))), "run %d", (int)run);
#if defined(__x86_64__)
        if (is && __builtin_cpu_supports("avx2"))
            ck_assert_uint_gt(good + 35, n);
#endif
        whole += is;
        broken += !is;
        free(copy);
    }
    ck_assert(whole > 1000 && broken > 1000);
}
END_TEST

UNIT_MAIN("table_json", blocks_are_utf8_when_all_of_it_is, members_are_those_of_the_strict_parser,
          numbers_follow_the_grammar_at_any_length)
