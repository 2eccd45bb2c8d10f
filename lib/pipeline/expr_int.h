/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of expr share: the syntax tree, the typed program, the run over one batch. Not for
 * others; expr.h is the face.
 *
 * source --expr_parse--> struct ast --expr_check--> columns read, names and types checked
 *        --expr_lower--> struct vnode, a typed tree of column operations (or: libjq must do it)
 *        --expr_run--> struct vec per node, over one batch
 */
#ifndef FORELINE_EXPR_INT_H
#define FORELINE_EXPR_INT_H

#include "base/arena.h"
#include "json/jq.h"
#include "pipeline/expr.h"
#include "base/regex.h"

/* ---- syntax ---- */

enum ast_kind {
    AST_DOT,
    AST_FIELD,  /* kid[0].text */
    AST_INDEX,  /* kid[0][kid[1]] */
    AST_SLICE,  /* kid[0][kid[1]:kid[2]], either may be NULL */
    AST_ITER,   /* kid[0][] */
    AST_NUMBER, /* num; inum when is_int */
    AST_STRING, /* text */
    AST_INTERP, /* kids are joined as strings; text the @format or empty */
    AST_NULL,
    AST_TRUE,
    AST_FALSE,
    AST_BINARY, /* op: one of the enum binary_op */
    AST_NEGATE,
    AST_AND,
    AST_OR,
    AST_ALT,
    AST_PIPE,
    AST_COMMA,
    AST_IF,    /* kids: condition, then, else */
    AST_CALL,  /* text(kids) */
    AST_AS,    /* kid[0] as $text | kid[1] */
    AST_VAR,   /* $text */
    AST_TRY,   /* kid[0]? */
    AST_BUILD, /* array or object construction; kids: everything inside */
};
enum binary_op {
    OP_ADD,
    OP_SUB,
    OP_MUL,
    OP_DIV,
    OP_MOD,
    OP_EQ,
    OP_NE,
    OP_LT,
    OP_LE,
    OP_GT,
    OP_GE,
};
struct ast {
    enum ast_kind kind;
    enum binary_op op;
    uint32_t at;    /* byte offset in the source */
    uint32_t depth; /* of the tree below; bounded, so that walks may recurse */
    bool is_int;
    struct slice text;
    double num;
    int64_t inum;
    uint32_t n;
    struct ast **kid;
};
/* NULL when the source is beyond the grammar known here (or wrong): *stop says where. */
struct ast *expr_parse(struct arena *a, const char *source, uint32_t *stop);
/* The text of an operator, for messages. */
const char *binary_op_text(enum binary_op op);

/* ---- checks that hold for both engines ---- */

struct reads {
    bool *used; /* per column */
    bool all;   /* the record as a whole is looked at */
};
/* Marks the columns that the program reads; an unknown column, or a column compared with a literal
 * of another type, is an error that says where. */
bool expr_check(const char *source, const struct ast *t, const struct schema *in,
                struct reads *reads, struct err *err);
