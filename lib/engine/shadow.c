/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shadow runs: where outputs go, what is not run, the snapshot of the inputs. The verdict is made
 * in shadow_verdict.c. */
#include "engine/shadow.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/shadow_int.h"
#include "os/os.h"

#define FOLDER_NAME "foreline-shadow"
#define BLOCK ((size_t)64 << 10)

/* -- where outputs go -- */

/* Relative to the folder of the pipeline file, or absolute where it is outside. */
static const char *relative(const struct pipeline *p, const char *path)
{
    size_t n = strlen(p->base);
    if (n && p->base[n - 1] == '/')
        n--;
    return strncmp(path, p->base, n) == 0 && path[n] == '/' ? path + n + 1 : path;
}

static bool is_url(const char *path)
{
    return strstr(path, "://") || strncmp(path, "sqlite:", 7) == 0;
}

static bool scratch_place(struct shadow *s, const struct shadow_side *side, const char *path,
                          const char **out, struct err *err)
{
    const char *name = relative(side->p, path);
    *out = name[0] == '/' ? arena_printf(s->a, "%s/.outside%s", side->folder.path, name)
                          : arena_printf(s->a, "%s/%s", side->folder.path, name);
    char *dir = path_dirname(*out);
    bool ok = dir_make_all(dir, err);
    free(dir);
    return ok;
}

static struct shadow_place *add_place(struct shadow *s, struct shadow_side *side, uint32_t stage,
                                      const char *path)
{
    struct shadow_place *o = ARENA_PUSH(s->a, side->places, side->nplaces);
    *o = (struct shadow_place){.stage = stage, .path = path, .name = relative(side->p, path)};
    return o;
}

static bool redirect_write(struct shadow *s, struct shadow_side *side, uint32_t i, struct err *err)
{
    struct stage *st = &side->p->stages[i];
    const char *path = st->u.write.path;
    struct shadow_place *o = add_place(s, side, i, path);
    o->format = st->u.write.format != FORMAT_AUTO ? st->u.write.format : format_of_path(path);
    if (o->format == FORMAT_AUTO)
        o->format = FORMAT_CSV;
    if (strcmp(path, "-") == 0) {
        st->u.write.format = o->format; /* the name does not tell */
        o->scratch = arena_printf(s->a, "%s/.stdout", side->folder.path);
    } else if (!scratch_place(s, side, path, &o->scratch, err)) {
        return false;
    }
    st->u.write.path = o->scratch;
    return true;
}

static bool redirect_outside(struct shadow *s, struct shadow_side *side, uint32_t i,
                             struct err *err)
{
    struct stage *st = &side->p->stages[i];
    const struct text_list *writes = stage_writes(st);
    for (uint32_t k = 0; k < writes->n; k++) {
        struct shadow_place *o = add_place(s, side, i, writes->items[k]);
        o->url = st->op == OP_SQL || is_url(o->path);
        if (!o->url && !scratch_place(s, side, o->path, &o->scratch, err))
            return false;
    }
    const char **env = ARENA_ARRAY(s->a, const char *, st->env.n + 2);
    if (st->env.n)
        memcpy(env, st->env.items, st->env.n * sizeof(*env));
    env[st->env.n] = arena_printf(s->a, "FORELINE_SHADOW=%s", side->folder.path);
    st->env = (struct text_list){env, st->env.n + 1};
    return true;
}

/* What another stage writes is read where it is now; stdin where it was kept. */
static void redirect_reads(struct shadow *s, struct shadow_side *side)
{
    for (uint32_t i = 0; i < side->p->nstages; i++) {
        struct stage *st = &side->p->stages[i];
        for (uint32_t k = 0; st->op == OP_READ && k < st->u.read.paths.n; k++) {
            const char **path = &st->u.read.paths.items[k];
            if (strcmp(*path, "-") == 0 && s->stdin_kept)
                *path = s->stdin_kept;
            for (uint32_t n = 0; n < side->nplaces && st->u.read.from_stage; n++) {
                const struct shadow_place *o = &side->places[n];
                if (!o->url && o->stage != i && path_is_same(*path, o->path))
                    *path = o->scratch;
            }
        }
    }
}

/* -- what is not run -- */

static bool is_promised(const struct stage *st)
{
    return st->op == OP_COMMAND ? st->u.command.shadow_safe
                                : st->op != OP_SQL || st->u.sql.shadow_safe;
}

/* The first stage it needs that is not run, or -1. */
static int missing_need(const struct shadow_side *side, const struct stage *st)
{
    for (uint32_t k = 0; k < st->ninputs; k++)
        if (side->skip[st->inputs[k]])
            return (int)st->inputs[k];
    for (uint32_t k = 0; k < st->nafter; k++)
        if (side->skip[st->after[k]])
            return (int)st->after[k];
    return -1;
}

