/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The meaning of a text by a type of Table Schema: numbers, booleans, dates, times, durations,
 * formats of strings, patterns. */
#include <math.h>
#include <strings.h>

#include "base/instant.h"
#include "base/num.h"
#include "profile/expect_int.h"
#include "profile/formats.h"

const char *const expect_type_names[EXPECT_TYPES] = {
    "any",      "string", "number",    "integer",  "boolean", "date", "time",
    "datetime", "year",   "yearmonth", "duration", "object",  "array"};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* A character of the list; NUL is none. */
static bool is_of(const char *list, char c)
{
    return c != '\0' && strchr(list, c) != NULL;
}

static bool number_is(struct logical *out, int64_t i)
{
    *out = (struct logical){.is_number = true, .exact = true, .i = i, .d = (double)i};
    return true;
}

int logical_cmp(const struct logical *a, const struct logical *b)
{
    if (!a->is_number || !b->is_number)
        return slice_cmp(a->text, b->text);
    if (a->exact && b->exact)
        return (a->i > b->i) - (a->i < b->i);
    return (a->d > b->d) - (a->d < b->d);
}

/* -- numbers -- */

static bool starts(struct slice s, struct slice with)
{
    return with.len > 0 && s.len >= with.len && memcmp(s.p, with.p, with.len) == 0;
}

/* Without what stands around the number: "EUR 95", "95%". */
static struct slice strip(const struct expect_field *f, struct slice s)
{
    while (s.len > 0 && !is_digit(*s.p) && *s.p != '-' && *s.p != '+' && !starts(s, f->decimal))
        s = slice_of(s.p + 1, s.len - 1);
    while (s.len > 0 && !is_digit(s.p[s.len - 1]))
        s.len--;
    return s;
}

static bool is_exponent(struct slice s)
{
    size_t i = s.len > 1 && (s.p[1] == '+' || s.p[1] == '-') ? 2 : 1;
    bool ok = (*s.p == 'e' || *s.p == 'E') && i < s.len;
    for (; ok && i < s.len; i++)
        ok = is_digit(s.p[i]);
    return ok;
}

/* Decimal of XML Schema with an exponent, to JSON's grammar: no plus, no leading zeros, a digit on
 * both sides of the point. */
static bool to_json_number(const struct expect_field *f, struct slice s, bool whole,
                           struct buf *out)
{
    size_t digits = 0, kept = 0;
    bool point = false;
    if (s.len > 0 && (*s.p == '-' || *s.p == '+')) {
        if (*s.p == '-')
            buf_addc(out, '-');
        s = slice_of(s.p + 1, s.len - 1);
    }
    while (s.len > 0) {
        size_t take = 1;
        if (is_digit(*s.p)) {
            digits++;
            if (point || kept > 0 || *s.p != '0') {
                buf_addc(out, *s.p);
                kept++;
            }
        } else if (!point && digits > 0 && starts(s, f->group)) {
            take = f->group.len;
        } else if (!whole && !point && starts(s, f->decimal)) {
            buf_adds(out, kept == 0 ? "0." : ".");
            point = true;
            take = f->decimal.len;
        } else {
            break;
        }
        s = slice_of(s.p + take, s.len - take);
    }
    if (!point && kept == 0 && digits > 0)
        buf_addc(out, '0');
    if (point && out->p[out->len - 1] == '.')
        buf_addc(out, '0');
    buf_add_slice(out, s);
    return digits > 0 && (s.len == 0 || (!whole && is_exponent(s)));
}

static bool special_number(struct slice s, struct logical *out)
{
    static const struct {
        const char *name;
        double d;
    } names[] = {{"nan", (double)NAN}, {"inf", (double)INFINITY}, {"-inf", -(double)INFINITY}};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (s.len == strlen(names[i].name) && strncasecmp(s.p, names[i].name, s.len) == 0) {
            *out = (struct logical){.is_number = true, .d = names[i].d};
            return true;
        }
    return false;
}

