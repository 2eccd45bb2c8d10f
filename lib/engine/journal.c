/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The journal. See journal.h. */
#include "engine/journal.h"

#include <stdlib.h>
#include <unistd.h>

#include "os/os.h"

#define VERSION 1

static const char *const step_names[] = {"none", "began", "ready", "ended"};

/* -- what a stage is made from -- */

/* Not a URL: those are as the pipeline has them, paths are absolute. */
static bool is_path(const char *path)
{
    return path[0] == '/' || strcmp(path, "-") == 0;
}

bool journal_writes(const struct stage *s, const char *path)
{
    if (s->op == OP_WRITE)
        return strcmp(s->u.write.path, path) == 0;
    const struct text_list *writes = stage_writes(s);
    for (uint32_t i = 0; i < writes->n; i++) {
        if (strcmp(writes->items[i], path) == 0)
            return true;
    }
    return false;
}

/* What the pipeline makes itself is told by the stage that makes it. */
static bool is_made_here(const struct pipeline *p, const char *path)
{
    for (uint32_t i = 0; i < p->nstages; i++) {
        if (journal_writes(&p->stages[i], path))
            return true;
    }
    return false;
}

static void take_marks(struct journal *j, const struct text_list *paths, bool inputs,
                       struct marks *out)
{
    *out = (struct marks){ARENA_ARRAY(j->a, struct mark, paths->n), 0};
    for (uint32_t i = 0; i < paths->n; i++) {
        if (is_path(paths->items[i]) && !(inputs && is_made_here(j->p, paths->items[i])))
            mark_take(&out->items[out->n++], arena_strdup(j->a, paths->items[i]));
    }
}

static void hash_definition(const struct pipeline *p, uint32_t i, char out[SHA256_HEX])
{
    static const char *const no_matter[] = {"resources", "timeout_s", "retries", "description"};
    const struct json *def = json_at(json_get(p->definition, "stages"), i);
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    for (uint32_t k = 0; k < json_len(def); k++) {
        bool matters = true;
        for (size_t m = 0; m < ARRAY_LEN(no_matter); m++)
            matters = matters && !slice_is(def->u.members[k].name, no_matter[m]);
        if (!matters)
            continue;
        json_quote(&text, def->u.members[k].name);
        json_write(&text, def->u.members[k].value);
    }
    /* `input` may be left out: then it is the stage above, which may be another one now. */
    for (uint32_t k = 0; k < p->stages[i].ninputs; k++)
        json_quote(&text, slice_str(p->stages[p->stages[i].inputs[k]].id));
    struct sha256 h;
    sha256_init(&h);
    sha256_add(&h, buf_str(&text), text.len);
    sha256_hex(&h, out);
    buf_release(&text);
}

static void hash_types(const struct schema *s, char out[SHA256_HEX])
{
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    for (uint32_t i = 0; i < s->n; i++) {
        json_quote(&text, slice_str(s->fields[i].name));
        buf_adds(&text, type_name(s->fields[i].type));
    }
    struct sha256 h;
    sha256_init(&h);
    sha256_add(&h, buf_str(&text), text.len);
    sha256_hex(&h, out);
    buf_release(&text);
}

const char *journal_program(struct arena *a, const struct pipeline *p, const struct stage *s)
{
    const char *run = s->op == OP_COMMAND ? s->u.command.run : "";
    run += strspn(run, " \t\n");
    size_t n = strcspn(run, " \t\n");
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-+./@,:%";
    if (n == 0 || strspn(run, plain) < n)
        return NULL;
    const char *word = arena_strndup(a, run, n);
    if (strchr(word, '/')) {
        char *path = path_absolute(word, p->base);
        word = arena_strdup(a, path);
        free(path);
        return access(word, X_OK) == 0 ? word : NULL;
    }
    const char *dirs = getenv("PATH");
    for (uint32_t i = 0; i < s->env.n; i++) {
        if (strncmp(s->env.items[i], "PATH=", 5) == 0)
            dirs = s->env.items[i] + 5;
    }
    while (dirs && *dirs) {
        size_t len = strcspn(dirs, ":");
        const char *path = arena_printf(a, "%.*s/%s", (int)len, dirs, word);
        if (len > 0 && dirs[0] == '/' && access(path, X_OK) == 0)
            return path;
        dirs += len + (dirs[len] == ':');
    }
    return NULL;
}

