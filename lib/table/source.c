/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bytes of a file, decompressed. See source.h. */
#include "table/source.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "os/os.h"
#include "table/gunzip.h"

#define IN_BYTES ((size_t)256 << 10)
#define MAGIC_BYTES 4

enum coding { CODING_UNKNOWN, CODING_PLAIN, CODING_GZIP, CODING_ZSTD };

struct piece {
    char *p;
    size_t len, cap;
};

struct source {
    int fd;
    bool own, regular;
    const struct input *input; /* instead of the descriptor; or NULL */
    bool may_pause, paused;
    bool end;  /* of the file */
    bool done; /* of all data: source_read has said so */
    const char *name;
    struct mem_account *acct;
    enum coding coding;
    char *in; /* IN_BYTES, as stored */
    size_t in_len, in_pos;
    uint64_t stored;
    enum gunzip_with gunzip_with;
    struct gunzip *gz;
    ZSTD_DStream *zst;
    bool owes;  /* zstd had no room for all it has */
    bool whole; /* the compressed stream stands at the end of a member or frame */
    bool latin1;
    char trail; /* second byte of a character that had no room, or 0 */
    struct err failed;
    uint64_t defect_at; /* byte at which the compression is broken */
    char defect[160];   /* and how; or "" */
    /* kept for reading again */
    bool recording;
    struct piece *pieces;
    size_t npieces, piece_at, piece_pos, recorded;
};

static struct source *source_new(const char *name, struct mem_account *acct)
{
    struct source *s = xcalloc(1, sizeof(*s));
    s->fd = -1;
    s->name = name;
    s->acct = acct;
    s->whole = true;
    return s;
}

struct source *source_from_fd(int fd, const char *name, struct mem_account *acct)
{
    struct source *s = source_new(name, acct);
    struct stat st;
    s->fd = fd;
    s->regular = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    return s;
}

struct source *source_open(const char *path, struct mem_account *acct, struct err *err)
{
    if (strcmp(path, "-") == 0)
        return source_from_fd(STDIN_FILENO, path, acct);
    int fd = fd_open_input(path, err);
    if (fd < 0)
        return NULL;
    struct source *s = source_from_fd(fd, path, acct);
    s->own = true;
    return s;
}

struct source *source_from_input(const struct input *in, const char *name, struct mem_account *acct)
{
    struct source *s = source_new(name, acct);
    s->input = in;
    return s;
}

void source_gunzip(struct source *s, enum gunzip_with with)
{
    s->gunzip_with = with;
}

void source_latin1(struct source *s)
{
    s->latin1 = true;
}

static void close_fd(struct source *s)
{
    if (s->own)
        close(s->fd);
    s->own = false;
}

void source_free(struct source *s)
{
    if (!s)
        return;
    gunzip_free(s->gz);
    ZSTD_freeDStream(s->zst);
    mem_release(s->acct, s->in, IN_BYTES);
    for (size_t i = 0; i < s->npieces; i++)
        mem_release(s->acct, s->pieces[i].p, s->pieces[i].cap);
    free(s->pieces);
    close_fd(s);
    free(s);
}

/* With nobody to be told of a pause it is waited through. */
static bool input_read(struct source *s, char *to, size_t cap, size_t *got, struct err *err)
{
    enum input_got what;
    do {
        *got = 0;
        what = s->input->read(s->input->ctx, to, cap, got, err);
    } while (what == INPUT_PAUSE && !s->may_pause);
    s->paused = what == INPUT_PAUSE;
    s->stored += *got;
    return what != INPUT_ERROR;
}

static bool fd_read(struct source *s, char *to, size_t cap, size_t *got, struct err *err)
{
    struct quoted q;
    ssize_t n;
    if (s->input)
        return input_read(s, to, cap, got, err);
    do
        n = read(s->fd, to, cap);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return err_errno(err, ERR_ENV, "cannot read '%s'", quote_str(&q, s->name));
    s->stored += (uint64_t)n;
    *got = (size_t)n;
    return true;
}

/* More stored bytes into `in`, behind what is unread; in_len == in_pos at the end, and in a pause.
 */
static bool refill(struct source *s, struct err *err)
{
    size_t got;
    if (s->in_pos == s->in_len)
        s->in_pos = s->in_len = 0;
    if (!fd_read(s, s->in + s->in_len, IN_BYTES - s->in_len, &got, err))
        return false;
    s->in_len += got;
    s->end = got == 0 && !s->paused;
    return true;
}

static enum coding coding_of(const unsigned char *p, size_t n)
{
    if (n >= 3 && p[0] == 0x1f && p[1] == 0x8b && p[2] == 8)
        return CODING_GZIP;
    if (n >= 4 && p[0] == 0x28 && p[1] == 0xb5 && p[2] == 0x2f && p[3] == 0xfd)
        return CODING_ZSTD;
    /* A skippable frame, as pzstd writes in front. */
    if (n >= 4 && (p[0] & 0xf0) == 0x50 && p[1] == 0x2a && p[2] == 0x4d && p[3] == 0x18)
        return CODING_ZSTD;
    return CODING_PLAIN;
}

