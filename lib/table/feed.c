/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Blocks of whole records. See feed.h. */
#include "table/feed.h"

#include "table/mend.h"
#include "table/swar.h"
#include "table/utf16.h"
#include "table/utf8_blocks.h"

/* Bytes scanned at a time: the offsets of one window stay in the first two cache levels. */
#define WINDOW ((size_t)64 << 10)
/* The same behind a line that was mended, as what was found behind it is forgotten. */
#define MEND_WINDOW ((size_t)4 << 10)

/* UTF-16: bytes as read, and as UTF-8 on their way into a block. */
#define WIDE_BYTES ((size_t)32 << 10)
struct wide {
    struct utf16 u;
    size_t pos, len; /* of `out`: what is still to be handed on */
    bool end;
    char in[WIDE_BYTES];
    char out[UTF16_ROOM(WIDE_BYTES)];
};

void feed_init(struct feed *f, struct source *src, int delimiter, int quote, int escape,
               size_t block_bytes, struct mem_account *acct)
{
    *f = (struct feed){.src = src, .acct = acct, .block_bytes = block_bytes, .line = 1};
    csv_scan_init(&f->scan, delimiter, quote, escape, 0);
}

void feed_release(struct feed *f)
{
    block_unref(f->block);
    csv_scan_release(&f->scan);
    free(f->wide);
    free(f->big.raw);
    *f = (struct feed){0};
}

/* Does a sequence begin at p that only the end of the text cuts off? (If it turns out to be none,
 * the next look will tell.) */
static bool is_cut(const unsigned char *p, size_t n)
{
    size_t want = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || n >= want)
        return false;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return false;
    return true;
}

/* First offset that is not (yet) UTF-8; *cut when the text only ends too early there. */
static size_t utf8_scan(const char *p, size_t n, bool *cut)
{
    size_t i = utf8_blocks(p, n);
    *cut = false;
    while (i < n) {
        while (n - i >= 32 && !((swar_load(p + i) | swar_load(p + i + 8) | swar_load(p + i + 16) |
                                 swar_load(p + i + 24)) &
                                SWAR_HIGH))
            i += 32;
        while (n - i >= 8 && !(swar_load(p + i) & SWAR_HIGH))
            i += 8;
        if (i >= n)
            break;
        size_t len = utf8_sequence(slice_of(p + i, n - i));
        if (len == 0) {
            *cut = is_cut((const unsigned char *)p + i, n - i);
            break;
        }
        i += len;
    }
    return i;
}

static void check_utf8(struct feed *f, bool last)
{
    bool cut = false;
    if (f->scan.pos < f->utf8_pos) /* a mended line, looked at before */
        return;
    size_t n = f->scan.pos - f->utf8_pos;
    const char *p = f->block->data + f->utf8_pos;
    bool pending = n && (unsigned char)p[0] >= 0x80;
    if (!f->latin1 && (f->scan.high || pending)) {
        size_t good = utf8_scan(p, n, &cut);
        if (good < n && (!cut || last)) {
            f->latin1 = true;
            f->latin1_line = f->line;
            for (size_t i = csv_scan_start(&f->scan, f->k + 1); i < f->utf8_pos + good; i++)
                f->latin1_line += f->block->data[i] == '\n';
        } else {
            n = good;
        }
    }
    f->scan.high = false;
    f->utf8_pos += n;
}

/* source_read through the decoder of UTF-16. */
static bool read_wide(struct feed *f, char *to, size_t cap, size_t *got, struct err *err)
{
    struct wide *w = f->wide;
    while (w->pos == w->len && !w->end) {
        size_t n;
        if (!source_read(f->src, w->in, WIDE_BYTES, &n, err))
            return false;
        if (n == 0 && source_paused(f->src))
            break;
        w->pos = 0;
        w->len = n ? utf16_decode(&w->u, w->in, n, w->out) : utf16_end(&w->u, w->out);
        w->end = n == 0;
    }
    *got = w->len - w->pos < cap ? w->len - w->pos : cap;
    memcpy(to, w->out + w->pos, *got);
    w->pos += *got;
    return true;
}

/* A CR in front of an LF stays: it is part of that line's end. */
static void crs_to_lfs(char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] == '\r' && (i + 1 == n || p[i + 1] != '\n'))
            p[i] = '\n';
}

