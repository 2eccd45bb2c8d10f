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

static struct route_pane *pane_at(struct route *r, int64_t index, bool placed)
{
    size_t at = r->npanes;
    while (at > 0 && r->panes[at - 1]->index >= index)
        at--;
    if (at < r->npanes && r->panes[at]->index == index)
        return r->panes[at];
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

int64_t window_first(const struct route *r)
{
    int64_t k = r->panes[0]->index - width(r) + 1;
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
    return t != ROUTE_NO_TIME && r->npanes > 0 && r->panes[0]->placed &&
           window_over(r, window_first(r)) <= t - r->parts.lateness_us;
}

/* Window k goes out, and the panes that no later window needs go. */
static bool give_window(struct route *r, int64_t k, struct err *err)
{
    int64_t n = width(r), from = ROUTE_NO_TIME, to = ROUTE_NO_TIME;
    struct route_pane *merged = NULL, *only = r->panes[0];
    bool ok = true;
    if (r->timed && only->placed) {
        from = k * r->parts.slide_us;
        to = window_over(r, k);
    }
    if (n > 1) {
        merged = partition_pane_new(k, true);
        for (size_t i = 0; ok && i < r->npanes && r->panes[i]->index < k + n; i++)
            ok = partition_merge(r, merged, r->panes[i], err);
    }
    if (merged == NULL || merged->n > 0) {
        ok = ok && partition_give(r, merged ? merged : only, from, to, err);
        r->covered = r->records;
    }
    if (merged != NULL)
        partition_pane_free(r, merged);
    r->next = k + 1;
    size_t gone = 0;
    while (gone < r->npanes && r->panes[gone]->index <= k)
        partition_pane_free(r, r->panes[gone++]);
    r->npanes -= gone;
    memmove(r->panes, r->panes + gone, r->npanes * sizeof(struct route_pane *));
    return ok;
}

bool window_close(struct route *r, struct err *err)
{
    if (r->timed) {
        while (r->npanes > 0 && r->panes[0]->placed) {
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
    if (r->timed) {
        while (r->npanes > 0)
            if (!give_window(r, r->panes[0]->placed ? window_first(r) : 0, err))
                return false;
        return true;
    }
    if (r->npanes > 0 && (r->parts.window == 0 || r->covered < r->records || r->owed))
        return give_window(r, r->next, err);
    return true;
}