static bool parse_number(const struct expect_field *f, struct slice s, struct buf *tmp,
                         struct logical *out)
{
    bool whole = f->type == EXPECT_INTEGER;
    int64_t i;
    double d;
    if (!f->bare)
        s = strip(f, s);
    char kind = num_classify(s, &i, &d);
    if (kind == 'i')
        return number_is(out, i);
    buf_clear(tmp);
    bool plain = slice_is(f->decimal, ".") && f->group.len == 0;
    if (kind == 0 || whole || !plain) {
        if (!to_json_number(f, s, whole, tmp))
            return !whole && special_number(s, out);
        kind = num_classify(buf_slice(tmp), &i, &d);
        if (kind == 'i')
            return number_is(out, i);
        if (kind == 0) /* too large for a double */
            d = tmp->p[0] == '-' ? -HUGE_VAL : HUGE_VAL;
    }
    *out = (struct logical){.is_number = true, .d = d};
    if (fabs(d) < 9e15 && trunc(d) == d) /* 1.0 is 1 */
        return number_is(out, (int64_t)d);
    return true;
}

static bool in_list(const struct expect_list *l, struct slice s)
{
    for (uint32_t i = 0; i < l->n; i++)
        if (slice_eq(l->items[i], s))
            return true;
    return false;
}

/* -- dates and times -- */

/* `least` to `most` digits at s; they go from it. -1: none. */
static int64_t take_digits(struct slice *s, size_t least, size_t most)
{
    int64_t v = 0;
    size_t n = 0;
    while (n < most && n < s->len && is_digit(s->p[n]))
        v = v * 10 + (s->p[n++] - '0');
    if (n < least)
        return -1;
    *s = slice_of(s->p + n, s->len - n);
    return v;
}

static bool take_char(struct slice *s, char c)
{
    if (s->len == 0 || *s->p != c)
        return false;
    *s = slice_of(s->p + 1, s->len - 1);
    return true;
}

struct moment {
    int64_t year, month, day, hour, minute, second, us, offset_s, day_of_year;
    int pm; /* 0 unknown, 1 AM, 2 PM */
};

static bool moment_days(const struct moment *m, int64_t *days)
{
    if (m->day_of_year > 0) {
        bool leap = (m->year % 4 == 0 && m->year % 100 != 0) || m->year % 400 == 0;
        *days = days_from_civil(m->year, 1, 1) + m->day_of_year - 1;
        return m->day_of_year <= (leap ? 366 : 365);
    }
    int64_t y;
    int mo, d;
    *days = days_from_civil(m->year, (int)m->month, (int)m->day);
    civil_from_days(*days, &y, &mo, &d);
    return y == m->year && mo == m->month && d == m->day;
}

static bool take_name(struct slice *s, const char *const *names, int n, bool abbreviated,
                      int64_t *out)
{
    for (int i = 0; i < n; i++) {
        size_t len = abbreviated ? 3 : strlen(names[i]);
        if (s->len >= len && strncasecmp(s->p, names[i], len) == 0) {
            *s = slice_of(s->p + len, s->len - len);
            *out = i + 1;
            return true;
        }
    }
    return false;
}

static bool take_zone(struct slice *s, int64_t *offset_s)
{
    if (take_char(s, 'Z'))
        return true;
    bool minus = s->len > 0 && *s->p == '-';
    if (!take_char(s, '+') && !take_char(s, '-'))
        return false;
    int64_t h = take_digits(s, 2, 2), m = (take_char(s, ':'), take_digits(s, 2, 2));
    *offset_s = (h * 3600 + m * 60) * (minus ? -1 : 1);
    return h >= 0 && h < 24 && m >= 0 && m < 60;
}

static const char *const months[] = {"January",   "February", "March",    "April",
                                     "May",       "June",     "July",     "August",
                                     "September", "October",  "November", "December"};
static const char *const weekdays[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                       "Friday", "Saturday", "Sunday"};

static bool within(int64_t v, int64_t least, int64_t most, int64_t *out)
{
    *out = v;
    return v >= least && v <= most;
}

static bool take_fraction(struct slice *s, int64_t *us)
{
    size_t before = s->len;
    *us = take_digits(s, 1, 6);
    for (size_t n = before - s->len; *us >= 0 && n < 6; n++)
        *us *= 10;
    return *us >= 0;
}