static bool fill(struct feed *f, struct err *err)
{
    size_t got;
    struct block *b = f->block;
    char *to = b->data + b->len;
    size_t cap = b->cap - b->len;
    if (!(f->wide ? read_wide(f, to, cap, &got, err) : source_read(f->src, to, cap, &got, err)))
        return false;
    if (f->cr)
        crs_to_lfs(to, got);
    b->len += got;
    f->bytes += got;
    f->paused = got == 0 && source_paused(f->src);
    f->eof = got == 0 && !f->paused;
    /* What scanners see behind the end is defined, and a line end behind the last of all. */
    memset(b->data + b->len, 0, BLOCK_SLACK);
    if (f->eof)
        b->data[b->len] = '\n';
    return true;
}

/* A block whose first bytes are UTF-16 by their mark: what was read is decoded again from there. */
static void begin_wide(struct feed *f)
{
    struct block *b = f->block;
    struct wide *w = f->wide = xcalloc(1, sizeof(*w));
    w->u.big = (unsigned char)b->data[0] == 0xfe;
    /* At most WIDE_BYTES were read, see feed_peek. */
    w->len = utf16_decode(&w->u, b->data + 2, b->len - 2, w->out);
    f->bytes = 0;
    f->bom = true;
    f->eof = false;
    b->len = 0;
}

/* A writer rests: what there is must do, if it is a line. */
static bool head_waits(const struct feed *f)
{
    return f->paused && memchr(f->block->data, '\n', f->block->len) != NULL;
}

bool feed_peek(struct feed *f, size_t want, struct slice *head, struct err *err)
{
    size_t cap = f->block_bytes > want ? f->block_bytes : want > PEEK_BYTES ? want : f->block_bytes;
    f->block = block_new(cap, f->acct);
    struct block *b = f->block;
    size_t room = b->cap;
    b->cap = room < WIDE_BYTES ? room : WIDE_BYTES;
    while (!f->eof && b->len < 2)
        if (!fill(f, err))
            return false;
    b->cap = room;
    if (b->len >= 2 && (memcmp(b->data, "\xff\xfe", 2) == 0 || memcmp(b->data, "\xfe\xff", 2) == 0))
        begin_wide(f);
    /* The same bytes for each way a pipe may portion them: what is found must not depend on it. */
    source_may_pause(f->src, true);
    while (!f->eof && !head_waits(f) && b->len < want && b->len < b->cap)
        if (!fill(f, err))
            return false;
    source_may_pause(f->src, false);
    if (f->wide) {
        *head = slice_of(b->data, b->len < want ? b->len : want);
        return true;
    }
    f->bom = b->len >= 3 && memcmp(b->data, "\xef\xbb\xbf", 3) == 0;
    size_t from = f->bom ? 3 : 0;
    csv_scan_init(&f->scan, f->scan.delimiter, f->scan.quote, f->scan.escape, from);
    f->utf8_pos = from;
    size_t seen = b->len < want ? b->len : want;
    *head = slice_of(b->data + from, seen - from);
    return true;
}

void feed_set_cr(struct feed *f)
{
    f->cr = true;
    crs_to_lfs(f->block->data, f->block->len);
}

const char *feed_encoding(const struct feed *f, uint64_t *replaced)
{
    *replaced = f->wide ? f->wide->u.replaced : 0;
    return !f->wide ? NULL : f->wide->u.big ? "UTF-16BE" : "UTF-16LE";
}

/* Room in a block for more input behind the incomplete record, which moves to its front. */
static void roll(struct feed *f)
{
    struct block *old = f->block;
    size_t from = csv_scan_start(&f->scan, 1);
    if (f->utf8_pos < from) /* a sequence cut in two, in a record that is skipped */
        from = f->utf8_pos;
    size_t tail = old->len - from;
    size_t cap = f->block_bytes;
    if (tail > cap / 2)
        cap = tail * 2;
    if (cap > RECORD_MAX + f->block_bytes)
        cap = RECORD_MAX + f->block_bytes;
    if (atomic_load_explicit(&old->refs, memory_order_acquire) == 1 && old->cap >= cap &&
        from > 0) {
        memmove(old->data, old->data + from, tail);
    } else {
        f->block = block_new(cap, f->acct);
        memcpy(f->block->data, old->data + from, tail);
        block_unref(old);
    }
    f->block->len = tail;
    csv_scan_shift(&f->scan, from);
    f->utf8_pos -= from;
}

/* Where the field that is being read began, as a line number. */
static uint64_t line_of_field(const struct feed *f, uint64_t line, size_t lf_from)
{
    const struct csv_scan *s = &f->scan;
    uint32_t field = s->ends.at[s->ends.n - 1] + 1;
    for (size_t i = lf_from; i < s->lfs.n && s->lfs.at[i] < field; i++)
        line++;
    return line;
}

