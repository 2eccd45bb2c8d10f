/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lib/store: profiles, sightings of schemas, datasets. */
#include "tests/unit/suite.h"

#include <math.h>
#include <sqlite3.h>
#include <unistd.h>

#include "store/store.h"

static struct store *st;
static struct arena a;
static struct err e;

#define OK(call) ck_assert_msg((call), "%s: %s", #call, e.text)

static void fresh(void)
{
    char *path = xasprintf("%s/unit-%d.db", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp", getpid());
    unlink(path);
    a = ARENA_INIT;
    OK(store_open(&st, path, STORE_CREATE, &e));
    free(path);
}

static void done(void)
{
    char *path = xstrdup(store_path(st));
    store_close(st);
    ck_assert_int_eq(unlink(path), 0);
    free(path);
    arena_release(&a);
}

static void profile(const char *dataset, const char *column, enum type type, double records,
                    const char *line)
{
    struct rec_column columns[] = {{.name = "id", .type = TYPE_INTEGER},
                                   {.name = column, .type = type}};
    struct rec_profile p = {.dataset = dataset,
                            .records = records,
                            .bytes = (double)NAN,
                            .data_quality_score = 0.5,
                            .columns = columns,
                            .ncolumns = 2};
    OK(store_profile_add(st, &p, slice_str(line), &e));
}

START_TEST(schemas_are_sighted_with_each_profile_and_say_when_they_changed)
{
    fresh();
    profile("file:/a", "x", TYPE_STRING, 10, "{\"first\":1}");
    profile("file:/b", "x", TYPE_STRING, 1, "{\"b\":1}");
    profile("file:/a", "x", TYPE_STRING, 11, "{\"second\":1}");
    profile("file:/a", "x", TYPE_FLOAT, 12, "{\"third\":1}");
    profile("file:/a", "y", TYPE_FLOAT, 13, "{\"fourth\":1}");
    struct store_schema *v;
    size_t n;
    OK(store_schemas(st, &a, "file:/a", &v, &n, &e));
    ck_assert_uint_eq(n, 4);
    ck_assert(!v[0].changed && !v[1].changed && v[2].changed && v[3].changed);
    ck_assert_str_eq(v[0].fingerprint, v[1].fingerprint);
    ck_assert_str_eq(
        v[1].columns,
        "[{\"name\":\"id\",\"type\":\"integer\"},{\"name\":\"x\",\"type\":\"string\"}]");
    ck_assert_uint_eq(strlen(v[2].fingerprint), 64);
    ck_assert_double_eq(v[3].records, 13);
    ck_assert(isnan(v[3].bytes));
    ck_assert_double_eq(v[3].data_quality_score, 0.5);
    struct slice line;
    OK(store_profile_last(st, &a, "file:/a", &line, &e));
    ck_assert(slice_is(line, "{\"fourth\":1}"));
    OK(store_profile_last(st, &a, "file:/none", &line, &e));
    ck_assert_uint_eq(line.len, 0);
    struct store_dataset *d;
    OK(store_datasets(st, &a, &d, &n, &e));
    ck_assert_uint_eq(n, 2);
    ck_assert_str_eq(d[0].dataset, "file:/a");
    ck_assert_int_eq(d[0].sightings, 4);
    ck_assert_int_eq(d[0].schema_versions, 3);
    ck_assert_double_eq(d[0].last.records, 13);
    struct rec_profile nameless = {0};
    ck_assert(!store_profile_add(st, &nameless, line, &e));
    ck_assert_int_eq(e.kind, ERR_DATA);
    done();
}
END_TEST

/* Lines that are kept, and the fewest records (which number them) of one that is. */
static void kept(const char *dataset, int *lines, double *first)
{
    sqlite3 *db;
    sqlite3_stmt *q;
    ck_assert_int_eq(sqlite3_open(store_path(st), &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(db,
                                        "SELECT count(*), min(records) FROM profile"
                                        " WHERE line IS NOT NULL AND dataset = ?1",
                                        -1, &q, NULL),
                     SQLITE_OK);
    sqlite3_bind_text(q, 1, dataset, -1, SQLITE_STATIC);
    ck_assert_int_eq(sqlite3_step(q), SQLITE_ROW);
    *lines = sqlite3_column_int(q, 0);
    *first = sqlite3_column_double(q, 1);
    sqlite3_finalize(q);
    sqlite3_close(db);
}

START_TEST(the_last_64_profile_lines_stay_and_all_sightings)
{
    int lines;
    double first;
    fresh();
    for (int i = 0; i < 70; i++)
        profile("d", "x", TYPE_STRING, i, "{}");
    kept("d", &lines, &first);
    ck_assert_int_eq(lines, 64);
    ck_assert_double_eq(first, 6);
    struct store_schema *v;
    size_t n;
    OK(store_schemas(st, &a, "d", &v, &n, &e));
    ck_assert_uint_eq(n, 70);
    done();
}
END_TEST

START_TEST(long_profile_lines_stay_as_far_as_8_mib_go_and_the_newest_always)
{
    static const size_t mib = (size_t)1 << 20;
    char *line = xmalloc(9 * mib + 1);
    struct slice last;
    int lines;
    double first;
    memset(line, 'x', 9 * mib);
    fresh();
    profile("other", "x", TYPE_STRING, 1, "{}");
    line[3 * mib] = '\0';
    for (int i = 0; i < 5; i++)
        profile("d", "x", TYPE_STRING, i, line);
    kept("d", &lines, &first);
    ck_assert_int_eq(lines, 2);
    ck_assert_double_eq(first, 3);
    line[3 * mib] = 'x';
    line[9 * mib] = '\0';
    profile("d", "x", TYPE_STRING, 5, line); /* too long by itself, and pushes all others out */
    kept("d", &lines, &first);
    ck_assert_int_eq(lines, 1);
    ck_assert_double_eq(first, 5);
    OK(store_profile_last(st, &a, "d", &last, &e));
    ck_assert_uint_eq(last.len, 9 * mib);
    profile("d", "x", TYPE_STRING, 6, "{}");
    profile("d", "x", TYPE_STRING, 7, "{}");
    kept("d", &lines, &first);
    ck_assert_int_eq(lines, 2);
    ck_assert_double_eq(first, 6);
    kept("other", &lines, &first);
    ck_assert_int_eq(lines, 1);
    done();
    free(line);
}
END_TEST

START_TEST(the_last_image_of_a_dataset_stays)
{
    struct slice image;
    fresh();
    OK(store_profile_image(st, &a, "d", &image, &e));
    ck_assert_uint_eq(image.len, 0);
    OK(store_profile_image_set(st, "d", slice_of("a\0b", 3), &e));
    OK(store_profile_image_set(st, "other", SLICE_LIT("x"), &e));
    OK(store_profile_image_set(st, "d", slice_of("c\0\0d", 4), &e));
    OK(store_profile_image(st, &a, "d", &image, &e));
    ck_assert(slice_eq(image, slice_of("c\0\0d", 4)));
    OK(store_profile_image_set(st, "d", SLICE_NULL, &e));
    OK(store_profile_image(st, &a, "d", &image, &e));
    ck_assert_uint_eq(image.len, 0);
    OK(store_profile_image(st, &a, "other", &image, &e));
    ck_assert(slice_is(image, "x"));
    done();
}
END_TEST

UNIT_MAIN("store_profiles", schemas_are_sighted_with_each_profile_and_say_when_they_changed,
          the_last_64_profile_lines_stay_and_all_sightings,
          long_profile_lines_stay_as_far_as_8_mib_go_and_the_newest_always,
          the_last_image_of_a_dataset_stays)
