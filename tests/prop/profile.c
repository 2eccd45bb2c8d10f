/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Laws of the profile over seeded tables: making data worse never raises the quality score; the
 * figures do not depend on the format or on the batches; counts are what a plain count gives. */
#include <math.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/rng.h"
#include "json/json.h"
#include "profile/profile.h"
#include "table/value.h"
#include "tests/unit/suite.h"

enum { ROWS = 40, COLUMNS = 4 };
enum cell {
    CELL_INTEGER,
    CELL_FLOAT,
    CELL_WORD,
    CELL_CODE,
    CELL_DATE,
    CELL_MAIL,
    CELL_NULL,
    CELL_NA, /* a text that stands for null */
    CELLS
};

struct table {
    enum cell cell[ROWS][COLUMNS];
    uint32_t value[ROWS][COLUMNS];
    bool ragged[ROWS];
};

static void add_cell(struct buf *b, enum cell cell, uint32_t v)
{
    switch (cell) {
    case CELL_INTEGER:
        buf_addf(b, "%u", v + 1);
        break;
    case CELL_FLOAT:
        buf_addf(b, "%u.25", v);
        break;
    case CELL_WORD:
        buf_addf(b, "w%u", v);
        break;
    case CELL_CODE:
        buf_addf(b, "0%u", v);
        break;
    case CELL_DATE:
        buf_addf(b, "2026-01-%02u", v % 28 + 1);
        break;
    case CELL_MAIL:
        buf_addf(b, "w%u@example.org", v);
        break;
    case CELL_NA:
        buf_adds(b, v % 2 ? "NA" : "-");
        break;
    case CELL_NULL:
    case CELLS:
        break;
    }
}

static void write_times(struct buf *b, const struct table *t, int times)
{
    buf_clear(b);
    buf_adds(b, "a,b,c,d\n");
    for (int i = 0; i < ROWS * times; i++) {
        int r = i % ROWS;
        for (int c = 0; c < COLUMNS; c++) {
            if (c > 0)
                buf_addc(b, ',');
            add_cell(b, t->cell[r][c], t->value[r][c]);
        }
        buf_adds(b, t->ragged[r] ? ",extra\n" : "\n");
    }
}

static void write_csv(struct buf *b, const struct table *t)
{
    write_times(b, t, 1);
}

static void write_jsonl(struct buf *b, const struct table *t)
{
    buf_clear(b);
    for (int r = 0; r < ROWS; r++) {
        buf_adds(b, "{");
        for (int c = 0; c < COLUMNS; c++) {
            enum cell cell = t->cell[r][c];
            bool number = cell == CELL_INTEGER || cell == CELL_FLOAT;
            buf_addf(b, "%s\"%c\":%s", c > 0 ? "," : "", 'a' + c,
                     cell == CELL_NULL ? "null"
                     : number          ? ""
                                       : "\"");
            add_cell(b, cell, t->value[r][c]);
            buf_adds(b, cell == CELL_NULL || number ? "" : "\"");
        }
        buf_adds(b, "}\n");
    }
}

struct kept {
    struct arena *a;
    struct rec_profile record;
};

/* Keeps the record by its text. */
static bool keep(void *ctx, const struct profile *p, struct arena *a, struct profile_result *r,
                 struct err *err)
{
    struct kept *k = ctx;
    struct buf line = BUF_INIT(BUF_UNBOUNDED);
    struct json *v;
    (void)p;
    (void)a;
    rec_profile_write(&line, &r->record);
    bool ok = json_parse(k->a, arena_slice(k->a, buf_slice(&line)), 0, &v, err) &&
              rec_profile_read(k->a, v, &k->record, err);
    buf_release(&line);
    return ok;
}

static struct rec_profile profile_of(struct arena *a, const struct buf *text, enum format format,
                                     size_t block)
{
    char path[] = "/tmp/foreline-profile.XXXXXX";
    int fd = mkstemp(path);
    struct err err = ERR_INIT;
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text->p, text->len), (ssize_t)text->len);
    close(fd);
    struct kept kept = {a, {0}};
    struct reader_opts ro = {.format = format, .block_bytes = block};
    const struct profile_input in = {.path = path, .opts = &ro, .emit = keep, .emit_ctx = &kept};
    const struct profile_opts o = {.sample_rate = 1, .seed = 1996, .fast = false};
    bool ok = profile_run(&in, &o, &err);
    unlink(path);
    ck_assert_msg(ok, "%s", err.text);
    return kept.record;
}

static void make(struct table *t, struct rng *r)
{
    for (int c = 0; c < COLUMNS; c++) {
        enum cell main_kind = (enum cell)rng_below(r, CELL_NULL);
        for (int i = 0; i < ROWS; i++) {
            t->cell[i][c] = rng_below(r, 5) ? main_kind : (enum cell)rng_below(r, CELLS);
            t->value[i][c] = (uint32_t)rng_below(r, 30);
        }
    }
    for (int i = 0; i < ROWS; i++)
        t->ragged[i] = rng_below(r, 15) == 0;
}

