/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Batches that wait come out in the order they went in, wherever they waited. */
#include "engine/queue.h"
#include "tests/unit/suite.h"

#define ROWS 100u

static struct mem_account account;
static struct err err;

/* Numbers from `from` on, as they would come from lines of file 3. */
static struct batch *numbers(int64_t from, bool lines)
{
    struct batch *b = batch_new(2, &account);
    b->rows = ROWS;
    b->source = 3;
    column_alloc(b, 0, TYPE_INTEGER, false);
    column_alloc(b, 1, TYPE_STRING, true);
    if (lines)
        b->line = arena_alloc(&b->mem, ROWS * sizeof(*b->line));
    for (uint32_t i = 0; i < ROWS; i++) {
        b->cols[0].v.i64[i] = from + i;
        b->cols[1].text[i] = (struct text){"text", 4, TEXT_QUOTED};
        column_set_valid(&b->cols[0], i);
        if (i % 3)
            column_set_valid(&b->cols[1], i);
        if (lines)
            b->line[i] = (uint64_t)from + i + 2;
    }
    return b;
}

static void put(struct queue *q, int64_t from, size_t bound, bool lines)
{
    struct batch *b = numbers(from, lines);
    ck_assert_msg(queue_put(q, b, bound, &account, &err), "%s", err.text);
    batch_unref(b);
}

/* Takes batches until `want` rows have come, which are from `from` on. */
static void take(struct queue *q, int64_t from, uint32_t want, bool lines)
{
    for (uint32_t seen = 0; seen < want;) {
        struct batch *b = NULL;
        ck_assert(!queue_is_empty(q));
        ck_assert_msg(queue_take(q, &b, &err), "%s", err.text);
        ck_assert_uint_eq(b->source, 3);
        ck_assert(lines == (b->line != NULL));
        for (uint32_t i = 0; i < b->rows; i++, seen++) {
            int64_t n = from + seen;
            bool has_text = column_valid(&b->cols[1], i);
            ck_assert_msg(b->cols[0].v.i64[i] == n && has_text == (n % (int64_t)ROWS % 3 != 0) &&
                              (!lines || b->line[i] == (uint64_t)n + 2),
                          "row %lld", (long long)n);
            ck_assert(!has_text ||
                      (b->cols[1].text[i].len == 4 && b->cols[1].text[i].flags == TEXT_QUOTED));
        }
        batch_unref(b);
    }
}

START_TEST(what_fits_stays_in_memory)
{
    struct queue q = {0};
    for (int i = 0; i < 5; i++)
        put(&q, i * (int64_t)ROWS, SIZE_MAX, true);
    ck_assert_uint_eq(queue_spilled(&q), 0);
    take(&q, 0, 5 * ROWS, true);
    ck_assert(queue_is_empty(&q));
    queue_release(&q);
}
END_TEST

START_TEST(what_does_not_fit_waits_on_disk_with_its_lines)
{
    for (int lines = 0; lines < 2; lines++) {
        struct queue q = {0};
        size_t bound = 300000; /* two batches or so */
        for (int i = 0; i < 3000; i++)
            put(&q, i * (int64_t)ROWS, bound, lines);
        ck_assert_uint_gt(queue_spilled(&q), 100000);
        ck_assert_uint_lt(account.now, 2 * bound);
        take(&q, 0, 3000 * ROWS, lines);
        ck_assert(queue_is_empty(&q));
        queue_release(&q);
        ck_assert_uint_eq(account.now, 0);
    }
}
END_TEST

START_TEST(more_may_come_while_the_disk_is_read)
{
    struct queue q = {0};
    int64_t in = 0, out = 0;
    for (int i = 0; i < 100; i++, in += ROWS)
        put(&q, in, 0, true);
    for (int i = 0; i < 100; i++) {
        struct batch *b = NULL;
        ck_assert(queue_take(&q, &b, &err));
        ck_assert_int_eq(b->cols[0].v.i64[0], out);
        out += b->rows;
        batch_unref(b);
        if (queue_is_empty(&q))
            break;
        put(&q, in, i % 2 ? SIZE_MAX : 0, true);
        in += ROWS;
    }
    take(&q, out, (uint32_t)(in - out), true);
    ck_assert(queue_is_empty(&q));
    queue_release(&q);
    ck_assert_uint_eq(account.now, 0);
}
END_TEST

START_TEST(what_is_left_is_freed)
{
    struct queue q = {0};
    for (int i = 0; i < 10; i++)
        put(&q, i * (int64_t)ROWS, i < 5 ? SIZE_MAX : 0, true);
    queue_release(&q);
    ck_assert_uint_eq(account.now, 0);
}
END_TEST

UNIT_MAIN("queues", what_fits_stays_in_memory, what_does_not_fit_waits_on_disk_with_its_lines,
          more_may_come_while_the_disk_is_read, what_is_left_is_freed)
