/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lib/table: reading CSV. What libcsv can judge is in tests/prop/table_csv.c. */
#include "tests/unit/suite.h"
#include "tests/unit/table_io.h"

#include <sys/resource.h>

/* Reads, and compares what was given: NULL is not compared. */
static void expect(struct slice text, const struct reader_opts *o, const char *schema,
                   const char *rows, const char *bad)
{
    struct reading g = read_text(text, o);
    ck_assert_msg(g.opened && g.ok, "%s", g.err.text);
    if (schema)
        ck_assert_str_eq(buf_str(&g.schema), schema);
    if (rows)
        ck_assert_str_eq(buf_str(&g.rows), rows);
    ck_assert_str_eq(buf_str(&g.bad), bad ? bad : "");
    reading_release(&g);
}

static const struct reader_opts csv = {.format = FORMAT_CSV};
static const struct reader_opts raw = {.format = FORMAT_CSV, .raw = true};

static void expect_error(struct slice text, const struct reader_opts *o, enum err_kind kind,
                         const char *words)
{
    struct reading g = read_text(text, o);
    ck_assert_msg(!g.opened, "was opened");
    ck_assert_int_eq((int)g.err.kind, (int)kind);
    ck_assert_msg(strstr(g.err.text, words), "%s", g.err.text);
    reading_release(&g);
}

START_TEST(types_are_the_narrowest_of_all_values)
{
    expect(SLICE_LIT("i,f,b,d,t,s,n,m\n"
                     "1,1,true,2026-01-01,2026-01-01T00:00Z,x,,1\n"
                     "-2,2.5,False,2026-01-02,2026-01-02 10:00:00,007,,true\n"),
           &csv, "i:integer f:float b:boolean d:date t:timestamp s:string n:string? m:string",
           "[1][1][true][2026-01-01][2026-01-01T00:00Z][x][~][1]|"
           "[-2][2.5][False][2026-01-02][2026-01-02 10:00:00][007][~][true]|",
           NULL);
}
END_TEST

START_TEST(typed_columns_have_their_values)
{
    int fd = fd_of(SLICE_LIT("a,b,c\n-5,1e2,TRUE\n,,\n"));
    struct err err = ERR_INIT;
    struct reader *r = reader_open_fd(fd, "in", &csv, NULL, NULL, &err);
    struct batch *b;
    ck_assert_msg(r && reader_next(r, &b, &err) && b, "%s", err.text);
    ck_assert(b->cols[0].v.i64[0] == -5 && b->cols[1].v.f64[0] == 100 && b->cols[2].v.b8[0] == 1);
    ck_assert(!column_valid(&b->cols[0], 1) && b->rows == 2);
    batch_unref(b);
    ck_assert(reader_next(r, &b, &err) && !b);
    reader_close(r);
    close(fd);
}
END_TEST

START_TEST(empty_is_null_and_quoted_empty_is_not)
{
    expect(SLICE_LIT("a,b\n,\"\"\n\"\",\n"), &csv, "a:string? b:string?", "[~][\"\"]|[\"\"][~]|",
           NULL);
}
END_TEST

START_TEST(further_spellings_of_null_are_exact_and_unquoted)
{
    static const char *const nulls[] = {"NA", "-", NULL};
    struct reader_opts o = {.format = FORMAT_CSV, .nulls = nulls};
    expect(SLICE_LIT("a,b\nNA,1\n\"NA\",-\nna,2\n"), &o, "a:string? b:integer?",
           "[~][1]|[\"NA\"][~]|[na][2]|", NULL);
}
END_TEST

START_TEST(quoted_fields_hold_anything)
{
    expect(SLICE_LIT("a,b\r\n\"x, \"\"y\"\"\r\nz\",2\r\n\"\"\"\",\" \"\r\n"), &csv, NULL,
           "[\"x, \"y\"\r\nz\"][2]|[\"\"\"][\" \"]|", NULL);
    expect(SLICE_LIT("a,b\nx\"y\", z \n"), &csv, NULL, "[x\"y\"][ z ]|", NULL);
}
END_TEST

