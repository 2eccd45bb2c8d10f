/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Panes: which one a record goes into, and when windows made of them are over. */
#include "base/instant.h"
#include "profile/route.h"

/* -- times -- */

static bool time_of(struct text t, int64_t *us)
{
    int64_t days;
    if (timestamp_parse(text_slice(t), us))
        return true;
    if (!date_parse(text_slice(t), &days))
        return false;
    *us = days * 86400 * US_PER_S;
    return true;
}

/* The first column of the first record that has a time. */
static int find_time(const struct batch *b)
{
    int64_t us;
    for (uint32_t row = 0; row < b->rows; row++)
        for (uint32_t c = 0; c < b->ncols; c++)
            if (column_valid(&b->cols[c], row) && time_of(b->cols[c].text[row], &us))
                return (int)c;
    return -1;
}

bool window_times(struct route *r, const struct batch *b, struct err *err)
{
    struct quoted q, v;
    int64_t us;
    if (!r->time_known && r->time < 0)
        r->time = find_time(b);
    if (r->time < 0) { /* arrival */
        for (uint32_t row = 0; row < b->rows; row++)
            r->times[row] = r->now;
        r->time_known = true;
        return true;
    }
    const struct column *c = &b->cols[r->time];
    const struct text *bad = NULL;
    uint32_t found = 0;
    for (uint32_t row = 0; row < b->rows; row++) {
        r->times[row] = ROUTE_NO_TIME;
        if (!column_valid(c, row))
            continue;
        if (time_of(c->text[row], &us)) {
            r->times[row] = us;
            found++;
        } else if (bad == NULL) {
            bad = &c->text[row];
        }
    }
    if (!r->time_known && found == 0 && bad != NULL)
        return err_set(err, ERR_DATA,
                       "column '%s' holds no times: '%s' is neither a date nor a timestamp of ISO "
                       "8601",
                       quote_str(&q, r->schema.fields[r->time].name),
                       quote_slice(&v, text_slice(*bad)));
    r->time_known = r->time_known || found > 0;
    return true;
}

/* -- panes -- */

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Panes of a window. */
static int64_t width(const struct route *r)
{
    return r->timed               ? r->parts.window_us / r->parts.slide_us
           : r->parts.window == 0 ? 1
                                  : (int64_t)(r->parts.window / r->parts.slide);
}

/* One that takes records. */
static struct route_pane *pane_at(struct route *r, int64_t index, bool placed)
{
    size_t at = r->npanes;
    while (at > 0 && r->panes[at - 1]->index > index)
        at--;
    if (at > 0 && r->panes[at - 1]->index == index && !r->panes[at - 1]->merged)
        return r->panes[at - 1];
    if (r->npanes == r->panes_cap) {
        r->panes_cap = r->panes_cap ? 2 * r->panes_cap : 4;
        r->panes = xreallocarray(r->panes, r->panes_cap, sizeof(struct route_pane *));
    }
    memmove(r->panes + at + 1, r->panes + at, (r->npanes - at) * sizeof(struct route_pane *));
    r->npanes++;
    return r->panes[at] = partition_pane_new(index, placed);
}

/* The last pane; records without a time go there. */
static struct route_pane *latest_pane(struct route *r)
{
    if (r->latest != ROUTE_NO_TIME) {
        int64_t index = floor_div(r->latest, r->parts.slide_us);
        return pane_at(r, index > r->next ? index : r->next, true);
    }
    return r->npanes > 0 ? r->panes[0] : pane_at(r, 0, false);
}

struct route_pane *window_pane(struct route *r, uint64_t record, int64_t t, bool *late)
{
    *late = false;
    if (!r->timed)
        return pane_at(r, r->parts.window ? (int64_t)((record - 1) / r->parts.slide) : 0, true);
    if (t == ROUTE_NO_TIME)
        return latest_pane(r);
    int64_t index = floor_div(t, r->parts.slide_us);
    if (r->latest == ROUTE_NO_TIME && r->npanes > 0) { /* now it is known where it lies */
        r->panes[0]->index = index;
        r->panes[0]->placed = true;
    }
    if (t > r->latest)
        r->latest = t;
    if (t - r->parts.lateness_us >= r->watermark) { /* window_close may have moved it */
        r->watermark = t - r->parts.lateness_us;
        /* What is over and had records has gone out; the others are over as well. */
        int64_t next = floor_div(r->watermark, r->parts.slide_us) - width(r) + 1;
        r->next = next > r->next ? next : r->next;
    }
    *late = r->watermark != ROUTE_NO_TIME && (index + width(r)) * r->parts.slide_us <= r->watermark;
    return *late ? latest_pane(r) : pane_at(r, index, true);
}

/* -- windows -- */

const struct route_pane *window_pane_first(const struct route *r)
{
    const struct route_pane *older = r->older_at < r->nolder ? r->older[r->older_at] : NULL;
    if (r->npanes == 0 || (older != NULL && older->index < r->panes[0]->index))
        return older;
    return r->panes[0];
}

int64_t window_first(const struct route *r)
{
    int64_t k = window_pane_first(r)->index - width(r) + 1;
    return k > r->next ? k : r->next;
}

