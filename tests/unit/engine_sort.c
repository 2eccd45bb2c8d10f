/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sorting gives the order of the keys, then that of the input, whatever memory there is and however
 * the rows were split; and of the first rows only as many as are wanted. */
#include <stdlib.h>

#include "engine/keys.h"
#include "engine/sort_merge.h"
#include "tests/unit/engine_case.h"
#include "tests/unit/engine_rows.h"

/* -- against qsort -- */

#define BATCHES 12
static struct batch *batches[BATCHES];
static struct sort_key by[3];
static uint32_t nby;

static const struct column *value_at(uint64_t seq, uint32_t c)
{
    return &batches[seq >> 32]->cols[c];
}

static int by_keys_then_place(const void *x, const void *y)
{
    uint64_t a, b;
    memcpy(&a, x, sizeof(a));
    memcpy(&b, y, sizeof(b));
    for (uint32_t i = 0; i < nby; i++) {
        uint32_t c = by[i].index;
        int order = value_order(value_at(a, c), (uint32_t)a, value_at(b, c), (uint32_t)b);
        if (order)
            return by[i].descending ? -order : order;
    }
    return a < b ? -1 : a > b;
}

struct result {
    uint64_t *seq;
    size_t n, cap;
};

/* `together`: what is in memory becomes one before, and is sorted by three threads. */
static void merge_all(struct rowsort *parts, uint32_t nparts, const struct sort_keys *keys,
                      uint64_t limit, bool together, struct result *out)
{
    struct err err = ERR_INIT;
    struct sort_merge m;
    sort_merge_init(&m, keys);
    if (together) {
        rowsort_join(parts, nparts);
        ck_assert_double_ge(rowsort_sort_with(&parts[0], 3), 0);
    }
    for (uint32_t i = 0; i < nparts; i++) {
        rowsort_sort(&parts[i]);
        ck_assert_msg(sort_merge_reduce(&parts[i], 2 + i, &err), "%s", err.text);
        for (size_t k = 0; k < parts[i].nruns; k++)
            sort_merge_run(&m, parts[i].runs[k]);
        sort_merge_items(&m, parts[i].items, parts[i].n);
    }
    ck_assert_msg(sort_merge_start(&m, &err), "%s", err.text);
    for (const char *r; out->n < limit && (r = sort_merge_top(&m));) {
        if (out->n < out->cap)
            out->seq[out->n++] = record_seq(r);
        if (!sort_merge_next(&m, &err))
            ck_abort_msg("%s", err.text);
    }
    sort_merge_release(&m);
}

/* Batches go to `nparts` sorters in turn, which spill at random. */
static void sort_random(uint64_t seed, uint32_t nparts, uint64_t limit, bool together)
{
    struct rng rng;
    struct arena mem;
    struct err err = ERR_INIT;
    struct mem_account account = {0};
    rng_seed(&rng, seed);
    arena_init(&mem, NULL);
    struct field fields[NTYPES];
    for (int c = 0; c < NTYPES; c++)
        fields[c] = (struct field){(char[]){"x"}, all_types[c], true};
    struct schema schema = {fields, NTYPES};
    nby = 1 + (uint32_t)rng_below(&rng, 3);
    for (uint32_t i = 0; i < nby; i++)
        by[i] = (struct sort_key){.index = (uint32_t)rng_below(&rng, NTYPES),
                                  .descending = rng_below(&rng, 2)};
    struct sort_keys keys;
    sort_keys_init(&keys, &mem, &schema, NULL, by, nby, true);
    struct spill *spill = spill_new(&account);
    struct rowsort parts[3];
    for (uint32_t i = 0; i < nparts; i++)
        rowsort_init(&parts[i], &keys, &account, spill, limit);
    struct result got = {NULL, 0, BATCHES * BATCH_ROWS}, want = got;
    got.seq = xcalloc(got.cap, sizeof(uint64_t));
    want.seq = xcalloc(got.cap, sizeof(uint64_t));
    for (uint64_t k = 0; k < BATCHES; k++) {
        uint32_t rows = rng_below(&rng, 3) ? BATCH_ROWS : (uint32_t)rng_below(&rng, 50);
        batches[k] = random_batch(all_types, NTYPES, rows, &rng);
        struct rowsort *part = &parts[rng_below(&rng, nparts)];
        ck_assert_msg(rowsort_add(part, batches[k], k << 32, &err), "%s", err.text);
        if (seed % 2 && rng_below(&rng, 2))
            ck_assert_msg(rowsort_spill(part, &err), "%s", err.text);
        for (uint32_t i = 0; i < rows; i++)
            want.seq[want.n++] = k << 32 | i;
    }
    qsort(want.seq, want.n, sizeof(*want.seq), by_keys_then_place);
    want.n = want.n < limit ? want.n : (size_t)limit;
    merge_all(parts, nparts, &keys, limit, together, &got);
    ck_assert_uint_eq(got.n, want.n);
    for (size_t i = 0; i < got.n; i++)
        if (got.seq[i] != want.seq[i])
            ck_abort_msg("seed %d: row %zu", (int)seed, i);
    for (uint32_t i = 0; i < nparts; i++)
        rowsort_release(&parts[i]);
    spill_free(spill);
    ck_assert_uint_eq(account.now, 0);
    for (int k = 0; k < BATCHES; k++)
        batch_unref(batches[k]);
    free(got.seq);
    free(want.seq);
    arena_release(&mem);
}

