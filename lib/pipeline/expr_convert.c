/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Strings to numbers, dates and yes or no: tonumber, todate, fromdate, test. What they cannot
 * decide exactly as jq 1.6 does is put to libjq, row by row.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/instant.h"
#include "base/num.h"
#include "json/json.h"
#include "pipeline/expr_int.h"

bool expr_ask_jq(struct run *r, struct vnode *n, const char *program, struct slice s,
                 struct buf *out, const char **reason)
{
    struct buf in = BUF_INIT(BUF_UNBOUNDED);
    struct err err = ERR_INIT;
    size_t results = 0;
    if (!n->jq) {
        n->jq = jq_program_new(program, &err);
        if (!n->jq) {
            r->broken = true;
            if (r->err)
                *r->err = err;
            *reason = "libjq failed";
            return false;
        }
        *ARENA_PUSH(r->e->a, r->e->askers, r->e->naskers) = n;
    }
    json_quote(&in, s);
    bool ok = jq_program_run(n->jq, buf_slice(&in), out, &results, &err) && results == 1;
    buf_release(&in);
    if (!ok)
        *reason = arena_strdup(&r->e->scratch, err.text);
    return ok;
}

/* -- tonumber -- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Digits and a point that is not JSON's: +1, 01, .5, 5. — jq takes them. */
static bool parse_loose(struct slice s, double *out)
{
    char text[400];
    size_t n = 0, i = 0, digits = 0;
    if (s.len + 3 > sizeof(text))
        return false;
    if (s.p[0] == '-' || s.p[0] == '+') {
        if (s.p[0] == '-')
            text[n++] = '-';
        i++;
    }
    while (i + 1 < s.len && s.p[i] == '0' && s.p[i + 1] >= '0' && s.p[i + 1] <= '9')
        i++;
    if (i < s.len && s.p[i] == '.')
        text[n++] = '0';
    for (; i < s.len; i++) {
        char c = s.p[i];
        digits += c >= '0' && c <= '9';
        if (c == '.' && !(i + 1 < s.len && s.p[i + 1] >= '0' && s.p[i + 1] <= '9'))
            continue; /* no digits behind it */
        text[n++] = c;
    }
    return digits > 0 && num_parse_float(slice_of(text, n), out);
}

enum tonumber expr_tonumber(struct slice s, double *out)
{
    bool plain = true, possible = true;
    while (s.len && is_blank(s.p[0])) {
        s.p++;
        s.len--;
    }
    while (s.len && is_blank(s.p[s.len - 1]))
        s.len--;
    if (s.len == 0)
        return TONUMBER_NO;
    if (num_parse_float(s, out))
        return TONUMBER_YES;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool numeric =
            (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '+' || c == 'e' || c == 'E';
        if (c < 0x20 || c >= 0x7F)
            return TONUMBER_ASK; /* a NUL ends the text, a byte order mark is skipped */
        plain &= numeric;
        possible &= numeric || strchr("iInNfFaAtTyY", c) != NULL;
    }
    if (plain && parse_loose(s, out))
        return TONUMBER_YES;
    return possible ? TONUMBER_ASK : TONUMBER_NO;
}

void kernel_tonumber(struct run *r, struct vnode *n, const uint64_t *mask)
{
    uint64_t live[BATCH_WORDS], bad[BATCH_WORDS];
    both_valid(r, n->a, NULL, mask, live);
    for (uint32_t w = 0; w < r->words; w++)
        bad[w] = mask[w] & ~live[w];
    run_fail(r, bad, mask, "null cannot be parsed as a number");
    if (n->a->vt == VT_NUM) {
        n->out.f = vec_f(r, n->a);
        return;
    }
    const struct text *s = vec_s(r, n->a);
    double *f = node_f(r, n);
    struct buf answer = BUF_INIT(BUF_UNBOUNDED);
    for (uint32_t i = 0; i < r->rows && !r->broken; i++) {
        f[i] = 0;
        if (!bit_get(live, i))
            continue;
        enum tonumber is = expr_tonumber(text_slice(s[i]), &f[i]);
        if (is == TONUMBER_NO) {
            struct quoted q;
            run_fail_row(r, i,
                         arena_printf(&r->e->scratch, "'%s' cannot be parsed as a number",
                                      quote_slice(&q, text_slice(s[i]))));
        } else if (is == TONUMBER_ASK) {
            const char *reason;
            if (!expr_ask_jq(r, n, "tonumber", text_slice(s[i]), &answer, &reason))
                run_fail_row(r, i, reason);
            else if (slice_is(buf_slice(&answer), "null"))
                f[i] = (double)NAN;
            else if (num_parse_float(buf_slice(&answer), &f[i]) && fabs(f[i]) == DBL_MAX)
                f[i] = f[i] > 0 ? HUGE_VAL : -HUGE_VAL; /* jq prints the infinities so */
        }
    }
    buf_release(&answer);
    n->out.f = f;
}

/* -- dates -- */

