/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libcsv as the oracle of our CSV scanner: the same bytes must split into the same fields. libcsv
 * is told not to trim (a space function that is always false) and to report every line end
 * (CSV_REPALL_NL); the bytes have CR only in front of LF, as libcsv ends rows at a bare CR. */
#ifndef FORELINE_TESTS_TABLE_ORACLE_H
#define FORELINE_TESTS_TABLE_ORACLE_H

#include <csv.h>

#include "tests/unit/table_io.h"

/* Records have up to this many fields in the comparison; longer ones are cut in both. */
#define ORACLE_FIELDS 40

struct oracle {
    struct buf rows; /* as struct reading has them, without its quotes around quoted texts */
    size_t fields;
};

static inline int oracle_no_space(unsigned char c)
{
    (void)c;
    return 0;
}

static inline void oracle_field(void *p, size_t n, void *ctx)
{
    struct oracle *o = ctx;
    if (o->fields++ >= ORACLE_FIELDS)
        return;
    buf_addc(&o->rows, '[');
    if (p)
        buf_add(&o->rows, p, n);
    else
        buf_addc(&o->rows, '~');
    buf_addc(&o->rows, ']');
}

static inline void oracle_row(int c, void *ctx)
{
    struct oracle *o = ctx;
    (void)c;
    if (o->fields == 0) /* an empty line, or the LF of a CRLF */
        return;
    for (; o->fields < ORACLE_FIELDS; o->fields++)
        buf_adds(&o->rows, "[~]");
    buf_addc(&o->rows, '|');
    o->fields = 0;
}

static inline struct buf oracle_split(struct slice text)
{
    struct csv_parser p;
    struct oracle o = {BUF_INIT(BUF_UNBOUNDED), 0};
    if (csv_init(&p, CSV_REPALL_NL | CSV_EMPTY_IS_NULL) != 0)
        oom_die();
    csv_set_space_func(&p, oracle_no_space);
    csv_parse(&p, text.p, text.len, oracle_field, oracle_row, &o);
    csv_fini(&p, oracle_field, oracle_row, &o);
    csv_free(&p);
    return o.rows;
}

/* What our reader makes of it: raw, with a first line of ORACLE_FIELDS names put in front. */
static inline struct buf ours_split(struct slice text, size_t block_bytes)
{
    struct buf in = BUF_INIT(BUF_UNBOUNDED), rows = BUF_INIT(BUF_UNBOUNDED);
    for (int i = 0; i < ORACLE_FIELDS; i++)
        buf_adds(&in, i ? ",h" : "h");
    buf_addc(&in, '\n');
    buf_add_slice(&in, text);
    struct reader_opts o = {.raw = true, .format = FORMAT_CSV, .block_bytes = block_bytes};
    struct err err = ERR_INIT;
    int fd = fd_of(buf_slice(&in));
    struct reader *r = reader_open_fd(fd, "in", &o, NULL, NULL, &err);
    struct batch *b;
    while (r && reader_next(r, &b, &err) && b) {
        for (uint32_t row = 0; row < b->rows; row++) {
            for (uint32_t c = 0; c < b->ncols; c++) {
                buf_addc(&rows, '[');
                if (column_valid(&b->cols[c], row))
                    buf_add_slice(&rows, text_slice(b->cols[c].text[row]));
                else
                    buf_addc(&rows, '~');
                buf_addc(&rows, ']');
            }
            buf_addc(&rows, '|');
        }
        batch_unref(b);
    }
    if (!r || err.kind)
        buf_addf(&rows, "error: %s", err.text);
    reader_close(r);
    close(fd);
    buf_release(&in);
    return rows;
}

/* Bytes as the oracle takes them: a CR stands only in front of an LF. */
static inline struct buf oracle_input(struct slice bytes)
{
    struct buf in = BUF_INIT(BUF_UNBOUNDED);
    for (size_t i = 0; i < bytes.len; i++)
        if (bytes.p[i] != '\r' || (i + 1 < bytes.len && bytes.p[i + 1] == '\n'))
            buf_addc(&in, bytes.p[i]);
    return in;
}

#endif
