/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Defaults of the user: the configuration file and the FORELINE_* variables. Not argv (options.c).
 */
#include "cli/cli_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* Settings are a page of text; what is larger is some other file. */
#define CONFIG_MAX (1u << 20)

/* FORELINE_MAX_REJECTS for max-rejects. */
static const char *variable_of(const struct opt *o, char *name, size_t size)
{
    int n = snprintf(name, size, "FORELINE_%s", o->name);

    if (n < 0 || (size_t)n >= size)
        BUG("option name '%s' is too long", o->name);
    for (char *p = name; *p != '\0'; p++) {
        if (*p == '-')
            *p = '_';
        else if (*p >= 'a' && *p <= 'z')
            *p = (char)(*p - 'a' + 'A');
    }
    return getenv(name);
}

static bool is_settable(const struct opt *o)
{
    return o != cli_opt_help && o != cli_opt_version && o != cli_opt_config;
}

static void list_reset(const struct opt *o, void *values)
{
    if (o->kind == OPT_LIST)
        *(struct opt_list *)(void *)((char *)values + o->offset) = (struct opt_list){NULL, 0};
}

static bool apply_environment(const struct tool *t, void *values, struct err *err)
{
    const struct opt *o;
    char name[128];

    for (size_t i = 0; (o = cli_opt(t, i)) != NULL; i++) {
        const char *text = variable_of(o, name, sizeof(name));

        if (!is_settable(o) || text == NULL || text[0] == '\0')
            continue;
        list_reset(o, values);
        /* Copied: setenv(3) of a library must not change what an option points to. */
        if (!cli_set(o, values, arena_strdup(&cli_process.keep, text), name, err))
            return false;
    }
    return true;
}

static bool apply_value(const struct opt *o, void *values, const struct json *v, const char *where,
                        struct err *err);

static bool apply_array(const struct opt *o, void *values, const struct json *v, const char *where,
                        struct err *err)
{
    if (o->kind != OPT_LIST)
        return err_set(err, ERR_USAGE, "%s: a list, but the option takes one value", where);
    list_reset(o, values);
    for (size_t i = 0; i < v->len; i++) {
        if (json_is(v->u.items[i], JSON_ARRAY))
            return err_set(err, ERR_USAGE, "%s: a list within a list", where);
        if (!apply_value(o, values, v->u.items[i], where, err))
            return false;
    }
    return true;
}

/* One JSON value as the text a command line would hold; lists element by element. */
static bool apply_value(const struct opt *o, void *values, const struct json *v, const char *where,
                        struct err *err)
{
    const char *text;

    switch (v->type) {
    case JSON_STRING:
        text = v->u.s.p;
        if (strlen(text) != v->u.s.len)
            return err_set(err, ERR_USAGE, "%s: a NUL character in a setting", where);
        break;
    case JSON_INT:
    case JSON_DOUBLE:
        text = arena_strndup(&cli_process.keep, v->text.p, v->text.len);
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        text = v->type == JSON_TRUE ? "true" : "false";
        break;
    case JSON_ARRAY:
        return apply_array(o, values, v, where, err);
    case JSON_NULL: /* as if it were not there */
        return true;
    case JSON_OBJECT:
        return err_set(err, ERR_USAGE, "%s: an object, but the option takes a value", where);
    default:
        BUG("no such JSON type: %d", (int)v->type);
    }
    return cli_set(o, values, text, where, err);
}

static void warn_unknown(const struct tool *t, const char *path, const char *prefix,
                         const char *name, bool common_only)
{
    const struct opt *o;
    const char *names[256];
    const char *near;
    struct quoted qp, qn;
    size_t n = 0;

    for (size_t i = 0; (o = cli_opt(t, i)) != NULL && n < ARRAY_LEN(names); i++)
        if (is_settable(o) && (!common_only || cli_opt_is_common(o)))
            names[n++] = o->name;
    near = cli_nearest(name, names, n);
    cli_warn("%s: unknown setting '%s%s' is ignored%s%s%s", quote_str(&qp, path), prefix,
             quote_str(&qn, name), near != NULL ? "; did you mean '" : "", near != NULL ? near : "",
             near != NULL ? "'?" : "");
}

