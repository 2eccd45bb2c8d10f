/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rejects. See reject.h. */
#include "engine/reject.h"

#include <stdlib.h>

#include "base/num.h"
#include "json/json.h"

#define PENDING_BYTES 65536u

bool engine_limit_parse(const char *text, struct engine_limit *out)
{
    size_t n = strlen(text);
    *out = (struct engine_limit){.given = true};
    if (n && text[n - 1] == '%') {
        out->percent = true;
        return num_parse_percent(text, &out->value);
    }
    int64_t i;
    if (!num_parse_int(slice_str(text), &i) || i < 0)
        return false;
    out->value = (double)i;
    return true;
}

bool rejects_open(struct rejects *r, const char *path, const struct engine_limit *limit,
                  struct err *err)
{
    *r = (struct rejects){.limit = *limit, .to_file = path != NULL};
    arena_init(&r->mem, NULL);
    r->pending = BUF_INIT(BUF_UNBOUNDED);
    if (path && !atomic_open(&r->file, path, err))
        return false;
    r->opened = path != NULL;
    return true;
}

static void flush(struct rejects *r)
{
    if (!r->write_failed && r->pending.len &&
        !atomic_write(&r->file, r->pending.p, r->pending.len, &r->write_err))
        r->write_failed = true;
    buf_clear(&r->pending);
}

void rejects_add(struct rejects *r, const struct reject *what)
{
    r->n++;
    if (!r->first) {
        struct quoted q;
        if (what->path && what->line)
            r->first = arena_printf(&r->mem, "%s:%llu: ", quote_str(&q, what->path),
                                    (unsigned long long)what->line);
        else
            r->first = arena_printf(&r->mem, "stage '%s': ", quote_str(&q, what->stage));
        r->first = arena_printf(&r->mem, "%s%s%s%s", r->first, what->column ? "column '" : "",
                                what->column ? quote_str(&q, what->column) : "",
                                what->column ? "': " : "");
        r->first = arena_printf(&r->mem, "%s%s", r->first, what->reason ? what->reason : "bad");
    }
    if (r->limit.given ? !r->limit.percent && (double)r->n > r->limit.value : !r->to_file)
        r->exceeded = true;
    if (!r->opened)
        return;
    struct jw w;
    jw_begin(&w, &r->pending);
    jw_obj(&w);
    jw_kstr(&w, "stage", what->stage);
    jw_kstr(&w, "path", what->path);
    jw_key(&w, "line");
    if (what->line)
        jw_int(&w, (int64_t)what->line);
    else
        jw_null(&w);
    jw_kstr(&w, "column", what->column);
    jw_kstr(&w, "reason", what->reason);
    jw_kstr(&w, "rule", what->rule);
    jw_key(&w, "record");
    if (what->record_is_json)
        jw_raw(&w, what->record);
    else
        jw_slice(&w, what->record);
    jw_end_obj(&w);
    buf_addc(&r->pending, '\n');
    if (r->pending.len >= PENDING_BYTES)
        flush(r);
}

bool rejects_check(struct rejects *r, uint64_t read, struct err *err)
{
    if (r->write_failed) {
        *err = r->write_err;
        return false;
    }
    if (r->limit.given && r->limit.percent && read > 0 &&
        (double)r->n > r->limit.value * (double)read)
        r->exceeded = true;
    if (!r->exceeded)
        return true;
    const char *records = r->n == 1 ? "record" : "records";
    if (r->limit.given && r->limit.percent)
        return err_set(err, ERR_DATA, "%s (%llu %s rejected, more than --max-rejects %g%%)",
                       r->first, (unsigned long long)r->n, records, r->limit.value * 100);
    if (r->limit.given && r->limit.value > 0)
        return err_set(err, ERR_DATA, "%s (%llu %s rejected, more than --max-rejects %.0f)",
                       r->first, (unsigned long long)r->n, records, r->limit.value);
    return err_set(err, ERR_DATA,
                   "%s (a bad record ends the run; --reject FILE puts such records aside)",
                   r->first);
}

bool rejects_ready(struct rejects *r, struct err *err)
{
    if (!r->opened)
        return true;
    flush(r);
    if (r->write_failed) {
        *err = r->write_err;
        return false;
    }
    return atomic_ready(&r->file, err);
}

bool rejects_commit(struct rejects *r, struct err *err)
{
    if (!r->opened)
        return true;
    if (!rejects_ready(r, err))
        return false;
    r->opened = false;
    return atomic_commit(&r->file, err);
}

void rejects_release(struct rejects *r)
{
    if (r->opened)
        atomic_abort(&r->file);
    buf_release(&r->pending);
    arena_release(&r->mem);
    *r = (struct rejects){0};
}
