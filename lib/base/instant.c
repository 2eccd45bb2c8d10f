/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Dates, instants and durations; the clock that tests can fix. */
#include "base/instant.h"

#include <math.h>

#include "base/num.h"

static bool clock_is_fixed;
static int64_t clock_fixed_us;

void instant_fix(int64_t us)
{
    clock_is_fixed = true;
    clock_fixed_us = us;
}

int64_t instant_now(void)
{
    static bool asked;
    if (!asked) {
        asked = true;
        const char *env = getenv("FORELINE_NOW");
        int64_t us;
        if (env && instant_parse(slice_str(env), &us))
            instant_fix(us);
    }
    if (clock_is_fixed)
        return clock_fixed_us;
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * US_PER_S + ts.tv_nsec / 1000;
}

int64_t days_from_civil(int64_t y, int m, int d)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + doe - 719468;
}

void civil_from_days(int64_t days, int64_t *y, int *m, int *d)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t doe = days - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    *d = (int)(doy - (153 * mp + 2) / 5 + 1);
    *m = (int)(mp < 10 ? mp + 3 : mp - 9);
    *y = yoe + era * 400 + (*m <= 2);
}

/* Exactly n digits at p, or -1. */
static int digits(const char *p, int n)
{
    int v = 0;
    for (int i = 0; i < n; i++) {
        unsigned c = (unsigned char)p[i] - '0';
        if (c > 9)
            return -1;
        v = v * 10 + (int)c;
    }
    return v;
}

bool date_parse(struct slice s, int64_t *days)
{
    static const unsigned char in_month[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (s.len != 10 || s.p[4] != '-' || s.p[7] != '-')
        return false;
    int y = digits(s.p, 4), m = digits(s.p + 5, 2), d = digits(s.p + 8, 2);
    if (y < 0 || m < 1 || m > 12 || d < 1)
        return false;
    bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    if (d > in_month[m - 1] + (m == 2 && leap))
        return false;
    *days = days_from_civil(y, m, d);
    return true;
}

/* ±HH, ±HH:MM or ±HHMM in minutes. */
static bool offset_parse(struct slice s, int *minutes)
{
    if (s.len < 3 || (s.p[0] != '+' && s.p[0] != '-'))
        return false;
    int h = digits(s.p + 1, 2), m = 0;
    size_t colon = s.len > 3 && s.p[3] == ':';
    if (s.len == 5 + colon)
        m = digits(s.p + 3 + colon, 2);
    else if (s.len != 3)
        return false;
    if (h < 0 || h > 23 || m < 0 || m > 59)
        return false;
    *minutes = (s.p[0] == '-' ? -1 : 1) * (h * 60 + m);
    return true;
}

bool timestamp_parse(struct slice s, int64_t *us)
{
    int64_t days;
    if (s.len < 16 || !date_parse(slice_of(s.p, 10), &days) || (s.p[10] != 'T' && s.p[10] != ' ') ||
        s.p[13] != ':')
        return false;
    int h = digits(s.p + 11, 2), m = digits(s.p + 14, 2), sec = 0, offset = 0;
    int64_t fraction = 0;
    size_t at = 16;
    if (h < 0 || h > 23 || m < 0 || m > 59)
        return false;
    if (at < s.len && s.p[at] == ':') {
        if (s.len < 19 || (sec = digits(s.p + 17, 2)) < 0 || sec > 60)
            return false;
        if (sec == 60)
            sec = 59;
        at = 19;
        if (at < s.len && (s.p[at] == '.' || s.p[at] == ',')) {
            size_t start = ++at;
            int64_t unit = US_PER_S / 10;
            for (; at < s.len && s.p[at] >= '0' && s.p[at] <= '9'; at++, unit /= 10)
                fraction += (s.p[at] - '0') * unit;
            if (at == start)
                return false;
        }
    }
    if (at < s.len) {
        struct slice zone = slice_of(s.p + at, s.len - at);
        if (!slice_is(zone, "Z") && !slice_is(zone, "z") && !offset_parse(zone, &offset))
            return false;
    }
    *us = (((days * 24 + h) * 60 + m - offset) * 60 + sec) * US_PER_S + fraction;
    return true;
}

void instant_format(char out[INSTANT_TEXT], int64_t us)
{
    int64_t s = us / US_PER_S, f = us % US_PER_S, y;
    int m, d;
    if (f < 0) {
        f += US_PER_S;
        s--;
    }
    int64_t days = s / 86400, t = s % 86400;
    if (t < 0) {
        t += 86400;
        days--;
    }
    civil_from_days(days, &y, &m, &d);
    int n = snprintf(out, INSTANT_TEXT, "%04d-%02d-%02dT%02d:%02d:%02d", (int)y, m, d,
                     (int)(t / 3600), (int)(t / 60 % 60), (int)(t % 60));
    if (f % 1000)
        n += snprintf(out + n, INSTANT_TEXT - (size_t)n, ".%06d", (int)f);
    else if (f)
        n += snprintf(out + n, INSTANT_TEXT - (size_t)n, ".%03d", (int)(f / 1000));
    snprintf(out + n, INSTANT_TEXT - (size_t)n, "Z");
}

bool instant_parse(struct slice s, int64_t *us)
{
    int64_t days;
    if (date_parse(s, &days)) {
        *us = days * 86400 * US_PER_S;
        return true;
    }
    return timestamp_parse(s, us);
}

bool duration_parse(const char *s, double *seconds)
{
    static const struct {
        const char *unit;
        double s;
    } units[] = {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}, {"ms", 1e-3}};
    size_t n = strspn(s, "0123456789.");
    double v;
    if (!num_parse_float(slice_of(s, n), &v))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (strcmp(s + n, units[i].unit) == 0) {
            *seconds = v * units[i].s;
            return true;
        }
    }
    return false;
}

void duration_format(char out[INSTANT_TEXT], double s)
{
    if (!isfinite(s))
        snprintf(out, INSTANT_TEXT, "-");
    else if (s < 0.0009995)
        snprintf(out, INSTANT_TEXT, "%.0f us", s * 1e6);
    else if (s < 0.00995)
        snprintf(out, INSTANT_TEXT, "%.1f ms", s * 1e3);
    else if (s < 0.9995)
        snprintf(out, INSTANT_TEXT, "%.0f ms", s * 1e3);
    else if (s < 9.95)
        snprintf(out, INSTANT_TEXT, "%.1f s", s);
    else if (s < 99.5)
        snprintf(out, INSTANT_TEXT, "%.0f s", s);
    else if (s < 3599.5)
        snprintf(out, INSTANT_TEXT, "%d min %02d s", (int)(s + 0.5) / 60, (int)(s + 0.5) % 60);
    else if (s < 1e9)
        snprintf(out, INSTANT_TEXT, "%d h %02d min", (int)(s / 60 + 0.5) / 60,
                 (int)(s / 60 + 0.5) % 60);
    else
        snprintf(out, INSTANT_TEXT, "%.2g years", s / (365.25 * 86400));
}

bool time_parse(const char *s, int64_t now_us, int64_t *us)
{
    size_t n = strlen(s);
    if (n == 5 && s[2] == ':') {
        int h = digits(s, 2), m = digits(s + 3, 2);
        if (h < 0 || h > 23 || m < 0 || m > 59)
            return false;
        const int64_t day = 86400 * US_PER_S;
        int64_t midnight = now_us - ((now_us % day) + day) % day;
        *us = midnight + (h * 60 + m) * 60 * US_PER_S;
        if (*us <= now_us)
            *us += day;
        return true;
    }
    return timestamp_parse(slice_of(s, n), us);
}
