/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A Table Schema as structs. Internal to expect*.c. */
#ifndef FORELINE_EXPECT_INT_H
#define FORELINE_EXPECT_INT_H

#include "base/buf.h"
#include "base/regex.h"
#include "json/jq.h"
#include "json/json.h"
#include "profile/expect.h"

enum expect_type {
    EXPECT_ANY,
    EXPECT_STRING,
    EXPECT_NUMBER,
    EXPECT_INTEGER,
    EXPECT_BOOLEAN,
    EXPECT_DATE,
    EXPECT_TIME,
    EXPECT_DATETIME,
    EXPECT_YEAR,
    EXPECT_YEARMONTH,
    EXPECT_DURATION,
    EXPECT_OBJECT,
    EXPECT_ARRAY,
    EXPECT_TYPES
};
extern const char *const expect_type_names[EXPECT_TYPES];
enum expect_format {
    EXPECT_DEFAULT,
    EXPECT_AS_ANY,
    EXPECT_PATTERN,
    EXPECT_EMAIL,
    EXPECT_URI,
    EXPECT_UUID,
    EXPECT_BINARY
};

/* What a text means. */
struct logical {
    bool is_number; /* number, integer, boolean, dates and times: else text */
    bool exact;     /* i holds it all */
    int64_t i;
    double d; /* always, when is_number */
    struct slice text;
};

struct expect_list {
    struct slice *items;
    uint32_t n;
};

struct expect_bound {
    bool set;
    struct logical value;
    const char *text;
};

struct expect_field {
    const char *name;
    enum expect_type type;
    enum expect_format format;
    const char *format_text;     /* as the schema has it; of EXPECT_PATTERN for strptime */
    struct slice decimal, group; /* group empty: none */
    bool bare;
    struct expect_list true_values, false_values, missing;
    bool own_missing;
    bool required, unique;
    int64_t min_length, max_length; /* -1: none */
    struct expect_bound minimum, maximum, above, below;
    const char *pattern;        /* or NULL */
    struct regex *regex;        /* or NULL: ask jq */
    struct jq_program *program; /* made when first needed */
    struct logical *allowed;    /* enum */
    uint32_t nallowed;
    bool has_enum;
    bool in_key;
};

enum expect_match { MATCH_EXACT, MATCH_EQUAL, MATCH_SUBSET, MATCH_SUPERSET, MATCH_PARTIAL };
struct expect_key {
    uint32_t *fields, n;
    bool primary;
    const char *name; /* of its columns */
};
struct expect {
    struct arena mem;
    struct buf text;
    struct expect_field *fields;
    uint32_t nfields;
    enum expect_match match;
    struct expect_list missing;
    struct expect_key *keys;
    size_t nkeys;
    const char *const *nulls;
    bool foreign;
};

/* The meaning of a text by the field's type and format; false when it has none. `json`: an unquoted
 * value of JSON stands here when `quoted` is false. Strings of *out are the text itself, or in tmp,
 * which is cleared. */
bool expect_value(const struct expect_field *f, struct slice text, bool json, bool quoted,
                  struct buf *tmp, struct logical *out);
int logical_cmp(const struct logical *a, const struct logical *b);
/* Is the pattern of strptime one that expect_value can read? Else *bad is the directive. */
bool expect_time_pattern(const char *pattern, char *bad);
/* Does the whole text match the field's pattern? */
bool expect_matches(struct expect_field *f, struct slice text);
/* Compiles f->pattern; ERR_DATA when it is none. */
bool expect_pattern(struct arena *a, struct expect_field *f, struct err *err);
/* Characters, items or members. */
size_t expect_length(const struct expect_field *f, struct slice text);

#endif
