/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The JSON reader: recursive descent bounded by JSON_DEPTH_MAX. */
#include "json/json.h"

#include "base/num.h"

struct parser {
    struct arena *a; /* NULL: only check */
    const char *start, *p, *end;
    unsigned flags;
    unsigned depth;
    const char *what; /* the error, or NULL */
    struct buf scratch;
};

static bool fail(struct parser *ps, const char *what)
{
    if (!ps->what)
        ps->what = what;
    return false;
}

static bool skip_blanks(struct parser *ps)
{
    for (;;) {
        while (ps->p < ps->end &&
               (*ps->p == ' ' || *ps->p == '\t' || *ps->p == '\n' || *ps->p == '\r'))
            ps->p++;
        if (!(ps->flags & JSON_COMMENTS) || ps->end - ps->p < 2 || ps->p[0] != '/' ||
            ps->p[1] != '/')
            return ps->p < ps->end;
        while (ps->p < ps->end && *ps->p != '\n')
            ps->p++;
    }
}

static int hex4(const char *p)
{
    int v = 0;
    for (int i = 0; i < 4; i++) {
        char c = p[i];
        int d = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : -1;
        if (d < 0)
            return -1;
        v = v * 16 + d;
    }
    return v;
}

static void add_utf8(struct buf *out, unsigned cp)
{
    char b[4];
    size_t n = 0;
    if (cp < 0x80) {
        b[n++] = (char)cp;
    } else if (cp < 0x800) {
        b[n++] = (char)(0xC0 | cp >> 6);
        b[n++] = (char)(0x80 | (cp & 0x3F));
    } else if (cp < 0x10000) {
        b[n++] = (char)(0xE0 | cp >> 12);
        b[n++] = (char)(0x80 | (cp >> 6 & 0x3F));
        b[n++] = (char)(0x80 | (cp & 0x3F));
    } else {
        b[n++] = (char)(0xF0 | cp >> 18);
        b[n++] = (char)(0x80 | (cp >> 12 & 0x3F));
        b[n++] = (char)(0x80 | (cp >> 6 & 0x3F));
        b[n++] = (char)(0x80 | (cp & 0x3F));
    }
    buf_add(out, b, n);
}

/* One escape behind a backslash at p; bytes used, or 0. */
static size_t unescape(struct buf *out, const char *p, const char *end)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (p >= end)
        return 0;
    const char *at = *p ? strchr(from, *p) : NULL;
    if (at) {
        buf_addc(out, to[at - from]);
        return 1;
    }
    if (*p != 'u' || end - p < 5)
        return 0;
    int hi = hex4(p + 1);
    if (hi < 0)
        return 0;
    if (hi >= 0xD800 && hi <= 0xDBFF && end - p >= 11 && p[5] == '\\' && p[6] == 'u') {
        int lo = hex4(p + 7);
        if (lo >= 0xDC00 && lo <= 0xDFFF) {
            add_utf8(out, 0x10000u + ((unsigned)hi - 0xD800u) * 0x400u + ((unsigned)lo - 0xDC00u));
            return 11;
        }
    }
    add_utf8(out, hi >= 0xD800 && hi <= 0xDFFF ? 0xFFFDu : (unsigned)hi);
    return 5;
}

bool json_unquote(struct buf *out, struct slice in)
{
    const char *p = in.p, *end = in.p + in.len;
    while (p < end) {
        const char *slash = memchr(p, '\\', (size_t)(end - p));
        size_t n = (size_t)((slash ? slash : end) - p);
        buf_add(out, p, n);
        p += n;
        if (slash) {
            size_t used = unescape(out, p + 1, end);
            if (!used)
                return false;
            p += 1 + used;
        }
    }
    return true;
}

/* At the opening quote. */
static bool parse_string(struct parser *ps, struct slice *out)
{
    const char *start = ++ps->p;
    bool escaped = false, high = false;
    for (;; ps->p++) {
        if (ps->p >= ps->end)
            return fail(ps, "unterminated string");
        unsigned char c = (unsigned char)*ps->p;
        if (c == '"')
            break;
        if (c < 0x20)
            return fail(ps, "control character in a string (write it as \\u00NN)");
        high |= c >= 0x80;
        if (c == '\\') {
            escaped = true;
            if (++ps->p >= ps->end)
                return fail(ps, "unterminated string");
        }
    }
    struct slice inside = slice_of(start, (size_t)(ps->p - start));
    ps->p++;
    if (high && !utf8_is_valid(inside))
        return fail(ps, "a string is not UTF-8");
    if (!escaped) {
        if (ps->a)
            *out = arena_slice(ps->a, inside);
        return true;
    }
    buf_clear(&ps->scratch);
    if (!json_unquote(&ps->scratch, inside))
        return fail(ps, "bad escape in a string");
    if (ps->a)
        *out = arena_slice(ps->a, buf_slice(&ps->scratch));
    return true;
}