void journal_init(struct journal *j, struct store *store, const char *run_id,
                  const struct pipeline *p, struct arena *a)
{
    char build[BUILD_ID_TEXT];
    os_build_id(build);
    *j = (struct journal){.run_id = run_id, .p = p, .store = store, .a = a};
    j->build = arena_strdup(a, build);
    j->nstages = p->nstages;
    j->stages = ARENA_ARRAY(a, struct journal_stage, p->nstages);
    for (uint32_t i = 0; i < p->nstages; i++) {
        const struct stage *s = &p->stages[i];
        struct journal_stage *g = &j->stages[i];
        g->id = s->id;
        hash_definition(p, i, g->definition);
        if (s->op == OP_READ)
            take_marks(j, &s->u.read.paths, true, &g->reads);
        if (s->op == OP_READ && s->bound && !s->u.read.from_stage)
            hash_types(&s->schema, g->types);
    }
}

/* -- rows -- */

static void write_run_row(const struct journal *j, struct buf *out)
{
    struct jw w;
    jw_begin(&w, out);
    jw_obj(&w);
    jw_kint(&w, "v", VERSION);
    jw_kstr(&w, "build", j->build);
    jw_key(&w, "stages");
    jw_arr(&w);
    for (uint32_t i = 0; i < j->nstages; i++) {
        const struct journal_stage *g = &j->stages[i];
        jw_obj(&w);
        jw_kstr(&w, "id", g->id);
        jw_kstr(&w, "definition", g->definition);
        if (g->types[0])
            jw_kstr(&w, "types", g->types);
        if (g->reads.n && j->p->stages[i].op == OP_READ)
            marks_write(&w, "reads", &g->reads);
        if (g->rejects)
            jw_kint(&w, "rejects", (int64_t)g->rejects);
        jw_end_obj(&w);
    }
    jw_end_arr(&w);
    jw_end_obj(&w);
}

/* `rejects`: of all stages so far, or NULL. */
static void write_stage_row(const struct journal *j, const struct journal_stage *g,
                            const uint64_t *rejects, struct buf *out)
{
    struct jw w;
    jw_begin(&w, out);
    jw_obj(&w);
    jw_kstr(&w, "step", step_names[g->step]);
    if (g->hidden)
        jw_kstr(&w, "hidden", g->hidden);
    if (g->program.path) {
        jw_key(&w, "program");
        mark_write(&w, &g->program);
    }
    if (g->reads.n)
        marks_write(&w, "reads", &g->reads);
    if (g->outputs.n)
        marks_write(&w, "outputs", &g->outputs);
    if (rejects) {
        jw_key(&w, "rejects");
        jw_obj(&w);
        for (uint32_t i = 0; i < j->nstages; i++) {
            if (rejects[i])
                jw_kint(&w, j->stages[i].id, (int64_t)rejects[i]);
        }
        jw_end_obj(&w);
    }
    jw_end_obj(&w);
}

static struct store_journal stage_row(const struct journal *j, const struct journal_stage *g,
                                      const uint64_t *rejects)
{
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    write_stage_row(j, g, rejects, &text);
    struct store_journal row = {g->id, arena_slice(j->a, buf_slice(&text))};
    buf_release(&text);
    return row;
}

bool journal_begin(struct journal *j, const char *from, struct err *err)
{
    if (!j->store)
        return true;
    struct store_journal *rows = ARENA_ARRAY(j->a, struct store_journal, j->nstages + 1);
    size_t n = 1;
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    write_run_row(j, &text);
    rows[0] = (struct store_journal){"", buf_slice(&text)};
    for (uint32_t i = 0; i < j->nstages; i++) {
        if (j->stages[i].step != JOURNAL_NONE)
            rows[n++] = stage_row(j, &j->stages[i], NULL);
    }
    bool ok = store_journal_begin(j->store, j->run_id, from, rows, n, err);
    buf_release(&text);
    if (!ok)
        j->store = NULL;
    return ok;
}

/* -- steps -- */

/* A command may change what stages before it have written: that is how it stays. */
static size_t note_outputs(struct journal *j, uint32_t but, struct store_journal *rows, size_t n)
{
    for (uint32_t i = 0; i < j->nstages; i++) {
        struct journal_stage *g = &j->stages[i];
        bool changed = false;
        if (g->hidden && path_exists(g->hidden)) /* it is not published yet */
            continue;
        for (uint32_t k = 0; i != but && g->step >= JOURNAL_READY && k < g->outputs.n; k++) {
            struct mark now;
            mark_take(&now, g->outputs.items[k].path);
            if (!mark_holds(&g->outputs.items[k], &now)) {
                g->outputs.items[k] = now;
                changed = true;
            }
        }
        if (changed)
            rows[n++] = stage_row(j, g, NULL);
    }
    return n;
}

