/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Candidates, their splits and scores. See dialect.h. */
#include "table/dialect.h"

#include "base/arena.h"
#include "table/batch.h"
#include "table/csv_scan.h"
#include "table/mend.h"

/* Cells of these many records are looked at. */
#define RECORDS_TYPED 256
/* Characters that are common in text delimit only where so many records are alike. */
#define ALIKE_MIN 0.6

struct candidate {
    struct dialect d;
    double score, alike;
    uint32_t columns;
    uint64_t split; /* hash of where fields end */
};

/* In the order they are preferred. */
static const struct {
    int c;
    double prior;
} delimiters[] = {{',', 1},    {';', 1},    {'\t', 1},   {'|', 1},    {0x1f, 1},  {0x01, 1},
                  {'^', 0.8},  {'~', 0.8},  {'#', 0.5},  {'&', 0.5},  {':', 0.3}, {' ', 0.3},
                  {'=', 0.25}, {'/', 0.25}, {'*', 0.25}, {'!', 0.25}, {'_', 0.05}};
static const int quotes[] = {'"', '\'', -1};

/* -- cells -- */

enum cell { CELL_EMPTY, CELL_TEXT, CELL_NUMBER, CELL_TIME, CELL_ADDRESS, CELL_QUOTED, CELL_ODD };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static struct slice trimmed(struct slice s)
{
    while (s.len && (*s.p == ' ' || *s.p == '\t')) {
        s.p++;
        s.len--;
    }
    while (s.len && (s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\t' || s.p[s.len - 1] == '\r'))
        s.len--;
    return s;
}

/* Digits with what numbers, amounts and percentages have around them. */
static bool is_number(struct slice s)
{
    size_t digits = 0, i = 0, points = 0;
    bool exponent = false;
    while (i < s.len && (s.p[i] == '+' || s.p[i] == '-' || s.p[i] == '$' || s.p[i] == '('))
        i++;
    for (; i < s.len; i++) {
        char c = s.p[i];
        if (is_digit(c))
            digits++;
        else if (c == '.')
            points++;
        else if ((c == 'e' || c == 'E') && digits && !exponent && i + 1 < s.len) {
            exponent = true;
            if (s.p[i + 1] == '-' || s.p[i + 1] == '+')
                i++;
        } else if (!(c == ',' && digits) && !((c == '%' || c == ')') && i + 1 == s.len)) {
            return false;
        }
    }
    return digits > 0 && points <= 1;
}

/* Groups of digits between two or more signs of dates and times. */
static bool is_time(struct slice s)
{
    size_t digits = 0, dashes = 0, slashes = 0, colons = 0;
    if (s.len < 4 || s.len > 35 || !is_digit(s.p[0]))
        return false;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.p[i];
        digits += is_digit(c);
        dashes += c == '-';
        slashes += c == '/';
        colons += c == ':';
        if (!is_digit(c) && !strchr("-/:. TZ+", c))
            return false;
    }
    return (digits >= 3 && colons > 0) || (digits >= 5 && (dashes >= 2 || slashes >= 2));
}

static bool is_address(struct slice s)
{
    const char *at = memchr(s.p, '@', s.len);
    if (s.len > 8 && (memcmp(s.p, "http://", 7) == 0 || memcmp(s.p, "https://", 8) == 0))
        return !memchr(s.p, ' ', s.len) && !memchr(s.p, '"', s.len);
    return at && at > s.p && !memchr(s.p, ' ', s.len) &&
           memchr(at, '.', s.len - (size_t)(at - s.p));
}

static enum cell cell_kind(struct slice raw, int quote)
{
    struct slice s = trimmed(raw);
    if (s.len == 0)
        return CELL_EMPTY;
    bool opens = (unsigned char)s.p[0] == quote, closes = (unsigned char)s.p[s.len - 1] == quote;
    if (opens && closes && s.len > 1)
        return CELL_QUOTED;
    /* A quote on one end: of this dialect or of another. */
    bool first = s.p[0] == '"', final = s.p[s.len - 1] == '"';
    if (opens || (closes && quote == '"') || first != final)
        return CELL_ODD;
    if (first && s.len > 1)
        return quote == '"' ? CELL_QUOTED : CELL_ODD;
    if (is_number(s))
        return CELL_NUMBER;
    if (is_time(s))
        return CELL_TIME;
    return is_address(s) ? CELL_ADDRESS : CELL_TEXT;
}

static double cell_score(enum cell k)
{
    static const double scores[] = {0.6, 0.6, 1, 1, 1, 1, 0};
    return scores[k];
}

/* -- a split -- */

static struct slice cell_at(const struct csv_scan *s, const char *data, size_t field)
{
    size_t from = (uint32_t)(s->ends.at[field] + 1);
    return slice_of(data + from, s->ends.at[field + 1] - from);
}

static uint32_t width_of(const struct csv_scan *s, size_t k)
{
    return s->rows.at[k] - s->rows.at[k - 1];
}

static bool is_blank_line(const struct csv_scan *s, const char *data, size_t k)
{
    return width_of(s, k) == 1 && trimmed(cell_at(s, data, s->rows.at[k - 1])).len == 0;
}

/* The most frequent width (of equals the larger), and how many records are that wide, of all. */
static uint32_t frequent_width(const struct csv_scan *s, const char *data, size_t *n, size_t *all)
{
    uint32_t widest = 0, best = 0;
    for (size_t k = 1; k <= csv_scan_rows(s); k++)
        widest = width_of(s, k) > widest ? width_of(s, k) : widest;
    uint32_t *count = xcalloc((size_t)widest + 1, sizeof(*count));
    *all = 0;
    for (size_t k = 1; k <= csv_scan_rows(s); k++) {
        if (!is_blank_line(s, data, k)) {
            (*all)++;
            count[width_of(s, k)]++;
        }
    }
    for (uint32_t w = 1; w <= widest; w++)
        if (count[w] && count[w] >= count[best])
            best = w;
    *n = count[best];
    free(count);
    return best;
}

/* Splits all of text (an LF or more input stands behind it), mending for `width` columns. */
static void split(struct csv_scan *s, const struct dialect *d, struct slice text, bool whole,
                  uint32_t width)
{
    csv_scan_init(s, d->delimiter, d->quote, d->escape, 0);
    do
        csv_scan_bytes(s, text.p, text.len);
    while (csv_mend(s, text.p, whole, width));
    if (whole && csv_scan_start(s, s->rows.n) < text.len) {
        s->state = CSV_PLAIN;
        csv_scan_bytes(s, text.p, text.len + 1);
    }
}

static double share_typed(const struct csv_scan *s, const char *data, int quote, uint32_t width)
{
    double sum = 0;
    size_t cells = 0, records = 0;
    for (size_t k = 1; k <= csv_scan_rows(s) && records < RECORDS_TYPED; k++) {
        if (width_of(s, k) != width || is_blank_line(s, data, k))
            continue;
        records++;
        for (size_t f = s->rows.at[k - 1]; f < s->rows.at[k]; f++, cells++)
            sum += cell_score(cell_kind(cell_at(s, data, f), quote));
    }
    return cells ? sum / (double)cells : 0;
}

/* One value from end to end, without delimiters that would make it two. */
static bool is_one_value(struct slice cell, int quote)
{
    struct slice s = trimmed(cell);
    bool parts = memchr(s.p, ',', s.len) || memchr(s.p, ';', s.len) || memchr(s.p, '\t', s.len) ||
                 memchr(s.p, '|', s.len);
    switch (cell_kind(s, quote)) {
    case CELL_NUMBER:
    case CELL_TIME:
    case CELL_ADDRESS:
        return !parts;
    case CELL_QUOTED:
        for (size_t i = 1; i + 1 < s.len; i++) {
            if ((unsigned char)s.p[i] == quote && (unsigned char)s.p[++i] != quote)
                return false;
        }
        return true;
    default:
        return false;
    }
}

/* Share of the lines that are one number, time, address or quoted text. */
static double share_of_values(const struct csv_scan *s, const char *data, int quote)
{
    size_t values = 0, records = 0;
    for (size_t k = 1; k <= csv_scan_rows(s) && records < RECORDS_TYPED; k++) {
        if (is_blank_line(s, data, k))
            continue;
        records++;
        values += width_of(s, k) == 1 && is_one_value(cell_at(s, data, s->rows.at[k - 1]), quote);
    }
    return records ? (double)values / (double)records : 0;
}

static uint64_t hash_split(const struct csv_scan *s)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 1; i < s->ends.n; i++)
        h = (h ^ s->ends.at[i]) * UINT64_C(0x100000001b3);
    for (size_t i = 1; i < s->rows.n; i++)
        h = (h ^ s->rows.at[i]) * UINT64_C(0x100000001b3);
    return h;
}

