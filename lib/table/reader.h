/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files and streams to column batches: CSV, TSV (any delimiter) and JSON lines, plain or gzip or
 * zstd (found by content). Blocks are read and split by a scanner of our own; callers see batches
 * only.
 *
 * CSV is RFC 4180, read as libcsv reads it where the RFC is silent:
 * - A line ends at LF or CRLF; a bare CR is data, and so is a quote inside an unquoted field.
 * - Inside a quoted field a quote must be doubled. One that is followed neither by a quote, nor a
 *   delimiter, nor a line end is kept as data and the field goes on: rule `quote`.
 * - Quotes that are never closed take the rest of the file: rule `unterminated_quote`, whose line
 * is the one where they opened. What they hold is not read a second time.
 * - An escape character makes the next byte data, inside quotes and outside; doubled quotes go on
 * to work beside it.
 * - An unquoted empty field and the unquoted spellings in `nulls` are null; "" is the empty string.
 * - An empty line is skipped and counted, but in a table of one column it is a record that is null
 *   (only in front of the first record it is skipped there too). The writer does the same.
 * - A record with more or fewer fields than the header is a reject: rule `ragged_row`.
 * - With `detect` what was left open of delimiter, quote and escape comes from the beginning of the
 *   first file that has any (dialect.h), and a bare CR ends lines if there is no LF. A quote that
 *   opens, where RFC 4180 would go on over records that stand well on their own, is data then:
 *   rule `quote` (mend.h).
 * - A UTF-8 byte order mark is skipped. UTF-16 with one is decoded (JSON lines too); surrogates
 *   without their other half become U+FFFD and are counted. Bytes that are not UTF-8 are kept as
 * they are (`latin1`).
 * - NUL bytes are data, but hint at binary input: rule `nul_byte`.
 * - Repeated names become a, a_2, …, empty ones column_N (N from 1); without header all are
 *   column_N.
 * - A record (and so a field) is at most 16 MiB: a longer one is skipped to its end, rule
 * `oversize`.
 *
 * JSON lines: one object a line (RFC 8259, UTF-8; lines of blanks are skipped and counted).
 * - The columns are the keys of the first INFER_RECORDS records in order of first appearance, and
 *   pinned columns that did not appear there. A missing key is null; of equal keys the last wins.
 * - Types by the JSON types seen (null aside): booleans; integers of 64 bits; numbers (float);
 *   strings that all are dates, or all timestamps; json when an array or object was among them:
 * then the text is JSON, strings with their quotes; string for everything else, where a number or
 *   boolean keeps its text. Numbers beyond 64 bits or a double make a column string.
 * - A value of another JSON type later on is rule `type`; so is an array or object in a string
 * column (pin it as string to have its text, as json to have it nested). A pinned column takes
 * whatever text holds as its type, in quotes or not.
 * - With `flatten` the members of an object are columns of their own, named a.b, up to 8 deep and
 *   while there are fewer than 2,000 columns; else, and when it is empty, it is its text. Arrays
 *   are their text. Where a key with a dot and a member have one name, the later is named a.b_2.
 * - A key is the same in all its spellings (\u0061 is a).
 * - A key that is no column: rule `unknown_field`, unless `columns` said what is wanted.
 * - not_json, not_an_object, invalid_utf8: the other rules. Nesting is bounded (JSON_DEPTH_MAX).
 *
 * Every record that breaks a rule is reported, in order of lines within a batch. In typed mode it
 * is a reject: one report, and it is not in the batch. In raw mode it is in the batch as far as it
 * could be read (short rows are padded with nulls, long ones cut), with `delivered` set; one report
 * for each rule it breaks. Never delivered: not_json, not_an_object, oversize.
 *
 * Types are found from the first INFER_RECORDS records, or 64 MiB of input if that is less: that
 * much is kept in memory, as streams cannot be rewound; reading starts at the first record again.
 * Otherwise memory depends on the widths of records, not on their number.
 *
 * A typed column has text and value: integers, floats and booleans are parsed while reading, dates,
 * timestamps and json are checked. Batches of wide tables have fewer rows, so that their vectors
 * stay below 32 MiB. In JSON lines TEXT_QUOTED marks JSON strings, TEXT_NESTED arrays and objects;
 * text_elements says how many elements an array has.
 */
