/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Allocation that cannot fail, slices, errors, and user bytes made safe for messages. */
#include "base/base.h"

#include <errno.h>
#include <unistd.h>

void base_bug(const char *file, int line, const char *fmt, ...)
{
    va_list ap;
    fprintf(stderr, "BUG at %s:%d: ", file, line);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    abort();
}

static void (*oom_handler)(void);

void oom_handler_set(void (*handler)(void))
{
    oom_handler = handler;
}

void oom_die(void)
{
    static const char text[] = "out of memory\n";
    if (oom_handler)
        oom_handler();
    else
        (void)!write(STDERR_FILENO, text, sizeof(text) - 1);
    _exit(ERR_ENV);
}

void *xmalloc(size_t size)
{
    void *p = malloc(size ? size : 1);
    if (!p)
        oom_die();
    return p;
}

void *xcalloc(size_t count, size_t size)
{
    void *p = calloc(count ? count : 1, size ? size : 1);
    if (!p)
        oom_die();
    return p;
}

void *xrealloc(void *p, size_t size)
{
    void *q = realloc(p, size ? size : 1);
    if (!q)
        oom_die();
    return q;
}

void *xreallocarray(void *p, size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size)
        oom_die();
    return xrealloc(p, count * size);
}

void *xmemdup(const void *p, size_t size)
{
    void *q = xmalloc(size);
    if (size)
        memcpy(q, p, size);
    return q;
}

char *xstrdup(const char *s)
{
    return xmemdup(s, strlen(s) + 1);
}

char *xstrndup(const char *s, size_t n)
{
    char *p = xmalloc(n + 1);
    if (n)
        memcpy(p, s, n);
    p[n] = '\0';
    return p;
}

char *xvasprintf(const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    if (n < 0)
        BUG("bad format");
    char *p = xmalloc((size_t)n + 1);
    vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    return p;
}

char *xasprintf(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *p = xvasprintf(fmt, ap);
    va_end(ap);
    return p;
}

struct slice slice_str(const char *s)
{
    return s ? slice_of(s, strlen(s)) : SLICE_NULL;
}

bool slice_eq(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

bool slice_is(struct slice a, const char *s)
{
    return slice_eq(a, slice_str(s));
}

bool slice_starts(struct slice a, const char *prefix)
{
    size_t n = strlen(prefix);
    return a.len >= n && (n == 0 || memcmp(a.p, prefix, n) == 0);
}

int slice_cmp(struct slice a, struct slice b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n ? memcmp(a.p, b.p, n) : 0;
    if (c)
        return c < 0 ? -1 : 1;
    return (a.len > b.len) - (a.len < b.len);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct slice slice_trim(struct slice a)
{
    while (a.len && is_blank(a.p[0])) {
        a.p++;
        a.len--;
    }
    while (a.len && is_blank(a.p[a.len - 1]))
        a.len--;
    return a;
}

bool err_set(struct err *err, enum err_kind kind, const char *fmt, ...)
{
    if (err) {
        char text[sizeof(err->text)]; /* an argument may be err->text itself */
        va_list ap;
        va_start(ap, fmt);
        vsnprintf(text, sizeof(text), fmt, ap);
        va_end(ap);
        err->kind = kind;
        memcpy(err->text, text, sizeof(text));
    }
    return false;
}

bool err_errno(struct err *err, enum err_kind kind, const char *fmt, ...)
{
    int e = errno;
    if (err) {
        char text[sizeof(err->text)];
        va_list ap;
        va_start(ap, fmt);
        int n = vsnprintf(text, sizeof(text), fmt, ap);
        va_end(ap);
        if (n >= 0 && (size_t)n < sizeof(text))
            snprintf(text + n, sizeof(text) - (size_t)n, ": %s", strerror(e));
        err->kind = kind;
        memcpy(err->text, text, sizeof(text));
    }
    errno = e;
    return false;
}

bool err_prefix(struct err *err, const char *fmt, ...)
{
    if (err) {
        char text[2 * sizeof(err->text)];
        va_list ap;
        va_start(ap, fmt);
        int n = vsnprintf(text, sizeof(err->text), fmt, ap);
        va_end(ap);
        size_t at = n < 0 ? 0 : (size_t)n;
        if (at >= sizeof(err->text))
            at = sizeof(err->text) - 1;
        size_t rest = strlen(err->text);
        memcpy(text + at, err->text, rest + 1);
        text[sizeof(err->text) - 1] = '\0';
        memcpy(err->text, text, sizeof(err->text));
    }
    return false;
}

void err_clear(struct err *err)
{
    if (err) {
        err->kind = ERR_NONE;
        err->text[0] = '\0';
    }
}

/* Length of the valid UTF-8 sequence at p (RFC 3629: no overlong forms, no surrogates), or 0. */
static size_t utf8_len(const unsigned char *p, size_t n)
{
    unsigned char c = p[0];
    if (c < 0x80)
        return 1;
    size_t want = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
    if (c < 0xC2 || c > 0xF4 || n < want)
        return 0;
    for (size_t i = 1; i < want; i++)
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    if ((c == 0xE0 && p[1] < 0xA0) || (c == 0xED && p[1] > 0x9F) || (c == 0xF0 && p[1] < 0x90) ||
        (c == 0xF4 && p[1] > 0x8F))
        return 0;
    return want;
}

size_t utf8_sequence(struct slice s)
{
    return s.len ? utf8_len((const unsigned char *)s.p, s.len) : 0;
}

bool utf8_is_valid(struct slice s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    size_t i = 0;
    while (i < s.len) {
        uint64_t w;
        if (s.len - i >= sizeof(w)) { /* eight ASCII bytes at once */
            memcpy(&w, p + i, sizeof(w));
            if (!(w & UINT64_C(0x8080808080808080))) {
                i += sizeof(w);
                continue;
            }
        }
        size_t n = utf8_len(p + i, s.len - i);
        if (!n)
            return false;
        i += n;
    }
    return true;
}

const char *quote_slice(struct quoted *q, struct slice s)
{
    static const char hex[] = "0123456789abcdef";
    const size_t limit = 120;
    size_t at = 0, i = 0;
    while (i < s.len && i < limit) {
        const unsigned char *p = (const unsigned char *)s.p + i;
        size_t n = utf8_len(p, s.len - i);
        /* U+0080 to U+009F are control characters too */
        bool plain =
            n > 1 ? !(p[0] == 0xC2 && p[1] < 0xA0) : n == 1 && p[0] >= 0x20 && p[0] != 0x7F;
        if (plain) {
            memcpy(q->s + at, p, n);
            at += n;
            i += n;
        } else {
            q->s[at++] = '\\';
            q->s[at++] = 'x';
            q->s[at++] = hex[p[0] >> 4];
            q->s[at++] = hex[p[0] & 15];
            i++;
        }
    }
    if (i < s.len) {
        memcpy(q->s + at, "\xE2\x80\xA6", 3);
        at += 3;
    }
    q->s[at] = '\0';
    return q->s;
}

const char *quote_str(struct quoted *q, const char *s)
{
    return quote_slice(q, slice_str(s));
}
