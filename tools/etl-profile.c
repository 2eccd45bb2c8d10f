/* SPDX-License-Identifier: GPL-3.0-or-later */
/* etl-profile: options, streams, statuses. The work is in lib/profile. */
#include <math.h>
#include <sys/stat.h>

#include "base/instant.h"
#include "cli/chain.h"
#include "cli/report.h"
#include "os/os.h"
#include "profile/crew.h"
#include "profile/evolution.h"
#include "profile/verdicts.h"
#include "store/store.h"
#include "tools/etl-profile.h"

struct job {
    struct etl_profile_opts o;
    const char *path; /* of the input in hand */
    bool told;        /* how it was read */
    struct reader_opts reader;
    struct profile_parts parts;
    struct gate gate;
    struct store *store; /* or NULL */
    struct crew *crew;
    struct buf records;           /* with --records */
    struct etl_profile_page page; /* with --format html */
    struct profile_intake intake;
    bool tee_failed;
    bool people, html;
    int status;
};

static void tick(void *ctx, uint64_t read_bytes)
{
    progress_update(ctx, (double)read_bytes);
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

/* What the input is called in messages. */
static const char *input_name(const char *path)
{
    return strcmp(path, "-") == 0 ? "stdin" : path;
}

static const char *dataset_of(const struct job *j, struct arena *a)
{
    if (strcmp(j->path, "-") == 0 || j->o.dataset != NULL)
        return j->o.dataset;
    char *absolute = path_absolute(j->path, NULL);
    const char *name = arena_printf(a, "file:%s", absolute);
    free(absolute);
    return name;
}

/* What verdicts are about. Of several about one subject the last wins, so parts have names of their
 * own. NULL: nameless. */
static const char *subject_of(const struct profile_result *r, struct arena *a)
{
    const struct rec_profile *p = &r->record;
    const char *s = p->dataset;
    if (!r->is_part)
        return s;
    if (p->partition != NULL)
        s = arena_printf(a, "%s, partition %s", s ? s : "stdin", p->partition);
    if (p->from != NULL && p->to != NULL)
        s = arena_printf(a, "%s, %s to %s", s ? s : "stdin", p->from, p->to);
    else if (isfinite(p->first_record))
        s = arena_printf(a, "%s, records %.0f to %.0f", s ? s : "stdin", p->first_record,
                         p->last_record);
    return s;
}

/* Records to where they belong, or the same for people. */
static void put(struct job *j, const struct buf *records, const struct buf *people)
{
    if (j->o.records != NULL)
        buf_add_slice(&j->records, buf_slice(records));
    if (!cli_is_quiet() && !j->html && (j->people || j->o.records == NULL))
        out_buf(j->people ? people : records);
}

/* One finished profile. */
static bool emit(void *ctx, const struct profile *p, struct arena *a, struct profile_result *r,
                 struct err *err)
{
    struct job *j = ctx;
    struct buf line = BUF_INIT(BUF_UNBOUNDED), table = BUF_INIT(BUF_UNBOUNDED);
    struct gate_out held = GATE_OUT_INIT;
    const char *name = input_name(j->path);
    r->record.dataset = dataset_of(j, a);
    if (!j->told)
        etl_profile_notes(name, r, j->o.no_header);
    j->told = true;
    etl_profile_faults(name, r);
    if (r->stats.records == 0 && r->nfaults > 0)
        j->status = status_worse(j->status, STATUS_DATA);
    if (!r->is_part) /* the store knows datasets as wholes */
        consult_store(j, a, &r->record);
    if (!r->is_part && j->gate.run != NULL)
        expect_issues(j->gate.run, a, &r->record);
    rec_profile_write(&line, &r->record);
    if (j->people)
        etl_profile_table(&table, name, p, &r->record);
    bool ok =
        etl_profile_gate(&j->gate, j->store, name, subject_of(r, a), p, a, &r->record, &held, err);
    if (!r->is_part && j->gate.run != NULL)
        etl_profile_gate_end(&j->gate, name, r->record.dataset, a, &held);
    if (!r->is_part && held.ok && ok) /* what was refused is no example for the next */
        remember(j, &r->record, &line);
    buf_add_slice(&line, buf_slice(&held.records));
    buf_add_slice(&table, buf_slice(&held.people));
    if (j->html)
        etl_profile_page_add(&j->page, name, p, &r->record, &held);
    put(j, &line, &table);
    buf_release(&line);
    buf_release(&table);
    gate_out_release(&held);
    /* Who waits for a window shall not wait for the next one too. */
    return ok && (!j->o.follow || j->o.tee || out_flush(err));
}

/* What is said of an input as a whole when its profiles were of parts. */
static void end_of_parts(struct job *j)
{
    struct arena a = ARENA_INIT;
    struct gate_out held = GATE_OUT_INIT;
    etl_profile_gate_end(&j->gate, input_name(j->path), dataset_of(j, &a), &a, &held);
    put(j, &held.records, &held.people);
    gate_out_release(&held);
    arena_release(&a);
}

static void profile_one(struct job *j, const char *path)
{
    struct err err = ERR_INIT;
    struct stat st;
    bool is_stdin = strcmp(path, "-") == 0;
    struct progress progress;
    j->path = path;
    j->told = false;
    progress_start(&progress, input_name(path),
                   !is_stdin && !j->o.follow && stat(path, &st) == 0 ? (double)st.st_size : 0);
    const struct profile_input in = {
        .path = path,
        .opts = &j->reader,
        .parts = j->parts.window || j->parts.window_us || j->parts.by ? &j->parts : NULL,
        .intake = &j->intake,
        .tick = tick,
        .tick_ctx = &progress,
        .emit = emit,
        .emit_ctx = j,
        .begin = j->gate.expect ? etl_profile_gate_begin : NULL,
        .look = j->gate.expect ? etl_profile_gate_look : NULL,
        .look_ctx = &j->gate};
    const struct profile_opts o = {.sample_rate = j->o.sample,
                                   .seed = (uint64_t)j->o.seed,
                                   .fast = j->o.fast,
                                   .crew = j->crew};
    bool ok = profile_run(&in, &o, &err);
    if (ok && j->gate.run != NULL)
        end_of_parts(j);
    progress_done(&progress);
    if (!ok)
        j->status = status_worse(j->status, cli_fail(&err));
}

/* --format html: of all inputs together. */
static void write_page(struct job *j)
{
    struct buf page = BUF_INIT(BUF_UNBOUNDED);
    etl_profile_page_write(&page, &j->page);
    if (!cli_is_quiet())
        out_buf(&page);
    buf_release(&page);
}

static bool check_usage(const struct etl_profile_opts *o, size_t nfiles)
{
    if (o->dataset != NULL && nfiles > 1)
        cli_usage("--dataset names one input, and %zu were given", nfiles);
    else if (!(o->sample > 0))
        cli_usage("--sample 0%% would profile nothing");
    else if (o->tee && o->records == NULL)
        cli_usage("--tee needs --records FILE: standard output carries the data");
    else if (o->tee && o->common.format != NULL && strcmp(o->common.format, "html") == 0)
        cli_usage("--tee and --format html both want standard output");
    else if (o->follow && nfiles > 1)
        cli_usage("--follow follows one file, and %zu were given", nfiles);
    else
        return true;
    return false;
}

int main(int argc, char **argv)
{
    struct job j = {.o = ETL_PROFILE_OPTS_INIT,
                    .records = BUF_INIT(BUF_UNBOUNDED),
                    .page = ETL_PROFILE_PAGE_INIT};
    struct err err = ERR_INIT;
    char **files, *none[] = {(char[]){"-"}};
    size_t nfiles;
    int status;
    cli_init(&etl_profile_tool);
    if (!cli_parse(&etl_profile_tool, argc, argv, &j.o, &files, &nfiles, &status))
        return status;
    if (!check_usage(&j.o, nfiles) || !etl_profile_parts(&j.o, &j.parts) ||
        !etl_profile_gate_init(&j.gate, &j.o))
        return STATUS_USAGE;
    if (!etl_profile_gate_open(&j.gate, &j.o, &err))
        return cli_fail(&err);
    j.reader.delimiter = j.o.delimiter;
    j.reader.quote = j.o.quote;
    j.reader.escape = j.o.escape;
    j.reader.detect = true;
    j.reader.flatten = true;
    j.reader.header = j.o.no_header ? -1 : 0;
    if (j.o.input != NULL && !format_parse(j.o.input, &j.reader.format))
        return cli_usage("unknown format '%s'", j.o.input);
    j.reader.nulls = j.gate.expect != NULL ? expect_nulls(j.gate.expect) : NULL;
    j.html = j.o.common.format != NULL && strcmp(j.o.common.format, "html") == 0;
    j.people = !j.html && !j.o.tee && cli_for_people(&j.o.common);
    etl_profile_intake(&j.intake, &j.o, &j.tee_failed);
    enum store_mode mode = j.o.common.store != NULL ? STORE_CREATE : STORE_EXISTING;
    if (!store_open(&j.store, j.o.common.store, mode, &err)) {
        cli_warn("%s", err.text);
        j.store = NULL;
    }
    if (nfiles == 0) {
        files = none;
        nfiles = 1;
    }
    j.crew = crew_new((int)j.o.threads);
    for (size_t i = 0; i < nfiles && !j.tee_failed; i++)
        profile_one(&j, files[i]);
    crew_free(j.crew);
    if (j.gate.said_no)
        j.status = status_worse(j.status, STATUS_NO);
    etl_profile_gate_close(&j.gate);
    store_close(j.store);
    if (j.html)
        write_page(&j);
    if (j.o.records != NULL)
        j.status = status_worse(j.status, etl_profile_write_records(j.o.records, &j.records));
    buf_release(&j.records);
    err_clear(&err);
    if (!out_close(&err) && !j.tee_failed)
        j.status = status_worse(j.status, cli_fail(&err));
    return j.status;
}
