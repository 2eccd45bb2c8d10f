/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Numbers from and to text. Reading: one pass over JSON's grammar that gathers up to 19 digits; the
 * exact fast path of Clinger 1990 (mantissa below 2^53, power of ten up to 22), else strtod, which
 * glibc rounds correctly (the process never leaves the C locale for numbers). */
#include "base/num.h"

#include <errno.h>
#include <math.h>

static const double pow10_exact[23] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                       1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                       1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* What one pass over the text finds. */
struct scan {
    uint64_t mantissa;              /* first 19 significant digits */
    int64_t exponent;               /* of ten, for the mantissa */
    bool negative, exact, integral; /* exact: no digit was left out of the mantissa */
};

static bool is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

static const char *scan_digits(const char *p, const char *end, struct scan *n, int *digits,
                               bool fraction)
{
    while (p < end && is_digit(*p)) {
        if (*digits < 19) {
            n->mantissa = n->mantissa * 10 + (uint64_t)(*p - '0');
            *digits += n->mantissa != 0;
            n->exponent -= fraction;
        } else {
            n->exact = n->exact && *p == '0';
            n->exponent += !fraction;
        }
        p++;
    }
    return p;
}

static bool scan_number(struct slice s, struct scan *n)
{
    const char *p = s.p, *end, *start;
    int digits = 0;
    *n = (struct scan){.exact = true, .integral = true};
    if (s.len == 0) /* perhaps NULL, to which nothing may be added */
        return false;
    end = p + s.len;
    if (*p == '-') {
        n->negative = true;
        p++;
    }
    start = p;
    p = scan_digits(p, end, n, &digits, false);
    if (p == start || (*start == '0' && p - start > 1))
        return false;
    if (p < end && *p == '.') {
        n->integral = false;
        start = ++p;
        p = scan_digits(p, end, n, &digits, true);
        if (p == start)
            return false;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        n->integral = false;
        bool minus = false;
        p++;
        if (p < end && (*p == '+' || *p == '-'))
            minus = *p++ == '-';
        start = p;
        int64_t e = 0;
        for (; p < end && is_digit(*p); p++)
            if (e < 1000000)
                e = e * 10 + (*p - '0');
        if (p == start)
            return false;
        n->exponent += minus ? -e : e;
    }
    return p == end;
}

static bool scan_to_double(struct slice s, const struct scan *n, double *out)
{
    if (n->exact && n->mantissa < (UINT64_C(1) << 53) && n->exponent >= -22 && n->exponent <= 22) {
        double d = (double)n->mantissa;
        d = n->exponent < 0 ? d / pow10_exact[-n->exponent] : d * pow10_exact[n->exponent];
        *out = n->negative ? -d : d;
        return true;
    }
    char small[64];
    char *text = s.len < sizeof(small) ? small : xmalloc(s.len + 1);
    memcpy(text, s.p, s.len);
    text[s.len] = '\0';
    double d = strtod(text, NULL);
    if (text != small)
        free(text);
    if (!isfinite(d))
        return false;
    *out = d;
    return true;
}

static bool scan_to_int(const struct scan *n, int64_t *out)
{
    if (!n->integral || n->exponent != 0 || !n->exact)
        return false;
    if (n->mantissa > (uint64_t)INT64_MAX + n->negative)
        return false;
    *out = n->negative ? (int64_t)(0 - n->mantissa) : (int64_t)n->mantissa;
    return true;
}

bool num_parse_int(struct slice s, int64_t *out)
{
    struct scan n;
    return scan_number(s, &n) && scan_to_int(&n, out);
}

bool num_parse_float(struct slice s, double *out)
{
    struct scan n;
    return scan_number(s, &n) && scan_to_double(s, &n, out);
}

char num_classify(struct slice s, int64_t *i, double *d)
{
    struct scan n;
    if (!scan_number(s, &n))
        return 0;
    if (scan_to_int(&n, i)) {
        *d = (double)*i;
        return 'i';
    }
    /* An integer beyond 64 bits is no number of ours: as a float it would lose digits. */
    if (n.integral)
        return 0;
    return scan_to_double(s, &n, d) ? 'f' : 0;
}

/* 00 to 99. */
static const char digit_pairs[] = "00010203040506070809101112131415161718192021222324"
                                  "25262728293031323334353637383940414243444546474849"
                                  "50515253545556575859606162636465666768697071727374"
                                  "75767778798081828384858687888990919293949596979899";

static size_t digits_of(uint64_t u)
{
    size_t n = 1;
    for (; u >= 10000; u /= 10000)
        n += 4;
    return n + (u >= 10) + (u >= 100) + (u >= 1000);
}

