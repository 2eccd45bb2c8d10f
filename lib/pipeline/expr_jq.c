/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Expressions that only libjq can run: the columns that the program reads become a JSON record, row
 * by row, and its one result becomes a value again.
 */
#include <math.h>
#include <string.h>

#include "base/num.h"
#include "json/json.h"
#include "pipeline/expr_int.h"

/* contracts.md section 2 has no larger record. */
#define RESULT_MAX JSON_LINE_MAX

bool expr_jq_new(struct expr *e, const struct schema *in, const struct reads *reads,
                 struct err *err)
{
    struct buf key = BUF_INIT(BUF_UNBOUNDED);
    e->jq = jq_program_new(e->source, err);
    if (!e->jq)
        return false;
    e->nreads = 0;
    e->reads = ARENA_ARRAY(e->a, uint32_t, in->n + 1);
    e->keys = ARENA_ARRAY(e->a, const char *, in->n + 1);
    for (uint32_t i = 0; i < in->n; i++) {
        if (!reads->all && !reads->used[i])
            continue;
        buf_clear(&key);
        json_quote(&key, slice_str(in->fields[i].name));
        buf_addc(&key, ':');
        e->keys[e->nreads] = arena_strndup(e->a, key.p, key.len);
        e->reads[e->nreads++] = i;
    }
    buf_release(&key);
    e->record = BUF_INIT(BUF_UNBOUNDED);
    e->result = BUF_INIT(RESULT_MAX);
    return true;
}

static void add_value(struct buf *out, const struct column *c, uint32_t row)
{
    char text[NUM_TEXT_MAX];
    if (!column_valid(c, row)) {
        buf_adds(out, "null");
        return;
    }
    switch (c->type) {
    case TYPE_BOOLEAN:
        buf_adds(out, c->v.b8[row] ? "true" : "false");
        break;
    case TYPE_INTEGER:
        buf_add(out, text, num_format_int(text, c->v.i64[row]));
        break;
    case TYPE_FLOAT:
        if (c->v.f64[row] == 0 && signbit(c->v.f64[row]))
            buf_adds(out, "-0");
        else
            buf_add(out, text, num_format_double(text, c->v.f64[row]));
        break;
    case TYPE_JSON:
        buf_add_slice(out, text_slice(c->text[row]));
        break;
    default:
        json_quote(out, text_slice(c->text[row]));
        break;
    }
}

static void make_record(struct expr *e, const struct batch *in, uint32_t row)
{
    buf_clear(&e->record);
    buf_addc(&e->record, '{');
    for (uint32_t k = 0; k < e->nreads; k++) {
        if (k > 0)
            buf_addc(&e->record, ',');
        buf_adds(&e->record, e->keys[k]);
        add_value(&e->record, &in->cols[e->reads[k]], row);
    }
    buf_addc(&e->record, '}');
}

/* The result as column `out` has it; false when it is of another type than the program's text
 * promises. */
static bool take_value(struct run *r, struct column *out, uint32_t row, struct slice json)
{
    if (slice_is(json, "null"))
        return true;
    switch (out->type) {
    case TYPE_BOOLEAN:
        out->v.b8[row] = slice_is(json, "true");
        if (!out->v.b8[row] && !slice_is(json, "false"))
            return false;
        break;
    case TYPE_FLOAT:
        if (!num_parse_float(json, &out->v.f64[row]))
            return false;
        break;
    case TYPE_STRING: {
        struct buf text = BUF_INIT(BUF_UNBOUNDED);
        bool ok = json.len >= 2 && json.p[0] == '"' &&
                  json_unquote(&text, slice_of(json.p + 1, json.len - 2));
        struct slice s = ok ? arena_slice(r->bytes, buf_slice(&text)) : SLICE_LIT("");
        buf_release(&text);
        out->text[row] = (struct text){s.p, (uint32_t)s.len, 0};
        if (!ok)
            return false;
        break;
    }
    default: {
        struct slice s = arena_slice(r->bytes, json);
        out->text[row] = (struct text){s.p, (uint32_t)s.len, 0};
        break;
    }
    }
    column_set_valid(out, row);
    return true;
}

bool expr_jq_run(struct run *r, struct column *out, uint64_t *keep)
{
    struct expr *e = r->e;
    for (uint32_t row = 0; row < r->rows; row++) {
        struct err err = ERR_INIT;
        size_t results;
        if (out && out->text)
            out->text[row] = (struct text){"", 0, 0};
        make_record(e, r->in, row);
        if (!jq_program_run(e->jq, buf_slice(&e->record), &e->result, &results, &err)) {
            if (err.kind == ERR_ENV)
                return err_set(r->err, ERR_ENV, "%s", err.text);
            run_fail_row(r, row, arena_strdup(&e->scratch, err.text));
        } else if (results != 1) {
            run_fail_row(r, row,
                         results == 0 ? "the expression gives no value"
                                      : "the expression gives several values");
        } else if (keep) {
            struct slice s = buf_slice(&e->result);
            if (!slice_is(s, "null") && !slice_is(s, "false"))
                bit_set(keep, row);
        } else if (!take_value(r, out, row, buf_slice(&e->result))) {
            run_fail_row(r, row, "the result has an unexpected type");
        }
    }
    return true;
}
