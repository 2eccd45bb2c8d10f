/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opening files as one table and handing out its batches. The work on records is in csv.c and
 * jsonl.c, on types in infer.c. */
#include "table/reader.h"

#include <sys/stat.h>

#include "table/reader_impl.h"
#include "table/value.h"

/* Stays in the second cache beside what is made of it. */
#define BLOCK_BYTES ((size_t)256 << 10)
/* Enough for the longest mark that tells a format. */
#define BLOCK_BYTES_MIN 16
/* Vectors of one batch: at most this much. */
#define BATCH_BYTES ((size_t)32 << 20)
#define BATCH_ROWS_MIN 8
/* Records of JSON are twice as long as of CSV: batches of texts alone, which are looked at column
 * by column, stay in the second cache with so many (10 % of a profile's time). */
#define JSON_ROWS 512
/* What is read ahead to find types, at most: it stays in memory. */
#define INFER_BYTES ((size_t)64 << 20)
/* Headers of further files are read in blocks of this size. */
#define HEADER_BLOCK ((size_t)64 << 10)

/* -- one file -- */

static const char *path_now(const struct reader *r)
{
    return r->paths[r->file];
}

/* Files that are surely no text, with what to do about it. */
static bool check_content(struct reader *r, struct slice head, struct err *err)
{
    static const struct {
        const char *magic;
        size_t len;
        const char *what, *remedy;
    } kinds[] = {
        {"BZh", 3, "bzip2", "unpack it: bzip2 -dc"},
        {"\xfd"
         "7zXZ",
         5, "xz", "unpack it: xz -dc"},
        {"PK\x03\x04", 4, "a zip archive or a spreadsheet", "unpack or export it as CSV"},
        {"PAR1", 4, "Parquet", "export it as CSV"},
        {"SQLite format 3", 15, "an SQLite database", "export the table as CSV"},
    };
    struct quoted q;
    const char *path = quote_str(&q, path_now(r));
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (head.len >= kinds[i].len && memcmp(head.p, kinds[i].magic, kinds[i].len) == 0)
            return err_set(err, ERR_DATA, "cannot read '%s': it is %s (%s)", path, kinds[i].what,
                           kinds[i].remedy);
    size_t n = head.len, odd = 0, nuls = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)head.p[i];
        nuls += c == 0;
        odd += c < 0x20 && (c < '\t' || c > '\r') && c != 0x1b;
    }
    /* Text has none to speak of. Of compressed or random bytes 26 in 256 are such; short texts may
     * have a few. */
    if (odd * (n >= 512 ? 12 : 4) >= n && n >= 16)
        return err_set(err, ERR_DATA, "cannot read '%s': it is binary data%s", path,
                       nuls * 5 >= n * 2 ? ", or text in UTF-16 (convert it: iconv -f UTF-16LE -t "
                                           "UTF-8)"
                                         : "");
    return true;
}

static struct slice skip_blanks(struct slice s)
{
    while (s.len && (*s.p == ' ' || *s.p == '\t' || *s.p == '\r' || *s.p == '\n')) {
        s.p++;
        s.len--;
    }
    return s;
}

/* `[` and then a value, an end or a line end: the whole file is one array. */
static bool is_json_array(struct slice head)
{
    struct slice s = skip_blanks(head);
    if (!s.len || *s.p != '[')
        return false;
    s = skip_blanks(slice_of(s.p + 1, s.len - 1));
    return s.len == 0 || *s.p == '{';
}

/* JSON that is no lines, by its first bytes, with what to do about it; NULL: they may be lines. A
 * brace or bracket that has its line for itself is how JSON is written over several lines. */
static const char *not_lines(struct slice head)
{
    struct slice s = skip_blanks(head);
    if (is_json_array(head))
        return "one JSON array, not JSON lines (turn it into lines: jq -c '.[]')";
    if (!s.len || (*s.p != '{' && *s.p != '['))
        return NULL;
    struct slice next = skip_blanks(slice_of(s.p + 1, s.len - 1));
    if (!next.len || !memchr(s.p, '\n', (size_t)(next.p - s.p)))
        return NULL;
    if (*s.p == '[')
        return "one JSON array over several lines, not JSON lines (turn it into lines: jq -c "
               "'.[]')";
    return *next.p == '"' ? "JSON over several lines, not JSON lines (turn each value into one "
                            "line: jq -c .)"
                          : NULL;
}