#ifndef FORELINE_READER_H
#define FORELINE_READER_H

#include "table/batch.h"
#include "table/dialect.h"
#include "table/input.h"

enum format { FORMAT_AUTO, FORMAT_CSV, FORMAT_TSV, FORMAT_JSONL };
bool format_parse(const char *name, enum format *out); /* csv tsv jsonl ndjson json */
const char *format_name(enum format f);
/* By the ending of the path (.csv .tsv .tab .jsonl .ndjson .json, before .gz .zst), else
 * FORMAT_AUTO. */
enum format format_of_path(const char *path);

struct type_pin {
    const char *column;
    enum type type; /* TYPE_NONE: there is no value in it */
    bool inferred; /* by an earlier look at the same input, not declared by anybody: for messages */
};
#define INFER_RECORDS 20480
struct reader_opts {
    enum format format; /* AUTO: by the path, else by the first bytes ('{' is JSON lines) */
    int delimiter;      /* 0: by format (',' or tab) */
    int quote;          /* 0: '"'; -1: none */
    int escape;         /* 0: doubled quote; else e.g. '\\' */
    int header;         /* 0 auto = 1 yes, -1 no */
    bool latin1;        /* the text is ISO 8859-1, else UTF-8; batches have UTF-8 */
    const char *const
        *nulls; /* further spellings of null (exact, unquoted); NULL-terminated or NULL */
    const struct type_pin *pins; /* given types; other columns are inferred */
    size_t npins;
    bool raw; /* profiler: no types (all TYPE_STRING), ragged rows are padded or cut, delivered and
                 reported */
    bool no_infer;              /* columns without a pin are strings */
    const char *const *columns; /* columns wanted (NULL-terminated; NULL: all). Others are neither
                                   typed, checked nor delivered */
    bool detect;          /* CSV: find the dialect, and mend stray quotes; for looking at files
                             that nobody described */
    bool flatten;         /* JSON lines: members of nested objects are columns (a.b) */
    bool offsets;         /* batches say where each row ends in the data (batch.end) */
    uint32_t columns_max; /* ERR_DATA when there are more; 0: any number */
    size_t block_bytes;   /* 0: 256 KiB */
    uint32_t batch_rows;  /* at most so many records a batch; 0: as many as it holds */
    struct mem_account *acct;
};

/* A record that could not be taken: one per call of the sink. */
struct bad_record {
    const char *path; /* "-" for stdin */
    uint64_t line;
    const char *column; /* or NULL */
    const char *reason; /* "3 fields, expected 5 (header on line 1)"; lower case */
    const char *rule;   /* short, stable: ragged_row, type, unterminated_quote, invalid_utf8,
                           nul_byte, quote, not_json, not_an_object, unknown_field,
                           oversize */
    struct slice raw;   /* the record as it stands in the input, without line end; cut at 1 MiB */
    bool delivered;     /* raw mode: the row is in the batch all the same */
    /* Set by those who tell of more than a record: how many lines (0: one), and a byte. */
    uint64_t count, byte;
};
typedef void bad_record_fn(void *ctx, const struct bad_record *bad);

struct reader;
/* Opens all of `paths` ("-" is stdin) as one table: columns by name over files with equal headers;
 * a file whose header differs is an error naming both. Reads ahead up to INFER_RECORDS records to
 * find types unless pins or raw make that needless. Errors: ERR_ENV cannot open/read, ERR_DATA
 * nothing readable (binary, UTF-16 without a mark), ERR_USAGE a pin or wanted column that does not
 * exist. */
struct reader *reader_open(const char *const *paths, size_t npaths, const struct reader_opts *opts,
                           bad_record_fn *bad, void *bad_ctx, struct err *err);
/* From an open descriptor (not closed by us), for command output; `name` for messages. */
struct reader *reader_open_fd(int fd, const char *name, const struct reader_opts *opts,
                              bad_record_fn *bad, void *bad_ctx, struct err *err);