bool journal_step(struct journal *j, const struct engine_step *s)
{
    if (!j->store)
        return false;
    struct store_journal *rows = ARENA_ARRAY(j->a, struct store_journal, j->nstages + 1);
    size_t n = 0;
    struct journal_stage *g = &j->stages[s->stage];
    const struct stage *stage = &j->p->stages[s->stage];
    switch (s->kind) {
    case STEP_STARTS: {
        const char *program = journal_program(j->a, j->p, stage);
        g->step = JOURNAL_BEGAN;
        take_marks(j, stage_reads(stage), true, &g->reads);
        if (program)
            mark_take(&g->program, program);
        rows[n++] = stage_row(j, g, NULL);
        break;
    }
    case STEP_ENDED:
        g->step = JOURNAL_ENDED;
        take_marks(j, stage_writes(stage), false, &g->outputs);
        rows[n++] = stage_row(j, g, s->rejects);
        n = note_outputs(j, s->stage, rows, n);
        break;
    case STEP_READY:
        for (uint32_t i = 0; i < s->noutputs; i++) {
            g = &j->stages[s->outputs[i].stage];
            g->step = JOURNAL_READY;
            g->hidden = arena_strdup(j->a, s->outputs[i].hidden);
            g->outputs = (struct marks){ARENA_NEW(j->a, struct mark), 1};
            mark_take(g->outputs.items, g->hidden);
            g->outputs.items->path = j->p->stages[s->outputs[i].stage].u.write.path;
            rows[n++] = stage_row(j, g, s->rejects);
        }
        break;
    }
    return n == 0 ||
           store_journal_put(j->store, j->run_id, rows, n, s->kind == STEP_ENDED, &j->err);
}

/* -- reading one -- */

const struct journal_stage *journal_find(const struct journal *j, const char *id)
{
    for (uint32_t i = 0; i < j->nstages; i++) {
        if (strcmp(j->stages[i].id, id) == 0)
            return &j->stages[i];
    }
    return NULL;
}

static void read_run_row(struct journal *j, const struct json *v)
{
    const struct json *stages = json_get(v, "stages");
    j->build = arena_strdup(j->a, json_str(v, "build", ""));
    j->nstages = json_is(stages, JSON_ARRAY) ? (uint32_t)json_len(stages) : 0;
    j->stages = ARENA_ARRAY(j->a, struct journal_stage, j->nstages);
    for (uint32_t i = 0; i < j->nstages; i++) {
        const struct json *s = json_at(stages, i);
        struct journal_stage *g = &j->stages[i];
        g->id = json_str(s, "id", "");
        snprintf(g->definition, sizeof(g->definition), "%s", json_str(s, "definition", ""));
        snprintf(g->types, sizeof(g->types), "%s", json_str(s, "types", ""));
        marks_read(j->a, json_get(s, "reads"), &g->reads);
        g->rejects = (uint64_t)json_int(s, "rejects", 0);
    }
}

static void read_stage_row(struct journal *j, const char *id, const struct json *v)
{
    const struct json *rejects = json_get(v, "rejects");
    const char *step = json_str(v, "step", "");
    for (uint32_t i = 0; i < j->nstages; i++) {
        struct journal_stage *g = &j->stages[i];
        int64_t n = json_int(rejects, g->id, 0);
        if ((uint64_t)n > g->rejects)
            g->rejects = (uint64_t)n;
        if (strcmp(g->id, id) != 0)
            continue;
        for (size_t k = 0; k < ARRAY_LEN(step_names); k++) {
            if (strcmp(step, step_names[k]) == 0)
                g->step = (enum journal_step)k;
        }
        g->hidden = json_str(v, "hidden", NULL);
        if (json_get(v, "program"))
            mark_read(json_get(v, "program"), &g->program);
        if (json_get(v, "reads"))
            marks_read(j->a, json_get(v, "reads"), &g->reads);
        marks_read(j->a, json_get(v, "outputs"), &g->outputs);
    }
}

bool journal_load(struct journal *j, struct store *store, const char *run_id, struct arena *a,
                  struct err *err)
{
    struct store_journal *rows;
    size_t n;
    *j = (struct journal){.run_id = run_id, .store = store, .a = a};
    if (!store_journal_read(store, a, run_id, &rows, &n, err))
        return false;
    for (size_t i = 0; i < n; i++) {
        struct json *v = NULL;
        struct err why = ERR_INIT;
        bool first = rows[i].stage[0] == '\0';
        if (first != (i == 0) || !json_parse(a, rows[i].body, 0, &v, &why) ||
            !json_is(v, JSON_OBJECT) || (first && json_int(v, "v", 0) != VERSION))
            return err_set(err, ERR_ENV,
                           "the journal of run '%s' is damaged, or of another version: run the "
                           "pipeline without --resume",
                           run_id);
        if (first)
            read_run_row(j, v);
        else
            read_stage_row(j, rows[i].stage, v);
    }
    return true;
}