int64_t window_over(const struct route *r, int64_t k)
{
    return (k + width(r)) * r->parts.slide_us;
}

bool window_is_over(const struct route *r, int64_t t)
{
    if (!r->timed)
        return r->parts.window > 0 && r->records > 0 && r->records % r->parts.slide == 0;
    const struct route_pane *first = window_pane_first(r);
    return t != ROUTE_NO_TIME && first != NULL && first->placed &&
           window_over(r, window_first(r)) <= t - r->parts.lateness_us;
}

/* Panes before `index` go. */
static void forget_panes(struct route *r, int64_t index)
{
    size_t gone = 0;
    while (r->older_at < r->nolder && r->older[r->older_at]->index < index)
        partition_pane_free(r, r->older[r->older_at++]);
    while (gone < r->npanes && r->panes[gone]->index < index)
        partition_pane_free(r, r->panes[gone++]);
    r->npanes -= gone;
    if (gone > 0)
        memmove(r->panes, r->panes + gone, r->npanes * sizeof(struct route_pane *));
}

/* The older ones have gone: the first n panes take their place, each with all behind it. */
static bool turn_over(struct route *r, size_t n, struct err *err)
{
    bool ok = true;
    if (r->younger != NULL)
        partition_pane_free(r, r->younger);
    r->younger = NULL;
    r->older = xreallocarray(r->older, n ? n : 1, sizeof(struct route_pane *));
    r->older_at = 0;
    r->nolder = n;
    for (size_t i = n; i-- > 0;) {
        r->older[i] = r->panes[i];
        r->older[i]->merged = true;
        if (i + 1 < n)
            ok = ok && partition_merge(r, r->older[i], r->older[i + 1], err);
    }
    r->npanes -= n;
    if (n > 0)
        memmove(r->panes, r->panes + n, r->npanes * sizeof(struct route_pane *));
    return ok;
}

/* Panes before `end` into one. Those behind the older ones are merged once for all the windows that
 * they are in. */
static bool merge_window(struct route *r, struct route_pane *to, int64_t end, struct err *err)
{
    size_t n = 0;
    bool ok = true;
    while (n < r->npanes && r->panes[n]->index < end)
        n++;
    if (r->older_at == r->nolder) {
        ok = turn_over(r, n, err);
        n = 0;
    }
    if (r->older_at < r->nolder)
        ok = ok && partition_merge(r, to, r->older[r->older_at], err);
    for (size_t i = 0; ok && i < n; i++) {
        struct route_pane *pane = r->panes[i];
        if (pane->merged)
            continue;
        if (pane->index <= r->older[r->nolder - 1]->index) {
            ok = partition_merge(r, to, pane, err);
            continue;
        }
        if (r->younger == NULL)
            r->younger = partition_pane_new(pane->index, true);
        ok = partition_merge(r, r->younger, pane, err);
        pane->merged = true;
    }
    return ok && (r->younger == NULL || partition_merge(r, to, r->younger, err));
}

/* Window k goes out, and the panes that no later window needs go. */
static bool give_window(struct route *r, int64_t k, struct err *err)
{
    int64_t n = width(r), from = ROUTE_NO_TIME, to = ROUTE_NO_TIME;
    struct route_pane *merged = NULL;
    bool ok = true;
    if (r->timed && window_pane_first(r)->placed) {
        from = k * r->parts.slide_us;
        to = window_over(r, k);
    }
    if (n > 1) {
        merged = partition_pane_new(k, true);
        ok = merge_window(r, merged, k + n, err);
    }
    if (merged == NULL || merged->n > 0) {
        ok = ok && partition_give(r, merged ? merged : r->panes[0], from, to, err);
        r->covered = r->records;
    }
    if (merged != NULL)
        partition_pane_free(r, merged);
    r->next = k + 1;
    forget_panes(r, k + 1);
    return ok;
}

bool window_close(struct route *r, struct err *err)
{
    const struct route_pane *first;
    if (r->timed) {
        while ((first = window_pane_first(r)) != NULL && first->placed) {
            int64_t k = window_first(r);
            if (window_over(r, k) > r->watermark)
                return true;
            if (!give_window(r, k, err))
                return false;
        }
        return true;
    }
    int64_t k = (int64_t)(r->records / r->parts.slide) - width(r);
    return k < 0 || give_window(r, k, err);
}

bool window_end(struct route *r, struct err *err)
{
    const struct route_pane *first;
    if (r->timed) {
        while ((first = window_pane_first(r)) != NULL)
            if (!give_window(r, first->placed ? window_first(r) : 0, err))
                return false;
        return true;
    }
    if (window_pane_first(r) != NULL &&
        (r->parts.window == 0 || r->covered < r->records || r->owed))
        return give_window(r, r->next, err);
    return true;
}

struct route_part *window_part(struct route *r, struct route_part *part)
{
    if (!part->pane->merged)
        return part;
    return partition_like(r, pane_at(r, part->pane->index, true), part);
}

void window_release(struct route *r)
{
    forget_panes(r, INT64_MAX);
    if (r->younger != NULL)
        partition_pane_free(r, r->younger);
    free(r->older);
    free(r->panes);
}
