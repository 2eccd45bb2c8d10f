/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Join: what its files say to each other. Internal to op_join.c and join_*.c.
 *
 * One side is kept, the other streams past it. Left rows come in batches, `finders` tell for each
 * of them where its first match among the kept right rows is and where the next one is; `join_out`
 * makes batches of the pairs. Matches come in right input order with every finder, so the output is
 * in left, then right input order, whatever the algorithm:
 *
 *   hash         a table of the right rows (join_table.c); or, built left, a table of the left rows
 *                which are held back until the right side has passed
 *   sort_merge   the right rows in the order of their keys; each left batch is put into that order
 *                too, unless it comes so, and merged with them (join_sorted.c)
 *   nested_loop  each left row looks at all right rows
 *   external     both sides are split by hash into scratch files, and joined part by part; left
 *                rows carry their number, by which the parts' results are merged (join_spill.c)
 *
 * Any of the first three goes over to external when what it keeps is more than its stage may hold.
 * Unless the plan's mode is standard, a hash or sort_merge join with its right rows kept is decided
 * once more when the first left batch is there: both in the order of their keys are merged, else
 * there is a table.
 */
#ifndef FORELINE_ENGINE_JOIN_H
#define FORELINE_ENGINE_JOIN_H

#include <pthread.h>
#include <stdatomic.h>

#include "engine/keys.h"
#include "engine/op.h"
#include "engine/spill.h"

#define JOIN_END UINT32_MAX

enum join_algorithm { JOIN_HASH, JOIN_SORT_MERGE, JOIN_NESTED_LOOP, JOIN_EXTERNAL };

/* -- join_table.c -- */

struct join_slot {
    uint64_t word;
    uint32_t first; /* row; JOIN_END: empty */
};
/* Kept rows by key. A key's word is the integer itself where both sides have one integer key, then
 * equal words are equal keys; else a hash. Dense integers are looked up by number. */
struct join_table {
    const struct rows *rows;
    const uint32_t *cols;
    uint32_t nkeys;
    bool exact;
    bool unique;    /* no word stands for two rows */
    uint64_t *word; /* of each row, until the table is built; not of exact ones */
    size_t cap;
    int64_t least;
    uint64_t range;   /* of `direct` */
    uint32_t *direct; /* by key - least; or NULL */
    struct join_slot *slots;
    size_t mask;
    uint32_t *next; /* per row: the next one of that word; NULL when unique */
    uint32_t nnext;
    struct mem_account *acct;
};
void join_table_init(struct join_table *t, const struct rows *rows, const uint32_t *cols,
                     uint32_t nkeys, bool exact, struct mem_account *acct);
void join_table_release(struct join_table *t);
/* Bytes that words and table of n rows may take. */
uint64_t join_table_bytes(const struct join_table *t, uint64_t n);
/* Rows list[0..n) of b (NULL: the first n) have just been appended to the kept rows. */
void join_table_note(struct join_table *t, const struct batch *b, const uint32_t *list, uint32_t n);
/* Are n integers, the greatest `span` more than the least, looked up by number? */
bool join_table_dense(uint64_t span, uint64_t n);
/* Of all kept rows without a null key. */
void join_table_build(struct join_table *t);
/* For each row of b the first kept row with its key (by columns `cols` of b), or JOIN_END; `null`
 * has the bits of rows that have none. */
void join_table_find(const struct join_table *t, const struct batch *b, const uint32_t *cols,
                     const uint64_t *null, uint32_t *first);
/* The next one after `at`, or JOIN_END. */
uint32_t join_table_next(const struct join_table *t, const struct batch *b, const uint32_t *cols,
                         uint32_t row, uint32_t at);
/* Is kept row `at` of the same key as row `row` of b? */
bool join_same_key(const struct rows *rows, const uint32_t *kept_cols, uint32_t at,
                   const struct batch *b, const uint32_t *cols, uint32_t row, uint32_t nkeys);

/* -- join_sorted.c -- */

struct join_entry {
    uint64_t prefix; /* ordered as the keys are, as far as it goes */
    uint32_t row;
};
/* Kept rows in the order of their keys, equal ones in input order. */
struct join_sorted {
    const struct rows *rows;
    const uint32_t *cols;
    uint32_t nkeys, n;
    bool exact, found; /* found: the rows came in this order */
    struct join_entry *entries;
    uint64_t *same; /* bit: the next entry has the same key */
    struct mem_account *acct;
};
void join_sorted_init(struct join_sorted *s, const struct rows *rows, const uint32_t *cols,
                      uint32_t nkeys, bool exact, struct mem_account *acct);
