/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Stray opening quotes. See mend.h. */
#include "table/mend.h"

/* Of a record that is complete this many lines are looked at, and never more bytes than that. */
#define LINES_LOOKED_AT 8
#define BYTES_LOOKED_AT ((size_t)64 << 10)
/* Opening quotes of one line taken as data one by one; with more, all are. */
#define QUOTES_OF_LINE 16

/* A record with a line end inside. */
struct suspect {
    size_t k;       /* from 1; csv_scan_rows() + 1: the one that is still open */
    size_t lf, nlf; /* its LFs in the list of those inside quotes: the first, and how many */
    size_t field;   /* its field with the first of them begins behind ends.at[field] */
    bool complete;
    uint32_t end;
};

/* Is there, in the field, a quote that is neither doubled nor at the end? */
static bool has_stray(const struct csv_scan *s, const char *data, size_t from, size_t to)
{
    for (size_t i = from; i + 1 < to; i++) {
        if ((unsigned char)data[i] == s->escape) {
            i++;
        } else if ((unsigned char)data[i] == s->quote) {
            if ((unsigned char)data[i + 1] != s->quote)
                return data[i + 1] != '\r' || i + 2 < to;
            i++;
        }
    }
    return false;
}

/* How many of the lines from `from` up to `to` are records of the table, of *total (at most
 * `most`). */
static size_t lines_that_fit(const struct csv_scan *s, const char *data, size_t from, size_t to,
                             uint32_t width, size_t most, size_t *total)
{
    struct csv_scan t = {0};
    size_t fit = 0;
    *total = 0;
    if (to > from + BYTES_LOOKED_AT)
        to = from + BYTES_LOOKED_AT;
    csv_scan_init(&t, s->delimiter, s->quote, s->escape, from);
    csv_scan_bytes(&t, data, to);
    for (size_t k = 1, lf = 0; k <= csv_scan_rows(&t) && *total < most; k++) {
        bool spans = false;
        for (; lf < t.lfs.n && t.lfs.at[lf] < t.ends.at[t.rows.at[k]]; lf++)
            spans = true;
        fit += t.rows.at[k] - t.rows.at[k - 1] == width && !spans;
        (*total)++;
    }
    csv_scan_release(&t);
    return fit;
}

/* Only from bytes that do not depend on how far the scan has got: the same input is mended alike in
 * whatever pieces it comes. */
static bool is_stray(const struct csv_scan *s, const char *data, const struct suspect *d, bool last,
                     uint32_t width)
{
    /* Of input that is still open: all, with the LF behind a last line that has none. */
    size_t total, from = s->lfs.at[d->lf] + 1, to = s->pos + (data[s->pos - 1] != '\n');
    if (d->nlf >= MEND_LINES) {
        size_t lines = s->lfs.at[d->lf + MEND_LINES - 1] + 1;
        if (lines_that_fit(s, data, from, lines, width, MEND_LINES, &total) == MEND_LINES - 1 &&
            total == MEND_LINES - 1)
            return true;
    }
    if (d->complete) {
        to = (size_t)d->end + 1;
        if (s->rows.at[d->k] - s->rows.at[d->k - 1] == width &&
            !has_stray(s, data, (uint32_t)(s->ends.at[d->field] + 2), s->ends.at[d->field + 1]))
            return false;
    } else if (!last) {
        return false;
    }
    size_t fit = lines_that_fit(s, data, from, to, width, LINES_LOOKED_AT, &total);
    return 2 * fit > total;
}

/* Scans the line again: its quote that opens behind ends.at[field] is data. */
static void take_back(struct csv_scan *s, const char *data, const struct suspect *d)
{
    uint32_t lf = s->lfs.at[d->lf];
    size_t field = d->field;
    int quote = s->quote, escape = s->escape;
    for (unsigned i = 0;; i++) {
        size_t from = (uint32_t)(s->ends.at[field] + 1);
        s->rows.n = d->k;
        s->ends.n = field + 1;
        s->lfs.n = d->lf;
        while (s->nuls.n && s->nuls.at[s->nuls.n - 1] >= from)
            s->nuls.n--;
        s->pos = from;
        s->state = CSV_PLAIN;
        if (i == QUOTES_OF_LINE)
            s->quote = s->escape = -1;
        csv_scan_bytes(s, data, lf + 1);
        if (s->state == CSV_START && s->ends.at[s->ends.n - 1] == lf)
            break;
        /* Another one opened in the rest of the line. */
        field = s->ends.n - 1;
    }
    s->quote = quote;
    s->escape = escape;
}

bool csv_mend(struct csv_scan *s, const char *data, bool last, uint32_t width)
{
    struct suspect d = {.k = 1};
    if (width < 2 || s->quote < 0)
        return false;
    for (; d.lf < s->lfs.n; d.lf += d.nlf) {
        uint32_t lf = s->lfs.at[d.lf];
        while (d.k < s->rows.n && s->ends.at[s->rows.at[d.k]] < lf)
            d.k++;
        d.complete = d.k < s->rows.n;
        d.end = d.complete ? s->ends.at[s->rows.at[d.k]] : UINT32_MAX;
        d.field = s->rows.at[d.k - 1];
        while (d.field + 1 < s->ends.n && s->ends.at[d.field + 1] < lf)
            d.field++;
        for (d.nlf = 1; d.lf + d.nlf < s->lfs.n && s->lfs.at[d.lf + d.nlf] < d.end;)
            d.nlf++;
        bool opened = (unsigned char)data[(uint32_t)(s->ends.at[d.field] + 1)] == s->quote;
        if (opened && is_stray(s, data, &d, last, width)) {
            take_back(s, data, &d);
            return true;
        }
    }
    return false;
}
