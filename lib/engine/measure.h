/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The measures of an aggregate: one vector of states per measure, indexed by group. All skip nulls
 * but `count`. None depends on how the input was cut into batches or shared among lanes: sums are
 * exact (exact.h), quantiles keep their values, first and last are of the non-null values by their
 * place in the input, and so is which of equal values min and max show. */
#ifndef FORELINE_ENGINE_MEASURE_H
#define FORELINE_ENGINE_MEASURE_H

#include "engine/exact.h"
#include "engine/groups.h"
#include "engine/spill.h"
#include "pipeline/pipeline.h"
#include "sketch/distinct.h"

__extension__ typedef __int128 wide_int;
__extension__ typedef unsigned __int128 wide_uint;

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
    uint32_t *ids; /* distinct: the set's entries group by group, to be saved */
    uint32_t part; /* values in one part of a list */
    /* quantile and distinct beyond memory (measure_dump): sorted runs of (group, values) */
    struct spill_run **lists;
    uint32_t nlists;
    struct spill *spill; /* that has them */
    uint64_t *dumped;    /* quantile: values of each group in them */
    double *found;       /* quantile: the result of each group */
    uint32_t ndumped;    /* groups these two have room for */
    struct batch *pairs; /* distinct: loaded, but not in the set yet */
    struct mem_account *acct;
};
/* `type`: of the values (TYPE_NONE for count). */
void measure_init(struct measure *m, const struct named_expr *spec, enum type type,
                  struct mem_account *acct);
void measure_release(struct measure *m);
/* Room for `n` groups, new ones empty. */
void measure_grow(struct measure *m, uint32_t n);
/* The type of its results, whose values have this one. */
enum type measure_result_type(const struct named_expr *spec, enum type values);
/* Does the measure need numbers? */
bool measure_is_numeric(enum measure_kind k);
/* Takes rows list[0..n) of column c of `b` (list NULL: the first n), row list[i] into group[i]; row
 * r has number seq + r. A numeric measure's column is integer or float. */
bool measure_add(struct measure *m, struct batch *b, uint32_t c, const uint32_t *list, uint32_t n,
                 const uint32_t *group, uint64_t seq, struct err *err);
/* Once, after the last value. */
bool measure_finish(struct measure *m, uint32_t ngroups, struct err *err);
/* Results of groups ids[0 .. dst->rows) (NULL: from `from` on) into column c of dst, as spec->type.
 * After measure_finish. */
bool measure_result(struct measure *m, const uint32_t *ids, uint32_t from, struct batch *dst,
                    uint32_t c, struct err *err);

/* Bytes that `rows` more rows can take beside what is held, when there are `ngroups` groups then,
 * and what it takes to settle, finish or dump them. Without texts. */
size_t measure_growth(const struct measure *m, uint32_t rows, uint32_t ngroups);

/* -- states as bytes --
 * The state of a group is in one part, or in several where it is a list of values: each part says
 * as much as a state of its own, and loading all of them, in any order, is the whole. */

/* Before saving, and once. */
void measure_settle(struct measure *m, uint32_t ngroups);
/* Writes part `part` of a group's state behind `out`; true when there is another. A part that is
 * not there says nothing: the measures of a group can be saved side by side. */
bool measure_save(const struct measure *m, uint32_t group, uint32_t part, struct buf *out);
/* Adds a part to a group's state. */
bool measure_load(struct measure *m, uint32_t group, struct unpack *in, struct err *err);
/* After loading, before anything else. */
bool measure_loaded(struct measure *m, struct err *err);

/* Writes the lists of values of a measure that has such (quantile, distinct) to a sorted run, and
 * lets them go; the groups, `ngroups`, keep their numbers from the first time on. Such a state
 * cannot be saved any more, only merged with one of the same groups, and finished. */
bool measure_dump(struct measure *m, struct spill *spill, uint32_t ngroups, struct err *err);
/* Takes over the lists of another state of the same groups. */
void measure_take_lists(struct measure *m, struct measure *from);
/* Merges the runs: of measure_finish. */
bool measure_merge_lists(struct measure *m, struct err *err);

/* Takes over the states of groups 0 to n - 1 of `from`, a state of the same measure over other
 * rows: those of group i go to group map[i]. */
bool measure_merge(struct measure *m, const uint32_t *map, struct measure *from, uint32_t n,
                   struct err *err);

#endif