void join_sorted_release(struct join_sorted *s);
uint64_t join_sorted_bytes(uint64_t n);
void join_sorted_build(struct join_sorted *s);
/* The same when the rows came in this order; else there is nothing, as before. */
bool join_sorted_try(struct join_sorted *s);
/* Are a batch's rows in the order of their keys? `null`: bits of rows that have none. */
bool join_sorted_batch(const struct batch *b, const uint32_t *cols, uint32_t nkeys, bool exact,
                       const uint64_t *null);
/* As join_table_find, with places among the entries. */
void join_sorted_find(const struct join_sorted *s, const struct batch *b, const uint32_t *cols,
                      const uint64_t *null, uint32_t *first);
static inline uint32_t join_sorted_next(const struct join_sorted *s, uint32_t at)
{
    return bit_get(s->same, at) ? at + 1 : JOIN_END;
}
/* Nested loops: the first row from `from` on that has the key of the row, or JOIN_END. */
uint32_t join_loop_from(const struct rows *rows, const uint32_t *kept_cols, const struct batch *b,
                        const uint32_t *cols, uint32_t row, uint32_t nkeys, bool exact,
                        uint32_t from);

/* -- op_join.c -- */

/* Some columns of a schema: those that somebody reads. */
struct join_pick {
    uint32_t ncols, n; /* of the schema, picked */
    uint32_t *map;     /* which */
    enum type *types;  /* of the picked */
    enum type *all;    /* of the schema */
};

struct join {
    struct oper *op;
    enum join_algorithm algorithm;
    enum join_type type;
    bool exact, build_left;
    bool ready; /* the side that is kept is whole: the other may come */
    /* kept right, not yet decided between hash and sort_merge: the lane whose left batch is first
     * does it, under the lock, the others wait */
    bool open_choice;
    atomic_bool indexed;
    pthread_mutex_t lock;
    bool external; /* rows are on disk */
    uint32_t nkeys, *left_cols, *right_cols;
    uint32_t nleft, nright;
    uint32_t *right_out; /* right columns of the output, in order */
    bool *out_live;      /* per output column */
    struct join_pick left, right, out;
    uint64_t *right_keep;
    struct column null_column;
    struct rows kept; /* right rows; built left, those that have a match */
    struct join_table table;
    struct join_sorted sorted;
    /* built left: rows, and by the first row of each key its matches */
    struct rows left_kept;
    uint32_t *match_first, *match_last, *match_next;
    size_t match_cap, match_rows;
    struct join_out *own; /* for what is done on one thread */
    struct join_spill *spill;
};

/* Pairs that wait to be emitted, of one left batch. One thread. */
struct join_out {
    uint32_t left[BATCH_ROWS], right[BATCH_ROWS], n;
    const uint64_t *seq;  /* of the left batch's rows */
    struct spill_run *to; /* with their numbers to here; NULL: to the consumers */
};
/* The finders' answers for a left batch. */
struct join_found {
    uint32_t first[BATCH_ROWS];
    uint64_t null[BATCH_WORDS];
};
/* A row that has no match in this part of the right side: has it had one, will it? */
struct join_partial {
    uint64_t *matched; /* bit per left row of the run */
    uint64_t row;      /* of the batch's first */
    bool last;         /* part of the right side */
};
/* Joins a left batch with the kept right rows. `p`: when they are only a part; or NULL. */
bool join_batch(struct join *j, struct lane *lane, struct batch *b, struct join_out *o,
                struct join_partial *p, struct err *err);
/* The picked columns of a wide batch back at their places (takes over `b`). */
struct batch *join_widen(const struct join *j, const struct join_pick *pick, struct batch *b);
/* Rows without a null key; gives their count. */
uint32_t join_keyed(const struct batch *b, const uint32_t *cols, uint32_t nkeys, uint32_t *list);
/* Puts right rows behind the kept ones. */
bool join_keep_right(struct join *j, struct batch *b, struct err *err);
/* Makes the finder of the kept rows; lets both go. */
void join_index(struct join *j);
void join_unindex(struct join *j);
uint64_t join_index_bytes(const struct join *j, uint64_t rows);

/* -- join_spill.c -- */

/* What is kept goes to disk, and what comes from now on. */
bool join_spill_begin(struct join *j, struct err *err);
bool join_spill_push(struct join *j, uint32_t input, struct batch *b, struct err *err);
/* Both sides are whole. */
bool join_spill_finish(struct join *j, struct lane *lane, struct err *err);
void join_spill_free(struct join *j);

#endif
