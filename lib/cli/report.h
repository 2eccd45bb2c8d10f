/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What people see: aligned tables, bars, sparklines, progress. */
#ifndef FORELINE_REPORT_H
#define FORELINE_REPORT_H

#include "base/base.h"
#include "base/buf.h"

enum align { ALIGN_LEFT, ALIGN_RIGHT };
struct report_table;
/* Headings with alignment: "<name" left, ">rows" right. NULL-terminated list. */
struct report_table *report_table_new(const char *const *headings);
void report_table_free(struct report_table *t);
/* Next cell of the current row; a full row wraps by itself. Control bytes are masked; width is
 * counted in columns of the terminal (wcwidth-like for UTF-8). style: as cli_color or NULL. */
void report_cell(struct report_table *t, const char *style, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Fits `width` columns (0: unlimited): the gaps become one blank, then the widest left-aligned
 * columns are cut with "…". */
void report_table_write(struct buf *out, struct report_table *t, int fd, unsigned width);
/* Columns of the terminal behind fd (80 when it does not say), COLUMNS when that is set, else 0: a
 * file has no edge at which to cut. */
unsigned report_width(int fd);
/* Its lines; 24 when it does not say. */
unsigned report_height(int fd);
/* Eight-level sparkline (▁▂▃▄▅▆▇█) of n values >= 0. */
void report_sparkline(struct buf *out, const double *values, size_t n);

/* A progress bar on stderr: appears only when stderr is a terminal, -q is off and two seconds have
 * passed; done(0) removes it. Cheap to call (checks the clock every few calls). */
struct progress {
    const char *what;
    double total; /* 0: unknown */
    int64_t started_us, shown_us;
    bool visible;
};
void progress_start(struct progress *p, const char *what, double total);
void progress_update(struct progress *p, double done);
void progress_done(struct progress *p);

/* Lines on stderr that are drawn again in their place, for work of many parts; under the same
 * conditions as the bar, and one or the other at a time. What does not fit the terminal is left
 * out: lines are cut at its width, and of the lines the last ones stay. */
struct live {
    int64_t started_us, shown_us;
    bool visible;
};
void live_start(struct live *l);
/* Is it time to draw? Cheap to call. *elapsed_s since the start. */
bool live_is_due(struct live *l, double *elapsed_s);
/* `text`: whole lines. */
void live_draw(struct live *l, struct slice text);
void live_done(struct live *l);

#endif
