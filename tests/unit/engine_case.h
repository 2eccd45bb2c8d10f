/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs a pipeline over literal files in a folder of its own, for the unit tests of the engine. */
#ifndef FORELINE_TESTS_ENGINE_CASE_H
#define FORELINE_TESTS_ENGINE_CASE_H

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/engine.h"
#include "os/os.h"
#include "tests/unit/suite.h"

struct engine_case {
    char dir[256];
    struct pipeline p;
    struct arena mem;
    struct engine_opts opts;
    struct engine_result result;
    struct err err;
    bool ok;
};

static inline void case_begin(struct engine_case *c)
{
    const char *tmp = getenv("TMPDIR");
    *c = (struct engine_case){.ok = false};
    snprintf(c->dir, sizeof(c->dir), "%s/engine-XXXXXX", tmp ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(c->dir));
    c->opts.data_fd = STDOUT_FILENO;
}

static inline void case_file(const struct engine_case *c, const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", c->dir, name);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_ge(fputs(text, f), 0);
    ck_assert_int_eq(fclose(f), 0);
}

/* The stages between [ and ]; the result says how it went. */
static inline bool case_run(struct engine_case *c, const char *stages)
{
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    buf_addf(&text, "{\"pipeline\": \"p\", \"stages\": [%s]}", stages);
    case_file(c, "p.json", buf_str(&text));
    buf_release(&text);
    char path[512];
    snprintf(path, sizeof(path), "%s/p.json", c->dir);
    err_clear(&c->err);
    c->ok = pipeline_load(&c->p, path, NULL, 0, &c->err) &&
            pipeline_bind(&c->p, NULL, 0, &c->err) &&
            engine_run(&c->p, &c->opts, &c->mem, &c->result, &c->err);
    return c->ok;
}

static inline bool case_exists(const struct engine_case *c, const char *name)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", c->dir, name);
    return access(path, F_OK) == 0;
}

/* The file's text; of the case's arena. */
static inline const char *case_text(struct engine_case *c, const char *name)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", c->dir, name);
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    struct err err = ERR_INIT;
    ck_assert_msg(file_read_all(path, BUF_UNBOUNDED, &text, &err), "%s", err.text);
    const char *s = arena_strdup(&c->mem, buf_str(&text));
    buf_release(&text);
    return s;
}

static inline void case_end(struct engine_case *c)
{
    pipeline_release(&c->p);
    arena_release(&c->mem);
    char *command = xasprintf("rm -rf '%s'", c->dir);
    ck_assert_int_eq(system(command), 0);
    free(command);
}

/* in.csv holds `csv` (and in2.csv `csv2`), the stages are read "a" (and "b"), `stages`, and a write
 * to out.csv whose text must be `want`. */
static inline void expect2(const char *csv, const char *csv2, const char *stages, const char *want)
{
    struct engine_case c;
    case_begin(&c);
    case_file(&c, "in.csv", csv);
    case_file(&c, "in2.csv", csv2);
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    buf_adds(&text, "{\"id\":\"a\",\"op\":\"read\",\"path\":\"in.csv\"},");
    if (*csv2)
        buf_adds(&text, "{\"id\":\"b\",\"op\":\"read\",\"path\":\"in2.csv\"},");
    buf_addf(&text, "%s,{\"id\":\"out\",\"op\":\"write\",\"path\":\"out.csv\"}", stages);
    ck_assert_msg(case_run(&c, buf_str(&text)), "%s", c.err.text);
    ck_assert_str_eq(case_text(&c, "out.csv"), want);
    buf_release(&text);
    case_end(&c);
}

static inline void expect(const char *csv, const char *stages, const char *want)
{
    expect2(csv, "", stages, want);
}

#endif
