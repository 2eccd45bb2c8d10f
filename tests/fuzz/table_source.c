/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Compressed input: hostile gzip and zstd streams give a table or an error. The first byte chooses
 * which of both, as their magic numbers are hard to guess. */
#include "tests/fuzz/fuzz.h"
#include "tests/unit/table_io.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf in = BUF_INIT(BUF_UNBOUNDED);
    if (size < 1)
        return 0;
    if (data[0] & 1)
        buf_add(&in, "\x1f\x8b\x08", 3);
    else if (data[0] & 2)
        buf_add(&in, "\x28\xb5\x2f\xfd", 4);
    buf_add(&in, data + 1, size - 1);
    struct reader_opts o = {.raw = (data[0] & 4) != 0};
    struct reading g = read_text(buf_slice(&in), &o);
    if (g.opened ? g.ok == (g.err.kind != ERR_NONE) : g.err.kind == ERR_NONE)
        BUG("an error without a word, or the other way round");
    reading_release(&g);
    buf_release(&in);
    return 0;
}