static bool find_coding(struct source *s, struct err *err)
{
    s->in = mem_alloc(s->acct, IN_BYTES);
    while (s->in_len < MAGIC_BYTES && !s->end)
        if (!refill(s, err))
            return false;
    s->coding = coding_of((const unsigned char *)s->in, s->in_len);
    if (s->coding == CODING_GZIP) {
        s->gz = gunzip_new(s->gunzip_with);
        gunzip_begin(s->gz);
        s->whole = false;
    } else if (s->coding == CODING_ZSTD) {
        s->zst = ZSTD_createDStream();
        if (!s->zst)
            oom_die();
        s->whole = false;
    }
    return true;
}

static bool broken(struct source *s, const char *what, const char *why, struct err *err)
{
    struct quoted q;
    uint64_t at = s->stored - (s->in_len - s->in_pos);
    s->defect_at = at;
    snprintf(s->defect, sizeof(s->defect), "%s data broken at byte %llu: %s", what,
             (unsigned long long)at, why);
    return err_set(err, ERR_DATA, "'%s': %s", quote_str(&q, s->name), s->defect);
}

static bool truncated(struct source *s, const char *what, struct err *err)
{
    return broken(s, what, "the file ends in the middle (truncated?)", err);
}

/* Behind a gzip member: another one, padding of zeros (as tapes leave it), or the end. */
static bool next_member(struct source *s, struct err *err)
{
    for (;;) {
        while (s->in_pos < s->in_len && s->in[s->in_pos] == 0)
            s->in_pos++;
        if (s->in_len - s->in_pos >= 3 || s->end || s->paused)
            break;
        if (s->in_pos) {
            memmove(s->in, s->in + s->in_pos, s->in_len - s->in_pos);
            s->in_len -= s->in_pos;
            s->in_pos = 0;
        }
        if (!refill(s, err))
            return false;
    }
    if (s->in_pos == s->in_len || (s->paused && s->in_len - s->in_pos < 3))
        return true;
    if (coding_of((const unsigned char *)s->in + s->in_pos, s->in_len - s->in_pos) != CODING_GZIP)
        return broken(s, "gzip", "what follows the last member is not gzip", err);
    gunzip_begin(s->gz);
    s->whole = false;
    return true;
}

static bool read_gzip(struct source *s, char *to, size_t cap, size_t *got, struct err *err)
{
    *got = 0;
    while (*got == 0) {
        if (s->whole && !next_member(s, err))
            return false;
        if (s->whole)
            return true;
        if (s->in_pos == s->in_len && !s->end && !refill(s, err))
            return false;
        const char *why;
        size_t used, have = s->in_len - s->in_pos;
        enum gunzip_got g = gunzip_run(s->gz, s->in + s->in_pos, have, &used, to, cap, got, &why);
        s->in_pos += used;
        if (g == GUNZIP_BROKEN)
            return broken(s, "gzip", why, err);
        s->whole = g == GUNZIP_END;
        if (have == 0 && *got == 0 && s->paused)
            return true;
        if (have == 0 && *got == 0 && !s->whole)
            return truncated(s, "gzip", err);
    }
    return true;
}

static bool read_zstd(struct source *s, char *to, size_t cap, size_t *got, struct err *err)
{
    ZSTD_outBuffer out = {to, cap, 0};
    *got = 0;
    while (out.pos == 0) {
        if (s->in_pos == s->in_len && !s->end && !refill(s, err))
            return false;
        /* zstd counts calls that bring it nothing, and gives up after some. */
        if (s->in_pos == s->in_len && (s->whole || (s->paused && !s->owes)))
            return true;
        ZSTD_inBuffer in = {s->in, s->in_len, s->in_pos};
        bool dry = in.pos == in.size;
        size_t rc = ZSTD_decompressStream(s->zst, &out, &in);
        s->in_pos = in.pos;
        *got = out.pos;
        if (ZSTD_isError(rc))
            return broken(s, "zstd", ZSTD_getErrorName(rc), err);
        s->whole = rc == 0;
        s->owes = out.pos == out.size;
        if (dry && out.pos == 0 && s->paused)
            return true;
        if (dry && out.pos == 0 && !s->whole)
            return truncated(s, "zstd", err);
    }
    return true;
}