static void rate(struct candidate *c, double prior, struct slice text, bool whole)
{
    struct csv_scan s = {0};
    size_t n, all;
    split(&s, &c->d, text, whole, 0);
    c->columns = frequent_width(&s, text.p, &n, &all);
    if (s.lfs.n && c->columns > 1) {
        split(&s, &c->d, text, whole, c->columns);
        c->columns = frequent_width(&s, text.p, &n, &all);
    }
    c->split = hash_split(&s);
    /* What a quote swallows up to the end of the text is no record. */
    size_t covered = csv_scan_start(&s, s.rows.n);
    double alike = all ? (double)n / (double)all : 0;
    alike *= covered < text.len ? (double)covered / (double)text.len : 1;
    c->alike = alike;
    if (c->columns > 1) {
        double typed = share_typed(&s, text.p, c->d.quote, c->columns);
        double wide = 1 - 1 / (double)c->columns;
        c->score = prior * alike * alike * wide * typed;
        /* Prose has blanks and colons, too. */
        if (prior < 1 && alike < ALIKE_MIN)
            c->score *= 0.001;
    } else {
        double values = share_of_values(&s, text.p, c->d.quote);
        c->score = 0.001 + 0.6 * values * values * values * values;
    }
    csv_scan_release(&s);
}

/* -- candidates -- */

