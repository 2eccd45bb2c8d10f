/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Parts. See parts.h. */
#include "engine/parts.h"

#include <string.h>

#include "base/hash.h"

#define PARTS_MIN 8u

struct parts *parts_new(struct arena *a, const struct oper *op, struct spill *spill,
                        const enum type *types, uint32_t ncols, uint32_t level)
{
    struct parts *p = ARENA_NEW(a, struct parts);
    *p = (struct parts){.spill = spill, .types = types, .ncols = ncols, .level = level};
    for (p->n = PARTS_MIN; p->n < PARTS_MAX; p->n *= 2) {
        if (p->n * 2 * SPILL_BUFFER > op->limit_bytes / 8)
            break;
    }
    return p;
}

bool parts_spread(struct parts *to, const struct batch *b, const uint32_t *list, uint32_t n,
                  const uint64_t *hash, const uint64_t *seq, struct err *err)
{
    uint32_t start[PARTS_MAX + 1] = {0}, at[PARTS_MAX], rows[BATCH_ROWS];
    uint64_t seqs[BATCH_ROWS];
    uint8_t part[BATCH_ROWS];
    for (uint32_t i = 0; i < n; i++) {
        part[i] = (uint8_t)(hash_u64(hash[i], to->level + 1) & (to->n - 1));
        start[part[i] + 1]++;
    }
    for (uint32_t p = 0; p < to->n; p++)
        start[p + 1] += start[p];
    memcpy(at, start, sizeof(at));
    for (uint32_t i = 0; i < n; i++) {
        seqs[at[part[i]]] = seq[i];
        rows[at[part[i]]++] = list ? list[i] : i;
    }
    for (uint32_t p = 0; p < to->n; p++) {
        uint32_t k = start[p + 1] - start[p];
        if (k == 0)
            continue;
        if (!to->runs[p])
            to->runs[p] = spill_run_new(to->spill, to->types, to->ncols);
        if (!spill_add(to->runs[p], b, NULL, rows + start[p], k, seqs + start[p], err))
            return false;
    }
    return true;
}

bool parts_end(struct parts *p, struct err *err)
{
    for (uint32_t i = 0; i < p->n; i++) {
        if (p->runs[i] && !spill_rewind(p->runs[i], err))
            return false;
    }
    return true;
}
