/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The passes over both tables: columns and types, sums of parts, rows of parts that differ, order.
 * What the method is stands in compare.h; matching is in match.c, words in tell.c. */
#include "compare/compare.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "compare/intern.h"
#include "os/os.h"

#define BLOCK ((size_t)256 << 10)
#define SEED_A UINT64_C(0x9e3779b97f4a7c15) /* any two numbers: the sums are to be independent */
#define SEED_B UINT64_C(0xd1b54a32d192ed03)

static bool stopped(const struct cmp *k, struct err *err)
{
    if (!k->o->stop || !*k->o->stop)
        return false;
    err_set(err, ERR_STAGE, "stopped by signal %d", (int)*k->o->stop);
    return true;
}

/* -- bytes -- */

static bool read_alike(const struct reader_opts *a, const struct reader_opts *b)
{
    return a->format == b->format && a->delimiter == b->delimiter && a->quote == b->quote &&
           a->escape == b->escape && a->header == b->header && a->latin1 == b->latin1 &&
           a->nulls == b->nulls && a->detect == b->detect && a->flatten == b->flatten;
}

static ssize_t read_full(int fd, char *p, size_t n)
{
    size_t got = 0;
    while (got < n) {
        ssize_t r = read(fd, p + got, n - got);
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return -1;
        if (r == 0)
            break;
        got += (size_t)r;
    }
    return (ssize_t)got;
}

static bool bytes_equal(struct cmp *k, bool *equal, struct err *err)
{
    int fd[2] = {-1, -1};
    char *block = xmalloc(2 * BLOCK);
    bool ok = true;
    *equal = false;
    for (int i = 0; i < 2 && ok; i++)
        ok = (fd[i] = fd_open_input(k->t[i].side->path, err)) >= 0;
    off_t a = ok ? lseek(fd[0], 0, SEEK_END) : 0, b = ok ? lseek(fd[1], 0, SEEK_END) : 0;
    bool same = ok && a == b;
    for (int i = 0; i < 2 && same; i++)
        same = lseek(fd[i], 0, SEEK_SET) == 0;
    while (ok && same) {
        ssize_t n = read_full(fd[0], block, BLOCK), m = read_full(fd[1], block + BLOCK, BLOCK);
        if (n < 0 || m < 0)
            ok = err_errno(err, ERR_ENV, "cannot read '%s'", k->t[n < 0 ? 0 : 1].side->path);
        else if (n != m || memcmp(block, block + BLOCK, (size_t)n) != 0)
            same = false;
        else if (n == 0)
            break;
        ok = ok && !stopped(k, err);
    }
    *equal = ok && same;
    for (int i = 0; i < 2; i++)
        if (fd[i] >= 0)
            close(fd[i]);
    free(block);
    return ok;
}

/* -- reading -- */

struct walk {
    struct cmp *k;
    int side;
    void (*bad)(struct cmp *k, int side, const struct bad_record *bad); /* or NULL */
};

static void on_bad(void *ctx, const struct bad_record *bad)
{
    struct walk *w = ctx;
    w->k->t[w->side].bad++;
    if (w->bad)
        w->bad(w->k, w->side, bad);
}

static struct reader *open_table(struct walk *w, struct err *err)
{
    struct table *t = &w->k->t[w->side];
    struct reader_opts o = t->side->opts;
    o.raw = true;
    o.pins = NULL;
    o.npins = 0;
    o.columns = NULL;
    t->rows = t->bad = 0;
    return reader_open(&t->side->path, 1, &o, on_bad, w, err);
}

typedef bool batch_fn(struct cmp *k, int side, const struct batch *b, struct err *err);

static bool walk_table(struct cmp *k, int side, batch_fn *take,
                       void (*bad)(struct cmp *, int, const struct bad_record *), struct err *err)
{
    struct walk w = {k, side, bad};
    struct reader *r = open_table(&w, err);
    struct batch *b = NULL;
    bool ok = r != NULL;
    while (ok && (ok = reader_next(r, &b, err)) && b) {
        ok = !stopped(k, err) && take(k, side, b, err) && k->err.kind == ERR_NONE;
        k->t[side].rows += b->rows;
        batch_unref(b);
    }
    if (r)
        reader_close(r);
    if (k->err.kind != ERR_NONE && err->kind == ERR_NONE)
        *err = k->err;
    return ok && k->err.kind == ERR_NONE;
}

/* -- types -- */

static void see_column(struct seen *s, const struct column *c, uint32_t rows, enum format format,
                       bool lonely)
{
    for (uint32_t row = 0; row < rows; row++) {
        if (!column_valid(c, row))
            continue;
        if (lonely)
            s->sum += hash_bytes(c->text[row].p, c->text[row].len, SEED_A);
        bool settled = s->type == TYPE_JSON || (s->type == TYPE_STRING && format != FORMAT_JSONL);
        if (settled && !lonely)
            return;
        if (!settled)
            s->type = type_join(s->type, value_seen(format, c->text[row], &s->special));
    }
}