static int family(enum cell c)
{
    if (c == CELL_MAIL || c == CELL_NA)
        return CELL_WORD;
    return c == CELL_INTEGER || c == CELL_FLOAT || c == CELL_CODE ? CELL_INTEGER : (int)c;
}

/* The kind of most values of a column, and how far ahead of the next it is. */
static int majority(const struct table *t, int c, int *lead)
{
    int count[CELLS] = {0}, best = 0, next = 0;
    for (int i = 0; i < ROWS; i++)
        if (t->cell[i][c] != CELL_NULL)
            count[family(t->cell[i][c])]++;
    for (int k = 0; k < CELLS; k++)
        if (count[k] > count[best])
            best = k;
    for (int k = 0; k < CELLS; k++)
        if (k != best && count[k] > next)
            next = count[k];
    *lead = count[best] - next;
    return best;
}

/* Makes one thing worse; false when there was nothing to worsen. */
static bool worsen(struct table *t, struct rng *r)
{
    int i = (int)rng_below(r, ROWS), c = (int)rng_below(r, COLUMNS), lead;
    switch (rng_below(r, 5)) {
    case 0:
        if (t->cell[i][c] == CELL_NULL)
            return false;
        t->cell[i][c] = CELL_NULL;
        return true;
    case 1: {
        int best = majority(t, c, &lead);
        if (lead < 2 || family(t->cell[i][c]) != best)
            return false;
        t->cell[i][c] = best == CELL_DATE ? CELL_WORD : CELL_DATE;
        return true;
    }
    case 2: /* a spelling of null in place of a value */
        if (t->cell[i][c] == CELL_NULL || t->cell[i][c] == CELL_NA ||
            (family(t->cell[i][c]) == majority(t, c, &lead) && lead < 2))
            return false;
        if (family(t->cell[i][c]) != CELL_WORD && majority(t, c, &lead) == CELL_WORD)
            return false; /* it would join the kind of most */
        t->cell[i][c] = CELL_NA;
        return true;
    case 3: /* what breaks the format of the column */
        if (t->cell[i][c] != CELL_MAIL)
            return false;
        t->cell[i][c] = CELL_WORD;
        return true;
    default:
        if (t->ragged[i])
            return false;
        t->ragged[i] = true;
        return true;
    }
}

START_TEST(making_data_worse_never_raises_the_score)
{
    struct arena a = ARENA_INIT;
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct rng r;
        struct table t;
        rng_seed(&r, seed);
        make(&t, &r);
        write_csv(&text, &t);
        double score = profile_of(&a, &text, FORMAT_CSV, 0).data_quality_score;
        ck_assert(score >= 0 && score <= 1);
        for (int step = 0; step < 25; step++) {
            if (!worsen(&t, &r))
                continue;
            write_csv(&text, &t);
            double now = profile_of(&a, &text, FORMAT_CSV, 0).data_quality_score;
            ck_assert_msg(now <= score * (1 + 1e-12), "seed %d: %.17g after %.17g", (int)seed, now,
                          score);
            score = now;
        }
        arena_clear(&a);
    }
    buf_release(&text);
    arena_release(&a);
}
END_TEST

START_TEST(the_score_is_a_share_so_a_table_given_twice_has_the_same)
{
    struct arena a = ARENA_INIT;
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    for (uint64_t seed = 0; seed < 40; seed++) {
        struct rng r;
        struct table t;
        rng_seed(&r, seed);
        make(&t, &r);
        write_csv(&text, &t);
        double once = profile_of(&a, &text, FORMAT_CSV, 0).data_quality_score;
        write_times(&text, &t, 3);
        double more = profile_of(&a, &text, FORMAT_CSV, 0).data_quality_score;
        ck_assert_msg(fabs(once - more) <= 1e-12, "seed %d: %.17g, then %.17g", (int)seed, once,
                      more);
        arena_clear(&a);
    }
    buf_release(&text);
    arena_release(&a);
}
END_TEST

START_TEST(counts_are_those_of_a_plain_count)
{
    struct arena a = ARENA_INIT;
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct rng r;
        struct table t;
        rng_seed(&r, seed);
        make(&t, &r);
        write_csv(&text, &t);
        struct rec_profile p = profile_of(&a, &text, FORMAT_CSV, 0);
        for (int c = 0; c < COLUMNS; c++) {
            double count[CELLS] = {0}, sum = 0, numbers = 0;
            for (int i = 0; i < ROWS; i++) {
                enum cell k = t.cell[i][c];
                count[k]++;
                if (k == CELL_INTEGER || k == CELL_FLOAT) {
                    sum += t.value[i][c] + (k == CELL_INTEGER ? 1 : 0.25);
                    numbers++;
                }
            }
            const struct rec_column *rc = &p.columns[c];
            ck_assert(rc->nulls == count[CELL_NULL] && rc->records == ROWS);
            ck_assert(rc->types[TYPE_INTEGER] == count[CELL_INTEGER]);
            ck_assert(rc->types[TYPE_FLOAT] == count[CELL_FLOAT]);
            ck_assert(rc->types[TYPE_DATE] == count[CELL_DATE]);
            ck_assert(rc->types[TYPE_STRING] ==
                      count[CELL_WORD] + count[CELL_CODE] + count[CELL_MAIL] + count[CELL_NA]);
            double spelled = 0;
            for (uint32_t i = 0; i < rc->nspellings; i++)
                spelled += rc->null_spellings[i].count;
            ck_assert(spelled == count[CELL_NA]);
            ck_assert(!type_is_number(rc->type) || fabs(rc->mean - sum / numbers) < 1e-9);
        }
        arena_clear(&a);
    }
    buf_release(&text);
    arena_release(&a);
}
END_TEST

