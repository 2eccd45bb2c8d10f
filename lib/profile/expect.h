/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Data held against a Table Schema of Frictionless Data (datapackage.org/standard/table-schema,
 * both version 1 and 2), in the same pass that profiles it.
 *
 * Types: string (formats default, email, uri, uuid, binary), number and integer (decimalChar,
 * groupChar, bareNumber), boolean (trueValues, falseValues), date, time, datetime (default, any,
 * patterns of strptime), year, yearmonth, duration, object, array, any. Refused, each by name:
 * geopoint, geojson, list, and the constraint jsonSchema. foreignKeys need other tables and are not
 * checked, which expect_note says.
 * Constraints: required, unique, minLength, maxLength (characters, items, members), minimum,
 * maximum, exclusiveMinimum, exclusiveMaximum, pattern, enum; categories count as enum. primaryKey,
 * uniqueKeys, missingValues of the table and of a field, fieldsMatch.
 *
 * A pattern must match the whole value. Its dialect is that of jq's `test` (Oniguruma, Perl
 * syntax), which most patterns share with XML Schema; most run on an automaton (base/regex.h), the
 * others on libjq. `any` of dates and times is what etl-profile itself takes for one. Durations are
 * compared with a month of 30.436875 days.
 *
 * Unique values are remembered by fingerprints of 128 bits: 23 to 46 bytes of memory for each
 * record and rule; two different values are taken for one with a probability of 1e-20 at a billion
 * records. Null is no value, and never equals another. */
#ifndef FORELINE_EXPECT_H
#define FORELINE_EXPECT_H

#include "table/batch.h"

struct expect;
/* ERR_ENV when the file cannot be read, ERR_DATA, with the place, when it is no Table Schema or
 * asks for what is not supported. */
struct expect *expect_read(const char *path, struct err *err);
/* The same from text. */
struct expect *expect_parse(struct slice text, struct err *err);
void expect_free(struct expect *e);
/* Further spellings of null that the reader may take as such (NULL-terminated), or NULL when they
 * are not the same for all columns. */
const char *const *expect_nulls(const struct expect *e);
/* What of the schema is not checked, for a warning, or NULL. */
const char *expect_note(const struct expect *e);

/* Violations of one rule by one column. */
struct expect_violation {
    const char *column; /* or NULL: the table; keys: the names with commas */
    const char *rule;   /* type, required, minimum, …, primary_key, missing_field, field_order */
    const char *what;   /* "above the maximum 100" */
    const char *value;  /* the first, cut; NULL when it is missing */
    uint64_t count, line; /* line of the first; 0: unknown, or of the header */
};

/* The check of one input. Takes the columns of `s` (copied), `json`: of JSON lines, where order
 * means nothing and strings stand in quotes; `by_position`: the columns have no names. One thread.
 */
struct expect_run *expect_begin(const struct expect *e, const struct schema *s, bool json,
                                bool by_position);
/* Every record, also those that a sample leaves out. */
void expect_check(struct expect_run *r, const struct batch *b);
/* In the order of the schema's fields, then keys; strings live as long as the run. */
const struct expect_violation *expect_violations(struct expect_run *r, size_t *n);
/* How many records were looked at. */
uint64_t expect_records(const struct expect_run *r);
void expect_end(struct expect_run *r);
/* "3 values above the maximum 100 (first on line 17: '250')", behind `out`. */
struct buf;
void expect_words(const struct expect_violation *v, struct buf *out);

#endif
