/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading JSON lines for a filter. Knows lines and the envelope of a record, not what a record
 * means (rec/).
 */
#include "cli/chain.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/out_internal.h"

/* The capacity of a pipe on Linux (pipe(7)). */
#define BLOCK (64u << 10)
/* More would bury the first, which is the one to look at. */
#define REPORTED_MAX 10
/* Lines up to this size share pages; see handle(). The first chunk of an arena. */
#define SMALL_LINE (4u << 10)

struct line_reader {
    struct chain *chain;
    chain_fn *fn;
    void *ctx;
    struct buf line; /* the unfinished line */
    bool too_long;   /* it has passed the maximum and is only streamed through */
    uint64_t unreported;
};

static void report_bad(struct line_reader *r, const char *why)
{
    struct chain *c = r->chain;
    struct quoted q;

    c->bad_lines++;
    if (c->bad_lines <= REPORTED_MAX)
        cli_error("%s:%llu: %s", quote_str(&q, c->name), (unsigned long long)c->line_no, why);
    else
        r->unreported++;
}

static bool is_record(const struct json *v)
{
    const struct json *version;

    if (!json_is(v, JSON_OBJECT))
        return false;
    if (json_is(json_get(v, "record"), JSON_STRING)) {
        version = json_get(v, "v");
        /* A newer version passes through untouched. */
        return version == NULL || (json_is_number(version) && json_num(v, "v", 1) <= 1);
    }
    return json_is(json_get(v, "eventType"), JSON_STRING);
}

/* Hands one line to the tool, its tree and copy in `a`; true when they are to be kept. */
static bool present(struct line_reader *r, struct arena *a, struct slice line)
{
    struct slice copy = arena_slice(a, line);
    struct json *rec;
    struct err err = ERR_INIT;
    const char *why;
    char *text;

    if (json_parse(a, copy, 0, &rec, &err))
        return is_record(rec) && r->fn != NULL && r->fn(r->ctx, r->chain, rec, copy);
    /* "line 1, " says nothing of a line. */
    why = strncmp(err.text, "line 1, ", 8) == 0 ? err.text + 8 : err.text;
    text = xasprintf("not JSON: %s", why);
    report_bad(r, text);
    free(text);
    return false;
}

static void page_turn(struct chain *c, struct arena *a)
{
    c->pages = xreallocarray(c->pages, c->npages + 1, sizeof(c->pages[0]));
    c->pages[c->npages++] = *a;
    *a = ARENA_INIT;
}

/* One whole line, forwarded already. A long one has an arena to itself. Short ones that are kept
 * share a page; one that is not is taken back from it, or goes with it when the page holds nothing
 * else: what stays of lines that are not kept is at most a chunk for each page. */
static void handle(struct line_reader *r, struct slice line)
{
    struct chain *c = r->chain;
    struct arena mark = c->page;

    line = slice_trim(line);
    if (line.len == 0)
        return;
    if (line.len > SMALL_LINE) {
        if (present(r, &c->big, line))
            page_turn(c, &c->big);
        else
            arena_clear(&c->big);
    } else if (present(r, &c->page, line)) {
        c->page_kept = true;
    } else if (!c->page_kept) {
        arena_clear(&c->page);
    } else if (c->page.head == mark.head) {
        c->page.at = mark.at;
    } else {
        page_turn(c, &c->page);
        c->page_kept = false;
    }
}

static void end_line(struct line_reader *r, struct slice rest, bool newline)
{
    struct chain *c = r->chain;

    c->line_no++;
    c->lines++;
    if (!newline && c->forward)
        out_owe_newline(); /* before the handler: what it writes begins on a new line */
    if (r->too_long || r->line.len + rest.len > JSON_LINE_MAX) {
        report_bad(r, "line over 16 MiB (forwarded, not read)");
    } else if (r->line.len > 0) {
        buf_add_slice(&r->line, rest);
        handle(r, buf_slice(&r->line));
    } else {
        handle(r, rest);
    }
    buf_clear(&r->line);
    r->too_long = false;
}

static void take_block(struct line_reader *r, struct slice block)
{
    while (block.len > 0) {
        const char *nl = memchr(block.p, '\n', block.len);
        size_t n = nl == NULL ? block.len : (size_t)(nl - block.p);
        struct slice part = slice_of(block.p, n);

        /* Forwarded before the handler speaks, so that its records come behind. */
        if (r->chain->forward)
            out_write(part.p, nl == NULL ? n : n + 1);
        if (nl != NULL) {
            end_line(r, part, true);
            n++;
        } else if (!r->too_long && r->line.len + n > JSON_LINE_MAX) {
            r->too_long = true;
            buf_release(&r->line);
        } else if (!r->too_long) {
            buf_add_slice(&r->line, part);
        }
        block.p += n;
        block.len -= n;
    }
}

static bool read_all(struct line_reader *r, int fd, struct err *err)
{
    char *block = xmalloc(BLOCK);
    bool ok = true;

    for (;;) {
        ssize_t n;

        if (r->chain->forward)
            out_flush(NULL);
        n = read(fd, block, BLOCK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            struct quoted q;

            ok = err_errno(err, ERR_ENV, "cannot read '%s'", quote_str(&q, r->chain->name));
        }
        if (n <= 0)
            break;
        take_block(r, slice_of(block, (size_t)n));
    }
    if (r->line.len > 0 || r->too_long)
        end_line(r, SLICE_NULL, false);
    free(block);
    return ok;
}

void chain_init(struct chain *c, bool forward)
{
    *c = (struct chain){.name = "stdin", .forward = forward, .page = ARENA_INIT, .big = ARENA_INIT};
}

bool chain_read(struct chain *c, const char *path, chain_fn *fn, void *ctx, struct err *err)
{
    struct line_reader r = {
        .chain = c, .fn = fn, .ctx = ctx, .line = BUF_INIT((size_t)JSON_LINE_MAX + BLOCK)};
    bool is_stdin = path == NULL || strcmp(path, "-") == 0;
    struct quoted q;
    int fd = STDIN_FILENO;
    bool ok;

    c->name = is_stdin ? "stdin" : path;
    c->line_no = 0;
    if (!is_stdin && (fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
        return err_errno(err, ERR_ENV, "cannot open '%s'", quote_str(&q, path));
    ok = read_all(&r, fd, err);
    if (r.unreported > 0)
        cli_error("%s: %llu more such lines", quote_str(&q, c->name),
                  (unsigned long long)r.unreported);
    buf_release(&r.line);
    if (!is_stdin)
        close(fd);
    return ok;
}

void chain_release(struct chain *c)
{
    for (size_t i = 0; i < c->npages; i++)
        arena_release(&c->pages[i]);
    free(c->pages);
    arena_release(&c->page);
    arena_release(&c->big);
    c->pages = NULL;
    c->npages = 0;
    c->page_kept = false;
}
