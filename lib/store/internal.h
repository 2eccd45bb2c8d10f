/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of store/ share: the handle, prepared statements, binding and reading of columns,
 * transactions. Included by nothing outside this folder but its own tests.
 */
#ifndef FORELINE_STORE_INTERNAL_H
#define FORELINE_STORE_INTERNAL_H

#include <sqlite3.h>

#include "store/store.h"

/* In the header of the file (offset 68), so that other databases are told apart before SQLite
 * touches them. "Fore" in ASCII. */
#define STORE_APPLICATION_ID 0x466f7265
/* A stage's log keeps its first and its last half. */
#define STORE_LOG_HALF (512 * 1024)
/* Full profile lines kept per dataset; older sightings keep their figures and schema. One a day for
 * two months, at some 10 KB each. */
#define STORE_PROFILE_LINES 64
/* And of these no more than so many bytes, but always the newest: the line of a wide table has up
 * to 16 MiB, and 64 of them would be a gigabyte. */
#define STORE_PROFILE_BYTES ((int64_t)8 << 20)

struct store {
    sqlite3 *db;
    char *path;
    bool read_only;
    bool explicit_txn; /* between store_begin and store_commit */
    bool txn_failed;   /* a call inside it failed: only a rollback is left */
    struct {
        const char *sql; /* the address is the key: each text stands in the source once */
        sqlite3_stmt *st;
    } stmts[64];
    size_t nstmts;
};

const char *const *store_migrations(int *n);
/* Brings `db` from its user_version to version n, each step in a transaction of its own.
 * ERR_ENV when it is newer than n. */
bool store_migrate(sqlite3 *db, const char *path, const char *const *steps, int n, struct err *err);

/* Fills err from SQLite's state; "cannot WHAT the store 'PATH': …"; returns false. */
bool store_fail(struct store *s, const char *what, struct err *err);
bool store_fail_db(sqlite3 *db, const char *path, const char *what, struct err *err);

/* The statement of a text that is a static string, ready to be bound; NULL with err. */
sqlite3_stmt *store_stmt(struct store *s, const char *sql, struct err *err);
/* One step of a statement that gives no rows; resets it. */
bool store_run_stmt(struct store *s, sqlite3_stmt *st, struct err *err);
/* Next row? Ends with *ok false and err set on failure. Resets the statement after the last row. */
bool store_row(struct store *s, sqlite3_stmt *st, bool *ok, struct err *err);

/* A write: joins the caller's transaction or makes one of its own. durable: on the disk before
 * store_leave returns. */
bool store_enter(struct store *s, bool durable, struct err *err);
/* Commits when `ok`, else rolls back; returns whether all is well. */
bool store_leave(struct store *s, bool ok, struct err *err);

void store_bind_str(sqlite3_stmt *st, int i, const char *v);         /* NULL: null */
void store_bind_slice(sqlite3_stmt *st, int i, struct slice v);      /* text; empty stays text */
void store_bind_num(sqlite3_stmt *st, int i, double v);              /* not finite: null */
void store_bind_instant(sqlite3_stmt *st, int i, const char *at);    /* unreadable or NULL: null */
const char *store_col_str(struct arena *a, sqlite3_stmt *st, int i); /* null: NULL */
/* Of a column that is NOT NULL: in a damaged store it can be null all the same, and then is "". */
const char *store_col_word(struct arena *a, sqlite3_stmt *st, int i);
bool store_col_is(sqlite3_stmt *st, int i, const char *word);
struct slice store_col_slice(struct arena *a, sqlite3_stmt *st, int i);
double store_col_num(sqlite3_stmt *st, int i); /* null: NAN */
const char *store_col_instant(struct arena *a, sqlite3_stmt *st, int i);

/* Within a write: takes the journal of a run away. */
bool store_journal_clear(struct store *s, const char *run_id, struct err *err);
/* What names a pipeline's object in the table of them. */
void store_definition_hash(const struct json *definition, char hex[65]);

/* Who a process is, beyond its number: the boot (and pid namespace) it lives in and its start. */
struct store_process {
    char host[256];
    char boot[96];
    int64_t start; /* clock ticks since boot; -1 unknown */
};
void store_process_read(struct store_process *p, int64_t pid);
/* True only when it is sure that the process no longer runs on this host. */
bool store_process_gone(const char *host, const char *boot, int64_t pid, int64_t start);

#endif
