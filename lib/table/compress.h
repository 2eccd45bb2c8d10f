/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bytes to gzip (RFC 1952) or zstd (RFC 8878) as they come. The same input gives the same output:
 * no time, no name in the header. Reading both is the readers' matter (found by content). */
#ifndef FORELINE_COMPRESS_H
#define FORELINE_COMPRESS_H

#include "base/base.h"
#include "base/buf.h"

/* "gzip" (.gz), "zstd" (.zst, .zstd) or NULL. */
const char *compression_of_path(const char *path);

struct compressor;
/* NULL and ERR_USAGE when `how` is neither "gzip" nor "zstd". */
struct compressor *compressor_new(const char *how, struct err *err);
/* Takes all of `in`, appends what is ready to `out`; `last` ends the stream. */
bool compressor_add(struct compressor *c, struct slice in, bool last, struct buf *out,
                    struct err *err);
void compressor_free(struct compressor *c);

#endif
