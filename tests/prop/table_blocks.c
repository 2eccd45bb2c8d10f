/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Blocks drawn from seeded files begin and end where records do, whatever stands in their fields;
 * what is no plain file of text is refused. */
#include <unistd.h>

#include "base/buf.h"
#include "base/rng.h"
#include "table/blocks.h"
#include "tests/unit/suite.h"

enum { RECORDS = 6000 };

static int runs(int few)
{
    return getenv("FORELINE_LONG") ? few * 20 : few;
}

/* Fields as people write them: plain, quoted, with delimiters, quotes and line ends inside. */
static void add_field(struct buf *b, struct rng *r, int nasty)
{
    static const char *const inside[] = {"\n",  ",",    "\"\"",    "\r\n",
                                         ",,,", "\n\n", "a,b,c\n", "text "};
    if ((int)rng_below(r, 10) >= nasty) {
        buf_addf(b, "%.*s", (int)rng_below(r, 12), "plain field");
        return;
    }
    buf_addc(b, '"');
    for (uint64_t n = rng_below(r, 8); n > 0; n--)
        buf_adds(b, inside[rng_below(r, ARRAY_LEN(inside))]);
    buf_addc(b, '"');
}

/* Returns where each record begins, and the end of the file behind them. */
static uint64_t *make(struct buf *b, struct rng *r, int nasty, bool json)
{
    uint64_t *starts = xcalloc(RECORDS + 1, sizeof(*starts));
    buf_adds(b, json ? "" : "a,b,c,d\n");
    for (int i = 0; i < RECORDS; i++) {
        starts[i] = b->len;
        if (json) {
            buf_addf(b, "{\"a\":%d,\"b\":\"%.*s\"}\n", i, (int)rng_below(r, 60),
                     "\\\"quotes\\\" and \\n what else may stand in a text of JSON, such as ,");
            continue;
        }
        buf_addf(b, "%d", i);
        for (int c = 1; c < 4; c++) {
            buf_addc(b, ',');
            add_field(b, r, nasty);
        }
        buf_adds(b, rng_below(r, 5) ? "\n" : "\r\n");
    }
    starts[RECORDS] = b->len;
    return starts;
}

static bool is_start(const uint64_t *starts, uint64_t at)
{
    for (int i = 0; i <= RECORDS; i++)
        if (starts[i] == at)
            return true;
    return false;
}

static void write_file(const char *path, const struct buf *b)
{
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(b->p, 1, b->len, f), b->len);
    ck_assert_int_eq(fclose(f), 0);
}

static struct reader_stats csv_stats(bool json)
{
    struct reader_stats s = {0};
    s.format = json ? FORMAT_JSONL : FORMAT_CSV;
    s.delimiter = ',';
    s.quote = '"';
    return s;
}

START_TEST(blocks_begin_and_end_where_records_do)
{
    char path[] = "/tmp/foreline-blocks.XXXXXX";
    struct err err = ERR_INIT;
    close(mkstemp(path));
    for (int seed = 1; seed <= runs(12); seed++) {
        struct buf text = BUF_INIT(BUF_UNBOUNDED);
        struct rng r;
        struct blocks b;
        bool json = seed % 4 == 0;
        rng_seed(&r, (uint64_t)seed);
        uint64_t *starts = make(&text, &r, seed % 6, json);
        struct reader_stats stats = csv_stats(json);
        write_file(path, &text);
        bool ok =
            blocks_open(&b, path, &stats, json ? 2 : 4, true, 0.6, (uint64_t)seed, 2048, &err);
        ck_assert_msg(ok, "seed %d: %s", seed, err.text);
        ck_assert_uint_ge(b.n, 16);
        ck_assert_uint_eq(b.n % 2, 0);
        ck_assert_uint_eq(b.head, starts[0]);
        uint64_t before = b.head, drawn = 0;
        for (size_t i = 0; i < b.n; i++) {
            ck_assert_uint_ge(b.spans[i].from, before);
            ck_assert_uint_ge(b.spans[i].to, b.spans[i].from);
            ck_assert_msg(is_start(starts, b.spans[i].from), "seed %d: no record begins at %llu",
                          seed, (unsigned long long)b.spans[i].from);
            ck_assert_msg(is_start(starts, b.spans[i].to), "seed %d: no record ends at %llu", seed,
                          (unsigned long long)b.spans[i].to);
            before = b.spans[i].to;
            drawn += b.spans[i].to - b.spans[i].from;
        }
        double share = (double)drawn / (double)(text.len - b.head);
        ck_assert_double_eq_tol(share, b.fraction, 0.05);
        blocks_close(&b);
        free(starts);
        buf_release(&text);
    }
    unlink(path);
}
END_TEST

START_TEST(what_is_no_plain_file_of_text_is_refused)
{
    struct reader_stats s = csv_stats(false);
    struct blocks b;
    struct err err = ERR_INIT;
    ck_assert(!blocks_open(&b, "-", &s, 4, true, 0.1, 1, 2048, &err));
    ck_assert_int_eq(err.kind, ERR_USAGE);
    ck_assert(!blocks_open(&b, "/dev/null", &s, 4, true, 0.1, 1, 2048, &err));
    ck_assert_int_eq(err.kind, ERR_USAGE);
    s.compression = "gzip";
    ck_assert(!blocks_open(&b, "x.csv.gz", &s, 4, true, 0.1, 1, 2048, &err));
    ck_assert_str_eq(err.text, "cannot sample 'x.csv.gz' by blocks: it is compressed (--sample-by "
                               "record)");
    s.compression = NULL;
    s.encoding = "UTF-16LE";
    ck_assert(!blocks_open(&b, "x.csv", &s, 4, true, 0.1, 1, 2048, &err));
    s.encoding = NULL;
    ck_assert(!blocks_open(&b, "no-such-file", &s, 4, true, 0.1, 1, 2048, &err));
    ck_assert_int_eq(err.kind, ERR_ENV);
}
END_TEST

START_TEST(a_small_file_has_no_blocks)
{
    char path[] = "/tmp/foreline-blocks.XXXXXX";
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    struct reader_stats s = csv_stats(false);
    struct blocks b;
    struct err err = ERR_INIT;
    close(mkstemp(path));
    write_file(path, &text);
    ck_assert(blocks_open(&b, path, &s, 0, true, 0.1, 1, 2048, &err));
    ck_assert_uint_eq(b.n, 0);
    blocks_close(&b);
    buf_adds(&text, "a,b\n1,2\n");
    write_file(path, &text);
    ck_assert(blocks_open(&b, path, &s, 2, true, 0.1, 1, 2048, &err));
    ck_assert_uint_eq(b.n, 0);
    ck_assert_uint_eq(b.head, 4);
    blocks_close(&b);
    buf_release(&text);
    unlink(path);
}
END_TEST

UNIT_MAIN("blocks", blocks_begin_and_end_where_records_do, what_is_no_plain_file_of_text_is_refused,
          a_small_file_has_no_blocks)
