/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Batches and bad records to the profiles of the windows and partitions they belong to. */
#include "profile/route.h"

#include "base/instant.h"

static bool find_column(const struct schema *s, const char *name, const char *option, int *at,
                        struct err *err)
{
    struct quoted q;
    *at = -1;
    if (name == NULL || s->n == 0)
        return true;
    *at = schema_find(s, slice_str(name));
    if (*at < 0 && name[0] == '.')
        *at = schema_find(s, slice_str(name + 1));
    return *at >= 0 ||
           err_set(err, ERR_USAGE, "there is no column '%s' (%s)", quote_str(&q, name), option);
}

bool route_init(struct route *r, const struct schema *s, bool json, const struct profile_opts *o,
                const struct profile_parts *parts, route_give_fn *give, void *ctx, struct err *err)
{
    *r = (struct route){.schema = *s, .json = json, .o = *o, .give = give, .ctx = ctx};
    if (parts != NULL)
        r->parts = *parts;
    r->timed = r->parts.window_us > 0;
    r->divided = r->timed || r->parts.window > 0 || r->parts.by != NULL;
    r->latest = r->watermark = ROUTE_NO_TIME;
    r->next = r->timed ? INT64_MIN : 0;
    r->times = r->timed ? xcalloc(BATCH_ROWS, sizeof(*r->times)) : NULL;
    rng_seed(&r->rng, o->seed);
    arena_init(&r->mem, NULL);
    return find_column(s, r->parts.by, "--partition-by", &r->by, err) &&
           find_column(s, r->parts.time, "--time", &r->time, err);
}

void route_release(struct route *r)
{
    window_release(r);
    free(r->times);
    free(r->masks);
    free(r->touched);
    arena_release(&r->mem);
}

void route_bad(void *route, const struct bad_record *bad)
{
    struct route *r = route;
    struct route_bad *b = ARENA_PUSH(&r->mem, r->bads, r->nbads);
    b->bad = *bad;
    b->bad.path = NULL;
    b->bad.raw = SLICE_NULL;
    b->bad.rule = arena_strdup(&r->mem, bad->rule);
    b->bad.reason = arena_strdup(&r->mem, bad->reason);
    b->bad.column = bad->column ? arena_strdup(&r->mem, bad->column) : NULL;
}

static void forget_bads(struct route *r)
{
    if (r->nbads == 0)
        return;
    arena_clear(&r->mem);
    r->bads = NULL;
    r->nbads = 0;
}

/* -- to the profiles -- */

/* Row of the batch in hand to this part. */
static void touch(struct route *r, struct route_part *part, uint32_t row)
{
    if (part->rows == 0) {
        if (r->ntouched == r->touched_cap) {
            r->touched_cap = r->touched_cap ? 2 * r->touched_cap : 16;
            r->touched = xreallocarray(r->touched, r->touched_cap, sizeof(struct route_part *));
            r->masks = xreallocarray(r->masks, r->touched_cap, sizeof(*r->masks));
        }
        part->mask = (uint32_t)r->ntouched;
        memset(r->masks[part->mask], 0, sizeof(*r->masks));
        r->touched[r->ntouched++] = part;
    }
    r->masks[part->mask][row >> 6] |= UINT64_C(1) << (row & 63);
    part->rows++;
}

static bool any_bit(const uint64_t *mask)
{
    uint64_t any = 0;
    for (uint32_t w = 0; w < BATCH_WORDS; w++)
        any |= mask[w];
    return any != 0;
}

/* The rows of this part: their faults, their count, their columns. */
static void deliver(struct route *r, struct route_part *part, struct batch *b, uint64_t *mask,
                    uint32_t rows)
{
    if (r->latin1) {
        struct batch *all = batch_filter(b, mask, NULL, 0, NULL);
        profile_check_utf8(part->p, all);
        batch_unref(all);
    }
    profile_count(part->p, b, rows);
    if (r->o.sample_rate < 1)
        for (uint32_t w = 0; w < BATCH_WORDS; w++)
            mask[w] &= r->sample[w];
    else if (rows == b->rows) {
        profile_rows(part->p, batch_ref(b));
        return;
    }
    if (!any_bit(mask))
        return;
    profile_rows(part->p, batch_filter(b, mask, NULL, 0, NULL));
}

/* What was routed of the batch in hand goes to its profiles. */
static void flush(struct route *r, struct batch *b)
{
    for (size_t i = 0; i < r->ntouched; i++) {
        struct route_part *part = r->touched[i];
        deliver(r, part, b, r->masks[part->mask], part->rows);
        part->rows = 0;
    }
    r->ntouched = 0;
}

/* -- one row -- */

static void tell(struct route *r, struct route_part *part, const struct batch *b, uint32_t row,
                 bool late)
{
    const char *column = r->time >= 0 ? r->schema.fields[r->time].name : NULL;
    struct profile_fault f = {"late",
                              "later than its window, which has gone out: counted in the "
                              "window of the latest record (see --lateness)",
                              column,
                              b->line ? b->line[row] : 0,
                              1,
                              0};
    if (!late) {
        f.rule = "no_time";
        f.reason = "no timestamp: counted in the window of the record before it";
    }
    profile_fault_add(part->p, &f);
}

