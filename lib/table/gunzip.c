/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gzip members. See gunzip.h. */
#include "table/gunzip.h"

#include "config.h"

#include <zlib.h>

#ifdef HAVE_ISAL
#include <isa-l/igzip_lib.h>
#endif

/* Both libraries count what is at hand in 32 bits. */
#define STEP_MAX ((size_t)1 << 30)

struct gunzip {
    bool fast;
    z_stream z;
#ifdef HAVE_ISAL
    struct inflate_state isal;
#endif
};

struct gunzip *gunzip_new(enum gunzip_with with)
{
    struct gunzip *g = xcalloc(1, sizeof(*g));
#ifdef HAVE_ISAL
    g->fast = with == GUNZIP_BEST;
    if (g->fast)
        isal_inflate_init(&g->isal);
#else
    (void)with;
#endif
    if (!g->fast && inflateInit2(&g->z, MAX_WBITS + 16) != Z_OK)
        oom_die();
    return g;
}

void gunzip_free(struct gunzip *g)
{
    if (g && !g->fast)
        inflateEnd(&g->z);
    free(g);
}

void gunzip_begin(struct gunzip *g)
{
    if (!g->fast) {
        inflateReset(&g->z);
        return;
    }
#ifdef HAVE_ISAL
    isal_inflate_reset(&g->isal);
    g->isal.crc_flag = ISAL_GZIP;
#endif
}

#ifdef HAVE_ISAL
static const char *reason(int rc)
{
    switch (rc) {
    case ISAL_INVALID_BLOCK:
        return "invalid block";
    case ISAL_INVALID_SYMBOL:
        return "invalid code";
    case ISAL_INVALID_LOOKBACK:
        return "invalid distance too far back";
    case ISAL_INVALID_WRAPPER:
    case ISAL_UNSUPPORTED_METHOD:
        return "invalid header";
    case ISAL_INCORRECT_CHECKSUM:
        return "incorrect data check";
    default:
        return "not a deflate stream";
    }
}

static enum gunzip_got run_isal(struct gunzip *g, const char *in, size_t n, size_t *used, char *out,
                                size_t cap, size_t *got, const char **why)
{
    struct inflate_state *s = &g->isal;
    s->next_in = (uint8_t *)in;
    s->avail_in = (uint32_t)n;
    s->next_out = (uint8_t *)out;
    s->avail_out = (uint32_t)cap;
    int rc = isal_inflate(s);
    *used = n - s->avail_in;
    *got = cap - s->avail_out;
    if (rc != ISAL_DECOMP_OK && rc != ISAL_END_INPUT && rc != ISAL_OUT_OVERFLOW) {
        *why = reason(rc);
        return GUNZIP_BROKEN;
    }
    return s->block_state == ISAL_BLOCK_FINISH ? GUNZIP_END : GUNZIP_MORE;
}
#endif

enum gunzip_got gunzip_run(struct gunzip *g, const char *in, size_t n, size_t *used, char *out,
                           size_t cap, size_t *got, const char **why)
{
    n = n < STEP_MAX ? n : STEP_MAX;
    cap = cap < STEP_MAX ? cap : STEP_MAX;
#ifdef HAVE_ISAL
    if (g->fast)
        return run_isal(g, in, n, used, out, cap, got, why);
#endif
    g->z.next_in = (Bytef *)in;
    g->z.avail_in = (uInt)n;
    g->z.next_out = (Bytef *)out;
    g->z.avail_out = (uInt)cap;
    int rc = inflate(&g->z, Z_NO_FLUSH);
    *used = n - g->z.avail_in;
    *got = cap - g->z.avail_out;
    if (rc == Z_MEM_ERROR)
        oom_die();
    if (rc == Z_OK || rc == Z_BUF_ERROR)
        return GUNZIP_MORE;
    if (rc == Z_STREAM_END)
        return GUNZIP_END;
    *why = g->z.msg ? g->z.msg : "not a deflate stream";
    return GUNZIP_BROKEN;
}
