/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The matchers. Most texts have no format: a look at their bytes, eight at a time, for the marks
 * that formats need comes first. */
#include "profile/formats.h"

const char *const profile_format_names[FORMATS] = {"uuid",  "email",          "url",           "ip",
                                                   "phone", "country_alpha2", "country_alpha3"};
enum {
    UUID = 1u << 0,
    EMAIL = 1u << 1,
    URL = 1u << 2,
    IP = 1u << 3,
    PHONE = 1u << 4,
    COUNTRY2 = 1u << FORMAT_COUNTRY2,
    COUNTRY3 = 1u << 6,
};

static inline bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Bytes of an e-mail address: in the local part, within a label of the domain. */
enum { LOCAL = 1, LABEL = 2 };
#define BOTH (LOCAL | LABEL)
static const unsigned char bytes[256] = {
    ['!'] = LOCAL, ['#'] = LOCAL, ['$'] = LOCAL, ['%'] = LOCAL, ['&'] = LOCAL, ['\''] = LOCAL,
    ['*'] = LOCAL, ['+'] = LOCAL, ['-'] = BOTH,  ['.'] = LOCAL, ['/'] = LOCAL, ['='] = LOCAL,
    ['?'] = LOCAL, ['^'] = LOCAL, ['_'] = LOCAL, ['`'] = LOCAL, ['{'] = LOCAL, ['|'] = LOCAL,
    ['}'] = LOCAL, ['~'] = LOCAL, ['0'] = BOTH,  ['1'] = BOTH,  ['2'] = BOTH,  ['3'] = BOTH,
    ['4'] = BOTH,  ['5'] = BOTH,  ['6'] = BOTH,  ['7'] = BOTH,  ['8'] = BOTH,  ['9'] = BOTH,
    ['a'] = BOTH,  ['b'] = BOTH,  ['c'] = BOTH,  ['d'] = BOTH,  ['e'] = BOTH,  ['f'] = BOTH,
    ['g'] = BOTH,  ['h'] = BOTH,  ['i'] = BOTH,  ['j'] = BOTH,  ['k'] = BOTH,  ['l'] = BOTH,
    ['m'] = BOTH,  ['n'] = BOTH,  ['o'] = BOTH,  ['p'] = BOTH,  ['q'] = BOTH,  ['r'] = BOTH,
    ['s'] = BOTH,  ['t'] = BOTH,  ['u'] = BOTH,  ['v'] = BOTH,  ['w'] = BOTH,  ['x'] = BOTH,
    ['y'] = BOTH,  ['z'] = BOTH,  ['A'] = BOTH,  ['B'] = BOTH,  ['C'] = BOTH,  ['D'] = BOTH,
    ['E'] = BOTH,  ['F'] = BOTH,  ['G'] = BOTH,  ['H'] = BOTH,  ['I'] = BOTH,  ['J'] = BOTH,
    ['K'] = BOTH,  ['L'] = BOTH,  ['M'] = BOTH,  ['N'] = BOTH,  ['O'] = BOTH,  ['P'] = BOTH,
    ['Q'] = BOTH,  ['R'] = BOTH,  ['S'] = BOTH,  ['T'] = BOTH,  ['U'] = BOTH,  ['V'] = BOTH,
    ['W'] = BOTH,  ['X'] = BOTH,  ['Y'] = BOTH,  ['Z'] = BOTH,  [128] = BOTH,  [129] = BOTH,
    [130] = BOTH,  [131] = BOTH,  [132] = BOTH,  [133] = BOTH,  [134] = BOTH,  [135] = BOTH,
    [136] = BOTH,  [137] = BOTH,  [138] = BOTH,  [139] = BOTH,  [140] = BOTH,  [141] = BOTH,
    [142] = BOTH,  [143] = BOTH,  [144] = BOTH,  [145] = BOTH,  [146] = BOTH,  [147] = BOTH,
    [148] = BOTH,  [149] = BOTH,  [150] = BOTH,  [151] = BOTH,  [152] = BOTH,  [153] = BOTH,
    [154] = BOTH,  [155] = BOTH,  [156] = BOTH,  [157] = BOTH,  [158] = BOTH,  [159] = BOTH,
    [160] = BOTH,  [161] = BOTH,  [162] = BOTH,  [163] = BOTH,  [164] = BOTH,  [165] = BOTH,
    [166] = BOTH,  [167] = BOTH,  [168] = BOTH,  [169] = BOTH,  [170] = BOTH,  [171] = BOTH,
    [172] = BOTH,  [173] = BOTH,  [174] = BOTH,  [175] = BOTH,  [176] = BOTH,  [177] = BOTH,
    [178] = BOTH,  [179] = BOTH,  [180] = BOTH,  [181] = BOTH,  [182] = BOTH,  [183] = BOTH,
    [184] = BOTH,  [185] = BOTH,  [186] = BOTH,  [187] = BOTH,  [188] = BOTH,  [189] = BOTH,
    [190] = BOTH,  [191] = BOTH,  [192] = BOTH,  [193] = BOTH,  [194] = BOTH,  [195] = BOTH,
    [196] = BOTH,  [197] = BOTH,  [198] = BOTH,  [199] = BOTH,  [200] = BOTH,  [201] = BOTH,
    [202] = BOTH,  [203] = BOTH,  [204] = BOTH,  [205] = BOTH,  [206] = BOTH,  [207] = BOTH,
    [208] = BOTH,  [209] = BOTH,  [210] = BOTH,  [211] = BOTH,  [212] = BOTH,  [213] = BOTH,
    [214] = BOTH,  [215] = BOTH,  [216] = BOTH,  [217] = BOTH,  [218] = BOTH,  [219] = BOTH,
    [220] = BOTH,  [221] = BOTH,  [222] = BOTH,  [223] = BOTH,  [224] = BOTH,  [225] = BOTH,
    [226] = BOTH,  [227] = BOTH,  [228] = BOTH,  [229] = BOTH,  [230] = BOTH,  [231] = BOTH,
    [232] = BOTH,  [233] = BOTH,  [234] = BOTH,  [235] = BOTH,  [236] = BOTH,  [237] = BOTH,
    [238] = BOTH,  [239] = BOTH,  [240] = BOTH,  [241] = BOTH,  [242] = BOTH,  [243] = BOTH,
    [244] = BOTH,  [245] = BOTH,  [246] = BOTH,  [247] = BOTH,  [248] = BOTH,  [249] = BOTH,
    [250] = BOTH,  [251] = BOTH,  [252] = BOTH,  [253] = BOTH,  [254] = BOTH,  [255] = BOTH,
};
static inline unsigned byte_is(char c)
{
    return bytes[(unsigned char)c];
}

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_uuid(struct slice s)
{
    if (s.len != 36)
        return false;
    for (size_t i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? s.p[i] != '-' : !is_hex(s.p[i]))
            return false;
    }
    return true;
}

