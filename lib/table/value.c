/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A value's type from its text. The first byte decides which grammar can hold at all, so that most
 * strings cost one table look-up; numbers are read in one pass and go to base/num.c only when
 * their exact value needs more than a double's own arithmetic. */
#include "table/value.h"

#include "base/instant.h"
#include "base/num.h"
#include "json/json.h"

enum first { FIRST_OTHER, FIRST_DIGIT, FIRST_MINUS, FIRST_TRUE, FIRST_FALSE };
static const unsigned char first_of[256] = {
    ['0'] = FIRST_DIGIT, ['1'] = FIRST_DIGIT, ['2'] = FIRST_DIGIT, ['3'] = FIRST_DIGIT,
    ['4'] = FIRST_DIGIT, ['5'] = FIRST_DIGIT, ['6'] = FIRST_DIGIT, ['7'] = FIRST_DIGIT,
    ['8'] = FIRST_DIGIT, ['9'] = FIRST_DIGIT, ['-'] = FIRST_MINUS, ['t'] = FIRST_TRUE,
    ['T'] = FIRST_TRUE,  ['f'] = FIRST_FALSE, ['F'] = FIRST_FALSE,
};

/* Powers of ten that a double holds exactly. */
static const double pow10_exact[23] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                       1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                       1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static inline bool is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

/* At least this many bytes before a text could be a timestamp: YYYY-MM-DDTHH:MM. */
#define TIMESTAMP_MIN 16
/* Digits that always fit 64 bits unsigned. */
#define DIGITS_MAX 19

static enum type classify_date(struct slice t, union value *v)
{
    if (t.len == 10)
        return date_parse(t, &v->i) ? TYPE_DATE : TYPE_STRING;
    return t.len >= TIMESTAMP_MIN && timestamp_parse(t, &v->i) ? TYPE_TIMESTAMP : TYPE_STRING;
}

/* What follows the integer digits: `m` holds them (`nd` of them, no superfluous zero in front). */
static enum type classify_float(struct slice t, const char *p, uint64_t m, size_t nd, bool minus,
                                union value *v)
{
    const char *end = t.p + t.len;
    int exponent = 0;
    if (*p == '.') {
        const char *start = ++p;
        while (p < end && is_digit(*p))
            m = m * 10 + (uint64_t)(*p++ - '0');
        size_t nf = (size_t)(p - start);
        if (!nf)
            return TYPE_STRING;
        nd += nf;
        exponent = nf < 1000 ? -(int)nf : -1000;
    }
    if (p < end) {
        if (*p != 'e' && *p != 'E')
            return TYPE_STRING;
        /* Rare in data: base/num.c checks and rounds. */
        nd = DIGITS_MAX + 1;
    }
    if (nd <= DIGITS_MAX && m < (UINT64_C(1) << 53) && exponent >= -22) {
        double d = (double)m / pow10_exact[-exponent];
        v->f = minus ? -d : d;
        return TYPE_FLOAT;
    }
    return num_parse_float(t, &v->f) ? TYPE_FLOAT : TYPE_STRING;
}

static enum type classify_number(struct slice t, bool minus, union value *v)
{
    const char *p = t.p + minus, *start = p, *end = t.p + t.len;
    uint64_t m = 0;
    unsigned d;
    while (p < end && (d = (unsigned)(unsigned char)*p - '0') < 10) {
        m = m * 10 + d;
        p++;
    }
    size_t nd = (size_t)(p - start);
    if (p < end && *p == '-')
        return nd == 4 && !minus ? classify_date(t, v) : TYPE_STRING;
    if (nd == 0 || (*start == '0' && nd > 1))
        return TYPE_STRING;
    if (p < end)
        return classify_float(t, p, m, nd, minus, v);
    if (nd > DIGITS_MAX || m > (uint64_t)INT64_MAX + minus)
        return TYPE_STRING;
    v->i = (int64_t)(minus ? 0 - m : m);
    return TYPE_INTEGER;
}

