/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lib/table: finding dialects, mending stray quotes, UTF-16. */
#include "tests/unit/suite.h"
#include "tests/unit/table_io.h"

#include "table/mend.h"
#include "table/utf16.h"

static const struct reader_opts found = {.format = FORMAT_CSV, .raw = true, .detect = true};

/* Delimiter, quote, escape, columns and ties, as text. */
static void expect_dialect(const char *text, const char *dialect)
{
    struct reading g = read_text(slice_str(text), &found);
    const struct dialect_guess *d = &g.stats.dialect;
    char a[8], b[8], c[8], got[80];
    ck_assert_msg(g.opened && g.ok, "%s", g.err.text);
    snprintf(got, sizeof(got), "%s %s %s %u%s%s", dialect_char_name(d->best.delimiter, a),
             dialect_char_name(d->best.quote, b), dialect_char_name(d->best.escape, c), d->columns,
             d->nties ? " tie" : "", d->first_is_data ? " data" : "");
    ck_assert_str_eq(got, dialect);
    reading_release(&g);
}

START_TEST(delimiters_are_found)
{
    expect_dialect("a,b,c\nx,2,3\ny,5,6\n", "',' '\"' none 3");
    expect_dialect("a;b;c\nx;2,5;3\ny;5,5;6\n", "';' '\"' none 3");
    expect_dialect("a\tb\nx, y\t1\nz\t2\n", "tab '\"' none 2");
    expect_dialect("a|b\nx|1\nz|2\n", "'|' '\"' none 2");
    expect_dialect("a:b:c\nx:1:2\ny:3:4\n", "':' '\"' none 3");
    expect_dialect("a b c\nx 1 2\ny 3 4\n", "space '\"' none 3");
    expect_dialect("day,at\n2024-01-01,10:00:00\n2024-01-02,11:00:00\n", "',' '\"' none 2");
}
END_TEST

START_TEST(quotes_and_escapes_are_found)
{
    expect_dialect("a|b\n'x|y'|2\n'z|w'|3\n", "'|' \"'\" none 2");
    expect_dialect("a,b\n\"x,y\",2\n'tis,3\n", "',' '\"' none 2");
    expect_dialect("k,v\n1,\"a\\\",b\"\n2,\"c\\\",d\"\n", "',' '\"' '\\' 2");
}
END_TEST

START_TEST(one_column_is_what_nothing_splits_alike)
{
    expect_dialect("name\nAnn\nBob\n", "',' '\"' none 1");
    expect_dialect("2024-01-01 10:00:00\n2024-01-02 11:00:00\n2024-01-03 11:00:00\n",
                   "',' '\"' none 1 data");
    expect_dialect("say\nhello world\nthis is it now\nyes\n", "',' '\"' none 1");
    expect_dialect("", "',' '\"' none 0");
}
END_TEST

START_TEST(ties_and_headers_that_are_data_are_told)
{
    expect_dialect("a,b;c,d\n1,2;3,4\n5,6;7,8\n", "',' '\"' none 3 tie");
    expect_dialect("1,2\n3,4\n5,6\n", "',' '\"' none 2 data");
    expect_dialect("id,2\n3,4\n5,6\n", "',' '\"' none 2");
}
END_TEST

START_TEST(what_was_said_is_kept)
{
    struct reader_opts o = found;
    o.delimiter = ';';
    struct reading g = read_text(SLICE_LIT("a,b;c,d\n1,2;3,4\n5,6;7,8\n"), &o);
    ck_assert_str_eq(buf_str(&g.rows), "[1,2][3,4]|[5,6][7,8]|");
    ck_assert_uint_eq(g.stats.dialect.nties, 0);
    reading_release(&g);
}
END_TEST

static void expect_rows(struct slice text, const char *rows, const char *bad)
{
    for (size_t block = 16; block < 200; block += 7) {
        struct reader_opts o = found;
        o.block_bytes = block;
        o.delimiter = ',';
        o.quote = o.escape = '"';
        struct reading g = read_text(text, &o);
        ck_assert_msg(g.opened && g.ok, "%s", g.err.text);
        ck_assert_str_eq(buf_str(&g.rows), rows);
        ck_assert_str_eq(buf_str(&g.bad), bad);
        reading_release(&g);
    }
}

START_TEST(a_stray_quote_takes_no_further_records)
{
    expect_rows(SLICE_LIT("a,b,c\n1,2,\"\n3,4,5\n6,7,\"8\"\n"),
                "[1][2][\"]|[3][4][5]|[6][7][\"8\"]|", "2 quote c+|");
    /* Never closed, the last line is not either. */
    expect_rows(SLICE_LIT("a,b\n1,\"x\n3,4\n5,6"), "[1][\"x]|[3][4]|[5][6]|", "2 quote b+|");
    /* Two in one line. */
    expect_rows(SLICE_LIT("a,b,c\n\"1,\"2,3\n4,5,6\n7,8,9\n"), "[\"1][\"2][3]|[4][5][6]|[7][8][9]|",
                "2 quote a+|");
}
END_TEST