size_t num_format_int(char out[NUM_TEXT_MAX], int64_t i)
{
    uint64_t u = i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
    size_t n = digits_of(u) + (i < 0), at = n;
    out[0] = '-';
    out[n] = '\0';
    for (; u >= 100; u /= 100) {
        at -= 2;
        memcpy(out + at, digit_pairs + 2 * (u % 100), 2);
    }
    if (u >= 10)
        memcpy(out + at - 2, digit_pairs + 2 * u, 2);
    else
        out[at - 1] = (char)('0' + u);
    return n;
}

/* The general case: the fewest of 1 to 17 digits that read back equal. 15 always suffice to tell
 * whether fewer do, as %.15g drops trailing zeros, but for subnormal numbers, which have fewer
 * digits. */
static size_t format_general(char out[NUM_TEXT_MAX], double d)
{
    for (int digits = fabs(d) < 0x1p-1022 ? 1 : 15;; digits++) {
        int n = snprintf(out, NUM_TEXT_MAX, "%.*g", digits, d);
        if (digits == 17 || strtod(out, NULL) == d)
            return (size_t)n;
    }
}

size_t num_format_double(char out[NUM_TEXT_MAX], double d)
{
    if (!isfinite(d)) {
        memcpy(out, "null", 5);
        return 4;
    }
    double a = fabs(d);
    if (a < 0x1p53 && a == floor(a)) {
        if (d == 0) /* JSON keeps -0; a person does not want it */
            d = 0;
        return num_format_int(out, (int64_t)d);
    }
    /* r / 10^k is correctly rounded, hence equal to what the text "r e-k" reads as; the smallest
     * such k gives the shortest text. */
    if (a >= 1e-4 && a < 1e9) {
        for (int k = 1; k <= 6; k++) {
            double r = nearbyint(a * pow10_exact[k]);
            if (r / pow10_exact[k] == a) {
                char digits[NUM_TEXT_MAX];
                size_t n = num_format_int(digits, (int64_t)r), at = 0;
                if (d < 0)
                    out[at++] = '-';
                size_t whole = n > (size_t)k ? n - (size_t)k : 0;
                if (!whole)
                    out[at++] = '0';
                memcpy(out + at, digits, whole);
                at += whole;
                out[at++] = '.';
                for (size_t z = n; z < (size_t)k; z++)
                    out[at++] = '0';
                memcpy(out + at, digits + whole, n - whole);
                at += n - whole;
                out[at] = '\0';
                return at;
            }
        }
    }
    return format_general(out, d);
}

bool num_parse_size(const char *s, uint64_t *bytes)
{
    static const struct {
        const char *unit;
        double factor;
    } units[] = {{"", 1},         {"B", 1},      {"KB", 1e3},     {"kB", 1e3},     {"MB", 1e6},
                 {"GB", 1e9},     {"TB", 1e12},  {"KiB", 0x1p10}, {"MiB", 0x1p20}, {"GiB", 0x1p30},
                 {"TiB", 0x1p40}, {"K", 0x1p10}, {"M", 0x1p20},   {"G", 0x1p30}};
    size_t n = strspn(s, "0123456789.");
    double v;
    if (!num_parse_float(slice_of(s, n), &v))
        return false;
    while (s[n] == ' ')
        n++;
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (strcmp(s + n, units[i].unit) == 0) {
            v *= units[i].factor;
            if (v >= 0x1p63)
                return false;
            *bytes = (uint64_t)v;
            return true;
        }
    }
    return false;
}

bool num_parse_percent(const char *s, double *fraction)
{
    size_t n = strlen(s);
    double v;
    if (n && s[n - 1] == '%')
        n--;
    if (!num_parse_float(slice_of(s, n), &v) || v < 0 || v > 100)
        return false;
    *fraction = v / 100;
    return true;
}

size_t num_format_size(char out[NUM_TEXT_MAX], double bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    size_t u = 0;
    double v = bytes;
    if (!isfinite(bytes))
        return (size_t)snprintf(out, NUM_TEXT_MAX, "-");
    while (fabs(v) >= 1023.95 && u + 1 < ARRAY_LEN(units)) {
        v /= 1024;
        u++;
    }
    return (size_t)snprintf(out, NUM_TEXT_MAX, u ? "%.1f %s" : "%.0f %s", v, units[u]);
}

size_t num_format_grouped(char out[NUM_TEXT_MAX], int64_t i)
{
    char plain[NUM_TEXT_MAX];
    size_t n = num_format_int(plain, i), at = 0, start = plain[0] == '-';
    for (size_t k = 0; k < n; k++) {
        if (k > start && (n - k) % 3 == 0)
            out[at++] = ',';
        out[at++] = plain[k];
    }
    out[at] = '\0';
    return at;
}
