/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lib/table: compressed input, pipes, and input that breaks off. */
#include "base/rng.h"
#include "table/source.h"
#include "tests/unit/suite.h"
#include "tests/unit/table_io.h"

#include <errno.h>
#include <sys/wait.h>

/* Runs a shell command with `text` on its stdin and gives its stdout. */
static struct buf through(const char *command, struct slice text)
{
    struct buf out = BUF_INIT(BUF_UNBOUNDED);
    int in = file_of(text), result = file_of(SLICE_NULL);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(in, 0);
        dup2(result, 1);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    int status;
    ck_assert(waitpid(pid, &status, 0) == pid && status == 0);
    lseek(result, 0, SEEK_SET);
    ssize_t n;
    while ((n = read(result, buf_room(&out, 65536), 65536)) > 0)
        out.len += (size_t)n;
    close(in);
    close(result);
    return out;
}

static struct buf table_text(int rows)
{
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    buf_adds(&text, "a,b\n");
    for (int i = 0; i < rows; i++)
        buf_addf(&text, "%d,\"some text, %d\"\n", i, i % 997);
    return text;
}

static const struct reader_opts csv = {.format = FORMAT_CSV};

static void expect_same(const struct buf *packed, const struct buf *plain, const char *compression)
{
    struct reading want = read_text(buf_slice(plain), &csv);
    struct reading got = read_text(buf_slice(packed), &csv);
    ck_assert_msg(got.ok, "%s", got.err.text);
    ck_assert_str_eq(buf_str(&got.rows), buf_str(&want.rows));
    ck_assert_str_eq(buf_str(&got.schema), buf_str(&want.schema));
    ck_assert_str_eq(got.stats.compression, compression);
    ck_assert_uint_eq(got.stats.bytes, plain->len);
    ck_assert_uint_eq(got.stats.read_bytes, packed->len);
    reading_release(&want);
    reading_release(&got);
}

START_TEST(gzip_is_known_by_content)
{
    struct buf plain = table_text(50000), packed = through("gzip -c", buf_slice(&plain));
    expect_same(&packed, &plain, "gzip");
    buf_release(&plain);
    buf_release(&packed);
}
END_TEST

START_TEST(latin_1_becomes_utf_8)
{
    struct buf plain = BUF_INIT(BUF_UNBOUNDED), want = BUF_INIT(BUF_UNBOUNDED);
    buf_adds(&plain, "\xe9,b\n");
    buf_adds(&want, "\xc3\xa9,b\n");
    for (int i = 0; i < 30000; i++) {
        int c = 0xa0 + i % 96;
        buf_addf(&plain, "%c%c,%d\n", c, 0xff, i);
        buf_addf(&want, "%c%c\xc3\xbf,%d\n", 0xc0 | c >> 6, 0x80 | (c & 0x3f), i);
    }
    struct reader_opts o = {.format = FORMAT_CSV, .latin1 = true};
    static const size_t blocks[] = {0, 7, 4096};
    for (size_t i = 0; i < ARRAY_LEN(blocks); i++) {
        o.block_bytes = blocks[i];
        struct reading got = read_text(buf_slice(&plain), &o);
        struct reading utf8 = read_text(buf_slice(&want), &csv);
        ck_assert_msg(got.ok, "%s", got.err.text);
        ck_assert_str_eq(buf_str(&got.schema), buf_str(&utf8.schema));
        ck_assert_str_eq(buf_str(&got.rows), buf_str(&utf8.rows));
        ck_assert(!got.stats.latin1);
        reading_release(&got);
        reading_release(&utf8);
    }
    buf_release(&plain);
    buf_release(&want);
}
END_TEST

/* All that a source gives, `cap` bytes at a time; false with err when it breaks. */
static bool source_all(const struct buf *packed, enum gunzip_with with, size_t cap, struct buf *out,
                       struct err *err)
{
    int fd = fd_of(buf_slice(packed));
    struct source *s = source_from_fd(fd, "in", NULL);
    size_t got = 1;
    bool ok = true;
    source_gunzip(s, with);
    buf_clear(out);
    err_clear(err);
    while (ok && got > 0) {
        char *to = buf_room(out, cap);
        ok = source_read(s, to, cap, &got, err);
        out->len += got;
    }
    ck_assert_uint_le(source_stored_bytes(s), packed->len);
    source_free(s);
    close(fd);
    return ok;
}