void kernel_todate(struct run *r, struct vnode *n, const uint64_t *mask)
{
    uint64_t live[BATCH_WORDS], bad[BATCH_WORDS];
    const double *x = vec_f(r, n->a);
    struct text *s = node_s(r, n);
    struct arena *mem = node_bytes(r, n);
    both_valid(r, n->a, NULL, mask, live);
    for (uint32_t w = 0; w < r->words; w++)
        bad[w] = mask[w] & ~live[w];
    run_fail(r, bad, mask, "null is no date");
    for (uint32_t i = 0; i < r->rows; i++) {
        if (!bit_get(live, i))
            continue;
        /* beyond, the year leaves 32 bits and the C library refuses */
        if (!(fabs(x[i]) < 6.7e16)) {
            run_fail_row(r, i, "a number that is no date");
            continue;
        }
        int64_t secs = (int64_t)x[i], days = secs / 86400, left = secs % 86400, y;
        int month, day;
        if (left < 0) {
            left += 86400;
            days--;
        }
        civil_from_days(days, &y, &month, &day);
        /* jq 1.6 cuts towards zero, then adds the fraction above the floor */
        int sec = (int)((double)(left % 60) + (x[i] - floor(x[i])));
        char *p = arena_bytes(mem, 64);
        int len = snprintf(p, 64, "%lld-%02d-%02dT%02d:%02d:%02dZ", (long long)y, month, day,
                           (int)(left / 3600), (int)(left / 60 % 60), sec);
        s[i] = (struct text){p, (uint32_t)len, 0};
    }
    n->out.s = s;
}

/* A number of at most `digits` digits and at most `max`, as strptime reads one: blanks before it,
 * and it stops before it would pass max. */
static bool date_number(struct slice *s, int min, int max, int digits, int *out)
{
    int v = 0, n = 0;
    while (s->len && s->p[0] == ' ') {
        s->p++;
        s->len--;
    }
    while (s->len && n < digits && s->p[0] >= '0' && s->p[0] <= '9' && (n == 0 || v * 10 <= max)) {
        v = v * 10 + (s->p[0] - '0');
        s->p++;
        s->len--;
        n++;
    }
    *out = v;
    return n > 0 && v >= min && v <= max;
}

static bool date_char(struct slice *s, char c)
{
    if (s->len == 0 || s->p[0] != c)
        return false;
    s->p++;
    s->len--;
    return true;
}

/* strptime("%Y-%m-%dT%H:%M:%SZ") | mktime of jq 1.6 with the C library of Linux: one digit will do,
 * 31 February is 3 March, and what follows a blank behind the Z is not looked at. */
static bool from_date(struct slice s, double *out)
{
    int y, mo, d, h, mi, sec;
    if (!date_number(&s, 0, 9999, 4, &y) || !date_char(&s, '-') ||
        !date_number(&s, 1, 12, 2, &mo) || !date_char(&s, '-') || !date_number(&s, 1, 31, 2, &d) ||
        !date_char(&s, 'T') || !date_number(&s, 0, 23, 2, &h) || !date_char(&s, ':') ||
        !date_number(&s, 0, 59, 2, &mi) || !date_char(&s, ':') ||
        !date_number(&s, 0, 61, 2, &sec) || !date_char(&s, 'Z'))
        return false;
    if (s.len > 0 && s.p[0] != '\0' && s.p[0] != ' ' && !(s.p[0] >= '\t' && s.p[0] <= '\r'))
        return false;
    int64_t days = days_from_civil(y, mo, 1) + d - 1;
    *out = (double)(days * 86400 + h * 3600 + mi * 60 + sec);
    return *out != -1; /* the C library's word for failure */
}

void kernel_fromdate(struct run *r, struct vnode *n, const uint64_t *mask)
{
    uint64_t live[BATCH_WORDS], bad[BATCH_WORDS];
    const struct text *s = vec_s(r, n->a);
    double *f = node_f(r, n);
    both_valid(r, n->a, NULL, mask, live);
    for (uint32_t w = 0; w < r->words; w++)
        bad[w] = mask[w] & ~live[w];
    run_fail(r, bad, mask, "fromdate needs a string, not null");
    for (uint32_t i = 0; i < r->rows; i++) {
        f[i] = 0;
        if (bit_get(live, i) && !from_date(text_slice(s[i]), &f[i])) {
            struct quoted q;
            run_fail_row(r, i,
                         arena_printf(&r->e->scratch,
                                      "date '%s' does not match the form 2026-01-31T23:59:59Z",
                                      quote_slice(&q, text_slice(s[i]))));
        }
    }
    n->out.f = f;
}

/* -- test -- */

void kernel_test(struct run *r, struct vnode *n, const uint64_t *mask)
{
    uint64_t live[BATCH_WORDS], bad[BATCH_WORDS], *b = node_b(r, n);
    const struct text *s = vec_s(r, n->a);
    struct buf answer = BUF_INIT(64);
    both_valid(r, n->a, NULL, mask, live);
    for (uint32_t w = 0; w < r->words; w++)
        bad[w] = mask[w] & ~live[w];
    run_fail(r, bad, mask, "null cannot be matched, as it is not a string");
    memset(b, 0, sizeof(uint64_t) * BATCH_WORDS);
    for (uint32_t i = 0; i < r->rows && !r->broken; i++) {
        if (!bit_get(live, i))
            continue;
        enum regex_answer yes = n->re ? regex_test(n->re, text_slice(s[i])) : REGEX_ASK;
        if (yes == REGEX_ASK) {
            const char *reason;
            if (!expr_ask_jq(r, n, n->jq_test, text_slice(s[i]), &answer, &reason))
                run_fail_row(r, i, reason);
            else if (slice_is(buf_slice(&answer), "true"))
                yes = REGEX_YES;
        }
        if (yes == REGEX_YES)
            bit_set(b, i);
    }
    buf_release(&answer);
    n->out.b = b;
}