/* One directive of strptime as Python has it. */
static bool take_directive(char c, struct slice *s, struct moment *m)
{
    int64_t v;
    switch (c) {
    case 'Y':
        return within(take_digits(s, 4, 4), 1, 9999, &m->year);
    case 'y': /* POSIX: 69 to 99 are of the last century */
        if (!within(take_digits(s, 2, 2), 0, 99, &v))
            return false;
        m->year = v + (v < 69 ? 2000 : 1900);
        return true;
    case 'm':
        return within(take_digits(s, 1, 2), 1, 12, &m->month);
    case 'd':
        return within(take_digits(s, 1, 2), 1, 31, &m->day);
    case 'j':
        return within(take_digits(s, 1, 3), 1, 366, &m->day_of_year);
    case 'H':
        return within(take_digits(s, 1, 2), 0, 23, &m->hour);
    case 'I':
        return within(take_digits(s, 1, 2), 1, 12, &m->hour);
    case 'M':
        return within(take_digits(s, 1, 2), 0, 59, &m->minute);
    case 'S':
        return within(take_digits(s, 1, 2), 0, 60, &m->second);
    case 'f':
        return take_fraction(s, &m->us);
    case 'b':
        return take_name(s, months, 12, true, &m->month);
    case 'B':
        return take_name(s, months, 12, false, &m->month);
    case 'a':
        return take_name(s, weekdays, 7, true, &v);
    case 'A':
        return take_name(s, weekdays, 7, false, &v);
    case 'p':
        if (s->len < 2 || (strncasecmp(s->p, "AM", 2) != 0 && strncasecmp(s->p, "PM", 2) != 0))
            return false;
        m->pm = (*s->p | 0x20) == 'p' ? 2 : 1;
        *s = slice_of(s->p + 2, s->len - 2);
        return true;
    case 'z':
        return take_zone(s, &m->offset_s);
    default:
        return take_char(s, '%');
    }
}

bool expect_time_pattern(const char *pattern, char *bad)
{
    for (const char *p = pattern; *p != '\0'; p++)
        if (*p == '%') {
            p++;
            *bad = *p;
            if (*p == '\0' || !is_of("YymdjHIMSfbBaApz%", *p))
                return false;
        }
    return true;
}

static bool parse_pattern(const struct expect_field *f, struct slice s, struct logical *out)
{
    struct moment m = {.year = 1900, .month = 1, .day = 1};
    for (const char *p = f->format_text; *p != '\0'; p++)
        if (*p == '%' ? !take_directive(*++p, &s, &m) : !take_char(&s, *p))
            return false;
    int64_t days;
    if (s.len > 0 || !moment_days(&m, &days))
        return false;
    if (m.pm != 0)
        m.hour = m.hour % 12 + (m.pm == 2 ? 12 : 0);
    int64_t seconds = m.hour * 3600 + m.minute * 60 + m.second - m.offset_s;
    if (f->type == EXPECT_DATE)
        return number_is(out, days);
    if (f->type == EXPECT_TIME)
        return number_is(out, seconds * US_PER_S + m.us);
    return number_is(out, (days * 86400 + seconds) * US_PER_S + m.us);
}

/* HH:MM:SS; `any`: also without seconds, or with a fraction. */
static bool parse_time(struct slice s, bool any, struct logical *out)
{
    int64_t h = take_digits(&s, 2, 2), us = 0, sec = 0;
    bool ok = h >= 0 && h < 24 && take_char(&s, ':');
    int64_t min = ok ? take_digits(&s, 2, 2) : -1;
    ok = ok && min >= 0 && min < 60;
    if (ok && (!any || s.len > 0)) {
        ok = take_char(&s, ':');
        sec = ok ? take_digits(&s, 2, 2) : -1;
        ok = ok && sec >= 0 && sec <= 60;
        if (ok && any && take_char(&s, '.'))
            ok = take_fraction(&s, &us);
    }
    return ok && s.len == 0 && number_is(out, (h * 3600 + min * 60 + sec) * US_PER_S + us);
}

