/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lib/table: reading JSON lines. */
#include "tests/unit/suite.h"
#include "tests/unit/table_io.h"

static const struct reader_opts jsonl = {.format = FORMAT_JSONL};
static const struct reader_opts raw = {.format = FORMAT_JSONL, .raw = true};

static void expect(struct slice text, const struct reader_opts *o, const char *schema,
                   const char *rows, const char *bad)
{
    struct reading g = read_text(text, o);
    ck_assert_msg(g.opened && g.ok, "%s", g.err.text);
    ck_assert_str_eq(buf_str(&g.schema), schema);
    ck_assert_str_eq(buf_str(&g.rows), rows);
    ck_assert_str_eq(buf_str(&g.bad), bad);
    reading_release(&g);
}

START_TEST(columns_are_keys_in_order_of_appearance)
{
    expect(SLICE_LIT("{\"a\":1,\"b\":\"x\"}\n\n { \"c\" : true , \"a\" : 2 }\t\r\n{}"), &jsonl,
           "a:integer? b:string? c:boolean?", "[1][\"x\"][~]|[2][~][true]|[~][~][~]|", "");
    expect(SLICE_LIT("{\"a\":1,\"a\":null}\n{\"a\":1,\"a\":2}\n"), &jsonl, "a:integer?", "[~]|[2]|",
           "");
    expect(SLICE_LIT("{\"\":1,\"k\\u0041\\\"\":2}\n{\"kA\\\"\":3}"), &jsonl,
           ":integer? kA\":integer", "[1][2]|[~][3]|", "");
    expect(SLICE_LIT(""), &jsonl, "", "", "");
    expect(SLICE_LIT("\n \n"), &jsonl, "", "", "");
}
END_TEST

START_TEST(types_are_those_of_json)
{
    expect(
        SLICE_LIT("{\"i\":1,\"f\":1,\"d\":\"2026-01-01\",\"t\":\"2026-01-01T00:00Z\",\"s\":\"1\","
                  "\"n\":null,"
                  "\"big\":12345678901234567890,\"dt\":\"2026-01-01\"}\n"
                  "{\"i\":-2,\"f\":1e2,\"d\":\"2026-01-02\",\"t\":\"2026-01-01 10:00\",\"s\":\"x\","
                  "\"big\":1,\"dt\":\"2026-01-01T00:00Z\"}\n"),
        &jsonl, "i:integer f:float d:date t:timestamp s:string n:string? big:string dt:string",
        "[1][1][\"2026-01-01\"][\"2026-01-01T00:00Z\"][\"1\"][~][12345678901234567890][\"2026-01-"
        "01\"]|[-2][1e2][\"2026-01-02\"][\"2026-01-01 "
        "10:00\"][\"x\"][~][1][\"2026-01-01T00:00Z\"]|",
        "");
}
END_TEST

START_TEST(mixed_scalars_are_text_and_nested_values_make_json)
{
    expect(SLICE_LIT("{\"m\":1.50,\"j\":[1, {\"x\":\"]\"}],\"e\":\"a\\n\"}\n"
                     "{\"m\":\"x\",\"j\":\"s\\u0041\",\"e\":\"\"}\n{\"m\":true,\"j\":2.50,\"e\":"
                     "\"\\ud83d\\ude00\"}\n"),
           &jsonl, "m:string j:json e:string",
           "[1.50][[1, {\"x\":\"]\"}]][\"a\n\"]|[\"x\"][\"s\\u0041\"][\"\"]|"
           "[true][2.50][\"\xf0\x9f\x98\x80\"]|",
           "");
    expect(SLICE_LIT("{\"j\":[1, {\"x\":\"]\"}],\"e\":\"a\\n\"}\n{\"j\":\"s\\u0041\"}\n"), &raw,
           "j:string e:string?", "[[1, {\"x\":\"]\"}]][\"a\n\"]|[\"sA\"][~]|", "");
}
END_TEST