/* Fills err with "character N: …" and returns false. */
bool expr_err_at(struct err *err, const char *source, uint32_t at, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
/* The type that a libjq program gives whenever it gives a value that is not null; TYPE_JSON when
 * its text does not tell. */
enum type expr_jq_type(const struct ast *t);

/* ---- the typed program ---- */

enum vt { VT_NULL, VT_BOOL, VT_NUM, VT_STR };
const char *vt_name(enum vt t);

enum vop {
    V_CONST,
    V_FIELD,
    V_REF, /* the value of a, which has been computed already (`.` behind a pipe, a variable) */
    V_LET, /* a, then b, which refers to it */
    V_ARITH,
    V_NEGATE,
    V_CONCAT,
    V_COMPARE,
    V_AND,
    V_OR,
    V_NOT,
    V_ALT,
    V_IF,
    V_MATH1,
    V_MATH2,
    V_LENGTH,
    V_BYTES,
    V_CASE,
    V_PREFIX,
    V_SUFFIX,
    V_CONTAINS,
    V_LTRIM,
    V_RTRIM,
    V_SLICE,
    V_SPLIT,
    V_PARTS, /* only while lowering: `.` behind split(b) of a */
    V_TEST,
    V_TOSTRING,
    V_TONUMBER,
    V_TYPE,
    V_ISNAN,
    V_ISINF,
    V_ISNORMAL,
    V_TODATE,
    V_FROMDATE,
};

/* One value per row. `valid` NULL: no row is null. Of the others the one of the node's type is set
 * (i in place of f when the node is_int). */
struct vec {
    const uint64_t *valid;
    const double *f;
    const int64_t *i;
    const uint64_t *b; /* bit per row; 0 where null */
    const struct text *s;
};

struct vnode {
    enum vop op;
    enum vt vt;
    enum type ct; /* the column type that a result of this node gets */
    bool nullable;
    bool is_int;     /* exact 64-bit integers in vec.i */
    bool non_finite; /* NaN or an infinity may come out */
    bool nan;        /* and NaN without an overflow before it; it becomes null */
    bool keep;       /* its bytes are (part of) the result */
    bool upper;      /* V_CASE */
    uint32_t col;    /* V_FIELD */
    enum binary_op bop;
    struct vnode *a, *b, *c;
    double (*math1)(double);
    double (*math2)(double, double);
    const char *name; /* of a function, for messages */
    /* V_CONST; valid when !nullable */
    double kf;
    int64_t ki;
    bool kb;
    struct text ks;
    /* V_SLICE, V_SPLIT */
    bool has_from, has_to;
    double from, to;
    /* V_TEST */
    struct regex *re;
    const char *jq_test; /* the same test for libjq, for subjects that `re` leaves to it */
    /* V_TEST, V_TONUMBER: for what they leave to libjq, made on first use */
    struct jq_program *jq;
    /* what a run leaves: vectors of BATCH_ROWS, made on first use */
    struct vec out;
    double *fbuf, *fconv;
    int64_t *ibuf;
    uint64_t *bbuf, *vbuf;
    struct text *sbuf;
};

/* What lowering found. */
enum lowered { LOWERED, LOWER_TO_JQ, LOWER_ERROR };
enum lowered expr_lower(struct expr *e, const struct ast *t, const struct schema *in,
                        struct vnode **out, struct err *err);

struct expr {
    struct arena *a; /* of the caller: lives as long as the expression */
    const char *source;
    enum type type;
    bool nullable;
    uint32_t *reads, nreads;
    const char *warning;
    bool pass; /* column reads[0] as it is */
    /* vector engine */
    struct vnode *root; /* NULL: libjq */
    struct arena mem;   /* vectors of the nodes */
    struct arena scratch;
    struct vnode **askers; /* nodes whose libjq program must be freed */
    uint32_t naskers;
    /* libjq */
    struct jq_program *jq;
    const char **keys; /* per column read: `"name":` */
    struct buf record, result;
};

/* ---- running over a batch ---- */

struct run {
    struct expr *e;
    const struct batch *in;
    uint32_t rows, words;
    struct expr_result *r;
    struct arena *bytes; /* of results; everything else goes to e->scratch */
    struct err *err;     /* of the run itself, not of rows */
    bool broken;
};
/* Computes n->out for the rows of `mask`; rows that fail go to run->r. */
void expr_run_node(struct run *r, struct vnode *n, const uint64_t *mask);
/* Marks rows of `bits` within `mask` as failed, unless they have failed already. */
void run_fail(struct run *r, const uint64_t *bits, const uint64_t *mask, const char *reason);
void run_fail_row(struct run *r, uint32_t row, const char *reason);
static inline bool bit_get(const uint64_t *bits, uint32_t i)
{
    return (bits[i >> 6] >> (i & 63)) & 1;
}
static inline void bit_set(uint64_t *bits, uint32_t i)
{
    bits[i >> 6] |= UINT64_C(1) << (i & 63);
}
/* All valid when there is no bitmap. */
static inline uint64_t valid_word(const uint64_t *valid, uint32_t w)
{
    return valid ? valid[w] : ~UINT64_C(0);
}
/* Vectors of a node, made on first use. */
double *node_f(struct run *r, struct vnode *n);
int64_t *node_i(struct run *r, struct vnode *n);
uint64_t *node_b(struct run *r, struct vnode *n);
uint64_t *node_v(struct run *r, struct vnode *n);
struct text *node_s(struct run *r, struct vnode *n);
/* A child's values as doubles or texts: converted or spread out where they are integers or a
 * constant. */
const double *vec_f(struct run *r, struct vnode *n);
const int64_t *vec_i(struct run *r, struct vnode *n);
const struct text *vec_s(struct run *r, struct vnode *n);
/* Where the bytes that node n makes belong. */
struct arena *node_bytes(struct run *r, const struct vnode *n);
/* mask & valid(a) & valid(b); b may be NULL. */
void both_valid(const struct run *r, const struct vnode *a, const struct vnode *b,
                const uint64_t *mask, uint64_t *out);
/* Neither null nor false. */
void truthy(const struct run *r, const struct vnode *n, uint64_t *out);

/* Kernels by family: they compute n->out from the children, which have been computed. */
void kernel_arith(struct run *r, struct vnode *n, const uint64_t *mask);
void kernel_negate(struct run *r, struct vnode *n, const uint64_t *mask);
void kernel_math(struct run *r, struct vnode *n, const uint64_t *mask);
void kernel_compare(struct run *r, struct vnode *n);
void kernel_string(struct run *r, struct vnode *n, const uint64_t *mask);
void kernel_test(struct run *r, struct vnode *n, const uint64_t *mask);
void kernel_tonumber(struct run *r, struct vnode *n, const uint64_t *mask);
void kernel_todate(struct run *r, struct vnode *n, const uint64_t *mask);
void kernel_fromdate(struct run *r, struct vnode *n, const uint64_t *mask);
/* tonumber as jq 1.6 reads a string. */
enum tonumber {
    TONUMBER_NO,
    TONUMBER_YES,
    TONUMBER_ASK, /* of a kind that only libjq knows (nan, infinity, odd blanks, NUL) */
};
enum tonumber expr_tonumber(struct slice s, double *out);
/* The answer of a small libjq program to one string, compiled on first use. False when it fails;
 * then *reason says why. */
bool expr_ask_jq(struct run *r, struct vnode *n, const char *program, struct slice s,
                 struct buf *out, const char **reason);

/* ---- libjq ---- */

/* Compiles the program and notes what of the record it needs (e->reads). */
bool expr_jq_new(struct expr *e, const struct schema *in, const struct reads *reads,
                 struct err *err);
/* Evaluates for every row: into `out` (vectors there, of type e->type) or, when that is NULL, sets
 * the bits of `keep` where the result is neither false nor null. */
bool expr_jq_run(struct run *r, struct column *out, uint64_t *keep);

#endif