static bool parse_datetime(struct slice s, bool any, struct logical *out)
{
    int64_t v;
    if (any && date_parse(s, &v))
        return number_is(out, v * 86400 * US_PER_S);
    if (!any && (s.len < 19 || s.p[10] != 'T' || s.p[16] != ':'))
        return false;
    return timestamp_parse(s, &v) && number_is(out, v);
}

/* gYear and gYearMonth of XML Schema, without a time zone. */
static bool parse_year(struct slice s, bool month, struct logical *out)
{
    bool minus = take_char(&s, '-');
    int64_t y = take_digits(&s, 4, 9), m = 1;
    if (y < 0)
        return false;
    y = minus ? -y : y;
    if (month) {
        if (!take_char(&s, '-'))
            return false;
        m = take_digits(&s, 2, 2);
    }
    return s.len == 0 && m >= 1 && m <= 12 && number_is(out, month ? y * 12 + m - 1 : y);
}

/* The mean month of the Gregorian calendar. */
#define MONTH_S 2629746

/* PnYnMnDTnHnMnS of XML Schema; in microseconds. */
static bool parse_duration(struct slice s, struct logical *out)
{
    static const char units[] = "YMDHMS";
    static const int64_t seconds[] = {12 * (int64_t)MONTH_S, MONTH_S, 86400, 3600, 60, 1};
    bool minus = take_char(&s, '-'), time = false, any = false;
    double sum = 0;
    if (!take_char(&s, 'P'))
        return false;
    for (size_t unit = 0; s.len > 0;) {
        if (!time && take_char(&s, 'T')) {
            time = true;
            unit = 3;
            any = false;
            continue;
        }
        int64_t v = take_digits(&s, 1, 15), us = 0;
        bool fraction = v >= 0 && take_char(&s, '.');
        if (v < 0 || (fraction && !take_fraction(&s, &us)))
            return false;
        while (fraction && s.len > 0 && is_digit(*s.p)) /* arbitrary precision */
            take_char(&s, *s.p);
        size_t last = time ? 6 : 3;
        while (unit < last && (s.len == 0 || units[unit] != *s.p))
            unit++;
        if (unit == last || (fraction && unit != 5) || !take_char(&s, units[unit]))
            return false;
        sum += (double)v * (double)seconds[unit] + (double)us / 1e6;
        unit++;
        any = true;
    }
    *out = (struct logical){.is_number = true, .d = minus ? -sum : sum};
    return any;
}

/* -- strings -- */

static bool is_base64(struct slice s)
{
    size_t pad = 0;
    while (pad < 2 && pad < s.len && s.p[s.len - 1 - pad] == '=')
        pad++;
    for (size_t i = 0; i + pad < s.len; i++)
        if (!is_letter(s.p[i]) && !is_digit(s.p[i]) && !is_of("+/", s.p[i]))
            return false;
    return s.len % 4 == 0;
}

