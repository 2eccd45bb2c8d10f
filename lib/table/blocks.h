/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Random blocks of a file of text, so that a part of it can be read without the rest.
 *
 * What stands behind the header is divided into strata of equal length, each stratum into cells of
 * equal length, and of each stratum two cells are drawn without replacement (so that the variance
 * of what is found can be told, see sketch/interval.h). A block is the records whose first byte
 * lies in the cell: so each record of the file is in one block, and in the sample with the same
 * probability.
 *
 * Where a record begins in the midst of a file is told by line ends. When there are quotes nearby
 * it is tried twice, from a line end as outside and as inside of a quoted field, and decided by the
 * lines up to where both agree again: whether they stand as records of their own, with as many
 * fields as the table has and quotes only around fields.
 *
 * Not here: reading records (reader.h), estimating (profile/). */
#ifndef FORELINE_BLOCKS_H
#define FORELINE_BLOCKS_H

#include "table/input.h"
#include "table/reader.h"

struct blocks_span {
    uint64_t from, to;
};
struct blocks {
    int fd;
    struct input input;  /* the header and then the blocks, for reader_open_input */
    uint64_t size, head; /* bytes of the file, and in front of its records */
    double fraction;     /* of the cells, what was drawn */
    struct blocks_span
        *spans; /* in the order of the file, apart, two of each stratum; from == to: empty */
    size_t n;   /* 0: there is too little to draw from, read it all */
    size_t at;  /* reading: span (0: the header), and place in it */
    uint64_t pos;
    int delimiter, quote, escape;
    uint32_t columns;
};
/* What to know of the file comes from a reader of it: its stats and its number of columns;
 * `header`: the first record is one. At most max_blocks are drawn. ERR_ENV when it cannot be read,
 * ERR_USAGE when it is not a plain file of text (compressed, UTF-16, lines that end at CR, no
 * regular file), ERR_DATA when the beginning of a record cannot be told. */
bool blocks_open(struct blocks *b, const char *path, const struct reader_stats *stats,
                 uint32_t columns, bool header, double rate, uint64_t seed, size_t max_blocks,
                 struct err *err);
/* `input` begins again. */
void blocks_rewind(struct blocks *b);
void blocks_close(struct blocks *b);

#endif