START_TEST(both_ways_to_unpack_gzip_give_the_same)
{
    struct buf plain = table_text(20000), out = BUF_INIT(BUF_UNBOUNDED);
    struct err err = ERR_INIT;
    /* Members with and without a name, stored, fast and small, and an empty one. */
    struct buf packed = through(
        "cd \"${TMPDIR:-/tmp}\" && cat >all && head -c 100000 all >name && tail -c +100001 all "
        ">rest && gzip -Nc name && head -c 70000 rest | gzip -1 && tail -c +70001 rest >more "
        "&& head -c 5 more | gzip -9 && gzip -c </dev/null && tail -c +6 more | gzip -6",
        buf_slice(&plain));
    static const size_t caps[] = {1, 7, 4096, 70000, 1 << 20};
    for (size_t i = 0; i < ARRAY_LEN(caps); i++)
        for (int with = GUNZIP_BEST; with <= GUNZIP_ZLIB; with++) {
            ck_assert_msg(source_all(&packed, (enum gunzip_with)with, caps[i], &out, &err), "%s",
                          err.text);
            ck_assert(slice_eq(buf_slice(&out), buf_slice(&plain)));
        }
    buf_release(&plain);
    buf_release(&packed);
    buf_release(&out);
}
END_TEST

START_TEST(both_ways_to_unpack_gzip_find_the_same_damage)
{
    struct buf plain = table_text(3000), whole = through("gzip -c", buf_slice(&plain));
    struct buf best = BUF_INIT(BUF_UNBOUNDED), zlib = BUF_INIT(BUF_UNBOUNDED);
    struct err e1 = ERR_INIT, e2 = ERR_INIT;
    struct rng r;
    rng_seed(&r, 11);
    for (int i = 0; i < 400; i++) {
        struct buf packed = BUF_INIT(BUF_UNBOUNDED);
        size_t at = i < 20   ? 3 + (size_t)i
                    : i < 40 ? whole.len - 1 - (size_t)(i - 20)
                             : 3 + rng_below(&r, whole.len - 3);
        buf_add_slice(&packed, buf_slice(&whole));
        if (rng_below(&r, 3) == 0)
            packed.len = at;
        else
            packed.p[at] = (char)(packed.p[at] ^ (1 << rng_below(&r, 8)));
        bool ok = source_all(&packed, GUNZIP_BEST, 65536, &best, &e1);
        ck_assert_msg(ok == source_all(&packed, GUNZIP_ZLIB, 65536, &zlib, &e2),
                      "byte %zu: '%s' and '%s'", at, e1.text, e2.text);
        size_t less = best.len < zlib.len ? best.len : zlib.len;
        ck_assert(less == 0 || memcmp(best.p, zlib.p, less) == 0);
        /* What can be had of a truncated stream is had. */
        ck_assert_msg(best.len + 300 >= zlib.len, "byte %zu: %zu of %zu bytes", at, best.len,
                      zlib.len);
        if (ok)
            ck_assert(slice_eq(buf_slice(&best), buf_slice(&plain)));
        else
            ck_assert_msg(e1.kind == ERR_DATA && strstr(e1.text, "gzip data broken at byte "), "%s",
                          e1.text);
        buf_release(&packed);
    }
    buf_release(&plain);
    buf_release(&whole);
    buf_release(&best);
    buf_release(&zlib);
}
END_TEST

START_TEST(several_gzip_members_and_padding_are_one_stream)
{
    struct buf plain = table_text(3000);
    struct buf packed = through("cd \"${TMPDIR:-/tmp}\" && head -c 10000 >part; cat | gzip -c "
                                ">part2; gzip -c <part; cat part2; "
                                "head -c 512 /dev/zero; gzip -c </dev/null",
                                buf_slice(&plain));
    expect_same(&packed, &plain, "gzip");
    buf_adds(&packed, "trailing words");
    struct reading g = read_text(buf_slice(&packed), &csv);
    ck_assert(!g.ok && g.err.kind == ERR_DATA && strstr(g.err.text, "not gzip"));
    ck_assert_uint_eq(g.stats.records, 3000);
    reading_release(&g);
    buf_release(&plain);
    buf_release(&packed);
}
END_TEST

/* zstd's command line tool is no dependency: a frame of raw blocks is easily made (RFC 8878). */
static struct buf zstd_frame(struct slice text)
{
    struct buf out = BUF_INIT(BUF_UNBOUNDED);
    buf_add(&out, "\x28\xb5\x2f\xfd\x00\x38", 6); /* window of 128 KiB, size not given */
    for (size_t at = 0; at < text.len || at == 0;) {
        size_t n = text.len - at < 60000 ? text.len - at : 60000;
        uint32_t head = (uint32_t)(n << 3) | (at + n == text.len);
        char bytes[3] = {(char)head, (char)(head >> 8), (char)(head >> 16)};
        buf_add(&out, bytes, 3);
        buf_add(&out, text.p + at, n);
        at += n;
        if (n == 0)
            break;
    }
    return out;
}

