/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is known of a column beside its sketches: the order of its values, their lengths, and
 * spellings that often stand for null. Exact, one pass, a look at prefixes and lengths that are
 * there anyway; what cannot change any more is not looked at. Internal to profile/.
 *
 * All of it merges. Lengths and spellings merge as sets do, in any order. Order is that of the
 * stream: `other` is what came after. Of parts whose order is not known (they were saved and come
 * back), set `apart`: then merging commutes, too, and tells only that there is no order, which one
 * part without it proves; else the order is unknown. */
#ifndef FORELINE_PROFILE_FIGURES_H
#define FORELINE_PROFILE_FIGURES_H

#include "base/base.h"

/* Of values at the edge of a part this much is kept. */
#define EDGE_MAX 1024

/* Spellings that often stand for null: as they are written, "" for a quoted empty text, " " for
 * blanks alone. */
#define SPELLINGS 24
extern const char *const profile_spellings[SPELLINGS];
enum { SPELLED_EMPTY, SPELLED_BLANK, SPELLED_NA };
struct spelling_counts {
    uint64_t count[SPELLINGS];
    uint64_t line[SPELLINGS]; /* of the first; 0: unknown */
};

/* What an order still can be; none of UP and DOWN: there is none. */
enum {
    ORDER_UP = 1,      /* no value is below the one before it */
    ORDER_DOWN = 2,    /* none is above */
    ORDER_TIED = 4,    /* two neighbours were equal */
    ORDER_UNKNOWN = 8, /* not decided: values were too long to keep, or parts have no order */
};
struct edge {
    char *p; /* NULL: no value yet */
    uint32_t len;
    bool cut;
};
struct column_figures {
    uint8_t by_text;   /* ORDER_…, by bytes */
    uint8_t by_number; /* ORDER_…, by value; no order as soon as a value is no number */
    bool apart;
    uint32_t len_min, len_max;       /* bytes; UINT32_MAX, 0: no values */
    struct edge first, last;         /* kept while there is an order */
    struct spelling_counts *spelled; /* NULL: none seen */
};
void column_figures_init(struct column_figures *f);
void column_figures_release(struct column_figures *f);

struct column_scratch;
/* A chunk of n values (1 at least), of which `numbers` are numbers and `strings` are strings; the
 * scratch holds values, kinds, prefixes, numbers and the least and largest length. */
void column_figures_add(struct column_figures *f, uint32_t n, uint64_t numbers, uint64_t strings,
                        const uint64_t *line, const struct column_scratch *w);
void column_figures_merge(struct column_figures *f, const struct column_figures *other);

/* "strictly_increasing", "increasing", "strictly_decreasing", "decreasing", "constant" or "none";
 * NULL: not known, or fewer than two values. `number`: by value, else by bytes. */
const char *column_figures_order(const struct column_figures *f, bool number, uint64_t values);

#endif
