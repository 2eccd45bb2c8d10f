/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What becomes of the bytes that etl-profile reads and of the records that it writes: --tee,
 * --follow, --records. */
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/chain.h"
#include "os/os.h"
#include "tools/etl-profile.h"

/* --follow: the signal that ends it. */
static volatile sig_atomic_t stop;

static void on_stop(int sig)
{
    stop = sig;
}

/* --tee: to stdout at once, so that nothing waits for us. */
static bool tee(void *ctx, const char *p, size_t n, struct err *err)
{
    bool *failed = ctx;
    out_write(p, n);
    *failed = !out_flush(err);
    return !*failed;
}

/* A second signal ends it as ever. */
static void catch_stop(void)
{
    static const int signals[] = {SIGINT, SIGTERM};
    for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
        struct sigaction now, sa = {.sa_handler = on_stop, .sa_flags = (int)SA_RESETHAND};
        sigemptyset(&sa.sa_mask);
        if (sigaction(signals[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
            sigaction(signals[i], &sa, NULL);
    }
}

void etl_profile_intake(struct profile_intake *in, const struct etl_profile_opts *o,
                        bool *tee_failed)
{
    *in = (struct profile_intake){.no_header = o->no_header};
    if (o->tee) {
        in->tap = tee;
        in->tap_ctx = tee_failed;
    }
    if (o->follow) {
        in->stop = &stop;
        catch_stop();
    }
}

bool etl_profile_records_check(const struct etl_profile_opts *o, struct err *err)
{
    struct stat st;
    struct quoted q;
    const char *path = o->records;
    if (path == NULL || o->tee)
        return true;
    if (stat(path, &st) == 0)
        return !S_ISDIR(st.st_mode) ||
               err_set(err, ERR_ENV, "cannot write to '%s': Is a directory", quote_str(&q, path));
    char *dir = path_dirname(path);
    bool ok = access(dir, W_OK | X_OK) == 0 ||
              err_errno(err, ERR_ENV, "cannot create '%s'", quote_str(&q, path));
    free(dir);
    return ok;
}

int etl_profile_write_records(const char *path, const struct buf *records)
{
    struct atomic_file f;
    struct err err = ERR_INIT;
    bool ok = atomic_open(&f, path, &err);
    if (ok) {
        ok = atomic_write(&f, records->p, records->len, &err) && atomic_commit(&f, &err);
        if (!ok)
            atomic_abort(&f);
    }
    return ok ? STATUS_OK : cli_fail(&err);
}
