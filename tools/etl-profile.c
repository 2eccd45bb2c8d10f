/* SPDX-License-Identifier: GPL-3.0-or-later */
/* etl-profile: options, streams, statuses. The work is in lib/profile. */
#include <math.h>
#include <sys/stat.h>

#include "base/instant.h"
#include "cli/chain.h"
#include "cli/report.h"
#include "os/os.h"
#include "profile/crew.h"
#include "profile/table_schema.h"
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

/* Records to where they belong, or the same for people. */
static void put(struct job *j, const struct buf *records, const struct buf *people)
{
    if (j->o.records != NULL)
        buf_add_slice(&j->records, buf_slice(records));
    if (!cli_is_quiet() && !j->html && (j->people || j->o.records == NULL))
        out_buf(j->people && people ? people : records);
}

static void put_sketch(void *job, const struct buf *line)
{
    put(job, line, NULL);
}

static int write_schema(const struct job *j, const struct profile_result *r)
{
    struct buf schema = BUF_INIT(BUF_UNBOUNDED);
    profile_table_schema(&r->record, r->stats.format == FORMAT_JSONL, &schema);
    int status = etl_profile_write_records(j->o.write_schema, &schema);
    buf_release(&schema);
    return status;
}

/* One finished profile. */
static bool emit(void *ctx, const struct profile *p, struct arena *a, struct profile_result *r,
                 struct err *err)
{
    struct job *j = ctx;
    struct buf line = BUF_INIT(BUF_UNBOUNDED), table = BUF_INIT(BUF_UNBOUNDED);
    struct gate_out held = GATE_OUT_INIT;
    const char *name = input_name(j->path);
    if (!j->o.merge) /* what was merged brings its own */
        r->record.dataset = dataset_of(j, a);
    if (!j->told)
        etl_profile_notes(name, r, j->o.no_header);
    j->told = true;
    etl_profile_faults(name, r);
    if (r->stats.records == 0 && r->nfaults > 0)
        j->status = status_worse(j->status, STATUS_DATA);
    if (!r->is_part) /* the store knows datasets as wholes */
        etl_profile_consult(j->store, a, &r->record);
    if (!r->is_part && j->gate.run != NULL)
        expect_issues(j->gate.run, a, &r->record);
    rec_profile_write(&line, &r->record);
    if (j->people)
        etl_profile_table(&table, name, p, &r->record);
    bool ok =
        etl_profile_gate(&j->gate, j->store, name, etl_profile_subject(a, &r->record, r->is_part),
                         p, a, &r->record, &held, err);
    if (!r->is_part && j->gate.run != NULL)
        etl_profile_gate_end(&j->gate, name, r->record.dataset, a, &held);
    if (!r->is_part && held.ok && ok) /* what was refused is no example for the next */
        etl_profile_remember(j->store, p, &r->record, buf_slice(&line));
    if (j->o.write_schema != NULL && ok && !r->is_part)
        j->status = status_worse(j->status, write_schema(j, r));
    if (j->html)
        etl_profile_page_add(&j->page, name, p, &r->record, &held);
    put(j, &line, &table);
    if (j->o.sketches && (j->o.records != NULL || !(j->people || j->html)))
        etl_profile_sketches(p, &r->record, put_sketch, j);
    put(j, &held.records, &held.people);
    buf_release(&line);
    buf_release(&table);
    gate_out_release(&held);
    /* Who waits for a window shall not wait for the next one too. */
    return ok && (!j->o.follow || j->o.tee || out_flush(err));
}

static bool by_blocks(const struct etl_profile_opts *o)
{
    return strcmp(o->sample_by, "block") == 0;
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
        .block_rate = by_blocks(&j->o) ? j->o.sample : 0,
        .tick = tick,
        .tick_ctx = &progress,
        .emit = emit,
        .emit_ctx = j,
        .begin = j->gate.expect ? etl_profile_gate_begin : NULL,
        .look = j->gate.expect ? etl_profile_gate_look : NULL,
        .look_ctx = &j->gate};
    const struct profile_opts o = {.sample_rate = by_blocks(&j->o) ? 1 : j->o.sample,
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

static void profile_all(struct job *j, char **files, size_t nfiles)
{
    j->crew = crew_new((int)j->o.threads);
    for (size_t i = 0; i < nfiles && !j->tee_failed; i++)
        profile_one(j, files[i]);
    crew_free(j->crew);
}

static void merge(struct job *j, char **files, size_t nfiles)
{
    j->path = nfiles == 1 ? files[0] : "-";
    j->told = true;
    etl_profile_merge(&j->o, files, nfiles, !cli_is_quiet() && !j->people && !j->html, emit, j,
                      &j->status);
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
    if (!etl_profile_usage(&j.o, files, nfiles) || !etl_profile_parts(&j.o, &j.parts) ||
        !etl_profile_gate_init(&j.gate, &j.o))
        return STATUS_USAGE;
    if (!etl_profile_records_check(&j.o, &err) || !etl_profile_gate_open(&j.gate, &j.o, &err))
        return cli_fail(&err);
    j.reader.delimiter = j.o.delimiter;
    j.reader.quote = j.o.quote;
    j.reader.escape = j.o.escape;
    j.reader.detect = true;
    j.reader.flatten = true;
    j.reader.columns_max = PROFILE_COLUMNS_MAX;
    j.reader.header = j.o.no_header ? -1 : 0;
    if (j.o.input != NULL && !format_parse(j.o.input, &j.reader.format))
        return cli_usage("unknown format '%s'", j.o.input);
    j.reader.nulls = j.gate.expect != NULL ? expect_nulls(j.gate.expect) : NULL;
    j.html = j.o.common.format != NULL && strcmp(j.o.common.format, "html") == 0;
    j.people = !j.html && !j.o.tee && cli_for_people(&j.o.common);
    etl_profile_intake(&j.intake, &j.o, &j.tee_failed);
    enum store_mode mode = j.o.common.store != NULL ? STORE_CREATE : STORE_EXISTING;
    if (!store_open(&j.store, j.o.common.store, mode, &err)) {
        j.store = NULL;
        j.gate.lost = etl_profile_gate_needs_store(&j.gate);
        if (j.gate.lost)
            j.status = cli_fail(&err);
        else
            cli_warn("%s", err.text);
    }
    if (nfiles == 0) {
        files = none;
        nfiles = 1;
    }
    if (j.o.merge)
        merge(&j, files, nfiles);
    else
        profile_all(&j, files, nfiles);
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