START_TEST(zstd_is_known_by_content)
{
    struct buf plain = table_text(20000), packed = zstd_frame(buf_slice(&plain));
    expect_same(&packed, &plain, "zstd");
    /* A second frame goes on where the first ended. */
    struct buf more = zstd_frame(SLICE_LIT("7,x\n"));
    buf_add_slice(&packed, buf_slice(&more));
    buf_adds(&plain, "7,x\n");
    expect_same(&packed, &plain, "zstd");
    packed.len -= 3;
    struct reading g = read_text(buf_slice(&packed), &csv);
    ck_assert(!g.ok && g.err.kind == ERR_DATA && strstr(g.err.text, "truncated"));
    ck_assert_uint_eq(g.stats.records, 20000);
    reading_release(&g);
    packed.p[8] = (char)0xff; /* a block type that does not exist */
    packed.p[6] = (char)0xff;
    g = read_text(buf_slice(&packed), &csv);
    ck_assert(!g.ok && g.err.kind == ERR_DATA && strstr(g.err.text, "zstd data broken at byte"));
    reading_release(&g);
    buf_release(&plain);
    buf_release(&packed);
    buf_release(&more);
}
END_TEST

START_TEST(what_was_whole_is_delivered_before_a_break)
{
    struct buf plain = table_text(50000), packed = through("gzip -c", buf_slice(&plain));
    size_t whole = packed.len;
    packed.len = whole / 2;
    struct reading g = read_text(buf_slice(&packed), &csv);
    ck_assert(g.opened && !g.ok && g.err.kind == ERR_DATA);
    ck_assert_msg(strstr(g.err.text, "gzip data broken at byte"), "%s", g.err.text);
    ck_assert(strstr(g.err.text, "truncated"));
    ck_assert(g.stats.records > 10000 && g.stats.records < 45000);
    ck_assert_str_eq(buf_str(&g.bad), "");
    reading_release(&g);
    packed.len = whole;
    for (size_t i = whole / 2; i < whole / 2 + 50; i++)
        packed.p[i] = (char)(packed.p[i] ^ 0x55);
    g = read_text(buf_slice(&packed), &csv);
    ck_assert(!g.ok && g.err.kind == ERR_DATA && g.stats.records > 1000);
    reading_release(&g);
    /* Within the part that types are found from. */
    packed.len = 3000;
    g = read_text(buf_slice(&packed), &csv);
    ck_assert(!g.ok && g.err.kind == ERR_DATA && g.stats.records > 10);
    ck_assert_str_eq(buf_str(&g.schema), "a:integer? b:string?");
    reading_release(&g);
    buf_release(&plain);
    buf_release(&packed);
}
END_TEST

/* A pipe that is written byte by byte, and cannot be rewound. */
START_TEST(a_slow_pipe_gives_the_same_table)
{
    struct slice text = SLICE_LIT("\xef\xbb\xbf"
                                  "a,b\r\n1,\"x\r\ny\"\r\n2,\xc3\xa9\r\n");
    int fds[2];
    ck_assert(pipe(fds) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(fds[0]);
        for (size_t i = 0; i < text.len; i++)
            if (write(fds[1], text.p + i, 1) != 1)
                _exit(1);
        _exit(0);
    }
    close(fds[1]);
    struct reading g = reading_new();
    struct reader_opts o = {0};
    reading_rest(&g, reader_open_fd(fds[0], "pipe", &o, reading_bad, &g, &g.err));
    ck_assert_msg(g.ok, "%s", g.err.text);
    ck_assert_str_eq(buf_str(&g.schema), "a:integer b:string");
    ck_assert_str_eq(buf_str(&g.rows), "[1][\"x\r\ny\"]|[2][\xc3\xa9]|");
    ck_assert(g.stats.bom && g.stats.crlf && !g.stats.latin1);
    reading_release(&g);
    waitpid(pid, NULL, 0);
    close(fds[0]);
}
END_TEST

/* Gives a few bytes at a time, and rests between them. */
struct drip {
    struct slice left;
    struct rng rng;
    unsigned rest; /* one in so many calls gives bytes */
};