START_TEST(nested_objects_are_columns_of_their_own)
{
    struct reader_opts o = {.format = FORMAT_JSONL, .raw = true, .flatten = true};
    expect(SLICE_LIT("{\"a\":{\"b\":1,\"c\":{\"d\":\"x\"}},\"e\":[{\"f\":1},2]}\n"
                     "{\"a\":{\"b\":2,\"c\":{}},\"e\":{}}\n{\"a\":5}\n{\"a\":{\"\\u0062\":3}}\n"),
           &o, "a.b:string? a.c.d:string? e:string? a:string?",
           "[1][\"x\"][[{\"f\":1},2]][~]|[2][~][{}][~]|[~][~][~][5]|[3][~][~][~]|", "");
    /* Deeper than is opened: the text. */
    expect(
        SLICE_LIT(
            "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":1}}}}}}}}}}\n"),
        &o, "a.a.a.a.a.a.a.a.a:string", "[{\"a\":1}]|", "");
}
END_TEST

START_TEST(keys_in_any_order_and_spelling_are_the_same_columns)
{
    struct reader_opts o = {.format = FORMAT_JSONL, .raw = true, .flatten = true};
    /* Out of order, missing, twice (the last wins), escaped, and with blanks about the colon. */
    expect(SLICE_LIT(
               "{\"a\":1,\"b\":2,\"c\":3,\"d\":4}\n{\"d\":1,\"b\":2}\n{\"c\":1,\"c\":2,\"a\":3}\n"
               "{\"b\":1,\"a\" : 2,\"\\u0064\":3}\n{\"\\u0061\":1,\"a\":2,\"\\u0061\":3,\"d\":9}\n"
               "{}\n{\"d\":5}\n{\"a\":1,\"d\":2,\"c\":3,\"b\":4}\n"),
           &raw, "a:string? b:string? c:string? d:string?",
           "[1][2][3][4]|[~][2][~][1]|[3][~][2][~]|[2][1][~][3]|[3][~][~][9]|[~][~][~][~]|"
           "[~][~][~][5]|[1][4][3][2]|",
           "");
    /* The same in a table so wide that it is cleared beforehand. */
    struct buf text = BUF_INIT(BUF_UNBOUNDED), schema = BUF_INIT(BUF_UNBOUNDED);
    struct buf rows = BUF_INIT(BUF_UNBOUNDED);
    for (int i = 0; i < 100; i++) {
        buf_addf(&text, "%s\"k%d\":%d", i ? "," : "{", i, i);
        buf_addf(&schema, "%sk%d:string%s", i ? " " : "", i, i == 3 || i == 7 ? "" : "?");
        buf_addf(&rows, "[%d]", i);
    }
    buf_adds(&text, "}\n{\"k7\":1,\"k3\":2,\"k3\":3}\n");
    buf_addc(&rows, '|');
    for (int i = 0; i < 100; i++)
        buf_adds(&rows, i == 3 ? "[3]" : i == 7 ? "[1]" : "[~]");
    buf_addc(&rows, '|');
    expect(buf_slice(&text), &raw, buf_str(&schema), buf_str(&rows), "");
    buf_release(&text);
    buf_release(&schema);
    buf_release(&rows);
    /* A key with a dot beside an object whose member has that name: both are kept. */
    expect(SLICE_LIT("{\"a\":{\"b\":1},\"a.b\":2}\n{\"a.b\":3,\"a\":{\"b\":4}}\n"), &o,
           "a.b:string a.b_2:string", "[1][2]|[4][3]|", "");
    expect(SLICE_LIT("{\"a.b\":1,\"a.b_2\":2,\"a\":{\"b\":3}}\n"), &o,
           "a.b:string a.b_2:string a.b_3:string", "[1][2][3]|", "");
}
END_TEST

