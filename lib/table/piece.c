/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A reader's input in pieces that several threads read: see reader.h. A lane is a reader of its own
 * that shares what does not change (columns, options, names) and whose feed holds one piece; csv.c
 * and jsonl.c do not know the difference. */
#include "table/reader.h"
#include "table/reader_impl.h"

struct reader_piece {
    const struct file_facts *facts;
    struct feed_cut *cuts; /* `cap` of them were used before */
    size_t n, cap;
    uint32_t taken;
    size_t taken_bytes;
    struct reader_stats at; /* of the reader when it was taken */
    struct reader_stats of; /* of the lane: what this piece adds */
};

struct reader_piece *reader_piece_new(void)
{
    return xcalloc(1, sizeof(struct reader_piece));
}

static void piece_clear(struct reader_piece *p)
{
    for (size_t i = 0; i < p->n; i++)
        feed_cut_clear(&p->cuts[i]);
    p->n = p->taken = 0;
    p->taken_bytes = 0;
}

void reader_piece_free(struct reader_piece *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->cap; i++)
        feed_cut_release(&p->cuts[i]);
    free(p->cuts);
    free(p);
}

static struct feed_cut *next_cut(struct reader_piece *p)
{
    if (p->n == p->cap) {
        size_t cap = p->cap ? 2 * p->cap : 4;
        p->cuts = xreallocarray(p->cuts, cap, sizeof(*p->cuts));
        memset(p->cuts + p->cap, 0, (cap - p->cap) * sizeof(*p->cuts));
        p->cap = cap;
    }
    return &p->cuts[p->n++];
}

/* -- taking -- */

bool reader_cut(struct reader *r)
{
    bool input = r->npaths > 0 && r->sources[0] && source_is_input(r->sources[0]);
    if (r->o.raw || r->o.detect || r->o.flatten || r->o.offsets || input)
        return false;
    r->cutting = true;
    return true;
}

void reader_note_file(struct reader *r)
{
    struct file_facts *f = r->facts = ARENA_NEW(&r->mem, struct file_facts);
    *f = (struct file_facts){
        .file = r->file,
        .file_cols = r->file_cols,
        .header_line = r->header_line,
        .at = ARENA_ARRAY(&r->mem, uint32_t, r->schema.n),
    };
    for (uint32_t c = 0; c < r->schema.n; c++)
        f->at[c] = r->cols[c].at;
}

/* The same records as csv_fill and jsonl_fill make a batch of. */
static bool take_records(struct reader *r, struct reader_piece *p, bool *end, struct err *err)
{
    struct feed *f = &r->feed;
    const uint32_t cap = reader_rows_max(r);
    while (p->taken < cap && p->taken_bytes < TAKE_BYTES) {
        size_t bytes, m;
        if (f->k == csv_scan_rows(&f->scan)) {
            switch (feed_more(f, err)) {
            case FEED_ROWS:
                break;
            case FEED_OVERSIZE:
                feed_cut_out(f, 0, next_cut(p));
                p->taken++;
                continue;
            case FEED_PAUSE:
            case FEED_LOOKED:
                return true;
            case FEED_END:
                *end = true;
                return true;
            case FEED_ERROR:
                return false;
            }
        }
        m = csv_scan_rows(&f->scan) - f->k;
        if (m > cap - p->taken)
            m = cap - p->taken;
        m = feed_fit(f, m, TAKE_BYTES - p->taken_bytes, &bytes);
        feed_cut_out(f, m, next_cut(p));
        p->taken += (uint32_t)m;
        p->taken_bytes += bytes;
    }
    return true;
}