static void skip_found(struct feed *f)
{
    if (f->scan.ends.n > 1 || f->big.lfs == 0)
        f->open_line = line_of_field(f, f->big.line + f->big.lfs, 0);
    f->big.lfs += f->scan.lfs.n;
    csv_scan_drop_all(&f->scan);
}

static void skip_begin(struct feed *f)
{
    size_t from = csv_scan_start(&f->scan, 1), len = f->block->len - from;
    f->skipping = true;
    f->big.line = f->line;
    f->big.lfs = 0;
    f->big.len = len < RAW_MAX ? len : RAW_MAX;
    free(f->big.raw);
    f->big.raw = xmemdup(f->block->data + from, f->big.len);
    skip_found(f);
}

/* The first record found in skipping mode is the rest of the big one. */
static enum feed_got skip_end(struct feed *f)
{
    uint64_t lfs = 0;
    while (f->lf_k < f->scan.lfs.n &&
           f->scan.lfs.at[f->lf_k] < f->scan.ends.at[f->scan.rows.at[1]]) {
        f->lf_k++;
        lfs++;
    }
    f->skipping = false;
    f->k = 1;
    f->line = f->big.line + f->big.lfs + lfs + 1;
    return FEED_OVERSIZE;
}

/* At the end of the input: what stands behind the last LF is a record too. */
static bool finish(struct feed *f)
{
    size_t from = csv_scan_start(&f->scan, 1), len = f->block->len;
    if (from >= len && !f->skipping)
        return false;
    if (f->scan.pos > len)
        return false;
    f->missing_final_newline = true;
    check_utf8(f, true);
    if (f->scan.state == CSV_QUOTED || f->scan.state == CSV_QUOTED_ESCAPED) {
        f->unterminated = true;
        if (!f->skipping)
            f->open_line = line_of_field(f, f->line, 0);
        else
            skip_found(f);
    }
    f->scan.state = CSV_PLAIN;
    csv_scan_bytes(&f->scan, f->block->data, len + 1);
    return true;
}

/* -- records cut out -- */

void feed_init_cuts(struct feed *f, const struct feed_cut *cuts, size_t n)
{
    *f = (struct feed){.cuts = cuts, .ncuts = n};
    static uint32_t none; /* no records yet */
    f->scan.rows = (struct csv_offsets){&none, 1, 0};
}

static enum feed_got next_cut(struct feed *f)
{
    if (f->ncuts == 0)
        return FEED_END;
    const struct feed_cut *cut = f->cuts++;
    f->ncuts--;
    f->block = cut->block;
    f->scan = cut->scan;
    f->k = f->lf_k = f->nul_k = 0;
    f->line = cut->line;
    f->unterminated = cut->unterminated;
    f->open_line = cut->open_line;
    f->missing_final_newline = cut->missing_final_newline;
    f->latin1 = cut->latin1;
    f->big = cut->big;
    return cut->big.raw ? FEED_OVERSIZE : FEED_ROWS;
}

void feed_cut_out(struct feed *f, size_t m, struct feed_cut *cut)
{
    struct csv_scan *s = &f->scan;
    bool last = f->k + m == csv_scan_rows(s);
    cut->line = f->line;
    cut->open_line = f->open_line;
    cut->unterminated = f->unterminated && last;
    cut->missing_final_newline = f->missing_final_newline && last;
    cut->latin1 = f->latin1;
    cut->block = block_ref(f->block);
    if (m == 0) {
        cut->big = f->big;
        f->big = (struct feed_big){0};
        csv_scan_cut(s, f->k, 0, &cut->scan);
        return;
    }
    size_t k = f->k;
    feed_take(f, m, NULL);
    csv_scan_cut(s, k, m, &cut->scan);
    if (csv_scan_rows(s) == 0)
        f->k = f->lf_k = f->nul_k = 0;
}

void feed_cut_clear(struct feed_cut *cut)
{
    block_unref(cut->block);
    cut->block = NULL;
    free(cut->big.raw);
    cut->big = (struct feed_big){0};
}

void feed_cut_release(struct feed_cut *cut)
{
    feed_cut_clear(cut);
    csv_scan_release(&cut->scan);
}

size_t feed_fit(const struct feed *f, size_t m, size_t room, size_t *bytes)
{
    const uint32_t *rows = f->scan.rows.at + f->k, *ends = f->scan.ends.at;
    const uint32_t from = ends[rows[0]];
    if ((uint32_t)(ends[rows[m]] - from) < room)
        room = SIZE_MAX;
    size_t n = room == SIZE_MAX ? m : 1;
    while (n < m && (uint32_t)(ends[rows[n]] - from) < room)
        n++;
    *bytes = (uint32_t)(ends[rows[n]] - from);
    return n;
}