static enum type classify_boolean(struct slice t, bool truth, union value *v)
{
    size_t len = truth ? 4 : 5;
    if (t.len != len)
        return TYPE_STRING;
    if (memcmp(t.p, truth ? "true" : "false", len) == 0 ||
        memcmp(t.p, truth ? "True" : "False", len) == 0 ||
        memcmp(t.p, truth ? "TRUE" : "FALSE", len) == 0) {
        v->b = truth;
        return TYPE_BOOLEAN;
    }
    return TYPE_STRING;
}

static inline enum type classify(struct slice t, union value *v)
{
    if (t.len == 0)
        return TYPE_STRING;
    switch ((enum first)first_of[(unsigned char)t.p[0]]) {
    case FIRST_DIGIT:
        return classify_number(t, false, v);
    case FIRST_MINUS:
        return classify_number(t, true, v);
    case FIRST_TRUE:
        return classify_boolean(t, true, v);
    case FIRST_FALSE:
        return classify_boolean(t, false, v);
    case FIRST_OTHER:
        break;
    }
    return TYPE_STRING;
}

enum type value_classify(struct slice text, union value *v)
{
    return classify(text, v);
}

static inline bool parse(struct slice t, enum type type, union value *v)
{
    enum type got;
    switch (type) {
    case TYPE_INTEGER:
    case TYPE_BOOLEAN:
    case TYPE_DATE:
    case TYPE_TIMESTAMP:
        return classify(t, v) == type;
    case TYPE_FLOAT:
        got = classify(t, v);
        if (got == TYPE_FLOAT)
            return true;
        if (got == TYPE_INTEGER) {
            /* -0 is an integer, but as a float it keeps its sign. */
            v->f = v->i == 0 && t.p[0] == '-' ? -0.0 : (double)v->i;
            return true;
        }
        /* An integer beyond 64 bits is a number all the same where a float was asked for. */
        return got == TYPE_STRING && num_parse_float(t, &v->f);
    case TYPE_JSON:
        return t.len && json_skip(t) == t.len;
    case TYPE_NONE:
        return false;
    case TYPE_STRING:
        break;
    }
    return true;
}

bool value_parse(struct slice text, enum type type, union value *v)
{
    return parse(text, type, v);
}

/* One loop for each type: `type` is a constant where this is inlined. */
static inline bool parse_rows(struct column *c, uint32_t rows, uint64_t *failed, enum type type)
{
    uint64_t any = 0;
    for (uint32_t row = 0; row < rows; row++) {
        union value v = {0};
        if (column_valid(c, row) && !parse(text_slice(c->text[row]), type, &v)) {
            failed[row >> 6] |= UINT64_C(1) << (row & 63);
            any = 1;
            v.i = 0;
        }
        if (type == TYPE_INTEGER)
            c->v.i64[row] = v.i;
        else if (type == TYPE_FLOAT)
            c->v.f64[row] = v.f;
        else if (type == TYPE_BOOLEAN)
            c->v.b8[row] = v.b;
    }
    return !any;
}

bool column_parse(struct column *c, uint32_t rows, uint64_t *failed)
{
    switch (c->type) {
    case TYPE_INTEGER:
        return parse_rows(c, rows, failed, TYPE_INTEGER);
    case TYPE_FLOAT:
        return parse_rows(c, rows, failed, TYPE_FLOAT);
    case TYPE_BOOLEAN:
        return parse_rows(c, rows, failed, TYPE_BOOLEAN);
    case TYPE_DATE:
        return parse_rows(c, rows, failed, TYPE_DATE);
    case TYPE_TIMESTAMP:
        return parse_rows(c, rows, failed, TYPE_TIMESTAMP);
    case TYPE_JSON:
        return parse_rows(c, rows, failed, TYPE_JSON);
    case TYPE_NONE:
        return parse_rows(c, rows, failed, TYPE_NONE);
    case TYPE_STRING:
        break;
    }
    return true;
}
