/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Patterns to automata. Not a general engine: no captures, no back references, no look-around; a
 * pattern that has any of these, or a construct whose meaning differs between dialects, is refused.
 */
#include <string.h>

#include "base/regex.h"

/* States of the NFA, and of the DFA made from it while matching. A pattern that needs more NFA
 * states is refused; a DFA that grows beyond is thrown away and begun anew. */
#define NFA_MAX 600
#define DFA_MAX 256
#define GROUP_DEPTH 50
#define REPEAT_MAX 100

struct set { /* of bytes */
    uint64_t bits[4];
};

enum nfa_op { N_BYTES, N_SPLIT, N_JUMP, N_BEGIN, N_END, N_MATCH };
struct nfa {
    enum nfa_op op;
    uint32_t set;  /* N_BYTES */
    uint32_t x, y; /* where to go; y for N_SPLIT */
};

struct dfa {
    uint64_t members[(NFA_MAX + 63) / 64];
    int16_t next[256];          /* -1: not built yet */
    bool begin;                 /* at the start of the text */
    bool match;                 /* whatever follows */
    bool match_at_end;          /* when the text ends here */
    bool match_at_last_newline; /* when it ends with the newline that comes next */
};

struct regex {
    struct arena *a;
    struct nfa *nfa;
    uint32_t nnfa;
    struct set *sets;
    uint32_t nsets;
    bool ascii_only;      /* for texts of ASCII alone */
    struct slice literal; /* the whole pattern, when it is nothing else */
    bool is_literal;
    struct dfa *dfa; /* DFA_MAX of them, on first use */
    uint32_t ndfa;
    uint32_t stack[NFA_MAX]; /* of the closure */
};

/* ---- pattern to tree to NFA ---- */

enum node_kind { R_EMPTY, R_BYTES, R_CAT, R_ALT, R_REPEAT, R_BEGIN, R_END };
struct rnode {
    enum node_kind kind;
    struct set set;
    struct rnode *a, *b;
    unsigned min, max; /* R_REPEAT; max 0: no limit */
    bool empty;        /* may match no byte */
    bool anchor;       /* has ^ or $ inside */
};

struct rparser {
    struct arena *a;
    const char *p, *end;
    unsigned depth;
    bool icase, ascii_only, beyond;
};

static void set_add(struct set *s, unsigned c)
{
    s->bits[c >> 6] |= UINT64_C(1) << (c & 63);
}

static bool set_has(const struct set *s, unsigned c)
{
    return (s->bits[c >> 6] >> (c & 63)) & 1;
}

static void set_range(struct set *s, unsigned from, unsigned to)
{
    for (unsigned c = from; c <= to; c++)
        set_add(s, c);
}

static struct rnode *rnode(struct rparser *p, enum node_kind kind, struct rnode *a, struct rnode *b)
{
    struct rnode *n = ARENA_NEW(p->a, struct rnode);
    n->kind = kind;
    n->a = a;
    n->b = b;
    bool ea = a && a->empty, eb = b && b->empty;
    n->anchor = kind == R_BEGIN || kind == R_END || (a && a->anchor) || (b && b->anchor);
    n->empty = kind == R_CAT ? ea && eb : kind == R_ALT ? ea || eb : kind != R_BYTES;
    return n;
}

static struct rnode *beyond(struct rparser *p)
{
    p->beyond = true;
    return rnode(p, R_EMPTY, NULL, NULL);
}

static struct rnode *range(struct rparser *p, unsigned from, unsigned to)
{
    struct rnode *n = rnode(p, R_BYTES, NULL, NULL);
    set_range(&n->set, from, to);
    return n;
}

static struct rnode *cat(struct rparser *p, struct rnode *a, struct rnode *b)
{
    return rnode(p, R_CAT, a, b);
}

/* One character: of ASCII those in `s`, and any beyond ASCII (as its UTF-8 bytes) when `wide`. */
static struct rnode *one_char(struct rparser *p, const struct set *s, bool wide)
{
    struct rnode *n = rnode(p, R_BYTES, NULL, NULL);
    n->set = *s;
    if (!wide)
        return n;
    struct rnode *tail = range(p, 0x80, 0xBF);
    struct rnode *two = cat(p, range(p, 0xC2, 0xDF), tail);
    struct rnode *three = cat(p, range(p, 0xE0, 0xEF), cat(p, tail, tail));
    struct rnode *four = cat(p, range(p, 0xF0, 0xF4), cat(p, tail, cat(p, tail, tail)));
    return rnode(p, R_ALT, n, rnode(p, R_ALT, two, rnode(p, R_ALT, three, four)));
}

