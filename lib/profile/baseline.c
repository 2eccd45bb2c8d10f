/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A file of records to profiles that can be compared with. */
#include "profile/baseline.h"

#include "os/os.h"

struct known {
    struct rec_profile record;
    struct profile *state; /* or NULL: it came without sketches */
};
struct baseline {
    char *path;
    struct arena mem;
    struct known *items;
    size_t n;
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

static bool take_line(struct baseline *b, struct slice line, struct err *err)
{
    struct json *v;
    struct rec_profile p;
    if (slice_trim(line).len == 0)
        return true;
    if (!json_parse(&b->mem, line, 0, &v, err))
        return false;
    if (!rec_is(v, "profile"))
        return true;
    if (!rec_profile_read(&b->mem, v, &p, err))
        return false;
    struct known *k = find(b, p.dataset, p.partition);
    if (k == NULL)
        k = ARENA_PUSH(&b->mem, b->items, b->n);
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