static bool see_batch(struct cmp *k, int side, const struct batch *b, struct err *err)
{
    (void)err;
    struct table *t = &k->t[side];
    for (uint32_t c = 0; c < b->ncols; c++) {
        bool lonely = schema_find(&k->t[!side].schema, slice_str(t->schema.fields[c].name)) < 0;
        see_column(&t->seen[c], &b->cols[c], b->rows, t->format, lonely);
    }
    return true;
}

static void note_bad(struct cmp *k, int side, const struct bad_record *bad)
{
    struct table *t = &k->t[side];
    struct quoted q;
    if (!t->first_bad)
        t->first_bad = arena_printf(&k->mem, "line %llu: %s", (unsigned long long)bad->line,
                                    quote_str(&q, bad->reason));
}

static bool look_at_schema(struct cmp *k, int side, struct err *err)
{
    struct table *t = &k->t[side];
    struct walk w = {k, side, NULL};
    struct reader *r = open_table(&w, err);
    if (!r)
        return false;
    struct reader_stats stats;
    reader_stats(r, &stats);
    t->format = stats.format;
    schema_copy(&k->mem, &t->schema, reader_schema(r));
    t->seen = ARENA_ARRAY(&k->mem, struct seen, t->schema.n);
    reader_close(r);
    return true;
}

static bool is_pinned_float(const struct compare_side *side, const char *name)
{
    for (size_t i = 0; i < side->opts.npins; i++)
        if (side->opts.pins[i].type == TYPE_FLOAT && strcmp(side->opts.pins[i].column, name) == 0)
            return true;
    return false;
}

static enum family family_of(const struct seen *a, const struct seen *b, bool pinned)
{
    enum type type = type_join(a->type, b->type);
    bool special = a->special || b->special;
    if (pinned && type == TYPE_INTEGER)
        return FAMILY_NUMBER;
    if (type == TYPE_FLOAT || (special && (type == TYPE_INTEGER || type == TYPE_NONE)))
        return FAMILY_NUMBER;
    if (special)
        return FAMILY_TEXT;
    return type == TYPE_INTEGER   ? FAMILY_INTEGER
           : type == TYPE_BOOLEAN ? FAMILY_BOOLEAN
                                  : FAMILY_TEXT;
}

static void match_columns(struct cmp *k)
{
    const struct schema *s = &k->t[0].schema;
    k->common = ARENA_ARRAY(&k->mem, struct common, s->n);
    k->kinds = k->t[0].format == FORMAT_JSONL && k->t[1].format == FORMAT_JSONL;
    for (uint32_t c = 0; c < s->n; c++) {
        int other = schema_find(&k->t[1].schema, slice_str(s->fields[c].name));
        if (other < 0)
            continue;
        struct common *x = &k->common[k->ncommon++];
        *x = (struct common){.name = s->fields[c].name, .at = {c, (uint32_t)other}};
        x->family = family_of(&k->t[0].seen[c], &k->t[1].seen[other],
                              is_pinned_float(k->t[0].side, x->name) ||
                                  is_pinned_float(k->t[1].side, x->name));
        if (x->family == FAMILY_NUMBER)
            x->key = k->nkeys++;
    }
}

/* -- sums, and the rows of parts that differ -- */

static void take_record(struct cmp *k, int side, uint64_t hash)
{
    struct table *t = &k->t[side];
    uint32_t at = (uint32_t)(hash >> 52) & (PARTS - 1);
    struct part *p = &t->parts[at], *q = &k->t[!side].parts[at];
    if (!k->adding) {
        size_t n = k->rec.len - 8; /* the number of the row is not the row */
        p->rows++;
        p->a += hash_bytes(k->rec.p, n, SEED_A);
        p->b += hash_bytes(k->rec.p, n, SEED_B);
    } else if (k->err.kind == ERR_NONE && (p->rows != q->rows || p->a != q->a || p->b != q->b)) {
        sorter_add(t->sorter, buf_slice(&k->rec), &k->err);
    }
}

static bool take_batch(struct cmp *k, int side, const struct batch *b, struct err *err)
{
    (void)err;
    for (uint32_t row = 0; row < b->rows; row++)
        take_record(k, side, record_of_row(k, side, b, row, k->t[side].rows + row + 1));
    return true;
}

static void take_bad(struct cmp *k, int side, const struct bad_record *bad)
{
    take_record(k, side, record_of_bad(k, bad->raw, bad->line));
}

static bool parts_equal(const struct cmp *k)
{
    return memcmp(k->t[0].parts, k->t[1].parts, PARTS * sizeof(struct part)) == 0;
}

static bool compare_rows(struct cmp *k, struct err *err)
{
    size_t memory = k->o->memory_bytes ? k->o->memory_bytes : COMPARE_MEMORY;
    for (int i = 0; i < 2; i++) {
        k->t[i].parts = ARENA_ARRAY(&k->mem, struct part, PARTS);
        k->t[i].sorter = sorter_new(memory / 8 * 3);
    }
    for (int i = 0; i < 2; i++)
        if (!walk_table(k, i, take_batch, take_bad, err))
            return false;
    for (int i = 0; i < 2; i++)
        k->out->rows[i] = (double)k->t[i].rows;
    if (parts_equal(k))
        return true;
    k->adding = true;
    for (int i = 0; i < 2; i++)
        if (!walk_table(k, i, take_batch, take_bad, err) || !sorter_rewind(k->t[i].sorter, err))
            return false;
    return match_rows(k, err);
}

