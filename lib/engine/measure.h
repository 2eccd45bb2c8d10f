/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The measures of an aggregate: one vector of states per measure, indexed by group. All skip nulls
 * but `count`. None depends on how the input was cut into batches or shared among lanes: sums are
 * exact (exact.h), quantiles keep their values, first and last are of the non-null values by their
 * place in the input, and so is which of equal values min and max show. */
#ifndef FORELINE_ENGINE_MEASURE_H
#define FORELINE_ENGINE_MEASURE_H

#include "engine/exact.h"
#include "engine/groups.h"
#include "pipeline/pipeline.h"
#include "sketch/distinct.h"

__extension__ typedef __int128 wide_int;

struct cell { /* one kept value */
    bool has, has_text;
    uint32_t len, cap;
    char *text;
    uint64_t seq; /* where in the input it stood */
    union {
        int64_t i64;
        double f64;
        uint8_t b8;
    } v;
};
struct measure {
    const struct named_expr *spec;
    enum type type;    /* of the values that come in */
    uint32_t cap;      /* groups the vectors have room for */
    uint64_t *count;   /* values (count: records; distinct: different values) */
    struct exact *sum; /* of floats */
    struct exact *square;
    struct exact_pool pool;
    wide_int *whole;        /* sum of integers */
    struct cell *cell;      /* min, max, first, last */
    struct arena texts;     /* of cells */
    struct distinct *rough; /* approx_distinct */
    struct groups set;      /* distinct: of (group, value) */
    double *values;         /* quantile: all values … */
    uint32_t *of;           /* … and their groups */
    size_t nvalues, cap_values;
    size_t *start; /* of each group's values, once they stand group by group */
    size_t nstart;
    struct mem_account *acct;
};
/* `type`: of the values (TYPE_NONE for count). */
void measure_init(struct measure *m, const struct named_expr *spec, enum type type,
                  struct mem_account *acct);
void measure_release(struct measure *m);
/* Room for `n` groups, new ones empty. */
void measure_grow(struct measure *m, uint32_t n);
/* Does the measure need numbers? */
bool measure_is_numeric(enum measure_kind k);
/* Takes rows list[0..n) of column c of `b` (list NULL: the first n), row list[i] into group[i]; row
 * r has number seq + r. A numeric measure's column is integer or float. */
bool measure_add(struct measure *m, struct batch *b, uint32_t c, const uint32_t *list, uint32_t n,
                 const uint32_t *group, uint64_t seq, struct err *err);
/* Once, after the last value. */
void measure_finish(struct measure *m, uint32_t ngroups);
/* Results of groups ids[0 .. dst->rows) (NULL: from `from` on) into column c of dst, as spec->type.
 * After measure_finish. */
bool measure_result(struct measure *m, const uint32_t *ids, uint32_t from, struct batch *dst,
                    uint32_t c, struct err *err);

/* Takes over the states of groups 0 to n - 1 of `from`, a state of the same measure over other
 * rows: those of group i go to group map[i]. */
bool measure_merge(struct measure *m, const uint32_t *map, struct measure *from, uint32_t n,
                   struct err *err);

#endif
