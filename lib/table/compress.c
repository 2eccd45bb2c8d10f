/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Compression of output. See compress.h. */
#include "table/compress.h"

#include <zlib.h>
#include <zstd.h>

#define OUT_STEP 65536u
#define GZIP_LEVEL 6 /* the default of gzip(1) */
#define ZSTD_LEVEL 3 /* the default of zstd(1) */

struct compressor {
    bool gzip;
    z_stream z;
    ZSTD_CStream *zstd;
};

const char *compression_of_path(const char *path)
{
    size_t n = strlen(path);
    if (n > 3 && strcmp(path + n - 3, ".gz") == 0)
        return "gzip";
    if ((n > 4 && strcmp(path + n - 4, ".zst") == 0) ||
        (n > 5 && strcmp(path + n - 5, ".zstd") == 0))
        return "zstd";
    return NULL;
}

struct compressor *compressor_new(const char *how, struct err *err)
{
    struct compressor *c = xcalloc(1, sizeof(*c));
    struct quoted q;
    if (strcmp(how, "gzip") == 0) {
        c->gzip = true;
        if (deflateInit2(&c->z, GZIP_LEVEL, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY) ==
            Z_OK)
            return c;
        oom_die(); /* the only way it can fail */
    }
    if (strcmp(how, "zstd") == 0) {
        c->zstd = ZSTD_createCStream();
        if (!c->zstd)
            oom_die();
        ZSTD_CCtx_setParameter(c->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL);
        ZSTD_CCtx_setParameter(c->zstd, ZSTD_c_checksumFlag, 1);
        return c;
    }
    free(c);
    err_set(err, ERR_USAGE, "unknown compression '%s': gzip or zstd", quote_str(&q, how));
    return NULL;
}

static void add_gzip(struct compressor *c, struct slice in, bool last, struct buf *out)
{
    /* zlib's type lacks a const: it only reads. */
    memcpy(&c->z.next_in, &in.p, sizeof(in.p));
    size_t left = in.len;
    int state = Z_OK;
    do {
        uInt step = left > UINT32_MAX / 2 ? UINT32_MAX / 2 : (uInt)left;
        c->z.avail_in = step;
        do {
            c->z.next_out = (Bytef *)buf_room(out, OUT_STEP);
            c->z.avail_out = OUT_STEP;
            state = deflate(&c->z, last && step == left ? Z_FINISH : Z_NO_FLUSH);
            out->len += OUT_STEP - c->z.avail_out;
        } while (c->z.avail_out == 0);
        left -= step;
    } while (left > 0);
    if (last && state != Z_STREAM_END)
        BUG("deflate did not end");
}

static bool add_zstd(struct compressor *c, struct slice in, bool last, struct buf *out,
                     struct err *err)
{
    ZSTD_inBuffer from = {in.p, in.len, 0};
    for (;;) {
        ZSTD_outBuffer to = {buf_room(out, OUT_STEP), OUT_STEP, 0};
        size_t left =
            ZSTD_compressStream2(c->zstd, &to, &from, last ? ZSTD_e_end : ZSTD_e_continue);
        if (ZSTD_isError(left))
            return err_set(err, ERR_ENV, "cannot compress: %s", ZSTD_getErrorName(left));
        out->len += to.pos;
        if (last ? left == 0 : from.pos == from.size)
            return true;
    }
}

bool compressor_add(struct compressor *c, struct slice in, bool last, struct buf *out,
                    struct err *err)
{
    if (!c->gzip)
        return add_zstd(c, in, last, out, err);
    add_gzip(c, in, last, out);
    return true;
}

void compressor_free(struct compressor *c)
{
    if (!c)
        return;
    if (c->gzip)
        deflateEnd(&c->z);
    ZSTD_freeCStream(c->zstd);
    free(c);
}
