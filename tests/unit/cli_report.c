/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lib/cli: tables, sparklines and the width of text. */
#define _XOPEN_SOURCE 700 /* pseudo-terminals */
#include "tests/unit/suite.h"

#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/report.h"
#include "cli/html.h"
#include "cli/text.h"

static const char *const headings[] = {"<name", ">rows", "<what", NULL};

static struct report_table *sample(void)
{
    struct report_table *t = report_table_new(headings);

    report_cell(t, NULL, "%s", "orders");
    report_cell(t, "red", "%d", 1200);
    report_cell(t, NULL, "plain");
    report_cell(t, NULL, "%s", "größe");
    report_cell(t, NULL, "%d", 7);
    report_cell(t, NULL, "日本 and a longer text that may be cut");
    return t;
}

START_TEST(columns_are_aligned_by_what_a_terminal_shows)
{
    struct buf b = BUF_INIT(1 << 16);
    struct report_table *t = sample();

    report_table_write(&b, t, 99, 0);
    ck_assert_str_eq(buf_str(&b), "name    rows  what\n"
                                  "orders  1200  plain\n"
                                  "größe      7  日本 and a longer text that may be cut\n");
    report_table_free(t);
    buf_release(&b);
}
END_TEST

START_TEST(the_widest_left_column_gives_way)
{
    struct buf b = BUF_INIT(1 << 16);
    struct report_table *t = sample();

    report_table_write(&b, t, 99, 30);
    ck_assert_str_eq(buf_str(&b), "name   rows what\n"
                                  "orders 1200 plain\n"
                                  "größe     7 日本 and a longer…\n");
    buf_clear(&b);
    /* Too narrow for anything: columns keep a least width. */
    report_table_write(&b, t, 99, 1);
    ck_assert_str_eq(buf_str(&b), "name   rows what\n"
                                  "orders 1200 plain\n"
                                  "größe     7 日本 an…\n");
    report_table_free(t);
    buf_release(&b);
}
END_TEST

START_TEST(a_row_that_is_not_full_ends_with_the_table)
{
    struct buf b = BUF_INIT(1 << 16);
    struct report_table *t = report_table_new(headings);

    report_table_write(&b, t, 99, 80);
    ck_assert_str_eq(buf_str(&b), "name  rows  what\n");
    buf_clear(&b);
    report_cell(t, NULL, "x\033[31m\ny");
    report_cell(t, NULL, "%s", "");
    report_table_write(&b, t, 99, 80);
    ck_assert_str_eq(buf_str(&b), "name            rows  what\n"
                                  "x\\x1b[31m\\x0ay\n");
    report_table_free(t);
    buf_release(&b);
}
END_TEST

START_TEST(colours_only_when_asked_for)
{
    struct buf b = BUF_INIT(1 << 16);
    struct report_table *t = report_table_new((const char *const[]){">n", NULL});

    ck_assert_str_eq(cli_color(1, "red"), "");
    setenv("FORELINE_COLOR", "always", 1);
    setenv("NO_COLOR", "1", 1);
    report_cell(t, "red", "5");
    report_cell(t, NULL, "10");
    report_table_write(&b, t, 1, 0);
    ck_assert_str_eq(buf_str(&b), " \033[1mn\033[0m\n \033[31m5\033[0m\n10\n");
    ck_assert_str_eq(cli_color(1, "mauve"), "");
    report_table_free(t);
    buf_release(&b);
}
END_TEST

START_TEST(a_sparkline_has_eight_levels)
{
    struct buf b = BUF_INIT(1 << 16);
    const double up[] = {0, 1, 2, 3, 4, 5, 6, 7}, odd[] = {-1, NAN, INFINITY, 2, 1},
                 none[] = {0, 0};

    report_sparkline(&b, up, ARRAY_LEN(up));
    ck_assert_str_eq(buf_str(&b), "▁▂▃▄▅▆▇█");
    buf_clear(&b);
    report_sparkline(&b, odd, ARRAY_LEN(odd));
    ck_assert_str_eq(buf_str(&b), "▁ ▁█▄");
    buf_clear(&b);
    report_sparkline(&b, none, ARRAY_LEN(none));
    report_sparkline(&b, NULL, 0);
    ck_assert_str_eq(buf_str(&b), "▁▁");
    buf_release(&b);
}
END_TEST

