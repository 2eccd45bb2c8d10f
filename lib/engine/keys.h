/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values as keys: hashes and equality across integer and float, and order. */
#ifndef FORELINE_ENGINE_KEYS_H
#define FORELINE_ENGINE_KEYS_H

#include "engine/rows.h"

/* Equal values have equal hashes, also an integer and a float; nulls have one of their own. */
void keys_hash(const struct batch *b, const uint32_t *cols, uint32_t n, uint64_t *out);
/* Bit per row where any key column is null. */
void keys_null(const struct batch *b, const uint32_t *cols, uint32_t n, uint64_t *out);

/* Equal as SQL groups: null equals null, numbers by value, text and json by bytes. */
bool value_same(const struct column *a, uint32_t ra, const struct column *b, uint32_t rb);
/* The order of `sort`: null first, numbers by value, false before true, text by bytes, json as jq
 * orders it (containers of one kind by their text). */
int value_order(const struct column *a, uint32_t ra, const struct column *b, uint32_t rb);
/* Of two json texts; and of the kind of one alone: null, false, true, number, … */
#define JSON_KIND_TRUE 2
int json_order(struct slice a, struct slice b);
int json_kind_order(struct slice text);
/* An integer against a double, exactly: the sign of i - d. d is not NaN. */
int num_order_mixed(int64_t i, double d);

#endif