/* What was not said comes from the data: once, so that all files are one table. */
static void settle_dialect(struct reader *r, struct slice all, bool whole)
{
    struct dialect_guess *g = &r->stats.dialect;
    if (!r->detected) {
        const struct dialect_given given = {
            r->format == FORMAT_TSV && !r->o.delimiter ? '\t' : r->o.delimiter, r->o.quote,
            r->o.escape};
        dialect_detect(all, whole, &given, g);
        r->detected = g->columns > 0;
    }
    r->delimiter = g->best.delimiter;
    r->quote = g->best.quote;
    r->escape = g->best.escape == g->best.quote ? -1 : g->best.escape;
}

/* `head` is what tells formats, `all` what there is of the beginning. */
static void settle_format(struct reader *r, struct slice head, struct slice all, bool whole)
{
    if (r->format == FORMAT_AUTO) {
        struct slice s = skip_blanks(head);
        r->format = s.len && *s.p == '{' ? FORMAT_JSONL : FORMAT_CSV;
        if (is_json_array(head))
            r->format = FORMAT_JSONL;
    }
    bool json = r->format == FORMAT_JSONL;
    int dflt = r->format == FORMAT_TSV ? '\t' : ',';
    r->delimiter = json ? -1 : r->o.delimiter ? r->o.delimiter : dflt;
    r->quote = json ? -1 : r->o.quote ? r->o.quote : '"';
    r->escape = json ? -1 : r->o.escape && r->o.escape != r->quote ? r->o.escape : -1;
    if (r->o.detect && !json)
        settle_dialect(r, all, whole);
    r->stats.format = r->format;
    r->stats.delimiter = json ? 0 : r->delimiter;
    r->stats.quote = json ? 0 : r->quote;
}

/* Opens the source of file `i` into a feed, and looks at its first bytes. */
static bool open_source(struct reader *r, size_t i, struct err *err)
{
    if (!r->sources[i])
        r->sources[i] = source_open(r->paths[i], r->o.acct, err);
    if (r->sources[i] && r->o.latin1)
        source_latin1(r->sources[i]);
    return r->sources[i] != NULL;
}

static bool open_feed(struct reader *r, struct feed *f, size_t i, size_t block_bytes,
                      struct err *err)
{
    struct slice head, all;
    struct quoted q;
    if (!open_source(r, i, err))
        return false;
    if (r->finding)
        source_record(r->sources[i]);
    feed_init(f, r->sources[i], -1, -1, -1, block_bytes, r->o.acct);
    f->full_blocks = r->cutting;
    f->look_max = r->finding ? INFER_BYTES : 0;
    size_t want = r->o.detect && !r->detected ? DIALECT_BYTES : PEEK_BYTES;
    bool ok = feed_peek(f, want, &all, err);
    head = ok && all.len > PEEK_BYTES ? slice_of(all.p, PEEK_BYTES) : all;
    if (!ok || !check_content(r, head, err)) {
        feed_release(f);
        return false;
    }
    settle_format(r, head, all, f->eof);
    f->scan.delimiter = r->delimiter;
    f->scan.quote = r->quote;
    f->scan.escape = r->escape;
    if (r->o.detect && r->format != FORMAT_JSONL) {
        f->mend_width = r->stats.dialect.columns;
        if (r->stats.dialect.best.cr)
            feed_set_cr(f);
    }
    const char *other = r->format == FORMAT_JSONL ? not_lines(head) : NULL;
    if (other)
        feed_release(f);
    return !other ||
           err_set(err, ERR_DATA, "cannot read '%s': it is %s", quote_str(&q, r->paths[i]), other);
}

static void note_stats(struct reader *r)
{
    const struct feed *f = &r->feed;
    uint64_t replaced;
    const char *encoding = feed_encoding(f, &replaced);
    r->stats.encoding = encoding ? encoding : r->stats.encoding;
    r->stats.replaced += replaced;
    r->stats.bom = r->stats.bom || f->bom;
    r->stats.missing_final_newline = r->stats.missing_final_newline || f->missing_final_newline;
    if (f->latin1 && !r->stats.latin1) {
        r->stats.latin1 = true;
        r->stats.latin1_line = f->latin1_line;
    }
    if (!r->stats.compression)
        r->stats.compression = source_compression(f->src);
}

