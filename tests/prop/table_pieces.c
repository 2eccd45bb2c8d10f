/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Records that are found by one thread and read by several, in whatever order, are those that one
 * reader gives: rows, line numbers, reports, figures, for random CSV and JSON lines. */
#include <pthread.h>
#include <stdlib.h>

#include "base/rng.h"
#include "tests/unit/suite.h"
#include "tests/unit/table_io.h"

static uint64_t runs(uint64_t few)
{
    return getenv("FORELINE_LONG") ? few * 20 : few;
}

static void random_field(struct rng *r, struct buf *out)
{
    static const char *const parts[] = {"1",          "2.5",     "-3",   "abc",   "",
                                        "\"q\"",      "\"a,b\"", "\"\"", "\xff",  "\"x\n\ny\"",
                                        "\"d\"\"d\"", "true",    "a\"b", "\"s\"t"};
    buf_adds(out, parts[rng_below(r, rng_below(r, 4) ? 5 : ARRAY_LEN(parts))]);
    if (rng_below(r, 200) == 0)
        for (uint64_t n = rng_below(r, 9000); n > 0; n--)
            buf_addc(out, 'x');
    if (rng_below(r, 400) == 0)
        buf_add(out, "\0", 1);
}

static void random_csv(struct rng *r, struct buf *out, uint64_t records, uint32_t columns)
{
    for (uint32_t c = 0; c < columns; c++)
        buf_addf(out, "%sc%u", c ? "," : "", c);
    buf_addc(out, '\n');
    for (uint64_t i = 0; i < records; i++) {
        uint32_t n = rng_below(r, 50) ? columns : (uint32_t)rng_below(r, 2 * columns + 1);
        for (uint32_t c = 0; c < n; c++) {
            if (c)
                buf_addc(out, ',');
            random_field(r, out);
        }
        if (i + 1 < records || rng_below(r, 2))
            buf_adds(out, rng_below(r, 9) ? "\n" : "\r\n");
    }
    if (rng_below(r, 8) == 0)
        buf_adds(out, "\"never closed\nat all\n");
}

static void random_json(struct rng *r, struct buf *out, uint64_t records, uint32_t columns)
{
    static const char *const values[] = {"1",   "\"a\"",          "null",   "true",
                                         "1.5", "\"\\u0061\\n\"", "[1,{}]", "{\"k\":2}"};
    for (uint64_t i = 0; i < records; i++) {
        if (rng_below(r, 40) == 0) {
            static const char *const odd[] = {
                "",         "  ",    "[1]",         "{\"c0\":",
                "nonsense", "\"s\"", "{\"new\":1}", "{\"c0\":\"\xff\"}"};
            buf_adds(out, odd[rng_below(r, ARRAY_LEN(odd))]);
        } else {
            buf_addc(out, '{');
            for (uint32_t c = 0; c < columns; c++)
                if (rng_below(r, 9) || c == 0)
                    buf_addf(out, "%s\"%s%u\":%s", c ? "," : "", rng_below(r, 20) ? "c" : "\\u0063",
                             rng_below(r, 20) ? c : 0,
                             values[c % 3 && rng_below(r, 60) ? c % 3
                                                              : rng_below(r, ARRAY_LEN(values))]);
            buf_addc(out, '}');
        }
        buf_addc(out, '\n');
    }
}

/* -- the same in pieces -- */

#define AHEAD 5
struct work {
    struct reader_piece *piece;
    struct reader *lane;
    struct reading said;
    struct batch *b;
};

static void lane_bad(void *ctx, const struct bad_record *bad)
{
    struct work *const *now = ctx;
    reading_bad(&(*now)->said, bad);
}

static void *parse(void *arg)
{
    struct work *w = arg;
    reader_parse(w->lane, w->piece, &w->b);
    return NULL;
}

