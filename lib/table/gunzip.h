/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One gzip member at a time (RFC 1952), in pieces: with ISA-L, about three times as fast as zlib on
 * CSV (300 MB: 0.30 s against 0.88 s of CPU), where it was there when this was built, else with
 * zlib. Header, CRC and length are checked. What stands between members is source.c's. Internal to
 * table/. */
#ifndef FORELINE_GUNZIP_H
#define FORELINE_GUNZIP_H

#include "base/base.h"

enum gunzip_with { GUNZIP_BEST, GUNZIP_ZLIB };
enum gunzip_got {
    GUNZIP_MORE,   /* wants more input, or more room */
    GUNZIP_END,    /* of the member, at *used */
    GUNZIP_BROKEN, /* *why says how; what came before has been given, now or earlier */
};
struct gunzip;
struct gunzip *gunzip_new(enum gunzip_with with);
void gunzip_free(struct gunzip *g); /* NULL is fine */
/* The next member begins. */
void gunzip_begin(struct gunzip *g);
/* From n bytes of `in`, up to `cap` (not 0) into `out`. When there is no more input what is still
 * to come is asked for with n == 0: nothing, if *got is 0 then. */
enum gunzip_got gunzip_run(struct gunzip *g, const char *in, size_t n, size_t *used, char *out,
                           size_t cap, size_t *got, const char **why);

#endif
