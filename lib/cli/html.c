/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Escaping and figures for pages. No page here. */
#include "cli/html.h"

#include <math.h>

#include "base/num.h"
#include "cli/text.h"

#define VALUE_MAX 80 /* columns of a value that are shown */

void html_text(struct buf *out, struct slice s)
{
    for (size_t i = 0; i < s.len;) {
        unsigned char c = (unsigned char)s.p[i];
        uint32_t cp = 0;
        size_t n = text_decode(s.p + i, s.len - i, &cp);
        if (n == 0 || c < 0x20 || c == 0x7f)
            buf_addf(out, "\\x%02x", c);
        else if ((cp >= 0x80 && cp < 0xa0) || text_turns(cp) || (cp & 0xfffe) == 0xfffe)
            buf_addf(out, "\\u%04x", cp);
        else if (c == '<' || c == '>' || c == '&' || c == '"' || c == '\'')
            buf_addf(out, "&#%u;", c);
        else
            buf_add(out, s.p + i, n);
        i += n ? n : 1;
    }
}

void html_str(struct buf *out, const char *s)
{
    html_text(out, slice_str(s));
}

/* A value of the data, cut to what a page has room for. */
void html_value(struct buf *out, struct slice s)
{
    struct slice cut =
        text_cut(s.len > 8 * VALUE_MAX ? slice_of(s.p, 8 * VALUE_MAX) : s, VALUE_MAX);
    buf_adds(out, "<bdi>");
    html_text(out, cut);
    buf_adds(out, cut.len < s.len ? "…</bdi>" : "</bdi>");
}

void html_count(struct buf *out, double n)
{
    char text[NUM_TEXT_MAX] = "–";
    if (isfinite(n))
        num_format_grouped(text, (int64_t)n);
    buf_adds(out, text);
}

void html_number(struct buf *out, double d)
{
    if (isfinite(d) && d == floor(d) && fabs(d) < 1e15)
        html_count(out, d);
    else if (isfinite(d))
        buf_addf(out, "%.6g", d);
    else
        buf_adds(out, "–");
}

void html_meter(struct buf *out, const char *kind, double share)
{
    double percent = isfinite(share) ? 100 * fmin(fmax(share, 0), 1) : 0;
    buf_addf(out,
             "<span class=\"meter %s\" aria-hidden=\"true\"><i style=\"width:%.2f%%\"></i></span>",
             kind, percent);
}
