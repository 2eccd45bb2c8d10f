/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The law of comparing tables, over seeded random ones: a copy with its rows shuffled, its floats
 * moved within the tolerance and its numbers and booleans spelled otherwise is equal; one fault in
 * that copy (of a row, a value, the schema or the order) is found, and named as what it is. Within
 * any memory. FORELINE_LONG=1 injects 10,000 faults. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/num.h"
#include "base/rng.h"
#include "compare/compare.h"
#include "tests/unit/suite.h"

#define SHARES 20 /* cases of the suite, each with a limit of time */
enum { ROWS_MAX = 80, COLUMNS = 6 };
enum kind { ID, WORD, FLAG, DAY, AMOUNT, RATE };
static const char *const names[COLUMNS + 1] = {"id",     "word", "flag", "day",
                                               "amount", "rate", "new"};

/* A cell: null, or a text with a value behind it. */
struct cell {
    bool null;
    double number;
    char text[24];
};
struct grid {
    uint32_t rows, columns;
    const char *name[COLUMNS + 1];
    struct cell cell[ROWS_MAX + 1][COLUMNS + 1];
    enum kind kind[COLUMNS + 1];
    uint32_t place[COLUMNS + 1]; /* where each column is written */
    bool as_text[COLUMNS + 1];   /* quoted in JSON lines */
};

static void fill(struct grid *g, struct rng *r)
{
    static const char *const words[] = {"ada", "b,o\"b", "", "e\xcc\x81t\xc3\xa9",
                                        "x y", "null",   "7"};
    *g = (struct grid){.rows = (uint32_t)rng_below(r, ROWS_MAX - 4) + 4, .columns = COLUMNS};
    uint64_t ids = rng_below(r, 3) ? 1000000 : 5, steps = rng_below(r, 2) ? 100000 : 4;
    for (uint32_t c = 0; c < COLUMNS; c++) {
        g->name[c] = names[c];
        g->kind[c] = (enum kind)c;
        g->place[c] = c;
        g->as_text[c] = c == WORD || c == DAY;
    }
    for (uint32_t i = 0; i < g->rows; i++) {
        for (uint32_t c = 0; c < COLUMNS; c++) {
            struct cell *x = &g->cell[i][c];
            x->null = c != ID && rng_below(r, 8) == 0;
            if (c == ID)
                x->number = (double)rng_below(r, ids) - 2;
            else if (c == AMOUNT) /* never a whole number, apart by more than the tolerance */
                x->number = (double)rng_below(r, steps) + 0.5;
            else if (c == RATE)
                x->number = exp(40 * rng_normal(r)) * (rng_below(r, 2) ? 1 : -1);
            else if (c == FLAG)
                x->number = (double)rng_below(r, 2);
            else if (c == WORD)
                snprintf(x->text, sizeof(x->text), "%s", words[rng_below(r, 7)]);
            else
                snprintf(x->text, sizeof(x->text), "2026-11-%02u", (unsigned)rng_below(r, 28) + 1);
        }
    }
}

static void put_text(struct buf *out, enum format f, const char *text, bool quoted)
{
    if (f == FORMAT_JSONL && !quoted) {
        buf_adds(out, text);
        return;
    }
    if (f != FORMAT_JSONL && *text && !strpbrk(text, ",\"\t\n")) {
        buf_adds(out, text);
        return;
    }
    buf_addc(out, '"');
    for (; *text; text++) {
        if (*text == '"')
            buf_addc(out, f == FORMAT_JSONL ? '\\' : '"');
        buf_addc(out, *text);
    }
    buf_addc(out, '"');
}

static void put_cell(struct buf *out, enum format f, const struct grid *g, uint32_t i, uint32_t c,
                     struct rng *vary)
{
    static const char *const spelled[2][3] = {{"false", "False", "FALSE"},
                                              {"true", "True", "TRUE"}};
    const struct cell *x = &g->cell[i][c];
    char text[40];
    if (x->null) {
        buf_adds(out, f == FORMAT_JSONL ? "null" : "");
        return;
    }
    switch (g->kind[c]) {
    case ID:
        snprintf(text, sizeof(text), "%.0f", x->number);
        break;
    case AMOUNT:
    case RATE:
        snprintf(text, sizeof(text), vary && rng_below(vary, 2) ? "%.17e" : "%.17g", x->number);
        break;
    case FLAG:
        snprintf(text, sizeof(text), "%s",
                 spelled[(int)x->number][vary && f != FORMAT_JSONL ? rng_below(vary, 3) : 0]);
        break;
    default:
        snprintf(text, sizeof(text), "%s", x->text);
    }
    put_text(out, f, text, g->as_text[c]);
}

