/* SPDX-License-Identifier: GPL-3.0-or-later */
/* UTF-16 to UTF-8, piece by piece (RFC 2781, RFC 3629). Internal to table/. */
#ifndef FORELINE_UTF16_H
#define FORELINE_UTF16_H

#include "base/base.h"

struct utf16 {
    bool big;      /* big endian */
    uint16_t high; /* a high surrogate that waits for its low one; 0: none */
    bool half;     /* a byte that waits for the other one of its unit */
    unsigned char byte;
    uint64_t replaced; /* surrogates without their other half, and a last odd byte: U+FFFD */
};
/* Room that n bytes need at most, with what may have waited. */
#define UTF16_ROOM(n) (((size_t)(n) + 1) / 2 * 3 + 6)
/* Decodes n bytes; returns how many bytes were written. */
size_t utf16_decode(struct utf16 *u, const char *in, size_t n, char *out);
/* At the end of the input: what still waits. */
size_t utf16_end(struct utf16 *u, char *out);

#endif
