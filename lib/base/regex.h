/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The regular expressions of jq's `test` that need no backtracking engine: literals, classes,
 * groups, alternation, repetition, ^ and $, with the meaning that jq gives them (Oniguruma, Perl
 * syntax, UTF-8: ^ and $ are the ends of the text, $ also stands before a final newline, a dot is
 * any character but a newline). They become an automaton that looks at each byte once (Thompson
 * 1968; states built as they are met).
 */
#ifndef FORELINE_REGEX_H
#define FORELINE_REGEX_H

#include "base/arena.h"
#include "base/base.h"

struct regex;
/* NULL when the pattern is outside the subset, or not a pattern at all: ask libjq. Used by one
 * thread. */
struct regex *regex_new(struct arena *a, struct slice pattern, bool icase);
enum regex_answer {
    REGEX_NO,
    REGEX_YES,
    REGEX_ASK, /* text beyond ASCII meets \d, \w, \s or ignored case: ask libjq */
};
enum regex_answer regex_test(struct regex *re, struct slice s);

#endif
