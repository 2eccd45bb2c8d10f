/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The frame of a unit test program: `UNIT_MAIN("name", case1, case2, …)` runs Check cases as TAP.
 * UNIT_MAIN_WITH has a fixture for each case; cases there are {case, 0}, or {case, N} for one that
 * runs for each row `_i` of a table of N. */
#ifndef FORELINE_TESTS_SUITE_H
#define FORELINE_TESTS_SUITE_H

#include <check.h>

struct unit_case {
    const TTest *test;
    size_t rows;
};

static inline int unit_run(const char *name, SFun set_up, SFun tear_down,
                           const struct unit_case *cases, size_t n)
{
    Suite *s = suite_create(name);
    TCase *tc = tcase_create(name);
    tcase_set_timeout(tc, 300);
    tcase_add_checked_fixture(tc, set_up, tear_down);
    for (size_t i = 0; i < n; i++)
        tcase_add_loop_test(tc, cases[i].test, 0, cases[i].rows ? (int)cases[i].rows : 1);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_set_tap(sr, "-");
    srunner_run_all(sr, CK_SILENT);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}

#define UNIT_MAIN_WITH(name, set_up, tear_down, ...)                                       \
    int main(void)                                                                         \
    {                                                                                      \
        const struct unit_case cases[] = {__VA_ARGS__};                                    \
        return unit_run(name, set_up, tear_down, cases, sizeof(cases) / sizeof(cases[0])); \
    }

#define UNIT_MAIN(name, ...)                                                        \
    int main(void)                                                                  \
    {                                                                               \
        const TTest *tests[] = {__VA_ARGS__};                                       \
        struct unit_case cases[sizeof(tests) / sizeof(tests[0])] = {{NULL, 0}};     \
        for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)               \
            cases[i].test = tests[i];                                               \
        return unit_run(name, NULL, NULL, cases, sizeof(cases) / sizeof(cases[0])); \
    }

#endif
