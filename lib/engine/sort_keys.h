/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The order of `sort` over packed rows (engine/record.h): ascending or descending by several
 * columns; null first, last where descending; numbers by value, false before true, text by bytes,
 * json as jq orders it. What is equal is left in the order of the input by who sorts.
 *
 * A row's keys are looked at in pieces of 64 bits, whose order as unsigned numbers is the order of
 * the rows as far as the piece reaches: a number or boolean is one piece, a text one for each 7
 * bytes (the last byte says how many there are, so that the end of a text is told from a NUL in
 * it), a json value one for its kind alone. Rows that agree in a piece are asked for the next
 * (multikey sorting with caching: Ng & Kakehi 2007). */
#ifndef FORELINE_ENGINE_SORT_KEYS_H
#define FORELINE_ENGINE_SORT_KEYS_H

#include "engine/record.h"
#include "pipeline/pipeline.h"

struct sort_column {
    uint32_t column, field; /* of the rows; of the layout */
    enum type type;
    bool descending;
};
struct sort_keys {
    struct record_layout layout; /* key columns first */
    struct sort_column *by;
    uint32_t n;
};
/* Of rows with these types, sorted by `by` (n > 0). `stored`: as record_layout_init; key columns
 * are stored in any case. seq: records keep the numbers of their rows. Lives in `a`. */
void sort_keys_init(struct sort_keys *k, struct arena *a, const struct schema *s,
                    const uint64_t *stored, const struct sort_key *by, uint32_t n, bool seq);

/* Which piece of the keys. */
struct sort_place {
    uint32_t key;    /* k->n: none is left, the rows are equal */
    uint32_t offset; /* of a text: bytes before it; else how often this key was asked */
    bool compare;    /* what is left has no pieces: sort_compare knows */
};
#define SORT_PLACE_FIRST ((struct sort_place){0, 0, false})
uint64_t sort_piece(const struct sort_keys *k, const char *record, struct sort_place at);
/* The first pieces of the rows of a batch. */
void sort_first_pieces(const struct sort_keys *k, const struct batch *b, uint64_t *out);
/* Where rows that agree on `piece` go on. */
struct sort_place sort_next_place(const struct sort_keys *k, struct sort_place at, uint64_t piece);
/* Compares by the keys from keys[at.key] on. */
int sort_compare(const struct sort_keys *k, const char *a, const char *b, struct sort_place at);

#endif
