/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text on a terminal: how wide it is, where to break it. Locale-independent (UTF-8 always), so that
 * output does not depend on the environment.
 */
#ifndef FORELINE_TEXT_H
#define FORELINE_TEXT_H

#include "base/base.h"
#include "base/buf.h"

/* One character of valid UTF-8 at p[0..n): its bytes, with the code point in *cp; 0 when the bytes
 * are not UTF-8 (overlong, surrogate, beyond U+10FFFF, cut off). */
size_t text_decode(const char *p, size_t n, uint32_t *cp);
/* Columns a character takes: 0 (combining, zero width), 1 or 2 (East Asian wide and emoji). */
unsigned text_char_columns(uint32_t cp);
/* Columns of the slice; a byte that is not UTF-8 counts one. */
size_t text_columns(struct slice s);
/* Marks that turn the direction of writing, and so can show a text as another one (Unicode
 * Technical Report 36, section 2.8). */
bool text_turns(uint32_t cp);
/* The longest prefix that takes at most `columns`. */
struct slice text_cut(struct slice s, size_t columns);
/* Appends `text` (one paragraph) broken at blanks to lines of at most `width` columns. The cursor
 * stands at column `at` already; further lines begin with `indent` blanks. Ends without newline. */
void text_wrap(struct buf *out, const char *text, size_t at, size_t indent, size_t width);
/* Appends `s` with control characters, marks that turn text and bytes that are not UTF-8 as \xNN; a
 * newline or tab that `keep_layout` allows stays. */
void text_mask(struct buf *out, struct slice s, bool keep_layout);

#endif