/* The members of one object. At the top only common options are settings: the name of a tool's own
 * option may mean something else to another tool. */
static bool apply_object(const struct tool *t, void *values, const struct json *obj,
                         const char *path, bool top, struct err *err)
{
    for (size_t i = 0; i < obj->len; i++) {
        const struct json_member *m = &obj->u.members[i];
        const struct opt *o = cli_opt_named(t, m->name.p);
        struct quoted q;
        char *where;

        if (top && json_is(m->value, JSON_OBJECT) && slice_starts(m->name, "etl-"))
            continue;
        if (o == NULL || !is_settable(o) || (top && !cli_opt_is_common(o))) {
            char *prefix = top ? xstrdup("") : xasprintf("%s.", t->name);

            warn_unknown(t, path, prefix, m->name.p, top);
            free(prefix);
            continue;
        }
        where = arena_printf(&cli_process.keep, "%s: %s%s%s", quote_str(&q, path),
                             top ? "" : t->name, top ? "" : ".", o->name);
        if (!apply_value(o, values, m->value, where, err))
            return false;
    }
    return true;
}

static bool read_file(const char *path, struct buf *out, bool *missing, struct err *err)
{
    struct quoted q;
    ssize_t n = 0;
    char *room;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    *missing = fd < 0 && (errno == ENOENT || errno == ENOTDIR);
    if (fd < 0)
        return err_errno(err, ERR_ENV, "cannot open '%s'", quote_str(&q, path));
    while ((room = buf_room(out, 4096)) != NULL && (n = read(fd, room, 4096)) > 0)
        out->len += (size_t)n;
    if (n < 0)
        err_errno(err, ERR_ENV, "cannot read '%s'", quote_str(&q, path));
    close(fd);
    if (room == NULL)
        return err_set(err, ERR_USAGE, "%s: larger than 1 MiB: not a configuration file",
                       quote_str(&q, path));
    return n == 0;
}

static char *default_path(void)
{
    const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

    /* A relative XDG_CONFIG_HOME is to be ignored (XDG Base Directory Specification 0.8). */
    if (xdg != NULL && xdg[0] == '/')
        return xasprintf("%s/foreline/config.json", xdg);
    return home != NULL && home[0] == '/' ? xasprintf("%s/.config/foreline/config.json", home)
                                          : NULL;
}

static bool apply_file(const struct tool *t, void *values, const char *path, bool must_exist,
                       struct err *err)
{
    struct buf bytes = BUF_INIT(CONFIG_MAX);
    struct json *top;
    struct quoted q;
    const struct json *own;
    struct slice text;
    bool missing = false, ok = false;

    if (!read_file(path, &bytes, &missing, err)) {
        if (missing && !must_exist) {
            err_clear(err);
            ok = true;
        }
        goto done;
    }
    text = arena_slice(&cli_process.keep, buf_slice(&bytes));
    if (!json_parse(&cli_process.keep, text, JSON_COMMENTS, &top, err)) {
        ok = err_prefix(err, "%s: ", quote_str(&q, path));
        if (err != NULL)
            err->kind = ERR_USAGE;
        goto done;
    }
    if (!json_is(top, JSON_OBJECT)) {
        err_set(err, ERR_USAGE, "%s: not a JSON object but %s", quote_str(&q, path),
                json_type_name(top->type));
        goto done;
    }
    own = json_get(top, t->name);
    ok = apply_object(t, values, top, path, true, err) &&
         (!json_is(own, JSON_OBJECT) || apply_object(t, values, own, path, false, err));
done:
    buf_release(&bytes);
    return ok;
}

bool cli_config_apply(const struct tool *t, void *values, const char *explicit_path,
                      struct err *err)
{
    const char *from_env = getenv("FORELINE_CONFIG");
    char *dflt = NULL;
    bool ok = true;

    if (explicit_path == NULL && from_env != NULL && from_env[0] != '\0')
        explicit_path = from_env;
    if (explicit_path == NULL)
        dflt = default_path();
    if (explicit_path != NULL)
        ok = apply_file(t, values, explicit_path, true, err);
    else if (dflt != NULL)
        ok = apply_file(t, values, dflt, false, err);
    free(dflt);
    return ok && apply_environment(t, values, err);
}
