/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The closest of several names. */
#include "base/nearest.h"

#define NAME_MAX_LEN 64

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t edit_distance(struct slice a, struct slice b)
{
    size_t rows[3][NAME_MAX_LEN + 1];
    if (a.len > NAME_MAX_LEN || b.len > NAME_MAX_LEN)
        return SIZE_MAX;
    for (size_t j = 0; j <= b.len; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t *now = rows[i % 3], *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            char x = lower(a.p[i - 1]), y = lower(b.p[j - 1]);
            now[j] = smaller(smaller(last[j], now[j - 1]) + 1, last[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == lower(b.p[j - 2]) && y == lower(a.p[i - 2]))
                now[j] = smaller(now[j], before[j - 2] + 1);
        }
    }
    return rows[a.len % 3][b.len];
}

void nearest_init(struct nearest *n, struct slice want)
{
    *n = (struct nearest){want, NULL, SIZE_MAX};
}

void nearest_try(struct nearest *n, const char *candidate)
{
    struct slice c = slice_str(candidate);
    size_t longer = c.len > n->want.len ? c.len : n->want.len;
    size_t limit = longer / 3 ? longer / 3 : 1, d = edit_distance(n->want, c);
    if (d <= limit && d < n->distance) {
        n->distance = d;
        n->best = candidate;
    }
}
