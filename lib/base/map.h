/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A map from byte strings to integers or pointers, iterated in order of insertion, so that no
 * output ever depends on hash order. Open addressing, linear probing; amortised O(1). */
#ifndef FORELINE_MAP_H
#define FORELINE_MAP_H

#include "base/arena.h"
#include "base/base.h"

struct map_entry {
    struct slice key; /* owned by the map */
    uint64_t hash;
    union {
        void *ptr;
        int64_t num;
    } v;
};
struct map {
    struct map_entry *entries; /* `len` of them, insertion order */
    uint32_t *slots;           /* 0 = empty, else entry + 1 */
    size_t len, cap, mask;
    struct arena keys;
};
#define MAP_INIT ((struct map){0})
void map_release(struct map *m);
void map_clear(struct map *m);
/* NULL when absent. The pointer is valid until the next map_put. */
struct map_entry *map_get(const struct map *m, struct slice key);
/* The entry of `key`, made with v = 0 when new (*added says so; may be NULL). */
struct map_entry *map_put(struct map *m, struct slice key, bool *added);

#endif
