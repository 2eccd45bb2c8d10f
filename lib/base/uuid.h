/* SPDX-License-Identifier: GPL-3.0-or-later */
/* UUIDs for runs: version 7 (RFC 9562), so that they sort by time. */
#ifndef FORELINE_UUID_H
#define FORELINE_UUID_H

#include "base/base.h"

#define UUID_TEXT 37
/* From the clock of instant_now() and 74 bits of `entropy` (10 bytes; the caller gets them from
 * os/). */
void uuid7_format(char out[UUID_TEXT], int64_t now_us, const unsigned char entropy[10]);
bool uuid_is_valid(struct slice s);

#endif
