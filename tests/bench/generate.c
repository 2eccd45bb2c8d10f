/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The generated input of the benches: `generate BYTES [SEED]` writes a CSV of at least that many
 * bytes to stdout, with 15 columns of mixed kinds (integers, codes with leading zeros, quoted text,
 * decimals with nulls, dates, a skewed category …). The same bytes on every machine. */
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

#define PICK(r, a) ((a)[rng_below((r), ARRAY_LEN(a))])

/* Zipf-like: low numbers often. */
static uint64_t skewed(struct rng *r, uint64_t n)
{
    double u = rng_unit(r);
    return (uint64_t)(u * u * u * (double)n);
}

static void comment(struct rng *r, FILE *f)
{
    uint64_t n = 2 + rng_below(r, 8);
    bool quoted = rng_below(r, 4) == 0;
    if (quoted)
        fputc('"', f);
    for (uint64_t i = 0; i < n; i++) {
        fprintf(f, "%s%s", i ? " " : "", PICK(r, words));
        if (quoted && rng_below(r, 6) == 0)
            fputs(rng_below(r, 3) ? "," : " \"\"quoted\"\"", f);
    }
    if (quoted)
        fputc('"', f);
}

static void record(struct rng *r, FILE *f, uint64_t id)
{
    char when[INSTANT_TEXT];
    const char *a = PICK(r, first), *b = PICK(r, last);
    fprintf(f, "%llu,%06llu,", (unsigned long long)id, (unsigned long long)rng_below(r, 50000));
    fprintf(f, rng_below(r, 5) ? "%s %s," : "\"%s, %s\",", a, b);
    fprintf(f, "user%llu@example.org,", (unsigned long long)rng_below(r, 400000));
    fprintf(f, "%s,", countries[skewed(r, ARRAY_LEN(countries))]);
    fprintf(f, "%llu.%02llu,", (unsigned long long)skewed(r, 5000),
            (unsigned long long)rng_below(r, 100));
    fprintf(f, "%llu,", (unsigned long long)(1 + skewed(r, 40)));
    fprintf(f, "%.6f,", 20.0 + 5.0 * rng_normal(r));
    fprintf(f, "%s,", rng_below(r, 10) < 7 ? "true" : "false");
    instant_format(when, (int64_t)(1577836800 + rng_below(r, 157766400)) * US_PER_S);
    fprintf(f, "%.10s,", when);
    instant_format(when, (int64_t)(1735689600 + rng_below(r, 31536000)) * US_PER_S);
    fprintf(f, "%s,", when);
    if (rng_below(r, 20))
        fprintf(f, "%.3f", rng_unit(r) * 100.0);
    fprintf(f, ",category-%llu,", (unsigned long long)skewed(r, 500));
    comment(r, f);
    fputc(',', f);
    if (rng_below(r, 10) >= 3)
        fprintf(f, "%llu", (unsigned long long)rng_below(r, id));
    fputc('\n', f);
}

int main(int argc, char **argv)
{
    uint64_t bytes, seed = 1;
    if (argc < 2 || argc > 3 || !num_parse_size(argv[1], &bytes) ||
        (argc == 3 && !num_parse_size(argv[2], &seed))) {
        fprintf(stderr, "usage: generate BYTES [SEED]\n");
        return 2;
    }
    struct rng r;
    rng_seed(&r, seed);
    fputs("id,code,name,email,country,amount,quantity,price,active,signup,updated,score,category,"
          "comment,parent_id\n",
          stdout);
    for (uint64_t id = 1; (uint64_t)ftell(stdout) < bytes; id++)
        record(&r, stdout, id);
    return fflush(stdout) != 0 || ferror(stdout);
}
