/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From the file's text to a definition with its parameters filled in, and which version of the code
 * that is. Not here: what a stage means (stages.c), how stages hang together (connect.c). */
#include "pipeline/parse.h"

#include "base/hash.h"
#include "base/nearest.h"
#include "os/os.h"

#define PIPELINE_FILE_MAX (64u << 20)
#define GIT_PATIENCE_S 10

static const char *shown_path(const struct pipeline *p)
{
    return p->path ? p->path : p->name ? p->name : "pipeline";
}

/* -- parameters -- */

struct filler {
    struct pipeline *p;
    struct json *params; /* object name -> value, after the command line's have been put in */
    struct err *err;
};

static bool fill_value(struct filler *f, struct slice name, struct buf *out)
{
    struct quoted q;
    char key[256];
    snprintf(key, sizeof(key), "%.*s", (int)name.len, name.p);
    const struct json *v = json_get(f->params, key);
    if (!v) {
        struct nearest near;
        nearest_init(&near, name);
        for (uint32_t i = 0; f->params && i < f->params->len; i++)
            nearest_try(&near, f->params->u.members[i].name.p);
        return err_set(
            f->err, ERR_DATA, "%s: unknown parameter '${%s}'%s%s%s: declare it in \"params\"%s",
            shown_path(f->p), quote_slice(&q, name), near.best ? " (did you mean '${" : "",
            near.best ? near.best : "", near.best ? "}'?)" : "",
            near.best ? "" : ", or write $NAME for a variable of the shell");
    }
    if (v->type == JSON_NULL)
        return err_set(f->err, ERR_DATA,
                       "%s: parameter '%s' has no value: give it with --param %s=VALUE",
                       shown_path(f->p), quote_slice(&q, name), q.s);
    if (v->type == JSON_STRING)
        buf_add_slice(out, v->u.s);
    else
        json_write(out, v);
    return true;
}

static bool fill_string(struct filler *f, struct slice s, struct buf *out)
{
    size_t at = 0;
    while (at < s.len) {
        struct slice rest = slice_of(s.p + at, s.len - at);
        const char *end = slice_starts(rest, "${") ? memchr(rest.p, '}', rest.len) : NULL;
        if (!end || slice_starts(rest, "${env:")) {
            buf_addc(out, s.p[at++]);
            continue;
        }
        if (!fill_value(f, slice_of(rest.p + 2, (size_t)(end - rest.p) - 2), out))
            return false;
        at += (size_t)(end - rest.p) + 1;
    }
    return true;
}

static bool fill(struct filler *f, struct json *v)
{
    if (v->type == JSON_STRING && v->u.s.len && memchr(v->u.s.p, '$', v->u.s.len)) {
        struct buf out = BUF_INIT(PIPELINE_FILE_MAX);
        bool ok = fill_string(f, v->u.s, &out);
        if (ok) {
            v->u.s = arena_slice(&f->p->mem, buf_slice(&out));
            v->text = SLICE_NULL;
        }
        buf_release(&out);
        return ok;
    }
    if (v->type == JSON_ARRAY)
        for (uint32_t i = 0; i < v->len; i++)
            if (!fill(f, v->u.items[i]))
                return false;
    if (v->type == JSON_OBJECT)
        for (uint32_t i = 0; i < v->len; i++)
            if (!fill(f, v->u.members[i].value))
                return false;
    return true;
}

/* A command line's value keeps the type of the default it replaces: 5 stays a number where one
 * stood. */
static struct json *param_value(struct pipeline *p, const struct json *dflt, const char *text)
{
    struct json *v = NULL;
    if (json_is_number(dflt) || json_is(dflt, JSON_TRUE) || json_is(dflt, JSON_FALSE))
        if (json_parse(&p->mem, slice_str(arena_strdup(&p->mem, text)), 0, &v, NULL) &&
            v->type != JSON_STRING)
            return v;
    return json_new_string(&p->mem, slice_str(text));
}

