/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What etl-profile says on stderr of an input: how it was read, and what was wrong with it. */
#include "tools/etl-profile.h"

/* "--delimiter ';' --quote none": how `d` differs from `from`, in the words of the options. */
static void say_dialect(struct buf *to, const struct dialect *d, const struct dialect *from)
{
    char name[8];
    if (d->delimiter != from->delimiter)
        buf_addf(to, " --delimiter %s", dialect_char_name(d->delimiter, name));
    if (d->quote != from->quote)
        buf_addf(to, " --quote %s", dialect_char_name(d->quote, name));
    if (d->escape != from->escape)
        buf_addf(to, " --escape %s", dialect_char_name(d->escape, name));
}

/* What was found of the dialect: nothing of it silently when it could be another. */
static void report_dialect(const char *name, const struct reader_stats *s, bool no_header)
{
    const struct dialect_guess *g = &s->dialect;
    struct buf other = BUF_INIT(BUF_UNBOUNDED);
    char a[8], b[8];
    if (s->format == FORMAT_JSONL || g->columns == 0)
        return;
    cli_note("%s: delimiter %s, quote %s, escape %s%s, %u columns, confidence %.2f", name,
             dialect_char_name(g->best.delimiter, a), dialect_char_name(g->best.quote, b),
             g->best.escape < 0 ? "none" : "set", g->best.cr ? ", lines end at CR" : "", g->columns,
             g->confidence);
    for (size_t i = 0; i < g->nties; i++) {
        if (i > 0)
            buf_adds(&other, ", or");
        say_dialect(&other, &g->ties[i], &g->best);
    }
    if (other.len > 0)
        cli_warn("%s: read with delimiter %s, quote %s (%u columns), but it may be%s", name,
                 dialect_char_name(g->best.delimiter, a), dialect_char_name(g->best.quote, b),
                 g->columns, buf_str(&other));
    if (g->first_is_data && !no_header)
        cli_warn("%s: the first record looks like data and was read as names (--no-header)", name);
    buf_release(&other);
}

void etl_profile_notes(const char *name, const struct profile_result *r, bool no_header)
{
    cli_note("%s: %s%s%s, %llu records", name, format_name(r->stats.format),
             r->stats.compression ? ", " : "", r->stats.compression ? r->stats.compression : "",
             (unsigned long long)r->delivered);
    if (r->stats.encoding != NULL)
        cli_note("%s: %s, %llu characters that are none", name, r->stats.encoding,
                 (unsigned long long)r->stats.replaced);
    if (r->stats.latin1)
        cli_note("%s:%llu: the first bytes that are not UTF-8 (Latin-1?)", name,
                 (unsigned long long)r->stats.latin1_line);
    report_dialect(name, &r->stats, no_header);
    if (r->by_arrival)
        cli_warn("%s: no column holds times (--time): windows go by when records arrive", name);
}

/* First offending line and count. */
void etl_profile_faults(const char *name, const struct profile_result *r)
{
    for (size_t i = 0; i < r->nfaults; i++) {
        const struct profile_fault *f = &r->faults[i];
        char more[64] = "", line[32] = "";
        if (f->line > 0)
            snprintf(line, sizeof(line), ":%llu", (unsigned long long)f->line);
        if (f->line == 0 && f->byte > 0)
            snprintf(more, sizeof(more), " (byte %llu)", (unsigned long long)f->byte);
        else if (f->count > 1)
            snprintf(more, sizeof(more), " (first of %llu such records)",
                     (unsigned long long)f->count);
        if (r->stats.records == 0)
            cli_error("%s%s: %s%s", name, line, f->reason, more);
        else
            cli_warn("%s%s: %s%s", name, line, f->reason, more);
    }
}