START_TEST(arrays_know_how_many_elements_they_have)
{
    static const struct {
        const char *text;
        uint32_t elements;
    } arrays[] = {{"[]", 0},
                  {"[ ]", 0},
                  {"[1]", 1},
                  {"[ 1 , 2 ]", 2},
                  {"[[1,2],[],{\"a\":[3,4]}]", 3},
                  {"[\",,,\",\"]\"]", 2},
                  {"{\"a\":[1,2]}", 0}};
    for (size_t i = 0; i < ARRAY_LEN(arrays); i++) {
        struct buf line = BUF_INIT(BUF_UNBOUNDED);
        struct err err = ERR_INIT;
        struct batch *b;
        buf_addf(&line, "{\"k\":%s}\n", arrays[i].text);
        int fd = fd_of(buf_slice(&line));
        struct reader *r = reader_open_fd(fd, "in", &raw, NULL, NULL, &err);
        ck_assert(r && reader_next(r, &b, &err) && b);
        ck_assert_uint_eq(text_elements(b->cols[0].text[0]), arrays[i].elements);
        ck_assert(b->cols[0].text[0].flags & TEXT_NESTED);
        batch_unref(b);
        reader_close(r);
        close(fd);
        buf_release(&line);
    }
}
END_TEST

START_TEST(lines_that_are_no_objects_are_rejects)
{
    struct slice text =
        SLICE_LIT("{\"a\":1}\nnope\n[1,2]\n\"x\"\n{\"a\":1,}\n{\"a\":01}\n{\"a\":1} x\n"
                  "{\"a\" 1}\n{a:1}\n{\"a\":\"\x01\"}\n{\"a\":\"\\x\"}\n{\"a\":nan}\n"
                  "{\"a\":1\n{\"a\":tru}\n{\"a\":[1}\n{\"a\":\"b\n{\"a\":2}\n");
    const char *bad = "2 not_json|3 not_an_object|4 not_an_object|5 not_json|6 not_json|7 not_json|"
                      "8 not_json|9 not_json|10 not_json|11 not_json|12 not_json|13 not_json|"
                      "14 not_json|15 not_json|16 not_json|";
    expect(text, &jsonl, "a:integer", "[1]|[2]|", bad);
    expect(text, &raw, "a:string", "[1]|[2]|", bad);
    struct reading g = read_text(SLICE_LIT("{\"a\":1,}\n"), &jsonl);
    ck_assert_str_eq(buf_str(&g.reasons), "not JSON (from byte 8 of the line on)|");
    reading_release(&g);
}
END_TEST

START_TEST(bytes_that_are_not_utf8_make_a_record_bad)
{
    struct slice text = SLICE_LIT("{\"a\":\"\xe9\"}\n{\"a\":\"\xc3\xa9\"}\n");
    expect(text, &jsonl, "a:string", "[\"\xc3\xa9\"]|", "1 invalid_utf8|");
    expect(text, &raw, "a:string", "[\"\xe9\"]|[\"\xc3\xa9\"]|", "1 invalid_utf8+|");
    /* Wherever in the record, and of the later ones only those that have some. */
    text = SLICE_LIT("{\"a\":[\"\xff\"]}\n{\"a\":1}\n{\"a\":\"\xc3\"}\n{\"a\":2}\n");
    expect(text, &raw, "a:string", "[[\"\xff\"]]|[1]|[\"\xc3\"]|[2]|",
           "1 invalid_utf8+|3 invalid_utf8+|");
    expect(text, &jsonl, "a:integer", "[1]|[2]|", "1 invalid_utf8|3 invalid_utf8|");
}
END_TEST

/* INFER_RECORDS records of {"a":N}, then `rest`. */
static struct reading read_late(const char *rest, const struct reader_opts *o)
{
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    for (int i = 0; i < INFER_RECORDS; i++)
        buf_addf(&text, "{\"a\":%d,\"s\":\"x\"}\n", i % 10);
    buf_adds(&text, rest);
    struct reading g = read_text(buf_slice(&text), o);
    buf_release(&text);
    return g;
}