static enum input_got drip_read(void *ctx, char *to, size_t cap, size_t *got, struct err *err)
{
    struct drip *d = ctx;
    (void)err;
    if (d->left.len == 0)
        return INPUT_END;
    if (rng_below(&d->rng, d->rest) != 0)
        return INPUT_PAUSE;
    size_t n = 1 + rng_below(&d->rng, d->left.len < 300 ? 7 : d->left.len / 3);
    *got = n < cap ? n : cap;
    *got = *got < d->left.len ? *got : d->left.len;
    memcpy(to, d->left.p, *got);
    d->left = slice_of(d->left.p + *got, d->left.len - *got);
    return INPUT_BYTES;
}

START_TEST(an_input_that_rests_gives_the_same_records)
{
    struct buf csv_text = table_text(400), json = BUF_INIT(BUF_UNBOUNDED);
    struct buf wide = BUF_INIT(BUF_UNBOUNDED);
    for (int i = 0; i < 400; i++)
        buf_addf(&json, "{\"a\":%d,\"b\":\"x\\ny\"}\n", i);
    buf_add(&wide, "\xff\xfe", 2);
    for (size_t i = 0; i < csv_text.len; i++)
        buf_add(&wide, (char[]){csv_text.p[i], 0}, 2);
    struct buf texts[] = {
        csv_text,
        json,
        wide,
        through("gzip -c", buf_slice(&csv_text)),
        through("cat | tee /dev/null | { gzip -c; gzip -c </dev/null; }", buf_slice(&json)),
        zstd_frame(buf_slice(&csv_text))};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        for (uint64_t seed = 0; seed < 20; seed++) {
            const struct reader_opts o = {.raw = true, .detect = true};
            struct reading want = read_text(buf_slice(&texts[i]), &o), got = reading_new();
            struct drip d = {.left = buf_slice(&texts[i]), .rest = seed % 2 ? 8 : 2};
            rng_seed(&d.rng, seed);
            const struct input in = {drip_read, &d};
            reading_rest(&got, reader_open_input(&in, "drip", &o, reading_bad, &got, &got.err));
            ck_assert_msg(got.ok, "text %zu: %s", i, got.err.text);
            ck_assert_str_eq(buf_str(&got.rows), buf_str(&want.rows));
            ck_assert_str_eq(buf_str(&got.lines), buf_str(&want.lines));
            ck_assert_uint_eq(got.stats.read_bytes, texts[i].len);
            reading_release(&want);
            reading_release(&got);
        }
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        buf_release(&texts[i]);
}
END_TEST

/* A writer that waits until its record was read. */
struct dialogue {
    uint64_t written, read;
    bool asked;
};

static enum input_got dialogue_read(void *ctx, char *to, size_t cap, size_t *got, struct err *err)
{
    struct dialogue *d = ctx;
    (void)cap;
    (void)err;
    /* First the header and a record; then the next when all were delivered. */
    if (d->written == 50)
        return INPUT_END;
    if (d->written > d->read) {
        ck_assert(!d->asked || d->read == 0); /* it would rest for ever */
        d->asked = true;
        return INPUT_PAUSE;
    }
    *got = (size_t)snprintf(to, 64, "%s%d,x\n", d->written ? "" : "a,b\n", (int)d->written);
    d->written++;
    d->asked = false;
    return INPUT_BYTES;
}

START_TEST(what_is_whole_is_delivered_while_the_input_rests)
{
    struct dialogue d = {0, 0, false};
    const struct input in = {dialogue_read, &d};
    const struct reader_opts o = {.raw = true, .format = FORMAT_CSV};
    struct err err = ERR_INIT;
    struct batch *b;
    struct reader *r = reader_open_input(&in, "dialogue", &o, NULL, NULL, &err);
    ck_assert_msg(r != NULL, "%s", err.text);
    while (reader_next(r, &b, &err) && b != NULL) {
        d.read += b->rows;
        ck_assert_uint_eq(d.read, d.written);
        batch_unref(b);
    }
    ck_assert_uint_eq(d.read, 50);
    reader_close(r);
}
END_TEST

