/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The face of expressions: choose the engine when made, hand batches to it, turn what comes out
 * into a column. Nothing here knows jq's rules.
 */
#include "pipeline/expr.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "pipeline/expr_int.h"

/* Longer ones are no expressions; libjq's compiler recurses over them. */
#define SOURCE_MAX 65536

static void set_result_type(struct expr *e, const struct vnode *n)
{
    e->type = n->ct;
    e->nullable = n->nullable || n->nan;
}

/* The call that libjq's message names ("NAME/2 is not defined", "'NAME' is not available"). */
static const struct ast *named_call(const struct ast *t, const char *message)
{
    size_t n = t->text.len, quote = message[0] == '\'';
    if (t->kind == AST_CALL && n > 0 && strncmp(message + quote, t->text.p, n) == 0 &&
        message[quote + n] == (quote ? '\'' : '/'))
        return t;
    for (uint32_t i = 0; i < t->n; i++) {
        const struct ast *hit = t->kid[i] ? named_call(t->kid[i], message) : NULL;
        if (hit)
            return hit;
    }
    return NULL;
}

static bool use_jq(struct expr *e, const struct ast *t, uint32_t stop, const struct schema *in,
                   struct reads *reads, struct err *err)
{
    struct err why = ERR_INIT;
    reads->all |= !t;
    if (!expr_jq_new(e, in, reads, &why)) {
        const struct ast *call = t ? named_call(t, why.text) : NULL;
        if (why.kind != ERR_DATA || (t && !call))
            return err_set(err, why.kind, "%s", why.text);
        return expr_err_at(err, e->source, call ? call->at : stop, "%s", why.text);
    }
    e->type = t ? expr_jq_type(t) : TYPE_JSON;
    e->nullable = true;
    return true;
}

bool expr_new(struct arena *a, const char *source, const struct schema *in, struct expr **out,
              struct err *err)
{
    struct expr *e = ARENA_NEW(a, struct expr);
    uint32_t stop = 0;
    *out = NULL;
    if (strlen(source) > SOURCE_MAX)
        return err_set(err, ERR_DATA, "the expression is longer than %d bytes", SOURCE_MAX);
    e->a = a;
    e->source = arena_strdup(a, source);
    arena_init(&e->mem, NULL);
    arena_init(&e->scratch, NULL);
    struct reads reads = {ARENA_ARRAY(a, bool, in->n + 1), false};
    struct ast *t = expr_parse(a, e->source, &stop);
    bool ok = !t || expr_check(e->source, t, in, &reads, err);
    if (ok && t && t->kind == AST_FIELD && t->kid[0]->kind == AST_DOT) {
        /* a column passed on, of whatever type */
        int c = schema_find(in, t->text);
        e->pass = true;
        e->type = in->fields[c].type;
        e->nullable = in->fields[c].nullable;
        e->reads = ARENA_ARRAY(a, uint32_t, 1);
        e->reads[0] = (uint32_t)c;
        e->nreads = 1;
    } else if (ok) {
        enum lowered how = t ? expr_lower(e, t, in, &e->root, err) : LOWER_TO_JQ;
        if (how == LOWERED)
            set_result_type(e, e->root);
        ok = how == LOWERED || (how == LOWER_TO_JQ && use_jq(e, t, stop, in, &reads, err));
    }
    if (!ok) {
        expr_release(e);
        return false;
    }
    *out = e;
    return true;
}

void expr_release(struct expr *e)
{
    if (!e)
        return;
    for (uint32_t i = 0; i < e->naskers; i++)
        jq_program_free(e->askers[i]->jq);
    e->naskers = 0;
    jq_program_free(e->jq);
    e->jq = NULL;
    buf_release(&e->record);
    buf_release(&e->result);
    arena_release(&e->mem);
    arena_release(&e->scratch);
}

enum type expr_type(const struct expr *e)
{
    return e->type;
}

bool expr_nullable(const struct expr *e)
{
    return e->nullable;
}

const char *expr_source(const struct expr *e)
{
    return e->source;
}

const char *expr_engine(const struct expr *e)
{
    return e->jq ? "libjq" : "vector";
}

const uint32_t *expr_reads(const struct expr *e, uint32_t *n)
{
    *n = e->nreads;
    return e->reads;
}

