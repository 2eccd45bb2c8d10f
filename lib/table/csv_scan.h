/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The structural pass over CSV: where fields and records end, in a block of bytes. No meaning of
 * fields here (see csv.c), no input or output.
 *
 * The grammar is RFC 4180 with libcsv's reading of what it leaves open: a quote that does not begin
 * a field is data; inside a quoted field a quote that is followed neither by a quote, nor by a
 * delimiter, nor by a line end is data too and the field goes on. A line ends at LF or CRLF; a CR
 * elsewhere is data.
 *
 * The regular case is read 64 bytes at a time as bit masks: the prefix parity of quotes says which
 * delimiters stand inside (Langdale and Lemire 2019, "Parsing gigabytes of JSON per second",
 * section 3.1). A chunk in which a quote stands where RFC 4180 has none is read byte by byte, and
 * so are dialects with an escape character.
 */
#ifndef FORELINE_CSV_SCAN_H
#define FORELINE_CSV_SCAN_H

#include "base/base.h"

enum csv_state {
    CSV_START,         /* at the first byte of a field */
    CSV_PLAIN,         /* in a field without quotes */
    CSV_QUOTED,        /* in a quoted field */
    CSV_CLOSED,        /* behind a quote in a quoted field */
    CSV_PLAIN_ESCAPED, /* behind an escape character */
    CSV_QUOTED_ESCAPED,
};

/* Growing list of byte offsets. */
struct csv_offsets {
    uint32_t *at;
    size_t n, cap;
};

struct csv_scan {
    int delimiter, quote, escape; /* -1: none */
    enum csv_state state;
    size_t pos; /* first byte that was not looked at */
    /* Field ends: offset of each delimiter or LF. ends.at[0] is the byte before the first record
     * (as an offset that wraps: UINT32_MAX before byte 0). */
    struct csv_offsets ends;
    /* rows.at[k], k from 1: index in `ends` of the LF that ends record k; rows.at[0] is 0. So field
     * c of record k is ends.at[rows.at[k-1] + c] + 1 up to ends.at[rows.at[k-1] + c + 1]. */
    struct csv_offsets rows;
    struct csv_offsets lfs;  /* LFs inside quoted fields */
    struct csv_offsets nuls; /* NUL bytes */
    bool high;               /* a byte of 0x80 or above was seen; the caller clears it */
};
/* Begins at offset `from` of a block, at the start of a record. */
void csv_scan_init(struct csv_scan *s, int delimiter, int quote, int escape, size_t from);
void csv_scan_release(struct csv_scan *s);
/* Looks at data[pos .. to). data[to] must be readable, and be the next byte of the input (or an LF
 * at its end) when data[to - 1] is CR or an escape character; BLOCK_SLACK bytes behind `to` must be
 * readable. */
void csv_scan_bytes(struct csv_scan *s, const char *data, size_t to);
/* The same by a given way of making masks (the best is AVX-512 or AVX2 where the processor has
 * it, else SSE2 on x86-64, else portable): for tests. */
enum csv_masks { CSV_MASKS_BEST, CSV_MASKS_AVX2, CSV_MASKS_SSE2, CSV_MASKS_PORTABLE };
void csv_scan_bytes_with(struct csv_scan *s, const char *data, size_t to, enum csv_masks masks);
static inline size_t csv_scan_rows(const struct csv_scan *s)
{
    return s->rows.n - 1;
}
/* Offset of the first byte of record k (from 1), also of the one not yet complete. */
static inline size_t csv_scan_start(const struct csv_scan *s, size_t k)
{
    return (uint32_t)(s->ends.at[s->rows.at[k - 1]] + 1);
}
/* Records k + 1 to k + m as a scan of their own (m from 0), as if it had begun with them; `to` is
 * reused. Where they are all there are, their offsets move and the records are dropped here. */
void csv_scan_cut(struct csv_scan *s, size_t k, size_t m, struct csv_scan *to);
/* Forgets the complete records; what is known of the incomplete one stays. */
void csv_scan_drop_rows(struct csv_scan *s);
/* Forgets all that was found: the input goes on in the middle of a record whose fields do not
 * matter. */
void csv_scan_drop_all(struct csv_scan *s);
/* The bytes now stand `by` lower. */
void csv_scan_shift(struct csv_scan *s, size_t by);

#endif
