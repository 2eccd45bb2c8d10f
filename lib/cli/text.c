/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Width and breaking of UTF-8 text. Not a Unicode library: the ranges below are the blocks of
 * Unicode 15 whose characters take no or two columns in terminals (EastAsianWidth.txt classes W and
 * F, general category Mn and zero-width format characters), rounded to whole blocks.
 */
#include "cli/text.h"

struct range {
    uint32_t lo, hi;
};

static const struct range zero_width[] = {
    {0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd},   {0x0610, 0x061a}, {0x064b, 0x065f},
    {0x06d6, 0x06dc}, {0x0730, 0x074a}, {0x0900, 0x0902},   {0x093c, 0x093c}, {0x0941, 0x0948},
    {0x0e31, 0x0e31}, {0x0e34, 0x0e3a}, {0x0e47, 0x0e4e},   {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff},
    {0x200b, 0x200f}, {0x202a, 0x202e}, {0x2060, 0x2064},   {0x20d0, 0x20ff}, {0xfe00, 0xfe0f},
    {0xfe20, 0xfe2f}, {0xfeff, 0xfeff}, {0xe0100, 0xe01ef},
};
static const struct range two_wide[] = {
    {0x1100, 0x115f},   {0x231a, 0x231b},   {0x2329, 0x232a},   {0x23e9, 0x23ec},
    {0x2614, 0x2615},   {0x26a1, 0x26a1},   {0x2705, 0x2705},   {0x274c, 0x274c},
    {0x2753, 0x2755},   {0x2795, 0x2797},   {0x2e80, 0x303e},   {0x3041, 0x33ff},
    {0x3400, 0x4dbf},   {0x4e00, 0x9fff},   {0xa000, 0xa4cf},   {0xa960, 0xa97f},
    {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},
    {0xffe0, 0xffe6},   {0x16fe0, 0x18aff}, {0x1b000, 0x1b2ff}, {0x1f004, 0x1f004},
    {0x1f0cf, 0x1f0cf}, {0x1f18e, 0x1f18e}, {0x1f191, 0x1f19a}, {0x1f200, 0x1f320},
    {0x1f32d, 0x1f335}, {0x1f337, 0x1f37c}, {0x1f37e, 0x1f393}, {0x1f3a0, 0x1f3ca},
    {0x1f3e0, 0x1f3f0}, {0x1f400, 0x1f43e}, {0x1f440, 0x1f4fc}, {0x1f4ff, 0x1f53d},
    {0x1f550, 0x1f567}, {0x1f5fb, 0x1f64f}, {0x1f680, 0x1f6c5}, {0x1f6d0, 0x1f6d2},
    {0x1f7e0, 0x1f7eb}, {0x1f90c, 0x1f9ff}, {0x1fa70, 0x1faff}, {0x20000, 0x3fffd},
};

static bool in_ranges(const struct range *r, size_t n, uint32_t cp)
{
    size_t lo = 0, hi = n;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (cp > r[mid].hi)
            lo = mid + 1;
        else if (cp < r[mid].lo)
            hi = mid;
        else
            return true;
    }
    return false;
}

size_t text_decode(const char *p, size_t n, uint32_t *cp)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *u = (const unsigned char *)p;
    size_t len;
    uint32_t c;

    if (n == 0)
        return 0;
    if (u[0] < 0x80) {
        *cp = u[0];
        return 1;
    }
    if (u[0] < 0xc2 || u[0] > 0xf4)
        return 0;
    len = u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4;
    if (len > n)
        return 0;
    c = u[0] & (0xffu >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        if ((u[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (u[i] & 0x3f);
    }
    if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    *cp = c;
    return len;
}

unsigned text_char_columns(uint32_t cp)
{
    if (cp < 0x300)
        return 1;
    if (in_ranges(zero_width, ARRAY_LEN(zero_width), cp))
        return 0;
    return in_ranges(two_wide, ARRAY_LEN(two_wide), cp) ? 2 : 1;
}

/* Bytes and columns of the next character; a stray byte is one of each. */
static size_t step(struct slice s, size_t i, size_t *columns)
{
    uint32_t cp;
    size_t n = text_decode(s.p + i, s.len - i, &cp);

    *columns = n == 0 ? 1 : text_char_columns(cp);
    return n == 0 ? 1 : n;
}

size_t text_columns(struct slice s)
{
    size_t total = 0, w;

    for (size_t i = 0; i < s.len; total += w)
        i += step(s, i, &w);
    return total;
}

struct slice text_cut(struct slice s, size_t columns)
{
    size_t used = 0, i = 0;

    while (i < s.len) {
        size_t w, n = step(s, i, &w);

        if (used + w > columns)
            break;
        used += w;
        i += n;
    }
    return slice_of(s.p, i);
}

void text_wrap(struct buf *out, const char *text, size_t at, size_t indent, size_t width)
{
    bool first = true;

    while (*text != '\0') {
        size_t n, w;

        text += strspn(text, " \n");
        n = strcspn(text, " \n");
        if (n == 0)
            break;
        w = text_columns(slice_of(text, n));
        if (!first && at + 1 + w > width) {
            buf_addc(out, '\n');
            for (size_t i = 0; i < indent; i++)
                buf_addc(out, ' ');
            at = indent;
        } else if (!first) {
            buf_addc(out, ' ');
            at++;
        }
        buf_add(out, text, n);
        at += w;
        text += n;
        first = false;
    }
}

bool text_turns(uint32_t cp)
{
    return cp == 0x061c || cp == 0x200e || cp == 0x200f || (cp >= 0x202a && cp <= 0x202e) ||
           (cp >= 0x2066 && cp <= 0x2069);
}

void text_mask(struct buf *out, struct slice s, bool keep_layout)
{
    for (size_t i = 0; i < s.len;) {
        unsigned char c = (unsigned char)s.p[i];
        uint32_t cp = 0;
        size_t n = text_decode(s.p + i, s.len - i, &cp);
        /* U+0080 to U+009F are control characters too: some terminals obey them. */
        bool control =
            n == 0 || c < 0x20 || c == 0x7f || (cp >= 0x80 && cp < 0xa0) || text_turns(cp);

        if (n == 0)
            n = 1;
        if (control && !(keep_layout && (c == '\n' || c == '\t'))) {
            for (size_t k = 0; k < n; k++)
                buf_addf(out, "\\x%02x", (unsigned)(unsigned char)s.p[i + k]);
        } else {
            buf_add(out, s.p + i, n);
        }
        i += n;
    }
}
