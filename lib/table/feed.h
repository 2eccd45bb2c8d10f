/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One source as blocks whose records have been found: between the bytes (source.h) and their
 * meaning (csv.c, jsonl.c). A record always stands whole in one block; one that straddles two is
 * carried over; one beyond RECORD_MAX is skipped. Internal to table/. */
#ifndef FORELINE_FEED_H
#define FORELINE_FEED_H

#include "table/batch.h"
#include "table/csv_scan.h"
#include "table/source.h"

#define RECORD_MAX ((size_t)16 << 20)
/* What a report keeps of a record. */
#define RAW_MAX ((size_t)1 << 20)

enum feed_got {
    FEED_ROWS,     /* records k .. csv_scan_rows() are there, at least one */
    FEED_OVERSIZE, /* a record was skipped: see `big` */
    FEED_PAUSE,    /* no more for now (only when the source may pause) */
    FEED_LOOKED,   /* in a record that is skipped: all of look_max was read */
    FEED_END,
    FEED_ERROR,
};

/* A record that was skipped. */
struct feed_big {
    uint64_t line, lfs;
    char *raw; /* RAW_MAX bytes of it */
    size_t len;
};
/* Records that were cut out of a feed: as many as stood together, or (`big.raw`) a big one. */
struct feed_cut {
    struct block *block;
    struct csv_scan scan;
    uint64_t line, open_line;
    bool unterminated, missing_final_newline, latin1;
    struct feed_big big;
};
struct feed {
    struct source *src; /* NULL: the records of `cuts` */
    struct mem_account *acct;
    size_t block_bytes;
    struct block *block;
    struct csv_scan scan;
    size_t k;           /* records of the scan that were taken: the next is k + 1 */
    size_t lf_k, nul_k; /* likewise of scan.lfs and scan.nuls */
    uint64_t line;      /* line number of the next record */
    uint64_t bytes;     /* read so far */
    size_t utf8_pos;    /* checked up to here */
    bool paused;        /* the last fill gave nothing, and more will come */
    bool eof, bom, missing_final_newline, latin1;
    uint64_t latin1_line; /* first line with a byte that is not UTF-8 */
    bool unterminated;    /* the last record ended with the input inside quotes */
    uint64_t open_line;   /* where those quotes opened */
    bool skipping;
    size_t look_max; /* a source that records is not read further to find where a record that is too
                        long ends; 0: it is */
    uint32_t mend_width; /* columns of the table, to tell stray quotes by (see mend.h); 0: do not */
    bool mending;        /* one was just found: go on in small steps */
    bool cr;             /* lines end at a bare CR */
    struct wide *wide;   /* UTF-16 input; or NULL */
    bool full_blocks;    /* records are cut out for other threads: what stands in a block when the
                            first one goes does not change */
    bool broken;         /* then: no more can be read into the block in hand */
    struct feed_big big;
    const struct feed_cut *cuts; /* the one in hand is before it */
    size_t ncuts;                /* left */
};
/* Takes no ownership of the source. JSON lines: no delimiter, no quote. */
void feed_init(struct feed *f, struct source *src, int delimiter, int quote, int escape,
               size_t block_bytes, struct mem_account *acct);
void feed_release(struct feed *f);
/* Up to `want` bytes at the beginning of the input, for telling formats (before the first
 * feed_more). A byte order mark is left out; UTF-16 with one is decoded from here on. Behind the
 * head BLOCK_SLACK bytes are readable. */
#define PEEK_BYTES ((size_t)4096)
bool feed_peek(struct feed *f, size_t want, struct slice *head, struct err *err);
/* From now on (before the first feed_more) a bare CR ends a line. */
void feed_set_cr(struct feed *f);
/* "UTF-16LE", "UTF-16BE" or NULL, and the characters that were none. */
const char *feed_encoding(const struct feed *f, uint64_t *replaced);
/* The same of records that were cut out of another feed (borrowed, as they are what the feed points
 * to): no other call but those below, and no feed_release. */
void feed_init_cuts(struct feed *f, const struct feed_cut *cuts, size_t n);
/* Cuts out the next m records of those that were found (they are taken), or, after FEED_OVERSIZE,
 * the big one (m 0). `cut` is reused. */
void feed_cut_out(struct feed *f, size_t m, struct feed_cut *cut);
void feed_cut_clear(struct feed_cut *cut); /* keeps room for offsets */
void feed_cut_release(struct feed_cut *cut);
/* When all records were taken: finds more. */
enum feed_got feed_more(struct feed *f, struct err *err);
/* Takes the next m records: their line numbers into out (may be NULL). */
void feed_take(struct feed *f, size_t m, uint64_t *out);
/* Where record k + 1 + i ends, behind its line end: bytes from the beginning of the data. */
uint64_t feed_end(const struct feed *f, size_t i);
/* How many of the next m records (at least one) to take so that all but the last stay below `room`
 * bytes, line ends included; *bytes: those. */
size_t feed_fit(const struct feed *f, size_t m, size_t room, size_t *bytes);
/* The line number of record k + 1 + i. */
uint64_t feed_line(const struct feed *f, size_t i);
/* Record k + 1 + i as it stands, without line end. */
struct slice feed_record(const struct feed *f, size_t i);

#endif
