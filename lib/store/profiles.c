/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Profiles of datasets and the history of their schemas. */
#include <math.h>

#include "base/hash.h"
#include "base/instant.h"
#include "store/internal.h"

static void columns_json(struct buf *out, const struct rec_profile *p)
{
    struct jw w;
    jw_begin(&w, out);
    jw_arr(&w);
    for (uint32_t i = 0; i < p->ncolumns; i++) {
        jw_obj(&w);
        jw_kstr(&w, "name", p->columns[i].name);
        jw_kstr(&w, "type", type_name(p->columns[i].type));
        jw_end_obj(&w);
    }
    jw_end_arr(&w);
}

static bool schema_id(struct store *s, const struct rec_profile *p, int64_t *id, struct err *err)
{
    static const char insert[] = "INSERT INTO schema_version(fingerprint, columns) VALUES(?1, ?2)"
                                 " ON CONFLICT DO UPDATE SET columns = columns RETURNING id";
    struct buf columns = BUF_INIT(BUF_UNBOUNDED);
    columns_json(&columns, p);
    struct sha256 sum;
    char hex[SHA256_HEX];
    sha256_init(&sum);
    sha256_add(&sum, columns.p, columns.len);
    sha256_hex(&sum, hex);
    bool ok = false;
    sqlite3_stmt *st = store_stmt(s, insert, err);
    if (st) {
        store_bind_str(st, 1, hex);
        store_bind_slice(st, 2, buf_slice(&columns));
        while (store_row(s, st, &ok, err))
            *id = sqlite3_column_int64(st, 0);
    }
    buf_release(&columns);
    return ok;
}

static bool profile_insert(struct store *s, const struct rec_profile *p, struct slice line,
                           int64_t schema, struct err *err)
{
    static const char insert[] =
        "INSERT INTO profile(dataset, at_us, schema, records, bytes, data_quality_score, line)"
        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    sqlite3_stmt *st = store_stmt(s, insert, err);
    if (!st)
        return false;
    store_bind_str(st, 1, p->dataset);
    sqlite3_bind_int64(st, 2, instant_now());
    sqlite3_bind_int64(st, 3, schema);
    store_bind_num(st, 4, p->records);
    store_bind_num(st, 5, p->bytes);
    store_bind_num(st, 6, p->data_quality_score);
    store_bind_slice(st, 7, line);
    return store_run_stmt(s, st, err);
}

/* Of profiles behind the last STORE_PROFILE_LINES, or behind STORE_PROFILE_BYTES of lines, only the
 * figures stay. Every profile that is added trims, so one more can be too many: or, of a long one,
 * several. */
static bool profile_trim(struct store *s, const char *dataset, struct err *err)
{
    static const char sql[] =
        "UPDATE profile SET line = NULL WHERE line IS NOT NULL AND id IN (SELECT id FROM"
        " (SELECT id, row_number() OVER newest AS n, sum(bytes) OVER newest AS total FROM"
        "  (SELECT id, length(CAST(line AS BLOB)) AS bytes FROM profile WHERE dataset = ?1"
        "   ORDER BY id DESC LIMIT ?2 + 1)"
        "  WINDOW newest AS (ORDER BY id DESC))"
        " WHERE n > 1 AND (n > ?2 OR total > ?3))";
    sqlite3_stmt *st = store_stmt(s, sql, err);
    if (!st)
        return false;
    store_bind_str(st, 1, dataset);
    sqlite3_bind_int64(st, 2, STORE_PROFILE_LINES);
    sqlite3_bind_int64(st, 3, STORE_PROFILE_BYTES);
    return store_run_stmt(s, st, err);
}

bool store_profile_add(struct store *s, const struct rec_profile *p, struct slice line,
                       struct err *err)
{
    if (!p->dataset)
        return err_set(err, ERR_DATA,
                       "a profile without a dataset name cannot be kept; give it one "
                       "with --dataset");
    if (!store_enter(s, false, err))
        return false;
    int64_t schema = 0;
    bool ok = schema_id(s, p, &schema, err) && profile_insert(s, p, line, schema, err) &&
              profile_trim(s, p->dataset, err);
    return store_leave(s, ok, err);
}

bool store_profile_last(struct store *s, struct arena *a, const char *dataset, struct slice *line,
                        struct err *err)
{
    static const char sql[] =
        "SELECT line FROM profile WHERE dataset = ?1 ORDER BY id DESC LIMIT 1";
    *line = SLICE_NULL;
    sqlite3_stmt *st = store_stmt(s, sql, err);
    if (!st)
        return false;
    store_bind_str(st, 1, dataset);
    bool ok;
    while (store_row(s, st, &ok, err))
        *line = store_col_slice(a, st, 0);
    return ok;
}

