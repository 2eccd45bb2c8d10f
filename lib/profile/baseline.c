/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A file of records to profiles that can be compared with. */
#include "profile/baseline.h"

#include <math.h>

#include "os/os.h"
#include "profile/image.h"

struct known {
    struct rec_profile record;
    struct profile *state; /* or NULL: it came without sketches */
};
/* Sketches on their way to a profile. */
struct parts {
    struct rec_sketch of; /* dataset, partition, window */
    struct profile_kit *kit;
};
struct baseline {
    char *path;
    struct arena mem, line; /* for good, and of the line in hand */
    struct known *items;
    size_t n;
    struct parts *parts;
    size_t nparts;
};

static bool same(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static struct known *find(const struct baseline *b, const char *dataset, const char *partition)
{
    for (size_t i = 0; i < b->n; i++)
        if (same(b->items[i].record.dataset, dataset) &&
            same(b->items[i].record.partition, partition))
            return &b->items[i];
    return NULL;
}

static bool same_number(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

static bool same_window(const struct rec_sketch *a, const struct rec_sketch *b)
{
    return same(a->dataset, b->dataset) && same(a->partition, b->partition) &&
           same(a->from, b->from) && same(a->to, b->to) &&
           same_number(a->first_record, b->first_record) &&
           same_number(a->last_record, b->last_record);
}

static const char *keep(struct baseline *b, const char *s)
{
    return s != NULL ? arena_strdup(&b->mem, s) : NULL;
}

static bool take_sketch(struct baseline *b, const struct json *v, struct err *err)
{
    struct rec_sketch s;
    if (!rec_sketch_read(&b->line, v, &s, err))
        return false;
    size_t i = b->nparts; /* the last ones first: sketches of one profile follow each other */
    while (i > 0 && !same_window(&b->parts[i - 1].of, &s))
        i--;
    if (strcmp(s.kind, "profile") != 0)
        return i == 0 ? err_set(err, ERR_DATA, "a sketch before the one of kind profile")
                      : profile_kit_add(b->parts[i - 1].kit, s.column, s.kind, s.image, err);
    struct profile_kit *kit = profile_kit_new(s.image, err);
    if (kit == NULL)
        return false;
    struct parts *p = ARENA_PUSH(&b->mem, b->parts, b->nparts);
    *p = (struct parts){.of = s, .kit = kit};
    p->of.dataset = keep(b, s.dataset);
    p->of.partition = keep(b, s.partition);
    p->of.from = keep(b, s.from);
    p->of.to = keep(b, s.to);
    return true;
}

/* Every state to its profile; of several windows the last stays, as of the records. */
static bool assemble(struct baseline *b, struct err *err)
{
    for (size_t i = 0; i < b->nparts; i++) {
        struct parts *p = &b->parts[i];
        struct profile_kit *kit = p->kit;
        p->kit = NULL;
        struct profile *state = profile_kit_take(kit, err);
        if (state == NULL)
            return err_prefix(err, "%s: ", b->path);
        struct known *k = find(b, p->of.dataset, p->of.partition);
        if (k == NULL) {
            k = ARENA_PUSH(&b->mem, b->items, b->n);
            *k = (struct known){.state = NULL};
        }
        profile_free(k->state);
        k->state = state;
        drift_base_record(state, p->of.dataset, p->of.partition, &b->mem, &k->record);
    }
    return true;
}

static bool take_line(struct baseline *b, struct slice line, struct err *err)
{
    struct json *v;
    struct rec_profile p;
    arena_clear(&b->line);
    if (slice_trim(line).len == 0)
        return true;
    if (!json_parse(&b->line, line, 0, &v, err))
        return false;
    if (rec_is(v, "sketch"))
        return take_sketch(b, v, err);
    if (!rec_is(v, "profile"))
        return true;
    if (!json_parse(&b->mem, line, 0, &v, err) || !rec_profile_read(&b->mem, v, &p, err))
        return false;
    struct known *k = find(b, p.dataset, p.partition);
    if (k == NULL) {
        k = ARENA_PUSH(&b->mem, b->items, b->n);
        k->state = NULL;
    }
    k->record = p;
    return true;
}

/* Below the size of any BASE with sketches of 100,000 columns. */
#define BASELINE_MAX ((size_t)2 << 30)

struct baseline *baseline_read(const char *path, struct err *err)
{
    struct buf text = BUF_INIT(BASELINE_MAX);
    struct baseline *b = xcalloc(1, sizeof(*b));
    uint64_t number = 0;
    arena_init(&b->mem, NULL);
    arena_init(&b->line, NULL);
    b->path = xstrdup(path);
    bool ok = file_read_all(path, BASELINE_MAX, &text, err);
    for (size_t at = 0; ok && at < text.len;) {
        const char *p = text.p + at, *end = memchr(p, '\n', text.len - at);
        struct slice line = slice_of(p, end != NULL ? (size_t)(end - p) : text.len - at);
        at += line.len + 1;
        number++;
        ok = take_line(b, line, err);
        if (!ok)
            err_prefix(err, "%s:%llu: ", path, (unsigned long long)number);
    }
    buf_release(&text);
    struct quoted q;
    ok = ok && assemble(b, err);
    if (ok && b->n == 0)
        ok = err_set(err, ERR_DATA, "no profile in '%s' to compare with", quote_str(&q, path));
    if (!ok) {
        baseline_free(b);
        return NULL;
    }
    return b;
}

void baseline_free(struct baseline *b)
{
    if (b == NULL)
        return;
    for (size_t i = 0; i < b->n; i++)
        profile_free(b->items[i].state);
    for (size_t i = 0; i < b->nparts; i++)
        profile_kit_free(b->parts[i].kit);
    arena_release(&b->line);
    arena_release(&b->mem);
    free(b->path);
    free(b);
}

bool baseline_find(const struct baseline *b, const char *dataset, const char *partition,
                   struct drift_base *out, struct err *err)
{
    const struct known *k = find(b, dataset, partition);
    if (k == NULL && b->n == 1)
        k = &b->items[0];
    if (k == NULL) {
        struct quoted q, f;
        return err_set(err, ERR_DATA, "none of the %zu profiles in '%s' is of dataset '%s'", b->n,
                       quote_str(&f, b->path), quote_str(&q, dataset ? dataset : ""));
    }
    *out = (struct drift_base){k->state, &k->record};
    return true;
}