START_TEST(lines_are_counted_through_quoted_line_ends)
{
    struct reading g = read_text(SLICE_LIT("a,b\n1,\"x\ny\n\"\n\n2,z\n\"3\n\",\n4,w"), &csv);
    ck_assert_str_eq(buf_str(&g.lines), "2 6 7 9");
    ck_assert_uint_eq(g.stats.empty_lines, 1);
    ck_assert(g.stats.missing_final_newline && !g.stats.crlf);
    reading_release(&g);
}
END_TEST

START_TEST(a_bare_cr_is_data)
{
    expect(SLICE_LIT("a,b\nx\ry,\"p\rq\"\n\"1\"\r2,3\n"), &raw, NULL,
           "[x\ry][\"p\rq\"]|[\"1\"\r2,3\n\"][~]|", "3 quote a+|3 unterminated_quote+|");
}
END_TEST

START_TEST(ragged_rows_are_rejects_or_padded_and_cut)
{
    struct slice text = SLICE_LIT("a,b,c\n1,2\n1,2,3\n1,2,3,4\n\"\"\n");
    expect(text, &csv, "a:integer b:integer c:integer", "[1][2][3]|",
           "2 ragged_row|4 ragged_row|5 ragged_row|");
    expect(text, &raw, NULL, "[1][2][~]|[1][2][3]|[1][2][3]|[\"\"][~][~]|",
           "2 ragged_row+|4 ragged_row+|5 ragged_row+|");
    struct reading g = read_text(SLICE_LIT("\n\na,b\n1\n"), &csv);
    ck_assert_str_eq(buf_str(&g.reasons), "1 field, expected 2 (header on line 3)|");
    reading_release(&g);
}
END_TEST

START_TEST(quotes_that_never_close_are_named_where_they_opened)
{
    struct slice text = SLICE_LIT("a,b\n1,2\n\"x\ny\",\"3\n4,5\n6,7\n");
    expect(text, &csv, NULL, "[1][2]|", "4 unterminated_quote|");
    expect(text, &raw, NULL, "[1][2]|[\"x\ny\"][\"3\n4,5\n6,7\n\"]|", "4 unterminated_quote+|");
    /* The last quote is the second half of a doubled one. */
    expect(SLICE_LIT("a\n\"x\"\""), &raw, NULL, "[\"x\"\"]|", "2 unterminated_quote+|");
    expect_error(SLICE_LIT("a,\"b\n1,2\n"), &csv, ERR_DATA,
                 "unterminated quoted field in the header");
}
END_TEST

START_TEST(text_behind_a_closing_quote_is_kept)
{
    struct slice text = SLICE_LIT("a,b\n\"x\"y\",1\n\"p\" ,q\"\n2,3\n");
    expect(text, &raw, NULL, "[\"x\"y\"][1]|[\"p\" ,q\"][~]|[2][3]|",
           "2 quote a+|3 quote a+|3 ragged_row+|");
    expect(text, &csv, NULL, "[2][3]|", "2 quote a|3 ragged_row|");
}
END_TEST

START_TEST(nul_bytes_are_data_and_reported_once)
{
    struct slice text = SLICE_LIT("a,b\nx\0y\0,1\n2,\0\n3,4\n");
    struct reading g = read_text(text, &raw);
    ck_assert_str_eq(buf_str(&g.bad), "2 nul_byte+|3 nul_byte+|");
    ck_assert_uint_eq(g.stats.records, 3);
    ck_assert(memcmp(g.rows.p, "[x\0y\0][1]|[2][\0]|[3][4]|", 24) == 0);
    reading_release(&g);
    expect(text, &csv, "a:integer b:integer", "[3][4]|", "2 nul_byte|3 nul_byte|");
}
END_TEST

START_TEST(bytes_that_are_not_utf8_are_kept_and_noted)
{
    struct reading g = read_text(SLICE_LIT("a\nx\n\xc3\xa9\n\xe9t\xe9\n"), &csv);
    ck_assert_str_eq(buf_str(&g.rows), "[x]|[\xc3\xa9]|[\xe9t\xe9]|");
    ck_assert(g.stats.latin1 && g.stats.latin1_line == 4);
    ck_assert_str_eq(buf_str(&g.bad), "");
    reading_release(&g);
}
END_TEST