void reader_close_file(struct reader *r)
{
    if (!r->file_open)
        return;
    note_stats(r);
    r->stats.bytes += r->feed.bytes;
    feed_release(&r->feed);
    r->file_open = false;
    if (!r->finding) {
        r->stats.read_bytes += source_stored_bytes(r->sources[r->file]);
        source_free(r->sources[r->file]);
        r->sources[r->file] = NULL;
    }
}

/* -- the table's columns -- */

struct rcol *reader_add_column(struct reader *r, const char *name, uint32_t at)
{
    uint32_t k = r->schema.n;
    if ((k & (k - 1)) == 0) { /* 0 and each power of two */
        size_t cap = k ? 2 * (size_t)k : 1;
        r->cols = xreallocarray(r->cols, cap, sizeof(*r->cols));
        r->schema.fields = xreallocarray(r->schema.fields, cap, sizeof(*r->schema.fields));
    }
    const struct map_entry *pin = map_get(&r->pins, slice_str(name));
    bool pinned = pin && !r->o.raw;
    r->schema.fields[k] = (struct field){arena_strdup(&r->mem, name), TYPE_STRING, true};
    r->cols[k] = (struct rcol){.name = slice_str(r->schema.fields[k].name),
                               .type = TYPE_STRING,
                               .at = at,
                               .pinned = pinned};
    r->cols[k].found = pinned ? (enum type)(pin->v.num & PIN_TYPE) : TYPE_NONE;
    r->cols[k].declared = pinned && !(pin->v.num & PIN_INFERRED);
    map_put(&r->by_name, slice_str(name), NULL)->v.num = k;
    r->schema.n++;
    return &r->cols[k];
}

/* The columns delivered, in the order of the input. */
static void make_schema(struct reader *r, char *const *names, uint32_t n)
{
    for (uint32_t c = 0; c < n; c++)
        if (!r->o.columns || map_get(&r->wanted, slice_str(names[c])))
            reader_add_column(r, names[c], c);
    r->all = names;
    r->all_n = n;
    r->have_schema = true;
    r->schema_path = path_now(r);
    r->cap = reader_row_cap(r->schema.n);
}

uint32_t reader_row_cap(size_t ncols)
{
    size_t per_row = (ncols ? ncols : 1) * (sizeof(struct text) + sizeof(int64_t));
    size_t cap = BATCH_BYTES / per_row;
    return cap > BATCH_ROWS ? BATCH_ROWS : cap < BATCH_ROWS_MIN ? BATCH_ROWS_MIN : (uint32_t)cap;
}

/* Given names must be columns. A pin of a column that is not wanted is fine. */
static bool check_names(const struct reader *r, struct err *err)
{
    struct quoted q, q2;
    struct map all = MAP_INIT;
    bool ok = true;
    for (uint32_t c = 0; c < r->all_n; c++)
        map_put(&all, slice_str(r->all[c]), NULL);
    for (size_t i = 0; ok && i < r->pins.len + r->wanted.len; i++) {
        bool pin = i < r->pins.len;
        struct slice name = pin ? r->pins.entries[i].key : r->wanted.entries[i - r->pins.len].key;
        if (!map_get(&all, name) && !map_get(&r->by_name, name) &&
            !(pin && r->format == FORMAT_JSONL))
            ok = err_set(err, ERR_USAGE, "'%s' has no column '%s'%s", quote_str(&q, r->schema_path),
                         quote_slice(&q2, name), pin ? " (its type was declared)" : "");
    }
    map_release(&all);
    return ok;
}

/* Files with equal headers in another order are matched by name. */
static bool match_header(struct reader *r, char *const *names, uint32_t n, struct err *err)
{
    struct quoted q, q2, q3;
    uint32_t matched = 0;
    const char *missing = NULL, *extra = NULL;
    struct map all = MAP_INIT;
    for (uint32_t c = 0; c < n; c++)
        map_put(&all, slice_str(names[c]), NULL)->v.num = c;
    for (uint32_t c = 0; c < r->all_n; c++) {
        matched += map_get(&all, slice_str(r->all[c])) != NULL;
        if (!missing && !map_get(&all, slice_str(r->all[c])))
            missing = r->all[c];
    }
    if (matched == r->all_n && matched == n) {
        for (uint32_t k = 0; k < r->schema.n; k++)
            r->cols[k].at = (uint32_t)map_get(&all, slice_str(r->schema.fields[k].name))->v.num;
        map_release(&all);
        return true;
    }
    map_release(&all);
    for (uint32_t c = 0; c < r->all_n; c++)
        map_put(&all, slice_str(r->all[c]), NULL)->v.num = c;
    for (uint32_t c = 0; c < n && !extra; c++)
        if (!map_get(&all, slice_str(names[c])))
            extra = names[c];
    map_release(&all);
    return err_set(err, ERR_DATA, "'%s' and '%s' have different columns: %s has no '%s'",
                   quote_str(&q, r->schema_path), quote_str(&q2, path_now(r)),
                   missing ? "the second" : "the first", quote_str(&q3, missing ? missing : extra));
}

