/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Windows and partitions of seeded streams are those that a plain reading of the rules gives, for
 * every way the stream falls into batches; no record is lost. */
#include <math.h>
#include <unistd.h>

#include "base/instant.h"
#include "base/rng.h"
#include "profile/route.h"
#include "tests/unit/suite.h"

enum { RECORDS = 400, KEYS = 6, PIECES = 8000 };
#define BASE_US (INT64_C(1700000000) * US_PER_S)

static int runs(int few)
{
    return getenv("FORELINE_LONG") ? few * 20 : few;
}

struct record {
    int64_t t; /* ROUTE_NO_TIME: none */
    int key;   /* KEYS: null */
};
struct piece {
    int64_t from; /* the window: its begin, or its first record */
    int key;      /* KEYS: null; -1: no partitions */
    uint64_t n, first, last, late, no_time;
};
struct pieces {
    struct piece items[PIECES];
    size_t n;
};

/* -- the rules, read plainly -- */

static int64_t div_down(int64_t a, int64_t b)
{
    return (int64_t)floor((double)a / (double)b);
}

static struct piece *piece_at(struct pieces *p, size_t begin, int64_t from, int key)
{
    for (size_t i = begin; i < p->n; i++)
        if (p->items[i].key == key)
            return &p->items[i];
    ck_assert_uint_lt(p->n, PIECES);
    p->items[p->n] = (struct piece){.from = from, .key = key};
    return &p->items[p->n++];
}

static void count(struct piece *p, uint64_t at)
{
    p->first = p->n++ == 0 ? at : p->first;
    p->last = at;
}

static void by_records(struct pieces *out, const struct record *r, const struct profile_parts *o)
{
    uint64_t covered = 0;
    for (uint64_t from = 0; from < RECORDS && covered < RECORDS; from += o->slide) {
        size_t begin = out->n;
        covered = from + o->window;
        for (uint64_t i = from; i < from + o->window && i < RECORDS; i++)
            count(piece_at(out, begin, (int64_t)from, o->by ? r[i].key : -1), i + 1);
    }
}

static void by_time(struct pieces *out, const struct record *r, const struct profile_parts *o)
{
    static int64_t pane[RECORDS], seen[RECORDS]; /* the watermark when it came */
    static bool late[RECORDS];
    int64_t latest = INT64_MIN, w = o->window_us / o->slide_us, lo = INT64_MAX, hi = INT64_MIN;
    for (int i = 0; i < RECORDS; i++) {
        latest = r[i].t > latest ? r[i].t : latest;
        int64_t first = latest;
        for (int k = i; first == INT64_MIN; k++)
            first = r[k].t;
        seen[i] = latest == INT64_MIN ? INT64_MIN : latest - o->lateness_us;
        pane[i] = div_down(r[i].t == ROUTE_NO_TIME ? first : r[i].t, o->slide_us);
        late[i] = r[i].t != ROUTE_NO_TIME && (pane[i] + w) * o->slide_us <= seen[i];
        if (late[i])
            pane[i] = div_down(latest, o->slide_us);
        lo = pane[i] < lo ? pane[i] : lo;
        hi = pane[i] > hi ? pane[i] : hi;
    }
    for (int64_t k = lo - w + 1; k <= hi; k++) {
        size_t begin = out->n;
        for (int i = 0; i < RECORDS; i++) {
            if (pane[i] < k || pane[i] >= k + w || (k + w) * o->slide_us <= seen[i])
                continue;
            struct piece *p = piece_at(out, begin, k * o->slide_us, o->by ? r[i].key : -1);
            count(p, (uint64_t)i + 1);
            p->late += late[i];
            p->no_time += r[i].t == ROUTE_NO_TIME;
        }
    }
}

/* -- as it is -- */

struct taken {
    struct pieces *pieces;
    bool by_time;
};

static uint64_t issues(const struct rec_profile *p, const char *rule)
{
    for (uint32_t i = 0; i < p->nissues; i++)
        if (strcmp(p->issues[i].rule, rule) == 0)
            return (uint64_t)p->issues[i].count;
    return 0;
}

static bool take(void *ctx, const struct profile *p, struct arena *a, struct profile_result *r,
                 struct err *err)
{
    const struct taken *t = ctx;
    const struct rec_profile *rec = &r->record;
    (void)p;
    (void)a;
    (void)err;
    ck_assert_uint_lt(t->pieces->n, PIECES);
    struct piece *piece = &t->pieces->items[t->pieces->n++];
    *piece = (struct piece){.key = -1,
                            .n = (uint64_t)rec->records,
                            .first = (uint64_t)rec->first_record,
                            .last = (uint64_t)rec->last_record,
                            .late = issues(rec, "late"),
                            .no_time = issues(rec, "no_time")};
    if (rec->partition != NULL)
        piece->key = rec->partition[1] == '=' ? rec->partition[2] - '0' : KEYS;
    if (t->by_time)
        ck_assert(instant_parse(slice_str(rec->from), &piece->from));
    ck_assert_double_eq(rec->columns[0].records, rec->records);
    return true;
}