bool reader_take(struct reader *r, struct reader_piece *p, bool *more, struct err *err)
{
    piece_clear(p);
    p->of = (struct reader_stats){0};
    while (p->n == 0) {
        struct err e = ERR_INIT;
        bool end = false;
        if (r->failed.kind) {
            if (err)
                *err = r->failed;
            reader_stats(r, &p->at);
            return false;
        }
        bool ok = reader_next_file(r, more, &e);
        if (ok && !*more) {
            reader_stats(r, &p->at);
            return true;
        }
        ok = ok && take_records(r, p, &end, &e);
        p->facts = r->facts;
        reader_stats(r, &p->at);
        if (end)
            reader_close_file(r);
        if (!ok)
            r->failed = e;
    }
    *more = true;
    return true;
}

/* -- reading -- */

struct reader *reader_lane_new(const struct reader *r, bad_record_fn *bad, void *bad_ctx)
{
    struct reader *lane = xcalloc(1, sizeof(*lane));
    *lane = *r;
    arena_init(&lane->mem, NULL);
    lane->lane_of = r;
    lane->bad = bad;
    lane->bad_ctx = bad_ctx;
    lane->sources = NULL;
    lane->file_open = false;
    lane->feed = (struct feed){0};
    lane->cols = xcalloc(r->schema.n ? r->schema.n : 1, sizeof(*lane->cols));
    if (r->schema.n)
        memcpy(lane->cols, r->cols, r->schema.n * sizeof(*lane->cols));
    lane->b = NULL;
    lane->issues = NULL;
    lane->nissues = lane->issues_cap = lane->lined = 0;
    lane->tmp = lane->path = BUF_INIT(BUF_UNBOUNDED);
    lane->facts = NULL;
    json_scan_init(&lane->json);
    for (uint32_t k = 0; k < r->json.nkeys; k++) {
        const struct json_key *key = &r->json.keys[k];
        if (key->same != k || key->object != JSON_ROOT)
            continue;
        uint32_t own = json_scan_key(&lane->json, JSON_ROOT, key->name);
        lane->json.keys[own].column = key->column;
    }
    return lane;
}

void reader_lane_release(struct reader *lane)
{
    batch_unref(lane->b);
    free(lane->issues);
    free(lane->cols);
    buf_release(&lane->tmp);
    buf_release(&lane->path);
    json_scan_release(&lane->json);
    arena_release(&lane->mem);
    free(lane);
}

static void look_at_file(struct reader *lane, const struct file_facts *f)
{
    lane->facts = NULL;
    lane->file = f->file;
    lane->file_cols = f->file_cols;
    lane->header_line = f->header_line;
    for (uint32_t c = 0; c < lane->schema.n; c++)
        lane->cols[c].at = f->at[c];
}

void reader_parse(struct reader *lane, struct reader_piece *p, struct batch **out)
{
    bool end = false;
    *out = NULL;
    if (p->n == 0)
        return;
    look_at_file(lane, p->facts);
    feed_init_cuts(&lane->feed, p->cuts, p->n);
    lane->stats = (struct reader_stats){0};
    reader_begin_batch(lane);
    if (!(lane->format == FORMAT_JSONL ? jsonl_fill : csv_fill)(lane, &end, NULL))
        BUG("records that were found are not there");
    if (lane->b->rows > 0 || lane->nissues > 0)
        reader_finish_batch(lane, out);
    batch_unref(lane->b);
    lane->b = NULL;
    lane->feed = (struct feed){0};
    p->of = lane->stats;
    piece_clear(p);
}

/* What was counted of records; bytes are counted where they are taken. */
static void add_stats(struct reader_stats *s, const struct reader_stats *of)
{
    s->records += of->records;
    s->bad += of->bad;
    s->empty_lines += of->empty_lines;
    s->crlf = s->crlf || of->crlf;
    if (s->crlf_lines == 0)
        s->crlf_line = of->crlf_line;
    if (s->lf_lines == 0)
        s->lf_line = of->lf_line;
    s->crlf_lines += of->crlf_lines;
    s->lf_lines += of->lf_lines;
}

void reader_told(struct reader *r, struct reader_piece *p, struct reader_stats *out)
{
    add_stats(&r->told, &p->of);
    *out = p->at;
    add_stats(out, &r->told);
}