/* All at once, so that thread checkers see it too. */
static void parse_all(struct work *w, size_t n)
{
    pthread_t threads[AHEAD];
    for (size_t i = 0; i < n; i++)
        if (pthread_create(&threads[i], NULL, parse, &w[n - 1 - i]) != 0)
            BUG("cannot start a thread");
    for (size_t i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
}

static struct reading read_pieces(const char *const *paths, size_t n, const struct reader_opts *o,
                                  size_t ahead)
{
    struct reading g = reading_new();
    struct work work[AHEAD] = {0}, *now[AHEAD];
    struct reader *r = reader_open(paths, n, o, NULL, NULL, &g.err);
    g.opened = r != NULL;
    if (!r)
        return g;
    ck_assert(reader_cut(r));
    const struct schema *s = reader_schema(r);
    for (uint32_t c = 0; c < s->n; c++)
        buf_addf(&g.schema, "%s%s:%s%s", c ? " " : "", s->fields[c].name,
                 type_name(s->fields[c].type), s->fields[c].nullable ? "?" : "");
    for (size_t i = 0; i < ahead; i++) {
        work[i].piece = reader_piece_new();
        now[i] = &work[i];
        work[i].lane = reader_lane_new(r, lane_bad, &now[i]);
    }
    bool more = true;
    g.ok = true;
    while (more && g.ok) {
        size_t taken = 0;
        while (taken < ahead && (g.ok = reader_take(r, work[taken].piece, &more, &g.err)) && more) {
            work[taken].said = reading_new();
            taken++;
        }
        parse_all(work, taken);
        for (size_t i = 0; i < taken; i++) {
            if (work[i].b)
                reading_batch(&g, work[i].b);
            batch_unref(work[i].b);
            buf_add_slice(&g.bad, buf_slice(&work[i].said.bad));
            buf_add_slice(&g.reasons, buf_slice(&work[i].said.reasons));
            reading_release(&work[i].said);
            reader_told(r, work[i].piece, &g.stats);
        }
        if (!more)
            reader_told(r, work[taken < ahead ? taken : 0].piece, &g.stats);
    }
    for (size_t i = 0; i < ahead; i++) {
        reader_piece_free(work[i].piece);
        reader_close(work[i].lane);
    }
    reader_close(r);
    return g;
}

static void same_text(uint64_t seed, const char *what, const struct buf *a, const struct buf *b)
{
    ck_assert_msg(slice_eq(buf_slice(a), buf_slice(b)),
                  "seed %llu: %s\n%.900s\nbut in pieces\n%.900s", (unsigned long long)seed, what,
                  a->len ? a->p : "", b->len ? b->p : "");
}

static void same(uint64_t seed, struct reading *a, struct reading *b)
{
    ck_assert_int_eq(a->opened, b->opened);
    ck_assert_int_eq(a->ok, b->ok);
    ck_assert_str_eq(a->err.text, b->err.text);
    same_text(seed, "schema", &a->schema, &b->schema);
    same_text(seed, "rows", &a->rows, &b->rows);
    same_text(seed, "lines", &a->lines, &b->lines);
    same_text(seed, "reports", &a->bad, &b->bad);
    same_text(seed, "reasons", &a->reasons, &b->reasons);
    const struct reader_stats *s = &a->stats, *t = &b->stats;
    ck_assert_uint_eq(s->records, t->records);
    ck_assert_uint_eq(s->bad, t->bad);
    ck_assert_uint_eq(s->empty_lines, t->empty_lines);
    if (!a->ok) /* how far it read ahead is not settled */
        return;
    ck_assert_uint_eq(s->bytes, t->bytes);
    ck_assert_uint_eq(s->read_bytes, t->read_bytes);
    ck_assert_uint_eq(s->latin1, t->latin1);
    ck_assert_uint_eq(s->latin1_line, t->latin1_line);
    ck_assert_uint_eq(s->crlf_lines, t->crlf_lines);
    ck_assert_uint_eq(s->crlf_line, t->crlf_line);
    ck_assert_uint_eq(s->lf_lines, t->lf_lines);
    ck_assert_uint_eq(s->lf_line, t->lf_line);
}

static void compare(uint64_t seed, const struct buf *texts, size_t n, struct reader_opts *o,
                    size_t ahead)
{
    char names[3][64];
    int fds[3];
    const char *paths[3];
    for (size_t i = 0; i < n; i++) {
        fds[i] = file_of(buf_slice(&texts[i]));
        snprintf(names[i], sizeof(names[i]), "/proc/self/fd/%d", fds[i]);
        paths[i] = names[i];
    }
    struct reading one = read_paths(paths, n, o), many = read_pieces(paths, n, o, ahead);
    same(seed, &one, &many);
    reading_release(&one);
    reading_release(&many);
    for (size_t i = 0; i < n; i++)
        close(fds[i]);
}

static void compare_random(uint64_t seed, bool json)
{
    struct rng r;
    struct buf texts[3];
    rng_seed(&r, seed);
    size_t n = 1 + rng_below(&r, 3);
    uint32_t columns = 1 + (uint32_t)rng_below(&r, 5);
    for (size_t i = 0; i < n; i++) {
        texts[i] = BUF_INIT(BUF_UNBOUNDED);
        uint64_t records = rng_below(&r, seed % 8 ? 60 : 6000);
        (json ? random_json : random_csv)(&r, &texts[i], records, columns);
    }
    static const struct type_pin pins[] = {{"c0", TYPE_INTEGER, false}};
    struct reader_opts o = {
        .format = json ? FORMAT_JSONL : FORMAT_CSV,
        .block_bytes = rng_below(&r, 2) ? 16 + rng_below(&r, 5000) : 0,
        .batch_rows = rng_below(&r, 2) ? 1 + (uint32_t)rng_below(&r, 90) : 0,
        .pins = pins,
        .npins = rng_below(&r, 3) == 0,
    };
    compare(seed, texts, n, &o, 1 + rng_below(&r, AHEAD));
    for (size_t i = 0; i < n; i++)
        buf_release(&texts[i]);
}

START_TEST(csv_in_pieces_is_what_one_reader_gives)
{
    for (uint64_t seed = 0; seed < runs(300); seed++)
        compare_random(seed, false);
}
END_TEST

START_TEST(json_lines_in_pieces_are_what_one_reader_gives)
{
    for (uint64_t seed = 0; seed < runs(300); seed++)
        compare_random(seed, true);
}
END_TEST

START_TEST(a_record_that_is_too_long_stands_in_its_place)
{
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    buf_adds(&text, "a,b\n1,2\n3,");
    for (size_t i = 0; i < (size_t)17 << 20; i++)
        buf_addc(&text, 'y');
    buf_adds(&text, "\n5,6\n7\n8,9\n");
    struct reader_opts o = {.format = FORMAT_CSV};
    compare(0, &text, 1, &o, 1);
    compare(0, &text, 1, &o, 3);
    buf_release(&text);
}
END_TEST

START_TEST(wide_records_make_small_pieces)
{
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    buf_adds(&text, "a,b\n");
    for (int i = 0; i < 60; i++) {
        buf_addf(&text, "%d,", i);
        for (size_t k = 0; k < (size_t)100 << 10; k++)
            buf_addc(&text, 'z');
        buf_addc(&text, '\n');
    }
    int fd = file_of(buf_slice(&text));
    struct reader_opts o = {.format = FORMAT_CSV};
    struct reader *r = reader_open_fd(fd, "in", &o, NULL, NULL, NULL);
    ck_assert(r && reader_cut(r));
    struct reader_piece *p = reader_piece_new();
    bool more;
    int pieces = 0;
    while (reader_take(r, p, &more, NULL) && more)
        pieces++;
    ck_assert_int_eq(pieces, 6);
    reader_piece_free(p);
    reader_close(r);
    close(fd);
    compare(0, &text, 1, &o, 4);
    buf_release(&text);
}
END_TEST

START_TEST(what_looks_at_a_file_that_nobody_described_is_not_cut)
{
    static const struct reader_opts odd[] = {
        {.raw = true}, {.detect = true}, {.flatten = true}, {.offsets = true}};
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    buf_adds(&text, "a,b\n1,2\n");
    for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
        int fd = file_of(buf_slice(&text));
        struct reader *r = reader_open_fd(fd, "in", &odd[i], NULL, NULL, NULL);
        ck_assert(r && !reader_cut(r));
        reader_close(r);
        close(fd);
    }
    buf_release(&text);
}
END_TEST

UNIT_MAIN("table_pieces", csv_in_pieces_is_what_one_reader_gives,
          json_lines_in_pieces_are_what_one_reader_gives,
          a_record_that_is_too_long_stands_in_its_place, wide_records_make_small_pieces,
          what_looks_at_a_file_that_nobody_described_is_not_cut)
