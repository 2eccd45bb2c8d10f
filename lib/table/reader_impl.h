/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the parts of the reader share: reader.c (files, opening), infer.c (types), csv.c and jsonl.c
 * (records to text columns). Internal to table/. */
#ifndef FORELINE_READER_IMPL_H
#define FORELINE_READER_IMPL_H

#include "base/buf.h"
#include "base/map.h"
#include "table/feed.h"
#include "table/json_scan.h"
#include "table/reader.h"

/* JSON lines: what a record does not have is set to null in its row; in tables of more columns than
 * this, whose rows would be far apart in memory, columns are cleared beforehand. */
#define NULLS_BY_ROW 64

/* A column delivered. */
struct rcol {
    struct slice name;
    enum type type; /* how it is read: TYPE_STRING while types are being found */
    bool pinned;    /* given, not found here */
    bool declared;  /* given by the user; else by an earlier look at the same input */
    bool json_text; /* JSON lines: kept as JSON, strings with their quotes */
    uint32_t at;    /* CSV: which field of the current file */
    unsigned kinds; /* JSON lines, while types are being found: KIND_* seen */
    bool null_seen;
    uint64_t present, last; /* JSON lines: records that have it; the last of them */
    enum type found;
};

/* What the map of pins holds: a type and whether it was inferred. */
enum { PIN_TYPE = 0xFF, PIN_INFERRED = 0x100 };

/* Something to report about a record. */
struct issue {
    uint64_t line;
    uint32_t row; /* in the batch, or ISSUE_NO_ROW */
    uint32_t seq;
    const char *column, *rule, *reason;
    struct slice raw;
    bool delivered;
};
#define ISSUE_NO_ROW UINT32_MAX
/* A batch ends behind the record with which its records have so many bytes in the input. */
#define TAKE_BYTES ((size_t)1 << 20)

/* What reading the records of a file needs to know of it. */
struct file_facts {
    size_t file;
    uint32_t file_cols;
    uint64_t header_line;
    uint32_t *at; /* CSV: of each column, which field */
};

/* What filling a column needs, close together. */
struct csv_target {
    struct text *text;
    uint64_t *valid;
    uint32_t at; /* which field of the current file */
};

struct reader {
    struct reader_opts o;
    bad_record_fn *bad;
    void *bad_ctx;
    struct arena mem;
    const char *const *paths;
    size_t npaths;
    struct source **sources; /* npaths */
    size_t file, next_file;  /* current, and the one to open when it is done */
    bool file_open;
    enum format format;
    int delimiter, quote, escape;
    bool detected; /* stats.dialect was found, in the first file with data */
    struct feed feed;

    struct schema schema;
    struct rcol *cols;  /* schema.n */
    struct map by_name; /* JSON lines: all columns; v.num: index */
    struct map wanted, pins, nulls;
    bool null_first[256];    /* a spelling of null begins so */
    uint32_t file_cols;      /* CSV: fields of a record in the current file */
    uint64_t header_line;    /* CSV: 0 without header */
    const char *schema_path; /* whose header made the schema */
    char *const *all;        /* CSV: the names of that header, wanted or not */
    uint32_t all_n;
    bool have_schema;

    bool finding; /* types are being found: nothing is reported or parsed */

    uint32_t cap;     /* rows per batch */
    uint32_t row_cap; /* the same for the batch in hand */
    uint32_t taken;   /* records of the input that it was made of, bad ones too */
    size_t taken_bytes;
    struct batch *b;              /* in hand */
    struct slice *records;        /* of its rows; not when raw */
    struct csv_target *fill;      /* CSV: where its columns are filled; schema.n */
    bool fill_all;                /* all of the file, in their order, and there is no escape */
    uint64_t null_columns;        /* JSON lines: bit c & 63 is 0: column c has no null */
    struct text **texts;          /* JSON lines: those of its columns; or NULL */
    uint64_t reject[BATCH_WORDS]; /* rows of it that are not delivered */
    uint64_t stray[BATCH_WORDS];  /* rows with a stray quote: one report each */
    struct issue *issues;
    size_t nissues, issues_cap;
    size_t lined; /* issues before this one know their line */
    struct buf tmp;
    struct buf path;       /* JSON lines: the name of a member, in full */
    struct json_scan json; /* JSON lines: keys, and the members of the line in hand */

