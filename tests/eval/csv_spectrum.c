/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How many of csv-spectrum's files are read as its authors expect (`make eval-csv`). Not a test:
 * the data is not ours, and what is wrong in it stays wrong. usage: csv_spectrum FOLDER      with
 * csvs/NAME.csv and json/NAME.json */
#include <dirent.h>

#include "json/json.h"
#include "os/os.h"
#include "table/reader.h"

/* Does the file hold the text at all? What it does not hold no reader can find. */
static bool holds(struct slice file, struct slice text)
{
    for (size_t i = 0; i + text.len <= file.len; i++)
        if (memcmp(file.p + i, text.p, text.len) == 0)
            return true;
    return false;
}

/* The first difference between row `row` of a batch and what is expected of it; *flawed when a text
 * that is expected is not in the file. */
static bool same_record(const struct schema *s, const struct batch *b, uint32_t row,
                        const struct json *want, struct slice file, bool *flawed)
{
    for (uint32_t c = 0; c < s->n; c++) {
        const struct json *v = json_get(want, s->fields[c].name);
        struct slice got =
            column_valid(&b->cols[c], row) ? text_slice(b->cols[c].text[row]) : SLICE_LIT("");
        if (json_is(v, JSON_STRING) && slice_eq(got, v->u.s))
            continue;
        /* With a quote inside it would be written otherwise. */
        if (json_is(v, JSON_STRING) && memchr(v->u.s.p, '"', v->u.s.len) == NULL &&
            !holds(file, v->u.s)) {
            *flawed = true;
        } else {
            printf("    %s: '%.*s', expected '%s'\n", s->fields[c].name, (int)got.len, got.p,
                   json_is(v, JSON_STRING) ? v->u.s.p : "(absent)");
            return false;
        }
    }
    return json_len(want) == s->n;
}

static bool same_table(const char *path, const struct json *want, bool detect, bool *flawed,
                       struct err *err)
{
    struct buf file = BUF_INIT(BUF_UNBOUNDED);
    struct reader_opts o = {.format = FORMAT_CSV, .raw = true, .detect = detect};
    struct reader *r = reader_open(&path, 1, &o, NULL, NULL, err);
    struct batch *b;
    size_t rows = 0;
    bool same = r != NULL && file_read_all(path, BUF_UNBOUNDED, &file, err);
    while (same && reader_next(r, &b, err) && b) {
        for (uint32_t row = 0; same && row < b->rows; row++, rows++) {
            const struct json *w = json_is(want, JSON_ARRAY) ? json_at(want, rows) : want;
            same = same_record(reader_schema(r), b, row, w, buf_slice(&file), flawed);
        }
        batch_unref(b);
    }
    reader_close(r);
    buf_release(&file);
    return same && err->kind == ERR_NONE &&
           rows == (json_is(want, JSON_ARRAY) ? json_len(want) : 1);
}

static bool evaluate(const char *folder, const char *name, bool detect, int *flaws)
{
    bool flawed = false;
    struct err err = ERR_INIT;
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    struct arena a = ARENA_INIT;
    struct json *want;
    char *csv = xasprintf("%s/csvs/%s.csv", folder, name);
    char *json = xasprintf("%s/json/%s.json", folder, name);
    bool rest = file_read_all(json, BUF_UNBOUNDED, &text, &err) &&
                json_parse(&a, buf_slice(&text), 0, &want, &err) &&
                same_table(csv, want, detect, &flawed, &err);
    bool right = rest && !flawed;
    printf("%-9s %s%s%s%s%s\n", right ? "right" : "different", name, detect ? " (found)" : "",
           rest && flawed ? ", in nothing but a text that is expected and not in the file" : "",
           err.kind ? ": " : "", err.text);
    *flaws += rest && flawed;
    arena_release(&a);
    buf_release(&text);
    free(csv);
    free(json);
    return right;
}

static int csv_only(const struct dirent *e)
{
    size_t n = strlen(e->d_name);
    return n > 4 && strcmp(e->d_name + n - 4, ".csv") == 0;
}

int main(int argc, char **argv)
{
    struct dirent **files;
    int right = 0, detected = 0, flaws = 0, again = 0;
    char *csvs = argc == 2 ? xasprintf("%s/csvs", argv[1]) : NULL;
    int n = csvs ? scandir(csvs, &files, csv_only, alphasort) : 0;
    free(csvs);
    if (n <= 0) {
        fprintf(stderr, "usage: csv_spectrum FOLDER (with csvs/ and json/)\n");
        return 2;
    }
    for (int i = 0; i < n; i++) {
        char *name = xstrndup(files[i]->d_name, strlen(files[i]->d_name) - 4);
        right += evaluate(argv[1], name, false, &flaws);
        detected += evaluate(argv[1], name, true, &again);
        free(name);
        free(files[i]);
    }
    free(files);
    printf("csv-spectrum: %d of %d right, %d when the dialect is found; %d of the others differ in "
           "nothing but a text that they do not hold\n",
           right, n, detected, flaws);
    return 0;
}
