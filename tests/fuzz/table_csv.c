/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The CSV reader on any bytes: it splits as libcsv does, in whatever blocks; no dialect or option
 * makes it crash; what it read is written and read again alike. The first two bytes choose options.
 */
#include "tests/fuzz/fuzz.h"
#include "tests/prop/table_oracle.h"

static void against_libcsv(struct slice text, size_t block_bytes)
{
    struct buf in = oracle_input(text);
    struct buf theirs = oracle_split(buf_slice(&in));
    struct buf ours = ours_split(buf_slice(&in), block_bytes);
    bool refused = strstr(buf_str(&ours), "error: cannot read 'in': it is binary") != NULL;
    if (!refused && !slice_eq(buf_slice(&theirs), buf_slice(&ours)))
        BUG("libcsv splits otherwise:\n%s\n%s", buf_str(&theirs), buf_str(&ours));
    buf_release(&in);
    buf_release(&theirs);
    buf_release(&ours);
}

/* Reads the text and writes it as `w` says. */
static struct buf rewrite(struct slice text, const struct reader_opts *o,
                          const struct writer_opts *w)
{
    struct buf out = BUF_INIT(BUF_UNBOUNDED);
    struct err err = ERR_INIT;
    struct batch *b;
    int fd = fd_of(text);
    struct reader *r = reader_open_fd(fd, "in", o, NULL, NULL, &err);
    if (r)
        writer_header(&out, reader_schema(r), w);
    while (r && reader_next(r, &b, &err) && b) {
        writer_batch(&out, reader_schema(r), b, w);
        batch_unref(b);
    }
    reader_close(r);
    close(fd);
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char delimiters[] = {0, ';', '\t', '|'};
    static const char escapes[] = {0, '\\', '^', '"'};
    static const int quotes[] = {0, '\'', -1, 0};
    if (size < 2)
        return 0;
    unsigned a = data[0], b = data[1];
    struct slice text = slice_of((const char *)data + 2, size - 2);
    size_t block_bytes = b % 16 ? 16 + b : 0;
    struct reader_opts o = {.format = FORMAT_CSV,
                            .delimiter = delimiters[a & 3],
                            .escape = escapes[(a >> 2) & 3],
                            .quote = quotes[(a >> 4) & 3],
                            .header = a & 64 ? -1 : 0,
                            .raw = (a & 128) != 0,
                            .block_bytes = block_bytes};
    struct writer_opts csv = {.format = FORMAT_CSV}, jsonl = {.format = FORMAT_JSONL};
    against_libcsv(text, block_bytes);
    struct buf once = rewrite(text, &o, &csv), lines = rewrite(text, &o, &jsonl);
    struct reader_opts again = {.format = FORMAT_CSV, .raw = true, .block_bytes = block_bytes};
    struct buf twice = rewrite(buf_slice(&once), &again, &csv);
    /* Nothing: it has become too much like binary data. */
    if (twice.len && !slice_eq(buf_slice(&once), buf_slice(&twice)))
        BUG("does not read back:\n%s\n%s", buf_str(&once), buf_str(&twice));
    buf_release(&once);
    buf_release(&twice);
    buf_release(&lines);
    return 0;
}
