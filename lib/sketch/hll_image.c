/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between registers and the images of DataSketches. Not for estimates. */
#include "sketch/hll_image.h"

#include <math.h>

#include "base/pack.h"

/* The preamble: how many ints it has, version, family, lg_k, lg of an array, flags, a count or the
 * least register, mode and type. */
#define VERSION 1
#define FAMILY 7
#define FLAG_EMPTY 4u
#define FLAG_COMPACT 8u
#define FLAG_OUT_OF_ORDER 16u
enum { LIST, SET, HLL };
enum { HLL_4, HLL_6, HLL_8 };
#define LIST_INTS 2
#define SET_INTS 3
#define HLL_INTS 10
/* A coupon: the rank above 26 bits of a hash, the lowest of which choose the register. */
#define KEY_BITS 26
/* In HLL_4: look into the list of exceptions. */
#define ELSEWHERE 15

/* -- writing -- */

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* The coupons of the exact set, each once, ascending. free(). */
static uint32_t *coupons_of(const struct distinct *d, uint32_t *n)
{
    uint32_t *coupon = xreallocarray(NULL, d->n ? d->n : 1, sizeof(*coupon));
    uint32_t had = 0;
    for (uint32_t i = 0; i < d->cap; i++)
        if (d->set[i] != 0)
            coupon[had++] = (uint32_t)(d->set[i] & 63) << KEY_BITS |
                            (uint32_t)(d->set[i] >> 6 & ((1u << KEY_BITS) - 1));
    qsort(coupon, had, sizeof(*coupon), by_number);
    *n = 0;
    for (uint32_t i = 0; i < had; i++)
        if (*n == 0 || coupon[i] != coupon[*n - 1])
            coupon[(*n)++] = coupon[i];
    return coupon;
}

static void put_preamble(struct buf *out, unsigned ints, unsigned p, unsigned lg_array,
                         unsigned flags, unsigned count, unsigned mode)
{
    const unsigned b[8] = {ints, VERSION, FAMILY, p, lg_array, flags, count, mode | HLL_8 << 2};
    for (int i = 0; i < 8; i++)
        pack_uint(out, b[i], 1);
}

/* Their sets hold up to three quarters of 2^(lg_k - 3) coupons, in tables of 2^5 places at least;
 * up to 7 coupons are a list, in a table of 2^3. With less than 2^8 registers lists become
 * registers at once. */
static bool put_coupons(struct buf *out, const struct distinct *d)
{
    uint32_t n, *coupon = coupons_of(d, &n);
    unsigned lg = n < 8 ? 3 : 5;
    while (n >= 8 && n > (3u << lg) / 4)
        lg++;
    bool fits = n < 8 || (d->p >= 8 && lg + 3 <= d->p);
    if (fits && n < 8)
        put_preamble(out, LIST_INTS, d->p, lg, FLAG_COMPACT | (n == 0 ? FLAG_EMPTY : 0), n, LIST);
    if (fits && n >= 8) {
        put_preamble(out, SET_INTS, d->p, lg, FLAG_COMPACT, 0, SET);
        pack_uint(out, n, 4);
    }
    for (uint32_t i = 0; fits && i < n; i++)
        pack_uint(out, coupon[i], 4);
    free(coupon);
    return fits;
}

void hll_image_write(struct buf *out, const struct distinct *d)
{
    if (d->regs == NULL && put_coupons(out, d))
        return;
    struct distinct copy;
    distinct_init(&copy, d->p);
    distinct_to_registers(&copy);
    distinct_merge(&copy, d);
    uint32_t m = 1u << d->p, zeros = 0;
    double low = 0, high = 0; /* sums of 2^-register, in two parts so that no bit is lost */
    for (uint32_t i = 0; i < m; i++) {
        zeros += copy.regs[i] == 0;
        *(copy.regs[i] < 32 ? &low : &high) += ldexp(1, -copy.regs[i]);
    }
    /* Out of order: the estimate comes from the registers, not from a running sum. */
    put_preamble(out, HLL_INTS, d->p, 0, FLAG_COMPACT | FLAG_OUT_OF_ORDER, 0, HLL);
    pack_double(out, 0);
    pack_double(out, low);
    pack_double(out, high);
    pack_uint(out, zeros, 4);
    pack_uint(out, 0, 4);
    buf_add(out, copy.regs, m);
    distinct_release(&copy);
}

/* -- reading -- */