START_TEST(a_byte_order_mark_is_skipped)
{
    struct reading g = read_text(SLICE_LIT("\xef\xbb\xbf\"a\",b\n1,2\n"), &csv);
    ck_assert_str_eq(buf_str(&g.schema), "a:integer b:integer");
    ck_assert(g.stats.bom);
    reading_release(&g);
    expect(SLICE_LIT("\xef\xbb\xbf"), &csv, "", "", NULL);
}
END_TEST

START_TEST(headers_become_unique_and_complete)
{
    expect(SLICE_LIT("a,a,,a_2,a,\"\"\n"), &csv,
           "a:string a_3:string column_3:string a_2:string a_4:string column_6:string", "", NULL);
    struct reader_opts o = {.format = FORMAT_CSV, .header = -1};
    expect(SLICE_LIT("a,1\n,2\n"), &o, "column_1:string? column_2:integer", "[a][1]|[~][2]|", NULL);
}
END_TEST

START_TEST(empty_and_header_only_files_are_tables)
{
    expect(SLICE_LIT(""), &csv, "", "", NULL);
    expect(SLICE_LIT("\n\r\n"), &csv, "", "", NULL);
    expect(SLICE_LIT("a,b"), &csv, "a:string b:string", "", NULL);
    expect(SLICE_LIT("a,b\r\n"), &raw, "a:string? b:string?", "", NULL);
}
END_TEST

START_TEST(an_empty_line_is_a_null_in_a_table_of_one_column)
{
    expect(SLICE_LIT("a\n1\n\n\r\n2\n"), &csv, "a:integer?", "[1]|[~]|[~]|[2]|", NULL);
}
END_TEST

START_TEST(other_delimiters_quotes_and_escapes)
{
    struct reader_opts semi = {.format = FORMAT_CSV, .delimiter = ';', .quote = '\''};
    expect(SLICE_LIT("a;b\n'x;''y';\"1\"\n"), &semi, NULL, "[\"x;'y\"][\"1\"]|", NULL);
    struct reader_opts none = {.format = FORMAT_TSV, .quote = -1};
    expect(SLICE_LIT("a\tb\n\"x\ty\"\n"), &none, NULL, "[\"x][y\"]|", NULL);
    struct reader_opts esc = {.format = FORMAT_CSV, .escape = '\\'};
    expect(SLICE_LIT("a,b\n\"x\\\"y\\\\\",p\\,q\n\"\\\n\",r\\\n\n"), &esc, NULL,
           "[\"x\"y\\\"][p,q]|[\"\n\"][r\n]|", NULL);
    esc.raw = true;
    expect(SLICE_LIT("a,b\n\"x\"\\\"y\",1\n"), &esc, NULL, "[\"x\"\"y\"][1]|", "2 quote a+|");
    struct reader_opts same = {.format = FORMAT_CSV, .delimiter = '"'};
    expect_error(SLICE_LIT("a"), &same, ERR_USAGE, "not the delimiter");
}
END_TEST

START_TEST(declared_types_rule)
{
    static const struct type_pin pins[] = {{"zip", TYPE_STRING, false}, {"n", TYPE_FLOAT, false}};
    struct reader_opts o = {.format = FORMAT_CSV, .pins = pins, .npins = 2};
    struct slice text = SLICE_LIT("zip,n,k\n1,2,3\n2,x,4\n");
    expect(text, &o, "zip:string n:float k:integer", "[1][2][3]|", "3 type n|");
    o.no_infer = true;
    expect(text, &o, "zip:string? n:float? k:string?", "[1][2][3]|", "3 type n|");
    static const struct type_pin wrong[] = {{"nope", TYPE_STRING, false}};
    o = (struct reader_opts){.format = FORMAT_CSV, .pins = wrong, .npins = 1};
    expect_error(text, &o, ERR_USAGE, "has no column 'nope'");
    expect(SLICE_LIT(""), &o, "", "", NULL);
}
END_TEST