static char *write_grid(const struct grid *g, const char *name, enum format f, struct rng *vary)
{
    static const char *const ending[] = {"", "csv", "tsv", "jsonl"};
    struct buf out = BUF_INIT(BUF_UNBOUNDED);
    for (uint32_t p = 0; p < g->columns && f != FORMAT_JSONL; p++)
        for (uint32_t c = 0; c < g->columns; c++)
            if (g->place[c] == p)
                buf_addf(&out, "%s%s", p ? f == FORMAT_TSV ? "\t" : "," : "", g->name[c]);
    buf_adds(&out, f == FORMAT_JSONL ? "" : "\n");
    for (uint32_t i = 0; i < g->rows; i++) {
        buf_adds(&out, f == FORMAT_JSONL ? "{" : "");
        for (uint32_t p = 0; p < g->columns; p++) {
            for (uint32_t c = 0; c < g->columns; c++) {
                if (g->place[c] != p)
                    continue;
                buf_adds(&out, !p ? "" : f == FORMAT_TSV ? "\t" : ",");
                if (f == FORMAT_JSONL)
                    buf_addf(&out, "\"%s\":", g->name[c]);
                put_cell(&out, f, g, i, c, vary);
            }
        }
        buf_adds(&out, f == FORMAT_JSONL ? "}\n" : "\n");
    }
    const char *dir = getenv("TMPDIR");
    char *path = xasprintf("%s/prop-%d-%s.%s", dir ? dir : "/tmp", (int)getpid(), name, ending[f]);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(out.p, 1, out.len, file), out.len);
    ck_assert_int_eq(fclose(file), 0);
    buf_release(&out);
    return path;
}

/* -- equal ones -- */

static void swap_rows(struct grid *g, uint32_t i, uint32_t j)
{
    struct cell t[COLUMNS + 1];
    memcpy(t, g->cell[i], sizeof(t));
    memcpy(g->cell[i], g->cell[j], sizeof(t));
    memcpy(g->cell[j], t, sizeof(t));
}

static void shuffle(struct grid *g, struct rng *r)
{
    for (uint32_t i = g->rows; i > 1; i--)
        swap_rows(g, i - 1, (uint32_t)rng_below(r, i));
}

static void sort_by_id(struct grid *g)
{
    for (uint32_t i = 1; i < g->rows; i++)
        for (uint32_t j = i; j > 0 && g->cell[j][ID].number < g->cell[j - 1][ID].number; j--)
            swap_rows(g, j, j - 1);
}

static void add_noise(struct grid *g, struct rng *r)
{
    for (uint32_t i = 0; i < g->rows; i++)
        for (uint32_t c = AMOUNT; c <= RATE; c++)
            g->cell[i][c].number *= 1 + (rng_unit(r) - 0.5) * 1.8e-9;
}

/* -- faults -- */

static bool rows_alike(const struct grid *g, uint32_t i, uint32_t j)
{
    for (uint32_t c = 0; c < g->columns; c++) {
        const struct cell *x = &g->cell[i][c], *y = &g->cell[j][c];
        bool same = x->null == y->null &&
                    (x->null || (fabs(x->number - y->number) <= 1e-8 * fabs(x->number) &&
                                 strcmp(x->text, y->text) == 0));
        if (!same)
            return false;
    }
    return true;
}

/* Another value in a cell: of its kind, or null. */
static void change_cell(struct grid *g, struct rng *r, enum format f)
{
    uint32_t i = (uint32_t)rng_below(r, g->rows), c = (uint32_t)rng_below(r, COLUMNS);
    struct cell *x = &g->cell[i][c];
    if (c != ID && rng_below(r, 4) == 0 && !x->null) {
        x->null = true;
        return;
    }
    if (x->null) {
        x->null = false;
        if (c == WORD) /* the empty string is not null */
            x->text[0] = '\0';
        (void)f;
        return;
    }
    switch (c) {
    case ID:
        x->number += rng_below(r, 2) ? 1 : -1;
        break;
    case FLAG:
        x->number = 1 - x->number;
        break;
    case AMOUNT:
    case RATE: /* from just beyond the tolerance (noise can take 0.9e-9 of it) to another sign */
        x->number *= rng_below(r, 3) == 0 ? -1 : 1 + (rng_below(r, 2) ? 1 : -1) * 3e-9;
        break;
    default:
        x->text[0] = x->text[0] == 'z' ? 'y' : 'z';
        x->text[1] = c == DAY ? x->text[1] : '\0';
    }
}

