/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The frame of a unit test program: `UNIT_MAIN("name", case1, case2, …)` runs Check cases as TAP.
 */
#ifndef FORELINE_TESTS_SUITE_H
#define FORELINE_TESTS_SUITE_H

#include <check.h>

#define UNIT_MAIN(name, ...)                                          \
    int main(void)                                                    \
    {                                                                 \
        const TTest *cases[] = {__VA_ARGS__};                         \
        TCase *tc = tcase_create(name);                               \
        tcase_set_timeout(tc, 300);                                   \
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) \
            tcase_add_test(tc, cases[i]);                             \
        Suite *s = suite_create(name);                                \
        suite_add_tcase(s, tc);                                       \
        SRunner *sr = srunner_create(s);                              \
        srunner_set_tap(sr, "-");                                     \
        srunner_run_all(sr, CK_SILENT);                               \
        int failed = srunner_ntests_failed(sr);                       \
        srunner_free(sr);                                             \
        return failed != 0;                                           \
    }

#endif
