/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of groups that aggregate, distinct and exact counts of distinct values share: distinct
 * keys, numbered by first appearance. Nothing here iterates in hash order.
 *
 * A key is a few words, which are made and hashed column by column: one for a number or a boolean,
 * two for a text, which stands in them with its length when it has at most 12 bytes, else as its
 * length, its first four bytes and where the rest is (the form of strings of Neumann & Freitag
 * 2020, "Umbra: A Disk-Based System with In-Memory Performance", section 3.1); one bit says null.
 * So most comparisons are of words that stand side by side. The table has open addressing, and a
 * part of the hash in each slot.
 *
 * Equal as SQL groups: null equals null, numbers by value, text and json by bytes. How a number was
 * written is kept of the first that came, where formatting the value would not give it back. */
#ifndef FORELINE_ENGINE_GROUPS_H
#define FORELINE_ENGINE_GROUPS_H

#include "base/pack.h"
#include "table/batch.h"

#define GROUPS_MAX UINT32_C(0xfffffff0)

struct group_slot {
    uint32_t tag; /* upper half of the hash */
    uint32_t id;  /* 0 = empty, else group + 1 */
};
struct groups {
    uint32_t ncols, words; /* words of a key */
    enum type *types;
    uint32_t *at;       /* first word of each column */
    uint32_t null_word; /* first word of null bits of numbers and booleans; == words: none */
    uint32_t n;
    size_t cap;     /* groups the vectors have room for */
    uint64_t *key;  /* `words` of each group */
    uint64_t *hash; /* of each group */
    struct group_slot *slots;
    size_t mask;
    struct text **spelling; /* per column: of each group, p NULL where the value says it all */
    struct arena mem;       /* texts */
    uint64_t *row;          /* scratch: keys and hashes of one batch */
    struct mem_account *acct;
};
/* What vectors of groups grow to: by a half, large ones by a quarter, as large blocks move by their
 * pages. */
#define GROUPS_CAP_STEADY ((size_t)1 << 16)
static inline size_t groups_cap_after(size_t cap)
{
    return cap < 64 ? 64 : cap + cap / (cap < GROUPS_CAP_STEADY ? 2 : 4);
}
/* nulls: a key may be null (texts always may). */
void groups_init(struct groups *g, const enum type *types, uint32_t ncols, bool nulls,
                 struct mem_account *acct);
void groups_release(struct groups *g);
/* No group any more; memory is given back. */
void groups_clear(struct groups *g);
/* The group of row list[i] of b (NULL: i) in out[i], 0 <= i < n, by key columns `cols`. New keys
 * get the next numbers in the order of the list. */
bool groups_find(struct groups *g, const struct batch *b, const uint32_t *cols,
                 const uint32_t *list, uint32_t n, uint32_t *out, struct err *err);
/* The same without making groups: UINT32_MAX for a key that is not there. `hashes` (or NULL) gets
 * the hash of each, as g->hash has it of groups. */
void groups_look_up(struct groups *g, const struct batch *b, const uint32_t *cols,
                    const uint32_t *list, uint32_t n, uint32_t *out, uint64_t *hashes);
/* The group is written as in this row from now on (its key is equal). */
void groups_respell(struct groups *g, uint32_t id, const struct batch *b, const uint32_t *cols,
                    uint32_t row);
void groups_respell_from(struct groups *g, uint32_t id, const struct groups *from,
                         uint32_t from_id);
/* Takes over all groups of `from`, which has the same columns: its group i is map[i] here. */
bool groups_merge(struct groups *g, const struct groups *from, uint32_t *map, struct err *err);
/* Column k of the keys of groups ids[0..n) (NULL: from `from` on) into column c of dst
 * (dst->rows == n), which owns what it points at. */
void groups_gather(const struct groups *g, uint32_t k, const uint32_t *ids, uint32_t from,
                   uint32_t n, struct batch *dst, uint32_t c);
/* The text of column k of a key, not null; a short one stands in tmp. */
struct slice group_text(const struct groups *g, uint32_t k, uint32_t id, char tmp[16]);
/* The value of column k of a key, not null, as bytes behind `out`; and from bytes into row `row` of
 * column c of dst, which has room (and shares the bytes of texts). */
void group_pack(const struct groups *g, uint32_t k, uint32_t id, struct buf *out);
void group_unpack(struct batch *dst, uint32_t c, uint32_t row, struct unpack *in);
/* Bytes of the longest text of column k, or 8. */
size_t group_longest(const struct groups *g, uint32_t k);
/* Bytes that `n` more groups can take at most, without their texts. */
size_t groups_growth(const struct groups *g, uint32_t n);

#endif