/* A scheme, a colon, and only characters of RFC 3986. */
static bool is_uri(struct slice s)
{
    size_t i = 0;
    while (i < s.len && (is_letter(s.p[i]) || is_digit(s.p[i]) || is_of("+-.", s.p[i])))
        i++;
    if (i == 0 || i + 1 >= s.len || s.p[i] != ':' || !is_letter(s.p[0]))
        return false;
    for (; i < s.len; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~' || is_of("<>\"{}|\\^`", s.p[i]))
            return false;
    return true;
}

static bool has_format(struct slice s, const char *name)
{
    unsigned found = profile_formats(s);
    for (unsigned f = 0; f < FORMATS; f++)
        if (strcmp(profile_format_names[f], name) == 0)
            return found >> f & 1;
    return false;
}

static bool parse_string(const struct expect_field *f, struct slice s, struct logical *out)
{
    *out = (struct logical){.text = s};
    switch (f->format) {
    case EXPECT_EMAIL:
        return has_format(s, "email");
    case EXPECT_UUID:
        return has_format(s, "uuid");
    case EXPECT_URI:
        return is_uri(s);
    case EXPECT_BINARY:
        return is_base64(s);
    default:
        return true;
    }
}

static bool parse_json(struct slice s, char open, struct logical *out)
{
    struct slice t = slice_trim(s);
    *out = (struct logical){.text = s};
    return t.len > 0 && *t.p == open && json_skip(t) == t.len;
}

bool expect_value(const struct expect_field *f, struct slice text, bool json, bool quoted,
                  struct buf *tmp, struct logical *out)
{
    bool any = f->format == EXPECT_AS_ANY;
    switch (f->type) {
    case EXPECT_STRING:
        return (!json || quoted) && parse_string(f, text, out);
    case EXPECT_NUMBER:
    case EXPECT_INTEGER:
        return parse_number(f, text, tmp, out);
    case EXPECT_BOOLEAN: {
        bool yes = in_list(&f->true_values, text) || (json && !quoted && slice_is(text, "true"));
        bool no = in_list(&f->false_values, text) || (json && !quoted && slice_is(text, "false"));
        return (yes || no) && number_is(out, yes);
    }
    case EXPECT_DATE: {
        int64_t days;
        if (f->format == EXPECT_PATTERN)
            return parse_pattern(f, text, out);
        return date_parse(text, &days) && number_is(out, days);
    }
    case EXPECT_TIME:
        return f->format == EXPECT_PATTERN ? parse_pattern(f, text, out)
                                           : parse_time(text, any, out);
    case EXPECT_DATETIME:
        return f->format == EXPECT_PATTERN ? parse_pattern(f, text, out)
                                           : parse_datetime(text, any, out);
    case EXPECT_YEAR:
    case EXPECT_YEARMONTH:
        return parse_year(text, f->type == EXPECT_YEARMONTH, out);
    case EXPECT_DURATION:
        return parse_duration(text, out);
    case EXPECT_OBJECT:
    case EXPECT_ARRAY:
        return parse_json(text, f->type == EXPECT_OBJECT ? '{' : '[', out);
    case EXPECT_ANY:
    case EXPECT_TYPES:
        break;
    }
    *out = (struct logical){.text = text};
    return true;
}

size_t expect_length(const struct expect_field *f, struct slice text)
{
    if (f->type == EXPECT_OBJECT || f->type == EXPECT_ARRAY) {
        struct arena a = ARENA_INIT;
        struct json *v;
        size_t n = json_parse(&a, text, 0, &v, NULL) ? json_len(v) : 0;
        arena_release(&a);
        return n;
    }
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++)
        n += ((unsigned char)text.p[i] & 0xc0) != 0x80;
    return n;
}

/* -- patterns -- */

static bool ask_jq(struct expect_field *f, struct slice text, bool *yes, struct err *err)
{
    struct buf program = BUF_INIT(BUF_UNBOUNDED), in = BUF_INIT(BUF_UNBOUNDED);
    struct buf out = BUF_INIT(BUF_UNBOUNDED);
    size_t n;
    if (f->program == NULL) {
        buf_adds(&in, "\\A(?:");
        buf_adds(&in, f->pattern);
        buf_adds(&in, ")\\z");
        buf_adds(&program, "test(");
        json_quote(&program, buf_slice(&in));
        buf_addc(&program, ')');
        f->program = jq_program_new(buf_str(&program), err);
        buf_clear(&in);
    }
    json_quote(&in, text);
    bool ok = f->program != NULL && jq_program_run(f->program, buf_slice(&in), &out, &n, err);
    *yes = ok && slice_is(buf_slice(&out), "true");
    buf_release(&program);
    buf_release(&in);
    buf_release(&out);
    return ok;
}

bool expect_pattern(struct arena *a, struct expect_field *f, struct err *err)
{
    char *whole = arena_printf(a, "^(?:%s)$", f->pattern);
    bool yes;
    f->regex = regex_new(a, slice_str(whole), false);
    return f->regex != NULL || ask_jq(f, SLICE_LIT(""), &yes, err);
}

bool expect_matches(struct expect_field *f, struct slice text)
{
    bool yes, newline = text.len > 0 && text.p[text.len - 1] == '\n'; /* $ stands before it, too */
    if (f->regex != NULL && !newline) {
        enum regex_answer answer = regex_test(f->regex, text);
        if (answer != REGEX_ASK)
            return answer == REGEX_YES;
    }
    return utf8_is_valid(text) && ask_jq(f, text, &yes, NULL) && yes;
}