static bool parse_number(struct parser *ps, struct json *v)
{
    const char *start = ps->p;
    while (ps->p < ps->end &&
           (strchr("+-.eE", *ps->p) ? *ps->p != '\0' : *ps->p >= '0' && *ps->p <= '9'))
        ps->p++;
    struct slice s = slice_of(start, (size_t)(ps->p - start));
    int64_t i;
    double d;
    if (num_parse_int(s, &i)) {
        v->type = JSON_INT;
        v->u.i = i;
    } else if (num_parse_float(s, &d)) {
        v->type = JSON_DOUBLE;
        v->u.d = d;
    } else {
        return fail(ps, "not a number of JSON's grammar, or too large");
    }
    return true;
}

static bool parse_word(struct parser *ps, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(ps->end - ps->p) < n || memcmp(ps->p, word, n) != 0)
        return fail(ps, "expected a value");
    ps->p += n;
    return true;
}

static bool parse_value(struct parser *ps, struct json **out);

static bool parse_array(struct parser *ps, struct json *v)
{
    ps->p++;
    if (skip_blanks(ps) && *ps->p == ']') {
        ps->p++;
        return true;
    }
    for (;;) {
        struct json *item = NULL;
        if (!parse_value(ps, &item))
            return false;
        if (ps->a) {
            uint32_t n = v->len;
            *ARENA_PUSH(ps->a, v->u.items, n) = item;
            v->len = n;
        }
        if (!skip_blanks(ps))
            return fail(ps, "unterminated array");
        if (*ps->p == ']') {
            ps->p++;
            return true;
        }
        if (*ps->p++ != ',')
            return ps->p--, fail(ps, "expected ',' or ']' in an array");
    }
}

static bool parse_object(struct parser *ps, struct json *v)
{
    ps->p++;
    if (skip_blanks(ps) && *ps->p == '}') {
        ps->p++;
        return true;
    }
    for (;;) {
        struct json_member m = {SLICE_NULL, NULL};
        if (!skip_blanks(ps) || *ps->p != '"')
            return fail(ps, "expected a member name in quotes");
        if (!parse_string(ps, &m.name))
            return false;
        if (!skip_blanks(ps) || *ps->p != ':')
            return fail(ps, "expected ':' behind a member name");
        ps->p++;
        if (!parse_value(ps, &m.value))
            return false;
        if (ps->a) {
            uint32_t n = v->len;
            *ARENA_PUSH(ps->a, v->u.members, n) = m;
            v->len = n;
        }
        if (!skip_blanks(ps))
            return fail(ps, "unterminated object");
        if (*ps->p == '}') {
            ps->p++;
            return true;
        }
        if (*ps->p++ != ',')
            return ps->p--, fail(ps, "expected ',' or '}' in an object");
    }
}

static bool parse_value(struct parser *ps, struct json **out)
{
    struct json local = {0}, *v = &local;
    bool ok;
    if (!skip_blanks(ps))
        return fail(ps, "expected a value");
    if (ps->a)
        v = ARENA_NEW(ps->a, struct json);
    const char *start = ps->p;
    switch (*ps->p) {
    case '{':
    case '[':
        v->type = *ps->p == '{' ? JSON_OBJECT : JSON_ARRAY;
        if (++ps->depth > JSON_DEPTH_MAX)
            return fail(ps, "nested more than 1000 deep");
        ok = v->type == JSON_OBJECT ? parse_object(ps, v) : parse_array(ps, v);
        ps->depth--;
        break;
    case '"':
        v->type = JSON_STRING;
        ok = parse_string(ps, &v->u.s);
        break;
    case 't':
        v->type = JSON_TRUE;
        ok = parse_word(ps, "true");
        break;
    case 'f':
        v->type = JSON_FALSE;
        ok = parse_word(ps, "false");
        break;
    case 'n':
        v->type = JSON_NULL;
        ok = parse_word(ps, "null");
        break;
    default:
        ok = (*ps->p == '-' || (*ps->p >= '0' && *ps->p <= '9')) ? parse_number(ps, v)
                                                                 : fail(ps, "expected a value");
    }
    if (!ok)
        return false;
    v->text = slice_of(start, (size_t)(ps->p - start));
    *out = v;
    return true;
}

static bool place_error(const struct parser *ps, struct err *err)
{
    size_t line = 1, column = 1;
    for (const char *p = ps->start; p < ps->p && p < ps->end; p++) {
        column++;
        if (*p == '\n') {
            line++;
            column = 1;
        }
    }
    return err_set(err, ERR_DATA, "line %zu, column %zu: %s", line, column, ps->what);
}

bool json_parse(struct arena *a, struct slice in, unsigned flags, struct json **out,
                struct err *err)
{
    struct parser ps = {.a = a, .start = in.p, .p = in.p, .end = in.p + in.len, .flags = flags};
    ps.scratch = BUF_INIT(BUF_UNBOUNDED);
    bool ok = parse_value(&ps, out);
    if (ok && skip_blanks(&ps))
        ok = fail(&ps, "something follows the value");
    buf_release(&ps.scratch);
    return ok || place_error(&ps, err);
}

size_t json_skip(struct slice in)
{
    struct parser ps = {.a = NULL, .start = in.p, .p = in.p, .end = in.p + in.len};
    ps.scratch = BUF_INIT(BUF_UNBOUNDED);
    struct json *none;
    bool ok = parse_value(&ps, &none);
    buf_release(&ps.scratch);
    return ok ? (size_t)(ps.p - in.p) : 0;
}