/* Values of one column change places between two rows that differ in it and elsewhere. */
static bool exchange(struct grid *g, struct rng *r)
{
    uint32_t i = (uint32_t)rng_below(r, g->rows), j = (uint32_t)rng_below(r, g->rows);
    uint32_t c = (uint32_t)rng_below(r, COLUMNS);
    struct cell before[2][COLUMNS + 1];
    memcpy(before[0], g->cell[i], sizeof(before[0]));
    memcpy(before[1], g->cell[j], sizeof(before[1]));
    struct cell t = g->cell[i][c];
    g->cell[i][c] = g->cell[j][c];
    g->cell[j][c] = t;
    /* Did that make the same two rows, or the same in other places? */
    struct grid *w = xcalloc(1, sizeof(*w));
    w->rows = 4;
    w->columns = COLUMNS;
    memcpy(w->cell[0], before[0], sizeof(before[0]));
    memcpy(w->cell[1], before[1], sizeof(before[1]));
    memcpy(w->cell[2], g->cell[i], sizeof(before[0]));
    memcpy(w->cell[3], g->cell[j], sizeof(before[0]));
    bool alike = rows_alike(w, 0, 2) || rows_alike(w, 0, 3);
    free(w);
    return !alike;
}

/* One fault; what its reason must say, or NULL when this one makes none here. */
static const char *inject(struct grid *g, struct rng *r, enum format f, bool ordered)
{
    uint32_t i = (uint32_t)rng_below(r, g->rows), c = (uint32_t)rng_below(r, COLUMNS);
    switch (rng_below(r, 12)) {
    case 0: /* a row is lost */
        swap_rows(g, i, --g->rows);
        if (ordered)
            sort_by_id(g);
        return "only in the first";
    case 1: /* a row stands there twice */
        memcpy(g->cell[g->rows++], g->cell[i], sizeof(g->cell[0]));
        if (ordered)
            sort_by_id(g);
        return "only in the second";
    case 2:
    case 3:
    case 4:
    case 5:
        change_cell(g, r, f);
        return "only in the second";
    case 6:
        return exchange(g, r) ? "only in the first" : NULL;
    case 7: /* a column is lost */
        for (uint32_t k = 0; k < COLUMNS; k++)
            g->place[k] -= g->place[k] > c;
        g->place[c] = COLUMNS;
        g->columns--;
        for (uint32_t row = 0; row < g->rows; row++)
            memmove(&g->cell[row][c], &g->cell[row][c + 1], (COLUMNS - c) * sizeof(struct cell));
        memmove(&g->name[c], &g->name[c + 1], (COLUMNS - c) * sizeof(g->name[0]));
        memmove(&g->kind[c], &g->kind[c + 1], (COLUMNS - c) * sizeof(g->kind[0]));
        memmove(&g->as_text[c], &g->as_text[c + 1], (COLUMNS - c) * sizeof(g->as_text[0]));
        memmove(&g->place[c], &g->place[c + 1], (COLUMNS - c) * sizeof(g->place[0]));
        return "is missing";
    case 8: /* a column is new: the flag again, under another name */
        g->name[COLUMNS] = names[COLUMNS];
        g->kind[COLUMNS] = WORD;
        g->place[COLUMNS] = COLUMNS;
        g->as_text[COLUMNS] = true;
        g->columns++;
        for (uint32_t row = 0; row < g->rows; row++)
            snprintf(g->cell[row][COLUMNS].text, 24, "w%u", (unsigned)rng_below(r, 9));
        return "column 'new' was added";
    case 9: /* a name changes; of words, so that nothing else does */
        g->name[WORD] = names[COLUMNS];
        return "column 'word' is missing";
    case 10: /* columns change places, or numbers become strings */
        if (f == FORMAT_JSONL) {
            g->as_text[ID] = true;
            return "column 'id' was integer and is string";
        }
        g->place[c] = (c + 1) % COLUMNS;
        g->place[(c + 1) % COLUMNS] = c;
        return "columns stand in another order";
    default: /* the order is lost */
        if (!ordered || g->cell[0][ID].number == g->cell[g->rows - 1][ID].number)
            return NULL;
        swap_rows(g, 0, g->rows - 1);
        return "rows stand in another order: row 1 ";
    }
}

static struct compare_result compared(char *a, char *b, const struct compare_opts *o,
                                      struct arena *mem)
{
    /* Where all happen to be whole, only a pin can tell. */
    static const struct type_pin pins[] = {{.column = "amount", .type = TYPE_FLOAT},
                                           {.column = "rate", .type = TYPE_FLOAT}};
    struct compare_side side[2] = {{.path = a, .opts = {.pins = pins, .npins = 2}}, {.path = b}};
    struct compare_result r;
    struct err err = ERR_INIT;
    if (!compare_tables(side, o, mem, &r, &err))
        ck_abort_msg("%s", err.text);
    remove(b);
    free(b);
    return r;
}

