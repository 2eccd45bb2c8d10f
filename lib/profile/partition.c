/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The profiles of one pane by the text of a column: found, made, merged, given out. */
#include <math.h>

#include "profile/route.h"

struct route_pane *partition_pane_new(int64_t index, bool placed)
{
    struct route_pane *pane = xcalloc(1, sizeof(*pane));
    pane->index = index;
    pane->placed = placed;
    return pane;
}

void partition_pane_free(struct route *r, struct route_pane *pane)
{
    for (size_t i = 0; i < pane->n; i++) {
        if (r->recent == pane->parts[i])
            r->recent = NULL;
        profile_free(pane->parts[i]->p);
        free(pane->parts[i]);
    }
    free(pane->parts);
    map_release(&pane->by_value);
    free(pane);
}

/* How many profiles a new one shares the memory with. */
static uint64_t crowd(const struct route *r, const struct route_pane *pane)
{
    uint64_t panes = 1;
    if (r->parts.window > 0)
        panes = r->parts.window / r->parts.slide;
    else if (r->parts.window_us > 0)
        panes = (uint64_t)(r->parts.window_us / r->parts.slide_us);
    if (panes > 1) /* to be merged: all alike */
        return panes * (r->by >= 0 ? r->parts.max_partitions : 1);
    return pane->n + 1;
}

static struct route_part *part_new(struct route *r, struct route_pane *pane, enum route_kind kind,
                                   uint64_t record)
{
    struct route_part *part = xcalloc(1, sizeof(*part));
    part->p = profile_new_among(&r->schema, r->json, &r->o, crowd(r, pane));
    part->pane = pane;
    part->kind = kind;
    part->born = record;
    part->time_min = INT64_MAX;
    part->time_max = INT64_MIN;
    if (pane->n == pane->cap) {
        pane->cap = pane->cap ? 2 * pane->cap : 4;
        pane->parts = xreallocarray(pane->parts, pane->cap, sizeof(struct route_part *));
    }
    pane->parts[pane->n++] = part;
    return part;
}

static struct route_part *part_at(struct route *r, struct route_pane *pane, size_t *at,
                                  enum route_kind kind, uint64_t record)
{
    if (*at == 0) {
        part_new(r, pane, kind, record);
        *at = pane->n;
    }
    return pane->parts[*at - 1];
}

/* `max`: values that have a part of their own. */
static struct route_part *part_of_value(struct route *r, struct route_pane *pane,
                                        struct slice value, size_t max, uint64_t record)
{
    struct map_entry *e = map_get(&pane->by_value, value);
    if (e == NULL) {
        if (pane->by_value.len >= max)
            return part_at(r, pane, &pane->rest_part, ROUTE_REST, record);
        e = map_put(&pane->by_value, value, NULL);
        e->v.num = (int64_t)pane->n;
        part_new(r, pane, ROUTE_VALUE, record)->value = e->key;
    }
    return pane->parts[e->v.num];
}

struct route_part *partition_of(struct route *r, struct route_pane *pane, const struct text *value,
                                uint64_t record)
{
    if (r->by < 0)
        return pane->n > 0 ? pane->parts[0] : part_new(r, pane, ROUTE_ALL, record);
    if (value == NULL)
        return part_at(r, pane, &pane->null_part, ROUTE_NULL, record);
    return part_of_value(r, pane, text_slice(*value), r->parts.max_partitions, record);
}

struct route_part *partition_like(struct route *r, struct route_pane *to,
                                  const struct route_part *part)
{
    switch (part->kind) {
    case ROUTE_NULL:
        return part_at(r, to, &to->null_part, ROUTE_NULL, part->born);
    case ROUTE_REST:
        return part_at(r, to, &to->rest_part, ROUTE_REST, part->born);
    case ROUTE_VALUE:
        return part_of_value(r, to, part->value, SIZE_MAX, part->born);
    case ROUTE_ALL:
        break;
    }
    return partition_of(r, to, NULL, part->born);
}

bool partition_merge(struct route *r, struct route_pane *to, const struct route_pane *from,
                     struct err *err)
{
    for (size_t i = 0; i < from->n; i++) {
        struct route_part *f = from->parts[i], *t = partition_like(r, to, f);
        profile_settle(f->p);
        if (!profile_merge(t->p, f->p, err))
            return false;
        t->born = f->born < t->born ? f->born : t->born;
        if (f->first > 0) {
            t->first = t->first == 0 || f->first < t->first ? f->first : t->first;
            t->last = f->last > t->last ? f->last : t->last;
        }
        t->time_min = f->time_min < t->time_min ? f->time_min : t->time_min;
        t->time_max = f->time_max > t->time_max ? f->time_max : t->time_max;
        t->bytes += f->bytes;
        if (f->over > 0 && (t->over == 0 || f->over_line < t->over_line))
            t->over_line = f->over_line;
        t->over += f->over;
    }
    return true;
}

static int by_birth(const void *a, const void *b)
{
    const struct route_part *x = *(struct route_part *const *)a;
    const struct route_part *y = *(struct route_part *const *)b;
    if (x->born != y->born)
        return x->born < y->born ? -1 : 1;
    return (x->kind > y->kind) - (x->kind < y->kind);
}

/* FIELD=VALUE; FIELD for null; * for the rest. */
static const char *partition_text(const struct route *r, const struct route_part *part,
                                  struct buf *text)
{
    if (part->kind == ROUTE_ALL)
        return NULL;
    buf_clear(text);
    if (part->kind == ROUTE_REST) {
        buf_adds(text, "*");
    } else {
        buf_adds(text, r->schema.fields[r->by].name);
        if (part->kind == ROUTE_VALUE) {
            buf_addc(text, '=');
            for (size_t i = 0; i < part->value.len; i++) /* a text without end, like names */
                if (part->value.p[i] != '\0')
                    buf_addc(text, part->value.p[i]);
                else
                    buf_adds(text, "\xef\xbf\xbd");
        }
    }
    return buf_str(text);
}

static void tell_rest(const struct route *r, const struct route_part *part)
{
    char reason[160];
    struct quoted q;
    snprintf(reason, sizeof(reason),
             "more than %u values of '%.60s': profiled together with all further ones (see "
             "--max-partitions)",
             r->parts.max_partitions, quote_str(&q, r->schema.fields[r->by].name));
    profile_fault_add(part->p, &(struct profile_fault){"max_partitions", reason,
                                                       r->schema.fields[r->by].name,
                                                       part->over_line, part->over, 0});
}

bool partition_give(struct route *r, struct route_pane *pane, int64_t from, int64_t to,
                    struct err *err)
{
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    if (pane->n == 0)
        return true;
    struct route_part **order = xmemdup(pane->parts, pane->n * sizeof(struct route_part *));
    bool ok = true;
    qsort(order, pane->n, sizeof(struct route_part *), by_birth);
    for (size_t i = 0; ok && i < pane->n; i++) {
        struct route_part *part = order[i];
        struct route_piece piece = {.is_part = r->divided,
                                    .by_arrival = r->timed && r->time_known && r->time < 0,
                                    .partition = partition_text(r, part, &text),
                                    .from = from,
                                    .to = to,
                                    .first = part->first,
                                    .last = part->last,
                                    .bytes = part->bytes,
                                    .span_s = (double)NAN};
        if (part->time_min <= part->time_max)
            piece.span_s = (double)(part->time_max - part->time_min) / 1e6;
        if (part->over > 0)
            tell_rest(r, part);
        r->given = true;
        ok = r->give(r->ctx, part->p, &piece, err);
    }
    free(order);
    buf_release(&text);
    return ok;
}