/* CSV: the header of the current file makes the schema, or is matched with it. */
static bool take_header(struct reader *r, struct err *err)
{
    char **names;
    uint32_t n;
    if (!csv_header(r, &names, &n, err))
        return false;
    r->file_cols = n;
    if (n == 0) /* an empty file has no columns to compare */
        return true;
    if (r->have_schema)
        return match_header(r, names, n, err);
    make_schema(r, names, n);
    return true;
}

static bool open_file(struct reader *r, struct err *err)
{
    if (!open_feed(r, &r->feed, r->file, r->o.block_bytes, err))
        return false;
    r->file_open = true;
    if (r->format != FORMAT_JSONL && !take_header(r, err)) {
        reader_close_file(r);
        return false;
    }
    if (r->cutting)
        reader_note_file(r);
    /* The header is taken: from here on what is whole can be delivered. */
    source_may_pause(r->sources[r->file], true);
    return true;
}

/* -- batches -- */

void reader_begin_batch(struct reader *r)
{
    uint32_t n = r->schema.n;
    struct batch *b = r->b = batch_new(n, r->o.acct);
    r->row_cap = reader_rows_max(r);
    b->source = (uint32_t)r->file;
    b->line = arena_alloc(&b->mem, r->row_cap * sizeof(uint64_t));
    b->end = r->o.offsets ? arena_alloc(&b->mem, r->row_cap * sizeof(uint64_t)) : NULL;
    r->records = arena_alloc(&b->mem, r->row_cap * sizeof(struct slice));
    memset(r->reject, 0, sizeof(r->reject));
    memset(r->stray, 0, sizeof(r->stray));
    r->taken = 0;
    r->taken_bytes = 0;
    for (uint32_t c = 0; c < n; c++) {
        column_alloc_rows(b, c, r->cols[c].type, true, r->row_cap);
        /* The slack of blocks, or csv.c's own where it takes escapes away. */
        b->cols[c].text_room = r->format != FORMAT_JSONL || n <= NULLS_BY_ROW;
        if (r->format == FORMAT_JSONL && n > NULLS_BY_ROW)
            memset(b->cols[c].text, 0, r->row_cap * sizeof(struct text));
    }
    if (r->format == FORMAT_JSONL) {
        jsonl_begin(r);
        return;
    }
    r->fill = arena_alloc(&b->mem, (n ? n : 1) * sizeof(*r->fill));
    r->fill_all = r->escape < 0 && n == r->file_cols;
    for (uint32_t c = 0; c < n; c++) {
        struct column *col = &b->cols[c];
        r->fill_all = r->fill_all && r->cols[c].at == c;
        /* What is null is taken out when it is filled in. */
        memset(col->valid, 0xff, (r->row_cap + 63) / 64 * sizeof(*col->valid));
        r->fill[c] = (struct csv_target){col->text, col->valid, r->cols[c].at};
    }
}

void reader_hold(struct reader *r)
{
    struct block *block = r->feed.block;
    if (r->b->nblocks == 0 || r->b->blocks[r->b->nblocks - 1] != block)
        batch_hold_block(r->b, block);
}

bool reader_next_file(struct reader *r, bool *more, struct err *err)
{
    *more = r->file_open || r->next_file < r->npaths;
    if (r->file_open || !*more)
        return true;
    r->file = r->next_file++;
    return open_file(r, err);
}

/* Fills a batch from the current file or the next ones; r->b is NULL or without rows at the end of
 * all (or, while types are being found, when that has looked far enough). */
static bool fill_batch(struct reader *r, struct err *err)
{
    for (;;) {
        bool end = false, more;
        if (!reader_next_file(r, &more, err))
            return false;
        if (!more)
            return true;
        batch_unref(r->b);
        reader_begin_batch(r);
        bool ok = r->format == FORMAT_JSONL ? jsonl_fill(r, &end, err) : csv_fill(r, &end, err);
        if (end)
            reader_close_file(r);
        if (!ok || r->b->rows > 0 || r->nissues > 0 || reader_saw_enough(r))
            return ok;
    }
}

