/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Eight bytes at a time in a 64-bit word. Internal to table/. */
#ifndef FORELINE_SWAR_H
#define FORELINE_SWAR_H

#include "base/base.h"

#define SWAR_LOW UINT64_C(0x0101010101010101)
#define SWAR_HIGH UINT64_C(0x8080808080808080)

static inline uint64_t swar_load(const char *p)
{
    uint64_t x;
    memcpy(&x, p, sizeof(x));
    return x;
}

/* 0x80 where a byte of x is b, 0 elsewhere up to the first such byte (what lies behind it may be
 * wrong). */
static inline uint64_t swar_equal(uint64_t x, unsigned char b)
{
    uint64_t y = x ^ (SWAR_LOW * b);
    return (y - SWAR_LOW) & ~y & SWAR_HIGH;
}

#endif