static void write_csv(const char *path, const struct record *r)
{
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fprintf(f, "n,k,t\n");
    for (int i = 0; i < RECORDS; i++) {
        char text[INSTANT_TEXT] = "", key[2] = {(char)('0' + r[i].key), '\0'};
        if (r[i].t != ROUTE_NO_TIME)
            instant_format(text, r[i].t);
        fprintf(f, "%d,%s,%s\n", i, r[i].key < KEYS ? key : "", text);
    }
    ck_assert_int_eq(fclose(f), 0);
}

static void same_pieces(const struct pieces *want, const struct pieces *got, bool by_time,
                        uint64_t seed)
{
    ck_assert_msg(want->n == got->n, "seed %llu: %zu pieces, not %zu", (unsigned long long)seed,
                  got->n, want->n);
    for (size_t i = 0; i < want->n; i++) {
        const struct piece *w = &want->items[i], *g = &got->items[i];
        ck_assert_msg(
            w->key == g->key && w->n == g->n && w->first == g->first && w->last == g->last &&
                w->late == g->late && w->no_time == g->no_time && (!by_time || w->from == g->from),
            "seed %llu, piece %zu: key %d, %llu records %llu to %llu, %llu late, not key "
            "%d, %llu records %llu to %llu, %llu late",
            (unsigned long long)seed, i, g->key, (unsigned long long)g->n,
            (unsigned long long)g->first, (unsigned long long)g->last, (unsigned long long)g->late,
            w->key, (unsigned long long)w->n, (unsigned long long)w->first,
            (unsigned long long)w->last, (unsigned long long)w->late);
    }
}

static void try_seed(uint64_t seed)
{
    static struct record r[RECORDS];
    static struct pieces want, got;
    static const size_t blocks[] = {64, 300, 0};
    struct rng rng;
    struct err err = ERR_INIT;
    char path[] = "/tmp/foreline-parts.XXXXXX";
    rng_seed(&rng, seed);
    close(mkstemp(path));
    int64_t t = BASE_US, step = 1 + (int64_t)rng_below(&rng, 20);
    uint64_t jitter = 1 + rng_below(&rng, 40), nulls = rng_below(&rng, 2) ? 7 : 1000000;
    for (int i = 0; i < RECORDS; i++) {
        t += (int64_t)rng_below(&rng, (uint64_t)step) * US_PER_S;
        t += rng_below(&rng, 100) == 0 ? 500 * US_PER_S : 0;
        r[i].t = t - (int64_t)rng_below(&rng, jitter) * US_PER_S;
        if (rng_below(&rng, nulls) == 0 && i + 1 < RECORDS)
            r[i].t = ROUTE_NO_TIME;
        r[i].key = (int)rng_below(&rng, KEYS + 1);
    }
    write_csv(path, r);
    struct profile_parts parts = {.by = rng_below(&rng, 2) ? "k" : NULL, .max_partitions = KEYS};
    bool timed = rng_below(&rng, 3) > 0;
    uint64_t slide = 1 + rng_below(&rng, 60), panes = 1 + rng_below(&rng, 12) * rng_below(&rng, 2);
    if (timed) {
        parts.time = "t";
        parts.slide_us = (int64_t)slide * US_PER_S;
        parts.window_us = (int64_t)panes * parts.slide_us;
        parts.lateness_us = (int64_t)rng_below(&rng, 30) * US_PER_S;
    } else {
        parts.slide = slide;
        parts.window = slide * panes;
    }
    want.n = 0;
    (timed ? by_time : by_records)(&want, r, &parts);
    for (size_t i = 0; i < ARRAY_LEN(blocks); i++) {
        struct taken taken = {&got, timed};
        struct reader_opts ro = {.format = FORMAT_CSV, .block_bytes = blocks[i]};
        const struct profile_input in = {
            .path = path, .opts = &ro, .parts = &parts, .emit = take, .emit_ctx = &taken};
        const struct profile_opts o = {.sample_rate = 1, .seed = 1996, .fast = true};
        got.n = 0;
        bool ok = profile_run(&in, &o, &err);
        ck_assert_msg(ok, "%s", err.text);
        same_pieces(&want, &got, timed, seed);
    }
    unlink(path);
}

START_TEST(parts_are_those_of_the_rules)
{
    for (int seed = 1; seed <= runs(40); seed++)
        try_seed((uint64_t)seed);
}
END_TEST

/* -- a stream that pauses -- */

struct heard {
    uint64_t n, records;
    int64_t from;
};

static bool hear(void *ctx, struct profile *p, const struct route_piece *piece, struct err *err)
{
    struct heard *h = ctx;
    (void)err;
    h->n++;
    h->records = p->delivered;
    h->from = piece->from;
    return true;
}