bool reader_step(struct reader *r, struct batch **out, bool *more, struct err *err)
{
    struct err e = ERR_INIT;
    *out = NULL;
    *more = true;
    if (r->failed.kind) {
        if (err)
            *err = r->failed;
        return false;
    }
    if (!fill_batch(r, &e))
        r->failed = e;
    if (r->b && (r->b->rows > 0 || r->nissues > 0))
        reader_finish_batch(r, out);
    else if (!r->failed.kind)
        *more = false;
    return true;
}

bool reader_next(struct reader *r, struct batch **out, struct err *err)
{
    bool more = true;
    *out = NULL;
    while (more && !*out)
        if (!reader_step(r, out, &more, err))
            return false;
    return true;
}

/* -- finding columns and types -- */

bool reader_saw_enough(const struct reader *r)
{
    size_t kept = 0;
    if (!r->finding)
        return false;
    for (size_t i = 0; i < r->next_file; i++)
        kept += r->sources[i] ? source_recorded(r->sources[i]) : 0;
    return kept >= INFER_BYTES;
}

/* CSV: reads records until there are enough or all have been seen (*all). A defect in a file ends
 * the look: it is told when reading gets there. A file that cannot be opened, or does not fit, is
 * an error now. */
static bool find_csv_types(struct reader *r, bool *all, struct err *err)
{
    uint64_t seen = 0;
    const uint32_t cap = r->cap;
    bool more = true;
    while (more && seen < INFER_RECORDS && !reader_saw_enough(r) && !(r->feed.paused && seen > 0)) {
        r->cap = INFER_RECORDS - seen < cap ? (uint32_t)(INFER_RECORDS - seen) : cap;
        bool ok = fill_batch(r, err);
        if (r->b && r->b->rows) {
            seen += r->b->rows;
            reader_note_types(r);
        } else if (ok && !reader_saw_enough(r)) {
            *all = true;
            more = false;
        }
        batch_unref(r->b);
        r->b = NULL;
        if (!ok && !r->file_open)
            return false;
        more = more && ok;
    }
    r->cap = cap;
    err_clear(err);
    return true;
}

static bool find_json_columns(struct reader *r, bool *all, struct err *err)
{
    uint64_t seen = 0;
    bool ok = true, end = false;
    while (ok && seen < INFER_RECORDS && !reader_saw_enough(r) && !(r->feed.paused && seen > 0)) {
        if (end) {
            reader_close_file(r);
            if (r->next_file >= r->npaths) {
                *all = true;
                break;
            }
            r->file = r->next_file++;
            if (!open_file(r, err))
                return false;
        }
        ok = jsonl_look(r, INFER_RECORDS, &seen, &end, err);
    }
    err_clear(err);
    for (size_t i = 0; i < r->pins.len; i++)
        jsonl_column(r, r->pins.entries[i].key);
    for (uint32_t c = 0; c < r->schema.n; c++) {
        struct rcol *rc = &r->cols[c];
        rc->null_seen = rc->null_seen || rc->present < seen;
        if (!rc->pinned)
            rc->found = jsonl_type(rc);
    }
    r->have_schema = seen > 0;
    r->schema_path = r->paths[0];
    r->cap = reader_row_cap(r->schema.n);
    if (r->o.raw && r->cap > JSON_ROWS)
        r->cap = JSON_ROWS;
    return true;
}

static void settle_types(struct reader *r, bool all)
{
    for (uint32_t c = 0; c < r->schema.n; c++) {
        struct rcol *rc = &r->cols[c];
        bool empty = rc->found == TYPE_NONE && !rc->pinned && !all;
        bool as_text = r->o.raw || (r->o.no_infer && !rc->pinned) || empty;
        rc->type = as_text ? TYPE_STRING : rc->found;
        rc->json_text = r->format == FORMAT_JSONL && rc->type == TYPE_JSON;
        r->schema.fields[c].type = rc->type;
        r->schema.fields[c].nullable = !all || rc->null_seen;
    }
}

/* -- opening -- */

/* Every further file must be there, and its header fit, before work begins. Pipes are opened only
 * when it is their turn. */