static bool read_plain(struct source *s, char *to, size_t cap, size_t *got, struct err *err)
{
    *got = s->in_len - s->in_pos;
    if (*got == 0)
        return s->end || fd_read(s, to, cap, got, err);
    if (*got > cap)
        *got = cap;
    memcpy(to, s->in + s->in_pos, *got);
    s->in_pos += *got;
    if (s->in_pos == s->in_len) {
        mem_release(s->acct, s->in, IN_BYTES);
        s->in = NULL;
        s->in_len = s->in_pos = 0;
    }
    return true;
}

static bool read_live(struct source *s, char *to, size_t cap, size_t *got, struct err *err)
{
    *got = 0;
    if (s->coding == CODING_UNKNOWN && !find_coding(s, err))
        return false;
    if (s->coding == CODING_GZIP)
        return read_gzip(s, to, cap, got, err);
    if (s->coding == CODING_ZSTD)
        return read_zstd(s, to, cap, got, err);
    return read_plain(s, to, cap, got, err);
}

/* Each byte beyond ASCII becomes two, so half of the room is read into, at its end. */
static bool read_latin1(struct source *s, char *to, size_t cap, size_t *got, struct err *err)
{
    size_t half = cap > 1 ? cap / 2 : 1, n, len = 0;
    if (s->trail) {
        *to = s->trail;
        *got = 1;
        s->trail = 0;
        return true;
    }
    bool ok = read_live(s, to + cap - half, half, &n, err);
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)to[cap - half + i];
        to[len++] = (char)(c < 0x80 ? c : 0xc0 | c >> 6);
        if (c < 0x80)
            continue;
        char trail = (char)(0x80 | (c & 0x3f));
        if (len < cap)
            to[len++] = trail;
        else
            s->trail = trail;
    }
    *got = len;
    return ok;
}

static void keep(struct source *s, const char *p, size_t n)
{
    struct piece *last = s->npieces ? &s->pieces[s->npieces - 1] : NULL;
    s->recorded += n;
    if (last && last->cap - last->len >= n) {
        memcpy(last->p + last->len, p, n);
        last->len += n;
        return;
    }
    /* Small reads share a piece. */
    size_t cap = n > IN_BYTES ? n : IN_BYTES;
    if (s->npieces == 0 && n < IN_BYTES / 4)
        cap = IN_BYTES / 4;
    if ((s->npieces & (s->npieces + 1)) == 0)
        s->pieces = xreallocarray(s->pieces, 2 * (s->npieces + 1), sizeof(*s->pieces));
    last = &s->pieces[s->npieces++];
    *last = (struct piece){mem_alloc(s->acct, cap), n, cap};
    memcpy(last->p, p, n);
}

static bool read_kept(struct source *s, char *to, size_t cap, size_t *got)
{
    struct piece *pc = &s->pieces[s->piece_at];
    *got = pc->len - s->piece_pos < cap ? pc->len - s->piece_pos : cap;
    memcpy(to, pc->p + s->piece_pos, *got);
    s->piece_pos += *got;
    if (s->piece_pos == pc->len) {
        mem_release(s->acct, pc->p, pc->cap);
        pc->p = NULL;
        s->piece_at++;
        s->piece_pos = 0;
    }
    return true;
}

bool source_read(struct source *s, char *to, size_t cap, size_t *got, struct err *err)
{
    *got = 0;
    s->paused = false;
    if (!s->recording && s->piece_at < s->npieces)
        return read_kept(s, to, cap, got);
    if (s->failed.kind) {
        if (err)
            *err = s->failed;
        return false;
    }
    if (s->done)
        return true;
    struct err e = ERR_INIT;
    if (!(s->latin1 ? read_latin1 : read_live)(s, to, cap, got, &e)) {
        s->failed = e;
        if (*got == 0)
            return source_read(s, to, cap, got, err);
    }
    if (s->recording && *got)
        keep(s, to, *got);
    /* Of many small files that were looked at ahead, only the bytes stay. */
    if (*got == 0 && !s->paused) {
        s->done = true;
        close_fd(s);
    }
    return true;
}

void source_record(struct source *s)
{
    s->recording = true;
}

size_t source_recorded(const struct source *s)
{
    return s->recorded;
}

void source_rewind(struct source *s)
{
    s->recording = false;
    s->piece_at = s->piece_pos = 0;
}

void source_may_pause(struct source *s, bool may)
{
    s->may_pause = may;
}

bool source_paused(const struct source *s)
{
    return s->paused;
}

const char *source_defect(const struct source *s, uint64_t *at)
{
    *at = s->defect_at;
    return s->defect[0] ? s->defect : NULL;
}

bool source_is_input(const struct source *s)
{
    return s->input != NULL;
}

bool source_is_regular(const struct source *s)
{
    return s->regular;
}

uint64_t source_stored_bytes(const struct source *s)
{
    return s->stored;
}

const char *source_compression(const struct source *s)
{
    return s->coding == CODING_GZIP ? "gzip" : s->coding == CODING_ZSTD ? "zstd" : NULL;
}
