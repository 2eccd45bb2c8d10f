/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `add`: a filter that keeps what events and completion records say. */
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/chain.h"
#include "lineage/ingest.h"
#include "tools/etl-lineage.h"

/* Faults of this kind are named up to here, then counted. */
#define REPORTED_MAX 10
/* Records in one transaction where that is allowed: a fraction of a second of work. */
#define BATCH 256

struct adding {
    struct answer *a;
    struct lineage_added sum;
    uint64_t refused;
    int status;
    bool free_out, free_in; /* neither writing on nor reading on ever waits for somebody else */
    unsigned open;          /* records in the open transaction */
};

/* Others wait while we hold the store's lock, and we must never hold it while we wait for them: the
 * tools of one pipe may share a store. So many records become one transaction only where nothing
 * waits: from a file, or a pipe that has more to give, to where nobody reads on. */
static bool may_hold(const struct adding *d)
{
    struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
    return d->open < BATCH && d->free_out &&
           (d->free_in || (poll(&in, 1, 0) == 1 && (in.revents & POLLIN)));
}

static bool commit(struct adding *d, struct err *err)
{
    d->open = 0;
    return store_commit(d->a->store, err);
}

static bool add_one(struct adding *d, const struct json *rec, struct slice line, struct err *err)
{
    struct store *s = d->a->store;
    if (d->open == 0 && !store_begin_relaxed(s, err))
        return false;
    d->open++;
    bool ok = rec_is(rec, "completion")
                  ? lineage_add_completion(s, rec, line, &d->sum, err)
                  : lineage_add_event(s, rec, line, d->a->o.strict, &d->sum, err);
    /* A record that is refused has written nothing. */
    if ((ok || err->kind == ERR_DATA) && !may_hold(d) && !commit(d, ok ? err : NULL))
        return false;
    return ok;
}

/* The store is gone: the lines are still forwarded, and the end is not a success. */
static void give_up(struct adding *d, const struct err *err)
{
    d->status = status_worse(d->status, cli_fail(err));
    store_close(d->a->store);
    d->a->store = NULL;
    d->open = 0;
}

static bool on_record(void *ctx, struct chain *c, const struct json *rec, struct slice line)
{
    struct adding *d = ctx;
    struct err err = ERR_INIT;
    bool known = json_get(rec, "record") ? rec_is(rec, "completion") : true;
    if (!known || !d->a->store || add_one(d, rec, line, &err))
        return false;
    if (err.kind == ERR_DATA) {
        d->status = status_worse(d->status, STATUS_DATA);
        if (++d->refused <= REPORTED_MAX)
            cli_error("%s:%llu: %s", c->name, (unsigned long long)c->line_no, err.text);
    } else {
        give_up(d, &err);
    }
    return false;
}

static bool is_file(int fd, const char *path)
{
    struct stat st;
    return (path ? stat(path, &st) : fstat(fd, &st)) == 0 && S_ISREG(st.st_mode);
}

/* A file, /dev/null, or not written at all. */
static bool is_free_out(bool forward)
{
    struct stat st;
    return !forward || is_file(STDOUT_FILENO, NULL) ||
           (fstat(STDOUT_FILENO, &st) == 0 && S_ISCHR(st.st_mode) && !isatty(STDOUT_FILENO));
}

static void read_one(struct adding *d, struct chain *c, const char *path)
{
    struct err err = ERR_INIT;
    bool is_stdin = !path || strcmp(path, "-") == 0;
    d->free_in = !is_stdin && is_file(-1, path);
    if (!chain_read(c, path, on_record, d, &err))
        d->status = status_worse(d->status, cli_fail(&err));
    err_clear(&err);
    if (d->open && !commit(d, &err))
        give_up(d, &err);
}

int lineage_add(struct answer *a, char **files, size_t nfiles)
{
    struct adding d = {.a = a};
    struct chain c;
    bool forward = !a->people && !cli_is_quiet();
    if (!store_open(&a->store, a->o.common.store, STORE_CREATE, &a->err))
        d.status = cli_fail(&a->err);
    err_clear(&a->err);
    chain_init(&c, forward);
    d.free_out = is_free_out(forward);
    for (size_t i = 0; i < nfiles || (i == 0 && nfiles == 0); i++)
        read_one(&d, &c, nfiles ? files[i] : NULL);
    if (c.bad_lines)
        d.status = status_worse(d.status, STATUS_DATA);
    chain_release(&c);
    if (d.refused > REPORTED_MAX)
        cli_error("%llu more records were refused", (unsigned long long)(d.refused - REPORTED_MAX));
    if (d.sum.passed_over)
        cli_warn("%llu datasets without a name were passed over",
                 (unsigned long long)d.sum.passed_over);
    if (a->people && !cli_is_quiet())
        buf_addf(&a->out, "%llu events (%llu known already) with %llu edges, %llu completions\n",
                 (unsigned long long)d.sum.events, (unsigned long long)d.sum.known,
                 (unsigned long long)d.sum.edges, (unsigned long long)d.sum.completions);
    return d.status;
}
