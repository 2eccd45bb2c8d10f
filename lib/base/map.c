/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The string map: entries in a dense array, slots with linear probing at most 2/3 full. */
#include "base/map.h"

#include "base/hash.h"

void map_release(struct map *m)
{
    free(m->entries);
    free(m->slots);
    arena_release(&m->keys);
    *m = MAP_INIT;
}

void map_clear(struct map *m)
{
    m->len = 0;
    if (m->slots)
        memset(m->slots, 0, (m->mask + 1) * sizeof(*m->slots));
    arena_clear(&m->keys);
}

static size_t find_slot(const struct map *m, struct slice key, uint64_t h)
{
    size_t i = h & m->mask;
    while (m->slots[i]) {
        const struct map_entry *e = &m->entries[m->slots[i] - 1];
        if (e->hash == h && slice_eq(e->key, key))
            break;
        i = (i + 1) & m->mask;
    }
    return i;
}

struct map_entry *map_get(const struct map *m, struct slice key)
{
    if (!m->slots)
        return NULL;
    size_t i = find_slot(m, key, hash_bytes(key.p, key.len, 0));
    return m->slots[i] ? &m->entries[m->slots[i] - 1] : NULL;
}

static void rehash(struct map *m)
{
    size_t slots = m->slots ? (m->mask + 1) * 2 : 16;
    free(m->slots);
    m->slots = xcalloc(slots, sizeof(*m->slots));
    m->mask = slots - 1;
    for (size_t e = 0; e < m->len; e++) {
        size_t i = m->entries[e].hash & m->mask;
        while (m->slots[i])
            i = (i + 1) & m->mask;
        m->slots[i] = (uint32_t)(e + 1);
    }
}

struct map_entry *map_put(struct map *m, struct slice key, bool *added)
{
    if (!m->slots || (m->len + 1) * 3 > (m->mask + 1) * 2)
        rehash(m);
    uint64_t h = hash_bytes(key.p, key.len, 0);
    size_t i = find_slot(m, key, h);
    if (added)
        *added = !m->slots[i];
    if (m->slots[i])
        return &m->entries[m->slots[i] - 1];
    if (m->len == m->cap) {
        m->cap = m->cap ? m->cap * 2 : 8;
        m->entries = xreallocarray(m->entries, m->cap, sizeof(*m->entries));
    }
    struct map_entry *e = &m->entries[m->len++];
    *e = (struct map_entry){.key = arena_slice(&m->keys, key), .hash = h};
    e->v.ptr = NULL;
    m->slots[i] = (uint32_t)m->len;
    return e;
}
