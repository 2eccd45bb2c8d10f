/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the writer writes, the reader reads back: random tables in CSV, TSV and JSON lines. */
#include "base/rng.h"
#include "tests/unit/suite.h"
#include "tests/unit/table_io.h"

#include <math.h>

static uint64_t runs(uint64_t few)
{
    return getenv("FORELINE_LONG") ? few * 50 : few;
}

static const enum type types[] = {TYPE_INTEGER, TYPE_FLOAT,     TYPE_BOOLEAN, TYPE_STRING,
                                  TYPE_DATE,    TYPE_TIMESTAMP, TYPE_JSON};

struct table {
    struct batch *b;
    struct schema s;
    struct type_pin *pins;
};

static const char *random_text(struct rng *r, struct arena *a, enum type type)
{
    static const char *const words[] = {
        "a", ",",  "\"", "\n",           "\r", "\r\n", "\t",   " ",    "null", "\xc3\xa9",
        "1", "\\", "'",  "\xe2\x82\xac", "[]", "~",    "\x7f", "\x1b", ";",    "\xef\xbb\xbf"};
    static const char *const jsons[] = {"{}",   "[1,\"x,\\\"y\"]", "{\"a\": null}", "\"s\"", "1.50",
                                        "true", "[[],[{}]]"};
    struct buf b = BUF_INIT(BUF_UNBOUNDED);
    int year = (int)rng_below(r, 9999) + 1;
    switch (type) {
    case TYPE_DATE:
        return arena_printf(a, "%04d-%02d-%02d", year, (int)rng_below(r, 12) + 1,
                            (int)rng_below(r, 28) + 1);
    case TYPE_TIMESTAMP:
        return arena_printf(a, "%04d-%02d-%02dT%02d:30:00%c5Z", year, (int)rng_below(r, 12) + 1,
                            (int)rng_below(r, 28) + 1, (int)rng_below(r, 24),
                            rng_below(r, 2) ? '.' : ',');
    case TYPE_JSON:
        return jsons[rng_below(r, ARRAY_LEN(jsons))];
    default:
        break;
    }
    for (uint64_t n = rng_below(r, 6); n > 0; n--)
        buf_adds(&b, words[rng_below(r, ARRAY_LEN(words))]);
    const char *s = arena_strdup(a, buf_str(&b));
    buf_release(&b);
    return s;
}

static double random_float(struct rng *r)
{
    double d;
    do {
        uint64_t bits = rng_u64(r);
        memcpy(&d, &bits, sizeof(d));
        if (rng_below(r, 2))
            d = rng_normal(r) * 1000;
    } while (!isfinite(d));
    return d;
}

static void random_column(struct rng *r, struct batch *b, uint32_t c, enum type type)
{
    struct column *col = &b->cols[c];
    column_alloc(b, c, type, false);
    for (uint32_t row = 0; row < b->rows; row++) {
        if (rng_below(r, 4) == 0)
            continue;
        column_set_valid(col, row);
        if (type == TYPE_INTEGER) {
            col->v.i64[row] = (int64_t)(rng_u64(r) >> rng_below(r, 64));
        } else if (type == TYPE_FLOAT) {
            col->v.f64[row] = random_float(r);
        } else if (type == TYPE_BOOLEAN) {
            col->v.b8[row] = rng_below(r, 2) == 1;
        } else {
            const char *s = random_text(r, &b->mem, type);
            col->text[row] = (struct text){s, (uint32_t)strlen(s), 0};
        }
    }
}

static struct table random_table(struct rng *r)
{
    static const char *const names[] = {"a",         "b c",       "\"q\"",
                                        "\xc3\xa9,", "line\nend", "\xef\xbb\xbfx"};
    uint32_t ncols = 1 + (uint32_t)rng_below(r, ARRAY_LEN(names));
    struct table t = {.b = batch_new(ncols, NULL)};
    t.b->rows = (uint32_t)rng_below(r, 40);
    t.s = (struct schema){ARENA_ARRAY(&t.b->mem, struct field, ncols), ncols};
    t.pins = ARENA_ARRAY(&t.b->mem, struct type_pin, ncols);
    for (uint32_t c = 0; c < ncols; c++) {
        enum type type = types[rng_below(r, ARRAY_LEN(types))];
        t.s.fields[c] = (struct field){arena_strdup(&t.b->mem, names[c]), type, true};
        t.pins[c] = (struct type_pin){t.s.fields[c].name, type, false};
        random_column(r, t.b, c, type);
    }
    return t;
}

static bool same_value(const struct column *a, uint32_t i, const struct column *b, uint32_t k)
{
    if (column_valid(a, i) != column_valid(b, k) || a->type != b->type)
        return false;
    if (!column_valid(a, i))
        return true;
    if (a->type == TYPE_INTEGER)
        return a->v.i64[i] == b->v.i64[k];
    if (a->type == TYPE_FLOAT)
        return a->v.f64[i] == b->v.f64[k];
    if (a->type == TYPE_BOOLEAN)
        return a->v.b8[i] == b->v.b8[k];
    return slice_eq(text_slice(a->text[i]), text_slice(b->text[k]));
}

static void complain(void *ctx, const struct bad_record *bad)
{
    ck_abort_msg("seed %llu: line %llu: %s", *(unsigned long long *)ctx,
                 (unsigned long long)bad->line, bad->reason);
}