static bool fill_params(struct pipeline *p, const struct param *params, size_t n, struct err *err)
{
    struct json *declared = (struct json *)(uintptr_t)json_get(p->definition, "params");
    if (declared && declared->type != JSON_OBJECT)
        return err_set(err, ERR_DATA, "%s: \"params\" must be an object {name: default or null}",
                       shown_path(p));
    for (size_t i = 0; i < n; i++) {
        const struct json *dflt = json_get(declared, params[i].name);
        if (!dflt) {
            struct nearest near;
            struct quoted q;
            nearest_init(&near, slice_str(params[i].name));
            for (uint32_t k = 0; declared && k < declared->len; k++)
                nearest_try(&near, declared->u.members[k].name.p);
            return err_set(err, ERR_USAGE, "%s has no parameter '%s'%s%s%s", shown_path(p),
                           quote_str(&q, params[i].name), near.best ? "; did you mean '" : "",
                           near.best ? near.best : "", near.best ? "'?" : "");
        }
        json_set(&p->mem, declared, params[i].name, param_value(p, dflt, params[i].value));
    }
    struct filler f = {p, declared, err};
    for (uint32_t i = 0; i < p->definition->len; i++)
        if (p->definition->u.members[i].value != declared &&
            !fill(&f, p->definition->u.members[i].value))
            return false;
    return true;
}

/* -- which version -- */

static bool in_git(const char *base)
{
    char *dir = xstrdup(base);
    bool found = false;
    for (;;) {
        char *git = xasprintf("%s/.git", dir);
        found = path_exists(git);
        free(git);
        if (found || strcmp(dir, "/") == 0)
            break;
        char *up = path_dirname(dir);
        free(dir);
        dir = up;
    }
    free(dir);
    return found;
}

/* The commit when the file is tracked and unchanged; NULL when it is not, or git is not there. One
 * question answers both: a line "# branch.oid COMMIT", and one more for a file that is changed,
 * untracked or ignored. */
static const char *git_commit(struct arena *a, const char *dir, const char *name)
{
    static const char head[] = "# branch.oid ";
    char *file = xasprintf("./%s", name);
    const char *const argv[] = {
        "git",      "--no-optional-locks",   "--literal-pathspecs", "status", "--porcelain=v2",
        "--branch", "--untracked-files=all", "--ignored=matching",  "--",     file,
        NULL};
    struct buf out = BUF_INIT(64 << 10);
    const char *commit = NULL;
    bool clean = os_ask(argv, dir, GIT_PATIENCE_S, &out);
    for (struct slice rest = buf_slice(&out); clean && rest.len;) {
        const char *end = memchr(rest.p, '\n', rest.len);
        struct slice line = slice_of(rest.p, end ? (size_t)(end - rest.p) : rest.len);
        rest = slice_of(rest.p + line.len + (end != NULL), rest.len - line.len - (end != NULL));
        if (slice_starts(line, head) && line.len >= sizeof(head) - 1 + 40)
            commit = arena_strndup(a, line.p + sizeof(head) - 1, line.len - (sizeof(head) - 1));
        clean = line.p[0] == '#';
    }
    buf_release(&out);
    free(file);
    return clean ? commit : NULL;
}

/* Else the text's hash. Asks git only below a .git. */
static const char *find_code_version(struct pipeline *p, const char *path, struct slice text)
{
    const char *slash = strrchr(path, '/');
    const char *commit =
        in_git(p->base) ? git_commit(&p->mem, p->base, slash ? slash + 1 : path) : NULL;
    if (commit)
        return commit;
    struct sha256 s;
    char hex[SHA256_HEX];
    sha256_init(&s);
    sha256_add(&s, text.p, text.len);
    sha256_hex(&s, hex);
    return arena_printf(&p->mem, "sha256:%s", hex);
}

bool pipeline_code_version(const char *path, char out[PIPELINE_VERSION_MAX], struct err *err)
{
    struct pipeline p = {.path = path};
    struct buf text = BUF_INIT(PIPELINE_FILE_MAX);
    bool ok = file_read_all(path, PIPELINE_FILE_MAX, &text, err);
    if (ok) {
        char *absolute = path_absolute(path, NULL), *dir = path_dirname(absolute);
        p.base = dir;
        snprintf(out, PIPELINE_VERSION_MAX, "%s",
                 find_code_version(&p, absolute, buf_slice(&text)));
        free(absolute);
        free(dir);
    }
    buf_release(&text);
    arena_release(&p.mem);
    return ok;
}

/* -- the two ways in -- */