const char *expr_warning(const struct expr *e)
{
    return e->warning;
}

static void active_rows(uint32_t rows, uint64_t *mask)
{
    for (uint32_t w = 0; w < BATCH_WORDS; w++) {
        uint32_t from = w * 64, left = rows > from ? rows - from : 0;
        mask[w] = left >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << left) - 1;
    }
}

static void store_numbers(struct run *r, struct vnode *n, struct column *c)
{
    if (c->type == TYPE_INTEGER) {
        memcpy(c->v.i64, vec_i(r, n), r->rows * sizeof(int64_t));
        return;
    }
    memcpy(c->v.f64, vec_f(r, n), r->rows * sizeof(double));
    if (!n->non_finite)
        return;
    /* as jq shows them: NaN as null, the infinities as the largest double */
    for (uint32_t i = 0; i < r->rows; i++) {
        double d = c->v.f64[i];
        if (isfinite(d))
            continue;
        if (isnan(d))
            c->valid[i >> 6] &= ~(UINT64_C(1) << (i & 63));
        c->v.f64[i] = isnan(d) ? 0 : d > 0 ? DBL_MAX : -DBL_MAX;
    }
}

static void store(struct run *r, struct vnode *n, struct column *c, const uint64_t *mask)
{
    for (uint32_t w = 0; w < r->words; w++)
        c->valid[w] = mask[w] & valid_word(n->out.valid, w) & ~r->r->failed[w];
    switch (n->vt) {
    case VT_NUM:
        store_numbers(r, n, c);
        break;
    case VT_BOOL:
        for (uint32_t i = 0; i < r->rows; i++)
            c->v.b8[i] = bit_get(n->out.b, i);
        break;
    case VT_STR:
        memcpy(c->text, vec_s(r, n), r->rows * sizeof(struct text));
        break;
    case VT_NULL:
        for (uint32_t i = 0; i < r->rows; i++)
            c->text[i] = (struct text){"", 0, 0};
        break;
    }
}

bool expr_eval(struct expr *e, struct batch *in, struct batch *dst, uint32_t c,
               struct expr_result *res, struct err *err)
{
    uint64_t mask[BATCH_WORDS];
    *res = (struct expr_result){{0}, 0, NULL};
    arena_clear(&e->scratch);
    if (e->pass) {
        dst->cols[c] = in->cols[e->reads[0]];
        return true;
    }
    struct run r = {e, in, in->rows, (in->rows + 63) / 64, res, &dst->mem, err, false};
    column_alloc(dst, c, e->type, false);
    if (e->jq)
        return expr_jq_run(&r, &dst->cols[c], NULL);
    active_rows(in->rows, mask);
    expr_run_node(&r, e->root, mask);
    if (!r.broken)
        store(&r, e->root, &dst->cols[c], mask);
    return !r.broken;
}

bool expr_test(struct expr *e, struct batch *in, uint64_t *keep, struct expr_result *res,
               struct err *err)
{
    uint64_t mask[BATCH_WORDS];
    *res = (struct expr_result){{0}, 0, NULL};
    memset(keep, 0, BATCH_WORDS * sizeof(uint64_t));
    arena_clear(&e->scratch);
    struct run r = {e, in, in->rows, (in->rows + 63) / 64, res, &e->scratch, err, false};
    if (e->jq)
        return expr_jq_run(&r, NULL, keep);
    active_rows(in->rows, mask);
    if (e->pass) {
        const struct column *col = &in->cols[e->reads[0]];
        for (uint32_t i = 0; i < in->rows; i++) {
            bool yes = column_valid(col, i);
            if (yes && col->type == TYPE_BOOLEAN)
                yes = col->v.b8[i];
            else if (yes && col->type == TYPE_JSON)
                yes = !slice_is(text_slice(col->text[i]), "null") &&
                      !slice_is(text_slice(col->text[i]), "false");
            keep[i >> 6] |= (uint64_t)yes << (i & 63);
        }
        return true;
    }
    expr_run_node(&r, e->root, mask);
    truthy(&r, e->root, keep);
    for (uint32_t w = 0; w < r.words; w++)
        keep[w] &= mask[w] & ~res->failed[w];
    return !r.broken;
}
