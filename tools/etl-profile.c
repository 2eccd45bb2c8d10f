/* SPDX-License-Identifier: GPL-3.0-or-later */
/* etl-profile: options, streams, statuses. The work is in lib/profile. */
#include <math.h>
#include <sys/stat.h>

#include "base/instant.h"
#include "cli/chain.h"
#include "cli/report.h"
#include "os/os.h"
#include "profile/evolution.h"
#include "store/store.h"
#include "tools/etl-profile.h"

struct job {
    struct etl_profile_opts o;
    struct reader_opts reader;
    struct store *store; /* or NULL */
    struct buf records;  /* with --records */
    bool people;
    int status;
};

static void tick(void *ctx, uint64_t read_bytes)
{
    progress_update(ctx, (double)read_bytes);
}

/* What was wrong with records, first offending line and count. */
static void report_faults(struct job *j, const char *name, const struct profile_result *r)
{
    for (size_t i = 0; i < r->nfaults; i++) {
        const struct profile_fault *f = &r->faults[i];
        char more[64] = "";
        if (f->count > 1)
            snprintf(more, sizeof(more), " (first of %llu such records)",
                     (unsigned long long)f->count);
        if (r->delivered == 0)
            cli_error("%s:%llu: %s%s", name, (unsigned long long)f->line, f->reason, more);
        else
            cli_warn("%s:%llu: %s%s", name, (unsigned long long)f->line, f->reason, more);
    }
    if (r->delivered == 0 && r->nfaults > 0)
        j->status = status_worse(j->status, STATUS_DATA);
}

/* "--delimiter ';' --quote none": how `d` differs from `from`, in the words of the options. */
static void say_dialect(struct buf *to, const struct dialect *d, const struct dialect *from)
{
    char name[8];
    if (d->delimiter != from->delimiter)
        buf_addf(to, " --delimiter %s", dialect_char_name(d->delimiter, name));
    if (d->quote != from->quote)
        buf_addf(to, " --quote %s", dialect_char_name(d->quote, name));
    if (d->escape != from->escape)
        buf_addf(to, " --escape %s", dialect_char_name(d->escape, name));
}

/* What was found of the dialect: nothing of it silently when it could be another. */
static void report_dialect(const struct job *j, const char *name, const struct reader_stats *s)
{
    const struct dialect_guess *g = &s->dialect;
    struct buf other = BUF_INIT(BUF_UNBOUNDED);
    char a[8], b[8];
    if (s->format == FORMAT_JSONL || g->columns == 0)
        return;
    cli_note("%s: delimiter %s, quote %s, escape %s%s, %u columns, confidence %.2f", name,
             dialect_char_name(g->best.delimiter, a), dialect_char_name(g->best.quote, b),
             g->best.escape < 0 ? "none" : "set", g->best.cr ? ", lines end at CR" : "", g->columns,
             g->confidence);
    for (size_t i = 0; i < g->nties; i++) {
        if (i > 0)
            buf_adds(&other, ", or");
        say_dialect(&other, &g->ties[i], &g->best);
    }
    if (other.len > 0)
        cli_warn("%s: read with delimiter %s, quote %s (%u columns), but it may be%s", name,
                 dialect_char_name(g->best.delimiter, a), dialect_char_name(g->best.quote, b),
                 g->columns, buf_str(&other));
    if (g->first_is_data && !j->o.no_header)
        cli_warn("%s: the first record looks like data and was read as names (--no-header)", name);
    buf_release(&other);
}

/* Profiles without records say nothing of a schema, and nameless ones cannot be found again. */
static void consult_store(struct job *j, struct arena *a, struct rec_profile *p)
{
    struct err err = ERR_INIT;
    struct store_schema *history;
    size_t n;
    if (j->store == NULL || p->dataset == NULL || !(p->records > 0))
        return;
    if (store_schemas(j->store, a, p->dataset, &history, &n, &err))
        p->schema_evolution_probability = profile_evolution(history, n, p, instant_now());
    else
        cli_warn("%s", err.text);
}

static void remember(struct job *j, const struct rec_profile *p, const struct buf *line)
{
    struct err err = ERR_INIT;
    if (j->store == NULL || p->dataset == NULL || !(p->records > 0))
        return;
    if (!store_profile_add(j->store, p, slice_of(line->p, line->len - 1), &err))
        cli_warn("%s", err.text);
}

