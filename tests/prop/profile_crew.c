/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Laws of the threads of the profile: the bytes of the record do not depend on their number, for
 * one profile, for several that share them, and for one that is merged of those. */
#include <dirent.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/rng.h"
#include "profile/crew.h"
#include "profile/profile.h"
#include "tests/unit/suite.h"

enum { PARTS = 5 };

static void add_value(struct buf *b, struct rng *r, uint32_t column)
{
    uint64_t kind = rng_below(r, 12) == 0 ? rng_below(r, 8) : column % 8;
    switch (kind) {
    case 0:
        buf_addf(b, "%llu", (unsigned long long)rng_below(r, 100000));
        break;
    case 1:
        buf_addf(b, "%.3f", rng_unit(r) * 1000);
        break;
    case 2:
        buf_addf(b, "w%llu", (unsigned long long)(rng_below(r, 300) * rng_below(r, 300)));
        break;
    case 3:
        buf_addf(b, "2026-%02llu-17", (unsigned long long)(1 + rng_below(r, 12)));
        break;
    case 4:
        buf_addf(b, "\"a, %llu\"", (unsigned long long)rng_below(r, 40));
        break;
    case 5:
        buf_addf(b, "%05llu", (unsigned long long)rng_below(r, 500));
        break;
    case 6:
        buf_adds(b, rng_below(r, 3) ? "true" : "false");
        break;
    default:
        break;
    }
}

/* CSV with a few records that are too short. */
static void make(struct buf *b, uint64_t seed, uint32_t columns, uint32_t rows)
{
    struct rng r;
    rng_seed(&r, seed);
    buf_clear(b);
    for (uint32_t c = 0; c < columns; c++)
        buf_addf(b, "%sc%u", c ? "," : "", c);
    for (uint32_t i = 0; i < rows; i++) {
        uint32_t n = rng_below(&r, 999) == 0 && columns > 1 ? columns - 1 : columns;
        buf_addc(b, '\n');
        for (uint32_t c = 0; c < n; c++) {
            if (c > 0)
                buf_addc(b, ',');
            add_value(b, &r, c);
        }
    }
    buf_addc(b, '\n');
}

static struct reader *open_text(const struct buf *text, int *fd)
{
    char path[] = "/tmp/foreline-crew.XXXXXX";
    struct err err = ERR_INIT;
    const struct reader_opts o = {.format = FORMAT_CSV, .raw = true};
    *fd = mkstemp(path);
    ck_assert_int_ge(*fd, 0);
    unlink(path);
    ck_assert_int_eq(write(*fd, text->p, text->len), (ssize_t)text->len);
    lseek(*fd, 0, SEEK_SET);
    struct reader *r = reader_open_fd(*fd, "text", &o, NULL, NULL, &err);
    ck_assert_msg(r != NULL, "%s", err.text);
    return r;
}

static void add_record(struct buf *out, struct profile *p)
{
    struct arena a = ARENA_INIT;
    struct rec_profile record;
    profile_finish(p, &a, 0, &record);
    rec_profile_write(out, &record);
    arena_release(&a);
}

/* Row r goes to part r % PARTS. */
static void route(struct profile **parts, struct batch *b)
{
    for (uint32_t k = 0; k < PARTS; k++) {
        uint64_t keep[BATCH_WORDS] = {0};
        for (uint32_t i = k; i < b->rows; i += PARTS)
            keep[i >> 6] |= UINT64_C(1) << (i & 63);
        if (b->rows > k) {
            struct batch *own = batch_filter(b, keep, NULL, 0, NULL);
            profile_add(parts[k], own);
            batch_unref(own);
        }
    }
}

/* Records of the whole, of each part, and of the parts merged. threads 0: no crew. */
static void records(struct buf *out, const struct buf *text, double rate, int threads)
{
    int fd;
    struct err err = ERR_INIT;
    struct crew *crew = threads > 0 ? crew_new(threads) : NULL;
    const struct profile_opts o = {.sample_rate = rate, .seed = 7, .crew = crew};
    struct reader *r = open_text(text, &fd);
    struct profile *whole = profile_new(reader_schema(r), false, &o), *parts[PARTS];
    struct batch *b = NULL;
    for (int k = 0; k < PARTS; k++)
        parts[k] = profile_new(reader_schema(r), false, &o);
    while (reader_next(r, &b, &err) && b != NULL) {
        profile_add(whole, b);
        route(parts, b);
        batch_unref(b);
    }
    ck_assert_msg(err.kind == ERR_NONE, "%s", err.text);
    buf_clear(out);
    add_record(out, whole);
    for (int k = 0; k < PARTS; k++) {
        if (k > 0) /* those behind the first have not been waited for */
            ck_assert(profile_merge(parts[0], parts[k], &err));
        add_record(out, parts[k]);
    }
    add_record(out, parts[0]);
    for (int k = 0; k < PARTS; k++)
        profile_free(parts[k]);
    profile_free(whole);
    crew_free(crew);
    reader_close(r);
    close(fd);
}

static unsigned threads_now(void)
{
    unsigned n = 0;
    DIR *d = opendir("/proc/self/task");
    ck_assert(d != NULL);
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d))
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

START_TEST(the_record_does_not_depend_on_the_number_of_threads)
{
    static const struct {
        uint32_t columns, rows;
        double rate;
    } inputs[] = {{1, 70000, 1},   {3, 40000, 1}, {15, 9000, 1},
                  {15, 9000, 0.1}, {90, 1500, 1}, {900, 300, 1}};
    static const int threads[] = {1, 2, 3, 8};
    struct buf text = BUF_INIT(BUF_UNBOUNDED), want = BUF_INIT(BUF_UNBOUNDED),
               got = BUF_INIT(BUF_UNBOUNDED);
    for (uint64_t i = 0; i < ARRAY_LEN(inputs); i++) {
        make(&text, 1 + i, inputs[i].columns, inputs[i].rows);
        records(&want, &text, inputs[i].rate, 0);
        for (size_t k = 0; k < ARRAY_LEN(threads); k++) {
            records(&got, &text, inputs[i].rate, threads[k]);
            ck_assert_msg(got.len == want.len && memcmp(got.p, want.p, got.len) == 0,
                          "input %u, %d threads", (unsigned)i, threads[k]);
        }
    }
    buf_release(&text);
    buf_release(&want);
    buf_release(&got);
}
END_TEST

START_TEST(a_small_input_starts_no_thread_and_a_large_one_does)
{
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    unsigned before = threads_now();
    for (uint32_t rows = 10; rows <= 100000; rows *= 10000) {
        struct crew *crew = crew_new(3);
        const struct profile_opts o = {.sample_rate = 1, .crew = crew};
        struct err err = ERR_INIT;
        struct batch *b = NULL;
        int fd;
        make(&text, 3, 4, rows);
        struct reader *r = open_text(&text, &fd);
        struct profile *p = profile_new(reader_schema(r), false, &o);
        while (reader_next(r, &b, &err) && b != NULL) {
            profile_add(p, b);
            batch_unref(b);
        }
        ck_assert_uint_eq(threads_now(), before + (rows == 10 ? 0 : 2));
        profile_free(p); /* with batches under way */
        crew_free(crew);
        reader_close(r);
        close(fd);
    }
    buf_release(&text);
}
END_TEST

UNIT_MAIN("profile threads", the_record_does_not_depend_on_the_number_of_threads,
          a_small_input_starts_no_thread_and_a_large_one_does)