    struct reader_stats stats;
    struct err failed; /* told when what came before has been delivered */

    bool cutting;                 /* it gives pieces, see piece.c */
    const struct reader *lane_of; /* it reads pieces of that one; or NULL */
    struct reader_stats told;     /* of the records of pieces */
    struct file_facts *facts;     /* then: of the current file; in mem */
};

/* Records that a batch is made of, at most. */
static inline uint32_t reader_rows_max(const struct reader *r)
{
    return r->o.batch_rows > 0 && r->o.batch_rows < r->cap ? r->o.batch_rows : r->cap;
}
/* Has the batch in hand all the records it takes? */
static inline bool reader_full(const struct reader *r)
{
    return r->taken >= r->row_cap || r->taken_bytes >= TAKE_BYTES;
}

/* The batch in hand gets an issue; column and reason as they are (static or in the batch's arena).
 */
void reader_issue(struct reader *r, uint32_t row, uint64_t line, const char *column,
                  const char *rule, const char *reason, struct slice raw);
/* The batch in hand keeps the feed's block. */
void reader_hold(struct reader *r);
/* Gets a new batch in hand. */
void reader_begin_batch(struct reader *r);
/* Is there a file with records left? Opens the next one when none is open. *more false: no. */
bool reader_next_file(struct reader *r, bool *more, struct err *err);
void reader_close_file(struct reader *r);
void reader_lane_release(struct reader *lane);
/* Pieces: what is known of the file that was opened. */
void reader_note_file(struct reader *r);
/* A big record was skipped by the feed. */
void reader_oversize(struct reader *r);
struct rcol *reader_add_column(struct reader *r, const char *name, uint32_t at);
/* While types are being found: as much was kept as may be. */
bool reader_saw_enough(const struct reader *r);
/* ERR_DATA when n columns are more than the caller wants to see. */
bool reader_check_width(const struct reader *r, uint32_t n, struct err *err);
/* Row cap of a table of n columns: vectors stay below 32 MiB. */
uint32_t reader_row_cap(size_t ncols);

/* Reads the header of the current file into names (in r->mem); *n 0 when there is nothing. */
bool csv_header(struct reader *r, char ***names, uint32_t *n, struct err *err);
/* Adds records of the current file to the batch in hand until it is full or the file ends
 * (*end). */
bool csv_fill(struct reader *r, bool *end, struct err *err);
/* The batch in hand has its vectors. */
void jsonl_begin(struct reader *r);
bool jsonl_fill(struct reader *r, bool *end, struct err *err);
/* Looks for keys and kinds in up to `limit` records of the current file. */
bool jsonl_look(struct reader *r, uint64_t limit, uint64_t *seen, bool *end, struct err *err);
/* The column of that name, made when new; NULL when it is not wanted. */
struct rcol *jsonl_column(struct reader *r, struct slice name);
/* Marks rows whose JSON kind does not fit the column's type. */
void jsonl_check_kinds(const struct rcol *rc, const struct column *c, uint32_t rows,
                       uint64_t *failed);
enum type jsonl_type(const struct rcol *rc);

/* Validity of column c of the batch in hand from its texts. */
void reader_mark_nulls(struct reader *r, uint32_t c);
/* Types the batch in hand, reports its issues, and leaves in *out what remains (NULL when nothing
 * does). */
void reader_finish_batch(struct reader *r, struct batch **out);
/* Notes the types of the batch in hand (found types). */
void reader_note_types(struct reader *r);

#endif