/* Labels of letters, digits and inner dashes between dots; at least two; bytes above 127 pass. */
static bool is_domain(struct slice s)
{
    size_t labels = 0, len = 0;
    if (s.len > 253)
        return false;
    for (size_t i = 0; i <= s.len; i++) {
        if (i == s.len || s.p[i] == '.') {
            if (len == 0 || len > 63 || s.p[i - 1] == '-')
                return false;
            labels++;
            len = 0;
        } else if ((byte_is(s.p[i]) & LABEL) && (s.p[i] != '-' || len > 0)) {
            len++;
        } else {
            return false;
        }
    }
    return labels >= 2;
}

static bool is_email(struct slice s)
{
    const char *at = memchr(s.p, '@', s.len);
    if (at == NULL)
        return false;
    size_t local = (size_t)(at - s.p);
    if (local == 0 || local > 64 || s.p[0] == '.' || at[-1] == '.')
        return false;
    for (size_t i = 0; i < local; i++) {
        char c = s.p[i];
        if (c == '.' && s.p[i + 1] == '.')
            return false;
        if (!(byte_is(c) & LOCAL))
            return false;
    }
    return is_domain(slice_of(at + 1, s.len - local - 1));
}

static bool is_url(struct slice s)
{
    size_t i = 0;
    while (i < s.len && i < 32 &&
           (is_alpha(s.p[i]) ||
            (i > 0 && (is_digit(s.p[i]) || s.p[i] == '+' || s.p[i] == '-' || s.p[i] == '.'))))
        i++;
    if (i < 2 || s.len - i < 4 || memcmp(s.p + i, "://", 3) != 0)
        return false;
    for (size_t j = i + 3; j < s.len; j++)
        if ((unsigned char)s.p[j] <= ' ' || s.p[j] == 0x7f)
            return false;
    return s.p[i + 3] != '/' || (i == 4 && memcmp(s.p, "file", 4) == 0);
}

static bool is_ipv4(struct slice s)
{
    unsigned part = 0, digits = 0, dots = 0;
    if (s.len < 7 || s.len > 15)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.p[i] == '.') {
            if (digits == 0 || ++dots > 3)
                return false;
            part = digits = 0;
        } else if (is_digit(s.p[i])) {
            if (digits > 0 && part == 0)
                return false; /* a leading zero: octal to some, so nothing exact */
            part = part * 10 + (unsigned)(s.p[i] - '0');
            if (++digits > 3 || part > 255)
                return false;
        } else {
            return false;
        }
    }
    return dots == 3 && digits > 0;
}

static bool is_ipv6(struct slice s)
{
    unsigned groups = 0, digits = 0;
    bool gap = false;
    size_t i = 0, start = 0;
    if (s.len < 2 || s.len > 45 || (s.p[0] == ':' && s.p[1] != ':'))
        return false;
    while (i < s.len) {
        if (s.p[i] == ':') {
            bool two = i + 1 < s.len && s.p[i + 1] == ':';
            if (two && gap)
                return false;
            if (!two && digits == 0)
                return false;
            groups += digits > 0;
            gap = gap || two;
            i += two ? 2 : 1;
            if (!two && i == s.len)
                return false;
            digits = 0;
            start = i;
        } else if (is_hex(s.p[i])) {
            if (++digits > 4)
                return false;
            i++;
        } else if (s.p[i] == '.' && groups + (gap ? 1 : 0) >= 1) {
            if (!is_ipv4(slice_of(s.p + start, s.len - start)))
                return false;
            groups += 2;
            digits = 0;
            break;
        } else {
            return false;
        }
    }
    groups += digits > 0;
    return gap ? groups < 8 : groups == 8;
}

