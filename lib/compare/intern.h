/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the parts of lib/compare share. Internal.
 *
 * A row travels as a record of bytes, whose order puts what may be equal side by side:
 *   8 bytes  hash of the exact part, big-endian
 *   4 bytes  length of the exact part, big-endian
 *   exact    one byte (RECORD_ROW, or RECORD_BAD and then the record as it stands), and per exact
 *            column 0 for null, or its length + 1 as a varint, its kind where both tables are JSON
 *            lines, and its canonical text
 *   8 bytes  per tolerant column: see number_key; big-endian
 *   8 bytes  number of the row in its table, from 1; big-endian */
#ifndef FORELINE_COMPARE_INTERN_H
#define FORELINE_COMPARE_INTERN_H

#include "base/buf.h"
#include "compare/compare.h"
#include "compare/sorter.h"

#define KEPT 200          /* rows that only one table has, kept to find pairs and examples */
#define KEPT_BYTES 65536u /* of such a row: longer ones are counted, not shown */
#define PARTS 4096u
#define RECORD_HEAD 12u /* hash and length */
enum { RECORD_ROW = 0, RECORD_BAD = 1 };

/* How the values of a column are compared. */
enum family { FAMILY_TEXT, FAMILY_INTEGER, FAMILY_BOOLEAN, FAMILY_NUMBER };

struct seen { /* of one column of one table, over all its values */
    enum type type;
    bool special; /* nan, inf: no type of their own */
    uint64_t sum; /* of the hashes of its texts: to find renamed columns */
};
struct common { /* a column of both */
    const char *name;
    uint32_t at[2];
    enum family family;
    uint32_t key; /* of a tolerant one: its place among them */
};
struct part {
    uint64_t rows, a, b;
};
struct kept {
    uint64_t row;
    char *rec;
    uint32_t len;
};
struct table {
    const struct compare_side *side;
    struct schema schema; /* names only */
    enum format format;
    struct seen *seen;
    uint64_t rows, bad; /* seen in the pass at hand */
    struct part *parts;
    struct sorter *sorter;
    uint64_t only;
    struct kept kept[KEPT];
    uint32_t nkept;
    char *first_bad;
};
struct cmp {
    const struct compare_opts *o;
    struct arena *a; /* of the result */
    struct arena mem;
    struct table t[2];
    struct common *common;
    uint32_t ncommon, nkeys; /* nkeys: of them tolerant */
    bool kinds;              /* both are JSON lines: 5 is not "5" */
    struct compare_result *out;
    struct buf rec, key;
    struct err err; /* of a sink, which cannot fail */
    bool adding;    /* rows of parts that differ go to the sorters */
};

/* -- value.c: what a value is -- */
/* The type of a valid value of a table; specials of CSV give TYPE_NONE and set *special. */
enum type value_seen(enum format format, struct text t, bool *special);
/* A double (null: NULL) as 64 bits whose order is the order of the doubles: null, -inf … inf, NaN.
 * Equal by value is equal in bits: one zero, one NaN. */
uint64_t number_key(const double *d);
/* Its text, for people; "null". */
const char *number_key_text(uint64_t key, char out[32]);
bool number_keys_close(uint64_t a, uint64_t b, double rtol);
/* Of the text of a value in a tolerant column. */
uint64_t number_key_of_text(struct slice s);
/* The bytes of a valid value in an exact column, the same for equal ones. */
struct slice value_canonical(enum family family, struct text t);
/* Where 5 is not "5", it stands before them. */
static inline char value_kind(struct text t)
{
    return t.flags & TEXT_QUOTED ? 's' : t.flags & TEXT_NESTED ? 'j' : 'v';
}

/* -- record.c -- */
/* Row `row` of b as a record into k->rec; gives its hash. */
uint64_t record_of_row(struct cmp *k, int side, const struct batch *b, uint32_t row, uint64_t no);
/* A record that breaks a rule. */
uint64_t record_of_bad(struct cmp *k, struct slice raw, uint64_t no);
static inline uint64_t get_u64(const char *p)
{
    uint64_t v = 0;
    for (int i = 0; i < 8; i++)
        v = v << 8 | (unsigned char)p[i];
    return v;
}
/* Bytes of hash, length and exact part: what rows that may be equal share. */
size_t record_group(struct slice rec);
uint64_t record_row(struct slice rec);
bool record_is_bad(struct slice rec);
/* The values of the common columns, equal in bytes where they are equal: canonical texts, which
 * point into the record, and numbers of tolerant columns as text in the arena; p NULL: null. */
void record_values(const struct cmp *k, struct arena *a, struct slice rec, struct slice *out);

/* -- match.c: rows of parts that differ -- */
/* Goes through both sorters; counts and keeps what only one has. */
bool match_rows(struct cmp *k, struct err *err);

/* -- tell.c: sentences -- */
void tell(struct cmp *k);
void tell_reason(struct cmp *k, const char *fmt, ...) PRINTF_LIKE(2, 3);
const char *tell_name(const struct cmp *k, int side);

#endif
