/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Laws of the CSV scanner over random bytes: it splits as libcsv does, and where blocks and windows
 * end makes no difference. */
#include "base/rng.h"
#include "table/csv_scan.h"
#include "tests/prop/table_oracle.h"
#include "tests/unit/suite.h"

static uint64_t runs(uint64_t few)
{
    return getenv("FORELINE_LONG") ? few * 50 : few;
}

/* Text that is dense in what matters; `regular`: as RFC 4180 wants it. */
static void random_csv(struct rng *r, struct buf *out, size_t max, bool regular)
{
    static const char *const odd[] = {",",   "\"",   "\"", "\n",       "\r\n",
                                      "a",   "bc",   "",   "\"\"",     ",\"",
                                      "\",", "\"\n", " ",  "\xc3\xa9", "0123456789"};
    static const char *const inside[] = {",", "\"\"",           "\n", "\r\n",
                                         "a", "word word word", " ",  "\xff"};
    static const char *const plain[] = {"a", "1.5", " ", "some more text", "\xe2\x82\xac", ""};
    size_t n = rng_below(r, max + 1);
    unsigned rarely = 1 + (unsigned)rng_below(r, 30);
    while (out->len < n) {
        if (!regular) {
            buf_adds(out, rng_below(r, rarely) ? plain[rng_below(r, ARRAY_LEN(plain))]
                                               : odd[rng_below(r, ARRAY_LEN(odd))]);
            continue;
        }
        bool quoted = rng_below(r, 3) == 0;
        if (quoted)
            buf_addc(out, '"');
        for (uint64_t k = rng_below(r, 6); k > 0; k--)
            buf_adds(out, quoted ? inside[rng_below(r, ARRAY_LEN(inside))]
                                 : plain[rng_below(r, ARRAY_LEN(plain))]);
        if (quoted)
            buf_addc(out, '"');
        buf_adds(out, rng_below(r, 5) ? "," : rng_below(r, 2) ? "\n" : "\r\n");
    }
}

static void compare(uint64_t seed, struct rng *r, size_t max, bool regular)
{
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    random_csv(r, &text, max, regular);
    size_t block_bytes = rng_below(r, 2) ? 16 + rng_below(r, 300) : 0;
    struct buf theirs = oracle_split(buf_slice(&text));
    struct buf ours = ours_split(buf_slice(&text), block_bytes);
    ck_assert_msg(slice_eq(buf_slice(&theirs), buf_slice(&ours)),
                  "seed %llu, blocks of %zu: %.500s\nlibcsv %.900s\nours   %.900s",
                  (unsigned long long)seed, block_bytes, buf_str(&text), buf_str(&theirs),
                  buf_str(&ours));
    buf_release(&text);
    buf_release(&theirs);
    buf_release(&ours);
}

START_TEST(regular_csv_splits_as_libcsv_splits_it)
{
    struct rng r;
    for (uint64_t seed = 0; seed < runs(1000); seed++) {
        rng_seed(&r, seed);
        compare(seed, &r, seed % 10 ? 400 : 5000, true);
    }
}
END_TEST

START_TEST(any_bytes_split_as_libcsv_splits_them)
{
    struct rng r;
    for (uint64_t seed = 0; seed < runs(2000); seed++) {
        rng_seed(&r, seed);
        compare(seed, &r, seed % 10 ? 400 : 5000, false);
    }
}
END_TEST

static bool same_offsets(const struct csv_offsets *a, const struct csv_offsets *b)
{
    return a->n == b->n && (a->n == 0 || memcmp(a->at, b->at, a->n * sizeof(uint32_t)) == 0);
}

/* All at once is read in masks of 64 bytes; in pieces below 64 byte by byte. */
START_TEST(masks_and_single_bytes_find_the_same)
{
    struct rng r;
    for (uint64_t seed = 0; seed < runs(3000); seed++) {
        struct buf text = BUF_INIT(BUF_UNBOUNDED);
        struct csv_scan fast = {0}, slow = {0};
        rng_seed(&r, seed);
        random_csv(&r, &text, 2000, seed % 2);
        for (size_t i = 0; i < text.len; i++)
            if (rng_below(&r, 200) == 0)
                text.p[i] = '\0';
        size_t len = text.len, pieces = 1 + rng_below(&r, 63);
        buf_addc(&text, '\n');
        memset(buf_room(&text, BLOCK_SLACK), 0, BLOCK_SLACK);
        int delimiter = seed % 7 ? ',' : -1, quote = seed % 5 ? '"' : -1;
        csv_scan_init(&fast, delimiter, quote, -1, 0);
        csv_scan_init(&slow, delimiter, quote, -1, 0);
        csv_scan_bytes_with(&fast, text.p, len, (enum csv_masks)(seed % 4));
        for (size_t at = 0; at < len; at += pieces)
            csv_scan_bytes(&slow, text.p, at + pieces < len ? at + pieces : len);
        ck_assert_msg(
            same_offsets(&fast.ends, &slow.ends) && same_offsets(&fast.rows, &slow.rows) &&
                same_offsets(&fast.lfs, &slow.lfs) && same_offsets(&fast.nuls, &slow.nuls) &&
                fast.state == slow.state && fast.high == slow.high,
            "seed %llu", (unsigned long long)seed);
        csv_scan_release(&fast);
        csv_scan_release(&slow);
        buf_release(&text);
    }
}
END_TEST

/* Rows, line numbers, reports and types are the same however the input is cut into blocks, and with
 * an escape character as without. */
START_TEST(blocks_make_no_difference)
{
    struct rng r;
    for (uint64_t seed = 0; seed < runs(600); seed++) {
        struct buf text = BUF_INIT(BUF_UNBOUNDED);
        struct reader_opts o = {
            .format = FORMAT_CSV, .raw = seed % 3 == 0, .escape = seed % 4 ? 0 : '\\'};
        rng_seed(&r, seed);
        buf_adds(&text, "a,b,c\n");
        random_csv(&r, &text, 800, seed % 2);
        if (o.escape)
            for (size_t i = 6; i < text.len; i++)
                if (rng_below(&r, 20) == 0)
                    text.p[i] = '\\';
        struct reading one = read_text(buf_slice(&text), &o);
        o.block_bytes = 16 + rng_below(&r, 200);
        struct reading two = read_text(buf_slice(&text), &o);
        ck_assert_msg(one.opened && one.ok, "seed %llu: %s", (unsigned long long)seed,
                      one.err.text);
        ck_assert_str_eq(buf_str(&one.schema), buf_str(&two.schema));
        ck_assert_str_eq(buf_str(&one.rows), buf_str(&two.rows));
        ck_assert_str_eq(buf_str(&one.lines), buf_str(&two.lines));
        ck_assert_str_eq(buf_str(&one.bad), buf_str(&two.bad));
        ck_assert(one.stats.bytes == two.stats.bytes && one.stats.latin1 == two.stats.latin1 &&
                  one.stats.latin1_line == two.stats.latin1_line);
        reading_release(&one);
        reading_release(&two);
        buf_release(&text);
    }
}
END_TEST

UNIT_MAIN("table_csv", regular_csv_splits_as_libcsv_splits_it,
          any_bytes_split_as_libcsv_splits_them, masks_and_single_bytes_find_the_same,
          blocks_make_no_difference)
