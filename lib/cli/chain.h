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

/* What has been read so far, of one or several inputs. Set `forward` by chain_init; handlers may
 * read the rest. */
struct chain {
    uint64_t lines, bad_lines;
    const char *name;       /* of the input being read, for messages: "stdin" or the file */
    uint64_t line_no;       /* of the line in hand, within that input */
    bool forward;           /* write every line to stdout (off with -q or a terminal's table) */
    struct arena page, big; /* where short and long lines are parsed */
    struct arena *pages;    /* full ones that hold kept records */
    size_t npages;
    bool page_kept; /* `page` holds a record that a handler kept */
};
/* Called for each line that is a JSON object with "record" (v <= 1) or an OpenLineage "eventType".
 * `rec` and `line` (without its line end) stay valid until chain_release when the handler returns
 * true, and go at once when it returns false. The line has been forwarded by then, so what the
 * handler writes comes behind it. */
typedef bool chain_fn(void *ctx, struct chain *c, const struct json *rec, struct slice line);
void chain_init(struct chain *c, bool forward);
/* Reads `path` (NULL or "-": stdin) to its end. Each byte is forwarded as it came, also a CR, a
 * NUL, an empty line, a last line without newline (own records that follow begin on a new line) and
 * a record of a newer version. A line that is not JSON, or over 16 MiB, is forwarded too, reported
 * on stderr with its number (ten of them at most, then their count), counted in bad_lines. What has
 * been read is on stdout before the next read waits. false only when it cannot be opened or read;
 * failed writes are remembered for out_close. */
bool chain_read(struct chain *c, const char *path, chain_fn *fn, void *ctx, struct err *err);
void chain_release(struct chain *c);

#endif
