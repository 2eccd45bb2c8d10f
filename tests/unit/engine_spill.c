/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows that go to a scratch file come back as they were, run by run, and leave nothing behind. */
#define _GNU_SOURCE
#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "engine/spill.h"
#include "tests/unit/engine_rows.h"

static struct mem_account account;
static struct err err;

/* An assertion tells Check where it is, through a pipe: too dear for each value. */
static void must(bool holds, const char *what)
{
    if (!holds)
        ck_abort_msg("%s differs", what);
}

static void same_value(const struct column *a, uint32_t ra, const struct column *b, uint32_t rb)
{
    must(a->type == b->type, "type");
    must(column_valid(a, ra) == column_valid(b, rb), "validity");
    if (!column_valid(a, ra))
        return;
    struct buf x = BUF_INIT(BUF_UNBOUNDED), y = BUF_INIT(BUF_UNBOUNDED);
    struct slice s = column_text(a, ra, &x), t = column_text(b, rb, &y);
    must(s.len == t.len && (s.len == 0 || memcmp(s.p, t.p, s.len) == 0), "text");
    buf_release(&x);
    buf_release(&y);
    if (a->type == TYPE_BOOLEAN)
        must(a->v.b8[ra] == b->v.b8[rb], "value");
    else if (type_is_number(a->type))
        must(memcmp(&a->v.i64[ra], &b->v.i64[rb], 8) == 0, "value");
    else
        must(a->text[ra].flags == b->text[rb].flags, "flags");
}

static void good(bool ok)
{
    ck_assert_msg(ok, "%s", err.text);
}

static struct batch *next(struct spill_run *r, uint64_t *seq)
{
    struct batch *b = NULL;
    good(spill_next(r, &b, seq, &err));
    return b;
}

static const char *tmpdir(void)
{
    const char *dir = getenv("TMPDIR");
    return dir ? dir : "/tmp";
}

