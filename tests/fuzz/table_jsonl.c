/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The JSON lines reader on any bytes: it takes what the strict parser of json/ takes as an object,
 * and nothing else, and writes lines that are JSON. The first byte chooses options. */
#include "json/json.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/table_io.h"

static uint64_t objects(struct slice text)
{
    uint64_t n = 0;
    struct arena a = ARENA_INIT;
    for (const char *p = text.p, *end = text.p + text.len; p < end;) {
        const char *lf = memchr(p, '\n', (size_t)(end - p));
        struct slice line = slice_of(p, (size_t)((lf ? lf : end) - p));
        struct json *v;
        n += json_parse(&a, line, 0, &v, NULL) && v->type == JSON_OBJECT;
        arena_clear(&a);
        p = lf ? lf + 1 : end;
    }
    arena_release(&a);
    return n;
}

static bool needs_care(struct slice text)
{
    /* Other formats by their first bytes, and columns without a name that C can hold. */
    static const char *const starts[] = {"\xff\xfe", "\xfe\xff",     "BZh",      "\xfd",
                                         "PK",       "\xef\xbb\xbf", "PAR1",     "SQLite",
                                         "\x1f\x8b", "\x28\xb5",     "\x50\x2a", "["};
    for (size_t i = 0; i < ARRAY_LEN(starts); i++)
        if (slice_starts(text, starts[i]))
            return true;
    /* JSON over several lines is refused. */
    struct slice head = slice_trim(text);
    if (head.len && head.p[0] == '{' && memchr("\n\r \t", head.len > 1 ? head.p[1] : '\n', 4))
        return true;
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.p[i] < '\t' || text.p[i] == '[')
            return true;
    /* Numbers beyond a double: json/ refuses them, here they are text. */
    for (size_t i = 0; i + 1 < text.len; i++)
        if ((text.p[i] == 'e' || text.p[i] == 'E') && strchr("+-0123456789", text.p[i + 1]))
            return true;
    return false;
}

static void check_lines(struct slice out, uint64_t records)
{
    if (objects(out) != records)
        BUG("%llu records are written as:\n%.*s", (unsigned long long)records, (int)out.len, out.p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    unsigned a = data[0];
    struct slice text = slice_of((const char *)data + 1, size - 1);
    struct reader_opts o = {.format = FORMAT_JSONL,
                            .raw = a & 1,
                            .flatten = (a & 3) == 3,
                            .block_bytes = a % 16 ? 16 + a : 0};
    struct writer_opts w = {.format = FORMAT_JSONL};
    struct buf out = BUF_INIT(BUF_UNBOUNDED);
    struct err err = ERR_INIT;
    struct reader_stats st = {0};
    struct batch *b;
    int fd = fd_of(text);
    struct reader *r = reader_open_fd(fd, "in", &o, NULL, NULL, &err);
    while (r && reader_next(r, &b, &err) && b) {
        writer_batch(&out, reader_schema(r), b, &w);
        batch_unref(b);
    }
    if (r) {
        reader_stats(r, &st);
        check_lines(buf_slice(&out), st.records);
        if (!o.raw && !needs_care(text) && st.records != objects(text))
            BUG("%llu records of %llu objects", (unsigned long long)st.records,
                (unsigned long long)objects(text));
    }
    reader_close(r);
    close(fd);
    buf_release(&out);
    return 0;
}
