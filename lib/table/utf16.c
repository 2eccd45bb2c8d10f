/* SPDX-License-Identifier: GPL-3.0-or-later */
/* UTF-16 to UTF-8. See utf16.h. */
#include "table/utf16.h"

static char *put(char *to, uint32_t c)
{
    if (c < 0x80) {
        *to++ = (char)c;
    } else if (c < 0x800) {
        *to++ = (char)(0xc0 | c >> 6);
        *to++ = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        *to++ = (char)(0xe0 | c >> 12);
        *to++ = (char)(0x80 | (c >> 6 & 0x3f));
        *to++ = (char)(0x80 | (c & 0x3f));
    } else {
        *to++ = (char)(0xf0 | c >> 18);
        *to++ = (char)(0x80 | (c >> 12 & 0x3f));
        *to++ = (char)(0x80 | (c >> 6 & 0x3f));
        *to++ = (char)(0x80 | (c & 0x3f));
    }
    return to;
}

static char *replace(struct utf16 *u, char *to)
{
    u->replaced++;
    return put(to, 0xfffd);
}

static char *take(struct utf16 *u, char *to, uint16_t unit)
{
    bool low = unit >= 0xdc00 && unit < 0xe000;
    if (u->high && low) {
        uint32_t c = 0x10000 + ((uint32_t)(u->high - 0xd800) << 10) + (unit - 0xdc00u);
        u->high = 0;
        return put(to, c);
    }
    if (u->high)
        to = replace(u, to);
    u->high = 0;
    if (low)
        return replace(u, to);
    if (unit >= 0xd800 && unit < 0xdc00) {
        u->high = unit;
        return to;
    }
    return put(to, unit);
}

size_t utf16_decode(struct utf16 *u, const char *in, size_t n, char *out)
{
    char *to = out;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)in[i];
        if (!u->half) {
            u->byte = c;
        } else {
            unsigned high = u->big ? u->byte : c, low = u->big ? c : u->byte;
            to = take(u, to, (uint16_t)(high << 8 | low));
        }
        u->half = !u->half;
    }
    return (size_t)(to - out);
}

size_t utf16_end(struct utf16 *u, char *out)
{
    char *to = out;
    if (u->high)
        to = replace(u, to);
    if (u->half)
        to = replace(u, to);
    u->high = 0;
    u->half = false;
    return (size_t)(to - out);
}
