/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The generated input of the benches: `generate BYTES [SEED [csv|jsonl]]` writes a CSV of at least
 * that many bytes to stdout, with 15 columns of mixed kinds (integers, codes with leading zeros,
 * quoted text, decimals with nulls, dates, a skewed category …), or the same records as JSON lines.
 * The same bytes on every machine. */
#include <stdarg.h>
#include <stdio.h>

#include "base/instant.h"
#include "base/num.h"
#include "base/rng.h"

static const char *const first[] = {"Ada",  "Blaise", "Carl",  "Dorothy", "Emmy",  "Grace", "Henri",
                                    "Ines", "José",   "Kurt",  "Lise",    "Maria", "Niels", "Olga",
                                    "Paul", "Rosa",   "Søren", "Tycho",   "Vera",  "Zoë"};
static const char *const last[] = {"Abel",   "Bernoulli", "Cantor", "Dirac",  "Euler", "Fermat",
                                   "Gauss",  "Hilbert",   "Ito",    "Jacobi", "Klein", "Lagrange",
                                   "Markov", "Noether",   "Ore",    "Pascal", "Riesz", "Stokes"};
static const char *const countries[] = {"US", "DE", "FR", "GB", "JP", "IN", "BR", "CA", "IT", "ES",
                                        "NL", "SE", "PL", "MX", "AU", "KR", "CH", "NO", "AT", "PT"};
static const char *const words[] = {"order", "was",   "late",  "and",  "the",  "box",  "arrived",
                                    "open",  "again", "quick", "good", "blue", "thing"};

static const char *const names[] = {"id",      "code",     "name",     "email",   "country",
                                    "amount",  "quantity", "price",    "active",  "signup",
                                    "updated", "score",    "category", "comment", "parent_id"};
#define COLUMNS ARRAY_LEN(names)
enum {
    ID,
    CODE,
    NAME,
    EMAIL,
    COUNTRY,
    AMOUNT,
    QUANTITY,
    PRICE,
    ACTIVE,
    SIGNUP,
    UPDATED,
    SCORE,
    CATEGORY,
    COMMENT,
    PARENT
};

#define LINE_MAX 4096

/* One value: its text, whether CSV has it in quotes, and whether JSON has. */
#define TEXT_MAX 256
struct value {
    char text[TEXT_MAX];
    size_t len;
    bool quoted, string;
};

#define PICK(r, a) ((a)[rng_below((r), ARRAY_LEN(a))])

/* Zipf-like: low numbers often. */
static uint64_t skewed(struct rng *r, uint64_t n)
{
    double u = rng_unit(r);
    return (uint64_t)(u * u * u * (double)n);
}

__attribute__((format(printf, 2, 3))) static void add(struct value *v, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    v->len += (size_t)vsnprintf(v->text + v->len, TEXT_MAX - v->len, format, args);
    va_end(args);
}

static void comment(struct rng *r, struct value *v)
{
    uint64_t n = 2 + rng_below(r, 8);
    v->quoted = rng_below(r, 4) == 0;
    for (uint64_t i = 0; i < n; i++) {
        add(v, "%s%s", i ? " " : "", PICK(r, words));
        if (v->quoted && rng_below(r, 6) == 0)
            add(v, "%s", rng_below(r, 3) ? "," : " \"quoted\"");
    }
}

