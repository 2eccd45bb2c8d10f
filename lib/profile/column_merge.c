/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two states of one column into one: of panes of a window, of parts of a dataset. */
#include "profile/column.h"

/* Lines of parts are compared as if they were of one file: the first is the smallest that is
 * known, whatever the order of merging. */
static uint64_t first_of(uint64_t a, uint64_t b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

static void merge_extreme(struct extreme *to, const struct extreme *from, int sign)
{
    if (from->p == NULL)
        return;
    int order =
        to->p == NULL ? sign : slice_cmp(slice_of(from->p, from->len), slice_of(to->p, to->len));
    if (order * sign <= 0)
        return;
    char *p = xrealloc(to->p, from->len < 32 ? 32 : from->len);
    memcpy(p, from->p, from->len);
    *to = *from;
    to->p = p;
}

static void merge_numbers(struct column_state *c, const struct column_state *other,
                          const struct column_sizes *s)
{
    struct moments both[2] = {c->moments, other->moments};
    bool swap = memcmp(&both[0], &both[1], sizeof(both[0])) > 0; /* the same in both orders */
    moments_merge(&both[swap], &both[!swap]);
    c->moments = both[swap];
    if (c->kll != NULL)
        kll_reduce(c->kll, s->kll_k);
    if (other->kll == NULL)
        return;
    column_state_needs_numbers(c, s);
    kll_merge(c->kll, other->kll);
    tails_merge(c->tails, other->tails);
}

void column_state_merge(struct column_state *c, const struct column_sizes *s,
                        const struct column_state *other)
{
    c->values += other->values;
    c->nulls += other->nulls;
    c->bytes += other->bytes;
    for (int k = 0; k < KINDS; k++) {
        c->kinds[k] += other->kinds[k];
        c->first_line[k] = first_of(c->first_line[k], other->first_line[k]);
    }
    c->first_null = first_of(c->first_null, other->first_null);
    c->int_min = other->int_min < c->int_min ? other->int_min : c->int_min;
    c->int_max = other->int_max > c->int_max ? other->int_max : c->int_max;
    c->float_min = other->float_min < c->float_min ? other->float_min : c->float_min;
    c->float_max = other->float_max > c->float_max ? other->float_max : c->float_max;
    c->time_min = other->time_min < c->time_min ? other->time_min : c->time_min;
    c->time_max = other->time_max > c->time_max ? other->time_max : c->time_max;
    c->elements.arrays += other->elements.arrays;
    c->elements.total += other->elements.total;
    if (other->elements.min < c->elements.min)
        c->elements.min = other->elements.min;
    if (other->elements.max > c->elements.max)
        c->elements.max = other->elements.max;
    merge_extreme(&c->min, &other->min, -1);
    merge_extreme(&c->max, &other->max, 1);
    merge_numbers(c, other, s);
    distinct_merge(&c->distinct, &other->distinct);
    frequent_merge(&c->frequent, &other->frequent);
    c->seed = other->seed < c->seed ? other->seed : c->seed;
    column_figures_merge(&c->figures, &other->figures);
    for (unsigned f = 0; f < FORMATS; f++) {
        c->formats[f] += other->formats[f];
        c->format_miss[f] = first_of(c->format_miss[f], other->format_miss[f]);
    }
}