static int seeds(void)
{
    return getenv("FORELINE_LONG") ? 1000 : 20;
}

START_TEST(rows_come_in_the_order_of_keys_then_of_input)
{
    for (int seed = 0; seed < seeds(); seed++)
        sort_random((uint64_t)seed, 1, UINT64_MAX, false);
}
END_TEST

START_TEST(rows_of_several_sorters_come_in_the_order_of_keys_then_of_input)
{
    for (int seed = 0; seed < seeds(); seed++)
        sort_random((uint64_t)seed, 3, UINT64_MAX, false);
}
END_TEST

START_TEST(threads_that_sort_together_give_the_same)
{
    for (int seed = 0; seed < seeds(); seed++)
        sort_random((uint64_t)seed, 1 + (uint32_t)seed % 3, UINT64_MAX, true);
}
END_TEST

START_TEST(a_limit_gives_the_same_first_rows)
{
    static const uint64_t limits[] = {0, 1, 100, 3000, 100000};
    for (int seed = 0; seed < seeds(); seed++)
        sort_random((uint64_t)seed, 1 + (uint32_t)seed % 3, limits[seed % 5], false);
}
END_TEST

START_TEST(texts_with_one_long_beginning_are_told_apart_at_their_ends)
{
    struct err err = ERR_INIT;
    struct arena mem;
    arena_init(&mem, NULL);
    struct field field = {(char[]){"x"}, TYPE_STRING, true};
    struct schema schema = {&field, 1};
    struct sort_key key = {.index = 0, .descending = false};
    struct sort_keys keys;
    sort_keys_init(&keys, &mem, &schema, NULL, &key, 1, true);
    struct rowsort s;
    rowsort_init(&s, &keys, NULL, NULL, UINT64_MAX);
    struct batch *b = batch_new(1, NULL);
    b->rows = 1000;
    column_alloc(b, 0, TYPE_STRING, true);
    char text[5000];
    for (uint32_t i = 0; i < b->rows; i++) {
        memset(text, 'x', sizeof(text));
        size_t len = sizeof(text) - 10 + (i * 7919 % 1000) % 10; /* NULs at the end */
        memset(text + sizeof(text) - 10, 0, 10);
        text[4000] = (char)('a' + i % 3);
        put_text(b, 0, i, text, len, 0);
    }
    ck_assert(rowsort_add(&s, b, 0, &err));
    rowsort_sort(&s);
    for (size_t i = 1; i < s.n; i++) {
        const char *x = s.items[i - 1].record, *y = s.items[i].record;
        int order = slice_cmp(text_slice(record_text(&keys.layout, x, 0)),
                              text_slice(record_text(&keys.layout, y, 0)));
        ck_assert(order < 0 || (order == 0 && record_seq(x) < record_seq(y)));
    }
    batch_unref(b);
    rowsort_release(&s);
    arena_release(&mem);
}
END_TEST

/* -- through the engine -- */

static char *many_rows(void)
{
    struct rng rng;
    struct buf csv = BUF_INIT(BUF_UNBOUNDED);
    rng_seed(&rng, 3);
    buf_adds(&csv, "k,name,amount,note,flag\n");
    for (int i = 0; i < 30000; i++) {
        uint64_t x = rng_u64(&rng);
        if (x % 13)
            buf_addf(&csv, "%d", (int)(x % 500) - 250);
        buf_addf(&csv, ",%s%d,", x & 1024 ? "common beginning " : "", (int)(x >> 20) % 1000);
        if (x % 11)
            buf_addf(&csv, "%d.%02d", (int)(x >> 30) % 1000, (int)(x >> 40) % 100);
        buf_addf(&csv, ",\"q\"\"%d,\",%s\n", i, x & 2048 ? "TRUE" : "false");
    }
    return buf_detach(&csv);
}

