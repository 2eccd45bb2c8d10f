/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One value's type from its text: the grammar of contracts.md section 3. */
#ifndef FORELINE_VALUE_H
#define FORELINE_VALUE_H

#include "table/batch.h"

union value {
    int64_t i; /* integer; date as days since 1970; timestamp as microseconds */
    double f;
    bool b;
};
/* The narrowest type of a non-null text, deciding once, with its value:
 * boolean (true, false in lower case; also True/TRUE as Python and R write them), integer (JSON
 * grammar, 64 bit, no leading zeros), float (finite), date (ISO 8601), timestamp (base/instant.h),
 * else string. Never TYPE_JSON and never TYPE_NONE. For type integer, *v holds i; float f; boolean
 * b; date and timestamp i. */
enum type value_classify(struct slice text, union value *v);
/* Does the text hold as a value of `type`? Then *v is it (string, json: untouched). An integer's
 * text is a valid float, even beyond 64 bits; json is one value of JSON without blanks around. */
bool value_parse(struct slice text, enum type type, union value *v);
/* Parses the texts of a whole column into its typed vector (date, timestamp and json: checks only).
 * Sets the bits (BATCH_WORDS words) of valid rows whose text does not hold; true when all do. */
bool column_parse(struct column *c, uint32_t rows, uint64_t *failed);

#endif