static bool has(struct slice text, int c)
{
    return c >= 0 && memchr(text.p, c, text.len) != NULL;
}

/* Is the quote behind the escape character anywhere? */
static bool has_escaped(struct slice text, int escape, int quote)
{
    for (const char *p = text.p; (p = memchr(p, escape, text.len - (size_t)(p - text.p))); p++)
        if (p + 1 < text.p + text.len && (unsigned char)p[1] == quote)
            return true;
    return false;
}

/* Better ones first; of those that split alike, and of equals, the one met first stays. */
static size_t insert(struct candidate *list, size_t n, size_t cap, const struct candidate *c)
{
    size_t i = n;
    for (size_t k = 0; k < n; k++)
        if (list[k].split == c->split)
            return n;
    while (i > 0 && list[i - 1].score < c->score)
        i--;
    if (n == cap && i == n)
        return n;
    if (n == cap)
        n--;
    memmove(list + i + 1, list + i, (n - i) * sizeof(*list));
    list[i] = *c;
    return n + 1;
}

static size_t try_quotes(struct candidate *list, size_t n, size_t cap, int delimiter, double prior,
                         struct slice text, bool whole, const struct dialect_given *g)
{
    for (size_t q = 0; q < ARRAY_LEN(quotes); q++) {
        int quote = g->quote ? g->quote : quotes[q];
        /* Without quotes in the text all are alike. */
        if (quote == delimiter || (q > 0 && (g->quote || (quote >= 0 && !has(text, quote)))))
            continue;
        for (int e = 0; e < 2; e++) {
            int escape = g->escape ? g->escape : e ? '\\' : -1;
            if (e && (g->escape || quote < 0 || !has_escaped(text, escape, quote)))
                continue;
            struct candidate c = {.d = {delimiter, quote, escape, false}};
            rate(&c, prior * (q == 1 ? 0.9 : 1), text, whole);
            /* One column is a reading of its own, tried once. */
            if (c.columns == 1 && delimiter != ',' && delimiter >= 0 && !g->delimiter)
                continue;
            n = insert(list, n, cap, &c);
        }
    }
    return n;
}

/* Another reading of quotes is a rival only where it makes more records alike. */
static bool is_rival(const struct candidate *c, const struct candidate *best)
{
    return c->d.delimiter != best->d.delimiter || c->alike > best->alike;
}

/* -- the first record -- */

