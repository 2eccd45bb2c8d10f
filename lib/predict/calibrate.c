/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How fast this machine is at our kind of work: values parsed from text, hashed into a table,
 * sorted. A fixed piece of it is timed and compared with the machine the priors come from. */
#include <math.h>

#include "predict/internal.h"

#include "base/hash.h"
#include "base/map.h"
#include "base/num.h"
#include "base/rng.h"
#include "json/json.h"
#include "os/os.h"
#include "table/value.h"

#define VALUES 12000
#define TEXT_BYTES 16
#define REPEATS 4
#define FACT_VERSION 1 /* of this piece of work: another one makes kept figures worthless */

struct field_text {
    char s[TEXT_BYTES];
    uint32_t len;
};

/* Integers, decimals, dates and words, as files have them. */
static void make_texts(struct field_text *t)
{
    struct rng g;
    rng_seed(&g, 1);
    for (size_t i = 0; i < VALUES; i++) {
        uint64_t x = rng_below(&g, 100000);
        int n;
        if (i % 4 == 0)
            n = snprintf(t[i].s, TEXT_BYTES, "%u", (unsigned)x);
        else if (i % 4 == 1)
            n = snprintf(t[i].s, TEXT_BYTES, "%u.%02u", (unsigned)x, (unsigned)(x % 100));
        else if (i % 4 == 2)
            n = snprintf(t[i].s, TEXT_BYTES, "20%02u-%02u-%02u", (unsigned)(x % 100),
                         (unsigned)(x % 12 + 1), (unsigned)(x % 28 + 1));
        else
            n = snprintf(t[i].s, TEXT_BYTES, "word %u", (unsigned)(x % 5000));
        t[i].len = (uint32_t)n;
    }
}

static int by_hash(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* One piece of work. What it finds goes through a volatile, so that nothing is optimised away. */
static void work(const struct field_text *t, uint64_t *hashes)
{
    struct map groups = MAP_INIT;
    uint64_t sum = 0;
    for (size_t i = 0; i < VALUES; i++) {
        union value v;
        struct slice s = slice_of(t[i].s, t[i].len);
        sum += (uint64_t)value_classify(s, &v);
        map_put(&groups, s, NULL)->v.num++;
        hashes[i] = hash_bytes(s.p, s.len, 0);
    }
    qsort(hashes, VALUES, sizeof(*hashes), by_hash);
    volatile uint64_t kept = sum + groups.len + hashes[VALUES / 2];
    (void)kept;
    map_release(&groups);
}

double calibrate_seconds(void)
{
    struct field_text *t = xcalloc(VALUES, sizeof(*t));
    uint64_t *hashes = xcalloc(VALUES, sizeof(*hashes));
    double best = INFINITY;
    make_texts(t);
    for (int i = 0; i < REPEATS; i++) {
        double start = clock_thread();
        work(t, hashes);
        best = fmin(best, clock_thread() - start);
    }
    free(hashes);
    free(t);
    return best;
}

static bool fact_read(struct store *s, struct arena *a, const char *key, double *speed)
{
    struct slice value;
    struct json *v;
    if (!store_fact_get(s, a, key, &value, NULL) || value.len == 0 ||
        !json_parse(a, value, 0, &v, NULL) || json_int(v, "version", 0) != FACT_VERSION)
        return false;
    *speed = json_num(v, "speed", NAN);
    return *speed > 0.001 && *speed < 1000;
}

void predict_calibrate(struct store *s, struct predict_calibration *out)
{
    *out = (struct predict_calibration){.speed = 1, .cached = false};
    struct arena a = ARENA_INIT;
    struct machine m;
    machine_read(&m);
    const char *key = arena_printf(&a, "calibration:%s:%s", m.host, m.cpu);
    if (s && fact_read(s, &a, key, &out->speed)) {
        out->cached = true;
    } else {
        double seconds = calibrate_seconds();
        out->speed = seconds > 0 ? prior_calibration_s / seconds : 1;
        struct buf b = BUF_INIT(256);
        struct jw w;
        jw_begin(&w, &b);
        jw_obj(&w);
        jw_kint(&w, "version", FACT_VERSION);
        jw_knum(&w, "speed", out->speed);
        jw_end_obj(&w);
        /* A store that cannot be written costs the next call a few milliseconds, no more. */
        if (s)
            store_fact_set(s, key, buf_slice(&b), NULL);
        buf_release(&b);
    }
    arena_release(&a);
}
