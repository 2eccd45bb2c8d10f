/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From the text of an expression to its tree: the part of jq 1.6's grammar that has no definitions,
 * loops or assignments. What it does not know is not an error here: libjq is asked next.
 */
#include <math.h>

#include "base/num.h"
#include "json/json.h"
#include "pipeline/expr_int.h"

/* Deeper nesting goes to libjq. */
#define PARSE_DEPTH 150
/* The same for chains like a + b + c …, which nest without brackets. */
#define TREE_DEPTH 1000

enum token {
    T_END,
    T_BAD,
    T_NUMBER,
    T_QUOTE,  /* the string itself is read by parse_string */
    T_IDENT,  /* text */
    T_FIELD,  /* .name; text without the dot */
    T_VAR,    /* $name; text without the $ */
    T_FORMAT, /* @name; text with the @ */
    T_PUNCT,  /* text, one or two characters */
};

struct parser {
    struct arena *a;
    const char *source, *p; /* p: behind the current token */
    enum token token;
    struct slice text;
    uint32_t at; /* of the current token */
    unsigned depth;
    bool failed;
    uint32_t stop;
};

static struct ast *parse_pipe(struct parser *ps);
static struct ast *parse_term(struct parser *ps);

const char *binary_op_text(enum binary_op op)
{
    static const char *const text[] = {"+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">="};
    return text[op];
}

static bool ident_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static const char *skip_ident(const char *p)
{
    while (ident_start(*p) || digit(*p))
        p++;
    return p;
}

static const char *skip_number(const char *p)
{
    while (digit(*p))
        p++;
    if (*p == '.')
        p++;
    while (digit(*p))
        p++;
    if (*p == 'e' || *p == 'E') {
        const char *q = p + 1 + (p[1] == '+' || p[1] == '-');
        if (digit(*q)) {
            while (digit(*q))
                q++;
            p = q;
        }
    }
    return p;
}

static const char *skip_blank(const char *p)
{
    for (;;) {
        while (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r')
            p++;
        if (*p != '#')
            return p;
        while (*p && *p != '\n')
            p++;
    }
}

/* Reads the next token. */
static void next(struct parser *ps)
{
    static const char *const two[] = {
        "==", "!=", "<=", ">=", "//", "..", "|=", "+=", "-=", "*=", "/=", "%=", "?//"};
    const char *p = skip_blank(ps->p), *from = p;
    ps->at = (uint32_t)(p - ps->source);
    if (!*p) {
        ps->token = T_END;
    } else if (digit(*p) || (*p == '.' && digit(p[1]))) {
        ps->token = T_NUMBER;
        p = skip_number(p);
    } else if (*p == '"') {
        ps->token = T_QUOTE;
        p++;
    } else if (ident_start(*p)) {
        ps->token = T_IDENT;
        p = skip_ident(p);
    } else if ((*p == '.' || *p == '$' || *p == '@') && ident_start(p[1])) {
        ps->token = *p == '.' ? T_FIELD : *p == '$' ? T_VAR : T_FORMAT;
        from += *p != '@';
        p = skip_ident(p + 1);
    } else {
        ps->token = T_PUNCT;
        size_t len = 1;
        for (size_t i = 0; i < ARRAY_LEN(two); i++) {
            if (strncmp(p, two[i], strlen(two[i])) == 0)
                len = strlen(two[i]);
        }
        p += len;
    }
    ps->text = slice_of(from, (size_t)(p - from));
    ps->p = p;
}

static struct ast *fail(struct parser *ps)
{
    if (!ps->failed)
        ps->stop = ps->at;
    ps->failed = true;
    ps->token = T_BAD;
    return NULL;
}

static bool is_punct(const struct parser *ps, const char *s)
{
    return ps->token == T_PUNCT && slice_is(ps->text, s);
}

static bool is_word(const struct parser *ps, const char *s)
{
    return ps->token == T_IDENT && slice_is(ps->text, s);
}

static bool expect(struct parser *ps, const char *punct)
{
    if (!is_punct(ps, punct))
        return fail(ps);
    next(ps);
    return true;
}

static bool expect_word(struct parser *ps, const char *word)
{
    if (!is_word(ps, word))
        return fail(ps);
    next(ps);
    return true;
}

static struct ast *node(struct parser *ps, enum ast_kind kind, uint32_t at)
{
    struct ast *t = ARENA_NEW(ps->a, struct ast);
    t->kind = kind;
    t->at = at;
    return t;
}

static void add_kid(struct parser *ps, struct ast *t, struct ast *kid)
{
    *ARENA_PUSH(ps->a, t->kid, t->n) = kid;
    if (kid && kid->depth >= t->depth)
        t->depth = kid->depth + 1;
    if (t->depth > TREE_DEPTH)
        fail(ps);
}

static struct ast *node2(struct parser *ps, enum ast_kind kind, uint32_t at, struct ast *a,
                         struct ast *b)
{
    struct ast *t = node(ps, kind, at);
    add_kid(ps, t, a);
    if (b)
        add_kid(ps, t, b);
    return t;
}

/* A piece of a string literal between interpolations. */
static bool add_piece(struct parser *ps, struct ast *t, const char *from, const char *to)
{
    if (from == to)
        return true;
    struct buf b = BUF_INIT(BUF_UNBOUNDED);
    bool ok = json_unquote(&b, slice_of(from, (size_t)(to - from)));
    struct ast *piece = node(ps, AST_STRING, ps->at);
    piece->text = arena_slice(ps->a, buf_slice(&b));
    buf_release(&b);
    add_kid(ps, t, piece);
    return ok || fail(ps);
}

/* The current token is T_QUOTE; afterwards the one behind the string. */
static struct ast *parse_string(struct parser *ps)
{
    struct ast *t = node(ps, AST_INTERP, ps->at);
    const char *from = ps->p, *p = from;
    while (*p != '"') {
        if (!*p)
            return fail(ps);
        if (*p != '\\') {
            p++;
            continue;
        }
        if (p[1] == 'u' && (p[2] == 'd' || p[2] == 'D') && !(digit(p[3]) && p[3] < '8'))
            return fail(ps); /* surrogates: jq has rules of its own for broken pairs */
        if (p[1] != '(') {
            p += p[1] ? 2 : 1;
            continue;
        }
        if (!add_piece(ps, t, from, p))
            return NULL;
        ps->p = p + 2;
        next(ps);
        struct ast *inner = parse_pipe(ps);
        if (!inner || !is_punct(ps, ")"))
            return fail(ps);
        add_kid(ps, t, inner);
        from = p = ps->p;
    }
    if (!add_piece(ps, t, from, p))
        return NULL;
    ps->p = p + 1;
    next(ps);
    if (t->n > 1 || (t->n == 1 && t->kid[0]->kind != AST_STRING))
        return t;
    struct ast *plain = node(ps, AST_STRING, t->at);
    plain->text = t->n ? t->kid[0]->text : SLICE_LIT("");
    return plain;
}

static struct ast *parse_number(struct parser *ps)
{
    struct ast *t = node(ps, AST_NUMBER, ps->at);
    t->is_int = num_parse_int(ps->text, &t->inum);
    /* jq also takes 1., .5 and 01 */
    if (!num_parse_float(ps->text, &t->num) && expr_tonumber(ps->text, &t->num) != TONUMBER_YES)
        return fail(ps);
    next(ps);
    return t;
}

/* What may stand as a value in an object: terms joined by '|'. */
static struct ast *parse_object_value(struct parser *ps)
{
    struct ast *v = is_punct(ps, "-") ? fail(ps) : parse_term(ps);
    while (v && is_punct(ps, "|")) {
        next(ps);
        struct ast *right = parse_term(ps);
        if (!right)
            return NULL;
        v = node2(ps, AST_PIPE, v->at, v, right);
    }
    return v;
}

static bool parse_object_entry(struct parser *ps, struct ast *t)
{
    struct ast *key = NULL;
    if (ps->token == T_IDENT) {
        key = node2(ps, AST_FIELD, ps->at, node(ps, AST_DOT, ps->at), NULL);
        key->text = ps->text;
        next(ps);
        if (is_punct(ps, ":"))
            key = NULL;
    } else if (ps->token == T_VAR) {
        key = parse_term(ps);
    } else if (ps->token == T_QUOTE) {
        key = parse_string(ps);
        if (key && key->kind == AST_STRING && !is_punct(ps, ":")) {
            struct ast *field = node2(ps, AST_FIELD, key->at, node(ps, AST_DOT, key->at), NULL);
            field->text = key->text;
            key = field;
        }
    } else if (is_punct(ps, "(")) {
        next(ps);
        key = parse_pipe(ps);
        if (!expect(ps, ")"))
            return false;
    } else {
        return fail(ps);
    }
    if (key)
        add_kid(ps, t, key);
    if (is_punct(ps, ":")) {
        next(ps);
        struct ast *v = parse_object_value(ps);
        if (!v)
            return false;
        add_kid(ps, t, v);
    }
    return !ps->failed;
}

static struct ast *parse_build(struct parser *ps)
{
    struct ast *t = node(ps, AST_BUILD, ps->at);
    if (is_punct(ps, "[")) {
        next(ps);
        if (!is_punct(ps, "]")) {
            struct ast *inner = parse_pipe(ps);
            if (!inner)
                return NULL;
            add_kid(ps, t, inner);
        }
        return expect(ps, "]") ? t : NULL;
    }
    next(ps);
    while (!is_punct(ps, "}")) {
        if (!parse_object_entry(ps, t))
            return NULL;
        if (!is_punct(ps, ","))
            break;
        next(ps);
    }
    return expect(ps, "}") ? t : NULL;
}

static struct ast *parse_if(struct parser *ps)
{
    struct ast *t = node(ps, AST_IF, ps->at);
    next(ps);
    struct ast *cond = parse_pipe(ps);
    if (!cond || !expect_word(ps, "then"))
        return NULL;
    struct ast *yes = parse_pipe(ps), *no;
    if (!yes)
        return NULL;
    if (is_word(ps, "elif")) {
        no = parse_if(ps); /* reads on to the same end */
    } else {
        if (!expect_word(ps, "else"))
            return NULL;
        no = parse_pipe(ps);
        if (!no || !expect_word(ps, "end"))
            return NULL;
    }
    if (!no)
        return NULL;
    add_kid(ps, t, cond);
    add_kid(ps, t, yes);
    add_kid(ps, t, no);
    return t;
}

static struct ast *parse_call(struct parser *ps)
{
    static const char *const keywords[] = {
        "as",     "import", "include", "module", "def",   "then", "else",  "elif", "end",
        "reduce", "try",    "foreach", "catch",  "label", "and",  "break", "or",   "__loc__"};
    for (size_t i = 0; i < ARRAY_LEN(keywords); i++) {
        if (slice_is(ps->text, keywords[i]))
            return fail(ps);
    }
    struct ast *t = node(ps, AST_CALL, ps->at);
    t->text = ps->text;
    next(ps);
    if (is_punct(ps, "(")) {
        do {
            next(ps);
            struct ast *arg = parse_pipe(ps);
            if (!arg)
                return NULL;
            add_kid(ps, t, arg);
        } while (is_punct(ps, ";"));
        return expect(ps, ")") ? t : NULL;
    }
    if (slice_is(t->text, "null"))
        t->kind = AST_NULL;
    else if (slice_is(t->text, "true"))
        t->kind = AST_TRUE;
    else if (slice_is(t->text, "false"))
        t->kind = AST_FALSE;
    return t;
}

/* [ … ] behind a term; the current token is '['. */
static struct ast *parse_bracket(struct parser *ps, struct ast *base)
{
    uint32_t at = ps->at;
    next(ps);
    if (is_punct(ps, "]")) {
        next(ps);
        return node2(ps, AST_ITER, at, base, NULL);
    }
    struct ast *from = NULL, *to = NULL;
    if (!is_punct(ps, ":") && !(from = parse_pipe(ps)))
        return NULL;
    if (is_punct(ps, ":")) {
        next(ps);
        if (!is_punct(ps, "]") && !(to = parse_pipe(ps)))
            return NULL;
        if ((!from && !to) || !expect(ps, "]"))
            return fail(ps);
        struct ast *t = node(ps, AST_SLICE, at);
        add_kid(ps, t, base);
        add_kid(ps, t, from);
        add_kid(ps, t, to);
        return t;
    }
    if (!expect(ps, "]"))
        return NULL;
    if (from->kind == AST_STRING) { /* .["a b"] */
        struct ast *t = node2(ps, AST_FIELD, from->at, base, NULL);
        t->text = from->text;
        return t;
    }
    return node2(ps, AST_INDEX, at, base, from);
}

static struct ast *parse_field(struct parser *ps, struct ast *base)
{
    struct ast *t = node2(ps, AST_FIELD, ps->at, base, NULL);
    t->text = ps->text;
    next(ps);
    return t;
}

/* ."name" behind base; the current token is the quote. */
static struct ast *parse_quoted_field(struct parser *ps, struct ast *base)
{
    struct ast *name = parse_string(ps);
    if (!name || name->kind != AST_STRING)
        return fail(ps);
    struct ast *t = node2(ps, AST_FIELD, name->at, base, NULL);
    t->text = name->text;
    return t;
}

static struct ast *parse_postfix(struct parser *ps, struct ast *t)
{
    while (t) {
        if (ps->token == T_FIELD) {
            t = parse_field(ps, t);
        } else if (is_punct(ps, "[")) {
            t = parse_bracket(ps, t);
        } else if (is_punct(ps, ".")) {
            next(ps);
            t = ps->token == T_QUOTE ? parse_quoted_field(ps, t) : fail(ps);
        } else if (is_punct(ps, "?")) {
            next(ps);
            /* the record always has its columns, so there is no error to catch */
            if (t->kind != AST_FIELD || t->kid[0]->kind != AST_DOT)
                t = node2(ps, AST_TRY, t->at, t, NULL);
        } else {
            break;
        }
    }
    return t;
}

static struct ast *parse_format(struct parser *ps)
{
    struct slice name = ps->text;
    uint32_t at = ps->at;
    next(ps);
    struct ast *t;
    if (ps->token == T_QUOTE) {
        t = parse_string(ps);
        if (t && t->kind == AST_STRING)
            return t;
    } else {
        t = node2(ps, AST_INTERP, at, node(ps, AST_DOT, at), NULL);
    }
    if (t)
        t->text = name;
    return t;
}

static struct ast *parse_primary(struct parser *ps)
{
    uint32_t at = ps->at;
    struct ast *t;
    switch (ps->token) {
    case T_NUMBER:
        return parse_number(ps);
    case T_QUOTE:
        return parse_string(ps);
    case T_FIELD:
        return parse_field(ps, node(ps, AST_DOT, at));
    case T_VAR:
        t = node(ps, AST_VAR, at);
        t->text = ps->text;
        next(ps);
        return t;
    case T_FORMAT:
        return parse_format(ps);
    case T_IDENT:
        return is_word(ps, "if") ? parse_if(ps) : parse_call(ps);
    default:
        break;
    }
    if (is_punct(ps, ".")) {
        next(ps);
        t = node(ps, AST_DOT, at);
        return ps->token == T_QUOTE ? parse_quoted_field(ps, t) : t;
    }
    if (is_punct(ps, "(")) {
        next(ps);
        t = parse_pipe(ps);
        return t && expect(ps, ")") ? t : NULL;
    }
    if (is_punct(ps, "[") || is_punct(ps, "{"))
        return parse_build(ps);
    return fail(ps);
}

static struct ast *parse_term(struct parser *ps)
{
    if (++ps->depth > PARSE_DEPTH)
        return fail(ps);
    bool is_if = is_word(ps, "if"); /* no term in 1.6: nothing may stand behind it */
    struct ast *t = parse_primary(ps);
    if (!is_if)
        t = parse_postfix(ps, t);
    ps->depth--;
    return ps->failed ? NULL : t;
}

/* Binding strength; jq 1.6's parser.y. Comparison does not chain. */
enum { PREC_ALT = 1, PREC_OR, PREC_AND, PREC_COMPARE, PREC_ADD, PREC_MUL };

static int infix(const struct parser *ps, enum ast_kind *kind, enum binary_op *op)
{
    static const struct {
        const char *text;
        int prec;
        enum binary_op op;
    } ops[] = {
        {"==", PREC_COMPARE, OP_EQ}, {"!=", PREC_COMPARE, OP_NE}, {"<", PREC_COMPARE, OP_LT},
        {"<=", PREC_COMPARE, OP_LE}, {">", PREC_COMPARE, OP_GT},  {">=", PREC_COMPARE, OP_GE},
        {"+", PREC_ADD, OP_ADD},     {"-", PREC_ADD, OP_SUB},     {"*", PREC_MUL, OP_MUL},
        {"/", PREC_MUL, OP_DIV},     {"%", PREC_MUL, OP_MOD}};
    *kind = AST_BINARY;
    *op = OP_ADD;
    if (is_word(ps, "and")) {
        *kind = AST_AND;
        return PREC_AND;
    }
    if (is_word(ps, "or")) {
        *kind = AST_OR;
        return PREC_OR;
    }
    if (is_punct(ps, "//")) {
        *kind = AST_ALT;
        return PREC_ALT;
    }
    for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
        if (is_punct(ps, ops[i].text)) {
            *op = ops[i].op;
            return ops[i].prec;
        }
    }
    return 0;
}

static struct ast *parse_binary(struct parser *ps, int min)
{
    struct ast *left;
    uint32_t at = ps->at;
    if (++ps->depth > PARSE_DEPTH)
        return fail(ps);
    if (is_punct(ps, "-")) {
        next(ps);
        struct ast *operand = parse_binary(ps, PREC_MUL);
        left = operand ? node2(ps, AST_NEGATE, at, operand, NULL) : NULL;
    } else {
        left = parse_term(ps);
    }
    enum ast_kind kind;
    enum binary_op op;
    int prec, last = 0;
    while (left && (prec = infix(ps, &kind, &op)) >= min && prec > 0) {
        if (prec == PREC_COMPARE && last == PREC_COMPARE)
            return fail(ps);
        uint32_t op_at = ps->at;
        next(ps);
        struct ast *right = parse_binary(ps, kind == AST_ALT ? prec : prec + 1);
        if (!right)
            return NULL;
        left = node2(ps, kind, op_at, left, right);
        left->op = op;
        last = prec;
    }
    ps->depth--;
    return ps->failed ? NULL : left;
}

static struct ast *parse_comma(struct parser *ps)
{
    struct ast *left = parse_binary(ps, PREC_ALT);
    while (left && is_punct(ps, ",")) {
        uint32_t at = ps->at;
        next(ps);
        struct ast *right = parse_binary(ps, PREC_ALT);
        if (!right)
            return NULL;
        left = node2(ps, AST_COMMA, at, left, right);
    }
    return left;
}

static struct ast *parse_pipe(struct parser *ps)
{
    if (ps->failed || ++ps->depth > PARSE_DEPTH)
        return fail(ps);
    struct ast *left = parse_comma(ps);
    if (left && is_word(ps, "as")) {
        /* `TERM as $name | BODY`: the whole of what stands before must be one term */
        bool term = left->kind != AST_BINARY && left->kind != AST_COMMA && left->kind != AST_AND &&
                    left->kind != AST_OR && left->kind != AST_ALT && left->kind != AST_NEGATE &&
                    left->kind != AST_IF;
        next(ps);
        if (!term || ps->token != T_VAR)
            return fail(ps);
        struct ast *t = node(ps, AST_AS, left->at);
        t->text = ps->text;
        next(ps);
        if (!expect(ps, "|"))
            return NULL;
        struct ast *body = parse_pipe(ps);
        if (!body)
            return NULL;
        add_kid(ps, t, left);
        add_kid(ps, t, body);
        left = t;
    } else if (left && is_punct(ps, "|")) {
        uint32_t at = ps->at;
        next(ps);
        struct ast *right = parse_pipe(ps);
        if (!right)
            return NULL;
        left = node2(ps, AST_PIPE, at, left, right);
    }
    ps->depth--;
    return ps->failed ? NULL : left;
}

struct ast *expr_parse(struct arena *a, const char *source, uint32_t *stop)
{
    struct parser ps = {.a = a, .source = source, .p = source};
    *stop = 0;
    next(&ps);
    struct ast *t = parse_pipe(&ps);
    if (t && ps.token != T_END)
        t = fail(&ps);
    *stop = ps.stop;
    return t;
}
