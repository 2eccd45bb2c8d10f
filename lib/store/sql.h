/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A user's database, for the `sql` stage: batches in as temporary tables, a statement, its rows
 * out. SQLite and PostgreSQL; nothing here knows the store's own tables.
 *
 * All happens in one transaction that sql_commit ends: before it, nothing of it is seen by others,
 * and sql_close takes it back.
 *
 * PostgreSQL's library is loaded when the first connection needs it (libpq.so.5, apt-get install
 * libpq5), as it triples the time that a program takes to start.
 *
 * Errors: ERR_ENV when the database cannot be reached (`*again`: trying once more may help),
 * ERR_STAGE when it refuses a statement; what the database says stands in them, a password never
 * does. */
#ifndef FORELINE_STORE_SQL_H
#define FORELINE_STORE_SQL_H

#include "table/batch.h"

/* Asked some ten times a second while the database works: true, with `err` set, ends the statement.
 */
struct sql_watch {
    void *ctx;
    bool (*halted)(void *ctx, struct err *err);
};

/* The rows of a statement. Values are text as their type is written here: integers and floats in
 * the shortest form (PostgreSQL's numeric with all its digits), true and false, dates, timestamps
 * as RFC 3339, bytes as \x and hex, everything else as the database prints it. */
struct sql_sink {
    void *ctx;
    /* Once, before any row. types: TYPE_NONE where only the values can tell. */
    bool (*columns)(void *ctx, const char *const *names, const enum type *types, uint32_t n,
                    struct err *err);
    /* One record. values[c].p NULL is null; kinds[c]: the narrowest type of this value as the
     * database knows it, for columns of TYPE_NONE. Valid during the call. */
    bool (*row)(void *ctx, const struct slice *values, const enum type *kinds, struct err *err);
};

struct sql;
/* url: sqlite:PATH (relative to `base`; "sqlite::memory:" is a database that ends with the
 * connection), postgres://… or postgresql://… as libpq takes it. NULL when it fails. */
struct sql *sql_open(const char *url, const char *base, const struct sql_watch *watch, bool *again,
                     struct err *err);
/* A temporary table, which covers any other of this name, and rows into it. Tables are filled one
 * after another or in turns. */
bool sql_table(struct sql *s, const char *name, const struct schema *columns, struct err *err);
bool sql_insert(struct sql *s, const char *name, const struct batch *b, struct err *err);
/* Runs one statement or several, separated by semicolons; `sink` (may be NULL) gets the rows of the
 * last one that gives any. *rows counts them (may be NULL). */
bool sql_run(struct sql *s, const char *statement, const struct sql_sink *sink, struct err *err);
bool sql_commit(struct sql *s, struct err *err);
void sql_close(struct sql *s); /* NULL is fine */

#endif