static void fold_case(struct set *s)
{
    for (unsigned c = 'a'; c <= 'z'; c++) {
        if (set_has(s, c) || set_has(s, c ^ 0x20)) {
            set_add(s, c);
            set_add(s, c ^ 0x20);
        }
    }
}

static bool is_alpha(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* \d \w \s, and the letters for control characters. 0: something else. */
static bool class_escape(struct rparser *p, char c, struct set *s)
{
    switch (c) {
    case 'd':
        set_range(s, '0', '9');
        break;
    case 'w':
        set_range(s, '0', '9');
        set_range(s, 'a', 'z');
        set_range(s, 'A', 'Z');
        set_add(s, '_');
        break;
    case 's':
        set_range(s, '\t', '\r');
        set_add(s, ' ');
        break;
    default:
        return false;
    }
    p->ascii_only = true;  /* their Unicode members are libjq's matter */
    p->beyond |= p->icase; /* among them ß, which then matches ss */
    return true;
}

/* The character behind a backslash, when it is one that all dialects read alike; -1 otherwise. */
static int literal_escape(char c)
{
    if (c == 'n')
        return '\n';
    if (c == 't')
        return '\t';
    if (c == 'r')
        return '\r';
    return c && strchr(".*+?()[]{}|^$/\\-", c) ? c : -1;
}

/* One member of a [class], or -1. */
static int class_char(struct rparser *p)
{
    unsigned char c = (unsigned char)*p->p;
    if (c >= 0x80 || c == '[' || c == '&' || c == 0) {
        p->beyond = true; /* nested classes, POSIX classes, intersections */
        return -1;
    }
    p->p++;
    if (c != '\\')
        return c;
    int lit = p->p < p->end ? literal_escape(*p->p) : -1;
    p->p++;
    p->beyond |= lit < 0;
    return lit;
}

static struct rnode *parse_class(struct rparser *p)
{
    struct set s = {{0}};
    bool negated = p->p < p->end && *p->p == '^', first = true;
    p->p += negated;
    p->beyond |= negated && p->icase;
    while (!p->beyond) {
        if (p->p >= p->end || (first && *p->p == ']'))
            return beyond(p);
        if (*p->p == ']')
            break;
        if (*p->p == '\\' && p->p + 1 < p->end && class_escape(p, p->p[1], &s)) {
            p->p += 2;
            if (p->p < p->end && *p->p == '-' && !(p->p + 1 < p->end && p->p[1] == ']'))
                return beyond(p);
            first = false;
            continue;
        }
        if (*p->p == '-' && !first && !(p->p + 1 < p->end && p->p[1] == ']'))
            return beyond(p); /* a-z-9 */
        int from = class_char(p), to = from;
        if (p->p + 1 < p->end && *p->p == '-' && p->p[1] != ']' && from >= 0) {
            p->p++;
            if (*p->p == '\\' && p->p + 1 < p->end && strchr("dwsDWS", p->p[1]))
                return beyond(p);
            to = class_char(p);
        }
        if (from < 0 || to < from)
            return beyond(p);
        set_range(&s, (unsigned)from, (unsigned)to);
        first = false;
    }
    p->p++;
    if (p->icase) {
        fold_case(&s);
        p->ascii_only = true;
    }
    if (negated) {
        for (unsigned w = 0; w < 2; w++)
            s.bits[w] = ~s.bits[w];
    }
    return one_char(p, &s, negated);
}

static struct rnode *parse_alt(struct rparser *p);

static struct rnode *parse_escape(struct rparser *p)
{
    struct set s = {{0}};
    if (p->p >= p->end)
        return beyond(p);
    char c = *p->p++;
    if (class_escape(p, c, &s))
        return one_char(p, &s, false);
    int lit = literal_escape(c);
    if (lit < 0)
        return beyond(p);
    set_add(&s, (unsigned)lit);
    return one_char(p, &s, false);
}

static struct rnode *parse_atom(struct rparser *p)
{
    struct set s = {{0}};
    unsigned char c = (unsigned char)*p->p++;
    switch (c) {
    case '(':
        if (p->p < p->end && *p->p == '?') {
            if (p->p + 1 >= p->end || p->p[1] != ':')
                return beyond(p);
            p->p += 2;
        }
        if (++p->depth > GROUP_DEPTH)
            return beyond(p);
        struct rnode *n = parse_alt(p);
        p->depth--;
        if (p->p >= p->end || *p->p != ')')
            return beyond(p);
        p->p++;
        return n;
    case '[':
        return parse_class(p);
    case '\\':
        return parse_escape(p);
    case '.':
        set_range(&s, 0, 0x7F);
        s.bits[0] &= ~(UINT64_C(1) << '\n');
        return one_char(p, &s, true);
    case '^':
        return rnode(p, R_BEGIN, NULL, NULL);
    case '$':
        return rnode(p, R_END, NULL, NULL);
    case '*':
    case '+':
    case '?':
    case '{':
    case '}':
    case ']':
    case 0:
        return beyond(p);
    default:
        break;
    }
    if (c < 0x80) {
        set_add(&s, c);
        if (p->icase) {
            fold_case(&s);
            p->ascii_only |= is_alpha(c); /* k is also the Kelvin sign */
        }
        return one_char(p, &s, false);
    }
    /* a character beyond ASCII is its bytes; all of them are what a repetition repeats */
    if (p->icase)
        return beyond(p);
    struct rnode *bytes = range(p, c, c);
    while (p->p < p->end && ((unsigned char)*p->p & 0xC0) == 0x80) {
        bytes = cat(p, bytes, range(p, (unsigned char)*p->p, (unsigned char)*p->p));
        p->p++;
    }
    return bytes;
}

static bool parse_count(struct rparser *p, unsigned *out)
{
    unsigned v = 0, digits = 0;
    while (p->p < p->end && *p->p >= '0' && *p->p <= '9' && digits < 4) {
        v = v * 10 + (unsigned)(*p->p++ - '0');
        digits++;
    }
    *out = v;
    return digits > 0 && v <= REPEAT_MAX;
}

/* * + ? {n} {n,} {n,m} behind an atom, with the `?` that makes it lazy: for yes or no it does not
 * matter who is greedy. */
static struct rnode *parse_repeat(struct rparser *p)
{
    struct rnode *n = parse_atom(p);
    if (p->beyond || p->p >= p->end || !strchr("*+?{", *p->p) || *p->p == 0)
        return n;
    if (n->kind == R_BEGIN || n->kind == R_END)
        return beyond(p);
    struct rnode *rep = rnode(p, R_REPEAT, n, NULL);
    char c = *p->p++;
    rep->min = c == '+';
    rep->max = c == '?';
    if (c == '{') {
        if (!parse_count(p, &rep->min))
            return beyond(p);
        rep->max = rep->min;
        if (p->p < p->end && *p->p == ',') {
            p->p++;
            if (p->p < p->end && *p->p == '}')
                rep->max = 0;
            else if (!parse_count(p, &rep->max) || rep->max < rep->min || rep->max == 0)
                return beyond(p);
        } else if (rep->max == 0) {
            return beyond(p);
        }
        if (p->p >= p->end || *p->p++ != '}')
            return beyond(p);
    } else if (p->p < p->end && *p->p == '?') {
        p->p++;
    }
    if (p->p < p->end && *p->p && strchr("*+?{", *p->p))
        return beyond(p); /* possessive, or repeated twice: dialects differ */
    if (n->empty && n->anchor && rep->max != 1)
        return beyond(p); /* Oniguruma ends such a loop at its first empty turn */
    rep->empty = n->empty || rep->min == 0;
    return rep;
}

static struct rnode *parse_cat(struct rparser *p)
{
    struct rnode *n = NULL;
    while (!p->beyond && p->p < p->end && *p->p != '|' && *p->p != ')') {
        struct rnode *next = parse_repeat(p);
        n = n ? cat(p, n, next) : next;
    }
    return n ? n : rnode(p, R_EMPTY, NULL, NULL);
}

static struct rnode *parse_alt(struct rparser *p)
{
    struct rnode *n = parse_cat(p);
    while (!p->beyond && p->p < p->end && *p->p == '|') {
        p->p++;
        n = rnode(p, R_ALT, n, parse_cat(p));
    }
    return n;
}

static uint32_t emit(struct regex *re, enum nfa_op op)
{
    if (re->nnfa >= NFA_MAX)
        return 0;
    re->nfa[re->nnfa] = (struct nfa){op, 0, re->nnfa + 1, 0};
    return re->nnfa++;
}

/* Appends the machine for n; it ends by falling through. False when there are too many states. */
static bool build(struct regex *re, const struct rnode *n, unsigned depth)
{
    uint32_t split, jump;
    if (depth > NFA_MAX || re->nnfa + 4 > NFA_MAX)
        return false;
    switch (n->kind) {
    case R_EMPTY:
        return true;
    case R_BYTES:
        split = emit(re, N_BYTES);
        re->nfa[split].set = re->nsets;
        re->sets[re->nsets++] = n->set;
        return true;
    case R_BEGIN:
        emit(re, N_BEGIN);
        return true;
    case R_END:
        emit(re, N_END);
        return true;
    case R_CAT:
        return build(re, n->a, depth + 1) && build(re, n->b, depth + 1);
    case R_ALT:
        split = emit(re, N_SPLIT);
        if (!build(re, n->a, depth + 1))
            return false;
        jump = emit(re, N_JUMP);
        re->nfa[split].y = re->nnfa;
        if (!build(re, n->b, depth + 1))
            return false;
        re->nfa[jump].x = re->nnfa;
        return true;
    case R_REPEAT:
        for (unsigned i = 0; i < n->min; i++) {
            uint32_t before = re->nnfa;
            if (!build(re, n->a, depth + 1))
                return false;
            if (re->nnfa == before)
                return true; /* nothing, however often */
        }
        for (unsigned i = n->min; n->max == 0 ? i == n->min : i < n->max; i++) {
            if (re->nnfa + 4 > NFA_MAX)
                return false;
            split = emit(re, N_SPLIT);
            if (!build(re, n->a, depth + 1))
                return false;
            if (n->max == 0) {
                jump = emit(re, N_JUMP);
                re->nfa[jump].x = split;
            }
            re->nfa[split].y = re->nnfa;
        }
        return true;
    }
    return false;
}

/* The pattern as plain bytes, when no character of it means more. */
static bool plain(struct slice pattern)
{
    for (size_t i = 0; i < pattern.len; i++) {
        if (pattern.p[i] == 0 || strchr("\\.*+?()[]{}|^$", pattern.p[i]))
            return false;
    }
    return pattern.len > 0;
}

struct regex *regex_new(struct arena *a, struct slice pattern, bool icase)
{
    struct rparser p = {a, pattern.p, pattern.p + pattern.len, 0, icase, false, false};
    if (pattern.len > 1000)
        return NULL;
    struct rnode *tree = parse_alt(&p);
    if (p.beyond || p.p != p.end)
        return NULL;
    struct regex *re = ARENA_NEW(a, struct regex);
    re->a = a;
    re->ascii_only = p.ascii_only;
    re->is_literal = !icase && plain(pattern);
    re->literal = arena_slice(a, pattern);
    re->nfa = ARENA_ARRAY(a, struct nfa, NFA_MAX);
    re->sets = ARENA_ARRAY(a, struct set, NFA_MAX);
    if (!build(re, tree, 0) || re->nnfa + 1 >= NFA_MAX)
        return NULL;
    emit(re, N_MATCH);
    return re;
}

/* ---- matching ---- */

/* Adds state s and all that is reached without a byte. `begin`: at the start of the text. An N_END
 * waits as a member: it is passed when the text ends there. */
static void close_over(struct regex *re, uint64_t *members, uint32_t s, bool begin, bool end)
{
    uint32_t n = 0;
    re->stack[n++] = s;
    while (n > 0) {
        s = re->stack[--n];
        uint64_t bit = UINT64_C(1) << (s & 63);
        if (members[s >> 6] & bit)
            continue;
        members[s >> 6] |= bit;
        const struct nfa *f = &re->nfa[s];
        bool pass = f->op == N_JUMP || f->op == N_SPLIT || (f->op == N_BEGIN && begin) ||
                    (f->op == N_END && end);
        /* the stack never holds more than NFA_MAX: a state pushes at most two when first met, and
         * one of them is popped at once */
        if (pass && n < NFA_MAX)
            re->stack[n++] = f->x;
        if (f->op == N_SPLIT && n < NFA_MAX)
            re->stack[n++] = f->y;
    }
}

static bool has_match(const struct regex *re, const uint64_t *members)
{
    uint32_t m = re->nnfa - 1;
    return (members[m >> 6] >> (m & 63)) & 1;
}

/* From the members of one state over byte c to those of the next. A match may begin anywhere, so
 * state 0 is always among them, but no longer at the start of the text. */
static void step(struct regex *re, const uint64_t *from, unsigned char c, bool end, uint64_t *to)
{
    for (uint32_t s = 0; s < re->nnfa; s++) {
        if (((from[s >> 6] >> (s & 63)) & 1) && re->nfa[s].op == N_BYTES &&
            set_has(&re->sets[re->nfa[s].set], c))
            close_over(re, to, re->nfa[s].x, false, end);
    }
    close_over(re, to, 0, false, end);
}

/* The DFA state of these members, made when new; -1 when there is no room. */
static int dfa_state(struct regex *re, const uint64_t *members, bool begin)
{
    for (uint32_t i = 0; i < re->ndfa; i++) {
        if (re->dfa[i].begin == begin &&
            memcmp(re->dfa[i].members, members, sizeof(re->dfa[i].members)) == 0)
            return (int)i;
    }
    if (re->ndfa == DFA_MAX)
        return -1;
    struct dfa *d = &re->dfa[re->ndfa];
    memcpy(d->members, members, sizeof(d->members));
    memset(d->next, 0xFF, sizeof(d->next));
    d->begin = begin;
    d->match = has_match(re, members);
    uint64_t at_end[ARRAY_LEN(d->members)] = {0};
    for (uint32_t s = 0; s < re->nnfa; s++) {
        if ((members[s >> 6] >> (s & 63)) & 1)
            close_over(re, at_end, s, begin, true);
    }
    d->match_at_end = has_match(re, at_end);
    /* $ also stands in front of that newline, which may be matched all the same */
    uint64_t behind[ARRAY_LEN(d->members)] = {0};
    step(re, at_end, '\n', true, behind);
    d->match_at_last_newline = d->match_at_end || has_match(re, behind);
    return (int)re->ndfa++;
}

static int dfa_start(struct regex *re)
{
    uint64_t members[(NFA_MAX + 63) / 64] = {0};
    if (!re->dfa)
        re->dfa = ARENA_ARRAY(re->a, struct dfa, DFA_MAX);
    close_over(re, members, 0, true, false);
    return dfa_state(re, members, true);
}

static int dfa_step(struct regex *re, int from, unsigned char c)
{
    uint64_t members[(NFA_MAX + 63) / 64] = {0};
    step(re, re->dfa[from].members, c, false, members);
    return dfa_state(re, members, false);
}

static bool contains(struct slice in, struct slice what)
{
    const char *p = in.p, *end = in.p + in.len;
    while ((size_t)(end - p) >= what.len) {
        p = memchr(p, what.p[0], (size_t)(end - p) - what.len + 1);
        if (!p)
            return false;
        if (memcmp(p, what.p, what.len) == 0)
            return true;
        p++;
    }
    return false;
}

static bool is_utf8_or_ascii(struct slice s, bool *ascii)
{
    *ascii = true;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c < 0x80)
            continue;
        *ascii = false;
        size_t tail = c >= 0xC2 && c <= 0xDF   ? 1
                      : c >= 0xE0 && c <= 0xEF ? 2
                      : c >= 0xF0 && c <= 0xF4 ? 3
                                               : 0;
        if (tail == 0 || s.len - i <= tail)
            return false;
        while (tail-- > 0) {
            if (((unsigned char)s.p[++i] & 0xC0) != 0x80)
                return false;
        }
    }
    return true;
}

enum regex_answer regex_test(struct regex *re, struct slice s)
{
    bool ascii;
    if (!is_utf8_or_ascii(s, &ascii) || (re->ascii_only && !ascii))
        return REGEX_ASK;
    if (re->is_literal)
        return contains(s, re->literal) ? REGEX_YES : REGEX_NO;
    int at = re->ndfa ? 0 : dfa_start(re);
    for (size_t i = 0;; i++) {
        const struct dfa *d = &re->dfa[at];
        if (d->match)
            return REGEX_YES;
        if (i == s.len)
            return d->match_at_end ? REGEX_YES : REGEX_NO;
        if (i + 1 == s.len && s.p[i] == '\n')
            return d->match_at_last_newline ? REGEX_YES : REGEX_NO;
        unsigned char c = (unsigned char)s.p[i];
        int next = d->next[c];
        if (next < 0) {
            next = dfa_step(re, at, c);
            if (next < 0) {
                /* full: begin anew, and let libjq have this text */
                re->ndfa = 0;
                dfa_start(re);
                return REGEX_ASK;
            }
            re->dfa[at].next[c] = (int16_t)next;
        }
        at = next;
    }
}