/* From whoever gives the bytes; `name` as above. */
struct reader *reader_open_input(const struct input *in, const char *name,
                                 const struct reader_opts *opts, bad_record_fn *bad, void *bad_ctx,
                                 struct err *err);
void reader_close(struct reader *r);
/* The columns delivered; valid until close. Zero columns for an empty file. A column is of
 * TYPE_NONE when the whole input was looked at and has no value in it. */
const struct schema *reader_schema(const struct reader *r);
/* Next batch (caller unrefs) with at least one row, all of one file; *out NULL at the end. Bad
 * records go to the sink, which is only called from here and reader_step. ERR_DATA (broken
 * compression, a further file that does not fit) and ERR_ENV (read error) come after what was whole
 * has been delivered. */
bool reader_next(struct reader *r, struct batch **out, struct err *err);
/* The same, but *out is also NULL where none of some records could be taken, so that their reports
 * can be looked at; *more says whether there may be others behind. */
bool reader_step(struct reader *r, struct batch **out, bool *more, struct err *err);
/* After ERR_DATA: how the compression of the file in hand is broken, at which stored byte, and the
 * line that it would have gone on with. NULL when it is not. Valid until close. */
const char *reader_defect(const struct reader *r, uint64_t *byte, uint64_t *line);
/* For figures and messages. */
struct reader_stats {
    uint64_t records;    /* delivered */
    uint64_t bad;        /* reported */
    uint64_t bytes;      /* of data, after decompression */
    uint64_t read_bytes; /* from the descriptors, as stored */
    bool bom, crlf, missing_final_newline;
    bool latin1;                   /* bytes that are not UTF-8 were seen (kept as they are) */
    uint64_t latin1_line;          /* the first such line */
    uint64_t empty_lines;          /* skipped */
    uint64_t crlf_lines, lf_lines; /* CSV records with such an end, delivered or not */
    uint64_t crlf_line, lf_line;   /* the first of each; 0: none */
    int delimiter, quote;
    const char *encoding; /* "UTF-16LE", "UTF-16BE", or NULL */
    uint64_t replaced;    /* characters of it that were none: U+FFFD */
    struct dialect_guess
        dialect; /* with `detect`, CSV: what was found (columns 0: nothing to see) */
    enum format format;
    const char *compression; /* NULL, "gzip", "zstd" */
};
void reader_stats(const struct reader *r, struct reader_stats *out);

/* -- the same by several threads --
 *
 * Finding where records end is one thread's work at a time; what they say is read by many. Pieces
 * are what reader_next would make one batch of, taken in order; each lane turns some of them into
 * batches. Batches, and what is told of bad records, are the same as from reader_next. */
struct reader_piece; /* records that were found */
/* Before the first batch: from now on the reader gives pieces, and no batches. False (and it does
 * not) with raw, detect, flatten or offsets, or when the bytes come from a struct input. */
bool reader_cut(struct reader *r);
struct reader_piece *reader_piece_new(void); /* empty */
void reader_piece_free(struct reader_piece *p);
/* Empties the piece and fills it with the next records; *more false at the end. One thread at a
 * time. Errors as of reader_next. */
bool reader_take(struct reader *r, struct reader_piece *p, bool *more, struct err *err);
/* What one thread needs to read pieces of `r`, which it must not outlive: reader_parse and
 * reader_close are all that can be done with it. Made by one thread at a time, while none takes. */
struct reader *reader_lane_new(const struct reader *r, bad_record_fn *bad, void *bad_ctx);
/* What the piece says; *out NULL when all its records are bad. Any number of lanes at once, also
 * while another thread takes. */
void reader_parse(struct reader *lane, struct reader_piece *p, struct batch **out);
/* The piece was read and is empty now: its figures join those of the reader. In the order of
 * pieces; *out: reader_stats of all up to here, of bytes up to where it was taken. */
void reader_told(struct reader *r, struct reader_piece *p, struct reader_stats *out);

#endif