struct preamble {
    unsigned ints, p, lg_array, flags, count, mode, type;
};

static bool read_preamble(struct unpack *u, struct preamble *h, struct err *err)
{
    h->ints = (unsigned)unpack_uint(u, 1);
    unsigned version = (unsigned)unpack_uint(u, 1), family = (unsigned)unpack_uint(u, 1);
    h->p = (unsigned)unpack_uint(u, 1);
    h->lg_array = (unsigned)unpack_uint(u, 1);
    h->flags = (unsigned)unpack_uint(u, 1);
    h->count = (unsigned)unpack_uint(u, 1);
    unsigned mode = (unsigned)unpack_uint(u, 1);
    h->mode = mode & 3;
    h->type = mode >> 2 & 3;
    static const unsigned ints[] = {LIST_INTS, SET_INTS, HLL_INTS};
    if (u->bad || version != VERSION || family != FAMILY || h->mode > HLL || h->type > HLL_8 ||
        h->ints != ints[h->mode])
        return err_set(err, ERR_DATA, "not an HLL sketch that is known here");
    if (h->p < DISTINCT_P_MIN || h->p > DISTINCT_P_MAX)
        return err_set(err, ERR_DATA, "HLL sketch with lg_k %u", h->p);
    return true;
}

static void put_register(struct distinct *d, uint32_t slot, uint64_t rank)
{
    if (rank > 0 && rank <= DISTINCT_RANK_MAX)
        distinct_add(d, &(uint64_t){(uint64_t)slot << 6 | rank}, 1);
}

/* What is left is coupons; those that are 0 are empty places of a table. */
static bool read_coupons(struct unpack *u, struct distinct *d, uint64_t count, struct err *err)
{
    uint64_t seen = 0;
    while (u->left >= 4) {
        uint32_t c = (uint32_t)unpack_uint(u, 4);
        seen += c != 0;
        put_register(d, c & ((1u << KEY_BITS) - 1), c >> KEY_BITS);
    }
    if (u->bad || u->left != 0 || seen != count)
        return err_set(err, ERR_DATA, "HLL sketch of %llu coupons has %llu",
                       (unsigned long long)count, (unsigned long long)seen);
    return true;
}

static bool read_array(struct unpack *u, struct distinct *d, const struct preamble *h,
                       struct err *err)
{
    uint32_t m = 1u << h->p;
    unpack_bytes(u, 24); /* their running estimate and sums: not needed */
    unpack_uint(u, 4);
    uint32_t exceptions = (uint32_t)unpack_uint(u, 4);
    size_t size = h->type == HLL_8 ? m : h->type == HLL_6 ? m * 3 / 4 + 1 : m / 2;
    const unsigned char *r = unpack_bytes(u, size);
    if (r == NULL)
        return err_set(err, ERR_DATA, "HLL sketch ends before its registers do");
    if (h->type == HLL_4 && h->count + ELSEWHERE > DISTINCT_RANK_MAX)
        return err_set(err, ERR_DATA, "HLL sketch with registers from %u on", h->count);
    for (uint32_t i = 0; i < m; i++) {
        unsigned v;
        if (h->type == HLL_8) {
            v = r[i] & 63;
        } else if (h->type == HLL_6) {
            size_t bit = (size_t)i * 6;
            v = ((r[bit / 8] | (unsigned)r[bit / 8 + 1] << 8) >> (bit % 8)) & 63;
        } else {
            v = r[i / 2] >> (4 * (i & 1)) & 15;
            v = v == ELSEWHERE ? 0 : v + h->count;
        }
        put_register(d, i, v);
    }
    if (h->type == HLL_4)
        return read_coupons(u, d, exceptions, err);
    if (u->left != 0 || exceptions != 0)
        return err_set(err, ERR_DATA, "HLL sketch with bytes behind its registers");
    return true;
}

bool hll_image_read(struct distinct *d, struct slice image, struct err *err)
{
    struct unpack u = unpack_of(image);
    struct preamble h;
    struct distinct got;
    bool ok;
    if (!read_preamble(&u, &h, err))
        return false;
    distinct_init(&got, h.p);
    distinct_to_registers(&got);
    if (h.mode == HLL)
        ok = read_array(&u, &got, &h, err);
    else
        ok = read_coupons(&u, &got, h.mode == LIST ? h.count : unpack_uint(&u, 4), err);
    if (ok)
        *d = got;
    else
        distinct_release(&got);
    return ok;
}