static bool check_further_files(struct reader *r, struct err *err)
{
    bool ok = true;
    for (size_t i = r->next_file; ok && i < r->npaths; i++) {
        struct stat st;
        if (strcmp(r->paths[i], "-") == 0 || (stat(r->paths[i], &st) == 0 && S_ISFIFO(st.st_mode)))
            continue;
        if (!open_source(r, i, err))
            return false;
        r->file = i;
        if (source_is_regular(r->sources[i]) && r->format != FORMAT_JSONL && r->have_schema) {
            size_t block_bytes = r->o.block_bytes;
            if (block_bytes > HEADER_BLOCK)
                r->o.block_bytes = HEADER_BLOCK;
            ok = open_file(r, err);
            r->o.block_bytes = block_bytes;
            reader_close_file(r);
        }
        source_free(r->sources[i]);
        r->sources[i] = NULL;
    }
    return ok;
}

static bool any_type_unknown(const struct reader *r)
{
    bool any = false;
    for (uint32_t c = 0; c < r->schema.n; c++)
        any = any || !r->cols[c].pinned;
    return any && !r->o.raw && !r->o.no_infer;
}

static void rewind_all(struct reader *r)
{
    reader_close_file(r);
    for (size_t i = 0; i < r->npaths; i++)
        if (r->sources[i])
            source_rewind(r->sources[i]);
    r->finding = false;
    r->next_file = 0;
    r->file = 0;
    r->stats = (struct reader_stats){
        .format = r->stats.format,
        .delimiter = r->stats.delimiter,
        .quote = r->stats.quote,
        .dialect = r->stats.dialect,
    };
}

bool reader_check_width(const struct reader *r, uint32_t n, struct err *err)
{
    struct quoted q;
    return r->o.columns_max == 0 || n <= r->o.columns_max ||
           err_set(err, ERR_DATA, "'%s' has %u columns, more than %u: is the %s right?",
                   quote_str(&q, path_now(r)), n, r->o.columns_max,
                   r->format == FORMAT_JSONL ? "format" : "delimiter");
}

/* Looks at the beginning for columns and types, then stands before the first record again. */
static bool begin(struct reader *r, struct err *err)
{
    bool all = false;
    r->finding = true;
    do {
        reader_close_file(r);
        r->file = r->next_file++;
        if (!open_file(r, err))
            return false;
    } while (r->format != FORMAT_JSONL && !r->have_schema && r->next_file < r->npaths);
    if (r->format == FORMAT_JSONL ? !find_json_columns(r, &all, err)
                                  : any_type_unknown(r) && !find_csv_types(r, &all, err))
        return false;
    if (!reader_check_width(r, r->schema.n, err) || (r->have_schema && !check_names(r, err)))
        return false;
    settle_types(r, all);
    reader_close_file(r);
    if (!check_further_files(r, err))
        return false;
    rewind_all(r);
    return true;
}

static bool check_opts(const struct reader_opts *o, struct err *err)
{
    int q = o->quote ? o->quote : '"';
    if (o->delimiter < 0 || o->delimiter == '\n' || o->delimiter == '\r' || o->delimiter > 127)
        return err_set(err, ERR_USAGE, "the delimiter must be one ASCII character");
    if (q > 127 || q == '\n' || q == '\r' || (o->delimiter && o->delimiter == q))
        return err_set(err, ERR_USAGE, "the quote must be one ASCII character, not the delimiter");
    if (o->escape < 0 || o->escape > 127 || o->escape == '\n' || o->escape == '\r' ||
        (o->escape && o->escape == o->delimiter))
        return err_set(err, ERR_USAGE, "the escape must be one ASCII character, not the delimiter");
    return true;
}

