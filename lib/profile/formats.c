/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The matchers. */
#include "profile/formats.h"

const char *const profile_format_names[FORMATS] = {"uuid", "email", "url", "ip"};
enum { UUID = 1u << 0, EMAIL = 1u << 1, URL = 1u << 2, IP = 1u << 3 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
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
        } else if (is_alpha(s.p[i]) || is_digit(s.p[i]) || (s.p[i] & 0x80) ||
                   (s.p[i] == '-' && len > 0)) {
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
        if (!is_alpha(c) && !is_digit(c) && !(c & 0x80) &&
            (c == '\0' || strchr(".!#$%&'*+-/=?^_`{|}~", c) == NULL))
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

unsigned profile_formats(struct slice s)
{
    if (s.len < 2 || s.len > 4096)
        return 0;
    if (s.len == 36 && s.p[8] == '-')
        return is_uuid(s) ? UUID : 0;
    unsigned found = 0;
    if (is_digit(s.p[0]) || is_hex(s.p[0]) || s.p[0] == ':')
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
