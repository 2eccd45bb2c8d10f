/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Of how many polluted files the records and the columns are found without being told the dialect
 * (`make eval-csv`). Right is a file when the number of records (the header is one) and their most
 * frequent width are those of the clean file. Not a test: the data is not ours.
 * usage: pollock FOLDER      with csv/ and expected.tsv (file, rows, columns, ...) */
#include "base/buf.h"
#include "os/os.h"
#include "table/reader.h"

#define WIDTH_MAX 256

struct seen {
    uint32_t columns; /* of the header */
    uint64_t rows, odd, widths[WIDTH_MAX], warned;
};

/* The width of a ragged record stands at the beginning of the reason. */
static void note(void *ctx, const struct bad_record *bad)
{
    struct seen *s = ctx;
    s->warned++;
    if (strcmp(bad->rule, "ragged_row") != 0)
        return;
    unsigned long w = strtoul(bad->reason, NULL, 10);
    s->odd++;
    s->widths[w < WIDTH_MAX ? w : WIDTH_MAX - 1]++;
}

static bool look(const char *path, struct seen *s, struct err *err)
{
    struct reader_opts o = {.raw = true, .detect = true};
    struct reader_stats stats;
    struct batch *b;
    struct reader *r = reader_open(&path, 1, &o, note, s, err);
    bool ok = r != NULL;
    while (ok && (ok = reader_next(r, &b, err)) && b) {
        s->rows += b->rows;
        batch_unref(b);
    }
    if (ok) {
        reader_stats(r, &stats);
        s->columns = reader_schema(r)->n;
        s->widths[s->columns < WIDTH_MAX ? s->columns : WIDTH_MAX - 1] += s->rows - s->odd;
        if (s->columns > 0) {
            s->rows++;
            s->widths[s->columns < WIDTH_MAX ? s->columns : WIDTH_MAX - 1]++;
        }
        if (stats.dialect.nties > 0)
            s->warned++;
    }
    reader_close(r);
    return ok;
}

static uint32_t frequent(const struct seen *s)
{
    uint32_t best = 0;
    for (uint32_t w = 0; w < WIDTH_MAX; w++)
        if (s->widths[w] > s->widths[best])
            best = w;
    return best;
}

static bool evaluate(const char *folder, const char *name, unsigned long rows,
                     unsigned long columns)
{
    struct seen s = {0};
    struct err err = ERR_INIT;
    char *path = xasprintf("%s/csv/%s", folder, name);
    bool ok = look(path, &s, &err);
    bool right = ok && s.rows == rows && frequent(&s) == columns;
    if (!right)
        printf("different %s: %llu rows of %u columns%s, expected %lu of %lu%s%s\n", name,
               (unsigned long long)s.rows, frequent(&s), s.warned ? " (warned)" : "", rows, columns,
               ok ? "" : ": ", err.text);
    free(path);
    return right;
}

int main(int argc, char **argv)
{
    struct buf list = BUF_INIT(BUF_UNBOUNDED);
    struct err err = ERR_INIT;
    unsigned right = 0, n = 0;
    char *path = argc == 2 ? xasprintf("%s/expected.tsv", argv[1]) : NULL;
    if (!path || !file_read_all(path, BUF_UNBOUNDED, &list, &err)) {
        fprintf(stderr, "usage: pollock FOLDER (with csv/ and expected.tsv)\n");
        return 2;
    }
    char *save = NULL, *line = strtok_r((char *)(uintptr_t)buf_str(&list), "\n", &save);
    while ((line = strtok_r(NULL, "\n", &save))) {
        char name[256];
        unsigned long rows, columns;
        if (sscanf(line, "%255[^\t]\t%lu\t%lu", name, &rows, &columns) != 3)
            continue;
        right += evaluate(argv[1], name, rows, columns);
        n++;
    }
    printf("pollock: %u of %u right\n", right, n);
    free(path);
    buf_release(&list);
    return 0;
}