START_TEST(memory_does_not_grow_with_the_input)
{
    struct buf plain = table_text(400000);
    struct mem_account acct = {0, 0};
    struct reader_opts o = {.format = FORMAT_CSV, .acct = &acct};
    struct err err = ERR_INIT;
    int fd = fd_of(buf_slice(&plain));
    struct reader *r = reader_open_fd(fd, "in", &o, NULL, NULL, &err);
    struct batch *b;
    uint64_t rows = 0;
    while (reader_next(r, &b, &err) && b) {
        rows += b->rows;
        batch_unref(b);
    }
    reader_close(r);
    ck_assert_uint_eq(rows, 400000);
    ck_assert_uint_gt(plain.len, (size_t)9 << 20);
    ck_assert_uint_lt(acct.peak, (size_t)4 << 20);
    ck_assert_uint_eq(acct.now, 0);
    close(fd);
    buf_release(&plain);
}
END_TEST

/* A line without an end, 300 MB of it. */
struct endless {
    const char *begin;
    size_t left;
};

static enum input_got endless_read(void *ctx, char *to, size_t cap, size_t *got, struct err *err)
{
    struct endless *e = ctx;
    size_t n = strlen(e->begin);
    (void)err;
    if (n == 0) {
        n = cap < e->left ? cap : e->left;
        memset(to, 'x', n);
        e->left -= n;
    } else {
        memcpy(to, e->begin, n);
        e->begin += n;
    }
    *got = n;
    return n > 0 ? INPUT_BYTES : INPUT_END;
}

START_TEST(a_line_without_an_end_takes_no_more_memory_than_what_is_read_ahead)
{
    static const struct {
        enum format format;
        const char *begin;
        uint64_t records;
        const char *says;
    } rows[] = {{FORMAT_JSONL, "{\"a\":1}\n{\"a\":\"", 1, "longer than 16 MiB"},
                {FORMAT_JSONL, "{\"a\":\"", 0, "longer than 16 MiB"},
                {FORMAT_CSV, "a,b\n1,", 0, "longer than 16 MiB"},
                {FORMAT_CSV, "a,", 0, "the first record is longer than 16 MiB"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct endless e = {rows[i].begin, 300000000};
        const struct input in = {endless_read, &e};
        struct mem_account acct = {0, 0};
        const struct reader_opts o = {
            .format = rows[i].format, .detect = true, .flatten = true, .raw = true, .acct = &acct};
        struct reading g = reading_new();
        reading_rest(&g, reader_open_input(&in, "endless", &o, reading_bad, &g, &g.err));
        ck_assert_uint_eq(g.stats.records, rows[i].records);
        ck_assert(strstr(g.err.kind ? g.err.text : buf_str(&g.reasons), rows[i].says) != NULL);
        ck_assert_uint_lt(acct.peak, (size_t)160 << 20);
        ck_assert_uint_eq(acct.now, 0);
        reading_release(&g);
    }
}
END_TEST

START_TEST(more_columns_than_wanted_are_refused)
{
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    for (int i = 0; i < 1001; i++)
        buf_addf(&text, "%sc%d", i > 0 ? "," : "", i);
    for (uint32_t most = 1000; most <= 1001; most++) {
        const struct reader_opts o = {.format = FORMAT_CSV, .columns_max = most};
        struct reading g = reading_new();
        int fd = file_of(buf_slice(&text));
        reading_rest(&g, reader_open_fd(fd, "wide", &o, reading_bad, &g, &g.err));
        ck_assert_int_eq(g.err.kind, most == 1000 ? ERR_DATA : ERR_NONE);
        ck_assert(most > 1000 || strstr(g.err.text, "'wide' has 1001 columns, more than 1000: "));
        reading_release(&g);
        close(fd);
    }
    buf_release(&text);
}
END_TEST

START_TEST(a_read_error_is_of_the_environment)
{
    struct reading g = reading_new();
    reading_rest(&g, reader_open_fd(-1, "gone", &csv, reading_bad, &g, &g.err));
    ck_assert(!g.opened && g.err.kind == ERR_ENV && strstr(g.err.text, "'gone'"));
    reading_release(&g);
}
END_TEST

UNIT_MAIN("table_source", gzip_is_known_by_content, latin_1_becomes_utf_8,
          both_ways_to_unpack_gzip_give_the_same, both_ways_to_unpack_gzip_find_the_same_damage,
          several_gzip_members_and_padding_are_one_stream, zstd_is_known_by_content,
          an_input_that_rests_gives_the_same_records,
          what_is_whole_is_delivered_while_the_input_rests,
          what_was_whole_is_delivered_before_a_break, a_slow_pipe_gives_the_same_table,
          memory_does_not_grow_with_the_input,
          a_line_without_an_end_takes_no_more_memory_than_what_is_read_ahead,
          more_columns_than_wanted_are_refused, a_read_error_is_of_the_environment)
