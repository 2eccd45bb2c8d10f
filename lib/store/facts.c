/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A drawer for small facts by key. Not for what has a table of its own. */
#include "store/internal.h"

bool store_fact_get(struct store *s, struct arena *a, const char *key, struct slice *value,
                    struct err *err)
{
    static const char sql[] = "SELECT value FROM fact WHERE key = ?1";
    *value = SLICE_NULL;
    sqlite3_stmt *st = store_stmt(s, sql, err);
    if (!st)
        return false;
    store_bind_str(st, 1, key);
    bool ok;
    while (store_row(s, st, &ok, err))
        *value = store_col_slice(a, st, 0);
    return ok;
}

bool store_fact_set(struct store *s, const char *key, struct slice value, struct err *err)
{
    static const char sql[] = "INSERT INTO fact(key, value) VALUES(?1, ?2)"
                              " ON CONFLICT DO UPDATE SET value = excluded.value";
    if (!store_enter(s, false, err))
        return false;
    sqlite3_stmt *st = store_stmt(s, sql, err);
    bool ok = st != NULL;
    if (st) {
        store_bind_str(st, 1, key);
        sqlite3_bind_blob64(st, 2, value.p ? value.p : "", value.len, SQLITE_TRANSIENT);
        ok = store_run_stmt(s, st, err);
    }
    return store_leave(s, ok, err);
}