static void record(struct rng *r, struct value v[], uint64_t id)
{
    char when[INSTANT_TEXT];
    const char *a = PICK(r, first), *b = PICK(r, last);
    for (size_t i = 0; i < COLUMNS; i++) {
        v[i].text[0] = '\0';
        v[i].len = 0;
        v[i].quoted = false;
        v[i].string = i == CODE || i == NAME || i == EMAIL || i == COUNTRY || i == SIGNUP ||
                      i == UPDATED || i == CATEGORY || i == COMMENT;
    }
    add(&v[ID], "%llu", (unsigned long long)id);
    add(&v[CODE], "%06llu", (unsigned long long)rng_below(r, 50000));
    v[NAME].quoted = rng_below(r, 5) == 0;
    add(&v[NAME], v[NAME].quoted ? "%s, %s" : "%s %s", a, b);
    add(&v[EMAIL], "user%llu@example.org", (unsigned long long)rng_below(r, 400000));
    add(&v[COUNTRY], "%s", countries[skewed(r, ARRAY_LEN(countries))]);
    uint64_t cents = rng_below(r, 100);
    add(&v[AMOUNT], "%llu.%02llu", (unsigned long long)skewed(r, 5000), (unsigned long long)cents);
    add(&v[QUANTITY], "%llu", (unsigned long long)(1 + skewed(r, 40)));
    add(&v[PRICE], "%.6f", 20.0 + 5.0 * rng_normal(r));
    add(&v[ACTIVE], "%s", rng_below(r, 10) < 7 ? "true" : "false");
    instant_format(when, (int64_t)(1577836800 + rng_below(r, 157766400)) * US_PER_S);
    add(&v[SIGNUP], "%.10s", when);
    instant_format(when, (int64_t)(1735689600 + rng_below(r, 31536000)) * US_PER_S);
    add(&v[UPDATED], "%s", when);
    if (rng_below(r, 20))
        add(&v[SCORE], "%.3f", rng_unit(r) * 100.0);
    add(&v[CATEGORY], "category-%llu", (unsigned long long)skewed(r, 500));
    comment(r, &v[COMMENT]);
    if (rng_below(r, 10) >= 3)
        add(&v[PARENT], "%llu", (unsigned long long)rng_below(r, id));
}

/* `text` with each quote behind `mark`. */
static size_t quoted(char *out, const struct value *v, char mark)
{
    size_t n = 0;
    out[n++] = '"';
    for (size_t i = 0; i < v->len; i++) {
        if (v->text[i] == '"')
            out[n++] = mark;
        out[n++] = v->text[i];
    }
    out[n++] = '"';
    return n;
}

static size_t plain(char *out, const struct value *v)
{
    memcpy(out, v->text, v->len);
    return v->len;
}

static size_t csv_line(char *out, const struct value v[])
{
    size_t n = 0;
    for (size_t i = 0; i < COLUMNS; i++) {
        n += v[i].quoted ? quoted(out + n, &v[i], '"') : plain(out + n, &v[i]);
        out[n++] = i + 1 < COLUMNS ? ',' : '\n';
    }
    return n;
}

/* Both ways of having no value: a null, and a member that is not there. */
static size_t json_line(char *out, const struct value v[])
{
    static const struct value null = {"null", 4, false, false};
    size_t n = 0;
    for (size_t i = 0; i < COLUMNS; i++) {
        if (i == PARENT && v[i].len == 0)
            continue;
        n += (size_t)snprintf(out + n, TEXT_MAX, i ? ",\"%s\":" : "{\"%s\":", names[i]);
        if (v[i].string)
            n += quoted(out + n, &v[i], '\\');
        else
            n += plain(out + n, v[i].len ? &v[i] : &null);
    }
    memcpy(out + n, "}\n", 2);
    return n + 2;
}

static bool parse_args(int argc, char **argv, uint64_t *bytes, uint64_t *seed, bool *json)
{
    *json = argc == 4 && strcmp(argv[3], "jsonl") == 0;
    return argc >= 2 && argc <= 4 && num_parse_size(argv[1], bytes) &&
           (argc < 3 || num_parse_size(argv[2], seed)) &&
           (argc < 4 || *json || strcmp(argv[3], "csv") == 0);
}

int main(int argc, char **argv)
{
    uint64_t bytes, seed = 1;
    bool json;
    if (!parse_args(argc, argv, &bytes, &seed, &json)) {
        fprintf(stderr, "usage: generate BYTES [SEED [csv|jsonl]]\n");
        return 2;
    }
    struct rng r;
    struct value v[COLUMNS];
    char csv[LINE_MAX], jsonl[LINE_MAX];
    uint64_t written = 0; /* of CSV, whichever is asked for */
    rng_seed(&r, seed);
    for (size_t i = 0; i < COLUMNS; i++) {
        written += strlen(names[i]) + 1;
        if (!json)
            printf("%s%c", names[i], i + 1 < COLUMNS ? ',' : '\n');
    }
    for (uint64_t id = 1; written < bytes; id++) {
        record(&r, v, id);
        size_t n = csv_line(csv, v);
        written += n;
        if (json)
            fwrite(jsonl, 1, json_line(jsonl, v), stdout);
        else
            fwrite(csv, 1, n, stdout);
    }
    return fflush(stdout) != 0 || ferror(stdout);
}
