/* SPDX-License-Identifier: GPL-3.0-or-later */
/* etl-predict: options, streams, statuses. The work is in lib/predict. */
#include <unistd.h>

#include "cli/chain.h"
#include "tools/etl-predict.h"

struct job {
    struct etl_predict_opts o;
    struct chain chain;
    struct arena mem;
    struct rec_profile *profiles;
    size_t nprofiles;
    struct param *params;
    struct store *store; /* or NULL */
    bool people;
    int status;
};

/* Every record of the chain: profiles are kept. */
static bool take_record(void *ctx, struct chain *c, const struct json *rec, struct slice line)
{
    struct job *j = ctx;
    struct rec_profile p;
    struct err err = ERR_INIT;
    (void)line;
    if (!rec_is(rec, "profile"))
        return false;
    if (!rec_profile_read(&j->mem, rec, &p, &err)) {
        cli_error("%s:%llu: %s", c->name, (unsigned long long)c->line_no, err.text);
        j->status = status_worse(j->status, STATUS_DATA);
        return false;
    }
    *ARENA_PUSH(&j->mem, j->profiles, j->nprofiles) = p;
    return true;
}

static void read_chain(struct job *j, char **files, size_t nfiles)
{
    struct err err = ERR_INIT;
    chain_init(&j->chain, !j->people && !cli_is_quiet());
    /* Somebody who types a command at a terminal has no records to give. */
    if (nfiles == 0 && !isatty(STDIN_FILENO) && !chain_read(&j->chain, NULL, take_record, j, &err))
        j->status = status_worse(j->status, cli_fail(&err));
    for (size_t i = 0; i < nfiles; i++) {
        err_clear(&err);
        if (!chain_read(&j->chain, files[i], take_record, j, &err))
            j->status = status_worse(j->status, cli_fail(&err));
    }
    if (j->chain.bad_lines > 0)
        j->status = status_worse(j->status, STATUS_DATA);
}

static bool parse_params(struct job *j)
{
    j->params = ARENA_ARRAY(&j->mem, struct param, j->o.params.n);
    for (size_t i = 0; i < j->o.params.n; i++) {
        const char *text = j->o.params.items[i], *eq = strchr(text, '=');
        if (!eq || eq == text) {
            cli_usage("--param: '%s' is not K=V", text);
            return false;
        }
        j->params[i].name = arena_strndup(&j->mem, text, (size_t)(eq - text));
        j->params[i].value = eq + 1;
    }
    return true;
}

/* Bound when its inputs are there: then types are known, and columns are checked. A pipeline whose
 * inputs have not come yet can be predicted from history all the same. */
static bool load(struct job *j, struct pipeline *p, struct err *err)
{
    if (!pipeline_load(p, j->o.pipeline, j->params, j->o.params.n, err))
        return false;
    if (pipeline_bind(p, j->profiles, j->nprofiles, err))
        return true;
    if (err->kind != ERR_ENV)
        return false;
    cli_note("%s: predicted without it", err->text);
    err_clear(err);
    pipeline_release(p);
    return pipeline_load(p, j->o.pipeline, j->params, j->o.params.n, err);
}

static void open_store(struct job *j)
{
    struct err err = ERR_INIT;
    enum store_mode mode = j->o.common.store ? STORE_CREATE : STORE_EXISTING;
    if (!store_open(&j->store, j->o.common.store, mode, &err)) {
        cli_warn("%s: predicted without history", err.text);
        j->store = NULL;
    }
}

static void predict(struct job *j)
{
    struct pipeline p;
    struct err err = ERR_INIT;
    struct predict_calibration calibration;
    struct rec_execution_profile x;
    struct predict_note *notes;
    if (!load(j, &p, &err)) {
        j->status = status_worse(j->status, cli_fail(&err));
        pipeline_release(&p);
        return;
    }
    open_store(j);
    predict_calibrate(j->store, &calibration);
    cli_note("this machine: %.2f times as fast as the reference (%s)", calibration.speed,
             calibration.cached ? "from the store" : "measured");
    const struct predict_options o = {
        .profiles = j->profiles,
        .nprofiles = j->nprofiles,
        .store = j->store,
        .speed = calibration.speed,
        .scale = j->o.scale,
    };
    if (!predict_pipeline(&j->mem, &p, &o, &x, &notes, &err)) {
        j->status = status_worse(j->status, cli_fail(&err));
    } else {
        struct buf out = BUF_INIT(BUF_UNBOUNDED);
        for (uint32_t i = 0; i < x.nstages; i++)
            cli_note("%s: %s; records: %s", x.stages[i].id, notes[i].basis, notes[i].why);
        if (j->people)
            etl_predict_table(&out, &x, notes);
        else
            rec_execution_profile_write(&out, &x);
        if (!cli_is_quiet())
            out_buf(&out);
        buf_release(&out);
    }
    store_close(j->store);
    pipeline_release(&p);
}

int main(int argc, char **argv)
{
    struct job j = {.o = ETL_PREDICT_OPTS_INIT, .mem = ARENA_INIT};
    struct err err = ERR_INIT;
    char **files;
    size_t nfiles;
    int status;
    cli_init(&etl_predict_tool);
    if (!cli_parse(&etl_predict_tool, argc, argv, &j.o, &files, &nfiles, &status))
        return status;
    if (!j.o.pipeline)
        return cli_usage("which pipeline? Name its file with -p");
    if (!parse_params(&j)) {
        arena_release(&j.mem);
        return STATUS_USAGE;
    }
    j.people = cli_for_people(&j.o.common);
    read_chain(&j, files, nfiles);
    predict(&j);
    chain_release(&j.chain);
    arena_release(&j.mem);
    if (!out_close(&err))
        j.status = status_worse(j.status, cli_fail(&err));
    return j.status;
}