static struct route_part *route_row(struct route *r, const struct batch *b, uint32_t row)
{
    bool late;
    int64_t t = r->timed ? r->times[row] : ROUTE_NO_TIME;
    struct route_pane *pane = window_pane(r, r->records, t, &late);
    const struct text *value = NULL;
    if (r->by >= 0 && column_valid(&b->cols[r->by], row))
        value = &b->cols[r->by].text[row];
    struct route_part *part = partition_of(r, pane, value, r->records);
    part->first = part->first == 0 ? r->records : part->first;
    part->last = r->records;
    if (part->kind == ROUTE_REST && part->over++ == 0)
        part->over_line = b->line ? b->line[row] : 0;
    if (b->end != NULL) {
        part->bytes += b->end[row] - r->end;
        r->end = b->end[row];
    }
    if (r->timed && (late || t == ROUTE_NO_TIME)) {
        tell(r, part, b, row, late);
    } else if (r->timed) {
        part->time_min = t < part->time_min ? t : part->time_min;
        part->time_max = t > part->time_max ? t : part->time_max;
    }
    touch(r, part, row);
    r->recent = part;
    return part;
}

/* A bad record that was delivered is a row of the part; others have no value to be told by. */
static void route_fault(struct route *r, struct route_part *part, const struct bad_record *bad)
{
    if (r->by >= 0 && !bad->delivered)
        part = partition_of(r, part->pane, NULL, r->records);
    profile_bad(part->p, bad);
}

/* Bytes that are not UTF-8 in the header go with the first record. */
static void take_header(struct route *r, struct route_part *part)
{
    if (r->header_latin1 > 0)
        profile_fault_add(part->p, &(struct profile_fault){"invalid_utf8", profile_not_utf8, NULL,
                                                           r->header_latin1, 1, 0});
    r->header_latin1 = 0;
}

static bool add_rows(struct route *r, struct batch *b, struct err *err)
{
    size_t bad = 0;
    for (uint32_t row = 0; row < b->rows; row++) {
        r->records++;
        if (r->timed && window_is_over(r, r->times[row])) {
            flush(r, b);
            r->watermark = r->times[row] - r->parts.lateness_us;
            if (!window_close(r, err))
                return false;
        }
        struct route_part *part = route_row(r, b, row);
        take_header(r, part);
        for (; bad < r->nbads && r->bads[bad].row <= row; bad++)
            route_fault(r, part, &r->bads[bad].bad);
        if (!r->timed && window_is_over(r, 0)) {
            flush(r, b);
            if (!window_close(r, err))
                return false;
        }
    }
    flush(r, b);
    return true;
}

/* All to one profile. */
static void add_all(struct route *r, struct batch *b)
{
    bool late;
    uint64_t mask[BATCH_WORDS];
    memset(mask, 0xff, sizeof(mask));
    r->records += b->rows;
    struct route_part *part = partition_of(r, window_pane(r, 1, ROUTE_NO_TIME, &late), NULL, 1);
    part->first = 1;
    part->last = r->records;
    r->recent = part;
    for (size_t i = 0; i < r->nbads; i++)
        profile_bad(part->p, &r->bads[i].bad);
    deliver(r, part, b, mask, b->rows);
}

bool route_add(struct route *r, struct batch *b, const struct reader_stats *stats, struct err *err)
{
    if (r->o.sample_rate < 1)
        profile_sample(&r->rng, r->o.sample_rate, b->rows, r->sample);
    bool ok = true;
    r->latin1 = stats->latin1;
    if (!r->divided) {
        add_all(r, b);
    } else {
        if (r->records == 0 && r->latin1 && b->line && stats->latin1_line < b->line[0])
            r->header_latin1 = stats->latin1_line;
        r->now = r->timed ? instant_now() : 0;
        for (size_t i = 0; i < r->nbads; i++)
            r->bads[i].row = b->line ? profile_row_of(b, r->bads[i].bad.line) : 0;
        ok = (!r->timed || window_times(r, b, err)) && add_rows(r, b, err);
    }
    forget_bads(r);
    return ok;
}

bool route_idle(struct route *r, int64_t now_us, struct err *err)
{
    while (r->timed && window_is_over(r, now_us)) {
        /* Only so far as windows go out: records of later ones are not late, however old. */
        int64_t over = window_over(r, window_first(r));
        r->watermark = over > r->watermark ? over : r->watermark;
        if (!window_close(r, err))
            return false;
    }
    return true;
}

bool route_end(struct route *r, const struct reader_stats *stats, struct err *err)
{
    bool late;
    struct route_part *part = r->recent;
    if (part == NULL && (r->nbads > 0 || !r->given)) {
        if (r->records == 0 && r->nbads == 0)
            r->by = -1; /* no partition at all */
        part = partition_of(r, window_pane(r, r->records + 1, ROUTE_NO_TIME, &late), NULL,
                            r->records + 1);
        r->owed = true;
    }
    if (part != NULL)
        part = window_part(r, part);
    /* Faults behind the last record, whose windows have gone out. */
    r->owed = r->owed || (r->nbads > 0 && r->covered == r->records);
    for (size_t i = 0; i < r->nbads; i++)
        route_fault(r, part, &r->bads[i].bad);
    forget_bads(r);
    if (part != NULL)
        part->bytes += stats->bytes - r->end;
    return window_end(r, err);
}
