/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How many records a condition keeps, from the profile of the columns it looks at.
 *
 * Reads the simple part of the language: comparisons of a field with a literal, and / or / not,
 * parentheses, a bare field, test(…). For everything else, and for columns without figures, the
 * shares of Selinger et al. 1979 ("Access path selection in a relational database management
 * system", table 1) stand in: 1/10 for =, 1/3 for < and >. It never fails: this is an estimate. Not
 * the language's parser: that is pipeline/expr.h.
 */
#include <ctype.h>
#include <math.h>

#include "base/num.h"
#include "predict/internal.h"

#define SHARE_EQUAL 0.1
#define SHARE_RANGE (1.0 / 3)
#define SHARE_ANY (1.0 / 3)
#define DEPTH_MAX 64

struct parser {
    const char *at;
    const struct flow *in;
    bool guessed;
    int depth;
};

enum operand_kind { OPERAND_OTHER, OPERAND_FIELD, OPERAND_NUMBER, OPERAND_TEXT, OPERAND_WORD };
struct operand {
    enum operand_kind kind;
    const struct flow_column *column; /* of a field; NULL: unknown */
    double number;
    char text[256]; /* of a string, or the word true, false, null */
    size_t len;
    double share; /* of OTHER: a condition in parentheses; NAN unknown */
};

static void skip_blanks(struct parser *p)
{
    while (*p->at == ' ' || *p->at == '\t' || *p->at == '\n' || *p->at == '\r')
        p->at++;
}

static bool word_char(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static bool take(struct parser *p, const char *token)
{
    skip_blanks(p);
    size_t n = strlen(token);
    if (strncmp(p->at, token, n) != 0 || (word_char(token[n - 1]) && word_char(p->at[n])))
        return false;
    p->at += n;
    return true;
}

/* A string literal; escapes other than \" and \\ make it longer than it is, which is harmless. */
static bool take_string(struct parser *p, char *out, size_t size, size_t *len)
{
    if (*p->at != '"')
        return false;
    *len = 0;
    for (p->at++; *p->at && *p->at != '"'; p->at++) {
        if (*p->at == '\\' && p->at[1])
            p->at++;
        if (*len + 1 < size)
            out[(*len)++] = *p->at;
    }
    if (*p->at == '"')
        p->at++;
    else
        p->guessed = true; /* it never ends */
    out[*len] = '\0';
    return true;
}

static void skip_parens(struct parser *p)
{
    int depth = 0;
    char ignored[2];
    size_t n;
    while (*p->at) {
        if (*p->at == '"') {
            take_string(p, ignored, sizeof(ignored), &n);
            continue;
        }
        depth += *p->at == '(';
        depth -= *p->at == ')';
        p->at++;
        if (depth <= 0)
            return;
    }
}

static double parse_or(struct parser *p);

static void parse_operand(struct parser *p, struct operand *o)
{
    *o = (struct operand){.kind = OPERAND_OTHER, .share = NAN};
    skip_blanks(p);
    if (*p->at == '.' && (word_char(p->at[1]) || p->at[1] == '"' || p->at[1] == '[')) {
        p->at++;
        bool bracket = *p->at == '[';
        p->at += bracket;
        if (!take_string(p, o->text, sizeof(o->text), &o->len)) {
            while (word_char(*p->at) && o->len + 1 < sizeof(o->text))
                o->text[o->len++] = *p->at++;
            o->text[o->len] = '\0';
        }
        if (bracket && *p->at == ']')
            p->at++;
        o->kind = OPERAND_FIELD;
        if (*p->at != '.' && *p->at != '[') /* what is inside a value has no statistics */
            o->column = flow_column(p->in, o->text);
        return;
    }
    if (*p->at == '(' && p->depth < DEPTH_MAX) {
        p->at++;
        p->depth++;
        o->share = parse_or(p);
        p->depth--;
        if (!take(p, ")"))
            p->at += strlen(p->at);
        return;
    }
    if (take_string(p, o->text, sizeof(o->text), &o->len)) {
        o->kind = OPERAND_TEXT;
        return;
    }
    size_t digits = strspn(p->at, "+-.0123456789eE");
    if (digits > 0 && num_parse_float(slice_of(p->at, digits), &o->number)) {
        p->at += digits;
        o->kind = OPERAND_NUMBER;
        return;
    }
    while (word_char(*p->at) && o->len + 1 < sizeof(o->text))
        o->text[o->len++] = *p->at++;
    o->text[o->len] = '\0';
    if (strcmp(o->text, "true") == 0 || strcmp(o->text, "false") == 0 ||
        strcmp(o->text, "null") == 0)
        o->kind = OPERAND_WORD;
    if (*p->at == '(')
        skip_parens(p);
}

static double null_share(const struct rec_column *c)
{
    return c->records > 0 && c->nulls >= 0 ? fmin(1, c->nulls / c->records) : 0;
}

/* The share of records whose value is the text. */
static double share_equal(const struct rec_column *c, struct slice text)
{
    if (!(c->records > 0))
        return NAN;
    double top = 0;
    for (uint32_t i = 0; i < c->ntop; i++) {
        if (slice_eq(c->top[i].value, text))
            return fmin(1, c->top[i].count / c->records);
        top += c->top[i].count;
    }
    double others = c->distinct - c->ntop, rest = (1 - null_share(c)) * c->records - top;
    if (!(c->distinct > 0))
        return NAN;
    if (others < 1)
        return 0.5 / c->records; /* not among all the values that were seen */
    return fmin(1, fmax(0, rest) / others / c->records);
}

/* The share of non-null values below x, between the quantiles that are known. */
static double share_below(const struct rec_column *c, double x)
{
    double at[REC_QUANTILES + 2], q[REC_QUANTILES + 2], end;
    size_t n = 0;
    if (num_parse_float(c->min, &end))
        at[n] = end, q[n++] = 0;
    for (size_t i = 0; i < REC_QUANTILES; i++) {
        if (!isnan(c->quantiles[i]))
            at[n] = c->quantiles[i], q[n++] = rec_quantile_at[i];
    }
    if (num_parse_float(c->max, &end))
        at[n] = end, q[n++] = 1;
    if (n < 2)
        return NAN;
    if (x <= at[0])
        return 0;
    for (size_t i = 1; i < n; i++) {
        if (x <= at[i]) {
            double span = at[i] - at[i - 1];
            return span > 0 ? q[i - 1] + (q[i] - q[i - 1]) * (x - at[i - 1]) / span : q[i];
        }
    }
    return 1;
}

static double compare_number(const struct rec_column *c, char op, bool or_equal, double x)
{
    char text[NUM_TEXT_MAX];
    double nulls = null_share(c), below = share_below(c, x);
    if (isnan(below))
        return NAN;
    size_t len = num_format_double(text, x);
    double equal = share_equal(c, slice_of(text, len));
    double least, most;
    if (isnan(equal) || (num_parse_float(c->min, &least) && x < least) ||
        (num_parse_float(c->max, &most) && x > most))
        equal = 0;
    /* jq orders null before numbers. */
    if (op == '<')
        return fmin(1, nulls + (1 - nulls) * below + (or_equal ? equal : 0));
    return fmax(0, fmin(1, (1 - nulls) * (1 - below) - (or_equal ? 0 : equal)));
}

static double compare(struct parser *p, const struct operand *l, char op, bool or_equal,
                      const struct operand *r)
{
    if (l->kind != OPERAND_FIELD && r->kind == OPERAND_FIELD) {
        const struct operand *t = l;
        l = r, r = t;
        op = op == '<' ? '>' : op == '>' ? '<' : op;
    }
    const struct rec_column *c = l->kind == OPERAND_FIELD && l->column ? l->column->stat : NULL;
    double share = NAN;
    if (op == '=' || op == '!') {
        if (c && r->kind == OPERAND_WORD && strcmp(r->text, "null") == 0)
            share = null_share(c);
        else if (c && (r->kind == OPERAND_TEXT || r->kind == OPERAND_WORD))
            share = share_equal(c, slice_of(r->text, r->len));
        else if (c && r->kind == OPERAND_NUMBER) {
            char text[NUM_TEXT_MAX];
            size_t len = num_format_double(text, r->number);
            share = share_equal(c, slice_of(text, len));
        }
        if (isnan(share)) {
            p->guessed = true;
            share = SHARE_EQUAL;
        }
        return op == '=' ? share : 1 - share;
    }
    if (c && r->kind == OPERAND_NUMBER)
        share = compare_number(c, op, or_equal, r->number);
    if (isnan(share)) {
        p->guessed = true;
        share = SHARE_RANGE;
    }
    return share;
}

/* What a lone operand keeps: neither false nor null. */
static double share_true(struct parser *p, const struct operand *o)
{
    if (o->kind == OPERAND_OTHER && !isnan(o->share))
        return o->share;
    if (o->kind == OPERAND_WORD)
        return strcmp(o->text, "true") == 0;
    if (o->kind == OPERAND_NUMBER || o->kind == OPERAND_TEXT)
        return 1;
    if (o->kind == OPERAND_FIELD && o->column && o->column->stat && o->column->stat->records > 0) {
        const struct rec_column *c = o->column->stat;
        double no = c->type == TYPE_BOOLEAN ? share_equal(c, SLICE_LIT("false")) : 0;
        return fmax(0, 1 - null_share(c) - (isnan(no) ? 0.5 : no));
    }
    p->guessed = true;
    return SHARE_ANY;
}

static double parse_comparison(struct parser *p)
{
    struct operand l, r;
    parse_operand(p, &l);
    skip_blanks(p);
    char op = 0;
    bool or_equal = false;
    if (take(p, "==")) {
        op = '=';
    } else if (take(p, "!=")) {
        op = '!';
    } else if (*p->at == '<' || *p->at == '>') {
        op = *p->at++;
        or_equal = *p->at == '=';
        p->at += or_equal;
    }
    if (!op) {
        double share = share_true(p, &l);
        while (take(p, "|")) {
            if (take(p, "not")) {
                share = 1 - share;
            } else { /* another filter: all that is known of the result is a convention */
                struct operand ignored;
                parse_operand(p, &ignored);
                p->guessed = true;
                share = SHARE_ANY;
            }
        }
        return share;
    }
    parse_operand(p, &r);
    return compare(p, &l, op, or_equal, &r);
}

static double parse_and(struct parser *p)
{
    double share = parse_comparison(p);
    while (take(p, "and"))
        share *= parse_comparison(p); /* as if independent (Selinger et al.) */
    return share;
}

static double parse_or(struct parser *p)
{
    double share = parse_and(p);
    while (take(p, "or")) {
        double other = parse_and(p);
        share = share + other - share * other;
    }
    return share;
}

double selectivity_of(const char *where, const struct flow *in, bool *guessed)
{
    struct parser p = {.at = where, .in = in};
    double share = parse_or(&p);
    skip_blanks(&p);
    if (*p.at) { /* more than the simple part of the language */
        p.guessed = true;
        share = SHARE_ANY;
    }
    *guessed = p.guessed;
    return fmax(0, fmin(1, share));
}