START_TEST(unwanted_columns_are_not_looked_at)
{
    static const char *const wanted[] = {"c", "a", NULL};
    struct reader_opts o = {.format = FORMAT_CSV, .columns = wanted};
    expect(SLICE_LIT("a,b,c\n1,\"x\"y\",3\n"), &o, "a:integer c:integer", "[1][3]|", NULL);
    static const char *const wrong[] = {"d", NULL};
    o.columns = wrong;
    expect_error(SLICE_LIT("a,b,c\n1,2,3\n"), &o, ERR_USAGE, "has no column 'd'");
}
END_TEST

/* 20,480 integers and then one that is none. */
START_TEST(a_value_that_comes_late_does_not_change_the_type)
{
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    buf_adds(&text, "a,b\n");
    for (int i = 0; i < INFER_RECORDS; i++)
        buf_addf(&text, "%d,x\n", i);
    buf_adds(&text, "late,y\n,z\n");
    struct reading g = read_text(buf_slice(&text), &csv);
    ck_assert_str_eq(buf_str(&g.schema), "a:integer? b:string?");
    ck_assert_str_eq(buf_str(&g.bad), "20482 type a|");
    ck_assert_str_eq(buf_str(&g.reasons), "'late' is not of type integer, which the first 20480 "
                                          "records have (declare it in types, for instance as "
                                          "string)|");
    ck_assert_uint_eq(g.stats.records, INFER_RECORDS + 1);
    ck_assert_uint_eq(g.stats.bytes, text.len);
    reading_release(&g);
    /* One record earlier it does. */
    const char *cut = strchr(text.p + 4, '\n') + 1;
    struct buf fewer = BUF_INIT(BUF_UNBOUNDED);
    buf_adds(&fewer, "a,b\n");
    buf_add(&fewer, cut, text.len - (size_t)(cut - text.p) - 3);
    g = read_text(buf_slice(&fewer), &csv);
    ck_assert_str_eq(buf_str(&g.schema), "a:string? b:string?");
    reading_release(&g);
    buf_release(&text);
    buf_release(&fewer);
}
END_TEST

START_TEST(thousands_of_columns_are_a_table)
{
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    for (int row = 0; row < 40; row++)
        for (int c = 0; c < 20000; c++)
            buf_addf(&text, "%s%d%s", row ? "" : "c", c, c < 19999 ? "," : "\n");
    struct mem_account acct = {0, 0};
    struct reader_opts o = {.format = FORMAT_CSV, .acct = &acct};
    struct reading g = read_text(buf_slice(&text), &o);
    ck_assert_msg(g.ok, "%s", g.err.text);
    ck_assert_uint_eq(g.stats.records, 39);
    ck_assert_uint_lt(acct.peak, (size_t)80 << 20);
    ck_assert_uint_eq(acct.now, 0);
    reading_release(&g);
    buf_release(&text);
}
END_TEST

START_TEST(a_field_of_sixteen_mebibytes_fits_and_a_longer_record_does_not)
{
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    const size_t most = (size_t)16 << 20;
    buf_adds(&text, "a,b\n1,2\n");
    memset(buf_room(&text, most), 'x', most);
    memcpy(text.p + text.len + most - 3, ",zz", 3);
    text.len += most;
    size_t limit = text.len;
    buf_adds(&text, "\n3,4\n");
    struct reading g = read_text(buf_slice(&text), &csv);
    ck_assert_uint_eq(g.stats.records, 3);
    ck_assert_str_eq(buf_str(&g.bad), "");
    reading_release(&g);
    /* One byte more, once in one line and once over several. */
    for (int lines = 0; lines < 2; lines++) {
        text.len = limit;
        buf_adds(&text, "y\n3,4\n");
        if (lines) {
            text.p[8] = '"';
            text.p[9] = '\n';
            text.p[limit - 4] = '"';
        }
        g = read_text(buf_slice(&text), &raw);
        ck_assert_str_eq(buf_str(&g.bad), "3 oversize|");
        ck_assert_str_eq(buf_str(&g.lines), lines ? "2 5" : "2 4");
        ck_assert_str_eq(buf_str(&g.rows), "[1][2]|[3][4]|");
        reading_release(&g);
    }
    buf_release(&text);
}
END_TEST