/* -- order -- */

struct place {
    struct walk w;
    struct reader *r;
    struct batch *b;
    uint32_t row;
    uint64_t no;
};

/* The next row, or *b NULL. */
static bool advance(struct place *p, struct err *err)
{
    p->no++;
    if (p->b && ++p->row < p->b->rows)
        return true;
    if (p->b)
        batch_unref(p->b);
    p->row = 0;
    return reader_next(p->r, &p->b, err);
}

static bool values_alike(const struct cmp *k, const struct common *c, const struct place *p)
{
    const struct text *t[2];
    for (int i = 0; i < 2; i++) {
        const struct column *col = &p[i].b->cols[c->at[i]];
        t[i] = column_valid(col, p[i].row) ? &col->text[p[i].row] : NULL;
    }
    if (!t[0] || !t[1])
        return t[0] == t[1];
    if (c->family == FAMILY_NUMBER)
        return number_keys_close(number_key_of_text(text_slice(*t[0])),
                                 number_key_of_text(text_slice(*t[1])), k->o->rtol);
    return (!k->kinds || value_kind(*t[0]) == value_kind(*t[1])) &&
           slice_eq(value_canonical(c->family, *t[0]), value_canonical(c->family, *t[1]));
}

static const struct common *common_of(const struct cmp *k, const char *name)
{
    for (uint32_t c = 0; c < k->ncommon; c++)
        if (strcmp(k->common[c].name, name) == 0)
            return &k->common[c];
    return NULL;
}

/* Only where the rows are equal: the two have the same number of them. */
static bool compare_order(struct cmp *k, struct err *err)
{
    struct place p[2] = {{.w = {k, 0, NULL}}, {.w = {k, 1, NULL}}};
    bool ok = true, same = true;
    for (int i = 0; i < 2 && ok; i++)
        ok = (p[i].r = open_table(&p[i].w, err)) && advance(&p[i], err);
    while (ok && same && p[0].b && p[1].b) {
        for (uint32_t j = 0; j < k->o->norder && same; j++) {
            const struct common *c = common_of(k, k->o->order[j]);
            if (!c)
                break;
            same = values_alike(k, c, p);
            if (!same)
                tell_reason(k,
                            "the rows stand in another order: row %llu is the first that has "
                            "another '%s'",
                            (unsigned long long)p[0].no, c->name);
        }
        ok = !stopped(k, err) && advance(&p[0], err) && advance(&p[1], err);
    }
    for (int i = 0; i < 2; i++) {
        if (p[i].b)
            batch_unref(p[i].b);
        if (p[i].r)
            reader_close(p[i].r);
    }
    return ok;
}

/* -- all of it -- */

static bool look(struct cmp *k, struct err *err)
{
    for (int i = 0; i < 2; i++)
        if (!look_at_schema(k, i, err))
            return false;
    for (int i = 0; i < 2; i++)
        if (!walk_table(k, i, see_batch, note_bad, err))
            return false;
    match_columns(k);
    return compare_rows(k, err) &&
           (!k->o->norder || k->t[0].only || k->t[1].only || compare_order(k, err));
}

static bool compare(struct cmp *k, struct err *err)
{
    bool same = false;
    k->out->rows[0] = k->out->rows[1] = NAN;
    if (read_alike(&k->t[0].side->opts, &k->t[1].side->opts) && !bytes_equal(k, &same, err))
        return false;
    if (same) {
        k->out->same_bytes = true;
        return true;
    }
    struct err why = ERR_INIT;
    if (!look(k, &why)) {
        if (why.kind != ERR_DATA && why.kind != ERR_USAGE) {
            *err = why;
            return false;
        }
        tell_reason(k, "the bytes differ, and cannot be compared as tables: %s", why.text);
        return true;
    }
    tell(k);
    return true;
}

bool compare_tables(const struct compare_side side[2], const struct compare_opts *o,
                    struct arena *a, struct compare_result *out, struct err *err)
{
    *out = (struct compare_result){0};
    struct cmp *k = xcalloc(1, sizeof(*k));
    k->o = o;
    k->a = a;
    k->out = out;
    k->rec = k->key = BUF_INIT(BUF_UNBOUNDED);
    for (int i = 0; i < 2; i++)
        k->t[i].side = &side[i];
    bool ok = compare(k, err);
    for (int i = 0; i < 2; i++) {
        struct table *t = &k->t[i];
        out->only[i] = (double)t->only;
        out->bad[i] = (double)t->bad;
        if (t->sorter)
            out->spilled_bytes += (double)sorter_spilled_bytes(t->sorter);
        sorter_free(t->sorter);
        for (uint32_t n = 0; n < t->nkept; n++)
            free(t->kept[n].rec);
    }
    out->equal = ok && out->nreasons == 0;
    buf_release(&k->rec);
    buf_release(&k->key);
    arena_release(&k->mem);
    free(k);
    return ok;
}