/* A batch of one record with this time. */
static void say(struct route *r, const char *time)
{
    static uint64_t line = 1;
    struct reader_stats stats = {0};
    struct err err = ERR_INIT;
    struct batch *b = batch_new(1, NULL);
    column_alloc(b, 0, TYPE_STRING, true);
    b->rows = 1;
    b->line = &line;
    b->cols[0].text[0] = (struct text){time, (uint32_t)strlen(time), 0};
    column_set_valid(&b->cols[0], 0);
    ck_assert(route_add(r, b, &stats, &err));
    batch_unref(b);
}

static int64_t at(const char *time)
{
    int64_t us;
    ck_assert(instant_parse(slice_str(time), &us));
    return us;
}

static void open_route(struct route *r, struct heard *h, const char *time)
{
    static char name[] = "t";
    static struct field field = {name, TYPE_STRING, true};
    static const struct profile_opts o = {.sample_rate = 1, .seed = 1, .fast = true};
    const struct schema s = {&field, 1};
    const struct profile_parts parts = {
        .window_us = 60 * US_PER_S, .slide_us = 60 * US_PER_S, .time = time};
    struct err err = ERR_INIT;
    *h = (struct heard){0};
    ck_assert(route_init(r, &s, false, &o, &parts, hear, h, &err));
}

START_TEST(a_window_that_is_over_by_the_clock_goes_out_without_a_further_record)
{
    struct route r;
    struct heard h;
    struct err err = ERR_INIT;
    const struct reader_stats stats = {0};
    open_route(&r, &h, "t");
    say(&r, "2026-03-01T10:00:10Z");
    ck_assert(route_idle(&r, at("2026-03-01T10:00:59Z"), &err));
    ck_assert_uint_eq(h.n, 0);
    ck_assert(route_idle(&r, at("2026-03-01T10:01:00Z"), &err));
    ck_assert_uint_eq(h.n, 1);
    ck_assert_int_eq(h.from, at("2026-03-01T10:00:00Z"));
    /* What comes for it now is late, and goes with the next. */
    say(&r, "2026-03-01T10:00:50Z");
    say(&r, "2026-03-01T10:01:10Z");
    ck_assert(route_end(&r, &stats, &err));
    ck_assert_uint_eq(h.n, 2);
    ck_assert_uint_eq(h.records, 2);
    ck_assert_int_eq(h.from, at("2026-03-01T10:01:00Z"));
    route_release(&r);
}
END_TEST

START_TEST(old_records_that_are_read_late_are_in_windows_of_their_own)
{
    struct route r;
    struct heard h;
    struct err err = ERR_INIT;
    const struct reader_stats stats = {0};
    open_route(&r, &h, "t");
    say(&r, "2020-03-01T10:00:10Z");
    ck_assert(route_idle(&r, at("2026-03-01T10:00:59Z"), &err));
    ck_assert_uint_eq(h.n, 1);
    say(&r, "2020-03-01T10:05:10Z");
    say(&r, "2020-03-01T10:06:10Z");
    ck_assert_uint_eq(h.n, 2);
    ck_assert_int_eq(h.from, at("2020-03-01T10:05:00Z"));
    ck_assert(route_end(&r, &stats, &err));
    ck_assert_uint_eq(h.n, 3);
    route_release(&r);
}
END_TEST

START_TEST(records_without_times_are_in_the_windows_they_arrive_in)
{
    struct route r;
    struct heard h;
    struct err err = ERR_INIT;
    const struct reader_stats stats = {0};
    open_route(&r, &h, NULL);
    instant_fix(at("2026-03-01T10:00:10Z"));
    say(&r, "x");
    instant_fix(at("2026-03-01T10:00:50Z"));
    say(&r, "y");
    ck_assert_uint_eq(h.n, 0);
    instant_fix(at("2026-03-01T10:07:00Z"));
    say(&r, "2026-03-01T10:00:50Z");
    ck_assert_uint_eq(h.n, 1);
    ck_assert_uint_eq(h.records, 2);
    ck_assert_int_eq(h.from, at("2026-03-01T10:00:00Z"));
    ck_assert(route_idle(&r, at("2026-03-01T10:08:00Z"), &err));
    ck_assert_uint_eq(h.n, 2);
    ck_assert_int_eq(h.from, at("2026-03-01T10:07:00Z"));
    ck_assert(route_end(&r, &stats, &err));
    ck_assert_uint_eq(h.n, 2);
    route_release(&r);
}
END_TEST

UNIT_MAIN("profile parts", parts_are_those_of_the_rules,
          a_window_that_is_over_by_the_clock_goes_out_without_a_further_record,
          old_records_that_are_read_late_are_in_windows_of_their_own,
          records_without_times_are_in_the_windows_they_arrive_in)