bool store_profile_image_set(struct store *s, const char *dataset, struct slice image,
                             struct err *err)
{
    static const char put[] =
        "INSERT INTO profile_image(dataset, at_us, image) VALUES(?1, ?2, ?3)"
        " ON CONFLICT DO UPDATE SET at_us = excluded.at_us, image = excluded.image";
    static const char drop[] = "DELETE FROM profile_image WHERE dataset = ?1";
    if (!store_enter(s, false, err))
        return false;
    sqlite3_stmt *st = image.len > 0 ? store_stmt(s, put, err) : store_stmt(s, drop, err);
    if (st != NULL) {
        store_bind_str(st, 1, dataset);
        if (image.len > 0) {
            sqlite3_bind_int64(st, 2, instant_now());
            sqlite3_bind_blob64(st, 3, image.p, image.len, SQLITE_TRANSIENT);
        }
    }
    return store_leave(s, st != NULL && store_run_stmt(s, st, err), err);
}

bool store_profile_image(struct store *s, struct arena *a, const char *dataset, struct slice *image,
                         struct err *err)
{
    static const char sql[] = "SELECT image FROM profile_image WHERE dataset = ?1";
    *image = SLICE_NULL;
    sqlite3_stmt *st = store_stmt(s, sql, err);
    if (st == NULL)
        return false;
    store_bind_str(st, 1, dataset);
    bool ok;
    while (store_row(s, st, &ok, err))
        *image = store_col_slice(a, st, 0);
    return ok;
}

#define SIGHTING_COLUMNS "at_us, v.fingerprint, v.columns, p.records, p.bytes, p.data_quality_score"

static void sighting_read(struct arena *a, sqlite3_stmt *st, int at, struct store_schema *row)
{
    row->at = store_col_instant(a, st, at);
    row->fingerprint = store_col_word(a, st, at + 1);
    row->columns = store_col_word(a, st, at + 2);
    row->records = store_col_num(st, at + 3);
    row->bytes = store_col_num(st, at + 4);
    row->data_quality_score = store_col_num(st, at + 5);
    row->changed = false;
}

bool store_schemas(struct store *s, struct arena *a, const char *dataset, struct store_schema **out,
                   size_t *n, struct err *err)
{
    static const char sql[] =
        "SELECT " SIGHTING_COLUMNS " FROM profile p JOIN schema_version v ON v.id = p.schema"
        " WHERE p.dataset = ?1 ORDER BY p.id";
    struct store_schema *rows = NULL;
    size_t nrows = 0;
    *out = NULL;
    *n = 0;
    sqlite3_stmt *st = store_stmt(s, sql, err);
    if (!st)
        return false;
    store_bind_str(st, 1, dataset);
    bool ok;
    while (store_row(s, st, &ok, err)) {
        struct store_schema *row = ARENA_PUSH(a, rows, nrows);
        sighting_read(a, st, 0, row);
        if (nrows > 1) {
            row->changed = strcmp(row->fingerprint, row[-1].fingerprint) != 0;
            if (!row->changed) /* one copy of what may be long */
                row->columns = row[-1].columns;
        }
    }
    *out = rows;
    *n = ok ? nrows : 0;
    return ok;
}

bool store_datasets(struct store *s, struct arena *a, struct store_dataset **out, size_t *n,
                    struct err *err)
{
    static const char sql[] =
        "SELECT p.dataset, c.sightings, c.versions, " SIGHTING_COLUMNS
        " FROM (SELECT max(id) AS last, count(*) AS sightings, count(DISTINCT schema) AS versions"
        "  FROM profile GROUP BY dataset) c"
        " JOIN profile p ON p.id = c.last JOIN schema_version v ON v.id = p.schema"
        " ORDER BY p.dataset";
    struct store_dataset *rows = NULL;
    size_t nrows = 0;
    *out = NULL;
    *n = 0;
    sqlite3_stmt *st = store_stmt(s, sql, err);
    if (!st)
        return false;
    bool ok;
    while (store_row(s, st, &ok, err)) {
        struct store_dataset *row = ARENA_PUSH(a, rows, nrows);
        row->dataset = store_col_word(a, st, 0);
        row->sightings = sqlite3_column_int64(st, 1);
        row->schema_versions = sqlite3_column_int64(st, 2);
        sighting_read(a, st, 3, &row->last);
    }
    *out = rows;
    *n = ok ? nrows : 0;
    return ok;
}