START_TEST(a_huge_open_quote_is_named_where_it_opened)
{
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    buf_adds(&text, "a,b\n\"x\ny\",\"");
    for (int i = 0; i < 300000; i++)
        buf_adds(&text, "words that go on and on, and on, and on, and on, without an end\n");
    struct reading g = read_text(buf_slice(&text), &csv);
    ck_assert_str_eq(buf_str(&g.bad), "3 unterminated_quote|");
    ck_assert_uint_eq(g.stats.records, 0);
    reading_release(&g);
    buf_release(&text);
}
END_TEST

START_TEST(what_is_no_text_is_refused_with_a_remedy)
{
    expect_error(SLICE_LIT("a\0,\0b\0\n\0"
                           "1\0,\0"
                           "2\0\n\0"),
                 &csv, ERR_DATA, "iconv");
    expect_error(SLICE_LIT("PK\x03\x04zzzz"), &csv, ERR_DATA, "zip");
    expect_error(SLICE_LIT("PAR1zzzz"), &csv, ERR_DATA, "Parquet");
    expect_error(SLICE_LIT("\x7f"
                           "ELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\0"),
                 &csv, ERR_DATA, "binary");
}
END_TEST

/* -- several files -- */

static char *file_with(const char *name, const char *text)
{
    const char *dir = getenv("TMPDIR");
    char *path = xasprintf("%s/foreline-table-%ld-%s", dir ? dir : "/tmp", (long)getpid(), name);
    FILE *f = fopen(path, "w");
    ck_assert(f && fputs(text, f) >= 0 && fclose(f) == 0);
    return path;
}

START_TEST(files_are_one_table_by_the_names_of_columns)
{
    char *a = file_with("a.csv", "x,y\n1,2\n"), *b = file_with("b.csv", "y,x\n3,4.5\n");
    char *e = file_with("e.csv", "");
    const char *const paths[] = {e, a, b, e};
    struct reading g = read_paths(paths, 4, NULL);
    ck_assert_msg(g.ok, "%s", g.err.text);
    ck_assert_str_eq(buf_str(&g.schema), "x:float y:integer");
    ck_assert_str_eq(buf_str(&g.rows), "[1][2]|[4.5][3]|");
    ck_assert_str_eq(buf_str(&g.lines), "2 2");
    reading_release(&g);
    char *c = file_with("c.csv", "x,z\n1,2\n");
    const char *const differ[] = {a, b, c};
    g = read_paths(differ, 3, NULL);
    ck_assert(!g.opened && g.err.kind == ERR_DATA);
    ck_assert(strstr(g.err.text, a) && strstr(g.err.text, c) && strstr(g.err.text, "'y'"));
    reading_release(&g);
    char *all[] = {a, b, c, e};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        unlink(all[i]);
        free(all[i]);
    }
}
END_TEST

/* More files than a process may have open: each is looked at ahead, and opened again. */
START_TEST(many_small_files_need_few_descriptors)
{
    enum { N = 300 };
    char *paths[N];
    for (int i = 0; i < N; i++) {
        char name[32];
        snprintf(name, sizeof(name), "m%d.csv", i);
        paths[i] = file_with(name, "x\n1\n2\n");
    }
    struct rlimit few; /* the hard limit stays: valgrind keeps descriptors of its own beyond it */
    ck_assert(getrlimit(RLIMIT_NOFILE, &few) == 0);
    few.rlim_cur = 64;
    ck_assert(setrlimit(RLIMIT_NOFILE, &few) == 0);
    struct reading g = read_paths((const char *const *)paths, N, NULL);
    ck_assert_msg(g.ok, "%s", g.err.text);
    ck_assert_uint_eq(g.stats.records, 2 * N);
    reading_release(&g);
    for (int i = 0; i < N; i++) {
        unlink(paths[i]);
        free(paths[i]);
    }
}
END_TEST

