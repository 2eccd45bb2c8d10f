/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Column batches to CSV, TSV or JSON lines text, in a buffer: who owns the file is os/atomic's
 * matter. CSV: RFC 4180 quoting where needed, LF; null is empty, the empty string is "". JSON
 * lines: null is null; json columns as they are; strings that are not UTF-8 have bytes replaced by
 * U+FFFD.
 *
 * What is written reads back as the same table (a property under test), given the types: a null of
 * a table of one column is an empty line, which the reader takes for a null there. Text that was
 * quoted in the input is quoted again only where needed: when it holds the delimiter, a quote, CR
 * or LF, when it is empty, or begins like a byte order mark. */
#ifndef FORELINE_WRITER_H
#define FORELINE_WRITER_H

#include "base/buf.h"
#include "table/batch.h"
#include "table/reader.h"

struct writer_opts {
    enum format format;
    int delimiter; /* 0: by format */
    bool no_header;
};
void writer_header(struct buf *out, const struct schema *s, const struct writer_opts *o);
void writer_batch(struct buf *out, const struct schema *s, const struct batch *b,
                  const struct writer_opts *o);

#endif
