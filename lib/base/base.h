/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What every file may use: allocation that cannot fail, errors, slices of bytes.
 *
 * Ownership words used in every header of lib/: `_init/_release/_clear` work on a struct of
 * the caller; `_new/_free` on one from the heap; an object that takes an arena lives as long as it.
 */
#ifndef FORELINE_BASE_H
#define FORELINE_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/banned.h"

#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define NO_RETURN __attribute__((noreturn))
#define UNUSED __attribute__((unused))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* A broken invariant of ours; never reachable from input. Prints the place and aborts. */
#define BUG(...) base_bug(__FILE__, __LINE__, __VA_ARGS__)
NO_RETURN void base_bug(const char *file, int line, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Out of memory ends the process in one place: the handler (default: a line on stderr) is called
 * and the process exits with status 4. */
void oom_handler_set(void (*handler)(void));
NO_RETURN void oom_die(void);
void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *p, size_t size);
/* count * size with overflow check. */
void *xreallocarray(void *p, size_t count, size_t size);
void *xmemdup(const void *p, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *fmt, ...) PRINTF_LIKE(1, 2);
char *xvasprintf(const char *fmt, va_list ap) PRINTF_LIKE(1, 0);

/* Bytes somebody else owns; not NUL-terminated. */
struct slice {
    const char *p;
    size_t len;
};
#define SLICE_NULL ((struct slice){NULL, 0})
#define SLICE_LIT(s) ((struct slice){(s), sizeof(s) - 1})
static inline struct slice slice_of(const char *p, size_t len)
{
    return (struct slice){p, len};
}
struct slice slice_str(const char *s);
bool slice_eq(struct slice a, struct slice b);
bool slice_is(struct slice a, const char *s);
bool slice_starts(struct slice a, const char *prefix);
/* Bytes compared as unsigned, then length: the order of contracts.md for strings. */
int slice_cmp(struct slice a, struct slice b);
/* Without blanks (space, tab, CR, LF) at both ends. */
struct slice slice_trim(struct slice a);

/* Bytes of the valid UTF-8 sequence (RFC 3629) at the start of s, or 0; and the whole slice. */
size_t utf8_sequence(struct slice s);
bool utf8_is_valid(struct slice s);

/* What went wrong, for the person who has to mend it. The kind is the exit status of
 * contracts.md section 5 that the failure deserves. */
enum err_kind {
    ERR_NONE = 0,
    ERR_REFUSED = 1, /* a check or a verdict says no */
    ERR_USAGE = 2,
    ERR_DATA = 3,   /* bad input data */
    ERR_ENV = 4,    /* cannot open, disk full, database down */
    ERR_STAGE = 5,  /* a stage of a pipeline failed */
    ERR_AGAIN = 75, /* queued, locked */
};
struct err {
    enum err_kind kind;
    char text[1008]; /* lower case, no full stop, failure first, subject quoted */
};
#define ERR_INIT     \
    {                \
        ERR_NONE, "" \
    }
/* Fills `err` and returns false, so that `return err_set(…)` reads well. `err` may be NULL. */
bool err_set(struct err *err, enum err_kind kind, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* The same with ": strerror(errno)" behind. */
bool err_errno(struct err *err, enum err_kind kind, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Puts context before what is there: "FILE:12: " …; returns false. */
bool err_prefix(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);
void err_clear(struct err *err);

/* User bytes made safe for a message: control characters and invalid UTF-8 as \xNN, cut at 120
 * bytes with "…". Valid until the struct goes. */
struct quoted {
    char s[500];
};
const char *quote_slice(struct quoted *q, struct slice s);
const char *quote_str(struct quoted *q, const char *s);

#endif
