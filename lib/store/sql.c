/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which driver a connection needs. See sql.h. */
#include "store/sql.h"

#include "os/os.h"
#include "store/sql_driver.h"

bool sql_halted(const struct sql *s, struct err *err)
{
    return s->watch.halted && s->watch.halted(s->watch.ctx, err);
}

void sql_quote(struct buf *out, const char *name)
{
    buf_addc(out, '"');
    for (; *name; name++) {
        if (*name == '"')
            buf_addc(out, '"');
        buf_addc(out, *name);
    }
    buf_addc(out, '"');
}

struct sql *sql_open(const char *url, const char *base, const struct sql_watch *watch, bool *again,
                     struct err *err)
{
    static const char sqlite[] = "sqlite:";
    *again = false;
    if (strncmp(url, sqlite, sizeof(sqlite) - 1) != 0)
        return sql_open_postgres(url, watch, again, err);
    const char *path = url + sizeof(sqlite) - 1;
    if (strcmp(path, ":memory:") == 0)
        return sql_open_sqlite(path, watch, err);
    char *absolute = path_absolute(path, base);
    struct sql *s = sql_open_sqlite(absolute, watch, err);
    free(absolute);
    return s;
}

bool sql_table(struct sql *s, const char *name, const struct schema *columns, struct err *err)
{
    return s->driver->table(s, name, columns, err);
}

bool sql_insert(struct sql *s, const char *name, const struct batch *b, struct err *err)
{
    return s->driver->insert(s, name, b, err);
}

bool sql_run(struct sql *s, const char *statement, const struct sql_sink *sink, struct err *err)
{
    return s->driver->run(s, statement, sink, err);
}

bool sql_commit(struct sql *s, struct err *err)
{
    return s->driver->commit(s, err);
}

void sql_close(struct sql *s)
{
    if (s)
        s->driver->close(s);
}