START_TEST(what_comes_late_is_a_reject_with_a_remedy)
{
    const char *rest = "{\"a\":1,\"new\":2}\n{\"a\":\"7\"}\n{\"a\":1.5}\n{\"s\":[1]}\n{\"s\":8}\n";
    struct reading g = read_late(rest, &jsonl);
    ck_assert_str_eq(buf_str(&g.schema), "a:integer? s:string?");
    ck_assert_str_eq(buf_str(&g.bad),
                     "20481 unknown_field|20482 type a|20483 type a|20484 type s|");
    ck_assert(strstr(buf_str(&g.reasons), "'new'") && strstr(buf_str(&g.reasons), "declare it"));
    ck_assert_uint_eq(g.stats.records, INFER_RECORDS + 1);
    reading_release(&g);

    static const char *const wanted[] = {"a", NULL};
    struct reader_opts o = {.format = FORMAT_JSONL, .columns = wanted};
    g = read_late("{\"a\":1,\"new\":2}\n{\"s\":[1]}\n", &o);
    ck_assert_str_eq(buf_str(&g.bad), "");
    reading_release(&g);

    static const struct type_pin pins[] = {{"new", TYPE_INTEGER, false}, {"s", TYPE_STRING, false}};
    o = (struct reader_opts){.format = FORMAT_JSONL, .pins = pins, .npins = 2};
    g = read_late("{\"a\":1,\"new\":\"2\"}\n{\"s\":[1]}\n", &o);
    ck_assert_str_eq(buf_str(&g.schema), "a:integer? s:string? new:integer?");
    ck_assert_str_eq(buf_str(&g.bad), "");
    reading_release(&g);

    g = read_late("{\"a\":1,\"new\":2}\n", &raw);
    ck_assert_str_eq(buf_str(&g.bad), "20481 unknown_field+|");
    ck_assert_uint_eq(g.stats.records, INFER_RECORDS + 1);
    reading_release(&g);
}
END_TEST

START_TEST(a_json_array_is_an_error_with_a_remedy)
{
    struct reader_opts none = {0};
    static const char *const arrays[] = {"[{\"a\":1},{\"a\":2}]", "[\n  {\"a\":1}\n]\n"};
    for (size_t i = 0; i < ARRAY_LEN(arrays); i++) {
        struct reading g = read_text(slice_str(arrays[i]), i ? &jsonl : &none);
        ck_assert(!g.opened && g.err.kind == ERR_DATA && strstr(g.err.text, "jq -c '.[]'"));
        reading_release(&g);
    }
}
END_TEST

START_TEST(json_over_several_lines_is_an_error_with_a_remedy)
{
    static const struct {
        const char *text, *remedy;
    } texts[] = {{"{\n  \"a\": 1\n}\n", "jq -c .)"},
                 {" \n{ \r\n\"a\":1}\r\n", "jq -c .)"},
                 {"[\n  1,\n  2\n]\n", "jq -c '.[]'"},
                 {"[ \n  [1],\n[2]]\n", "jq -c '.[]'"}};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct reading g = read_text(slice_str(texts[i].text), &jsonl);
        ck_assert(!g.opened && g.err.kind == ERR_DATA && strstr(g.err.text, texts[i].remedy));
        reading_release(&g);
    }
    /* A damaged record is only that. */
    expect(SLICE_LIT("{\n{\"a\":1}\n"), &jsonl, "a:integer", "[1]|", "1 not_json|");
    expect(SLICE_LIT("[\"a\",\n{\"a\":1}\n"), &jsonl, "a:integer", "[1]|", "1 not_json|");
}
END_TEST

START_TEST(nesting_is_bounded)
{
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    buf_adds(&text, "{\"a\":1}\n{\"a\":");
    for (int i = 0; i < 10000; i++)
        buf_addc(&text, '[');
    for (int i = 0; i < 10000; i++)
        buf_addc(&text, ']');
    buf_adds(&text, "}\n{\"a\":[[2]]}\n");
    struct reading g = read_text(buf_slice(&text), &jsonl);
    ck_assert_str_eq(buf_str(&g.schema), "a:json");
    ck_assert_str_eq(buf_str(&g.rows), "[1]|[[[2]]]|");
    ck_assert_str_eq(buf_str(&g.bad), "2 not_json|");
    reading_release(&g);
    buf_release(&text);
}
END_TEST

