/* SPDX-License-Identifier: GPL-3.0-or-later */
/* HTML for people: text from the data, numbers, small bars. What a page is made of is the tools'
 * business. */
#ifndef FORELINE_HTML_H
#define FORELINE_HTML_H

#include "base/base.h"
#include "base/buf.h"

/* Text from the data, for content and for quoted attributes: markup is escaped; control characters,
 * marks that turn text (cli/text.h), what is no character and bytes that are not UTF-8 show as \xNN
 * and \uNNNN. */
void html_text(struct buf *out, struct slice s);
void html_str(struct buf *out, const char *s);
/* The same between marks that keep its direction of writing to itself, cut to 80 columns. */
void html_value(struct buf *out, struct slice s);
/* A dash when it is not known. Counts and whole numbers have their digits grouped. */
void html_count(struct buf *out, double n);
void html_number(struct buf *out, double d);
/* A bar filled by a share from 0 to 1, of the class meter and `kind`; not for those who listen: the
 * figure stands beside it. */
void html_meter(struct buf *out, const char *kind, double share);

#endif
