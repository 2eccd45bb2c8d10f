/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bytes of a file, a pipe or stdin, decompressed when they are gzip (RFC 1952, several members) or
 * zstd (RFC 8878, several frames), which the content tells and not the name. What was read can be
 * kept and read again, so that readers may look ahead in streams that cannot be rewound.
 * Internal to table/. */
#ifndef FORELINE_SOURCE_H
#define FORELINE_SOURCE_H

#include "base/arena.h"
#include "base/base.h"
#include "table/gunzip.h"
#include "table/input.h"

struct source;
/* "-" is stdin. ERR_ENV when it cannot be opened, also for a directory. `name` is for messages and
 * must outlive the source. */
struct source *source_open(const char *path, struct mem_account *acct, struct err *err);
/* The descriptor stays open when the source goes. */
struct source *source_from_fd(int fd, const char *name, struct mem_account *acct);
/* `in` stays the caller's. */
struct source *source_from_input(const struct input *in, const char *name,
                                 struct mem_account *acct);
/* Before the first read: its text is ISO 8859-1, given as UTF-8. */
void source_latin1(struct source *s);
/* Likewise: who decompresses gzip (the best there is, unless said). */
void source_gunzip(struct source *s, enum gunzip_with with);
void source_free(struct source *s);
/* Up to `cap` bytes; *got 0 at the end. What came before a defect is given first, then ERR_DATA
 * (broken or truncated compression, naming the byte in the file) or ERR_ENV (read error), again at
 * each further call. */
bool source_read(struct source *s, char *to, size_t cap, size_t *got, struct err *err);
/* From now on everything read is kept. */
void source_record(struct source *s);
size_t source_recorded(const struct source *s); /* bytes kept */
/* Reads from the beginning again what was kept (freeing it on the way), then goes on. */
void source_rewind(struct source *s);
/* Off at first: then a read waits until there are bytes, or none will come. On: a read may give no
 * bytes because there are none for now, which source_paused tells from the end. */
void source_may_pause(struct source *s, bool may);
bool source_paused(const struct source *s);
/* How the compression is broken, and at which stored byte; or NULL. */
const char *source_defect(const struct source *s, uint64_t *at);
bool source_is_input(const struct source *s); /* from source_from_input */
bool source_is_regular(const struct source *s);
uint64_t source_stored_bytes(const struct source *s); /* read from the descriptor */
const char *source_compression(const struct source *s);

#endif