START_TEST(width_counts_what_a_terminal_shows)
{
    static const struct {
        const char *s;
        size_t columns;
    } cases[] = {{"", 0},      {"abc", 3},
                 {"größe", 5}, {"e\xcc\x81", 1},
                 {"日本", 4},  {"\xf0\x9f\x99\x82", 2},
                 {"\xff", 1},  {"a\xc3", 2},
                 {"…", 1},     {"\xed\xa0\x80", 3}};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        ck_assert_uint_eq(text_columns(slice_str(cases[i].s)), cases[i].columns);
    ck_assert_uint_eq(text_cut(slice_str("日本"), 3).len, 3);
    ck_assert_uint_eq(text_cut(slice_str("abc"), 0).len, 0);
}
END_TEST

START_TEST(what_a_terminal_would_act_on_is_masked)
{
    struct buf b = BUF_INIT(1 << 16);
    text_mask(&b,
              slice_str("a\033[31m\n\xff \xe2\x80\xae"
                        "b \xc2\x9b größe \xe2\x81\xa6"),
              false);
    ck_assert_str_eq(buf_str(&b),
                     "a\\x1b[31m\\x0a\\xff \\xe2\\x80\\xaeb \\xc2\\x9b größe \\xe2\\x81\\xa6");
    buf_release(&b);
}
END_TEST

START_TEST(text_of_the_data_is_never_markup)
{
    static const struct {
        const char *s, *html;
    } cases[] = {
        {"a & b", "a &#38; b"},
        {"</script>\"'", "&#60;/script&#62;&#34;&#39;"},
        {"t\tn\n\x7f", "t\\x09n\\x0a\\x7f"},
        {"\xff\xc3", "\\xff\\xc3"},
        {"größe 日本", "größe 日本"},
        {"\xe2\x80\xae"
         "x",
         "\\u202ex"},
        {"\xef\xbf\xbf", "\\uffff"},
    };
    struct buf b = BUF_INIT(1 << 16);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        buf_clear(&b);
        html_str(&b, cases[i].s);
        ck_assert_str_eq(buf_str(&b), cases[i].html);
    }
    buf_clear(&b);
    char *wide = xasprintf("%0200d", 7);
    html_value(&b, slice_str(wide));
    ck_assert_uint_eq(b.len, strlen("<bdi>") + 80 + strlen("…</bdi>"));
    free(wide);
    buf_clear(&b);
    html_count(&b, 1234567);
    html_number(&b, 0.25);
    html_number(&b, (double)NAN);
    ck_assert_str_eq(buf_str(&b), "1,234,5670.25–");
    buf_clear(&b);
    html_meter(&b, "good", 2); /* a share is at most 1 */
    ck_assert_ptr_nonnull(strstr(buf_str(&b), "width:100.00%"));
    buf_release(&b);
}
END_TEST

START_TEST(text_is_broken_at_blanks_and_never_inside_a_word)
{
    struct buf b = BUF_INIT(1 << 16);

    text_wrap(&b, "one two  three\nfour averyveryverylongword five", 4, 2, 12);
    ck_assert_str_eq(buf_str(&b), "one two\n  three four\n  averyveryverylongword\n  five");
    buf_clear(&b);
    text_wrap(&b, "  ", 0, 0, 10);
    ck_assert_str_eq(buf_str(&b), "");
    buf_release(&b);
}
END_TEST

START_TEST(progress_is_silent_where_nobody_looks)
{
    struct progress p;

    progress_start(&p, "reading", 10);
    p.started_us -= 10000000;
    progress_update(&p, 5);
    ck_assert(!p.visible);
    progress_done(&p);
}
END_TEST