bool pipeline_load(struct pipeline *p, const char *path, const struct param *params, size_t nparams,
                   struct err *err)
{
    *p = (struct pipeline){.mem = ARENA_INIT};
    struct buf file = BUF_INIT(PIPELINE_FILE_MAX);
    bool ok = file_read_all(path, PIPELINE_FILE_MAX, &file, err);
    p->path = arena_strdup(&p->mem, path);
    struct slice text = arena_slice(&p->mem, buf_slice(&file));
    buf_release(&file);
    if (!ok)
        return false;
    char *absolute = path_absolute(path, NULL), *dir = path_dirname(absolute);
    p->base = arena_strdup(&p->mem, dir);
    free(dir);
    if (slice_starts(text, "\xEF\xBB\xBF"))
        text = slice_of(text.p + 3, text.len - 3);
    ok = json_parse(&p->mem, text, JSON_COMMENTS, &p->definition, err) ||
         err_prefix(err, "%s: ", path);
    if (ok && p->definition->type != JSON_OBJECT)
        ok = err_set(err, ERR_DATA,
                     "%s: a pipeline file is one JSON object {\"pipeline\": …, \"stages\": […]}",
                     path);
    ok = ok && fill_params(p, params, nparams, err) && pipeline_parse(p, p->definition, text, err);
    if (ok)
        p->code_version = find_code_version(p, absolute, text);
    free(absolute);
    return ok;
}

bool pipeline_from_definition(struct pipeline *p, const struct json *definition, const char *base,
                              const char *code_version, struct err *err)
{
    *p = (struct pipeline){.mem = ARENA_INIT};
    if (!json_is(definition, JSON_OBJECT))
        return err_set(err, ERR_DATA,
                       "a plan without a definition of its pipeline: make it with etl-plan");
    if (!base || base[0] != '/')
        return err_set(err, ERR_DATA, "a plan without an absolute \"base\" folder");
    /* A copy of our own: the caller's record may go first. */
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    json_write(&text, definition);
    struct slice kept = arena_slice(&p->mem, buf_slice(&text));
    buf_release(&text);
    if (!json_parse(&p->mem, kept, 0, &p->definition, err))
        return false;
    p->base = arena_strdup(&p->mem, base);
    p->code_version = code_version ? arena_strdup(&p->mem, code_version) : NULL;
    return pipeline_parse(p, p->definition, SLICE_NULL, err);
}

void pipeline_release(struct pipeline *p)
{
    for (uint32_t i = 0; i < p->nstages; i++) {
        struct stage *s = &p->stages[i];
        if (s->op == OP_FILTER)
            expr_release(s->u.filter.expr);
        for (uint32_t k = 0; s->op == OP_DERIVE && k < s->u.derive.n; k++)
            expr_release(s->u.derive.set[k].expr);
        for (uint32_t k = 0; s->op == OP_AGGREGATE && k < s->u.aggregate.n; k++)
            expr_release(s->u.aggregate.measures[k].expr);
    }
    arena_release(&p->mem);
    *p = (struct pipeline){.mem = ARENA_INIT};
}

/* The name in a ${env:NAME} that `p` begins with (free), and where it ends; NULL for other text. */
static char *secret_name(const char *p, const char **end)
{
    *end = strncmp(p, "${env:", 6) == 0 ? strchr(p, '}') : NULL;
    return *end ? xstrndup(p + 6, (size_t)(*end - p) - 6) : NULL;
}

void pipeline_secret_values(struct arena *a, const char *text, struct text_list *values)
{
    for (const char *p = text, *end; *p; p = end + 1) {
        char *name = secret_name(p, &end);
        const char *value = name ? getenv(name) : NULL;
        if (value && *value)
            text_list_add(a, values, value);
        if (!name)
            end = p;
        free(name);
    }
}

bool pipeline_secret(struct arena *a, const char *text, const char **out, struct err *err)
{
    if (!strstr(text, "${env:")) {
        *out = text;
        return true;
    }
    struct buf b = BUF_INIT(PIPELINE_FILE_MAX);
    for (const char *p = text; *p;) {
        const char *end;
        char *name = secret_name(p, &end);
        if (!name) {
            buf_addc(&b, *p++);
            continue;
        }
        const char *value = getenv(name);
        struct quoted q;
        if (!value)
            err_set(err, ERR_DATA,
                    "environment variable '%s' is not set: export it, or take '${env:%s}' out",
                    quote_str(&q, name), q.s);
        free(name);
        if (!value) {
            buf_release(&b);
            return false;
        }
        buf_adds(&b, value);
        p = end + 1;
    }
    *out = arena_strdup(a, buf_str(&b));
    buf_release(&b);
    return true;
}