START_TEST(csv_and_json_lines_of_the_same_data_agree)
{
    struct arena a = ARENA_INIT;
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct rng r;
        struct table t;
        rng_seed(&r, seed);
        make(&t, &r);
        memset(t.ragged, 0, sizeof(t.ragged));
        write_csv(&text, &t);
        struct rec_profile csv = profile_of(&a, &text, FORMAT_CSV, 0);
        write_jsonl(&text, &t);
        struct rec_profile json = profile_of(&a, &text, FORMAT_JSONL, 4096);
        ck_assert_uint_eq(json.ncolumns, COLUMNS);
        for (int c = 0; c < COLUMNS; c++) {
            const struct rec_column *x = &csv.columns[c], *y = &json.columns[c];
            ck_assert_str_eq(x->name, y->name);
            ck_assert(x->type == y->type && x->nulls == y->nulls && x->distinct == y->distinct);
            ck_assert(slice_eq(x->min, y->min) && slice_eq(x->max, y->max));
            ck_assert(x->mean == y->mean || (isnan(x->mean) && isnan(y->mean)));
        }
        ck_assert(csv.completeness == json.completeness);
        arena_clear(&a);
    }
    buf_release(&text);
    arena_release(&a);
}
END_TEST

/* A text that is nearly, or really, a number, a date or a boolean. */
static void near_value(struct buf *b, struct rng *r)
{
    static const char *const seeds[] = {
        "0",          "12",       "12345678", "123456789",  "0.5",        "00.5",     "1234.567",
        ".5",         "5.",       "1.2.3",    "2024-02-29", "2023-02-29", "0001-1-1", "2024-12-31",
        "1e5",        "-3",       "-0",       "true",       "False",      "007",      "t",
        "2024-13-01", "99999999", "1234567.", "0.000001"};
    static const char bytes[] = "0123456789.-:/ eETtrufals\x01\x80;";
    size_t at = b->len;
    buf_adds(b, seeds[rng_below(r, ARRAY_LEN(seeds))]);
    if (rng_below(r, 2))
        b->p[at + rng_below(r, b->len - at)] = bytes[rng_below(r, sizeof(bytes) - 1)];
}

START_TEST(kinds_and_ranges_are_those_of_the_grammar)
{
    struct arena a = ARENA_INIT;
    struct buf text = BUF_INIT(BUF_UNBOUNDED);
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct rng r;
        double types[TYPE_COUNT] = {0};
        struct slice least = SLICE_NULL, most = SLICE_NULL;
        struct slice values[600];
        size_t starts[601];
        rng_seed(&r, seed);
        buf_clear(&text);
        buf_adds(&text, "a\n");
        for (int i = 0; i < 600; i++) {
            starts[i] = text.len;
            near_value(&text, &r);
            buf_addc(&text, '\n');
        }
        starts[600] = text.len;
        for (int i = 0; i < 600; i++) {
            union value v;
            values[i] = slice_of(text.p + starts[i], starts[i + 1] - starts[i] - 1);
            enum type t = value_classify(values[i], &v);
            types[t]++;
            least = i == 0 || slice_cmp(values[i], least) < 0 ? values[i] : least;
            most = i == 0 || slice_cmp(values[i], most) > 0 ? values[i] : most;
        }
        struct rec_profile p = profile_of(&a, &text, FORMAT_CSV, 0);
        for (int t = 0; t < TYPE_COUNT; t++)
            ck_assert_msg(p.columns[0].types[t] == types[t], "seed %llu: %s %g, not %g",
                          (unsigned long long)seed, type_name((enum type)t), p.columns[0].types[t],
                          types[t]);
        struct buf quoted = BUF_INIT(BUF_UNBOUNDED);
        json_quote(&quoted, least);
        ck_assert(slice_eq(p.columns[0].min, buf_slice(&quoted)));
        buf_clear(&quoted);
        json_quote(&quoted, most);
        ck_assert(slice_eq(p.columns[0].max, buf_slice(&quoted)));
        buf_release(&quoted);
        arena_clear(&a);
    }
    buf_release(&text);
    arena_release(&a);
}
END_TEST

UNIT_MAIN("profile laws", making_data_worse_never_raises_the_score,
          the_score_is_a_share_so_a_table_given_twice_has_the_same,
          counts_are_those_of_a_plain_count, kinds_and_ranges_are_those_of_the_grammar,
          csv_and_json_lines_of_the_same_data_agree)
