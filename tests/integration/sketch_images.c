/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Our side of the tests against other programs' sketches: makes images of the lines of stdin, and
 * says as JSON what images hold, several merged into one. Driven by sketches.py.
 *   usage: sketch_images write hll|kll|frequent SIZE          lines on stdin, the image on stdout
 *          sketch_images read hll|kll|frequent FILE… */
#include <math.h>
#include <stdio.h>

#include "base/hash.h"
#include "json/json.h"
#include "os/os.h"
#include "sketch/frequent_image.h"
#include "sketch/hll_image.h"
#include "sketch/kll_image.h"

struct sketches {
    struct distinct distinct;
    struct kll kll;
    struct frequent frequent;
};

static void add(struct sketches *s, char kind, struct slice line)
{
    uint64_t e = distinct_of_text(line.p, line.len);
    double x = strtod(line.p, NULL); /* the buffer ends with a NUL */
    if (kind == 'h')
        distinct_add(&s->distinct, &e, 1);
    else if (kind == 'k')
        kll_add(&s->kll, &x, 1);
    else
        frequent_add(&s->frequent, hash_bytes(line.p, line.len, 0), line, 1);
}

static void put(struct buf *out, char kind, const struct sketches *s)
{
    if (kind == 'h')
        hll_image_write(out, &s->distinct);
    else if (kind == 'k')
        kll_image_write(out, &s->kll);
    else
        frequent_image_write(out, &s->frequent);
}

static bool take(struct sketches *s, char kind, struct slice image, bool first, struct err *err)
{
    struct sketches got;
    if (kind == 'h') {
        if (!hll_image_read(&got.distinct, image, err))
            return false;
        if (first)
            distinct_fold(&s->distinct, got.distinct.p);
        distinct_merge(&s->distinct, &got.distinct);
        distinct_release(&got.distinct);
    } else if (kind == 'k') {
        if (!kll_image_read(&got.kll, image, 1, err))
            return false;
        kll_merge(&s->kll, &got.kll);
        kll_release(&got.kll);
    } else {
        if (!frequent_image_read(&got.frequent, image, err))
            return false;
        frequent_merge(&s->frequent, &got.frequent);
        frequent_release(&got.frequent);
    }
    return true;
}

static void say_frequent(struct jw *w, const struct frequent *f)
{
    struct frequent_item *items = xreallocarray(NULL, f->n + 1, sizeof(*items));
    size_t n = frequent_top(f, 0, items, f->n);
    jw_kint(w, "total", (int64_t)f->total);
    jw_kint(w, "error", (int64_t)f->error);
    jw_key(w, "items");
    jw_arr(w);
    for (size_t i = 0; i < n; i++) {
        jw_arr(w);
        jw_slice(w, items[i].text);
        jw_int(w, (int64_t)items[i].lower);
        jw_int(w, (int64_t)items[i].upper);
        jw_end_arr(w);
    }
    jw_end_arr(w);
    free(items);
}

static void say(char kind, const struct sketches *s)
{
    struct buf out = BUF_INIT(BUF_UNBOUNDED);
    struct jw w;
    jw_begin(&w, &out);
    jw_obj(&w);
    if (kind == 'h') {
        jw_knum(&w, "estimate", distinct_estimate(&s->distinct));
        jw_knum(&w, "error", distinct_error(&s->distinct));
    } else if (kind == 'k') {
        double p[99], q[99];
        for (int i = 0; i < 99; i++)
            p[i] = (i + 1) / 100.0;
        kll_quantiles(&s->kll, p, 99, q);
        jw_kint(&w, "n", (int64_t)s->kll.n);
        jw_kint(&w, "k", s->kll.k);
        jw_knum(&w, "min", s->kll.min);
        jw_knum(&w, "max", s->kll.max);
        jw_key(&w, "quantiles");
        jw_arr(&w);
        for (int i = 0; i < 99; i++)
            jw_num(&w, q[i]);
        jw_end_arr(&w);
    } else {
        say_frequent(&w, &s->frequent);
    }
    jw_end_obj(&w);
    puts(buf_str(&out));
    buf_release(&out);
}

static bool read_all(struct sketches *s, char kind, char **files, int n, struct err *err)
{
    bool ok = true;
    for (int i = 0; ok && i < n; i++) {
        struct buf image = BUF_INIT(BUF_UNBOUNDED);
        ok = file_read_all(files[i], BUF_UNBOUNDED, &image, err) &&
             take(s, kind, buf_slice(&image), i == 0, err);
        buf_release(&image);
    }
    return ok;
}

static bool write_all(struct sketches *s, char kind, struct err *err)
{
    struct buf in = BUF_INIT(BUF_UNBOUNDED), out = BUF_INIT(BUF_UNBOUNDED);
    if (!file_read_all("/dev/stdin", BUF_UNBOUNDED, &in, err))
        return false;
    const char *p = buf_str(&in);
    for (const char *end; (end = strchr(p, '\n')) != NULL; p = end + 1)
        add(s, kind, slice_of(p, (size_t)(end - p)));
    put(&out, kind, s);
    fwrite(buf_str(&out), 1, out.len, stdout);
    buf_release(&in);
    buf_release(&out);
    return true;
}

int main(int argc, char **argv)
{
    struct sketches s;
    struct err err = ERR_INIT;
    bool reads = argc > 3 && strcmp(argv[1], "read") == 0;
    if (!reads && argc != 4)
        return 2;
    char kind = argv[2][0];
    uint32_t size = reads ? 0 : (uint32_t)strtoul(argv[3], NULL, 10);
    distinct_init(&s.distinct, reads || kind != 'h' ? DISTINCT_P_MAX : size);
    kll_init(&s.kll, reads || kind != 'k' ? KLL_K : size, 1);
    frequent_init(&s.frequent, reads || kind != 'f' ? FREQUENT_LG_MAX : size);
    bool ok = reads ? read_all(&s, kind, argv + 3, argc - 3, &err) : write_all(&s, kind, &err);
    if (!ok)
        fprintf(stderr, "sketch_images: %s\n", err.text);
    else if (reads)
        say(kind, &s);
    distinct_release(&s.distinct);
    kll_release(&s.kll);
    frequent_release(&s.frequent);
    return ok ? 0 : 3;
}