static void round_trip(uint64_t seed, const struct table *t, const struct writer_opts *w)
{
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    writer_header(&text, &t->s, w);
    writer_batch(&text, &t->s, t->b, w);
    struct reader_opts o = {.format = w->format,
                            .delimiter = w->delimiter,
                            .pins = t->pins,
                            .npins = t->s.n,
                            .block_bytes = 64 + seed % 1000};
    struct err err = ERR_INIT;
    unsigned long long tell = seed;
    int fd = fd_of(buf_slice(&text));
    struct reader *r = reader_open_fd(fd, "in", &o, complain, &tell, &err);
    ck_assert_msg(r, "seed %llu: %s", tell, err.text);
    const struct schema *s = reader_schema(r);
    ck_assert_uint_eq(s->n, t->s.n);
    for (uint32_t c = 0; c < s->n; c++)
        ck_assert_str_eq(s->fields[c].name, t->s.fields[c].name);
    uint32_t row = 0;
    struct batch *b;
    while (reader_next(r, &b, &err) && b) {
        for (uint32_t i = 0; i < b->rows; i++, row++)
            for (uint32_t c = 0; c < s->n; c++)
                ck_assert_msg(row < t->b->rows && same_value(&t->b->cols[c], row, &b->cols[c], i),
                              "seed %llu: row %u, column %u\n%s", tell, row, c, buf_str(&text));
        batch_unref(b);
    }
    ck_assert_msg(err.kind == ERR_NONE && row == t->b->rows, "seed %llu: %u rows of %u %s\n%s",
                  tell, row, t->b->rows, err.text, buf_str(&text));
    reader_close(r);
    close(fd);
    buf_release(&text);
}

START_TEST(tables_read_back_as_they_were_written)
{
    static const struct writer_opts opts[] = {{.format = FORMAT_CSV},
                                              {.format = FORMAT_TSV},
                                              {.format = FORMAT_CSV, .delimiter = ';'},
                                              {.format = FORMAT_JSONL}};
    struct rng r;
    for (uint64_t seed = 0; seed < runs(1500); seed++) {
        rng_seed(&r, seed);
        struct table t = random_table(&r);
        round_trip(seed, &t, &opts[seed % ARRAY_LEN(opts)]);
        batch_unref(t.b);
    }
}
END_TEST

/* What is read without declared types and written again reads as the same table. */
START_TEST(what_was_read_is_written_as_it_was_read)
{
    struct slice text = SLICE_LIT("price,day,zip,flag,note\n1.50,2026-01-01,007,true,\"a,b\"\n"
                                  "1e2,2026-01-02,42,False,\"\"\n,,,,plain \"quotes\"\n");
    struct slice want = SLICE_LIT("price,day,zip,flag,note\n1.50,2026-01-01,007,true,\"a,b\"\n"
                                  "1e2,2026-01-02,42,False,\"\"\n,,,,\"plain \"\"quotes\"\"\"\n");
    struct writer_opts w = {.format = FORMAT_CSV};
    struct reader_opts o = {.format = FORMAT_CSV};
    struct buf out = BUF_INIT(BUF_UNBOUNDED), json = BUF_INIT(BUF_UNBOUNDED);
    int fd = fd_of(text);
    struct err err = ERR_INIT;
    struct reader *r = reader_open_fd(fd, "in", &o, NULL, NULL, &err);
    struct batch *b;
    ck_assert(r && reader_next(r, &b, &err) && b);
    writer_header(&out, reader_schema(r), &w);
    writer_batch(&out, reader_schema(r), b, &w);
    ck_assert_str_eq(buf_str(&out), want.p);
    w.format = FORMAT_JSONL;
    writer_batch(&json, reader_schema(r), b, &w);
    ck_assert_str_eq(
        buf_str(&json),
        "{\"price\":1.50,\"day\":\"2026-01-01\",\"zip\":\"007\",\"flag\":true,\"note\":\"a,b\"}\n"
        "{\"price\":1e2,\"day\":\"2026-01-02\",\"zip\":\"42\",\"flag\":false,\"note\":\"\"}\n"
        "{\"price\":null,\"day\":null,\"zip\":null,\"flag\":null,\"note\":\"plain "
        "\\\"quotes\\\"\"}\n");
    batch_unref(b);
    reader_close(r);
    close(fd);
    buf_release(&out);
    buf_release(&json);
}
END_TEST

START_TEST(json_lines_stay_lines_and_utf8)
{
    static const struct type_pin pins[] = {{"j", TYPE_JSON, false}};
    struct reader_opts o = {.format = FORMAT_CSV, .pins = pins, .npins = 1};
    struct writer_opts w = {.format = FORMAT_JSONL};
    struct buf out = BUF_INIT(BUF_UNBOUNDED);
    struct err err = ERR_INIT;
    int fd = fd_of(SLICE_LIT("j,s\n\"{\"\"a\"\":\r\n1}\",x\xe9y\n"));
    struct reader *r = reader_open_fd(fd, "in", &o, NULL, NULL, &err);
    struct batch *b;
    ck_assert(r && reader_next(r, &b, &err) && b);
    writer_batch(&out, reader_schema(r), b, &w);
    ck_assert_str_eq(buf_str(&out), "{\"j\":{\"a\":  1},\"s\":\"x\xef\xbf\xbdy\"}\n");
    batch_unref(b);
    reader_close(r);
    close(fd);
    buf_release(&out);
}
END_TEST

UNIT_MAIN("table_round", tables_read_back_as_they_were_written,
          what_was_read_is_written_as_it_was_read, json_lines_stay_lines_and_utf8)