static void decide_skips(struct shadow *s, struct shadow_side *side)
{
    struct pipeline *p = side->p;
    side->skip = ARENA_ARRAY(s->a, bool, p->nstages);
    side->why = ARENA_ARRAY(s->a, const char *, p->nstages);
    for (uint32_t n = 0; n < p->nstages; n++) {
        uint32_t i = p->order[n];
        const struct stage *st = &p->stages[i];
        int need = missing_need(side, st);
        side->skip[i] = need >= 0 || !is_promised(st);
        if (!is_promised(st))
            side->why[i] =
                arena_printf(s->a, "stage '%s' does not declare \"shadow_safe\": true", st->id);
        else if (need >= 0)
            side->why[i] = side->why[need];
    }
    /* What nobody reads any more. */
    for (uint32_t n = p->nstages; n-- > 0;) {
        uint32_t i = p->order[n];
        const struct stage *st = &p->stages[i];
        bool read = st->op == OP_WRITE || stage_is_outside(st) || st->nconsumers == 0;
        for (uint32_t k = 0; k < st->nconsumers && !read; k++)
            read = !side->skip[st->consumers[k]];
        if (!read && !side->skip[i]) {
            side->skip[i] = true;
            side->why[i] = side->why[st->consumers[0]];
        }
    }
}

/* -- stdin -- */

static bool reads_stdin(const struct pipeline *p)
{
    for (uint32_t i = 0; p && i < p->nstages; i++) {
        const struct stage *st = &p->stages[i];
        for (uint32_t k = 0; st->op == OP_READ && k < st->u.read.paths.n; k++)
            if (strcmp(st->u.read.paths.items[k], "-") == 0)
                return true;
    }
    return false;
}