static void look_at_first(struct dialect_guess *g, struct slice text, bool whole)
{
    struct csv_scan s = {0};
    size_t first = 0, records = 0, telling = 0;
    split(&s, &g->best, text, whole, g->columns);
    for (size_t k = 1; !first && k <= csv_scan_rows(&s); k++)
        if (!is_blank_line(&s, text.p, k))
            first = k;
    bool like = first && width_of(&s, first) == g->columns;
    for (uint32_t c = 0; like && c < g->columns; c++) {
        size_t kinds[CELL_ODD + 1] = {0}, n = 0;
        enum cell mine = cell_kind(cell_at(&s, text.p, s.rows.at[first - 1] + c), g->best.quote);
        for (size_t k = first + 1; k <= csv_scan_rows(&s) && n < RECORDS_TYPED; k++) {
            if (width_of(&s, k) != g->columns)
                continue;
            kinds[cell_kind(cell_at(&s, text.p, s.rows.at[k - 1] + c), g->best.quote)]++;
            n++;
        }
        records = n;
        bool value = mine == CELL_NUMBER || mine == CELL_TIME || mine == CELL_ADDRESS;
        telling += value && 2 * kinds[mine] > n;
        like = !(2 * (kinds[CELL_NUMBER] + kinds[CELL_TIME] + kinds[CELL_ADDRESS]) > n) || value;
    }
    g->first_is_data = like && telling > 0 && records > 1;
    csv_scan_release(&s);
}

/* -- all of it -- */

static bool only_bare_crs(struct slice head)
{
    const char *cr = memchr(head.p, '\r', head.len);
    return cr && cr + 1 < head.p + head.len && !memchr(head.p, '\n', head.len);
}

/* Without the last line, which may be cut. */
static struct slice whole_lines(struct slice text)
{
    size_t n = text.len;
    while (n > 0 && text.p[n - 1] != '\n')
        n--;
    return n ? slice_of(text.p, n) : text;
}

void dialect_detect(struct slice head, bool whole, const struct dialect_given *given,
                    struct dialect_guess *out)
{
    struct candidate list[2 * DIALECT_RIVALS];
    size_t n = 0;
    memset(out, 0, sizeof(*out));
    char *copy = xcalloc(head.len + BLOCK_SLACK + 1, 1);
    if (head.len)
        memcpy(copy, head.p, head.len);
    out->best.cr = only_bare_crs(head);
    for (size_t i = 0; out->best.cr && i < head.len; i++)
        if (copy[i] == '\r')
            copy[i] = '\n';
    struct slice text = slice_of(copy, head.len);
    /* A line longer than what is looked at is better than none. */
    whole = whole || !memchr(copy, '\n', head.len);
    if (!whole)
        text = whole_lines(text);
    copy[text.len] = '\n';
    for (size_t i = 0; i < ARRAY_LEN(delimiters); i++) {
        int d = given->delimiter ? given->delimiter : delimiters[i].c;
        if (i > 0 && (given->delimiter || !has(text, d)))
            continue;
        n = try_quotes(list, n, ARRAY_LEN(list), d, delimiters[i].prior, text, whole, given);
    }
    if (!given->delimiter)
        n = try_quotes(list, n, ARRAY_LEN(list), -1, 1, text, whole, given);
    bool cr = out->best.cr;
    double rival = 0;
    out->confidence = 1;
    out->columns = 0;
    out->best = (struct dialect){given->delimiter ? given->delimiter : ',', '"', -1, cr};
    if (n > 0) {
        out->best = list[0].d;
        out->best.cr = cr;
        out->columns = list[0].columns;
    }
    for (size_t i = 1; i < n; i++) {
        if (!is_rival(&list[i], &list[0]))
            continue;
        if (rival < list[i].score)
            rival = list[i].score;
        if (list[i].score >= DIALECT_TIE * list[0].score && out->nties < DIALECT_RIVALS) {
            out->ties[out->nties] = list[i].d;
            out->ties[out->nties++].cr = cr;
        }
    }
    if (rival > 0)
        out->confidence = list[0].score / (list[0].score + rival);
    if (out->columns > 0)
        look_at_first(out, text, whole);
    free(copy);
}

const char *dialect_char_name(int c, char to[8])
{
    switch (c) {
    case -1:
        return "none";
    case '\t':
        return "tab";
    case ' ':
        return "space";
    case '\'':
        return "\"'\"";
    default:
        break;
    }
    snprintf(to, 8, c > 0x20 && c < 0x7f ? "'%c'" : "0x%02x", c);
    return to;
}