/* Groups of digits, and what stands between them: one blank, '-', '.' or '/'; blanks and '-' also
 * behind a group in parentheses. */
#define GROUPS 8
struct groups {
    unsigned n, digits, of[GROUPS];
    char first; /* digit */
    bool plus, paren;
};

static bool split_groups(struct slice s, struct groups *g)
{
    bool open = false, between = true; /* a digit must come */
    *g = (struct groups){.plus = s.p[0] == '+'};
    for (size_t i = g->plus; i < s.len; i++) {
        char c = s.p[i];
        if (is_digit(c)) {
            if (between && ++g->n > GROUPS)
                return false;
            g->first = g->digits == 0 ? c : g->first;
            g->of[g->n - 1]++;
            g->digits++;
            between = false;
        } else if (c == '(' && !g->paren && g->n <= 1) {
            open = g->paren = between = true;
        } else if (c == ')' && open && !between) {
            open = false;
            between = true;
            i += i + 1 < s.len && (s.p[i + 1] == ' ' || s.p[i + 1] == '-');
        } else if ((c == ' ' || c == '-' || c == '.' || c == '/') && !between && !open) {
            between = i + 1 == s.len || s.p[i + 1] != '(';
        } else {
            return false;
        }
    }
    return !open && !between;
}

static bool is_phone(struct slice s)
{
    struct groups g;
    if (s.len < 8 || s.len > 24 || !split_groups(s, &g))
        return false;
    if (g.plus)
        return g.digits >= 7 && g.digits <= 15 && g.first != '0';
    if (g.n < 2)
        return false;
    if (g.first == '0')
        return g.of[0] >= 2 && g.digits >= 9 && g.digits <= 12 &&
               (g.n > 2 || memchr(s.p, '.', s.len) == NULL); /* 00.1234567 is a decimal */
    unsigned one = g.first == '1' && g.of[0] == 1;
    size_t area = 0;
    for (unsigned seen = 0; seen <= one; area++)
        seen += is_digit(s.p[area]);
    return g.n == 3 + one && g.of[one] == 3 && g.of[one + 1] == 3 && g.of[one + 2] == 4 &&
           s.p[area - 1] >= '2';
}

static unsigned country(struct slice s)
{
    return !profile_is_country(s) ? 0u : s.len == 2 ? COUNTRY2 : COUNTRY3;
}

#define LOW UINT64_C(0x0101010101010101)
#define HIGH UINT64_C(0x8080808080808080)

/* Not zero when a byte of x is b. */
static inline uint64_t has(uint64_t x, unsigned char b)
{
    uint64_t y = x ^ (LOW * b);
    return (y - LOW) & ~y & HIGH;
}

/* Is there a '@' or a ':'? */
static inline bool has_mark(struct slice s)
{
    uint64_t x = 0, found = 0;
    size_t i = 0;
    if (s.len >= 8) {
        for (; i + 8 < s.len; i += 8) {
            memcpy(&x, s.p + i, 8);
            found |= has(x, '@') | has(x, ':');
        }
        memcpy(&x, s.p + s.len - 8, 8);
    } else if (s.len >= 4) {
        uint32_t a, b;
        memcpy(&a, s.p, 4);
        memcpy(&b, s.p + s.len - 4, 4);
        x = (uint64_t)a << 32 | b;
    } else {
        for (; i < s.len; i++)
            x = x << 8 | (unsigned char)s.p[i];
    }
    return (found | has(x, '@') | has(x, ':')) != 0;
}

unsigned profile_formats(struct slice s)
{
    if (s.len < 2 || s.len > 4096)
        return 0;
    if (s.len == 36 && s.p[8] == '-')
        return is_uuid(s) ? UUID : 0;
    if (s.len <= 3 && s.p[0] != ':')
        return country(s);
    if (!has_mark(s)) {
        if (is_digit(s.p[0]) && is_ipv4(s))
            return IP;
        return (is_digit(s.p[0]) || s.p[0] == '+' || s.p[0] == '(') && is_phone(s) ? PHONE : 0;
    }
    unsigned found = 0;
    if (is_hex(s.p[0]) || s.p[0] == ':')
        found |= is_ipv4(s) || is_ipv6(s) ? IP : 0u;
    if (is_alpha(s.p[0]))
        found |= is_url(s) ? URL : 0u;
    if (found == 0 && is_email(s))
        found = EMAIL;
    return found;
}

bool profile_is_zero_code(struct slice s)
{
    if (s.len < 2 || s.p[0] != '0')
        return false;
    for (size_t i = 1; i < s.len; i++)
        if (!is_digit(s.p[i]))
            return false;
    return true;
}