static bool keep_stdin(struct shadow *s, struct err *err)
{
    s->stdin_kept = arena_printf(s->a, "%s/.stdin", s->side[CANDIDATE].folder.path);
    int fd = open(s->stdin_kept, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_errno(err, ERR_ENV, "cannot create '%s'", s->stdin_kept);
    char *block = xmalloc(BLOCK);
    bool ok = true;
    for (ssize_t n = 1; ok && n != 0;) {
        n = read(STDIN_FILENO, block, BLOCK);
        if (n < 0 && errno != EINTR)
            ok = err_errno(err, ERR_ENV, "cannot read stdin");
        else if (n > 0)
            ok = fd_write_all(fd, block, (size_t)n, s->stdin_kept, err);
    }
    free(block);
    close(fd);
    return ok;
}

/* -- the snapshot -- */

static const struct shadow_look *look_at(struct shadow *s, const char *path, bool published)
{
    for (uint32_t i = 0; i < s->nlooks; i++)
        if (strcmp(s->looks[i].path, path) == 0)
            return &s->looks[i];
    struct shadow_look *l = ARENA_PUSH(s->a, s->looks, s->nlooks);
    *l = (struct shadow_look){.path = path, .published = published};
    l->there = stat(path, &l->st) == 0;
    return l;
}

bool shadow_look_holds(const struct shadow_look *l)
{
    struct stat now;
    bool there = stat(l->path, &now) == 0;
    if (there != l->there || !there || !S_ISREG(l->st.st_mode))
        return there == l->there;
    return now.st_size == l->st.st_size && now.st_ino == l->st.st_ino &&
           now.st_dev == l->st.st_dev && now.st_mtim.tv_sec == l->st.st_mtim.tv_sec &&
           now.st_mtim.tv_nsec == l->st.st_mtim.tv_nsec;
}

static bool look_at_inputs(struct shadow *s, const struct shadow_side *side, struct err *err)
{
    const struct pipeline *p = side->p;
    for (uint32_t i = 0; i < p->nstages; i++) {
        const struct stage *st = &p->stages[i];
        const struct text_list *reads = stage_reads(st);
        if (side->skip[i] || (st->op == OP_READ && st->u.read.from_stage))
            continue;
        for (uint32_t k = 0; k < reads->n; k++) {
            const char *path = reads->items[k];
            struct quoted q;
            if (is_url(path) || strcmp(path, "-") == 0)
                continue;
            const struct shadow_look *l = look_at(s, path, false);
            if (s->o->against && st->op == OP_READ && l->there && S_ISFIFO(l->st.st_mode))
                return err_set(err, ERR_DATA,
                               "'%s' is a pipe, which cannot be read by two pipelines: keep its "
                               "data in a file, or send it to stdin (path \"-\")",
                               quote_str(&q, path));
        }
    }
    return true;
}

/* -- setting up -- */

static bool side_open(struct shadow *s, struct shadow_side *side, struct err *err)
{
    if (!scratch_folder_make(&side->folder, FOLDER_NAME, err))
        return false;
    for (uint32_t i = 0; i < side->p->nstages; i++) {
        const struct stage *st = &side->p->stages[i];
        if (st->op == OP_WRITE && !redirect_write(s, side, i, err))
            return false;
        if (stage_is_outside(st) && !redirect_outside(s, side, i, err))
            return false;
    }
    decide_skips(s, side);
    return true;
}

struct shadow *shadow_new(struct pipeline *p, const struct shadow_opts *o, struct arena *a,
                          struct err *err)
{
    struct shadow *s = xcalloc(1, sizeof(*s));
    s->o = o;
    s->a = a;
    s->nsides = o->against ? 2 : 1;
    s->side[CANDIDATE].p = p;
    s->side[OTHER].p = o->against;
    s->side[CANDIDATE].folder = s->side[OTHER].folder = SCRATCH_FOLDER_INIT;
    scratch_folder_sweep(FOLDER_NAME);
    bool both_read = o->against && (reads_stdin(p) || reads_stdin(o->against));
    bool ok = true;
    for (int i = 0; i < s->nsides && ok; i++)
        ok = side_open(s, &s->side[i], err);
    ok = ok && (!both_read || keep_stdin(s, err));
    for (int i = 0; i < s->nsides && ok; i++)
        redirect_reads(s, &s->side[i]);
    if (ok)
        return s;
    shadow_free(s);
    return NULL;
}

void shadow_free(struct shadow *s)
{
    if (!s)
        return;
    for (int i = 0; i < s->nsides; i++)
        scratch_folder_remove(&s->side[i].folder);
    free(s);
}

bool shadow_is_own(const struct shadow *s, const char *path)
{
    bool is = false;
    for (uint32_t i = 0; i < s->side[CANDIDATE].nplaces; i++)
        is = is || strcmp(s->side[CANDIDATE].places[i].path, path) == 0;
    for (int i = 0; i < s->nsides; i++) {
        const char *folder = s->side[i].folder.path;
        size_t n = strlen(folder);
        is = is || (strncmp(path, folder, n) == 0 && path[n] == '/');
    }
    return is;
}

/* The options of one side's run. */
static void set_opts(const struct shadow *s, const struct shadow_side *side, struct engine_opts *e)
{
    struct engine_kept *kept = ARENA_ARRAY(s->a, struct engine_kept, side->p->nstages);
    for (uint32_t i = 0; i < side->p->nstages; i++)
        kept[i].kept = kept[i].skipped = side->skip[i];
    e->kept = kept;
    if (e->reject_path)
        e->reject_path = arena_printf(s->a, "%s/.rejects", side->folder.path);
}

bool shadow_begin(struct shadow *s, const struct rec_profile *profiles, size_t nprofiles,
                  struct engine_opts *e, struct err *err)
{
    const struct shadow_side *candidate = &s->side[CANDIDATE];
    if (s->o->against && !pipeline_bind(s->o->against, profiles, nprofiles, err))
        return err_prefix(err, "the pipeline it is compared with: ");
    for (int i = 0; i < s->nsides; i++)
        if (!look_at_inputs(s, &s->side[i], err))
            return false;
    for (uint32_t i = 0; i < candidate->nplaces && !s->o->against; i++)
        if (!candidate->places[i].url && strcmp(candidate->places[i].path, "-") != 0)
            look_at(s, candidate->places[i].path, true);
    set_opts(s, candidate, e);
    s->started = clock_wall();
    return true;
}

/* -- the other -- */

struct other_log {
    const struct engine_opts *e;
};

static void log_of_other(void *ctx, const char *stage, struct slice text)
{
    const struct other_log *l = ctx;
    char name[256];
    snprintf(name, sizeof(name), "against:%s", stage);
    if (l->e->log)
        l->e->log(l->e->ctx, name, text);
}

bool shadow_run_other(struct shadow *s, const struct engine_opts *e, struct err *err)
{
    struct shadow_side *side = &s->side[OTHER];
    struct other_log l = {e};
    struct engine_opts o = *e;
    o.plan = s->o->against_plan;
    o.ctx = &l;
    o.log = log_of_other;
    o.allotments = NULL;
    o.progress = NULL;
    o.ended = NULL;
    o.stage = NULL;
    o.step = NULL;
    o.note = NULL;
    o.warning = NULL;
    o.retrying = NULL;
    set_opts(s, side, &o);
    double started = clock_wall();
    bool ok = engine_run(side->p, &o, s->a, &side->result, err);
    side->wall_s = clock_wall() - started;
    return ok || err_prefix(err, "the pipeline it is compared with: ");
}
