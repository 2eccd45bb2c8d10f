/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Our scanner of JSON lines beside simdjson: `jsonl_scan FILE [RUNS]`. The job of both: of every
 * line in memory, the members as slices of it with their kind and the column of their key; numbers
 * checked, strings without quotes and marked when they have escapes, UTF-8 checked. Runs take
 * turns; medians of CPU time. `make bench-jsonl` builds it and runs it.
 *
 * Keys are guessed from the record before on both sides. Ours checks escapes too, and knows two
 * spellings of a key for one. */
#include <stdio.h>
#include <time.h>

#include "table/batch.h"
#include "table/json_scan.h"
#include "table/utf8_blocks.h"
#include "tests/bench/jsonl_simdjson.h"

#define RUNS_MAX 101

static bool ours(const char *data, size_t len, size_t cap, struct json_totals *t)
{
    struct json_scan s;
    size_t good = utf8_blocks(data, len); /* as the feed does it, window by window */
    bool ok = utf8_is_valid(slice_of(data + good, len - good));
    (void)cap;
    json_scan_init(&s);
    for (const char *p = data, *end = data + len; ok && p < end;) {
        const char *lf = memchr(p, '\n', (size_t)(end - p));
        lf = lf ? lf : end;
        ok = json_scan_line(&s, slice_of(p, (size_t)(lf - p)));
        for (size_t i = 0; i < s.n; i++) {
            if (s.fields[i].key == JSON_KEY_NONE)
                json_scan_key(&s, JSON_ROOT, s.names[s.fields[i].name].text);
            t->bytes += s.fields[i].text.len;
        }
        t->records++;
        t->fields += s.n;
        p = lf + 1;
    }
    json_scan_release(&s);
    return ok;
}

static double cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static char *read_all(const char *path, size_t *len, size_t *cap)
{
    FILE *f = fopen(path, "rb");
    if (!f || fseek(f, 0, SEEK_END) != 0 || ftell(f) < 0)
        return NULL;
    *len = (size_t)ftell(f);
    *cap = *len + BLOCK_SLACK;
    char *data = xcalloc(*cap, 1);
    rewind(f);
    bool ok = fread(data, 1, *len, f) == *len;
    fclose(f);
    if (ok && *len && data[*len - 1] != '\n')
        data[*len] = '\n';
    return ok ? data : NULL;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        bool (*run)(const char *, size_t, size_t, struct json_totals *);
    } ways[] = {{"ours", ours},
                {"simdjson iterate_many", simdjson_many},
                {"simdjson iterate", simdjson_lines}};
    static double used[ARRAY_LEN(ways)][RUNS_MAX];
    struct json_totals want = {0, 0, 0};
    size_t len, cap;
    int runs = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 9;
    char *data = argc > 1 ? read_all(argv[1], &len, &cap) : NULL;
    if (!data || runs < 1 || runs > RUNS_MAX) {
        fprintf(stderr, "usage: jsonl_scan FILE [RUNS]\n");
        return 2;
    }
    for (int run = 0; run < runs; run++) {
        for (size_t w = 0; w < ARRAY_LEN(ways); w++) {
            struct json_totals t = {0, 0, 0};
            double from = cpu_s();
            if (!ways[w].run(data, len, cap, &t)) {
                fprintf(stderr, "jsonl_scan: %s fails at record %llu\n", ways[w].name,
                        (unsigned long long)t.records + 1);
                return 1;
            }
            used[w][run] = cpu_s() - from;
            if (run == 0 && w == 0)
                want = t;
            if (memcmp(&t, &want, sizeof(t)) != 0) {
                fprintf(stderr, "jsonl_scan: %s finds other members\n", ways[w].name);
                return 1;
            }
            if (run == 0)
                printf("%-22s %llu records, %llu members\n", ways[w].name,
                       (unsigned long long)t.records, (unsigned long long)t.fields);
        }
    }
    for (size_t w = 0; w < ARRAY_LEN(ways); w++) {
        qsort(used[w], (size_t)runs, sizeof(double), by_size);
        double median = used[w][runs / 2];
        printf("%-22s %7.4f s, %6.0f MB/s, %.2f times ours (least %.4f s)\n", ways[w].name, median,
               (double)len / 1e6 / median, median / used[0][runs / 2], used[w][0]);
    }
    free(data);
    return 0;
}
