/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For the tests of lib/table: text in, table as text out. */
#ifndef FORELINE_TESTS_TABLE_IO_H
#define FORELINE_TESTS_TABLE_IO_H

#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/num.h"
#include "table/writer.h"

/* An unnamed file with these bytes, at its beginning. */
static inline int file_of(struct slice text)
{
    FILE *f = tmpfile();
    if (!f || (text.len && fwrite(text.p, 1, text.len, f) != text.len) || fflush(f) != 0)
        BUG("cannot write a temporary file");
    int fd = dup(fileno(f));
    fclose(f);
    if (fd < 0 || lseek(fd, 0, SEEK_SET) != 0)
        BUG("cannot rewind a temporary file");
    return fd;
}

/* A descriptor that gives these bytes; short ones come from a pipe. */
static inline int fd_of(struct slice text)
{
    int fds[2];
    if (text.len > 4096 || pipe(fds) != 0)
        return file_of(text);
    if (text.len && write(fds[1], text.p, text.len) != (ssize_t)text.len)
        BUG("cannot write to a pipe");
    close(fds[1]);
    return fds[0];
}

/* Everything one reading gives. */
struct reading {
    bool opened, ok;
    struct err err;
    struct buf schema; /* "name:type? …" */
    struct buf rows;   /* [text]… per row and |; null is ~; quoted texts in "" */
    struct buf bad;    /* "LINE rule column|…"; delivered ones with + behind */
    struct buf lines;  /* "1 2 …" */
    struct buf reasons;
    struct reader_stats stats;
};

static inline void reading_bad(void *ctx, const struct bad_record *bad)
{
    struct reading *g = ctx;
    buf_addf(&g->bad, "%llu %s%s%s%s|", (unsigned long long)bad->line, bad->rule,
             bad->column ? " " : "", bad->column ? bad->column : "", bad->delivered ? "+" : "");
    buf_addf(&g->reasons, "%s|", bad->reason);
}

static inline void reading_batch(struct reading *g, const struct batch *b)
{
    struct buf tmp = BUF_INIT(NUM_TEXT_MAX);
    for (uint32_t row = 0; row < b->rows; row++) {
        for (uint32_t c = 0; c < b->ncols; c++) {
            const struct column *col = &b->cols[c];
            bool quoted = col->text && (col->text[row].flags & TEXT_QUOTED);
            if (!column_valid(col, row)) {
                buf_adds(&g->rows, "[~]");
                continue;
            }
            buf_adds(&g->rows, quoted ? "[\"" : "[");
            buf_add_slice(&g->rows, column_text(col, row, &tmp));
            buf_adds(&g->rows, quoted ? "\"]" : "]");
        }
        buf_addc(&g->rows, '|');
        buf_addf(&g->lines, "%s%llu", g->lines.len ? " " : "", (unsigned long long)b->line[row]);
    }
    buf_release(&tmp);
}

static inline void reading_rest(struct reading *g, struct reader *r)
{
    struct batch *b;
    g->opened = r != NULL;
    if (!r)
        return;
    const struct schema *s = reader_schema(r);
    for (uint32_t c = 0; c < s->n; c++)
        buf_addf(&g->schema, "%s%s:%s%s", c ? " " : "", s->fields[c].name,
                 type_name(s->fields[c].type), s->fields[c].nullable ? "?" : "");
    while ((g->ok = reader_next(r, &b, &g->err)) && b) {
        reading_batch(g, b);
        batch_unref(b);
    }
    reader_stats(r, &g->stats);
    reader_close(r);
}

static inline struct reading reading_new(void)
{
    struct reading g = {.err = ERR_INIT};
    g.schema = g.rows = g.bad = g.lines = g.reasons = BUF_INIT(BUF_UNBOUNDED);
    return g;
}

static inline struct reading read_text(struct slice text, const struct reader_opts *o)
{
    struct reading g = reading_new();
    int fd = fd_of(text);
    reading_rest(&g, reader_open_fd(fd, "in", o, reading_bad, &g, &g.err));
    close(fd);
    return g;
}

static inline struct reading read_paths(const char *const *paths, size_t n,
                                        const struct reader_opts *o)
{
    struct reading g = reading_new();
    reading_rest(&g, reader_open(paths, n, o, reading_bad, &g, &g.err));
    return g;
}

static inline void reading_release(struct reading *g)
{
    buf_release(&g->schema);
    buf_release(&g->rows);
    buf_release(&g->bad);
    buf_release(&g->lines);
    buf_release(&g->reasons);
}

#endif