/* Reads until the block is full, so that nothing is read into it once others look at it. False when
 * it is, or can be no more. */
static bool fill_up(struct feed *f)
{
    const struct block *b = f->block;
    if (!f->full_blocks || f->eof || f->broken || f->paused || b->len == b->cap)
        return false;
    f->broken = !fill(f, NULL); /* told again when all that is there was taken */
    return true;
}

enum feed_got feed_more(struct feed *f, struct err *err)
{
    if (!f->src)
        return next_cut(f);
    csv_scan_drop_rows(&f->scan);
    f->k = f->lf_k = f->nul_k = 0;
    while (fill_up(f))
        continue;
    for (;;) {
        struct block *b = f->block;
        size_t limit = b->len;
        /* Whether a CR ends a line only the next byte tells. */
        if (!f->eof && limit > f->scan.pos && b->data[limit - 1] == '\r')
            limit--;
        if (f->scan.pos < limit) {
            size_t window = f->mending ? MEND_WINDOW : WINDOW;
            size_t to = limit - f->scan.pos > window ? f->scan.pos + window : limit;
            csv_scan_bytes(&f->scan, b->data, to);
            f->mending = !f->skipping && csv_mend(&f->scan, b->data, false, f->mend_width);
            check_utf8(f, f->eof && f->scan.pos == b->len);
        } else if (f->eof) {
            f->mending = !f->skipping && f->scan.pos <= b->len &&
                         csv_mend(&f->scan, b->data, true, f->mend_width);
            if (!f->mending && !finish(f))
                return FEED_END;
        } else if (!f->skipping && b->len - csv_scan_start(&f->scan, 1) > RECORD_MAX) {
            skip_begin(f);
            continue;
        } else if (f->skipping && f->look_max > 0 && source_recorded(f->src) >= f->look_max) {
            return FEED_LOOKED;
        } else if (b->len < b->cap) {
            if (!fill(f, err))
                return FEED_ERROR;
            if (f->paused)
                return FEED_PAUSE;
            continue;
        } else {
            roll(f);
            while (fill_up(f))
                continue;
            continue;
        }
        if (csv_scan_rows(&f->scan) > 0)
            return f->skipping ? skip_end(f) : FEED_ROWS;
        if (f->skipping)
            skip_found(f);
    }
}

void feed_take(struct feed *f, size_t m, uint64_t *out)
{
    const struct csv_scan *s = &f->scan;
    const struct csv_offsets *lfs = &s->lfs, *nuls = &s->nuls;
    uint32_t last = s->ends.at[s->rows.at[f->k + m]];
    if (f->lf_k < lfs->n && lfs->at[f->lf_k] < last) {
        for (size_t i = 0; i < m; i++) {
            uint32_t end = s->ends.at[s->rows.at[f->k + i + 1]];
            if (out)
                out[i] = f->line;
            for (f->line++; f->lf_k < lfs->n && lfs->at[f->lf_k] < end; f->lf_k++)
                f->line++;
        }
    } else {
        for (size_t i = 0; out && i < m; i++)
            out[i] = f->line + i;
        f->line += m;
    }
    while (f->nul_k < nuls->n && nuls->at[f->nul_k] < last)
        f->nul_k++;
    f->k += m;
}

uint64_t feed_end(const struct feed *f, size_t i)
{
    const struct csv_scan *s = &f->scan;
    size_t end = (size_t)s->ends.at[s->rows.at[f->k + 1 + i]] + 1;
    if (end > f->block->len) /* the last line has no end */
        end = f->block->len;
    return f->bytes - (f->block->len - end);
}

uint64_t feed_line(const struct feed *f, size_t i)
{
    const struct csv_scan *s = &f->scan;
    uint64_t line = f->line + i;
    if (i > 0)
        for (size_t k = f->lf_k; k < s->lfs.n && s->lfs.at[k] < s->ends.at[s->rows.at[f->k + i]];
             k++)
            line++;
    return line;
}

struct slice feed_record(const struct feed *f, size_t i)
{
    const struct csv_scan *s = &f->scan;
    size_t from = csv_scan_start(s, f->k + 1 + i), to = s->ends.at[s->rows.at[f->k + 1 + i]];
    if (to > from && f->block->data[to - 1] == '\r')
        to--;
    return slice_of(f->block->data + from, to - from);
}
