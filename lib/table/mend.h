/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Stray opening quotes: a scan taken back where a quoted field runs over the ends of records that
 * stand well on their own. Only for readers that must make the best of a damaged file; RFC 4180
 * input in which all records are alike is never touched. Internal to table/. */
#ifndef FORELINE_MEND_H
#define FORELINE_MEND_H

#include "table/csv_scan.h"

/* A quoted field over more lines than this is doubted before it is closed. */
#define MEND_LINES 32

/* Looks at what was found up to s->pos, in a table of `width` columns (of one column nothing can be
 * told). A record that spans lines is doubted when it has another width, or a quote in its midst
 * that is not doubled, or is never closed (`last`: data[0, s->pos) is the end of the input, an LF
 * stands behind it), or is not closed for MEND_LINES. If most of the lines behind its first have
 * `width` fields when read as records (for a record that is still open: all of MEND_LINES), the
 * quote was data: the first line is scanned again with the quote as data, and s->pos stands behind
 * it. True when that was done: at the first such record; what was found behind it is forgotten. */
bool csv_mend(struct csv_scan *s, const char *data, bool last, uint32_t width);

#endif
