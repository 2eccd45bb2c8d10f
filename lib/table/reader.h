/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files and streams to column batches: CSV, TSV (any delimiter) and JSON lines, plain or gzip or
 * zstd (found by content). Blocks are read and split by a scanner of our own; callers see batches
 * only.
 */
#ifndef FORELINE_READER_H
#define FORELINE_READER_H

#include "table/batch.h"

enum format { FORMAT_AUTO, FORMAT_CSV, FORMAT_TSV, FORMAT_JSONL };
bool format_parse(const char *name, enum format *out); /* csv tsv jsonl ndjson json */
const char *format_name(enum format f);
/* By the ending of the path (.csv .tsv .tab .jsonl .ndjson .json, before .gz .zst), else
 * FORMAT_AUTO. */
enum format format_of_path(const char *path);

struct type_pin {
    const char *column;
    enum type type;
};
#define INFER_RECORDS 20480
struct reader_opts {
    enum format format; /* AUTO: by the path, else by the first bytes ('{' is JSON lines) */
    int delimiter;      /* 0: by format (',' or tab) */
    int quote;          /* 0: '"'; -1: none */
    int escape;         /* 0: doubled quote; else e.g. '\\' */
    int header;         /* 0 auto = 1 yes, -1 no */
    const char *const
        *nulls; /* further spellings of null (exact, unquoted); NULL-terminated or NULL */
    const struct type_pin *pins; /* given types; other columns are inferred */
    size_t npins;
    bool raw; /* profiler: no types (all TYPE_STRING), ragged rows are padded or cut, delivered and
                 reported */
    bool no_infer;              /* columns without a pin are strings */
    const char *const *columns; /* columns wanted (NULL-terminated; NULL: all). Others are neither
                                   typed, checked nor delivered */
    size_t block_bytes;         /* 0: 1 MiB */
    struct mem_account *acct;
};

/* A record that could not be taken: one per call of the sink. */
struct bad_record {
    const char *path; /* "-" for stdin */
    uint64_t line;
    const char *column; /* or NULL */
    const char *reason; /* "3 fields, expected 5 (header on line 1)"; lower case */
    const char *rule;   /* short, stable: ragged_row, type, unterminated_quote, invalid_utf8,
                           nul_byte, not_json, not_an_object, unknown_field, oversize */
    struct slice raw;   /* the record as it stands in the input, without line end; cut at 1 MiB */
    bool delivered;     /* raw mode: the row is in the batch all the same */
};
typedef void bad_record_fn(void *ctx, const struct bad_record *bad);

struct reader;
/* Opens all of `paths` ("-" is stdin) as one table: columns by name over files with equal headers;
 * a file whose header differs is an error naming both. Reads ahead up to INFER_RECORDS records to
 * find types unless pins or raw make that needless. Errors: ERR_ENV cannot open/read, ERR_DATA
 * nothing readable (binary, UTF-16), ERR_USAGE a pin or wanted column that does not exist. */
struct reader *reader_open(const char *const *paths, size_t npaths, const struct reader_opts *opts,
                           bad_record_fn *bad, void *bad_ctx, struct err *err);
/* From an open descriptor (not closed by us), for command output; `name` for messages. */
struct reader *reader_open_fd(int fd, const char *name, const struct reader_opts *opts,
                              bad_record_fn *bad, void *bad_ctx, struct err *err);
void reader_close(struct reader *r);
/* The columns delivered; valid until close. Zero columns for an empty file. */
const struct schema *reader_schema(const struct reader *r);
/* Next batch (caller unrefs) with at least one row; *out NULL at the end. Bad records go to the
 * sink. */
bool reader_next(struct reader *r, struct batch **out, struct err *err);
/* For figures and messages. */
struct reader_stats {
    uint64_t records;    /* delivered */
    uint64_t bad;        /* reported */
    uint64_t bytes;      /* of data, after decompression */
    uint64_t read_bytes; /* from the descriptors, as stored */
    bool bom, crlf, missing_final_newline;
    bool latin1;          /* bytes that are not UTF-8 were seen (kept as they are) */
    uint64_t latin1_line; /* the first such line */
    uint64_t empty_lines; /* skipped */
    int delimiter, quote;
    enum format format;
    const char *compression; /* NULL, "gzip", "zstd" */
};
void reader_stats(const struct reader *r, struct reader_stats *out);

#endif
