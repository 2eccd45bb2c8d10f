/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The progress bar and the live view. One at a time, on stderr, for a person who waits.
 */
#include "cli/cli_internal.h"

#include <time.h>
#include <unistd.h>

#include "base/instant.h"
#include "cli/report.h"
#include "cli/text.h"

/* contracts.md section 5: work longer than two seconds shows a bar. */
#define APPEAR_US (2 * US_PER_S)
/* Ten times a second looks continuous. */
#define REDRAW_US (US_PER_S / 10)
#define BAR 24

static int64_t now_us(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * US_PER_S + ts.tv_nsec / 1000;
}

static void draw(struct progress *p, double done, double elapsed_s)
{
    struct buf line = BUF_INIT(4 << 10);
    struct buf out = BUF_INIT(4 << 10);
    unsigned width = report_width(STDERR_FILENO);
    char time[INSTANT_TEXT];

    buf_addf(&line, "%s ", p->what);
    if (p->total > 0) {
        double share = done >= p->total ? 1 : done < 0 ? 0 : done / p->total;
        unsigned full = (unsigned)(share * BAR);

        for (unsigned i = 0; i < BAR; i++)
            buf_adds(&line, i < full ? "█" : "░");
        buf_addf(&line, " %3.0f%%", share * 100);
        if (share > 0) {
            duration_format(time, elapsed_s / share - elapsed_s);
            buf_addf(&line, ", about %s left", time);
        }
    } else {
        duration_format(time, elapsed_s);
        buf_addf(&line, "%s", time);
    }
    buf_adds(&out, "\r");
    /* A bar that wraps could not be wiped again. */
    buf_add_slice(&out, text_cut(buf_slice(&line), width - 1));
    buf_adds(&out, "\033[K");
    (void)!write(STDERR_FILENO, out.p, out.len);
    buf_release(&line);
    buf_release(&out);
}

void cli_wipe_progress(struct buf *out)
{
    /* A bar's line has the cursor, a live view's lines are above it. */
    if (cli_process.progress_lines == 1)
        buf_adds(out, "\r\033[K");
    else if (cli_process.progress_lines > 1)
        buf_addf(out, "\r\033[%uA\033[J", cli_process.progress_lines - 1);
    cli_process.progress_lines = 0;
}

static void wipe(void)
{
    struct buf out = BUF_INIT(64);
    cli_wipe_progress(&out);
    (void)!write(STDERR_FILENO, out.p, out.len);
    buf_release(&out);
}

void progress_start(struct progress *p, const char *what, double total)
{
    *p = (struct progress){.what = what, .total = total, .started_us = now_us()};
    /* shown_us below 0 says that nothing will ever be shown. */
    if (cli_process.quiet || isatty(STDERR_FILENO) != 1)
        p->shown_us = -1;
}

void progress_update(struct progress *p, double done)
{
    int64_t now;

    if (p->shown_us < 0)
        return;
    now = now_us();
    if (now - p->started_us < APPEAR_US || now - p->shown_us < REDRAW_US)
        return;
    p->shown_us = now;
    p->visible = true;
    cli_process.progress_lines = 1;
    draw(p, done, (double)(now - p->started_us) / (double)US_PER_S);
}

void progress_done(struct progress *p)
{
    if (!p->visible)
        return;
    p->visible = false;
    wipe();
}

void live_start(struct live *l)
{
    *l = (struct live){.started_us = now_us()};
    if (cli_process.quiet || isatty(STDERR_FILENO) != 1)
        l->shown_us = -1;
}

bool live_is_due(struct live *l, double *elapsed_s)
{
    if (l->shown_us < 0)
        return false;
    int64_t now = now_us();
    if (now - l->started_us < APPEAR_US || now - l->shown_us < REDRAW_US)
        return false;
    l->shown_us = now;
    *elapsed_s = (double)(now - l->started_us) / (double)US_PER_S;
    return true;
}

void live_draw(struct live *l, struct slice text)
{
    struct buf out = BUF_INIT(BUF_UNBOUNDED);
    unsigned width = report_width(STDERR_FILENO), lines = 0, height = report_height(STDERR_FILENO);
    for (size_t i = 0; i < text.len; i++)
        lines += text.p[i] == '\n';
    cli_wipe_progress(&out);
    cli_process.progress_lines = 1; /* where the cursor stands */
    for (; text.len; lines--) {
        const char *end = memchr(text.p, '\n', text.len);
        size_t n = end ? (size_t)(end - text.p) : text.len;
        if (lines < height) { /* the last line of a terminal is where the cursor stands */
            buf_add_slice(&out, text_cut(slice_of(text.p, n), width - 1));
            buf_adds(&out, "\033[K\n");
            cli_process.progress_lines++;
        }
        text = slice_of(text.p + n + (end != NULL), text.len - n - (end != NULL));
    }
    l->visible = true;
    (void)!write(STDERR_FILENO, out.p, out.len);
    buf_release(&out);
}

void live_done(struct live *l)
{
    if (!l->visible)
        return;
    l->visible = false;
    wipe();
}
