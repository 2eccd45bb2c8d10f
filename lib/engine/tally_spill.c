/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tallies on disk. See tally.h. */
#include <stdlib.h>
#include <string.h>

#include "engine/tally.h"

/* States of one batch of spilled rows: about as much as a block of the file. */
#define STATES_BYTES SPILL_BUFFER

/* Some groups, or parts of them, that are to be written. */
struct packer {
    struct buf bytes;
    uint32_t n, group[BATCH_ROWS];
    size_t from[BATCH_ROWS]; /* where the state of each begins */
};

static bool pack_out(const struct tally *t, struct packer *k, struct parts *to, struct err *err)
{
    uint32_t nby = t->spec->nby;
    uint64_t hash[BATCH_ROWS], seq[BATCH_ROWS];
    if (k->n == 0)
        return true;
    struct batch *b = batch_new(nby + 1, t->acct);
    b->rows = k->n;
    for (uint32_t c = 0; c < nby; c++)
        groups_gather(&t->groups, c, k->group, 0, k->n, b, c);
    column_alloc_rows(b, nby, TYPE_STRING, false, k->n);
    struct column *states = &b->cols[nby];
    for (uint32_t i = 0; i < k->n; i++) {
        size_t end = i + 1 < k->n ? k->from[i + 1] : k->bytes.len;
        states->text[i] = (struct text){k->bytes.p + k->from[i], (uint32_t)(end - k->from[i]), 0};
        column_set_valid(states, i);
        hash[i] = t->groups.hash[k->group[i]];
        seq[i] = t->first[k->group[i]];
    }
    bool ok = parts_spread(to, b, NULL, k->n, hash, seq, err);
    batch_unref(b);
    buf_clear(&k->bytes);
    k->n = 0;
    return ok;
}

bool tally_spill(struct tally *t, struct parts *to, struct err *err)
{
    const struct tally_spec *spec = t->spec;
    struct mem_account *acct = t->acct;
    struct packer k = {.bytes = BUF_INIT(BUF_UNBOUNDED)};
    bool ok = true;
    for (uint32_t i = 0; i < spec->nmeasures; i++)
        measure_settle(&t->measures[i], t->n);
    for (uint32_t g = 0; ok && g < t->n; g++) {
        bool more = true;
        for (uint32_t part = 0; ok && more; part++) {
            more = false;
            k.group[k.n] = g;
            k.from[k.n++] = k.bytes.len;
            for (uint32_t i = 0; i < spec->nmeasures; i++)
                more |= measure_save(&t->measures[i], g, part, &k.bytes);
            if (k.n == BATCH_ROWS || k.bytes.len >= STATES_BYTES)
                ok = pack_out(t, &k, to, err);
        }
    }
    ok = ok && pack_out(t, &k, to, err);
    buf_release(&k.bytes);
    tally_release(t);
    tally_init(t, spec, acct);
    return ok;
}

bool tally_dump(struct tally *t, struct spill *spill, struct err *err)
{
    for (uint32_t i = 0; i < t->spec->nmeasures; i++) {
        if (!measure_dump(&t->measures[i], spill, t->n, err))
            return false;
    }
    return true;
}

static bool load_states(struct tally *t, const struct batch *b, const uint32_t *list, uint32_t n,
                        const uint32_t *group, struct err *err)
{
    const struct column *states = &b->cols[t->spec->nby];
    for (uint32_t i = 0; i < n; i++) {
        struct unpack in = unpack_of(text_slice(states->text[list ? list[i] : i]));
        for (uint32_t k = 0; k < t->spec->nmeasures; k++) {
            if (!measure_load(&t->measures[k], group[i], &in, err))
                return false;
        }
    }
    for (uint32_t k = 0; k < t->spec->nmeasures; k++) {
        if (!measure_loaded(&t->measures[k], err))
            return false;
    }
    return true;
}

/* Rows of groups that the tally has into list; the others go to `others`. */
static bool part_known(struct tally *t, const struct batch *b, const uint32_t *cols,
                       const uint64_t *seq, struct parts *others, uint32_t *list, uint32_t *n,
                       struct err *err)
{
    uint32_t group[BATCH_ROWS], unknown[BATCH_ROWS], m = 0;
    uint64_t hash[BATCH_ROWS], unknown_hash[BATCH_ROWS], unknown_seq[BATCH_ROWS];
    groups_look_up(&t->groups, b, cols, NULL, b->rows, group, hash);
    *n = 0;
    for (uint32_t i = 0; i < b->rows; i++) {
        if (group[i] != UINT32_MAX) {
            list[(*n)++] = i;
            continue;
        }
        unknown_hash[m] = hash[i];
        unknown_seq[m] = seq[i];
        unknown[m++] = i;
    }
    return parts_spread(others, b, unknown, m, unknown_hash, unknown_seq, err);
}

bool tally_load(struct tally *t, struct batch *b, const uint64_t *seq, struct parts *others,
                struct err *err)
{
    uint32_t list[BATCH_ROWS], group[BATCH_ROWS], n = b->rows, nby = t->spec->nby;
    uint32_t *cols = xreallocarray(NULL, nby + 1, sizeof(*cols));
    for (uint32_t k = 0; k < nby; k++)
        cols[k] = k;
    bool ok = !others || part_known(t, b, cols, seq, others, list, &n, err);
    const uint32_t *rows = others ? list : NULL;
    uint32_t next = t->n;
    ok = ok && groups_find(&t->groups, b, cols, rows, n, group, err);
    if (ok)
        tally_grow(t);
    for (uint32_t i = 0; ok && i < n; i++) {
        uint32_t row = rows ? rows[i] : i;
        if (group[i] == next) {
            t->first[next++] = seq[row];
        } else if (seq[row] < t->first[group[i]]) {
            t->first[group[i]] = seq[row];
            groups_respell(&t->groups, group[i], b, cols, row);
        }
    }
    free(cols);
    return ok && load_states(t, b, rows, n, group, err);
}
