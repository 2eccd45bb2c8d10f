/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Doubles by the thousand, and base64. */
#include "base/pack.h"

void pack_doubles(struct buf *out, const double *x, size_t n)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    buf_add(out, x, n * sizeof(*x));
#else
    for (size_t i = 0; i < n; i++)
        pack_double(out, x[i]);
#endif
}

bool unpack_doubles(struct unpack *u, double *x, size_t n)
{
    if (!unpack_holds(u, n, sizeof(*x))) {
        u->bad = true;
        return false;
    }
    for (size_t i = 0; i < n; i++)
        x[i] = unpack_double(u);
    return true;
}

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(struct buf *out, struct slice bytes)
{
    const unsigned char *p = (const unsigned char *)bytes.p;
    size_t groups = (bytes.len + 2) / 3;
    char *to = groups > 0 ? buf_room(out, groups * 4) : NULL;
    if (to == NULL)
        return;
    out->len += groups * 4;
    for (size_t left = bytes.len; left > 0; p += 3, to += 4) {
        size_t n = left < 3 ? left : 3;
        uint32_t v = (uint32_t)p[0] << 16 | (n > 1 ? (uint32_t)p[1] << 8 : 0) | (n > 2 ? p[2] : 0);
        to[0] = digits[v >> 18];
        to[1] = digits[v >> 12 & 63];
        to[2] = n > 1 ? digits[v >> 6 & 63] : '=';
        to[3] = n > 2 ? digits[v & 63] : '=';
        left -= n;
    }
    *to = '\0';
}

/* 64: not a digit. */
static uint32_t value_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (uint32_t)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (uint32_t)(c - 'a') + 26;
    if (c >= '0' && c <= '9')
        return (uint32_t)(c - '0') + 52;
    return c == '+' ? 62 : c == '/' ? 63 : 64;
}

bool base64_decode(struct buf *out, struct slice text)
{
    if (text.len % 4 != 0)
        return false;
    if (text.len == 0)
        return true;
    size_t pad = 0, had = out->len;
    while (pad < 2 && text.p[text.len - 1 - pad] == '=')
        pad++;
    char *to = buf_room(out, text.len / 4 * 3);
    if (to == NULL)
        return false;
    uint32_t bad = 0, v = 0;
    for (size_t i = 0; i < text.len; i += 4) {
        v = 0;
        for (size_t k = 0; k < 4; k++) {
            bool end = i + k >= text.len - pad;
            uint32_t d = end ? 0 : value_of(text.p[i + k]);
            bad |= d & 64;
            v = v << 6 | (d & 63);
        }
        *to++ = (char)(unsigned char)(v >> 16);
        *to++ = (char)(unsigned char)(v >> 8);
        *to++ = (char)(unsigned char)v;
    }
    if (bad || (v & ((1u << (8 * pad)) - 1)) != 0) {
        out->p[had] = '\0';
        return false;
    }
    out->len = had + text.len / 4 * 3 - pad;
    out->p[out->len] = '\0';
    return true;
}
