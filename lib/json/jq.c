/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libjq 1.6 behind json/jq.h: loading it, refusing what an expression may not do, and turning its
 * values into text. Not a JSON reader for records: that is json.c.
 *
 * libjq 1.6 aborts on some data (measured with Debian's 1.6-2.1): INT64_MIN % -1 divides by zero in
 * the processor, strftime of a number that is no date trips an assertion, and a string repeated
 * past 2 GiB overruns its buffer; ltrimstr and rtrimstr of what is no string leak. Programs that
 * use those get definitions in front that check first.
 */
#include "json/jq.h"

#include <dlfcn.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <unistd.h>

#include <jv.h>
#include <jq.h>

#include "base/num.h"
#include "json/json.h"

/* What we use of libjq, looked up by name with the prototypes of its headers. */
#define LIBJQ_FUNCTIONS(X)    \
    X(jq_init)                \
    X(jq_teardown)            \
    X(jq_set_error_cb)        \
    X(jq_set_nomem_handler)   \
    X(jq_set_attr)            \
    X(jq_compile)             \
    X(jq_start)               \
    X(jq_next)                \
    X(jv_parse_sized)         \
    X(jv_get_kind)            \
    X(jv_copy)                \
    X(jv_free)                \
    X(jv_invalid_has_msg)     \
    X(jv_invalid_get_msg)     \
    X(jv_number_value)        \
    X(jv_string)              \
    X(jv_string_value)        \
    X(jv_string_length_bytes) \
    X(jv_array)               \
    X(jv_array_length)        \
    X(jv_array_get)           \
    X(jv_object_iter)         \
    X(jv_object_iter_next)    \
    X(jv_object_iter_valid)   \
    X(jv_object_iter_key)     \
    X(jv_object_iter_value)

static struct {
#define MEMBER(f) __typeof__(f) *f;
    LIBJQ_FUNCTIONS(MEMBER)
#undef MEMBER
    bool loaded;
    char why[256];
} lib;
static pthread_once_t lib_once = PTHREAD_ONCE_INIT;
/* Compiling looks at $HOME, see compile(). */
static pthread_mutex_t compile_lock = PTHREAD_MUTEX_INITIALIZER;

/* Nesting that a program may build; libjq reads 256 levels. */
#define DEPTH_MAX 1000

struct jq_program {
    jq_state *jq;
    struct buf message; /* the first complaint of the compiler */
};

static void lib_load(void)
{
    void *sym, *so = dlopen("libjq.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!so) {
        snprintf(lib.why, sizeof(lib.why), "%s", dlerror());
        return;
    }
/* dlsym gives functions as void *, for which ISO C has no cast. */
#define LOOK_UP(f)                                             \
    sym = dlsym(so, #f);                                       \
    if (!sym) {                                                \
        snprintf(lib.why, sizeof(lib.why), "no " #f " in it"); \
        return;                                                \
    }                                                          \
    memcpy(&lib.f, &sym, sizeof(sym));
    LIBJQ_FUNCTIONS(LOOK_UP)
#undef LOOK_UP
    lib.loaded = true;
}

static const char *const refused[] = {
    "env",
    "input",
    "inputs",
    "input_filename",
    "input_line_number",
    "import",
    "include",
    "modulemeta",
    "get_search_list",
    "get_prog_origin",
    "get_jq_origin",
    "now",
    "localtime",
    "strflocaltime",
    "debug",
    "stderr",
    "halt",
    "halt_error",
    "$ENV",
    "$__prog_args",
};

/* What a look through the program finds. */
struct scan {
    bool mod, repeat, date, trim;
    struct slice bad; /* the first refused name */
};

static bool ident_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool ident_char(char c)
{
    return ident_start(c) || (c >= '0' && c <= '9');
}

static void scan_name(struct scan *s, struct slice name)
{
    for (size_t i = 0; i < ARRAY_LEN(refused) && !s->bad.p; i++) {
        if (slice_is(name, refused[i]))
            s->bad = name;
    }
    if (slice_is(name, "strftime") || slice_is(name, "todate") || slice_is(name, "date") ||
        slice_is(name, "todateiso8601"))
        s->date = true;
    if (slice_is(name, "ltrimstr") || slice_is(name, "rtrimstr"))
        s->trim = true;
}

/* The brackets that are open; a string counts as one, so that \( ) inside it nests. */
#define NEST_MAX 512

/* Walks over jq's tokens. Names behind a dot and keys of object constructions are data, all others
 * are calls; in doubt a name counts as a call. False when brackets nest too deep to tell. */
static bool scan_program(const char *p, struct scan *s)
{
    char nest[NEST_MAX];
    size_t depth = 0;
    char before = 0; /* the last token's last character */
    while (*p) {
        if (depth > 0 && nest[depth - 1] == '"') {
            if (*p == '\\' && p[1] == '(') {
                if (depth == NEST_MAX)
                    return false;
                nest[depth++] = '(';
                before = '(';
                p += 2;
            } else if (*p == '\\' && p[1]) {
                p += 2;
            } else if (*p++ == '"') {
                depth--;
                before = '"';
            }
            continue;
        }
        if (*p == '#') {
            while (*p && *p != '\n')
                p++;
        } else if (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r') {
            p++;
        } else if (ident_start(*p) || ((*p == '$' || *p == '@') && ident_start(p[1]))) {
            const char *from = p++;
            while (ident_char(*p) || (*p == ':' && p[1] == ':' && ident_start(p[2]) && p++))
                p++;
            bool key = depth > 0 && nest[depth - 1] == '{' && (before == '{' || before == ',');
            if (before != '.' && *from != '@' && (!key || *from == '$'))
                scan_name(s, slice_of(from, (size_t)(p - from)));
            before = 'a';
        } else {
            if (*p == '"' || *p == '(' || *p == '[' || *p == '{') {
                if (depth == NEST_MAX)
                    return false;
                nest[depth++] = *p;
            } else if ((*p == ')' || *p == ']' || *p == '}') && depth > 0) {
                depth--;
            }
            s->mod |= *p == '%';
            s->repeat |= *p == '*';
            /* ".." is the recursive descent; what follows is no field */
            before = *p == '.' && before == '.' ? ':' : *p;
            p++;
        }
    }
    return true;
}

/* 6.7e16 s is where the year leaves 32 bits (gmtime fails); 16 MiB is the longest record. */
static const char guard_date[] =
    "def _fl_strftime(f): strftime(f); "
    "def strftime(f): if type == \"number\" and (isnan or (fabs < 6.7e16 | not)) "
    "then error(\"\\(tojson) s since 1970 is no date\") else _fl_strftime(f) end; "
    "def todate: strftime(\"%Y-%m-%dT%H:%M:%SZ\"); def todateiso8601: todate; def date: todate; ";
static const char guard_mod[] =
    "def _fl_mod(a; b): a % b; "
    "def _mod(a; b): b as $b | a as $a | if ($b | type) == \"number\" and $b > -2 and $b <= -1 "
    "and ($a | type) == \"number\" then 0 else _fl_mod($a; $b) end; ";
static const char guard_repeat[] =
    "def _fl_multiply(a; b): a * b; "
    "def _multiply(a; b): b as $b | a as $a | ($a | type) as $t | ($b | type) as $u | "
    "if ($t == \"string\" and $u == \"number\" and ($a | utf8bytelength) * $b > 16777216) "
    "or ($t == \"number\" and $u == \"string\" and ($b | utf8bytelength) * $a > 16777216) "
    "then error(\"a string repeated to more than 16 MiB\") else _fl_multiply($a; $b) end; ";

static const char guard_trim[] =
    "def _fl_ltrimstr(f): ltrimstr(f); def _fl_rtrimstr(f): rtrimstr(f); "
    "def ltrimstr(f): f as $f | if type == \"string\" and ($f | type) == \"string\" "
    "then _fl_ltrimstr($f) else . end; "
    "def rtrimstr(f): f as $f | if type == \"string\" and ($f | type) == \"string\" "
    "then _fl_rtrimstr($f) else . end; ";

static void on_nomem(void *ctx)
{
    (void)ctx;
    oom_die();
}

/* Text on one line. */
static void add_line(struct buf *out, struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];
        buf_addc(out, c < 0x20 || c == 0x7f ? ' ' : (char)c);
    }
}

/* The compiler's text without what speaks of its command line, and its tokens in plain words. */
static void add_complaint(struct buf *out, struct slice s)
{
    static const char *const words[][2] = {{"jq: error: ", ""},
                                           {" (Unix shell quoting issues?)", ""},
                                           {" at <top-level>, line 1:", ""},
                                           {" at <top-level>, line 1", ""},
                                           {"$end", "end of text"},
                                           {"INVALID_CHARACTER", "character"},
                                           {"FORMAT or QQSTRING_START", "a string"},
                                           {"QQSTRING_START", "string"},
                                           {"QQSTRING_TEXT", "text"},
                                           {"QQSTRING_END", "end of string"},
                                           {"LITERAL", "literal"},
                                           {"FIELD", "field"},
                                           {"IDENT", "name"}};
    size_t i = 0;
    while (i < s.len) {
        const char *const *hit = NULL;
        for (size_t k = 0; k < ARRAY_LEN(words) && !hit; k++) {
            if (slice_starts(slice_of(s.p + i, s.len - i), words[k][0]))
                hit = words[k];
        }
        if (hit)
            buf_adds(out, hit[1]);
        else
            add_line(out, slice_of(s.p + i, 1));
        i += hit ? strlen(hit[0]) : 1;
    }
}

static bool dump(struct buf *out, jv v, unsigned depth);

static void on_compile_error(void *ctx, jv msg)
{
    struct jq_program *p = ctx;
    if (lib.jv_get_kind(msg) == JV_KIND_STRING && p->message.len == 0) {
        const char *text = lib.jv_string_value(msg);
        /* the lines that follow repeat the program */
        add_complaint(&p->message, slice_of(text, strcspn(text, "\n")));
    }
    lib.jv_free(msg);
}

static bool dump_object(struct buf *out, jv v, unsigned depth)
{
    bool ok = true, first = true;
    buf_addc(out, '{');
    for (int i = lib.jv_object_iter(v); ok && lib.jv_object_iter_valid(v, i);
         i = lib.jv_object_iter_next(v, i)) {
        if (!first)
            buf_addc(out, ',');
        first = false;
        ok = dump(out, lib.jv_object_iter_key(v, i), depth + 1);
        buf_addc(out, ':');
        ok = dump(out, lib.jv_object_iter_value(v, i), depth + 1) && ok;
    }
    buf_addc(out, '}');
    return ok;
}

static void dump_number(struct buf *out, double d)
{
    char text[NUM_TEXT_MAX];
    if (isinf(d))
        d = d > 0 ? DBL_MAX : -DBL_MAX;
    buf_add(out, text, num_format_double(text, d));
}

/* Takes v. False when it nests too deep. */
static bool dump(struct buf *out, jv v, unsigned depth)
{
    bool ok = depth < DEPTH_MAX;
    switch (ok ? lib.jv_get_kind(v) : JV_KIND_INVALID) {
    case JV_KIND_INVALID:
    case JV_KIND_NULL:
        buf_adds(out, "null");
        break;
    case JV_KIND_FALSE:
        buf_adds(out, "false");
        break;
    case JV_KIND_TRUE:
        buf_adds(out, "true");
        break;
    case JV_KIND_NUMBER:
        dump_number(out, lib.jv_number_value(v));
        break;
    case JV_KIND_STRING: {
        int len = lib.jv_string_length_bytes(lib.jv_copy(v));
        json_quote(out, slice_of(lib.jv_string_value(v), (size_t)len));
        break;
    }
    case JV_KIND_ARRAY: {
        int n = lib.jv_array_length(lib.jv_copy(v));
        buf_addc(out, '[');
        for (int i = 0; ok && i < n; i++) {
            if (i > 0)
                buf_addc(out, ',');
            ok = dump(out, lib.jv_array_get(lib.jv_copy(v), i), depth + 1);
        }
        buf_addc(out, ']');
        break;
    }
    case JV_KIND_OBJECT:
        ok = dump_object(out, v, depth);
        break;
    }
    lib.jv_free(v);
    return ok;
}

/* Takes an invalid value that has a message. */
static bool fail_with(jv invalid, struct err *err)
{
    struct buf raw = BUF_INIT(4096), text = BUF_INIT(900);
    jv msg = lib.jv_invalid_get_msg(invalid);
    if (lib.jv_get_kind(msg) == JV_KIND_STRING) {
        add_line(&text, slice_str(lib.jv_string_value(msg)));
        lib.jv_free(msg);
    } else {
        dump(&raw, msg, 0);
        add_line(&text, buf_slice(&raw));
    }
    struct quoted q;
    if (text.overflow)
        err_set(err, ERR_DATA, "%s", quote_slice(&q, buf_slice(&text)));
    else
        err_set(err, ERR_DATA, "%s", text.len ? buf_str(&text) : "an error without a message");
    buf_release(&raw);
    buf_release(&text);
    return false;
}

/* libjq 1.6 reads definitions from $HOME/.jq into every program, without a way to forbid it. Where
 * there is such a file, it is told of another home while it compiles. */
static int compile(jq_state *jq, const char *text)
{
    pthread_mutex_lock(&compile_lock);
    char *home = getenv("HOME") ? xstrdup(getenv("HOME")) : NULL;
    char *path = xasprintf("%s/.jq", home ? home : "");
    bool hide = home && access(path, F_OK) == 0;
    if (hide)
        setenv("HOME", "/dev/null", 1);
    int ok = lib.jq_compile(jq, text);
    if (hide)
        setenv("HOME", home, 1);
    pthread_mutex_unlock(&compile_lock);
    free(path);
    free(home);
    return ok;
}

struct jq_program *jq_program_new(const char *program, struct err *err)
{
    struct scan scan = {false, false, false, false, SLICE_NULL};
    struct quoted q;
    if (!scan_program(program, &scan)) {
        err_set(err, ERR_DATA, "brackets nest deeper than %d levels", NEST_MAX);
        return NULL;
    }
    if (scan.bad.p) {
        err_set(err, ERR_DATA, "'%s' is not available: an expression sees one record only",
                quote_slice(&q, scan.bad));
        return NULL;
    }
    pthread_once(&lib_once, lib_load);
    if (!lib.loaded) {
        err_set(err, ERR_ENV, "cannot load libjq.so.1: %s", lib.why);
        return NULL;
    }
    struct jq_program *p = xcalloc(1, sizeof(*p));
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    p->message = BUF_INIT(900);
    p->jq = lib.jq_init();
    if (!p->jq)
        oom_die();
    lib.jq_set_nomem_handler(p->jq, on_nomem, NULL);
    lib.jq_set_error_cb(p->jq, on_compile_error, p);
    lib.jq_set_attr(p->jq, lib.jv_string("JQ_LIBRARY_PATH"), lib.jv_array());
    buf_adds(&text, scan.date ? guard_date : "");
    buf_adds(&text, scan.trim ? guard_trim : "");
    buf_adds(&text, scan.mod ? guard_mod : "");
    buf_adds(&text, scan.repeat ? guard_repeat : "");
    buf_adds(&text, program);
    int ok = compile(p->jq, buf_str(&text));
    buf_release(&text);
    if (!ok) {
        err_set(err, ERR_DATA, "%s", p->message.len ? buf_str(&p->message) : "not a jq program");
        jq_program_free(p);
        return NULL;
    }
    return p;
}

void jq_program_free(struct jq_program *p)
{
    if (!p)
        return;
    lib.jq_teardown(&p->jq);
    buf_release(&p->message);
    free(p);
}

bool jq_program_run(struct jq_program *p, struct slice json, struct buf *out, size_t *results,
                    struct err *err)
{
    buf_clear(out);
    *results = 0;
    if (json.len > INT_MAX)
        return err_set(err, ERR_DATA, "a record of more than 2 GiB");
    jv in = lib.jv_parse_sized(json.p, (int)json.len);
    if (lib.jv_get_kind(in) == JV_KIND_INVALID) {
        bool said = lib.jv_invalid_has_msg(lib.jv_copy(in));
        if (said)
            return fail_with(in, err);
        lib.jv_free(in);
        return err_set(err, ERR_DATA, "no JSON value");
    }
    lib.jq_start(p->jq, in, 0);
    bool ok = true;
    while (ok && *results < 2) {
        jv v = lib.jq_next(p->jq);
        if (lib.jv_get_kind(v) == JV_KIND_INVALID) {
            if (lib.jv_invalid_has_msg(lib.jv_copy(v)))
                return fail_with(v, err);
            lib.jv_free(v);
            break;
        }
        if (++*results > 1)
            lib.jv_free(v);
        else if (!dump(out, v, 0))
            ok = err_set(err, ERR_DATA, "the result nests deeper than %d levels", DEPTH_MAX);
    }
    if (ok && out->overflow)
        ok = err_set(err, ERR_DATA, "the result is larger than %zu bytes", out->max);
    return ok;
}
