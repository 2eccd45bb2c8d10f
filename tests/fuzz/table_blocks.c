/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Blocks drawn from a file of any bytes: they lie in order within the file, none begins in another,
 * each begins and ends behind a line end, and where no quote stands they are whole records; what is
 * read is the head and the blocks, each time. The first two bytes choose the dialect and the draw;
 * the rest is said over and over, as a file that blocks are drawn from is not short. */
#include "table/blocks.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/table_io.h"

/* Just enough for 32 strata. */
#define TEXT_MIN 90000

static uint64_t read_all(struct blocks *b, size_t cap, struct buf *out)
{
    char *to = xmalloc(cap);
    struct err err = ERR_INIT;
    size_t got;
    enum input_got kind;
    buf_clear(out);
    while ((kind = b->input.read(b->input.ctx, to, cap, &got, &err)) == INPUT_BYTES) {
        if (got == 0 || got > cap)
            BUG("%zu bytes of at most %zu", got, cap);
        buf_add(out, to, got);
    }
    if (kind != INPUT_END)
        BUG("reading: %s", err.text);
    free(to);
    return out->len;
}

static void check(const struct blocks *b, const struct buf *text)
{
    uint64_t before = b->head, n = text->len;
    if (b->head > n || b->size != n)
        BUG("a head of %llu bytes of %llu", (unsigned long long)b->head, (unsigned long long)n);
    for (size_t i = 0; i < b->n; i++) {
        const uint64_t at[2] = {b->spans[i].from, b->spans[i].to};
        for (int k = 0; k < 2; k++) {
            if (at[k] < before || at[k] > n)
                BUG("block %zu: place %llu, behind %llu of %llu", i, (unsigned long long)at[k],
                    (unsigned long long)before, (unsigned long long)n);
            before = at[k];
            if (at[k] != b->head && at[k] != n && text->p[at[k] - 1] != '\n')
                BUG("block %zu: no line begins at %llu", i, (unsigned long long)at[k]);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf text = BUF_INIT(BUF_UNBOUNDED), once = BUF_INIT(BUF_UNBOUNDED);
    struct buf twice = BUF_INIT(BUF_UNBOUNDED);
    struct reader_stats stats = {0};
    struct err err = ERR_INIT;
    struct blocks b;
    char path[64];
    if (size < 3)
        return 0;
    unsigned a = data[0], draw = data[1];
    stats.format = a & 1 ? FORMAT_JSONL : FORMAT_CSV;
    stats.delimiter = a & 2 ? ',' : ';';
    stats.quote = a & 4 ? '"' : a & 8 ? '\'' : -1;
    stats.dialect.columns = a & 16;
    stats.dialect.best.escape = a & 32 ? '\\' : -1;
    while (text.len < TEXT_MIN)
        buf_add(&text, (const char *)data + 2, size - 2);
    int fd = file_of(buf_slice(&text));
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    bool ok =
        blocks_open(&b, path, &stats, 1 + (draw & 7), a & 64, 0.75, draw, 16 + (draw & 16), &err);
    if (ok) {
        check(&b, &text);
        uint64_t want = b.head;
        for (size_t i = 0; i < b.n; i++)
            want += b.spans[i].to - b.spans[i].from;
        uint64_t got = read_all(&b, 1 + 37 * (draw | 1), &once);
        blocks_rewind(&b);
        if (got != want || read_all(&b, 70000, &twice) != want ||
            !slice_eq(buf_slice(&once), buf_slice(&twice)))
            BUG("%llu bytes of %llu are read", (unsigned long long)got, (unsigned long long)want);
    }
    blocks_close(&b);
    close(fd);
    buf_release(&text);
    buf_release(&once);
    buf_release(&twice);
    return 0;
}
