/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What sql.h does, once for each kind of database. Internal to lib/store. */
#ifndef FORELINE_STORE_SQL_DRIVER_H
#define FORELINE_STORE_SQL_DRIVER_H

#include "base/buf.h"
#include "store/sql.h"

struct sql_driver {
    bool (*table)(struct sql *s, const char *name, const struct schema *columns, struct err *err);
    bool (*insert)(struct sql *s, const char *name, const struct batch *b, struct err *err);
    bool (*run)(struct sql *s, const char *statement, const struct sql_sink *sink, struct err *err);
    bool (*commit)(struct sql *s, struct err *err);
    void (*close)(struct sql *s); /* frees it */
};
/* The beginning of each driver's own struct. */
struct sql {
    const struct sql_driver *driver;
    struct sql_watch watch;
};
struct sql *sql_open_sqlite(const char *path, const struct sql_watch *watch, struct err *err);
struct sql *sql_open_postgres(const char *url, const struct sql_watch *watch, bool *again,
                              struct err *err);
/* Has the caller had enough? */
bool sql_halted(const struct sql *s, struct err *err);
/* A name in double quotes, as SQL writes it, behind `out`. */
void sql_quote(struct buf *out, const char *name);

#endif
