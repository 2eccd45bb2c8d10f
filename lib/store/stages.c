/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The figures of stages, predicted beside measured, and the history that predictions come from. */
#include <math.h>

#include "store/stages.h"

#define STAGE_COLUMNS                                                                        \
    "stage, operation, status, signature, algorithm, parallelism, records_in, records_out,"  \
    " bytes_in, bytes_out, wall_s, cpu_s, peak_memory_bytes, read_bytes, write_bytes,"       \
    " predicted_cpu_s_p50, predicted_cpu_s_p95, predicted_wall_s_p50, predicted_wall_s_p95," \
    " predicted_peak_memory_bytes_p50, predicted_peak_memory_bytes_p95,"                     \
    " predicted_records_out_p50, predicted_records_out_p95"
#define STAGE_NCOLUMNS 23
#define STAGE_FIRST_USED 6
#define STAGE_FIRST_PREDICTED 15

/* The measured figures in the order of STAGE_COLUMNS, and the predicted ones. */
struct figures {
    struct rec_figure *used[9];
    struct rec_figure *predicted[4];
};

static struct figures figures_of(struct store_stage *g)
{
    struct rec_stage_figures *u = &g->used;
    return (struct figures){
        {&u->records_in, &u->records_out, &u->bytes_in, &u->bytes_out, &u->wall_s, &u->cpu_s,
         &u->peak_memory_bytes, &u->read_bytes, &u->write_bytes},
        {&g->predicted_cpu_s, &g->predicted_wall_s, &g->predicted_peak_memory_bytes,
         &g->predicted_records_out},
    };
}

static bool stage_insert(struct store *s, const char *run_id, const struct store_stage *stage,
                         size_t seq, struct err *err)
{
    static const char insert[] =
        "INSERT INTO stage(" STAGE_COLUMNS ", seq, run) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9,"
        " ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24,"
        " (SELECT id FROM run WHERE run_id = ?25))";
    sqlite3_stmt *st = store_stmt(s, insert, err);
    if (!st)
        return false;
    struct store_stage g = *stage;
    struct figures f = figures_of(&g);
    store_bind_str(st, 1, g.used.id ? g.used.id : "");
    store_bind_str(st, 2, g.used.operation);
    store_bind_str(st, 3, g.status);
    store_bind_str(st, 4, g.signature);
    store_bind_str(st, 5, g.algorithm);
    store_bind_num(st, 6, g.parallelism);
    int at = STAGE_FIRST_USED + 1;
    for (size_t i = 0; i < ARRAY_LEN(f.used); i++)
        store_bind_num(st, at++, f.used[i]->p50);
    for (size_t i = 0; i < ARRAY_LEN(f.predicted); i++) {
        store_bind_num(st, at++, f.predicted[i]->p50);
        store_bind_num(st, at++, f.predicted[i]->p95);
    }
    sqlite3_bind_int64(st, STAGE_NCOLUMNS + 1, (int64_t)seq);
    store_bind_str(st, STAGE_NCOLUMNS + 2, run_id);
    return store_run_stmt(s, st, err);
}

bool store_stages_put(struct store *s, const char *run_id, const struct store_stage *stages,
                      size_t n, struct err *err)
{
    static const char clear[] =
        "DELETE FROM stage WHERE run = (SELECT id FROM run WHERE run_id = ?1)";
    sqlite3_stmt *st = store_stmt(s, clear, err);
    if (!st)
        return false;
    store_bind_str(st, 1, run_id);
    if (!store_run_stmt(s, st, err))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!stage_insert(s, run_id, &stages[i], i, err))
            return false;
    return true;
}

static void stage_read(struct arena *a, sqlite3_stmt *st, struct store_stage *g)
{
    struct figures f = figures_of(g);
    g->used.id = store_col_word(a, st, 0);
    g->used.operation = store_col_str(a, st, 1);
    g->status = store_col_str(a, st, 2);
    g->signature = store_col_str(a, st, 3);
    g->algorithm = store_col_str(a, st, 4);
    g->parallelism = store_col_num(st, 5);
    int at = STAGE_FIRST_USED;
    for (size_t i = 0; i < ARRAY_LEN(f.used); i++) {
        f.used[i]->p50 = f.used[i]->p95 = store_col_num(st, at++);
    }
    for (size_t i = 0; i < ARRAY_LEN(f.predicted); i++) {
        f.predicted[i]->p50 = store_col_num(st, at++);
        f.predicted[i]->p95 = store_col_num(st, at++);
    }
}

bool store_run_stages(struct store *s, struct arena *a, const char *run_id,
                      struct store_stage **out, size_t *n, struct err *err)
{
    static const char sql[] = "SELECT " STAGE_COLUMNS " FROM stage"
                              " WHERE run = (SELECT id FROM run WHERE run_id = ?1) ORDER BY seq";
    struct store_stage *rows = NULL;
    size_t nrows = 0;
    *out = NULL;
    *n = 0;
    sqlite3_stmt *st = store_stmt(s, sql, err);
    if (!st)
        return false;
    store_bind_str(st, 1, run_id);
    bool ok;
    while (store_row(s, st, &ok, err))
        stage_read(a, st, ARENA_PUSH(a, rows, nrows));
    *out = rows;
    *n = ok ? nrows : 0;
    return ok;
}

bool store_history(struct store *s, struct arena *a, const char *pipeline, size_t max_runs,
                   struct store_history **out, size_t *n, struct err *err)
{
    static const char sql[] =
        "SELECT " STAGE_COLUMNS ", r.run_id, r.started_us FROM"
        " (SELECT id, run_id, started_us FROM run WHERE pipeline = ?1 AND +status = 'completed'"
        "  AND coalesce(+mode, '') NOT IN ('sampling', 'shadow')"
        "  ORDER BY started_us DESC, run_id DESC LIMIT ?2) r JOIN stage ON stage.run = r.id"
        " WHERE stage.status IS NOT 'kept'" /* it did nothing in that run */
        " ORDER BY r.started_us DESC, r.run_id DESC, seq";
    struct store_history *rows = NULL;
    size_t nrows = 0;
    *out = NULL;
    *n = 0;
    sqlite3_stmt *st = store_stmt(s, sql, err);
    if (!st)
        return false;
    store_bind_str(st, 1, pipeline);
    sqlite3_bind_int64(st, 2, max_runs && max_runs < INT64_MAX ? (int64_t)max_runs : -1);
    bool ok;
    while (store_row(s, st, &ok, err)) {
        struct store_history *h = ARENA_PUSH(a, rows, nrows);
        stage_read(a, st, &h->stage);
        h->run_id = store_col_word(a, st, STAGE_NCOLUMNS);
        h->started_at = store_col_instant(a, st, STAGE_NCOLUMNS + 1);
    }
    *out = rows;
    *n = ok ? nrows : 0;
    return ok;
}