static void profile_one(struct job *j, const char *path)
{
    struct arena a = ARENA_INIT;
    struct err err = ERR_INIT;
    struct buf line = BUF_INIT(BUF_UNBOUNDED);
    struct profile_result r;
    struct stat st;
    bool is_stdin = strcmp(path, "-") == 0;
    const char *name = is_stdin ? "stdin" : path;
    struct progress progress;
    progress_start(&progress, name, !is_stdin && stat(path, &st) == 0 ? (double)st.st_size : 0);
    const struct profile_input in = {path, &j->reader, tick, &progress};
    const struct profile_opts o = {j->o.sample, (uint64_t)j->o.seed, j->o.fast};
    bool ok = profile_run(&a, &in, &o, &r, &err);
    progress_done(&progress);
    if (!ok) {
        j->status = status_worse(j->status, cli_fail(&err));
    } else {
        if (!is_stdin && j->o.dataset == NULL) {
            char *absolute = path_absolute(path, NULL);
            r.record.dataset = arena_printf(&a, "file:%s", absolute);
            free(absolute);
        } else {
            r.record.dataset = j->o.dataset;
        }
        cli_note("%s: %s%s%s, %llu records", name, format_name(r.stats.format),
                 r.stats.compression ? ", " : "", r.stats.compression ? r.stats.compression : "",
                 (unsigned long long)r.delivered);
        if (r.stats.encoding != NULL)
            cli_note("%s: %s, %llu characters that are none", name, r.stats.encoding,
                     (unsigned long long)r.stats.replaced);
        if (r.stats.latin1)
            cli_note("%s:%llu: the first bytes that are not UTF-8 (Latin-1?)", name,
                     (unsigned long long)r.stats.latin1_line);
        report_dialect(j, name, &r.stats);
        report_faults(j, name, &r);
        consult_store(j, &a, &r.record);
        rec_profile_write(&line, &r.record);
        remember(j, &r.record, &line);
        if (j->o.records != NULL)
            buf_add_slice(&j->records, buf_slice(&line));
        if (j->people) {
            buf_clear(&line);
            etl_profile_table(&line, name, &r.record);
        }
        if (!cli_is_quiet() && (j->people || j->o.records == NULL))
            out_buf(&line);
    }
    buf_release(&line);
    arena_release(&a);
}

/* --records FILE, whole or not at all. */
static void write_records(struct job *j)
{
    struct atomic_file f;
    struct err err = ERR_INIT;
    bool ok = atomic_open(&f, j->o.records, &err);
    if (ok) {
        ok =
            atomic_write(&f, buf_str(&j->records), j->records.len, &err) && atomic_commit(&f, &err);
        if (!ok)
            atomic_abort(&f);
    }
    if (!ok)
        j->status = status_worse(j->status, cli_fail(&err));
}

static bool check_usage(const struct etl_profile_opts *o, size_t nfiles)
{
    if (o->dataset != NULL && nfiles > 1)
        cli_usage("--dataset names one input, and %zu were given", nfiles);
    else if (!(o->sample > 0))
        cli_usage("--sample 0%% would profile nothing");
    else
        return true;
    return false;
}

int main(int argc, char **argv)
{
    struct job j = {.o = ETL_PROFILE_OPTS_INIT, .records = BUF_INIT(BUF_UNBOUNDED)};
    struct err err = ERR_INIT;
    char **files, *none[] = {(char[]){"-"}};
    size_t nfiles;
    int status;
    cli_init(&etl_profile_tool);
    if (!cli_parse(&etl_profile_tool, argc, argv, &j.o, &files, &nfiles, &status))
        return status;
    if (!check_usage(&j.o, nfiles))
        return STATUS_USAGE;
    j.reader.delimiter = j.o.delimiter;
    j.reader.quote = j.o.quote;
    j.reader.escape = j.o.escape;
    j.reader.detect = true;
    j.reader.flatten = true;
    j.reader.header = j.o.no_header ? -1 : 0;
    if (j.o.input != NULL && !format_parse(j.o.input, &j.reader.format))
        return cli_usage("unknown format '%s'", j.o.input);
    j.people = cli_for_people(&j.o.common);
    enum store_mode mode = j.o.common.store != NULL ? STORE_CREATE : STORE_EXISTING;
    if (!store_open(&j.store, j.o.common.store, mode, &err)) {
        cli_warn("%s", err.text);
        j.store = NULL;
    }
    if (nfiles == 0) {
        files = none;
        nfiles = 1;
    }
    for (size_t i = 0; i < nfiles; i++)
        profile_one(&j, files[i]);
    store_close(j.store);
    if (j.o.records != NULL)
        write_records(&j);
    buf_release(&j.records);
    err_clear(&err);
    if (!out_close(&err))
        j.status = status_worse(j.status, cli_fail(&err));
    return j.status;
}
