/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stdout, and the loop that every filter of the chain shares: read JSON lines, forward each byte
 * for byte and in order, hand the records to the tool, remember what was wrong.
 */
#ifndef FORELINE_CHAIN_H
#define FORELINE_CHAIN_H

#include "base/base.h"
#include "base/buf.h"
#include "json/json.h"

/* stdout with an error memory. Writes are buffered; out_close flushes, closes and is where a full
 * disk shows at the latest: false and `err` ERR_ENV ("cannot write to stdout: No space left on
 * device"). EPIPE ends the process quietly (SIGPIPE's default action). */
void out_write(const void *p, size_t n);
void out_buf(const struct buf *b);
void out_line(struct slice line); /* adds the newline */
bool out_flush(struct err *err);
bool out_close(struct err *err);

/* A record of the chain as the tool sees it. `rec` lives until the handler returns unless kept is
 * set: then its arena is kept until chain_release. */
struct chain {
    struct arena kept; /* records kept by handlers, and copies of their lines */
    uint64_t lines, bad_lines;
    const char *name; /* "-" or the file */
    bool forward;     /* write every line to stdout (off with -q or a terminal's table) */
};
/* Called for each line that is a JSON object with "record" (v <= 1) or an OpenLineage "eventType";
 * `rec` and `line` are in c->kept and stay valid until chain_release when the handler returns true,
 * and go at once when it returns false. */
typedef bool chain_fn(void *ctx, struct chain *c, const struct json *rec, struct slice line);
void chain_init(struct chain *c, bool forward);
/* Reads `path` (NULL or "-": stdin) to its end. A line that is not JSON, or over 16 MiB, is
 * forwarded, reported on stderr with its number, counted in bad_lines. false only when it cannot be
 * opened or read. */
bool chain_read(struct chain *c, const char *path, chain_fn *fn, void *ctx, struct err *err);
void chain_release(struct chain *c);

#endif
