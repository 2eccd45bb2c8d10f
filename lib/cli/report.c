/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tables and sparklines as text. Formats what it is given; what to show is the tools' business.
 */
#include "cli/report.h"

#include <math.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/num.h"
#include "cli/cli.h"
#include "cli/text.h"

/* Blanks between columns; one where the table would be too wide. */
#define GAP 2
/* A column that has to give way keeps at least this much. */
#define LEAST 8

struct cell {
    struct slice text;
    const char *style;
};
struct report_table {
    struct arena arena;
    size_t columns;
    enum align *align;
    struct slice *headings;
    struct cell *cells;
    size_t ncells;
};

struct report_table *report_table_new(const char *const *headings)
{
    struct report_table *t = xcalloc(1, sizeof(*t));

    t->arena = ARENA_INIT;
    while (headings[t->columns] != NULL)
        t->columns++;
    t->align = ARENA_ARRAY(&t->arena, enum align, t->columns);
    t->headings = ARENA_ARRAY(&t->arena, struct slice, t->columns);
    for (size_t i = 0; i < t->columns; i++) {
        const char *h = headings[i];

        t->align[i] = h[0] == '>' ? ALIGN_RIGHT : ALIGN_LEFT;
        t->headings[i] = arena_slice(&t->arena, slice_str(h + (h[0] == '>' || h[0] == '<')));
    }
    return t;
}

void report_table_free(struct report_table *t)
{
    if (t == NULL)
        return;
    arena_release(&t->arena);
    free(t);
}

void report_cell(struct report_table *t, const char *style, const char *fmt, ...)
{
    struct buf masked = BUF_INIT(1 << 20);
    struct cell *cell;
    va_list ap;
    char *text;

    va_start(ap, fmt);
    text = xvasprintf(fmt, ap);
    va_end(ap);
    text_mask(&masked, slice_str(text), false);
    free(text);
    cell = ARENA_PUSH(&t->arena, t->cells, t->ncells);
    cell->text = arena_slice(&t->arena, buf_slice(&masked));
    cell->style = style;
    buf_release(&masked);
}

static void spaces(struct buf *out, size_t n)
{
    while (n-- > 0)
        buf_addc(out, ' ');
}

/* No blanks at the end of a line, as of a row whose last cells are empty. */
static void end_line(struct buf *out)
{
    while (out->len > 0 && out->p[out->len - 1] == ' ')
        out->len--;
    buf_addc(out, '\n');
}

static void write_cell(struct buf *out, struct slice text, size_t width, enum align align,
                       const char *on, const char *off, size_t gap)
{
    bool last = gap == 0;
    size_t w = text_columns(text);
    bool cut = w > width;

    if (cut) {
        text = text_cut(text, width - 1);
        w = text_columns(text) + 1;
    }
    if (align == ALIGN_RIGHT)
        spaces(out, width - w);
    buf_adds(out, on);
    buf_add_slice(out, text);
    if (cut)
        buf_adds(out, "…");
    buf_adds(out, off);
    if (align == ALIGN_LEFT && !last)
        spaces(out, width - w);
    spaces(out, gap);
}

/* Narrows the gaps, then takes columns from the widest left-aligned column, one at a time, until
 * the rows fit. Returns the gap. */
static size_t fit(const struct report_table *t, size_t *widths, size_t limit)
{
    size_t gap = GAP;

    for (;;) {
        size_t total = (t->columns - 1) * gap, widest = t->columns;

        for (size_t i = 0; i < t->columns; i++) {
            total += widths[i];
            if (t->align[i] == ALIGN_LEFT && widths[i] > LEAST &&
                (widest == t->columns || widths[i] > widths[widest]))
                widest = i;
        }
        if (total <= limit)
            return gap;
        if (gap > 1)
            gap--;
        else if (widest == t->columns)
            return gap;
        else
            widths[widest]--;
    }
}

void report_table_write(struct buf *out, struct report_table *t, int fd, unsigned width)
{
    const char *reset = cli_color(fd, "reset");
    size_t gap = GAP;
    size_t *widths;

    if (t->columns == 0)
        return;
    widths = xcalloc(t->columns, sizeof(*widths));
    for (size_t i = 0; i < t->columns; i++)
        widths[i] = text_columns(t->headings[i]);
    for (size_t i = 0; i < t->ncells; i++) {
        size_t w = text_columns(t->cells[i].text), c = i % t->columns;

        if (w > widths[c])
            widths[c] = w;
    }
    if (width > 0)
        gap = fit(t, widths, width);
    for (size_t i = 0; i < t->columns; i++)
        write_cell(out, t->headings[i], widths[i], t->align[i], cli_color(fd, "bold"), reset,
                   i + 1 == t->columns ? 0 : gap);
    end_line(out);
    for (size_t i = 0; i < t->ncells; i++) {
        const struct cell *cell = &t->cells[i];
        size_t c = i % t->columns;
        bool last = c + 1 == t->columns || i + 1 == t->ncells;
        const char *on = cell->style != NULL ? cli_color(fd, cell->style) : "";

        write_cell(out, cell->text, widths[c], t->align[c], on, on[0] != '\0' ? reset : "",
                   last ? 0 : gap);
        if (last)
            end_line(out);
    }
    free(widths);
}

unsigned report_width(int fd)
{
    const char *columns = getenv("COLUMNS");
    struct winsize size;
    int64_t n;

    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    if (columns != NULL && num_parse_int(slice_str(columns), &n) && n >= 20 && n <= 10000)
        return (unsigned)n;
    return isatty(fd) ? 80 : 0;
}

unsigned report_height(int fd)
{
    struct winsize size;

    return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 ? size.ws_row : 24;
}

void report_sparkline(struct buf *out, const double *values, size_t n)
{
    static const char *const levels[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    double top = 0;

    for (size_t i = 0; i < n; i++)
        if (isfinite(values[i]) && values[i] > top)
            top = values[i];
    for (size_t i = 0; i < n; i++) {
        double share = top > 0 && isfinite(values[i]) ? values[i] / top : 0;
        int level = (int)(share * 7.999);

        buf_adds(out, isnan(values[i]) ? " " : levels[level < 0 ? 0 : level > 7 ? 7 : level]);
    }
}