START_TEST(a_record_over_sixteen_mebibytes_is_skipped)
{
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    const size_t most = (size_t)17 << 20;
    buf_adds(&text, "{\"a\":\"x\"}\n{\"a\":\"");
    memset(buf_room(&text, most), 'y', most);
    text.len += most;
    buf_adds(&text, "\"}\n{\"a\":\"z\"}\n");
    struct reading g = read_text(buf_slice(&text), &jsonl);
    ck_assert_str_eq(buf_str(&g.rows), "[\"x\"]|[\"z\"]|");
    ck_assert_str_eq(buf_str(&g.bad), "2 oversize|");
    ck_assert_str_eq(buf_str(&g.lines), "1 3");
    reading_release(&g);
    buf_release(&text);
}
END_TEST

/* A record with more new keys than a batch of 2048 rows could have columns for. */
START_TEST(a_record_of_a_hundred_thousand_keys_is_a_table)
{
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    for (int row = 0; row < 3; row++) {
        for (int i = 0; i < 100000; i++)
            buf_addf(&text, "%s\"key%d\":%d", i ? "," : "{", i, row);
        buf_adds(&text, "}\n");
    }
    struct mem_account acct = {0, 0};
    struct reader_opts o = {.format = FORMAT_JSONL, .acct = &acct};
    struct reading g = read_text(buf_slice(&text), &o);
    ck_assert_msg(g.ok, "%s", g.err.text);
    ck_assert_uint_eq(g.stats.records, 3);
    ck_assert_uint_lt(acct.peak, (size_t)100 << 20);
    reading_release(&g);
    buf_release(&text);
}
END_TEST

START_TEST(blocks_make_no_difference)
{
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    for (int i = 0; i < 400; i++) {
        if (i % 50 == 7)
            buf_adds(&text, "broken {\n");
        buf_addf(&text, "{\"i\":%d,\"s\":\"%.*s\\t\xc3\xa9\",\"j\":[%d,{}]}\r\n", i, i % 37,
                 "0123456789012345678901234567890123456789", i);
    }
    struct reading one = read_text(buf_slice(&text), &jsonl);
    ck_assert_uint_eq(one.stats.records, 400);
    for (size_t bytes = 16; bytes < 200; bytes += 7) {
        struct reader_opts o = {.format = FORMAT_JSONL, .block_bytes = bytes};
        struct reading two = read_text(buf_slice(&text), &o);
        ck_assert_str_eq(buf_str(&one.schema), buf_str(&two.schema));
        ck_assert_str_eq(buf_str(&one.rows), buf_str(&two.rows));
        ck_assert_str_eq(buf_str(&one.bad), buf_str(&two.bad));
        ck_assert_str_eq(buf_str(&one.lines), buf_str(&two.lines));
        reading_release(&two);
    }
    reading_release(&one);
    buf_release(&text);
}
END_TEST

UNIT_MAIN("table_jsonl", columns_are_keys_in_order_of_appearance, types_are_those_of_json,
          mixed_scalars_are_text_and_nested_values_make_json,
          nested_objects_are_columns_of_their_own,
          keys_in_any_order_and_spelling_are_the_same_columns,
          arrays_know_how_many_elements_they_have, lines_that_are_no_objects_are_rejects,
          bytes_that_are_not_utf8_make_a_record_bad, what_comes_late_is_a_reject_with_a_remedy,
          a_json_array_is_an_error_with_a_remedy, json_over_several_lines_is_an_error_with_a_remedy,
          nesting_is_bounded, a_record_over_sixteen_mebibytes_is_skipped,
          a_record_of_a_hundred_thousand_keys_is_a_table, blocks_make_no_difference)