START_TEST(records_over_lines_stay_what_they_are)
{
    expect_rows(SLICE_LIT("a,b\n1,\"x\n3,4\n5,6\"\n7,8\n"), "[1][\"x\n3,4\n5,6\"]|[7][8]|", "");
    /* Ragged, but the lines inside are no records. */
    expect_rows(SLICE_LIT("a,b\n1,\"x\ny\nz\",3\n7,8\n"), "[1][\"x\ny\nz\"]|[7][8]|",
                "2 ragged_row+|");
}
END_TEST

START_TEST(a_quote_that_is_open_for_long_is_not_waited_for)
{
    struct buf t = BUF_INIT(BUF_UNBOUNDED);
    buf_adds(&t, "a,b\n1,\"x\n");
    for (int i = 0; i < 200000; i++)
        buf_addf(&t, "%d,%d\n", i, i);
    buf_adds(&t, "1,\"y\"\n");
    struct reading g = read_text(buf_slice(&t), &found);
    ck_assert_uint_eq(g.stats.records, 200002);
    ck_assert_str_eq(buf_str(&g.bad), "2 quote b+|");
    reading_release(&g);
    buf_release(&t);
}
END_TEST

START_TEST(bare_crs_end_lines_when_there_is_no_lf)
{
    struct reading g = read_text(SLICE_LIT("a,b\r1,2\r3,4\r"), &found);
    ck_assert_str_eq(buf_str(&g.rows), "[1][2]|[3][4]|");
    ck_assert_str_eq(buf_str(&g.lines), "2 3");
    ck_assert(g.stats.dialect.best.cr);
    reading_release(&g);
}
END_TEST

START_TEST(utf16_is_read_by_its_mark)
{
    static const struct reader_opts plain = {.format = FORMAT_CSV};
    struct reading g = read_text(SLICE_LIT("\xff\xfe"
                                           "a\0,\0b\0\n\0\xe9\0,\0\x3d\xd8\x00\xde\n\0"),
                                 &plain);
    ck_assert_msg(g.ok, "%s", g.err.text);
    ck_assert_str_eq(buf_str(&g.rows), "[\xc3\xa9][\xf0\x9f\x98\x80]|");
    ck_assert_str_eq(g.stats.encoding, "UTF-16LE");
    ck_assert_uint_eq(g.stats.replaced, 0);
    reading_release(&g);
    /* Lone surrogates, a last odd byte, big endian. */
    g = read_text(SLICE_LIT("\xfe\xff\0a\0\n\xd8\x3d\0x\0\n\xde\0\0\n\0"), &plain);
    ck_assert_str_eq(buf_str(&g.rows), "[\xef\xbf\xbdx]|[\xef\xbf\xbd]|[\xef\xbf\xbd]|");
    ck_assert_str_eq(g.stats.encoding, "UTF-16BE");
    ck_assert_uint_eq(g.stats.replaced, 3);
    reading_release(&g);
}
END_TEST

START_TEST(utf16_in_pieces_is_the_same)
{
    static const char text[] = "a\0\x3d\xd8\x00\xde\xac\x20\x3d\xd8z\0";
    char whole[UTF16_ROOM(sizeof(text))], pieces[UTF16_ROOM(sizeof(text)) + 6];
    struct utf16 u = {0}, v = {0};
    size_t n = utf16_decode(&u, text, sizeof(text) - 1, whole), m = 0;
    for (size_t i = 0; i < sizeof(text) - 1; i++)
        m += utf16_decode(&v, text + i, 1, pieces + m);
    ck_assert_uint_eq(n, m);
    ck_assert_mem_eq(whole, pieces, n);
    ck_assert_uint_eq(u.replaced, 1);
    ck_assert_uint_eq(v.replaced, 1);
}
END_TEST

START_TEST(utf16_is_the_same_in_blocks_of_any_size)
{
    struct buf t = BUF_INIT(BUF_UNBOUNDED);
    buf_add(&t, "\xff\xfe", 2);
    for (int i = 0; i < 30000; i++)
        buf_add(&t, i % 7 ? "\xac\x20,\0" : "\n\0", i % 7 ? 4 : 2);
    struct reader_opts o = {.format = FORMAT_CSV, .raw = true};
    struct reading a = read_text(buf_slice(&t), &o);
    o.block_bytes = 17;
    struct reading b = read_text(buf_slice(&t), &o);
    ck_assert(a.ok && b.ok && a.stats.records > 4000);
    ck_assert_uint_eq(a.stats.bytes, b.stats.bytes);
    ck_assert_str_eq(buf_str(&a.rows), buf_str(&b.rows));
    reading_release(&a);
    reading_release(&b);
    buf_release(&t);
}
END_TEST

UNIT_MAIN("table_dialect", delimiters_are_found, quotes_and_escapes_are_found,
          one_column_is_what_nothing_splits_alike, ties_and_headers_that_are_data_are_told,
          what_was_said_is_kept, a_stray_quote_takes_no_further_records,
          records_over_lines_stay_what_they_are, a_quote_that_is_open_for_long_is_not_waited_for,
          bare_crs_end_lines_when_there_is_no_lf, utf16_is_read_by_its_mark,
          utf16_in_pieces_is_the_same, utf16_is_the_same_in_blocks_of_any_size)
