/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finding dialects in any bytes: what is found is a dialect; the table does not depend on the sizes
 * of blocks; a well-formed table is not mended. The first byte chooses. */
#include "table/dialect.h"
#include "table/mend.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/table_io.h"

static void check_guess(struct slice text, bool whole)
{
    struct dialect_guess g;
    const struct dialect_given open = {0, 0, 0};
    char *copy = xcalloc(text.len + BLOCK_SLACK, 1);
    if (text.len)
        memcpy(copy, text.p, text.len);
    dialect_detect(slice_of(copy, text.len), whole, &open, &g);
    free(copy);
    if (g.best.delimiter >= 0 && g.best.delimiter == g.best.quote)
        BUG("the delimiter is the quote");
    if (!(g.confidence >= 0.5 && g.confidence <= 1) || g.nties > DIALECT_RIVALS)
        BUG("confidence %g, %zu ties", g.confidence, g.nties);
    for (size_t i = 0; i < g.nties; i++)
        if (memcmp(&g.ties[i], &g.best, sizeof(g.best)) == 0)
            BUG("the best is its own rival");
}

static void same_in_any_blocks(struct slice text, size_t block_bytes)
{
    struct reader_opts o = {.format = FORMAT_CSV, .raw = true, .detect = true};
    struct reading a = read_text(text, &o);
    o.block_bytes = block_bytes;
    struct reading b = read_text(text, &o);
    /* The look for binary data goes no farther than a block. */
    bool refused = !a.ok && !b.ok;
    refused = refused || strstr(a.err.text, "it is binary") || strstr(b.err.text, "it is binary");
    if (!refused && (!slice_eq(buf_slice(&a.rows), buf_slice(&b.rows)) ||
                     !slice_eq(buf_slice(&a.lines), buf_slice(&b.lines)) ||
                     !slice_eq(buf_slice(&a.bad), buf_slice(&b.bad))))
        BUG("blocks of %zu bytes:\n%s\n%s\n%s\n%s", block_bytes, buf_str(&a.rows), buf_str(&b.rows),
            buf_str(&a.bad), buf_str(&b.bad));
    reading_release(&a);
    reading_release(&b);
}

/* The bytes as fields in quotes, `width` a record. */
static void well_formed_stays(struct slice text, unsigned width)
{
    struct buf t = BUF_INIT(BUF_UNBOUNDED);
    size_t fields = 0, lfs = 0;
    buf_addc(&t, '"');
    for (size_t i = 0; i < text.len; i++) {
        char c = text.p[i];
        lfs += c == '\n';
        if (c == ',' || lfs >= MEND_LINES) {
            fields++;
            lfs = 0;
            buf_adds(&t, fields % width ? "\",\"" : "\"\n\"");
        } else {
            buf_adds(&t, c == '"' ? "\"\"" : (char[]){c ? c : ' ', '\0'});
        }
    }
    while (++fields % width)
        buf_adds(&t, "\",\"");
    buf_adds(&t, "\"\n");
    struct reader_opts o = {
        .format = FORMAT_CSV, .raw = true, .delimiter = ',', .quote = '"', .escape = '"'};
    struct reading a = read_text(buf_slice(&t), &o);
    o.detect = true;
    struct reading b = read_text(buf_slice(&t), &o);
    if (a.ok && b.ok && !slice_eq(buf_slice(&a.rows), buf_slice(&b.rows)))
        BUG("was mended:\n%s\n%s\n%s", buf_str(&t), buf_str(&a.rows), buf_str(&b.rows));
    reading_release(&a);
    reading_release(&b);
    buf_release(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct slice text = slice_of((const char *)data + 1, size - 1);
    check_guess(text, (data[0] & 1) != 0);
    same_in_any_blocks(text, 16 + data[0]);
    well_formed_stays(text, 2 + (data[0] & 7));
    return 0;
}