static struct reader *reader_new(const char *const *paths, size_t npaths,
                                 const struct reader_opts *opts, bad_record_fn *bad, void *bad_ctx)
{
    static const struct reader_opts none;
    struct reader *r = xcalloc(1, sizeof(*r));
    arena_init(&r->mem, NULL);
    r->o = opts ? *opts : none;
    r->bad = bad;
    r->bad_ctx = bad_ctx;
    r->npaths = npaths;
    r->tmp = BUF_INIT(BUF_UNBOUNDED);
    r->path = BUF_INIT(BUF_UNBOUNDED);
    json_scan_init(&r->json);
    r->cap = BATCH_ROWS;
    const char **copy = ARENA_ARRAY(&r->mem, const char *, npaths);
    for (size_t i = 0; i < npaths; i++)
        copy[i] = arena_strdup(&r->mem, paths[i]);
    r->paths = copy;
    r->sources = xcalloc(npaths ? npaths : 1, sizeof(struct source *));
    if (r->o.block_bytes == 0)
        r->o.block_bytes = BLOCK_BYTES;
    if (r->o.block_bytes < BLOCK_BYTES_MIN)
        r->o.block_bytes = BLOCK_BYTES_MIN;
    r->format = r->o.format;
    for (size_t i = 0; i < npaths && r->format == FORMAT_AUTO; i++)
        r->format = format_of_path(paths[i]);
    for (size_t i = 0; i < r->o.npins; i++)
        map_put(&r->pins, slice_str(r->o.pins[i].column), NULL)->v.num =
            (int64_t)r->o.pins[i].type | (r->o.pins[i].inferred ? PIN_INFERRED : 0);
    for (const char *const *c = r->o.columns; c && *c; c++)
        map_put(&r->wanted, slice_str(*c), NULL);
    for (const char *const *n = r->o.nulls; n && *n; n++) {
        map_put(&r->nulls, slice_str(*n), NULL);
        r->null_first[(unsigned char)**n] = true;
    }
    r->o.pins = NULL;
    r->o.nulls = NULL;
    return r;
}

static struct reader *reader_begin(struct reader *r, struct err *err)
{
    struct err e = ERR_INIT;
    bool ok = check_opts(&r->o, &e);
    if (ok && r->npaths > 0)
        ok = begin(r, &e);
    if (ok)
        return r;
    if (err)
        *err = e;
    reader_close(r);
    return NULL;
}

struct reader *reader_open(const char *const *paths, size_t npaths, const struct reader_opts *opts,
                           bad_record_fn *bad, void *bad_ctx, struct err *err)
{
    return reader_begin(reader_new(paths, npaths, opts, bad, bad_ctx), err);
}

struct reader *reader_open_fd(int fd, const char *name, const struct reader_opts *opts,
                              bad_record_fn *bad, void *bad_ctx, struct err *err)
{
    const char *const paths[] = {name};
    struct reader *r = reader_new(paths, 1, opts, bad, bad_ctx);
    r->sources[0] = source_from_fd(fd, r->paths[0], r->o.acct);
    return reader_begin(r, err);
}

struct reader *reader_open_input(const struct input *in, const char *name,
                                 const struct reader_opts *opts, bad_record_fn *bad, void *bad_ctx,
                                 struct err *err)
{
    const char *const paths[] = {name};
    struct reader *r = reader_new(paths, 1, opts, bad, bad_ctx);
    r->sources[0] = source_from_input(in, r->paths[0], r->o.acct);
    return reader_begin(r, err);
}

void reader_close(struct reader *r)
{
    if (!r)
        return;
    if (r->lane_of) {
        reader_lane_release(r);
        return;
    }
    batch_unref(r->b);
    feed_release(&r->feed);
    for (size_t i = 0; i < r->npaths; i++)
        source_free(r->sources[i]);
    free(r->sources);
    free(r->issues);
    free(r->cols);
    free(r->schema.fields);
    map_release(&r->by_name);
    map_release(&r->wanted);
    map_release(&r->pins);
    map_release(&r->nulls);
    buf_release(&r->tmp);
    buf_release(&r->path);
    json_scan_release(&r->json);
    arena_release(&r->mem);
    free(r);
}

const char *reader_defect(const struct reader *r, uint64_t *byte, uint64_t *line)
{
    *line = r->feed.line;
    return r->file_open ? source_defect(r->feed.src, byte) : NULL;
}

const struct schema *reader_schema(const struct reader *r)
{
    return &r->schema;
}

void reader_stats(const struct reader *r, struct reader_stats *out)
{
    *out = r->stats;
    if (r->file_open) {
        out->bytes += r->feed.bytes;
        out->read_bytes += source_stored_bytes(r->feed.src);
        out->bom = out->bom || r->feed.bom;
        uint64_t replaced;
        const char *encoding = feed_encoding(&r->feed, &replaced);
        out->encoding = encoding ? encoding : out->encoding;
        out->replaced += replaced;
        if (r->feed.latin1 && !out->latin1) {
            out->latin1 = true;
            out->latin1_line = r->feed.latin1_line;
        }
        if (!out->compression)
            out->compression = source_compression(r->feed.src);
    }
}