/* A batch of 2,048 records of a mebibyte each would hold two gibibytes. */
START_TEST(batches_of_wide_records_hold_few_blocks)
{
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    const size_t wide = (size_t)1 << 20;
    buf_adds(&text, "a,b\n");
    for (int i = 0; i < 100; i++) {
        buf_addf(&text, "%d,", i);
        memset(buf_room(&text, wide), 'x', wide);
        text.len += wide;
        buf_addc(&text, '\n');
    }
    struct mem_account acct = {0, 0};
    struct reader_opts o = {.format = FORMAT_CSV, .acct = &acct, .raw = true};
    struct err err = ERR_INIT;
    struct batch *b;
    int fd = fd_of(buf_slice(&text));
    struct reader *r = reader_open_fd(fd, "in", &o, NULL, NULL, &err);
    uint64_t rows = 0;
    while (reader_next(r, &b, &err) && b) {
        rows += b->rows;
        batch_unref(b);
    }
    reader_close(r);
    close(fd);
    ck_assert_uint_eq(rows, 100);
    ck_assert_uint_lt(acct.peak, (size_t)40 << 20);
    buf_release(&text);
}
END_TEST

START_TEST(what_cannot_be_opened_is_told_before_work_begins)
{
    char *a = file_with("o.csv", "x\n1\n");
    const char *const missing[] = {a, "/nonexistent/x.csv"}, *const folder[] = {"/"};
    struct reading g = read_paths(missing, 2, NULL);
    ck_assert(!g.opened && g.err.kind == ERR_ENV && strstr(g.err.text, "/nonexistent/x.csv"));
    reading_release(&g);
    g = read_paths(folder, 1, NULL);
    ck_assert(!g.opened && g.err.kind == ERR_ENV && strstr(g.err.text, "directory"));
    reading_release(&g);
    unlink(a);
    free(a);
}
END_TEST

START_TEST(formats_are_known_by_name_and_by_content)
{
    ck_assert(format_of_path("a/b.csv") == FORMAT_CSV && format_of_path("b.TSV.gz") == FORMAT_TSV);
    ck_assert(format_of_path("x.ndjson.zst") == FORMAT_JSONL);
    ck_assert(format_of_path("x.json") == FORMAT_JSONL && format_of_path("x.tab") == FORMAT_TSV);
    ck_assert(format_of_path("csv") == FORMAT_AUTO && format_of_path("x.csv/y") == FORMAT_AUTO);
    enum format f;
    ck_assert(format_parse("NDJSON", &f) && f == FORMAT_JSONL && !format_parse("xml", &f));
    struct reader_opts none = {0};
    expect(SLICE_LIT(" {\"a\":1}\n"), &none, "a:integer", "[1]|", NULL);
    expect(SLICE_LIT("a\n1\n"), &none, "a:integer", "[1]|", NULL);
}
END_TEST

UNIT_MAIN("table_csv", types_are_the_narrowest_of_all_values, typed_columns_have_their_values,
          empty_is_null_and_quoted_empty_is_not, further_spellings_of_null_are_exact_and_unquoted,
          quoted_fields_hold_anything, lines_are_counted_through_quoted_line_ends,
          a_bare_cr_is_data, ragged_rows_are_rejects_or_padded_and_cut,
          quotes_that_never_close_are_named_where_they_opened, text_behind_a_closing_quote_is_kept,
          nul_bytes_are_data_and_reported_once, bytes_that_are_not_utf8_are_kept_and_noted,
          a_byte_order_mark_is_skipped, headers_become_unique_and_complete,
          empty_and_header_only_files_are_tables, an_empty_line_is_a_null_in_a_table_of_one_column,
          other_delimiters_quotes_and_escapes, declared_types_rule,
          unwanted_columns_are_not_looked_at, a_value_that_comes_late_does_not_change_the_type,
          thousands_of_columns_are_a_table,
          a_field_of_sixteen_mebibytes_fits_and_a_longer_record_does_not,
          a_huge_open_quote_is_named_where_it_opened, what_is_no_text_is_refused_with_a_remedy,
          files_are_one_table_by_the_names_of_columns, many_small_files_need_few_descriptors,
          batches_of_wide_records_hold_few_blocks, what_cannot_be_opened_is_told_before_work_begins,
          formats_are_known_by_name_and_by_content)