static uint32_t files_in(const char *path)
{
    DIR *d = opendir(path);
    ck_assert_ptr_nonnull(d);
    uint32_t n = 0;
    for (struct dirent *e; (e = readdir(d));)
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

/* A bit per descriptor of a deleted file. */
static uint64_t deleted_files(void)
{
    uint64_t found = 0;
    for (int fd = 0; fd < 64; fd++) {
        char link[64], path[512];
        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        ssize_t n = readlink(link, path, sizeof(path) - 1);
        path[n > 0 ? n : 0] = '\0';
        if (strstr(path, " (deleted)"))
            found |= UINT64_C(1) << fd;
    }
    return found;
}

/* -- cases -- */

#define BATCHES 40
START_TEST(rows_of_all_types_come_back_as_they_were_twice)
{
    struct rng rng;
    rng_seed(&rng, 7);
    struct spill *s = spill_new(&account);
    struct spill_run *r = spill_run_new(s, all_types, NTYPES);
    struct batch *in[BATCHES];
    uint64_t n = 0;
    for (uint32_t k = 0; k < BATCHES; k++) {
        in[k] = random_batch(all_types, NTYPES, (uint32_t)(rng_u64(&rng) % BATCH_ROWS), &rng);
        uint64_t seq[BATCH_ROWS];
        for (uint32_t i = 0; i < in[k]->rows; i++)
            seq[i] = (uint64_t)k << 32 | i;
        good(spill_add(r, in[k], NULL, NULL, in[k]->rows, seq, &err));
        n += in[k]->rows;
    }
    ck_assert_uint_eq(spill_rows(r), n);
    for (int pass = 0; pass < 2; pass++) {
        good(spill_rewind(r, &err));
        uint32_t k = 0, row = 0;
        uint64_t got = 0, seq[BATCH_ROWS];
        for (struct batch *b = next(r, seq); b; batch_unref(b), b = next(r, seq)) {
            for (uint32_t i = 0; i < b->rows; i++, row++, got++) {
                for (; row == in[k]->rows; k++)
                    row = 0;
                must(seq[i] == ((uint64_t)k << 32 | row), "number");
                for (uint32_t c = 0; c < NTYPES; c++)
                    same_value(&in[k]->cols[c], row, &b->cols[c], i);
            }
        }
        ck_assert_uint_eq(got, n);
    }
    ck_assert_uint_eq(files_in(tmpdir()), 0);
    ck_assert_uint_ge(spill_bytes(s), n * 20);
    for (uint32_t k = 0; k < BATCHES; k++)
        batch_unref(in[k]);
    spill_free(s);
    ck_assert_uint_eq(account.now, 0);
}
END_TEST

#define RUNS 97
START_TEST(many_runs_side_by_side_keep_their_rows_and_pick_their_columns)
{
    struct rng rng;
    rng_seed(&rng, 11);
    static const enum type types[] = {TYPE_STRING, TYPE_INTEGER};
    static const uint32_t map[] = {6, 2}; /* of all_types */
    struct spill *s = spill_new(&account);
    struct spill_run *runs[RUNS];
    for (int i = 0; i < RUNS; i++)
        runs[i] = spill_run_new(s, types, 2);
    struct batch *in[10];
    for (uint64_t k = 0; k < 10; k++) {
        in[k] = random_batch(all_types, NTYPES, BATCH_ROWS, &rng);
        for (uint32_t i = 0; i < RUNS; i++) {
            uint32_t list[BATCH_ROWS], n = 0;
            uint64_t seq[BATCH_ROWS];
            for (uint32_t row = i; row < BATCH_ROWS; row += RUNS) {
                list[n] = row;
                seq[n++] = k << 32 | row;
            }
            good(spill_add(runs[i], in[k], map, list, n, seq, &err));
        }
    }
    for (uint32_t i = 0; i < RUNS; i++) {
        uint64_t seq[BATCH_ROWS], want = i;
        good(spill_rewind(runs[i], &err));
        for (struct batch *b = next(runs[i], seq); b; batch_unref(b), b = next(runs[i], seq)) {
            for (uint32_t row = 0; row < b->rows; row++) {
                must(seq[row] == want, "number");
                const struct batch *from = in[want >> 32];
                same_value(&from->cols[6], (uint32_t)want, &b->cols[0], row);
                same_value(&from->cols[2], (uint32_t)want, &b->cols[1], row);
                want += RUNS;
                if ((uint32_t)want >= BATCH_ROWS)
                    want = ((want >> 32) + 1) << 32 | i;
            }
        }
        ck_assert_uint_eq(want, UINT64_C(10) << 32 | i);
        if (i % 2)
            spill_drop(runs[i]);
    }
    for (int k = 0; k < 10; k++)
        batch_unref(in[k]);
    spill_free(s);
    ck_assert_uint_eq(account.now, 0);
}
END_TEST

START_TEST(kept_rows_are_spilled_by_their_numbers)
{
    struct rng rng;
    rng_seed(&rng, 13);
    struct field fields[NTYPES];
    for (int c = 0; c < NTYPES; c++)
        fields[c] = (struct field){(char[]){"x"}, all_types[c], true};
    struct schema schema = {fields, NTYPES};
    struct rows rows;
    rows_init(&rows, &schema, NULL, &account);
    struct batch *in = random_batch(all_types, NTYPES, BATCH_ROWS, &rng);
    for (int k = 0; k < 3; k++)
        good(rows_append(&rows, in, NULL, NULL, in->rows, &err));
    uint32_t ids[5000];
    uint64_t seq[5000];
    for (uint32_t i = 0; i < 5000; i++) {
        ids[i] = 5000 - i;
        seq[i] = i + 1;
    }
    struct spill *s = spill_new(&account);
    struct spill_run *r = spill_run_new(s, all_types, NTYPES);
    good(spill_add_rows(r, &rows, ids, 5000, seq, &err) && spill_rewind(r, &err));
    uint64_t got[BATCH_ROWS], at = 0;
    for (struct batch *b = next(r, got); b; batch_unref(b), b = next(r, got)) {
        for (uint32_t i = 0; i < b->rows; i++, at++) {
            must(got[i] == at + 1, "number");
            for (uint32_t c = 0; c < NTYPES; c++)
                same_value(&in->cols[c], ids[at] % BATCH_ROWS, &b->cols[c], i);
        }
    }
    ck_assert_uint_eq(at, 5000);
    spill_free(s);
    rows_release(&rows);
    batch_unref(in);
    ck_assert_uint_eq(account.now, 0);
}
END_TEST

START_TEST(a_text_longer_than_the_buffer_and_an_empty_one_come_back)
{
    static const enum type types[] = {TYPE_STRING};
    size_t len = 3 * SPILL_BUFFER + 5;
    char *text = xmalloc(len);
    for (size_t i = 0; i < len; i++)
        text[i] = (char)(i * 7);
    struct batch *b = batch_new(1, NULL);
    b->rows = 4;
    column_alloc(b, 0, TYPE_STRING, true);
    put_text(b, 0, 0, "", 0, TEXT_QUOTED);
    put_text(b, 0, 1, text, len, 0);
    put_text(b, 0, 3, "x", 1, 0);
    b->cols[0].text[2] = (struct text){NULL, 0, 0};
    struct spill *s = spill_new(&account);
    struct spill_run *r = spill_run_new(s, types, 1);
    for (int k = 0; k < 3; k++)
        good(spill_add(r, b, NULL, NULL, 4, NULL, &err));
    good(spill_rewind(r, &err));
    uint32_t at = 0;
    for (struct batch *out = next(r, NULL); out; batch_unref(out), out = next(r, NULL))
        for (uint32_t i = 0; i < out->rows; i++, at++)
            same_value(&b->cols[0], at % 4, &out->cols[0], i);
    ck_assert_uint_eq(at, 12);
    batch_unref(b);
    spill_free(s);
    free(text);
    ck_assert_uint_eq(account.now, 0);
}
END_TEST

START_TEST(a_run_without_rows_makes_no_file)
{
    uint64_t others = deleted_files();
    struct spill *s = spill_new(&account);
    struct spill_run *r = spill_run_new(s, all_types, NTYPES);
    struct batch *b = NULL;
    good(spill_rewind(r, &err) && spill_next(r, &b, NULL, &err));
    ck_assert_ptr_null(b);
    ck_assert_uint_eq(deleted_files(), others);
    ck_assert_uint_eq(spill_bytes(s), 0);
    spill_free(s);
    spill_free(NULL);
    spill_drop(NULL);
}
END_TEST

/* Two runs whose blocks stand between each other's. */
static void two_runs(struct spill *s, struct spill_run **a, struct spill_run **b)
{
    struct rng rng;
    rng_seed(&rng, 17);
    *a = spill_run_new(s, all_types, NTYPES);
    *b = spill_run_new(s, all_types, NTYPES);
    for (int k = 0; k < 10; k++) {
        struct batch *in = random_batch(all_types, NTYPES, BATCH_ROWS, &rng);
        good(spill_add(*a, in, NULL, NULL, in->rows, NULL, &err));
        good(spill_add(*b, in, NULL, NULL, in->rows, NULL, &err));
        batch_unref(in);
    }
    good(spill_rewind(*a, &err) && spill_rewind(*b, &err));
}

START_TEST(a_dropped_run_gives_its_place_back_to_the_disk)
{
    uint64_t others = deleted_files();
    struct spill *s = spill_new(&account);
    struct spill_run *a, *b;
    two_runs(s, &a, &b);
    struct stat before, after;
    ck_assert_uint_ne(deleted_files(), others);
    int fd = __builtin_ctzll(deleted_files() & ~others);
    ck_assert_int_eq(fstat(fd, &before), 0);
    spill_drop(a);
    ck_assert_int_eq(fstat(fd, &after), 0);
    ck_assert_int_eq(before.st_size, after.st_size);
    /* The disk in question can punch holes, as ext4, xfs, btrfs and tmpfs do. */
    ck_assert_int_lt(after.st_blocks, before.st_blocks * 6 / 10);
    uint64_t n = 0;
    for (struct batch *out = next(b, NULL); out; batch_unref(out), out = next(b, NULL))
        n += out->rows;
    ck_assert_uint_eq(n, 10 * BATCH_ROWS);
    spill_drop(b);
    ck_assert_int_eq(fstat(fd, &after), 0);
    ck_assert_int_eq(after.st_blocks, 0);
    spill_free(s);
    ck_assert_uint_eq(deleted_files(), others);
    ck_assert_uint_eq(account.now, 0);
}
END_TEST

START_TEST(a_full_disk_is_told_with_the_folder_and_the_remedy)
{
    struct rlimit old, small = {100000, 100000};
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
    small.rlim_max = old.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    struct rng rng;
    rng_seed(&rng, 19);
    struct spill *s = spill_new(&account);
    struct spill_run *r = spill_run_new(s, all_types, NTYPES);
    struct batch *in = random_batch(all_types, NTYPES, BATCH_ROWS, &rng);
    bool ok = true;
    for (int k = 0; ok && k < 10; k++)
        ok = spill_add(r, in, NULL, NULL, in->rows, NULL, &err);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
    ck_assert(!ok);
    ck_assert_int_eq(err.kind, ERR_ENV);
    char want[600];
    snprintf(want, sizeof(want),
             "cannot write to the scratch file in '%s': File too large: free some, or name another "
             "folder with TMPDIR",
             tmpdir());
    ck_assert_str_eq(err.text, want);
    batch_unref(in);
    spill_drop(r);
    spill_free(s);
    ck_assert_uint_eq(account.now, 0);
}
END_TEST

START_TEST(a_scratch_folder_that_is_not_there_is_named)
{
    setenv("FORELINE_TMPDIR", "/nowhere/at/all", 1);
    struct spill *s = spill_new(&account);
    static const enum type types[] = {TYPE_INTEGER};
    struct rng rng;
    rng_seed(&rng, 23);
    struct batch *in = random_batch(types, 1, 5, &rng);
    struct spill_run *r = spill_run_new(s, types, 1);
    good(spill_add(r, in, NULL, NULL, 5, NULL, &err));
    ck_assert(!spill_rewind(r, &err));
    ck_assert_int_eq(err.kind, ERR_ENV);
    ck_assert_str_eq(err.text, "cannot make a scratch file in '/nowhere/at/all': No such file or "
                               "directory: name another folder with TMPDIR");
    unsetenv("FORELINE_TMPDIR");
    batch_unref(in);
    spill_free(s);
}
END_TEST

START_TEST(nothing_is_left_after_kill)
{
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        struct spill_run *a, *b;
        two_runs(spill_new(&account), &a, &b);
        kill(getpid(), SIGKILL);
    }
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    ck_assert_uint_eq(files_in(tmpdir()), 0);
}
END_TEST

UNIT_MAIN("engine_spill", rows_of_all_types_come_back_as_they_were_twice,
          many_runs_side_by_side_keep_their_rows_and_pick_their_columns,
          kept_rows_are_spilled_by_their_numbers,
          a_text_longer_than_the_buffer_and_an_empty_one_come_back,
          a_run_without_rows_makes_no_file, a_dropped_run_gives_its_place_back_to_the_disk,
          a_full_disk_is_told_with_the_folder_and_the_remedy,
          a_scratch_folder_that_is_not_there_is_named, nothing_is_left_after_kill)