/* Runs the stages over many_rows with so much memory for the sort; the output, in the case. */
static const char *sorted(struct engine_case *c, const char *csv, const char *stages,
                          double limit_bytes, uint32_t lanes)
{
    struct rec_plan_stage limits[] = {{.id = "s", .memory_gb = limit_bytes / 1073741824.0}};
    struct rec_plan plan = {.stages = limits, .nstages = 1};
    case_begin(c);
    case_file(c, "in.csv", csv);
    c->opts.lanes = lanes;
    c->opts.piece_rows = 300;
    if (limit_bytes > 0)
        c->opts.plan = &plan;
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    buf_addf(&text, "{\"id\":\"a\",\"op\":\"read\",\"path\":\"in.csv\"},%s,", stages);
    buf_adds(&text, "{\"id\":\"out\",\"op\":\"write\",\"path\":\"out.csv\"}");
    ck_assert_msg(case_run(c, buf_str(&text)), "%s", c->err.text);
    buf_release(&text);
    return case_text(c, "out.csv");
}

START_TEST(no_limit_of_memory_and_no_number_of_threads_changes_a_byte)
{
    static const char *const stages[] = {
        "{\"id\":\"s\",\"op\":\"sort\",\"by\":[\"k\"]}",
        "{\"id\":\"s\",\"op\":\"sort\",\"by\":[\"-name\",\"amount\"]}",
        "{\"id\":\"s\",\"op\":\"sort\",\"by\":[\"flag\",\"-k\"]},"
        "{\"id\":\"l\",\"op\":\"limit\",\"count\":12345}",
        "{\"id\":\"s\",\"op\":\"sort\",\"by\":[\"-amount\"]},"
        "{\"id\":\"c\",\"op\":\"select\",\"columns\":[\"note\"]}",
    };
    static const double bytes[] = {3e6, 1e6, 100e3, 1};
    char *csv = many_rows();
    for (size_t i = 0; i < ARRAY_LEN(stages); i++) {
        struct engine_case whole;
        const char *want = sorted(&whole, csv, stages[i], 0, 1);
        ck_assert_double_eq(whole.result.stages[1].spilled_bytes, 0);
        for (size_t k = 0; k < ARRAY_LEN(bytes); k++) {
            struct engine_case c;
            uint32_t lanes = 1 + (uint32_t)(i + k) % 3;
            const char *got = sorted(&c, csv, stages[i], bytes[k], lanes);
            ck_assert_msg(strcmp(got, want) == 0, "stages %zu, %g bytes, %u lanes", i, bytes[k],
                          lanes);
            const struct engine_stage *s = &c.result.stages[1];
            if (bytes[k] < 2e6)
                ck_assert_double_gt(s->spilled_bytes, 500e3);
            if (bytes[k] >= 1e6)
                ck_assert_double_le(s->used.peak_memory_bytes.p50, bytes[k] * (1 + 0.25 * lanes));
            case_end(&c);
        }
        case_end(&whole);
    }
    free(csv);
}
END_TEST

START_TEST(a_limit_behind_a_sort_holds_few_rows_and_gives_the_first)
{
    char *csv = many_rows();
    struct engine_case whole, top;
    const char *all =
        sorted(&whole, csv, "{\"id\":\"s\",\"op\":\"sort\",\"by\":[\"k\",\"-name\"]}", 0, 1);
    const char *some = sorted(&top, csv,
                              "{\"id\":\"s\",\"op\":\"sort\",\"by\":[\"k\",\"-name\"]},"
                              "{\"id\":\"l\",\"op\":\"limit\",\"count\":100}",
                              0, 1);
    ck_assert(strncmp(all, some, strlen(some)) == 0);
    size_t lines = 0;
    for (const char *p = some; *p; p++)
        lines += *p == '\n';
    ck_assert_uint_eq(lines, 101);
    ck_assert_str_eq(top.result.stages[1].algorithm, "top_n");
    ck_assert_double_lt(top.result.stages[1].used.peak_memory_bytes.p50,
                        whole.result.stages[1].used.peak_memory_bytes.p50 / 4);
    case_end(&whole);
    case_end(&top);
    free(csv);
}
END_TEST

UNIT_MAIN("engine_sort", rows_come_in_the_order_of_keys_then_of_input,
          rows_of_several_sorters_come_in_the_order_of_keys_then_of_input,
          threads_that_sort_together_give_the_same, a_limit_gives_the_same_first_rows,
          texts_with_one_long_beginning_are_told_apart_at_their_ends,
          no_limit_of_memory_and_no_number_of_threads_changes_a_byte,
          a_limit_behind_a_sort_holds_few_rows_and_gives_the_first)