static bool says(const struct compare_result *r, const char *what)
{
    for (uint32_t i = 0; i < r->nreasons; i++)
        if (strstr(r->reasons[i], what))
            return true;
    return false;
}

static void check_case(uint64_t seed)
{
    static struct grid a, b;
    static const char *const by[] = {"id"};
    static const size_t memory[] = {0, 1, 3000};
    struct rng r;
    rng_seed(&r, seed);
    struct arena mem = ARENA_INIT;
    bool ordered = rng_below(&r, 3) == 0;
    enum format f = (enum format)(FORMAT_CSV + rng_below(&r, 3));
    struct compare_opts o = {.rtol = COMPARE_RTOL,
                             .memory_bytes = memory[rng_below(&r, 3)],
                             .order = by,
                             .norder = ordered};
    fill(&a, &r);
    if (ordered)
        sort_by_id(&a);
    char *base = write_grid(&a, "a", f, NULL);
    const char *want = NULL;
    while (!want) {
        b = a;
        shuffle(&b, &r);
        add_noise(&b, &r);
        if (ordered)
            sort_by_id(&b);
        struct compare_result same = compared(base, write_grid(&b, "b", f, &r), &o, &mem);
        if (!same.equal)
            ck_abort_msg("seed %llu: equal tables differ: %s", (unsigned long long)seed,
                         same.reasons[0]);
        /* What a fault moves by must be beyond the tolerance from the first table's own value. */
        b = a;
        want = inject(&b, &r, f, ordered);
        if (want && !ordered)
            shuffle(&b, &r);
    }
    struct compare_result found = compared(base, write_grid(&b, "b", f, NULL), &o, &mem);
    if (found.equal || !says(&found, want))
        ck_abort_msg("seed %llu: no reason says '%s', but: %s", (unsigned long long)seed, want,
                     found.nreasons ? found.reasons[0] : "equal");
    remove(base);
    free(base);
    arena_release(&mem);
}

START_TEST(every_fault_is_found_and_no_equal_table_is_called_different)
{
    unsigned faults = getenv("FORELINE_LONG") ? 10000 : 500;
    for (unsigned i = 0; i < faults / SHARES; i++)
        check_case((uint64_t)_i * 1000003 + i + 1);
}
END_TEST

/* Values so dense that each has many mates within the tolerance. */
START_TEST(dense_floats_find_their_mates)
{
    for (uint64_t seed = 1; seed <= (getenv("FORELINE_LONG") ? 300u : 20u); seed++) {
        struct rng r;
        rng_seed(&r, seed);
        struct buf text[2] = {BUF_INIT(BUF_UNBOUNDED), BUF_INIT(BUF_UNBOUNDED)};
        uint32_t n = (uint32_t)rng_below(&r, 200) + 2, width = (uint32_t)rng_below(&r, 3) + 1;
        for (int i = 0; i < 2; i++)
            buf_adds(&text[i], width == 1 ? "x\n" : width == 2 ? "x,y\n" : "x,y,z\n");
        for (uint32_t i = 0; i < n; i++) {
            for (uint32_t c = 0; c < width; c++) {
                double v = 1 + rng_unit(&r) * 0.02;
                buf_addf(&text[0], "%s%.17g", c ? "," : "", v);
                buf_addf(&text[1], "%s%.17g", c ? "," : "",
                         v * (1 + (rng_unit(&r) - 0.5) * 1.9e-3));
            }
            buf_addc(&text[0], '\n');
            buf_addc(&text[1], '\n');
        }
        const char *dir = getenv("TMPDIR");
        char *path[2];
        for (int i = 0; i < 2; i++) {
            path[i] = xasprintf("%s/dense-%d-%d.csv", dir ? dir : "/tmp", (int)getpid(), i);
            FILE *f = fopen(path[i], "w");
            ck_assert_ptr_nonnull(f);
            ck_assert_uint_eq(fwrite(text[i].p, 1, text[i].len, f), text[i].len);
            fclose(f);
            buf_release(&text[i]);
        }
        struct arena mem = ARENA_INIT;
        struct compare_opts o = {.rtol = 1e-3};
        struct compare_result same = compared(path[0], path[1], &o, &mem);
        ck_assert_msg(same.equal, "seed %llu: %s", (unsigned long long)seed,
                      same.nreasons ? same.reasons[0] : "");
        remove(path[0]);
        free(path[0]);
        arena_release(&mem);
    }
}
END_TEST

static void none(void)
{
}

UNIT_MAIN_WITH("compare", none, none,
               {every_fault_is_found_and_no_equal_table_is_called_different, SHARES},
               {dense_floats_find_their_mates, 0})