START_TEST(live_lines_are_drawn_in_their_place_and_go_before_a_message)
{
    struct live l;
    char got[4096];
    size_t len = 0;
    ssize_t n;
    double elapsed;
    struct winsize size = {.ws_row = 3, .ws_col = 20};
    int terminal = posix_openpt(O_RDWR | O_NOCTTY), mine = dup(2), side;

    ck_assert_int_ge(terminal, 0);
    ck_assert(grantpt(terminal) == 0 && unlockpt(terminal) == 0);
    side = open(ptsname(terminal), O_RDWR | O_NOCTTY);
    ck_assert_int_ge(side, 0);
    ck_assert_int_eq(ioctl(side, TIOCSWINSZ, &size), 0);
    dup2(side, 2);
    live_start(&l);
    ck_assert(!live_is_due(&l, &elapsed));
    l.started_us -= 2100000;
    ck_assert(live_is_due(&l, &elapsed) && elapsed > 2);
    ck_assert(!live_is_due(&l, &elapsed));
    live_draw(&l, slice_str("one\ntwo\nthree, which is wider than the terminal\n"));
    live_draw(&l, slice_str("last\n"));
    cli_error("in between");
    live_draw(&l, slice_str("again\n"));
    live_done(&l);
    dup2(mine, 2);
    close(side);
    while (len < sizeof(got) - 1 && (n = read(terminal, got + len, sizeof(got) - 1 - len)) > 0)
        len += (size_t)n;
    got[len] = '\0';
    ck_assert_str_eq(got, "two\033[K\r\nthree, which is wid\033[K\r\n"
                          "\r\033[2A\033[Jlast\033[K\r\n"
                          "\r\033[1A\033[Jforeline: in between\r\n"
                          "again\033[K\r\n\r\033[1A\033[J");
    close(terminal);
    close(mine);
}
END_TEST

START_TEST(a_bar_shows_after_two_seconds_and_goes_before_a_message)
{
    struct progress p;
    char got[4096];
    size_t len = 0;
    ssize_t n;
    int terminal = posix_openpt(O_RDWR | O_NOCTTY), mine = dup(2), side;

    ck_assert_int_ge(terminal, 0);
    ck_assert(grantpt(terminal) == 0 && unlockpt(terminal) == 0);
    side = open(ptsname(terminal), O_RDWR | O_NOCTTY);
    ck_assert_int_ge(side, 0);
    dup2(side, 2);
    progress_start(&p, "reading", 10);
    progress_update(&p, 5);
    ck_assert(!p.visible);
    p.started_us -= 2100000;
    progress_update(&p, 5);
    ck_assert(p.visible);
    cli_error("in between");
    progress_done(&p);
    dup2(mine, 2);
    close(side);
    /* Until its last writer has gone, which reads as an error. */
    while (len < sizeof(got) - 1 && (n = read(terminal, got + len, sizeof(got) - 1 - len)) > 0)
        len += (size_t)n;
    got[len] = '\0';
    ck_assert_int_eq(strncmp(got, "\rreading ████████████░░░░░░░░░░░░  50%, about 2", 60), 0);
    ck_assert_ptr_nonnull(strstr(got, "left\033[K\r\033[Kforeline: in between\r\n"));
    close(terminal);
    close(mine);
}
END_TEST

UNIT_MAIN("cli_report", columns_are_aligned_by_what_a_terminal_shows,
          the_widest_left_column_gives_way, a_row_that_is_not_full_ends_with_the_table,
          colours_only_when_asked_for, a_sparkline_has_eight_levels,
          width_counts_what_a_terminal_shows, what_a_terminal_would_act_on_is_masked,
          text_of_the_data_is_never_markup, text_is_broken_at_blanks_and_never_inside_a_word,
          progress_is_silent_where_nobody_looks,
          live_lines_are_drawn_in_their_place_and_go_before_a_message,
          a_bar_shows_after_two_seconds_and_goes_before_a_message)
