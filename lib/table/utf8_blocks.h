/* SPDX-License-Identifier: GPL-3.0-or-later */
/* UTF-8 checked 32 bytes at a time, where the processor has AVX2. The method is that of Keiser and
 * Lemire 2021, "Validating UTF-8 in less than one instruction per byte": three look-ups by half
 * bytes of two neighbours find every error but the missing of a second or third continuation. */
#ifndef FORELINE_UTF8_BLOCKS_H
#define FORELINE_UTF8_BLOCKS_H

#include "base/base.h"

/* How much of the text is surely UTF-8: a number of whole characters, all but the last 34 bytes at
 * most; 0 when something in it is not, when it is short, or without AVX2. */
size_t utf8_blocks(const char *p, size_t n);

#endif
